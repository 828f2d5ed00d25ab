// Supervisors, as OTP's: who is started again and when, in which order children start and stop, and when a supervisor gives up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, deferred, hasCode, rejection, thrown, turns, until } from '../support/tasks.mjs';

const virtual = { clock: 'virtual' };

/** Children that write down when they start and end; told 'crash' they fail. */
function crew(rt, log = []) {
  const child = (id, options = {}) => ({
    id,
    start: () => {
      log.push(`+${id}`);
      const actor = rt.actor(
        (message) => {
          if (message === 'crash') throw new Error(`${id} crashed`);
          return id;
        },
        { name: id },
      );
      actor.monitor(() => log.push(`-${id}`));
      return actor;
    },
    ...options,
  });
  /** What was written down since the last look. */
  const news = () => log.splice(0).join(' ');
  return { log, child, news };
}

/** Makes a child fail, and waits until its supervisor has dealt with it. */
async function crash(supervisor, id, restarts = supervisor.restarts + 1) {
  await supervisor.child(id).send('crash');
  await until('it restarts', () => supervisor.restarts >= restarts && supervisor.child(id) !== undefined);
  await turns();
}

test('children start in order and stop in the reverse one', async (t) => {
  const rt = await open(t, virtual);
  const { child, news } = crew(rt);
  const supervisor = rt.supervisor({ name: 'top', children: [child('a'), child('b'), child('c')] });
  assert.equal(supervisor.child('a'), undefined);
  await supervisor.ready();
  assert.equal(news(), '+a +b +c');
  assert.equal(await supervisor.child('b').ask('who'), 'b');
  hasCode(thrown(() => supervisor.child('d')), 'ArgumentError');
  assert.equal(supervisor.task.name, 'top');
  const downs = [];
  supervisor.monitor(({ outcome, reason }) => downs.push([outcome, reason]));
  await supervisor.stop('enough');
  assert.equal(news(), '-c -b -a');
  assert.deepEqual(downs, [['stopped', 'enough']]);
  await supervisor.ready();
  assertAtRest(rt);
  assert.equal(rt._objects.values.size, 0);
});

for (const [strategy, expected] of [
  ['one-for-one', '-b +b'],
  ['one-for-all', '-b -d -c -a +a +b +c +d'],
  ['rest-for-one', '-b -d -c +b +c +d'],
]) {
  test(`${strategy}: who is started again when the second of four fails`, async (t) => {
    const rt = await open(t, virtual);
    const { child, news } = crew(rt);
    const supervisor = rt.supervisor({ strategy, children: ['a', 'b', 'c', 'd'].map((id) => child(id)) });
    await supervisor.ready();
    news();
    const first = supervisor.child('b');
    await crash(supervisor, 'b');
    assert.equal(news(), expected);
    assert.notEqual(supervisor.child('b'), first);
    for (const id of ['a', 'b', 'c', 'd']) assert.equal(await supervisor.child(id).ask('who'), id);
    await supervisor.stop();
    assert.equal(news(), '-d -c -b -a');
    assertAtRest(rt);
  });
}

test('permanent, transient and temporary children', async (t) => {
  const rt = await open(t, virtual);
  const { child, news } = crew(rt);
  const children = ['permanent', 'transient', 'temporary'].map((restart) => child(restart, { restart }));
  const supervisor = rt.supervisor({ intensity: 10, children });
  await supervisor.ready();
  news();
  await crash(supervisor, 'permanent');
  await crash(supervisor, 'transient');
  await supervisor.child('temporary').send('crash');
  await turns(10);
  assert.equal(news(), '-permanent +permanent -transient +transient -temporary');
  assert.equal(supervisor.child('temporary'), undefined);
  // Stopped, not failed.
  await supervisor.child('permanent').stop();
  await supervisor.child('transient').stop();
  await turns(10);
  assert.equal(news(), '-permanent +permanent -transient');
  // Cancelled from elsewhere: that is no way to stop.
  rt.cancel(supervisor.child('permanent').task.id);
  await turns(10);
  assert.equal(news(), '-permanent +permanent');
  await supervisor.stop();
  assert.equal(news(), '-permanent');
});

test('a temporary child that falls with others is not started again', async (t) => {
  const rt = await open(t, virtual);
  const { child, news } = crew(rt);
  const supervisor = rt.supervisor({ strategy: 'one-for-all', children: [child('a'), child('b', { restart: 'temporary' }), child('c')] });
  await supervisor.ready();
  news();
  await supervisor.child('b').send('crash');
  await turns(10);
  assert.equal(news(), '-b');
  await crash(supervisor, 'a');
  assert.equal(news(), '-a -c +a +c');
  await supervisor.stop();
});

