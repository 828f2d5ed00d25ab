// Thousands of calls, a hundred at a time, to a server of which three requests in ten meet a fault of any sort: each call ends
// in its right result or its right error, both sides count the same requests, and nothing is left.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { callOf, faults, kLimits, kMaxAttempts, kPlaces, sorts } from '../support/flood-program.mjs';
import { faultPlan } from '../support/llm-faults.mjs';

const program = fileURLToPath(new URL('../support/flood-program.mjs', import.meta.url));

async function flood(protocol, count, ...mode) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = [...process.execArgv.filter((arg) => !arg.startsWith('--test')), program, protocol, String(count), ...mode];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 1e9 });
  return JSON.parse(stdout);
}

const kLastKind = new Map([[408, 'timeout'], [429, 'rate'], [500, 'server'], [503, 'overload'], [529, 'overload']]);

const nameOf = (fault) => JSON.stringify(typeof fault === 'object' ? [fault.fault, fault.after ?? 1] : fault);
const sortOf = new Map(sorts.map((sort) => [nameOf(sort[1]), sort]));

// What must come of a prompt, from nothing but the seed: {attempts, kind}; a missing kind is a right answer, and null is one
// that this test leaves open, where the attempts run out at a fault without a status.
function expected(plan, prompt, isStream) {
  for (let attempt = 1; ; attempt++) {
    const fault = plan({ prompt, attempt });
    if (fault === undefined) return { attempts: attempt };
    const known = fault.fault === undefined ? fault.status : fault;
    const sort = sortOf.get(nameOf(known)) ?? sortOf.get(nameOf(fault.fault));
    const verdict = sort[isStream ? 3 : 2];
    if (verdict === 'right') return { attempts: attempt };
    if (verdict !== 'again') return { attempts: attempt, kind: verdict };
    if (attempt === kMaxAttempts) return { attempts: attempt, kind: kLastKind.get(fault.status) ?? null };
  }
}

const floods = [
  ['openai', 10_000, []],
  ['anthropic', 2000, []],
  ['openai', 10_000, ['limited']],
];

for (const [protocol, count, mode] of floods) {
  const where = mode.length === 0 ? '' : ' within the limits of each minute';
  test(`${protocol}: of ${count} calls under thirty percent of faults each ends right${where}, and no request is uncounted`, async (t) => {
    const plan = faultPlan(undefined, faults);
    const { calls, server, runtime, limited, left, warnings } = await flood(protocol, count, ...mode);
    assert.equal(calls.length, count);
    let requests = 0;
    const failures = {};
    for (const [i, { message, ...seen }] of calls.entries()) {
      const { prompt, isStream } = callOf(i);
      const { attempts, kind } = expected(plan, prompt, isStream);
      requests += attempts;
      const wanted = kind === undefined ? { text: `echo: ${prompt}`, attempts } : { name: 'LLMError', kind: kind ?? seen.kind, attempts };
      assert.deepEqual(seen, wanted, `${prompt}: ${message}`);
      if (kind !== undefined) failures[seen.kind] = (failures[seen.kind] ?? 0) + 1;
    }
    assert.deepEqual(runtime, { llmCalls: requests, llmRetries: requests - count });
    assert.deepEqual([server.requests, server.aborts, server.open], [requests, 0, 0]);
    assert.ok(server.maxOpen <= kPlaces && server.maxOpen > 1, `${server.maxOpen} open at once`);
    assert.deepEqual(warnings, []);
    assert.deepEqual(left, { listeners: 0, sockets: 0, resources: [] });
    if (mode.length > 0) {
      const { worstWindow, reservations, openReservations, elapsedMs } = limited;
      const { requestsPerMinute, tokensPerMinute } = kLimits;
      assert.ok(worstWindow.requests <= requestsPerMinute && worstWindow.tokens <= tokensPerMinute, JSON.stringify(worstWindow));
      // The limits are used, too.
      assert.ok(worstWindow.requests > 0.9 * requestsPerMinute || worstWindow.tokens > 0.9 * tokensPerMinute, JSON.stringify(worstWindow));
      assert.deepEqual([reservations, openReservations], [requests, 0]);
      t.diagnostic(`worst window ${JSON.stringify(worstWindow)}, ${elapsedMs / 60_000} minutes`);
    }
    t.diagnostic(`${requests} requests, ${server.maxOpen} open at once, failed: ${JSON.stringify(failures)}`);
  });
}
