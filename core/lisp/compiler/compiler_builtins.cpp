// Calls of the language's own procedures that are instructions: as long as the cell says that nobody changes it.
#include "lisp/compiler/compilation.h"

namespace heddle::lisp {

namespace {

// A constant that fits an instruction's operand.
bool is_small(const Node* node) {
  return node != nullptr && node->kind == NodeKind::kConstant && node->value.is_fixnum() &&
         node->value.to_fixnum() >= INT16_MIN && node->value.to_fixnum() <= INT16_MAX;
}

u32 small(const Node* node) { return static_cast<u16>(node->value.to_fixnum()); }

// eq? and eqv? say the same of it.
bool is_identity(const Node* node) {
  return node != nullptr && node->kind == NodeKind::kConstant &&
         (!node->value.is_heap() || is_symbol(node->value) || node->value.is_pair() || node->value.is_closure());
}

Op with_sense(Op unless, bool sense) { return static_cast<Op>(static_cast<u32>(unless) + (sense ? 1 : 0)); }

}  // namespace

// The builtin that a call's operation is for good.
const Builtin* Compiler::constant_builtin(const Node* operation) const {
  if (operation->kind != NodeKind::kGlobal) return nullptr;
  const auto* cell = as<Cell>(operation->value);
  if ((cell->aux & kCellIsConstant) == 0 || !is_a(cell->value, Type::kBuiltin)) return nullptr;
  return as<Builtin>(cell->value);
}

u16 Compiler::instruction_for(const Node* node) const {
  const Builtin* builtin = constant_builtin(node->children[0]);
  if (builtin == nullptr) return Machine::kNoOp;
  const u16 op = machine_.builtin(builtin->index).op;
  if (op == Machine::kNoOp) return op;
  const std::size_t count = node->children.size() - 1;
  switch (static_cast<Op>(op)) {
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply: return count >= 2 && count <= 64 ? op : Machine::kNoOp;
    case Op::kNot:
    case Op::kIsNull:
    case Op::kIsPair:
    case Op::kCar:
    case Op::kCdr:
    case Op::kCadr:
    case Op::kCddr: return count == 1 ? op : Machine::kNoOp;
    case Op::kVectorSet: return count == 3 ? op : Machine::kNoOp;
    default: return count == 2 ? op : Machine::kNoOp;
  }
}

// Nothing is written before everything is read.
bool Compiler::is_simple(const Node* node) const {
  if (node->kind == NodeKind::kLocal || node->kind == NodeKind::kConstant || node->kind == NodeKind::kGlobal)
    return true;
  if (node->kind != NodeKind::kCall || instruction_for(node) == Machine::kNoOp) return false;
  for (std::size_t i = 1; i < node->children.size(); ++i) {
    const NodeKind kind = node->children[i]->kind;
    if (kind != NodeKind::kLocal && kind != NodeKind::kConstant && kind != NodeKind::kGlobal) return false;
  }
  return true;
}

bool Compiler::inlined(Node* node, u32 to) {
  const auto op = static_cast<Op>(instruction_for(node));
  const u32 saved = function_->next;
  const std::vector<Node*>& children = node->children;
  const std::size_t count = children.size() - 1;
  auto here_again = [&] {
    if (node->position.place != 0) function_->position = node->position;
  };
  if (op == Op::kSetCar || op == Op::kSetCdr || op == Op::kVectorSet) {
    u32 registers[3] = {};
    for (std::size_t i = 0; i < count; ++i) registers[i] = operand(children[i + 1]);
    here_again();
    emit(op, registers[0], registers[1], registers[2]);
    give_constant(kUnspecified, to, false);
  } else if (count == 1) {
    const u32 from = operand(children[1]);
    here_again();
    emit(op, to, from);
  } else {
    const bool is_sum = op == Op::kAdd || op == Op::kSubtract;
    Node* first = children[1];
    Node* second = children[2];
    if (op == Op::kAdd && is_small(first)) std::swap(first, second);
    u32 left = operand(first);
    for (std::size_t i = 2; i <= count; ++i) {
      if (i > 2) second = children[i];
      const bool is_immediate = is_sum && is_small(second);
      const u32 right = is_immediate ? 0 : operand(second);
      here_again();
      const u32 target = i == count ? to : temporary();
      if (is_immediate) {
        emit(op == Op::kAdd ? Op::kAddSmall : Op::kSubtractSmall, target, left, small(second));
      } else {
        emit(op, target, left, right);
      }
      left = target;
    }
  }
  function_->next = saved;
  return true;
}

bool Compiler::compare_and_jump(const Node* node, u16 op, bool sense, Jumps& jumps) {
  const u32 saved = function_->next;
  Node* first = node->children[1];
  Node* second = node->children.size() > 2 ? node->children[2] : nullptr;
  Op jump = Op::kJump;
  Op small_jump = Op::kJump;
  switch (static_cast<Op>(op)) {
    case Op::kIsNull:
    case Op::kIsPair: {
      const u32 value = operand(first);
      const Op unless = static_cast<Op>(op) == Op::kIsNull ? Op::kUnlessNull : Op::kUnlessPair;
      emit_jump(with_sense(unless, sense), value, 0, jumps);
      function_->next = saved;
      return true;
    }
    case Op::kEq:
    case Op::kEqv:
      if (is_identity(first)) std::swap(first, second);
      if (is_identity(second)) {
        const u32 value = operand(first);
        emit_jump(with_sense(Op::kUnlessEqConstant, sense), value, 0, jumps);
        emit_constant_word(second->value);
        function_->next = saved;
        return true;
      }
      jump = static_cast<Op>(op) == Op::kEq ? Op::kUnlessEq : Op::kUnlessEqv;
      break;
    case Op::kLess:
      jump = Op::kUnlessLess;
      small_jump = Op::kUnlessLessSmall;
      break;
    case Op::kLessEqual:
      jump = Op::kUnlessLessEqual;
      small_jump = Op::kUnlessLessEqualSmall;
      break;
    case Op::kGreater:
      jump = Op::kUnlessGreater;
      small_jump = Op::kUnlessGreaterSmall;
      break;
    case Op::kGreaterEqual:
      jump = Op::kUnlessGreaterEqual;
      small_jump = Op::kUnlessGreaterEqualSmall;
      break;
    case Op::kEqual:
      jump = Op::kUnlessEqual;
      small_jump = Op::kUnlessEqualSmall;
      if (is_small(first)) std::swap(first, second);
      break;
    default: return false;
  }
  if (is_long_) return false;
  const u32 left = operand(first);
  const bool is_immediate = small_jump != Op::kJump && is_small(second);
  const u32 right = is_immediate ? small(second) : operand(second);
  if (node->position.place != 0) function_->position = node->position;
  emit_jump(with_sense(is_immediate ? small_jump : jump, sense), left, right, jumps);
  function_->next = saved;
  return true;
}

}  // namespace heddle::lisp
