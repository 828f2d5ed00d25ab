/**
 * Reading of JSON that nobody vouched for. It checks shapes, not meanings. Partners: `openai.ts`, `anthropic.ts`.
 */

/** Parses a text as a JSON object. Throws SyntaxError for everything else. */
export function parseObject(text: string): Record<string, unknown> {
  return objectOf(JSON.parse(text));
}

/** The value where it is an object. Throws SyntaxError for everything else. */
export function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('not an object');
  return value as Record<string, unknown>;
}

/** The value where it is a non-empty string, else `otherwise`. */
export function wordOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}
