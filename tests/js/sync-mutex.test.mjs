// Mutexes: order, hand-over, who may unlock, and that a cancelled, timed-out or failed caller leaves nothing behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, deferred, forever, hasCode, rejection, SignalCounter, thrown, turns, until } from '../support/tasks.mjs';

const virtual = { clock: 'virtual' };

test('bodies of every kind lock in the order in which they asked', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex();
  const order = [];
  const generator = (name) =>
    rt.submit(function* (ctx) {
      const lock = yield mutex.lock(ctx);
      order.push(name);
      yield ctx.delay(5);
      order.push(`${name} leaves`);
      lock.unlock();
    });
  const asynchronous = (name) =>
    rt.submit(async (ctx) => {
      const lock = await mutex.lock(ctx);
      order.push(name);
      await ctx.delay(5);
      order.push(`${name} leaves`);
      lock.unlock();
    });
  await rt.awaitAll([generator('a'), asynchronous('b'), generator('c'), asynchronous('d')]);
  assert.deepEqual(order, ['a', 'a leaves', 'b', 'b leaves', 'c', 'c leaves', 'd', 'd leaves']);
  assert.equal(mutex.isLocked, false);
  assertAtRest(rt);
});

test('nobody comes between an unlock and whom it wakes', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex();
  const order = [];
  const first = rt.submit(function* (ctx) {
    const lock = yield mutex.lock(ctx);
    yield ctx.delay(1);
    lock.unlock();
    assert.equal(mutex.isLocked, true, 'it was handed over in that step');
    assert.equal(yield mutex.tryLock(ctx), false);
    const again = yield mutex.lock(ctx);
    order.push('first again');
    again.unlock();
  });
  const second = rt.submit(function* (ctx) {
    const lock = yield mutex.lock(ctx);
    order.push('second');
    lock.unlock();
  });
  await rt.awaitAll([first, second]);
  assert.deepEqual(order, ['second', 'first again']);
});

test('it is not re-entrant, and says who holds it', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex({ name: 'db' });
  const task = rt.submit(
    async (ctx) => {
      const lock = await mutex.lock(ctx);
      assert.equal(lock.mutex, mutex);
      assert.equal(mutex.holder, ctx.task);
      const error = hasCode(await rejection(mutex.lock(ctx)), 'MutexReentry');
      assert.ok(error instanceof heddle.LockError);
      assert.match(error.message, /task t1 "worker" holds mutex 'db' already/);
      hasCode(await rejection(mutex.tryLock(5, ctx)), 'MutexReentry');
      lock[Symbol.dispose]();
    },
    { name: 'worker' },
  );
  await rt.await(task);
  assert.equal(mutex.isLocked, false);
  assert.equal(mutex.holder, undefined);
});

test('only its holder unlocks it, and once', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex();
  hasCode(thrown(() => mutex.unlock()), 'MutexNotHeld');
  const held = deferred();
  const holder = rt.submit(async (ctx) => {
    const lock = await mutex.lock(ctx);
    await held.promise;
    lock.unlock();
    hasCode(thrown(() => lock.unlock()), 'MutexNotHeld');
    hasCode(thrown(() => mutex.unlock(ctx)), 'MutexNotHeld');
    lock[Symbol.dispose]();
  });
  const other = rt.submit(async (ctx) => {
    hasCode(thrown(() => mutex.unlock(ctx)), 'MutexNotHeld');
  });
  await rt.await(other);
  // The holder has said who it is, so nobody else can speak for it.
  hasCode(thrown(() => mutex.unlock()), 'MutexNotHeld');
  assert.equal(mutex.isLocked, true);
  held.resolve();
  await rt.await(holder);
  assertAtRest(rt);
});

test('a lock of an earlier time does not unlock a later one', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex();
  await rt.await(
    rt.submit(async (ctx) => {
      const early = await mutex.lock(ctx);
      mutex.unlock(ctx);
      const late = await mutex.lock(ctx);
      hasCode(thrown(() => early.unlock()), 'MutexNotHeld');
      early[Symbol.dispose]();
      assert.equal(mutex.isLocked, true);
      late.unlock();
    }),
  );
});

test('a body that locks without a context unlocks without one, also after an await', async (t) => {
  const rt = await open(t, { ...virtual, asyncContext: false });
  const mutex = rt.mutex();
  const task = rt.submit(async () => {
    await mutex.lock();
    assert.equal(mutex.holder?.id, 't1');
    await turns(1);
    mutex.unlock();
  });
  await rt.await(task);
  assert.equal(mutex.isLocked, false);
});

