/**
 * What a call is given, checked at the call: a prompt and options, out of which comes the request that a provider gets.
 * Invariant: a request that passed is the call's own; what the caller does to its arrays afterwards changes nothing.
 * It does not know what a provider accepts beyond that. Partner: `calls.ts`.
 */

import { ArgumentError } from '../errors.js';
import type { CallSpec } from './llm-call.js';
import { isProvider, type LLMMessage, type LLMRequest, type LLMToolChoice, type Provider } from './provider.js';
import type { PlanEntry } from './routes.js';
import { formatOf, formatOptionNames, type FormatOptions } from './structured.js';
import { checkToolChoice, checkTools, type ToolDefinition } from './tools.js';

export type Prompt = string | readonly LLMMessage[];

export interface LLMOptions extends FormatOptions {
  /** Overrides the provider's model. An array is a plan: where one entry fails for good, or its circuit is open, or its server
   * asks for too long a wait, the next one is asked; each has attempts of its own. An entry is a model's name at the
   * runtime's provider, or another provider. An entry that failed is passed over for `fallback.cooldown`. */
  model?: string | readonly (string | Provider)[] | undefined;
  /** Upper bound of the answer's length, in tokens. */
  maxTokens?: number | undefined;
  temperature?: number | undefined;
  /** Tells apart requests that are otherwise the same. */
  sample?: number | undefined;
  /** Whose limits under `rates.tenants` it counts against. Default: the nearest `key` of its task and those above. */
  tenant?: string | undefined;
  /** Tools that the model may ask for; the result's `toolCalls` say which it wants. `ctx.llmTools` runs them. */
  tools?: readonly ToolDefinition[] | undefined;
  toolChoice?: LLMToolChoice | undefined;
  /** Cancels this call alone. */
  signal?: AbortSignal | undefined;
  /** Longest time for all of it, queue, attempts, waits between them and a stream's reading; milliseconds. 0: none. */
  timeout?: number | undefined;
  /** Longest time of each attempt until its first token (of a call that is no stream: until its answer); milliseconds. An attempt
   * that takes longer fails with an LLMError of kind `timeout`, which is tried again. 0: none. */
  timeToFirstToken?: number | undefined;
  /** Of a stream: longest time until the next piece, while somebody waits for it; milliseconds. 0: none. */
  stallTimeout?: number | undefined;
  /** Of a stream that breaks after its first token: `fail` (default), or `restart`, which yields `{ type: 'restart' }` and then all
   * of the answer anew; it counts as an attempt. */
  afterFirstToken?: 'fail' | 'restart' | undefined;
  /** Sends a second request where the first has said nothing for `delay` milliseconds; the first to answer wins, the other is
   * cancelled. Within the budget of `hedging`. */
  hedge?: { delay: number } | undefined;
}

const optionNames = [
  'model',
  'maxTokens',
  'temperature',
  'sample',
  'tenant',
  'tools',
  'toolChoice',
  'signal',
  'timeout',
  'timeToFirstToken',
  'stallTimeout',
  'afterFirstToken',
  'hedge',
  'ctx',
  ...formatOptionNames,
];

// A plan's entries stand in the kernel one by one.
const maxPlan = 16;

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

