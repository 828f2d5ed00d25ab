// Values across the border and back, through the core: what a program is given is what it gives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { hasCode, rejection } from '../support/tasks.mjs';
import { seeded, value as anyValue } from '../support/lisp-values.mjs';

const virtual = { clock: 'virtual' };
const echo = '(car args)';

test('random values come back as they were', async (t) => {
  const rt = await open(t, virtual);
  const random = seeded(77);
  rt.define('back', (x) => x);
  for (let i = 0; i < 150; i++) {
    const value = Array.from({ length: 20 }, () => anyValue(random, 4));
    assert.deepStrictEqual(await rt.run(echo, { args: [value] }).promise, value, `value ${i}`);
    assert.deepStrictEqual(await rt.run('(back (car args))', { args: [value] }).promise, value, `value ${i}, by a function`);
  }
});

test('what each kind is in Lisp', async (t) => {
  const rt = await open(t, virtual);
  const cases = [
    [null, "(eq? x 'null)"],
    [true, '(eq? x #t)'],
    [5, '(and (exact? x) (= x 5))'],
    [-0, '(and (inexact? x) (eqv? x -0.0))'],
    [2 ** 53, '(and (inexact? x) (= x 9007199254740992))'],
    [2n ** 100n, '(and (exact? x) (= x (expt 2 100)))'],
    [7n, '(and (exact? x) (= x 7))'],
    [NaN, '(nan? x)'],
    ['Ω', '(and (string? x) (= 1 (string-length x)))'],
    [[1, 2], '(and (list? x) (= 2 (length x)))'],
    [[], '(null? x)'],
    [{ a: 1 }, '(and (hash-table? x) (= 1 (hash-table-ref x "a")))'],
    [new Map([['k', 1]]), '(= 1 (hash-table-ref x "k"))'],
    [Uint8Array.of(1, 255), '(equal? x #u8(1 255))'],
    [heddle.closed, '(eof-object? x)'],
  ];
  for (const [value, check] of cases) assert.equal(await rt.run(check, { globals: { x: value } }).promise, true, `${check} of ${String(value)}`);
});

test('what Lisp gives', async (t) => {
  const rt = await open(t, virtual);
  const cases = [
    ["'null", null],
    ["'symbol", 'symbol'],
    ['#\\a', 'a'],
    ['#\\x1d11e', '\u{1d11e}'],
    ['(if #f #f)', undefined],
    ['#(1 #(2))', [1, [2]]],
    ["'()", []],
    ['1.0', 1],
    ['(expt 2 60)', 2n ** 60n],
    ['(- (expt 2 53) 1)', 2 ** 53 - 1],
    ['(expt 2 53)', 2n ** 53n],
    ['+inf.0', Infinity],
    ['#u8(0 9)', Uint8Array.of(0, 9)],
    ['(eof-object)', heddle.closed],
    ['(let ((h (make-hash-table))) (hash-table-set! h "b" 1) (hash-table-set! h "a" (list)) h)', { b: 1, a: [] }],
    ["(let ((h (make-hash-table))) (hash-table-set! h 'sym 1) h)", { sym: 1 }],
    ['(json->value "{\\"a\\":[1,null,true]}")', { a: [1, null, true] }],
  ];
  for (const [source, expected] of cases) assert.deepStrictEqual(await rt.run(source).promise, expected, source);
});

test('what cannot cross out names its place', async (t) => {
  const rt = await open(t, virtual);
  const cases = [
    ['car', /^result$/],
    ['(list 1 2 (vector 3 car))', /\[2\]\[1\]$/],
    ['1/2', /^result$/],
    ['(let ((h (make-hash-table))) (hash-table-set! h "name" (list 1/3)) h)', /\.name\[0\]$/],
    ['(let ((x (list 1 2))) (set-cdr! (cdr x) x) x)', /^result/],
    ['(let ((v (vector 1 2))) (vector-set! v 1 v) v)', /\[1\]$/],
    ["(cons 1 2)", /^result/],
    ['(let ((h (make-hash-table))) (hash-table-set! h (list 1) 1) h)', /^result/],
  ];
  for (const [source, path] of cases) {
    const error = hasCode(await rejection(rt.run(source).promise), 'ConversionError');
    assert.ok(error instanceof heddle.ConversionError, source);
    assert.match(error.path, path, `${source}: ${error.message}`);
  }
});

test('large values cross', async (t) => {
  const rt = await open(t, virtual);
  const numbers = Array.from({ length: 300_000 }, (_, i) => i);
  assert.deepEqual(await rt.run(echo, { args: [numbers] }).promise, numbers);
  const text = 'Größe '.repeat(300_000);
  assert.equal(await rt.run(echo, { args: [text] }).promise, text);
});

test('deep values cross, or are refused with a type', async (t) => {
  const rt = await open(t, virtual);
  let deep = [];
  for (let i = 1; i < 50_000; i++) deep = [deep];
  let back = await rt.run(echo, { args: [deep] }).promise.catch((error) => hasCode(error, 'ConversionError'));
  if (Array.isArray(back)) {
    let depth = 0;
    for (; back !== undefined; back = back[0]) depth++;
    assert.equal(depth, 50_000);
  }
  const built = rt.run('(let loop ((i 0) (x (list))) (if (= i 1000000) x (loop (+ i 1) (list x))))').promise;
  const result = await built.catch((error) => error);
  if (!Array.isArray(result)) hasCode(result, 'ConversionError');
  assert.equal(await rt.run('1').promise, 1);
});
