// What the test server answers besides a conversation's text: tools, the Responses protocol, embeddings, plain paths. The
// official clients read it, so that its shapes are theirs and not ours.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { serve } from '../support/llm-server.mjs';

const openai = (server) => new OpenAI({ baseURL: server.openaiBaseURL, apiKey: 'k', maxRetries: 0 });
const anthropic = (server) => new Anthropic({ baseURL: server.anthropicBaseURL, apiKey: 'k', maxRetries: 0 });

const question = [{ role: 'user', content: 'what is the weather?' }];
const toolCalls = [
  { id: 'call_1', name: 'weather', arguments: '{"city":"Z\u00fcrich","note":"\u{1f9f6} as text"}' },
  { id: 'call_2', name: 'clock', arguments: '{}' },
];
const asked = toolCalls.map(({ id, name, arguments: text }) => [id, name, text]);

for (const text of ['', 'let me see']) {
  const answer = { text, toolCalls };
  const what = text === '' ? 'tool calls alone' : 'text and tool calls';

  test(`openai chat: ${what}, whole and streamed`, async (t) => {
    const server = await serve(t, { respond: () => answer });
    const whole = await openai(server).chat.completions.create({ model: 'm', messages: question });
    const [{ message, finish_reason: end }] = whole.choices;
    assert.deepEqual([message.content, end], [text === '' ? null : text, 'tool_calls']);
    assert.deepEqual(
      message.tool_calls.map(({ id, function: { name, arguments: written } }) => [id, name, written]),
      asked,
    );
    // The client's own accumulation of deltas.
    const stream = openai(server).chat.completions.stream({ model: 'm', messages: question });
    const parts = [];
    stream.on('chunk', ({ choices: [choice] }) => parts.push(...(choice?.delta.tool_calls ?? [])));
    const final = await stream.finalChatCompletion();
    assert.deepEqual(
      final.choices[0].message.tool_calls.map(({ id, function: { name, arguments: written } }) => [id, name, written]),
      asked,
    );
    assert.equal(final.choices[0].finish_reason, 'tool_calls');
    assert.ok(parts.filter(({ index }) => index === 0).length > 3, 'the arguments come in several deltas');
  });

  test(`anthropic: ${what}, whole and streamed`, async (t) => {
    const server = await serve(t, { respond: () => answer });
    const body = { model: 'm', max_tokens: 50, messages: question };
    const blocks = toolCalls.map(({ id, name, arguments: input }) => ['tool_use', id, name, JSON.parse(input)]);
    const whole = await anthropic(server).messages.create(body);
    const seen = ({ content }) => content.map(({ type, id, name, input, text: said }) => [type, id ?? said, name, input].filter(Boolean));
    const expected = [...(text === '' ? [] : [['text', text]]), ...blocks];
    assert.deepEqual([seen(whole), whole.stop_reason], [expected, 'tool_use']);
    const final = await anthropic(server).messages.stream(body).finalMessage();
    assert.deepEqual([seen(final), final.stop_reason], [expected, 'tool_use']);
  });

  test(`openai responses: ${what}, whole and streamed`, async (t) => {
    const server = await serve(t, { respond: () => answer });
    const seen = ({ output }) =>
      output.map((item) => (item.type === 'message' ? item.content[0].text : [item.call_id, item.name, item.arguments]));
    const expected = [...(text === '' ? [] : [text]), ...asked];
    assert.deepEqual(seen(await openai(server).responses.create({ model: 'm', input: question })), expected);
    const stream = openai(server).responses.stream({ model: 'm', input: question });
    assert.deepEqual(seen(await stream.finalResponse()), expected);
  });
}

test('openai responses: text, usage and why it ended, whole and streamed', async (t) => {
  const server = await serve(t, { respond: () => ({ text: 'one two', finishReason: 'length' }) });
  const stream = openai(server).responses.stream({ model: 'm', input: 'a b c' });
  let streamed = '';
  stream.on('response.output_text.delta', ({ delta }) => (streamed += delta));
  for (const response of [await openai(server).responses.create({ model: 'm', input: 'a b c' }), await stream.finalResponse()]) {
    assert.equal(response.output_text, 'one two');
    assert.deepEqual([response.status, response.incomplete_details], ['incomplete', { reason: 'max_output_tokens' }]);
    assert.deepEqual([response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens], [3, 2, 5]);
  }
  assert.equal(streamed, 'one two');
  assert.deepEqual(server.stats().log.map(({ protocol, prompt }) => [protocol, prompt]), [['responses', 'a b c'], ['responses', 'a b c']]);
});

test('openai responses: an error inside the stream is one to the client', async (t) => {
  const server = await serve(t, { fault: () => 'error-in-stream', respond: () => 'one two' });
  const stream = await openai(server).responses.create({ model: 'm', input: 'x', stream: true });
  const types = [];
  const read = (async () => {
    for await (const { type } of stream) types.push(type);
  })();
  await assert.rejects(read, { code: 'server_error', message: /overloaded/ });
  assert.equal(types.filter((type) => type === 'response.output_text.delta').length, 1);
});

test('embeddings: a vector a text, the same for the same text, as numbers and as base64', async (t) => {
  const server = await serve(t, {});
  const create = (more) => openai(server).embeddings.create({ model: 'e', input: ['a b', 'c', 'a b'], ...more });
  const { data, usage, model } = await create();
  assert.deepEqual(data.map(({ index }) => index), [0, 1, 2]);
  assert.deepEqual(data[0].embedding, data[2].embedding);
  assert.notDeepEqual(data[0].embedding, data[1].embedding);
  assert.deepEqual([usage.prompt_tokens, usage.total_tokens, model], [5, 5, 'e']);
  assert.deepEqual((await create({ encoding_format: 'float' })).data, data);
  assert.deepEqual(server.stats().byPath, { '/v1/embeddings': 2 });
});

test('plain paths answer without a protocol, are counted, and meet the same faults', async (t) => {
  const server = await serve(t, { respond: () => 'nothing special' });
  const plain = await fetch(`${server.url}/plain?q=1`);
  assert.deepEqual([plain.headers.get('content-type'), await plain.text()], ['text/plain; charset=utf-8', 'nothing special']);
  const body = new Uint8Array([0, 200, 10]);
  const echo = await fetch(`${server.url}/echo`, { method: 'POST', body, headers: { 'content-type': 'image/png' } });
  assert.equal(echo.headers.get('content-type'), 'image/png');
  assert.deepEqual(new Uint8Array(await echo.arrayBuffer()), body);
  server.options.fault = ({ n }) => [503, 'reset-before-headers'][n - 3];
  assert.equal((await fetch(`${server.url}/plain`)).status, 503);
  await assert.rejects(fetch(`${server.url}/plain`));
  const { requests, byPath, log } = server.stats();
  assert.deepEqual([requests, byPath], [4, { '/plain': 3, '/echo': 1 }]);
  assert.deepEqual(log.map(({ protocol, outcome }) => [protocol, outcome]), [
    ['plain', 'answered'],
    ['plain', 'answered'],
    ['plain', 'faulted'],
    ['plain', 'faulted'],
  ]);
  assert.equal((await fetch(`${server.url}/plain`, { method: 'DELETE' })).status, 404);
});
