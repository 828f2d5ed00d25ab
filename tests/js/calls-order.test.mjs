// Which queued call gets the next place, limits that change while calls run, and virtual time beside real requests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { custom, simulated } from 'heddle';
import { asking, assertNothingLeft, connected } from '../support/calls.mjs';
import { open } from '../support/heddle.mjs';
import { rejection, turns, until } from '../support/tasks.mjs';

const promptOf = ({ messages: [{ content }] }) => content;

// A runtime with one place, whose first call, `first`, holds it until all others are queued; and the order of starts.
async function ordered(t, config, submitAll) {
  const order = [];
  let go;
  const gone = new Promise((resolve) => {
    go = resolve;
  });
  const provider = custom(async (request) => {
    order.push(promptOf(request));
    if (promptOf(request) === 'first') await gone;
    return 'fine';
  });
  const rt = await open(t, { provider, maxConcurrentLLMCalls: 1, maxConcurrentTasks: 1000, ...config });
  const first = rt.submit((ctx) => ctx.llm('first'));
  await until('the first call is in flight', () => order.length === 1);
  const tasks = submitAll(rt);
  await until('all others wait', () => rt.getStats().waitingLLMCalls === tasks.length);
  go();
  await rt.awaitAll([first, ...tasks]);
  await assertNothingLeft(rt);
  return order.slice(1);
}

for (const way of Object.keys(asking)) {
  test(`${way}: fifo gives places in the order of the calls`, async (t) => {
    const order = await ordered(t, {}, (rt) =>
      ['a', 'b', 'c', 'd'].map((name, i) => rt.submit((ctx) => asking[way](ctx, name), { priority: i, key: name })));
    assert.deepEqual(order, ['a', 'b', 'c', 'd']);
  });

  test(`${way}: priority gives places to the highest first, equal ones in the order of the calls`, async (t) => {
    const priorities = { a: 0, b: 5, c: -1, d: 5, e: 9 };
    const order = await ordered(t, { fairnessMode: 'priority' }, (rt) =>
      Object.entries(priorities).map(([name, priority]) => rt.submit((ctx) => asking[way](ctx, name), { priority })));
    assert.deepEqual(order, ['e', 'b', 'd', 'a', 'c']);
  });

  test(`${way}: round-robin serves each key in turn, however many calls another has`, async (t) => {
    const order = await ordered(t, { fairnessMode: 'round-robin' }, (rt) => [
      ...Array.from({ length: 50 }, (_, i) => rt.submit((ctx) => asking[way](ctx, `big ${i}`), { key: 'big' })),
      rt.submit((ctx) => asking[way](ctx, 'small'), { key: 'small' }),
      rt.submit((ctx) => asking[way](ctx, 'other'), { key: 'other' }),
    ]);
    assert.deepEqual(order.slice(0, 4), ['big 0', 'small', 'other', 'big 1']);
    assert.deepEqual(order.slice(3), Array.from({ length: 49 }, (_, i) => `big ${i + 1}`));
  });
}

test('a call moves up in the queue when a task of higher priority begins to wait for its task', async (t) => {
  const order = await ordered(t, { fairnessMode: 'priority' }, (rt) => {
    const low = rt.submit((ctx) => ctx.llm('low'), { priority: 1 });
    const middle = rt.submit((ctx) => ctx.llm('middle'), { priority: 5 });
    // Its own call is queued first, so that all three have come when the first call ends.
    const high = rt.submit(async (ctx) => Promise.all([ctx.llm('high'), ctx.await(low)]), { priority: 9 });
    return [low, middle, high];
  });
  assert.deepEqual(order, ['high', 'low', 'middle']);
});

test('a change of the fairness mode orders the calls that wait anew', async (t) => {
  const order = await ordered(t, {}, (rt) => {
    const tasks = ['a', 'b', 'c'].map((name, priority) => rt.submit((ctx) => ctx.llm(name), { priority }));
    void until('they wait', () => rt.getStats().waitingLLMCalls === 3).then(() => rt.configure({ fairnessMode: 'priority' }));
    return tasks;
  });
  assert.deepEqual(order, ['c', 'b', 'a']);
});

