/** Tasks whose bodies are Lisp: programs that JavaScript runs, and what these make with `async`. */

import type { Runtime } from '../runtime.js';
import { Task, Unread } from '../task.js';
import type { TaskOptions } from '../task-options.js';
import { Decoder, type Meanings } from './decoder.js';
import type { ProgramText } from './form-at.js';
import { flush } from './output.js';

export class LispTask<T = unknown> extends Task<T> {
  /** Gets what it prints. @internal */
  output: ((text: string) => void) | undefined = undefined;

  /** What it runs, until it has settled. @internal */
  text: ProgramText | undefined = undefined;

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

  // Failed tasks of a program that nobody has awaited yet.
  #unread: LispTask[] | undefined;

  /** A program may await its tasks later than they fail, in order as a rule. So a failure surfaces when the program is over. */
  override _surface(): void {
    const program = this.isProgram ? undefined : this.#program();
    if (program === undefined || program._outcome !== 0) super._surface();
    else (program.#unread ??= []).push(this as LispTask);
  }

  override _settle(outcome: number, value: unknown, interrupted: boolean, at: number): void {
    // Behind what it printed, which waits in the same queue, and before who awaits it goes on.
    if (this.isProgram && this.output === undefined) queueMicrotask(flush);
    super._settle(outcome, value, interrupted, at);
    this.text = undefined;
    for (const task of this.#unread ?? []) {
      if (!task._observed && task._extra?.promise === undefined) task._surface();
    }
    this.#unread = undefined;
  }

  /** The text of the program that it belongs to. @internal */
  get programText(): ProgramText | undefined {
    return this.isProgram ? this.text : this.#program()?.text;
  }

  #program(): LispTask | undefined {
    let at: Task | undefined = this._parent;
    while (at !== undefined && !(at instanceof LispTask && at.isProgram)) at = at._parent;
    return at;
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
