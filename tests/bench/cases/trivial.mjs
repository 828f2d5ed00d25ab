// Case a: the price of a task itself. The body is an async function that returns at once, so the time is the
// library's: queue, start, settle, hand over the result.

import { pools } from '../peers/pools.mjs';

const limit = 8;
const body = async (i) => i;

const peers = Object.fromEntries(
  Object.entries(pools).map(([name, open]) => [name, (n) => open(limit, n, body)]),
);

// What Effect does when no promise is asked of it; not a fair pair of the async body, but its own best.
peers['effect4-sync-body'] = async (n) => {
  const { loadEffect } = await import('../peers/effect.mjs');
  const { Effect } = await loadEffect('effect4');
  const indices = Array.from({ length: n }, (_, i) => i);
  const program = Effect.forEach(indices, (i) => Effect.sync(() => i), { concurrency: limit });
  return { run: () => Effect.runPromise(program) };
};

export default {
  letter: 'a',
  title: `trivial async tasks, ${limit} at a time, every result awaited`,
  unit: 'ns/task',
  sizes: [100_000],
  peers,
  check(results, n) {
    let sum = 0;
    for (const value of results) sum += value;
    return sum === (n * (n - 1)) / 2 || `sum of the results is ${sum}`;
  },
};
