// Dining philosophers: naive, so that they come to a deadlock and hear of it with the whole circle; in order; with a waiter.
// Partner: sync-problems.test.mjs.
import assert from 'node:assert/strict';
import heddle from '../support/heddle.mjs';
import { bind, inEveryWay, outcomes, range } from '../support/ways.mjs';

const { DeadlockError } = heddle;

const kPhilosophers = 5;

class Table {
  constructor(rt) {
    this.forks = range(kPhilosophers).map((i) => rt.mutex({ name: `fork ${i}` }));
    this.isEating = this.forks.map(() => false);
    this.meals = this.forks.map(() => 0);
  }

  /** One meal: the forks are taken in that order, with time to think between. Whatever happens, they are laid down. */
  *eat(ctx, seat, first, second) {
    const one = yield this.forks[first].lock(ctx);
    try {
      yield ctx.delay(1);
      const other = yield this.forks[second].lock(ctx);
      try {
        const beside = [seat + 1, seat + kPhilosophers - 1].map((i) => this.isEating[i % kPhilosophers]);
        assert.deepEqual(beside, [false, false], 'a neighbour eats with the same fork');
        this.isEating[seat] = true;
        yield ctx.delay(1);
        this.isEating[seat] = false;
        this.meals[seat]++;
      } finally {
        other.unlock();
      }
    } finally {
      one.unlock();
    }
    return 'ate';
  }
}

const left = (seat) => seat;
const right = (seat) => (seat + 1) % kPhilosophers;

/** The error names everybody: each waits for the fork on the right, and its neighbour there holds it. */
function assertFullCircle({ code, cycle, message }, tasks) {
  assert.equal(code, 'Deadlock');
  const byTask = new Map(cycle.map((wait) => [wait.task, wait]));
  assert.equal(cycle.length, kPhilosophers);
  assert.equal(byTask.size, kPhilosophers);
  tasks.forEach((task, seat) => {
    const { object, act, holder } = byTask.get(task.id);
    assert.deepEqual([object, act, holder], [`mutex 'fork ${right(seat)}'`, 'lock', tasks[right(seat)].id]);
    assert.ok(message.includes(`fork ${seat}`), message);
  });
  cycle.forEach(({ holder }, i) => assert.equal(holder, cycle[(i + 1) % kPhilosophers].task, 'the cycle is told in its order'));
}

const kTenSeeds = { seeds: range(10).map((i) => i + 1) };

inEveryWay(
  'philosophers who all take the left fork first: one hears of the deadlock, the others eat',
  async (rt, submit) => {
    const table = new Table(rt);
    const tasks = range(kPhilosophers).map((seat) =>
      submit(bind((ctx) => table.eat(ctx, seat, left(seat), right(seat))), { name: `philosopher ${seat}` }),
    );
    const results = await outcomes(tasks);
    const failed = results.filter((result) => result instanceof DeadlockError);
    assert.equal(failed.length, 1, String(results));
    assertFullCircle(failed[0], tasks);
    results.forEach((result, seat) => {
      assert.equal(table.meals[seat], result === failed[0] ? 0 : 1);
      if (result !== failed[0]) assert.equal(result, 'ate');
    });
    for (const fork of table.forks) assert.equal(fork.isLocked, false);
  },
  kTenSeeds,
);

inEveryWay(
  'philosophers who lay down their fork and think again when they hear of a deadlock all eat',
  async (rt, submit) => {
    const table = new Table(rt);
    const errors = [];
    const stubborn = function* (ctx, seat) {
      for (let meals = 0; meals < 4; ) {
        try {
          yield* table.eat(ctx, seat, left(seat), right(seat));
          meals++;
        } catch (error) {
          if (!(error instanceof DeadlockError)) throw error;
          errors.push(error);
        }
        yield ctx.delay(Math.floor(ctx.random() * 3));
      }
    };
    const tasks = range(kPhilosophers).map((seat) => submit(bind(stubborn, seat)));
    await rt.awaitAll(tasks);
    assert.ok(errors.length > 0, 'the first time all have taken their left fork');
    for (const error of errors) assertFullCircle(error, tasks);
    return table.meals;
  },
  kTenSeeds,
);

inEveryWay('philosophers who take the lower fork first all eat', async (rt, submit) => {
  const table = new Table(rt);
  const ordered = function* (ctx, seat) {
    for (const _ of range(20)) yield* table.eat(ctx, seat, Math.min(left(seat), right(seat)), Math.max(left(seat), right(seat)));
  };
  await rt.awaitAll(range(kPhilosophers).map((seat) => submit(bind(ordered, seat))));
  assert.deepEqual(table.meals, [20, 20, 20, 20, 20]);
});

inEveryWay('philosophers of whom a waiter seats four all eat', async (rt, submit) => {
  const table = new Table(rt);
  const waiter = rt.semaphore(kPhilosophers - 1);
  const seated = function* (ctx, seat) {
    for (const _ of range(20)) {
      const chair = yield waiter.acquire(ctx);
      yield* table.eat(ctx, seat, left(seat), right(seat));
      chair.release();
    }
  };
  await rt.awaitAll(range(kPhilosophers).map((seat) => submit(bind(seated, seat))));
  assert.deepEqual(table.meals, [20, 20, 20, 20, 20]);
  assert.equal(waiter.available, kPhilosophers - 1);
});
