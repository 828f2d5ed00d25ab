/**
 * The host's half of a call: the kernel says when an attempt starts and when it must end; this starts it, tells how it ended,
 * and keeps what came of it until the operation's result is delivered. Whether and when a failed attempt is repeated is the
 * kernel's decision (core/kernel/calls.cpp). Partners: provider.ts, one attempt; stream.ts of the providers; operations.ts.
 */

import type { Context } from '../context.js';
import type { Engine } from '../engine/engine.js';
import { ArgumentError, CancellationError, HeddleError, LLMError, RetryAfterTooLong } from '../errors.js';
import { Outside } from '../outside.js';
import type { Meaning, Operations, Owner } from '../operations.js';
import { Answer, CallClass, EventType, OpCode } from '../protocol.js';
import type { LLMAnswer, LLMMessage, LLMRequest, Provider, ProviderStream, SimulatedAnswer } from './provider.js';
import { isRetryable } from './retry.js';
import { simulatedError } from './simulated.js';

export type Prompt = string | readonly LLMMessage[];

export interface LLMOptions {
  /** Overrides the provider's model. */
  model?: string | undefined;
  /** Upper bound of the answer's length, in tokens. */
  maxTokens?: number | undefined;
  temperature?: number | undefined;
  /** Tells apart requests that are otherwise the same. */
  sample?: number | undefined;
  /** Cancels this call alone. */
  signal?: AbortSignal | undefined;
  /** Longest time for all of it, queue, attempts and waits between them; milliseconds. 0: none. */
  timeout?: number | undefined;
}

/** One attempt, in milliseconds since the epoch. */
export interface LLMAttempt {
  startedAt: number;
  endedAt: number;
  /** Why it failed; undefined for the last one of a call that succeeded. */
  error?: Error | undefined;
}

/** When what happened, in milliseconds since the epoch (under virtual time: since the runtime began). */
export interface LLMTimings {
  /** The call was made. */
  requestedAt: number;
  /** The last attempt began. */
  startedAt: number;
  completedAt: number;
  attempts: readonly LLMAttempt[];
}

export interface LLMResult extends LLMAnswer {
  /** Requests sent for this call. */
  attempts: number;
  timings: LLMTimings;
}

export interface LLMChunk {
  type: 'text';
  text: string;
}

/** What the calls need of their runtime. */
export interface CallHost {
  readonly engine: Engine;
  readonly operations: Operations;
  readonly provider: Provider;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since the epoch on the runtime's clock. */
  now(): number;
  /** Throws if the runtime is closed. */
  open(operation: string): void;
  /** The caller, where the operation was called without a context. */
  caller(ctx: Context | undefined): Context | undefined;
}

/** A call that the kernel runs: what to do when an attempt starts. */
abstract class HostCall implements Meaning {
  abstract readonly name: string;
  /** The kernel's id of the attempt under way, 0 between attempts. */
  call = 0;
  controller: AbortController | undefined;
  readonly requestedAt: number;
  readonly attempts: LLMAttempt[] = [];
  protected failed: unknown = undefined;

  constructor(
    protected readonly host: CallHost,
    readonly owner: Owner,
    readonly timeout: number | undefined,
  ) {
    this.requestedAt = host.now();
  }

  abstract start(attempt: number): void;
  abstract value(aux: number): unknown;

  /** The connection must go; what the attempt says then tells the kernel that it went. */
  abort(reason: unknown): void {
    this.controller?.abort(reason);
  }

  failure(code: number, aux: number): unknown {
    const error = this.failed;
    if (error instanceof LLMError) error.attempts = aux;
    if (code === OpCode.retryAfterTooLong) {
      const { retryAfter = 0 } = error as LLMError;
      return new RetryAfterTooLong(
        `${this.name}: the server asked to wait ${retryAfter} ms, which is more than retry.maxRetryAfter allows`,
        retryAfter,
        { cause: error },
      );
    }
    return error;
  }

  protected begin(): AttemptNote {
    const note: AttemptNote = { startedAt: this.host.now(), endedAt: 0 };
    this.attempts.push(note);
    return note;
  }

  protected done(note: AttemptNote): void {
    note.endedAt = this.host.now();
    this.controller = undefined;
    this.host.engine.event(EventType.callDone, this.call, 1, 0, -1);
  }

