/**
 * The order in which p-queue's jobs wait, and the interface that a queue class of the user's has: higher priority first, first
 * come first served among equals. Finding by id or function is a walk the first time, and a look into an index from then on.
 */

import type { QueueAddOptions } from './p-queue-options.js';
import { Ranked, type Place } from './ranked.js';

/** Starts a job; gives a promise of its end that never rejects. */
export type RunFunction = () => Promise<unknown>;

/** What `queueClass` must make. */
export type Queue<Element, Options> = {
  size: number;
  filter: (options: Readonly<Partial<Options>>) => Element[];
  dequeue: () => Element | undefined;
  enqueue: (run: Element, options?: Partial<Options>) => void;
  setPriority: (id: string, priority: number) => void;
  remove: (id: string) => void;
};

export type PriorityQueueOptions = { priority?: number | undefined } & QueueAddOptions;

interface Entry {
  readonly run: RunFunction;
  readonly id: string | undefined;
}

export default class PriorityQueue implements Queue<RunFunction, PriorityQueueOptions> {
  #waiting = new Ranked<Entry>();
  // Made by the first search, dropped when the queue is empty.
  #index: Map<string | RunFunction, Place<Entry>[]> | undefined;

  get size(): number {
    return this.#waiting.size;
  }

  enqueue(run: RunFunction, options?: Partial<PriorityQueueOptions>): void {
    const place = this.#waiting.add({ run, id: options?.id }, options?.priority ?? 0);
    if (this.#index !== undefined) note(this.#index, place);
  }

  dequeue(): RunFunction | undefined {
    const place = this.#waiting.take();
    if (place !== undefined) this.#forget(place);
    return place?.item.run;
  }

  filter(options: Readonly<Partial<PriorityQueueOptions>>): RunFunction[] {
    if (options.priority === undefined) return [];
    return Array.from(this.#waiting.items(options.priority), ({ item }) => item.run);
  }

  /** Moves a job behind those of its new priority. Throws a ReferenceError for one that does not wait. */
  setPriority(id: string, priority: number): void {
    const place = this.#find(id);
    if (place === undefined) throw new ReferenceError(`p-queue: no waiting job has the id ${JSON.stringify(id)}`);
    if (place.level.priority === priority) return;
    this.#remove(place);
    this.enqueue(place.item.run, { priority, id });
  }

  /** Takes a job out, by its id or its function. */
  remove(id: string): void;
  remove(run: RunFunction): void;
  remove(key: string | RunFunction): void {
    const place = this.#find(key);
    if (place !== undefined) this.#remove(place);
  }

  #remove(place: Place<Entry>): void {
    this.#waiting.remove(place);
    this.#forget(place);
  }

  #find(key: string | RunFunction): Place<Entry> | undefined {
    if (this.#index === undefined) {
      this.#index = new Map();
      for (const place of this.#waiting.items()) note(this.#index, place);
    }
    const places = this.#index.get(key);
    // Of several with one id, the one whose turn comes first.
    return places?.reduce((first, each) => (each.level.priority > first.level.priority ? each : first));
  }

  #forget(place: Place<Entry>): void {
    if (this.#index === undefined) return;
    if (this.#waiting.size === 0) {
      this.#index = undefined;
      return;
    }
    for (const key of keysOf(place)) {
      const places = this.#index.get(key)!;
      if (places.length === 1) this.#index.delete(key);
      else places.splice(places.indexOf(place), 1);
    }
  }
}

function note(index: Map<string | RunFunction, Place<Entry>[]>, place: Place<Entry>): void {
  for (const key of keysOf(place)) {
    const places = index.get(key);
    if (places === undefined) index.set(key, [place]);
    else places.push(place);
  }
}

function keysOf({ item: { run, id } }: Place<Entry>): (string | RunFunction)[] {
  return id === undefined ? [run] : [run, id];
}
