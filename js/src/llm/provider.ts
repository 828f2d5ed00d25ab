/**
 * What a provider is: the host's half of one attempt of one call to a model. A provider knows a protocol and nothing
 * of limits, queues, retries or cancellation trees; those are the core's. Partner: `call.ts`, which runs attempts.
 */

/** One message of a conversation. `content` is a string, or the provider's own list of content parts, passed through. */
export interface LLMMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string | readonly unknown[];
  /** Of an assistant's message: the tools that it wants called, as an answer's `toolCalls` gave them. */
  toolCalls?: readonly LLMToolCall[] | undefined;
  /** Of a tool's message: which call `content` is the result of. */
  toolCallId?: string | undefined;
  [field: string]: unknown;
}

/** A tool that a model may ask for. The same for every provider; each writes it as its protocol wants it. */
export interface LLMTool {
  /** Letters, digits, `_` and `-`; at most 64. */
  name: string;
  description?: string | undefined;
  /** JSON Schema of the arguments, an object. Default: an object without properties. */
  parameters?: Readonly<Record<string, unknown>> | undefined;
}

/** A model asks for a tool. */
export interface LLMToolCall {
  /** The provider's; the tool's message names it. */
  id: string;
  name: string;
  /** The arguments as the model wrote them: JSON, if it kept to its task. */
  arguments: string;
}

/** Which tools a model may or must ask for: as it likes (`auto`, the default), none, at least one, this one. */
export type LLMToolChoice = 'auto' | 'none' | 'required' | { name: string };

/** What form an answer must have: any JSON, or JSON of a schema. */
export interface LLMFormat {
  type: 'json' | 'json-schema';
  /** Of a schema: its name for the provider. */
  name?: string | undefined;
  schema?: Readonly<Record<string, unknown>> | undefined;
}

/** A request as the provider gets it: complete, checked, independent of who asked. */
export interface LLMRequest {
  messages: readonly LLMMessage[];
  /** Overrides the provider's model. */
  model?: string | undefined;
  /** Upper bound of the answer's length, in tokens. */
  maxTokens?: number | undefined;
  temperature?: number | undefined;
  /** Tells apart requests that are otherwise the same, where independent samples are wanted. */
  sample?: number | undefined;
  tools?: readonly LLMTool[] | undefined;
  toolChoice?: LLMToolChoice | undefined;
  format?: LLMFormat | undefined;
}

/** What a server's headers say about one of its limits. What they leave out is undefined. */
export interface LLMRateLimit {
  /** What is counted. */
  counter: 'requests' | 'tokens';
  /** Allowed in a window. */
  limit?: number | undefined;
  /** What is left of it. */
  remaining?: number | undefined;
  /** Milliseconds until all of it is there again. */
  resetMs?: number | undefined;
}

/** Tokens used. `exact` as the server reported, `estimated` by us, `unknown` when neither was possible. */
export interface LLMUsage {
  inputTokens: number;
  outputTokens: number;
  source: 'exact' | 'estimated' | 'unknown';
  /** Of the input tokens: read from the provider's cache, where it says so. */
  cachedInputTokens?: number | undefined;
  /** Of the output tokens: spent on reasoning that the text does not show, where the provider says so. */
  reasoningTokens?: number | undefined;
}

/** What one successful attempt gives. */
export interface LLMAnswer {
  text: string;
  usage: LLMUsage;
  /** The provider's word: `stop`, `length`, `end_turn`, ... */
  finishReason: string;
  /** The model that answered, as the server named it. */
  model: string;
  /** The tools that the model wants called, in its order; undefined where it wants none. */
  toolCalls?: readonly LLMToolCall[] | undefined;
  /** The server's request id, where it gave one. */
  requestId?: string | undefined;
  /** What the server said about its limits. @internal */
  rates?: readonly LLMRateLimit[] | undefined;
}

/** An open stream of one attempt. Pulled, never pushed: nothing is read from the socket until next() asks for it. */
export interface ProviderStream {
  /** Waits for the next piece of text; undefined at the regular end. Throws LLMError. Never called twice at once. */
  next(): Promise<string | undefined>;
  /** The whole answer; valid once next() gave undefined. */
  answer(): LLMAnswer;
  /** Closes the connection. Idempotent; needed only when the stream was not read to its end. */
  close(): void;
}

/** What every attempt gets from the runtime. */
export interface AttemptOptions {
  /** Aborts when the attempt must end; the provider closes its connection and rejects with the signal's reason. */
  signal: AbortSignal;
  /** The fetch to use. */
  fetch: typeof globalThis.fetch;
  /** Told, while a stream's next() waits, that something of the answer came that is no text: reasoning, or a part of a tool
   * call. A sign of life, for limits of time; pings are none. Must not throw. */
  onProgress?: (() => void) | undefined;
}

/** A provider whose attempts are real: they take real time, and virtual time stands still meanwhile. */
export interface LiveProvider {
  readonly kind: 'openai' | 'anthropic' | 'custom';
  readonly model: string;
  /** Names the server and the key, without telling the key: providers of equal name share limits. Default: each its own. */
  readonly endpoint?: string | undefined;
  complete(request: LLMRequest, options: AttemptOptions): Promise<LLMAnswer>;
  stream(request: LLMRequest, options: AttemptOptions): Promise<ProviderStream>;
}

/** One simulated answer: what comes, and when. */
export interface SimulatedAnswer {
  text: string;
  /** Milliseconds from the start of the attempt to its end, on the runtime's clock. */
  latencyMs: number;
  usage: LLMUsage;
  finishReason: string;
  toolCalls?: readonly LLMToolCall[] | undefined;
  /** The attempt ends in this error instead, after the same latency. */
  error?: { status: number; message: string; retryAfter?: number | undefined } | undefined;
}

/** A provider that computes its answers at once; the core makes time pass. */
export interface SimulatedProvider {
  readonly kind: 'simulated';
  readonly model: string;
  /** The answer to attempt number `attempt` (1, 2, ...) of a request: a pure function of its arguments. */
  answer(request: LLMRequest, attempt: number): SimulatedAnswer;
}

export type Provider = LiveProvider | SimulatedProvider;

const methodOf: Record<Provider['kind'], string> = { openai: 'complete', anthropic: 'complete', custom: 'complete', simulated: 'answer' };

/** Whether it is what one of the factories gives. */
export function isProvider(value: unknown): value is Provider {
  const { kind } = (value ?? {}) as { kind?: unknown };
  if (typeof kind !== 'string' || !Object.hasOwn(methodOf, kind)) return false;
  return typeof (value as Record<string, unknown>)[methodOf[kind as Provider['kind']]] === 'function';
}
