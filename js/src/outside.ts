/**
 * A caller that is no task: plain JavaScript that waits for something of the runtime. Each operation called from outside
 * has an anonymous fiber of its own, which needs no slot and ends with the operation.
 */

import { ClosedError } from './errors.js';
import type { RawExports } from './engine/module.js';
import type { Owner } from './operations.js';

export class Outside implements Owner {
  readonly _fiber: number;
  readonly #raw: RawExports;
  readonly #operation: string;
  readonly #stays: boolean;
  #ended = false;

  /** `stays`: several operations follow (a stream), end() ends it. */
  constructor(raw: RawExports, operation: string, stays = false) {
    this.#raw = raw;
    this.#operation = operation;
    this.#stays = stays;
    this._fiber = raw.hd_outside();
  }

  // Only close() cancels callers outside; their own signals abort their operations instead.
  _interruption(): unknown {
    return new ClosedError(this.#operation);
  }

  _operationOver(): void {
    if (!this.#stays) this.end();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#raw.hd_outside_done(this._fiber);
  }
}
