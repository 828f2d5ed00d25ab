// Case g: what the WebAssembly build costs before the first task: its size on disk and over the wire, the time
// to compile it, and the first and the second runtime of a process (the second finds the module compiled).

import { readdirSync, readFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import { openHeddle } from '../peers/heddle.mjs';

const folder = new URL('../../../dist/wasm/', import.meta.url);

function brotliSize(bytes) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return brotliCompressSync(bytes, { params }).length;
}

async function milliseconds(action) {
  const start = performance.now();
  const result = await action();
  return [performance.now() - start, result];
}

export default {
  letter: 'g',
  title: 'the WebAssembly build: size and start',
  fresh: true,
  sizes: [1],
  peers: {
    async heddle() {
      // Loading the package's own JS is not part of it.
      await import('heddle');
      return {
        async run() {
          const [first, one] = await milliseconds(() => openHeddle({}));
          const [second, two] = await milliseconds(() => openHeddle({}));
          await Promise.all([one.close(), two.close()]);
          return { metrics: { 'first runtime ms': first, 'second runtime ms': second } };
        },
      };
    },

    async files() {
      return {
        async run() {
          const metrics = {};
          for (const name of readdirSync(folder).filter((file) => file.endsWith('.wasm'))) {
            const bytes = readFileSync(new URL(name, folder));
            metrics[`${name} bytes`] = bytes.length;
            metrics[`${name} brotli`] = brotliSize(bytes);
            metrics[`${name} compile ms`] = (await milliseconds(() => WebAssembly.compile(bytes)))[0];
          }
          return { metrics };
        },
      };
    },
  },
  check: ({ metrics }) => Object.keys(metrics).length > 0 || 'no file in dist/wasm',
};
