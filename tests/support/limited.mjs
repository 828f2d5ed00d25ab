/**
 * A runtime under virtual time and a simulated provider that counts as a real one does: what came when, in which window of
 * 60 s, and what it refused. Invariant: no word here waits for real time. Partners: `heddle.mjs`, `llm-meter.mjs`.
 */

import { simulated } from 'heddle';
import { open } from './heddle.mjs';
import { Meter } from './llm-meter.mjs';
import { deferred } from './tasks.mjs';

/** The prompt of a request with one message. */
export const promptOf = (request) => request.messages[0].content;

/** Milliseconds after which a request has left the closed window of a minute. */
export const kWindow = 60_001;

/**
 * `script` as the simulated provider's; what it leaves out takes 10 ms and used 20 tokens. `limits` as the test server's
 * (llm-meter.mjs). `log` has a row {at, prompt, model, n} for each request.
 */
export async function limited(t, config = {}, { script = () => undefined, limits = {} } = {}) {
  const log = [];
  const meter = new Meter();
  let rt;
  const now = () => rt.clock.now();
  const provider = simulated({
    script: (request, n) => {
      const stated = { latencyMs: 10, usage: { inputTokens: 10, outputTokens: 10 }, ...script(request, n) };
      const { inputTokens, outputTokens } = stated.usage;
      log.push({ at: now(), prompt: promptOf(request), model: request.model, n });
      const row = meter.arrive({ prompt: promptOf(request) }, { ...limits, now, tokens: () => inputTokens + outputTokens });
      return row.waitMs === undefined ? stated : { latencyMs: 1, error: { status: 429, retryAfter: row.waitMs } };
    },
  });
  rt = await open(t, { clock: 'virtual', provider, maxConcurrentLLMCalls: 1000, ...config });
  return { rt, log, worst: () => meter.worst(), provider };
}

/** When the requests of each prompt came. */
export const timesOf = (log, wanted = () => true) => log.filter(wanted).map(({ at }) => at);

/** The gate of this kind and name. */
export const gateOf = (rt, kind, name) => rt.getStats().gates.find((gate) => gate.kind === kind && (name === undefined || gate.name === name));

/** Runs `fn` at that virtual time, in milliseconds since the runtime began; gives what it gave. */
export const at = (rt, ms, fn) =>
  rt.submit(async (ctx) => {
    await ctx.delay(ms - rt.clock.now());
    return fn(ctx);
  }, { name: `at ${ms} ms` }).promise;

/** Virtual time stands still until the given function is called, whatever waits for it. */
export function holdTime(rt) {
  const { promise, resolve } = deferred();
  const over = rt.submit((ctx) => ctx.call('hold', () => promise), { name: 'holds time' }).promise.catch(() => {});
  return () => {
    resolve();
    return over;
  };
}
