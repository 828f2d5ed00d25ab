// rt.fetch by itself: what is a model's request, what is repeated, what the caller gets, how it ends early. Long because it has
// the whole contract of fetch beside that of a call.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertNothingLeft } from '../support/calls.mjs';
import { rateLimited, serve } from '../support/llm-server.mjs';
import { hasCode, rejection, SignalCounter, thrown, turns, until } from '../support/tasks.mjs';

const { LLMError, CancellationError, ClosedError } = heddle;

const quick = { retry: { baseDelay: 1, maxDelay: 1, maxAttempts: 3 } };
const chat = (content, more) => JSON.stringify({ model: 'm', messages: [{ role: 'user', content }], ...more });
const post = (body, more) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body, ...more });
const urlOf = (server) => `${server.openaiBaseURL}/chat/completions`;
const textOf = (answer) => answer.choices[0].message.content;

async function connected(t, options = {}, config = {}) {
  const server = await serve(t, options);
  const rt = await open(t, { ...quick, ...config });
  return { server, rt, url: urlOf(server) };
}

/** A fetch that counts what it is asked, and answers with a text. */
function scripted(answer = () => new Response('{}', { headers: { 'content-type': 'application/json' } })) {
  const seen = [];
  const fetch = async (input, init) => {
    seen.push({ input, init });
    return answer(input, init);
  };
  return { fetch, seen };
}

test('a fetch that was given is called on nothing, as a browser demands of its own', async (t) => {
  const { fetch } = scripted();
  const seen = [];
  const rt = await open(t, {
    fetch(...args) {
      seen.push(this);
      return fetch(...args);
    },
  });
  await rt.fetch('http://a.example/v1/chat/completions', post(chat('hi')));
  await rt.fetch('http://a.example/other');
  assert.deepEqual(seen, [undefined, undefined]);
  await assertNothingLeft(rt);
});

// --- What counts as a model's ---

const models = [
  'https://api.openai.com/v1/chat/completions',
  'https://x.example/openai/deployments/d/chat/completions?api-version=1',
  'https://api.openai.com/v1/completions',
  'https://api.openai.com/v1/responses',
  'https://api.openai.com/v1/embeddings',
  'https://api.anthropic.com/v1/messages',
  'https://g.example/v1beta/models/g:generateContent?key=k',
  'https://g.example/v1beta/models/g:streamGenerateContent?alt=sse',
  'http://localhost:11434/api/chat',
  'http://localhost:11434/api/generate',
  'https://api.openai.com/v1/chat/completions/',
];
const others = [
  ['https://api.openai.com/v1/models', {}],
  ['https://api.openai.com/v1/files', { method: 'POST', body: '{}' }],
  ['https://api.anthropic.com/v1/messages/count_tokens', { method: 'POST', body: '{}' }],
  ['https://api.openai.com/v1/chat/completions', { method: 'GET' }],
  ['https://api.openai.com/v1/chat/completions', { method: 'POST', body: 'a=b' }],
  ['https://a.example/?next=/chat/completions', { method: 'POST', body: '{}' }],
  ['https://api.openai.com/v1/chat/completions', { method: 'POST' }],
];

for (const url of models) {
  test(`${url}: a POST of JSON is a call to a model`, async (t) => {
    const { fetch } = scripted();
    const rt = await open(t, { fetch });
    await (await rt.fetch(url, { method: 'POST', body: '{"model":"m"}' })).json();
    await (await rt.fetch(new URL(url), { method: 'post', body: new TextEncoder().encode(' {}') })).json();
    const json = { 'content-type': 'application/json' };
    await (await rt.fetch(new Request(url, { method: 'POST', body: '{}', headers: json }))).json();
    await (await rt.fetch(url, { method: 'POST', body: new Blob(['{}'], { type: 'application/json' }) })).json();
    assert.equal(rt.getStats().llmCalls, 4);
    await assertNothingLeft(rt);
  });
}

for (const [url, init] of others) {
  test(`${init.method ?? 'GET'} ${url} ${init.body ?? ''}: is no call to a model`, async (t) => {
    const { fetch, seen } = scripted(() => new Response('no', { status: 503 }));
    const rt = await open(t, { ...quick, fetch });
    assert.equal((await rt.fetch(url, init)).status, 503);
    assert.equal(seen.length, 1);
    assert.equal(rt.getStats().llmCalls, 0);
    await assertNothingLeft(rt);
  });
}

