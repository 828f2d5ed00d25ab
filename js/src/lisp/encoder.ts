/**
 * Values of JavaScript on their way into Lisp. One pass with a list of work instead of recursion, so that depth is bounded by
 * a number and not by the engine's stack. User code may run in it (getters, proxies): whatever that does gives a
 * ConversionError, or a value.
 *
 * What cannot cross is refused with its path: functions, symbols, instances of classes (a Date, a Set, a promise), cycles.
 * A string's lone surrogates become U+FFFD, as on every way out of JavaScript.
 */

import { closed } from '../closed.js';
import { ConversionError } from '../errors.js';
import { printable } from '../printable.js';
import { keyPath, maxDepth, maxWireBytes, Tag } from './wire.js';

/** Gives the two numbers by which Lisp knows a task, or why it cannot cross; undefined for what is no task of Lisp's. */
export type TaskNumbers = (value: object) => { fiber: number; seq: number } | string | undefined;

/** A list or a table that is being written. */
interface Level {
  readonly source: object;
  /** Of a table; undefined of a list. */
  readonly keys: readonly string[] | undefined;
  readonly values: ArrayLike<unknown> | undefined;
  readonly count: number;
  at: number;
}

const utf8 = new TextEncoder();
const smallText = 24;
// kMaxBits of core/lisp/numbers/numbers.h.
const largestInteger = 1n << 262_144n;

export class Encoder {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #numbersOf: TaskNumbers;

  constructor(numbersOf: TaskNumbers = () => undefined) {
    this.#numbersOf = numbersOf;
  }

  /** What was written so far; valid until the next write. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Begins anew. A buffer that one large value made large is let go. */
  clear(): this {
    this.#length = 0;
    if (this.#bytes.length > 1 << 20) this.#resize(1024);
    return this;
  }

  /** The head of a list whose `count` values follow. */
  list(count: number): this {
    this.#head(Tag.list, count);
    return this;
  }

  text(text: string): this {
    this.#tag(Tag.text);
    this.#text(text);
    return this;
  }

  /** The head of an error: code, message, position, backtrace, irritants and payload follow, then hostError(). */
  error(): this {
    this.#tag(Tag.error);
    return this;
  }

  hostError(number: number): this {
    this.#room(4);
    this.#view.setUint32(this.#length, number, true);
    this.#length += 4;
    return this;
  }

  /** Writes a value of the user's. `root` is its name in paths: `args[2]`. Throws a ConversionError; what was written by then
   * is no whole value. */
  value(value: unknown, root: string): this {
    const levels: Level[] = [];
    const within = new Set<object>();
    try {
      this.#value(value, levels, within);
      while (levels.length > 0) {
        const level = levels[levels.length - 1]!;
        const { keys, values, count } = level;
        if (level.at === count) {
          within.delete(level.source);
          levels.pop();
          continue;
        }
        const i = level.at++;
        if (keys === undefined) {
          this.#value(values![i], levels, within);
        } else {
          this.#text(keys[i]!);
          this.#value(values === undefined ? (level.source as Record<string, unknown>)[keys[i]!] : values[i], levels, within);
        }
      }
    } catch (error) {
      throw conversionError(error, pathOf(root, levels));
    }
    return this;
  }

  #value(value: unknown, levels: Level[], within: Set<object>): void {
    switch (typeof value) {
      case 'string':
        this.#tag(Tag.text);
        this.#text(value);
        return;
      case 'number':
        this.#tag(Number.isSafeInteger(value) && !Object.is(value, -0) ? Tag.integer : Tag.real);
        this.#room(8);
        this.#view.setFloat64(this.#length, value, true);
        this.#length += 8;
        return;
      case 'boolean':
        this.#tag(value ? Tag.yes : Tag.no);
        return;
      case 'undefined':
        this.#tag(Tag.unspecified);
        return;
      case 'bigint':
        if (value >= largestInteger || value <= -largestInteger) throw new Refusal('an integer of Lisp has at most 262144 bits');
        this.#tag(Tag.big);
        this.#text(String(value));
        return;
      case 'object':
        if (value === null) this.#tag(Tag.nil);
        else this.#object(value, levels, within);
        return;
      case 'symbol':
        if (value === closed) {
          this.#tag(Tag.end);
          return;
        }
        throw new Refusal('a symbol cannot cross into Lisp; give its description');
      default:
        throw new Refusal('a function cannot cross into Lisp as a value; rt.define(name, fn) makes one callable there');
    }
  }

