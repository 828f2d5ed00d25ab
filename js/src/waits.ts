/**
 * Waiting: for tasks (one, all, any, the first), for time, for one's turn. Each is an operation of whoever calls: a task,
 * through its context, or a caller outside, who gets an anonymous fiber. What has settled already is not asked of the
 * kernel. Partners: operations.ts, which delivers; core/kernel/waits.cpp, which decides.
 */

import type { Context } from './context.js';
import type { Engine } from './engine/engine.js';
import { ArgumentError, ClosedError, TimeoutError } from './errors.js';
import { checkTimeout } from './llm/request.js';
import type { Meaning, Operations, Owner } from './operations.js';
import { Outside } from './outside.js';
import { printable } from './printable.js';
import { FiberState, WaitMode } from './protocol.js';
import { describe, type Task } from './task.js';

/** Options of every operation that waits. */
export interface WaitOptions {
  /** Who waits. Default: the calling task where one is known, else a caller outside. */
  ctx?: Context | undefined;
  /** Ends this wait alone, with a CancellationError. */
  signal?: AbortSignal | undefined;
  /** Longest wait in milliseconds; then a TimeoutError. 0: none. */
  timeout?: number | undefined;
}

export interface AnyOptions extends WaitOptions {
  /** What becomes of the others once one has won. Default `keep`. */
  losers?: 'keep' | 'cancel' | undefined;
}

/** What waits need of their runtime. @internal */
export interface WaitHost {
  readonly engine: Engine;
  readonly operations: Operations;
  caller(ctx: Context | undefined, operation: string): Context | undefined;
  /** Throws where the runtime takes no such operation any more. */
  open(operation: string, caller?: Context): void;
  isClosing(): boolean;
  isClosed(): boolean;
  /** Whether the context's operations raise. */
  isInterrupted(ctx: Context): boolean;
  /** The task, if it is one of this runtime; throws otherwise. */
  ownTask(task: unknown, operation: string): Task;
  cancel(task: Task, reason: string): void;
  /** Of tasks that settled in one tick of the clock, the first. */
  firstSettled(tasks: readonly Task[]): Task;
}

const nothing = (): void => {};
const delayMeaning: Meaning = { name: 'delay', value: nothing, failure: nothing };

// A delay that is longer than its own timeout ends with the timeout, in its error.
function cutDelay(ms: number): Meaning {
  const value = (): never => {
    throw new TimeoutError(`delay took longer than its timeout of ${ms} ms`, { limit: 'operation', scope: 'delay', ms });
  };
  return { name: 'delay', value, failure: nothing };
}

/** How a task settled. A result that cannot be given is a failure to who asks. @internal */
export function settledRow(task: Task): PromiseSettledResult<unknown> {
  if (task._outcome !== FiberState.completed) return { status: 'rejected', reason: task._value };
  try {
    return { status: 'fulfilled', value: task._result() };
  } catch (reason) {
    return { status: 'rejected', reason };
  }
}

/** Throws for options that a wait cannot use. @internal */
export function checkWait(operation: string, options: WaitOptions | undefined): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) throw new ArgumentError(operation, `the options must be an object, got ${printable(options)}`);
  checkTimeout(operation, options.timeout);
  const { signal } = options;
  if (signal === undefined) return;
  if (!(signal instanceof AbortSignal)) throw new ArgumentError(operation, 'options.signal must be an AbortSignal');
}

/** @internal */
export class Waits {
  readonly #host: WaitHost;
  readonly #engine: Engine;
  readonly #operations: Operations;

  constructor(host: WaitHost) {
    this.#host = host;
    this.#engine = host.engine;
    this.#operations = host.operations;
  }

