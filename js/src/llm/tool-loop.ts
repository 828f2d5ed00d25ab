/**
 * The tool loop: asks a model, runs the tools that it asks for, tells it what they gave, and asks again, until it answers
 * without tools or the rounds are used up.
 *
 * One loop is one structured scope: the model is asked by the scope's own operations, each tool runs as a task below it. So
 * nothing of a loop outlives it, its timeout and signal reach all of it, and tools stand under the runtime's limits.
 * Invariant: `messages` always ends where a conversation may go on: no tool call is in it without its result.
 * Partners: `tools.ts`; `runtime.ts` (scopes).
 */

import type { Context } from '../context.js';
import { ArgumentError, StructuredOutputError, ToolLoopError } from '../errors.js';
import { printable } from '../printable.js';
import type { Runtime } from '../runtime.js';
import type { ScopeContext } from '../scope.js';
import type { Task } from '../task.js';
import type { LLMMessage, LLMToolCall, LLMUsage } from './provider.js';
import { specOf, type LLMOptions, type Prompt } from './request.js';
import type { LLMResult } from './result.js';
import { formatOf } from './structured.js';
import { argumentsOf, checkedTools, checkToolChoice, type CheckedTool, type Tool } from './tools.js';

export interface ToolLoopOptions extends Omit<LLMOptions, 'tools'> {
  /** What the model may ask for. */
  tools: readonly Tool[];
  /** How many times the model is asked, at most. Default 10. */
  maxRounds?: number | undefined;
  /** Tools of one answer that run at the same time, at most. Default: all of them, as far as the runtime's limits allow. */
  toolConcurrency?: number | undefined;
  /** What becomes of a tool that throws or runs out of time: the model is told its error's message (`report`, the default), or
   * the loop fails (`throw`). A tool that the model names or calls wrongly does not run, and the model is told so in any case. */
  onToolError?: 'report' | 'throw' | undefined;
}

/** A tool call that a loop dealt with. */
export interface ToolRun {
  /** In which round: 1, 2, ... */
  round: number;
  call: LLMToolCall;
  /** What the tool gave. */
  result?: unknown;
  /** What it threw, or why it was not run; the model was told the message. */
  error?: Error | undefined;
}

export interface ToolLoopResult<T = unknown> {
  /** The last answer's. */
  text: string;
  /** The answer in the form that `schema` or `json` asked for. */
  value: T;
  /** The whole conversation, with the prompt and the last answer: usable as the next prompt. */
  messages: readonly LLMMessage[];
  /** How many times the model was asked. */
  rounds: number;
  /** In the order in which the model asked. */
  toolCalls: readonly ToolRun[];
  /** Of all rounds together, repaired answers too. */
  usage: LLMUsage;
  /** The last round's. */
  result: LLMResult;
}

const maxErrorText = 2000;

/** Runs a loop. Rejects for bad arguments as for failures. @internal */
export async function llmTools(runtime: Runtime, prompt: Prompt, options: ToolLoopOptions, ctx: Context | undefined): Promise<ToolLoopResult> {
  const loop = new ToolLoop(runtime, prompt, options);
  let end: { value: ToolLoopResult } | { error: unknown } | undefined;
  const body = async (s: ScopeContext): Promise<void> => {
    try {
      end = { value: await loop.run(s) };
    } catch (error) {
      // The scope would put the failures of tools beside it that the model was told of.
      end = { error };
    }
  };
  const { timeout, signal } = options;
  await runtime._scope(body, { name: 'llmTools', joiner: 'allSettled', timeout, signal }, ctx);
  if ('error' in end!) throw end.error;
  return end!.value;
}

class ToolLoop {
  readonly #runtime: Runtime;
  readonly #options: LLMOptions;
  readonly #tools = new Map<string, CheckedTool>();
  readonly #maxRounds: number;
  readonly #concurrency: number;
  readonly #throws: boolean;
  readonly #runs: ToolRun[] = [];
  #messages: readonly LLMMessage[];
  #usage: LLMUsage | undefined;

  constructor(runtime: Runtime, prompt: Prompt, options: ToolLoopOptions) {
    const operation = 'llmTools';
    const refuse = (text: string): never => {
      throw new ArgumentError(operation, text);
    };
    if (typeof options !== 'object' || options === null) refuse(`the second argument must be an object with tools, got ${options === null ? 'null' : typeof options}`);
    // The scope's, or ours; the rest is each call's.
    const { tools, maxRounds = 10, toolConcurrency = Infinity, onToolError = 'report', timeout, signal, ctx: _ctx, ...rest } = options as ToolLoopOptions & { ctx?: unknown };
    const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 1;
    if (!isCount(maxRounds) && maxRounds !== Infinity) refuse(`options.maxRounds must be a positive integer or Infinity, got ${printable(maxRounds)}`);
    if (!isCount(toolConcurrency) && toolConcurrency !== Infinity) refuse(`options.toolConcurrency must be a positive integer or Infinity, got ${printable(toolConcurrency)}`);
    if (onToolError !== 'report' && onToolError !== 'throw') refuse(`options.onToolError must be 'report' or 'throw', got ${printable(onToolError)}`);
    const checked = checkedTools(operation, tools, true);
    const requested = checked.map(({ request }) => request);
    checkToolChoice(operation, rest.toolChoice, requested);
    formatOf(operation, rest);
    this.#options = { ...rest, tools: requested };
    this.#messages = specOf(operation, prompt, { ...this.#options, timeout, signal }).request.messages;
    for (const each of checked) this.#tools.set(each.request.name, each);
    this.#runtime = runtime;
    this.#maxRounds = maxRounds;
    this.#concurrency = toolConcurrency;
    this.#throws = onToolError === 'throw';
  }

