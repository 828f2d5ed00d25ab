// Expressions to code: see compilation.h for how. Partners: compiler_code.cpp, words and jumps;
// compiler_procedures.cpp, lambda expressions and whole texts; compiler_labels.cpp, loops; compiler_builtins.cpp, what
// has an instruction of its own.
#include "lisp/compiler/compiler.h"

#include "lisp/compiler/compilation.h"

namespace heddle::lisp {

// --- Variables

// The index of a variable of an outer procedure among the free values of this one.
u32 Compiler::capture(Function* function, Variable* variable) {
  u64& index = function->capture_indexes[Value(static_cast<u64>(reinterpret_cast<std::uintptr_t>(variable)))];
  if (index == 0) {
    function->captures.push_back(variable);
    index = function->captures.size();
    if (index > kMostRegisters) is_too_large_ = true;
  }
  return static_cast<u32>(index) - 1;
}

void Compiler::give_register(u32 from, u32 to, bool is_tail) {
  if (is_tail) {
    emit_return(from);
  } else if (to != kNowhere && from != to) {
    emit(Op::kMove, to, from);
  }
}

void Compiler::give_constant(Value value, u32 to, bool is_tail) {
  if (to == kNowhere && !is_tail) return;
  const u32 target = is_tail ? temporary() : to;
  if (value.is_fixnum() && value.to_fixnum() >= INT32_MIN && value.to_fixnum() <= INT32_MAX) {
    const auto number = static_cast<u32>(value.to_fixnum());
    emit(Op::kSmall, target, number & 0xffff, number >> 16);
  } else {
    emit(Op::kConstant, target);
    emit_constant_word(value);
  }
  if (is_tail) emit_return(target);
}

void Compiler::give_local(Variable* variable, u32 to, bool is_tail) {
  if (variable->owner == function_) {
    if (!variable->is_assigned) {
      give_register(variable->reg, to, is_tail);
      return;
    }
    // Even if nobody needs the value: it may be undefined yet.
    const u32 target = to == kNowhere || is_tail ? temporary() : to;
    emit(Op::kUnbox, target, variable->reg);
    if (is_tail) emit_return(target);
    return;
  }
  if (to == kNowhere && !is_tail && !variable->is_assigned) return;
  const u32 target = to == kNowhere || is_tail ? temporary() : to;
  if (is_self(variable)) {
    emit(Op::kSelf, target);
  } else {
    emit(variable->is_assigned ? Op::kFreeUnbox : Op::kFree, target, capture(function_, variable));
  }
  if (is_tail) emit_return(target);
}

void Compiler::assign(Variable* variable, Node* node) {
  const u32 value = operand(node);
  if (variable->owner == function_) {
    emit(Op::kSetBox, variable->reg, value);
  } else {
    emit(Op::kFreeSetBox, capture(function_, variable), value);
  }
}

// A register that has the value: a variable's own, or a temporary.
u32 Compiler::operand(Node* node) {
  if (node->kind == NodeKind::kLocal && !node->variable->is_assigned && node->variable->owner == function_) {
    return node->variable->reg;
  }
  const u32 target = temporary();
  compile(node, target, false);
  return target;
}

// --- Expressions

void Compiler::compile(Node* node, u32 to, bool is_tail) {
  if (is_too_large_) return;
  const u32 saved = function_->next;
  Jumps end;
  // Where the tests of an `and` fail, and the constant that it gives then.
  Jumps failed;
  const Node* failure = nullptr;
  for (bool is_done = false; !is_done;) {
    if (!function_->is_reachable) break;
    if (node->position.place != 0) function_->position = node->position;
    is_done = true;
    switch (node->kind) {
      case NodeKind::kConstant: give_constant(node->value, to, is_tail); break;
      case NodeKind::kLocal: give_local(node->variable, to, is_tail); break;
      case NodeKind::kGlobal: {
        const u32 target = to == kNowhere || is_tail ? temporary() : to;
        emit(Op::kGlobal, target);
        emit_constant_word(node->value);
        if (is_tail) emit_return(target);
        break;
      }
      case NodeKind::kSetLocal:
        assign(node->variable, node->children[0]);
        give_constant(kUnspecified, to, is_tail);
        break;
      case NodeKind::kSetGlobal:
      case NodeKind::kDefine: {
        const u32 value = operand(node->children[0]);
        if (node->position.place != 0) function_->position = node->position;
        emit(node->kind == NodeKind::kDefine ? Op::kDefine : Op::kSetGlobal, value);
        emit_constant_word(node->value);
        give_constant(kUnspecified, to, is_tail);
        break;
      }
      case NodeKind::kIf: {
        Node* test = node->children[0];
        if (test->kind == NodeKind::kConstant) {
          node = node->children[test->value.is_true() ? 1 : 2];
          is_done = false;
          break;
        }
        // A long `and` is a loop here, not recursion.
        const Node* alternative = node->children[2];
        if (alternative->kind == NodeKind::kConstant && (failure == nullptr || failure->value == alternative->value)) {
          failure = alternative;
          branch(test, false, failed);
          node = node->children[1];
          is_done = false;
          break;
        }
        Jumps otherwise;
        branch(test, false, otherwise);
        if (function_->is_reachable) {
          compile(node->children[1], to, is_tail);
          if (function_->is_reachable) emit_jump(Op::kJump, 0, 0, end);
        }
        land(otherwise);
        node = node->children[2];
        is_done = false;
        break;
      }
      case NodeKind::kSequence:
        for (std::size_t i = 0; i + 1 < node->children.size(); ++i) compile(node->children[i], kNowhere, false);
        node = node->children.back();
        is_done = false;
        break;
      case NodeKind::kLambda:
        if (to == kNowhere && !is_tail) break;
        if (is_tail) {
          const u32 target = temporary();
          closure(node, target, nullptr);
          emit_return(target);
        } else {
          closure(node, to, nullptr);
        }
        break;
      case NodeKind::kCaseLambda: {
        const u32 target = to == kNowhere || is_tail ? temporary() : to;
        choice(node, target);
        if (is_tail) emit_return(target);
        break;
      }
      case NodeKind::kCall: call(node, to, is_tail); break;
      case NodeKind::kLet:
      case NodeKind::kLetrec: {
        // (or a b), as macros say it: the value of a goes where b's would.
        if (node->kind == NodeKind::kLet && node->variables.size() == 1 && !node->variables[0]->is_assigned &&
            !is_tail && to != kNowhere && node->children[1]->kind == NodeKind::kIf) {
          Node* choice = node->children[1];
          auto is_it = [&](const Node* child) {
            return child->kind == NodeKind::kLocal && child->variable == node->variables[0];
          };
          // Not where the second may still need what is in the target.
          if (is_it(choice->children[0]) && is_it(choice->children[1]) && to + 1 == saved) {
            compile(node->children[0], to, false);
            emit_jump(Op::kJumpTrue, to, 0, end);
            node = choice->children[2];
            is_done = false;
            break;
          }
        }
        if (has_labels(node)) {
          with_labels(node, to, is_tail);
          break;
        }
        bind(node);
        node = node->children.back();
        is_done = false;
        break;
      }
    }
  }
  if (failed.head != 0) {
    if (function_->is_reachable && !is_tail) emit_jump(Op::kJump, 0, 0, end);
    function_->next = saved;
    land(failed);
    give_constant(failure->value, to, is_tail);
  }
  land(end);
  function_->next = saved;
}

// Jumps where the truth of an expression is `sense`, else goes on behind.
void Compiler::branch(Node* node, bool sense, Jumps& jumps) {
  const u32 saved = function_->next;
  Jumps behind;
  for (;;) {
    if (!function_->is_reachable) break;
    if (node->position.place != 0) function_->position = node->position;
    if (node->kind == NodeKind::kConstant) {
      if (node->value.is_true() == sense) emit_jump(Op::kJump, 0, 0, jumps);
      break;
    }
    if (node->kind == NodeKind::kSequence) {
      for (std::size_t i = 0; i + 1 < node->children.size(); ++i) compile(node->children[i], kNowhere, false);
      node = node->children.back();
      continue;
    }
    if (node->kind == NodeKind::kCall) {
      const u16 op = instruction_for(node);
      if (op == static_cast<u16>(Op::kNot)) {
        sense = !sense;
        // What says "jump" still means the same list: the sense of both lists turns with the operand.
        node = node->children[1];
        continue;
      }
      if (op != Machine::kNoOp && compare_and_jump(node, op, sense, jumps)) break;
    }
    if (node->kind == NodeKind::kIf) {
      Node* consequent = node->children[1];
      Node* alternative = node->children[2];
      if (alternative->kind == NodeKind::kConstant && !alternative->value.is_true()) {  // and
        branch(node->children[0], false, sense ? behind : jumps);
        node = consequent;
        continue;
      }
      if (consequent->kind == NodeKind::kConstant && consequent->value.is_true()) {  // or
        branch(node->children[0], true, sense ? jumps : behind);
        node = alternative;
        continue;
      }
      Jumps otherwise;
      branch(node->children[0], false, otherwise);
      branch(consequent, sense, jumps);
      if (function_->is_reachable) emit_jump(Op::kJump, 0, 0, behind);
      land(otherwise);
      node = alternative;
      continue;
    }
    if (node->kind == NodeKind::kLet && node->variables.size() == 1 && node->children[1]->kind == NodeKind::kIf) {
      Node* choice = node->children[1];
      auto is_it = [&](const Node* child) {
        return child->kind == NodeKind::kLocal && child->variable == node->variables[0];
      };
      if (is_it(choice->children[0]) && is_it(choice->children[1]) && !node->variables[0]->is_assigned) {  // or
        branch(node->children[0], true, sense ? jumps : behind);
        node = choice->children[2];
        continue;
      }
    }
    const u32 value = operand(node);
    if (function_->is_reachable) emit_jump(sense ? Op::kJumpTrue : Op::kJumpFalse, value, 0, jumps);
    break;
  }
  land(behind);
  function_->next = saved;
}

void Compiler::call(Node* node, u32 to, bool is_tail) {
  Node* operation = node->children[0];
  if (operation->kind == NodeKind::kLocal && operation->variable->is_label) {
    jump_to_label(*operation->variable->label, node);
    return;
  }
  if (instruction_for(node) != Machine::kNoOp) {
    const u32 target = to == kNowhere || is_tail ? temporary() : to;
    if (inlined(node, target)) {
      if (is_tail) emit_return(target);
      return;
    }
  }
  // The window lies where the value goes, if that is on top.
  const bool is_on_top = !is_tail && to != kNowhere && to + 1 == function_->next;
  const u32 saved = function_->next;
  const auto count = static_cast<u32>(node->children.size()) - 1;
  const u32 window = is_on_top ? to : reserve();
  reserve();
  bool is_global = operation->kind == NodeKind::kGlobal;
  const bool is_self_call = !is_tail && operation->kind == NodeKind::kLocal && is_self(operation->variable) &&
                            operation->variable->owner != function_ && function_->arity == count;
  if (!is_global && !is_self_call) compile(operation, window + 1, false);
  for (u32 i = 0; i < count; ++i) {
    const u32 argument = reserve();
    compile(node->children[i + 1], argument, false);
  }
  if (!function_->is_reachable) {
    function_->next = saved;
    return;
  }
  if (node->position.place != 0) function_->position = node->position;
  const Builtin* builtin = is_global && !is_tail ? constant_builtin(operation) : nullptr;
  if (builtin != nullptr) {
    const Machine::BuiltinEntry& entry = machine_.builtin(builtin->index);
    if (count < entry.least || (count > entry.most && entry.most != kAnyCount)) builtin = nullptr;
  }
  if (builtin != nullptr) {
    emit(Op::kBuiltin, window, count);
    emit_constant_word(Value::object(builtin), window);
  } else if (is_global) {
    emit(is_tail ? Op::kTailCallGlobal : Op::kCallGlobal, window, count);
    emit_constant_word(operation->value, window);
  } else if (is_self_call) {
    emit(Op::kCallSelf, window, count);
  } else {
    emit(is_tail ? Op::kTailCall : Op::kCall, window, count);
  }
  function_->next = saved;
  if (is_tail) {
    function_->is_reachable = false;
  } else if (!is_on_top) {
    give_register(window, to, false);
  }
}

// --- Binding

// The variable has its value: closures that were made before get it.
void Compiler::finish(Variable* variable) {
  variable->is_pending = false;
  for (u32 i = variable->index; i != 0; i = patches_[i].next) {
    emit(Op::kPatch, patches_[i].closure, patches_[i].index, variable->reg);
  }
}

void Compiler::bind(Node* node) {
  const std::size_t count = node->variables.size();
  if (node->kind == NodeKind::kLet) {
    // Registers first, so that a variable is seen by the body alone: initializers are resolved already.
    for (std::size_t i = 0; i < count; ++i) {
      Variable* variable = node->variables[i];
      if (variable->is_label) continue;
      const u32 reg = reserve();
      compile(node->children[i], reg, false);
      variable->reg = reg;
      variable->owner = function_;
      if (variable->is_assigned) emit(Op::kBox, reg);
    }
    return;
  }
  for (Variable* variable : node->variables) {
    if (variable->is_label) continue;
    variable->reg = reserve();
    variable->owner = function_;
    variable->is_pending = !variable->is_assigned;
    variable->index = 0;
    if (variable->is_assigned) {
      give_constant(kUndefined, variable->reg, false);
      emit(Op::kBox, variable->reg);
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    Variable* variable = node->variables[i];
    Node* child = node->children[i];
    if (variable->is_label) continue;
    if (variable->is_assigned) {
      const u32 saved = function_->next;
      const u32 value = operand(child);
      emit(Op::kSetBox, variable->reg, value);
      function_->next = saved;
      continue;
    }
    if (child->kind == NodeKind::kLambda) {
      if (child->position.place != 0) function_->position = child->position;
      closure(child, variable->reg, variable);
    } else {
      compile(child, variable->reg, false);
    }
    finish(variable);
  }
}

}  // namespace heddle::lisp
