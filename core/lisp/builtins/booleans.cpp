// Booleans and symbols (R7RS 6.3, 6.5).
#include <string>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"

namespace heddle::lisp {
namespace {

Value not_true(Machine&, const Value* arguments, u32) { return Value::boolean(!arguments[0].is_true()); }

Value boolean_is(Machine&, const Value* arguments, u32) { return Value::boolean(arguments[0].is_boolean()); }

Value symbol_is(Machine&, const Value* arguments, u32) { return Value::boolean(is_symbol(arguments[0])); }

// All arguments are looked at, also behind a difference.
Value boolean_same(Machine& machine, const Value* arguments, u32 count) {
  bool same = true;
  for (u32 index = 0; index < count; ++index) {
    if (!arguments[index].is_boolean())
      return machine.type_error("boolean=?", index + 1, "a boolean", arguments[index]);
    same &= arguments[index] == arguments[0];
  }
  charge_items(machine, count);
  return Value::boolean(same);
}

Value symbol_same(Machine& machine, const Value* arguments, u32 count) {
  bool same = true;
  for (u32 index = 0; index < count; ++index) {
    if (!type_argument(machine, "symbol=?", arguments, index, Type::kSymbol, "a symbol")) return kRaised;
    same &= arguments[index] == arguments[0];
  }
  charge_items(machine, count);
  return Value::boolean(same);
}

Value symbol_to_string(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "symbol->string", arguments, 0, Type::kSymbol, "a symbol")) return kRaised;
  return as<Symbol>(arguments[0])->name;
}

Value string_to_symbol(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "string->symbol", arguments, 0, Type::kString, "a string")) return kRaised;
  charge_items(machine, as<String>(arguments[0])->length);
  return machine.heap().symbol(arguments[0]);
}

Value string_to_uninterned(Machine& machine, const Value* arguments, u32) {
  if (!type_argument(machine, "string->uninterned-symbol", arguments, 0, Type::kString, "a string")) return kRaised;
  charge_items(machine, as<String>(arguments[0])->length);
  return machine.heap().uninterned(arguments[0]);
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"boolean=?", boolean_same, 2, kAnyCount},
    {"boolean?", boolean_is, 1, 1},
    {"not", not_true, 1, 1},
    {"string->symbol", string_to_symbol, 1, 1},
    {"string->uninterned-symbol", string_to_uninterned, 1, 1},
    {"symbol->string", symbol_to_string, 1, 1},
    {"symbol=?", symbol_same, 2, kAnyCount},
    {"symbol?", symbol_is, 1, 1},
};

}  // namespace

void define_booleans(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
