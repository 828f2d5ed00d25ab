// The form of an answer: which schemas are schemas, which answers fit them, and what is said of those that do not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Schema } from 'effect';
import { ArgumentError, StructuredOutputError } from 'heddle';
import * as z from 'zod';
import { formatOf, parse } from '../../dist/llm/structured.js';
import { hasCode, thrown } from '../support/tasks.mjs';

const usage = { inputTokens: 1, outputTokens: 2, source: 'exact' };
const answer = (text, more) => ({ text, usage, finishReason: 'stop', model: 'm', ...more });
const check = async (options, text, more) => formatOf('llm', options).check(answer(text, more));
const problems = async (schema, value) => {
  const checked = await check({ schema }, JSON.stringify(value));
  return 'error' in checked ? hasCode(checked.error, 'StructuredOutput').problems : [];
};

const person = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0 } },
  required: ['name'],
  additionalProperties: false,
};

test('no option asks for a form: there is none', () => {
  assert.equal(formatOf('llm', undefined), undefined);
  assert.equal(formatOf('llm', {}), undefined);
  assert.equal(formatOf('llm', { json: false }), undefined);
});

test('what the provider is asked for: JSON mode, or the schema under its name', () => {
  assert.deepEqual(formatOf('llm', { json: true }).request, { type: 'json' });
  assert.deepEqual(formatOf('llm', { schema: person }).request, { type: 'json-schema', name: 'answer', schema: person });
  assert.equal(formatOf('llm', { schema: { ...person, title: 'Person' } }).request.name, 'Person');
  assert.equal(formatOf('llm', { schema: { ...person, title: 'a person' } }).request.name, 'answer');
  assert.equal(formatOf('llm', { schema: person, schemaName: 'p-1' }).request.name, 'p-1');
});

test('a schema is copied at the call: what the caller does to it afterwards changes nothing', async () => {
  const schema = structuredClone(person);
  const format = formatOf('llm', { schema });
  schema.required.push('age');
  schema.properties.name.type = 'number';
  assert.deepEqual(await format.check(answer('{"name":"Ada"}')), { value: { name: 'Ada' } });
  assert.deepEqual(format.request.schema, person);
});

test('an answer that is JSON, bare or in a code fence and nothing else', () => {
  const value = { value: { a: [1, 'x'] } };
  for (const text of [
    '{"a":[1,"x"]}',
    ' \n{"a":[1,"x"]}\n',
    '\uFEFF{"a":[1,"x"]}',
    '```json\n{"a":[1,"x"]}\n```',
    '```JSON  \r\n{"a":[1,"x"]}\r\n```\n',
    '```\n{"a":[1,"x"]}```',
  ]) {
    assert.deepEqual(parse(text), value, text);
  }
  assert.deepEqual(parse('"```json\\n1\\n```"'), { value: '```json\n1\n```' });
  assert.deepEqual(parse('0'), { value: 0 });
  for (const text of ['', 'Sure! {"a":1}', '{"a":1} I hope that helps', '```json\n{"a":1}\n``` Done.', 'Here:\n```json\n{}\n```', '```js\n{}\n```', '{"a":', '```', '``````', 'NaN', '{a:1}']) {
    assert.equal(parse(text), undefined, text);
  }
});

test('an answer that is no JSON says so in our own words, with its beginning and never more than that', async () => {
  const { error } = await check({ json: true }, `Sure! ${'x'.repeat(10_000)}`);
  hasCode(error, 'StructuredOutput');
  assert.equal(error.text.length, 10_006);
  assert.equal(error.problems.length, 1);
  assert.equal(error.problems[0].path, '');
  assert.match(error.problems[0].message, /^is no JSON: 10006 characters that begin with "Sure! x+"$/);
  assert.ok(error.message.length < 300);
  assert.match((await check({ json: true }, ' ')).error.message, /empty/);
  assert.match((await check({ json: true }, '{"a":', { finishReason: 'length' })).error.message, /cut off at the limit of tokens/);
  assert.match((await check({ json: true }, '{"a":', { finishReason: 'max_tokens' })).error.message, /cut off/);
  assert.deepEqual([error.finishReason, error.usage], ['stop', usage]);
});

