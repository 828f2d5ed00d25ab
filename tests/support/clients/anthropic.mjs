/** The driver of the official `@anthropic-ai/sdk` client. Partner: `outcome.mjs`. */

import Anthropic from '@anthropic-ai/sdk';
import { given, outcomeOf } from './outcome.mjs';

// A page too may have this key.
const kKey = { apiKey: 'sk-test', dangerouslyAllowBrowser: true };

const kBody = { model: 'm-1', max_tokens: 100 };

function read(blocks) {
  const text = blocks.filter(({ type }) => type === 'text').map(({ text: each }) => each);
  const uses = blocks.filter(({ type }) => type === 'tool_use');
  return { text: text.join(''), toolCalls: uses.map(({ id, name, input }) => ({ id, name, arguments: JSON.stringify(input) })) };
}

async function ask(client, { prompt, stream, signal }) {
  const body = { ...kBody, messages: [{ role: 'user', content: prompt }] };
  if (!stream) return read((await client.messages.create(body, { signal })).content);
  const blocks = [];
  for await (const event of await client.messages.create({ ...body, stream: true }, { signal })) {
    if (event.type === 'content_block_start') blocks[event.index] = { ...event.content_block, json: '' };
    if (event.type !== 'content_block_delta') continue;
    const block = blocks[event.index];
    block.text += event.delta.text ?? '';
    block.json += event.delta.partial_json ?? '';
  }
  return read(blocks.map((block) => ({ ...block, ...(block.json !== '' && { input: JSON.parse(block.json) }) })));
}

export const anthropicClients = [
  {
    name: '@anthropic-ai/sdk',
    protocol: 'anthropic',
    connect({ url, fetch, maxRetries }) {
      const options = { baseURL: url, ...kKey, logLevel: 'off', ...given({ fetch, maxRetries }) };
      const client = new Anthropic(options);
      return ({ stream = false, ...request }) => outcomeOf(() => ask(client, { stream, ...request }));
    },
  },
];
