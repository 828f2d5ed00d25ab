// What servers' headers say about their limits, in each provider's spelling, and where it ends up: in answers and errors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationOf } from '../../dist/llm/duration.js';
import { rateLimitsOf } from '../../dist/llm/rate-headers.js';
import { custom } from 'heddle';
import { ask, attempt, providers, readAll, rejection, scriptedFetch, nowhere, ways } from '../support/llm-client.mjs';

const now = Date.UTC(2024, 0, 1);
const of = (headers) => rateLimitsOf(new Headers(headers), now);

test('durations: every unit, joined and with fractions, rounded up; nothing else', () => {
  const cases = { '1s': 1000, '6m0s': 360_000, '120ms': 120, '1h2m3.5s': 3_723_500, '37s': 37_000, '0s': 0, '3.3s': 3300 };
  Object.assign(cases, { '2m59.56s': 179_560, '1.2ms': 2, '500us': 1, '1d': 86_400_000, ' 7.66s ': 7660, '1ns': 1, '10us': 1 });
  for (const [text, ms] of Object.entries(cases)) assert.equal(durationOf(text), ms, text);
  for (const text of ['', '5', '-5s', 's', '1 s', '1s2', '1y', 'soon', '1m1s!', '1.s', '9s'.repeat(99)]) {
    assert.equal(durationOf(text), undefined, text);
  }
});

test('x-ratelimit: requests and tokens, each with its own reset', () => {
  assert.deepEqual(
    of({
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-reset-tokens': '6m0s',
    }),
    [
      { counter: 'requests', limit: 60, remaining: 59, resetMs: 1000 },
      { counter: 'tokens', limit: 150_000, remaining: 149_984, resetMs: 360_000 },
    ],
  );
});

test('x-ratelimit: a reset as a duration, as seconds, as a time since the epoch in seconds or milliseconds, as a date', () => {
  for (const [reset, ms] of [
    ['120ms', 120],
    ['1h2m3.5s', 3_723_500],
    ['30', 30_000],
    ['0.5', 500],
    ['0', 0],
    [String(now / 1000 + 9), 9000],
    [String(now + 9), 9],
    [String(now / 1000 - 9), 0],
    ['2024-01-01T00:00:07Z', 7000],
    ['2024-01-01T01:00:07+01:00', 7000],
    ['2023-12-31T23:00:00Z', 0],
    ['Mon, 01 Jan 2024 00:00:05 GMT', 5000],
    ['soon', undefined],
    ['-5', undefined],
    ['2024', 2_024_000],
    ['', undefined],
  ]) {
    const [row] = of({ 'x-ratelimit-remaining-tokens': '1', 'x-ratelimit-reset-tokens': reset });
    assert.deepEqual(row, { counter: 'tokens', remaining: 1, ...(ms === undefined ? {} : { resetMs: ms }) }, reset);
  }
});

test("a date is taken against the server's own clock", () => {
  const [row] = of({
    date: 'Mon, 01 Jan 2024 12:00:00 GMT',
    'anthropic-ratelimit-requests-remaining': '3',
    'anthropic-ratelimit-requests-reset': '2024-01-01T12:00:20Z',
  });
  assert.equal(row.resetMs, 20_000);
});

test('anthropic-ratelimit: requests and tokens, where the server gives all of them', () => {
  assert.deepEqual(
    of({
      'anthropic-ratelimit-requests-limit': '1000',
      'anthropic-ratelimit-requests-remaining': '999',
      'anthropic-ratelimit-requests-reset': '2024-01-01T00:00:01Z',
      'anthropic-ratelimit-tokens-limit': '48000',
      'anthropic-ratelimit-tokens-remaining': '48000',
      'anthropic-ratelimit-tokens-reset': '2024-01-01T00:01:00Z',
      'anthropic-ratelimit-input-tokens-limit': '40000',
      'anthropic-ratelimit-input-tokens-remaining': '7',
    }),
    [
      { counter: 'requests', limit: 1000, remaining: 999, resetMs: 1000 },
      { counter: 'tokens', limit: 48_000, remaining: 48_000, resetMs: 60_000 },
    ],
  );
});

test('anthropic-ratelimit: input and output tokens alone are one pool, of which the smaller share is left', () => {
  const halves = {
    'anthropic-ratelimit-input-tokens-limit': '40000',
    'anthropic-ratelimit-input-tokens-remaining': '30000',
    'anthropic-ratelimit-input-tokens-reset': '2024-01-01T00:00:10Z',
    'anthropic-ratelimit-output-tokens-limit': '8000',
    'anthropic-ratelimit-output-tokens-remaining': '2000',
    'anthropic-ratelimit-output-tokens-reset': '2024-01-01T00:00:40Z',
  };
  assert.deepEqual(of(halves), [{ counter: 'tokens', limit: 48_000, remaining: 12_000, resetMs: 40_000 }]);
  const without = Object.fromEntries(Object.entries(halves).filter(([name]) => !name.endsWith('limit')));
  assert.deepEqual(of(without), [{ counter: 'tokens', remaining: 2000, resetMs: 40_000 }]);
  const input = Object.fromEntries(Object.entries(halves).filter(([name]) => name.includes('input')));
  assert.deepEqual(of(input), [{ counter: 'tokens', limit: 40_000, remaining: 30_000, resetMs: 10_000 }]);
});

