// Batching: what one batch holds and when it runs, whose result is whose, and what becomes of a batch when callers leave.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { SignalCounter, assertAtRest, deferred, forever, hasCode, rejection, thrown, turns, until } from '../support/tasks.mjs';

// Where a test looks at a batch that waits, time must not pass by itself.
const real = { clock: 'real' };

/** A runtime under virtual time and a batcher whose function notes when it ran with what. */
async function setUp(t, options, fn = (items) => items.map((item) => item * 10), config) {
  const rt = await open(t, { clock: 'virtual', ...config });
  const runs = [];
  const b = rt.batcher((items, ctx) => {
    runs.push([rt.clock.now(), [...items]]);
    return fn(items, ctx);
  }, options);
  return { rt, b, runs };
}

const settled = async (promises) => (await Promise.allSettled(promises)).map(({ value, reason }) => reason?.code ?? reason?.message ?? value);

test('items added at the same time share a batch, and each caller gets the result of its own', async (t) => {
  const { rt, b, runs } = await setUp(t);
  assert.deepEqual(await Promise.all([b.add(1), b.add(2), b.add(3)]), [10, 20, 30]);
  assert.deepEqual(runs, [[10, [1, 2, 3]]]);
  assertAtRest(rt);
});

test('a batch waits maxDelay from its first item on, by the clock of the runtime', async (t) => {
  const { rt, b, runs } = await setUp(t, { maxDelay: 50 });
  const later = (ms, item) =>
    rt.submit(async (ctx) => {
      await ctx.delay(ms);
      return b.add(item, ctx);
    }).promise;
  await Promise.all([later(5, 1), later(30, 2), later(54, 3), later(56, 4), later(200, 5)]);
  assert.deepEqual(runs, [
    [55, [1, 2, 3]],
    [106, [4]],
    [250, [5]],
  ]);
  assertAtRest(rt);
});

test('a full batch runs at once, and the next item begins another', async (t) => {
  const { rt, b, runs } = await setUp(t, { maxItems: 3, maxDelay: 100 });
  assert.deepEqual(await Promise.all([1, 2, 3, 4, 5, 6, 7].map((item) => b.add(item))), [10, 20, 30, 40, 50, 60, 70]);
  assert.deepEqual(runs, [
    [0, [1, 2, 3]],
    [0, [4, 5, 6]],
    [100, [7]],
  ]);
  assertAtRest(rt);
});

test('maxDelay 0 collects what is added in this turn; Infinity waits for a full batch or a flush', async (t) => {
  const { b, runs } = await setUp(t, { maxDelay: 0 });
  await Promise.all([b.add(1), b.add(2)]);
  await b.add(3);
  assert.deepEqual(runs, [[0, [1, 2]], [0, [3]]]);
  const { rt, b: patient, runs: later } = await setUp(t, { maxDelay: Infinity, maxItems: 2 });
  const first = [patient.add(1), patient.add(2), patient.add(3)];
  await Promise.all(first.slice(0, 2));
  await rt.clock.advance(1e9);
  assert.deepEqual(later, [[0, [1, 2]]]);
  await patient.flush();
  assert.deepEqual(later[1], [1e9, [3]]);
  assert.equal(await first[2], 30);
  assertAtRest(rt);
});

test('a batch never weighs more than maxWeight, and is full when it weighs as much', async (t) => {
  const { rt, b, runs } = await setUp(t, { maxWeight: 10, weigh: (text) => text.length }, (items) => items);
  const items = ['aaaa', 'bbbb', 'ccc', 'ddddddd', 'eeeeeeeeee', '', 'f'];
  assert.deepEqual(await Promise.all(items.map((item) => b.add(item))), items);
  assert.deepEqual(runs.map(([, batch]) => batch), [['aaaa', 'bbbb'], ['ccc', 'ddddddd'], ['eeeeeeeeee'], ['', 'f']]);
  const error = hasCode(await rejection(b.add('x'.repeat(11))), 'RequestTooLarge');
  assert.deepEqual([error.needed, error.limit], [11, 10]);
  assertAtRest(rt);
});

test('a weight that is no number, or a weigh that throws, fails that item alone and leaves the batch as it was', async (t) => {
  const weigh = (item) => {
    if (item === 'throw') throw new Error('no weight');
    return item === 'bad' ? NaN : 1;
  };
  const { rt, b, runs } = await setUp(t, { maxWeight: 5, weigh }, (items) => items);
  const all = await settled(['a', 'bad', 'throw', 'b'].map((item) => b.add(item)));
  assert.deepEqual(all, ['a', 'ArgumentError', 'no weight', 'b']);
  assert.deepEqual(runs.map(([, items]) => items), [['a', 'b']]);
  assertAtRest(rt);
});

