/**
 * The documents of a folder: every Markdown file in it and below, read whole and split in sections. Everything is read
 * before the first question is asked, so that a file that cannot be read costs no call. Folders whose name begins with a
 * dot, node_modules and links to folders are passed over.
 */

import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { splitSections, type Section } from './sections.js';
import { UsageError } from './usage-error.js';

export interface Document {
  /** Relative to the folder, with forward slashes. */
  path: string;
  sections: Section[];
}

/** Reads the documents of a folder, or the one document that `folder` itself is; files before subfolders, each by name.
 * Folders in `skipped`, absolute, are passed over. Throws a UsageError where there is nothing to read. */
export async function readDocuments(folder: string, skipped: readonly string[] = []): Promise<Document[]> {
  const status = await stat(folder).catch(() => undefined);
  if (status === undefined) throw new UsageError(`There is no folder ${folder}; name one that holds Markdown files.`);
  const isFile = status.isFile();
  const files = isFile ? [folder] : await markdownBelow(folder, skipped);
  if (files.length === 0)
    throw new UsageError(`There is no Markdown file (.md or .markdown) in ${folder} or below it.`);
  const base = isFile ? path.dirname(folder) : folder;
  return Promise.all(
    files.map(async (file) => ({
      path: path.relative(base, file).split(path.sep).join('/'),
      sections: splitSections(await attempted(file, readFile(file, 'utf8'))),
    })),
  );
}

async function markdownBelow(folder: string, skipped: readonly string[]): Promise<string[]> {
  const entries = await attempted(folder, readdir(folder, { withFileTypes: true }));
  // By code units: the same order in every locale.
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const files = entries
    .filter((entry) => !entry.isDirectory() && /\.(?:md|markdown)$/i.test(entry.name))
    .map((entry) => path.join(folder, entry.name));
  for (const entry of entries) {
    const below = path.join(folder, entry.name);
    if (!entry.isDirectory() || entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    if (!skipped.includes(path.resolve(below))) files.push(...(await markdownBelow(below, skipped)));
  }
  return files;
}

async function attempted<T>(name: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      EACCES: 'permission is denied',
      EISDIR: 'it is a folder',
      ELOOP: 'its links go in a circle',
      ENOENT: 'it is a link to nothing, or has just been removed',
    };
    throw new UsageError(`${name} cannot be read: ${reasons[code ?? ''] ?? message}.`);
  }
}
