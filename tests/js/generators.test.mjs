// Generator bodies: each yield is an await point, of every operation, of promises and of plain values.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, deferred, forever, hasCode, rejection, turns, until } from '../support/tasks.mjs';

const operations = {
  delay: { ask: (ctx) => ctx.delay(5), gives: undefined },
  'delay of 0': { ask: (ctx) => ctx.delay(0), gives: undefined },
  yield: { ask: (ctx) => ctx.yield(), gives: undefined },
  await: { ask: (ctx) => ctx.await(ctx.submit(() => 1)), gives: 1 },
  'await of a settled task': { ask: (ctx, { done }) => ctx.await(done), gives: 'done' },
  awaitAll: { ask: (ctx) => ctx.awaitAll([ctx.submit(() => 1), ctx.submit(() => 2)]), gives: [1, 2] },
  'awaitAll of none': { ask: (ctx) => ctx.awaitAll([]), gives: [] },
  awaitAllSettled: {
    ask: (ctx) => ctx.awaitAllSettled([ctx.submit(() => 1)]),
    gives: [{ status: 'fulfilled', value: 1 }],
  },
  awaitAny: { ask: (ctx, { done }) => ctx.awaitAny([done]), gives: (value, { done }) => value === done },
  race: { ask: (ctx, { failed }) => ctx.race([failed]), gives: (value, { failed }) => value === failed },
  llm: { ask: (ctx) => ctx.llm('hello'), gives: (value) => typeof value.text === 'string' },
  'the result of a stream': {
    ask: (ctx) => ctx.llmStream('hello').result,
    gives: (value) => typeof value.text === 'string',
  },
  'a chunk of a stream': { ask: (ctx) => ctx.llmStream('hello').next(), gives: ({ value }) => value.type === 'text' },
  call: { ask: (ctx) => ctx.call('x', () => 7), gives: 7 },
  scope: { ask: (ctx) => ctx.scope((s) => s.await(s.submit(() => 8))), gives: 8 },
  shield: { ask: (ctx) => ctx.shield((safe) => safe.delay(1), { timeout: 10 }), gives: undefined },
  mapConcurrent: { ask: (ctx) => ctx.mapConcurrent([3], (x) => x).next(), gives: { done: false, value: 3 } },
  'a promise': { ask: () => Promise.resolve(9), gives: 9 },
  'a thenable': { ask: () => ({ then: (resolve) => resolve(10) }), gives: 10 },
  'a plain value': { ask: () => 'plain', gives: 'plain' },
  undefined: { ask: () => undefined, gives: undefined },
};

for (const [name, { ask, gives }] of Object.entries(operations)) {
  test(`yield gives what ${name} gives`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const done = rt.submit(() => 'done');
    const failed = rt.submit(() => {
      throw new Error('failed');
    });
    await rt.awaitAllSettled([done, failed]);
    const given = { done, failed };
    const value = await rt.submit(function* (ctx) {
      const first = yield ask(ctx, given);
      yield ctx.yield();
      return [first, yield ask(ctx, given)];
    }).promise;
    for (const got of value) {
      if (typeof gives === 'function') assert.ok(gives(got, given));
      else assert.deepEqual(got, gives);
    }
    assertAtRest(rt);
  });
}

test('errors are thrown in at the yield, and can be caught there', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const caught = await rt
    .submit(function* (ctx) {
      const errors = [];
      const failing = ctx.submit(() => {
        throw new Error('task');
      });
      for (const operation of [
        () => ctx.await(failing),
        () => ctx.await(failing),
        () => ctx.awaitAny([failing]),
        () => ctx.await(ctx.submit(forever), { timeout: 5 }),
        () => ctx.delay(-1),
        () => ctx.delay(5, { signal: AbortSignal.abort() }),
        () => ctx.await(undefined),
        () => ctx.awaitAny([]),
        () => ctx.llm(5),
        () => ctx.call('x', () => Promise.reject(new Error('call'))),
        () => Promise.reject(new Error('promise')),
      ]) {
        try {
          yield operation();
          errors.push('nothing');
        } catch (error) {
          errors.push(error.code ?? error.message);
        }
      }
      ctx.cancel();
      return errors;
    })
    .promise.catch((error) => error);
  assert.ok(caught instanceof heddle.CancellationError || Array.isArray(caught));
});

test('each kind of error arrives as what it is', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const task = rt.submit(function* (ctx) {
    const failing = ctx.submit(() => {
      throw new Error('task');
    });
    const codes = [];
    const operations = [
      () => ctx.await(failing),
      () => ctx.awaitAll([failing]),
      () =>
        ctx.await(
          ctx.submit((c) => c.delay(50)),
          { timeout: 5 },
        ),
      () => ctx.delay(-1),
      () => ctx.delay(5, { signal: AbortSignal.abort() }),
      () => ctx.await(undefined),
      () => ctx.race([]),
      () => ctx.llm(5),
      () => ctx.call('x', () => Promise.reject(new Error('call'))),
      () => Promise.reject(new Error('promise')),
    ];
    for (const operation of operations) {
      try {
        yield operation();
        codes.push('nothing');
      } catch (error) {
        codes.push(error.code ?? error.message);
      }
    }
    return codes;
  });
  assert.deepEqual(await task.promise, [
    'task',
    'task',
    'Timeout',
    'ArgumentError',
    'Cancelled',
    'ArgumentError',
    'ArgumentError',
    'ArgumentError',
    'call',
    'promise',
  ]);
});

