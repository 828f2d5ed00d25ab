// cancel() and cancelAll(): what they return, whom they reach, and that a promise rejects in the same turn.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import {
  assertAtRest,
  assertConsistent,
  deferred,
  forever,
  hasCode,
  rejection,
  thrown,
  turns,
  until,
} from '../support/tasks.mjs';

test('cancel says whether the task had not settled', async (t) => {
  const rt = await open(t);
  const task = rt.submit(forever);
  assert.equal(rt.cancel(task.id, 'first'), true);
  assert.equal(rt.cancel(task.id, 'second'), false);
  const done = rt.submit(() => 1);
  await done.promise;
  assert.equal(rt.cancel(done.id), false);
  assert.equal(rt.cancel('t99'), false);
  assert.equal(task.error.reason, 'first', 'the first reason wins');
});

for (const [state, prepare] of Object.entries({
  pending: async (rt) => rt.submit(forever),
  running: async (rt) => {
    const task = rt.submit(forever);
    await until('it runs', () => task.state === 'running');
    return task;
  },
  suspended: async (rt) => {
    const task = rt.submit((ctx) => ctx.await(ctx.submit(forever)));
    await until('it waits', () => task.state === 'suspended');
    return task;
  },
  'in a foreign wait': async (rt) => {
    const task = rt.submit(() => new Promise(() => {}), { graceMs: 0 });
    await until('it runs', () => task.state === 'running');
    await turns();
    return task;
  },
  'over, waiting for its children': async (rt) => {
    const task = rt.submit((ctx) => void ctx.submit(forever));
    await until('it waits', () => task.state === 'suspended');
    return task;
  },
})) {
  test(`a task that is ${state} is cancelled before cancel() returns`, async (t) => {
    const rt = await open(t);
    const task = await prepare(rt);
    let rejected = false;
    task.promise.catch(() => (rejected = true));
    assert.equal(rt.cancel(task.id, 'why'), true);
    assert.equal(task.state, 'cancelled');
    assertConsistent(rt);
    // Microtasks of this turn, no turn of the event loop.
    for (let i = 0; i < 3; i++) await null;
    assert.equal(rejected, true);
    const error = hasCode(await rejection(task.promise), 'Cancelled');
    assert.ok(error instanceof heddle.CancellationError);
    assert.equal(error.reason, 'why');
    assert.equal(task.error, error);
    assert.equal(task.cancellationToken.isCancelled, true);
    assert.equal(task.cancellationToken.reason, 'why');
    assert.equal(
      thrown(() => task.cancellationToken.throwIfCancelled()),
      error,
    );
    await turns(5);
    assert.deepEqual(rt.getTasksByState('running'), []);
  });
}

test('a task that is cancelled while pending never runs', async (t) => {
  const rt = await open(t);
  let ran = false;
  const task = rt.submit(() => (ran = true));
  rt.cancel(task.id);
  await turns();
  assert.equal(ran, false);
  assert.equal(task.startedAt, undefined);
  assertAtRest(rt);
});

test('a cancel between the admission of a task and its start keeps it from running', async (t) => {
  const rt = await open(t);
  let ran = false;
  // Both are admitted in one batch; the first one's body cancels the second.
  let second;
  const first = rt.submit(() => rt.cancel(second.id, 'no'));
  second = rt.submit(() => (ran = true));
  assert.equal(await first.promise, true);
  await turns();
  assert.equal(ran, false);
  assert.equal(second.state, 'cancelled');
  assertAtRest(rt);
});

test('cancel reaches the whole subtree, parents first, and nobody beside it', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const all = [];
  const order = [];
  const tree = (depth, name) => async (ctx) => {
    all.push([name, ctx.task]);
    ctx.task.cancellationToken.onCancel(() => order.push(name));
    if (depth > 0) for (const branch of ['l', 'r']) ctx.submit(tree(depth - 1, name + branch), { name: name + branch });
    await forever(ctx);
  };
  const root = rt.submit(tree(3, '/'), { name: '/' });
  const beside = rt.submit(forever);
  await rt.delay(1);
  assert.equal(all.length, 15);
  rt.cancel(root.id, 'prune');
  for (const [name, task] of all) {
    assert.equal(task.state, 'cancelled', name);
    assert.equal(task.error.reason, 'prune');
  }
  assert.equal(beside.state, 'running');
  for (const [at, name] of order.entries()) {
    if (name !== '/') assert.ok(order.indexOf(name.slice(0, -1)) < at, `${name} after its parent`);
  }
  const leaf = all.at(-1)[1].error;
  assert.equal(leaf.cause, root.error, 'the cause is the error of the task that was cancelled');
  await turns();
  assert.equal(rt.getStats().unwindingTasks, 0);
});

