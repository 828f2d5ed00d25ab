/**
 * Identical requests in flight share one. The flight belongs to none of its callers: it ends when the last of them has left,
 * and not before. Invariant: every caller has a Response of its own, from its first byte, whenever it joined; what a caller
 * waits for ends with that caller's task, signal or timeout; nobody joins a flight that is being cancelled.
 * The parts of a shared stream are kept until the flight is over. Partners: `fetch.ts`, `fetch-call.ts`.
 */

import { onAbort } from '../cancellation.js';
import type { Context } from '../context.js';
import { CancellationError, TimeoutError } from '../errors.js';
import type { Meaning } from '../operations.js';
import { Outside } from '../outside.js';
import { CallClass } from '../protocol.js';
import type { CallHost } from './call.js';
import type { ByteSource, Bytes } from './fetch-body.js';
import { FetchCall, FetchOutside } from './fetch-call.js';
import type { FetchOptions } from './fetch.js';
import type { KeptRequest } from './fetch-request.js';
import { contentOf, remade, withBody } from './fetch-response.js';

const ignore = (): void => {};
// A wait that something else ends, as an operation: so that it ends with its task.
const kForever = 2 ** 52 / 1000;

export class Flights {
  readonly #flights = new Map<string, Flight>();

  constructor(private readonly host: CallHost) {}

  /** Takes part in the flight of that key, which begins with its first caller. */
  join(key: string, request: KeptRequest, options: FetchOptions, caller: Context | undefined): Promise<Response> {
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      const land = (): void => void (this.#flights.get(key) === flight && this.#flights.delete(key));
      flight = new Flight(this.host, request, options, land);
      this.#flights.set(key, flight);
    }
    return new Passenger(this.host, flight, options.timeout).travel(caller, request.signals);
  }
}

/** One request, for all who want it. */
class Flight {
  #passengers = 0;
  readonly #call: FetchCall;
  readonly #response: Promise<Response>;
  #shared: Shared | undefined;

  constructor(
    host: CallHost,
    request: KeptRequest,
    options: FetchOptions,
    private readonly land: () => void,
  ) {
    const { engine } = host;
    engine.tick();
    const owner = new FetchOutside(engine.raw);
    this.#call = new FetchCall(host, owner, undefined, request.unsigned(), options.onResult);
    this.#call.tell(options.tenant, options.timeToFirstToken);
    this.#response = this.#call.open(engine.raw.hd_call(owner._fiber, CallClass.llm, 1, 0, 0));
    // A failed one is shared by those who wait for it, and by nobody later; so is an answer that is there as a whole.
    this.#response.then((response) => {
      const content = contentOf(response);
      if (content === undefined || content instanceof Uint8Array) land();
      else this.#shared = new Shared(content, land);
    }, land);
  }

  /** Waits for the answer: a Response of the caller's own, and what reads its body where that is still to come. */
  async board(): Promise<{ response: Response; reader: SharedReader | undefined }> {
    this.#passengers++;
    const response = await this.#response;
    const content = contentOf(response);
    if (this.#shared === undefined) return { response: remade(response, content instanceof Uint8Array ? content.slice() : null), reader: undefined };
    const reader = new SharedReader(this.#shared);
    return { response: withBody(remade(response, null), reader), reader };
  }

  leave(reason: unknown): void {
    if (--this.#passengers > 0) return;
    this.land();
    this.#call.cancel(reason);
  }
}

/** One caller of a flight. */
class Passenger {
  #reject: (error: unknown) => void = ignore;
  #reader: SharedReader | undefined;
  #isOver = false;
  readonly #stops: (() => void)[] = [];
  // Made here, where it holds no promise.
  readonly #left = (reason: unknown): void => this.#end(reason);

  constructor(
    private readonly host: CallHost,
    private readonly flight: Flight,
    private readonly timeout: number | undefined,
  ) {}

  /** What the caller waits for. It is kept nowhere, so that a Response that the caller drops can be collected. */
  travel(caller: Context | undefined, signals: readonly AbortSignal[]): Promise<Response> {
    const answer = new Promise<Response>((resolve, reject) => {
      this.#reject = reject;
      this.flight.board().then(
        ({ response, reader }) => {
          if (this.#isOver) return;
          this.#reject = ignore;
          this.#reader = reader;
          if (reader === undefined) this.#end(undefined);
          else reader.over = this.#left;
          resolve(response);
        },
        (error: unknown) => this.#end(error),
      );
    });
    this.#watch(caller, signals);
    return answer;
  }

  #watch(caller: Context | undefined, signals: readonly AbortSignal[]): void {
    const { engine, operations } = this.host;
    engine.tick();
    const ms = this.timeout ?? 0;
    const owner = caller?._owner ?? new Outside(engine.raw, 'fetch');
    const meaning: Meaning = { name: 'fetch', value: ignore, failure: ignore };
    const op = engine.raw.hd_delay(owner._fiber, ms > 0 ? ms : kForever, caller?._shield ?? 0);
    operations.begun(op, owner, meaning).then(
      () => this.#end(new TimeoutError(`fetch took longer than its timeout of ${ms} ms`, { limit: 'operation', scope: 'fetch', ms })),
      (error: unknown) => this.#end(error),
    );
    this.#stops.push(() => {
      if (operations.meaning(op) !== meaning) return;
      engine.raw.hd_abort_op(op);
      engine.drainEffects();
      engine.wake();
    });
    for (const signal of signals) this.#stops.push(onAbort(signal, () => this.#end(signal.reason)));
  }

  #end(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const stop of this.#stops) stop();
    if (error !== undefined) {
      this.#reject(error);
      this.#reader?.fail(error);
    }
    this.flight.leave(error ?? new CancellationError('fetch: nobody waits for the shared request any more'));
  }
}

/** The body of a flight, kept for those who come later. */
class Shared {
  readonly parts: Bytes[] = [];
  over: { error?: unknown } | undefined;
  #reading: Promise<void> | undefined;

  constructor(
    private readonly source: ByteSource,
    private readonly land: () => void,
  ) {}

  /** Waits for one part more, or the end. */
  more(): Promise<void> {
    this.#reading ??= this.source
      .read()
      .then(
        (bytes) => {
          if (bytes !== undefined) this.parts.push(bytes);
          else this.#end({});
        },
        (error: unknown) => this.#end({ error }),
      )
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  #end(over: { error?: unknown }): void {
    this.over = over;
    this.land();
  }
}

class SharedReader implements ByteSource {
  over: (reason: unknown) => void = ignore;
  #at = 0;
  #failed: { error: unknown } | undefined;
  #wake: ((error: unknown) => void) | undefined;

  constructor(private readonly shared: Shared) {}

  async read(): Promise<Bytes | undefined> {
    for (;;) {
      if (this.#failed !== undefined) throw this.#failed.error;
      const part = this.shared.parts[this.#at];
      if (part !== undefined) {
        this.#at++;
        // Its reader may do with it as it likes.
        return part.slice();
      }
      const { over } = this.shared;
      if (over !== undefined) {
        this.over(over.error);
        if ('error' in over) throw over.error;
        return undefined;
      }
      await new Promise<void>((resolve, reject) => {
        this.#wake = reject;
        this.shared.more().then(resolve);
      });
    }
  }

  leave(reason: unknown): void {
    this.over(reason ?? new CancellationError('fetch: the body was left'));
  }

  fail(error: unknown): void {
    this.#failed ??= { error };
    this.#wake?.(error);
  }
}
