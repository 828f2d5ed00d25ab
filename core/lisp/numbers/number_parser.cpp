// Text to numbers: parse_number() of numbers.h. The syntax is R7RS 7.1.1's without complex numbers; besides, a point is
// understood in the other radices too, as number->string writes inexact numbers there.
//
//   number -> prefix (sign? ureal | +inf.0 | -inf.0 | +nan.0 | -nan.0)     prefix: #x #o #b #d and #e #i, in any order
//   ureal  -> digits | digits / digits | decimal                          letters of either case
//
// Decimals are rounded once, to the nearest double, whatever their length. Work is bounded: an exponent is never
// computed further than where its result is known to be too large or 0.
#include <algorithm>
#include <bit>
#include <limits>
#include <string>

#include "heddle/decimal.h"
#include "lisp/numbers/natural.h"
#include "lisp/numbers/numbers.h"
#include "lisp/numbers/tower.h"

namespace heddle::lisp {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr i64 kMostExponent = i64{1} << 40;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool is_digit_of(char c, u32 radix) {
  if (c >= '0' && c <= '9') return static_cast<u32>(c - '0') < radix;
  c = lower(c);
  return radix == 16 && c >= 'a' && c <= 'f';
}

bool is_same_word(std::string_view text, std::string_view word) {
  return text.size() == word.size() &&
         std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) { return lower(a) == b; });
}

enum class Exactness : u8 { kAsWritten, kExact, kInexact };

struct Parser {
  const Operation operation;
  std::string_view rest;
  u32 radix;
  Exactness exactness = Exactness::kAsWritten;
  bool is_negative = false;

  Value parse();

 private:
  bool parse_prefixes();
  std::string_view take_digits();
  Value parse_ratio(std::string_view numerator);
  Value parse_decimal(std::string_view whole);
  Value to_flonum_value(double size) { return operation.machine.heap().flonum(is_negative ? -size : size); }
  // Where that many digits in front of the point are too many for an exact number.
  bool has_too_many(i64 digits) const {
    return digits > 1 && (digits - 1) * (radix == 10 ? 332 : 100 * (std::bit_width(radix) - 1)) / 100 > kMaxBits;
  }
  void charge_digits(std::size_t digits) {
    // Reading them by halves costs a few products of that length.
    operation.machine.charge(digits / 8);
    if (digits > 300) charge_product(operation, digits / 9, digits / 9, 2);
  }
  Value exact_of(std::string_view digits, i64 exponent);
  double double_of(std::string digits, i64 exponent);
};

bool Parser::parse_prefixes() {
  bool has_radix = false;
  while (rest.size() >= 2 && rest[0] == '#') {
    const char letter = lower(rest[1]);
    rest.remove_prefix(2);
    if (letter == 'e' || letter == 'i') {
      if (exactness != Exactness::kAsWritten) return false;
      exactness = letter == 'e' ? Exactness::kExact : Exactness::kInexact;
      continue;
    }
    if (has_radix) return false;
    has_radix = true;
    switch (letter) {
      case 'b': radix = 2; break;
      case 'o': radix = 8; break;
      case 'd': radix = 10; break;
      case 'x': radix = 16; break;
      default: return false;
    }
  }
  return true;
}

std::string_view Parser::take_digits() {
  std::size_t count = 0;
  while (count < rest.size() && is_digit_of(rest[count], radix)) count++;
  const std::string_view digits = rest.substr(0, count);
  rest.remove_prefix(count);
  return digits;
}

Value Parser::parse() {
  if (!parse_prefixes() || rest.empty()) return kFalse;
  if (rest[0] == '+' || rest[0] == '-') {
    is_negative = rest[0] == '-';
    rest.remove_prefix(1);
    const bool is_infinite = is_same_word(rest, "inf.0");
    if (is_infinite || is_same_word(rest, "nan.0")) {
      if (exactness == Exactness::kExact) return kFalse;
      return is_infinite ? to_flonum_value(kInfinity)
                         : operation.machine.heap().flonum(std::numeric_limits<double>::quiet_NaN());
    }
  }
  const std::string_view digits = take_digits();
  if (rest.empty()) {
    if (digits.empty()) return kFalse;
    if (exactness == Exactness::kInexact) return to_flonum_value(double_of(std::string(digits), 0));
    return exact_of(digits, 0);
  }
  if (rest[0] == '/') {
    rest.remove_prefix(1);
    return parse_ratio(digits);
  }
  return parse_decimal(digits);
}

