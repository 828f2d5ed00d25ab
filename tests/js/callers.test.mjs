// Who calls? The context where one is given, else the task whose synchronous segment runs, else (where asyncContext is on)
// the task of the asynchronous context, else a caller outside. yield and checkCancellation show it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import heddle from '../support/heddle.mjs';
import { assertAtRest, deferred, forever, hasCode, rejection, thrown, turns, until } from '../support/tasks.mjs';

test('checkCancellation throws inside a cancelled task and does nothing outside one', async (t) => {
  const rt = await open(t);
  rt.checkCancellation();
  const seen = [];
  const task = rt.submit((ctx) => {
    rt.checkCancellation();
    ctx.checkCancellation();
    ctx.cancel('why');
    seen.push(
      thrown(() => rt.checkCancellation()),
      thrown(() => ctx.checkCancellation()),
      thrown(() => rt.checkCancellation(ctx)),
    );
  });
  const error = await rejection(task.promise);
  await turns();
  assert.deepEqual(seen, [error, error, error]);
  rt.checkCancellation();
});

test('without ctx the caller is the task whose synchronous segment runs, also in a generator', async (t) => {
  const rt = await open(t, { asyncContext: false, maxConcurrentTasks: 1 });
  // With one slot, a wait by a caller outside would never end: the task would keep the slot that its child needs.
  assert.equal(await rt.submit(() => rt.await(rt.submit(() => 'plain'))).promise, 'plain');
  const generator = rt.submit(function* () {
    yield rt.yield();
    const value = yield rt.await(rt.submit(() => 'gen'));
    yield rt.delay(0);
    return [value, yield rt.awaitAll([rt.submit(() => 1)])];
  });
  assert.deepEqual(await generator.promise, ['gen', [1]]);
  assertAtRest(rt);
});

test('without ctx and after an await the caller is one outside, where asyncContext is off', async (t) => {
  const rt = await open(t, { asyncContext: false });
  const gate = deferred();
  const seen = [];
  const task = rt.submit(async () => {
    await gate.promise;
    rt.checkCancellation();
    seen.push('went on');
  });
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id);
  gate.resolve();
  await turns();
  assert.deepEqual(seen, ['went on']);
});

test('asyncContext finds the task across awaits, timers and callbacks', async (t) => {
  const rt = await open(t, { asyncContext: true });
  const gate = deferred();
  const seen = [];
  const look = (where) => {
    try {
      rt.checkCancellation();
      seen.push(`${where}: nothing`);
    } catch (error) {
      seen.push(`${where}: ${error.reason}`);
    }
  };
  const task = rt.submit(async () => {
    const later = new Promise((resolve) => setImmediate(() => resolve(look('immediate'))));
    await gate.promise;
    look('await');
    await Promise.all([later, (async () => (await null, look('nested')))()]);
  });
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id, 'mine');
  gate.resolve();
  await turns();
  assert.deepEqual(seen.sort(), ['await: mine', 'immediate: mine', 'nested: mine']);
  look('outside');
  assert.equal(seen.at(-1), 'outside: nothing');
});

test('with asyncContext, waits without ctx give the slot back and raise after a cancel', async (t) => {
  const rt = await open(t, { asyncContext: true, maxConcurrentTasks: 1 });
  const deep = (n) => async () => {
    await null;
    return n === 0 ? 0 : 1 + (await rt.await(rt.submit(deep(n - 1))));
  };
  assert.equal(await rt.submit(deep(10)).promise, 10);
  const raised = [];
  const task = rt.submit(async () => {
    for (let i = 0; i < 3; i++) await rt.delay(1e9).catch((error) => raised.push(error.reason));
  });
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id, 'out');
  await turns();
  assert.deepEqual(raised, ['out', 'out', 'out']);
  assertAtRest(rt);
});

test('with asyncContext, what the runtime calls for nobody in particular runs as nobody', async (t) => {
  const rt = await open(t, {
    asyncContext: true,
    clock: 'virtual',
    graceMs: 1,
    maxConcurrentLLMCalls: 1,
    provider: {
      kind: 'custom',
      model: 'm',
      // Deaf to its signal: the end of the first one's call, which is cancelled, starts the second one's.
      complete: async ({ messages }) => {
        rt.checkCancellation();
        if (messages[0].content === 'first') await gate.promise;
        await rt.yield();
        return { text: 'answer', usage: {}, finishReason: 'stop', model: 'm' };
      },
      stream: () => assert.fail('no stream was asked for'),
    },
  });
  const gate = deferred();
  const first = rt.submit((ctx) => ctx.llm('first'));
  await until('it is in flight', () => rt.getStats().concurrentLLMCalls === 1);
  const heard = [];
  rt.on('zombie', () => {
    heard.push('zombie');
    rt.checkCancellation();
  });
  const answered = rt.submit(async (ctx) => (await ctx.llm('x')).text);
  const cancelled = rt.submit(() => new Promise(() => {}));
  await turns();
  rt.cancel(first.id);
  gate.resolve();
  assert.equal(await answered.promise, 'answer');
  rt.cancel(cancelled.id, 'zombie');
  await rt.delay(10);
  await turns();
  assert.deepEqual(heard, ['zombie']);
});

