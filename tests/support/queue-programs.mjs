/**
 * Programs that use p-queue and p-limit, and log what they see: the specification of `heddle/p-queue` and `heddle/p-limit` is
 * that they log the same there. Each gets the class or function under test and a diary: `ran` takes what the program's own
 * functions do, `told` what the queue says. The two are compared apart, since functions begin a little later on Heddle.
 *
 * Long because each part of two interfaces has its program. `turns` lets everything happen that can. The timed programs measure time on a clock that the test moves.
 */

import { deferred } from './tasks.mjs';

// One job, and five more shortly before its interval is over.
async function burst(queue, { ran, sleep, now }) {
  const start = now();
  const begin = (i) => queue.add(() => void ran.push(`${i} at ${now() - start}`));
  const jobs = [begin(0)];
  await sleep(70);
  jobs.push(begin(1), begin(2), begin(3), begin(4), begin(5));
  await Promise.all(jobs);
}

const events = ['active', 'idle', 'empty', 'add', 'next', 'completed', 'error', 'pendingZero', 'rateLimit', 'rateLimitCleared'];

/** Logs every event with what the queue says of itself at that moment. */
function listen(queue, { told }) {
  for (const type of events) {
    queue.addEventListener(type, (event) => {
      const detail = 'detail' in event && event.detail !== null ? `=${event.detail?.name ?? event.detail}` : '';
      told.push(`${type}${detail} ${look(queue)}`);
    });
  }
  return queue;
}

function look(queue) {
  const { size, pending, isPaused, isSaturated } = queue;
  return `${size}/${pending}${isPaused ? ' paused' : ''}${isSaturated ? ' saturated' : ''}`;
}

/** A job that logs its begin and ends when told to. */
function job(name, { ran }) {
  const { promise, resolve, reject } = deferred();
  const fn = () => {
    ran.push(`${name} begins`);
    return promise;
  };
  return { fn, resolve, reject };
}

/** Logs how a promise settles. */
function follow(name, promise, { gave }) {
  promise.then(
    (value) => gave.push(`${name} gave ${String(value)}`),
    (error) => gave.push(`${name} failed: ${error instanceof Error ? error.name : `a ${typeof error}, ${String(error)}`}`),
  );
  return promise;
}

