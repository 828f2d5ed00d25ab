/**
 * The packed package in fresh apps: Node programs on both Nodes, a TypeScript program, and pages bundled by Vite and esbuild that
 * run in Chromium.
 */

import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import * as esbuild from 'esbuild';
import { build, createServer } from 'vite';
import { newerNode } from '../../wasm/toolchain/newer-node.mjs';
import { root } from '../../wasm/toolchain/steps.mjs';
import { needsBrowser, openPage } from '../support/browser.mjs';
import { freshApp, runProgram } from '../support/packed.mjs';
import { serveStatic } from '../support/static-server.mjs';

const variants = ['asyncify', 'jspi'];
const icon = { '/favicon.ico': { type: 'image/x-icon', body: '' } };

// Says which build ran and what came of a few tasks, their calls and a cancel.
const program = (from, config = '{}') => `
import { createRuntime, simulated } from '${from}';

export async function main() {
  const rt = await createRuntime({ maxConcurrentTasks: 2, provider: simulated({ script: ({ messages }) => ({ text: messages[0].content, latencyMs: 1 }) }), ...${config} });
  const tasks = ['a', 'b', 'c'].map((name) => rt.submit(async (ctx) => (await ctx.llm(name)).text, { name }));
  const late = rt.submit((ctx) => ctx.delay(1e9));
  const texts = await rt.awaitAll(tasks);
  rt.cancel(late.id, 'too late');
  const reason = await late.promise.catch((error) => error.reason);
  await rt.close();
  return [rt.variant, ...texts, reason].join(' ');
}
`;
const printing = "import { main } from './program.js';\nconsole.log(await main());\n";
const page = '<!doctype html><html lang="en"><meta charset="utf-8"><title>...</title><script type="module" src="./page.js"></script></html>';
const titling = "import { main } from './program.js';\ndocument.title = await main().catch(String);\n";

const untilTitled = async (opened) => {
  await opened.waitForFunction(() => document.title !== '...');
  return opened.title();
};

test('a Node program', () => {
  const folder = freshApp({ 'program.js': program('heddle'), 'main.js': printing });
  const variant = typeof WebAssembly.Suspending === 'function' ? 'jspi' : 'asyncify';
  assert.equal(runProgram(process.execPath, ['main.js'], folder), `${variant} a b c too late\n`);
});

test('a program on a Node that has JSPI, in both builds', async () => {
  const node = await newerNode();
  const folder = freshApp({
    'auto.js': `${program('heddle')}console.log(await main());\n`,
    'asyncify.js': `${program('heddle', "{ variant: 'asyncify' }")}console.log(await main());\n`,
  });
  assert.equal(runProgram(node, ['auto.js'], folder), 'jspi a b c too late\n');
  assert.equal(runProgram(node, ['asyncify.js'], folder), 'asyncify a b c too late\n');
});

test('a Node program with the single file', () => {
  const folder = freshApp({ 'program.js': program('heddle/single-file'), 'main.js': printing });
  assert.equal(runProgram(process.execPath, ['main.js'], folder), 'asyncify a b c too late\n');
});

const queues = `
import PQueue from 'heddle/p-queue';
import pLimit, { limitFunction } from 'heddle/p-limit';
import { Mutex } from 'heddle/async-mutex';

export async function main() {
  const queue = new PQueue({ concurrency: 2, interval: 1, intervalCap: 2 });
  const values = await queue.addAll(['a', 'b', 'c'].map((name) => async () => name));
  const limited = limitFunction(async (n) => n + 1, { concurrency: 1 });
  return [await new Mutex().runExclusive(() => 'locked'), ...values, ...(await pLimit(2).map([1, 2], async (n) => n * 2)), await limited(5), queue.size].join(' ');
}
`;

test('a Node program that uses the drop-in modules', () => {
  const folder = freshApp({ 'program.js': queues, 'main.js': printing });
  assert.equal(runProgram(process.execPath, ['main.js'], folder), 'locked a b c 2 4 6 0\n');
});

