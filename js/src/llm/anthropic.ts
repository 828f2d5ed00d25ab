/**
 * The Anthropic messages protocol: POST {baseURL}/v1/messages.
 *
 * Choices. System messages, wherever they stand, are lifted out and joined by a blank line into `system`. The protocol
 * demands `max_tokens`: the request's, else the provider's `maxTokens`, else kDefaultMaxTokens. Input tokens are the
 * sum of fresh, cache-written and cache-read ones. Only text blocks make up the text; thinking and tool use are left
 * out. A page that calls the API directly must set the header `anthropic-dangerous-direct-browser-access` itself: it
 * shows the key to whoever opens the page. It does not retry, follow redirects or read the environment.
 * Partners: `http.ts`, `stream.ts`.
 */

import { LLMError } from '../errors.js';
import { complaintIn, complaintOf } from './failure.js';
import { type Endpoint, Exchange } from './http.js';
import { parseObject, wordOr } from './json.js';
import { checkAddress, checkHeaders, checkInteger, checkKey, checkKeys, checkText } from './options.js';
import type { AttemptOptions, LiveProvider, LLMAnswer, LLMMessage, LLMRequest, ProviderStream } from './provider.js';
import { redactor, secretHeaders } from './redact.js';
import type { ServerSentEvent } from './sse.js';
import { type Dialect, EventStream, wholeStream } from './stream.js';
import { isCount, usageOf } from './usage.js';

export interface AnthropicOptions {
  /** Address of the server, without `/v1` (one that ends in it is taken as well). */
  baseURL: string;
  apiKey: string;
  /** The model of requests that name none. */
  model: string;
  /** Upper bound of an answer's tokens for requests that set none: at least 1, default 4096. */
  maxTokens?: number | undefined;
  /** Further headers; they win over the provider's own. */
  headers?: Readonly<Record<string, string>> | undefined;
}

const kVersion = '2023-06-01';
// Every model of the family can give as much, and a runaway answer stays affordable.
const kDefaultMaxTokens = 4096;

interface Usage {
  input_tokens?: unknown;
  cache_creation_input_tokens?: unknown;
  cache_read_input_tokens?: unknown;
  output_tokens?: unknown;
}

/** A provider for the Anthropic messages API. Throws ConfigError for bad options. */
export function anthropic(options: AnthropicOptions): LiveProvider {
  const known = ['baseURL', 'apiKey', 'model', 'maxTokens', 'headers'] as const;
  const { baseURL, apiKey, model, maxTokens = kDefaultMaxTokens, headers } = checkKeys('anthropic', options, known);
  const url = checkAddress('anthropic.baseURL', baseURL, (path) => `${path.replace(/\/v1$/, '')}/v1/messages`);
  const key = checkKey('anthropic.apiKey', apiKey);
  const extra = checkHeaders('anthropic.headers', headers);
  const limit = checkInteger('anthropic.maxTokens', maxTokens, 1, Number.MAX_SAFE_INTEGER);
  return new AnthropicProvider(checkText('anthropic.model', model), limit, {
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

  constructor(
    readonly model: string,
    private readonly maxTokens: number,
    endpoint: Endpoint,
  ) {
    this.#endpoint = endpoint;
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
    return new EventStream(exchange, new AnthropicDialect(exchange, request, request.model ?? this.model));
  }

  #body(request: LLMRequest): Record<string, unknown> {
    const wrong = request.messages.findIndex(({ role }) => role === 'tool');
    if (wrong !== -1) {
      const what = `messages[${wrong}] has the role "tool", which this protocol does not know`;
      throw new LLMError(`anthropic: ${what}; send a "user" message with a tool_result part`, { kind: 'invalid' });
    }
    return {
      model: request.model ?? this.model,
      max_tokens: request.maxTokens ?? this.maxTokens,
      system: systemOf(request.messages),
      messages: request.messages.filter(({ role }) => role !== 'system'),
      temperature: request.temperature,
    };
  }

  async #plain(request: LLMRequest, exchange: Exchange): Promise<LLMAnswer> {
    const body = (await exchange.json()) as Record<string, unknown> | null;
    const complaint = complaintIn(body);
    if (complaint !== undefined) throw exchange.complaint(complaint);
    const blocks = body?.['content'];
    if (!Array.isArray(blocks)) throw exchange.error('protocol', 'the answer has no content', JSON.stringify(body));
    const text = blocks.map((block: { type?: unknown; text?: unknown } | null) => textOf(block, 'text')).join('');
    const usage = (body?.['usage'] ?? {}) as Usage;
    return {
      text,
      usage: usageOf(inputOf(usage), usage.output_tokens, request, text),
      finishReason: wordOr(body?.['stop_reason'], 'unknown'),
      model: wordOr(body?.['model'], request.model ?? this.model),
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

  constructor(
    private readonly exchange: Exchange,
    private readonly request: LLMRequest,
    private model: string,
  ) {}

  take({ data }: ServerSentEvent): string {
    const event = parseObject(data) as Record<string, Record<string, unknown> | undefined>;
    switch (event['type'] as unknown) {
      case 'message_start':
        this.#sawStart = true;
        this.model = wordOr(event['message']?.['model'], this.model);
        // The count of output tokens that stands here is a beginning, not the number.
        this.#learn({ ...(event['message']?.['usage'] ?? {}), output_tokens: undefined });
        return '';
      case 'content_block_start':
        return textOf(event['content_block'], 'text');
      case 'content_block_delta':
        return textOf(event['delta'], 'text_delta');
      case 'message_delta':
        this.#finishReason = wordOr(event['delta']?.['stop_reason'], this.#finishReason);
        this.#learn(event['usage']);
        return '';
      case 'message_stop':
        this.terminated = true;
        return '';
      case 'error':
        throw this.exchange.complaint(complaintOf(event) ?? {});
      default:
        return '';
    }
  }

  answer(text: string): LLMAnswer {
    if (!this.#sawStart) throw new SyntaxError('no message_start in the whole stream');
    const usage = usageOf(inputOf(this.#usage), this.#usage.output_tokens, this.request, text);
    return { text, usage, finishReason: this.#finishReason, model: this.model, ...this.exchange.about };
  }

  // Counts are cumulative: a later one replaces an earlier one, a missing one does not.
  #learn(usage: unknown): void {
    if (typeof usage !== 'object' || usage === null) return;
    const counts = Object.entries(usage).filter(([, count]) => isCount(count));
    this.#usage = { ...this.#usage, ...Object.fromEntries(counts) };
  }
}

function systemOf(messages: readonly LLMMessage[]): unknown {
  const contents = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  if (contents.length === 0) return undefined;
  if (contents.every((content) => typeof content === 'string')) return contents.join('\n\n');
  return contents.flatMap((content) =>
    typeof content === 'string' ? [{ type: 'text', text: content }] : [...content],
  );
}

function inputOf(usage: Usage): number | undefined {
  if (!isCount(usage.input_tokens)) return undefined;
  const cached = [usage.cache_creation_input_tokens, usage.cache_read_input_tokens].filter(isCount);
  return cached.reduce((sum, count) => sum + count, usage.input_tokens);
}

function textOf(block: { type?: unknown; text?: unknown } | null | undefined, type: string): string {
  return block?.type === type && typeof block.text === 'string' ? block.text : '';
}
