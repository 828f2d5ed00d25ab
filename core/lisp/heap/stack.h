// The stack of a fiber, and the fiber: heap objects. A stack is a chain of chunks; the machine runs on the topmost.
//
// A frame is a window of slots. With `base` its register 0:
//   slot[base - 2]   where the caller goes on: the address of its next instruction, as a plain even word
//   slot[base - 1]   the closure that runs
//   slot[base ...]   its registers: arguments, then locals and temporaries, Code::frame_size of them
// A callee's window lies above the caller's live registers; its value comes back into the slot of the return address.
//
// Where the caller is not the frame below (another chunk, or a frame that a continuation has captured), the return
// address is the machine's stub, and three slots below it say where to go on:
//   slot[base - 5]   the Chunk, or #f: the fiber ends
//   slot[base - 4]   base of the frame in it, as a fixnum
//   slot[base - 3]   the address of its next instruction, as a plain even word
// So nothing points into a chunk but the machine's own registers, and a chunk without captured frames can be moved.
//
// A continuation freezes the slots below it: they are never written again; whoever returns into a frozen frame runs on
// a copy of that frame. To freeze a chunk is to freeze what its lowest frame returns into (done at once, so that nobody
// overwrites it; a chain is walked once).
//
// Invariant: `top` of a chunk holds while the machine does not run on it; slots from there on are dead.
#pragma once

#include "lisp/heap/object.h"

namespace heddle::lisp {

// length: slots. The collector follows the slots below `top`, and clears those above when it looks at the stack.
struct Chunk : Object {
  u32 top = 0;
  u32 frozen = 0;  // slots below are never written
  Value slots[1];

  static constexpr u64 size(u64 slots) { return 16 + 8 * slots; }
};

struct Continuation : Object {
  Value chunk;
  Value fiber;
  Value handlers;
  Value parameters;
  Value winders;
  u32 base = 0;  // of the frame that gets the value
  u32 unused = 0;
  u64 pc = 0;  // where it goes on
};

// A fiber of the Lisp: a machine's registers between two turns, and what is known of it after its end. A task in Lisp
// is such a fiber, too. Fibers that have not ended are roots: the machine has a list of them.
struct Fiber : Object {
  Value chunk;       // the top of its stack, or the thunk that it has yet to call
  Value handlers;    // list of procedures, innermost first
  Value parameters;  // association list, innermost first
  // List of (before . after), innermost first; of a fiber that failed with what is no condition: its place and those of
  // the calls that led there, as fixnums.
  Value winders;
  Value result;       // its value or, if it failed, what was raised; kUndefined until then
  Value environment;  // the top level of its program
  Value name;         // String or #f
  Value next;         // in the machine's list, or #f
  Value previous;
  u32 base = 0;  // of the topmost frame
  u32 id = 0;    // in the kernel; 0 once it is over there
  u64 pc = 0;    // where that goes on
  u64 seq = 0;   // the number that the kernel gave it, never reused: what fiber/id gives
};

}  // namespace heddle::lisp
