/**
 * Plausible answers for the simulated provider: a word of the offered ones for a question that offers some, the first
 * sentence for a summary, the most frequent words for everything else. Invariant: a pure function of the prompt and the
 * draw it is given. It understands nothing; it makes demos readable without a key. Partner: `simulated.ts`.
 */

// A task is stated at one end of a prompt; looking no further also bounds the time that the patterns take.
const kHead = 400;
const kTail = 200;
const kLongestSentence = 240;

const kCommon = new Set(
  (
    'about after all also and any are because been but can could did does each for from had has have her him ' +
    'his how into its just like more most not now of one only or other our out over please should so some such ' +
    'than that the their them then there these they this those through too use very was were what when where ' +
    'which while who why will with would you your'
  ).split(' '),
);

// "one of: a, b, c"
const kListed =
  /\b(?:one of|labels|categories|options|choices)\b(?: (?:these|the following))?\s*:?\s*([^.?!\n]{3,200})/i;
// "a, b or c"; bounded, or a long list of words would take quadratic time.
const kJoined = /((?:["']?[\w-]{1,30}["']?, ?){0,12}["']?[\w-]{1,30}["']?,? or ["']?[\w-]{1,30}["']?)/i;

function split(list = ''): string[] {
  const words = list.split(/,|\/|\||\bor\b|\band\b/i);
  return words.map((word) => word.replace(/^[\s"'([]+|[\s"')\]:]+$/g, '')).filter((word) => word !== '');
}

/** The choices that a prompt offers: "positive, negative or neutral", "one of: a, b, c"; empty when it offers none. */
export function choicesOf(prompt: string): string[] {
  const ends = prompt.length <= kHead + kTail ? prompt : `${prompt.slice(0, kHead)}\n${prompt.slice(-kTail)}`;
  const listed = split(kListed.exec(ends)?.[1]?.split(':').at(-1));
  const joined = split(kJoined.exec(ends)?.[1]);
  const isChoice = (words: string[]): boolean => words.length > 1 && words.every((word) => word.split(' ').length <= 3);
  return [listed, joined].find(isChoice) ?? [];
}

/** The words of a text that say most about it, most frequent first, equal ones in the order of their first use. */
export function keywordsOf(text: string, count: number): string[] {
  const seen = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/\p{N}+|[\p{L}][\p{L}\p{N}'-]{2,}/gu)) {
    if (!kCommon.has(word)) seen.set(word, (seen.get(word) ?? 0) + 1);
  }
  return [...seen]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([word]) => word);
}

function materialOf(prompt: string): string {
  const start = prompt.search(/[:\n]/);
  const rest = start === -1 ? '' : prompt.slice(start + 1).trim();
  return rest.length > 20 ? rest : prompt.trim();
}

function firstSentence(text: string): string {
  const sentence = /^[^]*?[.!?](?=\s|$)/.exec(text.slice(0, kLongestSentence))?.[0] ?? text.slice(0, kLongestSentence);
  return sentence.replace(/\s+/g, ' ').trim();
}

/** An answer to a prompt. `draw` gives numbers of [0, 1). */
export function plausibleAnswer(prompt: string, draw: () => number): string {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(draw() * items.length)] as T;
  const task = prompt.slice(0, kHead);
  const choices = choicesOf(prompt);
  if (choices.length > 0) return pick(choices);
  if (/sentiment/i.test(task)) return pick(['positive', 'negative', 'neutral']);
  if (/^\s*(?:is|are|was|were|do|does|did|can|could|should|has|have|will)\b[^.]*\?\s*$/i.test(task))
    return pick(['Yes.', 'No.']);
  const material = materialOf(prompt);
  if (/summar|tl;dr|shorten|in (?:one|a) sentence/i.test(task)) return firstSentence(material);
  const words = keywordsOf(material, 3);
  if (/classif|categor|label|topic/i.test(task)) return words[0] ?? 'other';
  if (words.length === 0) return pick(['Understood.', 'Nothing to add.', 'Done.']);
  const listed = words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
  return pick([
    `In short, it comes down to ${listed}.`,
    `What matters most here: ${listed}.`,
    `The heart of it: ${listed}.`,
  ]);
}
