/**
 * The values that channels and ivars carry. The kernel moves tokens; here is what they stand for. A token is freed when its
 * value was received, when the kernel says that nobody will get it (kDropped), or by who made it where the kernel refused it.
 */

/** A value that wants to know when nobody will get it. */
export abstract class Parcel {
  abstract dropped(): void;
}

export class Values {
  // By token; 0 is none, and so is kTokenOfBody and above, which a table in memory does not reach.
  readonly #values: unknown[] = [undefined];
  readonly #free: number[] = [];

  /** How many values are on their way. */
  get size(): number {
    return this.#values.length - 1 - this.#free.length;
  }

  /** Gives the value's token. */
  put(value: unknown): number {
    const token = this.#free.pop();
    if (token === undefined) return this.#values.push(value) - 1;
    this.#values[token] = value;
    return token;
  }

  /** The value, which has its reader now. */
  take(token: number): unknown {
    const value = this.#values[token];
    this.#values[token] = undefined;
    this.#free.push(token);
    return value;
  }

  /** The value, which others will read, too. */
  read(token: number): unknown {
    return this.#values[token];
  }
}
