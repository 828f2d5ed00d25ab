// Each fault of the test server, by its name, as a bare fetch sees it. What a client makes of it is for other tests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kFaults } from '../support/llm-faults.mjs';
import { askToWait, kNow, kWaitForms } from '../support/llm-retry-after.mjs';
import { serve } from '../support/llm-server.mjs';

const paths = { openai: '/v1/chat/completions', anthropic: '/v1/messages', responses: '/v1/responses' };
const protocols = Object.keys(paths);
const terminators = { openai: /\[DONE\]/, anthropic: /message_stop/, responses: /response\.completed/ };

function post(server, protocol, prompt, more = {}) {
  const messages = [{ role: 'user', content: prompt }];
  const body = { model: 'm', ...(protocol === 'responses' ? { input: messages } : { messages }), ...more };
  return fetch(server.url + paths[protocol], { method: 'POST', body: JSON.stringify(body) });
}

const get = async (server, protocol, more) => {
  const answer = await post(server, protocol, 'a b', more);
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
};

const errorOf = ({ text }) => JSON.parse(text).error;

test('every fault has a name that the server knows, by script and by rate', async (t) => {
  for (const name of kFaults.filter((name) => !/never|stall/.test(name))) {
    const scripted = await serve(t, { fault: () => name });
    const drawn = await serve(t, { faults: { rates: [[1, name]] } });
    for (const stream of [false, true]) {
      const texts = [];
      for (const server of [scripted, drawn]) texts.push(await post(server, 'openai', 'x', { stream }).then((answer) => answer.text()).catch(() => 'lost'));
      assert.equal(texts[0], texts[1], name);
      assert.doesNotMatch(texts[0], /threw/, name);
    }
  }
});

test('the protocols state a spent account, a long conversation, a filter and an overload in their own words', async (t) => {
  const said = {
    openai: {
      overloaded: [503, 'server_error', null],
      'insufficient-quota': [429, 'insufficient_quota', 'insufficient_quota'],
      'billing-400': [400, 'invalid_request_error', 'billing_hard_limit_reached'],
      'context-length': [400, 'invalid_request_error', 'context_length_exceeded'],
      'content-filter': [400, null, 'content_filter'],
    },
    anthropic: {
      overloaded: [529, 'overloaded_error', undefined],
      'insufficient-quota': [402, 'billing_error', undefined],
      'billing-400': [400, 'invalid_request_error', undefined],
      'context-length': [400, 'invalid_request_error', undefined],
      'content-filter': [400, 'invalid_request_error', undefined],
    },
  };
  for (const [protocol, faults] of Object.entries({ ...said, responses: said.openai })) {
    for (const [fault, expected] of Object.entries(faults)) {
      const server = await serve(t, { fault: () => fault });
      for (const stream of [false, true]) {
        const answer = await get(server, protocol, { stream });
        const { type, code } = errorOf(answer);
        assert.deepEqual([answer.status, type, code], expected, `${protocol} ${fault}`);
      }
    }
  }
});

test('statuses come as asked for, with a body of the protocol', async (t) => {
  const statuses = [400, 401, 402, 403, 404, 408, 409, 413, 422, 425, 429, 500, 502, 503, 504, 529];
  for (const protocol of protocols) {
    const server = await serve(t, { fault: ({ n }) => statuses[n - 1] });
    for (const status of statuses) {
      const answer = await get(server, protocol);
      assert.equal(answer.status, status);
      assert.match(errorOf(answer).message, new RegExp(String(status)));
    }
  }
});

test('each form of a wait is spelt as its name says', async (t) => {
  const spelt = {
    seconds: '2',
    decimal: '1.500',
    date: 'Mon, 01 Jan 2024 00:00:03 GMT',
    'date-rfc850': 'Monday, 01-Jan-24 00:00:04 GMT',
    'date-asctime': 'Mon Jan  1 00:00:05 2024',
    'date-past': 'Sun, 31 Dec 2023 23:59:00 GMT',
    zero: '0',
    negative: '-5',
    long: '90',
    absurd: '315360000',
    garbage: 'soon',
  };
  const inMs = { ms: '700', 'absurd-ms': '315360000000' };
  for (const form of kWaitForms) {
    const server = await serve(t, { fault: () => `retry-after-${form}` });
    const { status, headers, text } = await get(server, 'openai');
    assert.equal(status, 429);
    assert.deepEqual([headers.get('retry-after'), headers.get('retry-after-ms')], [spelt[form] ?? null, inMs[form] ?? null], form);
    if (form.startsWith('date')) assert.equal(Date.parse(headers.get('date')), kNow);
    assert.equal(/"retryDelay":"6s"/.test(text), form.startsWith('body'), form);
    assert.equal(Array.isArray(JSON.parse(text)), form === 'body-list');
  }
  const server = await serve(t, { fault: () => ({ fault: 'retry-after-seconds', status: 503, ms: 7000 }) });
  const { status, headers } = await get(server, 'anthropic');
  assert.deepEqual([status, headers.get('retry-after')], [503, '7']);
  assert.throws(() => askToWait('some day'), /unknown form/);
});

