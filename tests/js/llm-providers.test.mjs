// What the two HTTP providers send and understand, and which options they refuse.
// Refusals and faults: llm-failures.test.mjs. Cancellation and back-pressure: llm-abort.test.mjs.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { anthropic, ArgumentError, ConfigError, openai } from 'heddle';
import {
  ask,
  attempt,
  kKey,
  nowhere,
  providers,
  readAll,
  rejection,
  scriptedFetch,
  ways,
} from '../support/llm-client.mjs';
import { isRetryable } from '../../dist/llm/retry.js';
import { open } from '../support/heddle.mjs';
import { serve } from '../support/llm-server.mjs';

// Bytes of length 2, 3 and 4, so that a split inside any of them shows.
const kText = 'Gr\u00fc\u00dfe \u4e16\u754c \u{1f9f6} end';
const stop = { openai: 'stop', anthropic: 'end_turn' };

for (const [name, make] of Object.entries(providers)) {
  for (const [way, ask1] of Object.entries(ways)) {
    test(`${name} ${way}: gives text, exact usage, finish reason and the model that answered`, async (t) => {
      const server = await serve(t, { respond: () => kText });
      const answer = await ask1(make(server), ask('three words here', { model: 'm-2' }));
      assert.deepEqual(answer, {
        text: kText,
        usage: { inputTokens: 3, outputTokens: 4, source: 'exact' },
        finishReason: stop[name],
        model: 'm-2',
        requestId: 'req_1',
      });
      assert.equal(server.stats().answered, 1);
    });

    test(`${name} ${way}: a server that reports no usage gives an estimate`, async (t) => {
      const server = await serve(t, { respond: () => '12345678', usage: false });
      const { usage } = await ask1(make(server), ask('abcd'));
      assert.deepEqual(usage, { inputTokens: 5, outputTokens: 2, source: 'estimated' });
    });

    test(`${name} ${way}: without reported usage a conversation that is not all text gives unknown`, async (t) => {
      const server = await serve(t, { usage: false });
      const { usage } = await ask1(
        make(server),
        ask([
          { type: 'text', text: 'what is it?' },
          { type: 'image', source: {} },
        ]),
      );
      assert.deepEqual(usage, { inputTokens: 0, outputTokens: 0, source: 'unknown' });
    });

    test(`${name} ${way}: understands bytes split inside events and characters, with CRLF and pings`, async (t) => {
      const server = await serve(t, { respond: () => kText, chunking: 'split', newline: '\r\n', pings: true });
      assert.equal((await ask1(make(server), ask('hi'))).text, kText);
    });

    test(`${name} ${way}: understands an answer of which every byte is read alone`, async (t) => {
      const server = await serve(t, { respond: () => kText });
      const bytewise = async (...args) => {
        const answer = await fetch(...args);
        const bytes = [...new Uint8Array(await answer.arrayBuffer())].map((byte) => Uint8Array.of(byte));
        return scriptedFetch(bytes, { contentType: answer.headers.get('content-type') }).fetch(...args);
      };
      assert.equal((await ask1(make(server), ask('hi'), attempt({ fetch: bytewise }))).text, kText);
    });

    test(`${name} ${way}: an empty answer is an answer`, async (t) => {
      const server = await serve(t, { respond: () => '' });
      assert.equal((await ask1(make(server), ask('hi'))).text, '');
    });

    test(`${name} ${way}: leaves no listener on the signal, whatever the outcome`, async (t) => {
      const server = await serve(t, {
        fault: ({ n }) => [undefined, 500, 'reset-before-headers', 'html-200', 'cut-stream'][n - 1],
      });
      const { signal } = new AbortController();
      for (let n = 1; n <= 5; n++) await ask1(make(server), ask('hi'), attempt({ signal })).catch(() => undefined);
      assert.equal(server.stats().requests, 5);
      assert.equal(getEventListeners(signal, 'abort').length, 0);
    });
  }

  test(`${name}: a stream gives the pieces as the server sent them, then stays at its end`, async (t) => {
    const server = await serve(t, { respond: () => ({ pieces: ['a ', '', 'b', ' c'] }) });
    const stream = await make(server).stream(ask('hi'), attempt());
    assert.throws(() => stream.answer(), ArgumentError);
    assert.deepEqual(await readAll(stream), ['a ', 'b', ' c']);
    assert.equal(await stream.next(), undefined);
    stream.close();
    assert.equal(stream.answer().text, 'a b c');
  });

  test(`${name}: after an error a stream throws the same one again, and has no answer`, async (t) => {
    const server = await serve(t, { respond: () => 'a b c', fault: () => 'cut-stream' });
    const stream = await make(server).stream(ask('hi'), attempt());
    assert.equal(await stream.next(), 'a ');
    const error = await rejection(stream.next());
    assert.equal(await rejection(stream.next()), error);
    assert.throws(() => stream.answer(), ArgumentError);
  });

  test(`${name}: a server that answers a streaming request with plain JSON is understood`, async (t) => {
    const server = await serve(t, {});
    const plain = (url, init) => fetch(url, { ...init, body: init.body.replace('"stream":true', '"stream":false') });
    const stream = await make(server).stream(ask('hi'), attempt({ fetch: plain }));
    assert.deepEqual(await readAll(stream), ['echo: hi']);
    assert.equal(stream.answer().usage.source, 'exact');
  });

  test(`${name}: sees a terminator whose blank line the server saved`, async () => {
    const events = {
      openai: ['{"choices":[{"delta":{"content":"x"}}]}', '[DONE]'],
      anthropic: [
        '{"type":"message_start"}',
        '{"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}',
        '{"type":"message_stop"}',
      ],
    };
    const { fetch } = scriptedFetch([events[name].map((data) => `data: ${data}`).join('\n\n')]);
    const stream = await make(nowhere).stream(ask('hi'), attempt({ fetch }));
    assert.deepEqual(await readAll(stream), ['x']);
  });

  test(`${name}: a request that cannot be written as JSON is refused unsent`, async (t) => {
    const server = await serve(t, {});
    const error = await rejection(make(server).complete(ask([{ type: 'text', text: 1n }]), attempt()));
    assert.equal(error.kind, 'invalid');
    assert.equal(server.stats().requests, 0);
  });

  test(`${name}: extra headers are sent, and win`, async (t) => {
    const server = await serve(t, {});
    await make(server, { headers: { 'X-Team': 'looms', Authorization: 'Other' } }).complete(ask('hi'), attempt());
    const { headers } = server.stats().log[0];
    assert.equal(headers['x-team'], 'looms');
    assert.equal(headers.authorization, 'Other');
  });
}

