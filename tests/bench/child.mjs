// One (case, peer, size) in a process of its own, so that no peer inherits another's heap or compiled code.
// Argument: one JSON object. Output: one line of JSON, `{node, samples}` with an array of numbers a
// metric, or `{error}`. Its partner is run.mjs.

import { cases } from './cases.mjs';

const { name, peer, size, rounds, warmUps, atLeast, budget } = JSON.parse(process.argv[2]);

class Clock {
  #start = 0;
  #stop = 0;

  start() {
    this.#start = performance.now();
    this.#stop = 0;
  }

  stop() {
    this.#stop ||= performance.now();
  }

  get elapsed() {
    return this.#stop - this.#start;
  }
}

async function measure() {
  const one = cases[name];
  const { run, close } = await one.peers[peer](size);
  const operations = one.divideBy?.(size) ?? size;
  const samples = {};
  const begun = performance.now();

  for (let round = -warmUps; round < rounds; round++) {
    one.before?.();
    // The last round's garbage is not this round's business.
    globalThis.gc();
    const whole = new Clock();
    const part = new Clock();
    whole.start();
    const result = await run(part);
    whole.stop();

    const verdict = one.check(result, size, peer);
    if (verdict !== true) throw new Error(`wrong answer: ${verdict}`);
    if (round >= 0) keep(samples, metricsOf(result, whole, part, operations));
    // A slow peer gets fewer rounds, and the first after the warm-up in any case.
    if (round >= 0 && performance.now() - begun > budget) break;
    // And a quick one more, because a few milliseconds are mostly noise.
    if (round === rounds - 1 && performance.now() - begun < atLeast) round--;
  }
  if (!one.fresh) await close?.();
  return { node: process.version, samples };
}

function metricsOf(result, whole, part, operations) {
  if (result?.metrics) return result.metrics;
  const perOperation = (clock) => (clock.elapsed * 1e6) / operations;
  if (part.elapsed === 0) return { time: perOperation(whole) };
  return { time: perOperation(part), 'with submit': perOperation(whole) };
}

function keep(samples, metrics) {
  for (const [metric, value] of Object.entries(metrics)) (samples[metric] ??= []).push(value);
}

// The loader's own messages are long paths; what is missing is what matters.
function describe(error) {
  if (error.code === 'ERR_MODULE_NOT_FOUND') {
    const [, missing] = /package '([^']+)'/.exec(error.message) ?? [];
    return missing ? `${missing} is not installed` : 'dist/ is not built';
  }
  return `${error.name}: ${error.message}`.split('\n')[0];
}

let answer;
try {
  answer = await measure();
} catch (error) {
  answer = { node: process.version, error: describe(error) };
}
// A fresh case leaves timers of eleven days behind, so the exit is explicit, once the line is out.
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
