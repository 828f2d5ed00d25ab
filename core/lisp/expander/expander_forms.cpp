// The table of the special forms, and those that control evaluation.
#include "lisp/expander/expansion.h"
#include "lisp/expander/expansion_guards.h"

namespace heddle::lisp {

// In the order of Form.
const Expansion::Special Expansion::kSpecials[] = {
    {"define", Form::kDefine, nullptr},
    {"define-values", Form::kDefineValues, nullptr},
    {"define-record-type", Form::kDefineRecordType, nullptr},
    {"define-syntax", Form::kDefineSyntax, nullptr},
    {"define-library", Form::kDefineLibrary, nullptr},
    {"import", Form::kImport, nullptr},
    {"begin", Form::kBegin, &Expansion::begin},
    {"quote", Form::kQuote, &Expansion::quote},
    {"quasiquote", Form::kQuasiquote, &Expansion::quasiquote},
    {"lambda", Form::kLambda, &Expansion::lambda_form},
    {"case-lambda", Form::kCaseLambda, &Expansion::case_lambda},
    {"set!", Form::kSet, &Expansion::set},
    {"if", Form::kIf, &Expansion::if_form},
    {"cond", Form::kCond, &Expansion::cond},
    {"case", Form::kCase, &Expansion::case_form},
    {"and", Form::kAnd, &Expansion::junction},
    {"or", Form::kOr, &Expansion::junction},
    {"when", Form::kWhen, &Expansion::when},
    {"unless", Form::kUnless, &Expansion::when},
    {"let", Form::kLet, &Expansion::let},
    {"let*", Form::kLetStar, &Expansion::let_star},
    {"letrec", Form::kLetrec, &Expansion::letrec_form},
    {"letrec*", Form::kLetrecStar, &Expansion::letrec_form},
    {"let-values", Form::kLetValues, &Expansion::let_values},
    {"let*-values", Form::kLetStarValues, &Expansion::let_values},
    {"do", Form::kDo, &Expansion::do_form},
    {"let-syntax", Form::kLetSyntax, &Expansion::let_syntax},
    {"letrec-syntax", Form::kLetrecSyntax, &Expansion::let_syntax},
    {"delay", Form::kDelay, &Expansion::delay},
    {"delay-force", Form::kDelayForce, &Expansion::delay},
    {"parameterize", Form::kParameterize, &Expansion::parameterize},
    {"guard", Form::kGuard, &Expansion::guard},
    {"assert", Form::kAssert, &Expansion::assert_form},
    {"cond-expand", Form::kCondExpand, nullptr},
    {"include", Form::kInclude, &Expansion::include},
    {"include-ci", Form::kIncludeCi, &Expansion::include},
    {"syntax-error", Form::kSyntaxError, &Expansion::syntax_error_form},
    {"syntax-rules", Form::kSyntaxRules, nullptr},
    {"else", Form::kElse, nullptr},
    {"=>", Form::kArrow, nullptr},
    {"...", Form::kEllipsis, nullptr},
    {"_", Form::kUnderscore, nullptr},
    {"unquote", Form::kUnquote, nullptr},
    {"unquote-splicing", Form::kUnquoteSplicing, nullptr},
};

Value make_core_environment(Heap& heap) {
  const Value core = make_environment(heap, EnvironmentKind::kCore);
  const Value libraries = make_environment(heap, EnvironmentKind::kTable);
  heap.write(as<Environment>(core)->libraries, libraries);
  for (const Expansion::Special& special : Expansion::kSpecials) {
    const Value name = heap.symbol(special.name);
    auto* object = heap.make<Special>(Type::kSpecial, sizeof(Special));
    object->name = name;
    object->form = Value::fixnum(static_cast<i64>(special.form));
    bind(heap, core, name, Value::object(object));
  }
  return core;
}

bool Expansion::is_rewriting(Form form) const {
  return form == Form::kDefineValues || form == Form::kDefineRecordType || form == Form::kCondExpand;
}

Value Expansion::rewrite(Value form, Form which) {
  if (++expansions_ > kMaxExpansions) return error_value(form, "macros expand without end");
  switch (which) {
    case Form::kDefineValues: return define_values(form);
    case Form::kDefineRecordType: return define_record_type(form);
    default: return cond_expand(form);
  }
}

Node* Expansion::quote(Value form) {
  if (length(form) != 2) return error(form, "expected (quote datum)");
  return constant(strip(car(cdr(form))));
}

Node* Expansion::begin(Value form) { return sequence(cdr(form)); }

Node* Expansion::lambda_form(Value form) {
  if (length(form) < 3) return error(form, "expected (lambda (argument ...) body ...)");
  return lambda(car(cdr(form)), cdr(cdr(form)), form, kFalse);
}

Node* Expansion::case_lambda(Value form) {
  Node* result = arena_.node(NodeKind::kCaseLambda, here_);
  result->value = kFalse;
  for (Value clauses = cdr(form); clauses.is_pair(); clauses = cdr(clauses)) {
    const Value clause = car(clauses);
    if (length(clause) < 2) return error(form, "expected clauses ((argument ...) body ...)");
    Node* next = lambda(car(clause), cdr(clause), clause, kFalse);
    if (next == nullptr) return nullptr;
    result->children.push_back(next);
  }
  return result;
}

Node* Expansion::set(Value form) {
  if (length(form) != 3 || !is_identifier(car(cdr(form)))) return error(form, "expected (set! name value)");
  const Value name = car(cdr(form));
  const Meaning found = meaning(name);
  Node* result = arena_.node(NodeKind::kSetLocal, here_);
  if (found.local != nullptr) {
    if (found.local->variable == nullptr) return error(form, shown(symbol_of(name)) + " is syntax, not a variable");
    result->variable = found.local->variable;
    result->variable->is_assigned = true;
  } else {
    if (is_a(found.global, Type::kMacro) || is_a(found.global, Type::kSpecial)) {
      return error(form, shown(symbol_of(name)) + " is syntax, not a variable");
    }
    result->kind = NodeKind::kSetGlobal;
    result->value = cell_to_assign(heap_, found.environment, found.symbol);
    if (result->value == kUndefined) {
      return error(form, shown(found.symbol) + " is imported from a library and cannot be assigned");
    }
  }
  Node* value = expand_named(car(cdr(cdr(form))), symbol_of(name));
  if (value == nullptr) return nullptr;
  result->children.push_back(value);
  return result;
}

Node* Expansion::if_form(Value form) {
  const i64 count = length(form);
  if (count != 3 && count != 4) return error(form, "expected (if test consequent [alternative])");
  Node* result = arena_.node(NodeKind::kIf, here_);
  for (Value rest = cdr(form); rest.is_pair(); rest = cdr(rest)) {
    Node* next = expand(car(rest));
    if (next == nullptr) return nullptr;
    result->children.push_back(next);
  }
  if (count == 3) result->children.push_back(unspecified());
  return result;
}

// (let ((t test)) (if t CONSEQUENT HOLE)); the consequent is t itself unless `receiver` is to be called with it.
Node** Expansion::bind_test(Node** hole, Node* test, Node* receiver) {
  Variable* variable = arena_.variable(kFalse);
  Node* consequent = local(variable);
  if (receiver != nullptr) consequent = node(NodeKind::kCall, {receiver, consequent});
  Node* choice = node(NodeKind::kIf, {local(variable), consequent, nullptr});
  Node* result = node(NodeKind::kLet, {test, choice});
  result->variables.push_back(variable);
  *hole = result;
  return &choice->children[2];
}

Node* Expansion::clauses(Value clauses, Node* otherwise, Value form) {
  Node* result = nullptr;
  Node** hole = &result;
  for (; clauses.is_pair(); clauses = cdr(clauses)) {
    const Value clause = car(clauses);
    note_position(clause);
    const i64 count = length(clause);
    if (count < 1) return error(form, "expected clauses (test expression ...)");
    if (is_word(car(clause), Form::kElse)) {
      if (!cdr(clauses).is_nil() || count < 2) return error(form, "else is for the last clause and has expressions");
      return *hole = sequence(cdr(clause)), *hole == nullptr ? nullptr : result;
    }
    Node* test = expand(car(clause));
    if (test == nullptr) return nullptr;
    if (count == 1) {
      hole = bind_test(hole, test, nullptr);
    } else if (is_word(car(cdr(clause)), Form::kArrow)) {
      if (count != 3) return error(form, "expected (test => receiver)");
      Node* receiver = expand(car(cdr(cdr(clause))));
      if (receiver == nullptr) return nullptr;
      hole = bind_test(hole, test, receiver);
    } else {
      Node* consequent = sequence(cdr(clause));
      if (consequent == nullptr) return nullptr;
      Node* choice = node(NodeKind::kIf, {test, consequent, nullptr});
      *hole = choice;
      hole = &choice->children[2];
    }
  }
  *hole = otherwise;
  return result;
}

Node* Expansion::cond(Value form) {
  if (cdr(form).is_nil()) return error(form, "expected clauses (test expression ...)");
  return clauses(cdr(form), unspecified(), form);
}

// A datum is compared by eq? where that is eqv?; of many, memv looks for the key.
Node* Expansion::case_test(Variable* key, Value data) {
  constexpr i64 kMaxComparisons = 4;
  if (length(data) > kMaxComparisons) return core_call("memv", {local(key), constant(strip(data))});
  Node* result = constant(kFalse);
  std::vector<Value> items;
  for (; data.is_pair(); data = cdr(data)) items.push_back(strip(car(data)));
  while (!items.empty()) {
    const Value item = items.back();
    items.pop_back();
    const bool is_word_sized = item.is_fixnum() || item.is_immediate() || is_symbol(item);
    Node* test = core_call(is_word_sized ? "eq?" : "eqv?", {local(key), constant(item)});
    const bool is_last = result->kind == NodeKind::kConstant;
    result = is_last ? test : node(NodeKind::kIf, {test, constant(kTrue), result});
  }
  return result;
}

Node* Expansion::case_form(Value form) {
  if (length(form) < 3) return error(form, "expected (case key ((datum ...) expression ...) ...)");
  Node* key = expand(car(cdr(form)));
  if (key == nullptr) return nullptr;
  Variable* variable = arena_.variable(kFalse);
  Node* choices = nullptr;
  Node** hole = &choices;
  bool has_else = false;
  for (Value clauses = cdr(cdr(form)); clauses.is_pair(); clauses = cdr(clauses)) {
    const Value clause = car(clauses);
    note_position(clause);
    const i64 count = length(clause);
    if (count < 2) return error(form, "expected clauses ((datum ...) expression ...)");
    has_else = is_word(car(clause), Form::kElse);
    if (has_else ? !cdr(clauses).is_nil() : length(car(clause)) < 0) {
      return error(form, has_else ? "else is for the last clause" : "expected clauses ((datum ...) expression ...)");
    }
    Node* consequent = nullptr;
    if (is_word(car(cdr(clause)), Form::kArrow)) {
      if (count != 3) return error(form, "expected ((datum ...) => receiver)");
      Node* receiver = expand(car(cdr(cdr(clause))));
      if (receiver != nullptr) consequent = node(NodeKind::kCall, {receiver, local(variable)});
    } else {
      consequent = sequence(cdr(clause));
    }
    if (consequent == nullptr) return nullptr;
    if (has_else) {
      *hole = consequent;
      break;
    }
    Node* choice = node(NodeKind::kIf, {case_test(variable, car(clause)), consequent, nullptr});
    *hole = choice;
    hole = &choice->children[2];
  }
  if (!has_else) *hole = unspecified();
  Node* result = node(NodeKind::kLet, {key, choices});
  result->variables.push_back(variable);
  return result;
}

// and, or.
Node* Expansion::junction(Value form) {
  const bool is_and = is_word(car(form), Form::kAnd);
  if (cdr(form).is_nil()) return constant(Value::boolean(is_and));
  Node* result = nullptr;
  Node** hole = &result;
  for (Value rest = cdr(form); rest.is_pair(); rest = cdr(rest)) {
    Node* next = expand(car(rest));
    if (next == nullptr) return nullptr;
    if (cdr(rest).is_nil()) {
      *hole = next;
    } else if (is_and) {
      Node* choice = node(NodeKind::kIf, {next, nullptr, constant(kFalse)});
      *hole = choice;
      hole = &choice->children[1];
    } else {
      hole = bind_test(hole, next, nullptr);
    }
  }
  return result;
}

Node* Expansion::when(Value form) {
  if (length(form) < 3) return error(form, "expected a test and expressions");
  const bool is_unless = is_word(car(form), Form::kUnless);
  Node* test = expand(car(cdr(form)));
  Node* inside = test == nullptr ? nullptr : sequence(cdr(cdr(form)));
  if (inside == nullptr) return nullptr;
  return is_unless ? node(NodeKind::kIf, {test, unspecified(), inside})
                   : node(NodeKind::kIf, {test, inside, unspecified()});
}

Node* Expansion::assert_form(Value form) {
  if (length(form) < 2) return error(form, "expected (assert expression message ...)");
  Node* test = expand(car(cdr(form)));
  if (test == nullptr) return nullptr;
  Node* failure = core_call("%assertion-failed", {constant(strip(car(cdr(form))))});
  for (Value rest = cdr(cdr(form)); rest.is_pair(); rest = cdr(rest)) {
    Node* next = expand(car(rest));
    if (next == nullptr) return nullptr;
    failure->children.push_back(next);
  }
  return node(NodeKind::kIf, {test, unspecified(), failure});
}

}  // namespace heddle::lisp
