/**
 * The configuration: what there is, what may change while a runtime runs, and what each value must be. Everything is
 * checked before anything is applied; a refused value is a ConfigError that names the key, what it may be, and the value.
 */

import { ConfigError } from './errors.js';
import { isProvider, type Provider } from './llm/provider.js';
import type { AdaptiveConfig, BreakerConfig, RateConfig } from './llm/routes.js';
import { sketch } from './printable.js';
import { ConfigKey, DispatchPolicy, FairnessMode } from './protocol.js';
import type { DeadlockPolicy } from './sync/deadlock.js';

export interface RetryConfig {
  /** Requests that one call may make, the first included. Default 4. */
  maxAttempts?: number | undefined;
  /** The first wait is drawn from 0 to this; each next one from twice as much. Milliseconds, default 500. */
  baseDelay?: number | undefined;
  /** Upper bound of what a wait is drawn from. Milliseconds, default 30,000. */
  maxDelay?: number | undefined;
  /** Longest Retry-After that is honoured; a longer one is a RetryAfterTooLong. Milliseconds, default 60,000. */
  maxRetryAfter?: number | undefined;
  /** Retries that the runtime may spend in its life. Default: no limit. */
  budget?: number | undefined;
}

/** What may change while the runtime runs. */
export interface SchedulerConfig {
  /** Started tasks that can progress by themselves, at most. 1 to 2^32-1, default 64. */
  maxConcurrentTasks?: number | undefined;
  /** Requests to models in flight, at most. 1 to 2^32-1, default 8. */
  maxConcurrentLLMCalls?: number | undefined;
  /** Default `timeout` of a task, in milliseconds; 0, the default, is none. */
  taskTimeout?: number | undefined;
  /** Which pending task gets the next free slot. Default `fifo`. */
  fairnessMode?: 'fifo' | 'priority' | 'round-robin' | undefined;
  /** Under `priority`: waiting this long counts as one level more. Milliseconds, up to a day; 0, the default, is off. */
  agingMs?: number | undefined;
  /** Time that a cancelled body gets before it counts as a zombie. Milliseconds, default 5,000. */
  graceMs?: number | undefined;
  /** With this many zombies no task is admitted. Default: no limit. */
  maxZombies?: number | undefined;
  /** Pending tasks, at most; submit() beyond it throws a QueueFullError. Default: no limit. */
  maxQueued?: number | undefined;
  /** Settled tasks that stay listed. Default 1,000. */
  retainSettled?: number | undefined;
  retry?: RetryConfig | undefined;
  /** Limits of requests and tokens a minute, as providers set them. Given live, it replaces all of what was given before. */
  rates?: RateConfig | undefined;
  /** Finds the concurrency that each model of each endpoint bears. `false`, the default, is off. */
  adaptive?: AdaptiveConfig | false | undefined;
  /** Stops asking endpoints that fail. `false`, the default, is off. */
  breaker?: BreakerConfig | false | undefined;
  /** Second requests beside slow ones (a call's `hedge`). */
  hedging?: HedgingConfig | undefined;
  /** Plans of several models (a call's `model`). */
  fallback?: FallbackConfig | undefined;
  /** Requests of `rt.fetch` that are none to a model, in flight until their headers came, at most. 1 to 2^32-1, default 64. */
  maxConcurrentFetches?: number | undefined;
}

export interface HedgingConfig {
  /** How many there may be, as a share of the calls: 0 to 1, default 0.1. */
  share?: number | undefined;
  /** How many beyond that share. Default 10. */
  burst?: number | undefined;
}

export interface FallbackConfig {
  /** How long plans go around a model that failed. Milliseconds, default 30,000. */
  cooldown?: number | undefined;
}

/** Which ready task runs next. */
export interface DispatchConfig {
  policy?: 'round-robin' | 'fair-rr' | 'random' | 'priority' | undefined;
  /** Steps of one turn under `fair-rr`, for bodies that the kernel itself runs. Default 1,000. */
  quantum?: number | undefined;
  /** Default: the runtime's seed. */
  seed?: number | undefined;
}

/** WebAssembly.Module; its type is there only for programs that have the DOM's types. */
export type CompiledModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer M } } } ? M : object;

