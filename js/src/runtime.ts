/**
 * The runtime: submits, awaits and cancels tasks, and answers for their limits. It implements the mission's
 * ConcurrencyManager. Decisions are the kernel's; this holds what the kernel does not know: tasks, results, errors.
 * The longest file of the package, because it is the whole of what users call; what is behind a call is elsewhere
 * (waits.ts, scope.ts, llm/calls.ts, body-runner.ts, ...).
 *
 * Partner: engine/engine.ts, which brings the kernel's commands; operations.ts, which carries waits; context.ts, the same
 * operations bound to a task.
 */

import { contextStore, isFree, type ContextStore } from './async-context.js';
import { Batcher, type BatcherOptions, type BatchFunction } from './batcher.js';
import { BodyRunner } from './body-runner.js';
import { disposer, FreeToken, onAbort, reasonOf, type CancellationToken, type Disposer } from './cancellation.js';
import { checkConfig, checkLiveConfig, finiteCount, kernelConfig, kernelEntries, maxMs, type RuntimeConfig, type SchedulerConfig } from './config.js';
import { Context, type Body } from './context.js';
import { Engine } from './engine/engine.js';
import { instantiate, type Instance } from './engine/module.js';
import { ArgumentError, CancellationError, ClosedError, HeddleError, QueueFullError } from './errors.js';
import { explanationOf, type Explanation, type RawFact } from './explanation.js';
import { FairnessKeys } from './fairness-keys.js';
import { interruptionError, type CancelRequest } from './interruption.js';
import { Levels } from './levels.js';
import { Lisp, type Completeness } from './lisp/lisp.js';
import { LightFiber } from './lisp/host-context.js';
import { LispTask } from './lisp/lisp-task.js';
import type { DefineOptions, LispContextFunction, LispFunction } from './lisp/host-function.js';
import { programOptions, type EvalOptions, type RunOptions } from './lisp/run-options.js';
import { Calls } from './llm/calls.js';
import type { Fetch, FetchOptions } from './llm/fetch.js';
import type { LLMStream } from './llm/llm-stream.js';
import type { Provider } from './llm/provider.js';
import { type LLMOptions, type Prompt } from './llm/request.js';
import { loadValidator, type JSONSchema } from './llm/json-schema.js';
import type { LLMResult } from './llm/result.js';
import type { OutputOf, StandardSchema } from './llm/schema.js';
import { Transport } from './llm/transport.js';
import { Routes, type GateInfo } from './llm/routes.js';
import { simulated } from './llm/simulated.js';
import type { StructuredResult } from './llm/structured.js';
import { llmTools, type ToolLoopOptions, type ToolLoopResult } from './llm/tool-loop.js';
import { load } from './load.js';
import { checkMap, mapConcurrent, type MapOptions } from './map-concurrent.js';
import { Operations, type Meaning, type Owner } from './operations.js';
import { Outside } from './outside.js';
import { printable } from './printable.js';
import { Cause, ConfigKey, EventType, FiberKind, FiberState, Outcome, reasonOfProgram, SubmitOption, WaitMode } from './protocol.js';
import { checkScopeOptions, joinerNumbers, ScopeContext, scopeResult, ScopeTask, type ScopeBody, type ScopeOptions } from './scope.js';
import { gateStatsOf, type GateStats, type RawGate, type RuntimeStats } from './stats.js';
import { describe, Task, type TaskState } from './task.js';
import { checkTaskOptions, sendTaskOptions, type TaskOptions } from './task-options.js';
import { TaskTable } from './task-table.js';
import type { Variant } from './variant.js';
import type { TimeJump } from './time-jump.js';
import { areOptions, asOptions } from './wait-options.js';
import { Actor, type ActorHandler, type ActorOptions } from './actors/actor.js';
import type { ProcessHost } from './actors/process.js';
import { Supervisor, type SupervisorOptions } from './actors/supervisor.js';
import { Barrier } from './sync/barrier.js';
import { Channel } from './sync/channel.js';
import { deadlockError, Quiet } from './sync/deadlock.js';
import { lockNotReleased, type Finding } from './sync/finding.js';
import { IVar } from './sync/ivar.js';
import { Mutex } from './sync/mutex.js';
import { Objects } from './sync/objects.js';
import { Singleflights, type Flown, type SingleflightKey, type SingleflightOptions } from './sync/singleflight.js';
import { select, type AnyCase, type Cases, type Selected } from './sync/select.js';
import { Semaphore } from './sync/semaphore.js';
import { Serializer } from './sync/serializer.js';
import type { ObjectOptions } from './sync/sync-object.js';
import { Waits, type AnyOptions, type WaitOptions } from './waits.js';

export interface RuntimeEvents {
  /** A cancelled body ran past its grace. */
  zombie: (task: Task) => void;
  /** A zombie ended after all. */
  zombieEnded: (task: Task) => void;
  /** Time went on without the program: the machine slept, or a timer came late. */
  timeJump: (jump: TimeJump) => void;
  /** Something that the program did is probably a mistake. */
  finding: (finding: Finding) => void;
}

