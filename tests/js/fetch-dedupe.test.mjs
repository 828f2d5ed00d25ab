// fetchWith({dedupe: true}): identical requests in flight share one, and nobody notices.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertNothingLeft } from '../support/calls.mjs';
import { rateLimited, serve } from '../support/llm-server.mjs';
import { hasCode, rejection, turns, until } from '../support/tasks.mjs';

const quick = { retry: { baseDelay: 1, maxDelay: 1, maxAttempts: 2 } };

async function connected(t, options = {}, config = {}) {
  const server = await serve(t, { latencyMs: 'manual', ...options });
  const rt = await open(t, { ...quick, ...config });
  const url = `${server.openaiBaseURL}/chat/completions`;
  const shared = rt.fetchWith({ dedupe: true });
  const ask = (content, { headers, stream = false, ...more } = {}, fetch = shared) =>
    fetch(url, { method: 'POST', headers: { authorization: 'Bearer k', ...headers }, body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content }] }), ...more });
  return { server, rt, ask };
}

test('identical requests in flight are one, and each caller has a Response of its own', async (t) => {
  const { server, rt, ask } = await connected(t);
  const answers = Promise.all(Array.from({ length: 5 }, (_, i) => ask('hi', { headers: { 'x-stainless-retry-count': '0', 'idempotency-key': `k${i}` } })));
  await server.whenHeld(1);
  server.release();
  const responses = await answers;
  assert.equal(new Set(responses).size, 5);
  for (const response of responses) {
    assert.deepEqual([response.status, response.headers.get('x-request-id')], [200, 'req_1']);
    assert.equal((await response.json()).choices[0].message.content, 'echo: hi');
  }
  assert.equal(server.stats().requests, 1);
  assert.equal(rt.getStats().llmCalls, 1);
  await assertNothingLeft(rt, server);
});

test('requests that differ in body, key or another header are not shared', async (t) => {
  const { server, rt, ask } = await connected(t, { latencyMs: 0 });
  await Promise.all([ask('a'), ask('b'), ask('a', { headers: { authorization: 'Bearer other' } }), ask('a', { headers: { 'openai-organization': 'o' } })]);
  assert.equal(server.stats().requests, 4);
  await assertNothingLeft(rt, server);
});

test('a request after the answer is sent again', async (t) => {
  const { server, ask } = await connected(t, { latencyMs: 0 });
  await ask('hi');
  await ask('hi');
  assert.equal(server.stats().requests, 2);
});

test('rt.fetch itself shares nothing', async (t) => {
  const { server, rt, ask } = await connected(t, { latencyMs: 0 });
  await Promise.all([ask('hi', {}, rt.fetch), ask('hi', {}, rt.fetch)]);
  assert.equal(server.stats().requests, 2);
});

test('a stream is shared from its first byte, also by who joins in its middle', async (t) => {
  const { server, rt, ask } = await connected(t, { latencyMs: 0, respond: () => 'one two three', pauseAfter: 2 });
  const first = await ask('hi', { stream: true });
  const reader = first.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (!text.includes('two')) text += decoder.decode((await reader.read()).value);
  await server.whenHeld(1);
  const second = await ask('hi', { stream: true });
  const whole = second.text();
  server.release();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value);
  }
  assert.equal(await whole, text);
  assert.match(text, /\[DONE\]/);
  assert.equal(server.stats().requests, 1);
  await assertNothingLeft(rt, server);
});

test('a failure goes to all', async (t) => {
  const { server, rt, ask } = await connected(t, { fault: () => 401 });
  const answers = [ask('hi'), ask('hi')];
  await server.whenHeld(1);
  server.release();
  for (const answer of answers) {
    const response = await answer;
    assert.equal(response.status, 401);
    assert.match(await response.text(), /refused with 401/);
  }
  server.options.fault = () => 'reset-before-headers';
  server.options.latencyMs = 0;
  const lost = await Promise.all([rejection(ask('x')), rejection(ask('x'))]);
  assert.equal(lost[0], lost[1]);
  hasCode(lost[0], 'LLMError');
  await assertNothingLeft(rt, server);
});

