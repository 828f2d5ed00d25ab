/**
 * The Anthropic messages protocol: POST {baseURL}/v1/messages.
 *
 * Choices. The protocol demands `max_tokens`: the request's, else the provider's `maxTokens`, else kDefaultMaxTokens.
 * Input tokens are the sum of fresh, cache-written and cache-read ones. Only text blocks make up the text; thinking is
 * left out. A page that calls the API directly must set the header `anthropic-dangerous-direct-browser-access` itself: it
 * shows the key to whoever opens the page. It does not retry, follow redirects or read the environment.
 * Partners: `anthropic-wire.ts`, `http.ts`, `stream.ts`.
 */

import { anthropicWords } from './anthropic-wire.js';
import { complaintIn, complaintOf } from './failure.js';
import { endpointName } from './endpoint-name.js';
import { type Endpoint, Exchange } from './http.js';
import { parseObject, wordOr, written } from './json.js';
import { checkAddress, checkHeaders, checkInteger, checkKey, checkKeys, checkText, refuse } from './options.js';
import type { AttemptOptions, LiveProvider, LLMAnswer, LLMRequest, LLMUsage, ProviderStream } from './provider.js';
import { redactor, secretHeaders } from './redact.js';
import type { ServerSentEvent } from './sse.js';
import { type Dialect, EventStream, wholeStream } from './stream.js';
import { ToolCalls } from './tool-calls.js';
import { isCount, usageOf } from './usage.js';

export interface AnthropicOptions {
  /** Address of the server, without `/v1` (one that ends in it is taken as well). */
  baseURL: string;
  apiKey: string;
  /** The model of requests that name none. */
  model: string;
  /** Upper bound of an answer's tokens for requests that set none: at least 1, default 4096. */
  maxTokens?: number | undefined;
  /** Sends the schema of a format as `output_config.format`, which the server enforces; models before it refuse that.
   * Default: false, the model is asked in words. */
  structuredOutputs?: boolean | undefined;
  /** Further headers; they win over the provider's own. */
  headers?: Readonly<Record<string, string>> | undefined;
}

const kVersion = '2023-06-01';
// Every model of the family can give as much, and a runaway answer stays affordable.
const kDefaultMaxTokens = 4096;

interface Block {
  type?: unknown;
  text?: unknown;
  id?: unknown;
  name?: unknown;
  input?: unknown;
}

interface Usage {
  input_tokens?: unknown;
  cache_creation_input_tokens?: unknown;
  cache_read_input_tokens?: unknown;
  output_tokens?: unknown;
  output_tokens_details?: { thinking_tokens?: unknown } | null;
}

/** A provider for the Anthropic messages API. Throws ConfigError for bad options. */
export function anthropic(options: AnthropicOptions): LiveProvider {
  const known = ['baseURL', 'apiKey', 'model', 'maxTokens', 'structuredOutputs', 'headers'] as const;
  const checked = checkKeys('anthropic', options, known);
  const { baseURL, apiKey, model, maxTokens = kDefaultMaxTokens, structuredOutputs = false, headers } = checked;
  if (typeof structuredOutputs !== 'boolean') refuse('anthropic.structuredOutputs', 'true or false', structuredOutputs);
  const url = checkAddress('anthropic.baseURL', baseURL, (path) => `${path.replace(/\/v1$/, '')}/v1/messages`);
  const key = checkKey('anthropic.apiKey', apiKey);
  const extra = checkHeaders('anthropic.headers', headers);
  const limit = checkInteger('anthropic.maxTokens', maxTokens, 1, Number.MAX_SAFE_INTEGER);
  return new AnthropicProvider(checkText('anthropic.model', model), limit, structuredOutputs, {
    provider: 'anthropic',
    url,
    headers: { 'x-api-key': key, 'anthropic-version': kVersion, ...extra },
    redact: redactor([key, ...secretHeaders(extra)]),
  });
}

class AnthropicProvider implements LiveProvider {
  readonly kind = 'anthropic';
  // Private to the engine too: it holds the key, and a provider may be printed.
  readonly #endpoint: Endpoint;
  readonly endpoint: string;

  constructor(
    readonly model: string,
    private readonly maxTokens: number,
    private readonly structuredOutputs: boolean,
    endpoint: Endpoint,
  ) {
    this.#endpoint = endpoint;
    this.endpoint = endpointName(endpoint.url, secretHeaders(endpoint.headers).join(' '));
  }

  async complete(request: LLMRequest, options: AttemptOptions): Promise<LLMAnswer> {
    return this.#plain(request, await Exchange.open(this.#endpoint, this.#body(request), options));
  }