export interface RuntimeConfig extends SchedulerConfig {
  /** Who answers LLM calls. Default: `simulated()`, offline and deterministic. */
  provider?: Provider | undefined;
  dispatch?: DispatchConfig | undefined;
  /** Seed of everything random: dispatch, jitter, ctx.random(). Any finite number, default 1. */
  seed?: number | undefined;
  /** `virtual`: time jumps to the next timer when nothing can run. Default `real`. */
  clock?: 'real' | 'virtual' | undefined;
  /** The event loop gets its chance at least this often, however busy the tasks are. Milliseconds, default 8. */
  sliceMs?: number | undefined;
  /** When nothing runs, nothing is in flight and tasks wait for what any code could still do (put a value, send, give permits back):
   * `closed`: no code outside of tasks will, it is a deadlock; `open`: it may, they go on waiting; `auto`, the default: in Node it may
   * while anything keeps the process alive, in browsers unless the clock is virtual. A cycle of locks is a deadlock in any case. */
  deadlocks?: DeadlockPolicy | undefined;
  /** Whether calls without `ctx` find their task across awaits (AsyncLocalStorage). Default: where that costs nothing. */
  asyncContext?: boolean | undefined;
  /** Which build of the core to run. Default `auto`: jspi where the engine has it. */
  variant?: 'auto' | 'jspi' | 'asyncify' | undefined;
  /** The bytes of the build, where they come from elsewhere than beside the package. */
  wasmBinary?: ArrayBuffer | ArrayBufferView<ArrayBuffer> | undefined;
  /** The same, compiled. */
  wasmModule?: CompiledModule | undefined;
  /** The fetch that providers use. Default: the host's. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Keeps every event, for tests that replay them. @internal */
  recordEvents?: boolean | undefined;
}

const maxCount = 2 ** 32 - 1;
/** Longest span of time that the kernel counts (core/include/heddle/types.h: kMaxSpan), about 35 years. */
export const maxMs = 2 ** 50 / 1000;

type Check = (key: string, value: unknown) => void;

function refuse(key: string, wanted: string, value: unknown): never {
  throw new ConfigError(`${key} must be ${wanted}, got ${sketch(value)}`, key);
}

const count =
  (min: number): Check =>
  (key, value) => {
    if (value === Infinity) return;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > maxCount) {
      refuse(key, `an integer from ${min} to 4294967295, or Infinity`, value);
    }
  };

const duration =
  (max = maxMs): Check =>
  (key, value) => {
    if (typeof value !== 'number' || !(value >= 0) || value > max) {
      refuse(key, `a number of milliseconds from 0 to ${max === maxMs ? '2^50/1000' : max}`, value);
    }
  };

const oneOf =
  (...values: string[]): Check =>
  (key, value) => {
    if (!values.includes(value as string)) refuse(key, `one of ${values.map((v) => `"${v}"`).join(', ')}`, value);
  };

const finite: Check = (key, value) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) refuse(key, 'a finite number', value);
};

const kind =
  (type: 'function' | 'boolean'): Check =>
  (key, value) => {
    if (typeof value !== type) refuse(key, `a ${type}`, value);
  };

const fields =
  (table: Record<string, Check>): Check =>
  (key, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(key === '' ? 'the configuration' : key, 'an object', value);
    for (const [name, entry] of Object.entries(value)) {
      const path = key === '' ? name : `${key}.${name}`;
      const check = Object.hasOwn(table, name) ? table[name] : undefined;
      if (check === undefined) {
        throw new ConfigError(`${path} is no option; there are ${Object.keys(table).join(', ')}`, path);
      }
      if (entry !== undefined) check(path, entry);
    }
  };

const provider: Check = (key, value) => {
  if (!isProvider(value)) refuse(key, 'what openai(), anthropic(), simulated() or custom() gives', value);
};

const dictionary =
  (entry: Check): Check =>
  (key, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(key, 'an object', value);
    for (const [name, one] of Object.entries(value)) {
      if (one !== undefined) entry(`${key}.${name}`, one);
    }
  };

const share: Check = (key, value) => {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) refuse(key, 'a number from 0 to 1', value);
};

// Tokens may be more than a count of tasks.
const tokens: Check = (key, value) => {
  if (value === Infinity) return;
  if (typeof value !== 'number' || !(value >= 1 && value <= 2 ** 53)) refuse(key, 'a number from 1 to 2^53, or Infinity', value);
};

const adaptive: Check = (key, value) => {
  fields({ initial: count(1), min: count(1), max: count(1) })(key, value);
  const { min = 1, max = 1000 } = value as AdaptiveConfig;
  if (min > max) refuse(`${key}.max`, `at least ${key}.min, which is ${min}`, max);
};

const orFalse =
  (check: Check): Check =>
  (key, value) => {
    if (value !== false) check(key, value);
  };

const rateLimits = { requestsPerMinute: count(1), tokensPerMinute: tokens, maxConcurrent: count(1) };

