// Numbers: the tower of R7RS without the complex ones. Exact integers are fixnums and bignums, exact ratios are in
// lowest terms, inexact reals are IEEE doubles.
//
// Invariants: a bignum never fits a fixnum, a ratio's denominator is above 1; so numbers that are equal and of the same
// exactness have the same form. Results depend on the arguments alone: no libm, no locale.
// An exact integer has at most kMaxBits bits and a ratio's parts at most kMaxRatioBits, so that no operation takes
// long; what would be larger raises RangeError. Work beyond a few limbs is charged to the machine.
//
// What takes a Machine gives kRaised where it raised (TypeError, RangeError, DivideByZero, with the procedure's name).
// Partners: natural.h (limbs), elementary.h (exp, sin, ...), number_parser.cpp and number_printer.cpp (text),
// builtins/numbers.cpp.
#pragma once

#include <string>
#include <string_view>

#include "lisp/machine.h"

namespace heddle::lisp {

constexpr u32 kMaxBits = 1u << 18;
constexpr u32 kMaxRatioBits = 1u << 17;

// --- What a value is

inline bool is_bignum(Value value) { return is_a(value, Type::kBignum); }
inline bool is_ratio(Value value) { return is_a(value, Type::kRatnum); }
inline bool is_exact_integer(Value value) { return value.is_fixnum() || is_bignum(value); }
inline bool is_exact(Value value) { return is_exact_integer(value) || is_ratio(value); }
inline bool is_number(Value value) { return is_exact(value) || is_flonum(value); }
// (integer? x): 2 and 2.0 are, 2.5 and +inf.0 are not.
bool is_integer(Value value);
// Of a flonum.
inline double to_flonum(Value value) { return as<Flonum>(value)->number; }

// --- The slow paths of the machine's instructions, for any two values: what + - * / = < and (- x) do

Value add(Machine& machine, Value left, Value right);
Value subtract(Machine& machine, Value left, Value right);
Value multiply(Machine& machine, Value left, Value right);
Value divide(Machine& machine, Value left, Value right);
Value negate(Machine& machine, Value number);
// #t or #f.
Value equal(Machine& machine, Value left, Value right);
Value less(Machine& machine, Value left, Value right);
Value less_or_equal(Machine& machine, Value left, Value right);
Value quotient(Machine& machine, Value left, Value right);
Value remainder(Machine& machine, Value left, Value right);
Value modulo(Machine& machine, Value left, Value right);

// --- For eqv?, equal? and hash tables

// Both are numbers: the same exactness and the same value; -0.0 differs from 0.0, and a NaN is the same as a NaN.
bool is_same_number(Value left, Value right);
// Of a number: the same for numbers that are the same.
u64 hash_of_number(Value number);

// --- Conversions

// An exact integer of any 64 bits.
Value integer(Heap& heap, i64 number);
Value unsigned_integer(Heap& heap, u64 number);
// The nearest double (ties to even; infinite where it is too large); the argument is a number.
double to_double(Value number);
// (exact x) of a double; raises RangeError for an infinity or a NaN.
Value exact(Machine& machine, double number);

// --- Text

// The number that the whole text is in R7RS's syntax (prefixes, ratios, decimals, +inf.0), kFalse where it is none (a
// complex literal is none), kRaised where it is too large. `radix` is 2, 8, 10 or 16, unless a prefix says otherwise.
Value parse_number(Machine& machine, std::string_view text, u32 radix = 10);
// As (number->string) gives it: what parse_number() reads back as the same number; flonums in the fewest digits.
std::string number_to_string(Value number, u32 radix = 10);

}  // namespace heddle::lisp
