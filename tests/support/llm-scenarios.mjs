/**
 * What must come of a call, whoever asks: our own providers, or another client through rt.fetch. One list, so that all
 * of them are held to the same. Invariant: a scenario says what the server does, what comes out, and how many requests the
 * server must have counted where the runtime alone tries again, up to kMaxAttempts times; nothing in it knows a client.
 *
 *   {name, fault(request, n) | always, respond, ways, tools, abortWhen, expect, requests}
 *     always      the fault of every request
 *     ways        ['whole', 'stream'], or one of them
 *     tools       the request offers the tool `weather`
 *     abortWhen   'open': the caller aborts once the server has the request; 'streaming': once it has said something
 *     expect      {outcome: 'answer', text, toolCalls?} or {outcome: 'error', status?, kind?}; may be a function of
 *                 {protocol, stream}. `status: undefined` means that there must be none, a missing one that it is not asked
 *     requests    a number, or such a function
 * Partners: `llm-server.mjs`, `clients/` (the drivers).
 */

import assert from 'node:assert/strict';
import { kWaitForms } from './llm-retry-after.mjs';

/** What the one owner of retries is set to. */
export const kMaxAttempts = 4;

// Characters of one to four bytes.
const kText = 'Gr\u00fc\u00dfe, \u4e16\u754c \u{1f9f6} end';

const answer = { outcome: 'answer', text: kText };
const both = ['whole', 'stream'];

/** The first request, or the first few, meet a fault; then the answer comes. */
const once = (name, fault, more) => ({
  name: `${name}, once: tried again`,
  fault: (_request, n) => (n === 1 ? fault : undefined),
  expect: answer,
  requests: 2,
  ...more,
});

/** Every request meets the fault, and trying again is not stopped before the attempts run out. */
const worn = (name, fault, expect, more) => ({
  name: `${name}, for ever: the last failure after ${kMaxAttempts} requests`,
  always: fault,
  expect: { outcome: 'error', ...expect },
  requests: kMaxAttempts,
  ...more,
});

/** One request, whose failure is final. */
const final = (name, fault, expect, more) => ({
  name: `${name}: final`,
  always: fault,
  expect: typeof expect === 'function' ? (of) => ({ outcome: 'error', ...expect(of) }) : { outcome: 'error', ...expect },
  requests: 1,
  ...more,
});

/** A right answer, however it comes. */
const right = (name, fault, more) => ({ name: `${name}: the answer`, always: fault, expect: answer, requests: 1, ...more });

const isAnthropic = ({ protocol }) => protocol === 'anthropic';

const kKindOfStatus = {
  400: 'invalid', 401: 'auth', 402: 'quota', 403: 'auth', 404: 'invalid', 413: 'context-length', 422: 'invalid',
  408: 'timeout', 409: 'server', 425: 'server', 429: 'rate',
  500: 'server', 502: 'server', 503: 'overload', 504: 'timeout', 529: 'overload',
};
const failed = (status) => ({ status, kind: kKindOfStatus[status] });

const kHonoured = kWaitForms.filter((form) => !/absurd|long/.test(form));

const toolCalls = [
  { id: 'call_1', name: 'weather', arguments: '{"city":"Z\u00fcrich"}' },
  { id: 'call_2', name: 'weather', arguments: '{"city":"\u6771\u4eac","days":3}' },
];

