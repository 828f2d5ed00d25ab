/**
 * One HTTP exchange of one attempt: POST a JSON body, then read the answer as it is asked for.
 *
 *   open -> (read)* -> end | failed | closed
 *
 * Invariant: once the exchange has ended, failed, been closed or been aborted, it holds no listener on the caller's
 * signal and no open connection (but see drain()). An abort rejects what is waiting with the signal's reason in the
 * same turn, whatever the fetch in use does with its signal. Nothing is read from the socket until read() asks. It does
 * not retry, does not follow redirects (a key must not travel to another host) and knows no provider's format.
 * Partners: `failure.ts` (what a refusal means), `stream.ts`, `openai.ts`, `anthropic.ts`.
 */

import { listenToAbort } from '../abort-listeners.js';
import { HeddleError, type LLMError, type LLMErrorKind } from '../errors.js';
import { untilAbort } from './abort.js';
import {
  assumedStatus,
  type Complaint,
  complaintOf,
  describe,
  excerpt,
  failure,
  hostLimitOf,
  ratesOf,
  statusError,
} from './failure.js';
import type { AttemptOptions, LLMAnswer, LLMRateLimit } from './provider.js';

/** Where a provider's requests go. */
export interface Endpoint {
  readonly provider: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Removes the endpoint's secrets from a text. */
  readonly redact: (text: string) => string;
}

// A refusal says what it has to say at its beginning.
const kLongestRefusal = 64 * 1024;
// Far beyond any answer of a model; a server that sends more is broken, and memory is bounded.
export const kLongestAnswer = 16 * 1024 * 1024;
// After a stream's terminator the end of the body is due at once. Waiting for it lets the connection be used again.
const kDrainMs = 1000;

// Anthropic's name for it, OpenAI's, Azure's.
const kRequestIds = ['request-id', 'x-request-id', 'apim-request-id'];

const ignore = (): void => undefined;

/** An exchange whose answer has a good status. */
export class Exchange {
  #status = 0;
  #contentType = '';
  #requestId: string | undefined;
  #rates: readonly LLMRateLimit[] | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #ended = false;
  readonly #decoder = new TextDecoder();
  // Ours, so that closing ends the fetch as surely as the caller's abort does.
  readonly #controller = new AbortController();
  #unfollow: () => void = ignore;

  private constructor(
    readonly endpoint: Endpoint,
    private readonly signal: AbortSignal,
  ) {}

  /** Sends the request and waits for the answer's headers. Throws LLMError for a bad status, or the signal's reason. */
  static async open(endpoint: Endpoint, body: unknown, options: AttemptOptions): Promise<Exchange> {
    const { signal } = options;
    if (signal.aborted) throw signal.reason;
    const exchange = new Exchange(endpoint, signal);
    const text = exchange.#serialize(body);
    exchange.#unfollow = listenToAbort(signal, () => exchange.#end(signal.reason));
    try {
      await exchange.#send(text, options.fetch);
    } catch (error) {
      exchange.close();
      throw error;
    }
    return exchange;
  }

  /** The answer's media type, in lower case. */
  get contentType(): string {
    return this.#contentType;
  }

  /** What the headers add to an answer. */
  get about(): Pick<LLMAnswer, 'requestId' | 'rates'> {
    return {
      ...(this.#requestId === undefined ? {} : { requestId: this.#requestId }),
      ...(this.#rates === undefined ? {} : { rates: this.#rates }),
    };
  }

  /** Throws the signal's reason after an abort, an LLMError after close(). */
  throwIfOver(): void {
    if (this.signal.aborted) throw this.signal.reason;
    if (this.#controller.signal.aborted) throw this.#controller.signal.reason;
  }

  /** Waits for the next piece of the body, decoded; undefined at its end. */
  async read(): Promise<string | undefined> {
    while (!this.#ended && this.#reader !== undefined) {
      const text = await this.#wait(
        this.#reader.read().then(({ done, value }) => {
          if (done) this.#detach();
          return done ? this.#decoder.decode() : this.#decoder.decode(value, { stream: true });
        }),
      );
      if (text !== '') return text;
    }
    this.throwIfOver();
    this.#detach();
    return undefined;
  }

  /** Waits for the whole body and parses it. Throws LLMError `protocol` when it is not JSON. */
  async json(): Promise<unknown> {
    const text = await this.#rest(kLongestAnswer);
    if (text.length > kLongestAnswer) throw this.error('protocol', `the answer has over ${kLongestAnswer} characters`);
    try {
      return JSON.parse(text);
    } catch {
      const type = this.#contentType || 'no content type';
      throw this.error('protocol', `answered ${this.#status} with what is no JSON (${type})`, text);
    }
  }

