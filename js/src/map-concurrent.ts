/**
 * Mapping over many items with bounded concurrency and back-pressure both ways: the source is read only when there is room,
 * and there is room only while the consumer keeps up. Each item is a task of its own, so the runtime's limits hold as well.
 */

import { onAbort } from './cancellation.js';
import type { Context } from './context.js';
import { ArgumentError, CancellationError } from './errors.js';
import type { Runtime } from './runtime.js';
import type { Task } from './task.js';

const ignore = (): void => {};

export interface MapOptions {
  /** Items in work, or finished and not yet taken, at most. Default: the runtime's maxConcurrentTasks. */
  concurrency?: number | undefined;
  /** Results in input order (default), or in order of completion. */
  ordered?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Whose children the tasks are. */
  ctx?: Context | undefined;
}

/** Throws unless it is what mapConcurrent takes; gives the concurrency. */
export function checkMap(source: unknown, fn: unknown, options: MapOptions, limit: number): number {
  const refuse = (text: string): never => {
    throw new ArgumentError('mapConcurrent', text);
  };
  const iterable = source as { [Symbol.iterator]?: unknown; [Symbol.asyncIterator]?: unknown } | null | undefined;
  if (typeof iterable?.[Symbol.iterator] !== 'function' && typeof iterable?.[Symbol.asyncIterator] !== 'function') {
    refuse(`the first argument must be iterable or async iterable, got ${source === null ? 'null' : typeof source}`);
  }
  if (typeof fn !== 'function') refuse(`the second argument must be a function, got ${typeof fn}`);
  if (typeof options !== 'object' || options === null) refuse('the options must be an object');
  const { concurrency = limit, ordered, signal } = options;
  if (concurrency !== Infinity && (!Number.isInteger(concurrency) || concurrency < 1)) {
    refuse(`options.concurrency must be a positive integer or Infinity, got ${String(concurrency)}`);
  }
  if (ordered !== undefined && typeof ordered !== 'boolean') refuse('options.ordered must be a boolean');
  if (signal !== undefined && !(signal instanceof AbortSignal)) refuse('options.signal must be an AbortSignal');
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
  const asynchronous = (source as Partial<AsyncIterable<I>>)[Symbol.asyncIterator];
  const iterator: Iterator<I> | AsyncIterator<I> =
    typeof asynchronous === 'function' ? asynchronous.call(source) : (source as Iterable<I>)[Symbol.iterator]();
  const work: Task<O>[] = [];
  let index = 0;
  let isPulling = false;
  let isOver = false; // nothing more comes from the source
  let isLeft = false;
  let failure: { error: unknown } | undefined;
  let arrived = ignore;

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

  // Nothing is in work: waits until something is, unless the caller is cancelled. The source is the user's, and may take
  // for ever.
  const arrival = async (): Promise<void> => {
    const stops: (() => void)[] = [];
    await new Promise<void>((resolve) => {
      arrived = resolve;
      if (ctx !== undefined) stops.push(ctx.task.cancellationToken.onCancel(resolve));
      if (signal === undefined) return;
      stops.push(
        onAbort(signal, (reason, cause) => {
          failure ??= { error: new CancellationError(`mapConcurrent was aborted by its signal: ${reason}`, { reason, cause }) };
          resolve();
        }),
      );
    });
    arrived = ignore;
    for (const stop of stops) stop();
  };

  // The first one in work that settled; undefined where more work came meanwhile, which may be faster.
  const settled = async (): Promise<Task<O> | undefined> => {
    if (ordered) return work[0];
    const more = new AbortController();
    arrived = () => more.abort();
    try {
      return await runtime.race(work, { ctx, signal: more.signal });
    } catch (error) {
      if (more.signal.aborted) return undefined;
      throw error;
    } finally {
      arrived = ignore;
    }
  };

  let threw = false;
  try {
    for (;;) {
      ctx?.checkCancellation();
      void pull();
      if (failure !== undefined) throw failure.error;
      if (work.length === 0) {
        if (isOver) return;
        await arrival();
        continue;
      }
      const task = await settled();
      if (task === undefined) continue;
      const result = await runtime.await(task, { ctx });
      work.splice(work.indexOf(task), 1);
      yield result;
    }
  } catch (error) {
    threw = true;
    throw error;
  } finally {
    // Left early, by a failure or by the consumer: what is in work is not wanted any more.
    isLeft = true;
    for (const task of work) runtime._cancel(task as Task, 'mapConcurrent was left');
    if (!isOver) {
      const closed = (async () => void (await iterator.return?.()))();
      // A source in the midst of an item answers after it, if ever; and nobody waits who leaves by a failure.
      if (threw || isPulling) closed.catch(ignore);
      else await closed;
    }
  }
}
