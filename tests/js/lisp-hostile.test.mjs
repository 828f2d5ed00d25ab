// Hostile programs: a typed error each, and the runtime answers afterwards.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertAtRest, rejection } from '../support/tasks.mjs';

const many = 1_000_000;

const programs = {
  'a million open parentheses': ['('.repeat(many), ['SyntaxError']],
  'a million closed ones': ['('.repeat(many) + ')'.repeat(many), ['SyntaxError', 'HeapLimit']],
  'a million quotes': ["'".repeat(many) + 'x', ['SyntaxError', 'ConversionError']],
  'a million nested vectors as datum': [`'${'#('.repeat(many)}${')'.repeat(many)}`, ['SyntaxError', 'ConversionError', 'HeapLimit']],
  'a million nested lets': [`${'(let () '.repeat(100_000)}1${')'.repeat(100_000)}`, ['SyntaxError', undefined]],
  'an unclosed string': ['"abc', ['SyntaxError']],
  'an unclosed comment': ['#| ', ['SyntaxError']],
  'control characters': ['\u0000\u0001\u0002', ['SyntaxError', 'UnboundVariable']],
  'a circular literal in code': ['#0=(+ 1 . #0#)', ['SyntaxError']],
  'a circular datum as the result': ["'#0=(1 . #0#)", ['ConversionError', 'SyntaxError']],
  'endless recursion': ['(define (f x) (+ 1 (f x))) (f 1)', ['HeapLimit']],
  'an endless loop': ['(let loop () (loop))', ['BudgetExceeded']],
  'an endless loop that handles its errors': ['(let loop () (guard (e (#t 1)) (let inner () (inner))) (loop))', ['BudgetExceeded']],
  'a giant string': ['(make-string 1000000000000 #\\a)', ['HeapLimit', 'RangeError']],
  'a giant vector': ['(make-vector 100000000000)', ['HeapLimit', 'RangeError']],
  'a giant number': ['(expt 7 (expt 7 (expt 7 7)))', ['HeapLimit', 'RangeError', 'BudgetExceeded']],
  'strings that double for ever': ['(let loop ((s "ab")) (loop (string-append s s)))', ['HeapLimit', 'RangeError']],
  'a macro that expands for ever': ['(define-syntax m (syntax-rules () ((_ x) (m (x x))))) (m 1)', ['SyntaxError', 'HeapLimit']],
  'a macro that doubles for ever': ['(define-syntax m (syntax-rules () ((_ x ...) (m x ... x ...)))) (m 1 2)', ['SyntaxError', 'HeapLimit']],
  'fibers that spawn fibers for ever': ['(define (f) (fiber/spawn f) (fiber/spawn f) (yield) (f)) (f)', ['HeapLimit', 'BudgetExceeded']],
  'an error inside an after-thunk': ['(dynamic-wind (lambda () 1) (lambda () (car 1)) (lambda () (error "after")))', ['UserError', 'TypeError']],
  'a continuation of a finished fiber': ['(define k #f) (fiber/join (fiber/spawn (lambda () (call/cc (lambda (c) (set! k c)))))) (k 1)', ['WrongFiber']],
  'awaiting oneself': ['(define t #f) (set! t (async (lambda () (yield) (await t)))) (await t)', undefined],
};

for (const [what, [source, codes]] of Object.entries(programs)) {
  test(what, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const task = rt.run(source, { heapLimit: 64_000_000, budgets: { stepsLeft: 100_000_000 }, timeout: 60_000, output: () => {} });
    const code = await task.promise.then(
      () => undefined,
      (error) => {
        assert.ok(typeof error.code === 'string', `untyped: ${error.stack}`);
        assert.ok(error.message.length < 20_000, 'a message of a readable length');
        return error.code;
      },
    );
    if (codes !== undefined) assert.ok(codes.includes(code), `${code} is none of ${codes}`);
    else assert.ok(code !== undefined);
    assert.equal(await rt.run('(apply + (map (lambda (x) (* x x)) (list 1 2 3)))').promise, 14);
    await rt.onIdle();
    assertAtRest(rt);
  });
}

test('random bytes as programs give typed errors', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  let state = 12345;
  const random = (n) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % n;
  const pieces = ['(', ')', '#(', '#u8(', "'", '`', ',', ',@', '"', '\\', '#\\', '#;', '#|', '|#', ';', '.', '...', '1', '-', 'x', 'lambda', 'define', 'let', 'if', 'quote', 'syntax-rules', 'define-syntax', 'call/cc', 'set!', '#t', '#0=', '#0#', ' ', '\n', '\u00e9', '\ud834\udd1e', '1/0', '1e999', '#x', '#e'];
  for (let i = 0; i < 300; i++) {
    const source = Array.from({ length: 1 + random(40) }, () => pieces[random(pieces.length)] + ' ').join('');
    const result = await rt.run(source, { budgets: { stepsLeft: 1_000_000 }, output: () => {} }).promise.catch((error) => error);
    if (result instanceof Error) assert.ok(typeof result.code === 'string', `${source}: ${result.stack}`);
  }
  assert.equal(await rt.run('1').promise, 1);
});

test('values that are hostile to the border', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const error = await rejection(rt.run("(let ((v (make-vector 2 0))) (let loop ((i 0) (v v)) (if (< i 60) (loop (+ i 1) (vector v v)) v)))").promise);
  assert.ok(['ConversionError', 'HeapLimit'].includes(error.code), error.code);
  const proto = await rt.run('(let ((h (make-hash-table))) (hash-table-set! h "__proto__" 1) h)').promise;
  assert.deepEqual(Object.keys(proto), ['__proto__']);
});
