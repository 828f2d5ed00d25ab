/**
 * The objects at which fibers wait for each other, as JavaScript has them: mutexes, semaphores, ivars, channels, barriers.
 * What they do is the kernel's business (core/sync/); here an operation finds its caller, goes to the kernel in one call, and
 * its answer becomes a promise, a value or an error. One way for all of them.
 *
 * Invariants: an operation that was refused did nothing, and its value is forgotten; an object that somebody can reach, or
 * waits at, is not released (a pending operation's Meaning names it).
 */

import { Context } from '../context.js';
import type { Engine } from '../engine/engine.js';
import { ArgumentError, CancellationError, ChannelClosed, ClosedError, LockError } from '../errors.js';
import { reasonOf } from '../cancellation.js';
import type { Meaning, Operations, Owner } from '../operations.js';
import { Outside } from '../outside.js';
import { Answer, StatusWord, SyncAct, SyncKind } from '../protocol.js';
import { describe, Task } from '../task.js';
import { checkWait, type WaitOptions } from '../waits.js';
import { OutsideHolder } from './outside-holder.js';
import type { SyncObject } from './sync-object.js';
import { Parcel, Values } from './values.js';

/** What objects need of their runtime. */
export interface ObjectHost {
  readonly engine: Engine;
  readonly operations: Operations;
  caller(ctx: Context | undefined, operation: string): Context | undefined;
  /** Throws where the runtime takes no such operation any more. */
  open(operation: string, caller?: Context): void;
  isClosed(): boolean;
  taskOf(fiber: number): Task | undefined;
  /** Runs something as a segment of the context's task. */
  within(ctx: Context, run: () => void): void;
}

/** An operation's case: what, where, and with what. */
export interface Case {
  act: number;
  object: SyncObject;
  /** Permits, or the value to send. */
  value: unknown;
}

export class Objects {
  readonly values = new Values();
  readonly #host: ObjectHost;
  readonly #engine: Engine;
  readonly #operations: Operations;
  // By id, of those that are not released.
  readonly #labels: (string | undefined)[] = [];
  // Numbers of names: they depend on the program alone, which ids that are used again do not.
  #made = 0;
  readonly #unreachable = new FinalizationRegistry<number>((id) => this.#release(id));

  constructor(host: ObjectHost) {
    this.#host = host;
    this.#engine = host.engine;
    this.#operations = host.operations;
  }

  make(object: SyncObject, operation: string, kind: number, limit: number, name: string | undefined, overflow = 0): [id: number, label: string] {
    this.#host.open(operation, this.#host.caller(undefined, operation));
    const id = this.#engine.raw.hd_object(kind, limit, overflow);
    if (id === 0) throw new ArgumentError(operation, 'the runtime has as many objects as it can have');
    const label = `${operation} ${name === undefined ? `#${++this.#made}` : `'${name}'`}`;
    this.#labels[id] = label;
    this.#unreachable.register(object, id, object);
    return [id, label];
  }

  /** Releases an object that is over before it is unreachable. Who waits there gets `closed`, values there are dropped. */
  retire(object: SyncObject): void {
    this.#unreachable.unregister(object);
    this.#release(object._id);
  }

  /** Makes something to wait at until it is closed; see actors/ask.ts. */
  openTicket(label: string): number {
    const id = this.#engine.raw.hd_object(SyncKind.ivar, 0, 0);
    if (id === 0) throw new ArgumentError('actor.ask', 'the runtime has as many objects as it can have');
    this.#labels[id] = label;
    return id;
  }

  /** Who waits there goes on. */
  closeTicket(id: number): void {
    this.#release(id);
  }

  /** Waits at a ticket. */
  awaitTicket<T>(id: number, owner: Owner, meaning: Meaning, timeout: number, shield: number, signal: AbortSignal | undefined): Promise<T> {
    this.#engine.wake();
    this.#engine.tick();
    const answer = this.#engine.raw.hd_sync(owner._fiber, SyncAct.take, id, 0, timeout, shield, 1);
    return this.#operations.begun<T>(answer, owner, meaning, signal);
  }

  /** For messages; of an object of Lisp's undefined. */
  label(id: number): string | undefined {
    return this.#labels[id];
  }

