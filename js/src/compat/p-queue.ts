/**
 * `heddle/p-queue`: the interface of p-queue 10 on Heddle's runtime. A job that gets its turn is a task of the runtime: it is
 * cancelled with it, counted in its statistics, explained by it, and admitted by its limits too, where it has any (`runtime`).
 *
 * Who has its turn is decided here, at the moment at which p-queue decides it, since programs look: `size`, `pending` and the
 * events say the same at the same time, priorities count among those that wait at that moment, and `queueClass` may bring any
 * order. A waiting job is no task yet.
 *
 * Long because the interface is one class.
 *
 * What differs from p-queue 10 (`js/docs/compat.md` has more):
 * - a job's function is called when the turn of JavaScript is over, the first one's after the runtime is loaded; p-queue calls
 *   it within add(). So `active` comes before the function is called.
 * - add() settles when the function and the tasks that it submitted are over.
 * - it rejects with a CancellationError, TimeoutError or ClosedError of Heddle's when the runtime ends the task.
 * - intervals are measured from the begin of functions, on the runtime's clock.
 */

import { listenToAbort } from '../abort-listeners.js';
import type { Context } from '../context.js';
import { HeddleError } from '../errors.js';
import type { TaskOptions as RuntimeTaskOptions } from '../task-options.js';
import { homeOf, type Home } from './home.js';
import { Job } from './job.js';
import { checkLimit, checkPriority, checkRate, checkTimeout, type JobOptions, type Options, type QueueAddOptions } from './p-queue-options.js';
import PriorityQueue, { type Queue, type RunFunction } from './priority-queue.js';
import { RateWindows } from './rate-windows.js';

export type { RuntimeOption } from './home.js';
export type { JobOptions, Options, QueueAddOptions, TaskOptions } from './p-queue-options.js';
export { default as PriorityQueue, type Queue, type RunFunction } from './priority-queue.js';

// An intersection, which is compared as a whole: so a subclass may declare that its functions get p-queue's TaskOptions.
type JobFunction<T> = ((options: JobOptions) => T | PromiseLike<T>) & object;
type Results<Functions extends ReadonlyArray<JobFunction<unknown>>> = { -readonly [Index in keyof Functions]: Awaited<ReturnType<Functions[Index]>> };

type EventMap = {
  active: Event;
  idle: Event;
  empty: Event;
  add: Event;
  next: Event;
  completed: CustomEvent<unknown>;
  error: CustomEvent<unknown>;
  pendingZero: Event;
  rateLimit: Event;
  rateLimitCleared: Event;
};
type EventName = keyof EventMap;
type QueueEventListener<Name extends EventName> = ((event: EventMap[Name]) => void) | { handleEvent(event: EventMap[Name]): void };

/** A job ran for longer than its `timeout`: a DOMException with the name `TimeoutError`. */
export class TimeoutError extends DOMException {
  constructor(message?: string) {
    super(message, 'TimeoutError');
  }
}

/** What a job says to its queue. */
interface JobOwner {
  began(): void;
  over(job: QueueJob, failed: boolean, value: unknown): void;
}

const maxPriority = 1_000_000;
const settled = Promise.resolve();
const ignore = (): void => {};

class QueueJob extends Job {
  resolve!: (value: unknown) => void;
  reject!: (reason: unknown) => void;
  readonly promise: Promise<unknown>;
  hasBegun = false;
  startTime = 0;
  stopListening: (() => void) | undefined = undefined;
  /** For a queue class of the user's, which may look when its jobs end. */
  onOver: (() => void) | undefined = undefined;
  private controller: AbortController | undefined = undefined;

