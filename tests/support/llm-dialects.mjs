/**
 * The protocols of the test server as data: how a call's prompt is found, what an answer, a stream and an error look
 * like on the wire. Invariant: pure functions of the call and the answer; ids come from the call's number, so two runs
 * give the same bytes. Written from the protocols' descriptions, on purpose not from the package's own readers. Nothing
 * here knows sockets or faults. Partners: `dialects/`, one file a protocol; `llm-server.mjs`.
 *
 * A dialect is {requestIdHeader, promptOf(body, raw), whole(call, answer), events(call, answer), error(call, error),
 * errorEvent(call, error), ping, overloaded, outOfQuota, outOfMoney, tooLong, filtered}; `streams: false` where it knows no
 * streams, `takesAnything` and `written(call, answer) -> {type, body}` where it is no JSON.
 */

import { anthropic } from './dialects/anthropic.mjs';
import { chat } from './dialects/chat.mjs';
import { echo, embeddings, plain } from './dialects/others.mjs';
import { responses } from './dialects/responses.mjs';

const kDialects = new Map([
  ['POST /v1/chat/completions', { protocol: 'openai', dialect: chat }],
  ['POST /v1/messages', { protocol: 'anthropic', dialect: anthropic }],
  ['POST /v1/responses', { protocol: 'responses', dialect: responses }],
  ['POST /v1/embeddings', { protocol: 'embeddings', dialect: embeddings }],
  ['GET /plain', { protocol: 'plain', dialect: plain }],
  ['POST /echo', { protocol: 'plain', dialect: echo }],
]);

/** The dialect and its protocol's name for a method and a path; undefined where nothing answers. */
export const dialectOf = (method, path) => kDialects.get(`${method} ${path}`);

const kTypeOfStatus = new Map([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
]);

/** The body of a refusal with this status, where a test does not give its own. */
export const refusalOf = (call, status) =>
  call.dialect.error(call, {
    type: kTypeOfStatus.get(status) ?? (status >= 500 ? 'api_error' : 'invalid_request_error'),
    message: `refused with ${status} by the test server`,
  });
