/** What waiting operations take last: a context, or options. Partner: `waits.ts`, which checks what is in them. */

import { Context } from './context.js';
import type { WaitOptions } from './waits.js';

export function areOptions(options: unknown): boolean {
  return options === undefined || (typeof options === 'object' && options !== null);
}

export function asOptions(options: Context | WaitOptions | undefined): WaitOptions {
  return options instanceof Context ? { ctx: options } : (options ?? {});
}