test('options.llm decides before the list does, where it decides', async (t) => {
  const { fetch } = scripted();
  const rt = await open(t, { fetch });
  const asked = [];
  const own = rt.fetchWith({
    llm(url, init) {
      asked.push([url, init?.method]);
      return url.endsWith('/mine') ? true : url.endsWith('/v1/responses') ? false : undefined;
    },
  });
  for (const path of ['mine', 'v1/responses', 'v1/embeddings']) await own(`http://a.example/${path}`, { method: 'POST', body: '{}' });
  assert.equal(rt.getStats().llmCalls, 2);
  assert.deepEqual(asked[0], ['http://a.example/mine', 'POST']);
});

// --- Answers ---

test('an answer is the server\'s own Response: status, headers, url, and a body that is used once', async (t) => {
  const { rt, server, url } = await connected(t);
  const response = await rt.fetch(url, post(chat('hi')));
  assert.ok(response instanceof Response);
  assert.deepEqual([response.status, response.ok, response.url, response.type, response.redirected], [200, true, url, 'basic', false]);
  assert.equal(response.headers.get('x-request-id'), 'req_1');
  assert.equal(response.bodyUsed, false);
  assert.equal(rt.getStats().concurrentLLMCalls, 0, 'its place is free before the caller reads');
  assert.equal(textOf(await response.json()), 'echo: hi');
  assert.equal(response.bodyUsed, true);
  for (const method of ['json', 'text', 'arrayBuffer', 'blob']) assert.ok((await rejection(response[method]())) instanceof TypeError, method);
  assert.throws(() => response.clone(), TypeError);
  await assertNothingLeft(rt, server);
});

const readings = {
  text: (r) => r.text(),
  json: async (r) => JSON.stringify(await r.json()),
  arrayBuffer: async (r) => new TextDecoder().decode(await r.arrayBuffer()),
  bytes: async (r) => new TextDecoder().decode(await r.bytes()),
  blob: async (r) => {
    const blob = await r.blob();
    assert.match(blob.type, /json/);
    return blob.text();
  },
  body: async (r) => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const part of r.body) text += decoder.decode(part, { stream: true });
    return text;
  },
  clone: async (r) => {
    const twin = r.clone();
    assert.deepEqual([twin.status, twin.url], [r.status, r.url]);
    const [a, b] = await Promise.all([r.text(), twin.text()]);
    assert.equal(a, b);
    return a;
  },
  'a new Response of its body': (r) => new Response(r.body, r).text(),
};

for (const [name, read] of Object.entries(readings)) {
  test(`an answer is read by ${name} as the server sent it`, async (t) => {
    const { rt, server, url } = await connected(t, { respond: () => 'gr\u00fc\u00dfe \u{1f44b}', chunking: 'split' });
    const bare = JSON.stringify({ ...(await (await fetch(url, post(chat('hi')))).json()), id: 'chatcmpl-2' });
    const response = await rt.fetch(url, post(chat('hi')));
    assert.equal(await read(response), bare);
    assert.equal(response.bodyUsed, true);
    await assertNothingLeft(rt, server);
  });
}

test('rt.fetch is one bound function, ctx.fetch one for its task', async (t) => {
  const { rt, url } = await connected(t);
  const { fetch } = rt;
  assert.equal(fetch, rt.fetch);
  assert.equal((await fetch(url, post(chat('a')))).status, 200);
  await rt.submit(async (ctx) => {
    const { fetch } = ctx;
    assert.equal(fetch, ctx.fetch);
    assert.notEqual(fetch, rt.fetch);
    assert.equal(textOf(await (await fetch(url, post(chat('b')))).json()), 'echo: b');
  }).promise;
});

test('rt.fetch finds the task whose segment runs, and with asyncContext the one that waits', async (t) => {
  for (const asyncContext of [false, true]) {
    const { rt, server, url } = await connected(t, { latencyMs: 'manual' }, { asyncContext });
    let seen;
    const task = rt.submit(async () => {
      if (asyncContext) await undefined;
      seen = await rejection(rt.fetch(url, post(chat('hi'))));
    });
    await server.whenHeld(1);
    rt.cancel(task.id, 'enough');
    await rejection(task.promise);
    await until('the body heard of it', () => seen !== undefined);
    assert.equal(hasCode(seen, 'Cancelled').reason, 'enough');
    await assertNothingLeft(rt, server);
  }
});

