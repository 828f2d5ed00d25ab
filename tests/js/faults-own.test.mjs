// The list of scenarios, with Heddle's own providers: what comes of each fault, and how many requests it costs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft } from '../support/calls.mjs';
import { ownClients } from '../support/clients/own.mjs';
import { open } from '../support/heddle.mjs';
import { serve } from '../support/llm-server.mjs';
import { kMaxAttempts, play, rows, serverOptions } from '../support/llm-scenarios.mjs';

for (const { name, protocol, providerOf, connect } of ownClients) {
  for (const row of rows) {
    test(`${name}, ${row.title}`, async (t) => {
      const server = await serve(t, serverOptions(row.scenario));
      // Waits take no real time; the request itself does.
      const rt = await open(t, { provider: providerOf(server), clock: 'virtual', retry: { maxAttempts: kMaxAttempts } });
      await play(row, { server, ask: connect({ rt }), protocol, typed: true });
      const { llmCalls, llmRetries } = rt.getStats();
      assert.deepEqual([llmCalls, llmRetries], [server.stats().requests, server.stats().requests - 1]);
      await assertNothingLeft(rt, server);
    });
  }
}
