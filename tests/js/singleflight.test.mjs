// Singleflight: one execution a key for those who ask at the same time; errors, cancels, ttl, samples.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, turns } from '../support/tasks.mjs';

const { ArgumentError, CancellationError, DeadlockError, SingleflightError, TimeoutError } = heddle;
const message = (pattern) => (error) => assert.match(String(error.message ?? error), pattern) ?? true;

test('ten documents of which three are shared by two streams make seven calls', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const called = [];
  const summary = (ctx, document) =>
    ctx.singleflight(['summary', document], async (flight) => {
      called.push(document);
      return (await flight.llm(`Summarize ${document}`)).text;
    });
  const stream = (documents) => rt.submit((ctx) => ctx.awaitAll(documents.map((document) => ctx.submit((own) => summary(own, document)))));
  const left = stream(['a', 'b', 'c', 'd', 'e']);
  const right = stream(['c', 'd', 'e', 'f', 'g']);
  const [one, two] = [await left.promise, await right.promise];
  assert.deepEqual(called.sort(), ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  assert.deepEqual(one.slice(2), two.slice(0, 3));
  assert.equal(rt.getStats().llmCalls, 7);
  assertAtRest(rt);
});

test('callers of every kind share one; later ones begin anew', async (t) => {
  const rt = await open(t);
  let runs = 0;
  const fn = async (ctx) => (await ctx.yield(), ++runs);
  const all = [
    rt.singleflight('k', fn),
    rt.submit((ctx) => ctx.singleflight('k', fn)).promise,
    rt.submit((ctx) => rt.singleflight('k', fn, ctx)).promise,
    rt.submit(function* (ctx) {
      return yield ctx.singleflight('k', fn);
    }).promise,
  ];
  assert.deepEqual(await Promise.all(all), [1, 1, 1, 1]);
  assert.equal(await rt.singleflight('k', fn), 2);
  assertAtRest(rt);
});

test('a key is a value of JSON: equal ones are one, whatever the order of their fields', async (t) => {
  const rt = await open(t);
  let runs = 0;
  const fn = async (ctx) => (await ctx.yield(), ++runs);
  const same = [{ model: 'm', sample: 1 }, { sample: 1, model: 'm' }, { sample: 1, none: undefined, model: 'm' }];
  assert.deepEqual(await Promise.all(same.map((key) => rt.singleflight(key, fn))), [1, 1, 1]);
  const others = [{ model: 'm', sample: 2 }, 'm', ['m'], 1, '1', null, true];
  assert.equal(new Set(await Promise.all(others.map((key) => rt.singleflight(key, fn)))).size, others.length);
  const circular = [];
  circular.push(circular);
  for (const bad of [undefined, () => 1, Symbol('k'), new Map(), [Number.NaN], { date: new Date(0) }, circular]) {
    await assert.rejects(rt.singleflight(bad, fn), ArgumentError);
  }
});

test('an error goes to all who wait, and is kept for nobody', async (t) => {
  const rt = await open(t);
  let runs = 0;
  const fn = async (ctx) => {
    await ctx.yield();
    if (++runs === 1) throw new Error('no luck');
    return 'luck';
  };
  const waiting = [1, 2, 3].map(() => rt.singleflight('k', fn, { ttl: 1000 }));
  for (const one of waiting) await assert.rejects(one, message(/no luck/));
  assert.equal(await rt.singleflight('k', fn), 'luck');
  assertAtRest(rt);
});

test('a caller that leaves does not end it, the last one does; nobody joins what is being cancelled', async (t) => {
  const rt = await open(t);
  const gone = [];
  let runs = 0;
  const fn = async (ctx) => {
    const run = ++runs;
    ctx.signal.addEventListener('abort', () => gone.push(run));
    await ctx.delay(run === 1 ? 1e6 : 0);
    return run;
  };
  const first = rt.submit((ctx) => ctx.singleflight('k', fn));
  const controller = new AbortController();
  const second = rt.singleflight('k', fn, { signal: controller.signal });
  await turns();
  rt.cancel(first.id, 'enough');
  await assert.rejects(first.promise, CancellationError);
  await turns();
  assert.deepEqual(gone, []);
  controller.abort('enough');
  await assert.rejects(second, CancellationError);
  const third = rt.singleflight('k', fn);
  await turns();
  assert.deepEqual(gone, [1]);
  assert.equal(await third, 2);
  await rt.onIdle();
  assertAtRest(rt);
});

