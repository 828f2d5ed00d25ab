/**
 * The two protocols of the test server as data: how a call's prompt is found, what an answer, a stream and an error
 * look like on the wire. Invariant: pure functions of the call and the answer; ids come from the call's number, so two
 * runs give the same bytes. Written from the protocols' descriptions, on purpose not from the package's own readers.
 * Nothing here knows sockets or faults. Partner: `llm-server.mjs`.
 */

/** A piece of a stream: an event, whether it carries text of the answer, whether it is the terminator. */
const event = (data, { name, isPiece = false, isLast = false } = {}) => ({
  name,
  data: typeof data === 'string' ? data : JSON.stringify(data),
  isPiece,
  isLast,
});

const textOf = (content) =>
  typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('');

/** Text of the last user message. */
export const promptOf = (body) => textOf(body?.messages?.filter(({ role }) => role === 'user').at(-1)?.content ?? '');

const openai = {
  requestIdHeader: 'x-request-id',

  whole: (call, { text, usage, finishReason = 'stop' }) => ({
    id: `chatcmpl-${call.n}`,
    object: 'chat.completion',
    created: 0,
    model: call.model,
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: finishReason }],
    ...(usage && { usage: openai.usage(usage) }),
  }),

  usage: ({ input, output }) => ({ prompt_tokens: input, completion_tokens: output, total_tokens: input + output }),

  *events(call, { pieces, usageOf, finishReason = 'stop' }) {
    const chunk = (choices, more) => ({
      id: `chatcmpl-${call.n}`,
      object: 'chat.completion.chunk',
      created: 0,
      model: call.model,
      choices,
      ...more,
    });
    yield event(chunk([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]));
    for (const content of pieces) {
      yield event(chunk([{ index: 0, delta: { content }, finish_reason: null }]), { isPiece: true });
    }
    yield event(chunk([{ index: 0, delta: {}, finish_reason: finishReason }]));
    const usage = usageOf();
    if (usage && call.body.stream_options?.include_usage) yield event(chunk([], { usage: openai.usage(usage) }));
    yield event('[DONE]', { isLast: true });
  },

  error: (call, { type, code = null, message }) => ({ error: { message, type, param: null, code } }),

  errorEvent: (call, error) => event(openai.error(call, error)),

  ping: ': keep-alive',

  overloaded: { status: 503, type: 'server_error', message: 'The engine is currently overloaded' },
  outOfQuota: {
    status: 429,
    type: 'insufficient_quota',
    code: 'insufficient_quota',
    message: 'You exceeded your current quota, please check your plan and billing details.',
  },
};

const anthropic = {
  requestIdHeader: 'request-id',

  whole: (call, { text, usage, finishReason = 'end_turn' }) => ({
    id: `msg_${call.n}`,
    type: 'message',
    role: 'assistant',
    model: call.model,
    content: [{ type: 'text', text }],
    stop_reason: finishReason,
    stop_sequence: null,
    ...(usage && { usage: { input_tokens: usage.input, output_tokens: usage.output } }),
  }),

  *events(call, { pieces, usageOf, inputTokens, finishReason = 'end_turn' }) {
    const named = (data, more) => event(data, { name: data.type, ...more });
    const started = inputTokens === undefined ? {} : { usage: { input_tokens: inputTokens, output_tokens: 1 } };
    yield named({
      type: 'message_start',
      message: { ...anthropic.whole(call, { text: '' }), content: [], stop_reason: null, ...started },
    });
    yield named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
    for (const text of pieces) {
      yield named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }, { isPiece: true });
    }
    yield named({ type: 'content_block_stop', index: 0 });
    const usage = usageOf();
    yield named({
      type: 'message_delta',
      delta: { stop_reason: finishReason, stop_sequence: null },
      ...(usage && { usage: { output_tokens: usage.output } }),
    });
    yield named({ type: 'message_stop' }, { isLast: true });
  },

  error: (call, { type, message }) => ({ type: 'error', error: { type, message }, request_id: `req_${call.n}` }),

  errorEvent: (call, error) => event(anthropic.error(call, error), { name: 'error' }),

  ping: 'event: ping\ndata: {"type": "ping"}',

  overloaded: { status: 529, type: 'overloaded_error', message: 'Overloaded' },
  outOfQuota: { status: 402, type: 'billing_error', message: 'Your credit balance is too low' },
};

const dialects = { openai, anthropic };

/** The dialect and its name for a path; undefined for a path of neither. */
export function dialectOf(path) {
  const protocol = { '/v1/chat/completions': 'openai', '/v1/messages': 'anthropic' }[path];
  return protocol && { protocol, dialect: dialects[protocol] };
}

const kTypeOfStatus = new Map([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [529, 'overloaded_error'],
]);

/** The body of a refusal with this status, where a test does not give its own. */
export const refusalOf = (call, status) =>
  call.dialect.error(call, {
    type: kTypeOfStatus.get(status) ?? (status >= 500 ? 'api_error' : 'invalid_request_error'),
    message: `refused with ${status} by the test server`,
  });
