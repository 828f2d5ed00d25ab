/**
 * Token counts. `exact` only when the server reported both numbers; else an estimate where the conversation is text,
 * else `unknown` with zeros (nobody can guess what an image costs). The estimate, a token for four bytes of UTF-8 and
 * four a message for its frame, errs by a third on ordinary prose; it needs no tables, so it is the same everywhere.
 */

import type { LLMMessage, LLMRequest, LLMUsage } from './provider.js';

const kBytesPerToken = 4;
const kTokensPerMessage = 4;

const encoder = new TextEncoder();

/** About how many tokens a text has. */
export function estimateTokens(text: string): number {
  return Math.ceil(encoder.encode(text).length / kBytesPerToken);
}

/** The text of a message; undefined when a part of it is something else. */
export function textOf(message: LLMMessage): string | undefined {
  if (typeof message.content === 'string') return message.content;
  const texts: string[] = [];
  for (const part of message.content) {
    const text: unknown = typeof part === 'string' ? part : (part as { text?: unknown } | null)?.text;
    if (typeof text !== 'string') return undefined;
    texts.push(text);
  }
  return texts.join('');
}

/** The usage of an answer that came without numbers. */
export function estimateUsage(request: LLMRequest, answer: string): LLMUsage {
  let inputTokens = 0;
  for (const message of request.messages) {
    const text = textOf(message);
    if (text === undefined) return { inputTokens: 0, outputTokens: 0, source: 'unknown' };
    inputTokens += estimateTokens(text) + kTokensPerMessage;
  }
  return { inputTokens, outputTokens: estimateTokens(answer), source: 'estimated' };
}

/** True for what can be a number of tokens. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** The reported numbers when both are there, else the estimate. */
export function usageOf(input: unknown, output: unknown, request: LLMRequest, answer: string): LLMUsage {
  if (isCount(input) && isCount(output)) return { inputTokens: input, outputTokens: output, source: 'exact' };
  return estimateUsage(request, answer);
}