  await<T>(task: Task<T>, options: WaitOptions | undefined, ctx: Context | undefined): Promise<T> {
    const caller = this.#host.caller(ctx ?? options?.ctx, 'await');
    let target: Task;
    try {
      target = this.#host.ownTask(task, 'await');
      checkWait('await', options);
    } catch (error) {
      return this.#operations.error(caller?._owner, error);
    }
    target._observe();
    const plain = options?.signal === undefined && !(options?.timeout! > 0);
    if (plain && caller === undefined) return task.promise;
    this.#engine.tick();
    this.#engine.catchUp();
    if (target._outcome !== 0) {
      if (caller !== undefined && this.#host.isInterrupted(caller)) return this.#operations.error(caller._owner, caller._owner._interruption());
      return target._outcome === FiberState.completed
        ? (this.#result(caller?._owner, target) as Promise<T>)
        : this.#operations.error(caller?._owner, target._value);
    }
    return this.#wait<T>('await', WaitMode.all, [target], [target], options, caller, (tasks) => ({
      value: () => tasks[0]!._result(),
      failure: () => tasks[0]!._value,
    }));
  }

  awaitAll(tasks: readonly Task[], options: WaitOptions | undefined, ctx: Context | undefined): Promise<unknown[]> {
    return this.#waitMany<unknown[]>('awaitAll', WaitMode.all, tasks, options, ctx, (all, live) => {
      const failed = live === all ? undefined : all.find((task) => task._outcome > FiberState.completed);
      if (failed !== undefined) return { error: failed._value };
      if (live.length === 0) return { value: all.map((task) => task._result()) };
      return { value: () => all.map((task) => task._result()), failure: (index) => live[index]!._value };
    });
  }

  awaitAllSettled(tasks: readonly Task[], options: WaitOptions | undefined, ctx: Context | undefined): Promise<PromiseSettledResult<unknown>[]> {
    const rows = (all: readonly Task[]): PromiseSettledResult<unknown>[] =>
      all.map((task) => settledRow(task));
    return this.#waitMany<PromiseSettledResult<unknown>[]>('awaitAllSettled', WaitMode.allSettled, tasks, options, ctx, (all, live) =>
      live.length === 0 ? { value: rows(all) } : { value: () => rows(all), failure: () => undefined },
    );
  }

  awaitAny<T>(tasks: readonly Task<T>[], options: AnyOptions | undefined, ctx: Context | undefined): Promise<Task<T>> {
    const failed = (all: readonly Task[]): AggregateError =>
      new AggregateError(
        all.map((task) => task._value),
        `awaitAny: none of ${all.length} tasks completed: ${all.slice(0, 5).map((task) => `${describe(task)}: ${(task._value as Error).message}`).join('; ')}`,
      );
    return this.#waitMany<Task<T>>('awaitAny', WaitMode.any, tasks, options, ctx, (all, live) => {
      const done = all.filter((task) => task._outcome === FiberState.completed);
      if (done.length > 0) return { value: this.#winner(done, all, options) as Task<T> };
      if (live.length === 0) return { error: failed(all) };
      return { value: (index) => live[index], failure: () => failed(all) };
    });
  }

  race<T>(tasks: readonly Task<T>[], options: AnyOptions | undefined, ctx: Context | undefined): Promise<Task<T>> {
    return this.#waitMany<Task<T>>('race', WaitMode.race, tasks, options, ctx, (all, live) => {
      const done = all.filter((task) => task._outcome !== 0);
      if (done.length > 0) return { value: this.#winner(done, all, options) as Task<T> };
      return { value: (index) => live[index], failure: (index) => live[index] };
    });
  }

  delay(ms: number, options: WaitOptions | undefined, ctx: Context | undefined): Promise<void> {
    const caller = this.#host.caller(ctx, 'delay');
    if (typeof ms !== 'number' || !(ms >= 0)) {
      return this.#operations.error(caller?._owner, new ArgumentError('delay', `the duration must be a number of milliseconds, 0 or more, got ${String(ms)}`));
    }
    if (options !== undefined || this.#host.isClosing()) {
      try {
        this.#host.open('delay', caller);
        checkWait('delay', options);
      } catch (error) {
        return this.#operations.error(caller?._owner, error);
      }
    }
    const { signal, timeout = 0 } = options ?? {};
    const isCut = timeout > 0 && timeout < ms;
    this.#engine.tick();
    const { raw } = this.#engine;
    const owner: Owner = caller?._owner ?? new Outside(raw, 'delay');
    const answer = raw.hd_delay(owner._fiber, isCut ? timeout : ms, caller?._shield ?? 0);
    const meaning = isCut ? cutDelay(timeout) : signal === undefined ? undefined : delayMeaning;
    return this.#operations.begun(answer, owner, meaning, signal);
  }

  /** Waits until fibers settled that stand for something else (batches), and reads what came of it. `enter` is called once the
   * caller may wait; `over` hears in every case that the wait has ended. */
  join<T>(
    name: string,
    enter: () => { targets: readonly Task[]; read: () => T; over: () => void },
    options: WaitOptions | undefined,
    ctx: Context | undefined,
  ): Promise<T> {
    const caller = this.#host.caller(ctx, name);
    let joined: ReturnType<typeof enter>;
    try {
      this.#host.open(name, caller);
      checkWait(name, options);
      if (caller !== undefined && this.#host.isInterrupted(caller)) throw caller._owner._interruption();
      joined = enter();
    } catch (error) {
      return this.#operations.error(caller?._owner, error);
    }
    const { targets, read, over } = joined;
    if (targets.length === 0) return this.#operations.value(caller?._owner, read()) as Promise<T>;
    this.#engine.tick();
    const { raw } = this.#engine;
    const owner: Owner = caller?._owner ?? new Outside(raw, name);
    this.#engine.targets(targets);
    const timeout = options?.timeout ?? 0;
    const answer = raw.hd_wait(owner._fiber, WaitMode.allSettled, 0, timeout, caller?._shield ?? 0);
    if (answer <= 0) over();
    return this.#operations.begun<T>(answer, owner, { name, timeout, value: read, failure: read, over }, options?.signal);
  }

  yield(ctx: Context | undefined): Promise<void> {
    const caller = this.#host.caller(ctx, 'yield');
    if (this.#host.isClosed()) return Promise.reject(new ClosedError('yield'));
    const { raw } = this.#engine;
    const owner: Owner = caller?._owner ?? new Outside(raw, 'yield');
    return this.#operations.begun(raw.hd_yield(owner._fiber, caller?._shield ?? 0), owner);
  }

  #wait<T>(
    name: string,
    mode: number,
    all: readonly Task[],
    live: readonly Task[],
    options: AnyOptions | undefined,
    caller: Context | undefined,
    make: (all: readonly Task[]) => { value: (index: number) => unknown; failure: (index: number) => unknown },
  ): Promise<T> {
    const { raw } = this.#engine;
    try {
      this.#host.open(name, caller);
      if (caller !== undefined && live.includes(caller._owner)) throw new ArgumentError(name, `${describe(caller._owner)} cannot wait for itself`);
    } catch (error) {
      return this.#operations.error(caller?._owner, error);
    }
    const owner: Owner = caller?._owner ?? new Outside(raw, name);
    this.#engine.targets(live);
    const timeout = options?.timeout ?? 0;
    const answer = raw.hd_wait(owner._fiber, mode, options?.losers === 'cancel' ? 1 : 0, timeout, caller?._shield ?? 0);
    const { value, failure } = make(all);
    const meaning: Meaning = { name, timeout, value, failure: (_code, index) => failure(index), failureIsValue: mode === WaitMode.race };
    return this.#operations.begun<T>(answer, owner, meaning, options?.signal);
  }

  #waitMany<T>(
    name: string,
    mode: number,
    tasks: readonly Task[],
    options: AnyOptions | undefined,
    ctx: Context | undefined,
    decide: (
      all: readonly Task[],
      live: readonly Task[],
    ) => { value: unknown } | { error: unknown } | { value: (index: number) => unknown; failure: (index: number) => unknown },
  ): Promise<T> {
    const caller = this.#host.caller(ctx ?? options?.ctx, name);
    let all: Task[];
    try {
      if (!Array.isArray(tasks)) throw new ArgumentError(name, `the argument must be an array of tasks, got ${typeof tasks}`);
      all = new Array<Task>(tasks.length);
      for (let i = 0; i < all.length; i++) all[i] = this.#host.ownTask(tasks[i], name);
      if (all.length === 0 && (mode === WaitMode.any || mode === WaitMode.race)) throw new ArgumentError(name, 'the list of tasks is empty, so none can win');
      const losers: unknown = options?.losers;
      if (losers !== undefined && losers !== 'keep' && losers !== 'cancel') throw new ArgumentError(name, `options.losers must be 'keep' or 'cancel', got ${String(losers)}`);
      checkWait(name, options);
    } catch (error) {
      return this.#operations.error(caller?._owner, error);
    }
    if (caller !== undefined && this.#host.isInterrupted(caller)) return this.#operations.error(caller._owner, caller._owner._interruption());
    this.#engine.tick();
    this.#engine.catchUp();
    let live = all;
    for (let i = 0; i < all.length; i++) {
      const task = all[i]!;
      task._observe();
      // Usually none has settled, and the two lists are one.
      if (task._outcome !== 0) live = live === all ? all.slice(0, i) : live;
      else if (live !== all) live.push(task);
    }
    let decision: ReturnType<typeof decide>;
    try {
      decision = decide(all, live);
    } catch (error) {
      return this.#operations.error(caller?._owner, error);
    }
    if ('error' in decision) return this.#operations.error(caller?._owner, decision.error);
    if (!('failure' in decision)) return this.#operations.value(caller?._owner, decision.value) as Promise<T>;
    return this.#wait<T>(name, mode, all, live, options, caller, () => decision);
  }

  #result(owner: Owner | undefined, task: Task): Promise<unknown> {
    try {
      return this.#operations.value(owner, task._result());
    } catch (error) {
      return this.#operations.error(owner, error);
    }
  }

  // Among tasks that are over already the one that was over first wins.
  #winner(done: readonly Task[], all: readonly Task[], options: AnyOptions | undefined): Task {
    const earliest = done.reduce((at, task) => Math.min(at, task._settled), Infinity);
    const firsts = done.filter((task) => task._settled === earliest);
    const winner = firsts.length === 1 ? firsts[0]! : this.#host.firstSettled(firsts);
    if (options?.losers === 'cancel') {
      for (const task of all) {
        if (task !== winner && task._outcome === 0) this.#host.cancel(task, 'another task won the wait');
      }
    }
    return winner;
  }
}
