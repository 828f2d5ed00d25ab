/**
 * Numbers drawn from a value instead of from chance: the same value gives the same numbers in every engine. Invariant:
 * the order of an object's keys does not matter, and neither time nor Math.random is asked. Not for secrets; 32 bits
 * are plenty for a simulation. Partner: `simulated.ts`.
 */

// FNV-1a over UTF-16 code units.
const kOffset = 0x811c9dc5;
const kPrime = 0x01000193;

function write(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    fields.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${write(field)}`).join(',')}}`;
  }
  // Strings need their quotes: 1 and "1" are different values.
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** A 32-bit hash of a value made of plain objects, arrays and primitives. */
export function hash(value: unknown): number {
  const text = write(value);
  let state = kOffset;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), kPrime);
  return state >>> 0;
}

/** A function that gives one number of [0, 1) after another, all determined by the seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
