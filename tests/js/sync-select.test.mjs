// select: one case and no other, whichever way it ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, hasCode, rejection, SignalCounter, turns, until } from '../support/tasks.mjs';

const { closed } = heddle;
const virtual = { clock: 'virtual' };
const waits = (rt, task) => until(`${task.id} waits`, () => rt.explain(task.id)[0].reason === 'objects');

function assertNothingKept(rt, values = 0) {
  assertAtRest(rt);
  assert.equal(rt._objects.values.size, values);
}

test('what can be done at once is done, and nothing else', async (t) => {
  const rt = await open(t, virtual);
  const empty = rt.channel();
  const full = rt.channel(1);
  await full.send('kept');
  const ivar = rt.ivar();
  assert.deepEqual(await rt.select([{ recv: empty }, { take: ivar }, { recv: full }]), { index: 2, value: 'kept' });
  assert.deepEqual(await rt.select([{ recv: empty }, { send: full, value: 'sent' }]), { index: 1, value: undefined });
  assert.equal(await full.recv(), 'sent');
  ivar.put(7);
  assert.deepEqual(await rt.select([{ send: empty, value: 'nobody gets it' }, { take: ivar }]), { index: 1, value: 7 });
  const closing = rt.channel();
  closing.close();
  assert.deepEqual(await rt.select([{ recv: empty }, { recv: closing }]), { index: 1, value: closed });
  assertNothingKept(rt, 1);
});

test('locks and permits come as handles', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex();
  const semaphore = rt.semaphore(3);
  await rt.await(rt.submit(function* (ctx) {
    const { index, value: lock } = yield ctx.select([{ lock: mutex }, { recv: rt.channel() }]);
    assert.equal(index, 0);
    assert.equal(mutex.holder, ctx.task);
    try {
      yield ctx.select([{ recv: rt.channel() }, { lock: mutex }]);
      assert.fail('locked it again');
    } catch (error) {
      assert.match(hasCode(error, 'MutexReentry').message, /mutex #1/);
    }
    const { value: permits } = yield ctx.select([{ lock: mutex, }].slice(1).concat({ acquire: semaphore, permits: 2 }));
    assert.equal(semaphore.available, 1);
    permits.release();
    lock.unlock();
  }));
  const { value: lock } = await rt.select([{ lock: mutex }]);
  assert.equal(mutex.isLocked, true);
  const waiting = rt.select([{ acquire: semaphore }, { lock: mutex }].slice(1));
  await turns();
  lock.unlock();
  (await waiting).value.unlock();
  assert.equal(mutex.isLocked, false);
  assertNothingKept(rt);
});