test('a generator body yields a fetch as any operation', async (t) => {
  const { rt, url } = await connected(t);
  const task = rt.submit(function* (ctx) {
    const response = yield ctx.fetch(url, post(chat('g')));
    return textOf(yield response.json());
  });
  assert.equal(await task.promise, 'echo: g');
});

// --- Refusals and repetition ---

test('a refusal that is not repeated is the server\'s Response, with x-should-retry: false', async (t) => {
  const { rt, server, url } = await connected(t, { fault: () => ({ status: 422, headers: { 'x-own': '1' }, body: { error: { message: 'no' } } }) });
  const response = await rt.fetch(url, post(chat('hi')));
  assert.deepEqual([response.status, response.ok, response.url], [422, false, url]);
  assert.equal(response.headers.get('x-own'), '1');
  assert.equal(response.headers.get('x-should-retry'), 'false');
  assert.deepEqual(await response.json(), { error: { message: 'no' } });
  assert.equal(server.stats().requests, 1);
  await assertNothingLeft(rt, server);
});

for (const status of [408, 409, 429, 500, 502, 503, 529]) {
  test(`${status}: is repeated; after the last attempt the caller gets the last Response`, async (t) => {
    const { rt, server, url } = await connected(t, { fault: ({ attempt }) => ({ status, body: { error: { message: `attempt ${attempt}` } } }) });
    const response = await rt.fetch(url, post(chat('hi')));
    assert.equal(response.status, status);
    assert.equal((await response.json()).error.message, 'attempt 3');
    assert.equal(server.stats().requests, 3);
    assert.equal(rt.getStats().llmRetries, 2);
    await assertNothingLeft(rt, server);
  });
}

for (const status of [400, 401, 403, 404, 422]) {
  test(`${status}: is not repeated`, async (t) => {
    const { rt, server, url } = await connected(t, { fault: () => status });
    assert.equal((await rt.fetch(url, post(chat('hi')))).status, status);
    assert.equal(server.stats().requests, 1);
  });
}

for (const spelling of ['seconds', 'ms', 'date']) {
  test(`Retry-After as ${spelling} is waited for`, async (t) => {
    const { rt, server, url } = await connected(t, { fault: ({ attempt }) => (attempt === 1 ? rateLimited(spelling, 30_000) : undefined) }, { clock: 'virtual' });
    assert.equal(textOf(await (await rt.fetch(url, post(chat('hi')))).json()), 'echo: hi');
    assert.equal(rt.clock.now(), 30_000);
    assert.equal(server.stats().requests, 2);
  });
}

test('a Retry-After beyond maxRetryAfter hands over the server\'s Response at once', async (t) => {
  const { rt, server, url } = await connected(t, { fault: () => rateLimited('seconds', 3_600_000) });
  const response = await rt.fetch(url, post(chat('hi')));
  assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '3600']);
  assert.equal(server.stats().requests, 1);
  await assertNothingLeft(rt, server);
});

test('a lost connection is repeated; after the last attempt it rejects with an LLMError whose cause is the fetch\'s', async (t) => {
  const { rt, server, url } = await connected(t, { fault: () => 'reset-before-headers' });
  const error = await rejection(rt.fetch(url, post(chat('hi'))));
  assert.ok(error instanceof LLMError);
  assert.deepEqual([error.kind, error.attempts], ['transport', 3]);
  assert.ok(error.cause instanceof TypeError);
  assert.equal(server.stats().requests, 3);
  await assertNothingLeft(rt, server);
});

test('an answer that breaks off in its body is repeated', async (t) => {
  const { rt, server, url } = await connected(t, { fault: ({ attempt }) => (attempt < 3 ? 'reset-mid-body' : undefined) });
  assert.equal(textOf(await (await rt.fetch(url, post(chat('hi')))).json()), 'echo: hi');
  assert.equal(server.stats().requests, 3);
  await assertNothingLeft(rt, server);
});

test('a refusal longer than 64 KB is classified by its beginning and handed over whole', async (t) => {
  const long = JSON.stringify({ error: { message: 'x'.repeat(300_000) } });
  const { rt, server, url } = await connected(t, { fault: () => ({ status: 503, body: long }) });
  const response = await rt.fetch(url, post(chat('hi')));
  assert.equal(await response.text(), long);
  assert.equal(server.stats().requests, 3);
  await assertNothingLeft(rt, server);
});

