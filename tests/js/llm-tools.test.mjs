// Tools and formats on the wire of both protocols: what a request becomes, and what an answer's tool calls are read from,
// whole and in pieces.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { custom } from 'heddle';
import { isStrict } from '../../dist/llm/openai-wire.js';
import { ask, attempt, nowhere, providers, readAll, rejection, scriptedFetch, ways } from '../support/llm-client.mjs';

const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const tools = [{ name: 'weather', description: 'The weather of a city', parameters: city }, { name: 'time' }];

/** The body that a provider sends for a request. */
async function sent(name, request, more) {
  const { fetch, seen } = scriptedFetch(['{}'], { contentType: 'application/json' });
  await rejection(providers[name](nowhere, more).complete(request, attempt({ fetch })));
  return JSON.parse(seen.requests[0].body);
}

test('tools as each protocol writes them; one without parameters takes none', async () => {
  const none = { type: 'object', properties: {} };
  const body = await sent('openai', ask('hi', { tools }));
  assert.deepEqual(body.tools, [
    { type: 'function', function: { name: 'weather', description: 'The weather of a city', parameters: city } },
    { type: 'function', function: { name: 'time', parameters: none } },
  ]);
  assert.ok(!('tool_choice' in body));
  assert.deepEqual((await sent('anthropic', ask('hi', { tools }))).tools, [
    { name: 'weather', description: 'The weather of a city', input_schema: city },
    { name: 'time', input_schema: none },
  ]);
});

test('the choice of tools as each protocol writes it, and none without tools', async () => {
  const cases = [
    ['auto', 'auto', { type: 'auto' }],
    ['none', 'none', { type: 'none' }],
    ['required', 'required', { type: 'any' }],
    [{ name: 'time' }, { type: 'function', function: { name: 'time' } }, { type: 'tool', name: 'time' }],
  ];
  for (const [toolChoice, openai, anthropic] of cases) {
    assert.deepEqual((await sent('openai', ask('hi', { tools, toolChoice }))).tool_choice, openai);
    assert.deepEqual((await sent('anthropic', ask('hi', { tools, toolChoice }))).tool_choice, anthropic);
  }
  for (const name of ['openai', 'anthropic']) assert.ok(!('tool_choice' in (await sent(name, ask('hi', { toolChoice: 'none' })))));
});

const conversation = [
  { role: 'system', content: 'be brief' },
  { role: 'user', content: 'weather and time?' },
  {
    role: 'assistant',
    content: '',
    toolCalls: [
      { id: 'c1', name: 'weather', arguments: '{"city":"Oslo"}' },
      { id: 'c2', name: 'time', arguments: '' },
    ],
  },
  { role: 'tool', toolCallId: 'c1', content: 'rain' },
  { role: 'tool', toolCallId: 'c2', content: [{ type: 'text', text: 'noon' }], is_error: true },
  { role: 'user', content: 'and tomorrow?' },
  { role: 'assistant', content: 'let me see', toolCalls: [{ id: 'c3', name: 'weather', arguments: '{"city":' }] },
  { role: 'tool', toolCallId: 'c3', content: 'those arguments are no JSON' },
];

test('openai: tool calls and their results in a conversation', async () => {
  const { messages } = await sent('openai', { messages: conversation, tools });
  const call = (id, name, text) => ({ id, type: 'function', function: { name, arguments: text } });
  assert.deepEqual(messages, [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'weather and time?' },
    { role: 'assistant', content: null, tool_calls: [call('c1', 'weather', '{"city":"Oslo"}'), call('c2', 'time', '')] },
    { role: 'tool', tool_call_id: 'c1', content: 'rain' },
    { role: 'tool', tool_call_id: 'c2', content: [{ type: 'text', text: 'noon' }], is_error: true },
    { role: 'user', content: 'and tomorrow?' },
    { role: 'assistant', content: 'let me see', tool_calls: [call('c3', 'weather', '{"city":')] },
    { role: 'tool', tool_call_id: 'c3', content: 'those arguments are no JSON' },
  ]);
});

test('anthropic: results that follow each other are one message of the user; broken arguments go back as they are', async () => {
  const { messages, system } = await sent('anthropic', { messages: conversation, tools });
  assert.equal(system, 'be brief');
  assert.deepEqual(messages, [
    { role: 'user', content: 'weather and time?' },
    {
      role: 'assistant',
      content: [
        { type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Oslo' } },
        { type: 'tool_use', id: 'c2', name: 'time', input: {} },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'c1', content: 'rain' },
        { type: 'tool_result', tool_use_id: 'c2', content: [{ type: 'text', text: 'noon' }], is_error: true },
      ],
    },
    { role: 'user', content: 'and tomorrow?' },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'let me see' },
        { type: 'tool_use', id: 'c3', name: 'weather', input: { INVALID_JSON: '{"city":' } },
      ],
    },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c3', content: 'those arguments are no JSON' }] },
  ]);
});