test('problems are told with their place, the innermost ones only', async () => {
  assert.deepEqual(await problems(person, { name: 'Ada', age: 36 }), []);
  assert.deepEqual(await problems(person, { name: 5, age: -1, more: 1 }), [
    { path: '/name', message: 'Instance type "number" is invalid. Expected "string".' },
    { path: '/age', message: '-1 is less than 0.' },
    { path: '/more', message: 'is not allowed here' },
  ]);
  assert.deepEqual((await problems(person, {})).map(({ path }) => path), ['']);
  const list = { type: 'object', properties: { 'a b/c~d#é%': { type: 'array', items: person } } };
  assert.deepEqual((await problems(list, { 'a b/c~d#é%': [{ name: 'x' }, {}, { name: null }] })).map(({ path }) => path), [
    '/a b~1c~0d#é%/1',
    '/a b~1c~0d#é%/2/name',
  ]);
});

test('problems are bounded in number and length, and say how many more there are', async () => {
  const schema = { type: 'array', items: { enum: ['y'.repeat(5000)] } };
  const { error } = await check({ schema }, JSON.stringify(Array.from({ length: 500 }, (_, i) => i)));
  assert.equal(error.problems.length, 20);
  assert.ok(error.problems.every(({ message }) => message.length <= 200));
  assert.match(error.message, /and 480 more$/);
  assert.ok(error.message.length < 6000);
});

test('keywords of drafts 7, 2019-09 and 2020-12', async () => {
  const draft7 = { $schema: 'http://json-schema.org/draft-07/schema#', definitions: { n: { type: 'number' } }, items: [{ $ref: '#/definitions/n' }], additionalItems: false };
  assert.equal((await problems(draft7, [1])).length, 0);
  assert.equal((await problems(draft7, ['x'])).length, 1);
  assert.equal((await problems(draft7, [1, 2])).length, 1);
  const now = { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{ type: 'number' }], items: false, minItems: 1 };
  assert.equal((await problems(now, [1])).length, 0);
  assert.equal((await problems(now, [])).length, 1);
  assert.equal((await problems(now, [1, 2])).length, 1);
  const tree = { $schema: 'https://json-schema.org/draft/2019-09/schema', $id: 'https://example.org/tree', type: 'object', properties: { kids: { type: 'array', items: { $ref: '#' } } } };
  assert.equal((await problems(tree, { kids: [{ kids: [{}] }] })).length, 0);
  assert.deepEqual((await problems(tree, { kids: [{ kids: [5] }] })).map(({ path }) => path), ['/kids/0/kids/0']);
  const anchored = { $defs: { a: { $anchor: 'here', const: 1 }, b: { $id: 'other', $defs: { c: { const: 2 } } } }, oneOf: [{ $ref: '#here' }, { $ref: 'other#/$defs/c' }, { $ref: '#/$defs/b/$defs/c' }] };
  assert.equal((await problems(anchored, 1)).length, 0);
  assert.ok((await problems(anchored, 3)).length > 0);
  assert.equal((await problems({ format: 'date-time' }, '2024-02-30T00:00:00Z')).length, 1);
  assert.equal((await problems({ anyOf: [{ type: 'string' }, { type: 'null' }] }, null)).length, 0);
});

