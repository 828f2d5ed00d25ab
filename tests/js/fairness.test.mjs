// Which pending task gets the next free slot: fifo, priority with aging and lending, round-robin over keys.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { deferred, forever, turns, until } from '../support/tasks.mjs';

/** A runtime with one slot, taken until open() is called: what is submitted meanwhile is chosen among. */
async function busy(t, config) {
  const rt = await open(t, { maxConcurrentTasks: 1, ...config });
  const gate = deferred();
  const blocker = rt.submit(() => gate.promise, { key: 'blocker' });
  await until('the slot is taken', () => blocker.state === 'running');
  const order = [];
  const submit = (name, options) => rt.submit(() => void order.push(name), { name: String(name), ...options });
  const drain = async () => {
    gate.resolve();
    await rt.onIdle();
    return order;
  };
  return { rt, submit, drain };
}

test('fifo: in the order of submission, whatever the priority or the key', async (t) => {
  const { submit, drain } = await busy(t, { fairnessMode: 'fifo' });
  for (let i = 0; i < 20; i++) submit(i, { priority: (i * 7) % 5, key: `k${i % 3}` });
  assert.deepEqual(
    await drain(),
    Array.from({ length: 20 }, (_, i) => i),
  );
});

test('fifo is the default', async (t) => {
  const { submit, drain } = await busy(t);
  submit('low', { priority: 0 });
  submit('high', { priority: 9 });
  assert.deepEqual(await drain(), ['low', 'high']);
});

test('priority: higher first, equal ones in the order of submission', async (t) => {
  const { submit, drain } = await busy(t, { fairnessMode: 'priority' });
  const wanted = [];
  for (let i = 0; i < 60; i++) {
    const priority = ((i * 37) % 7) - 3;
    submit(i, { priority });
    wanted.push({ i, priority });
  }
  wanted.sort((a, b) => b.priority - a.priority || a.i - b.i);
  assert.deepEqual(
    await drain(),
    wanted.map(({ i }) => i),
  );
});

test('priority: the whole range, with both ends', async (t) => {
  const { submit, drain } = await busy(t, { fairnessMode: 'priority' });
  for (const priority of [0, -1_000_000, 1_000_000, 1, -1]) submit(priority, { priority });
  assert.deepEqual(await drain(), [1_000_000, 1, 0, -1, -1_000_000]);
});

test('without aging a stream of high ones starves a low one', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1, clock: 'virtual', fairnessMode: 'priority' });
  assert.equal(await startOfLow(rt), 51);
});

test('agingMs: waiting that long counts as one level more', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1, clock: 'virtual', fairnessMode: 'priority', agingMs: 10 });
  // The low one is 5 levels below; each high one is submitted just before it starts, and is 1 ms of work.
  const at = await startOfLow(rt);
  assert.ok(at > 40 && at <= 51, `it started at ${at}`);
});

test('agingMs may be set while tasks wait', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1, clock: 'virtual', fairnessMode: 'priority' });
  const high = rt.submit((ctx) => ctx.delay(100), { priority: 5 });
  const order = [];
  rt.submit(() => order.push('old and low'), { priority: 0 });
  await rt.delay(90);
  rt.submit(() => order.push('new and high'), { priority: 5 });
  rt.configure({ agingMs: 10 });
  await high.promise;
  await rt.onIdle();
  assert.deepEqual(order, ['old and low', 'new and high']);
});

// Fifty tasks of priority 5, each submitted by the one before, and one of priority 0; gives when that one started.
async function startOfLow(rt) {
  const chain = (n) => async (ctx) => {
    if (n > 0) rt.submit(chain(n - 1), { priority: 5 });
    await ctx.delay(1);
  };
  rt.submit(chain(50), { priority: 5 });
  const low = rt.submit(() => rt.clock.now(), { priority: 0 });
  return low.promise;
}

test('a task that waits for a lower one lends it its priority, along the whole chain', async (t) => {
  const { rt, submit, drain } = await busy(t, { fairnessMode: 'priority', maxConcurrentTasks: 2 });
  // The chain: `urgent` (9) waits for `middle` (0), which waits for `base` (-5).
  const order = [];
  const gate = deferred();
  const base = rt.submit(() => void order.push('base'), { priority: -5 });
  const middle = rt.submit(
    async (ctx) => {
      await gate.promise;
      await ctx.await(base);
      order.push('middle');
    },
    { priority: 100 },
  );
  await until('middle runs', () => middle.state === 'running');
  submit('between', { priority: 5 });
  gate.resolve();
  // Middle waits for base with its priority of 100, so base overtakes.
  await middle.promise;
  assert.deepEqual(order, ['base', 'middle']);
  assert.deepEqual(await drain(), ['between']);
});

test('what was lent goes back when the wait ends', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 2, fairnessMode: 'priority' });
  const order = [];
  const gates = [deferred(), deferred()];
  const blocker = rt.submit(() => gates[0].promise, { priority: 50 });
  const low = rt.submit(() => void order.push('low'), { priority: -5 });
  const controller = new AbortController();
  const waiter = rt.submit(
    async (ctx) => {
      await ctx.await(low, { signal: controller.signal }).catch(() => {});
      await gates[1].promise;
    },
    { priority: 20 },
  );
  // The waiter's slot is free while it waits; something else takes it.
  const other = rt.submit(() => gates[1].promise, { priority: 30 });
  await until('both slots are taken', () => blocker.state === 'running' && other.state === 'running');
  rt.submit(() => void order.push('middle'), { priority: 5 });
  await turns();
  controller.abort();
  await turns();
  gates[0].resolve();
  gates[1].resolve();
  await rt.onIdle();
  assert.deepEqual(order, ['middle', 'low']);
  assert.equal(waiter.state, 'completed');
});

