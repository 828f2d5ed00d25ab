// Limits of silence: until the first token of an attempt, and between two pieces of a stream. What is too slow is a failed
// attempt with its connection closed, not a failed call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { custom } from 'heddle';
import { asking, assertNothingLeft, connected, protocols } from '../support/calls.mjs';
import heddle, { open } from '../support/heddle.mjs';
import { gateOf, limited, timesOf } from '../support/limited.mjs';
import { assertAtRest, rejection, thrown, turns } from '../support/tasks.mjs';

const once = { retry: { maxAttempts: 1 } };
const isLate = (error, limit, attempts = 1) => {
  assert.ok(error instanceof heddle.LLMError, String(error));
  assert.deepEqual([error.kind, error.status, error.attempts], ['timeout', undefined, attempts]);
  assert.match(error.message, limit);
};

// --- The first token ---

for (const way of Object.keys(asking)) {
  // A simulated stream opens after three tenths of its latency.
  const ms = way === 'llm' ? 1 : 1 / 0.3;

  test(`${way}: an attempt without a first token in time fails, and the next one is made`, async (t) => {
    const { rt, log } = await limited(t, { retry: { baseDelay: 0 } }, { script: (_request, n) => ({ latencyMs: (n === 1 ? 500 : 99) * ms }) });
    const result = await asking[way](rt, 'q', { timeToFirstToken: 100 });
    assert.deepEqual([result.attempts, timesOf(log)], [2, [0, 100]]);
    const [first] = result.timings.attempts;
    assert.deepEqual([first.startedAt, first.endedAt], [0, 100]);
    isLate(first.error, /timeToFirstToken/, first.error.attempts);
    await rt.onIdle();
    assertAtRest(rt);
  });

  test(`${way}: the limit is each attempt's own; when all are too slow, the last one's error says so`, async (t) => {
    const { rt } = await limited(t, { retry: { maxAttempts: 3, baseDelay: 0 } }, { script: () => ({ latencyMs: 5000 }) });
    isLate(await rejection(asking[way](rt, 'q', { timeToFirstToken: 100 })), /timeToFirstToken/, 3);
    assert.equal(rt.clock.now(), 300);
    assertAtRest(rt);
  });

  test(`${way}: time in queues does not count, the call's timeout does not wait for it`, async (t) => {
    const { rt } = await limited(t, { maxConcurrentLLMCalls: 1 }, { script: () => ({ latencyMs: 80 * ms }) });
    const results = await Promise.all([1, 2, 3].map(() => asking[way](rt, 'q', { timeToFirstToken: 100 })));
    assert.deepEqual(results.map(({ attempts }) => attempts), [1, 1, 1]);
    const error = await rejection(asking[way](rt, 'q', { timeToFirstToken: 50, timeout: 20 }));
    assert.deepEqual([error.code, error.limit, error.scope], ['Timeout', 'operation', way]);
    await rt.onIdle();
    await turns();
    assertAtRest(rt);
  });

  for (const protocol of protocols) {
    test(`${protocol} ${way}: a server that says nothing loses its connection, and the next attempt its own`, async (t) => {
      const latencyMs = ({ attempt }) => (attempt === 1 ? 'manual' : 0);
      const { server, rt } = await connected(t, { latencyMs }, { protocol, clock: 'virtual', retry: { baseDelay: 0 } });
      const task = rt.submit((ctx) => asking[way](ctx, 'q', { timeToFirstToken: 1000 }));
      await server.whenHeld(1);
      rt.clock.advance(999);
      await turns();
      assert.equal(server.stats().aborts, 0);
      rt.clock.advance(1);
      await server.whenAborted(1);
      const result = await task.promise;
      assert.deepEqual([result.text, result.attempts], ['echo: q', 2]);
      isLate(result.timings.attempts[0].error, /timeToFirstToken/);
      await assertNothingLeft(rt, server);
    });
  }

  test(`${way}: a custom provider that ignores its signal is left, too`, async (t) => {
    let asked = 0;
    const provider = custom(() => new Promise(() => void asked++));
    const rt = await open(t, { clock: 'virtual', provider, retry: { maxAttempts: 2, baseDelay: 0 } });
    const call = rejection(asking[way](rt, 'q', { timeToFirstToken: 100 }));
    await turns();
    rt.clock.advance(100);
    await turns(6);
    assert.equal(asked, 2);
    rt.clock.advance(100);
    isLate(await call, /timeToFirstToken/, 2);
    await assertNothingLeft(rt);
  });
}

// --- Between two pieces ---

const words = { text: 'one two three' };

test('a stream whose next piece does not come in time fails; what came stays', async (t) => {
  const { rt } = await limited(t, {}, { script: () => ({ ...words, latencyMs: 1000 }) });
  // The first piece at 300, the others 350 after it.
  const stream = rt.llmStream('q', { stallTimeout: 349 });
  assert.equal((await stream.next()).value.text, 'one');
  const error = await rejection(stream.next());
  isLate(error, /stallTimeout = 349 ms/);
  assert.equal(rt.clock.now(), 649);
  assert.equal(await rejection(stream.next()), error);
  assert.equal(await rejection(stream.result), error);
  await turns();
  assertAtRest(rt);
  const patient = rt.llmStream('q', { stallTimeout: 351 });
  assert.equal((await patient.result).text, words.text);
  assertAtRest(rt);
});

