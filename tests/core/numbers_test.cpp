// The numeric tower from C++: models, identities, limits. R7RS's own examples are in number_procedures_test.cpp.
#include "lisp/numbers/numbers.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include "lisp/machine.h"
#include "support/number_source.h"

namespace heddle::lisp {
namespace {

__extension__ typedef __int128 I128;

class Numbers : public testing::Test {
 protected:
  Value parsed(std::string_view text, u32 radix = 10) { return parse_number(machine_, text, radix); }
  // What a text is read as, written again; "none" if it is no number, "raised" if it is too large.
  std::string read(std::string_view text, u32 radix = 10) {
    const Value value = parsed(text, radix);
    return value == kFalse ? "none" : value == kRaised ? "raised" : number_to_string(value);
  }
  Value wide(I128 number) {
    const bool is_negative = number < 0;
    const Value scale = integer(machine_.heap(), i64{1} << 60);
    const I128 size = is_negative ? -number : number;
    const auto limb = [&](int shift) { return Value::fixnum(static_cast<i64>(size >> shift & ((I128{1} << 60) - 1))); };
    Value value = limb(120);
    value = add(machine_, multiply(machine_, value, scale), limb(60));
    value = add(machine_, multiply(machine_, value, scale), limb(0));
    return is_negative ? negate(machine_, value) : value;
  }
  // An integer of up to so many bits, of either sign, small ones as often as large ones.
  Value some_integer(u32 bits) {
    std::string digits = source_.next() % 2 == 0 ? "-" : "";
    const u64 count = source_.next() % (bits / 4) + 1;
    for (u64 i = 0; i < count; i++) digits += "0123456789abcdeff0f0f0f0"[source_.next() % 24];
    return parsed(digits, 16);
  }
  Value some_ratio(u32 bits) {
    for (;;) {
      const Value denominator = some_integer(bits);
      if (denominator != Value::fixnum(0)) return divide(machine_, some_integer(bits), denominator);
    }
  }
  bool same(Value left, Value right) { return is_same_number(left, right); }
  std::string text(Value number) { return number == kRaised ? "raised" : number_to_string(number); }
  Value flonum(double number) { return machine_.heap().flonum(number); }

