// AbortSignals given to submits and to single operations: what they end, and that no listener stays behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { SignalCounter, assertAtRest, deferred, forever, hasCode, rejection, turns, until } from '../support/tasks.mjs';

test('an aborted signal cancels its task in the same turn, with the reason and the cause', async (t) => {
  const rt = await open(t);
  const controller = new AbortController();
  const task = rt.submit(forever, { signal: controller.signal });
  await until('it runs', () => task.state === 'running');
  const why = new Error('closed the tab');
  controller.abort(why);
  assert.equal(task.state, 'cancelled');
  assert.equal(task.error.reason, 'closed the tab');
  assert.equal(task.error.cause, why);
});

test('a signal that was aborted before gives a cancelled task whose body never runs', async (t) => {
  const rt = await open(t);
  const task = rt.submit(() => assert.fail('it ran'), { signal: AbortSignal.abort('too late') });
  assert.equal(task.state, 'cancelled');
  assert.equal(hasCode(await rejection(task.promise), 'Cancelled').reason, 'too late');
  await turns();
  assertAtRest(rt);
  const rejected = rt.submit((ctx) =>
    rejection(ctx.submit(() => assert.fail('it ran'), { signal: AbortSignal.abort() }).promise),
  );
  hasCode(await rejected.promise, 'Cancelled');
});

test('a task listens to its signal once, and no longer than it lives', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const counter = new SignalCounter();
  for (const [how, end] of Object.entries({
    completes: (task) => task.promise,
    fails: (task) => rejection(task.promise),
    'is cancelled': async (task) => {
      await rt.delay(1);
      rt.cancel(task.id);
    },
    'runs out of time': (task) => rejection(task.promise),
  })) {
    const bodies = {
      completes: (ctx) => ctx.delay(5),
      fails: async (ctx) => {
        await ctx.delay(5);
        throw new Error('x');
      },
      'is cancelled': forever,
      'runs out of time': forever,
    };
    const { signal } = counter.signal();
    const task = rt.submit(bodies[how], { signal, timeout: how === 'runs out of time' ? 5 : 0 });
    assert.equal(counter.listeners, 1, how);
    await end(task);
    assert.equal(counter.listeners, 0, how);
  }
});

test('a task that is cancelled while pending stops listening', async (t) => {
  const rt = await open(t);
  const counter = new SignalCounter();
  const task = rt.submit(forever, { signal: counter.signal().signal });
  rt.cancel(task.id);
  assert.equal(counter.listeners, 0);
});

test('one signal for a thousand tasks: none of them leaves a listener', async (t) => {
  const rt = await open(t);
  const counter = new SignalCounter();
  const { signal } = counter.signal();
  await rt.awaitAll(Array.from({ length: 1000 }, (_, i) => rt.submit(() => i, { signal })));
  assert.equal(counter.listeners, 0);
});

/** Operations that take a signal, each waiting for something that does not come. */
const operations = {
  delay: (on, { signal }) => on.delay(1e9, { signal }),
  await: (on, { signal, live }) => on.await(live, { signal }),
  awaitAll: (on, { signal, live }) => on.awaitAll([live], { signal }),
  awaitAllSettled: (on, { signal, live }) => on.awaitAllSettled([live], { signal }),
  awaitAny: (on, { signal, live }) => on.awaitAny([live], { signal }),
  race: (on, { signal, live }) => on.race([live], { signal }),
  llm: (on, { signal }) => on.llm('hello', { signal }),
  call: (on, { signal }) =>
    on.call?.(
      'x',
      ({ signal: own }) => new Promise((_, reject) => own.addEventListener('abort', () => reject(own.reason))),
      { signal },
    ),
  scope: (on, { signal }) => on.scope((s) => forever(s), { signal }),
};

