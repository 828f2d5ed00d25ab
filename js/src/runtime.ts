/**
 * The runtime: submits, awaits and cancels tasks, and answers for their limits. It implements the mission's
 * ConcurrencyManager. Decisions are the kernel's; this holds what the kernel does not know: bodies, results, errors.
 *
 * Partner: engine/engine.ts, which brings the kernel's commands; operations.ts, which carries waits; context.ts, the same
 * operations bound to a task.
 */

import { contextStore, isFree, type ContextStore } from './async-context.js';
import { isAsyncGenerator, isGenerator, promiseOf, stepGenerator, type GeneratorBody } from './body.js';
import { cancellationOf, disposer, FreeToken, onAbort, reasonOf, type CancellationToken, type Disposer } from './cancellation.js';
import { checkConfig, checkLiveConfig, finiteCount, kernelConfig, kernelEntries, type RuntimeConfig, type SchedulerConfig } from './config.js';
import { Context, type Body } from './context.js';
import { Engine } from './engine/engine.js';
import { instantiate, type Instance } from './engine/module.js';
import { ArgumentError, CancellationError, ClosedError, HeddleError, QueueFullError, TimeoutError, type TimeoutLimit } from './errors.js';
import { Calls } from './llm/calls.js';
import type { LLMStream } from './llm/llm-stream.js';
import type { Provider } from './llm/provider.js';
import { checkTimeout, type LLMOptions, type Prompt } from './llm/request.js';
import type { LLMResult } from './llm/result.js';
import { simulated } from './llm/simulated.js';
import { load } from './load.js';
import { checkMap, mapConcurrent, type MapOptions } from './map-concurrent.js';
import { Operations, type Meaning, type Owner } from './operations.js';
import { Outside } from './outside.js';
import { Cause, ConfigKey, EventType, FiberKind, FiberState, Outcome, SubmitOption, WaitMode } from './protocol.js';
import { checkScopeOptions, joinerNumbers, ScopeContext, scopeResult, ScopeTask, type ScopeBody, type ScopeOptions } from './scope.js';
import { describe, Task, type TaskOptions, type TaskState } from './task.js';
import { TaskTable } from './task-table.js';
import type { Variant } from './variant.js';

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

/** Counts; times in milliseconds. */
export interface RuntimeStats {
  pendingTasks: number;
  runningTasks: number;
  suspendedTasks: number;
  /** Settled tasks, forgotten ones included. */
  completedTasks: number;
  cancelledTasks: number;
  erroredTasks: number;
  /** Bodies that ignored their cancel past their grace and still run. */
  zombieTasks: number;
  /** Cancelled tasks whose bodies have not ended yet. */
  unwindingTasks: number;
  /** Settled tasks that are not listed any more. */
  forgottenTasks: number;
  /** Slots held, of maxConcurrentTasks. */
  slots: number;
  concurrentLLMCalls: number;
  waitingLLMCalls: number;
  backoffLLMCalls: number;
  /** Requests to models, retries included. */
  llmCalls: number;
  llmRetries: number;
  oldestPendingMs: number;
  oldestWaitingLLMCallMs: number;
  timers: number;
  /** Records that the core holds for what is not over: fibers, operations, connections and the like. */
  records: number;
  events: number;
  steps: number;
  /** Hash of every command so far: two runs that are the same have the same. */
  commandHash: string;
}

/** One thing that a task waits for. Times in milliseconds since the epoch. */
export interface Explanation {
  reason:
    | 'slot' // maxConcurrentTasks; `tasks` hold the slots
    | 'zombies' // maxZombies pauses admission; `tasks` are the zombies
    | 'turn' // ready, runs next
    | 'host' // its code has control, or awaits something that Heddle does not see
    | 'delay'
    | 'fibers' // waits for `tasks`
    | 'llmPlace' // maxConcurrentLLMCalls; `tasks` have calls in flight
    | 'backoff' // between two attempts of a call
    | 'call' // a call is in flight
    | 'chunk' // the next chunk of a stream
    | 'children' // its body is over, `tasks` are the children that are not
    | 'unwinding' // cancelled, its body has not ended
    | 'settled';
  since: number;
  until?: number;
  /** The limit's value. */
  limit?: number;
  /** Entries in the queue before it. */
  ahead?: number;
  /** Ids of the tasks concerned, some at least. */
  tasks?: string[];
  /** The same as a sentence. */
  text: string;
}

export interface RuntimeEvents {
  /** A cancelled body ran past its grace. */
  zombie: (task: Task) => void;
  /** A zombie ended after all. */
  zombieEnded: (task: Task) => void;
}

export interface Clock {
  /** Milliseconds since the epoch; under virtual time, since the runtime began. */
  now(): number;
  /** Under virtual time: lets that much time pass, also while real requests are in flight; waits for what is due meanwhile. */
  advance(ms: number): Promise<void>;
}

const maxMs = 2 ** 53 / 1000;
const maxPriority = 1_000_000;
const ignore = (): void => {};

/** Makes a runtime. Throws a ConfigError for a bad configuration, before anything is loaded. */
export async function createRuntime(config: RuntimeConfig = {}): Promise<Runtime> {
  checkConfig(config);
  const loaded = await load({ variant: config.variant ?? 'auto', wasmBinary: config.wasmBinary, wasmModule: config.wasmModule });
  return new Runtime(await instantiate(loaded), config, loaded.variant);
}

export class Runtime {
  /** Which build of the core runs. */
  readonly variant: Variant;
  readonly clock: Clock;
  /** @internal */ readonly _llm: Calls;
  /** @internal */ readonly _epoch: number;
  readonly #engine: Engine;
  readonly #operations: Operations;
  readonly #tasks: TaskTable;
  // Live fibers by id: tasks and scopes.
  readonly #fibers: (Task | undefined)[] = [undefined];
  readonly #store: ContextStore<Context | undefined> | undefined;
  readonly #clockIsVirtual: boolean;
  #current: Context | undefined; // whose synchronous segment runs
  #seq = 0;
  #maxQueued: number;
  #maxTasks: number;
  #taskTimeout: number;
  #closing: Promise<void> | undefined;
  #closed = false;
  // By phase; a task is in exactly one of them until it settles.
  #pending = 0;
  #active = 0;
  #bodies = 0; // fibers that are neither over nor zombies
  readonly #reasons: (string | undefined)[] = [undefined];
  #reasonCause: unknown;
  #sharedError: CancellationError | undefined;
  readonly #keys = new Map<string, { id: number; uses: number }>();
  readonly #freeKeys: number[] = [];
  readonly #waiters = new Set<{ reached: () => boolean; resolve: () => void; reject: (error: unknown) => void }>();
  readonly #listeners: { [K in keyof RuntimeEvents]: Set<RuntimeEvents[K]> } = { zombie: new Set(), zombieEnded: new Set() };

