// clock: 'virtual': time jumps to the next timer when nothing can run, and stands still while a real request is in flight.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, deferred, hasCode, rejection, turns, until } from '../support/tasks.mjs';

test('it begins at 0 and moves only to timers', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  assert.equal(rt.clock.now(), 0);
  const seen = [];
  await rt.awaitAll(
    [300, 100, 200].map((ms) =>
      rt.submit(async (ctx) => {
        await ctx.delay(ms);
        seen.push(ctx.now());
      }),
    ),
  );
  assert.deepEqual(seen, [100, 200, 300]);
  await turns();
  assert.equal(rt.clock.now(), 300);
});

test('years pass at once', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const year = 365 * 86_400_000;
  await rt.delay(10 * year);
  assert.equal(rt.clock.now(), 10 * year);
});

test('delays of 0, of fractions of a millisecond, and equal ones in their order', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const order = [];
  await rt.awaitAll(
    [5, 0, 0.5, 5, 0, 0.25].map((ms, i) =>
      rt.submit(async (ctx) => {
        await ctx.delay(ms);
        order.push(i);
      }),
    ),
  );
  assert.deepEqual(order, [1, 4, 5, 2, 0, 3]);
  assert.equal(rt.clock.now(), 5);
});

test('time passes only when nothing can run', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const task = rt.submit(async (ctx) => {
    for (let i = 0; i < 100; i++) await ctx.yield();
    for (let i = 0; i < 100; i++) await Promise.resolve();
    await rt.await(rt.submit(() => 1));
    return ctx.now();
  });
  const timer = rt.delay(1);
  assert.equal(await task.promise, 0);
  await timer;
});

test('a foreign wait of a few turns of the event loop ends before time passes', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const timer = rt.submit((ctx) => ctx.delay(1000));
  const task = rt.submit(async (ctx) => {
    await new Promise(setImmediate);
    return ctx.now();
  });
  assert.equal(await task.promise, 0);
  await timer.promise;
});

test('simulated latency, backoff and streams pass in virtual time', async (t) => {
  const rt = await open(t, {
    clock: 'virtual',
    retry: { baseDelay: 0, maxAttempts: 2 },
    provider: heddle.simulated({
      script: (_request, n) => ({
        text: 'one two three four',
        latencyMs: 1000,
        ...(n === 1 && { error: { status: 503, retryAfter: 5000 } }),
      }),
    }),
  });
  const result = await rt.llm('x');
  assert.equal(result.attempts, 2);
  assert.equal(rt.clock.now(), 7000);
  assert.deepEqual([result.timings.requestedAt, result.timings.startedAt, result.timings.completedAt], [0, 6000, 7000]);
  const times = [];
  for await (const _ of rt.llmStream('y')) times.push(rt.clock.now() - 13_000);
  assert.deepEqual(
    times,
    [300, 533.333, 766.666, 999.999].map((ms) => times.find((at) => Math.abs(at - ms) < 1)),
  );
  assertAtRest(rt);
});

test('it stands still while a real request is in flight, and goes on after', async (t) => {
  const gate = deferred();
  const rt = await open(t, { clock: 'virtual', provider: heddle.custom(() => gate.promise) });
  const call = rt.submit(async (ctx) => {
    await ctx.llm('x');
    return ctx.now();
  });
  const timer = rt.submit(async (ctx) => {
    await ctx.delay(50);
    return ctx.now();
  });
  await until('it is in flight', () => rt.getStats().concurrentLLMCalls === 1);
  await turns(10);
  assert.equal(rt.clock.now(), 0);
  assert.equal(timer.state, 'running');
  gate.resolve('answer');
  assert.equal(await call.promise, 0);
  assert.equal(await timer.promise, 50);
});

test('the same for ctx.call', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const gate = deferred();
  const call = rt.submit((ctx) => ctx.call('x', () => gate.promise));
  const timer = rt.delay(5);
  await turns(10);
  assert.equal(rt.clock.now(), 0);
  gate.resolve();
  await call.promise;
  await timer;
  assert.equal(rt.clock.now(), 5);
});

test('advance lets time pass also while a request is in flight, and waits for what is due', async (t) => {
  const gate = deferred();
  const rt = await open(t, { clock: 'virtual', provider: heddle.custom(() => gate.promise) });
  const call = rt.submit((ctx) => ctx.llm('x', { timeout: 100 }));
  const fired = [];
  for (const ms of [10, 30, 60]) {
    rt.submit(async (ctx) => {
      await ctx.delay(ms);
      fired.push([ms, ctx.now()]);
    });
  }
  await until('it is in flight', () => rt.getStats().concurrentLLMCalls === 1);
  await rt.clock.advance(30);
  assert.deepEqual(fired, [
    [10, 10],
    [30, 30],
  ]);
  assert.equal(rt.clock.now(), 30);
  await rt.clock.advance(0);
  await rt.clock.advance(5);
  assert.equal(rt.clock.now(), 35);
  const error = rejection(call.promise);
  await rt.clock.advance(65);
  assert.equal(hasCode(await error, 'Timeout').ms, 100);
  assert.equal(rt.clock.now(), 100);
  gate.resolve('late');
  await turns();
  assertAtRest(rt);
});

test('advance moves an idle clock', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  await rt.clock.advance(1234);
  assert.equal(rt.clock.now(), 1234);
  const started = rt.submit((ctx) => ctx.now());
  assert.equal(await started.promise, 1234);
});

test('advances overlap: each ends at its own time', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  await Promise.all([rt.clock.advance(10), rt.clock.advance(30), rt.clock.advance(20)]);
  assert.equal(rt.clock.now(), 30);
});

test('a real clock reads milliseconds since the epoch and cannot be advanced', async (t) => {
  const rt = await open(t);
  const before = Date.now();
  const now = rt.clock.now();
  // The two clocks are read apart, and one of them in whole milliseconds.
  assert.ok(Math.abs(now - before) < 60_000);
  assert.ok(rt.clock.now() >= now);
  hasCode(await rejection(rt.clock.advance(5)), 'ArgumentError');
});

test('the wall clock and Math.random play no part', async (t) => {
  t.mock.method(Date, 'now', () => assert.fail('Date.now'));
  t.mock.method(Math, 'random', () => assert.fail('Math.random'));
  const rt = await open(t, {
    clock: 'virtual',
    retry: { maxAttempts: 3 },
    provider: heddle.simulated({ failures: 0.4 }),
  });
  const tasks = Array.from({ length: 20 }, (_, i) =>
    rt.submit((ctx) => ctx.llm(`q${i}`), { timeout: 1e6, deadline: 1e7 }),
  );
  await rt.awaitAllSettled(tasks);
});
