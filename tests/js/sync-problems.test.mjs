// The classic problems of concurrency: what must hold in them always holds, and what they come to is known, whatever the kind
// of the bodies and the order in which the dispatch runs them. Partners: sync-philosophers.test.mjs, tests/core/sync_problems_test.cpp.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, until } from '../support/tasks.mjs';
import { bind, inEveryWay, outcomes, range } from '../support/ways.mjs';

const { closed, DeadlockError } = heddle;

// --- Bounded buffer ---

const kRoom = 3;
const kProducers = 4;
const kItems = 50;
const allItems = range(kProducers * kItems);

/** What each consumer got has every producer's items in the order in which they were made. */
function assertInOrder(received) {
  for (const producer of range(kProducers)) {
    const own = received.filter((item) => Math.floor(item / kItems) === producer);
    assert.deepEqual(own, own.toSorted((a, b) => a - b));
  }
}

inEveryWay('a channel as a buffer: every item once, in order, never more than there is room for', async (rt, submit) => {
  const buffer = rt.channel(kRoom);
  let most = 0;
  let inside = 0;
  const producer = function* (ctx, own) {
    for (const i of range(kItems)) {
      yield buffer.send(own * kItems + i, ctx);
      inside++;
      most = Math.max(most, buffer.size);
      if (i % 7 === own) yield ctx.delay(1);
    }
  };
  const consumer = function* (ctx) {
    const received = [];
    for (;;) {
      const item = yield buffer.recv(ctx);
      if (item === closed) return received;
      inside--;
      received.push(item);
      if (received.length % 5 === 0) yield ctx.delay(1);
    }
  };
  const consumers = range(2).map(() => submit(consumer));
  await rt.awaitAll(range(kProducers).map((own) => submit(bind(producer, own))));
  buffer.close();
  const received = await rt.awaitAll(consumers);
  received.forEach(assertInOrder);
  assert.deepEqual(received.flat().sort((a, b) => a - b), allItems);
  assert.equal(most, kRoom, 'it was full, and no fuller');
  assert.equal(inside, 0);
});

inEveryWay('a buffer of a mutex and two semaphores: the same', async (rt, submit) => {
  const mutex = rt.mutex();
  const room = rt.semaphore(kRoom);
  const filled = rt.semaphore(kRoom);
  // It starts empty: nobody has filled any of it.
  await filled.acquire(kRoom);
  const buffer = [];
  let most = 0;
  const within = function* (ctx, act) {
    const lock = yield mutex.lock(ctx);
    const result = act();
    most = Math.max(most, buffer.length);
    yield ctx.yield();
    lock.unlock();
    return result;
  };
  const producer = function* (ctx, own) {
    for (const i of range(kItems)) {
      yield room.acquire(ctx);
      yield* within(ctx, () => buffer.push(own * kItems + i));
      filled.release();
    }
  };
  const consumer = function* (ctx) {
    const received = [];
    for (const _ of range((kProducers * kItems) / 2)) {
      yield filled.acquire(ctx);
      received.push(
        yield* within(ctx, () => {
          assert.ok(buffer.length > 0);
          return buffer.shift();
        }),
      );
      room.release();
    }
    return received;
  };
  const consumers = range(2).map(() => submit(consumer));
  await rt.awaitAll(range(kProducers).map((own) => submit(bind(producer, own))));
  const received = await rt.awaitAll(consumers);
  received.forEach(assertInOrder);
  assert.deepEqual(received.flat().sort((a, b) => a - b), allItems);
  assert.equal(most, kRoom);
  assert.deepEqual([room.available, filled.available], [kRoom, 0]);
});

test('a channel as a buffer, read in a loop', async (t) => {
  for (const seed of [1, 2, 3]) {
    const rt = await open(t, { clock: 'virtual', dispatch: { policy: 'random', seed } });
    const buffer = rt.channel(kRoom);
    const consumers = range(3).map(() =>
      rt.submit(async (ctx) => {
        const received = [];
        for await (const item of buffer.values(ctx)) received.push(item);
        return received;
      }),
    );
    const producers = range(kProducers).map((own) =>
      rt.submit(async (ctx) => {
        for (const i of range(kItems)) await buffer.send(own * kItems + i, ctx);
      }),
    );
    await rt.awaitAll(producers);
    buffer.close();
    const received = await rt.awaitAll(consumers);
    received.forEach(assertInOrder);
    assert.deepEqual(received.flat().sort((a, b) => a - b), allItems);
    assertAtRest(rt);
  }
});

// --- Readers and writers ---

