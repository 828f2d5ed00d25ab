/**
 * Cancellation tokens: the mission's interface, for tasks and free-standing, and the bridge to AbortSignal both ways.
 *
 * A token is level-triggered: a callback added late fires at once. The first reason wins. Callbacks run in the order in
 * which they were added, synchronously inside cancel(); one that throws does not stop the others, its error surfaces like
 * an uncaught one.
 */

import { listenToAbort } from './abort-listeners.js';
import { ArgumentError, CancellationError } from './errors.js';
import { describe, type Task } from './task.js';

/** Takes the callback out again; also usable with `using`. */
export interface Disposer {
  (): void;
  [Symbol.dispose](): void;
}

export interface CancellationToken {
  readonly isCancelled: boolean;
  readonly reason: string | undefined;
  /** The same as an AbortSignal, made when first asked for; its reason is the error that throwIfCancelled() throws. */
  readonly signal: AbortSignal;
  cancel(reason?: string): void;
  /** Throws the CancellationError if cancelled. */
  throwIfCancelled(): void;
  /** Calls back once, when cancelled, or now if it is. */
  onCancel(callback: () => void): Disposer;
}

if (Symbol.dispose === undefined) {
  // Node 20 has the symbol; engines without it get the one that compiled `using` looks for.
  Object.defineProperty(Symbol, 'dispose', { value: Symbol.for('Symbol.dispose') });
}
if (Symbol.asyncDispose === undefined) {
  Object.defineProperty(Symbol, 'asyncDispose', { value: Symbol.for('Symbol.asyncDispose') });
}

export function disposer(dispose: () => void): Disposer {
  return Object.assign(dispose, { [Symbol.dispose]: dispose });
}

function surface(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** An ordered set of callbacks that fire once. */
class Callbacks {
  #callbacks: Set<{ call: () => void }> | undefined;

  get isEmpty(): boolean {
    return this.#callbacks === undefined || this.#callbacks.size === 0;
  }

  add(callback: () => void, removed?: () => void): Disposer {
    const entry = { call: callback };
    (this.#callbacks ??= new Set()).add(entry);
    return disposer(() => {
      if (this.#callbacks?.delete(entry)) removed?.();
    });
  }

  fire(): void {
    const callbacks = this.#callbacks;
    this.#callbacks = undefined;
    for (const { call } of callbacks ?? []) {
      try {
        call();
      } catch (error) {
        surface(error);
      }
    }
  }
}

function checkCallback(callback: unknown): asserts callback is () => void {
  if (typeof callback !== 'function') throw new ArgumentError('onCancel', `the callback must be a function, got ${typeof callback}`);
}

/** The token of a task: cancelling it cancels the task and its children. */
export class TaskToken implements CancellationToken {
  readonly #task: Task;
  readonly #callbacks = new Callbacks();

  constructor(task: Task) {
    this.#task = task;
  }

  get isCancelled(): boolean {
    return this.#task._isInterrupted();
  }

  get reason(): string | undefined {
    if (!this.isCancelled) return undefined;
    const error = this.#task._interruption();
    return error instanceof CancellationError ? error.reason : (error as Error).message;
  }

  get signal(): AbortSignal {
    return this.#task._signal();
  }

  cancel(reason?: string): void {
    this.#task._runtime._cancel(this.#task, reason);
  }

  throwIfCancelled(): void {
    if (this.isCancelled) throw this.#task._interruption();
  }

  onCancel(callback: () => void): Disposer {
    checkCallback(callback);
    if (this.isCancelled) {
      callback();
      return disposer(() => {});
    }
    return this.#callbacks.add(callback);
  }

  /** @internal */
  _fire(): void {
    this.#callbacks.fire();
  }
}

/** A token of its own, optionally driven by a signal. It listens to the signal only while somebody listens to it. */
export class FreeToken implements CancellationToken {
  readonly #source: AbortSignal | undefined;
  readonly #callbacks = new Callbacks();
  #error: CancellationError | undefined;
  #controller: AbortController | undefined;
  #unfollow: (() => void) | undefined;

  constructor(source: AbortSignal | undefined) {
    this.#source = source;
  }

  get isCancelled(): boolean {
    if (this.#error === undefined && this.#source?.aborted) this.#cancelFromSource();
    return this.#error !== undefined;
  }

  get reason(): string | undefined {
    return this.isCancelled ? this.#error!.reason : undefined;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.isCancelled) this.#controller.abort(this.#error);
      else this.#listen();
    }
    return this.#controller.signal;
  }

  cancel(reason?: string): void {
    if (this.isCancelled) return;
    this.#fire(new CancellationError(`the token was cancelled${reason === undefined ? '' : `: ${reason}`}`, { reason }));
  }

  throwIfCancelled(): void {
    if (this.isCancelled) throw this.#error!;
  }

  onCancel(callback: () => void): Disposer {
    checkCallback(callback);
    if (this.isCancelled) {
      callback();
      return disposer(() => {});
    }
    this.#listen();
    return this.#callbacks.add(callback, () => {
      if (this.#callbacks.isEmpty && this.#controller === undefined) this.#unlisten();
    });
  }

  #cancelFromSource(): void {
    if (this.#error !== undefined) return;
    const cause: unknown = this.#source!.reason;
    const reason = reasonOf(cause);
    this.#fire(new CancellationError(`the token's signal aborted: ${reason}`, { reason, cause }));
  }

  #fire(error: CancellationError): void {
    this.#error = error;
    this.#unlisten();
    this.#controller?.abort(error);
    this.#callbacks.fire();
  }

  #listen(): void {
    if (this.#source !== undefined) this.#unfollow ??= listenToAbort(this.#source, () => this.#cancelFromSource());
  }

  #unlisten(): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
  }
}

/** An abort reason as text. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof CancellationError && cause.reason !== undefined) return cause.reason;
  if (cause instanceof Error) return cause.message;
  return typeof cause === 'string' ? cause : String(cause);
}

/** Calls back when the signal aborts (now, if it has), and gives what stops listening. */
export function onAbort(signal: AbortSignal, callback: (reason: string, cause: unknown) => void): () => void {
  const listener = (): void => callback(reasonOf(signal.reason), signal.reason);
  if (signal.aborted) {
    listener();
    return () => {};
  }
  return listenToAbort(signal, listener);
}

/** The error of a task that was cancelled. Its stack would only show the engine, so none is collected (10 us each). */
export function cancellationOf(task: Task, what: string, reason: string | undefined, cause?: unknown): CancellationError {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const text = `${describe(task)} ${what}${reason === undefined ? '' : `: ${reason}`}`;
  const error = new CancellationError(text, cause === undefined ? { reason } : { reason, cause });
  Error.stackTraceLimit = limit;
  return error;
}
