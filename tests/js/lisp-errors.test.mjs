// Errors of Lisp programs as JavaScript gets them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { runChild } from '../support/child.mjs';
import { hasCode, rejection } from '../support/tasks.mjs';

const virtual = { clock: 'virtual' };
const errorOf = async (rt, source, options) => rejection(rt.run(source, { name: 'p.scm', ...options }).promise);

test('an unhandled condition has code, place, backtrace and words', async (t) => {
  const rt = await open(t, virtual);
  const error = await errorOf(rt, '(define (inner x)\n  (+ 1 (car x)))\n(define (outer x)\n  (+ 1 (inner x)))\n(+ 1 (outer 5))');
  assert.ok(error instanceof heddle.LispError && error instanceof heddle.HeddleError && error instanceof Error);
  assert.equal(error.name, 'LispError');
  assert.equal(error.code, 'TypeError');
  assert.deepEqual({ ...error.position }, { file: 'p.scm', line: 2, column: 8 });
  assert.equal(error.message, 'p.scm:2:8: car: argument 1 must be a pair, got 5');
  assert.deepEqual(error.backtrace.map(({ line }) => line), [4, 5]);
  assert.deepEqual(heddle.lispTrace(error).position, error.position);
  assert.match(error.stack, /p\.scm:4/);
});

test('codes', async (t) => {
  const rt = await open(t, virtual);
  const cases = [
    ['(', 'SyntaxError'],
    [')', 'SyntaxError'],
    ['(let ((x)) x)', 'SyntaxError'],
    ['(if)', 'SyntaxError'],
    ['undefined-name', 'UnboundVariable'],
    ['(5)', 'TypeError'],
    ['((lambda (x) x))', 'ArityError'],
    ['(vector-ref (vector 1) 1)', 'RangeError'],
    ['(quotient 1 0)', 'DivideByZero'],
    ['(error "mine" 1 2)', 'UserError'],
    ['(read (open-input-string "(1"))', 'ReadError'],
    ['(await-any (list))', /Error$/],
    ['(import (scheme file))', 'CapabilityViolation'],
  ];
  for (const [source, code] of cases) {
    const error = await errorOf(rt, source);
    if (code instanceof RegExp) assert.match(error.code, code, source);
    else assert.equal(error.code, code, `${source}: ${error.message}`);
    assert.ok(error instanceof heddle.LispError, source);
  }
});

test('irritants of error, and what raise was given', async (t) => {
  const rt = await open(t, virtual);
  const error = await errorOf(rt, '(error "wrong" 1 "two" (list 3))');
  assert.match(error.message, /^p\.scm:1:1: wrong: 1 "two" \(3\)$/);
  assert.deepEqual(error.irritants, [1, 'two', [3]]);
  const raised = await errorOf(rt, "(raise (list 1 'two))");
  assert.deepEqual(raised.payload, [1, 'two']);
  assert.deepEqual({ ...raised.position }, { file: 'p.scm', line: 1, column: 1 });
  assert.equal(raised.message, 'p.scm:1:1: raised: (1 two)');
  const deep = await errorOf(rt, "(define (f x)\n  (dynamic-wind list (lambda ()\n    (+ 1 (raise 'boom))) list))\n(+ 1 (f 5))");
  assert.deepEqual([deep.message, deep.payload], ['p.scm:3:10: raised: boom', 'boom']);
  assert.ok(deep.backtrace.some(({ line }) => line === 4), JSON.stringify(deep.backtrace));
  const awaited = await errorOf(rt, "(define t (async (lambda () (raise 'inside))))\n(+ 1 (await t))");
  assert.deepEqual([awaited.payload, awaited.position.file], ['inside', 'p.scm']);
  const odd = await errorOf(rt, '(raise car)');
  assert.ok(odd instanceof heddle.LispError);
});

test('an error in a task is the error of whoever awaits it, in Lisp and in JavaScript', async (t) => {
  const rt = await open(t, virtual);
  const error = await errorOf(rt, '(define t (async (lambda () (car 1)) :name "bad"))\n(await t)');
  assert.equal(error.code, 'TypeError');
  const bad = rt.getAllTasks().find((task) => task.name === 'bad');
  assert.equal(bad.state, 'error');
  assert.equal(bad.error.code, 'TypeError');
  assert.equal(await rt.run('(guard (e (#t (condition-code e))) (await (async (lambda () (car 1)))))').promise, 'TypeError');
});

