/**
 * Structured output: the form that a call's answer must have (any JSON, or JSON that fits a schema), the check of an answer,
 * and the request that asks for a better one.
 *
 * An answer of the wrong form is a failed attempt of the call, which the core repeats at once while the call's `repair`s
 * last. The next attempt shows the model its wrong answer and what is wrong with it, always the last one only, so that a
 * request grows once and not with each repair. An answer that asks for tools has no form yet, and passes.
 * Partners: `schema.ts`; `llm-call.ts`, which checks each attempt's answer.
 */

import { ArgumentError, HeddleError, StructuredOutputError, type SchemaProblem } from '../errors.js';
import { longText, type JSONSchema } from './json-schema.js';
import type { LLMAnswer, LLMFormat, LLMMessage, LLMRequest } from './provider.js';
import type { LLMResult } from './result.js';
import { schemaOf, type Checked, type CheckedSchema, type StandardSchema } from './schema.js';

/** Options of a call whose answer must be JSON. */
export interface FormatOptions {
  /** The answer is any JSON (JSON mode). Some servers want the word JSON in the prompt, too. */
  json?: boolean | undefined;
  /** The answer fits this schema: a JSON Schema (draft 7, 2019-09 or 2020-12), or a Standard Schema (zod, valibot, arktype, ...).
   * A Standard Schema of a library that cannot write it as JSON Schema is only checked, and the model asked for any JSON:
   * say in the prompt what is wanted. */
  schema?: StandardSchema | JSONSchema | undefined;
  /** The schema's name for the provider: letters, digits, `_` and `-`, at most 64. Default: its title where that is one, else
   * `answer`. */
  schemaName?: string | undefined;
  /** How many further requests may ask the model to repair an answer of the wrong form: 0 (default) to 3. They are attempts of the
   * same call: seen in its `timings`, and within `retry.maxAttempts`. Not for streams. */
  repair?: number | undefined;
}

/** The names of the options, for the check of all of a call's options. @internal */
export const formatOptionNames = ['json', 'schema', 'schemaName', 'repair'] as const;

/** The result of a call with `schema` or `json`. */
export interface StructuredResult<T = unknown> extends LLMResult {
  /** The answer as the schema gives it; without one, as parsed. */
  value: T;
}

/** How an answer's check ended. @internal */
export type FormatCheck = { readonly value: unknown } | { readonly error: HeddleError };

/** The form of one call's answer. @internal */
export interface Format {
  /** For the provider. */
  readonly request: LLMFormat;
  /** How many attempts more an answer of the wrong form may cost. */
  readonly repairs: number;
  /** Never throws or rejects. A promise only where the schema's own check is asynchronous, or the validator is still loaded. */
  check(answer: LLMAnswer): FormatCheck | Promise<FormatCheck>;
  /** The call's request, asking to repair that answer. */
  repaired(request: LLMRequest, error: StructuredOutputError): LLMRequest;
}

const maxRepairs = 3;
const isName = (name: unknown): name is string => typeof name === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(name);

/** The form that a call's options ask for, if any. Throws an ArgumentError that names what is wrong. @internal */
export function formatOf(operation: string, options: FormatOptions | undefined): Format | undefined {
  if (options === undefined) return undefined;
  const { json, schema, schemaName, repair = 0 } = options;
  const refuse = (text: string): never => {
    throw new ArgumentError(operation, text);
  };
  if (json !== undefined && typeof json !== 'boolean') refuse(`options.json must be a boolean, got ${typeof json}`);
  if (!Number.isInteger(repair) || repair < 0 || repair > maxRepairs) refuse(`options.repair must be a whole number from 0 to ${maxRepairs}, got ${String(repair)}`);
  if (schemaName !== undefined && !isName(schemaName)) refuse('options.schemaName must be 1 to 64 letters, digits, _ and -');
  if (schema === undefined) {
    if (schemaName !== undefined) refuse('options.schemaName names options.schema, which is missing');
    if (json !== true) return repair === 0 ? undefined : refuse('options.repair repairs answers of the wrong form: say the form with options.schema, or json: true');
    return new JSONFormat(operation, { type: 'json' }, repair, undefined);
  }
  if (json === false) refuse('options.json is false, but options.schema asks for JSON; leave one of them out');
  const checked = schemaOf(operation, 'options.schema', schema);
  const title = checked.json?.['title'];
  const name = schemaName ?? (isName(title) ? title : 'answer');
  const request: LLMFormat = checked.json === undefined ? { type: 'json' } : { type: 'json-schema', name, schema: checked.json };
  return new JSONFormat(operation, request, repair, checked);
}