test('a CommonJS program, by a dynamic import', () => {
  const folder = freshApp({ 'main.cjs': "import('heddle').then(async ({ createRuntime }) => { const rt = await createRuntime(); console.log(await rt.submit(() => 42).promise); });\n" });
  assert.equal(runProgram(process.execPath, ['main.cjs'], folder), '42\n');
});

test('a worker thread', () => {
  const worker = `import { parentPort } from 'node:worker_threads';\nimport { main } from './program.js';\nparentPort.postMessage(await main());\n`;
  const main = "import { Worker } from 'node:worker_threads';\nnew Worker(new URL('./worker.js', import.meta.url)).on('message', (text) => console.log(text));\n";
  const folder = freshApp({ 'program.js': program('heddle', "{ variant: 'asyncify' }"), 'worker.js': worker, 'main.js': main });
  assert.equal(runProgram(process.execPath, ['main.js'], folder), 'asyncify a b c too late\n');
});

test('esbuild bundles for Node, with the single file, into one file', async () => {
  const folder = freshApp({ 'program.js': program('heddle/single-file'), 'main.js': printing });
  await esbuild.build({ entryPoints: [path.join(folder, 'main.js')], outfile: path.join(folder, 'out/main.mjs'), bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
  assert.equal(runProgram(process.execPath, ['out/main.mjs'], folder), 'asyncify a b c too late\n');
});

// --- TypeScript ---

const typed = `
import { CancellationError, createRuntime, quorum, simulated, type Context, type LLMResult, type Runtime, type Task } from 'heddle';
import { createRuntime as fromOneFile } from 'heddle/single-file';

export async function main(): Promise<string> {
  await using rt: Runtime = await createRuntime({ provider: simulated({ seed: 2 }), maxConcurrentTasks: 4, fairnessMode: 'priority' });
  const task: Task<LLMResult> = rt.submit((ctx: Context) => ctx.llm('hi', { maxTokens: 3 }), { name: 'a', priority: 2 });
  const { text } = await task.promise;
  const pair: [number, string] = await rt.awaitAll([rt.submit(() => 1), rt.submit(async () => text)]);
  for await (const chunk of rt.llmStream('x')) console.log(chunk.text?.length);
  const two = await rt.scope<number[]>(async (s) => {
    s.submit(() => 1);
    s.submit(function* (ctx) {
      yield ctx.delay(1);
      return 2;
    });
  }, { joiner: quorum(2) });
  try {
    rt.checkCancellation();
  } catch (error) {
    if (error instanceof CancellationError) return String(error.reason);
  }
  const other: Runtime = await fromOneFile();
  // @ts-expect-error: no such option
  await createRuntime({ maxTasks: 3 });
  // @ts-expect-error: internal
  void task._fiber;
  return [...pair, ...two, other.variant].join();
}
`;

const nodeTypes = ['@types/node', 'undici-types'];
const typeSettings = {
  'bundler, DOM': { module: 'ESNext', moduleResolution: 'Bundler', lib: ['ES2022', 'DOM'], types: [] },
  'nodenext, DOM': { module: 'NodeNext', moduleResolution: 'NodeNext', lib: ['ES2022', 'DOM'], types: [] },
  "nodenext, Node's types and no DOM": { module: 'NodeNext', moduleResolution: 'NodeNext', lib: ['ES2023'], types: ['node'] },
};

for (const [name, settings] of Object.entries(typeSettings)) {
  test(`a TypeScript program checks strictly, declarations included: ${name}`, () => {
    const compilerOptions = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, target: 'ES2022', noEmit: true, ...settings };
    const folder = freshApp({ 'main.ts': typed, 'tsconfig.json': JSON.stringify({ compilerOptions, files: ['main.ts'] }) });
    for (const each of settings.types.length > 0 ? nodeTypes : []) cpSync(path.join(root, 'node_modules', each), path.join(folder, 'node_modules', each), { recursive: true });
    assert.equal(runProgram(path.join(root, 'node_modules/.bin/tsc'), ['-p', '.'], folder), '');
  });
}

// --- Pages ---

for (const variant of variants) {
  test(`a page bundled by Vite, ${variant}`, needsBrowser, async (t) => {
    const folder = freshApp({ 'index.html': page, 'page.js': titling, 'program.js': program('heddle', `{ variant: '${variant}' }`) });
    await build({ root: folder, configFile: false, logLevel: 'warn' });
    const opened = await openPage(t, await serveStatic(t, { ...icon, '/': { folder: path.join(folder, 'dist') } }));
    assert.equal(await untilTitled(opened), `${variant} a b c too late`);
  });

  test(`a page bundled by esbuild with the .wasm file beside it, ${variant}`, needsBrowser, async (t) => {
    const folder = freshApp({ 'page.js': titling, 'program.js': program('heddle', `{ variant: '${variant}' }`) });
    const outdir = path.join(folder, 'out');
    await esbuild.build({ entryPoints: [path.join(folder, 'page.js')], outdir, bundle: true, format: 'esm', logLevel: 'error' });
    cpSync(path.join(folder, `node_modules/heddle/dist/wasm/heddle-${variant}.wasm`), path.join(outdir, `wasm/heddle-${variant}.wasm`));
    const routes = { ...icon, '/': { folder: outdir }, '/index.html': { type: 'text/html', body: page } };
    const opened = await openPage(t, `${await serveStatic(t, routes)}/index.html`);
    assert.equal(await untilTitled(opened), `${variant} a b c too late`);
  });
}

test('a page that uses the drop-in modules, bundled by Vite', needsBrowser, async (t) => {
  const folder = freshApp({ 'index.html': page, 'page.js': titling, 'program.js': queues });
  await build({ root: folder, configFile: false, logLevel: 'warn' });
  const opened = await openPage(t, await serveStatic(t, { ...icon, '/': { folder: path.join(folder, 'dist') } }));
  assert.equal(await untilTitled(opened), 'locked a b c 2 4 6 0');
});

test("a page from Vite's development server needs no settings", needsBrowser, async (t) => {
  const folder = freshApp({ 'index.html': page, 'page.js': titling, 'program.js': program('heddle'), 'public/favicon.ico': '' });
  const server = await createServer({ root: folder, configFile: false, logLevel: 'warn', server: { host: '127.0.0.1', port: 0 } });
  await server.listen();
  const opened = await openPage(t, server.resolvedUrls.local[0]);
  t.after(() => server.close());
  assert.equal(await untilTitled(opened), 'jspi a b c too late');
});

test('a page bundled by esbuild with the single file needs no settings', needsBrowser, async (t) => {
  const folder = freshApp({ 'page.js': titling, 'program.js': program('heddle/single-file') });
  const outfile = path.join(folder, 'out/page.js');
  await esbuild.build({ entryPoints: [path.join(folder, 'page.js')], outfile, bundle: true, format: 'esm', logLevel: 'error' });
  const routes = { ...icon, '/': { type: 'text/html', body: page }, '/page.js': { file: outfile } };
  const opened = await openPage(t, await serveStatic(t, routes));
  assert.equal(await untilTitled(opened), 'asyncify a b c too late');
});

test('a page that brings the bytes itself, from an address that its bundler knows', needsBrowser, async (t) => {
  const own = "import url from 'heddle/wasm/heddle-asyncify.wasm?url';\n";
  const config = '{ wasmBinary: await (await fetch(url)).arrayBuffer() }';
  const folder = freshApp({ 'index.html': page, 'page.js': titling, 'program.js': own + program('heddle', config) });
  await build({ root: folder, configFile: false, logLevel: 'warn' });
  const opened = await openPage(t, await serveStatic(t, { ...icon, '/': { folder: path.join(folder, 'dist') } }));
  assert.equal(await untilTitled(opened), 'asyncify a b c too late');
});
