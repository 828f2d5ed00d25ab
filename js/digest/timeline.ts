/**
 * The calls of a run as a picture: an SVG file with a row for each place in flight, a bar for each attempt, coloured by
 * how it ended, along an axis of seconds. A place is the lowest row that is free when the attempt begins, so there are as
 * many rows as attempts were ever under way at once. A pointer over a bar shows what was asked. Readable on a light and on
 * a dark ground; no script, no font of its own.
 */

import type { Attempt } from './attempts.js';
import type { Question } from './prompts.js';
import { printable } from './terminal.js';

export interface Timeline {
  title: string;
  /** One line below the title. */
  subtitle: string;
  attempts: readonly Attempt[];
  /** What a prompt was for. */
  questionOf(prompt: string): Question | undefined;
  startedAt: number;
  endedAt: number;
}

const kWidth = 1200;
const kLeft = 44;
const kRight = 24;
const kTop = 76;
const kRow = 24;
const kBar = 18;
const kAxis = 34;
const kLetter = 6.2; // about the width of a letter in a bar

const outcomes = [
  ['ok', 'answered'],
  ['retried', 'failed, to be tried again'],
  ['failed', 'failed for good'],
  ['cancelled', 'cancelled'],
] as const;

const style = `
  svg { color-scheme: light dark; --ground: #ffffff; --ink: #1c2128; --faint: #59636e; --line: #d8dee4;
    --ok: #2a6db0; --retried: #b07800; --failed: #c0303a; --cancelled: #6e7781; --on: #ffffff;
    font: 12px system-ui, sans-serif; }
  @media (prefers-color-scheme: dark) { svg { --ground: #14181d; --ink: #e6edf3; --faint: #9aa4af; --line: #2c343d;
    --ok: #6cabeb; --retried: #e0ac3a; --failed: #f0717a; --cancelled: #8b949e; --on: #10151a; } }
  .ground { fill: var(--ground); } text { fill: var(--ink); } .faint { fill: var(--faint); }
  .title { font-size: 16px; font-weight: 600; } line { stroke: var(--line); }
  .ok { fill: var(--ok); } .retried { fill: var(--retried); } .failed { fill: var(--failed); }
  .cancelled { fill: var(--cancelled); } .on { fill: var(--on); font-size: 11px; pointer-events: none; }`;

/** The picture, as the text of an SVG file. */
export function timelineSvg({ title, subtitle, attempts, questionOf, startedAt, endedAt }: Timeline): string {
  const span = Math.max(endedAt - startedAt, 1);
  const x = (at: number): number => kLeft + ((at - startedAt) / span) * (kWidth - kLeft - kRight);
  const { rows, rowOf } = assignRows(attempts);
  const bottom = kTop + rows * kRow;
  const height = bottom + kAxis;
  const ticks = ticksOf(span / 1000);
  const bars = attempts.map((attempt) => {
    const left = x(attempt.startedAt);
    const width = Math.max(x(attempt.endedAt) - left, 1);
    const top = kTop + rowOf.get(attempt)! * kRow + (kRow - kBar) / 2;
    const question = questionOf(attempt.prompt);
    const room = Math.floor((width - 8) / kLetter);
    const label = printable(question?.section ?? '');
    const short = label.length <= room ? label : [...label].slice(0, Math.max(room - 2, 0)).join('') + '..';
    const text =
      room < 5 ? '' : `<text class="on" x="${round(left + 4)}" y="${round(top + kBar - 5)}">${escaped(short)}</text>`;
    return (
      `<g><rect class="${attempt.outcome}" x="${round(left)}" y="${round(top)}" width="${round(width)}" height="${kBar}" rx="3">` +
      `<title>${escaped(tooltip(attempt, question, startedAt))}</title></rect>${text}</g>`
    );
  });
  let legendX = kLeft;
  const legend = outcomes.flatMap(([outcome, label]) => {
    const number = attempts.filter((attempt) => attempt.outcome === outcome).length;
    if (number === 0) return [];
    const text = `${label}: ${number}`;
    const entry = `<rect class="${outcome}" x="${legendX}" y="53" width="12" height="12" rx="2"/><text x="${legendX + 18}" y="63">${text}</text>`;
    legendX += 18 + Math.ceil(text.length * 6.6) + 22;
    return entry;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${kWidth} ${height}" width="${kWidth}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${style}\n</style>`,
    `<rect class="ground" width="${kWidth}" height="${height}"/>`,
    `<text class="title" x="${kLeft}" y="24">${escaped(title)}</text>`,
    `<text class="faint" x="${kLeft}" y="43">${escaped(subtitle)}</text>`,
    ...legend,
    ...ticks.map(({ at, label }) => {
      const left = round(x(startedAt + at * 1000));
      return `<line x1="${left}" y1="${kTop}" x2="${left}" y2="${bottom + 5}"/><text class="faint" x="${left}" y="${bottom + 20}" text-anchor="middle">${label}</text>`;
    }),
    ...Array.from(
      { length: rows },
      (_, row) =>
        `<text class="faint" x="${kLeft - 10}" y="${kTop + row * kRow + 16}" text-anchor="end">${row + 1}</text>`,
    ),
    ...bars,
    '</svg>',
    '',
  ].join('\n');
}

function assignRows(attempts: readonly Attempt[]): { rows: number; rowOf: Map<Attempt, number> } {
  const freeAt: number[] = [];
  const rowOf = new Map<Attempt, number>();
  for (const attempt of [...attempts].sort((a, b) => a.startedAt - b.startedAt)) {
    const free = freeAt.findIndex((at) => at <= attempt.startedAt);
    const row = free === -1 ? freeAt.length : free;
    freeAt[row] = attempt.endedAt;
    rowOf.set(attempt, row);
  }
  return { rows: freeAt.length, rowOf };
}

// Round steps, about eight of them.
function ticksOf(span: number): { at: number; label: string }[] {
  const power = 10 ** Math.floor(Math.log10(span / 8));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => span / each <= 10)!;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return Array.from({ length: Math.floor(span / step + 1e-9) + 1 }, (_, i) => ({
    at: i * step,
    label: `${(i * step).toFixed(digits)} s`,
  }));
}

function tooltip(
  { startedAt, endedAt, outcome, message }: Attempt,
  question: Question | undefined,
  zero: number,
): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  const times = `${seconds(startedAt - zero)} to ${seconds(endedAt - zero)} s (${seconds(endedAt - startedAt)} s)`;
  const label = outcomes.find(([name]) => name === outcome)?.[1] ?? outcome;
  const what = question === undefined ? [] : [`${question.document} > ${question.section}`, question.purpose];
  return [...what, times, label, ...(message === undefined ? [] : [message])].map(printable).join('\n');
}

function round(number: number): string {
  return String(Math.round(number * 10) / 10);
}

// What XML 1.0 does not allow at all, lone surrogates among them, becomes the replacement character.
const kForbidden = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

function escaped(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(kForbidden, '\uFFFD').replace(/[&<>"]/g, (letter) => entities[letter]!);
}
