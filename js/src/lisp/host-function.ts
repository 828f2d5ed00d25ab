/** What rt.define takes: functions of JavaScript that Lisp calls by their names. */

import type { Context } from '../context.js';

/** A function of JavaScript that programs call by its name. May be asynchronous; calls of several fibers overlap. */
export type LispFunction = (...args: any[]) => unknown;
/** The same, with the caller's context in front. */
export type LispContextFunction = (ctx: Context, ...args: any[]) => unknown;

export interface DefineOptions {
  /** The function's first argument is the caller's context: its `signal` aborts when the program does not wait any more. */
  withContext?: boolean | undefined;
}
