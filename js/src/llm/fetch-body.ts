/**
 * A body that is read through us: what was read ahead of it, then the rest as the reader asks. Invariant: nothing is read
 * from the connection unless somebody waits for it; the bytes are the server's, unchanged; and `over` is told exactly once
 * how it ended. One that nobody can reach any more counts as left. Partners: `fetch-call.ts`, whose connection it is;
 * `fetch-response.ts`, which gives it to the caller; `fetch-dedupe.ts`, which shares it.
 */

export type Bytes = Uint8Array<ArrayBuffer>;
export type ByteReader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

/** How a body ended: read to its end, left by its reader, lost with its connection, or ended by us. */
export type BodyEnd = 'read' | 'left' | 'lost' | 'failed';

export class Body {
  readonly #head: Bytes[];
  readonly #reader: ByteReader;
  #over: { error?: unknown } | undefined;
  // Of the read() that waits.
  #reject: ((error: unknown) => void) | undefined;

  constructor(
    head: readonly Bytes[],
    reader: ByteReader,
    private readonly over: (how: BodyEnd, reason: unknown) => void,
    private readonly seen?: ((bytes: Bytes) => void) | undefined,
    /** Why it cannot have ended where it did, asked at its end. */
    private readonly flaw?: (() => unknown) | undefined,
  ) {
    this.#head = [...head];
    this.#reader = reader;
  }

  get isOver(): boolean {
    return this.#over !== undefined;
  }

  /** Waits for the next bytes; undefined at the end. Throws what the connection throws, or what fail() was given. */
  async read(): Promise<Bytes | undefined> {
    if (this.#over !== undefined) return this.#ended();
    const next = this.#head.shift() ?? (await this.#next());
    if (next !== undefined) this.seen?.(next);
    return next;
  }

  /** Its reader has enough. */
  leave(reason: unknown): void {
    this.#end('left', {}, reason);
  }

  /** It is over for another reason; who reads gets this error, at once. */
  fail(error: unknown): void {
    this.#end('failed', { error }, error);
    this.#reject?.(error);
  }

  #next(): Promise<Bytes | undefined> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#reader.read().then(
        ({ done, value }) => {
          const flaw = done ? this.flaw?.() : undefined;
          if (flaw !== undefined) {
            this.#end('lost', { error: flaw }, flaw);
            reject(flaw);
            return;
          }
          if (done) this.#end('read', {}, undefined);
          resolve(value);
        },
        (error: unknown) => {
          this.#end('lost', { error }, error);
          reject(error);
        },
      );
    });
  }

  #ended(): Promise<undefined> {
    const over = this.#over!;
    return 'error' in over ? Promise.reject(over.error) : Promise.resolve(undefined);
  }

  #end(how: BodyEnd, over: { error?: unknown }, reason: unknown): void {
    if (this.#over !== undefined) return;
    this.#over = over;
    this.over(how, reason);
  }
}

/** What a stream reads from. */
export interface ByteSource {
  read(): Promise<Bytes | undefined>;
  leave(reason: unknown): void;
}

const forgotten = new FinalizationRegistry<ByteSource>((source) => source.leave(new Error('nobody can read this body any more')));

/** Why a stream failed, once it has. */
export interface Failure {
  reason?: { readonly error: unknown };
}

// The source does not know its stream: so a stream that its reader dropped can be collected, and then it is left.
class StreamSource {
  constructor(
    private readonly source: ByteSource,
    private readonly failure: Failure,
  ) {}

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    let bytes: Bytes | undefined;
    try {
      bytes = await this.source.read();
    } catch (error) {
      this.failure.reason = { error };
      throw error;
    }
    if (bytes === undefined) controller.close();
    else controller.enqueue(bytes);
  }

  cancel(reason: unknown): void {
    this.source.leave(reason);
  }
}

/** The source as a stream that reads only when it is read; `failure` is told why it failed. */
export function streamOf(source: ByteSource, failure: Failure = {}): ReadableStream<Uint8Array> {
  const underlying = new StreamSource(source, failure);
  forgotten.register(underlying, source);
  return new ReadableStream(underlying, { highWaterMark: 0 });
}
