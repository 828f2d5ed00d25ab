#include "lisp/numbers/numbers.h"

#include <bit>
#include <cmath>

#include "lisp/numbers/tower.h"

namespace heddle::lisp {

namespace {

// Raises the TypeError of the first that is no number.
Value no_number(const Operation& operation, Value left, Value right) {
  const bool is_left = !is_number(left);
  return operation.machine.type_error(operation.name, is_left ? 1 : 2, "a number", is_left ? left : right);
}

using Function = Value (*)(const Operation& operation, Value left, Value right);
Value checked(Machine& machine, std::string_view name, Function function, Value left, Value right) {
  const Operation operation{machine, name};
  if (!is_number(left) || !is_number(right)) return no_number(operation, left, right);
  return function(operation, left, right);
}

Value whole(Machine& machine, std::string_view name, Rounding rounding, bool wants_quotient, Value left, Value right) {
  const Operation operation{machine, name};
  if (!is_integer(left)) return machine.type_error(name, 1, "an integer", left);
  if (!is_integer(right)) return machine.type_error(name, 2, "an integer", right);
  if (sign_of(right) == 0) return operation.divides_by_zero();
  Value result;
  const bool is_done = divide_whole(operation, rounding, left, right, wants_quotient ? &result : nullptr,
                                    wants_quotient ? nullptr : &result);
  return is_done ? result : kRaised;
}

// Whether two numbers stand in one of these orders.
template <Order... kOrders>
Value in_order(const Operation& operation, Value left, Value right) {
  const Order order = compare(operation, left, right);
  return Value::boolean(((order == kOrders) || ...));
}

u64 mixed(u64 hash, u64 word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15;
  return hash ^ hash >> 32;
}

}  // namespace

bool is_integer(Value value) {
  if (is_exact_integer(value)) return true;
  if (!is_flonum(value)) return false;
  const double number = to_flonum(value);
  return number - number == 0 && std::trunc(number) == number;
}

Value add(Machine& machine, Value left, Value right) {
  if (is_flonum(left) && is_flonum(right)) return machine.heap().flonum(to_flonum(left) + to_flonum(right));
  return checked(machine, "+", add, left, right);
}
Value subtract(Machine& machine, Value left, Value right) {
  if (is_flonum(left) && is_flonum(right)) return machine.heap().flonum(to_flonum(left) - to_flonum(right));
  return checked(machine, "-", subtract, left, right);
}
Value multiply(Machine& machine, Value left, Value right) {
  if (is_flonum(left) && is_flonum(right)) return machine.heap().flonum(to_flonum(left) * to_flonum(right));
  return checked(machine, "*", multiply, left, right);
}
Value divide(Machine& machine, Value left, Value right) {
  if (is_flonum(left) && is_flonum(right)) return machine.heap().flonum(to_flonum(left) / to_flonum(right));
  return checked(machine, "/", divide, left, right);
}
Value negate(Machine& machine, Value number) {
  if (is_flonum(number)) return machine.heap().flonum(-to_flonum(number));
  return checked(
      machine, "-",
      [](const Operation& operation, Value value, Value) { return subtract(operation, Value::fixnum(0), value); },
      number, Value::fixnum(0));
}

Value equal(Machine& machine, Value left, Value right) {
  return checked(machine, "=", in_order<Order::kEqual>, left, right);
}
Value less(Machine& machine, Value left, Value right) {
  return checked(machine, "<", in_order<Order::kLess>, left, right);
}
Value less_or_equal(Machine& machine, Value left, Value right) {
  return checked(machine, "<=", in_order<Order::kLess, Order::kEqual>, left, right);
}

Value quotient(Machine& machine, Value left, Value right) {
  return whole(machine, "quotient", Rounding::kTruncate, true, left, right);
}
Value remainder(Machine& machine, Value left, Value right) {
  return whole(machine, "remainder", Rounding::kTruncate, false, left, right);
}
Value modulo(Machine& machine, Value left, Value right) {
  return whole(machine, "modulo", Rounding::kFloor, false, left, right);
}

bool is_same_number(Value left, Value right) {
  if (left == right) return true;
  if (is_flonum(left)) {
    if (!is_flonum(right)) return false;
    const double a = to_flonum(left);
    const double b = to_flonum(right);
    return (a != a && b != b) || std::bit_cast<u64>(a) == std::bit_cast<u64>(b);
  }
  if (is_flonum(right) || left.is_fixnum() || right.is_fixnum() || is_ratio(left) != is_ratio(right)) return false;
  return compare_integers(numerator_of(left), numerator_of(right)) == 0 &&
         compare_integers(denominator_of(left), denominator_of(right)) == 0;
}

u64 hash_of_number(Value number) {
  if (number.is_fixnum()) return mixed(1, number.bits());
  if (is_flonum(number)) {
    const double value = to_flonum(number);
    return mixed(2, value != value ? 0 : std::bit_cast<u64>(value));
  }
  if (is_ratio(number)) {
    return mixed(hash_of_number(numerator_of(number)), hash_of_number(denominator_of(number)));
  }
  u64 hash = as<Bignum>(number)->aux + u64{3};
  const IntegerView view(number);
  for (const u32 limb : view.magnitude()) hash = mixed(hash, limb);
  return hash;
}

Value integer(Heap& heap, i64 number) {
  if (Value::fits_fixnum(number)) return Value::fixnum(number);
  const u64 size = number < 0 ? 0 - static_cast<u64>(number) : static_cast<u64>(number);
  auto* bignum = heap.make<Bignum>(Type::kBignum, Bignum::size(2), 2, number < 0 ? 1 : 0);
  bignum->limbs[0] = static_cast<u32>(size);
  bignum->limbs[1] = static_cast<u32>(size >> 32);
  return Value::object(bignum);
}

Value unsigned_integer(Heap& heap, u64 number) {
  if (number >> 63 == 0) return integer(heap, static_cast<i64>(number));
  auto* bignum = heap.make<Bignum>(Type::kBignum, Bignum::size(2), 2);
  bignum->limbs[0] = static_cast<u32>(number);
  bignum->limbs[1] = static_cast<u32>(number >> 32);
  return Value::object(bignum);
}

double to_double(Value number) {
  if (is_flonum(number)) return to_flonum(number);
  if (number.is_fixnum()) return static_cast<double>(number.to_fixnum());
  const IntegerView numerator(numerator_of(number));
  const double size =
      is_ratio(number) ? nearest_double_of_ratio(numerator.magnitude(), IntegerView(denominator_of(number)).magnitude())
                       : nearest_double(numerator.magnitude());
  return numerator.is_negative() ? -size : size;
}

Value exact(Machine& machine, double number) {
  const Operation operation{machine, "exact"};
  if (std::fabs(number) < 0x1p61 && std::trunc(number) == number) return Value::fixnum(static_cast<i64>(number));
  return to_exact(operation, machine.heap().flonum(number));
}

}  // namespace heddle::lisp