test('a schema that is none is refused at the call, with the place of what is wrong', () => {
  const refused = (schema) => {
    const error = hasCode(thrown(() => formatOf('llm', { schema })), 'ArgumentError');
    assert.ok(error instanceof ArgumentError);
    assert.match(error.message, /^llm: options\.schema/);
    return error.message;
  };
  for (const schema of [null, 5, 'string', [], true, () => {}]) refused(schema);
  assert.match(refused({ type: 'str' }), /\/type must be one of string, number/);
  assert.match(refused({ type: [] }), /\/type/);
  assert.match(refused({ properties: { a: { type: 'text' } } }), /\/properties\/a\/type/);
  assert.match(refused({ properties: { a: 'string' } }), /\/properties\/a must be a schema/);
  assert.match(refused({ properties: [] }), /\/properties must be an object of schemas/);
  assert.match(refused({ required: 'a' }), /\/required must be an array of property names/);
  assert.match(refused({ properties: { a: { required: true } } }), /\/properties\/a\/required/);
  assert.match(refused({ pattern: '(' }), /\/pattern must be a regular expression/);
  assert.match(refused({ patternProperties: { '[': {} } }), /\/patternProperties\/\[/);
  assert.match(refused({ minLength: -1 }), /\/minLength/);
  assert.match(refused({ multipleOf: 0 }), /\/multipleOf/);
  assert.match(refused({ anyOf: [] }), /\/anyOf must be an array of schemas/);
  assert.match(refused({ items: [{}, 3] }), /\/items\/1/);
  assert.match(refused({ dependencies: { a: [1] } }), /\/dependencies\/a/);
  assert.match(refused({ enum: 'a' }), /\/enum/);
  assert.match(refused({ $schema: 'http://json-schema.org/draft-03/schema#' }), /\/\$schema must name/);
  assert.match(refused({ $ref: '#/$defs/gone' }), /\/\$ref refers to nothing/);
  assert.match(refused({ items: { $ref: '#nowhere' } }), /\/items\/\$ref refers to nothing/);
  assert.match(refused({ $ref: 'https://example.org/other' }), /nothing is fetched/);
  assert.match(refused({ $ref: 5 }), /must be a reference/);
  assert.match(refused({ $dynamicRef: '#x' }), /not supported/);
  assert.match(refused({ constructor: 1, properties: { constructor: 5 } }), /\/properties\/constructor must be a schema/);
  assert.match(refused({ minimum: 5n }), /cannot be written as JSON/);
  const circle = {};
  circle.not = circle;
  assert.match(refused(circle), /cannot be written as JSON/);
  let deep = {};
  for (let i = 0; i < 500; i++) deep = { not: deep };
  assert.match(refused(deep), /deeper than 100/);
});

test('a schema with a cycle of references, or a value as deep as the stack, is a problem and no crash', async () => {
  assert.match((await problems({ $ref: '#' }, 1))[0].message, /could not be checked/);
  const nested = { type: 'array', items: { $ref: '#' } };
  const { error } = await check({ schema: nested }, '['.repeat(5000) + ']'.repeat(5000));
  assert.match(hasCode(error, 'StructuredOutput').message, /could not be checked/);
  assert.ok((await problems({ type: 'object', additionalProperties: { type: 'string' } }, { '\ud800': 1 })).length > 0);
});

test('the other options are refused where they cannot be', () => {
  const refused = (options) => hasCode(thrown(() => formatOf('llm', options)), 'ArgumentError').message;
  assert.match(refused({ json: 'yes' }), /options\.json/);
  assert.match(refused({ json: false, schema: {} }), /options\.json is false/);
  for (const repair of [-1, 4, 0.5, '1', NaN, null]) assert.match(refused({ json: true, repair }), /options\.repair must be a whole number from 0 to 3/);
  assert.match(refused({ repair: 1 }), /options\.repair/);
  assert.match(refused({ schemaName: 'x' }), /options\.schemaName/);
  for (const schemaName of ['', 'a b', 'x'.repeat(65), 5]) assert.match(refused({ schema: {}, schemaName }), /options\.schemaName/);
  assert.match(refused({ schema: { '~standard': { version: 2, validate() {} } } }), /not Standard Schema version 1/);
  assert.match(refused({ schema: { '~standard': null } }), /not Standard Schema/);
});

test('zod: its JSON Schema goes to the model, its validation and transformations give the value', async () => {
  const schema = z.object({ name: z.string(), tags: z.array(z.string()).max(2), born: z.string().transform((text) => new Date(text)) });
  const format = formatOf('llm', { schema });
  assert.equal(format.request.type, 'json-schema');
  assert.deepEqual(format.request.schema.required, ['name', 'tags', 'born']);
  const { value } = await format.check(answer('{"name":"Ada","tags":[],"born":"1815-12-10"}'));
  assert.deepEqual(value, { name: 'Ada', tags: [], born: new Date('1815-12-10') });
  const { error } = await format.check(answer('{"name":"Ada","tags":["a",5],"born":"x"}'));
  assert.deepEqual(hasCode(error, 'StructuredOutput').problems.map(({ path }) => path), ['/tags/1']);
});

test('zod that JSON Schema has no words for: any JSON is asked for, and checked all the same', async () => {
  const format = formatOf('llm', { schema: z.object({ at: z.date() }) });
  assert.deepEqual(format.request, { type: 'json' });
  hasCode((await format.check(answer('{"at":"x"}'))).error, 'StructuredOutput');
});

test('effect: a Standard Schema of another library', async () => {
  const format = formatOf('llm', { schema: Schema.toStandardSchemaV1(Schema.Struct({ n: Schema.Number })) });
  assert.deepEqual(await format.check(answer('{"n":5}')), { value: { n: 5 } });
  assert.deepEqual(hasCode((await format.check(answer('{"n":"5"}'))).error, 'StructuredOutput').problems.map(({ path }) => path), ['/n']);
});

test('a Standard Schema whose check is asynchronous is awaited; one that throws is an ArgumentError', async () => {
  const standard = (validate) => ({ '~standard': { version: 1, vendor: 'own', validate } });
  const slow = Object.assign(() => {}, standard(async (value) => (value === 1 ? { value: 'one' } : { issues: [{ message: 'not one', path: ['a', { key: 'b/c' }, 0] }] })));
  assert.deepEqual(await check({ schema: slow }, '1'), { value: 'one' });
  assert.deepEqual((await check({ schema: slow }, '2')).error.problems, [{ path: '/a/b~1c/0', message: 'not one' }]);
  const boom = () => {
    throw new Error('boom');
  };
  for (const bad of [boom, async () => boom()]) {
    const { error } = await check({ schema: standard(bad) }, '1');
    assert.match(hasCode(error, 'ArgumentError').message, /threw at the check of an answer: boom/);
  }
});

test('an answer that asks for tools has no form yet', async () => {
  assert.deepEqual(await check({ schema: person }, '', { toolCalls: [{ id: '1', name: 'f', arguments: '{}' }] }), { value: undefined });
});

test('a repair shows the wrong answer and its problems, in the request as it was', async () => {
  const format = formatOf('llm', { schema: person, repair: 2 });
  assert.equal(format.repairs, 2);
  const request = { messages: [{ role: 'user', content: 'who?' }], model: 'm', maxTokens: 5 };
  const { error } = await format.check(answer('{"age":-1}'));
  const repaired = format.repaired(request, error);
  assert.deepEqual({ ...repaired, messages: 0 }, { ...request, messages: 0 });
  assert.deepEqual(repaired.messages.slice(0, 2), [request.messages[0], { role: 'assistant', content: '{"age":-1}' }]);
  assert.equal(repaired.messages.length, 3);
  assert.equal(repaired.messages[2].role, 'user');
  assert.match(repaired.messages[2].content, /- the whole answer: .*"name"[\s\S]*- \/age: /);
  assert.equal(request.messages.length, 1);
  // No message is empty: some providers refuse that.
  const empty = format.repaired(request, (await format.check(answer(' '))).error);
  assert.deepEqual(empty.messages.map(({ role }) => role), ['user', 'user']);
});

test('the error is one of its class, whichever copy of the package made it', async () => {
  const { error } = await check({ json: true }, 'no');
  assert.ok(error instanceof StructuredOutputError);
  assert.equal(error.name, 'StructuredOutputError');
});
