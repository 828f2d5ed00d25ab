// The binary form in which values cross between JavaScript and Lisp: what goes in comes out, and what cannot cross is
// refused with its path. The reader here is the package's own, for what the core writes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import { closed } from '../../dist/closed.js';
import { Decoder } from '../../dist/lisp/decoder.js';
import { Encoder } from '../../dist/lisp/encoder.js';
import { maxDepth } from '../../dist/lisp/wire.js';
import { hasCode, thrown } from '../support/tasks.mjs';
import { seeded, value as anyValue } from '../support/lisp-values.mjs';

const meanings = { task: (fiber, seq) => ({ fiber, seq }), error: (error) => error };
const crossed = (value) => new Decoder(new Encoder().value(value, 'value').written.slice(), meanings).value();
const refusal = (value, root = 'value') => hasCode(thrown(() => new Encoder().value(value, root)), 'ConversionError');

test('every kind of value comes back as it was', () => {
  const values = [
    null, true, false, undefined, 0, -0, 1, -1, 1.5, NaN, Infinity, -Infinity, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 53, 1e300, 5e-324,
    0n, -5n, 2n ** 64n, -(10n ** 400n), '', 'a', 'x'.repeat(1000), 'grün', '\u0000', '𝄞 clef', 'Ω'.repeat(30), [], [[]], [1, [2, [3]]],
    {}, { a: 1 }, { '': 0, 'two words': [], nested: { list: [{}] } }, [null, undefined], new Uint8Array(0), new Uint8Array([0, 255]), closed,
  ];
  for (const value of values) assert.deepStrictEqual(crossed(value), value);
  assert.deepStrictEqual(crossed(values), values);
});

test('a hundred thousand random values come back as they were', () => {
  const random = seeded(20_261);
  for (let i = 0; i < 4000; i++) {
    const value = Array.from({ length: 25 }, () => anyValue(random, 4));
    assert.deepStrictEqual(crossed(value), value, `value ${i}`);
  }
});

test('maps with string keys and objects of other realms are tables, the order of keys stays', () => {
  assert.deepStrictEqual(crossed(new Map([['b', 1], ['a', new Map()]])), { b: 1, a: {} });
  assert.deepStrictEqual(crossed(Object.assign(Object.create(null), { z: 1, y: 2 })), { z: 1, y: 2 });
  assert.deepEqual(crossed(vm.runInNewContext('({ a: [1, { b: 2 }] })')), { a: [1, { b: 2 }] });
  assert.deepEqual(Object.keys(crossed({ z: 0, b: 0, a: 0 })), ['z', 'b', 'a']);
});

test('a key that is a name of the object system is a key like any other', () => {
  const value = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2, "toString": 3}');
  const result = crossed(value);
  assert.deepEqual(Object.entries(result), Object.entries(value));
  assert.equal(Object.getPrototypeOf(result), Object.prototype);
  assert.equal({}.polluted, undefined);
});

test('holes of an array are undefined, a lone surrogate is U+FFFD', () => {
  // eslint-disable-next-line no-sparse-arrays
  assert.deepStrictEqual(crossed([1, , 2]), [1, undefined, 2]);
  assert.equal(crossed('a\ud800b'), 'a\ufffdb');
  assert.equal(crossed(`${'x'.repeat(100)}\udc00`), `${'x'.repeat(100)}\ufffd`);
});

test('what cannot cross is refused, and the path says where it is', () => {
  class Point {}
  const cyclic = { list: [1] };
  cyclic.list.push({ again: cyclic });
  const cases = [
    [() => {}, 'value', /function.*rt\.define/],
    [Symbol('s'), 'value', /symbol/],
    [{ a: [0, { 'b c': () => {} }] }, 'value.a[1]["b c"]', /function/],
    [[new Date()], 'value[0]', /an instance of Date/],
    [{ p: new Point() }, 'value.p', /an instance of Point/],
    [{ p: Promise.resolve() }, 'value.p', /await it first/],
    [[new Set([1])], 'value[0]', /an instance of Set/],
    [/x/, 'value', /RegExp/],
    [new Error('x'), 'value', /Error/],
    [new Float64Array(1), 'value', /Float64Array/],
    [new Map([['ok', 1], [{}, 2]]), 'value', /keys must be strings/],
    [new Map([['in', [Symbol.iterator]]]), 'value.in[0]', /symbol/],
    [cyclic, 'value.list[1].again', /contains itself/],
    [new String('boxed'), 'value', /String/],
  ];
  for (const [value, path, words] of cases) {
    const error = refusal(value);
    assert.equal(error.path, path);
    assert.match(error.message, words);
    assert.ok(error.message.startsWith(`${path}: `));
  }
  assert.equal(refusal([() => {}], 'args').path, 'args[0]');
});

