/**
 * Programs that run in a process of their own: what surfaces there, and whether it ends by itself. Each gets the build under
 * test, `open()` without a test to close what it makes, and the words of `tasks.mjs`. Partner: `heddle.mjs`.
 */

import { spawn } from 'node:child_process';

const heddle = new URL('./heddle.mjs', import.meta.url);
const tasks = new URL('./tasks.mjs', import.meta.url);

const head = `
  import heddle, { open as openFor, variant } from '${heddle}';
  import * as tasks from '${tasks}';
  const { deferred, forever, rejection, turns, until } = tasks;
  const say = (...words) => console.log(words.join(' '));
  const open = (config) => openFor({ after() {} }, config);
  const surfaced = [];
  process.on('unhandledRejection', (error) => surfaced.push(\`unhandled: \${error?.message}\`));
  process.on('uncaughtException', (error) => surfaced.push(\`uncaught: \${error?.message}\`));
`;

/**
 * Runs the text of a module to its end: {code, lines, stderr}; `code` is undefined if it did not end by itself. `bare`:
 * without the handlers that collect in `surfaced` what nobody handled. `flags`: more of Node's own.
 */
export function runChild(source, { bare = false, limitMs = 60_000, flags = [] } = {}) {
  const text = bare ? head.replace(/^ *process\.on.*$/gm, '') : head;
  const args = [
    ...process.execArgv.filter((arg) => !arg.startsWith('--test')),
    ...flags,
    '--input-type=module',
    '--eval',
    text + source,
  ];
  const env = { ...process.env };
  // A child of the test runner would report to it.
  delete env.NODE_TEST_CONTEXT;
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const out = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'])
    child[stream].setEncoding('utf8').on('data', (text) => (out[stream] += text));
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, limitMs);
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve({ code: late ? undefined : code, lines: out.stdout.split('\n').filter(Boolean), stderr: out.stderr });
    });
  });
}
