// timeout, queueTimeout, taskTimeout: what they count, and what the error says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, forever, hasCode, rejection, turns } from '../support/tasks.mjs';

test('timeout is run time from the start; the error says which limit, whose, and how long', async (t) => {
  const rt = await open(t, { clock: 'virtual', maxConcurrentTasks: 1 });
  rt.submit((ctx) => ctx.delay(100));
  const task = rt.submit(forever, { timeout: 30, name: 'slow' });
  const error = hasCode(await rejection(task.promise), 'Timeout');
  assert.ok(error instanceof heddle.TimeoutError);
  assert.deepEqual([error.limit, error.scope, error.ms], ['timeout', task.id, 30]);
  assert.match(error.message, /task t2 "slow".*timeout of 30 ms/);
  assert.equal(rt.clock.now(), 130, 'the time in the queue does not count');
  assert.equal(task.state, 'error');
  await turns();
  assertAtRest(rt);
});

test('a task that is done in time leaves no timer behind', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const task = rt.submit((ctx) => ctx.delay(10), { timeout: 1000, queueTimeout: 1000, deadline: 5000 });
  await task.promise;
  await turns();
  assertAtRest(rt);
  assert.equal(rt.clock.now(), 10);
});

test('taskTimeout is the default timeout; an own one, 0 included, replaces it', async (t) => {
  const rt = await open(t, { clock: 'virtual', taskTimeout: 50 });
  const by = rt.submit(forever);
  const own = rt.submit((ctx) => ctx.delay(80), { timeout: 100 });
  const none = rt.submit((ctx) => ctx.delay(500), { timeout: 0 });
  const error = hasCode(await rejection(by.promise), 'Timeout');
  assert.deepEqual([error.limit, error.ms, rt.clock.now()], ['timeout', 50, 50]);
  await own.promise;
  await none.promise;
});

test('taskTimeout may change while tasks run; it counts for those submitted after', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const before = rt.submit((ctx) => ctx.delay(100));
  rt.configure({ taskTimeout: 20 });
  const after = rt.submit(forever);
  assert.equal(hasCode(await rejection(after.promise), 'Timeout').ms, 20);
  await before.promise;
});

test('a timeout cancels the children, with the timeout as their cause', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  let child;
  const parent = rt.submit(
    async (ctx) => {
      child = ctx.submit(forever);
      await ctx.await(child);
    },
    { timeout: 10 },
  );
  const error = await rejection(parent.promise);
  assert.equal(hasCode(await rejection(child.promise), 'Cancelled').cause, error);
});

test('the timeout of a parent does not lengthen or shorten that of a child', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const parent = rt.submit((ctx) => rejection(ctx.await(ctx.submit(forever, { timeout: 10 }))), { timeout: 1000 });
  const error = await parent.promise;
  assert.deepEqual([error.limit, error.ms], ['timeout', 10]);
});

test('waiting for children counts as run time', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const parent = rt.submit((ctx) => void ctx.submit(forever), { timeout: 25 });
  hasCode(await rejection(parent.promise), 'Timeout');
  assert.equal(rt.clock.now(), 25);
  await turns();
  assertAtRest(rt);
});

test('queueTimeout is time in the queue; a task that starts in time has none any more', async (t) => {
  const rt = await open(t, { clock: 'virtual', maxConcurrentTasks: 1 });
  rt.submit((ctx) => ctx.delay(100));
  const late = rt.submit(() => assert.fail('it ran'), { queueTimeout: 40 });
  const intime = rt.submit((ctx) => ctx.delay(500), { queueTimeout: 200 });
  const error = hasCode(await rejection(late.promise), 'Timeout');
  assert.deepEqual([error.limit, error.scope, error.ms], ['queueTimeout', late.id, 40]);
  assert.equal(rt.clock.now(), 40);
  assert.equal(late.startedAt, undefined);
  assert.equal(late.state, 'error');
  await intime.promise;
  assert.equal(rt.clock.now(), 600);
});

test('a body that ignores its timeout settles all the same, and becomes a zombie', async (t) => {
  const rt = await open(t, { clock: 'virtual', graceMs: 5 });
  const task = rt.submit(() => new Promise(() => {}), { timeout: 10 });
  hasCode(await rejection(task.promise), 'Timeout');
  assert.equal(rt.clock.now(), 10);
  await rt.delay(10);
  assert.equal(rt.getStats().zombieTasks, 1);
});

test('ctx.signal aborts with the TimeoutError', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  let signal;
  const task = rt.submit(
    async (ctx) => {
      signal = ctx.signal;
      await forever(ctx);
    },
    { timeout: 10 },
  );
  const error = await rejection(task.promise);
  assert.equal(signal.reason, error);
  assert.match(task.cancellationToken.reason, /timeout of 10 ms/);
});

test('an infinite timeout is none that anybody will see', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  assert.equal(await rt.submit(async (ctx) => (await ctx.delay(1e9), 'done'), { timeout: Infinity }).promise, 'done');
});

test('the timeout of a scope ends it and its tasks, and says whose it was', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  let child;
  const error = await rejection(
    rt.scope(
      async (s) => {
        child = s.submit(forever);
        await s.await(child);
      },
      { timeout: 15, name: 'gather' },
    ),
  );
  hasCode(error, 'Timeout');
  assert.deepEqual([error.limit, error.ms, rt.clock.now()], ['timeout', 15, 15]);
  assert.match(error.message, /"gather"/);
  assert.equal(hasCode(child.error, 'Cancelled').cause, error);
});
