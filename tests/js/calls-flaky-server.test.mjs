// Two thousand calls to a server that refuses every tenth attempt: each ends right, and both sides count the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asking, assertNothingLeft, connected, protocols } from '../support/calls.mjs';
import heddle from '../support/heddle.mjs';
import { faultPlan } from '../support/llm-faults.mjs';

const kCalls = 2000;
const kPlaces = 32;
const kMaxAttempts = 3;
const faults = {
  seed: 11,
  rates: [
    [0.05, 429],
    [0.05, 500],
  ],
};

const promptOf = (i) => `question ${i} ${'word '.repeat(i % 7)}`.trim();
const words = (text) => text.split(' ').length;

// What must come of a prompt: the server's faults are a function of the prompt and the attempt.
function expected(prompt) {
  const plan = faultPlan(undefined, faults);
  for (let attempt = 1; ; attempt++) {
    const fault = plan({ prompt, attempt });
    if (fault === undefined) return { attempts: attempt };
    if (attempt === kMaxAttempts) return { attempts: attempt, status: fault.status };
  }
}

for (const protocol of protocols) {
  test(`${protocol}: of 2,000 calls to a server that fails every tenth time each ends in its result or its error`, async (t) => {
    // An answer takes a while, or hardly two would ever be open at once.
    const { server, rt } = await connected(t, { faults, latencyMs: ({ n }) => 20 + (n % 8) }, {
      protocol,
      maxConcurrentTasks: kCalls,
      maxConcurrentLLMCalls: kPlaces,
      retry: { maxAttempts: kMaxAttempts, baseDelay: 1 },
    });
    const prompts = Array.from({ length: kCalls }, (_, i) => promptOf(i));
    const tasks = prompts.map((prompt, i) => rt.submit((ctx) => asking[i % 4 === 0 ? 'llmStream' : 'llm'](ctx, prompt)));
    const rows = await rt.awaitAllSettled(tasks);

    let attempts = 0;
    const failures = new Map();
    for (const [i, row] of rows.entries()) {
      const wanted = expected(prompts[i]);
      attempts += wanted.attempts;
      if (wanted.status === undefined) {
        const { timings, requestId, ...result } = row.value;
        assert.match(requestId, /^req_/);
        assert.deepEqual(result, {
          text: `echo: ${prompts[i]}`,
          usage: { inputTokens: words(prompts[i]), outputTokens: words(prompts[i]) + 1, source: 'exact' },
          finishReason: protocol === 'openai' ? 'stop' : 'end_turn',
          model: 'm-1',
          attempts: wanted.attempts,
        });
        assert.equal(timings.attempts.length, wanted.attempts);
      } else {
        assert.ok(row.reason instanceof heddle.LLMError, String(row.reason));
        const { status, kind } = row.reason;
        assert.deepEqual([status, row.reason.attempts], [wanted.status, kMaxAttempts]);
        assert.equal(kind, status === 429 ? 'rate' : 'server');
        failures.set(status, (failures.get(status) ?? 0) + 1);
      }
    }
    // The seed is one under which some calls run out of attempts.
    assert.deepEqual([...failures.keys()].sort(), [429, 500]);

    const seen = server.stats();
    const stats = rt.getStats();
    assert.equal(seen.requests, attempts);
    assert.equal(stats.llmCalls, attempts);
    assert.equal(stats.llmRetries, attempts - kCalls);
    assert.equal(seen.aborts, 0);
    assert.ok(seen.maxOpen > 1 && seen.maxOpen <= kPlaces, `${seen.maxOpen} open at once`);
    t.diagnostic(`${seen.requests} requests, ${stats.llmRetries} retries, ${seen.maxOpen} open at once, ${[...failures.values()].reduce((a, b) => a + b)} failed`);
    await assertNothingLeft(rt, server);
  });
}

test('with every answer held, exactly maxConcurrentLLMCalls requests are open, wave after wave', async (t) => {
  const { server, rt } = await connected(t, { latencyMs: 'manual' }, { maxConcurrentTasks: 200, maxConcurrentLLMCalls: kPlaces });
  const tasks = Array.from({ length: kPlaces * 5 }, (_, i) => rt.submit((ctx) => asking[i % 2 ? 'llmStream' : 'llm'](ctx, `q ${i}`)));
  for (let left = tasks.length; left > 0; left -= kPlaces) {
    await server.whenHeld(kPlaces);
    const { concurrentLLMCalls, waitingLLMCalls } = rt.getStats();
    assert.deepEqual([server.stats().open, concurrentLLMCalls, waitingLLMCalls], [kPlaces, kPlaces, left - kPlaces]);
    server.release();
  }
  await rt.awaitAll(tasks);
  assert.equal(server.stats().maxOpen, kPlaces);
  await assertNothingLeft(rt, server);
});
