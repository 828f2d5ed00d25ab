/** A caller outside who may come to hold a mutex: its anonymous fiber lives until it unlocks. */

import { Outside } from '../outside.js';
import type { RawExports } from '../engine/module.js';

export class OutsideHolder extends Outside {
  /** It holds a mutex; who takes that away ends it. */
  isHolder = false;

  constructor(raw: RawExports, operation: string) {
    super(raw, operation, true);
  }

  override _operationOver(): void {
    if (!this.isHolder) this.end();
  }
}
