// getStats(): at every moment it is what the list of tasks says, and what the provider and the clock say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, assertConsistent, deferred, forever, rejection, turns, until } from '../support/tasks.mjs';

test('it has the counts of the interface, and they begin at zero', async (t) => {
  const rt = await open(t);
  const stats = rt.getStats();
  for (const key of [
    'pendingTasks',
    'runningTasks',
    'suspendedTasks',
    'completedTasks',
    'cancelledTasks',
    'erroredTasks',
  ]) {
    assert.equal(stats[key], 0, key);
  }
  for (const key of [
    'zombieTasks',
    'concurrentLLMCalls',
    'waitingLLMCalls',
    'backoffLLMCalls',
    'llmCalls',
    'llmRetries',
  ]) {
    assert.equal(stats[key], 0, key);
  }
  assert.equal(typeof stats.events, 'number');
  assert.equal(typeof stats.steps, 'number');
  assert.match(stats.commandHash, /^[0-9a-f]{16}$/);
  assertAtRest(rt);
});

test('each state is counted, inside bodies as well', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 2 });
  const gate = deferred();
  const seen = [];
  const parent = rt.submit(async (ctx) => {
    const { runningTasks, pendingTasks } = rt.getStats();
    seen.push([runningTasks, pendingTasks]);
    await ctx.await(ctx.submit(() => gate.promise));
  });
  rt.submit(() => gate.promise);
  await until('the parent waits', () => parent.state === 'suspended');
  const pending = rt.submit(() => 1);
  await turns();
  const { pendingTasks, runningTasks, suspendedTasks, slots } = rt.getStats();
  assert.deepEqual(
    { pendingTasks, runningTasks, suspendedTasks, slots },
    { pendingTasks: 1, runningTasks: 2, suspendedTasks: 1, slots: 2 },
  );
  assert.deepEqual(seen, [[2, 0]]);
  assertConsistent(rt);
  gate.resolve();
  await pending.promise;
  await rt.onIdle();
  assertConsistent(rt);
  assert.equal(rt.getStats().completedTasks, 4);
});

test('in a random crowd it is consistent after every step of every task', async (t) => {
  const rt = await open(t, {
    clock: 'virtual',
    maxConcurrentTasks: 6,
    retainSettled: 40,
    graceMs: 20,
    retry: { maxAttempts: 2, baseDelay: 3 },
  });
  let looks = 0;
  const look = () => {
    looks++;
    assertConsistent(rt);
  };
  const body = (i, depth) => async (ctx) => {
    try {
      look();
      await ctx.delay((i * 13) % 17);
      look();
      if (depth > 0) {
        const children = [0, 1, 2].map((k) => ctx.submit(body(i * 3 + k, depth - 1), { timeout: k === 1 ? 12 : 0 }));
        await ctx.awaitAllSettled(children);
      }
      look();
      if (i % 4 === 3) throw new Error('fails');
      if (i % 5 === 4) rt.cancel(`t${1 + (i % 60)}`);
      await ctx.llm(`q${i}`);
    } finally {
      look();
    }
  };
  await rt.awaitAllSettled(Array.from({ length: 20 }, (_, i) => rt.submit(body(i, 2))));
  await turns();
  look();
  assert.ok(looks > 500, `${looks} looks`);
  const stats = rt.getStats();
  // Every task that was ever submitted has settled one way.
  assert.equal(
    stats.completedTasks + stats.cancelledTasks + stats.erroredTasks,
    Number(rt.getAllTasks().at(-1).id.slice(1)),
  );
  assert.ok(stats.cancelledTasks > 0 && stats.erroredTasks > 0 && stats.completedTasks > 0);
  assertAtRest(rt);
});

test('ages of what waits longest, in the queue and for a place in flight', async (t) => {
  const rt = await open(t, {
    clock: 'virtual',
    maxConcurrentTasks: 2,
    maxConcurrentLLMCalls: 1,
    provider: heddle.simulated({ latency: 100 }),
  });
  const tasks = [rt.submit((ctx) => ctx.llm('a')), rt.submit((ctx) => ctx.llm('b')), rt.submit(() => 1)];
  await rt.delay(30);
  const { oldestPendingMs, oldestWaitingLLMCallMs, concurrentLLMCalls, waitingLLMCalls } = rt.getStats();
  assert.deepEqual({ oldestPendingMs, oldestWaitingLLMCallMs }, { oldestPendingMs: 30, oldestWaitingLLMCallMs: 30 });
  assert.deepEqual({ concurrentLLMCalls, waitingLLMCalls }, { concurrentLLMCalls: 1, waitingLLMCalls: 1 });
  await rt.awaitAll(tasks);
  assert.equal(rt.clock.now(), 200);
});

test('requests, retries and waits between attempts', async (t) => {
  const rt = await open(t, {
    clock: 'virtual',
    retry: { maxAttempts: 3, baseDelay: 1000, maxDelay: 1000 },
    provider: heddle.simulated({ latency: 1, script: () => ({ latencyMs: 1, error: { status: 500 } }) }),
  });
  const call = rejection(rt.llm('x'));
  await until('it waits to try again', () => rt.getStats().backoffLLMCalls === 1 || rt.getStats().llmRetries > 1);
  await call;
  const { llmCalls, llmRetries } = rt.getStats();
  assert.deepEqual({ llmCalls, llmRetries }, { llmCalls: 3, llmRetries: 2 });
  assertAtRest(rt);
});

test('timers are counted while they are set', async (t) => {
  const rt = await open(t);
  const tasks = [rt.submit(forever), rt.submit(() => new Promise(() => {}), { timeout: 1e9, graceMs: 0 })];
  await until('they run', () => tasks[1].state === 'running');
  assert.equal(rt.getStats().timers, 2);
  rt.cancelAll();
  await until('nothing is left but the zombie', () => rt.getStats().timers === 0 && rt.getStats().zombieTasks === 1);
});

test('callers outside are no tasks', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const waits = [rt.delay(10), rt.llm('x'), rt.yield()];
  assert.equal(rt.getStats().runningTasks, 0);
  assert.deepEqual(rt.getAllTasks(), []);
  await Promise.all(waits);
  assertAtRest(rt);
});

test('steps and events only grow', async (t) => {
  const rt = await open(t);
  const before = rt.getStats();
  await rt.submit((ctx) => ctx.yield()).promise;
  const after = rt.getStats();
  assert.ok(after.steps > before.steps && after.events > before.events);
  assert.notEqual(after.commandHash, before.commandHash);
});
