/**
 * What a run shows while it goes on. On a terminal a few lines that are redrawn in place: the documents under way, tasks
 * running and waiting, calls in flight, retried, tokens. Elsewhere a plain line for each document, and one now and then.
 * It only looks; it never keeps the process alive. Partner: main.ts.
 */

import { clearScreenDown, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';
import type { Runtime } from 'heddle';
import type { AttemptLog } from './attempts.js';
import type { Digest, DocumentDigest } from './digest.js';
import { count, doneSections, seconds, stateOf } from './report.js';
import { padded, paintFor, printable, shortened, type Paint } from './terminal.js';

const kRedrawMs = 100;
const kPlainMs = 5000;
const kMostDocuments = 8;
const kBarWidth = 24;

export interface Progress {
  /** A document is finished. */
  finished(document: DocumentDigest): void;
  /** A line that stays. */
  note(text: string): void;
  /** Shows nothing any more; lines that were redrawn are gone. */
  stop(): void;
}

/** Begins to show a run on a stream. */
export function showProgress(stream: NodeJS.WriteStream, rt: Runtime, digest: Digest, log: AttemptLog): Progress {
  const facts = new Facts(rt, digest, log);
  return stream.isTTY ? new LiveProgress(stream, facts) : new PlainProgress(stream, facts);
}

class Facts {
  constructor(
    private readonly rt: Runtime,
    readonly digest: Digest,
    private readonly log: AttemptLog,
  ) {}

  elapsed(): string {
    return seconds(this.rt.clock.now() - this.digest.startedAt);
  }

  documents(): string {
    const { documents } = this.digest;
    const sections = documents.flatMap((document) => document.sections).length;
    const done = documents.reduce((sum, document) => sum + doneSections(document), 0);
    const finished = documents.filter(({ finishedAt }) => finishedAt !== undefined).length;
    return `${finished} of ${documents.length} documents, ${done} of ${sections} sections`;
  }

  tasks(): string {
    const { runningTasks, suspendedTasks, pendingTasks } = this.rt.getStats();
    return `tasks: ${runningTasks} running, ${suspendedTasks + pendingTasks} waiting`;
  }

  calls(): string {
    const { concurrentLLMCalls, waitingLLMCalls, backoffLLMCalls } = this.rt.getStats();
    const waiting = waitingLLMCalls + backoffLLMCalls;
    return `calls: ${concurrentLLMCalls} in flight, ${waiting} waiting, ${this.#retried()} retried; ${count(this.#tokens())} tokens`;
  }

  #retried(): number {
    return this.log.attempts.filter(({ outcome }) => outcome === 'retried').length;
  }

  #tokens(): number {
    const asked = this.digest.questions?.asked ?? [];
    return asked.reduce(
      (sum, { result }) => sum + (result === undefined ? 0 : result.usage.inputTokens + result.usage.outputTokens),
      0,
    );
  }
}

class PlainProgress implements Progress {
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly facts: Facts,
  ) {
    const line = (): string => `${facts.elapsed()}: ${facts.documents()}; ${facts.tasks()}; ${facts.calls()}`;
    this.#timer = setInterval(() => this.note(line()), kPlainMs).unref();
  }

  finished(document: DocumentDigest): void {
    this.note(`${this.facts.elapsed()}: ${sentence(document)}`);
  }

  note(text: string): void {
    this.stream.write(`${text}\n`);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

class LiveProgress implements Progress {
  readonly #timer: NodeJS.Timeout;
  readonly #paint: Paint;
  #drawn = 0;
  #stopped = false;

  constructor(
    private readonly stream: WriteStream,
    private readonly facts: Facts,
  ) {
    this.#paint = paintFor(stream);
    this.#timer = setInterval(() => this.#draw(), kRedrawMs).unref();
    this.#draw();
  }

  finished(document: DocumentDigest): void {
    this.note(`${this.facts.elapsed()}: ${sentence(document)}`);
  }

  note(text: string): void {
    this.#erase();
    this.stream.write(`${text}\n`);
    this.#draw();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#erase();
  }

  #draw(): void {
    if (this.#stopped) return;
    const { digest } = this.facts;
    // The last column stays empty: some terminals break the line there.
    const width = (this.stream.columns || 80) - 1;
    const open = digest.documents.filter(({ finishedAt }) => finishedAt === undefined);
    // A terminal that is too low would scroll, and lines that scrolled cannot be redrawn.
    const room = Math.max(0, Math.min(kMostDocuments, (this.stream.rows || 24) - 5));
    const shown = open.slice(0, room);
    const names = Math.min(40, Math.max(0, ...shown.map(({ path }) => path.length)));
    const lines = [
      this.#paint('bold', shortened(`${this.facts.elapsed()}: ${this.facts.documents()}`, width)),
      shortened(this.facts.tasks(), width),
      shortened(this.facts.calls(), width),
      ...shown.map((document) => this.#document(document, names, width)),
    ];
    if (open.length > shown.length && shown.length > 0)
      lines.push(shortened(`  and ${open.length - shown.length} more`, width));
    this.#erase();
    this.stream.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  #document(document: DocumentDigest, names: number, width: number): string {
    const total = document.sections.length;
    const done = doneSections(document);
    const filled = total === 0 ? 0 : Math.floor((done / total) * kBarWidth);
    const name = padded(shortened(printable(document.path), names), names, 'left');
    const plain = shortened(
      `  ${name}  ${'#'.repeat(filled)}${'.'.repeat(kBarWidth - filled)}  ${done}/${total}`,
      width,
    );
    return this.#paint('cyan', plain);
  }

  #erase(): void {
    if (this.#drawn === 0) return;
    moveCursor(this.stream, -(this.stream.columns || 80), -this.#drawn);
    clearScreenDown(this.stream);
    this.#drawn = 0;
  }
}

function sentence(document: DocumentDigest): string {
  if (document.sections.length === 0) return `${printable(document.path)} has no sections`;
  return `${printable(document.path)} is ${stateOf(document)}, ${doneSections(document)} of ${document.sections.length} sections`;
}
