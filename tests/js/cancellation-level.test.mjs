// Level-triggered: after its cancel every operation of a task raises, each time, so that no `finally` can hang.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertAtRest, deferred, forever, hasCode, rejection, turns, until } from '../support/tasks.mjs';

const operations = {
  delay: (ctx) => ctx.delay(10),
  'delay of 0': (ctx) => ctx.delay(0),
  yield: (ctx) => ctx.yield(),
  'await of a live task': (ctx, { live }) => ctx.await(live),
  'await of a settled task': (ctx, { done }) => ctx.await(done),
  awaitAll: (ctx, { live, done }) => ctx.awaitAll([done, live]),
  'awaitAll of settled tasks': (ctx, { done }) => ctx.awaitAll([done]),
  'awaitAll of none': (ctx) => ctx.awaitAll([]),
  awaitAllSettled: (ctx, { live }) => ctx.awaitAllSettled([live]),
  'awaitAllSettled of settled tasks': (ctx, { done }) => ctx.awaitAllSettled([done]),
  awaitAny: (ctx, { live }) => ctx.awaitAny([live]),
  race: (ctx, { live, done }) => ctx.race([live, done]),
  llm: (ctx) => ctx.llm('hello'),
  'llmStream, read': async (ctx) => {
    for await (const _ of ctx.llmStream('hello'));
  },
  'llmStream, its result': (ctx) => ctx.llmStream('hello').result,
  call: (ctx) => ctx.call('side effect', () => assert.fail('it ran')),
  scope: (ctx) => ctx.scope(() => assert.fail('it ran')),
  mapConcurrent: async (ctx) => {
    for await (const _ of ctx.mapConcurrent([1], () => assert.fail('it ran')));
  },
  submit: async (ctx) => ctx.submit(() => assert.fail('it ran')),
  checkCancellation: async (ctx) => ctx.checkCancellation(),
};

for (const [name, operation] of Object.entries(operations)) {
  test(`${name} raises the task's own error, each time`, async (t) => {
    const rt = await open(t);
    const done = rt.submit(() => 'done');
    await done.promise;
    const live = rt.submit(forever);
    const raised = [];
    const task = rt.submit(async (ctx) => {
      try {
        await ctx.delay(1e6);
      } finally {
        for (let i = 0; i < 3; i++) {
          try {
            await operation(ctx, { live, done });
            raised.push('nothing');
          } catch (error) {
            raised.push(error);
          }
        }
      }
    });
    await until('both run', () => task.state === 'running' && live.state === 'running');
    rt.cancel(task.id, 'level');
    await turns();
    assert.equal(raised.length, 3, 'the finally block ended');
    for (const error of raised) {
      hasCode(error, 'Cancelled');
      assert.equal(error.reason, 'level');
      assert.equal(error, task.error);
    }
    assert.equal(live.state, 'running');
    rt.cancel(live.id);
    await turns();
    assertAtRest(rt);
  });
}

test('after a timeout every operation raises the TimeoutError', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const raised = [];
  const task = rt.submit(
    async (ctx) => {
      for (let i = 0; i < 3; i++) await ctx.delay(100).catch((error) => raised.push(error));
      ctx.checkCancellation();
    },
    { timeout: 10 },
  );
  hasCode(await rejection(task.promise), 'Timeout');
  await turns();
  assert.deepEqual(raised, [task.error, task.error, task.error]);
});

test('several outstanding operations of one task are all raised', async (t) => {
  const rt = await open(t);
  const raised = [];
  const task = rt.submit(async (ctx) => {
    const outstanding = [ctx.delay(1e6), ctx.delay(2e6), ctx.await(ctx.submit(forever)), ctx.llm('x')];
    for (const { reason } of await Promise.allSettled(outstanding)) raised.push(reason.reason);
  });
  await until('it runs', () => task.state === 'running');
  await turns();
  rt.cancel(task.id, 'all of them');
  await turns();
  assert.deepEqual(raised, Array(4).fill('all of them'));
  assertAtRest(rt);
});

test('ctx.signal aborts with the task error, once, in the turn of the cancel', async (t) => {
  const rt = await open(t);
  let signal;
  let aborts = 0;
  const task = rt.submit(async (ctx) => {
    signal = ctx.signal;
    assert.equal(ctx.signal, signal, 'one signal for a task');
    signal.addEventListener('abort', () => aborts++);
    await forever(ctx);
  });
  await until('it runs', () => signal !== undefined);
  assert.ok(signal instanceof AbortSignal);
  rt.cancel(task.id, 'why');
  assert.equal(aborts, 1);
  assert.equal(signal.reason, task.error);
});

test('ctx.signal that is first asked for after the cancel is aborted already', async (t) => {
  const rt = await open(t);
  const asked = deferred();
  const task = rt.submit(async (ctx) => {
    await forever(ctx).catch(() => {});
    asked.resolve(ctx.signal);
  });
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id, 'why');
  const signal = await asked.promise;
  assert.equal(signal.aborted, true);
  assert.equal(signal.reason, task.error);
});

test('the signal of a task that completes never aborts', async (t) => {
  const rt = await open(t);
  const signal = await rt.submit((ctx) => [ctx.signal]).promise;
  await turns();
  assert.equal(signal[0].aborted, false);
});

test('a loop that only checks is stopped by checkCancellation', async (t) => {
  const rt = await open(t);
  let rounds = 0;
  const task = rt.submit(async (ctx) => {
    for (;;) {
      rounds++;
      ctx.checkCancellation();
      await new Promise(setImmediate);
    }
  });
  await until('it goes round', () => rounds > 3);
  rt.cancel(task.id, 'stop');
  const before = rounds;
  await turns(10);
  assert.ok(rounds <= before + 1);
  assertAtRest(rt);
});
