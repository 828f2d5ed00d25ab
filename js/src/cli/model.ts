/**
 * Which model answers, by the command line and the environment: the OpenAI protocol where OPENAI_API_KEY or OPENAI_BASE_URL
 * is set, else Anthropic's where ANTHROPIC_API_KEY or ANTHROPIC_BASE_URL is, else the simulated model. An empty variable
 * counts as none. A key is never shown.
 */

import { ConfigError } from '../errors.js';
import { anthropic } from '../llm/anthropic.js';
import { openai } from '../llm/openai.js';
import type { Provider } from '../llm/provider.js';
import { simulated } from '../llm/simulated.js';
import type { ModelArguments } from './arguments.js';
import { UsageError } from './usage-error.js';

/** A small model, known to every account, and the address. */
const protocols = {
  openai: { model: 'gpt-4o-mini', address: 'https://api.openai.com/v1', make: openai },
  anthropic: { model: 'claude-haiku-4-5', address: 'https://api.anthropic.com', make: anthropic },
} as const;

/** Throws a UsageError for what cannot be asked. */
export function chooseProvider({ provider, model, baseURL, seed, virtual }: ModelArguments, env: Readonly<Record<string, string | undefined>>): Provider {
  const name = provider ?? providerOf(env);
  if (name === 'simulated') {
    if (baseURL !== undefined) throw new UsageError('--base-url is for a server; add --provider openai or anthropic, or leave it out.');
    return simulated(model === undefined ? { seed } : { seed, model });
  }
  if (virtual) throw new UsageError('--virtual is for the simulated model, since a real one takes real time; add --provider simulated, or leave it out.');
  const { model: usual, address, make } = protocols[name];
  const prefix = name.toUpperCase();
  try {
    return make({
      baseURL: baseURL ?? (env[`${prefix}_BASE_URL`] || address),
      // A server of one's own may need no key; the real ones refuse this one with a clear message.
      apiKey: env[`${prefix}_API_KEY`] || 'none',
      model: model ?? usual,
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(`${error.message}.`);
  }
}

function providerOf(env: Readonly<Record<string, string | undefined>>): 'openai' | 'anthropic' | 'simulated' {
  if (env['OPENAI_API_KEY'] || env['OPENAI_BASE_URL']) return 'openai';
  if (env['ANTHROPIC_API_KEY'] || env['ANTHROPIC_BASE_URL']) return 'anthropic';
  return 'simulated';
}
