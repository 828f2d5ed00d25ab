// The stack of a fiber, and the fiber: heap objects. A stack is a chain of chunks; the machine runs on the topmost.
//
// A frame is a window of slots. With `base` its register 0:
//   slot[base - 2]   where the caller goes on: the address of its next instruction, as a plain even word
//   slot[base - 1]   the closure that runs
//   slot[base ...]   its registers: arguments, then locals and temporaries, Code::frame_size of them
// A callee's window lies above the caller's live registers; its value comes back into the slot of the return address. A
// chunk's lowest frame returns into the parent chunk. Nothing points into a chunk but the machine's own registers.
//
// `top`, `base` and `pc` of a chunk hold while the machine does not run on it; the collector looks at slots below
// `top`.
#pragma once

#include "lisp/object.h"

namespace heddle::lisp {

// length: slots. aux: bit 0 frozen: a continuation has captured it, so it is copied before it is run on again.
struct Chunk : Object {
  Value parent;  // the Chunk that it returns into, or #f
  u32 top = 0;
  u32 base = 0;  // of the topmost frame
  u64 pc = 0;    // where that goes on
  Value slots[1];

  static constexpr u16 kFrozen = 1;
  static constexpr u32 size(u32 slots) { return 32 + 8 * slots; }
};

struct Continuation : Object {
  Value chunk;  // frozen
  Value fiber;
  Value handlers;
  Value parameters;
  Value winders;
  u32 top = 0;  // of the chunk, as it was
  u32 base = 0;
  u64 pc = 0;
};

// A fiber of the Lisp: a machine's registers between two turns, and what is known of it after its end. A task in Lisp
// is such a fiber, too. The collector treats one that has not ended as a root (Machine knows them).
struct Fiber : Object {
  Value chunk;        // the top of its stack, or the thunk that it has yet to call
  Value handlers;     // list of procedures, innermost first
  Value parameters;   // association list, innermost first
  Value winders;      // list of (before . after), innermost first
  Value result;       // its value or, if it failed, what was raised; kUndefined until then
  Value environment;  // the top level of its program
  Value name;         // String or #f
  u32 id = 0;         // in the kernel; 0 once it is over there
  u32 seq = 0;        // the number that the kernel gave it, never reused: what fiber/id gives
};

}  // namespace heddle::lisp
