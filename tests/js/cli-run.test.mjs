// `heddle run` as a process: output, value, errors with their place, exit codes, Ctrl-C, a real server.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { heddle, inFolder } from '../support/command.mjs';
import { serve } from '../support/llm-server.mjs';

test('prints what the program prints, and its value in written form unless that is unspecified', async (t) => {
  const folder = inFolder(t, { 'a.scm': '(display "hello ") (write "x") (newline)\n(list 1 "two" #\\3 \'four 1/2 car)', 'b.scm': '(define x 1)' });
  const a = await heddle(t, ['run', 'a.scm'], { cwd: folder }).ended;
  assert.equal(a.stderr, '');
  assert.equal(a.stdout, 'hello "x"\n(1 "two" #\\3 four 1/2 #<procedure car>)\n');
  assert.equal(a.code, 0);
  assert.deepEqual((({ code, stdout, stderr }) => ({ code, stdout, stderr }))(await heddle(t, ['run', 'b.scm'], { cwd: folder }).ended), { code: 0, stdout: '', stderr: '' });
});

test('the arguments are the list args; - reads the program from the standard input', async (t) => {
  const run = heddle(t, ['run', '-', 'a', '--', '--b']);
  run.child.stdin.end('args');
  assert.equal((await run.ended).stdout, '("a" "--b")\n');
});

test('an error shows file, line, column, the line with a caret, and the calls; exit code 1', async (t) => {
  const folder = inFolder(t, { 'bad.scm': '(define (f x)\n  (+ 1 (car x)))\n(display "before")\n(+ 1 (f 5))\n' });
  const { code, stdout, stderr } = await heddle(t, ['run', 'bad.scm'], { cwd: folder }).ended;
  assert.equal(code, 1);
  assert.equal(stdout, 'before');
  const [first, line, caret, ...calls] = stderr.split('\n');
  assert.equal(first, 'bad.scm:2:8: car: argument 1 must be a pair, got 5');
  assert.equal(line, '  2 |   (+ 1 (car x)))');
  assert.equal(caret.indexOf('^'), line.indexOf('(car'));
  assert.match(calls.join('\n'), /bad\.scm:4/);
});

test('actors that wait for messages do not keep it from ending', async (t) => {
  const folder = inFolder(t, {
    'actors.scm': '(define a (actor/spawn (lambda (m) (delay-ms 1) (* 2 m))))\n(define b (actor/spawn (lambda (m) m)))\n(actor/link a b)\n(actor/send a 1)\n(actor/ask a 21 1000)',
  });
  const { code, stdout, stderr } = await heddle(t, ['run', 'actors.scm'], { cwd: folder }).ended;
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '42\n', stderr: '' });
});

test('text that is no Lisp is an error with its place', async (t) => {
  const folder = inFolder(t, { 'open.scm': '(define x 1)\n(car (cdr x)' });
  const { code, stderr } = await heddle(t, ['run', 'open.scm'], { cwd: folder }).ended;
  assert.equal(code, 1);
  assert.match(stderr, /^open\.scm:\d+:\d+: /);
});

test('wrong use is exit code 2 and one line', async (t) => {
  for (const args of [[], ['walk'], ['run'], ['run', 'not-there.scm'], ['run', os.tmpdir()], ['run', 'x', '--nonsense']]) {
    const { code, stdout, stderr } = await heddle(t, args).ended;
    assert.equal(code, 2, `${args}: ${stderr}`);
    assert.equal(stdout, '');
    assert.match(stderr, /^heddle: [^\n]+\n$/);
  }
});

test('--help and --version', async (t) => {
  const help = await heddle(t, ['--help']).ended;
  assert.equal(help.code, 0);
  assert.match(help.stdout, /heddle run file\.scm/);
  assert.match((await heddle(t, ['--version']).ended).stdout, /^\d+\.\d+\.\d+\n$/);
});

