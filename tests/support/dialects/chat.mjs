/**
 * The OpenAI chat protocol as data: POST /v1/chat/completions. Partner: `../llm-dialects.mjs`.
 */

import { event, fragmentsOf, lastOfUser } from './events.mjs';

const usageOf = ({ input, output }) => ({ prompt_tokens: input, completion_tokens: output, total_tokens: input + output });

const callOf = ({ id, name, arguments: text }) => ({ id, type: 'function', function: { name, arguments: text } });

/** The word for why an answer ends, where a test gives none. */
const endOf = ({ finishReason, toolCalls }) => finishReason ?? (toolCalls ? 'tool_calls' : 'stop');

/** An error of OpenAI's, in every protocol of theirs. */
export const openaiError = (_call, { type = null, code = null, param = null, message }) => ({
  error: { message, type, param, code },
});

/** The refusals that OpenAI states in the same way in every protocol of theirs. */
export const openaiRefusals = {
  overloaded: { status: 503, type: 'server_error', message: 'The engine is currently overloaded' },
  outOfQuota: {
    status: 429,
    type: 'insufficient_quota',
    code: 'insufficient_quota',
    message: 'You exceeded your current quota, please check your plan and billing details.',
  },
  outOfMoney: {
    status: 400,
    type: 'invalid_request_error',
    code: 'billing_hard_limit_reached',
    message: 'Billing hard limit has been reached',
  },
  tooLong: {
    status: 400,
    type: 'invalid_request_error',
    code: 'context_length_exceeded',
    param: 'messages',
    message: "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
  },
  filtered: {
    status: 400,
    code: 'content_filter',
    param: 'prompt',
    message: 'The prompt was stopped by the content management policy',
  },
};

export const chat = {
  ...openaiRefusals,
  requestIdHeader: 'x-request-id',

  promptOf: (body) => lastOfUser(body?.messages),

  whole(call, answer) {
    const { text, usage, toolCalls } = answer;
    const message = { role: 'assistant', content: toolCalls && text === '' ? null : text };
    if (toolCalls) message.tool_calls = toolCalls.map(callOf);
    return {
      id: `chatcmpl-${call.n}`,
      object: 'chat.completion',
      created: 0,
      model: call.model,
      choices: [{ index: 0, message, finish_reason: endOf(answer) }],
      ...(usage && { usage: usageOf(usage) }),
    };
  },

  *events(call, answer) {
    const { pieces, toolCalls = [], usageOf: used } = answer;
    const chunk = (choices, more) => ({
      id: `chatcmpl-${call.n}`,
      object: 'chat.completion.chunk',
      created: 0,
      model: call.model,
      choices,
      ...more,
    });
    const delta = (delta, finish_reason = null) => chunk([{ index: 0, delta, finish_reason }]);
    yield event(delta({ role: 'assistant', content: '' }));
    for (const content of pieces) yield event(delta({ content }), { isPiece: true });
    for (const [index, toolCall] of toolCalls.entries()) {
      yield event(delta({ tool_calls: [{ index, ...callOf({ ...toolCall, arguments: '' }) }] }), { isPiece: true });
      for (const part of fragmentsOf(toolCall.arguments)) {
        yield event(delta({ tool_calls: [{ index, function: { arguments: part } }] }), { isPiece: true });
      }
    }
    yield event(delta({}, endOf(answer)));
    const usage = used();
    if (usage && call.body.stream_options?.include_usage) yield event(chunk([], { usage: usageOf(usage) }));
    yield event('[DONE]', { isLast: true });
  },

  error: openaiError,

  errorEvent: (call, error) => event(openaiError(call, error)),

  ping: ': keep-alive',
};
