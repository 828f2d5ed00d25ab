/**
 * Semaphore: permits, taken some at a time, first come, first served: a large request that does not fit yet keeps smaller ones
 * behind it waiting. Anybody may give permits back; there are never more than at first.
 */

import { Context } from '../context.js';
import { ArgumentError, LockError } from '../errors.js';
import type { Meaning } from '../operations.js';
import { printable } from '../printable.js';
import { Answer, SyncAct, SyncDo, SyncKind } from '../protocol.js';
import type { WaitOptions } from '../waits.js';
import type { Objects } from './objects.js';
import { checkCount, noFailure, SyncObject, type ObjectOptions } from './sync-object.js';

/** Permits that were acquired together. With `using`, the end of the block gives them back. */
export class Permits {
  readonly semaphore: Semaphore;
  readonly count: number;
  /** @internal */ _isReleased = false;

  /** @internal */
  constructor(semaphore: Semaphore, count: number) {
    this.semaphore = semaphore;
    this.count = count;
  }

  /** Gives them back. Throws a LockError (PermitsNotHeld) where that has happened. */
  release(): void {
    if (this._isReleased) throw new LockError('PermitsNotHeld', 'semaphore.release', `${this.semaphore._label}: these permits were released already`);
    this.semaphore.release(this.count);
    this._isReleased = true;
  }

  /** Gives them back, if that has not happened. */
  [Symbol.dispose](): void {
    if (!this._isReleased && !this.semaphore._objects.isClosed()) this.release();
  }
}

class Acquiring implements Meaning {
  readonly name = 'semaphore.acquire';
  readonly failure = noFailure;
  constructor(readonly semaphore: Semaphore) {}
  value(permits: number): Permits {
    return new Permits(this.semaphore, permits);
  }
}

export class Semaphore extends SyncObject {
  /** Permits in all. */
  readonly permits: number;
  readonly #acquiring = new Acquiring(this);

  /** Use Runtime.semaphore(). @internal */
  constructor(objects: Objects, permits: number, options?: ObjectOptions) {
    checkCount('semaphore', 'the number of permits', permits);
    super(objects, 'semaphore', SyncKind.semaphore, permits, options);
    this.permits = permits;
  }

  /** Waits until `count` permits are the caller's. On cancel, signal and timeout it has none. Rejects with an ArgumentError where
   * there never are as many. */
  acquire(count?: number, options?: Context | WaitOptions): Promise<Permits>;
  acquire(options?: Context | WaitOptions): Promise<Permits>;
  acquire(first?: number | Context | WaitOptions, second?: Context | WaitOptions): Promise<Permits> {
    const isCount = first === undefined || typeof first !== 'object';
    const options = isCount ? second : first;
    const count = isCount ? (first ?? 1) : 1;
    try {
      this._check('semaphore.acquire', count);
    } catch (error) {
      return this._objects.refuse('semaphore.acquire', options, error);
    }
    return this._objects.wait(this, SyncAct.acquire, count, options, this.#acquiring);
  }

  /** Takes permits if that need not wait: undefined where it would have to. */
  tryAcquire(count = 1, ctx?: Context): Permits | undefined {
    this._check('semaphore.tryAcquire', count);
    return this._objects.tryNow(this, SyncAct.acquire, count, ctx, 'semaphore.tryAcquire', () => new Permits(this, count));
  }

  /** Gives permits back; what waits and fits now goes on. Throws a LockError (PermitsNotHeld) where fewer are taken. */
  release(count = 1): void {
    checkCount('semaphore.release', 'the number of permits', count);
    const answer = this._objects.now('semaphore.release', 0, SyncDo.give, this, count);
    if (answer === Answer.done) return;
    const taken = this.permits - this.available;
    throw new LockError('PermitsNotHeld', 'semaphore.release', `${this._label}: ${taken} of its ${this.permits} permits are taken, so ${count} cannot be given back`);
  }

  /** Runs a function with permits, and gives them back however that ends: result, error or cancel. */
  async run<T>(fn: () => PromiseLike<T> | T, options?: Context | (WaitOptions & { permits?: number | undefined })): Promise<T> {
    if (typeof fn !== 'function') throw new ArgumentError('semaphore.run', `the first argument must be a function, got ${printable(fn)}`);
    const count = options === undefined || options === null || options instanceof Context ? 1 : (options.permits ?? 1);
    const permits = await this.acquire(count, options);
    try {
      return await fn();
    } finally {
      permits[Symbol.dispose]();
    }
  }

  /** Permits that nobody has now. */
  get available(): number {
    return this._objects.count('semaphore.available', this);
  }

  /** @internal */
  _check(operation: string, count: unknown): number {
    checkCount(operation, 'the number of permits', count);
    if (count > this.permits) throw new ArgumentError(operation, `${this._label} has ${this.permits} permits, so ${count} can never be acquired`);
    return count;
  }
}