test('an Error at an index fails that item alone; what the function throws fails the batch, and no other', async (t) => {
  const one = new Error('one');
  const { rt, b } = await setUp(t, {}, async (items) => {
    if (items.includes('all')) throw new Error('every one');
    return items.map((item) => (item === 'one' ? one : item));
  });
  assert.deepEqual(await settled([b.add('a'), b.add('one'), b.add('b')]), ['a', 'one', 'b']);
  assert.equal(await rejection(b.add('one')), one);
  assert.deepEqual(await settled([b.add('a'), b.add('all'), b.add('b')]), ['every one', 'every one', 'every one']);
  assert.equal(await b.add('later'), 'later');
  assertAtRest(rt);
});

test('a function that gives something else than one result an item fails its batch with a typed error', async (t) => {
  let given;
  const { rt, b } = await setUp(t, { name: 'embed' }, () => given);
  for (const [result, received] of [[undefined, undefined], [[1], 1], [[1, 2, 3], 3], ['ab', undefined], [{ length: 2 }, undefined]]) {
    given = result;
    const [first, second] = [b.add(1), b.add(2)];
    const error = hasCode(await rejection(first), 'Batch');
    assert.equal(await rejection(second), error);
    assert.deepEqual([error.expected, error.received], [2, received]);
    assert.match(error.message, /"embed".*one result an item.*for 2/);
  }
  assertAtRest(rt);
});

test('the function runs as a task of its own, with its name, its context and its timeout', async (t) => {
  const seen = [];
  const { rt, b } = await setUp(t, { name: 'embed', timeout: 70 }, async (items, ctx) => {
    seen.push([ctx.task.name, ctx.task.state, ctx.task.parentId === undefined]);
    await ctx.delay(items[0]);
    return items;
  });
  assert.equal(await b.add(69), 69);
  const error = hasCode(await rejection(b.add(71)), 'Timeout');
  assert.deepEqual([error.limit, error.ms], ['timeout', 70]);
  assert.equal(seen[0][0], 'embed');
  assert.equal(seen[0][1], 'running');
  assert.deepEqual(rt.getAllTasks().map(({ name, state }) => [name, state]), [['embed', 'completed'], ['embed', 'error']]);
  assertAtRest(rt);
});

test('a plain function, an async one and a generator function will do', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const bodies = [
    (items) => items,
    async (items, ctx) => {
      await ctx.delay(1);
      return items;
    },
    function* (items, ctx) {
      yield ctx.delay(1);
      return items;
    },
  ];
  for (const body of bodies) assert.equal(await rt.batcher(body).add('x'), 'x');
});

test('one slot is enough for callers in tasks and the function: a caller gives its slot back, in async and generator bodies', async (t) => {
  const { rt, b, runs } = await setUp(t, {}, undefined, { maxConcurrentTasks: 1 });
  const tasks = [1, 2, 3, 4].map((item) =>
    item % 2 === 0
      ? rt.submit((ctx) => b.add(item, { ctx }))
      : rt.submit(function* (ctx) {
          const x = yield b.add(item, ctx);
          return x;
        }),
  );
  assert.deepEqual(await rt.awaitAll(tasks), [10, 20, 30, 40]);
  assert.deepEqual(runs.map(([, items]) => items), [[1, 2, 3, 4]]);
  assertAtRest(rt);
});

test('without ctx the caller is the task whose segment runs', async (t) => {
  const { rt, b } = await setUp(t, {}, undefined, { maxConcurrentTasks: 1, asyncContext: false });
  const generator = rt.submit(function* () {
    return [yield b.add(1), yield b.add(2)];
  });
  assert.deepEqual(await generator.promise, [10, 20]);
  assert.equal(await rt.submit(() => b.add(3)).promise, 30);
});

test('a cancelled caller takes its item out of a batch that has not begun, by its task, its signal or its timeout', async (t) => {
  const { rt, b, runs } = await setUp(t, { maxDelay: Infinity });
  const counter = new SignalCounter();
  const { signal, abort } = counter.signal();
  const stays = b.add(1);
  const task = rt.submit((ctx) => b.add(2, ctx));
  const generator = rt.submit(function* (ctx) {
    yield b.add(3, ctx);
  });
  const aborted = b.add(4, { signal });
  const late = b.add(5, { timeout: 50 });
  const outcomes = Promise.all([task.promise, generator.promise, aborted, late].map(rejection));
  await until('they wait', () => task.state === 'suspended' && generator.state === 'suspended');
  rt.cancel(task.id, 'enough');
  rt.cancel(generator.id);
  abort('why');
  assert.deepEqual((await outcomes).map(({ code }) => code), ['Cancelled', 'Cancelled', 'Cancelled', 'Timeout']);
  await b.flush();
  assert.equal(await stays, 10);
  assert.deepEqual(runs, [[50, [1]]]);
  assert.equal(counter.listeners, 0);
  assertAtRest(rt);
});