test('a task that is over lends its priority to the children that it waits for', async (t) => {
  const { rt, submit, drain } = await busy(t, { fairnessMode: 'priority', maxConcurrentTasks: 2 });
  const order = [];
  const parent = rt.submit((ctx) => void ctx.submit(() => void order.push('child'), { priority: 0 }), { priority: 10 });
  submit('between', { priority: 5 });
  await parent.promise;
  assert.deepEqual(order, ['child']);
  assert.deepEqual(await drain(), ['between']);
});

test('round-robin: one turn a key, so that a flood of one does not starve another', async (t) => {
  const { submit, drain } = await busy(t, { fairnessMode: 'round-robin' });
  for (let i = 0; i < 1000; i++) submit('flood', { key: 'loud' });
  for (let i = 0; i < 3; i++) submit('quiet', { key: 'quiet' });
  submit('single', { key: 'single' });
  const order = await drain();
  assert.deepEqual(order.slice(0, 7), ['flood', 'quiet', 'single', 'flood', 'quiet', 'flood', 'quiet']);
  assert.equal(order.length, 1004);
});

test('round-robin: without a key a task counts for its root', async (t) => {
  const { rt, drain } = await busy(t, { fairnessMode: 'round-robin', maxConcurrentTasks: 3 });
  const order = [];
  const gate = deferred();
  const tenant = (name, n) => async (ctx) => {
    const children = Array.from({ length: n }, (_, i) => ctx.submit(() => void order.push(`${name}${i}`)));
    await gate.promise;
    await ctx.awaitAll(children);
  };
  const a = rt.submit(tenant('a', 4));
  const b = rt.submit(tenant('b', 2));
  await until('both run', () => a.state === 'running' && b.state === 'running');
  await turns();
  assert.deepEqual(order, []);
  gate.resolve();
  await rt.awaitAll([a, b]);
  assert.deepEqual(order, ['a0', 'b0', 'a1', 'b1', 'a2', 'a3']);
  await drain();
});

test('round-robin: a child inherits the key of its parent; within a key it is first come, first served', async (t) => {
  const { rt, submit, drain } = await busy(t, { fairnessMode: 'round-robin', maxConcurrentTasks: 2 });
  const order = [];
  const gate = deferred();
  const parent = rt.submit(
    async (ctx) => {
      ctx.submit(() => void order.push('child 1'));
      ctx.submit(() => void order.push('child 2'));
      ctx.submit(() => void order.push('own key'), { key: 'own' });
      await gate.promise;
    },
    { key: 'team' },
  );
  await until('it runs', () => parent.state === 'running');
  submit('team mate', { key: 'team' });
  gate.resolve();
  await parent.promise;
  const rest = await drain();
  assert.deepEqual(order, ['child 1', 'own key', 'child 2']);
  assert.deepEqual(rest, ['team mate']);
});

test('the mode may change while tasks wait', async (t) => {
  const { rt, submit, drain } = await busy(t, { fairnessMode: 'fifo' });
  submit('a1', { priority: 1, key: 'a' });
  submit('a2', { priority: 1, key: 'a' });
  submit('b1', { priority: 2, key: 'b' });
  rt.configure({ fairnessMode: 'priority' });
  rt.configure({ fairnessMode: 'round-robin' });
  const expected = rt.explain('t4')[0].ahead;
  assert.equal(expected, 1);
  rt.configure({ fairnessMode: 'priority' });
  assert.equal(rt.explain('t4')[0].ahead, 0);
  rt.configure({ fairnessMode: 'fifo' });
  assert.equal(rt.explain('t4')[0].ahead, 2);
  rt.configure({ fairnessMode: 'round-robin' });
  assert.deepEqual(await drain(), ['a1', 'b1', 'a2']);
});

test('LLM calls wait by the same rule', async (t) => {
  const rt = await open(t, { clock: 'virtual', maxConcurrentLLMCalls: 1, fairnessMode: 'priority' });
  const order = [];
  const tasks = [0, 3, 1, 2].map((priority) =>
    rt.submit(
      async (ctx) => {
        await ctx.delay(1);
        await ctx.llm(`p${priority}`);
        order.push(priority);
      },
      { priority },
    ),
  );
  await rt.awaitAll(tasks);
  // All ask at the same time, in the order of their start.
  assert.deepEqual(order, [3, 2, 1, 0]);
});

test('a key is free again when its tasks are over', async (t) => {
  const rt = await open(t, { fairnessMode: 'round-robin' });
  for (let i = 0; i < 3000; i++) await rt.submit(() => i, { key: `tenant ${i}` }).promise;
  rt.submit(forever, { key: 'last' });
  assert.equal(rt.getStats().pendingTasks, 1);
});

test('dispatch by priority, random or fair round-robin runs everything', async (t) => {
  for (const policy of ['round-robin', 'fair-rr', 'random', 'priority']) {
    const order = [];
    const rt = await open(t, { dispatch: { policy, seed: 5 } });
    const tasks = Array.from({ length: 20 }, (_, i) =>
      rt.submit(async (ctx) => {
        await ctx.yield();
        order.push(i);
        return i;
      }),
    );
    assert.deepEqual(
      await rt.awaitAll(tasks),
      tasks.map((_, i) => i),
    );
    assert.equal(order.length, 20, policy);
  }
});
