/**
 * Serializer: functions that it wraps never overlap, in the order of their calls. One mutex that each call holds.
 *
 * The caller of a wrapped function is the context among its arguments, else the task that is known to call, else a caller
 * outside. A call from within (a wrapped function calls another one of the same serializer) would wait for itself: it rejects
 * with a LockError (MutexReentry). Of a caller outside that is known while the function's first, synchronous part runs.
 */

import { Context } from '../context.js';
import { ArgumentError, LockError } from '../errors.js';
import { printable } from '../printable.js';
import { Mutex } from './mutex.js';
import type { Objects } from './objects.js';
import type { ObjectOptions } from './sync-object.js';

export class Serializer {
  readonly name: string | undefined;
  readonly #objects: Objects;
  readonly #mutex: Mutex;
  #isInside = false;

  /** Use Runtime.serializer(). @internal */
  constructor(objects: Objects, options?: ObjectOptions) {
    this.#objects = objects;
    this.#mutex = new Mutex(objects, options, 'serializer');
    this.name = this.#mutex.name;
  }

  /** The same function, run by one caller at a time; the next goes on after its result, error or cancel. */
  wrap<A extends unknown[], R>(fn: (...args: A) => PromiseLike<R> | R): (...args: A) => Promise<R> {
    if (typeof fn !== 'function') throw new ArgumentError('serializer.wrap', `the argument must be a function, got ${printable(fn)}`);
    const call = async (self: unknown, args: A): Promise<R> => {
      const ctx = args.filter((arg) => arg instanceof Context).at(-1);
      const caller = this.#objects.caller(ctx, 'serializer');
      if (caller === undefined && this.#isInside) throw new LockError('MutexReentry', 'serializer', `${this.#mutex._label} runs this caller's function already, and it is not re-entrant`);
      const run = (): PromiseLike<R> | R => {
        const before = this.#isInside;
        this.#isInside = true;
        try {
          return fn.apply(self, args);
        } finally {
          this.#isInside = before;
        }
      };
      return this.#mutex._run(run, caller, caller);
    };
    return function (this: unknown, ...args: A): Promise<R> {
      return call(this, args);
    };
  }
}
