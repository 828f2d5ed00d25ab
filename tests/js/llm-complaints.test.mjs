// What each server's own words mean: bodies as the providers document or send them, and the error that they become. The
// same body is understood as a refusal with its status, inside an answer with status 200, and inside a stream.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { LLMError } from 'heddle';
import { complaintIn, complaintOf, kindOf } from '../../dist/llm/failure.js';
import { isRetryable } from '../../dist/llm/retry.js';
import { ask, providers, readAll, rejection, attempt, ways } from '../support/llm-client.mjs';
import { serve } from '../support/llm-server.mjs';

const openai = (status, type, code, message = 'words of the server') => [status, { error: { message, type, param: null, code } }];
const anthropic = (status, type, message = 'words of the server') => [status, { type: 'error', error: { type, message } }];
const gemini = (code, status, details = [], message = 'words of the server') => [code, [{ error: { code, message, status, details } }]];
const google = 'type.googleapis.com/google.rpc';
const perQuota = (quotaId) => ({ '@type': `${google}.QuotaFailure`, violations: [{ quotaMetric: 'm', quotaId }] });

// What the server sends, the kind, the code that the error gives, and what else the error says.
const bodies = [
  ['OpenAI', openai(429, 'insufficient_quota', 'insufficient_quota'), 'quota', 'insufficient_quota'],
  ['OpenAI', openai(400, 'invalid_request_error', 'billing_hard_limit_reached'), 'quota', 'billing_hard_limit_reached'],
  ['OpenAI', openai(429, 'billing_not_active', null), 'quota', 'billing_not_active'],
  ['OpenAI', openai(429, 'tokens', 'rate_limit_exceeded'), 'rate', 'rate_limit_exceeded'],
  [
    'OpenAI, one request beyond the tokens of a minute',
    openai(429, 'tokens', 'rate_limit_exceeded', 'Request too large for gpt in organization o on tokens per min: Limit 10, Requested 12.'),
    'context-length',
    'rate_limit_exceeded',
  ],
  ['OpenAI', openai(400, 'invalid_request_error', 'context_length_exceeded'), 'context-length', 'context_length_exceeded'],
  ['OpenAI', openai(400, 'invalid_request_error', 'string_above_max_length'), 'context-length', 'string_above_max_length'],
  ['OpenAI', openai(400, 'invalid_request_error', 'content_policy_violation'), 'content-filter', 'content_policy_violation'],
  [
    'OpenAI, a prompt that was flagged',
    openai(400, 'invalid_request_error', 'invalid_prompt', 'Invalid prompt: your prompt was flagged as potentially violating our usage policy.'),
    'content-filter',
    'invalid_prompt',
  ],
  ['OpenAI', openai(401, 'invalid_request_error', 'invalid_api_key'), 'auth', 'invalid_api_key'],
  ['OpenAI', openai(404, 'invalid_request_error', 'model_not_found'), 'invalid', 'model_not_found'],
  ['OpenAI', openai(400, 'invalid_request_error', null), 'invalid', 'invalid_request_error'],
  ['OpenAI', openai(500, 'server_error', null), 'server', 'server_error'],
  ['OpenAI', openai(503, 'server_error', 'engine_overloaded'), 'overload', 'engine_overloaded'],
  [
    'Azure, its content filter',
    [
      400,
      {
        error: {
          message: 'The response was filtered due to the prompt triggering the policy.',
          type: null,
          param: 'prompt',
          code: 'content_filter',
          status: 400,
          innererror: { code: 'ResponsibleAIPolicyViolation', content_filter_result: { hate: { filtered: true } } },
        },
      },
    ],
    'content-filter',
    'content_filter',
  ],
  [
    'Azure, the filter named inside alone',
    [400, { error: { message: 'no', code: 'invalid_request', innererror: { code: 'ResponsibleAIPolicyViolation' } } }],
    'content-filter',
    'invalid_request',
  ],
  ['Azure, a status for a code', [429, { error: { code: '429', message: 'Requests have exceeded the rate limit.' } }], 'rate', '429'],
  ['Azure, its gateway', [429, { statusCode: 429, message: 'Rate limit is exceeded. Try again in 9 seconds.' }], 'rate', undefined, { inBand: false }],
  ['Anthropic', anthropic(529, 'overloaded_error'), 'overload', 'overloaded_error'],
  ['Anthropic', anthropic(429, 'rate_limit_error'), 'rate', 'rate_limit_error'],
  ['Anthropic', anthropic(402, 'billing_error'), 'quota', 'billing_error'],
  ['Anthropic', anthropic(413, 'request_too_large'), 'context-length', 'request_too_large'],
  ['Anthropic', anthropic(500, 'api_error'), 'server', 'api_error'],
  ['Anthropic', anthropic(504, 'timeout_error'), 'timeout', 'timeout_error'],
  ['Anthropic', anthropic(401, 'authentication_error'), 'auth', 'authentication_error'],
  ['Anthropic', anthropic(403, 'permission_error'), 'auth', 'permission_error'],
  ['Anthropic', anthropic(404, 'not_found_error'), 'invalid', 'not_found_error'],
  ['Anthropic', anthropic(400, 'invalid_request_error'), 'invalid', 'invalid_request_error'],
  [
    'Anthropic, too long a prompt',
    anthropic(400, 'invalid_request_error', 'prompt is too long: 208310 tokens > 200000 maximum'),
    'context-length',
    'invalid_request_error',
  ],
  [
    'Anthropic, no room for the answer',
    anthropic(400, 'invalid_request_error', 'input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000'),
    'context-length',
    'invalid_request_error',
  ],
  [
    'Anthropic, an empty account',
    anthropic(400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'),
    'quota',
    'invalid_request_error',
  ],
  [
    'Anthropic, its content filter',
    anthropic(400, 'invalid_request_error', 'Output blocked by content filtering policy'),
    'content-filter',
    'invalid_request_error',
  ],
  [
    'Gemini, a rate',
    gemini(429, 'RESOURCE_EXHAUSTED', [
      { '@type': `${google}.Help`, links: [] },
      perQuota('GenerateRequestsPerMinutePerProjectPerModel-FreeTier'),
      { '@type': `${google}.RetryInfo`, retryDelay: '37s' },
    ]),
    'rate',
    'RESOURCE_EXHAUSTED',
    { retryAfter: 37_000 },
  ],
  [
    'Gemini, the allowance of a day',
    gemini(429, 'RESOURCE_EXHAUSTED', [
      perQuota('GenerateRequestsPerDayPerProjectPerModel-FreeTier'),
      { '@type': `${google}.RetryInfo`, retryDelay: '37.5s' },
    ]),
    'quota',
    'RESOURCE_EXHAUSTED',
    { retryAfter: 37_500 },
  ],
  ['Gemini', gemini(503, 'UNAVAILABLE'), 'overload', 'UNAVAILABLE'],
  ['Gemini', gemini(500, 'INTERNAL'), 'server', 'INTERNAL'],
  ['Gemini', gemini(504, 'DEADLINE_EXCEEDED'), 'timeout', 'DEADLINE_EXCEEDED'],
  ['Gemini', gemini(403, 'PERMISSION_DENIED'), 'auth', 'PERMISSION_DENIED'],
  ['Gemini', gemini(400, 'INVALID_ARGUMENT'), 'invalid', 'INVALID_ARGUMENT'],
  [
    'Gemini, a bad key',
    gemini(400, 'INVALID_ARGUMENT', [{ '@type': `${google}.ErrorInfo`, reason: 'API_KEY_INVALID', domain: 'googleapis.com' }]),
    'auth',
    'INVALID_ARGUMENT',
  ],
  [
    'Gemini, too long a prompt',
    gemini(400, 'INVALID_ARGUMENT', [], 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048575).'),
    'context-length',
    'INVALID_ARGUMENT',
  ],
  [
    'vLLM, its older shape',
    [
      400,
      {
        object: 'error',
        message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
        type: 'BadRequestError',
        param: null,
        code: 400,
      },
    ],
    'context-length',
    'BadRequestError',
  ],
  [
    'vLLM',
    [400, { error: { message: 'The prompt (total length 5000) is longer than the maximum model length of 4096.', type: 'BadRequestError', code: 400 } }],
    'context-length',
    'BadRequestError',
  ],
  ['llama.cpp, loading', [503, { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } }], 'overload', 'unavailable_error'],
  [
    'llama.cpp',
    [400, { error: { code: 400, message: 'the request exceeds the available context size', type: 'exceed_context_size_error', n_ctx: 4096 } }],
    'context-length',
    'exceed_context_size_error',
  ],
  ['Ollama', [404, { error: { message: 'model "x" not found, try pulling it first', type: 'api_error', code: null } }], 'invalid', 'api_error', { inBand: false }],
  ['Ollama, text alone', [503, { error: 'server busy, please try again. maximum pending requests exceeded' }], 'overload', undefined, { inBand: false }],
  ['OpenRouter', [402, { error: { code: 402, message: 'Insufficient credits' } }], 'quota', undefined],
  [
    'OpenRouter, moderation',
    [403, { error: { code: 403, message: 'm requires moderation on p. Your input was flagged for "violence".', metadata: { reasons: ['violence'] } } }],
    'content-filter',
    undefined,
  ],
  [
    'OpenRouter, what its provider said',
    [
      400,
      {
        error: {
          code: 400,
          message: 'Provider returned error',
          metadata: { provider_name: 'p', raw: '{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}' },
        },
      },
    ],
    'context-length',
    'context_length_exceeded',
    { providerMessage: 'Provider returned error: too long' },
  ],
  ['TGI', [429, { error: 'Model is overloaded', error_type: 'overloaded' }], 'overload', 'overloaded'],
  ['LiteLLM', [400, { error: { message: 'Budget has been exceeded!', type: 'budget_exceeded', param: null, code: '400' } }], 'quota', 'budget_exceeded'],
  ['FastAPI', [422, { detail: [{ loc: ['body'], msg: 'field required' }] }], 'invalid', undefined, { inBand: false }],
];

