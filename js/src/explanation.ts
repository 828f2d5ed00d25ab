/**
 * Why a task does not run now: the kernel's facts (core/kernel/explain.cpp) with ids, points in time and words.
 */

import type { GateInfo } from './llm/routes.js';
import { describe, type Task } from './task.js';

/** One thing that a task waits for. Times in milliseconds since the epoch. */
export interface Explanation {
  reason:
    | 'slot' // maxConcurrentTasks; `tasks` hold the slots
    | 'zombies' // maxZombies pauses admission; `tasks` are the zombies
    | 'turn' // ready, runs next
    | 'host' // its code has control, or awaits something that Heddle does not see
    | 'delay'
    | 'fibers' // waits for `tasks`
    | 'llmPlace' // maxConcurrentLLMCalls; `tasks` have calls in flight
    | 'rate' // requests or tokens of a minute are used up; until `until`, if nothing else happens
    | 'gatePlace' // a limit of calls in flight, of a model, a tenant or of fetches
    | 'backoff' // between two attempts of a call
    | 'call' // a call is in flight
    | 'chunk' // the next chunk of a stream
    | 'children' // its body is over, `tasks` are the children that are not
    | 'unwinding' // cancelled, its body has not ended
    | 'settled';
  since: number;
  until?: number;
  /** The limit's value. */
  limit?: number;
  /** Entries in the queue before it. */
  ahead?: number;
  /** Whose limit it is. */
  gate?: GateInfo;
  /** Ids of the tasks concerned, some at least. */
  tasks?: string[];
  /** The same as a sentence. */
  text: string;
}

/** A fact as the kernel tells it: times on its own clock, fibers by id. @internal */
export interface RawFact {
  reason: Explanation['reason'];
  since: number;
  until?: number;
  limit?: number;
  ahead?: number;
  gate?: number;
  fibers?: number[];
}

/** `taskOf` knows the kernel's fibers; `epoch` and `now` are milliseconds since the epoch. @internal */
export function explanationOf(task: Task, fact: RawFact, taskOf: (fiber: number) => Task | undefined, gateOf: (gate: number) => GateInfo, epoch: number, now: number): Explanation {
  const { fibers, gate: gateId, ...rest } = fact;
  const gate = gateId === undefined ? undefined : gateOf(gateId);
  const whose = gate === undefined ? '' : `the ${gate.kind} ${gate.name}`;
  const since = epoch + fact.since;
  const names = (fibers ?? []).map(taskOf).filter((other) => other !== undefined);
  const tasks = names.map((other) => other.id);
  const listed = names.length === 0 ? 'others' : names.map((other) => describe(other).replace('task ', '')).join(', ');
  const ago = `for ${Math.round((now - since) * 10) / 10} ms`;
  const texts: Record<Explanation['reason'], string> = {
    slot: `waits for a slot: maxConcurrentTasks is ${fact.limit}, ${fact.ahead} before it; held by ${listed}`,
    zombies: `is not admitted: maxZombies is ${fact.limit}, reached by ${listed}`,
    turn: 'is ready and runs next',
    host: 'runs: its code has control, or awaits something that is no operation of Heddle',
    delay: 'waits for its delay',
    fibers: `waits for ${listed}`,
    llmPlace: `waits for a place: maxConcurrentLLMCalls is ${fact.limit}, ${fact.ahead} before it; in flight for ${listed}`,
    rate: `waits for the rate of ${whose}: ${fact.ahead} before it`,
    gatePlace: `waits for a place at ${whose}: its limit is ${fact.limit}, ${fact.ahead} before it; in flight for ${listed}`,
    backoff: 'waits before the next attempt of a call',
    call: 'waits for a call in flight',
    chunk: 'waits for the next chunk of a stream',
    children: `has returned and waits for its children ${listed}`,
    unwinding: 'was cancelled; its body has not ended yet',
    settled: `is ${task.state}`,
  };
  const explanation: Explanation = { ...rest, since, text: `${describe(task)} ${texts[fact.reason]}, ${ago}` };
  if (fact.until !== undefined) explanation.until = epoch + fact.until;
  if (gate !== undefined) explanation.gate = gate;
  if (tasks.length > 0) explanation.tasks = tasks;
  return explanation;
}