test('a status can come with advice against it', async (t) => {
  const server = await serve(t, { fault: ({ n }) => ['should-retry-true', 'should-retry-false'][n - 1] });
  const answers = [await get(server, 'openai'), await get(server, 'openai')];
  assert.deepEqual(answers.map(({ status, headers }) => [status, headers.get('x-should-retry')]), [[400, 'true'], [503, 'false']]);
});

for (const protocol of protocols) {
  test(`${protocol}: with status 200 come a page, half of JSON, nothing, an error`, async (t) => {
    for (const stream of [false, true]) {
      const faults = ['html-200', 'broken-json-200', 'empty-200', 'error-in-200'];
      const server = await serve(t, { fault: ({ n }) => faults[n - 1] });
      const answers = [];
      for (const _ of faults) answers.push(await get(server, protocol, { stream }));
      assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200]);
      const [html, broken, empty, error] = answers;
      assert.match(html.text, /^<!doctype/);
      assert.throws(() => JSON.parse(broken.text.replace(/^(event: .*\n)?data: /, '')), SyntaxError);
      assert.equal(empty.text, '');
      assert.match(errorOf(error).message, /overloaded/i);
    }
  });

  test(`${protocol}: a stream breaks off with half an event, politely or by a reset`, async (t) => {
    for (const [fault, isPolite] of [['half-event', true], ['reset-mid-body', false]]) {
      for (const after of [0, 2]) {
        const server = await serve(t, { fault: () => ({ fault, after }), respond: () => 'P P P' });
        const { body } = await post(server, protocol, 'x', { stream: true });
        let text = '';
        const read = (async () => {
          for await (const part of body) text += new TextDecoder().decode(part);
        })();
        await (isPolite ? read : assert.rejects(read));
        assert.equal(text.match(/"P ?"/g)?.length ?? 0, after);
        assert.doesNotMatch(text, terminators[protocol]);
        assert.ok(!text.endsWith('\n\n') && text.length > 0, 'the last event is whole');
      }
    }
  });

  test(`${protocol}: a right answer under an odd content type, in odd bytes, is the same answer`, async (t) => {
    const respond = () => '\u{1f9f6}\u4e16 x';
    for (const stream of [false, true]) {
      const at = (fault) => serve(t, { fault: () => fault, respond });
      const plain = await get(await at(undefined), protocol, { stream });
      for (const fault of ['slow-drip', 'split-characters', { fault: 'slow-drip', everyMs: 0 }]) {
        const server = await at(fault);
        const answer = await post(server, protocol, 'a b', { stream });
        const parts = [];
        for await (const part of answer.body) parts.push(part);
        assert.equal(Buffer.concat(parts).toString(), plain.text);
        assert.ok(parts.some((part) => new TextDecoder().decode(part).includes('\ufffd')), 'a character was split');
        assert.equal(server.stats().answered, 1);
      }
      const other = await get(await at('wrong-content-type'), protocol, { stream });
      assert.deepEqual([other.headers.get('content-type'), other.text], ['text/plain', plain.text]);
      if (!stream) continue;
      assert.equal((await get(await at('crlf'), protocol, { stream })).text, plain.text.replaceAll('\n', '\r\n'));
      const padded = (await get(await at('pings'), protocol, { stream })).text;
      assert.equal(padded.replaceAll(/: keep-alive\n\n|event: ping\ndata: .*\n\n/g, ''), plain.text);
      assert.notEqual(padded, plain.text);
    }
  });
}

test('usage can be missing, negative, text and huge', async (t) => {
  const counts = {
    'missing-usage': [undefined, undefined],
    'negative-usage': [-3, -7],
    'text-usage': ['three', '7'],
    'huge-usage': [1e21, 1e300],
  };
  for (const [fault, expected] of Object.entries(counts)) {
    const server = await serve(t, { fault: () => fault });
    const { usage: chat } = JSON.parse((await get(server, 'openai')).text);
    assert.deepEqual([chat?.prompt_tokens, chat?.completion_tokens], expected);
    const streamed = (await get(server, 'openai', { stream: true, stream_options: { include_usage: true } })).text;
    assert.equal(/"usage"/.test(streamed), fault !== 'missing-usage');
    const { usage: messages } = JSON.parse((await get(server, 'anthropic')).text);
    assert.deepEqual([messages?.input_tokens, messages?.output_tokens], expected);
    assert.equal(server.stats().answered, 3);
  }
});
