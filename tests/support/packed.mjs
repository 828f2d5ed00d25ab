/**
 * The package as npm makes it, and apps in temporary folders that install it: what a user gets, not what this repository holds.
 *
 * Apps lie outside of the repository, so that nothing resolves by accident; bundlers and compilers run from here, on them.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { root } from '../../wasm/toolchain/steps.mjs';

const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function temporaryFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'heddle-'));
  folders.push(folder);
  return folder;
}

function npm(args, cwd) {
  return execFileSync('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

let made;

/** Packs what is built, without building it again; gives npm's report, with `tarball`, the file. */
export function pack() {
  if (made === undefined) {
    const folder = temporaryFolder();
    const [report] = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], root));
    made = { ...report, tarball: path.join(folder, report.filename) };
  }
  return made;
}

/** Makes an app with these files that has the packed package installed; gives its folder. */
export function freshApp(files) {
  const folder = temporaryFolder();
  const all = { 'package.json': JSON.stringify({ name: 'fresh-app', private: true, type: 'module' }), ...files };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  // The dependency comes from npm's cache, where it is since this repository was set up.
  npm(['install', '--prefer-offline', pack().tarball], folder);
  return folder;
}

/** Runs a program of an app to its end and gives what it printed; a program that fails is an error that shows why. */
export function runProgram(command, args, folder) {
  try {
    return execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
  } catch (error) {
    throw new Error(`${path.basename(command)} ${args.join(' ')}: ${error.message}\n${error.stdout}${error.stderr}`);
  }
}

export function installedFile(folder, name) {
  return readFileSync(path.join(folder, 'node_modules/heddle', name), 'utf8');
}
