// The simulated provider: what is computed, what a script may say, and that nothing but its arguments counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { ConfigError, LLMError, simulated } from 'heddle';
import { simulatedError } from '../../dist/llm/simulated.js';
import { open } from '../support/heddle.mjs';
import { ask } from '../support/llm-client.mjs';

const prompts = Array.from({ length: 400 }, (_, i) => ask(`question ${i}`));

test('the same seed, request and attempt give the same answer, in any order and any instance', () => {
  const options = { seed: 7, failures: 0.3 };
  const forwards = prompts.map((request) => simulated(options).answer(request, 2));
  const one = simulated(options);
  const backwards = [...prompts]
    .reverse()
    .map((request) => one.answer(request, 2))
    .reverse();
  assert.deepEqual(forwards, backwards);
});

test('answers are pinned: a change of the generator is a change of every recorded run', () => {
  const answer = simulated().answer(ask('Classify as spam or ham: hello'), 1);
  assert.deepEqual(answer, {
    text: 'ham',
    latencyMs: 225,
    usage: { inputTokens: 12, outputTokens: 1, source: 'estimated' },
    finishReason: 'stop',
  });
});

test('neither the clock nor Math.random is asked', (t) => {
  const forbid = () => {
    throw new Error('asked');
  };
  t.mock.method(Math, 'random', forbid);
  t.mock.method(Date, 'now', forbid);
  t.mock.method(performance, 'now', forbid);
  assert.doesNotThrow(() => simulated({ failures: 0.5 }).answer(ask('hi'), 1));
});

test('the order of keys in a request does not matter', () => {
  const p = simulated();
  assert.deepEqual(
    p.answer({ messages: [{ role: 'user', content: 'x' }], temperature: 0, model: 'm' }, 1),
    p.answer({ model: 'm', temperature: 0, messages: [{ content: 'x', role: 'user' }], maxTokens: undefined }, 1),
  );
});

test('seed, sample, model and attempt each change the latency; the attempt never changes the text', () => {
  const base = prompts.map((request) => simulated().answer(request, 1));
  const variants = {
    seed: prompts.map((request) => simulated({ seed: 2 }).answer(request, 1)),
    sample: prompts.map((request) => simulated().answer({ ...request, sample: 1 }, 1)),
    model: prompts.map((request) => simulated({ model: 'other' }).answer(request, 1)),
    attempt: prompts.map((request) => simulated().answer(request, 2)),
  };
  for (const [name, answers] of Object.entries(variants)) {
    const changed = answers.filter(({ latencyMs }, i) => latencyMs !== base[i].latencyMs).length;
    assert.ok(changed > 350, `${name}: ${changed}`);
  }
  assert.deepEqual(
    variants.attempt.map(({ text }) => text),
    base.map(({ text }) => text),
  );
  assert.notDeepEqual(
    variants.sample.map(({ text }) => text),
    base.map(({ text }) => text),
  );
});

test('latency: a number, bounds that are both reached, a function', () => {
  assert.equal(simulated({ latency: 5 }).answer(ask('x'), 1).latencyMs, 5);
  const seen = new Set(
    prompts.map((request) => simulated({ latency: { min: 3, max: 6 } }).answer(request, 1).latencyMs),
  );
  assert.deepEqual([...seen].sort(), [3, 4, 5, 6]);
  const byPrompt = simulated({ latency: ({ messages }, attempt) => messages[0].content.length + attempt });
  assert.equal(byPrompt.answer(ask('four'), 2).latencyMs, 6);
});

test('failures: the rate is met, the status is the given one, a later attempt may succeed', () => {
  const p = simulated({ failures: { rate: 0.25, status: 429 } });
  const failed = prompts.filter((request) => p.answer(request, 1).error);
  assert.ok(failed.length > 70 && failed.length < 130, String(failed.length));
  assert.equal(p.answer(failed[0], 1).error.status, 429);
  assert.equal(p.answer(failed[0], 1).text, '');
  assert.ok(failed.some((request) => !p.answer(request, 2).error));
  assert.ok(
    prompts.every((request) => !simulated().answer(request, 1).error),
    'none by default',
  );
  assert.ok(prompts.every((request) => simulated({ failures: 1 }).answer(request, 1).error.status === 503));
});

test('a script says all, some or nothing of an answer', () => {
  const p = simulated({
    latency: 9,
    failures: 1,
    script: ({ messages: [{ content }] }, n) =>
      ({
        all: { text: 'T', latencyMs: 1, usage: { inputTokens: 2, outputTokens: 3 }, finishReason: 'length' },
        text: 'just text',
        retry: n < 3 ? { error: { status: 429, message: 'slow down', retryAfter: 50 } } : { text: 'third time' },
      })[content],
  });
  assert.deepEqual(p.answer(ask('all'), 1), {
    text: 'T',
    latencyMs: 1,
    usage: { inputTokens: 2, outputTokens: 3, source: 'exact' },
    finishReason: 'length',
  });
  assert.deepEqual(p.answer(ask('text'), 1), {
    text: 'just text',
    latencyMs: 9,
    usage: { inputTokens: 5, outputTokens: 3, source: 'estimated' },
    finishReason: 'stop',
  });
  assert.deepEqual(p.answer(ask('retry'), 2).error, { status: 429, message: 'slow down', retryAfter: 50 });
  assert.equal(p.answer(ask('retry'), 3).text, 'third time');
  assert.equal(p.answer(ask('nothing'), 1).error.status, 503, 'what the script leaves out fails by rate');
});

