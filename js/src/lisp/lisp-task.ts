/** Tasks whose bodies are Lisp: programs that JavaScript runs, and what these make with `async`. */

import type { Runtime } from '../runtime.js';
import { Task, Unread } from '../task.js';
import type { TaskOptions } from '../task-options.js';
import { Decoder, type Meanings } from './decoder.js';

export class LispTask<T = unknown> extends Task<T> {
  /** Gets what it prints. @internal */
  output: ((text: string) => void) | undefined = undefined;

  /** `isProgram`: JavaScript submitted it. @internal */
  constructor(
    runtime: Runtime,
    fiber: number,
    seq: number,
    parent: Task | undefined,
    options: TaskOptions | undefined,
    created: number,
    readonly isProgram: boolean,
  ) {
    super(runtime, fiber, seq, undefined, parent, options, created);
  }
}

/** A result as the core wrote it, converted when somebody asks. An error in its place says why it cannot be converted. */
export class WrittenResult extends Unread {
  #bytes: Uint8Array | undefined;

  constructor(
    bytes: Uint8Array,
    private readonly isError: boolean,
    private readonly meanings: Meanings,
  ) {
    super();
    this.#bytes = bytes;
  }

  protected override make(): unknown {
    const decoder = new Decoder(this.#bytes!, this.meanings);
    this.#bytes = undefined;
    const value = decoder.value();
    if (this.isError) throw value;
    return value;
  }
}
