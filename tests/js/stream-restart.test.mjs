// A stream that breaks after its first token fails; or, where its caller chose `restart`, it says so and begins anew.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { custom } from 'heddle';
import { assertNothingLeft, connected, protocols } from '../support/calls.mjs';
import heddle, { open } from '../support/heddle.mjs';
import { holdTime } from '../support/limited.mjs';
import { serve } from '../support/llm-server.mjs';
import { rejection, turns, until } from '../support/tasks.mjs';

const restart = { afterFirstToken: 'restart' };
const kBreaks = ['reset-mid-stream', 'cut-stream', 'error-in-stream'];
const shown = ({ type, text }) => (type === 'restart' ? 'again' : text);

async function chunksOf(stream, into = []) {
  for await (const chunk of stream) into.push(shown(chunk));
  return into;
}

/** The first `n` attempts of a prompt break after two pieces. */
const breaks = (n, fault = 'cut-stream') => ({ fault: ({ attempt }) => (attempt <= n ? { fault, after: 2 } : undefined), respond: (request) => `try ${request.attempt} done` });

for (const protocol of protocols) {
  test(`${protocol}: whatever breaks it, the answer comes again from its beginning, and the result is that one's`, async (t) => {
    for (const fault of kBreaks) {
      const { server, rt } = await connected(t, breaks(1, fault), { protocol, clock: 'virtual', retry: { baseDelay: 100 } });
      const task = rt.submit(async (ctx) => {
        const stream = ctx.llmStream('q', restart);
        return { chunks: await chunksOf(stream), result: await stream.result };
      });
      const { chunks, result } = await task.promise;
      assert.deepEqual(chunks, ['try ', '1 ', 'again', 'try ', '2 ', 'done'], fault);
      assert.deepEqual([result.text, result.attempts, result.timings.attempts.length], ['try 2 done', 2, 2]);
      const [first, second] = result.timings.attempts;
      assert.ok(first.error instanceof heddle.LLMError);
      assert.equal(second.error, undefined);
      assert.ok(second.startedAt - first.endedAt <= 100 && second.startedAt >= first.endedAt);
      assert.equal(result.timings.startedAt, second.startedAt);
      assert.deepEqual([task.llm.attempts, rt.getStats().llmRetries, server.stats().requests], [2, 1, 2]);
      await assertNothingLeft(rt, server);
    }
  });

  test(`${protocol}: a restart waits as a retry does: by backoff, or as long as the server asks`, async (t) => {
    const { server, rt } = await connected(t, breaks(3), { protocol, clock: 'virtual', retry: { baseDelay: 1000, maxAttempts: 4 }, seed: 5 });
    const { timings: { attempts } } = await rt.llmStream('q', restart).result;
    const waits = attempts.slice(1).map(({ startedAt }, i) => startedAt - attempts[i].endedAt);
    waits.forEach((wait, i) => assert.ok(wait >= 0 && wait <= 1000 * 2 ** i, `${wait}`));
    assert.ok(waits.some((wait) => wait > 0));
    await assertNothingLeft(rt, server);
  });

  test(`${protocol}: when the attempts run out, the error is the last one's`, async (t) => {
    const { server, rt } = await connected(t, breaks(9), { protocol, clock: 'virtual', retry: { baseDelay: 0, maxAttempts: 3 } });
    const chunks = [];
    const stream = rt.llmStream('q', restart);
    const error = await rejection(chunksOf(stream, chunks));
    assert.deepEqual([error.code, error.kind, error.attempts], ['LLMError', 'transport', 3]);
    assert.deepEqual(chunks, ['try ', '1 ', 'again', 'try ', '2 ', 'again', 'try ', '3 ']);
    assert.equal(await rejection(stream.result), error);
    assert.equal(server.stats().requests, 3);
    await assertNothingLeft(rt, server);
  });
}

test('without the choice a break is the end', async (t) => {
  for (const options of [undefined, { afterFirstToken: 'fail' }, { afterFirstToken: undefined }]) {
    const { server, rt } = await connected(t, breaks(1), { clock: 'virtual' });
    assert.equal((await rejection(chunksOf(rt.llmStream('q', options)))).kind, 'transport');
    assert.equal(server.stats().requests, 1);
    await assertNothingLeft(rt, server);
  }
});

