/**
 * A function on its way through a runtime: it waits for its home, is submitted as a task, and ends when the task settles.
 *
 *   new -> enter() -> [home is loaded] -> task pending -> task running -> over
 *
 * `ended` is called once, whatever comes: the function's end, an interruption of the task, a runtime that cannot be loaded
 * or is closed. Values and errors reach it as the function gave them, also what is no Error, and a generator is a value here.
 */

import { currentScope, type AsyncScope } from '../async-context.js';
import { isAsyncGenerator, isGenerator, promiseOf } from '../body.js';
import { reasonOf } from '../cancellation.js';
import type { Context } from '../context.js';
import { HeddleError } from '../errors.js';
import type { Runtime } from '../runtime.js';
import type { Task } from '../task.js';
import type { TaskOptions } from '../task-options.js';
import type { Arrival, Home } from './home.js';

export abstract class Job implements Arrival {
  // The caller's: functions find what their caller had in AsyncLocalStorage.
  private readonly scope: AsyncScope | undefined = currentScope();
  private task: Task | undefined = undefined;
  private thrown: { readonly value: unknown } | undefined = undefined;
  private aborted: { readonly reason: unknown } | undefined = undefined;
  private isOver = false;

  /** Calls the user's function. */
  protected abstract call(ctx: Context): unknown;
  /** It is over. `interrupted`: not by its own end; `value` is what the runtime, or the aborted signal, says. */
  protected abstract ended(failed: boolean, value: unknown, interrupted: boolean): void;
  /** The function is about to be called. */
  protected began(_ctx: Context): void {}
  protected options(): TaskOptions | undefined {
    return undefined;
  }

  enter(home: Home): void {
    home.take(this);
  }

  /** Ends it soon, with that reason; the function may go on. */
  abort(reason: unknown): void {
    this.aborted = { reason };
    const { task } = this;
    if (task === undefined) queueMicrotask(() => this.end(true, reason));
    else task._runtime._cancel(task, reason instanceof Error || typeof reason === 'string' ? reasonOf(reason) : undefined);
  }

  arrived(runtime: Runtime): void {
    if (this.isOver || this.aborted !== undefined) return;
    try {
      this.task = runtime.submit((ctx) => this.run(ctx), this.options());
    } catch (error) {
      this.refused(error);
      return;
    }
    this.task.promise.then(
      (value) => this.end(false, value),
      (error: unknown) => this.end(true, error),
    );
  }

  refused(error: unknown): void {
    // Nobody's promise is rejected, and no listener runs, while the call that brought the job is under way.
    queueMicrotask(() => this.end(true, error));
  }

  private run(ctx: Context): unknown {
    this.began(ctx);
    let result: unknown;
    try {
      result = this.scope === undefined ? this.call(ctx) : this.scope.runInAsyncScope(() => ctx.runtime._within(ctx, () => this.call(ctx)));
    } catch (error) {
      this.thrown = { value: error };
      throw error;
    }
    const promise = promiseOf(result);
    if (promise === undefined) return isGenerator(result) || isAsyncGenerator(result) ? Promise.resolve(result) : result;
    return promise.then(undefined, (error: unknown) => {
      this.thrown = { value: error };
      throw error;
    });
  }

  private end(failed: boolean, value: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    const { thrown, aborted } = this;
    const isItsOwn = thrown !== undefined && (value === thrown.value || isWrapped(value, thrown.value));
    if (!failed) this.ended(false, value, false);
    else if (isItsOwn) this.ended(true, thrown.value, false);
    else this.ended(true, aborted === undefined ? value : aborted.reason, true);
  }
}

// What is no Error, the runtime wraps.
function isWrapped(error: unknown, thrown: unknown): boolean {
  return !(thrown instanceof Error) && error instanceof HeddleError && error.code === 'NonError' && Object.is(error.cause, thrown);
}
