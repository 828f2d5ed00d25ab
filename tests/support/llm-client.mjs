/**
 * Short words for tests of the live providers: the same question to both protocols, a stream read to its end, the error
 * of an attempt. Invariant: no word here hides an outcome that a test is about. Partner: `llm-server.mjs`.
 */

import { anthropic, openai } from 'heddle';

/** A server for providers whose fetch never reaches one. */
export const nowhere = { openaiBaseURL: 'http://a.example/v1', anthropicBaseURL: 'http://a.example' };

/** A key that no server's text holds by chance. */
export const kKey = 'sk-test-4f9c2e71aa';

/** Makes the provider of each protocol for a server. */
export const providers = {
  openai: (server, more) => openai({ baseURL: server.openaiBaseURL, apiKey: kKey, model: 'm-1', ...more }),
  anthropic: (server, more) => anthropic({ baseURL: server.anthropicBaseURL, apiKey: kKey, model: 'm-1', ...more }),
};

/** A request with one user message. */
export const ask = (content, more) => ({ messages: [{ role: 'user', content }], ...more });

/** What an attempt gets from the runtime. */
export const attempt = ({ signal = new AbortController().signal, fetch = globalThis.fetch } = {}) => ({
  signal,
  fetch,
});

/** All pieces of a stream, in order. */
export async function readAll(stream) {
  const pieces = [];
  for (let piece; (piece = await stream.next()) !== undefined;) pieces.push(piece);
  return pieces;
}

/** Both ways of asking, each giving the whole answer. */
export const ways = {
  whole: (provider, request, options = attempt()) => provider.complete(request, options),
  streaming: async (provider, request, options = attempt()) => {
    const stream = await provider.stream(request, options);
    await readAll(stream);
    return stream.answer();
  },
};

/** What a promise rejects with; a promise that resolves is a failure of the test. */
export const rejection = (promise) =>
  promise.then(
    (value) => {
      throw new Error(`resolved with ${JSON.stringify(value)}`);
    },
    (error) => error,
  );

/** A fetch whose body hands out the given parts, strings or bytes, one at a time, and tells what was asked of it. */
export function scriptedFetch(parts, { contentType = 'text/event-stream', endless = false } = {}) {
  const seen = { pulls: 0, cancelled: false, requests: [] };
  const encoder = new TextEncoder();
  const fetch = async (url, init) => {
    seen.requests.push({ url, ...init });
    let at = 0;
    const body = new ReadableStream(
      {
        pull(controller) {
          seen.pulls++;
          const part = parts[at++];
          if (part !== undefined) controller.enqueue(typeof part === 'string' ? encoder.encode(part) : part);
          else if (!endless) controller.close();
        },
        cancel() {
          seen.cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body, { headers: { 'content-type': contentType } });
  };
  return { fetch, seen };
}