test('what no retry helps is not begun again', async (t) => {
  let status = 402;
  const provider = custom(async function* () {
    yield 'one ';
    throw Object.assign(new Error('no'), { status });
  });
  for (status of [402, 401, 400]) {
    const rt = await open(t, { clock: 'virtual', provider });
    const error = await rejection(chunksOf(rt.llmStream('q', restart)));
    assert.deepEqual([error.status, error.attempts, rt.getStats().llmCalls], [status, 1, 1]);
    await assertNothingLeft(rt);
  }
});

test('the wait that a server asks for in its stream is waited out; one that is too long ends it', async (t) => {
  let retryAfter = '2';
  let calls = 0;
  const provider = custom(async function* () {
    yield 'one ';
    if (++calls % 2 === 1) throw Object.assign(new Error('busy'), { status: 529, headers: { 'retry-after': retryAfter } });
    yield 'two';
  });
  const rt = await open(t, { clock: 'virtual', provider, retry: { maxRetryAfter: 5000 } });
  const { timings: { attempts }, text } = await rt.llmStream('q', restart).result;
  assert.deepEqual([attempts[1].startedAt - attempts[0].endedAt, text], [2000, 'one two']);
  retryAfter = '6';
  const error = await rejection(rt.llmStream('q', restart).result);
  assert.ok(error instanceof heddle.RetryAfterTooLong, String(error));
  await assertNothingLeft(rt);
});

test('what broke a stream counts for the endpoint as what it was: an overload halves, a fault opens the circuit, a 429 does not', async (t) => {
  for (const [status, limit, circuit] of [[429, 4, 'closed'], [529, 4, 'open'], [500, 8, 'open']]) {
    let isFirst = true;
    const provider = custom(async function* () {
      yield 'one ';
      if (isFirst) {
        isFirst = false;
        throw Object.assign(new Error('busy'), { status });
      }
      yield 'two';
    });
    const rt = await open(t, { clock: 'virtual', provider, adaptive: { initial: 8 }, breaker: { failures: 1 } });
    const code = await rt.llmStream('q', restart).result.then(() => 'ok', (error) => error.code);
    const [model, endpoint] = rt.getStats().gates;
    assert.deepEqual([model.limit, endpoint.circuit, code], [limit, circuit, circuit === 'open' ? 'CircuitOpen' : 'ok'], String(status));
    await assertNothingLeft(rt);
  }
});

test('the budgets of retries hold for restarts', async (t) => {
  const { server, rt } = await connected(t, breaks(9), { clock: 'virtual', retry: { baseDelay: 0, budget: 1 } });
  const error = await rejection(chunksOf(rt.llmStream('q', restart)));
  assert.deepEqual([error.attempts, server.stats().requests], [2, 2]);
  await assertNothingLeft(rt, server);
});

test('a restart that fails before its first token is tried again without another word of it', async (t) => {
  const fault = ({ attempt }) => [{ fault: 'cut-stream', after: 1 }, 503, undefined][attempt - 1];
  const { server, rt } = await connected(t, { fault, respond: () => 'one two' }, { clock: 'virtual', retry: { baseDelay: 0 } });
  const stream = rt.llmStream('q', restart);
  assert.deepEqual(await chunksOf(stream), ['one ', 'again', 'one ', 'two']);
  assert.equal((await stream.result).attempts, 3);
  await assertNothingLeft(rt, server);
});

test('in a plan a restart may be the next entry\'s', async (t) => {
  const { server, rt } = await connected(t, {
    fault: ({ model }) => (model === 'a' ? { fault: 'cut-stream', after: 1 } : undefined), respond: ({ model }) => `${model} answers`,
  }, { clock: 'virtual', retry: { maxAttempts: 2, baseDelay: 0 } });
  const stream = rt.llmStream('q', { ...restart, model: ['a', 'b'] });
  assert.deepEqual(await chunksOf(stream), ['a ', 'again', 'a ', 'again', 'b ', 'answers']);
  const { planEntry, attempts, model } = await stream.result;
  assert.deepEqual([planEntry, attempts, model], [1, 3, 'b']);
  await assertNothingLeft(rt, server);
});

