// mapConcurrent: bounded, ordered or not, back-pressure both ways, and nothing left behind when it is left early.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import {
  SignalCounter,
  assertAtRest,
  deferred,
  forever,
  hasCode,
  rejection,
  thrown,
  turns,
  until,
} from '../support/tasks.mjs';

const collect = async (iterable) => {
  const all = [];
  for await (const x of iterable) all.push(x);
  return all;
};

/** A source that tells how far it was read and whether it was closed. */
function source(n, { fails, sync = false } = {}) {
  const seen = { read: 0, closed: false };
  const each = function* () {
    try {
      for (let i = 0; i < n; i++) {
        if (i === fails) throw new Error('bad source');
        seen.read++;
        yield i;
      }
    } finally {
      seen.closed = true;
    }
  };
  const items = sync
    ? each()
    : (async function* () {
        yield* each();
      })();
  return { items, seen };
}

for (const sync of [true, false]) {
  const kind = sync ? 'iterable' : 'async iterable';

  test(`results in input order (${kind})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const { items } = source(20, { sync });
    const out = await collect(
      rt.mapConcurrent(
        items,
        async (x, i, ctx) => {
          await ctx.delay((x * 7) % 10);
          return [x, i];
        },
        { concurrency: 4 },
      ),
    );
    assert.deepEqual(
      out,
      Array.from({ length: 20 }, (_, i) => [i, i]),
    );
    assertAtRest(rt);
  });

  test(`results in the order of completion with ordered: false (${kind})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const delays = [50, 10, 40, 20, 30];
    const { items } = source(5, { sync });
    const fn = async (x, _i, ctx) => {
      await ctx.delay(delays[x]);
      return delays[x];
    };
    assert.deepEqual(
      await collect(rt.mapConcurrent(items, fn, { concurrency: 5, ordered: false })),
      [10, 20, 30, 40, 50],
    );
  });

  test(`never more than concurrency in work (${kind})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    let now = 0;
    let most = 0;
    const { items } = source(30, { sync });
    for await (const _ of rt.mapConcurrent(
      items,
      async (x, _i, ctx) => {
        most = Math.max(most, ++now);
        await ctx.delay(x % 5);
        now--;
      },
      { concurrency: 3 },
    ));
    assert.equal(most, 3);
  });

  test(`the source is read only as far as there is room (${kind})`, async (t) => {
    const rt = await open(t);
    const { items, seen } = source(1000, { sync });
    const out = rt.mapConcurrent(items, (x) => x, { concurrency: 4 });
    await turns();
    assert.equal(seen.read, 0, 'nothing before somebody asks');
    assert.equal((await out.next()).value, 0);
    await turns();
    assert.ok(seen.read <= 4, `a slow consumer holds it at ${seen.read}`);
    for (let i = 1; i < 10; i++) assert.equal((await out.next()).value, i);
    await turns();
    assert.ok(seen.read <= 14, `${seen.read}`);
    await out.return();
    assert.equal(seen.closed, true);
    assertAtRest(rt);
  });

  test(`left early, it cancels what is in work and closes the source (${kind})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const { items, seen } = source(1000, { sync });
    for await (const x of rt.mapConcurrent(items, async (n, _i, ctx) => (n > 0 ? forever(ctx) : n), {
      concurrency: 5,
    })) {
      assert.equal(x, 0);
      break;
    }
    assert.equal(seen.closed, true);
    assert.ok(seen.read <= 6);
    await turns();
    assertAtRest(rt);
    assert.deepEqual(
      rt.getAllTasks().map(({ state }) => state),
      ['completed', ...Array(rt.getAllTasks().length - 1).fill('cancelled')],
    );
    assert.equal(rt.clock.now(), 0);
  });

  test(`a failing source fails the loop, and what is in work is cancelled (${kind})`, async (t) => {
    const rt = await open(t);
    const { items } = source(10, { sync, fails: 3 });
    const error = await rejection(collect(rt.mapConcurrent(items, (x) => x, { concurrency: 2 })));
    assert.equal(error.message, 'bad source');
    await turns();
    assertAtRest(rt);
  });

  test(`a failing item fails the loop, cancels the rest and closes the source (${kind})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const { items, seen } = source(1000, { sync });
    const out = [];
    const fn = async (x, _i, ctx) => {
      if (x === 3) throw new Error('bad item');
      await ctx.delay(x > 3 ? 1e6 : 1);
      return x;
    };
    const error = await rejection(
      (async () => {
        for await (const x of rt.mapConcurrent(items, fn, { concurrency: 3 })) out.push(x);
      })(),
    );
    assert.equal(error.message, 'bad item');
    assert.deepEqual(out, [0, 1, 2]);
    await turns();
    assert.equal(seen.closed, true);
    assertAtRest(rt);
  });

  test(`of nothing it makes nothing (${kind})`, async (t) => {
    const rt = await open(t);
    assert.deepEqual(await collect(rt.mapConcurrent(source(0, { sync }).items, (x) => x)), []);
  });
}

test('any iterable will do, and the default concurrency is maxConcurrentTasks', async (t) => {
  const rt = await open(t, { clock: 'virtual', maxConcurrentTasks: 3 });
  let now = 0;
  let most = 0;
  const fn = async (x, _i, ctx) => {
    most = Math.max(most, ++now);
    await ctx.delay(1);
    now--;
    return x;
  };
  for (const items of [new Set([1, 2, 3, 4, 5]), 'abcde', new Map([[1, 2]]).keys(), new Uint8Array([7, 8])]) {
    const expected = [...(typeof items.next === 'function' ? [1] : items)];
    assert.deepEqual(await collect(rt.mapConcurrent(items, fn)), expected);
  }
  assert.equal(most, 3);
});

test('fn may be plain, async or a generator function', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  for (const fn of [
    (x) => x + 1,
    async (x) => x + 1,
    function* (x, _i, ctx) {
      yield ctx.delay(1);
      return x + 1;
    },
  ]) {
    assert.deepEqual(await collect(rt.mapConcurrent([1, 2], fn)), [2, 3]);
  }
});

test('a slow source does not hold up what is in work', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const finished = [];
  async function* slow() {
    yield 1;
    yield 2;
    await gate.promise;
    yield 3;
  }
  const all = collect(rt.mapConcurrent(slow(), (x) => (finished.push(x), x), { concurrency: 5 }));
  await until('the first two are done', () => finished.length === 2);
  gate.resolve();
  assert.deepEqual(await all, [1, 2, 3]);
});

test('unordered, an item that came later may overtake the only one in work', async (t) => {
  const rt = await open(t);
  const [gate, first] = [deferred(), deferred()];
  async function* slow() {
    yield 'first';
    await gate.promise;
    yield 'second';
  }
  const out = rt.mapConcurrent(slow(), (x) => (x === 'first' ? first.promise : x), { concurrency: 2, ordered: false });
  const next = out.next();
  await turns();
  gate.resolve();
  assert.deepEqual(await next, { done: false, value: 'second' });
  first.resolve('late');
  assert.deepEqual(await collect(out), ['late']);
  assertAtRest(rt);
});

for (const [how, map] of Object.entries({
  'by its context': (ctx) => ctx.mapConcurrent.bind(ctx),
  'by the runtime': (ctx) => ctx.runtime.mapConcurrent.bind(ctx.runtime),
})) {
  test(`inside a task (${how}) the items are its children, and it needs no second slot`, async (t) => {
    const rt = await open(t, { maxConcurrentTasks: 1, clock: 'virtual' });
    const task = rt.submit(async (ctx) => {
      const parents = await collect(map(ctx)([1, 2, 3], (_x, _i, c) => c.task.parentId, { concurrency: 2 }));
      assert.deepEqual(parents, [ctx.task.id, ctx.task.id, ctx.task.id]);
      return 'done';
    });
    assert.equal(await task.promise, 'done');
  });

  test(`inside a task (${how}) its cancel ends the loop, whatever that waits for`, async (t) => {
    const rt = await open(t);
    const never = { closed: 0 };
    const sources = [
      // Waits for an item, for the source, and for the source while an item is in work.
      { items: [1, 2, 3], fn: (_x, _i, ctx) => forever(ctx) },
      {
        items: {
          [Symbol.asyncIterator]: () => ({
            next: () => new Promise(() => {}),
            return: () => (never.closed++, new Promise(() => {})),
          }),
        },
        fn: (x) => x,
      },
    ];
    for (const { items, fn } of sources) {
      for (const ordered of [true, false]) {
        let ended;
        const task = rt.submit(async (ctx) => {
          ended = await rejection(collect(map(ctx)(items, fn, { concurrency: 2, ordered })));
        });
        await until('it runs', () => task.startedAt !== undefined);
        await turns();
        rt.cancel(task.id, 'stop');
        await turns();
        assert.equal(hasCode(ended, 'Cancelled').reason, 'stop');
        assertAtRest(rt);
      }
    }
    assert.equal(never.closed, 2);
  });
}

test('its signal ends the loop, whatever that waits for, and is listened to no longer', async (t) => {
  const rt = await open(t);
  const counter = new SignalCounter();
  const stuck = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
  for (const [items, fn] of [
    [[1, 2], (_x, _i, ctx) => forever(ctx)],
    [stuck, (x) => x],
  ]) {
    const { signal, abort } = counter.signal();
    const ended = rejection(collect(rt.mapConcurrent(items, fn, { signal })));
    await turns();
    abort('enough');
    assert.equal(hasCode(await ended, 'Cancelled').reason, 'enough');
    assert.equal(counter.listeners, 0);
  }
  await turns();
  assertAtRest(rt);
});

test('a source that never answers does not hold up a consumer that leaves', async (t) => {
  const rt = await open(t);
  async function* stuck() {
    yield 1;
    await new Promise(() => {});
  }
  for await (const _ of rt.mapConcurrent(stuck(), (x) => x, { concurrency: 2 })) break;
  await turns();
  assertAtRest(rt);
});

test('bad arguments are refused at the call', async (t) => {
  const rt = await open(t);
  for (const args of [
    [undefined, (x) => x],
    [null, (x) => x],
    [5, (x) => x],
    [{}, (x) => x],
    [[1], undefined],
    [[1], 'fn'],
    [[1], (x) => x, null],
    [[1], (x) => x, 5],
    [[1], (x) => x, { concurrency: 0 }],
    [[1], (x) => x, { concurrency: 1.5 }],
    [[1], (x) => x, { concurrency: '2' }],
    [[1], (x) => x, { ordered: 'yes' }],
    [[1], (x) => x, { signal: {} }],
    [[1], (x) => x, { ctx: {} }],
  ]) {
    hasCode(
      thrown(() => rt.mapConcurrent(...args)),
      'ArgumentError',
    );
  }
});
