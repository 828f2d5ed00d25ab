// What cannot be used is refused at the call by a typed error that names it, and costs nothing; providers that misbehave
// become typed errors, too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anthropic, custom, openai, simulated } from 'heddle';
import { asking, assertNothingLeft, connected, protocols } from '../support/calls.mjs';
import heddle, { open } from '../support/heddle.mjs';
import { kKey, providers } from '../support/llm-client.mjs';
import { rejection, thrown, turns } from '../support/tasks.mjs';

const circular = [{ role: 'user', content: [] }];
circular[0].content.push(circular);

const badPrompts = {
  'no prompt': [undefined],
  'null': [null],
  'a number': [7],
  'an empty array': [[]],
  'an array of strings': [['hi']],
  'a message of null': [[null]],
  'a message without a role': [[{ content: 'hi' }]],
  'a message with an empty role': [[{ role: '', content: 'hi' }]],
  'a message without content': [[{ role: 'user' }]],
  'a second message with a number as content': [[{ role: 'user', content: 'hi' }, { role: 'user', content: 5 }]],
  'a sparse array': [[, { role: 'user', content: 'hi' }]],
};
const badOptions = {
  'options that are a string': ['hi', 'fast'],
  'options that are null': ['hi', null],
  'an unknown option': ['hi', { tempreature: 1 }, /tempreature is no option; there are model/],
  'an empty model': ['hi', { model: '' }, /options\.model must be a non-empty string, or a plan.*got an empty string/],
  'a model that is an object': ['hi', { model: {} }],
  'maxTokens 0': ['hi', { maxTokens: 0 }, /options\.maxTokens must be a positive integer, got 0/],
  'maxTokens 1.5': ['hi', { maxTokens: 1.5 }],
  'a temperature of NaN': ['hi', { temperature: NaN }, /options\.temperature must be a finite number, got NaN/],
  'a temperature as a string': ['hi', { temperature: '1' }],
  'sample 0.5': ['hi', { sample: 0.5 }],
  'a negative timeout': ['hi', { timeout: -1 }, /options\.timeout must be a number of milliseconds, 0 or more, got -1/],
  'a timeout of NaN': ['hi', { timeout: NaN }],
  'a timeout as a string': ['hi', { timeout: '5' }],
  'a signal that is none': ['hi', { signal: {} }, /options\.signal must be an AbortSignal/],
};

// Refused however it is said: by a promise, or at once.
const refusal = (call) => rejection((async () => call())());

test('each bad prompt and option is an ArgumentError at the call, in a task and outside, and sends nothing', async (t) => {
  const { server, rt } = await connected(t);
  const callers = { rt, task: undefined };
  const task = rt.submit(async (ctx) => {
    callers.task = ctx;
    for (const [where, caller] of Object.entries(callers)) {
      for (const [what, [prompt, options, message]] of Object.entries({ ...badPrompts, ...badOptions })) {
        for (const [operation, call] of [['llm', () => caller.llm(prompt, options)], ['llmStream', () => caller.llmStream(prompt, options)]]) {
          const error = await refusal(call);
          assert.ok(error instanceof heddle.ArgumentError, `${where} ${operation}, ${what}: ${error}`);
          assert.equal(error.operation, operation);
          if (message !== undefined) assert.match(error.message, message);
          assert.ok(error.message.startsWith(`${operation}: `));
        }
      }
    }
  });
  await task.promise;
  assert.equal(rt.getStats().llmCalls, 0);
  assert.equal(server.stats().requests, 0);
  await assertNothingLeft(rt, server);
});

