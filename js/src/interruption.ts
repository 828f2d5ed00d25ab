/**
 * The error of a task that the kernel cancelled or timed out: what happened, whose limit or cancellation it was, and why.
 */

import { cancellationOf, reasonOf } from './cancellation.js';
import { TimeoutError, type CancellationError, type TimeoutLimit } from './errors.js';
import { Cause, Outcome } from './protocol.js';
import { ScopeTask } from './scope.js';
import { describe, type Task } from './task.js';

/** What cancel() said, while the kernel carries it through the tree. */
export interface CancelRequest {
  reason: string | undefined;
  cause: unknown;
  /** One error for all, where all of them fall for one reason. */
  shared: CancellationError | undefined;
}

/** `source`: whose timeout, deadline or cancellation it was, where that is known. */
export function interruptionError(
  task: Task,
  outcome: number,
  cause: number,
  source: Task | undefined,
  request: CancelRequest | undefined,
  taskTimeout: number,
): Error {
  if (outcome === Outcome.timedOut) return timeoutError(task, cause, source ?? task, taskTimeout);
  if (request?.shared !== undefined && (cause === Cause.requested || cause === Cause.parentCancelled)) return request.shared;
  const from = source === task ? undefined : source;
  switch (cause) {
    case Cause.parentCancelled: {
      const up = from?._interruption();
      const reason = up === undefined ? undefined : reasonOf(up);
      return cancellationOf(task, `was cancelled with ${from === undefined ? 'its parent' : describe(from)}`, reason, up);
    }
    case Cause.parentFailed:
      return cancellationOf(task, 'was cancelled', `its parent ${from === undefined ? '' : `${describe(from)} `}failed`, from?._value);
    case Cause.scopeDecided:
      return cancellationOf(task, 'was cancelled', 'its scope has its result');
    case Cause.scopeFailed:
      return cancellationOf(task, 'was cancelled', task instanceof ScopeTask ? 'a task of it failed' : 'another task of its scope failed');
    case Cause.awaitDecided:
      return cancellationOf(task, 'was cancelled', 'another task won the wait');
    case Cause.closed:
      return cancellationOf(task, 'was cancelled', 'the runtime was closed');
    default:
      return cancellationOf(task, 'was cancelled', request?.reason, request?.cause);
  }
}

function timeoutError(task: Task, cause: number, owner: Task, taskTimeout: number): TimeoutError {
  const options = owner._options;
  let limit: TimeoutLimit = 'timeout';
  let ms = options?.timeout ?? taskTimeout;
  let text = `ran longer than its timeout of ${ms} ms`;
  if (cause === Cause.queueTimeout) {
    limit = 'queueTimeout';
    ms = options?.queueTimeout ?? 0;
    text = `waited longer in the queue than its queueTimeout of ${ms} ms`;
  } else if (cause === Cause.deadline) {
    limit = 'deadline';
    ms = Math.max(0, Number(options?.deadline ?? 0) - owner.createdAt);
    text = owner === task ? `missed its deadline, ${ms} ms after it was submitted` : `missed the deadline that it inherited from ${describe(owner)}`;
  }
  // The stack would only show the engine.
  const stackLimit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = new TimeoutError(`${describe(task)} ${text}`, { limit, scope: owner.id, ms });
  Error.stackTraceLimit = stackLimit;
  return error;
}
