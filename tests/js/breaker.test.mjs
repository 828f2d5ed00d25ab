// A circuit breaker for each endpoint: after faults in a row nothing is sent for a while, then a few requests try.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulated } from 'heddle';
import { asking, assertNothingLeft, connected } from '../support/calls.mjs';
import heddle, { open } from '../support/heddle.mjs';
import { at, gateOf, limited, promptOf, timesOf } from '../support/limited.mjs';
import { assertAtRest, rejection } from '../support/tasks.mjs';

const once = { retry: { maxAttempts: 1 } };
/** Each prompt is the status that it gets; anything else is a good answer. */
const byPrompt = { script: (request) => (Number(promptOf(request)) >= 400 ? { error: { status: Number(promptOf(request)) } } : undefined) };
const codeOf = (promise) => promise.then(() => 'ok', ({ code }) => code);
const circuitOf = (rt) => gateOf(rt, 'endpoint').circuit;

for (const way of Object.keys(asking)) {
  test(`${way}: after so many faults in a row the circuit opens: calls fail at once and nothing is sent`, async (t) => {
    const { rt, log } = await limited(t, { ...once, breaker: { failures: 3, pause: 1000 } }, byPrompt);
    for (let i = 0; i < 3; i++) assert.equal((await rejection(asking[way](rt, '500'))).code, 'LLMError');
    assert.deepEqual([circuitOf(rt), gateOf(rt, 'endpoint').circuitUntil], ['open', 1030]);
    const error = await rejection(asking[way](rt, 'good'));
    assert.ok(error instanceof heddle.CircuitOpenError, String(error));
    assert.deepEqual([error.code, error.cause, log.length, rt.clock.now()], ['CircuitOpen', undefined, 3, 30]);
    assert.match(error.message, new RegExp(`^${way}: the circuit of simulated .* is open`));
    assert.match(error.endpoint, /^simulated /);
    assertAtRest(rt);
  });

  test(`${way}: a call whose retries meet an open circuit says why it failed before`, async (t) => {
    const { rt } = await limited(t, { retry: { maxAttempts: 5, baseDelay: 10 }, breaker: { failures: 3 } }, byPrompt);
    const error = await rejection(asking[way](rt, '503'));
    assert.deepEqual([error.code, error.cause.status, error.cause.attempts], ['CircuitOpen', 503, 3]);
    assertAtRest(rt);
  });
}

test('a good answer in between begins the row anew', async (t) => {
  const { rt } = await limited(t, { ...once, breaker: { failures: 2 } }, byPrompt);
  for (const prompt of ['500', 'good', '500', 'good', '500']) await codeOf(rt.llm(prompt));
  assert.equal(circuitOf(rt), 'closed');
  await codeOf(rt.llm('500'));
  assert.equal(circuitOf(rt), 'open');
  assertAtRest(rt);
});

test('4xx and 429 are no faults of the endpoint; 500, 503, 529, timeouts and lost connections are', async (t) => {
  for (const status of [400, 401, 404, 408, 409, 413, 422, 429]) {
    const { rt } = await limited(t, { ...once, breaker: { failures: 1 } }, byPrompt);
    assert.equal(await codeOf(rt.llm(String(status))), 'LLMError');
    assert.equal(circuitOf(rt), 'closed', String(status));
  }
  for (const status of [500, 502, 503, 504, 529]) {
    const { rt } = await limited(t, { ...once, breaker: { failures: 1 } }, byPrompt);
    await codeOf(rt.llm(String(status)));
    assert.equal(circuitOf(rt), 'open', String(status));
  }
  const { rt } = await limited(t, { ...once, breaker: { failures: 1 } }, { script: () => ({ latencyMs: 100 }) });
  await codeOf(rt.llm('q', { timeToFirstToken: 50 }));
  assert.equal(circuitOf(rt), 'open');
  const { server, rt: wired } = await connected(t, { fault: () => 'reset-before-headers' }, { ...once, clock: 'virtual', breaker: { failures: 1 } });
  await codeOf(wired.llm('q'));
  assert.equal(circuitOf(wired), 'open');
  await assertNothingLeft(wired, server);
});

test('calls that wait in any queue fail when the circuit opens', async (t) => {
  const rates = { models: { m: { requestsPerMinute: 3 } } };
  const { rt, log } = await limited(t, { ...once, maxConcurrentLLMCalls: 1, breaker: { failures: 2 }, rates }, byPrompt);
  const calls = Array.from({ length: 8 }, () => codeOf(rt.llm('500', { model: 'm' })));
  assert.deepEqual(await Promise.all(calls), ['LLMError', 'LLMError', ...Array(6).fill('CircuitOpen')]);
  assert.deepEqual([log.length, rt.clock.now()], [2, 20]);
  assertAtRest(rt);
});

test('a call between two attempts learns it when it would be sent again', async (t) => {
  const { rt } = await limited(t, { retry: { maxAttempts: 2, baseDelay: 0, maxRetryAfter: 500 }, breaker: { failures: 1, pause: 100 } }, {
    script: (request, n) => (n === 1 ? { error: { status: 500, retryAfter: promptOf(request) === 'early' ? 50 : 200 } } : undefined),
  });
  const [early, late] = [codeOf(rt.llm('early')), codeOf(rt.llm('late'))];
  assert.deepEqual([await early, await late], ['CircuitOpen', 'ok']);
  assertAtRest(rt);
});

