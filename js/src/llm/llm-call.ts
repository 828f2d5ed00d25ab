/**
 * A call to a model whose whole answer is wanted. With a simulated provider no attempt is made: the answer is computed at
 * once, and the kernel is told how long it takes. Where an answer must have a form, one that has not is a failed attempt,
 * and the next one asks to repair it. Partners: `call.ts`; `provider.ts`, one attempt; `structured.ts`, the form.
 */

import { HeddleError, StructuredOutputError } from '../errors.js';
import type { Owner } from '../operations.js';
import { EventType, FailureFlag } from '../protocol.js';
import type { Attempt } from './attempt.js';
import { HostCall, type CallHost } from './call.js';
import { describe, failure } from './failure.js';
import type { AttemptOptions, LiveProvider, LLMAnswer, LLMRequest, SimulatedAnswer, SimulatedProvider } from './provider.js';
import type { LLMResult } from './result.js';
import { simulatedError } from './simulated.js';
import type { Format, FormatCheck } from './structured.js';

/** What a call asks for, and how. @internal */
export interface CallSpec {
  readonly request: LLMRequest;
  readonly timeout: number | undefined;
  readonly timeToFirstToken: number | undefined;
  readonly stallTimeout: number | undefined;
  readonly afterFirstToken: 'fail' | 'restart' | undefined;
  readonly hedge: number | undefined;
  readonly format: Format | undefined;
}

/** @internal */
export class LLMCall extends HostCall {
  readonly name: string = 'llm';
  /** An attempt ends with a connection that stays open. */
  protected readonly opens: boolean = false;

  // Grows by what a repair shows the model.
  private request: LLMRequest;
  private repairs: number;

  constructor(
    host: CallHost,
    owner: Owner,
    protected readonly spec: CallSpec,
  ) {
    super(host, owner, spec.timeout);
    this.request = spec.request;
    this.repairs = spec.format?.repairs ?? 0;
  }

  start(attempt: Attempt): void {
    const { provider, model } = attempt.route;
    attempt.note.model = model ?? provider.model;
    if (provider.kind === 'simulated') this.#simulate(provider, attempt);
    else this.ask(provider, attempt);
  }

  value(attempts: number): unknown {
    const { winner } = this;
    // Of a simulated answer the host hears nothing before.
    if (winner?.route.provider.kind === 'simulated') this.countUsage(winner);
    return this.result(attempts);
  }

  over(): void {
    // What a hedge that won had been kept for.
    const { winner } = this;
    if (winner !== undefined && winner.id !== 0 && !this.opens) this.lastWord(winner);
  }

  /** Makes the attempt. */
  protected ask(provider: LiveProvider, attempt: Attempt): void {
    const options = this.attemptOptions(attempt);
    // A promise even where a provider throws at once.
    (async () => provider.complete(this.requestOf(attempt), options))().then(
      (answer) => {
        const good = (): void => {
          attempt.answer = answer;
          this.done(attempt);
        };
        this.check(attempt, answer, good, (problem) => this.fail(attempt, problem));
      },
      (error: unknown) => this.fail(attempt, this.typed(provider, error)),
    );
  }

  /** The request as the attempt's entry of the plan has it. */
  protected requestOf({ route }: Attempt): LLMRequest {
    const { model = this.request.model } = route;
    return model === this.request.model ? this.request : { ...this.request, model };
  }

  protected attemptOptions(attempt: Attempt): AttemptOptions {
    return { signal: attempt.signal, fetch: this.host.fetch };
  }

  protected typed(provider: { kind: string }, error: unknown): HeddleError {
    if (error instanceof HeddleError) return error;
    return failure(provider.kind, 'protocol', `the provider failed: ${describe(error)}`, { cause: error });
  }

  protected result(attempts: number): LLMResult {
    const { note, answer, route, formed } = this.winner!;
    const { text, usage, finishReason, model, toolCalls, requestId } = answer!;
    const { requestedAt, notes } = this;
    const timings = { requestedAt, startedAt: note.startedAt, completedAt: note.endedAt, attempts: notes };
    const result: LLMResult & { value?: unknown } = { text, usage, finishReason, model, attempts, timings };
    if (toolCalls !== undefined) result.toolCalls = toolCalls;
    if (requestId !== undefined) result.requestId = requestId;
    if (formed !== undefined) result.value = formed.value;
    if (this.plan.length > 1) result.planEntry = this.plan.indexOf(route);
    return result;
  }