test('an item taken out makes room for others: of number and of weight', async (t) => {
  const { b, runs } = await setUp(t, { maxDelay: 100, maxWeight: 10, weigh: (n) => n }, (items) => items);
  const controller = new AbortController();
  const gone = b.add(9, { signal: controller.signal });
  const stays = b.add(0.5);
  controller.abort();
  hasCode(await rejection(gone), 'Cancelled');
  await Promise.all([stays, b.add(9)]);
  assert.deepEqual(runs.map(([, items]) => items), [[0.5, 9]]);
});

test('when all callers of a batch that collects are gone, nothing of it is left and nothing runs', async (t) => {
  const { rt, b, runs } = await setUp(t, { maxDelay: Infinity });
  const controller = new AbortController();
  const gone = [b.add(1, { signal: controller.signal }), b.add(2, { signal: controller.signal })].map(rejection);
  await turns();
  controller.abort();
  await Promise.all(gone);
  await turns();
  assertAtRest(rt);
  assert.deepEqual(runs, []);
  const again = b.add(3);
  await b.flush();
  assert.equal(await again, 30);
  assertAtRest(rt);
});

test('when all callers of a running batch are gone, its task is cancelled; while one waits, it goes on', async (t) => {
  const { rt, b } = await setUp(t, { maxItems: 2 }, (_items, ctx) => forever(ctx), real);
  const [one, two] = [new AbortController(), new AbortController()];
  const calls = [b.add(1, { signal: one.signal }), b.add(2, { signal: two.signal })].map(rejection);
  await until('it runs', () => rt.getAllTasks()[0]?.state === 'running');
  const [task] = rt.getAllTasks();
  one.abort();
  await turns();
  assert.equal(task.state, 'running');
  two.abort();
  hasCode(await rejection(task.promise), 'Cancelled');
  assert.deepEqual((await Promise.all(calls)).map(({ code }) => code), ['Cancelled', 'Cancelled']);
  await turns();
  assertAtRest(rt);
});

test('a task that ends without waiting for its item leaves it in the batch', async (t) => {
  const { rt, b, runs } = await setUp(t);
  await rt.submit((ctx) => void b.add(7, ctx)).promise;
  await b.add(8);
  assert.deepEqual(runs.map(([, items]) => items), [[7, 8]]);
  assertAtRest(rt);
});

