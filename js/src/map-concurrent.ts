/**
 * Mapping over many items with bounded concurrency and back-pressure both ways: the source is read only when there is room,
 * and there is room only while the consumer keeps up. Each item is a task of its own, so the runtime's limits hold as well.
 */

import type { Context } from './context.js';
import { ArgumentError } from './errors.js';
import type { Runtime } from './runtime.js';
import type { Task } from './task.js';

export interface MapOptions {
  /** Items in work, or finished and not yet taken, at most. Default: the runtime's maxConcurrentTasks. */
  concurrency?: number | undefined;
  /** Results in input order (default), or in order of completion. */
  ordered?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Whose children the tasks are. */
  ctx?: Context | undefined;
}

export function checkMap(source: unknown, fn: unknown, options: MapOptions, limit: number): number {
  const iterable = source as { [Symbol.iterator]?: unknown; [Symbol.asyncIterator]?: unknown } | null | undefined;
  if (typeof iterable?.[Symbol.iterator] !== 'function' && typeof iterable?.[Symbol.asyncIterator] !== 'function') {
    throw new ArgumentError('mapConcurrent', `the first argument must be iterable or async iterable, got ${source === null ? 'null' : typeof source}`);
  }
  if (typeof fn !== 'function') throw new ArgumentError('mapConcurrent', `the second argument must be a function, got ${typeof fn}`);
  const { concurrency = limit } = options;
  if (concurrency !== Infinity && (!Number.isInteger(concurrency) || concurrency < 1)) {
    throw new ArgumentError('mapConcurrent', `options.concurrency must be a positive integer or Infinity, got ${String(concurrency)}`);
  }
  return concurrency;
}

export async function* mapConcurrent<I, O>(
  runtime: Runtime,
  source: Iterable<I> | AsyncIterable<I>,
  fn: (item: I, index: number, ctx: Context) => PromiseLike<O> | O,
  options: MapOptions,
  concurrency: number,
): AsyncGenerator<O, void, undefined> {
  const { ordered = true, signal, ctx } = options;
  const iterator: Iterator<I> | AsyncIterator<I> =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const work: Task<O>[] = [];
  let index = 0;
  let isPulling = false;
  let isOver = false; // nothing more comes from the source
  let isLeft = false;
  let failure: { error: unknown } | undefined;
  let arrived = (): void => {};

  // Reads the source while there is room, whatever the consumer waits for meanwhile.
  const pull = async (): Promise<void> => {
    if (isPulling || isOver) return;
    isPulling = true;
    try {
      while (!isOver && !isLeft && work.length < concurrency) {
        const next = await iterator.next();
        if (next.done === true) {
          isOver = true;
        } else if (!isLeft) {
          const { value } = next;
          const at = index++;
          const body = (itemContext: Context): PromiseLike<O> | O => fn(value, at, itemContext);
          const task = ctx === undefined ? runtime.submit(body, { signal }) : ctx.submit(body, { signal });
          // Whoever reads the results reads the failures.
          task._observed = true;
          work.push(task);
          arrived();
        }
      }
    } catch (error) {
      isOver = true;
      failure = { error };
    } finally {
      isPulling = false;
      arrived();
    }
  };

  try {
    for (;;) {
      void pull();
      if (failure !== undefined) throw failure.error;
      if (work.length === 0) {
        if (isOver) return;
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
        continue;
      }
      const task = ordered || work.length === 1 ? work[0]! : await runtime.race(work, { ctx });
      const result = await runtime.await(task, { ctx });
      work.splice(work.indexOf(task), 1);
      yield result;
    }
  } finally {
    // Left early, by a failure or by the consumer: what is in work is not wanted any more.
    isLeft = true;
    for (const task of work) runtime.cancel(task.id, 'mapConcurrent was left');
    if (!isOver) await iterator.return?.();
  }
}
