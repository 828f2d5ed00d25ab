// Submit, start, end: the states a fiber goes through, and what the host is told of them.
#include <gtest/gtest.h>

#include "support/both_bodies.h"

namespace heddle::testing {
namespace {

class Lifecycle : public BothBodies {};
INSTANTIATE_TEST_SUITE_P(Bodies, Lifecycle, kBothBodies, body_name);

TEST_P(Lifecycle, a_task_is_pending_until_a_step_starts_it) {
  FakeHost host;
  FiberState inside = FiberState::kFree;
  const FiberId id = submit(host, [&](Self self) -> Job {
    inside = self.kernel().state(self.id());
    co_return true;
  });
  EXPECT_EQ(host.kernel.state(id), FiberState::kPending);
  EXPECT_EQ(host.kernel.stats().pending, 1u);
  host.run();
  EXPECT_EQ(inside, FiberState::kRunning);
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
  EXPECT_TRUE(host.settlement(id).ended);
  EXPECT_EQ(host.kernel.stats().completed, 1u);
  expect_clean(host);
}

TEST_P(Lifecycle, a_body_that_fails_makes_an_error) {
  FakeHost host;
  const FiberId id = submit(host, [](Self) -> Job { co_return false; });
  host.run();
  EXPECT_EQ(host.outcome(id), Outcome::kFailed);
  EXPECT_EQ(host.kernel.stats().errored, 1u);
  expect_clean(host);
}

TEST_P(Lifecycle, a_task_waits_for_its_children_suspended) {
  FakeHost host;
  const FiberId id = submit(host, [](Self self) -> Job {
    Child child =
        self.submit([](Self inner) -> Job { co_return co_await inner.delay(10 * kMillisecond) == OpCode::kOk; });
    co_return true;
  });
  host.run();
  EXPECT_EQ(host.kernel.state(id), FiberState::kSuspended);
  EXPECT_FALSE(host.is_settled(id));
  host.pass(10 * kMillisecond);
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
  expect_clean(host);
}

TEST_P(Lifecycle, a_task_that_fails_cancels_its_children) {
  FakeHost host;
  OpCode seen = OpCode::kOk;
  const FiberId id = submit(host, [&](Self self) -> Job {
    Child child = self.submit([&](Self inner) -> Job {
      seen = co_await inner.delay(10 * kMillisecond);
      co_return true;
    });
    co_await self.delay(kMillisecond);
    co_return false;
  });
  host.pass(kMillisecond);
  EXPECT_EQ(seen, OpCode::kCancelled);
  EXPECT_EQ(host.outcome(id), Outcome::kFailed);
  ASSERT_EQ(host.settled.size(), 2u);
  EXPECT_EQ(host.settled[0].cause, Cause::kParentFailed);
  expect_clean(host);
}

TEST_P(Lifecycle, a_task_that_fails_over_pending_children_ends_once) {
  FakeHost host(with_tasks(1));
  const FiberId id = submit(host, [](Self self) -> Job {
    for (int i = 0; i < 3; ++i) {
      Child child = self.submit([](Self) -> Job { co_return true; });
    }
    co_return false;
  });
  host.run();
  EXPECT_EQ(host.outcome(id), Outcome::kFailed);
  EXPECT_EQ(host.settled.size(), 4u);
  expect_clean(host);
}

TEST_P(Lifecycle, a_detached_task_is_a_root) {
  FakeHost host;
  FiberId other = 0;
  const FiberId id = submit(host, [&](Self self) -> Job {
    SubmitRequest request;
    request.detached = true;
    Child child =
        self.submit([](Self inner) -> Job { co_return co_await inner.delay(kMillisecond) == OpCode::kOk; }, request);
    other = child.id();
    co_return false;
  });
  host.run();
  EXPECT_EQ(host.outcome(id), Outcome::kFailed);
  EXPECT_FALSE(host.is_settled(other));
  host.pass(kMillisecond);
  EXPECT_EQ(host.outcome(other), Outcome::kCompleted);
  expect_clean(host);
}

TEST_P(Lifecycle, a_kept_record_stays_until_it_is_released) {
  FakeHost host;
  SubmitRequest request;
  request.kept = true;
  const FiberId id = host.submit(GetParam(), request, [](Self) -> Job { co_return true; });
  host.run();
  EXPECT_EQ(host.kernel.state(id), FiberState::kCompleted);
  EXPECT_EQ(host.kernel.stats().fibers, 1u);
  EXPECT_FALSE(host.kernel.cancel(id));
  EXPECT_EQ(host.kernel.submit([&] {
    SubmitRequest child;
    child.parent = id;
    return child;
  }()),
            0u);
  host.kernel.release(id);
  expect_clean(host);
  EXPECT_EQ(host.kernel.state(id), FiberState::kFree);
}

TEST_P(Lifecycle, an_id_is_not_given_out_again_before_the_next_step) {
  FakeHost host;
  const FiberId first = submit(host, [](Self) -> Job { co_return true; });
  const u32 seq = host.kernel.seq(first);
  host.run();
  const FiberId second = submit(host, [](Self) -> Job { co_return true; });
  EXPECT_NE(host.kernel.seq(second), seq);
  host.run();
  host.run();
  const FiberId third = submit(host, [](Self) -> Job { co_return true; });
  EXPECT_TRUE(third == first || third == second);
  host.run();
  expect_clean(host);
}

TEST(LifecycleOfHostBodies, an_end_before_the_start_is_refused) {
  FakeHost host;
  const FiberId id = host.kernel.submit({});
  host.kernel.ended(id, true);
  EXPECT_EQ(host.kernel.state(id), FiberState::kPending);
  EXPECT_EQ(host.kernel.delay(id, 1), kRefused);
  EXPECT_EQ(host.kernel.shield(id, 1), 0u);
  host.kernel.step(10);
  host.kernel.ended(id, true);
  host.kernel.ended(id, false);
  host.run();
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
  expect_clean(host);
}

TEST(LifecycleOfHostBodies, the_end_drops_what_is_outstanding) {
  FakeHost host;
  const FiberId id = host.kernel.submit({});
  host.kernel.step(10);
  EXPECT_GT(host.kernel.delay(id, kMillisecond), 0);
  EXPECT_GT(host.kernel.call(id, CallClass::kLlm, false), 0);
  EXPECT_GT(host.kernel.yield(id), 0);
  host.kernel.shield(id, kMillisecond);
  host.kernel.ended(id, true);
  host.run();
  EXPECT_EQ(host.attempts, 0u);
  expect_clean(host);
}

TEST(LifecycleOfHostBodies, several_results_are_delivered_in_the_order_in_which_they_came) {
  FakeHost host;
  const FiberId id = host.kernel.submit({});
  host.kernel.step(10);
  host.carry_out();
  const i32 late = host.kernel.delay(id, 2 * kMillisecond);
  const i32 soon = host.kernel.delay(id, kMillisecond);
  const i32 now = host.kernel.yield(id);
  host.kernel.set_time(5 * kMillisecond);
  host.kernel.step(10);
  std::vector<i32> order;
  while (!host.kernel.runs().empty()) order.push_back(static_cast<i32>(host.kernel.runs().pop().a));
  EXPECT_EQ(order, (std::vector<i32>{now, soon, late}));
  host.kernel.ended(id, true);
  expect_clean(host);
}

TEST(Outside, a_caller_that_is_no_task_may_wait_and_needs_no_slot) {
  FakeHost host(with_tasks(1));
  const FiberId task =
      host.submit([](Self self) -> Job { co_return co_await self.delay(kMillisecond) == OpCode::kOk; });
  host.run();
  const FiberId outside = host.kernel.outside();
  const i32 op = host.kernel.wait(outside, WaitMode::kAll, &task, 1);
  ASSERT_GT(op, 0);
  host.pass(kMillisecond / 2);
  bool resumed = false;
  host.on_run = [&](const Command& command) {
    resumed = resumed || (command.type == CommandType::kResume && command.a == static_cast<u32>(op));
  };
  host.pass(kMillisecond);
  EXPECT_TRUE(resumed);
  EXPECT_EQ(host.kernel.stats().slots, 0u);
  host.kernel.outside_done(outside);
  expect_clean(host);
}

TEST(Outside, its_end_leaves_what_it_opened_running) {
  FakeHost host;
  const FiberId outside = host.kernel.outside();
  SubmitRequest request;
  request.parent = outside;
  const FiberId task =
      host.submit(request, [](Self self) -> Job { co_return co_await self.delay(kMillisecond) == OpCode::kOk; });
  host.run();
  host.kernel.outside_done(outside);
  host.kernel.cancel_all(7);
  host.run();
  EXPECT_EQ(host.outcome(task), Outcome::kCancelled);
  EXPECT_EQ(host.settlement(task).reason, 7u);
  expect_clean(host);
}

TEST(Outside, nobody_can_wait_for_it) {
  FakeHost host;
  const FiberId outside = host.kernel.outside();
  const FiberId other = host.kernel.outside();
  EXPECT_EQ(host.kernel.wait(other, WaitMode::kAll, &outside, 1), kRefused);
  host.kernel.outside_done(outside);
  host.kernel.outside_done(other);
  expect_clean(host);
}

TEST(Outside, a_cancelled_caller_is_interrupted_at_each_operation) {
  FakeHost host;
  const FiberId outside = host.kernel.outside();
  EXPECT_GT(host.kernel.delay(outside, kMillisecond), 0);
  EXPECT_TRUE(host.kernel.cancel(outside));
  EXPECT_FALSE(host.kernel.cancel(outside));
  EXPECT_EQ(host.kernel.delay(outside, 1), kInterrupted);
  host.run();
  host.kernel.outside_done(outside);
  expect_clean(host);
}

TEST(NativeBodies, a_body_that_returns_without_waiting_has_yielded) {
  class Counts final : public Body {
   public:
    bool run(OpCode, u32, bool& completed) override {
      completed = true;
      return ++turns_ < 3;
    }

   private:
    int turns_ = 0;
  };
  FakeHost host;
  host.kernel.submit({}, std::make_unique<Counts>());
  host.run();
  EXPECT_EQ(host.kernel.stats().completed, 1u);
  expect_clean(host);
}

TEST(NativeBodies, a_body_with_two_operations_gets_both_results) {
  class Two final : public Body {
   public:
    explicit Two(Kernel* kernel) : kernel_(kernel) {}
    bool run(OpCode, u32, bool& completed) override {
      completed = true;
      if (turns_++ == 0) {
        kernel_->delay(fiber, kMillisecond);
        kernel_->delay(fiber, kMillisecond);
        return true;
      }
      return turns_ < 3;
    }
    FiberId fiber = 0;

   private:
    Kernel* kernel_;
    int turns_ = 0;
  };
  FakeHost host;
  auto body = std::make_unique<Two>(&host.kernel);
  Two* two = body.get();
  two->fiber = host.kernel.submit({}, std::move(body));
  host.pass(kMillisecond);
  EXPECT_EQ(host.kernel.stats().completed, 1u);
  expect_clean(host);
}

TEST(NativeBodies, a_step_inside_a_step_is_refused) {
  FakeHost host;
  bool more = true;
  host.submit(BodyKind::kNative, {}, [&](Self self) -> Job {
    more = self.kernel().step(10);
    co_return true;
  });
  host.run();
  EXPECT_FALSE(more);
  expect_clean(host);
}

TEST(NativeBodies, a_kernel_may_end_before_its_jobs) {
  auto host = std::make_unique<FakeHost>();
  host->submit(BodyKind::kNative, {}, [](Self self) -> Job {
    auto shield = self.shield(kMillisecond);
    Child child = self.submit([](Self inner) -> Job { co_return co_await inner.delay(kMillisecond) == OpCode::kOk; });
    co_return co_await self.join(child) == OpCode::kOk;
  });
  host->run();
  host.reset();
}

}  // namespace
}  // namespace heddle::testing
