// Structured scopes: they return only when all their children ended; joiners make their result.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { SignalCounter, assertAtRest, deferred, forever, hasCode, rejection, turns, until } from '../support/tasks.mjs';

const { quorum } = heddle;

const after = (ms, value) => async (ctx) => {
  await ctx.delay(ms);
  if (value instanceof Error) throw value;
  return value;
};

// Opened from outside, by a task's context, and with the task named.
const openers = {
  outside: (rt, body, options) => rt.scope(body, options),
  inside: (rt, body, options) => rt.submit((ctx) => ctx.scope(body, options)).promise,
  'ctx option': (rt, body, options) => rt.submit((ctx) => rt.scope(body, { ...options, ctx })).promise,
};

for (const [where, scope] of Object.entries(openers)) {
  test(`without a joiner the result is the function's, once all children ended (${where})`, async (t) => {
    const rt = await open(t, { clock: 'virtual', maxConcurrentTasks: 2 });
    const done = [];
    const result = await scope(rt, (s) => {
      for (const ms of [30, 10, 20]) s.submit(async (ctx) => (await ctx.delay(ms), done.push(ms)));
      return 'mine';
    });
    assert.equal(result, 'mine');
    assert.equal(done.length, 3);
    assertAtRest(rt);
  });

  test(`the first failure cancels the siblings and the function, and is the scope's error (${where})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const failure = new Error('first');
    let sibling;
    let raised;
    const error = await rejection(
      scope(rt, async (s) => {
        sibling = s.submit(forever);
        s.submit(after(10, failure));
        raised = await rejection(s.delay(1e6));
        throw raised;
      }),
    );
    assert.equal(error, failure, 'alone, and as it is');
    assert.equal(sibling.state, 'cancelled');
    hasCode(raised, 'Cancelled');
    assert.equal(rt.clock.now(), 10);
    assertAtRest(rt);
  });

  test(`what the function throws is the scope's error, and its children are cancelled (${where})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const failure = new Error('mine');
    let child;
    const error = await rejection(
      scope(rt, (s) => {
        child = s.submit(forever);
        throw failure;
      }),
    );
    assert.equal(error, failure);
    hasCode(child.error, 'Cancelled');
    assertAtRest(rt);
  });

  test(`several failures make an AggregateError with the paths of the tasks (${where})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const failures = [new Error('one'), new Error('two')];
    // The second one fails while it is being cancelled for the first one's sake: it had failed in the same turn.
    const error = await rejection(
      scope(
        rt,
        (s) => {
          s.submit(after(10, failures[0]), { name: 'fetch' });
          s.submit(after(10, failures[1]), { name: 'parse' });
          throw new Error('own');
        },
        { name: 'gather', joiner: 'allSettled' },
      ),
    ).catch(() => undefined);
    assert.ok(error);

    const both = await rejection(
      scope(
        rt,
        async (s) => {
          const tasks = [
            s.submit(after(10, failures[0]), { name: 'fetch' }),
            s.submit(after(20, failures[1]), { name: 'parse' }),
          ];
          await Promise.allSettled(tasks.map(({ promise }) => promise));
          throw new Error('own');
        },
        { name: 'gather', joiner: 'allSettled' },
      ),
    );
    assert.ok(both instanceof AggregateError);
    assert.deepEqual(
      both.errors.map(({ message }) => message),
      ['own', 'one', 'two'],
    );
    assert.match(both.message, /"gather" > t\d+ "fetch": one/);
    assert.match(both.message, /"gather" > t\d+ "parse": two/);
  });

  test(`all: results in the order of submission (${where})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const result = await scope(
      rt,
      (s) => {
        for (const ms of [30, 10, 20]) s.submit(after(ms, ms));
        return 'dropped';
      },
      { joiner: 'all' },
    );
    assert.deepEqual(result, [30, 10, 20]);
    assert.deepEqual(await scope(rt, () => {}, { joiner: 'all' }), []);
  });

  test(`all: a child that is cancelled fails it (${where})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const error = await rejection(
      scope(
        rt,
        async (s) => {
          const child = s.submit(forever);
          s.submit(forever);
          await s.delay(5);
          rt.cancel(child.id, 'not you');
          await s.delay(1e6);
        },
        { joiner: 'all' },
      ),
    );
    assert.equal(hasCode(error, 'Cancelled').reason, 'not you');
  });

  test(`allSettled: a row for each, and no failure cancels anybody (${where})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const failure = new Error('x');
    const rows = await scope(
      rt,
      (s) => {
        s.submit(after(5, failure));
        s.submit(after(10, 'fine'));
      },
      { joiner: 'allSettled' },
    );
    assert.deepEqual(rows, [
      { status: 'rejected', reason: failure },
      { status: 'fulfilled', value: 'fine' },
    ]);
  });

  test(`any: the first that completes; the rest is cancelled (${where})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    let slow;
    const result = await scope(
      rt,
      (s) => {
        s.submit(after(5, new Error('x')));
        s.submit(after(10, 'winner'));
        slow = s.submit(forever);
      },
      { joiner: 'any' },
    );
    assert.equal(result, 'winner');
    assert.equal(slow.state, 'cancelled');
    assert.match(slow.error.reason, /has its result/);
    assert.equal(rt.clock.now(), 10);
  });

  test(`any: none completed: every failure (${where})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const error = await rejection(
      scope(
        rt,
        (s) => {
          s.submit(after(5, new Error('a')));
          s.submit(after(10, new Error('b')));
        },
        { joiner: 'any' },
      ),
    );
    assert.ok(error instanceof AggregateError);
    assert.deepEqual(
      error.errors.map(({ message }) => message),
      ['a', 'b'],
    );
    assert.match(error.message, /no task completed/);
    const empty = await rejection(scope(rt, () => {}, { joiner: 'any' }));
    assert.ok(empty instanceof AggregateError);
    assert.deepEqual(empty.errors, []);
  });

  test(`race: the first that settles, well or not (${where})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    const race = (first) =>
      scope(
        rt,
        (s) => {
          s.submit(forever);
          s.submit(after(5, first));
        },
        { joiner: 'race' },
      );
    assert.equal(await race('fast'), 'fast');
    assert.equal((await rejection(race(new Error('fast failure')))).message, 'fast failure');
    assert.ok((await rejection(scope(rt, () => {}, { joiner: 'race' }))) instanceof AggregateError);
  });

  test(`quorum: the first n results, in the order of completion (${where})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    let slow;
    const votes = await scope(
      rt,
      (s) => {
        slow = s.submit(forever);
        for (const [ms, value] of [
          [30, 'c'],
          [10, 'a'],
          [15, new Error('abstains')],
          [20, 'b'],
        ])
          s.submit(after(ms, value));
      },
      { joiner: quorum(2) },
    );
    assert.deepEqual(votes, ['a', 'b']);
    assert.equal(slow.state, 'cancelled');
    assert.equal(rt.clock.now(), 20);
  });

  test(`quorum: fails as soon as it cannot be reached (${where})`, async (t) => {
    const rt = await open(t, { clock: 'virtual' });
    let slow;
    const error = await rejection(
      scope(
        rt,
        (s) => {
          slow = s.submit(forever);
          s.submit(after(10, new Error('a')));
          s.submit(after(20, new Error('b')));
          s.submit(after(5, 'one'));
        },
        { joiner: quorum(3) },
      ),
    );
    assert.ok(error instanceof AggregateError);
    assert.match(error.message, /3 results were wanted, 1 of 4 came/);
    assert.equal(rt.clock.now(), 20, 'of four, two have failed');
    assert.equal(slow.state, 'cancelled');
  });

  test(`a scope whose task is cancelled ends its children first (${where})`, async (t) => {
    const rt = await open(t);
    const log = [];
    let child;
    let opener;
    const controller = new AbortController();
    const body = async (s) => {
      opener = s.task.parentId;
      child = s.submit(async (ctx) => {
        try {
          await forever(ctx);
        } finally {
          await ctx.shield((safe) => safe.yield(), { timeout: 1000 });
          log.push('child unwound');
        }
      });
      await s.await(child);
    };
    const ended = rejection(scope(rt, body, { signal: where === 'outside' ? controller.signal : undefined })).then(
      (error) => {
        log.push('scope ended');
        return error;
      },
    );
    await until('it runs', () => child?.state === 'running');
    if (where === 'outside') controller.abort('stop');
    else rt.cancel(opener, 'stop');
    assert.equal(hasCode(await ended, 'Cancelled').reason, 'stop');
    await turns();
    if (where === 'outside') assert.deepEqual(log, ['child unwound', 'scope ended']);
    assert.equal(child.error.reason, 'stop');
    assertAtRest(rt);
  });
}

