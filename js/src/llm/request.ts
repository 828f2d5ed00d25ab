/**
 * What a call is given, checked at the call: a prompt and options, out of which comes the request that a provider gets.
 * Invariant: a request that passed is the call's own; what the caller does to its arrays afterwards changes nothing.
 * It does not know what a provider accepts beyond that. Partner: `calls.ts`.
 */

import { ArgumentError } from '../errors.js';
import type { LLMMessage, LLMRequest, LLMToolChoice } from './provider.js';
import { formatOptionNames, type FormatOptions } from './structured.js';
import { checkToolChoice, checkTools, type ToolDefinition } from './tools.js';

export type Prompt = string | readonly LLMMessage[];

export interface LLMOptions extends FormatOptions {
  /** Overrides the provider's model. */
  model?: string | undefined;
  /** Upper bound of the answer's length, in tokens. */
  maxTokens?: number | undefined;
  temperature?: number | undefined;
  /** Tells apart requests that are otherwise the same. */
  sample?: number | undefined;
  /** What the model may ask for; the result's `toolCalls` say what it does. `llmTools` runs them, too. */
  tools?: readonly ToolDefinition[] | undefined;
  /** Default `auto`. */
  toolChoice?: LLMToolChoice | undefined;
  /** Cancels this call alone. */
  signal?: AbortSignal | undefined;
  /** Longest time for all of it, queue, attempts, waits between them and a stream's reading; milliseconds. 0: none. */
  timeout?: number | undefined;
}

const optionNames = ['model', 'maxTokens', 'temperature', 'sample', 'tools', 'toolChoice', ...formatOptionNames, 'signal', 'timeout', 'ctx'];

export function checkTimeout(operation: string, timeout: unknown): void {
  if (timeout !== undefined && (typeof timeout !== 'number' || !(timeout >= 0))) {
    throw new ArgumentError(operation, `options.timeout must be a number of milliseconds, 0 or more, got ${shown(timeout)}`);
  }
}

export function checkSignal(operation: string, signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new ArgumentError(operation, 'options.signal must be an AbortSignal');
}

/** The options object itself, free of keys that the operation does not know. */
export function checkOptionNames(operation: string, options: unknown, names: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) throw new ArgumentError(operation, `the options must be an object, got ${shown(options)}`);
  for (const key of Object.keys(options)) {
    if (!names.includes(key)) throw new ArgumentError(operation, `${key} is no option; there are ${names.join(', ')}`);
  }
}

/** The request of a call. Throws an ArgumentError that names what is wrong. */
export function requestOf(operation: string, prompt: unknown, options: LLMOptions | undefined): LLMRequest {
  const messages = messagesOf(operation, prompt);
  if (options === undefined) return { messages };
  checkOptionNames(operation, options, optionNames);
  const refuse = (key: string, wanted: string, value: unknown): never => {
    throw new ArgumentError(operation, `options.${key} must be ${wanted}, got ${shown(value)}`);
  };
  const { model, maxTokens, temperature, sample, timeout, signal } = options;
  if (model !== undefined && (typeof model !== 'string' || model === '')) refuse('model', 'a non-empty string', model);
  if (maxTokens !== undefined && (!Number.isSafeInteger(maxTokens) || maxTokens < 1)) refuse('maxTokens', 'a positive integer', maxTokens);
  if (temperature !== undefined && !Number.isFinite(temperature)) refuse('temperature', 'a finite number', temperature);
  if (sample !== undefined && !Number.isSafeInteger(sample)) refuse('sample', 'an integer', sample);
  checkTimeout(operation, timeout);
  checkSignal(operation, signal);
  const request: LLMRequest = { messages, model, maxTokens, temperature, sample };
  if (options.tools !== undefined) request.tools = checkTools(operation, options.tools);
  const toolChoice = checkToolChoice(operation, options.toolChoice, request.tools);
  if (toolChoice !== undefined) request.toolChoice = toolChoice;
  return request;
}

function messagesOf(operation: string, prompt: unknown): readonly LLMMessage[] {
  if (typeof prompt === 'string') return [{ role: 'user', content: prompt }];
  if (!Array.isArray(prompt) || prompt.length === 0) {
    throw new ArgumentError(operation, `the prompt must be a string or a non-empty array of messages, got ${shown(prompt)}`);
  }
  return Array.from(prompt as unknown[], (message, i) => {
    const { role, content, toolCalls, toolCallId } = (message ?? {}) as Record<keyof LLMMessage, unknown>;
    if (typeof role !== 'string' || role === '' || (typeof content !== 'string' && !Array.isArray(content))) {
      throw new ArgumentError(operation, `message ${i} must have a role and a content (a string, or the provider's list of parts)`);
    }
    if (toolCalls !== undefined && !(Array.isArray(toolCalls) && toolCalls.every(isToolCall))) {
      throw new ArgumentError(operation, `the toolCalls of message ${i} must be an array of { id, name, arguments }, all strings, as an answer gave them`);
    }
    if (toolCallId !== undefined && typeof toolCallId !== 'string') throw new ArgumentError(operation, `the toolCallId of message ${i} must be a string`);
    return { ...(message as LLMMessage) };
  });
}

function isToolCall(call: unknown): boolean {
  const { id, name, arguments: text } = (call ?? {}) as Record<string, unknown>;
  return typeof id === 'string' && typeof name === 'string' && typeof text === 'string';
}

// Never the text of a prompt: it may be long, or secret.
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value === 'string') return value === '' ? 'an empty string' : 'a string';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}
