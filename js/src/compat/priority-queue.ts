/**
 * The order in which p-queue's jobs wait, and the interface that a queue class of the user's has: higher priority first, first
 * come first served among equals. A level a priority, sorted; adding and taking cost O(log levels), a new level O(levels).
 * What is removed from the middle leaves a mark that is dropped when it comes to the front, or when most of a level is marks.
 * Finding by id or function is a walk the first time, and a look into an index from then on.
 */

import { Fifo } from './fifo.js';
import type { QueueAddOptions } from './p-queue-options.js';

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

interface Place {
  /** Undefined once it was removed. */
  run: RunFunction | undefined;
  readonly id: string | undefined;
  readonly level: Level;
}

class Level {
  places = new Fifo<Place>();
  live = 0;
  constructor(readonly priority: number) {}

  remove(place: Place): void {
    place.run = undefined;
    this.live--;
    if (this.places.size > 32 && this.places.size > 2 * this.live) {
      const rest = new Fifo<Place>();
      for (const each of this.places) if (each.run !== undefined) rest.push(each);
      this.places = rest;
    }
  }
}

export default class PriorityQueue implements Queue<RunFunction, PriorityQueueOptions> {
  #size = 0;
  // The highest priority last; none is empty.
  #levels: Level[] = [];
  // Made by the first search, dropped when the queue is empty.
  #index: Map<string | RunFunction, Place[]> | undefined;

  get size(): number {
    return this.#size;
  }

  enqueue(run: RunFunction, options?: Partial<PriorityQueueOptions>): void {
    const level = this.#level(options?.priority ?? 0);
    const place: Place = { run, id: options?.id, level };
    level.places.push(place);
    level.live++;
    this.#size++;
    if (this.#index !== undefined) note(this.#index, place);
  }

  dequeue(): RunFunction | undefined {
    const level = this.#levels.at(-1);
    if (level === undefined) return undefined;
    let place = level.places.shift()!;
    while (place.run === undefined) place = level.places.shift()!;
    const { run } = place;
    this.#forget(place, run);
    place.run = undefined;
    level.live--;
    this.#left(level);
    return run;
  }

  filter(options: Readonly<Partial<PriorityQueueOptions>>): RunFunction[] {
    const found: RunFunction[] = [];
    const level = this.#levels.find(({ priority }) => priority === options.priority);
    for (const { run } of level?.places ?? []) if (run !== undefined) found.push(run);
    return found;
  }

  /** Moves a job behind those of its new priority. Throws a ReferenceError for one that does not wait. */
  setPriority(id: string, priority: number): void {
    const place = this.#find(id);
    if (place === undefined) throw new ReferenceError(`p-queue: no waiting job has the id ${JSON.stringify(id)}`);
    if (place.level.priority === priority) return;
    const run = place.run!;
    this.#remove(place);
    this.enqueue(run, { priority, id });
  }

  /** Takes a job out, by its id or its function. */
  remove(id: string): void;
  remove(run: RunFunction): void;
  remove(key: string | RunFunction): void {
    const place = this.#find(key);
    if (place !== undefined) this.#remove(place);
  }

  #remove(place: Place): void {
    this.#forget(place, place.run!);
    place.level.remove(place);
    this.#left(place.level);
  }

  #left(level: Level): void {
    this.#size--;
    if (level.live > 0) return;
    this.#levels.splice(this.#at(level.priority), 1);
    if (this.#size === 0) this.#index = undefined;
  }

  #level(priority: number): Level {
    const at = this.#at(priority);
    const there = this.#levels[at];
    if (there?.priority === priority) return there;
    const level = new Level(priority);
    this.#levels.splice(at, 0, level);
    return level;
  }

  // Where the level of that priority is or would be.
  #at(priority: number): number {
    let [low, high] = [0, this.#levels.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#levels[middle]!.priority < priority) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #find(key: string | RunFunction): Place | undefined {
    if (this.#index === undefined) {
      this.#index = new Map();
      for (const level of this.#levels) for (const place of level.places) if (place.run !== undefined) note(this.#index, place);
    }
    const places = this.#index.get(key);
    // Of several with one id, the one whose turn comes first.
    return places?.reduce((first, each) => (each.level.priority > first.level.priority ? each : first));
  }

  #forget(place: Place, run: RunFunction): void {
    if (this.#index === undefined) return;
    for (const key of [run, place.id]) {
      const places = key === undefined ? undefined : this.#index.get(key);
      if (places === undefined) continue;
      if (places.length === 1) this.#index.delete(key!);
      else places.splice(places.indexOf(place), 1);
    }
  }
}

function note(index: Map<string | RunFunction, Place[]>, place: Place): void {
  for (const key of [place.run, place.id]) {
    if (key === undefined) continue;
    const places = index.get(key);
    if (places === undefined) index.set(key, [place]);
    else places.push(place);
  }
}
