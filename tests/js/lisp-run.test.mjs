// rt.run: a program of Lisp as a task like any other; its arguments, globals, output and result.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, hasCode, rejection, thrown, turns } from '../support/tasks.mjs';

const virtual = { clock: 'virtual' };

test('a program gives the value of its last form', async (t) => {
  const rt = await open(t, virtual);
  assert.equal(await rt.run('(define (f n) (if (= n 0) 1 (* n (f (- n 1))))) (f 10)').promise, 3628800);
  assert.equal(await rt.run('(f 1)').promise.catch((error) => error.code), 'UnboundVariable', 'each has a top level of its own');
  assert.equal(await rt.run('').promise, undefined);
  assert.equal(await rt.run('(define x 1)').promise, undefined);
});

test('it is a task: name, state, times, in the lists, counted', async (t) => {
  const rt = await open(t, virtual);
  const task = rt.run('(delay-ms 50) 1', { name: 'sum.scm', priority: 3 });
  assert.ok(task instanceof heddle.Task);
  assert.equal(task.name, 'sum.scm');
  assert.equal(task.priority, 3);
  assert.equal(task.state, 'pending');
  assert.equal(rt.getTask(task.id), task);
  assert.equal(rt.getStats().pendingTasks, 1);
  await rt.onEmpty();
  assert.equal(task.state, 'running');
  assert.equal(await task.promise, 1);
  assert.equal(task.state, 'completed');
  assert.equal(task.result, 1);
  assert.equal(task.completedAt - task.startedAt, 50);
  await rt.onIdle();
  assertAtRest(rt);
});

test('args are the list args; globals are definitions', async (t) => {
  const rt = await open(t, virtual);
  assert.deepEqual(await rt.run('(list (length args) (car args) (cadr args))', { args: ['a', { b: 1 }] }).promise, [2, 'a', { b: 1 }]);
  assert.deepEqual(await rt.run('args').promise, []);
  const globals = { limit: 5, 'list-of': [1, 2], config: { deep: { value: true } } };
  assert.deepEqual(await rt.run('(list limit (car list-of) (hash-table-ref (hash-table-ref config "deep") "value"))', { globals }).promise, [5, 1, true]);
  assert.equal(await rt.run('(set! limit (+ limit 1)) limit', { globals }).promise, 6, 'a program may change its own');
  assert.equal(globals.limit, 5);
});

test('what it prints goes to output, in order, before the task settles', async (t) => {
  const rt = await open(t, virtual);
  const seen = [];
  const task = rt.run('(display "one ") (delay-ms 10) (write "two\\n") (newline) (display (string #\\x1d11e)) 3', { output: (text) => seen.push(text) });
  await task.promise.then(() => seen.push('settled'));
  assert.equal(seen.join(''), 'one "two\\n"\n\u{1d11e}settled');
});

test('an output function that throws is an uncaught error of its own, and costs the program nothing', async (t) => {
  const rt = await open(t, virtual);
  const caught = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', (error) => caught.push(error.message));
  const result = await rt.run('(display 1) 7', { output: () => { throw new Error('full'); } }).promise;
  await turns();
  for (const listener of listeners) process.on('uncaughtException', listener);
  assert.equal(result, 7);
  assert.deepEqual(caught, ['full']);
});

test('output that begins with a byte order mark keeps it', async (t) => {
  const rt = await open(t, virtual);
  let printed = '';
  await rt.run('(display "\\xFEFF;text")', { output: (text) => (printed += text) }).promise;
  assert.equal(printed, '\ufefftext');
});

test('without a standard output whole lines go to the console, and the rest when the program is over', async (t) => {
  const rt = await open(t, virtual);
  const lines = [];
  const { process } = globalThis;
  const { log } = console;
  t.after(() => Object.assign(globalThis, { process }));
  globalThis.process = undefined;
  console.log = (text) => lines.push(...text.split('\n'));
  const seen = [];
  try {
    await rt.run('(display "one\\ntw") (yield) (display "o\\nthr") (yield) (display "ee")').promise;
    seen.push(...lines.splice(0));
    await rt.run('(display "four\\n")').promise;
  } finally {
    console.log = log;
    globalThis.process = process;
  }
  assert.deepEqual(seen, ['one', 'two', 'three']);
  assert.deepEqual(lines, ['four']);
});

