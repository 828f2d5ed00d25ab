/**
 * The engine: drives the pump of one instance and carries commands to the runtime.
 *
 * The cycle: somebody tells the kernel something (an export call or an event in the ring) and calls wake(); when
 * JavaScript's own microtasks are drained, the pump is resumed, steps the kernel and sleeps again; then the effects, and
 * after them the runs, are carried out, which makes bodies run, which tell the kernel something. Between two cycles the
 * event loop gets its chance every `sliceMs`, however busy the fibers are.
 *
 * Invariants: the pump sleeps whenever JavaScript runs; runs are carried out by the cycle only, effects also in the middle
 * of a body's turn (drainEffects), so that a cancel is visible when it returns. Partner: wasm/pump.cpp.
 */

import type { TimeJump } from '../time-jump.js';
import { commandBytes, CommandType, eventBytes, RingWord, StatusWord } from '../protocol.js';
import type { ControlPlane, Instance, RawExports } from './module.js';
import { hasNextTick, task, whenDrained } from './turns.js';

/** What the engine tells the runtime. Methods must not throw. */
export interface CommandTarget {
  start(fiber: number): void;
  resume(op: number, code: number, aux: number): void;
  startCall(call: number, op: number, attempt: number, route: number): void;
  read(op: number, call: number): void;
  /** A fiber of a program wants something of the host. */
  hostOp(op: number, fiber: number, procedure: number): void;
  /** It does not want it any more. */
  hostOver(op: number): void;
  /** A program made a task. */
  spawned(fiber: number, parent: number, seq: number): void;
  /** A task whose body is Lisp runs. */
  started(fiber: number): void;
  /** A program waits for a task, by its number. */
  awaited(seq: number): void;
  /** A program, by the number of its task, printed something. */
  output(program: number): void;
  settle(fiber: number, outcome: number, cause: number, ended: boolean, seq: number, reason: number): void;
  interrupt(fiber: number, outcome: number, cause: number, seq: number, reason: number): void;
  ended(fiber: number): void;
  /** `how`: 0 close the connection, 1 forget the call, 2 its first word is late. */
  abortCall(call: number, how: number): void;
  /** Nobody will get the value with this token. */
  dropped(token: number): void;
  /** The fiber with that number ended with a mutex. */
  notReleased(mutex: number, seq: number): void;
  /** Fibers wait at objects, and nothing that the kernel knows of will ever let them go on. */
  quiet(): void;
  zombie(fiber: number, became: boolean): void;
  /** Time passed that the host's timers did not see, or one of them came late. */
  timeJumped(kind: TimeJump['kind'], ms: number): void;
  /** All commands of a cycle are carried out. */
  cycled(): void;
}

/** What counts as a jump, in milliseconds: far above what clocks drift and timers are late by themselves. */
const shortestJump = 2000;
/** Milliseconds between two looks at the wall clock. */
const lookEvery = 50;

/** Longer waits are re-armed: far below the 2^31 - 1 ms that hosts accept, so that a machine's sleep is noticed within this time
 * of its end. */
const maxTimeout = 60_000;
/** Under virtual time, turns of the event loop that foreign waits get before time passes without them. */
const foreignTurns = 2;

/** Runs that may follow each other without a look at microtasks and at the event loop. */
const runsInARow = 256;

/** Cycles with a single event, in a row, after which events are gathered. */
const loneCycles = 4;

