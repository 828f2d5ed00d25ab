/** async-mutex's decorators: the same interface, with a limit of the time to wait. */

import { E_ALREADY_LOCKED, E_TIMEOUT } from './async-mutex-errors.js';
import type { MutexInterface, SemaphoreInterface } from './async-mutex.js';

type Ticket = MutexInterface.Releaser | [number, SemaphoreInterface.Releaser];

/** Of either interface: a mutex knows no weight. */
interface Lock {
  acquire(...order: (number | undefined)[]): Promise<Ticket>;
  waitForUnlock(...order: (number | undefined)[]): Promise<void>;
  runExclusive(callback: (value?: number) => unknown, ...order: (number | undefined)[]): Promise<unknown>;
  isLocked(): boolean;
  release(weight?: number): void;
  cancel(): void;
  getValue?(): number;
  setValue?(value: number): void;
}

/** A lock whose waits reject with `timeoutError` after that many milliseconds. */
export function withTimeout(mutex: MutexInterface, timeout: number, timeoutError?: Error): MutexInterface;
export function withTimeout(semaphore: SemaphoreInterface, timeout: number, timeoutError?: Error): SemaphoreInterface;
export function withTimeout(sync: MutexInterface | SemaphoreInterface, timeout: number, timeoutError: Error = E_TIMEOUT): MutexInterface & SemaphoreInterface {
  const lock = sync as unknown as Lock;
  const hasWeight = lock.getValue !== undefined;
  const check = ([weight]: (number | undefined)[]): void => {
    if (hasWeight && weight !== undefined && weight <= 0) throw new Error(`async-mutex: the weight must be positive, got ${String(weight)}`);
  };

  const acquire = (...order: (number | undefined)[]): Promise<Ticket> => {
    check(order);
    return limited(lock.acquire(...order), timeout, timeoutError, (ticket) => releaserOf(ticket)());
  };
  const limitedLock: Lock = {
    acquire,
    async runExclusive(callback, ...order) {
      const ticket = await acquire(...order);
      try {
        return await (Array.isArray(ticket) ? callback(ticket[0]) : callback());
      } finally {
        releaserOf(ticket)();
      }
    },
    waitForUnlock(...order) {
      check(order);
      return limited(lock.waitForUnlock(...order), timeout, timeoutError, () => {});
    },
    isLocked: () => lock.isLocked(),
    release: (weight) => lock.release(weight),
    cancel: () => lock.cancel(),
  };
  if (hasWeight) Object.assign(limitedLock, { getValue: () => lock.getValue!(), setValue: (value: number) => lock.setValue!(value) });
  return limitedLock as unknown as MutexInterface & SemaphoreInterface;
}

/** A lock that nobody waits for: what cannot be had at once rejects with `alreadyAcquiredError`. */
export function tryAcquire(mutex: MutexInterface, alreadyAcquiredError?: Error): MutexInterface;
export function tryAcquire(semaphore: SemaphoreInterface, alreadyAcquiredError?: Error): SemaphoreInterface;
export function tryAcquire(sync: MutexInterface | SemaphoreInterface, alreadyAcquiredError: Error = E_ALREADY_LOCKED): MutexInterface & SemaphoreInterface {
  return withTimeout(sync as SemaphoreInterface, 0, alreadyAcquiredError) as MutexInterface & SemaphoreInterface;
}

function releaserOf(ticket: Ticket): () => void {
  return Array.isArray(ticket) ? ticket[1] : ticket;
}

// What comes too late is given back.
function limited<T>(waiting: Promise<T>, timeout: number, error: Error, giveBack: (value: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(error);
    }, timeout);
    waiting.then(
      (value) => {
        clearTimeout(timer);
        if (isLate) giveBack(value);
        else resolve(value);
      },
      (reason: unknown) => {
        clearTimeout(timer);
        reject(reason);
      },
    );
  });
}