test('it waits for whichever comes first, and stands in no other queue then', async (t) => {
  const rt = await open(t, virtual);
  const a = rt.channel();
  const b = rt.channel();
  const c = rt.channel();
  const task = rt.submit((ctx) => ctx.select([{ recv: a }, { send: b, value: 'to b' }, { recv: c }]));
  await waits(rt, task);
  assert.match(rt.explain(task.id)[0].text, /waits to receive from channel #1 or to send to channel #2 or to receive from channel #3/);
  assert.equal(c.trySend('from c'), true);
  assert.deepEqual(await rt.await(task), { index: 2, value: 'from c' });
  assert.equal(a.trySend(1), false);
  assert.equal(b.tryRecv(), undefined);
  assertNothingKept(rt);
});

test('a waiting send is received, a waiting receive sees a close', async (t) => {
  const rt = await open(t, virtual);
  const a = rt.channel();
  const b = rt.channel();
  const sends = rt.submit((ctx) => ctx.select([{ recv: a }, { send: b, value: 'b' }]));
  await waits(rt, sends);
  assert.equal(await b.recv(), 'b');
  assert.deepEqual(await rt.await(sends), { index: 1, value: undefined });
  const receives = rt.submit((ctx) => ctx.select([{ recv: a }, { recv: b }]));
  await waits(rt, receives);
  b.close();
  assert.deepEqual(await rt.await(receives), { index: 1, value: closed });
  assertNothingKept(rt);
});

test('several that can be done: the seed chooses, and the same seed the same', async (t) => {
  const run = async (seed) => {
    const rt = await open(t, { ...virtual, seed });
    const channels = [0, 1, 2].map(() => rt.channel(100));
    for (const channel of channels) for (let i = 0; i < 100; i++) await channel.send(i);
    const chosen = [];
    for (let i = 0; i < 60; i++) chosen.push((await rt.select(channels.map((recv) => ({ recv })))).index);
    return chosen.join('');
  };
  const first = await run(1);
  assert.equal(await run(1), first);
  assert.notEqual(await run(2), first);
  for (const index of '012') assert.ok(first.split(index).length > 10, `${index} in ${first}`);
});

test('default, and time', async (t) => {
  const rt = await open(t, virtual);
  const channel = rt.channel();
  assert.deepEqual(await rt.select([{ recv: channel }, { default: true }]), { index: 1, value: undefined });
  assert.deepEqual(await rt.select([{ default: true }]), { index: 0, value: undefined });
  const begun = rt.clock.now();
  assert.deepEqual(await rt.select([{ timeout: 0 }, { recv: channel }]), { index: 0, value: undefined });
  assert.equal(rt.clock.now(), begun);
  assert.deepEqual(await rt.select([{ timeout: 30 }, { recv: channel }, { timeout: 10 }]), { index: 2, value: undefined });
  assert.equal(rt.clock.now() - begun, 10);
  assert.deepEqual(await rt.select([{ timeout: 5 }]), { index: 0, value: undefined });
  hasCode(await rejection(rt.select([{ timeout: 50 }, { recv: channel }], { timeout: 5 })), 'Timeout');
  hasCode(await rejection(rt.select([{ timeout: 50 }], { timeout: 5 })), 'Timeout');
  assert.deepEqual(await rt.select([{ timeout: 5 }, { recv: channel }], { timeout: 50 }), { index: 0, value: undefined });
  assert.equal(rt.clock.now() - begun, 30);
  channel.close();
  assert.deepEqual(await rt.select([{ timeout: 10 }, { recv: channel }, { default: true }]), { index: 1, value: closed });
  assertNothingKept(rt);
});

test('cancel and signal take it out of every queue', async (t) => {
  const rt = await open(t);
  const a = rt.channel();
  const mutex = rt.mutex();
  const lock = await mutex.lock();
  const signals = new SignalCounter();
  const { signal, abort } = signals.signal();
  const cancelled = rt.submit((ctx) => ctx.select([{ recv: a }, { lock: mutex }, { send: rt.channel(), value: 1 }, { timeout: 1e6 }]));
  const aborted = rejection(rt.select([{ recv: a }, { lock: mutex }, { timeout: 1e6 }], { signal }));
  await waits(rt, cancelled);
  rt.cancel(cancelled.id);
  abort('no');
  hasCode(await rejection(cancelled.promise), 'Cancelled');
  hasCode(await aborted, 'Cancelled');
  hasCode(await rejection(rt.select([{ default: true }], { signal })), 'Cancelled');
  lock.unlock();
  assert.equal(mutex.isLocked, false);
  assert.equal(a.trySend(1), false);
  assert.equal(signals.listeners, 0);
  assertNothingKept(rt);
});

test('a bad case is named, and nothing was done', async (t) => {
  const rt = await open(t, virtual);
  const other = await open(t, virtual);
  const channel = rt.channel(1);
  const good = { send: channel, value: 1 };
  const hostile = new Proxy({}, { ownKeys() { throw new RangeError('hostile'); } });
  const bad = [
    [5, /case 1: a case is an object/],
    [null, /case 1/],
    [{}, /case 1: a case has exactly one of recv, send, take, lock, acquire, timeout, default, this has none/],
    [{ recv: channel, send: channel, value: 1 }, /case 1: .* this has recv, send/],
    [{ recv: 5 }, /case 1: recv needs a channel, got 5/],
    [{ recv: rt.mutex() }, /case 1: recv needs a channel/],
    [{ send: channel }, /case 1: send needs a value/],
    [{ recv: channel, value: 1 }, /case 1: recv takes no "value"/],
    [{ recv: channel, extra: 1 }, /case 1: recv takes no "extra"/],
    [{ take: channel }, /case 1: take needs an ivar/],
    [{ lock: rt.semaphore(1) }, /case 1: lock needs a mutex/],
    [{ acquire: rt.semaphore(1), permits: 2 }, /case 1: semaphore #\d+ has 1 permits, so 2/],
    [{ acquire: rt.semaphore(1), permits: 0 }, /case 1: the number of permits/],
    [{ timeout: -1 }, /case 1: timeout needs/],
    [{ timeout: '5' }, /case 1: timeout needs/],
    [{ default: false }, /case 1: default is true, got false/],
    [{ recv: other.channel(1) }, /case 1: channel #1 belongs to another runtime/],
  ];
  for (const [one, message] of bad) {
    const error = hasCode(await rejection(rt.select([good, one])), 'ArgumentError');
    assert.match(error.message, message);
  }
  assert.match((await rejection(rt.select([{ default: true }, { default: true }]))).message, /case 1: there is a default already/);
  await assert.rejects(rt.select([good, hostile]), RangeError);
  hasCode(await rejection(rt.select([])), 'ArgumentError');
  hasCode(await rejection(rt.select()), 'ArgumentError');
  hasCode(await rejection(rt.select([good], null)), 'ArgumentError');
  const gone = rt.channel(1);
  gone.close();
  assert.match(hasCode(await rejection(rt.select([good, { send: gone, value: 1 }])), 'ChannelClosed').message, /channel #\d+ is closed/);
  assert.equal(channel.size, 0);
  assertNothingKept(rt);
  await rt.close();
  hasCode(await rejection(rt.select([good])), 'Closed');
});
