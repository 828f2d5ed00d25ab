/**
 * The program that `npm start` runs: digests a folder of Markdown files. Progress goes to standard error, the result to
 * standard output. Exit code: 0 done, 1 something failed, 2 wrong use, 130 interrupted (143 by SIGTERM).
 *
 *   arguments.ts -> documents.ts (sections.ts) -> digest.ts (questions.ts, prompts.ts) -> report.ts, timeline.ts
 *                                              -> lisp.ts, where a program of Lisp is given (digest.scm)
 */

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRuntime, HeddleError, type Provider } from 'heddle';
import { help, readArguments, type Arguments } from './arguments.js';
import { AttemptLog } from './attempts.js';
import { newDigest, runDigest } from './digest.js';
import { readDocuments, type Document } from './documents.js';
import { showProgress } from './progress.js';
import { chooseProvider } from './providers.js';
import { isComplete, reportLines, reportValue, type Report } from './report.js';
import { readProgram, runProgram } from './lisp.js';
import { paintFor } from './terminal.js';
import { timelineSvg } from './timeline.js';
import { totalsOf } from './totals.js';
import { UsageError } from './usage-error.js';

// build/digest/main.js
const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const kWidestReport = 120;

async function main(args: string[]): Promise<number> {
  const chosen = readArguments(args);
  if (chosen.help) {
    process.stdout.write(help);
    return 0;
  }
  const { provider, label, description } = chooseProvider(chosen, process.env);
  if (chosen.virtual && provider.kind !== 'simulated') {
    throw new UsageError(
      '--virtual is for the simulated model, since a real one takes real time; add --provider simulated, or leave it out.',
    );
  }
  const source = chosen.program === undefined ? undefined : await readProgram(chosen.program);
  const folder = path.resolve(chosen.folder ?? repository);
  // In this repository, what is made is not its own, and what tests are fed with is no document.
  const documents = await readDocuments(
    folder,
    ['build', 'dist', 'tests/support'].map((name) => path.join(repository, name)),
  );
  if (source !== undefined) return runLisp(chosen, source, documents, provider, description);
  const out = path.resolve(chosen.out ?? path.join(repository, 'build/digest/out'));
  await mkdir(out, { recursive: true }).catch((error: Error) => {
    throw new UsageError(`The folder ${out} for the timeline cannot be made: ${error.message}.`);
  });

  const log = new AttemptLog(() => rt.clock.now());
  const rt = await createRuntime({
    provider: log.around(provider),
    maxConcurrentTasks: chosen.concurrency,
    maxConcurrentLLMCalls: chosen.llm,
    fairnessMode: 'priority',
    clock: chosen.virtual ? 'virtual' : 'real',
    seed: chosen.seed,
  });
  const digest = newDigest(documents, rt.clock.now());
  const interrupt = listenForSignals();
  process.stderr.write(`${description}\n`);
  const progress = showProgress(process.stderr, rt, digest, log);
  interrupt.signal.addEventListener('abort', () => progress.note('Cancelled; press Ctrl-C again to exit at once.'));
  let failure: unknown;
  try {
    await runDigest(rt, digest, { signal: interrupt.signal, onDocument: (document) => progress.finished(document) });
  } catch (error) {
    if (!interrupt.signal.aborted) failure = error;
  } finally {
    progress.stop();
    await rt.close();
  }
  const now = digest.endedAt!;
  const failed = digest.questions?.asked.filter(({ error }) => error !== undefined) ?? [];
  log.close(now, new Set(failed.map(({ question }) => question.prompt)));

  const interrupted = interrupt.signal.aborted;
  const timeline = path.join(out, 'timeline.svg');
  const report: Report = {
    digest,
    attempts: log.attempts,
    now,
    timeline: path.relative('', timeline) || timeline,
    provider: label,
    interrupted,
    virtual: chosen.virtual,
  };
  await writeFile(timeline, pictureOf(report, chosen.llm));
  print(report, chosen.json);
  interrupt.stop();
  if (failure !== undefined) process.stderr.write(`\nerror: ${messageOf(failure)}\n`);
  if (interrupted) return interrupt.exitCode();
  return failure === undefined && isComplete(digest) ? 0 : 1;
}

async function runLisp(chosen: Arguments, source: string, documents: readonly Document[], provider: Provider, description: string): Promise<number> {
  const rt = await createRuntime({
    provider,
    maxConcurrentTasks: chosen.concurrency,
    maxConcurrentLLMCalls: chosen.llm,
    clock: chosen.virtual ? 'virtual' : 'real',
    seed: chosen.seed,
  });
  const interrupt = listenForSignals();
  process.stderr.write(`${description}\n`);
  try {
    return (await runProgram(rt, chosen.program!, source, documents, interrupt.signal)) ? 0 : 1;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    return interrupt.exitCode();
  } finally {
    await rt.close();
    interrupt.stop();
  }
}

/** The first SIGINT or SIGTERM aborts a signal, the second one ends the process. */
function listenForSignals() {
  const controller = new AbortController();
  const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
  let code: number = exitCodes.SIGINT;
  const take = (name: keyof typeof exitCodes): void => {
    if (controller.signal.aborted) process.exit(exitCodes[name]);
    code = exitCodes[name];
    controller.abort(new Error(`interrupted by ${name}`));
  };
  const names = Object.keys(exitCodes) as (keyof typeof exitCodes)[];
  for (const name of names) process.on(name, take);
  return {
    signal: controller.signal,
    exitCode: () => code,
    stop: () => names.forEach((name) => process.off(name, take)),
  };
}

function pictureOf({ digest, attempts, now, provider }: Report, limit: number): string {
  const totals = totalsOf(digest, attempts, now);
  const questions = new Map(digest.questions?.asked.map(({ question }) => [question.prompt, question]));
  const wall = (totals.wallMs / 1000).toFixed(1);
  return timelineSvg({
    title: `${totals.calls} calls over ${digest.documents.length} documents`,
    subtitle:
      `${totals.attempts} requests to ${provider}, ${limit} at a time: ` +
      `${(totals.callMs / 1000).toFixed(1)} s of calls in ${wall} s, an overlap of ${totals.overlap.toFixed(1)}`,
    attempts,
    questionOf: (prompt) => questions.get(prompt),
    startedAt: digest.startedAt,
    endedAt: now,
  });
}

function print(report: Report, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(reportValue(report), undefined, 2)}\n`);
    return;
  }
  const { stdout } = process;
  const width = stdout.isTTY ? Math.min(stdout.columns || 80, kWidestReport) : kWidestReport;
  stdout.write(`\n${reportLines(report, width, paintFor(stdout)).join('\n')}\n`);
}

function messageOf(error: unknown): string {
  if (error instanceof HeddleError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

// A reader that has seen enough (`npm start | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`error: ${error instanceof UsageError ? error.message : messageOf(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
