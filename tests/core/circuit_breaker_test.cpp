// The breaker's table, cell by cell, and what a host may change while it runs.
#include "kernel/circuit_breaker.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernel/random.h"

namespace heddle {
namespace {

using State = CircuitBreaker::State;

constexpr Time kPause = 100;

CircuitBreaker breaker(u32 failures, u32 probes = 1) {
  CircuitBreaker made;
  made.set_failures(failures);
  made.set_pause(kPause);
  made.set_probes(probes);
  return made;
}

// Opened at time 0.
CircuitBreaker opened(u32 probes = 1) {
  CircuitBreaker made = breaker(1, probes);
  EXPECT_TRUE(made.failed(made.send(), 0));
  return made;
}

TEST(CircuitBreaker, off_it_admits_everything_and_counts_nothing) {
  CircuitBreaker off;
  for (u32 i = 0; i < 100; ++i) {
    EXPECT_TRUE(off.admits(i));
    EXPECT_FALSE(off.failed(off.send(), i));
  }
  EXPECT_EQ(off.state(0), State::kClosed);
}

TEST(CircuitBreaker, closed_a_request_goes_and_the_nth_fault_in_a_row_opens) {
  CircuitBreaker closed = breaker(3);
  for (u32 i = 0; i < 2; ++i) {
    EXPECT_TRUE(closed.admits(0));
    EXPECT_FALSE(closed.failed(closed.send(), 0));
  }
  EXPECT_TRUE(closed.failed(closed.send(), 7));
  EXPECT_EQ(closed.state(7), State::kOpen);
  EXPECT_EQ(closed.until(), 7 + kPause);
}

TEST(CircuitBreaker, closed_a_request_without_a_fault_begins_the_row_anew) {
  CircuitBreaker closed = breaker(2);
  for (u32 i = 0; i < 10; ++i) {
    EXPECT_FALSE(closed.failed(closed.send(), 0));
    closed.succeeded(closed.send());
  }
  EXPECT_FALSE(closed.failed(closed.send(), 0));
  EXPECT_TRUE(closed.failed(closed.send(), 0));
}

TEST(CircuitBreaker, closed_one_that_is_given_up_says_nothing) {
  CircuitBreaker closed = breaker(2);
  closed.failed(closed.send(), 0);
  closed.given_up(closed.send());
  EXPECT_TRUE(closed.failed(closed.send(), 0));
}

TEST(CircuitBreaker, open_a_request_is_refused_until_the_pause_is_over) {
  CircuitBreaker open = opened();
  EXPECT_FALSE(open.admits(0));
  EXPECT_FALSE(open.admits(kPause - 1));
  EXPECT_EQ(open.state(kPause - 1), State::kOpen);
  EXPECT_TRUE(open.admits(kPause));
  EXPECT_EQ(open.state(kPause), State::kHalfOpen);
}

TEST(CircuitBreaker, open_the_results_of_requests_sent_before_change_nothing) {
  CircuitBreaker made = breaker(1);
  const u32 before = made.send();
  const u32 also_before = made.send();
  made.failed(before, 0);
  EXPECT_FALSE(made.failed(also_before, 50));
  EXPECT_EQ(made.until(), kPause);
  made.succeeded(also_before);
  made.given_up(also_before);
  EXPECT_FALSE(made.admits(kPause - 1));
}

TEST(CircuitBreaker, half_open_exactly_k_go) {
  for (const u32 probes : {1U, 2U, 5U}) {
    CircuitBreaker half = opened(probes);
    for (u32 i = 0; i < probes; ++i) {
      EXPECT_TRUE(half.admits(kPause));
      half.send();
    }
    for (Time later = 0; later < 10 * kPause; later += kPause) EXPECT_FALSE(half.admits(kPause + later));
  }
}

TEST(CircuitBreaker, half_open_a_fault_of_a_probe_opens_for_another_pause) {
  CircuitBreaker half = opened(3);
  const u32 first = half.send();
  const u32 second = half.send();
  half.succeeded(first);
  EXPECT_TRUE(half.failed(second, kPause + 5));
  EXPECT_EQ(half.until(), kPause + 5 + kPause);
  EXPECT_FALSE(half.admits(2 * kPause));
  // The next round has all its probes again.
  for (u32 i = 0; i < 3; ++i) {
    EXPECT_TRUE(half.admits(3 * kPause));
    half.send();
  }
  EXPECT_FALSE(half.admits(3 * kPause));
}

TEST(CircuitBreaker, half_open_all_k_probes_without_a_fault_close) {
  CircuitBreaker half = opened(3);
  const u32 era = half.send();
  half.succeeded(era);
  half.succeeded(half.send());
  EXPECT_EQ(half.state(kPause), State::kHalfOpen);
  EXPECT_TRUE(half.admits(kPause));
  half.succeeded(half.send());
  EXPECT_EQ(half.state(kPause), State::kClosed);
  EXPECT_TRUE(half.admits(kPause));
  // What a probe says after that belongs to another era.
  EXPECT_FALSE(half.failed(era, kPause));
}

TEST(CircuitBreaker, half_open_a_probe_that_is_given_up_lets_another_one_try) {
  CircuitBreaker half = opened(2);
  const u32 first = half.send();
  half.send();
  EXPECT_FALSE(half.admits(kPause));
  half.given_up(first);
  EXPECT_TRUE(half.admits(kPause));
  half.send();
  EXPECT_FALSE(half.admits(kPause));
}

TEST(CircuitBreaker, half_open_requests_sent_before_it_opened_are_no_probes) {
  CircuitBreaker made = breaker(1, 2);
  const u32 old = made.send();
  made.failed(made.send(), 0);
  made.send();  // a probe
  made.succeeded(old);
  made.succeeded(old);
  made.given_up(old);
  EXPECT_FALSE(made.failed(old, kPause));
  EXPECT_EQ(made.state(kPause), State::kHalfOpen);
  EXPECT_TRUE(made.admits(kPause));
  made.send();
  EXPECT_FALSE(made.admits(kPause));
}

TEST(CircuitBreaker, switched_off_it_forgets) {
  CircuitBreaker half = opened();
  const u32 probe = half.send();
  half.set_failures(0);
  EXPECT_TRUE(half.admits(kPause));
  half.succeeded(probe);
  half.set_failures(2);
  EXPECT_EQ(half.state(kPause), State::kClosed);
  EXPECT_TRUE(half.admits(kPause));
  half.failed(half.send(), kPause);
  EXPECT_FALSE(half.failed(probe, kPause));
  EXPECT_TRUE(half.failed(half.send(), kPause));
}

TEST(CircuitBreaker, fewer_probes_are_enough_at_once) {
  CircuitBreaker half = opened(3);
  const u32 first = half.send();
  half.succeeded(first);
  half.set_probes(1);
  EXPECT_EQ(half.state(kPause), State::kClosed);
  half = opened(3);
  half.send();
  const u32 second = half.send();
  half.set_probes(1);
  EXPECT_FALSE(half.admits(kPause));
  half.succeeded(second);
  EXPECT_EQ(half.state(kPause), State::kClosed);
}

TEST(CircuitBreaker, more_probes_let_more_try) {
  CircuitBreaker half = opened(1);
  half.send();
  EXPECT_FALSE(half.admits(kPause));
  half.set_probes(2);
  EXPECT_TRUE(half.admits(kPause));
}

// Whatever happens and is changed, and in whatever order: there are never more probes than allowed, and once all that
// was sent has ended and the pause is over, somebody may go.
TEST(CircuitBreaker, it_is_never_stuck) {
  for (u64 seed = 1; seed <= 50; ++seed) {
    Random random(seed, 9);
    CircuitBreaker made = breaker(2, 2);
    std::vector<u32> out;
    Time now = 0;
    for (u32 i = 0; i < 2000; ++i) {
      now += random.below(30);
      const u32 what = random.below(10);
      if (what < 5) {
        if (made.admits(now)) out.push_back(made.send());
      } else if (what < 9 && !out.empty()) {
        const u32 at = random.below(static_cast<u32>(out.size()));
        const u32 era = out[at];
        out.erase(out.begin() + at);
        if (what < 7)
          made.failed(era, now);
        else if (what == 7)
          made.succeeded(era);
        else
          made.given_up(era);
      } else if (random.below(4) == 0) {
        made.set_failures(random.below(4));
      } else if (random.below(3) == 0) {
        made.set_probes(random.below(4));
      }
      if (random.below(100) != 0) continue;
      for (const u32 era : out) made.given_up(era);
      out.clear();
      ASSERT_TRUE(made.admits(now + kPause)) << "seed " << seed << ", step " << i;
    }
  }
}

}  // namespace
}  // namespace heddle
