// close(): cancels, waits for the grace, lets the instance go; later calls are typed errors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { SignalCounter, deferred, forever, hasCode, rejection, thrown, turns, until } from '../support/tasks.mjs';

test('it cancels every task and waits until their bodies ended', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 2 });
  const log = [];
  const clean = rt.submit(async (ctx) => {
    try {
      await forever(ctx);
    } finally {
      await ctx.shield(
        async (safe) => {
          await safe.yield();
          log.push(await safe.call('save', () => 'saved'));
          log.push(await safe.await(safe.submit(() => 'child')));
          log.push((await safe.llm('x', {})).finishReason);
        },
        { timeout: 60_000 },
      );
      log.push('unwound');
    }
  });
  const pending = [rt.submit(forever), rt.submit(forever)];
  await until('it runs', () => clean.state === 'running');
  await rt.close();
  assert.deepEqual(log, ['saved', 'child', 'stop', 'unwound']);
  for (const task of [clean, ...pending]) {
    assert.equal(task.state, 'cancelled');
    assert.match(hasCode(task.error, 'Cancelled').reason, /closed/);
  }
});

test('a body that ignores it holds it up for its grace, no longer', async (t) => {
  const rt = await open(t, { clock: 'virtual', graceMs: 300 });
  const zombies = [];
  rt.on('zombie', (task) => zombies.push([task.id, rt.clock.now()]));
  const task = rt.submit(() => new Promise(() => {}));
  await until('it runs', () => task.state === 'running');
  await rt.close();
  assert.deepEqual(zombies, [['t1', 300]]);
});

test('callers outside are told', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const task = rt.submit(() => gate.promise, { graceMs: 0 });
  const waits = [rt.delay(1e9), rt.llm('x'), rt.await(task, { timeout: 1e9 }), rt.scope((s) => forever(s))].map(
    rejection,
  );
  await turns();
  await rt.close();
  const codes = (await Promise.all(waits)).map(({ code }) => code);
  assert.deepEqual(codes.slice(0, 2), ['Closed', 'Closed']);
  for (const code of codes.slice(2)) assert.ok(['Closed', 'Cancelled'].includes(code), code);
});

test('it may be called again, also at once, also by await using', async (t) => {
  const rt = await open(t);
  rt.submit(forever);
  const closing = rt.close();
  assert.equal(rt.close(), closing);
  await closing;
  await rt.close();
  const other = await open(t);
  const task = other.submit(forever);
  await other[Symbol.asyncDispose]();
  assert.equal(task.state, 'cancelled');
});

const calls = {
  submit: (rt) => rt.submit(() => 1),
  cancel: (rt, task) => rt.cancel(task.id),
  cancelAll: (rt) => rt.cancelAll(),
  configure: (rt) => rt.configure({ graceMs: 5 }),
  mapConcurrent: (rt) => rt.mapConcurrent([1], (x) => x),
  llmStream: (rt) => rt.llmStream('x'),
  delay: (rt) => rt.delay(1),
  yield: (rt) => rt.yield(),
  llm: (rt) => rt.llm('x'),
  scope: (rt) => rt.scope(() => 1),
  onIdle: (rt) => rt.onIdle(),
  onEmpty: (rt) => rt.onEmpty(),
  onSizeLessThan: (rt) => rt.onSizeLessThan(1),
  'clock.advance': (rt) => rt.clock.advance(1),
  'await with a timeout': (rt, task, pending) => rt.await(pending, { timeout: 5 }),
  'awaitAll of one that never settled': (rt, task, pending) => rt.awaitAll([pending]),
};

test('later calls raise ClosedError, by throw or by rejection', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const done = rt.submit(() => 'done');
  await done.promise;
  // A scope's function that is a zombie never settles.
  await rt.close();
  for (const [name, call] of Object.entries(calls)) {
    if (name.startsWith('await')) continue;
    const error = await (async () => call(rt, done))().then(
      () => assert.fail(`${name} went through`),
      (e) => e,
    );
    assert.ok(error instanceof heddle.ClosedError, `${name}: ${error?.stack}`);
    assert.equal(error.code, 'Closed');
  }
});

test('what settled can still be read, awaited and listed', async (t) => {
  const rt = await open(t);
  const done = rt.submit(() => 'done');
  const failed = rt.submit(() => {
    throw new Error('x');
  });
  const cancelled = rt.submit(forever);
  await rt.awaitAllSettled([done, failed]);
  await rt.close();
  assert.equal(await done.promise, 'done');
  assert.equal(await rt.await(done), 'done');
  assert.equal((await rejection(failed.promise)).message, 'x');
  hasCode(await rejection(cancelled.promise), 'Cancelled');
  assert.deepEqual(rt.getAllTasks(), [done, failed, cancelled]);
  assert.equal(rt.getTask(done.id), done);
  assert.equal(rt.forget(done.id), true);
  assert.deepEqual(rt.getTasksByState('cancelled'), [cancelled]);
  assert.equal(rt.getStats().runningTasks, 0);
  done.cancellationToken.cancel();
  assert.equal(cancelled.cancellationToken.isCancelled, true);
});

test('while it closes, tasks are refused and bodies unwind', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const task = rt.submit(() => gate.promise);
  await until('it runs', () => task.state === 'running');
  const closing = rt.close();
  hasCode(
    thrown(() => rt.submit(() => 1)),
    'Closed',
  );
  hasCode(await rejection(rt.delay(1)), 'Closed');
  gate.resolve();
  await closing;
});

test('requests in flight are aborted and no listener stays behind', async (t) => {
  const aborted = [];
  const counter = new SignalCounter();
  const rt = await open(t, {
    provider: heddle.custom(
      (_request, { signal }) =>
        new Promise(() => signal.addEventListener('abort', () => aborted.push(signal.reason.code))),
    ),
  });
  const { signal } = counter.signal();
  rt.submit((ctx) => ctx.llm('x', { signal }), { signal });
  rt.submit((ctx) => ctx.call('x', () => new Promise(() => {}), { signal }));
  rt.llm('outside', { signal }).catch(() => {});
  rt.delay(1e9, { signal }).catch(() => {});
  await until('two are in flight', () => rt.getStats().concurrentLLMCalls === 2);
  await turns();
  assert.equal(counter.listeners, 1, 'all of them share one');
  await rt.close();
  assert.equal(aborted.length, 2);
  assert.equal(counter.listeners, 0);
});

test('a task may close its runtime', async (t) => {
  const rt = await open(t, { graceMs: 0 });
  let closing;
  const task = rt.submit((ctx) => {
    closing = rt.close();
    return ctx.yield();
  });
  hasCode(await rejection(task.promise), 'Cancelled');
  await closing;
});

test('a body that ends after the close harms nobody', async (t) => {
  const rt = await open(t, { graceMs: 0 });
  const gates = [deferred(), deferred()];
  let ctxOf;
  for (const gate of gates) {
    const task = rt.submit(async (ctx) => {
      ctxOf = ctx;
      await gate.promise;
      hasCode(await rejection(ctx.delay(1)), 'Closed');
      hasCode(
        thrown(() => ctx.submit(() => 1)),
        'Closed',
      );
      hasCode(
        thrown(() => ctx.checkCancellation()),
        'Cancelled',
      );
      throw new Error('too late');
    });
    await until('it runs', () => task.state === 'running');
  }
  await rt.close();
  for (const gate of gates) gate.resolve();
  await turns(5);
  assert.equal(ctxOf.signal.aborted, true);
});
