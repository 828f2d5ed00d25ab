// Same configuration, same events: the same commands, whatever the policies.
#include <gtest/gtest.h>

#include <cstring>

#include "support/programs.h"

namespace heddle::testing {
namespace {

struct Policies {
  FairnessMode fairness;
  DispatchPolicy dispatch;
};

class Determinism : public ::testing::TestWithParam<Policies> {
 protected:
  KernelConfig config(u64 seed) const {
    KernelConfig config;
    config.seed = seed;
    config.virtual_time = true;
    config.fairness = GetParam().fairness;
    config.dispatch = GetParam().dispatch;
    config.max_tasks = 10;
    config.max_calls = 4;
    config.quantum = 3;
    return config;
  }

  // 200 fibers: tasks with children, calls with retry, races, scopes; some are cancelled.
  static u64 run(const KernelConfig& config, BodyKind body, std::vector<Event>* record) {
    FakeHost host(config);
    host.checks = false;
    host.kernel.record_to(record);
    u32 calls = 0;
    host.on_call = [&calls](const Attempt& attempt) {
      Reply reply;
      reply.simulated = true;
      reply.latency = (++calls % 7) * kMillisecond;
      reply.ok = calls % 5 != 0;
      reply.retryable = true;
      reply.opens = attempt.stream;
      return reply;
    };
    host.on_read = [](const Attempt& chunk) {
      Reply reply = Reply::fine(kMillisecond);
      reply.simulated = true;
      reply.ends = chunk.number == 3;
      return reply;
    };
    for (u32 i = 0; i < 40; ++i) {
      SubmitRequest request;
      request.has_priority = true;
      request.priority = static_cast<i32>(i * 7 % 5);
      request.key = 1 + i % 3;
      if (i % 9 == 0) request.timeout = 5 * kMillisecond;
      host.submit(body, request, [i](Self self) -> Job {
        co_await self.tick(self.id());
        if (self.kernel().random() < 0.3) co_await self.yield();
        Child one = self.submit(asks);
        Child two = self.submit(i % 2 == 0 ? works : fails);
        Child three = self.submit(streams);
        Child four = self.submit(works);
        if (i % 11 == 0) two.cancel(i);
        const WaitMode mode = i % 3 == 0 ? WaitMode::kRace : WaitMode::kAny;
        if (i % 2 == 0) {
          co_await self.wait(mode, one, two, three);
        } else {
          co_await self.wait_and_cancel(mode, one, two, three);
        }
        co_return (co_await self.call()).code == OpCode::kOk;
      });
    }
    host.run();
    EXPECT_GE(host.settled.size(), 160u);
    expect_clean(host);
    return host.kernel.stats().command_hash;
  }
};

INSTANTIATE_TEST_SUITE_P(Policies, Determinism,
                         ::testing::Values(Policies{FairnessMode::kFifo, DispatchPolicy::kRoundRobin},
                                           Policies{FairnessMode::kFifo, DispatchPolicy::kFairRoundRobin},
                                           Policies{FairnessMode::kFifo, DispatchPolicy::kRandom},
                                           Policies{FairnessMode::kFifo, DispatchPolicy::kPriority},
                                           Policies{FairnessMode::kPriority, DispatchPolicy::kRoundRobin},
                                           Policies{FairnessMode::kPriority, DispatchPolicy::kPriority},
                                           Policies{FairnessMode::kRoundRobin, DispatchPolicy::kRandom}));

TEST_P(Determinism, a_hundred_runs_give_the_same_commands) {
  for (const BodyKind body : {BodyKind::kHost, BodyKind::kNative}) {
    const u64 hash = run(config(42), body, nullptr);
    for (int i = 0; i < 99; ++i) ASSERT_EQ(run(config(42), body, nullptr), hash);
  }
}

TEST_P(Determinism, another_seed_gives_others) {
  EXPECT_NE(run(config(1), BodyKind::kHost, nullptr), run(config(2), BodyKind::kHost, nullptr));
}

TEST_P(Determinism, recorded_events_give_the_same_commands_again) {
  std::vector<Event> record;
  const u64 hash = run(config(7), BodyKind::kHost, &record);
  for (const bool drains : {false, true}) {
    Kernel again(config(7));
    for (const Event& event : record) {
      again.apply(event);
      if (!drains || event.type != EventType::kStep) continue;
      while (!again.effects().empty()) again.effects().pop();
      while (!again.runs().empty()) again.runs().pop();
    }
    EXPECT_EQ(again.stats().command_hash, hash);
    EXPECT_EQ(again.stats().steps, again.stats().steps);
    EXPECT_EQ(again.broken_invariant(), "");
  }
}

TEST_P(Determinism, recording_changes_nothing) {
  std::vector<Event> record;
  const u64 hash = run(config(7), BodyKind::kHost, &record);
  EXPECT_EQ(run(config(7), BodyKind::kHost, nullptr), hash);
  // A recording of the replay is the recording.
  std::vector<Event> copy;
  Kernel again(config(7));
  again.record_to(&copy);
  for (const Event& event : record) again.apply(event);
  ASSERT_EQ(copy.size(), record.size());
  EXPECT_EQ(std::memcmp(copy.data(), record.data(), record.size() * sizeof(Event)), 0);
}

}  // namespace
}  // namespace heddle::testing
