// A function as a provider: the forms of its answer, the meaning of what it throws, and its end by a signal.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { ArgumentError, ConfigError, custom, HeddleError, LLMError } from 'heddle';
import { isRetryable } from '../../dist/llm/retry.js';
import { ask, attempt, readAll, rejection, ways } from '../support/llm-client.mjs';

const forms = {
  'a string': () => 'abcd',
  'a promise of a string': async () => 'abcd',
  'an object': () => ({ text: 'abcd' }),
  'an async generator of strings': async function* () {
    yield 'ab';
    yield '';
    yield 'cd';
  },
  'an async generator of objects': async function* () {
    yield { text: 'ab' };
    yield { text: 'cd' };
    yield {};
  },
  'a promise of an async iterable': async () =>
    (async function* () {
      yield 'abcd';
    })(),
};

for (const [way, ask1] of Object.entries(ways)) {
  for (const [form, fn] of Object.entries(forms)) {
    test(`${way}: understands ${form}, and estimates its usage`, async () => {
      assert.deepEqual(await ask1(custom(fn), ask('hi')), {
        text: 'abcd',
        usage: { inputTokens: 5, outputTokens: 1, source: 'estimated' },
        finishReason: 'stop',
        model: 'custom',
      });
    });
  }

  test(`${way}: usage, finish reason and model are the function's where it gives them`, async () => {
    const usage = { inputTokens: 1, outputTokens: 2 };
    const expected = { text: 'x', usage: { ...usage, source: 'exact' }, finishReason: 'length', model: 'm-3' };
    const more = { usage, finishReason: 'length', model: 'm-3' };
    assert.deepEqual(
      await ask1(
        custom(() => ({ text: 'x', ...more })),
        ask('hi'),
      ),
      expected,
    );
    assert.deepEqual(
      await ask1(
        custom(async function* () {
          yield 'x';
          yield more;
        }),
        ask('hi'),
      ),
      expected,
    );
  });

  test(`${way}: tool calls and shares of the usage are the function's too`, async () => {
    const toolCalls = [{ id: 'c1', name: 'time', arguments: '{}' }];
    const usage = { inputTokens: 9, outputTokens: 2, cachedInputTokens: 5, reasoningTokens: 1 };
    const expected = { text: '', usage: { ...usage, source: 'exact' }, finishReason: 'tool_calls', model: 'custom', toolCalls };
    for (const fn of [
      () => ({ toolCalls, usage }),
      async function* () {
        yield { usage };
        yield { toolCalls };
      },
    ]) {
      assert.deepEqual(await ask1(custom(fn), ask('hi')), expected);
    }
    assert.ok(!('toolCalls' in (await ask1(custom(() => ({ text: 'x', toolCalls: [] })), ask('hi')))));
  });

  for (const value of [
    { text: 'x', toolCalls: {} },
    { text: 'x', toolCalls: [null] },
    { toolCalls: [{ id: 'c1', name: 'time', arguments: {} }] },
    { toolCalls: [] },
    undefined,
    null,
    7,
    true,
    {},
    { text: 7 },
    { text: 'x', usage: { inputTokens: 1 } },
    { text: 'x', usage: null },
  ]) {
    test(`${way}: ${inspect(value)} is no answer`, async () => {
      const error = await rejection(
        ask1(
          custom(() => value),
          ask('hi'),
        ),
      );
      assert.ok(error instanceof LLMError, inspect(error));
      assert.equal(error.kind, 'protocol');
    });
  }

  const thrown = [
    // what, kind, status, may be tried again
    [
      Object.assign(new Error('slow'), { status: 429, headers: new Headers({ 'retry-after': '2' }) }),
      'rate',
      429,
      true,
      2000,
    ],
    [Object.assign(new Error('slow'), { status: 503, headers: { 'Retry-After-Ms': 9 } }), 'overload', 503, true, 9],
    [Object.assign(new Error('spent'), { status: 429, code: 'insufficient_quota' }), 'quota', 429, false],
    [Object.assign(new Error('no'), { status: 401 }), 'auth', 401, false],
    [{ status: 422, message: 'not even an Error' }, 'invalid', 422, false],
    [
      new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) }),
      'transport',
      undefined,
      true,
    ],
    [Object.assign(new Error('x'), { code: 'ENOTFOUND' }), 'transport', undefined, true],
    [Object.assign(new Error('Connection error.'), { name: 'APIConnectionError' }), 'transport', undefined, true],
    [new DOMException('slow', 'TimeoutError'), 'timeout', undefined, true],
    [new Error('Request timed out.'), 'timeout', undefined, true],
    [
      new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'UND_ERR_HEADERS_TIMEOUT' }) }),
      'timeout',
      undefined,
      true,
    ],
    [Object.assign(new Error('slow'), { statusCode: 429, responseHeaders: { 'retry-after': '1' } }), 'rate', 429, true, 1000],
    [new TypeError('x is not a function'), 'protocol', undefined, false],
    [Object.assign(new Error('odd'), { status: 'open' }), 'protocol', undefined, false],
    ['a string', 'protocol', undefined, false],
    [null, 'protocol', undefined, false],
    [undefined, 'protocol', undefined, false],
  ];
  for (const [what, kind, status, retryable, retryAfter] of thrown) {
    test(`${way}: throwing ${inspect(what).split('\n')[0]} (status ${what?.status ?? what?.statusCode}) counts as ${kind}`, async () => {
      for (const fn of [
        () => {
          throw what;
        },
        async () => {
          throw what;
        },
        async function* () {
          yield 'x';
          throw what;
        },
      ]) {
        const error = await rejection(ask1(custom(fn), ask('hi')));
        assert.ok(error instanceof LLMError, inspect(error));
        assert.deepEqual([error.kind, error.status, error.retryAfter], [kind, status, retryAfter]);
        assert.equal(error.cause, what);
        assert.equal(isRetryable(error), retryable);
      }
    });
  }

  test(`${way}: what the official SDKs throw keeps the server's message, code, limits and advice`, async () => {
    const headers = new Headers({ 'x-should-retry': 'false', 'x-ratelimit-remaining-tokens': '12' });
    const said = { message: 'spent', type: 'requests', code: 'rate_limit_exceeded' };
    for (const error of [said, { type: 'error', error: { ...said } }]) {
      const thrown = Object.assign(new Error('429 spent'), { status: 429, headers, error, requestID: 'req_9' });
      const failed = await rejection(
        ask1(
          custom(() => {
            throw thrown;
          }),
          ask('hi'),
        ),
      );
      assert.deepEqual(
        [failed.kind, failed.providerMessage, failed.providerCode, failed.requestId, failed.rates],
        ['rate', 'spent', 'rate_limit_exceeded', 'req_9', [{ counter: 'tokens', remaining: 12 }]],
      );
      assert.equal(isRetryable(failed), false, 'the server says no');
    }
  });

  test(`${way}: an error of this package's passes through as it is`, async () => {
    const error = new HeddleError('Odd', 'mine');
    assert.equal(
      await rejection(
        ask1(
          custom(() => {
            throw error;
          }),
          ask('hi'),
        ),
      ),
      error,
    );
  });

  test(`${way}: the function gets the request, the signal and the fetch to use`, async () => {
    const options = attempt({ fetch: async (...args) => args });
    const request = ask('hi', { model: 'm-2' });
    let seen;
    const answer = await ask1(
      custom((...args) => {
        seen = args;
        return 'x';
      }),
      request,
      options,
    );
    assert.equal(seen[0], request);
    assert.equal(seen[1].signal, options.signal);
    assert.deepEqual(await seen[1].fetch('a', { method: 'PUT' }), ['a', { method: 'PUT' }]);
    assert.equal(answer.model, 'm-2');
  });

  test(`${way}: an aborted signal does not call the function`, async () => {
    let calls = 0;
    const provider = custom(() => {
      calls++;
      return 'x';
    });
    assert.equal(await rejection(ask1(provider, ask('hi'), attempt({ signal: AbortSignal.abort('why') }))), 'why');
    assert.equal(calls, 0);
  });

  test(`${way}: abort rejects at once though nothing obeys the signal; its late failure is swallowed`, async () => {
    const controller = new AbortController();
    let fail;
    const provider = custom(
      () =>
        new Promise((_, reject) => {
          fail = reject;
        }),
    );
    const answer = rejection(ask1(provider, ask('hi'), attempt({ signal: controller.signal })));
    await undefined;
    controller.abort('why');
    assert.equal(await answer, 'why');
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    fail(new Error('late'));
    await new Promise(setImmediate);
  });

  test(`${way}: a function that obeys its signal ends with the signal's reason, whatever it throws`, async () => {
    const controller = new AbortController();
    const provider = custom(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('my own words')));
        }),
    );
    const answer = rejection(ask1(provider, ask('hi'), attempt({ signal: controller.signal })));
    await undefined;
    controller.abort('why');
    assert.equal(await answer, 'why');
  });
}