export interface Clock {
  /** Milliseconds since the epoch; under virtual time, since the runtime began. */
  now(): number;
  /** Under virtual time: lets that much time pass, also while real requests are in flight; waits for what is due meanwhile. */
  advance(ms: number): Promise<void>;
}

const ignore = (): void => {};

/** Makes a runtime. Throws a ConfigError for a bad configuration, before anything is loaded. */
export async function createRuntime(config: RuntimeConfig = {}): Promise<Runtime> {
  checkConfig(config);
  const loading = load({ variant: config.variant ?? 'auto', wasmBinary: config.wasmBinary, wasmModule: config.wasmModule });
  // Loaded at its first use, it would change the order of what happens at the same virtual time.
  const [loaded] = await Promise.all([loading, config.clock === 'virtual' ? loadValidator() : undefined]);
  return new Runtime(await instantiate(loaded), config, loaded.variant);
}

export class Runtime {
  /** Which build of the core runs. */
  readonly variant: Variant;
  readonly clock: Clock;
  /** @internal */ readonly _llm: Calls;
  /** @internal */ readonly _waits: Waits;
  /** @internal */ readonly _objects: Objects;
  /** @internal */ readonly _flights: Singleflights;
  /** @internal */ readonly _epoch: number;
  readonly #engine: Engine;
  readonly #operations: Operations;
  readonly #quiet: Quiet;
  readonly #tasks: TaskTable;
  // Live fibers by id: tasks and scopes.
  readonly #fibers: (Task | undefined)[] = [undefined];
  readonly #store: ContextStore<Context | undefined> | undefined;
  readonly #bodyRunner: BodyRunner;
  readonly #routes: Routes;
  readonly #transport = new Transport();
  // Made at its first use.
  #processHost: ProcessHost | undefined;
  // Made at its first use.
  #lisp: Lisp | undefined;
  readonly #payloads: Uint8Array[] | undefined;
  readonly #clockIsVirtual: boolean;
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
  // What cancel() and cancelAll() said, by the handle that the kernel carries; empty once its effects are carried out.
  readonly #requests: (CancelRequest | undefined)[] = [undefined];
  readonly #keys = new FairnessKeys();
  readonly #levels = new Levels();
  readonly #listeners: { [K in keyof RuntimeEvents]: Set<RuntimeEvents[K]> } = { zombie: new Set(), zombieEnded: new Set(), timeJump: new Set(), finding: new Set() };

