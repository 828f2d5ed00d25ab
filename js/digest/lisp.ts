/**
 * `npm start -- program.scm`: runs a program of Lisp in the digest's place, with the folder's documents at hand. The program
 * prints its report itself; progress goes to standard error. Partner: digest.scm, the digest in Lisp.
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CancellationError, lispTrace, type Runtime } from 'heddle';
import type { Document } from './documents.js';
import { printable } from './terminal.js';
import { UsageError } from './usage-error.js';

export const isLispFile = (name: string): boolean => name.endsWith('.scm');

export async function readProgram(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}.`);
  }
}

/** Runs it to its end. True if it completed; an error of its own is told on standard error. Rejects when it was cancelled. */
export async function runProgram(rt: Runtime, file: string, source: string, documents: readonly Document[], signal: AbortSignal): Promise<boolean> {
  rt.define('read-documents', () => documents.map(({ path: name, sections }) => ({ path: name, sections: sections.map(({ title, text }) => ({ title, text })) })));
  rt.define('progress', (text: unknown) => void process.stderr.write(`${printable(String(text))}\n`));
  try {
    await rt.run(source, { name: path.relative('', path.resolve(file)) || file, signal, output: (text) => void process.stdout.write(text) }).promise;
    await rt.onIdle();
    return true;
  } catch (error) {
    if (signal.aborted || error instanceof CancellationError) throw error;
    const position = lispTrace(error)?.position;
    const place = position === undefined ? '' : `${position.file}:${position.line}:${position.column}: `;
    const { message } = error as Error;
    process.stderr.write(`error: ${message.startsWith(place) ? message : place + message}\n`);
    return false;
  }
}