test('what does not fit into the heap is refused at the call; a limit below what is in use fails the program', async (t) => {
  const rt = await open(t, virtual);
  const small = rt.run('(delay-ms 10) 1', { heapLimit: 4_000_000 });
  assert.match(hasCode(thrown(() => rt.run('1', { args: ['x'.repeat(5_000_000)] })), 'ArgumentError').message, /do not fit into the heap/);
  assert.equal(await small.promise, 1);
  assert.equal(await rt.run('(string-length (car args))', { args: ['x'.repeat(5_000_000)] }).promise, 5_000_000);
  assert.equal((await rejection(rt.run('1', { heapLimit: 65_536 }).promise)).code, 'HeapLimit');
  assert.equal(await rt.run('2').promise, 2);
});

test('ctx.run makes a child, which the parent waits for and cancels', async (t) => {
  const rt = await open(t, virtual);
  let child;
  const parent = rt.submit(async (ctx) => {
    child = ctx.run('(delay-ms 20) (+ 1 2)');
    return ctx.await(child);
  });
  assert.equal(await parent.promise, 3);
  assert.equal(child.parentId, parent.id);
  rt.define('hang', () => new Promise(() => {}));
  const cancelled = rt.submit((ctx) => ctx.await((child = ctx.run('(hang)'))));
  await turns();
  rt.cancel(cancelled.id, 'enough');
  assert.equal(child.state, 'cancelled');
  const above = rt.submit((ctx) => ctx.delay(5));
  const given = rt.run('1', { parent: above });
  assert.equal(given.parentId, above.id);
  await given.promise;
});

test('a program is a child of a scope, and its failure cancels the others', async (t) => {
  const rt = await open(t, virtual);
  const values = await rt.scope((s) => { s.run('1'); s.run('(list 2)'); }, { joiner: 'all' });
  assert.deepEqual(values, [1, [2]]);
  let other;
  const error = await rejection(rt.scope((s) => { s.run('(error "no")'); other = s.run('(delay-ms 10000)'); }));
  assert.match(error.message, /no/);
  assert.equal(other.state, 'cancelled');
});

test('programs count against maxConcurrentTasks, and give their slot back while they wait for tasks', async (t) => {
  const rt = await open(t, { ...virtual, maxConcurrentTasks: 1 });
  const source = '(await (async (lambda () (await (async (lambda () 5))))))';
  const results = await rt.awaitAll([rt.run(source), rt.run(source), rt.submit(() => 1)]);
  assert.deepEqual(results, [5, 5, 1]);
});

test('tasks that a program makes are tasks: listed, named, below it, awaited from JavaScript', async (t) => {
  const rt = await open(t, virtual);
  const main = rt.run('(define t (async (lambda () (delay-ms 30) (list 1 2)) :name "inner" :priority 7)) (delay-ms 10) (await t)');
  await rt.run('(delay-ms 5)').promise;
  const inner = rt.getAllTasks().find((task) => task.name === 'inner');
  assert.ok(inner, 'it is listed');
  assert.equal(inner.parentId, main.id);
  assert.equal(inner.priority, 7);
  assert.equal(inner.state, 'running');
  assert.equal(rt.getTask(inner.id), inner);
  assert.deepEqual(await rt.await(inner), [1, 2]);
  assert.deepEqual(await main.promise, [1, 2]);
  assert.deepEqual(inner.result, [1, 2]);
  const ids = rt.getAllTasks().map((task) => Number(task.id.slice(1)));
  assert.deepEqual(ids, [...ids].sort((a, b) => a - b));
  assert.equal(new Set(ids).size, ids.length);
});

