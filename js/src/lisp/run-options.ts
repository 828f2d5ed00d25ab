/** What rt.run, ctx.run and rt.eval take beside the text: the options of a task, and those of a program. */

import { ArgumentError } from '../errors.js';
import { sketch } from '../printable.js';
import { checkTaskOptions, type TaskOptions } from '../task-options.js';

/** What a program may use up. */
export interface LispBudgets {
  /** Steps of the machine, for the program with all its fibers. Beyond it every step raises BudgetExceeded. */
  stepsLeft?: number | undefined;
}

export interface EvalOptions extends TaskOptions {
  /** Names the text in positions and messages, and the task. Default `program`; of an evaluation `eval`. */
  name?: string | undefined;
  /** Definitions that the text finds, each a value that can cross. Under rt.eval they stay. */
  globals?: Readonly<Record<string, unknown>> | undefined;
  /** Limits of what it may use up. Default: none. */
  budgets?: LispBudgets | undefined;
  /** Gets what the program prints, piece by piece as it comes. Default: the process's standard output, or the console. */
  output?: ((text: string) => void) | undefined;
}

/** @internal */
export interface WrittenOptions {
  /** The result is the value as `write` writes it. */
  written?: boolean | undefined;
}

export interface RunOptions extends EvalOptions {
  /** The list that the program finds as `args`. Default: an empty one. */
  args?: readonly unknown[] | undefined;
  /** Bytes that all Lisp values of the runtime may take together while this program runs; one that needs more raises HeapLimit. */
  heapLimit?: number | undefined;
}

/** The options apart. @internal */
export interface ProgramOptions {
  readonly task: TaskOptions | undefined;
  readonly file: string;
  readonly args: readonly unknown[];
  readonly globals: Readonly<Record<string, unknown>>;
  readonly heapLimit: number | undefined;
  readonly stepsLeft: number | undefined;
  readonly output: ((text: string) => void) | undefined;
  /** The result is the value as `write` writes it, a string; undefined of an unspecified one. */
  readonly isWritten: boolean;
}

const own = ['args', 'globals', 'heapLimit', 'budgets', 'output', 'written'];
const least = { heapLimit: 65_536, stepsLeft: 0 };
const longestName = 1000;

/** Throws an ArgumentError that names what is wrong. @internal */
export function programOptions(operation: 'run' | 'ctx.run' | 'eval', source: unknown, options: RunOptions | undefined): ProgramOptions {
  if (typeof source !== 'string') throw new ArgumentError(operation, `the program must be a string, got ${sketch(source)}`);
  const isEval = operation === 'eval';
  const file = isEval ? 'eval' : 'program';
  if (options === undefined) return { task: undefined, file, args: [], globals: {}, heapLimit: undefined, stepsLeft: undefined, output: undefined, isWritten: false };
  if (typeof options !== 'object' || options === null) throw new ArgumentError(operation, `the options must be an object, got ${sketch(options)}`);
  const refuse = (key: string, wanted: string, value: unknown): never => {
    throw new ArgumentError(operation, `options.${key} must be ${wanted}, got ${sketch(value)}`);
  };
  if ('profile' in options) throw new ArgumentError(operation, 'options.profile is no option: there are no profiles yet, and a program that needs one must not run without');
  const task: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    if (value !== undefined && !own.includes(key)) task[key] = value;
  }
  const { args = [], globals = {}, heapLimit, budgets = {}, output, name } = options;
  checkTaskOptions(operation, task);
  if (name !== undefined && (name === '' || name.length > longestName)) refuse('name', `a string of 1 to ${longestName} characters`, name);
  if (isEval && (options.args !== undefined || heapLimit !== undefined)) throw new ArgumentError(operation, 'args and heapLimit are options of run');
  if (!Array.isArray(args)) refuse('args', 'an array', args);
  if (typeof globals !== 'object' || globals === null || Array.isArray(globals)) refuse('globals', 'an object', globals);
  if (heapLimit !== undefined && !(Number.isSafeInteger(heapLimit) && heapLimit >= least.heapLimit)) refuse('heapLimit', `a number of bytes, ${least.heapLimit} or more`, heapLimit);
  if (typeof budgets !== 'object' || budgets === null || Array.isArray(budgets)) refuse('budgets', 'an object', budgets);
  for (const key of Object.keys(budgets)) {
    if (key !== 'stepsLeft') throw new ArgumentError(operation, `options.budgets.${key} is no option; there is stepsLeft`);
  }
  const { stepsLeft } = budgets;
  if (stepsLeft !== undefined && stepsLeft !== Infinity && !(Number.isSafeInteger(stepsLeft) && stepsLeft >= least.stepsLeft)) {
    refuse('budgets.stepsLeft', 'an integer, 0 or more, or Infinity', stepsLeft);
  }
  if (output !== undefined && typeof output !== 'function') refuse('output', 'a function', output);
  return {
    task: Object.keys(task).length === 0 ? undefined : task,
    file: name ?? file,
    args,
    globals,
    heapLimit,
    stepsLeft: stepsLeft === Infinity ? undefined : stepsLeft,
    output,
    isWritten: (options as WrittenOptions).written === true,
  };
}
