/**
 * What servers say in the body of a refusal, or of an answer that turns out to be one, and which kind of failure it is.
 *
 *   OpenAI, Azure, vLLM, Ollama    {error: {message, type, code, innererror: {code}}}, or the same without `error`
 *   Anthropic                      {type: 'error', error: {type, message}, request_id}
 *   Gemini                         [{error: {code: 429, status, message, details: [{retryDelay: '37s'}, ...]}}]
 *   OpenRouter                     {error: {code: 402, message, metadata: {raw}}}; choices[0].error in a stream
 *   llama.cpp, TGI, gateways       {error: {code: 503, type}}, {error: 'text', error_type}, {detail}, {statusCode, message}
 *
 * The kind comes from the most telling of: a word the server chose (`code`, `type`), its message where servers are known
 * to give a common word to several things, its status. Words and messages are facts about servers: the list grows with
 * them. Invariant: pure, total, and never a throw, whatever the body holds; texts are the server's own and not yet fit to
 * print. Partner: `failure.ts`, which makes errors of it.
 */

import type { LLMErrorKind } from '../errors.js';
import { durationOf } from './duration.js';
import { written } from './json.js';

/** An error as a body or a stream event states it; each field may be missing. */
export interface Complaint {
  message?: string | undefined;
  code?: string | number | undefined;
  type?: string | undefined;
  /** A word further inside, of whom the server asked in its turn. */
  inner?: string | undefined;
  /** The HTTP status that the body names. */
  status?: number | undefined;
  requestId?: string | undefined;
  /** Milliseconds to wait, where the body says so. */
  retryAfter?: number | undefined;
}

// Word in lower case: the kind it stands for whatever the status says (none: the status decides), and the status that the
// error would have had, had it come before the headers.
const kWords = new Map<string, readonly [kind: LLMErrorKind | undefined, status: number]>([
  ['insufficient_quota', ['quota', 429]],
  ['quota_exceeded', ['quota', 429]],
  ['billing_error', ['quota', 402]],
  ['billing_not_active', ['quota', 429]],
  ['billing_hard_limit_reached', ['quota', 429]],
  ['budget_exceeded', ['quota', 429]], // LiteLLM
  ['rate_limit_error', ['rate', 429]],
  ['rate_limit_exceeded', ['rate', 429]],
  ['ratelimitreached', ['rate', 429]], // Azure
  ['resource_exhausted', ['rate', 429]], // Gemini
  ['throttlingexception', ['rate', 429]], // AWS
  ['overloaded_error', ['overload', 529]],
  ['overloaded', ['overload', 503]],
  ['engine_overloaded', ['overload', 503]],
  ['engine_overloaded_error', ['overload', 503]],
  ['unavailable', ['overload', 503]], // Gemini
  ['unavailable_error', ['overload', 503]], // llama.cpp, while it loads
  ['capacity_exceeded', ['overload', 503]], // Groq
  ['timeout_error', ['timeout', 504]],
  ['deadline_exceeded', ['timeout', 504]], // Gemini
  ['context_length_exceeded', ['context-length', 400]],
  ['string_above_max_length', ['context-length', 400]],
  ['exceed_context_size_error', ['context-length', 400]], // llama.cpp
  ['tokens_limit_reached', ['context-length', 413]], // GitHub Models
  ['request_too_large', ['context-length', 413]],
  ['content_filter', ['content-filter', 400]],
  ['content_policy_violation', ['content-filter', 400]],
  ['responsibleaipolicyviolation', ['content-filter', 400]], // Azure
  ['moderation_blocked', ['content-filter', 400]],
  ['data_inspection_failed', ['content-filter', 400]], // DashScope
  ['invalid_api_key', ['auth', 401]],
  ['api_key_invalid', ['auth', 401]], // Gemini, with status 400
  ['authentication_error', ['auth', 401]],
  ['unauthenticated', ['auth', 401]],
  ['permission_error', ['auth', 403]],
  ['permission_denied', ['auth', 403]],
  ['model_not_found', ['invalid', 404]],
  ['invalid_request_error', [undefined, 400]],
  ['badrequesterror', [undefined, 400]], // vLLM
  ['invalid_argument', [undefined, 400]],
  ['failed_precondition', [undefined, 400]],
  ['not_found_error', [undefined, 404]],
  ['not_found', [undefined, 404]],
  ['api_error', [undefined, 500]],
  ['server_error', [undefined, 500]],
  ['internal_error', [undefined, 500]],
  ['internal_server_error', [undefined, 500]],
  ['internal', [undefined, 500]],
]);

