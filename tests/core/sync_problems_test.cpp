// The classic problems, with both kinds of bodies and under each dispatch policy: what must hold in them always holds,
// and what they come to is known.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "support/fake_host.h"

namespace heddle::testing {
namespace {

struct Way {
  BodyKind body;
  DispatchPolicy dispatch;
};

std::string way_name(const ::testing::TestParamInfo<Way>& info) {
  static constexpr const char* kDispatch[] = {"rr", "fair", "random", "prio"};
  return std::string(info.param.body == BodyKind::kNative ? "native_" : "host_") +
         kDispatch[static_cast<u32>(info.param.dispatch)];
}

class SyncProblems : public ::testing::TestWithParam<Way> {
 protected:
  SyncProblems() : host(config()) { host.checks = false; }
  static KernelConfig config() {
    KernelConfig config = roomy();
    config.dispatch = GetParam().dispatch;
    config.virtual_time = true;
    return config;
  }
  void submit(JobFunction function) { host.submit(GetParam().body, {}, std::move(function)); }
  SyncId make(SyncKind kind, u32 limit) { return host.kernel.make_object(kind, limit); }
  void expect_all_completed(u64 count) {
    host.run();
    EXPECT_EQ(host.kernel.stats().completed, count);
    expect_clean(host);
    EXPECT_EQ(host.kernel.stats().sync_links, 0u);
  }

