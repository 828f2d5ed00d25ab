// The clients that people have, asked by a function of theirs as a provider: what they throw becomes the same failure as
// what our own providers say of that server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText } from 'ai';
import { custom, LLMError } from 'heddle';
import OpenAI from 'openai';
import { isRetryable } from '../../dist/llm/retry.js';
import { ask, attempt, kKey, providers, rejection } from '../support/llm-client.mjs';
import { serve } from '../support/llm-server.mjs';

const model = 'm-1';
const max_tokens = 9;
const prompts = ({ messages }) => messages;

const clients = {
  openai: {
    openai: (server) => {
      const client = new OpenAI({ baseURL: server.openaiBaseURL, apiKey: kKey, maxRetries: 0 });
      return async (request, { signal }) => {
        const answer = await client.chat.completions.create({ model, messages: prompts(request) }, { signal });
        return answer.choices[0].message.content;
      };
    },
    ai: (server) => {
      const client = createOpenAI({ baseURL: server.openaiBaseURL, apiKey: kKey });
      return async (request, { signal: abortSignal }) =>
        (await generateText({ model: client.chat(model), messages: prompts(request), abortSignal, maxRetries: 0 })).text;
    },
  },
  anthropic: {
    '@anthropic-ai/sdk': (server) => {
      const client = new Anthropic({ baseURL: server.anthropicBaseURL, apiKey: kKey, maxRetries: 0 });
      return async (request, { signal }) => {
        const answer = await client.messages.create({ model, max_tokens, messages: prompts(request) }, { signal });
        return answer.content[0].text;
      };
    },
    ai: (server) => {
      const client = createAnthropic({ baseURL: `${server.anthropicBaseURL}/v1`, apiKey: kKey });
      return async (request, { signal: abortSignal }) =>
        (await generateText({ model: client(model), messages: prompts(request), abortSignal, maxRetries: 0 })).text;
    },
  },
};

const limited = { 'retry-after': '2', 'x-ratelimit-limit-requests': '10', 'x-ratelimit-remaining-requests': '0' };
const faults = {
  openai: [
    { status: 429, headers: limited, body: { error: { message: 'slow down', type: 'requests', code: 'rate_limit_exceeded' } } },
    { status: 400, body: { error: { message: 'too long', type: 'invalid_request_error', code: 'context_length_exceeded' } } },
  ],
  anthropic: [
    { status: 429, headers: limited, body: { type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } } },
    { status: 400, body: { type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long: 9 tokens > 8' } } },
  ],
};
const common = ['insufficient-quota', 401, 403, 404, 408, 409, 500, 503, 504, 529, 'reset-before-headers', 'reset-mid-body'];

for (const [protocol, each] of Object.entries(clients)) {
  for (const [name, make] of Object.entries(each)) {
    for (const fault of [...common, ...faults[protocol]]) {
      test(`${name} at ${protocol}: ${JSON.stringify(fault)} is what our own provider says it is`, async (t) => {
        const server = await serve(t, { fault: () => fault });
        const own = await rejection(providers[protocol](server).complete(ask('hi'), attempt()));
        const theirs = await rejection(custom(make(server)).complete(ask('hi'), attempt()));
        assert.ok(theirs instanceof LLMError, String(theirs));
        const shown = ({ kind, status, retryAfter, providerMessage, providerCode, rates }) => ({ kind, status, retryAfter, providerMessage, providerCode, rates });
        assert.deepEqual(shown(theirs), shown(own));
        assert.equal(isRetryable(theirs), isRetryable(own));
        assert.equal(server.stats().requests, 2, 'nobody tried again');
      });
    }

    test(`${name} at ${protocol}: an answer is an answer`, async (t) => {
      const server = await serve(t, {});
      assert.equal((await custom(make(server)).complete(ask('hi'), attempt())).text, 'echo: hi');
    });
  }
}
