// maxConcurrentTasks: who holds a slot, who gives it back, and who gets the next one.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/both_bodies.h"

namespace heddle::testing {
namespace {

class Slots : public BothBodies {};
INSTANTIATE_TEST_SUITE_P(Bodies, Slots, kBothBodies, body_name);

Job nests(Self self, int depth) {
  if (depth == 0) co_return true;
  Child child = self.submit([depth](Self inner) { return nests(inner, depth - 1); });
  co_return co_await self.join(child) == OpCode::kOk;
}

TEST_P(Slots, submits_nested_ten_deep_do_not_deadlock_with_one_slot) {
  FakeHost host(with_tasks(1));
  const FiberId id = submit(host, [](Self self) { return nests(self, 10); });
  host.run();
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
  EXPECT_EQ(host.settled.size(), 11u);
  expect_clean(host);
}

TEST_P(Slots, no_more_tasks_run_than_there_are_slots) {
  FakeHost host(with_tasks(3));
  u32 inside = 0, most = 0;
  for (int i = 0; i < 20; ++i) {
    submit(host, [&](Self self) -> Job {
      most = std::max(most, ++inside);
      co_await self.delay(kMillisecond);
      --inside;
      co_return true;
    });
  }
  host.run();
  EXPECT_EQ(host.kernel.stats().running, 3u);
  EXPECT_EQ(host.kernel.stats().slots, 3u);
  host.pass(20 * kMillisecond);
  EXPECT_EQ(most, 3u);
  EXPECT_EQ(host.settled.size(), 20u);
  expect_clean(host);
}

TEST_P(Slots, a_task_that_waits_for_the_host_keeps_its_slot) {
  FakeHost host(with_tasks(1));
  host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
  submit(host, [](Self self) -> Job { co_return (co_await self.call()).code == OpCode::kOk; });
  const FiberId second = submit(host, [](Self) -> Job { co_return true; });
  host.run();
  EXPECT_EQ(host.kernel.state(second), FiberState::kPending);
  host.pass(kMillisecond);
  EXPECT_EQ(host.outcome(second), Outcome::kCompleted);
}

TEST_P(Slots, a_task_that_waits_for_a_fiber_gives_its_slot_back_and_is_suspended) {
  FakeHost host(with_tasks(2));
  const FiberId slow =
      submit(host, [](Self self) -> Job { co_return co_await self.delay(kMillisecond) == OpCode::kOk; });
  const FiberId waiter =
      submit(host, [&](Self self) -> Job { co_return (co_await self.wait(WaitMode::kAll, slow)).code == OpCode::kOk; });
  const FiberId third = submit(host, [](Self) -> Job { co_return true; });
  host.run();
  EXPECT_EQ(host.kernel.state(waiter), FiberState::kSuspended);
  EXPECT_EQ(host.outcome(third), Outcome::kCompleted);
  EXPECT_EQ(host.kernel.stats().slots, 1u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.outcome(waiter), Outcome::kCompleted);
  expect_clean(host);
}

TEST_P(Slots, who_wakes_takes_a_slot_before_any_pending_task) {
  FakeHost host(with_tasks(1));
  std::vector<std::string> order;
  submit(host, [&](Self self) -> Job {
    Child child = self.submit([&](Self) -> Job {
      order.push_back("child");
      co_return true;
    });
    co_await self.join(child);
    order.push_back("parent");
    co_return true;
  });
  // Their turn comes between, but the one that wakes is first.
  submit(host, [&](Self) -> Job {
    order.push_back("second");
    co_return true;
  });
  submit(host, [&](Self) -> Job {
    order.push_back("third");
    co_return true;
  });
  host.run();
  EXPECT_EQ(order, (std::vector<std::string>{"second", "third", "child", "parent"}));
}

TEST_P(Slots, a_lower_limit_lets_running_tasks_finish) {
  FakeHost host(with_tasks(4));
  for (int i = 0; i < 8; ++i) {
    submit(host, [](Self self) -> Job { co_return co_await self.delay(kMillisecond) == OpCode::kOk; });
  }
  host.run();
  host.kernel.configure(ConfigKey::kMaxTasks, 1);
  host.run();
  EXPECT_EQ(host.kernel.stats().slots, 4u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.kernel.stats().slots, 1u);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(host.settled.size(), 8u);
  expect_clean(host);
}

TEST_P(Slots, a_higher_limit_admits_at_once) {
  FakeHost host(with_tasks(1));
  for (int i = 0; i < 8; ++i) {
    submit(host, [](Self self) -> Job { co_return co_await self.delay(kMillisecond) == OpCode::kOk; });
  }
  host.run();
  host.kernel.configure(ConfigKey::kMaxTasks, 5);
  host.run();
  EXPECT_EQ(host.kernel.stats().running, 5u);
  host.pass(10 * kMillisecond);
  expect_clean(host);
}

TEST_P(Slots, a_scope_runs_on_its_parents_slot) {
  FakeHost host(with_tasks(1));
  FiberState parent = FiberState::kFree;
  u32 slots = 0;
  const FiberId id = submit(host, [&](Self self) -> Job {
    co_return co_await self.scope(Joiner::kAll, [&](Self scope) -> Job {
      slots = scope.kernel().stats().slots;
      parent = scope.kernel().state(self.id());
      Child child = scope.submit([](Self) -> Job { co_return true; });
      co_return co_await scope.join(child) == OpCode::kOk;
    }) == FiberState::kCompleted;
  });
  host.run();
  EXPECT_EQ(slots, 1u);
  EXPECT_EQ(parent, FiberState::kSuspended);
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
  expect_clean(host);
}

TEST_P(Slots, cancelled_fibers_unwind_without_one) {
  FakeHost host(with_tasks(1));
  bool unwound = false;
  FiberId parent = submit(host, [&](Self self) -> Job {
    Child child = self.submit([](Self inner) -> Job { co_return co_await inner.delay(kMillisecond) == OpCode::kOk; });
    co_await self.join(child);
    unwound = true;
    co_return false;
  });
  host.run();
  // Somebody else takes the only slot and does not give it back.
  host.kernel.cancel(parent);
  submit(host, [](Self self) -> Job { co_return co_await self.delay(100 * kMillisecond) == OpCode::kOk; });
  host.run();
  EXPECT_TRUE(unwound);
  host.pass(100 * kMillisecond);
  expect_clean(host);
}

TEST_P(Slots, one_that_waits_for_a_slot_unwinds_at_once_when_cancelled) {
  FakeHost host(with_tasks(3));
  OpCode joined = OpCode::kFailed, after = OpCode::kOk;
  const FiberId holder =
      submit(host, [](Self self) -> Job { co_return co_await self.delay(100 * kMillisecond) == OpCode::kOk; });
  const FiberId waiter = submit(host, [&](Self self) -> Job {
    joined = co_await self.join(
        self.submit([](Self child) -> Job { co_return co_await child.delay(kMillisecond) == OpCode::kOk; }));
    after = co_await self.yield();
    co_return false;
  });
  host.run();
  host.kernel.configure(ConfigKey::kMaxTasks, 1);
  host.pass(kMillisecond);
  const auto facts = host.kernel.explain(waiter);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].reason, WaitReason::kSlot);
  EXPECT_EQ(facts[0].fibers, std::vector<FiberId>{holder});
  host.kernel.cancel(waiter);
  host.run();
  EXPECT_EQ(joined, OpCode::kOk);
  EXPECT_EQ(after, OpCode::kCancelled);
  host.pass(100 * kMillisecond);
  expect_clean(host);
}

