// "Run n async bodies, `limit` at a time, and await every result", as an expert user of each library
// writes it. Each entry takes (limit, n, body) and gives `{run, close}`; `run()` resolves to the n results in
// order. `body(i)` is an async function. What can be prepared once is prepared outside `run`.
//
// `bare` is the floor: no library, `limit` workers that draw indices from a counter. It has no
// handle for a task, no cancel and no error isolation. Effect's way is one `forEach`, which has no handle for
// a task either; the queues and Heddle hand out a promise for each.

import { openHeddle } from './heddle.mjs';
import { loadEffect } from './effect.mjs';

async function effectPool(version, limit, n, body) {
  const { Effect } = await loadEffect(version);
  const indices = Array.from({ length: n }, (_, i) => i);
  const program = Effect.forEach(indices, (i) => Effect.promise(() => body(i)), { concurrency: limit });
  return { run: () => Effect.runPromise(program) };
}

function promisesOf(n, submit) {
  const promises = new Array(n);
  for (let i = 0; i < n; i++) promises[i] = submit(i);
  return Promise.all(promises);
}

export const pools = {
  async heddle(limit, n, body) {
    const rt = await openHeddle({ maxConcurrentTasks: limit, fairnessMode: 'fifo' });
    return {
      run() {
        const tasks = new Array(n);
        for (let i = 0; i < n; i++) tasks[i] = rt.submit(() => body(i));
        return rt.awaitAll(tasks);
      },
      close: () => rt.close(),
    };
  },

  async 'p-limit'(limit, n, body) {
    const { default: pLimit } = await import('p-limit');
    const limited = pLimit(limit);
    return { run: () => promisesOf(n, (i) => limited(body, i)) };
  },

  async 'p-queue'(limit, n, body) {
    const { default: PQueue } = await import('p-queue');
    const queue = new PQueue({ concurrency: limit });
    return { run: () => promisesOf(n, (i) => queue.add(() => body(i))) };
  },

  async fastq(limit, n, body) {
    const { default: fastq } = await import('fastq');
    const queue = fastq.promise(body, limit);
    return { run: () => promisesOf(n, (i) => queue.push(i)) };
  },

  async async(limit, n, body) {
    const { default: async } = await import('async');
    const queue = async.queue(body, limit);
    return { run: () => promisesOf(n, (i) => queue.pushAsync(i)) };
  },

  effect3: (limit, n, body) => effectPool('effect3', limit, n, body),
  effect4: (limit, n, body) => effectPool('effect4', limit, n, body),

  async bare(limit, n, body) {
    return {
      async run() {
        const results = new Array(n);
        let next = 0;
        async function worker() {
          while (next < n) {
            const i = next++;
            results[i] = await body(i);
          }
        }
        await Promise.all(Array.from({ length: limit }, worker));
        return results;
      },
    };
  },
};