// Gemini names the allowance that is spent. One of a day does not come back while a call waits: a quota, not a rate.
const kDaily = /PerDay/;

// Messages of refusals whose word says only "invalid", or misleads: which statuses, what is said, what it means.
const kSayings: readonly (readonly [statuses: readonly number[], saying: RegExp, kind: LLMErrorKind])[] = [
  // Tokens of one request beyond the limit of a minute: OpenAI calls it 429, Groq 413; waiting does not help.
  [[413, 429], /^request too large for/i, 'context-length'],
  [[400, 413, 422], /prompt is too long/i, 'context-length'],
  [[400, 413, 422], /exceeds? (?:the )?(?:available |model'?s? |maximum )*context/i, 'context-length'],
  [[400, 413, 422], /maximum context length (?:is|of)/i, 'context-length'],
  [[400, 413, 422], /exceeds? the (?:maximum|max) (?:number of )?(?:input )?tokens/i, 'context-length'],
  [[400, 413, 422], /longer than the (?:maximum )?(?:model|context)/i, 'context-length'],
  [[400, 413, 422], /reduce the length of the (?:messages|prompt|input)/i, 'context-length'],
  [[400, 413, 422], /`inputs` (?:tokens \+|must have less than)/i, 'context-length'],
  [[400, 403, 429], /credit balance is too low|reached your specified api usage limits/i, 'quota'],
  [[400, 403], /blocked by content filtering|content management policy|violating our usage policy|input was flagged/i, 'content-filter'],
];

type Bag = Readonly<Record<string, unknown>>;

const bag = (value: unknown): Bag | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Bag) : undefined;
const word = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

function printed(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : written(value);
}

function words({ code, inner, type }: Complaint): string[] {
  return [code, inner, type].filter((said) => typeof said === 'string');
}

const isHTTPError = (status: unknown): status is number => Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599;

/** The word by which a program tells this failure from others; undefined where the server gave none. */
export function codeOf(complaint: Complaint): string | undefined {
  const said = [complaint.code, complaint.type, complaint.inner].filter((text) => typeof text === 'string');
  // Azure's "429" is the status once more.
  return said.find((text) => !/^\d+$/.test(text)) ?? said[0];
}

/** The kind of failure that a status and a complaint stand for. */
export function kindOf(status: number, complaint: Complaint = {}): LLMErrorKind {
  const message = complaint.message ?? '';
  const said = words(complaint);
  const known = said.map((text) => kWords.get(text.toLowerCase())?.[0]).find((kind) => kind !== undefined);
  // A quota is one whatever else is said; for the rest, a sentence that is known says more than a word.
  if (status === 402 || known === 'quota' || said.some((text) => kDaily.test(text))) return 'quota';
  const saying = kSayings.find(([statuses, pattern]) => statuses.includes(status) && pattern.test(message));
  return saying?.[2] ?? known ?? kindOfStatus(status);
}

function kindOfStatus(status: number): LLMErrorKind {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return 'auth';
    case 408:
    case 504:
    case 524: // Cloudflare
      return 'timeout';
    case 409:
    case 425:
      return 'server';
    case 413:
      return 'context-length';
    case 429:
      return 'rate';
    case 503:
    case 529:
      return 'overload';
    default:
      return status >= 500 ? 'server' : status >= 400 ? 'invalid' : 'protocol';
  }
}

