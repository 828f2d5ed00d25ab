/**
 * Listening to an AbortSignal that many listen to: a signal has one listener of ours, however many calls wait on it.
 * Node warns of a leak (MaxListenersExceededWarning) from the eleventh on, and a thousand calls on one signal are no leak.
 * Invariant: the listener is there exactly while somebody listens; callbacks run in the order in which they came, in the
 * turn of the abort, and one that was taken back before its turn does not run. They must not throw.
 */

interface Followers {
  readonly callbacks: Set<{ readonly run: () => void }>;
  readonly listener: () => void;
}

const bySignal = new WeakMap<AbortSignal, Followers>();

function followersOf(signal: AbortSignal): Followers {
  const known = bySignal.get(signal);
  if (known !== undefined) return known;
  const callbacks: Followers['callbacks'] = new Set();
  const listener = (): void => {
    for (const callback of callbacks) {
      callbacks.delete(callback);
      callback.run();
    }
  };
  const followers = { callbacks, listener };
  bySignal.set(signal, followers);
  return followers;
}

/** Calls back once when the signal aborts, which it must not have done yet; gives what stops listening. */
export function listenToAbort(signal: AbortSignal, run: () => void): () => void {
  const { callbacks, listener } = followersOf(signal);
  // The same function twice is two callbacks.
  const callback = { run };
  if (callbacks.size === 0) signal.addEventListener('abort', listener, { once: true });
  callbacks.add(callback);
  return () => {
    if (callbacks.delete(callback) && callbacks.size === 0) signal.removeEventListener('abort', listener);
  };
}
