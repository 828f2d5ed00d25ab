// awaitAny and race: who wins, what becomes of the losers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertAtRest, forever, hasCode, rejection, turns } from '../support/tasks.mjs';

const after = (ms, value) => async (ctx) => {
  await ctx.delay(ms);
  if (value instanceof Error) throw value;
  return value;
};

const callers = {
  outside: (rt, ask) => ask(rt),
  inside: (rt, ask) => rt.submit((ctx) => ask(ctx)).promise,
};

for (const [who, by] of Object.entries(callers)) {
  test(`awaitAny gives the first task that completes; a failure does not win (${who})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const tasks = [after(30, 'a'), after(20, 'b'), after(10, new Error('c'))].map((body) => rt.submit(body));
    assert.equal(await by(rt, (on) => on.awaitAny(tasks)), tasks[1]);
    assert.equal(rt.clock.now(), 20);
    assert.equal(tasks[0].state, 'running', 'losers are kept');
    assert.equal(await by(rt, (on) => on.awaitAny(tasks)), tasks[1], 'the same one again');
  });

  test(`race gives the first task that settles, whatever the outcome (${who})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const tasks = [after(30, 'a'), after(10, new Error('b'))].map((body) => rt.submit(body));
    assert.equal(await by(rt, (on) => on.race(tasks)), tasks[1]);
    assert.equal(await by(rt, (on) => on.race(tasks)), tasks[1], 'also among settled ones');
    const cancelled = rt.submit(forever);
    rt.cancel(cancelled.id);
    assert.equal(await by(rt, (on) => on.race([tasks[0], cancelled])), cancelled);
  });

  test(`when all fail, awaitAny rejects with every cause in input order (${who})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const errors = [new Error('late'), new Error('early')];
    const tasks = [after(20, errors[0]), after(10, errors[1]), forever].map((body) => rt.submit(body));
    const waiting = rejection(by(rt, (on) => on.awaitAny(tasks)));
    await rejection(tasks[0].promise);
    rt.cancel(tasks[2].id, 'third');
    for (const error of [await waiting, await rejection(by(rt, (on) => on.awaitAny(tasks)))]) {
      assert.ok(error instanceof AggregateError);
      assert.deepEqual(error.errors.slice(0, 2), errors);
      assert.equal(error.errors[2].reason, 'third');
      for (const { id } of tasks) assert.match(error.message, new RegExp(id));
    }
  });

  test(`losers: cancel ends the others, and only those of the list (${who})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    for (const [ask, first] of [
      ['awaitAny', 'v'],
      ['race', new Error('v')],
    ]) {
      const bystander = rt.submit(forever);
      const tasks = [forever, after(10, first), forever].map((body) => rt.submit(body));
      assert.equal(await by(rt, (on) => on[ask](tasks, { losers: 'cancel' })), tasks[1]);
      assert.deepEqual(
        tasks.map(({ state }) => state),
        ['cancelled', first === 'v' ? 'completed' : 'error', 'cancelled'],
      );
      assert.match(tasks[0].error.reason, /won/);
      assert.equal(bystander.state, 'running');
      // Again with a winner that is known when it is asked.
      const late = rt.submit(forever);
      assert.equal(await by(rt, (on) => on[ask]([late, tasks[1]], { losers: 'cancel' })), tasks[1]);
      assert.equal(late.state, 'cancelled');
      rt.cancel(bystander.id);
    }
    await turns();
    assertAtRest(rt);
  });

  test(`an empty list is a typed error, for nothing could win (${who})`, async (t) => {
    const rt = await open(t);
    hasCode(await rejection(by(rt, (on) => on.awaitAny([]))), 'ArgumentError');
    hasCode(await rejection(by(rt, (on) => on.race([]))), 'ArgumentError');
  });

  test(`a timeout of the wait cancels no one (${who})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const tasks = [rt.submit(after(100, 1)), rt.submit(after(200, 2))];
    for (const ask of ['awaitAny', 'race']) {
      hasCode(await rejection(by(rt, (on) => on[ask](tasks, { timeout: 5, losers: 'cancel' }))), 'Timeout');
    }
    assert.deepEqual(
      tasks.map(({ state }) => state),
      ['running', 'running'],
    );
  });
}

test('among tasks that were over before, the one that was over first wins', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const tasks = [after(20, 'b'), after(10, 'a')].map((body) => rt.submit(body));
  await rt.awaitAll(tasks);
  assert.equal(await rt.awaitAny(tasks), tasks[1]);
  assert.equal(await rt.race(tasks), tasks[1]);
});

test('of tasks that settled at the same time, the one that settled first wins', async (t) => {
  const rt = await open(t, { clock: 'virtual', maxConcurrentTasks: 1 });
  const first = rt.submit(() => 1);
  const second = rt.submit(() => 2);
  await rt.awaitAll([first, second]);
  assert.equal(await rt.race([second, first]), first);
  assert.equal(await rt.awaitAny([second, first]), first);
});

test('losers must be keep or cancel', async (t) => {
  const rt = await open(t);
  const task = rt.submit(() => 1);
  for (const losers of ['kill', true, null, 1]) {
    hasCode(await rejection(rt.awaitAny([task], { losers })), 'ArgumentError');
    hasCode(await rejection(rt.race([task], { losers })), 'ArgumentError');
  }
});
