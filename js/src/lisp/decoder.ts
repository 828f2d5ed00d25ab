/**
 * Values of Lisp on their way out: reads what the core wrote. One pass with a list of work instead of recursion. What the
 * core writes is whole; a defect there gives an Error here, never a read past the end. Partners: wire.ts; core/lisp/wire.h.
 */

import { closed } from '../closed.js';
import { Tag } from './wire.js';

/** An error as it stands on the wire. */
export interface WireError {
  code: unknown;
  message: unknown;
  position: unknown;
  backtrace: unknown;
  irritants: unknown;
  payload: unknown;
  /** The number under which the host knows it; 0 for none. */
  hostError: number;
}

/** Makes of tasks and errors what the user gets. */
export interface Meanings {
  task(fiber: number, seq: number): unknown;
  error(error: WireError): unknown;
}

/** A list, a table or an error that is being read. */
interface Level {
  readonly array: unknown[];
  readonly table: Record<string, unknown> | undefined;
  readonly isError: boolean;
  readonly count: number;
  at: number;
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const smallText = 20;
const errorFields = 6;

export class Decoder {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;
  readonly #meanings: Meanings;

  constructor(bytes: Uint8Array, meanings: Meanings) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#meanings = meanings;
  }

  /** The next value. */
  value(): unknown {
    const levels: Level[] = [];
    let level: Level | undefined;
    let key = '';
    let value = this.#next(levels);
    for (;;) {
      if (value === opened) {
        level = levels[levels.length - 1]!;
      } else {
        if (level === undefined) return value;
        put(level, key, value);
      }
      while (level.at === level.count) {
        value = this.#whole(level);
        levels.pop();
        level = levels[levels.length - 1];
        if (level === undefined) return value;
        // Its key was read before the level was begun.
        put(level, level.table === undefined ? '' : this.#keys.pop()!, value);
      }
      if (level.table !== undefined) key = this.#text();
      value = this.#next(levels);
      if (value === opened && level.table !== undefined) this.#keys.push(key);
    }
  }

  // Of the tables around the level that is being read.
  readonly #keys: string[] = [];

  #whole({ table, array, isError }: Level): unknown {
    if (table !== undefined) return table;
    if (!isError) return array;
    const [code, message, position, backtrace, irritants, payload] = array;
    return this.#meanings.error({ code, message, position, backtrace, irritants, payload, hostError: this.#u32() });
  }

  #next(levels: Level[]): unknown {
    const tag = this.#bytes[this.#at++];
    switch (tag) {
      case Tag.nil:
        return null;
      case Tag.no:
        return false;
      case Tag.yes:
        return true;
      case Tag.unspecified:
        return undefined;
      case Tag.integer:
      case Tag.real: {
        const number = this.#view.getFloat64(this.#at, true);
        this.#at += 8;
        return number;
      }
      case Tag.big:
        return BigInt(this.#text());
      case Tag.text:
        return this.#text();
      case Tag.list: {
        const count = this.#u32();
        // Each item takes a byte at least.
        this.#check(count);
        levels.push({ array: new Array<unknown>(count), table: undefined, isError: false, count, at: 0 });
        return opened;
      }
      case Tag.table:
        levels.push({ array: none, table: {}, isError: false, count: this.#u32(), at: 0 });
        return opened;
      case Tag.task: {
        const fiber = this.#u32();
        return this.#meanings.task(fiber, this.#u32());
      }
      case Tag.end:
        return closed;
      case Tag.bytes: {
        const length = this.#u32();
        this.#check(length);
        this.#at += length;
        return this.#bytes.slice(this.#at - length, this.#at);
      }
      case Tag.error:
        levels.push({ array: [], table: undefined, isError: true, count: errorFields, at: 0 });
        return opened;
      default:
        throw new Error(`heddle: the core wrote a value of no kind that there is: ${tag}`);
    }
  }

  #u32(): number {
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  #check(bytes: number): void {
    if (bytes > this.#bytes.length - this.#at) throw new Error('heddle: the core wrote less than it announced');
  }

  #text(): string {
    const length = this.#u32();
    this.#check(length);
    const start = this.#at;
    this.#at += length;
    if (length <= smallText) {
      let text = '';
      for (let i = start; i < start + length; i++) {
        const byte = this.#bytes[i]!;
        if (byte > 0x7f) return utf8.decode(this.#bytes.subarray(start, start + length));
        text += String.fromCharCode(byte);
      }
      return text;
    }
    return utf8.decode(this.#bytes.subarray(start, start + length));
  }
}

// A list, a table or an error was begun: it is the last level.
const opened = Symbol('opened');
const none: unknown[] = [];

function put(level: Level, key: string, value: unknown): void {
  const { table } = level;
  if (table === undefined) level.array[level.at] = value;
  else if (key === '__proto__') Object.defineProperty(table, key, { value, writable: true, enumerable: true, configurable: true });
  else table[key] = value;
  level.at++;
}
