// The test server as a provider with limits: the worst window, refusals, and the headers that say what is left.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../support/llm-server.mjs';

const paths = { openai: '/v1/chat/completions', anthropic: '/v1/messages' };

async function post(server, prompt, { protocol = 'openai', ...more } = {}) {
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: prompt }], ...more });
  const answer = await fetch(server.url + paths[protocol], { method: 'POST', body });
  await answer.text();
  return answer;
}

// A clock that the test turns.
function clock() {
  const time = { ms: 1000, now: () => time.ms };
  return time;
}

test('the worst window is the most in any 60 s, both ends included', async (t) => {
  const time = clock();
  const server = await serve(t, { limits: { now: time.now }, respond: () => 'one two' });
  // Three, then two more at the closed end of the first one's window, then one a millisecond later.
  for (const ms of [0, 20_000, 40_000, 60_000, 60_000, 60_001]) {
    time.ms = ms;
    await post(server, 'a b c');
  }
  assert.deepEqual(server.stats().worstWindow, { requests: 5, tokens: 25 });
  time.ms = 80_000;
  await post(server, 'a b c');
  assert.deepEqual(server.stats().worstWindow, { requests: 6, tokens: 30 });
  server.reset();
  assert.deepEqual(server.stats().worstWindow, { requests: 0, tokens: 0 });
});

test('tokens are words of the prompt and max_tokens or else of the answer, or as the test counts them', async (t) => {
  const server = await serve(t, { limits: { now: clock().now }, respond: () => 'one two' });
  const worst = () => server.stats().worstWindow.tokens;
  await post(server, 'a b c', { max_tokens: 40 });
  assert.equal(worst(), 43);
  await post(server, 'a', { stream: true });
  assert.equal(worst(), 46);
  server.reset();
  server.options.limits.tokens = ({ prompt }, { output = 100 }) => prompt.length + output;
  await post(server, 'four');
  assert.equal(worst(), 6);
});

test('what is refused by a limit takes nothing of it, and is told when to come back', async (t) => {
  const time = clock();
  const server = await serve(t, { limits: { requestsPerMinute: 2, now: time.now, refuse: true } });
  const at = async (ms) => {
    time.ms = ms;
    const { status, headers } = await post(server, 'q');
    return [status, headers.get('retry-after-ms')];
  };
  assert.deepEqual(await at(0), [200, null]);
  assert.deepEqual(await at(10_000), [200, null]);
  assert.deepEqual(await at(20_000), [429, '40001']);
  assert.deepEqual(await at(60_000), [429, '1']);
  assert.deepEqual(await at(60_001), [200, null]);
  assert.deepEqual(await at(60_002), [429, '9999']);
  assert.deepEqual(await at(70_001), [200, null]);
  const { worstWindow, faults, answered } = server.stats();
  assert.deepEqual([worstWindow.requests, faults, answered], [5, 3, 4]);
});

test('tokens beyond a limit are refused by what the request may take', async (t) => {
  const server = await serve(t, { limits: { tokensPerMinute: 100, now: clock().now, refuse: true } });
  const statuses = [];
  for (const max_tokens of [50, 40, 20, 5]) statuses.push((await post(server, 'q', { max_tokens })).status);
  assert.deepEqual(statuses, [200, 200, 429, 200]);
});

test('openai: headers say what is left, and when all of it is back', async (t) => {
  const time = clock();
  const limits = { requestsPerMinute: 5, tokensPerMinute: 1000, now: time.now };
  const server = await serve(t, { limits, rates: true });
  await post(server, 'a', { max_tokens: 99 });
  time.ms += 30_000;
  const { headers } = await post(server, 'a', { max_tokens: 199 });
  const left = (counter) => ['limit', 'remaining', 'reset'].map((what) => headers.get(`x-ratelimit-${what}-${counter}`));
  assert.deepEqual([left('requests'), left('tokens')], [['5', '3', '1m0.001s'], ['1000', '700', '1m0.001s']]);
});

test('anthropic: headers say what is left, and the time at which all of it is back', async (t) => {
  const time = { ms: Date.UTC(2024, 0, 1) + 500 };
  const limits = { now: () => time.ms };
  const server = await serve(t, { limits, rates: { requestsPerMinute: 2 } });
  await post(server, 'a', { protocol: 'anthropic', max_tokens: 1 });
  const { headers } = await post(server, 'a', { protocol: 'anthropic', max_tokens: 1 });
  const left = ['limit', 'remaining', 'reset'].map((what) => headers.get(`anthropic-ratelimit-requests-${what}`));
  assert.deepEqual(left, ['2', '0', '2024-01-01T00:01:01Z']);
  assert.equal(headers.get('anthropic-ratelimit-tokens-limit'), null);
  assert.equal(headers.get('date'), 'Mon, 01 Jan 2024 00:00:00 GMT');
});

test('rates of their own need no limits, and refuse nothing', async (t) => {
  const server = await serve(t, { rates: { requestsPerMinute: 1 } });
  await post(server, 'a');
  const { status, headers } = await post(server, 'a');
  assert.deepEqual([status, headers.get('x-ratelimit-remaining-requests')], [200, '0']);
  assert.equal('worstWindow' in server.stats(), false);
  server.options.rates = true;
  assert.equal((await post(server, 'a')).status, 500);
});
