/**
 * The name of an endpoint: a server and a key, as providers count. Equal names share limits; the key itself is not in it, nor
 * kept: keys of one server are told apart by a hash, and named by numbers in the order in which they were first seen.
 * Partners: `routes.ts`; `openai.ts`, `anthropic.ts`, `fetch.ts`.
 */

import { hash } from './hash.js';

const keysOf = new Map<string, Map<number, number>>();

/** `https://api.example`, or `https://api.example key 2`. */
export function endpointName(url: string, secret: string): string {
  let origin: string;
  try {
    ({ origin } = new URL(url));
  } catch {
    origin = 'this page';
  }
  let keys = keysOf.get(origin);
  if (keys === undefined) keysOf.set(origin, (keys = new Map()));
  const mark = hash(secret);
  let number = keys.get(mark);
  if (number === undefined) keys.set(mark, (number = keys.size + 1));
  return number === 1 ? origin : `${origin} key ${number}`;
}
