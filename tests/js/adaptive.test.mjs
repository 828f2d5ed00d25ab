// The concurrency that an endpoint bears is found while it is used: it doubles each round at first, is halved by an overload, then
// grows by one each round.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { at, gateOf, limited, promptOf } from '../support/limited.mjs';
import { assertAtRest, rejection } from '../support/tasks.mjs';

const limitOf = (rt, model) => gateOf(rt, 'model', model).limit;

/** So many calls at once, all the time, until `ms`. */
const load = (rt, callers, ms, options) =>
  rt.awaitAllSettled(Array.from({ length: callers }, () =>
    rt.submit(async (ctx) => {
      while (rt.clock.now() < ms) await ctx.llm('q', options).catch(() => ctx.delay(1));
    })));

test('it begins at `initial`, grows by one with each answer while it is used, so that it doubles each round, up to `max`', async (t) => {
  // Answers that come one by one: those of one moment count as one.
  let n = 0;
  const { rt } = await limited(t, { maxConcurrentTasks: 200, adaptive: { initial: 2, max: 20 } }, { script: () => ({ latencyMs: 100 + (n++ % 16) / 16 }) });
  const seen = [];
  const watcher = rt.submit(async (ctx) => {
    for (let round = 0; round < 6; round++) {
      await ctx.delay(round === 0 ? 50 : 102);
      const { limit, inside } = gateOf(rt, 'model');
      seen.push(limit);
      assert.equal(inside, limit);
    }
  });
  await load(rt, 100, 700);
  await watcher.promise;
  assert.deepEqual(seen, [2, 4, 8, 16, 20, 20]);
  await rt.onIdle();
  assertAtRest(rt);
});

test('a limit that is not used proves nothing and does not grow', async (t) => {
  const { rt } = await limited(t, { adaptive: { initial: 3 } });
  for (let i = 0; i < 10; i++) await rt.llm('q');
  assert.equal(limitOf(rt), 3);
  assertAtRest(rt);
});

test('429, 503 and 529 halve it, once for all that were sent before; other failures do not', async (t) => {
  for (const [status, limit] of Object.entries({ 429: 8, 503: 8, 529: 8, 500: 16, 400: 16, 401: 16 })) {
    const { rt } = await limited(t, { retry: { maxAttempts: 1 }, adaptive: { initial: 16 } }, { script: () => ({ error: { status: Number(status) } }) });
    await Promise.all(Array.from({ length: 10 }, () => rejection(rt.llm('q'))));
    assert.equal(limitOf(rt), limit, status);
    assertAtRest(rt);
  }
});

test('it never falls below `min`, and bounds that change live move it', async (t) => {
  const { rt } = await limited(t, { retry: { maxAttempts: 1 }, adaptive: { initial: 16, min: 3 } }, { script: (request) => (promptOf(request) === 'bad' ? { error: { status: 429 } } : undefined) });
  for (let i = 0; i < 5; i++) await rejection(rt.llm('bad'));
  assert.equal(limitOf(rt), 3);
  rt.configure({ adaptive: { min: 6 } });
  assert.equal(limitOf(rt), 6);
  rt.configure({ adaptive: { min: 1, max: 2 } });
  assert.equal(limitOf(rt), 2);
  await Promise.all(Array.from({ length: 9 }, () => rt.llm('good')));
  assertAtRest(rt);
});

for (const capacity of [5, 20]) {
  test(`it stays around a capacity of ${capacity}: little is refused, most of it is used`, async (t) => {
    let rt;
    let inside = [];
    const counts = { good: 0, refused: 0 };
    const made = await limited(t, { maxConcurrentTasks: 200, retry: { maxAttempts: 1 }, adaptive: {} }, {
      // Counts, as the server, those that are in flight; one more than it bears is refused.
      script: () => {
        const now = rt.clock.now();
        inside = inside.filter((end) => end > now);
        if (inside.length >= capacity) {
          counts.refused++;
          return { latencyMs: 5, error: { status: 429 } };
        }
        counts.good++;
        inside.push(now + 100);
        return { latencyMs: 100 };
      },
    });
    rt = made.rt;
    await load(rt, 100, 60_000);
    const possible = capacity * 600;
    assert.ok(counts.good > possible * 0.7, `${counts.good} of ${possible}`);
    assert.ok(counts.refused < counts.good * 0.1, `${counts.refused} refused, ${counts.good} good`);
    await rt.onIdle();
    assertAtRest(rt);
  });
}

test('each model has a limit of its own; a static one holds beside it', async (t) => {
  const { rt } = await limited(t, { maxConcurrentTasks: 200, adaptive: { initial: 8 }, rates: { models: { a: { maxConcurrent: 5 } } }, retry: { maxAttempts: 1 } }, {
    script: ({ model }) => (model === 'b' ? { error: { status: 529 } } : { latencyMs: 100 }),
  });
  const calls = ['a', 'b'].map((model) => load(rt, 30, 300, { model }));
  await at(rt, 150, () => {
    assert.equal(gateOf(rt, 'model', 'a').inside, 5);
    assert.equal(limitOf(rt, 'b'), 1);
  });
  await Promise.all(calls);
  await rt.onIdle();
  assertAtRest(rt);
});

test('switched off live, nothing holds any more; switched on again, it goes on where it was', async (t) => {
  const { rt } = await limited(t, { maxConcurrentTasks: 200, maxConcurrentLLMCalls: 50, adaptive: { initial: 2, max: 2 } }, { script: () => ({ latencyMs: 100 }) });
  const calls = load(rt, 30, 400);
  await at(rt, 50, () => assert.equal(gateOf(rt, 'model').inside, 2));
  rt.configure({ adaptive: false });
  await at(rt, 51, () => assert.deepEqual([gateOf(rt, 'model').inside, gateOf(rt, 'model').limit], [30, undefined]));
  rt.configure({ adaptive: { initial: 9, max: 2 } });
  await at(rt, 250, () => assert.deepEqual([gateOf(rt, 'model').inside, gateOf(rt, 'model').limit], [2, 2]));
  await calls;
  await rt.onIdle();
  assertAtRest(rt);
});

test('bad bounds are ConfigErrors', async (t) => {
  for (const [key, adaptive] of Object.entries({ 'adaptive.initial': { initial: 0 }, 'adaptive.min': { min: 0.5 }, 'adaptive.max': { max: 0 }, 'adaptive.start': { start: 1 }, adaptive: 5 })) {
    assert.equal((await rejection(open(t, { adaptive }))).key, key);
  }
  // The default of max is 1,000.
  for (const adaptive of [{ min: 5, max: 4 }, { min: 1001 }, { min: Infinity }]) {
    const error = await rejection(open(t, { adaptive }));
    assert.deepEqual([error.code, error.key], ['ConfigError', 'adaptive.max']);
    assert.match(error.message, /^adaptive\.max must be at least adaptive\.min/);
  }
});
