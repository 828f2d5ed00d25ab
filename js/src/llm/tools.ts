/**
 * Tools: what a call says of them, checked at the call, and what becomes of the arguments that a model writes. Invariant: a
 * definition that passed is the call's own, as far as the provider sees it.
 * Partners: `request.ts`, which puts them into a request; `tool-loop.ts`, which runs them; `schema.ts`.
 */

import type { Context } from '../context.js';
import { ArgumentError, type SchemaProblem } from '../errors.js';
import { printable } from '../printable.js';
import { longText, type JSONSchema } from './json-schema.js';
import type { LLMTool, LLMToolCall, LLMToolChoice } from './provider.js';
import { schemaOf, type CheckedSchema, type OutputOf, type StandardSchema } from './schema.js';

/** A tool that a model may ask for. */
export interface ToolDefinition {
  /** Letters, digits, `_` and `-`; at most 64. */
  name: string;
  /** For the model: what it does, when to use it. */
  description?: string | undefined;
  /** The arguments, an object: a JSON Schema, or a Standard Schema of a library that can write it as one (zod 4.2, arktype
   * 2.1.28, ...). Default: an object without properties. */
  parameters?: StandardSchema | JSONSchema | undefined;
}

/** A tool that `llmTools` runs. */
// The arguments are as the schema says, which only tool() knows.
export interface Tool<Args = any> extends ToolDefinition {
  /** Runs as a task of its own, `tool:<name>`. What it gives goes to the model: text as it is, anything else as JSON. */
  run(args: Args, ctx: Context): unknown;
  /** Longest run in milliseconds. Default: the runtime's `taskTimeout`. */
  timeout?: number | undefined;
}

/** A tool, as it is given; only its types are new: `run` gets what the Standard Schema in `parameters` makes of the arguments. */
export function tool<S extends StandardSchema>(definition: Omit<Tool, 'parameters' | 'run'> & { parameters: S; run(args: OutputOf<S>, ctx: Context): unknown }): Tool<OutputOf<S>>;
export function tool<Args = unknown>(definition: Tool<Args>): Tool<Args>;
export function tool(definition: Tool): Tool {
  return definition;
}

/** A definition that was checked. @internal */
export interface CheckedTool {
  readonly request: LLMTool;
  readonly parameters: CheckedSchema | undefined;
  readonly definition: Tool;
}

const known = ['name', 'description', 'parameters', 'run', 'timeout'];

/** The tools of a call, for its request. Throws an ArgumentError that names what is wrong. @internal */
export function checkTools(operation: string, tools: unknown): readonly LLMTool[] {
  return checkedTools(operation, tools, false).map(({ request }) => request);
}

/** The same, with all that is needed to run them; `runs`: each must be able to. @internal */
export function checkedTools(operation: string, tools: unknown, runs: boolean): readonly CheckedTool[] {
  if (!Array.isArray(tools)) throw new ArgumentError(operation, `options.tools must be an array of tools, got ${kindOf(tools)}`);
  const names = new Set<string>();
  return Array.from(tools as unknown[], (definition, i) => {
    const key = `options.tools[${i}]`;
    const refuse = (text: string): never => {
      throw new ArgumentError(operation, `${key}${text}`);
    };
    if (typeof definition !== 'object' || definition === null) refuse(` must be an object of name, description and parameters, got ${kindOf(definition)}`);
    const { name, description, parameters, run, timeout } = definition as Record<keyof Tool, unknown>;
    for (const field of Object.keys(definition as object)) {
      if (!known.includes(field)) refuse(`.${field} is not a tool's; there are ${known.join(', ')}`);
    }
    if (typeof name !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(name)) return refuse(`.name must be 1 to 64 letters, digits, _ and -, got ${printable(name)}`);
    if (names.has(name)) refuse(`.name is "${name}", as another tool's is; a model could not tell them apart`);
    names.add(name);
    if (description !== undefined && typeof description !== 'string') refuse(`.description must be a string, got ${kindOf(description)}`);
    if (runs && typeof run !== 'function') refuse(`.run must be a function, got ${kindOf(run)}`);
    if (timeout !== undefined && (typeof timeout !== 'number' || !(timeout >= 0))) refuse(`.timeout must be a number of milliseconds, 0 or more, got ${printable(timeout)}`);
    const checked = parameters === undefined ? undefined : schemaOf(operation, `${key}.parameters`, parameters);
    if (checked !== undefined && checked.json === undefined) {
      refuse('.parameters is of a library that cannot write it as JSON Schema, which a model needs; give a JSON Schema, and check the arguments in run()');
    }
    const json = checked?.json;
    if (json !== undefined && json['type'] !== undefined && json['type'] !== 'object') refuse(`.parameters must describe an object (type: 'object'), got type ${JSON.stringify(json['type'])}`);
    const request: LLMTool = { name };
    if (description !== undefined) request.description = description as string;
    if (json !== undefined) request.parameters = json;
    return { request, parameters: checked, definition: definition as Tool };
  });
}

/** A call's toolChoice, which may name one of its tools. @internal */
export function checkToolChoice(operation: string, choice: unknown, tools: readonly LLMTool[] | undefined): LLMToolChoice | undefined {
  if (choice === undefined) return undefined;
  if (tools === undefined || tools.length === 0) throw new ArgumentError(operation, 'options.toolChoice chooses among options.tools, which are missing');
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice;
  const name = typeof choice === 'object' && choice !== null ? (choice as { name?: unknown }).name : undefined;
  if (typeof name !== 'string') throw new ArgumentError(operation, `options.toolChoice must be 'auto', 'none', 'required' or { name }, got ${printable(choice)}`);
  if (!tools.some((each) => each.name === name)) throw new ArgumentError(operation, `options.toolChoice names "${name}", which is none of options.tools`);
  return { name };
}

/** What a model wrote as arguments, as the tool's schema gives it, or what is wrong with it. @internal */
export function argumentsOf({ parameters }: CheckedTool, call: LLMToolCall): { value: unknown } | { wrong: string } | Promise<{ value: unknown } | { wrong: string }> {
  // Where there is nothing to say, some models write nothing.
  const text = call.arguments.trim() === '' ? '{}' : call.arguments;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { wrong: 'the arguments are no JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { wrong: 'the arguments must be a JSON object' };
  if (parameters === undefined) return { value };
  const judged = (checked: { value: unknown } | { problems: readonly SchemaProblem[] }): { value: unknown } | { wrong: string } =>
    'problems' in checked ? { wrong: `the arguments do not fit:\n${listed(checked.problems)}` } : checked;
  const checked = parameters.check(value, text.length > longText);
  return checked instanceof Promise ? checked.then(judged) : judged(checked);
}

const maxListed = 20;

function listed(problems: readonly SchemaProblem[]): string {
  return problems
    .slice(0, maxListed)
    .map(({ path, message }) => `${path === '' ? 'all of them' : path}: ${message.slice(0, 200)}`)
    .join('\n');
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
}

