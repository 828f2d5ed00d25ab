/**
 * The program: documents in, a digest of each and one of all out. Structured: the run is a scope, a document is a child
 * of it, a section a child of its document. Documents that come first have the higher priority, so that they finish early
 * instead of all at the end. What is finished is written into the Digest at once: a run that is cancelled or fails leaves
 * there what it had. Partners: questions.ts, which makes the calls; report.ts, which reads the Digest.
 */

import { CancellationError, type Context, type Runtime } from 'heddle';
import type { Document } from './documents.js';
import {
  categoryOf,
  classifyQuestion,
  combineQuestion,
  overallQuestion,
  summariseQuestion,
  type Category,
} from './prompts.js';
import { Questions } from './questions.js';
import type { Section } from './sections.js';

export interface SectionDigest {
  section: Section;
  category?: Category;
  summary?: string;
  /** Why one of the two is missing. */
  error?: Error;
}

export interface DocumentDigest {
  path: string;
  sections: SectionDigest[];
  summary?: string;
  /** Why there is no summary. */
  error?: Error;
  /** On the runtime's clock, once nothing is left to do for it. */
  finishedAt?: number;
}

export interface Digest {
  documents: DocumentDigest[];
  overall?: string;
  overallError?: Error;
  questions?: Questions;
  startedAt: number;
  endedAt?: number;
}

/** A digest in which nothing is done yet; `startedAt` is on the runtime's clock. */
export function newDigest(documents: readonly Document[], startedAt: number): Digest {
  return {
    documents: documents.map(({ path, sections }) => ({ path, sections: sections.map((section) => ({ section })) })),
    startedAt,
  };
}

export interface RunOptions {
  /** Cancels the run. */
  signal?: AbortSignal | undefined;
  /** Called when a document is finished. */
  onDocument?: ((document: DocumentDigest) => void) | undefined;
}

/**
 * Fills a digest. A failed call costs its section, or the summary that it was for, and nothing else. Rejects when the run
 * was cancelled, and when it makes no sense to go on (the key is refused, the server is not there).
 */
export async function runDigest(rt: Runtime, digest: Digest, { signal, onDocument }: RunOptions = {}): Promise<void> {
  try {
    await rt.scope(
      async (s) => {
        const questions = (digest.questions = new Questions(s));
        const tasks = digest.documents.map((document, i) =>
          s.submit(
            async (ctx) => {
              await digestDocument(ctx, document, questions);
              document.finishedAt = ctx.now();
              onDocument?.(document);
            },
            { name: document.path, priority: digest.documents.length - i },
          ),
        );
        await s.awaitAll(tasks);
        const parts = digest.documents.flatMap(({ path, summary }) =>
          summary === undefined ? [] : [{ path, summary }],
        );
        // With one document there is nothing to combine.
        if (parts.length < 2) {
          if (parts[0] !== undefined) digest.overall = parts[0].summary;
          return;
        }
        const overall = await settled(questions.ask(s, overallQuestion(parts)));
        if ('value' in overall) digest.overall = overall.value;
        else digest.overallError = overall.error;
      },
      { signal, name: 'digest' },
    );
  } finally {
    digest.endedAt = rt.clock.now();
  }
}

async function digestDocument(ctx: Context, document: DocumentDigest, questions: Questions): Promise<void> {
  const tasks = document.sections.map((section) =>
    ctx.submit((own) => digestSection(own, document.path, section, questions), { name: section.section.title }),
  );
  await ctx.awaitAll(tasks);
  const parts = document.sections.flatMap(({ section: { title }, summary }) =>
    summary === undefined ? [] : [{ title, summary }],
  );
  if (parts.length === 0) {
    if (document.sections.length > 0) document.error = new Error('none of its sections could be summarised');
    return;
  }
  // The summary of a single section is the document's.
  if (document.sections.length === 1) {
    document.summary = parts[0]!.summary;
    return;
  }
  const combined = await settled(questions.ask(ctx, combineQuestion(document.path, parts)));
  if ('value' in combined) document.summary = combined.value;
  else document.error = combined.error;
}

async function digestSection(ctx: Context, path: string, digest: SectionDigest, questions: Questions): Promise<void> {
  const { section } = digest;
  const classify = ctx.submit((own) => settled(questions.ask(own, classifyQuestion(path, section))));
  const summarise = ctx.submit((own) => settled(questions.ask(own, summariseQuestion(path, section))));
  const [category, summary] = await ctx.awaitAll([classify, summarise]);
  if ('value' in category) digest.category = categoryOf(category.value);
  else digest.error = category.error;
  if ('value' in summary) digest.summary = summary.value;
  else digest.error = summary.error;
}

// A failure becomes a value; a cancellation does not.
async function settled<T>(work: Promise<T>): Promise<{ value: T } | { error: Error }> {
  try {
    return { value: await work };
  } catch (error) {
    if (error instanceof CancellationError) throw error;
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}
