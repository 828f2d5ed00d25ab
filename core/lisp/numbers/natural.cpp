#include "lisp/numbers/natural.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <utility>

namespace heddle::lisp {

namespace {

// Where the divide-and-conquer methods begin to pay, in limbs.
constexpr u32 kKaratsuba = 40;
constexpr u32 kRecursiveDivision = 80;

NaturalView trimmed(NaturalView limbs) {
  while (!limbs.empty() && limbs.back() == 0) limbs = limbs.first(limbs.size() - 1);
  return limbs;
}

// sum[0, n) = left[0, n) + right[0, m), m <= n; gives the carry. May work in place.
u32 add_limbs(u32* sum, const u32* left, u32 n, const u32* right, u32 m) {
  u64 carry = 0;
  for (u32 i = 0; i < m; i++) {
    carry += u64{left[i]} + right[i];
    sum[i] = static_cast<u32>(carry);
    carry >>= 32;
  }
  for (u32 i = m; i < n; i++) {
    carry += left[i];
    sum[i] = static_cast<u32>(carry);
    carry >>= 32;
  }
  return static_cast<u32>(carry);
}

// difference[0, n) = left[0, n) - right[0, m), m <= n; gives the borrow. May work in place.
u32 subtract_limbs(u32* difference, const u32* left, u32 n, const u32* right, u32 m) {
  u64 borrow = 0;
  for (u32 i = 0; i < m; i++) {
    const u64 limb = u64{left[i]} - right[i] - borrow;
    difference[i] = static_cast<u32>(limb);
    borrow = limb >> 63;
  }
  for (u32 i = m; i < n; i++) {
    const u64 limb = u64{left[i]} - borrow;
    difference[i] = static_cast<u32>(limb);
    borrow = limb >> 63;
  }
  return static_cast<u32>(borrow);
}

// product[0, n) += left[0, n) * factor; gives the carry.
u32 multiply_add_limbs(u32* product, const u32* left, u32 n, u32 factor) {
  u64 carry = 0;
  for (u32 i = 0; i < n; i++) {
    carry += u64{left[i]} * factor + product[i];
    product[i] = static_cast<u32>(carry);
    carry >>= 32;
  }
  return static_cast<u32>(carry);
}

void multiply_simply(u32* product, const u32* left, u32 n, const u32* right, u32 m) {
  std::fill(product, product + n, 0);
  for (u32 i = 0; i < m; i++) product[n + i] = multiply_add_limbs(product + i, left, n, right[i]);
}

// difference[0, n) = |left - right|, right has m <= n limbs; says whether left < right.
bool distance(u32* difference, const u32* left, u32 n, const u32* right, u32 m) {
  if (compare(trimmed({left, n}), trimmed({right, m})) >= 0) {
    subtract_limbs(difference, left, n, right, m);
    return false;
  }
  // Then what left has above m is 0.
  subtract_limbs(difference, right, m, left, m);
  std::fill(difference + m, difference + n, 0);
  return true;
}

// product[0, 2n) = left[0, n) * right[0, n); scratch has 4n + 128 limbs.
void multiply_equal(u32* product, const u32* left, const u32* right, u32 n, u32* scratch) {
  if (n < kKaratsuba) return multiply_simply(product, left, n, right, n);
  const u32 low = n - n / 2;
  const u32 high = n / 2;
  // (l0 - l1)(r0 - r1) = l0 r0 + l1 r1 - (l0 r1 + l1 r0)
  u32* cross = scratch;
  u32* rest = scratch + 2 * low;
  const bool is_negative =
      distance(product, left, low, left + low, high) != distance(product + low, right, low, right + low, high);
  multiply_equal(cross, product, product + low, low, rest);
  multiply_equal(product, left, right, low, rest);
  multiply_equal(product + 2 * low, left + low, right + low, high, rest);
  u32* middle = rest;
  u32 carry = add_limbs(middle, product, 2 * low, product + 2 * low, 2 * high);
  if (is_negative) {
    carry += add_limbs(middle, middle, 2 * low, cross, 2 * low);
  } else {
    carry -= subtract_limbs(middle, middle, 2 * low, cross, 2 * low);
  }
  add_limbs(product + low, product + low, 2 * n - low, middle, 2 * low);
  if (carry != 0) add_limbs(product + 3 * low, product + 3 * low, 2 * n - 3 * low, &carry, 1);
}

// Knuth's D. dividend has n + m + 1 limbs and becomes the remainder in its low n; divisor has n >= 2 and its top bit
// set; quotient gets m + 1.
void divide_simply(u32* dividend, const u32* divisor, u32 n, u32 m, u32* quotient) {
  const u64 top = divisor[n - 1];
  const u64 next = divisor[n - 2];
  for (u32 j = m + 1; j-- > 0;) {
    u32* window = dividend + j;
    const u64 head = u64{window[n]} << 32 | window[n - 1];
    u64 guess = head / top;
    u64 rest = head % top;
    while (guess >> 32 != 0 || guess * next > (rest << 32 | window[n - 2])) {
      guess--;
      rest += top;
      if (rest >> 32 != 0) break;
    }
    u64 borrow = 0;
    for (u32 i = 0; i < n; i++) {
      const u64 product = guess * divisor[i] + borrow;
      const u64 limb = u64{window[i]} - static_cast<u32>(product);
      window[i] = static_cast<u32>(limb);
      borrow = (product >> 32) + (limb >> 63);
    }
    const bool is_too_large = window[n] < borrow;
    window[n] -= static_cast<u32>(borrow);
    if (is_too_large) {
      guess--;
      window[n] += add_limbs(window, window, n, divisor, n);
    }
    quotient[j] = static_cast<u32>(guess);
  }
}

// A divisor with its top bit set; any dividend.
void divide_normalized(NaturalView dividend, NaturalView divisor, Natural& quotient, Natural& remainder) {
  if (compare(dividend, divisor) < 0) {
    remainder = Natural(dividend);
    quotient = Natural();
    return;
  }
  const u32 n = static_cast<u32>(divisor.size());
  const u32 m = static_cast<u32>(dividend.size()) - n;
  Natural rest = Natural::zeros(n + m + 1);
  std::copy(dividend.begin(), dividend.end(), rest.data());
  Natural result = Natural::zeros(m + 1);
  divide_simply(rest.data(), divisor.data(), n, m, result.data());
  rest.trim();
  result.trim();
  remainder = std::move(rest);
  quotient = std::move(result);
}

NaturalView low_limbs(NaturalView number, u32 count) {
  return trimmed(number.first(std::min<std::size_t>(number.size(), count)));
}
NaturalView high_limbs(NaturalView number, u32 from) {
  return number.size() > from ? number.subspan(from) : NaturalView();
}
// high * 2^(32 * at) + low, where low has at most `at` limbs.
Natural joined(NaturalView high, NaturalView low, u32 at) {
  if (high.empty()) return Natural(low);
  Natural result = Natural::zeros(at + static_cast<u32>(high.size()));
  std::copy(low.begin(), low.end(), result.data());
  std::copy(high.begin(), high.end(), result.data() + at);
  return result;
}

void divide_by_halves(NaturalView dividend, NaturalView divisor, Natural& quotient, Natural& remainder);

// The dividend is high * b^half + low, below divisor * b^half, where the divisor has 2 * half limbs.
void divide_three_halves(NaturalView high, NaturalView low, NaturalView divisor, u32 half, Natural& quotient,
                         Natural& remainder) {
  const NaturalView top = divisor.subspan(half);
  Natural rest;
  if (compare(high_limbs(high, half), top) < 0) {
    divide_by_halves(high, top, quotient, rest);
  } else {
    // The quotient is b^half - 1 or a little less.
    quotient = Natural::zeros(half);
    std::fill(quotient.data(), quotient.data() + half, UINT32_MAX);
    rest = subtract(add(high, top), joined(top, {}, half));
  }
  rest = joined(rest, low, half);
  const Natural product = multiply(quotient, low_limbs(divisor, half));
  const u32 one = 1;
  while (compare(rest, product) < 0) {
    quotient = subtract(quotient, {&one, 1});
    rest = add(rest, divisor);
  }
  remainder = subtract(rest, product);
}

// The dividend is below divisor * b^(limbs of divisor).
void divide_by_halves(NaturalView dividend, NaturalView divisor, Natural& quotient, Natural& remainder) {
  const u32 n = static_cast<u32>(divisor.size());
  if (n % 2 != 0 || n < kRecursiveDivision || dividend.size() < n + kRecursiveDivision / 2) {
    return divide_normalized(dividend, divisor, quotient, remainder);
  }
  const u32 half = n / 2;
  Natural upper;
  Natural rest;
  divide_three_halves(high_limbs(dividend, n), low_limbs(high_limbs(dividend, half), half), divisor, half, upper, rest);
  Natural lower;
  divide_three_halves(rest, low_limbs(dividend, half), divisor, half, lower, remainder);
  quotient = joined(upper, lower, half);
}

}  // namespace

// --- Natural

Natural::Natural(u64 number) {
  limbs_[0] = static_cast<u32>(number);
  limbs_[1] = static_cast<u32>(number >> 32);
  size_ = 2;
  trim();
}

Natural::Natural(NaturalView limbs) {
  reserve(static_cast<u32>(limbs.size()));
  size_ = static_cast<u32>(limbs.size());
  std::copy(limbs.begin(), limbs.end(), limbs_);
}

Natural Natural::zeros(u32 count) {
  Natural number;
  number.reserve(count);
  number.size_ = count;
  std::fill(number.limbs_, number.limbs_ + count, 0);
  return number;
}

Natural& Natural::operator=(Natural&& other) noexcept {
  if (this != &other) {
    release();
    take(other);
  }
  return *this;
}

void Natural::reserve(u32 count) {
  if (count <= capacity_) return;
  count += count / 8;
  u32* limbs = static_cast<u32*>(std::malloc(std::size_t{count} * 4));
  if (limbs == nullptr) std::abort();
  std::copy(limbs_, limbs_ + size_, limbs);
  release();
  limbs_ = limbs;
  capacity_ = count;
}

void Natural::release() {
  if (limbs_ != inline_) std::free(limbs_);
}

void Natural::take(Natural& other) {
  size_ = other.size_;
  capacity_ = other.capacity_;
  if (other.limbs_ == other.inline_) {
    limbs_ = inline_;
    std::copy(other.inline_, other.inline_ + size_, inline_);
  } else {
    limbs_ = other.limbs_;
  }
  other.limbs_ = other.inline_;
  other.size_ = 0;
  other.capacity_ = kInline;
}

void Natural::multiply_add(u32 factor, u32 addend) {
  u64 carry = addend;
  for (u32 i = 0; i < size_; i++) {
    carry += u64{limbs_[i]} * factor;
    limbs_[i] = static_cast<u32>(carry);
    carry >>= 32;
  }
  if (carry != 0) {
    reserve(size_ + 1);
    limbs_[size_++] = static_cast<u32>(carry);
  }
}

u32 Natural::divide_by(u32 divisor) {
  u64 rest = 0;
  for (u32 i = size_; i-- > 0;) {
    rest = rest << 32 | limbs_[i];
    limbs_[i] = static_cast<u32>(rest / divisor);
    rest %= divisor;
  }
  trim();
  return static_cast<u32>(rest);
}

// --- Arithmetic

int compare(NaturalView left, NaturalView right) {
  if (left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
  for (std::size_t i = left.size(); i-- > 0;) {
    if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
  }
  return 0;
}

u64 bit_length(NaturalView number) {
  return number.empty() ? 0 : number.size() * 32 - static_cast<u32>(std::countl_zero(number.back()));
}

u64 trailing_zeros(NaturalView number) {
  std::size_t limb = 0;
  while (number[limb] == 0) limb++;
  return limb * 32 + static_cast<u32>(std::countr_zero(number[limb]));
}

bool bit(NaturalView number, u64 index) {
  return index / 32 < number.size() && (number[index / 32] >> index % 32 & 1) != 0;
}

u64 bits_from(NaturalView number, u64 from) {
  const std::size_t limb = from / 32;
  const u32 shift = from % 32;
  u64 bits = 0;
  if (limb < number.size()) bits = number[limb] >> shift;
  if (limb + 1 < number.size()) bits |= u64{number[limb + 1]} << (32 - shift);
  if (limb + 2 < number.size() && shift > 0) bits |= u64{number[limb + 2]} << (64 - shift);
  return bits & ((u64{1} << 62) - 1);
}

u64 to_u64(NaturalView number) {
  return (number.empty() ? 0 : number[0]) | (number.size() < 2 ? 0 : u64{number[1]} << 32);
}

Natural add(NaturalView left, NaturalView right) {
  if (left.size() < right.size()) std::swap(left, right);
  const u32 n = static_cast<u32>(left.size());
  Natural sum = Natural::zeros(n + 1);
  sum.data()[n] = add_limbs(sum.data(), left.data(), n, right.data(), static_cast<u32>(right.size()));
  sum.trim();
  return sum;
}

Natural subtract(NaturalView left, NaturalView right) {
  const u32 n = static_cast<u32>(left.size());
  Natural difference = Natural::zeros(n);
  subtract_limbs(difference.data(), left.data(), n, right.data(), static_cast<u32>(right.size()));
  difference.trim();
  return difference;
}

Natural multiply(NaturalView left, NaturalView right) {
  if (left.size() < right.size()) std::swap(left, right);
  const u32 n = static_cast<u32>(left.size());
  const u32 m = static_cast<u32>(right.size());
  if (m == 0) return Natural();
  Natural product = Natural::zeros(n + m);
  if (m < kKaratsuba) {
    multiply_simply(product.data(), left.data(), n, right.data(), m);
  } else {
    // The longer one in pieces as long as the shorter one.
    Natural scratch = Natural::zeros(4 * m + 128);
    Natural piece = Natural::zeros(2 * m);
    u32 at = 0;
    for (; at + m <= n; at += m) {
      multiply_equal(piece.data(), left.data() + at, right.data(), m, scratch.data());
      add_limbs(product.data() + at, product.data() + at, std::min(2 * m, n + m - at), piece.data(),
                std::min(2 * m, n + m - at));
    }
    if (at < n) {
      const Natural last = multiply(trimmed(left.subspan(at)), right);
      add_limbs(product.data() + at, product.data() + at, n + m - at, last.data(), last.size());
    }
  }
  product.trim();
  return product;
}

Natural power(NaturalView base, u64 exponent) {
  if (exponent == 0) return Natural(1);
  Natural result(base);
  for (int i = 62 - std::countl_zero(exponent); i >= 0; i--) {
    result = multiply(result, result);
    if ((exponent >> i & 1) != 0) result = multiply(result, base);
  }
  return result;
}

void divide(NaturalView dividend, NaturalView divisor, Natural& quotient, Natural& remainder) {
  if (compare(dividend, divisor) < 0) {
    remainder = Natural(dividend);
    quotient = Natural();
    return;
  }
  if (divisor.size() == 1) {
    quotient = Natural(dividend);
    remainder = Natural(quotient.divide_by(divisor[0]));
    return;
  }
  // Normalized: the divisor's top bit set, and its limbs even as often as the recursion will halve them.
  u32 granule = 1;
  while (divisor.size() / granule >= kRecursiveDivision) granule *= 2;
  const u32 n = (static_cast<u32>(divisor.size()) + granule - 1) / granule * granule;
  const u64 shift = u64{n} * 32 - bit_length(divisor);
  const Natural shifted_divisor = shift_left(divisor, shift);
  const Natural shifted = shift_left(dividend, shift);
  if (granule == 1) {
    divide_normalized(shifted, shifted_divisor, quotient, remainder);
  } else {
    // From the top, in pieces as long as the divisor.
    Natural result;
    Natural rest;
    for (u32 pieces = (shifted.size() + n - 1) / n; pieces-- > 0;) {
      Natural digit;
      const Natural part = joined(rest, low_limbs(high_limbs(shifted, pieces * n), n), n);
      divide_by_halves(part, shifted_divisor, digit, rest);
      result = joined(result, digit, n);
    }
    quotient = std::move(result);
    remainder = std::move(rest);
  }
  remainder = shift_right(remainder, shift);
}

Natural quotient(NaturalView dividend, NaturalView divisor) {
  Natural result;
  Natural rest;
  divide(dividend, divisor, result, rest);
  return result;
}

Natural remainder(NaturalView dividend, NaturalView divisor) {
  Natural result;
  Natural rest;
  divide(dividend, divisor, result, rest);
  return rest;
}

Natural shift_left(NaturalView number, u64 bits) {
  if (number.empty()) return Natural();
  const u32 limbs = static_cast<u32>(bits / 32);
  const u32 shift = bits % 32;
  Natural result = Natural::zeros(static_cast<u32>(number.size()) + limbs + 1);
  u64 carry = 0;
  u32* target = result.data() + limbs;
  for (const u32 limb : number) {
    carry |= u64{limb} << shift;
    *target++ = static_cast<u32>(carry);
    carry >>= 32;
  }
  *target = static_cast<u32>(carry);
  result.trim();
  return result;
}

Natural shift_right(NaturalView number, u64 bits) {
  if (bits / 32 >= number.size()) return Natural();
  number = number.subspan(bits / 32);
  const u32 shift = bits % 32;
  const u32 count = static_cast<u32>(number.size());
  Natural result = Natural::zeros(count);
  for (u32 i = 0; i < count; i++) {
    const u64 pair = number[i] | (i + 1 < count ? u64{number[i + 1]} << 32 : 0);
    result.data()[i] = static_cast<u32>(pair >> shift);
  }
  result.trim();
  return result;
}

Natural square_root(NaturalView number) {
  if (number.empty()) return Natural();
  // Each turn doubles the bits that are right: root is the root of the number's top 2 * done bits, within 1.
  const u64 half = (bit_length(number) - 1) / 2;
  Natural root(1);
  u64 done = 0;
  for (int turn = static_cast<int>(std::bit_width(half)) - 1; turn >= 0; turn--) {
    const u64 before = std::exchange(done, half >> turn);
    root = add(shift_left(root, done - before - 1), quotient(shift_right(number, 2 * half - before - done + 1), root));
  }
  const u32 one = 1;
  if (compare(multiply(root, root), number) > 0) return subtract(root, {&one, 1});
  return root;
}

}  // namespace heddle::lisp
