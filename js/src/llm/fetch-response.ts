/**
 * The Response that a caller gets: the server's own object, with a body that we have read already, or that is read through
 * us. Its status, address, type and headers stay the object's own. To make a second Response would cost more than all else
 * that rt.fetch does, so the body's methods are laid over the object by a prototype between it and Response.prototype.
 * Invariant: a body can be used once, and bodyUsed says so, as fetch has it. Partners: `fetch-call.ts`, `fetch-body.ts`.
 */

import { streamOf, type ByteSource, type Bytes, type Failure } from './fetch-body.js';

/** A body: all of it, or where it comes from. */
export type Content = Bytes | ByteSource;

const kHeld = Symbol('heddle.body');

class Held {
  isUsed = false;
  #inner: Response | undefined;
  readonly #failure: Failure = {};

  constructor(
    readonly response: Response,
    readonly content: Content,
  ) {
    if (!(content instanceof Uint8Array)) this.#inner = this.#make();
  }

  /** A real Response with the same body, for everything but the plainest use. */
  inner(): Response {
    this.#inner ??= this.#make();
    return this.#inner;
  }

  get isInnerUsed(): boolean {
    return this.#inner?.bodyUsed === true;
  }

  /** Asks the inner Response for all of its body. Where that fails the reason is the body's own: Chromium's Response has one
   * TypeError for all of them. */
  async read<T>(all: (inner: Response) => Promise<T>): Promise<T> {
    const inner = this.inner();
    const isOurs = !inner.bodyUsed;
    try {
      return await all(inner);
    } catch (error) {
      const { reason } = this.#failure;
      throw isOurs && reason !== undefined ? reason.error : error;
    }
  }

  /** The bytes, given out once; undefined where the inner Response must be asked. */
  take(): Bytes | undefined {
    if (this.#inner !== undefined || !(this.content instanceof Uint8Array)) return undefined;
    if (this.isUsed) throw new TypeError('Body is unusable: it has been read already');
    this.isUsed = true;
    return this.content;
  }

  #make(): Response {
    const type = this.response.headers.get('content-type');
    const headers: Record<string, string> = type === null ? {} : { 'content-type': type };
    const inner = new Response(this.content instanceof Uint8Array ? this.content : streamOf(this.content, this.#failure), { headers });
    // What was read without it cannot be read again.
    if (this.isUsed) void inner.arrayBuffer();
    return inner;
  }
}

function heldOf(response: unknown): Held {
  const held = (response as { [kHeld]?: Held } | undefined)?.[kHeld];
  if (held === undefined) throw new TypeError('Illegal invocation');
  return held;
}

const decoder = new TextDecoder();

const methods = {
  get body(): ReadableStream<Uint8Array> | null {
    return heldOf(this).inner().body;
  },
  get bodyUsed(): boolean {
    const held = heldOf(this);
    return held.isUsed || held.isInnerUsed;
  },
  async text(): Promise<string> {
    const held = heldOf(this);
    const bytes = held.take();
    return bytes === undefined ? held.read((inner) => inner.text()) : decoder.decode(bytes);
  },
  async json(): Promise<unknown> {
    const held = heldOf(this);
    const bytes = held.take();
    return bytes === undefined ? held.read((inner) => inner.json()) : JSON.parse(decoder.decode(bytes));
  },
  async arrayBuffer(): Promise<ArrayBuffer> {
    const held = heldOf(this);
    const bytes = held.take();
    return bytes === undefined ? held.read((inner) => inner.arrayBuffer()) : bytes.slice().buffer;
  },
  async bytes(): Promise<Uint8Array> {
    const held = heldOf(this);
    return held.take()?.slice() ?? new Uint8Array(await held.read((inner) => inner.arrayBuffer()));
  },
  async blob(): Promise<Blob> {
    return heldOf(this).read((inner) => inner.blob());
  },
  async formData(): Promise<FormData> {
    return heldOf(this).read((inner) => inner.formData());
  },
  clone(): Response {
    const { response } = heldOf(this);
    return remade(response, heldOf(this).inner().clone().body);
  },
};

let overlay: object | undefined;

/** The server's Response with this body instead of its own. */
export function withBody(response: Response, content: Content): Response {
  if (Object.getPrototypeOf(response) !== Response.prototype) {
    // Of another make (the `undici` package, a polyfill): nothing is known about what it keeps inside.
    return remade(response, content instanceof Uint8Array ? content : streamOf(content));
  }
  overlay ??= Object.create(Response.prototype, Object.getOwnPropertyDescriptors(methods)) as object;
  (response as { [kHeld]?: Held })[kHeld] = new Held(response, content);
  return Object.setPrototypeOf(response, overlay) as Response;
}

/** What a Response was given by withBody(). */
export function contentOf(response: Response): Content | undefined {
  return (response as { [kHeld]?: Held })[kHeld]?.content;
}

/** A Response like another, with a body of its own. */
export function remade(response: Response, body: ReadableStream<Uint8Array> | Bytes | null): Response {
  const { status, statusText, url, redirected, type } = response;
  const made = new Response(body, { status: status < 200 || status > 599 ? 200 : status, statusText, headers: response.headers });
  const own: PropertyDescriptorMap = {};
  for (const [name, value] of Object.entries({ status, url, redirected, type })) own[name] = { value, configurable: true };
  return Object.defineProperties(made, own);
}

/** Adds a header to a Response; those of fetch() cannot be changed in place. */
export function withHeader(response: Response, name: string, value: string): Response {
  const headers = new Headers(response.headers);
  headers.set(name, value);
  return Object.defineProperty(response, 'headers', { value: headers, configurable: true });
}
