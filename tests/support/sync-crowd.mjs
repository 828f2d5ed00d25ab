/**
 * A crowd over every kind of object whose decisions should repeat: locks, permits, values, messages, rounds and shared flights,
 * with cancels, failures and timeouts between, in virtual time. Invariant: it depends on its seed and nothing else, and nobody
 * in it waits for ever. Partner: tests/js/sync-replay.test.mjs.
 */

import { turns } from './tasks.mjs';

const kMembers = 60;
const kRounds = 8;

/** What a member may do with the objects; each gives something that can be compared. */
const acts = {
  async mutex({ mutex }, ctx) {
    const lock = await mutex.lock(ctx);
    try {
      await ctx.delay(Math.floor(ctx.random() * 4));
    } finally {
      lock.unlock();
    }
    return 'locked';
  },
  tryLock: ({ mutex }, ctx) => mutex.tryLock(1, { ctx }).then((isLocked) => (isLocked && mutex.unlock(ctx), isLocked)),
  semaphore: ({ semaphore }, ctx) => semaphore.run(() => ctx.delay(1).then(() => 'permitted'), { ctx, permits: 1 + Math.floor(ctx.random() * 3) }),
  put({ ivars, made }, ctx) {
    const i = Math.floor(ctx.random() * ivars.length);
    const isFull = ivars[i].isFull();
    if (isFull) made.push((ivars[i] = ctx.runtime.ivar()));
    else ivars[i].put(ctx.task.id);
    return isFull ? 'made anew' : 'put';
  },
  take: ({ ivars }, ctx) => ivars[Math.floor(ctx.random() * ivars.length)].take({ ctx, timeout: 4 }),
  send: ({ channels }, ctx) => channels[Math.floor(ctx.random() * 2)].send(ctx.task.id, { ctx, timeout: 3 }),
  receive: ({ channels }, ctx) => channels[Math.floor(ctx.random() * 2)].recv({ ctx, timeout: 3 }),
  barrier: ({ barrier }, ctx) => barrier.wait({ ctx, timeout: 5 }),
  serializer: ({ serialized }, ctx) => serialized(ctx),
  async select({ channels, ivars }, ctx) {
    const { index, value } = await ctx.select([{ recv: channels[0] }, { send: channels[1], value: ctx.task.id }, { take: ivars[0] }, { timeout: 2 }]);
    return `${index} ${value}`;
  },
  async selectLock({ mutex, semaphore }, ctx) {
    const { index, value } = await ctx.select([{ lock: mutex }, { acquire: semaphore, permits: 4 }, { timeout: 1 }]);
    value?.[Symbol.dispose]();
    return index;
  },
  singleflight: (_, ctx) =>
    ctx.singleflight(['key', Math.floor(ctx.random() * 3)], async (own) => {
      await own.delay(3);
      if (own.random() < 0.3) throw new Error('the flight failed');
      return own.task.id;
    }, { ttl: 2 }),
  delay: (_, ctx) => ctx.delay(Math.floor(ctx.random() * 4)),
  cancel: (objects, ctx) => ctx.random() < 0.3 && ctx.runtime.cancel(objects.members[Math.floor(ctx.random() * kMembers)].id, 'drawn'),
};
const names = Object.keys(acts);

/** Runs the crowd to its end: the hash of every command, and what everybody did and met. */
export async function runSyncCrowd(rt) {
  const told = [];
  const ivars = Array.from({ length: 6 }, () => rt.ivar());
  const objects = {
    mutex: rt.mutex(),
    semaphore: rt.semaphore(4),
    ivars,
    channels: [rt.channel(), rt.channel(2)],
    barrier: rt.barrier(3),
    serialized: rt.serializer().wrap((ctx) => ctx.delay(1).then(() => 'serialized')),
    members: [],
    // All are kept: when a value goes with its ivar is the engine's choice, and its number is used again then.
    made: [...ivars],
  };
  const count = Object.fromEntries(names.map((name) => [name, 0]));
  const step = async (ctx, member) => {
    const name = names[Math.floor(ctx.random() * names.length)];
    const outcome = await Promise.resolve(acts[name](objects, ctx)).then(String, (error) => {
      if (error.code === 'Cancelled') throw error;
      return error.code ?? error.message;
    });
    count[name]++;
    told.push(`${member} ${name}: ${outcome}`);
  };
  for (let member = 0; member < kMembers; member++) {
    const body =
      member % 3 === 0
        ? function* (ctx) {
            for (let round = 0; round < kRounds; round++) yield step(ctx, member);
          }
        : async (ctx) => {
            for (let round = 0; round < kRounds; round++) await step(ctx, member);
          };
    objects.members.push(rt.submit(body, { priority: member % 4 }));
  }
  await rt.awaitAllSettled(objects.members);
  await rt.onIdle();
  await turns();
  const { commandHash, steps } = rt.getStats();
  return { commandHash, steps, told, count, states: objects.members.map(({ state }) => state), made: objects.made.length, now: rt.clock.now() };
}
