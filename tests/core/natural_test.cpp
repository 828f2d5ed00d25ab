#include "lisp/numbers/natural.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "support/number_source.h"

namespace heddle::lisp {
namespace {

__extension__ typedef unsigned __int128 U128;

std::string hex(NaturalView number) { return to_digits(number, 16); }
Natural of(U128 number) {
  return add(shift_left(Natural(static_cast<u64>(number >> 64)), 64), Natural(static_cast<u64>(number)));
}
Natural parsed(std::string_view digits) { return from_digits(digits, 10); }

// Limbs that make carries and wrong guesses: all ones, nearly all zero, small and large ones, random.
Natural awkward(NumberSource& source, u32 limbs) {
  Natural number = Natural::zeros(limbs);
  const u64 kind = source.next() % 4;
  for (u32 i = 0; i < limbs; i++) {
    const u64 random = source.next();
    const u64 limb = kind == 0   ? UINT32_MAX
                     : kind == 1 ? (random % 4 == 0 ? random >> 32 : 0)
                     : kind == 2 ? (random % 2 == 0 ? UINT32_MAX : random >> 32 & 3)
                                 : random >> 32;
    number.data()[i] = static_cast<u32>(limb);
  }
  number.trim();
  return number;
}
// Small ones mostly, some long enough for the divide-and-conquer methods.
u32 some_size(NumberSource& source, int round) {
  const u32 most = round % 50 == 0 ? 700 : round % 5 == 0 ? 150 : 12;
  return static_cast<u32>(source.next() % most);
}

TEST(Natural, agrees_with_128_bit_arithmetic) {
  NumberSource source(1);
  for (int i = 0; i < 20000; i++) {
    const u64 a = source.next() >> source.next() % 64;
    const u64 b = source.next() >> source.next() % 64;
    EXPECT_EQ(hex(multiply(Natural(a), Natural(b))), hex(of(U128{a} * b)));
    EXPECT_EQ(hex(add(Natural(a), Natural(b))), hex(of(U128{a} + b)));
    EXPECT_EQ(compare(Natural(a), Natural(b)), a < b ? -1 : a > b ? 1 : 0);
    const U128 wide = U128{a} * source.next() + b;
    if (b != 0) {
      Natural quotient;
      Natural remainder;
      divide(of(wide), Natural(b), quotient, remainder);
      EXPECT_EQ(hex(quotient), hex(of(wide / b)));
      EXPECT_EQ(hex(remainder), hex(of(wide % b)));
    }
    const u64 shift = source.next() % 64;
    EXPECT_EQ(hex(shift_left(Natural(a), shift)), hex(of(U128{a} << shift)));
    EXPECT_EQ(hex(shift_right(of(wide), shift)), hex(of(wide >> shift)));
  }
}

TEST(Natural, product_and_quotient_undo_each_other) {
  NumberSource source(2);
  for (int i = 0; i < 3000; i++) {
    const Natural a = awkward(source, some_size(source, i));
    const Natural b = awkward(source, some_size(source, i));
    if (b.is_zero()) continue;
    Natural q;
    Natural r;
    divide(multiply(a, b), b, q, r);
    ASSERT_EQ(compare(q, a), 0);
    ASSERT_TRUE(r.is_zero());
    divide(a, b, q, r);
    ASSERT_LT(compare(r, b), 0);
    ASSERT_EQ(compare(add(multiply(q, b), r), a), 0);
  }
}

TEST(Natural, product_obeys_the_binomial_formula) {
  NumberSource source(3);
  for (int i = 0; i < 2000; i++) {
    const Natural a = awkward(source, some_size(source, i));
    const Natural b = awkward(source, some_size(source, i));
    const Natural sum = add(a, b);
    ASSERT_EQ(compare(subtract(sum, b), a), 0);
    ASSERT_EQ(compare(multiply(sum, sum), add(add(multiply(a, a), multiply(b, b)), shift_left(multiply(a, b), 1))), 0);
  }
}

TEST(Natural, digits_read_back_in_every_radix) {
  NumberSource source(4);
  for (int i = 0; i < 1000; i++) {
    const Natural a = awkward(source, some_size(source, i));
    for (const u32 radix : {2u, 8u, 10u, 16u}) ASSERT_EQ(compare(from_digits(to_digits(a, radix), radix), a), 0);
  }
  EXPECT_EQ(to_digits(Natural(), 10), "0");
  EXPECT_EQ(to_digits(power(Natural(10), 40), 10), "1" + std::string(40, '0'));
  EXPECT_EQ(to_digits(from_digits("000123", 10), 10), "123");
  EXPECT_EQ(to_digits(from_digits("DEADbeef00112233445566778899", 16), 16), "deadbeef00112233445566778899");
  EXPECT_EQ(to_digits(from_digits("7777777777777777777777", 8), 2), std::string(66, '1'));
}

TEST(Natural, decimal_digits_of_a_power_of_two) {
  EXPECT_EQ(to_digits(power(Natural(2), 200), 10), "1606938044258990275541962092341162602522202993782792835301376");
  const std::string digits = to_digits(shift_left(Natural(1), 100000), 10);
  EXPECT_EQ(digits.size(), 30103u);
  EXPECT_EQ(digits.substr(0, 10), "9990020930");
  EXPECT_EQ(digits.substr(digits.size() - 10), "9883109376");
}

TEST(Natural, greatest_common_divisor_agrees_with_euclid) {
  NumberSource source(5);
  for (int i = 0; i < 600; i++) {
    const u32 most = i % 100 == 0 ? 200 : 14;
    const Natural a = awkward(source, static_cast<u32>(source.next() % most));
    const Natural b = awkward(source, static_cast<u32>(source.next() % most));
    Natural x(a);
    Natural y(b);
    while (!y.is_zero()) {
      Natural rest = remainder(x, y);
      x = std::move(y);
      y = std::move(rest);
    }
    ASSERT_EQ(compare(greatest_common_divisor(a, b), x), 0);
    const Natural factor = awkward(source, 5);
    ASSERT_EQ(compare(greatest_common_divisor(multiply(a, factor), multiply(b, factor)), multiply(x, factor)), 0);
  }
}

TEST(Natural, greatest_common_divisor_of_fibonacci_numbers) {
  // The most steps that Euclid's algorithm can take: neighbours have no common divisor.
  Natural a(1);
  Natural b(1);
  for (int i = 0; i < 20000; i++) {
    Natural sum = add(a, b);
    a = std::move(b);
    b = std::move(sum);
  }
  EXPECT_EQ(hex(greatest_common_divisor(a, b)), "1");
}

TEST(Natural, square_root_is_the_largest_whose_square_is_not_above) {
  NumberSource source(6);
  for (int i = 0; i < 2000; i++) {
    const Natural a = awkward(source, some_size(source, i));
    const Natural root = square_root(a);
    ASSERT_LE(compare(multiply(root, root), a), 0);
    const Natural next = add(root, Natural(1));
    ASSERT_GT(compare(multiply(next, next), a), 0);
    ASSERT_EQ(compare(square_root(multiply(a, a)), a), 0);
  }
}

TEST(Natural, nearest_double_rounds_ties_to_even) {
  EXPECT_EQ(nearest_double(parsed("9007199254740993")), 9007199254740992.0);
  EXPECT_EQ(nearest_double(parsed("9007199254740995")), 9007199254740996.0);
  // One bit far below makes a tie a number above it.
  const Natural tie = shift_left(parsed("9007199254740993"), 500);
  EXPECT_EQ(nearest_double(tie), std::ldexp(9007199254740992.0, 500));
  EXPECT_EQ(nearest_double(add(tie, Natural(1))), std::ldexp(9007199254740994.0, 500));
  EXPECT_EQ(nearest_double(shift_left(Natural(1), 1023)), 0x1p1023);
  EXPECT_EQ(nearest_double(shift_left(Natural(1), 1024)), std::numeric_limits<double>::infinity());
  EXPECT_EQ(nearest_double(shift_left(Natural((u64{1} << 54) - 1), 970)), std::numeric_limits<double>::infinity());
  EXPECT_EQ(nearest_double(shift_left(Natural((u64{1} << 53) - 1), 971)), std::numeric_limits<double>::max());
  EXPECT_EQ(nearest_double(1, false, -1074), 0x1p-1074);
  EXPECT_EQ(nearest_double(1, false, -1075), 0);
  EXPECT_EQ(nearest_double(3, false, -1076), 0x1p-1074);
  EXPECT_EQ(nearest_double((u64{1} << 54) - 1, false, -1075 - 1), 0x1p-1022);
}

TEST(Natural, nearest_double_of_a_ratio_is_the_quotient_of_doubles) {
  NumberSource source(7);
  for (int i = 0; i < 5000; i++) {
    const u64 a = source.next() >> 11;
    const u64 b = (source.next() >> 11) + 1;
    ASSERT_EQ(nearest_double_of_ratio(Natural(a), Natural(b)), static_cast<double>(a) / static_cast<double>(b));
    // The same quotient of long numbers.
    const Natural factor = awkward(source, 40);
    if (factor.is_zero()) continue;
    ASSERT_EQ(nearest_double_of_ratio(multiply(factor, Natural(a)), multiply(factor, Natural(b))),
              static_cast<double>(a) / static_cast<double>(b));
  }
}

}  // namespace
}  // namespace heddle::lisp
