/** What all objects have, and the checks of what they are made with. Apart from `objects.ts`, because classes extend this. */

import { ArgumentError } from '../errors.js';
import { printable } from '../printable.js';
import { maxPermits } from '../protocol.js';
import type { Objects } from './objects.js';

/** Options of every object. */
export interface ObjectOptions {
  /** For messages and explain(). */
  name?: string | undefined;
}

export abstract class SyncObject {
  /** @internal */ readonly _objects: Objects;
  /** @internal */ readonly _id: number;
  /** As in messages: `mutex 'db'`, `mutex #3`. @internal */ readonly _label: string;
  readonly name: string | undefined;

  /** @internal */
  constructor(objects: Objects, operation: string, kind: number, limit: number, options: ObjectOptions | undefined, overflow = 0) {
    const name = nameOf(operation, options);
    this._objects = objects;
    this.name = name;
    [this._id, this._label] = objects.make(this, operation, kind, limit, name, overflow);
  }

  /** The error of an operation that the kernel refused, where it is no usual one. @internal */
  _refusal(_answer: number, _operation: string): unknown {
    return undefined;
  }
}

/** A whole number from 1 to what an object can count. */
export function checkCount(operation: string, what: string, count: unknown, least = 1): asserts count is number {
  if (typeof count !== 'number' || !Number.isInteger(count) || count < least || count > maxPermits) {
    throw new ArgumentError(operation, `${what} must be a whole number from ${least} to ${maxPermits}, got ${printable(count)}`);
  }
}

function nameOf(operation: string, options: ObjectOptions | undefined): string | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || options === null) throw new ArgumentError(operation, `the options must be an object, got ${printable(options)}`);
  const name: unknown = options.name;
  if (name !== undefined && typeof name !== 'string') throw new ArgumentError(operation, `options.name must be a string, got ${printable(name)}`);
  return name as string | undefined;
}

/** For operations that cannot fail by themselves. */
export const noFailure = (): undefined => undefined;