  /** An error about this exchange; `quote` is text of the server's. */
  error(kind: LLMErrorKind, text: string, quote?: string): LLMError {
    const tail = quote === undefined ? '' : `: ${excerpt(quote, this.endpoint.redact) || 'nothing'}`;
    // A lost connection has no status, whether or not the headers came through before.
    const status = this.#status === 0 || kind === 'transport' || kind === 'timeout' ? undefined : this.#status;
    const fields = { status, requestId: this.#requestId, rates: this.#rates };
    return failure(this.endpoint.provider, kind, `${text}${tail}`, fields);
  }

  /** The error for a complaint inside an answer whose status was good. */
  complaint(said: Complaint): LLMError {
    const clean = this.#clean(said);
    return statusError(this.endpoint.provider, assumedStatus(clean), clean, {
      requestId: this.#requestId,
      rates: this.#rates,
      inBand: true,
    });
  }

  /** Ends the exchange and its connection. Idempotent. */
  close(): void {
    this.#end(failure(this.endpoint.provider, 'transport', 'the exchange was closed'));
  }

  /** For a body whose last useful byte has come: gives the connection back if the body ends soon, else closes it. */
  drain(): void {
    if (this.#ended || this.#reader === undefined) return this.close();
    this.#unfollow();
    const timer = setTimeout(() => this.close(), kDrainMs);
    // In Node a pending timer would keep the process alive.
    (timer as { unref?: () => void }).unref?.();
    const finish = (done: boolean): void => {
      clearTimeout(timer);
      if (done) this.#ended = true;
      else this.close();
    };
    this.#reader.read().then(
      ({ done }) => finish(done),
      () => finish(false),
    );
  }

  #serialize(body: unknown): string {
    try {
      return JSON.stringify(body);
    } catch (error) {
      throw this.error('invalid', `the request cannot be written as JSON: ${describe(error)}`);
    }
  }

  async #send(text: string, fetch: AttemptOptions['fetch']): Promise<void> {
    const { url, headers } = this.endpoint;
    const { signal } = this.#controller;
    // Inside an async function, so that a fetch that throws at the call is caught with the others.
    const sent = (async () =>
      fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: text,
        redirect: 'manual',
        signal,
      }))();
    // A fetch that ignores its signal may still come with an answer; its connection must not stay open.
    sent.then((late) => (this.#ended ? late?.body?.cancel().catch(ignore) : undefined)).catch(ignore);
    const response = await this.#wait(sent);
    this.throwIfOver();
    this.#adopt(response);
    if (response.status >= 200 && response.status < 300) return;
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
      const answered = `answered ${response.status || 'with a redirect'}`;
      throw this.error('protocol', `${answered}, and redirects are not followed; set the final address`);
    }
    throw await this.#refusal(response);
  }

  // The fetch is the caller's: what it gives may be no Response, or one without a web stream.
  #adopt(response: Response): void {
    const { redact } = this.endpoint;
    try {
      this.#status = response.status;
      this.#contentType = excerpt(response.headers.get('content-type') ?? '', redact).toLowerCase();
      const id = kRequestIds.map((name) => response.headers.get(name)).find((value) => value);
      this.#requestId = id ? excerpt(id, redact) : undefined;
      this.#rates = ratesOf(response.headers);
      this.#reader = response.body?.getReader();
    } catch (error) {
      throw this.error('protocol', 'the fetch in use gave no usable Response', describe(error));
    }
  }

  async #refusal(response: Response): Promise<LLMError> {
    let text = '';
    try {
      text = await this.#rest(kLongestRefusal);
    } catch (error) {
      // The status alone is worth more than the loss of its explanation.
      if (this.signal.aborted) throw error;
    }
    let complaint: Complaint | undefined;
    try {
      complaint = complaintOf(JSON.parse(text));
    } catch {
      complaint = undefined;
    }
    const said = this.#clean(complaint ?? { message: text });
    return statusError(this.endpoint.provider, response.status, said, {
      headers: response.headers,
      requestId: this.#requestId,
      rates: this.#rates,
    });
  }

  #clean(said: Complaint): Complaint {
    const clean = (text: string | undefined): string | undefined =>
      text === undefined ? undefined : excerpt(text, this.endpoint.redact);
    return {
      ...said,
      message: clean(said.message),
      code: typeof said.code === 'string' ? clean(said.code) : said.code,
      type: clean(said.type),
      inner: clean(said.inner),
      requestId: clean(said.requestId),
    };
  }

  async #rest(limit: number): Promise<string> {
    const parts: string[] = [];
    for (let length = 0; length <= limit;) {
      const text = await this.read();
      if (text === undefined) return parts.join('');
      parts.push(text);
      length += text.length;
    }
    this.close();
    return parts.join('');
  }

  async #wait<T>(work: Promise<T>): Promise<T> {
    try {
      return await untilAbort(work, this.#controller.signal);
    } catch (error) {
      if (this.#controller.signal.aborted) throw this.#controller.signal.reason;
      this.close();
      if (error instanceof HeddleError) throw error;
      const limit = hostLimitOf(error);
      if (limit !== undefined) throw this.error('timeout', limit);
      throw this.error('transport', 'the connection was lost', describe(error));
    }
  }

  #detach(): void {
    this.#ended = true;
    this.#unfollow();
  }

  #end(reason: unknown): void {
    if (this.#ended) return;
    this.#detach();
    this.#controller.abort(reason);
    this.#reader?.cancel().catch(ignore);
  }
}
