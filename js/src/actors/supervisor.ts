/**
 * Supervisor: starts its children in order, stops them in reverse order, and starts again those that end, as OTP's does. A child
 * that fails again and again is no passing fault: beyond `intensity` restarts within `period` it stops all of them and fails
 * itself, which its own supervisor hears of.
 *
 * It is a process that handles one end of a child at a time; ends that come meanwhile wait for their turn. An end counts as
 * normal where the child was stopped or a task completed; a failure and a cancel from elsewhere do not.
 */

import { Context } from '../context.js';
import { ArgumentError, SupervisionError } from '../errors.js';
import type { Meaning } from '../operations.js';
import { Outside } from '../outside.js';
import { printable } from '../printable.js';
import { maxPermits } from '../protocol.js';
import type { Task } from '../task.js';
import type { WaitOptions } from '../waits.js';
import { Child, type ChildOptions, type Supervised } from './children.js';
import type { End } from './down.js';
import { Process, type ProcessHost } from './process.js';

/** Who is started again when one child ends: that one; all; that one and those that were started after it. */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one';

export interface SupervisorOptions {
  /** Started in this order, stopped in the reverse one. */
  children: readonly ChildOptions[];
  /** Default `one-for-one`. */
  strategy?: Strategy | undefined;
  /** Restarts within `period` milliseconds; one more is too many. Default 1 within 5000. */
  intensity?: number | undefined;
  period?: number | undefined;
  /** For messages, explain() and the list of tasks. */
  name?: string | undefined;
  /** The task that it is a child of. Default: none. */
  parent?: Task | undefined;
}

const strategies: readonly string[] = ['one-for-one', 'one-for-all', 'rest-for-one'] satisfies Strategy[];
const options: readonly string[] = ['children', 'strategy', 'intensity', 'period', 'name', 'parent'];

/** What comes into its mailbox. */
class ChildEnd {
  constructor(
    readonly child: Child,
    readonly end: End,
  ) {}
}

// What those wait for who want it to be ready. They wait as who asks does, see ask.ts.
class Start {
  readonly name = 'supervisor.ready';
  readonly #host: ProcessHost;
  readonly #ticket: number;
  #isOver = false;
  #error: unknown = undefined;

  constructor(host: ProcessHost, label: string) {
    this.#host = host;
    this.#ticket = host.objects.openTicket(`the start of ${label}`);
  }

  get failureIsValue(): boolean {
    return this.#error === undefined;
  }
  failure(): unknown {
    return this.#error;
  }

  async wait(options: WaitOptions | undefined): Promise<void> {
    const { objects, engine } = this.#host;
    const { caller, timeout, signal } = objects.resolve(this.name, options);
    objects.open(this.name, caller);
    if (!this.#isOver) {
      const owner = caller?._owner ?? new Outside(engine.raw, this.name);
      await objects.awaitTicket(this.#ticket, owner, this.#timed(timeout), timeout, caller?._shield ?? 0, signal);
    } else if (this.#error !== undefined) {
      throw this.#error;
    }
  }

  // An object of its own, since private names do not reach through withTimeout().
  #timed(timeout: number): Meaning {
    const start = this;
    return {
      name: this.name,
      timeout,
      get failureIsValue() {
        return start.failureIsValue;
      },
      failure: () => start.failure(),
      value: () => undefined,
    };
  }

  over(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#host.objects.closeTicket(this.#ticket);
  }
}

export class Supervisor extends Process {
  readonly strategy: Strategy;
  readonly intensity: number;
  readonly period: number;
  readonly #children: Child[];
  readonly #byId = new Map<string, Child>();
  readonly #start: Start;
  #ctx: Context | undefined;
  // When children were started again, within the last period.
  #restarts: number[] = [];
  #count = 0;

  /** Use Runtime.supervisor(). @internal */
  constructor(host: ProcessHost, spec: SupervisorOptions) {
    const { children, strategy, intensity, period, name, parent } = checkOptions(spec);
    const made = children.map((child) => new Child(child));
    const ids = new Set<string>();
    for (const { id } of made) {
      if (ids.has(id)) throw new ArgumentError('supervisor', `there are two children '${id}'`);
      ids.add(id);
    }
    super(host, 'supervisor', maxPermits, 'wait', { name, parent, timeout: 0 });
    this.strategy = strategy;
    this.intensity = intensity;
    this.period = period;
    this.#start = new Start(host, this._label);
    this.#children = made;
    for (const child of made) this.#byId.set(child.id, child);
  }

  /** Resolves when all children are started. Rejects with a SupervisionError where one was not. */
  async ready(wait?: Context | WaitOptions): Promise<void> {
    this._hear();
    await this.#start.wait(wait instanceof Context ? { ctx: wait } : wait);
  }

  /** What the child is now; undefined while it does not run. Throws for an id that is none. */
  child(id: string): Supervised | undefined {
    const child = this.#byId.get(id);
    if (child === undefined) throw new ArgumentError('supervisor.child', `${this._label} has no child ${printable(id)}; there are ${[...this.#byId.keys()].join(', ')}`);
    return child.running;
  }

