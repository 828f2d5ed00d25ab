/**
 * Structured scopes, the JavaScript side: the kernel decides when a scope is over and what is cancelled
 * (core/kernel/scopes.cpp has the table); this reads the children's results once all of them ended.
 */

import { Context } from './context.js';
import { ArgumentError } from './errors.js';
import { Joiner as JoinerNumber } from './protocol.js';
import { describe, Task } from './task.js';
import type { GeneratorBody } from './body.js';
import { settledRow } from './waits.js';

/** How a scope's result is made: of its children's, or (without a joiner) its function's. */
export type Joiner = 'all' | 'allSettled' | 'any' | 'race' | Quorum;

export interface Quorum {
  readonly quorum: number;
}

/** The first n results, in order of completion; the rest is cancelled. Fails as soon as n cannot be reached. */
export function quorum(n: number): Quorum {
  if (!Number.isInteger(n) || n < 1) throw new ArgumentError('quorum', `n must be a positive integer, got ${String(n)}`);
  return { quorum: n };
}

export interface ScopeOptions {
  joiner?: Joiner | undefined;
  name?: string | undefined;
  /** Longest run time in milliseconds. */
  timeout?: number | undefined;
  deadline?: number | Date | undefined;
  signal?: AbortSignal | undefined;
  /** Repetitions of failed LLM requests that all in it may spend; the budgets above it count as well. */
  retryBudget?: number | undefined;
  /** Who opens it; default: the calling task, if one is known. */
  ctx?: Context | undefined;
}

export type ScopeBody<T> = (scope: ScopeContext) => PromiseLike<T> | GeneratorBody<T> | T;

/** A scope's fiber. It is no task of its own to the user: not listed, not counted. @internal */
export class ScopeTask extends Task {
  bodyThrew = false;
  timedOut = false;
  /** The child that decided, by sequence number. */
  winner = 0;
  /** Why its operations raise, once they do; it settles only when all of it ended. */
  interruption: Error | undefined = undefined;
  /** In order of submission. */
  readonly children: Task[] = [];
  /** In order of completion. */
  readonly completed: Task[] = [];

  adopt(task: Task): void {
    // The scope reports its children's failures.
    task._observed = true;
    this.children.push(task);
    (task._lazy().onEnd ??= []).push(() => {
      if (task.state === 'completed') this.completed.push(task);
    });
  }

  interrupt(error: Error): void {
    this.interruption = error;
    this._interrupted = true;
    this._extra?.controller?.abort(error);
    this._extra?.token?._fire();
  }

  override _interruption(): unknown {
    return this.interruption ?? super._interruption();
  }
}

/** The context of a scope's function: what it submits are children of the scope. */
export class ScopeContext extends Context {}

export function joinerNumbers(joiner: Joiner | undefined): [joiner: number, quorum: number] {
  if (joiner === undefined) return [JoinerNumber.none, 0];
  if (typeof joiner === 'object' && joiner !== null && Number.isInteger(joiner.quorum) && joiner.quorum > 0) return [JoinerNumber.quorum, joiner.quorum];
  if (typeof joiner !== 'string' || !['all', 'allSettled', 'any', 'race'].includes(joiner)) {
    throw new ArgumentError('scope', `options.joiner must be 'all', 'allSettled', 'any', 'race' or quorum(n), got ${String(joiner)}`);
  }
  return [JoinerNumber[joiner], 0];
}

const scopeOptionNames = ['joiner', 'name', 'timeout', 'deadline', 'signal', 'retryBudget', 'ctx'];

/** Throws unless it is an object that holds nothing but a scope's options. */
export function checkScopeOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw new ArgumentError('scope', 'the options must be an object');
  for (const key of Object.keys(options)) {
    if (!scopeOptionNames.includes(key)) throw new ArgumentError('scope', `${key} is no option; there are ${scopeOptionNames.join(', ')}`);
  }
}

/** `t1 > t4 "fetch"`: where a task stands in the tree. */
function path(task: Task): string {
  const names: string[] = [];
  for (let at: Task | undefined = task; at !== undefined; at = at._parent) names.unshift(describe(at).replace('task ', ''));
  return names.join(' > ');
}

function failureOf(scope: Task, failed: readonly Task[], extra: unknown[], why: string): unknown {
  const errors = [...extra, ...failed.map((task) => task._value)];
  if (errors.length === 1 && why === '') return errors[0];
  const lines = failed.map((task) => `  ${path(task)}: ${String((task._value as Error).message)}`);
  const text = why === '' ? `${errors.length} failures` : why;
  return new AggregateError(errors, [`scope ${path(scope)}: ${text}`, ...lines].join('\n'));
}

/** The result of a scope that is over, or a throw. @internal */
export function scopeResult(scope: ScopeTask, joiner: Joiner | undefined): unknown {
  const { children, completed } = scope;
  const failed = children.filter((task) => task.state === 'error');
  if (scope.state === 'cancelled' || scope.timedOut) throw scope._value;
  if (scope.state === 'error') {
    // What the function threw counts unless it is the echo of a child's failure, or of the scope's cancellation.
    const isEcho = scope._value === scope.interruption || children.some((task) => task._value === scope._value);
    const own = scope.bodyThrew && !isEcho ? [scope._value] : [];
    if (own.length === 0 && joiner !== undefined && typeof joiner === 'object') {
      throw failureOf(scope, failed, own, `${joiner.quorum} results were wanted, ${completed.length} of ${children.length} came`);
    }
    if (own.length === 0 && (joiner === 'any' || joiner === 'race') && failed.length === 0) {
      throw failureOf(scope, failed, own, `no task ${joiner === 'any' ? 'completed' : 'settled'}`);
    }
    if (own.length === 0 && joiner === 'any') throw failureOf(scope, failed, own, 'no task completed');
    const causes = failed.length + own.length > 0 ? failed : children.filter((task) => task.state === 'cancelled').slice(0, 1);
    throw failureOf(scope, causes, own, '');
  }
  switch (joiner) {
    case undefined:
      return scope._value;
    case 'all':
      return children.map((task) => task._result());
    case 'allSettled':
      return children.map((task) => settledRow(task));
    case 'any':
    case 'race': {
      const first = children.find((task) => task._seq === scope.winner)!;
      if (first.state !== 'completed') throw first._value;
      return first._result();
    }
    default:
      return completed.slice(0, joiner.quorum).map((task) => task._result());
  }
}
