/**
 * rt.fetch in a page of another origin than its model's, in every build and under the strict policy: what the page gets, what
 * the server sees, and that the place and the connection of a body are given back however it ends. A build's tests share a page;
 * each has a server and a runtime of its own.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsBrowser } from '../support/browser.mjs';
import { rateLimited, serve } from '../support/llm-server.mjs';
import { builds, openModelPage } from '../support/plain-page.mjs';

/** What Chromium writes about answers with such a status, lost connections, and addresses that the policy does not name. */
const expects = /^console: Failed to load resource: (the server responded with a status of 429 |net::ERR_)|Content Security Policy|^policy: connect-src /;

/** Gives the page a runtime `rt`, and `ask(prompt, init)`: the address and the init of a request to this server's model. */
async function begin(t, page, serverOptions = {}, config = {}) {
  const server = await serve(t, serverOptions);
  await page.evaluate(async ([url, settings]) => {
    globalThis.ask = (content, { stream = false, ...init } = {}) => [
      url,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer sk-test' },
        body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content }] }),
        ...init,
      },
    ];
    globalThis.inFlight = () => globalThis.rt.getStats().concurrentLLMCalls;
    globalThis.rt = await globalThis.open({ retry: { baseDelay: 1, maxDelay: 1, maxAttempts: 2 }, ...settings });
  }, [`${server.openaiBaseURL}/chat/completions`, config]);
  t.after(() => page.evaluate(() => globalThis.rt.close()));
  return server;
}

/** Nothing is in flight, waits or is counted as such any more. */
async function assertNothingLeft(page, server) {
  await server.whenIdle();
  await page.waitForFunction(() => globalThis.inFlight() === 0);
  const left = await page.evaluate(() => {
    const { waitingLLMCalls, backoffLLMCalls, runningTasks, timers, records } = globalThis.rt.getStats();
    return { waitingLLMCalls, backoffLLMCalls, runningTasks, timers, records };
  });
  assert.deepEqual(left, { waitingLLMCalls: 0, backoffLLMCalls: 0, runningTasks: 0, timers: 0, records: 0 });
}

