// configure() and createRuntime(): every key, what it may be, and that a refused value changes nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open, variant } from '../support/heddle.mjs';
import { deferred, hasCode, rejection, thrown, turns, until } from '../support/tasks.mjs';

const count = {
  good: [1, 64, 4294967295, Infinity],
  bad: [0, -1, 1.5, NaN, -Infinity, 4294967296, '5', null, true, {}, [1], 5n],
};
const countFrom0 = { good: [0, ...count.good], bad: count.bad.slice(1) };
const duration = { good: [0, 0.5, 1000, 86_400_000], bad: [-1, NaN, Infinity, -Infinity, '5', null, true, {}, 1e300] };

const live = {
  maxConcurrentTasks: count,
  maxConcurrentLLMCalls: count,
  taskTimeout: duration,
  fairnessMode: { good: ['fifo', 'priority', 'round-robin'], bad: ['FIFO', '', 'toString', 0, null, {}] },
  agingMs: { good: duration.good, bad: [...duration.bad, 86_400_001] },
  graceMs: duration,
  maxZombies: count,
  maxQueued: count,
  retainSettled: countFrom0,
  'retry.maxAttempts': count,
  'retry.baseDelay': duration,
  'retry.maxDelay': duration,
  'retry.maxRetryAfter': duration,
  'retry.budget': countFrom0,
  retry: { good: [{}], bad: [null, 5, 'x', [], () => 1] },
};

const fixed = {
  clock: { good: ['real', 'virtual'], bad: ['wall', '', 0, null] },
  seed: { good: [0, -1, 1.5, 1e300], bad: [NaN, Infinity, '1', null, 1n] },
  sliceMs: { good: [0, 8, 60_000], bad: [...duration.bad, 60_001] },
  deadlocks: { good: ['auto', 'closed', 'open'], bad: ['off', 1, true] },
  asyncContext: { good: [true, false], bad: [1, 'yes', null] },
  variant: { good: [], bad: ['wasm', '', 1, null] },
  'dispatch.policy': { good: ['round-robin', 'fair-rr', 'random', 'priority'], bad: ['fastest', 1, null] },
  'dispatch.quantum': count,
  'dispatch.seed': { good: [0, 7], bad: [NaN, 'x', null] },
  dispatch: { good: [{}], bad: [null, 'random', []] },
  provider: { good: [], bad: [null, {}, 'openai', () => 'x', { kind: 'other' }] },
  fetch: { good: [], bad: [null, 'fetch', {}] },
  wasmBinary: { good: [], bad: [null, 'x', [1, 2], {}] },
  wasmModule: { good: [], bad: [null, 'x', new Uint8Array(4), {}] },
  recordEvents: { good: [true, false], bad: [1, null, 'yes'] },
};

/** {retry: {budget: 5}} of 'retry.budget' and 5. */
const at = (path, value) => path.split('.').reduceRight((inner, key) => ({ [key]: inner }), value);

function checkError(error, path, value) {
  hasCode(error, 'ConfigError');
  assert.ok(error instanceof heddle.ConfigError);
  assert.equal(error.key, path);
  assert.ok(error.message.includes(path), error.message);
  if (typeof value === 'string' || typeof value === 'number')
    assert.ok(error.message.includes(String(value)), error.message);
}

for (const [path, { good, bad }] of Object.entries(live)) {
  test(`configure takes ${path} in its range, and refuses the rest by name`, async (t) => {
    const rt = await open(t);
    for (const value of good) rt.configure(at(path, value));
    for (const value of bad) {
      checkError(
        thrown(() => rt.configure(at(path, value))),
        path,
        value,
      );
    }
    rt.configure(at(path, undefined));
    assert.equal(await rt.submit(() => 'runs').promise, 'runs');
  });
}

for (const [path, { good, bad }] of Object.entries({ ...live, ...fixed })) {
  test(`createRuntime takes ${path} in its range, and refuses the rest by name`, async (t) => {
    for (const value of good.slice(0, 2)) {
      const rt = await open(t, at(path, value));
      assert.equal(await rt.submit(() => 'runs').promise, 'runs');
    }
    for (const value of bad) checkError(await rejection(heddle.createRuntime(at(path, value))), path, value);
  });
}

