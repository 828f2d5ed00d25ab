/**
 * Durations as servers write them in words: `37s`, `120ms`, `6m0s`, `1h2m3.5s`, `2d`. Invariant: a number of
 * milliseconds, rounded up so that waiting for it is enough, or undefined for anything else; a bare number has no unit
 * and is the caller's to read. Partners: `rate-headers.ts`, `complaint.ts`.
 */

const kUnits: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, ns: 1e-6 };
const kWhole = /^(?:\d+(?:\.\d+)?(?:ms|us|ns|[dhms]))+$/;
const kPart = /(\d+(?:\.\d+)?)(ms|us|ns|[dhms])/g;

/** Milliseconds of a duration with units; undefined for every other text. */
export function durationOf(text: string): number | undefined {
  const trimmed = text.trim();
  // No sensible duration is longer, and the pattern is never let loose on a page.
  if (trimmed.length > 40 || !kWhole.test(trimmed)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of trimmed.matchAll(kPart)) ms += Number(amount) * (kUnits[unit as string] as number);
  // 3.3 s is 3300.0000000000005 ms to the machine; that is no reason to wait one more.
  return Math.ceil(Number(ms.toFixed(6)));
}
