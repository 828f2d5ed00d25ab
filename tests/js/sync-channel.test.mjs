// Channels: order, meeting, closing, and that each value is received once or nobody's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, hasCode, rejection, SignalCounter, thrown, turns, until } from '../support/tasks.mjs';

const { closed } = heddle;
const virtual = { clock: 'virtual' };
const waits = (rt, task) => until(`${task.id} waits`, () => rt.explain(task.id)[0].reason === 'objects');

function assertNothingKept(rt) {
  assertAtRest(rt);
  assert.equal(rt._objects.values.size, 0, 'no value is kept');
}

for (const capacity of [0, 1, 3]) {
  test(`values come in the order in which they were sent, capacity ${capacity}`, async (t) => {
    const rt = await open(t, virtual);
    const channel = rt.channel(capacity);
    assert.equal(channel.capacity, capacity);
    const sender = rt.submit(function* (ctx) {
      for (let i = 0; i < 10; i++) {
        yield channel.send(i, ctx);
        assert.ok(channel.size <= capacity);
      }
      channel.close();
    });
    const receiver = rt.submit(async (ctx) => {
      const got = [];
      for (let value; (value = await channel.recv(ctx)) !== closed; ) got.push(value);
      return got;
    });
    const [, got] = await rt.awaitAll([sender, receiver]);
    assert.deepEqual(got, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assertNothingKept(rt);
  });
}

test('any value passes as it is, undefined and errors too', async (t) => {
  const rt = await open(t, virtual);
  const channel = rt.channel(10);
  const values = [undefined, null, NaN, new Error('e'), { a: 1 }, () => {}, Symbol.iterator];
  for (const value of values) await channel.send(value);
  for (const value of values) assert.ok(Object.is(await channel.recv(), value));
  assertNothingKept(rt);
});

test('without a capacity a sender waits until somebody receives', async (t) => {
  const rt = await open(t, virtual);
  const channel = rt.channel();
  const order = [];
  const sender = rt.submit(async (ctx) => {
    await channel.send('value', ctx);
    order.push('sent');
  });
  await waits(rt, sender);
  assert.equal(channel.size, 0);
  order.push(await channel.recv());
  await rt.await(sender);
  assert.deepEqual(order, ['value', 'sent']);
  assertNothingKept(rt);
});

test('receivers are served in the order in which they came, and none is passed by', async (t) => {
  const rt = await open(t, virtual);
  const channel = rt.channel(5);
  const tasks = ['a', 'b', 'c'].map((name) => rt.submit(async (ctx) => `${name}${await channel.recv(ctx)}`));
  await waits(rt, tasks[2]);
  assert.equal(channel.trySend(1), true);
  // That one is the first receiver's, though it has not run yet.
  assert.equal(channel.tryRecv(), undefined);
  assert.equal(channel.size, 0);
  await channel.send(2);
  await channel.send(3);
  assert.deepEqual(await rt.awaitAll(tasks), ['a1', 'b2', 'c3']);
});

test('after close: sends fail, what is there and what blocked senders have drains, then closed', async (t) => {
  const rt = await open(t, virtual);
  const channel = rt.channel(1, { name: 'jobs' });
  await channel.send(1);
  const blocked = rt.submit(async (ctx) => channel.send(2, ctx));
  await waits(rt, blocked);
  assert.equal(channel.isClosed, false);
  channel.close();
  channel.close();
  assert.equal(channel.isClosed, true);
  const error = hasCode(await rejection(channel.send(3)), 'ChannelClosed');
  assert.ok(error instanceof heddle.ChannelClosed);
  assert.equal(error.message, "channel.send: channel 'jobs' is closed");
  hasCode(thrown(() => channel.trySend(3)), 'ChannelClosed');
  assert.deepEqual([await channel.recv(), await channel.recv(), await channel.recv(), await channel.recv()], [1, 2, closed, closed]);
  assert.equal(channel.tryRecv(), closed);
  await rt.await(blocked);
  assertNothingKept(rt);
});

test('closing wakes all who wait for a value', async (t) => {
  const rt = await open(t, virtual);
  const channel = rt.channel();
  const tasks = [1, 2].map(() => rt.submit(function* (ctx) {
    return (yield channel.recv(ctx)) === closed;
  }));
  const outside = channel.recv();
  await waits(rt, tasks[1]);
  channel.close();
  assert.deepEqual(await rt.awaitAll(tasks), [true, true]);
  assert.equal(await outside, closed);
  assertNothingKept(rt);
});

test('the loop over a channel ends at its close, and leaving it closes nothing', async (t) => {
  const rt = await open(t, virtual);
  const channel = rt.channel(2);
  const task = rt.submit(async (ctx) => {
    const got = [];
    for await (const value of channel) {
      got.push(value);
      if (value === 1) break;
    }
    assert.equal(channel.isClosed, false);
    for await (const value of channel.values(ctx)) got.push(value);
    return got;
  });
  for (let i = 0; i < 5; i++) await channel.send(i);
  channel.close();
  assert.deepEqual(await rt.await(task), [0, 1, 2, 3, 4]);
  const iterator = channel.values();
  assert.deepEqual(await iterator.return(), { done: true, value: undefined });
  assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  assertNothingKept(rt);
});

test('a loop that a task began is interrupted with the task', async (t) => {
  const rt = await open(t);
  const channel = rt.channel();
  const task = rt.submit(async () => {
    for await (const value of channel) assert.fail(`got ${value}`);
  });
  await waits(rt, task);
  rt.cancel(task.id);
  hasCode(await rejection(task.promise), 'Cancelled');
  await turns();
  assert.equal(channel.trySend(1), false, 'nobody receives any more');
  assertNothingKept(rt);
});

test('what a sender could not send is nobody\'s: cancel, signal, timeout', async (t) => {
  const rt = await open(t, virtual);
  const channel = rt.channel();
  const signals = new SignalCounter();
  const { signal, abort } = signals.signal();
  const cancelled = rt.submit((ctx) => channel.send('cancelled', ctx));
  const aborted = channel.send('aborted', { signal });
  const failure = rejection(aborted);
  await waits(rt, cancelled);
  assert.equal(rt._objects.values.size, 2);
  rt.cancel(cancelled.id);
  abort();
  hasCode(await failure, 'Cancelled');
  hasCode(await rejection(cancelled.promise), 'Cancelled');
  hasCode(await rejection(channel.send('late', { timeout: 5 })), 'Timeout');
  await turns();
  assert.equal(channel.tryRecv(), undefined);
  assert.equal(signals.listeners, 0);
  assertNothingKept(rt);
});

test('what a receiver could not receive goes to the next one: cancel, signal, timeout', async (t) => {
  const rt = await open(t, virtual);
  const channel = rt.channel();
  const signals = new SignalCounter();
  const { signal, abort } = signals.signal();
  const cancelled = rt.submit((ctx) => channel.recv(ctx));
  const aborted = rejection(channel.recv({ signal }));
  await waits(rt, cancelled);
  rt.cancel(cancelled.id);
  abort();
  hasCode(await aborted, 'Cancelled');
  hasCode(await rejection(cancelled.promise), 'Cancelled');
  hasCode(await rejection(channel.recv({ timeout: 5 })), 'Timeout');
  const next = channel.recv();
  await channel.send('value');
  assert.equal(await next, 'value');
  assert.equal(signals.listeners, 0);
  assertNothingKept(rt);
});

test('a value that was handed over is received, whatever happens to its receiver meanwhile', async (t) => {
  const rt = await open(t, virtual);
  const channel = rt.channel();
  const seen = [];
  const task = rt.submit(async (ctx) => {
    seen.push(await channel.recv(ctx));
    seen.push((await rejection(channel.recv(ctx))).code);
  });
  await waits(rt, task);
  assert.equal(channel.trySend('first'), true);
  rt.cancel(task.id);
  await rejection(task.promise);
  await turns();
  assert.deepEqual(seen, ['first', 'Cancelled']);
  assertNothingKept(rt);
});

test('a task that ends with sends and receives of its own leaves nothing', async (t) => {
  const rt = await open(t, virtual);
  const out = rt.channel();
  const into = rt.channel();
  await rt.await(rt.submit((ctx) => void (out.send(1, ctx), into.recv(ctx))));
  await turns();
  assert.equal(out.tryRecv(), undefined);
  assert.equal(into.trySend(1), false);
  assertNothingKept(rt);
});

test('one operation each, in a thousand tasks: all that was sent is received', async (t) => {
  const rt = await open(t, { ...virtual, maxConcurrentTasks: 2000 });
  const channel = rt.channel(7);
  const senders = Array.from({ length: 1000 }, (_, i) => rt.submit(function* (ctx) {
    if (i % 3 === 0) yield ctx.delay(i % 7);
    yield channel.send(i, ctx);
  }));
  const receivers = Array.from({ length: 1000 }, () => rt.submit(function* (ctx) {
    return yield channel.recv(ctx);
  }));
  await rt.awaitAll(senders);
  const got = await rt.awaitAll(receivers);
  assert.deepEqual(got.sort((a, b) => a - b), Array.from({ length: 1000 }, (_, i) => i));
  assertNothingKept(rt);
});

test('bad arguments and closed runtimes', async (t) => {
  const rt = await open(t, virtual);
  for (const capacity of [-1, 1.5, NaN, Infinity, 2 ** 31, '1', null, {}]) hasCode(thrown(() => rt.channel(capacity)), 'ArgumentError');
  const channel = rt.channel(1);
  for (const options of [null, 5, { timeout: -1 }, { signal: 1 }, { ctx: 1 }]) {
    hasCode(await rejection(channel.send(1, options)), 'ArgumentError');
    hasCode(await rejection(channel.recv(options)), 'ArgumentError');
  }
  assertNothingKept(rt);
  const waiting = rejection(channel.recv());
  await rt.close();
  hasCode(await waiting, 'Closed');
  for (const operation of [() => channel.send(1), () => channel.recv(), () => channel.values().next()]) hasCode(await rejection(operation()), 'Closed');
  for (const operation of [() => channel.trySend(1), () => channel.tryRecv(), () => channel.close(), () => channel.size, () => rt.channel()]) hasCode(thrown(operation), 'Closed');
});
