// Everything at once against a server that misbehaves: rates, tenants, plans, hedges, circuits, streams that begin again, cancels
// and timeouts. Whatever happens is told as a typed error, the server's limits hold, and nothing is left on either side.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asking, assertNothingLeft, connected, protocols } from '../support/calls.mjs';
import heddle from '../support/heddle.mjs';
import { gateOf } from '../support/limited.mjs';

const kCalls = 150;
const kCodes = ['Cancelled', 'Timeout', 'LLMError', 'CircuitOpen', 'RequestTooLarge', 'RetryAfterTooLong'];

const faults = (seed) => ({
  seed,
  rates: [
    [0.08, 503], [0.05, { fault: 'retry-after-seconds', ms: 2000 }], [0.04, 'reset-before-headers'], [0.05, { fault: 'cut-stream', after: 1 }],
    [0.05, { fault: 'error-in-stream', after: 1 }], [0.03, 'insufficient-quota'], [0.02, 'broken-json-200'], [0.02, 400],
  ],
});

/** Reads a stream; gives what it gave since its last beginning, and some leave early. */
async function read(ctx, prompt, options, leavesAfter) {
  const stream = ctx.llmStream(prompt, { ...options, afterFirstToken: 'restart' });
  let text = '';
  let pieces = 0;
  for await (const chunk of stream) {
    text = chunk.type === 'restart' ? '' : text + chunk.text;
    if (++pieces === leavesAfter) return undefined;
  }
  assert.equal(text, (await stream.result).text);
  return text;
}

for (const protocol of protocols) {
  for (const seed of [1, 2]) {
    test(`${protocol}, seed ${seed}: limits hold, errors are typed, nothing is left`, async (t) => {
      let now = () => 0;
      const limits = { requestsPerMinute: 60, tokensPerMinute: 12_000, now: () => now() };
      const { server, rt } = await connected(t, { limits, rates: true, faults: faults(seed), respond: ({ prompt }) => `the answer to ${prompt}` }, {
        protocol, seed, clock: 'virtual', maxConcurrentTasks: 60, maxConcurrentLLMCalls: 9,
        retry: { baseDelay: 100, maxDelay: 1000 }, hedging: { share: 1 }, breaker: { failures: 6, pause: 500 }, fallback: { cooldown: 300 }, adaptive: { initial: 4 },
        rates: { total: { requestsPerMinute: 60, tokensPerMinute: 12_000 }, tenants: { '*': { requestsPerMinute: 25, maxConcurrent: 4 } }, outputTokens: 100, tokenizer: (text) => text.split(/\s+/).length },
      });
      now = () => rt.clock.now();
      const tasks = Array.from({ length: kCalls }, (_, i) =>
        rt.submit(async (ctx) => {
          await ctx.delay((i * 211) % 3000);
          const options = {
            maxTokens: i % 17 === 0 ? 20_000 : 100,
            model: i % 3 === 0 ? ['m-1', 'm-2'] : undefined,
            hedge: i % 4 === 0 ? { delay: (i * 13) % 50 } : undefined,
            timeout: i % 13 === 0 ? 4000 : undefined,
          };
          if (i % 2 === 0) return (await asking.llm(ctx, `q ${i}`, options)).text;
          return read(ctx, `q ${i}`, options, i % 10 === 1 ? 2 : 0);
        }, { key: `tenant ${i % 6}` }));
      rt.submit(async (ctx) => {
        for (let i = 0; i < 30; i++) {
          await ctx.delay((i * 173) % 400);
          rt.cancel(tasks[(i * 67 + seed) % kCalls].id);
        }
      }, { name: 'canceller' });
      const outcomes = await rt.awaitAllSettled(tasks);
      const codes = outcomes.map(({ status, value, reason }, i) => {
        if (status === 'fulfilled') assert.ok(value === undefined || value === `the answer to q ${i}`, value);
        else assert.ok(reason instanceof heddle.HeddleError && kCodes.includes(reason.code), reason.stack);
        return reason?.code ?? 'ok';
      });
      assert.ok(codes.filter((code) => code === 'ok').length > kCalls / 3, codes.join(' '));
      assert.ok(codes.includes('RequestTooLarge') && codes.includes('Cancelled'));
      const { worstWindow } = server.stats();
      assert.ok(worstWindow.requests <= 60 && worstWindow.tokens <= 12_000, JSON.stringify(worstWindow));
      await rt.onIdle();
      await assertNothingLeft(rt, server);
      const { reservations, openReservations } = rt.getStats();
      assert.ok(reservations > kCalls && openReservations === 0);
      assert.equal(gateOf(rt, 'endpoint').inside, 0);
    });
  }
}
