/**
 * Which fault a call of the test server meets: the one that the test scripted, else one drawn by rates. Invariant: a
 * draw depends on the seed, the prompt and how often that prompt came, never on the order in which calls of different
 * prompts arrive, so a concurrent test repeats. What a fault does to the socket is `llm-writer.mjs`'s part.
 *
 * A fault is a name of kFaults, a status, `{status, headers, body}`, or `{fault: name, ...}` with
 *   after     pieces of a stream that still come through, default 1
 *   status    of a refusal that has one by choice (retry-after-*, default 429)
 *   ms        the wait that it asks for, for the retry-after-* with an amount
 *   everyMs   slow-drip only: real time between two bytes; without it a turn of the event loop
 */

import { wire } from './dialects/events.mjs';
import { askToWait, kWaitForms } from './llm-retry-after.mjs';

export { rateLimited } from './llm-retry-after.mjs';

// A complaint of the protocol's own, with its status or another one.
const stated = (which) => (call) => {
  const { status, ...error } = call.dialect[which];
  return { status, body: call.dialect.error(call, error) };
};

const sse = { 'content-type': 'text/event-stream' };

// The first event of a stream under its right name, with half of its data.
function brokenEvent(call, answer) {
  const [{ name, data }] = call.dialect.events(call, { ...answer, pieces: [], usageOf: () => undefined });
  return { status: 200, headers: sse, body: wire({ name, data: data.slice(0, 40) }) };
}

/** Faults that are one short answer, as functions of the call, the fault and the answer that would have come. */
const refusals = {
  // The protocol's refusals, by what they say.
  overloaded: stated('overloaded'),
  'insufficient-quota': stated('outOfQuota'),
  'billing-400': stated('outOfMoney'),
  'context-length': stated('tooLong'),
  'content-filter': stated('filtered'),

  // A status against what the header says of trying again.
  'should-retry-true': () => ({ status: 400, headers: { 'x-should-retry': 'true' } }),
  'should-retry-false': () => ({ status: 503, headers: { 'x-should-retry': 'false' } }),

  // What is no answer, with status 200.
  'html-200': () => ({
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: '<!doctype html><title>Welcome</title><p>A portal</p>',
  }),
  'broken-json-200': (call, _fault, answer) =>
    call.stream ? brokenEvent(call, answer) : { status: 200, body: JSON.stringify(call.dialect.whole(call, answer)).slice(0, 40) },
  'empty-200': (call) => ({ status: 200, headers: call.stream ? sse : {}, body: '' }),
  // A proxy's way: the upstream's overload as a body, under its own status.
  'error-in-200': (call) => ({ ...stated('overloaded')(call), status: 200 }),

  ...Object.fromEntries(
    kWaitForms.map((form) => [`retry-after-${form}`, (_call, { status = 429, ms }) => ({ status, ...askToWait(form, ms) })]),
  ),
};

/** Faults of a right answer: what they change of how it is written. */
const alterations = {
  'slow-drip': ({ everyMs }) => ({ chunking: 'byte', everyMs }),
  'split-characters': () => ({ chunking: 'split' }),
  crlf: () => ({ newline: '\r\n' }),
  pings: () => ({ pings: true }),
  'wrong-content-type': () => ({ contentType: 'text/plain' }),
  'missing-usage': () => ({ usage: undefined }),
  'negative-usage': () => ({ usage: { input: -3, output: -7 } }),
  'text-usage': () => ({ usage: { input: 'three', output: '7' } }),
  'huge-usage': () => ({ usage: { input: 1e21, output: 1e300 } }),
};

/** Faults of the connection or of a stream; for a whole answer, those of a stream are an answer that breaks off. */
const breaks = [
  'never-answer', // takes the request and says nothing
  'reset-before-headers', // the connection is reset
  'reset-mid-body', // half of a whole answer, or `after` pieces and half of the next event, then a reset
  'reset-mid-stream', // `after` pieces, then a reset
  'cut-stream', // `after` pieces, then a polite end without the terminator
  'half-event', // the same, with half of the next event before the end
  'error-in-stream', // `after` pieces, then an overload error as an event; for a whole answer the refusal
  'stall-in-stream', // `after` pieces, then silence
];

/** The names of all faults. */
export const kFaults = [...breaks, ...Object.keys(refusals), ...Object.keys(alterations)];

// FNV-1a, then one round of mulberry32.
function draw(text) {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

function normalized(fault) {
  if (fault === undefined || fault === null) return undefined;
  const full = typeof fault === 'number' ? { status: fault } : typeof fault === 'string' ? { fault } : fault;
  const isKnown = full.fault === undefined ? Number.isInteger(full.status) : kFaults.includes(full.fault);
  if (!isKnown) throw new Error(`unknown fault ${JSON.stringify(fault)}; known are a status and ${kFaults.join(', ')}`);
  return { after: 1, ...full };
}

/** A function call -> fault or undefined. `rates` is `{seed = 1, rates: [[rate, fault], ...]}`. */
export function faultPlan(scripted, { seed = 1, rates = [] } = {}) {
  for (const [, fault] of rates) normalized(fault);
  return (call) => {
    const chosen = normalized(scripted?.(call, call.n));
    if (chosen !== undefined || rates.length === 0) return chosen;
    let lot = draw(`${seed} ${call.attempt} ${call.prompt}`);
    for (const [rate, fault] of rates) {
      if (lot < rate) return normalized(fault);
      lot -= rate;
    }
    return undefined;
  };
}

/** The short answer that a fault consists of: {status, headers, body}, a missing body being the protocol's. */
export function refusalFor(call, fault, answer) {
  if (fault === undefined) return undefined;
  if (fault.fault === undefined) return fault;
  return refusals[fault.fault]?.(call, fault, answer);
}

/** What a fault changes of how a right answer is written, or undefined. */
export const alterationOf = (fault) => (fault === undefined ? undefined : alterations[fault.fault]?.(fault));