  async stream(request: LLMRequest, options: AttemptOptions): Promise<ProviderStream> {
    const exchange = await Exchange.open(this.#endpoint, { ...this.#body(request), stream: true }, options);
    if (exchange.contentType.includes('json')) return wholeStream(await this.#plain(request, exchange));
    if (exchange.contentType.includes('html')) {
      exchange.close();
      throw exchange.error('protocol', 'answered a streaming request with HTML');
    }
    return new EventStream(exchange, new AnthropicDialect(exchange, request, request.model ?? this.model), options.onProgress);
  }

  #body(request: LLMRequest): Record<string, unknown> {
    return {
      model: request.model ?? this.model,
      max_tokens: request.maxTokens ?? this.maxTokens,
      ...anthropicWords(request, this.structuredOutputs),
      temperature: request.temperature,
    };
  }

  async #plain(request: LLMRequest, exchange: Exchange): Promise<LLMAnswer> {
    const body = (await exchange.json()) as Record<string, unknown> | null;
    const complaint = complaintIn(body);
    if (complaint !== undefined) throw exchange.complaint(complaint);
    const blocks = body?.['content'];
    if (!Array.isArray(blocks)) throw exchange.error('protocol', 'the answer has no content', written(body));
    const text = blocks.map((block: Block | null) => textOf(block, 'text')).join('');
    const tools = new ToolCalls();
    for (const block of blocks as (Block | null)[]) {
      if (block?.type === 'tool_use') tools.begin({ id: block.id, name: block.name, arguments: block.input });
    }
    const usage = (body?.['usage'] ?? {}) as Usage;
    return {
      text,
      usage: countsOf(usage, request, { text, ...tools.asked }),
      finishReason: wordOr(body?.['stop_reason'], 'unknown'),
      model: wordOr(body?.['model'], request.model ?? this.model),
      ...tools.asked,
      ...exchange.about,
    };
  }
}

/** Events of the Anthropic messages protocol; names that it may add later are passed over. */
class AnthropicDialect implements Dialect {
  terminated = false;
  #sawStart = false;
  #finishReason = 'unknown';
  #usage: Usage = {};
  readonly #tools = new ToolCalls();
  // Input that stood whole at the beginning of its block, as some servers send it; deltas replace it.
  readonly #inputs = new Map<unknown, unknown>();

  constructor(
    private readonly exchange: Exchange,
    private readonly request: LLMRequest,
    private model: string,
  ) {}

  take({ data }: ServerSentEvent): string | undefined {
    const event = parseObject(data) as Record<string, Record<string, unknown> | undefined>;
    switch (event['type'] as unknown) {
      case 'message_start':
        this.#sawStart = true;
        this.model = wordOr(event['message']?.['model'], this.model);
        // The count of output tokens that stands here is a beginning, not the number.
        this.#learn({ ...(event['message']?.['usage'] ?? {}), output_tokens: undefined });
        return undefined;
      case 'content_block_start':
        this.#begin(event['index'], event['content_block']);
        return textOf(event['content_block'], 'text') || (event['content_block']?.['type'] === 'tool_use' ? '' : undefined);
      case 'content_block_delta':
        this.#add(event['index'], event['delta']);
        return textOf(event['delta'], 'text_delta');
      case 'content_block_stop':
        this.#tell(event['index']);
        return undefined;
      case 'message_delta':
        this.#finishReason = wordOr(event['delta']?.['stop_reason'], this.#finishReason);
        this.#learn(event['usage']);
        return undefined;
      case 'message_stop':
        this.terminated = true;
        return undefined;
      case 'error':
        throw this.exchange.complaint(complaintOf(event) ?? {});
      default:
        return undefined;
    }
  }

  answer(text: string): LLMAnswer {
    if (!this.#sawStart) throw new SyntaxError('no message_start in the whole stream');
    for (const index of [...this.#inputs.keys()]) this.#tell(index);
    const { asked } = this.#tools;
    const usage = countsOf(this.#usage, this.request, { text, ...asked });
    return { text, usage, finishReason: this.#finishReason, model: this.model, ...asked, ...this.exchange.about };
  }

  #begin(index: unknown, block: Block | undefined): void {
    if (block?.type !== 'tool_use') return;
    this.#tools.begin({ index, id: block.id, name: block.name });
    if (typeof block.input === 'object' && block.input !== null && Object.keys(block.input).length > 0) this.#inputs.set(index, block.input);
  }

  #add(index: unknown, delta: { type?: unknown; partial_json?: unknown } | undefined): void {
    if (delta?.type !== 'input_json_delta') return;
    this.#inputs.delete(index);
    this.#tools.add({ index, arguments: delta.partial_json });
  }

  #tell(index: unknown): void {
    const input = this.#inputs.get(index);
    if (this.#inputs.delete(index)) this.#tools.add({ index, arguments: input });
  }

  // Counts are cumulative: a later one replaces an earlier one, a missing one does not.
  #learn(usage: unknown): void {
    if (typeof usage !== 'object' || usage === null) return;
    const counts = Object.entries(usage).filter(([, count]) => isCount(count));
    this.#usage = { ...this.#usage, ...Object.fromEntries(counts) };
  }
}

function inputOf(usage: Usage): number | undefined {
  if (!isCount(usage.input_tokens)) return undefined;
  const cached = [usage.cache_creation_input_tokens, usage.cache_read_input_tokens].filter(isCount);
  return cached.reduce((sum, count) => sum + count, usage.input_tokens);
}

function countsOf(usage: Usage, request: LLMRequest, answer: Pick<LLMAnswer, 'text' | 'toolCalls'>): LLMUsage {
  return usageOf(inputOf(usage), usage.output_tokens, request, answer, {
    cached: usage.cache_read_input_tokens,
    reasoning: usage.output_tokens_details?.thinking_tokens,
  });
}

function textOf(block: { type?: unknown; text?: unknown } | null | undefined, type: string): string {
  return block?.type === type && typeof block.text === 'string' ? block.text : '';
}
