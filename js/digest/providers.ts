/**
 * Which model answers, by the environment: the OpenAI protocol where OPENAI_API_KEY or OPENAI_BASE_URL is set, else
 * Anthropic's where ANTHROPIC_API_KEY or ANTHROPIC_BASE_URL is, else the simulated model. An empty variable counts as
 * none. It never shows a key.
 */

import { anthropic, ConfigError, openai, simulated, type Provider } from 'heddle';
import { plausible } from './plausible-answers.js';
import { UsageError } from './usage-error.js';

export const providerNames = ['openai', 'anthropic', 'simulated'] as const;
export type ProviderName = (typeof providerNames)[number];

export interface ProviderOptions {
  /** Which one, whatever the environment says. */
  provider?: ProviderName | undefined;
  model?: string | undefined;
  /** For the simulated model. */
  seed: number;
  /** Share of the simulated model's attempts that fail. */
  failures?: number | undefined;
}

export interface ChosenProvider {
  provider: Provider;
  /** Who answers, in a few words. */
  label: string;
  /** The same as a sentence, with what to do for another one. */
  description: string;
}

interface Protocol {
  /** A small model, known to every account. */
  model: string;
  address: string;
  make(options: { baseURL: string; apiKey: string; model: string }): Provider;
}

const protocols: Record<Exclude<ProviderName, 'simulated'>, Protocol> = {
  openai: { model: 'gpt-4o-mini', address: 'https://api.openai.com/v1', make: openai },
  anthropic: { model: 'claude-haiku-4-5', address: 'https://api.anthropic.com', make: anthropic },
};

// Some answers take long and some attempts fail, as they do in life: an overlap and a retry are there to be seen.
const kSimulatedLatency = { min: 250, max: 1350 };
const kSimulatedFailures = 0.04;

/** The provider that the options and the environment ask for. Throws a UsageError for what cannot be one. */
export function chooseProvider(
  options: ProviderOptions,
  env: Readonly<Record<string, string | undefined>>,
): ChosenProvider {
  const name = options.provider ?? providerOf(env);
  if (name === 'simulated') {
    const model = options.model ?? 'simulated';
    const { seed, failures = kSimulatedFailures } = options;
    const provider = plausible(simulated({ seed, model, failures, latency: kSimulatedLatency }));
    const label = `the simulated model, seed ${seed}`;
    const how = 'set OPENAI_API_KEY or ANTHROPIC_API_KEY (or OPENAI_BASE_URL, ANTHROPIC_BASE_URL) to ask a real one';
    return { provider, label, description: `The simulated model answers, offline (seed ${seed}); ${how}.` };
  }
  if (options.failures !== undefined) {
    throw new UsageError('--failures is for the simulated model; add --provider simulated, or leave it out.');
  }
  const { model: usual, address, make } = protocols[name];
  const prefix = name.toUpperCase();
  const baseURL = env[`${prefix}_BASE_URL`] || address;
  // A server of one's own may need no key; the real ones refuse this one with a clear message.
  const apiKey = env[`${prefix}_API_KEY`] || 'none';
  const model = options.model ?? usual;
  try {
    const provider = make({ baseURL, apiKey, model });
    const label = `${model} at ${new URL(baseURL).host}`;
    return { provider, label, description: `The model ${label} answers (${name} protocol).` };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const key = error.key.endsWith('apiKey') ? 'API_KEY' : error.key.endsWith('baseURL') ? 'BASE_URL' : undefined;
    throw new UsageError(
      key === undefined ? `${error.message}.` : `${prefix}_${key} cannot be used: ${error.message}.`,
    );
  }
}

/** The provider that the environment asks for. */
function providerOf(env: Readonly<Record<string, string | undefined>>): ProviderName {
  if (env['OPENAI_API_KEY'] || env['OPENAI_BASE_URL']) return 'openai';
  if (env['ANTHROPIC_API_KEY'] || env['ANTHROPIC_BASE_URL']) return 'anthropic';
  return 'simulated';
}