const retried = new Set(['rate', 'overload', 'server', 'timeout']);

for (const [server, [status, body], kind, code, { inBand = true, ...more } = {}] of bodies) {
  const shown = `${server}: ${status} ${code ?? JSON.stringify(body).slice(0, 60)}`;
  for (const [name, make] of Object.entries(providers)) {
    for (const [way, ask1] of Object.entries(ways)) {
      test(`${shown} is ${kind} (${name} ${way})`, async (t) => {
        const model = await serve(t, { fault: () => ({ status, body }) });
        const error = await rejection(ask1(make(model), ask('hi')));
        check(error, { kind, status, code, body, more });
        assert.match(error.requestId, /^req_/);
        assert.equal(error.inBand, false);
      });
    }
    if (!inBand) continue;
    test(`${shown} is ${kind} where it comes with status 200 (${name})`, async (t) => {
      const model = await serve(t, { fault: () => ({ status: 200, body }) });
      const error = await rejection(make(model).complete(ask('hi'), attempt()));
      check(error, { kind, code, body, more });
      assert.equal(error.inBand, true);
    });
  }
}

function check(error, { kind, status, code, body, more }) {
  assert.ok(error instanceof LLMError, inspect(error));
  assert.equal(error.kind, kind, error.message);
  if (status !== undefined) assert.equal(error.status, status);
  assert.equal(error.providerCode, code);
  const said = complaintOf(body).message;
  assert.equal(error.providerMessage, more.providerMessage ?? said);
  assert.ok(error.message.includes(said), error.message);
  assert.equal(error.retryAfter, more.retryAfter);
  assert.equal(isRetryable(error), retried.has(kind));
}

