/**
 * What programs can ask of the host: the built-in procedures by number, and those that rt.define made. Each gets its
 * arguments converted, and the context of the operation; what it gives, or throws, goes back.
 *
 * | number | procedure | arguments | gives |
 * |---|---|---|---|
 * | 1 | llm.infer | prompt, options | the text; the value of `:json` or `:schema`; a table with `:full` |
 * | 2 | llm.stream-open | prompt, options | the stream's number |
 * | 3 | llm.stream-read | number | the next piece of text; the end-of-file object once it ended; `#f`: what came so far is void |
 * | 4 | llm.stream-close | number | unspecified; of a stream that is over, too |
 * | 64 ... | rt.define | as called | what the function gives |
 *
 * A stream belongs to the task that opened it: it is closed with that task, and no other task can read it.
 */

import { closed } from '../closed.js';
import { ArgumentError } from '../errors.js';
import type { Calls } from '../llm/calls.js';
import type { LLMStream } from '../llm/llm-stream.js';
import { sketch } from '../printable.js';
import type { Task } from '../task.js';
import type { HostContext } from './host-context.js';
import type { DefineOptions, LispContextFunction, LispFunction } from './host-function.js';
import { answerOf, inferenceOf } from './infer.js';

/** Carries out one operation; the context is current while it runs to its first await. */
export type Procedure = (ctx: HostContext, args: unknown[]) => unknown;

const firstDefined = 64;

export class Procedures {
  readonly #builtIn: (Procedure | undefined)[];
  readonly #defined: (Procedure | undefined)[] = [];
  // By the task that opened them.
  readonly #streams = new Map<Task, Map<number, LLMStream>>();
  #lastStream = 0;

  constructor(llm: Calls) {
    this.#builtIn = [
      undefined,
      async (ctx, args) => {
        const inference = inferenceOf('llm.infer', args);
        return answerOf(await llm.call(inference.prompt, inference.options, ctx), inference);
      },
      (ctx, args) => {
        const { prompt, options } = inferenceOf('llm.stream-open', args);
        return this.#opened(ctx.task, llm.stream(prompt, options, ctx));
      },
      async (ctx, args) => {
        const { value, done } = await this.#stream('llm.stream-read', ctx, args).next();
        if (done === true) {
          this.#streams.get(ctx.task)?.delete(args[0] as number);
          return closed;
        }
        return value.type === 'restart' ? false : value.text;
      },
      async (ctx, args) => {
        const [number] = args;
        const streams = this.#streams.get(ctx.task);
        const stream = streams?.get(number as number);
        streams?.delete(number as number);
        await stream?.return();
      },
    ];
  }

  of(number: number): Procedure | undefined {
    return number >= firstDefined ? this.#defined[number - firstDefined] : this.#builtIn[number];
  }

  define(number: number, fn: LispFunction | LispContextFunction, { withContext = false }: DefineOptions): void {
    this.#defined[number - firstDefined] = withContext ? (ctx, args) => fn(ctx, ...args) : (_, args) => (fn as LispFunction)(...args);
  }

  #opened(task: Task, stream: LLMStream): number {
    // It is read piece by piece; who reads hears of its failure.
    stream[Symbol.asyncIterator]();
    let streams = this.#streams.get(task);
    if (streams === undefined) {
      this.#streams.set(task, (streams = new Map()));
      (task._lazy().onEnd ??= []).push(() => this.#closeAll(task));
    }
    streams.set(++this.#lastStream, stream);
    return this.#lastStream;
  }

  #closeAll(task: Task): void {
    for (const stream of this.#streams.get(task)?.values() ?? []) void stream.return();
    this.#streams.delete(task);
  }

  #stream(operation: string, ctx: HostContext, [number]: unknown[]): LLMStream {
    const stream = this.#streams.get(ctx.task)?.get(number as number);
    if (stream === undefined) throw new ArgumentError(operation, `there is no open stream ${sketch(number)} of this task`);
    return stream;
  }
}

const namePattern = /^[A-Za-z_!?$&*/<=>^~+.-][\w!?$&*/:<=>@^~+.%-]*$/;
const longestName = 200;

/** Throws an ArgumentError unless rt.define can make this. */
export function checkDefinition(name: unknown, fn: unknown, options: unknown): asserts options is DefineOptions {
  if (typeof name !== 'string' || name.length > longestName || !namePattern.test(name) || /^[+-]?[.\d]/.test(name) || name === '+' || name === '-') {
    throw new ArgumentError('define', `the name must be a symbol of Lisp, such as "fetch-page", got ${sketch(name)}`);
  }
  if (typeof fn !== 'function') throw new ArgumentError('define', `the second argument must be a function, got ${sketch(fn)}`);
  if (typeof options !== 'object' || options === null) throw new ArgumentError('define', `the options must be an object, got ${sketch(options)}`);
  for (const [key, value] of Object.entries(options)) {
    if (key !== 'withContext') throw new ArgumentError('define', `${key} is no option; there is withContext`);
    if (value !== undefined && typeof value !== 'boolean') throw new ArgumentError('define', `options.withContext must be a boolean, got ${sketch(value)}`);
  }
}
