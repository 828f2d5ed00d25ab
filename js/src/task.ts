/**
 * A task as its user sees it: the promise of a fiber. Partner: runtime.ts, which moves it.
 *
 * A parked task must stay small (there may be a million of them), so the rarely used parts are made when they are asked
 * for: the promise, the token, the signal, the options.
 */

import { cancellationOf, TaskToken, type CancellationToken } from './cancellation.js';
import { FiberState } from './protocol.js';
import type { Runtime } from './runtime.js';
import type { TaskOptions } from './task-options.js';

export type TaskState = 'pending' | 'running' | 'suspended' | 'completed' | 'cancelled' | 'error';

const stateNames: Record<number, TaskState> = {
  [FiberState.pending]: 'pending',
  [FiberState.running]: 'running',
  [FiberState.suspended]: 'suspended',
  [FiberState.completed]: 'completed',
  [FiberState.cancelled]: 'cancelled',
  [FiberState.error]: 'error',
};

// The executor of every promise made here; it hands over what it got, so that no closure is made per promise.
let lastResolve: (value: unknown) => void;
let lastReject: (reason: unknown) => void;
const capture = (resolve: (value: unknown) => void, reject: (reason: unknown) => void): void => {
  lastResolve = resolve;
  lastReject = reject;
};

const ignore = (): void => {};

/** A result that is made when it is asked for, and may be impossible to make. @internal */
export abstract class Unread {
  #value: unknown;
  #state: 'unread' | 'read' | 'refused' = 'unread';

  /** Makes it, or throws why not; called once. */
  protected abstract make(): unknown;

  read(): unknown {
    if (this.#state === 'unread') {
      try {
        this.#value = this.make();
        this.#state = 'read';
      } catch (error) {
        this.#value = error;
        this.#state = 'refused';
      }
    }
    if (this.#state === 'refused') throw this.#value;
    return this.#value;
  }

  /** A promise of it, whose rejection is no news by itself: the task completed. */
  promised(): Promise<unknown> {
    const promise = new Promise((resolve) => resolve(this.read()));
    promise.catch(ignore);
    return promise;
  }
}

/** What a task's own calls to models came to so far; its children's are theirs. */
export interface TaskLLMUsage {
  /** Requests sent, retries and hedges included. */
  attempts: number;
  inputTokens: number;
  outputTokens: number;
}

/** What a task has only if somebody used it. A class, so that all of them have one shape. */
class Extra {
  promise: Promise<unknown> | undefined = undefined;
  resolve: ((value: unknown) => void) | undefined = undefined;
  reject: ((reason: unknown) => void) | undefined = undefined;
  token: TaskToken | undefined = undefined;
  controller: AbortController | undefined = undefined;
  onEnd: (() => void)[] | undefined = undefined;
  llmAttempts = 0;
  llmInput = 0;
  llmOutput = 0;
}

/** Where a task comes from, when it has both a parent and options of its own. */
class Origin {
  constructor(
    readonly parent: Task,
    readonly options: TaskOptions,
  ) {}
}

// The low bits of a task's flags are its FiberState once it settled.
const outcomeBits = 7;
const flag = { observed: 8, bodyOver: 16, zombie: 32, interrupted: 64 } as const;

const ticksPerMs = 16;
function toTicks(ms: number): number {
  return Math.round(ms * ticksPerMs);
}

// Ten fields, no private ones (Node 20 needs 100 ns to define them), and small integers where that is possible: what a task
// costs is mostly what the garbage collector has to copy of it.
export class Task<T = unknown> {
  /** @internal */ readonly _runtime: Runtime;
  /** The fiber's id in the kernel, 0 once it ended. @internal */ _fiber: number;
  /** @internal */ readonly _seq: number;
  /** The body until it starts; then what its end gave; once settled, the result or the error. @internal */ _value: unknown;
  /** The parent, or the options, or both. @internal */ readonly _origin: Task | TaskOptions | Origin | undefined;
  /** @internal */ _extra: Extra | undefined = undefined;
  /** @internal */ _flags = 0;
  // Times are ticks on the runtime's clock.
  /** @internal */ readonly _created: number;
  /** @internal */ _started = -1;
  /** @internal */ _settled = -1;

