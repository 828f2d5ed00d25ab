/** The form that stands at a place of a program's text, for errors. */

import type { LispPosition } from '../errors.js';

/** A program's text under the name that positions give it. */
export interface ProgramText {
  readonly file: string;
  readonly source: string;
}

const longest = 200;
// What parentheses may stand in without meaning any, and the parentheses.
const tokens = /;[^\n]*|#\|[\s\S]*?\|#|"(?:\\[\s\S]|[^"\\])*"|\|(?:\\[\s\S]|[^|\\])*\||#\\[\s\S]|[()]|[^\s()";|]+/g;

/** Its text, blanks made one and the end left out where it is long; undefined where the place is not in the text. */
export function formAt({ file, source }: ProgramText, position: LispPosition): string | undefined {
  if (position.file !== file) return undefined;
  const from = offsetOf(source, position);
  if (from === undefined) return undefined;
  // Blanks may be many; a form that needs more than this is cut.
  const text = source.slice(from, from + 20 * longest);
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === '(') depth++;
    else if (token === ')') depth--;
    if (depth <= 0 && !token.startsWith(';')) return shortened(text.slice(0, index + token.length));
  }
  return text === '' ? undefined : shortened(text, true);
}

// Lines end as the reader of the core has it; columns count characters.
function offsetOf(source: string, { line, column }: LispPosition): number | undefined {
  let start = 0;
  const ends = /\r\n?|\n/g;
  for (let at = 1; at < line; at++) {
    const end = ends.exec(source);
    if (end === null) return undefined;
    start = end.index + end[0].length;
  }
  for (let at = 1; at < column; at++) {
    const character = source.codePointAt(start);
    if (character === undefined) return undefined;
    start += character > 0xffff ? 2 : 1;
  }
  return start;
}

function shortened(form: string, isCut = false): string {
  const text = form.trim().replace(/\s+/g, ' ');
  return isCut || text.length > longest ? `${text.slice(0, longest)}...` : text;
}
