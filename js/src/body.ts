/**
 * Running a body: an async function, a plain function or a generator function, from its start to its end. Each `yield` of
 * a generator body is an await point; what it yields may be an operation of Heddle's (no promise is made), any other
 * thenable, or a plain value, which comes back at once.
 */

import { PendingOperation, type Operations, type Owner } from './operations.js';

/** What a body yields and how it goes on. */
export type GeneratorBody<T> = Generator<unknown, T, unknown>;

export function isGenerator(value: unknown): value is GeneratorBody<unknown> {
  return tagOf(value) === 'Generator';
}

/** What an async generator function gives: no body, since its yields go to a reader of its own. */
export function isAsyncGenerator(value: unknown): boolean {
  return tagOf(value) === 'AsyncGenerator';
}

// Never throws, whatever object of the user's it is.
function tagOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    return (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  } catch {
    return undefined;
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** A promise of what a body gave, or undefined where that is a plain value. Never throws: a thenable is the user's own code,
 * which may throw where it is read or called, or settle twice; a promise made of it does neither. */
export function promiseOf(value: unknown): Promise<unknown> | undefined {
  try {
    if (value instanceof Promise) return value;
    if (!isThenable(value)) return undefined;
  } catch {
    // Reading it again fails again, and rejects the promise.
  }
  return new Promise((resolve) => resolve(value));
}

/** How a body tells its end. */
export interface BodyEnd {
  returned(value: unknown): void;
  threw(error: unknown): void;
}

/** Steps a generator until it ends or waits. `current` is set while it runs. @internal */
export function stepGenerator(
  generator: GeneratorBody<unknown>,
  owner: Owner,
  operations: Operations,
  around: (run: () => void) => void,
  end: BodyEnd,
): void {
  let failed = false;
  let value: unknown;
  let result: IteratorResult<unknown, unknown> | undefined;
  let thrown = false;
  const once = (): void => {
    const before = operations.stepping;
    operations.stepping = owner;
    try {
      result = failed ? generator.throw(value) : generator.next(value);
    } catch (error) {
      thrown = true;
      value = error;
    } finally {
      operations.stepping = before;
    }
  };
  const step = (nextFailed: boolean, nextValue: unknown): void => {
    failed = nextFailed;
    value = nextValue;
    for (;;) {
      around(once);
      if (thrown) {
        end.threw(value);
        return;
      }
      const { done, value: yielded } = result!;
      if (done === true) {
        const promise = yielded instanceof PendingOperation ? yielded : promiseOf(yielded);
        if (promise === undefined) end.returned(yielded);
        else promise.then(end.returned, end.threw);
        return;
      }
      if (yielded instanceof PendingOperation) {
        if (yielded._state === 'pending') {
          yielded._step = step;
          operations.parked();
          return;
        }
        failed = yielded._state === 'failed';
        value = yielded._value;
        continue;
      }
      const promise = promiseOf(yielded);
      if (promise !== undefined) {
        promise.then(
          (v) => step(false, v),
          (e: unknown) => step(true, e),
        );
        return;
      }
      failed = false;
      value = yielded;
    }
  };
  step(false, undefined);
}
