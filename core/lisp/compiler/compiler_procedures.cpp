// Procedures to code objects and to the instructions that make their closures; and whole texts, each a procedure
// without parameters. See compilation.h.
#include <algorithm>
#include <bit>

#include "lisp/compiler/compilation.h"
#include "lisp/compiler/compiler.h"
#include "lisp/expander/expander.h"

namespace heddle::lisp {

// Compiles a lambda expression; gives its code, and what its closure has to hold.
Value Compiler::lambda(Node* node, const Variable* self, std::vector<Variable*>& captures) {
  Function function;
  function.outer = function_;
  function.self = self;
  function.position = node->position;
  function.arity = node->has_rest ? ~std::size_t{0} : node->variables.size();
  function_ = &function;
  for (Variable* variable : node->variables) {
    variable->reg = reserve();
    variable->owner = &function;
  }
  for (Variable* variable : node->variables) {
    if (variable->is_assigned) emit(Op::kBox, variable->reg);
  }
  compile(node->children[0], kNowhere, true);
  function_ = function.outer;

  const auto count = static_cast<u32>(function.words.size());
  // Procedures within procedures can each have as many captures as there are variables.
  words_ += count;
  machine_.charge(count / 16);
  if (words_ * sizeof(u64) > heap_.limit() / 4) is_too_large_ = true;
  auto* code = heap_.make<Code>(Type::kCode, Code::size(count), count);
  code->name = node->value.is_object() ? node->value : kFalse;
  code->constants = kFalse;
  code->positions = function.positions.finish(heap_);
  code->frame_size = function.most;
  code->required = static_cast<u16>(node->variables.size() - (node->has_rest ? 1 : 0));
  code->has_rest = node->has_rest ? 1 : 0;
  code->arity = node->has_rest ? Code::kVariadic : code->required;
  code->source = node->position.source;
  code->place = node->position.place;
  __builtin_memcpy(static_cast<void*>(code->instructions), function.words.data(), sizeof(u64) * count);
  if (!function.constants.empty()) {
    const Value constants = heap_.vector(static_cast<u32>(function.constants.size()), kFalse);
    std::copy(function.constants.begin(), function.constants.end(), as<Vector>(constants)->items);
    code->constants = constants;
  }
  captures = std::move(function.captures);
  return Value::object(code);
}

// Makes a procedure in a register. `self`: the variable that will be bound to it for good.
void Compiler::closure(Node* node, u32 to, const Variable* self) {
  std::vector<Variable*> captures;
  const Value code = lambda(node, self, captures);
  if (captures.empty()) {
    auto* closure = heap_.make<Closure>(Type::kClosure, Closure::size(0));
    closure->code = code;
    emit(Op::kConstant, to);
    emit_constant_word(Value::closure(closure));
    return;
  }
  // A variable that is the procedure which runs has no register and no free value: a temporary gets it.
  const u32 saved = function_->next;
  u32 self_register = 0;
  for (const Variable* variable : captures) {
    if (variable->owner != function_ && is_self(variable)) {
      self_register = temporary();
      emit(Op::kSelf, self_register);
    }
  }
  std::vector<Instruction> sources;
  for (std::size_t i = 0; i < captures.size(); ++i) {
    Variable* variable = captures[i];
    if (variable->owner == function_) {
      sources.push_back({0, static_cast<u16>(variable->reg), 0, 0});
      if (variable->is_pending) {
        patches_.push_back({to, static_cast<u32>(i), variable->index});
        variable->index = static_cast<u32>(patches_.size()) - 1;
      }
    } else if (is_self(variable)) {
      sources.push_back({0, static_cast<u16>(self_register), 0, 0});
    } else {
      sources.push_back({0, static_cast<u16>(capture(function_, variable)), 1, 0});
    }
  }
  if (captures.size() > 0xffff) is_too_large_ = true;
  emit(Op::kClosure, to, static_cast<u32>(captures.size()));
  emit_constant_word(code);
  for (const Instruction& source : sources) emit_word(std::bit_cast<u64>(source));
  function_->next = saved;
}

// case-lambda: a closure over the closures of its clauses.
void Compiler::choice(Node* node, u32 to) {
  const auto count = static_cast<u32>(node->children.size());
  const u32 saved = function_->next;
  const u32 first = reserve(count);
  for (u32 i = 0; i < count; ++i) closure(node->children[i], first + i, nullptr);
  auto* code = heap_.make<Code>(Type::kCode, Code::size(1), 1);
  code->name = node->value.is_object() ? node->value : kFalse;
  code->constants = code->positions = kFalse;
  code->arity = Code::kVariadic;
  code->is_choice = 1;
  code->source = node->position.source;
  code->place = node->position.place;
  emit(Op::kClosure, to, count);
  emit_constant_word(Value::object(code));
  for (u32 i = 0; i < count; ++i) emit_word(std::bit_cast<u64>(Instruction{0, static_cast<u16>(first + i), 0, 0}));
  function_->next = saved;
}

Value Compiler::thunk(Node* node) {
  Node body;
  body.kind = NodeKind::kLambda;
  body.position = node->position;
  body.value = kFalse;
  body.children.push_back(node);
  std::vector<Variable*> captures;
  const Value code = lambda(&body, nullptr, captures);
  if (is_too_large_) {
    return machine_.error_at(node->position, "SyntaxError",
                             "a procedure has too many variables or arguments: 65,000 at most; or a form is too long");
  }
  auto* closure = heap_.make<Closure>(Type::kClosure, Closure::size(0));
  closure->code = code;
  return Value::closure(closure);
}

Value compile(Machine& machine, Node* node) {
  find_labels(node);
  Compiler compiler(machine, false);
  const Value procedure = compiler.thunk(node);
  if (!compiler.is_too_far()) return procedure;
  Compiler again(machine, true);
  return again.thunk(node);
}

Value Machine::compile(Value form, Value environment) {
  Arena arena;
  Node* node = expand_top_level(*this, arena, form, environment);
  return node == nullptr ? kRaised : lisp::compile(*this, node);
}

}  // namespace heddle::lisp
