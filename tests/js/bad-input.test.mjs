// Bad input at every method: a typed error at the call, and the runtime goes on with nothing lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, assertConsistent, forever, hasCode, rejection, thrown, turns } from '../support/tasks.mjs';

const kNot = {
  function: [undefined, null, 5, 'text', {}, [], Symbol('s'), Promise.resolve()],
  id: [
    undefined,
    null,
    5,
    '',
    't',
    't0',
    't-1',
    't1.5',
    'T1',
    ' t1',
    't1 ',
    't99999999999',
    {},
    [],
    Symbol('s'),
    () => 't1',
  ],
  task: [
    undefined,
    null,
    5,
    't1',
    {},
    [],
    Symbol('s'),
    () => 1,
    Promise.resolve(1),
    { id: 't1', promise: Promise.resolve() },
  ],
  duration: [-1, NaN, -Infinity, '5', null, undefined, {}, true, 5n, Symbol('s')],
  text: [undefined, null, 5, '', {}, [], Symbol('s')],
};

/** A runtime that must still work, and hold nothing, when the test is over. */
async function sturdy(t, config) {
  const rt = await open(t, config);
  const check = async () => {
    assert.equal(await rt.submit((ctx) => ctx.await(ctx.submit(() => 'still works'))).promise, 'still works');
    await turns();
    assertAtRest(rt);
    assertConsistent(rt);
  };
  return { rt, check };
}

/** What a call refuses with, whether it throws or rejects. */
const refusal = (call) =>
  (async () => call())().then(
    () => undefined,
    (error) => error,
  );

async function refuses(what, call, values, code = 'ArgumentError') {
  for (const value of values) {
    const error = await refusal(() => call(value));
    assert.ok(
      error instanceof heddle.HeddleError,
      `${what} took ${String(value?.toString?.call(value))}: ${error?.stack}`,
    );
    hasCode(error, code);
    assert.ok(error.message.length > 10);
  }
}

test('bodies that are no functions', async (t) => {
  const { rt, check } = await sturdy(t);
  await refuses('submit', (body) => rt.submit(body), kNot.function);
  await refuses('scope', (body) => rt.scope(body), kNot.function);
  await refuses('mapConcurrent', (fn) => rt.mapConcurrent([1], fn), kNot.function);
  await rt.submit(async (ctx) => {
    await refuses('ctx.submit', (body) => ctx.submit(body), kNot.function);
    await refuses('ctx.scope', (body) => ctx.scope(body), kNot.function);
    await refuses('ctx.shield', (fn) => ctx.shield(fn, { timeout: 5 }), kNot.function);
    await refuses('ctx.call', (fn) => ctx.call('name', fn), kNot.function);
  }).promise;
  await refuses('on', (fn) => rt.on('zombie', fn), kNot.function);
  await check();
});

test('submit options of wrong types or out of range', async (t) => {
  const { rt, check } = await sturdy(t);
  const bad = {
    name: [5, null, {}, Symbol('s')],
    priority: ['1', 1.5, NaN, Infinity, 1_000_001, -1_000_001, null, 5n, {}],
    timeout: kNot.duration.filter((value) => value !== undefined),
    queueTimeout: kNot.duration.filter((value) => value !== undefined),
    graceMs: kNot.duration.filter((value) => value !== undefined),
    deadline: ['5', '2030-01-01', NaN, Infinity, null, {}, true, 5n, Symbol('s'), new Date(NaN)],
    key: [5, '', null, {}, Symbol('s')],
    signal: [null, 5, {}, new AbortController(), new EventTarget()],
    parent: kNot.task.filter((value) => value !== undefined),
    detached: [1, 'yes', null, {}],
  };
  for (const [key, values] of Object.entries(bad)) {
    await refuses(`submit ${key}`, (value) => rt.submit(() => assert.fail('it ran'), { [key]: value }), values);
    await rt.submit((ctx) =>
      refuses(`ctx.submit ${key}`, (value) => ctx.submit(() => assert.fail('it ran'), { [key]: value }), values),
    ).promise;
  }
  await refuses('submit', (options) => rt.submit(() => 1, options), [null, 5, 'text', true, Symbol('s')]);
  for (const key of ['nam', 'Timeout', 'constructor', 'toString']) {
    const error = thrown(() => rt.submit(() => 1, { [key]: 1 }));
    hasCode(error, 'ArgumentError');
    assert.match(error.message, /queueTimeout/, 'it names those that there are');
  }
  assert.equal(rt.getStats().forgottenTasks, 0);
  await check();
});

