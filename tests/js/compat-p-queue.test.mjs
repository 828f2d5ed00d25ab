// heddle/p-queue does what p-queue does: the same programs on both, and what they log. Then what is Heddle's own.
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import PQueue, { PriorityQueue, TimeoutError } from 'heddle/p-queue';
import Original, { TimeoutError as OriginalTimeoutError } from 'p-queue';
import { runChild } from '../support/child.mjs';
import { open } from '../support/heddle.mjs';
import { queuePrograms, timedPrograms } from '../support/queue-programs.mjs';
import { assertAtRest, deferred, hasCode, rejection, turns, until } from '../support/tasks.mjs';

const on = (runtime) =>
  class extends PQueue {
    constructor(options) {
      super({ ...options, runtime });
    }
  };

const diary = () => ({ ran: [], gave: [], told: [] });

for (const [name, program] of Object.entries(queuePrograms)) {
  test(`the same as p-queue: ${name}`, async (t) => {
    const rt = await open(t);
    const [ours, theirs] = [diary(), diary()];
    await program(Original, theirs, turns);
    await program(on(rt), ours, turns);
    assert.ok(theirs.ran.length + theirs.gave.length + theirs.told.length > 0);
    assert.deepEqual(ours, theirs);
  });
}

for (const [name, program] of Object.entries(timedPrograms)) {
  test(`the same as p-queue, on a clock: ${name}`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const ours = { ...diary(), sleep: (ms) => rt.delay(ms), now: () => Math.round(rt.clock.now()) };
    await program(on(rt), ours, { TimeoutError });

    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
    const theirs = { ...diary(), sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)), now: Date.now };
    let isOver = false;
    const over = program(Original, theirs, { TimeoutError: OriginalTimeoutError }).finally(() => (isOver = true));
    for (let ms = 0; ms < 10_000 && !isOver; ms++) {
      await turns(1);
      t.mock.timers.tick(1);
    }
    await over;
    assert.deepEqual({ ran: ours.ran, told: ours.told }, { ran: theirs.ran, told: theirs.told });
  });
}

// --- On the runtime ---

test('a job is a task of the runtime: named, counted, explained', async (t) => {
  const rt = await open(t);
  const queue = new PQueue({ runtime: rt, concurrency: 1 });
  const { promise, resolve } = deferred();
  let task;
  const job = queue.add(({ ctx }) => ((task = ctx.task), promise), { id: 'fetch it', priority: 3 });
  await until('it runs', () => task !== undefined);
  assert.deepEqual([task.name, task.priority, task.state, rt.getStats().runningTasks], ['fetch it', 3, 'running', 1]);
  assert.ok(rt.explain(task.id).length > 0);
  resolve('done');
  assert.equal(await job, 'done');
  assert.equal(task.state, 'completed');
  assertAtRest(rt);
});

test('jobs are admitted by the limits of the runtime too, and explained while they wait for them', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const queue = new PQueue({ runtime: rt });
  const { promise, resolve } = deferred();
  const began = [];
  const jobs = ['a', 'b'].map((id) => queue.add(() => (began.push(id), promise), { id }));
  await turns();
  assert.deepEqual([began, queue.pending, queue.size], [['a'], 2, 0]);
  const [waiting] = rt.getTasksByState('pending');
  assert.equal(waiting.name, 'b');
  assert.match(rt.explain(waiting.id)[0].text, /slot|limit|1/);
  resolve();
  await Promise.all(jobs);
  assert.deepEqual(began, ['a', 'b']);
});

test("a runtime's cancel ends a job, and the queue goes on", async (t) => {
  const rt = await open(t);
  const queue = new PQueue({ runtime: rt, concurrency: 1 });
  const first = queue.add(({ ctx }) => ctx.delay(1e9), { id: 'first' });
  const second = queue.add(() => 'second');
  await turns();
  rt.cancel(rt.getTasksByState('running').concat(rt.getTasksByState('suspended'))[0].id, 'enough');
  assert.equal(hasCode(await rejection(first), 'Cancelled').reason, 'enough');
  assert.equal(await second, 'second');
});

test('a closed runtime refuses what waits and what comes', async (t) => {
  const rt = await open(t, { graceMs: 0 });
  const queue = new PQueue({ runtime: rt, concurrency: 1 });
  const jobs = [queue.add(() => new Promise(() => {})), queue.add(() => 1), queue.add(() => 2)].map(rejection);
  await turns();
  await rt.close();
  hasCode(await jobs[0], 'Cancelled');
  for (const job of jobs.slice(1)) hasCode(await job, 'Closed');
  hasCode(await rejection(queue.add(() => 3)), 'Closed');
  assert.deepEqual([queue.size, queue.pending], [0, 0]);
});