test('a caller outside holds it until it unlocks', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex();
  const lock = await mutex.lock();
  assert.equal(mutex.isLocked, true);
  assert.equal(mutex.holder, undefined);
  assert.equal(await mutex.tryLock(), false);
  const next = mutex.lock();
  lock.unlock();
  hasCode(thrown(() => lock.unlock()), 'MutexNotHeld');
  await next;
  mutex.unlock();
  assert.equal(await mutex.tryLock(), true);
  mutex.unlock();
  assertAtRest(rt);
});

test('tryLock waits as long as it is told and no longer', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex();
  const lock = await mutex.lock();
  const task = rt.submit(async (ctx) => {
    const begun = ctx.now();
    const answers = [await mutex.tryLock(ctx), await mutex.tryLock(0, ctx), await mutex.tryLock(20, ctx)];
    assert.equal(ctx.now() - begun, 20);
    answers.push(await mutex.tryLock({ ctx, timeout: 10 }));
    assert.equal(ctx.now() - begun, 30);
    lock.unlock();
    answers.push(await mutex.tryLock(20, ctx));
    assert.equal(mutex.holder, ctx.task);
    mutex.unlock(ctx);
    return answers;
  });
  assert.deepEqual(await rt.await(task), [false, false, false, false, true]);
  assertAtRest(rt);
});

test('run unlocks after a result, an error and a cancel', async (t) => {
  const rt = await open(t);
  const mutex = rt.mutex();
  const free = () => assert.equal(mutex.isLocked, false);
  assert.equal(await mutex.run(() => 5), 5);
  free();
  await assert.rejects(mutex.run(() => { throw new RangeError('no'); }), RangeError);
  free();
  const cancelled = rt.submit((ctx) => mutex.run(() => forever(ctx), ctx));
  await until('it is locked', () => mutex.isLocked);
  rt.cancel(cancelled.id, 'enough');
  hasCode(await rejection(cancelled.promise), 'Cancelled');
  await turns();
  free();
  hasCode(await rejection(mutex.run('no function')), 'ArgumentError');
  free();
  assertAtRest(rt);
});

test('a wait that takes too long ends with a TimeoutError, and has nothing', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex();
  const lock = await mutex.lock();
  const begun = rt.clock.now();
  const error = hasCode(await rejection(mutex.lock({ timeout: 10 })), 'Timeout');
  assert.equal(error.message, 'mutex.lock took longer than its timeout of 10 ms');
  assert.equal(rt.clock.now() - begun, 10);
  lock.unlock();
  assert.equal(mutex.isLocked, false);
  assertAtRest(rt);
});

test('what waits for it can be cancelled and aborted, and those behind it go on', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex();
  const signals = new SignalCounter();
  const { signal, abort } = signals.signal();
  const lock = await mutex.lock();
  const cancelled = rt.submit((ctx) => mutex.lock(ctx));
  const aborted = rt.submit((ctx) => mutex.lock({ ctx, signal }));
  const last = rt.submit(async (ctx) => {
    const mine = await mutex.lock(ctx);
    mine.unlock();
    return 'locked';
  });
  await until('all wait', () => rt.explain(last.id)[0].reason === 'objects');
  assert.equal(rt.explain(last.id)[0].ahead, 2);
  assert.equal(signals.listeners, 1);
  rt.cancel(cancelled.id);
  abort('not any more');
  hasCode(await rejection(cancelled.promise), 'Cancelled');
  assert.match((await rejection(aborted.promise)).message, /mutex\.lock was aborted by its signal: not any more/);
  assert.equal(signals.listeners, 0);
  lock.unlock();
  assert.equal(await rt.await(last), 'locked');
  assertAtRest(rt);
});

test('a signal that has aborted locks nothing', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex();
  hasCode(await rejection(mutex.lock({ signal: AbortSignal.abort('over') })), 'Cancelled');
  hasCode(await rejection(mutex.tryLock({ signal: AbortSignal.abort('over') })), 'Cancelled');
  assert.equal(mutex.isLocked, false);
  assertAtRest(rt);
});

test('a task that is cancelled once the mutex is its own has it, and can unlock it', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex();
  const lock = await mutex.lock();
  const seen = [];
  const task = rt.submit(async (ctx) => {
    try {
      await mutex.lock(ctx);
      seen.push('locked');
    } catch (error) {
      seen.push(error.code);
    }
    if (mutex.holder === ctx.task) mutex.unlock(ctx);
  });
  await until('it waits', () => rt.explain(task.id)[0].reason === 'objects');
  lock.unlock(); // handed over, not delivered
  rt.cancel(task.id);
  await rejection(task.promise);
  await turns();
  assert.deepEqual(seen, ['locked']);
  assert.equal(mutex.isLocked, false);
  assertAtRest(rt);
});

