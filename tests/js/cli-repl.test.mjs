// `heddle repl` with piped input: forms over several lines, errors that end nothing, Ctrl-C, the end of the input.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heddle } from '../support/command.mjs';

/** All of a session at once. */
const session = async (t, input, args = []) => {
  const run = heddle(t, ['repl', ...args]);
  run.child.stdin.end(input);
  return run.ended;
};

test('values are printed as write does, unspecified ones not at all', async (t) => {
  const { code, stdout, stderr } = await session(t, '(+ 1 2)\n(define x "text")\nx\n(list x #\\a \'b)\n(if #f #f)\n');
  assert.equal(stderr, '');
  assert.equal(stdout, '3\n"text"\n("text" #\\a b)\n');
  assert.equal(code, 0);
});

test('a form may take several lines; a line may hold several forms', async (t) => {
  const { stdout } = await session(t, '(define (f x)\n  (* x\n     2))\n\n(f 21)\n(f 1) (f 2)\n"a\nb"\n; only a comment\n');
  assert.equal(stdout, '42\n4\n"a\\nb"\n');
});

test('an error is shown with its place, and the session goes on', async (t) => {
  const { code, stdout, stderr } = await session(t, '(car 5)\n)\n(undefined-name)\n(+ 1 1)\n');
  assert.equal(code, 0);
  assert.equal(stdout, '2\n');
  assert.match(stderr, /repl-1:1:1: car: argument 1 must be a pair, got 5\n {2}1 \| \(car 5\)\n {4}\| \^/);
  assert.match(stderr, /undefined-name/);
});

test('what a program prints comes before its value, on lines of its own', async (t) => {
  const { stdout } = await session(t, '(begin (display "printed") 5)\n(begin (display "line") (newline) 6)\n');
  assert.equal(stdout, 'printed\n5\nline\n6\n');
});

test('evaluations wait for time and models', async (t) => {
  const { stdout, stderr } = await session(t, '(begin (delay-ms 5000) 1)\n(string? (llm.infer "x"))\n', ['--virtual']);
  assert.equal(stdout, '1\n#t\n', stderr);
});

test('Ctrl-C cancels the evaluation that runs, and the session goes on', async (t) => {
  const run = heddle(t, ['repl']);
  run.child.stdin.write('(begin (display "going\\n") (let loop () (loop)))\n');
  await run.shows('stdout', /going/);
  run.child.kill('SIGINT');
  await run.shows('stderr', /cancelled/);
  run.child.stdin.end('(+ 40 2)\n');
  const { code, stdout } = await run.ended;
  assert.equal(stdout, 'going\n42\n');
  assert.equal(code, 0);
});

test('input that ends within a form is said so, exit code 1', async (t) => {
  const { code, stderr } = await session(t, '(define (f x)\n');
  assert.equal(code, 1);
  assert.match(stderr, /ends within a form/);
});

test('no input is no error; a file is wrong use', async (t) => {
  assert.equal((await session(t, '')).code, 0);
  assert.equal((await session(t, '\n\n  \n')).code, 0);
  assert.equal((await heddle(t, ['repl', 'file.scm']).ended).code, 2);
});
