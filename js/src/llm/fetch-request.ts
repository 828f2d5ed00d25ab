/**
 * The request that a fetch was called with: whether it is a model's, and a copy that can be sent again. Invariant: what the
 * caller does to its arrays, headers or buffers after the call changes nothing, and a body that can be read only once is
 * never sent twice. It does not check what the host's fetch checks. Partners: `fetch.ts`, `fetch-call.ts`.
 */

import type { Tokenizer } from './estimate.js';
import { costOf, type RequestCost } from './fetch-cost.js';
import { endpointName } from './endpoint-name.js';
import { secretHeaders } from './redact.js';

type Input = Parameters<typeof globalThis.fetch>[0];
export type Init = NonNullable<Parameters<typeof globalThis.fetch>[1]>;

/** How an address's streams end, where its protocol says so. */
interface ModelPath {
  /** How the address's path ends. */
  readonly ends: string;
  /** A stream without its terminator was cut. */
  readonly hasTerminator: boolean;
}

/** The addresses of models, by the end of their path: of OpenAI and all that speak its language, Anthropic (and its models
 * on Vertex), Gemini, Ollama. */
const kModelPaths: readonly ModelPath[] = [
  { ends: '/chat/completions', hasTerminator: true },
  { ends: '/v1/messages', hasTerminator: true },
  { ends: '/responses', hasTerminator: true },
  { ends: '/completions', hasTerminator: true },
  { ends: '/embeddings', hasTerminator: false },
  { ends: ':generateContent', hasTerminator: false },
  { ends: ':streamGenerateContent', hasTerminator: false },
  { ends: ':rawPredict', hasTerminator: true },
  { ends: ':streamRawPredict', hasTerminator: true },
  { ends: '/api/chat', hasTerminator: false },
  { ends: '/api/generate', hasTerminator: false },
];

/** Decides where the list of addresses does not: true for a model's, false for another, undefined for the list. */
export type IsLLM = (url: string, init: Init | undefined) => boolean | undefined;

const kStreamed = /"stream"\s*:\s*true/;

// Headers that differ between two requests that ask the same.
const kOfOneRequest = /^(x-stainless-.*|user-agent|idempotency-key|x-idempotency-key|x-client-request-id|x-request-id|traceparent|tracestate|baggage|content-length)$/;

// Read into memory, so that it can be sent again; a longer one goes out once, as it comes.
const kLongestKept = 16 * 1024 * 1024;

/** A request that fetch() can be called with as often as needed. @internal */
export class KeptRequest {
  /** Its body can be sent only once. */
  isOnce = false;
  readonly isLLM: boolean;
  hasTerminator: boolean;
  /** The caller's: each of them ends it. */
  signals: readonly AbortSignal[];
  /** The body of a Request is on its way into memory. */
  ready: Promise<void> | undefined;
  readonly #input: Input;
  readonly #init: Init;

  /** Throws a TypeError for what fetch() would not take. */
  constructor(input: Input, init: Init | undefined, isLLM?: IsLLM, signal?: AbortSignal) {
    if (input === undefined || input === null) throw new TypeError('fetch: the first argument must be a URL or a Request');
    if (init !== undefined && init !== null && typeof init !== 'object') throw new TypeError(`fetch: the second argument must be an object, got ${typeof init}`);
    const request = isRequest(input) ? input : undefined;
    this.#input = request ?? String(input);
    const own: unknown = init?.signal === undefined ? request?.signal : init.signal;
    if (own !== undefined && own !== null && !(own instanceof AbortSignal)) throw new TypeError('fetch: init.signal must be an AbortSignal');
    this.signals = [own, signal].filter((one) => one instanceof AbortSignal);
    this.#init = init === undefined || init === null ? {} : { ...init };
    if (init?.headers !== undefined) this.#init.headers = copyOfHeaders(init.headers);
    const path = this.#isPost() && this.#hasJsonBody() ? modelPathOf(this.url) : undefined;
    this.isLLM = isLLM?.(this.url, init ?? undefined) ?? path !== undefined;
    this.hasTerminator = path?.hasTerminator === true;
    this.#keepBody();
  }

  get url(): string {
    return typeof this.#input === 'string' ? this.#input : (this.#input as Request).url;
  }

