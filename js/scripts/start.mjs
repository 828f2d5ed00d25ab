// `npm start [-- folder]`: set-up, build, then the digest of a folder's sources (js/digest/); `npm start -- program.scm`
// runs a program of Lisp in its place.
//
// The program is imported rather than spawned: its arguments, input, signals and exit code are then this process's own.
// Progress goes to stderr, because standard output belongs to the program.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { main, progressTo, root, StepError } from '../../wasm/toolchain/steps.mjs';
import { build } from './build.mjs';

await main(async () => {
  progressTo(process.stderr);
  await build();
  const program = path.join(root, 'build/digest/main.js');
  if (!existsSync(program)) throw new StepError('The build made no build/digest/main.js: js/digest/main.ts is missing.');
  // npm runs a script in the package's folder; a folder that the user named is meant from where the user stands.
  if (process.env.npm_lifecycle_event === 'start' && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
  process.argv = [process.argv[0], program, ...process.argv.slice(2)];
  await import(pathToFileURL(program));
});