const live = {
  maxConcurrentTasks: count(1),
  maxConcurrentLLMCalls: count(1),
  taskTimeout: duration(),
  fairnessMode: oneOf(...Object.keys(FairnessMode)),
  agingMs: duration(86_400_000),
  graceMs: duration(),
  maxZombies: count(1),
  maxQueued: count(1),
  retainSettled: count(0),
  retry: fields({
    maxAttempts: count(1),
    baseDelay: duration(),
    maxDelay: duration(),
    maxRetryAfter: duration(),
    budget: count(0),
  }),
  rates: fields({
    ...rateLimits,
    models: dictionary(fields(rateLimits)),
    total: fields(rateLimits),
    tenants: dictionary(fields(rateLimits)),
    tokenizer: kind('function'),
    outputTokens: count(0),
    transit: duration(60_000),
  }),
  adaptive: orFalse(adaptive),
  breaker: orFalse(fields({ failures: count(1), pause: duration(), probes: count(1) })),
  hedging: fields({ share, burst: count(0) }),
  fallback: fields({ cooldown: duration() }),
  maxConcurrentFetches: count(1),
} satisfies Record<keyof SchedulerConfig, Check>;

const all = {
  ...live,
  provider,
  dispatch: fields({ policy: oneOf(...Object.keys(DispatchPolicy)), quantum: count(1), seed: finite }),
  seed: finite,
  clock: oneOf('real', 'virtual'),
  sliceMs: duration(60_000),
  deadlocks: oneOf('auto', 'closed', 'open'),
  asyncContext: kind('boolean'),
  variant: oneOf('auto', 'jspi', 'asyncify'),
  wasmBinary: (key, value) => {
    if (!(value instanceof ArrayBuffer) && !ArrayBuffer.isView(value)) refuse(key, 'an ArrayBuffer or a view of one', value);
  },
  wasmModule: (key, value) => {
    if (!(value instanceof WebAssembly.Module)) refuse(key, 'a WebAssembly.Module', value);
  },
  fetch: kind('function'),
  recordEvents: kind('boolean'),
} satisfies Record<keyof RuntimeConfig, Check>;

const checkAll = fields(all);
const checkLive = fields(live);

export function checkConfig(config: unknown): asserts config is RuntimeConfig {
  checkAll('', config === undefined ? {} : config);
}

/** Checks what configure() was given; keys that only createRuntime takes get an error that says so. */
export function checkLiveConfig(config: unknown): asserts config is SchedulerConfig {
  if (typeof config === 'object' && config !== null) {
    for (const key of Object.keys(config)) {
      if (Object.hasOwn(all, key) && !Object.hasOwn(live, key)) {
        throw new ConfigError(`${key} cannot change while the runtime runs; give it to createRuntime()`, key);
      }
    }
  }
  checkLive('', config);
}

/** The entries that the kernel keeps, as [key, value]. */
export function* kernelEntries(config: SchedulerConfig): Generator<[keyof typeof ConfigKey, number]> {
  const { retry, fairnessMode, hedging, fallback, ...rest } = config;
  if (hedging?.share !== undefined) yield ['hedgeShare', hedging.share];
  if (hedging?.burst !== undefined) yield ['hedgeBurst', hedging.burst];
  if (fallback?.cooldown !== undefined) yield ['cooldown', fallback.cooldown];
  if (fairnessMode !== undefined) yield ['fairnessMode', FairnessMode[fairnessMode]];
  for (const [key, value] of Object.entries({ ...rest, ...retry })) {
    if (key in ConfigKey && value !== undefined) yield [key as keyof typeof ConfigKey, value as number];
  }
}

/** What the kernel is opened with. */
export function kernelConfig(config: RuntimeConfig): string {
  const seed = config.seed ?? 1;
  const json: Record<string, number> = {
    seed: config.dispatch?.seed ?? seed,
    virtual: config.clock === 'virtual' ? 1 : 0,
    dispatch: DispatchPolicy[config.dispatch?.policy ?? 'round-robin'],
    quantum: finiteCount(config.dispatch?.quantum ?? 1000),
    sliceMs: config.sliceMs ?? 8,
    record: config.recordEvents === true ? 1 : 0,
  };
  for (const [key, value] of kernelEntries(config)) json[key] = finiteCount(value);
  return JSON.stringify(json);
}

/** JSON has no Infinity; the kernel reads 2^32-1 as "no limit". */
export function finiteCount(value: number): number {
  return value === Infinity ? maxCount : value;
}
