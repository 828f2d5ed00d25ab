// Natural numbers to digits and back, and to the nearest double.
#include <algorithm>
#include <bit>
#include <vector>

#include "lisp/numbers/natural.h"

namespace heddle::lisp {

namespace {

// Where halves begin to pay, in limbs.
constexpr u32 kRecursiveDigits = 30;

// radix^(chunk digits * 2^level), as far as they were needed.
class Powers {
 public:
  explicit Powers(u32 chunk_value) { powers_.emplace_back(u64{chunk_value}); }
  const Natural& at(u32 level) {
    while (powers_.size() <= level) powers_.push_back(multiply(powers_.back(), powers_.back()));
    return powers_[level];
  }

 private:
  std::vector<Natural> powers_;
};

// How many digits of a radix a limb holds, and radix^that.
struct Chunk {
  u32 digits;
  u32 value;
};
Chunk chunk_of(u32 radix) {
  Chunk chunk{0, 1};
  while (u64{chunk.value} * radix <= UINT32_MAX) chunk = {chunk.digits + 1, chunk.value * radix};
  return chunk;
}

char digit_character(u32 digit) { return static_cast<char>(digit < 10 ? '0' + digit : 'a' + digit - 10); }

// Writes exactly `count` digits before `end`, zeros in front.
void write_digits(NaturalView number, u32 radix, Chunk chunk, Powers& powers, u32 count, char* end) {
  if (number.size() <= kRecursiveDigits) {
    Natural rest(number);
    char* const begin = end - count;
    while (end > begin) {
      u32 part = rest.divide_by(chunk.value);
      for (u32 i = 0; i < chunk.digits && end > begin; i++, part /= radix) *--end = digit_character(part % radix);
    }
    return;
  }
  // The largest power whose digits are fewer than what is to be written, so that both parts are about halves.
  u32 level = 0;
  while (u64{chunk.digits} << (level + 1) < count && powers.at(level + 1).size() * 2 <= number.size() + 1) level++;
  Natural high;
  Natural low;
  divide(number, powers.at(level), high, low);
  const u32 low_count = chunk.digits << level;
  write_digits(high, radix, chunk, powers, count - low_count, end - low_count);
  write_digits(low, radix, chunk, powers, low_count, end);
}

u32 digit_value(char character) {
  const u32 code = static_cast<u8>(character);
  return code <= '9' ? code - '0' : (code | 0x20) - 'a' + 10;
}

Natural read_digits(std::string_view digits, u32 radix, Chunk chunk, Powers& powers) {
  if (digits.size() <= chunk.digits * kRecursiveDigits) {
    Natural number;
    while (!digits.empty()) {
      const std::size_t count = (digits.size() - 1) % chunk.digits + 1;
      u32 part = 0;
      u32 scale = 1;
      for (std::size_t i = 0; i < count; i++) {
        part = part * radix + digit_value(digits[i]);
        scale *= radix;
      }
      number.multiply_add(scale, part);
      digits.remove_prefix(count);
    }
    return number;
  }
  u32 level = 0;
  while (u64{chunk.digits} << (level + 1) < digits.size()) level++;
  const std::size_t low = std::size_t{chunk.digits} << level;
  const Natural high = read_digits(digits.substr(0, digits.size() - low), radix, chunk, powers);
  return add(multiply(high, powers.at(level)), read_digits(digits.substr(digits.size() - low), radix, chunk, powers));
}

}  // namespace

// --- Digits

std::string to_digits(NaturalView number, u32 radix) {
  if (number.empty()) return "0";
  std::string digits;
  if (std::has_single_bit(radix)) {
    const u32 width = static_cast<u32>(std::countr_zero(radix));
    const u64 count = (bit_length(number) + width - 1) / width;
    digits.resize(count);
    for (u64 i = 0; i < count; i++) {
      digits[count - 1 - i] = digit_character(static_cast<u32>(bits_from(number, i * width)) & (radix - 1));
    }
    return digits;
  }
  const Chunk chunk = chunk_of(radix);
  Powers powers(chunk.value);
  const u32 count = (static_cast<u32>(number.size()) * 32 / 3 / chunk.digits + 1) * chunk.digits;
  digits.resize(count);
  write_digits(number, radix, chunk, powers, count, digits.data() + count);
  digits.erase(0, digits.find_first_not_of('0'));
  return digits;
}

Natural from_digits(std::string_view digits, u32 radix) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  if (std::has_single_bit(radix)) {
    const u32 width = static_cast<u32>(std::countr_zero(radix));
    Natural number = Natural::zeros(static_cast<u32>(digits.size() * width / 32 + 2));
    u64 at = 0;
    for (std::size_t i = digits.size(); i-- > 0; at += width) {
      const u64 pair = u64{digit_value(digits[i])} << at % 32;
      number.data()[at / 32] |= static_cast<u32>(pair);
      number.data()[at / 32 + 1] |= static_cast<u32>(pair >> 32);
    }
    number.trim();
    return number;
  }
  const Chunk chunk = chunk_of(radix);
  Powers powers(chunk.value);
  Natural number = read_digits(digits, radix, chunk, powers);
  number.trim();
  return number;
}

// --- Doubles

double nearest_double(u64 mantissa, bool has_more, i64 exponent) {
  if (mantissa == 0) return 0;
  const int zeros = std::countl_zero(mantissa);
  mantissa <<= zeros;
  const i64 scale = exponent - zeros + 63;  // the number is 1.something * 2^scale
  if (scale > 1023) return std::bit_cast<double>(u64{0x7ff} << 52);
  const i64 dropped = scale >= -1022 ? 11 : 11 + (-1022 - scale);
  if (dropped > 64) return 0;
  u64 kept = dropped == 64 ? 0 : mantissa >> dropped;
  const u64 half = u64{1} << (dropped - 1);
  const u64 rest = mantissa & (half - 1);
  if ((mantissa & half) != 0 && (rest != 0 || has_more || (kept & 1) != 0)) kept++;
  // A carry out of the mantissa lands in the exponent, as it should.
  const u64 biased = scale >= -1022 ? static_cast<u64>(scale + 1022) << 52 : 0;
  return std::bit_cast<double>(biased + kept);
}

double nearest_double(NaturalView number, i64 exponent) {
  const u64 length = bit_length(number);
  if (length <= 64) return nearest_double(to_u64(number), false, exponent);
  const u64 from = length - 62;
  return nearest_double(bits_from(number, from), trailing_zeros(number) < from, exponent + static_cast<i64>(from));
}

double nearest_double_of_ratio(NaturalView numerator, NaturalView denominator, i64 exponent) {
  if (numerator.empty()) return 0;
  // A quotient of 62 or 63 bits.
  const i64 shift = 62 + static_cast<i64>(bit_length(denominator)) - static_cast<i64>(bit_length(numerator));
  Natural result;
  Natural rest;
  if (shift >= 0) {
    divide(shift_left(numerator, static_cast<u64>(shift)), denominator, result, rest);
  } else {
    divide(numerator, shift_left(denominator, static_cast<u64>(-shift)), result, rest);
  }
  return nearest_double(to_u64(result), !rest.is_zero(), exponent - shift);
}

}  // namespace heddle::lisp
