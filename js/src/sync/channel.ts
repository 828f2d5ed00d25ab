/**
 * Channel: values in order, from senders to receivers. With a capacity it keeps that many; with 0 sender and receiver meet.
 * Once closed it takes nothing more, and what it has, that of blocked senders included, is still received.
 */

import { closed } from '../closed.js';
import type { Context } from '../context.js';
import type { Meaning } from '../operations.js';
import { SyncAct, SyncDo, SyncKind } from '../protocol.js';
import type { WaitOptions } from '../waits.js';
import type { Objects } from './objects.js';
import { checkCount, noFailure, SyncObject, type ObjectOptions } from './sync-object.js';

// A pending operation's meaning keeps its channel alive.
class Sending implements Meaning {
  readonly name = 'channel.send';
  readonly failure = noFailure;
  constructor(readonly channel: Channel<unknown>) {}
  value(): undefined {
    return undefined;
  }
}

class Receiving implements Meaning {
  readonly name = 'channel.recv';
  readonly failureIsValue = true;
  constructor(readonly channel: Channel<unknown>) {}
  value(token: number): unknown {
    return this.channel._objects.values.take(token);
  }
  failure(): unknown {
    return closed;
  }
}

class Iterating extends Receiving {
  override value(token: number): IteratorResult<unknown, undefined> {
    return { done: false, value: super.value(token) };
  }
  override failure(): IteratorResult<unknown, undefined> {
    return { done: true, value: undefined };
  }
}

export class Channel<T> extends SyncObject implements AsyncIterable<T> {
  /** Values that it keeps; 0: sender and receiver meet. */
  readonly capacity: number;
  #isClosed = false;
  readonly #sending = new Sending(this as Channel<unknown>);
  readonly #receiving = new Receiving(this as Channel<unknown>);

  /** Use Runtime.channel(). @internal */
  constructor(objects: Objects, capacity = 0, options?: ObjectOptions) {
    checkCount('channel', 'the capacity', capacity, 0);
    super(objects, 'channel', SyncKind.channel, capacity, options);
    this.capacity = capacity;
  }

  /** Waits until the value is in the buffer, or a receiver has it. On cancel, signal and timeout nobody gets it. Rejects with a
   * ChannelClosed where the channel is closed; a sender that waits when it closes is still received from. */
  send(value: T, options?: Context | WaitOptions): Promise<void> {
    return this._objects.wait(this, SyncAct.send, value, options, this.#sending);
  }

  /** Waits for the next value; `closed` once the channel is closed and empty. */
  recv(options?: Context | WaitOptions): Promise<T | typeof closed> {
    return this._objects.wait(this, SyncAct.receive, 0, options, this.#receiving);
  }

  /** Sends if that need not wait, and says whether it did. Throws a ChannelClosed where the channel is closed. */
  trySend(value: T, ctx?: Context): boolean {
    return this._objects.tryNow(this, SyncAct.send, value, ctx, 'channel.trySend', () => true) ?? false;
  }

  /** The next value in an object of its own, `closed`, or undefined where there is none now. */
  tryRecv(ctx?: Context): { value: T } | typeof closed | undefined {
    const { values } = this._objects;
    return this._objects.tryNow<{ value: T } | typeof closed>(this, SyncAct.receive, 0, ctx, 'channel.tryRecv', (token, isClosed) =>
      isClosed ? closed : { value: values.take(token) as T },
    );
  }

  /** Takes nothing more; who waits for a value gets `closed`. Closing it again does nothing. */
  close(): void {
    this._objects.now('channel.close', 0, SyncDo.close, this, 0);
    this.#isClosed = true;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Values in the buffer now. */
  get size(): number {
    return this._objects.count('channel.size', this);
  }

  /** The values until it is closed and empty. Leaving the loop does not close it. The caller is who asks for the iterator. */
  values(options?: Context | WaitOptions): AsyncIterableIterator<T, undefined> {
    const meaning = new Iterating(this as Channel<unknown>);
    const to = options ?? this._objects.caller(undefined, meaning.name);
    let isOver = false;
    const iterator: AsyncIterableIterator<T, undefined> = {
      next: () => (isOver ? Promise.resolve({ done: true, value: undefined }) : this._objects.wait(this, SyncAct.receive, 0, to, meaning)),
      return: () => {
        isOver = true;
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return this.values();
  }
}
