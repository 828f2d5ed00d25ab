/**
 * A Markdown text, split where its headings are. Invariant: every character of the text but front matter belongs to
 * exactly one section, in order, so nothing is lost and nothing is asked about twice. Markdown is read by `marked`: a `#`
 * inside a block of code is no heading. Headings below kDeepest stay inside their section; a section that says nothing
 * under its heading is left out. It renders nothing.
 */

import { Lexer, type Token } from 'marked';

export interface Section {
  /** The heading as plain text; `(beginning)` for what stands before the first one. */
  title: string;
  /** The Markdown of it, heading included. */
  text: string;
}

const kDeepest = 3;
// YAML between two lines of dashes, at the very start; Markdown itself would read it as a heading.
const kFrontMatter = /^---[ \t]*\n(?:[^]*?\n)??(?:---|\.\.\.)[ \t]*(?:\n|$)/;

/** The sections of a text; none for an empty one. */
export function splitSections(markdown: string): Section[] {
  const source = markdown
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .replace(kFrontMatter, '');
  const sections: (Section & { says: boolean })[] = [];
  let current = { title: '(beginning)', text: '', says: false };
  for (const token of new Lexer().lex(source)) {
    if (token.type === 'heading' && token['depth'] <= kDeepest) {
      sections.push(current);
      current = { title: plainText(token).trim() || '(untitled)', text: token.raw, says: false };
      continue;
    }
    current.text += token.raw;
    // A comment or a rule between two headings is nothing to summarise.
    current.says ||= !['space', 'hr', 'def'].includes(token.type) && !/^\s*(?:<!--[^]*?-->\s*)*$/.test(token.raw);
  }
  sections.push(current);
  return sections.filter(({ says }) => says).map(({ title, text }) => ({ title, text: text.trim() }));
}

/** A token's text without Markdown's marks. */
export function plainText(token: Token): string {
  if (token.type === 'html') return '';
  const inside: readonly Token[] | undefined = 'tokens' in token ? token.tokens : undefined;
  if (inside !== undefined) return inside.map(plainText).join('');
  return 'text' in token ? String(token.text) : '';
}
