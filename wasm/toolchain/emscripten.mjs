// Finds or makes an Emscripten of at least 3.1.69, and says how to call it.
//
//   emcc on PATH, new enough        used as it is (emsdk, Homebrew, Debian 13)
//   apt offers a new enough one     installed by apt
//   Debian 12                       a private toolchain, made here from Debian's own packages in some 20 seconds:
//
// Debian 12's emscripten is too old, Debian 13's is not, and of what it needs Debian 12 has all (clang 19, lld 19) but
// Binaryen. So Debian 13's `emscripten` and `binaryen` are unpacked into the user's cache folder together with the C and
// C++ libraries that Binaryen was linked against, and Binaryen's tools are pointed at those. No file of the machine is
// touched but by apt's own packages.
//
// The system libraries (libc, libc++, embind, with and without exceptions and LTO) come prebuilt in the package, in a cache
// that Emscripten is told never to write (FROZEN_CACHE): nothing is compiled at set-up, and nothing can change it later.

import { mkdirSync, rmSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder, installOnce, readyStamp, sha256 } from './cache-folder.mjs';
import { candidateVersion, ensureTools, fetchPackages, hasApt, installPackages, isMet } from './debian.mjs';
import { capture, heading, run, say, seconds, StepError, which } from './steps.mjs';

const oldestVersion = '3.1.69';

// To be raised whenever the steps below change what they leave behind.
const recipe = 'emscripten-3.1.69-recipe-1';

const suite = 'trixie';
const suitePackages = ['emscripten', 'binaryen', 'libc6', 'libstdc++6', 'libgcc-s1'];

// Emscripten's scripts are Python; clang, lld and llvm-ar are Debian 12's own builds of the version that it wants.
const compilerTools = [
  { name: 'clang 19', anyOf: ['/usr/bin/clang++-19'], packages: ['clang-19'] },
  { name: 'lld 19', anyOf: ['/usr/bin/wasm-ld-19'], packages: ['lld-19'] },
  { name: 'llvm 19', anyOf: ['/usr/bin/llvm-ar-19'], packages: ['llvm-19'] },
  { name: 'Python 3', anyOf: ['python3'], packages: ['python3'] },
  // Not required, but the two variants share nearly every compilation.
  { name: 'ccache', anyOf: ['ccache'], packages: ['ccache'] },
];
// Wanted once, while the private folder is made.
const unpackingTools = [{ name: 'patchelf', anyOf: ['patchelf'], packages: ['patchelf'] }];

/**
 * How to call Emscripten, made ready first where it is not: {emcc, emxx, emar, cmakeToolchainFile, env}.
 * `env` is a whole environment for child processes.
 */
export async function emscriptenEnvironment() {
  const onPath = found();
  if (onPath) return onPath;

  const folder = cacheFolder(recipe);
  if (readyStamp(folder) && compilerTools.every(isMet)) return privateEnvironment(folder);

  if (!hasApt()) {
    throw new StepError(
      `Building Heddle's WebAssembly needs Emscripten ${oldestVersion} or newer: install it (for example with emsdk) and put emcc on PATH.`,
    );
  }
  if (isNewEnough(candidateVersion('emscripten'))) {
    heading('Emscripten from apt');
    await installPackages(['emscripten']);
    const installed = found();
    if (installed) return installed;
  }
  return makePrivateToolchain(folder);
}

async function makePrivateToolchain(folder) {
  const start = performance.now();
  heading(`Emscripten ${oldestVersion}: a private toolchain in ${folder}`);
  await ensureTools([...compilerTools, ...unpackingTools]);
  await installOnce(folder, install);
  say(`ready after ${seconds(start)}`);
  return privateEnvironment(folder);
}

async function install(folder) {
  say(`downloading ${suitePackages.join(', ')} of Debian's ${suite} (about 240 MB, once)`);
  const apt = path.join(folder, 'apt');
  const files = await fetchPackages(apt, suite, suitePackages);
  const sums = {};
  for (const file of files) sums[path.basename(file)] = await sha256(file);

  say('unpacking');
  const tree = path.join(folder, 'root');
  // What an interrupted run left may be half a file.
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  for (const file of files) await unpack(file, tree);

  say("pointing Binaryen's tools at their own C and C++ libraries");
  const libraries = path.dirname(findFile(path.join(tree, 'usr/lib'), /^libbinaryen\.so/));
  const interpreter = findFile(path.join(tree, 'usr/lib'), /^ld-linux-.*\.so/);
  const bin = path.join(tree, 'usr/bin');
  for (const tool of readdirSync(bin).filter((name) => name.startsWith('wasm'))) {
    // DT_RPATH rather than DT_RUNPATH: it holds for the libraries of the libraries too.
    await run('patchelf', ['--set-interpreter', interpreter, '--force-rpath', '--set-rpath', libraries, path.join(bin, tool)]);
  }

  say("adding acorn, the parser that Emscripten's JavaScript optimizer imports");
  const emscripten = path.join(tree, 'usr/share/emscripten');
  await run('npm', ['install', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', emscripten, 'acorn@8'], {
    cwd: emscripten,
    why: 'The npm package acorn could not be installed',
  });
  writeFileSync(path.join(folder, 'emscripten.config'), configuration(tree));

  await probe(folder);
  // The packages are 245 MB that nothing reads again; their sums stay in the stamp.
  rmSync(apt, { recursive: true, force: true });
  return { recipe, sha256: sums };
}

