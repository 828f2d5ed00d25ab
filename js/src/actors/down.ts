/** What those hear who watch an actor, a supervisor or a task: how it ended. */

import { CancellationError } from '../errors.js';
import { FiberState } from '../protocol.js';
import type { Task } from '../task.js';

/** How it ended: by a stop or by itself; because its handler threw or its time was over; because its task was cancelled. */
export type Outcome = 'stopped' | 'failed' | 'cancelled';

export interface End {
  outcome: Outcome;
  /** What stop() or cancel() was given, or the error's message; `stopped` without one. */
  reason: string;
  /** The error of its task, unless it was stopped. */
  error?: Error;
}

/** Of a task that has settled. @internal */
export function endOf(task: Task, stopReason?: string): End {
  if (task._outcome === FiberState.completed) return { outcome: 'stopped', reason: stopReason ?? 'stopped' };
  const error = task.error!;
  const outcome = task._outcome === FiberState.cancelled ? 'cancelled' : 'failed';
  return { outcome, reason: (error instanceof CancellationError ? error.reason : undefined) ?? error.message, error };
}