test('a job waits for the tasks that it submitted', async (t) => {
  const rt = await open(t);
  const queue = new PQueue({ runtime: rt });
  const { promise, resolve } = deferred();
  let isOver = false;
  const job = queue.add(({ ctx }) => void ctx.submit(() => promise)).then(() => (isOver = true));
  await turns();
  assert.equal(isOver, false);
  resolve();
  await job;
});

test('an interval is kept by a runtime that admits late', async (t) => {
  const rt = await open(t, { clock: 'virtual', maxConcurrentTasks: 1 });
  const queue = new PQueue({ runtime: rt, interval: 100, intervalCap: 2 });
  const busy = rt.submit((ctx) => ctx.delay(350));
  const times = [];
  await queue.addAll(Array.from({ length: 6 }, () => () => void times.push(Math.round(rt.clock.now()))));
  await busy.promise;
  assert.deepEqual(times, [350, 350, 450, 450, 550, 550]);
});

test('a job that is aborted before the runtime starts it never begins', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const { promise, resolve } = deferred();
  const busy = rt.submit(() => promise);
  const queue = new PQueue({ runtime: rt, concurrency: 1 });
  const controller = new AbortController();
  const job = rejection(queue.add(() => assert.fail('began'), { signal: controller.signal }));
  await turns();
  assert.equal(queue.pending, 1);
  controller.abort('never mind');
  assert.equal(await job, 'never mind');
  assert.equal(queue.pending, 0);
  resolve();
  await busy.promise;
});

test('jobs added before their runtime is there keep their order, their counts and their signals', async (t) => {
  const runtime = open(t);
  const queue = new PQueue({ runtime, concurrency: 2 });
  const controller = new AbortController();
  const began = [];
  const job = (name, options) => queue.add(() => void began.push(name), options);
  const aborted = rejection(job('aborted', { signal: controller.signal }));
  const jobs = ['a', 'b', 'c'].map((name) => job(name));
  assert.deepEqual([queue.pending, queue.size], [2, 2]);
  controller.abort('early');
  assert.equal(await aborted, 'early');
  await Promise.all(jobs);
  assert.deepEqual(began, ['a', 'b', 'c']);
});

test('a runtime that cannot be had fails the jobs with its error', async () => {
  const queue = new PQueue({ runtime: Promise.reject(new RangeError('no runtime')), concurrency: 1 });
  const errors = await Promise.all([queue.add(() => 1), queue.add(() => 2)].map(rejection));
  assert.deepEqual(errors.map(({ message }) => message), ['no runtime', 'no runtime']);
  assert.deepEqual([queue.size, queue.pending], [0, 0]);
  assert.throws(() => new PQueue({ runtime: {} }), TypeError);
});

test('functions find the AsyncLocalStorage of their caller, and their own task', async (t) => {
  for (const asyncContext of [false, true]) {
    const rt = await open(t, { asyncContext });
    const store = new AsyncLocalStorage();
    const queue = new PQueue({ runtime: rt, concurrency: 1 });
    const seen = await Promise.all(['a', 'b', 'c'].map((who) => store.run(who, () => queue.add(async ({ ctx }) => {
      const first = store.getStore();
      await ctx.yield();
      return first + store.getStore();
    }))));
    assert.deepEqual(seen, ['aa', 'bb', 'cc']);
  }
});

test('operations without ctx belong to the job, across awaits, whatever context its caller had', async (t) => {
  const rt = await open(t, { asyncContext: true });
  const queue = new PQueue({ runtime: rt });
  const seen = [];
  const outer = rt.submit(async () => queue.add(async ({ ctx }) => {
    await turns();
    rt.checkCancellation();
    ctx.cancel('gone');
    try {
      rt.checkCancellation();
    } catch (error) {
      seen.push(error.code);
    }
  }));
  hasCode(await rejection(outer.promise), 'Cancelled');
  assert.equal(outer.state, 'error');
  assert.deepEqual(seen, ['Cancelled']);
});

test('what clear() removed is no unhandled rejection; what fails unread is one', async () => {
  const { lines } = await runChild(`
    const { default: PQueue } = await import('heddle/p-queue');
    const queue = new PQueue({ concurrency: 1, runtime: await open() });
    const running = queue.add(() => turns());
    queue.add(() => 1);
    queue.clear();
    await running;
    queue.add(() => { throw new Error('unread'); });
    await queue.onIdle();
    await turns();
    say(surfaced.join());`);
  assert.deepEqual(lines, ['unhandled: unread']);
});

test('an idle queue keeps no process alive, on the shared runtime too; jobs are waited for', async () => {
  const { code, lines, stderr } = await runChild(`
    const { default: PQueue } = await import('heddle/p-queue');
    const { default: pLimit } = await import('heddle/p-limit');
    const queue = new PQueue({ concurrency: 1, interval: 1, intervalCap: 1, timeout: 1e6 });
    queue.addAll([1, 2, 3].map((n) => ({ ctx }) => { say(n, ctx.runtime.variant.length > 0); }));
    pLimit(1)(async () => say('limited'));
    new PQueue();`, { limitMs: 30_000 });
  assert.equal(code, 0, `${stderr}; it had to be killed`);
  assert.deepEqual(lines.sort(), ['1 true', '2 true', '3 true', 'limited']);
});