  protected fail(note: AttemptNote, error: unknown): void {
    note.endedAt = this.host.now();
    note.error = error as Error;
    this.failed = error;
    this.controller = undefined;
    const retryable = error instanceof LLMError && isRetryable(error);
    const retryAfter = error instanceof LLMError ? (error.retryAfter ?? -1) : -1;
    this.host.engine.event(EventType.callDone, this.call, 0, retryable ? 1 : 0, retryAfter);
  }
}

type AttemptNote = { startedAt: number; endedAt: number; error?: Error };

/** Another side effect: `ctx.call`. */
class OtherCall extends HostCall {
  #result: unknown;

  constructor(
    host: CallHost,
    owner: Owner,
    timeout: number | undefined,
    readonly name: string,
    private readonly fn: (options: { signal: AbortSignal }) => unknown,
  ) {
    super(host, owner, timeout);
  }

  start(): void {
    const note = this.begin();
    this.controller = new AbortController();
    const { signal } = this.controller;
    // A promise even where fn throws at once.
    void new Promise((resolve) => resolve(this.fn({ signal }))).then(
      (result) => {
        this.#result = result;
        this.done(note);
      },
      (error: unknown) => this.fail(note, error),
    );
  }

  value(): unknown {
    return this.#result;
  }
}

/** A call to a model whose whole answer is wanted. */
class LLMCall extends HostCall {
  readonly name: string = 'llm';
  protected answer: LLMAnswer | undefined;

  constructor(
    host: CallHost,
    owner: Owner,
    timeout: number | undefined,
    protected readonly request: LLMRequest,
  ) {
    super(host, owner, timeout);
  }

  start(attempt: number): void {
    const { provider, fetch } = this.host;
    const note = this.begin();
    if (provider.kind === 'simulated') {
      this.simulate(note, attempt, (request, n) => provider.answer(request, n));
      return;
    }
    this.controller = new AbortController();
    provider.complete(this.request, { signal: this.controller.signal, fetch }).then(
      (answer) => {
        this.answer = answer;
        this.done(note);
      },
      (error: unknown) => this.fail(note, error),
    );
  }

  value(aux: number): LLMResult {
    return this.result(aux);
  }

  result(attempts: number): LLMResult {
    const last = this.attempts.at(-1)!;
    const { startedAt } = last;
    const timings = { requestedAt: this.requestedAt, startedAt, completedAt: last.endedAt, attempts: this.attempts };
    return { ...this.answer!, attempts, timings };
  }

  protected simulate(note: AttemptNote, attempt: number, answer: (request: LLMRequest, n: number) => SimulatedAnswer): void {
    let simulated: SimulatedAnswer;
    try {
      simulated = answer(this.request, attempt);
    } catch (error) {
      this.fail(note, error);
      return;
    }
    const { latencyMs, error, ...rest } = simulated;
    note.endedAt = note.startedAt + this.simulatedLatency(latencyMs, error !== undefined, rest.text);
    let ok = 1;
    let retryable = 0;
    if (error === undefined) {
      this.answer = { text: rest.text, usage: rest.usage, finishReason: rest.finishReason, model: this.request.model ?? this.host.provider.model };
    } else {
      const failure = simulatedError(error);
      this.failed = failure;
      note.error = failure;
      ok = 0;
      retryable = isRetryable(failure) ? 1 : 0;
    }
    const opens = ok === 1 && this.opens ? 1 << 8 : 0;
    this.host.engine.event(EventType.callTakes, this.call, ok | opens, retryable, error?.retryAfter ?? -1, note.endedAt - note.startedAt);
  }

  protected readonly opens: boolean = false;

  protected simulatedLatency(latencyMs: number, _failed: boolean, _text: string): number {
    return latencyMs;
  }
}

/** Of a simulated answer's latency, what passes before its first chunk. */
const firstChunkShare = 0.3;

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
    this.#call.isRead = true;
    return this;
  }

  /** Waits for the next chunk. Errors of the call and the task's cancellation are thrown here. */
  next(): Promise<IteratorResult<LLMChunk, void>> {
    this.#call.isRead = true;
    return this.#call.next();
  }

  /** Closes the connection; the result is then a CancellationError. */
  return(): Promise<IteratorResult<LLMChunk, void>> {
    this.#call.leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The whole answer, once the stream ended. If nobody iterates, awaiting this reads the stream. */
  get result(): Promise<LLMResult> {
    return this.#call.wholeResult();
  }
}

