// A second request beside a slow one: the first answer wins, the other request is cancelled, both count, and there are no more
// of them than the budget allows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asking, assertNothingLeft, connected, protocols } from '../support/calls.mjs';
import heddle, { open } from '../support/heddle.mjs';
import { at, gateOf, kWindow, limited, promptOf, timesOf } from '../support/limited.mjs';
import { assertAtRest, rejection, turns } from '../support/tasks.mjs';

const hedge = { delay: 100 };
/** Answers in so many milliseconds, by attempt; a negative number is a failure then. */
const takes = (...latencies) => ({ script: (_request, n) => {
  const ms = latencies[n - 1] ?? 10;
  return { latencyMs: Math.abs(ms), text: `answer ${n}`, ...(ms < 0 && { error: { status: 500 } }) };
} });
const spans = ({ timings }) => timings.attempts.map(({ startedAt, endedAt }) => [startedAt, endedAt]);

for (const way of Object.keys(asking)) {
  // A simulated stream opens after three tenths of its latency, and is then read to its end.
  const ms = way === 'llm' ? 1 : 1 / 0.3;

  test(`${way}: the second request wins where the first is slow, and the first is over in that moment`, async (t) => {
    const { rt, log } = await limited(t, {}, takes(5000 * ms, 50 * ms));
    const task = rt.submit((ctx) => asking[way](ctx, 'q', { hedge }));
    const result = await task.promise;
    assert.deepEqual([result.text, result.attempts, timesOf(log)], ['answer 2', 2, [0, 100]]);
    const [lost, won] = result.timings.attempts;
    assert.deepEqual([lost.startedAt, Math.round(lost.endedAt), won.startedAt, won.error], [0, 150, 100, undefined]);
    assert.equal(lost.error.code, 'Cancelled');
    assert.equal(result.timings.completedAt, won.endedAt);
    assert.deepEqual(task.llm, { attempts: 2, inputTokens: 10, outputTokens: 10 });
    const { llmHedges, llmCalls, llmRetries } = rt.getStats();
    assert.deepEqual([llmHedges, llmCalls, llmRetries], [1, 2, 0]);
    await rt.onIdle();
    assert.ok(rt.clock.now() < 1000, 'nothing waits for the loser');
    assertAtRest(rt);
  });

  test(`${way}: a first request that answers within the delay needs no second; one that is slower may still win`, async (t) => {
    const quick = await limited(t, {}, takes(99 * ms));
    assert.equal((await asking[way](quick.rt, 'q', { hedge })).attempts, 1);
    assert.equal(quick.rt.getStats().llmHedges, 0);
    assertAtRest(quick.rt);
    const slower = await limited(t, {}, takes(200 * ms, 5000 * ms));
    const result = await asking[way](slower.rt, 'q', { hedge });
    assert.deepEqual([result.text, result.attempts, slower.rt.getStats().llmHedges], ['answer 1', 2, 1]);
    assert.deepEqual(result.timings.attempts.map(({ error }) => error?.code), [undefined, 'Cancelled']);
    assertAtRest(slower.rt);
  });

  test(`${way}: where one of the two fails, the call is the other's`, async (t) => {
    for (const latencies of [[-150, 300 * ms], [400 * ms, -50]]) {
      const { rt } = await limited(t, {}, takes(...latencies));
      const result = await asking[way](rt, 'q', { hedge });
      assert.deepEqual([result.attempts, result.timings.attempts.length, rt.getStats().llmRetries], [2, 2, 0]);
      assert.equal(result.timings.attempts.find(({ error }) => error !== undefined).error.status, 500);
      assertAtRest(rt);
    }
  });

  test(`${way}: where both fail, the call waits and tries again, as often as allowed`, async (t) => {
    const { rt, log } = await limited(t, { retry: { maxAttempts: 3, baseDelay: 0 } }, takes(-500, -200, 10));
    const result = await asking[way](rt, 'q', { hedge });
    assert.deepEqual([result.attempts, timesOf(log)], [3, [0, 100, 500]]);
    const { rt: failing, log: failed } = await limited(t, { retry: { maxAttempts: 3, baseDelay: 0 } }, takes(-500, -200, -10));
    const error = await rejection(asking[way](failing, 'q', { hedge }));
    assert.deepEqual([error.attempts, failed.length], [3, 3]);
    for (const one of [rt, failing]) assertAtRest(one);
  });

  test(`${way}: the error is that of the attempt that failed last, not of the one that began last`, async (t) => {
    const script = (_request, n) => (n === 1 ? { latencyMs: 900, error: { status: 503 } } : { latencyMs: 20, error: { status: 500 } });
    const { rt } = await limited(t, { retry: { maxAttempts: 2 } }, { script });
    const error = await rejection(asking[way](rt, 'q', { hedge }));
    assert.deepEqual([error.status, error.attempts, rt.clock.now()], [503, 2, 900]);
    assertAtRest(rt);
  });

  test(`${way}: a cancel drops both at once`, async (t) => {
    const { rt, log } = await limited(t, {}, takes(5000, 5000));
    const task = rt.submit((ctx) => asking[way](ctx, 'q', { hedge }));
    await at(rt, 200, () => {
      assert.equal(rt.getStats().concurrentLLMCalls, 2);
      rt.cancel(task.id);
      assert.equal(rt.getStats().concurrentLLMCalls, 0);
    });
    assert.equal((await rejection(task.promise)).code, 'Cancelled');
    await rt.onIdle();
    await turns();
    assert.deepEqual([rt.clock.now(), log.length], [200, 2]);
    assertAtRest(rt);
  });

  test(`${way}: a limit of the first token that one attempt misses leaves the call to the other`, async (t) => {
    const { rt } = await limited(t, {}, takes(5000, 200 * ms));
    const result = await asking[way](rt, 'q', { hedge, timeToFirstToken: 250 });
    assert.deepEqual([result.text, result.attempts], ['answer 2', 2]);
    assert.equal(result.timings.attempts[0].error.kind, 'timeout');
    assertAtRest(rt);
  });

  for (const protocol of protocols) {
    test(`${protocol} ${way}: the server sees two requests, and the loser's connection closes`, async (t) => {
      const { server, rt } = await connected(t, { latencyMs: 'manual', respond: (_request, n) => `answer ${n}` }, { protocol, clock: 'virtual' });
      for (const winner of [1, 2]) {
        server.reset();
        const call = asking[way](rt, `q ${winner}`, { hedge });
        await server.whenHeld(1);
        rt.clock.advance(99);
        await turns();
        assert.equal(server.stats().requests, 1);
        rt.clock.advance(1);
        await server.whenHeld(2);
        assert.equal(rt.getStats().concurrentLLMCalls, 2);
        server.release(({ n }) => n === winner);
        const { text, attempts } = await call;
        assert.deepEqual([text, attempts], [`answer ${winner}`, 2]);
        await server.whenAborted(1);
        const { requests, answered, aborts } = server.stats();
        assert.deepEqual([requests, answered, aborts], [2, 1, 1]);
        await assertNothingLeft(rt, server);
      }
    });

    test(`${protocol} ${way}: where both answer in one moment, one of them is the answer and the other is gone`, async (t) => {
      const { server, rt } = await connected(t, { latencyMs: 'manual' }, { protocol, clock: 'virtual', hedging: { share: 1 } });
      for (let i = 0; i < 10; i++) {
        const call = asking[way](rt, `q ${i}`, { hedge });
        await server.whenHeld(1);
        rt.clock.advance(100);
        await server.whenHeld(2);
        server.release();
        const { text, attempts, timings } = await call;
        assert.deepEqual([text, attempts, timings.attempts.length], [`echo: q ${i}`, 2, 2]);
        // The other one was cancelled, or had ended as well by then.
        const errors = timings.attempts.map(({ error }) => error?.code);
        assert.ok(errors.includes(undefined) && errors.every((code) => code === undefined || code === 'Cancelled'), errors.join());
        await assertNothingLeft(rt, server);
      }
    });

    test(`${protocol} ${way}: cancelling a hedged call closes both connections`, async (t) => {
      const { server, rt } = await connected(t, { latencyMs: 'manual' }, { protocol, clock: 'virtual' });
      const task = rt.submit((ctx) => asking[way](ctx, 'q', { hedge }));
      await server.whenHeld(1);
      rt.clock.advance(100);
      await server.whenHeld(2);
      rt.cancel(task.id);
      await server.whenSocketsClosed();
      assert.equal(server.stats().aborts, 2);
      assert.equal((await rejection(task.promise)).code, 'Cancelled');
      await assertNothingLeft(rt, server);
    });
  }
}

