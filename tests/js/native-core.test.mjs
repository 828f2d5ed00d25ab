// The native core agrees with this build: fed with the events that a run recorded, it gives the same hash of all commands,
// and with Lisp in them the same steps of the machine and the same output. tests/core/replay_events.cpp does the feeding.
// As each build is compared with the one native core, the builds agree with one another as well.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import heddle, { open } from '../support/heddle.mjs';
import { crowdConfig, runCrowd } from '../support/crowd-program.mjs';
import { limitedCrowdConfig, runLimitedCrowd } from '../support/limited-crowd.mjs';
import { lispPrograms } from '../support/lisp-programs.mjs';
import { runPreset } from '../../js/scripts/build.mjs';

const kSeed = 20260;
const kPolicies = ['round-robin', 'fair-rr', 'random', 'priority'];
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-'));
const program = path.join(root, 'build/native/tests/core/replay_events');

// In a whole test run the native stage has built it before.
before(async () => {
  const built = path.join(root, 'build/native');
  if (existsSync(path.join(built, 'build.ninja'))) execFileSync('cmake', ['--build', built, '--target', 'replay_events'], { stdio: 'pipe' });
  else await runPreset('native');
});
after(() => rmSync(folder, { recursive: true }));

/** What the native core makes of the run so far: `{commandHash}`, and with Lisp `machineSteps` and `output`. */
function natively(rt, { seed = 1, virtual = true, policy = 'round-robin', quantum = 1000 }, lisp = false) {
  // Format, seed, virtual time, policy, quantum: what the events do not say.
  const header = new Uint8Array(new Float64Array([1, seed, virtual ? 1 : 0, kPolicies.indexOf(policy), quantum, 0, 0, 0]).buffer);
  const events = path.join(folder, 'events');
  writeFileSync(events, Buffer.concat([header, rt._recordedEvents()]));
  if (!lisp) return { commandHash: execFileSync(program, [events], { encoding: 'utf8' }).trim() };
  const payloads = path.join(folder, 'payloads');
  writeFileSync(payloads, Buffer.concat(rt._recordedPayloads().flatMap((bytes) => [new Uint8Array(new Uint32Array([bytes.length]).buffer), bytes])));
  const [, commandHash, steps, output] = /^(\w+)\n(\d+)\n(.*)$/s.exec(execFileSync(program, [events, payloads], { encoding: 'utf8', maxBuffer: 2 ** 28 }));
  return { commandHash, machineSteps: Number(steps), output };
}

test('tasks, calls, streams, scopes and cancels', async (t) => {
  for (const [i, policy] of kPolicies.entries()) {
    for (const fairnessMode of ['fifo', 'priority', 'round-robin']) {
      const seed = kSeed + i;
      const rt = await open(t, crowdConfig(heddle, seed, { recordEvents: true, dispatch: { policy, quantum: 500 }, fairnessMode }));
      const { commandHash } = await runCrowd(rt);
      assert.ok(rt._recordedEvents().length > 32 * 1000);
      assert.deepEqual(natively(rt, { seed, policy, quantum: 500 }), { commandHash }, `${policy}, ${fairnessMode}`);
      await rt.close();
    }
  }
});

test('a run on the real clock', async (t) => {
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
  assert.deepEqual(natively(rt, { seed: 3, virtual: false }), { commandHash });
});

test('calls under all limits', async (t) => {
  for (const [seed, fairnessMode] of [[kSeed, 'fifo'], [5, 'priority'], [6, 'round-robin']]) {
    const rt = await open(t, limitedCrowdConfig(heddle, seed, { recordEvents: true, fairnessMode }));
    const { commandHash } = await runLimitedCrowd(rt);
    assert.deepEqual(natively(rt, { seed }), { commandHash }, `seed ${seed}`);
    await rt.close();
  }
});

// --- Lisp ---

/** Runs a program by `play(rt, print)` to its end, here and natively; gives what both gave. */
async function agrees(t, config, play, what) {
  const { seed = 7, dispatch: { policy, quantum } = {} } = config;
  const rt = await open(t, { clock: 'virtual', seed, recordEvents: true, ...config });
  let output = '';
  await play(rt, (text) => (output += text));
  await rt.onIdle();
  const { commandHash, machineSteps } = rt.getStats();
  const here = { commandHash, machineSteps, output };
  assert.deepEqual(natively(rt, { seed, virtual: config.clock !== 'real', policy, quantum }, true), here, what);
  await rt.close();
  return here;
}

for (const { name, play, clock, check } of lispPrograms(heddle)) {
  test(`Lisp: ${name}`, async (t) => {
    const provider = () => heddle.simulated({ seed: 5, latency: { min: 5, max: 90 }, failures: 0.2 });
    for (const policy of kPolicies) {
      const run = await agrees(t, { provider: provider(), ...(clock && { clock }), dispatch: { policy, quantum: 700 } }, play, policy);
      check(run);
    }
  });
}

test('the scripts of tests/lisp', async (t) => {
  const scripts = path.join(root, 'tests/lisp');
  const files = readdirSync(scripts).filter((file) => file.endsWith('.scm')).sort();
  assert.ok(files.length > 100, `${files.length}`);
  for (const file of files) {
    const source = readFileSync(path.join(scripts, file), 'utf8');
    const run = await agrees(t, {}, async (rt, output) => {
      await rt.run(source, { name: file, heapLimit: 256 * 2 ** 20, output }).promise.catch(() => {});
    }, file);
    assert.ok(run.machineSteps > 0, file);
  }
});
