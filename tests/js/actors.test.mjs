// Actors: order, one message at a time, what a full mailbox does, asks, and how they end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, deferred, forever, hasCode, rejection, thrown, turns, until } from '../support/tasks.mjs';

const virtual = { clock: 'virtual' };

function assertNothingKept(rt) {
  assertAtRest(rt);
  assert.equal(rt._objects.values.size, 0, 'no message is kept');
  const { ivars, mailboxes } = rt.getStats().objects;
  assert.deepEqual({ ivars, mailboxes }, { ivars: 0, mailboxes: 0 });
}

/** An actor whose handler waits for open() at its first message. */
function gated(rt, options) {
  const gate = deferred();
  const got = [];
  const actor = rt.actor(async (message) => {
    got.push(message);
    if (got.length === 1) await gate.promise;
    return message;
  }, options);
  return { actor, got, open: gate.resolve };
}

test('messages are handled in order, one at a time', async (t) => {
  const rt = await open(t, virtual);
  const log = [];
  const actor = rt.actor(
    async (n, { ctx }) => {
      log.push(`begin ${n}`);
      await ctx.delay(10 - n);
      log.push(`end ${n}`);
    },
    { name: 'slow' },
  );
  for (let i = 0; i < 3; i++) await actor.send(i);
  await actor.stop();
  assert.deepEqual(log, ['begin 0', 'end 0', 'begin 1', 'end 1', 'begin 2', 'end 2']);
  assert.equal(actor.task.name, 'slow');
  assert.equal(rt.getAllTasks()[0], actor.task);
  assert.equal(actor.task.state, 'completed');
  assertNothingKept(rt);
});

test('100,000 messages of several senders keep the order of each', async (t) => {
  const rt = await open(t, virtual);
  const last = new Map();
  let handled = 0;
  const actor = rt.actor(([who, n]) => {
    assert.equal(n, (last.get(who) ?? -1) + 1);
    last.set(who, n);
    handled++;
  }, { mailbox: 50 });
  const senders = Array.from({ length: 10 }, (_, who) =>
    rt.submit(async (ctx) => {
      // Some wait for room, some do not.
      for (let n = 0; n < 10_000; n++) {
        const sent = actor.send([who, n], ctx);
        if ((n & 15) === 15) await sent;
      }
    }),
  );
  await rt.awaitAll(senders);
  await actor.stop();
  assert.equal(handled, 100_000);
  assert.deepEqual([...last.values()], Array(10).fill(9999));
  assertNothingKept(rt);
});

test('a handler may be a generator, and gives its slot back while it waits', async (t) => {
  const rt = await open(t, { ...virtual, maxConcurrentTasks: 1 });
  const adder = rt.actor(([a, b]) => a + b);
  const asker = rt.actor(function* (n, { ctx }) {
    yield ctx.delay(1);
    return (yield adder.ask([n, 1], { ctx })) * 2;
  });
  assert.equal(await asker.ask(20), 42);
  await asker.stop();
  await adder.stop();
  assertNothingKept(rt);
});

test('an ask answers with any value, and with what a promise resolves to', async (t) => {
  const rt = await open(t, virtual);
  const echo = rt.actor((message) => message);
  const error = new Error('as a value');
  for (const value of [undefined, null, 0, NaN, error, { a: 1 }, Symbol.iterator, () => {}]) assert.ok(Object.is(await echo.ask(value), value));
  const later = rt.actor(async (message) => message + 1);
  assert.equal(await rt.submit((ctx) => later.ask(1, ctx)).promise, 2);
  await echo.stop();
  await later.stop();
  assertNothingKept(rt);
});

test('a ring of 100 actors passes a message round', async (t) => {
  const rt = await open(t, { ...virtual, maxConcurrentTasks: 2 });
  const done = deferred();
  const ring = [];
  for (let i = 0; i < 100; i++) {
    ring.push(
      rt.actor(async (n, { ctx }) => {
        if (n === 1000) done.resolve(i);
        else await ring[(i + 1) % 100].send(n + 1, ctx);
      }),
    );
  }
  await ring[0].send(0);
  assert.equal(await done.promise, 0);
  for (const actor of ring) await actor.stop();
  assertNothingKept(rt);
});

