// Cancels of rt.fetch at every moment of its life: in the queue, in flight, at the headers, between two attempts, in the body.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertNothingLeft } from '../support/calls.mjs';
import { serve } from '../support/llm-server.mjs';
import { turns } from '../support/tasks.mjs';

const kMoments = 24;

const asking = (stream) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'hi' }] }),
});

/** Each way of ending a fetch that is being made and read: begin(rt, run) gives [what came of it, how to end it]. */
const enders = {
  "the caller's signal": (rt, run) => {
    const controller = new AbortController();
    return [run((fetch, url, init) => fetch(url, { ...init, signal: controller.signal }))(rt.fetch), () => controller.abort('enough')];
  },
  'a cancel of the task': (rt, run) => {
    const task = rt.submit((ctx) => run((fetch, url, init) => fetch(url, init))(ctx.fetch));
    return [task.promise, () => rt.cancel(task.id, 'enough')];
  },
  'leaving a shared request': (rt, run) => {
    const controller = new AbortController();
    const own = rt.fetchWith({ dedupe: true, signal: controller.signal });
    return [run((fetch, url, init) => fetch(url, init))(own), () => controller.abort('enough')];
  },
};

for (const [name, begin] of Object.entries(enders)) {
  for (const stream of [false, true]) {
    test(`${name} at any of ${kMoments} moments: ${stream ? 'a stream' : 'an answer'} or the cancel, and nothing left`, async (t) => {
      // Every second request is refused once, so that waits between attempts are among the moments.
      const server = await serve(t, { chunking: 'split', respond: () => 'one two', fault: ({ n }) => (n % 2 === 1 ? 503 : undefined) });
      const rt = await open(t, { maxConcurrentLLMCalls: 1, retry: { baseDelay: 1, maxDelay: 1, maxAttempts: 5 } });
      const url = `${server.openaiBaseURL}/chat/completions`;
      const run = (send) => async (fetch) => (await send(fetch, url, asking(stream))).text();
      const outcomes = new Set();
      for (let moment = 0; moment < kMoments; moment++) {
        const pairs = [begin(rt, run), begin(rt, run)];
        const settled = pairs.map(([promise]) =>
          promise.then(
            (text) => (/two/.test(text) ? 'answered' : `answered with ${text}`),
            (error) => (error === 'enough' || error?.reason === 'enough' ? 'cancelled' : `failed with ${error?.stack ?? error}`),
          ),
        );
        await turns(moment * 2);
        for (const [, end] of pairs) end();
        for (const outcome of await Promise.all(settled)) outcomes.add(outcome);
        await assertNothingLeft(rt, server);
      }
      for (const outcome of outcomes) assert.match(outcome, /^(answered|cancelled)$/);
      assert.ok(outcomes.has('cancelled'));
      assert.equal(server.stats().maxOpen, 1);
    });
  }
}

for (const [name, begin] of Object.entries(enders)) {
  test(`${name}, any number of microtasks after the first bytes of a stream: whoever asked gets an answer`, async (t) => {
    const first = new TextEncoder().encode('data: {"choices":[{"delta":{"content":"one"}}]}\n\n');
    for (let moment = 0; moment < 60; moment++) {
      let giveBytes;
      // Its bytes come when we say so, and the rest never.
      const fetch = async (_url, { signal }) =>
        new Response(
          new ReadableStream(
            {
              start(controller) {
                giveBytes = () => controller.enqueue(first);
                signal.addEventListener('abort', () => controller.error(signal.reason));
              },
            },
            { highWaterMark: 0 },
          ),
          { headers: { 'content-type': 'text/event-stream' } },
        );
      const rt = await open(t, { fetch });
      const run = (send) => async (ask) => (await send(ask, 'http://127.0.0.1/v1/chat/completions', asking(true))).text();
      const [answer, end] = begin(rt, run);
      const outcome = answer.then(
        (text) => `answered with ${text}`,
        (error) => (error === 'enough' || error?.reason === 'enough' ? 'cancelled' : `failed with ${error?.stack ?? error}`),
      );
      await turns();
      giveBytes();
      for (let i = 0; i < moment; i++) await null;
      end();
      assert.equal(await outcome, 'cancelled', `after ${moment} microtasks`);
      await assertNothingLeft(rt);
      await rt.close();
    }
  });
}
