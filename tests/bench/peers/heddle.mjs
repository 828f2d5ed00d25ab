// Opens a Heddle runtime for a benchmark, from the package as a user imports it.
//
// A WebAssembly memory belongs to no JS object that the heap statistics could show, so this file also
// keeps track of every memory that comes to life, and `wasmBytes()` gives their size. It does so
// by wrapping the two ways to make an instance, before the package is loaded.

const memories = new Set();

function remember(instance) {
  for (const exported of Object.values(instance.exports)) {
    if (exported instanceof WebAssembly.Memory) memories.add(exported);
  }
  return instance;
}

const { instantiate, Instance, Memory } = WebAssembly;
WebAssembly.instantiate = async (source, imports) => {
  const made = await instantiate(source, imports);
  remember(made.instance ?? made);
  return made;
};
WebAssembly.Instance = new Proxy(Instance, {
  construct: (target, args) => remember(Reflect.construct(target, args)),
});
WebAssembly.Memory = new Proxy(Memory, {
  construct: (target, args) => {
    const memory = Reflect.construct(target, args);
    memories.add(memory);
    return memory;
  },
});

/** Gives the total size in bytes of the WebAssembly memories made so far. */
export function wasmBytes() {
  let bytes = 0;
  for (const memory of memories) bytes += memory.buffer.byteLength;
  return bytes;
}

/** Opens a runtime; `HEDDLE_BENCH_VARIANT` chooses the build where the host has a choice. */
export async function openHeddle(config) {
  const { createRuntime } = await import('heddle');
  const variant = process.env.HEDDLE_BENCH_VARIANT;
  return createRuntime(variant ? { ...config, variant } : config);
}
