/**
 * Lisp programs that meet what could differ between two builds of the core: numbers of every kind, text, tables, sorting,
 * continuations, positions, the heap and its limit, fibers under each policy, models, time-outs, cancels, procedures of
 * the host. Each depends on the runtime's seed and nothing else. Partner: tests/js/native-core.test.mjs.
 */

import assert from 'node:assert/strict';
import { turns } from './tasks.mjs';

const note = '(define (note . parts) (for-each (lambda (p) (write p) (display " ")) parts) (newline))\n';

const sources = {
  numbers: `
    (note (expt 3 1000) (quotient (expt 10 200) (expt 7 50)) (exact->inexact 1/3) (exact 1e300) (exact-integer-sqrt (expt 10 61)))
    (for-each (lambda (f) (for-each (lambda (x) (note (f x))) '(0.1 1.5 -2.25 3e-10 1e10 12345.678)))
              (list exp sin cos tan atan (lambda (x) (log (abs x))) (lambda (x) (sqrt (abs x))) (lambda (x) (expt 1.1 x)) round exact))
    (note (string->number "1e-400") (string->number "4.9e-324") (string->number "1.7976931348623157e308") (/ 0. 0.) (/ -1. 0.) -0.0)
    (let loop ((i 0) (x 1) (y 1)) (if (< i 400) (loop (+ i 1) y (+ x y)) (note y (/ x y) (inexact (/ x y)))))
    (note (let loop ((i 0) (x 0.1)) (if (= i 20000) x (loop (+ i 1) (* 3.99 x (- 1 x))))))`,
  'text, tables and sorting': `
    (define words '("\u00c4pfel" "zebra" "\u03c3\u03c2" "\u4e2d\u6587" "e\u0301" "\u{1f600}" "stra\u00dfe" "" "Zebra"))
    (note (list-sort string<? words) (map string-upcase words) (map string-foldcase words) (map string-length words))
    (define table (make-hash-table))
    (do ((i 0 (+ i 1))) ((= i 3000)) (hash-table-set! table (if (even? i) (number->string i) (/ i 7)) i))
    (do ((i 0 (+ i 3))) ((>= i 3000)) (hash-table-delete! table (if (even? i) (number->string i) (/ i 7))))
    (note (hash-table-size table) (apply + (hash-table-values table)) (list-tail (hash-table-keys table) 1990))
    (define (noise n) (let loop ((i 0) (x 12345) (all '())) (if (= i n) all (loop (+ i 1) (modulo (+ (* x 1103515245) 12345) 2147483648) (cons x all)))))
    (note (list-tail (list-sort < (noise 4000)) 3990) (vector-ref (list->vector (list-sort (lambda (a b) (< (modulo a 10) (modulo b 10))) (noise 500))) 250))
    (note (value->json (json->value "{\\"a\\": [1, 2.5, null, true, \\"\\\\u00e9\\"], \\"b\\": {\\"c\\": 1e21}}")))
    (note (let ((port (open-output-string))) (do ((i 0 (+ i 1))) ((= i 200)) (write (list i 'x "y" #\\z) port)) (string-length (get-output-string port))))`,
  'continuations, exceptions and dynamic-wind': `
    (define (generator items)
      (define return #f)
      (define (next) (call/cc (lambda (r) (set! return r) (for-each (lambda (item) (call/cc (lambda (k) (set! next (lambda () (k #f))) (return item)))) items) (return 'end))))
      (lambda () (next)))
    (define next (generator (iota 200)))
    (note (let loop ((sum 0)) (let ((item (next))) (if (eq? item 'end) sum (loop (+ sum item))))))
    (define k #f)
    (define count 0)
    (dynamic-wind (lambda () (note 'in)) (lambda () (call/cc (lambda (c) (set! k c))) (note 'at count)) (lambda () (note 'out)))
    (set! count (+ count 1))
    (if (< count 4) (k #f))
    (note (guard (e ((string? e) (string-append e "!"))) (dynamic-wind (lambda () #f) (lambda () (raise "left")) (lambda () (note 'after)))))
    (note (with-exception-handler (lambda (e) 42) (lambda () (+ 1 (raise-continuable 'c)))))
    (define (deep n) (if (= n 0) 0 (+ 1 (deep (- n 1)))))
    (note (deep 200000))
    (note (length (let loop ((i 0) (all '())) (if (= i 300) all (loop (+ i 1) (cons (make-vector 5000 i) (if (= 0 (modulo i 10)) '() all)))))))
    (note (guard (e (#t (condition-code e))) (let loop ((all '())) (loop (cons (make-string 1000 #\\a) all)))))`,
  'fibers, time and cancels': `
    (define order '())
    (define (worker i) (delay-ms (modulo (* i 37) 11)) (set! order (cons i order)) (if (odd? i) (yield)) (let loop ((n (* 40 i))) (if (> n 0) (loop (- n 1)))) (* i i))
    (note (apply + (parallel-map worker (iota 60) :concurrency 7)) order)
    (define tasks (map (lambda (i) (async (lambda () (dynamic-wind (lambda () #f) (lambda () (delay-ms (* 10 i)) i) (lambda () (note 'left i)))) :name (number->string i) :priority (modulo i 3))) (iota 8)))
    (note (cancel (list-ref tasks 5) "not needed") (cancel (list-ref tasks 5) "again"))
    (note (await-any tasks) (await (list-ref tasks 3)))
    (note (with-timeout 5 (delay-ms 1000) (lambda () 'late)) (with-timeout 500 (begin (delay-ms 5) 'soon) (lambda () 'late)))
    (note (guard (e (#t (condition-code e))) (await (list-ref tasks 5))))
    (note (guard (e (#t (condition-code e))) (await (async (lambda () (delay-ms 100)) :timeout 20))))
    (note (guard (e (#t (condition-code e))) (with-scope (fiber/spawn (lambda () (delay-ms 3) (error "bad"))) (async (lambda () (delay-ms 50))) (delay-ms 5))))
    (define fibers (map (lambda (i) (fiber/spawn (lambda () (yield) (if (= 3 (modulo i 5)) (car i)) (fiber/yield) (* i 2)))) (iota 300)))
    (note (map (lambda (f) (guard (e (#t 'failed)) (fiber/join f))) fibers))
    (note (fiber.select (map (lambda (i) (fiber/spawn (lambda () (delay-ms (- 40 i)) i))) (iota 20))))
    (note (current-jiffy) (random 1000) (random))
    (define endless (async (lambda () (let loop ((i 0)) (loop (+ i 1))))))
    (yield) ; not delay-ms: virtual time stands still while something computes
    (note (cancel endless "enough"))
    (note (guard (e (#t (condition-position e))) (await (async (lambda () (car 'with-a-place)) :name "fails"))))
    (async (lambda () (delay-ms 400) (note 'last)))
    (note 'main-is-over)`,
  models: `
    (define (ask i) (string-length (llm.infer (string-append "question " (number->string i)) :sample i :max-tokens 40)))
    (note (parallel-map (lambda (i) (guard (e (#t (condition-code e))) (ask i))) (iota 12) :concurrency 3))
    (note (map string-length (await-all (map (lambda (i) (async (lambda () (llm.infer "same")))) (iota 3)))))
    (define pieces 0)
    (note (string-length (llm.stream "a story" (lambda (piece) (set! pieces (+ pieces 1))))) (> pieces 0))
    (note (with-timeout 1 (llm.infer "too slow") (lambda () 'none)))
    (note (hash-table-ref/default (llm.infer "all" :full #t) "finishReason" #f))
    (define t (async (lambda () (llm.infer "cancelled"))))
    (delay-ms 2)
    (cancel t)
    (note (majority-vote (parallel-map (lambda (i) (modulo (ask i) 2)) (iota 5) :concurrency 5)))`,
};

