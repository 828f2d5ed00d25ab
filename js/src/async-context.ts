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

/** Runs a function in the async context that was current when this was made. */
export interface AsyncScope {
  runInAsyncScope<R>(fn: () => R): R;
}

interface AsyncHooks {
  AsyncLocalStorage?: new () => ContextStore<never>;
  AsyncResource?: new (type: string) => AsyncScope;
}
let hooks: AsyncHooks | undefined;
function asyncHooks(): AsyncHooks {
  return (hooks ??= (process?.getBuiltinModule?.('node:async_hooks') as AsyncHooks | undefined) ?? {});
}

/** The async context of now, or undefined where the host has none. */
export function currentScope(): AsyncScope | undefined {
  const { AsyncResource } = asyncHooks();
  return AsyncResource === undefined ? undefined : new AsyncResource('HeddleJob');
}

/** A new store, or undefined where the host has none. */
export function contextStore<T>(): ContextStore<T> | undefined {
  const { AsyncLocalStorage } = asyncHooks();
  return AsyncLocalStorage === undefined ? undefined : (new AsyncLocalStorage() as ContextStore<T>);
}
