// `npm test`: every check of the repository, stage by stage.
//
//   npm test                                  everything
//   npm test -- --only native,js-asyncify     some stages (what they need is set up and built first)
//   npm test -- --list                        the stages
//   --bail stops at the first stage that fails, --verbose shows every stage's output as it comes.
//
// A stage's output is shown when it fails, and kept in build/test/<stage>.log. The last line counts the individual tests of
// all stages; a stage without tests of its own (build, lint) counts as one failure if it fails.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureDependencies } from '../js/scripts/dependencies.mjs';
import { build, runPreset, runTsc } from '../js/scripts/build.mjs';
import { filesBelow } from '../js/scripts/unchanged.mjs';
import { ensureTools } from '../wasm/toolchain/debian.mjs';
import { newerNode } from '../wasm/toolchain/newer-node.mjs';
import { cmakeTools, setUpBuild } from '../wasm/toolchain/setup.mjs';
import { heading, main, root, runStatus, say, seconds, StepError } from '../wasm/toolchain/steps.mjs';
import { chromium } from './browser/chromium.mjs';
import { checkFormat, checkTidy, lintTools } from './lint.mjs';

// Longer than any stage takes on a slow machine; a stage that hangs must not hang the run.
const stageTimeout = 15 * 60_000;
const testTimeout = 2 * 60_000;

const nativeTools = [
  ...cmakeTools,
  { name: 'a C++23 compiler', anyOf: ['g++', 'clang++'], packages: ['g++'] },
  {
    name: 'GoogleTest',
    anyOf: ['/usr/include/gtest/gtest.h', '/usr/local/include/gtest/gtest.h', '/opt/homebrew/include/gtest/gtest.h',
      '/usr/src/googletest/googletest/CMakeLists.txt'],
    packages: ['libgtest-dev'],
  },
];

const fuzzTools = [
  ...cmakeTools,
  { name: 'clang 19', anyOf: ['clang++-19'], packages: ['clang-19'] },
  {
    name: "clang's sanitizers and fuzzer",
    anyOf: ['x86_64', 'aarch64'].map((machine) => `/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.fuzzer-${machine}.a`),
    packages: ['libclang-rt-19-dev'],
  },
];

// Executions of each fuzz target, its seeds among them: about half a minute in all. The same inputs in every run.
const fuzzRuns = { reader_fuzz: 30_000, machine_fuzz: 700 };

// In order. `needs` are stages that must have passed; they are run first even if they were not asked for.
const stages = [
  { name: 'setup', title: 'Set-up', run: setUp },
  { name: 'build', title: 'Build', needs: ['setup'], run: build },
  { name: 'native', title: 'Core, native', needs: [], run: () => runNative('native') },
  { name: 'native-asan', title: 'Core, with AddressSanitizer and UndefinedBehaviorSanitizer', run: () => runNative('native-asan') },
  { name: 'fuzz', title: 'Fuzz targets, over their seeds and a fixed number of changes', run: runFuzz },
  { name: 'format', title: 'Format of the C++ sources', run: lint(checkFormat) },
  { name: 'tidy', title: 'clang-tidy on the core', run: lint(checkTidy) },
  { name: 'types', title: 'Types, as a user sees them', needs: ['build'], run: checkTypes },
  { name: 'js-asyncify', title: 'JavaScript, asyncify build', needs: ['build'], run: () => runJs('asyncify', process.execPath) },
  { name: 'js-single-file', title: 'JavaScript, single-file build', needs: ['build'], run: () => runJs('single-file', process.execPath) },
  { name: 'js-jspi', title: 'JavaScript, JSPI build', needs: ['build'], run: async () => runJs('jspi', await newerNode()) },
  { name: 'package', title: 'The packed package', needs: ['build'], run: () => runNodeTests('package', 'tests/package') },
  { name: 'browser', title: 'A real browser', needs: ['build'], run: runBrowser },
];

let verbose = false;
let currentStage;