// --- A full mailbox ---

test('wait: the sender waits for room, in order', async (t) => {
  const rt = await open(t, virtual);
  const { actor, got, open: go } = gated(rt, { mailbox: 2 });
  await actor.send(0);
  await until('it handles the first', () => got.length === 1);
  const sent = [];
  for (let i = 1; i <= 4; i++) void actor.send(i).then(() => sent.push(i));
  await turns();
  assert.deepEqual(sent, [1, 2]);
  assert.equal(actor.size, 2);
  go();
  await actor.stop();
  assert.deepEqual(sent, [1, 2, 3, 4]);
  assert.deepEqual(got, [0, 1, 2, 3, 4]);
  assertNothingKept(rt);
});

test('wait: a sender that is cancelled or runs out of time has sent nothing', async (t) => {
  const rt = await open(t, virtual);
  const { actor, got, open: go } = gated(rt, { mailbox: 1 });
  await actor.send(0);
  await until('it handles the first', () => got.length === 1);
  await actor.send(1);
  hasCode(await rejection(actor.send(2, { timeout: 5 })), 'Timeout');
  const task = rt.submit((ctx) => actor.send(3, ctx));
  await until('it waits', () => rt.explain(task.id)[0].reason === 'objects');
  assert.match(rt.explain(task.id)[0].text, /waits to send to actor/);
  rt.cancel(task.id);
  hasCode(await rejection(actor.ask(4, { timeout: 5 })), 'Timeout');
  go();
  await actor.stop();
  assert.deepEqual(got, [0, 1]);
  assertNothingKept(rt);
});

for (const [overflow, kept] of [
  ['dropOldest', [0, 2, 3]],
  ['dropNewest', [0, 1, 2]],
]) {
  test(`${overflow}: nobody waits, and one message is lost; whoever asked with it hears of that`, async (t) => {
    const rt = await open(t, virtual);
    const { actor, got, open: go } = gated(rt, { mailbox: 2, overflow });
    await actor.send(0);
    await until('it handles the first', () => got.length === 1);
    const asks = [1, 2, 3].map((n) => actor.ask(n).catch((error) => error.code));
    go();
    const lost = overflow === 'dropOldest' ? 1 : 3;
    assert.deepEqual(await Promise.all(asks), [1, 2, 3].map((n) => (n === lost ? 'MailboxFull' : n)));
    await actor.stop();
    assert.deepEqual(got, kept);
    assertNothingKept(rt);
  });
}

test('fail: a message that finds the mailbox full is refused', async (t) => {
  const rt = await open(t, virtual);
  const { actor, got, open: go } = gated(rt, { mailbox: 1, overflow: 'fail', name: 'small' });
  await actor.send(0);
  await until('it handles the first', () => got.length === 1);
  await actor.send(1);
  for (const refused of [actor.send(2), actor.ask(3), actor.send(4, { timeout: 10 }), rt.submit((ctx) => actor.send(5, ctx)).promise]) {
    const error = hasCode(await rejection(refused), 'MailboxFull');
    assert.ok(error instanceof heddle.MailboxFull);
    assert.match(error.message, /actor 'small'/);
  }
  go();
  await actor.stop();
  assert.deepEqual(got, [0, 1]);
  assertNothingKept(rt);
});

// --- Asks ---

test('an ask runs out of time; its answer is dropped when it comes', async (t) => {
  const rt = await open(t, virtual);
  const slow = rt.actor(async (ms, { ctx }) => {
    await ctx.delay(ms);
    return ms;
  });
  const error = hasCode(await rejection(slow.ask(100, { timeout: 20 })), 'Timeout');
  assert.equal(error.ms, 20);
  assert.equal(rt.clock.now(), 20);
  assert.equal(await slow.ask(1), 1);
  assert.equal(rt.clock.now(), 101);
  hasCode(await rejection(slow.ask(6000)), 'Timeout');
  assert.equal(rt.clock.now(), 5101, 'five seconds unless it says otherwise');
  await slow.stop();
  assertNothingKept(rt);
});

