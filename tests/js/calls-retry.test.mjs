// Which failures are tried again, when, and how often: the core decides. Where the server is real, waits take virtual time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulated } from 'heddle';
import { asking, assertNothingLeft, connected, protocols } from '../support/calls.mjs';
import heddle, { open } from '../support/heddle.mjs';
import { rateLimited } from '../support/llm-server.mjs';
import { rejection } from '../support/tasks.mjs';

const tried = [
  408, 409, 429, 500, 501, 502, 503, 504, 529, 599,
  'reset-before-headers', { fault: 'reset-mid-body', after: 0 }, { fault: 'reset-mid-stream', after: 0 }, { fault: 'cut-stream', after: 0 },
  { fault: 'error-in-stream', after: 0 },
];
const final = {
  400: 'invalid', 401: 'auth', 402: 'quota', 403: 'auth', 404: 'invalid', 413: 'context-length', 422: 'invalid',
  'insufficient-quota': 'quota', 'html-200': 'protocol', 'broken-json-200': 'protocol', 302: 'protocol',
};
const faultOf = (name) => (Number.isInteger(Number(name)) ? Number(name) : name);

for (const protocol of protocols) {
  for (const way of Object.keys(asking)) {
    test(`${protocol} ${way}: what may pass is tried again, once per failure`, async (t) => {
      const fault = ({ prompt, attempt }) => (attempt === 1 ? tried[Number(prompt)] : undefined);
      const { server, rt } = await connected(t, { fault }, { protocol, clock: 'virtual', retry: { maxAttempts: 2 } });
      const results = await Promise.all(tried.map((_, i) => asking[way](rt, String(i))));
      for (const [i, { text, attempts, timings }] of results.entries()) {
        assert.deepEqual([text, attempts, timings.attempts.length], [`echo: ${i}`, 2, 2], JSON.stringify(tried[i]));
        assert.ok(timings.attempts[0].error instanceof heddle.LLMError);
        assert.equal(timings.attempts[1].error, undefined);
      }
      assert.equal(server.stats().requests, tried.length * 2);
      assert.equal(rt.getStats().llmRetries, tried.length);
      await assertNothingLeft(rt, server);
    });

    test(`${protocol} ${way}: what cannot pass is not tried again`, async (t) => {
      const names = Object.keys(final);
      const { server, rt } = await connected(t, { fault: ({ prompt }) => faultOf(prompt) }, { protocol });
      const errors = await Promise.all(names.map((name) => rejection(asking[way](rt, name))));
      for (const [i, error] of errors.entries()) {
        assert.ok(error instanceof heddle.LLMError, names[i]);
        assert.deepEqual([error.kind, error.attempts], [final[names[i]], 1], names[i]);
      }
      assert.equal(server.stats().requests, names.length);
      assert.equal(rt.getStats().llmRetries, 0);
      await assertNothingLeft(rt, server);
    });

    test(`${protocol} ${way}: when the attempts run out, the error has the last status and their number`, async (t) => {
      const fault = ({ attempt }) => [500, 503, 429][attempt - 1];
      const { server, rt } = await connected(t, { fault }, { protocol, clock: 'virtual', retry: { maxAttempts: 3 } });
      const error = await rejection(asking[way](rt, 'q'));
      assert.ok(error instanceof heddle.LLMError);
      assert.deepEqual([error.status, error.kind, error.attempts], [429, 'rate', 3]);
      assert.equal(server.stats().requests, 3);
      await assertNothingLeft(rt, server);
    });
  }

  test(`${protocol}: a stream that breaks after its first chunk fails and is not tried again`, async (t) => {
    const complaint = protocol === 'openai' ? 'server' : 'overload';
    const kinds = { 'reset-mid-stream': 'transport', 'cut-stream': 'transport', 'error-in-stream': complaint };
    for (const [fault, kind] of Object.entries(kinds)) {
      const { server, rt } = await connected(t, { fault: () => ({ fault, after: 2 }), respond: () => 'one two three' }, { protocol });
      const stream = rt.llmStream('q');
      assert.equal((await stream.next()).value.text, 'one ');
      assert.equal((await stream.next()).value.text, 'two ');
      const error = await rejection(stream.next());
      assert.deepEqual([error.code, error.kind, error.attempts], ['LLMError', kind, 1], fault);
      assert.equal(await rejection(stream.next()), error);
      assert.equal(await rejection(stream.result), error);
      assert.equal(server.stats().requests, 1);
      await assertNothingLeft(rt, server);
    }
  });

  test(`${protocol}: Retry-After is waited out, in each of its spellings`, async (t) => {
    const spellings = { seconds: 2000, ms: 1500, date: 3000 };
    const fault = ({ prompt, attempt }) => (attempt === 1 ? rateLimited(prompt, spellings[prompt]) : undefined);
    const { server, rt } = await connected(t, { fault }, { protocol, clock: 'virtual' });
    for (const [spelling, ms] of Object.entries(spellings)) {
      const { attempts } = (await rt.llm(spelling)).timings;
      assert.equal(attempts[1].startedAt - attempts[0].endedAt, ms, spelling);
    }
    await assertNothingLeft(rt, server);
  });
}

