// Semaphores: order by weight, conservation of permits, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, forever, hasCode, rejection, SignalCounter, thrown, turns, until } from '../support/tasks.mjs';

const virtual = { clock: 'virtual' };
const waits = (rt, task) => until(`${task.id} waits`, () => rt.explain(task.id)[0].reason === 'objects');

test('as many run at once as there are permits', async (t) => {
  const rt = await open(t, virtual);
  const semaphore = rt.semaphore(3);
  let inside = 0;
  let most = 0;
  const body = function* (ctx) {
    const permits = yield semaphore.acquire(1, ctx);
    most = Math.max(most, ++inside);
    yield ctx.delay(5);
    inside--;
    permits.release();
  };
  await rt.awaitAll(Array.from({ length: 20 }, () => rt.submit(body)));
  assert.equal(most, 3);
  assert.equal(semaphore.available, 3);
  assertAtRest(rt);
});

test('a large request is not starved by small ones behind it', async (t) => {
  const rt = await open(t, virtual);
  const semaphore = rt.semaphore(3, { name: 'gpu' });
  assert.equal(semaphore.permits, 3);
  const first = await semaphore.acquire(2);
  assert.equal(first.count, 2);
  const order = [];
  const take = (name, count) => rt.submit(async (ctx) => {
    const permits = await semaphore.acquire(count, ctx);
    order.push(name);
    permits.release();
  });
  const large = take('large', 3);
  const small = take('small', 1);
  await waits(rt, small);
  assert.match(rt.explain(large.id)[0].text, /waits for permits of semaphore 'gpu', for/);
  assert.equal(rt.explain(small.id)[0].ahead, 1);
  assert.equal(semaphore.tryAcquire(1), undefined, 'no barging, though one permit is free');
  assert.equal(semaphore.available, 1);
  first.release();
  await rt.awaitAll([large, small]);
  assert.deepEqual(order, ['large', 'small']);
});

test('one that leaves lets those behind it go on', async (t) => {
  const rt = await open(t, virtual);
  const semaphore = rt.semaphore(2);
  const held = semaphore.tryAcquire(1);
  const signals = new SignalCounter();
  const { signal, abort } = signals.signal();
  const large = rejection(semaphore.acquire(2, { signal }));
  const small = semaphore.acquire(1);
  await turns();
  abort('no');
  hasCode(await large, 'Cancelled');
  (await small).release();
  held.release();
  hasCode(await rejection(rt.await(rt.submit((ctx) => semaphore.run(() => semaphore.acquire(2, { ctx, timeout: 5 }), ctx)))), 'Timeout');
  assert.equal(semaphore.available, 2);
  assert.equal(signals.listeners, 0);
  assertAtRest(rt);
});

test('permits that were given to a task which is cancelled at that moment are not lost', async (t) => {
  const rt = await open(t);
  const semaphore = rt.semaphore(1);
  const held = await semaphore.acquire();
  const task = rt.submit(async (ctx) => {
    const permits = await semaphore.acquire(ctx);
    try {
      await forever(ctx);
    } finally {
      permits.release();
    }
  });
  await waits(rt, task);
  held.release();
  assert.equal(semaphore.available, 0);
  rt.cancel(task.id);
  hasCode(await rejection(task.promise), 'Cancelled');
  await turns();
  assert.equal(semaphore.available, 1);
  assertAtRest(rt);
});

test('permits go to nobody who is over: they come back', async (t) => {
  const rt = await open(t, virtual);
  const semaphore = rt.semaphore(1);
  const held = await semaphore.acquire();
  const task = rt.submit((ctx) => void semaphore.acquire(ctx));
  await rt.await(task);
  held.release();
  await turns();
  assert.equal(semaphore.available, 1);
  assertAtRest(rt);
});

test('run gives back after a result and an error', async (t) => {
  const rt = await open(t, virtual);
  const semaphore = rt.semaphore(3);
  assert.equal(await semaphore.run(() => semaphore.available, { permits: 2 }), 1);
  await assert.rejects(semaphore.run(async () => { throw new RangeError('no'); }), RangeError);
  hasCode(await rejection(semaphore.run(5)), 'ArgumentError');
  assert.equal(semaphore.available, 3);
});

test('permits are given back once, and never more than were taken', async (t) => {
  const rt = await open(t, virtual);
  const semaphore = rt.semaphore(2, { name: 'two' });
  const error = hasCode(thrown(() => semaphore.release()), 'PermitsNotHeld');
  assert.ok(error instanceof heddle.LockError);
  assert.equal(error.message, "semaphore.release: semaphore 'two': 0 of its 2 permits are taken, so 1 cannot be given back");
  const permits = await semaphore.acquire(2);
  semaphore.release(1);
  hasCode(thrown(() => permits.release()), 'PermitsNotHeld');
  semaphore.release(1);
  const again = await semaphore.acquire();
  again.release();
  hasCode(thrown(() => again.release()), 'PermitsNotHeld');
  again[Symbol.dispose]();
  assert.equal(semaphore.available, 2);
});

test('bad counts are refused at the call', async (t) => {
  const rt = await open(t, virtual);
  for (const count of [0, -1, 1.5, NaN, Infinity, 2 ** 31, '1', null, undefined]) hasCode(thrown(() => rt.semaphore(count)), 'ArgumentError');
  const semaphore = rt.semaphore(2);
  for (const count of [0, -1, 1.5, NaN, 3, '1', null]) {
    hasCode(await rejection(semaphore.acquire(count)), 'ArgumentError');
    hasCode(thrown(() => semaphore.tryAcquire(count)), 'ArgumentError');
    if (count !== 3) hasCode(thrown(() => semaphore.release(count)), 'ArgumentError');
  }
  const task = rt.submit(function* (ctx) {
    try {
      yield semaphore.acquire(3, ctx);
    } catch (error) {
      return error.message;
    }
  });
  assert.equal(await rt.await(task), 'semaphore.acquire: semaphore #1 has 2 permits, so 3 can never be acquired');
  assert.equal(semaphore.available, 2);
  await rt.close();
  hasCode(await rejection(semaphore.acquire()), 'Closed');
  for (const operation of [() => semaphore.release(), () => semaphore.available, () => semaphore.tryAcquire(), () => rt.semaphore(1)]) hasCode(thrown(operation), 'Closed');
});