test("the IETF's draft, both forms: a limit of requests; other units are passed over", () => {
  assert.deepEqual(of({ ratelimit: '"burst";r=5;t=30, "day";r=90', 'ratelimit-policy': '"burst";q=10;w=60,"day";q=100;w=86400' }), [
    { counter: 'requests', limit: 10, remaining: 5, resetMs: 30_000 },
    { counter: 'requests', limit: 100, remaining: 90 },
  ]);
  assert.deepEqual(of({ ratelimit: '"bytes";r=5;t=30', 'ratelimit-policy': '"bytes";q=10;qu="content-bytes";w=60' }), []);
  assert.deepEqual(of({ ratelimit: 'limit=100, remaining=50, reset=7' }), [
    { counter: 'requests', limit: 100, remaining: 50, resetMs: 7000 },
  ]);
});

test('what is missing or unreadable is left out, and what is below zero is zero', () => {
  assert.deepEqual(of({}), []);
  assert.deepEqual(of({ 'x-ratelimit-reset-tokens': '1s' }), []);
  assert.deepEqual(of({ 'x-ratelimit-limit-requests': 'many', 'x-ratelimit-remaining-requests': '' }), []);
  assert.deepEqual(of({ 'x-ratelimit-remaining-tokens': '-17' }), [{ counter: 'tokens', remaining: 0 }]);
  assert.deepEqual(of({ 'x-ratelimit-limit-tokens': '9'.repeat(400) }), []);
  for (const ratelimit of ['', ';', ',', '=', '"x"', 'r=1', 'x'.repeat(5000)]) {
    assert.deepEqual(of({ ratelimit }).filter(({ remaining }) => remaining !== undefined), [], ratelimit);
  }
});

const said = { 'x-ratelimit-limit-requests': '10', 'x-ratelimit-remaining-requests': '4' };
const heard = [{ counter: 'requests', limit: 10, remaining: 4 }];

// The answer of the scripted fetch, with the headers of a server that keeps limits.
function limited(parts, status, contentType) {
  const { fetch } = scriptedFetch(parts, { contentType });
  return attempt({
    fetch: async (...args) => {
      const { body } = await fetch(...args);
      return new Response(body, { status, headers: { 'content-type': contentType, 'x-request-id': 'req_7', ...said } });
    },
  });
}

const whole = {
  openai: '{"choices":[{"message":{"content":"x"}}]}',
  anthropic: '{"content":[{"type":"text","text":"x"}]}',
};
const stream = {
  openai: 'data: {"choices":[{"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n',
  anthropic: 'data: {"type":"message_start"}\n\ndata: {"type":"message_stop"}\n\n',
};

for (const [name, make] of Object.entries(providers)) {
  test(`${name}: an answer carries the limits and the request id, whole and streaming`, async () => {
    const provider = make(nowhere);
    const plain = await provider.complete(ask('hi'), limited([whole[name]], 200, 'application/json'));
    const streamed = await ways.streaming(provider, ask('hi'), limited([stream[name]], 200, 'text/event-stream'));
    for (const answer of [plain, streamed]) assert.deepEqual([answer.rates, answer.requestId], [heard, 'req_7']);
  });

  test(`${name}: an error carries them too: a refusal, garbage, and a stream that breaks off`, async () => {
    const provider = make(nowhere);
    for (const [status, body, type] of [
      [429, '{}', 'application/json'],
      [200, '<p>', 'text/html'],
      [200, '', 'text/event-stream'],
      [200, 'data: {"type":"error","error":{"message":"no"}}\n\n', 'text/event-stream'],
    ]) {
      const error = await rejection(ways.streaming(provider, ask('hi'), limited([body], status, type)));
      assert.deepEqual([error.rates, error.requestId], [heard, 'req_7'], error.message);
    }
  });
}

test('custom: an error thrown with a status and headers carries the limits', async () => {
  const provider = custom(() => {
    throw Object.assign(new Error('slow'), { status: 429, headers: { 'X-RateLimit-Limit-Requests': 10, 'x-ratelimit-remaining-requests': '4' } });
  });
  const stream = provider.stream(ask('hi'), attempt());
  assert.deepEqual((await rejection(stream.then(readAll))).rates, heard);
});
