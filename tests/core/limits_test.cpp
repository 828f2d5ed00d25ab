// Limits of time: timeout, queueTimeout, deadline, and what is inherited.
#include <gtest/gtest.h>

#include "support/both_bodies.h"

namespace heddle::testing {
namespace {

class Limits : public BothBodies {};
INSTANTIATE_TEST_SUITE_P(Bodies, Limits, kBothBodies, body_name);

Job sleeps(Self self) { co_return co_await self.delay(1000 * kMillisecond) == OpCode::kOk; }

SubmitRequest with_timeout(Time timeout) {
  SubmitRequest request;
  request.timeout = timeout;
  return request;
}

TEST_P(Limits, a_timeout_counts_from_the_start_not_from_the_submit) {
  FakeHost host(with_tasks(1));
  const FiberId first =
      submit(host, [](Self self) -> Job { co_return co_await self.delay(20 * kMillisecond) == OpCode::kOk; });
  const FiberId second = submit(host, with_timeout(10 * kMillisecond), sleeps);
  host.pass(29 * kMillisecond);
  EXPECT_EQ(host.outcome(first), Outcome::kCompleted);
  EXPECT_FALSE(host.is_settled(second));
  host.pass(kMillisecond);
  EXPECT_EQ(host.outcome(second), Outcome::kTimedOut);
  EXPECT_EQ(host.cause(second), Cause::kTimeout);
  EXPECT_EQ(host.kernel.stats().errored, 1u);
  expect_clean(host);
}

TEST_P(Limits, task_timeout_is_the_default_and_zero_turns_it_off) {
  KernelConfig config;
  config.task_timeout = 10 * kMillisecond;
  FakeHost host(config);
  const FiberId by_default = submit(host, sleeps);
  const FiberId without = submit(host, with_timeout(0), sleeps);
  host.pass(1000 * kMillisecond);
  EXPECT_EQ(host.outcome(by_default), Outcome::kTimedOut);
  EXPECT_EQ(host.outcome(without), Outcome::kCompleted);
  expect_clean(host);
}

TEST_P(Limits, a_queue_timeout_ends_what_did_not_start_in_time) {
  FakeHost host(with_tasks(1));
  SubmitRequest request;
  request.queue_timeout = 10 * kMillisecond;
  submit(host, sleeps);
  const FiberId late = submit(host, request, sleeps);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(host.cause(late), Cause::kQueueTimeout);
  EXPECT_EQ(host.outcome(late), Outcome::kTimedOut);
  EXPECT_TRUE(host.settlement(late).ended);
  host.pass(1000 * kMillisecond);
  expect_clean(host);
}

TEST_P(Limits, a_queue_timeout_is_over_with_the_start) {
  FakeHost host;
  SubmitRequest request;
  request.queue_timeout = 10 * kMillisecond;
  const FiberId id = submit(host, request, sleeps);
  host.pass(1000 * kMillisecond);
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
  expect_clean(host);
}

TEST_P(Limits, a_deadline_is_a_point_in_time_and_includes_the_queue) {
  FakeHost host(with_tasks(1));
  host.pass(5 * kMillisecond);
  SubmitRequest request;
  request.deadline = 12 * kMillisecond;
  const FiberId running = submit(host, request, sleeps);
  const FiberId pending = submit(host, request, sleeps);
  host.pass(7 * kMillisecond);
  for (const FiberId id : {running, pending}) {
    EXPECT_EQ(host.cause(id), Cause::kDeadline);
    EXPECT_EQ(host.settlement(id).named, host.kernel.seq(id) == 0 ? host.settlement(id).named : host.kernel.seq(id));
  }
  expect_clean(host);
}

TEST_P(Limits, a_deadline_that_has_passed_never_starts) {
  FakeHost host;
  host.pass(10 * kMillisecond);
  SubmitRequest request;
  request.deadline = 5 * kMillisecond;
  bool ran = false;
  const FiberId id = submit(host, request, [&](Self) -> Job {
    ran = true;
    co_return true;
  });
  host.run();
  EXPECT_FALSE(ran);
  EXPECT_EQ(host.cause(id), Cause::kDeadline);
  expect_clean(host);
}

TEST_P(Limits, children_inherit_a_deadline_and_cannot_extend_it) {
  FakeHost host;
  SubmitRequest request;
  request.deadline = 10 * kMillisecond;
  FiberId sooner = 0, later = 0, inherits = 0;
  const FiberId parent = submit(host, request, [&](Self self) -> Job {
    SubmitRequest child;
    child.deadline = 5 * kMillisecond;
    Child first = self.submit(sleeps, child);
    child.deadline = 100 * kMillisecond;
    Child second = self.submit(sleeps, child);
    Child third = self.submit(sleeps);
    sooner = first.id(), later = second.id(), inherits = third.id();
    co_return co_await self.delay(1000 * kMillisecond) == OpCode::kOk;
  });
  host.run();
  const u32 seq = host.kernel.seq(parent);
  const u32 own = host.kernel.seq(sooner);
  host.pass(5 * kMillisecond);
  EXPECT_EQ(host.cause(sooner), Cause::kDeadline);
  EXPECT_EQ(host.settlement(sooner).named, own);
  EXPECT_FALSE(host.is_settled(later));
  host.pass(5 * kMillisecond);
  for (const FiberId id : {parent, later, inherits}) {
    EXPECT_EQ(host.cause(id), Cause::kDeadline);
    EXPECT_EQ(host.outcome(id), Outcome::kTimedOut);
    EXPECT_EQ(host.settlement(id).named, seq);  // whose deadline it was
  }
  expect_clean(host);
}

TEST_P(Limits, children_of_one_that_timed_out_are_cancelled) {
  FakeHost host;
  FiberId child = 0;
  const FiberId parent = submit(host, with_timeout(5 * kMillisecond), [&](Self self) -> Job {
    Child own = self.submit(sleeps);
    child = own.id();
    co_return co_await self.join(own) == OpCode::kOk;
  });
  host.run();
  const u32 seq = host.kernel.seq(parent);
  host.pass(5 * kMillisecond);
  EXPECT_EQ(host.outcome(parent), Outcome::kTimedOut);
  EXPECT_EQ(host.outcome(child), Outcome::kCancelled);
  EXPECT_EQ(host.cause(child), Cause::kParentCancelled);
  EXPECT_EQ(host.settlement(child).named, seq);
  expect_clean(host);
}

TEST_P(Limits, time_over_children_counts_as_run_time) {
  FakeHost host;
  const FiberId parent = submit(host, with_timeout(5 * kMillisecond), [](Self self) -> Job {
    Child child = self.submit(sleeps);
    co_return true;
  });
  host.pass(5 * kMillisecond);
  EXPECT_EQ(host.outcome(parent), Outcome::kTimedOut);
  expect_clean(host);
}

TEST_P(Limits, a_scope_may_have_a_timeout) {
  FakeHost host;
  FiberState state = FiberState::kFree;
  const FiberId id = submit(host, [&](Self self) -> Job {
    SubmitRequest request;
    request.kind = FiberKind::kScope;
    request.timeout = 5 * kMillisecond;
    request.queue_timeout = kMillisecond;  // means nothing for a scope: it starts at once
    Child scope = self.submit(sleeps, request);
    co_await self.wait(WaitMode::kEnded, scope);
    state = scope.state();
    co_return true;
  });
  host.pass(4 * kMillisecond);
  EXPECT_EQ(state, FiberState::kFree);
  host.pass(kMillisecond);
  EXPECT_EQ(state, FiberState::kError);
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
  expect_clean(host);
}

TEST_P(Limits, an_operations_own_timeout_ends_only_that) {
  FakeHost host;
  host.on_call = [](const Attempt&) { return Reply::silent(); };
  std::vector<OpCode> codes;
  const FiberId id = submit(host, [&](Self self) -> Job {
    Child child = self.submit(sleeps);
    codes.push_back(co_await self.join(child, 5 * kMillisecond));
    codes.push_back((co_await self.call(CallClass::kLlm, 5 * kMillisecond)).code);
    child.cancel();
    co_return true;
  });
  host.pass(10 * kMillisecond);
  EXPECT_EQ(codes, (std::vector<OpCode>{OpCode::kTimeout, OpCode::kTimeout}));
  EXPECT_EQ(host.aborts, 1u);
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
  expect_clean(host);
}

TEST_P(Limits, delays_of_any_length_are_one_timer) {
  FakeHost host;
  const FiberId id = submit(host, [](Self self) -> Job { co_return co_await self.delay(INT64_MAX) == OpCode::kOk; });
  host.run();
  EXPECT_EQ(host.kernel.stats().timers, 1u);
  host.pass(kMaxSpan - 1);
  EXPECT_FALSE(host.is_settled(id));
  host.pass(1);
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
}

}  // namespace
}  // namespace heddle::testing