  Machine machine_;
  NumberSource source_{99};
};

TEST_F(Numbers, agree_with_128_bit_arithmetic) {
  for (int i = 0; i < 20000; i++) {
    const i64 a = static_cast<i64>(source_.next()) >> (source_.next() % 64);
    const i64 b = static_cast<i64>(source_.next()) >> (source_.next() % 64);
    const Value x = integer(machine_.heap(), a);
    const Value y = integer(machine_.heap(), b);
    ASSERT_TRUE(same(add(machine_, x, y), wide(I128{a} + b)));
    ASSERT_TRUE(same(subtract(machine_, x, y), wide(I128{a} - b)));
    ASSERT_TRUE(same(multiply(machine_, x, y), wide(I128{a} * b)));
    ASSERT_EQ(less(machine_, x, y), Value::boolean(a < b));
    if (b == 0) continue;
    ASSERT_TRUE(same(quotient(machine_, x, y), wide(I128{a} / b)));
    ASSERT_TRUE(same(remainder(machine_, x, y), wide(I128{a} % b)));
    const I128 rest = I128{a} % b;
    ASSERT_TRUE(same(modulo(machine_, x, y), wide(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest)));
  }
}

TEST_F(Numbers, integers_are_fixnums_exactly_where_they_fit) {
  const Value most = Value::fixnum(Value::kMaxFixnum);
  const Value least = Value::fixnum(Value::kMinFixnum);
  const Value one = Value::fixnum(1);
  EXPECT_EQ(text(add(machine_, most, one)), "4611686018427387904");
  EXPECT_TRUE(is_bignum(add(machine_, most, one)));
  EXPECT_EQ(subtract(machine_, add(machine_, most, one), one), most);
  EXPECT_EQ(text(subtract(machine_, least, one)), "-4611686018427387905");
  EXPECT_EQ(text(negate(machine_, least)), "4611686018427387904");
  EXPECT_EQ(negate(machine_, negate(machine_, least)), least);
  EXPECT_EQ(text(quotient(machine_, least, Value::fixnum(-1))), "4611686018427387904");
  EXPECT_EQ(text(multiply(machine_, least, least)), "21267647932558653966460912964485513216");
  EXPECT_EQ(text(integer(machine_.heap(), INT64_MIN)), "-9223372036854775808");
  EXPECT_EQ(text(unsigned_integer(machine_.heap(), UINT64_MAX)), "18446744073709551615");
  EXPECT_EQ(parsed("4611686018427387903"), most);
  EXPECT_EQ(parsed("-4611686018427387904"), least);
  EXPECT_TRUE(is_bignum(parsed("-4611686018427387905")));
}

TEST_F(Numbers, integers_of_any_size_obey_the_laws_of_a_ring) {
  for (int i = 0; i < 3000; i++) {
    const Value a = some_integer(600);
    const Value b = some_integer(600);
    const Value c = some_integer(600);
    ASSERT_TRUE(same(add(machine_, a, b), add(machine_, b, a)));
    ASSERT_TRUE(same(subtract(machine_, add(machine_, a, b), b), a));
    ASSERT_TRUE(same(multiply(machine_, a, add(machine_, b, c)),
                     add(machine_, multiply(machine_, a, b), multiply(machine_, a, c))));
    if (b == Value::fixnum(0)) continue;
    const Value q = quotient(machine_, a, b);
    const Value r = remainder(machine_, a, b);
    ASSERT_TRUE(same(add(machine_, multiply(machine_, q, b), r), a));
    ASSERT_TRUE(same(divide(machine_, multiply(machine_, a, b), b), a));
  }
}

TEST_F(Numbers, ratios_obey_the_laws_of_a_field) {
  for (int i = 0; i < 2000; i++) {
    const Value a = some_ratio(200);
    const Value b = some_ratio(200);
    const Value c = some_ratio(200);
    ASSERT_TRUE(same(subtract(machine_, add(machine_, a, b), b), a));
    ASSERT_TRUE(same(multiply(machine_, a, add(machine_, b, c)),
                     add(machine_, multiply(machine_, a, b), multiply(machine_, a, c))));
    if (b != Value::fixnum(0)) {
      ASSERT_TRUE(same(multiply(machine_, divide(machine_, a, b), b), a));
    }
    const Value difference = subtract(machine_, a, b);
    ASSERT_EQ(less(machine_, a, b), less(machine_, difference, Value::fixnum(0)));
    ASSERT_EQ(equal(machine_, a, b), equal(machine_, difference, Value::fixnum(0)));
    for (const u32 radix : {2u, 8u, 10u, 16u}) ASSERT_TRUE(same(parsed(number_to_string(a, radix), radix), a));
  }
}

TEST_F(Numbers, same_numbers_have_the_same_hash) {
  for (int i = 0; i < 1000; i++) {
    const Value a = some_ratio(100);
    const Value b = parsed(number_to_string(a));
    ASSERT_TRUE(same(a, b));
    ASSERT_EQ(hash_of_number(a), hash_of_number(b));
  }
  EXPECT_FALSE(same(Value::fixnum(1), flonum(1)));
  EXPECT_FALSE(same(flonum(0.0), flonum(-0.0)));
  EXPECT_TRUE(
      same(flonum(std::numeric_limits<double>::quiet_NaN()), flonum(-std::numeric_limits<double>::quiet_NaN())));
  EXPECT_FALSE(same(parsed("1/3"), parsed("2/3")));
  EXPECT_FALSE(same(parsed("100000000000000000000"), parsed("-100000000000000000000")));
}

TEST_F(Numbers, comparison_of_exact_and_inexact_rounds_nothing) {
  const auto is_less = [&](std::string_view a, std::string_view b) {
    return less(machine_, parsed(a), parsed(b)) == kTrue && less(machine_, parsed(b), parsed(a)) == kFalse &&
           equal(machine_, parsed(a), parsed(b)) == kFalse;
  };
  EXPECT_TRUE(is_less("9007199254740992.0", "9007199254740993"));
  EXPECT_TRUE(is_less("9007199254740993", "9007199254740994.0"));
  EXPECT_TRUE(is_less("-9007199254740993", "-9007199254740992.0"));
  EXPECT_TRUE(is_less("4611686018427387903", "4611686018427387904.0"));
  EXPECT_TRUE(is_less("1e22", "10000000000000000000001"));
  EXPECT_TRUE(is_less("1/3", "0.33333333333333337"));
  EXPECT_TRUE(is_less("0.3333333333333333", "1/3"));
  EXPECT_TRUE(is_less("0.1", "3602879701896397/36028797018963967"));
  EXPECT_TRUE(is_less("1/10", "0.1"));
  EXPECT_TRUE(is_less("-inf.0", "-100000000000000000000000000"));
  EXPECT_TRUE(is_less("100000000000000000000000000", "+inf.0"));
  EXPECT_TRUE(is_less("0", "5e-324"));
  EXPECT_EQ(equal(machine_, parsed("1e300"), exact(machine_, 1e300)), kTrue);
  EXPECT_EQ(equal(machine_, parsed("1/2"), parsed("0.5")), kTrue);
  EXPECT_EQ(less(machine_, parsed("1"), parsed("+nan.0")), kFalse);
  EXPECT_EQ(less(machine_, parsed("+nan.0"), parsed("1/2")), kFalse);
  EXPECT_EQ(less_or_equal(machine_, parsed("+nan.0"), parsed("+nan.0")), kFalse);
  for (int i = 0; i < 5000; i++) {
    const double a = source_.any_double();
    const double b = i % 2 == 0 ? source_.any_double() : std::nextafter(a, 0);
    const Value x = exact(machine_, a);
    ASSERT_EQ(less(machine_, x, flonum(b)), Value::boolean(a < b));
    ASSERT_EQ(less(machine_, flonum(b), x), Value::boolean(b < a));
    ASSERT_EQ(equal(machine_, x, flonum(a)), kTrue);
  }
}

TEST_F(Numbers, exact_and_back_is_the_same_double) {
  for (int i = 0; i < 20000; i++) {
    const double number = source_.any_double();
    ASSERT_EQ(std::bit_cast<u64>(to_double(exact(machine_, number))), std::bit_cast<u64>(number)) << number;
  }
  EXPECT_EQ(text(exact(machine_, 0.1)), "3602879701896397/36028797018963968");
  EXPECT_EQ(text(exact(machine_, 1e23)), "99999999999999991611392");
  EXPECT_EQ(text(exact(machine_, -0.0)), "0");
  EXPECT_EQ(exact(machine_, std::numeric_limits<double>::infinity()), kRaised);
  EXPECT_EQ(exact(machine_, std::numeric_limits<double>::quiet_NaN()), kRaised);
}

TEST_F(Numbers, doubles_print_as_the_shortest_text_that_reads_back) {
  for (int i = 0; i < 50000; i++) {
    const double number =
        i % 2 == 0   ? source_.any_double()
        : i % 4 == 1 ? std::round(source_.between(-1e6, 1e6)) / std::pow(10, static_cast<double>(source_.next() % 8))
                     : source_.between(-1000, 1000);
    const std::string printed = number_to_string(flonum(number));
    ASSERT_EQ(std::bit_cast<u64>(to_double(parsed(printed))), std::bit_cast<u64>(number)) << printed;
    // The library's digits are the shortest, too.
    char buffer[64];
    const std::to_chars_result end =
        std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific);
    const auto digits_of = [](std::string_view from) {
      std::string digits;
      for (const char c : from.substr(0, from.find('e'))) {
        if (c >= '0' && c <= '9') digits += c;
      }
      digits.erase(0, digits.find_first_not_of('0'));
      digits.erase(digits.find_last_not_of('0') + 1);
      return digits;
    };
    ASSERT_EQ(digits_of(printed), digits_of({buffer, static_cast<std::size_t>(end.ptr - buffer)})) << printed;
  }
}

TEST_F(Numbers, doubles_print_in_schemes_form) {
  const std::pair<double, const char*> rows[] = {
      {1, "1.0"},
      {-0.5, "-0.5"},
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {100, "100.0"},
      {1e20, "100000000000000000000.0"},
      {1e21, "1e21"},
      {1e22, "1e22"},
      {1.5e22, "1.5e22"},
      {1e-6, "0.000001"},
      {1e-7, "1e-7"},
      {1.25e-7, "1.25e-7"},
      {0.1, "0.1"},
      {0.30000000000000004, "0.30000000000000004"},
      {123456.789, "123456.789"},
      {5e-324, "5e-324"},
      {2.2250738585072014e-308, "2.2250738585072014e-308"},
      {1.7976931348623157e308, "1.7976931348623157e308"},
      {9007199254740993.0, "9007199254740992.0"},
      {std::numeric_limits<double>::infinity(), "+inf.0"},
      {-std::numeric_limits<double>::infinity(), "-inf.0"},
      {std::numeric_limits<double>::quiet_NaN(), "+nan.0"},
  };
  for (const auto& [number, expected] : rows) EXPECT_EQ(number_to_string(flonum(number)), expected);
}

TEST_F(Numbers, doubles_in_other_radices_are_exact_and_read_back) {
  EXPECT_EQ(number_to_string(flonum(0.5), 2), "0.1");
  EXPECT_EQ(number_to_string(flonum(-10.75), 2), "-1010.11");
  EXPECT_EQ(number_to_string(flonum(255.9375), 16), "ff.f");
  EXPECT_EQ(number_to_string(flonum(8), 8), "10.0");
  for (int i = 0; i < 500; i++) {
    const double number = source_.any_double();
    for (const u32 radix : {2u, 8u, 16u}) {
      const Value back = parsed(number_to_string(flonum(number), radix), radix);
      ASSERT_EQ(std::bit_cast<u64>(to_double(back)), std::bit_cast<u64>(number)) << number;
    }
  }
}

TEST_F(Numbers, decimals_are_read_as_the_nearest_double) {
  for (int i = 0; i < 20000; i++) {
    std::string decimal;
    const u64 count = source_.next() % 40 + 1;
    for (u64 k = 0; k < count; k++) decimal += static_cast<char>('0' + source_.next() % 10);
    decimal.insert(source_.next() % (decimal.size() + 1), ".");
    decimal += "e" + std::to_string(static_cast<i64>(source_.next() % 700) - 360);
    ASSERT_EQ(to_double(parsed(decimal)), std::strtod(decimal.c_str(), nullptr)) << decimal;
  }
  // Half the way between two doubles, and a little more, far behind.
  EXPECT_EQ(read("9007199254740993.0"), "9007199254740992.0");
  EXPECT_EQ(read("9007199254740993." + std::string(2000, '0') + "1"), "9007199254740994.0");
  EXPECT_EQ(read("2.4703282292062327208e-324"), "0.0");
  EXPECT_EQ(read("2.4703282292062327209e-324"), "5e-324");
  EXPECT_EQ(read("1.7976931348623158e308"), "1.7976931348623157e308");
  EXPECT_EQ(read("1.7976931348623159e308"), "+inf.0");
}

TEST_F(Numbers, syntax_of_r7rs) {
  const std::pair<const char*, const char*> rows[] = {
      {"0", "0"},
      {"-0", "0"},
      {"+5", "5"},
      {"007", "7"},
      {"1/2", "1/2"},
      {"-6/4", "-3/2"},
      {"4/2", "2"},
      {"#xff", "255"},
      {"#XFF", "255"},
      {"#b-101", "-5"},
      {"#o17", "15"},
      {"#d10", "10"},
      {"#x1/a", "1/10"},
      {"#e1.5", "3/2"},
      {"#e-1.25e1", "-25/2"},
      {"#i3", "3.0"},
      {"#i1/3", "0.3333333333333333"},
      {"#i#xf", "15.0"},
      {"#x#if", "15.0"},
      {"#e1e3", "1000"},
      {"#e.5", "1/2"},
      {"#E#X10", "16"},
      {"1.", "1.0"},
      {".5", "0.5"},
      {"-.5", "-0.5"},
      {"1e2", "100.0"},
      {"1E2", "100.0"},
      {"1e+2", "100.0"},
      {"1.5e-3", "0.0015"},
      {"+inf.0", "+inf.0"},
      {"-INF.0", "-inf.0"},
      {"+nan.0", "+nan.0"},
      {"-nan.0", "+nan.0"},
      {"-0.0", "-0.0"},
      {"#i-0", "-0.0"},
      {"#x1.8", "1.5"},
      {"#b.1", "0.5"},
      {"#e#x.8", "1/2"},
      {"1e-400", "0.0"},
      {"-1e400", "-inf.0"},
      {"#i1e2", "100.0"},
      {"000000000000000000000000000001", "1"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(read(text), expected) << text;
  EXPECT_EQ(read("ff", 16), "255");
  EXPECT_EQ(read("#d10", 16), "10");
  EXPECT_EQ(read("1e2", 16), "482");
}

TEST_F(Numbers, what_is_no_number) {
  for (const char* text :
       {"",     "+",     "-",    ".",     "+.",    "1/",      "/2",     "1/0",      "#i1/0",    "1/-2",
        "1//2", "1.5/2", "1e",   "1e+",   "e5",    "1.2.3",   "--1",    "+-1",      "1+2i",     "+i",
        "-i",   "3i",    "1@2",  "inf.0", "+inf",  "+inf.00", "nan.0",  "#e+inf.0", "#e+nan.0", "#",
        "#x",   "#xg",   "#b2",  "#o8",   "#x#x1", "#e#i1",   "#e#e1",  "#x#d1",    "#q1",      "1 ",
        " 1",   "1a",    "0x10", "1_000", "1,5",   "\x80",    "#x1e+2", "1e1.5",    "1e2e3",    "#x",
        "#e",   "...",   "+5z",  "1/2/3", "1/2e3", "#x+",     "#b1e1"}) {
    EXPECT_EQ(read(text), "none") << text;
  }
}

TEST_F(Numbers, text_that_is_too_much_raises_or_saturates_at_once) {
  EXPECT_EQ(read("1e999999999999999999999999"), "+inf.0");
  EXPECT_EQ(read("1e-999999999999999999999999"), "0.0");
  EXPECT_EQ(read("0e999999999999999999999999"), "0.0");
  EXPECT_EQ(read("#e1e999999999999999999999999"), "raised");
  EXPECT_EQ(read("#e1e-999999999999999999999999"), "raised");
  EXPECT_EQ(read("#e0e999999999999999999999999"), "0");
  EXPECT_EQ(read(std::string(2'000'000, '9')), "raised");
  EXPECT_EQ(read("#x" + std::string(2'000'000, 'f')), "raised");
  EXPECT_EQ(read("1/" + std::string(2'000'000, '9')), "raised");
  EXPECT_EQ(read("#i" + std::string(2'000'000, '9')), "+inf.0");
  EXPECT_EQ(read("0." + std::string(2'000'000, '9')), "1.0");
  EXPECT_EQ(read("0." + std::string(300, '0') + std::string(2'000'000, '1')), "1.1111111111111111e-301");
  EXPECT_EQ(read(std::string(2'000'000, '0') + "12"), "12");
  EXPECT_EQ(read(std::string(2'000'000, '1') + "e-2000000"), "0.1111111111111111");
  EXPECT_EQ(read("#x" + std::string(2'000'000, 'f') + "."), "+inf.0");
  EXPECT_EQ(read("1." + std::string(2'000'000, '0') + "x"), "none");
}

TEST_F(Numbers, results_beyond_the_limit_raise) {
  // 2^(2^18 - 1) is the largest power of two.
  const Value large = parsed("#x8" + std::string(kMaxBits / 4 - 1, '0'));
  ASSERT_TRUE(is_bignum(large));
  EXPECT_EQ(add(machine_, large, large), kRaised);
  EXPECT_EQ(multiply(machine_, large, large), kRaised);
  EXPECT_EQ(multiply(machine_, large, Value::fixnum(2)), kRaised);
  EXPECT_EQ(text(subtract(machine_, large, large)), "0");
  EXPECT_EQ(parsed("#x1" + std::string(kMaxBits / 4, '0')), kRaised);
  EXPECT_TRUE(same(parsed(number_to_string(large)), large));
  EXPECT_EQ(to_double(large), std::numeric_limits<double>::infinity());
  // A ratio's parts have half as much.
  EXPECT_EQ(divide(machine_, Value::fixnum(1), large), kRaised);
  EXPECT_EQ(divide(machine_, large, Value::fixnum(3)), kRaised);
  EXPECT_EQ(divide(machine_, large, subtract(machine_, large, Value::fixnum(1))), kRaised);
  const Value part = parsed("#x" + std::string(kMaxRatioBits / 4, 'f'));
  const Value ratio = divide(machine_, Value::fixnum(1), part);
  EXPECT_TRUE(is_ratio(ratio));
  EXPECT_EQ(multiply(machine_, ratio, ratio), kRaised);
  EXPECT_EQ(add(machine_, ratio, divide(machine_, Value::fixnum(1), subtract(machine_, part, Value::fixnum(1)))),
            kRaised);
  EXPECT_EQ(to_double(ratio), 0);
  EXPECT_EQ(less(machine_, ratio, flonum(5e-324)), kTrue);
}

TEST_F(Numbers, arithmetic_of_what_is_no_number_raises) {
  const Value two = Value::fixnum(2);
  EXPECT_EQ(add(machine_, two, kTrue), kRaised);
  EXPECT_EQ(subtract(machine_, kNil, two), kRaised);
  EXPECT_EQ(multiply(machine_, flonum(1), kNil), kRaised);
  EXPECT_EQ(divide(machine_, two, kFalse), kRaised);
  EXPECT_EQ(negate(machine_, kFalse), kRaised);
  EXPECT_EQ(equal(machine_, two, kFalse), kRaised);
  EXPECT_EQ(less(machine_, kFalse, two), kRaised);
  EXPECT_EQ(quotient(machine_, flonum(1.5), two), kRaised);
  EXPECT_EQ(modulo(machine_, two, Value::fixnum(0)), kRaised);
  EXPECT_EQ(divide(machine_, two, Value::fixnum(0)), kRaised);
  EXPECT_EQ(divide(machine_, flonum(2), Value::fixnum(0)), kRaised);
  EXPECT_EQ(text(divide(machine_, two, flonum(0))), "+inf.0");
}

}  // namespace
}  // namespace heddle::lisp
