// delay(): cancellable, of any length; and the alarm behind it, which hosts cannot set beyond 2^31-1 ms.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, hasCode, rejection, turns, until } from '../support/tasks.mjs';

const kLongest = 2 ** 31 - 1;
// The longest that an alarm is set for.
const kMinute = 60_000;

/** setTimeout and performance.now in the hands of the test. */
function takeClock(t) {
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  const clock = { now: 1000, alarms: [], set: [] };
  t.mock.method(performance, 'now', () => clock.now);
  globalThis.setTimeout = (fn, ms) => {
    const alarm = { fn, ms };
    clock.alarms.push(alarm);
    clock.set.push(ms);
    return alarm;
  };
  globalThis.clearTimeout = (alarm) => {
    clock.alarms = clock.alarms.filter((each) => each !== alarm);
  };
  t.after(() => Object.assign(globalThis, real));
  /** Time passes by `ms`, and the one alarm that is set rings. */
  clock.ring = (ms) => {
    clock.now += ms;
    assert.equal(clock.alarms.length, 1);
    clock.alarms.shift().fn();
  };
  return clock;
}

test('a delay beyond 2^31-1 ms is armed again, a minute at a time, until it is over', async (t) => {
  const clock = takeClock(t);
  const rt = await open(t);
  let over = false;
  const task = rt.submit(async (ctx) => {
    await ctx.delay(2 * kLongest + 500);
    over = true;
  });
  await until('it waits', () => clock.alarms.length === 1);
  clock.ring(kMinute);
  await turns();
  clock.ring(kMinute);
  await turns();
  assert.deepEqual(clock.set, [kMinute, kMinute, kMinute]);
  assert.equal(over, false);
  clock.ring(2 * kLongest - 2 * kMinute);
  await turns();
  assert.deepEqual(clock.set, [kMinute, kMinute, kMinute, 500]);
  assert.equal(over, false);
  clock.ring(500);
  await task.promise;
  assert.equal(over, true);
  assert.equal(clock.alarms.length, 0);
});

test('an alarm that rings too early is set again for the rest', async (t) => {
  const clock = takeClock(t);
  const rt = await open(t);
  const task = rt.submit((ctx) => ctx.delay(10));
  await until('it waits', () => clock.alarms.length === 1);
  clock.ring(9.2);
  await turns();
  assert.equal(task.state, 'running');
  assert.equal(clock.alarms[0].ms, 1);
  clock.ring(0.8);
  await task.promise;
});

test('one alarm serves all timers, the earliest first; cancelled ones are cleared', async (t) => {
  const clock = takeClock(t);
  const rt = await open(t);
  const late = rt.submit((ctx) => ctx.delay(1000));
  await until('it waits', () => clock.alarms.length === 1);
  const early = rt.submit((ctx) => ctx.delay(10));
  await until('the earlier one counts', () => clock.alarms[0]?.ms === 10);
  assert.equal(clock.alarms.length, 1);
  rt.cancel(early.id);
  await turns();
  assert.equal(clock.alarms[0].ms, 1000);
  rt.cancel(late.id);
  await turns();
  assert.deepEqual(clock.alarms, []);
  assertAtRest(rt);
});

test('under virtual time a delay of any length is over at once, and exact', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  for (const ms of [kLongest, kLongest + 1, 2 ** 32, 2 ** 40]) {
    const before = rt.clock.now();
    await rt.submit((ctx) => ctx.delay(ms)).promise;
    assert.equal(rt.clock.now() - before, ms);
  }
});

test('Infinity is a delay, too, and can be cancelled', async (t) => {
  const rt = await open(t);
  const task = rt.submit((ctx) => ctx.delay(Infinity));
  await until('it runs', () => task.state === 'running');
  await turns();
  rt.cancel(task.id, 'enough');
  hasCode(await rejection(task.promise), 'Cancelled');
  await turns();
  assertAtRest(rt);
});

test('delay gives undefined, and delay(0) still lets others go first', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const order = [];
  const first = rt.submit(async (ctx) => {
    assert.equal(await ctx.delay(0), undefined);
    order.push('after');
  });
  const second = rt.submit(() => order.push('other'));
  await rt.awaitAll([first, second]);
  assert.deepEqual(order, ['other', 'after']);
});

test('a delay that is longer than its own timeout ends in a TimeoutError then', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const task = rt.submit(async (ctx) => {
    await ctx.delay(5, { timeout: 10 });
    const error = await ctx.delay(50, { timeout: 10 }).catch((e) => e);
    return { error, at: ctx.now() };
  });
  const { error, at } = await task.promise;
  assert.ok(error instanceof heddle.TimeoutError);
  assert.deepEqual([error.limit, error.scope, error.ms, at], ['operation', 'delay', 10, 15]);
  await assert.rejects(rt.delay(50, { timeout: 10 }), heddle.TimeoutError);
  await assert.rejects(rt.delay(50, { timeout: -1 }), heddle.ArgumentError);
});