// A reader takes one permit, a writer all: it is not starved by readers who come after it, nor they by it.
inEveryWay('readers read together, writers write alone, and nobody is overtaken by who may not be beside', async (rt, submit) => {
  const kReaders = 6;
  const permits = rt.semaphore(kReaders);
  const waiting = new Map(); // ticket -> whether it is a writer
  const inside = { readers: 0, writers: 0 };
  let tickets = 0;
  let most = 0;
  const visit = function* (ctx, role) {
    const isWriter = role === 'writers';
    const ticket = tickets++;
    waiting.set(ticket, isWriter);
    const taken = yield permits.acquire(isWriter ? kReaders : 1, ctx);
    waiting.delete(ticket);
    for (const [other, writes] of waiting) assert.ok(other > ticket || !(isWriter || writes), `${ticket} came before ${other}`);
    assert.deepEqual(inside, isWriter ? { readers: 0, writers: 0 } : { readers: inside.readers, writers: 0 });
    most = Math.max(most, ++inside[role]);
    yield ctx.delay(1);
    inside[role]--;
    taken.release();
  };
  const visitor = function* (ctx, role, rounds) {
    for (const _ of range(rounds)) yield* visit(ctx, role);
    return rounds;
  };
  const readers = range(kReaders).map(() => submit(bind(visitor, 'readers', 20)));
  const writers = range(2).map(() => submit(bind(visitor, 'writers', 10)));
  const rounds = await rt.awaitAll([...readers, ...writers]);
  assert.equal(rounds.reduce((a, b) => a + b), tickets);
  assert.ok(most > 1, 'readers were together');
  assert.equal(permits.available, kReaders);
});

inEveryWay('writers who come into a stream of readers wait for those inside only', async (rt, submit) => {
  const permits = rt.semaphore(20);
  const began = rt.clock.now();
  const visitor = function* (ctx, arrives, stays, count) {
    yield ctx.delay(arrives);
    const taken = yield permits.acquire(count, ctx);
    const start = ctx.now() - began;
    yield ctx.delay(stays);
    taken.release();
    return start;
  };
  // At 102 those of 60 to 100 are inside; the last of them leaves at 145.
  const readers = range(40).map((i) => submit(bind(visitor, 10 * i, 45, 1)));
  const writers = [102, 103].map((arrives) => submit(bind(visitor, arrives, 10, 20)));
  assert.deepEqual(await rt.awaitAll(writers), [145, 155]);
  assert.deepEqual(await rt.awaitAll(readers), range(40).map((i) => (i <= 10 ? 10 * i : Math.max(10 * i, 165))));
});

// --- Sleeping barber ---

const kChairs = 2;

class Shop {
  constructor(rt) {
    this.rt = rt;
    this.chairs = rt.channel(kChairs);
    this.mostWaiting = 0;
    this.isAsleep = false;
  }

  *barber(ctx, cut) {
    const served = [];
    for (;;) {
      this.isAsleep = this.chairs.size === 0;
      const customer = yield this.chairs.recv(ctx);
      this.isAsleep = false;
      if (customer === closed) return served;
      yield ctx.delay(cut);
      served.push(customer.name);
      customer.isDone.put(ctx.now());
    }
  }

  *customer(ctx, name, arrives) {
    yield ctx.delay(arrives);
    const came = ctx.now();
    const wakes = this.isAsleep;
    const isDone = this.rt.ivar();
    const isSeated = this.chairs.trySend({ name, isDone }, ctx);
    if (wakes) this.isAsleep = false;
    this.mostWaiting = Math.max(this.mostWaiting, this.chairs.size);
    if (!isSeated) return { wakes, isTurnedAway: true };
    return { wakes, took: (yield isDone.take(ctx)) - came };
  }
}

inEveryWay('a barber with two chairs: of thirty customers eleven, and those eleven, are served', async (rt, submit) => {
  const shop = new Shop(rt);
  const barber = submit(bind((ctx) => shop.barber(ctx, 33)));
  const customers = range(30).map((i) => submit(bind((ctx) => shop.customer(ctx, i + 1, 10 * (i + 1)))));
  const left = await rt.awaitAll(customers);
  shop.chairs.close();
  const served = await rt.await(barber);
  // He begins at 10, 43, 76 and so on, and who comes next after that finds a chair.
  assert.deepEqual(served, [1, 2, 3, 5, 8, 11, 15, 18, 21, 25, 28]);
  assert.equal(left.filter(({ isTurnedAway }) => isTurnedAway).length, 19);
  assert.equal(shop.mostWaiting, kChairs);
});

