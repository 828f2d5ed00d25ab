// Loops and join points: procedures that are places in the enclosing procedure's code (labels.cpp says which).
#include <algorithm>

#include "lisp/compiler/compilation.h"

namespace heddle::lisp {

namespace {

// Arguments that are looked through for what they use; longer ones are taken to use everything.
constexpr u32 kMostLookedAt = 300;
constexpr u32 kMostParameters = 60;

}  // namespace

bool Compiler::has_labels(const Node* node) const {
  return std::any_of(node->variables.begin(), node->variables.end(),
                     [](const Variable* variable) { return variable->is_label; });
}

void Compiler::with_labels(Node* node, u32 to, bool is_tail) {
  const std::size_t first_wanted = wanted_.size();
  for (std::size_t i = 0; i < node->variables.size(); ++i) {
    if (!node->variables[i]->is_label) continue;
    Label& label = labels_.emplace_back();
    label.lambda = node->children[i];
    label.first = reserve(static_cast<u32>(label.lambda->variables.size()));
    node->variables[i]->label = &label;
    for (u32 k = 0; k < label.lambda->variables.size(); ++k) {
      Variable* parameter = label.lambda->variables[k];
      parameter->reg = label.first + k;
      parameter->owner = function_;
      parameter->label = &label;
      parameter->index = k;
    }
  }
  bind(node);
  Jumps end;
  compile(node->children.back(), to, is_tail);
  // Bodies may want further labels.
  for (std::size_t i = first_wanted; i < wanted_.size(); ++i) {
    Label& label = *wanted_[i];
    place(label);
    for (const Variable* parameter : label.lambda->variables) {
      if (parameter->is_assigned) emit(Op::kBox, parameter->reg);
    }
    compile(label.lambda->children[0], to, is_tail);
    if (i + 1 < wanted_.size() && function_->is_reachable) emit_jump(Op::kJump, 0, 0, end);
  }
  wanted_.resize(first_wanted);
  land(end);
}

void Compiler::place(Label& label) {
  // Whoever is still on the way here goes round, unless it comes from a jump to here right before.
  Function& function = *function_;
  const u32 last = label.jumps.head;
  if (last != 0 && jumps_[last].at + 1 == here() && function.last_target != here() && !function.is_reachable) {
    label.jumps.head = jumps_[last].next;
    function.words.pop_back();
    function.is_reachable = true;
  }
  label.is_placed = true;
  label.address = here();
  land(label.jumps);
  function.is_reachable = true;
  function.last_target = here();
}

// The parameters of a label that an expression uses, as bits.
u64 Compiler::parameters_used(const Node* node, const Label& label, u32& budget) const {
  if (budget == 0) return ~u64{0};
  --budget;
  u64 used = 0;
  if ((node->kind == NodeKind::kLocal || node->kind == NodeKind::kSetLocal) && node->variable->owner == function_ &&
      node->variable->label == &label && !node->variable->is_label) {
    used |= u64{1} << node->variable->index;
  }
  for (const Node* child : node->children) used |= parameters_used(child, label, budget);
  return used;
}

// Evaluates the arguments of a call and moves them to the parameters, all at once as it were: where an argument is the
// last one that needs what its parameter has, it is evaluated right into it.
void Compiler::jump_to_label(Label& label, const Node* call) {
  const auto count = static_cast<u32>(call->children.size()) - 1;
  const u32 saved = function_->next;
  struct Argument {
    Node* node;
    u64 used;
    u32 from;
    bool is_pending;
    bool is_moved;
  };
  std::vector<Argument> arguments;
  for (u32 i = 0; i < count; ++i) {
    Node* node = call->children[i + 1];
    u32 budget = kMostLookedAt;
    const u64 used = count > kMostParameters ? ~u64{0} : parameters_used(node, label, budget);
    const bool is_same = node->kind == NodeKind::kLocal && node->variable->owner == function_ &&
                         !node->variable->is_assigned && node->variable->reg == label.first + i;
    arguments.push_back({node, used, 0, !is_same, false});
  }
  auto is_needed = [&](u32 parameter) {
    for (u32 i = 0; i < count; ++i) {
      if (i != parameter && arguments[i].is_pending && (arguments[i].used >> (parameter & 63) & 1) != 0) return true;
    }
    return false;
  };
  for (u32 left = count; left > 0;) {
    u32 chosen = count;
    for (u32 i = 0; i < count && chosen == count && count <= kMostParameters; ++i) {
      if (arguments[i].is_pending && !is_needed(i)) chosen = i;
    }
    bool is_free = chosen != count;
    for (u32 i = 0; i < count && chosen == count; ++i) {
      if (arguments[i].is_pending) chosen = i;
    }
    if (chosen == count) break;
    Argument& argument = arguments[chosen];
    const u32 target = label.first + chosen;
    const bool is_own = (argument.used >> (chosen & 63) & 1) != 0;
    if (is_free && (!is_own || is_simple(argument.node))) {
      compile(argument.node, target, false);
    } else if (is_free) {
      const u32 own = function_->next;
      const u32 from = operand(argument.node);
      if (function_->is_reachable) emit(Op::kMove, target, from);
      function_->next = own;
    } else {
      argument.from = temporary();
      compile(argument.node, argument.from, false);
      argument.is_moved = true;
    }
    argument.is_pending = false;
    --left;
    if (!function_->is_reachable) break;
  }
  if (function_->is_reachable) {
    for (u32 i = 0; i < count; ++i) {
      if (arguments[i].is_moved) emit(Op::kMove, label.first + i, arguments[i].from);
    }
    if (call->position.place != 0) function_->position = call->position;
    if (label.is_placed) {
      Jumps back;
      emit_jump(Op::kLoop, 0, 0, back);
      land(back, label.address);
    } else {
      if (!label.is_wanted) {
        label.is_wanted = true;
        wanted_.push_back(&label);
      }
      emit_jump(Op::kJump, 0, 0, label.jumps);
    }
    function_->is_reachable = false;
  }
  function_->next = saved;
}

}  // namespace heddle::lisp
