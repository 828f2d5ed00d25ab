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

/** How many turns of the event loop pass until the server has seen the last of the connections that carried calls closed. Turns
 * and not milliseconds: a machine that has other things to do has as many of them. */
export async function turnsUntilSocketsClosed(server) {
  let turns = 0;
  let isClosed = false;
  const closed = server.whenSocketsClosed().then(() => (isClosed = true));
  for (; !isClosed; turns++) await new Promise((resolve) => setImmediate(resolve));
  await closed;
  return turns;
}

/** All chunks of a stream, as text. */
export async function chunksOf(stream) {
  const texts = [];
  for await (const { text } of stream) texts.push(text);
  return texts;
}
