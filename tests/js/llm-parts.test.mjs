// The small parts under the providers: events, waits, retry classes, redaction.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LLMError } from 'heddle';
import { kindOf, statusError } from '../../dist/llm/failure.js';
import { redactor } from '../../dist/llm/redact.js';
import { FailureFlag } from '../../dist/protocol.js';
import { failureFlags, isRetryable } from '../../dist/llm/retry.js';
import { retryAfterOf, shouldRetryOf } from '../../dist/llm/retry-after.js';
import { EventReader, EventTooLong } from '../../dist/llm/sse.js';

function source(parts) {
  const queue = [...parts];
  return {
    reads: 0,
    read() {
      this.reads++;
      return Promise.resolve(queue.shift());
    },
  };
}

async function eventsOf(parts, limit = 1000) {
  const reader = new EventReader(source(parts), limit);
  const events = [];
  for (let event; (event = await reader.next()) !== undefined;) events.push([event.name, event.data, event.partial]);
  return { events, isGarbage: reader.isGarbage };
}

test('events: names, several data lines, comments, every kind of line end, splits anywhere', async () => {
  const expected = [
    ['a', 'one\ntwo', false],
    [undefined, 'three', false],
    [undefined, '[DONE]', false],
  ];
  const lines = [
    'event: a',
    'data: one',
    'data:two',
    '',
    ': ping',
    '',
    'id: 7',
    'data: three',
    '',
    'retry: soon',
    'odd: field',
    'data: [DONE]',
    '',
    '',
    '',
  ];
  for (const newline of ['\n', '\r\n', '\r']) {
    const text = lines.join(newline);
    assert.deepEqual((await eventsOf([text])).events, expected);
    assert.deepEqual((await eventsOf([...text])).events, expected);
  }
});

test('events: one that the end cuts off is given, marked partial', async () => {
  assert.deepEqual((await eventsOf(['data: a\n\nda', 'ta: b'])).events, [
    [undefined, 'a', false],
    [undefined, 'b', true],
  ]);
  assert.deepEqual((await eventsOf(['data: b\r'])).events, [[undefined, 'b', true]]);
});

test('events: the source is read only while no event is at hand', async () => {
  const text = source(['data: a\n\ndata: b\n\n', 'data: c\n\n']);
  const reader = new EventReader(text, 1000);
  const reads = [];
  for (let i = 0; i < 4; i++) {
    await reader.next();
    reads.push(text.reads);
  }
  assert.deepEqual(reads, [1, 1, 2, 3]);
});

test('events: what is no event stream is told from a short one', async () => {
  assert.equal((await eventsOf(['<html>\n<p>no</p>\n'])).isGarbage, true);
  assert.equal((await eventsOf(['{"error": "no"}'])).isGarbage, true);
  assert.equal((await eventsOf([''])).isGarbage, false);
  assert.equal((await eventsOf([': ping\n\n'])).isGarbage, false);
  assert.equal((await eventsOf(['junk\ndata: x\n\n'])).isGarbage, false);
});

test('events: one that is too long is an error instead of a full memory', async () => {
  await assert.rejects(eventsOf(['data: ', 'x'.repeat(50), 'x'.repeat(60)], 100), EventTooLong);
  assert.equal((await eventsOf(Array(50).fill('data: xxxxx\n\n'), 100)).events.length, 50);
});

