/**
 * `heddle/async-mutex`: the interface of async-mutex 0.5. A task of the runtime that waits for such a lock waits as for any of
 * Heddle's: it gives its slot back, its cancel ends the wait and takes nothing, and explain() says what it waits for.
 *
 * Who is next is decided here, since the kernel's semaphores know neither priorities nor values below zero, and since
 * `isLocked()` and `getValue()` must say at once what a call did. Nobody owns such a lock: whoever has it may release it, so a
 * deadlock of them has no names. The runtime's own are better at that: `rt.mutex()`, `rt.semaphore(n)`.
 *
 * The task is found as in every operation that no context is given to: in its synchronous segment, and after an await where the
 * runtime has `asyncContext`. Who is not known to be a task waits as in async-mutex.
 *
 * What differs from async-mutex 0.5: a wait of a task rejects with its CancellationError, TimeoutError or ClosedError when
 * that ends it; the text of messages.
 */

import { E_CANCELED } from './async-mutex-errors.js';
import { homeOf, type Home, type RuntimeOption } from './home.js';
import { park } from './parking.js';
import { Ranked } from './ranked.js';

export { E_ALREADY_LOCKED, E_CANCELED, E_TIMEOUT } from './async-mutex-errors.js';
export { tryAcquire, withTimeout } from './async-mutex-limits.js';
export type { RuntimeOption } from './home.js';

export interface MutexInterface {
  /** Gives what unlocks it, once it is locked. Higher priority first, first come first served among equals. */
  acquire(priority?: number): Promise<MutexInterface.Releaser>;
  /** Runs the function while it is locked; gives its result. */
  runExclusive<T>(callback: MutexInterface.Worker<T>, priority?: number): Promise<T>;
  /** Resolves when it could be locked, without locking it. */
  waitForUnlock(priority?: number): Promise<void>;
  isLocked(): boolean;
  /** Unlocks it, whoever locked it. */
  release(): void;
  /** Ends the waits for the lock. */
  cancel(): void;
}

export declare namespace MutexInterface {
  interface Releaser {
    (): void;
  }
  interface Worker<T> {
    (): Promise<T> | T;
  }
}

export interface SemaphoreInterface {
  /** Takes `weight` of the value; gives the value before, and what gives it back, once that much is there. */
  acquire(weight?: number, priority?: number): Promise<[number, SemaphoreInterface.Releaser]>;
  /** Runs the function meanwhile; gives its result. */
  runExclusive<T>(callback: SemaphoreInterface.Worker<T>, weight?: number, priority?: number): Promise<T>;
  /** Resolves when that much could be taken, without taking it. */
  waitForUnlock(weight?: number, priority?: number): Promise<void>;
  /** Whether nothing is left. */
  isLocked(): boolean;
  getValue(): number;
  setValue(value: number): void;
  /** Adds to the value, whoever took it. */
  release(weight?: number): void;
  /** Ends the waits of acquire() and runExclusive(). */
  cancel(): void;
}

export declare namespace SemaphoreInterface {
  interface Releaser {
    (): void;
  }
  interface Worker<T> {
    (value: number): Promise<T> | T;
  }
}

/** What Heddle's own argument, the last of the constructors, may say. */
export interface LockOptions {
  /** Whose tasks wait here. Default: the runtime that all queues share. */
  readonly runtime?: RuntimeOption | undefined;
}

interface Waiter {
  readonly weight: number;
  readonly grant: (value: [number, SemaphoreInterface.Releaser]) => void;
  readonly refuse: (error: unknown) => void;
}

export class Semaphore implements SemaphoreInterface {
  #value: number;
  readonly #cancelError: Error;
  readonly #home: Home;
  #waiting = new Ranked<Waiter>();
  // Of waitForUnlock(): for each weight, the heaviest first.
  #watching: { readonly weight: number; readonly waiting: Ranked<() => void> }[] = [];

  constructor(value: number, cancelError: Error = E_CANCELED, options: LockOptions = {}) {
    this.#value = value;
    this.#cancelError = cancelError;
    this.#home = homeOf(options.runtime);
    if (options.runtime !== undefined) this.#home.prepare();
  }

