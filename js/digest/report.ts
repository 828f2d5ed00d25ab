/** What a run prints at its end: a table with a row a document, the failures, the digests, the totals; or all as JSON. */

import type { Attempt } from './attempts.js';
import type { Digest, DocumentDigest } from './digest.js';
import { tableLines, type Column } from './table.js';
import { printable, shortened, wrapped, type Paint } from './terminal.js';
import { totalsOf, type Totals } from './totals.js';

export interface Report {
  digest: Digest;
  attempts: readonly Attempt[];
  /** On the runtime's clock, when it all was over. */
  now: number;
  /** Where the timeline is, as the user may write it. */
  timeline: string;
  /** Who answered, in a few words. */
  provider: string;
  interrupted: boolean;
  virtual: boolean;
}

// A run in which everything fails must not fill the screen.
const kMostFailures = 20;

const columns: Column[] = [
  { title: 'Document', align: 'left' },
  { title: 'Sections', align: 'right' },
  { title: 'Mostly', align: 'left' },
  { title: 'Calls', align: 'right' },
  { title: 'Retries', align: 'right' },
  { title: 'Tokens', align: 'right' },
  { title: 'State', align: 'left' },
];

const stateStyles = { done: 'green', partly: 'yellow', failed: 'red', cancelled: 'dim' } as const;

/** The report as lines of at most `width` columns (addresses and single words aside). */
export function reportLines(report: Report, width: number, paint: Paint): string[] {
  const { digest, attempts, now } = report;
  const totals = totalsOf(digest, attempts, now);
  const rows = digest.documents.map((document) => {
    const { calls, retries, inputTokens, outputTokens } = totalsOf(digest, attempts, now, document.path);
    return [
      printable(document.path),
      `${doneSections(document)}/${document.sections.length}`,
      mostFrequent(document) ?? '-',
      count(calls),
      count(retries),
      count(inputTokens + outputTokens),
      paint(stateStyles[stateOf(document)], stateText(document, digest)),
    ];
  });
  const sections = digest.documents.reduce((sum, { sections }) => sum + sections.length, 0);
  const done = digest.documents.reduce((sum, document) => sum + doneSections(document), 0);
  const tokens = totals.inputTokens + totals.outputTokens;
  const last = ['Total', `${done}/${sections}`, '', count(totals.calls), count(totals.retries), count(tokens), ''];
  return [
    ...tableLines(columns, [...rows, undefined, last], width, paint),
    ...failureLines(digest, width, paint),
    '',
    ...digestLines(digest, width, paint),
    ...totalLines(report, totals),
    `Timeline: ${report.timeline}`,
  ];
}

/** The report as a value for JSON. */
export function reportValue({ digest, attempts, now, timeline, provider, interrupted, virtual }: Report): unknown {
  return {
    provider,
    interrupted,
    virtual,
    documents: digest.documents.map((document) => {
      const { calls, retries, inputTokens, outputTokens } = totalsOf(digest, attempts, now, document.path);
      return {
        path: document.path,
        state: stateOf(document),
        summary: document.summary,
        error: document.error?.message,
        finishedMs: document.finishedAt === undefined ? undefined : document.finishedAt - digest.startedAt,
        calls,
        retries,
        inputTokens,
        outputTokens,
        sections: document.sections.map(({ section, category, summary, error }) => ({
          title: section.title,
          category,
          summary,
          error: error?.message,
        })),
      };
    }),
    overall: digest.overall,
    overallError: digest.overallError?.message,
    totals: totalsOf(digest, attempts, now),
    timeline,
  };
}

/** Whether everything that was asked for is there. */
export function isComplete(digest: Digest): boolean {
  return digest.overallError === undefined && digest.documents.every((document) => stateOf(document) === 'done');
}

/** How far a document came. */
export function stateOf(document: DocumentDigest): 'done' | 'partly' | 'failed' | 'cancelled' {
  if (document.finishedAt === undefined) return 'cancelled';
  if (document.error !== undefined) return 'failed';
  return document.sections.some(({ error }) => error !== undefined) ? 'partly' : 'done';
}

/** Sections that have all that was asked for. */
export function doneSections({ sections }: DocumentDigest): number {
  return sections.filter(({ category, summary }) => category !== undefined && summary !== undefined).length;
}

/** 1234567 -> 1,234,567. */
export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}

/** Milliseconds as seconds. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function plural(number: number, one: string, more: string): string {
  return `${count(number)} ${number === 1 ? one : more}`;
}

function stateText(document: DocumentDigest, digest: Digest): string {
  const state = stateOf(document);
  return document.finishedAt === undefined ? state : `${state} at ${seconds(document.finishedAt - digest.startedAt)}`;
}

function mostFrequent({ sections }: DocumentDigest): string | undefined {
  const counts = new Map<string, number>();
  for (const { category } of sections) {
    if (category !== undefined) counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function failureLines({ documents, overallError }: Digest, width: number, paint: Paint): string[] {
  const failures = documents.flatMap(({ path, sections, error }) => [
    ...sections.flatMap((each) =>
      each.error === undefined ? [] : [{ where: `${path} > ${each.section.title}`, error: each.error }],
    ),
    ...(error === undefined ? [] : [{ where: path, error }]),
  ]);
  if (overallError !== undefined) failures.push({ where: 'Overall', error: overallError });
  if (failures.length === 0) return [];
  const lines = failures.slice(0, kMostFailures).map(({ where, error }) => {
    const text = printable(`${where}: ${error.message}`);
    return paint('red', shortened(`  ${text}`, Math.max(width, 160)));
  });
  const more = failures.length - lines.length;
  return ['', paint('bold', 'Failed'), ...lines, ...(more > 0 ? [`  and ${more} more`] : [])];
}

function digestLines({ documents, overall }: Digest, width: number, paint: Paint): string[] {
  const lines: string[] = [];
  const add = (title: string, text: string): void => {
    lines.push(paint('bold', printable(title)), ...wrapped(printable(text), width - 2).map((line) => `  ${line}`));
  };
  for (const { path, summary } of documents) {
    if (summary !== undefined) add(path, summary);
  }
  if (overall !== undefined) add('Overall', overall);
  return lines.length === 0 ? [] : [...lines, ''];
}

function totalLines({ digest, provider, virtual }: Report, totals: Totals): string[] {
  const finished = digest.documents.filter(({ finishedAt }) => finishedAt !== undefined).length;
  const estimate = totals.tokensAreExact ? '' : ', estimated in part';
  const time = virtual ? 'virtual wall time' : 'wall time';
  return [
    `${finished} of ${digest.documents.length} documents finished, by ${provider}.`,
    `${plural(totals.calls, 'call', 'calls')} in ${plural(totals.attempts, 'request', 'requests')}: ` +
      `${plural(totals.retries, 'retry', 'retries')}, ${count(totals.failed)} failed for good; ` +
      `${plural(totals.repeated, 'repeated question was', 'repeated questions were')} not asked again.`,
    `${count(totals.inputTokens)} tokens in, ${count(totals.outputTokens)} out${estimate}.`,
    `${seconds(totals.wallMs)} of ${time} for ${seconds(totals.callMs)} of calls: an overlap of ${totals.overlap.toFixed(1)}, ` +
      `at most ${totals.mostInFlight} in flight.`,
  ];
}
