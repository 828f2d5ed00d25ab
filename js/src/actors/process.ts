/**
 * What actors and supervisors have in common: a task that takes messages out of a mailbox, one at a time, and what others hear
 * of its end. The mailbox is the kernel's (core/sync/channels.cpp): order, overflow, waiting and closing are decided there.
 *
 * Messages that are there already are handled in one turn of JavaScript, as long as the handler gives no promise; after
 * `turnLength` of them others get theirs.
 *
 * Invariants: once the task has settled, the mailbox is gone, every ask that was in it is refused, and every monitor has heard
 * of the end exactly once; a process whose task is over is never waited for.
 */

import { disposer, type Disposer } from '../cancellation.js';
import { Context } from '../context.js';
import type { Engine } from '../engine/engine.js';
import { ActorStopped, ArgumentError, MailboxFull } from '../errors.js';
import type { Meaning, Operations } from '../operations.js';
import { Outside } from '../outside.js';
import { printable } from '../printable.js';
import { Answer, StatusWord, SyncAct, SyncDo, SyncKind, SyncOverflow } from '../protocol.js';
import type { Runtime } from '../runtime.js';
import type { Objects } from '../sync/objects.js';
import { SyncObject } from '../sync/sync-object.js';
import { Parcel } from '../sync/values.js';
import type { Task } from '../task.js';
import type { TaskOptions } from '../task-options.js';
import type { WaitOptions } from '../waits.js';
import { endOf, type End } from './down.js';

/** What a full mailbox does with one message more. */
export type Overflow = keyof typeof SyncOverflow;

/** What processes need of their runtime. @internal */
export interface ProcessHost {
  readonly runtime: Runtime;
  readonly engine: Engine;
  readonly operations: Operations;
  readonly objects: Objects;
  /** Cancels a task with a reason and a cause. */
  cancel(task: Task, reason: string, cause: unknown): void;
  /** Runs something now, or after what of that kind is under way: an end may cause others without end. It must not throw. */
  afterwards(run: () => void): void;
  /** Runs something as a caller outside. */
  outside(run: () => void): void;
}

export interface Down extends End {
  /** Who ended. */
  actor: Process;
}

export interface StopOptions extends WaitOptions {
  /** Drop the messages that wait, too; only the one that is being handled ends. */
  discard?: boolean | undefined;
}

/** Messages that are handled before others get their turn. */
const turnLength = 64;

class Mailbox extends SyncObject {
  // Known once it is made, which its own constructor does.
  process!: Process;

  constructor(objects: Objects, kind: string, capacity: number, overflow: Overflow, name: string | undefined) {
    super(objects, kind, SyncKind.mailbox, capacity, { name }, SyncOverflow[overflow]);
  }

  override _refusal(answer: number, operation: string): unknown {
    if (answer === Answer.isClosed) return this.process._stopped(operation);
    if (answer === Answer.isFull) return new MailboxFull(operation, `the mailbox of ${this._label} is full; its overflow is 'fail'`);
    return undefined;
  }
}

class Sending implements Meaning {
  readonly name = 'actor.send';
  constructor(readonly process: Process) {}
  value(): undefined {
    return undefined;
  }
  // The mailbox went while the sender waited.
  failure(): unknown {
    return this.process._stopped(this.name);
  }
}

class Receiving implements Meaning {
  readonly name = 'actor.receive';
  readonly failureIsValue = true;
  constructor(readonly process: Process) {}
  value(token: number): undefined {
    this.process._arrived(token);
    return undefined;
  }
  failure(): undefined {
    this.process._drained();
    return undefined;
  }
}

export abstract class Process {
  readonly name: string | undefined;
  /** The task that it is: its state, its error, what cancels it at once. */
  readonly task: Task<void>;
  /** @internal */ readonly _host: ProcessHost;
  /** As in messages: `actor 'x'`. @internal */ readonly _label: string;
  /** The task has settled. @internal */ _isOver = false;
  /** @internal */ readonly _mailbox: Mailbox;
  readonly #sending = new Sending(this);
  readonly #receiving = new Receiving(this);
  readonly #monitors = new Set<(down: Down) => void>();
  readonly #links = new Set<Process>();
  // Where a failure began that came along links. Passed on as it is, for else the reasons of a long chain were quadratic.
  #fall: { reason: string; error: Error | undefined } | undefined;
  #isClosed = false;
  #stopReason: string | undefined;
  #discards = false;
  // Somebody will hear of a failure who is no monitor.
  #isHeard = false;
  // A message that came to a task that waited, until its turn.
  #hasArrived = false;
  #message: unknown = undefined;
  #isDrained = false;
  #ctx: Context | undefined;
  #pause: PromiseLike<unknown> | undefined;
  readonly #turn = (): void => this.#handleSome();
  // Who sends from outside without waiting; it ends with the process.
  #door: Outside | undefined;

