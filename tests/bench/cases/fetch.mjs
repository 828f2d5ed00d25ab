// Case h: what rt.fetch costs over the host's own fetch: a chat completion, POST and small JSON answer, from a server in
// another process, 64 requests at a time. The two take turns, block by block, in one process, so that a busy machine slows
// both; a round's overhead is the ratio of the medians of its blocks, in time and in this process's time on the processor,
// which other programs disturb less. `heddle with signal` gives each request a signal, as the official clients do, to both.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openHeddle } from '../peers/heddle.mjs';

const concurrency = 64;
const blocks = 16;
const server = fileURLToPath(new URL('../peers/chat-server.mjs', import.meta.url));

const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'a short question, as short ones go' }] });
const headers = { 'content-type': 'application/json', authorization: 'Bearer k' };

async function serve() {
  const child = spawn(process.execPath, [server], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = await once(child.stdout.setEncoding('utf8'), 'data');
  return { url: `http://127.0.0.1:${Number(port)}/v1/chat/completions`, close: () => child.stdin.end() };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

async function compare(n, optionsOf) {
  const { url, close } = await serve();
  const rt = await openHeddle({ maxConcurrentLLMCalls: concurrency });
  const fetches = { bare: globalThis.fetch, heddle: rt.fetch };

  // n requests; gives the milliseconds that passed and those on the processor.
  async function block(fetch) {
    let left = n;
    let right = 0;
    async function worker() {
      while (left-- > 0) {
        const response = await fetch(url, { method: 'POST', headers, body, ...optionsOf() });
        const { choices } = await response.json();
        if (choices[0].message.content === 'a short answer') right++;
      }
    }
    const begun = performance.now();
    const used = process.cpuUsage();
    await Promise.all(Array.from({ length: concurrency }, worker));
    if (right !== n) throw new Error(`${right} right answers of ${n}`);
    const { user, system } = process.cpuUsage(used);
    return { time: performance.now() - begun, processor: (user + system) / 1000 };
  }

  return {
    async run() {
      const times = { bare: [], heddle: [] };
      for (let i = 0; i < blocks; i++) {
        // Who comes first changes, or the collector would always strike the same one.
        for (const name of i % 2 === 0 ? ['bare', 'heddle'] : ['heddle', 'bare']) times[name].push(await block(fetches[name]));
      }
      const of = (name, what) => median(times[name].map((one) => one[what]));
      return {
        metrics: {
          time: (of('heddle', 'time') * 1e6) / n,
          'bare fetch ns': (of('bare', 'time') * 1e6) / n,
          overhead: of('heddle', 'time') / of('bare', 'time'),
          'processor overhead': of('heddle', 'processor') / of('bare', 'processor'),
        },
      };
    },
    async close() {
      await rt.close();
      close();
    },
  };
}

export default {
  letter: 'h',
  title: `chat completions from a local server, ${concurrency} at a time, rt.fetch against fetch`,
  unit: 'ns/request',
  sizes: [160],
  peers: {
    heddle: (n) => compare(n, () => undefined),
    'heddle with signal': (n) => compare(n, () => ({ signal: new AbortController().signal })),
  },
  check: () => true,
};
