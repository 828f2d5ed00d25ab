/**
 * A crowd whose every decision should repeat: 200 tasks with calls to simulated models in flight, children, retries,
 * streams, cancels and timeouts, in virtual time. Invariant: it depends on its seed and nothing else, neither on the clock
 * nor on the machine nor on the order of object keys. Partner: tests/js/determinism.test.mjs.
 */

import { turns } from './tasks.mjs';

export const kTasks = 200;

/** The configuration of a run; `heddle` is the build that runs it. */
export const crowdConfig = (heddle, seed, more) => ({
  clock: 'virtual',
  seed,
  maxConcurrentTasks: 32,
  maxConcurrentLLMCalls: 5,
  graceMs: 50,
  retry: { maxAttempts: 3, baseDelay: 20, maxDelay: 100 },
  provider: heddle.simulated({ seed, latency: { min: 1, max: 40 }, failures: 0.2 }),
  ...more,
});

const body = (i, depth) => async (ctx) => {
  for (let round = 0; round < 1 + (i % 3); round++) {
    const lot = ctx.random();
    if (lot < 0.2) {
      await ctx.delay(Math.floor(lot * 100));
    } else if (lot < 0.3) {
      await ctx.yield();
    } else if (lot < 0.6) {
      await ctx.llm(`question ${i} ${round} ${ctx.uuid()}`);
    } else if (lot < 0.7) {
      for await (const _ of ctx.llmStream(`story ${i}`)) if (ctx.random() < 0.2) break;
    } else if (lot < 0.8 && depth > 0) {
      const children = [0, 1, 2].map((n) => ctx.submit(body(i * 3 + n, depth - 1), { priority: n }));
      if (lot < 0.75) await ctx.awaitAny(children, { losers: 'cancel' });
      else await ctx.awaitAllSettled(children);
    } else if (lot < 0.85) {
      await ctx.scope((s) => void [1, 2].map((n) => s.submit(body(i + n, 0))), { joiner: 'any' });
    } else if (lot < 0.9) {
      for await (const _ of ctx.mapConcurrent([1, 2, 3], (x, _n, c) => c.delay(x), { concurrency: 2 }));
    } else if (lot < 0.95) {
      ctx.runtime.cancel(`t${1 + Math.floor(ctx.random() * kTasks)}`, 'drawn');
    } else {
      await ctx.shield((safe) => safe.delay(3), { timeout: 20 });
    }
  }
  return i;
};

/** Runs the crowd to its end: the hash of every command, and how it went. */
export async function runCrowd(rt) {
  const tasks = Array.from({ length: kTasks }, (_, i) =>
    rt.submit(
      i % 4 === 3
        ? function* (ctx) {
            yield ctx.delay(i % 7);
            return yield ctx.await(ctx.submit(body(i, 1)));
          }
        : body(i, 2),
      { priority: i % 5, key: `tenant ${i % 6}`, timeout: i % 10 === 0 ? 60 : 0 },
    ),
  );
  const outcomes = await rt.awaitAllSettled(tasks);
  await rt.onIdle();
  await turns();
  const { commandHash, llmCalls, llmRetries, steps, ...stats } = rt.getStats();
  return { commandHash, llmCalls, llmRetries, steps, stats, now: rt.clock.now(), outcomes };
}
