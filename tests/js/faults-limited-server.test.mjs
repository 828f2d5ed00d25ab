// A server that refuses what is beyond its limits, with a client that does not know them: the waits that it asks for are
// enough. Time is virtual, and the server's windows are measured by it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, protocols } from '../support/calls.mjs';
import { open } from '../support/heddle.mjs';
import { providers } from '../support/llm-client.mjs';
import { serve } from '../support/llm-server.mjs';

/** A server with limits on the time of the runtime that asks it. */
async function limited(t, protocol, limits, config) {
  const server = await serve(t, {});
  const rt = await open(t, { provider: providers[protocol](server), clock: 'virtual', ...config });
  server.options.limits = { refuse: true, now: () => rt.clock.now(), ...limits };
  return { server, rt };
}

for (const protocol of protocols) {
  test(`${protocol}: calls beyond a limit of requests come back when they were told to, and all are answered`, async (t) => {
    const retry = { maxAttempts: 10, maxRetryAfter: 60_000 };
    const { server, rt } = await limited(t, protocol, { requestsPerMinute: 10 }, { retry });
    const results = await Promise.all(Array.from({ length: 25 }, (_, i) => rt.llm(`q ${i}`)));
    assert.deepEqual(results.map(({ text }) => text), Array.from({ length: 25 }, (_, i) => `echo: q ${i}`));
    const { requests, answered, faults } = server.stats();
    assert.deepEqual([answered, faults], [25, requests - 25]);
    assert.equal(rt.getStats().llmCalls, requests);
    // Ten a minute, so the last five come in the third.
    assert.ok(rt.clock.now() >= 120_000 && rt.clock.now() < 125_000, String(rt.clock.now()));
    for (const { attempts, timings } of results) {
      assert.equal(timings.attempts.length, attempts);
      for (const { error } of timings.attempts.slice(0, -1)) assert.deepEqual([error.kind, error.status], ['rate', 429]);
    }
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: a request that takes more than is left waits for the window, and one that never fits fails by its attempts`, async (t) => {
    const retry = { maxAttempts: 3, maxRetryAfter: 60_000 };
    const { server, rt } = await limited(t, protocol, { tokensPerMinute: 100 }, { retry });
    await rt.llm('first', { maxTokens: 80 });
    const second = await rt.llm('second', { maxTokens: 80 });
    assert.ok(rt.clock.now() > 60_000, String(rt.clock.now()));
    const error = await rt.llm('third', { maxTokens: 101 }).then(assert.fail, (reason) => reason);
    assert.deepEqual([error.kind, error.status, error.attempts], ['rate', 429, 3]);
    await assertNothingLeft(rt, server);
  });
}
