// How a program runs: its text is read as a whole, so that a text that cannot be read does nothing; then each form is
// expanded, compiled and called before the next one is looked at. (prelude/programs.scm has the loop.)
#pragma once

#include <string_view>

#include "lisp/machine.h"

namespace heddle::lisp {

enum class ProgramKind : u8 {
  kWhole,  // the environment is its own: if it begins with (import ...), it sees only what it imports
  kPiece,  // of a session whose environment other pieces share
};

// A procedure of no arguments that runs a text and gives the value of its last form; one that raises HeapLimit where
// the heap has no room for the text. `source`: the number of its name in machine.sources(). Where no fiber runs it may
// collect: of the caller's values only the environment, and what that refers to, is there afterwards.
Value make_program(Machine& machine, std::string_view text, u16 source, Value environment, ProgramKind kind);

}  // namespace heddle::lisp
