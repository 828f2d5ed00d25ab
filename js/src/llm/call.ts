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
import { CircuitOpenError, LLMError, RequestTooLargeError, RetryAfterTooLong, StructuredOutputError } from '../errors.js';
import type { Meaning, Operations, Owner } from '../operations.js';
import { EventType, FailureFlag, OpCode } from '../protocol.js';
import type { Attempt } from './attempt.js';
import { failure } from './failure.js';
import type { Provider } from './provider.js';
import type { LLMAttempt } from './result.js';
import { failureFlags } from './retry.js';
import type { RouteEntry, Routes } from './routes.js';

/** What a call needs of its runtime. */
export interface CallHost {
  readonly engine: Engine;
  readonly operations: Operations;
  readonly provider: Provider;
  readonly fetch: typeof globalThis.fetch;
  readonly routes: Routes;
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
  /** Where its attempts may go. */
  plan: readonly RouteEntry[] = [];
  protected readonly requestedAt: number;
  // Those that ended well. The kernel takes the first and drops the other, if there is one. (Not private fields: one of these is
  // made per call.)
  private good: Attempt | undefined = undefined;
  private alsoGood: Attempt | undefined = undefined;

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

  /** The attempt that ended the operation well. */
  protected get winner(): Attempt | undefined {
    return this.good?.isDropped === false ? this.good : this.alsoGood?.isDropped === false ? this.alsoGood : undefined;
  }

  // Of two attempts at once the later start may fail first.
  private get lastFailure(): unknown {
    let last: LLMAttempt | undefined;
    for (const note of this.notes) if (note.error !== undefined && (last === undefined || note.endedAt >= last.endedAt)) last = note;
    return last?.error;
  }

  /** The attempt's connection must go. */
  abort(attempt: Attempt, reason: unknown): void {
    attempt.cut(reason);
  }

  /** The attempt's first word is late: it fails, and its connection goes. */
  tooSlow(attempt: Attempt): void {
    attempt.cut(failure(this.name, 'timeout', 'no first token within timeToFirstToken'));
  }

  failure(code: number, attempts: number): unknown {
    const error = this.lastFailure;
    if (error instanceof LLMError || error instanceof StructuredOutputError) error.attempts = attempts;
    switch (code) {
      case OpCode.retryAfterTooLong: {
        const { retryAfter = 0 } = error as LLMError;
        const text = `${this.name}: the server asked to wait ${retryAfter} ms, which is more than retry.maxRetryAfter allows`;
        return new RetryAfterTooLong(text, retryAfter, { cause: error });
      }
      case OpCode.requestTooLarge: {
        const { gates, tokens: needed } = this.plan.at(-1)!;
        const limit = this.host.routes.tokensLimit(gates);
        const text = `${this.name}: the request needs about ${needed} tokens, and its limit allows ${limit} in a minute; ask for less, set maxTokens, or raise tokensPerMinute`;
        return new RequestTooLargeError(text, { needed, limit });
      }
      case OpCode.circuitOpen: {
        const { name } = this.host.routes.info(this.plan.at(-1)!.gates[2]);
        const text = `${this.name}: the circuit of ${name} is open: it failed too often in a row; the request was not sent`;
        return new CircuitOpenError(text, name, error === undefined ? undefined : { cause: error });
      }
      default:
        return error;
    }
  }

  protected done(attempt: Attempt): void {
    this.endedWell(attempt);
    attempt.note.endedAt = this.host.now();
    this.countUsage(attempt);
    this.tellUsed(attempt, this.tokensOf(attempt));
    this.host.routes.report(attempt.route.gates, attempt.answer?.rates);
    this.host.engine.event(EventType.callDone, this.lastWord(attempt), 1, 0, -1);
  }

  protected fail(attempt: Attempt, error: unknown): void {
    attempt.note.endedAt = this.host.now();
    const flags = this.failed(attempt, error);
    const retryAfter = this.retryAfterOf(error);
    if (error instanceof LLMError) this.host.routes.report(attempt.route.gates, error.rates);
    this.tellUsed(attempt, this.tokensOfFailure(attempt, error, flags));
    const { wasCut } = attempt;
    const id = this.lastWord(attempt);
    const tell = (): void => this.host.engine.event(EventType.callDone, id, 0, flags, retryAfter);
    if (wasCut) afterCut(tell);
    else tell();
  }

  /** A stream's first piece is here: the operation ends, the connection stays. */
  protected opened(attempt: Attempt): void {
    this.endedWell(attempt);
    this.host.engine.event(EventType.callOpened, attempt.id);
  }

  /** A connection that was open is gone. `wasCut`: we ended it before its end; `error`: it failed. */
  protected closed(attempt: Attempt, wasCut: boolean, error?: unknown): void {
    if (attempt.id === 0) return;
    this.countUsage(attempt);
    this.tellUsed(attempt, this.tokensOf(attempt));
    const flags = error instanceof LLMError ? failureFlags(error) : 0;
    const id = this.lastWord(attempt);
    const tell = (): void => this.host.engine.event(EventType.callClosed, id, 0, flags);
    if (wasCut) afterCut(tell);
    else tell();
  }

  /** The attempt has ended well, or will after a latency that the kernel counts. */
  protected endedWell(attempt: Attempt): void {
    if (this.good?.isDropped !== false) this.good = attempt;
    else this.alsoGood = attempt;
  }

  /** Notes why an attempt failed; gives its FailureFlags. */
  protected failed(attempt: Attempt, error: unknown): number {
    attempt.note.error = error as Error;
    return error instanceof LLMError ? failureFlags(error) : 0;
  }

  /** Tokens that an attempt used which ended well, or was left by its reader. */
  protected tokensOf({ answer, route }: Attempt): number {
    if (answer === undefined || answer.usage.source === 'unknown') return route.tokens;
    return answer.usage.inputTokens + answer.usage.outputTokens;
  }

  /** Tokens that a failed attempt used: none where the server refused it; what was cut or lost may have been read. */
  protected tokensOfFailure({ route }: Attempt, _error: unknown, flags: number): number {
    return (flags & FailureFlag.refused) !== 0 ? 0 : route.inputTokens;
  }

  protected retryAfterOf(error: unknown): number {
    return error instanceof LLMError ? (error.retryAfter ?? -1) : -1;
  }

  /** Adds what the answer cost to the account of the task. */
  protected countUsage({ answer }: Attempt): void {
    if (answer !== undefined) this.owner._usedLLM?.(0, answer.usage.inputTokens, answer.usage.outputTokens);
  }

  /** Says what an attempt used, where somebody counts. Comes before the word that ends it. */
  protected tellUsed(attempt: Attempt, tokens: number): void {
    if (attempt.route.tokens > 0 && attempt.id !== 0) this.host.engine.event(EventType.callUsed, attempt.id, 0, 0, tokens);
  }

  /** The kernel's id, for the last word about it. */
  protected lastWord(attempt: Attempt): number {
    const { id } = attempt;
    this.host.over(attempt);
    attempt.id = 0;
    return id;
  }
}
