// The test server itself, asked by bare fetch: what other tests believe about it is checked here.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { rateLimited, serve } from '../support/llm-server.mjs';

const paths = { openai: '/v1/chat/completions', anthropic: '/v1/messages' };

// `more` goes into the body, except for a signal.
function post(server, protocol, prompt, { signal, ...more } = {}) {
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: prompt }], ...more });
  return fetch(server.url + paths[protocol], { method: 'POST', body, ...(signal && { signal }) });
}

const outcomesOf = (server) => server.stats().log.map(({ outcome }) => outcome);

test('openai: a whole answer and a stream have the shapes of the protocol', async (t) => {
  const server = await serve(t, { respond: () => 'one two' });
  const whole = await post(server, 'openai', 'a b c');
  assert.equal(whole.headers.get('x-request-id'), 'req_1');
  assert.deepEqual(await whole.json(), {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 0,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'one two' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  });
  const lines = async (more) =>
    (await (await post(server, 'openai', 'a b c', { stream: true, ...more })).text()).split('\n\n');
  const plain = await lines();
  assert.deepEqual(plain.slice(-2), ['data: [DONE]', '']);
  const deltas = plain.slice(0, -2).map((line) => JSON.parse(line.slice(6)).choices[0]);
  assert.deepEqual(
    deltas.map(({ delta }) => delta.content),
    ['', 'one ', 'two', undefined],
  );
  assert.equal(deltas.at(-1).finish_reason, 'stop');
  const counted = await lines({ stream_options: { include_usage: true } });
  assert.equal(counted.length, plain.length + 1);
  assert.deepEqual(JSON.parse(counted.at(-3).slice(6)).usage, {
    prompt_tokens: 3,
    completion_tokens: 2,
    total_tokens: 5,
  });
});