test('an error that is not caught is the error of the task', async (t) => {
  const rt = await open(t);
  const task = rt.submit(function* (ctx) {
    yield ctx.await(
      ctx.submit(() => {
        throw new Error('through');
      }),
    );
  });
  assert.equal((await rejection(task.promise)).message, 'through');
});

test('yield* delegates: a helper is part of the body', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  function* twice(ctx, ms) {
    yield ctx.delay(ms);
    yield ctx.delay(ms);
    return rt.clock.now();
  }
  function* nested(ctx) {
    const at = yield* twice(ctx, 5);
    try {
      yield* (function* () {
        yield Promise.reject(new Error('deep'));
      })();
    } catch (error) {
      return [at, error.message];
    }
    return 'not reached';
  }
  assert.deepEqual(
    await rt.submit(function* (ctx) {
      return yield* nested(ctx);
    }).promise,
    [10, 'deep'],
  );
});

test('a cancelled generator unwinds through its finally blocks, whose yields raise again', async (t) => {
  const rt = await open(t);
  const log = [];
  const task = rt.submit(function* (ctx) {
    try {
      yield forever(ctx);
    } catch (error) {
      log.push(`caught ${error.reason}`);
      throw error;
    } finally {
      try {
        yield ctx.delay(5);
        log.push('never');
      } catch (error) {
        log.push(`again ${error.reason}`);
      }
      yield ctx.shield((safe) => safe.yield(), { timeout: 1000 });
      log.push('shielded');
    }
  });
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id, 'stop');
  await turns();
  assert.deepEqual(log, ['caught stop', 'again stop', 'shielded']);
  assertAtRest(rt);
});

test('operations may be begun first and yielded later, together or twice', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const task = rt.submit(function* (ctx) {
    const [a, b] = [ctx.delay(30), ctx.delay(20)];
    yield b;
    yield a;
    const at = rt.clock.now();
    yield a;
    yield Promise.all([ctx.delay(5), ctx.delay(7)]);
    const child = ctx.await(ctx.submit(() => 'value'));
    return [at, rt.clock.now(), yield child, yield child];
  });
  assert.deepEqual(await task.promise, [30, 37, 'value', 'value']);
});

test('an operation has then, catch and finally', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const task = rt.submit(function* (ctx) {
    const one = yield ctx.await(ctx.submit(() => 1)).then((x) => x + 1);
    const two = yield ctx.delay(-1).catch((error) => error.code);
    let finals = 0;
    yield ctx.delay(1).finally(() => finals++);
    const settled = ctx.await(ctx.submit(() => 3));
    yield settled;
    return [one, two, finals, yield settled.then((x) => x * 2)];
  });
  assert.deepEqual(await task.promise, [2, 'ArgumentError', 1, 6]);
});

test('a function that the body calls may await operations', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const helper = async (ctx) => {
    await ctx.delay(5);
    await ctx.yield();
    return rt.clock.now();
  };
  const task = rt.submit(function* (ctx) {
    return yield helper(ctx);
  });
  assert.equal(await task.promise, 5);
});

test('what it returns is awaited where it can be, as in an async function', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  for (const returned of [
    (ctx) => ctx.await(ctx.submit(() => 'value')),
    () => Promise.resolve('value'),
    () => ({ then: (resolve) => resolve('value') }),
    () => 'value',
  ]) {
    const task = rt.submit(function* (ctx) {
      return returned(ctx);
    });
    assert.equal(await task.promise, 'value');
  }
  const failing = rt.submit(function* () {
    return Promise.reject(new Error('returned'));
  });
  assert.equal((await rejection(failing.promise)).message, 'returned');
});

test('ten thousand yields in one body are no recursion', async (t) => {
  const rt = await open(t);
  const task = rt.submit(function* (ctx) {
    let sum = 0;
    for (let i = 0; i < 10_000; i++) sum += yield i % 3 === 0 ? ctx.await(done) : 1;
    return sum;
  });
  const done = rt.submit(() => 1);
  await done.promise;
  assert.equal(await task.promise, 10_000);
});

test('generator bodies take turns', async (t) => {
  const rt = await open(t);
  const order = [];
  const body = (name) =>
    function* (ctx) {
      for (let i = 0; i < 3; i++) {
        order.push(name + i);
        yield ctx.yield();
      }
    };
  await rt.awaitAll([rt.submit(body('a')), rt.submit(body('b'))]);
  assert.deepEqual(order, ['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
});

test('a generator waits for a foreign promise like any body', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const task = rt.submit(function* () {
    return yield gate.promise;
  });
  await until('it runs', () => task.state === 'running');
  gate.resolve('foreign');
  assert.equal(await task.promise, 'foreign');
});

test('an async generator function is no body: its task fails and says so', async (t) => {
  const rt = await open(t);
  const task = rt.submit(async function* () {
    yield 1;
  });
  assert.match(hasCode(await rejection(task.promise), 'ArgumentError').message, /async generator/);
});
