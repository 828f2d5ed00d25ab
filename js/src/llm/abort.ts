/**
 * One promise, until a signal aborts. Invariant: after the returned promise settles, no listener of ours is left on the
 * signal, and a late result or failure of the work is swallowed, never reported as unhandled. It does not stop the
 * work: who started it does that. Partners: `http.ts`, `custom.ts`.
 */

import { listenToAbort } from '../abort-listeners.js';

const ignore = (): void => undefined;

/** Settles as `work` does, or rejects with the signal's reason in the same turn as the abort, whichever is first. */
export function untilAbort<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.then(ignore, ignore);
    return Promise.reject(signal.reason);
  }
  return new Promise<T>((resolve, reject) => {
    const stop = listenToAbort(signal, () => reject(signal.reason));
    work.then(
      (value) => {
        stop();
        resolve(value);
      },
      (error: unknown) => {
        stop();
        reject(error);
      },
    );
  });
}
