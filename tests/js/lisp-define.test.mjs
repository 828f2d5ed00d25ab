// rt.define: functions of JavaScript that Lisp calls by their names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, deferred, hasCode, rejection, thrown, turns, until } from '../support/tasks.mjs';

const virtual = { clock: 'virtual' };

test('arguments and results are converted; a promise is awaited', async (t) => {
  const rt = await open(t, virtual);
  const seen = [];
  rt.define('record!', function (...args) {
    assert.equal(this, undefined);
    seen.push(args);
    return { count: seen.length, args };
  });
  rt.define('later', async (x) => x * 2);
  const result = await rt.run(`(let ((r (record! 1 "two" '(3 #(4)) 'sym #t 1.5)))
    (list (hash-table-ref r "count") (later 21)))`).promise;
  assert.deepEqual(result, [1, 42]);
  assert.deepEqual(seen, [[1, 'two', [3, [4]], 'sym', true, 1.5]]);
  assert.equal(await rt.run('(procedure? later)').promise, true);
  assert.deepEqual(await rt.run("(map later '(1 2 3))").promise, [2, 4, 6]);
});

test('calls of several fibers overlap', async (t) => {
  const rt = await open(t, virtual);
  const gates = [];
  rt.define('gate', () => {
    const gate = deferred();
    gates.push(gate);
    return gate.promise;
  });
  const task = rt.run("(parallel-map (lambda (i) (+ i (gate))) '(1 2 3))");
  await until('three calls are open', () => gates.length === 3);
  gates[2].resolve(30);
  gates[0].resolve(10);
  gates[1].resolve(20);
  assert.deepEqual(await task.promise, [11, 22, 33]);
  await rt.onIdle();
  assertAtRest(rt);
});

test('a function calls the runtime as the task that called it', async (t) => {
  const rt = await open(t, virtual);
  rt.define('wait', (ms) => rt.delay(ms).then(() => rt.clock.now()));
  assert.deepEqual(await rt.run("(parallel-map wait '(30 10 20))").promise, [30, 10, 20]);
  rt.define('ask', async (ctx, prompt) => (await ctx.llm(prompt)).text.length, { withContext: true });
  const task = rt.run('(ask "hello")');
  assert.ok((await task.promise) > 0);
  assert.equal(task.llm.attempts, 1);
});

test('the context is of the caller: its task, its signal, children of it', async (t) => {
  const rt = await open(t, virtual);
  const seen = {};
  rt.define('look', async (ctx) => {
    seen.task = ctx.task;
    const child = ctx.submit(() => 5);
    seen.parentId = child.parentId;
    return ctx.await(child);
  }, { withContext: true });
  const task = rt.run('(fiber/join (fiber/spawn (lambda () (look))))');
  assert.equal(await task.promise, 5);
  assert.equal(seen.task, task);
  assert.equal(seen.parentId, task.id);
});

test('the signal aborts when the task is cancelled, and when only this wait ends', async (t) => {
  const rt = await open(t, virtual);
  const signals = [];
  rt.define('hang', (ctx) => {
    signals.push(ctx.signal);
    return new Promise(() => {});
  }, { withContext: true });
  const task = rt.run('(hang)');
  await until('it hangs', () => signals.length === 1);
  rt.cancel(task.id, 'stop');
  await turns();
  assert.equal(signals[0].aborted, true);
  assert.equal(signals[0].reason.code, 'Cancelled');
  assert.equal(await rt.run('(with-timeout 10 (hang) (lambda () "late"))').promise, 'late');
  assert.equal(signals[1].aborted, true);
  await rt.onIdle();
  assertAtRest(rt);
});

test('an answer that comes after the wait has ended is dropped', async (t) => {
  const rt = await open(t, virtual);
  const gates = [];
  rt.define('gate', () => {
    gates.push(deferred());
    return gates.at(-1).promise;
  });
  const task = rt.run('(list (with-timeout 10 (gate) (lambda () "late")) (gate))');
  await until('the second waits', () => gates.length === 2);
  gates[0].resolve('stale');
  await turns();
  gates[1].resolve('fresh');
  assert.deepEqual(await task.promise, ['late', 'fresh']);
});

test('what a function throws is a condition that Lisp can handle', async (t) => {
  const rt = await open(t, virtual);
  rt.define('fail', () => { throw new RangeError('too far'); });
  rt.define('reject', async () => { throw new heddle.TimeoutError('slow', { limit: 'operation', scope: 'x', ms: 5 }); });
  const handled = '(guard (e (#t (list (condition-code e) (error-object? e) (error-object-message e)))) (fail))';
  assert.deepEqual(await rt.run(handled).promise, ['HostError', true, 'too far']);
  assert.equal(await rt.run('(guard (e (#t (condition-code e))) (reject))').promise, 'Timeout');
});

