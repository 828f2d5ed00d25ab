/**
 * Keeps secrets out of text that a server chose: some echo the key they were sent. Invariant: whatever a redactor
 * returns holds no secret it was made with, neither as sent nor as JSON or a URL would spell it. Redact before
 * shortening, or half a key survives the cut. It does not look for secrets it was not told. Partner: `failure.ts`.
 */

const kMark = '[redacted]';

// A key this short ("none", "test", for a server that needs none) is likely to be part of ordinary words.
const kWholeWordBelow = 8;

function spellings(secret: string): string[] {
  const all = new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  return [...all];
}

/** A function that replaces every one of the secrets in a text. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const patterns = secrets
    .filter((secret) => secret !== '')
    .flatMap(spellings)
    // The longest first: one secret may be a part of another.
    .sort((a, b) => b.length - a.length)
    .map((spelling) => {
      const literal = spelling.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
      const edge = spelling.length < kWholeWordBelow;
      return new RegExp(edge ? `(?<![A-Za-z0-9_])${literal}(?![A-Za-z0-9_])` : literal, 'gi');
    });
  return (text) => patterns.reduce((rest, pattern) => rest.replace(pattern, kMark), text);
}

/** Values of the headers that a user added for authentication, with and without their scheme word. */
export function secretHeaders(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers)
    .filter(([name]) => /auth|key|token|secret|cookie/i.test(name))
    .flatMap(([, value]) => [value, value.slice(value.indexOf(' ') + 1)]);
}
