/** Actor: a handler that gets one message at a time, in the order in which they came. What it has to itself needs no lock. */

import { isGenerator, promiseOf, stepGenerator } from '../body.js';
import { Context } from '../context.js';
import { ArgumentError, TimeoutError } from '../errors.js';
import { Outside } from '../outside.js';
import { printable } from '../printable.js';
import { Answer, SyncAct, SyncOverflow } from '../protocol.js';
import { withTimeout } from '../sync/objects.js';
import { checkCount } from '../sync/sync-object.js';
import type { Task } from '../task.js';
import type { WaitOptions } from '../waits.js';
import { Ask } from './ask.js';
import { Process, type Overflow, type ProcessHost } from './process.js';

export interface ActorOptions {
  /** Messages that may wait. Default 1000. */
  mailbox?: number | undefined;
  /** What a full mailbox does with one message more: its sender waits (the default), the oldest is dropped for it, it is dropped
   * itself, or it is refused with a MailboxFull. */
  overflow?: Overflow | undefined;
  /** For messages, explain() and the list of tasks. */
  name?: string | undefined;
  /** The task that it is a child of: cancelled with it, and waited for by it. Default: none. */
  parent?: Task | undefined;
}

/** What a handler knows of its actor. */
export interface ActorSelf<M = unknown, R = unknown> {
  readonly actor: Actor<M, R>;
  readonly name: string | undefined;
  /** The context of the actor's task: to be given to the operations of the handler. */
  readonly ctx: Context;
  /** Takes no more messages, and ends when those before are handled; with `discard` after this one. */
  stop(reason?: string, options?: { discard?: boolean }): void;
}

/** Its result, or its promise's, answers an ask. What it throws ends the actor. */
export type ActorHandler<M, R> = (message: M, self: ActorSelf<M, R>) => R;

/** Milliseconds that an ask waits unless it says otherwise. */
const askTimeout = 5000;

export class Actor<M = unknown, R = unknown> extends Process {
  /** Messages that may wait. */
  readonly mailbox: number;
  readonly overflow: Overflow;
  readonly #handler: ActorHandler<M, R>;
  #self: ActorSelf<M, R> | undefined;
  // The ask whose answer the handler is about to give.
  #asked: Ask | undefined;

  /** Use Runtime.actor(). @internal */
  constructor(host: ProcessHost, handler: ActorHandler<M, R>, options: ActorOptions = {}) {
    if (typeof handler !== 'function') throw new ArgumentError('actor', `the handler must be a function, got ${printable(handler)}`);
    const { mailbox, overflow, name, parent } = checkOptions(options);
    super(host, 'actor', mailbox, overflow, { name, parent, timeout: 0 });
    this.mailbox = mailbox;
    this.overflow = overflow;
    this.#handler = handler;
  }

  /** Messages that wait for their turn. */
  get size(): number {
    return this._isOver ? 0 : this._host.objects.count('actor.size', this._mailbox);
  }

  /** Gives it a message: resolves when the mailbox has it, which under `wait` may take until there is room; what the handler makes
   * of it is another matter. Messages of one sender come in the order in which they were sent. Rejects with an ActorStopped once
   * it was stopped or has ended, with a MailboxFull where the mailbox is full and its overflow is `fail`. */
  send(message: M, options?: Context | WaitOptions): Promise<void> {
    return this._send(message, options);
  }

  /** Sends a message and waits for what the handler gives for it, `timeout` milliseconds at most (5000 unless given); then it
   * rejects with a TimeoutError, and a late answer is dropped. Rejects with an ActorStopped where the actor ends without an
   * answer, with a MailboxFull where the message is refused or dropped. */
  ask(message: M, options?: Context | WaitOptions): Promise<Awaited<R>> {
    const { objects, operations, engine } = this._host;
    let caller: Context | undefined;
    try {
      const given: WaitOptions = options instanceof Context ? { ctx: options } : { ...options };
      given.timeout ??= askTimeout;
      const resolved = objects.resolve('actor.ask', given);
      caller = resolved.caller;
      const { timeout, signal } = resolved;
      if (!(timeout > 0)) throw new ArgumentError('actor.ask', 'options.timeout must be more than 0: whoever asks an actor that never answers would wait for ever');
      objects.open('actor.ask', caller);
      caller?.checkCancellation();
      if (caller?._owner === this.task) throw new ArgumentError('actor.ask', `${this._label} cannot ask itself: it would wait for its own handler`);
      if (this._isOver) throw this._stopped('actor.ask');
      const ask = new Ask(this, message, timeout);
      const answer = this._tryNow(ask, caller);
      if (answer === Answer.done) return this.#answerOf(ask, caller, timeout, signal);
      // It has to wait for room, or is refused.
      const begun = engine.now();
      const sent = objects.wait<void>(this._mailbox, SyncAct.send, ask, { ctx: caller, timeout, signal }, withTimeout(new AskSending(this, ask), timeout));
      return sent.then(
        () => this.#answerOf(ask, caller, timeout - (engine.now() - begun), signal),
        (error: unknown) => {
          ask.refuse(error);
          throw error;
        },
      );
    } catch (error) {
      return operations.error(caller?._owner, error);
    }
  }