// One chunk of each protocol that carries the text "one", and what an error looks like after it.
const begun = {
  openai: 'data: {"choices":[{"delta":{"content":"one"}}]}\n\n',
  anthropic:
    'event: message_start\ndata: {"type":"message_start","message":{}}\n\n' +
    'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"one"}}\n\n',
};
const streamed = {
  openai: [
    ['error as OpenAI sends it', 'data: {"error":{"message":"no","type":"server_error","code":null}}', 'server', 500],
    ['a rate limit', 'data: {"error":{"message":"no","type":"tokens","code":"rate_limit_exceeded"}}', 'rate', 429],
    ['a spent quota', 'data: {"error":{"message":"no","type":"insufficient_quota","code":"insufficient_quota"}}', 'quota', 429],
    ['error as vLLM sends it', 'data: {"object":"error","message":"no","type":"BadRequestError","code":400}', 'invalid', 400],
    ['error as Gemini sends it', 'data: [{"error":{"code":503,"message":"no","status":"UNAVAILABLE"}}]', 'overload', 503],
    [
      'error as OpenRouter sends it',
      'data: {"choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"no"}}]}',
      'server',
      502,
    ],
    ['an event by the name of error', 'event: error\ndata: {"message":"no"}', 'server', 500],
    ['error as text alone', 'data: {"error":"no"}', 'server', 500],
    ['a prompt too long', 'data: {"error":{"message":"prompt is too long: no","type":"invalid_request_error"}}', 'context-length', 400],
  ],
  anthropic: [
    ['overloaded', 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"no"}}', 'overload', 529],
    ['a failure', 'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"no"}}', 'server', 500],
    ['a rate limit', 'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":"no"}}', 'rate', 429],
    ['a timeout', 'event: error\ndata: {"type":"error","error":{"type":"timeout_error","message":"no"}}', 'timeout', 504],
    ['a type unheard of', 'event: error\ndata: {"type":"error","error":{"type":"odd_error","message":"no"}}', 'server', 500],
  ],
};
for (const [name, rows] of Object.entries(streamed)) {
  for (const [what, event, kind, status] of rows) {
    for (const [when, before] of [
      ['before the first token', ''],
      ['after it', begun[name]],
    ]) {
      test(`${name}: inside a stream, ${when}: ${what} is ${kind}`, async (t) => {
        const headers = { 'content-type': 'text/event-stream' };
        const server = await serve(t, { fault: () => ({ status: 200, headers, body: `${before}${event}\n\n` }) });
        const stream = await providers[name](server).stream(ask('hi'), attempt());
        if (before !== '') assert.equal(await stream.next(), 'one');
        const error = await rejection(readAll(stream));
        assert.ok(error instanceof LLMError, inspect(error));
        assert.deepEqual([error.kind, error.status, error.inBand, error.requestId], [kind, status, true, 'req_1'], error.message);
        assert.match(error.providerMessage, /no$/);
      });
    }
  }
}

test('whatever a body holds, reading its complaint throws nothing', () => {
  const deep = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
  // Older engines cannot write it as JSON again.
  for (const body of [{ error: deep }, { error: { message: deep } }, { error: { deep } }, { detail: deep }]) {
    complaintOf(body);
    complaintIn(body);
  }
  for (const value of [undefined, null, 7, 'x', [], [null], {}, { error: null }, { error: [] }, { error: {} }, { error: { details: 7 } }]) {
    complaintOf(value);
    complaintIn(value);
  }
  for (const error of [{ code: 'constructor' }, { type: '__proto__' }, { code: '9'.repeat(99) }, { details: [null, 7, { violations: [null] }] }]) {
    assert.equal(kindOf(500, complaintOf({ error })), 'server');
  }
  assert.equal(complaintIn({ choices: [{ message: {} }] }), undefined);
  assert.equal(complaintIn({ error: null, choices: [] }), undefined);
  assert.equal(complaintOf({}), undefined);
});
