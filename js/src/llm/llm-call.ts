/**
 * A call to a model whose whole answer is wanted. With a simulated provider no attempt is made: the answer is computed at
 * once, and the kernel is told how long it takes. Partners: `call.ts`; `provider.ts`, one attempt.
 */

import { HeddleError } from '../errors.js';
import type { Owner } from '../operations.js';
import { EventType } from '../protocol.js';
import { HostCall, type CallHost } from './call.js';
import { describe, failure } from './failure.js';
import type { AttemptOptions, LiveProvider, LLMAnswer, LLMRequest, SimulatedAnswer, SimulatedProvider } from './provider.js';
import type { LLMAttempt, LLMResult } from './result.js';
import { simulatedError } from './simulated.js';

export class LLMCall extends HostCall {
  readonly name: string = 'llm';
  protected answer: LLMAnswer | undefined;
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

  start(attempt: number): void {
    const { provider } = this.host;
    const note = this.begin();
    if (provider.kind === 'simulated') this.#simulate(provider, note, attempt);
    else this.ask(provider, note);
  }

  value(attempts: number): unknown {
    return this.result(attempts);
  }

  /** Makes the attempt. */
  protected ask(provider: LiveProvider, note: LLMAttempt): void {
    const options = this.attemptOptions();
    // A promise even where a provider throws at once.
    (async () => provider.complete(this.request, options))().then(
      (answer) => {
        this.answer = answer;
        this.done(note);
      },
      (error: unknown) => this.fail(note, this.typed(provider, error)),
    );
  }

  protected attemptOptions(): AttemptOptions {
    this.controller = new AbortController();
    return { signal: this.controller.signal, fetch: this.host.fetch };
  }

  protected typed(provider: LiveProvider, error: unknown): HeddleError {
    if (error instanceof HeddleError) return error;
    return failure(provider.kind, 'protocol', `the provider failed: ${describe(error)}`, { cause: error });
  }

  protected result(attempts: number): LLMResult {
    const last = this.attempts.at(-1)!;
    const { startedAt, endedAt: completedAt } = last;
    const timings = { requestedAt: this.requestedAt, startedAt, completedAt, attempts: this.attempts };
    return { ...this.answer!, attempts, timings };
  }

  #simulate(provider: SimulatedProvider, note: LLMAttempt, attempt: number): void {
    let simulated: SimulatedAnswer;
    try {
      simulated = provider.answer(this.request, attempt);
    } catch (error) {
      this.fail(note, error);
      return;
    }
    const { latencyMs, error, text, usage, finishReason } = simulated;
    let latency = latencyMs;
    let how = 0;
    let retryable = 0;
    if (error !== undefined) {
      retryable = this.failed(note, simulatedError(error));
    } else {
      this.answer = { text, usage, finishReason, model: this.request.model ?? provider.model };
      latency = this.untilAnswered(text, latencyMs);
      how = this.opens ? 1 | (1 << 8) : 1;
    }
    note.endedAt = note.startedAt + latency;
    // The kernel counts the latency from the time that it knows: a cycle's beginning would end the attempt too early.
    this.host.engine.tick();
    // Only an open stream is heard of again.
    const call = how > 1 ? this.call : this.lastWord();
    this.host.engine.event(EventType.callTakes, call, how, retryable, error?.retryAfter ?? -1, latency);
  }

  /** Of a simulated answer's latency, what passes before the operation ends. */
  protected untilAnswered(_text: string, latencyMs: number): number {
    return latencyMs;
  }
}