test('a task that ends with it loses it, and that is a finding', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex({ name: 'left' });
  const findings = [];
  const stop = rt.on('finding', (finding) => findings.push(finding));
  const careless = rt.submit(async (ctx) => void (await mutex.lock(ctx)), { name: 'careless' });
  const next = rt.submit(async (ctx) => (await mutex.lock(ctx)).unlock());
  await rt.awaitAll([careless, next]);
  await turns();
  assert.equal(findings.length, 1);
  const [{ code, message, tasks }] = findings;
  assert.deepEqual([code, tasks], ['LOCK_NOT_RELEASED', ['t1']]);
  assert.match(message, /^task t1 "careless" ended with mutex 'left' locked/);
  stop();
  assertAtRest(rt);
});

test('explain says what is waited for, and who holds it', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex({ name: 'db' });
  const go = deferred();
  const holder = rt.submit(async (ctx) => mutex.run(() => go.promise, ctx));
  const waiter = rt.submit((ctx) => mutex.run(() => {}, ctx), { name: 'second' });
  await until('it waits', () => rt.explain(waiter.id)[0].reason === 'objects');
  const [{ text, objects, tasks }] = rt.explain(waiter.id);
  assert.match(text, /^task t2 "second" waits to lock mutex 'db', held by t1, for /);
  assert.deepEqual(objects, [{ object: "mutex 'db'", act: 'lock' }]);
  assert.deepEqual(tasks, ['t1']);
  go.resolve();
  await rt.awaitAll([holder, waiter]);
});

test('bad arguments are refused', async (t) => {
  const rt = await open(t, virtual);
  const other = await open(t, virtual);
  hasCode(thrown(() => rt.mutex({ name: 5 })), 'ArgumentError');
  hasCode(thrown(() => rt.mutex('name')), 'ArgumentError');
  const mutex = rt.mutex();
  for (const options of [null, 5, 'soon', { timeout: -1 }, { timeout: 'soon' }, { signal: {} }, { ctx: {} }]) {
    hasCode(await rejection(mutex.lock(options)), 'ArgumentError');
    if (typeof options !== 'number') hasCode(await rejection(mutex.tryLock(options)), 'ArgumentError');
  }
  hasCode(await rejection(mutex.tryLock(-1)), 'ArgumentError');
  const foreign = other.submit(async (ctx) => hasCode(await rejection(mutex.lock(ctx)), 'ArgumentError'));
  await other.await(foreign);
  let later;
  await rt.await(rt.submit((ctx) => void (later = ctx)));
  hasCode(await rejection(mutex.lock(later)), 'ArgumentError');
  assert.equal(mutex.isLocked, false);
  assertAtRest(rt);
});

test('after close everything is refused, and a lock can be disposed of', async (t) => {
  const rt = await open(t, virtual);
  const mutex = rt.mutex();
  const lock = await mutex.lock();
  const waiting = mutex.lock();
  await Promise.all([rt.close(), rejection(waiting).then((error) => hasCode(error, 'Closed'))]);
  for (const operation of [() => mutex.lock(), () => mutex.tryLock(5), () => mutex.run(() => {})]) hasCode(await rejection(operation()), 'Closed');
  for (const operation of [() => lock.unlock(), () => mutex.unlock(), () => mutex.isLocked, () => mutex.holder, () => rt.mutex()]) hasCode(thrown(operation), 'Closed');
  lock[Symbol.dispose]();
});

test('two tasks that lock in opposite orders: one of them fails, and the other goes on', async (t) => {
  const rt = await open(t, virtual);
  const mutexes = [rt.mutex(), rt.mutex()];
  const tasks = [0, 1].map((first) => rt.submit(async (ctx) => {
    await mutexes[first].run(async () => {
      await ctx.yield();
      await mutexes[1 - first].run(() => {}, ctx);
    }, ctx);
    return 'both';
  }));
  const rows = await rt.awaitAllSettled(tasks);
  assert.deepEqual(rows.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const error = hasCode(rows.find(({ status }) => status === 'rejected').reason, 'Deadlock');
  assert.ok(error instanceof heddle.DeadlockError);
  assertAtRest(rt);
});
