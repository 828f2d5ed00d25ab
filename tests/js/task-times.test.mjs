// The times that a task tells, where nothing happened between its start and its end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';

// Kept to 1/16 ms.
const kGrain = 1 / 16;

test('a task that is cancelled while the runtime is idle completed at the cancel, not at the last cycle', async (t) => {
  const rt = await open(t, {});
  let begin;
  const begun = new Promise((resolve) => {
    begin = resolve;
  });
  const task = rt.submit((ctx) => ctx.call('endless', ({ signal }) => {
    begin();
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  }));
  task.promise.catch(() => {});
  await begun;
  await new Promise(setImmediate);
  const start = rt.clock.now();
  while (rt.clock.now() < start + 3);
  rt.cancel(task.id);
  assert.ok(task.completedAt >= start + 3 - kGrain, `${task.completedAt - start} ms after`);
});