  /** @internal */
  constructor(host: ProcessHost, kind: string, capacity: number, overflow: Overflow, options: TaskOptions) {
    this._host = host;
    this.name = options.name;
    this._mailbox = new Mailbox(host.objects, kind, capacity, overflow, options.name);
    this._mailbox.process = this;
    this._label = this._mailbox._label;
    try {
      this.task = host.runtime.submit<void>((ctx) => this.#body(ctx), options);
    } catch (error) {
      host.objects.retire(this._mailbox);
      throw error;
    }
    const task = this.task as Task;
    (task._lazy().onEnd ??= []).push(() => this.#over());
  }

  /** Stopping it takes as long as it takes. @internal */
  get _isPatient(): boolean {
    return false;
  }
  /** Resolves when it is ready for its supervisor to go on. @internal */
  _started(_ctx: Context): Promise<void> | undefined {
    return undefined;
  }
  /** Before the first message. @internal */
  abstract _begin(ctx: Context): Promise<void> | undefined;
  /** One message; a promise where it takes longer. Throws, or rejects, to fail. @internal */
  abstract _handle(message: unknown): PromiseLike<unknown> | undefined;
  /** After the last message. @internal */
  abstract _finish(ctx: Context): Promise<void> | undefined;
  /** The task has settled, however. @internal */
  abstract _ended(): void;

  /** Calls back once when it has ended, with how; at once if it has. Gives what takes the callback out again. */
  monitor(callback: (down: Down) => void): Disposer {
    if (typeof callback !== 'function') throw new ArgumentError('actor.monitor', `the callback must be a function, got ${printable(callback)}`);
    if (this._isOver) {
      this.#tell(callback, this._down());
      return disposer(() => {});
    }
    // The same function twice is two monitors.
    const entry = (down: Down): void => callback(down);
    this.#monitors.add(entry);
    return disposer(() => void this.#monitors.delete(entry));
  }

  /** Ties the two together: when one fails or is cancelled, the other is cancelled with that reason. Stops are no failures. Gives
   * what takes the link out again. */
  link(other: Process): Disposer {
    if (!(other instanceof Process)) throw new ArgumentError('actor.link', `expected an actor or a supervisor, got ${printable(other)}`);
    if (other._host !== this._host) throw new ArgumentError('actor.link', `${other._label} belongs to another runtime`);
    if (other === this) throw new ArgumentError('actor.link', `${this._label} cannot be linked with itself`);
    if (this._isOver) other.#linkedEnded(this);
    else if (other._isOver) this.#linkedEnded(other);
    else {
      this.#links.add(other);
      other.#links.add(this);
    }
    return disposer(() => {
      this.#links.delete(other);
      other.#links.delete(this);
    });
  }

  /** Takes no more messages, handles those that came before, and ends. Resolves when it has ended, however; at once for who calls
   * from its own handler. Stopping it again waits for the same end. */
  stop(reason?: string, options: StopOptions = {}): Promise<void> {
    const { discard, ...wait } = (options ?? {}) as StopOptions;
    const { runtime, objects, operations } = this._host;
    let caller: Context | undefined;
    try {
      if (reason !== undefined && typeof reason !== 'string') throw new ArgumentError('actor.stop', `the reason must be a string, got ${printable(reason)}`);
      if (discard !== undefined && typeof discard !== 'boolean') throw new ArgumentError('actor.stop', `options.discard must be a boolean, got ${printable(discard)}`);
      caller = objects.resolve('actor.stop', wait).caller;
    } catch (error) {
      return operations.error(undefined, error);
    }
    this._close(reason, discard === true);
    if (caller?._owner === this.task) return operations.value(caller._owner, undefined) as Promise<void>;
    if (this._isOver) return operations.value(caller?._owner, undefined) as Promise<void>;
    this.#isHeard = true;
    return runtime._waits.awaitAllSettled([this.task as Task], wait, caller).then(() => undefined);
  }

  /** Takes no more messages. @internal */
  _close(reason: string | undefined, discards: boolean): void {
    if (this._isOver || this._host.objects.isClosed()) return;
    if (discards) this.#discards = true;
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopReason = reason;
    this._host.objects.now('actor.stop', 0, SyncDo.close, this._mailbox, 0);
  }

  /** It takes no more messages. @internal */
  get _isClosing(): boolean {
    return this.#isClosed || this._isOver;
  }

  /** Somebody reads its failure from now on. @internal */
  _hear(): void {
    this.#isHeard = true;
  }

  /** How it ended. @internal */
  _down(): Down {
    return { actor: this, ...endOf(this.task as Task, this.#stopReason) };
  }

  /** Why it takes nothing. @internal */
  _stopped(operation: string): ActorStopped {
    if (!this._isOver) return new ActorStopped(operation, `${this._label} is stopping: it takes no more messages`);
    const { outcome, reason, error } = this._down();
    return new ActorStopped(operation, `${this._label} has ${outcome === 'failed' ? 'failed' : outcome === 'cancelled' ? 'been cancelled' : 'stopped'}: ${reason}`, error === undefined ? undefined : { cause: error });
  }

  // --- Sending ---

  /** @internal */
  _send(message: unknown, options: Context | WaitOptions | undefined): Promise<void> {
    const { objects, operations, engine } = this._host;
    if (options === undefined || options instanceof Context) {
      let caller: Context | undefined;
      try {
        caller = objects.caller(options, 'actor.send');
        objects.open('actor.send', caller);
      } catch (error) {
        return operations.error(caller?._owner, error);
      }
      if (this._isOver) return operations.error(caller?._owner, this._stopped('actor.send'));
      if (this._tryNow(message, caller) === Answer.done) {
        engine.wake();
        return operations.value(caller?._owner, undefined) as Promise<void>;
      }
    } else if (this._isOver) {
      return operations.error(undefined, this._stopped('actor.send'));
    }
    // It has to wait, or is refused.
    return objects.wait(this._mailbox, SyncAct.send, message, options, this.#sending);
  }

  /** Sends if that need not wait; gives the kernel's answer. @internal */
  _tryNow(message: unknown, caller: Context | undefined): number {
    const { values } = this._host.objects;
    const { raw } = this._host.engine;
    const token = values.put(message);
    const fiber = caller === undefined ? (this.#door ??= new Outside(raw, 'actor.send', true))._fiber : caller._owner._fiber;
    const answer = raw.hd_sync(fiber, SyncAct.send, this._mailbox._id, token, 0, caller?._shield ?? 0, 0);
    if (answer !== Answer.done) values.take(token);
    return answer;
  }

  // --- The task ---

  /** @internal */
  _arrived(token: number): void {
    this.#message = this._host.objects.values.take(token);
    this.#hasArrived = true;
    // The task was cancelled while it was on its way.
    if (this._isOver) this.#dropArrived();
  }

  #dropArrived(): void {
    const message = this.#message;
    this.#message = undefined;
    this.#hasArrived = false;
    if (message instanceof Parcel) message.dropped();
  }

  /** @internal */
  _drained(): void {
    this.#isDrained = true;
  }

  async #body(ctx: Context): Promise<void> {
    this.#ctx = ctx;
    const { objects } = this._host;
    try {
      await this._begin(ctx);
      for (;;) {
        objects.within(ctx, this.#turn);
        if (this.#isDrained) break;
        await this.#pause;
      }
      await this._finish(ctx);
    } catch (error) {
      this._close(undefined, true);
      throw error;
    }
  }

  #handleSome(): void {
    const { engine, objects } = this._host;
    const { raw } = engine;
    const { values } = objects;
    const task = this.task as Task;
    const mailbox = this._mailbox._id;
    // Its handler came back to a task that is over, of a closed runtime perhaps.
    if (this._isOver) throw task._interruption();
    for (let n = 0; n < turnLength; n++) {
      let message: unknown;
      if (this.#hasArrived) {
        message = this.#message;
        this.#message = undefined;
        this.#hasArrived = false;
      } else {
        if (this.#discards) {
          this.#isDrained = true;
          return;
        }
        const answer = raw.hd_sync(task._fiber, SyncAct.receive, mailbox, 0, 0, 0, 1);
        if (answer > 0) {
          this.#pause = this._host.operations.begun(answer, task, this.#receiving);
          return;
        }
        if (answer !== Answer.done) throw task._interruption();
        if (engine.status(StatusWord.closed) !== 0) {
          this.#isDrained = true;
          return;
        }
        message = values.take(engine.status(StatusWord.value));
      }
      const pause = this._handle(message);
      if (pause !== undefined) {
        this.#pause = pause;
        return;
      }
    }
    this.#pause = this.#ctx!.yield();
  }

  // --- Its end ---

  #over(): void {
    this._isOver = true;
    if (this.#monitors.size > 0 || this.#links.size > 0 || this.#isHeard) (this.task as Task)._observe();
    const { objects } = this._host;
    if (!objects.isClosed()) objects.retire(this._mailbox);
    this.#door?.end();
    // It came in the very turn in which the task ended.
    this.#dropArrived();
    this._ended();
    const down = this._down();
    const links = [...this.#links];
    this.#links.clear();
    for (const other of links) other.#links.delete(this);
    const monitors = [...this.#monitors];
    this.#monitors.clear();
    for (const monitor of monitors) this.#tell(monitor, down);
    for (const other of links) this._host.afterwards(() => other.#linkedEnded(this));
  }

  #linkedEnded(other: Process): void {
    const { outcome, reason, error } = other._down();
    if (outcome === 'stopped' || this._isOver) return;
    this.#fall = other.#fall ?? { reason: `${other._label} ${outcome === 'failed' ? 'failed' : 'was cancelled'}: ${reason}`, error };
    this._host.cancel(this.task as Task, this.#fall.reason, this.#fall.error);
  }

  #tell(monitor: (down: Down) => void, down: Down): void {
    this._host.outside(() => {
      try {
        monitor(down);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    });
  }
}
