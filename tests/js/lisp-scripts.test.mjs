// The scripts of tests/lisp, by rt.run: each says what it prints (`; => line`) and how it fails (`; error: Code`, or with
// its place). The native driver is tests/core/lisp_scripts_test.cpp.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { open } from '../support/heddle.mjs';

const folder = fileURLToPath(new URL('../lisp', import.meta.url));
const scriptsIn = (name) =>
  readdirSync(`${folder}/${name}`).filter((file) => file.endsWith('.scm')).sort().map((file) => name + file);
const files = [...scriptsIn(''), ...scriptsIn('concurrency/')];

test('there are scripts', () => assert.ok(files.length > 20, `${files.length}`));

for (const file of files) {
  test(file, async (t) => {
    const source = readFileSync(`${folder}/${file}`, 'utf8');
    const { output, error } = expectedOf(source);
    const rt = await open(t, { clock: 'virtual' });
    let printed = '';
    const task = rt.run(source, { name: file, heapLimit: 256 * 2 ** 20, output: (text) => (printed += text) });
    const failure = await task.promise.then(
      () => undefined,
      // A script's last value need not cross.
      (reason) => (task.state === 'completed' ? undefined : reason),
    );
    await rt.onIdle();
    // Lines are compared: the last one may have no end.
    if (printed !== '' && !printed.endsWith('\n')) printed += '\n';
    assert.equal(printed, output, failure?.stack);
    if (error === undefined) assert.equal(failure, undefined, failure?.stack);
    else {
      assert.equal(failure?.code, error.code, failure?.stack);
      const { position } = failure;
      if (error.place !== undefined) assert.equal(position && `${position.file}:${position.line}:${position.column}`, error.place);
    }
  });
}

// As the native driver reads it: the first `; =>` of a line, and one space behind it.
function expectedOf(source) {
  let output = '';
  let error;
  for (const line of source.split('\n')) {
    const at = line.indexOf('; =>');
    if (at >= 0) output += `${line.slice(at + 5)}\n`;
    else if (line.startsWith('; error: ')) {
      const [code, place] = line.slice('; error: '.length).trim().split(/\s+/);
      error = { code, place };
    }
  }
  return { output, error };
}
