/**
 * A call whose answer comes piece by piece.
 *
 *   opening -> open -> over
 *      ^--------'
 *
 * opening: an operation of the kernel's, with attempts and waits as for any call; it ends with the first piece, so that
 * until then a failure is an attempt's. open: each piece is read when somebody wants it, by an operation of its own; the
 * call holds its place. A stream that breaks is over, or opens again where its caller chose `restart` and the error is one
 * that is retried. over: read to the end, left by its reader, failed, cancelled, out of time.
 *
 * Invariant: once it is over, no operation, connection, listener or timer of it is left, or is told to end in that turn;
 * what ended it is what every later next() and the result say.
 * Partners: `llm-stream.ts`, what the user holds; `call.ts`; `provider.ts`, the connection.
 */

import { onAbort } from '../cancellation.js';
import { CancellationError, LLMError, TimeoutError } from '../errors.js';
import { Outside } from '../outside.js';
import type { Meaning, Owner } from '../operations.js';
import { EventType } from '../protocol.js';
import type { Attempt } from './attempt.js';
import { afterCut, type CallHost } from './call.js';
import { failure } from './failure.js';
import { LLMCall, type CallSpec } from './llm-call.js';
import type { LiveProvider, LLMAnswer, ProviderStream } from './provider.js';
import type { LLMChunk, LLMResult } from './result.js';
import { isRetryable } from './retry.js';
import { estimateTokens } from './usage.js';

type End = { result: LLMResult } | { error: unknown } | 'left';

/** Of a simulated answer's latency, what passes before its first piece. */
const firstPieceShare = 0.3;

const ignore = (): void => {};

/** @internal */
export class StreamCall extends LLMCall {
  override readonly name: string = 'llmStream';
  protected override readonly opens = true;
  /** Somebody iterates, at a pace of its own. */
  isIterated = false;
  #opening = 0; // the operation
  #opened: Promise<void> = Promise.resolve();
  #openAttempts = 0;
  // What attempts that opened give; the one that is read.
  readonly #sources = new Map<Attempt, Source>();
  #source: Source | undefined;
  readonly #ahead: LLMChunk[] = []; // read, and not yet taken by next()
  #pulling: Promise<void> | undefined;
  #read: { op: number; meaning: ReadMeaning } | undefined;
  #turn: Promise<unknown> | undefined; // of the last next()
  #over: End | undefined;
  #resultPromise: Promise<LLMResult> | undefined;
  #settleResult: { resolve: (result: LLMResult | Promise<LLMResult>) => void; reject: (error: unknown) => void } | undefined;
  readonly #stops: (() => void)[] = [];

  constructor(
    host: CallHost,
    owner: Owner,
    spec: CallSpec,
    private readonly shield: () => number,
  ) {
    // Its time limits reading, too: see #limit.
    super(host, owner, { ...spec, timeout: undefined });
  }

