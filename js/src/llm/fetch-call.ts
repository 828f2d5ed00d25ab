/**
 * A request of the caller's own making, as the kernel's call: when it may be sent and whether it is sent again is the
 * kernel's decision, what it says and what comes back is between the caller and the server.
 *
 *   attempt of an LLM request -> a refusal (its body read, up to 64 KB) -> repeated, or handed over as the server's Response
 *                             -> lost                                   -> repeated, or an LLMError of kind transport
 *                             -> an answer, read whole                  -> done: the Response, its place free
 *                             -> a stream, read to its first token      -> opened: the Response; its place is held until
 *                                                                          the body was read, left or lost
 *   of any other request      -> what the host's fetch gives, untouched
 *
 * Invariant: each attempt has a fetch and a signal of its own; once the call is over no connection, listener or fiber of it
 * is left, and the caller's body is the server's, byte for byte.
 * Partners: `fetch.ts`, the door; `fetch-request.ts`, `fetch-head.ts`, `fetch-body.ts`, `fetch-response.ts`.
 */

import { onAbort } from '../cancellation.js';
import { LLMError, TimeoutError } from '../errors.js';
import type { RawExports } from '../engine/module.js';
import type { Meaning, Owner } from '../operations.js';
import { Outside } from '../outside.js';
import { CallOption, FailureFlag } from '../protocol.js';
import type { Attempt } from './attempt.js';
import { HostCall, type CallHost } from './call.js';
import { assumedStatus, complaintIn, complaintOf, describe, excerpt, failure, hostLimitOf, ratesOf, statusError, type Complaint } from './failure.js';
import { Body, type BodyEnd, type ByteReader, type Bytes } from './fetch-body.js';
import { readHead, TerminatorWatch } from './fetch-head.js';
import type { KeptRequest } from './fetch-request.js';
import { withBody, withHeader } from './fetch-response.js';
import type { FetchResult } from './fetch-result.js';
import { UsageReader } from './fetch-usage.js';
import type { LLMRateLimit, LLMUsage } from './provider.js';
import { redactor } from './redact.js';

// A refusal says what it has to say at its beginning.
const kLongestRefusal = 64 * 1024;
// A longer answer goes to the caller as it comes, and holds its place until it was read.
const kLongestWhole = 16 * 1024 * 1024;

const kUnknown: LLMUsage = { inputTokens: 0, outputTokens: 0, source: 'unknown' };

const ignore = (): void => {};

/**
 * A caller outside, whose fiber lasts until it has its answer and the body of that is over. Either may come first: a signal can
 * end the body while the answer is on its way, and a fiber that ended gets none. @internal
 */
export class FetchOutside extends Outside {
  #hasAnswer = false;
  #hasBody = false;

  constructor(raw: RawExports) {
    super(raw, 'fetch', true);
  }

  bodyBegins(): void {
    this.#hasBody = true;
  }

  bodyOver(): void {
    this.#hasBody = false;
    this.#endIfOver();
  }

  override _operationOver(): void {
    this.#hasAnswer = true;
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#hasAnswer && !this.#hasBody) this.end();
  }
}

/** A refusal, or a stream that failed before its first token: what the caller gets if it was the last attempt. */
interface Refusal {
  response: Response;
  head: Bytes[];
  /** The rest, where it is longer than what is worth reading. */
  reader: ByteReader | undefined;
}

/** @internal */
export class FetchCall extends HostCall {
  readonly name = 'fetch';
  #op = 0;
  #response: Response | undefined;
  #refusal: Refusal | undefined;
  #open: { attempt: Attempt; body: Body } | undefined;
  #told: { usage: LLMUsage; model: string } | undefined; // by the answer, of its cost
  #status: number | undefined;
  #reported = false;
  #cancelled: { reason: unknown } | undefined;
  readonly #stops: (() => void)[] = [];

  constructor(
    host: CallHost,
    owner: Owner,
    timeout: number | undefined,
    private readonly request: KeptRequest,
    private readonly report: ((result: FetchResult) => void) | undefined,
  ) {
    super(host, owner, timeout);
  }

