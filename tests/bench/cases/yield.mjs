// Case e: a million yields, shared by 2, 1,000 or 100,000 fibers; the spawn and the join are in the time. Every
// yield must give the turn to the next fiber, which `check` proves by the number of turns that went to the fiber
// that had just had one; Effect 3 alone is excused, whose fibers take turns for 2,048 rounds and then go
// through a timer each and run in bursts. The bare loops are the floor: the engine's microtask queue, and a ring of generators.
//
// Effect's default scheduler goes through `setImmediate` for every round of its fibers, so it lets the event
// loop turn; `effect4-microtasks` and `bare` never do. A `whileLoop` in forked fibers is its quickest
// spelling; `effect4-gen` is the usual one.

import { openHeddle } from '../peers/heddle.mjs';
import { loadEffect } from '../peers/effect.mjs';

const yields = 1_000_000;

// Who had the last turn, and how often the same fiber had two in a row.
let last = -1;
let repeats = 0;
let turns = 0;

function turnOf(id) {
  turns++;
  if (id === last) repeats++;
  last = id;
}

async function heddle(n, makeBody) {
  const rt = await openHeddle({ maxConcurrentTasks: n, fairnessMode: 'fifo' });
  return {
    run() {
      const tasks = new Array(n);
      for (let id = 0; id < n; id++) tasks[id] = rt.submit(makeBody(id, yields / n));
      return rt.awaitAll(tasks);
    },
    close: () => rt.close(),
  };
}

const asyncBody = (id, count) => async (ctx) => {
  for (let i = 0; i < count; i++) {
    turnOf(id);
    await ctx.yield();
  }
};

const generatorBody = (id, count) =>
  function* (ctx) {
    for (let i = 0; i < count; i++) {
      turnOf(id);
      yield ctx.yield();
    }
  };

async function effect(version, n, makeFiber, wrap = (_, program) => program) {
  const library = await loadEffect(version);
  const { Effect, Fiber, fork } = library;
  const program = Effect.gen(function* () {
    const fibers = new Array(n);
    for (let id = 0; id < n; id++) fibers[id] = yield* fork(makeFiber(library, id, yields / n));
    for (let id = 0; id < n; id++) yield* Fiber.join(fibers[id]);
  });
  return { run: () => Effect.runPromise(wrap(library, program)) };
}

const whileFiber = ({ Effect, yieldNow }, id, count) =>
  Effect.suspend(() => {
    let i = 0;
    return Effect.whileLoop({
      while: () => i++ < count,
      body: () => {
        turnOf(id);
        return yieldNow;
      },
      step: () => {},
    });
  });

const genFiber = ({ Effect, yieldNow }, id, count) =>
  Effect.gen(function* () {
    for (let i = 0; i < count; i++) {
      turnOf(id);
      yield* yieldNow;
    }
  });

export default {
  letter: 'e',
  title: 'fibers that yield a million times in all',
  unit: 'ns/yield',
  divideBy: () => yields,
  sizes: [2, 1_000, 100_000],
  peers: {
    heddle: (n) => heddle(n, asyncBody),
    'heddle-generator': (n) => heddle(n, generatorBody),

    async bare(n) {
      const count = yields / n;
      async function fiber(id) {
        for (let i = 0; i < count; i++) {
          turnOf(id);
          await undefined;
        }
      }
      return { run: () => Promise.all(Array.from({ length: n }, (_, id) => fiber(id))) };
    },

    async 'bare-generator'(n) {
      const count = yields / n;
      function* fiber(id) {
        for (let i = 0; i < count; i++) {
          turnOf(id);
          yield;
        }
      }
      return {
        async run() {
          let ready = Array.from({ length: n }, (_, id) => fiber(id));
          while (ready.length > 0) {
            const next = [];
            for (const generator of ready) {
              if (!generator.next().done) next.push(generator);
            }
            ready = next;
          }
        },
      };
    },

    effect3: (n) => effect('effect3', n, whileFiber),
    effect4: (n) => effect('effect4', n, whileFiber),
    'effect4-gen': (n) => effect('effect4', n, genFiber),
    'effect4-microtasks': (n) =>
      effect('effect4', n, whileFiber, (library, program) => library.microtasks(program)),
  },
  before() {
    last = -1;
    repeats = 0;
    turns = 0;
  },
  check(_, __, peer) {
    if (turns !== yields) return `${turns} turns of ${yields}`;
    if (peer === 'effect3') return true;
    return repeats <= yields / 1_000 || `${repeats} turns went to the fiber that had just yielded`;
  },
};