  /** @internal */
  constructor(runtime: Runtime, fiber: number, seq: number, body: unknown, parent: Task | undefined, options: TaskOptions | undefined, created: number) {
    this._runtime = runtime;
    this._fiber = fiber;
    this._seq = seq;
    this._value = body;
    this._origin = parent === undefined ? options : options === undefined ? parent : new Origin(parent, options);
    this._created = toTicks(created);
  }

  /** @internal */
  get _parent(): Task | undefined {
    const origin = this._origin;
    if (origin === undefined || origin instanceof Task) return origin;
    return origin instanceof Origin ? origin.parent : undefined;
  }

  /** @internal */
  get _options(): TaskOptions | undefined {
    const origin = this._origin;
    if (origin === undefined || origin instanceof Task) return undefined;
    return origin instanceof Origin ? origin.options : origin;
  }

  /** FiberState once settled, else 0. @internal */
  get _outcome(): number {
    return this._flags & outcomeBits;
  }
  /** @internal */
  set _outcome(outcome: number) {
    this._flags = (this._flags & ~outcomeBits) | outcome;
  }

  /** Somebody awaits it, so that a failure has a reader. @internal */
  get _observed(): boolean {
    return (this._flags & flag.observed) !== 0;
  }
  /** @internal */
  set _observed(on: boolean) {
    this._flags = on ? this._flags | flag.observed : this._flags & ~flag.observed;
  }

  /** Somebody reads its outcome from now on. @internal */
  _observe(): void {
    this._observed = true;
    // It failed in this very turn, and would else surface at the turn's end.
    if (this._outcome === FiberState.error) this._extra?.promise?.catch(ignore);
  }

  /** Its body has returned or thrown. @internal */
  get _bodyOver(): boolean {
    return (this._flags & flag.bodyOver) !== 0;
  }
  /** @internal */
  set _bodyOver(on: boolean) {
    this._flags = on ? this._flags | flag.bodyOver : this._flags & ~flag.bodyOver;
  }

  /** @internal */
  get _isZombie(): boolean {
    return (this._flags & flag.zombie) !== 0;
  }
  /** @internal */
  set _isZombie(on: boolean) {
    this._flags = on ? this._flags | flag.zombie : this._flags & ~flag.zombie;
  }

  /** It was cancelled or ran out of time. @internal */
  get _interrupted(): boolean {
    return (this._flags & flag.interrupted) !== 0;
  }
  /** @internal */
  set _interrupted(on: boolean) {
    this._flags = on ? this._flags | flag.interrupted : this._flags & ~flag.interrupted;
  }

  /** @internal */
  get _hasStarted(): boolean {
    return this._started >= 0;
  }

  /** Gives the body, and forgets it. @internal */
  _start(at: number): unknown {
    const body = this._value;
    this._started = toTicks(at);
    this._value = undefined;
    return body;
  }

  /** Unique in its runtime, in order of submission: `t1`, `t2`, ... */
  get id(): string {
    return `t${this._seq}`;
  }

  get state(): TaskState {
    if (this._outcome !== 0) return stateNames[this._outcome]!;
    return stateNames[this._runtime._fiberState(this._fiber)]!;
  }

  /** As submitted, or inherited from the parent; higher goes first where `fairnessMode` is `priority`. */
  get priority(): number {
    for (let task: Task | undefined = this as Task; task !== undefined; task = task._parent) {
      if (task._options?.priority !== undefined) return task._options.priority;
    }
    return 0;
  }

  get name(): string | undefined {
    return this._options?.name;
  }

  /** The id of the task that this one is a child of. */
  get parentId(): string | undefined {
    return this._parent?.id;
  }

  /** Milliseconds since the epoch (under virtual time: since the runtime began), to 1/16 ms. */
  get createdAt(): number {
    return this._runtime._epoch + this._created / ticksPerMs;
  }

  /** When the body began; undefined until then. */
  get startedAt(): number | undefined {
    return this._started < 0 ? undefined : this._runtime._epoch + this._started / ticksPerMs;
  }

  /** When it completed, failed or was cancelled; undefined until then. */
  get completedAt(): number | undefined {
    return this._settled < 0 ? undefined : this._runtime._epoch + this._settled / ticksPerMs;
  }

  /** What the body returned; undefined until the task completed. */
  get result(): T | undefined {
    return this._outcome === FiberState.completed ? (this._result() as T) : undefined;
  }

  /** What it gives to those who wait for it, once it completed; throws where that cannot be given. @internal */
  _result(): unknown {
    const value = this._value;
    return value instanceof Unread ? value.read() : value;
  }

