// What heddle_flags in the root CMakeLists.txt promises to every target: the same arithmetic in every build.

#include <gtest/gtest.h>

namespace {

TEST(Flags, multiply_and_add_round_twice) {
  // volatile: the compiler must not compute this at compile time, where it never fuses.
  volatile double near_one = 1.0 + 0x1p-30;
  const double square = near_one * near_one;
  // The exact square has a term 2^-60 that rounding drops; a fused multiply-add would bring it back here.
  EXPECT_EQ(near_one * near_one - square, 0.0);
}

TEST(Flags, plain_char_is_signed) { EXPECT_LT(static_cast<int>(static_cast<char>(0xff)), 0); }

}  // namespace