test('after the pause exactly so many requests try; the others fail; it closes when all have done well', async (t) => {
  const { rt, log } = await limited(t, { ...once, breaker: { failures: 1, pause: 1000, probes: 2 } }, byPrompt);
  await codeOf(rt.llm('500'));
  await at(rt, 1009, async () => assert.equal(await codeOf(rt.llm('good')), 'CircuitOpen'));
  await at(rt, 1010, async () => {
    assert.equal(circuitOf(rt), 'half-open');
    assert.deepEqual(await Promise.all(Array.from({ length: 5 }, () => codeOf(rt.llm('good')))), ['ok', 'ok', 'CircuitOpen', 'CircuitOpen', 'CircuitOpen']);
  });
  assert.deepEqual([circuitOf(rt), log.length], ['closed', 3]);
  assert.equal(await codeOf(rt.llm('good')), 'ok');
  await rt.onIdle();
  assertAtRest(rt);
});

test('one probe that fails opens it again, for another pause', async (t) => {
  const { rt, log } = await limited(t, { ...once, breaker: { failures: 3, pause: 1000, probes: 2 } }, byPrompt);
  for (let i = 0; i < 3; i++) await codeOf(rt.llm('500'));
  await at(rt, 1030, async () => {
    assert.deepEqual(await Promise.all([codeOf(rt.llm('good')), codeOf(rt.llm('500'))]), ['ok', 'LLMError']);
    assert.deepEqual([circuitOf(rt), gateOf(rt, 'endpoint').circuitUntil], ['open', 2040]);
  });
  await at(rt, 2039, async () => assert.equal(await codeOf(rt.llm('good')), 'CircuitOpen'));
  await at(rt, 2040, async () => assert.equal(await codeOf(rt.llm('good')), 'ok'));
  assert.equal(log.length, 6);
  await rt.onIdle();
  assertAtRest(rt);
});

test('a probe that is cancelled lets another one try', async (t) => {
  const { rt } = await limited(t, { ...once, breaker: { failures: 1, pause: 100 } }, { script: (request) => (promptOf(request) === 'bad' ? { error: { status: 500 } } : { latencyMs: 50 }) });
  await codeOf(rt.llm('bad'));
  await at(rt, 200, async (ctx) => {
    const task = rt.submit((own) => own.llm('q'));
    await ctx.delay(10);
    assert.equal(await codeOf(rt.llm('q')), 'CircuitOpen');
    rt.cancel(task.id);
    await rejection(task.promise);
    assert.equal(await codeOf(rt.llm('q')), 'ok');
  });
  assert.equal(circuitOf(rt), 'closed');
  await rt.onIdle();
  assertAtRest(rt);
});

test('answers of requests from before it opened change nothing', async (t) => {
  const { rt } = await limited(t, { ...once, breaker: { failures: 1, pause: 1000 } }, { script: (request) => (promptOf(request) === 'slow' ? { latencyMs: 500 } : { error: { status: 500 } }) });
  const slow = rt.llm('slow');
  await codeOf(rt.llm('bad'));
  await slow;
  assert.equal(circuitOf(rt), 'open');
  assertAtRest(rt);
});

test('each endpoint has a circuit of its own; a plan goes around an open one', async (t) => {
  const other = simulated({ script: () => ({ text: 'other', latencyMs: 10 }) });
  const { rt, log } = await limited(t, { ...once, breaker: { failures: 1, pause: 1000 }, fallback: { cooldown: 0 } }, byPrompt);
  await codeOf(rt.llm('500'));
  const result = await rt.llm('good', { model: ['a', 'b', other] });
  assert.deepEqual([result.text, result.planEntry, result.attempts, log.length], ['other', 2, 1, 1]);
  assert.equal(await codeOf(rt.llm('good', { model: ['a', 'b'] })), 'CircuitOpen');
  await at(rt, 1010, async () => assert.equal((await rt.llm('good', { model: ['a', other] })).planEntry, 0));
  await rt.onIdle();
  assertAtRest(rt);
});

test('an endpoint that comes and goes is asked once a pause while it is away', async (t) => {
  let rt;
  const made = await limited(t, { ...once, breaker: { failures: 2, pause: 1000 } }, {
    script: () => (rt.clock.now() >= 5000 && rt.clock.now() < 15_000 ? { error: { status: 503 } } : undefined),
  });
  rt = made.rt;
  await rt.submit(async (ctx) => {
    for (let i = 0; i < 200; i++) {
      await codeOf(ctx.llm('q'));
      await ctx.delay(100 - (rt.clock.now() % 100));
    }
  }).promise;
  const away = timesOf(made.log, (row) => row.at >= 5000 && row.at < 15_000).length;
  assert.ok(away <= 2 + 10 && away >= 10, String(away));
  assert.equal(circuitOf(rt), 'closed');
  assertAtRest(rt);
});

test('switched on and off live; bad settings are ConfigErrors', async (t) => {
  const { rt, log } = await limited(t, once, byPrompt);
  for (let i = 0; i < 6; i++) await codeOf(rt.llm('500'));
  rt.configure({ breaker: { failures: 1, pause: 1e6 } });
  await codeOf(rt.llm('500'));
  assert.equal(await codeOf(rt.llm('good')), 'CircuitOpen');
  rt.configure({ breaker: { failures: Infinity } });
  assert.equal(await codeOf(rt.llm('good')), 'ok');
  assert.equal(log.length, 8);
  for (const [key, breaker] of Object.entries({ 'breaker.failures': { failures: 0 }, 'breaker.pause': { pause: -1 }, 'breaker.probes': { probes: 0 }, 'breaker.resetMs': { resetMs: 5 }, breaker: true })) {
    assert.equal((await rejection(open(t, { breaker }))).key, key);
  }
  assertAtRest(rt);
});
