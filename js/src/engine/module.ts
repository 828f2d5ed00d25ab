/**
 * One WebAssembly instance: its raw exports, and the suspended stack of its pump.
 *
 * Both builds come from the same sources. In the `jspi` build the engine suspends the pump's stack where `host_wait` is
 * called; in the `asyncify` build the pump unwinds its stack into a small buffer and rewinds it later. Either way exactly
 * one C++ stack is ever suspended, and `resume()` continues it. (DESIGN: "Await points become Promises".)
 */

import type { Variant } from '../variant.js';

/** The exports that JavaScript uses; meanings in wasm/pump.cpp. */
export interface RawExports {
  memory: WebAssembly.Memory;
  malloc(bytes: number): number;
  pump(): void | Promise<void>;
  hd_turn(): void;
  hd_close(): void;
  hd_runs(): number;
  hd_effects(): number;
  hd_events(): number;
  hd_status(): number;
  hd_targets(count: number): number;
  hd_drain(): void;
  hd_time(ms: number): void;
  hd_now(): number;
  hd_option(which: number, value: number): void;
  hd_submit(parent: number, bits: number, shield: number): number;
  hd_state(fiber: number): number;
  hd_is_interrupted(fiber: number, shield: number): number;
  hd_yield(fiber: number, shield: number): number;
  hd_delay(fiber: number, ms: number, shield: number): number;
  hd_wait(fiber: number, mode: number, cancelLosers: number, timeout: number, shield: number): number;
  hd_call_option(which: number, value: number): void;
  hd_route(first: number, second: number, third: number, tokens: number): void;
  hd_call(fiber: number, type: number, stream: number, timeout: number, shield: number): number;
  hd_reopen(fiber: number, call: number, retryAfter: number, shield: number, flags: number): number;
  hd_gate(gate: number, key: number, value: number): number;
  hd_gate_is_idle(gate: number): number;
  hd_server_rate(gate: number, tokens: number, remaining: number, reset: number): void;
  hd_read(fiber: number, call: number, timeout: number, shield: number): number;
  hd_abort_op(op: number): number;
  hd_shield(fiber: number, ms: number): number;
  hd_unshield(shield: number): void;
  hd_outside(): number;
  hd_outside_done(fiber: number): void;
  hd_cancel(fiber: number, reason: number): number;
  hd_cancel_all(reason: number, cause: number): void;
  hd_configure(key: number, value: number): void;
  hd_random(): number;
  hd_advance(ms: number): void;
  hd_object(kind: number, limit: number, overflow: number): number;
  hd_object_release(object: number): void;
  hd_object_count(object: number): number;
  hd_object_holder(object: number): number;
  hd_sync(fiber: number, act: number, object: number, value: number, timeout: number, shield: number, mayWait: number): number;
  hd_case(act: number, object: number, value: number): void;
  hd_select(fiber: number, timeout: number, shield: number, mayWait: number): number;
  hd_at_rest(): number;
  hd_break_deadlock(): number;
  hd_sync_now(fiber: number, what: number, object: number, value: number): number;
  hd_seq(fiber: number): number;
  hd_lisp_buffer(bytes: number): number;
  hd_lisp_out(): number;
  hd_lisp_program(parent: number, bits: number, shield: number): number;
  hd_lisp_result(fiber: number): number;
  hd_lisp_spawned(fiber: number): number;
  hd_lisp_define(): number;
  hd_lisp_arguments(op: number): number;
  hd_lisp_reply(op: number, ok: number): number;
  hd_lisp_output(program: number): void;
  hd_lisp_reason(seq: number): number;
  hd_lisp_complete(): number;
  hd_lisp_task(fiber: number): number;
  asyncify_start_unwind(buffer: number): void;
  asyncify_stop_unwind(): void;
  asyncify_start_rewind(buffer: number): void;
  asyncify_stop_rewind(): void;
}

