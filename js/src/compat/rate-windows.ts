/**
 * p-queue's rate limit: at most `cap` jobs begin in an interval. Fixed windows follow one another while the queue has jobs; after
 * an idle time the next one opens with the next job. Under `strict` no span of the interval's length has more than `cap`.
 *
 * A job takes its place in the count with its turn, and begins later: after the runtime is loaded, when its limits allow. What
 * has not begun when a window ends is counted in the next one too, so that a late runtime makes no burst. Times are the runtime's;
 * they matter only after something began.
 */

import { Fifo } from './fifo.js';

export class RateWindows {
  // Jobs counted in the current window, the coming one if none is open.
  #count = 0;
  #notBegun = 0;
  #end: number | undefined;
  #isIdle = false;
  // Under strict: the ends of the intervals that began with jobs.
  readonly #ends = new Fifo<number>();

  constructor(
    readonly interval: number,
    readonly cap: number,
    readonly strict: boolean,
    readonly carryover: boolean,
  ) {}

  /** Whether no more may begin now. `running`: jobs that have their turn. */
  isFull(now: number, running: number): boolean {
    this.pass(now, running);
    return (this.strict ? this.#ends.size + this.#notBegun : this.#count) >= this.cap;
  }

  /** When more may begin, if time alone decides that. */
  get due(): number | undefined {
    return this.strict ? this.#ends.peek() : this.#end;
  }

  /** It is (at least) that late. */
  pass(now: number, running: number): void {
    while (this.#ends.size > 0 && this.#ends.peek()! <= now) this.#ends.shift();
    if (this.#end === undefined || this.#end > now) return;
    this.#count = this.carryover ? running : this.#notBegun;
    this.#end = this.#isIdle ? undefined : this.#end + this.interval * (Math.floor((now - this.#end) / this.interval) + 1);
  }

  /** A job has its turn. */
  take(): void {
    this.#count++;
    this.#notBegun++;
  }

  began(now: number, running: number): void {
    this.pass(now, running);
    this.#notBegun--;
    this.#isIdle = false;
    if (this.strict) this.#ends.push(now + this.interval);
    else this.#end ??= now + this.interval;
  }

  /** It was ended before it began. */
  neverBegan(): void {
    this.#notBegun--;
    this.#count = Math.max(0, this.#count - 1);
  }

  /** No job runs or waits, until the next one begins. */
  idle(now: number): void {
    this.pass(now, 0);
    this.#isIdle = true;
  }
}