test('an ask ends with its caller and with its signal', async (t) => {
  const rt = await open(t, virtual);
  const { actor, got, open: go } = gated(rt);
  const controller = new AbortController();
  const aborted = actor.ask('a', { signal: controller.signal });
  const task = rt.submit((ctx) => actor.ask('b', ctx));
  await until('it handles the first', () => got.length === 1);
  await until('the task asks', () => rt.explain(task.id)[0].reason === 'objects');
  controller.abort('no more');
  rt.cancel(task.id);
  hasCode(await rejection(aborted), 'Cancelled');
  hasCode(await rejection(task.promise), 'Cancelled');
  go();
  await actor.stop();
  assert.deepEqual(got, ['a', 'b']);
  assertNothingKept(rt);
});

test('an actor cannot ask itself; bad arguments are refused', async (t) => {
  const rt = await open(t, virtual);
  const actor = rt.actor((message, self) => (message === 'self' ? self.actor.ask('x', { ctx: self.ctx }).catch((error) => error) : message));
  const error = hasCode(await actor.ask('self'), 'ArgumentError');
  assert.match(error.message, /cannot ask itself/);
  hasCode(await rejection(actor.ask(1, { timeout: 0 })), 'ArgumentError');
  hasCode(await rejection(actor.ask(1, { timeout: 'soon' })), 'ArgumentError');
  hasCode(await rejection(actor.ask(1, { signal: AbortSignal.abort() })), 'Cancelled');
  hasCode(await rejection(actor.stop(1)), 'ArgumentError');
  hasCode(await rejection(actor.stop('x', { discard: 1 })), 'ArgumentError');
  for (const wrong of [undefined, {}, 'x']) hasCode(thrown(() => rt.actor(wrong)), 'ArgumentError');
  for (const options of [null, { mailbox: 0 }, { mailbox: 1.5 }, { mailbox: 2 ** 31 }, { overflow: 'never' }, { overflow: 'toString' }, { name: 1 }, { size: 1 }, { parent: {} }]) {
    hasCode(thrown(() => rt.actor(() => {}, options)), 'ArgumentError');
  }
  hasCode(thrown(() => actor.monitor()), 'ArgumentError');
  for (const other of [actor, {}, undefined]) hasCode(thrown(() => actor.link(other)), 'ArgumentError');
  await actor.stop();
  assertNothingKept(rt);
});

// --- Stopping ---

test('a stop lets what came before it be handled, and refuses what comes after', async (t) => {
  const rt = await open(t, virtual);
  const { actor, got, open: go } = gated(rt, { mailbox: 2 });
  const waiting = [0, 1, 2, 3].map((n) => actor.ask(n));
  await until('it handles the first', () => got.length === 1);
  const stopped = actor.stop('enough');
  hasCode(await rejection(actor.send(9)), 'ActorStopped');
  hasCode(await rejection(actor.ask(9)), 'ActorStopped');
  go();
  assert.deepEqual(await Promise.all(waiting), [0, 1, 2, 3], 'those of blocked senders, too');
  await stopped;
  await actor.stop();
  const error = hasCode(await rejection(actor.send(9)), 'ActorStopped');
  assert.match(error.message, /enough/);
  assert.ok(error instanceof heddle.ActorStopped);
  assert.equal(actor.size, 0);
  assertNothingKept(rt);
});

test('a stop that discards ends with the message in hand', async (t) => {
  const rt = await open(t, virtual);
  const { actor, got, open: go } = gated(rt);
  await actor.send(0);
  const asked = actor.ask(1);
  await until('it handles the first', () => got.length === 1);
  const stopped = actor.stop('now', { discard: true });
  go();
  await stopped;
  hasCode(await rejection(asked), 'ActorStopped');
  assert.deepEqual(got, [0]);
  assertNothingKept(rt);
});

test('a handler stops its actor', async (t) => {
  const rt = await open(t, virtual);
  const got = [];
  const actor = rt.actor(async (message, self) => {
    got.push(message);
    if (message === 'stop') self.stop('told to');
    if (message === 'wait') await self.actor.stop(undefined, { ctx: self.ctx });
  });
  const downs = [];
  actor.monitor(({ outcome, reason }) => downs.push([outcome, reason]));
  for (const message of ['a', 'stop', 'b', 'wait', 'c']) void actor.send(message);
  await rt.await(actor.task);
  assert.deepEqual(got, ['a', 'stop', 'b', 'wait', 'c']);
  assert.deepEqual(downs, [['stopped', 'told to']]);
  assertNothingKept(rt);
});

