// Monitors and links: who hears of an actor's end, and who ends with it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../support/heddle.mjs';
import { assertAtRest, hasCode, turns, until } from '../support/tasks.mjs';

const virtual = { clock: 'virtual' };
const fails = (message) => {
  throw new Error(message);
};
/** Keeps what monitors hear. */
function watch(log, actor, name = actor.name) {
  return actor.monitor(({ outcome, reason }) => log.push(`${name} ${outcome}: ${reason}`));
}

test('each monitor hears once; one that is taken out hears nothing', async (t) => {
  const rt = await open(t, virtual);
  const log = [];
  const actor = rt.actor(() => {}, { name: 'a' });
  const twice = () => log.push('again');
  actor.monitor(twice);
  actor.monitor(twice);
  const out = watch(log, actor, 'out');
  watch(log, actor);
  out();
  out();
  await actor.stop('over');
  await actor.stop();
  assert.deepEqual(log, ['again', 'again', 'a stopped: over']);
});

test('a monitor of a dead actor hears at once', async (t) => {
  const rt = await open(t, virtual);
  const log = [];
  const actor = rt.actor(fails, { name: 'a' });
  watch(log, actor);
  await actor.ask('boom').catch(() => {});
  watch(log, actor, 'late');
  assert.deepEqual(log, ['a failed: boom', 'late failed: boom']);
});

test('a monitor may do what it likes, and one that throws stops no other', async (t) => {
  const rt = await open(t, virtual);
  const caught = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => caught.push(error.message));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of before) process.on('uncaughtException', listener);
  });
  const log = [];
  const other = rt.actor((n) => void log.push(n));
  const actor = rt.actor(fails);
  actor.monitor(() => fails('from a monitor'));
  actor.monitor(({ reason }) => {
    void other.send(reason);
    void other.stop();
    rt.submit(() => log.push('a task'));
  });
  await actor.ask('boom').catch(() => {});
  await rt.onIdle();
  await until('it surfaced', () => caught.length === 1);
  await turns();
  assert.deepEqual(caught, ['from a monitor']);
  assert.deepEqual(log.sort(), ['a task', 'boom']);
  assertAtRest(rt);
});

test('a failure ends all that are linked, round a circle too', async (t) => {
  const rt = await open(t, virtual);
  const log = [];
  const actors = ['a', 'b', 'c'].map((name) => rt.actor(fails, { name }));
  const free = rt.actor(() => {}, { name: 'free' });
  actors.forEach((actor, i) => actor.link(actors[(i + 1) % 3]));
  actors[0].link(free)();
  for (const actor of actors) watch(log, actor);
  await actors[1].ask('boom').catch((error) => hasCode(error, 'ActorStopped'));
  assert.deepEqual(log.sort(), [
    "a cancelled: actor 'b' failed: boom",
    'b failed: boom',
    "c cancelled: actor 'b' failed: boom",
  ]);
  assert.equal(actors[0].task.error.cause.message, 'boom');
  assert.equal(free.task.state, 'suspended');
  await free.stop();
  assertAtRest(rt);
});

test('a failure goes along 20,000 links', async (t) => {
  const rt = await open(t, virtual);
  const actors = Array.from({ length: 20_000 }, () => rt.actor(fails));
  for (let i = 1; i < actors.length; i++) actors[i - 1].link(actors[i]);
  await actors[0].ask('boom').catch((error) => hasCode(error, 'ActorStopped'));
  assert.equal(actors.at(-1).task.state, 'cancelled');
  assert.ok(actors.at(-1).task.error.message.length < 200);
  await rt.onIdle();
  await turns();
  assertAtRest(rt);
});

test('a stop ends nobody else; a cancel does', async (t) => {
  const rt = await open(t, virtual);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => rt.actor(() => {}, { name }));
  a.link(b);
  b.link(c);
  await a.stop();
  assert.equal(await b.ask(1), undefined);
  rt.cancel(b.task.id, 'away');
  assert.equal(c.task.state, 'cancelled');
  assert.match(c.task.error.message, /actor 'b' was cancelled: away/);
});

test('a link to a dead actor is its end, unless that was stopped', async (t) => {
  const rt = await open(t, virtual);
  const [alive, dead, stopped] = ['alive', 'dead', 'stopped'].map((name) => rt.actor(fails, { name }));
  await stopped.stop();
  alive.link(stopped);
  assert.equal(alive.task._outcome, 0);
  dead.monitor(() => {});
  await dead.ask('boom').catch(() => {});
  alive.link(dead);
  assert.equal(alive.task.state, 'cancelled');
  await turns();
  assertAtRest(rt);
});
