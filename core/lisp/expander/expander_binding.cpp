// Forms that bind variables or keywords.
#include "lisp/expander/expansion.h"
#include "lisp/expander/expansion_guards.h"

namespace heddle::lisp {

// ((name value) ...): the names, and the nodes of the values, expanded outside.
bool Expansion::parse_bindings(Value bindings, Value form, std::vector<Value>& names, std::vector<Node*>& values) {
  if (length(bindings) < 0) return error(form, "expected bindings ((name value) ...)") != nullptr;
  for (; bindings.is_pair(); bindings = cdr(bindings)) {
    const Value binding = car(bindings);
    if (length(binding) != 2) return error(form, "expected bindings ((name value) ...)") != nullptr;
    Node* value = expand_named(car(cdr(binding)), is_identifier(car(binding)) ? symbol_of(car(binding)) : kFalse);
    if (value == nullptr) return false;
    names.push_back(car(binding));
    values.push_back(value);
  }
  return true;
}

Node* Expansion::let(Value form) {
  const i64 count = length(form);
  if (count >= 4 && is_identifier(car(cdr(form)))) return named_let(form);
  if (count < 3) return error(form, "expected (let ((name value) ...) body ...)");
  std::vector<Value> names;
  Node* result = arena_.node(NodeKind::kLet, here_);
  if (!parse_bindings(car(cdr(form)), form, names, result->children)) return nullptr;
  const ScopeGuard scope(*this);
  for (const Value name : names) {
    Variable* variable = bind_variable(name, form);
    if (variable == nullptr) return nullptr;
    result->variables.push_back(variable);
  }
  Node* inside = body(cdr(cdr(form)), form);
  if (inside == nullptr) return nullptr;
  if (names.empty()) return inside;
  result->children.push_back(inside);
  return result;
}

// (letrec ((name procedure)) (name initial ...))
Node* Expansion::call_loop(Variable* name, Node* procedure, std::vector<Node*>&& initial) {
  Node* start = arena_.node(NodeKind::kCall, here_);
  start->children = std::move(initial);
  start->children.insert(start->children.begin(), local(name));
  Node* result = node(NodeKind::kLetrec, {procedure, start});
  result->variables.push_back(name);
  return result;
}

Node* Expansion::named_let(Value form) {
  const Value name = car(cdr(form));
  std::vector<Value> names;
  std::vector<Node*> initial;
  if (!parse_bindings(car(cdr(cdr(form))), form, names, initial)) return nullptr;
  const ScopeGuard scope(*this);
  Variable* variable = bind_variable(name, form);
  if (variable == nullptr) return nullptr;
  Value formals = kNil;
  for (std::size_t index = names.size(); index > 0; --index) formals = heap_.cons(names[index - 1], formals);
  ++nesting_;  // for the procedure's body, until this form's level ends
  Node* procedure = lambda(formals, cdr(cdr(cdr(form))), form, symbol_of(name));
  return procedure == nullptr ? nullptr : call_loop(variable, procedure, std::move(initial));
}

// Each binding is a level of nesting, for the compiler too.
Node* Expansion::let_star(Value form) {
  if (length(form) < 3 || length(car(cdr(form))) < 0) return error(form, "expected (let* ((name value) ...) body ...)");
  Node* result = nullptr;
  Node** hole = &result;
  const u32 nesting = nesting_;
  const std::size_t scopes = scopes_.size();
  bool is_good = true;
  for (Value bindings = car(cdr(form)); is_good && bindings.is_pair(); bindings = cdr(bindings)) {
    const Value binding = car(bindings);
    is_good = false;
    if (length(binding) != 2) {
      error(form, "expected bindings ((name value) ...)");
      break;
    }
    if (++nesting_ > kMaxNesting) {
      error(form, "nested too deeply");
      break;
    }
    Node* value = expand_named(car(cdr(binding)), is_identifier(car(binding)) ? symbol_of(car(binding)) : kFalse);
    if (value == nullptr) break;
    open_scope();
    Variable* variable = bind_variable(car(binding), form);
    if (variable == nullptr) break;
    *hole = node(NodeKind::kLet, {value, nullptr});
    (*hole)->variables.push_back(variable);
    hole = &(*hole)->children[1];
    is_good = true;
  }
  if (is_good) *hole = body(cdr(cdr(form)), form);
  is_good = is_good && *hole != nullptr;
  nesting_ = nesting;
  while (scopes_.size() > scopes) close_scope();
  return is_good ? result : nullptr;
}

Node* Expansion::letrec_form(Value form) {
  if (length(form) < 3 || length(car(cdr(form))) < 0)
    return error(form, "expected (letrec ((name value) ...) body ...)");
  const ScopeGuard scope(*this);
  LetrecGroup& group = groups_.emplace_back();
  std::vector<Definition> definitions;
  for (Value bindings = car(cdr(form)); bindings.is_pair(); bindings = cdr(bindings)) {
    if (length(car(bindings)) != 2) return error(form, "expected bindings ((name value) ...)");
    Variable* variable = bind_variable(car(car(bindings)), form);
    if (variable == nullptr) return nullptr;
    Binding& binding = bindings_.back();
    binding.group = &group;
    binding.index = static_cast<u32>(definitions.size());
    definitions.push_back({variable, nullptr});
  }
  group.references.resize(definitions.size());
  Value bindings = car(cdr(form));
  for (Definition& definition : definitions) {
    ++group.current;
    definition.initializer = expand_named(car(cdr(car(bindings))), definition.variable->name);
    if (definition.initializer == nullptr) return nullptr;
    bindings = cdr(bindings);
  }
  group.current = -1;
  Node* inside = body(cdr(cdr(form)), form);
  return inside == nullptr ? nullptr : letrec(definitions, group, inside);
}

// (let-values (((a b . c) value) ...) body ...), each value a call of call-with-values around the next. The values of
// let-values are all expanded outside of its scopes.
Node* Expansion::let_values(Value form) {
  if (length(form) < 3 || length(car(cdr(form))) < 0) {
    return error(form, "expected (let-values (((name ...) value) ...) body ...)");
  }
  const bool is_star = is_word(car(form), Form::kLetStarValues);
  std::vector<Node*> values;
  const u32 nesting = nesting_;
  const std::size_t scopes = scopes_.size();
  std::vector<Node*> receivers;
  bool is_good = true;
  for (Value bindings = car(cdr(form)); is_good && bindings.is_pair(); bindings = cdr(bindings)) {
    is_good = false;
    if (length(car(bindings)) != 2) {
      error(form, "expected bindings ((name ...) value)");
      break;
    }
    // A call with two procedures.
    nesting_ += 2;
    if (nesting_ > kMaxNesting) {
      error(form, "nested too deeply");
      break;
    }
    // In the scopes so far, for let*-values; the others are bound below.
    Node* value = expand(car(cdr(car(bindings))));
    if (value == nullptr) break;
    values.push_back(value);
    if (is_star) {
      open_scope();
      Node* receiver = bind_formals(car(car(bindings)), form);
      if (receiver == nullptr) break;
      receivers.push_back(receiver);
    }
    is_good = true;
  }
  if (!is_star && is_good) {
    open_scope();
    for (Value bindings = car(cdr(form)); is_good && bindings.is_pair(); bindings = cdr(bindings)) {
      Node* receiver = bind_formals(car(car(bindings)), form);
      is_good = receiver != nullptr;
      receivers.push_back(receiver);
    }
  }
  Node* result = is_good ? body(cdr(cdr(form)), form) : nullptr;
  nesting_ = nesting;
  while (scopes_.size() > scopes) close_scope();
  for (std::size_t index = values.size(); result != nullptr && index > 0; --index) {
    receivers[index - 1]->children.push_back(result);
    result = core_call("call-with-values", {thunk(values[index - 1]), receivers[index - 1]});
  }
  return result;
}

// A procedure without its body, its arguments bound in the innermost scope.
Node* Expansion::bind_formals(Value formals, Value form) {
  Node* result = node(NodeKind::kLambda, {});
  for (; formals.is_pair() || is_identifier(formals); formals = cdr(formals)) {
    result->has_rest = !formals.is_pair();
    Variable* variable = bind_variable(result->has_rest ? formals : car(formals), form);
    if (variable == nullptr) return nullptr;
    result->variables.push_back(variable);
    if (result->has_rest) return result;
  }
  return formals.is_nil() ? result : error(form, "expected a list of names");
}

// (do ((name initial [step]) ...) (test result ...) command ...)
Node* Expansion::do_form(Value form) {
  constexpr std::string_view kExpected = "expected (do ((name initial [step]) ...) (test result ...) command ...)";
  if (length(form) < 3 || length(car(cdr(form))) < 0 || length(car(cdr(cdr(form)))) < 1) return error(form, kExpected);
  const Value bindings = car(cdr(form));
  const Value ending = car(cdr(cdr(form)));
  std::vector<Node*> initial;
  for (Value rest = bindings; rest.is_pair(); rest = cdr(rest)) {
    const i64 count = length(car(rest));
    if (count != 2 && count != 3) return error(form, kExpected);
    Node* value = expand(car(cdr(car(rest))));
    if (value == nullptr) return nullptr;
    initial.push_back(value);
  }
  Variable* name = arena_.variable(kFalse);
  Node* again = node(NodeKind::kCall, {local(name)});
  Node* procedure = node(NodeKind::kLambda, {});
  {
    const ScopeGuard scope(*this);
    for (Value rest = bindings; rest.is_pair(); rest = cdr(rest)) {
      Variable* variable = bind_variable(car(car(rest)), form);
      if (variable == nullptr) return nullptr;
      procedure->variables.push_back(variable);
    }
    Node* test = expand(car(ending));
    Node* result = test == nullptr ? nullptr : sequence(cdr(ending));
    if (result == nullptr) return nullptr;
    std::vector<Node*> commands;
    for (Value rest = cdr(cdr(cdr(form))); rest.is_pair(); rest = cdr(rest)) {
      Node* next = expand(car(rest));
      if (next == nullptr) return nullptr;
      commands.push_back(next);
    }
    std::size_t index = 0;
    for (Value rest = bindings; rest.is_pair(); rest = cdr(rest)) {
      const Value step = cdr(cdr(car(rest)));
      Node* next = step.is_nil() ? local(procedure->variables[index]) : expand(car(step));
      if (next == nullptr) return nullptr;
      again->children.push_back(next);
      ++index;
    }
    commands.push_back(again);
    procedure->children.push_back(node(NodeKind::kIf, {test, result, sequence_of(std::move(commands))}));
  }
  return call_loop(name, procedure, std::move(initial));
}

// A body of its own, as R7RS has it: definitions inside are not seen outside.
Node* Expansion::let_syntax(Value form) {
  if (length(form) < 3 || length(car(cdr(form))) < 0) {
    return error(form, "expected (let-syntax ((name (syntax-rules ...)) ...) body ...)");
  }
  const bool is_recursive = is_word(car(form), Form::kLetrecSyntax);
  std::vector<Value> macros;
  // The transformers of let-syntax mean what names mean outside.
  const auto make = [&](bool is_now) {
    if (!is_now) return true;
    for (Value bindings = car(cdr(form)); bindings.is_pair(); bindings = cdr(bindings)) {
      const Value binding = car(bindings);
      if (length(binding) != 2 || !is_identifier(car(binding))) {
        error(form, "expected bindings (name (syntax-rules ...))");
        return false;
      }
      const Value macro = transformer(car(cdr(binding)), car(binding), form);
      if (macro == kRaised) return false;
      macros.push_back(macro);
    }
    return true;
  };
  if (!make(!is_recursive)) return nullptr;
  const ScopeGuard scope(*this);
  std::vector<Binding*> bound;
  for (Value bindings = car(cdr(form)); bindings.is_pair(); bindings = cdr(bindings)) {
    if (length(car(bindings)) != 2) return error(form, "expected bindings (name (syntax-rules ...))");
    Binding* binding = bind_here(car(car(bindings)), form);
    if (binding == nullptr) return nullptr;
    bound.push_back(binding);
  }
  if (!make(is_recursive)) return nullptr;
  for (std::size_t index = 0; index < bound.size(); ++index) bound[index]->keyword = macros[index];
  return body(cdr(cdr(form)), form);
}

}  // namespace heddle::lisp
