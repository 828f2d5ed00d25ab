/** What submit() takes beside the body: its checks, and its way to the kernel. */

import type { RawExports } from './engine/module.js';
import { ArgumentError } from './errors.js';
import type { FairnessKeys } from './fairness-keys.js';
import { printable } from './printable.js';
import { SubmitOption } from './protocol.js';
import type { Task } from './task.js';

/** How to run a task. Durations in milliseconds; an option given as undefined is inherited. */
export interface TaskOptions {
  name?: string | undefined;
  /** Integer from -1,000,000 to 1,000,000; higher goes first. Inherited from the parent, else 0. */
  priority?: number | undefined;
  /** Longest run time, from the start. Default: `taskTimeout`. 0: none. */
  timeout?: number | undefined;
  /** Longest time in the queue. 0: none. */
  queueTimeout?: number | undefined;
  /** Point in time (milliseconds since the epoch, or a Date) by which it must be over; children inherit it. */
  deadline?: number | Date | undefined;
  /** Whose turn it counts as under `round-robin`. Default: the root task's own. */
  key?: string | undefined;
  /** Cancels the task when it aborts. */
  signal?: AbortSignal | undefined;
  /** The task to be a child of. */
  parent?: Task | undefined;
  /** Time that a cancelled body gets before it counts as a zombie. Default: the parent's, else the runtime's. */
  graceMs?: number | undefined;
  /** Repetitions of failed LLM requests that it and all that it submits may spend; the budgets above it count as well. Default:
   * no limit of its own. */
  retryBudget?: number | undefined;
  /** Make a root although a task submits it: not cancelled with it, not waited for. */
  detached?: boolean | undefined;
}

const maxPriority = 1_000_000;

const isDuration = (value: unknown): boolean => typeof value === 'number' && value >= 0;
const milliseconds = 'a number of milliseconds, 0 or more';

/** Throws an ArgumentError for what cannot be. One look at each option that is there, since every submit comes by. @internal */
export function checkTaskOptions(operation: string, options: TaskOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError(operation, `the options must be an object, got ${printable(options)}`);
  }
  for (const key in options) {
    const value: unknown = options[key as keyof TaskOptions];
    if (value === undefined && key in wanted) continue;
    if (!isRight(key, value)) {
      if (!Object.hasOwn(wanted, key)) {
        throw new ArgumentError(operation, `${key} is no option; there are ${Object.keys(wanted).join(', ')}`);
      }
      throw new ArgumentError(operation, `options.${key} must be ${wanted[key as keyof TaskOptions]}, got ${printable(value)}`);
    }
  }
}

const wanted: Record<keyof TaskOptions, string> = {
  name: 'a string',
  priority: `an integer from -${maxPriority} to ${maxPriority}`,
  timeout: milliseconds,
  queueTimeout: milliseconds,
  deadline: 'a Date, or milliseconds since the epoch',
  key: 'a non-empty string',
  signal: 'an AbortSignal',
  parent: 'a task',
  graceMs: milliseconds,
  detached: 'a boolean',
  retryBudget: 'an integer from 0 to 4294967295',
};

function isRight(key: string, value: unknown): boolean {
  switch (key as keyof TaskOptions) {
    case 'name':
      return typeof value === 'string';
    case 'priority':
      return Number.isInteger(value) && Math.abs(value as number) <= maxPriority;
    case 'timeout':
    case 'queueTimeout':
    case 'graceMs':
      return isDuration(value);
    case 'deadline':
      return (typeof value === 'number' || value instanceof Date) && Number.isFinite(Number(value));
    case 'key':
      return typeof value === 'string' && value !== '';
    case 'signal':
      return value instanceof AbortSignal;
    case 'parent':
      // Whose task it is, the runtime looks at.
      return true;
    case 'retryBudget':
      return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 2 ** 32 - 1;
    case 'detached':
      return typeof value === 'boolean';
    default:
      return false;
  }
}

/** Tells the kernel, for the submit that follows. @internal */
export function sendTaskOptions(raw: RawExports, options: TaskOptions, keys: FairnessKeys, epoch: number): void {
  if (options.priority !== undefined) raw.hd_option(SubmitOption.priority, options.priority);
  if (options.key !== undefined) raw.hd_option(SubmitOption.key, keys.use(options.key));
  if (options.timeout !== undefined) raw.hd_option(SubmitOption.timeout, options.timeout);
  if (options.queueTimeout !== undefined) raw.hd_option(SubmitOption.queueTimeout, options.queueTimeout);
  if (options.deadline !== undefined) {
    // The kernel counts from its own beginning; a deadline that has passed is due at once.
    raw.hd_option(SubmitOption.deadline, Math.max(Number(options.deadline) - epoch, 0.001));
  }
  if (options.retryBudget !== undefined) raw.hd_option(SubmitOption.retryBudget, options.retryBudget);
  if (options.graceMs !== undefined) raw.hd_option(SubmitOption.grace, options.graceMs);
}
