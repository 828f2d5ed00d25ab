// The real clients through rt.fetch, held to the same list as our own providers: the runtime alone tries again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft } from '../support/calls.mjs';
import { aiClients } from '../support/clients/ai.mjs';
import { anthropicClients } from '../support/clients/anthropic.mjs';
import { openaiClients } from '../support/clients/openai.mjs';
import { open } from '../support/heddle.mjs';
import { kMaxAttempts, play, rows, serverOptions } from '../support/llm-scenarios.mjs';
import { serve } from '../support/llm-server.mjs';

const retry = { maxAttempts: kMaxAttempts, baseDelay: 1, maxDelay: 1 };

for (const client of [...openaiClients, ...anthropicClients, ...aiClients]) {
  for (const row of rows) {
    test(`${client.name}: ${row.title}`, async (t) => {
      const server = await serve(t, serverOptions(row.scenario));
      const rt = await open(t, { clock: 'virtual', retry });
      const { protocol } = client;
      const ask = client.connect({ url: server.url, fetch: rt.fetch, maxRetries: 0 });
      await play(row, { server, ask, protocol });
      assert.ok(server.stats().maxOpen <= 1);
      await assertNothingLeft(rt, server);
    });
  }
}