test('each bad argument of ctx.call is an ArgumentError, and runs nothing', async (t) => {
  const rt = await open(t);
  let runs = 0;
  const fn = () => runs++;
  const task = rt.submit(async (ctx) => {
    for (const args of [[], ['', fn], [5, fn], [fn], ['x'], ['x', 'y'], ['x', fn, { timeout: -1 }], ['x', fn, { signal: 1 }], ['x', fn, 5], ['x', fn, null], ['x', fn, { retries: 1 }]]) {
      const error = await refusal(() => ctx.call(...args));
      assert.ok(error instanceof heddle.ArgumentError, String(error));
      assert.equal(error.operation, 'call');
    }
  });
  await task.promise;
  assert.equal(runs, 0);
  await assertNothingLeft(rt);
});

test('a context of another runtime, or something that is none, is refused', async (t) => {
  const [one, two] = [await open(t), await open(t)];
  const task = one.submit(async (ctx) => {
    for (const bad of [ctx, {}, 'ctx', null]) {
      for (const call of [() => two.llm('q', { ctx: bad }), () => two.llmStream('q', { ctx: bad })]) {
        const error = await refusal(call);
        assert.ok(error instanceof heddle.ArgumentError, String(error));
      }
    }
  });
  await task.promise;
  await assertNothingLeft(one);
  await assertNothingLeft(two);
});

test('an aborted signal is a CancellationError, and sends nothing', async (t) => {
  const { server, rt } = await connected(t);
  const aborted = AbortSignal.abort(new Error('over before it began'));
  const task = rt.submit(async (ctx) => {
    for (const way of Object.keys(asking)) {
      for (const caller of [ctx, rt]) {
        const error = await rejection(asking[way](caller, 'q', { signal: aborted }));
        assert.ok(error instanceof heddle.CancellationError, String(error));
        assert.equal(error.cause, aborted.reason);
      }
    }
    const error = await rejection(ctx.call('c', () => assert.fail('ran'), { signal: aborted }));
    assert.equal(error.cause, aborted.reason);
  });
  await task.promise;
  assert.equal(server.stats().requests, 0);
  await assertNothingLeft(rt, server);
});

test('calls of a runtime that is closed, or of a task that is over, are typed errors', async (t) => {
  const rt = await open(t, { provider: simulated({ latency: 0 }) });
  let late;
  await rt.submit((ctx) => {
    late = ctx;
  }).promise;
  await turns();
  for (const call of [() => late.llm('q'), () => late.llmStream('q').result, () => late.call('c', () => 1)]) {
    assert.equal((await refusal(call)).code, 'ArgumentError');
  }
  await assertNothingLeft(rt);
  await rt.close();
  for (const call of [() => rt.llm('q'), () => rt.llmStream('q').result, () => late.llm('q'), () => late.call('c', () => 1)]) {
    assert.equal((await refusal(call)).code, 'Closed');
  }
});

test('what a caller does to its messages after the call changes nothing', async (t) => {
  const { server, rt } = await connected(t, { fault: ({ attempt }) => (attempt === 1 ? 503 : undefined) }, { retry: { baseDelay: 0 } });
  const messages = [{ role: 'user', content: 'as called' }];
  const call = rt.llm(messages);
  messages[0].content = 'changed';
  messages.push({ role: 'user', content: 'added' });
  assert.equal((await call).text, 'echo: as called');
  assert.deepEqual(server.stats().log.map(({ prompt }) => prompt), ['as called', 'as called']);
  await assertNothingLeft(rt, server);
});

test('a prompt that cannot be written as JSON is a typed error and is not tried again', async (t) => {
  for (const protocol of protocols) {
    const { server, rt } = await connected(t, {}, { protocol });
    for (const way of Object.keys(asking)) {
      const error = await rejection(asking[way](rt, circular));
      assert.deepEqual([error.code, error.kind, error.attempts], ['LLMError', 'invalid', 1]);
    }
    assert.equal(server.stats().requests, 0);
    await assertNothingLeft(rt, server);
  }
});

