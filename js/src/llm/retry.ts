/**
 * What a failed attempt means to those who decide: whether it may be tried again, and what it says about the server, the
 * model and the tokens reserved for it. Pure functions of the error; when, how often and at whose cost is the core's to
 * decide, not the provider's. Partners: `failure.ts`, which makes the errors; `call.ts`, which tells the core.
 */

import type { LLMError } from '../errors.js';
import { FailureFlag } from '../protocol.js';

/**
 * True where another attempt may succeed: 408, 409, 425, 429, every status >= 500, a lost connection, an error inside a
 * stream of one of these kinds. False for a spent quota, for what is wrong with the request or its key, and for answers
 * that are none: the same server would say the same again. A server that says for itself whether to try again
 * (`x-should-retry`) has the last word, except that a quota, a key or a request does not get better by it.
 */
export function isRetryable(error: LLMError): boolean {
  if (error.retryable !== undefined) return error.retryable;
  switch (error.kind) {
    case 'rate':
    case 'overload':
    case 'server':
    case 'transport':
    case 'timeout':
      return true;
    case 'quota':
    case 'context-length':
    case 'content-filter':
    case 'auth':
    case 'invalid':
    case 'protocol':
      return false;
  }
}

// A 4xx is about the request, whatever its kind: 408 and 425 about how it was sent, 409 about another one.
function isFault({ kind, status }: LLMError): boolean {
  if (status !== undefined && status < 500) return false;
  return kind === 'overload' || kind === 'server' || kind === 'timeout' || kind === 'transport';
}

// `invalid` would be refused by every model, except where it is the model that does not exist. `protocol` is a wrong
// address or a fault in a program: going elsewhere would hide what must be mended.
function mayFallBack({ kind, status }: LLMError): boolean {
  return kind === 'invalid' ? status === 404 : kind !== 'protocol';
}

/**
 * Bits of FailureFlag for a failed attempt: `retryable` as above; `overload`: the server wants fewer requests at a time (429,
 * 503, 529, but no spent quota); `fault`: the endpoint failed, which counts for its circuit breaker; `fallback`: another model
 * may answer what this one did not; `refused`: the server did no work, so what was reserved for the request is free again;
 * `unavailable`: the account is spent, the key is wrong or the model is not there, whatever the request.
 */
export function failureFlags(error: LLMError): number {
  const { kind, status, inBand } = error;
  return (
    (isRetryable(error) ? FailureFlag.retryable : 0) |
    (kind === 'rate' || kind === 'overload' ? FailureFlag.overload : 0) |
    (isFault(error) ? FailureFlag.fault : 0) |
    (mayFallBack(error) ? FailureFlag.fallback : 0) |
    (kind === 'quota' || kind === 'auth' || (kind === 'invalid' && status === 404) ? FailureFlag.unavailable : 0) |
    // What fails inside an answer has begun, and may be billed.
    (status !== undefined && status >= 400 && !inBand ? FailureFlag.refused : 0)
  );
}
