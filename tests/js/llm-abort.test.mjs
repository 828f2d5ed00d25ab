// How the HTTP providers end early and how lazily they read, as the server and the socket see it.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { LLMError } from 'heddle';
import { ask, attempt, nowhere, providers, readAll, rejection, scriptedFetch, ways } from '../support/llm-client.mjs';
import { serve } from '../support/llm-server.mjs';

// Aborts, and checks that the promise rejects with the reason in the same turn: before any other task can run.
async function abortAtOnce(controller, promise) {
  const reason = new Error('enough');
  let seen;
  promise.catch((error) => {
    seen = error;
  });
  controller.abort(reason);
  for (let hop = 0; hop < 20 && seen === undefined; hop++) await undefined;
  assert.equal(seen, reason);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
}

// A fetch that tells when the headers are there.
function noticing() {
  let notice;
  const headers = new Promise((resolve) => {
    notice = resolve;
  });
  return {
    headers,
    fetch: async (...args) => {
      const answer = await fetch(...args);
      notice();
      return answer;
    },
  };
}

for (const [name, make] of Object.entries(providers)) {
  for (const [way, ask1] of Object.entries(ways)) {
    test(`${name} ${way}: an aborted signal sends nothing`, async (t) => {
      const server = await serve(t, {});
      const error = await rejection(ask1(make(server), ask('hi'), attempt({ signal: AbortSignal.abort('why') })));
      assert.equal(error, 'why');
      assert.equal(server.stats().requests, 0);
    });

    test(`${name} ${way}: abort before the headers rejects at once and closes the socket`, async (t) => {
      const server = await serve(t, { latencyMs: 'manual' });
      const controller = new AbortController();
      const answer = ask1(make(server), ask('hi'), attempt({ signal: controller.signal }));
      await server.whenHeld(1);
      await abortAtOnce(controller, answer);
      await server.whenAborted(1);
      await server.whenSocketsClosed();
    });

    test(`${name} ${way}: abort in mid-body rejects at once and closes the socket`, async (t) => {
      const server = await serve(t, { fault: () => 'stall-in-stream', respond: () => 'one two three' });
      const controller = new AbortController();
      const { headers, fetch } = noticing();
      const answer = ask1(make(server), ask('hi'), attempt({ signal: controller.signal, fetch }));
      await headers;
      await abortAtOnce(controller, answer);
      await server.whenAborted(1);
      await server.whenSocketsClosed();
    });

    test(`${name} ${way}: abort during the body of a refusal rejects with the reason, not the refusal`, async () => {
      const controller = new AbortController();
      const body = new ReadableStream({ pull: () => new Promise(() => undefined) }, { highWaterMark: 0 });
      const answer = ask1(
        make(nowhere),
        ask('hi'),
        attempt({
          signal: controller.signal,
          fetch: async () => new Response(body, { status: 500 }),
        }),
      );
      await new Promise(setImmediate);
      await abortAtOnce(controller, answer);
    });

    test(`${name} ${way}: a fetch that ignores its signal delays no abort, and its late answer is closed`, async () => {
      const controller = new AbortController();
      const { fetch, seen } = scriptedFetch([], { endless: true });
      let answerNow;
      const late = new Promise((resolve) => {
        answerNow = resolve;
      });
      const deaf = async (...args) => {
        await late;
        return fetch(...args);
      };
      const answer = ask1(make(nowhere), ask('hi'), attempt({ signal: controller.signal, fetch: deaf }));
      await abortAtOnce(controller, answer);
      answerNow();
      await new Promise(setImmediate);
      assert.equal(seen.cancelled, true);
    });
  }

  test(`${name}: abort in mid-stream rejects at once and closes the socket`, async (t) => {
    const server = await serve(t, { respond: () => 'one two three', pauseAfter: 2 });
    const controller = new AbortController();
    const stream = await make(server).stream(ask('hi'), attempt({ signal: controller.signal }));
    assert.deepEqual([await stream.next(), await stream.next()], ['one ', 'two ']);
    await abortAtOnce(controller, stream.next());
    await server.whenAborted(1);
    await server.whenSocketsClosed();
  });

  test(`${name}: after an abort the pieces at hand are not given out`, async (t) => {
    const server = await serve(t, { respond: () => 'a b c d e f' });
    const controller = new AbortController();
    let whole = '';
    const inOnePiece = async (...args) => {
      const answer = await fetch(...args);
      whole = await answer.text();
      return new Response(whole, { headers: answer.headers });
    };
    const stream = await make(server).stream(ask('hi'), attempt({ signal: controller.signal, fetch: inOnePiece }));
    assert.equal(await stream.next(), 'a ');
    controller.abort('why');
    assert.equal(await rejection(stream.next()), 'why');
    assert.equal(await rejection(stream.next()), 'why');
  });

  test(`${name}: close() of an unread stream closes the socket, and a pending next() rejects`, async (t) => {
    const server = await serve(t, { respond: () => 'one two', pauseAfter: 1 });
    const { signal } = new AbortController();
    const stream = await make(server).stream(ask('hi'), attempt({ signal }));
    await stream.next();
    const pending = rejection(stream.next());
    stream.close();
    stream.close();
    assert.ok((await pending) instanceof LLMError);
    assert.ok((await rejection(stream.next())) instanceof LLMError);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    await server.whenAborted(1);
    await server.whenSocketsClosed();
  });

  test(`${name}: a thousand aborted attempts leave nothing open`, async (t) => {
    const server = await serve(t, { latencyMs: 'manual' });
    const provider = make(server);
    for (let round = 1; round <= 10; round++) {
      const controller = new AbortController();
      const answers = Array.from({ length: 100 }, () =>
        rejection(provider.complete(ask('hi'), attempt({ signal: controller.signal }))),
      );
      await server.whenHeld(100);
      controller.abort('why');
      assert.deepEqual(new Set(await Promise.all(answers)), new Set(['why']));
      await server.whenAborted(100 * round);
    }
    await server.whenSocketsClosed();
    assert.equal(server.stats().open, 0);
  });

  test(`${name}: a stream is read only when asked, one read at a time`, async (t) => {
    const server = await serve(t, { respond: () => 'a b c d' });
    const parts = [];
    const recording = async (...args) => {
      const answer = await fetch(...args);
      parts.push(...(await answer.text()).split(/(?<=\n\n)/));
      return new Response('', { headers: { 'content-type': 'text/event-stream' } });
    };
    await rejection(ways.streaming(make(server), ask('hi'), attempt({ fetch: recording })));

    const { fetch: scripted, seen } = scriptedFetch(parts);
    const stream = await make(nowhere).stream(ask('hi'), attempt({ fetch: scripted }));
    assert.equal(seen.pulls, 0, 'nothing is read before the first next()');
    let before = seen.pulls;
    for (const piece of ['a ', 'b ', 'c ', 'd']) {
      assert.equal(await stream.next(), piece);
      await new Promise(setImmediate);
      if (piece !== 'a ') assert.equal(seen.pulls, before + 1, 'each further piece costs one read');
      before = seen.pulls;
    }
  });

  test(`${name}: a server cannot push more than the buffers between hold`, async (t) => {
    const kPieces = 1024;
    const piece = 'x'.repeat(64 * 1024);
    const server = await serve(t, {
      respond: ({ prompt }) =>
        prompt === 'big'
          ? {
              pieces: (function* () {
                for (let i = 0; i < kPieces; i++) yield piece;
              })(),
            }
          : 'ok',
    });
    const provider = make(server);
    const stream = await provider.stream(ask('big'), attempt());
    assert.equal(await stream.next(), piece);
    // Time for the server, measured in its own work.
    for (let i = 0; i < 50; i++) await provider.complete(ask('small'), attempt());
    const written = server.stats().log[0].pieces;
    assert.ok(written < kPieces / 2, `${written} of ${kPieces} pieces left the server`);
    stream.close();
    await server.whenAborted(1);
  });

  const whole = {
    openai: ['data: {"choices":[{"delta":{"content":"x"}}]}\n\n', 'data: [DONE]\n\n'],
    anthropic: ['data: {"type":"message_start","message":{}}\n\n', 'data: {"type":"message_stop"}\n\n'],
  }[name];

  test(`${name}: after the terminator the body is read to its end, and the connection kept`, async () => {
    const { fetch, seen } = scriptedFetch(whole);
    await readAll(await make(nowhere).stream(ask('hi'), attempt({ fetch })));
    await new Promise(setImmediate);
    assert.deepEqual([seen.pulls, seen.cancelled], [3, false]);
  });

  test(`${name}: a server that goes on after the terminator is cut off`, async () => {
    const { fetch, seen } = scriptedFetch([...whole, 'data: more\n\n', 'data: more\n\n']);
    await readAll(await make(nowhere).stream(ask('hi'), attempt({ fetch })));
    await new Promise(setImmediate);
    assert.deepEqual([seen.pulls, seen.cancelled], [3, true]);
  });

  test(`${name}: a server that stays silent after the terminator delays nothing`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { fetch, seen } = scriptedFetch(whole, { endless: true });
    const stream = await make(nowhere).stream(ask('hi'), attempt({ fetch }));
    await readAll(stream);
    assert.equal(seen.cancelled, false);
    t.mock.timers.tick(1000);
    await new Promise(setImmediate);
    assert.equal(seen.cancelled, true);
  });
}
