// ctx.call, the context's clock and randomness, and bodies that have several operations going at once.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { simulated } from 'heddle';
import { assertNothingLeft, connected } from '../support/calls.mjs';
import heddle, { open } from '../support/heddle.mjs';
import { deferred, rejection, SignalCounter, turns, until } from '../support/tasks.mjs';

test('ctx.call gives what its function gives, at once or later', async (t) => {
  const rt = await open(t);
  const value = { any: 'thing' };
  const task = rt.submit(async (ctx) => [
    await ctx.call('now', () => value),
    await ctx.call('later', async () => value),
    await ctx.call('nothing', () => undefined),
  ]);
  assert.deepEqual(await task.promise, [value, value, undefined]);
  await assertNothingLeft(rt);
});

test('ctx.call throws what its function throws; what is no Error becomes the cause of one', async (t) => {
  const rt = await open(t);
  const error = new RangeError('mine');
  const task = rt.submit(async (ctx) => [
    await rejection(ctx.call('a', () => { throw error; })),
    await rejection(ctx.call('b', () => Promise.reject(error))),
    await rejection(ctx.call('c', () => { throw 'a string'; })),
    await rejection(ctx.call('d', () => Promise.reject(null))),
    await rejection(ctx.call('e', () => Promise.reject(undefined))),
  ]);
  const [a, b, ...others] = await task.promise;
  assert.equal(a, error);
  assert.equal(b, error);
  assert.deepEqual(others.map(({ code, cause }) => [code, cause]), [['NonError', 'a string'], ['NonError', null], ['NonError', undefined]]);
  assert.match(others[0].message, /"c" threw/);
  await assertNothingLeft(rt);
});

test('ctx.call needs no place among the calls to models, and is not tried again', async (t) => {
  const { server, rt } = await connected(t, { latencyMs: 'manual' }, { maxConcurrentLLMCalls: 1 });
  const call = rt.llm('q');
  await server.whenHeld(1);
  let runs = 0;
  const fail = () => {
    runs++;
    throw new heddle.LLMError('looks like a failure that may pass', { kind: 'server', status: 503 });
  };
  const task = rt.submit(async (ctx) => [await ctx.call('fine', () => 1), (await rejection(ctx.call('fails', fail))).status]);
  assert.deepEqual(await task.promise, [1, 503]);
  assert.equal(runs, 1);
  assert.equal(rt.getStats().llmCalls, 1);
  server.release();
  await call;
  await assertNothingLeft(rt, server);
});

test('the signal of ctx.call aborts with the task\'s error when the task is cancelled', async (t) => {
  const rt = await open(t);
  const seen = deferred();
  const begun = deferred();
  const task = rt.submit((ctx) =>
    ctx.call('c', ({ signal }) => {
      begun.resolve();
      return new Promise((_, reject) => signal.addEventListener('abort', () => {
        seen.resolve(signal.reason);
        reject(signal.reason);
      }));
    }));
  await begun.promise;
  rt.cancel(task.id, 'why');
  assert.equal(await seen.promise, await rejection(task.promise));
  await assertNothingLeft(rt);
});

test('timeout and signal of ctx.call end it and abort its function; no listener is left', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const reasons = [];
  const obedient = ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => {
    reasons.push(signal.reason);
    reject(signal.reason);
  }));
  const counter = new SignalCounter();
  const controller = counter.signal();
  const task = rt.submit((ctx) => Promise.all([
    rejection(ctx.call('slow', obedient, { timeout: 250 })),
    rejection(ctx.call('unwanted', obedient, { signal: controller.signal })),
  ]));
  await until('both run', () => counter.listeners === 1 && task.state === 'running');
  await turns();
  controller.abort('no need');
  await rt.clock.advance(250);
  const [late, aborted] = await task.promise;
  assert.deepEqual([late.code, late.limit, late.scope, late.ms], ['Timeout', 'operation', 'slow', 250]);
  assert.deepEqual([aborted.code, aborted.reason], ['Cancelled', 'no need']);
  assert.deepEqual(reasons.map(({ code }) => code), ['Cancelled', 'Cancelled']);
  assert.equal(counter.listeners, 0);
  await assertNothingLeft(rt);
});

test('a function that ignores its abort keeps nobody waiting, and holds neither slot nor virtual time', async (t) => {
  const rt = await open(t, { clock: 'virtual', maxConcurrentTasks: 1 });
  const late = deferred();
  const begun = deferred();
  const task = rt.submit((ctx) => ctx.call('deaf', () => {
    begun.resolve();
    return late.promise;
  }));
  await begun.promise;
  rt.cancel(task.id);
  assert.equal((await rejection(task.promise)).code, 'Cancelled');
  const next = rt.submit(async (ctx) => {
    await ctx.delay(100_000);
    return ctx.now();
  });
  assert.equal(await next.promise, 100_000);
  late.resolve('too late');
  await turns();
  await assertNothingLeft(rt);
});

