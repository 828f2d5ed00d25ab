/**
 * Mutex: one fiber at a time, first come, first served, handed over directly. Not re-entrant. Who holds it unlocks it; a task
 * that ends with it has it taken away, and that is a finding (LOCK_NOT_RELEASED).
 */

import { Context } from '../context.js';
import { ArgumentError, LockError } from '../errors.js';
import type { Meaning, Owner } from '../operations.js';
import { printable } from '../printable.js';
import { Answer, SyncAct, SyncDo, SyncKind } from '../protocol.js';
import type { Task } from '../task.js';
import type { WaitOptions } from '../waits.js';
import type { Objects } from './objects.js';
import { noFailure, SyncObject, type ObjectOptions } from './sync-object.js';
import { OutsideHolder } from './outside-holder.js';

/** A mutex that is held. With `using`, the end of the block unlocks it. */
export class Lock {
  readonly mutex: Mutex;
  /** @internal */ readonly _owner: Owner;
  /** Its caller said who it is. @internal */ readonly _isExplicit: boolean;

  /** @internal */
  constructor(mutex: Mutex, owner: Owner, isExplicit: boolean) {
    this.mutex = mutex;
    this._owner = owner;
    this._isExplicit = isExplicit;
  }

  /** Hands the mutex to whoever waits longest. Throws a LockError (MutexNotHeld) where it was unlocked before. */
  unlock(): void {
    this.mutex._unlock(this);
  }

  /** Unlocks, if that has not happened. */
  [Symbol.dispose](): void {
    this.mutex._letGo(this);
  }
}

// One for those who name their context, one for the others.
class Locking implements Meaning {
  readonly name = 'mutex.lock';
  readonly failure = noFailure;
  constructor(
    readonly mutex: Mutex,
    readonly isExplicit: boolean,
  ) {}
  value(_: number, __: number, owner: Owner): Lock {
    return this.mutex._locked(owner, this.isExplicit);
  }
}

class Trying implements Meaning {
  readonly name = 'mutex.tryLock';
  readonly failure = noFailure;
  constructor(
    readonly mutex: Mutex,
    readonly isExplicit: boolean,
  ) {}
  value(_: number, __: number, owner: Owner): boolean {
    this.mutex._locked(owner, this.isExplicit);
    return true;
  }
  timedOut(): boolean {
    return false;
  }
}

export class Mutex extends SyncObject {
  // The lock that was given out last, while it holds.
  #lock: Lock | undefined;
  readonly #named = new Locking(this, true);
  readonly #unnamed = new Locking(this, false);

  /** Use Runtime.mutex(). @internal */
  constructor(objects: Objects, options?: ObjectOptions, kind = 'mutex') {
    super(objects, kind, SyncKind.mutex, 0, options);
  }

  /** Waits until it is the caller's; first come, first served. On cancel, signal and timeout the caller has nothing. Rejects with
   * a LockError (MutexReentry) where the caller holds it already. A caller that is no task holds it until it unlocks. */
  lock(options?: Context | WaitOptions): Promise<Lock> {
    return this._objects.wait(this, SyncAct.lock, 0, options, namesCaller(options) ? this.#named : this.#unnamed);
  }

  /** Whether it could be locked: now, or within `timeout` milliseconds. */
  tryLock(timeout?: number, options?: Context | WaitOptions): Promise<boolean>;
  tryLock(options?: Context | WaitOptions): Promise<boolean>;
  tryLock(first?: number | Context | WaitOptions, second?: Context | WaitOptions): Promise<boolean> {
    const isTime = first === undefined || typeof first === 'number';
    const given = isTime ? second : first;
    const options: WaitOptions | undefined = given instanceof Context ? { ctx: given } : given;
    const meaning = new Trying(this, namesCaller(options));
    let caller: Context | undefined;
    try {
      if (typeof first === 'number' && !(first >= 0)) throw new ArgumentError(meaning.name, `the timeout must be a number of milliseconds, 0 or more, got ${printable(first)}`);
      const resolved = this._objects.resolve(meaning.name, options);
      caller = resolved.caller;
      this._objects.open(meaning.name, caller);
      const timeout = isTime ? (first ?? 0) : resolved.timeout;
      const cases = [{ act: SyncAct.lock, object: this, value: 0 }];
      const locked = this._objects.select<boolean>(cases, { timeout, signal: resolved.signal }, meaning, caller, timeout > 0);
      return locked ?? (this._objects.operations.value(caller?._owner, false) as Promise<boolean>);
    } catch (error) {
      return this._objects.operations.error(caller?._owner, error);
    }
  }

  /** Unlocks it for the caller. Without a context, where no task is known to call, it is unlocked for whoever locked it without
   * one. Throws a LockError (MutexNotHeld) where the caller does not hold it. */
  unlock(ctx?: Context | WaitOptions): void {
    const given = ctx instanceof Context ? ctx : ctx?.ctx;
    const caller = this._objects.caller(given, 'mutex.unlock');
    const lock = this.#lock;
    const isTheirs = caller === undefined ? lock?._isExplicit === false : lock?._owner._fiber === caller._owner._fiber;
    if (lock === undefined || !isTheirs) throw this.#notHeld('the caller does not hold it');
    this._unlock(lock);
  }

  /** Runs a function while the caller holds it, and unlocks however that ends: result, error or cancel. */
  run<T>(fn: () => PromiseLike<T> | T, options?: Context | WaitOptions): Promise<T> {
    return this._run(fn, options, undefined);
  }

  /** `within`: the caller, for operations in the function that do not name one. @internal */
  async _run<T>(fn: () => PromiseLike<T> | T, options: Context | WaitOptions | undefined, within: Context | undefined): Promise<T> {
    if (typeof fn !== 'function') throw new ArgumentError('mutex.run', `the first argument must be a function, got ${printable(fn)}`);
    const lock = await this.lock(options);
    try {
      if (within === undefined) return await fn();
      let result: PromiseLike<T> | T;
      this._objects.within(within, () => {
        result = fn();
      });
      return await result!;
    } finally {
      this._letGo(lock);
    }
  }

  get isLocked(): boolean {
    return this._objects.count('mutex.isLocked', this) !== 0;
  }

  /** The task that holds it; undefined where nobody does, or a caller that is no task. */
  get holder(): Task | undefined {
    return this._objects.holder(this);
  }

  /** The caller has it. @internal */
  _locked(owner: Owner, isExplicit: boolean): Lock {
    if (owner instanceof OutsideHolder) owner.isHolder = true;
    return (this.#lock = new Lock(this, owner, isExplicit));
  }

  /** @internal */
  _unlock(lock: Lock): void {
    if (lock !== this.#lock) throw this.#notHeld('it was unlocked already');
    const owner = lock._owner;
    const answer = this._objects.now('mutex.unlock', owner._fiber, SyncDo.unlock, this, 0);
    this.#lock = undefined;
    if (owner instanceof OutsideHolder) owner.end();
    if (answer !== Answer.done) throw this.#notHeld('the task that locked it is over');
  }

  /** @internal */
  _letGo(lock: Lock): void {
    if (lock !== this.#lock || this._objects.isClosed()) return;
    try {
      this._unlock(lock);
    } catch {
      // Its task is over, and it was taken away.
    }
  }

  #notHeld(why: string): LockError {
    return new LockError('MutexNotHeld', 'mutex.unlock', `${this._label}: ${why}`);
  }
}

function namesCaller(options: Context | WaitOptions | undefined): boolean {
  return options instanceof Context || options?.ctx !== undefined;
}
