// maxConcurrentTasks and maxConcurrentLLMCalls hold at every instant: counted by the bodies and the provider themselves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, assertConsistent, deferred, rejection, turns, until } from '../support/tasks.mjs';

/** How many are inside now, and the most that ever were. */
class Gauge {
  now = 0;
  most = 0;

  enter() {
    this.most = Math.max(this.most, ++this.now);
  }

  leave() {
    this.now--;
  }

  async around(fn) {
    this.enter();
    try {
      return await fn();
    } finally {
      this.leave();
    }
  }
}

for (const limit of [1, 2, 7]) {
  test(`never more than ${limit} bodies run that wait for the host`, async (t) => {
    const rt = await open(t, { maxConcurrentTasks: limit, clock: 'virtual' });
    const gauge = new Gauge();
    const tasks = Array.from({ length: 50 }, (_, i) =>
      rt.submit((ctx) =>
        gauge.around(async () => {
          await ctx.delay((i * 7) % 11);
          await ctx.yield();
          await Promise.resolve();
          await ctx.llm(`question ${i}`);
          assert.ok(rt.getStats().slots <= limit);
        }),
      ),
    );
    await rt.awaitAll(tasks);
    assert.equal(gauge.most, limit);
    assertAtRest(rt);
  });
}

test('a task that waits for fibers is outside, and comes back in only when there is room', async (t) => {
  const limit = 3;
  const rt = await open(t, { maxConcurrentTasks: limit, clock: 'virtual' });
  const gauge = new Gauge();
  const node = (depth) => async (ctx) => {
    gauge.enter();
    await ctx.delay(depth);
    if (depth > 0) {
      const children = [ctx.submit(node(depth - 1)), ctx.submit(node(depth - 1))];
      gauge.leave();
      await ctx.awaitAll(children);
      gauge.enter();
    }
    await ctx.delay(1);
    gauge.leave();
  };
  await rt.awaitAll([rt.submit(node(4)), rt.submit(node(4))]);
  assert.equal(gauge.most, limit);
});

test('never more requests are in flight than maxConcurrentLLMCalls, as the provider counts them', async (t) => {
  const gauge = new Gauge();
  const rt = await open(t, {
    maxConcurrentLLMCalls: 3,
    provider: heddle.custom(({ messages }) =>
      gauge.around(async () => {
        await turns(1 + (messages[0].content.length % 3));
        return 'answer';
      }),
    ),
  });
  const tasks = Array.from({ length: 30 }, (_, i) => rt.submit((ctx) => ctx.llm('q'.repeat(1 + (i % 5)))));
  await rt.awaitAll(tasks);
  assert.equal(gauge.most, 3);
  assert.equal(rt.getStats().llmCalls, 30);
  assertAtRest(rt);
});

test('a call between two attempts is not in flight', async (t) => {
  let n = 0;
  const rt = await open(t, {
    clock: 'virtual',
    maxConcurrentLLMCalls: 1,
    retry: { baseDelay: 1000, maxAttempts: 2 },
    provider: heddle.simulated({
      latency: 10,
      script: ({ messages }, attempt) => {
        n++;
        return messages[0].content === 'fails first' && attempt === 1 ? { error: { status: 503 } } : undefined;
      },
    }),
  });
  const first = rt.submit((ctx) => ctx.llm('fails first'));
  const second = rt.submit(async (ctx) => {
    await ctx.llm('in between');
    return rt.clock.now();
  });
  assert.equal(await second.promise, 20, 'while the first one waits to try again');
  await first.promise;
  assert.equal(n, 3);
  assert.equal(rt.getStats().llmRetries, 1);
});

