// The official clients through rt.fetch, unchanged: what they answer, what they cost the server, how they end early.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { assertNothingLeft } from '../support/calls.mjs';
import { open } from '../support/heddle.mjs';
import { kKey } from '../support/llm-client.mjs';
import { rateLimited, serve } from '../support/llm-server.mjs';
import { rejection } from '../support/tasks.mjs';

// Its advice about models that it does not know.
globalThis.AI_SDK_LOG_WARNINGS = false;

const message = (content) => [{ role: 'user', content }];

/** Each client as {whole, stream}: a text, and an async iterable of texts. `retries`: of the client's own. */
const clients = {
  openai(server, fetch, retries = {}) {
    const client = new OpenAI({ apiKey: kKey, baseURL: server.openaiBaseURL, fetch, ...retries });
    return {
      whole: async (prompt, options) =>
        (await client.chat.completions.create({ model: 'm', messages: message(prompt) }, options)).choices[0].message.content,
      async *stream(prompt, options) {
        for await (const chunk of await client.chat.completions.create({ model: 'm', messages: message(prompt), stream: true }, options)) {
          const text = chunk.choices[0]?.delta.content;
          if (text) yield text;
        }
      },
    };
  },
  anthropic(server, fetch, retries = {}) {
    const client = new Anthropic({ apiKey: kKey, baseURL: server.anthropicBaseURL, fetch, ...retries });
    const request = (prompt) => ({ model: 'm', max_tokens: 100, messages: message(prompt) });
    return {
      whole: async (prompt, options) => (await client.messages.create(request(prompt), options)).content[0].text,
      async *stream(prompt, options) {
        for await (const event of await client.messages.create({ ...request(prompt), stream: true }, options)) {
          if (event.type === 'content_block_delta') yield event.delta.text;
        }
      },
    };
  },
  'ai with openai': (server, fetch, retries) =>
    vercel(createOpenAI({ apiKey: kKey, baseURL: server.openaiBaseURL, fetch }).chat('m'), retries),
  'ai with anthropic': (server, fetch, retries) =>
    vercel(createAnthropic({ apiKey: kKey, baseURL: `${server.anthropicBaseURL}/v1`, fetch })('m'), retries),
};

function vercel(model, retries) {
  const options = ({ signal } = {}) => ({ abortSignal: signal, maxOutputTokens: 100, ...retries });
  return {
    whole: async (prompt, more) => (await generateText({ model, prompt, ...options(more) })).text,
    async *stream(prompt, more) {
      let failed;
      const { fullStream } = streamText({ model, prompt, ...options(more), onError: ({ error }) => (failed = error) });
      for await (const part of fullStream) {
        if (part.type === 'text-delta') yield part.text;
        if (part.type === 'error') failed = part.error;
        if (part.type === 'abort') failed = new Error('aborted');
      }
      if (failed !== undefined) throw failed;
    },
  };
}

const ways = {
  whole: (client, prompt, options) => client.whole(prompt, options),
  stream: async (client, prompt, options) => {
    let text = '';
    for await (const piece of client.stream(prompt, options)) text += piece;
    return text;
  },
};

const quick = { retry: { baseDelay: 1, maxDelay: 1 } };