test('maxConcurrent batches run at once; the others wait in order, and go on collecting', async (t) => {
  const ends = [];
  const { rt, b, runs } = await setUp(t, { maxItems: 2, maxDelay: 10, maxConcurrent: 1 }, async (items, ctx) => {
    await ctx.delay(100);
    ends.push(rt.clock.now());
    return items;
  });
  const first = [1, 2, 3, 4, 5].map((item) => b.add(item));
  await rt.clock.advance(50);
  first.push(b.add(6), b.add(7));
  assert.deepEqual(await Promise.all(first), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(runs, [
    [0, [1, 2]],
    [100, [3, 4]],
    [200, [5, 6]],
    [300, [7]],
  ]);
  assertAtRest(rt);
});

test('a batch that waits for its place and loses its callers leaves the queue; a failed or cancelled one frees its place', async (t) => {
  const gate = deferred();
  const { rt, b, runs } = await setUp(t, { maxItems: 1, maxConcurrent: 1 }, async (items, ctx) => {
    if (items[0] === 'fails') throw new Error('failed');
    if (items[0] === 'first') await gate.promise;
    if (items[0] === 'forever') await forever(ctx);
    return items;
  });
  const controller = new AbortController();
  const { signal } = controller;
  const all = [b.add('first'), b.add('gone', { signal }), b.add('fails'), b.add('forever', { timeout: 500 }), b.add('last')];
  const outcomes = settled(all);
  await turns();
  controller.abort();
  await turns();
  gate.resolve();
  assert.deepEqual(await outcomes, ['first', 'Cancelled', 'failed', 'Timeout', 'last']);
  assert.deepEqual(runs.map(([, [item]]) => item), ['first', 'fails', 'forever', 'last']);
  assertAtRest(rt);
});

test('a place is free again only when the cancelled function has unwound', async (t) => {
  let inside = 0;
  const { rt, b } = await setUp(t, { maxItems: 1, maxConcurrent: 1 }, async (items, ctx) => {
    assert.equal(++inside, 1);
    try {
      await ctx.delay(100);
    } finally {
      await ctx.shield((safe) => safe.delay(300), { timeout: 1000 });
      inside--;
    }
    return items;
  });
  const first = b.add(1, { timeout: 50 });
  const second = b.add(2);
  hasCode(await rejection(first), 'Timeout');
  assert.equal(rt.clock.now(), 50);
  assert.equal(await second, 2);
  assert.equal(rt.clock.now(), 750);
  assertAtRest(rt);
});

test('flush runs what was collected at once, waits for all results and rejects for none', async (t) => {
  const { rt, b, runs } = await setUp(t, { maxDelay: 1000 }, async (items, ctx) => {
    await ctx.delay(5);
    if (items.includes(2)) throw new Error('bad');
    return items;
  });
  await b.flush();
  const calls = settled([b.add(1), b.add(2)]);
  await b.flush();
  assert.deepEqual(runs, [[0, [1, 2]]]);
  assert.equal(rt.clock.now(), 5);
  assert.deepEqual(await calls, ['bad', 'bad']);
  const task = rt.submit(function* (ctx) {
    const call = b.add(3, ctx);
    yield b.flush(ctx);
    return [rt.clock.now(), yield call];
  });
  assert.deepEqual(await task.promise, [10, 3]);
  assertAtRest(rt);
});

test('close takes no more items and waits for those that it has', async (t) => {
  const { rt, b } = await setUp(t, { maxDelay: 1000 });
  const call = b.add(1);
  const closed = b.close();
  assert.match(hasCode(await rejection(b.add(2)), 'Closed').message, /this batcher is closed/);
  await closed;
  assert.equal(await call, 10);
  assert.equal(rt.clock.now(), 0);
  await b.close();
  const other = rt.batcher((items) => items, { maxDelay: 1000 });
  const last = other.add(1);
  await other[Symbol.asyncDispose]();
  assert.equal(await last, 1);
  assertAtRest(rt);
});

test('the runtime’s close rejects who waits, whether the batch collects, waits for a place or runs', async (t) => {
  for (const [item, options] of [['collects', { maxDelay: Infinity }], ['runs', { maxItems: 1 }], ['queues', { maxItems: 1, maxConcurrent: 1 }]]) {
    const { rt, b } = await setUp(t, options, (_items, ctx) => forever(ctx), real);
    const calls = [b.add(item), b.add(item)].map(rejection);
    const inTask = rejection(rt.submit((ctx) => b.add(item, ctx)).promise);
    await turns();
    await rt.close();
    assert.deepEqual((await Promise.all(calls)).map(({ code }) => code), ['Closed', 'Closed']);
    hasCode(await inTask, 'Cancelled');
    hasCode(await rejection(b.add(1)), 'Closed');
    hasCode(thrown(() => rt.batcher(() => [])), 'Closed');
  }
});

test('cancelAll ends collecting and running batches; the batcher is usable afterwards', async (t) => {
  const { rt, b } = await setUp(t, { maxItems: 2, maxDelay: 100 });
  const calls = [b.add(1), b.add(2), b.add(3)].map(rejection);
  rt.cancelAll('all');
  assert.deepEqual((await Promise.all(calls)).map(({ code }) => code), ['Cancelled', 'Cancelled', 'Cancelled']);
  assert.equal(await b.add(4), 40);
  assertAtRest(rt);
});

test('a cancelled task’s add raises and adds nothing', async (t) => {
  const { rt, b, runs } = await setUp(t);
  const codes = [];
  const task = rt.submit(async (ctx) => {
    ctx.cancel();
    for (let i = 0; i < 2; i++) await b.add(i, ctx).catch(({ code }) => codes.push(code));
  });
  await rejection(task.promise);
  await turns();
  assert.deepEqual([codes, runs], [['Cancelled', 'Cancelled'], []]);
  assertAtRest(rt);
});

test('explain says that a caller waits for the batch', async (t) => {
  const { rt, b } = await setUp(t, { maxDelay: Infinity, name: 'embed' });
  const task = rt.submit((ctx) => b.add(1, ctx));
  await until('it waits', () => task.state === 'suspended');
  assert.match(rt.explain(task.id)[0].text, /"embed"/);
  await b.flush();
});

test('bad options are refused at the call', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const refused = (...args) => hasCode(thrown(() => rt.batcher(...args)), 'ArgumentError').message;
  assert.match(refused(), /function/);
  assert.match(refused({}), /function/);
  const fn = (items) => items;
  assert.match(refused(fn, null), /options must be an object/);
  assert.match(refused(fn, { maxSize: 5 }), /maxSize is no option; there are maxItems/);
  for (const maxItems of [0, 1.5, -1, NaN, '5']) assert.match(refused(fn, { maxItems }), /options\.maxItems/);
  for (const maxDelay of [-1, NaN, '5']) assert.match(refused(fn, { maxDelay }), /options\.maxDelay/);
  for (const maxConcurrent of [0, 1.5, '5']) assert.match(refused(fn, { maxConcurrent }), /options\.maxConcurrent/);
  for (const maxWeight of [0, -1, NaN, '5']) assert.match(refused(fn, { weigh: () => 1, maxWeight }), /options\.maxWeight/);
  assert.match(refused(fn, { weigh: 5, maxWeight: 1 }), /options\.weigh/);
  assert.match(refused(fn, { weigh: () => 1 }), /belong together/);
  assert.match(refused(fn, { maxWeight: 1 }), /belong together/);
  assert.match(refused(fn, { timeout: -1 }), /options\.timeout/);
  assert.match(refused(fn, { name: 5 }), /options\.name/);
  const b = rt.batcher(fn);
  for (const options of [5, null, { timeout: -1 }, { signal: 5 }]) hasCode(await rejection(b.add(1, options)), 'ArgumentError');
  hasCode(await rejection(b.flush('x')), 'ArgumentError');
  const other = await open(t);
  const { ctx } = await other.submit((ctx) => ({ ctx })).promise;
  hasCode(thrown(() => b.add(1, ctx)), 'ArgumentError');
  assertAtRest(rt);
});