test('createRuntime refuses each bad configuration of calls by the key', async (t) => {
  const bad = {
    provider: [null, 'openai', {}, { kind: 'openai' }, { kind: 'simulated' }, { kind: 'custom', complete: 'yes' }, () => 'hi'],
    maxConcurrentLLMCalls: [0, -1, 1.5, NaN, '8', null],
    fetch: ['fetch', {}],
    'retry.maxAttempts': [0, 1.5, '3'],
    'retry.baseDelay': [-1, NaN, '5'],
    'retry.maxDelay': [-1],
    'retry.maxRetryAfter': [-1, null],
    'retry.budget': [-1, 0.5],
    'retry.jitter': [true],
    retry: [5, [], null],
  };
  const rt = await open(t);
  for (const [key, values] of Object.entries(bad)) {
    for (const value of values) {
      const config = key.startsWith('retry.') ? { retry: { [key.slice(6)]: value } } : { [key]: value };
      const errors = [await rejection(heddle.createRuntime(config))];
      if (key !== 'provider' && key !== 'fetch') errors.push(thrown(() => rt.configure(config)));
      for (const error of errors) {
        assert.ok(error instanceof heddle.ConfigError, `${key}: ${error}`);
        assert.equal(error.key, key);
        assert.ok(error.message.includes(key), error.message);
      }
    }
  }
});

// --- Providers that misbehave ---

const oddities = {
  'throws an Error': [() => { throw new Error('broken'); }, /broken/],
  'throws a string': [() => { throw 'a string'; }, /a string/],
  'throws undefined': [() => { throw undefined; }],
  'throws null': [() => Promise.reject(null)],
  'gives undefined': [() => undefined],
  'gives a number': [() => 7],
  'gives an object without text': [() => ({})],
  'gives text that is no string': [() => ({ text: 5 })],
  'gives broken usage': [() => ({ text: 'x', usage: { inputTokens: -1, outputTokens: 'many' } })],
  'gives pieces that are numbers': [async function* () { yield 1; }],
  'has an iterator that is none': [() => ({ [Symbol.asyncIterator]: () => ({}) })],
};

for (const [what, [fn, message]] of Object.entries(oddities)) {
  test(`a custom provider that ${what} makes an LLMError, once`, async (t) => {
    let calls = 0;
    const provider = custom((...args) => {
      calls++;
      return fn(...args);
    });
    const rt = await open(t, { provider });
    for (const way of Object.keys(asking)) {
      const error = await rejection(asking[way](rt, 'q'));
      assert.ok(error instanceof heddle.LLMError, String(error));
      assert.deepEqual([error.kind, error.attempts], ['protocol', 1]);
      if (message !== undefined) assert.match(error.message, message);
    }
    assert.equal(calls, 2);
    await assertNothingLeft(rt);
  });
}

test('a custom provider\'s error with a status counts as that answer', async (t) => {
  let n = 0;
  const provider = custom(() => {
    n++;
    if (n === 1) throw Object.assign(new Error('slow down'), { status: 429, headers: { 'Retry-After': '3' } });
    if (n === 2) throw Object.assign(new Error('lost'), { code: 'ECONNRESET' });
    if (n === 3) return 'fine';
    throw Object.assign(new Error('no'), { status: 401 });
  });
  const rt = await open(t, { provider, clock: 'virtual' });
  const { text, attempts, timings } = await rt.llm('q');
  assert.deepEqual([text, attempts], ['fine', 3]);
  assert.equal(timings.attempts[1].startedAt - timings.attempts[0].endedAt, 3000);
  const error = await rejection(rt.llm('q'));
  assert.deepEqual([error.status, error.kind, error.attempts], [401, 'auth', 1]);
  await assertNothingLeft(rt);
});

test('a hand-made provider that throws, or answers nonsense, cannot break the runtime', async (t) => {
  const broken = { kind: 'custom', model: 'm', complete: () => { throw new TypeError('at once'); }, stream: () => ({}) };
  const rt = await open(t, { provider: broken });
  for (const way of Object.keys(asking)) {
    const error = await rejection(asking[way](rt, 'q'));
    assert.ok(error instanceof heddle.LLMError, String(error));
  }
  await assertNothingLeft(rt);
});

