// Arithmetic over the whole tower, for values that are known to be numbers: what numbers.h gives with checks.
//
// Exactness is contagious as R7RS 6.2.2 has it: one inexact argument makes the result inexact. Comparison is exact: no
// argument is rounded, so it is transitive. Each function may give kRaised (RangeError, DivideByZero).
#pragma once

#include "lisp/numbers/integers.h"

namespace heddle::lisp {

Value add(const Operation& operation, Value left, Value right);
Value subtract(const Operation& operation, Value left, Value right);
Value multiply(const Operation& operation, Value left, Value right);
// An exact 0 as a divisor raises DivideByZero, also of an inexact number.
Value divide(const Operation& operation, Value left, Value right);

enum class Order : i32 { kLess = -1, kEqual = 0, kGreater = 1, kUnordered = 2 };
// Unordered: one is a NaN.
Order compare(const Operation& operation, Value left, Value right);
// -1, 0 or 1; of a NaN 0.
int sign_of(Value number);

// numerator / denominator of exact integers, in lowest terms; the denominator is not 0.
Value ratio(const Operation& operation, Value numerator, Value denominator);
Value numerator_of(Value exact);
Value denominator_of(Value exact);

Value to_exact(const Operation& operation, Value number);
Value to_inexact(const Operation& operation, Value number);

enum class Nearest : u8 { kFloor, kCeiling, kTruncate, kRound };
// To a whole number of the same exactness; kRound takes the even one of two that are as near.
Value to_whole(const Operation& operation, Nearest nearest, Value number);

// Both are integers (is_integer), the divisor is not 0.
bool divide_whole(const Operation& operation, Rounding rounding, Value dividend, Value divisor, Value* quotient,
                  Value* remainder);

// Exact where the argument is the square of an exact number, else the nearest double; RangeError of an exact negative
// number, +nan.0 of an inexact one.
Value square_root(const Operation& operation, Value number);
Value power(const Operation& operation, Value base, Value exponent);
// The simplest number that differs from the first by no more than the second (R7RS 6.2.6).
Value rationalize(const Operation& operation, Value number, Value tolerance);
// number = mantissa * 2^exponent nearly, of an exact number: also where it is beyond the doubles.
double mantissa_of_exact(Value exact, i64& exponent);

}  // namespace heddle::lisp
