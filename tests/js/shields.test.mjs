// ctx.shield: clean-up that goes on although the task is cancelled, for a limited time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertAtRest, forever, hasCode, rejection, thrown, turns, until } from '../support/tasks.mjs';

/** A runtime and a task that is cancelled and then runs `cleanUp` in its finally block; gives what that did. */
async function cancelled(t, cleanUp, config = {}) {
  const rt = await open(t, { clock: 'virtual', ...config });
  let outcome = { state: 'not reached' };
  const task = rt.submit(async (ctx) => {
    try {
      await ctx.delay(1e6);
    } finally {
      outcome = await cleanUp(ctx).then(
        (value) => ({ value }),
        (error) => ({ error }),
      );
    }
  });
  await rt.delay(1);
  rt.cancel(task.id, 'why');
  await until('it unwound', () => rt.getStats().unwindingTasks + rt.getStats().zombieTasks === 0);
  return { rt, task, outcome };
}

test('operations of the shielded context go on, all kinds of them', async (t) => {
  const log = [];
  const { rt, outcome } = await cancelled(t, (ctx) =>
    ctx.shield(
      async (safe) => {
        await safe.delay(5);
        log.push('delay');
        await safe.yield();
        log.push('yield');
        log.push(await safe.await(safe.submit(() => 'child')));
        log.push((await safe.llm('hello')).finishReason);
        log.push(await safe.call('write', () => 'call'));
        log.push(await safe.scope((s) => s.await(s.submit(() => 'scope'))));
        for await (const x of safe.mapConcurrent(['map'], (item) => item)) log.push(x);
        safe.checkCancellation();
        return 'saved';
      },
      { timeout: 10_000 },
    ),
  );
  assert.deepEqual(outcome, { value: 'saved' });
  assert.deepEqual(log, ['delay', 'yield', 'child', 'stop', 'call', 'scope', 'map']);
  assertAtRest(rt);
});

test('the plain context raises inside a shield and after it', async (t) => {
  const raised = [];
  const { outcome } = await cancelled(t, async (ctx) => {
    await ctx.shield(
      async (safe) => {
        await ctx.delay(1).catch((error) => raised.push(error.reason));
        await safe.delay(1);
      },
      { timeout: 100 },
    );
    await ctx.delay(1).catch((error) => raised.push(error.reason));
    return 'end';
  });
  assert.deepEqual(raised, ['why', 'why']);
  assert.equal(outcome.value, 'end');
});

test('when the time of the shield is over, its operations raise too', async (t) => {
  const { rt, outcome } = await cancelled(t, (ctx) =>
    ctx.shield(
      async (safe) => {
        await safe.delay(1000).catch((error) => assert.equal(error.reason, 'why'));
        assert.equal(safe.runtime.clock.now(), 51);
        hasCode(
          thrown(() => safe.checkCancellation()),
          'Cancelled',
        );
        await safe.delay(1);
      },
      { timeout: 50 },
    ),
  );
  assert.equal(hasCode(outcome.error, 'Cancelled').reason, 'why');
  assertAtRest(rt);
});

test('children that a shield submitted are cancelled when its time is over', async (t) => {
  let child;
  const { rt, outcome } = await cancelled(t, (ctx) =>
    ctx.shield(
      async (safe) => {
        child = safe.submit(forever);
        await safe.await(child);
      },
      { timeout: 50 },
    ),
  );
  hasCode(outcome.error, 'Cancelled');
  assert.equal(child.state, 'cancelled');
  assertAtRest(rt);
});

test('time under a shield is no grace: a task that cleans up is no zombie', async (t) => {
  const zombies = [];
  const { rt, outcome } = await cancelled(
    t,
    (ctx) => {
      ctx.runtime.on('zombie', (task) => zombies.push(task.id));
      return ctx.shield((safe) => safe.delay(5000), { timeout: 10_000 });
    },
    { graceMs: 10 },
  );
  assert.deepEqual(outcome, { value: undefined });
  assert.deepEqual(zombies, []);
  assert.equal(rt.clock.now(), 5001);
});

test('a shield that is entered before the cancel protects what it began', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const log = [];
  const task = rt.submit(async (ctx) => {
    await ctx.shield(
      async (safe) => {
        await safe.delay(100);
        log.push('committed');
      },
      { timeout: 1000 },
    );
    await ctx.delay(1);
    log.push('never');
  });
  await rt.delay(1);
  rt.cancel(task.id, 'in the midst');
  assert.equal(task.state, 'cancelled', 'it settles at once all the same');
  await turns(10);
  assert.deepEqual(log, ['committed']);
  assertAtRest(rt);
});

test('shields nest, each with its own time', async (t) => {
  const log = [];
  const { outcome } = await cancelled(t, (ctx) =>
    ctx.shield(
      async (outer) => {
        await outer.shield(
          async (inner) => {
            await inner.delay(100).catch(() => log.push('inner over'));
          },
          { timeout: 10 },
        );
        await outer.delay(100);
        log.push('outer goes on');
        return 'both';
      },
      { timeout: 1000 },
    ),
  );
  assert.deepEqual(log, ['inner over', 'outer goes on']);
  assert.equal(outcome.value, 'both');
});

test('a shield gives back what its function gives or throws, of any kind', async (t) => {
  const rt = await open(t);
  const [results] = await Promise.all([
    rt.submit(async (ctx) => {
      const options = { timeout: 1000 };
      return [
        await ctx.shield(() => 'plain', options),
        await ctx.shield(async () => 'async', options),
        await ctx.shield(function* (safe) {
          yield safe.yield();
          return 'generator';
        }, options),
        await rejection(
          ctx.shield(() => {
            throw new Error('thrown');
          }, options),
        ),
      ];
    }).promise,
  ]);
  assert.deepEqual(results.slice(0, 3), ['plain', 'async', 'generator']);
  assert.equal(results[3].message, 'thrown');
  assertAtRest(rt);
});

test('the timeout is mandatory, and must be a positive number', async (t) => {
  const rt = await open(t);
  await rt.submit(async (ctx) => {
    for (const options of [
      undefined,
      null,
      {},
      { timeout: 0 },
      { timeout: -1 },
      { timeout: Infinity },
      { timeout: NaN },
      { timeout: '5' },
    ]) {
      hasCode(await rejection(ctx.shield(() => assert.fail('it ran'), options)), 'ArgumentError');
    }
    for (const fn of [undefined, null, 5, {}])
      hasCode(await rejection(ctx.shield(fn, { timeout: 5 })), 'ArgumentError');
  }).promise;
});

test('a shield that was left holds nothing, while its task goes on', async (t) => {
  const rt = await open(t);
  await rt.submit(async (ctx) => {
    const before = rt.getStats();
    for (let i = 0; i < 10; i++) await ctx.shield((safe) => safe.yield(), { timeout: 1e9 });
    await ctx.yield();
    const after = rt.getStats();
    assert.equal(after.timers, before.timers);
    assert.ok(after.records <= before.records + 1, `${before.records} records, then ${after.records}`);
  }).promise;
});

test('a shielded context is of no use once its section was left', async (t) => {
  const raised = [];
  await cancelled(t, async (ctx) => {
    let kept;
    await ctx.shield((safe) => void (kept = safe), { timeout: 1000 });
    await kept.delay(1).catch((error) => raised.push(error.code));
    try {
      kept.checkCancellation();
    } catch (error) {
      raised.push(error.code);
    }
  });
  assert.deepEqual(raised, ['Cancelled', 'Cancelled']);
});
