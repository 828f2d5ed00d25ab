/** Barrier: the last of `parties` lets all of them pass, and the next round begins. One that gives up does not count. */

import type { Context } from '../context.js';
import type { Meaning } from '../operations.js';
import { SyncAct, SyncKind } from '../protocol.js';
import type { WaitOptions } from '../waits.js';
import type { Objects } from './objects.js';
import { checkCount, noFailure, SyncObject, type ObjectOptions } from './sync-object.js';

class Passing implements Meaning {
  readonly name = 'barrier.wait';
  readonly failure = noFailure;
  constructor(readonly barrier: Barrier) {}
  value(): undefined {
    return undefined;
  }
}

export class Barrier extends SyncObject {
  readonly parties: number;
  readonly #passing = new Passing(this);

  /** Use Runtime.barrier(). @internal */
  constructor(objects: Objects, parties: number, options?: ObjectOptions) {
    checkCount('barrier', 'the number of parties', parties);
    super(objects, 'barrier', SyncKind.barrier, parties, options);
    this.parties = parties;
  }

  /** Waits until as many wait as there are parties, the caller included. */
  wait(options?: Context | WaitOptions): Promise<void> {
    return this._objects.wait(this, SyncAct.pass, 0, options, this.#passing);
  }

  /** Parties that wait now. */
  get waiting(): number {
    return this._objects.count('barrier.waiting', this);
  }
}