test('the same program makes the same batches, whatever else runs', async (t) => {
  const program = async () => {
    const { rt, b, runs } = await setUp(t, { maxItems: 7, maxDelay: 13, maxConcurrent: 2 }, async (items, ctx) => {
      await ctx.delay(items.length * 3 + ctx.random() * 10);
      return items;
    }, { seed: 9 });
    const tasks = Array.from({ length: 200 }, (_, i) =>
      rt.submit(async (ctx) => {
        await ctx.delay(ctx.random() * 300);
        return b.add(i, ctx);
      }),
    );
    assert.deepEqual(await rt.awaitAll(tasks), Array.from({ length: 200 }, (_, i) => i));
    assertAtRest(rt);
    return runs;
  };
  const first = await program();
  assert.deepEqual(await program(), first);
  assert.ok(first.every(([, items]) => items.length <= 7));
});

test('under random cancels, timeouts and failures every caller gets what is its own, no item runs twice, and nothing is left', async (t) => {
  for (const seed of [1, 2, 3]) {
    const ran = new Map();
    const { rt, b } = await setUp(
      t,
      { maxItems: 8, maxDelay: 20, maxConcurrent: 3, weigh: (item) => item % 5, maxWeight: 12 },
      async (items, ctx) => {
        assert.ok(items.length > 0 && items.length <= 8);
        assert.ok(items.reduce((sum, item) => sum + (item % 5), 0) <= 12);
        for (const item of items) ran.set(item, (ran.get(item) ?? 0) + 1);
        await ctx.delay(ctx.random() * 100);
        if (items.some((item) => item % 97 === 0)) throw new Error('all');
        return items.map((item) => (item % 31 === 0 ? new Error('one') : -item));
      },
      { seed, maxConcurrentTasks: 20 },
    );
    const rows = await rt.awaitAllSettled(
      Array.from({ length: 1500 }, (_, i) =>
        rt.submit(
          async (ctx) => {
            await ctx.delay(ctx.random() * 2000);
            return b.add(i, { ctx, ...(ctx.random() < 0.2 && { timeout: 1 + ctx.random() * 60 }) });
          },
          limitsOf(i),
        ),
      ),
    );
    const kinds = { fulfilled: 0, Timeout: 0, all: 0, one: 0 };
    rows.forEach(({ status, value, reason }, i) => {
      if (status === 'fulfilled') assert.equal(value, -i);
      if (reason?.message === 'one') assert.equal(i % 31, 0);
      const kind = status === 'fulfilled' ? status : (reason.code ?? reason.message);
      assert.ok(kind in kinds, kind);
      kinds[kind]++;
      if (status === 'fulfilled' || reason.message === 'one') assert.equal(ran.get(i), 1);
    });
    assert.ok(Math.max(...ran.values()) === 1);
    assert.ok(Object.values(kinds).every((n) => n > 0), JSON.stringify(kinds));
    await turns();
    assertAtRest(rt);
  }
});

/** Every seventh task has little time for all of it. */
function limitsOf(i) {
  return i % 7 === 0 ? { timeout: 900 } : {};
}
