/**
 * Server-sent events out of a source of text, by the library eventsource-parser. Invariant: pulled, never pushed; the
 * source is read only while next() waits and no parsed event is left over, so back-pressure reaches the socket. An
 * event that the source's end cuts off is still given, marked `partial`, for servers that save the last blank line.
 * It does not reconnect and does not know what an event means. Partners: `http.ts` (the source), `stream.ts`.
 */

import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** Text that comes piece by piece; undefined at its end. */
export interface TextSource {
  read(): Promise<string | undefined>;
}

/** One event. */
export interface ServerSentEvent {
  /** The event's name; undefined where the server gave none. */
  readonly name: string | undefined;
  readonly data: string;
  /** True when the source ended inside this event. */
  readonly partial: boolean;
}

/** The source holds one event, or one line, of more than `limit` characters. */
export class EventTooLong extends Error {}

export class EventReader {
  readonly #events: ServerSentEvent[] = [];
  #atEnd = false;
  #tooLong = false;
  #sawEvent = false;
  #sawGarbage = false;
  readonly #parser;

  constructor(
    private readonly source: TextSource,
    limit: number,
  ) {
    this.#parser = createParser({
      maxBufferSize: limit,
      onEvent: ({ event, data }: EventSourceMessage) => {
        this.#sawEvent = true;
        this.#events.push({ name: event, data, partial: this.#atEnd });
      },
      onError: ({ type }) => {
        if (type === 'max-buffer-size-exceeded') this.#tooLong = true;
        if (type === 'unknown-field') this.#sawGarbage = true;
      },
    });
  }

  /** Waits for the next event; undefined at the end. Throws what the source throws, and EventTooLong. */
  async next(): Promise<ServerSentEvent | undefined> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      if (this.#tooLong) throw new EventTooLong('an event of the stream is too long');
      if (this.#atEnd) return undefined;
      const text = await this.source.read();
      this.#atEnd = text === undefined;
      this.#parser.feed(text ?? '\n\n');
    }
  }

  /** True when what came was no event stream at all: lines of something else, and no event among them. */
  get isGarbage(): boolean {
    return this.#sawGarbage && !this.#sawEvent;
  }
}
