// Numbers to text: number_to_string() of numbers.h.
//
// A flonum is printed in the fewest decimal digits that read back as it, the nearest to it among those (R. Burger and
// R. Dybvig, "Printing floating-point numbers quickly and accurately", 1996, with exact integers); numbers of at most
// 15 digits, which most are, by a shorter way. In the other radices every double is a finite fraction, printed whole.
// No use of to_chars: its tables would be 110 KB of WebAssembly.
#include <bit>
#include <cmath>
#include <string>
#include <utility>

#include "lisp/numbers/natural.h"
#include "lisp/numbers/numbers.h"
#include "lisp/numbers/tower.h"

namespace heddle::lisp {

namespace {

// 0.DIGITS * 10^point
struct Decimal {
  std::string digits;
  i32 point = 0;
};

// The shortest decimal of at most 15 digits that reads back, if there is one and it has few digits behind the point:
// two doubles are never as near to each other as to share one.
bool short_decimal(double number, Decimal& decimal) {
  if (number >= 1e15 || number < 1e-5) return false;
  double scale = 1;
  for (i32 places = 0; places <= 20; places++, scale *= 10) {
    const double scaled = std::nearbyint(number * scale);
    if (scaled >= 1e15) return false;
    // Both are exact, so that the quotient is the double nearest to the decimal.
    if (scaled / scale != number) continue;
    u64 digits = static_cast<u64>(scaled);
    i32 zeros = 0;
    for (; digits % 10 == 0; digits /= 10) zeros++;
    decimal.digits = std::to_string(digits);
    decimal.point = static_cast<i32>(decimal.digits.size()) + zeros - places;
    return true;
  }
  return false;
}

// Of a finite number above 0. The variables have the paper's names: number = r / s, and half the way to its neighbours
// is more / s and less / s.
Decimal shortest_decimal(double number) {
  Decimal decimal;
  if (short_decimal(number, decimal)) return decimal;
  const u64 bits = std::bit_cast<u64>(number);
  const u64 field = bits >> 52 & 0x7ff;
  const u64 fraction = bits & ((u64{1} << 52) - 1);
  const u64 mantissa = field == 0 ? fraction : fraction | u64{1} << 52;
  const i32 exponent = field == 0 ? -1074 : static_cast<i32>(field) - 1075;
  // Below a power of two the neighbours are twice as near.
  const u32 narrow = fraction == 0 && field > 1 ? 1 : 0;
  const bool is_even = mantissa % 2 == 0;
  const u32 up = exponent > 0 ? static_cast<u32>(exponent) : 0;
  const u32 down = exponent < 0 ? static_cast<u32>(-exponent) : 0;
  Natural r = shift_left(Natural(mantissa), up + 1 + narrow);
  Natural s = shift_left(Natural(1), down + 1 + narrow);
  Natural less = shift_left(Natural(1), up);
  Natural more = shift_left(Natural(1), up + narrow);
  // The number is at least 2^log2; its decimal exponent is this or one more.
  const i32 log2 = exponent + 63 - std::countl_zero(mantissa);
  i32 point = static_cast<i32>(std::ceil(log2 * 0.30102999566398114 - 1e-10));
  if (point >= 0) {
    s = multiply(s, power(Natural(10), static_cast<u64>(point)));
  } else {
    const Natural factor = power(Natural(10), static_cast<u64>(-point));
    r = multiply(r, factor);
    less = multiply(less, factor);
    more = multiply(more, factor);
  }
  const auto reaches_above = [&] {
    const int order = compare(add(r, more), s);
    return is_even ? order >= 0 : order > 0;
  };
  if (reaches_above()) {
    point++;
  } else {
    r.multiply_add(10, 0);
    less.multiply_add(10, 0);
    more.multiply_add(10, 0);
  }
  decimal.point = point;
  for (;;) {
    Natural digit;
    divide(r, s, digit, r);
    char character = static_cast<char>('0' + to_u64(digit));
    const int order = compare(r, less);
    const bool is_low = is_even ? order <= 0 : order < 0;
    const bool is_high = reaches_above();
    if (!is_low && !is_high) {
      decimal.digits += character;
      r.multiply_add(10, 0);
      less.multiply_add(10, 0);
      more.multiply_add(10, 0);
      continue;
    }
    // Both fit: the nearer one, the even one of two that are as near.
    const int half = is_low && is_high ? compare(shift_left(r, 1), s) : is_high ? 1 : -1;
    if (half > 0 || (half == 0 && character % 2 != 0)) character++;
    decimal.digits += character;
    return decimal;
  }
}

std::string decimal_text(double number) {
  auto [digits, point] = shortest_decimal(number);
  const i32 count = static_cast<i32>(digits.size());
  if (point > 21 || point < -5) {
    if (count > 1) digits.insert(1, ".");
    return digits + "e" + std::to_string(point - 1);
  }
  if (point <= 0) return "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  if (point >= count) return digits + std::string(static_cast<std::size_t>(point - count), '0') + ".0";
  return digits.insert(static_cast<std::size_t>(point), ".");
}

// In a radix that is a power of two.
std::string binary_text(double number, u32 radix) {
  const u32 width = static_cast<u32>(std::countr_zero(radix));
  const double whole = std::trunc(number);
  i64 exponent = 0;
  const u64 bits = std::bit_cast<u64>(whole);
  Natural integer;
  if (whole > 0) {
    exponent = static_cast<i64>(bits >> 52) - 1075;
    const Natural mantissa((bits & ((u64{1} << 52) - 1)) | u64{1} << 52);
    integer = exponent >= 0 ? shift_left(mantissa, static_cast<u64>(exponent))
                            : shift_right(mantissa, static_cast<u64>(-exponent));
  }
  std::string text = to_digits(integer, radix) + ".";
  double fraction = number - whole;
  do {
    fraction *= radix;
    const double digit = std::trunc(fraction);
    text += "0123456789abcdef"[static_cast<u32>(digit) & ((1u << width) - 1)];
    fraction -= digit;
  } while (fraction > 0);
  return text;
}

std::string flonum_text(double number, u32 radix) {
  if (number != number) return "+nan.0";
  const double size = std::fabs(number);
  const bool is_negative = std::signbit(number);
  if (size - size != 0) return is_negative ? "-inf.0" : "+inf.0";
  const std::string text = size == 0 ? "0.0" : radix == 10 ? decimal_text(size) : binary_text(size, radix);
  return is_negative ? "-" + text : text;
}

std::string integer_text(Value integer, u32 radix) {
  if (integer.is_fixnum() && radix == 10) return std::to_string(integer.to_fixnum());
  const IntegerView view(integer);
  const std::string digits = to_digits(view.magnitude(), radix);
  return view.is_negative() ? "-" + digits : digits;
}

}  // namespace

std::string number_to_string(Value number, u32 radix) {
  if (is_flonum(number)) return flonum_text(to_flonum(number), radix);
  if (!is_ratio(number)) return integer_text(number, radix);
  return integer_text(numerator_of(number), radix) + "/" + integer_text(denominator_of(number), radix);
}

}  // namespace heddle::lisp
