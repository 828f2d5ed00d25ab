// Whatever ends a call early, its connection closes at once and nothing of it is left on either side.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { custom } from 'heddle';
import { asking, assertNothingLeft, connected, protocols, turnsUntilSocketsClosed } from '../support/calls.mjs';
import heddle, { open } from '../support/heddle.mjs';
import { rejection, SignalCounter, turns, until } from '../support/tasks.mjs';

// Turns of the event loop within which the server must have seen the connections of cancelled calls close. (On an idle machine
// fifty of them close in 20 to 30 ms.)
const kClosedWithin = 100;
const assertClosedSoon = (turns) => assert.ok(turns < kClosedWithin, `${turns} turns`);
const held = { latencyMs: 'manual' };

for (const protocol of protocols) {
  for (const way of Object.keys(asking)) {
    test(`${protocol} ${way}: cancelAll with 50 calls in flight closes every socket at once`, async (t) => {
      const { server, rt } = await connected(t, held, { protocol, maxConcurrentTasks: 80, maxConcurrentLLMCalls: 50 });
      const tasks = Array.from({ length: 80 }, (_, i) => rt.submit((ctx) => asking[way](ctx, `q ${i}`)));
      await server.whenHeld(50);
      rt.cancelAll('enough');
      const states = tasks.map((task) => task.state);
      assert.deepEqual(new Set(states), new Set(['cancelled']));
      assertClosedSoon(await turnsUntilSocketsClosed(server));
      for (const row of await rt.awaitAllSettled(tasks)) assert.equal(row.reason.code, 'Cancelled');
      const { requests, aborts } = server.stats();
      assert.deepEqual([requests, aborts], [50, 50]);
      await assertNothingLeft(rt, server);
    });

    test(`${protocol} ${way}: cancelling a task before the first byte closes its socket at once`, async (t) => {
      const { server, rt } = await connected(t, held, { protocol });
      const task = rt.submit((ctx) => asking[way](ctx, 'q'));
      await server.whenHeld(1);
      assert.equal(rt.cancel(task.id, 'no need'), true);
      const error = await rejection(task.promise);
      assert.deepEqual([error.code, error.reason], ['Cancelled', 'no need']);
      assertClosedSoon(await turnsUntilSocketsClosed(server));
      assert.equal(server.stats().aborts, 1);
      await assertNothingLeft(rt, server);
    });
  }

  test(`${protocol}: cancelling a task after three chunks of a stream closes its socket at once`, async (t) => {
    const { server, rt } = await connected(t, { pauseAfter: 3, respond: () => 'one two three four five' }, { protocol });
    const texts = [];
    const task = rt.submit(async (ctx) => {
      for await (const { text } of ctx.llmStream('q')) texts.push(text);
    });
    await server.whenHeld(1);
    await until('three chunks have come', () => texts.length === 3);
    rt.cancel(task.id);
    assertClosedSoon(await turnsUntilSocketsClosed(server));
    assert.equal((await rejection(task.promise)).code, 'Cancelled');
    assert.deepEqual(texts, ['one ', 'two ', 'three ']);
    assert.equal(server.stats().aborts, 1);
    await assertNothingLeft(rt, server);
  });
}

// What ends a call in flight. Virtual time stands still meanwhile, unless the test lets it pass.
const enders = {
  'the signal of the call': {
    options: (signal) => ({ signal }),
    act: ({ controller }) => controller.abort('changed my mind'),
    check: (error) => {
      assert.ok(error instanceof heddle.CancellationError);
      assert.deepEqual([error.reason, error.cause], ['changed my mind', 'changed my mind']);
    },
  },
  'the timeout of the call': {
    options: () => ({ timeout: 1000 }),
    act: ({ rt }) => rt.clock.advance(1000),
    check: (error, way) => {
      assert.ok(error instanceof heddle.TimeoutError);
      assert.deepEqual([error.limit, error.scope, error.ms], ['operation', way, 1000]);
    },
  },
  'the timeout of the task': {
    task: () => ({ timeout: 1000 }),
    act: ({ rt }) => rt.clock.advance(1000),
    check: (error, _way, task) => {
      assert.ok(error instanceof heddle.TimeoutError);
      assert.deepEqual([error.limit, error.scope, error.ms], ['timeout', task.id, 1000]);
    },
  },
  'the deadline of the task': {
    task: () => ({ deadline: 1000 }),
    act: ({ rt }) => rt.clock.advance(1000),
    check: (error) => {
      assert.ok(error instanceof heddle.TimeoutError);
      assert.equal(error.limit, 'deadline');
    },
  },
  'the signal of the task': {
    task: (signal) => ({ signal }),
    act: ({ controller }) => controller.abort(new Error('gone')),
    check: (error) => {
      assert.ok(error instanceof heddle.CancellationError);
      assert.equal(error.reason, 'gone');
    },
  },
  'closing the runtime': {
    act: ({ rt }) => rt.close(),
    check: (error) => assert.ok(error instanceof heddle.CancellationError),
  },
};

