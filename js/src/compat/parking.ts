/**
 * Waiting for a decision that JavaScript makes. For a task it is an operation of the kernel, a take from an ivar: so it gives
 * its slot back, is cancelled, and is explained. A caller that is no task awaits a plain promise, whose wait nobody can end.
 */

import type { Home } from './home.js';

export interface Parking<T> {
  /** Begins to wait: one of the two is called, no more than once. Gives what ends the wait. */
  enter(grant: (value: T) => void, refuse: (error: unknown) => void): () => void;
  /** It was granted to a caller who has gone. */
  giveBack(value: T): void;
}

type Decision<T> = { readonly value: T } | { readonly error: unknown };

export function park<T>(home: Home, name: string, parking: Parking<T>): Promise<T> {
  const { runtime } = home;
  if (runtime?._callingTask() === undefined) return new Promise((resolve, reject) => void parking.enter(resolve, reject));
  const turn = runtime.ivar<Decision<T>>({ name });
  let decision: Decision<T> | undefined;
  const decide = (made: Decision<T>): void => {
    decision = made;
    try {
      turn.put(made);
    } catch {
      // The runtime is closed, and has ended the wait.
    }
  };
  const leave = parking.enter(
    (value) => decide({ value }),
    (error) => decide({ error }),
  );
  return turn.take().then(
    (made) => {
      if ('error' in made) throw made.error;
      return made.value;
    },
    (error: unknown) => {
      if (decision === undefined) leave();
      else if ('value' in decision) parking.giveBack(decision.value);
      throw error;
    },
  );
}
