// Calls whose answer must have a form: the value in the result, the failure, and repair as attempts of the same call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import heddle, { open } from '../support/heddle.mjs';
import { assertAtRest, hasCode, rejection, thrown } from '../support/tasks.mjs';

const point = { type: 'object', properties: { x: { type: 'number' }, y: { type: 'number' } }, required: ['x', 'y'], additionalProperties: false };

/** A runtime whose model gives these answers, one an attempt; each attempt's request is noted. */
async function setUp(t, answers, { latency = 100, ...config } = {}) {
  const requests = [];
  const script = (request, n) => {
    requests.push(request);
    return answers[Math.min(n, answers.length) - 1];
  };
  const rt = await open(t, { clock: 'virtual', provider: heddle.simulated({ latency, script }), ...config });
  return { rt, requests };
}

/** The same with a provider that is asked for real: a function. */
async function live(t, answers, config) {
  const requests = [];
  const ask = async (request) => {
    requests.push(structuredClone(request));
    return answers[Math.min(requests.length, answers.length) - 1];
  };
  const rt = await open(t, { provider: heddle.custom(ask), ...config });
  return { rt, requests };
}

test('the result has the value, and the provider is asked for the form', async (t) => {
  const { rt, requests } = await setUp(t, ['{"x":1,"y":2}']);
  const result = await rt.llm('where?', { schema: point, schemaName: 'point' });
  assert.deepEqual(result.value, { x: 1, y: 2 });
  assert.equal(result.text, '{"x":1,"y":2}');
  assert.equal(result.attempts, 1);
  assert.deepEqual(requests[0].format, { type: 'json-schema', name: 'point', schema: point });
  const { rt: other, requests: asked } = await setUp(t, ['[1,2]']);
  assert.deepEqual((await other.llm('where?', { json: true })).value, [1, 2]);
  assert.deepEqual(asked[0].format, { type: 'json' });
  assertAtRest(rt);
});

test('without a form there is no value', async (t) => {
  const { rt, requests } = await setUp(t, ['{}']);
  const result = await rt.llm('x');
  assert.ok(!('value' in result));
  assert.ok(!('format' in requests[0]));
});

for (const [kind, make] of Object.entries({ simulated: setUp, live })) {
  test(`an answer of the wrong form fails the call with a typed error, once, where no repair was asked for (${kind})`, async (t) => {
    const { rt, requests } = await make(t, ['{"x":"secret?"}']);
    const error = hasCode(await rejection(rt.submit((ctx) => ctx.llm('the prompt', { schema: point })).promise), 'StructuredOutput');
    assert.ok(error instanceof heddle.StructuredOutputError);
    assert.deepEqual(error.problems.map(({ path }) => path).sort(), ['', '/x']);
    assert.equal(error.text, '{"x":"secret?"}');
    assert.equal(error.attempts, 1);
    assert.ok(!error.message.includes('the prompt'));
    assert.equal(requests.length, 1);
    assertAtRest(rt);
  });

  test(`a repair is a further attempt, at once, that shows the wrong answer and its problems (${kind})`, async (t) => {
    const { rt, requests } = await make(t, ['{"x":1}', '```json\n{"x":1,"y":2}\n```']);
    const result = await rt.llm([{ role: 'user', content: 'where?' }], { schema: point, repair: 1 });
    assert.deepEqual(result.value, { x: 1, y: 2 });
    assert.equal(result.attempts, 2);
    const [first, second] = result.timings.attempts;
    hasCode(first.error, 'StructuredOutput');
    assert.equal(second.error, undefined);
    assert.deepEqual(requests[1].messages.map(({ role }) => role), ['user', 'assistant', 'user']);
    assert.equal(requests[1].messages[1].content, '{"x":1}');
    assert.match(requests[1].messages[2].content, /the whole answer: .*"y"/);
    assert.deepEqual(requests[1].format, requests[0].format);
    assertAtRest(rt);
  });

  test(`repairs end with the last one, and each shows the latest answer only (${kind})`, async (t) => {
    const { rt, requests } = await make(t, ['1', '2', '3']);
    const error = hasCode(await rejection(rt.llm('where?', { schema: point, repair: 2 })), 'StructuredOutput');
    assert.equal(error.text, '3');
    assert.equal(error.attempts, 3);
    assert.equal(requests.length, 3);
    assert.deepEqual(requests[2].messages.map(({ content }) => content).slice(0, 2), ['where?', '2']);
    assert.equal(requests[2].messages.length, 3);
    assertAtRest(rt);
  });

  test(`an answer whose check is asynchronous ends its attempt only when that is over (${kind})`, async (t) => {
    const { rt } = await make(t, ['1', '2']);
    const schema = z.number().refine(async (n) => {
      await new Promise(setImmediate);
      return n === 2;
    }, 'not two');
    const result = await rt.llm('x', { schema, repair: 1 });
    assert.deepEqual([result.value, result.attempts], [2, 2]);
    assert.deepEqual(result.timings.attempts[0].error.problems, [{ path: '', message: 'not two' }]);
    assertAtRest(rt);
  });

  test(`a schema whose own code throws fails the call at once, with no repair (${kind})`, async (t) => {
    const { rt, requests } = await make(t, ['1', '2']);
    const schema = z.number().transform(() => {
      throw new Error('own code');
    });
    assert.match(hasCode(await rejection(rt.llm('x', { schema, repair: 2 })), 'ArgumentError').message, /own code/);
    assert.equal(requests.length, 1);
    assertAtRest(rt);
  });
}

