/**
 * The tool calls of one answer, put together from pieces as a stream sends them.
 * A piece belongs to the call of its index; where a server sends no index, or the same one with a new id, an id begins a
 * call and a piece without one goes on with the last. Invariant: calls stand in the order in which they began, each has
 * an id and arguments, `{}` where the model wrote none. It does not parse arguments. Partners: `openai-wire.ts`,
 * `anthropic.ts`.
 */

import { written } from './json.js';
import type { LLMToolCall } from './provider.js';

/** What a server says of a call at a time; nobody vouches for any of it. */
export interface ToolCallPiece {
  index?: unknown;
  id?: unknown;
  name?: unknown;
  /** Text to add to the arguments; some servers give the value itself. */
  arguments?: unknown;
}

interface Draft {
  index: unknown;
  id: string;
  name: string;
  readonly texts: string[];
}

const wordOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export class ToolCalls {
  readonly #drafts: Draft[] = [];

  /** Takes what begins a call, or is all of it. */
  begin(piece: ToolCallPiece): void {
    const draft = { index: piece.index, id: '', name: '', texts: [] };
    this.#drafts.push(draft);
    extend(draft, piece);
  }

  /** Takes a piece, which begins a call or goes on with one. */
  add(piece: ToolCallPiece): void {
    const { index, id } = piece;
    const going = index === undefined ? this.#drafts.at(-1) : this.#drafts.filter((draft) => draft.index === index).at(-1);
    const isOther = going === undefined || (going.id !== '' && wordOf(id) !== '' && going.id !== id);
    if (isOther) this.begin(piece);
    else extend(going, piece);
  }

  /** What was asked for, for an answer: nothing where no tool was. */
  get asked(): { toolCalls?: readonly LLMToolCall[] } {
    if (this.#drafts.length === 0) return {};
    const toolCalls = this.#drafts.map(({ id, name, texts }, i) => ({
      // Servers of small models leave it out; the result must name the call all the same.
      id: id || `call_${i + 1}`,
      name,
      arguments: texts.join('') || '{}',
    }));
    return { toolCalls };
  }
}

function extend(draft: Draft, { id, name, arguments: text }: ToolCallPiece): void {
  draft.id ||= wordOf(id);
  draft.name ||= wordOf(name);
  if (text !== undefined && text !== null) draft.texts.push(typeof text === 'string' ? text : (written(text) ?? ''));
}