test('a script of the simulated provider that throws, or gives nonsense, is a typed error', async (t) => {
  const scripts = { throws: () => { throw new Error('broken'); }, number: () => 5, promise: async () => 'hi', text: () => ({ text: 5 }), latency: () => ({ latencyMs: -1 }) };
  for (const [what, script] of Object.entries(scripts)) {
    const rt = await open(t, { provider: simulated({ script }), clock: 'virtual' });
    for (const way of Object.keys(asking)) {
      const error = await rejection(asking[way](rt, 'q'));
      assert.ok(error instanceof heddle.HeddleError, `${what}: ${error}`);
    }
    await assertNothingLeft(rt);
  }
});

for (const protocol of protocols) {
  test(`${protocol}: no error shows the key, whatever the server echoes`, async (t) => {
    const echo = (status) => ({ status, headers: { 'x-request-id': kKey, 'request-id': kKey }, body: { error: { message: `bad key ${kKey}`, type: kKey, code: kKey } } });
    const faults = [echo(400), echo(401), echo(500), { status: 200, body: `<p>${kKey}</p>`, headers: { 'content-type': `text/${kKey}` } }, { status: 403, body: kKey }];
    const { server, rt } = await connected(t, { fault: ({ prompt }) => faults[Number(prompt)] }, { protocol, retry: { maxAttempts: 2, baseDelay: 0 } });
    for (const i of faults.keys()) {
      for (const way of Object.keys(asking)) {
        const error = await rejection(asking[way](rt, String(i)));
        assert.ok(error instanceof heddle.LLMError);
        const everything = [String(error), error.stack, JSON.stringify(error), error.requestId, String(error.cause)].join('\n');
        assert.ok(!everything.includes(kKey), everything);
      }
    }
    await server.close();
    const refused = await rejection(rt.llm('q'));
    assert.ok(!`${refused} ${refused.stack} ${JSON.stringify(refused)}`.includes(kKey));
    await assertNothingLeft(rt);
  });
}

test('a fetch that throws, gives nonsense or never answers is a typed error or can be cancelled', async (t) => {
  const address = { baseURL: 'http://a.example/v1', apiKey: kKey, model: 'm' };
  const fetches = { throws: () => { throw new TypeError('no network'); }, nothing: async () => undefined, object: async () => ({}), string: async () => 'hi' };
  for (const [what, fetch] of Object.entries(fetches)) {
    for (const make of [openai, anthropic]) {
      const rt = await open(t, { provider: make(address), fetch, clock: 'virtual', retry: { maxAttempts: 2 } });
      for (const way of Object.keys(asking)) {
        const error = await rejection(asking[way](rt, 'q'));
        assert.ok(error instanceof heddle.LLMError, `${what}: ${error}`);
      }
      await assertNothingLeft(rt);
    }
  }
  const rt = await open(t, { provider: openai(address), fetch: () => new Promise(() => undefined), clock: 'virtual' });
  const calls = Object.keys(asking).map((way) => rejection(asking[way](rt, 'q', { timeout: 50 })));
  await rt.clock.advance(50);
  for (const error of await Promise.all(calls)) assert.equal(error.code, 'Timeout');
  await assertNothingLeft(rt);
});

test('the key stays out of what a runtime and its provider print', async (t) => {
  const { inspect } = await import('node:util');
  for (const make of Object.values(providers)) {
    const provider = make({ openaiBaseURL: 'http://a.example/v1', anthropicBaseURL: 'http://a.example' });
    const rt = await open(t, { provider });
    for (const value of [provider, rt]) {
      assert.ok(!JSON.stringify({ ...value }).includes(kKey));
      assert.ok(!inspect(value, { depth: 5, showHidden: false }).includes(kKey));
    }
  }
});