test('garbage with status 200 is the caller\'s to judge, and is not repeated', async (t) => {
  const { rt, server, url } = await connected(t, { fault: () => 'html-200' });
  assert.match(await (await rt.fetch(url, post(chat('hi')))).text(), /doctype/);
  assert.equal(server.stats().requests, 1);
});

test('requests wait for a place and take it in turn', async (t) => {
  const { rt, server, url } = await connected(t, { latencyMs: 'manual' }, { maxConcurrentLLMCalls: 2 });
  const answers = Promise.all(Array.from({ length: 6 }, (_, i) => rt.fetch(url, post(chat(`n${i}`)))));
  for (let i = 0; i < 3; i++) {
    await server.whenHeld(2);
    assert.equal(rt.getStats().waitingLLMCalls, 4 - 2 * i);
    server.release();
  }
  assert.deepEqual((await answers).map(({ status }) => status), Array(6).fill(200));
  assert.equal(server.stats().maxOpen, 2);
  // Two that are sent together may arrive in either order.
  const came = server.stats().log.map(({ prompt }) => prompt);
  for (let i = 0; i < 6; i += 2) assert.deepEqual(came.slice(i, i + 2).sort(), [`n${i}`, `n${i + 1}`]);
  await assertNothingLeft(rt, server);
});

test('other requests need no place', async (t) => {
  const { rt, server, url } = await connected(t, { latencyMs: 'manual' }, { maxConcurrentLLMCalls: 1 });
  const held = rt.fetch(url, post(chat('held')));
  await server.whenHeld(1);
  assert.equal((await rt.fetch(`${server.url}/nothing`)).status, 404);
  server.release();
  await held;
});

// --- Bodies ---

const resent = {
  'a string': () => chat('hi'),
  'a Uint8Array': () => new TextEncoder().encode(chat('hi')),
  'an ArrayBuffer': () => new TextEncoder().encode(chat('hi')).buffer,
  'a Blob': () => new Blob([chat('hi')], { type: 'application/json' }),
};

for (const [name, body] of Object.entries(resent)) {
  test(`${name} is sent again`, async (t) => {
    const { rt, server, url } = await connected(t, { fault: ({ attempt }) => (attempt === 1 ? 503 : undefined) });
    assert.equal(textOf(await (await rt.fetch(url, post(body()))).json()), 'echo: hi');
    assert.equal(server.stats().requests, 2);
  });
}

test('a Request is read once and sent again', async (t) => {
  const { rt, server, url } = await connected(t, { fault: ({ attempt }) => (attempt === 1 ? 503 : undefined) });
  const request = new Request(url, post(chat('hi'), { headers: { 'content-type': 'application/json', authorization: 'Bearer k' } }));
  assert.equal(textOf(await (await rt.fetch(request)).json()), 'echo: hi');
  assert.equal(request.bodyUsed, true);
  assert.deepEqual(server.stats().log.map(({ headers }) => headers.authorization), ['Bearer k', 'Bearer k']);
});

test('a Request whose body is too long to keep is sent once, whole', async (t) => {
  const long = `{"x":"${'y'.repeat(17 * 1024 * 1024)}"}`;
  const bodies = [];
  const { fetch } = scripted(async (input, init) => {
    bodies.push(await new Response(init.body).text());
    return new Response('no', { status: 503 });
  });
  const rt = await open(t, { ...quick, fetch });
  const response = await rt.fetch(new Request('http://a.example/v1/messages', post(long)));
  assert.equal(response.status, 503);
  assert.deepEqual(bodies.map((body) => body === long), [true]);
  await assertNothingLeft(rt);
});

for (const fault of [503, 'reset-before-headers']) {
  test(`a stream as body is sent once, whatever comes of it: ${fault}`, async (t) => {
    const { rt, server, url } = await connected(t, { fault: () => fault });
    const body = new Blob([chat('hi')]).stream();
    const answer = await rt.fetch(url, post(body, { duplex: 'half' })).catch((error) => error);
    assert.ok(answer.status === 503 || answer.kind === 'transport');
    assert.equal(server.stats().requests, 1);
    await assertNothingLeft(rt, server);
  });
}