test('an actor is stopped before it began', async (t) => {
  const rt = await open(t, { ...virtual, maxConcurrentTasks: 1 });
  const busy = deferred();
  const task = rt.submit(() => busy.promise);
  const got = [];
  const actor = rt.actor((message) => void got.push(message));
  await actor.send(1);
  const stopped = actor.stop();
  busy.resolve();
  await stopped;
  await rt.await(task);
  assert.deepEqual(got, [1]);
  assertNothingKept(rt);
});

// --- Failing ---

test('a handler that throws ends its actor; those who wait for answers hear why', async (t) => {
  const rt = await open(t, virtual);
  const boom = new Error('boom');
  const { actor, got, open: go } = gated(rt, { mailbox: 1, name: 'frail' });
  const downs = [];
  actor.monitor((down) => downs.push(down));
  const first = actor.ask(0).then((value) => assert.fail(value), (error) => error);
  const others = [actor.send(1), actor.ask(2), actor.send(3)].map((promise) => promise.then(() => 'sent', (error) => error));
  await until('it handles the first', () => got.length === 1);
  go(Promise.reject(boom));
  for (const error of [await first, ...(await Promise.all(others)).filter((other) => other !== 'sent')]) {
    hasCode(error, 'ActorStopped');
    assert.equal(error.cause, boom);
    assert.match(error.message, /actor 'frail' has failed: boom/);
  }
  assert.equal(downs.length, 1);
  assert.equal(downs[0].actor, actor);
  assert.equal(downs[0].outcome, 'failed');
  assert.equal(downs[0].reason, 'boom');
  assert.equal(downs[0].error, boom);
  assert.equal(actor.task.state, 'error');
  assert.equal(actor.task.error, boom);
  assertNothingKept(rt);
});

test('a failure that nobody watches surfaces as an unhandled one, once', async (t) => {
  const rt = await open(t, virtual);
  const unhandled = [];
  const listener = (error) => unhandled.push(error.message);
  const before = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', listener);
  t.after(() => {
    process.removeAllListeners('unhandledRejection');
    for (const other of before) process.on('unhandledRejection', other);
  });
  const fails = (message) => {
    throw new Error(message);
  };
  const alone = rt.actor(fails);
  const watched = rt.actor(fails);
  watched.monitor(() => {});
  const unwatched = rt.actor(fails);
  unwatched.monitor(() => {})();
  const linked = rt.actor(fails);
  linked.link(rt.actor(() => {}));
  void alone.send('alone');
  void watched.send('watched');
  void unwatched.send('unwatched');
  void linked.send('linked');
  await rt.onIdle();
  await turns();
  assert.deepEqual(unhandled.sort(), ['alone', 'unwatched']);
});

test('the task of an actor is cancelled', async (t) => {
  const rt = await open(t, virtual);
  const { actor, got, open: go } = gated(rt);
  const downs = [];
  actor.monitor(({ outcome, reason, error }) => downs.push([outcome, reason, error.code]));
  const asks = [actor.ask(1), actor.ask(2)].map(rejection);
  await until('it handles the first', () => got.length === 1);
  rt.cancel(actor.task.id, 'no more of it');
  assert.deepEqual(downs, [['cancelled', 'no more of it', 'Cancelled']]);
  for (const ask of asks) hasCode(await ask, 'ActorStopped');
  hasCode(await rejection(actor.send(3)), 'ActorStopped');
  go();
  await turns();
  await actor.stop();
  assert.deepEqual(got, [1]);
  assertNothingKept(rt);
});

for (const when of ['before', 'after']) {
  test(`an ask whose actor is cancelled just ${when} it hears of it is refused`, async (t) => {
    const rt = await open(t, virtual);
    const actor = rt.actor((n) => n);
    await actor.ask(1);
    const asked = actor.ask(2).then(
      () => 'answered',
      (error) => error.code,
    );
    // Between the kernel's word and the actor's next step there are only microtasks.
    const seen = [];
    const { resume } = rt;
    rt.resume = function (...args) {
      if (when === 'before') rt.cancel(actor.task.id);
      resume.apply(this, args);
      seen.push(args);
      rt.cancel(actor.task.id);
    };
    assert.equal(await asked, 'ActorStopped');
    delete rt.resume;
    assert.ok(seen.length > 0);
    await turns();
    assertNothingKept(rt);
  });
}

