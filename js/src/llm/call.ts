/**
 * The host's half of a call: the kernel says when an attempt starts and when it must end; this starts it, tells how it ended,
 * and keeps what came of it until the operation's result is delivered. Whether and when a failed attempt is repeated is the
 * kernel's decision (core/kernel/calls.cpp, state table in call.h).
 *
 * Invariant: while the kernel's record waits for the host's word, `call` is its id, and exactly one of done(), fail() and
 * closed() follows; from then on `call` is 0.
 * Partners: `calls.ts`, which carries commands; `llm-call.ts`, `stream-call.ts`, `other-call.ts`, the three kinds.
 */

import type { Engine } from '../engine/engine.js';
import { task } from '../engine/turns.js';
import { LLMError, RetryAfterTooLong } from '../errors.js';
import type { Meaning, Operations, Owner } from '../operations.js';
import { EventType, OpCode } from '../protocol.js';
import type { Provider } from './provider.js';
import type { LLMAttempt } from './result.js';
import { isRetryable } from './retry.js';

/** What a call needs of its runtime. */
export interface CallHost {
  readonly engine: Engine;
  readonly operations: Operations;
  readonly provider: Provider;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since the epoch on the runtime's clock. */
  now(): number;
  /** The kernel has had the last word about that call. */
  over(call: number): void;
}

/** For the last word about a connection that we cut. A turn of the event loop for the fetch, which may close its socket
 * later than it says, and one for the network: so the server hears of the end before it hears of what the place is used
 * for next, and never counts more calls than there are places. */
export function afterCut(tell: () => void): void {
  task(() => task(tell));
}

/** An operation that the host carries out, in one attempt or several. */
export abstract class HostCall implements Meaning {
  abstract readonly name: string;
  /** The kernel's id of the attempt under way, 0 between attempts. */
  call = 0;
  protected controller: AbortController | undefined;
  protected readonly attempts: LLMAttempt[] = [];
  protected readonly requestedAt: number;
  #failed: unknown;

  constructor(
    protected readonly host: CallHost,
    readonly owner: Owner,
    readonly timeout: number | undefined,
  ) {
    this.requestedAt = host.now();
  }

  /** Starts attempt number `attempt`: 1, 2, ... Must not throw. */
  abstract start(attempt: number): void;
  abstract value(aux: number): unknown;

  /** The connection must go; what the attempt then says tells the kernel that it went. */
  abort(reason: unknown): void {
    this.controller?.abort(reason);
  }

  failure(code: number, attempts: number): unknown {
    const error = this.#failed;
    if (error instanceof LLMError) error.attempts = attempts;
    if (code !== OpCode.retryAfterTooLong) return error;
    const { retryAfter = 0 } = error as LLMError;
    return new RetryAfterTooLong(
      `${this.name}: the server asked to wait ${retryAfter} ms, which is more than retry.maxRetryAfter allows`,
      retryAfter,
      { cause: error },
    );
  }

  protected begin(): LLMAttempt {
    const note: LLMAttempt = { startedAt: this.host.now(), endedAt: 0 };
    this.attempts.push(note);
    return note;
  }

  protected done(note: LLMAttempt): void {
    note.endedAt = this.host.now();
    this.host.engine.event(EventType.callDone, this.lastWord(), 1, 0, -1);
  }

  protected fail(note: LLMAttempt, error: unknown): void {
    note.endedAt = this.host.now();
    const retryable = this.failed(note, error);
    const retryAfter = error instanceof LLMError ? (error.retryAfter ?? -1) : -1;
    const wasCut = this.controller?.signal.aborted === true;
    const call = this.lastWord();
    const tell = (): void => this.host.engine.event(EventType.callDone, call, 0, retryable, retryAfter);
    if (wasCut) afterCut(tell);
    else tell();
  }

  /** Notes why an attempt failed; gives 1 where another may succeed. */
  protected failed(note: LLMAttempt, error: unknown): 0 | 1 {
    note.error = error as Error;
    this.#failed = error;
    return error instanceof LLMError && isRetryable(error) ? 1 : 0;
  }

  /** The kernel's id, for the last word about it. */
  protected lastWord(): number {
    const { call } = this;
    this.call = 0;
    this.controller = undefined;
    this.host.over(call);
    return call;
  }
}
