/**
 * A provider out of a function: an SDK, a local model, a test's own. The function gives a string, an object with the
 * text, or an async iterable of pieces; or a promise of one of them. An error it throws with a `status` (and `headers`)
 * counts as that HTTP answer; one that looks like a lost connection counts as that; every other is a typed error that
 * keeps it as `cause` and is not tried again. Invariant: an abort rejects at once even where the function ignores its
 * signal; what comes later is swallowed. It does not parse, retry or time anything. Partner: `failure.ts`.
 */

import { HeddleError, type LLMError } from '../errors.js';
import { untilAbort } from './abort.js';
import { type Complaint, complaintOf, describe, excerpt, failure, hostLimitOf, statusError } from './failure.js';
import { checkKeys, checkText, refuse } from './options.js';
import type { AttemptOptions, LiveProvider, LLMAnswer, LLMRequest, LLMToolCall, LLMUsage, ProviderStream } from './provider.js';
import { headersOf } from './retry-after.js';
import { unread, wholeStream } from './stream.js';
import { estimateUsage, isCount } from './usage.js';

/** An answer, or a piece of one: the texts of pieces add up, other fields replace what earlier pieces said. */
export interface CustomAnswer {
  text?: string | undefined;
  /** `source` defaults to `exact`; without usage the tokens are estimated. */
  usage?: (Omit<LLMUsage, 'source'> & { source?: LLMUsage['source'] | undefined }) | undefined;
  finishReason?: string | undefined;
  model?: string | undefined;
  /** The tools that the model wants called. */
  toolCalls?: readonly LLMToolCall[] | undefined;
}

export type CustomPieces = AsyncIterable<string | CustomAnswer>;

/** Answers a request. It should stop when `signal` aborts, and may use `fetch` for its requests. */
export type CustomFunction = (
  request: LLMRequest,
  options: AttemptOptions,
) => string | CustomAnswer | CustomPieces | Promise<string | CustomAnswer | CustomPieces>;

/** A provider that asks a function. `model` is what the provider calls itself; default `custom`. */
export function custom(fn: CustomFunction, options: { model?: string | undefined } = {}): LiveProvider {
  if (typeof fn !== 'function') refuse('custom.fn', 'a function', fn);
  const { model = 'custom' } = checkKeys('custom', options, ['model']);
  return new CustomProvider(checkText('custom.model', model), fn);
}

class CustomProvider implements LiveProvider {
  readonly kind = 'custom';

  constructor(
    readonly model: string,
    private readonly fn: CustomFunction,
  ) {}

  async complete(request: LLMRequest, options: AttemptOptions): Promise<LLMAnswer> {
    const stream = await this.stream(request, options);
    while ((await stream.next()) !== undefined);
    return stream.answer();
  }

  async stream(request: LLMRequest, options: AttemptOptions): Promise<ProviderStream> {
    const { signal, fetch } = options;
    if (signal.aborted) throw signal.reason;
    // A browser's fetch refuses to be called as a method of another object.
    const own: AttemptOptions = { signal, fetch: (input, init) => fetch(input, init) };
    const given = await settled(signal, async () => this.fn(request, own));
    const draft = new Draft(request, request.model ?? this.model);
    if (isPieces(given)) return new PieceStream(given[Symbol.asyncIterator](), draft, options);
    const text = draft.add(given, true);
    return wholeStream(draft.finish(text));
  }
}

/** What has come of an answer so far. */
class Draft {
  #usage: LLMUsage | undefined;
  #finishReason: string | undefined;
  #toolCalls: readonly LLMToolCall[] | undefined;

  constructor(
    private readonly request: LLMRequest,
    private model: string,
  ) {}