test('a stream pulls the iterable only when asked', async () => {
  let made = 0;
  const stream = await custom(async function* () {
    for (;;) yield String(++made);
  }).stream(ask('hi'), attempt());
  assert.equal(made, 0);
  assert.deepEqual([await stream.next(), await stream.next()], ['1', '2']);
  await new Promise(setImmediate);
  assert.equal(made, 2);
});

test('close() and an abort end the iterable, so that its clean-up runs', async () => {
  for (const end of ['close', 'abort']) {
    const controller = new AbortController();
    let cleaned = 0;
    const stream = await custom(async function* () {
      try {
        for (;;) yield 'x';
      } finally {
        cleaned++;
      }
    }).stream(ask('hi'), attempt({ signal: controller.signal }));
    await stream.next();
    if (end === 'close') stream.close();
    else controller.abort('why');
    const error = await rejection(stream.next());
    assert.ok(end === 'abort' ? error === 'why' : error instanceof LLMError);
    await new Promise(setImmediate);
    assert.equal(cleaned, 1);
  }
});

test('abort rejects a pending next() at once though the iterable never gives another piece', async () => {
  const controller = new AbortController();
  const stream = await custom(async function* () {
    yield 'x';
    await new Promise(() => undefined);
  }).stream(ask('hi'), attempt({ signal: controller.signal }));
  assert.equal(await stream.next(), 'x');
  const pending = rejection(stream.next());
  controller.abort('why');
  assert.equal(await pending, 'why');
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

test('a stream has its answer only at its end', async () => {
  for (const fn of [
    () => 'ab',
    async function* () {
      yield 'ab';
    },
  ]) {
    const stream = await custom(fn).stream(ask('hi'), attempt());
    assert.throws(() => stream.answer(), ArgumentError);
    assert.deepEqual(await readAll(stream), ['ab']);
    assert.equal(stream.answer().text, 'ab');
    assert.equal(await stream.next(), undefined);
  }
});

test('bad arguments are refused by a ConfigError that names the key', () => {
  for (const [args, key] of [
    [[], 'fn'],
    [['x'], 'fn'],
    [[() => 'x', { model: '' }], 'model'],
    [[() => 'x', { modle: 'm' }], 'modle'],
  ]) {
    assert.throws(
      () => custom(...args),
      (error) => error instanceof ConfigError && error.key === `custom.${key}`,
      inspect(args),
    );
  }
  assert.equal(custom(() => 'x', { model: 'm' }).model, 'm');
});
