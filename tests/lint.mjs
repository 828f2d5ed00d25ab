// The checks of the C++ sources: clang-format for their looks, clang-tidy for what a compiler does not say.
// `npm run format` is this file as a program: it formats every file in place.
//
// clang 19's, because clang 14 (Debian 12's default) cannot read std::expected. clang-tidy takes seconds a file, so a
// file that passed is not checked again until it, a file that it includes or the configuration changes.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesBelow } from '../js/scripts/unchanged.mjs';
import { ensureTools } from '../wasm/toolchain/debian.mjs';
import { capture, main, root, run, runStatus, StepError, which } from '../wasm/toolchain/steps.mjs';

/** Tools of the checks, for ensureTools(). */
export const lintTools = ['clang-format', 'clang-tidy'].map((name) => ({ name, anyOf: [`${name}-19`], packages: [`${name}-19`] }));

/** Fails unless every C++ file is formatted as .clang-format says. */
export async function checkFormat() {
  await run(which('clang-format-19'), ['--dry-run', '-Werror', ...sources()], { why: 'clang-format wants changes (npm run format makes them)' });
}

/** Fails unless clang-tidy has nothing to say about the core; needs the build folder of the preset native. */
export async function checkTidy() {
  const build = path.join(root, 'build/native');
  const commands = JSON.parse(readFileSync(path.join(build, 'compile_commands.json'), 'utf8'));
  const included = includedFiles(build);
  const pending = commands.filter(({ file }) => file.startsWith(path.join(root, 'core') + path.sep)).map(({ file, command, output }) => {
    const stamp = path.join(root, 'build/tidy', `${path.relative(root, file).replaceAll(path.sep, '-')}.ok`);
    const inputs = [...new Set([file, path.join(root, '.clang-tidy'), ...(included.get(output) ?? [])])].sort();
    const hash = createHash('sha256').update(command);
    for (const input of inputs) hash.update(readFileSync(input));
    return { file, stamp, fingerprint: hash.digest('hex') };
  }).filter(({ stamp, fingerprint }) => !existsSync(stamp) || readFileSync(stamp, 'utf8') !== fingerprint);

  mkdirSync(path.join(root, 'build/tidy'), { recursive: true });
  const failures = [];
  const worker = async () => {
    for (let next = pending.pop(); next; next = pending.pop()) {
      const { code, output } = await runStatus(which('clang-tidy-19'), ['-p', build, '--quiet', next.file]);
      if (code === 0) writeFileSync(next.stamp, next.fingerprint);
      else failures.push(output.replace(/^\d+ warnings?.*\n/gm, ''));
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, worker));
  if (failures.length > 0) {
    process.stderr.write(failures.join('\n'));
    throw new StepError(`clang-tidy has findings in ${failures.length} files`);
  }
}

function sources() {
  return ['core', 'wasm', 'tests'].flatMap((folder) => filesBelow(path.join(root, folder), (file) => /\.(h|cpp)$/.test(file)));
}

// What every object file was made from, as Ninja recorded it.
function includedFiles(build) {
  const included = new Map();
  let files;
  for (const line of (capture('ninja', ['-C', build, '-t', 'deps']) ?? '').split('\n')) {
    const object = line.match(/^(\S.*): #deps \d+/)?.[1];
    if (object) included.set(object, (files = []));
    else if (line.startsWith('    ')) files.push(path.resolve(build, line.trim()));
  }
  return included;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    await ensureTools(lintTools);
    await run(which('clang-format-19'), ['-i', ...sources()]);
  });
}
