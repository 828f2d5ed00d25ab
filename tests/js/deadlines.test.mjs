// deadline: a point in time, inherited by children, never later than the parent's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertAtRest, deferred, forever, hasCode, rejection, turns } from '../support/tasks.mjs';

test('a deadline is a point in time, whatever passed in the queue', async (t) => {
  const rt = await open(t, { clock: 'virtual', maxConcurrentTasks: 1 });
  rt.submit((ctx) => ctx.delay(30));
  const running = rt.submit(forever, { deadline: 50, name: 'due' });
  const queued = rt.submit(() => assert.fail('it ran'), { deadline: 45 });
  const [error] = await Promise.all([rejection(running.promise), rejection(queued.promise)]);
  assert.deepEqual([error.limit, error.scope, error.ms], ['deadline', running.id, 50]);
  assert.equal(rt.clock.now(), 50);
  assert.match(error.message, /"due".*deadline/);
  assert.equal(queued.completedAt, 45);
  assert.equal(hasCode(queued.error, 'Timeout').limit, 'deadline');
  await turns();
  assertAtRest(rt);
});

test('a deadline is a number or a Date', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const task = rt.submit(forever, { deadline: new Date(20) });
  hasCode(await rejection(task.promise), 'Timeout');
  assert.equal(rt.clock.now(), 20);
});

test('children inherit it, and their errors say whose it is', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const errors = {};
  const parent = rt.submit(
    async (ctx) => {
      const child = ctx.submit(async (c) => {
        const grandchild = c.submit(forever);
        errors.grandchild = await rejection(grandchild.promise);
      });
      errors.child = await rejection(child.promise);
    },
    { deadline: 70, name: 'outer' },
  );
  errors.parent = await rejection(parent.promise);
  await turns();
  for (const [who, error] of Object.entries(errors)) {
    hasCode(error, 'Timeout');
    assert.deepEqual([error.limit, error.scope, error.ms], ['deadline', parent.id, 70], who);
  }
  assert.match(errors.grandchild.message, /inherited from task t1 "outer"/);
});

test('a child may have an earlier one of its own, never a later one', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const parent = rt.submit(
    async (ctx) => {
      const early = ctx.submit(forever, { deadline: 40 });
      const late = ctx.submit(forever, { deadline: 400 });
      const first = await rejection(early.promise);
      assert.deepEqual([first.scope, first.ms, rt.clock.now()], [early.id, 40, 40]);
      return rejection(late.promise);
    },
    { deadline: 100 },
  );
  hasCode(await rejection(parent.promise), 'Timeout');
  assert.equal(rt.clock.now(), 100);
});

test('a detached task does not inherit it', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  let detached;
  const parent = rt.submit(
    async (ctx) => {
      detached = ctx.submit((c) => c.delay(500), { detached: true });
      await forever(ctx);
    },
    { deadline: 10 },
  );
  await rejection(parent.promise);
  await detached.promise;
  assert.equal(rt.clock.now(), 500);
});

test('a deadline that has passed ends the task at once', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  await rt.delay(100);
  for (const deadline of [100, 50, 0, -1]) {
    const task = rt.submit(() => assert.fail('it ran'), { deadline });
    assert.equal(hasCode(await rejection(task.promise), 'Timeout').limit, 'deadline');
    assert.equal(rt.clock.now(), 100);
  }
});

test('on the real clock it is in milliseconds since the epoch', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const past = rt.submit(() => assert.fail('it ran'), { deadline: Date.now() - 1000 });
  assert.equal(hasCode(await rejection(past.promise), 'Timeout').limit, 'deadline');
  const future = rt.submit(() => gate.promise, { deadline: Date.now() + 3_600_000 });
  gate.resolve('in time');
  assert.equal(await future.promise, 'in time');
  await turns();
  assertAtRest(rt);
});

test('of timeout and deadline the first one counts', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const a = rt.submit(forever, { timeout: 10, deadline: 20 });
  const b = rt.submit(forever, { timeout: 20, deadline: 10 });
  assert.equal((await rejection(a.promise)).limit, 'timeout');
  assert.equal((await rejection(b.promise)).limit, 'deadline');
});

test('a scope has a deadline of its own or its task one, and its tasks name the owner', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  let child;
  const own = await rejection(
    rt.scope(
      async (s) => {
        child = s.submit(forever);
        await s.await(child);
      },
      { deadline: 30, name: 'scoped' },
    ),
  );
  assert.deepEqual([own.limit, own.ms, rt.clock.now()], ['deadline', 30, 30]);
  assert.deepEqual([child.error.limit, child.error.scope], ['deadline', own.scope]);

  let inherited;
  const task = rt.submit(
    async (ctx) => {
      inherited = await rejection(ctx.scope((s) => forever(s)));
    },
    { deadline: 60 },
  );
  const error = await rejection(task.promise);
  await turns();
  assert.deepEqual([inherited.limit, inherited.scope], ['deadline', task.id]);
  assert.equal(error.scope, task.id);
});
