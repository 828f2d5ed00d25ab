/**
 * select: whichever of several operations can be done first, and that one only. Of those that can at once the seed chooses.
 * What the others would have sent goes to nobody.
 */

import { closed } from '../closed.js';
import { Context } from '../context.js';
import { ArgumentError, TimeoutError } from '../errors.js';
import type { Meaning, Owner } from '../operations.js';
import { printable } from '../printable.js';
import { SyncAct } from '../protocol.js';
import type { WaitOptions } from '../waits.js';
import { Channel } from './channel.js';
import { IVar } from './ivar.js';
import { Mutex, type Lock } from './mutex.js';
import type { Case, Objects } from './objects.js';
import { Permits, Semaphore } from './semaphore.js';
import { noFailure, type SyncObject } from './sync-object.js';

/** One of the things that select() may do. */
export type SelectCase<T = unknown> =
  | { recv: Channel<T> }
  | { send: Channel<T>; value: T }
  | { take: IVar<T> }
  | { lock: Mutex }
  | { acquire: Semaphore; permits?: number | undefined }
  /** Nothing could be done for so many milliseconds. */
  | { timeout: number }
  /** Nothing can be done at once. */
  | { default: true };

/** What a case gives. */
export type CaseValue<C> = C extends { recv: Channel<infer T> }
  ? T | typeof closed
  : C extends { take: IVar<infer T> }
    ? T
    : C extends { lock: Mutex }
      ? Lock
      : C extends { acquire: Semaphore }
        ? Permits
        : undefined;

/** A list of cases of any types, where each sends what its channel takes. */
export type Cases<C> = { readonly [K in keyof C]: C[K] extends { send: Channel<infer T> } ? { send: Channel<T>; value: T } : C[K] };

/** Cases of channels and ivars of any type. */
export type AnyCase = SelectCase<any>;

/** Which case it was, and what it gave. */
export type Selected<C extends readonly unknown[]> = { [K in keyof C]: { index: number; value: CaseValue<C[K]> } }[number];

interface Plan {
  cases: Case[];
  /** Of each of them, its place in the caller's list. */
  places: number[];
  timeout: { ms: number; place: number } | undefined;
  otherwise: number | undefined;
}

const name = 'select';

class Selecting implements Meaning {
  readonly name = name;
  readonly failureIsValue = true;
  constructor(
    readonly plan: Plan,
    readonly isExplicit: boolean,
  ) {}

  value(aux: number, index: number, owner: Owner): unknown {
    const { act, object } = this.plan.cases[index]!;
    return { index: this.plan.places[index]!, value: this.#got(act, object, aux, owner) };
  }

  failure(_: number, __: number, index: number): unknown {
    return { index: this.plan.places[index]!, value: closed };
  }

  #got(act: number, object: SyncObject, aux: number, owner: Owner): unknown {
    switch (act) {
      case SyncAct.receive:
        return object._objects.values.take(aux);
      case SyncAct.take:
        return object._objects.values.read(aux);
      case SyncAct.lock:
        return (object as Mutex)._locked(owner, this.isExplicit);
      case SyncAct.acquire:
        return new Permits(object as Semaphore, aux);
      default:
        return undefined;
    }
  }
}

// With a case for the time.
class SelectingInTime extends Selecting {
  timedOut(): unknown {
    return { index: this.plan.timeout!.place, value: undefined };
  }
}

/** What Runtime.select() does; see there. @internal */
export function select(objects: Objects, cases: unknown, options: Context | WaitOptions | undefined, from: Context | undefined): Promise<unknown> {
  const { operations } = objects;
  let caller: Context | undefined;
  try {
    const resolved = objects.resolve(name, options instanceof Context ? { ctx: options } : options);
    const isExplicit = from !== undefined || options instanceof Context || options?.ctx !== undefined;
    caller = from === undefined ? resolved.caller : objects.caller(from, name);
    objects.open(name, caller);
    const plan = planOf(objects, cases);
    const own = plan.timeout;
    const isOwn = own !== undefined && !(resolved.timeout > 0 && resolved.timeout < own.ms);
    const timeout = isOwn ? own.ms : resolved.timeout;
    const mayWait = plan.otherwise === undefined && !(own?.ms === 0);
    const none = { index: plan.otherwise ?? own?.place ?? -1, value: undefined };
    if (plan.cases.length === 0) {
      if (!mayWait) return operations.value(caller?._owner, none);
      return objects.delay(timeout, { name, value: () => (isOwn ? none : late(timeout)), failure: noFailure }, caller, resolved.signal);
    }
    const meaning = isOwn ? new SelectingInTime(plan, isExplicit) : new Selecting(plan, isExplicit);
    return objects.select(plan.cases, { timeout, signal: resolved.signal }, meaning, caller, mayWait) ?? operations.value(caller?._owner, none);
  } catch (error) {
    return operations.error(caller?._owner, error);
  }
}

