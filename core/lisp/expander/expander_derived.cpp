// Forms that become others, or calls of procedures of the core.
#include "lisp/builtins/arguments.h"
#include "lisp/expander/expansion.h"
#include "lisp/expander/expansion_guards.h"

namespace heddle::lisp {

Node* Expansion::delay(Value form) {
  if (length(form) != 2) return error(form, "expected one expression");
  const bool is_force = is_word(car(form), Form::kDelayForce);
  Node* inside = expand(car(cdr(form)));
  if (inside == nullptr) return nullptr;
  return core_call("%make-lazy", {thunk(is_force ? inside : core_call("%make-promise", {inside}))});
}

// (%with-parameters (list (cons parameter value) ...) thunk)
Node* Expansion::parameterize(Value form) {
  if (length(form) < 3 || length(car(cdr(form))) < 0) {
    return error(form, "expected (parameterize ((parameter value) ...) body ...)");
  }
  Node* pairs = core_call("list", {});
  for (Value bindings = car(cdr(form)); bindings.is_pair(); bindings = cdr(bindings)) {
    const Value binding = car(bindings);
    if (length(binding) != 2) return error(form, "expected bindings (parameter value)");
    Node* parameter = expand(car(binding));
    Node* value = parameter == nullptr ? nullptr : expand(car(cdr(binding)));
    if (value == nullptr) return nullptr;
    pairs->children.push_back(core_call("cons", {parameter, value}));
  }
  Node* inside = body(cdr(cdr(form)), form);
  return inside == nullptr ? nullptr : core_call("%with-parameters", {pairs, thunk(inside)});
}

// (guard (name clause ...) body ...) is
//   (%guard (lambda () body ...) (lambda (name reraise) (cond clause ... (else (reraise)))))
// where %guard calls its second argument in its own dynamic environment, and reraise raises again, by
// raise-continuable, in that of the first raise. Where a clause always applies, it is
//   (%guard-all (lambda () body ...) (lambda (name) (cond clause ...)))
// which does not have to go back there: what was raised lets go of the frames that it comes from.
Node* Expansion::guard(Value form) {
  if (length(form) < 3 || length(car(cdr(form))) < 1) {
    return error(form, "expected (guard (name clause ...) body ...)");
  }
  Node* inside = body(cdr(cdr(form)), form);
  if (inside == nullptr) return nullptr;
  Node* handler = node(NodeKind::kLambda, {});
  const ScopeGuard scope(*this);
  Variable* condition = bind_variable(car(car(cdr(form))), form);
  if (condition == nullptr) return nullptr;
  Value last = kFalse;
  for (Value at = cdr(car(cdr(form))); at.is_pair(); at = cdr(at)) last = car(at);
  if (last.is_pair() && (is_word(car(last), Form::kElse) || (car(last) == kTrue && cdr(last).is_pair()))) {
    handler->variables = {condition};
    Node* choice = clauses(cdr(car(cdr(form))), unspecified(), form);
    if (choice == nullptr) return nullptr;
    handler->children.push_back(choice);
    return core_call("%guard-all", {thunk(inside), handler});
  }
  Variable* reraise = arena_.variable(kFalse);
  handler->variables = {condition, reraise};
  Node* choice = clauses(cdr(car(cdr(form))), node(NodeKind::kCall, {local(reraise)}), form);
  if (choice == nullptr) return nullptr;
  handler->children.push_back(choice);
  return core_call("%guard", {thunk(inside), handler});
}

Node* Expansion::include(Value form) {
  machine_.error_at(here_, "CapabilityViolation",
                    shown(symbol_of(car(form))) + ": reading a file needs a capability that this program does not have",
                    {strip(form)});
  return nullptr;
}

Node* Expansion::syntax_error_form(Value form) {
  if (length(form) < 2) return error(form, "expected (syntax-error message form ...)");
  const Value message = strip(car(cdr(form)));
  std::string text = is_string(message) ? text_of(message) : shown(message);
  for (Value rest = cdr(cdr(form)); rest.is_pair(); rest = cdr(rest)) text += " " + shown(strip(car(rest)));
  machine_.error_at(here_, "SyntaxError", text, {});
  return nullptr;
}

// --- Rewriting

// (define-values (a b . c) value) is
//   (begin (define a) ... (call-with-values (lambda () value) (lambda (t u . v) (set! a t) ...)))
Value Expansion::define_values(Value form) {
  if (length(form) != 3) return error_value(form, "expected (define-values (name ...) value)");
  const Value define = core_identifier("define");
  const Value set = core_identifier("set!");
  // A local variable is checked when it is used too early; a global one must be defined to be assigned.
  const Value initial = depth_ > 0 ? kUndefined : kUnspecified;
  std::vector<Value> forms;
  std::vector<Value> names;
  Value formals = car(cdr(form));
  if (formals.is_pair() && length(formals) < 0 && is_circular(formals)) {
    return error_value(form, "expected a list of names");
  }
  for (; formals.is_pair(); formals = cdr(formals)) names.push_back(car(formals));
  const bool has_rest = !formals.is_nil();
  if (has_rest) names.push_back(formals);
  Value temporaries = kNil;
  Value assignments = kNil;
  Value definitions = kNil;
  for (std::size_t index = names.size(); index > 0; --index) {
    const Value name = names[index - 1];
    if (!is_identifier(name)) return error_value(form, "expected a list of names");
    const Value temporary = core_identifier("value");
    temporaries = has_rest && index == names.size() ? temporary : heap_.cons(temporary, temporaries);
    assignments = heap_.cons(cons_like(form, set, list({name, temporary})), assignments);
    definitions = heap_.cons(cons_like(form, define, list({name, initial})), definitions);
  }
  assignments = assignments.is_nil() ? list({kUnspecified}) : assignments;
  const Value lambda = core_identifier("lambda");
  const Value producer = cons_like(form, lambda, list({kNil, car(cdr(cdr(form)))}));
  const Value receiver = cons_like(form, lambda, heap_.cons(temporaries, assignments));
  const Value call = cons_like(form, core_identifier("call-with-values"), list({producer, receiver}));
  Value result = list({call});
  for (; definitions.is_pair(); definitions = cdr(definitions)) forms.push_back(car(definitions));
  for (std::size_t index = forms.size(); index > 0; --index) result = heap_.cons(forms[index - 1], result);
  return cons_like(form, core_identifier("begin"), result);
}

// See builtins/records.cpp for what the definitions call.
Value Expansion::define_record_type(Value form) {
  constexpr std::string_view kExpected =
      "expected (define-record-type name (constructor field ...) predicate (field accessor [modifier]) ...)";
  if (length(form) < 4) return error_value(form, kExpected);
  const Value define = core_identifier("define");
  const Value lambda = core_identifier("lambda");
  const Value quote = core_identifier("quote");
  const auto quoted = [&](Value datum) { return list({quote, datum}); };
  std::vector<Value> forms;
  const auto define_procedure = [&](Value name, Value formals, Value call) {
    forms.push_back(cons_like(form, define, list({name, cons_like(form, lambda, list({formals, call}))})));
  };
  Value name = car(cdr(form));
  const Value constructor = car(cdr(cdr(form)));
  const Value predicate = car(cdr(cdr(cdr(form))));
  const Value specs = cdr(cdr(cdr(cdr(form))));
  // (name parent) and the like of other standards are refused.
  if (!is_identifier(name)) return error_value(form, kExpected);

  IdentityMap numbers;  // field -> its number + 1
  std::vector<Value> fields;
  for (Value rest = specs; rest.is_pair(); rest = cdr(rest)) {
    Value spec = car(rest);
    if (is_identifier(spec)) spec = list({spec});
    const i64 count = length(spec);
    if (count < 1 || count > 3 || !is_identifier(car(spec))) return error_value(form, kExpected);
    u64& number = numbers[car(spec)];
    if (number != 0) return error_value(form, "the field " + shown(symbol_of(car(spec))) + " is there twice");
    fields.push_back(car(spec));
    number = fields.size();
  }
  const Value field_names = heap_.vector(static_cast<u32>(fields.size()), kFalse);
  for (std::size_t index = 0; index < fields.size(); ++index) {
    as<Vector>(field_names)->items[index] = symbol_of(fields[index]);
  }
  // The procedures refer to a variable that nobody can name, and so not define again.
  const Value type = heap_.uninterned(as<Symbol>(symbol_of(name))->name);
  forms.push_back(cons_like(
      form, define,
      list({type, list({core_identifier("%make-record-type"), quoted(symbol_of(name)), quoted(field_names)})})));
  forms.push_back(cons_like(form, define, list({name, type})));

  // A constructor may be a list, a name (all fields), or #f: none.
  if (constructor.is_pair() || is_identifier(constructor)) {
    Value formals = kNil;
    if (constructor.is_pair()) {
      if (length(constructor) < 1) return error_value(form, kExpected);
      formals = cdr(constructor);
    } else {
      for (std::size_t index = fields.size(); index > 0; --index) formals = heap_.cons(fields[index - 1], formals);
    }
    IdentityMap given;
    for (Value rest = formals; rest.is_pair(); rest = cdr(rest)) {
      if (!is_identifier(car(rest)) || numbers.find(car(rest)) == nullptr) {
        return error_value(form, "the constructor's " + shown(strip(car(rest))) + " is not a field");
      }
      given[car(rest)] = 1;
    }
    Value values = kNil;
    for (std::size_t index = fields.size(); index > 0; --index) {
      values = heap_.cons(given.find(fields[index - 1]) != nullptr ? fields[index - 1] : kFalse, values);
    }
    define_procedure(constructor.is_pair() ? car(constructor) : constructor, formals,
                     list({core_identifier("%record"), type}, values));
  } else if (constructor.is_true()) {
    return error_value(form, kExpected);
  }

  const Value record = core_identifier("record");
  const Value value = core_identifier("value");
  if (is_identifier(predicate)) {
    define_procedure(predicate, list({record}), list({core_identifier("%record?"), record, type}));
  } else if (predicate.is_true()) {
    return error_value(form, kExpected);
  }
  i64 number = 0;
  for (Value rest = specs; rest.is_pair(); rest = cdr(rest), ++number) {
    const Value spec = car(rest);
    if (!spec.is_pair() || cdr(spec).is_nil()) continue;
    const Value accessor = car(cdr(spec));
    if (!is_identifier(accessor)) return error_value(form, kExpected);
    define_procedure(
        accessor, list({record}),
        list({core_identifier("%record-ref"), record, type, Value::fixnum(number), quoted(symbol_of(accessor))}));
    if (cdr(cdr(spec)).is_nil()) continue;
    const Value modifier = car(cdr(cdr(spec)));
    if (!is_identifier(modifier)) return error_value(form, kExpected);
    define_procedure(modifier, list({record, value}),
                     list({core_identifier("%record-set!"), record, type, Value::fixnum(number), value,
                           quoted(symbol_of(modifier))}));
  }
  Value result = kNil;
  for (std::size_t index = forms.size(); index > 0; --index) result = heap_.cons(forms[index - 1], result);
  return cons_like(form, core_identifier("begin"), result);
}

}  // namespace heddle::lisp
