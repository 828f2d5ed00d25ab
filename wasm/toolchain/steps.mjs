// What every script of this repository shares: how a step is announced, how a child process is run, how a failure ends.
//
// Only node built-ins, because these scripts run in a fresh clone before anything is installed.
// A script that fails says why in one sentence (StepError) and exits 1; a stack trace is shown only for our own bugs.

import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the checkout. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** A failure that the user can act on; its message is all that is shown. */
export class StepError extends Error {
  name = 'StepError';
}

let progress = process.stdout;

/** Sends headings and progress lines to another stream: to stderr where standard output belongs to a program. */
export function progressTo(stream) {
  progress = stream;
}

/** Starts a paragraph of output: what is being done now. */
export function heading(text) {
  progress.write(`\n== ${text}\n`);
}

/** One line of progress. */
export function say(text) {
  progress.write(`   ${text}\n`);
}

/** The seconds since `start` (of performance.now()), for people. */
export function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/** The absolute path of a command on PATH, or undefined. */
export function which(command, searchPath = process.env.PATH ?? '') {
  for (const folder of searchPath.split(path.delimiter)) {
    if (folder === '') continue;
    const file = path.resolve(folder, command);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** Runs a command to its end and gives its standard output, or undefined if it could not run or failed. */
export function capture(command, args, options = {}) {
  const child = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'], ...options });
  return child.status === 0 ? child.stdout : undefined;
}

/**
 * Runs a command and gives {code, signal, output}; never rejects for a command that merely fails.
 * `show` lets its output through as it comes, otherwise it is only kept. `timeout` (milliseconds) ends it by SIGKILL.
 * A signal that reaches us meanwhile is left to the child to act on, so that it can clean up.
 */
export function runStatus(command, args, { cwd = root, env = process.env, show = false, input = 'ignore', timeout } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: [input, 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL' });
    const kept = [];
    child.stdout.on('data', (data) => {
      kept.push(data);
      if (show) process.stdout.write(data);
    });
    child.stderr.on('data', (data) => {
      kept.push(data);
      if (show) process.stderr.write(data);
    });
    const stopPassing = passSignals(child);
    child.on('error', (error) => {
      stopPassing();
      reject(new StepError(error.code === 'ENOENT' ? `${command} is needed here but is not installed.` : `${command} did not start: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      stopPassing();
      resolve({ code, signal, output: Buffer.concat(kept).toString('utf8') });
    });
  });
}

/** Runs a command that must succeed; if it does not, the end of its output is shown and `why` is the error. */
export async function run(command, args, { why = `${path.basename(command)} failed`, ...options } = {}) {
  const { code, signal, output } = await runStatus(command, args, options);
  if (code === 0) return output;
  if (!options.show) process.stderr.write(lastLines(output, 40));
  throw new StepError(`${why} (${signal ?? `exit code ${code}`}).`);
}

/** Runs a script's main function; a number that it gives is the exit code. */
export async function main(body) {
  try {
    const code = await body();
    if (code !== undefined) process.exitCode = code;
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    console.error(`\nerror: ${error.message}`);
    process.exitCode = 1;
  }
}

function passSignals(child) {
  const pass = (signal) => child.kill(signal);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, pass);
  return () => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, pass);
  };
}

function lastLines(text, count) {
  const lines = text.trimEnd().split('\n');
  return `${lines.slice(-count).join('\n')}\n`;
}
