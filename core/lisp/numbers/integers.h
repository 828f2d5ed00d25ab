// Exact integers as values: fixnums and bignums behind one set of operations. What numbers.cpp is made of.
//
// Arguments are exact integers. A result of more than kMaxBits bits raises RangeError: the function gives kRaised.
#pragma once

#include <string_view>

#include "lisp/numbers/natural.h"
#include "lisp/numbers/numbers.h"

namespace heddle::lisp {

// Who computes: where results are allocated and work is charged, and the name for messages.
struct Operation {
  Machine& machine;
  std::string_view name;

  Value is_too_large() const;
  Value divides_by_zero() const;
};

// Sign and magnitude of an exact integer, without a copy.
class IntegerView {
 public:
  explicit IntegerView(Value integer);
  IntegerView(const IntegerView&) = delete;
  IntegerView& operator=(const IntegerView&) = delete;

  bool is_negative() const { return is_negative_; }
  NaturalView magnitude() const { return magnitude_; }

 private:
  u32 own_[2];
  bool is_negative_;
  NaturalView magnitude_;
};

Value to_integer(const Operation& operation, NaturalView magnitude, bool is_negative = false);

// -1, 0 or 1.
int sign_of_integer(Value integer);
bool is_odd_integer(Value integer);
u64 bit_length_of_integer(Value integer);
int compare_integers(Value left, Value right);

Value add_integers(const Operation& operation, Value left, Value right);
Value subtract_integers(const Operation& operation, Value left, Value right);
Value multiply_integers(const Operation& operation, Value left, Value right);
Value negate_integer(const Operation& operation, Value integer);

enum class Rounding : u8 { kTruncate, kFloor };
// The divisor is not 0. Results that nobody wants: nullptr.
bool divide_integers(const Operation& operation, Rounding rounding, Value dividend, Value divisor, Value* quotient,
                     Value* remainder);
// Raises RangeError where both have more than kMaxRatioBits bits.
Value gcd_of_integers(const Operation& operation, Value left, Value right);
// The exponent is not negative.
Value power_of_integer(const Operation& operation, Value base, Value exponent);

// As if in two's complement with the sign going on for ever. Shifts to the right round down.
enum class Bitwise : u8 { kAnd, kOr, kXor };
Value bitwise(const Operation& operation, Bitwise kind, Value left, Value right);
Value shift_integer(const Operation& operation, Value integer, Value bits);

// Charges what a product of that many limbs costs, times a factor.
void charge_product(const Operation& operation, u64 limbs, u64 other_limbs, u64 times = 1);

}  // namespace heddle::lisp
