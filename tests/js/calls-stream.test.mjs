// Streams through the runtime: chunks as sent, at the reader's pace, and an end that everyone who asks hears of.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulated } from 'heddle';
import { assertNothingLeft, chunksOf, connected, protocols, turnsUntilSocketsClosed } from '../support/calls.mjs';
import heddle, { open } from '../support/heddle.mjs';
import { rejection, SignalCounter, turns, until } from '../support/tasks.mjs';

const kWords = 'one two three four five';
const words = { respond: () => kWords };
const pieces = ['one ', 'two ', 'three ', 'four ', 'five'];

for (const protocol of protocols) {
  test(`${protocol}: chunks arrive as they were sent, and the result has all of them`, async (t) => {
    const { server, rt } = await connected(t, words, { protocol });
    const task = rt.submit(async (ctx) => {
      const stream = ctx.llmStream('a b c');
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      return { chunks, result: await stream.result };
    });
    const { chunks, result } = await task.promise;
    assert.deepEqual(chunks, pieces.map((text) => ({ type: 'text', text })));
    const { timings, ...rest } = result;
    assert.deepEqual(rest, {
      text: kWords,
      usage: { inputTokens: 3, outputTokens: 5, source: 'exact' },
      finishReason: protocol === 'openai' ? 'stop' : 'end_turn',
      model: 'm-1',
      requestId: 'req_1',
      attempts: 1,
    });
    assert.ok(timings.requestedAt <= timings.startedAt && timings.startedAt <= timings.completedAt);
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: the server does not get ahead of a reader that waits`, async (t) => {
    const kPieces = 800;
    const piece = `${'x'.repeat(64 * 1024 - 1)} `;
    const { server, rt } = await connected(t, { respond: () => ({ pieces: Array(kPieces).fill(piece) }) }, { protocol });
    const sent = () => server.stats().log[0].pieces;
    const stream = rt.llmStream('q');
    assert.equal((await stream.next()).value.text, piece);
    // Until the buffers in between are full and nothing moves any more.
    for (let before = -1, still = 0; still < 20; still = sent() === before ? still + 1 : 0) {
      before = sent();
      await turns(10);
    }
    assert.ok(sent() < kPieces / 2, `${sent()} of ${kPieces} pieces were sent`);
    let read = 1;
    for await (const { text } of stream) read += text.length / piece.length;
    assert.equal(read, kPieces);
    assert.equal((await stream.result).usage.outputTokens, kPieces);
    await assertNothingLeft(rt, server);
  });
}

// --- The result ---

test('the result can be had without a loop, and what was not taken can be iterated afterwards', async (t) => {
  const { server, rt } = await connected(t, words);
  const body = async (ctx) => {
    const stream = ctx.llmStream('q');
    const { text } = await stream.result;
    return [text, await chunksOf(stream), await chunksOf(stream)];
  };
  assert.deepEqual(await rt.submit(body).promise, [kWords, pieces, []]);
  await assertNothingLeft(rt, server);
});

test('the result can be asked for before, during and after a loop', async (t) => {
  const { server, rt } = await connected(t, words);
  const stream = rt.llmStream('q');
  const before = stream.result;
  const texts = [];
  let during;
  for await (const { text } of stream) {
    texts.push(text);
    during ??= stream.result;
  }
  const after = await stream.result;
  assert.deepEqual(texts, pieces);
  assert.equal(await before, after);
  assert.equal(await during, after);
  assert.equal(after.text, kWords);
  await assertNothingLeft(rt, server);
});

test('who took some chunks by hand still gets the whole result', async (t) => {
  const { server, rt } = await connected(t, words);
  const stream = rt.llmStream('q');
  assert.equal((await stream.next()).value.text, pieces[0]);
  assert.equal((await stream.result).text, kWords);
  assert.deepEqual(await chunksOf(stream), pieces.slice(1));
  await assertNothingLeft(rt, server);
});

test('several next() at once get their chunks in order', async (t) => {
  const { server, rt } = await connected(t, words);
  const stream = rt.llmStream('q');
  const rows = await Promise.all(Array.from({ length: 8 }, () => stream.next()));
  assert.deepEqual(rows.map(({ done, value }) => (done ? undefined : value.text)), [...pieces, undefined, undefined, undefined]);
  await assertNothingLeft(rt, server);
});

// --- An early end ---

test('after its task was cancelled a stream throws the task\'s error at every turn', async (t) => {
  const { server, rt } = await connected(t, { ...words, pauseAfter: 2 });
  const errors = [];
  const task = rt.submit(async (ctx) => {
    const stream = ctx.llmStream('q');
    errors.push(await rejection(chunksOf(stream)));
    errors.push(await rejection(stream.next()), await rejection(chunksOf(stream)), await rejection(stream.result));
  });
  await server.whenHeld(1);
  await turns();
  rt.cancel(task.id, 'stop');
  const error = await rejection(task.promise);
  await until('the body is over', () => rt.getStats().unwindingTasks === 0);
  assert.deepEqual(errors, [error, error, error, error]);
  await assertNothingLeft(rt, server);
});

for (const place of ['a task', 'no task']) {
  test(`in ${place}: leaving the loop early closes the socket; the result is a CancellationError`, async (t) => {
    const { server, rt } = await connected(t, { ...words, pauseAfter: 3 }, { maxConcurrentLLMCalls: 1 });
    const body = async (caller) => {
      const stream = caller.llmStream('q');
      const result = rejection(stream.result);
      for await (const { text } of stream) if (text === 'two ') break;
      assert.ok((await turnsUntilSocketsClosed(server)) < 100);
      assert.ok((await result) instanceof heddle.CancellationError);
      assert.deepEqual(await stream.next(), { done: true, value: undefined });
      assert.equal(await rejection(stream.result), await result);
      // Its place is free.
      server.options.pauseAfter = undefined;
      assert.deepEqual(await chunksOf(caller.llmStream('again')), pieces);
    };
    await (place === 'a task' ? rt.submit(body).promise : body(rt));
    assert.equal(server.stats().aborts, 1);
    await assertNothingLeft(rt, server);
  });

  test(`in ${place}: a stream can be left while it waits in the queue, for the server, and between attempts`, async (t) => {
    const { server, rt } = await connected(t, { latencyMs: 'manual' }, { maxConcurrentLLMCalls: 1, retry: { baseDelay: 1e6, maxDelay: 1e6 } });
    const body = async (caller) => {
      const flying = caller.llmStream('flying');
      await server.whenHeld(1);
      const queued = caller.llmStream('queued');
      await until('one waits', () => rt.getStats().waitingLLMCalls === 1);
      const waiting = queued.next();
      await queued.return();
      assert.deepEqual(await waiting, { done: true, value: undefined });
      assert.equal(rt.getStats().waitingLLMCalls, 0);
      await flying.return();
      await server.whenAborted(1);
      server.options.fault = () => 503;
      server.options.latencyMs = 0;
      const failing = caller.llmStream('failing');
      await until('it is between two attempts', () => rt.getStats().backoffLLMCalls === 1);
      await failing.return();
      assert.equal(rt.getStats().backoffLLMCalls, 0);
      for (const stream of [flying, queued, failing]) assert.equal((await rejection(stream.result)).code, 'Cancelled');
    };
    await (place === 'a task' ? rt.submit(body).promise : body(rt));
    assert.deepEqual(server.stats().log.map(({ prompt }) => prompt), ['flying', 'failing']);
    await assertNothingLeft(rt, server);
  });

  test(`in ${place}: signal and timeout hold for the reading too`, async (t) => {
    const { server, rt } = await connected(t, { ...words, pauseAfter: 2 }, { clock: 'virtual' });
    const body = async (caller) => {
      const counter = new SignalCounter();
      const controller = counter.signal();
      const aborted = caller.llmStream('q', { signal: controller.signal });
      const late = caller.llmStream('q', { timeout: 500 });
      const idle = caller.llmStream('q', { timeout: 500 });
      const failures = [rejection(chunksOf(aborted)), rejection(chunksOf(late))];
      await idle.next();
      await server.whenHeld(3);
      controller.abort('why');
      assert.deepEqual([(await failures[0]).code, (await failures[0]).reason], ['Cancelled', 'why']);
      assert.equal(counter.listeners, 0);
      await rt.clock.advance(500);
      for (const error of [await failures[1], await rejection(idle.result), await rejection(idle.next())]) {
        assert.deepEqual([error.code, error.limit, error.ms], ['Timeout', 'operation', 500]);
      }
      await server.whenAborted(3);
      await server.whenSocketsClosed();
    };
    await (place === 'a task' ? rt.submit(body).promise : body(rt));
    await assertNothingLeft(rt, server);
  });

  test(`in ${place}: a stream that ended in time leaves neither timer nor listener`, async (t) => {
    const { server, rt } = await connected(t, words);
    const counter = new SignalCounter();
    const options = { timeout: 60_000, signal: counter.signal().signal };
    const body = (caller) => chunksOf(caller.llmStream('q', options));
    assert.deepEqual(await (place === 'a task' ? rt.submit(body).promise : body(rt)), pieces);
    assert.equal(counter.listeners, 0);
    await assertNothingLeft(rt, server);
  });
}

test('callers outside give back what they took, however their streams end', async (t) => {
  const { server, rt } = await connected(t, { ...words, fault: ({ prompt }) => (prompt === 'fails' ? 400 : undefined) });
  for (let i = 0; i < 100; i++) {
    await chunksOf(rt.llmStream('read'));
    for await (const _ of rt.llmStream('left', { timeout: 60_000 })) break;
    await rejection(rt.llmStream('fails').result);
    const controller = new AbortController();
    const aborted = rejection(rt.llmStream('aborted', { signal: controller.signal }).result);
    controller.abort();
    await aborted;
    await rt.llm('whole');
  }
  await assertNothingLeft(rt, server);
  // Numbers of fibers are used again, so the next one is small.
  const { _fiber } = rt.submit(() => undefined);
  assert.ok(_fiber > 0 && _fiber < 20, `the next fiber is number ${_fiber}`);
});

test('a stream that is still open when its task ends is closed', async (t) => {
  const { server, rt } = await connected(t, { ...words, pauseAfter: 2 });
  const leaving = rt.submit(async (ctx) => {
    const unread = ctx.llmStream('never read');
    const begun = ctx.llmStream('begun');
    await begun.next();
    await server.whenHeld(2);
    return [unread, begun];
  });
  const streams = await leaving.promise;
  await server.whenAborted(2);
  await server.whenSocketsClosed();
  for (const stream of streams) assert.ok((await rejection(stream.next())) instanceof heddle.CancellationError);
  await assertNothingLeft(rt, server);
});

test('closing the runtime ends the streams of callers outside, also those that are being read', async (t) => {
  const { server, rt } = await connected(t, { ...words, pauseAfter: 2 });
  const read = rt.llmStream('read');
  const reading = rejection(chunksOf(read));
  const idle = rt.llmStream('idle');
  await idle.next();
  await server.whenHeld(2);
  await turns();
  await rt.close();
  assert.equal((await reading).code, 'Closed');
  assert.equal((await rejection(idle.next())).code, 'Closed');
  assert.equal((await rejection(read.result)).code, 'Closed');
  await server.whenAborted(2);
  await server.whenSocketsClosed();
});

// --- Places, bodies, simulation ---

test('a stream holds its place until it has ended, and while its reader takes its time', async (t) => {
  const { server, rt } = await connected(t, words, { maxConcurrentLLMCalls: 1 });
  const stream = rt.llmStream('first');
  for (const text of pieces) {
    assert.equal((await stream.next()).value.text, text);
    assert.equal(rt.getStats().concurrentLLMCalls, 1);
  }
  const second = rt.llm('second');
  await turns();
  assert.deepEqual([rt.getStats().waitingLLMCalls, server.stats().requests], [1, 1]);
  assert.equal((await stream.next()).done, true);
  assert.equal((await second).text, kWords);
  await assertNothingLeft(rt, server);
});

test('two streams of one task can be read in turn', async (t) => {
  const { server, rt } = await connected(t, { respond: ({ prompt }) => `${prompt}1 ${prompt}2 ${prompt}3` });
  const task = rt.submit(async (ctx) => {
    const streams = [ctx.llmStream('a'), ctx.llmStream('b')];
    const texts = [];
    for (let i = 0; i < 3; i++) for (const stream of streams) texts.push((await stream.next()).value.text.trim());
    return [texts, (await streams[0].result).text, (await streams[1].result).text];
  });
  assert.deepEqual(await task.promise, [['a1', 'b1', 'a2', 'b2', 'a3', 'b3'], 'a1 a2 a3', 'b1 b2 b3']);
  await assertNothingLeft(rt, server);
});

test('a generator body reads a stream by yielding', async (t) => {
  const { server, rt } = await connected(t, words);
  const task = rt.submit(function* (ctx) {
    const stream = ctx.llmStream('q');
    const texts = [];
    for (let next; !(next = yield stream.next()).done; ) texts.push(next.value.text);
    const { text } = yield stream.result;
    const whole = yield ctx.llm('q');
    return [texts, text, whole.text];
  });
  assert.deepEqual(await task.promise, [pieces, kWords, kWords]);
  await assertNothingLeft(rt, server);
});

test('an empty answer is a stream without chunks', async (t) => {
  for (const protocol of protocols) {
    const { server, rt } = await connected(t, { respond: () => '' }, { protocol });
    const stream = rt.llmStream('q');
    assert.deepEqual(await chunksOf(stream), []);
    assert.equal((await stream.result).text, '');
    assert.equal((await rt.llm('q')).text, '');
    await assertNothingLeft(rt, server);
  }
  const rt = await open(t, { provider: simulated({ script: () => '' }), clock: 'virtual' });
  assert.deepEqual(await chunksOf(rt.llmStream('q')), []);
  assert.equal((await rt.llmStream('q').result).text, '');
  await assertNothingLeft(rt);
});

test('a simulated stream gives the text of the same call, over the same time', async (t) => {
  const rt = await open(t, { provider: simulated({ latency: 1000, script: () => ' some words,  and more \n' }), clock: 'virtual' });
  const whole = await rt.llm('q');
  const began = rt.clock.now();
  const stream = rt.llmStream('q');
  const times = [];
  const texts = [];
  for await (const { text } of stream) {
    texts.push(text);
    times.push(rt.clock.now() - began);
  }
  const result = await stream.result;
  assert.equal(texts.join(''), whole.text);
  assert.deepEqual(texts, [' some', ' words,', '  and', ' more', ' \n']);
  assert.deepEqual(times, [300, 475, 650, 825, 1000]);
  assert.deepEqual([result.text, result.usage, result.timings.completedAt - began], [whole.text, whole.usage, 1000]);
  await assertNothingLeft(rt);
});

test('a simulated stream can be cancelled, left and timed out in the midst', async (t) => {
  const rt = await open(t, { provider: simulated({ latency: 1000, script: () => 'a b c d e f' }), clock: 'virtual', maxConcurrentLLMCalls: 1 });
  const cancelled = rt.submit(async (ctx) => {
    for await (const { text } of ctx.llmStream('q')) if (text === ' b') ctx.cancel('enough');
  });
  assert.equal((await rejection(cancelled.promise)).reason, 'enough');
  const left = rt.llmStream('q');
  for await (const { text } of left) if (text === ' c') break;
  const timed = rt.llmStream('q', { timeout: 500 });
  const texts = [];
  const error = await rejection((async () => {
    for await (const { text } of timed) texts.push(text);
  })());
  assert.deepEqual([error.code, texts], ['Timeout', ['a', ' b']]);
  // While one next() waits, the stream is left.
  const raced = rt.llmStream('q');
  await raced.next();
  const waiting = raced.next();
  for (let hop = 0; hop < 5; hop++) await undefined;
  await raced.return();
  assert.equal((await waiting).done, true);
  assert.equal((await rt.llm('free')).text, 'a b c d e f');
  await assertNothingLeft(rt);
});
