/**
 * What waits, by priority: higher first, first come first served among equals. A level a priority, sorted; adding and taking
 * cost O(log levels), a new level O(levels). What is removed from the middle leaves a mark that is dropped when it comes to the
 * front, or when most of its level is marks.
 */

import { Fifo } from './fifo.js';

/** Where an item waits. */
export interface Place<T> {
  readonly item: T;
  readonly level: Level<T>;
  isLeft: boolean;
}

class Level<T> {
  places = new Fifo<Place<T>>();
  live = 0;
  constructor(readonly priority: number) {}

  /** Drops the marks at the front; gives the first place that is none. */
  front(): Place<T> {
    while (this.places.peek()!.isLeft) this.places.shift();
    return this.places.peek()!;
  }

  compact(): void {
    if (this.places.size <= 32 || this.places.size <= 2 * this.live) return;
    const rest = new Fifo<Place<T>>();
    for (const each of this.places) if (!each.isLeft) rest.push(each);
    this.places = rest;
  }
}

export class Ranked<T> {
  size = 0;
  // The highest priority last; none is empty.
  #levels: Level<T>[] = [];

  add(item: T, priority: number): Place<T> {
    const at = this.#at(priority);
    let level = this.#levels[at];
    if (level?.priority !== priority) this.#levels.splice(at, 0, (level = new Level<T>(priority)));
    const place: Place<T> = { item, level, isLeft: false };
    level.places.push(place);
    level.live++;
    this.size++;
    return place;
  }

  /** The one whose turn comes first. */
  peek(): Place<T> | undefined {
    return this.#levels.at(-1)?.front();
  }

  take(): Place<T> | undefined {
    const place = this.peek();
    if (place === undefined) return undefined;
    place.level.places.shift();
    this.#left(place);
    return place;
  }

  /** False for one that has left. */
  remove(place: Place<T>): boolean {
    if (place.isLeft) return false;
    this.#left(place);
    place.level.compact();
    return true;
  }

  /** Those of one priority, or all, in their order. */
  *items(priority?: number): Generator<Place<T>> {
    for (let at = this.#levels.length - 1; at >= 0; at--) {
      const level = this.#levels[at]!;
      if (priority !== undefined && level.priority !== priority) continue;
      for (const place of level.places) if (!place.isLeft) yield place;
    }
  }

  #left(place: Place<T>): void {
    const { level } = place;
    place.isLeft = true;
    level.live--;
    this.size--;
    if (level.live === 0) this.#levels.splice(this.#at(level.priority), 1);
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
}
