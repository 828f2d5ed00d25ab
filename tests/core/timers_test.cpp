#include "kernel/timers.h"

#include <gtest/gtest.h>

#include "kernel/random.h"

namespace heddle {
namespace {

TEST(TimersTest, fire_in_order_of_time_and_of_creation) {
  Timers timers;
  timers.set(5, TimerKind::kOpDone, 1);
  timers.set(3, TimerKind::kOpDone, 2);
  timers.set(5, TimerKind::kGrace, 3);
  EXPECT_EQ(timers.next(), 3);
  EXPECT_EQ(timers.pop().owner, 2u);
  EXPECT_EQ(timers.pop().owner, 1u);
  const Timer last = timers.pop();
  EXPECT_EQ(last.owner, 3u);
  EXPECT_EQ(last.kind, TimerKind::kGrace);
  EXPECT_EQ(timers.next(), kNever);
}

TEST(TimersTest, clear_takes_one_out_and_forgets_it) {
  Timers timers;
  TimerId early = timers.set(1, TimerKind::kOpDone, 1);
  TimerId late = timers.set(2, TimerKind::kOpDone, 2);
  EXPECT_EQ(timers.at(late), 2);
  timers.clear(early);
  EXPECT_EQ(early, 0u);
  timers.clear(early);
  EXPECT_EQ(timers.next(), 2);
  timers.clear(late);
  EXPECT_TRUE(timers.empty());
}

TEST(TimersTest, a_million_come_out_in_order) {
  constexpr u32 kTimers = 1'000'000;
  Timers timers;
  Random random(1, 1);
  std::vector<TimerId> ids(kTimers);
  std::vector<Time> when(kTimers);
  for (u32 i = 0; i < kTimers; ++i) {
    when[i] = random.below(50'000);
    ids[i] = timers.set(when[i], TimerKind::kOpDone, i);
  }
  // A third of them never fires.
  for (u32 i = 0; i < kTimers; i += 3) timers.clear(ids[i]);
  Time last = -1;
  u32 last_owner = 0;
  u32 count = 0;
  while (!timers.empty()) {
    const Time next = timers.next();
    const Timer timer = timers.pop();
    ASSERT_NE(timer.owner % 3, 0u);
    ASSERT_EQ(when[timer.owner], next);
    ASSERT_TRUE(next > last || (next == last && timer.owner > last_owner));
    last = next;
    last_owner = timer.owner;
    ++count;
  }
  EXPECT_EQ(count, kTimers - (kTimers + 2) / 3);
}

}  // namespace
}  // namespace heddle
