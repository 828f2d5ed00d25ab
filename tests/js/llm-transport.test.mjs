// The fetch of the live providers: Node's own limits of time are off, what the user replaced is respected, and close()
// leaves no connection. Also: many calls on one signal.
import assert from 'node:assert/strict';
import { getEventListeners, getMaxListeners } from 'node:events';
import { test } from 'node:test';
import { ClosedError, LLMError } from 'heddle';
import { listenToAbort } from '../../dist/abort-listeners.js';
import { Transport } from '../../dist/llm/transport.js';
import { runChild } from '../support/child.mjs';
import { ask, attempt, providers, readAll, rejection, ways } from '../support/llm-client.mjs';
import { open } from '../support/heddle.mjs';
import { serve } from '../support/llm-server.mjs';
import { turns } from '../support/tasks.mjs';

const kModule = new URL('../../dist/llm/transport.js', import.meta.url).href;
const kGlobal = Symbol.for(`undici.globalDispatcher.${parseInt(process.versions.undici) >= 8 ? 2 : 1}`);
const optionsOf = (agent) => agent[Object.getOwnPropertySymbols(agent).find(({ description }) => description === 'options')];

/** A transport that is closed when the test ends. */
function transport(t, options) {
  const made = new Transport(options);
  t.after(() => made.close());
  return made;
}

/** Replaces the global dispatcher until the test ends. */
function replace(t, dispatcher) {
  const before = globalThis[kGlobal];
  globalThis[kGlobal] = dispatcher;
  t.after(() => {
    globalThis[kGlobal] = before;
  });
  return dispatcher;
}

// Makes Node load its fetch, and with it the global dispatcher.
void Response;
const Agent = globalThis[kGlobal].constructor;

test('neither the package nor a new transport makes Node load its fetch', async () => {
  const { code, lines } = await runChild(`
    const { Transport } = await import('${kModule}');
    const transport = new Transport();
    say(typeof globalThis[Symbol.for('${kGlobal.description}')]);
    transport.dispatcher();
    say(typeof globalThis[Symbol.for('${kGlobal.description}')]);
  `);
  assert.deepEqual([code, lines], [0, ['undefined', 'object']]);
});

test("a request goes through a dispatcher of Node's own class without limits of time; the global one stays as it is", (t) => {
  const global = globalThis[kGlobal];
  const own = transport(t).dispatcher();
  assert.ok(own instanceof Agent && own !== global);
  const { headersTimeout, bodyTimeout, connections } = optionsOf(own);
  assert.deepEqual([headersTimeout, bodyTimeout, connections], [0, 0, undefined]);
  assert.equal(globalThis[kGlobal], global);
  assert.equal(optionsOf(transport(t, { connections: 3 }).dispatcher()).connections, 3);
});

for (const name of Object.keys(providers)) {
  test(`${name}: calls one after the other share a connection, and close() closes it, here and at the server`, async (t) => {
    const server = await serve(t, {});
    const { fetch, close } = bound(transport(t));
    for (const ask1 of [ways.whole, ways.streaming, ways.whole]) {
      await ask1(providers[name](server), ask('hi'), attempt({ fetch }));
      // undici gives a connection back some turns after the last byte.
      await turns(5);
    }
    assert.deepEqual([server.stats().connections, server.stats().sockets], [1, 1]);
    close();
    await server.whenSocketsClosed();
    assert.equal(server.stats().sockets, 0);
  });

  test(`${name}: what is in flight at close() still gets its answer, and then the connection goes`, async (t) => {
    const server = await serve(t, { latencyMs: 'manual' });
    const { fetch, close } = bound(transport(t));
    const answer = ways.streaming(providers[name](server), ask('hi'), attempt({ fetch }));
    await server.whenHeld(1);
    close();
    server.release();
    assert.equal((await answer).text, 'echo: hi');
    await server.whenSocketsClosed();
  });

  test(`${name}: a limit of the host's that ended the wait is a timeout that says whose it was`, async (t) => {
    const server = await serve(t, { latencyMs: ({ stream }) => (stream ? 0 : 'manual'), pauseAfter: 1, respond: () => 'a b' });
    const { fetch } = transport(t);
    const provider = providers[name](server);
    replace(t, new Agent({ headersTimeout: 1, bodyTimeout: 1 }));
    const whole = rejection(provider.complete(ask('hi'), attempt({ fetch })));
    const stream = rejection(provider.stream(ask('hi'), attempt({ fetch })).then(readAll));
    for (const [error, limit] of [
      [await whole, 'headersTimeout'],
      [await stream, 'bodyTimeout'],
    ]) {
      assert.ok(error instanceof LLMError, String(error));
      assert.deepEqual([error.kind, error.status], ['timeout', undefined], error.message);
      assert.match(error.message, new RegExp(`host's own limit, ${limit}`));
    }
  });
}

const bound = (made) => ({ fetch: made.fetch, close: () => made.close() });