test('a stream that is never sent is cancelled', async (t) => {
  const { rt, server, url } = await connected(t, { latencyMs: 'manual' }, { maxConcurrentLLMCalls: 1 });
  const first = rt.fetch(url, post(chat('first')));
  await server.whenHeld(1);
  let cancelled;
  const body = new ReadableStream({ cancel: (reason) => void (cancelled = reason) });
  const controller = new AbortController();
  const own = rt.fetchWith({ llm: () => true });
  const answer = rejection(own(url, post(body, { duplex: 'half', signal: controller.signal })));
  await turns();
  controller.abort('enough');
  assert.equal(await answer, 'enough');
  assert.equal(cancelled, 'enough');
  server.release();
  await first;
  await assertNothingLeft(rt, server);
});

test('a Request that was read already is refused as fetch refuses it, also when nobody waits for it', async (t) => {
  const { rt, server, url } = await connected(t);
  const request = new Request(url, post(chat('hi')));
  await request.text();
  assert.ok((await rejection(rt.fetch(request))) instanceof TypeError);
  const controller = new AbortController();
  const answer = rejection(rt.fetch(new Request(url, post(chat('x'))), { signal: controller.signal }));
  controller.abort('enough');
  assert.equal(await answer, 'enough');
  assert.equal(rt.getStats().llmRetries, 0);
  await turns();
  await assertNothingLeft(rt, server);
});

test('no key is told, neither of a header nor of the address', async (t) => {
  const key = 'sk-very-secret-key';
  const { fetch } = scripted(() => new Response(JSON.stringify({ error: { message: `the key ${key} is wrong` } }), { status: 401 }));
  const rt = await open(t, { fetch });
  const results = [];
  const own = rt.fetchWith({ onResult: (result) => results.push(result) });
  await own('http://a.example/v1/messages', post('{}', { headers: { 'x-api-key': key } }));
  await own(`http://a.example/v1beta/models/g:generateContent?key=${key}`, post('{}'));
  await turns();
  for (const { timings } of results) assert.match(timings.attempts[0].error.message, /the key \[redacted\] is wrong/);
  assert.equal(results.length, 2);
});

test('forms and search parameters are copied and resent', async (t) => {
  const bodies = [];
  const { fetch } = scripted(async (url, init) => {
    const body = await new Response(init.body).text();
    bodies.push(body);
    const isFirst = bodies.filter((one) => one[0] === body[0]).length === 1;
    return new Response('', { status: isFirst ? 503 : 200 });
  });
  const rt = await open(t, { ...quick, fetch });
  const own = rt.fetchWith({ llm: () => true });
  const search = new URLSearchParams({ a: '1' });
  const form = new FormData();
  form.set('b', '2');
  const answers = [own('http://a.example', { method: 'POST', body: search }), own('http://a.example', { method: 'POST', body: form })];
  search.set('a', 'changed');
  form.set('b', 'changed');
  assert.deepEqual((await Promise.all(answers)).map(({ status }) => status), [200, 200]);
  assert.equal(bodies.filter((body) => body === 'a=1').length, 2);
  assert.equal(bodies.filter((body) => /name="b"\s+2\s/.test(body)).length, 2);
});

test('what the caller changes after the call changes nothing', async (t) => {
  const { rt, server, url } = await connected(t, {}, { maxConcurrentLLMCalls: 1 });
  const headers = { 'content-type': 'application/json', 'x-own': 'a' };
  const bytes = new TextEncoder().encode(chat('hi'));
  const init = { method: 'POST', headers, body: bytes };
  const answer = rt.fetch(url, init);
  headers['x-own'] = 'b';
  bytes.fill(0);
  init.body = '{}';
  assert.equal(textOf(await (await answer).json()), 'echo: hi');
  assert.equal(server.stats().log[0].headers['x-own'], 'a');
});

// --- Early ends ---

const moments = {
  'in the queue': { prepare: (server, rt, url) => rt.fetch(url, post(chat('first'))), reached: (server) => server.whenHeld(1) },
  'in flight': { reached: (server) => server.whenHeld(1) },
  'between two attempts': { options: { latencyMs: 0, fault: () => rateLimited('seconds', 30_000) }, reached: (server, rt) => until('backoff', () => rt.getStats().backoffLLMCalls === 1) },
  'at the body': { options: { latencyMs: 0, fault: () => 'stall-in-stream' }, reached: async (server) => (await server.whenOpen(1), await turns(5)) },
};

