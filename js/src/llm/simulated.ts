/**
 * A provider without a model: answers, latencies and failures are computed from (seed, request, attempt), so that a
 * run repeats exactly, offline and without a key. Invariant: answer() is pure as long as the caller's `script` and
 * `latency` functions are. The text does not depend on the attempt (a retry asks the same thing); latency and failure
 * do. It makes no time pass: the core does, on the runtime's clock.
 * Partners: `simulated-text.ts`, `simulated-json.ts`, `hash.ts`, `call.ts`.
 */

import { LLMError } from '../errors.js';
import { describe, statusError } from './failure.js';
import { generator, hash } from './hash.js';
import { checkInteger, checkKeys, checkNumber, checkText, refuse } from './options.js';
import type { LLMRequest, LLMToolCall, LLMUsage, SimulatedAnswer, SimulatedProvider } from './provider.js';
import { plausibleJSON } from './simulated-json.js';
import { plausibleAnswer } from './simulated-text.js';
import { estimateTokens, estimateUsage, isCount, textOf } from './usage.js';

/** What a script may state of an answer; the rest is computed. */
export interface ScriptedAnswer {
  text?: string | undefined;
  latencyMs?: number | undefined;
  /** `source` defaults to `exact`. */
  usage?: { inputTokens: number; outputTokens: number; source?: LLMUsage['source'] | undefined } | undefined;
  finishReason?: string | undefined;
  /** Tools that the answer asks for; then its text is empty, where the script gives none. `arguments` is JSON, or the value
   * itself; `id` defaults to `call_1`, `call_2`, ... */
  toolCalls?: readonly { id?: string | undefined; name: string; arguments?: unknown }[] | undefined;
  /** The attempt fails with this HTTP status (100 to 599) instead. `retryAfter` is in milliseconds. */
  error?: { status: number; message?: string | undefined; retryAfter?: number | undefined } | undefined;
}

export interface SimulatedOptions {
  /** Any finite number; default 1. */
  seed?: number | undefined;
  /** Milliseconds: always, uniform between two bounds, or by a function; default { min: 100, max: 400 }. */
  latency?: number | { min: number; max: number } | ((request: LLMRequest, attempt: number) => number) | undefined;
  /** Share of the attempts that fail, 0 to 1, and their status; default 0 and 503. */
  failures?: number | { rate: number; status?: number | undefined } | undefined;
  /** Answers by hand. `n` is the attempt: 1, 2, ... What it leaves out of text, latency and usage is computed; whether it
   * fails is its own word alone. With undefined, all is computed. */
  script?: ((request: LLMRequest, n: number) => ScriptedAnswer | string | undefined) | undefined;
  /** Default `simulated`. */
  model?: string | undefined;
}

const kMinLatency = 100;
const kMaxLatency = 400;
const kFailureStatus = 503;

type Latency = (request: LLMRequest, attempt: number, draw: () => number) => number;

/** A deterministic provider for tests, demos and offline work. Throws ConfigError for bad options. */
export function simulated(options: SimulatedOptions = {}): SimulatedProvider {
  const {
    seed = 1,
    latency,
    failures = 0,
    script,
    model = 'simulated',
  } = checkKeys('simulated', options, ['seed', 'latency', 'failures', 'script', 'model']);
  if (script !== undefined && typeof script !== 'function') refuse('simulated.script', 'a function', script);
  const checkedSeed = checkNumber('simulated.seed', seed, -Number.MAX_VALUE, Number.MAX_VALUE);
  return new Simulation(
    checkText('simulated.model', model),
    checkedSeed,
    latencyOf(latency),
    failuresOf(failures),
    script,
  );
}

class Simulation implements SimulatedProvider {
  readonly kind = 'simulated';

  constructor(
    readonly model: string,
    private readonly seed: number,
    private readonly latency: Latency,
    private readonly failures: { rate: number; status: number },
    private readonly script: SimulatedOptions['script'],
  ) {}

  answer(request: LLMRequest, attempt: number): SimulatedAnswer {
    const model = request.model ?? this.model;
    const draw = generator(hash(['attempt', this.seed, model, request, attempt]));
    const fails = draw() < this.failures.rate;
    const lot = draw();
    const stated = this.#scripted(request, attempt);
    const { status } = this.failures;
    const computed = fails ? { status, message: `simulated failure ${status}` } : undefined;
    const error = stated === undefined ? computed : stated.error && errorOf(stated.error);
    const toolCalls = error === undefined ? toolCallsOf(stated?.toolCalls) : undefined;
    const { text, finishReason } =
      error !== undefined
        ? { text: '', finishReason: 'error' }
        : stated?.text !== undefined || toolCalls !== undefined
          ? { text: checkedText(stated?.text ?? ''), finishReason: toolCalls === undefined ? 'stop' : 'tool_calls' }
          : this.#text(request, model);
    return {
      text,
      latencyMs:
        stated?.latencyMs === undefined
          ? this.latency(request, attempt, () => lot)
          : checkNumber('simulated.script.latencyMs', stated.latencyMs, 0, Number.MAX_SAFE_INTEGER),
      usage: stated?.usage === undefined ? estimateUsage(request, { text, toolCalls }) : usageOf(stated.usage),
      finishReason: stated?.finishReason ?? finishReason,
      ...(toolCalls === undefined ? {} : { toolCalls }),
      ...(error === undefined ? {} : { error }),
    };
  }