inEveryWay('customers who come when they like: all are served or turned away, and who wakes the barber does not wait', async (rt, submit) => {
  const shop = new Shop(rt);
  const barber = submit(bind((ctx) => shop.barber(ctx, 7)));
  const customers = range(60).map((i) =>
    submit(
      bind(function* (ctx) {
        return yield* shop.customer(ctx, i, Math.floor(ctx.random() * 500));
      }),
    ),
  );
  const left = await rt.awaitAll(customers);
  shop.chairs.close();
  const served = await rt.await(barber);
  const turnedAway = left.filter(({ isTurnedAway }) => isTurnedAway).length;
  assert.equal(served.length + turnedAway, 60);
  assert.equal(new Set(served).size, served.length);
  left.forEach((one, i) => assert.equal(served.includes(i), !one.isTurnedAway));
  const woke = left.filter(({ wakes }) => wakes);
  assert.ok(woke.length > 0);
  for (const { took } of woke) assert.equal(took, 7);
  for (const { took } of left) assert.ok(took === undefined || took <= 7 * (kChairs + 1));
  assert.ok(shop.mostWaiting <= kChairs);
});

// --- Cigarette smokers ---

const kThings = ['tobacco', 'paper', 'matches'];
const kRounds = 60;

// Parnas: for each thing somebody who looks what else is on the table, and calls the smoker who has the third.
inEveryWay('smokers: in each round the one smokes who has what the agent did not lay on the table', async (rt, submit) => {
  const things = kThings.map((name) => rt.channel(1, { name }));
  const calls = kThings.map((name) => rt.channel(0, { name: `who has ${name}` }));
  const smoked = rt.channel();
  const table = rt.mutex({ name: 'table' });
  const onTable = new Set();
  const pusher = function* (ctx, own) {
    while ((yield things[own].recv(ctx)) !== closed) {
      const lock = yield table.lock(ctx);
      const there = [...onTable];
      yield ctx.yield(); // others would look now
      if (there.length === 0) {
        onTable.add(own);
      } else {
        assert.equal(there.length, 1);
        onTable.clear();
        yield calls[3 - own - there[0]].send('both are there', ctx);
      }
      lock.unlock();
    }
  };
  const smoker = function* (ctx, own) {
    let count = 0;
    while ((yield calls[own].recv(ctx)) !== closed) {
      yield ctx.delay(1 + own);
      yield smoked.send(own, ctx);
      count++;
    }
    return count;
  };
  const agent = function* (ctx) {
    const chosen = [0, 0, 0];
    for (const _ of range(kRounds)) {
      const missing = Math.floor(ctx.random() * 3);
      chosen[missing]++;
      yield things[(missing + 1) % 3].send('one', ctx);
      yield things[(missing + 2) % 3].send('one', ctx);
      assert.equal(yield smoked.recv(ctx), missing);
      assert.equal(smoked.tryRecv(ctx), undefined, 'and nobody else');
    }
    for (const channel of [...things, ...calls]) channel.close();
    return chosen;
  };
  const smokers = [0, 1, 2].map((own) => submit(bind(smoker, own)));
  const pushers = [0, 1, 2].map((own) => submit(bind(pusher, own)));
  const chosen = await rt.await(submit(agent));
  await rt.awaitAll(pushers);
  assert.deepEqual(await rt.awaitAll(smokers), chosen);
  assert.equal(chosen.reduce((a, b) => a + b), kRounds);
  for (const count of chosen) assert.ok(count > 10, String(chosen));
  assert.equal(onTable.size, 0);
});

// Two of them take one thing each: everybody waits, and no timer or call could change that.
inEveryWay(
  'smokers who help themselves come to a deadlock, and all of them hear of it',
  async (rt, submit) => {
    const things = kThings.map((name) => rt.channel(1, { name }));
    const smoked = rt.channel(0, { name: 'smoked' });
    const smoker = function* (ctx, own) {
      yield things[(own + 1) % 3].recv(ctx);
      yield things[(own + 2) % 3].recv(ctx);
      yield smoked.send(own, ctx);
    };
    let missing;
    const agent = function* (ctx) {
      yield ctx.delay(1); // until everybody waits for his first thing
      missing = Math.floor(ctx.random() * 3);
      yield things[(missing + 1) % 3].send('one', ctx);
      yield things[(missing + 2) % 3].send('one', ctx);
      yield smoked.recv(ctx);
    };
    const tasks = [...[0, 1, 2].map((own) => submit(bind(smoker, own))), submit(agent)];
    const told = (await outcomes(tasks)).map((error) => {
      assert.ok(error instanceof DeadlockError, String(error));
      assert.match(error.message, /nothing else can happen/);
      return error.cycle;
    });
    // One thing went to him who could have smoked, the other to his neighbour; both now want a second, and the third his first.
    const wanted = [];
    wanted[missing] = kThings[(missing + 2) % 3];
    wanted[(missing + 1) % 3] = kThings[missing];
    wanted[(missing + 2) % 3] = kThings[missing];
    const objects = [...wanted, 'smoked'].map((name) => `channel '${name}'`);
    assert.deepEqual(told, objects.map((object, i) => [{ task: tasks[i].id, act: 'receive', object }]));
  },
  { deadlocks: 'closed' },
);

// --- Santa Claus ---