for (const [moment, { options, prepare, reached }] of Object.entries(moments)) {
  const begin = async (t) => {
    const made = await connected(t, { latencyMs: 'manual', ...options }, { maxConcurrentLLMCalls: 1 });
    const first = prepare?.(made.server, made.rt, made.url);
    if (prepare) await reached(made.server, made.rt);
    const finish = async () => {
      made.server.release();
      await first;
      await assertNothingLeft(made.rt, made.server);
      assert.equal(made.server.stats().requests, 1);
    };
    return { ...made, first, finish };
  };

  test(`the caller's signal, ${moment}: rejects with its reason in that turn`, async (t) => {
    const { rt, server, url, finish } = await begin(t);
    const controller = new AbortController();
    const reason = new Error('enough');
    const answer = rejection(rt.fetch(url, post(chat('hi'), { signal: controller.signal })));
    if (prepare) await turns();
    else await reached(server, rt);
    let error;
    answer.then((given) => (error = given));
    controller.abort(reason);
    await new Promise(setImmediate);
    assert.equal(error, reason);
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    await finish();
  });

  test(`a cancel of the task, ${moment}: rejects with its CancellationError`, async (t) => {
    const { rt, server, url, finish } = await begin(t);
    let seen;
    const task = rt.submit(async (ctx) => {
      seen = await rejection(ctx.fetch(url, post(chat('hi'))));
    });
    if (prepare) await turns();
    else await reached(server, rt);
    rt.cancel(task.id, 'enough');
    hasCode(await rejection(task.promise), 'Cancelled');
    await until('the body heard of it', () => seen !== undefined);
    assert.ok(seen instanceof CancellationError);
    assert.equal(seen.reason, 'enough');
    await finish();
  });

  test(`close(), ${moment}: rejects with a ClosedError`, async (t) => {
    const { rt, server, url, first } = await begin(t);
    const answer = rejection(rt.fetch(url, post(chat('hi'))));
    if (prepare) await turns();
    else await reached(server, rt);
    const closedFirst = first && rejection(first);
    await rt.close();
    await closedFirst;
    assert.ok((await answer) instanceof ClosedError);
    await server.whenIdle();
  });
}

test('a cancelled task fetches nothing more', async (t) => {
  const { rt, server, url } = await connected(t);
  let seen;
  const task = rt.submit(async (ctx) => {
    await rejection(ctx.delay(1e9));
    seen = await rejection(ctx.fetch(url, post(chat('hi'))));
  });
  await turns();
  rt.cancel(task.id);
  await rejection(task.promise);
  await until('the body heard of it', () => seen !== undefined);
  hasCode(seen, 'Cancelled');
  assert.equal(server.stats().requests, 0);
});

test('timeout: a TimeoutError, and the socket is closed', async (t) => {
  const { rt, server, url } = await connected(t, { latencyMs: 'manual' });
  const error = hasCode(await rejection(rt.fetchWith({ timeout: 20 })(url, post(chat('hi')))), 'Timeout');
  assert.deepEqual([error.limit, error.scope, error.ms], ['operation', 'fetch', 20]);
  await server.whenAborted(1);
  await assertNothingLeft(rt, server);
});

for (const fault of ['never-answer', { fault: 'stall-in-stream', after: 0 }]) {
  test(`timeToFirstToken: an attempt without a word is repeated (${fault.fault ?? fault})`, async (t) => {
    const { rt, server, url } = await connected(t, { fault: ({ attempt }) => (attempt === 1 ? fault : undefined) });
    const own = rt.fetchWith({ timeToFirstToken: 50 });
    const response = await own(url, post(chat('hi', { stream: true })));
    assert.match(await response.text(), /DONE/);
    assert.equal(server.stats().requests, 2);
    await assertNothingLeft(rt, server);
  });

  test(`timeToFirstToken: after the last attempt it is an LLMError of kind timeout (${fault.fault ?? fault})`, async (t) => {
    const { rt, server, url } = await connected(t, { fault: () => fault }, { retry: { maxAttempts: 2, baseDelay: 1, maxDelay: 1 } });
    const error = hasCode(await rejection(rt.fetchWith({ timeToFirstToken: 30 })(url, post(chat('hi', { stream: true })))), 'LLMError');
    assert.deepEqual([error.kind, error.attempts], ['timeout', 2]);
    assert.equal(server.stats().requests, 2);
    await assertNothingLeft(rt, server);
  });
}