  /** Use createRuntime(). @internal */
  constructor(instance: Instance, config: RuntimeConfig, variant: Variant) {
    this.variant = variant;
    this.#clockIsVirtual = config.clock === 'virtual';
    this.#tasks = new TaskTable(config.retainSettled ?? 1000);
    this.#maxQueued = config.maxQueued ?? Infinity;
    this.#maxTasks = config.maxConcurrentTasks ?? 64;
    this.#taskTimeout = config.taskTimeout ?? 0;
    if (config.asyncContext ?? isFree) {
      this.#store = contextStore<Context | undefined>();
      if (this.#store === undefined && config.asyncContext === true) {
        throw new HeddleError('Unsupported', 'asyncContext: this host has no AsyncLocalStorage; pass ctx to the operations instead');
      }
    }
    this.#engine = new Engine(instance, this, {
      virtual: this.#clockIsVirtual,
      sliceMs: config.sliceMs ?? 8,
      configJson: kernelConfig(config),
    });
    this._epoch = this.#engine.epoch;
    this.#operations = new Operations(this.#engine);
    const provider: Provider = config.provider ?? simulated({ seed: config.seed });
    this._llm = new Calls({
      engine: this.#engine,
      operations: this.#operations,
      provider,
      fetch: config.fetch ?? ((input, init) => globalThis.fetch(input, init)),
      now: () => this.clock.now(),
      open: (operation, caller) => this.#open(operation, caller),
      caller: (ctx, operation) => this.#caller(ctx, operation),
    });
    this.clock = {
      now: () => this._epoch + this.#engine.now(),
      advance: (ms) => this.#advance(ms),
    };
  }

  // --- Tasks ---

  /** Submits a task; it starts when the limits allow. A root task unless `parent` is given. Returns at once. */
  submit<T>(body: Body<T>, options?: TaskOptions): Task<T> {
    return this._submit(body, options, undefined, 'submit');
  }

  /** The task of that id, unless it was forgotten. */
  getTask(id: string): Task | undefined {
    return this.#tasks.get(this.#seqOf(id, 'getTask'));
  }

  /** All tasks that are not forgotten, in order of submission. */
  getAllTasks(): Task[] {
    this.#sync();
    return [...this.#tasks];
  }

  getTasksByState(state: TaskState): Task[] {
    const states = ['pending', 'running', 'suspended', 'completed', 'cancelled', 'error'];
    if (!states.includes(state)) throw new ArgumentError('getTasksByState', `the state must be one of ${states.join(', ')}, got ${String(state)}`);
    return this.getAllTasks().filter((task) => task.state === state);
  }

  /** Drops a settled task from the lists; its promise stays valid. False for one that is unknown or not settled. */
  forget(id: string): boolean {
    const seq = this.#seqOf(id, 'forget');
    const task = this.#tasks.get(seq);
    return task !== undefined && task._outcome !== 0 && this.#tasks.forget(seq);
  }

  /** The task's result, or its error. */
  await<T>(task: Task<T>, options?: WaitOptions): Promise<T> {
    return this._await(task, options, undefined);
  }

  /** Results in input order; rejects at the first failure, the others go on. */
  awaitAll<T extends readonly Task[] | []>(tasks: T, options?: WaitOptions): Promise<{ -readonly [K in keyof T]: T[K] extends Task<infer R> ? R : never }> {
    return this._awaitAll(tasks, options, undefined) as never;
  }

  /** How each of them settled; never rejects for a task's sake. */
  awaitAllSettled<T extends readonly Task[] | []>(tasks: T, options?: WaitOptions): Promise<{ -readonly [K in keyof T]: PromiseSettledResult<T[K] extends Task<infer R> ? R : never> }> {
    return this._awaitAllSettled(tasks, options, undefined) as never;
  }

  /** The first task that completes; a failure does not win. All failed: an AggregateError with every cause. */
  awaitAny<T>(tasks: readonly Task<T>[], options?: AnyOptions): Promise<Task<T>> {
    return this._awaitAny(tasks, options, undefined);
  }

  /** The first task that settles, whatever the outcome. */
  race<T>(tasks: readonly Task<T>[], options?: AnyOptions): Promise<Task<T>> {
    return this._race(tasks, options, undefined);
  }

  /** Cancels a task and everything below it; its promise rejects in this turn. False if it had settled, or is unknown. */
  cancel(id: string, reason?: string): boolean {
    this.#open('cancel');
    return this.#cancel(this.#tasks.get(this.#seqOf(id, 'cancel')), reason, undefined);
  }

  /** Cancels every task. */
  cancelAll(reason?: string): void {
    this.#open('cancelAll');
    this.#engine.tick();
    // All of them fall for one reason, so they share one error.
    this.#sharedError = new CancellationError(`the task was cancelled by cancelAll()${reason === undefined ? '' : `: ${reason}`}`, { reason });
    this.#engine.raw.hd_cancel_all(0, Cause.requested);
    this.#engine.drainEffects();
    this.#sharedError = undefined;
    this.#engine.wake();
  }

  /** A token of its own; with a signal, one that the signal drives. */
  createCancellationToken(signal?: AbortSignal): CancellationToken {
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new ArgumentError('createCancellationToken', 'the argument must be an AbortSignal');
    }
    return new FreeToken(signal);
  }

  /** Throws inside a cancelled task, does nothing outside one. */
  checkCancellation(ctx?: Context): void {
    this.#caller(ctx, 'checkCancellation')?.checkCancellation();
  }

  /** Waits `ms` milliseconds of the runtime's time. */
  delay(ms: number, options?: Context | WaitOptions): Promise<void> {
    if (!areOptions(options)) return Promise.reject(new ArgumentError('delay', `the options must be an object, got ${printable(options)}`));
    const { ctx, signal } = asOptions(options);
    return this._delay(ms, signal, ctx);
  }

  /** Lets the ready tasks run first. */
  yield(options?: Context | WaitOptions): Promise<void> {
    if (!areOptions(options)) return Promise.reject(new ArgumentError('yield', `the options must be an object, got ${printable(options)}`));
    return this._yield(asOptions(options).ctx);
  }

  /** Calls a model. */
  llm(prompt: Prompt, options?: LLMOptions & { ctx?: Context | undefined }): Promise<LLMResult> {
    return this._llm.call(prompt, options, options?.ctx);
  }

  /** Calls a model and gives its answer piece by piece. */
  llmStream(prompt: Prompt, options?: LLMOptions & { ctx?: Context | undefined }): LLMStream {
    return this._llm.stream(prompt, options, options?.ctx);
  }

  /** Runs a function whose tasks are structured: returns only when all of them ended. */
  scope<T>(body: ScopeBody<T>, options?: ScopeOptions & { joiner?: undefined }): Promise<T>;
  scope<R = unknown>(body: ScopeBody<unknown>, options: ScopeOptions): Promise<R>;
  scope(body: ScopeBody<unknown>, options?: ScopeOptions): Promise<unknown> {
    return this._scope(body, options, undefined);
  }

  /** Maps items with bounded concurrency and back-pressure both ways; each item is a task. */
  mapConcurrent<I, O>(
    items: Iterable<I> | AsyncIterable<I>,
    fn: (item: I, index: number, ctx: Context) => PromiseLike<O> | O,
    options: MapOptions = {},
  ): AsyncGenerator<O, void, undefined> {
    this.#open('mapConcurrent');
    const concurrency = checkMap(items, fn, options, this.#maxTasks);
    // Found now: what runs when an item is asked for is some other turn.
    const ctx = this.#caller(options.ctx, 'mapConcurrent');
    return mapConcurrent(this, items, fn, { ...options, ctx }, concurrency);
  }

  // --- Watching ---

  /** Changes limits and defaults live; all of it, or nothing where a value is refused. */
  configure(config: SchedulerConfig): void {
    this.#open('configure');
    checkLiveConfig(config);
    for (const [key, value] of kernelEntries(config)) this.#engine.raw.hd_configure(ConfigKey[key], finiteCount(value));
    if (config.maxQueued !== undefined) this.#maxQueued = config.maxQueued;
    if (config.taskTimeout !== undefined) this.#taskTimeout = config.taskTimeout;
    if (config.maxConcurrentTasks !== undefined) this.#maxTasks = config.maxConcurrentTasks;
    if (config.retainSettled !== undefined) this.#tasks.retain = config.retainSettled;
    this.#engine.wake();
  }

  getStats(): RuntimeStats {
    this.#sync();
    this.#engine.tick();
    const stats = JSON.parse(this.#engine.control.stats()) as Omit<RuntimeStats, 'forgottenTasks'>;
    return { ...stats, forgottenTasks: this.#tasks.forgotten };
  }

  /** Why a task is not running now: one entry for each thing that it waits for. */
  explain(id: string): Explanation[] {
    const seq = this.#seqOf(id, 'explain');
    const task = this.#tasks.get(seq);
    if (task === undefined) throw new ArgumentError('explain', `there is no task ${id}: it was never submitted here, or is forgotten`);
    this.#sync();
    if (task._fiber === 0) return [{ reason: 'settled', since: task.completedAt!, text: `${describe(task)} is ${task.state}` }];
    const facts = JSON.parse(this.#engine.control.explain(task._fiber)) as RawFact[];
    return facts.map((fact) => this.#explanation(task, fact));
  }

  /** Resolves when no task is left that has not settled; at once if that is so. */
  onIdle(): Promise<void> {
    return this.#when(() => this.#pending + this.#active === 0, 'onIdle');
  }

  /** Resolves when no task is pending; at once if that is so. */
  onEmpty(): Promise<void> {
    return this.#when(() => this.#pending === 0, 'onEmpty');
  }

  /** Resolves when fewer than `n` tasks are pending; at once if that is so. */
  onSizeLessThan(n: number): Promise<void> {
    if (!Number.isInteger(n) || n < 1) {
      return Promise.reject(new ArgumentError('onSizeLessThan', `n must be a positive integer, got ${String(n)}`));
    }
    return this.#when(() => this.#pending < n, 'onSizeLessThan');
  }

  /** Calls back at each event of that kind; gives what stops it. */
  on<K extends keyof RuntimeEvents>(event: K, listener: RuntimeEvents[K]): Disposer {
    const listeners: Set<RuntimeEvents[K]> = this.#listeners[event];
    if (!Object.hasOwn(this.#listeners, event)) throw new ArgumentError('on', `there is no event ${String(event)}; there are ${Object.keys(this.#listeners).join(', ')}`);
    if (typeof listener !== 'function') throw new ArgumentError('on', `the listener must be a function, got ${typeof listener}`);
    listeners.add(listener);
    return disposer(() => listeners.delete(listener));
  }

  /** Cancels everything, waits until all bodies ended (or became zombies, after their grace), and lets the instance go. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- Operations, for contexts ---

  /** @internal */
  _submit<T>(body: Body<T>, options: TaskOptions | undefined, from: Context | undefined, operation: string): Task<T> {
    if (typeof body !== 'function') throw new ArgumentError(operation, `the body must be a function, got ${body === null ? 'null' : typeof body}`);
    this.#open(operation, from);
    let parent = from?._owner;
    let detached = false;
    if (options !== undefined) {
      checkTaskOptions(operation, options);
      if (options.parent !== undefined) parent = this.#ownTask(options.parent, operation);
      detached = options.detached === true;
    }
    if (this.#pending >= this.#maxQueued) throw new QueueFullError(this.#maxQueued);
    if (parent !== undefined && parent._fiber === 0) {
      if (parent._isInterrupted()) throw parent._interruption();
      throw new ArgumentError(operation, `${describe(parent)} is over: it can have no more children; submit with detached: true, or from the runtime`);
    }
    const { raw } = this.#engine;
    this.#engine.wake();
    let key: string | undefined;
    if (options !== undefined) {
      key = options.key;
      this.#sendOptions(options);
    }
    const shield = parent === from?._owner ? (from?._shield ?? 0) : 0;
    const fiber = raw.hd_submit(parent?._fiber ?? 0, FiberKind.task | (detached ? 1 << 16 : 0), shield);
    if (fiber === 0) {
      this.#releaseKey(key);
      if (parent!._isInterrupted()) throw parent!._interruption();
      throw new ArgumentError(operation, `${describe(parent!)} has returned: it can have no more children`);
    }
    const task = new Task<T>(this, fiber, ++this.#seq, body, detached ? undefined : parent, options, this.#engine.time);
    this.#fibers[fiber] = task as Task;
    this.#tasks.add(task as Task);
    this.#pending++;
    this.#bodies++;
    if (parent instanceof ScopeTask && !detached) parent.adopt(task as Task);
    if (options?.signal !== undefined) this.#followSignal(task as Task, options.signal);
    return task;
  }

  /** @internal */
  _await<T>(task: Task<T>, options: WaitOptions | undefined, ctx: Context | undefined): Promise<T> {
    const caller = this.#caller(ctx ?? options?.ctx, 'await');
    let target: Task;
    try {
      target = this.#ownTask(task, 'await');
      this.#checkWait('await', options);
    } catch (error) {
      return this.#operations.error(caller?._owner, error);
    }
    target._observe();
    const plain = options?.signal === undefined && !(options?.timeout! > 0);
    if (plain && caller === undefined) return task.promise;
    this.#engine.tick();
    this.#engine.catchUp();
    if (target._outcome !== 0) {
      if (caller !== undefined && this.#isInterrupted(caller)) return this.#operations.error(caller._owner, caller._owner._interruption());
      return target._outcome === FiberState.completed
        ? (this.#operations.value(caller?._owner, target._value) as Promise<T>)
        : this.#operations.error(caller?._owner, target._value);
    }
    return this.#wait<T>('await', WaitMode.all, [target], [target], options, caller, (tasks) => ({
      value: () => tasks[0]!._value,
      failure: () => tasks[0]!._value,
    }));
  }

  /** @internal */
  _awaitAll(tasks: readonly Task[], options: WaitOptions | undefined, ctx: Context | undefined): Promise<unknown[]> {
    return this.#waitMany<unknown[]>('awaitAll', WaitMode.all, tasks, options, ctx, (all, live) => {
      const failed = live === all ? undefined : all.find((task) => task._outcome > FiberState.completed);
      if (failed !== undefined) return { error: failed._value };
      if (live.length === 0) return { value: all.map((task) => task._value) };
      return { value: () => all.map((task) => task._value), failure: (index) => live[index]!._value };
    });
  }

  /** @internal */
  _awaitAllSettled(tasks: readonly Task[], options: WaitOptions | undefined, ctx: Context | undefined): Promise<PromiseSettledResult<unknown>[]> {
    const rows = (all: readonly Task[]): PromiseSettledResult<unknown>[] =>
      all.map((task) =>
        task._outcome === FiberState.completed ? { status: 'fulfilled', value: task._value } : { status: 'rejected', reason: task._value },
      );
    return this.#waitMany<PromiseSettledResult<unknown>[]>('awaitAllSettled', WaitMode.allSettled, tasks, options, ctx, (all, live) =>
      live.length === 0 ? { value: rows(all) } : { value: () => rows(all), failure: () => undefined },
    );
  }

  /** @internal */
  _awaitAny<T>(tasks: readonly Task<T>[], options: AnyOptions | undefined, ctx: Context | undefined): Promise<Task<T>> {
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

  /** @internal */
  _race<T>(tasks: readonly Task<T>[], options: AnyOptions | undefined, ctx: Context | undefined): Promise<Task<T>> {
    return this.#waitMany<Task<T>>('race', WaitMode.race, tasks, options, ctx, (all, live) => {
      const done = all.filter((task) => task._outcome !== 0);
      if (done.length > 0) return { value: this.#winner(done, all, options) as Task<T> };
      return { value: (index) => live[index], failure: (index) => live[index] };
    });
  }

  /** @internal */
  _delay(ms: number, signal: AbortSignal | undefined, ctx: Context | undefined): Promise<void> {
    const caller = this.#caller(ctx, 'delay');
    if (typeof ms !== 'number' || !(ms >= 0)) {
      return this.#operations.error(caller?._owner, new ArgumentError('delay', `the duration must be a number of milliseconds, 0 or more, got ${String(ms)}`));
    }
    if (signal !== undefined || this.#closed || this.#closing !== undefined) {
      try {
        this.#open('delay', caller);
        this.#checkWait('delay', { signal });
      } catch (error) {
        return this.#operations.error(caller?._owner, error);
      }
    }
    this.#engine.tick();
    const { raw } = this.#engine;
    const owner: Owner = caller?._owner ?? new Outside(raw, 'delay');
    return this.#operations.begun(raw.hd_delay(owner._fiber, ms, caller?._shield ?? 0), owner, signal === undefined ? undefined : delayMeaning, signal);
  }

  /** @internal */
  _yield(ctx: Context | undefined): Promise<void> {
    const caller = this.#caller(ctx, 'yield');
    if (this.#closed) return Promise.reject(new ClosedError('yield'));
    const { raw } = this.#engine;
    const owner: Owner = caller?._owner ?? new Outside(raw, 'yield');
    return this.#operations.begun(raw.hd_yield(owner._fiber, caller?._shield ?? 0), owner);
  }

  /** Cancels a task or a scope. False if it had settled, or the runtime is closed. @internal */
  _cancel(task: Task, reason: string | undefined): boolean {
    return !this.#closed && this.#cancel(task, reason, undefined);
  }

  /** @internal */
  _random(operation: string): number {
    this.#open(operation, this.#current);
    return this.#engine.raw.hd_random();
  }

  /** A version 4 UUID (RFC 9562) from the runtime's random numbers. @internal */
  _uuid(): string {
    const hex = Array.from({ length: 4 }, () => Math.floor(this._random('ctx.uuid') * 2 ** 32).toString(16).padStart(8, '0')).join('');
    const variant = '89ab'[Number.parseInt(hex[16]!, 16) & 3]!;
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }

  /** @internal */
  _shield(task: Task, ms: number): number {
    if (task._fiber === 0) throw new ArgumentError('ctx.shield', `${describe(task)} is over`);
    this.#engine.tick();
    const shield = this.#engine.raw.hd_shield(task._fiber, ms);
    this.#engine.wake();
    return shield;
  }

  /** @internal */
  _unshield(task: Task, shield: number): void {
    // The kernel drops the shields of a body that is over.
    if (task._fiber === 0 || task._bodyOver || this.#closed) return;
    this.#engine.raw.hd_unshield(shield);
    this.#engine.drainEffects();
    this.#engine.wake();
  }

  /** @internal */
  _shieldIsOver(ctx: Context): boolean {
    return this.#closed || ctx._owner._fiber === 0 || this.#engine.raw.hd_is_interrupted(ctx._owner._fiber, ctx._shield) !== 0;
  }

  /** @internal */
  async _scope(body: ScopeBody<unknown>, options: ScopeOptions = {}, from: Context | undefined): Promise<unknown> {
    if (typeof body !== 'function') throw new ArgumentError('scope', `the body must be a function, got ${typeof body}`);
    checkScopeOptions(options);
    const caller = this.#caller(from ?? options.ctx, 'scope');
    this.#open('scope', caller);
    const [joiner, quorum] = joinerNumbers(options.joiner);
    const taskOptions: TaskOptions = { name: options.name, timeout: options.timeout, deadline: options.deadline, signal: options.signal };
    checkTaskOptions('scope', taskOptions);
    const parent = caller?._owner;
    if (parent !== undefined && parent._fiber === 0) throw new ArgumentError('scope', `${describe(parent)} is over`);
    const { raw } = this.#engine;
    this.#engine.wake();
    this.#engine.tick();
    this.#sendOptions(taskOptions);
    raw.hd_option(SubmitOption.joiner, joiner);
    raw.hd_option(SubmitOption.quorum, quorum);
    const waiter: Owner = parent ?? new Outside(raw, 'scope', true);
    const fiber = raw.hd_submit(waiter._fiber, FiberKind.scope, caller?._shield ?? 0);
    if (fiber === 0) throw waiter._interruption();
    let s!: ScopeContext;
    const scope = new ScopeTask(this, fiber, ++this.#seq, () => body(s), parent, taskOptions, this.#engine.time);
    s = new ScopeContext(scope as Task);
    scope._observed = true;
    this.#fibers[fiber] = scope as Task;
    this.#bodies++;
    if (options.signal !== undefined) this.#followSignal(scope as Task, options.signal);
    this.#engine.targets([scope]);
    try {
      await this.#operations.begun(raw.hd_wait(waiter._fiber, WaitMode.ended, 0, 0, 0), waiter, scopeMeaning);
    } finally {
      if (waiter instanceof Outside && !this.#closed) waiter.end();
    }
    if (scope._outcome === 0) throw scope._interruption(); // its function is a zombie
    return scopeResult(scope, options.joiner);
  }

  /** @internal */
  _fiberState(fiber: number): number {
    const state = this.#engine.raw.hd_state(fiber);
    if (state >= FiberState.completed) this.#engine.drainEffects();
    return state;
  }

  // --- Commands of the kernel ---

  /** @internal */
  start(fiber: number): void {
    const task = this.#fibers[fiber]!;
    const isScope = task instanceof ScopeTask;
    if (task._outcome !== 0) {
      // Cancelled between its admission and now: the body never runs.
      task._bodyOver = true;
      this.#engine.event(EventType.ended, fiber, 0);
      return;
    }
    if (!isScope) {
      this.#pending--;
      this.#active++;
    }
    const body = task._start(this.#engine.time) as (ctx: Context) => unknown;
    const ctx = new Context(task);
    const before = this.#current;
    this.#current = ctx;
    let result: unknown;
    try {
      result = this.#store === undefined ? body(ctx) : this.#store.run(ctx, body, ctx);
    } catch (error) {
      this.#threw(task, error);
      return;
    } finally {
      this.#current = before;
    }
    const promise = promiseOf(result);
    if (promise !== undefined) {
      this.#follow(task, promise);
    } else if (isGenerator(result)) {
      this.#step(task, ctx, result);
    } else if (isAsyncGenerator(result)) {
      this.#threw(task, new ArgumentError('submit', 'the body is an async generator function; make it an async function or a plain generator function'));
    } else {
      this.#returned(task, result);
    }
  }

  // Methods of their own, so that their closures keep alive no more than they name.
  #follow(task: Task, result: PromiseLike<unknown>): void {
    result.then(
      (value) => this.#returned(task, value),
      (error: unknown) => this.#threw(task, error),
    );
  }

  #step(task: Task, ctx: Context, generator: GeneratorBody<unknown>): void {
    stepGenerator(generator, task, this.#operations, (run) => this.#within(ctx, run), {
      returned: (value) => this.#returned(task, value),
      threw: (error) => this.#threw(task, error),
    });
  }

  /** @internal */
  resume(op: number, code: number, aux: number): void {
    this.#operations.resume(op, code, aux);
  }

  /** @internal */
  startCall(call: number, op: number, attempt: number): void {
    // A cycle runs in the context of whoever woke the engine, which is not the one who called.
    if (this.#store === undefined) this._llm.start(call, op, attempt);
    else this.#store.run(undefined, () => this._llm.start(call, op, attempt));
  }

  /** @internal */
  read(op: number, call: number): void {
    this._llm.read(op, call);
  }

  /** @internal */
  abortCall(call: number, forget: boolean): void {
    this._llm.abort(call, forget);
  }

  /** @internal */
  settle(fiber: number, outcome: number, cause: number, ended: boolean, seq: number, reason: number): void {
    const task = this.#fibers[fiber];
    if (task === undefined) return;
    const interrupted = outcome === Outcome.cancelled || outcome === Outcome.timedOut;
    const value = !interrupted
      ? task._value
      : task instanceof ScopeTask && task.interruption !== undefined
        ? task.interruption
        : this.#interruption(task, outcome, cause, seq, reason);
    if (task instanceof ScopeTask) {
      task.winner = seq;
      task.timedOut = outcome === Outcome.timedOut;
      task._outcome = stateOf[outcome]!;
      if (outcome !== Outcome.failed) task._value = value;
      task._interrupted = interrupted;
      const ends = task._extra?.onEnd;
      for (const end of ends ?? []) end();
    } else {
      if (!task._hasStarted) this.#pending--;
      else this.#active--;
      task._settle(stateOf[outcome]!, value, interrupted, this.#engine.time);
      this.#tasks.settled(task._seq);
    }
    if (ended) this.ended(fiber);
  }

  /** @internal */
  interrupt(fiber: number, outcome: number, cause: number, seq: number, reason: number): void {
    const scope = this.#fibers[fiber];
    if (scope instanceof ScopeTask) scope.interrupt(this.#interruption(scope, outcome, cause, seq, reason));
  }

  /** @internal */
  ended(fiber: number): void {
    const task = this.#fibers[fiber];
    if (task === undefined) return;
    this.#fibers[fiber] = undefined;
    task._fiber = 0;
    if (!task._isZombie) this.#bodies--;
    if (task._options?.key !== undefined) this.#releaseKey(task._options.key);
  }

  /** @internal */
  zombie(fiber: number, became: boolean): void {
    const task = this.#fibers[fiber];
    if (task === undefined) return;
    task._isZombie = became;
    this.#bodies += became ? -1 : 1;
    for (const listener of this.#listeners[became ? 'zombie' : 'zombieEnded']) {
      queueMicrotask(() => (this.#store === undefined ? listener(task) : this.#store.run(undefined, listener, task)));
    }
  }

  /** @internal */
  cycled(): void {
    if (this.#waiters.size > 0) this.#checkWaiters();
  }

  // --- Bodies ---

  #within(ctx: Context, run: () => void): void {
    const before = this.#current;
    this.#current = ctx;
    try {
      if (this.#store === undefined) run();
      else this.#store.run(ctx, run);
    } finally {
      this.#current = before;
    }
  }

  #returned(task: Task, value: unknown): void {
    task._bodyOver = true;
    this.#operations.dropped(task);
    if (this.#closed || task._fiber === 0) return;
    if (task._outcome === 0) task._value = value;
    this.#engine.event(EventType.ended, task._fiber, 1);
  }

  #threw(task: Task, error: unknown): void {
    task._bodyOver = true;
    this.#operations.dropped(task);
    if (this.#closed || task._fiber === 0) return;
    if (task._outcome === 0) task._value = error instanceof Error ? error : nonError(task, error);
    if (task instanceof ScopeTask) task.bodyThrew = true;
    this.#engine.event(EventType.ended, task._fiber, 0);
  }

  /** The error of a task that the kernel cancelled or timed out. */
  #interruption(task: Task, outcome: number, cause: number, seq: number, reasonHandle: number): Error {
    const scope = this.#named(task, seq);
    if (outcome === Outcome.timedOut) return this.#timeout(task, cause, scope);
    if (this.#sharedError !== undefined && (cause === Cause.requested || cause === Cause.parentCancelled)) return this.#sharedError;
    const from = scope === undefined || scope === task ? undefined : scope;
    switch (cause) {
      case Cause.parentCancelled: {
        const up = from?._interruption();
        const reason = up === undefined ? undefined : reasonOf(up);
        return cancellationOf(task, `was cancelled with ${from === undefined ? 'its parent' : describe(from)}`, reason, up);
      }
      case Cause.parentFailed:
        return cancellationOf(task, 'was cancelled', `its parent ${from === undefined ? '' : `${describe(from)} `}failed`, from?._value);
      case Cause.scopeDecided:
        return cancellationOf(task, 'was cancelled', 'its scope has its result');
      case Cause.scopeFailed:
        return cancellationOf(task, 'was cancelled', task instanceof ScopeTask ? 'a task of it failed' : 'another task of its scope failed');
      case Cause.awaitDecided:
        return cancellationOf(task, 'was cancelled', 'another task won the wait');
      case Cause.closed:
        return cancellationOf(task, 'was cancelled', 'the runtime was closed');
      default:
        return cancellationOf(task, 'was cancelled', this.#reasons[reasonHandle], this.#reasonCause);
    }
  }

  // Whose cancellation, timeout or deadline it was. A scope is not listed, nor is what was forgotten.
  #named(task: Task, seq: number): Task | undefined {
    const listed = this.#tasks.get(seq);
    if (listed !== undefined) return listed;
    for (let at: Task | undefined = task; at !== undefined; at = at._parent) {
      if (at._seq === seq) return at;
    }
    return undefined;
  }

  #timeout(task: Task, cause: number, scope: Task | undefined): TimeoutError {
    const owner = scope ?? task;
    const options = owner._options;
    let limit: TimeoutLimit = 'timeout';
    let ms = options?.timeout ?? this.#taskTimeout;
    let text = `ran longer than its timeout of ${ms} ms`;
    if (cause === Cause.queueTimeout) {
      limit = 'queueTimeout';
      ms = options?.queueTimeout ?? 0;
      text = `waited longer in the queue than its queueTimeout of ${ms} ms`;
    } else if (cause === Cause.deadline) {
      limit = 'deadline';
      ms = Math.max(0, Number(options?.deadline ?? 0) - owner.createdAt);
      text = owner === task ? `missed its deadline, ${ms} ms after it was submitted` : `missed the deadline that it inherited from ${describe(owner)}`;
    }
    const stackLimit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    const error = new TimeoutError(`${describe(task)} ${text}`, { limit, scope: owner.id, ms });
    Error.stackTraceLimit = stackLimit;
    return error;
  }

  // --- Waiting for tasks ---

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
      this.#open(name, caller);
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
    const caller = this.#caller(ctx ?? options?.ctx, name);
    let all: Task[];
    try {
      if (!Array.isArray(tasks)) throw new ArgumentError(name, `the argument must be an array of tasks, got ${typeof tasks}`);
      all = new Array<Task>(tasks.length);
      for (let i = 0; i < all.length; i++) all[i] = this.#ownTask(tasks[i], name);
      if (all.length === 0 && (mode === WaitMode.any || mode === WaitMode.race)) throw new ArgumentError(name, 'the list of tasks is empty, so none can win');
      const losers: unknown = options?.losers;
      if (losers !== undefined && losers !== 'keep' && losers !== 'cancel') throw new ArgumentError(name, `options.losers must be 'keep' or 'cancel', got ${String(losers)}`);
      this.#checkWait(name, options);
    } catch (error) {
      return this.#operations.error(caller?._owner, error);
    }
    if (caller !== undefined && this.#isInterrupted(caller)) return this.#operations.error(caller._owner, caller._owner._interruption());
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
    const decision = decide(all, live);
    if ('error' in decision) return this.#operations.error(caller?._owner, decision.error);
    if (!('failure' in decision)) return this.#operations.value(caller?._owner, decision.value) as Promise<T>;
    return this.#wait<T>(name, mode, all, live, options, caller, () => decision);
  }

  // Among tasks that are over already the one that was over first wins.
  #winner(done: readonly Task[], all: readonly Task[], options: AnyOptions | undefined): Task {
    const earliest = done.reduce((at, task) => Math.min(at, task._settled), Infinity);
    const firsts = done.filter((task) => task._settled === earliest);
    const winner = firsts.length === 1 ? firsts[0]! : this.#tasks.firstSettled(firsts);
    if (options?.losers === 'cancel') {
      for (const task of all) {
        if (task !== winner && task._outcome === 0) this.#cancel(task, 'another task won the wait', undefined);
      }
    }
    return winner;
  }

  // --- Cancelling ---

  #cancel(task: Task | undefined, reason: string | undefined, cause: unknown): boolean {
    if (task === undefined || task._outcome !== 0 || task._fiber === 0) return false;
    this.#reasonCause = cause;
    this.#engine.tick();
    const cancelled = this.#engine.raw.hd_cancel(task._fiber, this.#reasonHandle(reason)) !== 0;
    this.#engine.drainEffects();
    this.#forgetReasons();
    this.#engine.wake();
    return cancelled;
  }

  #reasonHandle(reason: unknown): number {
    if (reason === undefined) return this.#reasonCause === undefined ? 0 : this.#reasons.push(undefined) - 1;
    return this.#reasons.push(typeof reason === 'string' ? reason : reasonOf(reason)) - 1;
  }

  #forgetReasons(): void {
    this.#reasons.length = 1;
    this.#reasonCause = undefined;
  }

  #followSignal(task: Task, signal: AbortSignal): void {
    const stop = onAbort(signal, (reason, cause) => void (this.#closed || this.#cancel(task, reason, cause)));
    if (task._outcome === 0) (task._lazy().onEnd ??= []).push(stop);
  }

  #isInterrupted(ctx: Context): boolean {
    return ctx._owner._isInterrupted() && (ctx._shield === 0 || this._shieldIsOver(ctx));
  }

  // --- Closing ---

  async #close(): Promise<void> {
    const error = new ClosedError('close');
    this.#engine.tick();
    this.#engine.raw.hd_cancel_all(0, Cause.closed);
    this.#engine.drainEffects();
    this.#engine.wake();
    // Bodies unwind, or their grace makes zombies of them.
    await this.#cycleWhen(() => this.#bodies === 0);
    // What their end released, and the resumes of callers outside.
    await this.#cycleWhen(() => true);
    this.#closed = true;
    this._llm.close(error);
    this.#operations.close();
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
    this.#engine.close();
    for (const task of this.#fibers) {
      if (task !== undefined) task._fiber = 0;
    }
  }

  /** Waits for the end of the first cycle after which something is so, the next one at the soonest. */
  #cycleWhen(reached: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.add({ reached, resolve, reject: () => resolve() });
      this.#engine.wake();
    });
  }

  // Operations of bodies that unwind go on while the runtime closes.
  #open(operation: string, caller?: Context): void {
    if (this.#closed || (this.#closing !== undefined && caller === undefined && this.#current === undefined)) throw new ClosedError(operation);
  }

  // --- Levels ---

  #when(reached: () => boolean, operation: string): Promise<void> {
    try {
      this.#open(operation);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#sync();
    if (reached()) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.add({ reached, resolve, reject }));
  }

  #checkWaiters(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.reached()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  // --- Small things ---

  /** What the kernel knows and what we know become the same. */
  #sync(): void {
    if (this.#closed) return;
    this.#engine.raw.hd_drain();
    this.#engine.drainEffects();
  }

  #caller(ctx: Context | undefined, operation: string): Context | undefined {
    if (ctx === undefined) return this.#current ?? this.#store?.getStore();
    if (!(ctx instanceof Context) || ctx._owner._runtime !== this) throw new ArgumentError(operation, 'ctx must be a context of this runtime');
    return ctx;
  }

  #ownTask(task: unknown, operation: string): Task {
    if (!(task instanceof Task)) throw new ArgumentError(operation, `expected a task, got ${task === null ? 'null' : typeof task}`);
    if (task._runtime !== this) throw new ArgumentError(operation, `${describe(task)} belongs to another runtime`);
    return task as Task;
  }

  #seqOf(id: unknown, operation: string): number {
    if (id instanceof Task) return this.#ownTask(id, operation)._seq;
    const match = typeof id === 'string' ? /^t([1-9]\d{0,9})$/.exec(id) : null;
    if (match === null) throw new ArgumentError(operation, `the id must be a task's id, such as "t12", got ${printable(id)}`);
    return Number(match[1]);
  }

  #checkWait(operation: string, options: WaitOptions | undefined): void {
    if (options === undefined) return;
    if (typeof options !== 'object' || options === null) throw new ArgumentError(operation, `the options must be an object, got ${printable(options)}`);
    checkTimeout(operation, options.timeout);
    const { signal } = options;
    if (signal === undefined) return;
    if (!(signal instanceof AbortSignal)) throw new ArgumentError(operation, 'options.signal must be an AbortSignal');
  }

  #sendOptions(options: TaskOptions): void {
    const { raw } = this.#engine;
    if (options.priority !== undefined) raw.hd_option(SubmitOption.priority, options.priority);
    if (options.key !== undefined) raw.hd_option(SubmitOption.key, this.#key(options.key));
    if (options.timeout !== undefined) raw.hd_option(SubmitOption.timeout, options.timeout);
    if (options.queueTimeout !== undefined) raw.hd_option(SubmitOption.queueTimeout, options.queueTimeout);
    if (options.deadline !== undefined) {
      // The kernel counts from its own beginning; a deadline that has passed is due at once.
      raw.hd_option(SubmitOption.deadline, Math.max(Number(options.deadline) - this._epoch, 0.001));
    }
    if (options.graceMs !== undefined) raw.hd_option(SubmitOption.grace, options.graceMs);
    if (options.queueTimeout !== undefined || options.deadline !== undefined) this.#engine.tick();
  }

  #key(name: string): number {
    let key = this.#keys.get(name);
    if (key === undefined) {
      key = { id: this.#freeKeys.pop() ?? this.#keys.size + 1, uses: 0 };
      this.#keys.set(name, key);
    }
    key.uses++;
    return key.id;
  }

  #releaseKey(name: string | undefined): void {
    const key = name === undefined ? undefined : this.#keys.get(name);
    if (key === undefined || --key.uses > 0) return;
    this.#keys.delete(name!);
    this.#freeKeys.push(key.id);
  }

  async #advance(ms: number): Promise<void> {
    this.#open('clock.advance');
    if (!this.#clockIsVirtual) throw new ArgumentError('clock.advance', "only a runtime with clock: 'virtual' can advance its time");
    if (typeof ms !== 'number' || !(ms >= 0 && ms <= maxMs)) throw new ArgumentError('clock.advance', `the duration must be a number of milliseconds, 0 or more, got ${String(ms)}`);
    const goal = this.#engine.now() + ms;
    this.#engine.raw.hd_advance(ms);
    this.#engine.wake();
    await this.#cycleWhen(() => this.#engine.now() >= goal);
  }

  #explanation(task: Task, fact: RawFact): Explanation {
    const { fibers, ...rest } = fact;
    const since = this._epoch + fact.since;
    const names = (fibers ?? []).map((fiber) => this.#fibers[fiber]).filter((other) => other !== undefined);
    const tasks = names.map((other) => other.id);
    const listed = names.length === 0 ? 'others' : names.map((other) => describe(other).replace('task ', '')).join(', ');
    const ago = `for ${Math.round((this.clock.now() - since) * 10) / 10} ms`;
    const texts: Record<Explanation['reason'], string> = {
      slot: `waits for a slot: maxConcurrentTasks is ${fact.limit}, ${fact.ahead} before it; held by ${listed}`,
      zombies: `is not admitted: maxZombies is ${fact.limit}, reached by ${listed}`,
      turn: 'is ready and runs next',
      host: 'runs: its code has control, or awaits something that is no operation of Heddle',
      delay: 'waits for its delay',
      fibers: `waits for ${listed}`,
      llmPlace: `waits for a place: maxConcurrentLLMCalls is ${fact.limit}, ${fact.ahead} before it; in flight for ${listed}`,
      backoff: 'waits before the next attempt of a call',
      call: 'waits for a call in flight',
      chunk: 'waits for the next chunk of a stream',
      children: `has returned and waits for its children ${listed}`,
      unwinding: 'was cancelled; its body has not ended yet',
      settled: `is ${task.state}`,
    };
    const explanation: Explanation = { ...rest, since, text: `${describe(task)} ${texts[fact.reason]}, ${ago}` };
    if (fact.until !== undefined) explanation.until = this._epoch + fact.until;
    if (tasks.length > 0) explanation.tasks = tasks;
    return explanation;
  }

  /** The events so far, where recordEvents was asked for: 32 bytes each. @internal */
  _recordedEvents(): Uint8Array {
    const { control, raw } = this.#engine;
    return new Uint8Array(raw.memory.buffer, control.recordedAddress(), control.recordedCount() * 32).slice();
  }
}