test('what stands twice without a cycle crosses twice', () => {
  const shared = { a: 1 };
  assert.deepEqual(crossed([shared, shared, [shared]]), [{ a: 1 }, { a: 1 }, [{ a: 1 }]]);
});

test("getters and proxies run, and what they throw is the error's cause", () => {
  const boom = new Error('boom');
  const bad = { ok: 1, get bad() { throw boom; } };
  const error = refusal({ deep: [bad] });
  assert.equal(error.path, 'value.deep[0].bad');
  assert.equal(error.cause, boom);
  assert.equal(crossed({ get fine() { return 5; } }).fine, 5);
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  assert.equal(refusal({ proxy }).path, 'value.proxy');
  const thrower = new Proxy({}, { ownKeys() { throw null; } });
  assert.equal(refusal([thrower]).path, 'value[0]');
  assert.deepEqual(crossed(new Proxy([1, 2], {})), [1, 2]);
});

test('depth is bounded by a number, not by the stack; size too', () => {
  const nested = (depth) => {
    let value = [];
    for (let i = 1; i < depth; i++) value = [value];
    return value;
  };
  let value = crossed(nested(maxDepth));
  let depth = 0;
  for (; value !== undefined; value = value[0]) depth++;
  assert.equal(depth, maxDepth);
  const error = refusal(nested(maxDepth + 1));
  assert.match(error.message, /nested more than/);
  assert.ok(error.path.length < 500);
  assert.match(refusal(new Array(2 ** 32 - 1)).message, /256 MiB/);
  // Doubled so often that its size is exponential.
  let doubled = 'x'.repeat(100);
  for (let i = 0; i < 40; i++) doubled = [doubled, doubled];
  assert.match(refusal(doubled).message, /256 MiB/);
  const endless = new Proxy({}, { ownKeys: () => ['next'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }), get: (_, key) => (key === 'next' ? endlessCopy() : undefined) });
  const endlessCopy = () => new Proxy({}, { ownKeys: () => ['next'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }), get: (_, key) => (key === 'next' ? endlessCopy() : undefined) });
  assert.match(refusal(endless).message, /nested more than/);
});

test('an integer of more bits than Lisp has is refused with its path', () => {
  const largest = 2n ** 262_144n - 1n;
  assert.equal(crossed(largest), largest);
  for (const value of [largest + 1n, -largest - 1n]) assert.equal(refusal({ n: value }).path, 'value.n');
});

test('an encoder goes on after a refusal', () => {
  const encoder = new Encoder();
  thrown(() => encoder.value([1, () => {}], 'value'));
  assert.deepEqual(new Decoder(encoder.clear().value([2], 'value').written, meanings).value(), [2]);
});

test('tasks and errors cross by their numbers', () => {
  const task = { is: 'a task' };
  const encoder = new Encoder((value) => (value === task ? { fiber: 3, seq: 7 } : undefined));
  const bytes = encoder.value([task], 'value').written.slice();
  assert.deepEqual(new Decoder(bytes, meanings).value(), [{ fiber: 3, seq: 7 }]);
  const error = new Encoder().list(2).error().text('HostError').text('m').value(null, '').value([], '').value([1], '').value({ p: 1 }, '').hostError(9).value(5, '').written;
  const [decoded, after] = new Decoder(error, meanings).value();
  assert.deepEqual(decoded, { code: 'HostError', message: 'm', position: null, backtrace: [], irritants: [1], payload: { p: 1 }, hostError: 9 });
  assert.equal(after, 5);
});

test('damaged bytes give an error, never a hang', () => {
  const whole = new Encoder().value({ a: [1, 'two', new Uint8Array(3), 4n, { b: null }] }, 'value').written.slice();
  for (let cut = 0; cut < whole.length; cut++) assert.throws(() => new Decoder(whole.slice(0, cut), meanings).value(), `cut at ${cut}`);
  const random = seeded(5);
  for (let i = 0; i < 2000; i++) {
    const damaged = whole.slice();
    damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
    try {
      new Decoder(damaged, meanings).value();
    } catch (error) {
      assert.ok(error instanceof Error);
    }
  }
});
