// Case c: tasks that wait for the host. Each one waits for one `setImmediate`, a foreign await that no library
// can shorten, so the question is what a library adds to it when 1,000 such waits are open at once.

import { pools } from '../peers/pools.mjs';

const limit = 1_000;
let active = 0;
let peak = 0;

async function body(i) {
  active++;
  if (active > peak) peak = active;
  await new Promise((resolve) => setImmediate(resolve));
  active--;
  return i;
}

export default {
  letter: 'c',
  title: `tasks that each wait for one setImmediate, ${limit} at a time`,
  unit: 'ns/task',
  sizes: [10_000],
  peers: Object.fromEntries(Object.entries(pools).map(([name, open]) => [name, (n) => open(limit, n, body)])),
  check(results, n) {
    for (let i = 0; i < n; i++) {
      if (results[i] !== i) return `result ${i} is ${results[i]}`;
    }
    return peak === limit || `${peak} tasks ran at once`;
  },
};
