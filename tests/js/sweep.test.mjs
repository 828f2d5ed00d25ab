// Sweeps: a program with every kind of wait is ended after its first step, its second, and so on until it completes; by a
// cancel, by cancelAll and by a timeout. Each time, once it unwound, nothing is left: no open call or connection, no slot,
// no timer, no listener, no zombie, no record.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { Outside, liveProvider, parts, program, simulatedProvider } from '../support/sweep-program.mjs';
import { SignalCounter, assertAtRest, turns } from '../support/tasks.mjs';

const kGrace = 10_000;

const providers = {
  simulated: () => simulatedProvider(),
  live: (outside) => liveProvider(outside),
};

/** A runtime for many runs of one body, and the steps at which one may be ended. */
async function bench(t, { provider, cycles = false }) {
  const outside = new Outside();
  const rt = await open(t, {
    clock: 'virtual',
    // A cycle is always the end of the turn, however slow the machine is.
    sliceMs: 60_000,
    maxConcurrentTasks: 4,
    maxConcurrentLLMCalls: 2,
    graceMs: kGrace,
    retry: { baseDelay: 10, maxAttempts: 4 },
    provider: providers[provider](outside),
  });
  const steps = { count: 0, at: Infinity, act: undefined };
  // What the kernel says is carried out by these methods; the run is ended before one of them, or between two batches.
  for (const method of cycles ? ['cycled'] : ['start', 'resume', 'startCall', 'read']) {
    const original = rt[method];
    rt[method] = (...command) => {
      if (++steps.count === steps.at) steps.act();
      original.apply(rt, command);
    };
  }
  const counter = new SignalCounter();
  const zombies = [];
  rt.on('zombie', (task) => zombies.push(task.id));

  /** Runs the body, ends it by act(task) before step n, and looks at what is left. */
  async function run(body, n, act, options) {
    const { signal } = counter.signal();
    const given = { outside, signal, abortable: () => counter.signal() };
    const task = rt.submit((ctx) => body(ctx, given), options);
    task.promise.catch(() => {});
    Object.assign(steps, { count: 0, at: n, act: () => act?.(task) });
    await rt.onIdle();
    const ended = steps.count >= n;
    steps.at = Infinity;
    // Effects that were cut off end by microtasks, clean-up within its shields' time.
    for (let i = 0; i < 100 && (rt.getStats().records > 0 || outside.open > 0); i++) await turns(1);
    const message = `ended before step ${n}, ${task.state}`;
    assertAtRest(rt, message);
    assert.equal(outside.open, 0, message);
    assert.equal(counter.listeners, 0, message);
    assert.deepEqual(zombies, [], message);
    return { task, ended, steps: steps.count };
  }
  return { rt, run };
}

const endings = {
  cancel: (rt) => (task) => rt.cancel(task.id, 'swept'),
  cancelAll: (rt) => () => rt.cancelAll('swept'),
};

/** Ends the body at each of its steps in turn, until it completes unharmed; gives how many there were. */
async function sweep({ rt, run }, body, ending) {
  let n = 0;
  for (;;) {
    const { task, ended } = await run(body, ++n, endings[ending](rt));
    assert.equal(task.state, ended && task.error !== undefined ? 'cancelled' : 'completed', task.error?.stack);
    if (task.state === 'cancelled') assert.equal(task.error.reason, 'swept');
    if (!ended) return n - 1;
  }
}

for (const provider of Object.keys(providers)) {
  for (const [name, part] of Object.entries(parts)) {
    test(`${name} (${provider}): ended at each step, it leaves nothing`, async (t) => {
      for (const cycles of [false, true]) {
        const runner = await bench(t, { provider, cycles });
        for (const ending of Object.keys(endings)) assert.ok((await sweep(runner, part, ending)) > 0);
      }
    });
  }
}

test('the whole program, cancelled before each command of the kernel, leaves nothing', async (t) => {
  const runner = await bench(t, { provider: 'simulated' });
  const n = await sweep(runner, (ctx, given) => program(given)(ctx), 'cancel');
  assert.ok(n > 300, `${n} steps`);
});

test('the whole program, ended by cancelAll after each batch, leaves nothing', async (t) => {
  const runner = await bench(t, { provider: 'simulated', cycles: true });
  const n = await sweep(runner, (ctx, given) => program(given)(ctx), 'cancelAll');
  assert.ok(n > 100, `${n} batches`);
});

test('the whole program, ended by a timeout at each time at which something happens, leaves nothing', async (t) => {
  const { rt, run } = await bench(t, { provider: 'simulated' });
  const body = (ctx, given) => program(given)(ctx);
  // The times of one whole run: at each, just before and just after it.
  const times = new Set();
  const cycled = rt.cycled;
  const begin = rt.clock.now();
  rt.cycled = () => {
    times.add(Math.round((rt.clock.now() - begin) * 1000));
    cycled.call(rt);
  };
  assert.equal((await run(body, Infinity)).task.state, 'completed');
  rt.cycled = cycled;
  const all = [...new Set([...times].flatMap((us) => [us - 1, us, us + 1]))]
    .filter((us) => us > 0)
    .sort((a, b) => a - b);
  assert.ok(all.length > 100, `${all.length} times`);
  for (const us of all) {
    const { task } = await run(body, Infinity, undefined, { timeout: us / 1000 });
    if (task.error !== undefined) assert.equal(task.error.limit, 'timeout', `${us} us: ${task.error.stack}`);
  }
});
