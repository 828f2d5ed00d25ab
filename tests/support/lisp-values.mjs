/** Random values that cross between JavaScript and Lisp. The same seed gives the same values. */

/** mulberry32: numbers in [0, 1). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const letters = ['a', 'Z', '0', ' ', '"', '\\', '\n', '\0', 'ß', 'Ω', '漢', '𝄞', '\u{10ffff}', '\ufeff'];

export function text(random) {
  const length = random() < 0.1 ? Math.floor(random() * 200) : Math.floor(random() * 8);
  return Array.from({ length }, () => letters[Math.floor(random() * letters.length)]).join('');
}

function number(random) {
  switch (Math.floor(random() * 6)) {
    case 0:
      return Math.floor(random() * 20) - 10;
    case 1:
      return Math.floor((random() - 0.5) * 2 ** 53);
    case 2:
      return [0, -0, NaN, Infinity, -Infinity, 2 ** 53 - 1, -(2 ** 53), 5e-324, 1.7976931348623157e308][Math.floor(random() * 9)];
    default: {
      const bits = new DataView(new ArrayBuffer(8));
      bits.setUint32(0, random() * 2 ** 32);
      bits.setUint32(4, random() * 2 ** 32);
      return bits.getFloat64(0);
    }
  }
}

/** A value at most `depth` deep. BigInts are such that do not fit a safe integer, so that they come back as BigInts. */
export function value(random, depth) {
  const kind = Math.floor(random() * (depth > 0 ? 10 : 7));
  switch (kind) {
    case 0:
      return [null, true, false, undefined][Math.floor(random() * 4)];
    case 1:
    case 2:
      return number(random);
    case 3:
    case 4:
      return text(random);
    case 5: {
      const digits = BigInt(Math.floor(random() * 2 ** 53)) * 10n ** BigInt(16 + Math.floor(random() * 40)) + 2n ** 54n;
      return random() < 0.5 ? digits : -digits;
    }
    case 6:
      return Uint8Array.from({ length: Math.floor(random() * 5) }, () => random() * 256);
    case 7:
    case 8:
      return Array.from({ length: Math.floor(random() * 5) }, () => value(random, depth - 1));
    default:
      return Object.fromEntries(Array.from({ length: Math.floor(random() * 5) }, () => [`k${text(random)}`, value(random, depth - 1)]));
  }
}
