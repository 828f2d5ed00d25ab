/** What a reader gets of a channel that is closed and empty; in Lisp the end-of-file object. The same in every copy of the
 * package. */
export const closed: unique symbol = Symbol.for('heddle.closed') as never;
