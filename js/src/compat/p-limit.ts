/**
 * `heddle/p-limit`: the interface of p-limit 7 on Heddle's runtime. Each function that gets its turn is a task of the runtime:
 * cancelled with it, counted in its statistics, admitted by its limits too, where it has any (`runtime`).
 *
 * What differs from p-limit 7 (`js/docs/compat.md` has more):
 * - a function is called when the turn of JavaScript is over, its first caller's after the runtime is loaded; p-limit calls it
 *   one microtask after its turn came. `activeCount` and `pendingCount` say the same at the same time.
 * - the promise settles when the function and the tasks that it submitted are over.
 * - it rejects with a CancellationError, TimeoutError or ClosedError when the runtime ends the task.
 */

import { printable } from '../printable.js';
import type { TaskOptions } from '../task-options.js';
import { Fifo } from './fifo.js';
import { homeOf, type Home, type RuntimeOption } from './home.js';
import { Job } from './job.js';

export type { RuntimeOption } from './home.js';

export type LimitFunction = {
  /** Functions that have their turn and are not over. */
  readonly activeCount: number;
  /** Functions that wait for their turn. */
  readonly pendingCount: number;
  /** The limit; a new value holds at once, for what runs already from its end on. */
  concurrency: number;
  /** Forgets the functions that wait. Their promises stay as they are, or reject with an AbortError under `rejectOnClear`. */
  clearQueue: () => void;
  /** Calls the function for each item, and gives the results in the items' order. */
  map: <Input, ReturnType>(iterable: Iterable<Input>, mapperFunction: (input: Input, index: number) => PromiseLike<ReturnType> | ReturnType) => Promise<ReturnType[]>;
  /** Calls the function with these arguments when its turn comes, first come first served; gives a promise of its result. */
  <Arguments extends unknown[], ReturnType>(function_: (...arguments_: Arguments) => PromiseLike<ReturnType> | ReturnType, ...arguments_: Arguments): Promise<ReturnType>;
};

export type Options = {
  /** How many functions may run at once: an integer from 1, or Infinity. */
  readonly concurrency: number;
  /** Whether clearQueue() rejects the promises of what it forgets. Default false. */
  readonly rejectOnClear?: boolean;
  /** Where the functions run. Default: one runtime that all queues share. */
  readonly runtime?: RuntimeOption | undefined;
};

type AnyFunction = (...args: unknown[]) => unknown;

class Call extends Job {
  constructor(
    private readonly owner: Limit,
    private readonly fn: AnyFunction,
    private readonly args: unknown[],
    private readonly resolve: (value: unknown) => void,
    readonly reject: (reason: unknown) => void,
  ) {
    super();
  }

  protected override options(): TaskOptions | undefined {
    const { name } = this.fn;
    return typeof name === 'string' && name !== '' ? { name } : undefined;
  }

  protected call(): unknown {
    const { fn } = this;
    return fn(...this.args);
  }

  protected ended(failed: boolean, value: unknown): void {
    this.owner.next();
    if (failed) this.reject(value);
    else this.resolve(value);
  }
}

class Limit {
  active = 0;
  readonly waiting = new Fifo<Call>();

  constructor(
    readonly home: Home,
    public concurrency: number,
  ) {}

  add(fn: AnyFunction, args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.waiting.push(new Call(this, fn, args, resolve, reject));
      this.fill();
    });
  }

  /** Gives their turn to those that may have it. */
  fill(): void {
    while (this.active < this.concurrency && this.waiting.size > 0) {
      this.active++;
      this.waiting.shift()!.enter(this.home);
    }
  }

  next(): void {
    this.active--;
    this.fill();
  }
}

/** Makes a limit: a function that calls functions, no more than `concurrency` at once. */
export default function pLimit(concurrency: number | Options): LimitFunction {
  const options: Options = typeof concurrency === 'object' ? concurrency : { concurrency };
  const { rejectOnClear = false } = options;
  if (typeof rejectOnClear !== 'boolean') throw new TypeError('p-limit: the option `rejectOnClear` must be a boolean');
  const limit = new Limit(homeOf(options.runtime), checked(options.concurrency));
  const call = (fn: AnyFunction, ...args: unknown[]): Promise<unknown> => limit.add(fn, args);

  const clearQueue = (): void => {
    if (!rejectOnClear) {
      limit.waiting.clear();
      return;
    }
    const { reason } = AbortSignal.abort() as { reason: unknown };
    for (let next = limit.waiting.shift(); next !== undefined; next = limit.waiting.shift()) next.reject(reason);
  };

  const map = async (items: Iterable<unknown>, fn: AnyFunction): Promise<unknown[]> => {
    const promises: Promise<unknown>[] = [];
    try {
      Array.from(items, (item, index) => promises.push(limit.add(fn, [item, index])));
    } catch (error) {
      // Those that are on their way have no other reader.
      for (const promise of promises) promise.catch(ignore);
      throw error;
    }
    return Promise.all(promises);
  };

  return Object.defineProperties(call, {
    activeCount: { get: () => limit.active },
    pendingCount: { get: () => limit.waiting.size },
    concurrency: {
      get: () => limit.concurrency,
      set(value: number) {
        limit.concurrency = checked(value);
        queueMicrotask(() => limit.fill());
      },
    },
    clearQueue: { value: clearQueue },
    map: { value: map },
  }) as unknown as LimitFunction;
}

/** A function that runs no more than `concurrency` times at once. */
export function limitFunction<Arguments extends unknown[], ReturnType>(
  function_: (...arguments_: Arguments) => PromiseLike<ReturnType>,
  options: Options,
): ((...arguments_: Arguments) => Promise<ReturnType>) & Pick<LimitFunction, 'clearQueue'> {
  const limit = pLimit(options);
  const limited = (...args: Arguments): Promise<ReturnType> => limit(function_, ...args);
  return Object.defineProperty(limited, 'clearQueue', { value: limit.clearQueue }) as typeof limited & Pick<LimitFunction, 'clearQueue'>;
}

function checked(concurrency: unknown): number {
  if (concurrency === Infinity || (Number.isInteger(concurrency) && (concurrency as number) > 0)) return concurrency as number;
  throw new TypeError(`p-limit: \`concurrency\` must be an integer from 1, or Infinity, got ${printable(concurrency)}`);
}

function ignore(): void {}
