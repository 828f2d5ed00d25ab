// One program, one run: the same output, the same steps of the machine and the same decisions, fifty times and in every
// build. Partner: native-core.test.mjs, where the native core agrees.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import * as asyncify from 'heddle';
import heddle, { open } from '../support/heddle.mjs';

const golden = new URL('../support/lisp-golden.json', import.meta.url);

// Numbers, text, tables, sorting, fibers, locks of time, models, cancels.
const source = `
(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(define table (make-hash-table))
(define (note . parts) (for-each display parts) (newline))
(note (fib 15) " " (expt 3 100) " " (/ 1 3) " " (exp 1.5) " " (sin 1e10) " " (sqrt 2))
(for-each (lambda (k) (hash-table-set! table k (string-length k))) '("one" "three" "five" "seven"))
(note (hash-table->alist table))
(note (list-sort < (map (lambda (i) (modulo (* i 7919) 1009)) (iota 50))))
(define order '())
(define (worker i)
  (delay-ms (modulo (* i 37) 11))
  (set! order (cons i order))
  (yield)
  (* i i))
(note (apply + (parallel-map worker (iota 40) :concurrency 7)))
(note order)
(note (map (lambda (text) (string-length text)) (parallel-map llm.infer '("a" "b" "c" "d") :concurrency 2)))
(define tasks (map (lambda (i) (async (lambda () (delay-ms (* 10 i)) i) :name (number->string i))) (iota 6)))
(cancel (list-ref tasks 5) "not needed")
(note (await-any tasks) " " (await (list-ref tasks 3)))
(note (with-timeout 5 (delay-ms 1000) (lambda () 'late)))
(note (guard (e (#t (condition-code e))) (await (list-ref tasks 5))))
(note (call/cc (lambda (k) (dynamic-wind (lambda () (note "in")) (lambda () (k 'left)) (lambda () (note "out"))))))
`;

async function run(made, config) {
  const rt = await made.createRuntime({ clock: 'virtual', seed: 42, provider: made.simulated({ seed: 5, latency: { min: 5, max: 90 }, failures: 0.3 }), ...config });
  let output = '';
  await rt.run(source, { output: (text) => (output += text) }).promise;
  await rt.onIdle();
  const { commandHash, machineSteps } = rt.getStats();
  const now = rt.clock.now();
  await rt.close();
  return { output, commandHash, machineSteps, now };
}

test('fifty runs are one', async (t) => {
  await open(t);
  const first = await run(heddle);
  assert.ok(first.output.length > 500 && first.machineSteps > 10_000, JSON.stringify(first));
  for (let i = 1; i < 50; i++) assert.deepEqual(await run(heddle), first, `run ${i + 1}`);
});

// Steps and decisions are not written down: they are the same in every build, and change with the compiler and the prelude.
test('what a program prints, and when it ends, is what is written down, whatever the build and the engine', async () => {
  const { output, now } = await run(heddle);
  const seen = { output, now };
  if (process.env.HEDDLE_UPDATE_GOLDEN) writeFileSync(golden, `${JSON.stringify(seen, undefined, 2)}\n`);
  assert.deepEqual(seen, JSON.parse(readFileSync(golden, 'utf8')), 'the run changed; if that was meant, run this test with HEDDLE_UPDATE_GOLDEN=1');
});

test('this build and the asyncify build agree, for every policy', async () => {
  for (const policy of ['round-robin', 'fair-rr', 'random', 'priority']) {
    const config = { dispatch: { policy, quantum: 100 } };
    assert.deepEqual(await run(heddle, config), await run(asyncify, { ...config, variant: 'asyncify' }), policy);
  }
});

test('another seed, other decisions, the same sums', async () => {
  const one = await run(heddle, { seed: 1, dispatch: { policy: 'random' } });
  const two = await run(heddle, { seed: 2, dispatch: { policy: 'random' } });
  assert.notEqual(one.commandHash, two.commandHash);
  assert.equal(one.output.split('\n')[0], two.output.split('\n')[0]);
});

test('how long a slice of the real clock is changes nothing that a program sees', async () => {
  const runs = [];
  for (const sliceMs of [0, 1, 50]) runs.push(await run(heddle, { sliceMs }));
  assert.deepEqual(runs[1], runs[0]);
  assert.deepEqual(runs[2], runs[0]);
});
