#!/usr/bin/env node
/** The command `heddle`. Exit code: 0 done, 1 the program failed, 2 wrong use, 130 interrupted. */

import { readFileSync } from 'node:fs';
import { help, readArguments } from './arguments.js';
import { UsageError } from './usage-error.js';

async function main(argv: readonly string[]): Promise<number> {
  const chosen = readArguments(argv);
  switch (chosen.command) {
    case 'help':
      process.stdout.write(help);
      return 0;
    case 'version': {
      const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
      process.stdout.write(`${version}\n`);
      return 0;
    }
    case 'run':
      return (await import('./run-command.js')).run(chosen);
    case 'repl':
      return (await import('./repl.js')).repl(chosen);
  }
}

// A reader that has seen enough (`heddle run x | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof UsageError;
  process.stderr.write(`${isUsage ? `heddle: ${error.message}` : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
