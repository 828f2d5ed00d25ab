/**
 * Deadlocks, as JavaScript sees them. The kernel finds them (core/sync/deadlock.cpp). A cycle of locks and joins it ends by
 * itself; where fibers wait for what any code could still do (put a value, send, give permits back) it asks, once nothing
 * else can happen: here is known whether code outside of tasks may still act.
 *
 * In Node it may while anything keeps the process alive: a timer, a socket, a request. In a browser a user may always come,
 * unless the clock is virtual. `deadlocks` in the configuration decides otherwise.
 */

import { task } from '../engine/turns.js';
import { DeadlockError, type DeadlockWaiter } from '../errors.js';
import { describe, type Task } from '../task.js';

/** Whether code outside of tasks may act for those who wait. */
export type DeadlockPolicy = 'auto' | 'closed' | 'open';

interface NodeProcess {
  getActiveResourcesInfo?: () => string[];
  once?: (event: 'beforeExit', listener: () => void) => unknown;
}
const node = (globalThis as { process?: NodeProcess }).process;

// The two streams of output keep nothing alive.
function isProcessIdle(): boolean {
  let streams = 0;
  for (const resource of node!.getActiveResourcesInfo!()) {
    if ((resource !== 'PipeWrap' && resource !== 'TTYWrap') || ++streams > 2) return false;
  }
  return true;
}

export class Quiet {
  #isAsked = false;
  #waitsForExit = false;

  constructor(
    private readonly policy: DeadlockPolicy,
    private readonly isVirtual: boolean,
    /** Ends the operations of those who wait for ever. */
    private readonly end: () => void,
  ) {}

  /** The kernel asks: nothing that it knows of will let those who wait go on. */
  asked(): void {
    if (this.policy === 'open' || this.#isAsked) return;
    this.#isAsked = true;
    // Code that is about to act has had its turn by then.
    task(() => {
      this.#isAsked = false;
      this.#answer();
    });
  }

  #answer(): void {
    if (this.policy === 'closed') return this.end();
    if (node?.getActiveResourcesInfo === undefined) {
      if (this.isVirtual) this.end();
      return;
    }
    if (isProcessIdle()) return this.end();
    if (this.#waitsForExit) return;
    this.#waitsForExit = true;
    node.once?.('beforeExit', () => {
      this.#waitsForExit = false;
      this.end();
    });
  }
}

interface RawLink {
  fiber: number;
  seq: number;
  object?: number;
  objectSeq?: number;
  act?: NonNullable<DeadlockWaiter['act']>;
  holder?: number;
  holderSeq?: number;
}

interface Namer {
  taskOf(fiber: number): Task | undefined;
  labelOf(object: number): string | undefined;
}

const kinds = { lock: 'mutex', acquire: 'semaphore', take: 'ivar', send: 'channel', receive: 'channel', pass: 'barrier' };
const words = { lock: 'to lock', acquire: 'for permits of', take: 'for the value of', send: 'to send to', receive: 'to receive from', pass: 'at' };

/** The error of those whose operations a deadlock ended; `text` is the kernel's report. */
export function deadlockError(text: string, { taskOf, labelOf }: Namer): DeadlockError {
  const { isCycle = 0, links = [] } = JSON.parse(text) as { isCycle?: number; links?: RawLink[] };
  const named = (fiber: number, seq: number): { id: string; said: string } => {
    const found = taskOf(fiber);
    return found === undefined ? { id: `fiber ${seq}`, said: `fiber ${seq}` } : { id: found.id, said: describe(found) };
  };
  const lines: string[] = [];
  const cycle = links.map(({ fiber, seq, object, objectSeq, act, holder, holderSeq }) => {
    const waiter = named(fiber, seq);
    const held = holder === undefined ? undefined : named(holder, holderSeq!);
    const one: DeadlockWaiter = { task: waiter.id };
    if (held !== undefined) one.holder = held.id;
    if (act === undefined) {
      lines.push(`${waiter.said} waits for ${held?.said ?? 'others'}`);
    } else {
      one.act = act;
      one.object = labelOf(object!) ?? `${kinds[act]} ${objectSeq}`;
      lines.push(`${waiter.said} waits ${words[act]} ${one.object}, ${held === undefined ? 'and nobody could let it go on' : `held by ${held.said}`}`);
    }
    return one;
  });
  const what = isCycle !== 0 ? 'a deadlock' : 'a deadlock: nothing else can happen';
  return new DeadlockError(lines.length === 0 ? what : `${what}: ${lines.join('; ')}`, cycle);
}