test('openai: a format is JSON mode, which must be spoken of, or a schema, strict where it may be', async () => {
  const json = { type: 'json' };
  const plain = await sent('openai', ask('hi', { format: json }));
  assert.deepEqual(plain.response_format, { type: 'json_object' });
  assert.deepEqual(plain.messages, [
    { role: 'system', content: 'Answer with JSON.' },
    { role: 'user', content: 'hi' },
  ]);
  assert.equal((await sent('openai', ask('as Json, please', { format: json }))).messages.length, 1);
  const strict = await sent('openai', ask('hi', { format: { type: 'json-schema', name: 'place', schema: city } }));
  assert.deepEqual(strict.response_format, { type: 'json_schema', json_schema: { name: 'place', schema: city, strict: true } });
  assert.equal(strict.messages.length, 1);
  const open = { type: 'object', properties: { a: { type: 'string' } } };
  const wish = await sent('openai', ask('hi', { format: { type: 'json-schema', schema: open } }));
  assert.deepEqual(wish.response_format, { type: 'json_schema', json_schema: { name: 'answer', schema: open } });
});

test('strict is what names every property, allows no other, and uses no keyword beyond the known ones, at every depth', () => {
  const object = (properties, more) => ({
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
    ...more,
  });
  const text = { type: 'string' };
  for (const schema of [
    object({}),
    object({ a: text, b: { type: ['number', 'null'], minimum: 0 } }),
    object({ a: { type: 'array', items: object({ b: { enum: ['x', 'y'] } }) } }),
    object({ a: { anyOf: [text, object({ b: text })] } }),
    object({ a: { $ref: '#/$defs/b' } }, { $defs: { b: object({ c: text }) }, $schema: 'https://json-schema.org/draft/2020-12/schema' }),
  ]) {
    assert.equal(isStrict(schema), true, JSON.stringify(schema));
  }
  for (const schema of [
    {},
    text,
    { type: 'array', items: text },
    object({ a: text }, { required: [] }),
    object({ a: text }, { additionalProperties: true }),
    object({ a: text }, { oneOf: [] }),
    object({ a: { type: 'array', items: { type: 'object', properties: { b: text } } } }),
    object({ a: { anyOf: [{ type: 'object' }] } }),
    object({ a: { $ref: '#/$defs/b' } }, { $defs: { b: { type: 'object' } } }),
    object({ a: { default: 1 } }),
    object({ a: true }),
    object({ a: null }),
  ]) {
    assert.equal(isStrict(schema), false, JSON.stringify(schema));
  }
});

test('anthropic: a format is asked for in words, after what the caller says; enforced by the server where it is told to', async () => {
  const format = { type: 'json-schema', name: 'place', schema: city };
  const messages = [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'hi' },
  ];
  const body = await sent('anthropic', { messages, format });
  assert.match(body.system, /^be brief\n\nAnswer with a JSON value/);
  assert.ok(body.system.endsWith(JSON.stringify(city)));
  assert.ok(!('output_config' in body));
  const parts = [{ role: 'system', content: [{ type: 'text', text: 's' }] }, messages[1]];
  const asked = await sent('anthropic', { messages: parts, format: { type: 'json' } });
  assert.deepEqual(asked.system.map(({ type }) => type), ['text', 'text']);
  const native = await sent('anthropic', { messages, format }, { structuredOutputs: true });
  assert.deepEqual([native.system, native.output_config], ['be brief', { format: { type: 'json_schema', schema: city } }]);
  const any = await sent('anthropic', { messages, format: { type: 'json' } }, { structuredOutputs: true });
  assert.match(any.system, /Answer with a JSON value/);
  assert.throws(() => providers.anthropic(nowhere, { structuredOutputs: 'yes' }), { key: 'anthropic.structuredOutputs' });
});

test('custom: tools, choice, format and tool messages reach the function as they are', async () => {
  const request = { messages: conversation, tools, toolChoice: 'required', format: { type: 'json' } };
  let seen;
  const provider = custom((given) => {
    seen = given;
    return 'x';
  });
  await provider.complete(request, attempt());
  assert.equal(seen, request);
});

// --- Answers ---