test('a cancelled branch leaves its parent and its siblings alone', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  let branch;
  const parent = rt.submit(async (ctx) => {
    branch = ctx.submit(forever);
    const other = ctx.submit(() => gate.promise);
    return ctx.awaitAllSettled([branch, other]);
  });
  await until('it waits', () => parent.state === 'suspended');
  rt.cancel(branch.id, 'only you');
  gate.resolve('fine');
  const [cancelled, other] = await parent.promise;
  assert.equal(cancelled.reason.reason, 'only you');
  assert.equal(other.value, 'fine');
});

test('cancelAll cancels every task, pending, running and waiting ones', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 2 });
  const tasks = [
    rt.submit((ctx) => ctx.await(ctx.submit(forever))),
    rt.submit(forever),
    rt.submit(forever),
    rt.submit(forever),
  ];
  await until('they run', () => tasks[1].state === 'running' && tasks[0].state === 'suspended');
  const done = rt.submit(() => 1);
  rt.cancelAll('out');
  for (const task of tasks) {
    assert.equal(task.state, 'cancelled');
    assert.equal(task.error.reason, 'out');
  }
  assert.equal(done.state, 'cancelled');
  await turns();
  assertAtRest(rt);
  assertConsistent(rt);
  assert.equal(await rt.submit(() => 'and on').promise, 'and on');
});

test('cancelAll leaves waits of callers outside alone', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const waiting = rt.delay(50);
  rt.cancelAll();
  await waiting;
  assert.equal(rt.clock.now(), 50);
});

test('a task may cancel itself: its next operation raises', async (t) => {
  const rt = await open(t);
  const reached = [];
  const task = rt.submit(async (ctx) => {
    assert.equal(ctx.cancel('enough'), true);
    reached.push('after cancel');
    await ctx.yield();
    reached.push('never');
  });
  assert.equal(hasCode(await rejection(task.promise), 'Cancelled').reason, 'enough');
  await turns();
  assert.deepEqual(reached, ['after cancel']);
});

test('the result of a body that returns after its cancel is dropped', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const task = rt.submit(() => gate.promise);
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id, 'late');
  gate.resolve('value');
  await turns();
  assert.equal(task.state, 'cancelled');
  assert.equal(task.result, undefined);
  assert.equal((await rejection(task.promise)).reason, 'late');
  assertAtRest(rt);
});

test('what a body throws after its cancel is dropped, and surfaces nowhere', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const task = rt.submit(async () => {
    await gate.promise;
    throw new Error('nobody hears this');
  });
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id, 'late');
  gate.resolve();
  await turns();
  assert.equal(task.error.reason, 'late');
});

test('a reason may be left out, and one that is no string is taken as text', async (t) => {
  const rt = await open(t);
  const [plain, odd] = [rt.submit(forever), rt.submit(forever)];
  rt.cancel(plain.id);
  assert.equal(plain.error.reason, undefined);
  rt.cancel(odd.id, new Error('an error'));
  assert.equal(odd.error.reason, 'an error');
});

test('an operation that is over is delivered though the task is cancelled afterwards, or it is cancelled: never both', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const target = rt.submit(() => gate.promise);
  const got = [];
  const task = rt.submit(async (ctx) => {
    try {
      got.push(await ctx.await(target));
    } catch (error) {
      got.push(error.code);
    }
  });
  await until('it waits', () => task.state === 'suspended');
  // The target settles, and in the very turn in which that is known the waiter is cancelled.
  target.promise.then(() => rt.cancel(task.id));
  gate.resolve('value');
  await turns();
  assert.equal(got.length, 1);
  assert.ok(['value', 'Cancelled'].includes(got[0]));
  assertAtRest(rt);
});
