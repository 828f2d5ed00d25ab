/**
 * Running bodies: from the kernel's start to the event that says how the body ended, and who calls meanwhile. The forms that
 * a body can have are body.ts's business.
 */

import type { ContextStore } from './async-context.js';
import { isAsyncGenerator, isGenerator, promiseOf, stepGenerator, type GeneratorBody } from './body.js';
import { Context } from './context.js';
import type { Engine } from './engine/engine.js';
import { ArgumentError, HeddleError } from './errors.js';
import type { Operations } from './operations.js';
import { printable } from './printable.js';
import { EventType } from './protocol.js';
import { ScopeTask } from './scope.js';
import { describe, type Task } from './task.js';

export class BodyRunner {
  readonly #engine: Engine;
  readonly #operations: Operations;
  readonly #store: ContextStore<Context | undefined> | undefined;
  /** Whose synchronous segment runs. */
  current: Context | undefined;

  constructor(engine: Engine, operations: Operations, store: ContextStore<Context | undefined> | undefined) {
    this.#engine = engine;
    this.#operations = operations;
    this.#store = store;
  }

  /** Who calls, where nobody says it: the task whose segment runs, else the one that the host's async context names. */
  caller(): Context | undefined {
    return this.current ?? this.#store?.getStore();
  }

  run(task: Task): void {
    const body = task._start(this.#engine.time) as (ctx: Context) => unknown;
    const ctx = new Context(task);
    const before = this.current;
    this.current = ctx;
    let result: unknown;
    try {
      result = this.#store === undefined ? body(ctx) : this.#store.run(ctx, body, ctx);
    } catch (error) {
      this.#threw(task, error);
      return;
    } finally {
      this.current = before;
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
    stepGenerator(generator, task, this.#operations, (run) => this.within(ctx, run), {
      returned: (value) => this.#returned(task, value),
      threw: (error) => this.#threw(task, error),
    });
  }

  /** Runs something as the segment of a task, or of none. */
  within(ctx: Context | undefined, run: () => void): void {
    const before = this.current;
    this.current = ctx;
    try {
      if (this.#store === undefined) run();
      else this.#store.run(ctx, run);
    } finally {
      this.current = before;
    }
  }

  #returned(task: Task, value: unknown): void {
    task._bodyOver = true;
    this.#operations.dropped(task);
    // Of a runtime that closed meanwhile, or a task that the kernel ended.
    if (task._fiber === 0) return;
    if (task._outcome === 0) task._value = value;
    this.#engine.event(EventType.ended, task._fiber, 1);
  }

  #threw(task: Task, error: unknown): void {
    task._bodyOver = true;
    this.#operations.dropped(task);
    if (task._fiber === 0) return;
    if (task._outcome === 0) task._value = error instanceof Error ? error : nonError(task, error);
    if (task instanceof ScopeTask) task.bodyThrew = true;
    this.#engine.event(EventType.ended, task._fiber, 0);
  }
}

function nonError(task: Task, thrown: unknown): HeddleError {
  return new HeddleError('NonError', `${describe(task)} threw something that is no Error: ${printable(thrown)}`, { cause: thrown });
}
