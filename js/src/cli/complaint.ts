/** An error of a program for people: where, what, the line with a caret under the place, and the calls that led there. */

import { HeddleError } from '../errors.js';
import { lispTrace } from '../lisp/conditions.js';

const widestLine = 160;
const mostFrames = 20;

/** The lines; `textOf` gives the text of a file by the name that the program has it under, where it is known. */
export function complaint(error: unknown, textOf: (file: string) => string | undefined): string {
  const { position, backtrace = [] } = lispTrace(error) ?? {};
  const message = messageOf(error);
  const place = position === undefined ? '' : `${position.file}:${position.line}:${position.column}: `;
  const lines = [message.startsWith(place) ? message : `${place}${message}`];
  if (position !== undefined) lines.push(...excerpt(textOf(position.file), position.line, position.column));
  for (const { file, line, column, procedure } of backtrace.slice(0, mostFrames)) {
    lines.push(`  at ${file}:${line}:${column}${procedure === undefined ? '' : ` (${procedure})`}`);
  }
  if (backtrace.length > mostFrames) lines.push(`  and ${backtrace.length - mostFrames} more`);
  if (error instanceof Error && error.cause instanceof Error && !message.includes(error.cause.message)) lines.push(`  cause: ${error.cause.message}`);
  return lines.map(visible).join('\n');
}

function messageOf(error: unknown): string {
  if (error instanceof HeddleError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function excerpt(text: string | undefined, line: number, column: number): string[] {
  const source = text?.split(/\r\n?|\n/)[line - 1];
  if (source === undefined || source.trim() === '') return [];
  const characters = [...source];
  // A long line is shown around the place.
  const from = column > widestLine - 20 ? column - 60 : 0;
  const shown = characters.slice(from, from + widestLine);
  const number = String(line);
  const indent = shown.slice(0, Math.max(0, column - 1 - from)).map(blankFor).join('');
  return [`  ${number} | ${shown.join('')}`, `  ${' '.repeat(number.length)} | ${indent}^`];
}

// The caret stands where a terminal shows the character: a tab stays one, wide characters (Unicode Standard Annex 11) take
// two columns, and combining ones none.
function blankFor(character: string): string {
  if (character === '\t') return '\t';
  if (/[\p{Mn}\p{Me}\u200B-\u200D\uFE00-\uFE0F]/u.test(character)) return '';
  return wide.test(character) ? '  ' : ' ';
}

const wide = /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u;

// What a program's text and messages hold must not steer a terminal.
function visible(text: string): string {
  return text.replace(/[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, (character) => (character === '\t' || character === '\n' ? character : '\ufffd'));
}
