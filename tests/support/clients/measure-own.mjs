/**
 * What Heddle does with every row of the table of faults: a runtime of default settings under virtual time, one call with
 * each protocol. Each row runs under two seeds: a wait that is the same under both is what the server asked for, any other
 * is the backoff's draw. Invariant: nothing waits for real time. Partners: `table-rows.mjs`, `table.mjs`, `measure.mjs`.
 */

import { open } from '../heddle.mjs';
import { startLLMServer } from '../llm-server.mjs';
import { ownClients } from './own.mjs';
import { kAnswer, tableRows } from './table-rows.mjs';

const kSeeds = [1, 2];

/** A cell a protocol for each row, as `measure.mjs` has one a client. */
export async function measureOwn() {
  const table = [];
  for (const row of tableRows) {
    const cells = {};
    for (const client of ownClients) {
      const one = await measure(client, row, kSeeds[0]);
      const again = one.waits.length > 0 ? (await measure(client, row, kSeeds[1])).waits : [];
      cells[client.name] = { ...one, waits: String(one.waits) === String(again) ? one.waits : 'backoff' };
    }
    table.push(cells);
  }
  return table;
}

async function measure({ providerOf, connect }, { fault, stream = false, silent = false }, seed) {
  const server = await startLLMServer({ fault: () => fault, respond: () => kAnswer });
  // Virtual time stands while a request is in flight, so what lies between two requests is the wait.
  const times = [];
  const fetch = (...args) => {
    times.push(rt.clock.now());
    return globalThis.fetch(...args);
  };
  const rt = await open({ after() {} }, { provider: providerOf(server), clock: 'virtual', seed, fetch });
  const controller = new AbortController();
  const asked = connect({ rt })({ prompt: 'a question', stream, signal: controller.signal });
  if (silent) {
    await (stream ? server.whenPieces(1) : server.whenOpen(1));
    controller.abort();
  }
  const { error, ...outcome } = await asked;
  await rt.close();
  await server.close();
  const waits = times.slice(1).map((time, i) => time - times[i]);
  const { requests } = server.stats();
  return { requests, waits, ...(silent ? { limit: null, outcome: 'waiting' } : outcome) };
}