class JSONFormat implements Format {
  constructor(
    private readonly operation: string,
    readonly request: LLMFormat,
    readonly repairs: number,
    private readonly schema: CheckedSchema | undefined,
  ) {}

  check(answer: LLMAnswer): FormatCheck | Promise<FormatCheck> {
    if (answer.toolCalls !== undefined && answer.toolCalls.length > 0) return { value: undefined };
    const parsed = parse(answer.text);
    if (parsed === undefined) return this.#wrong(answer, [{ path: '', message: notJSON(answer) }]);
    if (this.schema === undefined) return parsed;
    const judged = (checked: Checked): FormatCheck => ('problems' in checked ? this.#wrong(answer, checked.problems) : checked);
    try {
      const checked = this.schema.check(parsed.value, answer.text.length > longText);
      return checked instanceof Promise ? checked.then(judged).catch((error: unknown) => this.#failed(error)) : judged(checked);
    } catch (error) {
      return this.#failed(error);
    }
  }

  repaired(request: LLMRequest, error: StructuredOutputError): LLMRequest {
    const problems = error.problems.map(({ path, message }) => `- ${path === '' ? 'the whole answer' : path}: ${message}`).join('\n');
    const complaint = `Your answer does not have the form that was asked for:\n${problems}\nAnswer again: only the corrected JSON, no other text, no code fence.`;
    // Some providers refuse an empty message.
    const wrong: LLMMessage[] = error.text.trim() === '' ? [] : [{ role: 'assistant', content: error.text }];
    return { ...request, messages: [...request.messages, ...wrong, { role: 'user', content: complaint }] };
  }

  #wrong({ text, finishReason, usage }: LLMAnswer, problems: readonly SchemaProblem[]): FormatCheck {
    return { error: new StructuredOutputError(this.operation, { text, problems, finishReason, usage }) };
  }

  // The check itself failed: the schema's own code threw, or the validator is not to be had. No answer would help.
  #failed(error: unknown): FormatCheck {
    if (error instanceof HeddleError) return { error };
    return { error: new ArgumentError(this.operation, `options.schema threw at the check of an answer: ${error instanceof Error ? error.message : typeof error}`, { cause: error }) };
  }
}

/** The value of a text that is JSON, or JSON in a code fence and nothing else. Undefined: it is neither. @internal */
export function parse(text: string): { value: unknown } | undefined {
  const trimmed = text.trim();
  try {
    return { value: JSON.parse(trimmed) as unknown };
  } catch {
    // Models like to fence what they were asked to give bare.
  }
  const fence = /^```(?:json)?[ \t]*\r?\n/i.exec(trimmed);
  if (fence === null || !trimmed.endsWith('```')) return undefined;
  try {
    return { value: JSON.parse(trimmed.slice(fence[0].length, -3)) as unknown };
  } catch {
    return undefined;
  }
}

// In our words: an engine's own differ from engine to engine, and a repair's request must not.
function notJSON({ text, finishReason }: LLMAnswer): string {
  const trimmed = text.trim();
  if (trimmed === '') return 'is empty, where JSON was asked for';
  const cut = finishReason === 'length' || finishReason === 'max_tokens' ? '; it was cut off at the limit of tokens' : '';
  return `is no JSON: ${text.length} characters that begin with ${JSON.stringify(trimmed.slice(0, 40))}${cut}`;
}
