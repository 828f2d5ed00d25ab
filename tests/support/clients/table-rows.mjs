/**
 * The rows of the table of faults: what a server does, in a few words, and the fault by which the test server does it. A row
 * is asked whole unless it is one of a stream. Invariant: every request of a row meets its fault. Partners: `measure.mjs`,
 * `table.mjs`.
 *
 *   {group, label, fault, stream, silent}   silent: the server stops saying anything, so only a limit or an abort ends the call
 */

const group = (group, rows, more) => rows.map(([label, fault, own]) => ({ group, label, fault, ...more, ...own }));

const status = (code, name) => [`${code} ${name}`, code];

const after = (fault, after) => ({ fault, after });

export const tableRows = [
  ...group('Status', [
    status(400, 'Bad Request'),
    status(401, 'Unauthorized'),
    status(402, 'Payment Required'),
    status(403, 'Forbidden'),
    status(404, 'Not Found'),
    status(408, 'Request Timeout'),
    status(409, 'Conflict'),
    status(413, 'Content Too Large'),
    status(422, 'Unprocessable Content'),
    status(425, 'Too Early'),
    status(429, 'Too Many Requests'),
    status(500, 'Internal Server Error'),
    status(502, 'Bad Gateway'),
    status(503, 'Service Unavailable'),
    status(504, 'Gateway Timeout'),
    status(529, 'overloaded'),
  ]),
  ...group('What the provider says', [
    ['the account is spent', 'insufficient-quota'],
    ['the account is spent, as 400', 'billing-400'],
    ['the conversation is too long', 'context-length'],
    ['a content filter refuses', 'content-filter'],
    ['400 with `x-should-retry: true`', 'should-retry-true'],
    ['503 with `x-should-retry: false`', 'should-retry-false'],
  ]),
  ...group('429 that asks for a wait', [
    ['`Retry-After: 2`', 'retry-after-seconds'],
    ['`Retry-After: 1.500`', 'retry-after-decimal'],
    ['`retry-after-ms: 700`', 'retry-after-ms'],
    ['a date in 3 s', 'retry-after-date'],
    ['a date in 4 s, as RFC 850', 'retry-after-date-rfc850'],
    ['a date in 5 s, as asctime', 'retry-after-date-asctime'],
    ['a date a minute ago', 'retry-after-date-past'],
    ['`Retry-After: 0`', 'retry-after-zero'],
    ['`Retry-After: -5`', 'retry-after-negative'],
    ['`Retry-After: soon`', 'retry-after-garbage'],
    ['`Retry-After: 90`', 'retry-after-long'],
    ['`Retry-After` of 10 years', 'retry-after-absurd'],
    ['`retry-after-ms` of 10 years', 'retry-after-absurd-ms'],
    ['`retryDelay: "6s"` in the body', 'retry-after-body'],
  ]),
  ...group('200 that is no answer', [
    ['an error as JSON', 'error-in-200'],
    ['a page of HTML', 'html-200'],
    ['half of a JSON text', 'broken-json-200'],
    ['nothing', 'empty-200'],
  ]),
  ...group('An odd answer', [
    ['the answer as `text/plain`', 'wrong-content-type'],
    ['no usage', 'missing-usage'],
    ['negative usage', 'negative-usage'],
    ['usage as text', 'text-usage'],
    ['a byte at a time', 'slow-drip'],
  ]),
  ...group('Connection', [
    ['reset before the headers', 'reset-before-headers'],
    ['reset in the middle of the body', 'reset-mid-body'],
    ['the server never answers', 'never-answer', { silent: true }],
  ]),
  ...group('Stream', [
    ['overload before the first token', after('error-in-stream', 0)],
    ['overload after the first token', after('error-in-stream', 1)],
    ['reset before the first token', after('reset-mid-stream', 0)],
    ['reset after the first token', after('reset-mid-stream', 1)],
    ['end before the first token', after('cut-stream', 0)],
    ['end after the first token, without the terminator', after('cut-stream', 1)],
    ['end inside an event', after('half-event', 1)],
    ['a page of HTML', 'html-200'],
    ['nothing', 'empty-200'],
    ['half of a JSON text in an event', 'broken-json-200'],
    ['silence after the first token', after('stall-in-stream', 1), { silent: true }],
  ], { stream: true }),
];

/** The rows of the second table: through rt.fetch, with the clients' own retries left on. */
export const leftOnRows = group('', [
  status(503, 'Service Unavailable'),
  ['`Retry-After` of 10 years', 'retry-after-absurd'],
  ['reset before the headers', 'reset-before-headers'],
]);

/** The answer that a row's fault keeps back or spoils: three pieces, so that a stream can break among them. */
export const kAnswer = 'one two three';

/** The clients that the table is about, by their drivers' names. */
export const kMeasured = new Set(['openai', '@anthropic-ai/sdk', 'ai openai', 'ai anthropic']);