export class Engine {
  readonly raw: RawExports;
  readonly control: ControlPlane;
  /** Milliseconds since the epoch at which the kernel's clock stood at 0. */
  readonly epoch: number;
  /** The runtime's clock as of the current cycle, in milliseconds. */
  time = 0;
  /** How often a generator body was stepped and waited for an operation again: it has left nothing for microtasks to do. */
  parked = 0;
  readonly #instance: Instance;
  readonly #target: CommandTarget;
  readonly #virtual: boolean;
  readonly #sliceMs: number;
  #origin = performance.now();
  #drift = 0; // of the wall clock against the monotonic one
  #looked = 0;
  #jumped = false; // at the last look
  readonly #cycle = () => this.#runCycle();
  readonly #cycleWhenDrained = whenDrained(this.#cycle);
  readonly #cycleInTask = () => {
    this.#breath = performance.now();
    this.#runCycle();
  };

  #u32!: Uint32Array;
  #f64!: Float64Array;
  // Word addresses, in #u32.
  #runs = 0;
  #effects = 0;
  #events = 0;
  #status = 0;

  #awake = false; // a cycle is due, or under way
  #told = false; // wake() was called meanwhile
  #closed = false;
  #breath: number; // when the event loop last had its chance
  #alarm: ReturnType<typeof setTimeout> | undefined;
  #virtualAlarm = false;
  #idleTurns = 0;
  #arrivals = 0; // events since the last cycle
  #lone = 0; // cycles in a row that had one event
  #isGathering = false;

  constructor(
    instance: Instance,
    target: CommandTarget,
    options: { virtual: boolean; sliceMs: number; configJson: string },
  ) {
    this.#instance = instance;
    this.raw = instance.raw;
    this.control = instance.control;
    this.#target = target;
    this.#virtual = options.virtual;
    this.#sliceMs = options.sliceMs;
    this.epoch = options.virtual ? 0 : performance.timeOrigin + this.#origin;
    this.#breath = this.#origin;
    // Virtual time never asks what time it is.
    if (!options.virtual) this.#drift = Date.now() - this.#origin;
    const problem = instance.control.open(options.configJson);
    if (problem !== '') throw new Error(`heddle: the kernel refused its configuration: ${problem}`);
    this.#refresh();
    this.#runs = this.raw.hd_runs() >>> 2;
    this.#effects = this.raw.hd_effects() >>> 2;
    this.#events = this.raw.hd_events() >>> 2;
    this.#status = this.raw.hd_status() >>> 2;
    this.#awake = true;
    instance.start(() => this.#asleep());
  }

  /** Milliseconds on the runtime's clock. */
  now(): number {
    return this.#virtual ? this.raw.hd_now() : performance.now() - this.#origin;
  }

  /** Says what time it is, before an operation that counts from now. */
  tick(): void {
    if (!this.#virtual) this.raw.hd_time((this.time = performance.now() - this.#origin));
  }

  /** Makes sure that a cycle follows. Call it after telling the kernel something. */
  wake(): void {
    if (this.#awake) {
      this.#told = true;
      return;
    }
    if (this.#closed) return;
    this.#awake = true;
    const now = performance.now();
    if (!this.#virtual && now - this.#looked >= lookEvery) this.#look(now);
    if (!this.#virtual) this.raw.hd_time((this.time = now - this.#origin));
    if (now - this.#breath >= this.#sliceMs || this.#gathers()) task(this.#cycleInTask);
    else if (hasNextTick || this.#virtual) this.#cycleWhenDrained();
    else queueMicrotask(this.#cycle);
  }

  /** Puts an event into the ring, and wakes the pump. */
  event(type: number, a: number, b = 0, c = 0, x = 0, y = 0): void {
    if (this.#closed) return;
    if (this.#u32.length === 0) this.#refresh();
    let u32 = this.#u32;
    const ring = this.#events;
    const tail = u32[ring + RingWord.tail]!;
    const mask = u32[ring + RingWord.mask]!;
    if (((tail - u32[ring + RingWord.head]!) | 0) > (mask | 0)) {
      this.raw.hd_drain();
      if (this.#u32.length === 0) this.#refresh();
      u32 = this.#u32;
    }
    const at = (u32[ring + RingWord.data]! + (tail & mask) * eventBytes) >>> 2;
    u32[at] = type;
    u32[at + 1] = a;
    u32[at + 2] = b;
    u32[at + 3] = c;
    this.#f64[(at >>> 1) + 2] = x;
    this.#f64[(at >>> 1) + 3] = y;
    u32[ring + RingWord.tail] = (tail + 1) >>> 0;
    this.#arrivals++;
    this.wake();
  }

  // Answers from outside (a thousand sockets, a thousand immediates) come one a task, and a cycle for each would cost more
  // than they do. After a few such cycles in a row the next answer waits for the end of the event loop's turn; if it got
  // company there, so does the one after it, otherwise the streak begins anew.
  #gathers(): boolean {
    if (this.#virtual) return false;
    if (this.#lone >= loneCycles) {
      this.#isGathering = true;
      return true;
    }
    return false;
  }

  #countArrivals(): void {
    if (this.#isGathering) this.#lone = this.#arrivals > 1 ? loneCycles : 0;
    else this.#lone = this.#arrivals === 1 ? this.#lone + 1 : 0;
    this.#isGathering = false;
    this.#arrivals = 0;
  }

  /** Writes the targets of the next hd_wait. */
  targets(owners: readonly { readonly _fiber: number }[]): void {
    const address = this.raw.hd_targets(owners.length) >>> 2;
    if (this.#u32.length === 0) this.#refresh();
    const u32 = this.#u32;
    for (let i = 0; i < owners.length; i++) u32[address + i] = owners[i]!._fiber;
  }

  /** A word of the status block (StatusWord). */
  status(word: number): number {
    if (this.#u32.length === 0) this.#refresh();
    return this.#u32[this.#status + word]!;
  }

  /** What was told so far takes effect: afterwards a task that the kernel has settled is settled here, too. */
  catchUp(): void {
    if (this.#u32.length === 0) this.#refresh();
    if (this.#u32[this.#events + RingWord.head] !== this.#u32[this.#events + RingWord.tail]) this.raw.hd_drain();
    this.drainEffects();
  }

  /** How many runs the kernel has told so far, modulo 2^32. */
  get runsTold(): number {
    if (this.#u32.length === 0) this.#refresh();
    return this.#u32[this.#runs + RingWord.tail]!;
  }

  /** How many of them were begun, the one under way included. */
  get runsBegun(): number {
    if (this.#u32.length === 0) this.#refresh();
    return this.#u32[this.#runs + RingWord.head]!;
  }

  /** Carries out what can take effect at once. */
  drainEffects(): void {
    if (this.#u32.length === 0) this.#refresh();
    let u32 = this.#u32;
    const ring = this.#effects;
    const target = this.#target;
    let head: number;
    while ((head = u32[ring + RingWord.head]!) !== u32[ring + RingWord.tail]!) {
      const at = (u32[ring + RingWord.data]! + (head & u32[ring + RingWord.mask]!) * commandBytes) >>> 2;
      const word = u32[at]!;
      const a = u32[at + 1]!;
      const b = u32[at + 2]!;
      const c = u32[at + 3]!;
      const alarm = this.#f64[(at >>> 1) + 1]!;
      u32[ring + RingWord.head] = (head + 1) >>> 0;
      switch (word & 0xff) {
        case CommandType.settle:
          target.settle(a, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24 !== 0, b, c);
          break;
        case CommandType.interrupt:
          target.interrupt(a, (word >>> 8) & 0xff, (word >>> 16) & 0xff, b, c);
          break;
        case CommandType.ended:
          target.ended(a);
          break;
        case CommandType.abortCall:
          target.abortCall(a, b);
          break;
        case CommandType.alarm:
          this.#setAlarm(alarm);
          break;
        case CommandType.zombie:
          target.zombie(a, b !== 0);
          break;
        case CommandType.spawned:
          target.spawned(a, b, c);
          break;
        case CommandType.started:
          target.started(a);
          break;
        case CommandType.awaited:
          target.awaited(a);
          break;
        case CommandType.output:
          target.output(a);
          break;
        case CommandType.hostOver:
          target.hostOver(a);
          break;
        case CommandType.dropped:
          target.dropped(a);
          break;
        case CommandType.notReleased:
          target.notReleased(a, b);
          break;
        case CommandType.quiet:
          target.quiet();
          break;
      }
      if (u32.length === 0) {
        this.#refresh();
        u32 = this.#u32;
      }
    }
  }

  /** Lets the pump return and forgets the instance's memory. No call may follow. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#alarm);
    this.raw.hd_close();
    // A pump that is under way, or about to run, finds the word by itself.
    if (!this.#awake) this.#instance.resume();
  }

  // A resumed pump runs until it sleeps again; then #asleep goes on.
  #runCycle(): void {
    if (this.#closed) {
      this.#instance.resume();
      return;
    }
    if (this.#virtual && this.#virtualAlarm && this.#waitsForForeign()) return;
    this.#virtualAlarm = false;
    this.#told = false;
    this.#countArrivals();
    this.#instance.resume();
  }

  // Time is about to pass although bodies await something that Heddle does not see: give that a few turns first.
  #waitsForForeign(): boolean {
    if (this.#u32.length === 0) this.#refresh();
    const u32 = this.#u32;
    const told = u32[this.#events + RingWord.head] !== u32[this.#events + RingWord.tail];
    if (told || u32[this.#status + StatusWord.foreign] === 0 || this.#idleTurns >= foreignTurns) {
      this.#idleTurns = 0;
      return false;
    }
    this.#idleTurns++;
    task(this.#cycle);
    return true;
  }

  #asleep(): void {
    if (this.#closed) return;
    if (this.#virtual) this.time = this.raw.hd_now();
    this.drainEffects();
    this.#drainRuns();
  }

  // Turns in a row: where all that was to run were generators that wait again, the host's turn is over with theirs, and the next
  // one of the kernel's follows at once, without the way through the microtask queue and the pump's suspended stack. That
  // depends on the program alone, as everything that decides what is in a turn must.
  #drainRuns(): void {
    for (let runs = 0; (runs = this.#drainTurn(runs)) > 0; ) {
      this.#told = false;
      this.raw.hd_turn();
      if (this.#virtual) this.time = this.raw.hd_now();
      this.drainEffects();
    }
  }

  // Gives how many runs there were in this row of turns, or 0 where it ends.
  #drainTurn(before: number): number {
    if (this.#u32.length === 0) this.#refresh();
    let u32 = this.#u32;
    const ring = this.#runs;
    const target = this.#target;
    // Bodies add no runs: the ring's tail stands while they run.
    const tail = u32[ring + RingWord.tail]!;
    const count = (tail - u32[ring + RingWord.head]!) >>> 0;
    const parked = this.parked;
    let head: number;
    while ((head = u32[ring + RingWord.head]!) !== tail) {
      const at = (u32[ring + RingWord.data]! + (head & u32[ring + RingWord.mask]!) * commandBytes) >>> 2;
      const a = u32[at + 1]!;
      const b = u32[at + 2]!;
      const c = u32[at + 3]!;
      const word = u32[at]!;
      const type = word & 0xff;
      u32[ring + RingWord.head] = (head + 1) >>> 0;
      switch (type) {
        case CommandType.start:
          target.start(a);
          break;
        case CommandType.resume:
          target.resume(a, b, c);
          break;
        case CommandType.startCall:
          target.startCall(a, b, c, word >>> 8);
          break;
        case CommandType.read:
          target.read(a, b);
          break;
        case CommandType.hostOp:
          target.hostOp(a, b, c);
          break;
      }
      if (this.#closed) {
        this.#instance.resume();
        return 0;
      }
      if (u32.length === 0) {
        this.#refresh();
        u32 = this.#u32;
      }
      if ((head & 0xff) === 0xff && !this.#virtual && performance.now() - this.#breath >= this.#sliceMs) {
        // The rest of the batch, after the event loop had its chance.
        task(() => {
          this.#breath = performance.now();
          if (!this.#closed) this.#asleepAgain();
        });
        return 0;
      }
    }
    target.cycled();
    if (this.#u32.length === 0) this.#refresh();
    const goesOn = this.#told || this.#u32[this.#status + StatusWord.more] !== 0;
    const isOver = this.parked - parked === count && !this.#virtualAlarm;
    if (goesOn && isOver && count > 0 && before + count < runsInARow && !this.#closed) return before + count;
    this.#awake = false;
    if (goesOn || this.#virtualAlarm) this.wake();
    return 0;
  }

  #asleepAgain(): void {
    if (this.#u32.length === 0) this.#refresh();
    this.drainEffects();
    this.#drainRuns();
  }

  // --- Time ---

  #setAlarm(at: number): void {
    if (this.#virtual) {
      this.#virtualAlarm = at >= 0;
      return;
    }
    clearTimeout(this.#alarm);
    this.#alarm = undefined;
    if (at < 0) return;
    // Hosts fire up to a millisecond early; the kernel then finds nothing due, so ask for the next whole one.
    const wait = Math.ceil(at - (performance.now() - this.#origin));
    this.#alarm = setTimeout(
      () => {
        this.#alarm = undefined;
        this.#breath = performance.now();
        this.#look(this.#breath);
        const late = this.#breath - this.#origin - at;
        if (late >= shortestJump && !this.#jumped) this.#target.timeJumped('late', late);
        if (at > this.#breath - this.#origin) this.#setAlarm(at);
        else this.wake();
      },
      Math.min(Math.max(wait, 0), maxTimeout),
    );
  }

  // Hosts' timers and monotonic clocks stand still while a machine sleeps; providers, deadlines and rates do not.
  #look(now: number): void {
    this.#looked = now;
    const drift = Date.now() - now;
    const jump = drift - this.#drift;
    this.#drift = drift;
    this.#jumped = jump >= shortestJump;
    if (!this.#jumped) return;
    this.#origin -= jump;
    this.#target.timeJumped('sleep', jump);
  }

  #refresh(): void {
    const { buffer } = this.raw.memory;
    this.#u32 = new Uint32Array(buffer);
    this.#f64 = new Float64Array(buffer);
  }
}
