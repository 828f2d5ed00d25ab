// The parts of the command that need no program: its arguments, errors for people, the prompt, the history, completion.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ConversionError, LispError } from 'heddle';
import { readArguments } from '../../dist/cli/arguments.js';
import { complaint } from '../../dist/cli/complaint.js';
import { completionsOf, standard } from '../../dist/cli/completion.js';
import { historyFile, readHistory, writeHistory } from '../../dist/cli/history.js';
import { chooseProvider } from '../../dist/cli/model.js';
import { nesting } from '../../dist/cli/nesting.js';
import { UsageError } from '../../dist/cli/usage-error.js';
import { open } from '../support/heddle.mjs';

test('arguments: what belongs to the command and what to the program', () => {
  const { command, file, args, provider, virtual, seed, timeout, steps } = readArguments(['run', 'p.scm', '--virtual', 'a', '--seed', '7', '--timeout', '50', '--steps', '1000', '--', '--b']);
  assert.deepEqual({ command, file, args, provider, virtual, seed, timeout, steps }, { command: 'run', file: 'p.scm', args: ['a', '--b'], provider: undefined, virtual: true, seed: 7, timeout: 50, steps: 1000 });
  assert.equal(readArguments(['repl']).command, 'repl');
  for (const argv of [['--help'], ['-h'], ['help'], ['run', '--help'], ['repl', '-h']]) assert.equal(readArguments(argv).command, 'help');
  assert.equal(readArguments(['--version']).command, 'version');
});

test('wrong use is one sentence', () => {
  for (const argv of [
    [],
    ['walk'],
    ['run'],
    ['run', ''],
    ['repl', 'file.scm'],
    ['run', 'p', '--provider', 'nobody'],
    ['run', 'p', '--nonsense'],
    ['run', 'p', '--seed', 'x'],
    ['run', 'p', '--timeout', '-1'],
    ['run', 'p', '--steps', '1.5'],
    ['run', 'p', '--model', ''],
    ['run', 'p', '--model'],
  ]) {
    assert.throws(() => readArguments(argv), (error) => error instanceof UsageError && /\.$/.test(error.message) && !error.message.includes('\n'), argv.join(' '));
  }
});