test('virtual time stands still while ctx.call runs', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const answer = deferred();
  const call = rt.submit((ctx) => ctx.call('c', () => answer.promise));
  const delay = rt.submit((ctx) => ctx.delay(10));
  await turns(20);
  assert.deepEqual([rt.clock.now(), delay.state], [0, 'running']);
  answer.resolve(5);
  assert.equal(await call.promise, 5);
  await delay.promise;
  assert.equal(rt.clock.now(), 10);
});

test('now, random and uuid come from the runtime, and one seed gives one sequence', async (t) => {
  const draw = async (seed) => {
    const rt = await open(t, { clock: 'virtual', seed });
    return rt.submit(async (ctx) => {
      const drawn = [];
      for (let i = 0; i < 20; i++) {
        drawn.push(ctx.now(), ctx.random(), ctx.uuid());
        await ctx.delay(7);
      }
      return drawn;
    }).promise;
  };
  const first = await draw(42);
  assert.deepEqual(await draw(42), first);
  assert.notDeepEqual(await draw(43), first);
  const column = (which) => first.filter((_, i) => i % 3 === which);
  assert.deepEqual(column(0), Array.from({ length: 20 }, (_, i) => i * 7));
  assert.ok(column(1).every((x) => x >= 0 && x < 1));
  assert.equal(new Set(column(1)).size, 20);
  const version4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.ok(column(2).every((id) => version4.test(id)));
  assert.equal(new Set(column(2)).size, 20);
});

test('one body has a call, a stream, a delay, a side effect and a wait going at once', async (t) => {
  const { server, rt } = await connected(t, {});
  const task = rt.submit(async (ctx) => {
    const child = ctx.submit((c) => c.llm('child'));
    const [call, stream, , side, awaited] = await Promise.all([
      ctx.llm('call'),
      ctx.llmStream('stream').result,
      ctx.delay(1),
      ctx.call('side', async () => 'side'),
      ctx.await(child),
    ]);
    return [call.text, stream.text, side, awaited.text];
  });
  assert.deepEqual(await task.promise, ['echo: call', 'echo: stream', 'side', 'echo: child']);
  await assertNothingLeft(rt, server);
});

test('what loses a Promise.race goes on until its task ends, and is aborted then', async (t) => {
  const { server, rt } = await connected(t, { latencyMs: 'manual' });
  let signal;
  let end;
  const task = rt.submit(async (ctx) => {
    const winner = await Promise.race([
      ctx.llm('slow'),
      ctx.llmStream('slow too').result,
      ctx.call('slowest', (options) => {
        ({ signal } = options);
        return new Promise((resolve) => {
          end = resolve;
        });
      }),
      server.whenHeld(2).then(() => 'first'),
    ]);
    assert.equal(server.stats().open, 2);
    assert.equal(signal.aborted, false);
    return winner;
  });
  assert.equal(await task.promise, 'first');
  await server.whenAborted(2);
  await server.whenSocketsClosed();
  await until('the side effect was aborted', () => signal.aborted);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  // It ignored its signal, so it is known to the core until it ends.
  end();
  await until('nothing of it is left', () => rt.getStats().records === 0);
  await assertNothingLeft(rt, server);
});

test('a task that waits for a call holds its slot, and one that waits for a task does not', async (t) => {
  const { server, rt } = await connected(t, { latencyMs: 'manual' }, { maxConcurrentTasks: 1 });
  const parent = rt.submit((ctx) => ctx.await(ctx.submit((c) => c.llm('inner'), { name: 'inner' })));
  const other = rt.submit((ctx) => ctx.llm('other'));
  await server.whenHeld(1);
  await turns();
  // The parent gave the only slot back; the other task, which came before the child, has it as long as its call lasts.
  const [inner] = rt.getTasksByState('pending');
  assert.deepEqual([parent.state, other.state, inner.name, rt.getStats().slots], ['suspended', 'running', 'inner', 1]);
  server.release();
  assert.equal((await other.promise).text, 'echo: other');
  await server.whenHeld(1);
  server.release();
  assert.equal((await parent.promise).text, 'echo: inner');
  await assertNothingLeft(rt, server);
});

test('a generator body yields calls, side effects and refusals', async (t) => {
  const rt = await open(t, { provider: simulated({ script: () => 'answer' }), clock: 'virtual' });
  const task = rt.submit(function* (ctx) {
    const { text } = yield ctx.llm('q');
    const side = yield ctx.call('s', () => 2);
    const codes = [];
    for (const bad of [() => ctx.llm(''.at(0)), () => ctx.llm('q', { model: 1 }), () => ctx.call('', () => 1), () => ctx.call('x')]) {
      try {
        yield bad();
      } catch (error) {
        codes.push(error.code);
      }
    }
    return [text, side, codes];
  });
  assert.deepEqual(await task.promise, ['answer', 2, Array(4).fill('ArgumentError')]);
  await assertNothingLeft(rt);
});
