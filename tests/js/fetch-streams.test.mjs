// Streams through rt.fetch: what is repeated, the bytes, the place they hold, how they end.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertNothingLeft } from '../support/calls.mjs';
import { scriptedFetch } from '../support/llm-client.mjs';
import { serve } from '../support/llm-server.mjs';
import { hasCode, rejection, turns, until } from '../support/tasks.mjs';

const { CancellationError, ClosedError } = heddle;

const quick = { retry: { baseDelay: 1, maxDelay: 1, maxAttempts: 3 } };
const protocols = {
  openai: (server) => `${server.openaiBaseURL}/chat/completions`,
  responses: (server) => `${server.openaiBaseURL}/responses`,
  anthropic: (server) => `${server.anthropicBaseURL}/v1/messages`,
};

function asking(content, more) {
  const body = { model: 'm', max_tokens: 100, stream: true, messages: [{ role: 'user', content }], input: content };
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), ...more };
}

/** The parts of a body as text, until it ends or fails. */
async function read(response, onPart = () => undefined) {
  let text = '';
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
    await onPart(text);
  }
}

const masked = (text) => text.replace(/(req|resp|chatcmpl|msg|item|call)_?-?[a-z]*_?\d+/g, 'id').replace(/"request_id":"[^"]*"/g, '');

