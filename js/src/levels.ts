/**
 * Waiting for a level: a condition that is looked at after each cycle. Level-triggered: one that holds already is not waited
 * for, and nothing is missed between two looks. Neither task nor operation: it is for callers outside, and for close().
 */

export class Levels {
  readonly #waiters = new Set<{ reached: () => boolean; resolve: () => void; reject: (error: unknown) => void }>();

  /** Resolves after the first cycle after which it holds; rejects when close() comes before. */
  wait(reached: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.add({ reached, resolve, reject }));
  }

  /** A cycle is over. */
  look(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.reached()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  close(error: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
  }
}
