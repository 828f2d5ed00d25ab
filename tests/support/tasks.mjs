/**
 * Short words for tests of tasks: promises settled by hand, turns of the event loop, what a failure was, and what is left
 * of a runtime. Invariant: nothing here waits for real time, and no word hides an outcome that a test is about.
 * Partner: `heddle.mjs`.
 */

import assert from 'node:assert/strict';

/** A promise and the words that settle it. */
export function deferred() {
  let resolve;
  let reject;
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** Turns of the event loop: every microtask and whatever was due has run. */
export async function turns(n = 3) {
  for (let i = 0; i < n; i++) await new Promise(setImmediate);
}

/** Waits, turn by turn, until something is so; a test that never sees it fails. */
export async function until(what, condition) {
  for (let i = 0; i < 100_000; i++) {
    if (condition()) return;
    await new Promise(setImmediate);
  }
  assert.fail(`never happened: ${what}`);
}

/** What a promise rejects with; a promise that resolves is a failure of the test. */
export const rejection = (promise) =>
  promise.then(
    (value) => assert.fail(`resolved with ${String(value)}`),
    (error) => error,
  );

/** What a function throws. */
export function thrown(fn) {
  try {
    fn();
  } catch (error) {
    return error;
  }
  return assert.fail('did not throw');
}

/** An error with this code; gives it, for more questions. */
export function hasCode(error, code) {
  assert.equal(error?.code, code, error?.stack);
  return error;
}

/** A body that never ends unless its task is cancelled. */
export const forever = (ctx) => ctx.delay(1e9);

/** Counts the listeners of AbortSignals made here, added and not removed. */
export class SignalCounter {
  listeners = 0;

  signal(controller = new AbortController()) {
    const { signal } = controller;
    const held = new Set();
    const { addEventListener, removeEventListener } = signal;
    const gone = (listener) => {
      if (held.delete(listener)) this.listeners--;
    };
    signal.addEventListener = (type, listener, options) => {
      if (!held.has(listener)) this.listeners++;
      held.add(listener);
      addEventListener.call(signal, type, listener, options);
      // An event that was delivered takes its listener along.
      addEventListener.call(signal, type, () => options?.once && gone(listener), { once: true });
    };
    signal.removeEventListener = (type, listener) => {
      gone(listener);
      removeEventListener.call(signal, type, listener);
    };
    return { signal, abort: (reason) => controller.abort(reason) };
  }
}

const kNothing = {
  pendingTasks: 0,
  runningTasks: 0,
  suspendedTasks: 0,
  zombieTasks: 0,
  unwindingTasks: 0,
  slots: 0,
  concurrentLLMCalls: 0,
  waitingLLMCalls: 0,
  backoffLLMCalls: 0,
  oldestPendingMs: 0,
  oldestWaitingLLMCallMs: 0,
  openReservations: 0,
  timers: 0,
  records: 0,
};

/** Nothing is queued, runs, waits, or is held. */
export function assertAtRest(rt, message) {
  const stats = rt.getStats();
  const left = Object.fromEntries(Object.keys(kNothing).map((key) => [key, stats[key]]));
  assert.deepEqual(left, kNothing, message);
  for (const gate of stats.gates) assert.deepEqual([gate.inside, gate.waiting], [0, 0], `${message ?? 'at rest'}: the ${gate.kind} ${gate.name}`);
}

/** The stats are what the list of tasks says. */
export function assertConsistent(rt) {
  const stats = rt.getStats();
  const count = (...states) => rt.getAllTasks().filter((task) => states.includes(task.state)).length;
  const counted = {
    pending: stats.pendingTasks,
    running: stats.runningTasks,
    suspended: stats.suspendedTasks,
    settled: stats.completedTasks + stats.cancelledTasks + stats.erroredTasks - stats.forgottenTasks,
  };
  assert.deepEqual(counted, {
    pending: count('pending'),
    running: count('running'),
    suspended: count('suspended'),
    settled: count('completed', 'cancelled', 'error'),
  });
  for (const state of ['pending', 'running', 'suspended']) {
    assert.equal(rt.getTasksByState(state).length, stats[`${state}Tasks`]);
  }
}
