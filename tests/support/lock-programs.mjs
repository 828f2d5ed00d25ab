/**
 * Programs that use async-mutex, and log what they see: the specification of `heddle/async-mutex` is that they log the same
 * there. Each gets the module under test, with `log`, and `turns`, which lets everything happen that can. Partner: queue-programs.mjs.
 */

function state(lock) {
  const open = lock.isLocked() ? 'locked' : 'open';
  try {
    return `${open} ${lock.getValue()}`;
  } catch {
    // A mutex has no value.
    return open;
  }
}

const failure = (error, { E_TIMEOUT, E_CANCELED, E_ALREADY_LOCKED }) =>
  error === E_TIMEOUT ? 'E_TIMEOUT' : error === E_CANCELED ? 'E_CANCELED' : error === E_ALREADY_LOCKED ? 'E_ALREADY_LOCKED' : `${error.name} ${error.message}`;

const follow = (name, promise, log, module) =>
  promise.then(
    (value) => log.push(`${name}: ${Array.isArray(value) ? value[0] : typeof value === 'function' ? 'locked' : String(value)}`),
    (error) => log.push(`${name}: ${failure(error, module)}`),
  );

const thrown = (fn) => {
  try {
    fn();
    return 'fine';
  } catch (error) {
    return error.constructor.name;
  }
};

export const lockPrograms = {
  async 'a mutex is handed on in order'(module, log, turns) {
    const mutex = new module.Mutex();
    log.push(state(mutex));
    const releases = [];
    for (const name of ['a', 'b', 'c']) {
      void mutex.acquire().then((release) => {
        log.push(name);
        releases.push(release);
      });
      log.push(state(mutex));
    }
    for (let i = 0; i < 3; i++) {
      await turns();
      releases[i]();
      releases[i]();
      log.push(state(mutex));
    }
  },

  async 'a mutex by priority'(module, log, turns) {
    const mutex = new module.Mutex();
    const release = await mutex.acquire(-3);
    for (const [name, priority] of [['low', 0], ['high', 5], ['none', undefined], ['negative', -0.5], ['high too', 5], ['most', Infinity]]) {
      void mutex.runExclusive(() => void log.push(name), priority);
    }
    await turns();
    release();
    await turns();
    log.push(state(mutex));
  },

  async 'runExclusive: results, failures, plain values'(module, log, turns) {
    const mutex = new module.Mutex();
    follow('value', mutex.runExclusive(() => 5), log, module);
    follow('promise', mutex.runExclusive(async () => 6), log, module);
    follow('thrown', mutex.runExclusive(() => { throw new RangeError('x'); }), log, module);
    follow('rejected', mutex.runExclusive(() => Promise.reject(new SyntaxError('y'))), log, module);
    const semaphore = new module.Semaphore(3);
    follow('weighted', semaphore.runExclusive((value) => `${value} ${state(semaphore)}`, 2), log, module);
    await turns();
    log.push(state(mutex), state(semaphore));
  },

  async 'release by anybody, and of what is open'(module, log, turns) {
    const mutex = new module.Mutex();
    mutex.release();
    log.push(state(mutex));
    await mutex.acquire();
    follow('next', mutex.acquire(), log, module);
    mutex.release();
    await turns();
    log.push(state(mutex));
    mutex.release();
    mutex.release();
    log.push(state(mutex));
    const semaphore = new module.Semaphore(1);
    semaphore.release();
    semaphore.release(3);
    log.push(state(semaphore));
  },

  async 'weights wait in their order'(module, log, turns) {
    const semaphore = new module.Semaphore(4);
    const [, release] = await semaphore.acquire(3);
    for (const [name, weight, priority] of [['two', 2, 0], ['one', 1, 0], ['four', 4, 0], ['urgent', 1, 1], ['heavy and urgent', 3, 2]]) {
      follow(name, semaphore.acquire(weight, priority), log, module);
      log.push(state(semaphore));
    }
    await turns();
    release();
    await turns();
    log.push(state(semaphore));
    for (const weight of [2, 3, 1, 4]) {
      semaphore.release(weight);
      await turns();
      log.push(state(semaphore));
    }
  },

  async 'setValue, also below zero'(module, log, turns) {
    const semaphore = new module.Semaphore(0);
    for (const name of ['a', 'b', 'c']) follow(name, semaphore.acquire(), log, module);
    for (const value of [1, -2, 0, 2, 5]) {
      semaphore.setValue(value);
      await turns();
      log.push(state(semaphore));
    }
    const debt = new module.Semaphore(-1);
    follow('later', debt.acquire(), log, module);
    debt.release();
    await turns();
    log.push(state(debt));
    debt.release();
    await turns();
    log.push(state(debt));
  },

  async 'cancel'(module, log, turns) {
    const own = new RangeError('own');
    for (const mutex of [new module.Mutex(), new module.Mutex(own), new module.Semaphore(1), new module.Semaphore(1, own)]) {
      const held = await mutex.acquire();
      follow('waiting', mutex.acquire(), log, module);
      follow('running', mutex.runExclusive(() => log.push('never')), log, module);
      follow('watching', mutex.waitForUnlock(), log, module);
      mutex.cancel();
      await turns();
      log.push(state(mutex));
      follow('after', mutex.acquire(), log, module);
      (Array.isArray(held) ? held[1] : held)();
      await turns();
      log.push(state(mutex));
    }
  },

  async 'waitForUnlock locks nothing'(module, log, turns) {
    const mutex = new module.Mutex();
    await mutex.waitForUnlock();
    const release = await mutex.acquire();
    follow('watch', mutex.waitForUnlock(), log, module);
    follow('urgent watch', mutex.waitForUnlock(1), log, module);
    follow('lock', mutex.acquire(), log, module);
    await turns();
    release();
    await turns();
    log.push(state(mutex));
    mutex.release();
    await turns();
    log.push(state(mutex));
    const semaphore = new module.Semaphore(2);
    await semaphore.acquire(2);
    for (const weight of [1, 2, 3]) follow(`watch ${weight}`, semaphore.waitForUnlock(weight), log, module);
    for (let i = 0; i < 3; i++) {
      semaphore.release();
      await turns();
      log.push(state(semaphore));
    }
  },

  async 'weights that are none'(module, log, turns) {
    const semaphore = new module.Semaphore(1);
    const limited = module.withTimeout(semaphore, 1e6);
    for (const each of [semaphore, limited]) {
      for (const weight of [0, -1]) {
        log.push(thrown(() => each.acquire(weight)), thrown(() => each.waitForUnlock(weight)), thrown(() => each.release(weight)));
        await each.runExclusive(() => {}, weight).catch((error) => log.push(error.constructor.name));
      }
    }
    await turns();
    log.push(state(semaphore));
  },

  async 'withTimeout that is not reached'(module, log, turns) {
    const mutex = module.withTimeout(new module.Mutex(), 1e6);
    const semaphore = module.withTimeout(new module.Semaphore(3), 1e6);
    const release = await mutex.acquire();
    follow('exclusive', mutex.runExclusive(() => 'value'), log, module);
    follow('watch', mutex.waitForUnlock(), log, module);
    log.push(state(mutex));
    await turns();
    release();
    await turns();
    log.push(state(mutex));
    follow('weighted', semaphore.acquire(2), log, module);
    follow('run', semaphore.runExclusive((value) => value, 1), log, module);
    await turns();
    log.push(state(semaphore));
    semaphore.setValue(0);
    follow('cancelled', semaphore.acquire(), log, module);
    semaphore.cancel();
    await turns();
    semaphore.release(2);
    log.push(state(semaphore));
  },
};

