/**
 * Every way to get the package into a browser: plain ES modules, a module worker, the single file (from a server, a blob: and a
 * data: address), a Vite bundle and an esbuild bundle; each runs the same scenarios, in both builds where it has both, and must
 * give what Node gives.
 */

import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import * as esbuild from 'esbuild';
import * as heddle from 'heddle';
import { build as viteBuild } from 'vite';
import { root } from '../../wasm/toolchain/steps.mjs';
import { needsBrowser, openPage } from '../support/browser.mjs';
import { servePlainPage } from '../support/plain-page.mjs';
import { runScenarios, scenarios } from '../support/scenarios.mjs';
import { serveStatic, strictPolicy } from '../support/static-server.mjs';

const variants = ['jspi', 'asyncify'];
const app = path.join(root, 'tests/browser/app');
const made = (name) => path.join(root, 'build/test/browser', name);
const plainPage = { type: 'text/html', body: '<!doctype html><title>Tests</title>' };
const icon = { '/favicon.ico': { type: 'image/x-icon', body: '' } };

let inNode;
before(async () => {
  inNode = await runScenarios(heddle, 'asyncify');
});

function check({ outcomes, variants: ran }, variant) {
  for (const [name, { expected = inNode.outcomes[name] }] of Object.entries(scenarios)) {
    assert.deepEqual(outcomes[name], expected, name);
    for (const [what, didSo] of Object.entries(outcomes[name].tookPart ?? {})) assert.ok(didSo, `${name}: ${what}`);
  }
  assert.deepEqual(ran, [variant]);
}

test('in Node the scenarios give what they must', () => check(inNode, 'asyncify'));

// --- Plain ES modules ---

for (const variant of variants) {
  test(`plain ES modules, ${variant}`, needsBrowser, async (t) => {
    const page = await openPage(t, await servePlainPage(t));
    check(await page.evaluate((v) => globalThis.runScenarios(v), variant), variant);
  });
}

test('the build is chosen by what the engine has', needsBrowser, async (t) => {
  const url = await servePlainPage(t);
  const variantOf = async () => {
    const rt = await globalThis.heddle.createRuntime();
    await rt.close();
    return rt.variant;
  };
  const page = await openPage(t, url);
  assert.equal(await page.evaluate(variantOf), 'jspi');
  const old = await openPage(t, 'about:blank');
  await old.addInitScript(() => delete WebAssembly.Suspending);
  await old.goto(url);
  assert.equal(await old.evaluate(variantOf), 'asyncify');
  const refused = await old.evaluate(() => globalThis.heddle.createRuntime({ variant: 'jspi' }).catch((error) => [error.name, error.key]));
  assert.deepEqual(refused, ['ConfigError', 'variant']);
});

test('a policy that forbids WebAssembly gives a typed error that says what to allow', needsBrowser, async (t) => {
  const complaints = [];
  const page = await openPage(t, await servePlainPage(t, { policy: "default-src 'self'; script-src 'self'" }), { complaints });
  const error = await page.evaluate(() => globalThis.heddle.createRuntime().catch(({ code, message }) => ({ code, message })));
  assert.equal(error.code, 'LoadError');
  assert.match(error.message, /wasm-unsafe-eval/);
});

test('a missing .wasm file gives a typed error, and the next attempt asks again', needsBrowser, async (t) => {
  const complaints = [];
  const page = await openPage(t, await servePlainPage(t), { complaints });
  await page.route('**/*.wasm', (route) => route.fulfill({ status: 404 }), { times: 1 });
  const [first, second] = await page.evaluate(async () => {
    const attempt = () => globalThis.heddle.createRuntime({ variant: 'asyncify' }).then((rt) => rt.close(), ({ code, message }) => `${code}: ${message}`);
    return [await attempt(), await attempt()];
  });
  assert.match(first, /^LoadError: .*heddle-asyncify\.wasm answered 404/);
  assert.equal(second, undefined);
});

// --- The single file ---

