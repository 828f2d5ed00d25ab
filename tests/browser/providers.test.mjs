/**
 * The live providers in a page of another origin than the model's: a page sees of an answer's headers only what the server
 * exposes by CORS (by default the content type and the like), and must do well with what it sees. Cancels: fetch-abort.test.mjs.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsBrowser } from '../support/browser.mjs';
import { serve } from '../support/llm-server.mjs';
import { builds, openModelPage } from '../support/plain-page.mjs';

/** Chromium writes a line about each refusal. */
const expects = /^console: Failed to load resource: the server responded with a status of (401|429) /;

const kWait = 7000;
const kBackoff = 100;
const hidden = { 'access-control-expose-headers': '' };
const baseURLs = { openai: 'openaiBaseURL', anthropic: 'anthropicBaseURL' };

/** Asks in the page, under virtual time: a whole answer and a stream, each refused once first, and one that is refused for good. */
async function asked(t, page, protocol, headers) {
  const server = await serve(t, {
    headers,
    rates: { requestsPerMinute: 1000, tokensPerMinute: 100_000 },
    respond: () => 'one two three',
    fault: ({ prompt, attempt }) => (prompt === 'forbidden' ? 401 : attempt === 1 ? { fault: 'retry-after-seconds', ms: kWait } : undefined),
  });
  const outcome = await page.evaluate(async ([name, baseURL, backoff]) => {
    const rt = await globalThis.open({
      provider: [name, { baseURL, apiKey: 'sk-test', model: 'm-1' }],
      clock: 'virtual',
      rates: { requestsPerMinute: 100, tokensPerMinute: 50_000 },
      retry: { baseDelay: backoff, maxDelay: backoff },
    });
    const { text, attempts, usage, timings } = await rt.llm('whole');
    const stream = rt.llmStream('stream');
    let streamed = '';
    for await (const chunk of stream) streamed += chunk.text;
    const { timings: streamTimings } = await stream.result;
    const { code, kind, status, requestId } = await rt.llm('forbidden').catch((error) => error);
    const { llmCalls, openReservations, gates } = rt.getStats();
    await rt.close();
    const waitOf = ({ attempts: [first, second] }) => second.startedAt - first.endedAt;
    return {
      answers: [text, streamed],
      attempts,
      source: usage.source,
      waits: [timings, streamTimings].map(waitOf),
      error: { code, kind, status, requestId },
      llmCalls,
      openReservations,
      requests: gates.map(({ kind: gate, requests }) => [gate, requests]),
    };
  }, [protocol, server[baseURLs[protocol]], kBackoff]);
  assert.equal(server.stats().requests, 5);
  const { waits, error, ...rest } = outcome;
  assert.deepEqual(rest, {
    answers: ['one two three', 'one two three'],
    attempts: 2,
    source: 'exact',
    llmCalls: 5,
    openReservations: 0,
    requests: [['model', 5]],
  });
  const { requestId, ...known } = error;
  assert.deepEqual(known, { code: 'LLMError', kind: 'auth', status: 401 });
  return { waits, requestId };
}

for (const build of builds) {
  test(`providers in a page, ${build}`, needsBrowser, async (t) => {
    const page = await openModelPage(t, build, { expects });
    for (const protocol of Object.keys(baseURLs)) {
      await t.test(`${protocol}: a Retry-After that the server exposes is waited for, and its request id is told`, async (t) => {
        const { waits, requestId } = await asked(t, page, protocol, {});
        for (const wait of waits) assert.ok(wait >= kWait && wait < kWait + 1000, String(wait));
        assert.equal(requestId, 'req_5');
      });

      await t.test(`${protocol}: where CORS hides the headers the backoff is the runtime's own, and nothing else changes`, async (t) => {
        const { waits, requestId } = await asked(t, page, protocol, hidden);
        for (const wait of waits) assert.ok(wait <= kBackoff, String(wait));
        // Anthropic's bodies name it too.
        assert.equal(requestId, protocol === 'anthropic' ? 'req_5' : undefined);
      });
    }
  });
}
