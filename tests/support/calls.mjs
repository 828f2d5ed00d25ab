/**
 * A runtime and the test server together, and what must be left of both: nothing. Invariant: no word here waits for real
 * time. Partners: `heddle.mjs`, `llm-server.mjs`, `llm-client.mjs`, `tasks.mjs`.
 */

import assert from 'node:assert/strict';
import { open } from './heddle.mjs';
import { providers } from './llm-client.mjs';
import { serve } from './llm-server.mjs';
import { assertAtRest, turns } from './tasks.mjs';

export const protocols = Object.keys(providers);

/** A server with these options and a runtime whose provider asks it. */
export async function connected(t, serverOptions = {}, { protocol = 'openai', ...config } = {}) {
  const server = await serve(t, serverOptions);
  const rt = await open(t, { provider: providers[protocol](server), ...config });
  return { server, rt };
}

/** Both ways of asking, each giving the whole result. */
export const asking = {
  llm: (ctx, prompt, options) => ctx.llm(prompt, options),
  llmStream: async (ctx, prompt, options) => {
    const stream = ctx.llmStream(prompt, options);
    let text = '';
    for await (const chunk of stream) text += chunk.text;
    const result = await stream.result;
    assert.equal(result.text, text);
    return result;
  },
};

/** No call, place, slot or timer is left in the runtime, and nothing open at the server. */
export async function assertNothingLeft(rt, server) {
  await server?.whenIdle();
  await turns();
  assertAtRest(rt);
}

/** How long the server takes, from `since`, to see the last of the connections that carried calls closed; milliseconds. */
export async function untilSocketsClosed(server, since) {
  await server.whenSocketsClosed();
  return performance.now() - since;
}

/** All chunks of a stream, as text. */
export async function chunksOf(stream) {
  const texts = [];
  for await (const { text } of stream) texts.push(text);
  return texts;
}
