// Virtual time: it jumps to the next timer when nothing can run, and stands still while something real is in flight.
#include <gtest/gtest.h>

#include "support/both_bodies.h"

namespace heddle::testing {
namespace {

class VirtualTime : public BothBodies {
 protected:
  static KernelConfig config() {
    KernelConfig config;
    config.virtual_time = true;
    return config;
  }
};
INSTANTIATE_TEST_SUITE_P(Bodies, VirtualTime, kBothBodies, body_name);

TEST_P(VirtualTime, a_year_passes_at_once) {
  FakeHost host(config());
  constexpr Time kDay = Time{24} * 3600 * 1000 * kMillisecond;
  std::vector<Time> at;
  submit(host, [&](Self self) -> Job {
    for (int day = 0; day < 365; ++day) {
      co_await self.delay(kDay);
      at.push_back(self.now());
    }
    co_return true;
  });
  host.run();
  ASSERT_EQ(at.size(), 365u);
  for (Time day = 0; day < 365; ++day) EXPECT_EQ(at[static_cast<std::size_t>(day)], (day + 1) * kDay);
  expect_clean(host);
}

TEST_P(VirtualTime, the_hosts_clock_is_ignored) {
  FakeHost host(config());
  host.kernel.set_time(1'000'000);
  EXPECT_EQ(host.kernel.now(), 0);
}

TEST_P(VirtualTime, it_passes_only_when_nothing_can_run) {
  FakeHost host(config());
  std::vector<int> order;
  submit(host, [&](Self self) -> Job {
    co_await self.delay(1);
    order.push_back(1);
    co_return true;
  });
  submit(host, [&](Self self) -> Job {
    for (int i = 0; i < 100; ++i) co_await self.yield();
    EXPECT_EQ(self.now(), 0);
    order.push_back(0);
    co_return true;
  });
  host.run();
  EXPECT_EQ(order, (std::vector<int>{0, 1}));
}

TEST_P(VirtualTime, it_stands_still_while_a_real_call_is_in_flight) {
  FakeHost host(config());
  host.on_call = [](const Attempt&) { return Reply::fine(5 * kMillisecond); };  // of the world's time
  Time answered = -1;
  submit(host, [&](Self self) -> Job {
    co_await self.call();
    answered = self.now();
    co_return true;
  });
  submit(host, [](Self self) -> Job { co_return co_await self.delay(kMillisecond) == OpCode::kOk; });
  host.run();
  EXPECT_EQ(answered, 0);
  EXPECT_EQ(host.kernel.now(), kMillisecond);
  expect_clean(host);
}

TEST_P(VirtualTime, simulated_latency_backoff_and_timeouts_pass) {
  FakeHost host(config());
  host.on_call = [](const Attempt& attempt) {
    Reply reply = attempt.number < 3 ? Reply::busy(1000 * kMillisecond) : Reply::fine();
    reply.simulated = true;
    reply.latency = 100 * kMillisecond;
    return reply;
  };
  Time answered = -1;
  submit(host, [&](Self self) -> Job {
    co_await self.call();
    answered = self.now();
    co_return true;
  });
  SubmitRequest request;
  request.timeout = 50 * kMillisecond;
  const FiberId late =
      submit(host, request, [](Self self) -> Job { co_return co_await self.delay(kMaxSpan) == OpCode::kOk; });
  host.run();
  EXPECT_EQ(answered, 2300 * kMillisecond);
  EXPECT_EQ(host.cause(late), Cause::kTimeout);
  expect_clean(host);
}

TEST_P(VirtualTime, advance_lets_it_pass_although_a_call_is_in_flight) {
  FakeHost host(config());
  host.on_call = [](const Attempt&) { return Reply::silent(); };
  std::vector<Time> ticks;
  const FiberId asks = submit(host, [](Self self) -> Job { co_return (co_await self.call()).code == OpCode::kOk; });
  submit(host, [&](Self self) -> Job {
    for (;;) {
      if (co_await self.delay(10 * kMillisecond) != OpCode::kOk) co_return false;
      ticks.push_back(self.now());
    }
  });
  host.run();
  EXPECT_TRUE(ticks.empty());
  host.kernel.advance(35 * kMillisecond);
  host.run();
  EXPECT_EQ(ticks, (std::vector<Time>{10 * kMillisecond, 20 * kMillisecond, 30 * kMillisecond}));
  EXPECT_EQ(host.kernel.now(), 35 * kMillisecond);
  host.kernel.cancel_all();
  host.run();
  EXPECT_EQ(host.outcome(asks), Outcome::kCancelled);
  expect_clean(host);
}

TEST_P(VirtualTime, advance_does_nothing_on_a_real_clock) {
  FakeHost host;
  host.kernel.advance(1000 * kMillisecond);
  host.run();
  EXPECT_EQ(host.kernel.now(), 0);
}

TEST_P(VirtualTime, an_idle_runtime_asks_for_nothing) {
  FakeHost host(config());
  submit(host, [](Self self) -> Job { co_return co_await self.delay(kMillisecond) == OpCode::kOk; });
  host.run();
  const u64 hash = host.kernel.stats().command_hash;
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(host.turn());
  EXPECT_EQ(host.kernel.stats().command_hash, hash);
}

TEST_P(VirtualTime, it_never_overflows) {
  FakeHost host(config());
  host.checks = false;
  bool is_over = false;
  submit(host, [&](Self self) -> Job {
    for (int i = 0; i < 10'000; ++i) co_await self.delay(kMaxSpan);
    is_over = true;
    co_return true;
  });
  host.run();
  EXPECT_TRUE(is_over);
  EXPECT_EQ(host.kernel.now(), kLastTime);
}

}  // namespace
}  // namespace heddle::testing