test('a stream that won goes on after the other was closed', async (t) => {
  const { server, rt } = await connected(t, { latencyMs: 'manual', respond: () => 'one two three four', pauseAfter: 2 }, { clock: 'virtual' });
  const stream = rt.llmStream('q', { hedge });
  await server.whenHeld(1);
  rt.clock.advance(100);
  await server.whenHeld(2);
  server.release(({ n }) => n === 2);
  assert.equal((await stream.next()).value.text, 'one ');
  await server.whenAborted(1);
  assert.equal((await stream.next()).value.text, 'two ');
  await server.whenHeld(1);
  server.release();
  assert.equal((await stream.result).text, 'one two three four');
  await assertNothingLeft(rt, server);
});

test('the budget: a share of the calls, and a burst beyond it', async (t) => {
  const slow = { script: () => ({ latencyMs: 1000 }) };
  const ask = (rt, n) => Promise.all(Array.from({ length: n }, (_, i) => rt.llm(`q ${i}`, { hedge })));
  for (const [hedging, calls, hedges] of [
    [{ share: 0, burst: 2 }, 10, 2], [{ share: 0.5, burst: 0 }, 10, 5], [{ share: 0.25, burst: 1 }, 10, 4], [{ share: 0, burst: 0 }, 10, 0], [{ share: 1 }, 10, 10], [{}, 30, 13],
  ]) {
    const { rt } = await limited(t, { hedging }, slow);
    const results = await ask(rt, calls);
    assert.equal(rt.getStats().llmHedges, hedges, JSON.stringify(hedging));
    assert.equal(results.filter(({ attempts }) => attempts === 2).length, hedges);
    assertAtRest(rt);
  }
  const { rt } = await limited(t, { hedging: { share: 0, burst: 0 } }, slow);
  rt.configure({ hedging: { burst: 1 } });
  await ask(rt, 3);
  assert.equal(rt.getStats().llmHedges, 1);
});