test('a crash loop: more restarts than its intensity within its period end it', async (t) => {
  const rt = await open(t, virtual);
  const { child, news } = crew(rt);
  const supervisor = rt.supervisor({ name: 'top', intensity: 2, period: 1000, children: [child('a'), child('b')] });
  const downs = [];
  supervisor.monitor((down) => downs.push(down));
  await supervisor.ready();
  await crash(supervisor, 'a');
  await crash(supervisor, 'a');
  news();
  await supervisor.child('a').send('crash');
  await until('it gives up', () => downs.length === 1);
  assert.equal(news(), '-a -b');
  const { outcome, error } = downs[0];
  assert.equal(outcome, 'failed');
  hasCode(error, 'SupervisionError');
  assert.ok(error instanceof heddle.SupervisionError);
  assert.equal(error.child, 'a');
  assert.equal(error.cause.message, 'a crashed');
  assert.match(error.message, /supervisor 'top': more than 2 restarts within 1000 ms/);
  assert.equal(supervisor.task.error, error);
  assertAtRest(rt);
});

test('restarts that are longer ago than the period do not count', async (t) => {
  const rt = await open(t, virtual);
  const { child } = crew(rt);
  const supervisor = rt.supervisor({ intensity: 1, period: 1000, children: [child('a')] });
  await supervisor.ready();
  for (let i = 0; i < 5; i++) {
    await crash(supervisor, 'a');
    await rt.clock.advance(1001);
  }
  assert.equal(supervisor.restarts, 5);
  await supervisor.stop();
});

test('an intensity of 0 allows no restart', async (t) => {
  const rt = await open(t, virtual);
  const { child, news } = crew(rt);
  const supervisor = rt.supervisor({ intensity: 0, children: [child('a')] });
  await supervisor.ready();
  await supervisor.child('a').send('crash');
  hasCode(await rejection(rt.await(supervisor.task)), 'SupervisionError');
  assert.equal(news(), '+a -a');
});

test('a child that does not start: those before it are stopped, and the supervisor fails', async (t) => {
  const rt = await open(t, virtual);
  const boom = new Error('boom');
  const starts = {
    'that throws': () => {
      throw boom;
    },
    'that rejects': () => Promise.reject(boom),
    'that gives something else': () => ({}),
  };
  for (const [what, start] of Object.entries(starts)) {
    const { child, news } = crew(rt);
    const supervisor = rt.supervisor({ children: [child('a'), child('b'), { id: 'c', start }, child('d')] });
    const error = hasCode(await rejection(supervisor.ready()), 'SupervisionError');
    assert.equal(error.child, 'c', what);
    if (what !== 'that gives something else') assert.equal(error.cause, boom);
    else hasCode(error.cause, 'ArgumentError');
    assert.equal(news(), '+a +b -b -a');
    assert.equal(supervisor.task.state, 'error');
    assert.equal(await rejection(supervisor.ready()), error);
  }
  assertAtRest(rt);
});

test('a start that fails again is one restart more', async (t) => {
  const rt = await open(t, virtual);
  const { child, news, log } = crew(rt);
  let failures = 2;
  const frail = child('b');
  const { start } = frail;
  let began = false;
  frail.start = (ctx) => {
    if (began && failures-- > 0) {
      log.push('!b');
      throw new Error('not yet');
    }
    began = true;
    return start(ctx);
  };
  const supervisor = rt.supervisor({ intensity: 3, children: [child('a'), frail] });
  await supervisor.ready();
  news();
  await crash(supervisor, 'b', 3);
  assert.equal(news(), '-b !b !b +b');
  assert.equal(supervisor.restarts, 3);
  await supervisor.stop();
  // Once more, and too often.
  began = false;
  failures = 10;
  const other = rt.supervisor({ intensity: 3, children: [frail] });
  await other.ready();
  news();
  await other.child('b').send('crash');
  const error = hasCode(await rejection(rt.await(other.task)), 'SupervisionError');
  assert.equal(error.cause.message, 'not yet');
  assert.equal(news(), '-b !b !b !b');
});

test('a supervisor is a child of another, and fails into it', async (t) => {
  const rt = await open(t, { ...virtual, maxConcurrentTasks: 1 });
  const { child, news, log } = crew(rt);
  const inner = {
    id: 'inner',
    start: () => {
      log.push('+inner');
      return rt.supervisor({ intensity: 1, children: [child('x'), child('y')] });
    },
  };
  const top = rt.supervisor({ name: 'top', intensity: 1, children: [child('a'), inner, child('b')] });
  await top.ready();
  assert.equal(news(), '+a +inner +x +y +b', 'one that is ready is started');
  await crash(top.child('inner'), 'x');
  assert.equal(news(), '-x +x');
  await top.child('inner').child('x').send('crash');
  await until('it escalates', () => top.restarts === 1);
  await until('it is there again', () => top.child('inner')?.child('y') !== undefined);
  assert.equal(news(), '-x -y +inner +x +y');
  await crash(top.child('inner'), 'y');
  news();
  await top.child('inner').child('y').send('crash');
  const error = hasCode(await rejection(rt.await(top.task)), 'SupervisionError');
  assert.equal(error.child, 'inner');
  hasCode(error.cause, 'SupervisionError');
  assert.equal(error.cause.cause.message, 'y crashed');
  assert.equal(news(), '-y -x -b -a');
  assertAtRest(rt);
});