test('a repair waits for no backoff, and costs the latency of its attempt', async (t) => {
  const { rt } = await setUp(t, ['no', '{"x":1,"y":2}'], { latency: 100 });
  const { timings } = await rt.llm('x', { schema: point, repair: 1 });
  assert.deepEqual(timings.attempts.map(({ startedAt, endedAt }) => [startedAt, endedAt]), [[0, 100], [100, 200]]);
});

test('failures of the server between repairs are retried as ever, and cost no repair', async (t) => {
  const { rt, requests } = await setUp(t, ['no', { error: { status: 503 } }, '{"x":1,"y":2}'], { retry: { maxAttempts: 5 } });
  const { value, attempts } = await rt.llm('x', { schema: point, repair: 1 });
  assert.deepEqual([value, attempts], [{ x: 1, y: 2 }, 3]);
  assert.equal(requests[2].messages.length, 3);
});

test('repairs are attempts: retry.maxAttempts bounds them', async (t) => {
  const { rt, requests } = await setUp(t, ['no'], { retry: { maxAttempts: 2 } });
  hasCode(await rejection(rt.llm('x', { schema: point, repair: 3 })), 'StructuredOutput');
  assert.equal(requests.length, 2);
  assertAtRest(rt);
});

test('a stream gives its text as it comes and the value in its result', async (t) => {
  const { rt } = await setUp(t, ['{"x": 1, "y": 2}']);
  const stream = rt.llmStream('x', { schema: point });
  let text = '';
  for await (const chunk of stream) text += chunk.text;
  assert.equal(text, '{"x": 1, "y": 2}');
  assert.deepEqual((await stream.result).value, { x: 1, y: 2 });
  assertAtRest(rt);
});

test('a stream of the wrong form is read to its end; its result rejects', async (t) => {
  const { rt } = await setUp(t, ['no JSON at all']);
  const stream = rt.llmStream('x', { json: true });
  let text = '';
  for await (const chunk of stream) text += chunk.text;
  assert.equal(text, 'no JSON at all');
  hasCode(await rejection(stream.result), 'StructuredOutput');
  const other = rt.llmStream('x', { schema: point });
  hasCode(await rejection(other.result), 'StructuredOutput');
  assert.match(hasCode(thrown(() => rt.llmStream('x', { schema: point, repair: 1 })), 'ArgumentError').message, /repair must be 0/);
  assertAtRest(rt);
});

test('in a generator body, and cancelled while the check runs', async (t) => {
  const { rt } = await setUp(t, ['{"x":1,"y":2}']);
  const task = rt.submit(function* (ctx) {
    const { value } = yield ctx.llm('x', { schema: point });
    return value;
  });
  assert.deepEqual(await task.promise, { x: 1, y: 2 });
  const { rt: other } = await live(t, ['1']);
  let checking;
  const begun = new Promise((resolve) => (checking = resolve));
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const schema = z.number().refine(async () => {
    checking();
    await held;
    return true;
  });
  const call = other.submit((ctx) => ctx.llm('x', { schema, repair: 1 }));
  const cancelled = rejection(call.promise);
  await begun;
  other.cancel(call.id, 'enough');
  hasCode(await cancelled, 'Cancelled');
  release();
  await other.onIdle();
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  assertAtRest(other);
});

test('a bad form is refused at the call', async (t) => {
  const { rt, requests } = await setUp(t, ['{}']);
  for (const options of [{ schema: 5 }, { schema: { type: 'x' } }, { json: 1 }, { repair: 1 }, { json: true, repair: 9 }, { schemaName: 'x' }]) {
    assert.match(hasCode(await rejection(rt.llm('x', options)), 'ArgumentError').message, /^llm: options\./);
    assert.match(hasCode(thrown(() => rt.llmStream('x', options)), 'ArgumentError').message, /^llmStream: options\./);
  }
  assert.equal(requests.length, 0);
  assertAtRest(rt);
});

test('the same program repairs in the same order, with and without the validator loaded before', async (t) => {
  const run = async () => {
    const { rt } = await setUp(t, ['{"x":1}', '{"x":1,"y":2}'], { seed: 3, latency: (_request, n) => 10 * n });
    const order = [];
    const one = (i) =>
      rt.submit(async (ctx) => {
        await ctx.llm(`q${i}`, i % 2 === 0 ? { schema: point, repair: 1 } : {});
        order.push([i, ctx.now()]);
      });
    await rt.awaitAll(Array.from({ length: 20 }, (_, i) => one(i)));
    return order;
  };
  assert.deepEqual(await run(), await run());
});
