// await, awaitAll, awaitAllSettled; from outside and from inside a task.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, deferred, forever, hasCode, rejection, until } from '../support/tasks.mjs';

const failing = (message) => () => {
  throw new Error(message);
};

// From outside, by a task's context, and by the runtime with the task named: all behave the same.
const ways = {
  outside: (rt, ask) => ask(rt),
  context: (rt, ask) => rt.submit((ctx) => ask(ctx)).promise,
  'ctx option': (rt, ask) =>
    rt.submit((ctx) =>
      ask({
        await: (task, o) => rt.await(task, { ...o, ctx }),
        awaitAll: (tasks, o) => rt.awaitAll(tasks, { ...o, ctx }),
        awaitAllSettled: (tasks, o) => rt.awaitAllSettled(tasks, { ...o, ctx }),
      }),
    ).promise,
};

for (const [way, by] of Object.entries(ways)) {
  test(`await gives the result or the error, also of a settled task, also twice (${way})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const good = rt.submit(async (ctx) => {
      await ctx.delay(5);
      return 'good';
    });
    const bad = rt.submit(async (ctx) => {
      await ctx.delay(5);
      throw new Error('bad');
    });
    for (let i = 0; i < 2; i++) {
      assert.equal(await by(rt, (who) => who.await(good)), 'good');
      assert.equal((await rejection(by(rt, (who) => who.await(bad)))).message, 'bad');
    }
  });

  test(`await of a cancelled task raises its CancellationError (${way})`, async (t) => {
    const rt = await open(t);
    const task = rt.submit(forever);
    const waiting = rejection(by(rt, (who) => who.await(task)));
    await until('it runs', () => task.state === 'running');
    rt.cancel(task.id, 'not needed');
    assert.equal(hasCode(await waiting, 'Cancelled').reason, 'not needed');
  });

  test(`awaitAll gives results in input order (${way})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const tasks = [30, 10, 20].map((ms) =>
      rt.submit(async (ctx) => {
        await ctx.delay(ms);
        return ms;
      }),
    );
    assert.deepEqual(await by(rt, (who) => who.awaitAll(tasks)), [30, 10, 20]);
    assert.deepEqual(await by(rt, (who) => who.awaitAll([tasks[1], tasks[0]])), [10, 30], 'settled ones, too');
    assert.deepEqual(await by(rt, (who) => who.awaitAll([tasks[1], tasks[1]])), [10, 10], 'the same one twice, too');
  });

  test(`awaitAll rejects at the first failure while the others go on (${way})`, async (t) => {
    const rt = await open(t);
    const gate = deferred();
    const slow = rt.submit(() => gate.promise);
    const bad = rt.submit(failing('first'));
    assert.equal((await rejection(by(rt, (who) => who.awaitAll([slow, bad])))).message, 'first');
    assert.equal(slow.state, 'running');
    gate.resolve('slow');
    assert.equal(await rt.await(slow), 'slow');
    assert.equal(
      (await rejection(by(rt, (who) => who.awaitAll([slow, bad])))).message,
      'first',
      'also when all settled',
    );
  });

  test(`awaitAllSettled tells how each settled and never rejects (${way})`, async (t) => {
    const rt = await open(t);
    const cancelled = rt.submit(forever);
    const tasks = [rt.submit(() => 1), rt.submit(failing('two')), cancelled];
    const waiting = by(rt, (who) => who.awaitAllSettled(tasks));
    await until('it runs', () => cancelled.state === 'running');
    rt.cancel(cancelled.id, 'three');
    for (const rows of [await waiting, await by(rt, (who) => who.awaitAllSettled(tasks))]) {
      assert.deepEqual(rows[0], { status: 'fulfilled', value: 1 });
      assert.equal(rows[1].status, 'rejected');
      assert.equal(rows[1].reason.message, 'two');
      assert.equal(rows[2].reason.reason, 'three');
    }
  });

  test(`of an empty list awaitAll and awaitAllSettled make an empty one (${way})`, async (t) => {
    const rt = await open(t);
    assert.deepEqual(await by(rt, (who) => who.awaitAll([])), []);
    assert.deepEqual(await by(rt, (who) => who.awaitAllSettled([])), []);
  });

  test(`a timeout ends the wait, not the task (${way})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const task = rt.submit(async (ctx) => {
      await ctx.delay(100);
      return 'late';
    });
    for (const ask of [
      (who) => who.await(task, { timeout: 20 }),
      (who) => who.awaitAll([task], { timeout: 20 }),
      (who) => who.awaitAllSettled([task], { timeout: 20 }),
    ]) {
      const error = hasCode(await rejection(by(rt, ask)), 'Timeout');
      assert.equal(error.limit, 'operation');
      assert.equal(error.ms, 20);
    }
    assert.equal(task.state, 'running');
    assert.equal(await by(rt, (who) => who.await(task, { timeout: 1000 })), 'late');
    assertAtRest(rt);
  });

  test(`a signal ends the wait, not the task (${way})`, async (t) => {
    const rt = await open(t);
    const gate = deferred();
    const task = rt.submit(() => gate.promise);
    const controller = new AbortController();
    const { signal } = controller;
    const waits = [
      (who) => who.await(task, { signal }),
      (who) => who.awaitAll([task], { signal }),
      (who) => who.awaitAllSettled([task], { signal }),
    ].map((ask) => rejection(by(rt, ask)));
    await until('all wait', () => rt.getStats().pendingTasks === 0 && task.state === 'running');
    controller.abort(new Error('tired'));
    for (const wait of waits) assert.equal(hasCode(await wait, 'Cancelled').reason, 'tired');
    hasCode(await rejection(by(rt, (who) => who.await(task, { signal }))), 'Cancelled');
    gate.resolve('there');
    assert.equal(await rt.await(task), 'there');
  });
}

test('many tasks may await one, and get its result in the order in which they came', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const task = rt.submit(() => gate.promise);
  const order = [];
  const waiters = Array.from({ length: 50 }, (_, i) =>
    rt.submit(async (ctx) => {
      order.push([i, await ctx.await(task)]);
    }),
  );
  await until('all wait', () => waiters.every(({ state }) => state === 'suspended'));
  gate.resolve('v');
  await rt.awaitAll(waiters);
  assert.deepEqual(
    order,
    waiters.map((_, i) => [i, 'v']),
  );
});

test('a task cannot wait for itself', async (t) => {
  const rt = await open(t);
  for (const ask of [
    (ctx) => ctx.await(ctx.task),
    (ctx) => ctx.awaitAll([ctx.task]),
    (ctx) => ctx.race([ctx.submit(() => 1), ctx.task]),
  ]) {
    const error = await rt.submit((ctx) => rejection(ask(ctx))).promise;
    hasCode(error, 'ArgumentError');
    assert.match(error.message, /itself/);
  }
});

test('awaiting the plain promise of a task inside another works as well', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const task = rt.submit(async (ctx) => {
    await ctx.delay(50);
    return 'plain';
  });
  assert.equal(await rt.submit(() => task.promise).promise, 'plain');
});

test('a task of another runtime, or no task, is a typed error', async (t) => {
  const [rt, other] = [await open(t), await open(t)];
  const foreign = other.submit(() => 1);
  await foreign.promise;
  for (const bad of [foreign, 't1', undefined, null, {}, Promise.resolve(1), () => 1]) {
    for (const ask of [() => rt.await(bad), () => rt.awaitAll([bad]), () => rt.awaitAllSettled([bad])]) {
      assert.ok((await rejection(ask())) instanceof heddle.ArgumentError);
    }
  }
  for (const bad of [undefined, null, 5, 'ab', new Set(), foreign]) {
    hasCode(await rejection(rt.awaitAll(bad)), 'ArgumentError');
    hasCode(await rejection(rt.awaitAllSettled(bad)), 'ArgumentError');
  }
});
