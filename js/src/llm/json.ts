/**
 * Reading of JSON that nobody vouched for. It checks shapes, not meanings. Partners: `complaint.ts`, `openai.ts`, `anthropic.ts`.
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

/** The value as JSON; undefined for what cannot be written, such as what is nested so deep that only reading works. */
export function written(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
