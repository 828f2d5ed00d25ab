// The machine: a CEKS machine whose registers are the code and its place in it (C), a window of a stack (E), the rest
// of that stack (K) and one heap for all fibers (S). It runs one fiber at a time, for a number of steps; a fiber that
// waits is data.
//
// Procedures written in C++ (builtins) get their arguments where they lie on the stack and give a value or a Signal.
// They run within one instruction: nothing is collected meanwhile, and the fiber cannot be interrupted. One whose work
// grows with its arguments says so by charge(), so that steps measure time; one that calls procedures back is written
// in Lisp (prelude/), or ends with tail_call().
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "lisp/heap.h"
#include "lisp/sources.h"
#include "lisp/stack.h"

namespace heddle::lisp {

class Machine;

using BuiltinFunction = Value (*)(Machine& machine, const Value* arguments, u32 count);

constexpr u8 kAnyCount = 255;

struct BuiltinDefinition {
  const char* name;
  BuiltinFunction function;
  u8 least;  // arguments
  u8 most;   // kAnyCount: as many as there are
};

class Machine : private RootSet {
 public:
  explicit Machine(u64 heap_limit = Heap::kDefaultLimit);
  ~Machine() override;

  Heap& heap() { return heap_; }
  Sources& sources() { return sources_; }

  // --- For builtins

  // Raises a condition with that stable code: a builtin returns what this gives. The position and the backtrace are
  // those of the instruction that runs. `message` says what was wrong and with which operation.
  Value error(std::string_view code, std::string_view message, std::initializer_list<Value> irritants = {});
  // The argument has the wrong type: "car: argument 1 must be a pair, got 5".
  Value type_error(std::string_view procedure, u32 argument, std::string_view expected, Value got);
  // The argument is out of range: "vector-ref: argument 2 must be an index below 3, got 7".
  Value range_error(std::string_view procedure, u32 argument, std::string_view expected, Value got);
  // A number of bytes that a program asked for does not fit: raises HeapLimit.
  Value heap_error(std::string_view procedure, u64 bytes);
  // Raises any object, as (raise obj) does.
  Value raise(Value object);
  // The machine calls a procedure in the builtin's place.
  Value tail_call(Value procedure, const Value* arguments, u32 count);
  // Counts work beyond the one step of the instruction.
  void charge(u64 steps) { charged_ += steps; }

  // --- Setting up

  void define(const BuiltinDefinition& definition);
  template <std::size_t N>
  void define(const BuiltinDefinition (&definitions)[N]) {
    for (const BuiltinDefinition& definition : definitions) define(definition);
  }

  // What the last error() or raise() raised, for tests of builtins without a fiber.
  Value raised() const { return raised_; }

 private:
  void mark_roots(Heap& heap) override;
  void forget_dead(Heap& heap) override;

  Heap heap_;
  Sources sources_;
  u64 charged_ = 0;
  Value raised_;
};

// A readable form of a value for messages: as `write` does, cut after some length.
std::string shown(Value value);

}  // namespace heddle::lisp
