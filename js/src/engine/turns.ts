/**
 * When JavaScript's own turn is over: the two moments at which the engine may run.
 *
 * - `whenDrained(fn)`: every microtask has run. In Node, process.nextTick tells when it is called from a microtask (called from
 *   elsewhere it comes too early), and it costs no turn of the event loop. Other hosts tell only by a new task.
 * - `task(fn)`: a new task: timers, I/O and rendering had their chance.
 *
 * Batches that begin when everything is drained depend on nothing but the program, so that a run is the same on every
 * engine and in both builds. Browsers pay a task for that (some microseconds); outside virtual time they take the
 * microtask queue instead, see Engine.
 */

type Later = (fn: () => void) => void;

interface NodeGlobals {
  process?: { nextTick?: Later; versions?: { node?: string } };
  setImmediate?: (fn: () => void) => unknown;
}
const globals = globalThis as NodeGlobals;

/** Whether whenDrained() is cheaper than a task. */
export const hasNextTick = typeof globals.process?.nextTick === 'function' && globals.process.versions?.node !== undefined;

function messageTask(): Later {
  const channel = new MessageChannel();
  const queue: (() => void)[] = [];
  channel.port1.onmessage = () => queue.shift()!();
  return (fn) => {
    queue.push(fn);
    channel.port2.postMessage(0);
  };
}

let laterTask: Later | undefined;

export const task: Later = (fn) => {
  laterTask ??= typeof globals.setImmediate === 'function' ? (f) => void globals.setImmediate!(f) : messageTask();
  laterTask(fn);
};

/** Gives a function that calls `fn` once everything is drained; made once, so that a cycle allocates nothing. */
export function whenDrained(fn: () => void): () => void {
  if (!hasNextTick) return () => task(fn);
  const nextTick = globals.process!.nextTick!;
  const fromMicrotask = (): void => nextTick(fn);
  // Node's queueMicrotask() makes an AsyncResource a time; a settled promise costs half of that.
  const settled = Promise.resolve();
  return () => void settled.then(fromMicrotask);
}
