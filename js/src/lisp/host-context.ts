/**
 * Who calls, when a program asks the host for something: the context of one such operation. Its operations are those of the
 * fiber that waits, so that they end with it; its `signal` aborts when the program does not wait any more, whether its task
 * was cancelled or only this wait (a `with-timeout`, a loser of `fiber.select`).
 *
 * A light fiber of Lisp is no task. What it asks for counts on the task that made it, and tasks that a host's procedure
 * submits for it are that task's children.
 */

import { Context, type Body } from '../context.js';
import type { RunOptions } from './run-options.js';
import type { ScopeBody, ScopeOptions } from '../scope.js';
import { Task } from '../task.js';
import type { TaskOptions } from '../task-options.js';
import { CancellationError } from '../errors.js';

/** A light fiber in the place of a task; never listed, never settled. */
export class LightFiber extends Task {
  /** Its operation's end. */
  interruptedBy: unknown = undefined;

  override _usedLLM(attempts: number, inputTokens: number, outputTokens: number): void {
    this._parent?._usedLLM(attempts, inputTokens, outputTokens);
  }

  override _isInterrupted(): boolean {
    return this.interruptedBy !== undefined || this._parent?._isInterrupted() === true;
  }

  override _interruption(): unknown {
    if (this._parent?._isInterrupted() === true) return this._parent._interruption();
    return this.interruptedBy ?? dropped();
  }
}

function dropped(): CancellationError {
  return new CancellationError('the Lisp program does not wait for this operation any more');
}

export class HostContext extends Context {
  #controller: AbortController | undefined;
  #isOver = false;
  #ends: (() => void)[] | undefined;

  override get task(): Task {
    const owner = this._owner;
    return owner instanceof LightFiber ? (owner._parent ?? owner) : owner;
  }

  override get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isOver) this.#controller.abort(this.#reason());
    }
    return this.#controller.signal;
  }

  override submit<T>(body: Body<T>, options?: TaskOptions): Task<T> {
    return this.runtime._submit(body, options, this.#ofTask(), 'ctx.submit');
  }

  override scope<T>(body: ScopeBody<T>, options?: ScopeOptions): Promise<T> {
    return this.runtime._scope(body, options, this.#ofTask()) as Promise<T>;
  }

  override run<T = unknown>(source: string, options?: RunOptions): Task<T> {
    return this.runtime._run<T>('ctx.run', source, options, this.#ofTask());
  }

  /** The program does not wait any more. @internal */
  _drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this._owner instanceof LightFiber) this._owner.interruptedBy = this.#reason();
    this.#controller?.abort(this.#reason());
    this.#end();
  }

  /** It was answered. @internal */
  _answered(): void {
    this.#isOver = true;
    this.#end();
  }

  /** @internal */
  get _isOver(): boolean {
    return this.#isOver;
  }

  /** @internal */
  _onEnd(end: () => void): void {
    (this.#ends ??= []).push(end);
  }

  #end(): void {
    for (const end of this.#ends ?? []) end();
    this.#ends = undefined;
  }

  #reason(): unknown {
    return this._owner._isInterrupted() ? this._owner._interruption() : dropped();
  }

  #ofTask(): Context {
    return this._owner instanceof LightFiber ? new Context(this.task) : this;
  }
}
