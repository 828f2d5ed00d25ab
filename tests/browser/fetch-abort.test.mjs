/**
 * A cancel in the page closes the connection, as the server of the model sees it: before the answer, and in the middle of a
 * stream; for both protocols.
 */

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../../wasm/toolchain/steps.mjs';
import { needsBrowser, openPage } from '../support/browser.mjs';
import { serve } from '../support/llm-server.mjs';
import { serveStatic, strictPolicy } from '../support/static-server.mjs';

async function openHeddle(t, server, protocol) {
  const routes = {
    '/': { type: 'text/html', body: '<!doctype html><title>Tests</title>' },
    '/favicon.ico': { type: 'image/x-icon', body: '' },
    '/heddle.js': { file: path.join(root, 'dist/heddle-single-file.js') },
  };
  const url = await serveStatic(t, routes, { policy: `${strictPolicy}; connect-src 'self' ${server.url}` });
  const page = await openPage(t, url);
  const baseURL = protocol === 'openai' ? server.openaiBaseURL : server.anthropicBaseURL;
  await page.evaluate(async ([name, address]) => {
    globalThis.heddle = await import('/heddle.js');
    const provider = globalThis.heddle[name]({ baseURL: address, apiKey: 'sk-test', model: 'm-1' });
    globalThis.rt = await globalThis.heddle.createRuntime({ provider });
  }, [protocol, baseURL]);
  return page;
}

for (const protocol of ['openai', 'anthropic']) {
  test(`${protocol}: a page of another origin gets whole answers and streams`, needsBrowser, async (t) => {
    const server = await serve(t, { respond: () => 'one two three' });
    const page = await openHeddle(t, server, protocol);
    const answers = await page.evaluate(async () => {
      const { rt } = globalThis;
      const whole = await rt.llm('hi');
      const pieces = [];
      for await (const { text } of rt.llmStream('hi')) pieces.push(text);
      return [whole.text, pieces.join('')];
    });
    assert.deepEqual(answers, ['one two three', 'one two three']);
    assert.equal(server.stats().answered, 2);
  });

  test(`${protocol}: cancel before the answer closes the connection`, needsBrowser, async (t) => {
    const server = await serve(t, { latencyMs: 'manual' });
    const page = await openHeddle(t, server, protocol);
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
  });

  test(`${protocol}: cancel in the middle of a stream closes the connection`, needsBrowser, async (t) => {
    const server = await serve(t, { respond: () => 'one two three four', pauseAfter: 2 });
    const page = await openHeddle(t, server, protocol);
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
  });
}

test('leaving the loop over a stream closes the connection', needsBrowser, async (t) => {
  const server = await serve(t, { respond: () => 'one two three four', pauseAfter: 1 });
  const page = await openHeddle(t, server, 'openai');
  await page.evaluate(async () => {
    for await (const _ of globalThis.rt.llmStream('hi')) break;
  });
  await server.whenAborted(1);
  await server.whenSocketsClosed();
});

test('close() closes every connection', needsBrowser, async (t) => {
  const server = await serve(t, { latencyMs: 'manual' });
  const page = await openHeddle(t, server, 'openai');
  await page.evaluate(() => {
    for (let i = 0; i < 3; i++) globalThis.rt.submit((ctx) => ctx.llm(`call ${i}`)).promise.catch(() => {});
  });
  await server.whenHeld(3);
  await page.evaluate(() => globalThis.rt.close());
  await server.whenAborted(3);
  await server.whenSocketsClosed();
});
