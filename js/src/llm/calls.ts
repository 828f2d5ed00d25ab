/**
 * All host calls of a runtime: checks what they are given, asks the kernel, and carries its commands to the call that each
 * concerns. Partners: `call.ts` and its kinds; core/kernel/calls.cpp.
 */

import { reasonOf } from '../cancellation.js';
import type { Context } from '../context.js';
import { ArgumentError, CancellationError, type HeddleError } from '../errors.js';
import { Outside } from '../outside.js';
import type { Owner } from '../operations.js';
import { CallClass, CallOption, EventType } from '../protocol.js';
import { Attempt } from './attempt.js';
import { HostCall, type CallHost } from './call.js';
import { Fetches } from './fetch.js';
import { LLMCall, type CallSpec } from './llm-call.js';
import { LLMStream } from './llm-stream.js';
import { OtherCall, type SideEffect } from './other-call.js';
import { checkOptionNames, checkSignal, checkTimeout, planOf, specOf, type LLMOptions, type Prompt } from './request.js';
import type { LLMResult } from './result.js';
import type { RouteEntry } from './routes.js';
import { StreamCall } from './stream-call.js';

/** What the calls need of their runtime. @internal */
export interface CallsHost extends Omit<CallHost, 'over'> {
  /** Throws if the runtime is closed, or closing and the caller none of its tasks. */
  open(operation: string, caller: Context | undefined): void;
  /** The caller, also where the operation was called without a context. */
  caller(ctx: Context | undefined, operation: string): Context | undefined;
}

/** Options of `ctx.call`. */
export interface CallOptions {
  /** Cancels this call alone. */
  signal?: AbortSignal | undefined;
  /** Longest time in milliseconds. 0: none. */
  timeout?: number | undefined;
}

/** @internal */
export class Calls {
  readonly #host: CallsHost;
  readonly #callHost: CallHost;
  readonly fetches: Fetches;
  readonly #noRoute: RouteEntry;
  // Those that the host has begun and the kernel has not heard the last of.
  readonly #attempts = new Map<number, Attempt>();
  // Told to abort before they were told to start, with the number of runs told by then: the start is among those.
  readonly #stillborn = new Map<number, number>();

  constructor(host: CallsHost) {
    this.#host = host;
    this.#callHost = {
      ...host,
      over: (attempt) => this.#attempts.get(attempt.id) === attempt && this.#attempts.delete(attempt.id),
    };
    this.fetches = new Fetches(host, this.#callHost);
    this.#noRoute = { provider: host.provider, model: undefined, gates: [0, 0, 0], tokens: 0, inputTokens: 0 };
  }

