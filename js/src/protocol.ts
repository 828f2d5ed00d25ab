/**
 * The numbers that cross between JavaScript and the kernel. They repeat core/include/heddle/types.h, event.h and
 * command.h, where their meaning is written; tests/js/protocol.test.mjs compares the two.
 */

export const FiberKind = { task: 0, scope: 1 } as const;

export const FiberState = { free: 0, pending: 1, running: 2, suspended: 3, completed: 4, cancelled: 5, error: 6 } as const;

/** The reason of a cancellation that a program asked for; core/include/heddle/lisp.h. */
export const reasonOfProgram = 0xffff_ffff;

export const Outcome = { none: 0, completed: 1, failed: 2, cancelled: 3, timedOut: 4 } as const;

export const Cause = {
  none: 0,
  requested: 1,
  timeout: 2,
  queueTimeout: 3,
  deadline: 4,
  parentCancelled: 5,
  parentFailed: 6,
  scopeDecided: 7,
  scopeFailed: 8,
  closed: 9,
  awaitDecided: 10,
} as const;

export const OpCode = {
  ok: 0,
  failed: 1,
  cancelled: 2,
  timeout: 3,
  aborted: 4,
  retryAfterTooLong: 5,
  requestTooLarge: 6,
  circuitOpen: 7,
  closed: 8,
  deadlock: 9,
} as const;

export const FailureFlag = { retryable: 1, overload: 2, fault: 4, fallback: 8, refused: 16, unavailable: 32 } as const;

export const WaitMode = { all: 0, allSettled: 1, any: 2, race: 3, ended: 4 } as const;

export const Joiner = { none: 0, all: 1, allSettled: 2, any: 3, race: 4, quorum: 5 } as const;

export const FairnessMode = { fifo: 0, priority: 1, 'round-robin': 2 } as const;

export const DispatchPolicy = { 'round-robin': 0, 'fair-rr': 1, random: 2, priority: 3 } as const;

export const CallClass = { llm: 0, other: 1 } as const;

export const EventType = {
  ended: 4,
  callDone: 11,
  callOpened: 12,
  callClosed: 13,
  callTakes: 14,
  readDone: 15,
  readTakes: 16,
  callUsed: 31,
  progress: 34,
  readProgress: 35,
} as const;

export const SubmitOption = {
  priority: 0,
  key: 1,
  timeout: 2,
  queueTimeout: 3,
  deadline: 4,
  grace: 5,
  joiner: 6,
  quorum: 7,
  retryBudget: 8,
} as const;

export const CallOption = { firstToken: 0, hedge: 1, once: 2 } as const;

export const GateKey = {
  maxInside: 0,
  requests: 1,
  tokens: 2,
  window: 3,
  transit: 4,
  adaptiveInitial: 5,
  adaptiveMin: 6,
  adaptiveMax: 7,
  breakerFailures: 8,
  breakerPause: 9,
  breakerProbes: 10,
} as const;

export const ConfigKey = {
  maxConcurrentTasks: 0,
  maxConcurrentLLMCalls: 1,
  taskTimeout: 2,
  fairnessMode: 3,
  agingMs: 4,
  graceMs: 5,
  maxZombies: 6,
  maxAttempts: 7,
  baseDelay: 8,
  maxDelay: 9,
  maxRetryAfter: 10,
  budget: 11,
  cooldown: 12,
  hedgeShare: 13,
  hedgeBurst: 14,
} as const;

export const CommandType = {
  start: 1,
  resume: 2,
  startCall: 3,
  read: 4,
  hostOp: 5,
  settle: 16,
  ended: 17,
  abortCall: 18,
  alarm: 19,
  zombie: 20,
  interrupt: 21,
  spawned: 22,
  output: 23,
  hostOver: 24,
  started: 25,
  awaited: 26,
  dropped: 27,
  notReleased: 28,
  quiet: 29,
} as const;

/** What an operation answers at once; a positive number is the operation's id. */
export const Answer = {
  refused: 0,
  done: -1,
  interrupted: -2,
  wouldWait: -3,
  reentry: -4,
  notHeld: -5,
  isFull: -6,
  isClosed: -7,
  tooLarge: -8,
} as const;

/** Objects at which fibers wait for each other; core/include/heddle/sync.h. */
export const SyncKind = { free: 0, mutex: 1, semaphore: 2, ivar: 3, channel: 4, barrier: 5, mailbox: 6 } as const;

/** What a full mailbox does with one message more. */
export const SyncOverflow = { wait: 0, dropOldest: 1, dropNewest: 2, fail: 3 } as const;

export const SyncAct = { lock: 1, acquire: 2, take: 3, send: 4, receive: 5, pass: 6 } as const;

export const SyncDo = { unlock: 1, give: 2, put: 3, close: 4 } as const;

/** The largest count that an object can have. */
export const maxPermits = 0x7fff_ffff;

/** Bytes of one event and of one command. */
export const eventBytes = 32;
export const commandBytes = 16;

/** Word offsets of a ring's header (core/include/heddle/ring.h) and of the status block (wasm/instance.h). */
export const RingWord = { head: 0, tail: 1, mask: 2, data: 3 } as const;
export const StatusWord = { more: 0, foreign: 1, stopped: 2, index: 3, value: 4, closed: 5 } as const;
