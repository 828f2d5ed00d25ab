/** The command line. Everything is checked here; a bad one is a UsageError of one sentence. */

import { parseArgs } from 'node:util';
import { isLispFile } from './lisp.js';
import { providerNames, type ProviderName } from './providers.js';
import { UsageError } from './usage-error.js';

export interface Arguments {
  /** A program of Lisp to run in the digest's place. */
  program: string | undefined;
  folder: string | undefined;
  concurrency: number;
  llm: number;
  out: string | undefined;
  provider: ProviderName | undefined;
  model: string | undefined;
  seed: number;
  failures: number | undefined;
  virtual: boolean;
  json: boolean;
  help: boolean;
}

export const help = `npm start [-- folder] [options]
npm start -- program.scm [folder] [options]

Digests every Markdown file of a folder (default: this repository): each is split in sections, each section is classified
and summarised by LLM calls that overlap, then the summaries are combined per document and overall. A program of Lisp is
run in its place: js/digest/digest.scm is the same digest in Lisp.

  --concurrency n   tasks that run at a time (default 32)
  --llm n           LLM calls in flight at a time (default 8)
  --provider name   ${providerNames.join(', ')} (default: what the environment has a key or an address for)
  --model name      the model to ask
  --seed n          seed of the simulated model and of all waits (default 1)
  --failures rate   share of the simulated model's attempts that fail, 0 to 1 (default 0.04)
  --virtual         the simulated model on a virtual clock: the same run, at once
  --out folder      where the timeline is written (default: build/digest/out in this repository)
  --json            the digest as JSON on standard output, nothing else
  --help            this text

OPENAI_API_KEY and OPENAI_BASE_URL, or ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL, name the server that is asked; without
them the simulated model answers. Ctrl-C cancels and prints what was finished, a second one exits at once.
Exit code: 0 done, 1 something failed, 2 wrong use, 130 interrupted.
`;

const options = {
  concurrency: { type: 'string' },
  llm: { type: 'string' },
  provider: { type: 'string' },
  model: { type: 'string' },
  seed: { type: 'string' },
  failures: { type: 'string' },
  virtual: { type: 'boolean' },
  out: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const kLargest = 2 ** 32 - 1;

/** Reads the arguments that follow the program's name. */
export function readArguments(args: string[]): Arguments {
  const { values, positionals } = parsed(args);
  const program = isLispFile(positionals[0] ?? '') ? positionals.shift() : undefined;
  if (positionals.length > 1) throw new UsageError(`Only one folder can be given, got ${positionals.join(' and ')}.`);
  if (program !== undefined && values.json === true) throw new UsageError('--json is for the digest; what a program prints is its own.');
  const provider = providerNames.find((name) => name === values.provider);
  if (values.provider !== undefined && provider === undefined) {
    throw new UsageError(
      `--provider must be one of ${providerNames.join(', ')}, got ${JSON.stringify(values.provider)}.`,
    );
  }
  for (const name of ['model', 'out'] as const) {
    if (values[name] === '') throw new UsageError(`--${name} must not be empty.`);
  }
  if (positionals[0] === '') throw new UsageError('The name of the folder must not be empty.');
  const failures = values.failures === undefined ? undefined : numberOf('--failures', values.failures);
  if (failures !== undefined && !(failures >= 0 && failures <= 1)) {
    throw new UsageError(`--failures must be a rate from 0 to 1, got ${values.failures}.`);
  }
  return {
    program,
    folder: positionals[0],
    concurrency: countOf('--concurrency', values.concurrency, 32),
    llm: countOf('--llm', values.llm, 8),
    out: values.out,
    provider,
    model: values.model,
    seed: values.seed === undefined ? 1 : numberOf('--seed', values.seed),
    failures,
    virtual: values.virtual ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
  };
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    // Node's message goes on to explain the shell; its first sentence says what is wrong.
    const [what] = (error as Error).message.split(/\.\s/);
    const names = Object.keys(options).map((name) => `--${name}`);
    throw new UsageError(`${what!.replace(/\.$/, '')}; the options are ${names.join(', ')}.`);
  }
}

function countOf(name: string, value: string | undefined, usual: number): number {
  if (value === undefined) return usual;
  const count = Number(value);
  if (value.trim() !== '' && Number.isInteger(count) && count >= 1 && count <= kLargest) return count;
  throw new UsageError(`${name} must be a whole number of at least 1, got ${JSON.stringify(value)}.`);
}

function numberOf(name: string, value: string): number {
  const number = Number(value);
  if (value.trim() !== '' && Number.isFinite(number)) return number;
  throw new UsageError(`${name} must be a number, got ${JSON.stringify(value)}.`);
}