  constructor(
    private readonly owner: JobOwner,
    private readonly fn: JobFunction<unknown>,
    readonly id: string,
    private readonly name: string | undefined,
    public priority: number,
    readonly timeout: number | undefined,
    readonly signal: AbortSignal | undefined,
  ) {
    super();
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  protected override options(): RuntimeTaskOptions | undefined {
    const { name, timeout } = this;
    const priority = Math.trunc(Math.min(Math.max(this.priority, -maxPriority), maxPriority));
    return name === undefined && timeout === undefined && priority === 0 ? undefined : { name, timeout, priority };
  }

  protected override began(ctx: Context): void {
    this.hasBegun = true;
    this.startTime = Math.round(ctx.now());
    this.owner.began();
  }

  protected call(ctx: Context): unknown {
    let { signal } = this;
    // With a limit of time, a signal of its own that both end.
    if (this.timeout !== undefined) ({ signal } = this.controller = new AbortController());
    const { fn } = this;
    return fn({ signal, ctx });
  }

  protected ended(failed: boolean, value: unknown, interrupted: boolean): void {
    this.stopListening?.();
    const error = interrupted && value !== this.signal?.reason && this.isOutOfTime(value) ? new TimeoutError(`the job ${JSON.stringify(this.id)} ran for longer than its timeout, ${this.timeout} ms`) : value;
    if (interrupted) this.controller?.abort(error);
    this.owner.over(this, failed, error);
  }

  private isOutOfTime(error: unknown): boolean {
    return this.timeout !== undefined && error instanceof HeddleError && error.code === 'Timeout' && (error as { limit?: unknown }).limit === 'timeout';
  }
}

/** A queue of functions, of which no more than `concurrency` run at once. */
export default class PQueue<QueueType extends Queue<RunFunction, EnqueueOptionsType> = PriorityQueue, EnqueueOptionsType extends QueueAddOptions = QueueAddOptions> extends EventTarget {
  readonly #home: Home;
  readonly #queueClass: new () => Queue<RunFunction, EnqueueOptionsType>;
  readonly #owner: JobOwner;
  #queue: Queue<RunFunction, EnqueueOptionsType>;
  #concurrency!: number;
  #timeout: number | undefined;
  #isPaused: boolean;
  #lastId = 0;
  // By id; one whose id another one has, by itself.
  readonly #waiting = new Map<string | QueueJob, QueueJob>();
  readonly #running = new Set<QueueJob>();
  readonly #rate: RateWindows | undefined;
  #timer: AbortController | undefined;
  #wasLimited = false; // as the events said last
  #looksAtRate = false;
  // Events that somebody listens to, or once did: an event costs more than all else here.
  readonly #heard = new Set<string>();
  readonly #waiters = new Set<{ readonly events: readonly EventName[]; readonly reached: () => boolean; readonly resolve: () => void }>();

