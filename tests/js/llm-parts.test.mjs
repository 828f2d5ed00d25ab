// The small parts under the providers: events, waits, retry classes, redaction.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LLMError } from 'heddle';
import { kindOf } from '../../dist/llm/failure.js';
import { redactor } from '../../dist/llm/redact.js';
import { isRetryable } from '../../dist/llm/retry.js';
import { retryAfterOf } from '../../dist/llm/retry-after.js';
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

test('retryable: exactly 408, 409, 429 and every status from 500, and lost connections; never a spent quota', () => {
  const of = (status, complaint) => isRetryable(new LLMError('x', { kind: kindOf(status, complaint), status }));
  const yes = [408, 409, 429, 500, 501, 502, 503, 504, 520, 529, 599];
  const no = [200, 204, 301, 400, 401, 402, 403, 404, 405, 410, 413, 418, 422, 451];
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
  assert.equal(isRetryable(new LLMError('x', { kind: 'protocol' })), false);
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
