/**
 * Messages, tools and formats as the OpenAI chat protocol writes them, and tool calls as its answers do.
 *
 * Choices. A schema is sent with `strict` where it keeps to what that demands (every property required, no others
 * allowed, no keyword beyond the supported ones): then the server guarantees the form; every other schema is sent as a
 * wish. JSON mode is refused by OpenAI's servers where no message speaks of JSON: then a system message does.
 * Invariant: pure; what a caller wrote in the protocol's own words (`tool_calls`, `name`, parts) passes unchanged.
 * It checks no tool and no schema: `request.ts` does. Partners: `openai.ts`, `tool-calls.ts`.
 */

import type { LLMFormat, LLMMessage, LLMRequest, LLMTool, LLMToolChoice } from './provider.js';
import type { ToolCallPiece } from './tool-calls.js';
import { textOf } from './usage.js';

const kNoArguments = { type: 'object', properties: {} };
// Keywords that strict mode takes: what it does not know it refuses.
const kStrictKeywords = new Set(
  (
    '$schema $id $ref $defs definitions type title description properties required additionalProperties items anyOf enum const ' +
    'pattern format multipleOf minimum maximum exclusiveMinimum exclusiveMaximum minItems maxItems'
  ).split(' '),
);

/** What a request says besides its model, its limits and its way: messages, tools, format. */
export function openaiWords({ messages, tools, toolChoice, format }: LLMRequest): Record<string, unknown> {
  return {
    messages: [...instructionsOf(messages, format), ...messages.map(messageOf)],
    tools: tools?.map(toolOf),
    // Without tools the server refuses a choice among them.
    tool_choice: tools === undefined ? undefined : choiceOf(toolChoice),
    response_format: format && formatOf(format),
  };
}

function instructionsOf(messages: readonly LLMMessage[], format: LLMFormat | undefined): unknown[] {
  if (format?.type !== 'json' || messages.some((message) => /json/i.test(textOf(message) ?? ''))) return [];
  return [{ role: 'system', content: 'Answer with JSON.' }];
}

function messageOf({ toolCalls, toolCallId, ...message }: LLMMessage): Record<string, unknown> {
  const wanted = toolCalls?.map(({ id, name, arguments: text }) => ({ id, type: 'function', function: { name, arguments: text } }));
  if (toolCallId !== undefined) return { ...message, tool_call_id: toolCallId };
  if (wanted === undefined || wanted.length === 0) return message;
  // Some servers refuse an empty text beside tool calls; all know null.
  return { ...message, content: message.content === '' ? null : message.content, tool_calls: wanted };
}

function toolOf({ name, description, parameters = kNoArguments }: LLMTool): unknown {
  return { type: 'function', function: { name, description, parameters } };
}

function choiceOf(choice: LLMToolChoice | undefined): unknown {
  return typeof choice === 'object' ? { type: 'function', function: { name: choice.name } } : choice;
}

function formatOf({ type, name = 'answer', schema }: LLMFormat): unknown {
  if (type === 'json' || schema === undefined) return { type: 'json_object' };
  return { type: 'json_schema', json_schema: { name, schema, ...(isStrict(schema) ? { strict: true } : {}) } };
}

/** True for a schema that strict mode takes. */
export function isStrict(schema: Readonly<Record<string, unknown>>): boolean {
  return schema['type'] === 'object' && isStrictBelow(schema);
}

function isStrictBelow(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return false;
  const bag = schema as Record<string, unknown>;
  if (!Object.keys(bag).every((keyword) => kStrictKeywords.has(keyword))) return false;
  const properties = (bag['properties'] ?? {}) as Record<string, unknown>;
  const names = Object.keys(properties);
  const required = Array.isArray(bag['required']) ? (bag['required'] as unknown[]) : [];
  const isObject = bag['type'] === 'object' || bag['properties'] !== undefined;
  if (isObject && (bag['additionalProperties'] !== false || !names.every((name) => required.includes(name)))) return false;
  const below = [properties, bag['$defs'], bag['definitions']].flatMap((named) => Object.values(named ?? {}) as unknown[]);
  const others = [bag['items'] ?? [], bag['anyOf'] ?? []].flat() as unknown[];
  return [...below, ...others].every(isStrictBelow);
}

/** Tool calls of a message, whole, or of a stream's delta. */
export function openaiToolCalls(calls: unknown): ToolCallPiece[] {
  if (!Array.isArray(calls)) return [];
  return calls.flatMap((call: { index?: unknown; id?: unknown; function?: unknown } | null) => {
    const { name, arguments: text } = (call?.function ?? {}) as { name?: unknown; arguments?: unknown };
    if (typeof call?.function !== 'object') return [];
    return [{ index: call.index, id: call.id, name, arguments: text }];
  });
}
