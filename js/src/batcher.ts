/**
 * Batching: collects items that callers add one by one, and hands them to one function many at a time, as servers of
 * embeddings like them. A batch runs when it is full, when its first item has waited long enough, or when it is flushed.
 *
 *   collecting -> ready -> running -> over
 *
 * collecting: takes items. ready: full, due or flushed, and waiting for one of `maxConcurrent` places; one that is not full
 * goes on taking items. running: the function's task is submitted. over: everybody has a result.
 *
 * A batch is a scope that no task opened, so it needs no slot while it collects; the function runs in a task of its own,
 * below it, under the runtime's limits. Callers wait for the scope, as operations of the kernel: a task gives its slot back
 * meanwhile, so that one slot is enough for callers and function alike.
 *
 * Invariant: a batch that is not over has a caller who waits for it; the last one who leaves cancels it. (A task that ends
 * without waiting for what it added does not leave: its item is wanted all the same.) So a batcher at rest holds no timer,
 * fiber or item.
 * Partners: `runtime.ts`, which opens the scopes; `waits.ts`, join().
 */

import type { GeneratorBody } from './body.js';
import type { Context } from './context.js';
import { ArgumentError, BatchError, ClosedError, RequestTooLargeError } from './errors.js';
import { printable } from './printable.js';
import type { Runtime } from './runtime.js';
import type { ScopeContext, ScopeTask } from './scope.js';
import { areOptions, asOptions } from './wait-options.js';
import type { WaitOptions } from './waits.js';

/** Gives one result an item, in the items' order. An Error at an index fails that item alone, a throw fails them all. */
export type BatchFunction<I, O> = (
  items: readonly I[],
  ctx: Context,
) => PromiseLike<readonly (O | Error)[]> | GeneratorBody<readonly (O | Error)[]> | readonly (O | Error)[];

export interface BatcherOptions<I> {
  /** Items in a batch, at most. Default 100. */
  maxItems?: number | undefined;
  /** How long the first item of a batch waits for others, in milliseconds of the runtime's time. Default 10. 0: as long as
   * what runs now adds items. */
  maxDelay?: number | undefined;
  /** Batches that run at the same time, at most; the others wait, and go on collecting until they are full. Default: no limit
   * but the runtime's. */
  maxConcurrent?: number | undefined;
  /** Of one item, a number of 0 or more: its tokens, say. Called once an item. */
  weigh?: ((item: I) => number) | undefined;
  /** What the items of a batch weigh together, at most. Needs `weigh`. */
  maxWeight?: number | undefined;
  /** Longest run of the function, in milliseconds. Default: the runtime's `taskTimeout`. */
  timeout?: number | undefined;
  /** Of the function's tasks. Default `batch`. */
  name?: string | undefined;
}

interface Entry<I> {
  readonly item: I;
  readonly weight: number;
  /** Its place in the batch, once that runs. */
  index: number;
}

class Batch<I, O> {
  readonly entries = new Set<Entry<I>>();
  /** Aborts when the batch need not wait for more items. */
  readonly ready = new AbortController();
  scope!: ScopeTask;
  weight = 0;
  /** Callers that wait. */
  callers = 0;
  isRunning = false;
  isOver = false;
  hasPlace = false;
  /** Goes on, after a wait for a place. */
  proceed: (() => void) | undefined;
  outcome: { results: readonly (O | Error)[] } | { error: unknown } | undefined;

  constructor(readonly due: number) {}

  /** What came of an item; throws its error. */
  read({ index }: Entry<I>): O {
    const { outcome } = this;
    if (outcome === undefined) throw this.scope._value;
    if ('error' in outcome) throw outcome.error;
    const result = outcome.results[index];
    if (result instanceof Error) throw result;
    return result as O;
  }
}

/** Collects single items into batches; `rt.batcher()` makes one. */
export class Batcher<I, O> {
  readonly #runtime: Runtime;
  readonly #fn: BatchFunction<I, O>;
  readonly #maxItems: number;
  readonly #maxDelay: number;
  readonly #maxConcurrent: number;
  readonly #weigh: ((item: I) => number) | undefined;
  readonly #maxWeight: number;
  readonly #timeout: number | undefined;
  readonly #name: string;
  // The one that takes the next item.
  #open: Batch<I, O> | undefined;
  // All that are not over, in order.
  readonly #live = new Set<Batch<I, O>>();
  // Ready, and without a place.
  readonly #queue: Batch<I, O>[] = [];
  #places = 0; // taken
  #isClosed = false;

