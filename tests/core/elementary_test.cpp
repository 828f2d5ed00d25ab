#include "lisp/numbers/elementary.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "support/number_source.h"

namespace heddle::lisp {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int kCount = 100000;

// How many doubles lie between two of the same sign.
u64 apart(double a, double b) {
  if (a == b || (a != a && b != b)) return 0;
  const u64 x = std::bit_cast<u64>(a);
  const u64 y = std::bit_cast<u64>(b);
  if (a != a || b != b || (x ^ y) >> 63 != 0) return UINT64_MAX;
  return x > y ? x - y : y - x;
}

// The arguments of a function, of every kind that it treats differently.
struct Arguments {
  NumberSource source;
  double least;
  double most;

  double next(int i) {
    switch (i % 4) {
      case 0: return source.between(least, most);
      case 1: return source.between(-1, 1) * std::ldexp(1, -static_cast<int>(source.next() % 64));
      case 2: return source.between(0.5, 2);
      default: return source.any_double();
    }
  }
};

// Compares with the C library's, which is within 1 unit in the last place for these on the platforms of the tests, and
// gives a hash of all results, which has to be the same on every platform.
u64 check(double (*function)(double), double (*model)(double), double least, double most) {
  Arguments arguments{NumberSource(42), least, most};
  u64 hash = 0xcbf29ce484222325;
  int wrong = 0;
  for (int i = 0; i < kCount; i++) {
    const double x = arguments.next(i);
    const double result = function(x);
    if (apart(result, model(x)) > 1 && wrong++ < 5) ADD_FAILURE() << x << ": " << result << ", not " << model(x);
    const u64 bits = result != result ? 0 : std::bit_cast<u64>(result);
    hash = (hash ^ bits) * 0x100000001b3;
  }
  EXPECT_EQ(wrong, 0);
  return hash;
}

TEST(Elementary, agrees_with_the_c_library_and_is_the_same_on_every_platform) {
  namespace e = elementary;
  using Function = double (*)(double);
  EXPECT_EQ(check(e::exp, static_cast<Function>(std::exp), -750, 712), 0x11fdd6ad68e39b18u);
  EXPECT_EQ(check(e::log, static_cast<Function>(std::log), 0, 1e6), 0x36f430da21dbad4cu);
  EXPECT_EQ(check(e::sin, static_cast<Function>(std::sin), -50, 50), 0x78416c51d32cfba3u);
  EXPECT_EQ(check(e::cos, static_cast<Function>(std::cos), -50, 50), 0x6aa0b2d7d4b239b7u);
  EXPECT_EQ(check(e::tan, static_cast<Function>(std::tan), -50, 50), 0x627ac4efb2ea4dbfu);
  EXPECT_EQ(check(e::asin, static_cast<Function>(std::asin), -1, 1), 0x50dcd6d7b03311f9u);
  EXPECT_EQ(check(e::acos, static_cast<Function>(std::acos), -1, 1), 0x26b9d59743ab4deu);
  EXPECT_EQ(check(e::atan, static_cast<Function>(std::atan), -50, 50), 0x1e096d1059f24ae0u);
}

u64 check(double (*function)(double, double), double (*model)(double, double), double least, double most,
          double power) {
  Arguments left{NumberSource(43), least, most};
  Arguments right{NumberSource(44), -power, power};
  u64 hash = 0xcbf29ce484222325;
  int wrong = 0;
  for (int i = 0; i < kCount; i++) {
    const double x = left.next(i);
    const double y = right.next(i / 4);
    const double result = function(x, y);
    if (apart(result, model(x, y)) > 1 && wrong++ < 5) {
      ADD_FAILURE() << x << ", " << y << ": " << result << ", not " << model(x, y);
    }
    const u64 bits = result != result ? 0 : std::bit_cast<u64>(result);
    hash = (hash ^ bits) * 0x100000001b3;
  }
  EXPECT_EQ(wrong, 0);
  return hash;
}

TEST(Elementary, powers_and_angles_agree_with_the_c_library_and_are_the_same_on_every_platform) {
  using Function = double (*)(double, double);
  EXPECT_EQ(check(elementary::pow, static_cast<Function>(std::pow), 0, 100, 150), 0x44ac1dd26d887857u);
  const Function angle = elementary::atan;
  EXPECT_EQ(check(angle, static_cast<Function>(std::atan2), -10, 10, 10), 0x4a2bd342a01ae026u);
}

TEST(Elementary, known_values) {
  namespace e = elementary;
  EXPECT_EQ(e::exp(1), 2.718281828459045);
  EXPECT_EQ(e::exp(-1), 0.36787944117144233);
  EXPECT_EQ(e::log(2), 0.6931471805599453);
  EXPECT_EQ(e::log(10), 2.302585092994046);
  EXPECT_EQ(e::sin(1), 0.8414709848078965);
  EXPECT_EQ(e::cos(1), 0.5403023058681398);
  EXPECT_EQ(e::tan(1), 1.5574077246549023);
  EXPECT_EQ(e::atan(1), 0.7853981633974483);
  EXPECT_EQ(e::asin(1), 1.5707963267948966);
  EXPECT_EQ(e::acos(-1), 3.141592653589793);
  EXPECT_EQ(e::acos(0.5), 1.0471975511965979);
  EXPECT_EQ(e::pow(2, 0.5), 1.4142135623730951);
  EXPECT_EQ(e::pow(10, 308), 1e308);
  EXPECT_EQ(e::pow(10, -5), 1e-5);
  // Where subtracting multiples of a rounded pi is not enough.
  EXPECT_EQ(e::sin(3.141592653589793), 1.2246467991473532e-16);
  EXPECT_EQ(e::cos(1.5707963267948966), 6.123233995736766e-17);
  EXPECT_EQ(e::sin(1e22), -0.8522008497671888);
  EXPECT_EQ(e::cos(1e300), -0.5753861119575491);
  // The double nearest to a multiple of pi / 2 of all (J.-M. Muller, "Elementary Functions").
  EXPECT_EQ(e::cos(0x1.6ac5b262ca1ffp+849), -4.687165924254628e-19);
}

TEST(Elementary, results_that_are_exact_are_exact) {
  namespace e = elementary;
  for (int n = -60; n <= 60; n++) {
    EXPECT_EQ(e::pow(2, n), std::ldexp(1, n));
    EXPECT_EQ(e::log(std::ldexp(1, n), 0, 2, 0), n);
    EXPECT_EQ(e::pow(std::ldexp(1, 2 * n), 0.5), std::ldexp(1, n));
  }
  double power = 1;
  for (int n = 0; n <= 22; n++, power *= 10) {
    EXPECT_EQ(e::pow(10, n), power);
    if (n > 0) {
      EXPECT_EQ(e::log(power, 0, 10, 0), n);
    }
  }
  NumberSource source(45);
  for (int i = 0; i < 10000; i++) {
    const double x = source.between(-1e6, 1e6);
    ASSERT_EQ(e::pow(x, 2), x * x);
    ASSERT_EQ(e::pow(x, -1), 1 / x);
  }
}

TEST(Elementary, log_of_numbers_beyond_the_doubles) {
  EXPECT_EQ(elementary::log(1, 100000), 69314.71805599453);
  EXPECT_EQ(elementary::log(1, 100000, 2, 0), 100000);
  EXPECT_EQ(elementary::log(1, -100000, 1, 1000), -100);
}

TEST(Elementary, special_values_are_those_of_c99) {
  const double values[] = {0.0,  -0.0, 0.5,   -0.5,   1.0,       -1.0,       1.5,  -1.5,      2.0,        -2.0,   3.0,
                           -3.0, 1e18, 1e300, -1e300, kInfinity, -kInfinity, kNan, 0x1p-1074, -0x1p-1074, 1e-300, 1e19};
  const auto is_same = [](double a, double b) {
    return (a != a && b != b) || (apart(a, b) <= 1 && std::signbit(a) == std::signbit(b));
  };
  namespace e = elementary;
  for (const double x : values) {
    EXPECT_TRUE(is_same(e::exp(x), std::exp(x))) << x;
    EXPECT_TRUE(is_same(e::log(x), std::log(x))) << x;
    EXPECT_TRUE(is_same(e::sin(x), std::sin(x))) << x;
    EXPECT_TRUE(is_same(e::cos(x), std::cos(x))) << x;
    EXPECT_TRUE(is_same(e::tan(x), std::tan(x))) << x;
    EXPECT_TRUE(is_same(e::asin(x), std::asin(x))) << x;
    EXPECT_TRUE(is_same(e::acos(x), std::acos(x))) << x;
    EXPECT_TRUE(is_same(e::atan(x), std::atan(x))) << x;
    for (const double y : values) {
      EXPECT_TRUE(is_same(e::pow(x, y), std::pow(x, y))) << x << " " << y << " " << e::pow(x, y);
      EXPECT_TRUE(is_same(e::atan(y, x), std::atan2(y, x))) << y << " " << x << " " << e::atan(y, x);
    }
  }
}

TEST(Elementary, is_monotonic_where_the_function_is) {
  namespace e = elementary;
  NumberSource source(46);
  for (int i = 0; i < 20000; i++) {
    const double x = source.between(-0.99, 0.99);
    const double next = std::nextafter(x, 2);
    ASSERT_LE(e::exp(x * 700), e::exp(next * 700));
    ASSERT_LE(e::log(x + 1), e::log(next + 1));
    ASSERT_LE(e::atan(x * 5), e::atan(next * 5));
    ASSERT_LE(e::asin(x), e::asin(next));
    ASSERT_GE(e::acos(x), e::acos(next));
    ASSERT_LE(e::sin(x), e::sin(next));
    ASSERT_LE(e::tan(x), e::tan(next));
  }
}

TEST(Elementary, functions_undo_each_other) {
  namespace e = elementary;
  NumberSource source(47);
  for (int i = 0; i < 20000; i++) {
    const double x = source.between(0.01, 1);
    ASSERT_NEAR(e::log(e::exp(x)), x, 4e-16);
    ASSERT_NEAR(e::sin(x) * e::sin(x) + e::cos(x) * e::cos(x), 1, 4e-16);
    ASSERT_NEAR(e::tan(e::atan(x)), x, 4e-16);
    ASSERT_NEAR(e::asin(x) + e::acos(x), 1.5707963267948966, 4e-16);
  }
}

}  // namespace
}  // namespace heddle::lisp
