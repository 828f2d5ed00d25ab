// heddle/async-mutex does what async-mutex does: the same programs on both, and what they log, called by plain JavaScript and
// by tasks. Then what is Heddle's own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as original from 'async-mutex';
import * as ours from 'heddle/async-mutex';
import { open } from '../support/heddle.mjs';
import { lockPrograms, timedLockPrograms } from '../support/lock-programs.mjs';
import { assertAtRest, deferred, hasCode, rejection, turns } from '../support/tasks.mjs';

const { Mutex, Semaphore } = ours;

/** The module, with a runtime for every lock. */
const on = (runtime) => ({
  ...ours,
  Mutex: class extends Mutex {
    constructor(error) {
      super(error, { runtime });
    }
  },
  Semaphore: class extends Semaphore {
    constructor(value, error) {
      super(value, error, { runtime });
    }
  },
});

test('it exports what async-mutex exports', () => {
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(original).filter((name) => name !== 'default').sort());
});

for (const [name, program] of Object.entries(lockPrograms)) {
  test(`the same as async-mutex: ${name}`, async (t) => {
    const rt = await open(t);
    const [theirs, plain, inTask] = [[], [], []];
    await program(original, theirs, turns);
    assert.ok(theirs.length > 0);
    await program(ours, plain, turns);
    assert.deepEqual(plain, theirs);
    await rt.submit(() => program(on(rt), inTask, turns)).promise;
    // Of promises that settle in one turn a task's may settle in another order.
    assert.deepEqual([...inTask].sort(), [...theirs].sort());
  });
}

for (const [name, program] of Object.entries(timedLockPrograms)) {
  test(`the same as async-mutex, on a clock: ${name}`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const tick = (ms) => t.mock.timers.tick(ms);
    const [theirs, plain] = [[], []];
    await program(original, theirs, turns, tick);
    await program(ours, plain, turns, tick);
    assert.ok(theirs.length > 0);
    assert.deepEqual(plain, theirs);
  });
}

test('random locks, releases and cancels: the same as async-mutex, step by step', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const run = async (module) => {
      let state = seed;
      const random = (n) => (state = (state * 48271) % 2147483647) % n;
      const log = [];
      const semaphore = new module.Semaphore(random(4));
      const releases = [];
      for (let step = 0; step < 300; step++) {
        const choice = random(12);
        const [weight, priority] = [1 + random(3), random(3)];
        if (choice < 6) {
          semaphore.acquire(weight, priority).then(
            ([value, release]) => {
              log.push(`${step} got ${value}`);
              releases.push(release);
            },
            (error) => log.push(`${step} ${error === module.E_CANCELED}`),
          );
        } else if (choice < 9) {
          releases.splice(random(Math.max(1, releases.length)), 1)[0]?.();
        } else if (choice === 9) {
          void semaphore.waitForUnlock(weight, priority).then(() => log.push(`${step} watched`));
        } else if (choice === 10) {
          semaphore.setValue(random(6) - 1);
        } else if (random(8) === 0) {
          semaphore.cancel();
        }
        log.push(`${semaphore.getValue()}`);
        if (random(3) === 0) await turns(1);
      }
      return log;
    };
    assert.deepEqual(await run(ours), await run(original), `seed ${seed}`);
  }
});

// --- On the runtime ---

test('a task that waits for a lock gives its slot back, and is explained', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const mutex = new Mutex(undefined, { runtime: rt });
  const release = await mutex.acquire();
  const waiting = rt.submit(() => mutex.runExclusive(() => 'locked'), { name: 'waiting' });
  await turns();
  assert.equal(waiting.state, 'suspended');
  assert.match(rt.explain(waiting.id).map(({ text }) => text).join(), /async-mutex/);
  // With the slot held this would never run.
  assert.equal(await rt.submit(() => 'other').promise, 'other');
  release();
  assert.equal(await waiting.promise, 'locked');
  assertAtRest(rt);
});