for (const stream of [false, true]) {
  const more = { stream };
  const options = stream ? { latencyMs: 0, respond: () => 'one two three', pauseAfter: 1 } : {};
  const what = stream ? 'a shared stream' : 'a shared request';

  test(`${what} goes on while one caller wants it, and ends with the last`, async (t) => {
    const { server, rt, ask } = await connected(t, options);
    const [a, b] = [new AbortController(), new AbortController()];
    const read = async (answer) => (await answer).text();
    const first = rejection(read(ask('hi', { ...more, signal: a.signal })));
    const second = rejection(read(ask('hi', { ...more, signal: b.signal })));
    await server.whenHeld(1);
    await turns();
    a.abort('a has enough');
    assert.equal(await first, 'a has enough');
    await turns();
    assert.equal(server.stats().aborts, 0);
    b.abort('b has enough');
    assert.equal(await second, 'b has enough');
    await server.whenAborted(1);
    await assertNothingLeft(rt, server);
  });

  test(`nobody joins ${what} that is being cancelled`, async (t) => {
    const { server, rt, ask } = await connected(t, options);
    const controller = new AbortController();
    const first = rejection((async () => (await ask('hi', { ...more, signal: controller.signal })).text())());
    await server.whenHeld(1);
    controller.abort('enough');
    const second = ask('hi', more);
    await first;
    await server.whenRequests(2);
    await server.whenHeld(1);
    server.release();
    assert.equal((await second).status, 200);
    await (await second).text();
    await assertNothingLeft(rt, server);
  });

  test(`a cancelled task leaves ${what}; the others keep it`, async (t) => {
    const { server, rt, ask } = await connected(t, options);
    let seen;
    const task = rt.submit(async (ctx) => {
      seen = await rejection((async () => (await ask('hi', more, rt.fetchWith({ dedupe: true, ctx }))).text())());
    });
    const other = (async () => (await ask('hi', more)).text())();
    await server.whenHeld(1);
    await turns();
    rt.cancel(task.id, 'enough');
    hasCode(await rejection(task.promise), 'Cancelled');
    await until('the body heard of it', () => seen !== undefined);
    hasCode(seen, 'Cancelled');
    server.release();
    assert.match(await other, /three|echo/);
    assert.equal(server.stats().requests, 1);
    await assertNothingLeft(rt, server);
  });
}

test('a timeout is its caller\'s alone', async (t) => {
  const { server, rt, ask } = await connected(t);
  const short = rejection(ask('hi', {}, rt.fetchWith({ dedupe: true, timeout: 20 })));
  const other = ask('hi');
  hasCode(await short, 'Timeout');
  await server.whenHeld(1);
  server.release();
  assert.equal((await other).status, 200);
  assert.equal(server.stats().requests, 1);
  await assertNothingLeft(rt, server);
});

test('a shared request is repeated as any other, under virtual time too', async (t) => {
  const { server, rt, ask } = await connected(t, { latencyMs: 0, fault: ({ attempt }) => (attempt === 1 ? rateLimited('seconds', 30_000) : undefined) }, { clock: 'virtual' });
  const responses = await Promise.all([ask('hi'), ask('hi')]);
  assert.deepEqual(responses.map(({ status }) => status), [200, 200]);
  assert.equal(rt.clock.now(), 30_000);
  assert.equal(server.stats().requests, 2);
  await assertNothingLeft(rt, server);
});

test('a caller that drops its Response of a shared stream leaves it', async (t) => {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  const { server, rt, ask } = await connected(t, { latencyMs: 0, respond: () => 'one two three', pauseAfter: 1 });
  await (async () => void (await Promise.all([ask('hi', { stream: true }), ask('hi', { stream: true })])))();
  // The promise made last is remembered until the next one.
  await rt.delay(0);
  await until('collected', () => {
    gc();
    return server.stats().aborts === 1;
  });
  await assertNothingLeft(rt, server);
});