test('virtual time, a simulated model, limits of time and steps', async (t) => {
  const folder = inFolder(t, {
    'calls.scm': '(length (parallel-map llm.infer (list "a" "b" "c")))',
    'sleep.scm': '(delay-ms 100000000) 5',
    'loop.scm': '(let loop () (loop))',
  });
  const run = (...args) => heddle(t, ['run', ...args], { cwd: folder }).ended;
  assert.equal((await run('calls.scm', '--virtual')).stdout, '3\n');
  assert.equal((await run('sleep.scm', '--virtual')).stdout, '5\n');
  const late = await run('loop.scm', '--timeout', '50');
  assert.equal(late.code, 1);
  assert.match(late.stderr, /timeout/);
  const spent = await run('loop.scm', '--steps', '10000');
  assert.equal(spent.code, 1);
  assert.match(spent.stderr, /loop\.scm:1:\d+/);
});

test('a real server by the environment, or by --base-url', async (t) => {
  const server = await serve(t, { respond: ({ prompt }) => `re ${prompt}` });
  const folder = inFolder(t, { 'ask.scm': '(llm.infer "ping")' });
  const byName = await heddle(t, ['run', 'ask.scm', '--provider', 'openai', '--base-url', `${server.url}/v1`, '--model', 'm'], { cwd: folder }).ended;
  assert.equal(byName.stdout, '"re ping"\n', byName.stderr);
  const byEnvironment = await heddle(t, ['run', 'ask.scm'], { cwd: folder, env: { OPENAI_BASE_URL: `${server.url}/v1` } }).ended;
  assert.equal(byEnvironment.stdout, '"re ping"\n', byEnvironment.stderr);
});

test('Ctrl-C cancels: clean-up runs, exit code 130; also of a program that computes', async (t) => {
  const folder = inFolder(t, {
    'wait.scm': '(dynamic-wind (lambda () (display "in\\n")) (lambda () (delay-ms 10000000)) (lambda () (display "out\\n")))',
    'loop.scm': '(display "in\\n") (let loop () (loop))',
  });
  for (const [file, seen] of [['wait.scm', 'in\nout\n'], ['loop.scm', 'in\n']]) {
    const run = heddle(t, ['run', file], { cwd: folder });
    await run.shows('stdout', /in/);
    run.child.kill('SIGINT');
    const { code, stdout } = await run.ended;
    assert.equal(code, 130);
    assert.equal(stdout, seen);
  }
});

test('what a program left goes on until it ends, or Ctrl-C cancels it', async (t) => {
  const folder = inFolder(t, {
    'left.scm': '(fiber/spawn (lambda () (delay-ms 200) (display "fiber\\n"))) (async (lambda () (delay-ms 100) (display "task\\n"))) (display "in\\n")',
    'wait.scm': `(define (waits)
      (dynamic-wind (lambda () #f) (lambda () (delay-ms 1) (display "alone\\n") (delay-ms 10000000)) (lambda () (display "out\\n"))))
      (spawn waits) (if #f #f)`,
  });
  const left = await heddle(t, ['run', 'left.scm', '--virtual'], { cwd: folder }).ended;
  assert.deepEqual([left.stdout, left.code], ['in\ntask\nfiber\n', 0]);
  for (const spawn of ['async', 'fiber/spawn']) {
    writeFileSync(path.join(folder, 'one.scm'), readFileSync(path.join(folder, 'wait.scm'), 'utf8').replace('(spawn', `(${spawn}`));
    const run = heddle(t, ['run', 'one.scm'], { cwd: folder });
    await run.shows('stdout', /alone/);
    run.child.kill('SIGINT');
    const { code, stdout } = await run.ended;
    assert.deepEqual([stdout, code], ['alone\nout\n', 130], spawn);
  }
});

test('a reader that has seen enough is no failure', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-cli-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(path.join(folder, 'much.scm'), '(let loop ((i 0)) (if (< i 100000) (begin (display "a line of text") (newline) (loop (+ i 1)))))');
  const run = heddle(t, ['run', 'much.scm'], { cwd: folder });
  await run.shows('stdout', /line/);
  run.child.stdout.destroy();
  const { code, stderr } = await run.ended;
  assert.equal(stderr, '');
  assert.equal(code, 0);
});
