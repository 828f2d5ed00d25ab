/**
 * The context: what a body gets. Every operation of the runtime, bound to its task. A shielded context's operations are out
 * of reach of the task's cancellation until the shield's time is over.
 *
 * In an async body an operation gives a promise, in a generator body something to `yield` (no promise is made then; it can
 * be awaited as well). After its task was cancelled, every operation raises the task's error, each time.
 */

import { ArgumentError } from './errors.js';
import type { CallOptions } from './llm/calls.js';
import type { Fetch } from './llm/fetch.js';
import type { LLMStream } from './llm/llm-stream.js';
import type { SideEffect } from './llm/other-call.js';
import type { LLMOptions, Prompt } from './llm/request.js';
import type { JSONSchema } from './llm/json-schema.js';
import type { LLMResult } from './llm/result.js';
import type { OutputOf, StandardSchema } from './llm/schema.js';
import type { StructuredResult } from './llm/structured.js';
import { llmTools, type ToolLoopOptions, type ToolLoopResult } from './llm/tool-loop.js';
import type { RunOptions } from './lisp/run-options.js';
import type { MapOptions } from './map-concurrent.js';
import type { Runtime } from './runtime.js';
import type { Flown, SingleflightKey, SingleflightOptions } from './sync/singleflight.js';
import { select, type AnyCase, type Cases, type Selected } from './sync/select.js';
import type { AnyOptions, WaitOptions } from './waits.js';
import type { ScopeBody, ScopeOptions } from './scope.js';
import { Task } from './task.js';
import type { TaskOptions } from './task-options.js';
import { isGenerator, isThenable, type GeneratorBody } from './body.js';

/** What a task runs: an async function, a plain one, or a generator function. */
export type Body<T> = (ctx: Context) => PromiseLike<T> | GeneratorBody<T> | T;

export class Context {
  /** @internal */ readonly _owner: Task;
  /** The shield's id in the kernel, 0 for none, and once its section was left. @internal */ _shield: number;
  /** Made when first asked for. @internal */ _fetch: Fetch | undefined = undefined;

  /** @internal */
  constructor(owner: Task, shield = 0) {
    this._owner = owner;
    this._shield = shield;
  }

  /** The task whose body this is. */
  get task(): Task {
    return this._owner;
  }

  get runtime(): Runtime {
    return this._owner._runtime;
  }

  /** Aborts with the task's error when it is cancelled or runs out of time. Made when first asked for. */
  get signal(): AbortSignal {
    return this._owner._signal();
  }

  /** Submits a child of this task. */
  submit<T>(body: Body<T>, options?: TaskOptions): Task<T> {
    return this.runtime._submit(body, options, this, 'ctx.submit');
  }

  /** Runs a program of Lisp as a child of this task; see Runtime.run. */
  run<T = unknown>(source: string, options?: RunOptions): Task<T> {
    return this.runtime._run<T>('ctx.run', source, options, this);
  }

  /** Waits for a task: its result, or its error. Gives this task's slot back meanwhile. */
  await<T>(task: Task<T>, options?: WaitOptions): Promise<T> {
    return this.runtime._waits.await(task, options, this);
  }

  /** Waits for all: results in input order; rejects at the first failure, the others go on. */
  awaitAll<T extends readonly Task[] | []>(tasks: T, options?: WaitOptions): Promise<{ -readonly [K in keyof T]: T[K] extends Task<infer R> ? R : never }> {
    return this.runtime._waits.awaitAll(tasks, options, this) as never;
  }

  /** Waits until all settled; never rejects for a task's sake. */
  awaitAllSettled<T extends readonly Task[] | []>(tasks: T, options?: WaitOptions): Promise<{ -readonly [K in keyof T]: PromiseSettledResult<T[K] extends Task<infer R> ? R : never> }> {
    return this.runtime._waits.awaitAllSettled(tasks, options, this) as never;
  }

  /** The first task that completes; all failed: an AggregateError. */
  awaitAny<T>(tasks: readonly Task<T>[], options?: AnyOptions): Promise<Task<T>> {
    return this.runtime._waits.awaitAny(tasks, options, this);
  }

  /** The first task that settles, whatever the outcome. */
  race<T>(tasks: readonly Task<T>[], options?: AnyOptions): Promise<Task<T>> {
    return this.runtime._waits.race(tasks, options, this);
  }

  /** Waits `ms` milliseconds of the runtime's time. */
  delay(ms: number, options?: WaitOptions): Promise<void> {
    return this.runtime._waits.delay(ms, options, this);
  }

  /** Lets the other ready tasks run first. */
  yield(): Promise<void> {
    return this.runtime._waits.yield(this);
  }

  /** Shares one execution among those who ask for the same key; see Runtime.singleflight. */
  singleflight<T>(key: SingleflightKey, fn: Flown<T>, options: SingleflightOptions & { samples: number }): Promise<T[]>;
  singleflight<T>(key: SingleflightKey, fn: Flown<T>, options?: SingleflightOptions): Promise<T>;
  singleflight<T>(key: SingleflightKey, fn: Flown<T>, options?: SingleflightOptions): Promise<T | T[]> {
    return this.runtime._flights.do(key, fn, options, this);
  }

