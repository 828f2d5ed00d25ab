// Conditions: what the machine and (error ...) raise. machine.h makes them; here is how code and positions meet.
#pragma once

#include <vector>

#include "lisp/compiler/code.h"
#include "lisp/compiler/ir.h"

namespace heddle::lisp {

class Heap;

// A place in a text as a fixnum, in a condition's `position` and `backtrace`.
inline Value packed(Position position) {
  return Value::fixnum(static_cast<i64>(static_cast<u64>(position.source) << 32 | position.place));
}
inline Position unpacked(Value position) {
  const auto bits = static_cast<u64>(position.to_fixnum());
  return {static_cast<u16>(bits >> 32), static_cast<u32>(bits)};
}

// Which instruction stands for which place, as compact bytes: ascending indexes of words, each with a position that
// holds until the next one.
class PositionTable {
 public:
  void add(u32 index, Position position);
  // A Bytes object, or #f if there is nothing to say.
  Value finish(Heap& heap) const;
  // The position of the instruction that has the word at `index`; place 0 if unknown.
  static Position find(const Code* code, u32 index);

 private:
  void number(u64 value);

  std::vector<u8> bytes_;
  u32 index_ = 0;
  Position last_;
};

}  // namespace heddle::lisp
