// The npm packages that the scripts and the package itself need, installed without being asked for: the first command in a
// fresh clone may be `npm start` or `npm test`. Hence only node built-ins here, as in every script that runs first.

import { statSync } from 'node:fs';
import path from 'node:path';
import { heading, root, run } from '../../wasm/toolchain/steps.mjs';

/** Runs `npm ci` if node_modules is missing or older than the lockfile. */
export async function ensureDependencies() {
  const installed = modified('node_modules/.package-lock.json');
  if (installed !== undefined && installed >= modified('package-lock.json')) return;
  heading('Dependencies: npm ci');
  await run('npm', ['ci', '--no-audit', '--no-fund'], { why: 'npm could not install the dependencies of package-lock.json' });
}

function modified(file) {
  return statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs;
}