// Variants of the system libraries for threads, workers and position-independent code are three quarters of the package's
// 1.7 GB, and a build without threads and dynamic linking never asks for them.
const unwanted = ['*/lib/wasm32-emscripten/pic', '*/lib/wasm32-emscripten/lto-pic', '*/lib/wasm32-emscripten/*-mt*.a',
  '*/lib/wasm32-emscripten/*-ww*.a', './usr/share/emscripten/test', './usr/share/doc', './usr/share/man'];

async function unpack(file, tree) {
  const excluded = unwanted.map((pattern) => `'--exclude=${pattern}'`).join(' ');
  const pipeline = `set -o pipefail; dpkg-deb --fsys-tarfile "$1" | tar --extract --no-same-owner --directory "$2" ${excluded}`;
  await run('bash', ['-c', pipeline, 'unpack', file, tree], { why: `${path.basename(file)} could not be unpacked` });
}

function configuration(tree) {
  return [
    '# Written by wasm/toolchain/emscripten.mjs; EM_CONFIG names this file. NODE_JS comes from the environment (EM_NODE_JS).',
    "LLVM_ROOT = '/usr/bin'",
    // Debian installs several versions of LLVM side by side, as clang-19 and so on.
    "LLVM_ADD_VERSION = '19'",
    "CLANG_ADD_VERSION = '19'",
    `BINARYEN_ROOT = ${JSON.stringify(path.join(tree, 'usr'))}`,
    'FROZEN_CACHE = True',
    '',
  ].join('\n');
}

// One small program through every tool: the compiler, the linker, the system libraries, Binaryen and acorn.
async function probe(folder) {
  say('trying it out');
  const { emxx, env } = privateEnvironment(folder);
  const source = path.join(folder, 'probe.cpp');
  const output = path.join(folder, 'probe.mjs');
  writeFileSync(source, '#include <emscripten/bind.h>\nstatic int twice(int n) { return 2 * n; }\nEMSCRIPTEN_BINDINGS(probe) { emscripten::function("twice", twice); }\n');
  await run(emxx, ['-O2', '-fno-exceptions', '-lembind', '-sMODULARIZE', '-sEXPORT_ES6', source, '-o', output], {
    env,
    cwd: folder,
    why: 'The private Emscripten does not work on this machine',
  });
  const printed = capture(process.execPath, ['--input-type=module', '-e',
    `import load from ${JSON.stringify(output)}; console.log((await load()).twice(21));`]);
  if (printed?.trim() !== '42') throw new StepError("The private Emscripten's probe compiled but did not run on this Node.");
  for (const file of [source, output, output.replace(/mjs$/, 'wasm')]) rmSync(file);
}

function privateEnvironment(folder) {
  const tools = path.join(folder, 'root/usr/share/emscripten');
  return environment(tools, {
    ...process.env,
    PATH: `${tools}${path.delimiter}${process.env.PATH}`,
    EM_CONFIG: path.join(folder, 'emscripten.config'),
    EM_NODE_JS: process.execPath,
  });
}

function environment(tools, env) {
  const cmakeToolchainFile = path.join(tools, 'cmake/Modules/Platform/Emscripten.cmake');
  // Emscripten calls clang itself, so a compiler launcher has to be named to it and not to CMake.
  const ccache = which('ccache', env.PATH);
  return {
    emcc: path.join(tools, 'emcc'),
    emxx: path.join(tools, 'em++'),
    emar: path.join(tools, 'emar'),
    cmakeToolchainFile,
    env: {
      ...(ccache && { EM_COMPILER_WRAPPER: ccache }),
      ...env,
      // Read by the presets of CMakePresets.json.
      HEDDLE_EMSCRIPTEN_TOOLCHAIN: cmakeToolchainFile,
    },
  };
}

// The Emscripten on PATH, if it is new enough. Its files lie beside its tools, which PATH may name through links.
function found() {
  const emcc = which('emcc');
  if (!emcc || !isNewEnough(capture(emcc, ['--version']))) return undefined;
  const tools = capture('em-config', ['EMSCRIPTEN_ROOT'])?.trim();
  return tools ? environment(tools, process.env) : undefined;
}

function isNewEnough(version) {
  const numbers = version?.match(/(\d+)\.(\d+)\.(\d+)/)?.slice(1).map(Number);
  if (!numbers) return false;
  const oldest = oldestVersion.split('.').map(Number);
  const first = numbers.findIndex((number, index) => number !== oldest[index]);
  return first === -1 || numbers[first] > oldest[first];
}

function findFile(folder, pattern) {
  const entry = readdirSync(folder, { withFileTypes: true, recursive: true }).find((each) => each.isFile() && pattern.test(each.name));
  if (!entry) throw new StepError(`A package of Debian's ${suite} has no file ${pattern}: the recipe of the private toolchain needs a change.`);
  return path.join(entry.path, entry.name);
}