test('rates count every attempt, and what came of each', async (t) => {
  const rates = { tokensPerMinute: 1000, tokenizer: () => 16, outputTokens: 80 };
  const { server, rt } = await connected(t, breaks(1), { clock: 'virtual', retry: { baseDelay: 0 }, rates });
  const { usage } = await rt.llmStream('q', restart).result;
  const [{ requests, tokens }] = rt.getStats().gates;
  // Of the first the 20 that were sent and its 6 characters.
  assert.deepEqual([requests, tokens], [2, 20 + 2 + usage.inputTokens + usage.outputTokens]);
  await assertNothingLeft(rt, server);
});

// --- While it waits to begin again ---

const enders = {
  'its task is cancelled': { act: ({ rt, task }) => rt.cancel(task.id), code: 'Cancelled' },
  'its own signal aborts': { act: ({ controller }) => controller.abort('enough'), code: 'Cancelled' },
  'its timeout ends': { act: ({ rt }) => rt.clock.advance(9000), code: 'Timeout' },
  'the runtime closes': { act: ({ rt }) => void rt.close(), code: 'Cancelled' },
};

for (const [name, { act, code }] of Object.entries(enders)) {
  test(`between the break and the new beginning, ${name}: no other request is made`, async (t) => {
    const server = await serve(t, breaks(1));
    const rt = await open(t, { clock: 'real', provider: heddle.openai({ baseURL: server.openaiBaseURL, apiKey: 'k', model: 'm' }), retry: { baseDelay: 1e8, maxDelay: 1e8 }, ...(code === 'Timeout' && { clock: 'virtual' }) });
    const controller = new AbortController();
    const release = code === 'Timeout' ? holdTime(rt) : undefined;
    const task = rt.submit(async (ctx) => chunksOf(ctx.llmStream('q', { ...restart, signal: controller.signal, timeout: code === 'Timeout' ? 9000 : 0 })));
    await until('it waits', () => rt.getStats().backoffLLMCalls === 1);
    assert.equal(rt.explain(task.id)[0].reason, 'backoff');
    act({ rt, task, controller });
    const error = await rejection(task.promise);
    assert.equal(error.code, code, String(error));
    await release?.();
    assert.equal(server.stats().requests, 1);
    await assertNothingLeft(rt, server);
  });
}

test('a reader who leaves between the break and the new beginning ends it', async (t) => {
  const server = await serve(t, breaks(1));
  const rt = await open(t, { provider: heddle.openai({ baseURL: server.openaiBaseURL, apiKey: 'k', model: 'm' }), retry: { baseDelay: 1e8, maxDelay: 1e8 } });
  const stream = rt.llmStream('q', restart);
  assert.deepEqual([(await stream.next()).value.text, (await stream.next()).value.text], ['try ', '1 ']);
  const next = stream.next();
  await until('it waits', () => rt.getStats().backoffLLMCalls === 1);
  await stream.return();
  assert.equal((await next).done, true);
  assert.equal((await rejection(stream.result)).code, 'Cancelled');
  assert.equal(server.stats().requests, 1);
  await assertNothingLeft(rt, server);
});

test('a stream under a shield begins again after its task was cancelled', async (t) => {
  const { server, rt } = await connected(t, breaks(1), { clock: 'virtual', retry: { baseDelay: 0 } });
  let safe;
  const task = rt.submit(async (ctx) => {
    safe = await ctx.shield(async (inner) => {
      const stream = inner.llmStream('q', restart);
      const chunks = [shown((await stream.next()).value)];
      rt.cancel(task.id);
      return chunksOf(stream, chunks);
    }, { timeout: 60_000 });
  });
  await rejection(task.promise);
  await until('the shield is over', () => safe !== undefined);
  assert.deepEqual(safe, ['try ', '1 ', 'again', 'try ', '2 ', 'done']);
  await turns();
  await assertNothingLeft(rt, server);
});
