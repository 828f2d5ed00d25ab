/**
 * From what a server said to an LLMError: which kind, which status, how long to wait, in words that name the provider,
 * the server's own message and what to do.
 *
 *   a spent quota by any word; 402    -> quota             429                          -> rate
 *   an overload by any word; 503, 529 -> overload          408, 504, 524                -> timeout
 *   a conversation too long; 413      -> context-length    409, 425, other >= 500       -> server
 *   a refusal of the content          -> content-filter    401, 403, 407                -> auth
 *   other 4xx                         -> invalid           anything else                -> protocol
 *
 * Invariant: text of the server's goes through `redact` before it is shortened. It does not decide about retries
 * (`retry.ts`) and keeps no `cause` of the host's: that could carry the request's headers.
 * Partners: `complaint.ts` (what the body says), `http.ts`.
 */

import { LLMError, type LLMErrorFields, type LLMErrorKind } from '../errors.js';
import { codeOf, type Complaint, kindOf } from './complaint.js';
import type { LLMRateLimit } from './provider.js';
import { rateLimitsOf } from './rate-headers.js';
import { type HeaderSource, retryAfterOf, shouldRetryOf } from './retry-after.js';

export { assumedStatus, type Complaint, complaintIn, complaintOf, kindOf, statusOf } from './complaint.js';


const kAdvice: Record<LLMErrorKind, string> = {
  rate: 'send fewer requests at a time, or set rates',
  quota: 'the account has nothing left, so waiting does not help',
  overload: 'the server has too much to do; try again later',
  server: 'the server failed; try again later',
  timeout: 'ask for less, or raise the limit that ran out',
  'context-length': 'shorten the conversation, or ask a model that takes more',
  'content-filter': 'change what is asked; the provider refuses this',
  auth: 'check the API key and what it may do',
  invalid: 'change the request; sent again as it is it fails again',
  transport: 'check the address and the network',
  protocol: 'check that the address serves this protocol',
};

// Enough for a few sentences of the server's, too little for a page of HTML.
const kExcerpt = 500;

// No word of the server's makes these any better.
const kFinal: readonly LLMErrorKind[] = ['quota', 'auth', 'invalid', 'context-length'];

/** One line of at most kExcerpt characters, secrets removed. */
export function excerpt(text: string, redact: (text: string) => string = (same) => same): string {
  const line = redact(text).replace(/\s+/g, ' ').trim();
  return line.length > kExcerpt ? `${line.slice(0, kExcerpt)}...` : line;
}

/** What an error carries besides its kind and its words. */
export type FailureFields = Omit<LLMErrorFields, 'kind'>;

/** An LLMError of a known kind. `text` must already be fit to print. */
export function failure(provider: string, kind: LLMErrorKind, text: string, fields: FailureFields = {}): LLMError {
  const id = fields.requestId === undefined ? '' : ` (request ${fields.requestId})`;
  return new LLMError(`${provider}: ${text}${id}; ${kAdvice[kind]}`, { kind, ...fields });
}

/** The limits that the headers tell of; undefined for none. */
export function ratesOf(headers: HeaderSource): readonly LLMRateLimit[] | undefined {
  const rates = rateLimitsOf(headers, Date.now());
  return rates.length === 0 ? undefined : rates;
}

/**
 * The error that an answer with this status stands for, whoever gave it: a server, a script or a custom function. With
 * `inBand` the complaint came inside an answer whose own status was good.
 */
export function statusError(
  provider: string,
  status: number,
  complaint: Complaint,
  options: {
    headers?: HeaderSource;
    retryAfter?: number | undefined;
    requestId?: string | undefined;
    rates?: readonly LLMRateLimit[] | undefined;
    inBand?: boolean | undefined;
    cause?: unknown;
  } = {},
): LLMError {
  const { headers, inBand = false } = options;
  const kind = kindOf(status, complaint);
  const advice = headers && shouldRetryOf(headers);
  return failure(provider, kind, `answered ${inBand ? 'an error like ' : ''}${status}: ${complaint.message || 'no message'}`, {
    status,
    requestId: options.requestId ?? complaint.requestId,
    retryAfter: options.retryAfter ?? (headers && retryAfterOf(headers)) ?? complaint.retryAfter,
    providerMessage: complaint.message || undefined,
    providerCode: codeOf(complaint),
    rates: options.rates ?? (headers && ratesOf(headers)),
    retryable: advice === true && kFinal.includes(kind) ? undefined : advice,
    inBand,
    ...('cause' in options ? { cause: options.cause } : {}),
  });
}

/** The same error, where the request will be written otherwise and may be sent again without a wait. */
export function atOnce(error: LLMError): LLMError {
  return new LLMError(`${error.message} (the next attempt is written otherwise)`, { ...error, retryable: true, retryAfter: 0 });
}

/** An error and the causes behind it, the outermost first; at most four. */
function chain(error: unknown): unknown[] {
  const links: unknown[] = [];
  for (let at = error; at !== undefined && at !== null && links.length < 4;) {
    links.push(at);
    at = typeof at === 'object' ? (at as { cause?: unknown }).cause : undefined;
  }
  return links;
}

const kHostLimits: Readonly<Record<string, string>> = {
  UND_ERR_HEADERS_TIMEOUT: 'headersTimeout',
  UND_ERR_BODY_TIMEOUT: 'bodyTimeout',
};

/** Says so where a fetch failed by the host's own limit of time, which is none of ours; undefined where it did not. */
export function hostLimitOf(error: unknown): string | undefined {
  for (const link of chain(error)) {
    const code = String((link as { code?: unknown }).code);
    const limit = Object.hasOwn(kHostLimits, code) ? kHostLimits[code] : undefined;
    if (limit !== undefined) return `the host's own limit, ${limit} of the dispatcher in use, ended the wait (${code})`;
  }
  return undefined;
}

/** Words for a failed fetch or read: the messages along its chain of causes. */
export function describe(error: unknown): string {
  const parts: string[] = [];
  for (const link of chain(error)) {
    const { message, code, name } = (typeof link === 'object' ? link : { message: String(link) }) as Record<string, unknown>;
    const text = [message, code, name].find((value) => typeof value === 'string' && value !== '');
    if (typeof text === 'string' && !parts.includes(text)) parts.push(text);
  }
  return parts.join(': ') || 'no reason given';
}