  /** @internal */
  constructor(runtime: Runtime, fn: BatchFunction<I, O>, options: BatcherOptions<I>) {
    const refuse = (text: string): never => {
      throw new ArgumentError('batcher', text);
    };
    if (typeof fn !== 'function') refuse(`the first argument must be a function, got ${fn === null ? 'null' : typeof fn}`);
    if (typeof options !== 'object' || options === null) refuse(`the options must be an object, got ${printable(options)}`);
    const known = ['maxItems', 'maxDelay', 'maxConcurrent', 'weigh', 'maxWeight', 'timeout', 'name'];
    for (const key of Object.keys(options)) {
      if (!known.includes(key)) refuse(`${key} is no option; there are ${known.join(', ')}`);
    }
    const { maxItems = 100, maxDelay = 10, maxConcurrent = Infinity, weigh, maxWeight, timeout, name = 'batch' } = options;
    const isCount = (value: unknown): boolean => value === Infinity || (Number.isInteger(value) && (value as number) >= 1);
    if (!isCount(maxItems)) refuse(`options.maxItems must be a positive integer or Infinity, got ${printable(maxItems)}`);
    if (typeof maxDelay !== 'number' || !(maxDelay >= 0)) refuse(`options.maxDelay must be a number of milliseconds, 0 or more, got ${printable(maxDelay)}`);
    if (!isCount(maxConcurrent)) refuse(`options.maxConcurrent must be a positive integer or Infinity, got ${printable(maxConcurrent)}`);
    if (weigh !== undefined && typeof weigh !== 'function') refuse(`options.weigh must be a function, got ${printable(weigh)}`);
    if (maxWeight !== undefined && (typeof maxWeight !== 'number' || !(maxWeight > 0))) refuse(`options.maxWeight must be a number above 0, got ${printable(maxWeight)}`);
    if ((weigh === undefined) !== (maxWeight === undefined)) refuse('options.weigh and options.maxWeight belong together; one of them is missing');
    if (timeout !== undefined && (typeof timeout !== 'number' || !(timeout >= 0))) refuse(`options.timeout must be a number of milliseconds, 0 or more, got ${printable(timeout)}`);
    if (typeof name !== 'string') refuse(`options.name must be a string, got ${printable(name)}`);
    this.#runtime = runtime;
    this.#fn = fn;
    this.#maxItems = maxItems;
    this.#maxDelay = maxDelay;
    this.#maxConcurrent = maxConcurrent;
    this.#weigh = weigh;
    this.#maxWeight = maxWeight ?? Infinity;
    this.#timeout = timeout;
    this.#name = name;
  }

