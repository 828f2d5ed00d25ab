// Skips a build step whose inputs are what they were when it last succeeded.
//
// Ninja and tsc know when they have nothing to do, but asking them takes longer than looking at the files: with this, a build
// that changes nothing takes a tenth of a second. A file counts as unchanged if its path, size and time are.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../wasm/toolchain/steps.mjs';

/**
 * Runs `step` unless every input is unchanged since its last success and every output exists; gives whether it ran.
 * Inputs are files or whole folders, outputs files; all relative to the checkout. Without an input that is named the step runs.
 */
export async function unlessUnchanged(name, { inputs, outputs }, step) {
  const stamp = path.join(root, 'build', 'steps', name);
  const fingerprint = fingerprintOf(inputs);
  const before = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
  if (before === fingerprint && outputs.every((output) => existsSync(path.join(root, output)))) return false;
  // A step that fails must run again, whatever it left behind.
  rmSync(stamp, { force: true });
  await step();
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, fingerprint);
  return true;
}

/** Every file below a folder that `wanted` accepts, sorted; none if there is no such folder. Paths as `folder` is spelled. */
export function filesBelow(folder, wanted = () => true) {
  if (!existsSync(folder)) return [];
  const below = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(file, wanted) : [file];
  });
  return below.filter((file) => wanted(file)).sort();
}

function fingerprintOf(inputs) {
  const hash = createHash('sha256');
  for (const input of inputs) {
    const absolute = path.join(root, input);
    const status = statSync(absolute, { throwIfNoEntry: false });
    const files = status?.isDirectory() ? filesBelow(absolute) : [absolute];
    for (const file of files) {
      const { size, mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { size: 'absent', mtimeMs: 0 };
      hash.update(`${path.relative(root, file)}\0${size}\0${mtimeMs}\0`);
    }
  }
  return hash.digest('hex');
}
