/** Another side effect: `ctx.call`. One attempt; nothing is known about it but a name. Partner: `call.ts`. */

import { HeddleError } from '../errors.js';
import type { Owner } from '../operations.js';
import type { Attempt } from './attempt.js';
import { HostCall, type CallHost } from './call.js';

/** What `ctx.call` runs. It should stop when the signal aborts. */
export type SideEffect<T = unknown> = (options: { signal: AbortSignal }) => PromiseLike<T> | T;

/** @internal */
export class OtherCall extends HostCall {
  #result: unknown;

  constructor(
    host: CallHost,
    owner: Owner,
    timeout: number | undefined,
    readonly name: string,
    private readonly fn: SideEffect,
  ) {
    super(host, owner, timeout);
  }

  start(attempt: Attempt): void {
    const { signal } = attempt;
    // A promise even where fn throws at once.
    void new Promise((resolve) => resolve(this.fn({ signal }))).then(
      (result) => {
        this.#result = result;
        this.done(attempt);
      },
      (thrown: unknown) => this.fail(attempt, thrown instanceof Error ? thrown : this.#nonError(thrown)),
    );
  }

  value(): unknown {
    return this.#result;
  }

  #nonError(thrown: unknown): HeddleError {
    const type = thrown === null ? 'null' : typeof thrown;
    return new HeddleError('NonError', `call: the function of "${this.name}" threw ${type}, which is no Error; it is the cause`, { cause: thrown });
  }
}