test('with maxAttempts 1 there is no second request', async (t) => {
  const { rt } = await limited(t, { retry: { maxAttempts: 1 } }, takes(1000));
  assert.deepEqual([(await rt.llm('q', { hedge })).attempts, rt.getStats().llmHedges], [1, 0]);
  assertAtRest(rt);
});

test('both requests count against rates; one that the rate holds back is dropped when the first answers', async (t) => {
  const rates = { requestsPerMinute: 3, tokensPerMinute: 1000, tokenizer: () => 16, outputTokens: 80 };
  const { rt, log } = await limited(t, { rates }, { script: () => ({ latencyMs: 300, usage: { inputTokens: 20, outputTokens: 50 } }) });
  const first = await rt.llm('q', { hedge, model: 'm' });
  assert.equal(first.attempts, 2);
  // The loser of a simulation was sent nowhere, so that it used nothing; as a request it counts.
  assert.deepEqual([gateOf(rt, 'model').requests, gateOf(rt, 'model').tokens], [2, 70]);
  const second = rt.llm('q', { hedge, model: 'm' });
  await at(rt, 450, () => assert.deepEqual([gateOf(rt, 'model').inside, gateOf(rt, 'model').waiting], [1, 1]));
  assert.equal((await second).attempts, 1);
  assert.deepEqual([gateOf(rt, 'model').requests, log.length, rt.clock.now()], [3, 3, 600]);
  assertAtRest(rt);
  // And one that was let through later goes then.
  const third = await rt.llm('q', { hedge, model: 'm' });
  assert.equal(third.timings.attempts[0].startedAt, kWindow);
  assertAtRest(rt);
});

