/**
 * The binary form in which values cross between JavaScript and the Lisp of the core, little-endian and unaligned; each value
 * begins with one byte, its tag. Partners: encoder.ts, decoder.ts; core/lisp/wire.h, the other side.
 *
 *   tag         after it                                    in JavaScript                   in Lisp
 *   nil                                                     null                            the symbol null
 *   no, yes                                                 false, true                     #f, #t
 *   unspecified                                             undefined                       the unspecified value
 *   integer     f64                                         a safe integer                  an exact integer
 *   real        f64                                         any other number                a flonum
 *   big         u32 length, decimal ASCII                   a BigInt                        an exact integer
 *   text        u32 bytes, UTF-8                            a string                        a string (from: also symbol, char)
 *   list        u32 count, values                           an array                        a list (from: also a vector)
 *   table       u32 count, pairs: text without tag, value   an object with string keys      a hash table with string keys
 *   task        u32 fiber, u32 seq                          a Task                          a task
 *   end                                                     `closed`                        the end-of-file object
 *   bytes       u32 length, bytes                           a Uint8Array                    a bytevector
 *   error       six values, u32 number of a host's error    an Error                        a condition
 */

export const Tag = {
  nil: 0,
  no: 1,
  yes: 2,
  unspecified: 3,
  integer: 4,
  real: 5,
  big: 6,
  text: 7,
  list: 8,
  table: 9,
  task: 10,
  end: 11,
  bytes: 12,
  error: 13,
} as const;

/** A value's size on the wire, at most: 256 MiB. */
export const maxWireBytes = 2 ** 28;
/** Lists and tables within one another, at most; on the way into Lisp. */
export const maxDepth = 100_000;

/** A key in a path: `.name`, or `["two words"]`. */
export function keyPath(key: string): string {
  if (/^[A-Za-z_$][\w$]{0,59}$/.test(key)) return `.${key}`;
  return `[${JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}...` : key)}]`;
}
