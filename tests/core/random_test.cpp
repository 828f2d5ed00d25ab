#include "kernel/random.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

TEST(RandomTest, a_seed_and_a_stream_give_one_sequence) {
  Random a(1, 2), b(1, 2), other_stream(1, 3), other_seed(2, 2);
  const u64 first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, other_stream.next());
  EXPECT_NE(first, other_seed.next());
  for (int i = 0; i < 10'000; ++i) {
    const double unit = a.unit();
    ASSERT_GE(unit, 0.0);
    ASSERT_LT(unit, 1.0);
    ASSERT_LT(a.below(3), 3u);
  }
}

TEST(RandomTest, is_the_published_generator) {
  // splitmix64 of seed 0 fills the state with its published first outputs; stream 0 changes no seed.
  u64 x = 0;
  const auto splitmix = [&x] {
    x += 0x9E3779B97F4A7C15ULL;
    u64 z = x;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  };
  EXPECT_EQ(splitmix(), 0xE220A8397B1DCDAFULL);
  splitmix();
  // xoshiro256**: the first output is rotl(s1 * 5, 7) * 9.
  x = 0;
  splitmix();
  const u64 s1 = splitmix();
  const u64 times_five = s1 * 5;
  EXPECT_EQ(Random(0, 0).next(), (times_five << 7 | times_five >> 57) * 9);
}

}  // namespace
}  // namespace heddle
