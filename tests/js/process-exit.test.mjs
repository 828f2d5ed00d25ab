// A runtime never keeps a process alive for nothing, and a closed one not at all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChild } from '../support/child.mjs';

const programs = {
  'a runtime that was never used': 'await open();',
  'an idle runtime': 'const rt = await open(); await rt.awaitAll([1, 2, 3].map((x) => rt.submit(() => x)));',
  'an idle runtime whose tasks had timers':
    'const rt = await open(); await rt.submit((ctx) => ctx.delay(1), { timeout: 1e8, queueTimeout: 1e8, deadline: Date.now() + 1e8 }).promise;',
  'a runtime whose tasks were cancelled':
    'const rt = await open(); const t = rt.submit(forever); await turns(); rt.cancel(t.id);',
  'a runtime with a virtual clock':
    "const rt = await open({ clock: 'virtual' }); await rt.submit((ctx) => ctx.delay(1e9)).promise;",
  'ten idle runtimes':
    'const all = await Promise.all(Array.from({ length: 10 }, () => open())); await Promise.all(all.map((rt) => rt.submit(() => 1).promise));',
  'a task that awaits what nobody will do': 'const rt = await open(); rt.submit(() => new Promise(() => {}));',
  'a closed runtime': 'const rt = await open(); await rt.close();',
  'a closed runtime with work in flight': `
    const rt = await open({ graceMs: 0, provider: heddle.custom(() => new Promise(() => {})) });
    rt.submit(forever); rt.submit((ctx) => ctx.llm('x')); rt.submit(() => new Promise(() => {}));
    rt.submit((ctx) => ctx.call('x', () => new Promise(() => {})));
    await turns();
    await rt.close();`,
  'a closed runtime with a request to a server that never answers': `
    const { createServer } = await import('node:http');
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.on('listening', resolve));
    const rt = await open({ provider: heddle.openai({ baseURL: 'http://127.0.0.1:' + server.address().port + '/v1', apiKey: 'k', model: 'm' }) });
    const arrived = new Promise((resolve) => server.on('request', resolve));
    rt.submit((ctx) => ctx.llm('x'));
    await arrived;
    await rt.close();
    server.close();
    server.closeAllConnections();`,
};

for (const [what, source] of Object.entries(programs)) {
  test(`the process ends by itself: ${what}`, async () => {
    const { code, lines, stderr } = await runChild(`${source}\nsay('end of program');`, { limitMs: 30_000 });
    assert.equal(code, 0, `${stderr}; it had to be killed`);
    assert.deepEqual(lines, ['end of program']);
  });
}

test('a delay that is waited for keeps the process alive until it is over', async () => {
  const { code, lines } = await runChild(
    "const rt = await open(); rt.submit(async (ctx) => { await ctx.delay(1); say('waited'); });",
  );
  assert.equal(code, 0);
  assert.deepEqual(lines, ['waited']);
});