  acquire(weight = 1, priority = 0): Promise<[number, SemaphoreInterface.Releaser]> {
    checkWeight(weight);
    if (weight <= this.#value && this.#isFirst(priority)) return Promise.resolve(this.#take(weight));
    return park(this.#home, 'async-mutex: acquire', {
      enter: (grant, refuse) => {
        const place = this.#waiting.add({ weight, grant, refuse }, priority);
        return () => {
          // Those behind it may be lighter.
          if (this.#waiting.remove(place)) this.#dispatch();
        };
      },
      giveBack: ([, release]) => release(),
    });
  }

  async runExclusive<T>(callback: SemaphoreInterface.Worker<T>, weight = 1, priority = 0): Promise<T> {
    const [value, release] = await this.acquire(weight, priority);
    try {
      return await callback(value);
    } finally {
      release();
    }
  }

  waitForUnlock(weight = 1, priority = 0): Promise<void> {
    checkWeight(weight);
    if (weight <= this.#value && this.#isFirst(priority)) return Promise.resolve();
    return park(this.#home, 'async-mutex: waitForUnlock', {
      enter: (grant) => {
        const waiting = this.#watchers(weight);
        const place = waiting.add(grant, priority);
        return () => void waiting.remove(place);
      },
      giveBack: () => {},
    });
  }

  isLocked(): boolean {
    return this.#value <= 0;
  }

  getValue(): number {
    return this.#value;
  }

  setValue(value: number): void {
    this.#value = value;
    this.#dispatch();
  }

  release(weight = 1): void {
    checkWeight(weight);
    this.#value += weight;
    this.#dispatch();
  }

  cancel(): void {
    const waiting = this.#waiting;
    this.#waiting = new Ranked();
    for (const place of [...waiting.items()]) {
      waiting.remove(place);
      place.item.refuse(this.#cancelError);
    }
  }

  // Whether nobody of that priority or a higher one waits.
  #isFirst(priority: number): boolean {
    const first = this.#waiting.peek();
    return first === undefined || first.level.priority < priority;
  }

  #take(weight: number): [number, SemaphoreInterface.Releaser] {
    const before = this.#value;
    this.#value -= weight;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      this.release(weight);
    };
    return [before, release];
  }

  #dispatch(): void {
    this.#tell();
    for (let first = this.#waiting.peek(); first !== undefined && first.item.weight <= this.#value; first = this.#waiting.peek()) {
      this.#waiting.take();
      first.item.grant(this.#take(first.item.weight));
      this.#tell();
    }
  }

  // Those that wait for an unlock, and could lock it now.
  #tell(): void {
    let isEmpty = false;
    for (const { weight, waiting } of this.#watching) {
      if (weight > this.#value) continue;
      for (let first = waiting.peek(); first !== undefined && this.#isFirst(first.level.priority); first = waiting.peek()) {
        waiting.take();
        first.item();
      }
      isEmpty ||= waiting.size === 0;
    }
    if (isEmpty) this.#watching = this.#watching.filter(({ waiting }) => waiting.size > 0);
  }

  #watchers(weight: number): Ranked<() => void> {
    const all = this.#watching;
    let at = all.findIndex((each) => each.weight <= weight);
    if (at < 0) at = all.length;
    if (all[at]?.weight !== weight) all.splice(at, 0, { weight, waiting: new Ranked() });
    return all[at]!.waiting;
  }
}

export class Mutex implements MutexInterface {
  readonly #semaphore: Semaphore;

  constructor(cancelError?: Error, options?: LockOptions) {
    this.#semaphore = new Semaphore(1, cancelError, options);
  }

  async acquire(priority = 0): Promise<MutexInterface.Releaser> {
    const [, release] = await this.#semaphore.acquire(1, priority);
    return release;
  }

  runExclusive<T>(callback: MutexInterface.Worker<T>, priority = 0): Promise<T> {
    return this.#semaphore.runExclusive(() => callback(), 1, priority);
  }

  waitForUnlock(priority = 0): Promise<void> {
    return this.#semaphore.waitForUnlock(1, priority);
  }

  isLocked(): boolean {
    return this.#semaphore.isLocked();
  }

  /** Nothing where it is not locked. */
  release(): void {
    if (this.#semaphore.isLocked()) this.#semaphore.release();
  }

  cancel(): void {
    this.#semaphore.cancel();
  }
}

function checkWeight(weight: number): void {
  if (weight <= 0) throw new Error(`async-mutex: the weight must be positive, got ${String(weight)}`);
}
