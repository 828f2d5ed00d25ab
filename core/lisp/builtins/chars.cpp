// Characters (R7RS 6.6): properties and simple case mappings of Unicode, see unicode.h.
#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/builtins/comparison.h"
#include "lisp/text/unicode.h"
#include "lisp/text/utf8.h"

namespace heddle::lisp {
namespace {

bool char_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index) {
  if (arguments[index].is_char()) return true;
  machine.type_error(name, index + 1, "a character", arguments[index]);
  return false;
}

// --- Comparisons

constexpr const char* kCompare[] = {"char=?", "char<?", "char>?", "char<=?", "char>=?"};
constexpr const char* kCompareFolded[] = {"char-ci=?", "char-ci<?", "char-ci>?", "char-ci<=?", "char-ci>=?"};

// All arguments are looked at, also behind a pair for which it does not hold.
Value compare_all(Machine& machine, const Value* arguments, u32 count, Comparison comparison, bool folds) {
  const char* name = (folds ? kCompareFolded : kCompare)[static_cast<u32>(comparison)];
  bool result = true;
  u32 last = 0;
  for (u32 i = 0; i < count; ++i) {
    if (!char_argument(machine, name, arguments, i)) return kRaised;
    u32 c = arguments[i].to_char();
    if (folds) c = foldcase(c);
    if (i > 0) result &= holds(comparison, static_cast<i32>(last) - static_cast<i32>(c));
    last = c;
  }
  charge_items(machine, count);
  return Value::boolean(result);
}

template <Comparison kComparison, bool kFolds>
Value compare(Machine& machine, const Value* arguments, u32 count) {
  return compare_all(machine, arguments, count, kComparison, kFolds);
}

// --- What a character is

Value char_is(Machine&, const Value* arguments, u32) { return Value::boolean(arguments[0].is_char()); }

Value property(Machine& machine, const char* name, bool (*holds_for)(u32), const Value* arguments) {
  if (!char_argument(machine, name, arguments, 0)) return kRaised;
  return Value::boolean(holds_for(arguments[0].to_char()));
}

Value alphabetic_is(Machine& machine, const Value* arguments, u32) {
  return property(machine, "char-alphabetic?", is_alphabetic, arguments);
}
Value numeric_is(Machine& machine, const Value* arguments, u32) {
  return property(machine, "char-numeric?", [](u32 c) { return heddle::lisp::digit_value(c) >= 0; }, arguments);
}
Value whitespace_is(Machine& machine, const Value* arguments, u32) {
  return property(machine, "char-whitespace?", is_whitespace, arguments);
}
Value upper_case_is(Machine& machine, const Value* arguments, u32) {
  return property(machine, "char-upper-case?", is_upper_case, arguments);
}
Value lower_case_is(Machine& machine, const Value* arguments, u32) {
  return property(machine, "char-lower-case?", is_lower_case, arguments);
}

Value value_of_digit(Machine& machine, const Value* arguments, u32) {
  if (!char_argument(machine, "digit-value", arguments, 0)) return kRaised;
  const i32 value = heddle::lisp::digit_value(arguments[0].to_char());
  return value < 0 ? kFalse : Value::fixnum(value);
}

// --- Conversions

Value to_integer(Machine& machine, const Value* arguments, u32) {
  if (!char_argument(machine, "char->integer", arguments, 0)) return kRaised;
  return Value::fixnum(arguments[0].to_char());
}

Value from_integer(Machine& machine, const Value* arguments, u32) {
  u64 number = 0;
  if (!integer_argument(machine, "integer->char", arguments, 0, "a code point", kMaxCodePoint, number)) return kRaised;
  if (is_scalar_value(static_cast<u32>(number))) return Value::character(static_cast<u32>(number));
  return machine.range_error("integer->char", 1, "a code point that is no surrogate", arguments[0]);
}

Value mapped(Machine& machine, const char* name, u32 (*mapping)(u32), const Value* arguments) {
  if (!char_argument(machine, name, arguments, 0)) return kRaised;
  return Value::character(mapping(arguments[0].to_char()));
}

Value to_upcase(Machine& machine, const Value* arguments, u32) {
  return mapped(machine, "char-upcase", upcase, arguments);
}
Value to_downcase(Machine& machine, const Value* arguments, u32) {
  return mapped(machine, "char-downcase", downcase, arguments);
}
Value to_foldcase(Machine& machine, const Value* arguments, u32) {
  return mapped(machine, "char-foldcase", foldcase, arguments);
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"char->integer", to_integer, 1, 1},
    {"char-alphabetic?", alphabetic_is, 1, 1},
    {"char-ci<=?", compare<Comparison::kLessOrEqual, true>, 1, kAnyCount},
    {"char-ci<?", compare<Comparison::kLess, true>, 1, kAnyCount},
    {"char-ci=?", compare<Comparison::kEqual, true>, 1, kAnyCount},
    {"char-ci>=?", compare<Comparison::kGreaterOrEqual, true>, 1, kAnyCount},
    {"char-ci>?", compare<Comparison::kGreater, true>, 1, kAnyCount},
    {"char-downcase", to_downcase, 1, 1},
    {"char-foldcase", to_foldcase, 1, 1},
    {"char-lower-case?", lower_case_is, 1, 1},
    {"char-numeric?", numeric_is, 1, 1},
    {"char-upcase", to_upcase, 1, 1},
    {"char-upper-case?", upper_case_is, 1, 1},
    {"char-whitespace?", whitespace_is, 1, 1},
    {"char<=?", compare<Comparison::kLessOrEqual, false>, 1, kAnyCount},
    {"char<?", compare<Comparison::kLess, false>, 1, kAnyCount},
    {"char=?", compare<Comparison::kEqual, false>, 1, kAnyCount},
    {"char>=?", compare<Comparison::kGreaterOrEqual, false>, 1, kAnyCount},
    {"char>?", compare<Comparison::kGreater, false>, 1, kAnyCount},
    {"char?", char_is, 1, 1},
    {"digit-value", value_of_digit, 1, 1},
    {"integer->char", from_integer, 1, 1},
};

}  // namespace

void define_chars(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
