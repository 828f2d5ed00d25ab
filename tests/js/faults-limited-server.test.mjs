// A server that refuses what is beyond its limits. To a client that does not know them the waits that it asks for are
// enough, and one that does is never refused. Time is virtual, and the server's windows are measured by it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asking, assertNothingLeft, protocols } from '../support/calls.mjs';
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

// --- With the same limits on our side: the server never has to refuse ---

const spoilt = {
  seed: 3,
  rates: [
    [0.05, 429],
    [0.05, 503],
    [0.05, 'reset-before-headers'],
    [0.05, { fault: 'error-in-stream', after: 0 }],
  ],
};

for (const protocol of protocols) {
  test(`${protocol}: with requestsPerMinute no window of 60 s holds more requests at the server, retries included`, async (t) => {
    const limits = { requestsPerMinute: 60 };
    const config = { rates: limits, retry: { maxAttempts: 8 }, maxConcurrentTasks: 1000, maxConcurrentLLMCalls: 20 };
    const { server, rt } = await limited(t, protocol, limits, config);
    server.options.faults = spoilt;
    const prompts = Array.from({ length: 300 }, (_, i) => `q ${i}`);
    const results = await Promise.all(prompts.map((prompt, i) => asking[i % 3 === 0 ? 'llmStream' : 'llm'](rt, prompt)));
    assert.deepEqual(results.map(({ text }) => text), prompts.map((prompt) => `echo: ${prompt}`));
    const { requests, worstWindow, log } = server.stats();
    assert.ok(requests > 330, `${requests} requests, faults among them`);
    assert.equal(worstWindow.requests, 60, 'the limit is used to the full, and kept');
    // Nothing was refused by the limit: what was refused was spoilt by the plan.
    assert.equal(requests, rt.getStats().llmCalls);
    assert.equal(log.filter(({ outcome }) => outcome === 'answered').length, 300);
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: with tokensPerMinute no window of 60 s takes more tokens at the server`, async (t) => {
    const limits = { tokensPerMinute: 2000, tokens: ({ prompt, body }, { output = body.max_tokens }) => prompt.split(' ').length + output };
    const rates = { tokensPerMinute: 2000 };
    const { server, rt } = await limited(t, protocol, limits, { rates, maxConcurrentTasks: 1000, maxConcurrentLLMCalls: 20 });
    // Answers of 1 to 90 words, of at most 100 that were reserved.
    server.options.respond = ({ n }) => 'word '.repeat(1 + ((n * 37) % 90)).trim();
    await Promise.all(Array.from({ length: 200 }, (_, i) => rt.llm(`q ${i}`, { maxTokens: 100 })));
    const { requests, worstWindow, faults } = server.stats();
    assert.deepEqual([requests, faults], [200, 0]);
    assert.ok(worstWindow.tokens <= 2000 && worstWindow.tokens > 1500, `${worstWindow.tokens} tokens`);
    await assertNothingLeft(rt, server);
  });
}