function late(ms: number): never {
  throw new TimeoutError(`${name} took longer than its timeout of ${ms} ms`, { limit: 'operation', scope: name, ms });
}

const keys = ['recv', 'send', 'take', 'lock', 'acquire', 'timeout', 'default'] as const;
const partners: Partial<Record<string, string>> = { value: 'send', permits: 'acquire' };

function planOf(objects: Objects, cases: unknown): Plan {
  if (!Array.isArray(cases)) throw new ArgumentError(name, `the argument must be an array of cases, got ${printable(cases)}`);
  if (cases.length === 0) throw new ArgumentError(name, 'there is no case, so it would wait for ever');
  const plan: Plan = { cases: [], places: [], timeout: undefined, otherwise: undefined };
  // By index: an array with holes has holes.
  for (let place = 0; place < cases.length; place++) add(objects, plan, place, cases[place]);
  return plan;
}

function add(objects: Objects, plan: Plan, place: number, given: unknown): void {
  const refuse = (why: string): never => {
    throw new ArgumentError(name, `case ${place}: ${why}`);
  };
  if (typeof given !== 'object' || given === null) refuse(`a case is an object, such as {recv: channel}, got ${printable(given)}`);
  const one = { ...(given as Record<string, unknown>) };
  const found = keys.filter((key) => Object.hasOwn(one, key));
  const [key] = found;
  if (key === undefined || found.length > 1) return refuse(`a case has exactly one of ${keys.join(', ')}, this has ${found.length === 0 ? 'none' : found.join(', ')}`);
  const unknown = Object.keys(one).find((other) => other !== key && partners[other] !== key);
  if (unknown !== undefined) refuse(`${key} takes no ${printable(unknown)}`);
  const add = (act: number, type: abstract new (...args: never[]) => SyncObject, kind: string, value: unknown): void => {
    const object = one[key];
    if (!(object instanceof type)) return refuse(`${key} needs ${kind}, got ${printable(object)}`);
    if (object._objects !== objects) refuse(`${object._label} belongs to another runtime`);
    plan.cases.push({ act, object, value });
    plan.places.push(place);
  };
  switch (key) {
    case 'recv':
      return add(SyncAct.receive, Channel, 'a channel', 0);
    case 'send':
      if (!Object.hasOwn(one, 'value')) refuse('send needs a value');
      return add(SyncAct.send, Channel, 'a channel', one['value']);
    case 'take':
      return add(SyncAct.take, IVar, 'an ivar', 0);
    case 'lock':
      return add(SyncAct.lock, Mutex, 'a mutex', 0);
    case 'acquire': {
      const permits = one['permits'] ?? 1;
      const semaphore = one['acquire'];
      if (semaphore instanceof Semaphore) semaphore._check(`${name}: case ${place}`, permits);
      return add(SyncAct.acquire, Semaphore, 'a semaphore', permits);
    }
    case 'timeout': {
      const ms = one['timeout'];
      if (typeof ms !== 'number' || !(ms >= 0)) return refuse(`timeout needs a number of milliseconds, 0 or more, got ${printable(ms)}`);
      if (plan.timeout === undefined || ms < plan.timeout.ms) plan.timeout = { ms, place };
      return;
    }
    case 'default':
      if (one['default'] !== true) refuse(`default is true, got ${printable(one['default'])}`);
      if (plan.otherwise !== undefined) refuse('there is a default already');
      plan.otherwise = place;
  }
}
