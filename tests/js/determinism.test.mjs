// The same program with the same seed makes the same decisions: the same hash of all commands, a hundred times, in every
// build, and in the native core that is fed with the recorded events.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as asyncify from 'heddle';
import heddle, { open } from '../support/heddle.mjs';
import { crowdConfig, kTasks, runCrowd } from '../support/crowd-program.mjs';
import { limitedCrowdConfig, runLimitedCrowd } from '../support/limited-crowd.mjs';
import { assertAtRest } from '../support/tasks.mjs';
import { runPreset } from '../../js/scripts/build.mjs';

const kSeed = 20260;
const root = fileURLToPath(new URL('../../', import.meta.url));

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

// --- The native core ---

// In a whole test run the native stage has built it before.
async function replayProgram() {
  const folder = path.join(root, 'build/native');
  if (existsSync(path.join(folder, 'build.ninja')))
    execFileSync('cmake', ['--build', folder, '--target', 'replay_events'], { stdio: 'pipe' });
  else await runPreset('native');
  return path.join(folder, 'tests/core/replay_events');
}

const kPolicies = ['round-robin', 'fair-rr', 'random', 'priority'];

test('the native core, fed with the recorded events, gives the same hash', async (t) => {
  const program = await replayProgram();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [i, policy] of kPolicies.entries()) {
    for (const fairnessMode of ['fifo', 'priority', 'round-robin']) {
      const seed = kSeed + i;
      const rt = await open(
        t,
        crowdConfig(heddle, seed, { recordEvents: true, dispatch: { policy, quantum: 500 }, fairnessMode }),
      );
      const { commandHash } = await runCrowd(rt);
      // Format, seed, virtual time, policy, quantum: what the events do not say (tests/core/replay_events.cpp).
      const header = new Uint8Array(new Float64Array([1, seed, 1, kPolicies.indexOf(policy), 500, 0, 0, 0]).buffer);
      const file = path.join(folder, `${policy}-${fairnessMode}.events`);
      const events = rt._recordedEvents();
      assert.ok(events.length > 32 * 1000);
      writeFileSync(file, Buffer.concat([header, events]));
      assert.equal(
        execFileSync(program, [file], { encoding: 'utf8' }).trim(),
        commandHash,
        `${policy}, ${fairnessMode}`,
      );
      await rt.close();
    }
  }
});

test('a run on the real clock replays natively as well', async (t) => {
  const program = await replayProgram();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const rt = await open(t, { seed: 3, recordEvents: true, maxConcurrentTasks: 3 });
  const tasks = Array.from({ length: 30 }, (_, i) =>
    rt.submit(async (ctx) => {
      await ctx.yield();
      if (i % 3 === 0) await ctx.delay(0.1);
      if (i % 5 === 0) await new Promise(setImmediate);
      if (i % 7 === 0) rt.cancel(`t${1 + ((i * 11) % 30)}`);
      return ctx.random();
    }),
  );
  await rt.awaitAllSettled(tasks);
  await rt.onIdle();
  // Nothing may be told between the two looks.
  const { commandHash } = rt.getStats();
  const header = new Uint8Array(new Float64Array([1, 3, 0, 0, 1000, 0, 0, 0]).buffer);
  const file = path.join(folder, 'real.events');
  writeFileSync(file, Buffer.concat([header, rt._recordedEvents()]));
  assert.equal(execFileSync(program, [file], { encoding: 'utf8' }).trim(), commandHash);
});

// --- Under limits ---

/** One run of the crowd under rates, plans, hedges, adaptive limits and circuits. */
async function limitedCrowd(t, seed, config) {
  const rt = await open(t, limitedCrowdConfig(heddle, seed, config));
  const run = await runLimitedCrowd(rt);
  assertAtRest(rt);
  const events = config?.recordEvents ? rt._recordedEvents() : undefined;
  await rt.close();
  return { run, events };
}

test('the crowd under limits meets all of them', async (t) => {
  const { run: { stats, codes, now } } = await limitedCrowd(t, kSeed);
  const count = (code) => codes.filter((one) => one === code).length;
  assert.ok(count('ok') > 80 && count('Cancelled') > 5, JSON.stringify(codes));
  const { llmHedges, llmFallbacks, llmRetries } = stats;
  assert.ok(llmHedges > 5 && llmFallbacks > 5 && llmRetries > 10, JSON.stringify({ llmHedges, llmFallbacks, llmRetries }));
  assert.ok(now > 60_000, 'some had to wait for the next minute');
});

test('twenty runs under limits have one hash, and one outcome of every task', async (t) => {
  const { run: first } = await limitedCrowd(t, kSeed);
  for (let i = 1; i < 20; i++) assert.deepEqual((await limitedCrowd(t, kSeed)).run, first, `run ${i + 1}`);
  assert.notEqual((await limitedCrowd(t, kSeed + 1)).run.commandHash, first.commandHash);
});

test('the native core, fed with the events of a run under limits, gives the same hash', async (t) => {
  const program = await replayProgram();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [seed, fairnessMode] of [[kSeed, 'fifo'], [5, 'priority'], [6, 'round-robin']]) {
    const { run, events } = await limitedCrowd(t, seed, { recordEvents: true, fairnessMode });
    const header = new Uint8Array(new Float64Array([1, seed, 1, 0, 1000, 0, 0, 0]).buffer);
    const file = path.join(folder, `${seed}.events`);
    writeFileSync(file, Buffer.concat([header, events]));
    assert.equal(execFileSync(program, [file], { encoding: 'utf8' }).trim(), run.commandHash, `seed ${seed}`);
  }
});
