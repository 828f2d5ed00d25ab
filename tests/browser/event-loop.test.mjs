/**
 * Busy fibers leave the page alive: however much they yield, timers and frames get their chance. Measured by the program's own
 * progress: it goes on until the page had its turns, and fails if it came to its end without them.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsBrowser, openPage } from '../support/browser.mjs';
import { servePlainPage } from '../support/plain-page.mjs';

const kTurns = 10;
const kMostYields = 20_000_000;

const bodies = {
  'generator bodies': () => function* (ctx) {
    while (globalThis.goesOn()) yield ctx.yield();
  },
  'async bodies': () => async (ctx) => {
    while (globalThis.goesOn()) await ctx.yield();
  },
  'tasks that submit tasks': () => async (ctx) => {
    while (globalThis.goesOn()) await ctx.await(ctx.submit(() => 1));
  },
};

for (const [name, makeBody] of Object.entries(bodies)) for (const variant of ['jspi', 'asyncify']) {
  test(`timers and frames run while ${name} are busy, ${variant}`, needsBrowser, async (t) => {
    const page = await openPage(t, await servePlainPage(t));
    const seen = await page.evaluate(`(${async (make, variant, turns, most) => {
      const rt = await globalThis.heddle.createRuntime({ variant });
      let yields = 0;
      let frames = 0;
      let timers = 0;
      globalThis.goesOn = () => ++yields < most && (frames < turns || timers < turns);
      const frame = () => void (++frames < turns && requestAnimationFrame(frame));
      const timer = () => void (++timers < turns && setTimeout(timer));
      requestAnimationFrame(frame);
      setTimeout(timer);
      for (let i = 0; i < 50; i++) rt.submit(make());
      await rt.onIdle();
      await rt.close();
      return { frames, timers, yields };
    }})(${makeBody}, '${variant}', ${kTurns}, ${kMostYields})`);
    assert.deepEqual({ frames: seen.frames, timers: seen.timers }, { frames: kTurns, timers: kTurns });
    t.diagnostic(`${seen.yields} yields meanwhile`);
  });
}

test('a click cancels a program that never stops by itself', needsBrowser, async (t) => {
  const page = await openPage(t, await servePlainPage(t));
  await page.evaluate(async () => {
    const rt = await globalThis.heddle.createRuntime();
    const task = rt.submit(function* (ctx) {
      for (;;) yield ctx.yield();
    });
    const button = document.body.appendChild(document.createElement('button'));
    button.textContent = 'Stop';
    button.addEventListener('click', () => rt.cancel(task.id, 'clicked'));
    globalThis.outcome = task.promise.catch((error) => error.reason);
  });
  await page.getByRole('button', { name: 'Stop' }).click();
  assert.equal(await page.evaluate(() => globalThis.outcome), 'clicked');
});

test('an idle runtime asks for nothing: no timers, no tasks', needsBrowser, async (t) => {
  const page = await openPage(t, await servePlainPage(t));
  const asked = await page.evaluate(async () => {
    const rt = await globalThis.heddle.createRuntime();
    await rt.submit((ctx) => ctx.delay(1)).promise;
    const turn = () => new Promise((resolve) => setTimeout(resolve));
    await turn();
    let calls = 0;
    const { setTimeout: original } = globalThis;
    globalThis.setTimeout = (...args) => {
      calls++;
      return original(...args);
    };
    const { postMessage } = MessagePort.prototype;
    MessagePort.prototype.postMessage = function (...args) {
      calls++;
      return postMessage.apply(this, args);
    };
    for (let i = 0; i < 5; i++) await new Promise((resolve) => original(resolve));
    return calls;
  });
  assert.equal(asked, 0);
});
