/**
 * What a terminal shows of a text: its width, its colours, and nothing that could steer it. Colours are on where the
 * stream is a terminal that has them and NO_COLOR, FORCE_COLOR and the like do not say otherwise; Node knows
 * (tty.WriteStream.hasColors).
 */

import stringWidth from 'string-width';

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type Style = keyof typeof codes;
export type Paint = (style: Style, text: string) => string;

/** A function that colours a text for a stream, or leaves it as it is. */
export function paintFor(stream: NodeJS.WritableStream & { hasColors?: () => boolean }): Paint {
  if (stream.hasColors?.() !== true) return (_style, text) => text;
  return (style, text) => `\u001B[${codes[style][0]}m${text}\u001B[${codes[style][1]}m`;
}

/** The text in one line without control characters: names of files and answers of models are not ours. */
export function printable(text: string): string {
  // Format characters can turn the direction of what follows.
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu, ' ').trim();
}

/** The text, cut to `width` columns. */
export function shortened(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let short = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += stringWidth(segment);
    if (used > width - 3) break;
    short += segment;
  }
  return `${short}...`.slice(0, Math.max(width, 0));
}

/** The text with spaces up to `width` columns, before it or after it. */
export function padded(text: string, width: number, side: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return side === 'left' ? text + space : space + text;
}

/** The text in lines of at most `width` columns, broken at spaces. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1)!;
    if (line === '') lines[lines.length - 1] = word;
    else if (stringWidth(line) + 1 + stringWidth(word) <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
