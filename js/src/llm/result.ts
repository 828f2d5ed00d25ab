/** What a call gives: the answer, and how it came about. Partner: `llm-call.ts`. */

import type { LLMAnswer } from './provider.js';

/** One attempt, in milliseconds since the epoch. */
export interface LLMAttempt {
  startedAt: number;
  endedAt: number;
  /** The model that was asked. */
  model?: string | undefined;
  /** Why it failed; undefined for the last one of a call that succeeded. */
  error?: Error | undefined;
}

/** When what happened, in milliseconds since the epoch (under virtual time: since the runtime began). */
export interface LLMTimings {
  /** The call was made. */
  requestedAt: number;
  /** The last attempt began. */
  startedAt: number;
  completedAt: number;
  attempts: readonly LLMAttempt[];
}

export interface LLMResult extends LLMAnswer {
  /** Requests sent for this call. */
  attempts: number;
  /** Of a call with a plan: which entry answered, 0 is the first. More than 0: the ones before it failed, or were passed over. */
  planEntry?: number | undefined;
  timings: LLMTimings;
  /** The answer in the form that `schema` or `json` asked for; undefined where nothing was, and where it asks for tools. */
  value?: unknown;
}

/** A piece of a streamed answer; or the word that it begins anew, and that what came so far is void. */
export type LLMChunk = { type: 'text'; text: string } | { type: 'restart'; text?: undefined };
