/**
 * The Anthropic messages protocol as data: POST /v1/messages. A tool's arguments are an object there, so those of a
 * whole answer must be JSON; a stream hands out any text. Partner: `../llm-dialects.mjs`.
 */

import { fragmentsOf, lastOfUser, named } from './events.mjs';

const endOf = ({ finishReason, toolCalls }) => finishReason ?? (toolCalls ? 'tool_use' : 'end_turn');

const errorOf = (call, { type, message }) => ({ type: 'error', error: { type, message }, request_id: `req_${call.n}` });

function wholeOf(call, answer) {
  const { text, usage, toolCalls = [] } = answer;
  const uses = toolCalls.map(({ id, name, arguments: input }) => ({ type: 'tool_use', id, name, input: JSON.parse(input) }));
  return {
    id: `msg_${call.n}`,
    type: 'message',
    role: 'assistant',
    model: call.model,
    content: [...(uses.length > 0 && text === '' ? [] : [{ type: 'text', text }]), ...uses],
    stop_reason: endOf(answer),
    stop_sequence: null,
    ...(usage && { usage: { input_tokens: usage.input, output_tokens: usage.output } }),
  };
}

// A block of content, from its beginning to its end.
function* block(index, content_block, deltas) {
  yield named({ type: 'content_block_start', index, content_block });
  for (const delta of deltas) yield named({ type: 'content_block_delta', index, delta }, { isPiece: true });
  yield named({ type: 'content_block_stop', index });
}

function* textDeltas(pieces) {
  for (const text of pieces) yield { type: 'text_delta', text };
}

function* inputDeltas(text) {
  for (const partial_json of fragmentsOf(text)) yield { type: 'input_json_delta', partial_json };
}

export const anthropic = {
  requestIdHeader: 'request-id',

  promptOf: (body) => lastOfUser(body?.messages),

  whole: wholeOf,

  *events(call, answer) {
    const { pieces, toolCalls = [], usageOf, inputTokens } = answer;
    const started = inputTokens === undefined ? {} : { usage: { input_tokens: inputTokens, output_tokens: 1 } };
    yield named({
      type: 'message_start',
      message: { ...wholeOf(call, { text: '' }), content: [], stop_reason: null, ...started },
    });
    let index = 0;
    if (toolCalls.length === 0 || answer.text !== '') yield* block(index++, { type: 'text', text: '' }, textDeltas(pieces));
    for (const { id, name, arguments: text } of toolCalls) {
      yield* block(index++, { type: 'tool_use', id, name, input: {} }, inputDeltas(text));
    }
    const usage = usageOf();
    yield named({
      type: 'message_delta',
      delta: { stop_reason: endOf(answer), stop_sequence: null },
      ...(usage && { usage: { output_tokens: usage.output } }),
    });
    yield named({ type: 'message_stop' }, { isLast: true });
  },

  error: errorOf,

  errorEvent: (call, error) => named(errorOf(call, error)),

  ping: 'event: ping\ndata: {"type": "ping"}',

  overloaded: { status: 529, type: 'overloaded_error', message: 'Overloaded' },
  outOfQuota: { status: 402, type: 'billing_error', message: 'Your credit balance is too low' },
  outOfMoney: {
    status: 400,
    type: 'invalid_request_error',
    message: 'Your credit balance is too low to access the Anthropic API.',
  },
  tooLong: { status: 400, type: 'invalid_request_error', message: 'prompt is too long: 210000 tokens > 200000 maximum' },
  filtered: { status: 400, type: 'invalid_request_error', message: 'Output blocked by content filtering policy' },
};
