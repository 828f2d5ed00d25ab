/**
 * What an answer that passes through says about its cost: tokens and model, of every protocol whose addresses are known.
 * Invariant: it changes no byte, and an answer that it cannot read is one of unknown usage, never an error. Only where
 * somebody wants to know: reading costs as much as parsing the answer. Partner: `fetch-call.ts`.
 */

import { createParser } from 'eventsource-parser';
import type { LLMUsage } from './provider.js';
import { isCount } from './usage.js';

/** What one JSON object says, and where protocols put it. */
interface Numbers {
  prompt_tokens?: unknown;
  completion_tokens?: unknown;
  input_tokens?: unknown;
  output_tokens?: unknown;
  promptTokenCount?: unknown;
  candidatesTokenCount?: unknown;
  total_tokens?: unknown;
}

interface Part {
  usage?: Numbers;
  usageMetadata?: Numbers;
  model?: unknown;
  modelVersion?: unknown;
  message?: Part;
  response?: Part;
  prompt_eval_count?: unknown;
  eval_count?: unknown;
}

/** Collects what the parts of an answer say; of what is said twice the last counts. */
export class UsageReader {
  #input: number | undefined;
  #output: number | undefined;
  #model: string | undefined;
  readonly #decoder = new TextDecoder();
  readonly #feed: (text: string) => void;
  readonly #rest: string[] = [];

  /** `type`: the answer's media type. */
  constructor(type: string) {
    if (type.includes('event-stream')) {
      const parser = createParser({ onEvent: ({ data }) => this.#look(data), maxBufferSize: 16 * 1024 * 1024 });
      this.#feed = (text) => parser.feed(text);
    } else if (/ndjson|jsonl|json-lines/.test(type)) {
      this.#feed = (text) => this.#lines(text);
    } else {
      this.#feed = (text) => void this.#rest.push(text);
    }
  }

  feed(bytes: Uint8Array): void {
    this.#feed(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The answer is over: what it said. */
  end(): { usage: LLMUsage; model: string | undefined } {
    if (this.#rest.length > 0) this.#look(this.#rest.join(''));
    const known = this.#input !== undefined || this.#output !== undefined;
    // An embedding has no output; of a stream that broke off, what it said so far is a lower bound only.
    const usage: LLMUsage = { inputTokens: this.#input ?? 0, outputTokens: this.#output ?? 0, source: known ? 'exact' : 'unknown' };
    return { usage, model: this.#model };
  }

  #lines(text: string): void {
    const lines = ((this.#rest.pop() ?? '') + text).split('\n');
    this.#rest.push(lines.pop()!);
    for (const line of lines) this.#look(line);
  }

  #look(text: string): void {
    // Most events of a stream say nothing of it, and need no parsing.
    if (!/usage|model|eval_count/.test(text)) return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return;
    }
    for (const part of Array.isArray(value) ? value : [value]) this.#take(part as Part | null);
  }

  #take(part: Part | null | undefined): void {
    if (typeof part !== 'object' || part === null) return;
    const model = part.model ?? part.modelVersion;
    if (typeof model === 'string' && model !== '') this.#model = model;
    const { usage, usageMetadata } = part;
    this.#count(usage?.prompt_tokens ?? usage?.input_tokens ?? usageMetadata?.promptTokenCount ?? part.prompt_eval_count, usage?.completion_tokens ?? usage?.output_tokens ?? usageMetadata?.candidatesTokenCount ?? part.eval_count);
    this.#take(part.message);
    this.#take(part.response);
  }

  #count(input: unknown, output: unknown): void {
    if (isCount(input)) this.#input = input;
    if (isCount(output)) this.#output = output;
  }
}
