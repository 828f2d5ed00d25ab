// The exports of the built modules are those of wasm/exports.txt, one a line: a change of the interface shows in a review,
// and nothing is exported by accident.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const file = (path) => new URL(`../../${path}`, import.meta.url);
const wanted = readFileSync(file('wasm/exports.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

const exportsOf = (variant) => {
  const module = new WebAssembly.Module(readFileSync(file(`dist/wasm/heddle-${variant}.wasm`)));
  return WebAssembly.Module.exports(module).map(({ name, kind }) => (kind === 'function' ? name : `${name} (${kind})`));
};

test('the list is sorted and names nothing twice', () => {
  assert.deepEqual(wanted, [...new Set(wanted)].sort());
});

for (const variant of ['asyncify', 'jspi']) {
  test(`the ${variant} build exports what the list says`, () => {
    // What Asyncify adds, and what embind calls functions by where the stack may be unwound.
    const suspends = (name) => /^(asyncify|dynCall)_/.test(name);
    const expected = variant === 'asyncify' ? wanted : wanted.filter((name) => !suspends(name));
    assert.deepEqual(exportsOf(variant).sort(), expected);
  });
}

test('JavaScript calls no export that is not in the list', () => {
  const source = readFileSync(file('js/src/engine/module.ts'), 'utf8');
  const declared = source.match(/interface RawExports \{([^}]*)\}/)[1];
  const names = [...declared.matchAll(/^\s*(\w+)(?:\(|:)/gm)].map(([, name]) => name);
  assert.ok(names.length > 20);
  const listed = new Set(wanted.map((name) => name.replace(/ \(.*/, '')));
  assert.deepEqual(
    names.filter((name) => !listed.has(name)),
    [],
  );
});