const kReindeer = 9;
const kElves = 10;
const kGroup = 3;

/** Trono's problem: nine reindeer, or three elves, wake Santa; reindeer come first. */
class NorthPole {
  constructor(rt) {
    this.bells = { reindeer: rt.channel(1, { name: 'reindeer' }), elves: rt.channel(1, { name: 'elves' }) };
    this.harness = rt.barrier(kReindeer + 1);
    this.unharness = rt.barrier(kReindeer + 1);
    this.door = rt.semaphore(kGroup);
    this.study = rt.barrier(kGroup + 1);
    this.out = rt.barrier(kGroup + 1);
    this.home = 0;
    this.atDoor = 0;
    this.pulling = new Set();
    this.helped = new Set();
    this.log = [];
  }

  *santa(ctx, rounds, until) {
    const { bells } = this;
    for (let done = 0; done < rounds; ) {
      const isReindeer = bells.reindeer.tryRecv(ctx) !== undefined || (yield ctx.select([{ recv: bells.reindeer }, { recv: bells.elves }])).index === 0;
      const [enter, leave] = isReindeer ? [this.harness, this.unharness] : [this.study, this.out];
      yield enter.wait(ctx);
      yield ctx.delay(5);
      // Whoever went in with him has done so by now.
      assert.deepEqual([this.pulling.size, this.helped.size], isReindeer ? [kReindeer, 0] : [0, kGroup]);
      this.log.push(isReindeer ? 'delivered' : 'helped');
      yield leave.wait(ctx);
      if (until === 'any' || isReindeer) done++;
    }
  }

  *reindeer(ctx, own, years, holiday) {
    for (const year of range(years)) {
      yield ctx.delay(holiday(ctx));
      if (++this.home === kReindeer) {
        this.home = 0;
        this.log.push('all are home');
        yield this.bells.reindeer.send(year, ctx);
      }
      yield this.harness.wait(ctx);
      this.pulling.add(own);
      yield this.unharness.wait(ctx);
      this.pulling.delete(own);
    }
    return years;
  }

  *elf(ctx, own, questions, work) {
    for (let i = 0; i < questions; i++) {
      yield ctx.delay(work(ctx));
      const place = yield this.door.acquire(ctx);
      try {
        if (++this.atDoor === kGroup) {
          this.atDoor = 0;
          yield this.bells.elves.send(own, ctx);
        }
        yield this.study.wait(ctx);
        this.helped.add(own);
        yield this.out.wait(ctx);
        this.helped.delete(own);
      } finally {
        place.release();
      }
    }
  }
}

inEveryWay('Santa delivers with nine reindeer, helps elves in threes, and lets no reindeer wait for a second group', async (rt, submit) => {
  const kYears = 5;
  const pole = new NorthPole(rt);
  const elves = range(kElves).map((own) => submit(bind((ctx) => pole.elf(ctx, own, Infinity, () => Math.floor(ctx.random() * 10)))));
  const reindeer = range(kReindeer).map((own) =>
    submit(bind((ctx) => pole.reindeer(ctx, own, kYears, () => 20 + Math.floor(ctx.random() * 20)))),
  );
  await rt.await(submit(bind((ctx) => pole.santa(ctx, kYears, 'delivered'))));
  assert.deepEqual(await rt.awaitAll(reindeer), range(kReindeer).map(() => kYears));
  // The elves would go on asking.
  for (const elf of elves) rt.cancel(elf.id);
  for (const error of await outcomes(elves)) assert.equal(error.code, 'Cancelled', String(error));
  await until('the elves have left', () => rt.getStats().unwindingTasks === 0);
  const groups = pole.log.join(' ').split('all are home').slice(1);
  assert.equal(groups.length, kYears);
  for (const group of groups) assert.match(group, /^( helped)? delivered( helped)* ?$/);
  assert.ok(pole.log.filter((one) => one === 'helped').length >= kYears, pole.log.join(', '));
  assert.deepEqual([pole.door.available, pole.study.waiting, pole.harness.waiting], [kGroup, 0, 0]);
});

inEveryWay('Santa, who finds elves and reindeer at his door, goes with the reindeer', async (rt, submit) => {
  const pole = new NorthPole(rt);
  const tasks = [
    ...range(kGroup).map((own) => submit(bind((ctx) => pole.elf(ctx, own, 1, () => 1)))),
    ...range(kReindeer).map((own) => submit(bind((ctx) => pole.reindeer(ctx, own, 1, () => 2)))),
    submit(
      bind(function* (ctx) {
        yield ctx.delay(10); // he sleeps soundly
        yield* pole.santa(ctx, 2, 'any');
      }),
    ),
  ];
  await rt.awaitAll(tasks);
  assert.deepEqual(pole.log, ['all are home', 'delivered', 'helped']);
});
