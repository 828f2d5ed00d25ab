/**
 * The official clients in a page, bundled with the package, through rt.fetch: a whole answer and a stream each, each refused once
 * first. Their own retries stay on: what rt.fetch has repeated already they must not begin anew.
 */

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import * as esbuild from 'esbuild';
import { root } from '../../wasm/toolchain/steps.mjs';
import { needsBrowser, openPage } from '../support/browser.mjs';
import { aiClients } from '../support/clients/ai.mjs';
import { anthropicClients } from '../support/clients/anthropic.mjs';
import { openaiClients } from '../support/clients/openai.mjs';
import { rateLimited, serve } from '../support/llm-server.mjs';
import { serveStatic, strictPolicy } from '../support/static-server.mjs';

const names = [...openaiClients, ...anthropicClients, ...aiClients].map(({ name }) => name);

/** Chromium writes a line about each refusal; zod, which `ai` brings, looks once whether it may compile code, and may not. */
const expects = /^console: Failed to load resource: the server responded with a status of 429 |^policy: script-src refused eval /;

async function openClients(t) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [path.join(root, 'tests/browser/app/clients.mjs')],
    bundle: true,
    format: 'esm',
    write: false,
    absWorkingDir: root,
    logOverride: { 'empty-import-meta': 'silent' },
  });
  const routes = {
    '/': { type: 'text/html', body: '<!doctype html><title>Tests</title><script type="module" src="/clients.mjs"></script>' },
    '/favicon.ico': { type: 'image/x-icon', body: '' },
    '/clients.mjs': { type: 'text/javascript', body: outputFiles[0].text },
  };
  return openPage(t, await serveStatic(t, routes, { policy: `${strictPolicy}; connect-src 'self' http://127.0.0.1:*` }), { expects });
}

test('the official clients in a page, through rt.fetch', needsBrowser, async (t) => {
  const page = await openClients(t);
  for (const name of names) {
    await t.test(`${name}: whole and streaming, each request repeated once, cancelled in the middle`, async (t) => {
      const server = await serve(t, { respond: () => 'one two three', fault: ({ attempt }) => (attempt === 1 ? rateLimited('ms', 1) : undefined) });
      const seen = await page.evaluate(async ([client, url]) => {
        globalThis.rt = await globalThis.heddle.createRuntime({ retry: { baseDelay: 1, maxDelay: 1 }, maxConcurrentLLMCalls: 1 });
        globalThis.ask = globalThis.clients.get(client).connect({ url, fetch: globalThis.rt.fetch });
        const texts = [];
        for (const stream of [false, true]) {
          const { text, error } = await globalThis.ask({ prompt: `as a stream: ${stream}`, stream });
          texts.push(text ?? error.message);
        }
        return { texts, retries: globalThis.rt.getStats().llmRetries };
      }, [name, server.url]);
      assert.deepEqual(seen, { texts: ['one two three', 'one two three'], retries: 2 });
      assert.equal(server.stats().requests, 4);

      server.options.pauseAfter = 1;
      server.reset();
      await page.evaluate(() => {
        globalThis.controller = new AbortController();
        globalThis.cancelled = globalThis.ask({ prompt: 'cancelled', stream: true, signal: globalThis.controller.signal });
      });
      await server.whenHeld(1);
      await page.evaluate(() => globalThis.controller.abort());
      await server.whenAborted(1);
      await page.evaluate(() => globalThis.cancelled);
      await page.waitForFunction(() => globalThis.rt.getStats().concurrentLLMCalls === 0);
      await page.evaluate(() => globalThis.rt.close());
    });
  }
});
