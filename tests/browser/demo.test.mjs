/**
 * The demo page, built as it is served: it runs to its end in both builds, draws what the core does, and its controls work. What is
 * checked is what a reader sees; the page is only waited for, never for a time.
 */

import assert from 'node:assert/strict';
import path from 'node:path';
import { before, test } from 'node:test';
import { build, createServer } from 'vite';
import { root } from '../../wasm/toolchain/steps.mjs';
import { needsBrowser, openPage } from '../support/browser.mjs';
import { serveStatic, strictPolicy } from '../support/static-server.mjs';

const folder = path.join(root, 'build/test/browser/web-demo');
const configFile = path.join(root, 'web-demo/vite.config.js');
const fibers = 21;

before(() => needsBrowser.skip || build({ configFile, logLevel: 'warn', build: { outDir: folder } }));

async function openDemo(t, { query = '', settings = {}, ...options } = {}) {
  const page = await openPage(t, `${await serveStatic(t, { '/': { folder } })}/${query}`, options);
  await page.locator('main:not([data-run=loading])').waitFor();
  for (const [name, value] of Object.entries(settings)) await page.getByLabel(name).fill(String(value));
  return page;
}

const run = (page) => page.getByRole('button', { name: 'Run' }).click();
const ended = (page) => page.locator('main[data-run=ended]').waitFor();
const inPhase = (page, phase) => page.locator(`#fibers [data-phase="${phase}"]`);

/** Resolves once exactly `n` fibers are drawn in a phase. */
const count = (page, phase, n) => page.waitForFunction(
  ([name, number]) => document.querySelectorAll(`#fibers [data-phase="${name}"]`).length === number,
  [phase, n],
);

/** From now on, looks at each frame that is drawn, and keeps the highest number of fibers in each phase. */
const watchFrames = (page) => page.evaluate(() => {
  globalThis.most = {};
  globalThis.order = [];
  const frame = () => {
    const now = {};
    for (const { dataset } of document.querySelectorAll('#fibers li')) {
      now[dataset.phase] = (now[dataset.phase] ?? 0) + 1;
      if (dataset.phase === 'flight' && !globalThis.order.includes(dataset.name)) globalThis.order.push(dataset.name);
    }
    for (const [phase, number] of Object.entries(now)) globalThis.most[phase] = Math.max(globalThis.most[phase] ?? 0, number);
    requestAnimationFrame(frame);
  };
  frame();
});

for (const variant of ['jspi', 'asyncify']) {
  test(`a run goes to its end, ${variant}`, needsBrowser, async (t) => {
    const page = await openDemo(t, { query: `?variant=${variant}`, settings: { Latency: 100, 'Attempts that fail': 0 } });
    assert.equal(await page.getAttribute('main', 'data-variant'), variant);
    assert.equal(await page.locator('nav [aria-current]').getAttribute('data-variant'), variant);
    assert.equal(await inPhase(page, 'planned').count(), fibers);
    await watchFrames(page);
    await run(page);
    await ended(page);
    assert.equal(await inPhase(page, 'completed').count(), fibers);
    // The limits that the page begins with.
    const most = await page.evaluate(() => globalThis.most);
    assert.ok(most.flight <= 4, JSON.stringify(most));
    assert.equal(await page.getAttribute('#calls-meter', 'data-peak'), '4');
    assert.equal(await page.getAttribute('#slots-meter', 'data-peak'), '8');
    assert.match(await page.textContent('#status'), /^Ended .* 21 completed, 0 failed, 0 cancelled, 0 retries; at most 8 .* and 4 calls/);
  });
}

test('without JSPI in the engine the page runs on Asyncify', needsBrowser, async (t) => {
  const page = await openDemo(t);
  assert.equal(await page.getAttribute('main', 'data-variant'), 'jspi');
  await page.addInitScript(() => delete WebAssembly.Suspending);
  await page.reload();
  await page.locator('main[data-variant=asyncify]').waitFor();
});

test('a build that does not exist is a problem that the page tells', needsBrowser, async (t) => {
  const page = await openDemo(t, { query: '?variant=threads' });
  assert.match(await page.getByRole('alert').textContent(), /variant must be one of .* got "threads"/);
});

