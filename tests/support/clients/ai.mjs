/**
 * Drivers of the `ai` client over its OpenAI provider (the Responses API, its default, and chat) and its Anthropic one.
 * A stream is read by its parts, where an error is one of them: `textStream` leaves such an error out and just ends.
 * Partner: `outcome.mjs`.
 */

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, jsonSchema, streamText, tool } from 'ai';
import { given, outcomeOf } from './outcome.mjs';

// Warnings about models that it does not know.
globalThis.AI_SDK_LOG_WARNINGS = false;

const kTools = { weather: tool({ inputSchema: jsonSchema({ type: 'object' }) }) };

const callOf = ({ toolCallId: id, toolName: name, input }) => ({ id, name, arguments: JSON.stringify(input) });

async function ask(model, { prompt, stream, signal, tools = false, maxRetries }) {
  const options = { model, prompt, ...given({ maxRetries, abortSignal: signal }), ...(tools && { tools: kTools }) };
  if (!stream) {
    const { text, toolCalls } = await generateText(options);
    return { text, toolCalls: toolCalls.map(callOf) };
  }
  let text = '';
  const toolCalls = [];
  for await (const part of streamText({ ...options, onError: () => undefined }).fullStream) {
    if (part.type === 'text-delta') text += part.text;
    if (part.type === 'tool-call') toolCalls.push(callOf(part));
    if (part.type === 'error') throw part.error;
    if (part.type === 'abort') throw signal.reason;
  }
  return { text, toolCalls };
}

const driver = (name, protocol, modelOf) => ({
  name,
  protocol,
  connect({ url, fetch, maxRetries }) {
    const model = modelOf({ baseURL: `${url}/v1`, apiKey: 'sk-test', ...given({ fetch }) });
    return ({ stream = false, ...request }) => outcomeOf(() => ask(model, { stream, maxRetries, ...request }));
  },
});

export const aiClients = [
  driver('ai openai', 'responses', (options) => createOpenAI(options)('m-1')),
  driver('ai openai chat', 'openai', (options) => createOpenAI(options).chat('m-1')),
  driver('ai anthropic', 'anthropic', (options) => createAnthropic(options)('m-1')),
];