class StreamCall extends LLMCall {
  override readonly name: string = 'llmStream';
  protected override readonly opens = true;
  isRead = false;
  #stream: ProviderStream | undefined;
  #first: string | undefined;
  #simulated: { pieces: string[]; at: number; gap: number } | undefined;
  #opening: Promise<unknown> | undefined;
  #openAttempts = 0;
  #over: { error: unknown } | { result: LLMResult } | undefined;
  #settleResult: { resolve: (result: LLMResult) => void; reject: (error: unknown) => void } | undefined;
  #resultPromise: Promise<LLMResult> | undefined;

  constructor(
    host: CallHost,
    owner: Owner,
    timeout: number | undefined,
    request: LLMRequest,
    private readonly shield: number,
  ) {
    super(host, owner, timeout, request);
  }

  /** The operation that ends when the first chunk is here. */
  opening(promise: Promise<unknown>): void {
    this.#opening = promise.then(
      (attempts) => {
        this.#openAttempts = attempts as number;
      },
      (error: unknown) => {
        this.#end({ error });
        throw error;
      },
    );
    // Who reads the stream hears of it; a stream that nobody reads is no news.
    this.#opening.catch(() => {});
  }

  override start(attempt: number): void {
    const { provider, fetch } = this.host;
    if (provider.kind === 'simulated') {
      super.start(attempt);
      return;
    }
    const note = this.begin();
    this.controller = new AbortController();
    const { controller } = this;
    const open = async (): Promise<void> => {
      const stream = await provider.stream(this.request, { signal: controller.signal, fetch });
      // A stream counts as open once it has said something: until then a failure is an attempt's.
      this.#first = await stream.next();
      this.#stream = stream;
    };
    open().then(
      () => this.host.engine.event(EventType.callOpened, this.call),
      (error: unknown) => this.fail(note, error),
    );
  }

  override value(aux: number): never {
    return aux as never;
  }

  protected override simulatedLatency(latencyMs: number, failed: boolean, text: string): number {
    if (failed) return latencyMs;
    const pieces = text.match(/\s*\S+/g) ?? [];
    this.#first = pieces[0];
    const rest = latencyMs * (1 - firstChunkShare);
    this.#simulated = { pieces, at: 1, gap: pieces.length > 1 ? rest / (pieces.length - 1) : 0 };
    return latencyMs * firstChunkShare;
  }

  async next(): Promise<IteratorResult<LLMChunk, void>> {
    if (this.#over !== undefined) {
      if ('error' in this.#over) throw this.#over.error;
      return { done: true, value: undefined };
    }
    await this.#opening;
    const { engine, operations } = this.host;
    let text = this.#first;
    if (text !== undefined && this.#failed() === undefined) {
      this.#first = undefined;
    } else if (this.#failed() !== undefined) {
      throw this.#failed()!.error;
    } else if (this.#ended()) {
      text = undefined;
    } else {
      const meaning = new ReadMeaning();
      const answer = engine.raw.hd_read(this.owner._fiber, this.call, 0, this.shield);
      try {
        // The kernel knows no such call any more when its task was cancelled.
        if (answer === Answer.refused) throw this.owner._interruption();
        text = await operations.begun<string | undefined>(answer, this.owner, meaning);
      } catch (error) {
        this.#end({ error });
        throw error;
      }
    }
    if (text !== undefined) return { done: false, value: { type: 'text', text } };
    this.finish();
    return { done: true, value: undefined };
  }

  #failed(): { error: unknown } | undefined {
    return this.#over !== undefined && 'error' in this.#over ? this.#over : undefined;
  }

  // An empty answer has ended when it opens.
  #ended(): boolean {
    return this.#simulated !== undefined ? this.#simulated.pieces.length === 0 : this.#stream === undefined;
  }

  /** The kernel wants the next chunk for an operation. */
  read(op: number): void {
    const { engine, operations } = this.host;
    const meaning = operations.meaning(op) as ReadMeaning | undefined;
    if (meaning === undefined) return;
    if (this.#simulated !== undefined) {
      const { pieces, at, gap } = this.#simulated;
      meaning.text = pieces[at];
      this.#simulated.at++;
      this.attempts.at(-1)!.endedAt += at < pieces.length ? gap : 0;
      engine.event(EventType.readTakes, op, 1, 0, 0, at < pieces.length ? gap : 0);
      return;
    }
    this.#stream!.next().then(
      (text) => {
        meaning.text = text;
        engine.event(EventType.readDone, op, 1);
      },
      (error: unknown) => {
        meaning.error = error;
        engine.event(EventType.readDone, op, 0);
        this.#closed();
      },
    );
  }

  /** The stream was read to its end. */
  finish(): void {
    if (this.#over !== undefined) return;
    this.answer ??= this.#stream?.answer();
    this.#closed();
    this.#end({ result: this.result(this.#openAttempts) });
  }

  leave(): void {
    if (this.#over !== undefined) return;
    const error = new CancellationError('llmStream: the stream was left before its end');
    this.#end({ error });
    this.abort(error);
    this.#closed();
  }

  override abort(reason: unknown): void {
    const opened = this.#stream !== undefined || this.#simulated !== undefined;
    super.abort(reason);
    this.#stream?.close();
    // An attempt that was not open says itself how it ended.
    if (opened && this.#over === undefined) {
      this.#end({ error: reason });
      this.#closed();
    }
  }

  wholeResult(): Promise<LLMResult> {
    this.#resultPromise ??= new Promise<LLMResult>((resolve, reject) => {
      this.#settleResult = { resolve, reject };
      if (this.#over !== undefined) this.#settle();
    });
    this.#resultPromise.catch(() => {});
    // Whoever means to iterate does so in this turn.
    queueMicrotask(() => {
      if (!this.isRead) void this.#readAll();
    });
    return this.#resultPromise;
  }

  async #readAll(): Promise<void> {
    this.isRead = true;
    try {
      while (!(await this.next()).done);
    } catch {
      // The result says it.
    }
  }

  #closed(): void {
    const last = this.attempts.at(-1);
    if (last !== undefined && this.#simulated === undefined) last.endedAt = this.host.now();
    if (this.call !== 0) this.host.engine.event(EventType.callClosed, this.call);
    this.call = 0;
    this.controller = undefined;
  }

  #end(over: { error: unknown } | { result: LLMResult }): void {
    this.#over ??= over;
    if (this.owner instanceof Outside) this.owner.end();
    this.#settle();
  }

  #settle(): void {
    if (this.#settleResult === undefined || this.#over === undefined) return;
    if ('result' in this.#over) this.#settleResult.resolve(this.#over.result);
    else this.#settleResult.reject(this.#over.error);
  }
}

