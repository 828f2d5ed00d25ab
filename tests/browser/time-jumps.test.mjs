/**
 * Time that goes on without the page: a lid that was closed, a tab whose timers are throttled. The test is the page's clock, and
 * no time passes.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsBrowser } from '../support/browser.mjs';
import { builds, openModelPage } from '../support/plain-page.mjs';

const kHour = 3_600_000;

for (const build of builds) {
  test(`a machine that slept: what is overdue is due, and the page is told, ${build}`, needsBrowser, async (t) => {
    const page = await openModelPage(t, build);
    const seen = await page.evaluate(async (hour) => {
      // The monotonic clock stands still while a machine sleeps, the wall clock does not.
      const shifted = (owner) => {
        const real = owner.now.bind(owner);
        let shift = 0;
        owner.now = () => real() + shift;
        return (ms) => void (shift += ms);
      };
      const wall = shifted(Date);
      const monotonic = shifted(performance);
      const rt = await globalThis.open();
      const jumps = [];
      rt.on('timeJump', (jump) => jumps.push(jump));
      const failed = rt.submit((ctx) => ctx.delay(hour), { timeout: hour / 2 }).promise.catch((error) => error);
      // A cycle of its own, after which the runtime sleeps until its next timer.
      const cycle = async () => {
        await rt.yield();
        await new Promise((resolve) => setTimeout(resolve));
      };
      await cycle();
      const before = rt.clock.now();
      // Far enough from the last look at the clock that the next cycle looks again.
      monotonic(100);
      wall(100 + hour);
      await cycle();
      const passed = rt.clock.now() - before;
      const { code, limit } = await failed;
      await rt.close();
      return { kinds: jumps.map(({ kind }) => kind), isHour: Math.abs(jumps[0]?.ms - hour) < 1000, isPassed: passed >= hour, code, limit };
    }, kHour);
    assert.deepEqual(seen, { kinds: ['sleep'], isHour: true, isPassed: true, code: 'Timeout', limit: 'timeout' });
  });

  test(`a timer that comes late, ${build}`, needsBrowser, async (t) => {
    const page = await openModelPage(t, build);
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + kHour);
    await page.evaluate(async () => {
      globalThis.rt = await globalThis.open();
      globalThis.jumps = [];
      globalThis.rt.on('timeJump', (jump) => globalThis.jumps.push(jump));
      globalThis.delay = globalThis.rt.delay(1000);
      // The next cycle sets the timer.
      await globalThis.rt.yield();
    });
    // Fires what is overdue once, as a tab does that was frozen.
    await page.clock.fastForward(kHour);
    const jumps = await page.evaluate(async () => {
      await globalThis.delay;
      await globalThis.rt.close();
      return globalThis.jumps;
    });
    assert.deepEqual(jumps.map(({ kind, ms }) => [kind, Math.round(ms / 1000)]), [['late', kHour / 1000 - 1]]);
  });
}