  /** An operation that may wait. `value`: permits, or what is to be sent. */
  wait<T>(object: SyncObject, act: number, value: unknown, options: Context | WaitOptions | undefined, meaning: Meaning): Promise<T> {
    const host = this.#host;
    const operations = this.#operations;
    let caller: Context | undefined;
    let timeout = 0;
    let signal: AbortSignal | undefined;
    try {
      if (options === undefined || options instanceof Context) {
        caller = host.caller(options, meaning.name);
      } else {
        ({ caller, timeout, signal } = this.resolve(meaning.name, options));
        if (timeout > 0) meaning = withTimeout(meaning, timeout);
      }
      host.open(meaning.name, caller);
    } catch (error) {
      return operations.error(caller?._owner, error);
    }
    this.#engine.wake();
    if (timeout > 0) this.#engine.tick();
    const { raw } = this.#engine;
    const owner: Owner = caller?._owner ?? new OutsideHolder(raw, meaning.name);
    const word = act === SyncAct.send ? this.values.put(value) : (value as number);
    const answer = raw.hd_sync(owner._fiber, act, object._id, word, timeout, caller?._shield ?? 0, 1);
    if (answer > 0) return operations.begun<T>(answer, owner, meaning, signal);
    if (answer === Answer.done && (act === SyncAct.lock || act === SyncAct.send)) {
      // The usual way, and it has no status to read.
      const got = meaning.value(0, 0, owner);
      owner._operationOver?.();
      return operations.value(owner, got) as Promise<T>;
    }
    if (act === SyncAct.send) this.values.take(word);
    return this.atOnce<T>(answer, owner, meaning, act === SyncAct.acquire ? word : -1, [object]);
  }

  /** The same for several cases. `mayWait` false: undefined where it would have to. */
  select<T>(cases: readonly Case[], options: WaitOptions, meaning: Meaning, caller: Context | undefined, mayWait: boolean): Promise<T> | undefined {
    const { timeout = 0, signal } = options;
    this.#engine.wake();
    if (timeout > 0) this.#engine.tick();
    const { raw } = this.#engine;
    const owner: Owner = caller?._owner ?? new OutsideHolder(raw, meaning.name);
    const words = cases.map(({ act, value }) => (act === SyncAct.send ? this.values.put(value) : (value as number)));
    for (const [i, { act, object }] of cases.entries()) raw.hd_case(act, object._id, words[i]!);
    const answer = raw.hd_select(owner._fiber, timeout, caller?._shield ?? 0, mayWait ? 1 : 0);
    if (answer > 0) return this.#operations.begun<T>(answer, owner, meaning, signal);
    // The kernel speaks of values only once it has them.
    const chosen = answer === Answer.done ? this.#engine.status(StatusWord.index) : -1;
    for (const [i, { act }] of cases.entries()) {
      if (act === SyncAct.send && i !== chosen) this.values.take(words[i]!);
    }
    if (answer === Answer.wouldWait) {
      owner._operationOver?.();
      return undefined;
    }
    const permits = chosen >= 0 && cases[chosen]!.act === SyncAct.acquire ? words[chosen]! : -1;
    return this.atOnce<T>(answer, owner, meaning, permits, cases.map(({ object }) => object));
  }

  /** An operation that does not wait: what it got, or undefined where it would have to wait. */
  tryNow<T>(object: SyncObject, act: number, value: unknown, ctx: Context | undefined, operation: string, read: (token: number, isClosed: boolean) => T): T | undefined {
    const caller = this.#host.caller(ctx, operation);
    this.#host.open(operation, caller);
    this.#engine.wake();
    const { raw } = this.#engine;
    const owner: Owner = caller?._owner ?? new Outside(raw, operation);
    const word = act === SyncAct.send ? this.values.put(value) : (value as number);
    const answer = raw.hd_sync(owner._fiber, act, object._id, word, 0, caller?._shield ?? 0, 0);
    if (act === SyncAct.send && answer !== Answer.done) this.values.take(word);
    const token = this.#engine.status(StatusWord.value);
    const isClosed = this.#engine.status(StatusWord.closed) !== 0;
    const error = answer === Answer.done || answer === Answer.wouldWait ? undefined : this.#refusal(answer, owner, operation, [object]);
    owner._operationOver?.();
    if (error !== undefined) throw error;
    return answer === Answer.done ? read(token, isClosed) : undefined;
  }

  /** An operation that its arguments refuse already. */
  refuse(operation: string, options: Context | WaitOptions | undefined, error: unknown): Promise<never> {
    try {
      const ctx = options instanceof Context ? options : options?.ctx;
      return this.#operations.error(this.#host.caller(ctx, operation)?._owner, error);
    } catch {
      return Promise.reject(error);
    }
  }

  /** A wait for time alone. */
  delay<T>(ms: number, meaning: Meaning, caller: Context | undefined, signal: AbortSignal | undefined): Promise<T> {
    this.#engine.wake();
    this.#engine.tick();
    const { raw } = this.#engine;
    const owner: Owner = caller?._owner ?? new Outside(raw, meaning.name);
    return this.#operations.begun<T>(raw.hd_delay(owner._fiber, ms, caller?._shield ?? 0), owner, meaning, signal);
  }

