// Bodies that ignore their cancel past their grace: counted, told of, without a slot, and waited for no longer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertAtRest, assertConsistent, deferred, forever, rejection, turns, until } from '../support/tasks.mjs';

const stubborn = (gate) => () => gate.promise;

test('a body that ignores its cancel becomes a zombie after its grace, and an event says so', async (t) => {
  const rt = await open(t, { clock: 'virtual', graceMs: 100, maxConcurrentTasks: 1 });
  const gate = deferred();
  const events = [];
  rt.on('zombie', (task) => events.push(['zombie', task.id, rt.clock.now()]));
  rt.on('zombieEnded', (task) => events.push(['ended', task.id, rt.clock.now()]));
  const task = rt.submit(stubborn(gate));
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id);
  assert.equal(rt.getStats().unwindingTasks, 1);
  await until('it is a zombie', () => rt.getStats().zombieTasks === 1);
  assert.deepEqual(events, [['zombie', task.id, 100]]);
  const stats = rt.getStats();
  assert.equal(stats.unwindingTasks, 0);
  assert.equal(stats.slots, 0, 'its slot is free');
  assert.equal(await rt.submit(() => 'next').promise, 'next');
  gate.resolve();
  await turns();
  assert.deepEqual(events.slice(1), [['ended', task.id, 100]]);
  assertAtRest(rt);
  assertConsistent(rt);
});

test('a body that unwinds in time is none', async (t) => {
  const rt = await open(t, { clock: 'virtual', graceMs: 100 });
  rt.on('zombie', () => assert.fail('a zombie'));
  const gate = deferred();
  const task = rt.submit(stubborn(gate));
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id);
  gate.resolve();
  await turns();
  await rt.delay(1000);
  assertAtRest(rt);
});

test('the grace is the one of the submit, else the parent one, else the configured one', async (t) => {
  const rt = await open(t, { clock: 'virtual', graceMs: 30 });
  const gate = deferred();
  const born = new Map();
  rt.on('zombie', (task) => born.set(task.name, rt.clock.now()));
  const configured = rt.submit(stubborn(gate), { name: 'configured' });
  const own = rt.submit(
    async (ctx) => {
      ctx.submit(stubborn(gate), { name: 'inherited' });
      ctx.submit(stubborn(gate), { name: 'child', graceMs: 20 });
      await gate.promise;
    },
    { name: 'own', graceMs: 10 },
  );
  await until('all run', () => rt.getTasksByState('running').length === 4);
  rt.cancel(configured.id);
  rt.cancel(own.id);
  await until('all are zombies', () => born.size === 4);
  assert.deepEqual(Object.fromEntries(born), { own: 10, inherited: 10, child: 20, configured: 30 });
  gate.resolve();
});

test('graceMs 0 makes a zombie at the next chance', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const gate = deferred();
  const task = rt.submit(stubborn(gate), { graceMs: 0 });
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id);
  await until('it is a zombie', () => rt.getStats().zombieTasks === 1);
  assert.equal(rt.clock.now(), 0);
  gate.resolve();
});

test('maxZombies pauses admission until one ends', async (t) => {
  const rt = await open(t, { clock: 'virtual', graceMs: 1, maxZombies: 2 });
  const gates = [deferred(), deferred()];
  for (const gate of gates) {
    const task = rt.submit(stubborn(gate));
    await until('it runs', () => task.state === 'running');
    rt.cancel(task.id);
  }
  await until('both are zombies', () => rt.getStats().zombieTasks === 2);
  const next = rt.submit(() => 'next');
  await turns();
  assert.equal(next.state, 'pending');
  const [why] = rt.explain(next.id);
  assert.equal(why.reason, 'zombies');
  assert.equal(why.limit, 2);
  assert.deepEqual(why.tasks, ['t1', 't2']);
  gates[0].resolve();
  assert.equal(await next.promise, 'next');
  gates[1].resolve();
});

test('raising maxZombies admits at once', async (t) => {
  const rt = await open(t, { clock: 'virtual', graceMs: 1, maxZombies: 1 });
  const gate = deferred();
  const task = rt.submit(stubborn(gate));
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id);
  await until('it is a zombie', () => rt.getStats().zombieTasks === 1);
  const next = rt.submit(() => 'next');
  await turns();
  assert.equal(next.state, 'pending');
  rt.configure({ maxZombies: 2 });
  assert.equal(await next.promise, 'next');
  gate.resolve();
});

test('nobody waits for a zombie: its parent settles and its scope ends', async (t) => {
  const rt = await open(t, { clock: 'virtual', graceMs: 10 });
  const gate = deferred();
  const parent = rt.submit((ctx) => {
    const child = ctx.submit(stubborn(gate));
    rt.on('zombie', () => {});
    ctx.submit(async (other) => {
      await other.delay(1);
      rt.cancel(child.id);
    });
    return 'done';
  });
  assert.equal(await parent.promise, 'done');
  const error = await rejection(
    rt.scope(async (s) => {
      s.submit(stubborn(gate));
      await s.delay(1);
      throw new Error('scope fails');
    }),
  );
  assert.equal(error.message, 'scope fails');
  assert.equal(rt.getStats().zombieTasks, 2);
  gate.resolve();
  await turns();
  assertAtRest(rt);
});

test('every operation of a zombie raises, and it ends when its body does', async (t) => {
  const rt = await open(t, { clock: 'virtual', graceMs: 10 });
  const gate = deferred();
  const raised = [];
  const task = rt.submit(async (ctx) => {
    await gate.promise;
    await ctx.delay(1).catch((error) => raised.push(error.reason));
    await ctx.llm('x').catch((error) => raised.push(error.reason));
  });
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id, 'why');
  await until('it is a zombie', () => rt.getStats().zombieTasks === 1);
  gate.resolve();
  await turns();
  assert.deepEqual(raised, ['why', 'why']);
  assertAtRest(rt);
});

test('a listener can be taken out; what is no event or no function is refused', async (t) => {
  const rt = await open(t, { clock: 'virtual', graceMs: 0 });
  const gate = deferred();
  const heard = [];
  const stop = rt.on('zombie', () => heard.push('stopped'));
  rt.on('zombie', () => heard.push('heard'));
  stop();
  stop[Symbol.dispose]();
  const task = rt.submit(stubborn(gate));
  await until('it runs', () => task.state === 'running');
  rt.cancel(task.id);
  await until('it is heard', () => heard.length > 0);
  assert.deepEqual(heard, ['heard']);
  assert.throws(() => rt.on('nothing', () => {}), { code: 'ArgumentError' });
  assert.throws(() => rt.on('zombie', 5), { code: 'ArgumentError' });
  assert.throws(() => rt.on('toString', () => {}), { code: 'ArgumentError' });
  gate.resolve();
});

test('a task that only waits for its cancelled children is no zombie', async (t) => {
  const rt = await open(t, { clock: 'virtual', graceMs: 10 });
  const zombies = [];
  rt.on('zombie', (task) => zombies.push(task.id));
  const task = rt.submit((ctx) => void ctx.submit(forever));
  await rt.delay(1);
  assert.equal(task.state, 'suspended');
  rt.cancel(task.id);
  await rt.delay(100);
  assert.deepEqual(zombies, []);
  assertAtRest(rt);
});
