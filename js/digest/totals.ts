/**
 * The figures of a run, from its Digest and its log of attempts. A prompt that several documents share counts for the
 * one that asked first. Times are milliseconds on the runtime's clock.
 */

import type { Attempt } from './attempts.js';
import type { Digest } from './digest.js';

export interface Totals {
  /** Prompts that were sent. */
  calls: number;
  /** Requests that were sent, retries included. */
  attempts: number;
  retries: number;
  /** Calls that failed for good. */
  failed: number;
  /** Questions answered by a call that another one had asked for. */
  repeated: number;
  inputTokens: number;
  outputTokens: number;
  /** Whether every token was counted by the server; else some are estimates. */
  tokensAreExact: boolean;
  wallMs: number;
  /** The sum of the attempts' times: what the run would have taken one call at a time, without waits. */
  callMs: number;
  /** callMs / wallMs. */
  overlap: number;
  /** Most attempts under way at one time. */
  mostInFlight: number;
}

/** The figures of a whole run, or of one document. */
export function totalsOf(digest: Digest, attempts: readonly Attempt[], now: number, document?: string): Totals {
  const asked = (digest.questions?.asked ?? []).filter(
    ({ question }) => document === undefined || question.document === document,
  );
  const prompts = new Set(asked.map(({ question }) => question.prompt));
  const own = attempts.filter(({ prompt }) => prompts.has(prompt));
  const calls = new Set(own.map(({ prompt }) => prompt)).size;
  const usages = asked.flatMap(({ result }) => (result === undefined ? [] : [result.usage]));
  const callMs = own.reduce((sum, { startedAt, endedAt }) => sum + Math.min(endedAt, now) - startedAt, 0);
  const wallMs = (digest.endedAt ?? now) - digest.startedAt;
  return {
    calls,
    attempts: own.length,
    retries: own.length - calls,
    failed: own.filter(({ outcome }) => outcome === 'failed').length,
    repeated: digest.questions?.repeated ?? 0,
    inputTokens: usages.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
    outputTokens: usages.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
    tokensAreExact: usages.every(({ source }) => source === 'exact'),
    wallMs,
    callMs,
    overlap: wallMs > 0 ? callMs / wallMs : 0,
    mostInFlight: mostAtOnce(own),
  };
}

function mostAtOnce(attempts: readonly Attempt[]): number {
  // An attempt that starts when another ends takes its place: ends come first.
  const changes = attempts.flatMap(({ startedAt, endedAt }) => [
    { at: startedAt, by: 1 },
    { at: endedAt, by: -1 },
  ]);
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  let open = 0;
  let most = 0;
  for (const { by } of changes) most = Math.max(most, (open += by));
  return most;
}