test('a cancelled request holds its place until its connection is closed', async (t) => {
  const gauge = new Gauge();
  const closed = deferred();
  const rt = await open(t, {
    maxConcurrentLLMCalls: 1,
    provider: {
      kind: 'custom',
      model: 'm',
      complete: (request, { signal }) =>
        gauge.around(async () => {
          if (request.messages[0].content === 'second')
            return { text: 'fine', usage: {}, finishReason: 'stop', model: 'm' };
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          await closed.promise;
          throw signal.reason;
        }),
      stream: () => assert.fail('no stream was asked for'),
    },
  });
  const first = rt.submit((ctx) => ctx.llm('first'));
  await until('it is in flight', () => gauge.now === 1);
  rt.cancel(first.id);
  const second = rt.submit((ctx) => ctx.llm('second'));
  await turns();
  assert.equal(rt.getStats().concurrentLLMCalls, 1);
  assert.equal(gauge.now, 1);
  closed.resolve();
  assert.equal((await second.promise).text, 'fine');
  assert.equal(gauge.most, 1);
});

test('a lower limit lets running work finish, a higher one admits at once', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 4 });
  const gauge = new Gauge();
  const gates = Array.from({ length: 12 }, () => deferred());
  const tasks = gates.map((gate) => rt.submit(() => gauge.around(() => gate.promise)));
  await until('four run', () => gauge.now === 4);
  rt.configure({ maxConcurrentTasks: 2 });
  await turns();
  assert.equal(gauge.now, 4);
  for (const gate of gates.slice(0, 3)) gate.resolve();
  await until('one ended, one began', () => gauge.now === 2);
  await turns();
  assert.equal(gauge.now, 2);
  rt.configure({ maxConcurrentTasks: 6 });
  await until('six run', () => gauge.now === 6);
  assertConsistent(rt);
  for (const gate of gates) gate.resolve();
  await rt.awaitAll(tasks);
  assert.equal(gauge.most, 6);
});

test('the same for LLM calls', async (t) => {
  const gates = Array.from({ length: 8 }, () => deferred());
  const gauge = new Gauge();
  const rt = await open(t, {
    maxConcurrentLLMCalls: 3,
    provider: heddle.custom(({ messages }) =>
      gauge.around(async () => {
        await gates[Number(messages[0].content)].promise;
        return 'x';
      }),
    ),
  });
  const tasks = gates.map((_, i) => rt.submit((ctx) => ctx.llm(String(i))));
  await until('three', () => gauge.now === 3);
  rt.configure({ maxConcurrentLLMCalls: 1 });
  gates[0].resolve();
  await until('two', () => gauge.now === 2);
  await turns();
  assert.equal(gauge.now, 2);
  rt.configure({ maxConcurrentLLMCalls: 5 });
  await until('five', () => gauge.now === 5);
  assert.equal(rt.getStats().waitingLLMCalls, 2);
  for (const gate of gates) gate.resolve();
  await rt.awaitAll(tasks);
  assert.equal(gauge.most, 5);
});

test('cancels, timeouts and failures in a crowd never let one too many in, and free every slot', async (t) => {
  const rt = await open(t, {
    maxConcurrentTasks: 5,
    maxConcurrentLLMCalls: 2,
    clock: 'virtual',
    retry: { maxAttempts: 2, baseDelay: 5 },
  });
  const gauge = new Gauge();
  const tasks = Array.from({ length: 120 }, (_, i) =>
    rt.submit(
      (ctx) =>
        gauge.around(async () => {
          await ctx.delay(i % 13);
          if (i % 7 === 0) throw new Error('fails');
          if (i % 5 === 0) rt.cancel(`t${1 + ((i * 31) % 120)}`);
          await ctx.llm(`question ${i}`);
          assert.ok(rt.getStats().concurrentLLMCalls <= 2);
        }),
      { timeout: i % 11 === 0 ? 5 : 0 },
    ),
  );
  const outcomes = await rt.awaitAllSettled(tasks);
  assert.equal(outcomes.length, 120);
  await turns();
  assert.equal(gauge.most, 5);
  assertAtRest(rt);
  assertConsistent(rt);
  assert.equal((await rejection(tasks[0].promise)).message, 'fails');
});