  /** Why it failed or was cancelled; undefined otherwise. What a body throws is kept as it is. */
  get error(): Error | undefined {
    return this._outcome > FiberState.completed ? (this._value as Error) : undefined;
  }

  /** Settles with the task, and stays valid after the runtime forgot it. Awaiting it inside another task works, but
   * keeps that task's slot; `ctx.await(task)` gives the slot back. */
  get promise(): Promise<T> {
    const extra = this._lazy();
    if (extra.promise === undefined) {
      const outcome = this._outcome;
      if (outcome === FiberState.completed) {
        const value = this._value;
        extra.promise = value instanceof Unread ? value.promised() : Promise.resolve(value);
      } else if (outcome !== 0) {
        extra.promise = Promise.reject(this._value);
        if (outcome === FiberState.cancelled) extra.promise.catch(ignore);
      } else {
        extra.promise = new Promise<unknown>(capture);
        extra.resolve = lastResolve;
        extra.reject = lastReject;
      }
    }
    return extra.promise as Promise<T>;
  }

  /** Cancels this task when asked, and says whether it is cancelled. */
  get cancellationToken(): CancellationToken {
    return (this._lazy().token ??= new TaskToken(this as Task));
  }

  /** What its calls to models came to so far. */
  get llm(): Readonly<TaskLLMUsage> {
    const { llmAttempts: attempts = 0, llmInput: inputTokens = 0, llmOutput: outputTokens = 0 } = this._extra ?? {};
    return { attempts, inputTokens, outputTokens };
  }

  /** @internal */
  _usedLLM(attempts: number, inputTokens: number, outputTokens: number): void {
    const extra = this._lazy();
    extra.llmAttempts += attempts;
    extra.llmInput += inputTokens;
    extra.llmOutput += outputTokens;
  }

  /** The nearest key given to it or above it. @internal */
  _tenant(): string | undefined {
    for (let at: Task | undefined = this as Task; at !== undefined; at = at._parent) {
      if (at._options?.key !== undefined) return at._options.key;
    }
    return undefined;
  }

  /** @internal */
  _lazy(): Extra {
    return (this._extra ??= new Extra());
  }

  /** An AbortSignal that aborts with the task's error when it is cancelled or timed out. @internal */
  _signal(): AbortSignal {
    const extra = this._lazy();
    if (extra.controller === undefined) {
      extra.controller = new AbortController();
      if (this._isInterrupted()) extra.controller.abort(this._interruption());
    }
    return extra.controller.signal;
  }

  /** Whether it was cancelled or ran out of time. @internal */
  _isInterrupted(): boolean {
    return this._interrupted;
  }

  /** Why its operations raise. @internal */
  _interruption(): unknown {
    if (this._interrupted) return this._value;
    // A scope is cancelled before it settles.
    for (let up = this._parent; up !== undefined; up = up._parent) {
      if (up._interrupted) return up._value;
    }
    return cancellationOf(this as Task, 'was cancelled', undefined);
  }

  /** A failure that nobody reads surfaces as the platform's unhandled rejection does. @internal */
  _surface(): void {
    this._lazy().promise = Promise.reject(this._value);
  }

  /** The kernel says that it settled. @internal */
  _settle(outcome: number, value: unknown, interrupted: boolean, at: number): void {
    this._outcome = outcome;
    this._value = value;
    this._settled = toTicks(at);
    if (interrupted) this._interrupted = true;
    const extra = this._extra;
    if (extra?.promise !== undefined) {
      if (outcome === FiberState.completed) {
        extra.resolve!(value instanceof Unread ? value.promised() : value);
      } else {
        // A cancelled task that nobody awaits is no news.
        if (outcome === FiberState.cancelled) extra.promise.catch(ignore);
        extra.reject!(value);
      }
    } else if (outcome === FiberState.error && !this._observed) {
      this._surface();
    }
    if (extra === undefined) return;
    extra.resolve = extra.reject = undefined;
    if (interrupted) {
      extra.controller?.abort(value);
      extra.token?._fire();
    }
    if (extra.onEnd !== undefined) {
      const ends = extra.onEnd;
      extra.onEnd = undefined;
      for (const end of ends) end();
    }
  }
}

/** `t3 "classify"`, for messages. */
export function describe(task: { id: string; name?: string | undefined }): string {
  return task.name === undefined ? `task ${task.id}` : `task ${task.id} "${task.name}"`;
}