test('what nothing in Lisp handles rejects: a LispError around a foreign error, one of Heddle as it is', async (t) => {
  const rt = await open(t, virtual);
  const original = new RangeError('too far');
  rt.define('fail', () => { throw original; });
  rt.define('odd', () => { throw 'just text'; });
  const own = new heddle.LLMError('refused', { kind: 'auth', status: 401 });
  rt.define('refuse', async () => { throw own; });
  const error = await rejection(rt.run('(define (f)\n  (fail))\n(+ 1 (f))', { name: 'p.scm' }).promise);
  assert.ok(error instanceof heddle.LispError);
  assert.equal(error.code, 'HostError');
  assert.equal(error.cause, original);
  assert.deepEqual({ ...error.position }, { file: 'p.scm', line: 2, column: 3 });
  assert.equal(error.message, 'p.scm:2:3: too far');
  const same = await rejection(rt.run('(+ 1 (refuse))', { name: 'q.scm' }).promise);
  assert.equal(same, own);
  assert.equal(heddle.lispTrace(same).position.line, 1);
  assert.equal((await rejection(rt.run('(odd)').promise)).cause, 'just text');
  const passedOn = rt.run('(guard (e ((string? e) 1)) (dynamic-wind (lambda () #f) (lambda () (fail)) (lambda () #f)))');
  assert.equal((await rejection(passedOn.promise)).cause, original, 'also when it is raised again');
  const throughTask = rt.run('(await (async (lambda () (refuse))))');
  assert.equal(await rejection(throughTask.promise), own);
});

test('whatever is thrown is a condition, an object that cannot be looked at too', async (t) => {
  const rt = await open(t, virtual);
  const trap = () => { throw hostile; };
  const hostile = new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap });
  rt.define('fail', () => { throw hostile; });
  rt.define('reject', () => Promise.reject(hostile));
  for (const name of ['fail', 'reject']) {
    assert.equal(await rt.run(`(guard (e (#t (condition-code e))) (${name}))`).promise, 'HostError');
    assert.equal((await rejection(rt.run(`(${name})`).promise)).code, 'HostError');
  }
});

test('once the program does not wait any more, operations of the context raise why', async (t) => {
  const rt = await open(t, virtual);
  const seen = [];
  rt.define('slow', async (ctx) => {
    for (let i = 0; i < 3; i++) seen.push((await rejection(ctx.delay(100))).code);
    assert.equal((await rejection(ctx.llm('x'))).code, 'Cancelled');
    hasCode(thrown(() => ctx.checkCancellation()), 'Cancelled');
    seen.push('done');
  }, { withContext: true });
  assert.equal(await rt.run('(with-timeout 10 (slow) (lambda () "late"))').promise, 'late');
  await until('it has ended', () => seen.includes('done'));
  assert.deepEqual(seen, ['Cancelled', 'Cancelled', 'Cancelled', 'done']);
});

test('a context that is kept longer than its fiber lives is not that of the next fiber of the same number', async (t) => {
  const rt = await open(t, virtual);
  let kept;
  rt.define('keep', (ctx) => void (kept = ctx), { withContext: true });
  await rt.run('(fiber/join (fiber/spawn keep))').promise;
  await rt.delay(1);
  const tasks = Array.from({ length: 40 }, () => rt.submit((ctx) => ctx.delay(10)));
  await rt.delay(1);
  assert.ok(tasks.some((task) => task._fiber === kept._owner._fiber), 'its number is used again');
  hasCode(await rejection(kept.delay(1)), 'ArgumentError');
  await rt.awaitAll(tasks);
});

test('a result that cannot cross is a ConversionError in Lisp', async (t) => {
  const rt = await open(t, virtual);
  rt.define('give', () => ({ list: [new Date()] }));
  assert.equal(await rt.run('(guard (e (#t (condition-code e))) (give))').promise, 'ConversionError');
  const error = await rejection(rt.run('(give)').promise);
  assert.ok(error instanceof heddle.ConversionError);
  assert.equal(error.path, 'result.list[0]');
});

test('arguments that cannot cross are an error in Lisp, at the call', async (t) => {
  const rt = await open(t, virtual);
  let calls = 0;
  rt.define('take', () => ++calls);
  assert.equal(await rt.run('(guard (e (#t (condition-code e))) (take 1 car))').promise, 'ConversionError');
  assert.equal(calls, 0);
});

test('keywords arrive as one object behind the other arguments', async (t) => {
  const rt = await open(t, virtual);
  rt.define('take', (...args) => args);
  assert.deepEqual(await rt.run('(take 1 :size 2 :name "x")').promise, [1, { size: 2, name: 'x' }]);
});

test('evaluations find what is defined later; defined again, the new function is called', async (t) => {
  const rt = await open(t, virtual);
  await rt.eval('(define (call) (number 1))').promise;
  rt.define('number', (x) => x + 1);
  assert.equal(await rt.eval('(call)').promise, 2);
  rt.define('number', (x) => x + 100);
  assert.equal(await rt.eval('(call)').promise, 101);
});

test('a bad name, function or option is refused', async (t) => {
  const rt = await open(t, virtual);
  for (const name of [undefined, '', 'two words', '(', '12', '-', '#t', 'a"b', 'x'.repeat(300), 5]) {
    hasCode(thrown(() => rt.define(name, () => {})), 'ArgumentError');
  }
  for (const fn of [undefined, null, 'f', {}]) assert.match(hasCode(thrown(() => rt.define('f', fn)), 'ArgumentError').message, /function/);
  for (const options of [null, 5, { nonsense: 1 }, { withContext: 'yes' }]) hasCode(thrown(() => rt.define('f', () => {}, options)), 'ArgumentError');
});

test('close() ends what waits for a function', async (t) => {
  const rt = await open(t, { ...virtual, graceMs: 10 });
  let signal;
  rt.define('hang', (ctx) => {
    signal = ctx.signal;
    return new Promise(() => {});
  }, { withContext: true });
  const task = rt.run('(hang)');
  await until('it hangs', () => signal !== undefined);
  await rt.close();
  assert.equal(task.state, 'cancelled');
  assert.equal(signal.aborted, true);
});
