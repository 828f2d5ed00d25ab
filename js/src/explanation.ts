/**
 * Why a task does not run now: the kernel's facts (core/kernel/explain.cpp) with ids, points in time and words.
 */

import type { GateInfo } from './llm/routes.js';
import { describe, type Task } from './task.js';

/** What is waited for at an object. */
export type ObjectAct = 'lock' | 'acquire' | 'take' | 'send' | 'receive' | 'pass';

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
    | 'objects' // waits at `objects`; `tasks` hold those that are locked
    | 'settled';
  since: number;
  until?: number;
  /** The limit's value. */
  limit?: number;
  /** Entries in the queue before it. */
  ahead?: number;
  /** Whose limit it is. */
  gate?: GateInfo;
  /** Objects that it waits at, and what it wants there. */
  objects?: { object: string; act: ObjectAct }[];
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
  objects?: { id: number; act: ObjectAct }[];
}

/** What ids of the kernel's stand for. @internal */
export interface Namer {
  taskOf(fiber: number): Task | undefined;
  gateOf(gate: number): GateInfo;
  labelOf(object: number): string | undefined;
}

const actTexts: Record<ObjectAct, [words: string, kind: string]> = {
  lock: ['to lock', 'a mutex'],
  acquire: ['for permits of', 'a semaphore'],
  take: ['for the value of', 'an ivar'],
  send: ['to send to', 'a channel'],
  receive: ['to receive from', 'a channel'],
  pass: ['at', 'a barrier'],
};

/** `epoch` and `now` are milliseconds since the epoch. @internal */
export function explanationOf(task: Task, fact: RawFact, { taskOf, gateOf, labelOf }: Namer, epoch: number, now: number): Explanation {
  const { fibers, gate: gateId, objects: at, ...rest } = fact;
  const gate = gateId === undefined ? undefined : gateOf(gateId);
  const whose = gate === undefined ? '' : `the ${gate.kind} ${gate.name}`;
  const since = epoch + fact.since;
  const names = (fibers ?? []).map(taskOf).filter((other) => other !== undefined);
  const tasks = names.map((other) => other.id);
  const listed = names.length === 0 ? 'others' : names.map((other) => describe(other).replace('task ', '')).join(', ');
  const objects = (at ?? []).map(({ id, act }) => ({ object: labelOf(id) ?? actTexts[act][1], act }));
  const wanted = objects.map(({ object, act }) => `${actTexts[act][0]} ${object}`).join(' or ');
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
    objects: `waits ${wanted}${tasks.length > 0 ? `, held by ${listed}` : ''}${fact.ahead! > 0 ? `, ${fact.ahead} before it` : ''}`,
    settled: `is ${task.state}`,
  };
  const explanation: Explanation = { ...rest, since, text: `${describe(task)} ${texts[fact.reason]}, ${ago}` };
  if (fact.until !== undefined) explanation.until = epoch + fact.until;
  if (gate !== undefined) explanation.gate = gate;
  if (objects.length > 0) explanation.objects = objects;
  if (tasks.length > 0) explanation.tasks = tasks;
  return explanation;
}
