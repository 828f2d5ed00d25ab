/**
 * The OpenAI Responses protocol as data: POST /v1/responses. As much of it as a client needs to read text, tool calls,
 * usage and errors: one message, then the tool calls; no reasoning, no stored state. Partner: `../llm-dialects.mjs`.
 */

import { openaiError, openaiRefusals } from './chat.mjs';
import { fragmentsOf, lastOfUser, named } from './events.mjs';

const usageOf = ({ input, output }) => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: input + output,
});

function responseOf(call, { status, output, usage, finishReason }) {
  return {
    id: `resp_${call.n}`,
    object: 'response',
    created_at: 0,
    status,
    error: null,
    incomplete_details: status === 'incomplete' ? { reason: finishReason } : null,
    instructions: null,
    metadata: {},
    model: call.model,
    output,
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    usage: usage ? usageOf(usage) : null,
  };
}

const messageOf = (call, text, status) => ({
  type: 'message',
  id: `msg_${call.n}`,
  status,
  role: 'assistant',
  content: status === 'in_progress' ? [] : [textPart(text)],
});

const textPart = (text) => ({ type: 'output_text', text, annotations: [] });

const toolItem = (call, { id, name, arguments: text }, status = 'completed') => ({
  type: 'function_call',
  id: `fc_${call.n}_${id}`,
  call_id: id,
  name,
  arguments: text,
  status,
});

// A length that ran out is no completed response.
const endOf = ({ finishReason = 'stop' }) =>
  finishReason === 'stop' || finishReason === 'tool_calls'
    ? { status: 'completed' }
    : { status: 'incomplete', finishReason: finishReason === 'length' ? 'max_output_tokens' : finishReason };

function* textItem(call, index, pieces) {
  const place = { item_id: `msg_${call.n}`, output_index: index, content_index: 0 };
  let text = '';
  yield { type: 'response.output_item.added', output_index: index, item: messageOf(call, '', 'in_progress') };
  yield { type: 'response.content_part.added', ...place, part: textPart('') };
  for (const delta of pieces) {
    text += delta;
    yield { type: 'response.output_text.delta', ...place, delta, logprobs: [] };
  }
  const item = messageOf(call, text, 'completed');
  yield { type: 'response.output_text.done', ...place, text, logprobs: [] };
  yield { type: 'response.content_part.done', ...place, part: textPart(text) };
  yield { type: 'response.output_item.done', output_index: index, item };
  return item;
}

function* toolCallItem(call, index, toolCall) {
  const item = toolItem(call, toolCall);
  const place = { item_id: item.id, output_index: index };
  yield {
    type: 'response.output_item.added',
    output_index: index,
    item: { ...item, arguments: '', status: 'in_progress' },
  };
  for (const delta of fragmentsOf(toolCall.arguments)) {
    yield { type: 'response.function_call_arguments.delta', ...place, delta };
  }
  yield { type: 'response.function_call_arguments.done', ...place, name: item.name, arguments: item.arguments };
  yield { type: 'response.output_item.done', output_index: index, item };
  return item;
}

function* data(call, answer) {
  const { pieces, toolCalls = [], usageOf: used } = answer;
  const started = responseOf(call, { status: 'in_progress', output: [] });
  yield { type: 'response.created', response: started };
  yield { type: 'response.in_progress', response: started };
  const output = [];
  if (toolCalls.length === 0 || answer.text !== '') output.push(yield* textItem(call, 0, pieces));
  for (const toolCall of toolCalls) output.push(yield* toolCallItem(call, output.length, toolCall));
  const end = endOf(answer);
  yield { type: `response.${end.status}`, response: responseOf(call, { ...end, output, usage: used() }) };
}

const kPieces = new Set(['response.output_text.delta', 'response.function_call_arguments.delta']);
const kLast = new Set(['response.completed', 'response.incomplete']);

export const responses = {
  ...openaiRefusals,
  requestIdHeader: 'x-request-id',

  promptOf: ({ input } = {}) => (typeof input === 'string' ? input : lastOfUser(input)),

  whole(call, answer) {
    const { text, toolCalls = [], usage } = answer;
    const message = toolCalls.length === 0 || text !== '' ? [messageOf(call, text, 'completed')] : [];
    const output = [...message, ...toolCalls.map((toolCall) => toolItem(call, toolCall))];
    return responseOf(call, { ...endOf(answer), output, usage });
  },

  *events(call, answer) {
    let number = 0;
    for (const each of data(call, answer)) {
      yield named({ ...each, sequence_number: number++ }, { isPiece: kPieces.has(each.type), isLast: kLast.has(each.type) });
    }
  },

  error: openaiError,

  errorEvent: (_call, { type, code = type, message }) =>
    named({ type: 'error', code, message, param: null, sequence_number: 0 }),

  ping: ': keep-alive',
};