test('ids that are none', async (t) => {
  const { rt, check } = await sturdy(t);
  for (const method of ['getTask', 'forget', 'cancel', 'explain'])
    await refuses(method, (id) => rt[method](id), kNot.id);
  // One that was never given out is no error where the answer says so.
  assert.equal(rt.getTask('t12345'), undefined);
  assert.equal(rt.forget('t12345'), false);
  assert.equal(rt.cancel('t12345'), false);
  hasCode(
    thrown(() => rt.explain('t12345')),
    'ArgumentError',
  );
  await refuses('getTasksByState', (state) => rt.getTasksByState(state), [
    undefined,
    null,
    5,
    '',
    'done',
    'Running',
    Symbol('s'),
  ]);
  await check();
});

test('tasks that are none', async (t) => {
  const { rt, check } = await sturdy(t);
  const every = async (on) => {
    await refuses('await', (task) => on.await(task), kNot.task);
    for (const many of ['awaitAll', 'awaitAllSettled', 'awaitAny', 'race']) {
      await refuses(many, (task) => on[many]([task]), kNot.task);
      await refuses(many, (tasks) => on[many](tasks), [undefined, null, 5, 'text', {}, new Set(), () => []]);
    }
  };
  await every(rt);
  await rt.submit((ctx) => every(ctx)).promise;
  await check();
});

test('options of the waits', async (t) => {
  const { rt, check } = await sturdy(t);
  const task = rt.submit(forever);
  for (const ask of [
    (options) => rt.await(task, options),
    (options) => rt.awaitAll([task], options),
    (options) => rt.awaitAny([task], options),
    (options) => rt.race([task], options),
    (options) => rt.awaitAllSettled([task], options),
  ]) {
    await refuses('timeout', (timeout) => ask({ timeout }), [-1, NaN, '5', null, {}, true, 5n, Symbol('s')]);
    await refuses('signal', (signal) => ask({ signal }), [null, 5, {}, 'x']);
    await refuses('ctx', (ctx) => ask({ ctx }), [null, 5, {}, 'x', task]);
    await refuses('options', ask, [null, 5, 'x']);
  }
  rt.cancel(task.id);
  await check();
});

test('durations', async (t) => {
  const { rt, check } = await sturdy(t);
  await refuses('delay', (ms) => rt.delay(ms), kNot.duration);
  await refuses('delay options', (options) => rt.delay(1, options), [null, 5, 'x', { ctx: {} }, { signal: {} }]);
  await refuses('yield options', (options) => rt.yield(options), [null, 5, 'x', { ctx: {} }]);
  await rt.submit((ctx) => refuses('ctx.delay', (ms) => ctx.delay(ms), kNot.duration)).promise;
  await refuses('advance on the real clock', (ms) => rt.clock.advance(ms), [1, 0, -1]);
  await check();
  const virtual = await open(t, { clock: 'virtual' });
  await refuses('advance', (ms) => virtual.clock.advance(ms), [-1, NaN, Infinity, '5', null, undefined, {}, 5n]);
});

test('calls to models', async (t) => {
  const { rt, check } = await sturdy(t);
  const every = async (on) => {
    for (const ask of [(...args) => on.llm(...args), (...args) => on.llmStream(...args).result]) {
      await refuses('prompt', (prompt) => ask(prompt), [
        undefined,
        null,
        5,
        {},
        [],
        [5],
        [null],
        [{}],
        [{ role: 'user' }],
        [{ role: 5, content: 'x' }],
        Symbol('s'),
        () => 'x',
      ]);
      await refuses('options', (options) => ask('x', options), [null, 5, 'x', { nonsense: 1 }, { constructor: 1 }]);
      const bad = {
        model: [5, '', null],
        maxTokens: [0, -1, 1.5, '5', null],
        temperature: ['1', NaN, Infinity, null],
        sample: [1.5, '1', null],
        timeout: [-1, NaN, '5', null],
        signal: [null, 5, {}],
      };
      for (const [key, values] of Object.entries(bad))
        await refuses(key, (value) => ask('x', { [key]: value }), values);
    }
  };
  await every(rt);
  await rt.submit((ctx) => every(ctx)).promise;
  await rt.submit((ctx) => refuses('call', (name) => ctx.call(name, () => 1), kNot.text)).promise;
  assert.equal(rt.getStats().llmCalls, 0);
  await check();
});

