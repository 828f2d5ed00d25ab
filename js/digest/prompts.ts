/**
 * What the models are asked. A prompt depends on the text alone, not on where it stands: the same section in two
 * documents gives the same prompt, which is asked once. Partner: questions.ts.
 */

import type { Section } from './sections.js';

/** One thing to ask. The prompt identifies it. */
export interface Question {
  purpose: 'classify' | 'summarise' | 'combine' | 'overall';
  /** Where it first came up, for people. */
  document: string;
  section: string;
  prompt: string;
  /** Upper bound of the answer, in tokens. */
  maxTokens: number;
}

export const categories = ['overview', 'guide', 'reference', 'design', 'example', 'record'] as const;
export type Category = (typeof categories)[number] | 'other';

// Longer sections are cut: enough to say what one is about, and within the smallest models.
const kLongestText = 12_000;
// Models that think before they answer need room for that.
const kShortAnswer = 500;
const kLongAnswer = 1500;

export function classifyQuestion(document: string, section: Section): Question {
  return {
    purpose: 'classify',
    document,
    section: section.title,
    prompt: `Classify this section of a document as one of: ${categories.join(', ')}\nAnswer with that word alone.\n\n${cut(section.text)}`,
    maxTokens: kShortAnswer,
  };
}

export function summariseQuestion(document: string, section: Section): Question {
  return {
    purpose: 'summarise',
    document,
    section: section.title,
    prompt: `Summarise this section of a document in one sentence:\n\n${cut(section.text)}`,
    maxTokens: kShortAnswer,
  };
}

export function combineQuestion(document: string, parts: readonly { title: string; summary: string }[]): Question {
  const lines = parts.map(({ title, summary }) => `- ${title} -- ${summary}`);
  return {
    purpose: 'combine',
    document,
    section: '(the whole document)',
    prompt: `Summarise a document in two sentences, from one line for each of its sections:\n\n${cut(lines.join('\n'))}`,
    maxTokens: kLongAnswer,
  };
}

export function overallQuestion(parts: readonly { path: string; summary: string }[]): Question {
  const lines = parts.map(({ path, summary }) => `- ${path} -- ${summary}`);
  return {
    purpose: 'overall',
    document: '(all documents)',
    section: '(overall)',
    prompt: `Summarise a set of documents in three sentences, from one line for each of them:\n\n${cut(lines.join('\n'))}`,
    maxTokens: kLongAnswer,
  };
}

/** The category that an answer names; `other` where it names none. */
export function categoryOf(answer: string): Category {
  const words = answer.toLowerCase().match(/[a-z]+/g) ?? [];
  return words.map((word) => categories.find((each) => each === word)).find((each) => each !== undefined) ?? 'other';
}

function cut(text: string): string {
  if (text.length <= kLongestText) return text;
  // Not between the halves of a surrogate pair.
  return `${text.slice(0, kLongestText).replace(/[\uD800-\uDBFF]$/, '')}\n[cut here]`;
}
