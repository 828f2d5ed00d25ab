/**
 * What the dialects of the test server share: the shape of an event, text out of content, arguments of a tool in
 * several deltas. Invariant: pure functions. Partners: the other files of this folder.
 */

/** A piece of a stream: an event, whether it carries a piece of the answer, whether it is the terminator. */
export const event = (data, { name, isPiece = false, isLast = false } = {}) => ({
  name,
  data: typeof data === 'string' ? data : JSON.stringify(data),
  isPiece,
  isLast,
});

/** An event whose name is its data's type. */
export const named = (data, more) => event(data, { name: data.type, ...more });

/** Content as one text, whether it is a string or a list of parts. */
export const textOf = (content) =>
  typeof content === 'string' ? content : (content ?? []).map((part) => part?.text ?? '').join('');

/** Text of the last of these messages that a user wrote. */
export const lastOfUser = (messages) =>
  textOf((Array.isArray(messages) ? messages : []).filter((message) => message?.role === 'user').at(-1)?.content ?? '');

/** A tool's arguments as a stream hands them out: parts of at most 7 characters, none of which cuts a character. */
export function* fragmentsOf(text) {
  const characters = [...text];
  for (let at = 0; at < characters.length; at += 7) yield characters.slice(at, at + 7).join('');
}

/** An event as bytes would spell it. */
export const wire = ({ name, data }) => `${name ? `event: ${name}\n` : ''}data: ${data}\n\n`;
