/** A table of text for a terminal: columns as wide as their widest cell, the first of them shortened where it must be. */

import stringWidth from 'string-width';
import { padded, shortened, type Paint } from './terminal.js';

export interface Column {
  title: string;
  align: 'left' | 'right';
}

const kGap = 2;
// A first column that is narrower says nothing.
const kNarrowest = 12;

/** The lines of a table. A row that is undefined gives a rule. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[] | undefined)[],
  width: number,
  paint: Paint,
): string[] {
  const widths = columns.map(({ title }, i) =>
    Math.max(stringWidth(title), ...rows.map((row) => (row === undefined ? 0 : stringWidth(row[i]!)))),
  );
  const rest = widths.slice(1).reduce((sum, each) => sum + each + kGap, 0);
  widths[0] = Math.min(widths[0]!, Math.max(kNarrowest, width - rest));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => padded(shortened(cell, widths[i]!), widths[i]!, columns[i]!.align))
      .join(' '.repeat(kGap))
      .trimEnd();
  const rule = '-'.repeat(widths[0]! + rest);
  return [
    paint('bold', line(columns.map(({ title }) => title))),
    paint('dim', rule),
    ...rows.map((row) => (row === undefined ? paint('dim', rule) : line(row))),
  ];
}
