// Numerical operations (R7RS 6.2.6), and of SRFI 151 the bitwise ones. The machine has its own instructions for + - *
// and comparisons of two fixnums; these are the procedures, of any number of arguments and any numbers.
//
// Exact arguments give exact results where R7RS has them: (sqrt 16) is 4, (exp 0) is 1, (expt 2/3 -2) is 9/4. What is
// not real is +nan.0 of inexact arguments; there are no complex numbers.
#include <bit>
#include <cmath>
#include <string>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/machine.h"
#include "lisp/numbers/elementary.h"
#include "lisp/numbers/tower.h"
#include "lisp/text/strings.h"

namespace heddle::lisp {

namespace {

constexpr Value kZero = Value::fixnum(0);
constexpr Value kOne = Value::fixnum(1);

// --- Arguments: true, or a TypeError has been raised

using Predicate = bool (*)(Value value);

bool all(const Operation& operation, const Value* arguments, u32 count, Predicate is_right, std::string_view expected) {
  for (u32 i = 0; i < count; i++) {
    if (is_right(arguments[i])) continue;
    operation.machine.type_error(operation.name, i + 1, expected, arguments[i]);
    return false;
  }
  operation.machine.charge(count / 4);
  return true;
}
bool are_numbers(const Operation& operation, const Value* arguments, u32 count) {
  return all(operation, arguments, count, is_number, "a number");
}
bool are_integers(const Operation& operation, const Value* arguments, u32 count) {
  return all(operation, arguments, count, is_integer, "an integer");
}
bool are_exact_integers(const Operation& operation, const Value* arguments, u32 count) {
  return all(operation, arguments, count, is_exact_integer, "an exact integer");
}
bool is_rational(Value value) {
  return is_exact(value) || (is_flonum(value) && to_flonum(value) - to_flonum(value) == 0);
}

Value two_values(Machine& machine, Value first, Value second) {
  auto* values = machine.heap().make<Values>(Type::kValues, Values::size(2), 2);
  values->items[0] = first;
  values->items[1] = second;
  return Value::object(values);
}

// --- Sums, products and comparisons of any number of arguments

using Binary = Value (*)(const Operation& operation, Value left, Value right);

Value folded(const Operation& operation, Binary function, Value result, const Value* arguments, u32 count) {
  for (u32 i = 0; i < count && !result.is_signal(); i++) result = function(operation, result, arguments[i]);
  return result;
}

Value sum_or_product(Machine& machine, std::string_view name, Binary function, Value neutral, const Value* arguments,
                     u32 count) {
  const Operation operation{machine, name};
  if (!are_numbers(operation, arguments, count)) return kRaised;
  return count == 0 ? neutral : folded(operation, function, arguments[0], arguments + 1, count - 1);
}

Value difference_or_quotient(Machine& machine, std::string_view name, Binary function, Value neutral,
                             const Value* arguments, u32 count) {
  const Operation operation{machine, name};
  if (!are_numbers(operation, arguments, count)) return kRaised;
  if (count > 1) return folded(operation, function, arguments[0], arguments + 1, count - 1);
  // (- 0.0) is -0.0, which 0 - 0.0 is not.
  if (neutral == kZero) return negate(machine, arguments[0]);
  return function(operation, neutral, arguments[0]);
}

// Whether each is in order with the next one.
Value ordered(Machine& machine, std::string_view name, bool (*is_right)(Order order), const Value* arguments,
              u32 count) {
  const Operation operation{machine, name};
  if (!are_numbers(operation, arguments, count)) return kRaised;
  for (u32 i = 0; i + 1 < count; i++) {
    if (!is_right(compare(operation, arguments[i], arguments[i + 1]))) return kFalse;
  }
  return kTrue;
}

Value extreme(Machine& machine, std::string_view name, Order wanted, const Value* arguments, u32 count) {
  const Operation operation{machine, name};
  if (!all(operation, arguments, count, is_number, "a real number")) return kRaised;
  Value best = arguments[0];
  bool is_inexact = is_flonum(best);
  for (u32 i = 1; i < count; i++) {
    is_inexact = is_inexact || is_flonum(arguments[i]);
    const Order order = compare(operation, arguments[i], best);
    const bool is_nan = order == Order::kUnordered && is_flonum(arguments[i]) && std::isnan(to_flonum(arguments[i]));
    if (order == wanted || is_nan) best = arguments[i];
  }
  return is_inexact ? to_inexact(operation, best) : best;
}

// --- One number

Value tested(Machine& machine, std::string_view name, bool (*test)(Value number), Value number) {
  if (!is_number(number)) return machine.type_error(name, 1, "a number", number);
  return Value::boolean(test(number));
}

Value parity(Machine& machine, std::string_view name, bool wants_odd, Value number) {
  if (!is_integer(number)) return machine.type_error(name, 1, "an integer", number);
  const bool is_odd = is_flonum(number) ? std::fmod(to_flonum(number), 2) != 0 : is_odd_integer(number);
  return Value::boolean(is_odd == wants_odd);
}

Value rounded(Machine& machine, std::string_view name, Nearest nearest, Value number) {
  const Operation operation{machine, name};
  if (!are_numbers(operation, &number, 1)) return kRaised;
  return to_whole(operation, nearest, number);
}

// A function of one real number whose value at one exact argument is exact.
Value function_of(Machine& machine, std::string_view name, double (*function)(double), Value number, Value exact_at,
                  Value exact_result) {
  if (number == exact_at) return exact_result;
  if (!is_number(number)) return machine.type_error(name, 1, "a number", number);
  machine.charge(16);
  return machine.heap().flonum(function(to_double(number)));
}

double mantissa_and_exponent(Value number, i64& exponent) {
  exponent = 0;
  return is_flonum(number) ? to_flonum(number) : mantissa_of_exact(number, exponent);
}

Value logarithm(Machine& machine, const Value* arguments, u32 count) {
  const Operation operation{machine, "log"};
  if (!are_numbers(operation, arguments, count)) return kRaised;
  for (u32 i = 0; i < count; i++) {
    if (arguments[i] == kZero) return machine.range_error("log", i + 1, "other than 0", arguments[i]);
  }
  machine.charge(16 * count);
  i64 exponent = 0;
  const double number = mantissa_and_exponent(arguments[0], exponent);
  if (count == 1) {
    return arguments[0] == kOne ? kZero : machine.heap().flonum(elementary::log(number, exponent));
  }
  i64 base_exponent = 0;
  const double base = mantissa_and_exponent(arguments[1], base_exponent);
  return machine.heap().flonum(elementary::log(number, exponent, base, base_exponent));
}

Value arc_tangent(Machine& machine, const Value* arguments, u32 count) {
  const Operation operation{machine, "atan"};
  if (!are_numbers(operation, arguments, count)) return kRaised;
  if (count == 1) return function_of(machine, "atan", elementary::atan, arguments[0], kZero, kZero);
  const Value y = arguments[0];
  const Value x = arguments[1];
  if (y == kZero && is_exact(x)) {
    if (x == kZero) return machine.range_error("atan", 2, "other than 0", x);
    if (sign_of(x) > 0) return kZero;
  }
  machine.charge(16);
  return machine.heap().flonum(elementary::atan(to_double(y), to_double(x)));
}

// --- Integers

Value divided(Machine& machine, std::string_view name, Rounding rounding, bool wants_quotient, bool wants_remainder,
              const Value* arguments) {
  const Operation operation{machine, name};
  if (!are_integers(operation, arguments, 2)) return kRaised;
  if (sign_of(arguments[1]) == 0) return operation.divides_by_zero();
  Value quotient;
  Value remainder;
  if (!divide_whole(operation, rounding, arguments[0], arguments[1], wants_quotient ? &quotient : nullptr,
                    wants_remainder ? &remainder : nullptr)) {
    return kRaised;
  }
  if (wants_quotient && wants_remainder) return two_values(machine, quotient, remainder);
  return wants_quotient ? quotient : remainder;
}

// As with the exact integers of the same values, inexact if one argument is.
Value common_divisor_or_multiple(Machine& machine, std::string_view name, bool wants_multiple, const Value* arguments,
                                 u32 count) {
  const Operation operation{machine, name};
  if (!are_integers(operation, arguments, count)) return kRaised;
  bool is_inexact = false;
  Value result = wants_multiple ? kOne : kZero;
  for (u32 i = 0; i < count; i++) {
    is_inexact = is_inexact || is_flonum(arguments[i]);
    const Value number = to_exact(operation, arguments[i]);
    if (number.is_signal()) return number;
    if (wants_multiple && (number == kZero || result == kZero)) {
      result = kZero;
      continue;
    }
    const Value divisor = gcd_of_integers(operation, result, number);
    if (divisor.is_signal()) return divisor;
    if (!wants_multiple) {
      result = divisor;
      continue;
    }
    Value factor;
    if (!divide_integers(operation, Rounding::kTruncate, number, divisor, &factor, nullptr)) return kRaised;
    result = multiply_integers(operation, result, factor);
    if (result.is_signal()) return result;
  }
  if (sign_of(result) < 0) result = negate_integer(operation, result);
  return is_inexact && !result.is_signal() ? to_inexact(operation, result) : result;
}

Value exact_integer_root(Machine& machine, const Value* arguments, u32) {
  const Operation operation{machine, "exact-integer-sqrt"};
  if (!are_exact_integers(operation, arguments, 1)) return kRaised;
  if (sign_of(arguments[0]) < 0) return machine.range_error(operation.name, 1, "at least 0", arguments[0]);
  const IntegerView number(arguments[0]);
  charge_product(operation, number.magnitude().size(), number.magnitude().size(), 2);
  const Natural root = square_root(number.magnitude());
  const Natural rest = subtract(number.magnitude(), multiply(root, root));
  return two_values(machine, to_integer(operation, root), to_integer(operation, rest));
}

// --- Parts

Value part_of(Machine& machine, std::string_view name, Value (*part)(Value exact), Value number) {
  const Operation operation{machine, name};
  if (!is_rational(number)) return machine.type_error(name, 1, "a rational number", number);
  const Value exact = to_exact(operation, number);
  if (exact.is_signal()) return exact;
  return is_flonum(number) ? to_inexact(operation, part(exact)) : part(exact);
}

Value exactly(Machine& machine, const Value* arguments, u32) {
  const Operation operation{machine, "exact"};
  return are_numbers(operation, arguments, 1) ? to_exact(operation, arguments[0]) : kRaised;
}

Value inexactly(Machine& machine, const Value* arguments, u32) {
  const Operation operation{machine, "inexact"};
  return are_numbers(operation, arguments, 1) ? to_inexact(operation, arguments[0]) : kRaised;
}

// --- Bits

Value combined(Machine& machine, std::string_view name, Bitwise kind, Value neutral, const Value* arguments,
               u32 count) {
  const Operation operation{machine, name};
  if (!are_exact_integers(operation, arguments, count)) return kRaised;
  Value result = neutral;
  for (u32 i = 0; i < count && !result.is_signal(); i++) result = bitwise(operation, kind, result, arguments[i]);
  return result;
}

// Bits that differ from the sign.
Value bit_count(Machine& machine, const Value* arguments, u32) {
  const Operation operation{machine, "bit-count"};
  if (!are_exact_integers(operation, arguments, 1)) return kRaised;
  const Value number =
      sign_of(arguments[0]) < 0 ? bitwise(operation, Bitwise::kXor, arguments[0], Value::fixnum(-1)) : arguments[0];
  if (number.is_signal()) return number;
  i64 count = 0;
  const IntegerView view(number);
  for (const u32 limb : view.magnitude()) count += std::popcount(limb);
  return Value::fixnum(count);
}

// --- Text

bool radix_argument(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32& radix) {
  radix = 10;
  if (count < 2) return true;
  for (const u32 known : {2u, 8u, 10u, 16u}) {
    if (arguments[1] != Value::fixnum(known)) continue;
    radix = known;
    return true;
  }
  machine.range_error(name, 2, "2, 8, 10 or 16", arguments[1]);
  return false;
}

Value number_to_text(Machine& machine, const Value* arguments, u32 count) {
  const Operation operation{machine, "number->string"};
  u32 radix = 10;
  if (!are_numbers(operation, arguments, 1)) return kRaised;
  if (!radix_argument(machine, operation.name, arguments, count, radix)) return kRaised;
  u64 limbs = 1;
  if (is_exact(arguments[0])) {
    for (const Value part : {numerator_of(arguments[0]), denominator_of(arguments[0])}) {
      const u64 size = IntegerView(part).magnitude().size();
      limbs += size;
      if (size > 2) charge_product(operation, size, size, 3);
    }
  }
  machine.charge(4 * limbs);
  if (!room(machine, operation.name, 64 * limbs)) return kRaised;
  return machine.heap().string(number_to_string(arguments[0], radix));
}

Value text_to_number(Machine& machine, const Value* arguments, u32 count) {
  if (!is_string(arguments[0])) return machine.type_error("string->number", 1, "a string", arguments[0]);
  u32 radix = 10;
  if (!radix_argument(machine, "string->number", arguments, count, radix)) return kRaised;
  const String* string = as<String>(arguments[0]);
  // Longer ones are no number that anybody means, or one that is too large.
  constexpr u32 kLongestText = 4 * kMaxBits;
  if (string->length > kLongestText) {
    return machine.range_error("string->number", 1, "of at most " + std::to_string(kLongestText) + " characters",
                               arguments[0]);
  }
  charge_items(machine, string->length);
  return parse_number(machine, utf8_of(string), radix);
}

// --- The table

#define ARGUMENTS Machine &machine, const Value *arguments, u32 count
#define ONE Machine &machine, const Value *arguments, u32

constexpr BuiltinDefinition kDefinitions[] = {
    {"number?", [](Machine&, const Value* a, u32) { return Value::boolean(is_number(a[0])); }, 1, 1},
    {"complex?", [](Machine&, const Value* a, u32) { return Value::boolean(is_number(a[0])); }, 1, 1},
    {"real?", [](Machine&, const Value* a, u32) { return Value::boolean(is_number(a[0])); }, 1, 1},
    {"rational?", [](Machine&, const Value* a, u32) { return Value::boolean(is_rational(a[0])); }, 1, 1},
    {"integer?", [](Machine&, const Value* a, u32) { return Value::boolean(is_integer(a[0])); }, 1, 1},
    {"exact-integer?", [](Machine&, const Value* a, u32) { return Value::boolean(is_exact_integer(a[0])); }, 1, 1},
    {"exact-rational?", [](Machine&, const Value* a, u32) { return Value::boolean(is_exact(a[0])); }, 1, 1},
    {"exact?", [](ONE) { return tested(machine, "exact?", is_exact, arguments[0]); }, 1, 1},
    {"inexact?", [](ONE) { return tested(machine, "inexact?", is_flonum, arguments[0]); }, 1, 1},
    {"finite?", [](ONE) { return tested(machine, "finite?", is_rational, arguments[0]); }, 1, 1},
    {"infinite?",
     [](ONE) {
       return tested(
           machine, "infinite?", [](Value n) { return is_flonum(n) && std::isinf(to_flonum(n)); }, arguments[0]);
     },
     1, 1},
    {"nan?",
     [](ONE) {
       return tested(machine, "nan?", [](Value n) { return is_flonum(n) && std::isnan(to_flonum(n)); }, arguments[0]);
     },
     1, 1},
    {"zero?",
     [](ONE) {
       return tested(
           machine, "zero?", [](Value n) { return is_flonum(n) ? to_flonum(n) == 0 : n == kZero; }, arguments[0]);
     },
     1, 1},
    {"positive?",
     [](ONE) { return tested(machine, "positive?", [](Value n) { return sign_of(n) > 0; }, arguments[0]); }, 1, 1},
    {"negative?",
     [](ONE) { return tested(machine, "negative?", [](Value n) { return sign_of(n) < 0; }, arguments[0]); }, 1, 1},
    {"odd?", [](ONE) { return parity(machine, "odd?", true, arguments[0]); }, 1, 1},
    {"even?", [](ONE) { return parity(machine, "even?", false, arguments[0]); }, 1, 1},

    {"=", [](ARGUMENTS) { return ordered(machine, "=", [](Order o) { return o == Order::kEqual; }, arguments, count); },
     1, kAnyCount},
    {"<", [](ARGUMENTS) { return ordered(machine, "<", [](Order o) { return o == Order::kLess; }, arguments, count); },
     1, kAnyCount},
    {">",
     [](ARGUMENTS) { return ordered(machine, ">", [](Order o) { return o == Order::kGreater; }, arguments, count); }, 1,
     kAnyCount},
    {"<=",
     [](ARGUMENTS) {
       return ordered(machine, "<=", [](Order o) { return o == Order::kLess || o == Order::kEqual; }, arguments, count);
     },
     1, kAnyCount},
    {">=",
     [](ARGUMENTS) {
       return ordered(
           machine, ">=", [](Order o) { return o == Order::kGreater || o == Order::kEqual; }, arguments, count);
     },
     1, kAnyCount},
    {"max", [](ARGUMENTS) { return extreme(machine, "max", Order::kGreater, arguments, count); }, 1, kAnyCount},
    {"min", [](ARGUMENTS) { return extreme(machine, "min", Order::kLess, arguments, count); }, 1, kAnyCount},

    {"+", [](ARGUMENTS) { return sum_or_product(machine, "+", add, kZero, arguments, count); }, 0, kAnyCount},
    {"*", [](ARGUMENTS) { return sum_or_product(machine, "*", multiply, kOne, arguments, count); }, 0, kAnyCount},
    {"-", [](ARGUMENTS) { return difference_or_quotient(machine, "-", subtract, kZero, arguments, count); }, 1,
     kAnyCount},
    {"/", [](ARGUMENTS) { return difference_or_quotient(machine, "/", divide, kOne, arguments, count); }, 1, kAnyCount},
    {"abs",
     [](ONE) {
       if (!is_number(arguments[0])) return machine.type_error("abs", 1, "a number", arguments[0]);
       if (is_flonum(arguments[0])) return machine.heap().flonum(std::fabs(to_flonum(arguments[0])));
       return sign_of(arguments[0]) < 0 ? negate(machine, arguments[0]) : arguments[0];
     },
     1, 1},

    {"quotient", [](ONE) { return divided(machine, "quotient", Rounding::kTruncate, true, false, arguments); }, 2, 2},
    {"remainder", [](ONE) { return divided(machine, "remainder", Rounding::kTruncate, false, true, arguments); }, 2, 2},
    {"modulo", [](ONE) { return divided(machine, "modulo", Rounding::kFloor, false, true, arguments); }, 2, 2},
    {"floor/", [](ONE) { return divided(machine, "floor/", Rounding::kFloor, true, true, arguments); }, 2, 2},
    {"floor-quotient", [](ONE) { return divided(machine, "floor-quotient", Rounding::kFloor, true, false, arguments); },
     2, 2},
    {"floor-remainder",
     [](ONE) { return divided(machine, "floor-remainder", Rounding::kFloor, false, true, arguments); }, 2, 2},
    {"truncate/", [](ONE) { return divided(machine, "truncate/", Rounding::kTruncate, true, true, arguments); }, 2, 2},
    {"truncate-quotient",
     [](ONE) { return divided(machine, "truncate-quotient", Rounding::kTruncate, true, false, arguments); }, 2, 2},
    {"truncate-remainder",
     [](ONE) { return divided(machine, "truncate-remainder", Rounding::kTruncate, false, true, arguments); }, 2, 2},
    {"gcd", [](ARGUMENTS) { return common_divisor_or_multiple(machine, "gcd", false, arguments, count); }, 0,
     kAnyCount},
    {"lcm", [](ARGUMENTS) { return common_divisor_or_multiple(machine, "lcm", true, arguments, count); }, 0, kAnyCount},
    {"numerator", [](ONE) { return part_of(machine, "numerator", numerator_of, arguments[0]); }, 1, 1},
    {"denominator", [](ONE) { return part_of(machine, "denominator", denominator_of, arguments[0]); }, 1, 1},
    {"floor", [](ONE) { return rounded(machine, "floor", Nearest::kFloor, arguments[0]); }, 1, 1},
    {"ceiling", [](ONE) { return rounded(machine, "ceiling", Nearest::kCeiling, arguments[0]); }, 1, 1},
    {"truncate", [](ONE) { return rounded(machine, "truncate", Nearest::kTruncate, arguments[0]); }, 1, 1},
    {"round", [](ONE) { return rounded(machine, "round", Nearest::kRound, arguments[0]); }, 1, 1},
    {"rationalize",
     [](ONE) {
       const Operation operation{machine, "rationalize"};
       return are_numbers(operation, arguments, 2) ? rationalize(operation, arguments[0], arguments[1]) : kRaised;
     },
     2, 2},

    {"exp", [](ONE) { return function_of(machine, "exp", elementary::exp, arguments[0], kZero, kOne); }, 1, 1},
    {"log", logarithm, 1, 2},
    {"sin", [](ONE) { return function_of(machine, "sin", elementary::sin, arguments[0], kZero, kZero); }, 1, 1},
    {"cos", [](ONE) { return function_of(machine, "cos", elementary::cos, arguments[0], kZero, kOne); }, 1, 1},
    {"tan", [](ONE) { return function_of(machine, "tan", elementary::tan, arguments[0], kZero, kZero); }, 1, 1},
    {"asin", [](ONE) { return function_of(machine, "asin", elementary::asin, arguments[0], kZero, kZero); }, 1, 1},
    {"acos", [](ONE) { return function_of(machine, "acos", elementary::acos, arguments[0], kOne, kZero); }, 1, 1},
    {"atan", arc_tangent, 1, 2},
    {"square",
     [](ONE) {
       const Operation operation{machine, "square"};
       return are_numbers(operation, arguments, 1) ? multiply(operation, arguments[0], arguments[0]) : kRaised;
     },
     1, 1},
    {"sqrt",
     [](ONE) {
       const Operation operation{machine, "sqrt"};
       return are_numbers(operation, arguments, 1) ? square_root(operation, arguments[0]) : kRaised;
     },
     1, 1},
    {"exact-integer-sqrt", exact_integer_root, 1, 1},
    {"expt",
     [](ONE) {
       const Operation operation{machine, "expt"};
       return are_numbers(operation, arguments, 2) ? power(operation, arguments[0], arguments[1]) : kRaised;
     },
     2, 2},

    {"exact", exactly, 1, 1},
    {"inexact->exact", exactly, 1, 1},
    {"inexact", inexactly, 1, 1},
    {"exact->inexact", inexactly, 1, 1},
    {"number->string", number_to_text, 1, 2},
    {"string->number", text_to_number, 1, 2},

    {"bitwise-and",
     [](ARGUMENTS) { return combined(machine, "bitwise-and", Bitwise::kAnd, Value::fixnum(-1), arguments, count); }, 0,
     kAnyCount},
    {"bitwise-or", [](ARGUMENTS) { return combined(machine, "bitwise-or", Bitwise::kOr, kZero, arguments, count); }, 0,
     kAnyCount},
    {"bitwise-xor", [](ARGUMENTS) { return combined(machine, "bitwise-xor", Bitwise::kXor, kZero, arguments, count); },
     0, kAnyCount},
    {"bitwise-not",
     [](ONE) { return combined(machine, "bitwise-not", Bitwise::kXor, Value::fixnum(-1), arguments, 1); }, 1, 1},
    {"arithmetic-shift",
     [](ONE) {
       const Operation operation{machine, "arithmetic-shift"};
       return are_exact_integers(operation, arguments, 2) ? shift_integer(operation, arguments[0], arguments[1])
                                                          : kRaised;
     },
     2, 2},
    {"bit-count", bit_count, 1, 1},
};

#undef ARGUMENTS
#undef ONE

}  // namespace

void define_numbers(Machine& machine) { machine.define(kDefinitions); }

}  // namespace heddle::lisp