  /** Whether an answer has the form that was asked for. Calls one of the two, at once where the form's check is. */
  protected check(attempt: Attempt, answer: LLMAnswer, good: () => void, bad: (error: HeddleError) => void): void {
    const { format } = this.spec;
    if (format === undefined) {
      good();
      return;
    }
    const take = (check: FormatCheck): void => {
      if ('error' in check) {
        bad(check.error);
        return;
      }
      attempt.formed = check;
      good();
    };
    const check = format.check(answer);
    if (check instanceof Promise) void check.then(take);
    else take(check);
  }

  // The core repeats what is retryable.
  protected override failed(attempt: Attempt, error: unknown): number {
    const flags = super.failed(attempt, error);
    if (!(error instanceof StructuredOutputError)) return flags;
    this.request = this.spec.format!.repaired(this.spec.request, error);
    // It was paid for all the same.
    if (error.usage !== undefined) this.owner._usedLLM?.(0, error.usage.inputTokens, error.usage.outputTokens);
    return FailureFlag.fallback | (this.repairs-- > 0 ? FailureFlag.retryable : 0);
  }

  // A repair waits for nothing.
  protected override retryAfterOf(error: unknown): number {
    return error instanceof StructuredOutputError ? 0 : super.retryAfterOf(error);
  }

  protected override tokensOfFailure(attempt: Attempt, error: unknown, flags: number): number {
    if (!(error instanceof StructuredOutputError) || error.usage === undefined || error.usage.source === 'unknown') {
      return super.tokensOfFailure(attempt, error, flags);
    }
    return error.usage.inputTokens + error.usage.outputTokens;
  }

  #simulate(provider: SimulatedProvider, attempt: Attempt): void {
    let simulated: SimulatedAnswer;
    try {
      simulated = provider.answer(this.requestOf(attempt), attempt.number);
    } catch (error) {
      this.fail(attempt, this.typed(provider, error));
      return;
    }
    const { latencyMs, error, text, usage, finishReason, toolCalls } = simulated;
    if (error !== undefined) {
      this.#willFail(attempt, simulatedError(error), latencyMs);
      return;
    }
    const model = attempt.route.model ?? this.request.model ?? provider.model;
    const answer: LLMAnswer = { text, usage, finishReason, model };
    if (toolCalls !== undefined) answer.toolCalls = toolCalls;
    const latency = this.untilAnswered(attempt, answer.text, latencyMs);
    const limit = this.spec.timeToFirstToken ?? 0;
    if (limit > 0 && latency > limit) {
      this.#willFail(attempt, failure('simulated', 'timeout', `no first token within timeToFirstToken = ${limit} ms`), limit);
      return;
    }
    const willEndWell = (): void => {
      attempt.answer = answer;
      this.endedWell(attempt);
      this.#takes(attempt, latency, this.opens ? 1 | (1 << 8) : 1, 0, -1, this.tokensOf(attempt));
    };
    // A stream is checked when it was read.
    if (this.opens) willEndWell();
    else this.check(attempt, answer, willEndWell, (problem) => this.#willFail(attempt, problem, latency));
  }

  #willFail(attempt: Attempt, error: HeddleError, latency: number): void {
    const flags = this.failed(attempt, error);
    this.#takes(attempt, latency, 0, flags, this.retryAfterOf(error), this.tokensOfFailure(attempt, error, flags));
  }

  #takes(attempt: Attempt, latency: number, how: number, flags: number, retryAfter: number, tokens: number): void {
    attempt.note.endedAt = attempt.note.startedAt + latency;
    // The kernel counts the latency from the time that it knows: a cycle's beginning would end the attempt too early.
    this.host.engine.tick();
    this.tellUsed(attempt, tokens);
    // Only an open stream is heard of again, and of two attempts at once the one that loses.
    const isKept = how > 1 || (how === 1 && this.spec.hedge !== undefined);
    const id = isKept ? attempt.id : this.lastWord(attempt);
    this.host.engine.event(EventType.callTakes, id, how, flags, retryAfter, latency);
  }

  /** Of a simulated answer's latency, what passes before the operation ends. */
  protected untilAnswered(_attempt: Attempt, _text: string, latencyMs: number): number {
    return latencyMs;
  }
}