test('a timeout of one caller is its own', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const fn = (ctx) => ctx.delay(10).then(() => 'slow');
  const late = rt.submit((ctx) => ctx.singleflight('k', fn, { timeout: 5 }));
  const patient = rt.submit((ctx) => ctx.singleflight('k', fn));
  await assert.rejects(late.promise, TimeoutError);
  assert.equal(await patient.promise, 'slow');
  assertAtRest(rt);
});

test('a value is kept for its ttl, by the clock of the runtime', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  let runs = 0;
  const ask = (options) => rt.submit((ctx) => ctx.singleflight('k', () => ++runs, options)).promise;
  const pass = (ms) => rt.submit((ctx) => ctx.delay(ms)).promise;
  assert.equal(await ask({ ttl: 100 }), 1);
  await pass(99);
  assert.equal(await ask(), 1);
  await pass(1);
  assert.equal(await ask({ ttl: 100 }), 2);
  for (let i = 0; i < 1000; i++) await rt.singleflight(i, () => i, { ttl: 1 });
  await pass(2);
  for (let i = 0; i < 100; i++) await rt.singleflight(`later ${i}`, () => i, { ttl: 1 });
  assertAtRest(rt);
});

test('samples are independent, side by side, and not another number of them', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  let runs = 0;
  const fn = async (ctx, sample) => {
    runs++;
    await ctx.delay(10);
    return sample;
  };
  const before = rt.clock.now();
  const [three, again, two, one] = await Promise.all([
    rt.singleflight('k', fn, { samples: 3 }),
    rt.singleflight('k', fn, { samples: 3 }),
    rt.singleflight('k', fn, { samples: 2 }),
    rt.singleflight('k', fn),
  ]);
  assert.deepEqual([three, again, two, one], [[0, 1, 2], [0, 1, 2], [0, 1], 0]);
  assert.equal(runs, 6);
  assert.equal(rt.clock.now() - before, 10);
  const failing = (ctx, sample) => (sample === 1 ? Promise.reject(new Error('one of three')) : ctx.delay(1e6));
  await assert.rejects(rt.singleflight('f', failing, { samples: 3 }), message(/one of three/));
  await rt.onIdle();
  assertAtRest(rt);
});

test('who asks for the key that it runs for is refused; a circle of two is a deadlock', async (t) => {
  const rt = await open(t);
  await assert.rejects(rt.singleflight('k', (ctx) => ctx.singleflight('k', () => 1)), SingleflightError);
  await assert.rejects(rt.singleflight('k', (ctx) => ctx.await(ctx.submit((inner) => inner.singleflight('k', () => 1)))), SingleflightError);
  const a = (ctx) => ctx.yield().then(() => ctx.singleflight('b', b));
  const b = (ctx) => ctx.yield().then(() => ctx.singleflight('a', a));
  await assert.rejects(Promise.all([rt.singleflight('a', a), rt.singleflight('b', b)]), DeadlockError);
  await rt.onIdle();
  assertAtRest(rt);
});

test('it needs no more than one slot', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const nested = (depth) => (ctx) => (depth === 0 ? 'deep' : ctx.singleflight(`depth ${depth}`, nested(depth - 1)));
  assert.equal(await rt.submit(nested(5)).promise, 'deep');
  assertAtRest(rt);
});

test('bad arguments are refused at the call', async (t) => {
  const rt = await open(t);
  for (const [fn, options] of [[5], [undefined], [() => 1, { ttl: -1 }], [() => 1, { ttl: 'long' }], [() => 1, { samples: 0 }], [() => 1, { samples: 1.5 }], [() => 1, { other: 1 }], [() => 1, 5], [() => 1, { timeout: -1 }]]) {
    await assert.rejects(rt.singleflight('k', fn, options), ArgumentError);
  }
  await rt.close();
  await assert.rejects(rt.singleflight('k', () => 1), heddle.ClosedError);
});