export const queuePrograms = {
  async 'one at a time, in order, with every event'(PQueue, diary, turns) {
    const queue = listen(new PQueue({ concurrency: 1 }), diary);
    const jobs = ['a', 'b', 'c'].map((name) => job(name, diary));
    jobs.forEach((each, i) => follow('abc'[i], queue.add(each.fn), diary));
    for (const [i, each] of jobs.entries()) {
      await turns();
      diary.told.push(look(queue));
      each.resolve(i);
    }
    await queue.onIdle();
    diary.told.push(look(queue));
  },

  async 'failures: thrown, rejected, and what is no Error'(PQueue, diary, turns) {
    const queue = listen(new PQueue({ concurrency: 2 }), diary);
    const bad = {
      thrown: () => { throw new RangeError('x'); },
      rejected: async () => { throw new SyntaxError('x'); },
      string: () => Promise.reject('no'),
      undefined: () => Promise.reject(undefined),
      'no function': 5,
    };
    for (const [name, fn] of Object.entries(bad)) follow(name, queue.add(fn), diary);
    await turns();
    await queue.add(() => 'good').then((value) => diary.ran.push(value));
    diary.told.push(look(queue));
  },

  async 'values: plain, thenables, generators, functions'(PQueue, diary) {
    const queue = new PQueue();
    const values = await queue.addAll([() => 1, async () => 2, () => ({ then: (yes) => yes(3) }), () => undefined, function* () { yield 4; }, () => Math.abs]);
    diary.ran.push(...values.map((value) => (typeof value?.next === 'function' ? [...value].join() : String(value))));
  },

  async 'priorities among those that wait'(PQueue, diary, turns) {
    const queue = listen(new PQueue({ concurrency: 1 }), diary);
    const first = job('first', diary);
    follow('first', queue.add(first.fn, { priority: -5 }), diary);
    for (const [name, priority] of [['low', 0], ['high', 5], ['higher', Infinity], ['high too', 5], ['half', 0.5], ['least', -Infinity], ['low too', 0]]) {
      follow(name, queue.add(() => void diary.ran.push(name), { priority, id: name }), diary);
    }
    await turns();
    queue.setPriority('low too', 3);
    queue.setPriority('high', -1);
    queue.setPriority('half', 0.5);
    diary.told.push(String([queue.sizeBy({ priority: 5 }), queue.sizeBy({ priority: 0 }), queue.sizeBy({ priority: 7 })]));
    for (const [id, priority] of [['first', 1], ['nobody', 1], ['high', NaN], ['high', Infinity], ['high', '1']]) {
      try {
        queue.setPriority(id, priority);
      } catch (error) {
        diary.told.push(`${id}: ${error.name}`);
      }
    }
    first.resolve();
    await queue.onIdle();
  },

  async 'ids that are given: 1, 2, ...'(PQueue, diary, turns) {
    const queue = new PQueue({ autoStart: false, concurrency: 1 });
    for (const name of 'abcd') void queue.add(() => void diary.ran.push(name));
    queue.setPriority('3', 1);
    queue.start();
    await turns();
    await queue.onIdle();
  },

  async 'pause, start, and autoStart'(PQueue, diary, turns) {
    const queue = listen(new PQueue({ concurrency: 2, autoStart: false }), diary);
    const jobs = ['a', 'b', 'c', 'd'].map((name) => job(name, diary));
    jobs.forEach((each) => queue.add(each.fn));
    await turns();
    diary.told.push(look(queue), String(queue.start() === queue));
    await turns();
    queue.pause();
    jobs[0].resolve();
    await turns();
    diary.told.push(look(queue));
    queue.start();
    await turns();
    for (const each of jobs) each.resolve();
    await queue.onIdle();
    queue.pause();
    await queue.onIdle();
    diary.told.push(look(queue));
  },

  async 'concurrency that changes'(PQueue, diary, turns) {
    const queue = listen(new PQueue({ concurrency: 1 }), diary);
    const jobs = Array.from({ length: 6 }, (_, i) => job(i, diary));
    jobs.forEach((each) => queue.add(each.fn));
    await turns();
    queue.concurrency = 4;
    diary.told.push(look(queue));
    await turns();
    queue.concurrency = 2;
    for (const each of jobs) {
      each.resolve();
      await turns();
      diary.told.push(look(queue));
    }
    diary.told.push(String(queue.concurrency));
  },

  async 'clear'(PQueue, diary, turns) {
    const queue = listen(new PQueue({ concurrency: 1 }), diary);
    const running = job('running', diary);
    follow('running', queue.add(running.fn), diary);
    follow('waiting', queue.add(() => void diary.ran.push('never')), diary);
    queue.add(() => void diary.ran.push('never'));
    await turns();
    queue.clear();
    queue.clear();
    diary.told.push(look(queue));
    follow('later', queue.add(() => 'later'), diary);
    running.resolve('done');
    await queue.onIdle();
    await turns();
  },

  async 'signals: before, while waiting, while running'(PQueue, diary, turns) {
    const queue = listen(new PQueue({ concurrency: 1 }), diary);
    const [running, waiting] = [new AbortController(), new AbortController()];
    follow('aborted', queue.add(() => void diary.ran.push('never'), { signal: AbortSignal.abort('early') }), diary);
    const first = job('first', diary);
    follow('first', queue.add(first.fn, { signal: running.signal }), diary);
    for (const name of ['second', 'third']) follow(name, queue.add(() => void diary.ran.push('never'), { signal: waiting.signal }), diary);
    follow('fourth', queue.add(({ signal }) => String(signal)), diary);
    await turns();
    waiting.abort();
    await turns();
    diary.told.push(look(queue));
    running.abort(new RangeError('stop'));
    await turns();
    diary.told.push(look(queue));
    first.resolve('too late');
    await queue.onIdle();
    await turns();
  },

  async 'the signal that a job gets'(PQueue, diary, turns) {
    const queue = new PQueue();
    const { signal } = new AbortController();
    const given = [];
    const keep = (options) => void given.push(options.signal);
    await queue.addAll([keep, keep], { signal });
    await queue.add(keep);
    await queue.add(keep, { timeout: 1e6 });
    diary.ran.push(String([given[0] === signal, given[1] === signal, given[2], given[3] instanceof AbortSignal, given[3].aborted]));
    await turns();
  },

  async 'waiting for sizes and states'(PQueue, diary, turns) {
    const queue = new PQueue({ concurrency: 1 });
    await Promise.all([queue.onEmpty(), queue.onIdle(), queue.onPendingZero(), queue.onSizeLessThan(1), queue.onRateLimitCleared()]);
    const jobs = Array.from({ length: 4 }, (_, i) => job(i, diary));
    jobs.forEach((each) => queue.add(each.fn));
    for (const limit of [1, 2, 3, 4]) void queue.onSizeLessThan(limit).then(() => void diary.gave.push(`less than ${limit}`));
    void queue.onEmpty().then(() => void diary.gave.push('empty'));
    void queue.onPendingZero().then(() => void diary.gave.push('none pending'));
    void queue.onIdle().then(() => void diary.gave.push('idle'));
    for (const each of jobs) {
      await turns();
      diary.gave.push('--');
      each.resolve();
    }
    await turns();
  },

  async 'the first error'(PQueue, diary, turns) {
    const queue = new PQueue({ concurrency: 1 });
    queue.addEventListener('error', () => queue.pause(), { once: true });
    const results = [() => 1, () => Promise.reject(new RangeError('two')), () => void diary.ran.push('never')].map((fn) => queue.add(fn));
    results.forEach((promise) => promise.catch(() => {}));
    await follow('the queue', Promise.race([queue.onError(), queue.onIdle()]), diary).catch(() => {});
    await turns();
    diary.told.push(look(queue));
  },

  async 'jobs that add jobs, and listeners that do'(PQueue, diary, turns) {
    const queue = listen(new PQueue({ concurrency: 2 }), diary);
    let more = 3;
    queue.addEventListener('idle', () => {
      if (more-- > 0) void queue.add(() => void diary.ran.push(`from idle ${more}`));
    });
    await queue.add(async () => {
      await turns();
      void queue.add(() => void diary.ran.push('inner'));
      await turns();
      diary.ran.push('outer');
    });
    await turns(30);
    diary.told.push(look(queue));
  },

  async 'running tasks'(PQueue, diary, turns) {
    const queue = new PQueue({ concurrency: 2, timeout: 1e6 });
    const jobs = ['a', 'b', 'c'].map((name) => job(name, diary));
    queue.add(jobs[0].fn, { id: 'x', priority: 2 });
    queue.add(jobs[1].fn, { timeout: undefined });
    queue.add(jobs[2].fn);
    await turns();
    for (const { id, priority, startTime, timeout, timeoutRemaining } of queue.runningTasks) {
      diary.told.push([id, priority, typeof startTime, timeout, timeoutRemaining === undefined || (timeoutRemaining > 0 && timeoutRemaining <= timeout)].join());
    }
    jobs.forEach((each) => each.resolve());
    await queue.onIdle();
    diary.told.push(String(queue.runningTasks.length));
  },

  async 'a queue class of the user'(PQueue, diary, turns) {
    class Stack {
      items = [];
      get size() { return this.items.length; }
      enqueue(run, options) { this.items.push({ run, ...options }); }
      dequeue() { return this.items.pop()?.run; }
      filter({ priority }) { return this.items.filter((item) => item.priority === priority).map(({ run }) => run); }
      setPriority(id, priority) { this.items.find((item) => item.id === id).priority = priority; }
      remove(id) { this.items = this.items.filter((item) => item.id !== id); }
    }
    const queue = listen(new PQueue({ queueClass: Stack, concurrency: 1 }), diary);
    const controller = new AbortController();
    const first = job('first', diary);
    void queue.add(first.fn);
    for (const id of ['a', 'b', 'c', 'd']) {
      follow(id, queue.add(() => void diary.ran.push(id), { id, priority: 1, ...(id === 'c' && { signal: controller.signal }) }), diary);
    }
    queue.setPriority('a', 4);
    diary.told.push(String(queue.sizeBy({ priority: 1 })));
    controller.abort('out');
    first.resolve();
    await queue.onIdle();
    await turns();
  },

  async 'wrong options'(PQueue, diary) {
    const wrong = [
      { concurrency: 0 }, { concurrency: -1 }, { concurrency: 1.5 }, { concurrency: NaN }, { concurrency: '2' }, { concurrency: null },
      { interval: -1 }, { interval: NaN }, { interval: '1' }, { intervalCap: 0 }, { intervalCap: 1.5 }, { interval: 2 ** 31, intervalCap: 1 }, { interval: 2 ** 31 },
      { timeout: 0 }, { timeout: -1 }, { timeout: Infinity }, { timeout: 2 ** 31 }, { timeout: '1' }, { strict: true }, { strict: true, interval: 5 }, { strict: true, intervalCap: 5 },
      { concurrency: undefined, timeout: undefined, interval: undefined, intervalCap: undefined, autoStart: undefined },
    ];
    for (const options of wrong) {
      try {
        void new PQueue(options);
        diary.told.push('fine');
      } catch (error) {
        diary.told.push(error.name);
      }
    }
    const queue = new PQueue({ timeout: 5 });
    for (const options of [{ timeout: 0 }, { timeout: NaN }, { timeout: '1' }, { priority: NaN }, { priority: '1' }, { priority: null }]) {
      await follow(JSON.stringify(options), queue.add(() => 1, options), diary).catch(() => {});
    }
    for (const change of [(q) => (q.concurrency = 0), (q) => (q.timeout = 0), (q) => (q.timeout = undefined)]) {
      try {
        change(queue);
        diary.told.push('fine');
      } catch (error) {
        diary.told.push(error.name);
      }
    }
  },
};