  /** Tells the kernel what belongs to the next hd_call. */
  tell(tenant: string | undefined, timeToFirstToken: number | undefined): void {
    const { host, owner, request } = this;
    const { engine, provider, routes } = host;
    if (!request.isLLM) {
      if (routes.limitsFetches) routes.tellPlainFetch();
      return;
    }
    if (timeToFirstToken !== undefined && timeToFirstToken > 0) engine.raw.hd_call_option(CallOption.firstToken, timeToFirstToken);
    if (request.isOnce) engine.raw.hd_call_option(CallOption.once, 1);
    if (!routes.limitsModels) return;
    const { model, inputTokens, outputTokens } = request.cost(routes.tokenizer);
    const told = routes.tellFetch(request.endpoint(), model, inputTokens, outputTokens, () => tenant ?? owner._tenant?.());
    this.plan = [{ provider, model, ...told, inputTokens: told.tokens === 0 ? 0 : inputTokens }];
  }

  /** Takes the kernel's answer to the operation; gives what the caller waits for. */
  open(answer: number): Promise<Response> {
    this.#op = answer;
    const { signals } = this.request;
    const promise = this.host.operations.begun<Response>(answer, this.owner, this);
    for (const signal of signals) this.#stops.push(onAbort(signal, () => this.cancel(signal.reason)));
    if (signals.length > 0 || this.report !== undefined || this.request.isOnce) {
      const settled = (error?: unknown): void => {
        if (this.notes.length === 0) this.request.drop(error);
        if (this.#open === undefined) this.#finish(error);
      };
      promise.then(() => settled(), settled);
    }
    return promise;
  }

  // --- The operation's result ---

  value(): unknown {
    const response = this.#response;
    // The call must not keep alive what its caller drops.
    this.#response = undefined;
    if (this.#open?.body.isOver === false) this.#limitBody();
    return response;
  }

  get failureIsValue(): boolean {
    return this.#response !== undefined;
  }

  /** After the last attempt the server's own words are worth more than an error of ours. */
  override failure(code: number, attempts: number): unknown {
    const error = super.failure(code, attempts);
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal === undefined) return error;
    const { response, head, reader } = refusal;
    this.#status = response.status;
    const body = reader === undefined ? joined(head) : new Body(head, reader, (how, reason) => void (how === 'left' && reader.cancel(reason).catch(ignore)));
    // The official clients must not begin anew what was repeated often enough.
    this.#response = withHeader(withBody(response, body), 'x-should-retry', 'false');
    return this.#response;
  }

  /** Ends it, wherever it stands: who waits for it, or reads its body, gets the reason. */
  cancel(reason: unknown): void {
    const { engine, operations } = this.host;
    this.#cancelled ??= { reason };
    const isDropped = operations.meaning(this.#op) === this && engine.raw.hd_abort_op(this.#op) !== 0;
    if (!isDropped) this.#open?.body.fail(reason);
    engine.drainEffects();
    engine.wake();
  }

  aborted(): unknown {
    return this.#cancelled?.reason;
  }

  // --- Attempts ---

  start(attempt: Attempt): void {
    this.#dropRefusal();
    if (this.request.isLLM) {
      this.owner._usedLLM?.(1, 0, 0);
      void this.#ask(attempt);
    } else {
      void this.#pass(attempt);
    }
  }

  override abort(attempt: Attempt, reason: unknown): void {
    super.abort(attempt, reason);
    if (this.#open?.attempt === attempt) this.#open.body.fail(reason);
  }

  async #send(attempt: Attempt): Promise<Response> {
    if (this.request.ready !== undefined) await this.request.ready;
    // A browser's own fetch may be called on the window or on nothing.
    const { fetch } = this.host;
    const response = await fetch(...this.request.argumentsFor(attempt.signal));
    if (!attempt.wasCut) return response;
    // A fetch that does not know signals.
    void response.body?.cancel?.().catch(ignore);
    throw attempt.signal.reason;
  }

  async #pass(attempt: Attempt): Promise<void> {
    try {
      const response = await this.#send(attempt);
      this.#response = response;
      this.#status = response.status;
      this.#follow(attempt, response);
      this.done(attempt);
    } catch (error) {
      this.fail(attempt, attempt.wasCut ? attempt.signal.reason : error);
    }
  }

  async #ask(attempt: Attempt): Promise<void> {
    try {
      const response = await this.#send(attempt);
      const { status, body } = response;
      if (status >= 400) await this.#refused(attempt, response);
      else if (body === null || typeof body?.getReader !== 'function') this.#answered(attempt, response, undefined, undefined);
      else await this.#read(attempt, response);
    } catch (error) {
      this.fail(attempt, attempt.wasCut ? attempt.signal.reason : this.#lost(error));
    }
  }

  async #read(attempt: Attempt, response: Response): Promise<void> {
    const type = response.headers.get('content-type') ?? '';
    // Only for who wants to know: it means to parse the answer.
    const isCounted = this.report !== undefined || this.owner._usedLLM !== undefined || this.host.routes.countsTokens;
    const usage = isCounted ? new UsageReader(type) : undefined;
    const head: Bytes[] = [];
    const reader = response.body!.getReader();
    // Some servers send their events under another name.
    if (type.includes('text/event-stream') || (!/json/i.test(type) && this.request.hasTerminator && this.request.asksForStream)) {
      const verdict = await readHead(reader, head);
      if (verdict === 'answers' || (verdict === 'cut' && !this.request.hasTerminator)) {
        const watch = this.request.hasTerminator ? new TerminatorWatch() : undefined;
        this.#opened(attempt, response, head, reader, usage, watch);
      } else if (verdict === 'garbage') {
        this.#opened(attempt, response, head, reader, usage, 'garbage');
      } else {
        this.#refusal = { response, head, reader };
        this.fail(attempt, verdict === 'cut' ? this.#lost(new Error('the stream ended before its first token')) : this.#complained(response, verdict.complaint));
      }
      return;
    }
    if (isStreamed(type) || !(await readUpTo(reader, head, kLongestWhole))) {
      this.#opened(attempt, response, head, reader, usage, undefined);
      return;
    }
    const bytes = joined(head);
    const complaint = complaintInside(bytes);
    if (complaint === undefined) {
      this.#answered(attempt, response, bytes, usage);
      return;
    }
    this.#refusal = { response, head: [bytes], reader: undefined };
    this.fail(attempt, this.#complained(response, complaint));
  }

  #answered(attempt: Attempt, response: Response, bytes: Bytes | undefined, usage: UsageReader | undefined): void {
    if (bytes !== undefined) usage?.feed(bytes);
    this.#note(attempt, usage, this.#ratesOf(response));
    if (this.winner === undefined) {
      this.#status = response.status;
      this.#response = bytes === undefined ? response : withBody(response, bytes);
    }
    this.done(attempt);
  }

  #opened(attempt: Attempt, response: Response, head: Bytes[], reader: ByteReader, usage: UsageReader | undefined, end: TerminatorWatch | 'garbage' | undefined): void {
    if (this.winner !== undefined) attempt.cut(new Error('another attempt won'));
    // Its first bytes and its end may come together; a fetch need not know signals.
    if (attempt.wasCut) {
      reader.cancel(attempt.signal.reason).catch(ignore);
      this.fail(attempt, attempt.signal.reason);
      return;
    }
    const rates = this.#ratesOf(response);
    const over = (how: BodyEnd, reason: unknown): void => {
      this.#note(attempt, usage, rates);
      this.#bodyOver(attempt, reader, how, reason);
    };
    const watch = end === 'garbage' ? undefined : end;
    // These functions must not hold the Response: what its caller drops is to be collected.
    const { status } = response;
    const seen = (bytes: Bytes): void => {
      usage?.feed(bytes);
      watch?.feed(bytes);
    };
    // Clients take an empty stream, or half of one, for an answer: what is none must not end as one does.
    const flaw = (): unknown => {
      if (end === 'garbage') return failure(this.#where(), 'protocol', 'the answer to a streaming request is no event stream', { status });
      return watch?.isTerminated === false ? failure(this.#where(), 'transport', 'the stream ended before its terminator') : undefined;
    };
    const body = new Body(head, reader, over, seen, flaw);
    this.#open = { attempt, body };
    if (this.owner instanceof FetchOutside) this.owner.bodyBegins();
    this.#status = status;
    this.#response = withBody(response, body);
    this.opened(attempt);
  }

  async #refused(attempt: Attempt, response: Response): Promise<void> {
    const refusal: Refusal = { response, head: [], reader: undefined };
    let text = '';
    const reader = typeof response.body?.getReader === 'function' ? response.body.getReader() : undefined;
    if (reader !== undefined) {
      try {
        if (!(await readUpTo(reader, refusal.head, kLongestRefusal))) refusal.reader = reader;
      } catch (error) {
        // The status alone is worth more than the loss of its explanation.
        if (attempt.wasCut) throw error;
      }
      text = decoder.decode(joined(refusal.head));
    }
    let said: Complaint | undefined;
    try {
      said = complaintOf(JSON.parse(text));
    } catch {
      said = undefined;
    }
    this.#refusal = refusal;
    this.fail(attempt, this.#refusedWith(response, said ?? { message: text }));
  }

  // What the answer said of its cost, as far as it was read.
  #note(attempt: Attempt, usage: UsageReader | undefined, rates: readonly LLMRateLimit[] | undefined): void {
    if (usage === undefined && rates === undefined) return;
    const { usage: used = kUnknown, model = '' } = usage?.end() ?? {};
    attempt.answer = { text: '', usage: used, finishReason: '', model, rates };
    if (this.winner === undefined || this.winner === attempt) this.#told = { usage: used, model };
  }

  #ratesOf({ headers }: Response): readonly LLMRateLimit[] | undefined {
    return this.host.routes.countsTokens ? ratesOf(headers) : undefined;
  }

