/**
 * A call to a model whose whole answer is wanted. With a simulated provider no attempt is made: the answer is computed at
 * once, and the kernel is told how long it takes. An answer of the wrong form is a failed attempt; the next one asks to
 * repair it. Partners: `call.ts`; `provider.ts`, one attempt; `structured.ts`, the form.
 */

import { HeddleError, StructuredOutputError } from '../errors.js';
import type { Owner } from '../operations.js';
import { EventType } from '../protocol.js';
import type { Attempt } from './attempt.js';
import { HostCall, type CallHost } from './call.js';
import { describe, failure } from './failure.js';
import type { AttemptOptions, LiveProvider, LLMAnswer, LLMRequest, SimulatedAnswer, SimulatedProvider } from './provider.js';
import type { LLMResult } from './result.js';
import { simulatedError } from './simulated.js';
import type { Format, FormatCheck } from './structured.js';

export class LLMCall extends HostCall {
  readonly name: string = 'llm';
  /** An attempt ends with a connection that stays open. */
  protected readonly opens: boolean = false;
  protected readonly request: LLMRequest;
  // What the next attempt sends: the request, or what asks to repair an answer to it.
  #next: LLMRequest;
  #repairs: number;
  #value: unknown;

  constructor(
    host: CallHost,
    owner: Owner,
    timeout: number | undefined,
    request: LLMRequest,
    private readonly format: Format | undefined,
  ) {
    super(host, owner, timeout);
    this.request = format === undefined ? request : { ...request, format: format.request };
    this.#next = this.request;
    this.#repairs = format?.repairs ?? 0;
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
    (async () => provider.complete(this.#next, options))().then(
      (answer) => {
        attempt.answer = answer;
        this.#check(answer, (checked) => this.#answered(attempt, checked));
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
    const result = { ...answer!, attempts, timings };
    return this.format === undefined || this.opens ? result : { ...result, value: this.#value };
  }

  /** A result whose answer was not checked yet; rejects where it has the wrong form. */
  protected formed(result: LLMResult): LLMResult | Promise<LLMResult> {
    if (this.format === undefined) return result;
    return Promise.resolve(this.format.check(result)).then((checked) => {
      if ('error' in checked) throw checked.error;
      return { ...result, value: checked.value };
    });
  }

  // An answer of the wrong form can be repaired while repairs are left.
  protected override failed(attempt: Attempt, error: unknown): 0 | 1 {
    const again = super.failed(attempt, error);
    if (!(error instanceof StructuredOutputError) || this.#repairs === 0) return again;
    this.#repairs--;
    this.#next = this.format!.repaired(this.request, error);
    return 1;
  }

  // At once, unless the form's check takes time.
  #check(answer: LLMAnswer, then: (checked: FormatCheck | undefined) => void): void {
    const checked = this.opens ? undefined : this.format?.check(answer);
    if (checked instanceof Promise) void checked.then(then);
    else then(checked);
  }

  #answered(attempt: Attempt, checked: FormatCheck | undefined): void {
    if (checked !== undefined && 'error' in checked) {
      this.fail(attempt, checked.error);
      return;
    }
    if (this.winner === undefined) this.#value = checked?.value;
    this.done(attempt);
  }

  #simulate(provider: SimulatedProvider, attempt: Attempt): void {
    let simulated: SimulatedAnswer;
    try {
      simulated = provider.answer(this.#next, attempt.number);
    } catch (error) {
      this.fail(attempt, error);
      return;
    }
    const { latencyMs, error, ...answer } = simulated;
    if (error !== undefined) {
      this.#takes(attempt, latencyMs, simulatedError(error));
      return;
    }
    attempt.answer = { ...answer, model: this.request.model ?? provider.model };
    this.#check(attempt.answer, (checked) => {
      if (checked !== undefined && 'error' in checked) {
        this.#takes(attempt, latencyMs, checked.error);
        return;
      }
      if (this.winner === undefined) this.#value = checked?.value;
      this.winner ??= attempt;
      this.#takes(attempt, this.untilAnswered(attempt, answer.text, latencyMs), undefined);
    });
  }

  /** Tells the kernel how long a simulated attempt takes and how it then ends. */
  #takes(attempt: Attempt, latency: number, error: HeddleError | undefined): void {
    const again = error === undefined ? 0 : this.failed(attempt, error);
    const how = error !== undefined ? 0 : this.opens ? 1 | (1 << 8) : 1;
    attempt.note.endedAt = attempt.note.startedAt + latency;
    // The kernel counts the latency from the time that it knows: a cycle's beginning would end the attempt too early.
    this.host.engine.tick();
    // Only an open stream is heard of again.
    const call = how > 1 ? attempt.id : this.lastWord(attempt);
    this.host.engine.event(EventType.callTakes, call, how, again, this.waitAfter(error), latency);
  }

  /** Of a simulated answer's latency, what passes before the operation ends. */
  protected untilAnswered(_attempt: Attempt, _text: string, latencyMs: number): number {
    return latencyMs;
  }
}