/** On a clock that the test moves: `sleep` in milliseconds of it, `now` says it. */
export const timedPrograms = {
  async 'fixed intervals'(PQueue, { ran, sleep, now }) {
    const queue = new PQueue({ interval: 100, intervalCap: 3 });
    const start = now();
    await Promise.all(Array.from({ length: 10 }, (_, i) => queue.add(async () => {
      ran.push(`${i} at ${now() - start}`);
      await sleep(7);
    })));
    ran.push(`over at ${now() - start}`);
  },

  'strict intervals': (PQueue, world) => burst(new PQueue({ interval: 100, intervalCap: 2, strict: true }), world),

  'fixed intervals let a burst through at their border': (PQueue, world) => burst(new PQueue({ interval: 100, intervalCap: 2 }), world),

  async 'long jobs, carried over'(PQueue, { ran, sleep, now }) {
    const queue = new PQueue({ interval: 100, intervalCap: 2, carryoverIntervalCount: true });
    const start = now();
    await Promise.all([250, 130, 10, 10, 10].map((ms, i) => queue.add(async () => {
      ran.push(`${i} at ${now() - start}`);
      await sleep(ms);
    })));
  },

  async 'long jobs, not carried over'(PQueue, { ran, sleep, now }) {
    const queue = new PQueue({ interval: 100, intervalCap: 2, concurrency: 3 });
    const start = now();
    await Promise.all([250, 130, 15, 15, 15].map((ms, i) => queue.add(async () => {
      ran.push(`${i} at ${now() - start}`);
      await sleep(ms);
    })));
  },

  async 'a queue that was idle'(PQueue, { ran, sleep, now }) {
    const queue = new PQueue({ interval: 100, intervalCap: 1 });
    const start = now();
    const begin = (i) => queue.add(() => void ran.push(`${i} at ${now() - start}`));
    await begin(0);
    await sleep(30);
    await begin(1);
    await sleep(370);
    await Promise.all([begin(2), begin(3)]);
  },

  async 'what it says of its limit'(PQueue, { ran, told, sleep, now }) {
    const queue = new PQueue({ interval: 100, intervalCap: 2 });
    const start = now();
    for (const type of ['rateLimit', 'rateLimitCleared', 'idle']) queue.addEventListener(type, () => told.push(`${type} at ${now() - start}`));
    void queue.onRateLimit().then(() => ran.push(`limited at ${now() - start}`));
    const jobs = Array.from({ length: 5 }, () => queue.add(() => sleep(5)));
    told.push(`${queue.isRateLimited} ${queue.isSaturated} ${queue.size}`);
    await sleep(50);
    void queue.onRateLimitCleared().then(() => ran.push(`cleared at ${now() - start}`));
    await Promise.all(jobs);
    told.push(`${queue.isRateLimited} ${queue.isSaturated} ${queue.size}`);
  },

  async 'clear ends the waiting for an interval'(PQueue, { ran, told, sleep, now }) {
    const queue = new PQueue({ interval: 100, intervalCap: 1 });
    const start = now();
    for (const type of ['rateLimit', 'rateLimitCleared']) queue.addEventListener(type, () => told.push(`${type} at ${now() - start}`));
    void queue.add(() => ran.push(`a at ${now() - start}`));
    queue.add(() => ran.push('never')).catch((error) => ran.push(`${error.name} at ${now() - start}`));
    await sleep(20);
    queue.clear();
    await queue.add(() => ran.push(`b at ${now() - start}`));
  },

  async 'timeouts'(PQueue, { ran, told, sleep, now }, { TimeoutError }) {
    const queue = new PQueue({ timeout: 50, concurrency: 1 });
    const start = now();
    queue.addEventListener('error', ({ detail }) => told.push(`${detail.name} at ${now() - start}`));
    const follow = (name, promise) => promise.then(
      () => ran.push(`${name} ends at ${now() - start}`),
      (error) => ran.push(`${name}: ${error instanceof TimeoutError} ${error instanceof DOMException} ${error.name} at ${now() - start}`),
    );
    await Promise.all([
      follow('short', queue.add(() => sleep(40))),
      follow('long', queue.add(({ signal }) => {
        signal.addEventListener('abort', () => ran.push(`${signal.reason.name} aborts at ${now() - start}`));
        return sleep(400);
      })),
      follow('longer', queue.add(() => sleep(60), { timeout: 70 })),
      follow('without', queue.add(() => sleep(200), { timeout: undefined })),
    ]);
    ran.push(`${queue.pending} at ${now() - start}`);
  },
};

