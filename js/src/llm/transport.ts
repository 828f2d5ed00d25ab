/**
 * The fetch that live providers use where the user gives none. Node's own gives up after 300 s without an answer's headers,
 * and after 300 s between two pieces of its body, while a model may think for longer; how long to wait is the runtime's to
 * decide (`timeout`, `timeToFirstToken`, `stallTimeout`). So in Node a Transport sends through a dispatcher of its own, an
 * instance of the class of Node's global one, with those two limits off. Its pool has no limit of connections: the
 * runtime's limit of calls in flight bounds it already.
 *
 * Who replaced the global dispatcher (a proxy, a mock, a certificate of one's own) or the global fetch meant it: that is
 * then used as it is, limits included, and a failure by its limit is an LLMError of kind `timeout` that says whose it was
 * (`hostLimitOf`). Browsers and other runtimes have no such dispatcher: there the global fetch is used.
 *
 * Invariant: Node's fetch is not loaded before a request is sent; after close() no idle connection of ours is left, here
 * or at the server, and those in use close with their last answer. It does not retry and does not limit.
 * Partner: `runtime.ts`, which owns one.
 */

import { ClosedError } from '../errors.js';

/** What is used of an undici dispatcher. */
interface Dispatcher {
  close(): Promise<void>;
}

type DispatcherClass = new (options?: Record<string, unknown>) => Dispatcher;

export interface TransportOptions {
  /** Most connections to one server: at least 1. Default: no limit. */
  connections?: number | undefined;
}

// Where undici keeps it, Node's own and the one of the registry alike: from its version 8 on (Node 26) under a second name.
function globalDispatcherKey(): symbol {
  const { process } = globalThis as { process?: { versions?: { undici?: string } } };
  const major = Number.parseInt(process?.versions?.undici ?? '0', 10);
  return Symbol.for(major >= 8 ? 'undici.globalDispatcher.2' : 'undici.globalDispatcher.1');
}

// undici's own: just below the 5 s after which Node's and uvicorn's servers close an idle connection, so that none is used
// at the moment of its end. A server that names its own limit is believed.
const kKeepAliveMs = 4000;

// As it was when this package was loaded. Reading it does not load it.
const kHostFetch = globalThis.fetch;

const ignore = (): void => undefined;

function globalDispatcher(): object | undefined {
  // In Node the first use of Response loads fetch, and with it makes the dispatcher.
  if (typeof globalThis.Response !== 'function') return undefined;
  return (globalThis as Record<symbol, object | undefined>)[globalDispatcherKey()];
}

// The options that an Agent keeps, under a symbol of undici's.
function optionsOf(agent: object): Record<string, unknown> | undefined {
  const symbol = Object.getOwnPropertySymbols(agent).find(({ description }) => description === 'options');
  return symbol && (agent as Record<symbol, Record<string, unknown>>)[symbol];
}

/** The class of the global dispatcher where that is the one which Node made, as it made it; else undefined. */
function classOfUntouched(dispatcher: object | undefined): DispatcherClass | undefined {
  const type = dispatcher?.constructor as DispatcherClass | undefined;
  if (dispatcher === undefined || type?.name !== 'Agent') return undefined;
  const plain = new type();
  void plain.close();
  const [made, given] = [optionsOf(plain), optionsOf(dispatcher)];
  if (made === undefined || given === undefined) return undefined;
  const keys = new Set([...Object.keys(made), ...Object.keys(given)]);
  return [...keys].every((key) => Object.is(made[key], given[key])) ? type : undefined;
}

export class Transport {
  /** A fetch like the host's, without limits of time of its own. After close() it rejects with a ClosedError. */
  readonly fetch: typeof globalThis.fetch;
  readonly #options: TransportOptions;
  /** Ours, and the global dispatcher that it stands for; ours undefined where that one is not to be replaced. */
  #made: { readonly for: object | undefined; readonly own: Dispatcher | undefined } | undefined;
  #closed = false;

  constructor(options: TransportOptions = {}) {
    this.#options = options;
    this.fetch = async (input, init) => {
      if (this.#closed) throw new ClosedError('fetch');
      const dispatcher = globalThis.fetch === kHostFetch ? this.dispatcher() : undefined;
      if (dispatcher === undefined || (init as { dispatcher?: unknown } | undefined)?.dispatcher !== undefined) {
        return globalThis.fetch(input, init);
      }
      return globalThis.fetch(input, { ...init, dispatcher } as RequestInit);
    };
  }

  /** Closes the connections that nobody uses, and each of the others when its answer has ended. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#drop();
  }

  /** What a request is to be sent through; undefined where that is the host's to decide. @internal */
  dispatcher(): object | undefined {
    const current = globalDispatcher();
    if (this.#made === undefined || this.#made.for !== current) {
      this.#drop();
      this.#made = { for: current, own: this.#make(current) };
    }
    return this.#made.own;
  }

  #make(current: object | undefined): Dispatcher | undefined {
    const type = classOfUntouched(current);
    if (type === undefined) return undefined;
    const { connections } = this.#options;
    return new type({
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: kKeepAliveMs,
      ...(connections === undefined ? {} : { connections }),
    });
  }

  #drop(): void {
    this.#made?.own?.close().catch(ignore);
    this.#made = undefined;
  }
}