for (const [name, operation] of Object.entries(operations)) {
  const callers = {
    inside: (rt, given) => rt.submit((ctx) => operation(ctx, given)).promise,
    ...(name === 'call' ? {} : { outside: (rt, given) => operation(rt, given) }),
  };
  for (const [where, by] of Object.entries(callers)) {
    test(`${name} (${where}): its signal ends it alone, and is listened to no longer`, async (t) => {
      const rt = await open(t);
      const gate = deferred();
      const live = rt.submit(() => gate.promise);
      const counter = new SignalCounter();
      const { signal, abort } = counter.signal();
      const ended = rejection(by(rt, { signal, live }));
      await until('it waits', () => counter.listeners === 1);
      await turns();
      abort('enough');
      const error = hasCode(await ended, 'Cancelled');
      assert.equal(error.reason, 'enough');
      assert.equal(counter.listeners, 0);
      assert.equal(live.state, 'running');
      gate.resolve();
      await live.promise;
      await turns();
      assertAtRest(rt);
    });

    test(`${name} (${where}): a signal that was aborted before ends it at once`, async (t) => {
      const rt = await open(t);
      const gate = deferred();
      const live = rt.submit(() => gate.promise);
      const error = hasCode(await rejection(by(rt, { signal: AbortSignal.abort('before'), live })), 'Cancelled');
      assert.equal(error.reason, 'before');
      gate.resolve();
      await turns();
      assertAtRest(rt);
    });
  }
}

test('an operation that is over stops listening, whether well or not', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const counter = new SignalCounter();
  const { signal } = counter.signal();
  await rt
    .submit(async (ctx) => {
      await ctx.delay(5, { signal });
      await ctx.await(
        ctx.submit(() => 1),
        { signal },
      );
      await rejection(
        ctx.await(
          ctx.submit(() => {
            throw new Error('x');
          }),
          { signal },
        ),
      );
      await ctx.llm('x', { signal });
      await ctx.call('x', () => 1, { signal });
      for await (const _ of ctx.llmStream('a few words', { signal }));
      for await (const _ of ctx.mapConcurrent([1, 2, 3], (x) => x, { signal }));
      await ctx.scope(() => 1, { signal });
      await rejection(ctx.await(ctx.submit(forever), { signal, timeout: 5 }));
      ctx.cancel();
    })
    .promise.catch(() => {});
  assert.equal(counter.listeners, 0);
});

test('a cancelled task stops listening for all its operations', async (t) => {
  const rt = await open(t);
  const counter = new SignalCounter();
  const task = rt.submit((ctx) =>
    Promise.allSettled([
      ctx.delay(1e9, { signal: counter.signal().signal }),
      ctx.llm('x', { signal: counter.signal().signal }),
    ]),
  );
  await until('it waits', () => counter.listeners === 2);
  rt.cancel(task.id);
  await turns();
  assert.equal(counter.listeners, 0);
});

test('operations that a body leaves behind are forgotten with their signals, and their ids serve others', async (t) => {
  const rt = await open(t);
  const counter = new SignalCounter();
  const { signal, abort } = counter.signal();
  const gate = deferred();
  const careless = rt.submit((ctx) => {
    void ctx.delay(1e9, { signal });
    // A child keeps the task alive after its body.
    ctx.submit(() => gate.promise);
  });
  await until('its body is over', () => careless.state === 'suspended');
  await turns();
  assert.equal(counter.listeners, 0);
  // Whoever waits now may have got the same operation's number.
  const others = Array.from({ length: 5 }, () => rt.submit((ctx) => ctx.await(careless)));
  await until('they wait', () => others.every(({ state }) => state === 'suspended'));
  abort('a stale signal');
  gate.resolve();
  await rt.awaitAll(others);
});

test('an AbortSignal of the host drives a task', async (t) => {
  const rt = await open(t);
  const controllers = [new AbortController(), new AbortController()];
  const task = rt.submit(forever, { signal: AbortSignal.any(controllers.map(({ signal }) => signal)) });
  await until('it runs', () => task.state === 'running');
  controllers[1].abort('second');
  assert.equal(task.error.reason, 'second');
});