test('with asyncContext a task is known after an await too; without it, it waits as plain JavaScript does', async (t) => {
  for (const asyncContext of [true, false]) {
    const rt = await open(t, { asyncContext });
    const mutex = new Mutex(undefined, { runtime: rt });
    const release = await mutex.acquire();
    const task = rt.submit(async () => {
      await null;
      (await mutex.acquire())();
      return 'had it';
    });
    await turns();
    assert.equal(task.state, asyncContext ? 'suspended' : 'running');
    release();
    assert.equal(await task.promise, 'had it');
  }
});

test('a task that is cancelled while it waits takes nothing, and is not waited for', async (t) => {
  const rt = await open(t);
  const semaphore = new Semaphore(2, undefined, { runtime: rt });
  await semaphore.acquire(2);
  const heavy = rt.submit(() => semaphore.acquire(2));
  const light = rt.submit(() => semaphore.acquire(1));
  await turns();
  semaphore.release();
  await turns();
  assert.equal(light.state, 'suspended', 'it came later');
  rt.cancel(heavy.id);
  hasCode(await rejection(heavy.promise), 'Cancelled');
  assert.equal((await light.promise)[0], 1);
  assert.equal(semaphore.getValue(), 0);
});

test('a lock that is granted in the turn of a cancel is not lost', async (t) => {
  const rt = await open(t);
  for (const first of ['grant', 'cancel']) {
    const mutex = new Mutex(undefined, { runtime: rt });
    const release = await mutex.acquire();
    const task = rt.submit(async () => (await mutex.acquire())());
    await turns();
    const steps = { grant: () => release(), cancel: () => rt.cancel(task.id) };
    steps[first]();
    steps[first === 'grant' ? 'cancel' : 'grant']();
    await rejection(task.promise);
    await turns();
    assert.equal(mutex.isLocked(), false, first);
  }
});

test('a runtime that closes ends the waits of its tasks', async (t) => {
  const rt = await open(t, { graceMs: 0 });
  const mutex = new Mutex(undefined, { runtime: rt });
  const release = await mutex.acquire();
  const task = rt.submit(() => mutex.acquire());
  task.promise.catch(() => {});
  await turns();
  await rt.close();
  await rejection(task.promise);
  release();
  await turns();
  assert.equal(mutex.isLocked(), false);
});

test('a lock that plain JavaScript holds is no deadlock, however idle the runtime is', async (t) => {
  for (const clock of ['real', 'virtual']) {
    const rt = await open(t, { clock });
    const mutex = new Mutex(undefined, { runtime: rt });
    const release = await mutex.acquire();
    const task = rt.submit(() => mutex.runExclusive(() => 'mine'));
    await turns(50);
    release();
    assert.equal(await task.promise, 'mine');
  }
});

test('ten thousand tasks share a semaphore: each is inside once, never more than it has', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 8 });
  const semaphore = new Semaphore(3, undefined, { runtime: rt });
  const seen = new Set();
  let inside = 0;
  const tasks = Array.from({ length: 10_000 }, (_, i) => rt.submit(() => semaphore.runExclusive(async () => {
    assert.ok(++inside <= 3);
    seen.add(i);
    await null;
    inside--;
  })));
  await rt.awaitAll(tasks);
  assert.deepEqual([semaphore.getValue(), inside, seen.size], [3, 0, 10_000]);
  assertAtRest(rt);
});

test('a lock may be made before its runtime is there', async (t) => {
  const runtime = open(t, { maxConcurrentTasks: 1 });
  const mutex = new Mutex(undefined, { runtime });
  const { promise, resolve } = deferred();
  void mutex.runExclusive(() => promise);
  const rt = await runtime;
  const task = rt.submit(() => mutex.runExclusive(() => 'second'));
  await turns();
  assert.equal(task.state, 'suspended');
  resolve();
  assert.equal(await task.promise, 'second');
});
