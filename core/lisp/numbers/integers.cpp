#include "lisp/numbers/integers.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

namespace heddle::lisp {

Value Operation::is_too_large() const {
  return machine.error("RangeError", std::string(name) + ": the result is too large: an integer has at most " +
                                         std::to_string(kMaxBits) + " bits, a ratio's parts " +
                                         std::to_string(kMaxRatioBits));
}

Value Operation::divides_by_zero() const {
  return machine.error("DivideByZero", std::string(name) + ": division by zero");
}

IntegerView::IntegerView(Value integer) {
  if (integer.is_fixnum()) {
    const i64 number = integer.to_fixnum();
    is_negative_ = number < 0;
    const u64 size = is_negative_ ? 0 - static_cast<u64>(number) : static_cast<u64>(number);
    own_[0] = static_cast<u32>(size);
    own_[1] = static_cast<u32>(size >> 32);
    magnitude_ = {own_, size == 0 ? 0u : own_[1] == 0 ? 1u : 2u};
  } else {
    const Bignum* bignum = as<Bignum>(integer);
    is_negative_ = bignum->aux != 0;
    magnitude_ = {bignum->limbs, bignum->length};
  }
}

Value to_integer(const Operation& operation, NaturalView magnitude, bool is_negative) {
  const u64 length = bit_length(magnitude);
  if (length <= 63) {
    const i64 number = static_cast<i64>(to_u64(magnitude));
    if (is_negative ? -number >= Value::kMinFixnum : number <= Value::kMaxFixnum) {
      return Value::fixnum(is_negative ? -number : number);
    }
  }
  if (length > kMaxBits) return operation.is_too_large();
  const u32 count = static_cast<u32>(magnitude.size());
  Heap& heap = operation.machine.heap();
  if (count > 64 && !heap.has_room(Bignum::size(count))) {
    return operation.machine.heap_error(operation.name, Bignum::size(count));
  }
  auto* bignum = heap.make<Bignum>(Type::kBignum, Bignum::size(count), count, is_negative ? 1 : 0);
  std::copy(magnitude.begin(), magnitude.end(), bignum->limbs);
  return Value::object(bignum);
}

int sign_of_integer(Value integer) {
  if (!integer.is_fixnum()) return as<Bignum>(integer)->aux != 0 ? -1 : 1;
  const i64 number = integer.to_fixnum();
  return number < 0 ? -1 : number > 0;
}

bool is_odd_integer(Value integer) {
  return ((integer.is_fixnum() ? static_cast<u64>(integer.to_fixnum()) : as<Bignum>(integer)->limbs[0]) & 1) != 0;
}

u64 bit_length_of_integer(Value integer) { return bit_length(IntegerView(integer).magnitude()); }

int compare_integers(Value left, Value right) {
  if (left.is_fixnum() && right.is_fixnum()) {
    return left.to_fixnum() < right.to_fixnum() ? -1 : left.to_fixnum() > right.to_fixnum();
  }
  const IntegerView a(left);
  const IntegerView b(right);
  if (a.is_negative() != b.is_negative()) return a.is_negative() ? -1 : 1;
  const int order = compare(a.magnitude(), b.magnitude());
  return a.is_negative() ? -order : order;
}

void charge_product(const Operation& operation, u64 limbs, u64 other_limbs, u64 times) {
  // As Karatsuba does it: halving both saves one product of four.
  u64 steps = limbs * other_limbs;
  for (u64 size = std::min(limbs, other_limbs); size >= 80; size /= 2) steps -= steps / 4;
  operation.machine.charge(steps / 2 * times);
}

namespace {

Value sum(const Operation& operation, Value left, Value right, bool is_difference) {
  const IntegerView a(left);
  const IntegerView b(right);
  operation.machine.charge((a.magnitude().size() + b.magnitude().size()) / 8);
  const bool is_b_negative = b.is_negative() != is_difference;
  if (a.is_negative() == is_b_negative) {
    return to_integer(operation, add(a.magnitude(), b.magnitude()), a.is_negative());
  }
  if (compare(a.magnitude(), b.magnitude()) >= 0) {
    return to_integer(operation, subtract(a.magnitude(), b.magnitude()), a.is_negative());
  }
  return to_integer(operation, subtract(b.magnitude(), a.magnitude()), is_b_negative);
}

}  // namespace

Value add_integers(const Operation& operation, Value left, Value right) {
  if (left.is_fixnum() && right.is_fixnum()) {
    return integer(operation.machine.heap(), left.to_fixnum() + right.to_fixnum());
  }
  return sum(operation, left, right, false);
}

Value subtract_integers(const Operation& operation, Value left, Value right) {
  if (left.is_fixnum() && right.is_fixnum()) {
    return integer(operation.machine.heap(), left.to_fixnum() - right.to_fixnum());
  }
  return sum(operation, left, right, true);
}

Value multiply_integers(const Operation& operation, Value left, Value right) {
  if (left.is_fixnum() && right.is_fixnum()) {
    i64 product = 0;
    if (!__builtin_mul_overflow(left.to_fixnum(), right.to_fixnum(), &product)) {
      return integer(operation.machine.heap(), product);
    }
  }
  const IntegerView a(left);
  const IntegerView b(right);
  if (bit_length(a.magnitude()) + bit_length(b.magnitude()) > u64{kMaxBits} + 1) return operation.is_too_large();
  charge_product(operation, a.magnitude().size(), b.magnitude().size());
  return to_integer(operation, multiply(a.magnitude(), b.magnitude()), a.is_negative() != b.is_negative());
}

Value negate_integer(const Operation& operation, Value number) {
  if (number.is_fixnum()) return integer(operation.machine.heap(), -number.to_fixnum());
  const IntegerView view(number);
  return to_integer(operation, view.magnitude(), !view.is_negative());
}

bool divide_integers(const Operation& operation, Rounding rounding, Value dividend, Value divisor, Value* quotient,
                     Value* remainder) {
  const bool is_floor = rounding == Rounding::kFloor;
  if (dividend.is_fixnum() && divisor.is_fixnum()) {
    const i64 n = dividend.to_fixnum();
    const i64 d = divisor.to_fixnum();
    i64 q = n / d;
    i64 r = n % d;
    if (is_floor && r != 0 && (r < 0) != (d < 0)) {
      q--;
      r += d;
    }
    if (quotient != nullptr) *quotient = integer(operation.machine.heap(), q);
    if (remainder != nullptr) *remainder = Value::fixnum(r);
    return true;
  }
  const IntegerView n(dividend);
  const IntegerView d(divisor);
  const u64 divisor_limbs = d.magnitude().size();
  const u64 dividend_limbs = n.magnitude().size();
  if (dividend_limbs >= divisor_limbs) {
    charge_product(operation, dividend_limbs - divisor_limbs + 1, divisor_limbs, 2);
  }
  Natural q;
  Natural r;
  divide(n.magnitude(), d.magnitude(), q, r);
  if (is_floor && !r.is_zero() && n.is_negative() != d.is_negative()) {
    r = subtract(d.magnitude(), r);
    q = add(q, Natural(1));
    if (remainder != nullptr) *remainder = to_integer(operation, r, d.is_negative());
  } else if (remainder != nullptr) {
    *remainder = to_integer(operation, r, n.is_negative());
  }
  if (quotient != nullptr) {
    *quotient = to_integer(operation, q, n.is_negative() != d.is_negative());
    if (quotient->is_signal()) return false;
  }
  return remainder == nullptr || !remainder->is_signal();
}

Value gcd_of_integers(const Operation& operation, Value left, Value right) {
  if (left.is_fixnum() && right.is_fixnum()) {
    return integer(operation.machine.heap(), std::gcd(left.to_fixnum(), right.to_fixnum()));
  }
  const IntegerView a(left);
  const IntegerView b(right);
  const u64 least = std::min(a.magnitude().size(), b.magnitude().size());
  if (least > kMaxRatioBits / 32) {
    return operation.machine.error("RangeError", std::string(operation.name) + ": both integers have more than " +
                                                     std::to_string(kMaxRatioBits) +
                                                     " bits, too many for a common divisor");
  }
  operation.machine.charge(least * least + a.magnitude().size());
  return to_integer(operation, greatest_common_divisor(a.magnitude(), b.magnitude()));
}

Value power_of_integer(const Operation& operation, Value base, Value exponent) {
  if (base == Value::fixnum(1) || exponent == Value::fixnum(0)) return Value::fixnum(1);
  if (base == Value::fixnum(0)) return base;
  const bool is_odd = is_odd_integer(exponent);
  if (base == Value::fixnum(-1)) return Value::fixnum(is_odd ? -1 : 1);
  const IntegerView view(base);
  const u64 length = bit_length(view.magnitude());
  if (!exponent.is_fixnum() || exponent.to_fixnum() > kMaxBits) return operation.is_too_large();
  const u64 count = static_cast<u64>(exponent.to_fixnum());
  if ((length - 1) * count >= kMaxBits) return operation.is_too_large();
  // What is even is shifted: powers of two, and of ten for the half of it.
  const u64 zeros = trailing_zeros(view.magnitude());
  const u64 limbs = length * count / 32 + 1;
  charge_product(operation, limbs, limbs);
  const Natural odd = power(shift_right(view.magnitude(), zeros), count);
  return to_integer(operation, shift_left(odd, zeros * count), view.is_negative() && is_odd);
}

namespace {

// `count` limbs of two's complement.
Natural complement(Value integer, u32 count) {
  const IntegerView view(integer);
  Natural limbs = Natural::zeros(count);
  std::copy(view.magnitude().begin(), view.magnitude().end(), limbs.data());
  if (view.is_negative()) {
    u64 carry = 1;
    for (u32 i = 0; i < count; i++) {
      carry += static_cast<u32>(~limbs.data()[i]);
      limbs.data()[i] = static_cast<u32>(carry);
      carry >>= 32;
    }
  }
  return limbs;
}

}  // namespace

Value bitwise(const Operation& operation, Bitwise kind, Value left, Value right) {
  // Room for the longer one and a sign.
  const u32 count =
      static_cast<u32>(std::max(IntegerView(left).magnitude().size(), IntegerView(right).magnitude().size()) + 1);
  operation.machine.charge(count / 4);
  Natural result = complement(left, count);
  const Natural other = complement(right, count);
  for (u32 i = 0; i < count; i++) {
    u32& limb = result.data()[i];
    const u32 operand = other.data()[i];
    limb = kind == Bitwise::kAnd ? limb & operand : kind == Bitwise::kOr ? limb | operand : limb ^ operand;
  }
  const bool is_negative = result.data()[count - 1] >> 31 != 0;
  if (is_negative) {
    u64 carry = 1;
    for (u32 i = 0; i < count; i++) {
      carry += static_cast<u32>(~result.data()[i]);
      result.data()[i] = static_cast<u32>(carry);
      carry >>= 32;
    }
  }
  result.trim();
  return to_integer(operation, result, is_negative);
}

Value shift_integer(const Operation& operation, Value integer, Value bits) {
  const IntegerView view(integer);
  if (view.magnitude().empty()) return integer;
  operation.machine.charge(view.magnitude().size() / 4);
  if (sign_of_integer(bits) >= 0) {
    if (!bits.is_fixnum() || bits.to_fixnum() > kMaxBits) return operation.is_too_large();
    const u64 count = static_cast<u64>(bits.to_fixnum());
    if (count + bit_length(view.magnitude()) > kMaxBits) return operation.is_too_large();
    operation.machine.charge(count / 128);
    return to_integer(operation, shift_left(view.magnitude(), count), view.is_negative());
  }
  const u64 count = bits.is_fixnum() ? 0 - static_cast<u64>(bits.to_fixnum()) : u64{kMaxBits} + 1;
  Natural result = shift_right(view.magnitude(), count);
  if (view.is_negative() && trailing_zeros(view.magnitude()) < count) result = add(result, Natural(1));
  return to_integer(operation, result, view.is_negative());
}

}  // namespace heddle::lisp