  /** Takes a piece and gives its text. */
  add(piece: unknown, whole: boolean): string {
    if (typeof piece === 'string') return piece;
    if (typeof piece !== 'object' || piece === null)
      throw broken(`gave ${typeof piece} where a string or an object belongs`);
    const { text, usage, finishReason, model, toolCalls } = piece as CustomAnswer;
    if (toolCalls !== undefined) this.#toolCalls = checkToolCalls(toolCalls);
    if (typeof text !== 'string' && ((whole && this.#toolCalls === undefined) || text !== undefined))
      throw broken('gave an object whose text is no string');
    if (usage !== undefined) this.#usage = checkUsage(usage);
    if (typeof finishReason === 'string') this.#finishReason = finishReason;
    if (typeof model === 'string') this.model = model;
    return text ?? '';
  }

  finish(text: string): LLMAnswer {
    const toolCalls = this.#toolCalls;
    const usage = this.#usage ?? estimateUsage(this.request, { text, toolCalls });
    const finishReason = this.#finishReason ?? (toolCalls === undefined ? 'stop' : 'tool_calls');
    return { text, usage, finishReason, model: this.model, ...(toolCalls && { toolCalls }) };
  }
}

class PieceStream implements ProviderStream {
  readonly #texts: string[] = [];
  #answer: LLMAnswer | undefined;
  #over: { error: unknown } | undefined;

  constructor(
    private readonly pieces: AsyncIterator<unknown>,
    private readonly draft: Draft,
    private readonly options: AttemptOptions,
  ) {}

  async next(): Promise<string | undefined> {
    if (this.#over !== undefined) throw this.#over.error;
    try {
      while (this.#answer === undefined) {
        const { done, value } = await settled(this.options.signal, () => this.pieces.next());
        if (done) this.#answer = this.draft.finish(this.#texts.join(''));
        const text = done ? '' : this.draft.add(value, false);
        if (text !== '') {
          this.#texts.push(text);
          return text;
        }
        if (!done) this.options.onProgress?.();
      }
      return undefined;
    } catch (error) {
      this.#stop(error);
      throw error;
    }
  }

  answer(): LLMAnswer {
    if (this.#answer === undefined) throw unread();
    return this.#answer;
  }

  close(): void {
    if (this.#answer === undefined) this.#stop(failure('custom', 'transport', 'the stream was closed'));
  }

  #stop(error: unknown): void {
    if (this.#over !== undefined) return;
    this.#over = { error };
    // A generator in the midst of an await answers only after it; nobody waits for that.
    void (async () => this.pieces.return?.())().catch(() => undefined);
  }
}

async function settled<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw signal.reason;
  try {
    return await untilAbort((async () => work())(), signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof HeddleError ? error : errorOf(error);
  }
}

function isPieces(value: unknown): value is CustomPieces {
  return typeof (value as Partial<CustomPieces> | null | undefined)?.[Symbol.asyncIterator] === 'function';
}

function checkToolCalls(toolCalls: unknown): readonly LLMToolCall[] | undefined {
  const isCall = ({ id, name, arguments: text }: Partial<LLMToolCall>): boolean =>
    typeof id === 'string' && id !== '' && typeof name === 'string' && name !== '' && typeof text === 'string';
  if (!Array.isArray(toolCalls) || !toolCalls.every((call: LLMToolCall | null) => isCall(call ?? {})))
    throw broken('gave toolCalls that are no array of { id, name, arguments }, each a string');
  // None at all is none wanted.
  return toolCalls.length === 0 ? undefined : (toolCalls as LLMToolCall[]);
}

function checkUsage(usage: NonNullable<CustomAnswer['usage']>): LLMUsage {
  const { inputTokens, outputTokens, source = 'exact', cachedInputTokens: cached, reasoningTokens: reasoning } = usage ?? {};
  const more = {
    ...(isCount(cached) ? { cachedInputTokens: cached } : {}),
    ...(isCount(reasoning) ? { reasoningTokens: reasoning } : {}),
  };
  if (isCount(inputTokens) && isCount(outputTokens)) return { inputTokens, outputTokens, source, ...more };
  throw broken('gave a usage whose inputTokens and outputTokens are not both numbers of at least 0');
}

function broken(text: string): LLMError {
  return failure('custom', 'protocol', `the function ${text}`);
}

/** The LLMError that something thrown stands for. */
function errorOf(thrown: unknown): LLMError {
  const fields = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as Record<string, unknown>;
  // The names of the official SDKs and of `fetch` itself; then those of the `ai` package.
  const { status = fields['statusCode'], headers = fields['responseHeaders'] } = fields;
  const text = excerpt(describe(thrown));
  if (typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599) {
    const complaint = { ...saidBy(fields), requestId: wordOf(fields['request_id'] ?? fields['requestID']) };
    if (complaint.message === undefined) complaint.message = text;
    return statusError('custom', status, complaint, { headers: headersOf(headers), cause: thrown });
  }
  const limit = hostLimitOf(thrown);
  if (limit !== undefined) return failure('custom', 'timeout', limit, { cause: thrown });
  if (isTimeout(thrown)) return failure('custom', 'timeout', `the function timed out: ${text}`, { cause: thrown });
  if (isConnectionLoss(thrown))
    return failure('custom', 'transport', `the connection was lost: ${text}`, { cause: thrown });
  return failure('custom', 'protocol', `the function threw: ${text}`, { cause: thrown });
}

// SDKs keep the body of a refusal in `error`: all of it (Anthropic's), or what its own `error` held (OpenAI's). The `ai`
// package keeps its text.
function saidBy(fields: Record<string, unknown>): Complaint {
  const { message, ...body } = complaintOf(fields['error'] ?? parsed(fields['responseBody'])) ?? {};
  return {
    ...body,
    message: message && excerpt(message),
    code: wordOf(fields['code']) ?? body.code,
    type: wordOf(fields['type']) ?? body.type,
  };
}

function parsed(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

const wordOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function isTimeout(thrown: unknown): boolean {
  const { name, message } = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as Record<string, unknown>;
  // The official SDKs' timeouts are known by their words alone.
  return /^(APIConnection)?TimeoutError$/.test(String(name)) || message === 'Request timed out.';
}

const kLossCodes = /^(ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|UND_ERR_\w+)$/;
// What fetch says for it in Node, Chromium, Firefox and Safari; SDKs give it a name of its own.
const kLossWords =
  /^(fetch failed|Failed to fetch|NetworkError when|Load failed|network error|terminated|Connection error)/i;

function isConnectionLoss(thrown: unknown): boolean {
  for (let at = thrown, depth = 0; typeof at === 'object' && at !== null && depth < 4; depth++) {
    const { code, message, name, cause } = at as Record<string, unknown>;
    if (typeof code === 'string' && kLossCodes.test(code)) return true;
    if (typeof message === 'string' && kLossWords.test(message)) return true;
    if (typeof name === 'string' && /^APIConnection/.test(name)) return true;
    at = cause;
  }
  return false;
}