test('anthropic: a whole answer and a stream have the shapes of the protocol', async (t) => {
  const server = await serve(t, { respond: () => 'one two' });
  const whole = await post(server, 'anthropic', 'a b c');
  assert.equal(whole.headers.get('request-id'), 'req_1');
  assert.deepEqual(await whole.json(), {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [{ type: 'text', text: 'one two' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 2 },
  });
  const text = await (await post(server, 'anthropic', 'a b c', { stream: true })).text();
  const events = text
    .trim()
    .split('\n\n')
    .map((event) => event.split('\n'));
  assert.deepEqual(
    events.map(([name]) => name.slice(7)),
    [
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ],
  );
  const data = events.map(([, line]) => JSON.parse(line.slice(6)));
  assert.deepEqual(data[0].message.usage, { input_tokens: 3, output_tokens: 1 });
  assert.deepEqual(data[3].delta, { type: 'text_delta', text: 'two' });
  assert.deepEqual([data[5].delta.stop_reason, data[5].usage.output_tokens], ['end_turn', 2]);
});

test('usage can be left out, fixed, and given per answer', async (t) => {
  const server = await serve(t, { usage: false });
  assert.equal('usage' in (await (await post(server, 'openai', 'x')).json()), false);
  server.options.usage = true;
  server.options.respond = () => ({ text: 'x', usage: { input: 70, output: 7 } });
  assert.deepEqual((await (await post(server, 'anthropic', 'x')).json()).usage, { input_tokens: 70, output_tokens: 7 });
});

test('chunking split cuts inside characters and adds up to the same bytes; CRLF and pings show', async (t) => {
  const server = await serve(t, { respond: () => '\u{1f9f6}\u4e16 x' });
  const whole = await (await post(server, 'openai', 'x', { stream: true })).text();
  server.options.chunking = 'split';
  server.reset();
  const answer = await post(server, 'openai', 'x', { stream: true });
  const parts = [];
  for await (const part of answer.body) parts.push(part);
  assert.equal(Buffer.concat(parts).toString(), whole);
  assert.ok(
    parts.some((part) => new TextDecoder().decode(part).includes('\ufffd')),
    'some character was split',
  );
  server.options.newline = '\r\n';
  server.options.pings = true;
  const padded = await (await post(server, 'openai', 'x', { stream: true })).text();
  assert.match(padded, /: keep-alive\r\n\r\ndata: /);
  assert.doesNotMatch(padded, /[^\r]\n/);
});

test('counts requests, paths, open calls and their maximum, and logs each call', async (t) => {
  const server = await serve(t, { latencyMs: 'manual' });
  const answers = ['a', 'b', 'c'].map((prompt) => post(server, 'openai', prompt));
  await server.whenHeld(3);
  assert.equal(server.stats().open, 3);
  server.release();
  await Promise.all(answers.map(async (answer) => (await answer).text()));
  server.options.latencyMs = 0;
  await (await post(server, 'anthropic', 'd')).text();
  await (await fetch(`${server.url}/elsewhere`)).text();
  const { log, ...counts } = server.stats();
  assert.deepEqual(
    { ...counts, sockets: 0, connections: 0 },
    {
      requests: 5,
      answered: 4,
      aborts: 0,
      faults: 0,
      open: 0,
      held: 0,
      maxOpen: 3,
      sockets: 0,
      connections: 0,
      byPath: { '/v1/chat/completions': 3, '/v1/messages': 1, '/elsewhere': 1 },
    },
  );
  assert.deepEqual(log.map(({ prompt }) => prompt).sort(), ['a', 'b', 'c', 'd']);
  assert.ok(log.every(({ outcome, status }) => outcome === 'answered' && status === 200));
  server.reset();
  assert.deepEqual([server.stats().requests, server.stats().maxOpen, server.stats().log.length], [0, 0, 0]);
});

test('manual answers are released oldest first, by number or by choice', async (t) => {
  const server = await serve(t, { latencyMs: 'manual' });
  const order = [];
  const send = async (prompt) => {
    await (await post(server, 'openai', prompt)).text();
    order.push(prompt);
  };
  const all = [];
  for (const [i, prompt] of ['a', 'b', 'c', 'd'].entries()) {
    all.push(send(prompt));
    await server.whenHeld(i + 1);
  }
  assert.equal(
    server.release(({ prompt }) => prompt === 'c'),
    1,
  );
  await all[2];
  assert.equal(server.release(1), 1);
  await all[0];
  assert.equal(server.release(), 2);
  assert.equal(server.release(), 0);
  await Promise.all(all);
  assert.deepEqual(order.slice(0, 2), ['c', 'a']);
});

test('a stream can be held after some pieces, and goes on when released', async (t) => {
  const server = await serve(t, { respond: () => 'a b c', pauseAfter: 2 });
  const answer = await post(server, 'openai', 'x', { stream: true });
  await server.whenHeld(1);
  assert.equal(server.stats().log[0].pieces, 2);
  server.release();
  assert.match(await answer.text(), /\[DONE\]/);
});

test('an abort by the client is counted once, before and inside the answer', async (t) => {
  const server = await serve(t, { latencyMs: 'manual', respond: () => 'a b', pauseAfter: 1 });
  const first = new AbortController();
  const early = post(server, 'openai', 'x', { signal: first.signal }).catch(() => undefined);
  await server.whenOpen(1);
  first.abort();
  await server.whenAborted(1);
  await early;
  server.options.latencyMs = 0;
  const second = new AbortController();
  const late = await post(server, 'anthropic', 'x', { signal: second.signal, stream: true });
  await server.whenHeld(1);
  second.abort();
  await late.text().catch(() => undefined);
  await server.whenAborted(2);
  await server.whenSocketsClosed();
  assert.deepEqual(outcomesOf(server), ['aborted', 'aborted']);
  assert.deepEqual([server.stats().open, server.stats().held, server.stats().aborts], [0, 0, 2]);
});

test('an answered call is no abort, though its connection closes later', async (t) => {
  const server = await serve(t, {});
  await (await post(server, 'openai', 'x')).text();
  await server.close();
  assert.deepEqual([server.stats().answered, server.stats().aborts], [1, 0]);
});

for (const protocol of Object.keys(paths)) {
  for (const stream of [false, true]) {
    const what = `${protocol} ${stream ? 'streaming' : 'whole'}`;

    test(`${what}: resets, refusals and garbage look as their names say`, async (t) => {
      const faults = {
        'reset-before-headers': (answer) => assert.rejects(answer),
        'reset-mid-body': async (answer) => assert.rejects(answer.then((a) => a.text())),
        'reset-mid-stream': async (answer) => assert.rejects(answer.then((a) => a.text())),
        'html-200': async (answer) => {
          assert.match((await answer).headers.get('content-type'), /html/);
          assert.match(await (await answer).text(), /^<!doctype/);
        },
        'broken-json-200': async (answer) => {
          const text = (await (await answer).text()).replace(/^(event: .*\n)?data: /, '');
          assert.throws(() => JSON.parse(text), SyntaxError);
        },
        'insufficient-quota': async (answer) => {
          assert.equal((await answer).status, { openai: 429, anthropic: 402 }[protocol]);
          assert.match(await (await answer).text(), /insufficient_quota|billing_error/);
        },
      };
      for (const [fault, check] of Object.entries(faults)) {
        const server = await serve(t, { fault: () => fault, respond: () => 'one two' });
        await check(post(server, protocol, 'x', { stream }));
        assert.deepEqual(outcomesOf(server), ['faulted'], fault);
      }
    });

    test(`${what}: statuses come with the protocol's body, or the given one`, async (t) => {
      const given = { status: 418, headers: { 'x-kind': 'teapot' }, body: 'short and stout' };
      const server = await serve(t, { fault: ({ n }) => [429, 529, given][n - 1] });
      const types = [];
      for (const status of [429, 529]) {
        const answer = await post(server, protocol, 'x', { stream });
        assert.equal(answer.status, status);
        types.push((await answer.json()).error.type);
      }
      assert.deepEqual(types, ['rate_limit_error', 'overloaded_error']);
      const last = await post(server, protocol, 'x', { stream });
      assert.deepEqual(
        [last.status, last.headers.get('x-kind'), await last.text()],
        [418, 'teapot', 'short and stout'],
      );
    });
  }

  test(`${protocol}: a stream can break in each way after a chosen number of pieces`, async (t) => {
    const terminator = { openai: /\[DONE\]/, anthropic: /message_stop/ }[protocol];
    for (const after of [0, 1, 2, 9]) {
      const said = Math.min(after, 3);
      for (const fault of ['cut-stream', 'error-in-stream']) {
        const server = await serve(t, { fault: () => ({ fault, after }), respond: () => 'P P P' });
        const text = await (await post(server, protocol, 'x', { stream: true })).text();
        assert.equal(text.match(/"P ?"/g)?.length ?? 0, said);
        assert.doesNotMatch(text, terminator);
        assert.equal(/"error":/.test(text), fault === 'error-in-stream');
      }
    }
  });

  test(`${protocol}: a reset comes after the pieces that were to come through`, async (t) => {
    for (const after of [0, 1, 2]) {
      const server = await serve(t, { fault: () => ({ fault: 'reset-mid-stream', after }), respond: () => 'P P P' });
      const { body } = await post(server, protocol, 'x', { stream: true });
      let text = '';
      await assert.rejects(async () => {
        for await (const part of body) text += new TextDecoder().decode(part);
      });
      assert.equal(text.match(/"P ?"/g)?.length ?? 0, after);
    }
  });

  test(`${protocol}: never-answer and stall-in-stream end only by the client's abort`, async (t) => {
    const server = await serve(t, { fault: ({ n }) => ['never-answer', 'stall-in-stream'][n - 1] });
    for (let n = 1; n <= 2; n++) {
      const controller = new AbortController();
      const answer = post(server, protocol, 'x', { stream: true, signal: controller.signal }).then((a) => a.text());
      await server.whenRequests(n);
      await server.whenOpen(1);
      controller.abort();
      await assert.rejects(answer);
      await server.whenAborted(n);
    }
  });
}

test('the forms of a rate limit', async (t) => {
  const forms = [['none'], ['seconds', 1500], ['ms', 20], ['date', 3000]];
  const server = await serve(t, { fault: ({ n }) => rateLimited(...forms[n - 1]) });
  const seen = [];
  for (const [spelling] of forms) {
    const { status, headers } = await post(server, 'openai', 'x');
    assert.equal(status, 429);
    if (spelling === 'date') seen.push(Date.parse(headers.get('retry-after')) - Date.parse(headers.get('date')));
    else seen.push(headers.get('retry-after') ?? headers.get('retry-after-ms'));
  }
  assert.deepEqual(seen, [null, '1.5', '20', 3000]);
});

test('faults by rate hit their share, the same calls on every run, in whatever order they arrive', async (t) => {
  const faults = {
    seed: 3,
    rates: [
      [0.2, 429],
      [0.1, { status: 503, headers: { 'retry-after': '0' } }],
    ],
  };
  const prompts = Array.from({ length: 200 }, (_, i) => `p${i}`);
  const run = async (order) => {
    const server = await serve(t, { faults });
    const statuses = await Promise.all(
      order.map(async (prompt) => [prompt, (await post(server, 'openai', prompt)).status]),
    );
    return new Map(statuses.sort());
  };
  const first = await run(prompts);
  assert.deepEqual(await run([...prompts].reverse()), first);
  const count = (status) => [...first.values()].filter((value) => value === status).length;
  assert.ok(count(429) > 20 && count(429) < 60, String(count(429)));
  assert.ok(count(503) > 5 && count(503) < 40, String(count(503)));
});

test('an unknown fault, and a callback that throws, are answered with 500 that says so', async (t) => {
  const server = await serve(t, { fault: () => 'no-such-fault' });
  const answer = await post(server, 'openai', 'x');
  assert.equal(answer.status, 500);
  assert.match(await answer.text(), /no-such-fault/);
});

test('a body that is no JSON is refused, and a page of another origin may call', async (t) => {
  const server = await serve(t, {});
  assert.equal((await fetch(server.url + paths.openai, { method: 'POST', body: '{' })).status, 400);
  const preflight = await fetch(server.url + paths.openai, { method: 'OPTIONS' });
  assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [204, '*']);
  assert.equal(server.stats().requests, 1);
});

test('when...() promises that can no longer come true reject at close', async (t) => {
  const server = await serve(t, {});
  const never = assert.rejects(server.whenOpen(1), /closed/);
  await server.close();
  await never;
  await server.close();
});

test('a process with nothing else to do ends though the server is open', async () => {
  const module = new URL('../support/llm-server.mjs', import.meta.url);
  const program = `import { startLLMServer } from ${JSON.stringify(module.href)};
    const server = await startLLMServer({ latencyMs: 1e6 });
    await server.whenIdle();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' });
  assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 0);
});