/** The control plane: embind's functions. */
export interface ControlPlane {
  open(configJson: string): string;
  stats(): string;
  gates(): string;
  explain(fiber: number): string;
  deadlock(number: number): string;
  recordedAddress(): number;
  recordedCount(): number;
}

/** Emscripten's factory of one build. */
export type Factory = (options: {
  instantiateWasm(
    imports: WebAssembly.Imports,
    receive: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ): unknown;
  printErr(text: string): void;
}) => Promise<ControlPlane>;

/** What a loader found: a build of the module, compiled. */
export interface LoadedModule {
  variant: Variant;
  module: WebAssembly.Module;
  factory: Factory;
}

/** A live instance whose pump can be started once and resumed whenever it sleeps. */
export interface Instance {
  raw: RawExports;
  control: ControlPlane;
  /** Runs the pump to its first sleep. `asleep` is called each time it sleeps, with no C++ on the stack. */
  start(asleep: () => void): void;
  /** Continues a sleeping pump, to its next sleep. It must be asleep. */
  resume(): void;
}

interface SuspendingWebAssembly {
  Suspending?: new (fn: () => Promise<void>) => WebAssembly.ImportValue;
  promising?: (fn: unknown) => () => Promise<void>;
}
const wasm = WebAssembly as SuspendingWebAssembly;

/** Whether this engine can suspend WebAssembly stacks by itself. */
export function hasJspi(): boolean {
  return typeof wasm.Suspending === 'function' && typeof wasm.promising === 'function';
}

/** The pump keeps a handful of words; this is room for a few dozen times that. */
const unwindBytes = 1024;

/** Makes an instance of a compiled module. Synchronous engines or not, it takes well under 10 ms. */
export async function instantiate({ variant, module, factory }: LoadedModule): Promise<Instance> {
  let raw!: RawExports;
  let sleeps: () => void = () => {};
  let wake!: () => void;

  // jspi: each sleep is a promise that resume() resolves.
  const sleep = (): Promise<void> => {
    const promise = new Promise<void>((resolve) => {
      wake = resolve;
    });
    // The stack is suspended when this import has returned its promise.
    queueMicrotask(sleeps);
    return promise;
  };

  // asyncify: 0 runs, 1 unwinds, 2 rewinds.
  let phase = 0;
  let buffer = 0;
  const unwindOrGoOn = (): void => {
    if (phase === 2) {
      raw.asyncify_stop_rewind();
      phase = 0;
    } else {
      phase = 1;
      raw.asyncify_start_unwind(buffer);
    }
  };
  const runPump = (): void => {
    void raw.pump();
    if (phase !== 1) return;
    raw.asyncify_stop_unwind();
    sleeps();
  };

  const control = await factory({
    instantiateWasm(imports, receive) {
      const env = imports['env'] as Record<string, WebAssembly.ImportValue>;
      env['host_now'] = () => performance.now();
      env['host_wait'] = variant === 'jspi' ? new wasm.Suspending!(sleep) : unwindOrGoOn;
      // Asynchronous, because browsers refuse to instantiate large modules synchronously on their main thread.
      void WebAssembly.instantiate(module, imports).then((instance) => {
        raw = instance.exports as unknown as RawExports;
        receive(instance, module);
      });
      return {};
    },
    printErr: () => {},
  });

  if (variant === 'jspi') {
    const pump = wasm.promising!(raw.pump);
    return {
      raw,
      control,
      start(asleep) {
        sleeps = asleep;
        void pump();
      },
      resume: () => wake(),
    };
  }
  buffer = raw.malloc(8 + unwindBytes);
  return {
    raw,
    control,
    start(asleep) {
      sleeps = asleep;
      new Uint32Array(raw.memory.buffer, buffer, 2).set([buffer + 8, buffer + 8 + unwindBytes]);
      runPump();
    },
    resume() {
      raw.asyncify_start_rewind(buffer);
      phase = 2;
      runPump();
    },
  };
}
