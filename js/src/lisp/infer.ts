/**
 * What a program asks of models: the arguments of `llm.infer` and its relatives as a prompt and options of ctx.llm, and the
 * answer as what Lisp gets. Options are keywords, spelt as in JavaScript or with hyphens (`:max-tokens`); those that take
 * functions or signals are refused. Partners: prelude/concurrency.scm; llm/request.ts, which checks the rest.
 */

import { ArgumentError } from '../errors.js';
import type { LLMMessage } from '../llm/provider.js';
import type { LLMOptions, Prompt } from '../llm/request.js';
import type { LLMResult } from '../llm/result.js';
import { sketch } from '../printable.js';

const passed = ['model', 'maxTokens', 'temperature', 'sample', 'tenant', 'timeout', 'timeToFirstToken', 'stallTimeout', 'afterFirstToken', 'json', 'schema', 'schemaName', 'repair'] as const;

export interface Inference {
  readonly prompt: Prompt;
  readonly options: LLMOptions;
  /** Whether the program wants all of the result. */
  readonly isFull: boolean;
}

/** Reads the arguments: a prompt, and at most one object of options. Throws an ArgumentError. */
export function inferenceOf(operation: string, args: readonly unknown[]): Inference {
  const [prompt, given = {}] = args;
  if (args.length < 1 || args.length > 2) throw new ArgumentError(operation, `it takes a prompt and keywords, got ${args.length} arguments`);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new ArgumentError(operation, `the options must be keywords, got ${sketch(given)}`);
  const options: Record<string, unknown> = {};
  let system: string | undefined;
  let isFull = false;
  for (const [spelt, value] of Object.entries(given)) {
    const key = camelCase(spelt);
    // What a program has no value for: #f, null, or nothing.
    if (value === undefined || value === null || value === false) continue;
    if (key === 'full') isFull = true;
    else if (key === 'system') {
      if (typeof value !== 'string') throw new ArgumentError(operation, `:system must be a string, got ${sketch(value)}`);
      system = value;
    } else if (key === 'hedge') {
      options['hedge'] = typeof value === 'number' ? { delay: value } : value;
    } else if ((passed as readonly string[]).includes(key)) {
      options[key] = value;
    } else {
      throw new ArgumentError(operation, `:${spelt} is no option; there are ${[...passed, 'hedge', 'system', 'full'].map((name) => `:${kebabCase(name)}`).join(', ')}`);
    }
  }
  return { prompt: promptOf(prompt, system), options, isFull };
}

/** What the program gets of an answer: the text; the value where a form was asked for; or all of it as a table. */
export function answerOf(result: LLMResult, { options, isFull }: Inference): unknown {
  const isFormed = options.json === true || options.schema !== undefined;
  if (!isFull) return isFormed ? result.value : result.text;
  const { text, usage, finishReason, model, attempts, requestId, timings } = result;
  const { requestedAt, startedAt, completedAt } = timings;
  const full: Record<string, unknown> = { text, usage: { ...usage }, finishReason, model, attempts, timings: { requestedAt, startedAt, completedAt } };
  if (requestId !== undefined) full['requestId'] = requestId;
  if (isFormed) full['value'] = result.value;
  return full;
}

// A message is a table, or an association list of two-element lists, which arrives as an array of pairs.
function promptOf(prompt: unknown, system: string | undefined): Prompt {
  let messages = prompt;
  if (Array.isArray(prompt)) messages = (prompt as unknown[]).map((message) => (isPairs(message) ? Object.fromEntries(message) : message));
  if (system === undefined) return messages as Prompt;
  const head: LLMMessage = { role: 'system', content: system };
  return typeof messages === 'string' ? [head, { role: 'user', content: messages }] : Array.isArray(messages) ? [head, ...(messages as LLMMessage[])] : (messages as Prompt);
}

function isPairs(message: unknown): message is [string, unknown][] {
  return Array.isArray(message) && message.every((pair) => Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string');
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