for (const [what, { options, task: taskOptions, act, check }] of Object.entries(enders)) {
  for (const way of Object.keys(asking)) {
    test(`${way}: ${what} ends it, closes its socket and leaves no listener`, async (t) => {
      const { server, rt } = await connected(t, held, { clock: 'virtual' });
      const counter = new SignalCounter();
      const controller = counter.signal();
      const task = rt.submit((ctx) => asking[way](ctx, 'q', options?.(controller.signal)), taskOptions?.(controller.signal));
      const failed = rejection(task.promise);
      await server.whenHeld(1);
      await act({ rt, controller });
      assertClosedSoon(await turnsUntilSocketsClosed(server));
      check(await failed, way, task);
      assert.equal(server.stats().aborts, 1);
      assert.equal(counter.listeners, 0);
      if (what !== 'closing the runtime') await assertNothingLeft(rt, server);
    });
  }
}

test('cancelling a parent aborts the calls of its children and grandchildren', async (t) => {
  const { server, rt } = await connected(t, held);
  const parent = rt.submit(async (ctx) => {
    const child = ctx.submit(async (ctx2) => {
      const grandchild = ctx2.submit((ctx3) => ctx3.llm('grandchild'));
      await Promise.all([ctx2.llm('child'), ctx2.await(grandchild)]);
    });
    await Promise.all([asking.llmStream(ctx, 'parent'), ctx.await(child)]);
  });
  await server.whenHeld(3);
  rt.cancel(parent.id);
  assertClosedSoon(await turnsUntilSocketsClosed(server));
  assert.deepEqual(rt.getAllTasks().map(({ state }) => state), ['cancelled', 'cancelled', 'cancelled']);
  assert.equal((await rejection(parent.promise)).code, 'Cancelled');
  await assertNothingLeft(rt, server);
});

for (const way of Object.keys(asking)) {
  test(`${way}: a call that is cancelled in the queue never reaches the server`, async (t) => {
    const { server, rt } = await connected(t, held, { maxConcurrentLLMCalls: 1 });
    const first = rt.submit((ctx) => asking[way](ctx, 'first'));
    const second = rt.submit((ctx) => asking[way](ctx, 'second'));
    const third = rt.submit((ctx) => asking[way](ctx, 'third'));
    await server.whenHeld(1);
    await until('two calls wait', () => rt.getStats().waitingLLMCalls === 2);
    rt.cancel(second.id);
    assert.equal(rt.getStats().waitingLLMCalls, 1);
    assert.equal((await rejection(second.promise)).code, 'Cancelled');
    server.release();
    assert.equal((await first.promise).text, 'echo: first');
    await server.whenHeld(1);
    server.release();
    assert.equal((await third.promise).text, 'echo: third');
    assert.deepEqual(server.stats().log.map(({ prompt }) => prompt), ['first', 'third']);
    await assertNothingLeft(rt, server);
  });

  test(`${way}: a call that is cancelled between two attempts makes no other`, async (t) => {
    const { server, rt } = await connected(t, { fault: () => 503 }, { clock: 'virtual', retry: { baseDelay: 1e6, maxDelay: 1e6 } });
    // Holds virtual time, or the wait would be over at once.
    const watch = rt.submit((ctx) => ctx.call('watch', ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject))));
    const task = rt.submit((ctx) => asking[way](ctx, 'q'));
    await until('the call is between two attempts', () => rt.getStats().backoffLLMCalls === 1);
    assert.equal(rt.getStats().concurrentLLMCalls, 0);
    rt.cancel(task.id);
    assert.equal(rt.getStats().backoffLLMCalls, 0);
    assert.equal((await rejection(task.promise)).code, 'Cancelled');
    rt.cancel(watch.id);
    await turns();
    assert.equal(server.stats().requests, 1);
    await assertNothingLeft(rt, server);
  });

  test(`${way}: the signal of a call outside of tasks ends it wherever it is`, async (t) => {
    const { server, rt } = await connected(t, held, { maxConcurrentLLMCalls: 1 });
    const counter = new SignalCounter();
    const [flying, queued] = [counter.signal(), counter.signal()];
    const failures = [flying, queued].map(({ signal }) => rejection(asking[way](rt, 'q', { signal })));
    await server.whenHeld(1);
    queued.abort('second');
    assert.equal((await failures[1]).reason, 'second');
    flying.abort('first');
    assertClosedSoon(await turnsUntilSocketsClosed(server));
    assert.equal((await failures[0]).reason, 'first');
    assert.equal(counter.listeners, 0);
    assert.equal(server.stats().requests, 1);
    await assertNothingLeft(rt, server);
  });

  test(`${way}: a call that a shield protects goes on although its task is cancelled`, async (t) => {
    const { server, rt } = await connected(t, held);
    let answer;
    const task = rt.submit(async (ctx) => {
      try {
        await asking[way](ctx, 'unprotected');
      } finally {
        await ctx.shield(
          async (safe) => {
            answer = await asking[way](safe, 'protected');
          },
          { timeout: 60_000 },
        );
      }
    });
    await server.whenHeld(1);
    rt.cancel(task.id);
    await server.whenAborted(1);
    await server.whenHeld(1);
    server.release();
    await until('the body is over', () => rt.getStats().unwindingTasks === 0);
    assert.equal(answer.text, 'echo: protected');
    assert.equal((await rejection(task.promise)).code, 'Cancelled');
    await assertNothingLeft(rt, server);
  });

  test(`${way}: after its task was cancelled every further call raises the task's error and sends nothing`, async (t) => {
    const { server, rt } = await connected(t, held);
    const errors = [];
    const task = rt.submit(async (ctx) => {
      for (let i = 0; i < 3; i++) errors.push(await rejection(asking[way](ctx, `q ${i}`)));
    });
    await server.whenHeld(1);
    rt.cancel(task.id, 'stop');
    const error = await rejection(task.promise);
    await until('the body is over', () => rt.getStats().unwindingTasks === 0);
    assert.deepEqual(errors, [error, error, error]);
    assert.equal(server.stats().requests, 1);
    await assertNothingLeft(rt, server);
  });

  test(`${way}: a call that nobody waits for ends with its task`, async (t) => {
    const { server, rt } = await connected(t, held);
    const task = rt.submit(async (ctx) => {
      asking[way](ctx, 'q').catch(() => undefined);
      await server.whenHeld(1);
      return 'done';
    });
    assert.equal(await task.promise, 'done');
    await server.whenAborted(1);
    await server.whenSocketsClosed();
    await assertNothingLeft(rt, server);
  });
}