class ReadMeaning implements Meaning {
  readonly name = 'llmStream';
  text: string | undefined;
  error: unknown;

  value(): unknown {
    return this.text;
  }

  failure(): unknown {
    return this.error;
  }
}

/** All calls of a runtime. */
export class Calls {
  readonly #host: CallHost;
  readonly #calls = new Map<number, HostCall>();
  // Told to abort before they were told to start.
  readonly #stillborn = new Set<number>();

  constructor(host: CallHost) {
    this.#host = host;
  }

  call(prompt: Prompt, options: LLMOptions | undefined, ctx: Context | undefined): Promise<LLMResult> {
    const { engine, operations } = this.#host;
    const caller = this.#host.caller(ctx);
    let request: LLMRequest;
    try {
      this.#host.open('llm');
      request = requestOf('llm', prompt, options);
      throwIfAborted('llm', options?.signal);
    } catch (error) {
      return operations.error(caller?._owner, error);
    }
    engine.tick();
    const owner = caller?._owner ?? new Outside(engine.raw, 'llm');
    const meaning = new LLMCall(this.#host, owner, options?.timeout, request);
    const answer = engine.raw.hd_call(owner._fiber, CallClass.llm, 0, options?.timeout ?? 0, caller?._shield ?? 0);
    return operations.begun(answer, owner, meaning, options?.signal);
  }

  stream(prompt: Prompt, options: LLMOptions | undefined, ctx: Context | undefined): LLMStream {
    const { engine, operations } = this.#host;
    this.#host.open('llmStream');
    const request = requestOf('llmStream', prompt, options);
    const caller = this.#host.caller(ctx);
    engine.tick();
    const owner = caller?._owner ?? new Outside(engine.raw, 'llmStream', true);
    const shield = caller?._shield ?? 0;
    const meaning = new StreamCall(this.#host, owner, options?.timeout, request, shield);
    const answer = engine.raw.hd_call(owner._fiber, CallClass.llm, 1, options?.timeout ?? 0, shield);
    meaning.opening(operations.begun(answer, owner, meaning, options?.signal));
    return new LLMStream(meaning);
  }

  other<T>(
    name: string,
    fn: (options: { signal: AbortSignal }) => PromiseLike<T> | T,
    options: { signal?: AbortSignal | undefined; timeout?: number | undefined } | undefined,
    ctx: Context | undefined,
  ): Promise<T> {
    const { engine, operations } = this.#host;
    const caller = this.#host.caller(ctx);
    try {
      this.#host.open('call');
      if (typeof name !== 'string' || name === '') throw new ArgumentError('call', 'the first argument must be a name, as a non-empty string');
      if (typeof fn !== 'function') throw new ArgumentError('call', `the second argument must be a function, got ${typeof fn}`);
      checkTimeout('call', options?.timeout);
      throwIfAborted('call', options?.signal);
    } catch (error) {
      return operations.error(caller?._owner, error);
    }
    engine.tick();
    const owner = caller?._owner ?? new Outside(engine.raw, 'call');
    const meaning = new OtherCall(this.#host, owner, options?.timeout, name, fn);
    const answer = engine.raw.hd_call(owner._fiber, CallClass.other, 0, options?.timeout ?? 0, caller?._shield ?? 0);
    return operations.begun(answer, owner, meaning, options?.signal);
  }

  // --- Commands ---

  start(call: number, op: number, attempt: number): void {
    const meaning = this.#host.operations.meaning(op);
    if (this.#stillborn.delete(call) || !(meaning instanceof HostCall)) {
      this.#host.engine.event(EventType.callClosed, call);
      return;
    }
    meaning.call = call;
    this.#calls.set(call, meaning);
    meaning.start(attempt);
  }

  read(op: number, call: number): void {
    (this.#calls.get(call) as StreamCall | undefined)?.read(op);
  }

  /** `forget`: the kernel has no such call any more, it was simulated. */
  abort(call: number, forget: boolean): void {
    const meaning = this.#calls.get(call);
    if (meaning?.call !== call) {
      if (!forget) this.#stillborn.add(call);
      return;
    }
    if (forget) this.#calls.delete(call);
    const { owner } = meaning;
    meaning.abort(owner._isInterrupted?.() ? owner._interruption() : new CancellationError(`${meaning.name} was cancelled`));
  }

  /** The runtime closes: connections that are still open go. */
  close(error: HeddleError): void {
    for (const call of this.#calls.values()) call.abort(error);
    this.#calls.clear();
  }
}

// --- Checks ---

function throwIfAborted(operation: string, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (!(signal instanceof AbortSignal)) throw new ArgumentError(operation, 'options.signal must be an AbortSignal');
  if (signal.aborted) throw new CancellationError(`${operation} was called with an aborted signal`, { cause: signal.reason });
}

export function checkTimeout(operation: string, timeout: unknown): void {
  if (timeout !== undefined && (typeof timeout !== 'number' || !(timeout >= 0))) {
    throw new ArgumentError(operation, `options.timeout must be a number of milliseconds, 0 or more, got ${String(timeout)}`);
  }
}

const optionNames = ['model', 'maxTokens', 'temperature', 'sample', 'signal', 'timeout', 'ctx'];

function requestOf(operation: string, prompt: unknown, options: LLMOptions | undefined): LLMRequest {
  const refuse = (text: string): never => {
    throw new ArgumentError(operation, text);
  };
  let messages: readonly LLMMessage[];
  if (typeof prompt === 'string') {
    messages = [{ role: 'user', content: prompt }];
  } else if (Array.isArray(prompt) && prompt.length > 0) {
    for (const [i, message] of (prompt as unknown[]).entries()) {
      const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
      if (typeof role !== 'string' || (typeof content !== 'string' && !Array.isArray(content))) {
        refuse(`message ${i} must have a role and a content (a string, or the provider's list of parts)`);
      }
    }
    messages = prompt as readonly LLMMessage[];
  } else {
    return refuse(`the prompt must be a string or a non-empty array of messages, got ${Array.isArray(prompt) ? 'an empty array' : typeof prompt}`);
  }
  if (options === undefined) return { messages };
  if (typeof options !== 'object' || options === null) refuse('the options must be an object');
  for (const key of Object.keys(options)) {
    if (!optionNames.includes(key)) refuse(`${key} is no option; there are ${optionNames.join(', ')}`);
  }
  const { model, maxTokens, temperature, sample, timeout } = options;
  if (model !== undefined && (typeof model !== 'string' || model === '')) refuse('options.model must be a non-empty string');
  if (maxTokens !== undefined && (!Number.isInteger(maxTokens) || maxTokens < 1)) refuse(`options.maxTokens must be a positive integer, got ${String(maxTokens)}`);
  if (temperature !== undefined && !Number.isFinite(temperature)) refuse(`options.temperature must be a number, got ${String(temperature)}`);
  if (sample !== undefined && !Number.isInteger(sample)) refuse(`options.sample must be an integer, got ${String(sample)}`);
  checkTimeout(operation, timeout);
  return { messages, model, maxTokens, temperature, sample };
}