  call(prompt: Prompt, options: LLMOptions | undefined, ctx: Context | undefined): Promise<LLMResult> {
    return this.#begin('llm', CallClass.llm, options, ctx, (caller) => {
      const spec = specOf('llm', prompt, options);
      const plan = this.#planOf('llm', spec, options, caller);
      return (owner) => {
        const call = new LLMCall(this.#callHost, owner, spec);
        this.#tell(call, spec, plan);
        return call;
      };
    });
  }

  stream(prompt: Prompt, options: LLMOptions | undefined, ctx: Context | undefined): LLMStream {
    const { engine } = this.#host;
    const caller = this.#host.caller(ctx, 'llmStream');
    this.#host.open('llmStream', caller);
    const spec = specOf('llmStream', prompt, options);
    const plan = this.#planOf('llmStream', spec, options, caller);
    engine.tick();
    const owner = caller?._owner ?? new Outside(engine.raw, 'llmStream', true);
    const shield = (): number => caller?._shield ?? 0;
    const call = new StreamCall(this.#callHost, owner, spec, shield);
    this.#tell(call, spec, plan);
    call.open(engine.raw.hd_call(owner._fiber, CallClass.llm, 1, 0, shield()), options?.signal, options?.timeout);
    return new LLMStream(call);
  }

  #planOf(operation: string, spec: CallSpec, options: LLMOptions | undefined, caller: Context | undefined): readonly RouteEntry[] {
    const plan = planOf(operation, options?.model, this.#callHost.provider);
    return this.#host.routes.routesOf(plan, spec.request, () => options?.tenant ?? caller?._owner._tenant?.());
  }

  // What belongs to the next hd_call. Nothing of the user's may run between the two.
  #tell(call: LLMCall, spec: CallSpec, plan: readonly RouteEntry[]): void {
    const { raw } = this.#host.engine;
    if (spec.hedge !== undefined) raw.hd_call_option(CallOption.hedge, spec.hedge);
    if (spec.timeToFirstToken !== undefined) raw.hd_call_option(CallOption.firstToken, spec.timeToFirstToken);
    call.plan = plan;
    this.#host.routes.tell(plan);
  }

  other<T>(name: string, fn: SideEffect<T>, options: CallOptions | undefined, ctx: Context | undefined): Promise<T> {
    return this.#begin('call', CallClass.other, options, ctx, () => {
      if (typeof name !== 'string' || name === '') throw new ArgumentError('call', 'the first argument must be a name, as a non-empty string');
      if (typeof fn !== 'function') throw new ArgumentError('call', `the second argument must be a function, got ${typeof fn}`);
      checkOptionNames('call', options, ['signal', 'timeout', 'ctx']);
      checkTimeout('call', options?.timeout);
      checkSignal('call', options?.signal);
      return (owner) => new OtherCall(this.#callHost, owner, options?.timeout, name, fn);
    });
  }

  // Everything that can be refused is refused before the kernel hears of it.
  #begin<T>(
    operation: string,
    type: number,
    options: CallOptions | undefined,
    ctx: Context | undefined,
    checked: (caller: Context | undefined) => (owner: Owner) => HostCall,
  ): Promise<T> {
    const { engine, operations } = this.#host;
    let caller: Context | undefined;
    let make: (owner: Owner) => HostCall;
    try {
      caller = this.#host.caller(ctx, operation);
      this.#host.open(operation, caller);
      make = checked(caller);
      const signal = options?.signal;
      if (signal?.aborted) {
        const reason = reasonOf(signal.reason);
        throw new CancellationError(`${operation} was called with an aborted signal: ${reason}`, { reason, cause: signal.reason });
      }
    } catch (error) {
      return operations.error(caller?._owner, error);
    }
    engine.tick();
    const owner = caller?._owner ?? new Outside(engine.raw, operation);
    const call = make(owner);
    const answer = engine.raw.hd_call(owner._fiber, type, 0, options?.timeout ?? 0, caller?._shield ?? 0);
    return operations.begun(answer, owner, call, options?.signal);
  }

  // --- Commands ---

  start(id: number, op: number, number: number, route: number): void {
    const call = this.#host.operations.meaning(op);
    if (this.#isStillborn(id) || !(call instanceof HostCall)) {
      this.#host.engine.event(EventType.callClosed, id);
      return;
    }
    const attempt = new Attempt(call, id, number, call.plan[route] ?? this.#noRoute, this.#host.now());
    this.#attempts.set(id, attempt);
    call.notes.push(attempt.note);
    if (call instanceof LLMCall) call.owner._usedLLM?.(1, 0, 0);
    call.start(attempt);
  }

  read(op: number, id: number): void {
    (this.#attempts.get(id)?.call as StreamCall | undefined)?.read(op);
  }

  /** `how`: 0 the connection must go; 1 the kernel has no such call any more, it was simulated; 2 its first word is late. */
  abort(id: number, how: number): void {
    const attempt = this.#attempts.get(id);
    const forget = how === 1;
    if (how === 2) {
      // One that has not begun is not late.
      attempt?.call.tooSlow(attempt);
      return;
    }
    if (attempt === undefined) {
      // It has not begun; or it has ended meanwhile, and then no run told so far starts it.
      if (!forget) this.#stillborn.set(id, this.#host.engine.runsTold);
      return;
    }
    if (forget) {
      this.#attempts.delete(id);
      attempt.id = 0;
    }
    attempt.isDropped = true;
    const { call, note } = attempt;
    const { owner } = call;
    const isInterrupted = owner._isInterrupted?.() === true;
    const reason = isInterrupted ? owner._interruption() : new CancellationError(`${call.name} was dropped: nobody waits for it any more`);
    // Of two attempts at once the loser's note stays in the result.
    note.endedAt = this.#callHost.now();
    note.error ??= reason as Error;
    call.abort(attempt, reason);
  }

  #isStillborn(id: number): boolean {
    const told = this.#stillborn.get(id);
    this.#stillborn.delete(id);
    return told !== undefined && ((this.#host.engine.runsBegun - told) | 0) <= 0;
  }

  /** The runtime closes: connections that are still open go. */
  close(error: HeddleError): void {
    for (const attempt of [...this.#attempts.values()]) attempt.call.abort(attempt, error);
    this.#attempts.clear();
  }
}