const use = (id, name, input) => ({ type: 'tool_use', id, name, input });
const fn = (id, name, text, more) => ({ id, type: 'function', function: { name, arguments: text }, ...more });
const wanted = [
  { id: 'c1', name: 'weather', arguments: '{"city":"Oslo"}' },
  { id: 'c2', name: 'time', arguments: '{}' },
];
const whole = {
  openai: {
    choices: [{ message: { content: null, tool_calls: [fn('c1', 'weather', '{"city":"Oslo"}'), fn('c2', 'time', '')] }, finish_reason: 'tool_calls' }],
  },
  anthropic: {
    content: [{ type: 'text', text: 'so: ' }, use('c1', 'weather', { city: 'Oslo' }), use('c2', 'time', {})],
    stop_reason: 'tool_use',
  },
};

/** The answer that a provider makes of a body, or of events. */
async function answerOf(name, parts, contentType) {
  const { fetch } = scriptedFetch(parts, { contentType });
  return ways.streaming(providers[name](nowhere), ask('hi', { tools }), attempt({ fetch }));
}
const events = (list) => list.map((data) => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
const delta = (...calls) => ({ choices: [{ delta: { tool_calls: calls } }] });
const end = [{ choices: [{ delta: {}, finish_reason: 'tool_calls' }] }, '[DONE]'];

for (const [name, body] of Object.entries(whole)) {
  test(`${name}: a whole answer's tool calls`, async () => {
    const answer = await answerOf(name, [JSON.stringify(body)], 'application/json');
    assert.deepEqual(answer.toolCalls, wanted);
    assert.equal(answer.finishReason, { openai: 'tool_calls', anthropic: 'tool_use' }[name]);
    assert.equal(answer.text, { openai: '', anthropic: 'so: ' }[name]);
    assert.ok(answer.usage.outputTokens >= 7, 'the arguments are a part of the estimate');
  });

  test(`${name}: an answer that wants no tool has none`, async () => {
    const bodies = { openai: { choices: [{ message: { content: 'x', tool_calls: [] } }] }, anthropic: { content: [{ type: 'text', text: 'x' }] } };
    const answer = await answerOf(name, [JSON.stringify(bodies[name])], 'application/json');
    assert.ok(!('toolCalls' in answer));
  });
}

test('openai: streamed tool calls, in pieces and interleaved', async () => {
  const answer = await answerOf(
    'openai',
    events([
      { choices: [{ delta: { role: 'assistant', content: null } }] },
      delta({ index: 0, ...fn('c1', 'weather', '') }),
      delta({ index: 1, ...fn('c2', 'time', '') }),
      delta({ index: 0, function: { arguments: '{"city"' } }),
      delta({ index: 1, function: { arguments: '{' } }, { index: 0, function: { arguments: ':"Oslo"}' } }),
      delta({ index: 1, function: { arguments: '}' } }),
      ...end,
    ]),
  );
  assert.deepEqual(answer.toolCalls, wanted);
  assert.equal(answer.text, '');
  assert.equal(answer.finishReason, 'tool_calls');
});

test('openai: tool calls as other servers send them: no index, one index for all, no id, an object for arguments, nonsense', async () => {
  const cases = [
    [delta(fn('c1', 'weather', '{"city":"Oslo"}')), delta(fn('c2', 'time', '{}'))],
    [delta(fn('c1', 'weather', '{"city":"Oslo"}'), fn('c2', 'time', '{}'))],
    [delta({ index: 0, ...fn('c1', 'weather', '{"city":"Oslo"}') }), delta({ index: 0, ...fn('c2', 'time', '{}') })],
    [delta({ index: 0, ...fn('c1', 'weather', '{"city"') }), delta({ index: 0, ...fn('c1', undefined, ':"Oslo"}') }), delta({ index: 1, ...fn('c2', 'time') })],
    [delta(fn('c1', 'weather', '{"city"')), delta({ function: { arguments: ':"Oslo"}' } }), delta(fn('c2', 'time', ''))],
    [delta({ index: 0, ...fn('c1', 'weather', { city: 'Oslo' }) }), delta(null, 7, { index: 9 }, { index: 1, ...fn('c2', 'time', {}) })],
  ];
  for (const chunks of cases) assert.deepEqual((await answerOf('openai', events([...chunks, ...end]))).toolCalls, wanted);
  const nameless = await answerOf('openai', events([delta({ index: 0, ...fn(undefined, 'a', '{}') }), delta({ index: 1, ...fn('', 'b', '{}') }), ...end]));
  assert.deepEqual(nameless.toolCalls.map(({ id, name }) => [id, name]), [['call_1', 'a'], ['call_2', 'b']]);
  const same = { choices: [{ message: { tool_calls: [{ index: 0, ...fn('', 'a', '{}') }, { index: 0, ...fn('c2', 'b', '{}') }] } }] };
  const plain = await answerOf('openai', [JSON.stringify(same)], 'application/json');
  assert.deepEqual(plain.toolCalls.map(({ id, name }) => [id, name]), [['call_1', 'a'], ['c2', 'b']]);
});

test('anthropic: streamed tool calls between texts, in pieces, or with the input whole at the beginning', async () => {
  const block = (index, content_block) => ({ type: 'content_block_start', index, content_block });
  const piece = (index, partial_json) => ({ type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json } });
  const stop = (index) => ({ type: 'content_block_stop', index });
  const text = [
    block(0, { type: 'text', text: '' }),
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'so: ' } },
    stop(0),
  ];
  const rest = [{ type: 'message_delta', delta: { stop_reason: 'tool_use' } }, { type: 'message_stop' }];
  for (const calls of [
    [block(1, use('c1', 'weather', {})), piece(1, ''), piece(1, '{"city"'), piece(1, ':"Oslo"}'), stop(1), block(2, use('c2', 'time', {})), stop(2)],
    [block(1, use('c1', 'weather', { city: 'Oslo' })), stop(1), block(2, use('c2', 'time', {})), stop(2)],
    [block(1, use('c1', 'weather', { city: 'Bergen' })), piece(1, '{"city":"Oslo"}'), block(2, use('c2', 'time')), piece(2, '{}')],
    [block(1, use('c1', 'weather', { city: 'Oslo' })), block(2, use('c2', 'time', {}))],
  ]) {
    const answer = await answerOf('anthropic', events([{ type: 'message_start', message: {} }, ...text, ...calls, ...rest]));
    assert.deepEqual(answer.toolCalls, wanted);
    assert.deepEqual([answer.text, answer.finishReason], ['so: ', 'tool_use']);
  }
});

