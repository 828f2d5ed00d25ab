// Case l: locks and channels. A million operations: a mutex that nobody else wants, one that 100 fibers want with one
// suspension inside, values back and forth between two fibers, and a stream through a buffer of 128. `check` proves
// that no two were inside at once, and that what was sent is what was received.
//
// async-mutex is measured where it is installed.

import { openHeddle } from '../peers/heddle.mjs';

const operations = 1_000_000;
const asyncMutex = await import('async-mutex').catch(() => undefined);

const range = (n, make) => Array.from({ length: n }, (_, i) => make(i));

// Who is inside, and how often somebody was: one for all bodies of a round.
const section = { inside: 0, overlaps: 0, entered: 0 };
function enter() {
  if (section.inside++ > 0) section.overlaps++;
  section.entered++;
}
function leave() {
  section.inside--;
}
const enteredAll = () => {
  const { entered, overlaps } = section;
  if (entered !== operations) return `${entered} sections of ${operations}`;
  return overlaps === 0 || `${overlaps} overlaps`;
};
const before = () => Object.assign(section, { inside: 0, overlaps: 0, entered: 0 });
const sum = (operations * (operations - 1)) / 2;
const received = (result) => result === sum || `the sum of what was received is ${result}, not ${sum}`;

async function heddle(n, bodies) {
  const rt = await openHeddle({ maxConcurrentTasks: n, fairnessMode: 'fifo' });
  return {
    async run() {
      const results = await rt.awaitAll(bodies(rt).map((body) => rt.submit(body)));
      return results.at(-1);
    },
    close: () => rt.close(),
  };
}

const lockAsync = (mutex, count, isContended) => async (ctx) => {
  for (let i = 0; i < count; i++) {
    const lock = await mutex.lock(ctx);
    enter();
    if (isContended) await ctx.yield();
    leave();
    lock.unlock();
  }
};

const lockGenerator = (mutex, count, isContended) =>
  function* (ctx) {
    for (let i = 0; i < count; i++) {
      const lock = yield mutex.lock(ctx);
      enter();
      if (isContended) yield ctx.yield();
      leave();
      lock.unlock();
    }
  };

const lockers = (body) => (n) =>
  heddle(n, (rt) => {
    const mutex = rt.mutex();
    return range(n, () => body(mutex, operations / n, n > 1));
  });

async function asyncMutexLockers(n) {
  const { Mutex } = asyncMutex;
  const locker = async (mutex, count) => {
    for (let i = 0; i < count; i++) {
      const release = await mutex.acquire();
      enter();
      if (n > 1) await undefined;
      leave();
      release();
    }
  };
  return {
    run() {
      const mutex = new Mutex();
      return Promise.all(range(n, () => locker(mutex, operations / n)));
    },
  };
}

// Half of the messages go there, half come back.
const pingPong = (capacity, makeBodies) =>
  heddle(2, (rt) => makeBodies(rt.channel(capacity), rt.channel(capacity)));

const pingPongAsync = (there, back) => [
  async (ctx) => {
    for (let i = 0; i < operations; i += 2) {
      await there.send(i, ctx);
      await back.recv(ctx);
    }
  },
  async (ctx) => {
    let total = 0;
    for (let i = 0; i < operations; i += 2) {
      const value = await there.recv(ctx);
      total += value + value + 1;
      await back.send(value, ctx);
    }
    return total;
  },
];

const pingPongGenerators = (there, back) => [
  function* (ctx) {
    for (let i = 0; i < operations; i += 2) {
      yield there.send(i, ctx);
      yield back.recv(ctx);
    }
  },
  function* (ctx) {
    let total = 0;
    for (let i = 0; i < operations; i += 2) {
      const value = yield there.recv(ctx);
      total += value + value + 1;
      yield back.send(value, ctx);
    }
    return total;
  },
];

const streamAsync = (channel) => [
  async (ctx) => {
    for (let i = 0; i < operations; i++) await channel.send(i, ctx);
  },
  async (ctx) => {
    let total = 0;
    for (let i = 0; i < operations; i++) total += await channel.recv(ctx);
    return total;
  },
];

const streamGenerators = (channel) => [
  function* (ctx) {
    for (let i = 0; i < operations; i++) yield channel.send(i, ctx);
  },
  function* (ctx) {
    let total = 0;
    for (let i = 0; i < operations; i++) total += yield channel.recv(ctx);
    return total;
  },
];

const stream = (capacity, makeBodies) => heddle(2, (rt) => makeBodies(rt.channel(capacity)));

const common = { letter: 'l', divideBy: () => operations };

export default {
  locks: {
    ...common,
    title: 'a million sections under a mutex; of more than one fiber with a suspension inside',
    unit: 'ns/section',
    sizes: [1, 100],
    peers: {
      heddle: lockers(lockAsync),
      'heddle-generator': lockers(lockGenerator),
      ...(asyncMutex === undefined ? {} : { 'async-mutex': asyncMutexLockers }),
    },
    before,
    check: enteredAll,
  },
  'channel-ping-pong': {
    ...common,
    title: 'a million messages back and forth between two fibers; sizes are the capacity',
    unit: 'ns/message',
    sizes: [0, 1],
    peers: {
      heddle: (capacity) => pingPong(capacity, pingPongAsync),
      'heddle-generator': (capacity) => pingPong(capacity, pingPongGenerators),
    },
    check: received,
  },
  'channel-stream': {
    ...common,
    title: 'a million messages from one fiber to another; sizes are the capacity',
    unit: 'ns/message',
    sizes: [128],
    peers: {
      heddle: (capacity) => stream(capacity, streamAsync),
      'heddle-generator': (capacity) => stream(capacity, streamGenerators),
    },
    check: received,
  },
};
