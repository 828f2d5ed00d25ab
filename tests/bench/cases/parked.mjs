// Case f: what one waiting task weighs. `park(n)` starts n tasks that wait for a long timer and gives an array of
// handles, which is kept, as a program keeps them. Memory is read after full collections, before and after:
// `memory` is the heap and what hangs off it outside (array buffers are part of `external`, and so is
// WebAssembly memory on the versions we tried; the larger of the two growths is taken), `rss` is what the
// system sees, with the pages of the collector's slack. A thousand tasks are parked beforehand, so that tables,
// code and the first growth are not counted.
//
// `bare-never` and `effect4-never` wait for nothing: the weight without a timer.

import { openHeddle, wasmBytes } from '../peers/heddle.mjs';
import { loadEffect } from '../peers/effect.mjs';

// A little above eleven days, and below the longest delay of a host timer.
const longTime = 1e9;
const warmUp = 1_000;

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function readMemory() {
  for (let i = 0; i < 4; i++) {
    await turn();
    globalThis.gc();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed, external, wasm: wasmBytes(), rss };
}

function weigh(n, park) {
  return {
    async run() {
      const kept = [await park(warmUp)];
      const before = await readMemory();
      kept.push(await park(n));
      const after = await readMemory();
      const growth = (key) => (after[key] - before[key]) / n;
      return {
        metrics: { memory: growth('heap') + Math.max(growth('external'), growth('wasm')), rss: growth('rss') },
        parked: kept.reduce((sum, handles) => sum + handles.length, 0),
      };
    },
  };
}

async function parkEffects(version, n, makeWait) {
  const library = await loadEffect(version);
  const { Effect, forkDetached } = library;
  const wait = makeWait(library);
  return weigh(n, (count) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const fibers = new Array(count);
        for (let i = 0; i < count; i++) fibers[i] = yield* forkDetached(wait);
        return fibers;
      }),
    ),
  );
}

const sleep = ({ Effect }) => Effect.sleep(longTime);

async function parkHeddle(n, body) {
  const rt = await openHeddle({ maxConcurrentTasks: n + warmUp + 1, fairnessMode: 'fifo' });
  return weigh(n, async (count) => {
    const tasks = Array.from({ length: count }, () => rt.submit(body));
    // Until the bodies have started and the timers are set.
    for (let i = 0; i < 100 && rt.getStats().pendingTasks > 0; i++) await turn();
    return tasks;
  });
}

export default {
  letter: 'f',
  title: 'bytes for one parked task',
  unit: 'B/task',
  fresh: true,
  sizes: [100_000, 1_000_000],
  peers: {
    heddle: (n) =>
      parkHeddle(n, async (ctx) => {
        await ctx.delay(longTime);
      }),

    'heddle-generator': (n) =>
      parkHeddle(n, function* (ctx) {
        yield ctx.delay(longTime);
      }),

    async bare(n) {
      async function task() {
        await new Promise((resolve) => setTimeout(resolve, longTime));
      }
      return weigh(n, async (count) => Array.from({ length: count }, task));
    },

    async 'bare-never'(n) {
      // The way to wake a task is kept beside its promise, or the collector would take both.
      const wakers = [];
      async function task() {
        await new Promise((resolve) => wakers.push(resolve));
      }
      return weigh(n, async (count) => Array.from({ length: count }, task));
    },

    effect3: (n) => parkEffects('effect3', n, sleep),
    effect4: (n) => parkEffects('effect4', n, sleep),
    'effect4-never': (n) => parkEffects('effect4', n, ({ Effect }) => Effect.never),
  },
  check: ({ parked }, n) => parked === n + warmUp || `${parked} tasks were parked`,
};