test('openai: sends what was asked, and asks a stream for its usage', async (t) => {
  const server = await serve(t, {});
  const provider = providers.openai(server);
  const messages = [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'hi', name: 'ann' },
  ];
  await provider.complete({ messages, maxTokens: 5, temperature: 0, sample: 2 }, attempt());
  await readAll(await provider.stream({ messages }, attempt()));
  const [whole, streaming] = server.stats().log;
  assert.deepEqual(whole.body, { model: 'm-1', messages, max_tokens: 5, temperature: 0 });
  assert.equal(whole.headers.authorization, `Bearer ${kKey}`);
  assert.deepEqual(streaming.body, { model: 'm-1', messages, stream: true, stream_options: { include_usage: true } });
  assert.equal(streaming.path, '/v1/chat/completions');
});

test('openai: a server that refuses stream_options ends the attempt, to be made again at once without, and not again after that', async (t) => {
  const refusal = {
    status: 400,
    body: { error: { message: 'Unrecognized request argument supplied: stream_options' } },
  };
  const server = await serve(t, {
    fault: ({ body }) => (body.stream_options ? refusal : undefined),
    respond: () => 'abcdefgh',
  });
  const provider = providers.openai(server);
  const error = await rejection(ways.streaming(provider, ask('hi')));
  assert.deepEqual([error.kind, error.status, error.retryAfter, isRetryable(error)], ['invalid', 400, 0, true]);
  for (let i = 0; i < 2; i++) {
    const answer = await ways.streaming(provider, ask('hi'));
    assert.equal(answer.usage.source, 'estimated');
  }
  assert.deepEqual(
    server.stats().log.map(({ body }) => 'stream_options' in body),
    [true, false, false],
  );
});

test('openai: a model that wants max_completion_tokens gets it, and other models do not', async (t) => {
  const message =
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
  const server = await serve(t, {
    fault: ({ body }) =>
      body.model === 'new' && 'max_tokens' in body ? { status: 400, body: { error: { message } } } : undefined,
  });
  const provider = providers.openai(server);
  const complete = (model) => provider.complete(ask('hi', { model, maxTokens: 9 }), attempt());
  // Two at once, of which neither can know of the other's refusal.
  const errors = await Promise.all([rejection(complete('new')), rejection(complete('new'))]);
  for (const error of errors) assert.deepEqual([error.retryAfter, isRetryable(error)], [0, true]);
  for (const model of ['new', 'old']) await complete(model);
  assert.deepEqual(
    server.stats().log.map(({ body }) => [body.model, body.max_tokens, body.max_completion_tokens]),
    [
      ['new', 9, undefined],
      ['new', 9, undefined],
      ['new', undefined, 9],
      ['old', 9, undefined],
    ],
  );
});