test('fetchWith({signal}) ends every request, beside the request\'s own signal', async (t) => {
  const { rt, server, url } = await connected(t, { latencyMs: 'manual' });
  const [all, one] = [new AbortController(), new AbortController()];
  const own = rt.fetchWith({ signal: all.signal });
  const a = rejection(own(url, post(chat('a'), { signal: one.signal })));
  const b = rejection(own(url, post(chat('b'))));
  await server.whenHeld(2);
  one.abort('one');
  assert.equal(await a, 'one');
  all.abort('all');
  assert.equal(await b, 'all');
  assert.equal(await rejection(own(url, post(chat('c')))), 'all');
  await assertNothingLeft(rt, server);
});

test('no listener is left on a signal that many requests share', async (t) => {
  const { rt, url } = await connected(t, { fault: ({ n }) => (n % 3 === 0 ? 400 : undefined) });
  const counter = new SignalCounter();
  const { signal } = counter.signal();
  await Promise.all(Array.from({ length: 30 }, async (_, i) => (await rt.fetch(url, post(chat(`n${i}`), { signal }))).text()));
  await turns();
  assert.equal(counter.listeners, 0);
});

test('a plain request\'s body ends with the caller\'s signal, as fetch has it', async (t) => {
  const http = createServer((req, res) => res.writeHead(200, { 'content-type': 'text/plain' }).write('half'));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => (http.closeAllConnections(), http.close()));
  const rt = await open(t);
  const controller = new AbortController();
  const response = await rt.fetch(`http://127.0.0.1:${http.address().port}/x`, { signal: controller.signal });
  const text = rejection(response.text());
  controller.abort(new Error('enough'));
  await text;
  await assertNothingLeft(rt);
});

// --- Bad input ---

test('what fetch refuses is rejected with a TypeError, and sent once at most', async (t) => {
  const rt = await open(t, quick);
  const bad = [
    [],
    [null],
    ['not a url'],
    ['http://a.example', 5],
    ['http://a.example', { signal: {} }],
    ['http://a.example', { method: 'GET', body: 'x' }],
    ['http://a.example/v1/messages', { method: 'POST', body: '{}', headers: { 'b\u00e4d name': '1' } }],
    ['nowhere/v1/messages', { method: 'POST', body: '{}' }],
  ];
  for (const args of bad) {
    const error = await rejection(rt.fetch(...args));
    assert.ok(error instanceof TypeError, `${JSON.stringify(args)}: ${error}`);
    assert.ok(error.message.length > 10);
  }
  assert.equal(rt.getStats().llmRetries, 0);
  await assertNothingLeft(rt);
});

test('an aborted signal rejects with its reason and sends nothing', async (t) => {
  const { rt, server, url } = await connected(t);
  assert.equal(await rejection(rt.fetch(url, post(chat('hi'), { signal: AbortSignal.abort('why') }))), 'why');
  assert.equal(server.stats().requests, 0);
});

test('fetchWith refuses options that it does not know, by name', async (t) => {
  const rt = await open(t);
  for (const [options, word] of [[{ dedup: true }, /dedup is no option/], [{ timeout: -1 }, /timeout/], [{ timeToFirstToken: '1' }, /timeToFirstToken/], [{ tenant: '' }, /tenant/], [{ signal: {} }, /signal/], [{ llm: 1 }, /llm/], [{ dedupe: 'x' }, /dedupe/], [{ onResult: 1 }, /onResult/], [{ ctx: {} }, /ctx/]]) {
    const error = hasCode(thrown(() => rt.fetchWith(options)), 'ArgumentError');
    assert.match(error.message, word);
  }
});

test('a closed runtime rejects with a ClosedError', async (t) => {
  const rt = await open(t);
  const { fetch } = rt;
  await rt.close();
  assert.ok((await rejection(fetch('http://a.example'))) instanceof ClosedError);
});

// --- What it cost ---

test('onResult tells status, attempts, tokens and model of each call, once', async (t) => {
  const { rt, url } = await connected(t, { fault: ({ attempt }) => (attempt === 1 ? 503 : undefined) });
  const results = [];
  const own = rt.fetchWith({ onResult: (result) => results.push(result) });
  await own(url, post(chat('one two three')));
  await turns();
  assert.equal(results.length, 1);
  const [{ timings, ...result }] = results;
  assert.deepEqual(result, { url, status: 200, attempts: 2, usage: { inputTokens: 3, outputTokens: 4, source: 'exact' }, model: 'm' });
  assert.equal(timings.attempts.length, 2);
  assert.equal(timings.attempts[0].error.status, 503);
  assert.equal(timings.attempts[1].error, undefined);
});
