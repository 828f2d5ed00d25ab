// Budgets of retries: the runtime's, and those of tasks and scopes, which count for all that they submit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArgumentError, simulated } from 'heddle';
import { open } from '../support/heddle.mjs';
import { assertAtRest, rejection } from '../support/tasks.mjs';

// Every attempt fails, so what is sent is what the budgets allow.
const failing = () => simulated({ script: () => ({ latencyMs: 1, error: { status: 503 } }) });
const config = (more) => ({ clock: 'virtual', provider: failing(), retry: { maxAttempts: 4, baseDelay: 1, ...more } });
const attemptsOf = async (promise) => (await rejection(promise)).attempts;

test('a scope has a budget for all calls of all tasks in it, and those outside have their own', async (t) => {
  const rt = await open(t, config());
  const attempts = [];
  await rt.scope(
    async (scope) => {
      for (let i = 0; i < 3; i++) scope.submit(async (ctx) => void attempts.push(await attemptsOf(ctx.llm(`q ${i}`))));
    },
    { joiner: 'all', retryBudget: 4 },
  );
  assert.equal(attempts.reduce((sum, n) => sum + n), 3 + 4);
  assert.equal(await attemptsOf(rt.llm('outside')), 4);
  assertAtRest(rt);
});

test('the strictest budget above a call decides, and each of them pays', async (t) => {
  const rt = await open(t, config({ budget: 5 }));
  const task = rt.submit(
    async (ctx) => {
      const inner = await ctx.await(ctx.submit((child) => attemptsOf(child.llm('inner')), { retryBudget: 1 }));
      const own = await attemptsOf(ctx.llm('own'));
      const last = await attemptsOf(ctx.llm('last'));
      return [inner, own, last];
    },
    { retryBudget: 3 },
  );
  // One of three was spent inside; two are left, then none.
  assert.deepEqual(await task.promise, [2, 3, 1]);
  // Of the runtime's five, two are left.
  assert.equal(await attemptsOf(rt.llm('outside')), 3);
  assert.equal(await attemptsOf(rt.llm('outside again')), 1);
  assert.equal(rt.getStats().llmRetries, 5);
});

test('a detached task has no part in the budget of the task that submitted it', async (t) => {
  const rt = await open(t, config());
  let detached;
  await rt.submit((ctx) => void (detached = ctx.submit((child) => attemptsOf(child.llm('q')), { detached: true })), { retryBudget: 0 }).promise;
  assert.equal(await detached.promise, 4);
});

test('a budget that is none is refused at the call', async (t) => {
  const rt = await open(t, config());
  for (const retryBudget of [-1, 1.5, '2', NaN, 2 ** 32]) {
    assert.throws(() => rt.submit(() => 1, { retryBudget }), (error) => error instanceof ArgumentError && /retryBudget/.test(error.message));
    assert.ok((await rejection(rt.scope(async () => 1, { retryBudget }))) instanceof ArgumentError);
  }
});
