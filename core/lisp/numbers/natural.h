// Natural numbers of any size, without the heap: what bignums, the reading and printing of numbers and exact
// conversions compute with. 32-bit limbs, least significant first.
//
// Invariant: what a function gives has no leading zero limb; 0 has no limbs. Arguments are views of such limbs.
// It does not know signs, values or limits: whoever asks for a large result has asked whether it may be so large.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "heddle/types.h"

namespace heddle::lisp {

using NaturalView = std::span<const u32>;

// A natural number under work: small ones without an allocation.
class Natural {
 public:
  Natural() = default;
  explicit Natural(u64 number);
  explicit Natural(NaturalView limbs);
  Natural(Natural&& other) noexcept { take(other); }
  Natural(const Natural& other) : Natural(other.view()) {}
  Natural& operator=(Natural&& other) noexcept;
  Natural& operator=(const Natural& other) { return *this = Natural(other); }
  ~Natural() { release(); }
  // `count` limbs of 0; whoever fills them calls trim() at the end.
  static Natural zeros(u32 count);

  u32 size() const { return size_; }
  bool is_zero() const { return size_ == 0; }
  u32* data() { return limbs_; }
  const u32* data() const { return limbs_; }
  NaturalView view() const { return {limbs_, size_}; }
  operator NaturalView() const { return view(); }
  // Drops leading zero limbs.
  void trim() {
    while (size_ > 0 && limbs_[size_ - 1] == 0) size_--;
  }
  // Multiplies by a limb and adds another.
  void multiply_add(u32 factor, u32 addend);
  // Divides by a limb other than 0 and gives the remainder.
  u32 divide_by(u32 divisor);

 private:
  static constexpr u32 kInline = 12;

  void reserve(u32 count);
  void release();
  void take(Natural& other);

  u32* limbs_ = inline_;
  u32 size_ = 0;
  u32 capacity_ = kInline;
  u32 inline_[kInline];
};

// -1, 0 or 1.
int compare(NaturalView left, NaturalView right);
u64 bit_length(NaturalView number);
// How many bits below the lowest that is set; the number is not 0.
u64 trailing_zeros(NaturalView number);
bool bit(NaturalView number, u64 index);
// The bits [from, from + 62).
u64 bits_from(NaturalView number, u64 from);
// The number, which has at most 64 bits.
u64 to_u64(NaturalView number);

Natural add(NaturalView left, NaturalView right);
// left is at least right.
Natural subtract(NaturalView left, NaturalView right);
// Karatsuba above some limbs.
Natural multiply(NaturalView left, NaturalView right);
Natural power(NaturalView base, u64 exponent);
// The divisor is not 0. Knuth's algorithm D (The Art of Computer Programming, 4.3.1), and above some limbs the
// recursion of Burnikel and Ziegler ("Fast recursive division", 1998).
void divide(NaturalView dividend, NaturalView divisor, Natural& quotient, Natural& remainder);
Natural quotient(NaturalView dividend, NaturalView divisor);
Natural remainder(NaturalView dividend, NaturalView divisor);
Natural shift_left(NaturalView number, u64 bits);
// Rounds down.
Natural shift_right(NaturalView number, u64 bits);
// Lehmer's algorithm (Knuth, 4.5.2, algorithm L): natural_gcd.cpp.
Natural greatest_common_divisor(NaturalView left, NaturalView right);
// Rounded down. The adaptive-precision Newton iteration of CPython's math.isqrt (M. Dickinson).
Natural square_root(NaturalView number);

// --- natural_conversion.cpp

// Digits without leading zeros ("0" for 0), lower case; the radix is 10 or a power of 2 up to 16. By halves above some
// limbs, so not quadratic.
std::string to_digits(NaturalView number, u32 radix);
// The text has only digits of that radix.
Natural from_digits(std::string_view digits, u32 radix);

// The double nearest to (mantissa + a fraction) * 2^exponent, ties to even, infinite where it is too large; has_more
// says that there is a fraction (above 0, below 1; the mantissa then has at least 55 bits).
double nearest_double(u64 mantissa, bool has_more, i64 exponent);
// The double nearest to number * 2^exponent.
double nearest_double(NaturalView number, i64 exponent = 0);
// The double nearest to numerator / denominator * 2^exponent; the denominator is not 0.
double nearest_double_of_ratio(NaturalView numerator, NaturalView denominator, i64 exponent = 0);

}  // namespace heddle::lisp
