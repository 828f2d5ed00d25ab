/**
 * Chromium for tests: one process a test file, one context a test, and a watch on everything that a page complains of.
 *
 * Invariant: a page opened here fails its test if anything was written to the console as an error, thrown and not caught, or
 * refused by the Content-Security-Policy, in the page or in its workers.
 */

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { chromium as driver } from 'playwright-core';
import { chromium } from '../browser/chromium.mjs';

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The path of Chromium; the runner names it, by hand it is looked for. */
export const executablePath = process.env.HEDDLE_CHROMIUM ?? (await chromium());

/** For the options of a test: without a browser it is skipped, and says so. */
export const needsBrowser = { skip: executablePath === undefined && 'there is no Chromium here, and none can be installed' };

let browser;

before(async () => {
  if (executablePath !== undefined) browser = await driver.launch({ executablePath, args });
});
after(() => browser?.close());

/**
 * Opens an address in a page of its own, closed when the test ends. `complaints` may be given to collect instead of fail;
 * `expects` is a pattern of those that are part of the test, such as Chromium's line about every answer with a bad status.
 */
export async function openPage(t, url, { complaints, expects, ...options } = {}) {
  const context = await browser.newContext(options);
  const seen = complaints ?? [];
  await context.exposeBinding('heddleViolation', (_source, text) => void seen.push(text));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      globalThis.heddleViolation(`policy: ${event.effectiveDirective} refused ${event.blockedURI} ${event.sample}`);
    });
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') seen.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', (error) => seen.push(`thrown: ${error.stack}`));
  t.after(async () => {
    await context.close();
    if (complaints === undefined) assert.deepEqual(seen.filter((text) => expects === undefined || !expects.test(text)), []);
  });
  await page.goto(url);
  return page;
}
