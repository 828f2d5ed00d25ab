/** The options of `heddle/p-queue`: p-queue's, and `runtime`. */

import type { Context } from '../context.js';
import { printable } from '../printable.js';
import type { RuntimeOption } from './home.js';
import type PriorityQueue from './priority-queue.js';
import type { Queue, RunFunction } from './priority-queue.js';

type TimeoutOptions = {
  /** Longest run time of a job in milliseconds, from its begin; then add() rejects with a TimeoutError and the job's signal
   * aborts. Above 0, up to 2^31-1; default none. */
  timeout?: number | undefined;
};

export type Options<QueueType extends Queue<RunFunction, QueueOptions> = PriorityQueue, QueueOptions extends QueueAddOptions = QueueAddOptions> = {
  /** How many jobs may run at once: an integer from 1, or Infinity, the default. */
  readonly concurrency?: number | undefined;
  /** Whether jobs begin as they are added; without it, once start() was called. Default true. */
  readonly autoStart?: boolean | undefined;
  /** Keeps the waiting jobs in an order of its own. */
  readonly queueClass?: (new () => QueueType) | undefined;
  /** How many jobs may begin in an interval: an integer from 1, or Infinity, the default. */
  readonly intervalCap?: number | undefined;
  /** Length of an interval in milliseconds of the runtime's clock, up to 2^31-1. 0, the default: no intervals. */
  readonly interval?: number | undefined;
  /** Whether jobs that still run count in the next interval. Default false. */
  readonly carryoverIntervalCount?: boolean | undefined;
  /** Whether no span of an interval's length may see more than `intervalCap` begin; by default intervals follow one another.
   * Default false. */
  readonly strict?: boolean | undefined;
  /** Where the jobs run. Default: one runtime that all queues share. */
  readonly runtime?: RuntimeOption | undefined;
} & TimeoutOptions;

export type QueueAddOptions = {
  /** A job of higher priority has its turn first. Any number but NaN, default 0. */
  readonly priority?: number | undefined;
  /** For setPriority(), and the task's name. Default: "1", "2", ... */
  id?: string | undefined;
  /** As the queue's; undefined: none. */
  timeout?: number | undefined;
} & TaskOptions;

export type TaskOptions = {
  /** Ends the job: waiting, it is removed; running, add() rejects with the signal's reason, and the job goes on unless it looks
   * at its signal. */
  readonly signal?: AbortSignal | undefined;
};

/** What a job's function gets. */
export type JobOptions = TaskOptions & {
  /** The job's task of the runtime: `ctx.llm`, `ctx.fetch`, `ctx.submit`, ... */
  readonly ctx: Context;
};

const maxDelay = 2 ** 31 - 1;

export function checkTimeout(timeout: unknown): void {
  if (timeout === undefined || (typeof timeout === 'number' && timeout > 0 && timeout <= maxDelay)) return;
  refuse('timeout', `a number of milliseconds above 0, up to ${maxDelay}`, timeout);
}

export function checkLimit(name: string, value: unknown): void {
  if (value === Infinity || (Number.isInteger(value) && (value as number) >= 1)) return;
  refuse(name, 'an integer from 1, or Infinity', value);
}

export function checkPriority(priority: unknown, isFinite: boolean): void {
  if (typeof priority === 'number' && !Number.isNaN(priority) && (!isFinite || Number.isFinite(priority))) return;
  refuse('priority', isFinite ? 'a finite number' : 'a number', priority);
}

export function checkRate({ interval, intervalCap, strict }: { interval: number; intervalCap: number; strict: boolean }): void {
  checkLimit('intervalCap', intervalCap);
  if (!Number.isFinite(interval) || interval < 0) refuse('interval', 'a number of milliseconds, 0 or more', interval);
  if (intervalCap !== Infinity && interval > maxDelay) refuse('interval', `at most ${maxDelay} with an intervalCap`, interval);
  if (strict && (interval === 0 || intervalCap === Infinity)) throw new TypeError('p-queue: the option `strict` needs an `interval` and an `intervalCap`');
}

function refuse(name: string, wanted: string, value: unknown): never {
  throw new TypeError(`p-queue: \`${name}\` must be ${wanted}, got ${printable(value)} (${typeof value})`);
}