  FakeHost host;
};
INSTANTIATE_TEST_SUITE_P(Ways, SyncProblems,
                         ::testing::Values(Way{BodyKind::kHost, DispatchPolicy::kRoundRobin},
                                           Way{BodyKind::kHost, DispatchPolicy::kRandom},
                                           Way{BodyKind::kNative, DispatchPolicy::kRoundRobin},
                                           Way{BodyKind::kNative, DispatchPolicy::kFairRoundRobin},
                                           Way{BodyKind::kNative, DispatchPolicy::kRandom}),
                         way_name);

constexpr u32 kPhilosophers = 5;
constexpr u32 kMeals = 50;

class Table {
 public:
  explicit Table(Kernel& kernel) {
    for (u32 i = 0; i < kPhilosophers; ++i) forks.push_back(kernel.make_object(SyncKind::kMutex, 0));
  }
  // Takes the forks in that order, eats, and lays them down.
  JobFunction philosopher(u32 seat, u32 first, u32 second, SyncId waiter = 0) {
    return [this, seat, first = forks[first], second = forks[second], waiter](Self self) -> Job {
      for (u32 meal = 0; meal < kMeals; ++meal) {
        if (waiter != 0) co_await self.sync(SyncAct::kAcquire, waiter, 1);
        co_await self.sync(SyncAct::kLock, first);
        co_await self.delay(kMillisecond);
        co_await self.sync(SyncAct::kLock, second);
        EXPECT_FALSE(eats[(seat + 1) % kPhilosophers] || eats[(seat + kPhilosophers - 1) % kPhilosophers]);
        eats[seat] = true;
        co_await self.delay(kMillisecond);
        eats[seat] = false;
        ++meals[seat];
        self.sync_now(SyncDo::kUnlock, first);
        self.sync_now(SyncDo::kUnlock, second);
        if (waiter != 0) self.sync_now(SyncDo::kGive, waiter, 1);
      }
      co_return true;
    };
  }
  std::vector<SyncId> forks;
  bool eats[kPhilosophers] = {};
  u32 meals[kPhilosophers] = {};
};

TEST_P(SyncProblems, philosophers_who_take_the_lower_fork_first_all_eat) {
  Table table(host.kernel);
  for (u32 i = 0; i < kPhilosophers; ++i) {
    const u32 other = (i + 1) % kPhilosophers;
    submit(table.philosopher(i, std::min(i, other), std::max(i, other)));
  }
  expect_all_completed(kPhilosophers);
  for (const u32 meals : table.meals) EXPECT_EQ(meals, kMeals);
}

TEST_P(SyncProblems, philosophers_of_whom_a_waiter_seats_four_all_eat) {
  Table table(host.kernel);
  const SyncId waiter = make(SyncKind::kSemaphore, kPhilosophers - 1);
  for (u32 i = 0; i < kPhilosophers; ++i) submit(table.philosopher(i, i, (i + 1) % kPhilosophers, waiter));
  expect_all_completed(kPhilosophers);
  EXPECT_EQ(host.kernel.object_count(waiter), kPhilosophers - 1);
}

TEST_P(SyncProblems, a_bounded_buffer_of_semaphores_loses_nothing_and_holds_no_more_than_it_can) {
  constexpr u32 kRoom = 3;
  constexpr u32 kEach = 100;
  const SyncId room = make(SyncKind::kSemaphore, kRoom);
  const SyncId filled = make(SyncKind::kSemaphore, kRoom);
  const SyncId mutex = make(SyncKind::kMutex, 0);
  std::vector<u32> buffer;
  std::vector<u32> taken;
  // It starts empty: nobody has filled any of it.
  submit([filled](Self self) -> Job {
    co_await self.sync(SyncAct::kAcquire, filled, kRoom);
    co_return true;
  });
  host.run();
  for (u32 producer = 0; producer < 4; ++producer) {
    submit([&, room, filled, mutex, producer](Self self) -> Job {
      for (u32 i = 0; i < kEach; ++i) {
        co_await self.sync(SyncAct::kAcquire, room, 1);
        co_await self.sync(SyncAct::kLock, mutex);
        buffer.push_back(producer * kEach + i);
        EXPECT_LE(buffer.size(), kRoom);
        co_await self.yield();
        self.sync_now(SyncDo::kUnlock, mutex);
        EXPECT_EQ(self.sync_now(SyncDo::kGive, filled, 1), kDone);
      }
      co_return true;
    });
  }
  for (u32 consumer = 0; consumer < 2; ++consumer) {
    submit([&, room, filled, mutex](Self self) -> Job {
      for (u32 i = 0; i < 2 * kEach; ++i) {
        co_await self.sync(SyncAct::kAcquire, filled, 1);
        co_await self.sync(SyncAct::kLock, mutex);
        EXPECT_FALSE(buffer.empty());
        taken.push_back(buffer.front());
        buffer.erase(buffer.begin());
        co_await self.yield();
        self.sync_now(SyncDo::kUnlock, mutex);
        EXPECT_EQ(self.sync_now(SyncDo::kGive, room, 1), kDone);
      }
      co_return true;
    });
  }
  expect_all_completed(7);
  std::vector<u32> all(4 * kEach);
  std::iota(all.begin(), all.end(), 0U);
  std::sort(taken.begin(), taken.end());
  EXPECT_EQ(taken, all);
}

// A writer takes all permits, and so it is not starved by readers who come after it.
TEST_P(SyncProblems, readers_read_together_and_writers_write_alone) {
  constexpr u32 kReaders = 6;
  const SyncId permits = make(SyncKind::kSemaphore, kReaders);
  u32 reading = 0;
  u32 most = 0;
  u32 written = 0;
  bool is_written = false;
  for (u32 i = 0; i < kReaders; ++i) {
    submit([&, permits](Self self) -> Job {
      for (u32 round = 0; round < 20; ++round) {
        co_await self.sync(SyncAct::kAcquire, permits, 1);
        most = std::max(most, ++reading);
        EXPECT_FALSE(is_written);
        co_await self.delay(kMillisecond);
        --reading;
        self.sync_now(SyncDo::kGive, permits, 1);
      }
      co_return true;
    });
  }
  for (u32 i = 0; i < 2; ++i) {
    submit([&, permits](Self self) -> Job {
      for (u32 round = 0; round < 10; ++round) {
        co_await self.sync(SyncAct::kAcquire, permits, kReaders);
        EXPECT_FALSE(is_written);
        EXPECT_EQ(reading, 0u);
        is_written = true;
        co_await self.delay(kMillisecond);
        is_written = false;
        ++written;
        self.sync_now(SyncDo::kGive, permits, kReaders);
      }
      co_return true;
    });
  }
  expect_all_completed(kReaders + 2);
  EXPECT_EQ(written, 20u);
  EXPECT_GT(most, 1u);
}

// Two chairs, a barber who needs three milliseconds, a customer each millisecond.
TEST_P(SyncProblems, a_sleeping_barber_serves_whom_there_is_a_chair_for) {
  const SyncId chairs = make(SyncKind::kChannel, 2);
  u32 served = 0;
  u32 turned_away = 0;
  submit([&, chairs](Self self) -> Job {
    for (;;) {
      const Synced customer = co_await self.sync(SyncAct::kReceive, chairs);
      if (customer.code == OpCode::kClosed) co_return true;
      co_await self.delay(3 * kMillisecond);
      ++served;
    }
  });
  submit([&, chairs](Self self) -> Job {
    for (u32 i = 0; i < 30; ++i) {
      co_await self.delay(kMillisecond);
      const Synced seated = co_await self.try_sync(SyncAct::kSend, chairs, i);
      turned_away += seated.answer == kWouldWait ? 1 : 0;
    }
    EXPECT_EQ(self.sync_now(SyncDo::kClose, chairs), kDone);
    co_return true;
  });
  expect_all_completed(2);
  EXPECT_EQ(served + turned_away, 30u);
  // Until the 30th millisecond he has ended nine, is at another, and two sit.
  EXPECT_EQ(served, 12u);
}

// An agent lays two of three things on the table; who has the third takes both and smokes.
TEST_P(SyncProblems, smokers_take_turns_as_the_agent_decides) {
  SyncId things[3];
  for (SyncId& thing : things) thing = make(SyncKind::kChannel, 1);
  const SyncId table = make(SyncKind::kMutex, 0);
  const SyncId smoked = make(SyncKind::kChannel, 0);
  const SyncId is_over = make(SyncKind::kIvar, 0);
  u32 smokes[3] = {};
  submit([&, smoked, is_over](Self self) -> Job {
    for (u32 i = 0; i < 30; ++i) {
      const u32 missing = i * 7 % 3;
      co_await self.sync(SyncAct::kSend, things[(missing + 1) % 3], i);
      co_await self.sync(SyncAct::kSend, things[(missing + 2) % 3], i);
      const Synced who = co_await self.sync(SyncAct::kReceive, smoked);
      EXPECT_EQ(who.value, missing);
    }
    EXPECT_EQ(self.sync_now(SyncDo::kPut, is_over, 1), kDone);
    co_return true;
  });
  for (u32 own = 0; own < 3; ++own) {
    submit([&, table, smoked, is_over, own](Self self) -> Job {
      const SyncId first = things[(own + 1) % 3];
      const SyncId second = things[(own + 2) % 3];
      while (self.kernel().object_count(is_over) == 0) {
        // Looks whether both are there: nobody takes one of them while another looks.
        co_await self.sync(SyncAct::kLock, table);
        const bool are_there = self.kernel().object_count(first) == 1 && self.kernel().object_count(second) == 1;
        if (are_there) {
          const Synced one = co_await self.try_sync(SyncAct::kReceive, first);
          const Synced other = co_await self.try_sync(SyncAct::kReceive, second);
          EXPECT_TRUE(one.ok() && other.ok());
          EXPECT_EQ(one.value, other.value);
          ++smokes[own];
        }
        self.sync_now(SyncDo::kUnlock, table);
        if (are_there) co_await self.sync(SyncAct::kSend, smoked, own);
        co_await self.delay(kMillisecond);
      }
      co_return true;
    });
  }
  expect_all_completed(4);
  for (const u32 count : smokes) EXPECT_EQ(count, 10u);
}

}  // namespace
}  // namespace heddle::testing