const behaviours = {
  "a whole answer is the server's Response": async (t, page) => {
    const server = await begin(t, page);
    const seen = await page.evaluate(async () => {
      const response = await globalThis.rt.fetch(...globalThis.ask('hi'));
      const copy = response.clone();
      const { ok, status, url, type, bodyUsed } = response;
      const { choices } = await response.json();
      return {
        ok, status, type, bodyUsed,
        isResponse: response instanceof Response,
        isSameUrl: url === globalThis.ask()[0],
        contentType: response.headers.get('content-type'),
        text: choices[0].message.content,
        copied: JSON.parse(new TextDecoder().decode(await copy.arrayBuffer())).choices[0].message.content,
        usedAfter: response.bodyUsed,
        again: await response.text().catch((error) => error.name),
      };
    });
    assert.deepEqual(seen, {
      ok: true, status: 200, type: 'cors', bodyUsed: false, isResponse: true, isSameUrl: true, contentType: 'application/json',
      text: 'echo: hi', copied: 'echo: hi', usedAfter: true, again: 'TypeError',
    });
    assert.equal(server.stats().requests, 1);
    await assertNothingLeft(page, server);
  },

  "a stream is the server's, byte for byte, whatever the pieces": async (t, page) => {
    const server = await begin(t, page, { respond: () => 'gr\u00fc\u00dfe \u{1f44b} end', chunking: 'split', pings: true });
    const [bare, governed] = await page.evaluate(async () => {
      const read = async (response) => {
        let text = '';
        for await (const part of response.body.pipeThrough(new TextDecoderStream())) text += part;
        return text.replace(/chatcmpl-?\w+/g, 'id');
      };
      const request = () => globalThis.ask('hi', { stream: true });
      return [await read(await fetch(...request())), await read(await globalThis.rt.fetch(...request()))];
    });
    assert.match(bare, /gr\u00fc\u00dfe .*\u{1f44b}.*\[DONE\]/su);
    assert.equal(governed, bare);
    await assertNothingLeft(page, server);
  },

  'a signal in the middle of a stream fails the read with its reason, and closes the request': async (t, page) => {
    const server = await begin(t, page, { respond: () => 'one two three', pauseAfter: 2 });
    await page.evaluate(async () => {
      globalThis.controller = new AbortController();
      const { signal } = globalThis.controller;
      const response = await globalThis.rt.fetch(...globalThis.ask('hi', { stream: true, signal }));
      globalThis.outcome = response.text().catch((error) => error === signal.reason && error.message);
    });
    await server.whenHeld(1);
    await page.evaluate(() => globalThis.controller.abort(new Error('enough')));
    assert.equal(await page.evaluate(() => globalThis.outcome), 'enough');
    await server.whenAborted(1);
    await server.whenSocketsClosed();
    await assertNothingLeft(page, server);
  },

  'the cancel of a task, and close(), close the requests of their bodies': async (t, page) => {
    const server = await begin(t, page, { respond: () => 'one two three', pauseAfter: 1 });
    await page.evaluate(() => {
      globalThis.outcomes = {};
      globalThis.reading = 0;
      const body = (name) => async (ctx) => {
        const response = await ctx.fetch(...globalThis.ask(name, { stream: true }));
        globalThis.reading++;
        await response.text().catch((error) => (globalThis.outcomes[name] = error.name));
      };
      globalThis.tasks = ['cancelled', 'closed'].map((name) => globalThis.rt.submit(body(name)));
      for (const { promise } of globalThis.tasks) promise.catch(() => {});
    });
    await server.whenHeld(2);
    await page.waitForFunction(() => globalThis.reading === 2);
    await page.evaluate(() => globalThis.rt.cancel(globalThis.tasks[0].id, 'enough'));
    await server.whenAborted(1);
    assert.equal(server.stats().open, 1);
    await page.evaluate(() => globalThis.rt.close());
    await server.whenAborted(2);
    await server.whenSocketsClosed();
    await page.waitForFunction(() => Object.keys(globalThis.outcomes).length === 2);
    const { cancelled, closed } = await page.evaluate(() => globalThis.outcomes);
    assert.equal(cancelled, 'CancellationError');
    assert.match(closed, /^(CancellationError|ClosedError)$/);
  },

  'a 429 and then an answer are two requests; of the last refusal the page gets the Response': async (t, page) => {
    const server = await begin(t, page, { fault: ({ prompt, attempt }) => (prompt === 'never' || attempt === 1 ? rateLimited('ms', 1) : undefined) });
    const seen = await page.evaluate(async () => {
      const { rt } = globalThis;
      const answer = await (await rt.fetch(...globalThis.ask('hi'))).json();
      const stream = await (await rt.fetch(...globalThis.ask('hello', { stream: true }))).text();
      const refusal = await rt.fetch(...globalThis.ask('never'));
      const { llmCalls, llmRetries } = rt.getStats();
      return {
        text: answer.choices[0].message.content,
        isDone: stream.includes('[DONE]'),
        status: refusal.status,
        again: refusal.headers.get('x-should-retry'),
        said: typeof (await refusal.json()).error.message,
        llmCalls,
        llmRetries,
      };
    });
    assert.deepEqual(seen, { text: 'echo: hi', isDone: true, status: 429, again: 'false', said: 'string', llmCalls: 6, llmRetries: 3 });
    assert.equal(server.stats().requests, 6);
    await assertNothingLeft(page, server);
  },

  'a stream holds its place until its body was read, left or cancelled': async (t, page) => {
    const server = await begin(t, page, { respond: () => 'one two three', pauseAfter: ({ n }) => (n <= 3 ? 1 : undefined) }, { maxConcurrentLLMCalls: 1 });
    const ends = [
      (response) => response.body.cancel(),
      async (response) => {
        for await (const _ of response.body) break;
      },
      async (response) => {
        const reader = response.body.getReader();
        await reader.read();
        await reader.cancel('enough');
      },
    ];
    for (const [i, end] of ends.entries()) {
      const before = await page.evaluate(async (prompt) => {
        globalThis.response = await globalThis.rt.fetch(...globalThis.ask(prompt, { stream: true }));
        return globalThis.inFlight();
      }, `stream ${i}`);
      assert.equal(before, 1);
      await page.evaluate(`(${end})(response)`);
      await server.whenAborted(i + 1);
    }
    // With one place, this answer proves that it is free.
    assert.match(await page.evaluate(async () => (await globalThis.rt.fetch(...globalThis.ask('last', { stream: true }))).text()), /three/);
    assert.equal(server.stats().maxOpen, 1);
    await assertNothingLeft(page, server);
  },

  'a stream whose Response nobody can reach any more is closed, and its place is free': async (t, page) => {
    const server = await begin(t, page, { respond: () => 'one two three', pauseAfter: 1 });
    const devtools = await page.context().newCDPSession(page);
    await page.evaluate(async () => {
      await (async () => void (await globalThis.rt.fetch(...globalThis.ask('hi', { stream: true }))))();
      // The promise made last is remembered until the next one.
      await globalThis.rt.delay(0);
    });
    assert.equal(await page.evaluate(() => globalThis.inFlight()), 1);
    for (let i = 0; i < 1000 && (await page.evaluate(() => globalThis.inFlight())) > 0; i++) {
      await devtools.send('HeapProfiler.collectGarbage');
    }
    await server.whenAborted(1);
    await assertNothingLeft(page, server);
  },

  'what is no request to a model passes untouched, by any kind of address': async (t, page) => {
    const server = await begin(t, page);
    const seen = await page.evaluate(async (address) => {
      const { rt } = globalThis;
      const plain = await rt.fetch(address);
      const relative = await rt.fetch('favicon.ico', { method: 'HEAD' });
      const request = await rt.fetch(new Request(new URL(address), { headers: { accept: 'text/plain' } }));
      const wrong = await rt.fetch('http://[').catch((error) => error.name);
      return {
        isPlain: Object.getPrototypeOf(plain) === Response.prototype,
        texts: [await plain.text(), await request.text()].map((text) => text.length > 0),
        relative: relative.status,
        wrong,
        llmCalls: rt.getStats().llmCalls,
      };
    }, `${server.url}/plain`);
    assert.deepEqual(seen, { isPlain: true, texts: [true, true], relative: 200, wrong: 'TypeError', llmCalls: 0 });
    assert.deepEqual(server.stats().byPath, { '/plain': 2 });
    await assertNothingLeft(page, server);
  },

  'a Request with a body is sent again as often as needed': async (t, page) => {
    const server = await begin(t, page, { fault: ({ attempt }) => (attempt === 1 ? rateLimited('ms', 1) : undefined) });
    const text = await page.evaluate(async () => {
      const response = await globalThis.rt.fetch(new Request(...globalThis.ask('hi')));
      return (await response.json()).choices[0].message.content;
    });
    assert.equal(text, 'echo: hi');
    assert.deepEqual(server.stats().log.map(({ prompt }) => prompt), ['hi', 'hi']);
  },

  'identical requests in flight share one, each with a body of its own': async (t, page) => {
    const server = await begin(t, page, { latencyMs: 'manual' });
    await page.evaluate(() => {
      const shared = globalThis.rt.fetchWith({ dedupe: true });
      const text = async (prompt, stream) => (await shared(...globalThis.ask(prompt, { stream }))).text();
      globalThis.texts = Promise.all([text('a', false), text('a', false), text('b', true), text('b', true), text('b', true)]);
    });
    await server.whenHeld(2);
    server.release();
    const [first, second, ...streams] = await page.evaluate(() => globalThis.texts);
    assert.match(first, /echo: a/);
    assert.equal(second, first);
    assert.match(streams[0], /\[DONE\]/);
    assert.deepEqual(streams, Array.from({ length: 3 }, () => streams[0]));
    assert.equal(server.stats().requests, 2);
    await assertNothingLeft(page, server);
  },

  "the page's fetch is called as it demands: on the window or on nothing": async (t, page) => {
    const server = await begin(t, page);
    const texts = await page.evaluate(async ([address, baseURL]) => {
      const { fetch: own } = globalThis;
      const seen = new Set();
      const through = async (config) => {
        const rt = await globalThis.open({ provider: ['openai', { baseURL, apiKey: 'sk-test', model: 'm-1' }], ...config });
        const answers = [
          (await (await rt.fetch(...globalThis.ask('by fetch'))).json()).choices[0].message.content,
          await (await rt.fetch(address)).text().then(({ length }) => length > 0),
          (await rt.llm('by a provider')).text,
        ];
        await rt.close();
        return answers;
      };
      const given = await through({ fetch: own });
      // As tools that watch a page replace it.
      globalThis.fetch = function (...args) {
        seen.add(this === globalThis || this === undefined);
        return own.apply(this, args);
      };
      const replaced = await through({});
      globalThis.fetch = own;
      return { given, replaced, seen: [...seen] };
    }, [`${server.url}/plain`, server.openaiBaseURL]);
    const answers = ['echo: by fetch', true, 'echo: by a provider'];
    assert.deepEqual(texts, { given: answers, replaced: answers, seen: [true] });
  },

  'a lost connection, and an address that the policy forbids, are errors of the transport': async (t, page) => {
    const server = await begin(t, page, { fault: () => 'reset-before-headers' });
    const errors = await page.evaluate(async () => {
      const [, init] = globalThis.ask('hi');
      const asked = async (...args) => {
        const { name, kind, attempts } = await globalThis.rt.fetch(...args).then(() => ({}), (error) => error);
        return { name, kind, attempts };
      };
      return [await asked(...globalThis.ask('hi')), await asked('http://127.0.0.2:9/v1/chat/completions', init)];
    });
    const lost = { name: 'LLMError', kind: 'transport', attempts: 2 };
    assert.deepEqual(errors, [lost, lost]);
    // Chromium sends again by itself what was reset on a connection that it used before; no page can tell.
    assert.ok([2, 3, 4].includes(server.stats().requests), `${server.stats().requests} requests`);
    await assertNothingLeft(page, server);
  },
};

for (const build of builds) {
  test(`rt.fetch in a page, ${build}`, needsBrowser, async (t) => {
    const page = await openModelPage(t, build, { expects });
    for (const [name, behaves] of Object.entries(behaviours)) await t.test(name, (inner) => behaves(inner, page));
  });
}
