// rt.eval: evaluations share one top level, and are tasks of their own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { hasCode, rejection, thrown } from '../support/tasks.mjs';

const virtual = { clock: 'virtual' };

test('what one evaluation defines the next one sees; programs do not', async (t) => {
  const rt = await open(t, virtual);
  await rt.eval('(define (double x) (* 2 x)) (define-syntax twice (syntax-rules () ((_ e) (begin e e))))').promise;
  assert.equal(await rt.eval('(double 21)').promise, 42);
  await rt.eval('(define n 0) (twice (set! n (+ n 1)))').promise;
  assert.equal(await rt.eval('n').promise, 2);
  hasCode(await rejection(rt.run('(double 1)').promise), 'UnboundVariable');
});

test('they begin in the order of their calls and overlap where one waits', async (t) => {
  const rt = await open(t, virtual);
  await rt.eval('(define log (list)) (define (note x) (set! log (cons x log)))').promise;
  const slow = rt.eval("(note 'slow-begins) (delay-ms 50) (note 'slow-ends)");
  const fast = rt.eval("(note 'fast)");
  await rt.awaitAll([slow, fast]);
  assert.deepEqual(await rt.eval('(reverse log)').promise, ['slow-begins', 'fast', 'slow-ends']);
});

test('an error of one leaves the others and what was defined before it', async (t) => {
  const rt = await open(t, virtual);
  const error = await rejection(rt.eval('(define kept 1)\n(car kept)', { name: 'cell 3' }).promise);
  hasCode(error, 'TypeError');
  assert.deepEqual({ ...error.position }, { file: 'cell 3', line: 2, column: 1 });
  assert.equal(await rt.eval('kept').promise, 1);
  hasCode(await rejection(rt.eval('(define').promise), 'SyntaxError');
  assert.equal(await rt.eval('kept').promise, 1);
});

test('globals of an evaluation stay', async (t) => {
  const rt = await open(t, virtual);
  await rt.eval('1', { globals: { shared: [1, 2, 3] } }).promise;
  assert.equal(await rt.eval('(length shared)').promise, 3);
});

test('a name of the language can be redefined, for evaluations alone', async (t) => {
  const rt = await open(t, virtual);
  await rt.eval('(define (car x) "mine")').promise;
  assert.equal(await rt.eval("(car '(1))").promise, 'mine');
  assert.equal(await rt.run("(car '(1))").promise, 1);
  assert.deepEqual(await rt.eval("(map (lambda (x) (* x x)) '(1 2))").promise, [1, 4]);
});

test('options of a program that make no sense for an evaluation are refused', async (t) => {
  const rt = await open(t, virtual);
  assert.match(hasCode(thrown(() => rt.eval('1', { args: ['a'] })), 'ArgumentError').message, /options of run/);
  assert.match(hasCode(thrown(() => rt.eval('1', { args: null })), 'ArgumentError').message, /options of run/);
  assert.match(hasCode(thrown(() => rt.eval('1', { heapLimit: 1e9 })), 'ArgumentError').message, /options of run/);
});