// --- Which pending task gets the next slot ---

std::vector<u32> started_order(FakeHost& host, const std::vector<SubmitRequest>& requests) {
  std::vector<u32> order;
  for (u32 i = 0; i < requests.size(); ++i) {
    host.submit(requests[i], [&order, i](Self) -> Job {
      order.push_back(i);
      co_return true;
    });
  }
  host.run();
  return order;
}

SubmitRequest with_priority(i32 priority) {
  SubmitRequest request;
  request.has_priority = true;
  request.priority = priority;
  return request;
}

SubmitRequest with_key(u32 key) {
  SubmitRequest request;
  request.key = key;
  return request;
}

TEST(Fairness, fifo_ignores_priority) {
  FakeHost host(with_tasks(1));
  EXPECT_EQ(started_order(host, {with_priority(0), with_priority(9), with_priority(5)}), (std::vector<u32>{0, 1, 2}));
}

TEST(Fairness, priority_is_highest_first_and_stable) {
  KernelConfig config = with_tasks(1);
  config.fairness = FairnessMode::kPriority;
  FakeHost host(config);
  EXPECT_EQ(
      started_order(host, {with_priority(1), with_priority(5), with_priority(-2), with_priority(5), with_priority(1)}),
      (std::vector<u32>{1, 3, 0, 4, 2}));
}