for (const [tasks, calls] of [[1, 1], [3, 2], [20, 20]]) {
  test(`with ${tasks} slots and ${calls} calls no frame shows more`, needsBrowser, async (t) => {
    const settings = { Latency: 20, 'Attempts that fail': 20, 'Tasks with a slot': tasks, 'LLM calls in flight': calls };
    const page = await openDemo(t, { settings });
    await watchFrames(page);
    await run(page);
    await ended(page);
    const { flight = 0, running = 0, queue = 0, backoff = 0 } = await page.evaluate(() => globalThis.most);
    assert.ok(flight <= calls, `${flight} in flight`);
    for (const number of [running, queue, backoff, flight]) assert.ok(number <= tasks, `${number} with a slot`);
    assert.ok(Number(await page.getAttribute('#slots-meter', 'data-peak')) <= tasks);
    assert.ok(Number(await page.getAttribute('#calls-meter', 'data-peak')) <= calls);
  });
}

test('moved sliders change the limits of the run that goes on', needsBrowser, async (t) => {
  const settings = { Latency: 3000, 'Attempts that fail': 0, 'Tasks with a slot': 8, 'LLM calls in flight': 2 };
  const page = await openDemo(t, { settings });
  await run(page);
  await count(page, 'flight', 2);
  assert.equal(await inPhase(page, 'queue').count(), 6);
  await page.getByLabel('LLM calls in flight').fill('6');
  await count(page, 'flight', 6);
  await page.getByLabel('Tasks with a slot').fill('20');
  await count(page, 'pending', 0);
  await count(page, 'queue', 10);
  // A lower limit lets what runs finish.
  await page.getByLabel('LLM calls in flight').fill('1');
  await page.locator('#calls-meter[data-limit="1"]').waitFor();
  assert.equal(await page.getAttribute('#calls-meter', 'data-value'), '6');
  await page.getByRole('button', { name: 'Cancel all' }).click();
  await ended(page);
});

test("requests beyond a minute's rate wait and say so; a higher rate lets them go at once", needsBrowser, async (t) => {
  const settings = { Latency: 20, 'Attempts that fail': 0, 'Tasks with a slot': 20, 'LLM calls in flight': 20, 'Requests in a minute': 5 };
  const page = await openDemo(t, { settings });
  await run(page);
  await count(page, 'completed', 5);
  // Eleven sources, and the merge of the topic whose four have been read.
  await count(page, 'queue', 12);
  assert.equal(await page.textContent('[data-count="last minute"] dd'), '5');
  const waiting = await inPhase(page, 'queue').first().getAttribute('data-name');
  await page.getByRole('button', { name: `${waiting}: why is it waiting?`, exact: true }).click();
  assert.match(await page.getByRole('region', { name: 'Why is it waiting?' }).textContent(), /waits for the rate of/);
  await page.getByLabel('Requests in a minute').fill('105');
  await ended(page);
  assert.equal(await inPhase(page, 'completed').count(), fibers);
  // A lower rate counts what was sent before.
  await page.getByLabel('Requests in a minute').fill('20');
  await run(page);
  await count(page, 'queue', 16);
  await page.getByRole('button', { name: 'Cancel all' }).click();
  await ended(page);
});

test('a cancel takes a topic and its sources, the others go on; then all of them', needsBrowser, async (t) => {
  const page = await openDemo(t, { settings: { Latency: 3000, 'Attempts that fail': 0, 'Tasks with a slot': 20, 'LLM calls in flight': 3 } });
  await run(page);
  await count(page, 'flight', 3);
  await page.getByRole('button', { name: 'Cancel Markets', exact: true }).click();
  await count(page, 'cancelled', 5);
  await count(page, 'flight', 3);
  for (const name of ['Markets', 'Markets: agency', 'Markets: archive']) {
    assert.equal(await page.getAttribute(`[data-name="${name}"]`, 'data-phase'), 'cancelled');
  }
  await page.getByRole('button', { name: 'Cancel Science: agency' }).click();
  await count(page, 'cancelled', 6);
  assert.equal(await page.getAttribute('[data-name="Science"]', 'data-phase'), 'suspended');
  await page.getByRole('button', { name: 'Cancel all' }).click();
  await ended(page);
  assert.equal(await inPhase(page, 'cancelled').count(), fibers);
  assert.match(await page.textContent('#status'), /0 completed, 0 failed, 21 cancelled/);
  assert.equal(await page.getAttribute('#slots-meter', 'data-value'), '0');
});

