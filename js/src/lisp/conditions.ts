/**
 * Errors on both sides: the condition that a program did not handle as an Error of JavaScript, and what a host's procedure
 * threw as a condition.
 *
 * A host's error keeps its identity while a program passes it on: it is known by a number meanwhile. Numbers are given out
 * anew after `kept` others, since nobody tells when the last condition of one is gone; a later unhandled one is then a
 * LispError of the same code and words.
 *
 * | unhandled condition                     | the promise rejects with |
 * |---|---|
 * | of an error of Heddle's own, or of another package's copy of it (LLMError, TimeoutError, ...) | that error itself; `lispTrace(error)` says where |
 * | of anything else that a host's procedure threw | LispError, code `HostError`, `cause` what was thrown |
 * | a value that could not cross             | ConversionError |
 * | any other                                | LispError |
 */

import { ConversionError, HeddleError, LispError, LLMError, type LispErrorFields, type LispFrame, type LispPosition } from '../errors.js';
import { printable } from '../printable.js';
import type { WireError } from './decoder.js';
import type { Encoder } from './encoder.js';
import { formAt, type ProgramText } from './form-at.js';

/** Where a program was when an error of the host's passed through it. */
export interface LispTrace {
  position: LispPosition | undefined;
  backtrace: readonly LispFrame[];
}

// An error of the host's may be frozen, and is not ours to add enumerable fields to.
const traces = new WeakMap<object, LispTrace>();

/** Where in a Lisp program an error was raised that the program let pass; undefined for one that passed through none. */
export function lispTrace(error: unknown): LispTrace | undefined {
  if (error instanceof LispError) return { position: error.position, backtrace: error.backtrace };
  return typeof error === 'object' && error !== null ? traces.get(error) : undefined;
}

const kept = 4096;
const maxMessage = 10_000;

/** @internal */
export class HostErrors {
  readonly #errors: unknown[] = [];
  #next = 0;

  /** The number of what a host's procedure threw. */
  numberOf(error: unknown): number {
    // One that comes by again, as a rule the last one, keeps its number.
    const last = (this.#next + kept - 1) % kept;
    if (this.#errors.length > 0 && this.#errors[last] === error) return last + 1;
    const at = this.#next;
    this.#errors[at] = error;
    this.#next = (at + 1) % kept;
    return at + 1;
  }

  of(number: number): unknown {
    return number > 0 ? this.#errors[number - 1] : undefined;
  }
}

/** Writes what a host's procedure threw, which may be anything: a proxy whose traps throw, too. @internal */
export function encodeError(encoder: Encoder, error: unknown, errors: HostErrors): void {
  const number = errors.numberOf(error);
  const { code, message, details } = readable(error);
  encoder.error().text(code).text(message).value(undefined, '').value([], '').value([], '').value(details, '').hostError(number);
}

function readable(error: unknown): { code: string; message: string; details: Record<string, unknown> | undefined } {
  try {
    const code = error instanceof HeddleError ? String(error.code) : 'HostError';
    const message = error instanceof Error ? String(error.message) : printable(error);
    return { code, message: message.slice(0, maxMessage), details: detailsOf(error) };
  } catch {
    return { code: 'HostError', message: 'an error that cannot be read', details: undefined };
  }
}

// What a handler may want to look at, under the names that JavaScript uses.
function detailsOf(error: unknown): Record<string, unknown> | undefined {
  if (!(error instanceof LLMError)) return undefined;
  const { kind, status, requestId, retryAfter, attempts } = error;
  const fields = Object.entries({ kind, status, requestId, retryAfter, attempts });
  return Object.fromEntries(fields.filter(([, value]) => typeof value === 'string' || typeof value === 'number'));
}

/** The error of JavaScript for a condition that nothing in Lisp handled; `program` is what ran. @internal */
export function errorOf(wire: WireError, errors: HostErrors, program: ProgramText | undefined): Error {
  const code = typeof wire.code === 'string' && wire.code !== '' ? wire.code : 'UserError';
  const message = typeof wire.message === 'string' ? wire.message : printable(wire.message);
  const position = positionOf(wire.position);
  const backtrace = framesOf(wire.backtrace);
  const host = errors.of(wire.hostError);
  if (isOwn(host, code)) {
    traces.set(host, { position, backtrace });
    return host;
  }
  const text = position === undefined ? message : `${position.file}:${position.line}:${position.column}: ${message}`;
  const irritants = Array.isArray(wire.irritants) ? wire.irritants : [];
  if (code === 'ConversionError') {
    const error = withoutStack(() => new ConversionError(text, typeof irritants[0] === 'string' ? irritants[0] : 'value'));
    traces.set(error, { position, backtrace });
    return error;
  }
  const fields: LispErrorFields = { code, position, backtrace, irritants, payload: wire.payload };
  if (program !== undefined && position !== undefined) fields.form = formAt(program, position);
  if (wire.hostError > 0 && host !== undefined) fields.cause = host;
  return withoutStack(() => new LispError(text, fields));
}

function isOwn(error: unknown, code: string): error is HeddleError {
  try {
    return error instanceof HeddleError && error.code === code;
  } catch {
    return false;
  }
}

// The stack would only show the engine; the backtrace stands in its place.
function withoutStack<E extends Error>(make: () => E): E {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = make();
  Error.stackTraceLimit = limit;
  const { backtrace } = error as Partial<LispTrace>;
  if (backtrace !== undefined && backtrace.length > 0) {
    const lines = backtrace.map(({ file, line, column, procedure }) => `    at ${procedure ?? '(anonymous)'} (${file}:${line}:${column})`);
    Object.defineProperty(error, 'stack', { value: `${error.name}: ${error.message}\n${lines.join('\n')}`, configurable: true, writable: true });
  }
  return error;
}

// A position is the text file:line:column; a file's name may have colons of its own.
function positionOf(wire: unknown): LispPosition | undefined {
  const match = typeof wire === 'string' ? /^(.*):(\d+):(\d+)$/s.exec(wire) : null;
  return match === null ? undefined : { file: match[1]!, line: Number(match[2]), column: Number(match[3]) };
}

// A frame is `file:line:column` or `file:line:column name`.
function framesOf(wire: unknown): LispFrame[] {
  if (!Array.isArray(wire)) return [];
  const frames: LispFrame[] = [];
  for (const frame of wire as unknown[]) {
    const match = typeof frame === 'string' ? /^(.*):(\d+):(\d+)(?: (.*))?$/s.exec(frame) : null;
    if (match !== null) frames.push({ file: match[1]!, line: Number(match[2]), column: Number(match[3]), procedure: match[4] });
  }
  return frames;
}
