/**
 * Which fault a call of the test server meets: the one that the test scripted, else one drawn by rates. Invariant: a
 * draw depends on the seed, the prompt and how often that prompt came, never on the order in which calls of different
 * prompts arrive, so a concurrent test repeats. What a fault does to the socket is `llm-server.mjs`'s part.
 *
 * A fault is a name of kFaults, a status, `{status, headers, body}`, or `{fault: name, after}` where `after` is the
 * number of pieces of a stream that still come through (default 1).
 */

export const kFaults = [
  'never-answer', // takes the request and says nothing
  'reset-before-headers', // the connection is reset
  'reset-mid-body', // half of a whole answer, then a reset
  'reset-mid-stream', // `after` pieces, then a reset
  'html-200', // a page of HTML with status 200
  'broken-json-200', // JSON that breaks off, with status 200
  'cut-stream', // `after` pieces, then a polite end without the terminator
  'error-in-stream', // `after` pieces, then an overload error as an event
  'stall-in-stream', // `after` pieces, then silence
  'insufficient-quota', // the protocol's refusal for a spent account
];

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
  if (full.status === undefined && !kFaults.includes(full.fault)) {
    throw new Error(`unknown fault ${JSON.stringify(fault)}; known are a status and ${kFaults.join(', ')}`);
  }
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

/** A 429 that asks for a wait of `ms` in one of the three spellings, or in none. */
export function rateLimited(spelling = 'none', ms = 0) {
  const now = Date.UTC(2024, 0, 1);
  const headers = {
    none: {},
    seconds: { 'retry-after': String(ms / 1000) },
    ms: { 'retry-after-ms': String(ms) },
    date: { date: new Date(now).toUTCString(), 'retry-after': new Date(now + ms).toUTCString() },
  }[spelling];
  return { status: 429, headers };
}
