#include "lisp/numbers/tower.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "lisp/numbers/elementary.h"

namespace heddle::lisp {

namespace {

// The bits of a finite double: number = mantissa * 2^exponent, the mantissa's sign apart.
struct Parts {
  u64 mantissa;
  i64 exponent;
};
Parts parts_of(double number) {
  const u64 bits = std::bit_cast<u64>(number);
  const u64 field = bits >> 52 & 0x7ff;
  const u64 fraction = bits & ((u64{1} << 52) - 1);
  if (field == 0) return {fraction, -1074};
  return {fraction | u64{1} << 52, static_cast<i64>(field) - 1075};
}

bool is_finite(double number) { return number - number == 0; }

// A ratio of parts without a common divisor, the denominator above 0.
Value reduced_ratio(const Operation& operation, Value numerator, Value denominator) {
  if (denominator == Value::fixnum(1)) return numerator;
  if (bit_length_of_integer(numerator) > kMaxRatioBits || bit_length_of_integer(denominator) > kMaxRatioBits) {
    return operation.is_too_large();
  }
  auto* ratnum = operation.machine.heap().make<Ratnum>(Type::kRatnum);
  ratnum->numerator = numerator;
  ratnum->denominator = denominator;
  return Value::object(ratnum);
}

// left.numerator * right.denominator
Value cross(const Operation& operation, Value left, Value right) {
  return multiply_integers(operation, numerator_of(left), denominator_of(right));
}

enum class Sum : u8 { kAdd, kSubtract };
Value add_exact(const Operation& operation, Sum sum, Value left, Value right) {
  const auto combine = sum == Sum::kAdd ? add_integers : subtract_integers;
  if (!is_ratio(left) && !is_ratio(right)) return combine(operation, left, right);
  const Value first = cross(operation, left, right);
  if (first.is_signal()) return first;
  const Value second = cross(operation, right, left);
  if (second.is_signal()) return second;
  const Value numerator = combine(operation, first, second);
  if (numerator.is_signal()) return numerator;
  const Value denominator = multiply_integers(operation, denominator_of(left), denominator_of(right));
  if (denominator.is_signal()) return denominator;
  return ratio(operation, numerator, denominator);
}

Order order_of(int sign) { return static_cast<Order>(sign); }
Order order_of(double left, double right) {
  return left < right    ? Order::kLess
         : left > right  ? Order::kGreater
         : left == right ? Order::kEqual
                         : Order::kUnordered;
}
Order reversed(Order order) { return order == Order::kUnordered ? order : order_of(-static_cast<int>(order)); }

// An exact number that is no fixnum with a finite double of the same sign, neither 0: by magnitude.
Order compare_sizes(Value exact, double number) {
  const Parts parts = parts_of(number);
  const IntegerView numerator(numerator_of(exact));
  const IntegerView denominator(denominator_of(exact));
  // Most differ in size.
  const i64 bits =
      static_cast<i64>(bit_length(numerator.magnitude())) - static_cast<i64>(bit_length(denominator.magnitude()));
  const i64 other = 64 - std::countl_zero(parts.mantissa) + parts.exponent;  // number < 2^other, >= 2^(other - 1)
  if (bits - 1 >= other) return Order::kGreater;
  if (bits + 1 <= other - 1) return Order::kLess;
  const Natural product = multiply(denominator.magnitude(), Natural(parts.mantissa));
  if (parts.exponent >= 0) {
    return order_of(compare(numerator.magnitude(), shift_left(product, static_cast<u64>(parts.exponent))));
  }
  return order_of(compare(shift_left(numerator.magnitude(), static_cast<u64>(-parts.exponent)), product));
}

Order compare_mixed(Value exact, double number) {
  if (number != number) return Order::kUnordered;
  if (exact.is_fixnum()) {
    const i64 left = exact.to_fixnum();
    if (number >= 0x1p62) return Order::kLess;
    if (number < -0x1p62) return Order::kGreater;
    const i64 right = static_cast<i64>(number);
    if (left != right) return left < right ? Order::kLess : Order::kGreater;
    return order_of(static_cast<double>(right), number);
  }
  const int sign = sign_of(exact);
  if (!is_finite(number)) return number > 0 ? Order::kLess : Order::kGreater;
  if (number == 0 || (number < 0) != (sign < 0)) return order_of(sign);
  const Order order = compare_sizes(exact, number);
  return sign < 0 ? reversed(order) : order;
}

bool exact_root(NaturalView number, Natural& root) {
  root = square_root(number);
  return compare(multiply(root, root), number) == 0;
}

// The root of numerator / denominator, correctly rounded.
double nearest_root(NaturalView numerator, NaturalView denominator) {
  // A quotient of at least 126 bits, so a root of 63, and an even power of two.
  i64 shift = 128 + static_cast<i64>(bit_length(denominator)) - static_cast<i64>(bit_length(numerator));
  shift += shift & 1;
  Natural dividend(numerator);
  Natural divisor(denominator);
  if (shift >= 0) {
    dividend = shift_left(numerator, static_cast<u64>(shift));
  } else {
    divisor = shift_left(denominator, static_cast<u64>(-shift));
  }
  Natural square;
  Natural rest;
  divide(dividend, divisor, square, rest);
  const Natural root = square_root(square);
  const bool is_exact_root = rest.is_zero() && compare(multiply(root, root), square) == 0;
  // Up to 65 bits: the lowest two only matter as more or nothing.
  const u64 mantissa = to_u64(shift_right(root, 2));
  return nearest_double(mantissa, !is_exact_root || (root.data()[0] & 3) != 0, 2 - shift / 2);
}

// The simplest ratio between two positive ones (the continued fraction that both begin with).
Value simplest_between(const Operation& operation, Value low, Value high) {
  Natural n1(IntegerView(numerator_of(low)).magnitude());
  Natural d1(IntegerView(denominator_of(low)).magnitude());
  Natural n2(IntegerView(numerator_of(high)).magnitude());
  Natural d2(IntegerView(denominator_of(high)).magnitude());
  // The last two convergents.
  Natural p(1);
  Natural q;
  Natural last_p;
  Natural last_q(1);
  bool is_last = false;
  while (!is_last) {
    Natural term;
    Natural rest;
    divide(n1, d1, term, rest);
    is_last = rest.is_zero();
    if (!is_last) {
      Natural other_term;
      Natural other_rest;
      divide(n2, d2, other_term, other_rest);
      if (compare(term, other_term) < 0) {
        term = add(term, Natural(1));
        is_last = true;
      } else {
        // On with the reciprocals of what is left: the smaller of them is that of the larger.
        n1 = std::exchange(d2, std::move(rest));
        n2 = std::exchange(d1, std::move(other_rest));
      }
    }
    Natural next_p = add(multiply(term, p), last_p);
    Natural next_q = add(multiply(term, q), last_q);
    last_p = std::exchange(p, std::move(next_p));
    last_q = std::exchange(q, std::move(next_q));
  }
  const Value numerator = to_integer(operation, p);
  const Value denominator = to_integer(operation, q);
  return reduced_ratio(operation, numerator, denominator);
}

}  // namespace

Value numerator_of(Value exact) { return is_ratio(exact) ? as<Ratnum>(exact)->numerator : exact; }
Value denominator_of(Value exact) { return is_ratio(exact) ? as<Ratnum>(exact)->denominator : Value::fixnum(1); }

Value ratio(const Operation& operation, Value numerator, Value denominator) {
  if (sign_of_integer(denominator) < 0) {
    numerator = negate_integer(operation, numerator);
    denominator = negate_integer(operation, denominator);
    if (numerator.is_signal() || denominator.is_signal()) return kRaised;
  }
  const Value divisor = gcd_of_integers(operation, numerator, denominator);
  if (divisor.is_signal()) return divisor;
  if (divisor != Value::fixnum(1)) {
    if (!divide_integers(operation, Rounding::kTruncate, numerator, divisor, &numerator, nullptr)) return kRaised;
    if (!divide_integers(operation, Rounding::kTruncate, denominator, divisor, &denominator, nullptr)) return kRaised;
  }
  return reduced_ratio(operation, numerator, denominator);
}

Value add(const Operation& operation, Value left, Value right) {
  if (is_flonum(left) || is_flonum(right)) {
    return operation.machine.heap().flonum(to_double(left) + to_double(right));
  }
  return add_exact(operation, Sum::kAdd, left, right);
}

Value subtract(const Operation& operation, Value left, Value right) {
  if (is_flonum(left) || is_flonum(right)) {
    return operation.machine.heap().flonum(to_double(left) - to_double(right));
  }
  return add_exact(operation, Sum::kSubtract, left, right);
}

Value multiply(const Operation& operation, Value left, Value right) {
  if (is_flonum(left) || is_flonum(right)) {
    return operation.machine.heap().flonum(to_double(left) * to_double(right));
  }
  if (!is_ratio(left) && !is_ratio(right)) return multiply_integers(operation, left, right);
  const Value numerator = multiply_integers(operation, numerator_of(left), numerator_of(right));
  if (numerator.is_signal()) return numerator;
  const Value denominator = multiply_integers(operation, denominator_of(left), denominator_of(right));
  if (denominator.is_signal()) return denominator;
  return ratio(operation, numerator, denominator);
}

Value divide(const Operation& operation, Value left, Value right) {
  if (right == Value::fixnum(0)) return operation.divides_by_zero();
  if (is_flonum(left) || is_flonum(right)) {
    return operation.machine.heap().flonum(to_double(left) / to_double(right));
  }
  const Value numerator = cross(operation, left, right);
  if (numerator.is_signal()) return numerator;
  const Value denominator = cross(operation, right, left);
  if (denominator.is_signal()) return denominator;
  return ratio(operation, numerator, denominator);
}

int sign_of(Value number) {
  if (is_flonum(number)) return to_flonum(number) < 0 ? -1 : to_flonum(number) > 0;
  return sign_of_integer(numerator_of(number));
}

Order compare(const Operation& operation, Value left, Value right) {
  if (is_flonum(left)) {
    if (is_flonum(right)) return order_of(to_flonum(left), to_flonum(right));
    return reversed(compare_mixed(right, to_flonum(left)));
  }
  if (is_flonum(right)) return compare_mixed(left, to_flonum(right));
  if (!is_ratio(left) && !is_ratio(right)) return order_of(compare_integers(left, right));
  const int sign = sign_of(left);
  if (sign != sign_of(right)) return order_of(sign < sign_of(right) ? -1 : 1);
  const IntegerView a(numerator_of(left));
  const IntegerView b(denominator_of(left));
  const IntegerView c(numerator_of(right));
  const IntegerView d(denominator_of(right));
  charge_product(operation, a.magnitude().size(), d.magnitude().size());
  charge_product(operation, c.magnitude().size(), b.magnitude().size());
  return order_of(sign * compare(multiply(a.magnitude(), d.magnitude()), multiply(c.magnitude(), b.magnitude())));
}

Value to_exact(const Operation& operation, Value number) {
  if (!is_flonum(number)) return number;
  const double value = to_flonum(number);
  if (std::fabs(value) < 0x1p61 && std::trunc(value) == value) return Value::fixnum(static_cast<i64>(value));
  if (!is_finite(value)) return operation.machine.range_error(operation.name, 1, "finite", number);
  Parts parts = parts_of(value);
  const int zeros = std::countr_zero(parts.mantissa);
  parts.mantissa >>= zeros;
  parts.exponent += zeros;
  const u64 shift = static_cast<u64>(parts.exponent < 0 ? -parts.exponent : parts.exponent);
  const Natural mantissa(parts.mantissa);
  if (parts.exponent >= 0) return to_integer(operation, shift_left(mantissa, shift), value < 0);
  return reduced_ratio(operation, to_integer(operation, mantissa, value < 0),
                       to_integer(operation, shift_left(Natural(1), shift)));
}

Value to_inexact(const Operation& operation, Value number) {
  return is_flonum(number) ? number : operation.machine.heap().flonum(to_double(number));
}

Value to_whole(const Operation& operation, Nearest nearest, Value number) {
  if (is_exact_integer(number)) return number;
  if (is_flonum(number)) {
    const double value = to_flonum(number);
    double whole = 0;
    switch (nearest) {
      case Nearest::kFloor: whole = std::floor(value); break;
      case Nearest::kCeiling: whole = std::ceil(value); break;
      case Nearest::kTruncate: whole = std::trunc(value); break;
      case Nearest::kRound: whole = std::nearbyint(value); break;
    }
    return whole == value ? number : operation.machine.heap().flonum(whole);
  }
  Value numerator = numerator_of(number);
  Value denominator = denominator_of(number);
  if (nearest == Nearest::kRound) {
    // floor(x + 1/2), one less where that was the upper of two and is odd.
    numerator = add_integers(operation, add_integers(operation, numerator, numerator), denominator);
    denominator = add_integers(operation, denominator, denominator);
  }
  Value whole;
  Value rest;
  if (!divide_integers(operation, Rounding::kFloor, numerator, denominator, &whole, &rest)) return kRaised;
  const Value one = Value::fixnum(1);
  switch (nearest) {
    case Nearest::kFloor: return whole;
    case Nearest::kCeiling: return add_integers(operation, whole, one);
    case Nearest::kTruncate: return sign_of_integer(numerator) < 0 ? add_integers(operation, whole, one) : whole;
    case Nearest::kRound: break;
  }
  return rest == Value::fixnum(0) && is_odd_integer(whole) ? subtract_integers(operation, whole, one) : whole;
}

bool divide_whole(const Operation& operation, Rounding rounding, Value dividend, Value divisor, Value* quotient,
                  Value* remainder) {
  const bool is_inexact = is_flonum(dividend) || is_flonum(divisor);
  if (is_inexact) {
    dividend = to_exact(operation, dividend);
    divisor = to_exact(operation, divisor);
    if (dividend.is_signal() || divisor.is_signal()) return false;
  }
  if (!divide_integers(operation, rounding, dividend, divisor, quotient, remainder)) return false;
  if (is_inexact && quotient != nullptr) *quotient = to_inexact(operation, *quotient);
  if (is_inexact && remainder != nullptr) *remainder = to_inexact(operation, *remainder);
  return true;
}

Value square_root(const Operation& operation, Value number) {
  Heap& heap = operation.machine.heap();
  if (is_flonum(number)) {
    const double value = to_flonum(number);
    return heap.flonum(value < 0 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(value));
  }
  if (sign_of(number) < 0) {
    return operation.machine.range_error(operation.name, 1, "at least 0 (there are no complex numbers)", number);
  }
  if (number.is_fixnum() && number.to_fixnum() < i64{1} << 53) {
    // The double is the number, so its root is correctly rounded, and the square of an integer where that is one.
    const double root = std::sqrt(static_cast<double>(number.to_fixnum()));
    const i64 candidate = static_cast<i64>(root);
    return candidate * candidate == number.to_fixnum() ? Value::fixnum(candidate) : heap.flonum(root);
  }
  const IntegerView numerator(numerator_of(number));
  const IntegerView denominator(denominator_of(number));
  charge_product(operation, numerator.magnitude().size(), numerator.magnitude().size(), 2);
  charge_product(operation, denominator.magnitude().size(), denominator.magnitude().size(), 2);
  Natural top;
  Natural bottom;
  if (exact_root(numerator.magnitude(), top) && exact_root(denominator.magnitude(), bottom)) {
    return reduced_ratio(operation, to_integer(operation, top), to_integer(operation, bottom));
  }
  return heap.flonum(nearest_root(numerator.magnitude(), denominator.magnitude()));
}

Value power(const Operation& operation, Value base, Value exponent) {
  Heap& heap = operation.machine.heap();
  if (is_exact_integer(exponent)) {
    if (is_flonum(base)) {
      // Doubles of 2^53 and more are even; an exact exponent may be odd.
      const double size = elementary::pow(std::fabs(to_flonum(base)), to_double(exponent));
      return heap.flonum(std::signbit(to_flonum(base)) && is_odd_integer(exponent) ? -size : size);
    }
    const bool is_inverse = sign_of_integer(exponent) < 0;
    if (is_inverse) {
      if (base == Value::fixnum(0)) return operation.divides_by_zero();
      exponent = negate_integer(operation, exponent);
      if (exponent.is_signal()) return exponent;
    }
    Value numerator = power_of_integer(operation, numerator_of(base), exponent);
    if (numerator.is_signal()) return numerator;
    Value denominator = power_of_integer(operation, denominator_of(base), exponent);
    if (denominator.is_signal()) return denominator;
    if (is_inverse) {
      std::swap(numerator, denominator);
      if (sign_of_integer(denominator) < 0) {
        numerator = negate_integer(operation, numerator);
        denominator = negate_integer(operation, denominator);
      }
    }
    return reduced_ratio(operation, numerator, denominator);
  }
  if (is_ratio(exponent) && is_exact(base) && sign_of(base) >= 0 && denominator_of(exponent) == Value::fixnum(2)) {
    const Value root = square_root(operation, base);
    if (root.is_signal() || is_exact(root)) {
      return root.is_signal() ? root : power(operation, root, numerator_of(exponent));
    }
  }
  return heap.flonum(elementary::pow(to_double(base), to_double(exponent)));
}

Value rationalize(const Operation& operation, Value number, Value tolerance) {
  const bool is_inexact = is_flonum(number) || is_flonum(tolerance);
  if (is_inexact) {
    const double x = to_double(number);
    const double y = to_double(tolerance);
    if (x != x || y != y) return operation.machine.heap().flonum(x + y);
    if (!is_finite(y)) {
      const double result = is_finite(x) ? 0.0 : std::numeric_limits<double>::quiet_NaN();
      return operation.machine.heap().flonum(result);
    }
    if (!is_finite(x)) return operation.machine.heap().flonum(x);
    number = to_exact(operation, number);
    tolerance = to_exact(operation, tolerance);
    if (number.is_signal() || tolerance.is_signal()) return kRaised;
  }
  if (sign_of(tolerance) < 0) tolerance = subtract(operation, Value::fixnum(0), tolerance);
  if (tolerance.is_signal()) return tolerance;
  Value low = subtract(operation, number, tolerance);
  Value high = add(operation, number, tolerance);
  if (low.is_signal() || high.is_signal()) return kRaised;
  // As many steps as bits, each as long as the numbers.
  constexpr u64 kMostBits = 1u << 14;
  u64 bits = 0;
  for (const Value part : {numerator_of(low), denominator_of(low), numerator_of(high), denominator_of(high)}) {
    bits = std::max(bits, bit_length_of_integer(part));
  }
  Value result = low;
  if (compare(operation, low, high) != Order::kEqual) {
    if (sign_of(low) <= 0 && sign_of(high) >= 0) {
      result = Value::fixnum(0);
    } else {
      if (bits > kMostBits) {
        return operation.machine.error(
            "RangeError", std::string(operation.name) + ": parts of more than " + std::to_string(kMostBits) + " bits");
      }
      operation.machine.charge(bits * bits / 16);
      const bool is_negative = sign_of(high) < 0;
      if (is_negative) std::swap(low, high);
      result = simplest_between(operation, low, high);
      if (is_negative && !result.is_signal()) result = subtract(operation, Value::fixnum(0), result);
    }
  }
  if (result.is_signal() || !is_inexact) return result;
  return to_inexact(operation, result);
}

double mantissa_of_exact(Value exact, i64& exponent) {
  const IntegerView numerator(numerator_of(exact));
  const IntegerView denominator(denominator_of(exact));
  exponent =
      static_cast<i64>(bit_length(numerator.magnitude())) - static_cast<i64>(bit_length(denominator.magnitude()));
  const double size = nearest_double_of_ratio(numerator.magnitude(), denominator.magnitude(), -exponent);
  return numerator.is_negative() ? -size : size;
}

}  // namespace heddle::lisp
