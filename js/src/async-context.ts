/**
 * Finding the task that calls without naming it, across awaits: AsyncLocalStorage, where the host has it. On Node 20 it
 * makes every await dearer (60 to 165 ns measured), from Node 24 on (AsyncContextFrame) it costs nothing; hence the default.
 */

export interface ContextStore<T> {
  run<R, A extends unknown[]>(value: T, fn: (...args: A) => R, ...args: A): R;
  getStore(): T | undefined;
}

interface NodeProcess {
  versions?: { node?: string };
  getBuiltinModule?: (name: string) => unknown;
}
const { process } = globalThis as { process?: NodeProcess };

/** Whether the store costs nothing here. */
export const isFree = Number.parseInt(process?.versions?.node ?? '0', 10) >= 24;

/** A new store, or undefined where the host has none. */
export function contextStore<T>(): ContextStore<T> | undefined {
  const hooks = process?.getBuiltinModule?.('node:async_hooks') as { AsyncLocalStorage?: new () => ContextStore<T> } | undefined;
  return hooks?.AsyncLocalStorage === undefined ? undefined : new hooks.AsyncLocalStorage();
}
