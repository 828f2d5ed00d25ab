// What a refusal, a fault or a lost connection becomes, for both protocols and both ways of asking.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { HeddleError, LLMError } from 'heddle';
import { isRetryable } from '../../dist/llm/retry.js';
import { ask, attempt, kKey, nowhere, providers, rejection, ways } from '../support/llm-client.mjs';
import { rateLimited, serve, startLLMServer } from '../support/llm-server.mjs';

// JSON that can be read, and is nested too deep to be written again.
const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;

const sse = { 'content-type': 'text/event-stream' };

for (const [name, make] of Object.entries(providers)) {
  for (const [way, ask1] of Object.entries(ways)) {
    const faults = [
      // fault, kind, status, may be tried again
      [400, 'invalid', 400, false],
      [404, 'invalid', 404, false],
      [422, 'invalid', 422, false],
      [401, 'auth', 401, false],
      [403, 'auth', 403, false],
      [408, 'timeout', 408, true],
      [409, 'server', 409, true],
      [413, 'context-length', 413, false],
      [425, 'server', 425, true],
      [500, 'server', 500, true],
      [502, 'server', 502, true],
      [429, 'rate', 429, true],
      [503, 'overload', 503, true],
      [504, 'timeout', 504, true],
      [529, 'overload', 529, true],
      [
        { status: 500, body: { type: 'error', error: { type: 'overloaded_error', message: 'busy' } } },
        'overload',
        500,
        true,
      ],
      [{ status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad gateway</h1>' }, 'server', 502, true],
      [{ status: 307, headers: { location: '/elsewhere' }, body: '' }, 'protocol', 307, false],
      ['insufficient-quota', 'quota', { openai: 429, anthropic: 402 }[name], false],
      ['html-200', 'protocol', 200, false],
      ['broken-json-200', 'protocol', 200, false],
      [{ status: 200, body: '' }, 'protocol', 200, false],
      [{ status: 200, body: '{}' }, 'protocol', 200, false],
      [{ status: 200, body: 'null' }, 'protocol', 200, false],
      [{ status: 200, body: '[1]' }, 'protocol', 200, false],
      [{ status: 200, body: deep }, 'protocol', 200, false],
      [{ status: 400, body: `{"error":${deep}}` }, 'invalid', 400, false],
      [{ status: 200, body: { error: { message: 'upstream', code: 502 } } }, 'server', 502, true],
      ['reset-before-headers', 'transport', undefined, true],
      ['reset-mid-body', 'transport', undefined, true],
      ...(way === 'whole'
        ? []
        : [
            ['reset-mid-stream', 'transport', undefined, true],
            ['cut-stream', 'transport', undefined, true],
            [{ fault: 'cut-stream', after: 0 }, 'transport', undefined, true],
            ['error-in-stream', ...{ openai: ['server', 500], anthropic: ['overload', 529] }[name], true],
            [
              { fault: 'error-in-stream', after: 0 },
              ...{ openai: ['server', 500], anthropic: ['overload', 529] }[name],
              true,
            ],
            [{ status: 200, headers: sse, body: '<html>\nno: stream\n</html>' }, 'protocol', 200, false],
            [{ status: 200, headers: sse, body: '' }, 'transport', undefined, true],
            [
              {
                status: 200,
                headers: sse,
                body: 'data: [DONE]\n\ndata: {"type":"message_stop"}\n\n',
              },
              'protocol',
              200,
              false,
            ],
            [{ status: 200, headers: sse, body: 'data: 7\n\n' }, 'protocol', 200, false],
            [{ status: 200, headers: sse, body: 'data: {"choi' }, 'transport', undefined, true],
          ]),
    ];
    for (const [fault, kind, status, retryable] of faults) {
      test(`${name} ${way}: ${JSON.stringify(fault).slice(0, 120)} is ${kind}, ${retryable ? 'try again' : 'final'}`, async (t) => {
        const server = await serve(t, { fault: () => fault, respond: () => 'one two three' });
        const error = await rejection(ask1(make(server), ask('hi')));
        assert.ok(error instanceof LLMError, inspect(error));
        assert.equal(error.code, 'LLMError');
        assert.equal(error.kind, kind, error.message);
        assert.equal(error.status, status);
        assert.equal(isRetryable(error), retryable);
        assert.match(error.message, new RegExp(`^${name}: .*; `));
        assert.equal(server.stats().requests, 1, 'one attempt is one request');
        assert.equal(server.stats().open, 0);
      });
    }

    test(`${name} ${way}: nobody listening is a lost connection that names the address`, async () => {
      const server = await startLLMServer();
      await server.close();
      const error = await rejection(ask1(make(server), ask('hi')));
      assert.equal(error.kind, 'transport');
      assert.equal(error.status, undefined);
      assert.match(error.message, /ECONNREFUSED/);
    });

    test(`${name} ${way}: a fetch that gives no usable Response, or throws at the call, is a typed error`, async () => {
      const headers = new Headers();
      const kinds = [];
      for (const fetch of [
        async () => undefined,
        async () => ({ status: 200 }),
        async () => ({ status: 200, headers, body: { pipe() {} } }),
        async () => ({
          status: 200,
          headers,
          body: new ReadableStream({
            start(c) {
              c.enqueue('no bytes');
              c.close();
            },
          }),
        }),
        () => {
          throw new Error('at the call');
        },
      ]) {
        const error = await rejection(ask1(make(nowhere), ask('hi'), attempt({ fetch })));
        assert.ok(error instanceof LLMError, inspect(error));
        kinds.push(error.kind);
      }
      assert.deepEqual(kinds, ['protocol', 'protocol', 'protocol', 'transport', 'transport']);
    });

    test(`${name} ${way}: an error of this package's that the fetch throws passes through as it is`, async () => {
      const denied = new HeddleError('Odd', 'mine');
      const fetch = async () => {
        throw denied;
      };
      assert.equal(await rejection(ask1(make(nowhere), ask('hi'), attempt({ fetch }))), denied);
    });

    test(`${name} ${way}: an error carries the request id and the wait that the server asked for`, async (t) => {
      const forms = [
        rateLimited('none'),
        rateLimited('seconds', 2000),
        rateLimited('date', 90_000),
        rateLimited('ms', 7),
      ];
      const server = await serve(t, { fault: ({ n }) => forms[n - 1] });
      const provider = make(server);
      const waits = [];
      for (let n = 1; n <= forms.length; n++) {
        const error = await rejection(ask1(provider, ask('hi')));
        assert.equal(error.requestId, `req_${n}`);
        waits.push(error.retryAfter);
      }
      assert.deepEqual(waits, [undefined, 2000, 90_000, 7]);
    });

    test(`${name} ${way}: the key is in no error, though the server echoes it everywhere`, async (t) => {
      const echoes = (auth) => [
        { status: 401, body: { error: { message: `bad key ${auth}`, type: auth } } },
        { status: 401, body: { detail: [{ input: auth }], request_id: auth } },
        { status: 500, headers: { 'content-type': 'text/html' }, body: `<p>${'x'.repeat(490)}${auth}</p>` },
        { status: 400, headers: { 'x-request-id': auth, 'request-id': auth } },
        { status: 200, headers: { 'content-type': `text/plain; ${auth.toLowerCase()}` }, body: auth },
        { status: 200, body: { error: { message: `no ${auth}` } } },
        { status: 200, headers: sse, body: `data: {"type": "error", "error": {"message": "no ${auth}"}}\n\n` },
        { status: 200, headers: sse, body: `event: error\ndata: broken ${auth}\n\n` },
        { status: 307, headers: { location: `/?key=${encodeURIComponent(auth)}` } },
      ];
      const server = await serve(t, {
        fault: ({ n, headers }) => echoes(headers['x-api-key'] ?? headers.authorization)[n - 1],
      });
      const secret = 'proxy-secret-77';
      const provider = make(server, { headers: { 'x-proxy-token': secret } });
      const throwing = attempt({
        fetch: async (_url, { headers }) => {
          throw new TypeError(`no route for ${inspect(headers)}`);
        },
      });
      const errors = [await rejection(ask1(provider, ask('hi'), throwing))];
      for (let n = 1; n <= echoes('').length; n++) errors.push(await rejection(ask1(provider, ask('hi'))));
      for (const error of errors) {
        assert.ok(error instanceof LLMError, inspect(error));
        const shown = `${error.stack} ${inspect(error, { depth: 9 })} ${JSON.stringify(error)}`;
        assert.ok(!shown.includes(kKey) && !shown.includes(kKey.slice(0, 12)), shown);
        assert.ok(!shown.includes(secret), shown);
      }
      assert.equal(errors[0].kind, 'transport');
    });
  }
}