test('a higher limit starts waiting calls at once, a lower one lets those in flight end', async (t) => {
  const { server, rt } = await connected(t, { latencyMs: 'manual' }, { maxConcurrentLLMCalls: 2 });
  const calls = Array.from({ length: 10 }, (_, i) => rt.llm(`q ${i}`));
  await server.whenHeld(2);
  await turns();
  assert.equal(server.stats().open, 2);
  rt.configure({ maxConcurrentLLMCalls: 5 });
  await server.whenHeld(5);
  rt.configure({ maxConcurrentLLMCalls: 1 });
  assert.equal(rt.getStats().concurrentLLMCalls, 5);
  for (let left = 4; left >= 1; left--) {
    server.release(1);
    await until('one has ended', () => rt.getStats().concurrentLLMCalls === left);
    await turns();
    assert.equal(server.stats().requests, 5);
  }
  for (let n = 6; n <= 10; n++) {
    server.release();
    await server.whenRequests(n);
    await server.whenHeld(1);
    assert.equal(server.stats().open, 1);
  }
  server.release();
  await Promise.all(calls);
  assert.equal(server.stats().maxOpen, 5);
  await assertNothingLeft(rt, server);
});

test('explain says what a call waits for', async (t) => {
  const { server, rt } = await connected(t, { latencyMs: 'manual', fault: ({ prompt }) => (prompt === 'failing' ? 503 : undefined) }, {
    maxConcurrentLLMCalls: 1,
    retry: { baseDelay: 1e6, maxDelay: 1e6 },
  });
  const failing = rt.submit((ctx) => ctx.llm('failing'));
  await server.whenHeld(1);
  const flying = rt.submit((ctx) => ctx.llm('flying'));
  const queued = rt.submit((ctx) => ctx.llm('queued'));
  await until('two wait', () => rt.getStats().waitingLLMCalls === 2);
  assert.deepEqual(rt.explain(failing.id).map(({ reason }) => reason), ['call']);
  server.release();
  await until('it waits for another attempt', () => rt.getStats().backoffLLMCalls === 1);
  await server.whenHeld(1);
  const reasons = [failing, flying, queued].map((task) => rt.explain(task.id).map(({ reason }) => reason));
  assert.deepEqual(reasons, [['backoff'], ['call'], ['llmPlace']]);
  const [{ limit, ahead, tasks, text }] = rt.explain(queued.id);
  assert.deepEqual([limit, ahead, tasks], [1, 0, [flying.id]]);
  assert.match(text, /maxConcurrentLLMCalls is 1/);
  const failures = [failing, flying, queued].map((task) => rejection(task.promise));
  rt.cancelAll();
  await Promise.all(failures);
  await assertNothingLeft(rt, server);
});

test('virtual time stands still while a real request is in flight, and goes on after it', async (t) => {
  const { server, rt } = await connected(t, { latencyMs: 'manual' }, { clock: 'virtual' });
  const delays = [];
  rt.submit(async (ctx) => {
    for (let i = 0; i < 3; i++) {
      await ctx.delay(1000);
      delays.push(ctx.now());
    }
  });
  await until('the first delay is over', () => delays.length > 0);
  await rt.onIdle();
  assert.deepEqual(delays, [1000, 2000, 3000]);
  const call = rt.submit((ctx) => ctx.llm('q'));
  const delay = rt.submit((ctx) => ctx.delay(500));
  await server.whenHeld(1);
  await turns(20);
  assert.deepEqual([rt.clock.now(), delay.state], [3000, 'running']);
  server.release();
  const { timings } = await call.promise;
  await delay.promise;
  assert.deepEqual([timings.startedAt, timings.completedAt, rt.clock.now()], [3000, 3000, 3500]);
  await assertNothingLeft(rt, server);
});

test('the calls of a simulated provider take virtual time, as many at once as there are places', async (t) => {
  const rt = await open(t, { provider: simulated({ latency: 100 }), clock: 'virtual', maxConcurrentLLMCalls: 4, maxConcurrentTasks: 100 });
  const tasks = Array.from({ length: 40 }, (_, i) => rt.submit((ctx) => ctx.llm(`q ${i}`)));
  const results = await rt.awaitAll(tasks);
  assert.equal(rt.clock.now(), 1000);
  assert.deepEqual(results.map(({ timings }) => timings.startedAt), Array.from({ length: 40 }, (_, i) => Math.floor(i / 4) * 100));
  await assertNothingLeft(rt);
});

test('two runs with one seed are the same, command for command', async (t) => {
  const run = async () => {
    const rt = await open(t, { provider: simulated({ seed: 3, failures: 0.2 }), clock: 'virtual', seed: 5, maxConcurrentLLMCalls: 3, fairnessMode: 'priority' });
    const rows = await rt.awaitAllSettled(Array.from({ length: 60 }, (_, i) => rt.submit((ctx) => asking[i % 3 ? 'llm' : 'llmStream'](ctx, `q ${i}`), { priority: i % 5 })));
    return [rows.map(({ value, reason }) => value?.timings ?? reason.message), rt.clock.now(), rt.getStats().commandHash];
  };
  assert.deepEqual(await run(), await run());
});
