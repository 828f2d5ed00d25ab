// Cancellation: a tree, level-triggered; the first cause wins; nothing half-happens.
#include <gtest/gtest.h>

#include "support/both_bodies.h"
#include "support/programs.h"

namespace heddle::testing {
namespace {

class Cancellation : public BothBodies {};
INSTANTIATE_TEST_SUITE_P(Bodies, Cancellation, kBothBodies, body_name);

Job sleeps(Self self) { co_return co_await self.delay(1000 * kMillisecond) == OpCode::kOk; }

TEST_P(Cancellation, a_task_settles_in_the_same_turn) {
  FakeHost host;
  const FiberId id = submit(host, sleeps);
  host.run();
  EXPECT_TRUE(host.kernel.cancel(id, 5));
  EXPECT_EQ(host.kernel.state(id), FiberState::kCancelled);
  EXPECT_EQ(host.kernel.stats().unwinding, 1u);
  host.effects();
  EXPECT_EQ(host.outcome(id), Outcome::kCancelled);
  EXPECT_EQ(host.settlement(id).reason, 5u);
  EXPECT_FALSE(host.settlement(id).ended);
  host.run();
  EXPECT_EQ(host.ended, std::vector<FiberId>{id});
  expect_clean(host);
}

TEST_P(Cancellation, a_pending_task_ends_without_having_begun) {
  FakeHost host(with_tasks(0));
  bool ran = false;
  const FiberId id = submit(host, [&](Self) -> Job {
    ran = true;
    co_return true;
  });
  EXPECT_TRUE(host.kernel.cancel(id));
  host.effects();
  EXPECT_TRUE(host.settlement(id).ended);
  host.kernel.configure(ConfigKey::kMaxTasks, 1);
  host.run();
  EXPECT_FALSE(ran);
  expect_clean(host);
}

TEST_P(Cancellation, one_between_admission_and_start_does_not_begin) {
  FakeHost host;
  bool ran = false;
  FiberId second = 0;
  submit(host, [&](Self self) -> Job {
    self.kernel().cancel(second);
    co_return true;
  });
  second = submit(host, [&](Self) -> Job {
    ran = true;
    co_return true;
  });
  host.run();
  EXPECT_FALSE(ran);
  EXPECT_EQ(host.outcome(second), Outcome::kCancelled);
  expect_clean(host);
}

TEST_P(Cancellation, it_is_false_for_what_has_settled) {
  FakeHost host;
  SubmitRequest kept;
  kept.kept = true;
  const FiberId id = submit(host, kept, [](Self) -> Job { co_return true; });
  host.run();
  EXPECT_FALSE(host.kernel.cancel(id));
  EXPECT_FALSE(host.kernel.cancel(12345));
  EXPECT_FALSE(host.kernel.cancel(0));
  host.kernel.release(id);
}

TEST_P(Cancellation, the_first_reason_wins) {
  FakeHost host;
  const FiberId id = submit(host, sleeps);
  host.run();
  EXPECT_TRUE(host.kernel.cancel(id, 1));
  EXPECT_FALSE(host.kernel.cancel(id, 2));
  host.kernel.cancel_all(3);
  host.run();
  EXPECT_EQ(host.settled.size(), 1u);
  EXPECT_EQ(host.settlement(id).reason, 1u);
}

TEST_P(Cancellation, every_operation_after_it_is_interrupted) {
  FakeHost host;
  std::vector<OpCode> codes;
  FiberId child = 99;
  ShieldId shield = 0;
  const FiberId id = submit(host, [&](Self self) -> Job {
    codes.push_back(co_await self.delay(1000 * kMillisecond));
    codes.push_back(co_await self.delay(1));
    codes.push_back(co_await self.yield());
    codes.push_back((co_await self.call()).code);
    codes.push_back((co_await self.open()).code);
    codes.push_back((co_await self.wait(WaitMode::kAll)).code);
    Child refused = self.submit(sleeps);
    child = refused.id();
    codes.push_back(co_await self.join(refused));
    codes.push_back(co_await self.tick(1));
    shield = self.kernel().shield(self.id(), kMillisecond);
    self.kernel().unshield(shield);
    co_return true;
  });
  host.run();
  host.kernel.cancel(id);
  host.run();
  EXPECT_EQ(codes.size(), 8u);
  for (const OpCode code : codes) EXPECT_EQ(code, OpCode::kCancelled);
  EXPECT_EQ(child, 0u);
  EXPECT_GT(shield, 0u);
  EXPECT_EQ(host.attempts, 0u);
  EXPECT_EQ(host.outcome(id), Outcome::kCancelled);
  expect_clean(host);
}

TEST_P(Cancellation, the_whole_subtree_goes_parents_first_and_elders_first) {
  FakeHost host;
  std::vector<FiberId> family;
  const FiberId id = submit(host, [&](Self self) -> Job {
    family.push_back(self.id());
    for (int i = 0; i < 2; ++i) {
      Child child = self.submit([&](Self inner) -> Job {
        family.push_back(inner.id());
        Child grandchild = inner.submit(sleeps);
        family.push_back(grandchild.id());
        co_return co_await inner.join(grandchild) == OpCode::kOk;
      });
      co_await self.delay(kMillisecond);
    }
    co_return co_await self.delay(1000 * kMillisecond) == OpCode::kOk;
  });
  host.pass(3 * kMillisecond);
  const u32 seq = host.kernel.seq(id);
  host.kernel.cancel(id, 9);
  host.run();
  ASSERT_EQ(host.settled.size(), 5u);
  for (u32 i = 0; i < 5; ++i) {
    EXPECT_EQ(host.settled[i].fiber, family[i]);
    EXPECT_EQ(host.settled[i].cause, i == 0 ? Cause::kRequested : Cause::kParentCancelled);
    EXPECT_EQ(host.settled[i].named, seq);
    EXPECT_EQ(host.settled[i].reason, 9u);
  }
  expect_clean(host);
}

TEST_P(Cancellation, cancel_wakes_waiters_in_fifo_order) {
  FakeHost host;
  const FiberId target = submit(host, sleeps);
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) {
    submit(host, [&order, i, target](Self self) -> Job {
      co_await self.wait(WaitMode::kAllSettled, target);
      order.push_back(i);
      co_return true;
    });
  }
  host.run();
  host.kernel.cancel(target);
  host.run();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  expect_clean(host);
}

TEST_P(Cancellation, an_answer_that_came_first_is_delivered_and_one_that_came_later_is_not) {
  FakeHost host;
  OpCode code = OpCode::kFailed;
  const FiberId id = submit(host, [&](Self self) -> Job {
    code = co_await self.delay(kMillisecond);
    co_return true;
  });
  host.run();
  host.kernel.set_time(kMillisecond);
  host.kernel.step(0);  // the delay is over, its fiber has not run yet
  host.kernel.cancel(id);
  host.run();
  EXPECT_EQ(code, OpCode::kOk);
  EXPECT_EQ(host.outcome(id), Outcome::kCancelled);
  expect_clean(host);
}

TEST_P(Cancellation, a_task_may_cancel_itself) {
  FakeHost host;
  OpCode code = OpCode::kOk;
  const FiberId id = submit(host, [&](Self self) -> Job {
    self.kernel().cancel(self.id(), 3);
    code = co_await self.delay(1);
    co_return true;
  });
  host.run();
  EXPECT_EQ(code, OpCode::kCancelled);
  EXPECT_EQ(host.outcome(id), Outcome::kCancelled);
  expect_clean(host);
}

TEST_P(Cancellation, cancel_all_takes_every_task_in_order_of_age) {
  FakeHost host(with_tasks(2));
  std::vector<FiberId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(submit(host, sleeps));
  host.run();
  host.kernel.cancel_all(4);
  host.run();
  ASSERT_EQ(host.settled.size(), 5u);
  for (u32 i = 0; i < 5; ++i) EXPECT_EQ(host.settled[i].fiber, ids[i]);
  expect_clean(host);
}

TEST_P(Cancellation, closing_reaches_outside_callers_too) {
  FakeHost host;
  const FiberId outside = host.kernel.outside();
  const i32 op = host.kernel.delay(outside, 1000 * kMillisecond);
  ASSERT_GT(op, 0);
  host.kernel.cancel_all(0);
  EXPECT_FALSE(host.kernel.is_cancelled(outside));
  host.kernel.cancel_all(0, Cause::kClosed);
  EXPECT_TRUE(host.kernel.is_cancelled(outside));
  host.run();
  host.kernel.outside_done(outside);
  expect_clean(host);
}

TEST_P(Cancellation, a_chain_of_races_that_cancel_their_losers_needs_no_stack) {
  constexpr u32 kLinks = 50'000;
  FakeHost host(roomy());
  host.checks = false;
  std::vector<FiberId> sleepers;
  for (u32 i = 0; i <= kLinks; ++i) sleepers.push_back(submit(host, sleeps));
  for (u32 i = 0; i < kLinks; ++i) {
    submit(host, [&sleepers, i](Self self) -> Job {
      co_await self.wait_and_cancel(WaitMode::kRace, sleepers[i], sleepers[i + 1]);
      co_return true;
    });
  }
  host.run();
  host.kernel.cancel(sleepers[0]);
  host.run();
  EXPECT_EQ(host.kernel.stats().cancelled, kLinks + 1);
  EXPECT_EQ(host.cause(sleepers[kLinks]), Cause::kAwaitDecided);
  expect_clean(host);
}

Job nests_deep(Self self, u32 depth) {
  if (depth == 0) co_return co_await self.delay(1000 * kMillisecond) == OpCode::kOk;
  Child child = self.submit([depth](Self inner) { return nests_deep(inner, depth - 1); });
  co_return co_await self.join(child) == OpCode::kOk;
}

TEST_P(Cancellation, a_deep_tree_needs_no_stack) {
  constexpr u32 kDepth = 50'000;
  for (const bool from_below : {false, true}) {
    FakeHost host(with_tasks(10));
    host.checks = false;
    const FiberId id = submit(host, [](Self self) { return nests_deep(self, kDepth); });
    host.run();
    EXPECT_EQ(host.kernel.stats().suspended, kDepth);
    if (from_below) {
      host.pass(1000 * kMillisecond);
      EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
    } else {
      host.kernel.cancel(id);
      host.run();
      EXPECT_EQ(host.kernel.stats().cancelled, kDepth + 1);
    }
    expect_clean(host);
  }
}

TEST(CancellationOfNativeBodies, one_that_ignores_it_does_not_keep_others_from_running) {
  FakeHost host;
  bool stop = false;
  bool other_ran = false;
  const FiberId id = host.submit(BodyKind::kNative, {}, [&](Self self) -> Job {
    while (!stop) co_await self.yield();
    co_return true;
  });
  host.kernel.step(10);
  host.kernel.cancel(id);
  host.submit(BodyKind::kNative, {}, [&](Self) -> Job {
    other_ran = true;
    co_return true;
  });
  host.kernel.step(1000);
  EXPECT_TRUE(other_ran);
  stop = true;
  host.run();
  expect_clean(host);
}

// --- One operation's own signal ---

TEST_P(Cancellation, aborting_an_operation_leaves_the_fiber_alone) {
  FakeHost host;
  OpCode first = OpCode::kOk, second = OpCode::kFailed;
  OpId op = 0;
  const FiberId id = submit(host, [&](Self self) -> Job {
    op = 1;
    first = co_await self.delay(1000 * kMillisecond);
    second = co_await self.delay(kMillisecond);
    co_return true;
  });
  host.run();
  for (op = 1; !host.kernel.abort_op(op); ++op) ASSERT_LT(op, 10u);
  EXPECT_FALSE(host.kernel.abort_op(op));
  host.pass(kMillisecond);
  EXPECT_EQ(first, OpCode::kAborted);
  EXPECT_EQ(second, OpCode::kOk);
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
  EXPECT_FALSE(host.kernel.abort_op(op));
  expect_clean(host);
}

}  // namespace
}  // namespace heddle::testing