test('the server never has more calls open than there are places, although they are cancelled all the time', async (t) => {
  const kPlaces = 8;
  const { server, rt } = await connected(t, { ...held, pauseAfter: 2, respond: () => 'one two three' }, { maxConcurrentLLMCalls: kPlaces, maxConcurrentTasks: 400 });
  const tasks = Array.from({ length: 400 }, (_, i) => rt.submit((ctx) => asking[i % 2 ? 'llm' : 'llmStream'](ctx, `q ${i}`)));
  const failed = tasks.map((task) => rejection(task.promise));
  for (let next = 0; next < tasks.length; ) {
    await server.whenHeld(Math.min(kPlaces, tasks.length - next));
    // Some streams are held again, in their midst.
    server.release(({ stream, n }) => stream && n % 3 === 0);
    for (let k = 0; k < 5 && next < tasks.length; k++) rt.cancel(tasks[next++].id);
    await turns(1);
  }
  await Promise.all(failed);
  assert.equal(server.stats().maxOpen, kPlaces);
  await assertNothingLeft(rt, server);
});

test('the place of a cancelled call is free again for the next one', async (t) => {
  const { server, rt } = await connected(t, held, { maxConcurrentLLMCalls: 1 });
  const first = rt.submit((ctx) => ctx.llm('first'));
  const second = rt.submit((ctx) => ctx.llm('second'));
  await server.whenHeld(1);
  rt.cancel(first.id);
  await server.whenAborted(1);
  await server.whenHeld(1);
  server.release();
  assert.equal((await second.promise).text, 'echo: second');
  assert.equal((await rejection(first.promise)).code, 'Cancelled');
  await assertNothingLeft(rt, server);
});

test('calls that were about to start when their tasks were cancelled never start', async (t) => {
  let asked = 0;
  let askedAtCancel;
  const provider = custom(() => {
    // The engine lets the event loop have its turn in the middle of so many.
    if (asked++ === 0) {
      setImmediate(() => {
        askedAtCancel = asked;
        rt.cancelAll();
      });
    }
    return new Promise(() => undefined);
  });
  const rt = await open(t, { provider, sliceMs: 0, maxConcurrentTasks: 2000, maxConcurrentLLMCalls: 2000 });
  const tasks = Array.from({ length: 2000 }, (_, i) => rt.submit((ctx) => asking[i % 2 ? 'llm' : 'llmStream'](ctx, 'q')));
  await rt.awaitAllSettled(tasks);
  await assertNothingLeft(rt);
  assert.ok(askedAtCancel < 2000, `${askedAtCancel} had started`);
  assert.equal(asked, askedAtCancel);
});