test('retry-after: seconds, fractions, milliseconds and the three forms of a date', () => {
  const now = () => Date.UTC(1994, 10, 6, 8, 49, 30);
  const of = (headers) => retryAfterOf(new Headers(headers), now);
  const cases = [
    [{}, undefined],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': ' 3 ' }, 3000],
    [{ 'retry-after': '0.25' }, 250],
    [{ 'retry-after': '.5' }, 500],
    [{ 'retry-after': '1000000000' }, 1e12],
    [{ 'retry-after-ms': '-1', 'retry-after': '2' }, 2000],
    [{ 'retry-after-ms': '7.2', 'retry-after': '3' }, 8],
    [{ 'retry-after-ms': 'x', 'retry-after': '3' }, 3000],
    [{ 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' }, 7000],
    [{ 'retry-after': 'Sunday, 06-Nov-94 08:49:37 GMT' }, 7000],
    [{ 'retry-after': 'Sun Nov  6 08:49:37 1994' }, 7000],
    [{ 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT', date: 'Sun, 06 Nov 1994 08:49:36 GMT' }, 1000],
  ];
  for (const [headers, ms] of cases) assert.equal(of(headers), ms, JSON.stringify(headers));
});

test('retry-after: what is negative, past or unreadable is no advice; what is absurdly long stays finite', () => {
  const now = () => Date.UTC(2024, 0, 1);
  for (const value of [
    '-5',
    '-0.1',
    'soon',
    '',
    '1e9',
    'Infinity',
    'NaN',
    '3 s',
    '2023-01-01',
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sun, 99 Nov 1994',
  ]) {
    assert.equal(retryAfterOf(new Headers({ 'retry-after': value }), now), undefined, value);
    assert.equal(retryAfterOf(new Headers({ 'retry-after-ms': value }), now), undefined, value);
  }
  for (const value of ['9'.repeat(15), '9'.repeat(400)]) {
    assert.equal(retryAfterOf(new Headers({ 'retry-after': value }), now), 1e12);
  }
});

const failed = (status, complaint, more) => new LLMError('x', { kind: kindOf(status, complaint), status, ...more });

test('retryable: exactly 408, 409, 425, 429 and every status from 500, and lost connections; never a spent quota', () => {
  const of = (status, complaint) => isRetryable(failed(status, complaint));
  const yes = [408, 409, 425, 429, 500, 501, 502, 503, 504, 520, 524, 529, 599];
  const no = [200, 204, 301, 400, 401, 402, 403, 404, 405, 407, 410, 413, 418, 422, 451];
  assert.deepEqual(
    yes.filter((status) => !of(status)),
    [],
  );
  assert.deepEqual(
    no.filter((status) => of(status)),
    [],
  );
  for (const word of [{ code: 'insufficient_quota' }, { type: 'insufficient_quota' }, { type: 'billing_error' }]) {
    assert.equal(of(429, word), false);
  }
  assert.equal(isRetryable(new LLMError('x', { kind: 'transport' })), true);
  assert.equal(isRetryable(new LLMError('x', { kind: 'timeout' })), true);
  assert.equal(isRetryable(new LLMError('x', { kind: 'protocol' })), false);
});

test('x-should-retry: false makes a failure final, true one retryable, unless it is a quota, a key or the request', () => {
  assert.deepEqual(
    ['true', ' False ', 'yes', '', undefined].map((value) =>
      shouldRetryOf(new Headers(value === undefined ? {} : { 'x-should-retry': value })),
    ),
    [true, false, undefined, undefined, undefined],
  );
  const of = (status, value, complaint = {}) =>
    isRetryable(statusError('p', status, complaint, { headers: new Headers({ 'x-should-retry': value }) }));
  assert.deepEqual(
    [429, 500, 503, 504].map((status) => of(status, 'false')),
    [false, false, false, false],
  );
  assert.deepEqual(
    [400, 401, 402, 403, 404, 413, 422].map((status) => of(status, 'true')),
    Array(7).fill(false),
  );
  assert.equal(of(429, 'true', { code: 'insufficient_quota' }), false);
  assert.equal(of(400, 'true', { code: 'content_filter' }), true, 'another sample may pass');
  assert.equal(of(304, 'true'), true);
});

test('flags of a failure: what it says about the server, the model and the tokens reserved', () => {
  const { retryable, overload, fault, fallback, refused, unavailable } = FailureFlag;
  assert.deepEqual([retryable, overload, fault, fallback, refused, unavailable], [1, 2, 4, 8, 16, 32]);
  for (const [error, flags] of [
    [failed(429), retryable | overload | fallback | refused],
    [failed(429, { code: 'insufficient_quota' }), fallback | refused | unavailable],
    [failed(503), retryable | overload | fault | fallback | refused],
    [failed(529), retryable | overload | fault | fallback | refused],
    [failed(500, { type: 'overloaded_error' }), retryable | overload | fault | fallback | refused],
    [failed(500), retryable | fault | fallback | refused],
    [failed(504), retryable | fault | fallback | refused],
    [failed(408), retryable | fallback | refused],
    [failed(409), retryable | fallback | refused],
    [failed(425), retryable | fallback | refused],
    [failed(400), refused],
    [failed(404), fallback | refused | unavailable],
    [failed(401), fallback | refused | unavailable],
    [failed(400, { code: 'context_length_exceeded' }), fallback | refused],
    [failed(400, { code: 'content_filter' }), fallback | refused],
    [failed(529, {}, { inBand: true }), retryable | overload | fault | fallback],
    [new LLMError('x', { kind: 'transport' }), retryable | fault | fallback],
    [new LLMError('x', { kind: 'timeout' }), retryable | fault | fallback],
    [new LLMError('x', { kind: 'protocol', status: 200 }), 0],
  ]) {
    assert.equal(failureFlags(error), flags, `${error.kind} ${error.status}`);
  }
});

test('redaction: as sent, as JSON, as a URL, in another case, and before anything is shortened', () => {
  const redact = redactor(['sk-a"b/c\\d', 'other-secret']);
  for (const text of [
    'sk-a"b/c\\d',
    JSON.stringify('sk-a"b/c\\d'),
    encodeURIComponent('sk-a"b/c\\d'),
    'SK-A"B/C\\D',
    'xOTHER-SECRETx',
  ]) {
    assert.match(redact(text), /\[redacted\]/);
    assert.doesNotMatch(redact(text), /sk-a|secret/i);
  }
  assert.equal(redactor([''])('unchanged'), 'unchanged');
});

test('redaction: a short key is removed where it stands alone, and words that hold it stay', () => {
  assert.equal(redactor(['none'])('key none, nonetheless'), 'key [redacted], nonetheless');
});