for (const [protocol, urlOf] of Object.entries(protocols)) {
  async function connected(t, options = {}, config = {}) {
    const server = await serve(t, options);
    const rt = await open(t, { ...quick, ...config });
    return { server, rt, url: urlOf(server) };
  }

  for (const chunking of ['event', 'split']) {
    test(`${protocol}: the body is the server's, byte for byte, sent ${chunking} by ${chunking}`, async (t) => {
      const { server, rt, url } = await connected(t, { respond: () => 'gr\u00fc\u00dfe \u{1f44b} end', chunking, pings: true, newline: '\r\n' });
      const bare = await (await fetch(url, asking('hi'))).text();
      const response = await rt.fetch(url, asking('hi'));
      assert.match(response.headers.get('content-type'), /event-stream/);
      assert.equal(masked(await read(response)), masked(bare));
      await assertNothingLeft(rt, server);
    });
  }

  test(`${protocol}: an overload before the first token is repeated, and the caller sees only the good stream`, async (t) => {
    const { server, rt, url } = await connected(t, { fault: ({ attempt }) => (attempt < 3 ? { fault: 'error-in-stream', after: 0 } : undefined) });
    const text = await (await rt.fetch(url, asking('hi'))).text();
    assert.doesNotMatch(text, /overload/i);
    assert.equal(server.stats().requests, 3);
    assert.equal(rt.getStats().llmRetries, 2);
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: an overload before the first token of the last attempt is handed over as it came`, async (t) => {
    const { server, rt, url } = await connected(t, { fault: () => ({ fault: 'error-in-stream', after: 0 }) });
    const response = await rt.fetch(url, asking('hi'));
    assert.deepEqual([response.status, response.headers.get('x-should-retry')], [200, 'false']);
    assert.match(await response.text(), /overload/i);
    assert.equal(server.stats().requests, 3);
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: an overload after the first token passes, and is not repeated`, async (t) => {
    const { server, rt, url } = await connected(t, { fault: () => ({ fault: 'error-in-stream', after: 1 }) });
    assert.match(await (await rt.fetch(url, asking('a b c'))).text(), /overload/i);
    assert.equal(server.stats().requests, 1);
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: a connection lost after the first token fails the body`, async (t) => {
    const { server, rt, url } = await connected(t, { fault: () => 'reset-mid-stream' });
    const response = await rt.fetch(url, asking('a b c'));
    await rejection(response.text());
    assert.equal(server.stats().requests, 1);
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: a stream that ends without its terminator fails the body, after its last byte`, async (t) => {
    const { server, rt, url } = await connected(t, { respond: () => 'one two three', fault: () => ({ fault: 'cut-stream', after: 2 }) });
    let seen = '';
    const error = hasCode(await rejection(read(await rt.fetch(url, asking('hi')), (text) => (seen = text))), 'LLMError');
    assert.equal(error.kind, 'transport');
    assert.match(seen, /two/);
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: a stream holds its place until it was read`, async (t) => {
    const { server, rt, url } = await connected(t, { respond: () => 'one two three', pauseAfter: 2 }, { maxConcurrentLLMCalls: 1 });
    const response = await rt.fetch(url, asking('first'));
    server.options.pauseAfter = undefined;
    const second = rt.fetch(url, asking('second'));
    await server.whenHeld(1);
    assert.deepEqual([rt.getStats().concurrentLLMCalls, rt.getStats().waitingLLMCalls], [1, 1]);
    server.release();
    assert.match(await read(response), /three/);
    assert.match(await read(await second), /three/);
    assert.equal(server.stats().maxOpen, 1);
    await assertNothingLeft(rt, server);
  });

  const ends = {
    'cancel() of the body': (response) => response.body.cancel(),
    'leaving a loop over the body': async (response) => {
      for await (const part of response.body) {
        assert.ok(part.length > 0);
        break;
      }
    },
    'cancel() of a reader': async (response) => {
      const reader = response.body.getReader();
      await reader.read();
      await reader.cancel('enough');
    },
  };
  for (const [name, end] of Object.entries(ends)) {
    test(`${protocol}: ${name} closes the socket and frees the place`, async (t) => {
      const { server, rt, url } = await connected(t, { respond: () => 'one two three', pauseAfter: 1 }, { maxConcurrentLLMCalls: 1 });
      await end(await rt.fetch(url, asking('hi')));
      await server.whenAborted(1);
      await until('the place is free', () => rt.getStats().concurrentLLMCalls === 0);
      await assertNothingLeft(rt, server);
    });
  }

  test(`${protocol}: the caller's signal in mid-stream fails the pending read with its reason`, async (t) => {
    const { server, rt, url } = await connected(t, { respond: () => 'one two three', pauseAfter: 1 });
    const controller = new AbortController();
    const reason = new Error('enough');
    const response = await rt.fetch(url, asking('hi', { signal: controller.signal }));
    const reading = rejection(read(response));
    await server.whenHeld(1);
    await turns();
    controller.abort(reason);
    assert.equal(await reading, reason);
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    await server.whenAborted(1);
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: a cancel of the task in mid-stream fails the read with its CancellationError`, async (t) => {
    const { server, rt, url } = await connected(t, { respond: () => 'one two three', pauseAfter: 1 });
    let seen;
    const task = rt.submit(async (ctx) => {
      seen = await rejection(read(await ctx.fetch(url, asking('hi'))));
    });
    await server.whenHeld(1);
    await turns();
    rt.cancel(task.id, 'enough');
    await rejection(task.promise);
    await until('the body heard of it', () => seen !== undefined);
    assert.ok(seen instanceof CancellationError);
    assert.equal(seen.reason, 'enough');
    await server.whenAborted(1);
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: a stream ends with its task`, async (t) => {
    const { server, rt, url } = await connected(t, { respond: () => 'one two three', pauseAfter: 1 });
    const response = await rt.submit((ctx) => ctx.fetch(url, asking('hi'))).promise;
    assert.ok((await rejection(read(response))) instanceof CancellationError);
    await server.whenAborted(1);
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: close() in mid-stream fails the read with a ClosedError`, async (t) => {
    const { server, rt, url } = await connected(t, { respond: () => 'one two three', pauseAfter: 1 });
    const reading = rejection(read(await rt.fetch(url, asking('hi'))));
    await server.whenHeld(1);
    await rt.close();
    const error = await reading;
    assert.ok(error instanceof ClosedError || error instanceof CancellationError, String(error));
    await server.whenAborted(1);
  });

  test(`${protocol}: timeout covers the reading of the body`, async (t) => {
    const { server, rt, url } = await connected(t, { respond: () => 'one two three', pauseAfter: 1 });
    const response = await rt.fetchWith({ timeout: 50 })(url, asking('hi'));
    hasCode(await rejection(read(response)), 'Timeout');
    await server.whenAborted(1);
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: onResult tells the tokens that the stream named, once it was read`, async (t) => {
    const { rt, url } = await connected(t, { respond: () => ({ text: 'a b', usage: { input: 11, output: 7 } }) });
    const results = [];
    const own = rt.fetchWith({ onResult: (result) => results.push(result) });
    const { body, ...rest } = asking('hi');
    const asked = JSON.stringify({ ...JSON.parse(body), stream_options: { include_usage: true } });
    const response = await own(url, { ...rest, body: asked });
    assert.equal(results.length, 0);
    await response.text();
    assert.deepEqual(results.map(({ usage, model, status, attempts }) => ({ usage, model, status, attempts })), [
      { usage: { inputTokens: 11, outputTokens: 7, source: 'exact' }, model: 'm', status: 200, attempts: 1 },
    ]);
  });
}

const chatParts = ['data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n', 'data: {"choices":[{"delta":{"content":"x"}}]}\n\n', 'data: {"choices":[{"delta":{"content":"y"}}]}\n\n', 'data: [DONE]\n\n'];
const nowhere = 'http://a.example/v1/chat/completions';

test('nothing is read of a stream beyond its first token unless the caller reads', async (t) => {
  const { fetch, seen } = scriptedFetch(chatParts);
  const rt = await open(t, { fetch });
  const response = await rt.fetch(nowhere, asking('hi'));
  await turns();
  assert.equal(seen.pulls, 2);
  const reader = response.body.getReader();
  for (const pulls of [2, 2, 3, 4]) {
    await reader.read();
    await turns();
    assert.equal(seen.pulls, pulls);
  }
  assert.equal((await reader.read()).done, true);
  await assertNothingLeft(rt);
});

test('a stream whose Response nobody can reach any more is closed, and its place is free', async (t) => {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  const { fetch, seen } = scriptedFetch(chatParts, { endless: true });
  const rt = await open(t, { fetch });
  await (async () => void (await rt.fetch(nowhere, asking('hi'))))();
  // The promise made last is remembered until the next one.
  await rt.delay(0);
  assert.equal(rt.getStats().concurrentLLMCalls, 1);
  await until('collected', () => {
    gc();
    return rt.getStats().concurrentLLMCalls === 0;
  });
  assert.equal(seen.cancelled, true);
});

test('a stream that is still read is not closed, although its Response is dropped', async (t) => {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  const { fetch } = scriptedFetch(chatParts);
  const rt = await open(t, { fetch });
  const reader = await (async () => (await rt.fetch(nowhere, asking('hi'))).body.getReader())();
  let text = '';
  for (;;) {
    for (let i = 0; i < 3; i++) {
      gc();
      await turns(2);
    }
    const { done, value } = await reader.read();
    if (done) break;
    text += new TextDecoder().decode(value);
  }
  assert.equal(text, chatParts.join(''));
});

test('a page of HTML as the answer to a streaming request is read as it is, and then fails', async (t) => {
  const { fetch } = scriptedFetch(['<!doctype html>\n<p>hi</p>\n'], { contentType: 'text/html' });
  const rt = await open(t, { fetch });
  let seen = '';
  const error = hasCode(await rejection(read(await rt.fetch(nowhere, asking('hi')), (text) => (seen = text))), 'LLMError');
  assert.equal(error.kind, 'protocol');
  assert.match(seen, /<p>hi/);
  await assertNothingLeft(rt);
});

test('lines of JSON (Ollama) come piece by piece', async (t) => {
  const parts = ['{"model":"o","message":{"content":"x"}}\n', '{"model":"o","done":true,"prompt_eval_count":3,"eval_count":2}\n'];
  const { fetch, seen } = scriptedFetch(parts, { contentType: 'application/x-ndjson' });
  const rt = await open(t, { fetch });
  const results = [];
  const own = rt.fetchWith({ onResult: (result) => results.push(result.usage) });
  const response = await own('http://localhost:11434/api/chat', { method: 'POST', body: '{"model":"o"}' });
  assert.equal(seen.pulls, 0);
  assert.equal(await response.text(), parts.join(''));
  assert.deepEqual(results, [{ inputTokens: 3, outputTokens: 2, source: 'exact' }]);
  await assertNothingLeft(rt);
});
