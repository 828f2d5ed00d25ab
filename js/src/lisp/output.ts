/**
 * Where programs print unless they are told: the process's standard output, or the console, which knows whole lines only:
 * there a line without its end waits for it, or for the end of the program.
 */

interface Process {
  stdout?: { write?: (text: string) => unknown };
}

let line = '';

/** Prints a text as it comes. */
export function write(text: string): void {
  const { process } = globalThis as { process?: Process };
  if (typeof process?.stdout?.write === 'function') {
    process.stdout.write(text);
    return;
  }
  const lines = (line + text).split('\n');
  line = lines.pop()!;
  if (lines.length > 0) console.log(lines.join('\n'));
}

/** Prints what waits for the end of its line: a program is over. */
export function flush(): void {
  if (line === '') return;
  console.log(line);
  line = '';
}