  /** What never waits; gives an Answer. A runtime that is closing still takes it: bodies that unwind let go of what they have. */
  now(operation: string, fiber: number, what: number, object: SyncObject, value: number): number {
    if (this.#host.isClosed()) throw new ClosedError(operation);
    this.#engine.wake();
    return this.#engine.raw.hd_sync_now(fiber, what, object._id, value);
  }

  /** Free permits, values in a buffer and so on, see Kernel::object_count. */
  count(operation: string, object: SyncObject): number {
    if (this.#host.isClosed()) throw new ClosedError(operation);
    return this.#engine.raw.hd_object_count(object._id);
  }

  holder(mutex: SyncObject): Task | undefined {
    if (this.#host.isClosed()) throw new ClosedError('mutex.holder');
    return this.#host.taskOf(this.#engine.raw.hd_object_holder(mutex._id));
  }

  /** Who calls; throws for a context that is not of this runtime. */
  caller(ctx: Context | undefined, operation: string): Context | undefined {
    return this.#host.caller(ctx, operation);
  }

  open(operation: string, caller: Context | undefined): void {
    this.#host.open(operation, caller);
  }

  within(ctx: Context, run: () => void): void {
    this.#host.within(ctx, run);
  }

  get operations(): Operations {
    return this.#operations;
  }

  isClosed(): boolean {
    return this.#host.isClosed();
  }

  /** What options say; throws where they are none, and for a signal that has aborted. */
  resolve(operation: string, options: WaitOptions | undefined): { caller: Context | undefined; timeout: number; signal: AbortSignal | undefined } {
    checkWait(operation, options);
    const { ctx, timeout = 0, signal } = options ?? {};
    if (signal?.aborted === true) {
      const reason = reasonOf(signal.reason);
      throw new CancellationError(`${operation} was aborted by its signal: ${reason}`, { reason, cause: signal.reason });
    }
    return { caller: this.#host.caller(ctx, operation), timeout, signal };
  }

  /** What the caller gets of an operation that did not begin. `permits`: those that it got, or -1. */
  atOnce<T>(answer: number, owner: Owner, meaning: Meaning, permits: number, objects: readonly SyncObject[]): Promise<T> {
    const operations = this.#operations;
    if (answer !== Answer.done) {
      const error = this.#refusal(answer, owner, meaning.name, objects);
      owner._operationOver?.();
      return operations.error(owner, error);
    }
    const engine = this.#engine;
    const index = engine.status(StatusWord.index);
    const aux = permits >= 0 ? permits : engine.status(StatusWord.value);
    let value: unknown;
    try {
      value = engine.status(StatusWord.closed) !== 0 ? meaning.failure(0, aux, index) : meaning.value(aux, index, owner);
    } finally {
      owner._operationOver?.();
    }
    return operations.value(owner, value) as Promise<T>;
  }

  /** The kernel says that nobody will get it. */
  dropped(token: number): void {
    const value = this.values.take(token);
    if (value instanceof Parcel) value.dropped();
  }

  #refusal(answer: number, owner: Owner, operation: string, objects: readonly SyncObject[]): unknown {
    if (answer === Answer.interrupted || owner._isInterrupted?.() === true) return owner._interruption();
    const object = objects[objects.length === 1 ? 0 : this.#engine.status(StatusWord.index)];
    const own = object?._refusal(answer, operation);
    if (own !== undefined) return own;
    const label = object?._label;
    switch (answer) {
      case Answer.reentry:
        return new LockError('MutexReentry', operation, `${owner instanceof Task ? describe(owner) : 'the caller'} holds ${label} already, and it is not re-entrant`);
      case Answer.isClosed:
        return new ChannelClosed(operation, `${label} is closed`);
      case Answer.tooLarge:
        return new ArgumentError(operation, `${label} never has that many permits`);
      default:
        return new ArgumentError(operation, 'the task that it was called for is over');
    }
  }

  #release(id: number): void {
    this.#labels[id] = undefined;
    if (this.#host.isClosed()) return;
    // Nobody waits at it: whoever does reaches it.
    this.#engine.raw.hd_object_release(id);
    this.#engine.drainEffects();
  }
}

/** The same meaning, with a timeout for its message. */
export function withTimeout(meaning: Meaning, timeout: number): Meaning {
  return Object.create(meaning, { timeout: { value: timeout } }) as Meaning;
}
