// What surfaces when nobody reads an outcome: a failure once, as the platform's unhandled rejection; a cancellation never.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChild } from '../support/child.mjs';

/** Runs programs, each with a runtime of its own, one after the other; gives what nobody handled in each. */
async function surfacedBy(programs) {
  const { code, lines, stderr } = await runChild(`
    const fail = (message) => () => { throw new Error(message); };
    const programs = [${programs.map((source) => `async (rt) => { ${source} }`).join(',\n')}];
    for (const program of programs) {
      surfaced.length = 0;
      const rt = await open();
      await program(rt);
      await turns(5);
      await rt.close();
      await turns(5);
      say(JSON.stringify(surfaced));
    }
  `);
  assert.equal(code, 0, stderr);
  return lines.map((line) => JSON.parse(line));
}

const cases = [
  ['a failed task that nobody awaits', "rt.submit(fail('lost'));", ['unhandled: lost']],
  ['a failed generator body', "rt.submit(function* () { throw new Error('lost'); });", ['unhandled: lost']],
  [
    'a failed async body',
    "rt.submit(async (ctx) => { await ctx.yield(); throw new Error('lost'); });",
    ['unhandled: lost'],
  ],
  ['a promise that was looked at but not handled', "rt.submit(fail('lost')).promise;", ['unhandled: lost']],
  [
    'a task that ran out of time',
    "rt.submit(forever, { timeout: 1 }); await until('late', () => surfaced.length > 0);",
    ['unhandled: task t1 ran longer than its timeout of 1 ms'],
  ],
  ['two tasks', "rt.submit(fail('a')); rt.submit(fail('b'));", ['unhandled: a', 'unhandled: b']],
  [
    'a child that nobody awaits, once and not again by its parent',
    "rt.submit((ctx) => void ctx.submit(fail('child')));",
    ['unhandled: child'],
  ],
  ['a failed task whose promise is handled', "rt.submit(fail('x')).promise.catch(() => {});", []],
  ['a failed task that is awaited from outside', "await rt.await(rt.submit(fail('x'))).catch(() => {});", []],
  [
    'a failed task that another one awaits',
    "await rt.submit((ctx) => ctx.await(ctx.submit(fail('x'))).catch(() => {})).promise;",
    [],
  ],
  [
    'a failed task that is awaited with others',
    "await rt.awaitAllSettled([rt.submit(fail('x')), rt.submit(fail('y'))]);",
    [],
  ],
  [
    'failures after the first of an awaitAll',
    "await rt.awaitAll([rt.submit(fail('x')), rt.submit(fail('y'))]).catch(() => {});",
    [],
  ],
  ['the losers of a race', "await rt.race([rt.submit(() => 1), rt.submit(fail('y'))]);", []],
  ['children of a scope', "await rt.scope((s) => { s.submit(fail('x')); s.submit(fail('y')); }).catch(() => {});", []],
  ['items of mapConcurrent', "try { for await (const _ of rt.mapConcurrent([1, 2], fail('x'))); } catch {}", []],
  ['a cancelled task', 'rt.cancel(rt.submit(forever).id);', []],
  ['a cancelled task that ran', "const t = rt.submit(forever); await turns(); rt.cancel(t.id, 'why');", []],
  [
    'a cancelled task whose promise was looked at',
    'const t = rt.submit(forever); t.promise; await turns(); rt.cancel(t.id);',
    [],
  ],
  [
    'children of a cancelled task',
    'const t = rt.submit((ctx) => ctx.await(ctx.submit(forever))); await turns(); rt.cancel(t.id);',
    [],
  ],
  [
    'children of a failed task that is awaited',
    "await rt.submit((ctx) => { ctx.submit(forever); throw new Error('x'); }).promise.catch(() => {});",
    [],
  ],
  [
    'a body that throws after its cancel',
    "const d = deferred(); const t = rt.submit(async () => { await d.promise; throw new Error('x'); }); await turns(); rt.cancel(t.id); d.resolve();",
    [],
  ],
  ['tasks that close() cancels', 'rt.submit(forever); rt.submit(forever); rt.submit((ctx) => ctx.llm("x"));', []],
  ['a stream that nobody reads', 'await rt.submit(async (ctx) => { ctx.llmStream("x"); }).promise;', []],
  [
    'a task that is awaited in the turn in which it failed',
    `const gate = deferred();
     const bad = rt.submit(async () => { await gate.promise; throw new Error('x'); });
     const reader = rt.submit(async (ctx) => { await gate.promise; await ctx.yield(); await ctx.await(bad).catch(() => {}); });
     await turns();
     gate.resolve();
     await reader.promise;`,
    [],
  ],
  ['a failed wait of a body that never looked at it', 'rt.submit((ctx) => { ctx.delay(1e9); });', []],
];

// One process for all of them: each takes a while to start.
const outcomes = surfacedBy(cases.map(([, source]) => source));

for (const [at, [what, , expected]] of cases.entries()) {
  test(`${expected.length > 0 ? 'surfaces' : 'surfaces not'}: ${what}`, async () => {
    assert.deepEqual((await outcomes)[at], expected);
  });
}

test('a process without handlers ends as it does for any unhandled rejection', async () => {
  const { code, stderr } = await runChild("const rt = await open(); rt.submit(() => { throw new Error('fatal'); });", {
    bare: true,
  });
  assert.equal(code, 1);
  assert.match(stderr, /Error: fatal/);
});

test('a callback of a token that throws surfaces as uncaught, and the runtime goes on', async () => {
  const { code, lines, stderr } = await runChild(`
    const rt = await open({ clock: 'virtual', graceMs: 0 });
    const task = rt.submit(forever);
    task.cancellationToken.onCancel(() => { throw new Error('in a callback'); });
    rt.cancel(task.id);
    const stubborn = rt.submit(() => new Promise(() => {}));
    rt.on('zombie', () => { throw new Error('in a listener'); });
    await turns();
    rt.cancel(stubborn.id);
    await rt.delay(5);
    await turns();
    say(JSON.stringify(surfaced));
    say(await rt.submit(() => 'goes on').promise);
  `);
  assert.equal(code, 0, stderr);
  assert.deepEqual(lines, [JSON.stringify(['uncaught: in a callback', 'uncaught: in a listener']), 'goes on']);
});
