/**
 * Singleflight: those who ask for the same key at the same time share one execution. It runs as a task of its own, a root, so
 * that no caller's end is its end; callers wait for it as for any task.
 *
 *   flight: under way -> completed (kept for its ttl) | failed | cancelled, when the last of those who wait has left
 *
 * Invariants: one flight a key is under way; its error goes to all who wait and is kept for nobody; nobody joins a flight that
 * is being cancelled. Who would wait for the flight that it runs in is refused; a circle of several flights is a deadlock, which
 * the kernel finds. (The name and the idea are those of Go's golang.org/x/sync/singleflight.)
 */

import { Context, type Body } from '../context.js';
import { ArgumentError, SingleflightError } from '../errors.js';
import { checkOptionNames } from '../llm/request.js';
import { printable } from '../printable.js';
import { Task } from '../task.js';
import { checkWait, type WaitOptions } from '../waits.js';

/** What a flight is known by: a value of JSON's; objects are equal whatever the order of their keys. */
export type SingleflightKey = string | number | boolean | null | readonly SingleflightKey[] | { readonly [name: string]: SingleflightKey | undefined };

export interface SingleflightOptions extends WaitOptions {
  /** How long a value is kept, once it is there, for those who ask later. Milliseconds, default 0: not at all. */
  ttl?: number | undefined;
  /** So many independent results, as an array: `fn` runs so often, side by side. */
  samples?: number | undefined;
}

/** What runs in the flight; `sample` counts from 0 where `samples` is given. */
export type Flown<T> = (ctx: Context, sample: number) => T | PromiseLike<T>;

interface Flight {
  readonly task: Task<unknown>;
  waiting: number;
  /** When its value is too old; 0 while it is under way. */
  until: number;
}

/** What singleflights need of their runtime. @internal */
export interface FlightHost {
  submit<T>(body: Body<T>, name: string): Task<T>;
  await<T>(task: Task<T>, options: WaitOptions): Promise<T>;
  cancel(task: Task, reason: string): void;
  caller(ctx: Context | undefined, operation: string): Context | undefined;
  open(operation: string, caller?: Context): void;
  refused(caller: Context | undefined, error: unknown): Promise<never>;
  now(): number;
}

const kOptions = ['ctx', 'signal', 'timeout', 'ttl', 'samples'];
const kOperation = 'singleflight';

/** @internal */
export class Singleflights {
  readonly #flights = new Map<string, Flight>();
  // Values that are kept are looked at when there are twice as many as after the last look.
  #lookAt = 64;

  constructor(private readonly host: FlightHost) {}

  do<T>(key: SingleflightKey, fn: Flown<T>, options: SingleflightOptions | Context | undefined, bound?: Context): Promise<T> {
    const { host } = this;
    let caller: Context | undefined;
    try {
      const wanted: SingleflightOptions = options instanceof Context ? { ctx: options } : (options ?? {});
      checkOptionNames(kOperation, wanted, kOptions);
      const { ttl = 0, samples, ...wait } = wanted;
      checkWait(kOperation, wait);
      if (typeof fn !== 'function') throw new ArgumentError(kOperation, `fn must be a function, got ${printable(fn)}`);
      if (typeof ttl !== 'number' || !(ttl >= 0)) throw new ArgumentError(kOperation, `options.ttl must be a number of milliseconds, 0 or more, got ${printable(ttl)}`);
      if (samples !== undefined && (!Number.isInteger(samples) || samples < 1)) {
        throw new ArgumentError(kOperation, `options.samples must be a whole number from 1, got ${printable(samples)}`);
      }
      caller = host.caller(wait.ctx ?? bound, kOperation);
      host.open(kOperation, caller);
      const name = `${keyOf(key)}${samples === undefined ? '' : ` x ${samples}`}`;
      const flight = this.#boarding(name) ?? this.#begin(name, fn, ttl, samples);
      for (let up: Task | undefined = caller?._owner; up !== undefined; up = up._parent) {
        if (up === flight.task) throw new SingleflightError(`${kOperation} ${name}: the function that runs for this key asks for it itself`);
      }
      return this.#board(flight, { ...wait, ctx: caller });
    } catch (error) {
      return host.refused(caller, error);
    }
  }

  // The flight that may be joined, or whose value is still good.
  #boarding(name: string): Flight | undefined {
    const flight = this.#flights.get(name);
    if (flight === undefined) return undefined;
    const { state } = flight.task;
    const isGood = state === 'completed' ? this.host.now() < flight.until : state !== 'cancelled' && state !== 'error';
    return isGood ? flight : undefined;
  }

  #begin(name: string, fn: Flown<unknown>, ttl: number, samples: number | undefined): Flight {
    const body: Body<unknown> =
      samples === undefined
        ? (ctx) => fn(ctx, 0)
        : (ctx) => ctx.awaitAll(Array.from({ length: samples }, (_, sample) => ctx.submit((own) => fn(own, sample), { name: `sample ${sample}` })));
    const task = this.host.submit(body, `${kOperation} ${name}`);
    const flight: Flight = { task, waiting: 0, until: 0 };
    this.#flights.set(name, flight);
    const over = (isKept: boolean): void => {
      flight.until = isKept ? this.host.now() + ttl : 0;
      if ((!isKept || ttl === 0) && this.#flights.get(name) === flight) this.#flights.delete(name);
    };
    task.promise.then(() => over(true), () => over(false));
    if (this.#flights.size > this.#lookAt) this.#forgetOld();
    return flight;
  }

  #board<T>(flight: Flight, wait: WaitOptions): Promise<T> {
    flight.waiting++;
    const answer = this.host.await(flight.task as Task<T>, wait);
    const left = (): void => {
      if (--flight.waiting > 0 || flight.task._outcome !== 0) return;
      this.host.cancel(flight.task as Task, 'nobody waits for it any more');
    };
    answer.then(left, left);
    return answer;
  }

  #forgetOld(): void {
    const now = this.host.now();
    for (const [name, { task, until }] of this.#flights) {
      if (task.state === 'completed' && until <= now) this.#flights.delete(name);
    }
    this.#lookAt = Math.max(64, this.#flights.size * 2);
  }
}

function keyOf(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(key);
  const seen = new Set<unknown>();
  const text = (value: unknown, path: string): string => {
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
    if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
    if (typeof value !== 'object') throw new ArgumentError(kOperation, `the key must be a value of JSON's; ${path} is ${printable(value)}`);
    if (seen.has(value)) throw new ArgumentError(kOperation, `the key must be a value of JSON's; ${path} contains itself`);
    seen.add(value);
    let written: string;
    if (Array.isArray(value)) {
      written = `[${value.map((item, i) => text(item, `${path}[${i}]`)).join(',')}]`;
    } else {
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) throw new ArgumentError(kOperation, `the key must be a value of JSON's; ${path} is ${printable(value)}`);
      const entries = Object.entries(value).filter(([, item]) => item !== undefined);
      entries.sort(([a], [b]) => (a < b ? -1 : 1));
      written = `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${text(item, `${path}.${name}`)}`).join(',')}}`;
    }
    seen.delete(value);
    return written;
  };
  return text(key, 'key');
}
