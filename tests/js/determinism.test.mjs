// The same program with the same seed makes the same decisions: the same hash of all commands, a hundred times, in every
// build. Partner: native-core.test.mjs.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import * as asyncify from 'heddle';
import heddle, { open } from '../support/heddle.mjs';
import { crowdConfig, kTasks, runCrowd } from '../support/crowd-program.mjs';
import { limitedCrowdConfig, runLimitedCrowd } from '../support/limited-crowd.mjs';
import { assertAtRest } from '../support/tasks.mjs';

const kSeed = 20260;

// Hash of the crowd with this seed. Any change of what the kernel decides changes it; where that was meant, a run with
// HEDDLE_UPDATE_GOLDEN=1 writes the new one.
const golden = new URL('../support/crowd-hash.txt', import.meta.url);

/** One run in a runtime of its own. */
async function crowd(t, seed, config) {
  const rt = await open(t, crowdConfig(heddle, seed, config));
  const run = await runCrowd(rt);
  await rt.close();
  return run;
}

test('the crowd does what it is for: calls, retries, cancels, failures, timeouts', async (t) => {
  const { outcomes, llmCalls, llmRetries, stats } = await crowd(t, kSeed);
  assert.equal(outcomes.length, kTasks);
  assert.ok(llmCalls > kTasks && llmRetries > 20, `${llmCalls} calls, ${llmRetries} retries`);
  const { completedTasks, cancelledTasks, erroredTasks } = stats;
  assert.ok(completedTasks > 100 && cancelledTasks > 20 && erroredTasks > 3, JSON.stringify(stats));
});

test('a hundred runs have one hash, and one outcome of every task', async (t) => {
  const first = await crowd(t, kSeed);
  const plain = ({ outcomes, ...run }) => ({
    ...run,
    outcomes: outcomes.map(({ status, value, reason }) => [status, value, reason?.message]),
  });
  for (let i = 1; i < 100; i++) assert.deepEqual(plain(await crowd(t, kSeed)), plain(first), `run ${i + 1}`);
});

test('the hash is the one that is written down, whatever the build and the engine', async (t) => {
  const { commandHash } = await crowd(t, kSeed);
  if (process.env.HEDDLE_UPDATE_GOLDEN) writeFileSync(golden, `${commandHash}\n`);
  const expected = readFileSync(golden, 'utf8').trim();
  assert.equal(
    commandHash,
    expected,
    'the decisions changed; if that was meant, run this test with HEDDLE_UPDATE_GOLDEN=1',
  );
});

test('this build and the asyncify build agree, for every policy and mode', async (t) => {
  for (const policy of ['round-robin', 'fair-rr', 'random', 'priority']) {
    for (const fairnessMode of ['fifo', 'priority', 'round-robin']) {
      const config = { dispatch: { policy }, fairnessMode, agingMs: 10 };
      const here = await crowd(t, 7, config);
      const rt = await asyncify.createRuntime(crowdConfig(asyncify, 7, { ...config, variant: 'asyncify' }));
      const there = await runCrowd(rt);
      await rt.close();
      assert.equal(here.commandHash, there.commandHash, `${policy}, ${fairnessMode}`);
    }
  }
});

test('another seed, another run', async (t) => {
  const hashes = new Set();
  for (const seed of [1, 2, 3, -1, 0.5, 1e300]) hashes.add((await crowd(t, seed)).commandHash);
  assert.equal(hashes.size, 6);
});

test('looking at a run does not change it', async (t) => {
  const { commandHash } = await crowd(t, kSeed);
  const rt = await open(t, crowdConfig(heddle, kSeed, { recordEvents: true }));
  rt.on('zombie', () => {});
  const cycled = rt.cycled;
  rt.cycled = () => {
    rt.getStats();
    for (const task of rt.getAllTasks().slice(0, 5)) rt.explain(task.id);
    cycled.call(rt);
  };
  const run = await runCrowd(rt);
  assert.equal(run.commandHash, commandHash);
});

// --- Under limits ---

/** One run of the crowd under rates, plans, hedges, adaptive limits and circuits. */
async function limitedCrowd(t, seed, config) {
  const rt = await open(t, limitedCrowdConfig(heddle, seed, config));
  const run = await runLimitedCrowd(rt);
  assertAtRest(rt);
  await rt.close();
  return run;
}

test('the crowd under limits meets all of them', async (t) => {
  const { stats, codes, now } = await limitedCrowd(t, kSeed);
  const count = (code) => codes.filter((one) => one === code).length;
  assert.ok(count('ok') > 80 && count('Cancelled') > 5, JSON.stringify(codes));
  const { llmHedges, llmFallbacks, llmRetries } = stats;
  assert.ok(llmHedges > 5 && llmFallbacks > 5 && llmRetries > 10, JSON.stringify({ llmHedges, llmFallbacks, llmRetries }));
  assert.ok(now > 60_000, 'some had to wait for the next minute');
});

test('twenty runs under limits have one hash, and one outcome of every task', async (t) => {
  const first = await limitedCrowd(t, kSeed);
  for (let i = 1; i < 20; i++) assert.deepEqual(await limitedCrowd(t, kSeed), first, `run ${i + 1}`);
  assert.notEqual((await limitedCrowd(t, kSeed + 1)).commandHash, first.commandHash);
});
