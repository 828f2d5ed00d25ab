// getTask, getAllTasks, getTasksByState, forget, and what the runtime keeps of settled tasks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertConsistent, deferred, forever, hasCode, rejection, until } from '../support/tasks.mjs';

test('a task is found by its id until it is forgotten', async (t) => {
  const rt = await open(t);
  const task = rt.submit(() => 1);
  assert.equal(rt.getTask(task.id), task);
  assert.equal(rt.forget(task.id), false, 'it has not settled');
  await task.promise;
  assert.equal(rt.getTask(task.id), task);
  assert.equal(rt.forget(task.id), true);
  assert.equal(rt.getTask(task.id), undefined);
  assert.equal(rt.forget(task.id), false);
  assert.equal(rt.getTask('t999'), undefined);
  assert.equal(rt.getStats().forgottenTasks, 1);
});

test('getAllTasks lists in order of submission, getTasksByState by state', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 3 });
  const gate = deferred();
  const done = rt.submit(() => 1);
  await done.promise;
  const failed = rt.submit(() => {
    throw new Error('x');
  });
  await rejection(failed.promise);
  const suspended = rt.submit((ctx) => ctx.await(ctx.submit(() => gate.promise)));
  await until('it waits', () => suspended.state === 'suspended');
  const running = rt.submit(() => gate.promise);
  const third = rt.submit(() => gate.promise);
  await until('both run', () => third.state === 'running');
  const pending = rt.submit(() => 1);
  const cancelled = rt.submit(() => 1);
  rt.cancel(cancelled.id);
  const child = rt.getAllTasks()[3];
  assert.deepEqual(rt.getAllTasks(), [done, failed, suspended, child, running, third, pending, cancelled]);
  const by = (state) => rt.getTasksByState(state);
  assert.deepEqual(by('completed'), [done]);
  assert.deepEqual(by('error'), [failed]);
  assert.deepEqual(by('suspended'), [suspended]);
  assert.deepEqual(by('running'), [child, running, third]);
  assert.deepEqual(by('pending'), [pending]);
  assert.deepEqual(by('cancelled'), [cancelled]);
  assertConsistent(rt);
  gate.resolve();
  await rt.onIdle();
  assertConsistent(rt);
});

test('beyond retainSettled the oldest settled task goes; its promise works for ever', async (t) => {
  const rt = await open(t, { retainSettled: 3 });
  const tasks = Array.from({ length: 5 }, (_, i) => rt.submit(() => i));
  await rt.awaitAll(tasks);
  assert.deepEqual(rt.getAllTasks(), tasks.slice(2));
  assert.equal(rt.getTask(tasks[0].id), undefined);
  assert.deepEqual(await rt.awaitAll(tasks), [0, 1, 2, 3, 4]);
  assert.equal(tasks[0].state, 'completed');
  assert.equal(await tasks[0].promise, 0);
  assertConsistent(rt);
});

test('a forgotten task is known no more, but can still be awaited', async (t) => {
  const rt = await open(t);
  const task = rt.submit(() => 'kept');
  await task.promise;
  rt.forget(task.id);
  assert.equal(await rt.await(task), 'kept');
  assert.equal(await rt.submit((ctx) => ctx.await(task)).promise, 'kept');
  assert.equal(rt.cancel(task.id), false);
  assert.throws(() => rt.explain(task.id), { code: 'ArgumentError' });
});

test('retainSettled 0 keeps none, and errors still name who was cancelled with whom', async (t) => {
  const rt = await open(t, { retainSettled: 0 });
  let child;
  const parent = rt.submit(async (ctx) => {
    child = ctx.submit(forever);
    await ctx.await(child);
  });
  await until('the parent waits', () => parent.state === 'suspended');
  rt.cancel(parent.id, 'enough');
  assert.deepEqual(rt.getAllTasks(), []);
  const error = hasCode(await rejection(child.promise), 'Cancelled');
  assert.equal(error.reason, 'enough');
  assert.match(error.message, new RegExp(parent.id));
});

test('a thousand forgotten tasks leave nothing behind, in any order', async (t) => {
  const rt = await open(t, { retainSettled: Infinity });
  const tasks = Array.from({ length: 1000 }, (_, i) => rt.submit(() => i));
  await rt.awaitAll(tasks);
  const shuffled = tasks.map((task, i) => [(i * 379) % 1000, task]).sort((a, b) => a[0] - b[0]);
  for (const [, task] of shuffled) assert.equal(rt.forget(task.id), true);
  assert.deepEqual(rt.getAllTasks(), []);
  const next = rt.submit(() => 1);
  await next.promise;
  assert.deepEqual(rt.getAllTasks(), [next]);
  assertConsistent(rt);
});