  /** Adds an item to the batch that collects, and waits for its result. Ended early (by its task's cancel, its signal or its
   * timeout), it takes the item out again if the batch does not run yet; the last caller of a batch cancels it. Rejects with a
   * RequestTooLargeError for an item that outweighs a whole batch, and with a ClosedError after close(). */
  add(item: I, options?: Context | WaitOptions): Promise<O> {
    if (!areOptions(options)) return refused('batcher.add', options);
    const { ctx, ...rest } = asOptions(options);
    return this.#runtime._waits.join(
      'batcher.add',
      () => {
        if (this.#isClosed) throw new ClosedError('batcher.add', 'this batcher is closed');
        const entry: Entry<I> = { item, weight: this.#weight(item), index: -1 };
        const batch = this.#enter(entry);
        return { targets: [batch.scope], read: () => batch.read(entry), over: () => this.#left(batch, entry) };
      },
      rest,
      ctx,
    );
  }

  /** Lets what was collected run now; resolves when all items added so far have their results, and never rejects for them. Not
   * to be waited for in the batcher's own function. */
  flush(options?: Context | WaitOptions): Promise<void> {
    if (!areOptions(options)) return refused('batcher.flush', options);
    const { ctx, ...rest } = asOptions(options);
    return this.#runtime._waits.join(
      'batcher.flush',
      () => {
        this.#open?.ready.abort();
        return { targets: [...this.#live].map(({ scope }) => scope), read: () => {}, over: () => {} };
      },
      rest,
      ctx,
    );
  }

  /** Takes no more items, and flushes. */
  close(options?: Context | WaitOptions): Promise<void> {
    this.#isClosed = true;
    return this.flush(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #weight(item: I): number {
    if (this.#weigh === undefined) return 0;
    const weight: unknown = this.#weigh(item);
    if (typeof weight !== 'number' || !(weight >= 0)) throw new ArgumentError('batcher.add', `options.weigh must give a number, 0 or more; it gave ${printable(weight)}`);
    if (weight <= this.#maxWeight) return weight;
    throw new RequestTooLargeError(`batcher.add: the item weighs ${weight}, more than a whole batch may (maxWeight = ${this.#maxWeight}); split it`, {
      needed: weight,
      limit: this.#maxWeight,
    });
  }

  #enter(entry: Entry<I>): Batch<I, O> {
    if (this.#open !== undefined && this.#open.weight + entry.weight > this.#maxWeight) this.#full(this.#open);
    const batch = (this.#open ??= this.#begin());
    batch.entries.add(entry);
    batch.weight += entry.weight;
    batch.callers++;
    if (batch.entries.size >= this.#maxItems || batch.weight >= this.#maxWeight) this.#full(batch);
    return batch;
  }

  #begin(): Batch<I, O> {
    const batch = new Batch<I, O>(this.#runtime.clock.now() + this.#maxDelay);
    batch.scope = this.#runtime._openFreeScope((s) => this.#run(batch, s), 'batcher.add', this.#name, () => this.#over(batch));
    this.#live.add(batch);
    return batch;
  }

  #full(batch: Batch<I, O>): void {
    this.#open = undefined;
    batch.ready.abort();
  }

  async #run(batch: Batch<I, O>, s: ScopeContext): Promise<void> {
    await this.#collected(batch, s);
    await this.#placed(batch, s);
    if (this.#open === batch) this.#open = undefined;
    batch.isRunning = true;
    const entries = [...batch.entries];
    const items = entries.map((entry, index) => {
      entry.index = index;
      return entry.item;
    });
    const task = s.submit((ctx) => this.#fn(items, ctx), { name: this.#name, timeout: this.#timeout });
    try {
      batch.outcome = { results: this.#checked(await s.await(task), items.length) };
    } catch (error) {
      // Cancelled with the whole batch, it has no outcome.
      s.checkCancellation();
      batch.outcome = { error };
    }
  }

  /** Waits until the batch is full, due or flushed. */
  async #collected({ ready: { signal }, due }: Batch<I, O>, s: ScopeContext): Promise<void> {
    if (signal.aborted) return;
    if (due === Infinity) {
      // No timer: under virtual time, one at the end of time would be waited for.
      await told(s, (proceed) => signal.addEventListener('abort', proceed, { once: true }));
      return;
    }
    try {
      await s.delay(Math.max(0, due - s.now()), { signal });
    } catch (error) {
      s.checkCancellation();
      if (!signal.aborted) throw error;
    }
  }

  /** Waits for a place. */
  async #placed(batch: Batch<I, O>, s: ScopeContext): Promise<void> {
    if (this.#places < this.#maxConcurrent) {
      this.#places++;
      batch.hasPlace = true;
      return;
    }
    this.#queue.push(batch);
    await told(s, (proceed) => {
      batch.proceed = proceed;
    });
  }

  // All of it has ended, its function's clean-up too: its place goes to the next.
  #over(batch: Batch<I, O>): void {
    batch.isOver = true;
    this.#live.delete(batch);
    if (this.#open === batch) this.#open = undefined;
    if (!batch.hasPlace) {
      const at = this.#queue.indexOf(batch);
      if (at >= 0) this.#queue.splice(at, 1);
      return;
    }
    const next = this.#queue.shift();
    if (next === undefined) {
      this.#places--;
    } else {
      next.hasPlace = true;
      next.proceed!();
    }
  }

  #left(batch: Batch<I, O>, entry: Entry<I>): void {
    if (batch.isOver) return;
    batch.callers--;
    if (!batch.isRunning) {
      batch.entries.delete(entry);
      batch.weight -= entry.weight;
    }
    if (batch.callers > 0) return;
    if (this.#open === batch) this.#open = undefined;
    this.#runtime._cancel(batch.scope, 'every caller of the batch is gone');
  }

  #checked(results: unknown, expected: number): readonly (O | Error)[] {
    if (Array.isArray(results) && results.length === expected) return results as (O | Error)[];
    const received = Array.isArray(results) ? results.length : undefined;
    const got = received === undefined ? `${printable(results)}, which is no array` : `an array of ${received}`;
    throw new BatchError(`batcher: the function of "${this.#name}" must give an array of one result an item, in order; for ${expected} it gave ${got}`, { expected, received });
  }
}

/** Waits for somebody's word, or for the scope's cancellation, which it throws. */
async function told(s: ScopeContext, listen: (proceed: () => void) => void): Promise<void> {
  await new Promise<void>((resolve) => {
    listen(resolve);
    s.task.cancellationToken.onCancel(resolve);
  });
  s.checkCancellation();
}

function refused(operation: string, options: unknown): Promise<never> {
  return Promise.reject(new ArgumentError(operation, `the options must be a context or an object, got ${printable(options)}`));
}
