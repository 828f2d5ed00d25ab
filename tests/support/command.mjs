/** The command `heddle` as a process of its own, from the built package. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A folder with these files, gone when the test `t` ends. */
export function inFolder(t, files) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-cli-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return folder;
}

/** Starts it; nothing of this process's environment decides who answers. `ended`: {code, signal, stdout, stderr}; `shows`
 * resolves once a stream has shown a pattern. */
export function heddle(t, args, { cwd, env = {} } = {}) {
  const child = spawn(process.execPath, [program, ...args], { cwd, env: { PATH: process.env.PATH, HOME: os.tmpdir(), ...env } });
  t.after(() => child.kill('SIGKILL'));
  const seen = { stdout: '', stderr: '' };
  const waiters = new Set();
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      seen[name] += text;
      for (const waiter of waiters) waiter();
    });
  }
  // A program that has ended reads no more.
  child.stdin.on('error', () => {});
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, ...seen })));
  const shows = (name, pattern) =>
    new Promise((resolve, reject) => {
      const look = () => pattern.test(seen[name]) && resolve();
      waiters.add(look);
      look();
      void ended.then(() => reject(new Error(`it ended without ${pattern}:\n${seen.stdout}\n${seen.stderr}`)));
    });
  return { child, ended, shows };
}
