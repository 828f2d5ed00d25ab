// submit(): what a body may be, what a task says of itself, and when it starts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { deferred, forever, hasCode, rejection, until } from '../support/tasks.mjs';

test('submit returns at once, with a pending task whose body has not begun', async (t) => {
  const rt = await open(t);
  let began = false;
  const task = rt.submit(() => {
    began = true;
  });
  assert.equal(task.state, 'pending');
  assert.equal(began, false);
  await task.promise;
  assert.equal(began, true);
});

test('a body is an async function, a plain function or a generator function', async (t) => {
  const rt = await open(t);
  const bodies = [
    async () => 'value',
    () => 'value',
    () => Promise.resolve('value'),
    function* () {
      const word = yield 'val';
      return `${word}ue`;
    },
  ];
  for (const body of bodies) assert.equal(await rt.submit(body).promise, 'value');
});

test('a body gets its context: its task, its runtime', async (t) => {
  const rt = await open(t);
  const task = rt.submit((ctx) => [ctx.task, ctx.runtime]);
  const [itself, runtime] = await task.promise;
  assert.equal(itself, task);
  assert.equal(runtime, rt);
});

test('a result that is a thenable is taken as what it resolves to', async (t) => {
  const rt = await open(t);
  assert.equal(await rt.submit(() => ({ then: (resolve) => resolve(7) })).promise, 7);
  assert.equal(
    (await rejection(rt.submit(() => ({ then: (_, reject) => reject(new Error('no')) })).promise)).message,
    'no',
  );
});

test('a thenable that throws, or whose then cannot be read, fails its task and nothing else', async (t) => {
  const rt = await open(t);
  const breaks = () => {
    throw new Error('bad thenable');
  };
  const bodies = [
    () => ({ then: breaks }),
    () => Object.defineProperty({}, 'then', { get: breaks }),
    () => new Proxy({}, { get: breaks }),
    function* () {
      yield { then: breaks };
    },
    function* () {
      yield Object.defineProperty({}, 'then', { get: breaks });
    },
    function* () {
      return Object.defineProperty({}, 'then', { get: breaks });
    },
  ];
  for (const body of bodies.slice(0, 5))
    assert.equal((await rejection(rt.submit(body).promise)).message, 'bad thenable');
  assert.equal(await rt.submit(() => 'still here').promise, 'still here');
});

test('a thenable that settles twice, and at once, counts once', async (t) => {
  const rt = await open(t);
  const twice = {
    then(resolve, reject) {
      resolve(1);
      resolve(2);
      reject(new Error('late'));
    },
  };
  const steps = [];
  const task = rt.submit(function* () {
    steps.push(yield twice);
    steps.push(yield twice);
    return steps.length;
  });
  assert.equal(await task.promise, 2);
  assert.deepEqual(steps, [1, 1]);
});

test('what a body throws is the error of its task, as it is', async (t) => {
  const rt = await open(t);
  const error = new RangeError('mine');
  const bodies = [
    () => {
      throw error;
    },
    async () => {
      throw error;
    },
    function* () {
      throw error;
    },
  ];
  for (const body of bodies) {
    const task = rt.submit(body);
    assert.equal(await rejection(task.promise), error);
    assert.equal(task.error, error);
    assert.equal(task.result, undefined);
    assert.equal(task.state, 'error');
  }
});

test('a thrown value that is no Error is kept as the cause of a typed one', async (t) => {
  const rt = await open(t);
  const unprintable = Object.create(null);
  for (const value of ['text', 0, null, undefined, Symbol('s'), { code: 5 }, unprintable]) {
    const error = hasCode(
      await rejection(
        rt.submit(() => {
          throw value;
        }).promise,
      ),
      'NonError',
    );
    assert.equal(error.cause, value);
    assert.match(error.message, /task t\d+/);
  }
});

test('a task has the fields of the interface, which tell its life', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const parent = rt.submit(
    async (ctx) => {
      await ctx.delay(10);
      const child = ctx.submit(async (c) => {
        await c.delay(5);
        return 'done';
      });
      await ctx.await(child);
      return child;
    },
    { name: 'analysis', priority: 7 },
  );
  assert.match(parent.id, /^t\d+$/);
  assert.equal(parent.name, 'analysis');
  assert.equal(parent.priority, 7);
  assert.equal(parent.parentId, undefined);
  assert.equal(parent.createdAt, 0);
  assert.equal(parent.startedAt, undefined);
  assert.equal(parent.completedAt, undefined);
  assert.equal(parent.cancellationToken.isCancelled, false);
  const child = await parent.promise;
  assert.equal(child.parentId, parent.id);
  assert.equal(child.priority, 7, 'inherited');
  assert.deepEqual([child.createdAt, child.startedAt, child.completedAt], [10, 10, 15]);
  assert.deepEqual([parent.startedAt, parent.completedAt], [0, 15]);
  assert.equal(child.result, 'done');
  assert.equal(child.error, undefined);
  assert.equal(child.state, 'completed');
});