interface RawFact {
  reason: Explanation['reason'];
  since: number;
  until?: number;
  limit?: number;
  ahead?: number;
  fibers?: number[];
}

const stateOf: Record<number, number> = {
  [Outcome.completed]: FiberState.completed,
  [Outcome.failed]: FiberState.error,
  [Outcome.cancelled]: FiberState.cancelled,
  [Outcome.timedOut]: FiberState.error,
};

const delayMeaning: Meaning = { name: 'delay', value: ignore, failure: ignore };
const scopeMeaning: Meaning = { name: 'scope', value: ignore, failure: ignore };

function nonError(task: Task, thrown: unknown): HeddleError {
  return new HeddleError('NonError', `${describe(task)} threw something that is no Error: ${printable(thrown)}`, { cause: thrown });
}

function areOptions(options: unknown): boolean {
  return options === undefined || (typeof options === 'object' && options !== null);
}

function asOptions(options: Context | WaitOptions | undefined): WaitOptions {
  return options instanceof Context ? { ctx: options } : (options ?? {});
}

function printable(value: unknown): string {
  try {
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  } catch {
    return typeof value;
  }
}

const taskOptionNames = ['name', 'priority', 'timeout', 'queueTimeout', 'deadline', 'key', 'signal', 'parent', 'graceMs', 'detached'];