  /** Use createRuntime(). @internal */
  constructor(instance: Instance, config: RuntimeConfig, variant: Variant) {
    this.variant = variant;
    this.#clockIsVirtual = config.clock === 'virtual';
    if (config.recordEvents === true) this.#payloads = [];
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
    this.#operations = new Operations(this.#engine, (number) =>
      deadlockError(this.#engine.control.deadlock(number), {
        taskOf: (fiber) => this.#fibers[fiber],
        labelOf: (object) => this._objects.label(object),
      }),
    );
    this.#quiet = new Quiet(config.deadlocks ?? 'auto', this.#clockIsVirtual, () => {
      if (this.#closed) return;
      this.#engine.raw.hd_break_deadlock();
      this.#engine.drainEffects();
      this.#engine.wake();
    });
    this.#bodyRunner = new BodyRunner(this.#engine, this.#operations, this.#store);
    const provider: Provider = config.provider ?? simulated({ seed: config.seed });
    this.#routes = new Routes(this.#engine.raw, { maxConcurrentFetches: 64, ...config });
    this._llm = new Calls({
      engine: this.#engine,
      operations: this.#operations,
      provider,
      fetch: config.fetch ?? this.#transport.fetch,
      routes: this.#routes,
      now: () => this.clock.now(),
      open: (operation, caller) => this.#open(operation, caller),
      caller: (ctx, operation) => this.#caller(ctx, operation),
    });
    this._waits = new Waits({
      engine: this.#engine,
      operations: this.#operations,
      caller: (ctx, operation) => this.#caller(ctx, operation),
      open: (operation, caller) => this.#open(operation, caller),
      isClosing: () => this.#closing !== undefined,
      isClosed: () => this.#closed,
      isInterrupted: (ctx) => ctx._owner._isInterrupted() && (ctx._shield === 0 || this._shieldIsOver(ctx)),
      firstSettled: (tasks) => this.#tasks.firstSettled(tasks),
      ownTask: (task, operation) => this.#ownTask(task, operation),
      cancel: (task, reason) => this.#cancel(task, reason, undefined),
    });
    this._objects = new Objects({
      engine: this.#engine,
      operations: this.#operations,
      caller: (ctx, operation) => this.#caller(ctx, operation),
      open: (operation, caller) => this.#open(operation, caller),
      isClosed: () => this.#closed,
      taskOf: (fiber) => this.#fibers[fiber],
      within: (ctx, run) => this.#bodyRunner.within(ctx, run),
    });
    this._flights = new Singleflights({
      submit: (body, name) => this._submit(body, { name }, undefined, 'singleflight'),
      await: (task, options) => this._waits.await(task, options, undefined),
      cancel: (task, reason) => void this._cancel(task, reason),
      caller: (ctx, operation) => this.#caller(ctx, operation),
      open: (operation, caller) => this.#open(operation, caller),
      refused: (caller, error) => this.#operations.error(caller?._owner, error),
      now: () => this.clock.now(),
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
    return this._waits.await(task, options, undefined);
  }

  /** Results in input order; rejects at the first failure, the others go on. */
  awaitAll<T extends readonly Task[] | []>(tasks: T, options?: WaitOptions): Promise<{ -readonly [K in keyof T]: T[K] extends Task<infer R> ? R : never }> {
    return this._waits.awaitAll(tasks, options, undefined) as never;
  }

  /** How each of them settled; never rejects for a task's sake. */
  awaitAllSettled<T extends readonly Task[] | []>(tasks: T, options?: WaitOptions): Promise<{ -readonly [K in keyof T]: PromiseSettledResult<T[K] extends Task<infer R> ? R : never> }> {
    return this._waits.awaitAllSettled(tasks, options, undefined) as never;
  }

  /** The first task that completes; a failure does not win. All failed: an AggregateError with every cause. */
  awaitAny<T>(tasks: readonly Task<T>[], options?: AnyOptions): Promise<Task<T>> {
    return this._waits.awaitAny(tasks, options, undefined);
  }

  /** The first task that settles, whatever the outcome. */
  race<T>(tasks: readonly Task<T>[], options?: AnyOptions): Promise<Task<T>> {
    return this._waits.race(tasks, options, undefined);
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
    const text = reason === undefined ? undefined : String(reason);
    // All of them fall for one reason, so they share one error.
    const shared = new CancellationError(`the task was cancelled by cancelAll()${text === undefined ? '' : `: ${text}`}`, { reason: text });
    this.#request({ reason: text, cause: undefined, shared }, (handle) => this.#engine.raw.hd_cancel_all(handle, Cause.requested));
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
    const { ctx, ...rest } = asOptions(options);
    return this._waits.delay(ms, rest.signal === undefined && rest.timeout === undefined ? undefined : rest, ctx);
  }

  /** Lets the ready tasks run first. */
  yield(options?: Context | WaitOptions): Promise<void> {
    if (!areOptions(options)) return Promise.reject(new ArgumentError('yield', `the options must be an object, got ${printable(options)}`));
    return this._waits.yield(asOptions(options).ctx);
  }

  // --- Lisp ---

  /** Runs a program of Lisp: each with a top level of its own. Returns at once; the task begins when the limits allow, and its
   * result is the value of the last form, converted (`js/docs/lisp.md`). It fails with a LispError for a condition that nothing
   * in the program handled, text that is no Lisp included, and with a ConversionError for a value that cannot cross. Cancelling
   * it, or its `timeout`, raises in the program; tasks and fibers that it left go on after its end. Throws an ArgumentError or a
   * ConversionError for what cannot be run. */
  run<T = unknown>(source: string, options?: RunOptions): Task<T> {
    return this._run<T>('run', source, options, undefined);
  }

  /** Evaluates forms in the one top level that all evaluations share; what one defines the next one sees. Each is a task, as one
   * of run() is; they begin in the order of their calls, and overlap where one waits. */
  eval<T = unknown>(source: string, options?: EvalOptions): Task<T> {
    return this._run<T>('eval', source, options, undefined);
  }

  /** Makes a function callable from Lisp as `(name argument ...)`: arguments and result are converted, a promise is awaited while
   * other fibers go on, an error is a condition there. Programs that begin later know it; defined again, it is replaced for all.
   * Where the program does not wait any more, what the function gives is dropped; only `withContext` tells it. Throws an
   * ArgumentError for a name that is no symbol or a special form's. */
  define(name: string, fn: LispContextFunction, options: DefineOptions & { withContext: true }): void;
  define(name: string, fn: LispFunction, options?: DefineOptions): void;
  define(name: string, fn: LispFunction | LispContextFunction, options?: DefineOptions): void {
    this.#open('define');
    this.#theLisp().define(name, fn, options);
  }

  /** Whether a text is whole forms of Lisp, or the beginning of some. @internal */
  _completeness(text: string): Completeness {
    this.#open('eval');
    return this.#theLisp().completeness(text);
  }

  /** Calls a model. With `schema` or `json` the result has a `value`, or the call fails with a StructuredOutputError. */
  llm<S extends StandardSchema>(prompt: Prompt, options: LLMOptions & { ctx?: Context | undefined; schema: S }): Promise<StructuredResult<OutputOf<S>>>;
  llm<T = unknown>(prompt: Prompt, options: LLMOptions & { ctx?: Context | undefined } & ({ schema: JSONSchema } | { json: true })): Promise<StructuredResult<T>>;
  llm(prompt: Prompt, options?: LLMOptions & { ctx?: Context | undefined }): Promise<LLMResult>;
  llm(prompt: Prompt, options?: LLMOptions & { ctx?: Context | undefined }): Promise<LLMResult> {
    return this._llm.call(prompt, options, options?.ctx);
  }

  /** Calls a model with tools and runs those that it asks for; see Context.llmTools. */
  llmTools<S extends StandardSchema>(prompt: Prompt, options: ToolLoopOptions & { ctx?: Context | undefined; schema: S }): Promise<ToolLoopResult<OutputOf<S>>>;
  llmTools<T = unknown>(prompt: Prompt, options: ToolLoopOptions & { ctx?: Context | undefined }): Promise<ToolLoopResult<T>>;
  llmTools(prompt: Prompt, options: ToolLoopOptions & { ctx?: Context | undefined }): Promise<ToolLoopResult> {
    return llmTools(this, prompt, options, options?.ctx);
  }

  /** Calls a model and gives its answer piece by piece. */
  llmStream(prompt: Prompt, options?: LLMOptions & { ctx?: Context | undefined }): LLMStream {
    return this._llm.stream(prompt, options, options?.ctx);
  }

  /** A fetch whose requests to models take part in the limits, the queue, the retries and the cancellation of the runtime; to
   * hand to any client: `new OpenAI({ fetch: rt.fetch })`. Everything else passes. Bound, and always the same function. After
   * the last attempt it resolves with the server's Response, as fetch does; a lost connection rejects with an LLMError. A
   * stream holds its place until its body was read, cancelled or dropped: read it, or cancel it. */
  get fetch(): Fetch {
    return this._llm.fetches.fetch;
  }

  /** Another rt.fetch, with options of its own. Throws an ArgumentError for one that it does not know. */
  fetchWith(options: FetchOptions): Fetch {
    return this._llm.fetches.with(options);
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

  /** Makes a batcher: what callers add one by one goes to `fn` many at a time, as a task of its own. */
  batcher<I, O>(fn: BatchFunction<I, O>, options: BatcherOptions<I> = {}): Batcher<I, O> {
    this.#open('batcher');
    return new Batcher(this, fn, options);
  }

  // --- Synchronization ---

  /** Makes a mutex: one holder at a time, first come, first served; not re-entrant. */
  mutex(options?: ObjectOptions): Mutex {
    return new Mutex(this._objects, options);
  }

  /** Makes a semaphore with `permits` permits, taken some at a time, first come, first served. */
  semaphore(permits: number, options?: ObjectOptions): Semaphore {
    return new Semaphore(this._objects, permits, options);
  }

  /** Makes an ivar: written once, read by any number. */
  ivar<T = unknown>(options?: ObjectOptions): IVar<T> {
    return new IVar<T>(this._objects, options);
  }

  /** Makes a channel that keeps up to `capacity` values; with 0, sender and receiver meet. */
  channel<T = unknown>(capacity = 0, options?: ObjectOptions): Channel<T> {
    return new Channel<T>(this._objects, capacity, options);
  }

  /** Makes a barrier: each time that many wait, all of them go on. */
  barrier(parties: number, options?: ObjectOptions): Barrier {
    return new Barrier(this._objects, parties, options);
  }

  /** Makes a serializer: functions that it wraps never overlap. */
  serializer(options?: ObjectOptions): Serializer {
    return new Serializer(this._objects, options);
  }

  /**
   * Shares one execution of `fn` among those who ask for the same key while it runs, and for `ttl` after it. It runs as a task of its
   * own. Waits as await() does; an error goes to all who wait and is not kept. Who leaves (cancel, signal, timeout) does not end it while
   * another waits, the last one does. `samples: n` gives an array of n independent results. SingleflightError where `fn` asks for its own key.
   */
  singleflight<T>(key: SingleflightKey, fn: Flown<T>, options: SingleflightOptions & { samples: number }): Promise<T[]>;
  singleflight<T>(key: SingleflightKey, fn: Flown<T>, options?: SingleflightOptions | Context): Promise<T>;
  singleflight<T>(key: SingleflightKey, fn: Flown<T>, options?: SingleflightOptions | Context): Promise<T | T[]> {
    return this._flights.do(key, fn, options);
  }

  /** Makes an actor: a task that gives `handler` one message at a time. It lives until it is stopped, fails or is cancelled, and
   * costs no slot while it waits. A root task unless `parent` is given. */
  actor<M = unknown, R = unknown>(handler: ActorHandler<M, R>, options?: ActorOptions): Actor<M, R> {
    return new Actor<M, R>(this.#theProcessHost(), handler, options);
  }

  /** Makes a supervisor, and starts its children in order; `ready()` says when they are. It starts again those that end, as its
   * `strategy` and their `restart` say. A root task unless `parent` is given. */
  supervisor(options: SupervisorOptions): Supervisor {
    return new Supervisor(this.#theProcessHost(), options);
  }

  #theProcessHost(): ProcessHost {
    const ends: (() => void)[] = [];
    return (this.#processHost ??= {
      runtime: this,
      engine: this.#engine,
      operations: this.#operations,
      objects: this._objects,
      cancel: (task, reason, cause) => void (this.#closed || this.#cancel(task, reason, cause)),
      afterwards: (run) => {
        if (ends.push(run) > 1) return;
        for (let i = 0; i < ends.length; i++) ends[i]!();
        ends.length = 0;
      },
      outside: (run) => this.#bodyRunner.within(undefined, run),
    });
  }

  /** Does whichever of the cases can be done first, and none of the others; of those that can at once the seed chooses. */
  select<const C extends readonly AnyCase[]>(cases: C & Cases<C>, options?: Context | WaitOptions): Promise<Selected<C>> {
    return select(this._objects, cases, options, undefined) as Promise<Selected<C>>;
  }

  // --- Watching ---

  /** Changes limits and defaults live; all of it, or nothing where a value is refused. */
  configure(config: SchedulerConfig): void {
    this.#open('configure');
    checkLiveConfig(config);
    for (const [key, value] of kernelEntries(config)) this.#engine.raw.hd_configure(ConfigKey[key], finiteCount(value));
    this.#routes.configure(config);
    if (config.maxQueued !== undefined) this.#maxQueued = config.maxQueued;
    if (config.taskTimeout !== undefined) this.#taskTimeout = config.taskTimeout;
    if (config.maxConcurrentTasks !== undefined) this.#maxTasks = config.maxConcurrentTasks;
    if (config.retainSettled !== undefined) this.#tasks.retain = config.retainSettled;
    this.#engine.wake();
  }

  getStats(): RuntimeStats {
    this.#sync();
    this.#engine.tick();
    const stats = JSON.parse(this.#engine.control.stats()) as Omit<RuntimeStats, 'forgottenTasks' | 'gates'>;
    return { ...stats, forgottenTasks: this.#tasks.forgotten, gates: this.#gates() };
  }

  #gates(): GateStats[] {
    const all = JSON.parse(this.#engine.control.gates()) as RawGate[];
    return all.map((raw, i) => gateStatsOf(raw, this.#routes.info(i + 1), this._epoch));
  }

  /** Why a task is not running now: one entry for each thing that it waits for. */
  explain(id: string): Explanation[] {
    const seq = this.#seqOf(id, 'explain');
    const task = this.#tasks.get(seq);
    if (task === undefined) throw new ArgumentError('explain', `there is no task ${id}: it was never submitted here, or is forgotten`);
    this.#sync();
    if (task._fiber === 0) return [{ reason: 'settled', since: task.completedAt!, text: `${describe(task)} is ${task.state}` }];
    const facts = JSON.parse(this.#engine.control.explain(task._fiber)) as RawFact[];
    const taskOf = (fiber: number): Task | undefined => this.#fibers[fiber];
    const gateOf = (gate: number): GateInfo => this.#routes.info(gate);
    const labelOf = (object: number): string | undefined => this._objects.label(object);
    return facts.map((fact) => explanationOf(task, fact, { taskOf, gateOf, labelOf }, this._epoch, this.clock.now()));
  }

  /** Resolves when no task is left that has not settled; at once if that is so. */
  onIdle(): Promise<void> {
    return this.#when(() => this.#pending + this.#active === 0, 'onIdle');
  }

  /** Resolves when no task is left that has not settled, and no light fiber of a program that could still do anything: one that
   * waits for messages does nothing by itself. @internal */
  _onQuiet(): Promise<void> {
    const lightFibers = (): number => (JSON.parse(this.#engine.control.stats()) as RuntimeStats).fibers;
    return this.#when(() => this.#pending + this.#active === 0 && (lightFibers() === 0 || this.#engine.raw.hd_at_rest() !== 0), 'onIdle');
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
    if (options !== undefined) checkTaskOptions(operation, options);
    const parent = this.#parentFor(options, from, operation);
    const detached = options?.detached === true;
    const { raw } = this.#engine;
    this.#engine.wake();
    let key: string | undefined;
    if (options !== undefined) {
      key = options.key;
      this.#send(options);
    }
    const shield = parent === from?._owner ? (from?._shield ?? 0) : 0;
    const fiber = raw.hd_submit(parent?._fiber ?? 0, FiberKind.task | (detached ? 1 << 16 : 0), shield);
    if (fiber === 0) {
      this.#keys.release(key);
      throw refusedChild(operation, parent!);
    }
    const task = new Task<T>(this, fiber, this.#seqFor(fiber), body, detached ? undefined : parent, options, this.#engine.time);
    this.#submitted(task as Task, parent);
    return task;
  }

  /** @internal */
  _run<T>(operation: 'run' | 'ctx.run' | 'eval', source: string, options: RunOptions | undefined, from: Context | undefined): Task<T> {
    const program = programOptions(operation, source, options);
    this.#open(operation, from);
    const { task: taskOptions } = program;
    const lisp = this.#theLisp();
    // Values of the user's, whose code may do anything: what is asked below holds after it.
    const encoded = lisp.encodeProgram(source, program, operation === 'eval' ? 'shared' : 'fresh');
    this.#open(operation, from);
    const parent = this.#parentFor(taskOptions, from, operation);
    const detached = taskOptions?.detached === true;
    const { raw } = this.#engine;
    this.#engine.wake();
    if (taskOptions !== undefined) this.#send(taskOptions);
    lisp.send(encoded);
    const shield = parent === from?._owner ? (from?._shield ?? 0) : 0;
    const fiber = raw.hd_lisp_program(parent?._fiber ?? 0, FiberKind.task | (detached ? 1 << 16 : 0), shield);
    if (fiber === 0) {
      this.#keys.release(taskOptions?.key);
      if (parent?._isInterrupted() === true || parent?._bodyOver === true) throw refusedChild(operation, parent);
      throw new ArgumentError(operation, 'the arguments and globals do not fit into the heap');
    }
    const task = new LispTask<T>(this, fiber, this.#seqFor(fiber), detached ? undefined : parent, taskOptions, this.#engine.time, true);
    task.output = program.output;
    task.text = { file: program.file, source };
    this.#submitted(task as Task, parent);
    return task;
  }

  // The task that a new one is to be a child of. Throws where there can be no new one.
  #parentFor(options: TaskOptions | undefined, from: Context | undefined, operation: string): Task | undefined {
    const parent = options?.parent === undefined ? from?._owner : this.#ownTask(options.parent, operation);
    if (this.#pending >= this.#maxQueued) throw new QueueFullError(this.#maxQueued);
    if (parent !== undefined && parent._fiber === 0) {
      if (parent._isInterrupted()) throw parent._interruption();
      throw new ArgumentError(operation, `${describe(parent)} is over: it can have no more children; submit with detached: true, or from the runtime`);
    }
    return parent;
  }

  // The kernel counts tasks and scopes as we do, and besides them the light fibers of Lisp.
  #seqFor(fiber: number): number {
    return (this.#seq = this.#lisp === undefined ? this.#seq + 1 : this.#engine.raw.hd_seq(fiber));
  }

  #submitted(task: Task, parent: Task | undefined): void {
    const options = task._options;
    this.#fibers[task._fiber] = task;
    this.#tasks.add(task);
    this.#pending++;
    this.#bodies++;
    if (parent instanceof ScopeTask && options?.detached !== true) parent.adopt(task);
    if (options?.signal !== undefined) this.#followSignal(task, options.signal);
  }

  #theLisp(): Lisp {
    return (this.#lisp ??= new Lisp({
      runtime: this,
      engine: this.#engine,
      llm: this._llm,
      runner: this.#bodyRunner,
      store: this.#store,
      taskOf: (fiber) => this.#fibers[fiber],
      listed: (seq) => this.#tasks.get(seq),
      payloads: this.#payloads,
    }));
  }

  /** Runs more of a task's segment, in an async context that some other code brought. @internal */
  _within<R>(ctx: Context, run: () => R): R {
    return this.#store === undefined ? run() : this.#store.run(ctx, run);
  }

  /** The task whose segment this is, if it is one of this runtime's. @internal */
  _callingTask(): Task | undefined {
    return this.#bodyRunner.caller()?._owner;
  }

  /** Runs something as a caller outside does it, whatever task's segment this is. @internal */
  _outside<R>(run: () => R): R {
    let result!: R;
    this.#bodyRunner.within(undefined, () => (result = run()));
    return result;
  }

  /** Cancels a task or a scope. False if it had settled, or the runtime is closed. @internal */
  _cancel(task: Task, reason: string | undefined): boolean {
    return !this.#closed && this.#cancel(task, reason, undefined);
  }

  /** @internal */
  _random(operation: string): number {
    this.#open(operation, this.#bodyRunner.current);
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
    const taskOptions: TaskOptions = { name: options.name, timeout: options.timeout, deadline: options.deadline, signal: options.signal, retryBudget: options.retryBudget };
    checkTaskOptions('scope', taskOptions);
    const parent = caller?._owner;
    if (parent !== undefined && parent._fiber === 0) throw new ArgumentError('scope', `${describe(parent)} is over`);
    const waiter: Owner = parent ?? new Outside(this.#engine.raw, 'scope', true);
    const scope = this.#openScope(body, taskOptions, joiner, quorum, waiter, parent, caller?._shield ?? 0);
    if (options.signal !== undefined) this.#followSignal(scope as Task, options.signal);
    await this.#scopeEnd(scope, waiter);
    if (scope._outcome === 0) throw scope._interruption(); // its function is a zombie
    return scopeResult(scope, options.joiner);
  }

  /** A scope that no task opens, whoever calls: its function runs without a slot, its tasks under all limits, and a failure of
   * them is not its own. `over` is called when it has settled. @internal */
  _openFreeScope(body: ScopeBody<unknown>, operation: string, name: string, over: () => void): ScopeTask {
    if (this.#closing !== undefined) throw new ClosedError(operation);
    const waiter = new Outside(this.#engine.raw, operation);
    const scope = this.#openScope(body, { name }, ...joinerNumbers('allSettled'), waiter, undefined, 0);
    (scope._lazy().onEnd ??= []).push(over);
    this.#scopeEnd(scope, waiter).catch(ignore);
    return scope;
  }

  #openScope(
    body: ScopeBody<unknown>,
    options: TaskOptions,
    joiner: number,
    quorum: number,
    waiter: Owner,
    parent: Task | undefined,
    shield: number,
  ): ScopeTask {
    const { raw } = this.#engine;
    this.#engine.wake();
    this.#engine.tick();
    this.#send(options);
    raw.hd_option(SubmitOption.joiner, joiner);
    raw.hd_option(SubmitOption.quorum, quorum);
    const fiber = raw.hd_submit(waiter._fiber, FiberKind.scope, shield);
    if (fiber === 0) throw waiter._interruption();
    let s!: ScopeContext;
    const scope = new ScopeTask(this, fiber, this.#seqFor(fiber), () => body(s), parent, options, this.#engine.time);
    s = new ScopeContext(scope as Task);
    scope._observed = true;
    this.#fibers[fiber] = scope as Task;
    this.#bodies++;
    return scope;
  }

  /** Waits until all of a scope has ended. */
  async #scopeEnd(scope: ScopeTask, waiter: Owner): Promise<void> {
    this.#engine.targets([scope]);
    try {
      await this.#operations.begun(this.#engine.raw.hd_wait(waiter._fiber, WaitMode.ended, 0, 0, 0), waiter, scopeMeaning);
    } finally {
      if (waiter instanceof Outside && !this.#closed) waiter.end();
    }
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
    this.#bodyRunner.run(task);
  }

  /** @internal */
  resume(op: number, code: number, aux: number): void {
    this.#operations.resume(op, code, aux);
  }

  /** @internal */
  startCall(call: number, op: number, attempt: number, route: number): void {
    // A cycle runs in the context of whoever woke the engine, which is not the one who called.
    if (this.#store === undefined) this._llm.start(call, op, attempt, route);
    else this.#store.run(undefined, () => this._llm.start(call, op, attempt, route));
  }

  /** @internal */
  read(op: number, call: number): void {
    this._llm.read(op, call);
  }

  /** @internal */
  abortCall(call: number, how: number): void {
    this._llm.abort(call, how);
  }

  /** @internal */
  settle(fiber: number, outcome: number, cause: number, ended: boolean, seq: number, reason: number): void {
    const task = this.#fibers[fiber];
    if (task === undefined) return;
    const interrupted = outcome === Outcome.cancelled || outcome === Outcome.timedOut;
    const value = !interrupted
      ? task instanceof LispTask
        ? this.#lisp!.resultOf(task, outcome)
        : task._value
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
    if (task._options?.key !== undefined) this.#keys.release(task._options.key);
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
  dropped(token: number): void {
    this._objects.dropped(token);
  }

  /** @internal */
  notReleased(mutex: number, seq: number): void {
    const finding = lockNotReleased(this._objects.label(mutex) ?? 'a mutex', this.#tasks.get(seq));
    for (const listener of this.#listeners.finding) {
      queueMicrotask(() => (this.#store === undefined ? listener(finding) : this.#store.run(undefined, listener, finding)));
    }
  }

  /** @internal */
  quiet(): void {
    this.#quiet.asked();
  }

  /** @internal */
  hostOp(op: number, fiber: number, procedure: number): void {
    this.#lisp!.start(op, fiber, procedure);
  }

  /** @internal */
  hostOver(op: number): void {
    this.#lisp!.drop(op);
  }

  /** @internal */
  spawned(fiber: number, parentFiber: number, seq: number): void {
    const options: TaskOptions = {};
    const { name, priority } = this.#lisp!.spawned(fiber);
    if (name !== undefined) options.name = name;
    if (priority !== undefined) options.priority = priority;
    const parent = this.#fibers[parentFiber] ?? this.#fibers[this.#engine.raw.hd_lisp_task(parentFiber)];
    this.#submitted(new LispTask(this, fiber, seq, parent, options, this.#engine.time, false) as Task, parent);
  }

  /** @internal */
  started(fiber: number): void {
    const task = this.#fibers[fiber];
    if (task === undefined || task._hasStarted || task._outcome !== 0) return;
    task._start(this.#engine.time);
    this.#pending--;
    this.#active++;
  }

  /** @internal */
  awaited(seq: number): void {
    this.#tasks.get(seq)?._observe();
  }

  /** @internal */
  output(program: number): void {
    this.#lisp!.output(program);
  }

  /** @internal */
  timeJumped(kind: TimeJump['kind'], ms: number): void {
    for (const listener of this.#listeners.timeJump) {
      queueMicrotask(() => (this.#store === undefined ? listener({ kind, ms }) : this.#store.run(undefined, listener, { kind, ms })));
    }
  }

  /** @internal */
  cycled(): void {
    this.#levels.look();
  }

  // --- Interruptions ---

  #interruption(task: Task, outcome: number, cause: number, seq: number, handle: number): Error {
    const isOfProgram = handle === reasonOfProgram && cause === Cause.requested;
    const request = isOfProgram ? { reason: this.#lisp!.reason(seq), cause: undefined, shared: undefined } : this.#requests[handle];
    return interruptionError(task, outcome, cause, this.#named(task, seq), request, this.#taskTimeout);
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

  // --- Cancelling ---

  #cancel(task: Task | undefined, reason: unknown, cause: unknown): boolean {
    if (task === undefined || task._outcome !== 0 || task._fiber === 0) return false;
    const text = reason === undefined || typeof reason === 'string' ? reason : reasonOf(reason);
    return this.#request({ reason: text, cause, shared: undefined }, (handle) => this.#engine.raw.hd_cancel(task._fiber, handle)) !== 0;
  }

  // What the kernel cancels settles before this returns; a callback of one of them may cancel others meanwhile.
  #request<R>(request: CancelRequest, cancel: (handle: number) => R): R {
    this.#engine.tick();
    const result = cancel(this.#requests.push(request) - 1);
    this.#engine.drainEffects();
    this.#requests.length = 1;
    this.#engine.wake();
    return result;
  }

  #followSignal(task: Task, signal: AbortSignal): void {
    const stop = onAbort(signal, (reason, cause) => void (this.#closed || this.#cancel(task, reason, cause)));
    if (task._outcome === 0) (task._lazy().onEnd ??= []).push(stop);
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
    this.#lisp?.close();
    this.#operations.close();
    this.#levels.close(error);
    this.#engine.close();
    this.#transport.close();
    for (const task of this.#fibers) {
      if (task !== undefined) task._fiber = 0;
    }
  }

  /** Waits for the end of the first cycle after which something is so, the next one at the soonest. */
  #cycleWhen(reached: () => boolean): Promise<void> {
    const cycle = this.#levels.wait(reached).catch(ignore);
    this.#engine.wake();
    return cycle;
  }

  // Operations of bodies that unwind go on while the runtime closes.
  #open(operation: string, caller?: Context): void {
    if (this.#closed || (this.#closing !== undefined && caller === undefined && this.#bodyRunner.current === undefined)) throw new ClosedError(operation);
  }

  // --- Levels ---

  #when(reached: () => boolean, operation: string): Promise<void> {
    try {
      this.#open(operation);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#sync();
    return reached() ? Promise.resolve() : this.#levels.wait(reached);
  }

  // --- Small things ---

  /** What the kernel knows and what we know become the same. */
  #sync(): void {
    if (this.#closed) return;
    this.#engine.raw.hd_drain();
    this.#engine.drainEffects();
  }

  #caller(ctx: Context | undefined, operation: string): Context | undefined {
    if (ctx !== undefined && (!(ctx instanceof Context) || ctx._owner._runtime !== this)) throw new ArgumentError(operation, 'ctx must be a context of this runtime');
    const caller = ctx ?? this.#bodyRunner.caller();
    if (caller?._owner instanceof LightFiber) this.#lisp!.lookAfter(caller._owner);
    return caller;
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

  #send(options: TaskOptions): void {
    sendTaskOptions(this.#engine.raw, options, this.#keys, this._epoch);
    if (options.queueTimeout !== undefined || options.deadline !== undefined) this.#engine.tick();
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

  /** The events so far, where recordEvents was asked for: 32 bytes each. @internal */
  _recordedEvents(): Uint8Array {
    const { control, raw } = this.#engine;
    return new Uint8Array(raw.memory.buffer, control.recordedAddress(), control.recordedCount() * 32).slice();
  }

  /** Of the same run, what events only have the hash of (kPayload), and what the core refused. @internal */
  _recordedPayloads(): readonly Uint8Array[] {
    return this.#payloads ?? [];
  }
}

const stateOf: Record<number, number> = {
  [Outcome.completed]: FiberState.completed,
  [Outcome.failed]: FiberState.error,
  [Outcome.cancelled]: FiberState.cancelled,
  [Outcome.timedOut]: FiberState.error,
};

function refusedChild(operation: string, parent: Task): unknown {
  if (parent._isInterrupted()) return parent._interruption();
  return new ArgumentError(operation, `${describe(parent)} has returned: it can have no more children`);
}

const scopeMeaning: Meaning = { name: 'scope', value: ignore, failure: ignore };