  /** Does whichever of the cases can be done first, and none of the others; see Runtime.select. */
  select<const C extends readonly AnyCase[]>(cases: C & Cases<C>, options?: WaitOptions): Promise<Selected<C>> {
    return select(this.runtime._objects, cases, options, this) as Promise<Selected<C>>;
  }

  /** Calls a model; the core decides when, and repeats what may be repeated. With `schema` or `json` the result has a `value`, or
   * the call fails with a StructuredOutputError. */
  llm<S extends StandardSchema>(prompt: Prompt, options: LLMOptions & { schema: S }): Promise<StructuredResult<OutputOf<S>>>;
  llm<T = unknown>(prompt: Prompt, options: LLMOptions & ({ schema: JSONSchema } | { json: true })): Promise<StructuredResult<T>>;
  llm(prompt: Prompt, options?: LLMOptions): Promise<LLMResult>;
  llm(prompt: Prompt, options?: LLMOptions): Promise<LLMResult> {
    return this.runtime._llm.call(prompt, options, this);
  }

  /** Calls a model with tools, runs those that it asks for as tasks, tells it what they gave, and so on until it answers. Fails
   * with a ToolLoopError after `maxRounds`, with the error of a call otherwise. In a generator body it gives a promise. */
  llmTools<S extends StandardSchema>(prompt: Prompt, options: ToolLoopOptions & { schema: S }): Promise<ToolLoopResult<OutputOf<S>>>;
  llmTools<T = unknown>(prompt: Prompt, options: ToolLoopOptions): Promise<ToolLoopResult<T>>;
  llmTools(prompt: Prompt, options: ToolLoopOptions): Promise<ToolLoopResult> {
    return llmTools(this.runtime, prompt, options, this);
  }

  /** The same as llm, piece by piece. With `schema` or `json` the form is checked when the stream has ended: `result` has the
   * `value`, or rejects. */
  llmStream(prompt: Prompt, options?: LLMOptions): LLMStream {
    return this.runtime._llm.stream(prompt, options, this);
  }

  /** Runtime.fetch, bound to this task. */
  get fetch(): Fetch {
    return (this._fetch ??= this.runtime._llm.fetches.of(this));
  }

  /** Runs any other side effect as an operation: `fn` gets a signal that aborts when the task is cancelled. */
  call<T>(name: string, fn: SideEffect<T>, options?: CallOptions): Promise<T> {
    return this.runtime._llm.other(name, fn, options, this);
  }

  /** Milliseconds since the epoch, on the runtime's clock. */
  now(): number {
    return this.runtime.clock.now();
  }

  /** A number in [0, 1), from the runtime's seed. */
  random(): number {
    return this.runtime._random('ctx.random');
  }

  /** A random UUID (version 4), from the runtime's seed. */
  uuid(): string {
    return this.runtime._uuid();
  }

  /** Runs a structured scope: returns only when all its children ended. */
  scope<T>(body: ScopeBody<T>, options?: ScopeOptions): Promise<T> {
    return this.runtime._scope(body, options, this) as Promise<T>;
  }

  /** Maps with bounded concurrency; see Runtime.mapConcurrent. */
  mapConcurrent<I, O>(items: Iterable<I> | AsyncIterable<I>, fn: (item: I, index: number, ctx: Context) => PromiseLike<O> | O, options?: MapOptions): AsyncGenerator<O, void, undefined> {
    return this.runtime.mapConcurrent(items, fn, { ...options, ctx: this });
  }

  /** Protects clean-up: operations of the context that `fn` gets go on although the task is cancelled, for `timeout`
   * milliseconds at most; the time is mandatory. */
  async shield<T>(fn: (ctx: Context) => PromiseLike<T> | GeneratorBody<T> | T, options: { timeout: number }): Promise<T> {
    const timeout: unknown = (options as { timeout?: unknown } | undefined)?.timeout;
    if (typeof fn !== 'function') throw new ArgumentError('ctx.shield', `the first argument must be a function, got ${typeof fn}`);
    if (typeof timeout !== 'number' || !(timeout > 0 && Number.isFinite(timeout))) {
      throw new ArgumentError('ctx.shield', `options.timeout must be a positive number of milliseconds, got ${String(timeout)}`);
    }
    const { runtime } = this;
    const shield = runtime._shield(this._owner, timeout);
    const ctx = new Context(this._owner, shield);
    try {
      const result = fn(ctx);
      if (isGenerator(result)) return (await driven(result)) as T;
      return await (result as PromiseLike<T> | T);
    } finally {
      ctx._shield = 0;
      runtime._unshield(this._owner, shield);
    }
  }

  /** Throws the task's error if it is cancelled; a shielded context does so only when its shield's time is over. */
  checkCancellation(): void {
    if (this._owner._isInterrupted() && (this._shield === 0 || this.runtime._shieldIsOver(this))) throw this._owner._interruption();
  }

  /** Cancels this task and its children. */
  cancel(reason?: string): boolean {
    return this.runtime._cancel(this._owner, reason);
  }
}

// A generator inside an async function: each yield awaits.
async function driven(generator: GeneratorBody<unknown>): Promise<unknown> {
  let next = generator.next();
  while (next.done !== true) {
    let value: unknown;
    try {
      value = isThenable(next.value) ? await next.value : next.value;
    } catch (error) {
      next = generator.throw(error);
      continue;
    }
    next = generator.next(value);
  }
  return next.value;
}
