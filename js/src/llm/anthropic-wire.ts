/**
 * Messages, tools and formats as the Anthropic messages protocol writes them.
 *
 * Choices. System messages, wherever they stand, are lifted out and joined by a blank line into `system`. Results of tools
 * are `tool_result` blocks of the user's, all that follow each other in one message, as the protocol demands. Arguments
 * of a tool call that are no JSON object go back to the model as `{"INVALID_JSON": "..."}`, which is how Anthropic's
 * documentation says to return them. A format is asked for in words, at the end of `system`: every model and every server
 * of the protocol understands that, and the runtime checks the answer. With the provider's `structuredOutputs` a schema
 * goes as `output_config.format` instead, which newer models keep to by construction and older ones refuse.
 * Invariant: pure; what a caller wrote in the protocol's own words passes unchanged. It checks no tool and no schema:
 * `request.ts` does. Partner: `anthropic.ts`.
 */

import { LLMError } from '../errors.js';
import type { LLMFormat, LLMMessage, LLMRequest, LLMTool, LLMToolChoice } from './provider.js';

const kNoArguments = { type: 'object', properties: {} };
const kInvalid = 'INVALID_JSON';

/** What a request says besides its model, its limits and its way: messages, system, tools, format. */
export function anthropicWords(request: LLMRequest, structuredOutputs: boolean): Record<string, unknown> {
  const { messages, tools, toolChoice, format } = request;
  const isNative = structuredOutputs && format?.type === 'json-schema' && format.schema !== undefined;
  return {
    system: systemOf(messages, isNative ? undefined : format),
    messages: conversationOf(messages),
    tools: tools?.map(toolOf),
    // Without tools the server refuses a choice among them.
    tool_choice: tools === undefined ? undefined : choiceOf(toolChoice),
    output_config: isNative ? { format: { type: 'json_schema', schema: format.schema } } : undefined,
  };
}

function systemOf(messages: readonly LLMMessage[], format: LLMFormat | undefined): unknown {
  const contents: (string | readonly unknown[])[] = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  if (format !== undefined) contents.push(instructionOf(format));
  if (contents.length === 0) return undefined;
  if (contents.every((content) => typeof content === 'string')) return contents.join('\n\n');
  return contents.flatMap((content) => (typeof content === 'string' ? [{ type: 'text', text: content }] : [...content]));
}

function instructionOf({ schema }: LLMFormat): string {
  const answer = 'Answer with a JSON value and nothing else: no sentence before or after it, no code fence.';
  return schema === undefined ? answer : `${answer} The value must fit this JSON Schema:\n${JSON.stringify(schema)}`;
}

function conversationOf(messages: readonly LLMMessage[]): unknown[] {
  const conversation: unknown[] = [];
  let results: unknown[] | undefined;
  for (const [i, { toolCalls, toolCallId, ...message }] of messages.entries()) {
    if (message.role === 'system') continue;
    if (message.role === 'tool') {
      if (toolCallId === undefined) throw nameless(i);
      if (results === undefined) conversation.push({ role: 'user', content: (results = []) });
      results.push({ type: 'tool_result', tool_use_id: toolCallId, content: message.content, ...markOf(message) });
      continue;
    }
    results = undefined;
    if (toolCalls === undefined || toolCalls.length === 0) conversation.push(message);
    else conversation.push({ ...message, content: [...blocksOf(message.content), ...toolCalls.map(useOf)] });
  }
  return conversation;
}

// A caller who knows the protocol may say that a tool failed.
function markOf({ is_error: isError }: { [field: string]: unknown }): { is_error?: unknown } {
  return isError === undefined ? {} : { is_error: isError };
}

function nameless(i: number): LLMError {
  const what = `messages[${i}] has the role "tool" and no toolCallId, so nobody knows which call it is the result of`;
  return new LLMError(`anthropic: ${what}; give it the id of the answer's tool call`, { kind: 'invalid' });
}

// The protocol refuses an empty block of text.
function blocksOf(content: LLMMessage['content']): readonly unknown[] {
  if (typeof content !== 'string') return content;
  return content === '' ? [] : [{ type: 'text', text: content }];
}

function useOf({ id, name, arguments: text }: { id: string; name: string; arguments: string }): unknown {
  return { type: 'tool_use', id, name, input: inputOf(text) };
}

function inputOf(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // The model's mistake; it should see it.
  }
  return { [kInvalid]: text };
}

function toolOf({ name, description, parameters = kNoArguments }: LLMTool): unknown {
  return { name, description, input_schema: parameters };
}

function choiceOf(choice: LLMToolChoice | undefined): unknown {
  if (choice === undefined) return undefined;
  if (typeof choice === 'object') return { type: 'tool', name: choice.name };
  return { type: choice === 'required' ? 'any' : choice };
}