test('a server that nobody listens at is a lost connection, tried as often as allowed', async (t) => {
  const { server, rt } = await connected(t, {}, { clock: 'virtual', retry: { maxAttempts: 3 } });
  await server.close();
  for (const way of Object.keys(asking)) {
    const error = await rejection(asking[way](rt, 'q'));
    assert.deepEqual([error.kind, error.status, error.attempts], ['transport', undefined, 3]);
  }
  await assertNothingLeft(rt);
});

// --- Simulated failures under virtual time: every wait is exact ---

/** A runtime under virtual time whose provider answers by a script, in 10 ms. */
const scripted = (t, script, config = {}) =>
  open(t, { clock: 'virtual', provider: simulated({ latency: 10, script }), ...config });

const fails = (status, more) => ({ error: { status, ...more } });
const waitsOf = ({ timings: { attempts } }) => attempts.slice(1).map(({ startedAt }, i) => startedAt - attempts[i].endedAt);

for (const way of Object.keys(asking)) {
  test(`${way}: a Retry-After beyond maxRetryAfter is RetryAfterTooLong at once`, async (t) => {
    const script = (request) => fails(429, { retryAfter: Number(request.messages[0].content) });
    const rt = await scripted(t, script, { retry: { maxRetryAfter: 5000, maxAttempts: 2 } });
    const error = await rejection(asking[way](rt, '5001'));
    assert.ok(error instanceof heddle.RetryAfterTooLong, String(error));
    assert.deepEqual([error.code, error.retryAfter, error.cause.status, error.cause.attempts], ['RetryAfterTooLong', 5001, 429, 1]);
    assert.deepEqual([rt.clock.now(), rt.getStats().llmCalls], [10, 1]);
    // One of exactly that length is honoured; the last attempt's failure is an LLMError whatever it asks for.
    const exhausted = await rejection(asking[way](rt, '5000'));
    assert.deepEqual([exhausted.code, exhausted.attempts, rt.clock.now()], ['LLMError', 2, 10 + 10 + 5000 + 10]);
    await assertNothingLeft(rt);
  });

  test(`${way}: a retry waits without its place, and another call gets it meanwhile`, async (t) => {
    const script = ({ messages: [{ content }] }, n) => (content === 'first' && n === 1 ? fails(503, { retryAfter: 1000 }) : 'fine');
    const rt = await scripted(t, script, { maxConcurrentLLMCalls: 1 });
    const [first, second] = await Promise.all([asking[way](rt, 'first'), asking[way](rt, 'second')]);
    assert.deepEqual(first.timings.attempts.map(({ startedAt }) => startedAt), [0, 1010]);
    assert.equal(second.timings.startedAt, 10);
    await assertNothingLeft(rt);
  });

  test(`${way}: a call between two attempts ends at once when its task is cancelled or its time is over`, async (t) => {
    const rt = await scripted(t, () => fails(503, { retryAfter: 10_000 }), { retry: { maxRetryAfter: 1e6 } });
    const cancelled = rt.submit((ctx) => asking[way](ctx, 'a'));
    const late = rt.submit((ctx) => asking[way](ctx, 'b', { timeout: 700 }));
    rt.submit(async (ctx) => {
      await ctx.delay(500);
      assert.equal(rt.getStats().backoffLLMCalls, 2);
      rt.cancel(cancelled.id);
      assert.equal(rt.getStats().backoffLLMCalls, 1);
    });
    assert.equal((await rejection(cancelled.promise)).code, 'Cancelled');
    assert.equal(cancelled.completedAt, 500);
    const error = await rejection(late.promise);
    assert.deepEqual([error.code, error.limit, error.ms, late.completedAt], ['Timeout', 'operation', 700, 700]);
    await assertNothingLeft(rt);
  });
}

