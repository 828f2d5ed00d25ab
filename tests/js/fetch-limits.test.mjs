// Requests of rt.fetch under the limits of the configuration: rates, tenants, circuits, plain fetches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertNothingLeft } from '../support/calls.mjs';
import { kKey, providers } from '../support/llm-client.mjs';
import { serve } from '../support/llm-server.mjs';
import { deferred, hasCode, rejection, turns } from '../support/tasks.mjs';

const { RequestTooLargeError, CircuitOpenError } = heddle;

const post = (content, more) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
  body: JSON.stringify({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content }], ...more }),
});

async function connected(t, options, config) {
  const server = await serve(t, options);
  const rt = await open(t, { clock: 'virtual', ...config });
  return { server, rt, url: `${server.openaiBaseURL}/chat/completions` };
}

test('requests a minute hold, whoever sends them', async (t) => {
  const { server, rt, url } = await connected(t, {}, { rates: { requestsPerMinute: 2, transit: 0 } });
  const sent = [];
  const { fetch } = rt;
  await Promise.all(Array.from({ length: 6 }, async (_, i) => {
    await fetch(url, post(`n${i}`));
    sent.push(rt.clock.now());
  }));
  for (let i = 2; i < sent.length; i++) assert.ok(sent[i] - sent[i - 2] >= 60_000, `${sent}`);
  assert.equal(server.stats().requests, 6);
  await assertNothingLeft(rt, server);
});

test('tokens are reserved by an estimate and corrected by what the answer says', async (t) => {
  const { server, rt, url } = await connected(t, { respond: () => ({ text: 'x', usage: { input: 5, output: 5 } }) }, { rates: { tokensPerMinute: 1000, transit: 0 } });
  for (let i = 0; i < 5; i++) await (await rt.fetch(url, post(`n${i}`, { max_tokens: 800 }))).json();
  assert.equal(rt.clock.now(), 0, 'each reserves most of the limit, and all of them use a twentieth of it');
  const both = await Promise.all([rt.fetch(url, post('a', { max_tokens: 800 })), rt.fetch(url, post('b', { max_tokens: 800, stream: true, stream_options: { include_usage: true } }))].map(async (answer) => (await answer).text()));
  assert.equal(both.length, 2);
  assert.equal(server.stats().maxOpen, 1, 'two reservations do not fit at once');
  await assertNothingLeft(rt, server);
});

test('a request that could never fit is refused at once and not sent', async (t) => {
  const { server, rt, url } = await connected(t, {}, { rates: { tokensPerMinute: 100 } });
  const error = await rejection(rt.fetch(url, post('hi', { max_tokens: 500 })));
  assert.ok(error instanceof RequestTooLargeError, String(error));
  assert.equal(error.limit, 100);
  assert.ok(error.needed > 500);
  assert.equal(server.stats().requests, 0);
  await assertNothingLeft(rt, server);
});

test('a tenant has its own limit: by option, else by the key of its task', async (t) => {
  const { server, rt, url } = await connected(t, {}, { rates: { tenants: { slow: { requestsPerMinute: 1 } }, transit: 0 } });
  const own = rt.fetchWith({ tenant: 'slow' });
  await own(url, post('a'));
  await rt.fetch(url, post('b'));
  assert.equal(rt.clock.now(), 0);
  await rt.submit((ctx) => ctx.fetch(url, post('c')), { key: 'slow' }).promise;
  assert.ok(rt.clock.now() >= 60_000);
  assert.equal(server.stats().requests, 3);
  await assertNothingLeft(rt, server);
});

test('an endpoint that fails is not asked while its circuit is open', async (t) => {
  const { server, rt, url } = await connected(t, { fault: () => 500 }, { breaker: { failures: 2 }, retry: { maxAttempts: 2, baseDelay: 1, maxDelay: 1 } });
  assert.equal((await rt.fetch(url, post('a'))).status, 500);
  assert.ok((await rejection(rt.fetch(url, post('b')))) instanceof CircuitOpenError);
  assert.equal(server.stats().requests, 2);
  await assertNothingLeft(rt, server);
});

test('keys are limited apart, and no limit\'s name tells one', async (t) => {
  const { rt, url, server } = await connected(t, {}, { rates: { requestsPerMinute: 1, transit: 0 } });
  const by = (key) => ({ ...post('hi'), headers: { authorization: `Bearer ${key}` } });
  await Promise.all([rt.fetch(url, by('sk-secret-one')), rt.fetch(url, by('sk-secret-two'))]);
  assert.equal(rt.clock.now(), 0);
  assert.doesNotMatch(JSON.stringify(rt.getStats()), /secret/);
  await assertNothingLeft(rt, server);
});

test('maxConcurrentFetches holds for other requests, until their headers', async (t) => {
  const waiting = [];
  const fetch = () => {
    const { promise, resolve } = deferred();
    waiting.push(() => resolve(new Response('x')));
    return promise;
  };
  const rt = await open(t, { fetch, maxConcurrentFetches: 2 });
  const answers = Promise.all(Array.from({ length: 5 }, (_, i) => rt.fetch(`http://a.example/${i}`)));
  await turns();
  assert.equal(waiting.length, 2);
  waiting.shift()();
  await turns();
  assert.equal(waiting.length, 2, 'a body that nobody read holds no place');
  for (let left = 4; left > 0; left--) {
    await turns();
    waiting.shift()();
  }
  assert.equal((await answers).length, 5);
  await assertNothingLeft(rt);
});

test('what a task\'s requests cost is on its account', async (t) => {
  const { rt, url } = await connected(t, { respond: () => ({ text: 'x', usage: { input: 5, output: 7 } }), fault: ({ n }) => (n === 1 ? 503 : undefined) }, { retry: { baseDelay: 1, maxDelay: 1 } });
  const task = rt.submit(async (ctx) => void (await (await ctx.fetch(url, post('hi'))).text()));
  await task.promise;
  assert.deepEqual(task.llm, { attempts: 2, inputTokens: 5, outputTokens: 7 });
});

test('rt.fetch and a provider of the same server and key share its limits; another key has its own', async (t) => {
  const server = await serve(t);
  const rt = await open(t, { provider: providers.openai(server), rates: { requestsPerMinute: 100 }, clock: 'virtual' });
  await rt.llm('one');
  const ask = (key) => rt.fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm-1', messages: [{ role: 'user', content: 'two' }] }),
  });
  await (await ask(kKey)).text();
  await (await ask('sk-another')).text();
  assert.deepEqual(rt.getStats().gates.filter(({ kind }) => kind === 'model').map(({ requests }) => requests), [2, 1]);
});