  #answerOf(ask: Ask, caller: Context | undefined, left: number, signal: AbortSignal | undefined): Promise<Awaited<R>> {
    const { objects, operations, engine } = this._host;
    if (ask.isOver) {
      const answer = ask.failure();
      return (ask.failureIsValue ? operations.value(caller?._owner, answer) : operations.error(caller?._owner, answer)) as Promise<Awaited<R>>;
    }
    if (!(left > 0)) {
      const error = new TimeoutError(`actor.ask took longer than its timeout of ${ask.timeout} ms`, { limit: 'operation', scope: 'actor.ask', ms: ask.timeout });
      return operations.error(caller?._owner, error);
    }
    const owner = caller?._owner ?? new Outside(engine.raw, 'actor.ask');
    return objects.awaitTicket(ask.ticket, owner, ask, left, caller?._shield ?? 0, signal);
  }

  // --- As a process ---

  /** @internal */
  override _begin(ctx: Context): undefined {
    const actor = this;
    this.#self = {
      actor,
      name: this.name,
      ctx,
      // A refusal of its arguments surfaces; there is nothing to wait for.
      stop: (reason, options) => void actor.stop(reason, { ...options, ctx }),
    };
  }

  /** @internal */
  override _handle(parcel: unknown): PromiseLike<unknown> | undefined {
    const ask = parcel instanceof Ask ? parcel : undefined;
    this.#asked = ask;
    const handler = this.#handler;
    const result: unknown = handler((ask === undefined ? parcel : ask.message) as M, this.#self!);
    // Mostly it is nothing.
    if ((typeof result === 'object' && result !== null) || typeof result === 'function') {
      const promise = isGenerator(result) ? this.#step(result) : promiseOf(result);
      if (promise !== undefined) return this.#answerLater(ask, promise);
    }
    if (ask !== undefined) this.#answer(ask, result);
    return undefined;
  }

  #answer(ask: Ask, value: unknown): void {
    this.#asked = undefined;
    ask.answer(value);
  }

  async #answerLater(ask: Ask | undefined, promise: PromiseLike<unknown>): Promise<void> {
    const value = await promise;
    if (ask !== undefined) this.#answer(ask, value);
  }

  #step(generator: Generator<unknown, unknown, unknown>): Promise<unknown> {
    const { objects, operations } = this._host;
    const { ctx } = this.#self!;
    return new Promise((returned, threw) => {
      stepGenerator(generator, this.task as Task, operations, (run) => objects.within(ctx, run), { returned, threw });
    });
  }

  /** @internal */
  override _finish(): undefined {}

  /** @internal */
  override _ended(): void {
    this.#asked?.dropped();
    this.#asked = undefined;
  }
}

// While an ask waits for room in the mailbox.
class AskSending {
  readonly name = 'actor.ask';
  constructor(
    readonly actor: Process,
    readonly ask: Ask,
  ) {}
  value(): undefined {
    return undefined;
  }
  failure(): unknown {
    return this.actor._stopped(this.name);
  }
}

function checkOptions(options: ActorOptions): { mailbox: number; overflow: Overflow; name: string | undefined; parent: Task | undefined } {
  if (typeof options !== 'object' || options === null) throw new ArgumentError('actor', `the options must be an object, got ${printable(options)}`);
  for (const key of Object.keys(options)) {
    if (!['mailbox', 'overflow', 'name', 'parent'].includes(key)) throw new ArgumentError('actor', `${key} is no option; there are mailbox, overflow, name, parent`);
  }
  const { mailbox = 1000, overflow = 'wait', name, parent } = options;
  checkCount('actor', `options.mailbox`, mailbox);
  if (typeof overflow !== 'string' || !Object.hasOwn(SyncOverflow, overflow)) {
    throw new ArgumentError('actor', `options.overflow must be one of ${Object.keys(SyncOverflow).join(', ')}, got ${printable(overflow)}`);
  }
  return { mailbox, overflow, name, parent };
}
