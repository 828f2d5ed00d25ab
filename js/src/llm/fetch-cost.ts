/**
 * What a request of the caller's own making will cost, as far as its body says: which model, about how many tokens, how many
 * it may answer with. For limits that count tokens or models; asked for only where there are such. Invariant: a body that it
 * cannot read costs what its length says; it never throws but for the user's tokenizer. Partners: `fetch.ts`, `routes.ts`.
 */

import { countTokens, tokensPerPart, type Tokenizer } from './estimate.js';

export interface RequestCost {
  readonly model: string;
  readonly inputTokens: number;
  /** Undefined where the request sets no bound. */
  readonly outputTokens: number | undefined;
}

type Bag = Readonly<Record<string, unknown>>;

// Where protocols put what the model reads.
const kRead = ['messages', 'system', 'tools', 'input', 'instructions', 'prompt', 'contents', 'systemInstruction', 'system_instruction'];
// A longer string without a space is no text.
const kLongestWord = 2000;

/** `path`: the address, where some protocols put the model. */
export function costOf(path: string, body: string, tokenizer: Tokenizer | undefined): RequestCost {
  const inPath = /\/(?:models|deployments)\/([^/:?#]+)/.exec(path)?.[1] ?? '';
  let asked: Bag;
  try {
    asked = (JSON.parse(body) ?? {}) as Bag;
  } catch {
    return { model: inPath, inputTokens: countTokens(body, tokenizer), outputTokens: undefined };
  }
  const { model } = asked;
  return {
    model: typeof model === 'string' && model !== '' ? model : inPath,
    inputTokens: kRead.reduce((sum, name) => sum + tokensIn(asked[name], tokenizer), 0),
    outputTokens: path.includes('/embeddings') ? 0 : boundOf(asked),
  };
}

function boundOf(asked: Bag): number | undefined {
  const { generationConfig, options } = asked as { generationConfig?: Bag | null; options?: Bag | null };
  const bounds = [asked['max_tokens'], asked['max_completion_tokens'], asked['max_output_tokens'], generationConfig?.['maxOutputTokens'], options?.['num_predict']];
  return bounds.find((bound) => typeof bound === 'number' && bound >= 0) as number | undefined;
}

// Every text in it, at whatever depth.
function tokensIn(value: unknown, tokenizer: Tokenizer | undefined): number {
  let tokens = 0;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === 'string') tokens += next.length > kLongestWord && !/\s/.test(next) ? tokensPerPart : countTokens(next, tokenizer);
    else if (typeof next === 'object' && next !== null) open.push(...Object.values(next));
    else if (typeof next === 'number') tokens += 1;
  }
  return tokens;
}
