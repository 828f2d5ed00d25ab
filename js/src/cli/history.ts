/** The lines that were typed in earlier sessions, newest first as readline has them: a file of the user's, readable to nobody
 * else. A home that cannot be written costs the history and nothing else. */

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Lines that are kept, the newest. */
export const historySize = 1000;

/** `$XDG_STATE_HOME/heddle/history` where that is set, else `~/.heddle_history`. */
export function historyFile(env: Readonly<Record<string, string | undefined>>): string {
  const state = env['XDG_STATE_HOME'];
  return state ? path.join(state, 'heddle', 'history') : path.join(env['HOME'] || os.homedir(), '.heddle_history');
}

/** The lines of that file, newest first; none where it cannot be read. */
export function readHistory(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean).slice(-historySize).reverse();
  } catch {
    return [];
  }
}

/** Replaces what the file has by these lines, newest first. Never throws. */
export function writeHistory(file: string, history: readonly string[]): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    const lines = history.slice(0, historySize).map((line) => line.replace(/[\r\n]+/g, ' '));
    writeFileSync(file, `${lines.reverse().join('\n')}\n`, { mode: 0o600 });
    // The mode above is that of a new file.
    chmodSync(file, 0o600);
  } catch {
    // See above.
  }
}