  /** Takes the kernel's answer to the opening operation. */
  open(answer: number, signal: AbortSignal | undefined, timeout: number | undefined): void {
    this.#waitUntilOpen(answer);
    if (timeout !== undefined && timeout > 0) this.#limit(timeout);
    if (signal === undefined) return;
    const stop = onAbort(signal, (reason, cause) => {
      this.#end({ error: new CancellationError(`llmStream was aborted by its signal: ${reason}`, { reason, cause }) });
    });
    if (this.#over === undefined) this.#stops.push(stop);
  }

  #waitUntilOpen(answer: number): void {
    this.#opening = answer;
    this.#opened = this.host.operations.begun<number>(answer, this.owner, this).then(
      (attempts) => {
        this.#opening = 0;
        this.#openAttempts = attempts;
        // Undefined where it was dropped on the way here.
        const { winner } = this;
        const source = winner === undefined ? undefined : this.#sources.get(winner);
        this.#source = source;
        if (source?.first !== undefined) this.#push(source.first);
        else if (source !== undefined) source.isAtEnd = true;
        this.#release();
      },
      (error: unknown) => {
        this.#opening = 0;
        this.#end({ error });
        this.#release();
      },
    );
  }

  #push(text: string): void {
    this.#source!.given += text;
    this.#ahead.push({ type: 'text', text });
  }

  // --- Reading ---

  next(): Promise<IteratorResult<LLMChunk, void>> {
    const take = (): Promise<IteratorResult<LLMChunk, void>> => this.#take();
    const turn = this.#turn === undefined ? take() : this.#turn.then(take, take);
    const over = (): void => {
      if (this.#turn === turn) this.#turn = undefined;
    };
    this.#turn = turn;
    turn.then(over, over);
    return turn;
  }

  /** The reader has enough. */
  leave(): void {
    this.#end('left');
  }

  wholeResult(): Promise<LLMResult> {
    if (this.#resultPromise === undefined) {
      this.#resultPromise = new Promise<LLMResult>((resolve, reject) => {
        this.#settleResult = { resolve, reject };
      });
      // Who reads the stream hears of it.
      this.#resultPromise.catch(ignore);
      this.#settle();
    }
    // Who means to iterate begins in this turn.
    queueMicrotask(() => {
      if (!this.isIterated) void this.#pullAll();
    });
    return this.#resultPromise;
  }

  async #take(): Promise<IteratorResult<LLMChunk, void>> {
    for (;;) {
      const over = this.#over;
      if (over === 'left') return { done: true, value: undefined };
      if (over !== undefined && 'error' in over) throw over.error;
      const chunk = this.#ahead.shift();
      if (chunk !== undefined) return { done: false, value: chunk };
      if (over !== undefined) return { done: true, value: undefined };
      await this.#pull();
    }
  }

  async #pullAll(): Promise<void> {
    while (this.#over === undefined) await this.#pull();
  }

  // One piece more in #ahead, or the end. Never rejects.
  #pull(): Promise<void> {
    this.#pulling ??= this.#pullOne().finally(() => {
      this.#pulling = undefined;
    });
    return this.#pulling;
  }

  async #pullOne(): Promise<void> {
    if (this.#opening !== 0) {
      await this.#opened;
      if (this.#ahead.length > 0) return;
    }
    if (this.#over !== undefined) return;
    const source = this.#source!;
    if (source.isAtEnd) {
      this.#finish(source);
      return;
    }
    const { engine, operations } = this.host;
    const { stallTimeout = 0 } = this.spec;
    const meaning = new ReadMeaning();
    const op = engine.raw.hd_read(this.owner._fiber, source.attempt.id, stallTimeout, this.shield());
    if (op <= 0) {
      // Its owner was cancelled, or is over; the kernel's word about the call may already be there.
      engine.drainEffects();
      this.#end({ error: this.owner._interruption() });
      return;
    }
    this.#read = { op, meaning };
    try {
      const text = await operations.begun<string | undefined>(op, this.owner, meaning);
      this.#read = undefined;
      if (text !== undefined) this.#push(text);
      else this.#finish(source);
    } catch (error) {
      this.#read = undefined;
      await this.#broken(source, error instanceof TimeoutError && error.limit === 'operation' && error !== meaning.error ? this.#stalled() : error);
    }
    this.#release();
  }

  // --- Breaking ---

  #stalled(): LLMError {
    const error = failure(this.spec.request.model ?? this.name, 'timeout', `nothing came within stallTimeout = ${this.spec.stallTimeout} ms`);
    error.attempts = this.#openAttempts;
    return error;
  }

  // The stream failed after its first piece: the end, or all of it again.
  async #broken(source: Source, error: unknown): Promise<void> {
    const { attempt } = source;
    const restarts = this.spec.afterFirstToken === 'restart' && error instanceof LLMError && isRetryable(error);
    if (this.#over !== undefined || !restarts) {
      this.#end({ error });
      return;
    }
    attempt.note.error = error;
    attempt.note.endedAt = this.host.now();
    attempt.isDropped = true;
    attempt.cut(error);
    source.stream?.close();
    // The kernel hears of the end of the connection when the server has. Where there is none, no time may pass.
    if (source.stream !== undefined) await new Promise<void>((resolve) => afterCut(resolve));
    if (this.#over !== undefined || attempt.id === 0) return;
    const { engine } = this.host;
    const flags = this.failed(attempt, error);
    this.tellUsed(attempt, this.tokensOf(attempt));
    const op = engine.raw.hd_reopen(this.owner._fiber, attempt.id, this.retryAfterOf(error), this.shield(), flags);
    if (op <= 0) {
      // Its end still has to be told.
      engine.drainEffects();
      this.#end({ error: this.owner._interruption() });
      return;
    }
    this.#sources.delete(attempt);
    this.#source = undefined;
    this.lastWord(attempt);
    this.#ahead.push({ type: 'restart' });
    this.#waitUntilOpen(op);
    // The word that it begins anew is given when it does.
    await this.#opened;
  }

  // What was sent, and what of the answer came before it was left.
  protected override tokensOf(attempt: Attempt): number {
    const given = this.#sources.get(attempt)?.given;
    if (attempt.answer !== undefined && (given === undefined || attempt.isRead)) return super.tokensOf(attempt);
    return attempt.route.inputTokens + estimateTokens(given ?? '');
  }

  // --- The kernel's words ---

  override value(attempts: number): unknown {
    return attempts;
  }

  /** The next piece is wanted, for operation `op`. */
  read(op: number): void {
    const { engine, operations } = this.host;
    const meaning = operations.meaning(op);
    if (!(meaning instanceof ReadMeaning)) return;
    const source = this.#source!;
    if (source.stream === undefined) {
      const { gap, attempt } = source;
      meaning.text = source.nextPiece();
      attempt.note.endedAt += gap;
      engine.tick();
      engine.event(EventType.readTakes, op, 1, 0, 0, gap);
      return;
    }
    // Where the operation ended meanwhile, its number may stand for another one.
    const tell = (ok: number): void => {
      if (operations.meaning(op) === meaning) engine.event(EventType.readDone, op, ok);
    };
    source.stream.next().then(
      (text) => {
        meaning.text = text;
        tell(1);
      },
      (error: unknown) => {
        meaning.error = this.typed(source.attempt.route.provider, error);
        if (meaning.error instanceof LLMError) meaning.error.attempts = this.#openAttempts;
        tell(0);
      },
    );
  }

  /** Nobody waits for it any more. */
  override abort(attempt: Attempt, reason: unknown): void {
    // One of two attempts that lost: the other goes on.
    if (this.winner === undefined || this.winner === attempt) this.#end({ error: this.owner instanceof Outside ? this.owner._interruption() : reason }, true);
    this.#hangUp(attempt, reason);
  }

  // --- Attempts ---

  protected override ask(provider: LiveProvider, attempt: Attempt): void {
    const options = this.attemptOptions(attempt);
    if (this.spec.timeToFirstToken !== undefined || this.spec.stallTimeout !== undefined) options.onProgress = () => this.#progressed(attempt);
    const opened = async (): Promise<Source> => {
      const stream = await provider.stream(this.requestOf(attempt), options);
      return new Source(attempt, await stream.next(), stream);
    };
    opened().then(
      (source) => {
        if (options.signal.aborted) {
          source.stream!.close();
          this.fail(attempt, options.signal.reason);
          return;
        }
        this.#sources.set(attempt, source);
        this.opened(attempt);
      },
      (error: unknown) => this.fail(attempt, this.typed(provider, error)),
    );
  }

  // Something came that is no text: neither the first word nor the next one is late.
  #progressed(attempt: Attempt): void {
    const { engine, operations } = this.host;
    const { stallTimeout = 0 } = this.spec;
    if (this.#source === undefined) {
      if (attempt.id !== 0) engine.event(EventType.progress, attempt.id, 0, 0, stallTimeout);
    } else if (this.#read !== undefined && operations.meaning(this.#read.op) === this.#read.meaning) {
      engine.event(EventType.readProgress, this.#read.op, 0, 0, stallTimeout);
    }
  }

  protected override untilAnswered(attempt: Attempt, text: string, latencyMs: number): number {
    const pieces = text.match(/\s*\S+|\s+$/g) ?? [];
    const source = new Source(attempt, pieces[0]);
    this.#sources.set(attempt, source);
    if (pieces.length < 2) {
      source.isAtEnd = true;
      return latencyMs;
    }
    const untilFirst = latencyMs * firstPieceShare;
    source.simulate(pieces, (latencyMs - untilFirst) / (pieces.length - 1));
    return untilFirst;
  }

  // --- The end ---

  #finish({ attempt, stream }: Source): void {
    let answer: LLMAnswer;
    try {
      answer = attempt.answer ?? stream!.answer();
    } catch (error) {
      this.#end({ error: this.typed(attempt.route.provider, error) });
      return;
    }
    attempt.answer = answer;
    attempt.isRead = true;
    this.host.routes.report(attempt.route.gates, answer.rates);
    this.#closed(attempt);
    this.#end({ result: this.result(this.#openAttempts) });
  }

  /** `dropped`: the kernel has let go of the call and says so. */
  #end(over: End, dropped = false): void {
    if (this.#over !== undefined) return;
    this.#over = over;
    for (const stop of this.#stops) stop();
    const { engine, operations } = this.host;
    if (!dropped && !this.#abortOpening()) {
      const reason = typeof over === 'object' && 'error' in over ? over.error : undefined;
      for (const attempt of this.#sources.keys()) this.#hangUp(attempt, reason);
    }
    if (this.#read !== undefined && operations.meaning(this.#read.op) === this.#read.meaning) engine.raw.hd_abort_op(this.#read.op);
    engine.drainEffects();
    engine.wake();
    this.#release();
    this.#settle();
  }

  // Wherever the call stands, in the queue, in flight or between two attempts, the kernel drops it. False: it is open.
  #abortOpening(): boolean {
    const { engine, operations } = this.host;
    return this.#opening > 0 && operations.meaning(this.#opening) === this && engine.raw.hd_abort_op(this.#opening) !== 0;
  }

  // An attempt that is not open says itself how it ended.
  #hangUp(attempt: Attempt, reason: unknown): void {
    if (attempt.id === 0) return;
    attempt.cut(reason);
    const source = this.#sources.get(attempt);
    if (source === undefined) return;
    source.stream?.close();
    this.#closed(attempt, reason);
  }

  #closed(attempt: Attempt, error?: unknown): void {
    if (attempt.id === 0) return;
    const { stream } = this.#sources.get(attempt)!;
    if (stream !== undefined) attempt.note.endedAt = this.host.now();
    this.closed(attempt, stream !== undefined && attempt.answer === undefined, error);
  }

  // An outside caller's fiber lasts as long as the stream and its operations.
  #release(): void {
    if (this.owner instanceof Outside && this.#over !== undefined && this.#opening === 0 && this.#read === undefined) this.owner.end();
  }

  #settle(): void {
    if (this.#settleResult === undefined || this.#over === undefined) return;
    const { resolve, reject } = this.#settleResult;
    if (this.#over === 'left') reject(new CancellationError('llmStream: the stream was left before its end'));
    else if ('error' in this.#over) reject(this.#over.error);
    else resolve(this.#formed(this.#over.result));
  }

  // The form is checked for who asks for the result; what was streamed cannot be repaired.
  #formed(result: LLMResult): LLMResult | Promise<LLMResult> {
    const { format } = this.spec;
    if (format === undefined) return result;
    return Promise.resolve(format.check(result)).then((checked) => {
      if ('error' in checked) throw checked.error;
      return { ...result, value: checked.value };
    });
  }

  // A delay of nobody's, so that it is the runtime's clock that counts, and also while nobody reads.
  #limit(ms: number): void {
    const { engine, operations } = this.host;
    const watch = new Outside(engine.raw, this.name);
    const meaning: Meaning = { name: this.name, value: ignore, failure: ignore };
    const op = engine.raw.hd_delay(watch._fiber, ms, 0);
    operations.begun(op, watch, meaning).then(() => {
      const text = `llmStream took longer than its timeout of ${ms} ms`;
      this.#end({ error: new TimeoutError(text, { limit: 'operation', scope: this.name, ms }) });
    }, ignore);
    this.#stops.push(() => {
      if (operations.meaning(op) === meaning) engine.raw.hd_abort_op(op);
    });
  }
}

/** An open attempt: what comes of it, and from where. */
class Source {
  isAtEnd = false;
  /** All text that came. */
  given = '';
  /** Of a simulated answer: milliseconds between two pieces. */
  gap = 0;
  #pieces: string[] = [];
  #at = 1;

  constructor(
    readonly attempt: Attempt,
    readonly first: string | undefined,
    readonly stream?: ProviderStream,
  ) {}

  simulate(pieces: string[], gap: number): void {
    this.#pieces = pieces;
    this.gap = gap;
  }

  nextPiece(): string | undefined {
    const piece = this.#pieces[this.#at++];
    this.isAtEnd = this.#at >= this.#pieces.length;
    return piece;
  }
}

/** One piece, on its way. */
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
