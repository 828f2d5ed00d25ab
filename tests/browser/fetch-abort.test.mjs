/**
 * A cancel in the page closes the connection, as the server of the model sees it: before the answer, and in the middle of a
 * stream; for both protocols. A build's tests share a page; each has a server and a runtime of its own.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsBrowser } from '../support/browser.mjs';
import { serve } from '../support/llm-server.mjs';
import { builds, openModelPage } from '../support/plain-page.mjs';

const baseURLs = { openai: 'openaiBaseURL', anthropic: 'anthropicBaseURL' };

/** A server, and in the page the runtime `rt` whose provider asks it. */
async function begin(t, page, serverOptions, protocol = 'openai') {
  const server = await serve(t, serverOptions);
  await page.evaluate(async ([name, baseURL]) => {
    globalThis.rt = await globalThis.open({ provider: [name, { baseURL, apiKey: 'sk-test', model: 'm-1' }] });
  }, [protocol, server[baseURLs[protocol]]]);
  t.after(() => page.evaluate(() => globalThis.rt.close()));
  return server;
}

/** Of each protocol. */
const behaviours = {
  'a page of another origin gets whole answers and streams': async (t, page, protocol) => {
    const server = await begin(t, page, { respond: () => 'one two three' }, protocol);
    const answers = await page.evaluate(async () => {
      const { rt } = globalThis;
      const whole = await rt.llm('hi');
      const pieces = [];
      for await (const { text } of rt.llmStream('hi')) pieces.push(text);
      return [whole.text, pieces.join('')];
    });
    assert.deepEqual(answers, ['one two three', 'one two three']);
    assert.equal(server.stats().answered, 2);
  },

  'cancel before the answer closes the connection': async (t, page, protocol) => {
    const server = await begin(t, page, { latencyMs: 'manual' }, protocol);
    await page.evaluate(() => {
      globalThis.task = globalThis.rt.submit((ctx) => ctx.llm('hi'));
      globalThis.outcome = globalThis.task.promise.catch((error) => error.code);
    });
    await server.whenHeld(1);
    assert.equal(await page.evaluate(() => globalThis.rt.cancel(globalThis.task.id)), true);
    assert.equal(await page.evaluate(() => globalThis.outcome), 'Cancelled');
    await server.whenAborted(1);
    await server.whenSocketsClosed();
    assert.deepEqual([server.stats().requests, server.stats().answered], [1, 0]);
  },

  'cancel in the middle of a stream closes the connection': async (t, page, protocol) => {
    const server = await begin(t, page, { respond: () => 'one two three four', pauseAfter: 2 }, protocol);
    const texts = await page.evaluate(() => new Promise((resolve) => {
      const texts = [];
      globalThis.task = globalThis.rt.submit(async (ctx) => {
        for await (const { text } of ctx.llmStream('hi')) {
          texts.push(text);
          if (texts.join('').includes('two')) resolve(texts);
        }
      });
      globalThis.outcome = globalThis.task.promise.catch((error) => error.code);
    }));
    assert.equal(texts.join(''), 'one two ');
    await server.whenHeld(1);
    await page.evaluate(() => globalThis.rt.cancel(globalThis.task.id));
    assert.equal(await page.evaluate(() => globalThis.outcome), 'Cancelled');
    await server.whenAborted(1);
    await server.whenSocketsClosed();
  },
};

const others = {
  'leaving the loop over a stream closes the connection': async (t, page) => {
    const server = await begin(t, page, { respond: () => 'one two three four', pauseAfter: 1 });
    await page.evaluate(async () => {
      for await (const _ of globalThis.rt.llmStream('hi')) break;
    });
    await server.whenAborted(1);
    await server.whenSocketsClosed();
  },

  'close() closes every connection': async (t, page) => {
    const server = await begin(t, page, { latencyMs: 'manual' });
    await page.evaluate(() => {
      for (let i = 0; i < 3; i++) globalThis.rt.submit((ctx) => ctx.llm(`call ${i}`)).promise.catch(() => {});
    });
    await server.whenHeld(3);
    await page.evaluate(() => globalThis.rt.close());
    await server.whenAborted(3);
    await server.whenSocketsClosed();
  },
};

for (const build of builds) {
  test(`cancels in a page, ${build}`, needsBrowser, async (t) => {
    const page = await openModelPage(t, build);
    for (const protocol of Object.keys(baseURLs)) for (const [name, behaves] of Object.entries(behaviours)) {
      await t.test(`${protocol}: ${name}`, (inner) => behaves(inner, page, protocol));
    }
    for (const [name, behaves] of Object.entries(others)) await t.test(name, (inner) => behaves(inner, page));
  });
}