test('a failed llm call that nothing handles rejects as the LLMError, with its place', async (t) => {
  const provider = heddle.simulated({ script: () => ({ error: { status: 401, message: 'bad key' } }) });
  const rt = await open(t, { ...virtual, provider });
  const error = await errorOf(rt, '(define x 1)\n(llm.infer "hello")');
  assert.ok(error instanceof heddle.LLMError);
  assert.equal(error.kind, 'auth');
  assert.deepEqual({ ...heddle.lispTrace(error).position }, { file: 'p.scm', line: 2, column: 1 });
  assert.equal(await rt.run('(guard (e (#t (condition-code e))) (llm.infer "hello"))').promise, 'LLMError');
});

test('limits of heap and steps are typed, and the runtime goes on', async (t) => {
  const rt = await open(t, virtual);
  assert.equal((await errorOf(rt, '(let loop ((x (list))) (loop (cons 1 x)))', { heapLimit: 8_000_000 })).code, 'HeapLimit');
  assert.equal((await errorOf(rt, '(let loop () (loop))', { budgets: { stepsLeft: 100_000 } })).code, 'BudgetExceeded');
  assert.equal(await rt.run('(+ 1 1)').promise, 2);
});

// Programs in a process of their own: what nobody handles.
const surfaced = async (source) => {
  const { code, lines, stderr } = await runChild(`
    const rt = await open({ clock: 'virtual' });
    ${source}
    await turns(5);
    await rt.close();
    await turns(5);
    say(JSON.stringify(surfaced));
  `);
  assert.equal(code, 0, stderr);
  return JSON.parse(lines.at(-1));
};

test('a failed program that nobody awaits surfaces once', async () => {
  assert.deepEqual(await surfaced(`rt.run('(car 1)'); await rt.onIdle();`), ['unhandled: program:1:1: car: argument 1 must be a pair, got 1']);
});

test('a failed task of a program surfaces once if nobody awaits it, and not if Lisp did, or JavaScript', async () => {
  const failing = '(async (lambda () (error "lost")))';
  assert.equal((await surfaced(`await rt.run('${failing} (delay-ms 10) 1').promise; await rt.onIdle();`)).length, 1);
  assert.deepEqual(await surfaced(`await rt.run('(guard (e (#t 1)) (await ${failing}))').promise; await rt.onIdle();`), []);
  assert.deepEqual(await surfaced(`await rt.run('(define t ${failing}) (delay-ms 10) (guard (e (#t 1)) (await t))').promise; await rt.onIdle();`), [], 'also late');
  assert.deepEqual(await surfaced(`rt.run('(async (lambda () (delay-ms 5) (error "lost")) :name "x") (delay-ms 10)'); await rt.delay(2); await rt.await(rt.getAllTasks().find((one) => one.name === 'x')).catch(() => {}); await rt.onIdle();`), []);
});

test('an error has the form that stands at its place, shortened', async (t) => {
  const rt = await open(t, virtual);
  const formOf = async (source, how = 'run') => (await rejection(rt[how](source, { name: 'p' }).promise)).form;
  assert.equal(await formOf('(define x 5)\n(list 1\n  (car   x)) ; here'), '(car x)');
  assert.equal(await formOf('(+ 1\r\n (vector-ref (vector "(" #\\) 1) ; )\n 7))'), '(vector-ref (vector "(" #\\) 1) ; ) 7)');
  assert.equal(await formOf('(begin "\u{1d11e}" (car 1))'), '(car 1)');
  assert.equal(await formOf('(+ 1 nothing)'), '(+ 1 nothing)');
  assert.equal(await formOf('(await (async (lambda () (car 2))))'), '(car 2)');
  assert.equal(await formOf('(car 3)', 'eval'), '(car 3)');
  const long = await formOf(`(error "no" ${'1 '.repeat(5000)})`);
  assert.ok(long.startsWith('(error "no" 1 1') && long.endsWith('...') && long.length < 210);
  assert.equal(await formOf('(raise 5)'), '(raise 5)');
  await rt.eval('(define (f) (car 4))', { name: 'earlier' }).promise;
  assert.equal(await formOf('(f)', 'eval'), undefined, 'of another text');
});
