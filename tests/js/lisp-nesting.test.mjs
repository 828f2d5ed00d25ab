// Forms that are nested as deep as programs may have them, and deeper, leave room on the engine's stack, which V8 ends at
// 984 KB: here it is 750 KB, and the code of the core is what the engine makes of it when it is hot. A stack that overflows
// would end the process, or the runtime.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { variant } from '../support/heddle.mjs';
import { runChild } from '../support/child.mjs';

const nestedForms = new URL('../support/nested-forms.mjs', import.meta.url);
const flags = ['--stack-size=750', ...(variant === 'jspi' ? ['--wasm-stack-switching-stack-size=750'] : [])];

test('every form that nests', async () => {
  const { code, lines, stderr } = await runChild(`
    import { nestedForms } from '${nestedForms}';
    const rt = await open({ clock: 'virtual' });
    const outcome = (text) => rt.run(text, { budgets: { stepsLeft: 1e6 }, timeout: 60_000, output: () => {} }).promise.then(() => 'value', (error) => error.code + ': ' + error.message);
    const forms = Object.entries(nestedForms);
    for (let i = 0; i < 30; i++) for (const [, form] of forms) await outcome(form(100));
    for (const [name, form] of forms) {
      let most = 0;
      let refused = 0;
      for (let n = 100; n < 1100; n += 45) {
        const came = await outcome(form(n));
        if (/nested too deeply|without end/.test(came)) refused++;
        else if (refused === 0) most = n;
        else say('wrong', name, n, came);
      }
      say(name + ':', most, 'levels', (await rt.run('(* 6 7)').promise) === 42 ? 'fine' : 'broken');
    }
    await rt.close();
    say(JSON.stringify(surfaced));
  `, { flags });
  assert.equal(code, 0, stderr.slice(0, 2000) + lines.slice(-1));
  assert.equal(lines.pop(), '[]');
  for (const line of lines) {
    const [, levels] = /: (\d+) levels fine$/.exec(line) ?? [];
    assert.ok(Number(levels) >= 140, line);
  }
  assert.ok(lines.length > 30);
});
