// Case b: case a with a priority 0..9 for each task, drawn from a fixed seed. Higher starts first, equal ones in
// the order of their submits. The first `limit` tasks may start before the queue has seen the others; from
// there on the check demands the exact order. p-limit and fastq have no priorities, and Effect has none for
// admission, so they are absent.

import { openHeddle } from '../peers/heddle.mjs';

const limit = 8;

function seededPriorities(n) {
  const priorities = new Uint8Array(n);
  let state = 20;
  for (let i = 0; i < n; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    priorities[i] = Math.floor((state / 2 ** 32) * 10);
  }
  return priorities;
}

// The log of starts is one typed-array store a task, the same for every peer.
let starts;
let started = 0;
let priorities;

async function body(i) {
  starts[started++] = i;
  return i;
}

function reset(n) {
  starts = new Int32Array(n);
  started = 0;
}

function setUp(n) {
  priorities = seededPriorities(n);
}

function submitAll(n, submit) {
  reset(n);
  const promises = new Array(n);
  for (let i = 0; i < n; i++) promises[i] = submit(i);
  return Promise.all(promises);
}

// A queue by hand: a binary heap of numbers, urgency above and ticket below in one double, and a row per ticket.
class HeapQueue {
  #keys = [];
  #rows = new Map();
  #tickets = 0;
  #active = 0;

  submit(fn, argument, priority) {
    return new Promise((resolve, reject) => {
      const ticket = this.#tickets++;
      this.#rows.set(ticket, { fn, argument, resolve, reject });
      this.#push((9 - priority) * 2 ** 40 + ticket);
      if (this.#active < limit) this.#start();
    });
  }

  async #start() {
    this.#active++;
    while (this.#keys.length > 0) {
      const ticket = this.#pop() % 2 ** 40;
      const row = this.#rows.get(ticket);
      this.#rows.delete(ticket);
      try {
        row.resolve(await row.fn(row.argument));
      } catch (error) {
        row.reject(error);
      }
    }
    this.#active--;
  }

  #push(key) {
    const keys = this.#keys;
    let at = keys.length;
    keys.push(key);
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (keys[up] <= key) break;
      keys[at] = keys[up];
      at = up;
    }
    keys[at] = key;
  }

  #pop() {
    const keys = this.#keys;
    const top = keys[0];
    const key = keys.pop();
    const length = keys.length;
    if (length === 0) return top;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= length) break;
      if (down + 1 < length && keys[down + 1] < keys[down]) down++;
      if (keys[down] >= key) break;
      keys[at] = keys[down];
      at = down;
    }
    keys[at] = key;
    return top;
  }
}

export default {
  letter: 'b',
  title: `trivial async tasks with random priorities 0..9, ${limit} at a time`,
  unit: 'ns/task',
  sizes: [100_000],
  peers: {
    async heddle(n) {
      setUp(n);
      const rt = await openHeddle({ maxConcurrentTasks: limit, fairnessMode: 'priority' });
      return {
        run() {
          reset(n);
          const tasks = new Array(n);
          for (let i = 0; i < n; i++) tasks[i] = rt.submit(() => body(i), { priority: priorities[i] });
          return rt.awaitAll(tasks);
        },
        close: () => rt.close(),
      };
    },

    async 'p-queue'(n) {
      setUp(n);
      const { default: PQueue } = await import('p-queue');
      const queue = new PQueue({ concurrency: limit });
      return { run: () => submitAll(n, (i) => queue.add(() => body(i), { priority: priorities[i] })) };
    },

    async async(n) {
      setUp(n);
      const { default: async } = await import('async');
      const queue = async.priorityQueue(body, limit);
      // Its smaller number goes first.
      return { run: () => submitAll(n, (i) => queue.pushAsync(i, 9 - priorities[i])) };
    },

    async bare(n) {
      setUp(n);
      const queue = new HeapQueue();
      return { run: () => submitAll(n, (i) => queue.submit(body, i, priorities[i])) };
    },
  },
  check(results, n) {
    if (results.length !== n || started !== n) return `${results.length} results, ${started} starts`;
    for (let k = limit + 1; k < n; k++) {
      const [before, after] = [starts[k - 1], starts[k]];
      const step = priorities[before] - priorities[after];
      if (step < 0 || (step === 0 && before > after)) return `task ${after} started after task ${before}`;
    }
    return true;
  },
};