export const scenarios = [
  right('nothing wrong', undefined),
  right('events and characters split over chunks', 'split-characters'),
  right('a byte at a time', 'slow-drip'),
  right('CRLF', 'crlf', { ways: ['stream'] }),
  right('comments and pings', 'pings', { ways: ['stream'] }),
  right('a stream under another content type', 'wrong-content-type', { ways: ['stream'] }),
  // Anthropic's protocol demands usage, so there a client may say that it is missing; ours need not.
  right('no usage', undefined, { fault: ({ protocol }) => (protocol === 'anthropic' ? undefined : 'missing-usage') }),
  {
    name: 'an answer of no text: the answer',
    respond: () => '',
    expect: { outcome: 'answer', text: '' },
    requests: 1,
  },
  ...['', kText].map((text) => ({
    name: `tool calls ${text === '' ? 'alone' : 'and text'}: the answer`,
    respond: () => ({ text, toolCalls }),
    tools: true,
    expect: { outcome: 'answer', text, toolCalls },
    requests: 1,
  })),

  ...[408, 409, 425, 429, 500, 502, 503, 504, 529].flatMap((status) => [
    once(`status ${status}`, status),
    worn(`status ${status}`, status, failed(status)),
  ]),
  once('an overload in the protocol\'s own words', 'overloaded'),
  once('a refusal by a proxy, in HTML', { status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad gateway</h1>' }),
  once('a reset before the headers', 'reset-before-headers'),
  worn('a reset before the headers', 'reset-before-headers', { status: undefined, kind: 'transport' }),
  once('a reset in the middle of an answer', 'reset-mid-body', { ways: ['whole'] }),
  once('a reset before the first token', { fault: 'reset-mid-body', after: 0 }, { ways: ['stream'] }),
  once('an end before the first token', { fault: 'cut-stream', after: 0 }, { ways: ['stream'] }),
  once('half an event before the first token', { fault: 'half-event', after: 0 }, { ways: ['stream'] }),
  once('an overload inside the stream before the first token', { fault: 'error-in-stream', after: 0 }, { ways: ['stream'] }),
  once('an overload as the body of a 200', 'error-in-200', { ways: ['whole'] }),
  {
    name: 'three failures of three sorts: the answer at the fourth request',
    fault: (_request, n) => [503, 'reset-before-headers', 'retry-after-ms'][n - 1],
    expect: answer,
    requests: 4,
  },

  ...kHonoured.map((form) => once(`a wait asked for as ${form}`, `retry-after-${form}`)),
  ...['absurd', 'absurd-ms', 'long'].map((form) =>
    final(`a wait asked for as ${form}, beyond what is honoured`, `retry-after-${form}`, failed(429)),
  ),

  ...[400, 401, 402, 403, 404, 413, 422].map((status) => final(`status ${status}`, status, failed(status))),
  final('a spent account', 'insufficient-quota', (of) => ({ status: isAnthropic(of) ? 402 : 429, kind: 'quota' })),
  final('a spent account, as 400', 'billing-400', { status: 400, kind: 'quota' }),
  final('a conversation that is too long', 'context-length', { status: 400, kind: 'context-length' }),
  final('a content filter', 'content-filter', { status: 400, kind: 'content-filter' }),
  final('an overload that the server wants nobody to try again', 'should-retry-false', failed(503)),
  final('a bad request that the server wants tried again', 'should-retry-true', failed(400)),

  final('a page of HTML with status 200', 'html-200', { kind: 'protocol' }),
  final('half of JSON with status 200', 'broken-json-200', { kind: 'protocol' }),
  final('an empty body with status 200', 'empty-200', { kind: 'protocol' }, { ways: ['whole'] }),

  final('a reset after the first token', { fault: 'reset-mid-stream', after: 2 }, { kind: 'transport' }, { ways: ['stream'] }),
  final('a reset inside an event after the first token', { fault: 'reset-mid-body', after: 2 }, { kind: 'transport' }, { ways: ['stream'] }),
  final('an end before the terminator', { fault: 'cut-stream', after: 2 }, { kind: 'transport' }, { ways: ['stream'] }),
  final('half an event at the end', { fault: 'half-event', after: 2 }, { kind: 'transport' }, { ways: ['stream'] }),
  final('an overload inside the stream after the first token', { fault: 'error-in-stream', after: 2 },
    (of) => ({ kind: isAnthropic(of) ? 'overload' : 'server' }), { ways: ['stream'] }),

  final('an abort before any answer', 'never-answer', {}, { abortWhen: 'open' }),
  final('an abort in the middle of a stream', { fault: 'stall-in-stream', after: 2 }, {}, { ways: ['stream'], abortWhen: 'streaming' }),
];

/** The rows of the list as tests: each scenario in each of its ways. */
export const rows = scenarios.flatMap((scenario) =>
  (scenario.ways ?? both).map((way) => ({ scenario, stream: way === 'stream', title: `${way}: ${scenario.name}` })),
);

/** What the server of a scenario does. */
export const serverOptions = ({ fault, always, respond = () => kText }) => ({ fault: fault ?? (() => always), respond });

/**
 * Asks as the row says, and holds what came out and what the server saw against it. `typed`: an error must have Heddle's
 * kind; a client's own error need not.
 */
export async function play({ scenario, stream }, { server, ask, protocol, typed = false }) {
  const of = { protocol, stream };
  const resolved = (value) => (typeof value === 'function' ? value(of) : value);
  const controller = new AbortController();
  const asked = ask({ prompt: 'what is it?', stream, signal: controller.signal, tools: scenario.tools });
  if (scenario.abortWhen !== undefined) {
    await (scenario.abortWhen === 'open' ? server.whenOpen(1) : server.whenPieces(1));
    controller.abort(new Error('enough'));
  }
  const { error, name, ...seen } = await asked;
  const expect = resolved(scenario.expect);
  const told = error === undefined ? JSON.stringify(seen) : `${name}: ${error.stack}`;
  assert.equal(seen.outcome, expect.outcome, told);
  for (const key of Object.keys(expect)) {
    if (key === 'kind' && seen.kind === undefined && !typed) continue;
    assert.deepEqual(seen[key], expect[key], `${key}; ${told}`);
  }
  assert.equal(server.stats().requests, resolved(scenario.requests), 'requests that the server counted');
  if (scenario.abortWhen !== undefined) await server.whenAborted(1);
  await server.whenIdle();
  return seen;
}
