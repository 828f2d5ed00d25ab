/**
 * What Runtime.getStats() gives. Partners: wasm/bindings.cpp, which writes all of it but `forgottenTasks` and the names of
 * gates; `llm/routes.ts`, which knows those.
 */

import type { GateInfo } from './llm/routes.js';

/** Counts; times in milliseconds. */
export interface RuntimeStats {
  pendingTasks: number;
  runningTasks: number;
  suspendedTasks: number;
  /** Settled tasks, forgotten ones included. */
  completedTasks: number;
  cancelledTasks: number;
  erroredTasks: number;
  /** Bodies that ignored their cancel past their grace and still run. */
  zombieTasks: number;
  /** Cancelled tasks whose bodies have not ended yet. */
  unwindingTasks: number;
  /** Light fibers of programs of Lisp that are not over; they are no tasks. */
  fibers: number;
  /** Settled tasks that are not listed any more. */
  forgottenTasks: number;
  /** Slots held, of maxConcurrentTasks. */
  slots: number;
  concurrentLLMCalls: number;
  waitingLLMCalls: number;
  backoffLLMCalls: number;
  /** Requests to models, retries included. */
  llmCalls: number;
  llmRetries: number;
  /** Second requests that joined a slow first one. */
  llmHedges: number;
  /** How often a call went on with the next entry of its plan. */
  llmFallbacks: number;
  /** Reservations of requests and tokens so far, and those that are not settled. */
  reservations: number;
  openReservations: number;
  /** The limits that calls pass, once there are any. */
  gates: GateStats[];
  oldestPendingMs: number;
  oldestWaitingLLMCallMs: number;
  timers: number;
  /** Objects at which fibers wait for each other, Lisp's included; they go when nobody can reach them. */
  objects: { mutexes: number; semaphores: number; ivars: number; channels: number; barriers: number; mailboxes: number };
  /** Records that the core holds for what is not over: fibers, operations, connections and the like. */
  records: number;
  events: number;
  steps: number;
  /** Steps of the machine that runs Lisp. */
  machineSteps: number;
  /** Hash of every command so far: two runs that are the same have the same. */
  commandHash: string;
}

/** One limit that calls pass: a model's at an endpoint, a tenant's, an endpoint's. */
export interface GateStats extends GateInfo {
  /** Calls that passed it and are not over; how many may be, where that is limited. */
  inside: number;
  limit?: number;
  waiting: number;
  /** Counted in its window now. */
  requests: number;
  tokens: number;
  circuit: 'closed' | 'open' | 'half-open';
  /** When an open circuit lets probes through; milliseconds since the epoch. */
  circuitUntil?: number;
  /** Plans go around the model until then; milliseconds since the epoch. */
  coolingUntil?: number;
}

/** As the kernel tells it. @internal */
export interface RawGate extends Omit<GateStats, 'kind' | 'name'> {
  circuitUntil: number;
  coolingUntil: number;
}

/** @internal */
export function gateStatsOf({ circuitUntil, coolingUntil, ...raw }: RawGate, info: GateInfo, epoch: number): GateStats {
  const stats: GateStats = { ...info, ...raw };
  if (raw.circuit === 'open') stats.circuitUntil = epoch + circuitUntil;
  if (coolingUntil > 0) stats.coolingUntil = epoch + coolingUntil;
  return stats;
}
