/**
 * A crowd of calls under all limits at once: rates of models, endpoint and tenants, plans, hedges, adaptive concurrency,
 * circuits, limits of the first token and of silence, streams that begin again, cancels, and a configuration that changes
 * while it runs. In virtual time, over simulated models. Invariant: it depends on its seed and nothing else. Partner:
 * tests/js/determinism.test.mjs; `crowd-program.mjs` is the crowd without limits.
 */

import { turns } from './tasks.mjs';

export const kCalls = 160;

const rates = {
  requestsPerMinute: 60,
  tokensPerMinute: 9000,
  outputTokens: 90,
  total: { requestsPerMinute: 100 },
  models: { wide: { requestsPerMinute: 90, maxConcurrent: 9 } },
  tenants: { '*': { requestsPerMinute: 40, maxConcurrent: 6 }, 'tenant 1': { tokensPerMinute: 4000 } },
};

/** The configuration of a run; `heddle` is the build that runs it. */
export const limitedCrowdConfig = (heddle, seed, more) => ({
  clock: 'virtual',
  seed,
  maxConcurrentTasks: 50,
  maxConcurrentLLMCalls: 12,
  graceMs: 50,
  retry: { maxAttempts: 3, baseDelay: 50, maxDelay: 400 },
  provider: heddle.simulated({ seed, latency: { min: 20, max: 900 }, failures: { rate: 0.15, status: 503 } }),
  rates,
  adaptive: { initial: 3, max: 10 },
  breaker: { failures: 4, pause: 700, probes: 2 },
  hedging: { share: 0.3 },
  fallback: { cooldown: 500 },
  ...more,
});

const body = (i) => async (ctx) => {
  await ctx.delay(Math.floor(ctx.random() * 4000));
  const lot = ctx.random();
  const options = {
    model: lot < 0.4 ? ['narrow', 'wide', 'last'] : lot < 0.7 ? 'wide' : undefined,
    maxTokens: lot < 0.5 ? 60 : undefined,
    hedge: i % 3 === 0 ? { delay: 150 } : undefined,
    timeToFirstToken: i % 5 === 0 ? 400 : undefined,
    timeout: i % 11 === 0 ? 30_000 : undefined,
  };
  if (i % 4 === 1) {
    let text = '';
    for await (const chunk of ctx.llmStream(`story ${i}`, { ...options, stallTimeout: 60, afterFirstToken: 'restart' })) {
      text = chunk.type === 'restart' ? '' : text + chunk.text;
    }
    return text;
  }
  const { text, attempts, planEntry } = await ctx.llm(`question ${i}`, options);
  return `${attempts} ${planEntry} ${text}`;
};

/** Runs the crowd to its end: the hash of every command, and how it went. */
export async function runLimitedCrowd(rt) {
  const tasks = [];
  rt.submit(async (ctx) => {
    for (let i = 0; i < 25; i++) {
      await ctx.delay(Math.floor(ctx.random() * 500));
      rt.cancel(tasks[Math.floor(ctx.random() * kCalls)].id);
      if (i === 8) rt.configure({ rates: { ...rates, requestsPerMinute: 30 }, adaptive: { max: 6 } });
      if (i === 16) rt.configure({ rates: { ...rates, requestsPerMinute: 80 }, breaker: { failures: 6, pause: 500 } });
    }
  });
  for (let i = 0; i < kCalls; i++) tasks.push(rt.submit(body(i), { key: `tenant ${i % 5}`, priority: i % 3 }));
  const outcomes = await rt.awaitAllSettled(tasks);
  await rt.onIdle();
  await turns();
  const { commandHash, ...stats } = rt.getStats();
  const rows = outcomes.map(({ status, value, reason }) => [status, value, reason?.message]);
  return { commandHash, stats, now: rt.clock.now(), rows, codes: outcomes.map(({ reason }) => reason?.code ?? 'ok') };
}
