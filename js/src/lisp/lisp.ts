/**
 * The Lisp of a runtime, as the host has it: gives programs to the core, reads what became of them, and carries out what they
 * ask of the host. Programs, fibers and their waits are the core's business.
 *
 * Bytes go in through one buffer and come out of another (wasm/lisp.cpp); both are read and written at once, and nothing of
 * the user's runs while one of them is in use. Partners: runtime.ts, lisp-task.ts, procedures.ts; core/include/heddle/lisp.h.
 */

import type { ContextStore } from '../async-context.js';
import { promiseOf } from '../body.js';
import type { BodyRunner } from '../body-runner.js';
import type { Context } from '../context.js';
import type { Engine } from '../engine/engine.js';
import { ArgumentError, ConversionError, HeddleError } from '../errors.js';
import type { Calls } from '../llm/calls.js';
import { Outcome } from '../protocol.js';
import type { Runtime } from '../runtime.js';
import { describe, Task } from '../task.js';
import { encodeError, errorOf, HostErrors } from './conditions.js';
import { Decoder, type Meanings } from './decoder.js';
import { Encoder } from './encoder.js';
import type { ProgramText } from './form-at.js';
import { HostContext, LightFiber } from './host-context.js';
import { LispTask, WrittenResult } from './lisp-task.js';
import { write } from './output.js';
import type { DefineOptions, LispContextFunction, LispFunction } from './host-function.js';
import { checkDefinition, Procedures } from './procedures.js';
import type { ProgramOptions } from './run-options.js';

/** What the Lisp needs of its runtime. */
export interface LispHost {
  readonly runtime: Runtime;
  readonly engine: Engine;
  readonly llm: Calls;
  readonly runner: BodyRunner;
  readonly store: ContextStore<Context | undefined> | undefined;
  /** The live task of that fiber. */
  taskOf(fiber: number): Task | undefined;
  /** The task of that number, while it is listed. */
  listed(seq: number): Task | undefined;
  /** Gets the bytes that go to the core, where events are recorded. */
  readonly payloads: Uint8Array[] | undefined;
}

const Result = { none: 0, value: 1, error: 2 } as const;
/** Of a text: not Lisp, whole forms, or the beginning of some. */
export const Completeness = ['wrong', 'complete', 'incomplete'] as const;
export type Completeness = (typeof Completeness)[number];

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

export class Lisp {
  readonly #host: LispHost;
  // Undefined while it is in use: a getter of the user's that is read meanwhile may run another program.
  #spare: Encoder | undefined;
  readonly #procedures: Procedures;
  readonly #errors = new HostErrors();
  readonly #meanings: Meanings;
  // By operation, while it is outstanding.
  readonly #operations = new Map<number, HostContext>();
  #out = 0;
  // Of the program whose error is read.
  #text: ProgramText | undefined;

  constructor(host: LispHost) {
    this.#host = host;
    this.#procedures = new Procedures(host.llm);
    this.#meanings = {
      task: (fiber, seq) => {
        const live = host.taskOf(fiber);
        return live?._seq === seq ? live : host.listed(seq);
      },
      error: (error) => errorOf(error, this.#errors, this.#text),
    };
  }

  // --- Programs ---

  /** Writes what hd_lisp_program reads. The user's code may run in it; what comes of it is for send(). */
  encodeProgram(source: string, { file, args, globals, heapLimit, stepsLeft, isWritten, task }: ProgramOptions, environment: 'fresh' | 'shared'): Encoder {
    const options: Record<string, unknown> = { environment };
    if (heapLimit !== undefined) options['heapLimit'] = heapLimit;
    if (stepsLeft !== undefined) options['steps'] = stepsLeft;
    if (isWritten) options['written'] = true;
    if (task?.name !== undefined) options['name'] = task.name;
    return this.#newEncoder().list(5).text(source).text(file).value(args, 'args').value(globals, 'globals').value(options, 'options');
  }

  /** Puts what was written where the next call of the core finds it. */
  send(encoder: Encoder): void {
    const { written } = encoder;
    const { raw } = this.#host.engine;
    const address = raw.hd_lisp_buffer(written.length);
    new Uint8Array(raw.memory.buffer, address, written.length).set(written);
    this.#host.payloads?.push(written.slice());
    this.#spare = encoder;
  }

