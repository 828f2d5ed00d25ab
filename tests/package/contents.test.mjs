// What npm packs: every file that is needed, no other, and not too much of it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import * as esbuild from 'esbuild';
import { root } from '../../wasm/toolchain/steps.mjs';
import { filesBelow } from '../../js/scripts/unchanged.mjs';
import { freshApp, pack } from '../support/packed.mjs';

// Bytes. What users download is worth a look when it grows past these.
const kMostPacked = 1_700_000;
const kMostUnpacked = 5_000_000;
const kMostSingleFile = 1_100_000;

const always = ['LICENSE', 'README.md', 'js/docs/actors.md', 'js/docs/compat.md', 'js/docs/faults.md', 'js/docs/lisp.md', 'js/docs/sync.md', 'package.json'];
const wasm = ['asyncify', 'jspi'].flatMap((variant) => [`dist/wasm/heddle-${variant}.js`, `dist/wasm/heddle-${variant}.wasm`]);

// Each source gives a module, its map and its declarations; the single file's module is in the bundle instead.
function compiled() {
  return filesBelow(path.join(root, 'js/src'), (file) => file.endsWith('.ts') && !/\.d\.(wasm\.)?ts$/.test(file))
    .map((file) => path.relative(path.join(root, 'js/src'), file).replaceAll(path.sep, '/').replace(/\.ts$/, ''))
    .flatMap((name) => (name === 'single-file' ? ['dist/single-file.d.ts'] : [`dist/${name}.js`, `dist/${name}.js.map`, `dist/${name}.d.ts`]));
}

test('the package has exactly the files that it needs', () => {
  const packed = pack().files.map((file) => file.path).sort();
  assert.deepEqual(packed, [...always, ...wasm, ...compiled(), 'dist/heddle-single-file.js'].sort());
});

test('the package keeps its size', (t) => {
  const { size, unpackedSize, files } = pack();
  const single = files.find((file) => file.path.endsWith('single-file.js')).size;
  t.diagnostic(`packed ${size}, unpacked ${unpackedSize}, single file ${single}`);
  assert.ok(size <= kMostPacked, `packed: ${size}`);
  assert.ok(unpackedSize <= kMostUnpacked, `unpacked: ${unpackedSize}`);
  assert.ok(single <= kMostSingleFile, `single file: ${single}`);
});

test('the declarations show nothing internal, and maps hold their sources', () => {
  const folder = path.join(freshApp({}), 'node_modules/heddle');
  for (const { path: name } of pack().files) {
    const text = readFileSync(path.join(folder, name), 'utf8');
    if (name.endsWith('.d.ts')) assert.doesNotMatch(text, /@internal/, name);
    if (name.endsWith('.map')) assert.ok(JSON.parse(text).sourcesContent.every((source) => source.length > 0), name);
    assert.ok(!text.includes(root), `${name} names a folder of the machine that built it`);
  }
});

test('everything that package.json points at is there', () => {
  const { exports, bin = {}, types, main } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const targets = [];
  const collect = (value) => (typeof value === 'object' ? Object.values(value).forEach(collect) : targets.push(value));
  collect([exports, bin, types, main].filter((value) => value !== undefined));
  const packed = pack().files.map((file) => file.path);
  for (const target of targets) {
    const [start, end = ''] = target.replace('./', '').split('*');
    assert.ok(packed.some((file) => (target.includes('*') ? file.startsWith(start) && file.endsWith(end) : file === start)), target);
  }
});

test('the package depends on what it imports, and on nothing else', async () => {
  const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const { metafile } = await esbuild.build({
    entryPoints: [path.join(root, 'dist/index.js')],
    bundle: true,
    write: false,
    format: 'esm',
    packages: 'external',
    metafile: true,
    outdir: root,
    absWorkingDir: root,
  });
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(({ external }) => external).map(({ path: name }) => name));
  assert.deepEqual([...new Set(imported)], Object.keys(dependencies));
});