for (const [name, make] of Object.entries(clients)) {
  for (const [way, ask] of Object.entries(ways)) {
    test(`${name}, ${way}: gets the server's answer`, async (t) => {
      const server = await serve(t, {});
      const rt = await open(t, quick);
      assert.equal(await ask(make(server, rt.fetch), 'hi there'), 'echo: hi there');
      assert.equal(server.stats().requests, 1);
      await assertNothingLeft(rt, server);
    });

    test(`${name}, ${way}: a 429 and then an answer cost two requests, with the client's own retries on`, async (t) => {
      const server = await serve(t, { fault: ({ attempt }) => (attempt === 1 ? rateLimited('ms', 1) : undefined) });
      const rt = await open(t, quick);
      assert.equal(await ask(make(server, rt.fetch), 'hi'), 'echo: hi');
      assert.equal(server.stats().requests, 2);
      assert.equal(rt.getStats().llmRetries, 1);
      await assertNothingLeft(rt, server);
    });

    test(`${name}, ${way}: a spent quota is one request and the client's own error`, async (t) => {
      const server = await serve(t, { fault: () => 'insufficient-quota' });
      const rt = await open(t, quick);
      const error = await rejection(ask(make(server, rt.fetch, { maxRetries: 0 }), 'hi'));
      assert.ok([402, 429].includes(error.status ?? error.statusCode), error.stack);
      assert.equal(server.stats().requests, 1);
      await assertNothingLeft(rt, server);
    });

    test(`${name}, ${way}: never more requests open than maxConcurrentLLMCalls`, async (t) => {
      const server = await serve(t, { latencyMs: 'manual' });
      const rt = await open(t, { ...quick, maxConcurrentLLMCalls: 3 });
      const client = make(server, rt.fetch);
      const answers = Promise.all(Array.from({ length: 20 }, (_, i) => ask(client, `n${i}`)));
      await server.whenHeld(3);
      server.options.latencyMs = 0;
      server.release();
      assert.deepEqual(await answers, Array.from({ length: 20 }, (_, i) => `echo: n${i}`));
      assert.equal(server.stats().maxOpen, 3);
      await assertNothingLeft(rt, server);
    });

    test(`${name}, ${way}: the client's abort rejects it and closes the socket`, async (t) => {
      const server = await serve(t, { latencyMs: 'manual' });
      const rt = await open(t, quick);
      const controller = new AbortController();
      const answer = rejection(ask(make(server, rt.fetch), 'hi', { signal: controller.signal }));
      await server.whenHeld(1);
      controller.abort();
      await answer;
      await server.whenAborted(1);
      await assertNothingLeft(rt, server);
    });
  }

  test(`${name}: a stream that its reader leaves closes the socket and frees its place`, async (t) => {
    const server = await serve(t, { respond: () => 'one two three', pauseAfter: 1 });
    const rt = await open(t, { ...quick, maxConcurrentLLMCalls: 1 });
    const controller = new AbortController();
    const client = make(server, rt.fetch);
    for await (const piece of client.stream('hi', { signal: controller.signal })) {
      assert.equal(piece, 'one ');
      break;
    }
    // Leaving the loop is enough for the official clients; ai reads on until it is told.
    controller.abort();
    await server.whenAborted(1);
    server.options.pauseAfter = undefined;
    assert.equal(await client.whole('again'), 'one two three');
    await assertNothingLeft(rt, server);
  });
}

// Those that know x-should-retry, with their own retries on.
for (const name of ['openai', 'anthropic']) {
  for (const [way, ask] of Object.entries(ways)) {
    test(`${name}, ${way}: what the runtime gave up the client does not begin anew`, async (t) => {
      const server = await serve(t, { fault: () => 503 });
      const rt = await open(t, { retry: { baseDelay: 1, maxDelay: 1, maxAttempts: 3 } });
      const error = await rejection(ask(clients[name](server, rt.fetch), 'hi'));
      assert.equal(error.status, 503);
      assert.match(error.message, /refused with 503 by the test server/);
      assert.equal(server.stats().requests, 3);
      await assertNothingLeft(rt, server);
    });

    test(`${name}, ${way}: a spent quota is one request, with the client's own retries on`, async (t) => {
      const server = await serve(t, { fault: () => 'insufficient-quota' });
      const rt = await open(t, quick);
      await rejection(ask(clients[name](server, rt.fetch), 'hi'));
      assert.equal(server.stats().requests, 1);
    });
  }

  test(`${name}: of a lost connection, the client's own repetitions are one request each`, async (t) => {
    const server = await serve(t, { fault: () => 'reset-before-headers' });
    const rt = await open(t, { retry: { baseDelay: 1, maxDelay: 1, maxAttempts: 3 } });
    const error = await rejection(clients[name](server, rt.fetch, { maxRetries: 1 }).whole('hi'));
    assert.equal(error.cause?.code, 'LLMError');
    assert.equal(error.cause.kind, 'transport');
    assert.equal(server.stats().requests, 4);
  });
}