  #newEncoder(): Encoder {
    const encoder = this.#spare?.clear() ?? new Encoder((value) => this.#numbersOf(value));
    this.#spare = undefined;
    return encoder;
  }

  #numbersOf(value: object): { fiber: number; seq: number } | string | undefined {
    if (!(value instanceof LispTask)) return value instanceof Task ? `${describe(value)} is no task of Lisp; give its result` : undefined;
    if (value._runtime !== this.#host.runtime) return `${describe(value)} belongs to another runtime`;
    if (value._fiber === 0) return `${describe(value)} is over; give its result`;
    return { fiber: value._fiber, seq: value._seq };
  }

  /** What a task gave, while its settling is carried out. */
  resultOf(task: LispTask, outcome: number): unknown {
    const kind = this.#host.engine.raw.hd_lisp_result(task._fiber);
    if (kind === Result.none) {
      return outcome === Outcome.completed ? undefined : new HeddleError('Internal', 'the program failed, and the core does not know why');
    }
    const isError = kind === Result.error;
    // An error has readers at once; of a value made within Lisp it is not known that JavaScript ever asks for it.
    if (!isError && task.isProgram) return new Decoder(this.#written(), this.#meanings).value();
    if (isError && outcome !== Outcome.completed) {
      this.#text = task.programText;
      const error = new Decoder(this.#written(), this.#meanings).value();
      this.#text = undefined;
      return error;
    }
    return new WrittenResult(this.#written().slice(), isError, this.#meanings);
  }

  /** The name and the priority of a task that a program made. */
  spawned(fiber: number): { name: string | undefined; priority: number | undefined } {
    if (this.#host.engine.raw.hd_lisp_spawned(fiber) === 0) return { name: undefined, priority: undefined };
    const [name, priority] = new Decoder(this.#written(), this.#meanings).value() as [string | null, number | null | undefined];
    return { name: name ?? undefined, priority: priority ?? undefined };
  }

  /** Why a program cancelled that task, if it said. */
  reason(seq: number): string | undefined {
    return this.#host.engine.raw.hd_lisp_reason(seq) === 0 ? undefined : utf8.decode(this.#written());
  }

  /** A program printed something. */
  output(program: number): void {
    this.#host.engine.raw.hd_lisp_output(program);
    const text = utf8.decode(this.#written());
    if (text === '') return;
    const task = this.#host.listed(program);
    const to = (task instanceof LispTask ? task.output : undefined) ?? write;
    // The user's code runs when the engine is done, in the order of what was printed, and before the task's promise settles.
    queueMicrotask(() => (this.#host.store === undefined ? to(text) : this.#host.store.run(undefined, to, text)));
  }

  /** Whether a text is a sequence of whole forms. */
  completeness(text: string): Completeness {
    this.send(this.#newEncoder().text(text));
    return Completeness[this.#host.engine.raw.hd_lisp_complete()]!;
  }

  // --- What programs ask of the host ---

  define(name: string, fn: LispFunction | LispContextFunction, options: DefineOptions = {}): void {
    checkDefinition(name, fn, options);
    this.send(this.#newEncoder().text(name));
    const number = this.#host.engine.raw.hd_lisp_define();
    if (number === 0) throw new ArgumentError('define', `${name} cannot be defined: it is no symbol of Lisp, or names a special form`);
    this.#procedures.define(number, fn, options);
  }

  /** A fiber waits for the host. Must not throw. */
  start(op: number, fiber: number, number: number): void {
    const { engine, runner } = this.#host;
    if (engine.raw.hd_lisp_arguments(op) === 0) return;
    const args = new Decoder(this.#written(), this.#meanings).value() as unknown[];
    const ctx = new HostContext(this.#owner(fiber));
    this.#operations.set(op, ctx);
    let result: unknown;
    let failed = false;
    runner.within(ctx, () => {
      try {
        const procedure = this.#procedures.of(number);
        if (procedure === undefined) throw new ArgumentError('lisp', `there is no host procedure ${number}`);
        result = procedure(ctx, args);
      } catch (error) {
        failed = true;
        result = error;
      }
    });
    const promise = failed ? undefined : promiseOf(result);
    if (promise === undefined) this.#reply(op, ctx, !failed, result);
    else {
      promise.then(
        (value) => this.#reply(op, ctx, true, value),
        (error: unknown) => this.#reply(op, ctx, false, error),
      );
    }
  }

  /** The fiber does not wait any more; the number will be used again. */
  drop(op: number): void {
    const ctx = this.#operations.get(op);
    this.#operations.delete(op);
    ctx?._drop();
  }

  #reply(op: number, ctx: HostContext, ok: boolean, value: unknown): void {
    if (ctx._isOver || this.#operations.get(op) !== ctx) return;
    let isValue = ok;
    let encoder = this.#newEncoder();
    if (ok) {
      try {
        encoder.value(value, 'result');
      } catch (error) {
        isValue = false;
        encodeError((encoder = this.#newEncoder()), error, this.#errors);
      }
    } else {
      encodeError(encoder, value, this.#errors);
    }
    // The user's code that ran meanwhile may have ended the task that waits for it.
    if (ctx._isOver || this.#operations.get(op) !== ctx) return;
    this.#operations.delete(op);
    ctx._answered();
    const { engine } = this.#host;
    engine.tick();
    this.send(encoder);
    if (engine.raw.hd_lisp_reply(op, isValue ? 1 : 0) === 0 && isValue) {
      // The core could not make a value of it; the operation still waits.
      encoder = this.#newEncoder();
      encodeError(encoder, new ConversionError('result: it does not fit into the heap', 'result'), this.#errors);
      this.send(encoder);
      engine.raw.hd_lisp_reply(op, 0);
    }
    engine.wake();
  }

  #owner(fiber: number): Task {
    const { engine, taskOf, runtime } = this.#host;
    const task = taskOf(fiber);
    if (task !== undefined) return task;
    const parent = taskOf(engine.raw.hd_lisp_task(fiber));
    return new LightFiber(runtime, fiber, engine.raw.hd_seq(fiber), undefined, parent, undefined, engine.time);
  }

  /** A host's procedure may keep its context longer than the light fiber lives that called it; its number is used again. */
  lookAfter(fiber: LightFiber): void {
    if (fiber._fiber !== 0 && this.#host.engine.raw.hd_seq(fiber._fiber) !== fiber._seq) fiber._fiber = 0;
  }

  // What the core gave last; valid until its next call.
  #written(): Uint8Array {
    const { raw } = this.#host.engine;
    this.#out ||= raw.hd_lisp_out();
    const words = new DataView(raw.memory.buffer, this.#out, 8);
    return new Uint8Array(raw.memory.buffer, words.getUint32(0, true), words.getUint32(4, true));
  }

  /** The runtime closes: who still works for a program hears of it. */
  close(): void {
    for (const ctx of this.#operations.values()) ctx._drop();
    this.#operations.clear();
  }
}