/** What a call asks for. Throws an ArgumentError that names what is wrong. @internal */
export function specOf(operation: string, prompt: unknown, options: LLMOptions | undefined): CallSpec {
  const messages = messagesOf(operation, prompt);
  if (options === undefined) return specWithout({ messages });
  checkOptionNames(operation, options, optionNames);
  const refuse = (key: string, wanted: string, value: unknown): never => {
    throw new ArgumentError(operation, `options.${key} must be ${wanted}, got ${shown(value)}`);
  };
  const span = (key: string, value: unknown): number | undefined => {
    if (value === undefined || value === 0) return undefined;
    return typeof value === 'number' && value > 0 ? value : refuse(key, 'a number of milliseconds, 0 or more', value);
  };
  const { model, maxTokens, temperature, sample, tenant, tools, toolChoice, timeout, signal, afterFirstToken, hedge } = options;
  if (maxTokens !== undefined && (!Number.isSafeInteger(maxTokens) || maxTokens < 1)) refuse('maxTokens', 'a positive integer', maxTokens);
  if (temperature !== undefined && !Number.isFinite(temperature)) refuse('temperature', 'a finite number', temperature);
  if (sample !== undefined && !Number.isSafeInteger(sample)) refuse('sample', 'an integer', sample);
  if (tenant !== undefined && (typeof tenant !== 'string' || tenant === '')) refuse('tenant', 'a non-empty string', tenant);
  if (afterFirstToken !== undefined && afterFirstToken !== 'fail' && afterFirstToken !== 'restart') refuse('afterFirstToken', '"fail" or "restart"', afterFirstToken);
  if (hedge !== undefined && (typeof hedge !== 'object' || hedge === null || typeof hedge.delay !== 'number' || !(hedge.delay >= 0))) refuse('hedge', '{ delay }, a number of milliseconds', hedge);
  checkTimeout(operation, timeout);
  checkSignal(operation, signal);
  const format = formatOf(operation, options);
  const stalls = span('stallTimeout', options.stallTimeout);
  if (operation !== 'llmStream') {
    if (stalls !== undefined) throw new ArgumentError(operation, 'options.stallTimeout is for streams; timeToFirstToken limits an attempt of a call that is none');
    if (afterFirstToken !== undefined) throw new ArgumentError(operation, 'options.afterFirstToken is for streams');
  } else if (format !== undefined && format.repairs > 0) {
    throw new ArgumentError(operation, 'options.repair must be 0: what a stream gave out cannot be taken back; use llm');
  }
  const request: { -readonly [K in keyof LLMRequest]: LLMRequest[K] } = { messages, model: typeof model === 'string' ? model : undefined, maxTokens, temperature, sample };
  if (tools !== undefined) {
    request.tools = checkTools(operation, tools);
  }
  const chosen = checkToolChoice(operation, toolChoice, request.tools);
  if (chosen !== undefined) request.toolChoice = chosen;
  if (format !== undefined) request.format = format.request;
  return {
    request,
    timeout,
    timeToFirstToken: span('timeToFirstToken', options.timeToFirstToken),
    stallTimeout: stalls,
    afterFirstToken,
    hedge: hedge === undefined ? undefined : Math.max(hedge.delay, shortestHedge),
    format,
  };
}

function specWithout(request: LLMRequest): CallSpec {
  return {
    request,
    timeout: undefined,
    timeToFirstToken: undefined,
    stallTimeout: undefined,
    afterFirstToken: undefined,
    hedge: undefined,
    format: undefined,
  };
}

// 0 means none to the kernel.
const shortestHedge = 0.001;

/** Where a call may go: `options.model`, at the runtime's provider where nothing else is said. @internal */
export function planOf(operation: string, model: unknown, provider: Provider): readonly PlanEntry[] {
  if (model === undefined) return [{ provider, model: undefined }];
  const entryOf = (entry: unknown, key: string): PlanEntry => {
    if (typeof entry === 'string' && entry !== '') return { provider, model: entry };
    if (isProvider(entry)) return { provider: entry, model: undefined };
    throw new ArgumentError(operation, `options.${key} must be a non-empty string, or in a plan also what openai(), anthropic(), simulated() or custom() gives, got ${shown(entry)}`);
  };
  if (typeof model === 'string' && model !== '') return [{ provider, model }];
  if (!Array.isArray(model)) throw new ArgumentError(operation, `options.model must be a non-empty string, or a plan: an array of models and providers, got ${shown(model)}`);
  if (model.length === 0 || model.length > maxPlan) throw new ArgumentError(operation, `options.model, as a plan, must have 1 to ${maxPlan} entries, got ${model.length}`);
  // Holes of the array, too.
  return Array.from(model as unknown[], (entry, i) => entryOf(entry, `model[${i}]`));
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
