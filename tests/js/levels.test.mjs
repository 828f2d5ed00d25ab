// onIdle, onEmpty, onSizeLessThan: level-triggered, so at once where it is so already.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { deferred, forever, hasCode, rejection, turns, until } from '../support/tasks.mjs';

/** Whether a promise has resolved by now. */
function watch(promise) {
  const seen = { resolved: false };
  promise.then(() => (seen.resolved = true));
  return seen;
}

test('on a runtime without tasks all of them resolve at once', async (t) => {
  const rt = await open(t);
  await Promise.all([rt.onIdle(), rt.onEmpty(), rt.onSizeLessThan(1)]);
});

test('each resolves when its level is reached, not before', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const gates = Array.from({ length: 4 }, () => deferred());
  const tasks = gates.map((gate) => rt.submit(() => gate.promise));
  const three = watch(rt.onSizeLessThan(3));
  const two = watch(rt.onSizeLessThan(2));
  const empty = watch(rt.onEmpty());
  const idle = watch(rt.onIdle());
  const levels = () => [three, two, empty, idle].map(({ resolved }) => resolved);
  await until('the first runs', () => tasks[0].state === 'running');
  await turns();
  assert.deepEqual(levels(), [false, false, false, false]);
  gates[0].resolve();
  await until('the second runs', () => tasks[1].state === 'running');
  await turns();
  assert.deepEqual(levels(), [true, false, false, false]);
  gates[1].resolve();
  await until('the third runs', () => tasks[2].state === 'running');
  await turns();
  assert.deepEqual(levels(), [true, true, false, false]);
  gates[2].resolve();
  await until('the fourth runs', () => tasks[3].state === 'running');
  await turns();
  assert.deepEqual(levels(), [true, true, true, false]);
  gates[3].resolve();
  await rt.onIdle();
  await turns();
  assert.deepEqual(levels(), [true, true, true, true]);
});

test('cancelled and failed tasks count as done', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const running = rt.submit(forever);
  const pending = rt.submit(forever);
  const [empty, idle] = [watch(rt.onEmpty()), watch(rt.onIdle())];
  await until('it runs', () => running.state === 'running');
  rt.cancel(pending.id);
  await turns();
  assert.equal(empty.resolved, true);
  assert.equal(idle.resolved, false);
  rt.cancel(running.id);
  await turns();
  assert.equal(idle.resolved, true);
  const failing = rt.submit(() => {
    throw new Error('x');
  });
  await Promise.all([rejection(failing.promise), rt.onIdle()]);
});

test('onIdle waits for suspended parents and their children', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const parent = rt.submit((ctx) => void ctx.submit((c) => c.delay(50)));
  await rt.onIdle();
  assert.equal(parent.state, 'completed');
  assert.equal(rt.clock.now(), 50);
});

test('they may be asked for again and again, by many', async (t) => {
  const rt = await open(t);
  for (let i = 0; i < 5; i++) {
    const waits = [rt.submit((ctx) => ctx.yield()), 1, 2].map(() => rt.onIdle());
    await Promise.all(waits);
  }
});

test('a producer that heeds onSizeLessThan never fills the queue', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 2, maxQueued: 5, clock: 'virtual' });
  let most = 0;
  for (let i = 0; i < 50; i++) {
    await rt.onSizeLessThan(5);
    rt.submit((ctx) => ctx.delay(1));
    most = Math.max(most, rt.getStats().pendingTasks);
  }
  await rt.onIdle();
  assert.ok(most <= 5);
  assert.equal(rt.getStats().completedTasks, 50);
});

test('n must be a positive integer', async (t) => {
  const rt = await open(t);
  for (const n of [0, -1, 1.5, NaN, '2', undefined, null])
    hasCode(await rejection(rt.onSizeLessThan(n)), 'ArgumentError');
});

test('close settles those who wait for a level', async (t) => {
  const rt = await open(t);
  rt.submit(() => new Promise(() => {}), { graceMs: 0 });
  const idle = rt.onIdle().then(
    () => 'idle',
    (error) => error.code,
  );
  await turns();
  await rt.close();
  assert.ok(['idle', 'Closed'].includes(await idle));
});
