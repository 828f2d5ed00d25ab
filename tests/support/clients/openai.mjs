/** Drivers of the official `openai` client: chat completions, and the Responses API. Partner: `outcome.mjs`. */

import OpenAI from 'openai';
import { given, outcomeOf } from './outcome.mjs';

// A page too may have this key.
const kKey = { apiKey: 'sk-test', dangerouslyAllowBrowser: true };

const clientFor = ({ url, fetch, maxRetries }) =>
  new OpenAI({ baseURL: `${url}/v1`, ...kKey, logLevel: 'off', ...given({ fetch, maxRetries }) });

const callOf = ({ id, function: { name, arguments: text } }) => ({ id, name, arguments: text });

async function chat(client, { prompt, stream, signal }) {
  const body = { model: 'm-1', messages: [{ role: 'user', content: prompt }] };
  if (!stream) {
    const [{ message }] = (await client.chat.completions.create(body, { signal })).choices;
    return { text: message.content ?? '', toolCalls: message.tool_calls?.map(callOf) };
  }
  let text = '';
  const calls = [];
  for await (const { choices } of await client.chat.completions.create({ ...body, stream: true }, { signal })) {
    const delta = choices[0]?.delta;
    text += delta?.content ?? '';
    for (const { index, id, function: fn } of delta?.tool_calls ?? []) {
      calls[index] ??= { id, name: fn.name, arguments: '' };
      calls[index].arguments += fn.arguments ?? '';
    }
  }
  return { text, toolCalls: calls };
}

const itemOf = ({ call_id: id, name, arguments: text }) => ({ id, name, arguments: text });
const toolItems = (output) => output.filter(({ type }) => type === 'function_call').map(itemOf);

async function responses(client, { prompt, stream, signal }) {
  const body = { model: 'm-1', input: prompt };
  if (!stream) {
    const { output_text: text, output } = await client.responses.create(body, { signal });
    return { text, toolCalls: toolItems(output) };
  }
  let text = '';
  const items = [];
  for await (const event of await client.responses.create({ ...body, stream: true }, { signal })) {
    if (event.type === 'response.output_text.delta') text += event.delta;
    if (event.type === 'response.output_item.done') items.push(event.item);
  }
  return { text, toolCalls: toolItems(items) };
}

const driver = (name, protocol, ask) => ({
  name,
  protocol,
  connect(options) {
    const client = clientFor(options);
    return ({ stream = false, ...request }) => outcomeOf(() => ask(client, { stream, ...request }));
  },
});

export const openaiClients = [driver('openai', 'openai', chat), driver('openai responses', 'responses', responses)];
