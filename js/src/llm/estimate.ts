/**
 * What a request is taken to cost before anybody has counted it, for the reservation of its tokens. By a tokenizer of the
 * user's, or by the rule of `usage.ts`. Partners: `routes.ts`, `fetch-cost.ts`; `usage.ts`.
 */

import { ConfigError } from '../errors.js';
import { describe } from './failure.js';
import type { LLMRequest } from './provider.js';
import { estimateTokens } from './usage.js';

/** Counts the tokens of a text. */
export type Tokenizer = (text: string) => number;

// The frame that chat protocols put around each message.
const tokensPerMessage = 4;
/** For a part that is no text: images and files cost about this much at the usual sizes. */
export const tokensPerPart = 1000;

/** Tokens of a text. Throws a ConfigError where the tokenizer throws, or gives no count. */
export function countTokens(text: string, tokenizer: Tokenizer | undefined): number {
  if (tokenizer === undefined) return estimateTokens(text);
  let count: unknown;
  try {
    count = tokenizer(text);
  } catch (error) {
    throw new ConfigError(`rates.tokenizer threw: ${describe(error)}; it must give a number of tokens for every text`, 'rates.tokenizer', { cause: error });
  }
  if (typeof count === 'number' && count >= 0 && Number.isFinite(count)) return Math.ceil(count);
  throw new ConfigError(`rates.tokenizer must give a number of tokens, 0 or more; it gave ${typeof count === 'number' ? String(count) : typeof count}`, 'rates.tokenizer');
}

/** Tokens that a request sends: its messages with the tools that they called, the tools on offer and the form that is asked for. */
export function estimateInput({ messages, tools, format }: LLMRequest, tokenizer: Tokenizer | undefined): number {
  let tokens = tools === undefined ? 0 : countTokens(JSON.stringify(tools), tokenizer);
  if (format?.schema !== undefined) tokens += countTokens(JSON.stringify(format.schema), tokenizer);
  for (const { content, toolCalls = [] } of messages) {
    tokens += tokensPerMessage;
    for (const call of toolCalls) tokens += countTokens(`${call.name} ${call.arguments}`, tokenizer);
    if (typeof content === 'string') {
      tokens += countTokens(content, tokenizer);
      continue;
    }
    for (const part of content) {
      const text: unknown = typeof part === 'string' ? part : (part as { text?: unknown } | null)?.text;
      tokens += typeof text === 'string' ? countTokens(text, tokenizer) : tokensPerPart;
    }
  }
  return tokens;
}
