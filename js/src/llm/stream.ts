/**
 * A provider's stream of text over an exchange. One class for every protocol: what an event means is the dialect's to
 * say. Invariant: after next() gave undefined or threw, the exchange is over; after an error every further next()
 * throws the same one. A stream that ends before its terminator is a lost connection, however politely it was closed.
 * It does not buffer ahead and does not restart. Partners: `sse.ts`, `http.ts`, `openai.ts`, `anthropic.ts`.
 */

import { ArgumentError, LLMError } from '../errors.js';
import { type Exchange, kLongestAnswer } from './http.js';
import type { AttemptOptions, LLMAnswer, ProviderStream } from './provider.js';
import { EventReader, EventTooLong, type ServerSentEvent } from './sse.js';

/** What the events of one protocol mean; one object for one stream. */
export interface Dialect {
  /** Takes an event and gives its text: empty where it brings something else of the answer, undefined where it brings
   * nothing. Throws LLMError for a complaint, else SyntaxError for nonsense. */
  take(event: ServerSentEvent): string | undefined;
  /** True once the protocol's terminator has come. */
  readonly terminated: boolean;
  /** The answer, given all text. Throws SyntaxError if the stream left out what it must have. */
  answer(text: string): LLMAnswer;
}

/** A stream of server-sent events in some dialect. */
export class EventStream implements ProviderStream {
  readonly #events: EventReader;
  readonly #texts: string[] = [];
  #answer: LLMAnswer | undefined;
  #error: unknown;
  #failed = false;

  constructor(
    private readonly exchange: Exchange,
    private readonly dialect: Dialect,
    private readonly onProgress: AttemptOptions['onProgress'],
  ) {
    this.#events = new EventReader(exchange, kLongestAnswer);
  }

  async next(): Promise<string | undefined> {
    if (this.#failed) throw this.#error;
    try {
      while (this.#answer === undefined) {
        const text = await this.#piece();
        if (text) {
          this.#texts.push(text);
          return text;
        }
        if (text === '') this.onProgress?.();
      }
      return undefined;
    } catch (error) {
      this.#failed = true;
      this.#error = error;
      this.exchange.close();
      throw error;
    }
  }

  answer(): LLMAnswer {
    if (this.#answer === undefined) throw unread();
    return this.#answer;
  }

  close(): void {
    if (this.#answer === undefined) this.exchange.close();
  }

  async #piece(): Promise<string | undefined> {
    const event = await this.#next();
    if (event === undefined) throw this.#cut();
    try {
      const text = this.dialect.take(event);
      if (this.dialect.terminated) {
        this.#answer = this.dialect.answer(this.#texts.join('') + (text ?? ''));
        this.exchange.drain();
      }
      return text;
    } catch (error) {
      if (error instanceof LLMError) throw error;
      if (event.partial) throw this.#cut();
      throw this.exchange.error('protocol', 'the stream holds what its protocol does not allow', event.data);
    }
  }

  async #next(): Promise<ServerSentEvent | undefined> {
    // Events that came before an abort may still be at hand; nobody wants them now.
    this.exchange.throwIfOver();
    try {
      return await this.#events.next();
    } catch (error) {
      if (!(error instanceof EventTooLong)) throw error;
      throw this.exchange.error('protocol', error.message);
    }
  }

  #cut(): LLMError {
    if (this.#events.isGarbage)
      return this.exchange.error('protocol', 'the answer to a streaming request is no event stream');
    return this.exchange.error('transport', 'the stream ended before its terminator');
  }
}

/** The error of an answer() that comes too early. */
export function unread(): ArgumentError {
  return new ArgumentError('answer', 'the stream has not been read to its end; call next() until it gives undefined');
}

/** A stream of an answer that is there as a whole. */
export function wholeStream(answer: LLMAnswer): ProviderStream {
  let text: string | undefined = answer.text === '' ? undefined : answer.text;
  let atEnd = false;
  return {
    next() {
      const piece = text;
      text = undefined;
      atEnd = piece === undefined;
      return Promise.resolve(piece);
    },
    answer() {
      if (!atEnd) throw unread();
      return answer;
    },
    close: () => undefined,
  };
}
