// explain(): why a task does not run now, for every reason that there is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { deferred, forever, hasCode, rejection, thrown, turns, until } from '../support/tasks.mjs';

/** The one fact about a task, checked for what all facts have. */
function only(rt, task, reason) {
  const facts = rt.explain(task.id);
  assert.deepEqual(
    facts.map((fact) => fact.reason),
    [reason],
  );
  const [fact] = facts;
  assert.equal(typeof fact.since, 'number');
  assert.ok(fact.text.includes(task.id), fact.text);
  return fact;
}

test('slot: the limit, how many are before it, who holds the slots, since when', async (t) => {
  const rt = await open(t, { clock: 'virtual', maxConcurrentTasks: 2 });
  const holders = [rt.submit(forever, { name: 'holder' }), rt.submit(forever)];
  await rt.delay(5);
  const pending = [rt.submit(() => 1), rt.submit(() => 1, { name: 'second' })];
  await rt.delay(10);
  const fact = only(rt, pending[1], 'slot');
  assert.deepEqual([fact.limit, fact.ahead, fact.tasks, fact.since], [2, 1, holders.map(({ id }) => id), 5]);
  assert.match(fact.text, /t4 "second".*maxConcurrentTasks is 2, 1 before it; held by t1 "holder", t2, for 10 ms/);
});

test('slot: a task that woke and waits to go on', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 1 });
  const [gate, block] = [deferred(), deferred()];
  const child = rt.submit(() => gate.promise);
  await until('it runs', () => child.state === 'running');
  rt.configure({ maxConcurrentTasks: 2 });
  const waiter = rt.submit((ctx) => ctx.await(child));
  await until('it waits', () => waiter.state === 'suspended');
  const other = rt.submit(() => block.promise);
  await until('it runs', () => other.state === 'running');
  rt.configure({ maxConcurrentTasks: 1 });
  gate.resolve();
  await child.promise;
  await turns();
  assert.deepEqual(only(rt, waiter, 'slot').tasks, [other.id]);
  block.resolve();
  await waiter.promise;
});

test('turn: it is ready', async (t) => {
  const rt = await open(t, { maxConcurrentTasks: 5 });
  const facts = [];
  let yielding;
  const looker = rt.submit(async (ctx) => {
    await ctx.yield();
    facts.push(...rt.explain(yielding.id));
  });
  yielding = rt.submit(async (ctx) => {
    await ctx.yield();
    await ctx.yield();
  });
  await rt.awaitAll([looker, yielding]);
  assert.ok(facts.length > 0);
  const fresh = rt.submit(() => 1);
  only(rt, fresh, 'turn');
  await fresh.promise;
});

test('host: its code has control, or awaits what Heddle does not see', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const task = rt.submit(() => gate.promise);
  await until('it runs', () => task.state === 'running');
  await turns();
  only(rt, task, 'host');
  gate.resolve();
});

test('delay: until when', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const task = rt.submit((ctx) => ctx.delay(100));
  await rt.delay(30);
  const fact = only(rt, task, 'delay');
  assert.deepEqual([fact.since, fact.until], [0, 100]);
});

test('fibers: for which tasks it waits', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const [a, b] = [rt.submit(forever, { name: 'a' }), rt.submit(forever)];
  const waiter = rt.submit((ctx) => ctx.awaitAll([a, b], { timeout: 500 }));
  const caught = rejection(waiter.promise);
  await rt.delay(1);
  const fact = only(rt, waiter, 'fibers');
  assert.deepEqual(fact.tasks.sort(), [a.id, b.id]);
  assert.equal(fact.until, 500, 'the timeout of the wait');
  assert.match(fact.text, /waits for.*"a"/);
  rt.cancelAll();
  await caught;
});

test('llmPlace, call, backoff: where a call to a model stands', async (t) => {
  const rt = await open(t, {
    clock: 'virtual',
    maxConcurrentLLMCalls: 1,
    retry: { baseDelay: 1e6, maxDelay: 1e6, maxAttempts: 2 },
    provider: heddle.simulated({ script: () => ({ latencyMs: 100, error: { status: 503 } }) }),
  });
  const first = rt.submit((ctx) => ctx.llm('a'), { name: 'first' });
  const second = rt.submit((ctx) => ctx.llm('b'));
  const caught = Promise.all([rejection(first.promise), rejection(second.promise)]);
  await rt.delay(50);
  assert.equal(only(rt, first, 'call').since, 0);
  const place = only(rt, second, 'llmPlace');
  assert.deepEqual([place.limit, place.ahead, place.tasks], [1, 0, [first.id]]);
  assert.match(place.text, /maxConcurrentLLMCalls is 1.*in flight for t1 "first"/);
  await rt.delay(60);
  const backoff = only(rt, first, 'backoff');
  assert.equal(backoff.since, 100);
  assert.ok(backoff.until > 110);
  only(rt, second, 'call');
  rt.cancelAll();
  await caught;
});

test('call and chunk: a stream before and after it opened', async (t) => {
  const rt = await open(t, {
    clock: 'virtual',
    provider: heddle.simulated({ script: () => ({ text: 'one two three', latencyMs: 1000 }) }),
  });
  const task = rt.submit(async (ctx) => {
    for await (const _ of ctx.llmStream('x'));
  });
  await rt.delay(100);
  only(rt, task, 'call');
  await rt.delay(300);
  only(rt, task, 'chunk');
  rt.cancel(task.id);
});

test('call: a side effect under way', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const task = rt.submit((ctx) => ctx.call('write', () => gate.promise));
  await until('it runs', () => task.state === 'running');
  await turns();
  only(rt, task, 'call');
  gate.resolve();
});

test('children: its body is over, they are not', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  let child;
  const task = rt.submit((ctx) => void (child = ctx.submit(forever, { name: 'child' })));
  await rt.delay(1);
  const fact = only(rt, task, 'children');
  assert.deepEqual(fact.tasks, [child.id]);
  assert.match(fact.text, /children.*"child"/);
  rt.cancelAll();
});

test('unwinding: cancelled, and its body has not ended', async (t) => {
  const rt = await open(t);
  const gate = deferred();
  const task = rt.submit(() => gate.promise);
  await until('it runs', () => task.state === 'running');
  await turns();
  rt.cancel(task.id);
  const [fact] = rt.explain(task.id);
  assert.equal(fact.reason, 'unwinding');
  gate.resolve();
});

test('settled: nothing any more', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const task = rt.submit((ctx) => ctx.delay(3));
  await task.promise;
  const fact = only(rt, task, 'settled');
  assert.equal(fact.since, 3);
  assert.match(fact.text, /is completed/);
});

test('several waits of one task are several facts', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const live = rt.submit(forever);
  const task = rt.submit((ctx) => Promise.all([ctx.delay(50), ctx.await(live)]));
  const caught = rejection(task.promise);
  await rt.delay(1);
  assert.deepEqual(
    rt
      .explain(task.id)
      .map(({ reason }) => reason)
      .sort(),
    ['delay', 'fibers'],
  );
  rt.cancelAll();
  await caught;
});

test('a task may be named by itself or by its id; none, a foreign or a forgotten one is refused', async (t) => {
  const [rt, other] = [await open(t, { clock: 'virtual' }), await open(t)];
  const task = rt.submit(() => 1);
  assert.deepEqual(rt.explain(task.id), rt.explain(task));
  await task.promise;
  rt.forget(task.id);
  const foreign = other.submit(() => 1);
  for (const bad of [task.id, 't77', 'x', '', undefined, null, 5, {}, foreign]) {
    hasCode(
      thrown(() => rt.explain(bad)),
      'ArgumentError',
    );
  }
});