export const limitPrograms = {
  async 'no more at once than the limit, in order'(pLimit, diary, turns) {
    const limit = pLimit(2);
    const jobs = Array.from({ length: 5 }, (_, i) => job(i, diary));
    jobs.forEach((each, i) => follow(i, limit(each.fn), diary));
    const say = () => diary.told.push(`${limit.activeCount} ${limit.pendingCount} ${limit.concurrency}`);
    say();
    for (const i of [1, 0, 2, 4, 3]) {
      await turns();
      say();
      jobs[i].resolve(i * 10);
    }
    await turns();
    say();
  },

  async 'arguments, values and failures'(pLimit, diary, turns) {
    const limit = pLimit({ concurrency: 3 });
    follow('sum', limit((...numbers) => numbers.length, 1, 2, 3), diary);
    await turns();
    const bad = { thrown: () => { throw new RangeError('x'); }, string: () => Promise.reject('no'), undefined: async () => { throw undefined; }, 'no function': undefined };
    for (const [name, fn] of Object.entries(bad)) {
      follow(name, limit(fn), diary);
      await turns();
    }
    await limit(() => diary.told.push(String(limit.activeCount)));
    diary.told.push(String(limit.activeCount));
  },

  async 'a limit that changes'(pLimit, diary, turns) {
    const limit = pLimit(1);
    const jobs = Array.from({ length: 6 }, (_, i) => job(i, diary));
    jobs.forEach((each) => limit(each.fn));
    await turns();
    limit.concurrency = 4;
    diary.told.push(`${limit.activeCount} ${limit.concurrency}`);
    await turns();
    diary.told.push(`${limit.activeCount}`);
    limit.concurrency = 2;
    for (const each of jobs) {
      each.resolve();
      await turns();
      diary.told.push(`${limit.activeCount} ${limit.pendingCount}`);
    }
    for (const wrong of [0, -1, 1.5, '3', NaN, undefined]) {
      try {
        limit.concurrency = wrong;
        diary.told.push('fine');
      } catch (error) {
        diary.told.push(error.name);
      }
    }
  },

  async 'clearQueue, quiet and not'(pLimit, diary, turns) {
    for (const rejectOnClear of [false, true]) {
      const limit = pLimit({ concurrency: 1, rejectOnClear });
      const running = job('running', diary);
      follow('running', limit(running.fn), diary);
      follow('waiting', limit(() => void diary.ran.push('never')), diary);
      await turns();
      limit.clearQueue();
      diary.told.push(`${limit.activeCount} ${limit.pendingCount}`);
      await turns();
      running.resolve('done');
      await turns();
      follow('after', limit(() => 'after'), diary);
      await turns();
    }
  },

  async 'map'(pLimit, diary, turns) {
    const limit = pLimit(2);
    diary.ran.push(...(await limit.map(new Set(['a', 'b', 'c']), async (item, index) => `${item}${index}`)));
    await follow('map', limit.map([1, 2], (n) => Promise.reject(new RangeError(n))), diary).catch(() => {});
    const items = function* () {
      yield 1;
      throw new SyntaxError('items');
    };
    await follow('items', limit.map(items(), () => Promise.reject(new Error('unread'))), diary).catch(() => {});
    await turns();
    diary.told.push(`${limit.activeCount} ${limit.pendingCount}`);
  },

  async 'limitFunction'(_, diary, turns, { limitFunction }) {
    const jobs = Array.from({ length: 3 }, (_, i) => job(i, diary));
    const limited = limitFunction((i) => jobs[i].fn(), { concurrency: 1, rejectOnClear: true });
    for (const i of [0, 1, 2]) follow(i, limited(i), diary);
    await turns();
    jobs[0].resolve('zero');
    await turns();
    limited.clearQueue();
    jobs[1].resolve('one');
    await turns();
  },

  async 'its properties, and what it refuses'(pLimit, diary) {
    const limit = pLimit(1);
    for (const name of ['activeCount', 'pendingCount', 'concurrency', 'clearQueue', 'map']) {
      const { enumerable, configurable } = Object.getOwnPropertyDescriptor(limit, name);
      diary.told.push(`${name} ${typeof limit[name]} ${enumerable} ${configurable}`);
    }
    for (const wrong of [0, -1, 1.5, '3', NaN, undefined, null, {}, { concurrency: 1, rejectOnClear: 1 }, Infinity]) {
      try {
        pLimit(wrong);
        diary.told.push('fine');
      } catch (error) {
        diary.told.push(error.name);
      }
    }
  },
};