test('the provider: named, by the environment, else simulated', () => {
  const base = { provider: undefined, model: undefined, baseURL: undefined, seed: 1, virtual: false };
  assert.equal(chooseProvider(base, {}).kind, 'simulated');
  assert.equal(chooseProvider(base, { OPENAI_API_KEY: '' }).kind, 'simulated');
  assert.equal(chooseProvider(base, { OPENAI_API_KEY: 'k' }).kind, 'openai');
  assert.equal(chooseProvider(base, { ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' }).kind, 'anthropic');
  assert.equal(chooseProvider({ ...base, provider: 'simulated' }, { OPENAI_API_KEY: 'k' }).kind, 'simulated');
  assert.equal(chooseProvider({ ...base, provider: 'openai', baseURL: 'http://127.0.0.1:1/v1' }, {}).kind, 'openai');
  for (const wrong of [{ baseURL: 'http://x' }, { provider: 'openai', virtual: true }, { provider: 'openai', baseURL: 'no url' }]) {
    assert.throws(() => chooseProvider({ ...base, ...wrong }, {}), UsageError);
  }
});

test('an error shows its line, a caret under its place, and the calls', () => {
  const text = '(define (f x)\n\t(car x))\n(f 5)';
  const error = new LispError('p.scm:2:2: car: argument 1 must be a pair, got 5', {
    code: 'TypeError',
    position: { file: 'p.scm', line: 2, column: 2 },
    backtrace: [{ file: 'p.scm', line: 2, column: 2, procedure: 'f' }, { file: 'p.scm', line: 3, column: 1, procedure: undefined }],
  });
  assert.equal(complaint(error, () => text), ['p.scm:2:2: car: argument 1 must be a pair, got 5', '  2 | \t(car x))', '    | \t^', '  at p.scm:2:2 (f)', '  at p.scm:3:1'].join('\n'));
  assert.equal(complaint(error, () => undefined).split('\n').length, 3, 'without the text');
});

test('the caret stands where a terminal shows the character: wide ones take two columns, combining ones none', () => {
  const caretOf = (text, column) => {
    const error = new LispError('m', { code: 'X', position: { file: 'p', line: 1, column } });
    const [, line, caret] = complaint(error, () => text).split('\n');
    return [line.indexOf('| ') + 2, caret.indexOf('^')];
  };
  for (const [text, columns] of [['(car x)', 0], ['日本(car', 4], ['한국어(', 6], ['e\u0301(', 1], ['😀(', 2], ['ｆ(', 2], ['Ω(', 1]]) {
    const [start, caret] = caretOf(text, [...text].indexOf('(') + 1);
    assert.equal(caret - start, columns, text);
  }
});

test('an error of any kind is shown; nothing in it steers the terminal', () => {
  assert.equal(complaint(new ConversionError('result: no', 'result'), () => ''), 'result: no');
  assert.doesNotMatch(complaint(new LispError('\u001b[31mred\u0007', { code: 'UserError' }), () => ''), /[\u001b\u0007]/);
  const frames = Array.from({ length: 1000 }, (_, i) => ({ file: 'p', line: i, column: 1, procedure: 'f' }));
  assert.ok(complaint(new LispError('deep', { code: 'HeapLimit', backtrace: frames }), () => '').split('\n').length < 30);
  const long = `${'x'.repeat(5000)} (car 1)`;
  const wide = complaint(new LispError('m', { code: 'X', position: { file: 'p', line: 1, column: 5002 } }), () => long).split('\n');
  assert.ok(wide.every((line) => line.length < 200));
  const caret = wide[2].indexOf('^');
  assert.equal(wide[1][caret], '(');
  assert.match(complaint('text', () => ''), /text/);
});

test('nesting counts what is open outside of strings and comments', () => {
  const cases = [['', 0], ['(', 1], ['(a (b', 2], ['(a) (', 1], ['"(" (', 1], ['"(', 0], ['; (\n(', 1], ['#| ( |# (', 1], ['#\\( (', 1], ['|(| (', 1], ['"\\"(" (', 1], [')))(', 1]];
  for (const [text, depth] of cases) assert.equal(nesting(text), depth, text);
  assert.equal(nesting('('.repeat(200_000)), 200_000);
});

test('what completion offers of the language is there', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  for (const name of standard) {
    // A syntactic keyword is no expression.
    const code = await rt.eval(name, { written: true }).promise.then(() => 'SyntaxError', (error) => error.code);
    assert.equal(code, 'SyntaxError', name);
  }
});

test('completion knows the language and what was defined', () => {
  assert.deepEqual(completionsOf('(parallel-m', []), [['parallel-map'], 'parallel-m']);
  assert.deepEqual(completionsOf('(my-', ['(define (my-own x) x)', '(define my-other 1)']), [['my-other', 'my-own'], 'my-']);
  assert.deepEqual(completionsOf('(car ', []), [[], '']);
});

test('the history is kept, newest last in the file, and readable to the user alone', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = historyFile({ XDG_STATE_HOME: folder });
  assert.equal(file, path.join(folder, 'heddle', 'history'));
  assert.equal(historyFile({ HOME: folder }), path.join(folder, '.heddle_history'));
  assert.deepEqual(readHistory(file), []);
  writeHistory(file, ['(newest)', '(older)']);
  assert.equal(readFileSync(file, 'utf8'), '(older)\n(newest)\n');
  assert.deepEqual(readHistory(file), ['(newest)', '(older)']);
  if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
  chmodSync(file, 0o644);
  writeHistory(file, ['(newest)', '(older)']);
  if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
  writeHistory(path.join(file, 'below-a-file'), ['x']);
  writeHistory(file, Array.from({ length: 5000 }, (_, i) => `${i}`));
  assert.equal(readHistory(file).length, 1000);
});
