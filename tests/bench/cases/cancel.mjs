// Case d: n tasks submitted, 8 of them started and blocked, the rest pending; then all are cancelled and every
// one must settle. Timed from the cancel to the last settlement; `with submit` is the whole round. The three
// sizes show whether a cancel costs the same at every length of the queue.
//
// What counts as the same for each library: p-limit rejects its queue by `clearQueue`, p-queue by `clear` or by
// one shared signal, fastq by `abort`; the running ones hear a signal in all of them. `bare` is one
// AbortController a promise, with no limit at all. Effect has no queue of tasks: `effect3` and `effect4` are
// fibers that just wait, with no limit either; `effect4-semaphore` has the limit, but its semaphore looks at
// every waiter on each take, so it is here for the record only. async is absent: its queue forgets tasks
// without settling them.

import { setMaxListeners } from 'node:events';
import { openHeddle } from '../peers/heddle.mjs';
import { loadEffect } from '../peers/effect.mjs';

const limit = 8;

// Rejects with the signal's reason.
function untilAborted(signal) {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

// The first tasks start in the turns after their submit.
const turn = () => new Promise((resolve) => setImmediate(resolve));

// One round: `submit(i)` gives a promise, `cancel()` must make all of them settle.
async function round(n, clock, submit, cancel) {
  const promises = new Array(n);
  for (let i = 0; i < n; i++) promises[i] = submit(i);
  const settled = Promise.allSettled(promises);
  await turn();
  clock.start();
  cancel();
  const rows = await settled;
  clock.stop();
  return rows;
}

async function effectFibers(version, n, makeProgram) {
  const library = await loadEffect(version);
  const { Effect, Fiber, forkDetached } = library;
  return {
    async run(clock) {
      const program = makeProgram(library);
      const fibers = await Effect.runPromise(
        Effect.gen(function* () {
          const forked = new Array(n);
          for (let i = 0; i < n; i++) forked[i] = yield* forkDetached(program);
          return forked;
        }),
      );
      await turn();
      clock.start();
      await Effect.runPromise(Fiber.interruptAll(fibers));
      clock.stop();
      return fibers.map((fiber) => ({ status: isDone(fiber, version) ? 'rejected' : 'open' }));
    },
  };
}

// Effect 3 keeps the exit of a fiber behind an effect; `interruptAll` has awaited it.
const isDone = (fiber, version) => version === 'effect3' || fiber.pollUnsafe() !== undefined;

export default {
  letter: 'd',
  title: `pending tasks cancelled and all settled, ${limit} of them running`,
  unit: 'ns/task',
  sizes: [25_000, 50_000, 100_000],
  peers: {
    async heddle(n) {
      const rt = await openHeddle({ maxConcurrentTasks: limit, fairnessMode: 'fifo' });
      return {
        async run(clock) {
          const tasks = new Array(n);
          for (let i = 0; i < n; i++) tasks[i] = rt.submit((ctx) => ctx.delay(1e9));
          const settled = rt.awaitAllSettled(tasks);
          await turn();
          clock.start();
          rt.cancelAll('the benchmark is over');
          const rows = await settled;
          clock.stop();
          return rows;
        },
        close: () => rt.close(),
      };
    },

    async 'p-limit'(n) {
      const { default: pLimit } = await import('p-limit');
      const limited = pLimit({ concurrency: limit, rejectOnClear: true });
      return {
        run(clock) {
          const controller = new AbortController();
          return round(
            n,
            clock,
            () => limited(untilAborted, controller.signal),
            () => {
              limited.clearQueue();
              controller.abort();
            },
          );
        },
      };
    },

    async 'p-queue'(n) {
      const { default: PQueue } = await import('p-queue');
      const queue = new PQueue({ concurrency: limit });
      return {
        run(clock) {
          const controller = new AbortController();
          return round(
            n,
            clock,
            () => queue.add(() => untilAborted(controller.signal)),
            () => {
              queue.clear();
              controller.abort();
            },
          );
        },
      };
    },

    async 'p-queue-signal'(n) {
      const { default: PQueue } = await import('p-queue');
      const queue = new PQueue({ concurrency: limit });
      return {
        run(clock) {
          const controller = new AbortController();
          const { signal } = controller;
          setMaxListeners(0, signal);
          return round(
            n,
            clock,
            () => queue.add(() => untilAborted(signal), { signal }),
            () => controller.abort(),
          );
        },
      };
    },

    async fastq(n) {
      const { default: fastq } = await import('fastq');
      const queue = fastq.promise((signal) => untilAborted(signal), limit);
      return {
        run(clock) {
          const controller = new AbortController();
          return round(
            n,
            clock,
            () => queue.push(controller.signal),
            () => {
              queue.abort();
              controller.abort();
            },
          );
        },
      };
    },

    async bare(n) {
      return {
        run(clock) {
          const controllers = Array.from({ length: n }, () => new AbortController());
          return round(
            n,
            clock,
            (i) => untilAborted(controllers[i].signal),
            () => {
              for (const controller of controllers) controller.abort();
            },
          );
        },
      };
    },

    effect3: (n) => effectFibers('effect3', n, ({ Effect }) => Effect.never),
    effect4: (n) => effectFibers('effect4', n, ({ Effect }) => Effect.never),
    'effect4-semaphore': (n) =>
      effectFibers('effect4', n, ({ Effect, semaphore }) => semaphore(limit).withPermits(1)(Effect.never)),
  },
  check(rows, n) {
    const rejected = rows.filter((row) => row.status === 'rejected').length;
    return rejected === n || `${rejected} of ${n} tasks were cancelled`;
  },
};
