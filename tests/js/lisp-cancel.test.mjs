// A program that computes without end stays cancellable, and the event loop turns meanwhile. Turns are counted, not time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertAtRest, hasCode, rejection, turns, until } from '../support/tasks.mjs';

const endless = '(let loop ((i 0)) (loop (+ i 1)))';

/** A cancelled task has settled; its body ends a little later. */
async function ended(rt) {
  await until('it has ended', () => rt.getStats().unwindingTasks === 0);
  await rt.onIdle();
  assertAtRest(rt);
}

/** Lets the event loop turn until it did so `n` times while the task runs. */
async function turnsWhile(task, n) {
  let count = 0;
  while (task.state === 'running' && count < n) {
    await new Promise(setImmediate);
    count++;
  }
  return count;
}

test('the event loop turns while a program computes', async (t) => {
  const rt = await open(t, { sliceMs: 1 });
  const task = rt.run(endless);
  await until('it runs', () => task.state === 'running');
  assert.equal(await turnsWhile(task, 20), 20);
  rt.cancel(task.id, 'enough');
  const error = hasCode(await rejection(task.promise), 'Cancelled');
  assert.equal(error.reason, 'enough');
  await ended(rt);
});

for (const [how, options, end, code] of [
  ['its token', {}, (task) => task.cancellationToken.cancel('token'), 'Cancelled'],
  ['a timeout', { timeout: 20 }, () => {}, 'Timeout'],
  ['a deadline', { deadline: () => Date.now() + 20 }, () => {}, 'Timeout'],
  ['a signal', { signal: () => AbortSignal.timeout(20) }, () => {}, 'Cancelled'],
  ['cancelAll()', {}, (task, rt) => rt.cancelAll('all'), 'Cancelled'],
]) {
  test(`${how} ends it`, async (t) => {
    const rt = await open(t, { sliceMs: 1 });
    const given = Object.fromEntries(Object.entries(options).map(([key, value]) => [key, typeof value === 'function' ? value() : value]));
    const task = rt.run(endless, given);
    await until('it runs', () => task.state !== 'pending');
    end(task, rt);
    hasCode(await rejection(task.promise), code);
    await ended(rt);
    assert.equal(await rt.run('1').promise, 1);
  });
}

test('close() ends it', async (t) => {
  const rt = await open(t, { sliceMs: 1, graceMs: 1 });
  const task = rt.run(endless);
  await until('it runs', () => task.state === 'running');
  await rt.close();
  assert.equal(task.state, 'cancelled');
});

test('a program that swallows every condition ends all the same', async (t) => {
  const rt = await open(t, { sliceMs: 1 });
  const task = rt.run('(let loop () (guard (e (#t #f)) (let inner () (delay-ms 0) (inner))) (loop))');
  await until('it runs', () => task.state !== 'pending');
  rt.cancel(task.id);
  hasCode(await rejection(task.promise), 'Cancelled');
  await ended(rt);
});

test('a cancelled program runs its clean-up', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const seen = [];
  rt.define('note', (x) => void seen.push(x));
  const task = rt.run('(dynamic-wind (lambda () (display "in ")) (lambda () (delay-ms 1000000)) (lambda () (display "out")))', { output: (text) => seen.push(text) });
  await until('it waits', () => seen.length > 0);
  await turns();
  rt.cancel(task.id);
  await rt.onIdle();
  assert.equal(seen.join(''), 'in out');
});

test('two programs that compute share the processor, and tasks of JavaScript get their turns', async (t) => {
  const rt = await open(t, { sliceMs: 1, dispatch: { policy: 'fair-rr', quantum: 10_000 } });
  const one = rt.run('(let loop ((i 0)) (if (< i 3000000) (loop (+ i 1)) i))');
  const forever = rt.run(endless);
  const three = rt.submit(async (ctx) => {
    for (let i = 0; i < 10; i++) await ctx.yield();
    return 3;
  });
  assert.deepEqual(await rt.awaitAll([one, three]), [3_000_000, 3]);
  assert.equal(forever.state, 'running');
  rt.cancel(forever.id);
  await ended(rt);
});

test('a task that a program cancels says why to JavaScript, and so do those below it', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const started = [];
  rt.define('take', (task) => void started.push(task));
  const main = rt.run(`
    (define inner #f)
    (define outer (async (lambda () (set! inner (async (lambda () (delay-ms 100)))) (take inner) (await inner)) :name "outer"))
    (take outer)
    (delay-ms 1)
    (cancel outer "not needed")
    (define other (async (lambda () (delay-ms 100))))
    (take other)
    (cancel other)
    (delay-ms 1)
    'done`);
  assert.equal(await main.promise, 'done');
  const errors = await Promise.all(started.map(({ promise }) => rejection(promise)));
  for (const error of errors) hasCode(error, 'Cancelled');
  assert.equal(started.length, 3);
  for (const [i, error] of errors.entries()) {
    assert.equal(error.reason, started[i] === started.at(-1) ? undefined : 'not needed');
  }
  await ended(rt);
});

test('a failure within a scope surfaces where the scope is, and nowhere else', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const unhandled = [];
  const listener = (error) => unhandled.push(error);
  process.on('unhandledRejection', listener);
  t.after(() => process.off('unhandledRejection', listener));
  const value = await rt.run(`
    (guard (e (#t (list "caught" (error-object-message e))))
      (with-scope
        (async (lambda () (delay-ms 5) (error "boom")))
        (async (lambda () (guard (x (#t (delay-ms 50))) (delay-ms 100))))
        (delay-ms 100)))`).promise;
  assert.deepEqual(value, ['caught', 'boom']);
  await turns(3);
  assert.deepEqual(unhandled, []);
  await ended(rt);
});