  #scripted(request: LLMRequest, attempt: number): ScriptedAnswer | undefined {
    let stated: ScriptedAnswer | string | undefined;
    try {
      stated = this.script?.(request, attempt);
    } catch (error) {
      throw new LLMError(`simulated: the script threw: ${describe(error)}`, { kind: 'protocol', cause: error });
    }
    if (stated === undefined) return undefined;
    if (typeof stated === 'string') return { text: stated };
    if (typeof stated !== 'object' || stated === null || stated instanceof Promise) {
      return refuse('simulated.script', 'a function that gives an object, a string or undefined, at once', stated);
    }
    return stated;
  }

  #text(request: LLMRequest, model: string): { text: string; finishReason: string } {
    const prompt =
      request.messages
        .filter(({ role }) => role === 'user')
        .map((message) => textOf(message) ?? '')
        .at(-1) ?? '';
    const draw = generator(hash(['text', this.seed, model, request]));
    const { format } = request;
    const words = plausibleAnswer(prompt, draw);
    const text = format === undefined ? words : plausibleJSON(format.type === 'json' ? undefined : format.schema, words, draw);
    const limit = request.maxTokens;
    if (limit === undefined || estimateTokens(text) <= limit) return { text, finishReason: 'stop' };
    let end = text.length;
    while (end > 0 && estimateTokens(text.slice(0, end)) > limit) end--;
    return { text: text.slice(0, end), finishReason: 'length' };
  }
}

function latencyOf(latency: SimulatedOptions['latency']): Latency {
  const key = 'simulated.latency';
  if (typeof latency === 'function') {
    return (request, attempt) => checkNumber(`${key}()`, latency(request, attempt), 0, Number.MAX_SAFE_INTEGER);
  }
  if (latency !== undefined && typeof latency !== 'object') {
    const fixed = checkNumber(key, latency, 0, Number.MAX_SAFE_INTEGER);
    return () => fixed;
  }
  if (latency === null) return refuse(key, 'a number, { min, max } or a function', latency);
  const { min, max } = latency ?? { min: kMinLatency, max: kMaxLatency };
  checkNumber(`${key}.min`, min, 0, Number.MAX_SAFE_INTEGER);
  checkNumber(`${key}.max`, max, min, Number.MAX_SAFE_INTEGER);
  // Whole milliseconds: times on the ledger stay short and exact.
  return (_request, _attempt, draw) => min + Math.floor(draw() * (Math.floor(max - min) + 1));
}

function failuresOf(failures: NonNullable<SimulatedOptions['failures']>): { rate: number; status: number } {
  const key = 'simulated.failures';
  if (typeof failures !== 'object') return { rate: checkNumber(key, failures, 0, 1), status: kFailureStatus };
  if (failures === null) return refuse(key, 'a rate from 0 to 1 or { rate, status }', failures);
  const { rate, status = kFailureStatus } = failures;
  return { rate: checkNumber(`${key}.rate`, rate, 0, 1), status: checkInteger(`${key}.status`, status, 400, 599) };
}

function checkedText(text: unknown): string {
  return typeof text === 'string' ? text : refuse('simulated.script.text', 'a string', text);
}

function toolCallsOf(toolCalls: ScriptedAnswer['toolCalls']): LLMToolCall[] | undefined {
  const key = 'simulated.script.toolCalls';
  if (toolCalls === undefined) return undefined;
  if (!Array.isArray(toolCalls)) return refuse(key, 'an array of { name, arguments }', toolCalls);
  const calls = toolCalls as NonNullable<ScriptedAnswer['toolCalls']>;
  if (calls.length === 0) return undefined;
  return calls.map((call, i) => {
    const { id = `call_${i + 1}`, name, arguments: value = {} } = call ?? {};
    return {
      id: checkText(`${key}[${i}].id`, id),
      name: checkText(`${key}[${i}].name`, name),
      arguments: typeof value === 'string' ? value : argumentsOf(`${key}[${i}].arguments`, value),
    };
  });
}

function argumentsOf(key: string, value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return refuse(key, 'JSON, or a value that can be written as JSON', value);
  }
}

function errorOf(error: NonNullable<ScriptedAnswer['error']>): NonNullable<SimulatedAnswer['error']> {
  const { status, message = `simulated failure ${status}`, retryAfter } = error;
  return {
    status: checkInteger('simulated.script.error.status', status, 100, 599),
    message: String(message),
    retryAfter,
  };
}

function usageOf(usage: NonNullable<ScriptedAnswer['usage']>): LLMUsage {
  const { inputTokens, outputTokens, source = 'exact' } = usage;
  if (isCount(inputTokens) && isCount(outputTokens)) return { inputTokens, outputTokens, source };
  return refuse('simulated.script.usage', '{ inputTokens, outputTokens } with numbers of at least 0', usage);
}

/** The LLMError that a simulated failure stands for. */
export function simulatedError(error: NonNullable<SimulatedAnswer['error']>): LLMError {
  return statusError('simulated', error.status, { message: error.message }, { retryAfter: error.retryAfter });
}