  /** How often it has started children again. */
  get restarts(): number {
    return this.#count;
  }

  // --- As a process ---

  /** @internal */
  override get _isPatient(): boolean {
    return true;
  }

  /** @internal */
  override _started(ctx: Context): Promise<void> {
    return this.ready(ctx);
  }

  /** @internal */
  override async _begin(ctx: Context): Promise<void> {
    this.#ctx = ctx;
    for (const child of this.#children) {
      if (this._isClosing) break;
      try {
        await this.#startChild(child, ctx);
      } catch (cause) {
        ctx.checkCancellation();
        await this.#stopAll(`${this._label} could not start`);
        throw new SupervisionError(`${this._label}: child '${child.id}' did not start: ${textOf(cause)}`, { child: child.id, cause });
      }
    }
    this.#start.over(undefined);
  }

  /** @internal */
  override _handle(message: unknown): PromiseLike<unknown> | undefined {
    const { child, end } = message as ChildEnd;
    // Somebody started or stopped it meanwhile.
    if (child.running !== undefined) return undefined;
    if (child.restart === 'temporary' || (child.restart === 'transient' && end.outcome === 'stopped')) return undefined;
    return this.#restart(child, end);
  }

  /** @internal */
  override _finish(): Promise<void> {
    return this.#stopAll(`${this._label} stops`);
  }

  /** @internal */
  override _ended(): void {
    const { error } = this._down();
    for (const child of [...this.#children].reverse()) this._host.afterwards(() => child.cancel(this._host, `${this._label} has ended`, error));
    this.#start.over(error ?? this._stopped('supervisor.ready'));
  }

  #startChild(child: Child, ctx: Context): Promise<void> {
    return child.start(this._host, ctx, (end) => {
      if (this._isOver || this._host.objects.isClosed()) return;
      this._tryNow(new ChildEnd(child, end), undefined);
      this._host.engine.wake();
    });
  }

  // Those who fall with it are stopped, and all of them started again, until that succeeds or was tried too often.
  async #restart(fallen: Child, end: End): Promise<void> {
    const ctx = this.#ctx!;
    let child = fallen;
    let { reason, error: cause }: { reason: string; error?: unknown } = end;
    while (!this._isClosing) {
      if (!this.#mayRestart()) {
        await this.#stopAll(`${this._label} gives up`);
        const text = `${this._label}: more than ${this.intensity} restarts within ${this.period} ms; the last to end was child '${child.id}': ${reason}`;
        throw new SupervisionError(text, cause === undefined ? { child: child.id } : { child: child.id, cause });
      }
      const first = this.strategy === 'one-for-all' ? 0 : this.#children.indexOf(child);
      const last = this.strategy === 'one-for-one' ? first : this.#children.length - 1;
      const group = this.#children.slice(first, last + 1);
      for (const each of [...group].reverse()) await each.stop(this._host, ctx, `${this._label} restarts it with '${child.id}'`);
      try {
        for (const each of group) {
          // One that is never started again is gone with the others.
          if (each.restart === 'temporary') continue;
          child = each;
          await this.#startChild(each, ctx);
        }
        return;
      } catch (error) {
        ctx.checkCancellation();
        cause = error;
        reason = `did not start: ${textOf(error)}`;
      }
    }
  }

  #mayRestart(): boolean {
    const now = this._host.runtime.clock.now();
    this.#restarts = this.#restarts.filter((at) => at >= now - this.period);
    if (this.#restarts.length >= this.intensity) return false;
    this.#restarts.push(now);
    this.#count++;
    return true;
  }

  async #stopAll(reason: string): Promise<void> {
    for (const child of [...this.#children].reverse()) await child.stop(this._host, this.#ctx!, reason);
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : printable(error));

function checkOptions(spec: SupervisorOptions): Required<Pick<SupervisorOptions, 'children'>> & { strategy: Strategy; intensity: number; period: number; name: string | undefined; parent: Task | undefined } {
  if (typeof spec !== 'object' || spec === null) throw new ArgumentError('supervisor', `the options must be an object, got ${printable(spec)}`);
  for (const key of Object.keys(spec)) {
    if (!options.includes(key)) throw new ArgumentError('supervisor', `${key} is no option; there are ${options.join(', ')}`);
  }
  const { children, strategy = 'one-for-one', intensity = 1, period = 5000, name, parent } = spec;
  if (!Array.isArray(children)) throw new ArgumentError('supervisor', `options.children must be an array, got ${printable(children)}`);
  if (!strategies.includes(strategy)) throw new ArgumentError('supervisor', `options.strategy must be one of ${strategies.join(', ')}, got ${printable(strategy)}`);
  if (!Number.isInteger(intensity) || intensity < 0) throw new ArgumentError('supervisor', `options.intensity must be a whole number, 0 or more, got ${printable(intensity)}`);
  if (typeof period !== 'number' || !(period > 0)) throw new ArgumentError('supervisor', `options.period must be a number of milliseconds above 0, got ${printable(period)}`);
  return { children, strategy, intensity, period, name, parent };
}
