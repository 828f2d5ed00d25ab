// What the README shows first works as it is written, in an app that has nothing but the package.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../../wasm/toolchain/steps.mjs';
import { freshApp, runProgram } from '../support/packed.mjs';

test("the README's example runs", () => {
  const readme = path.join(root, 'README.md');
  assert.ok(existsSync(readme), 'there is no README.md');
  const example = /^```js\n(.*?)^```$/ms.exec(readFileSync(readme, 'utf8'))?.[1];
  assert.ok(example?.includes("from 'heddle'"), 'README.md has no example: a block that begins with ```js and imports heddle');
  const printed = runProgram(process.execPath, ['example.mjs'], freshApp({ 'example.mjs': example }));
  assert.notEqual(printed.trim(), '', 'the example prints nothing');
});