  // --- Errors ---

  #complained(response: Response, said: Complaint): LLMError {
    const clean = this.#clean(said);
    return statusError(this.#where(), assumedStatus(clean), clean, { requestId: this.#requestId(response), rates: ratesOf(response.headers), inBand: true });
  }

  #refusedWith(response: Response, said: Complaint): LLMError {
    return statusError(this.#where(), response.status, this.#clean(said), { headers: response.headers, requestId: this.#requestId(response) });
  }

  #clean(said: Complaint): Complaint {
    const redact = this.#redact();
    const clean = <T>(text: T): T | string => (typeof text === 'string' ? excerpt(text, redact) : text);
    const { message, code, type, inner, requestId } = said;
    return { ...said, message: clean(message), code: clean(code), type: clean(type), inner: clean(inner), requestId: clean(requestId) };
  }

  #requestId({ headers }: Response): string | undefined {
    const id = headers.get('request-id') ?? headers.get('x-request-id');
    return id === null ? undefined : excerpt(id, this.#redact());
  }

  // What fetch() refuses is the caller's mistake, not the network's.
  #lost(error: unknown): unknown {
    const problem = error instanceof TypeError ? this.request.problem() : undefined;
    if (problem !== undefined) return error;
    const limit = hostLimitOf(error);
    const text = limit ?? `the connection was lost: ${excerpt(describe(error), this.#redact())}`;
    return failure(this.#where(), limit === undefined ? 'transport' : 'timeout', text, { cause: error });
  }

  #where(): string {
    try {
      return `fetch ${new URL(this.request.url).host}`;
    } catch {
      return 'fetch';
    }
  }

  #redact(): (text: string) => string {
    return redactor(this.request.secrets());
  }

  protected override failed(attempt: Attempt, error: unknown): number {
    const flags = super.failed(attempt, error);
    return (flags & FailureFlag.retryable) === 0 || this.request.mayRepeat() ? flags : flags & ~FailureFlag.retryable;
  }

  // --- The end ---

  #bodyOver(attempt: Attempt, reader: ByteReader, how: BodyEnd, reason: unknown): void {
    const wasCut = how === 'left' || how === 'failed';
    if (wasCut) {
      attempt.cut(reason);
      // Where the fetch in use does not know signals.
      reader.cancel(reason).catch(ignore);
    }
    attempt.note.endedAt = this.host.now();
    this.closed(attempt, wasCut, how === 'lost' ? this.#lost(reason) : undefined);
    if (this.owner instanceof FetchOutside) this.owner.bodyOver();
    this.#finish(how === 'read' ? undefined : reason);
  }

  #dropRefusal(): void {
    this.#refusal?.reader?.cancel().catch(ignore);
    this.#refusal = undefined;
  }

  #finish(error: unknown): void {
    for (const stop of this.#stops) stop();
    this.#stops.length = 0;
    this.#dropRefusal();
    if (this.report === undefined || this.#reported || !this.request.isLLM) return;
    this.#reported = true;
    const { usage, model } = this.#told ?? { usage: kUnknown, model: '' };
    const { requestedAt, notes } = this;
    const timings = { requestedAt, startedAt: notes.at(-1)?.startedAt ?? requestedAt, completedAt: this.host.now(), attempts: notes };
    const result: FetchResult = { url: this.request.url, status: this.#status, attempts: notes.length, usage, model: model === '' ? undefined : model, timings };
    if (error !== undefined) result.error = error;
    try {
      this.report(result);
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  // What is left of the time, for the body: a delay of nobody's, so that it is the runtime's clock that counts.
  #limitBody(): void {
    const { timeout } = this;
    if (timeout === undefined || timeout === 0) return;
    const { engine, operations } = this.host;
    const watch = new Outside(engine.raw, this.name);
    const meaning: Meaning = { name: this.name, value: ignore, failure: ignore };
    engine.tick();
    const op = engine.raw.hd_delay(watch._fiber, Math.max(0, timeout - (this.host.now() - this.requestedAt)), 0);
    operations.begun(op, watch, meaning).then(() => {
      const text = `fetch took longer than its timeout of ${timeout} ms, the reading of its body included`;
      this.#open?.body.fail(new TimeoutError(text, { limit: 'operation', scope: this.name, ms: timeout }));
    }, ignore);
    this.#stops.push(() => {
      if (operations.meaning(op) === meaning) engine.raw.hd_abort_op(op);
    });
  }

  // The body of a plain request is the host's; only the caller's signal still ends it, as fetch has it.
  #follow(attempt: Attempt, response: Response): void {
    const { signals } = this.request;
    if (signals.length === 0 || response.body === null || response.body === undefined) return;
    const stops = signals.map((signal) => onAbort(signal, () => attempt.cut(signal.reason)));
    unfollow.register(response.body, () => stops.forEach((stop) => stop()));
  }
}

