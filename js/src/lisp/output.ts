/** Where programs print unless they are told: the process's standard output, or the console, which knows whole lines only. */

interface Process {
  stdout?: { write?: (text: string) => unknown };
}

let line = '';

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