  async run(s: ScopeContext): Promise<ToolLoopResult> {
    let options = this.#options;
    for (let round = 1; ; round++) {
      const result: LLMResult & { value?: unknown } = await s.llm(this.#messages, options);
      this.#count(result);
      const { text, toolCalls = [], value } = result;
      if (toolCalls.length === 0) {
        // Some providers refuse an empty message.
        const last: LLMMessage[] = text === '' ? [] : [{ role: 'assistant', content: text }];
        return { text, value, messages: [...this.#messages, ...last], rounds: round, toolCalls: this.#runs, usage: this.#usage!, result };
      }
      if (round >= this.#maxRounds) {
        const names = toolCalls.map(({ name }) => name).join(', ');
        throw new ToolLoopError(`after ${round} round${round === 1 ? '' : 's'} (maxRounds) the model still asks for tools: ${names}`, { reason: 'rounds', messages: this.#messages, result });
      }
      const told = await this.#runAll(s, round, result, toolCalls);
      this.#messages = [...this.#messages, { role: 'assistant', content: text, toolCalls }, ...told];
      // A tool that must be used has been used; asked for it again, the model could never end.
      if (typeof options.toolChoice === 'object' || options.toolChoice === 'required') options = { ...options, toolChoice: 'auto' };
    }
  }

  /** Runs the tools of one answer; their messages in the order of the calls. One wait at a time, for whichever tool ends first:
   * a fiber with several waits would keep its slot between them, and the tools may need it. */
  async #runAll(s: ScopeContext, round: number, result: LLMResult, calls: readonly LLMToolCall[]): Promise<LLMMessage[]> {
    const runs = calls.map((call): ToolRun => ({ round, call }));
    this.#runs.push(...runs);
    const told = new Array<LLMMessage>(calls.length);
    const tell = (i: number, content: string): void => {
      told[i] = { role: 'tool', toolCallId: calls[i]!.id, content };
    };
    const tasks = new Map<Task, number>();
    for (let next = 0; next < calls.length || tasks.size > 0; ) {
      while (next < calls.length && tasks.size < this.#concurrency) {
        const i = next++;
        const begun = await this.#begin(s, runs[i]!);
        if (typeof begun === 'string') tell(i, begun);
        else tasks.set(begun, i);
      }
      if (tasks.size === 0) break;
      const task = await s.race([...tasks.keys()]);
      const i = tasks.get(task)!;
      tasks.delete(task);
      const content = ended(task, runs[i]!);
      const { error } = runs[i]!;
      if (error !== undefined && this.#throws) {
        for (const other of tasks.keys()) this.#runtime._cancel(other, 'another tool of the same answer failed');
        throw new ToolLoopError(`the tool "${calls[i]!.name}" failed: ${error.message}`, { reason: 'tool', messages: this.#messages, result, cause: error });
      }
      tell(i, content);
    }
    return told;
  }

  /** The task of one call, or what the model is told where there is none. */
  async #begin(s: ScopeContext, run: ToolRun): Promise<Task | string> {
    const { call } = run;
    const refused = (text: string): string => {
      run.error = new ArgumentError(`tool:${call.name}`, text);
      return `Error: ${text}`;
    };
    const found = this.#tools.get(call.name);
    if (found === undefined) return refused(`there is no tool ${JSON.stringify(call.name)}; there are ${[...this.#tools.keys()].join(', ')}`);
    const args = await argumentsOf(found, call);
    if ('wrong' in args) return refused(args.wrong);
    const { definition } = found;
    return s.submit((child) => definition.run(args.value, child), { name: `tool:${call.name}`, timeout: definition.timeout }) as Task;
  }

  #count({ usage, timings }: LLMResult): void {
    const repaired = timings.attempts.flatMap(({ error }) => (error instanceof StructuredOutputError ? [error.usage] : []));
    for (const each of [...repaired, usage]) this.#usage = this.#usage === undefined ? each : sum(this.#usage, each);
  }
}

/** What the model is told of a task that settled; the run has its result or its error afterwards. */
function ended(task: Task, run: ToolRun): string {
  const { error, result } = task;
  if (error === undefined) {
    run.result = result;
    if (typeof result === 'string') return result;
    try {
      return JSON.stringify(result) ?? 'null';
    } catch (unwritable) {
      run.error = new ArgumentError(`tool:${run.call.name}`, `what it gave cannot be written as JSON: ${(unwritable as Error).message}`, { cause: unwritable });
    }
  } else {
    run.error = error;
  }
  return `Error: ${run.error!.message.slice(0, maxErrorText)}`;
}

function sum(a: LLMUsage, b: LLMUsage): LLMUsage {
  const sources = [a.source, b.source];
  const source = sources.includes('unknown') ? 'unknown' : sources.includes('estimated') ? 'estimated' : 'exact';
  return { inputTokens: a.inputTokens + b.inputTokens, outputTokens: a.outputTokens + b.outputTokens, source };
}
