/** A stream as its user holds it. Partner: `stream-call.ts`, which does the work. */

import type { LLMChunk, LLMResult } from './result.js';
import type { StreamCall } from './stream-call.js';

/**
 * A stream of an answer: `for await (const chunk of stream)`, and `stream.result` for the whole. Nothing is read from the
 * connection until a chunk is asked for, so the consumer's pace is the server's. Leaving the loop early closes the
 * connection. The call starts when the stream is made. Who only wants the result may await it without a loop.
 */
export class LLMStream implements AsyncIterableIterator<LLMChunk, void, undefined> {
  readonly #call: StreamCall;

  /** @internal */
  constructor(call: StreamCall) {
    this.#call = call;
  }

  [Symbol.asyncIterator](): this {
    this.#call.isIterated = true;
    return this;
  }

  /** Waits for the next chunk; several calls at once get theirs in order. Once the stream failed or its task was
   * cancelled, every call throws that error. */
  next(): Promise<IteratorResult<LLMChunk, void>> {
    return this.#call.next();
  }

  /** Closes the connection; the result is then a CancellationError, unless it is there already. */
  return(): Promise<IteratorResult<LLMChunk, void>> {
    this.#call.leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The whole answer, once the stream ended. Where no loop runs, asking for it reads the stream to its end; what was not
   * taken by then can still be iterated. */
  get result(): Promise<LLMResult> {
    return this.#call.wholeResult();
  }
}
