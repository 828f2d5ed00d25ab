/**
 * The error tree. Every error that Heddle raises on purpose extends HeddleError and carries a stable `code`, the same
 * string that a Lisp condition of that kind answers to `condition-code`.
 *
 * Two copies of the package may live in one process (a bundler's doing), so `instanceof HeddleError` looks at a brand
 * and the class's name, not at the prototype chain. A thrown value that is no Error is kept as `cause`.
 */

import type { LLMMessage, LLMRateLimit, LLMUsage } from './llm/provider.js';
import type { LLMResult } from './llm/result.js';

const brand: unique symbol = Symbol.for('heddle.error') as never;

export class HeddleError extends Error {
  /** Stable, machine-readable name of what happened. */
  readonly code: string;
  /** @internal */
  readonly [brand] = true;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== 'object' || value === null || !(brand in value)) return false;
    if (this === HeddleError) return true;
    for (let p: object | null = Object.getPrototypeOf(value); p !== null; p = Object.getPrototypeOf(p)) {
      if ((p.constructor as { name?: string } | undefined)?.name === this.name) return true;
    }
    return false;
  }
}

// A class's name survives minifiers only as data on the prototype, so each class states its own.
function named(type: { prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(type, 'name', { value: name, configurable: true });
}

/** The task, or the operation, was cancelled. `reason` is what the first cancel gave. */
export class CancellationError extends HeddleError {
  readonly reason: string | undefined;
  constructor(message: string, options: { reason?: string | undefined; cause?: unknown } = {}) {
    super('Cancelled', message, 'cause' in options ? { cause: options.cause } : undefined);
    this.reason = options.reason;
  }
}

/** Which limit ran out. */
export type TimeoutLimit = 'timeout' | 'queueTimeout' | 'deadline' | 'operation' | 'timeToFirstToken';

/** A limit of time ran out: which one, whose (a task's id, or an operation's name), and how long it was. */
export class TimeoutError extends HeddleError {
  readonly limit: TimeoutLimit;
  /** The id of the task whose limit it was, or the operation's name. */
  readonly scope: string;
  /** Length of the limit in milliseconds; for a deadline, from the task's creation. */
  readonly ms: number;
  constructor(message: string, fields: { limit: TimeoutLimit; scope: string; ms: number; cause?: unknown }) {
    super('Timeout', message, 'cause' in fields ? { cause: fields.cause } : undefined);
    this.limit = fields.limit;
    this.scope = fields.scope;
    this.ms = fields.ms;
  }
}

/** A configuration value was refused; nothing changed. */
export class ConfigError extends HeddleError {
  /** The key as the caller wrote it, with its path: `retry.maxAttempts`. */
  readonly key: string;
  constructor(message: string, key: string, options?: { cause?: unknown }) {
    super('ConfigError', message, options);
    this.key = key;
  }
}

/** An operation was called with something it cannot use; the call did nothing. */
export class ArgumentError extends HeddleError {
  readonly operation: string;
  constructor(operation: string, message: string, options?: { cause?: unknown }) {
    super('ArgumentError', `${operation}: ${message}`, options);
    this.operation = operation;
  }
}

/** The runtime is closed, or closing: it takes no more work. */
export class ClosedError extends HeddleError {
  constructor(operation: string, what = 'this runtime is closed; make a new one with createRuntime()') {
    super('Closed', `${operation}: ${what}`);
  }
}

/** `maxQueued` tasks already wait; the submit did nothing. */
export class QueueFullError extends HeddleError {
  readonly limit: number;
  constructor(limit: number) {
    super(
      'QueueFull',
      `submit: the queue already holds maxQueued = ${limit} tasks; wait with onSizeLessThan(n), or raise maxQueued`,
    );
    this.limit = limit;
  }
}

/** What went wrong with a call to a model. */
export type LLMErrorKind =
  | 'rate' // 429
  | 'quota' // the account's money or allowance is spent; waiting does not help
  | 'overload' // 529, 503, or an overload error inside a stream
  | 'server' // any other status >= 500, and 409, 425
  | 'timeout' // no first token, or no further one, within the call's timeToFirstToken or stallTimeout; 408, 504, 524: an upstream's timeout
  | 'context-length' // the conversation is longer than the model takes
  | 'content-filter' // the provider will not answer this
  | 'auth' // 401, 403
  | 'invalid' // 400, 404, 422 and the rest of the 4xx
  | 'transport' // no answer: refused, reset, lost, or the stream ended before its terminator
  | 'protocol'; // an answer that is none: HTML, broken JSON, missing fields

/** What an LLMError is made of beside its words; each field is described in the class. */
export interface LLMErrorFields {
  kind: LLMErrorKind;
  status?: number | undefined;
  requestId?: string | undefined;
  retryAfter?: number | undefined;
  providerMessage?: string | undefined;
  providerCode?: string | undefined;
  rates?: readonly LLMRateLimit[] | undefined;
  retryable?: boolean | undefined;
  inBand?: boolean | undefined;
  cause?: unknown;
}

/** A call to a model failed for good, or one attempt of it did. */
export class LLMError extends HeddleError {
  readonly kind: LLMErrorKind;
  /** HTTP status, or undefined when no answer came. */
  readonly status: number | undefined;
  /** The server's request id, when it gave one. */
  readonly requestId: string | undefined;
  /** How long the server asked to wait, in milliseconds (Retry-After and its relatives). */
  readonly retryAfter: number | undefined;
  /** The server's own words, without ours around them. */
  readonly providerMessage: string | undefined;
  /** The server's own code or type for it: `insufficient_quota`, `overloaded_error`. */
  readonly providerCode: string | undefined;
  /** What the server said about its limits. @internal */
  readonly rates: readonly LLMRateLimit[] | undefined;
  /** Whether another attempt may succeed, where that does not follow from the kind: the server said so. @internal */
  readonly retryable: boolean | undefined;
  /** The error came inside an answer whose own status was good; `status` is the one it stands for. @internal */
  readonly inBand: boolean;
  /** Requests sent for this call, this one included. Set by the runtime when the call ends. */
  attempts = 1;
  constructor(
    message: string,
    fields: LLMErrorFields,
  ) {
    super('LLMError', message, 'cause' in fields ? { cause: fields.cause } : undefined);
    this.kind = fields.kind;
    this.status = fields.status;
    this.requestId = fields.requestId;
    this.retryAfter = fields.retryAfter;
    this.providerMessage = fields.providerMessage;
    this.providerCode = fields.providerCode;
    this.rates = fields.rates;
    this.retryable = fields.retryable;
    this.inBand = fields.inBand ?? false;
  }
}

/** The request needs more than a limit allows in a whole window, so no wait would help; it was not sent. */
export class RequestTooLargeError extends HeddleError {
  /** Tokens that the request needs, estimated. */
  readonly needed: number;
  /** Tokens that the limit allows in a window. */
  readonly limit: number;
  constructor(message: string, fields: { needed: number; limit: number }) {
    super('RequestTooLarge', message);
    this.needed = fields.needed;
    this.limit = fields.limit;
  }
}

/** The endpoint failed so often that its circuit is open: the request was not sent. */
export class CircuitOpenError extends HeddleError {
  /** The endpoint's provider and address. */
  readonly endpoint: string;
  constructor(message: string, endpoint: string, options?: { cause?: unknown }) {
    super('CircuitOpen', message, options);
    this.endpoint = endpoint;
  }
}

/** The server asked to wait longer than `retry.maxRetryAfter`. */
export class RetryAfterTooLong extends HeddleError {
  /** What the server asked for, in milliseconds. */
  readonly retryAfter: number;
  constructor(message: string, retryAfter: number, options?: { cause?: unknown }) {
    super('RetryAfterTooLong', message, options);
    this.retryAfter = retryAfter;
  }
}

/** One way in which a value does not fit its schema. */
export interface SchemaProblem {
  /** Where in the value, as a JSON pointer: `/items/0/price`; empty for all of it. */
  path: string;
  message: string;
}

/** So many problems are told of one answer. */
const maxProblems = 20;
const maxProblemText = 200;

/** A model's answer is no JSON, or does not fit the schema that was asked for. The call's prompt is not in it. */
export class StructuredOutputError extends HeddleError {
  /** What the model answered. */
  readonly text: string;
  /** What is wrong with it: the first 20 problems. */
  readonly problems: readonly SchemaProblem[];
  /** Why the model stopped. */
  readonly finishReason: string;
  /** What this answer used; a repaired call's result counts its last answer alone. */
  readonly usage: LLMUsage;
  /** Requests sent for this call, this one included. Set by the runtime when the call ends. */
  attempts = 1;
  constructor(operation: string, fields: { text: string; problems: readonly SchemaProblem[]; finishReason: string; usage: LLMUsage }) {
    const problems = fields.problems.slice(0, maxProblems).map(({ path, message }) => ({ path: path.slice(0, maxProblemText), message: message.slice(0, maxProblemText) }));
    const more = fields.problems.length - problems.length;
    const lines = problems.map(({ path, message }) => `  ${path === '' ? 'the answer' : path}: ${message}`);
    if (more > 0) lines.push(`  and ${more} more`);
    super('StructuredOutput', `${operation}: the answer does not have the form that was asked for\n${lines.join('\n')}`);
    this.text = fields.text;
    this.problems = problems;
    this.finishReason = fields.finishReason;
    this.usage = fields.usage;
  }
}

/** A tool loop ended without an answer: its rounds are used up, or a tool failed and `onToolError` is `throw`. */
export class ToolLoopError extends HeddleError {
  readonly reason: 'rounds' | 'tool';
  /** The conversation up to the last round whose tools all ran: usable as the next prompt. */
  readonly messages: readonly LLMMessage[];
  /** The last answer, whose tools did not run or failed. */
  readonly result: LLMResult;
  constructor(message: string, fields: { reason: 'rounds' | 'tool'; messages: readonly LLMMessage[]; result: LLMResult; cause?: unknown }) {
    super('ToolLoop', `llmTools: ${message}`, 'cause' in fields ? { cause: fields.cause } : undefined);
    this.reason = fields.reason;
    this.messages = fields.messages;
    this.result = fields.result;
  }
}

/** A batch's function gave something else than an array of one result an item. */
export class BatchError extends HeddleError {
  /** How many items the batch had. */
  readonly expected: number;
  /** The length of what came, where that is an array. */
  readonly received: number | undefined;
  constructor(message: string, fields: { expected: number; received: number | undefined }) {
    super('Batch', message);
    this.expected = fields.expected;
    this.received = fields.received;
  }
}

/** A place in the text of a program. */
export interface LispPosition {
  /** The program's name. */
  file: string;
  /** From 1. */
  line: number;
  /** From 1, in characters. */
  column: number;
}

/** One call that had not returned when an error was raised. */
export interface LispFrame extends LispPosition {
  /** The procedure's name, where it has one. */
  procedure: string | undefined;
}

/** What a LispError is made of beside its words. */
export interface LispErrorFields {
  code: string;
  position?: LispPosition | undefined;
  backtrace?: readonly LispFrame[] | undefined;
  form?: string | undefined;
  irritants?: readonly unknown[] | undefined;
  payload?: unknown;
  cause?: unknown;
}

/**
 * A condition that no handler of a Lisp program took. `code` is what `condition-code` gives there; the message begins with
 * the place, as `file:line:column: `.
 */
export class LispError extends HeddleError {
  /** Where it was raised; undefined for what has no place in a program's text. */
  readonly position: LispPosition | undefined;
  /** The calls that led there, the innermost first. */
  readonly backtrace: readonly LispFrame[];
  /** The form at that place, shortened, where it is in the text of the program that failed and this had not settled before. */
  readonly form: string | undefined;
  /** What `(error message irritant ...)` was given beside its message; what cannot cross stands there as text. */
  readonly irritants: readonly unknown[];
  /** What `(raise object)` raised, where that is no condition. */
  readonly payload: unknown;
  constructor(message: string, fields: LispErrorFields) {
    super(fields.code, message, 'cause' in fields ? { cause: fields.cause } : undefined);
    this.position = fields.position;
    this.backtrace = fields.backtrace ?? [];
    this.form = fields.form;
    this.irritants = fields.irritants ?? [];
    this.payload = fields.payload;
  }
}

/** A value cannot cross between JavaScript and Lisp. */
export class ConversionError extends HeddleError {
  /** Where in the value, such as `args[0].user.name`. */
  readonly path: string;
  constructor(message: string, path: string, options?: { cause?: unknown }) {
    super('ConversionError', message, options);
    this.path = path;
  }
}

/** One who waits in a deadlock. */
export interface DeadlockWaiter {
  /** The task's id, or `fiber N` for what is no task. */
  task: string;
  /** What it waits to do. */
  act?: 'lock' | 'acquire' | 'take' | 'send' | 'receive' | 'pass' | undefined;
  /** At which object, as in `mutex 'db'`; undefined: it waits for `holder` itself. */
  object?: string | undefined;
  /** Who holds it, or is waited for; undefined: nobody is left who could let it go on. */
  holder?: string | undefined;
}

/**
 * An operation would have waited for ever. `cycle`: who waits for whom, each for the next one and the last one for the first; or,
 * where nobody is left who could do what is waited for, who waits.
 */
export class DeadlockError extends HeddleError {
  readonly cycle: readonly DeadlockWaiter[];
  constructor(message: string, cycle: readonly DeadlockWaiter[]) {
    super('Deadlock', message);
    this.cycle = cycle;
  }
}

/** The function of a singleflight asked for the key that it runs for: it would have waited for itself. */
export class SingleflightError extends HeddleError {
  constructor(message: string) {
    super('SingleflightError', message);
  }
}

/** A lock was used against its rules; the call did nothing. */
export class LockError extends HeddleError {
  declare readonly code: 'MutexReentry' | 'MutexNotHeld' | 'PermitsNotHeld';
  constructor(code: 'MutexReentry' | 'MutexNotHeld' | 'PermitsNotHeld', operation: string, message: string) {
    super(code, `${operation}: ${message}`);
  }
}

/** An ivar has its value already; the call did nothing. */
export class IVarError extends HeddleError {
  declare readonly code: 'IVarFull';
  constructor(operation: string, message: string) {
    super('IVarFull', `${operation}: ${message}`);
  }
}

/** A value was sent to a channel that is closed; nobody will get it. */
export class ChannelClosed extends HeddleError {
  declare readonly code: 'ChannelClosed';
  constructor(operation: string, message: string) {
    super('ChannelClosed', `${operation}: ${message}`);
  }
}

/** A message found its actor's mailbox full, and the mailbox's `overflow` is not to wait; the actor did not get it. */
export class MailboxFull extends HeddleError {
  declare readonly code: 'MailboxFull';
  constructor(operation: string, message: string) {
    super('MailboxFull', `${operation}: ${message}`);
  }
}

/** An actor takes no more messages, or ended before it answered; `cause` is the error that ended it, if one did. */
export class ActorStopped extends HeddleError {
  declare readonly code: 'ActorStopped';
  constructor(operation: string, message: string, options?: { cause?: unknown }) {
    super('ActorStopped', `${operation}: ${message}`, options);
  }
}

/** A supervisor gave up: a child did not start, or they failed more often than it restarts them. `cause` is the last failure. */
export class SupervisionError extends HeddleError {
  declare readonly code: 'SupervisionError';
  /** The id of the child whose failure was the last. */
  readonly child: string;
  constructor(message: string, fields: { child: string; cause?: unknown }) {
    super('SupervisionError', message, 'cause' in fields ? { cause: fields.cause } : undefined);
    this.child = fields.child;
  }
}

named(HeddleError, 'HeddleError');
named(CancellationError, 'CancellationError');
named(TimeoutError, 'TimeoutError');
named(ConfigError, 'ConfigError');
named(ArgumentError, 'ArgumentError');
named(ClosedError, 'ClosedError');
named(QueueFullError, 'QueueFullError');
named(LLMError, 'LLMError');
named(RetryAfterTooLong, 'RetryAfterTooLong');
named(RequestTooLargeError, 'RequestTooLargeError');
named(CircuitOpenError, 'CircuitOpenError');
named(StructuredOutputError, 'StructuredOutputError');
named(ToolLoopError, 'ToolLoopError');
named(BatchError, 'BatchError');
named(LispError, 'LispError');
named(ConversionError, 'ConversionError');
named(SingleflightError, 'SingleflightError');
named(LockError, 'LockError');
named(DeadlockError, 'DeadlockError');
named(IVarError, 'IVarError');
named(ChannelClosed, 'ChannelClosed');
named(MailboxFull, 'MailboxFull');
named(ActorStopped, 'ActorStopped');
named(SupervisionError, 'SupervisionError');