  constructor(options?: Options<QueueType, EnqueueOptionsType>) {
    super();
    const { concurrency = Infinity, autoStart = true, queueClass, intervalCap = Infinity, interval = 0, carryoverIntervalCount = false, strict = false, timeout, runtime } = options ?? {};
    checkRate({ interval, intervalCap, strict });
    if (intervalCap !== Infinity && interval > 0) this.#rate = new RateWindows(interval, intervalCap, strict, carryoverIntervalCount);
    this.#queueClass = (queueClass ?? PriorityQueue) as new () => Queue<RunFunction, EnqueueOptionsType>;
    this.#queue = new this.#queueClass();
    this.#isPaused = !autoStart;
    this.concurrency = concurrency;
    this.timeout = timeout;
    this.#home = homeOf(runtime);
    this.#owner = {
      began: () => this.#began(),
      over: (job, failed, value) => this.#over(job, failed, value),
    };
    // Many that listen to one queue are no leak.
    const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => { setMaxListeners?: (n: number, target: EventTarget) => void } | undefined } };
    process?.getBuiltinModule?.('node:events')?.setMaxListeners?.(Infinity, this);
  }

  // --- Jobs ---

  /** Adds a function, which is called when its turn comes. Gives a promise of its result; the rejection of what clear() removed
   * is no news by itself, any other wants a reader. */
  add<T>(function_: JobFunction<T>, options: Partial<EnqueueOptionsType> = {}): Promise<Awaited<T>> {
    try {
      return this.#add(function_, options) as Promise<Awaited<T>>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Adds many; gives a promise of all their results, in their order. */
  addAll<const Functions extends ReadonlyArray<JobFunction<unknown>>>(functions: Functions, options?: Partial<EnqueueOptionsType>): Promise<Results<Functions>>;
  addAll<T>(functions: ReadonlyArray<JobFunction<T>>, options?: Partial<EnqueueOptionsType>): Promise<Array<Awaited<T>>>;
  async addAll(functions: ReadonlyArray<JobFunction<unknown>>, options?: Partial<EnqueueOptionsType>): Promise<unknown[]> {
    return Promise.all(functions.map((each) => this.add(each, options)));
  }

  #add(fn: JobFunction<unknown>, given: Partial<EnqueueOptionsType>): Promise<unknown> {
    const id = given.id ?? String(++this.#lastId);
    const options = { timeout: this.#timeout, ...given, id };
    const { timeout, priority = 0, signal } = options;
    checkTimeout(timeout);
    checkPriority(priority, false);
    // It is never added, and no event tells of it.
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const name = given.id ?? (typeof fn === 'function' && typeof fn.name === 'string' && fn.name !== '' ? fn.name : undefined);
    const job = new QueueJob(this.#owner, fn, id, name, priority, timeout, signal);
    const run = (): Promise<unknown> => this.#start(job);
    const hadWaiting = this.#queue.size > 0;
    this.#queue.enqueue(run, options);
    this.#waiting.set(this.#waiting.has(id) ? job : id, job);
    if (signal !== undefined) job.stopListening = listenToAbort(signal, () => this.#aborted(job, run, signal));
    this.#emit('add');
    // One that finds nobody waiting starts without an `empty`.
    if (hadWaiting) this.#fill();
    else this.#startOne();
    return job.promise;
  }

  #aborted(job: QueueJob, run: RunFunction, signal: AbortSignal): void {
    if (!this.#takeOut(job)) {
      job.abort(signal.reason);
      return;
    }
    if (this.#queue instanceof PriorityQueue) this.#queue.remove(run);
    else this.#queue.remove(job.id);
    job.reject(signal.reason);
    this.#fill();
    this.#emit('next');
  }

  // False for a job that did not wait.
  #takeOut(job: QueueJob): boolean {
    return this.#waiting.delete(this.#waiting.get(job.id) === job ? job.id : job);
  }

  // Its turn has come.
  #start(job: QueueJob): Promise<unknown> {
    if (!this.#takeOut(job)) return Promise.resolve();
    if (job.signal?.aborted === true) {
      // It aborted, and its listeners are being called.
      job.stopListening?.();
      job.reject(job.signal.reason);
      return Promise.resolve();
    }
    job.startTime = Math.round(this.#home.runtime?.clock.now() ?? Date.now());
    this.#running.add(job);
    this.#rate?.take();
    const over = this.#queueClass === PriorityQueue ? Promise.resolve() : new Promise<void>((resolve) => (job.onOver = resolve));
    job.enter(this.#home);
    return over;
  }

  #began(): void {
    this.#rate?.began(this.#now(), this.pending);
    if (this.#queue.size > 0) this.#setTimer();
  }

  #over(job: QueueJob, failed: boolean, value: unknown): void {
    if (!job.hasBegun) this.#rate?.neverBegan();
    this.#emit(failed ? 'error' : 'completed', value);
    // Of jobs that end together each is told of before the next ones start, as p-queue does it.
    void settled.then(() => {
      this.#running.delete(job);
      if (this.#running.size === 0) this.#emit('pendingZero');
      this.#fill();
      this.#emit('next');
      job.onOver?.();
      if (failed) job.reject(value);
      else job.resolve(value);
    });
  }

  #fill(): void {
    while (this.#startOne());
  }

  /** Whether it started one. */
  #startOne(): boolean {
    for (;;) {
      if (this.#queue.size === 0) {
        this.#emptied();
        return false;
      }
      if (this.#rate?.isFull(this.#now(), this.pending) === true) {
        this.#setTimer();
        return false;
      }
      if (this.#isPaused || this.pending >= this.#concurrency) return false;
      const run = this.#queue.dequeue();
      if (run === undefined) return false;
      const before = this.pending;
      void run();
      if (this.pending > before) {
        this.#emit('active');
        return true;
      }
      // Its signal had aborted.
      this.#emit('next');
    }
  }

  #emptied(): void {
    this.#stopTimer();
    this.#emit('empty');
    if (this.pending > 0 || this.#queue.size > 0) return;
    this.#rate?.idle(this.#now());
    this.#emit('idle');
  }

  // --- Control ---

  get concurrency(): number {
    return this.#concurrency;
  }
  /** A new limit holds at once, for what runs already from its end on. */
  set concurrency(value: number) {
    checkLimit('concurrency', value);
    this.#concurrency = value;
    if (this.#queue.size > 0) this.#fill();
  }

  get timeout(): number | undefined {
    return this.#timeout;
  }
  /** For what is added from now on. */
  set timeout(value: number | undefined) {
    checkTimeout(value);
    this.#timeout = value;
  }

  /** Begins, or goes on after pause(). */
  start(): this {
    if (this.#isPaused) {
      this.#isPaused = false;
      if (this.#queue.size > 0) this.#fill();
    }
    return this;
  }

  /** Starts nothing more; what runs goes on. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Removes the waiting jobs; their promises reject with an AbortError. */
  clear(): void {
    if (this.#queue.size === 0) return;
    this.#queue = new this.#queueClass();
    const error = new DOMException('the queue was cleared', 'AbortError');
    const jobs = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const job of jobs) {
      job.stopListening?.();
      job.promise.catch(ignore);
      job.reject(error);
    }
    this.#emptied();
    this.#lookAtRate();
    this.#emit('next');
  }

  /** Moves a waiting job. Throws a ReferenceError where none has that id. */
  setPriority(id: string, priority: number): void {
    checkPriority(priority, true);
    const job = this.#waiting.get(id) ?? [...this.#waiting.values()].find((each) => each.id === id);
    if (job === undefined) throw new ReferenceError(`p-queue: no waiting job has the id ${JSON.stringify(id)}`);
    this.#queue.setPriority(id, priority);
    job.priority = priority;
  }

  // --- What it says of itself ---

  /** Jobs that wait. */
  get size(): number {
    return this.#queue.size;
  }

  /** Waiting jobs of a priority. */
  sizeBy(options: Readonly<Partial<EnqueueOptionsType>>): number {
    return this.#queue.filter(options).length;
  }

  /** Jobs that have their turn and are not over. */
  get pending(): number {
    return this.#running.size;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether jobs wait since no more may begin in this interval. */
  get isRateLimited(): boolean {
    return this.#queue.size > 0 && this.#rate?.isFull(this.#now(), this.pending) === true;
  }

  /** Whether jobs wait for others to end, or for the next interval. */
  get isSaturated(): boolean {
    return this.#queue.size > 0 && (this.pending >= this.#concurrency || this.isRateLimited);
  }

  /** The running jobs: when they began, and the milliseconds that they have left. */
  get runningTasks(): ReadonlyArray<{
    readonly id: string;
    readonly priority: number;
    readonly startTime: number;
    readonly timeout: number | undefined;
    readonly timeoutRemaining: number | undefined;
  }> {
    const now = this.#home.runtime?.clock.now() ?? Date.now();
    return Array.from(this.#running, ({ id, priority, startTime, timeout, hasBegun }) => {
      const timeoutRemaining = timeout === undefined || !hasBegun ? timeout : Math.max(0, Math.round(startTime + timeout - now));
      return { id, priority, startTime, timeout, timeoutRemaining };
    });
  }

  // --- Waiting for it ---

  /** Resolves when no job waits. */
  async onEmpty(): Promise<void> {
    if (this.#queue.size > 0) await this.#until(['empty', 'active'], () => this.#queue.size === 0);
  }

  /** Resolves when fewer than `limit` jobs wait. */
  async onSizeLessThan(limit: number): Promise<void> {
    if (!(this.#queue.size < limit)) await this.#until(['next', 'active'], () => this.#queue.size < limit);
  }

  /** Resolves when no job waits or runs. */
  async onIdle(): Promise<void> {
    if (this.pending > 0 || this.#queue.size > 0) await this.#until(['idle']);
  }

  /** Resolves when no job runs. */
  async onPendingZero(): Promise<void> {
    if (this.pending > 0) await this.#until(['pendingZero']);
  }

  /** Resolves when jobs wait for the next interval. */
  async onRateLimit(): Promise<void> {
    this.#lookAtRate();
    if (!this.isRateLimited) await this.#until(['rateLimit']);
  }

  /** Resolves when no job waits for the next interval. */
  async onRateLimitCleared(): Promise<void> {
    this.#lookAtRate();
    if (this.isRateLimited) await this.#until(['rateLimitCleared']);
  }

  /** Rejects with the error of the next job that fails. */
  onError(): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.addEventListener('error', ({ detail }) => reject(detail), { once: true });
    });
  }

  #until(events: readonly EventName[], reached = (): boolean => true): Promise<void> {
    return new Promise((resolve) => this.#waiters.add({ events, reached, resolve }));
  }

  // --- Events ---

  override addEventListener<Name extends EventName>(type: Name, listener: QueueEventListener<Name>, options?: boolean | AddEventListenerOptions): void {
    this.#heard.add(type);
    super.addEventListener(type, listener as EventListener, options);
  }

  override removeEventListener<Name extends EventName>(type: Name, listener: QueueEventListener<Name>, options?: boolean | EventListenerOptions): void {
    super.removeEventListener(type, listener as EventListener, options);
  }

  #emit(type: EventName, detail?: unknown): void {
    for (const waiter of this.#waiters.size > 0 ? this.#waiters : []) {
      if (!waiter.events.includes(type) || !waiter.reached()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
    if (this.#rate !== undefined && (type === 'add' || type === 'next' || type === 'active')) this.#lookAtRateSoon();
    if (this.#heard.has(type)) this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // --- Intervals ---

  // Before the runtime is there nothing has begun, and time does not matter.
  #now(): number {
    return this.#home.runtime?.clock.now() ?? 0;
  }

  // While jobs wait for the next interval.
  #setTimer(): void {
    const rate = this.#rate;
    const { runtime } = this.#home;
    if (rate === undefined || runtime === undefined || this.#timer !== undefined || this.#queue.size === 0 || !rate.isFull(this.#now(), this.pending)) return;
    const { due } = rate;
    // Those that have their turn begin first.
    if (due === undefined) return;
    const timer = (this.#timer = new AbortController());
    const late = (): void => {
      if (this.#timer !== timer) return;
      this.#timer = undefined;
      rate.pass(Math.max(due, this.#now()), this.pending);
      this.#fill();
      this.#lookAtRateSoon();
    };
    const ms = Math.max(0, due - this.#now());
    // The job whose begin this is has nothing to do with it. A runtime that is closed refuses the jobs themselves.
    runtime._outside(() => runtime.delay(ms, { signal: timer.signal })).then(late, late);
  }

  #stopTimer(): void {
    const timer = this.#timer;
    this.#timer = undefined;
    timer?.abort();
  }

  #lookAtRateSoon(): void {
    if (this.#looksAtRate) return;
    this.#looksAtRate = true;
    queueMicrotask(() => {
      this.#looksAtRate = false;
      this.#lookAtRate();
    });
  }

  #lookAtRate(): void {
    const isLimited = this.isRateLimited;
    if (isLimited === this.#wasLimited) return;
    this.#wasLimited = isLimited;
    this.#emit(isLimited ? 'rateLimit' : 'rateLimitCleared');
  }
}