test('who asks for the whole result alone hears of a stall, too', async (t) => {
  const { rt } = await limited(t, {}, { script: () => ({ ...words, latencyMs: 1000 }) });
  isLate(await rejection(rt.llmStream('q', { stallTimeout: 100 }).result), /stallTimeout = 100 ms/);
  assert.equal(rt.clock.now(), 400);
  await turns();
  assertAtRest(rt);
});

test('a simulated stream that stalls begins again; no time passes but its own', async (t) => {
  const script = (_request, n) => ({ ...words, latencyMs: n === 1 ? 10_000 : 100 });
  const { rt, log } = await limited(t, { retry: { baseDelay: 0 } }, { script });
  // Others that would make time pass.
  const ticking = rt.submit(async (ctx) => {
    for (let i = 0; i < 500; i++) await ctx.delay(10);
  });
  const task = rt.submit(async (ctx) => {
    const stream = ctx.llmStream('q', { stallTimeout: 200, afterFirstToken: 'restart' });
    const chunks = [];
    for await (const { type, text } of stream) chunks.push([type === 'restart' ? 'again' : text, rt.clock.now()]);
    return { chunks, result: await stream.result };
  });
  const { chunks, result } = await task.promise;
  assert.deepEqual(chunks, [['one', 3000], ['again', 3230], ['one', 3230], [' two', 3265], [' three', 3300]]);
  assert.deepEqual([result.text, result.attempts, timesOf(log)], ['one two three', 2, [0, 3200]]);
  await ticking.promise;
  await turns();
  assertAtRest(rt);
});

test('only the time while somebody waits for a piece counts', async (t) => {
  const { rt } = await limited(t, {}, { script: () => ({ ...words, latencyMs: 100 }) });
  const task = rt.submit(async (ctx) => {
    let text = '';
    for await (const chunk of ctx.llmStream('q', { stallTimeout: 50, timeToFirstToken: 50 })) {
      text += chunk.text;
      await ctx.delay(1000);
    }
    return text;
  });
  assert.equal(await task.promise, words.text);
  await rt.onIdle();
  assertAtRest(rt);
});

for (const protocol of protocols) {
  test(`${protocol}: a server that stalls loses its connection`, async (t) => {
    const { server, rt } = await connected(t, { pauseAfter: 1, respond: () => 'one two three' }, { protocol, clock: 'virtual', breaker: { failures: 1 } });
    const stream = rt.llmStream('q', { stallTimeout: 100 });
    assert.equal((await stream.next()).value.text, 'one ');
    const next = rejection(stream.next());
    await server.whenHeld(1);
    rt.clock.advance(99);
    await turns();
    assert.equal(server.stats().aborts, 0);
    rt.clock.advance(1);
    isLate(await next, /stallTimeout = 100 ms/);
    await server.whenAborted(1);
    await assertNothingLeft(rt, server);
    assert.equal(gateOf(rt, 'endpoint').circuit, 'open', 'a stall is a fault of the endpoint');
  });

  test(`${protocol}: a stall is tried again where the caller lets the stream begin again`, async (t) => {
    const pauseAfter = ({ attempt }) => (attempt === 1 ? 2 : undefined);
    const { server, rt } = await connected(t, { pauseAfter, respond: () => 'one two three' }, { protocol, clock: 'virtual', retry: { baseDelay: 0 } });
    const stream = rt.llmStream('q', { stallTimeout: 100, afterFirstToken: 'restart' });
    const chunks = [];
    const reading = (async () => {
      for await (const { type, text } of stream) chunks.push(type === 'restart' ? 'again' : text);
    })();
    await server.whenHeld(1);
    await turns();
    rt.clock.advance(100);
    await reading;
    assert.deepEqual(chunks, ['one ', 'two ', 'again', 'one ', 'two ', 'three']);
    const { text, attempts } = await stream.result;
    assert.deepEqual([text, attempts, server.stats().aborts], ['one two three', 2, 1]);
    await assertNothingLeft(rt, server);
  });
}

test('a limit that is none is refused at the call, and those of streams at calls that are none', async (t) => {
  const { rt, log } = await limited(t, {});
  for (const bad of [-1, NaN, '5', null, {}]) {
    for (const key of ['timeToFirstToken', 'stallTimeout']) {
      const error = thrown(() => rt.llmStream('q', { [key]: bad }));
      assert.ok(error instanceof heddle.ArgumentError);
      assert.match(error.message, new RegExp(`options\\.${key} must be a number of milliseconds`));
    }
    assert.equal((await rejection(rt.llm('q', { timeToFirstToken: bad }))).code, 'ArgumentError');
  }
  assert.match((await rejection(rt.llm('q', { stallTimeout: 5 }))).message, /stallTimeout is for streams/);
  assert.match((await rejection(rt.llm('q', { afterFirstToken: 'restart' }))).message, /afterFirstToken is for streams/);
  assert.match(thrown(() => rt.llmStream('q', { afterFirstToken: 'retry' })).message, /"fail" or "restart"/);
  assert.equal(log.length, 0);
  for (const none of [0, undefined, Infinity, 1e300]) assert.equal((await rt.llmStream('q', { timeToFirstToken: none, stallTimeout: none }).result).attempts, 1, String(none));
  await turns();
  assertAtRest(rt);
});
