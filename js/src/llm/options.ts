/**
 * Checks of what the provider factories are given, at the call of the factory. Invariant: a value that passes cannot
 * make fetch throw for its form. Every refusal is a ConfigError that names the key as the caller wrote it and says what
 * is allowed; a value that may be a secret is never shown. An option given as undefined counts as not given.
 */

import { ConfigError } from '../errors.js';
import { sketch } from '../printable.js';

/** Throws the ConfigError for a key. */
export function refuse(key: string, allowed: string, value: unknown): never {
  throw new ConfigError(`${key} must be ${allowed}; got ${sketch(value)}`, key);
}

/** The options object itself, free of keys that the factory does not know. */
export function checkKeys<T extends object>(factory: string, options: T, known: readonly (keyof T & string)[]): T {
  if (typeof options !== 'object' || options === null)
    refuse(`${factory}`, `called with an object of ${known.join(', ')}`, options);
  for (const key of Object.keys(options)) {
    if (!(known as readonly string[]).includes(key)) {
      throw new ConfigError(`${factory}.${key} is not an option; known are ${known.join(', ')}`, `${factory}.${key}`);
    }
  }
  return options;
}

/** A non-empty string. */
export function checkText(key: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') return refuse(key, 'a non-empty string', value);
  return value;
}

/** A finite number within bounds. */
export function checkNumber(key: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !(value >= min && value <= max))
    return refuse(key, `a number from ${min} to ${max}`, value);
  return value;
}

/** A whole number within bounds. */
export function checkInteger(key: string, value: unknown, min: number, max: number): number {
  if (!Number.isInteger(value)) return refuse(key, `a whole number from ${min} to ${max}`, value);
  return checkNumber(key, value, min, max);
}

/** An API key. The message never shows it. */
export function checkKey(key: string, value: unknown): string {
  if (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) return value;
  const found =
    typeof value === 'string' ? (value === '' ? 'an empty string' : 'one with other characters') : typeof value;
  throw new ConfigError(
    `${key} must be printable ASCII without spaces (any will do for a server that needs no key); got ${found}`,
    key,
  );
}

/** An absolute http(s) address (or, in a page, one from the page's root), joined with the path of the operation. */
export function checkAddress(key: string, value: unknown, join: (path: string) => string): string {
  const text = checkText(key, value);
  const page = (globalThis as { location?: { href?: string } }).location?.href;
  let url: URL | undefined;
  try {
    url = text.startsWith('/') ? new URL(text, page) : new URL(text);
  } catch {
    url = undefined;
  }
  // The value is not shown: where an address is missing, a key may have taken its place.
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new ConfigError(`${key} must be an absolute http or https URL; got a string that is none`, key);
  }
  if (url.username !== '' || url.password !== '') throw new ConfigError(`${key} must not hold a user or password`, key);
  url.pathname = join(url.pathname.replace(/\/+$/, ''));
  url.hash = '';
  return url.href;
}

/** Extra headers: an object of strings that HTTP can carry. */
export function checkHeaders(key: string, value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null) refuse(key, 'an object of strings', value);
  const checked: Record<string, string> = {};
  for (const [name, text] of Object.entries(value as Record<string, unknown>)) {
    if (text === undefined) continue;
    try {
      if (typeof text !== 'string') throw new TypeError();
      new Headers([[name, text]]);
    } catch {
      throw new ConfigError(`${key}.${name} must be a valid header name with a string as its value`, `${key}.${name}`);
    }
    checked[name.toLowerCase()] = text;
  }
  return checked;
}
