// Serializers: what they wrap never overlaps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertAtRest, forever, hasCode, rejection, thrown, turns, until } from '../support/tasks.mjs';

const virtual = { clock: 'virtual' };

test('functions of one serializer never overlap, in the order of their calls', async (t) => {
  const rt = await open(t, virtual);
  const serializer = rt.serializer();
  const log = [];
  const work = (name) => serializer.wrap(async (ctx, n) => {
    log.push(`${name}${n} in`);
    await ctx.delay(5);
    log.push(`${name}${n} out`);
    return n;
  });
  const a = work('a');
  const b = work('b');
  const tasks = [1, 2].flatMap((n) => [rt.submit((ctx) => a(ctx, n)), rt.submit((ctx) => b(ctx, n))]);
  assert.deepEqual(await rt.awaitAll(tasks), [1, 1, 2, 2]);
  assert.deepEqual(log, ['a1', 'b1', 'a2', 'b2'].flatMap((name) => [`${name} in`, `${name} out`]));
  assertAtRest(rt);
});

test('the bank account of the textbook: no deposit is lost', async (t) => {
  const rt = await open(t, virtual);
  const serializer = rt.serializer();
  let balance = 100;
  const deposit = serializer.wrap(async (amount) => {
    const before = balance;
    await rt.delay(1);
    balance = before + amount;
  });
  await rt.awaitAll(Array.from({ length: 50 }, () => rt.submit(() => deposit(1))));
  assert.equal(balance, 150);
});

test('arguments, `this`, results and errors pass', async (t) => {
  const rt = await open(t, virtual);
  const serializer = rt.serializer();
  const object = { n: 5, add: serializer.wrap(function (...more) { return more.reduce((a, b) => a + b, this.n); }) };
  assert.equal(await object.add(1, 2), 8);
  const fails = serializer.wrap(() => { throw new RangeError('no'); });
  await assert.rejects(fails(), RangeError);
  assert.equal(await object.add(), 5);
  hasCode(thrown(() => serializer.wrap(5)), 'ArgumentError');
  assertAtRest(rt);
});

test('a cancelled caller leaves it free', async (t) => {
  const rt = await open(t);
  const serializer = rt.serializer();
  const inside = [];
  const hang = serializer.wrap(async (ctx) => {
    inside.push(ctx.task.id);
    await forever(ctx);
  });
  const first = rt.submit((ctx) => hang(ctx));
  const second = rt.submit((ctx) => hang(ctx));
  const third = rt.submit((ctx) => hang(ctx));
  await until('the first is in', () => inside.length === 1 && rt.explain(third.id)[0].reason === 'objects');
  rt.cancel(second.id);
  hasCode(await rejection(second.promise), 'Cancelled');
  rt.cancel(first.id);
  hasCode(await rejection(first.promise), 'Cancelled');
  await until('the third is in', () => inside.length === 2);
  assert.deepEqual(inside, ['t1', 't3']);
  rt.cancel(third.id);
  await rejection(third.promise);
  await turns();
  assertAtRest(rt);
});

test('a call from within is refused, for tasks and for callers outside', async (t) => {
  const rt = await open(t, virtual);
  const serializer = rt.serializer({ name: 'account' });
  const inner = serializer.wrap(() => 1);
  const outer = serializer.wrap(() => inner());
  const late = serializer.wrap(async (ctx) => {
    await ctx.delay(1);
    return inner(ctx);
  });
  assert.match(hasCode(await rejection(outer()), 'MutexReentry').message, /serializer 'account'/);
  const task = rt.submit(async (ctx) => {
    hasCode(await rejection(outer(ctx)), 'MutexReentry');
    hasCode(await rejection(outer()), 'MutexReentry');
    hasCode(await rejection(late(ctx)), 'MutexReentry');
    return inner(ctx);
  });
  assert.equal(await rt.await(task), 1);
  assert.equal(await inner(), 1);
  assertAtRest(rt);
});
