// The words of a procedure that is being compiled: instructions, constants behind them, and jumps, which get their
// distance when it is known where they land. See compilation.h.
#include <algorithm>
#include <bit>

#include "lisp/compiler/compilation.h"

namespace heddle::lisp {

namespace {

// The jump's offset has 32 bits, else 16.
bool is_far(Op op) {
  switch (op) {
    case Op::kJump:
    case Op::kLoop:
    case Op::kJumpTrue:
    case Op::kJumpFalse:
    case Op::kUnlessNull:
    case Op::kIfNull:
    case Op::kUnlessPair:
    case Op::kIfPair:
    case Op::kUnlessEqConstant:
    case Op::kIfEqConstant: return true;
    default: return false;
  }
}

}  // namespace

void Compiler::emit(Op op, u32 a, u32 b, u32 c) {
  if (a > 0xffff || b > 0xffff) is_too_large_ = true;
  if (function_->position.place != 0) function_->positions.add(here(), function_->position);
  emit_word(std::bit_cast<u64>(
      Instruction{static_cast<u16>(op), static_cast<u16>(b), static_cast<u16>(c), static_cast<u16>(a)}));
}

void Compiler::emit_constant_word(Value value, u32 a) {
  if (value.is_heap()) function_->constants.push_back(value);
  emit_word(value.bits() | static_cast<u64>(a) << 48);
}

void Compiler::emit_jump(Op op, u32 a, u32 b, Jumps& jumps) {
  jumps_.push_back({here(), jumps.head});
  jumps.head = static_cast<u32>(jumps_.size()) - 1;
  emit(op, a, b);
  if (op == Op::kJump) function_->is_reachable = false;
}

void Compiler::land(Jumps& jumps, u32 target) {
  for (u32 at = jumps.head; at != 0; at = jumps_[at].next) {
    const u32 from = jumps_[at].at;
    Instruction instruction = std::bit_cast<Instruction>(function_->words[from]);
    const i64 distance = static_cast<i64>(target) - from;
    if (is_far(static_cast<Op>(instruction.op))) {
      instruction.b = static_cast<u16>(distance);
      instruction.c = static_cast<u16>(distance >> 16);
    } else {
      if (distance > INT16_MAX || distance < INT16_MIN) is_too_far_ = true;
      instruction.c = static_cast<u16>(distance);
    }
    function_->words[from] = std::bit_cast<u64>(instruction);
  }
  if (jumps.head != 0) {
    function_->is_reachable = true;
    function_->last_target = std::max(function_->last_target, target);
  }
  jumps.head = 0;
}

u32 Compiler::reserve(u32 count) {
  const u32 first = function_->next;
  function_->next += count;
  function_->most = std::max(function_->most, function_->next);
  if (function_->next > kMostRegisters) {
    is_too_large_ = true;
    function_->next = first;
  }
  return first;
}

void Compiler::emit_return(u32 from) {
  emit(Op::kReturn, from);
  function_->is_reachable = false;
}

}  // namespace heddle::lisp