test("openai: OpenAI's own server gets max_completion_tokens from the first request on", async () => {
  const { fetch, seen } = scriptedFetch(['{}'], { contentType: 'application/json' });
  const provider = openai({ baseURL: 'https://api.openai.com/v1', apiKey: 'k', model: 'm' });
  await rejection(provider.complete(ask('hi', { maxTokens: 9 }), attempt({ fetch })));
  const { max_tokens, max_completion_tokens } = JSON.parse(seen.requests[0].body);
  assert.deepEqual([max_tokens, max_completion_tokens], [undefined, 9]);
});

test('openai: every request is an attempt, and a server that goes on refusing is not asked for ever', async (t) => {
  const message = 'stream_options and max_completion_tokens';
  const server = await serve(t, {
    fault: ({ body }) => ('stream_options' in body || 'max_tokens' in body ? { status: 400, body: { error: { message } } } : undefined),
  });
  const rt = await open(t, { provider: providers.openai(server), retry: { maxAttempts: 5 } });
  const stream = rt.llmStream('hi', { maxTokens: 9 });
  assert.equal((await stream.result).attempts, 3);
  assert.deepEqual([server.stats().requests, rt.getStats().llmCalls], [3, 3]);
  server.options.fault = () => ({ status: 400, body: { error: { message } } });
  const error = await rejection(rt.llm('hi', { maxTokens: 9 }));
  assert.deepEqual([error.kind, error.attempts, server.stats().requests], ['invalid', 1, 4]);
});

test('openai: a refusal of the model is an answer that says so, whole and streaming', async () => {
  const whole = JSON.stringify({ choices: [{ message: { content: null, refusal: 'I will not.' }, finish_reason: 'stop' }] });
  const delta = (refusal) => `data: ${JSON.stringify({ choices: [{ delta: { refusal } }] })}\n\n`;
  const end = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
  for (const [parts, contentType] of [
    [[whole], 'application/json'],
    [[delta('I will'), delta(' not.'), end], 'text/event-stream'],
  ]) {
    const { fetch } = scriptedFetch(parts, { contentType });
    const answer = await ways.streaming(providers.openai(nowhere), ask('hi'), attempt({ fetch }));
    assert.deepEqual([answer.text, answer.finishReason], ['I will not.', 'refusal']);
  }
});

test('anthropic: lifts system messages out, and always sends max_tokens and the version', async (t) => {
  const server = await serve(t, {});
  const messages = [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'hi' },
    { role: 'system', content: 'be kind' },
  ];
  await providers.anthropic(server).complete({ messages, temperature: 1 }, attempt());
  await providers.anthropic(server, { maxTokens: 11 }).complete(ask('hi'), attempt());
  await providers.anthropic(server, { maxTokens: 11 }).complete(ask('hi', { maxTokens: 3 }), attempt());
  const [first, second, third] = server.stats().log;
  assert.deepEqual(first.body, {
    model: 'm-1',
    max_tokens: 4096,
    system: 'be brief\n\nbe kind',
    messages: [messages[1]],
    temperature: 1,
  });
  assert.equal(first.headers['x-api-key'], kKey);
  assert.equal(first.headers['anthropic-version'], '2023-06-01');
  assert.equal(first.path, '/v1/messages');
  assert.deepEqual([second.body.max_tokens, third.body.max_tokens], [11, 3]);
});

test('anthropic: system messages made of parts stay parts', async (t) => {
  const server = await serve(t, {});
  const cached = { type: 'text', text: 'long', cache_control: { type: 'ephemeral' } };
  const messages = [
    { role: 'system', content: [cached] },
    { role: 'system', content: 's' },
    { role: 'user', content: 'hi' },
  ];
  await providers.anthropic(server).complete({ messages }, attempt());
  assert.deepEqual(server.stats().log[0].body.system, [cached, { type: 'text', text: 's' }]);
});

test('anthropic: a result of a tool that names no call is refused unsent, by its index', async (t) => {
  const server = await serve(t, {});
  const messages = [
    { role: 'user', content: 'hi' },
    { role: 'tool', content: '4' },
  ];
  const error = await rejection(providers.anthropic(server).complete({ messages }, attempt()));
  assert.equal(error.kind, 'invalid');
  assert.match(error.message, /messages\[1\]/);
  assert.equal(server.stats().requests, 0);
});

