// A plan: where one model fails for good, the next one is asked. Which failures count as that, how long a model that failed is
// passed over, and what the result says of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anthropic, custom, openai, simulated } from 'heddle';
import { asking, assertNothingLeft, connected } from '../support/calls.mjs';
import heddle from '../support/heddle.mjs';
import { at, gateOf, limited, timesOf } from '../support/limited.mjs';
import { serve } from '../support/llm-server.mjs';
import { assertAtRest, rejection, thrown } from '../support/tasks.mjs';

/** Answers of models by name: a status that fails, or undefined for a good one. */
const statuses = (table, more) => ({ script: (request, n) => {
  const status = typeof table[request.model] === 'function' ? table[request.model](n) : table[request.model];
  return status === undefined ? { text: `by ${request.model}` } : { error: { status, ...more } };
} });

const modelsOf = ({ timings }) => timings.attempts.map(({ model }) => model);
const quick = { retry: { maxAttempts: 3, baseDelay: 0 } };

for (const way of Object.keys(asking)) {
  test(`${way}: the next entry is asked when the retries of one are used up; each has attempts of its own`, async (t) => {
    const { rt, log } = await limited(t, quick, statuses({ a: 500, b: (n) => (n < 6 ? 503 : undefined) }));
    const task = rt.submit((ctx) => asking[way](ctx, 'q', { model: ['a', 'b', 'c'] }));
    const result = await task.promise;
    assert.deepEqual([result.text, result.planEntry, result.attempts, result.model], ['by b', 1, 6, 'b']);
    assert.deepEqual(modelsOf(result), ['a', 'a', 'a', 'b', 'b', 'b']);
    assert.deepEqual(result.timings.attempts.map(({ error }) => error?.status), [500, 500, 500, 503, 503, undefined]);
    assert.deepEqual(log.map(({ model, n }) => `${model}${n}`), ['a1', 'a2', 'a3', 'b4', 'b5', 'b6']);
    assert.deepEqual(task.llm, { attempts: 6, inputTokens: 10, outputTokens: 10 });
    const { llmFallbacks, llmRetries, llmCalls } = rt.getStats();
    assert.deepEqual([llmFallbacks, llmRetries, llmCalls], [1, 4, 6]);
    await rt.onIdle();
    assertAtRest(rt);
  });

  test(`${way}: what no retry helps but another model may goes on at once`, async (t) => {
    const kinds = { 401: 'auth', 402: 'quota', 403: 'auth', 404: 'invalid', 413: 'context-length' };
    for (const [status, kind] of Object.entries(kinds)) {
      const { rt, log } = await limited(t, {}, statuses({ a: Number(status) }));
      const result = await asking[way](rt, 'q', { model: ['a', 'b'] });
      assert.deepEqual([result.planEntry, result.attempts, rt.clock.now(), log.length], [1, 2, 20, 2], kind);
      assert.equal(result.timings.attempts[0].error.kind, kind);
      assertAtRest(rt);
    }
  });

  test(`${way}: a request that every model would refuse ends the call`, async (t) => {
    for (const status of [400, 422]) {
      const { rt, log } = await limited(t, {}, statuses({ a: status }));
      const error = await rejection(asking[way](rt, 'q', { model: ['a', 'b'] }));
      assert.deepEqual([error.code, error.kind, error.status, error.attempts, log.length], ['LLMError', 'invalid', status, 1, 1]);
      assertAtRest(rt);
    }
  });

  test(`${way}: a server that asks for too long a wait is left for the next entry; the last one's is RetryAfterTooLong`, async (t) => {
    const { rt } = await limited(t, { retry: { maxRetryAfter: 1000 } }, statuses({ a: 429, z: 429 }, { retryAfter: 5000 }));
    const result = await asking[way](rt, 'q', { model: ['a', 'b'] });
    assert.deepEqual([result.planEntry, result.attempts, rt.clock.now()], [1, 2, 20]);
    const error = await rejection(asking[way](rt, 'q', { model: ['a', 'z'] }));
    assert.ok(error instanceof heddle.RetryAfterTooLong, String(error));
    assert.deepEqual([error.retryAfter, error.cause.attempts], [5000, 1], 'a is passed over');
    assertAtRest(rt);
  });

  test(`${way}: where all entries fail, the error is the last one's, with all attempts`, async (t) => {
    const { rt } = await limited(t, quick, statuses({ a: 500, b: 401, c: 503 }));
    const error = await rejection(asking[way](rt, 'q', { model: ['a', 'b', 'c'] }));
    assert.deepEqual([error.code, error.status, error.attempts], ['LLMError', 503, 7]);
    assertAtRest(rt);
  });

  test(`${way}: an entry may be another provider, with a protocol of its own`, async (t) => {
    const down = await serve(t, { fault: () => 503 });
    const up = await serve(t, { respond: ({ protocol }) => `from ${protocol}` });
    const { server, rt } = await connected(t, { fault: () => 'overloaded' }, { protocol: 'openai', clock: 'virtual', retry: { maxAttempts: 2, baseDelay: 1 } });
    const model = [
      'first',
      'second',
      openai({ baseURL: down.openaiBaseURL, apiKey: 'k', model: 'third' }),
      anthropic({ baseURL: up.anthropicBaseURL, apiKey: 'k', model: 'fourth' }),
    ];
    const result = await asking[way](rt, 'q', { model });
    assert.deepEqual([result.text, result.planEntry, result.attempts, result.model], ['from anthropic', 3, 7, 'fourth']);
    assert.deepEqual(modelsOf(result), ['first', 'first', 'second', 'second', 'third', 'third', 'fourth']);
    assert.deepEqual(server.stats().log.map(({ body }) => body.model), ['first', 'first', 'second', 'second']);
    assert.deepEqual([down.stats().requests, up.stats().requests], [2, 1]);
    for (const one of [server, down, up]) await assertNothingLeft(rt, one);
  });

  test(`${way}: the budgets of retries are common to all entries`, async (t) => {
    const { rt } = await limited(t, { retry: { maxAttempts: 3, baseDelay: 0, budget: 3 } }, statuses({ a: 500, b: 500, c: 500 }));
    const error = await rejection(asking[way](rt, 'q', { model: ['a', 'b', 'c'] }));
    // Two retries of a, one of b, none of c.
    assert.deepEqual([error.attempts, rt.getStats().llmRetries], [6, 3]);
    assertAtRest(rt);
  });
}

