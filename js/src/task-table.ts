/**
 * The tasks that a runtime knows, by sequence number, in pages: a lookup is two array reads, and a page goes when its last
 * task is forgotten. Settled tasks stay until there are more than `retain` of them; the oldest go first.
 */

import type { Task } from './task.js';

const pageBits = 9;
const pageSize = 1 << pageBits;

interface Page {
  tasks: (Task | undefined)[];
  count: number;
}

export class TaskTable {
  readonly #pages: (Page | undefined)[] = [];
  #first = 0; // first page that may exist
  // Sequence numbers of settled tasks in order of settling: a ring that is read from #oldest.
  #settled: number[] = [];
  #oldest = 0;
  #kept = 0;
  #forgotten = 0;
  retain: number;

  constructor(retain: number) {
    this.retain = retain;
  }

  /** Settled tasks that are not listed any more. */
  get forgotten(): number {
    return this.#forgotten;
  }

  add(task: Task): void {
    const at = task._seq >>> pageBits;
    if (at < this.#first) this.#first = at;
    const page = (this.#pages[at] ??= { tasks: new Array<Task | undefined>(pageSize), count: 0 });
    page.tasks[task._seq & (pageSize - 1)] = task;
    page.count++;
  }

  get(seq: number): Task | undefined {
    return this.#pages[seq >>> pageBits]?.tasks[seq & (pageSize - 1)];
  }

  /** Forgets a settled task; false if it is unknown. */
  forget(seq: number): boolean {
    const at = seq >>> pageBits;
    const page = this.#pages[at];
    if (page?.tasks[seq & (pageSize - 1)] === undefined) return false;
    page.tasks[seq & (pageSize - 1)] = undefined;
    this.#kept--;
    this.#forgotten++;
    if (--page.count === 0) this.#dropPage(at);
    return true;
  }

  /** A task of the table settled. */
  settled(seq: number): void {
    this.#settled.push(seq);
    this.#kept++;
    while (this.#kept > this.retain) this.forget(this.#settled[this.#oldest++]!);
    if (this.#oldest > 1024 && this.#oldest * 2 > this.#settled.length) {
      this.#settled = this.#settled.slice(this.#oldest);
      this.#oldest = 0;
    }
  }

  /** Which of some settled tasks settled first. Those that were forgotten long ago are older than all others, in the order
   * in which they are given. */
  firstSettled(tasks: readonly Task[]): Task {
    const wanted = new Map(tasks.map((task) => [task._seq, task]));
    let first: Task | undefined;
    for (const seq of this.#settled) {
      const task = wanted.get(seq);
      if (task === undefined) continue;
      first ??= task;
      wanted.delete(seq);
    }
    const [forgotten] = wanted.values();
    return forgotten ?? first!;
  }

  /** In order of submission. */
  *[Symbol.iterator](): Generator<Task> {
    for (let at = this.#first; at < this.#pages.length; at++) {
      for (const task of this.#pages[at]?.tasks ?? []) {
        if (task !== undefined) yield task;
      }
    }
  }

  // The page may still be the one that new tasks go to; add() then makes it anew.
  #dropPage(at: number): void {
    this.#pages[at] = undefined;
    while (this.#first < this.#pages.length && this.#pages[this.#first] === undefined) this.#first++;
  }
}