await main(async () => {
  const options = { only: { type: 'string' }, list: { type: 'boolean' }, bail: { type: 'boolean' }, verbose: { type: 'boolean' } };
  const { values } = readArguments(options);
  if (values.list) return void stages.forEach(({ name, title }) => say(`${name.padEnd(16)}${title}`));
  verbose = values.verbose ?? false;
  const wanted = selected(values.only);

  // The stage's program gets the signal too and ends; no further stage is begun.
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => (interrupted = true));

  const results = new Map();
  for (const stage of stages.filter(({ name }) => wanted.has(name))) {
    const failedNeed = stage.needs?.find((need) => results.get(need)?.failed);
    results.set(stage.name, failedNeed ? { notRun: `${failedNeed} failed`, failed: 1 } : await runStage(stage));
    if (interrupted) throw new StepError('Interrupted.');
    if (values.bail && results.get(stage.name).failed) break;
  }
  return summarize(results);
});

function readArguments(options) {
  try {
    return parseArgs({ options });
  } catch (error) {
    throw new StepError(`${error.message} The options are --only <stage,...>, --list, --bail and --verbose.`);
  }
}

function selected(only) {
  if (only === undefined) return new Set(stages.map(({ name }) => name));
  const wanted = new Set();
  const add = (name) => {
    const stage = stages.find((each) => each.name === name);
    if (!stage) throw new StepError(`There is no stage ${name}; the stages are ${stages.map((each) => each.name).join(', ')}.`);
    stage.needs?.forEach(add);
    wanted.add(name);
  };
  only.split(',').forEach(add);
  return wanted;
}

async function runStage(stage) {
  currentStage = stage.name;
  heading(`${stage.title} (${stage.name})`);
  const start = performance.now();
  let result;
  try {
    result = (await stage.run()) ?? {};
  } catch (error) {
    console.error(error instanceof StepError ? `error: ${error.message}` : error);
    result = { failed: 1 };
  }
  result.time = seconds(start);
  say(`${describe(result)} in ${result.time}`);
  return result;
}

function describe(result) {
  if (result.notRun) return `not run: ${result.notRun}`;
  const { passed = 0, failed = 0, skipped = 0 } = result;
  return passed + failed + skipped === 0 ? 'ok' : counts({ passed, failed, skipped });
}

function counts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function summarize(results) {
  heading('Summary');
  for (const [name, result] of results) say(`${name.padEnd(16)}${(result.time ?? '').padStart(8)}   ${describe(result)}`);
  const total = sum([...results.values()]);
  console.log(`\n${counts(total)}`);
  return total.failed > 0 ? 1 : 0;
}

function sum(results) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const result of results) for (const key of Object.keys(total)) total[key] += result[key] ?? 0;
  return total;
}

async function setUp() {
  await ensureDependencies();
  await setUpBuild();
}

function lint(check) {
  return async () => {
    await ensureTools([...nativeTools, ...lintTools]);
    // clang-tidy reads how each file is compiled.
    await runPreset('native');
    await check();
  };
}

// GoogleTest deals the tests out to as many processes as there are processors.
async function runNative(preset) {
  await ensureTools(nativeTools);
  await runPreset(preset);
  const folder = path.join(root, 'build', preset);
  const shards = os.availableParallelism();
  return sum(await Promise.all(Array.from({ length: shards }, async (_, shard) => {
    const results = path.join(folder, `results-${shard}.json`);
    rmSync(results, { force: true });
    const { code } = await runLogged(path.join(folder, 'tests/core/heddle_core_tests'), ['--gtest_brief=1', `--gtest_output=json:${results}`], {
      log: `${currentStage}-${shard}`,
      env: { GTEST_TOTAL_SHARDS: String(shards), GTEST_SHARD_INDEX: String(shard) },
    });
    // A program that crashed wrote none.
    if (!existsSync(results)) return { failed: 1 };
    const { tests, failures, errors, disabled } = JSON.parse(readFileSync(results, 'utf8'));
    const failed = failures + errors;
    return { passed: tests - failed - disabled, failed: code === 0 ? failed : Math.max(failed, 1), skipped: disabled };
  })));
}