test('ids tell the order of submission', async (t) => {
  const rt = await open(t);
  const tasks = Array.from({ length: 5 }, () => rt.submit(() => 1));
  assert.deepEqual(
    tasks.map((task) => Number(task.id.slice(1))),
    [1, 2, 3, 4, 5],
  );
  await rt.awaitAll(tasks);
});

test('an option given as undefined is inherited, as one that is not given', async (t) => {
  const rt = await open(t, { clock: 'virtual', taskTimeout: 50 });
  const options = {
    name: undefined,
    priority: undefined,
    timeout: undefined,
    queueTimeout: undefined,
    deadline: undefined,
    key: undefined,
    signal: undefined,
    parent: undefined,
    graceMs: undefined,
    detached: undefined,
  };
  const task = rt.submit(forever, options);
  const error = hasCode(await rejection(task.promise), 'Timeout');
  assert.equal(error.ms, 50);
  const parent = rt.submit((ctx) => ctx.submit(() => 1, options), { priority: 3 });
  assert.equal((await parent.promise).priority, 3);
});

test('a child of a task by ctx.submit or by parent, a root by rt.submit', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const parent = rt.submit(async (ctx) => {
    const child = ctx.submit(() => 1);
    const root = rt.submit(() => 1);
    const detached = ctx.submit(() => 1, { detached: true });
    await gate.promise;
    return [child.parentId, root.parentId, detached.parentId];
  });
  await until('the parent runs', () => parent.state === 'running');
  const adopted = rt.submit(() => 1, { parent });
  assert.equal(adopted.parentId, parent.id);
  gate.resolve();
  assert.deepEqual(await parent.promise, [parent.id, undefined, undefined]);
});

test('a task whose body returned waits, suspended and without a slot, for its children', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const gate = deferred();
  const order = [];
  const parent = rt.submit((ctx) => {
    ctx.submit(async () => {
      await gate.promise;
      order.push('child');
    });
    return 'early';
  });
  await until('the body is over', () => parent.state === 'suspended');
  assert.equal(parent.result, undefined);
  gate.resolve();
  assert.equal(await parent.promise, 'early');
  assert.deepEqual(order, ['child']);
});

test('a task that throws cancels its children', async (t) => {
  const rt = await open(t);
  let child;
  const parent = rt.submit((ctx) => {
    child = ctx.submit(forever);
    throw new Error('parent failed');
  });
  assert.equal((await rejection(parent.promise)).message, 'parent failed');
  const error = hasCode(await rejection(child.promise), 'Cancelled');
  assert.match(error.reason, new RegExp(`${parent.id} failed`));
  assert.equal(error.cause.message, 'parent failed');
});

test('a task that is over can have no more children', async (t) => {
  const rt = await open(t);
  const done = rt.submit((ctx) => ctx);
  const ctx = await done.promise;
  assert.throws(() => ctx.submit(() => 1), { code: 'ArgumentError' });
  assert.throws(() => rt.submit(() => 1, { parent: done }), { code: 'ArgumentError' });
  const cancelled = rt.submit(forever);
  rt.cancel(cancelled.id, 'why');
  assert.throws(() => rt.submit(() => 1, { parent: cancelled }), { code: 'Cancelled', reason: 'why' });
  assert.equal(await rt.submit(() => 'next').promise, 'next');
});

test('a detached task outlives the one that submitted it', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  let detached;
  const parent = rt.submit((ctx) => {
    detached = ctx.submit(
      async (c) => {
        await c.delay(100);
        return 'alive';
      },
      { detached: true },
    );
    throw new Error('gone');
  });
  await rejection(parent.promise);
  assert.equal(await detached.promise, 'alive');
});

test('maxQueued refuses a submit with a typed error, and takes it once there is room', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1, maxQueued: 2 });
  const gate = deferred();
  const running = rt.submit(() => gate.promise);
  await until('it runs', () => running.state === 'running');
  const queued = [rt.submit(() => 1), rt.submit(() => 2)];
  assert.throws(() => rt.submit(() => 3), { code: 'QueueFull', limit: 2 });
  assert.equal(rt.getStats().pendingTasks, 2);
  gate.resolve();
  await rt.onSizeLessThan(2);
  const late = rt.submit(() => 3);
  assert.deepEqual(await rt.awaitAll([...queued, late]), [1, 2, 3]);
});
