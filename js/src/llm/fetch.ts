/**
 * rt.fetch: a fetch to hand to any client of a model. What it is called with and what it gives are fetch's; requests to
 * models take part in the runtime's limits, queue, retries and cancellation, everything else passes.
 * Invariant: what fetch would refuse at the call is refused before the kernel hears of it, by a rejection, as fetch does.
 * Partners: `fetch-call.ts`, one call; `fetch-dedupe.ts`, calls that share one; `calls.ts`.
 */

import { Context } from '../context.js';
import { ArgumentError } from '../errors.js';
import { CallClass } from '../protocol.js';
import type { CallHost } from './call.js';
import type { CallsHost } from './calls.js';
import { FetchCall, FetchOutside } from './fetch-call.js';
import { Flights } from './fetch-dedupe.js';
import { KeptRequest, type Init, type IsLLM } from './fetch-request.js';
import type { FetchResult } from './fetch-result.js';
import { checkOptionNames, checkSignal, checkTimeout } from './request.js';

/** What fetch is on this host. */
export type Fetch = typeof globalThis.fetch;

/** What a fetch of fetchWith() does beyond rt.fetch. */
export interface FetchOptions {
  /** Whose requests they are. Default: the calling task where one is known, else a caller outside. */
  ctx?: Context | undefined;
  /** Ends every request, beside the signal of its own. */
  signal?: AbortSignal | undefined;
  /** Longest time of a request, from the queue to the end of its body; milliseconds. Then a TimeoutError. 0: none. */
  timeout?: number | undefined;
  /** Longest time of one attempt of an LLM request until its answer is there, or the first token of its stream; then it counts
   * as failed and is repeated as such. Milliseconds; 0: none. */
  timeToFirstToken?: number | undefined;
  /** Identical LLM requests in flight share one: the same method, address, headers and body. Default false. */
  dedupe?: boolean | undefined;
  /** Whose limits under `rates.tenants` its LLM requests count against. Default: the nearest `key` of its task and those above. */
  tenant?: string | undefined;
  /** Which requests count as an LLM's: true or false decides, undefined leaves it to the list of known addresses. */
  llm?: IsLLM | undefined;
  /** Hears what became of each LLM request, once, when it is over: its attempts, times and tokens. */
  onResult?: ((result: FetchResult) => void) | undefined;
}

const optionNames = ['ctx', 'signal', 'timeout', 'timeToFirstToken', 'dedupe', 'tenant', 'llm', 'onResult'];

/** @internal */
export class Fetches {
  /** For callers of whom nothing is known. */
  readonly fetch: Fetch = (input, init) => this.#begin(input, init, undefined, undefined);
  readonly #flights: Flights;

  constructor(
    private readonly host: CallsHost,
    private readonly callHost: CallHost,
  ) {
    this.#flights = new Flights(callHost);
  }

  /** A fetch bound to a task. */
  of(ctx: Context): Fetch {
    return (input, init) => this.#begin(input, init, undefined, ctx);
  }

  with(options: FetchOptions): Fetch {
    checkOptionNames('fetchWith', options ?? {}, optionNames);
    const { ctx, signal, timeout, timeToFirstToken, dedupe, tenant, llm, onResult } = options ?? {};
    checkSignal('fetchWith', signal);
    checkTimeout('fetchWith', timeout);
    if (timeToFirstToken !== undefined && (typeof timeToFirstToken !== 'number' || !(timeToFirstToken >= 0))) {
      throw new ArgumentError('fetchWith', 'options.timeToFirstToken must be a number of milliseconds, 0 or more');
    }
    if (dedupe !== undefined && typeof dedupe !== 'boolean') throw new ArgumentError('fetchWith', `options.dedupe must be a boolean, got ${typeof dedupe}`);
    if (tenant !== undefined && (typeof tenant !== 'string' || tenant === '')) throw new ArgumentError('fetchWith', 'options.tenant must be a non-empty string');
    for (const [name, value] of Object.entries({ llm, onResult })) {
      if (value !== undefined && typeof value !== 'function') throw new ArgumentError('fetchWith', `options.${name} must be a function, got ${typeof value}`);
    }
    this.host.caller(ctx, 'fetchWith');
    const own = { ...options };
    return (input, init) => this.#begin(input, init, own, ctx);
  }

  #begin(input: Parameters<Fetch>[0], init: Init | undefined, options: FetchOptions | undefined, ctx: Context | undefined): Promise<Response> {
    const { host, callHost } = this;
    const { engine, operations } = callHost;
    let caller: Context | undefined;
    let request: KeptRequest;
    try {
      caller = host.caller(ctx, 'fetch');
      host.open('fetch', caller);
      request = new KeptRequest(input, init, options?.llm, options?.signal);
      for (const { aborted, reason } of request.signals) {
        if (aborted) throw reason;
      }
    } catch (error) {
      return operations.error(caller?._owner, error);
    }
    if (options?.dedupe === true && request.isLLM) {
      const key = request.key();
      if (key !== undefined) return this.#flights.join(`${options.tenant ?? ''}\0${key}`, request, options, caller);
    }
    engine.tick();
    const owner = caller?._owner ?? new FetchOutside(engine.raw);
    const call = new FetchCall(callHost, owner, options?.timeout, request, options?.onResult);
    call.tell(options?.tenant, options?.timeToFirstToken);
    const type = request.isLLM ? CallClass.llm : CallClass.other;
    return call.open(engine.raw.hd_call(owner._fiber, type, request.isLLM ? 1 : 0, options?.timeout ?? 0, caller?._shield ?? 0));
  }
}
