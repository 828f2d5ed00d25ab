/**
 * A call to a model whose whole answer is wanted. With a simulated provider no attempt is made: the answer is computed at
 * once, and the kernel is told how long it takes. Partners: `call.ts`; `provider.ts`, one attempt.
 */

import { HeddleError } from '../errors.js';
import type { Owner } from '../operations.js';
import { EventType } from '../protocol.js';
import type { Attempt } from './attempt.js';
import { HostCall, type CallHost } from './call.js';
import { describe, failure } from './failure.js';
import type { AttemptOptions, LiveProvider, LLMRequest, SimulatedAnswer, SimulatedProvider } from './provider.js';
import type { LLMResult } from './result.js';
import { simulatedError } from './simulated.js';

export class LLMCall extends HostCall {
  readonly name: string = 'llm';
  /** An attempt ends with a connection that stays open. */
  protected readonly opens: boolean = false;

  constructor(
    host: CallHost,
    owner: Owner,
    timeout: number | undefined,
    protected readonly request: LLMRequest,
  ) {
    super(host, owner, timeout);
  }

  start(attempt: Attempt): void {
    const { provider } = this.host;
    if (provider.kind === 'simulated') this.#simulate(provider, attempt);
    else this.ask(provider, attempt);
  }

  value(attempts: number): unknown {
    return this.result(attempts);
  }

  /** Makes the attempt. */
  protected ask(provider: LiveProvider, attempt: Attempt): void {
    const options = this.attemptOptions(attempt);
    // A promise even where a provider throws at once.
    (async () => provider.complete(this.request, options))().then(
      (answer) => {
        attempt.answer = answer;
        this.done(attempt);
      },
      (error: unknown) => this.fail(attempt, this.typed(provider, error)),
    );
  }

  protected attemptOptions(attempt: Attempt): AttemptOptions {
    return { signal: attempt.signal, fetch: this.host.fetch };
  }

  protected typed(provider: LiveProvider, error: unknown): HeddleError {
    if (error instanceof HeddleError) return error;
    return failure(provider.kind, 'protocol', `the provider failed: ${describe(error)}`, { cause: error });
  }

  protected result(attempts: number): LLMResult {
    const { note, answer } = this.winner!;
    const { startedAt, endedAt: completedAt } = note;
    const timings = { requestedAt: this.requestedAt, startedAt, completedAt, attempts: this.notes };
    return { ...answer!, attempts, timings };
  }

  #simulate(provider: SimulatedProvider, attempt: Attempt): void {
    let simulated: SimulatedAnswer;
    try {
      simulated = provider.answer(this.request, attempt.number);
    } catch (error) {
      this.fail(attempt, error);
      return;
    }
    const { latencyMs, error, text, usage, finishReason } = simulated;
    let latency = latencyMs;
    let how = 0;
    let retryable = 0;
    if (error !== undefined) {
      retryable = this.failed(attempt, simulatedError(error));
    } else {
      attempt.answer = { text, usage, finishReason, model: this.request.model ?? provider.model };
      latency = this.untilAnswered(attempt, text, latencyMs);
      this.winner ??= attempt;
      how = this.opens ? 1 | (1 << 8) : 1;
    }
    attempt.note.endedAt = attempt.note.startedAt + latency;
    // The kernel counts the latency from the time that it knows: a cycle's beginning would end the attempt too early.
    this.host.engine.tick();
    // Only an open stream is heard of again.
    const call = how > 1 ? attempt.id : this.lastWord(attempt);
    this.host.engine.event(EventType.callTakes, call, how, retryable, error?.retryAfter ?? -1, latency);
  }

  /** Of a simulated answer's latency, what passes before the operation ends. */
  protected untilAnswered(_attempt: Attempt, _text: string, latencyMs: number): number {
    return latencyMs;
  }
}
