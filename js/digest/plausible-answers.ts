/**
 * Answers of the simulated model that fit this program's questions: its own are a guess at any prompt, these know ours.
 * They are taken from the text itself by plain rules; nothing is understood. Invariant: latency, failures and everything
 * else stay as the simulated provider decided them. Partner: prompts.ts, whose first paragraph says what is asked.
 */

import type { SimulatedProvider } from 'heddle';
import { Lexer } from 'marked';
import { categories, type Category } from './prompts.js';
import { plainText } from './sections.js';

// The first that matches the heading, else the first that matches the text.
const signs: [Category, RegExp][] = [
  ['record', /\b(?:changes?|changelog|release[ds]?|licen[cs]e|history|\d+\.\d+\.\d+)\b/i],
  ['guide', /\b(?:install|set ?up|usage|use|start|build|run|how|contribut\w*|test\w*)\b/i],
  ['design', /\b(?:design|architecture|why|idea|decision|invariant|layers?|core)\b/i],
  ['reference', /\b(?:api|reference|options?|flags?|commands?|limits?|errors?|parameters?)\b/i],
  ['example', /```/],
];

const kLongestSentence = 240;
const kMostNames = 4;

/** The same provider, with texts that fit. */
export function plausible(provider: SimulatedProvider): SimulatedProvider {
  return {
    kind: provider.kind,
    model: provider.model,
    answer: (request, attempt) => {
      const answer = provider.answer(request, attempt);
      const text = answer.error === undefined ? textFor(String(request.messages[0]?.content)) : undefined;
      if (text === undefined) return answer;
      // As the provider itself counts: a token for four bytes.
      const outputTokens = Math.ceil(Buffer.byteLength(text) / 4);
      return { ...answer, text, usage: { ...answer.usage, outputTokens } };
    },
  };
}

function textFor(prompt: string): string | undefined {
  const end = prompt.indexOf('\n\n');
  const task = prompt.slice(0, end);
  const material = prompt.slice(end + 2);
  if (task.startsWith('Classify')) return classify(material);
  if (task.includes('of its sections')) return combine(material, 'It goes on with');
  if (task.includes('of them')) return combine(material, 'Beside it there are');
  return task.startsWith('Summarise') ? firstSentence(material) : undefined;
}

function classify(material: string): Category {
  const heading = material.split('\n', 1)[0]!;
  const found = [heading, material].map((text) => signs.find(([, sign]) => sign.test(text))?.[0]);
  return found.find((category) => category !== undefined) ?? categories[0];
}

function firstSentence(markdown: string): string {
  const tokens = new Lexer().lex(markdown);
  const blocks = tokens.filter(({ type }) => type !== 'heading' && type !== 'space');
  // A paragraph of badges is no prose.
  const chosen = blocks.find((block) => block.type === 'paragraph' && /^\p{L}/u.test(plainText(block))) ?? blocks[0];
  const text = (chosen === undefined ? markdown : plainText(chosen) || chosen.raw).replace(/\s+/g, ' ').trim();
  const sentence = /^.*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;
  return sentence.length <= kLongestSentence
    ? sentence
    : `${sentence.slice(0, kLongestSentence - 3).replace(/[\uD800-\uDBFF]$/, '')}...`;
}

// Of lines "- name -- summary": the first summary, and the names of the rest.
function combine(material: string, link: string): string {
  const lines = [...material.matchAll(/^- (.+?) -- (.+)$/gm)].map(([, name, summary]) => ({
    name: name!,
    summary: summary!,
  }));
  const [first, ...others] = lines;
  if (first === undefined) return 'There is nothing to combine.';
  const names = others.slice(0, kMostNames).map(({ name }) => name);
  const more = others.length - names.length;
  if (more > 0) names.push(`${more} more`);
  if (names.length === 0) return first.summary;
  const listed = names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return `${first.summary} ${link} ${listed}.`;
}