TEST(Fairness, aging_lets_a_low_priority_start_in_the_end) {
  for (const Time aging : {Time{0}, kMillisecond}) {
    KernelConfig config = with_tasks(1);
    config.fairness = FairnessMode::kPriority;
    config.aging = aging;
    FakeHost host(config);
    bool ran = false;
    host.submit(with_priority(10),
                [](Self self) -> Job { co_return co_await self.delay(kMillisecond) == OpCode::kOk; });
    host.run();
    host.submit(with_priority(0), [&](Self) -> Job {
      ran = true;
      co_return true;
    });
    // A stream of more important tasks that never ends.
    for (int i = 0; i < 50; ++i) {
      host.submit(with_priority(10),
                  [](Self self) -> Job { co_return co_await self.delay(kMillisecond) == OpCode::kOk; });
      host.pass(kMillisecond);
    }
    EXPECT_EQ(ran, aging > 0);
  }
}

TEST(Fairness, ten_thousand_tasks_of_one_tenant_do_not_starve_anothers_one) {
  KernelConfig config = with_tasks(1);
  config.fairness = FairnessMode::kRoundRobin;
  FakeHost host(config);
  host.checks = false;
  u32 before = 0;
  bool ran = false;
  for (int i = 0; i < 10'000; ++i) {
    host.submit(with_key(1), [&](Self) -> Job {
      if (!ran) ++before;
      co_return true;
    });
  }
  host.submit(with_key(2), [&](Self) -> Job {
    ran = true;
    co_return true;
  });
  host.run();
  EXPECT_TRUE(ran);
  EXPECT_LE(before, 2u);
  EXPECT_EQ(host.kernel.stats().completed, 10'001u);
}

TEST(Fairness, without_a_key_the_tenant_is_the_root_task) {
  KernelConfig config = with_tasks(1);
  config.fairness = FairnessMode::kRoundRobin;
  FakeHost host(config);
  std::string order;
  const auto tenant = [&order](char name) {
    return [&order, name](Self self) -> Job {
      for (int i = 0; i < 3; ++i) {
        Child child = self.submit([&order, name](Self) -> Job {
          order += name;
          co_return true;
        });
      }
      co_return true;
    };
  };
  host.submit(tenant('a'));
  host.submit(tenant('b'));
  host.run();
  EXPECT_EQ(order, "ababab");
}

TEST(Fairness, the_mode_can_change_while_tasks_wait) {
  FakeHost host(with_tasks(1));
  std::vector<u32> order;
  for (u32 i = 0; i < 4; ++i) {
    host.submit(with_priority(static_cast<i32>(i)), [&order, i](Self) -> Job {
      order.push_back(i);
      co_return true;
    });
  }
  host.kernel.configure(ConfigKey::kFairness, static_cast<double>(FairnessMode::kPriority));
  host.run();
  EXPECT_EQ(order, (std::vector<u32>{3, 2, 1, 0}));
}

}  // namespace
}  // namespace heddle::testing
