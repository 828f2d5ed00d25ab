#include "heddle/decimal.h"

#include <algorithm>
#include <limits>

#include "lisp/numbers/natural.h"

namespace heddle {

namespace {

// Digits that a decimal can have before further ones only say whether there is more: half the way between two doubles
// has at most 767.
constexpr std::size_t kMostDigits = 800;

}  // namespace

double nearest_double_of_decimal(std::string digits, i64 exponent) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  const std::size_t significant = digits.find_last_not_of('0') + 1;
  exponent += static_cast<i64>(digits.size() - significant);
  digits.resize(significant);
  if (digits.empty()) return 0;
  const i64 count = static_cast<i64>(digits.size());
  if (count + exponent > 310) return std::numeric_limits<double>::infinity();
  if (count + exponent < -326) return 0;
  if (digits.size() > kMostDigits) {
    exponent += count - static_cast<i64>(kMostDigits) - 1;
    digits.resize(kMostDigits);
    digits += '1';
  }
  if (count <= 15 && exponent >= -22 && exponent <= 22) {
    // Both are exact, so that one operation rounds once.
    double number = 0;
    for (const char c : digits) number = number * 10 + (c - '0');
    double scale = 1;
    for (i64 i = exponent < 0 ? -exponent : exponent; i > 0; i--) scale *= 10;
    return exponent < 0 ? number / scale : number * scale;
  }
  const lisp::Natural number = lisp::from_digits(digits, 10);
  // 10^n is 5^n * 2^n.
  const lisp::Natural scale = lisp::power(lisp::Natural(5), static_cast<u64>(exponent < 0 ? -exponent : exponent));
  return exponent < 0 ? lisp::nearest_double_of_ratio(number, scale, exponent)
                      : lisp::nearest_double(lisp::multiply(number, scale), exponent);
}

}  // namespace heddle
