/**
 * A log of every attempt of every call, by a provider around another: it sees what a result does not tell, the attempts
 * of calls that failed or were cancelled. Invariant: it changes nothing, neither answers nor times. A simulated attempt
 * says at its start how long it will take; close() cuts those that were cut short. Partner: timeline.ts.
 */

import { LLMError, type Provider } from 'heddle';

export interface Attempt {
  /** The call that it belongs to. */
  prompt: string;
  /** Milliseconds on the runtime's clock. */
  startedAt: number;
  endedAt: number;
  /** `retried`: it failed, and another one followed, or would have. `failed`: it was the last of a call that failed. */
  outcome: 'open' | 'ok' | 'retried' | 'failed' | 'cancelled';
  /** What the server said to one that failed. */
  message?: string;
}

export class AttemptLog {
  readonly attempts: Attempt[] = [];
  readonly #lastOf = new Map<string, Attempt>();

  /** `now` is the runtime's clock. */
  constructor(private readonly now: () => number) {}

  /** The same provider, logged. */
  around(provider: Provider): Provider {
    if (provider.kind === 'simulated') {
      return {
        kind: provider.kind,
        model: provider.model,
        answer: (request, number) => {
          const attempt = this.#begin(request.messages);
          const answer = provider.answer(request, number);
          this.#end(attempt, attempt.startedAt + answer.latencyMs, answer.error?.message);
          return answer;
        },
      };
    }
    return {
      kind: provider.kind,
      model: provider.model,
      complete: async (request, options) => {
        const attempt = this.#begin(request.messages);
        try {
          const answer = await provider.complete(request, options);
          this.#end(attempt, this.now());
          return answer;
        } catch (error) {
          this.#end(attempt, this.now(), error instanceof LLMError ? error.message : String(error));
          if (options.signal.aborted) attempt.outcome = 'cancelled';
          throw error;
        }
      },
      stream: (request, options) => provider.stream(request, options),
    };
  }

  /** The run is over, at this time: what had not ended was cancelled. `failed` are the prompts that failed for good. */
  close(at: number, failed: ReadonlySet<string>): void {
    for (const attempt of this.attempts) {
      if (attempt.outcome === 'failed' && !failed.has(attempt.prompt)) attempt.outcome = 'retried';
      if (attempt.outcome !== 'open' && attempt.endedAt <= at) continue;
      attempt.outcome = 'cancelled';
      attempt.endedAt = at;
    }
  }

  #begin(messages: readonly { content: unknown }[]): Attempt {
    const prompt = String(messages[0]?.content);
    const before = this.#lastOf.get(prompt);
    if (before?.outcome === 'failed') before.outcome = 'retried';
    const startedAt = this.now();
    const attempt: Attempt = { prompt, startedAt, endedAt: startedAt, outcome: 'open' };
    this.attempts.push(attempt);
    this.#lastOf.set(prompt, attempt);
    return attempt;
  }

  #end(attempt: Attempt, at: number, message?: string): void {
    attempt.endedAt = at;
    attempt.outcome = message === undefined ? 'ok' : 'failed';
    if (message !== undefined) attempt.message = message;
  }
}
