/** What a request of rt.fetch comes to, for who counts. Partner: `fetch-call.ts`. */

import type { LLMUsage } from './provider.js';
import type { LLMTimings } from './result.js';

/** What became of one LLM request of rt.fetch. */
export interface FetchResult {
  url: string;
  /** Of the answer that the caller got; undefined where it got none. */
  status: number | undefined;
  /** Requests sent. */
  attempts: number;
  /** As the answer said, as far as it was read. */
  usage: LLMUsage;
  /** The model that answered, as the server named it. */
  model: string | undefined;
  timings: LLMTimings;
  /** Why the caller got no answer, or not all of it. */
  error?: unknown;
}
