// Builds the package into dist/:
//
//   core/, wasm/            -> dist/wasm/heddle-{asyncify,jspi}.{js,wasm}     CMake, Ninja and Emscripten
//   js/src/                 -> dist/*.js, *.d.ts                              tsc
//   dist/single-file.js     -> dist/heddle-single-file.js                     esbuild: one file with the WebAssembly inside
//   js/digest/              -> build/digest/                                  tsc: the program that `npm start` runs
//
// Each step is skipped while its inputs are unchanged. What is missing on the machine is installed first.

import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { setUpBuild } from '../../wasm/toolchain/setup.mjs';
import { heading, main, root, run, say, seconds, StepError } from '../../wasm/toolchain/steps.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { filesBelow, unlessUnchanged } from './unchanged.mjs';

const variants = ['asyncify', 'jspi'];

/** Brings dist/ and build/digest/ up to date. */
export async function build() {
  await ensureDependencies();
  await unlessUnchanged('wasm', {
    inputs: ['core', 'wasm', 'CMakeLists.txt', 'CMakePresets.json', 'js/scripts/build.mjs'],
    outputs: variants.flatMap((variant) => [`dist/wasm/heddle-${variant}.js`, `dist/wasm/heddle-${variant}.wasm`]),
  }, buildWasm);
  const typescript = ['js/src', 'js/digest', 'tsconfig.json', 'package.json', 'package-lock.json'];
  await unlessUnchanged('typescript', { inputs: typescript, outputs: ['dist/index.js', 'dist/index.d.ts', 'build/digest/main.js'] }, buildTypeScript);
  if (!existsSync(path.join(root, 'js/src/single-file.ts'))) return;
  await unlessUnchanged('single-file', {
    inputs: [...typescript, 'dist/wasm', 'js/scripts/build.mjs'],
    outputs: ['dist/heddle-single-file.js'],
  }, buildSingleFile);
}

async function buildWasm() {
  const { env } = await setUpBuild();
  const start = performance.now();
  heading('WebAssembly');
  const esbuild = await import('esbuild');
  mkdirSync(path.join(root, 'dist/wasm'), { recursive: true });
  for (const variant of variants) {
    await runPreset(`wasm-${variant}`, env);
    const built = path.join(root, `build/wasm-${variant}/wasm/heddle-${variant}`);
    const wasm = readFileSync(`${built}.wasm`);
    // Emscripten shortens white space only; minified, its JavaScript is half as long.
    const { code } = await esbuild.transform(readFileSync(`${built}.js`, 'utf8'), { minify: true, format: 'esm', target: 'es2022' });
    writeFileSync(path.join(root, `dist/wasm/heddle-${variant}.wasm`), wasm);
    writeFileSync(path.join(root, `dist/wasm/heddle-${variant}.js`), code);
    say(`${variant}: ${kilobytes(wasm)} of WebAssembly (${kilobytes(brotliCompressSync(wasm))} brotli), ${kilobytes(code)} of JavaScript beside it`);
  }
  await esbuild.stop();
  say(`built in ${seconds(start)}`);
}

/** Configures (again, where another Emscripten made the folder) and builds one preset of CMakePresets.json. */
export async function runPreset(preset, env = process.env) {
  const folder = path.join(root, 'build', preset);
  const cache = path.join(folder, 'CMakeCache.txt');
  const toolchain = env.HEDDLE_EMSCRIPTEN_TOOLCHAIN;
  if (toolchain && existsSync(cache) && !readFileSync(cache, 'utf8').includes(toolchain)) {
    // CMake never changes the toolchain of a folder.
    rmSync(folder, { recursive: true });
  }
  // Ninja configures again by itself when a CMakeLists.txt changes, but knows nothing of the presets.
  const configured = statSync(path.join(folder, 'build.ninja'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (configured < statSync(path.join(root, 'CMakePresets.json')).mtimeMs) {
    await run('cmake', ['--preset', preset], { env, why: `CMake could not configure the preset ${preset}` });
  }
  await run('cmake', ['--build', '--preset', preset], { env, why: `The preset ${preset} could not be built` });
}

async function buildTypeScript() {
  const start = performance.now();
  heading('TypeScript');
  // What a deleted source once gave must not be packed.
  const made = (file) => !file.includes(path.join('dist', 'wasm')) && !file.endsWith('heddle-single-file.js');
  for (const file of filesBelow(path.join(root, 'dist'), made)) rmSync(file);
  await runTsc('tsconfig.json');
  if (existsSync(path.join(root, 'js/digest/main.ts'))) await runTsc('js/digest/tsconfig.json');
  say(`built in ${seconds(start)}`);
}

/** Runs the project's TypeScript compiler on one project file. */
export async function runTsc(project) {
  const tsc = path.join(root, 'node_modules/.bin/tsc');
  await run(tsc, ['-p', project], { why: `TypeScript found errors in ${project}` });
}

async function buildSingleFile() {
  heading('Single-file build');
  const esbuild = await import('esbuild');
  const outfile = path.join(root, 'dist/heddle-single-file.js');
  const { errors } = await esbuild.build({
    entryPoints: [path.join(root, 'dist/single-file.js')],
    outfile,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    // No host's own resolution: the same file serves Node, browsers, workers and notebooks.
    platform: 'neutral',
    mainFields: ['module', 'main'],
    external: ['node:*'],
    // @cfworker/json-schema makes an address out of it that is none in a worker made of a blob, which is what this file is for.
    define: { 'self.location.origin': '"null"' },
    // An import of a .wasm file gives its bytes, embedded as base64.
    loader: { '.wasm': 'binary' },
    logLevel: 'warning',
    logOverride: { 'empty-import-meta': 'silent' },
  }).catch((error) => error);
  await esbuild.stop();
  if (errors?.length) throw new StepError('esbuild could not bundle dist/single-file.js.');
  say(`${kilobytes(readFileSync(outfile))}, ${kilobytes(brotliCompressSync(readFileSync(outfile)))} brotli`);
}

function kilobytes(data) {
  return `${(data.length / 1000).toFixed(1)} KB`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const start = performance.now();
    await build();
    say(`dist/ is up to date (${seconds(start)})`);
  });
}
