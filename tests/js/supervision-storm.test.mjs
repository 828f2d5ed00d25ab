// Random trees of supervisors under random messages, crashes, stops and cancels: whatever happens, every ask ends, the top one's
// monitor hears once, and nothing is left.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, turns } from '../support/tasks.mjs';

const expected = ['ActorStopped', 'MailboxFull', 'Timeout', 'Cancelled'];
const ids = ['c0', 'c1', 'c2', 'c3'];

async function storm(t, first) {
  let state = first;
  const random = (n) => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fff_ffff) % n;
  const oneOf = (list) => list[random(list.length)];
  const rt = await open(t, { clock: 'virtual', seed: first, maxConcurrentTasks: 1 + random(4) });
  const child = (id) => ({
    id,
    restart: oneOf(['permanent', 'transient', 'temporary']),
    start: async (ctx) => {
      if (random(3) === 0) await ctx.delay(random(20));
      if (random(30) === 0) throw new Error('no start');
      const handler = async (message, self) => {
        if (message === 0) throw new Error('crash');
        if (message === 1) await self.ctx.delay(random(30));
        if (message === 2) self.stop();
        return message;
      };
      return rt.actor(handler, { mailbox: 1 + random(4), overflow: oneOf(['wait', 'dropOldest', 'dropNewest', 'fail']) });
    },
  });
  const supervisor = (depth) =>
    rt.supervisor({
      strategy: oneOf(['one-for-one', 'one-for-all', 'rest-for-one']),
      intensity: random(5),
      period: 1 + random(100),
      children: ids.slice(0, 1 + random(4)).map((id) => (depth > 0 && random(3) === 0 ? { id, start: () => supervisor(depth - 1) } : child(id))),
    });
  const top = supervisor(2);
  let downs = 0;
  top.monitor(() => downs++);
  const ready = top.ready().catch(() => {});
  const anActor = () => {
    let at = top;
    while (at instanceof heddle.Supervisor) {
      try {
        at = at.child(oneOf(ids));
      } catch {
        return undefined;
      }
    }
    return at;
  };
  const tasks = Array.from({ length: 10 }, () =>
    rt.submit(async (ctx) => {
      for (let i = 0; i < 20; i++) {
        await ctx.delay(random(10));
        const actor = anActor();
        const message = random(12);
        const sent = random(2) === 0 ? actor?.send(message, { ctx, timeout: 50 }) : actor?.ask(message, { ctx, timeout: 1 + random(50) });
        await sent?.catch((error) => assert.ok(expected.includes(error.code), error.stack));
      }
    }),
  );
  if (random(4) === 0) {
    tasks.push(
      rt.submit(async (ctx) => {
        await ctx.delay(random(100));
        rt.cancel(top.task.id);
      }),
    );
  }
  await rt.awaitAll(tasks);
  await ready;
  await top.stop();
  await rt.onIdle();
  await turns();
  assertAtRest(rt);
  const { ivars, mailboxes } = rt.getStats().objects;
  assert.deepEqual({ ivars, mailboxes, values: rt._objects.values.size, downs }, { ivars: 0, mailboxes: 0, values: 0, downs: 1 });
  await rt.close();
}

test('storms of 60 seeds leave nothing behind', async (t) => {
  for (let seed = 1; seed <= 60; seed++) await storm(t, seed).catch((error) => assert.fail(`seed ${seed}: ${error.stack}`));
});
