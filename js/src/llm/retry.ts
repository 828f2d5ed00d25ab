/**
 * Which failed attempts may be tried again. A pure function of the error; when, how often and at whose cost is the
 * core's to decide, not the provider's. Partner: `call.ts`.
 */

import type { LLMError } from '../errors.js';

/**
 * True where another attempt may succeed: 408, 409, 429, every status >= 500, a lost connection, an error inside a
 * stream of one of these kinds. False for a spent quota, for what is wrong with the request or its key, and for answers
 * that are none: the same server would say the same again.
 */
export function isRetryable(error: LLMError): boolean {
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