/** The programs: `play` runs one in a runtime and gives its output to `print`; `check` looks at what came of it. */
export function lispPrograms(heddle) {
  const programs = Object.entries(sources).map(([name, source]) => ({
    name,
    play: (rt, print) => rt.run(note + source, { name: `${name}.scm`, output: print, heapLimit: 64e6 }).promise,
    check: ({ output, machineSteps }) => assert.ok(output.length > 60 && machineSteps > 1000, `${machineSteps} steps, ${output}`),
  }));
  programs.push({
    name: 'errors, handled and not, with their places',
    play: async (rt, print) => {
      for (const source of ['(define (f x)\n  (+ 1 (car x)))\n(+ 1 (f 5))', '(error "mine" 1 "two")', "(raise 'boom)", '(let ((x 1)', '(if)', 'nowhere', '((lambda (x) x))', '(vector-ref (vector 1) 7)']) {
        const quoted = JSON.stringify(source);
        const handled = `${note}(guard (e ((error-object? e) (note (condition-code e) (error-object-message e) (condition-position e) (condition-backtrace e))) (#t (note e)))
          (eval (read (open-input-string ${quoted})))) ${source}`;
        const error = await rt.run(handled, { name: 'bad.scm', output: print }).promise.catch((reason) => reason);
        assert.ok(error instanceof heddle.LispError, source);
      }
    },
    check: ({ output }) => assert.match(output, /UserError[^]*boom/),
  });
  programs.push({
    name: 'several programs at once, budgets, procedures of the host, evaluations',
    play: async (rt, print) => {
      rt.define('twice', (x) => x * 2);
      rt.define('later', async (x) => {
        await turns(3);
        return { x, list: [1, 'two', null, 2.5] };
      });
      rt.define('fails', async () => {
        throw new RangeError('host');
      });
      const run = (source, options) => rt.run(note + source, { output: print, ...options }).promise.catch((error) => error.code);
      const first = run('(note (map twice (iota 20)) (parallel-map later (iota 10) :concurrency 4) args x)', { args: [1, 'a', [2n ** 70n]], globals: { x: { deep: [1, 2] } } });
      const second = run('(note (guard (e (#t (condition-code e))) (fails)))');
      const third = run('(let loop ((i 0)) (loop (+ i 1)))', { budgets: { stepsLeft: 300_000 } });
      const fourth = run('(define t (async (lambda () (later 5)))) (delay-ms 1) (cancel t) (twice "no")');
      const fifth = run('(dynamic-wind (lambda () (note "in")) (lambda () (delay-ms 1000)) (lambda () (note "out")))', { timeout: 50 });
      const given = await Promise.all([first, second, third, fourth, fifth]);
      assert.deepEqual(given.map((one) => (typeof one === 'number' ? 'a number' : one)), [undefined, undefined, 'BudgetExceeded', 'a number', 'Timeout']);
      await rt.eval('(define y 5)').promise;
      assert.equal(await rt.eval('(* y (twice 4))').promise, 40);
      assert.equal(rt._completeness('(car'), 'incomplete');
    },
    check: ({ output }) => assert.ok(output.length > 100, output),
  });
  return programs;
}