test('a result that cannot cross is a ConversionError to those who ask, and the task has completed', async (t) => {
  const rt = await open(t, virtual);
  const task = rt.run('(list 1 (lambda (x) x))');
  const error = hasCode(await rejection(task.promise), 'ConversionError');
  assert.ok(error instanceof heddle.ConversionError);
  assert.match(error.path, /\[1\]/);
  assert.equal(task.state, 'completed');
  hasCode(thrown(() => task.result), 'ConversionError');
  const [row] = await rt.awaitAllSettled([task]);
  assert.equal(row.reason.code, 'ConversionError');
  hasCode(await rejection(rt.await(task)), 'ConversionError');
  const inLisp = rt.run('(procedure? (await (async (lambda () car) :name "procedure")))');
  assert.equal(await inLisp.promise, true, 'within Lisp any value is a result');
  hasCode(thrown(() => rt.getAllTasks().find((one) => one.name === 'procedure').result), 'ConversionError');
});

test('a task that a program gives is the Task; a task can be given to a program', async (t) => {
  const rt = await open(t, virtual);
  const inner = await rt.run('(async (lambda () (delay-ms 5) 8) :name "kept")').promise;
  assert.ok(inner instanceof heddle.Task);
  assert.equal(inner.name, 'kept');
  assert.equal(await rt.await(inner), 8);
});

test('the retention limit forgets tasks of programs as all others', async (t) => {
  const rt = await open(t, { ...virtual, retainSettled: 3 });
  assert.equal(await rt.run('(apply + (await-all (map (lambda (i) (async (lambda () i))) (list 1 2 3 4 5 6 7 8))))').promise, 36);
  await rt.onIdle();
  assert.equal(rt.getAllTasks().length, 3);
});

test('what cannot be run is refused at the call, and nothing is left', async (t) => {
  const rt = await open(t, virtual);
  const cases = [
    [undefined, undefined, /the program must be a string, got undefined/],
    [5, undefined, /string/],
    ['1', 5, /options must be an object/],
    ['1', null, /options must be an object/],
    ['1', { args: 'x' }, /options\.args must be an array/],
    ['1', { args: null }, /options\.args must be an array/],
    ['1', { globals: [] }, /options\.globals must be an object/],
    ['1', { heapLimit: 5 }, /heapLimit must be a number of bytes/],
    ['1', { budgets: { stepsLeft: -1 } }, /budgets\.stepsLeft/],
    ['1', { budgets: { tokensLeft: 1 } }, /budgets\.tokensLeft is no option/],
    ['1', { profile: 'strict' }, /no profiles yet/],
    ['1', { output: 'stdout' }, /options\.output must be a function/],
    ['1', { timeout: -1 }, /options\.timeout/],
    ['1', { nonsense: 1 }, /nonsense is no option/],
    ['1', { name: '' }, /options\.name/],
    ['1', { parent: {} }, /expected a task/],
  ];
  for (const [source, options, words] of cases) {
    const error = hasCode(thrown(() => rt.run(source, options)), 'ArgumentError');
    assert.match(error.message, words);
    assert.match(error.message, /^run: /);
  }
  for (const [options, path] of [[{ args: [1, () => {}] }, 'args[1]'], [{ globals: { f: { g: Symbol('x') } } }, 'globals.f.g']]) {
    assert.equal(hasCode(thrown(() => rt.run('1', options)), 'ConversionError').path, path);
  }
  assert.equal(rt.getAllTasks().length, 0);
  assert.equal(await rt.run('2').promise, 2);
  await rt.close();
  hasCode(thrown(() => rt.run('1')), 'Closed');
  hasCode(thrown(() => rt.eval('1')), 'Closed');
  hasCode(thrown(() => rt.define('f', () => {})), 'Closed');
});

test("a getter among the globals may run a program of its own", async (t) => {
  const rt = await open(t, virtual);
  let inner;
  const outer = rt.run('(+ a b)', { globals: { a: 1, get b() { inner = rt.run('(* 6 7)'); return 2; } } });
  assert.equal(await outer.promise, 3);
  assert.equal(await inner.promise, 42);
});

test('maxQueued counts programs', async (t) => {
  const rt = await open(t, { ...virtual, maxQueued: 1, maxConcurrentTasks: 1 });
  const first = rt.run('(delay-ms 5) 1');
  hasCode(thrown(() => rt.run('2')), 'QueueFull');
  assert.equal(await first.promise, 1);
});
