/**
 * The host's half of a call: the kernel says when an attempt starts and when it must end; this starts it, tells how it ended,
 * and keeps what came of it until the operation's result is delivered. Whether and when a failed attempt is repeated is the
 * kernel's decision (core/kernel/calls.cpp, state table in call.h).
 *
 * Invariant: each attempt that was started gets exactly one last word: done(), fail() or closed().
 * Partners: `attempt.ts`; `calls.ts`, which carries commands; `llm-call.ts`, `stream-call.ts`, `other-call.ts`, the kinds.
 */

import type { Engine } from '../engine/engine.js';
import { task } from '../engine/turns.js';
import { HeddleError, LLMError, RetryAfterTooLong, StructuredOutputError } from '../errors.js';
import type { Meaning, Operations, Owner } from '../operations.js';
import { EventType, OpCode } from '../protocol.js';
import type { Attempt } from './attempt.js';
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
  /** The kernel has had the last word about that attempt. */
  over(attempt: Attempt): void;
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
  /** All attempts so far, as the user sees them. */
  readonly notes: LLMAttempt[] = [];
  protected readonly requestedAt: number;
  /** The attempt that ended well; of two at once, the first. */
  protected winner: Attempt | undefined;
  #failed: unknown;

  constructor(
    protected readonly host: CallHost,
    readonly owner: Owner,
    readonly timeout: number | undefined,
  ) {
    this.requestedAt = host.now();
  }

  /** Starts an attempt. Must not throw. */
  abstract start(attempt: Attempt): void;
  abstract value(aux: number): unknown;

  /** The attempt's connection must go. */
  abort(attempt: Attempt, reason: unknown): void {
    attempt.cut(reason);
  }

  /** The attempt's first word is late: it fails, and its connection goes. */
  tooSlow(attempt: Attempt): void {
    attempt.cut(new HeddleError('Timeout', `${this.name}: no word in time`));
  }

  failure(code: number, attempts: number): unknown {
    const error = this.#failed;
    if (error instanceof LLMError || error instanceof StructuredOutputError) error.attempts = attempts;
    if (code !== OpCode.retryAfterTooLong) return error;
    const { retryAfter = 0 } = error as LLMError;
    return new RetryAfterTooLong(
      `${this.name}: the server asked to wait ${retryAfter} ms, which is more than retry.maxRetryAfter allows`,
      retryAfter,
      { cause: error },
    );
  }

  protected done(attempt: Attempt): void {
    this.winner ??= attempt;
    attempt.note.endedAt = this.host.now();
    this.host.engine.event(EventType.callDone, this.lastWord(attempt), 1, 0, -1);
  }

  protected fail(attempt: Attempt, error: unknown): void {
    attempt.note.endedAt = this.host.now();
    const retryable = this.failed(attempt, error);
    const retryAfter = this.waitAfter(error);
    const { wasCut } = attempt;
    const id = this.lastWord(attempt);
    const tell = (): void => this.host.engine.event(EventType.callDone, id, 0, retryable, retryAfter);
    if (wasCut) afterCut(tell);
    else tell();
  }

  /** A stream's first piece is here: the operation ends, the connection stays. */
  protected opened(attempt: Attempt): void {
    this.winner ??= attempt;
    this.host.engine.event(EventType.callOpened, attempt.id);
  }

  /** A connection that was open is gone. `wasCut`: we ended it before its end. */
  protected closed(attempt: Attempt, wasCut: boolean): void {
    if (attempt.id === 0) return;
    const id = this.lastWord(attempt);
    const tell = (): void => this.host.engine.event(EventType.callClosed, id);
    if (wasCut) afterCut(tell);
    else tell();
  }

  /** Notes why an attempt failed; gives 1 where another may succeed. */
  protected failed(attempt: Attempt, error: unknown): 0 | 1 {
    attempt.note.error = error as Error;
    this.#failed = error;
    return error instanceof LLMError && isRetryable(error) ? 1 : 0;
  }

  /** How long to wait before the next attempt, in milliseconds; -1: as long as the kernel likes. */
  protected waitAfter(error: unknown): number {
    if (error instanceof LLMError) return error.retryAfter ?? -1;
    return error instanceof StructuredOutputError ? 0 : -1;
  }

  /** The kernel's id, for the last word about it. */
  protected lastWord(attempt: Attempt): number {
    const { id } = attempt;
    this.host.over(attempt);
    attempt.id = 0;
    return id;
  }
}