function checkTaskOptions(operation: string, options: TaskOptions): void {
  const refuse = (key: string, wanted: string, value: unknown): never => {
    throw new ArgumentError(operation, `options.${key} must be ${wanted}, got ${printable(value)}`);
  };
  if (typeof options !== 'object' || options === null) throw new ArgumentError(operation, `the options must be an object, got ${printable(options)}`);
  for (const key of Object.keys(options)) {
    if (!taskOptionNames.includes(key)) throw new ArgumentError(operation, `${key} is no option; there are ${taskOptionNames.join(', ')}`);
  }
  const { name, priority, deadline, key, signal, detached } = options;
  if (name !== undefined && typeof name !== 'string') refuse('name', 'a string', name);
  if (priority !== undefined && (!Number.isInteger(priority) || Math.abs(priority) > maxPriority)) {
    refuse('priority', `an integer from -${maxPriority} to ${maxPriority}`, priority);
  }
  for (const which of ['timeout', 'queueTimeout', 'graceMs'] as const) {
    const ms = options[which];
    if (ms !== undefined && (typeof ms !== 'number' || !(ms >= 0))) refuse(which, 'a number of milliseconds, 0 or more', ms);
  }
  if (deadline !== undefined && !((typeof deadline === 'number' || deadline instanceof Date) && Number.isFinite(Number(deadline)))) refuse('deadline', 'a Date, or milliseconds since the epoch', deadline);
  if (key !== undefined && (typeof key !== 'string' || key === '')) refuse('key', 'a non-empty string', key);
  if (signal !== undefined && !(signal instanceof AbortSignal)) refuse('signal', 'an AbortSignal', signal);
  if (detached !== undefined && typeof detached !== 'boolean') refuse('detached', 'a boolean', detached);
}
