// heddle/p-limit does what p-limit does: the same programs on both, and what they log. Then what is Heddle's own.
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import pLimit, { limitFunction } from 'heddle/p-limit';
import original, { limitFunction as originalLimitFunction } from 'p-limit';
import { open } from '../support/heddle.mjs';
import { limitPrograms } from '../support/queue-programs.mjs';
import { assertAtRest, deferred, hasCode, rejection, turns, until } from '../support/tasks.mjs';

const withRuntime = (runtime, options) => (typeof options === 'object' && options !== null ? { ...options, runtime } : options === null ? null : { concurrency: options, runtime });

const diary = () => ({ ran: [], gave: [], told: [] });

for (const [name, program] of Object.entries(limitPrograms)) {
  test(`the same as p-limit: ${name}`, async (t) => {
    const rt = await open(t);
    const [ours, theirs] = [diary(), diary()];
    await program(original, theirs, turns, { limitFunction: originalLimitFunction });
    await program((options) => pLimit(withRuntime(rt, options)), ours, turns, { limitFunction: (fn, options) => limitFunction(fn, withRuntime(rt, options)) });
    assert.ok(theirs.ran.length + theirs.gave.length + theirs.told.length > 0);
    assert.deepEqual(ours, theirs);
    assertAtRest(rt);
  });
}

test('without a runtime of its own it runs on the shared one', async () => {
  const limit = pLimit(3);
  assert.deepEqual(await limit.map([1, 2, 3, 4], async (n) => n * n), [1, 4, 9, 16]);
  assert.throws(() => pLimit({ concurrency: 1, runtime: 5 }), TypeError);
});

test('a function that runs is a task, with its name, and is cancelled as one', async (t) => {
  const rt = await open(t);
  const limit = pLimit({ concurrency: 1, runtime: rt });
  async function summarize() {
    await rt.delay(1e9);
  }
  const [first, second] = [rejection(limit(summarize)), limit(() => 'second')];
  await until('it runs', () => rt.getStats().runningTasks + rt.getStats().suspendedTasks === 1);
  const [task] = rt.getAllTasks();
  assert.equal(task.name, 'summarize');
  rt.cancel(task.id, 'enough');
  assert.equal(hasCode(await first, 'Cancelled').reason, 'enough');
  assert.equal(await second, 'second');
});

test('functions find the AsyncLocalStorage of their caller', async (t) => {
  const rt = await open(t);
  const store = new AsyncLocalStorage();
  const limit = pLimit({ concurrency: 1, runtime: rt });
  const seen = await Promise.all(['a', 'b', 'c'].map((who) => store.run(who, () => limit(async () => {
    await turns();
    return store.getStore();
  }))));
  assert.deepEqual(seen, ['a', 'b', 'c']);
});

test('calls before the runtime is there keep their order; its failure is theirs', async (t) => {
  const limit = pLimit({ concurrency: 2, runtime: open(t) });
  const began = [];
  const all = Promise.all([1, 2, 3].map((n) => limit(() => void began.push(n))));
  assert.deepEqual([limit.activeCount, limit.pendingCount], [2, 1]);
  await all;
  assert.deepEqual(began, [1, 2, 3]);
  const broken = pLimit({ concurrency: 1, runtime: Promise.reject(new RangeError('no runtime')) });
  const errors = await Promise.all([1, 2, 3].map((n) => rejection(broken(() => n))));
  assert.ok(errors.every(({ message }) => message === 'no runtime'));
  assert.equal(broken.activeCount, 0);
});

test('several limits share a runtime, each with its own count', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 100 });
  const [one, three] = [pLimit({ concurrency: 1, runtime: rt }), pLimit({ concurrency: 3, runtime: rt })];
  const { promise, resolve } = deferred();
  const calls = [one, three].flatMap((limit) => Array.from({ length: 5 }, () => limit(() => promise)));
  await turns();
  assert.equal(rt.getStats().runningTasks, 4);
  resolve();
  await Promise.all(calls);
  assertAtRest(rt);
});
