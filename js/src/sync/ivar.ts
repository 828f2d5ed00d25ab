/** IVar: a value that is written once, and read by any number of readers, now or later. */

import type { Context } from '../context.js';
import { IVarError } from '../errors.js';
import type { Meaning } from '../operations.js';
import { Answer, SyncAct, SyncDo, SyncKind } from '../protocol.js';
import type { WaitOptions } from '../waits.js';
import type { Objects } from './objects.js';
import { noFailure, SyncObject, type ObjectOptions } from './sync-object.js';

class Taking implements Meaning {
  readonly name = 'ivar.take';
  readonly failure = noFailure;
  constructor(readonly ivar: IVar<unknown>) {}
  value(token: number): unknown {
    return this.ivar._objects.values.read(token);
  }
}

export class IVar<T> extends SyncObject {
  readonly #taking = new Taking(this as IVar<unknown>);

  /** Use Runtime.ivar(). @internal */
  constructor(objects: Objects, options?: ObjectOptions) {
    super(objects, 'ivar', SyncKind.ivar, 0, options);
  }

  /** Writes the value. Throws an IVarError (IVarFull) where there is one. */
  put(value: T): void {
    const { values } = this._objects;
    const token = values.put(value);
    let answer: number | undefined;
    try {
      answer = this._objects.now('ivar.put', 0, SyncDo.put, this, token);
    } finally {
      if (answer !== Answer.done) values.take(token);
    }
    if (answer !== Answer.done) throw new IVarError('ivar.put', `${this._label} has its value already`);
  }

  /** Waits for the value, and leaves it there. */
  take(options?: Context | WaitOptions): Promise<T> {
    return this._objects.wait(this, SyncAct.take, 0, options, this.#taking);
  }

  /** The value in an object of its own, or undefined where there is none yet. */
  tryTake(ctx?: Context): { value: T } | undefined {
    const { values } = this._objects;
    return this._objects.tryNow(this, SyncAct.take, 0, ctx, 'ivar.tryTake', (token) => ({ value: values.read(token) as T }));
  }

  isFull(): boolean {
    return this._objects.count('ivar.isFull', this) !== 0;
  }
}
