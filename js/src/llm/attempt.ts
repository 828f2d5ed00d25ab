/**
 * One attempt of a call, from the kernel's word that it may start to the host's word how it ended. A call has them one after
 * another, and at times two at once (a hedge). Invariant: while the kernel waits for the host's word, `id` is what the kernel
 * calls the attempt; from the last word on it is 0.
 * Partners: `call.ts`, whose attempt it is; `calls.ts`, which finds it by its id.
 */

import type { HostCall } from './call.js';
import type { LLMAnswer } from './provider.js';
import type { RouteEntry } from './routes.js';
import type { LLMAttempt } from './result.js';

export class Attempt {
  /** What the user sees of it. */
  readonly note: LLMAttempt;
  /** Nobody waits for it any more: another attempt won, or the whole call was dropped. */
  isDropped = false;
  /** Its stream was read to the end. */
  isRead = false;
  /** What came of it; a stream's stands when the stream was read to its end. */
  answer: LLMAnswer | undefined = undefined;
  /** The answer in the form that was asked for. */
  formed: { readonly value: unknown } | undefined = undefined;
  // Not a private field: one of these is made per request.
  /** @internal */ _controller: AbortController | undefined = undefined;

  constructor(
    readonly call: HostCall,
    /** The kernel's number for the connection. */
    public id: number,
    /** 1, 2, ... */
    readonly number: number,
    /** Which entry of the call's plan it follows: where it goes. */
    readonly route: RouteEntry,
    startedAt: number,
  ) {
    this.note = { startedAt, endedAt: 0, model: undefined, error: undefined };
  }

  /** Aborts when the attempt must end. Made when first asked for. */
  get signal(): AbortSignal {
    this._controller ??= new AbortController();
    return this._controller.signal;
  }

  get wasCut(): boolean {
    return this._controller?.signal.aborted === true;
  }

  /** Its connection must go; what the attempt then says tells the kernel that it went. */
  cut(reason: unknown): void {
    this._controller ??= new AbortController();
    this._controller.abort(reason);
  }
}
