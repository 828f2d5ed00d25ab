/** `heddle run`: one program, from its file to the exit code. */

import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { CancellationError } from '../errors.js';
import type { RunOptions, WrittenOptions } from '../lisp/run-options.js';
import { createRuntime } from '../runtime.js';
import type { RunArguments } from './arguments.js';
import { complaint } from './complaint.js';
import { chooseProvider } from './model.js';
import { UsageError } from './usage-error.js';

export async function run(chosen: RunArguments): Promise<number> {
  const provider = chooseProvider(chosen, process.env);
  const source = await sourceOf(chosen.file);
  const name = chosen.file === '-' ? 'stdin' : chosen.file;
  const rt = await createRuntime({ provider, seed: chosen.seed, clock: chosen.virtual ? 'virtual' : 'real' });
  let interrupted = false;
  const interrupt = (): void => {
    // A second one does not wait for clean-up.
    if (interrupted) process.exit(130);
    interrupted = true;
    // What the program left as well.
    rt.cancelAll('interrupted');
  };
  const options: RunOptions & WrittenOptions = { name, args: chosen.args, written: true, output: (piece) => void process.stdout.write(piece) };
  if (chosen.timeout !== undefined) options.timeout = chosen.timeout;
  if (chosen.steps !== undefined) options.budgets = { stepsLeft: chosen.steps };
  const task = rt.run<string | undefined>(source, options);
  process.on('SIGINT', interrupt);
  try {
    const written = await task.promise;
    // Tasks and fibers that it left go on.
    await rt._onQuiet();
    if (written !== undefined) process.stdout.write(`${written}\n`);
    return interrupted ? 130 : 0;
  } catch (error) {
    if (interrupted && error instanceof CancellationError) {
      process.stderr.write('interrupted\n');
      return 130;
    }
    process.stderr.write(`${complaint(error, (file) => (file === name ? source : undefined))}\n`);
    return 1;
  } finally {
    process.off('SIGINT', interrupt);
    await rt.close();
  }
}

async function sourceOf(file: string): Promise<string> {
  let source: string;
  try {
    source = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message}.`);
  }
  // A byte order mark, which editors put there.
  return source.replace(/^\ufeff/, '');
}