test('anthropic: cached input counts as input, thinking and unknown events are passed over', async () => {
  const events = [
    {
      type: 'message_start',
      message: {
        model: 'm-9',
        usage: { input_tokens: 1, cache_read_input_tokens: 20, cache_creation_input_tokens: 300, output_tokens: 1 },
      },
    },
    { type: 'content_block_delta', delta: { type: 'thinking_delta', thinking: 'hm' } },
    { type: 'something_new', delta: { type: 'text_delta', text: 'no' } },
    { type: 'content_block_delta', delta: { type: 'text_delta', text: 'yes' } },
    { type: 'message_delta', delta: { stop_reason: 'max_tokens' }, usage: { output_tokens: 9 } },
    { type: 'message_stop' },
  ];
  const { fetch } = scriptedFetch(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`));
  const provider = anthropic({ baseURL: 'http://a', apiKey: 'k', model: 'm' });
  assert.deepEqual(await ways.streaming(provider, ask('hi'), attempt({ fetch })), {
    text: 'yes',
    usage: { inputTokens: 321, outputTokens: 9, source: 'exact', cachedInputTokens: 20 },
    finishReason: 'max_tokens',
    model: 'm-9',
  });
});

test('anthropic: a stream without the final count of output tokens has no exact usage', async () => {
  const events = [
    { type: 'message_start', message: { usage: { input_tokens: 1, output_tokens: 1 } } },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
    { type: 'message_stop' },
  ];
  const { fetch } = scriptedFetch(events.map((event) => `data: ${JSON.stringify(event)}\n\n`));
  const provider = anthropic({ baseURL: 'http://a', apiKey: 'k', model: 'm' });
  assert.equal((await ways.streaming(provider, ask('hi'), attempt({ fetch }))).usage.source, 'estimated');
});

test('the address of a request: trailing slashes, queries, and a version that is there already', async () => {
  const cases = [
    [openai, 'http://a.example/v1/', 'http://a.example/v1/chat/completions'],
    [openai, 'https://a.example/x/v1?api-version=2', 'https://a.example/x/v1/chat/completions?api-version=2'],
    [anthropic, 'https://a.example', 'https://a.example/v1/messages'],
    [anthropic, 'https://a.example/v1/', 'https://a.example/v1/messages'],
  ];
  for (const [make, baseURL, url] of cases) {
    const { fetch, seen } = scriptedFetch(['{}'], { contentType: 'application/json' });
    await rejection(make({ baseURL, apiKey: 'k', model: 'm' }).complete(ask('hi'), attempt({ fetch })));
    assert.equal(seen.requests[0].url, url);
  }
});

test('bad options are refused at the factory by a ConfigError that names the key and shows no secret', () => {
  const good = { baseURL: 'http://127.0.0.1:1/v1', apiKey: 'key-12345', model: 'm' };
  const bad = [
    [{ baseURL: undefined }, 'baseURL'],
    [{ baseURL: '' }, 'baseURL'],
    [{ baseURL: 'api.example.com/v1' }, 'baseURL'],
    [{ baseURL: 'ftp://a/v1' }, 'baseURL'],
    [{ baseURL: '/v1' }, 'baseURL'],
    [{ baseURL: 7 }, 'baseURL'],
    [{ baseURL: 'key-12345' }, 'baseURL'],
    [{ baseURL: 'http://me:key-12345@a/v1' }, 'baseURL'],
    [{ apiKey: undefined }, 'apiKey'],
    [{ apiKey: '' }, 'apiKey'],
    [{ apiKey: 'key-12345\n' }, 'apiKey'],
    [{ apiKey: 7 }, 'apiKey'],
    [{ model: undefined }, 'model'],
    [{ model: '' }, 'model'],
    [{ model: null }, 'model'],
    [{ headers: 'x' }, 'headers'],
    [{ headers: { 'a b': 'x' } }, 'headers.a b'],
    [{ headers: { a: 1 } }, 'headers.a'],
    [{ headers: { a: 'key-12345\r\nb: c' } }, 'headers.a'],
    [{ baseUrl: 'http://a/v1' }, 'baseUrl'],
  ];
  for (const [name, make, more] of [
    ['openai', openai, []],
    [
      'anthropic',
      anthropic,
      [
        [{ maxTokens: 0 }, 'maxTokens'],
        [{ maxTokens: 1.5 }, 'maxTokens'],
        [{ maxTokens: '9' }, 'maxTokens'],
      ],
    ],
  ]) {
    for (const [change, key] of [...bad, ...more]) {
      assert.throws(
        () => make({ ...good, ...change }),
        (error) => {
          assert.ok(error instanceof ConfigError, inspect(error));
          assert.equal(error.key, `${name}.${key}`);
          assert.ok(error.message.includes(`${name}.${key}`), error.message);
          assert.ok(!error.message.includes('key-12345'), error.message);
          return true;
        },
      );
    }
    assert.throws(() => make(), ConfigError);
    assert.throws(() => make(null), ConfigError);
    assert.doesNotThrow(() => make({ ...good, headers: undefined }));
  }
});