  get method(): string {
    return (this.#init.method ?? (typeof this.#input === 'string' ? 'GET' : (this.#input as Request).method)).toUpperCase();
  }

  /** The headers, those of a Request included. */
  headers(): Headers {
    return new Headers(this.#init.headers ?? (typeof this.#input === 'string' ? undefined : (this.#input as Request).headers));
  }

  /** The server and the key, as limits count: without telling the key. */
  endpoint(): string {
    return endpointName(this.url, this.secrets().join(' '));
  }

  /** What it will cost, as far as its body says. */
  cost(tokenizer: Tokenizer | undefined): RequestCost {
    const { body } = this.#init;
    const text = typeof body === 'string' ? body : body instanceof Uint8Array ? new TextDecoder().decode(body) : '';
    return costOf(this.url, text, tokenizer);
  }

  /** Whether it asks for an answer piece by piece, as far as that can be told. */
  get asksForStream(): boolean {
    const { body } = this.#init;
    if (typeof body === 'string') return kStreamed.test(body);
    return body instanceof Uint8Array && kStreamed.test(new TextDecoder().decode(body));
  }

  /** What makes it the same as another: all of it but what clients make up for each request. Undefined where that is not
   * known at once. */
  key(): string | undefined {
    const { body } = this.#init;
    if (typeof body !== 'string' && !(body instanceof Uint8Array)) return undefined;
    const headers = [...this.headers()].filter(([name]) => !kOfOneRequest.test(name));
    return JSON.stringify([this.method, this.url, headers, typeof body === 'string' ? body : Array.from(body)]);
  }

  /** The same request, of nobody's. */
  unsigned(): KeptRequest {
    const copy = new KeptRequest(this.#input, { ...this.#init, signal: null }, () => this.isLLM);
    copy.hasTerminator = this.hasTerminator;
    return copy;
  }

  /** The arguments for fetch(). */
  argumentsFor(signal: AbortSignal): [Input, Init] {
    return [this.#input, { ...this.#init, signal }];
  }

  /** Whether another attempt may be made. An official client counts its own repetitions in a header: what we gave up is not
   * begun anew for each of them. */
  mayRepeat(): boolean {
    return !this.isOnce && !(Number(this.headers().get('x-stainless-retry-count') ?? 0) > 0);
  }

  /** It will not be sent: a stream that was to be its body is told, as fetch() does. */
  drop(reason: unknown): void {
    const { body } = this.#init as { body?: { cancel?: (reason: unknown) => Promise<void> } };
    if (this.isOnce && typeof body?.cancel === 'function') body.cancel(reason).catch(ignore);
  }

  /** What must not be printed: credentials, in headers and in the address. */
  secrets(): string[] {
    const { url } = this;
    const inAddress = [...new URLSearchParams(url.slice(url.indexOf('?') + 1))].filter(([name]) => /auth|key|token|secret/i.test(name));
    return [...secretHeaders(Object.fromEntries(this.headers())), ...inAddress.map(([, value]) => value)];
  }

  /** Why fetch() refuses it whatever the network does; undefined where it does not. */
  problem(): unknown {
    try {
      const { body, ...rest } = this.#init;
      void new Request(this.#input, this.isOnce || body === undefined ? rest : this.#init);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #isPost(): boolean {
    const { method } = this.#init;
    return method === 'POST' || this.method === 'POST';
  }

  #hasJsonBody(): boolean {
    const { body } = this.#init;
    if (typeof body === 'string') return /^\s*\{/.test(body);
    if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return firstByte(body) === 0x7b;
    if (body === undefined && typeof this.#input === 'string') return false;
    return /\bjson\b/i.test(this.headers().get('content-type') ?? (body as { type?: string } | undefined)?.type ?? '');
  }

  // Mutable bodies are copied: the attempt may be long after the call.
  #keepBody(): void {
    const { body } = this.#init as { body?: unknown };
    if (body === undefined || body === null) {
      if (this.isLLM && typeof this.#input !== 'string') {
        this.ready = this.#keepRequestBody(this.#input as Request);
        // Heard by the attempt, which there may never be.
        this.ready.catch(ignore);
      }
      return;
    }
    if (typeof body === 'string' || body instanceof Blob) return;
    if (body instanceof ArrayBuffer) this.#init.body = new Uint8Array(body.slice(0));
    else if (ArrayBuffer.isView(body)) this.#init.body = bytesOf(body).slice();
    else if (body instanceof URLSearchParams) this.#init.body = new URLSearchParams(body);
    else if (body instanceof FormData) this.#init.body = copyOfForm(body);
    else this.isOnce = typeof body === 'object';
  }

  async #keepRequestBody(request: Request): Promise<void> {
    const { body } = request;
    if (body === null || body === undefined) {
      // A browser that shows no body (Firefox) still gives its bytes.
      if (this.method === 'POST') this.#init.body = new Uint8Array(await request.arrayBuffer());
      return;
    }
    const reader = body.getReader();
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (let length = 0; length <= kLongestKept;) {
      const { done, value } = await reader.read();
      if (done) {
        this.#init.body = await new Blob(parts).arrayBuffer();
        return;
      }
      parts.push(value);
      length += value.length;
    }
    this.isOnce = true;
    const rest = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const part = parts.shift() ?? (await reader.read()).value;
          if (part === undefined) controller.close();
          else controller.enqueue(part);
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
    Object.assign(this.#init, { body: rest, duplex: 'half' });
  }
}

const ignore = (): void => {};

function isRequest(input: unknown): input is Request {
  return input instanceof Request;
}

function modelPathOf(url: string): ModelPath | undefined {
  const end = url.search(/[?#]/);
  let path = end < 0 ? url : url.slice(0, end);
  if (path.endsWith('/')) path = path.slice(0, -1);
  for (const entry of kModelPaths) {
    if (path.endsWith(entry.ends)) return entry;
  }
  return undefined;
}

function copyOfHeaders(headers: NonNullable<Init['headers']>): NonNullable<Init['headers']> {
  if (typeof headers !== 'object') return headers;
  if (headers instanceof Headers) return new Headers(headers);
  if (Symbol.iterator in headers) return Array.from(headers as Iterable<[string, string]>, ([name, value]): [string, string] => [name, value]);
  return { ...(headers as Record<string, string>) };
}

function copyOfForm(form: FormData): FormData {
  const copy = new FormData();
  for (const [name, value] of form) {
    // A Blob keeps its file name that way.
    if (typeof value === 'string') copy.append(name, value);
    else copy.append(name, value, value.name);
  }
  return copy;
}

function bytesOf(view: ArrayBufferView): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
}

function firstByte(body: ArrayBuffer | ArrayBufferView): number | undefined {
  const bytes = body instanceof ArrayBuffer ? new Uint8Array(body) : bytesOf(body);
  return bytes.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
}