/** On a clock that the test moves by `tick`. */
export const timedLockPrograms = {
  async 'withTimeout, and what comes too late'(module, log, turns, tick) {
    const own = new RangeError('own');
    for (const lock of [new module.Mutex(), new module.Semaphore(1)]) {
      const held = await lock.acquire();
      const limited = module.withTimeout(lock, 50);
      follow('acquire', limited.acquire(), log, module);
      follow('run', limited.runExclusive(() => log.push('never')), log, module);
      follow('watch', limited.waitForUnlock(), log, module);
      follow('own', module.withTimeout(lock, 30, own).acquire(), log, module);
      follow('patient', lock.acquire(), log, module);
      for (const ms of [29, 1, 19, 1]) {
        tick(ms);
        await turns();
        log.push(`+${ms}`);
      }
      (Array.isArray(held) ? held[1] : held)();
      await turns();
      log.push(state(lock));
    }
  },

  async 'tryAcquire'(module, log, turns, tick) {
    for (const lock of [new module.Mutex(), new module.Semaphore(2)]) {
      const eager = module.tryAcquire(lock);
      follow('first', eager.acquire(), log, module);
      follow('second', eager.acquire(), log, module);
      follow('third', eager.runExclusive(() => 'ran'), log, module);
      follow('own', module.tryAcquire(lock, new RangeError('own')).acquire(), log, module);
      tick(1);
      await turns();
      log.push(state(eager));
    }
  },
};