test('an entry that failed is passed over until its cooldown ends; then it is asked again', async (t) => {
  const { rt, log } = await limited(t, { ...quick, fallback: { cooldown: 5000 } }, statuses({ a: 500 }));
  const ask = () => rt.llm('q', { model: ['a', 'b'] });
  assert.equal((await ask()).attempts, 4);
  const failedAt = 30;
  assert.equal(gateOf(rt, 'model', 'a').coolingUntil, failedAt + 5000);
  const next = await ask();
  assert.deepEqual([next.attempts, next.planEntry, modelsOf(next)], [1, 1, ['b']]);
  await at(rt, failedAt + 4999, async () => assert.equal((await ask()).attempts, 1));
  await at(rt, failedAt + 5009, async () => assert.equal((await ask()).attempts, 4));
  assert.equal(log.filter(({ model }) => model === 'a').length, 6);
  await rt.onIdle();
  assertAtRest(rt);
});

test('a model that cools is asked by who names it alone, and where all entries cool, the first is asked', async (t) => {
  const { rt, log } = await limited(t, { retry: { maxAttempts: 1 } }, statuses({ a: 500, b: 500 }));
  assert.equal((await rt.llm('q', { model: ['a', 'b', 'c'] })).planEntry, 2);
  log.length = 0;
  assert.equal((await rejection(rt.llm('q', { model: 'a' }))).attempts, 1);
  assert.equal((await rejection(rt.llm('q', { model: ['a'] }))).attempts, 1);
  assert.deepEqual(log.map(({ model }) => model), ['a', 'a']);
  log.length = 0;
  assert.equal((await rejection(rt.llm('q', { model: ['a', 'b'] }))).attempts, 2);
  assert.deepEqual(log.map(({ model }) => model), ['a', 'b']);
  assertAtRest(rt);
});

for (const [status, why] of [[402, 'an account that is spent'], [401, 'a key that is wrong'], [404, 'a model that is not there']]) {
  test(`${why} is asked once, then passed over as what failed is`, async (t) => {
    const { rt, log } = await limited(t, {}, statuses({ a: status }));
    for (let i = 0; i < 3; i++) assert.equal((await rt.llm('q', { model: ['a', 'b'] })).planEntry, 1);
    assert.deepEqual(log.map(({ model }) => model), ['a', 'b', 'b', 'b']);
    assertAtRest(rt);
  });
}

test('what was wrong with one request cools no model', async (t) => {
  const { rt, log } = await limited(t, {}, statuses({ a: 413 }));
  for (let i = 0; i < 2; i++) assert.equal((await rt.llm('q', { model: ['a', 'b'] })).attempts, 2);
  assert.deepEqual(log.map(({ model }) => model), ['a', 'b', 'a', 'b']);
  assertAtRest(rt);
});

