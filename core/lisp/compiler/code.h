// Compiled code: a heap object with its instructions inside, which a closure refers to.
#pragma once

#include "lisp/heap/object.h"

namespace heddle::lisp {

// One word: an operation and three operands, or data that belongs to the instruction before it (a constant, a cell).
// `a` stands on top, so that a word with an address in its lower 48 bits can carry it as well: the word before a return
// address always tells by its `a` where the callee's window begins.
struct Instruction {
  u16 op = 0;
  u16 b = 0;
  u16 c = 0;
  u16 a = 0;
};
static_assert(sizeof(Instruction) == 8);

// length: words of instructions. The collector follows name, constants and positions; every value that stands among the
// instructions is in `constants`, too.
struct Code : Object {
  Value name;          // Symbol or #f
  Value constants;     // Vector or #f
  Value positions;     // Bytes or #f: which instruction stands for which place, see conditions.h
  u32 frame_size = 1;  // registers, windows of calls included
  u16 arity = 0;       // arguments; kVariadic: see below
  u16 required = 0;    // arguments that must be there
  u16 has_rest = 0;    // 1: more arguments come as a list
  u16 is_choice = 0;   // 1: of case-lambda; the closure's free values are the clauses' closures
  u32 source = 0;      // of the position of the procedure itself
  u32 place = 0;
  u32 unused = 0;
  Instruction instructions[1];

  static constexpr u16 kVariadic = 0xffff;
  static constexpr u32 size(u32 words) { return 56 + 8 * words; }
};
static_assert(sizeof(Code) == Code::size(1));

}  // namespace heddle::lisp
