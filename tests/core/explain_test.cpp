// "Why does this fiber not run now?" Each answer, with who is in the way.
#include <gtest/gtest.h>

#include "support/fake_host.h"

namespace heddle::testing {
namespace {

Job sleeps(Self self) { co_return co_await self.delay(10 * kMillisecond) == OpCode::kOk; }

WaitFact only_fact(FakeHost& host, FiberId id) {
  const std::vector<WaitFact> facts = host.kernel.explain(id);
  EXPECT_EQ(facts.size(), 1u);
  return facts.empty() ? WaitFact{} : facts[0];
}

TEST(Explain, a_pending_task_waits_for_a_slot) {
  FakeHost host(with_tasks(1));
  const FiberId holder = host.submit(sleeps);
  host.submit(sleeps);
  host.pass(kMillisecond);
  const FiberId id = host.submit(sleeps);
  const WaitFact fact = only_fact(host, id);
  EXPECT_EQ(fact.reason, WaitReason::kSlot);
  EXPECT_EQ(fact.limit, 1u);
  EXPECT_EQ(fact.ahead, 1u);
  EXPECT_EQ(fact.since, kMillisecond);
  EXPECT_EQ(fact.fibers, std::vector<FiberId>{holder});
}

TEST(Explain, one_that_could_start_waits_for_its_turn) {
  FakeHost host;
  EXPECT_EQ(only_fact(host, host.submit(sleeps)).reason, WaitReason::kTurn);
}

TEST(Explain, a_delay_says_until_when) {
  FakeHost host;
  const FiberId id = host.submit(sleeps);
  host.run();
  const WaitFact fact = only_fact(host, id);
  EXPECT_EQ(fact.reason, WaitReason::kDelay);
  EXPECT_EQ(fact.until, 10 * kMillisecond);
}

TEST(Explain, a_wait_names_the_fibers_that_are_not_over) {
  FakeHost host;
  const FiberId a = host.submit(sleeps), b = host.submit(sleeps);
  const FiberId id =
      host.submit([&](Self self) -> Job { co_return (co_await self.wait(WaitMode::kAll, a, b)).code == OpCode::kOk; });
  host.run();
  const WaitFact fact = only_fact(host, id);
  EXPECT_EQ(fact.reason, WaitReason::kFibers);
  EXPECT_EQ(fact.fibers, (std::vector<FiberId>{a, b}));
}

TEST(Explain, at_most_twenty_are_named) {
  FakeHost host(roomy());
  std::vector<FiberId> many;
  for (int i = 0; i < 50; ++i) many.push_back(host.submit(sleeps));
  const FiberId id = host.submit(
      [&](Self self) -> Job { co_return (co_await self.wait_for(WaitMode::kAll, many)).code == OpCode::kOk; });
  host.run();
  EXPECT_EQ(only_fact(host, id).fibers.size(), kMaxNamed);
}

TEST(Explain, a_call_waits_for_a_place_is_in_flight_or_backs_off) {
  KernelConfig config;
  config.max_calls = 1;
  FakeHost host(config);
  host.on_call = [](const Attempt& attempt) {
    Reply reply = Reply::busy(100 * kMillisecond);
    reply.latency = attempt.number * kMillisecond;
    return reply;
  };
  const auto asks = [](Self self) -> Job { co_return (co_await self.call()).code == OpCode::kOk; };
  const FiberId first = host.submit(asks), second = host.submit(asks);
  host.run();
  EXPECT_EQ(only_fact(host, first).reason, WaitReason::kCall);
  const WaitFact place = only_fact(host, second);
  EXPECT_EQ(place.reason, WaitReason::kCallPlace);
  EXPECT_EQ(place.limit, 1u);
  EXPECT_EQ(place.ahead, 0u);
  EXPECT_EQ(place.fibers, std::vector<FiberId>{first});
  host.pass(kMillisecond);
  const WaitFact backoff = only_fact(host, first);
  EXPECT_EQ(backoff.reason, WaitReason::kBackoff);
  EXPECT_EQ(backoff.until, 101 * kMillisecond);
  EXPECT_EQ(only_fact(host, second).reason, WaitReason::kCall);
  host.kernel.cancel_all();
  host.run();
}

TEST(Explain, a_read_waits_for_a_chunk) {
  FakeHost host;
  host.on_call = [](const Attempt&) { return Reply::opened(); };
  host.on_read = [](const Attempt&) { return Reply::silent(); };
  const FiberId id = host.submit([](Self self) -> Job {
    const Opened opened = co_await self.open();
    co_return co_await self.read(opened.stream, 5 * kMillisecond) == OpCode::kOk;
  });
  host.run();
  const WaitFact fact = only_fact(host, id);
  EXPECT_EQ(fact.reason, WaitReason::kChunk);
  EXPECT_EQ(fact.until, 5 * kMillisecond);
}

TEST(Explain, a_body_that_is_over_waits_for_its_children) {
  FakeHost host;
  FiberId child = 0;
  const FiberId id = host.submit([&](Self self) -> Job {
    Child own = self.submit(sleeps);
    child = own.id();
    co_return true;
  });
  host.run();
  const WaitFact fact = only_fact(host, id);
  EXPECT_EQ(fact.reason, WaitReason::kChildren);
  EXPECT_EQ(fact.fibers, std::vector<FiberId>{child});
}

TEST(Explain, a_body_with_control_is_the_hosts_business) {
  FakeHost host;
  const FiberId id = host.kernel.submit({});
  host.run();
  host.run();  // its turn is over when the kernel is stepped again
  EXPECT_EQ(only_fact(host, id).reason, WaitReason::kHost);
  EXPECT_EQ(host.kernel.foreign(), 1u);
  host.kernel.cancel(id);
  EXPECT_EQ(host.kernel.explain(id)[0].reason, WaitReason::kUnwinding);
  host.kernel.ended(id, true);
}

TEST(Explain, one_that_is_over_waits_for_nothing) {
  FakeHost host;
  SubmitRequest kept;
  kept.kept = true;
  const FiberId id = host.submit(kept, [](Self) -> Job { co_return true; });
  host.run();
  EXPECT_EQ(only_fact(host, id).reason, WaitReason::kSettled);
  EXPECT_TRUE(host.kernel.explain(777).empty());
}

// --- Foreign waits ---

TEST(Foreign, a_body_that_waits_for_an_operation_is_not) {
  FakeHost host;
  const FiberId id = host.kernel.submit({});
  host.kernel.step(10);
  host.carry_out();
  host.kernel.delay(id, kMillisecond);
  host.run();
  EXPECT_EQ(host.kernel.foreign(), 0u);
  host.kernel.ended(id, true);
}

TEST(Foreign, nor_is_one_that_got_one_of_two_results) {
  FakeHost host;
  const FiberId id = host.kernel.submit({});
  host.run();
  host.kernel.delay(id, kMillisecond);
  host.kernel.delay(id, 5 * kMillisecond);
  host.pass(2 * kMillisecond);
  EXPECT_EQ(host.kernel.foreign(), 0u);
  host.pass(5 * kMillisecond);
  EXPECT_EQ(host.kernel.foreign(), 1u);
  host.kernel.ended(id, true);
}

TEST(Foreign, a_body_whose_resume_the_host_has_not_read_is_not_taken_to_wait) {
  FakeHost host(with_tasks(1));
  const FiberId id = host.kernel.submit({});
  host.run();
  SubmitRequest request;
  request.parent = id;
  const FiberId child = host.kernel.submit(request);
  ASSERT_GT(host.kernel.wait(id, WaitMode::kAll, &child, 1), 0);
  ASSERT_GT(host.kernel.delay(id, kMillisecond), 0);
  host.kernel.set_time(kMillisecond);
  host.kernel.step(10);  // the delay is over; its kResume stands in the ring
  host.kernel.step(10);
  EXPECT_EQ(host.kernel.state(id), FiberState::kRunning);
  host.carry_out();
  host.kernel.step(10);  // the body ran, and waits for its child only
  EXPECT_EQ(host.kernel.state(id), FiberState::kSuspended);
  host.carry_out();
  host.kernel.ended(child, true);
  host.kernel.ended(id, true);
  host.run();
  expect_clean(host);
}

}  // namespace
}  // namespace heddle::testing
