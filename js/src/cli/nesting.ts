/**
 * How deep an unfinished text is nested, for the prompt. Whether it is finished says the reader of the core; this only counts
 * parentheses outside of strings, characters, symbols between bars and comments.
 */
export function nesting(text: string): number {
  const tokens = /;[^\n]*|#\|[\s\S]*?(?:\|#|$)|"(?:\\[\s\S]|[^"\\])*(?:"|$)|\|(?:\\[\s\S]|[^|\\])*(?:\||$)|#\\[\s\S]|[()[\]]/g;
  let depth = 0;
  for (const [token] of text.matchAll(tokens)) {
    if (token === '(' || token === '[') depth++;
    else if (token === ')' || token === ']') depth = Math.max(0, depth - 1);
  }
  return depth;
}