test('a simulated failure stands for the LLMError of its status', () => {
  const error = simulatedError({ status: 429, message: 'slow down', retryAfter: 50 });
  assert.ok(error instanceof LLMError);
  assert.deepEqual([error.kind, error.status, error.retryAfter], ['rate', 429, 50]);
  assert.equal(simulatedError({ status: 503, message: '' }).kind, 'overload');
});

test('plausible answers: a choice that was offered, the first sentence, the frequent words', () => {
  const of = (prompt) => simulated().answer(ask(prompt), 1).text;
  assert.ok(
    ['positive', 'negative', 'neutral'].includes(
      of('Classify this review as positive, negative or neutral: "Cold food."'),
    ),
  );
  assert.ok(['red', 'green', 'blue'].includes(of('Choose one of: red, green, blue')));
  assert.ok(['good', 'poor'].includes(of('Reply with one of the following labels: good, poor.')));
  assert.ok(['Yes.', 'No.'].includes(of('Is the sky blue?')));
  assert.equal(
    of('Summarise in one sentence:\nThe heddle lifts threads. The shuttle passes.'),
    'The heddle lifts threads.',
  );
  assert.match(of('the loom, the shuttle and the loom'), /loom and shuttle\.$/);
  assert.notEqual(of(''), '');
});

test('an answer never exceeds maxTokens, and says that it was cut', () => {
  const answer = simulated().answer(
    ask('Summarise: A rather long first sentence about looms and heddles.', { maxTokens: 3 }),
    1,
  );
  assert.deepEqual([answer.text, answer.usage.outputTokens, answer.finishReason], ['A rather lon', 3, 'length']);
});

test('a script that gives or throws nonsense is a typed error', () => {
  const of = (result) => simulated({ script: () => result }).answer(ask('x'), 1);
  for (const [result, key] of [
    [7, 'script'],
    [Promise.resolve('x'), 'script'],
    [{ text: 7 }, 'script.text'],
    [{ latencyMs: -1 }, 'script.latencyMs'],
    [{ latencyMs: NaN }, 'script.latencyMs'],
    [{ usage: { inputTokens: 1 } }, 'script.usage'],
    [{ error: { status: 'x' } }, 'script.error.status'],
    [{ error: {} }, 'script.error.status'],
  ]) {
    assert.throws(
      () => of(result),
      (error) => error instanceof ConfigError && error.key === `simulated.${key}`,
      inspect(result),
    );
  }
  const thrown = new Error('oops');
  const throwing = simulated({
    script: () => {
      throw thrown;
    },
  });
  assert.throws(
    () => throwing.answer(ask('x'), 1),
    (error) => error instanceof LLMError && error.cause === thrown,
  );
});

test('bad options are refused at the factory by a ConfigError that names the key', () => {
  for (const [options, key] of [
    [{ seed: 'x' }, 'seed'],
    [{ seed: NaN }, 'seed'],
    [{ seed: Infinity }, 'seed'],
    [{ latency: -1 }, 'latency'],
    [{ latency: '5' }, 'latency'],
    [{ latency: null }, 'latency'],
    [{ latency: { min: 5 } }, 'latency.max'],
    [{ latency: { min: 5, max: 4 } }, 'latency.max'],
    [{ latency: {} }, 'latency.min'],
    [{ failures: 2 }, 'failures'],
    [{ failures: null }, 'failures'],
    [{ failures: {} }, 'failures.rate'],
    [{ failures: { rate: 0.1, status: 200 } }, 'failures.status'],
    [{ failures: { rate: 0.1, status: 500.5 } }, 'failures.status'],
    [{ script: 'x' }, 'script'],
    [{ model: '' }, 'model'],
    [{ sead: 1 }, 'sead'],
  ]) {
    assert.throws(
      () => simulated(options),
      (error) => error instanceof ConfigError && error.key === `simulated.${key}`,
      inspect(options),
    );
  }
  assert.throws(() => simulated({ latency: () => NaN }).answer(ask('x'), 1), ConfigError);
  assert.doesNotThrow(() =>
    simulated({ seed: undefined, latency: undefined, failures: undefined, script: undefined, model: undefined }),
  );
});