  #object(value: object, levels: Level[], within: Set<object>): void {
    if (within.has(value)) throw new Refusal('it contains itself, and a cycle cannot cross into Lisp');
    if (levels.length >= maxDepth) throw new Refusal(`it is nested more than ${maxDepth} deep`);
    let level: Level;
    if (Array.isArray(value)) {
      level = { source: value, keys: undefined, values: value, count: value.length, at: 0 };
      // One byte each at least, also of the holes of a sparse array.
      if (this.#length + level.count > maxWireBytes) throw tooLarge();
      this.#head(Tag.list, level.count);
    } else if (value instanceof Uint8Array) {
      this.#head(Tag.bytes, value.length);
      this.#room(value.length);
      this.#bytes.set(value, this.#length);
      this.#length += value.length;
      return;
    } else if (value instanceof Map) {
      const keys: string[] = [];
      const values: unknown[] = [];
      for (const [key, one] of value as Map<unknown, unknown>) {
        if (typeof key !== 'string') throw new Refusal(`a Map's keys must be strings, and one is ${printable(key).slice(0, 60)}`);
        keys.push(key);
        values.push(one);
        if (keys.length > maxWireBytes / 6) throw tooLarge();
      }
      level = { source: value, keys, values, count: keys.length, at: 0 };
      this.#head(Tag.table, level.count);
    } else {
      const task = this.#numbersOf(value);
      if (typeof task === 'string') throw new Refusal(task);
      if (task !== undefined) {
        this.#tag(Tag.task);
        this.hostError(task.fiber);
        this.hostError(task.seq);
        return;
      }
      checkPlain(value);
      const keys = Object.keys(value);
      level = { source: value, keys, values: undefined, count: keys.length, at: 0 };
      this.#head(Tag.table, level.count);
    }
    within.add(value);
    levels.push(level);
  }

  #head(tag: number, count: number): void {
    this.#room(5);
    this.#bytes[this.#length] = tag;
    this.#view.setUint32(this.#length + 1, count, true);
    this.#length += 5;
  }

  #tag(tag: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = tag;
  }

  // Length and bytes, without a tag.
  #text(text: string): void {
    const { length } = text;
    // A unit of UTF-16 is three bytes at most.
    this.#room(4 + length * 3);
    const start = this.#length + 4;
    let end = start;
    if (length <= smallText) {
      for (let i = 0; i < length; i++) {
        const unit = text.charCodeAt(i);
        if (unit > 0x7f) {
          end = -1;
          break;
        }
        this.#bytes[end++] = unit;
      }
    } else {
      end = -1;
    }
    if (end < 0) end = start + utf8.encodeInto(text, this.#bytes.subarray(start)).written;
    this.#view.setUint32(this.#length, end - start, true);
    this.#length = end;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    // A text counts with its worst case here.
    if (this.#length > maxWireBytes || bytes > 4 + 3 * maxWireBytes) throw tooLarge();
    this.#resize(Math.max(needed, this.#bytes.length * 2));
  }

  #resize(size: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Why a value cannot cross, until its path is known. */
class Refusal {
  constructor(readonly reason: string) {}
}

function tooLarge(): Refusal {
  return new Refusal(`it takes more than ${maxWireBytes / 2 ** 20} MiB`);
}

function checkPlain(value: object): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Of another realm, too: its Object.prototype has none.
  if (prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null) return;
  const name = (prototype as { constructor?: { name?: unknown } }).constructor?.name;
  const what = typeof name === 'string' && name !== '' ? `an instance of ${name.slice(0, 60)}` : 'an instance of a class';
  if (typeof (value as { then?: unknown }).then === 'function') throw new Refusal('a promise cannot cross into Lisp; await it first');
  throw new Refusal(`${what} cannot cross into Lisp; give plain data: null, booleans, numbers, strings, arrays, Maps, Uint8Arrays and plain objects`);
}

function conversionError(error: unknown, path: string): ConversionError {
  if (error instanceof Refusal) return new ConversionError(`${path}: ${error.reason}`, path);
  return new ConversionError(`${path}: reading it failed: ${printable(error).slice(0, 200)}`, path, { cause: error });
}

/** `args[2].user`; the middle of a very deep one is left out. */
function pathOf(root: string, levels: readonly Level[]): string {
  const shown = 20;
  const parts = levels
    .filter((_, i) => levels.length <= 2 * shown || i < shown || i >= levels.length - shown)
    .map(({ keys, at }) => (at === 0 ? '' : keys === undefined ? `[${at - 1}]` : keyPath(keys[at - 1]!)));
  if (levels.length > 2 * shown) parts.splice(shown, 0, '...');
  return root + parts.join('');
}