test('a task is a child: it is done when it completes, and fails when it throws', async (t) => {
  const rt = await open(t, virtual);
  let runs = 0;
  const supervisor = rt.supervisor({
    intensity: 5,
    children: [
      { id: 'job', restart: 'transient', start: () => rt.submit(async (ctx) => {
        await ctx.delay(10);
        if (++runs < 3) throw new Error('again');
        return runs;
      }) },
      { id: 'service', start: () => rt.actor(() => {}).task },
    ],
  });
  await supervisor.ready();
  const service = supervisor.child('service');
  await until('the job is done', () => runs === 3);
  await turns(10);
  assert.equal(supervisor.restarts, 2);
  assert.equal(supervisor.child('job'), undefined);
  await supervisor.stop();
  assert.equal(service.state, 'cancelled');
  await turns();
  assertAtRest(rt);
});

test('a child that does not stop in time is cancelled', async (t) => {
  const rt = await open(t, virtual);
  const busy = rt.actor((_, { ctx }) => ctx.delay(1e6));
  await busy.send(1);
  const supervisor = rt.supervisor({ children: [{ id: 'busy', start: () => busy, shutdown: 300 }, { id: 'at once', start: () => rt.actor(() => {}), shutdown: 0 }] });
  await supervisor.ready();
  const begun = rt.clock.now();
  await supervisor.stop();
  assert.equal(rt.clock.now() - begun, 300);
  assert.equal(busy.task.state, 'cancelled');
  await turns();
  assertAtRest(rt);
});

test('a supervisor that is cancelled takes its children with it, also while it starts', async (t) => {
  const rt = await open(t, virtual);
  const { child, news } = crew(rt);
  const supervisor = rt.supervisor({ children: [child('a'), child('b')] });
  await supervisor.ready();
  news();
  rt.cancel(supervisor.task.id, 'away');
  assert.equal(news(), '-b -a');
  const gate = deferred();
  const late = child('d');
  const other = rt.supervisor({ children: [child('c'), { id: 'd', start: (ctx) => gate.promise.then(() => late.start(ctx)) }] });
  const ready = rejection(other.ready());
  await until('the first has started', () => other.child('c') !== undefined);
  rt.cancel(other.task.id, 'away');
  hasCode(await ready, 'Cancelled');
  gate.resolve();
  await rt.onIdle();
  await turns();
  assert.equal(news(), '+c -c +d -d');
  assertAtRest(rt);
});

test('a stop while it starts again is a stop', async (t) => {
  const rt = await open(t, virtual);
  const { child, news } = crew(rt);
  const slow = child('a');
  const { start } = slow;
  let gate = deferred();
  slow.start = async (ctx) => {
    await gate.promise;
    return start(ctx);
  };
  const supervisor = rt.supervisor({ children: [slow] });
  gate.resolve();
  await supervisor.ready();
  gate = deferred();
  await supervisor.child('a').send('crash');
  await until('it fell', () => supervisor.restarts === 1);
  const stopped = supervisor.stop();
  gate.resolve();
  await stopped;
  assert.equal(news(), '+a -a +a -a');
  assertAtRest(rt);
});

test('a runtime that closes restarts nothing', async (t) => {
  const rt = await open(t, virtual);
  const { child, news } = crew(rt);
  const supervisor = rt.supervisor({ intensity: 100, children: [child('a'), child('b')] });
  await supervisor.ready();
  news();
  await rt.close();
  assert.deepEqual(news().split(' ').sort(), ['-a', '-b']);
  hasCode(thrown(() => rt.supervisor({ children: [] })), 'Closed');
});

test('bad options are refused, and nothing starts', async (t) => {
  const rt = await open(t, virtual);
  const start = () => assert.fail('started');
  const good = { id: 'a', start };
  for (const options of [
    undefined,
    null,
    {},
    { children: {} },
    { children: [good, good] },
    { children: [null] },
    { children: [{ id: '', start }] },
    { children: [{ id: 'a' }] },
    { children: [{ ...good, restart: 'always' }] },
    { children: [{ ...good, shutdown: -1 }] },
    { children: [good], strategy: 'one-for-none' },
    { children: [good], intensity: -1 },
    { children: [good], intensity: 0.5 },
    { children: [good], period: 0 },
    { children: [good], period: NaN },
    { children: [good], name: 7 },
    { children: [good], restarts: 7 },
  ]) {
    hasCode(thrown(() => rt.supervisor(options)), 'ArgumentError');
  }
  assert.equal(rt.getAllTasks().length, 0);
  const empty = rt.supervisor({ children: [] });
  await empty.ready();
  await empty.stop();
  assertAtRest(rt);
});
