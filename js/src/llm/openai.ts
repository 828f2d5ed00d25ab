/**
 * The OpenAI chat protocol, which most servers of open models speak too: POST {baseURL}/chat/completions.
 *
 * Choices. The limit on length is sent as `max_tokens`, which every server knows, to OpenAI's own as
 * `max_completion_tokens`; another that refuses the one in favour of the other gets that from then on.
 * `stream_options.include_usage` is asked for; a server that refuses it is asked no more, and one that ignores it leaves
 * usage to an estimate. Each of the two refusals ends its attempt with an error that may be tried again at once, so that
 * requests are counted where they are made; later calls of that provider object and model know. The end of a stream is
 * `[DONE]`; a server that answers a streaming request with plain JSON is understood. A model's refusal is the text of an
 * answer that ended for `refusal`. `sample` is not sent. It does not retry, follow redirects or read the environment.
 * Partners: `openai-wire.ts`, `http.ts`, `stream.ts`.
 */

import { LLMError } from '../errors.js';
import { atOnce, complaintIn, complaintOf } from './failure.js';
import { endpointName } from './endpoint-name.js';
import { type Endpoint, Exchange } from './http.js';
import { objectOf, wordOr, written } from './json.js';
import { checkAddress, checkHeaders, checkKey, checkKeys, checkText } from './options.js';
import { openaiToolCalls, openaiWords } from './openai-wire.js';
import type { AttemptOptions, LiveProvider, LLMAnswer, LLMRequest, LLMUsage, ProviderStream } from './provider.js';
import { redactor, secretHeaders } from './redact.js';
import type { ServerSentEvent } from './sse.js';
import { type Dialect, EventStream, wholeStream } from './stream.js';
import { ToolCalls } from './tool-calls.js';
import { usageOf } from './usage.js';

export interface OpenAIOptions {
  /** Address of the API up to and with its version: ends in `/v1`. */
  baseURL: string;
  /** Sent as a bearer token. A server that needs none takes any non-empty string. */
  apiKey: string;
  /** The model of requests that name none. */
  model: string;
  /** Further headers; they win over the provider's own. */
  headers?: Readonly<Record<string, string>> | undefined;
}

// What Anthropic calls it; this protocol says `stop` even then.
const kRefusal = 'refusal';

interface Said {
  content?: unknown;
  /** In place of the content, where the model will not answer. */
  refusal?: unknown;
  tool_calls?: unknown;
  /** What the model thinks before it answers, as DeepSeek's, vLLM's and OpenRouter's servers send it. */
  reasoning_content?: unknown;
  reasoning?: unknown;
}

interface Choice {
  message?: Said | null;
  delta?: Said | null;
  finish_reason?: unknown;
}

interface Usage {
  prompt_tokens?: unknown;
  completion_tokens?: unknown;
  prompt_tokens_details?: { cached_tokens?: unknown } | null;
  completion_tokens_details?: { reasoning_tokens?: unknown } | null;
}

/** A provider for any server that speaks the OpenAI chat protocol. Throws ConfigError for bad options. */
export function openai(options: OpenAIOptions): LiveProvider {
  const { baseURL, apiKey, model, headers } = checkKeys('openai', options, ['baseURL', 'apiKey', 'model', 'headers']);
  const url = checkAddress('openai.baseURL', baseURL, (path) => `${path}/chat/completions`);
  const key = checkKey('openai.apiKey', apiKey);
  const extra = checkHeaders('openai.headers', headers);
  return new OpenAIProvider(checkText('openai.model', model), {
    provider: 'openai',
    url,
    headers: { authorization: `Bearer ${key}`, ...extra },
    redact: redactor([key, ...secretHeaders(extra)]),
  });
}

class OpenAIProvider implements LiveProvider {
  readonly kind = 'openai';
  // What models have refused so far.
  readonly #noStreamOptions = new Set<string>();
  readonly #newLimitName = new Set<string>();
  // Its models all know `max_completion_tokens`, and the newer ones nothing else.
  readonly #isOpenAI: boolean;
  // Private to the engine too: it holds the key, and a provider may be printed.
  readonly #endpoint: Endpoint;
  readonly endpoint: string;

  constructor(
    readonly model: string,
    endpoint: Endpoint,
  ) {
    this.#endpoint = endpoint;
    this.endpoint = endpointName(endpoint.url, secretHeaders(endpoint.headers).join(' '));
    this.#isOpenAI = new URL(endpoint.url).hostname === 'api.openai.com';
  }

  async complete(request: LLMRequest, options: AttemptOptions): Promise<LLMAnswer> {
    return this.#plain(request, await this.#open(request, false, options));
  }

