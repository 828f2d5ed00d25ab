// Control: what prelude/control.scm needs of the machine, and the procedures on conditions. (R7RS 6.10, 6.11, 6.13.)
#include <algorithm>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/text/printer.h"

namespace heddle::lisp {
namespace {

bool is_procedure(Value value) {
  if (value.is_closure()) return true;
  if (!value.is_object()) return false;
  switch (value.to_object()->type) {
    case Type::kBuiltin:
    case Type::kHostProcedure:
    case Type::kContinuation:
    case Type::kParameter: return true;
    default: return false;
  }
}

Value procedure_is(Machine&, const Value* arguments, u32) { return Value::boolean(is_procedure(arguments[0])); }

Value apply(Machine& machine, const Value* arguments, u32 count) {
  std::vector<Value> all(arguments + 1, arguments + count - (count > 1 ? 1 : 0));
  if (count > 1) {
    u64 length = 0;
    if (!list_argument(machine, "apply", arguments, count - 1, length)) return kRaised;
    if (!room(machine, "apply", 8 * (length + count))) return kRaised;
    charge_items(machine, length);
    all.reserve(all.size() + length);
    for (Value at = arguments[count - 1]; at.is_pair(); at = cdr(at)) all.push_back(car(at));
  }
  return machine.tail_call(arguments[0], std::move(all));
}

Value values(Machine& machine, const Value* arguments, u32 count) {
  if (count == 1) return arguments[0];
  auto* all = machine.heap().make<Values>(Type::kValues, Values::size(count), count);
  std::copy_n(arguments, count, all->items);
  return Value::object(all);
}

Value apply_values(Machine& machine, const Value* arguments, u32) {
  if (!is_a(arguments[1], Type::kValues)) return machine.tail_call(arguments[0], arguments + 1, 1);
  auto* all = as<Values>(arguments[1]);
  return machine.tail_call(arguments[0], all->items, all->length);
}

Value call_cc(Machine& machine, const Value* arguments, u32) {
  if (!is_procedure(arguments[0])) return machine.type_error("call/cc", 1, "a procedure", arguments[0]);
  return machine.call_with_continuation(arguments[0]);
}

Value continuation_winders(Machine&, const Value* arguments, u32) { return as<Continuation>(arguments[0])->winders; }

Value enter(Machine& machine, const Value* arguments, u32) {
  machine.heap().write(machine.current().winders, as<Continuation>(arguments[0])->winders);
  return machine.enter(arguments[0], arguments[1]);
}

Value fail(Machine& machine, const Value* arguments, u32) { return machine.fail(arguments[0]); }

Value set_hook(Machine& machine, const Value* arguments, u32) {
  machine.set_hook(static_cast<Machine::Hook>(arguments[0].to_fixnum()), arguments[1]);
  return kUnspecified;
}

// --- The dynamic state

Value handlers(Machine& machine, const Value*, u32) { return machine.current().handlers; }
Value parameters(Machine& machine, const Value*, u32) { return machine.current().parameters; }
Value winders(Machine& machine, const Value*, u32) { return machine.current().winders; }

Value set_handlers(Machine& machine, const Value* arguments, u32) {
  machine.heap().write(machine.current().handlers, arguments[0]);
  return kUnspecified;
}
Value set_parameters(Machine& machine, const Value* arguments, u32) {
  machine.heap().write(machine.current().parameters, arguments[0]);
  return kUnspecified;
}
Value set_winders(Machine& machine, const Value* arguments, u32) {
  machine.heap().write(machine.current().winders, arguments[0]);
  return kUnspecified;
}

Value make_parameter(Machine& machine, const Value* arguments, u32) {
  auto* parameter = machine.heap().make<Parameter>(Type::kParameter);
  parameter->value = arguments[0];
  parameter->converter = arguments[1];
  return Value::object(parameter);
}

Value parameter_converter(Machine& machine, const Value* arguments, u32) {
  if (!is_a(arguments[0], Type::kParameter)) {
    return machine.type_error("parameterize", 1, "a parameter", arguments[0]);
  }
  return as<Parameter>(arguments[0])->converter;
}

// --- Conditions

Value raise(Machine& machine, const Value* arguments, u32) { return machine.raise(arguments[0]); }

// (error message irritant ...); a message that is no string is shown as one.
Value error(Machine& machine, const Value* arguments, u32 count) {
  Value irritants = kNil;
  for (u32 i = count; i-- > 1;) irritants = machine.heap().cons(arguments[i], irritants);
  const std::string message = is_string(arguments[0]) ? displayed(arguments[0]) : shown(arguments[0]);
  const Value condition = machine.make_condition("UserError", message, irritants);
  if (is_string(arguments[0])) as<Condition>(condition)->message = arguments[0];
  return machine.raise(condition);
}

// A handler returned to a raise that cannot go on: that is an error of its own, with what was raised as its irritant.
// If the next handler returns as well, it stays the same.
Value raise_unhandled(Machine& machine, const Value* arguments, u32) {
  constexpr std::string_view kMessage = "a handler returned to a raise that cannot go on";
  const bool is_condition = is_a(arguments[0], Type::kCondition);
  const auto* original = is_condition ? as<Condition>(arguments[0]) : nullptr;
  const std::string message = is_condition ? displayed(original->message) : std::string();
  if (message.starts_with(kMessage)) return machine.raise(arguments[0]);
  const Value condition = machine.make_condition("UserError", kMessage, machine.heap().cons(arguments[0], kNil));
  if (is_condition) {
    auto* copy = as<Condition>(condition);
    copy->code = original->code;
    copy->position = original->position;
    copy->backtrace = original->backtrace;
    copy->payload = original->payload;
    copy->message = machine.heap().string(std::string(kMessage) + ": " + message);
  }
  return machine.raise(condition);
}

Value condition_is(Machine&, const Value* arguments, u32) {
  return Value::boolean(is_a(arguments[0], Type::kCondition));
}

bool has_code(Machine& machine, Value value, std::string_view code) {
  return is_a(value, Type::kCondition) && as<Condition>(value)->code == machine.heap().symbol(code);
}
Value read_error_is(Machine& machine, const Value* arguments, u32) {
  return Value::boolean(has_code(machine, arguments[0], "ReadError"));
}
Value file_error_is(Machine& machine, const Value* arguments, u32) {
  return Value::boolean(has_code(machine, arguments[0], "FileError"));
}

Value condition_message(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "error-object-message", arguments, 0, Type::kCondition, "an error object")) {
    return kRaised;
  }
  return as<Condition>(arguments[0])->message;
}
Value condition_irritants(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "error-object-irritants", arguments, 0, Type::kCondition, "an error object")) {
    return kRaised;
  }
  return as<Condition>(arguments[0])->irritants;
}
Value condition_code(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "condition-code", arguments, 0, Type::kCondition, "an error object")) return kRaised;
  return as<Condition>(arguments[0])->code;
}
// "file:line:column: message", of any object that was raised.
Value condition_report(Machine& machine, const Value* arguments, u32) {
  return machine.heap().string(machine.report(arguments[0]));
}
// "file:line:column" or #f.
Value condition_position(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "condition-position", arguments, 0, Type::kCondition, "an error object")) return kRaised;
  const std::string position = machine.position_of(arguments[0]);
  return position.empty() ? kFalse : machine.heap().string(position);
}
Value condition_backtrace(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "condition-backtrace", arguments, 0, Type::kCondition, "an error object")) return kRaised;
  ListBuilder list(machine.heap());
  for (const std::string& line : machine.backtrace_of(arguments[0])) list.add(machine.heap().string(line));
  return list.list();
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"%apply-values", apply_values, 2, 2},
    {"%call/cc", call_cc, 1, 1},
    {"%continuation-winders", continuation_winders, 1, 1},
    {"%enter", enter, 2, 2},
    {"%fail", fail, 1, 1},
    {"%handlers", handlers, 0, 0},
    {"%make-parameter", make_parameter, 2, 2},
    {"%parameter-converter", parameter_converter, 1, 1},
    {"%parameters", parameters, 0, 0},
    {"%raise-unhandled", raise_unhandled, 1, 1},
    {"%set-handlers!", set_handlers, 1, 1},
    {"%set-hook!", set_hook, 2, 2},
    {"%set-parameters!", set_parameters, 1, 1},
    {"%set-winders!", set_winders, 1, 1},
    {"%winders", winders, 0, 0},
    {"apply", apply, 1, kAnyCount},
    {"call-with-current-continuation", call_cc, 1, 1},
    {"call/cc", call_cc, 1, 1},
    {"condition-backtrace", condition_backtrace, 1, 1},
    {"condition-code", condition_code, 1, 1},
    {"condition-position", condition_position, 1, 1},
    {"condition-report", condition_report, 1, 1},
    {"error", error, 1, kAnyCount},
    {"error-object-irritants", condition_irritants, 1, 1},
    {"error-object-message", condition_message, 1, 1},
    {"error-object?", condition_is, 1, 1},
    {"file-error?", file_error_is, 1, 1},
    {"procedure?", procedure_is, 1, 1},
    {"raise", raise, 1, 1},
    {"read-error?", read_error_is, 1, 1},
    {"values", values, 0, kAnyCount},
};

}  // namespace

void define_control(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
