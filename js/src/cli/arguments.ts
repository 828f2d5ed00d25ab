/** The command line of `heddle`. Everything is checked here; a bad one is a UsageError of one sentence. */

import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UsageError } from './usage-error.js';

export const providerNames = ['openai', 'anthropic', 'simulated'] as const;

/** Who answers calls to models, and on which clock. */
export interface ModelArguments {
  provider: (typeof providerNames)[number] | undefined;
  model: string | undefined;
  baseURL: string | undefined;
  seed: number;
  virtual: boolean;
}

export interface RunArguments extends ModelArguments {
  command: 'run';
  /** `-` is the standard input. */
  file: string;
  args: string[];
  timeout: number | undefined;
  steps: number | undefined;
}

export interface ReplArguments extends ModelArguments {
  command: 'repl';
}

export type Arguments = RunArguments | ReplArguments | { command: 'help' } | { command: 'version' };

export const help = `heddle run file.scm [options] [argument ...]   runs a program; - reads it from the standard input
heddle repl [options]                          evaluates what is typed, form by form

  --provider name   who answers llm.infer: ${providerNames.join(', ')} (default: what the environment has a key or an
                    address for, else simulated, which answers offline)
  --model name      the model to ask
  --base-url url    the server's address
  --seed n          seed of the simulated model and of all that is random (default 1)
  --virtual         time passes only where nothing can run; for the simulated model
  --timeout ms      run: the longest time for the program
  --steps n         run: the most steps of the machine
  --help, --version

The program finds its arguments as the list args; what follows -- is one even where it looks like an option. What it
prints goes to the standard output, and its value after it, unless that is unspecified. OPENAI_API_KEY and OPENAI_BASE_URL,
or ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL, name the server that is asked.
Exit code: 0 done, 1 the program failed, 2 wrong use, 130 interrupted.
`;

const modelOptions = {
  provider: { type: 'string' },
  model: { type: 'string' },
  'base-url': { type: 'string' },
  seed: { type: 'string' },
  virtual: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsConfig['options'];

const runOptions = { ...modelOptions, timeout: { type: 'string' }, steps: { type: 'string' } } as const;

/** Reads the arguments that follow the command's name. */
export function readArguments(argv: readonly string[]): Arguments {
  const [command, ...rest] = argv;
  switch (command) {
    case undefined:
      throw new UsageError('Say what to do: heddle run file.scm, or heddle repl; heddle --help tells more.');
    case '--help':
    case '-h':
    case 'help':
      return { command: 'help' };
    case '--version':
    case '-v':
      return { command: 'version' };
    case 'run': {
      const { values, positionals } = parsed(rest, runOptions);
      if (values.help === true) return { command: 'help' };
      const [file, ...args] = positionals;
      if (file === undefined || file === '') throw new UsageError('heddle run: name the file to run, or - for the standard input.');
      const timeout = numberOf('--timeout', values.timeout, 0);
      return { command, file, args, timeout, steps: countOf('--steps', values.steps), ...modelArguments(values) };
    }
    case 'repl': {
      const { values, positionals } = parsed(rest, modelOptions);
      if (values.help === true) return { command: 'help' };
      if (positionals.length > 0) throw new UsageError(`heddle repl takes no file, got ${positionals.join(' ')}; heddle run runs one.`);
      return { command, ...modelArguments(values) };
    }
    default:
      throw new UsageError(`There is no command ${JSON.stringify(command)}; there are run and repl, and heddle --help tells more.`);
  }
}

interface ModelValues {
  provider?: string;
  model?: string;
  'base-url'?: string;
  seed?: string;
  virtual?: boolean;
}

function modelArguments(values: ModelValues): ModelArguments {
  const provider = providerNames.find((name) => name === values.provider);
  if (values.provider !== undefined && provider === undefined) {
    throw new UsageError(`--provider must be one of ${providerNames.join(', ')}, got ${JSON.stringify(values.provider)}.`);
  }
  for (const name of ['model', 'base-url'] as const) {
    if (values[name] === '') throw new UsageError(`--${name} must not be empty.`);
  }
  return { provider, model: values.model, baseURL: values['base-url'], seed: numberOf('--seed', values.seed, -Infinity) ?? 1, virtual: values.virtual ?? false };
}

function parsed<T extends NonNullable<ParseArgsConfig['options']>>(args: string[], options: T) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    // Node's message goes on to explain the shell; its first sentence says what is wrong.
    const [what] = (error as Error).message.split(/\.\s/);
    const names = Object.keys(options).map((name) => `--${name}`);
    throw new UsageError(`${what!.replace(/\.$/, '')}; the options are ${names.join(', ')}, and what follows -- belongs to the program.`);
  }
}

function numberOf(name: string, value: string | undefined, least: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() !== '' && Number.isFinite(number) && number >= least) return number;
  throw new UsageError(`${name} must be a number${least === 0 ? ', 0 or more' : ''}, got ${JSON.stringify(value)}.`);
}

function countOf(name: string, value: string | undefined): number | undefined {
  const count = numberOf(name, value, 0);
  if (count === undefined || Number.isSafeInteger(count)) return count;
  throw new UsageError(`${name} must be a whole number, got ${JSON.stringify(value)}.`);
}
