/**
 * From what a server said to an LLMError: which kind, which status, how long to wait, in words that name the provider,
 * the server's own message and what to do.
 *
 *   body says insufficient_quota, billing_*; 402 -> quota      429                       -> rate
 *   body says overloaded_error; 503, 529         -> overload   408, 409, other >= 500    -> server
 *   401, 403                                     -> auth       other 4xx                 -> invalid
 *   anything else                                -> protocol
 *
 * Invariant: text of the server's goes through `redact` before it is shortened. It does not decide about retries
 * (`retry.ts`) and keeps no `cause` of the host's: that could carry the request's headers. Partner: `http.ts`.
 */

import { LLMError, type LLMErrorKind } from '../errors.js';
import { type HeaderSource, retryAfterOf } from './retry-after.js';

/** An error as a body or a stream event states it; each field may be missing. */
export interface Complaint {
  message?: string | undefined;
  type?: string | undefined;
  code?: string | number | undefined;
  requestId?: string | undefined;
}

const kQuotaWords = new Set([
  'insufficient_quota',
  'billing_error',
  'billing_not_active',
  'billing_hard_limit_reached',
  'quota_exceeded',
]);
const kOverloadWords = new Set(['overloaded_error', 'overloaded', 'engine_overloaded', 'engine_overloaded_error']);

// The status that an error would have had, had it come before the headers.
const kStatusOfWord = new Map<string, number>([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['insufficient_quota', 429],
  ['rate_limit_error', 429],
  ['rate_limit_exceeded', 429],
  ['api_error', 500],
  ['server_error', 500],
  ['internal_server_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
]);

const kAdvice: Record<LLMErrorKind, string> = {
  rate: 'send fewer requests at a time, or set rates',
  quota: 'the account has nothing left, so waiting does not help',
  overload: 'the server has too much to do; try again later',
  server: 'the server failed; try again later',
  timeout: 'raise the limit, or ask for less',
  'context-length': 'shorten the conversation, or ask a model that takes more',
  'content-filter': 'change what is asked; the provider refuses this',
  auth: 'check the API key and what it may do',
  invalid: 'change the request; sent again as it is it fails again',
  transport: 'check the address and the network',
  protocol: 'check that the address serves this protocol',
};

// Enough for a sentence of the server's, too little for a page of HTML.
const kExcerpt = 300;

function words(complaint: Complaint): string[] {
  return [complaint.code, complaint.type].filter((word): word is string => typeof word === 'string');
}

/** The kind of failure that a status and a complaint stand for. */
export function kindOf(status: number, complaint: Complaint = {}): LLMErrorKind {
  const said = words(complaint);
  if (status === 402 || said.some((word) => kQuotaWords.has(word))) return 'quota';
  if (said.some((word) => kOverloadWords.has(word))) return 'overload';
  if (status === 429) return 'rate';
  if (status === 503 || status === 529) return 'overload';
  if (status === 408 || status === 409 || status >= 500) return 'server';
  if (status === 401 || status === 403) return 'auth';
  return status >= 400 ? 'invalid' : 'protocol';
}

/** The status that a complaint inside a 200 answer stands for; undefined when it names none. */
export function statusOf(complaint: Complaint): number | undefined {
  const code = Number(complaint.code);
  if (Number.isInteger(code) && code >= 400 && code <= 599) return code;
  return words(complaint)
    .map((word) => kStatusOfWord.get(word))
    .find((status) => status !== undefined);
}

/** The complaint in a body of any of the usual shapes; undefined when the body is none. */
export function complaintOf(body: unknown): Complaint | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { error, message, detail, request_id: id } = body as Record<string, unknown>;
  const requestId = typeof id === 'string' ? id : undefined;
  if (typeof error === 'object' && error !== null) {
    const { message: text, type, code } = error as Record<string, unknown>;
    return {
      message: typeof text === 'string' ? text : JSON.stringify(error),
      type: typeof type === 'string' ? type : undefined,
      code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
      requestId,
    };
  }
  const text = [error, message, detail].find((value) => value !== undefined && value !== null);
  if (text === undefined) return undefined;
  return { message: typeof text === 'string' ? text : JSON.stringify(text), requestId };
}

/** One line of at most kExcerpt characters, secrets removed. */
export function excerpt(text: string, redact: (text: string) => string = (same) => same): string {
  const line = redact(text).replace(/\s+/g, ' ').trim();
  return line.length > kExcerpt ? `${line.slice(0, kExcerpt)}...` : line;
}

/** An LLMError of a known kind. `text` must already be fit to print. */
export function failure(
  provider: string,
  kind: LLMErrorKind,
  text: string,
  fields: {
    status?: number | undefined;
    requestId?: string | undefined;
    retryAfter?: number | undefined;
    cause?: unknown;
  } = {},
): LLMError {
  const id = fields.requestId === undefined ? '' : ` (request ${fields.requestId})`;
  return new LLMError(`${provider}: ${text}${id}; ${kAdvice[kind]}`, { kind, ...fields });
}

/** The error that an answer with this status stands for, whoever gave it: a server, a script or a custom function. */
export function statusError(
  provider: string,
  status: number,
  complaint: Complaint,
  options: {
    headers?: HeaderSource;
    retryAfter?: number | undefined;
    requestId?: string | undefined;
    cause?: unknown;
  } = {},
): LLMError {
  const kind = kindOf(status, complaint);
  const fields = {
    status,
    requestId: options.requestId ?? complaint.requestId,
    retryAfter: options.retryAfter ?? (options.headers && retryAfterOf(options.headers)),
    ...('cause' in options ? { cause: options.cause } : {}),
  };
  return failure(provider, kind, `answered ${status}: ${complaint.message || 'no message'}`, fields);
}

/** Words for a failed fetch or read: the messages along its chain of causes. */
export function describe(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && at !== null && parts.length < 4;) {
    const { message, code, name, cause } = (typeof at === 'object' ? at : { message: String(at) }) as Record<
      string,
      unknown
    >;
    const text = [message, code, name].find((value) => typeof value === 'string' && value !== '');
    if (typeof text === 'string' && !parts.includes(text)) parts.push(text);
    at = cause;
  }
  return parts.join(': ') || 'no reason given';
}
