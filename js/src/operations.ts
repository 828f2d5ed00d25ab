/**
 * Operations that wait: from the kernel's answer to a promise, or to a generator's next step, and back.
 *
 * Every operation goes the same way: ask the kernel (an export call), and take its answer to `begun()`. A positive answer is
 * the operation's id; its result comes with resume(). Ids are small and reused, so what belongs to one is in arrays.
 */

import { onAbort } from './cancellation.js';
import type { Engine } from './engine/engine.js';
import { ArgumentError, CancellationError, TimeoutError } from './errors.js';
import { Answer, OpCode } from './protocol.js';

/** Who waits: a task, a scope's body, or a caller outside. */
export interface Owner {
  /** The fiber's id; 0 once it is over. */
  readonly _fiber: number;
  /** Why its operations raise; asked only when the kernel says that they do. */
  _interruption(): unknown;
  /** Whether it was cancelled or ran out of time. */
  _isInterrupted?(): boolean;
  /** The nearest fairness key given to it or above it. */
  _tenant?(): string | undefined;
  /** Counts requests and tokens of its calls to models. */
  _usedLLM?(attempts: number, inputTokens: number, outputTokens: number): void;
  /** Its operation is over, result delivered or not. */
  _operationOver?(): void;
}

/** What an operation's result means. */
export interface Meaning {
  /** For messages: `await`, `llm`. */
  readonly name: string;
  /** The operation's own timeout, where it has one. */
  readonly timeout?: number | undefined;
  /** The value; may throw. `index`: which of several cases it was, for operations on objects. */
  value(aux: number, index: number, owner: Owner): unknown;
  /** The error, where the operation failed by itself. */
  failure(code: number, aux: number, index: number): unknown;
  /** The value that it ends well with when its timeout passes. */
  timedOut?(): unknown;
  /** `failure` gave, or gives, a value that the operation ends well with. */
  readonly failureIsValue?: boolean;
  /** The error, where hd_abort_op() ended it without a signal given to begun(). */
  aborted?(): unknown;
  /** The operation is over, however it ended; not called where its owner's end dropped it. */
  over?(): void;
}

type Settle = (value: unknown) => void;

// The executor of every promise made here; see task.ts.
const ignore = (): void => {};
let lastResolve: Settle = ignore;
const capture = (resolve: Settle): void => {
  lastResolve = resolve;
};

/** What a generator body gets from an operation: to be yielded. Awaiting it (in a function that the body calls) works too. */
export class PendingOperation implements PromiseLike<unknown> {
  /** @internal */ _state: 'pending' | 'ok' | 'failed' = 'pending';
  /** @internal */ _value: unknown = undefined;
  /** The generator that was suspended on it. @internal */ _step: ((failed: boolean, value: unknown) => void) | undefined = undefined;
  // Not private fields: one of these is made per yield, see task.ts.
  /** @internal */ _resolve: Settle | undefined = undefined;
  /** @internal */ _promise: Promise<unknown> | undefined = undefined;

  /** @internal */
  _settle(failed: boolean, value: unknown): void {
    this._state = failed ? 'failed' : 'ok';
    this._value = value;
    if (this._resolve !== undefined) this._resolve(failed ? Promise.reject(value) : value);
    this._step?.(failed, value);
  }

  /** @internal */
  _toPromise(): Promise<unknown> {
    if (this._promise !== undefined) return this._promise;
    if (this._state === 'pending') {
      this._promise = new Promise<unknown>(capture);
      this._resolve = lastResolve;
    } else {
      this._promise = this._state === 'ok' ? Promise.resolve(this._value) : Promise.reject(this._value);
    }
    return this._promise;
  }

