/**
 * Where the jobs of a queue run. The libraries whose place these modules take make a queue in a constructor, at once, while a
 * runtime has to be loaded: so a home takes jobs from the beginning, and hands them to its runtime in their order once that
 * is there.
 *
 * One runtime, with no limits of its own, is shared by every queue that names no other: it is loaded at the first job, its
 * limits are those of the queues, and like any idle runtime it keeps no process alive. A queue so costs no WebAssembly
 * instance (programs make a limit per request). A job whose home cannot be loaded fails with that error; the next job tries again.
 */

import { createRuntime, type Runtime } from '../runtime.js';

/** What a home hands over. */
export interface Arrival {
  arrived(runtime: Runtime): void;
  refused(error: unknown): void;
}

/** A runtime, or the promise of one: `createRuntime(...)`, not awaited. */
export type RuntimeOption = Runtime | PromiseLike<Runtime>;

export class Home {
  /** Once it is there. */
  runtime: Runtime | undefined;
  readonly #find: () => PromiseLike<Runtime>;
  #waiting: Arrival[] = [];

  constructor(where: Runtime | (() => PromiseLike<Runtime>)) {
    if (typeof where !== 'function') this.runtime = where;
    this.#find = typeof where === 'function' ? where : () => Promise.resolve(where);
  }

  /** Hands the job to the runtime: now, or after those that came before it. */
  take(job: Arrival): void {
    if (this.runtime !== undefined) {
      job.arrived(this.runtime);
      return;
    }
    if (this.#waiting.push(job) > 1) return;
    this.#find().then(
      (runtime) => {
        this.runtime = runtime;
        for (const each of this.#taken()) each.arrived(runtime);
      },
      (error: unknown) => {
        for (const each of this.#taken()) each.refused(error);
      },
    );
  }

  /** Finds the runtime although no job is there yet. */
  prepare(): void {
    if (this.runtime !== undefined) return;
    this.#find().then(
      (runtime) => (this.runtime = runtime),
      // Jobs are told.
      () => {},
    );
  }

  #taken(): Arrival[] {
    const jobs = this.#waiting;
    this.#waiting = [];
    return jobs;
  }
}

let shared: Home | undefined;

/** The home that the option `runtime` means. Throws a TypeError for what is none. */
export function homeOf(runtime: RuntimeOption | undefined): Home {
  if (runtime === undefined) return (shared ??= new Home(() => createRuntime({ maxConcurrentTasks: Infinity, retainSettled: 0 })));
  // Of another copy of the package it is as good.
  if (typeof (runtime as Runtime)?.submit === 'function') return new Home(runtime as Runtime);
  const promise = runtime as PromiseLike<Runtime>;
  if (typeof promise?.then !== 'function') throw new TypeError('the option `runtime` must be what createRuntime() gives');
  return new Home(() => promise);
}