// A body that nobody can reach any more needs no signal.
const unfollow = new FinalizationRegistry<() => void>((stop) => stop());

const decoder = new TextDecoder();

/** Media types whose answers come piece by piece. */
function isStreamed(type: string): boolean {
  return /ndjson|jsonl|json-lines|json-seq|stream/i.test(type);
}

/** Reads the whole body into `parts`; false where it has more than `limit` bytes, and more is to come. */
async function readUpTo(reader: ByteReader, parts: Bytes[], limit: number): Promise<boolean> {
  for (let length = 0; length <= limit;) {
    const { done, value } = await reader.read();
    if (done) return true;
    parts.push(value);
    length += value.length;
  }
  return false;
}

// An error's body says so in its first field or two; a whole answer need not be parsed for it.
const kStatedWithin = 512;

/** What an answer complains of although its status is good; undefined for a right one. */
function complaintInside(bytes: Bytes): Complaint | undefined {
  if (!/"error"\s*:\s*["{]|"type"\s*:\s*"error"/.test(decoder.decode(bytes.subarray(0, kStatedWithin)))) return undefined;
  try {
    return complaintIn(JSON.parse(decoder.decode(bytes)));
  } catch {
    return undefined;
  }
}

function joined(parts: readonly Bytes[]): Bytes {
  if (parts.length === 1) return parts[0]!;
  let length = 0;
  for (const part of parts) length += part.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
