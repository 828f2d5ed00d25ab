// Generator bodies take their turns in a row, without a way through the microtask queue; all others still get theirs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertAtRest, turns } from '../support/tasks.mjs';

/** Two generators that only wake each other, until told to stop. */
function busy(rt) {
  const state = { rounds: 0, stops: false };
  const body = function* (ctx) {
    while (!state.stops) {
      state.rounds++;
      yield ctx.yield();
    }
  };
  state.tasks = [rt.submit(body), rt.submit(body)];
  return state;
}

for (const clock of ['real', 'virtual']) {
  test(`microtasks and the event loop go on beside busy generators, with a ${clock} clock`, async (t) => {
    const rt = await open(t, { clock, sliceMs: 1 });
    const state = busy(rt);
    await turns(1);
    let before = state.rounds;
    let most = 0;
    for (let i = 0; i < 100; i++) {
      await undefined;
      most = Math.max(most, state.rounds - before);
      before = state.rounds;
    }
    assert.ok(most <= 1000, `${most} turns between two microtasks`);
    if (clock === 'real') await turns(3);
    state.stops = true;
    await Promise.all(state.tasks.map((task) => task.promise));
    assertAtRest(rt);
  });
}

test('an async body beside busy generators gets its turns', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const state = busy(rt);
  let seen = 0;
  const task = rt.submit(async (ctx) => {
    for (let i = 0; i < 50; i++) {
      const before = state.rounds;
      await ctx.yield();
      seen = Math.max(seen, state.rounds - before);
    }
    state.stops = true;
  });
  await rt.await(task);
  assert.ok(seen <= 4, `${seen} turns of others between two of its own`);
  await rt.awaitAll(state.tasks);
});

test('a cancel from outside reaches busy generators', async (t) => {
  const rt = await open(t);
  const state = busy(rt);
  await turns(2);
  rt.cancelAll('enough');
  await Promise.all(state.tasks.map((task) => task.promise.catch(() => {})));
  assert.deepEqual(state.tasks.map((task) => task.state), ['cancelled', 'cancelled']);
  await turns();
  assertAtRest(rt);
});

test('a runtime that a busy generator closes is closed', async (t) => {
  const rt = await open(t);
  const state = busy(rt);
  let closing;
  rt.submit(function* (ctx) {
    for (let i = 0; i < 10; i++) yield ctx.yield();
    closing = rt.close();
    for (;;) yield ctx.yield();
  }).promise.catch(() => {});
  for (const task of state.tasks) task.promise.catch(() => {});
  await turns(3);
  await closing;
  assert.deepEqual(state.tasks.map((task) => task.state), ['cancelled', 'cancelled']);
});