Value Parser::parse_ratio(std::string_view numerator) {
  const std::string_view denominator = take_digits();
  if (numerator.empty() || denominator.empty() || !rest.empty()) return kFalse;
  if (denominator.find_first_not_of('0') == std::string_view::npos) return kFalse;
  const Value top = exact_of(numerator, 0);
  if (top.is_signal()) return top;
  is_negative = false;
  const Value bottom = exact_of(denominator, 0);
  if (bottom.is_signal()) return bottom;
  if (exactness == Exactness::kInexact) {
    const IntegerView n(top);
    is_negative = n.is_negative();
    return to_flonum_value(nearest_double_of_ratio(n.magnitude(), IntegerView(bottom).magnitude()));
  }
  return ratio(operation, top, bottom);
}

Value Parser::parse_decimal(std::string_view whole) {
  std::string digits(whole);
  i64 exponent = 0;
  if (!rest.empty() && rest[0] == '.') {
    rest.remove_prefix(1);
    const std::string_view fraction = take_digits();
    digits += fraction;
    exponent = -static_cast<i64>(fraction.size());
  }
  if (digits.empty()) return kFalse;
  if (!rest.empty()) {
    if (radix != 10 || lower(rest[0]) != 'e') return kFalse;
    rest.remove_prefix(1);
    bool is_down = false;
    if (!rest.empty() && (rest[0] == '+' || rest[0] == '-')) {
      is_down = rest[0] == '-';
      rest.remove_prefix(1);
    }
    const std::string_view scale = take_digits();
    if (scale.empty() || !rest.empty()) return kFalse;
    i64 number = 0;
    for (const char c : scale) number = std::min(number * 10 + (c - '0'), kMostExponent);
    exponent += is_down ? -number : number;
  }
  if (exactness == Exactness::kExact) return exact_of(digits, exponent);
  return to_flonum_value(double_of(std::move(digits), exponent));
}

// digits * radix^exponent
Value Parser::exact_of(std::string_view digits, i64 exponent) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  const i64 count = static_cast<i64>(digits.size());
  if (count == 0) return Value::fixnum(0);
  if (exponent == 0 && count <= 15) {
    i64 number = 0;
    for (const char c : digits) number = number * radix + static_cast<i64>(c <= '9' ? c - '0' : lower(c) - 'a' + 10);
    return Value::fixnum(is_negative ? -number : number);
  }
  if (has_too_many(count) || has_too_many(count + exponent) || has_too_many(-exponent)) return operation.is_too_large();
  charge_digits(digits.size());
  const Natural number = from_digits(digits, radix);
  if (exponent == 0) return to_integer(operation, number, is_negative);
  charge_digits(static_cast<std::size_t>(exponent < 0 ? -exponent : exponent));
  const Natural scale = power(Natural(radix), static_cast<u64>(exponent < 0 ? -exponent : exponent));
  if (exponent > 0) return to_integer(operation, multiply(number, scale), is_negative);
  const Value top = to_integer(operation, number, is_negative);
  const Value bottom = to_integer(operation, scale);
  return top.is_signal() || bottom.is_signal() ? kRaised : ratio(operation, top, bottom);
}

// The double nearest to digits * radix^exponent.
double Parser::double_of(std::string digits, i64 exponent) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  const std::size_t significant = digits.find_last_not_of('0') + 1;
  exponent += static_cast<i64>(digits.size() - significant);
  digits.resize(significant);
  if (digits.empty()) return 0;
  operation.machine.charge(digits.size() / 16);
  const i64 count = static_cast<i64>(digits.size());
  if (radix != 10) {
    const i64 width = std::bit_width(radix) - 1;
    // 1100 bits are more than a double can tell apart; that there is more is all that counts of the others.
    if (count > 1100) {
      exponent += count - 1101;
      digits.resize(1100);
      digits += '1';
    }
    return nearest_double(from_digits(digits, radix), exponent * width);
  }
  if (count > 15 || exponent < -22 || exponent > 22) operation.machine.charge(100);
  return nearest_double_of_decimal(std::move(digits), exponent);
}

}  // namespace

Value parse_number(Machine& machine, std::string_view text, u32 radix) {
  Parser parser{{machine, "string->number"}, text, radix};
  return parser.parse();
}

}  // namespace heddle::lisp