test('a run may begin again while one goes on, and after it', needsBrowser, async (t) => {
  const page = await openDemo(t, { settings: { Latency: 3000, 'Attempts that fail': 0 } });
  await run(page);
  await count(page, 'flight', 4);
  await page.getByLabel('Latency').fill('20');
  for (let time = 0; time < 2; time++) {
    await page.getByRole('button', { name: 'Run again' }).click();
    await ended(page);
    assert.equal(await inPhase(page, 'completed').count(), fibers);
  }
});

test('the fairness mode decides who goes first', needsBrowser, async (t) => {
  const settings = { Latency: 20, 'Attempts that fail': 0, 'Tasks with a slot': 1, 'LLM calls in flight': 1 };
  const page = await openDemo(t, { settings });
  await watchFrames(page);
  const first = async (mode) => {
    await page.getByLabel('Who gets the next slot').selectOption(mode);
    await page.evaluate(() => void (globalThis.order.length = 0));
    await run(page);
    await ended(page);
    return page.evaluate(() => globalThis.order.map((name) => name.split(':')[0]));
  };
  const byPriority = await first('priority');
  assert.deepEqual([...new Set(byPriority)], ['Sport', 'Science', 'Culture', 'Markets']);
  // Frames may miss a call, so it is enough that the topics take turns.
  const inTurn = await first('round-robin');
  assert.equal(new Set(inTurn.slice(0, 3)).size, 3, inTurn.join());
});

test('a chosen fiber says what it waits for', needsBrowser, async (t) => {
  const page = await openDemo(t, { settings: { Latency: 3000, 'Attempts that fail': 0, 'Tasks with a slot': 5, 'LLM calls in flight': 2 } });
  await run(page);
  await count(page, 'flight', 2);
  const why = page.getByRole('region', { name: 'Why is it waiting?' });
  const choose = async (name) => {
    await page.getByRole('button', { name: `${name}: why is it waiting?`, exact: true }).click();
    return why.textContent();
  };
  assert.match(await choose('Markets'), /waits for t\d+ "Markets: agency"/);
  assert.match(await choose('Markets: blog'), /waits for a place: maxConcurrentLLMCalls is 2/);
  assert.match(await choose('Sport: archive'), /waits for a slot: maxConcurrentTasks is 5/);
  assert.equal(await page.locator('[aria-pressed=true]').count(), 1);
  await choose('Sport: archive');
  assert.match(await why.textContent(), /Choose a fiber/);
  await page.getByRole('button', { name: 'Cancel all' }).click();
  await ended(page);
  assert.match(await choose('Sport'), /cancelled.*you asked for it/);
});

test('the keyboard is enough', needsBrowser, async (t) => {
  const page = await openDemo(t, { settings: { Latency: 3000 } });
  await page.getByRole('button', { name: 'Run' }).focus();
  await page.keyboard.press('Enter');
  await count(page, 'flight', 4);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowRight');
  await count(page, 'flight', 5);
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Space');
  await ended(page);
});

test('every control has a name, and narrow screens need no sideways scrolling', needsBrowser, async (t) => {
  const page = await openDemo(t, { viewport: { width: 340, height: 700 }, settings: { Latency: 20 } });
  const names = ['Tasks with a slot', 'LLM calls in flight', 'Requests in a minute', 'Latency', 'Attempts that fail'];
  for (const name of names) assert.equal(await page.getByRole('slider', { name }).count(), 1, name);
  await page.getByRole('combobox', { name: 'Who gets the next slot' }).waitFor();
  await run(page);
  await ended(page);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});

test('the policy of the page itself is the strict one', needsBrowser, async (t) => {
  const url = await serveStatic(t, { '/': { folder } }, { policy: '' });
  const page = await openPage(t, url);
  assert.equal(await page.getAttribute('meta[http-equiv=Content-Security-Policy]', 'content'), strictPolicy);
  await page.locator('main[data-run=idle]').waitFor();
});

test("the page runs from Vite's development server", needsBrowser, async (t) => {
  const cacheDir = path.join(root, 'build/test/browser/vite-cache');
  const server = await createServer({ configFile, logLevel: 'warn', cacheDir, server: { host: '127.0.0.1', port: 0 } });
  await server.listen();
  const page = await openPage(t, server.resolvedUrls.local[0]);
  // After the page is closed: it would look for its server.
  t.after(() => server.close());
  await page.getByLabel('Latency').fill('20');
  await run(page);
  await ended(page);
});
