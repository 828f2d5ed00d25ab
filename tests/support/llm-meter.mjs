/**
 * The test server as a provider with limits: what arrived when, and how many tokens it took. Invariant: worst() is the
 * most in any closed window of 60 s, over every request that arrived, those refused and those that met a fault included;
 * what is refused by a limit takes nothing of it. Time is the test's, so that virtual time is measured as such.
 * Partner: `llm-server.mjs`, whose options `limits` and `rates` this is.
 *
 *   limits: {requestsPerMinute, tokensPerMinute, now(), tokens(request, {output}), refuse}
 *     now       milliseconds, default the host's clock. Under a runtime's virtual clock: its own
 *     tokens    default: words of the prompt, and max_tokens (under any of its names) or else words of the answer
 *     refuse    true: a request beyond a limit gets a 429 that names the wait
 *   rates: {requestsPerMinute, tokensPerMinute} or true (those of `limits`): answers say by headers what is left
 */

const kWindow = 60_000;

export const wordsOf = (text) => text.match(/\S+/g)?.length ?? 0;

function usualTokens({ prompt, body }, { output = 0 }) {
  return wordsOf(prompt) + (body?.max_tokens ?? body?.max_completion_tokens ?? body?.max_output_tokens ?? output);
}

export class Meter {
  #rows = [];
  // The rows from here on are in the window that ends now; `used` is their sum, without those that were refused.
  #first = 0;
  #used = { requests: 0, tokens: 0 };
  #newest;

  /** Counts a request that has arrived. Gives its row; `row.waitMs` is set if it is beyond a limit that refuses. */
  arrive(request, limits) {
    const { requestsPerMinute = Infinity, tokensPerMinute = Infinity, refuse = false, tokens = usualTokens } = limits;
    const at = timeOf(limits);
    this.#moveTo(at);
    const row = { at, request, index: this.#rows.length, tokens: tokens(request, {}), counts: true, waitMs: undefined };
    const used = this.#used;
    if (refuse && (used.requests + 1 > requestsPerMinute || used.tokens + row.tokens > tokensPerMinute)) {
      row.counts = false;
      const oldest = this.#rows.slice(this.#first).find(({ counts }) => counts);
      // The window is closed: a millisecond later its oldest request has left it. Nobody asks for more than a window.
      row.waitMs = oldest === undefined ? kWindow : Math.min(kWindow, Math.ceil(oldest.at + kWindow + 1 - at));
    } else {
      used.requests++;
      used.tokens += row.tokens;
      this.#newest = row;
    }
    this.#rows.push(row);
    return row;
  }

  /** The answer had so many words. */
  correct(row, output, { tokens = usualTokens }) {
    const before = row.tokens;
    row.tokens = tokens(row.request, { output });
    if (row.counts && row.index >= this.#first) this.#used.tokens += row.tokens - before;
  }

  /** The most requests and the most tokens in any closed window of 60 s; each may be of another window. */
  worst() {
    const worst = { requests: 0, tokens: 0 };
    let tokens = 0;
    for (let last = 0, first = 0; last < this.#rows.length; last++) {
      tokens += this.#rows[last].tokens;
      for (; this.#rows[last].at - this.#rows[first].at > kWindow; first++) tokens -= this.#rows[first].tokens;
      worst.requests = Math.max(worst.requests, last - first + 1);
      worst.tokens = Math.max(worst.tokens, tokens);
    }
    return worst;
  }

  /** Each counter's {limit, remaining, resetMs}; resetMs is when all of it is there again. */
  left(rates, limits) {
    const at = timeOf(limits);
    this.#moveTo(at);
    const resetMs = this.#used.requests === 0 ? 0 : Math.ceil(this.#newest.at + kWindow + 1 - at);
    const of = (limit, used) => limit !== undefined && { limit, remaining: Math.max(0, limit - used), resetMs };
    return {
      requests: of(rates.requestsPerMinute, this.#used.requests),
      tokens: of(rates.tokensPerMinute, this.#used.tokens),
    };
  }

  #moveTo(at) {
    for (; this.#first < this.#rows.length && at - this.#rows[this.#first].at > kWindow; this.#first++) {
      const row = this.#rows[this.#first];
      if (!row.counts) continue;
      this.#used.requests--;
      this.#used.tokens -= row.tokens;
    }
  }
}

/** The time of these limits. */
export const timeOf = ({ now = Date.now } = {}) => now();

/** The headers by which a provider of this protocol says what is left. */
export function rateHeaders(protocol, left, now) {
  const headers = {};
  for (const [counter, state] of Object.entries(left)) {
    if (!state) continue;
    const { limit, remaining, resetMs } = state;
    const write = (what, text) => {
      const name = protocol === 'anthropic' ? `anthropic-ratelimit-${counter}-${what}` : `x-ratelimit-${what}-${counter}`;
      headers[name] = String(text);
    };
    write('limit', limit);
    write('remaining', remaining);
    write('reset', protocol === 'anthropic' ? timestamp(now + resetMs) : goDuration(resetMs));
  }
  return headers;
}

// RFC 3339, in whole seconds, not too early.
const timestamp = (ms) => new Date(Math.ceil(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');

// As OpenAI writes a duration: "20ms", "1.5s", "6m0s".
function goDuration(ms) {
  if (ms < 1000) return `${ms}ms`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = (ms % 60_000) / 1000;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
