// The benchmark runner, `npm run bench`. It starts one child process for each (case, peer, size), takes the median
// of its rounds, prints a table a case, says which targets are met, and writes everything to build/bench.json.
//
//   --case a|trivial   only this case, by letter or name; may be repeated
//   --peer heddle      only this peer; may be repeated
//   --node path        run the children on another Node binary
//   --variant jspi     the build that Heddle loads: jspi or asyncify
//   --quick            fewer rounds, no sizes of a million, ten seconds a child
//
// It exits with 1 when a row of Heddle itself failed; a missed target is a finding, not a failure, because the
// figures of a busy machine mean little. Executables in build/native/tests/bench, where the native build
// puts the core's own benchmarks, are run too (`--case native`: only these): each prints JSON lines with `case`,
// `value`, `unit` and, where it has them, `size` and `metric`.

import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { formatTable } from './table.mjs';
import { judge } from './targets.mjs';

const build = new URL('../../build/', import.meta.url);
const child = fileURLToPath(new URL('child.mjs', import.meta.url));

const { values: options } = parseArgs({
  options: {
    case: { type: 'string', multiple: true },
    peer: { type: 'string', multiple: true },
    node: { type: 'string', default: process.execPath },
    variant: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});

const effort = options.quick
  ? { rounds: 3, warmUps: 1, processes: 1, atLeast: 300, limit: 10, largest: 100_000 }
  : { rounds: 7, warmUps: 2, processes: 3, atLeast: 1_500, limit: 60, largest: Infinity };

function run(file, args) {
  return new Promise((resolve) => {
    const settings = {
      timeout: effort.limit * 1000,
      killSignal: 'SIGKILL',
      maxBuffer: 2 ** 26,
      env: options.variant ? { ...process.env, HEDDLE_BENCH_VARIANT: options.variant } : process.env,
    };
    execFile(file, args, settings, (error, stdout, stderr) => resolve({ error, stdout, stderr }));
  });
}

// Why a child has no answer, in a few words.
function failure({ error, stderr }) {
  if (error?.killed) return `over ${effort.limit} s, stopped`;
  if (/heap out of memory/i.test(stderr)) return 'ran out of heap';
  const last = stderr.trim().split('\n').pop();
  return `ended without a result: ${last || error?.signal || error?.code || 'no output'}`;
}

async function runChild(name, peer, size) {
  const fresh = cases[name].fresh;
  const work = {
    name,
    peer,
    size,
    rounds: fresh ? 1 : effort.rounds,
    warmUps: fresh ? 0 : effort.warmUps,
    atLeast: fresh ? 0 : effort.atLeast,
    // No new round begins in the second half of the limit.
    budget: effort.limit * 500,
  };
  // A million fibers of some peers do not fit into the default heap.
  const flags = ['--expose-gc', '--max-old-space-size=8192'];
  const outcome = await run(options.node, [...flags, child, JSON.stringify(work)]);
  if (!outcome.stdout) return { error: failure(outcome) };
  return JSON.parse(outcome.stdout);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// One row a metric; a failure is one row with a note and no value.
async function measure(name, peer, size) {
  const row = { case: name, peer, size };
  const { unit = '', fresh } = cases[name];
  const samples = {};
  for (let i = 0; i < (fresh ? effort.processes : 1); i++) {
    const answer = await runChild(name, peer, size);
    row.node ??= answer.node;
    if (answer.error) return [{ ...row, metric: 'time', unit, note: answer.error }];
    for (const [metric, values] of Object.entries(answer.samples)) (samples[metric] ??= []).push(...values);
  }
  return Object.entries(samples).map(([metric, values]) => ({
    ...row,
    metric,
    unit,
    value: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    rounds: values.length,
  }));
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

async function nativeRows() {
  const folder = new URL('native/tests/bench/', build);
  if (!existsSync(folder)) return [];
  const rows = [];
  for (const name of readdirSync(folder).sort()) {
    const file = fileURLToPath(new URL(name, folder));
    if (!isExecutable(file)) continue;
    const outcome = await run(file, []);
    for (const line of outcome.stdout.split('\n')) {
      if (line.startsWith('{')) rows.push({ peer: 'core', size: 1, metric: 'time', ...JSON.parse(line) });
    }
    if (outcome.error) rows.push({ case: name, peer: 'core', size: 1, note: failure(outcome) });
  }
  return rows;
}

const wantsCase = (name) => !options.case || options.case.some((one) => one === name || one === cases[name].letter);
const list = Object.entries(cases).map(([name, { letter }]) => `${letter} ${name}`).join(', ');
const wantsPeer = (peer) => !options.peer || options.peer.includes(peer);

for (const one of options.case ?? []) {
  if (one !== 'native' && !Object.keys(cases).some((name) => one === name || one === cases[name].letter)) {
    console.error(`no case ${one}; there are ${list}, native`);
    process.exit(2);
  }
}

const rows = [];
for (const name of Object.keys(cases).filter(wantsCase)) {
  const { letter, title, sizes, peers } = cases[name];
  const own = [];
  for (const size of sizes.filter((one) => one <= effort.largest)) {
    for (const peer of Object.keys(peers).filter(wantsPeer)) {
      process.stderr.write(`${name} ${size} ${peer}\n`);
      own.push(...(await measure(name, peer, size)));
    }
  }
  if (own.length > 0) console.log(formatTable(`(${letter}) ${name}: ${title}`, own));
  rows.push(...own);
}

if (!options.case || options.case.includes('native')) {
  const native = await nativeRows();
  for (const name of new Set(native.map((row) => row.case))) {
    console.log(formatTable(`native core: ${name}`, native.filter((row) => row.case === name)));
  }
  rows.push(...native);
}

const verdicts = judge(rows);
for (const { status, text } of verdicts) {
  if (status !== 'not measured') console.log(`${status.padEnd(6)}  ${text}`);
}
const open = verdicts.filter(({ status }) => status === 'not measured').length;
if (open > 0) console.log(`${open} targets not measured`);

mkdirSync(build, { recursive: true });
const report = {
  node: rows.find((row) => row.node)?.node,
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  at: new Date().toISOString(),
  options: { quick: options.quick, variant: options.variant },
  rows,
  targets: verdicts,
};
writeFileSync(new URL('bench.json', build), `${JSON.stringify(report, null, 2)}\n`);

if (rows.some((row) => row.peer.startsWith('heddle') && row.value === undefined)) process.exitCode = 1;
