// Deadlocks: a cycle ends as soon as it closes, what is left ends when nothing else can happen, and nothing else does.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "support/both_bodies.h"

namespace heddle::testing {
namespace {

class Deadlocks : public BothBodies {
 protected:
  std::vector<std::string> log;
  void say(const std::string& name, const Synced& done) {
    log.push_back(name + (done.ok() ? " ok" : done.code == OpCode::kDeadlock ? " deadlock" : " failed"));
    if (done.code == OpCode::kDeadlock) number = done.value;
  }
  u32 number = 0;  // of the last one

  // A task that locks both mutexes, and gives both back.
  FiberId both(FakeHost& host, const std::string& name, SyncId first, SyncId second, Time timeout = 0) {
    return submit(host, [=, this](Self self) -> Job {
      co_await self.sync(SyncAct::kLock, first);
      co_await self.delay(kMillisecond);
      const Synced locked = co_await self.sync(SyncAct::kLock, second, 0, timeout);
      say(name, locked);
      if (locked.ok()) self.sync_now(SyncDo::kUnlock, second);
      self.sync_now(SyncDo::kUnlock, first);
      co_return locked.ok();
    });
  }
  using Log = std::vector<std::string>;
};
INSTANTIATE_TEST_SUITE_P(Bodies, Deadlocks, kBothBodies, body_name);

TEST_P(Deadlocks, the_lock_that_closes_a_cycle_ends_and_the_others_go_on) {
  FakeHost host;
  const SyncId a = host.kernel.make_object(SyncKind::kMutex, 0);
  const SyncId b = host.kernel.make_object(SyncKind::kMutex, 0);
  const SyncId c = host.kernel.make_object(SyncKind::kMutex, 0);
  const FiberId first = both(host, "first", a, b);
  const FiberId second = both(host, "second", b, c);
  const FiberId third = both(host, "third", c, a);
  // Somebody else runs meanwhile.
  submit(host, [](Self self) -> Job {
    co_await self.delay(kMillisecond * 1000);
    co_return true;
  });
  host.pass(10 * kMillisecond);
  ASSERT_EQ(log.size(), 3U);
  EXPECT_EQ(std::count_if(log.begin(), log.end(), [](const auto& line) { return line.ends_with(" ok"); }), 2);
  EXPECT_TRUE(log[0].ends_with(" deadlock"));
  const Deadlock* deadlock = host.kernel.deadlock(number);
  ASSERT_NE(deadlock, nullptr);
  EXPECT_TRUE(deadlock->is_cycle);
  ASSERT_EQ(deadlock->links.size(), 3U);
  // Each waits for what the next one holds.
  const std::map<FiberId, SyncId> wanted = {{first, b}, {second, c}, {third, a}};
  const std::map<FiberId, FiberId> holders = {{first, second}, {second, third}, {third, first}};
  for (u32 i = 0; i < 3; ++i) {
    const DeadlockLink& link = deadlock->links[i];
    EXPECT_EQ(link.object, wanted.at(link.fiber));
    EXPECT_EQ(link.holder, holders.at(link.fiber));
    EXPECT_EQ(link.holder, deadlock->links[(i + 1) % 3].fiber);
  }
  EXPECT_FALSE(host.quiet);
}

TEST_P(Deadlocks, an_order_of_locks_has_none) {
  FakeHost host;
  const SyncId a = host.kernel.make_object(SyncKind::kMutex, 0);
  const SyncId b = host.kernel.make_object(SyncKind::kMutex, 0);
  for (u32 i = 0; i < 5; ++i) both(host, "task", a, b);
  host.pass(100 * kMillisecond);
  EXPECT_EQ(log, Log(5, "task ok"));
}

TEST_P(Deadlocks, a_lock_that_may_time_out_closes_no_cycle) {
  FakeHost host;
  const SyncId a = host.kernel.make_object(SyncKind::kMutex, 0);
  const SyncId b = host.kernel.make_object(SyncKind::kMutex, 0);
  both(host, "first", a, b);
  both(host, "second", b, a, 5 * kMillisecond);
  host.pass(2 * kMillisecond);
  EXPECT_TRUE(log.empty());
  host.pass(10 * kMillisecond);
  EXPECT_EQ(log, (Log{"second failed", "first ok"}));
}

TEST_P(Deadlocks, a_join_of_one_that_waits_for_the_joiners_lock_closes_a_cycle) {
  FakeHost host;
  const SyncId mutex = host.kernel.make_object(SyncKind::kMutex, 0);
  std::string joined;
  submit(host, [&joined, mutex, this](Self self) -> Job {
    co_await self.sync(SyncAct::kLock, mutex);
    const Child child = self.submit([mutex, this](Self inner) -> Job {
      const Synced locked = co_await inner.sync(SyncAct::kLock, mutex);
      say("child", locked);
      co_return locked.ok();
    });
    const OpCode code = co_await self.join(child);
    joined = code == OpCode::kDeadlock ? "deadlock" : code == OpCode::kFailed ? "failed" : "ok";
    co_return true;
  });
  host.run();
  // Whichever of the two waits closed it.
  EXPECT_TRUE((joined == "failed" && log == Log{"child deadlock"}) || (joined == "deadlock" && log == Log{"child ok"}))
      << joined;
}

TEST_P(Deadlocks, what_nobody_fills_ends_when_nothing_else_can_happen) {
  for (const bool is_virtual : {false, true}) {
    KernelConfig config;
    config.virtual_time = is_virtual;
    FakeHost host(config);
    log.clear();
    const SyncId ivar = host.kernel.make_object(SyncKind::kIvar, 0);
    const SyncId mutex = host.kernel.make_object(SyncKind::kMutex, 0);
    submit(host, [=, this](Self self) -> Job {
      co_await self.sync(SyncAct::kLock, mutex);
      const Synced taken = co_await self.sync(SyncAct::kTake, ivar);
      say("taker", taken);
      co_return true;
    });
    submit(host, [=, this](Self self) -> Job {
      co_await self.delay(kMillisecond);
      const Synced locked = co_await self.sync(SyncAct::kLock, mutex);
      say("locker", locked);
      co_return true;
    });
    host.is_closed_world = true;
    host.pass(2 * kMillisecond);
    EXPECT_EQ(host.deadlocks, 1U);
    EXPECT_EQ(log, (Log{"taker deadlock", "locker ok"}));
  }
}

TEST_P(Deadlocks, whoever_acts_from_outside_ends_the_quiet) {
  FakeHost host;
  const SyncId ivar = host.kernel.make_object(SyncKind::kIvar, 0);
  submit(host, [=, this](Self self) -> Job {
    const Synced taken = co_await self.sync(SyncAct::kTake, ivar);
    say("taker", taken);
    co_return true;
  });
  host.run();
  EXPECT_TRUE(host.quiet);
  host.kernel.sync_now(0, SyncDo::kPut, ivar, 1);
  host.run();
  EXPECT_EQ(log, Log{"taker ok"});
  EXPECT_EQ(host.kernel.break_deadlock(), 0U);
}

TEST_P(Deadlocks, a_fiber_in_flight_is_hope) {
  FakeHost host;
  host.on_call = [](const Attempt&) { return Reply::fine(5 * kMillisecond); };
  const SyncId ivar = host.kernel.make_object(SyncKind::kIvar, 0);
  submit(host, [=, this](Self self) -> Job {
    const Synced taken = co_await self.sync(SyncAct::kTake, ivar);
    say("taker", taken);
    co_return true;
  });
  submit(host, [=](Self self) -> Job {
    co_await self.call();
    self.sync_now(SyncDo::kPut, ivar, 1);
    co_return true;
  });
  host.run();
  EXPECT_FALSE(host.quiet);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(log, Log{"taker ok"});
}

TEST_P(Deadlocks, long_chains_are_looked_at_in_linear_time) {
  KernelConfig config;
  config.max_tasks = UINT32_MAX;
  FakeHost host(config);
  host.is_closed_world = true;
  host.checks = false;
  constexpr u32 kCount = 3000;
  std::vector<SyncId> mutexes;
  for (u32 i = 0; i < kCount; ++i) mutexes.push_back(host.kernel.make_object(SyncKind::kMutex, 0));
  for (u32 i = 0; i < kCount; ++i) both(host, "task", mutexes[i], mutexes[(i + 1) % kCount]);
  host.pass(10 * kMillisecond);
  // Too long to be seen when it closed: the end of everything finds it.
  EXPECT_EQ(host.deadlocks, 1U);
  EXPECT_EQ(log.size(), kCount);
}

}  // namespace
}  // namespace heddle::testing