  async stream(request: LLMRequest, options: AttemptOptions): Promise<ProviderStream> {
    const exchange = await this.#open(request, true, options);
    if (exchange.contentType.includes('json')) return wholeStream(await this.#plain(request, exchange));
    if (exchange.contentType.includes('html')) {
      exchange.close();
      throw exchange.error('protocol', 'answered a streaming request with HTML');
    }
    return new EventStream(exchange, new OpenAIDialect(exchange, request, this.#modelOf(request)), options.onProgress);
  }

  #modelOf(request: LLMRequest): string {
    return request.model ?? this.model;
  }

  async #open(request: LLMRequest, stream: boolean, options: AttemptOptions): Promise<Exchange> {
    const body = this.#body(request, stream);
    try {
      return await Exchange.open(this.#endpoint, body, options);
    } catch (error) {
      throw error instanceof LLMError && this.#concedes(error, body) ? atOnce(error) : error;
    }
  }

  #body(request: LLMRequest, stream: boolean): Record<string, unknown> {
    const model = this.#modelOf(request);
    return {
      model,
      ...openaiWords(request),
      [this.#isOpenAI || this.#newLimitName.has(model) ? 'max_completion_tokens' : 'max_tokens']: request.maxTokens,
      temperature: request.temperature,
      ...(stream ? { stream } : {}),
      ...(stream && !this.#noStreamOptions.has(model) ? { stream_options: { include_usage: true } } : {}),
    };
  }

  // True when the refusal was of a parameter of our own choice and we choose otherwise from now on.
  #concedes(error: LLMError, sent: Record<string, unknown>): boolean {
    if (error.status !== 400 && error.status !== 422) return false;
    const model = String(sent['model']);
    if (sent['stream_options'] !== undefined && error.message.includes('stream_options')) {
      this.#noStreamOptions.add(model);
      return true;
    }
    if (sent['max_tokens'] !== undefined && error.message.includes('max_completion_tokens')) {
      this.#newLimitName.add(model);
      return true;
    }
    return false;
  }

  async #plain(request: LLMRequest, exchange: Exchange): Promise<LLMAnswer> {
    const body = (await exchange.json()) as {
      choices?: Choice[];
      usage?: Usage;
      model?: unknown;
    } | null;
    const complaint = complaintIn(body);
    if (complaint !== undefined) throw exchange.complaint(complaint);
    const choice = Array.isArray(body?.choices) ? body.choices[0] : undefined;
    if (!choice?.message)
      throw exchange.error('protocol', 'the answer has no choices[0].message', written(body));
    const text = textOf(choice.message);
    const tools = new ToolCalls();
    for (const call of openaiToolCalls(choice.message.tool_calls)) tools.begin(call);
    return {
      text,
      usage: countsOf(body?.usage, request, { text, ...tools.asked }),
      finishReason: isRefusal(choice.message) ? kRefusal : wordOr(choice.finish_reason, 'unknown'),
      model: wordOr(body?.model, this.#modelOf(request)),
      ...tools.asked,
      ...exchange.about,
    };
  }
}

/** Events of the OpenAI chat protocol. */
class OpenAIDialect implements Dialect {
  terminated = false;
  #sawChoice = false;
  #refuses = false;
  #finishReason = 'unknown';
  #usage: Usage | undefined;
  readonly #tools = new ToolCalls();

  constructor(
    private readonly exchange: Exchange,
    private readonly request: LLMRequest,
    private model: string,
  ) {}

  take({ name, data, partial }: ServerSentEvent): string | undefined {
    if (data.trim() === '[DONE]') {
      this.terminated = true;
      return undefined;
    }
    const said: unknown = JSON.parse(data);
    const complaint = complaintIn(said) ?? (name === 'error' && !partial ? (complaintOf(said) ?? {}) : undefined);
    if (complaint !== undefined) throw this.exchange.complaint(complaint);
    const chunk = objectOf(said);
    this.model = wordOr(chunk['model'], this.model);
    if (chunk['usage']) this.#usage = chunk['usage'] as Usage;
    const choice = Array.isArray(chunk['choices']) ? (chunk['choices'][0] as Choice | undefined) : undefined;
    if (!choice) return undefined;
    this.#sawChoice = true;
    if (isRefusal(choice.delta)) this.#refuses = true;
    this.#finishReason = wordOr(choice.finish_reason, this.#finishReason);
    const pieces = openaiToolCalls(choice.delta?.tool_calls);
    for (const piece of pieces) this.#tools.add(piece);
    return textOf(choice.delta) || (pieces.length > 0 || isReasoning(choice.delta) ? '' : undefined);
  }

  answer(text: string): LLMAnswer {
    if (!this.#sawChoice) throw new SyntaxError('no choices in the whole stream');
    return {
      text,
      usage: countsOf(this.#usage, this.request, { text, ...this.#tools.asked }),
      finishReason: this.#refuses ? kRefusal : this.#finishReason,
      model: this.model,
      ...this.#tools.asked,
      ...this.exchange.about,
    };
  }
}

function countsOf(usage: Usage | null | undefined, request: LLMRequest, answer: Pick<LLMAnswer, 'text' | 'toolCalls'>): LLMUsage {
  return usageOf(usage?.prompt_tokens, usage?.completion_tokens, request, answer, {
    cached: usage?.prompt_tokens_details?.cached_tokens,
    reasoning: usage?.completion_tokens_details?.reasoning_tokens,
  });
}

function isRefusal(said: Said | null | undefined): boolean {
  return typeof said?.refusal === 'string' && said.refusal !== '';
}

function isReasoning(said: Said | null | undefined): boolean {
  return Boolean(said?.reasoning_content) || Boolean(said?.reasoning);
}

function textOf(said: Said | null | undefined): string {
  return contentOf(said?.content) || (isRefusal(said) ? (said?.refusal as string) : '');
}

// Some servers give a list of parts where the protocol has a string; null stands for an answer without text.
function contentOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: { text?: unknown } | null) => (typeof part?.text === 'string' ? part.text : '')).join('');
}