test('a runtime that closes ends its actors', async (t) => {
  const rt = await open(t, virtual);
  const idle = rt.actor(() => {});
  const { actor, open: go } = gated(rt, { mailbox: 1 });
  const downs = [];
  idle.monitor((down) => downs.push(down.outcome));
  const asked = rejection(actor.ask(1));
  const waits = rejection(rt.submit((ctx) => actor.ask(2, ctx)).promise);
  await turns();
  go();
  await rt.close();
  assert.deepEqual(downs, ['cancelled']);
  assert.ok(['ActorStopped', 'Closed'].includes((await asked).code), 'whichever came first');
  hasCode(await waits, 'Cancelled');
  hasCode(await rejection(idle.send(1)), 'Closed');
  hasCode(thrown(() => rt.actor(() => {})), 'Closed');
  await idle.stop().catch((error) => hasCode(error, 'Closed'));
});

test('an actor without a task above it outlives who made it; with a parent it is cancelled with it', async (t) => {
  const rt = await open(t, virtual);
  let free;
  const maker = rt.submit(async (ctx) => {
    free = rt.actor((n) => n + 1);
    const child = rt.actor((n) => n * 2, { parent: ctx.task });
    assert.equal(await child.ask(2, ctx), 4);
    await forever(ctx);
  });
  await until('both are idle', () => rt.getStats().suspendedTasks === 3);
  const child = rt.getAllTasks()[2];
  assert.equal(child.parentId, maker.id);
  rt.cancel(maker.id);
  assert.equal(child.state, 'cancelled');
  assert.equal(await free.ask(1), 2);
  await free.stop();
  assertNothingKept(rt);
});

test('a time limit from above ends an actor too, and its monitors are who hears of it', async (t) => {
  const rt = await open(t, virtual);
  const downs = [];
  const maker = rt.submit(
    async (ctx) => {
      rt.actor(() => {}, { parent: ctx.task }).monitor(({ outcome, error }) => downs.push([outcome, error.code]));
      await forever(ctx);
    },
    { deadline: 100 },
  );
  hasCode(await rejection(maker.promise), 'Timeout');
  await turns();
  assert.equal(downs.length, 1);
  assertNothingKept(rt);
});

test('a handler that comes back after its runtime is closed does nothing more', async (t) => {
  const rt = await open(t, { ...virtual, graceMs: 1 });
  const { actor, got, open: go } = gated(rt);
  await actor.send(1);
  await actor.send(2);
  await until('it handles the first', () => got.length === 1);
  await rt.close();
  go();
  await turns();
  assert.deepEqual(got, [1]);
});

// --- Idle ---

test('who waits for messages needs no slot and is no deadlock', async (t) => {
  const rt = await open(t, { ...virtual, maxConcurrentTasks: 1, deadlocks: 'closed' });
  const actors = Array.from({ length: 10 }, () => rt.actor((n) => n));
  await rt.delay(1000);
  assert.equal(rt.getStats().suspendedTasks, 10);
  assert.match(rt.explain(actors[0].task.id)[0].text, /waits to receive from actor/);
  const stuck = rt.submit((ctx) => rt.ivar().take(ctx));
  hasCode(await rejection(stuck.promise), 'Deadlock');
  for (const actor of actors) assert.equal(await actor.ask(7), 7);
  for (const actor of actors) await actor.stop();
});

test('an actor that keeps itself busy leaves turns to others', async (t) => {
  const rt = await open(t);
  let n = 0;
  const actor = rt.actor((message, self) => {
    n++;
    void self.actor.send(message, self.ctx).catch(() => {});
  });
  await actor.send('again');
  await turns(3);
  assert.ok(n > 64);
  const before = n;
  await rt.submit((ctx) => ctx.yield()).promise;
  assert.ok(n < before + 10_000);
  await actor.stop('enough', { discard: true });
});
