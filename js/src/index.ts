/** Heddle: the concurrency runtime for programs that call LLMs. The package's whole public surface. */

// For programs whose own `lib` is older: the declarations name Disposable.
/// <reference lib="esnext.disposable" preserve="true" />

export { Actor, type ActorHandler, type ActorOptions, type ActorSelf } from './actors/actor.js';
export type { Outcome } from './actors/down.js';
export type { ChildOptions, Restart, Supervised } from './actors/children.js';
export { Process, type Down, type Overflow, type StopOptions } from './actors/process.js';
export { Supervisor, type Strategy, type SupervisorOptions } from './actors/supervisor.js';
export { Batcher, type BatcherOptions, type BatchFunction } from './batcher.js';
export type { GeneratorBody } from './body.js';
export type { CancellationToken, Disposer } from './cancellation.js';
export type { DispatchConfig, FallbackConfig, HedgingConfig, RetryConfig, RuntimeConfig, SchedulerConfig } from './config.js';
export { closed } from './closed.js';
export { Context, type Body } from './context.js';
export {
  ActorStopped,
  ArgumentError,
  BatchError,
  CancellationError,
  ChannelClosed,
  CircuitOpenError,
  ClosedError,
  ConfigError,
  ConversionError,
  HeddleError,
  IVarError,
  LispError,
  LLMError,
  DeadlockError,
  LockError,
  MailboxFull,
  SingleflightError,
  QueueFullError,
  RequestTooLargeError,
  RetryAfterTooLong,
  StructuredOutputError,
  SupervisionError,
  TimeoutError,
  ToolLoopError,
  type LispFrame,
  type LispPosition,
  type LLMErrorKind,
  type SchemaProblem,
  type DeadlockWaiter,
  type TimeoutLimit,
} from './errors.js';
export type { Explanation, ObjectAct } from './explanation.js';
export { lispTrace, type LispTrace } from './lisp/conditions.js';
export type { DefineOptions, LispContextFunction, LispFunction } from './lisp/host-function.js';
export type { EvalOptions, LispBudgets, RunOptions } from './lisp/run-options.js';
export { anthropic, type AnthropicOptions } from './llm/anthropic.js';
export type { CallOptions } from './llm/calls.js';
export { custom, type CustomAnswer, type CustomFunction, type CustomPieces } from './llm/custom.js';
export type { Fetch, FetchOptions } from './llm/fetch.js';
export type { FetchResult } from './llm/fetch-result.js';
export type { IsLLM } from './llm/fetch-request.js';
export { LLMStream } from './llm/llm-stream.js';
export { openai, type OpenAIOptions } from './llm/openai.js';
export type { SideEffect } from './llm/other-call.js';
export type { LLMAnswer, LLMFormat, LLMMessage, LLMRequest, LLMTool, LLMToolCall, LLMToolChoice, LLMUsage, LiveProvider, Provider, SimulatedProvider } from './llm/provider.js';
export type { LLMOptions, Prompt } from './llm/request.js';
export type { LLMAttempt, LLMChunk, LLMResult, LLMTimings } from './llm/result.js';
export type { JSONSchema } from './llm/json-schema.js';
export type { OutputOf, StandardResult, StandardSchema } from './llm/schema.js';
export type { AdaptiveConfig, BreakerConfig, GateInfo, RateConfig, RateLimits } from './llm/routes.js';
export { simulated, type ScriptedAnswer, type SimulatedOptions } from './llm/simulated.js';
export type { FormatOptions, StructuredResult } from './llm/structured.js';
export type { ToolLoopOptions, ToolLoopResult, ToolRun } from './llm/tool-loop.js';
export { tool, type Tool, type ToolDefinition } from './llm/tools.js';
export type { MapOptions } from './map-concurrent.js';
export { createRuntime, Runtime, type Clock, type RuntimeEvents } from './runtime.js';
export type { AnyOptions, WaitOptions } from './waits.js';
export { quorum, ScopeContext, type Joiner, type Quorum, type ScopeBody, type ScopeOptions } from './scope.js';
export type { GateStats, RuntimeStats } from './stats.js';
export { Barrier } from './sync/barrier.js';
export { Channel } from './sync/channel.js';
export type { DeadlockPolicy } from './sync/deadlock.js';
export type { Finding } from './sync/finding.js';
export { IVar } from './sync/ivar.js';
export { Lock, Mutex } from './sync/mutex.js';
export type { ObjectOptions } from './sync/sync-object.js';
export type { AnyCase, Cases, CaseValue, SelectCase, Selected } from './sync/select.js';
export { Permits, Semaphore } from './sync/semaphore.js';
export { Serializer } from './sync/serializer.js';
export type { Flown, SingleflightKey, SingleflightOptions } from './sync/singleflight.js';
export type { TimeJump } from './time-jump.js';
export { Task, type TaskLLMUsage, type TaskState } from './task.js';
export type { TaskOptions } from './task-options.js';