test('contexts that are none', async (t) => {
  const { rt, check } = await sturdy(t);
  for (const ctx of [null, 5, {}, 'ctx', { task: {} }]) {
    await refuses('checkCancellation', (value) => rt.checkCancellation(value), [ctx]);
    await refuses('llm', (value) => rt.llm('x', { ctx: value }), [ctx]);
    await refuses('scope', (value) => rt.scope(() => 1, { ctx: value }), [ctx]);
  }
  await check();
});

test('tokens, callbacks, events, levels', async (t) => {
  const { rt, check } = await sturdy(t);
  await refuses('createCancellationToken', (signal) => rt.createCancellationToken(signal), [null, 5, 'x', {}, () => 1]);
  await refuses('onCancel', (callback) => rt.createCancellationToken().onCancel(callback), kNot.function);
  await refuses('on', (event) => rt.on(event, () => {}), [
    undefined,
    null,
    5,
    'none',
    '__proto__',
    'constructor',
    Symbol('s'),
  ]);
  await refuses('onSizeLessThan', (n) => rt.onSizeLessThan(n), [
    0,
    -1,
    1.5,
    NaN,
    '1',
    undefined,
    null,
    5n,
    Symbol('s'),
  ]);
  await refuses('quorum', (n) => heddle.quorum(n), [0, -1, 1.5, NaN, '1', undefined, null, 5n, Symbol('s')]);
  await check();
});

test('bodies that throw odd things, at once or later, in any form', async (t) => {
  const { rt, check } = await sturdy(t);
  const odd = [
    undefined,
    null,
    0,
    '',
    'text',
    Symbol('s'),
    5n,
    {},
    [],
    () => 1,
    Object.create(null),
    new Proxy({}, { get: () => assert.fail('looked into it') }),
  ];
  for (const value of odd) {
    for (const body of [
      () => {
        throw value;
      },
      async (ctx) => {
        await ctx.yield();
        throw value;
      },
      function* (ctx) {
        yield ctx.yield();
        throw value;
      },
    ]) {
      const error = await rejection(rt.submit(body).promise);
      hasCode(error, 'NonError');
      assert.ok(Object.is(error.cause, value));
    }
    const viaScope = await rejection(
      rt.scope(() => {
        throw value;
      }),
    );
    assert.ok(Object.is(viaScope.cause, value));
    const inTask = rt.submit(async (ctx) => {
      const error = await rejection(
        ctx.call('x', () => Promise.reject(value)).then(null, (e) => Promise.reject({ e })),
      );
      assert.ok(error.e === value || error.e?.cause === value);
    });
    await inTask.promise;
  }
  await check();
});

test('frozen errors, errors with odd messages and errors of another realm stay what they are', async (t) => {
  const { rt, check } = await sturdy(t);
  const { runInNewContext } = await import('node:vm');
  const frozen = Object.freeze(new Error('frozen'));
  const nameless = Object.assign(new Error('x'), { message: undefined, name: 5 });
  for (const error of [frozen, nameless]) {
    assert.equal(
      await rejection(
        rt.submit(() => {
          throw error;
        }).promise,
      ),
      error,
    );
    const many = await rejection(
      rt.awaitAny([
        rt.submit(() => {
          throw error;
        }),
      ]),
    );
    assert.equal(many.errors[0], error);
  }
  const foreign = runInNewContext("new TypeError('elsewhere')");
  const kept = await rejection(
    rt.submit(() => {
      throw foreign;
    }).promise,
  );
  assert.ok(kept === foreign || kept.cause === foreign);
  await check();
});

test('odd results are handed through', async (t) => {
  const { rt, check } = await sturdy(t);
  const results = [
    undefined,
    null,
    0,
    NaN,
    '',
    Symbol('s'),
    () => 1,
    Object.create(null),
    new Error('as a value'),
    [Promise.resolve()],
    Object.freeze({ then: 5 }),
  ];
  for (const result of results) {
    assert.ok(Object.is(await rt.submit(() => result).promise, result));
    assert.ok(Object.is(await rt.submit((ctx) => ctx.await(ctx.submit(() => result))).promise, result));
  }
  await check();
});