// What a target finds stays in build/fuzz/findings.
async function runFuzz() {
  await ensureTools(fuzzTools);
  await runPreset('fuzz');
  const folder = path.join(root, 'build/fuzz');
  return sum(await Promise.all(Object.entries(fuzzRuns).map(async ([target, runs]) => {
    const corpus = path.join(folder, 'corpus', target);
    rmSync(corpus, { recursive: true, force: true });
    for (const each of [corpus, path.join(folder, 'findings')]) mkdirSync(each, { recursive: true });
    const { code } = await runLogged(path.join(folder, 'tests/fuzz', target), [
      '-seed=1', `-runs=${runs}`, '-timeout=120', '-rss_limit_mb=3000', `-dict=${path.join(root, 'tests/fuzz/lisp.dict')}`,
      `-artifact_prefix=${path.join(folder, 'findings')}/${target}-`, corpus, path.join(root, 'tests/lisp'),
    ], { log: `${currentStage}-${target}` });
    return code === 0 ? { passed: 1 } : { failed: 1 };
  })));
}

async function checkTypes() {
  const programs = filesBelow(path.join(root, 'tests/types'), (file) => file.endsWith('.ts'));
  if (programs.length > 0) await runTsc('tests/types/tsconfig.json');
  await runTsc('tests/types/originals.tsconfig.json');
  await runTsc('web-demo/tsconfig.json');
}

function runJs(variant, node) {
  return runNodeTests(`js-${variant}`, 'tests/js', { node, env: { HEDDLE_VARIANT: variant } });
}

async function runBrowser() {
  if (testFiles('tests/browser').length === 0) return {};
  const browser = await chromium();
  if (browser === undefined) {
    say('NO BROWSER: there is no Chromium here and apt cannot install one, so NOTHING was tested in a browser.');
    return { skipped: testFiles('tests/browser').length };
  }
  // One file at a time: Vite's development server reloads its page when another test writes what it watches.
  return runNodeTests('browser', 'tests/browser', { env: { HEDDLE_CHROMIUM: browser }, concurrency: 1 });
}

// Node's own patterns differ between versions: the files are named.
function testFiles(folder) {
  return filesBelow(path.join(root, folder), (file) => /\.test\.m?js$/.test(file) && !file.includes('node_modules'));
}

async function runNodeTests(stage, folder, { node = process.execPath, env = {}, concurrency = os.availableParallelism() } = {}) {
  const files = testFiles(folder);
  if (files.length === 0) return {};
  const results = path.join(root, 'build/test', `${stage}.json`);
  mkdirSync(path.dirname(results), { recursive: true });
  rmSync(results, { force: true });
  const reporters = [['spec', 'stdout'], [path.join(root, 'tests/count-reporter.mjs'), results]];
  const { code } = await runLogged(node, [
    '--test',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${testTimeout}`,
    ...reporters.flatMap(([reporter, destination]) => [`--test-reporter=${reporter}`, `--test-reporter-destination=${destination}`]),
    ...files,
  ], { env });
  if (!existsSync(results)) return { failed: 1 };
  const { pass = 0, fail = 0, cancelled = 0, skipped = 0, todo = 0 } = JSON.parse(readFileSync(results, 'utf8') || '{}');
  const failed = fail + cancelled;
  return { passed: pass, failed: code === 0 ? failed : Math.max(failed, 1), skipped: skipped + todo };
}

// Runs a stage's program; what it prints is kept, and shown if it fails.
async function runLogged(command, args, { env = {}, log = currentStage } = {}) {
  const result = await runStatus(command, args, { env: { ...process.env, ...env }, show: verbose, timeout: stageTimeout });
  const file = path.join(root, 'build/test', `${log}.log`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, result.output);
  if (result.code !== 0 && !verbose) process.stdout.write(result.output);
  if (result.signal) say(`ended by ${result.signal}${result.signal === 'SIGKILL' ? ` (a stage may take ${stageTimeout / 60_000} minutes)` : ''}`);
  return result;
}
