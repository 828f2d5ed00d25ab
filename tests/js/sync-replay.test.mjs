// Objects decide the same way each time: a crowd over all kinds of them has one hash of commands for one seed, in every build
// and under every policy. Partner: determinism.test.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as asyncify from 'heddle';
import heddle, { open } from '../support/heddle.mjs';
import { runSyncCrowd } from '../support/sync-crowd.mjs';
import { assertAtRest } from '../support/tasks.mjs';

const kPolicies = ['round-robin', 'fair-rr', 'random', 'priority'];
const config = (seed, policy) => ({ clock: 'virtual', seed, dispatch: { policy }, maxConcurrentTasks: 40 });

async function crowd(t, seed, policy) {
  const rt = await open(t, config(seed, policy));
  const run = await runSyncCrowd(rt);
  assertAtRest(rt, `${policy} ${seed}`);
  await rt.close();
  return run;
}

test('the crowd does what it is for: every act, values, timeouts, failures, cancels', async (t) => {
  const { count, told, states } = await crowd(t, 1, 'random');
  for (const [act, times] of Object.entries(count)) assert.ok(times >= 5, `${act}: ${times}`);
  for (const what of [/take: t\d+/, /receive: t\d+/, /barrier: undefined/, /select: 0 t\d+/, /select: 1/, /select: 2 t\d+/, /select: 3/, /selectLock: 0/, /selectLock: 1/, /selectLock: 2/, /: Timeout/, /the flight failed/, /singleflight: t\d+/]) {
    assert.ok(told.some((line) => what.test(line)), String(what));
  }
  assert.ok(states.includes('cancelled') && states.includes('completed'), String(states));
});

for (const policy of kPolicies) {
  test(`${policy}: ten runs have one hash, and tell the same in the same order`, async (t) => {
    for (const seed of [1, 2]) {
      const first = await crowd(t, seed, policy);
      for (let i = 1; i < 10; i++) assert.deepEqual(await crowd(t, seed, policy), first, `run ${i + 1} with seed ${seed}`);
    }
  });

  test(`${policy}: this build and the asyncify build agree`, async (t) => {
    const here = await crowd(t, 7, policy);
    const rt = await asyncify.createRuntime({ ...config(7, policy), variant: 'asyncify' });
    t.after(() => rt.close());
    assert.deepEqual(await runSyncCrowd(rt), here);
  });
}

test('another seed or another policy, another run', async (t) => {
  const hashes = new Set();
  for (const policy of ['round-robin', 'random', 'priority']) {
    for (const seed of [1, 2, 3]) hashes.add((await crowd(t, seed, policy)).commandHash);
  }
  assert.equal(hashes.size, 9);
});

test('looking at the objects does not change what they do', async (t) => {
  const { commandHash } = await crowd(t, 3, 'random');
  const rt = await open(t, { ...config(3, 'random'), recordEvents: true });
  rt.on('finding', () => {});
  const { cycled } = rt;
  let looks = 0;
  rt.cycled = () => {
    for (const task of rt.getTasksByState('suspended').slice(0, 5)) looks += rt.explain(task.id).length;
    rt.getStats();
    cycled.call(rt);
  };
  assert.equal((await runSyncCrowd(rt)).commandHash, commandHash);
  assert.ok(looks > 0);
});

test('when the engine finds that objects are not reachable any more is no part of a run', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const run = async (collects) => {
    const rt = await open(t, config(1, 'round-robin'));
    const wait = rt.channel(1);
    const task = rt.submit(async (ctx) => {
      const got = [];
      for (let i = 0; i < 30; i++) {
        rt.ivar().put(i);
        await rt.channel(2).send(i, ctx);
        if (collects) collect();
        // Finalizers run in turns of the event loop.
        await new Promise((resolve) => setImmediate(resolve));
        await wait.send(i, ctx);
        got.push(await wait.recv(ctx));
        await ctx.delay(1);
      }
      return got;
    });
    const got = await task.promise;
    const { commandHash, objects } = rt.getStats();
    return { got, commandHash, ivars: objects.ivars };
  };
  const [with_, without] = [await run(true), await run(false)];
  assert.ok(with_.ivars < without.ivars, `${with_.ivars} of ${without.ivars} ivars are left`);
  assert.equal(with_.commandHash, without.commandHash);
  assert.deepEqual(with_.got, without.got);
});
