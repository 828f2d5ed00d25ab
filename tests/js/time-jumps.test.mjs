// Time that goes on without the program: a machine that sleeps, a timer that comes late. The test is the clock: it moves the
// wall clock, or the monotonic one, and no time passes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertAtRest, rejection, turns } from '../support/tasks.mjs';

const kHour = 3_600_000;

/** Puts a clock forward by as much as the test says. */
function shiftable(t, owner) {
  const real = owner.now.bind(owner);
  let shift = 0;
  owner.now = () => real() + shift;
  t.after(() => (owner.now = real));
  return (ms) => (shift += ms);
}

/** The runtime's next cycle, far enough from the last one that it looks at the wall clock. */
async function cycle(rt) {
  await rt.yield();
  await turns();
}

test('a machine that slept: the runtime says so, follows the wall clock, and what is overdue is due', async (t) => {
  const sleep = shiftable(t, Date);
  const monotonic = shiftable(t, performance);
  const rt = await open(t);
  const jumps = [];
  rt.on('timeJump', (jump) => jumps.push(jump));
  const failed = rejection(rt.submit((ctx) => ctx.delay(kHour), { timeout: kHour / 2 }).promise);
  await cycle(rt);
  const before = rt.clock.now();
  // Both clocks move on a little, so that the next cycle looks; the wall clock by an hour more.
  monotonic(100);
  sleep(100 + kHour);
  await cycle(rt);
  assert.equal(jumps.length, 1);
  assert.equal(jumps[0].kind, 'sleep');
  assert.ok(Math.abs(jumps[0].ms - kHour) < 1000, JSON.stringify(jumps));
  assert.ok(rt.clock.now() - before >= kHour);
  assert.equal((await failed).code, 'Timeout');
  await turns();
  assertAtRest(rt);
});

test('a wall clock that is set back, or drifts, changes nothing', async (t) => {
  const wall = shiftable(t, Date);
  const monotonic = shiftable(t, performance);
  const rt = await open(t);
  const jumps = [];
  rt.on('timeJump', (jump) => jumps.push(jump));
  await cycle(rt);
  for (const ms of [-kHour, 500, 1500, -200]) {
    const before = rt.clock.now();
    monotonic(100);
    wall(100 + ms);
    await cycle(rt);
    assert.ok(rt.clock.now() - before < 10_000);
  }
  assert.deepEqual(jumps, []);
});

test('a timer that comes late is told', async (t) => {
  const wall = shiftable(t, Date);
  const monotonic = shiftable(t, performance);
  const rt = await open(t);
  const jumps = [];
  rt.on('timeJump', (jump) => jumps.push(jump));
  let alarm;
  const { mock } = t.mock.method(globalThis, 'setTimeout', (callback) => {
    alarm = callback;
    return undefined;
  });
  const delay = rt.delay(5000);
  await cycle(rt);
  mock.restore();
  // What a throttled page sees: both clocks agree, and the timer is long overdue.
  monotonic(20_000);
  wall(20_000);
  alarm();
  await delay;
  await turns();
  assert.equal(jumps.length, 1);
  assert.equal(jumps[0].kind, 'late');
  assert.ok(jumps[0].ms >= 14_000, JSON.stringify(jumps));
});
