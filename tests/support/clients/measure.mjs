/**
 * A program: what the real clients do by themselves, with their default settings and the host's bare fetch, on every row of
 * the table of faults. Prints JSON: {bare, leftOn}, for each row {client: {requests, waits, limit, outcome, ...}}.
 *
 * And what they do through rt.fetch, where their own retries are left on.
 *
 * A client waits by setTimeout. Here a timer that a client's package asks for, as the stack shows, takes no time: a wait
 * before a retry is noted and over at once; a limit is noted, and runs out only where the server is silent and nothing else
 * can happen. Timers of the server and of fetch are real, and none of them matters. Jitter is drawn from a Math.random that
 * gives 0, which in these clients is the longest wait; the clock stands, so that a date is as far away as the server means.
 * Invariant: nothing here waits for real time. Partners: `table-rows.mjs`, `table.mjs`.
 */

import { kNow } from '../llm-retry-after.mjs';
import { startLLMServer } from '../llm-server.mjs';
import { kAnswer, kMeasured, leftOnRows, tableRows } from './table-rows.mjs';

const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
const kPackage = /node_modules\/(openai|@anthropic-ai\/sdk|ai|@ai-sdk\/[\w-]+)\//;
// The functions by which these packages wait before they try again.
const kSleeping = /\bat (sleep|delay) |\/sleep\.mjs/;

let waits = [];
let limits = new Set();

class ClientTimer {
  constructor(fire, ms) {
    this.fire = fire;
    this.ms = ms;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
}

globalThis.setTimeout = (callback, ms, ...args) => {
  const { stack } = new Error();
  // Whoever called setTimeout; that a client is further up the stack makes it no timer of the client's.
  const [, , caller, ...above] = stack.split('\n');
  if (!kPackage.test(caller)) return real.setTimeout(callback, ms, ...args);
  const timer = new ClientTimer(() => callback(...args), ms);
  if (kSleeping.test([caller, ...above.slice(0, 2)].join('\n'))) {
    waits.push(ms);
    timer.immediate = setImmediate(timer.fire);
  } else {
    limits.add(timer);
  }
  return timer;
};
globalThis.clearTimeout = (timer) => {
  if (!(timer instanceof ClientTimer)) return real.clearTimeout(timer);
  clearImmediate(timer.immediate);
  limits.delete(timer);
};
Error.stackTraceLimit = 30;
Math.random = () => 0;
Date.now = () => kNow;

// After the patches, for the packages may keep the functions that they find.
const { open } = await import('../heddle.mjs');
const { aiClients } = await import('./ai.mjs');
const { anthropicClients } = await import('./anthropic.mjs');
const { openaiClients } = await import('./openai.mjs');
const clients = [...openaiClients, ...anthropicClients, ...aiClients].filter(({ name }) => kMeasured.has(name));

/** Lets time run out for a client that a silent server keeps waiting. Gives the length of its limit, if it has any. */
async function outwait(server, asked, isOver, abort) {
  let limit;
  for (let requests = 1; ; requests++) {
    // Whatever the client still does about this request, it does in these turns.
    for (let turn = 0; turn < 200 && !isOver(); turn++) await new Promise(setImmediate);
    if (isOver()) return limit;
    const [timer] = limits;
    if (timer === undefined) {
      abort();
      return limit;
    }
    limit = timer.ms;
    limits.delete(timer);
    timer.fire();
    await Promise.race([server.whenRequests(requests + 1), asked]);
  }
}

async function measure(client, { fault, stream = false, silent = false }, fetch) {
  const server = await startLLMServer({ fault: () => fault, respond: () => kAnswer });
  waits = [];
  limits = new Set();
  const controller = new AbortController();
  const ask = client.connect({ url: server.url, fetch });
  let isOver = false;
  let isAborted = false;
  const asked = ask({ prompt: 'a question', stream, signal: controller.signal }).finally(() => (isOver = true));
  let limit;
  if (silent) {
    await (stream ? server.whenPieces(1) : server.whenRequests(1));
    limit = await outwait(server, asked, () => isOver, () => {
      isAborted = true;
      controller.abort();
    });
  }
  const { error: _, ...outcome } = await asked;
  const { requests } = server.stats();
  await server.close();
  return { requests, waits, ...(silent && { limit: limit ?? null }), ...(isAborted ? { outcome: 'waiting' } : outcome) };
}

async function measureAll(rows, fetch) {
  const table = [];
  for (const row of rows) {
    const cells = {};
    for (const client of clients) cells[client.name] = await measure(client, row, fetch);
    table.push(cells);
  }
  return table;
}

const bare = await measureAll(tableRows);
const rt = await open({ after() {} }, { clock: 'virtual' });
const leftOn = await measureAll(leftOnRows, rt.fetch);
await rt.close();
console.log(JSON.stringify({ bare, leftOn }));
