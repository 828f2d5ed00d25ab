/**
 * `heddle repl`: reads forms, evaluates them in one top level, prints their values as `write` does. An error is shown and the
 * session goes on. Ctrl-C cancels the evaluation that runs, or drops what was typed; Ctrl-D ends.
 *
 * Lines come in whenever they come (a terminal's keys must be read while an evaluation runs, or Ctrl-C would not be seen) and
 * wait in a queue; one evaluation runs at a time. Without a terminal there are no prompts and no history.
 */

import { createInterface, type Interface } from 'node:readline';
import { CancellationError } from '../errors.js';
import type { EvalOptions, WrittenOptions } from '../lisp/run-options.js';
import { createRuntime, type Runtime } from '../runtime.js';
import type { Task } from '../task.js';
import type { ReplArguments } from './arguments.js';
import { complaint } from './complaint.js';
import { completionsOf } from './completion.js';
import { historyFile, historySize, readHistory, writeHistory } from './history.js';
import { chooseProvider } from './model.js';
import { nesting } from './nesting.js';

const prompt = 'heddle> ';

export async function repl(chosen: ReplArguments): Promise<number> {
  const provider = chooseProvider(chosen, process.env);
  const rt = await createRuntime({ provider, seed: chosen.seed, clock: chosen.virtual ? 'virtual' : 'real', deadlocks: 'open' });
  try {
    return await new Session(rt, process.stdin.isTTY === true && process.stdout.isTTY === true).run();
  } finally {
    await rt.close();
  }
}

class Session {
  readonly #rt: Runtime;
  readonly #isTerminal: boolean;
  readonly #lines: string[] = [];
  readonly #texts = new Map<string, string>();
  #more: (() => void) | undefined;
  #isOver = false;
  // What was typed of a form that is not whole yet.
  #typed = '';
  #count = 0;
  #task: Task<string | undefined> | undefined;
  #column = 0;

  constructor(rt: Runtime, isTerminal: boolean) {
    this.#rt = rt;
    this.#isTerminal = isTerminal;
  }

  async run(): Promise<number> {
    const file = historyFile(process.env);
    let history: string[] = this.#isTerminal ? readHistory(file) : [];
    const reader = createInterface({
      input: process.stdin,
      ...(this.#isTerminal
        ? { output: process.stdout, terminal: true, history, historySize, removeHistoryDuplicates: true, completer: (line: string) => completionsOf(line, this.#texts.values()) }
        : { terminal: false, crlfDelay: Infinity }),
    });
    reader.on('line', (line) => {
      this.#lines.push(line);
      this.#more?.();
    });
    reader.on('history', (lines) => (history = lines));
    reader.on('close', () => {
      this.#isOver = true;
      this.#more?.();
    });
    const interrupt = (): void => this.#interrupt(reader);
    if (this.#isTerminal) reader.on('SIGINT', interrupt);
    process.on('SIGINT', interrupt);
    if (this.#isTerminal) process.stdout.write('Heddle. Ctrl-C cancels an evaluation, Ctrl-D ends.\n');
    this.#ask(reader);
    try {
      for (let line = await this.#next(); line !== undefined; line = await this.#next()) {
        await this.#take(line);
        this.#ask(reader);
      }
    } finally {
      process.off('SIGINT', interrupt);
      reader.close();
      if (this.#isTerminal) writeHistory(file, history);
    }
    if (this.#isTerminal) process.stdout.write('\n');
    if (this.#typed.trim() === '') return 0;
    process.stderr.write('the input ends within a form\n');
    return 1;
  }

  #ask(reader: Interface): void {
    if (!this.#isTerminal || this.#isOver) return;
    const depth = nesting(this.#typed);
    reader.setPrompt(this.#typed === '' ? prompt : `${String(depth).padStart(prompt.length - 2, '.')}> `);
    reader.prompt();
  }

  /** The next line; undefined when there is none left. */
  async #next(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#more = resolve;
      });
    }
    return this.#lines.shift();
  }

  async #take(line: string): Promise<void> {
    const text = this.#typed === '' ? line : `${this.#typed}\n${line}`;
    if (text.trim() === '') return;
    if (this.#rt._completeness(text) === 'incomplete') {
      this.#typed = text;
      return;
    }
    this.#typed = '';
    await this.#evaluate(text);
  }

  async #evaluate(text: string): Promise<void> {
    const name = `repl-${++this.#count}`;
    this.#texts.set(name, text);
    const options: EvalOptions & WrittenOptions = { name, written: true, output: (piece) => this.#print(piece) };
    try {
      this.#task = this.#rt.eval<string | undefined>(text, options);
      const written = await this.#task.promise;
      this.#freshLine();
      if (written !== undefined) process.stdout.write(`${written}\n`);
    } catch (error) {
      this.#freshLine();
      const isOurs = error instanceof CancellationError && error.reason === 'interrupted';
      const lines = isOurs ? 'cancelled' : complaint(error, (file) => this.#texts.get(file));
      process.stderr.write(`${lines}\n`);
    } finally {
      this.#task = undefined;
    }
  }

  #print(piece: string): void {
    process.stdout.write(piece);
    this.#column = piece.endsWith('\n') ? 0 : 1;
  }

  // What a program printed may not have ended its line.
  #freshLine(): void {
    if (this.#column > 0) process.stdout.write('\n');
    this.#column = 0;
  }

  #interrupt(reader: Interface): void {
    if (this.#task !== undefined) {
      this.#rt.cancel(this.#task.id, 'interrupted');
      return;
    }
    if (!this.#isTerminal) process.exit(130);
    // Readline keeps what stands on its line.
    reader.write(null, { ctrl: true, name: 'u' });
    this.#typed = '';
    process.stdout.write('\n');
    this.#ask(reader);
  }
}