const loads = {
  "its server's address": () => import('/heddle.js'),
  'a blob: address': async () => {
    const text = await (await fetch('/heddle.js')).text();
    return import(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
  },
  'a data: address': async () => {
    const blob = await (await fetch('/heddle.js')).blob();
    const reader = new FileReader();
    await new Promise((resolve) => {
      reader.onload = resolve;
      reader.readAsDataURL(new Blob([blob], { type: 'text/javascript' }));
    });
    return import(reader.result);
  },
};

async function serveSingleFile(t, policy) {
  return serveStatic(t, {
    ...icon,
    '/': plainPage,
    '/heddle.js': { file: path.join(root, 'dist/heddle-single-file.js') },
    '/scenarios.mjs': { file: path.join(root, 'tests/support/scenarios.mjs') },
    '/worker.mjs': {
      type: 'text/javascript',
      body: `import * as heddle from '/heddle.js'; import { runScenarios } from '/scenarios.mjs';
        self.onmessage = async ({ data }) => self.postMessage(await runScenarios(heddle, data));`,
    },
  }, { policy });
}

for (const [where, load] of Object.entries(loads)) {
  test(`the single file from ${where}`, needsBrowser, async (t) => {
    const scheme = where.includes(':') ? ` ${where.split(' ')[1]}` : '';
    const page = await openPage(t, await serveSingleFile(t, strictPolicy.replace("script-src 'self'", `script-src 'self'${scheme}`)));
    const requests = [];
    page.on('request', (request) => requests.push(request.url()));
    const result = await page.evaluate(`(${load})().then(async (heddle) => (await import('/scenarios.mjs')).runScenarios(heddle, 'auto'))`);
    check(result, 'asyncify');
    assert.deepEqual(requests.filter((url) => url.endsWith('.wasm')), []);
  });
}

const workers = {
  "a worker of its server's": () => '/worker.mjs',
  // As notebooks and playgrounds make them: its own address is no base for imports.
  'a worker made of a blob': async () => {
    const text = (await (await fetch('/worker.mjs')).text()).replaceAll("'/", `'${location.origin}/`);
    return URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  },
};

for (const [where, address] of Object.entries(workers)) {
  test(`the single file in ${where}`, needsBrowser, async (t) => {
    const page = await openPage(t, await serveSingleFile(t, `${strictPolicy}; worker-src 'self' blob:`));
    const result = await page.evaluate(`Promise.resolve((${address})()).then((url) => new Promise((resolve, reject) => {
      const worker = new Worker(url, { type: 'module' });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage('auto');
    }))`);
    check(result, 'asyncify');
  });
}

// --- Bundles ---

async function bundleWithVite(outDir) {
  await viteBuild({ root: app, configFile: false, logLevel: 'warn', base: './', build: { outDir, emptyOutDir: true, target: 'es2022' }, worker: { format: 'es' } });
}

async function bundleWithEsbuild(outDir) {
  await esbuild.build({
    entryPoints: [path.join(app, 'main.mjs'), path.join(app, 'worker.mjs')],
    outdir: outDir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    absWorkingDir: root,
  });
  cpSync(path.join(app, 'index.html'), path.join(outDir, 'index.html'));
  // esbuild leaves the addresses of the .wasm files as they are: they belong beside the bundle.
  for (const variant of variants) {
    cpSync(path.join(root, `dist/wasm/heddle-${variant}.wasm`), path.join(outDir, `wasm/heddle-${variant}.wasm`));
  }
}

for (const [bundler, bundle] of [['Vite', bundleWithVite], ['esbuild', bundleWithEsbuild]]) {
  const folder = made(bundler.toLowerCase());
  before(() => needsBrowser.skip || bundle(folder));
  for (const variant of variants) {
    test(`${bundler} bundle, ${variant}, in the page and in a module worker`, needsBrowser, async (t) => {
      const page = await openPage(t, await serveStatic(t, { ...icon, '/': { folder } }));
      check(await page.evaluate((v) => globalThis.runScenarios(v), variant), variant);
      check(await page.evaluate((v) => globalThis.runInWorker(v), variant), variant);
    });
  }
}
