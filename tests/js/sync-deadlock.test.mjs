// Deadlocks at run time: cycles of locks and joins at once, what nobody is left to end when nothing else can happen.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, turns } from '../support/tasks.mjs';

const { DeadlockError, TimeoutError } = heddle;

const outcomes = async (tasks) => (await Promise.allSettled(tasks.map(({ promise }) => promise))).map(({ value, reason }) => reason ?? value);

for (const clock of ['real', 'virtual']) {
  test(`${clock}: locks in opposite order: the one that closes the cycle fails, the other goes on`, async (t) => {
    const rt = await open(t, { clock });
    const a = rt.mutex({ name: 'a' });
    const b = rt.mutex({ name: 'b' });
    const both = (first, second, name) =>
      rt.submit(async (ctx) => first.run(async () => (await ctx.yield(), second.run(() => name, ctx)), ctx), { name });
    const tasks = [both(a, b, 'left'), both(b, a, 'right')];
    // Others run meanwhile.
    const busy = rt.submit((ctx) => ctx.delay(20));
    const results = await outcomes(tasks);
    const failed = results.find((result) => result instanceof DeadlockError);
    assert.ok(failed, String(results));
    assert.equal(failed.code, 'Deadlock');
    assert.deepEqual(results.filter((result) => result !== failed).length, 1);
    assert.ok(['left', 'right'].includes(results.find((result) => result !== failed)));
    assert.equal(busy.state, 'running');
    assert.deepEqual(
      failed.cycle.map(({ task, object, act, holder }) => [task, act, object, holder]).sort(),
      [
        [tasks[0].id, 'lock', "mutex 'b'", tasks[1].id],
        [tasks[1].id, 'lock', "mutex 'a'", tasks[0].id],
      ].sort(),
    );
    assert.match(failed.message, /mutex 'a', held by/);
    await busy.promise;
    assertAtRest(rt);
  });

  test(`${clock}: generator bodies, and a join that closes the cycle`, async (t) => {
    const rt = await open(t, { clock });
    const m = rt.mutex();
    const outer = rt.submit(function* (ctx) {
      yield m.lock(ctx);
      const child = ctx.submit(function* (inner) {
        yield m.lock(inner);
        return 'inner';
      });
      return yield ctx.await(child);
    });
    await assert.rejects(outer.promise, DeadlockError);
    await rt.onIdle();
    assertAtRest(rt);
  });

  test(`${clock}: what nobody fills`, async (t) => {
    const rt = await open(t, { clock });
    const tasks = [
      rt.submit((ctx) => rt.ivar({ name: 'answer' }).take(ctx)),
      rt.submit((ctx) => rt.channel().recv(ctx)),
      rt.submit((ctx) => rt.channel().send(1, ctx)),
      rt.submit((ctx) => rt.barrier(2).wait(ctx)),
      rt.submit(async (ctx) => {
        const s = rt.semaphore(1);
        await s.acquire(1, ctx);
        await s.acquire(1, ctx);
      }),
      rt.submit((ctx) => ctx.select([{ recv: rt.channel() }, { take: rt.ivar() }])),
    ];
    // Who waits for one of them hears of it from that one.
    const waiter = rt.submit((ctx) => ctx.await(tasks[0]));
    for (const result of await outcomes([...tasks, waiter])) assert.ok(result instanceof DeadlockError, String(result));
    const { cycle, message } = await tasks[0].promise.catch((error) => error);
    assert.deepEqual(cycle, [{ task: tasks[0].id, act: 'take', object: "ivar 'answer'" }]);
    assert.match(message, /nobody could let it go on/);
    assert.equal(await waiter.promise.catch((error) => error), await tasks[0].promise.catch((error) => error));
    assertAtRest(rt);
  });
}

test('a caller outside that waits for ever hears of it, too', async (t) => {
  const rt = await open(t);
  await assert.rejects(rt.ivar().take(), DeadlockError);
  assertAtRest(rt);
});

test('code outside that is about to act is waited for', async (t) => {
  const rt = await open(t);
  const iv = rt.ivar();
  const task = rt.submit((ctx) => iv.take(ctx));
  await turns(20);
  iv.put('late');
  assert.equal(await task.promise, 'late');
  // A timer of the host's, of which the kernel knows nothing.
  const other = rt.ivar();
  const second = rt.submit((ctx) => other.take(ctx));
  setTimeout(() => other.put('later'), 5);
  assert.equal(await second.promise, 'later');
});

test('a limit of time is a way out', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  await assert.rejects(rt.submit((ctx) => rt.ivar().take({ ctx, timeout: 10 })).promise, TimeoutError);
  await assert.rejects(rt.submit((ctx) => rt.ivar().take(ctx), { timeout: 10 }).promise, TimeoutError);
});

test('deadlocks: open leaves them waiting, closed does not ask', async (t) => {
  const rt = await open(t, { deadlocks: 'open' });
  const iv = rt.ivar();
  const task = rt.submit((ctx) => iv.take(ctx));
  await turns(20);
  assert.equal(task.state, 'suspended');
  iv.put(1);
  assert.equal(await task.promise, 1);
  const other = await open(t, { deadlocks: 'closed' });
  const timer = setTimeout(() => {}, 100_000);
  await assert.rejects(other.submit((ctx) => other.ivar().take(ctx)).promise, DeadlockError);
  clearTimeout(timer);
});

test('the end of a process that could do nothing more tells', () => {
  const script = `
    import { createRuntime } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
    const rt = await createRuntime({ variant: ${JSON.stringify(process.env.HEDDLE_VARIANT === 'jspi' ? 'jspi' : 'asyncify')} });
    const timer = setTimeout(() => console.log('a timer ends'), 10);
    const iv = rt.ivar();
    rt.submit((ctx) => iv.take(ctx)).promise.catch((error) => console.log(error.name));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(stdout, 'a timer ends\nDeadlockError\n', stderr);
});