test('a cooldown of 0 never passes a model over', async (t) => {
  const { rt, log } = await limited(t, { retry: { maxAttempts: 1 }, fallback: { cooldown: 0 } }, statuses({ a: 500 }));
  for (let i = 0; i < 2; i++) await rt.llm('q', { model: ['a', 'b'] });
  assert.deepEqual(log.map(({ model }) => model), ['a', 'b', 'a', 'b']);
  assertAtRest(rt);
});

test('a plan of one entry, and a model named twice', async (t) => {
  const { rt } = await limited(t, { retry: { maxAttempts: 1 } }, statuses({ a: (n) => (n === 1 ? 401 : undefined), b: 401 }));
  assert.deepEqual((await rejection(rt.llm('q', { model: ['b'] }))).attempts, 1);
  const { planEntry, attempts } = await rt.llm('q', { model: ['a', 'a'] });
  assert.deepEqual([planEntry, attempts], [1, 2]);
  assert.equal((await rt.llm('q', { model: ['c'] })).planEntry, undefined, 'there was no choice');
  assertAtRest(rt);
});

test('an attempt that waits for its turn at the next entry is cancelled like any other', async (t) => {
  const { rt, log } = await limited(t, { rates: { models: { b: { requestsPerMinute: 1 } } } }, statuses({ a: 401 }));
  await rt.llm('q', { model: 'b' });
  const task = rt.submit((ctx) => ctx.llm('q', { model: ['a', 'b'] }));
  await at(rt, 100, () => {
    assert.deepEqual([rt.explain(task.id)[0].reason, rt.explain(task.id)[0].gate.name], ['rate', 'b']);
    rt.cancel(task.id);
  });
  await rejection(task.promise);
  await rt.onIdle();
  assert.deepEqual([rt.clock.now(), log.length], [100, 2]);
  assertAtRest(rt);
});

test('rates count each entry for its own model', async (t) => {
  const rates = { tokensPerMinute: 1000, tokenizer: () => 16, outputTokens: 80 };
  const { rt, log } = await limited(t, { rates }, statuses({ a: 401 }));
  await Promise.all(Array.from({ length: 4 }, () => rt.llm('q', { model: ['a', 'b'] })));
  const counted = (name) => [gateOf(rt, 'model', name).requests, gateOf(rt, 'model', name).tokens];
  assert.deepEqual([counted('a'), counted('b')], [[4, 0], [4, 80]]);
  assert.deepEqual(timesOf(log), [0, 0, 0, 0, 10, 10, 10, 10]);
  assertAtRest(rt);
});

test('an attempt in a plan that has the wrong form goes on with the next entry', async (t) => {
  const provider = (text) => simulated({ script: () => ({ text, latencyMs: 5 }) });
  const { rt } = await limited(t, {});
  const schema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
  const result = await rt.llm('q', { model: [provider('no json'), provider('{"n": 5}')], schema });
  assert.deepEqual([result.value, result.planEntry], [{ n: 5 }, 1]);
  assertAtRest(rt);
});

test('a custom provider that fails in its own way ends the call: that is a fault of the program', async (t) => {
  const broken = custom(() => {
    throw new TypeError('a bug');
  });
  const { rt, log } = await limited(t, {});
  const error = await rejection(rt.llm('q', { model: [broken, 'b'] }));
  assert.deepEqual([error.kind, error.attempts, error.cause.message, log.length], ['protocol', 1, 'a bug', 0]);
  assertAtRest(rt);
});

test('a plan that is none is refused at the call, and nothing is left of it', async (t) => {
  const { rt, log } = await limited(t, {});
  const bad = [[], Array(17).fill('a'), Array(2), ['a', ''], ['a', 5], ['a', null], [['a']], ['a', {}], 5, '', {}, null, true];
  for (const model of bad) {
    for (const error of [await rejection(rt.llm('q', { model })), thrown(() => rt.llmStream('q', { model }))]) {
      assert.ok(error instanceof heddle.ArgumentError, JSON.stringify(model));
      assert.match(error.message, /options\.model/);
    }
  }
  const sixteen = await rt.llm('q', { model: Array.from({ length: 16 }, (_, i) => `m${i}`) });
  assert.equal(sixteen.planEntry, 0);
  assert.equal(log.length, 1);
  assertAtRest(rt);
});

test('a plan is what it was at the call', async (t) => {
  const { rt } = await limited(t, quick, statuses({ a: 500 }));
  const model = ['a', 'b'];
  const call = rt.llm('q', { model });
  model.length = 0;
  assert.equal((await call).planEntry, 1);
  assertAtRest(rt);
});
