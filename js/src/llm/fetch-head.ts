/**
 * The beginning of an event stream, read until it is known whether the model answers: servers that are overloaded say so in
 * events, after a status of 200 and before the first token, and until then the request can be sent again. What was read is
 * kept and given to the caller byte for byte. Invariant: reading ends with the chunk that holds the first token or the
 * error, or after kLongestHead; what is no known opening event counts as a token, so an unknown protocol is never held up.
 * Partner: `fetch-call.ts`.
 */

import { createParser } from 'eventsource-parser';
import { complaintIn, complaintOf, type Complaint } from './failure.js';
import type { ByteReader, Bytes } from './fetch-body.js';

/** What the beginning says. `cut`: the stream ended without a token; `garbage`: it is no event stream. */
export type Verdict = 'answers' | 'cut' | 'garbage' | { complaint: Complaint };

// Openings are a few hundred bytes; keep-alives while the model thinks are more.
const kLongestHead = 256 * 1024;

// Events before the first token, by their `type`: Anthropic's and those of OpenAI's Responses.
const kOpenings = new Set([
  'message_start',
  'content_block_start',
  'ping',
  'keepalive',
  'response.created',
  'response.queued',
  'response.in_progress',
  'response.output_item.added',
  'response.content_part.added',
]);

// How the streams of the known protocols end: the line of an event, or its data's beginning.
const kTerminator = /^data: ?\[DONE\]|^event: ?(?:message_stop|error|response\.(?:completed|incomplete|failed))\s*$|^data: ?\{\s*"type":\s*"(?:message_stop|error|response\.(?:completed|incomplete|failed))"|^data: ?\{\s*"error":/m;
// Of a line that came in part.
const kLongestStart = 200;

/** Looks for the terminator of a stream that passes, without parsing it. */
export class TerminatorWatch {
  isTerminated = false;
  #line = '';
  readonly #decoder = new TextDecoder();

  feed(bytes: Uint8Array): void {
    if (this.isTerminated) return;
    const text = this.#line + this.#decoder.decode(bytes, { stream: true });
    this.isTerminated = kTerminator.test(text);
    this.#line = text.slice(text.lastIndexOf('\n') + 1).slice(0, kLongestStart);
  }
}

/** Reads chunks into `head` until the verdict. Throws what the reader throws. */
export async function readHead(reader: ByteReader, head: Bytes[]): Promise<Verdict> {
  let verdict: Verdict | undefined;
  const parser = createParser({
    onEvent: ({ event, data }) => {
      sawEvent = true;
      verdict ??= verdictOf(event, data);
    },
    onError: ({ type }) => {
      if (type === 'unknown-field') verdict ??= sawEvent ? 'answers' : 'garbage';
    },
  });
  let sawEvent = false;
  const decoder = new TextDecoder();
  for (let length = 0; length < kLongestHead;) {
    const { done, value } = await reader.read();
    if (done) {
      parser.feed('\n\n');
      // An event that the end cut off counts for nothing.
      return verdict === 'garbage' ? 'garbage' : 'cut';
    }
    head.push(value);
    length += value.length;
    parser.feed(decoder.decode(value, { stream: true }));
    if (verdict !== undefined) return verdict;
  }
  return 'answers';
}

interface Opening {
  type?: unknown;
  object?: unknown;
  choices?: unknown;
  response?: unknown;
}

function verdictOf(name: string | undefined, data: string): Verdict | undefined {
  let value: Opening;
  try {
    value = JSON.parse(data) as Opening;
  } catch {
    return 'answers';
  }
  if (typeof value !== 'object' || value === null) return 'answers';
  const { type, response } = value;
  const complaint = type === 'response.failed' ? complaintOf(response) : name === 'error' ? complaintOf(value) : complaintIn(value);
  if (complaint !== undefined) return { complaint };
  if (typeof type === 'string') return kOpenings.has(type) ? undefined : 'answers';
  return isChatOpening(value) ? undefined : 'answers';
}

// A chat's first chunk has a role, or (Azure) what the filters said, and no content.
function isChatOpening({ choices, object }: Opening): boolean {
  if (!Array.isArray(choices)) return false;
  if (object !== undefined && object !== 'chat.completion.chunk' && object !== '') return false;
  return choices.every((choice: { delta?: Record<string, unknown>; finish_reason?: unknown } | null) => {
    const { delta, finish_reason: finished } = choice ?? {};
    if (typeof delta !== 'object' || delta === null || (finished !== undefined && finished !== null)) return false;
    return Object.entries(delta).every(([name, said]) => name === 'role' || said === null || said === '');
  });
}
