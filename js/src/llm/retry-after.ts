/**
 * What a server's headers say about trying again: how long to wait, in milliseconds (`retry-after-ms`, `Retry-After` in
 * seconds, `Retry-After` as a date), and whether to (`x-should-retry`, which OpenAI's and Anthropic's servers send).
 * Invariant: a wait is undefined (no usable advice) or a finite number from 0 to kLongest. Negative values, dates in the
 * past and anything unreadable count as no advice, so that the caller's own backoff applies; an absurdly long one is
 * still advice, and the runtime refuses it by `retry.maxRetryAfter`. Partners: `failure.ts`, `rate-headers.ts`.
 */

/** What is read of a response's headers. */
export interface HeaderSource {
  get(name: string): string | null;
}

// About 31 years: beyond every sensible limit, and small enough that adding it to a time stays exact.
const kLongest = 1e12;

function amount(text: string | null, unit: number): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (!/^(\d+(\.\d*)?|\.\d+)$/.test(trimmed)) return undefined;
  return Math.min(Math.ceil(Number(trimmed) * unit), kLongest);
}

/** The time that a header names in one of the three forms of HTTP, in milliseconds since the epoch. */
export function httpDate(text: string | null): number | undefined {
  const trimmed = text?.trim() ?? '';
  // Date.parse takes nearly anything ("-5" is a year to it): only what begins with a weekday is an HTTP date.
  if (!/^(mon|tue|wed|thu|fri|sat|sun)/i.test(trimmed)) return undefined;
  // The oldest of the three HTTP forms names no zone and means GMT.
  const time = Date.parse(/GMT|UTC|[+-]\d{4}$/.test(trimmed) ? trimmed : `${trimmed} GMT`);
  return Number.isNaN(time) ? undefined : time;
}

/** The wait that the headers ask for. A date is taken against the server's own `Date`, where it sent one. */
export function retryAfterOf(headers: HeaderSource, now: () => number = Date.now): number | undefined {
  const exact = amount(headers.get('retry-after-ms'), 1) ?? amount(headers.get('retry-after'), 1000);
  if (exact !== undefined) return exact;
  const until = httpDate(headers.get('retry-after'));
  if (until === undefined) return undefined;
  const wait = until - (httpDate(headers.get('date')) ?? now());
  return wait < 0 ? undefined : Math.min(wait, kLongest);
}

/** The server's own word on whether the same request may be sent again; undefined where it says nothing. */
export function shouldRetryOf(headers: HeaderSource): boolean | undefined {
  const word = headers.get('x-should-retry')?.trim().toLowerCase();
  return word === 'true' ? true : word === 'false' ? false : undefined;
}

/** Headers as an error carries them: a Headers object, or a plain object with names in any case. */
export function headersOf(value: unknown): HeaderSource {
  if (typeof value !== 'object' || value === null) return { get: () => null };
  if (typeof (value as Partial<HeaderSource>).get === 'function') return value as HeaderSource;
  const byName = new Map(Object.entries(value).map(([name, text]) => [name.toLowerCase(), String(text)]));
  return { get: (name) => byName.get(name) ?? null };
}