test('the second request takes a place in flight like any other', async (t) => {
  const { rt, log } = await limited(t, { maxConcurrentLLMCalls: 1 }, takes(500, 10));
  const result = await rt.llm('q', { hedge });
  assert.deepEqual([result.text, result.attempts, timesOf(log)], ['answer 1', 1, [0]]);
  assertAtRest(rt);
});

test('in a plan both ask the same entry, and the next one is asked when both have failed', async (t) => {
  const script = ({ model }, n) => (model === 'a' ? { latencyMs: n === 1 ? 500 : 250, error: { status: 500 } } : { text: 'by b', latencyMs: 10 });
  const { rt, log } = await limited(t, { retry: { maxAttempts: 2 } }, { script });
  const result = await rt.llm('q', { hedge, model: ['a', 'b'] });
  assert.deepEqual([result.text, result.planEntry, result.attempts], ['by b', 1, 3]);
  assert.deepEqual(log.map(({ model, at: time }) => [model, time]), [['a', 0], ['a', 100], ['b', 500]]);
  assertAtRest(rt);
});

test('hedged calls among others, cancelled at any moment, leave nothing', async (t) => {
  for (const seed of [1, 2, 3, 4]) {
    const script = (request, n) => {
      const i = Number(promptOf(request)) * 31 + n * 17 + seed;
      return { latencyMs: (i * 53) % 400, ...(i % 5 === 0 && { error: { status: 503 } }) };
    };
    const { rt } = await limited(t, { seed, maxConcurrentLLMCalls: 6, hedging: { share: 1 }, retry: { baseDelay: 50 }, breaker: { failures: 20, pause: 100 } }, { script });
    const tasks = Array.from({ length: 120 }, (_, i) =>
      rt.submit((ctx) => asking[i % 2 === 0 ? 'llm' : 'llmStream'](ctx, String(i), { hedge: { delay: (i * 29) % 150 }, model: i % 3 === 0 ? ['a', 'b'] : undefined, timeToFirstToken: i % 7 === 0 ? 120 : 0 })));
    rt.submit(async (ctx) => {
      for (let i = 0; i < 60; i++) {
        await ctx.delay((i * 41) % 90);
        rt.cancel(tasks[(i * 37) % 120].id);
      }
    });
    const outcomes = await rt.awaitAllSettled(tasks);
    for (const { status, reason } of outcomes) {
      if (status !== 'fulfilled') assert.ok(['Cancelled', 'LLMError', 'CircuitOpen'].includes(reason.code), reason.stack);
    }
    await rt.onIdle();
    await turns();
    assert.ok(rt.getStats().llmHedges > 20);
    assertAtRest(rt);
  }
});

test('a hedge that is none is refused at the call', async (t) => {
  const { rt } = await limited(t, {});
  for (const bad of [5, null, {}, [], { delay: -1 }, { delay: NaN }, { delay: '5' }]) {
    const error = await rejection(rt.llm('q', { hedge: bad }));
    assert.ok(error instanceof heddle.ArgumentError);
    assert.match(error.message, /options\.hedge must be \{ delay \}/);
  }
  for (const delay of [Infinity, 1e300]) assert.equal((await rt.llm('q', { hedge: { delay } })).attempts, 1);
  for (const [key, hedging] of Object.entries({ 'hedging.share': { share: 1.1 }, 'hedging.burst': { burst: -1 }, 'hedging.delay': { delay: 5 }, hedging: 5 })) {
    assert.equal((await rejection(open(t, { hedging }))).key, key);
  }
  assertAtRest(rt);
});