test('a script may ask for tools: ids by their order, arguments as JSON or as values', () => {
  const toolCalls = [
    { name: 'a', arguments: { x: 1 } },
    { id: 'mine', name: 'b', arguments: '{"broken":' },
    { name: 'c' },
  ];
  const answer = simulated({ script: () => ({ toolCalls, latencyMs: 1 }) }).answer(ask('x'), 1);
  assert.deepEqual([answer.text, answer.finishReason], ['', 'tool_calls']);
  assert.deepEqual(answer.toolCalls, [
    { id: 'call_1', name: 'a', arguments: '{"x":1}' },
    { id: 'mine', name: 'b', arguments: '{"broken":' },
    { id: 'call_3', name: 'c', arguments: '{}' },
  ]);
  assert.ok(answer.usage.outputTokens > 0, 'the arguments are a part of the estimate');
  const both = simulated({ script: () => ({ text: 'so', toolCalls, finishReason: 'tool_use' }) }).answer(ask('x'), 1);
  assert.deepEqual([both.text, both.finishReason, both.toolCalls.length], ['so', 'tool_use', 3]);
  const none = simulated({ script: () => ({ toolCalls: [] }) }).answer(ask('x'), 1);
  assert.ok(none.text !== '' && !('toolCalls' in none));
});

test('tool calls of a script that are none are refused by their key', () => {
  const loop = {};
  loop.loop = loop;
  for (const [toolCalls, key] of [
    ['x', 'toolCalls'],
    [[null], 'toolCalls[0].name'],
    [[{ name: '' }], 'toolCalls[0].name'],
    [[{ name: 'a', id: 7 }], 'toolCalls[0].id'],
    [[{ name: 'a', arguments: loop }], 'toolCalls[0].arguments'],
  ]) {
    assert.throws(
      () => simulated({ script: () => ({ toolCalls }) }).answer(ask('x'), 1),
      (error) => error instanceof ConfigError && error.key === `simulated.script.${key}`,
      inspect(toolCalls),
    );
  }
});

test('a format without a script gives JSON, the same each time: an object, or a value of the schema', async () => {
  const { Validator } = await import('@cfworker/json-schema');
  const of = (format, prompt = 'Classify as spam or ham: hello') => simulated().answer(ask(prompt, { format }), 1).text;
  assert.equal(typeof JSON.parse(of({ type: 'json' })).answer, 'string');
  const object = (properties, more) => ({ type: 'object', properties, ...more });
  const tree = object(
    { name: { type: 'string', maxLength: 9 }, children: { type: 'array', items: { $ref: '#' } } },
    { required: ['name'], additionalProperties: false },
  );
  for (const schema of [
    true,
    {},
    { type: 'string', minLength: 300 },
    { type: 'integer', minimum: 3, maximum: 5 },
    { type: 'integer', exclusiveMinimum: 3, exclusiveMaximum: 5 },
    { type: 'number', maximum: -7 },
    { type: 'integer', multipleOf: 7, minimum: 1 },
    { type: ['null', 'boolean'] },
    { type: 'null' },
    { enum: ['x', 7, null] },
    { const: { a: 1 } },
    { type: 'array', items: { type: 'number' }, minItems: 5 },
    { type: 'array', items: { type: 'number' }, maxItems: 1 },
    { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false },
    object({ label: { enum: ['spam', 'ham'] }, when: { type: 'string', format: 'date-time' } }, { required: ['label', 'when', 'why'] }),
    { anyOf: [{ type: 'string' }, { type: 'number' }] },
    { oneOf: [object({ a: { const: 1 } }, { required: ['a'] }), object({ b: { const: 1 } }, { required: ['b'] })] },
    { allOf: [object({ a: { type: 'string' } }, { required: ['a'] }), { $ref: '#/$defs/b' }], $defs: { b: object({ b: { type: 'integer' } }, { required: ['b'] }) } },
    tree,
  ]) {
    const format = { type: 'json-schema', schema };
    const value = JSON.parse(of(format));
    const { valid, errors } = new Validator(schema, '2020-12').validate(value);
    assert.ok(valid, `${JSON.stringify(schema)} ${JSON.stringify(value)} ${inspect(errors)}`);
    assert.equal(of(format), of(format));
  }
  // A schema that no value fits, and references to nowhere, end all the same.
  const wide = object(Object.fromEntries([...'abcdefghij'].map((name) => [name, { $ref: '#' }])), { required: [...'abcdefghij'] });
  const long = object({ a: { type: 'array', minItems: 1e9 }, b: { type: 'string', minLength: 1e9 } });
  for (const schema of [wide, long, object({ a: { $ref: '#' } }, { required: ['a'] }), { $ref: '#' }, { $ref: '#/no' }, { $ref: 'http://a/' }, { anyOf: [{ $ref: '#' }] }]) {
    assert.doesNotThrow(() => JSON.parse(of({ type: 'json-schema', schema })));
  }
});

test("a script's tool calls are in the result of a call and of a stream", async (t) => {
  const toolCalls = [{ id: 'c1', name: 'time', arguments: '{}' }];
  const rt = await open(t, { clock: 'virtual', provider: simulated({ script: () => ({ toolCalls }) }) });
  assert.deepEqual((await rt.llm('when?')).toolCalls, toolCalls);
  assert.deepEqual((await rt.llmStream('when?').result).toolCalls, toolCalls);
});
