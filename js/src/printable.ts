/** Any value, a hostile one too, in a message. */
export function printable(value: unknown): string {
  try {
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  } catch {
    return typeof value;
  }
}

/** A value in the message of a refusal: short, and of an object or an array only that it is one. */
export function sketch(value: unknown): string {
  if (typeof value === 'string') return value.length > 60 ? `a string of ${value.length} characters` : JSON.stringify(value);
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? 'a function' : printable(value);
  return Array.isArray(value) ? 'an array' : 'an object';
}
