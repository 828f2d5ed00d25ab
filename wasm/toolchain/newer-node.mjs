// A Node with JSPI (WebAssembly.Suspending), for the tests of the JSPI build: Node 20 has none.
//
// It comes from npm, into the user's cache folder: as a dependency of the project it would put its `node` first on
// the PATH of every npm script.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder, installOnce } from './cache-folder.mjs';
import { capture, heading, run, say, StepError } from './steps.mjs';

const major = 26;

/** The path of a Node that has JSPI: this one if it does, else one from npm, installed first where it is missing. */
export async function newerNode() {
  if (typeof WebAssembly.Suspending === 'function') return process.execPath;
  // Prebuilt Nodes are npm packages, one a platform.
  const packageName = `node-${process.platform}-${process.arch}`;
  const { node } = await installOnce(cacheFolder(`node-${major}-${process.platform}-${process.arch}`), async (folder) => {
    heading(`Node ${major}, for the JSPI build`);
    say(`installing the npm package ${packageName} in ${folder}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder, `${packageName}@${major}`], {
      cwd: folder,
      why: `npm could not install ${packageName}@${major}, which the tests of the JSPI build need`,
    });
    const file = path.join(folder, 'node_modules', packageName, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    const has = capture(file, ['-p', 'process.version + " " + typeof WebAssembly.Suspending'])?.trim();
    if (!has?.endsWith(' function')) throw new StepError(`${file} does not run here or has no JSPI (it says: ${has ?? 'nothing'}).`);
    return { node: file, version: has.split(' ')[0] };
  });
  return node;
}