/** The status that a complaint inside a 200 answer stands for; undefined when it names none. */
export function statusOf(complaint: Complaint): number | undefined {
  const code = complaint.status ?? Number(complaint.code);
  if (isHTTPError(code)) return code;
  return words(complaint)
    .map((said) => kWords.get(said.toLowerCase())?.[1])
    .find((status) => status !== undefined);
}

/** The same, for one that must have a status: what says nothing that is known counts as the server's failure. */
export function assumedStatus(complaint: Complaint): number {
  return statusOf(complaint) ?? (kindOf(400, complaint) === 'invalid' ? 500 : 400);
}

/** The complaint in a body of any of the usual shapes; undefined when the body is none. */
export function complaintOf(body: unknown): Complaint | undefined {
  const whole = bag(Array.isArray(body) ? (body as unknown[])[0] : body);
  if (whole === undefined) return undefined;
  const { error, errors, message, detail } = whole;
  const requestId = word(whole['request_id']);
  const inside = bag(error) ?? bag(Array.isArray(errors) ? (errors as unknown[])[0] : undefined);
  if (inside !== undefined) return { ...fieldsOf(inside), requestId };
  const text = printed(error) ?? printed(message) ?? printed(detail);
  return text === undefined ? undefined : { ...fieldsOf(whole), message: text, requestId };
}

/** The complaint of an answer, or a piece of one, whose status was good; undefined where it is none. */
export function complaintIn(body: unknown): Complaint | undefined {
  const whole = bag(Array.isArray(body) ? (body as unknown[])[0] : body);
  if (whole === undefined) return undefined;
  if (whole['error'] || whole['object'] === 'error' || whole['type'] === 'error') return complaintOf(whole) ?? {};
  const choice = Array.isArray(whole['choices']) ? bag((whole['choices'] as unknown[])[0]) : undefined;
  return choice?.['error'] ? complaintOf(choice) : undefined;
}

function fieldsOf(said: Bag): Complaint {
  const { code, message, type, status, statusCode, error_type: errorType } = said;
  const upstream = upstreamOf(bag(said['metadata'])?.['raw']);
  const text = printed(message) ?? printed(said) ?? '';
  return {
    message: upstream?.message === undefined ? text : `${text}: ${upstream.message}`,
    code: typeof code === 'number' ? code : word(code),
    type: word(type) ?? word(status) ?? word(errorType),
    inner: innerOf(said) ?? (upstream && codeOf(upstream)),
    status: [status, statusCode].find(isHTTPError),
    retryAfter: delayOf(said['details']),
  };
}

// What the server that was asked in turn answered, as text.
function upstreamOf(raw: unknown): Complaint | undefined {
  if (typeof raw !== 'string' || raw === '') return undefined;
  try {
    return complaintOf(JSON.parse(raw)) ?? { message: raw };
  } catch {
    return { message: raw };
  }
}

function innerOf(said: Bag): string | undefined {
  const azure = bag(said['innererror']) ?? bag(said['inner_error']);
  const anthropic = bag(said['details'])?.['error_code'];
  const gemini = detailsOf(said['details']).map(reasonOf).find((reason) => reason !== undefined);
  return word(azure?.['code']) ?? word(anthropic) ?? gemini;
}

function detailsOf(details: unknown): Bag[] {
  return Array.isArray(details) ? details.map(bag).filter((detail) => detail !== undefined) : [];
}

function reasonOf({ reason, violations }: Bag): string | undefined {
  const spent = detailsOf(violations).map(({ quotaId }) => word(quotaId) ?? '');
  return spent.find((id) => kDaily.test(id)) ?? word(reason);
}

function delayOf(details: unknown): number | undefined {
  const delays = detailsOf(details).map(({ retryDelay }) => (typeof retryDelay === 'string' ? durationOf(retryDelay) : undefined));
  return delays.find((ms) => ms !== undefined);
}
