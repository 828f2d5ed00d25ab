/**
 * Asks each distinct prompt once. The first to ask makes a task of it in the scope of the run, not below the one who
 * asks; everyone awaits that task.
 *
 *   one of several askers is cancelled  -> the others get their answer
 *   the last asker is cancelled         -> the call is cancelled; asked again, it is made again
 *   the call fails for good             -> every asker gets the error, now and later
 *   the failure would meet every call   -> the task fails, and with it the run's scope
 *
 * Partner: digest.ts.
 */

import { CancellationError, LLMError, type Context, type LLMResult, type ScopeContext, type Task } from 'heddle';
import type { Question } from './prompts.js';

export interface Asked {
  question: Question;
  /** Present once it was answered. */
  result?: LLMResult;
  /** Present once it failed for good. */
  error?: Error;
}

interface Flight extends Asked {
  /** Does not fail when the call does. */
  task: Task<void>;
  askers: number;
}

export class Questions {
  /** How often a prompt was asked that had been asked before. */
  repeated = 0;
  readonly #flights = new Map<string, Flight>();
  #answered = 0;

  /** Asks in `scope`, whose tasks must be able to outlive those who ask. */
  constructor(private readonly scope: ScopeContext) {}

  /** Waits for the text of the answer; on behalf of the task of `ctx`, whose priority counts. */
  async ask(ctx: Context, question: Question): Promise<string> {
    let flight = this.#flights.get(question.prompt);
    if (flight === undefined || flight.task.state === 'cancelled') flight = this.#take(ctx, question);
    else this.repeated++;
    flight.askers++;
    try {
      await ctx.await(flight.task);
      if (flight.result === undefined) throw flight.error;
      return flight.result.text.trim();
    } finally {
      if (--flight.askers === 0) ctx.runtime.cancel(flight.task.id, 'nobody waits for the answer any more');
    }
  }

  /** Every distinct prompt so far, in the order in which they came up. */
  get asked(): readonly Asked[] {
    return [...this.#flights.values()];
  }

  #take(ctx: Context, question: Question): Flight {
    const name = `${question.purpose} ${question.document} > ${question.section}`;
    const task = this.scope.submit((own) => this.#run(own, flight), { name, priority: ctx.task.priority });
    const flight: Flight = { question, task, askers: 0 };
    this.#flights.set(question.prompt, flight);
    return flight;
  }

  async #run(ctx: Context, flight: Flight): Promise<void> {
    const { prompt, maxTokens } = flight.question;
    try {
      const result = await ctx.llm(prompt, { maxTokens });
      this.#answered++;
      // A model that thinks may have used up its tokens before it came to an answer.
      if (result.text.trim() === '')
        throw new Error(`the model answered with nothing (finish reason: ${result.finishReason})`);
      flight.result = result;
    } catch (error) {
      if (error instanceof CancellationError) throw error;
      flight.error = error instanceof Error ? error : new Error(String(error));
      if (this.#isHopeless(error)) throw error;
    }
  }

  // A key that is refused, a server or a model that is not there fails every call: better said once than a hundred times.
  #isHopeless(error: unknown): boolean {
    if (!(error instanceof LLMError)) return false;
    if (error.kind === 'auth' || error.kind === 'quota') return true;
    return this.#answered === 0 && (error.kind === 'transport' || error.status === 404);
  }
}
