/**
 * What a fiber is doing, in the page's words. Invariant: a phase is computed from rt.explain() and the task's state alone,
 * so the page draws what the core says, not what the page believes.
 */

import type { Explanation, Runtime, Task } from 'heddle';

export const phases = {
  planned: 'not submitted',
  pending: 'pending',
  running: 'running',
  suspended: 'suspended',
  queue: 'in LLM queue',
  flight: 'in flight',
  backoff: 'backoff',
  completed: 'completed',
  error: 'failed',
  cancelled: 'cancelled',
} as const;

export type Phase = keyof typeof phases;

/** The phases that take time, which the timeline draws as bars. */
export const barPhases = ['pending', 'running', 'suspended', 'queue', 'flight', 'backoff'] as const satisfies readonly Phase[];

const phaseOf: Record<Explanation['reason'], Phase> = {
  slot: 'pending',
  zombies: 'pending',
  turn: 'running',
  host: 'running',
  delay: 'suspended',
  fibers: 'suspended',
  objects: 'suspended',
  children: 'suspended',
  llmPlace: 'queue',
  gatePlace: 'queue',
  rate: 'queue',
  call: 'flight',
  chunk: 'flight',
  backoff: 'backoff',
  unwinding: 'cancelled',
  settled: 'completed',
};

export interface Sighting {
  phase: Phase;
  /** When the phase began, on the runtime's clock. */
  since: number;
}

export function isSettled(phase: Phase): boolean {
  return phase === 'completed' || phase === 'error' || phase === 'cancelled';
}

/** What the task does at this instant. */
export function look(rt: Runtime, task: Task): Sighting {
  const { state, completedAt } = task;
  if (state === 'completed' || state === 'cancelled' || state === 'error') return { phase: state, since: completedAt! };
  const [first] = rt.explain(task.id);
  return { phase: phaseOf[first!.reason] ?? 'suspended', since: first!.since };
}