test('maxAttempts: 1 means no retry', async (t) => {
  const rt = await scripted(t, () => fails(503), { retry: { maxAttempts: 1 } });
  assert.equal((await rejection(rt.llm('q'))).attempts, 1);
  assert.deepEqual([rt.getStats().llmCalls, rt.getStats().llmRetries], [1, 0]);
});

test('the retry budget is the whole runtime\'s, and what is beyond it fails without a wait', async (t) => {
  const rt = await scripted(t, () => fails(503), { retry: { maxAttempts: 10, budget: 4 } });
  const errors = [];
  for (let i = 0; i < 3; i++) errors.push(await rejection(rt.llm(`q ${i}`)));
  assert.deepEqual(errors.map(({ attempts }) => attempts), [5, 1, 1]);
  assert.equal(rt.getStats().llmRetries, 4);
  rt.configure({ retry: { budget: 6 } });
  assert.equal((await rejection(rt.llm('more'))).attempts, 3);
});

test('waits are drawn from the whole of [0, min(maxDelay, baseDelay * 2^(n-1))], by the seed', async (t) => {
  const retry = { maxAttempts: 6, baseDelay: 100, maxDelay: 1000 };
  const waits = async (seed) => {
    const rt = await scripted(t, (_request, n) => (n < 6 ? fails(503) : 'ok'), { seed, retry, maxConcurrentLLMCalls: 500 });
    const results = await Promise.all(Array.from({ length: 400 }, (_, i) => rt.llm(`q ${i}`)));
    return results.map(waitsOf);
  };
  const rows = await waits(7);
  for (const [n, ceiling] of [100, 200, 400, 800, 1000].entries()) {
    const column = rows.map((row) => row[n] / ceiling);
    const mean = column.reduce((a, b) => a + b) / column.length;
    assert.ok(Math.min(...column) >= 0 && Math.max(...column) <= 1, `wait ${n + 1}`);
    // Uniform: of 400 draws some lie at both ends, and their mean is in the middle (within five standard errors).
    assert.ok(Math.min(...column) < 0.05 && Math.max(...column) > 0.95 && Math.abs(mean - 0.5) < 0.073, `wait ${n + 1}`);
  }
  assert.deepEqual(await waits(7), rows);
  assert.notDeepEqual(await waits(8), rows);
});

test('a call that comes back from its wait goes before new ones of its kind', async (t) => {
  const order = [];
  const script = ({ messages: [{ content }] }, n) => {
    order.push(content);
    return content === 'first' && n === 1 ? fails(503, { retryAfter: 5 }) : 'fine';
  };
  const rt = await scripted(t, script, { maxConcurrentLLMCalls: 1 });
  await Promise.all(['first', 'second', 'third', 'fourth'].map((prompt) => rt.llm(prompt)));
  assert.deepEqual(order, ['first', 'second', 'first', 'third', 'fourth']);
});