test('shares of the usage: input from the cache, output spent on reasoning, where the server tells', async () => {
  const bodies = {
    openai: {
      ...whole.openai,
      usage: {
        prompt_tokens: 30,
        completion_tokens: 20,
        prompt_tokens_details: { cached_tokens: 10 },
        completion_tokens_details: { reasoning_tokens: 15 },
      },
    },
    anthropic: {
      ...whole.anthropic,
      usage: { input_tokens: 20, cache_read_input_tokens: 10, output_tokens: 20, output_tokens_details: { thinking_tokens: 15 } },
    },
  };
  for (const [name, body] of Object.entries(bodies)) {
    const { usage } = await answerOf(name, [JSON.stringify(body)], 'application/json');
    assert.deepEqual(usage, { inputTokens: 30, outputTokens: 20, source: 'exact', cachedInputTokens: 10, reasoningTokens: 15 });
  }
});

test('a stream of tool calls alone has no pieces of text', async () => {
  const { fetch } = scriptedFetch(events([delta({ index: 0, ...fn('c1', 'time', '{}') }), ...end]));
  const stream = await providers.openai(nowhere).stream(ask('hi', { tools }), attempt({ fetch }));
  assert.deepEqual(await readAll(stream), []);
  assert.equal(stream.answer().toolCalls.length, 1);
});

test('a stream tells of what is no text, reasoning and parts of tool calls, while next() waits; not of pings and frames', async () => {
  const streams = {
    openai: [
      ': ping\n\n',
      ...events([
        { choices: [{ delta: { role: 'assistant', content: '' } }] },
        { choices: [{ delta: { reasoning_content: 'hm' } }] },
        { choices: [{ delta: { reasoning: 'hm' } }] },
        { choices: [{ delta: { content: 'so' } }] },
        delta({ index: 0, ...fn('c1', 'time', '') }),
        delta({ index: 0, function: { arguments: '{}' } }),
        { choices: [], usage: {} },
        ...end,
      ]),
    ],
    anthropic: events([
      { type: 'message_start', message: {} },
      { type: 'ping' },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'x' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'so' } },
      { type: 'content_block_start', index: 2, content_block: use('c1', 'time', {}) },
      { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{}' } },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' } },
      { type: 'message_stop' },
    ]),
  };
  const told = async (provider, options) => {
    let signs = 0;
    const stream = await provider.stream(ask('hi'), { ...options, onProgress: () => signs++ });
    const seen = [];
    for (let text; (text = await stream.next()) !== undefined; signs = 0) seen.push([signs, text]);
    return [...seen, signs];
  };
  for (const [name, parts] of Object.entries(streams)) {
    const { fetch } = scriptedFetch(parts);
    assert.deepEqual(await told(providers[name](nowhere), attempt({ fetch })), [[2, 'so'], 2], name);
  }
  const pieces = custom(async function* () {
    yield {};
    yield 'so';
    yield { toolCalls: [{ id: 'c1', name: 'time', arguments: '{}' }] };
  });
  assert.deepEqual(await told(pieces, attempt()), [[1, 'so'], 1]);
});
