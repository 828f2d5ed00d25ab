/**
 * What a server's headers say about its limits of requests and tokens.
 *
 *   x-ratelimit-{limit,remaining,reset}-{requests,tokens}         OpenAI and most who speak its protocol
 *   anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset} Anthropic; also -{input,output}-tokens-
 *   RateLimit, RateLimit-Policy                                   the IETF's draft, of requests
 *
 * Resets are durations (`6m0s`), seconds, seconds or milliseconds since the epoch, or dates; dates are taken against the
 * server's own `Date`, where it sent one. Where Anthropic's `tokens` is missing, the two halves are read as one pool: both
 * limits together, of which the smaller of the two shares is left, so the scarcer half decides and yet no request counts
 * as too large because of the other's smaller limit.
 *
 * Invariant: every number is finite and at least 0; what is missing or unreadable is undefined, and a limit of which
 * neither `limit` nor `remaining` is known is left out. The window that a limit counts in is not told (some servers count
 * requests a day under these names); `resetMs` is all that is known of it. It decides nothing: rates are the core's.
 * Partners: `duration.ts`, `http.ts`.
 */

import { durationOf } from './duration.js';
import type { LLMRateLimit } from './provider.js';
import { type HeaderSource, httpDate } from './retry-after.js';

// A number above is a time since the epoch and no duration: as seconds 31 years, as milliseconds the year 2001.
const kEpochSeconds = 1e9;
const kEpochMs = 1e12;

/** All limits that the headers tell of; `now` is the host's time in milliseconds since the epoch. */
export function rateLimitsOf(headers: HeaderSource, now: number): LLMRateLimit[] {
  const time = httpDate(headers.get('date')) ?? now;
  const read = (counter: LLMRateLimit['counter'], name: (field: string) => string): LLMRateLimit | undefined =>
    limit(counter, count(headers.get(name('limit'))), count(headers.get(name('remaining'))), reset(headers.get(name('reset')), time));
  const anthropic = (what: string): LLMRateLimit | undefined =>
    read(what === 'requests' ? what : 'tokens', (field) => `anthropic-ratelimit-${what}-${field}`);
  const all = [
    read('requests', (field) => `x-ratelimit-${field}-requests`),
    read('tokens', (field) => `x-ratelimit-${field}-tokens`),
    anthropic('requests'),
    anthropic('tokens') ?? together(anthropic('input-tokens'), anthropic('output-tokens')),
    ...drafted(headers),
  ];
  return all.filter((row) => row !== undefined);
}

function limit(counter: LLMRateLimit['counter'], allowed?: number, remaining?: number, resetMs?: number): LLMRateLimit | undefined {
  if (allowed === undefined && remaining === undefined) return undefined;
  return {
    counter,
    ...(allowed === undefined ? {} : { limit: allowed }),
    ...(remaining === undefined ? {} : { remaining }),
    ...(resetMs === undefined ? {} : { resetMs }),
  };
}

function together(input: LLMRateLimit | undefined, output: LLMRateLimit | undefined): LLMRateLimit | undefined {
  if (input === undefined || output === undefined) return input ?? output;
  const resets = [input.resetMs, output.resetMs].filter((ms) => ms !== undefined);
  const resetMs = resets.length === 0 ? undefined : Math.max(...resets);
  const left = [input.remaining, output.remaining].filter((tokens) => tokens !== undefined);
  const least = left.length === 0 ? undefined : Math.min(...left);
  if (!input.limit || !output.limit) return limit('tokens', undefined, least, resetMs);
  const pool = input.limit + output.limit;
  const share = Math.min((input.remaining ?? input.limit) / input.limit, (output.remaining ?? output.limit) / output.limit);
  return limit('tokens', pool, least === undefined ? undefined : Math.floor(pool * share), resetMs);
}

// "policy";r=50;t=30 and "policy";q=100;w=60, or, in older drafts, limit=100, remaining=50, reset=30.
function drafted(headers: HeaderSource): (LLMRateLimit | undefined)[] {
  const text = headers.get('ratelimit') ?? '';
  // Items are many or long only where somebody plays with us.
  if (text === '' || text.length > 1000) return [];
  const old = parameters(text.replaceAll(',', ';'));
  if (old.has('remaining')) {
    return [limit('requests', count(old.get('limit')), count(old.get('remaining')), seconds(old.get('reset')))];
  }
  const policies = new Map(items(headers.get('ratelimit-policy') ?? '').map((item) => [item.name, item.values]));
  return items(text).map(({ name, values }) => {
    const policy = policies.get(name);
    if ((policy?.get('qu') ?? '"requests"') !== '"requests"') return undefined;
    return limit('requests', count(policy?.get('q')), count(values.get('r')), seconds(values.get('t')));
  });
}

function items(list: string): { name: string; values: Map<string, string> }[] {
  if (list.length > 1000) return [];
  return list.split(',').map((item) => {
    const [name = '', ...rest] = item.split(';');
    return { name: name.trim(), values: parameters(rest.join(';')) };
  });
}

function parameters(text: string): Map<string, string> {
  const pairs = text.split(';').map((pair) => pair.split('='));
  return new Map(pairs.map(([key = '', value = '']) => [key.trim().toLowerCase(), value.trim()]));
}

function count(text: string | null | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (!/^-?\d{1,15}(\.\d+)?$/.test(trimmed)) return undefined;
  // Some servers count below zero what was used beyond the limit.
  return Math.max(0, Math.floor(Number(trimmed)));
}

function seconds(text: string | undefined): number | undefined {
  const whole = count(text);
  return whole === undefined ? undefined : whole * 1000;
}

function reset(text: string | null, now: number): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (/^\d{1,15}(\.\d+)?$/.test(trimmed)) {
    const value = Number(trimmed);
    if (value >= kEpochMs) return Math.max(0, Math.ceil(value - now));
    return value >= kEpochSeconds ? Math.max(0, Math.ceil(value * 1000 - now)) : Math.ceil(value * 1000);
  }
  const duration = durationOf(trimmed);
  if (duration !== undefined) return duration;
  // RFC 3339, as Anthropic writes it; Date.parse alone would take nearly anything for a date.
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(trimmed) ? Date.parse(trimmed) : httpDate(trimmed);
  return time === undefined || Number.isNaN(time) ? undefined : Math.max(0, time - now);
}
