/** What a supervisor is told of its children, and how it starts and stops one. Which of them, it decides itself. */

import type { Context } from '../context.js';
import { ArgumentError, TimeoutError } from '../errors.js';
import { printable } from '../printable.js';
import { Task } from '../task.js';
import { endOf, type End } from './down.js';
import { Process, type ProcessHost } from './process.js';

/** Whether it is started again: always; unless it stopped; never. */
export type Restart = 'permanent' | 'transient' | 'temporary';

export interface ChildOptions {
  /** Unique in its supervisor. */
  id: string;
  /** Makes it: an actor, a supervisor or a task, or a promise of one. Called again for each restart. What it throws counts as a
   * failure of the child. */
  start(ctx: Context): Supervised | PromiseLike<Supervised>;
  /** Default `permanent`. */
  restart?: Restart | undefined;
  /** Milliseconds that it has for stopping, then it is cancelled. Default 5000; of a supervisor: no limit. */
  shutdown?: number | undefined;
}

/** What can be supervised. */
export type Supervised = Process | Task<unknown>;

const restarts: readonly string[] = ['permanent', 'transient', 'temporary'] satisfies Restart[];
const shutdownTime = 5000;

/** @internal */
export class Child {
  readonly id: string;
  readonly restart: Restart;
  readonly #start: ChildOptions['start'];
  readonly #shutdown: number | undefined;
  /** What it is now; undefined where it does not run. */
  running: Supervised | undefined;

  constructor(options: ChildOptions) {
    if (typeof options !== 'object' || options === null) throw new ArgumentError('supervisor', `a child must be an object, got ${printable(options)}`);
    const { id, start, restart = 'permanent', shutdown } = options;
    if (typeof id !== 'string' || id === '') throw new ArgumentError('supervisor', `a child's id must be a non-empty string, got ${printable(id)}`);
    if (typeof start !== 'function') throw new ArgumentError('supervisor', `start of child '${id}' must be a function, got ${printable(start)}`);
    if (!restarts.includes(restart)) throw new ArgumentError('supervisor', `restart of child '${id}' must be one of ${restarts.join(', ')}, got ${printable(restart)}`);
    if (shutdown !== undefined && !(typeof shutdown === 'number' && shutdown >= 0)) {
      throw new ArgumentError('supervisor', `shutdown of child '${id}' must be a number of milliseconds, 0 or more, got ${printable(shutdown)}`);
    }
    this.id = id;
    this.restart = restart;
    this.#start = start.bind(options);
    this.#shutdown = shutdown;
  }

  /** Starts it; rejects where that fails. `ended` hears how it ends, unless it was stopped here. */
  async start(host: ProcessHost, ctx: Context, ended: (end: End) => void): Promise<void> {
    let making!: Supervised | PromiseLike<Supervised>;
    host.objects.within(ctx, () => {
      making = this.#start(ctx);
    });
    const made: unknown = await making;
    // Stopped or cancelled meanwhile: nobody would look after it.
    if (made instanceof Process || made instanceof Task) this.running = made;
    try {
      ctx.checkCancellation();
    } catch (error) {
      this.cancel(host, 'its supervisor has ended', error);
      throw error;
    }
    const over = (end: End): void => {
      if (this.running !== made) return;
      this.running = undefined;
      ended(end);
    };
    if (made instanceof Process && made._host === host) {
      made._hear();
      try {
        await made._started(ctx);
      } catch (error) {
        this.running = undefined;
        throw error;
      }
      made.monitor(over);
    } else if (made instanceof Task && made._runtime === host.runtime) {
      made._observe();
      if (made._outcome !== 0) over(endOf(made));
      else (made._lazy().onEnd ??= []).push(() => over(endOf(made)));
    } else {
      this.running = undefined;
      throw new ArgumentError('supervisor', `start of child '${this.id}' must give an actor, a supervisor or a task of this runtime, got ${printable(made)}`);
    }
  }

  /** Stops it, and waits for its end. */
  async stop(host: ProcessHost, ctx: Context, reason: string): Promise<void> {
    const { running } = this;
    this.running = undefined;
    if (running instanceof Process) {
      const timeout = this.#shutdown ?? (running._isPatient ? 0 : shutdownTime);
      if (this.#shutdown !== 0) {
        try {
          await running.stop(reason, { ctx, timeout });
          return;
        } catch (error) {
          if (!(error instanceof TimeoutError) || error.limit !== 'operation') throw error;
        }
      }
      host.cancel(running.task as Task, `${reason}: it did not stop in ${timeout} ms`, undefined);
    } else if (running !== undefined) {
      host.cancel(running as Task, reason, undefined);
    }
  }

  /** Cancels it, and waits for nothing. */
  cancel(host: ProcessHost, reason: string, cause: unknown): void {
    const { running } = this;
    this.running = undefined;
    if (running !== undefined) host.cancel((running instanceof Process ? running.task : running) as Task, reason, cause);
  }
}