  then<A = unknown, B = never>(
    onValue?: ((value: unknown) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this._toPromise().then(onValue, onError);
  }

  catch<B = never>(onError?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<unknown> {
    return this._toPromise().catch(onError);
  }

  finally(onFinally?: (() => void) | null): Promise<unknown> {
    return this._toPromise().finally(onFinally);
  }
}

// Whether an operation that did not end with OpCode.ok ends well all the same.
function isValue(code: number, meaning: Meaning | undefined): boolean {
  if (code === OpCode.timeout) return meaning?.timedOut !== undefined;
  return (code === OpCode.failed || code === OpCode.retryAfterTooLong || code === OpCode.closed) && meaning?.failureIsValue === true;
}

export class Operations {
  readonly #engine: Engine;
  // By operation id.
  readonly #owners: (Owner | undefined)[] = [undefined];
  readonly #sinks: (Settle | PendingOperation | undefined)[] = [undefined];
  readonly #meanings: (Meaning | undefined)[] = [undefined];
  readonly #signals = new Map<number, { stop: () => void; error: CancellationError | undefined }>();
  // The operations of those entries, by owner.
  readonly #listening = new Map<Owner, Set<number>>();
  /** The owner whose generator is being stepped: its operations make no promise. */
  stepping: Owner | undefined = undefined;

  /** `deadlocked`: the error of those that a deadlock ended, by its number. */
  constructor(
    engine: Engine,
    private readonly deadlocked: (number: number) => unknown,
  ) {
    this.#engine = engine;
  }

  /** A generator was stepped, and waits for one of these again. */
  parked(): void {
    this.#engine.parked++;
  }

  /** What was asked for operation `op`, while it is outstanding. */
  meaning(op: number): Meaning | undefined {
    return this.#meanings[op];
  }

  /** Turns the kernel's answer into what the caller gets. Its type is a promise; a generator body gets its own kind. */
  begun<T>(answer: number, owner: Owner, meaning?: Meaning, signal?: AbortSignal): Promise<T> {
    this.#engine.wake();
    if (answer > 0) {
      while (this.#owners.length <= answer) {
        this.#owners.push(undefined);
        this.#sinks.push(undefined);
        this.#meanings.push(undefined);
      }
      this.#owners[answer] = owner;
      this.#meanings[answer] = meaning;
      if (signal !== undefined) this.#listen(answer, owner, signal, meaning?.name ?? 'operation');
      if (this.stepping === owner && owner !== undefined) {
        const pending = new PendingOperation();
        this.#sinks[answer] = pending;
        return pending as unknown as Promise<T>;
      }
      const promise = new Promise<unknown>(capture);
      this.#sinks[answer] = lastResolve;
      // What a promise holds must not live until the next one is made.
      lastResolve = ignore;
      return promise as Promise<T>;
    }
    if (answer === Answer.done) {
      owner._operationOver?.();
      return this.value(owner, meaning?.value(0, 0, owner)) as Promise<T>;
    }
    const error =
      answer === Answer.interrupted || owner._isInterrupted?.() === true
        ? owner._interruption()
        : new ArgumentError(meaning?.name ?? 'operation', 'the task that it was called for is over, or the operation waits for itself');
    owner._operationOver?.();
    return this.error(owner, error) as Promise<T>;
  }

  /** A value without a wait. */
  value(owner: Owner | undefined, value: unknown): Promise<unknown> {
    if (this.stepping === undefined || this.stepping !== owner) return Promise.resolve(value);
    const pending = new PendingOperation();
    pending._settle(false, value);
    return pending as unknown as Promise<unknown>;
  }

  /** A refusal without a wait. */
  error(owner: Owner | undefined, error: unknown): Promise<never> {
    if (this.stepping === undefined || this.stepping !== owner) return Promise.reject(error);
    const pending = new PendingOperation();
    pending._settle(true, error);
    return pending as unknown as Promise<never>;
  }

  /** The kernel says that an operation is over. `word`: an OpCode, and above it which case it was. */
  resume(op: number, word: number, aux: number): void {
    const code = word & 0xff;
    const index = word >>> 8;
    const owner = this.#owners[op]!;
    const sink = this.#sinks[op]!;
    const meaning = this.#meanings[op];
    this.#owners[op] = undefined;
    this.#sinks[op] = undefined;
    this.#meanings[op] = undefined;
    let value: unknown;
    let failed = code !== OpCode.ok;
    if (failed) {
      value = this.#failure(op, code, aux, index, owner, meaning);
      // Asked once that is made: of a fetch the last refusal is an answer.
      failed = !isValue(code, meaning);
    } else if (meaning !== undefined) {
      try {
        value = meaning.value(aux, index, owner);
      } catch (error) {
        failed = true;
        value = error;
      }
    }
    if (this.#signals.size > 0) this.#stopListening(op, owner);
    meaning?.over?.();
    owner._operationOver?.();
    if (typeof sink === 'function') sink(failed ? Promise.reject(value) : value);
    else sink._settle(failed, value);
  }

  /** Forgets the signals of operations that will never be resumed, because their runtime is closed. */
  close(): void {
    for (const { stop } of this.#signals.values()) stop();
    this.#signals.clear();
    this.#listening.clear();
  }

  /** Forgets the operations of a fiber whose body is over: their promises stay pending, nobody reads them. */
  dropped(owner: Owner): void {
    if (this.#signals.size === 0) return;
    for (const op of this.#listening.get(owner) ?? []) this.#stopListening(op, owner);
  }

  #stopListening(op: number, owner: Owner): void {
    const entry = this.#signals.get(op);
    if (entry === undefined) return;
    entry.stop();
    this.#signals.delete(op);
    const ops = this.#listening.get(owner);
    ops?.delete(op);
    if (ops?.size === 0) this.#listening.delete(owner);
  }

  #failure(op: number, code: number, aux: number, index: number, owner: Owner, meaning: Meaning | undefined): unknown {
    switch (code) {
      case OpCode.deadlock:
        return this.deadlocked(aux);
      case OpCode.cancelled:
        return owner._interruption();
      case OpCode.aborted:
        return this.#signals.get(op)?.error ?? meaning?.aborted?.() ?? new CancellationError('the operation was aborted');
      case OpCode.timeout: {
        if (meaning?.timedOut !== undefined) return meaning.timedOut();
        const { name, timeout = 0 } = meaning!;
        return new TimeoutError(`${name} took longer than its timeout of ${timeout} ms`, { limit: 'operation', scope: name, ms: timeout });
      }
      default:
        return meaning!.failure(code, aux, index);
    }
  }

  #listen(op: number, owner: Owner, signal: AbortSignal, name: string): void {
    const entry = { stop: (): void => {}, error: undefined as CancellationError | undefined };
    this.#signals.set(op, entry);
    const ops = this.#listening.get(owner);
    if (ops === undefined) this.#listening.set(owner, new Set([op]));
    else ops.add(op);
    entry.stop = onAbort(signal, (reason, cause) => {
      entry.error = new CancellationError(`${name} was aborted by its signal: ${reason}`, { reason, cause });
      this.#engine.raw.hd_abort_op(op);
      this.#engine.drainEffects();
      this.#engine.wake();
    });
  }
}