test('where the shared runtime cannot be loaded, jobs fail with the reason, and later ones try again', async () => {
  const { lines } = await runChild(`
    const { default: PQueue } = await import('heddle/p-queue');
    const { setSource } = await import('${new URL('../../dist/load.js', import.meta.url)}');
    const { readFileSync } = await import('node:fs');
    let isBroken = true;
    const factory = () => import('${new URL('../../dist/wasm/heddle-asyncify.js', import.meta.url)}');
    const bytes = async () => {
      if (isBroken) throw new Error('no such file');
      return readFileSync(new URL('${new URL('../../dist/wasm/heddle-asyncify.wasm', import.meta.url)}'));
    };
    setSource({ asyncify: { factory, bytes } });
    const queue = new PQueue({ concurrency: 1 });
    for (const error of await Promise.all([queue.add(() => 1), queue.add(() => 2)].map(rejection))) say(error.code, error.message.includes('no such file'));
    isBroken = false;
    say(await queue.add(() => 3), queue.size, queue.pending);
    say(surfaced.length);`);
  assert.deepEqual(lines, ['LoadError true', 'LoadError true', '3 0 0', '0']);
});

test('queues that name no runtime share one', async () => {
  const runtimeOf = (queue) => queue.add(({ ctx }) => ctx.runtime);
  const [a, b] = await Promise.all([runtimeOf(new PQueue()), runtimeOf(new PQueue({ concurrency: 1 }))]);
  assert.equal(a, b);
});

test('many listeners on one queue and many jobs on one signal are no leak', async (t) => {
  const warnings = [];
  const warn = (warning) => warnings.push(warning.name);
  process.on('warning', warn);
  t.after(() => process.off('warning', warn));
  const rt = await open(t);
  const queue = new PQueue({ runtime: rt, concurrency: 5 });
  const { signal } = new AbortController();
  const jobs = Array.from({ length: 100 }, () => {
    queue.addEventListener('next', () => {});
    return queue.add(() => {}, { signal });
  });
  await Promise.all(jobs);
  await turns();
  assert.deepEqual(warnings, []);
});

// --- The order of waiting ---

test('PriorityQueue gives what a sorted list gives, whatever is added, moved and removed', () => {
  let seed = 7;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  const queue = new PriorityQueue();
  let model = []; // {run, id, priority}, in order
  const insert = (item) => {
    const at = model.findIndex(({ priority }) => priority < item.priority);
    model.splice(at < 0 ? model.length : at, 0, item);
  };
  for (let step = 0; step < 20_000; step++) {
    const choice = random(10);
    const some = model[random(Math.max(1, model.length))];
    if (choice < 4) {
      const item = { run: async () => step, id: `i${step}`, priority: random(5) - 2 };
      queue.enqueue(item.run, item);
      insert(item);
    } else if (choice < 7) {
      assert.equal(queue.dequeue(), model.shift()?.run);
    } else if (some === undefined) {
      assert.throws(() => queue.setPriority('i0', 1), ReferenceError);
    } else if (choice < 8) {
      queue.remove(step % 2 === 0 ? some.run : some.id);
      model = model.filter((item) => item !== some);
    } else {
      const priority = random(5) - 2;
      queue.setPriority(some.id, priority);
      if (priority !== some.priority) {
        model = model.filter((item) => item !== some);
        insert({ ...some, priority });
      }
    }
    assert.equal(queue.size, model.length);
    if (step % 97 === 0) {
      for (const priority of [-2, 0, 3]) assert.deepEqual(queue.filter({ priority }), model.filter((item) => item.priority === priority).map(({ run }) => run));
    }
  }
  assert.ok(model.length > 100);
});

test('fifty thousand jobs that wait are aborted, cleared or moved in no more than linear work', async (t) => {
  const rt = await open(t);
  const queue = new PQueue({ runtime: rt, autoStart: false, concurrency: 1 });
  const controller = new AbortController();
  const n = 50_000;
  const jobs = Array.from({ length: n }, (_, i) => rejection(queue.add(() => i, { signal: controller.signal, id: `j${i}` })));
  // Backwards, the worst order for a list.
  for (let i = n - 1; i >= 0; i--) queue.setPriority(`j${i}`, 1);
  assert.equal(queue.sizeBy({ priority: 1 }), n);
  controller.abort('all');
  assert.equal(queue.size, 0);
  assert.ok((await Promise.all(jobs)).every((reason) => reason === 'all'));
});