test('two runtimes with asyncContext do not take each other for themselves', async (t) => {
  const [a, b] = [await open(t, { asyncContext: true }), await open(t, { asyncContext: true })];
  const task = a.submit(async (ctx) => {
    ctx.cancel('in a');
    await null;
    b.checkCancellation();
    return thrown(() => a.checkCancellation());
  });
  hasCode(await rejection(task.promise), 'Cancelled');
  assert.equal(await b.submit(async () => (await null, 'fine')).promise, 'fine');
});

test('yield lets the other ready tasks run first', async (t) => {
  const rt = await open(t);
  const order = [];
  const body = (name) => async (ctx) => {
    for (let i = 0; i < 3; i++) {
      order.push(name + i);
      await ctx.yield();
    }
  };
  await rt.awaitAll(['a', 'b', 'c'].map((name) => rt.submit(body(name))));
  assert.deepEqual(order, ['a0', 'b0', 'c0', 'a1', 'b1', 'c1', 'a2', 'b2', 'c2']);
});

test('yield, delay and the waits take the context as an option or as the argument', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const task = rt.submit(async (ctx) => {
    await null;
    ctx.cancel('why');
    const errors = [];
    for (const ask of [
      () => rt.yield(ctx),
      () => rt.yield({ ctx }),
      () => rt.delay(1, ctx),
      () => rt.delay(1, { ctx }),
      () => rt.await(task, { ctx }),
      () => rt.awaitAll([], { ctx }),
      () => rt.llm('x', { ctx }),
      () => rt.llmStream('x', { ctx }).result,
      () => rt.scope(() => 1, { ctx }),
    ]) {
      errors.push((await rejection(ask())).reason);
    }
    seen = errors;
  });
  let seen;
  await rejection(task.promise);
  await until('it unwound', () => seen !== undefined);
  assert.deepEqual(seen, Array(9).fill('why'));
});

test('yield outside of tasks works as well', async (t) => {
  const rt = await open(t);
  await rt.yield();
  assertAtRest(rt);
});

test('a task that never waits does not keep the event loop from its turn', async (t) => {
  const rt = await open(t, { sliceMs: 0 });
  let immediates = 0;
  const count = () => {
    immediates++;
    pending = setImmediate(count);
  };
  let pending = setImmediate(count);
  const task = rt.submit(async (ctx) => {
    while (immediates < 5) await ctx.yield();
  });
  await task.promise;
  clearImmediate(pending);
});

test('the context of a task that is over is of no use', async (t) => {
  const rt = await open(t);
  const [ctx] = await rt.submit((c) => [c]).promise;
  for (const ask of [
    () => ctx.delay(1),
    () => ctx.yield(),
    () => ctx.llm('x'),
    () => ctx.call('x', () => 1),
    () => ctx.scope(() => 1),
  ]) {
    hasCode(await rejection(ask()), 'ArgumentError');
  }
  const live = rt.submit(forever);
  hasCode(await rejection(ctx.await(live)), 'ArgumentError');
  hasCode(await rejection(ctx.shield(() => 1, { timeout: 5 })), 'ArgumentError');
  hasCode(await rejection(ctx.llmStream('x').result), 'ArgumentError');
  assert.equal(ctx.cancel(), false);
  ctx.checkCancellation();
  assert.equal(ctx.signal.aborted, false);
  rt.cancel(live.id);
});

test('ctx.now, ctx.random and ctx.uuid come from the clock and the seed', async (t) => {
  const draw = async (seed) => {
    const rt = await open(t, { clock: 'virtual', seed });
    return rt.submit(async (ctx) => {
      await ctx.delay(7);
      return [ctx.now(), ctx.random(), ctx.random(), ctx.uuid(), ctx.uuid()];
    }).promise;
  };
  const [now, first, second, id, other] = await draw(3);
  assert.equal(now, 7);
  assert.ok(first >= 0 && first < 1 && first !== second);
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(id, other);
  assert.deepEqual(await draw(3), [now, first, second, id, other]);
  assert.notDeepEqual(await draw(4), [now, first, second, id, other]);
});