test('a scope inside a task returns to it only after its children unwound, although the task settled', async (t) => {
  const rt = await open(t);
  const log = [];
  const task = rt.submit(async (ctx) => {
    try {
      await ctx.scope(async (s) => {
        s.submit(async (c) => {
          try {
            await forever(c);
          } finally {
            await c.shield((safe) => safe.yield(), { timeout: 1000 });
            log.push('child unwound');
          }
        });
        await forever(s);
      });
    } finally {
      log.push('scope returned');
    }
  });
  await until('all run', () => rt.getStats().runningTasks === 1 && rt.getStats().suspendedTasks === 1);
  rt.cancel(task.id);
  log.push('cancelled');
  await turns(5);
  assert.deepEqual(log, ['cancelled', 'child unwound', 'scope returned']);
  assertAtRest(rt);
});

test('a scope that is cancelled tells its function: operations, checkCancellation, token and signal', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const seen = {};
  const counter = new SignalCounter();
  const error = await rejection(
    rt.scope(async (s) => {
      const { signal } = s;
      signal.addEventListener('abort', () => (seen.aborted = signal.reason));
      s.task.cancellationToken.onCancel(() => (seen.token = true));
      s.submit(after(5, new Error('child')));
      seen.delay = await rejection(s.delay(1e6));
      seen.again = await rejection(s.delay(1e6, { signal: counter.signal().signal }));
      try {
        s.checkCancellation();
      } catch (e) {
        seen.check = e;
      }
      seen.isCancelled = s.task.cancellationToken.isCancelled;
    }),
  );
  assert.equal(error.message, 'child');
  hasCode(seen.delay, 'Cancelled');
  assert.equal(seen.again, seen.delay);
  assert.equal(seen.check, seen.delay);
  assert.equal(seen.aborted, seen.delay);
  assert.equal(seen.token, true);
  assert.equal(seen.isCancelled, true);
  assert.equal(counter.listeners, 0);
});

