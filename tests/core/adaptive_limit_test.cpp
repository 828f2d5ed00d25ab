#include "kernel/adaptive_limit.h"

#include <gtest/gtest.h>

#include "kernel/random.h"

namespace heddle {
namespace {

AdaptiveLimit adaptive(u32 initial, u32 min, u32 max) {
  AdaptiveLimit limit;
  limit.set_initial(initial);
  limit.set_min(min);
  limit.set_max(max);
  return limit;
}

TEST(AdaptiveLimit, off_it_limits_nothing) {
  AdaptiveLimit limit;
  EXPECT_FALSE(limit.is_on());
  EXPECT_EQ(limit.limit(), UINT32_MAX);
  limit.succeeded(7);
  limit.overloaded(5, 6);
  EXPECT_EQ(limit.limit(), UINT32_MAX);
}

TEST(AdaptiveLimit, slow_start_doubles_each_round_until_the_first_overload) {
  AdaptiveLimit limit = adaptive(2, 1, 1000);
  for (u32 round = 0; round < 5; ++round) {
    const u32 before = limit.limit();
    for (u32 i = 0; i < before; ++i) limit.succeeded(limit.limit());
    EXPECT_EQ(limit.limit(), before * 2);
  }
}

TEST(AdaptiveLimit, after_an_overload_it_is_half_and_grows_by_one_each_round) {
  AdaptiveLimit limit = adaptive(16, 1, 1000);
  limit.overloaded(10, 20);
  EXPECT_EQ(limit.limit(), 8u);
  for (u32 want = 9; want < 20; ++want) {
    // A round and one: 1/l each, with l a little above the whole number.
    u32 successes = 0;
    while (limit.limit() < want) {
      limit.succeeded(limit.limit());
      ++successes;
    }
    EXPECT_GE(successes, want - 1);
    EXPECT_LE(successes, want);
  }
}

TEST(AdaptiveLimit, the_overloads_of_one_round_halve_it_once) {
  AdaptiveLimit limit = adaptive(64, 1, 1000);
  for (u32 i = 0; i < 64; ++i) limit.overloaded(10, 20 + i);
  EXPECT_EQ(limit.limit(), 32u);
  // Sent when the news came in: as good as before it.
  limit.overloaded(20, 90);
  EXPECT_EQ(limit.limit(), 32u);
  limit.overloaded(21, 90);
  EXPECT_EQ(limit.limit(), 16u);
}

TEST(AdaptiveLimit, a_round_without_duration_halves_it_once) {
  AdaptiveLimit limit = adaptive(64, 1, 1000);
  for (u32 i = 0; i < 64; ++i) limit.overloaded(0, 0);
  EXPECT_EQ(limit.limit(), 32u);
}

TEST(AdaptiveLimit, it_grows_only_while_it_is_used) {
  AdaptiveLimit limit = adaptive(10, 1, 1000);
  for (u32 i = 0; i < 100; ++i) limit.succeeded(9);
  EXPECT_EQ(limit.limit(), 10u);
  limit.succeeded(10);
  EXPECT_EQ(limit.limit(), 11u);
}

TEST(AdaptiveLimit, it_stays_in_its_bounds) {
  AdaptiveLimit limit = adaptive(8, 3, 12);
  for (u32 i = 0; i < 100; ++i) limit.succeeded(limit.limit());
  EXPECT_EQ(limit.limit(), 12u);
  for (Time at = 1; at < 20; ++at) limit.overloaded(at * 2, at * 2 + 1);
  EXPECT_EQ(limit.limit(), 3u);
}

TEST(AdaptiveLimit, it_moves_into_bounds_that_change) {
  AdaptiveLimit limit = adaptive(8, 1, 100);
  limit.set_max(5);
  EXPECT_EQ(limit.limit(), 5u);
  limit.set_max(100);
  EXPECT_EQ(limit.limit(), 5u);
  limit.set_min(7);
  EXPECT_EQ(limit.limit(), 7u);
  limit.set_min(200);  // above its maximum: the minimum holds
  EXPECT_EQ(limit.limit(), 200u);
  limit.set_max(0);
  EXPECT_EQ(limit.limit(), UINT32_MAX);
}

TEST(AdaptiveLimit, whatever_it_is_set_to_it_lets_one_through) {
  for (const u32 initial : {0U, 1U, UINT32_MAX}) {
    for (const u32 min : {0U, 1U, UINT32_MAX}) {
      for (const u32 max : {1U, 7U, UINT32_MAX}) {
        AdaptiveLimit limit = adaptive(initial, min, max);
        EXPECT_GE(limit.limit(), 1u);
        limit.set_initial(0);
        EXPECT_GE(limit.limit(), 1u);
        for (Time at = 1; at < 40; ++at) limit.overloaded(at * 2, at * 2 + 1);
        EXPECT_GE(limit.limit(), 1u);
      }
    }
  }
}

// A server that takes `capacity` at once: the limit swings between half of it and a little above.
TEST(AdaptiveLimit, it_finds_what_the_server_takes) {
  for (const u32 capacity : {1U, 5U, 40U}) {
    AdaptiveLimit limit = adaptive(1, 1, 1000);
    u64 sum = 0;
    Time now = 0;
    for (u32 round = 0; round < 1000; ++round, ++now) {
      const u32 sent = limit.limit();
      if (round >= 100) {
        EXPECT_GE(sent, capacity / 2);
        EXPECT_LE(sent, capacity + 1);
        sum += sent;
      }
      for (u32 i = 0; i < sent; ++i) {
        if (i < capacity)
          limit.succeeded(sent);
        else
          limit.overloaded(now, now + 1);
      }
    }
    EXPECT_GE(static_cast<double>(sum) / 900, capacity * 0.7);
  }
}

}  // namespace
}  // namespace heddle
