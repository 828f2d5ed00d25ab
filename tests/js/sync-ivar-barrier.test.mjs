// Ivars and barriers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, hasCode, rejection, SignalCounter, thrown, turns, until } from '../support/tasks.mjs';

const virtual = { clock: 'virtual' };
const waits = (rt, task) => until(`${task.id} waits`, () => rt.explain(task.id)[0].reason === 'objects');

test('an ivar gives its one value to all who ask, before and after it is there', async (t) => {
  const rt = await open(t, virtual);
  const ivar = rt.ivar({ name: 'answer' });
  const early = [1, 2].map(() => rt.submit((ctx) => ivar.take(ctx)));
  const outside = ivar.take();
  await waits(rt, early[1]);
  assert.equal(ivar.isFull(), false);
  assert.equal(ivar.tryTake(), undefined);
  const value = { n: 42 };
  ivar.put(value);
  assert.equal(ivar.isFull(), true);
  for (const got of [...(await rt.awaitAll(early)), await outside, await ivar.take(), ivar.tryTake().value]) assert.equal(got, value);
  const generator = rt.submit(function* (ctx) {
    return yield ivar.take(ctx);
  });
  assert.equal(await rt.await(generator), value);
  const error = hasCode(thrown(() => ivar.put(5)), 'IVarFull');
  assert.ok(error instanceof heddle.IVarError);
  assert.equal(error.message, "ivar.put: ivar 'answer' has its value already");
  assert.equal(rt._objects.values.size, 1);
  assertAtRest(rt);
});

test('who gives up an ivar leaves the others waiting', async (t) => {
  const rt = await open(t, virtual);
  const ivar = rt.ivar();
  const signals = new SignalCounter();
  const { signal, abort } = signals.signal();
  const cancelled = rt.submit((ctx) => ivar.take(ctx));
  const stays = rt.submit((ctx) => ivar.take(ctx));
  const aborted = rejection(ivar.take({ signal }));
  await waits(rt, stays);
  rt.cancel(cancelled.id);
  abort();
  hasCode(await aborted, 'Cancelled');
  hasCode(await rejection(cancelled.promise), 'Cancelled');
  hasCode(await rejection(ivar.take({ timeout: 5 })), 'Timeout');
  ivar.put(undefined);
  assert.equal(await rt.await(stays), undefined);
  assert.equal(signals.listeners, 0);
  assertAtRest(rt);
});

test('a take that has its value gives it, although its task is cancelled meanwhile', async (t) => {
  const rt = await open(t, virtual);
  const ivar = rt.ivar();
  let seen;
  const task = rt.submit(async (ctx) => {
    seen = await ivar.take(ctx);
  });
  await waits(rt, task);
  ivar.put('value');
  rt.cancel(task.id);
  await rejection(task.promise);
  await turns();
  assert.equal(seen, 'value');
});

test('a barrier lets all pass when the last one comes, round after round', async (t) => {
  const rt = await open(t, virtual);
  const barrier = rt.barrier(3);
  assert.equal(barrier.parties, 3);
  const order = [];
  const tasks = [1, 2, 3].map((n) => rt.submit(async (ctx) => {
    for (let round = 0; round < 3; round++) {
      await ctx.delay(n);
      order.push(`in ${round}`);
      await barrier.wait(ctx);
      order.push(`out ${round}`);
    }
  }));
  await rt.awaitAll(tasks);
  assert.deepEqual(order, [0, 1, 2].flatMap((round) => [...Array(3).fill(`in ${round}`), ...Array(3).fill(`out ${round}`)]));
  assert.equal(barrier.waiting, 0);
  assertAtRest(rt);
});

test('a party that gives up does not count', async (t) => {
  const rt = await open(t, virtual);
  const barrier = rt.barrier(2);
  const cancelled = rt.submit((ctx) => barrier.wait(ctx));
  await waits(rt, cancelled);
  assert.equal(barrier.waiting, 1);
  rt.cancel(cancelled.id);
  hasCode(await rejection(cancelled.promise), 'Cancelled');
  hasCode(await rejection(barrier.wait({ timeout: 5 })), 'Timeout');
  assert.equal(barrier.waiting, 0);
  await Promise.all([barrier.wait(), barrier.wait()]);
  await rt.barrier(1).wait();
  assertAtRest(rt);
});

test('bad arguments and closed runtimes', async (t) => {
  const rt = await open(t, virtual);
  for (const parties of [0, -1, 1.5, '2', undefined]) hasCode(thrown(() => rt.barrier(parties)), 'ArgumentError');
  const ivar = rt.ivar();
  const barrier = rt.barrier(2);
  for (const options of [null, 1, { timeout: 'x' }, { signal: 1 }]) {
    hasCode(await rejection(ivar.take(options)), 'ArgumentError');
    hasCode(await rejection(barrier.wait(options)), 'ArgumentError');
  }
  assert.equal(barrier.waiting, 0);
  await rt.close();
  hasCode(await rejection(ivar.take()), 'Closed');
  hasCode(await rejection(barrier.wait()), 'Closed');
  for (const operation of [() => ivar.put(1), () => ivar.isFull(), () => ivar.tryTake(), () => barrier.waiting]) hasCode(thrown(operation), 'Closed');
  assert.equal(rt._objects.values.size, 0);
});
