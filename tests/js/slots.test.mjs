// Slots: held while a task can go on by itself, given back while it waits for another fiber, taken again before any
// pending task gets one. Hence nested submits cannot deadlock.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertAtRest, deferred, turns, until } from '../support/tasks.mjs';

const depth = 10;

for (const [how, wait] of Object.entries({
  await: (ctx, child) => ctx.await(child),
  'await by the runtime': (ctx, child) => ctx.runtime.await(child, { ctx }),
  awaitAll: async (ctx, child) => (await ctx.awaitAll([child]))[0],
  awaitAllSettled: async (ctx, child) => (await ctx.awaitAllSettled([child]))[0].value,
  awaitAny: async (ctx, child) => (await ctx.awaitAny([child])).result,
  race: async (ctx, child) => (await ctx.race([child])).result,
  'await with a timeout': (ctx, child) => ctx.await(child, { timeout: 1000 }),
})) {
  test(`submits nested ten deep by ${how} end with one slot`, async (t) => {
    const rt = await open(t, { maxConcurrentTasks: 1, clock: 'virtual' });
    const level = (n) => async (ctx) => {
      if (n === 0) return 1;
      await ctx.yield();
      return 1 + (await wait(ctx, ctx.submit(level(n - 1))));
    };
    assert.equal(await rt.submit(level(depth)).promise, depth + 1);
    assertAtRest(rt);
  });
}

test('generator bodies nested ten deep end with one slot', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const level = (n) =>
    function* (ctx) {
      return n === 0 ? 1 : 1 + (yield ctx.await(ctx.submit(level(n - 1))));
    };
  assert.equal(await rt.submit(level(depth)).promise, depth + 1);
});

test('scopes nested ten deep end with one slot', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const level = (n) => (ctx) => (n === 0 ? 1 : ctx.scope((s) => s.await(s.submit(level(n - 1)))));
  assert.equal(await rt.submit(level(depth)).promise, 1);
});

test('mapConcurrent nested ten deep ends with one slot', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const level = (n) => async (ctx) => {
    let sum = 1;
    if (n > 0) for await (const x of ctx.mapConcurrent([n - 1], (m, _i, c) => level(m)(c))) sum += x;
    return sum;
  };
  assert.equal(await rt.submit(level(depth)).promise, depth + 1);
});

test('a fan-out of ten by ten by ten ends with one slot', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const level = (n) => async (ctx) => {
    if (n === 0) return 1;
    const children = Array.from({ length: 10 }, () => ctx.submit(level(n - 1)));
    return (await ctx.awaitAll(children)).reduce((a, b) => a + b);
  };
  assert.equal(await rt.submit(level(3)).promise, 1000);
  assertAtRest(rt);
});

test('a task that waits for the host keeps its slot', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1, clock: 'virtual' });
  const order = [];
  const first = rt.submit(async (ctx) => {
    await ctx.delay(10);
    order.push('delay');
    await ctx.llm('hello');
    order.push('llm');
    await ctx.call('x', () => Promise.resolve());
    order.push('call');
    await Promise.resolve();
    order.push('foreign');
    await ctx.yield();
    order.push('yield');
  });
  const second = rt.submit(() => order.push('second'));
  await rt.awaitAll([first, second]);
  assert.deepEqual(order, ['delay', 'llm', 'call', 'foreign', 'yield', 'second']);
});

test('while a task waits for another its slot is free, and it is suspended', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const gate = deferred();
  const waiter = rt.submit((ctx) => ctx.await(ctx.submit(() => gate.promise)));
  await until('it waits', () => waiter.state === 'suspended');
  await turns();
  assert.equal(rt.getStats().slots, 1, 'the child has it');
  gate.resolve('x');
  assert.equal(await waiter.promise, 'x');
});

test('on waking a task takes a slot before any pending task does', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const order = [];
  const gate = deferred();
  const waiter = rt.submit(async (ctx) => {
    await ctx.await(ctx.submit(() => gate.promise));
    order.push('waiter');
  });
  await until('it is suspended', () => waiter.state === 'suspended');
  const pending = Array.from({ length: 5 }, (_, i) => rt.submit(() => order.push(`pending ${i}`)));
  gate.resolve();
  await rt.awaitAll([waiter, ...pending]);
  assert.deepEqual(order, ['waiter', ...pending.map((_, i) => `pending ${i}`)]);
});

test('a task that waits for a fiber and for the host at once keeps its slot', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 2, clock: 'virtual' });
  const gate = deferred();
  const both = rt.submit(async (ctx) => {
    const child = ctx.submit(() => gate.promise);
    await Promise.all([ctx.await(child), ctx.delay(50)]);
  });
  await until('they run', () => rt.getStats().pendingTasks === 0 && rt.getAllTasks().length === 2);
  assert.equal(both.state, 'running');
  gate.resolve();
  await both.promise;
});

test('a cancelled task keeps its slot until its body ended', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const gate = deferred();
  const cancelled = rt.submit(() => gate.promise);
  await until('it runs', () => cancelled.state === 'running');
  const next = rt.submit(() => 'next');
  rt.cancel(cancelled.id);
  await turns();
  assert.equal(next.state, 'pending');
  gate.resolve();
  assert.equal(await next.promise, 'next');
});

for (const clock of ['virtual', 'real']) {
  test(`${clock} time: a body that one of several waits resumed gives its slot back while it waits for the others`, async (t) => {
    const rt = await open(t, { clock, maxConcurrentTasks: 1 });
    const parent = rt.submit(async (ctx) => {
      const kids = [1, 2, 3].map((i) => ctx.submit(async (child) => (await child.yield(), i)));
      return Promise.all(kids.map((kid) => ctx.await(kid)));
    });
    assert.deepEqual(await parent.promise, [1, 2, 3]);
    assertAtRest(rt);
  });
}
