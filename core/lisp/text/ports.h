// Ports: objects that text or bytes are read from or written to. They hold what they read or have collected; nothing
// here waits.
//
// The console ports, which current-output-port and current-error-port have at first, hand what a program writes to the
// embedder (Machine::output). They are the same objects in all programs, so closing one does nothing; whose text it is
// says the environment of the fiber that writes. The console's input is empty.
//
// Builtins are in builtins/ports.cpp and port_output.cpp, the rest in prelude/ports.scm.
#pragma once

#include <string_view>

#include "lisp/machine.h"

namespace heddle::lisp {

struct Port : Object {
  Value content;  // textual: a String; binary: Bytes; neither changes while it is read
  u32 at = 0;     // input: the next character or byte
  u32 used = 0;   // binary output: bytes that are written; `content` may have more

  // Object::aux
  static constexpr u16 kInput = 1;
  static constexpr u16 kOutput = 2;
  static constexpr u16 kBinary = 4;
  static constexpr u16 kClosed = 8;
  static constexpr u16 kConsole = 16;
  static constexpr u16 kError = 32;      // the console's second output
  static constexpr u16 kFoldsCase = 64;  // `read` is behind a #!fold-case

  bool is(u16 flags) const { return (aux & flags) == flags; }
};

Value make_port(Heap& heap, u16 flags, Value content);

// The port that a builtin is to use: the argument if it is there, else the current one of its kind. It has that
// direction (kInput or kOutput), is textual, or binary with kBinary, and open: else nullptr, a TypeError was raised.
Port* port_argument(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32 index, u16 flags);

// Writes to an output port that is textual; false: it raised HeapLimit.
bool write_text(Machine& machine, std::string_view name, Port* port, std::string_view utf8);

// The second file of the ports' builtins.
void define_port_output(Machine& machine);

}  // namespace heddle::lisp