test('a scope can be cancelled from within, by its context or its token', async (t) => {
  const rt = await open(t);
  for (const cancel of [
    (s) => assert.equal(s.cancel('enough'), true),
    (s) => s.task.cancellationToken.cancel('enough'),
  ]) {
    let child;
    const error = await rejection(
      rt.scope(async (s) => {
        child = s.submit(forever);
        await s.yield();
        cancel(s);
        await s.yield();
      }),
    );
    assert.equal(hasCode(error, 'Cancelled').reason, 'enough');
    assert.equal(child.error.reason, 'enough');
  }
  assertAtRest(rt);
});

test('scopes nest: the inner one fails, the outer one may catch', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const result = await rt.scope(async (outer) => {
    const kept = outer.submit(after(50, 'kept'));
    const inner = await rejection(
      outer.scope((s) => {
        s.submit(forever);
        s.submit(after(5, new Error('inner')));
      }),
    );
    return [inner.message, await outer.await(kept)];
  });
  assert.deepEqual(result, ['inner', 'kept']);
});

test('children of children belong to the child; a detached one to nobody', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const gate = deferred();
  let detached;
  const result = await rt.scope(
    (s) => {
      s.submit((ctx) => void ctx.submit(after(20, 'grandchild')));
      detached = s.submit(() => gate.promise, { detached: true });
      return 'x';
    },
    { joiner: 'all' },
  );
  assert.deepEqual(result, [undefined]);
  assert.equal(rt.clock.now(), 20);
  assert.equal(detached.state, 'running');
  gate.resolve();
});

test('a task that is submitted with the scope as its parent is one of its children', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const result = await rt.scope((s) => void rt.submit(after(5, 'adopted'), { parent: s.task }), { joiner: 'all' });
  assert.deepEqual(result, ['adopted']);
  const other = rt.submit(forever);
  const strangers = rt.scope(
    async (s) => {
      s.submit(after(1, 'mine'));
      const stranger = s.submit(after(500, 'not mine'), { parent: other });
      await s.yield();
      return stranger;
    },
    { joiner: 'all' },
  );
  assert.deepEqual(await strangers, ['mine']);
  rt.cancel(other.id);
});

test('generator functions may be scopes', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const result = await rt.scope(function* (s) {
    const task = s.submit(after(5, 'v'));
    return yield s.await(task);
  });
  assert.equal(result, 'v');
});

test('a scope is no task: not listed, not counted', async (t) => {
  const rt = await open(t);
  await rt.scope(async (s) => {
    assert.deepEqual(rt.getAllTasks(), []);
    assert.equal(rt.getStats().runningTasks, 0);
    await s.yield();
  });
  assert.equal(rt.getStats().completedTasks, 0);
});

test('nothing can be submitted to a scope that is over, or that has failed', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  let over;
  await rt.scope((s) => void (over = s));
  assert.throws(() => over.submit(() => 1), { code: 'ArgumentError' });
  await rejection(
    rt.scope(async (s) => {
      s.submit(after(1, new Error('x')));
      await s.delay(100).catch(() => {});
      assert.throws(() => s.submit(() => 1), { code: 'Cancelled' });
    }),
  );
});

test('a function that does not end when its scope is cancelled is a zombie, and holds up nobody', async (t) => {
  const rt = await open(t, { clock: 'virtual', graceMs: 10 });
  const gate = deferred();
  const error = await rejection(
    rt.scope(async (s) => {
      s.submit(after(1, new Error('x')));
      await gate.promise;
    }),
  );
  assert.ok(error instanceof Error);
  gate.resolve();
  await turns();
  assertAtRest(rt);
});

test('bad arguments are typed errors, and open nothing', async (t) => {
  const rt = await open(t);
  for (const body of [undefined, null, 5, {}]) hasCode(await rejection(rt.scope(body)), 'ArgumentError');
  for (const joiner of ['some', 5, null, {}, { quorum: 'x' }, [], 'toString']) {
    hasCode(await rejection(rt.scope(() => assert.fail('it ran'), { joiner })), 'ArgumentError');
  }
  for (const n of [0, -1, 1.5, NaN, '2', undefined]) assert.throws(() => quorum(n), { code: 'ArgumentError' });
  hasCode(await rejection(rt.scope(() => 1, { joiner: { quorum: 0 } })), 'ArgumentError');
  for (const options of [
    null,
    5,
    { timeout: -1 },
    { deadline: 'x' },
    { signal: {} },
    { name: 5 },
    { ctx: {} },
    { nonsense: 1 },
  ]) {
    hasCode(await rejection(rt.scope(() => assert.fail('it ran'), options)), 'ArgumentError');
  }
  assertAtRest(rt);
});
