// Case k: what a parked fiber of a Lisp program weighs. All memory is in the instance's own, so its growth is the
// weight; a thousand fibers are parked beforehand, so that the language and the first growth are not counted.

import { openHeddle, wasmBytes } from '../peers/heddle.mjs';

const program = (n) => `
(do ((i 0 (+ i 1))) ((= i ${n}))
  (fiber/spawn (lambda () (delay-ms 1000000000))))
(yield)
${n}`;

async function heddle(n) {
  const rt = await openHeddle({});
  await rt.run(program(1_000)).promise;
  return {
    async run() {
      const before = wasmBytes();
      const parked = await rt.run(program(n)).promise;
      return { parked, metrics: { memory: (wasmBytes() - before) / n } };
    },
  };
}

export default {
  letter: 'k',
  title: 'Lisp: parked fibers',
  unit: 'bytes',
  fresh: true,
  sizes: [100_000, 1_000_000],
  peers: { heddle },
  check: ({ parked }, n) => parked === n || `${parked} fibers of ${n}`,
};
