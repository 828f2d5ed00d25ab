/**
 * Token counts. `exact` only when the server reported both numbers; else an estimate where the conversation is text,
 * else `unknown` with zeros (nobody can guess what an image costs). The estimate, a token for four bytes of UTF-8 and
 * four a message for its frame, errs by a third on ordinary prose; it needs no tables, so it is the same everywhere.
 */

import type { LLMAnswer, LLMMessage, LLMRequest, LLMToolCall, LLMUsage } from './provider.js';

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

/** Text of a message that costs tokens; undefined where a part of it is something else. */
function wordsOf(message: LLMMessage): string | undefined {
  const text = textOf(message);
  return text === undefined ? undefined : text + callsOf(message.toolCalls);
}

const callsOf = (calls: readonly LLMToolCall[] = []): string => calls.map(({ name, arguments: text }) => name + text).join('');

/** The usage of an answer that came without numbers: its text, or what it consists of. */
export function estimateUsage(request: LLMRequest, answer: string | Pick<LLMAnswer, 'text' | 'toolCalls'>): LLMUsage {
  let inputTokens = request.tools === undefined ? 0 : estimateTokens(JSON.stringify(request.tools));
  for (const message of request.messages) {
    const text = wordsOf(message);
    if (text === undefined) return { inputTokens: 0, outputTokens: 0, source: 'unknown' };
    inputTokens += estimateTokens(text) + kTokensPerMessage;
  }
  const words = typeof answer === 'string' ? answer : answer.text + callsOf(answer.toolCalls);
  return { inputTokens, outputTokens: estimateTokens(words), source: 'estimated' };
}

/** True for what can be a number of tokens. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** The reported numbers when both are there, else the estimate. Shares of them are told where they are reported too. */
export function usageOf(
  input: unknown,
  output: unknown,
  request: LLMRequest,
  answer: Pick<LLMAnswer, 'text' | 'toolCalls'>,
  { cached, reasoning }: { cached?: unknown; reasoning?: unknown } = {},
): LLMUsage {
  if (!isCount(input) || !isCount(output)) return estimateUsage(request, answer);
  return {
    inputTokens: input,
    outputTokens: output,
    source: 'exact',
    ...(isCount(cached) ? { cachedInputTokens: cached } : {}),
    ...(isCount(reasoning) ? { reasoningTokens: reasoning } : {}),
  };
}