test('a key that is none is refused, with those that are', async (t) => {
  const rt = await open(t);
  for (const key of ['maxTasks', 'constructor', 'toString', '__proto__x', 'hasOwnProperty', '']) {
    const error = thrown(() => rt.configure({ [key]: 1 }));
    hasCode(error, 'ConfigError');
    assert.match(error.message, /maxConcurrentTasks/);
    hasCode(await rejection(heddle.createRuntime({ [key]: 1 })), 'ConfigError');
  }
  assert.match(thrown(() => rt.configure({ retry: { attempts: 3 } })).message, /retry\.attempts.*maxAttempts/);
});

test('what only createRuntime takes says so', async (t) => {
  const rt = await open(t);
  for (const key of ['clock', 'seed', 'provider', 'dispatch', 'variant']) {
    const error = hasCode(
      thrown(() => rt.configure({ [key]: 1 })),
      'ConfigError',
    );
    assert.equal(error.key, key);
    assert.match(error.message, /createRuntime/);
  }
});

test('a configuration that is no object is refused', async (t) => {
  const rt = await open(t);
  for (const config of [null, 5, 'x', [], () => 1]) {
    assert.match(
      hasCode(await rejection(heddle.createRuntime(config)), 'ConfigError').message,
      /configuration must be an object/,
    );
    hasCode(
      thrown(() => rt.configure(config)),
      'ConfigError',
    );
  }
  hasCode(
    thrown(() => rt.configure()),
    'ConfigError',
  );
});

test('where one value is refused nothing changes', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const gate = deferred();
  const tasks = [rt.submit(() => gate.promise), rt.submit(() => gate.promise)];
  await until('one runs', () => tasks[0].state === 'running');
  assert.throws(() => rt.configure({ maxConcurrentTasks: 5, fairnessMode: 'priority', taskTimeout: -1 }), {
    key: 'taskTimeout',
  });
  await turns();
  assert.equal(tasks[1].state, 'pending');
  gate.resolve();
});

test('each limit that changes live does so at once', async (t) => {
  const rt = await open(t, { clock: 'virtual', maxQueued: 1, maxConcurrentTasks: 1 });
  const long = rt.submit((ctx) => ctx.delay(100));
  await rt.delay(1);
  rt.submit(() => 1);
  assert.throws(() => rt.submit(() => 1), { code: 'QueueFull' });
  rt.configure({ maxQueued: 2 });
  rt.submit(() => 1);
  await long.promise;
  await rt.onIdle();
  rt.configure({ retainSettled: 1 });
  await rt.submit(() => 1).promise;
  assert.equal(rt.getAllTasks().length, 1);
  rt.configure({ graceMs: 7 });
  const stubborn = rt.submit(() => new Promise(() => {}));
  await rt.delay(1);
  const before = rt.clock.now();
  rt.cancel(stubborn.id);
  await rt.delay(20);
  assert.equal(rt.getStats().zombieTasks, 1);
  assert.ok(rt.clock.now() >= before + 7);
});

test('retry may change live', async (t) => {
  const rt = await open(t, {
    clock: 'virtual',
    provider: heddle.simulated({ script: () => ({ error: { status: 503 }, latencyMs: 1 }) }),
  });
  const attempts = async () => (await rejection(rt.llm('x'))).attempts;
  assert.equal(await attempts(), 4);
  rt.configure({ retry: { maxAttempts: 2 } });
  assert.equal(await attempts(), 2);
  rt.configure({ retry: { budget: 4 } });
  assert.equal(await attempts(), 1, 'four retries were spent');
});

test('the variant is the one that was asked for', async (t) => {
  const rt = await open(t);
  const expected = { auto: rt.variant, 'single-file': 'asyncify' }[variant] ?? variant;
  assert.equal(rt.variant, expected);
});