test('a global dispatcher that the user set, before or after, is used as it is', async (t) => {
  const server = await serve(t, {});
  const provider = providers.openai(server);
  const host = globalThis[kGlobal];
  const made = transport(t);
  await provider.complete(ask('before'), attempt(made));
  let dispatched = 0;
  replace(t, {
    dispatch(...args) {
      dispatched++;
      return host.dispatch(...args);
    },
  });
  assert.equal(made.dispatcher(), undefined);
  await provider.complete(ask('now'), attempt(made));
  assert.equal(dispatched, 1);
  for (const other of [new Agent({ connections: 2 }), new Agent({ connect: { rejectUnauthorized: true } }), new (class Proxy1 extends Agent {})()]) {
    globalThis[kGlobal] = other;
    assert.equal(made.dispatcher(), undefined);
  }
  globalThis[kGlobal] = undefined;
  assert.equal(made.dispatcher(), undefined, 'a host without one');
  globalThis[kGlobal] = host;
  assert.ok(made.dispatcher() instanceof Agent);
  await server.whenIdle();
});

test('a global fetch that the user set is used as it is, and so is the dispatcher of a request', async (t) => {
  const seen = [];
  const made = transport(t);
  const mine = { dispatch: () => assert.fail('not for this test') };
  const mocked = t.mock.method(globalThis, 'fetch', async (...args) => seen.push(args));
  await made.fetch('http://a.example/', { method: 'PUT' });
  mocked.mock.restore();
  assert.deepEqual(seen, [['http://a.example/', { method: 'PUT' }]]);
  let asked = 0;
  mine.dispatch = (_options, handler) => {
    asked++;
    // As undici calls handlers since its version 7, and before.
    if (handler.onResponseError !== undefined) handler.onResponseError({ abort: () => undefined }, new Error('mine'));
    else handler.onError(new Error('mine'));
    return true;
  };
  const error = await rejection(made.fetch('http://a.example/', { dispatcher: mine }));
  assert.deepEqual([error.cause.message, asked], ['mine', 1]);
});

test('after close() a fetch is refused; close() again does nothing', async () => {
  for (const used of [false, true]) {
    const made = new Transport();
    if (used) made.dispatcher();
    made.close();
    made.close();
    assert.ok((await rejection(made.fetch('http://127.0.0.1:1/'))) instanceof ClosedError);
  }
});

test('a process that closed its transport ends, though the server keeps its connection open', async (t) => {
  const server = await serve(t, {});
  const { code, lines } = await runChild(`
    const { Transport } = await import('${kModule}');
    const transport = new Transport();
    const body = '{"messages":[{"role":"user","content":"hi"}]}';
    const answer = await transport.fetch('${server.openaiBaseURL}/chat/completions', { method: 'POST', body });
    say((await answer.json()).choices[0].message.content);
    transport.close();
  `);
  assert.deepEqual([code, lines], [0, ['echo: hi']]);
});

// --- Many listeners ---

/** What Node warns of while `work` runs. */
async function warningsOf(work) {
  const warnings = [];
  const note = (warning) => warnings.push(warning.name);
  process.on('warning', note);
  await work();
  await new Promise(setImmediate);
  process.off('warning', note);
  return warnings;
}

test('many calls on one signal are no leak to Node, and leave nothing on it', async (t) => {
  const server = await serve(t, { latencyMs: 'manual' });
  const { fetch } = transport(t);
  const { signal } = new AbortController();
  const warnings = await warningsOf(async () => {
    const calls = Object.values(providers).flatMap((make) =>
      Object.values(ways).flatMap((ask1) => Array.from({ length: 25 }, () => ask1(make(server), ask('hi'), attempt({ signal, fetch })))),
    );
    await server.whenHeld(calls.length);
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    server.release();
    await Promise.all(calls);
  });
  assert.deepEqual(warnings, []);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  // The control: a Node that counts the listeners of signals does warn of as many.
  const control = await warningsOf(() => {
    for (let i = 0; i < 11; i++) signal.addEventListener('abort', () => undefined);
  });
  assert.deepEqual(control, getMaxListeners(signal) === 0 ? [] : ['MaxListenersExceededWarning']);
});

test('many operations of a runtime on one signal are no leak to Node either', async (t) => {
  const rt = await open(t, { clock: 'virtual', maxConcurrentLLMCalls: 4 });
  const controller = new AbortController();
  const { signal } = controller;
  const warnings = await warningsOf(async () => {
    const done = Array.from({ length: 30 }, (_, i) => rt.llm(`q ${i}`, { signal }));
    const cut = [rt.createCancellationToken(signal), rt.createCancellationToken(signal)].map(
      (token) => new Promise((resolve) => token.onCancel(resolve)),
    );
    await Promise.all(done);
    const waiting = Array.from({ length: 30 }, () => rejection(rt.delay(1e9, { signal })));
    controller.abort('enough');
    for (const error of await Promise.all(waiting)) assert.equal(error.code, 'Cancelled');
    await Promise.all(cut);
  });
  assert.deepEqual(warnings, []);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('listeners of one signal run in order, in the turn of the abort; one taken back before its turn does not', () => {
  const controller = new AbortController();
  const ran = [];
  const stops = ['a', 'b', 'c', 'd'].map((name) =>
    listenToAbort(controller.signal, () => {
      ran.push(name);
      if (name === 'b') stops[2]();
    }),
  );
  stops[0]();
  stops[0]();
  controller.abort();
  assert.deepEqual(ran, ['b', 'd']);
  const again = new AbortController();
  listenToAbort(again.signal, () => ran.push('x'))();
  assert.equal(getEventListeners(again.signal, 'abort').length, 0);
  listenToAbort(again.signal, () => ran.push('y'));
  again.abort();
  assert.deepEqual(ran, ['b', 'd', 'y']);
});
