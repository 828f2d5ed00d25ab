/**
 * A program: many calls, some at a time, to a server that spoils three requests in ten, in a process of its own, where no
 * test runner follows each promise. Prints what came of each call, what both sides counted, and what Node warned of, as JSON.
 * `node flood-program.mjs protocol calls [limited]` runs it; `limited`: under rates, in virtual time. Invariant: which request is spoilt, and how, is a function of kFaults' seed and
 * the call's prompt. Partner: tests/js/faults-flood.test.mjs, which knows what must come of each.
 */

import { fileURLToPath } from 'node:url';
import { asking, assertNothingLeft, connected } from './calls.mjs';
import { wordsOf } from './llm-meter.mjs';
import { SignalCounter } from './tasks.mjs';

export const kPlaces = 100;
export const kMaxAttempts = 4;

/** Of the limited flood. A call takes two words to ask and three to answer; what is reserved for it is more. */
export const kLimits = { requestsPerMinute: 3000, tokensPerMinute: 12_000 };
const rates = { ...kLimits, tokenizer: wordsOf, outputTokens: 3 };

const after = (fault, after) => ({ fault, after });

// Share, fault, and what becomes of an attempt that meets it, asked whole and as a stream: 'again', 'right', or the kind of the
// error that is final. `RetryAfterTooLong` has the kind of the refusal that asked for it.
export const sorts = [
  [0.03, 429, 'again', 'again'],
  [0.02, 500, 'again', 'again'],
  [0.02, 503, 'again', 'again'],
  [0.02, 529, 'again', 'again'],
  [0.01, 408, 'again', 'again'],
  [0.02, { fault: 'retry-after-seconds', ms: 2 }, 'again', 'again'],
  [0.01, { fault: 'retry-after-date', ms: 0 }, 'again', 'again'],
  [0.01, 'retry-after-negative', 'again', 'again'],
  [0.01, 'retry-after-absurd', 'rate', 'rate'],
  [0.02, 'reset-before-headers', 'again', 'again'],
  [0.01, after('reset-mid-body', 0), 'again', 'again'],
  [0.01, after('reset-mid-body', 2), 'again', 'transport'],
  [0.01, after('error-in-stream', 0), 'again', 'again'],
  [0.01, after('cut-stream', 0), 'again', 'again'],
  [0.01, after('half-event', 2), 'again', 'transport'],
  [0.01, 400, 'invalid', 'invalid'],
  [0.01, 'insufficient-quota', 'quota', 'quota'],
  [0.01, 'context-length', 'context-length', 'context-length'],
  [0.01, 'html-200', 'protocol', 'protocol'],
  [0.01, 'broken-json-200', 'protocol', 'protocol'],
  [0.01, 'pings', 'right', 'right'],
  [0.01, 'split-characters', 'right', 'right'],
  [0.01, 'missing-usage', 'right', 'right'],
];
export const faults = { seed: 5, rates: sorts.map(([rate, fault]) => [rate, fault]) };

/** The prompt of call i, and whether it is asked as a stream. */
export const callOf = (i) => ({ prompt: `question ${i}`, isStream: i % 2 === 1 });

function outcomeOf({ status, value, reason }) {
  if (status === 'fulfilled') return { text: value.text, attempts: value.attempts };
  // What asks for too long a wait is a refusal all the same.
  const { name, kind, attempts, message } = reason?.code === 'RetryAfterTooLong' ? reason.cause : reason;
  return { name, kind, attempts, message };
}

async function flood(protocol, count, isLimited) {
  const warnings = [];
  process.on('warning', ({ message }) => warnings.push(message));
  // An answer takes a while, or hardly two would ever be open at once.
  let runtime;
  // As providers count: what they refuse took no tokens.
  const limits = { ...kLimits, now: () => runtime?.clock.now() ?? 0, tokens: ({ prompt }, { output }) => (output === undefined ? 0 : wordsOf(prompt) + output) };
  const latencyMs = isLimited ? 0 : ({ n }) => 20 + (n % 8);
  const { server, rt } = await connected({ after() {} }, { faults, latencyMs, ...(isLimited ? { limits } : {}) }, {
    protocol,
    ...(isLimited ? { clock: 'virtual', rates } : {}),
    maxConcurrentTasks: count,
    maxConcurrentLLMCalls: kPlaces,
    retry: { maxAttempts: kMaxAttempts, baseDelay: 1 },
  });
  runtime = rt;
  const counter = new SignalCounter();
  const { signal } = counter.signal();
  const tasks = Array.from({ length: count }, (_, i) => {
    const { prompt, isStream } = callOf(i);
    return rt.submit((ctx) => asking[isStream ? 'llmStream' : 'llm'](ctx, prompt, { signal }));
  });
  const calls = (await rt.awaitAllSettled(tasks)).map(outcomeOf);
  await assertNothingLeft(rt, server);
  const { requests, aborts, open, maxOpen, worstWindow } = server.stats();
  const { llmCalls, llmRetries, reservations, openReservations } = rt.getStats();
  const elapsedMs = isLimited ? rt.clock.now() : undefined;
  await rt.close();
  // What the runtime had open is closed before the server closes anything.
  await server.whenSocketsClosed();
  const left = { listeners: counter.listeners, sockets: server.stats().sockets };
  await server.close();
  await new Promise((resolve) => setImmediate(resolve));
  left.resources = process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|Immediate/.test(name));
  return {
    calls,
    server: { requests, aborts, open, maxOpen },
    runtime: { llmCalls, llmRetries },
    limited: { worstWindow, reservations, openReservations, elapsedMs },
    left,
    warnings,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [protocol, count, mode] = process.argv.slice(2);
  console.log(JSON.stringify(await flood(protocol, Number(count), mode === 'limited')));
}
