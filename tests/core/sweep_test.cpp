// One program that uses everything, disturbed at each of its steps in turn. When the dust has settled, nothing may be
// left: no connection, slot, timer, operation or record; and nobody may have become a zombie, for every body cleans up
// in time.
#include <gtest/gtest.h>

#include <functional>

#include "support/both_bodies.h"
#include "support/programs.h"

namespace heddle::testing {
namespace {

struct Setting {
  BodyKind body;
  FairnessMode fairness;
  DispatchPolicy dispatch;
  u32 max_tasks;
};

std::string setting_name(const ::testing::TestParamInfo<Setting>& info) {
  static constexpr const char* kFairness[] = {"fifo", "priority", "roundrobin"};
  static constexpr const char* kDispatch[] = {"rr", "fair", "random", "prio"};
  const Setting& setting = info.param;
  return std::string(setting.body == BodyKind::kNative ? "native" : "host") + "_" +
         kFairness[static_cast<u32>(setting.fairness)] + "_" + kDispatch[static_cast<u32>(setting.dispatch)] + "_" +
         std::to_string(setting.max_tasks);
}

class Sweep : public ::testing::TestWithParam<Setting> {
 protected:
  KernelConfig config() const {
    KernelConfig config;
    config.fairness = GetParam().fairness;
    config.dispatch = GetParam().dispatch;
    config.max_tasks = GetParam().max_tasks;
    config.max_calls = 2;
    config.quantum = 5;
    config.grace = 100 * kMillisecond;
    config.retry.base_delay = 2 * kMillisecond;
    return config;
  }

  // Runs the program step by step, and disturbs it after the n-th. Gives false once it ends before that.
  bool disturbed_after(u32 n, const SubmitRequest& request, const std::function<void(FakeHost&, FiberId)>& disturb) {
    FakeHost host(config());
    play_world(host);
    host.step_limit = 1;
    const FiberId id = host.submit(GetParam().body, request, does_everything);
    u32 steps = 0;
    bool came = n == 0;
    if (came) disturb(host, id);
    for (;;) {
      const bool more = host.turn();
      if (++steps == n) {
        came = true;
        disturb(host, id);
        host.effects();
      } else if (!more && !host.wait_for_next()) {
        if (steps >= n) break;
        break;
      }
      check(host);
      if (steps > 100'000) {
        ADD_FAILURE() << "does not end";
        break;
      }
    }
    host.pass(1000 * kMillisecond);
    expect_clean(host);
    EXPECT_TRUE(host.is_settled(id));
    EXPECT_TRUE(host.became_zombie.empty());
    EXPECT_EQ(host.settled.size(), host.ended.size());
    return came;
  }

  void check(FakeHost& host) {
    const Stats stats = host.kernel.stats();
    EXPECT_LE(stats.slots, GetParam().max_tasks);
    EXPECT_LE(stats.running, GetParam().max_tasks);
    EXPECT_LE(stats.calls_in_flight, 2u);
  }

  void sweep(const SubmitRequest& request, const std::function<void(FakeHost&, FiberId)>& disturb) {
    u32 n = 0;
    while (!HasFailure() && disturbed_after(n, request, disturb)) ++n;
    EXPECT_GT(n, 50u);
    if (HasFailure()) ADD_FAILURE() << "disturbed after step " << n;
  }
};

INSTANTIATE_TEST_SUITE_P(
    Settings, Sweep,
    ::testing::Values(Setting{BodyKind::kHost, FairnessMode::kFifo, DispatchPolicy::kRoundRobin, 1},
                      Setting{BodyKind::kHost, FairnessMode::kPriority, DispatchPolicy::kPriority, 2},
                      Setting{BodyKind::kHost, FairnessMode::kRoundRobin, DispatchPolicy::kRandom, 64},
                      Setting{BodyKind::kNative, FairnessMode::kFifo, DispatchPolicy::kFairRoundRobin, 1},
                      Setting{BodyKind::kNative, FairnessMode::kPriority, DispatchPolicy::kRandom, 64},
                      Setting{BodyKind::kNative, FairnessMode::kRoundRobin, DispatchPolicy::kPriority, 3}),
    setting_name);

TEST_P(Sweep, the_program_completes_when_left_alone) {
  FakeHost host(config());
  play_world(host);
  const FiberId id = host.submit(GetParam().body, {}, does_everything);
  host.pass(1000 * kMillisecond);
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
  expect_clean(host);
}

TEST_P(Sweep, a_cancel_at_each_step_leaves_nothing) {
  sweep({}, [](FakeHost& host, FiberId id) { host.kernel.cancel(id, 1); });
}

TEST_P(Sweep, a_cancel_of_all_at_each_step_leaves_nothing) {
  sweep({}, [](FakeHost& host, FiberId) { host.kernel.cancel_all(1, Cause::kClosed); });
}

TEST_P(Sweep, a_cancel_of_each_other_fiber_at_each_step_leaves_nothing) {
  for (FiberId victim = 2; victim < 8; ++victim) {
    sweep({}, [victim](FakeHost& host, FiberId) { host.kernel.cancel(victim, 1); });
  }
}

TEST_P(Sweep, aborting_every_operation_at_each_step_leaves_nothing) {
  sweep({}, [](FakeHost& host, FiberId) {
    for (OpId op = 1; op < 60; ++op) host.kernel.abort_op(op);
  });
}

TEST_P(Sweep, lower_limits_at_each_step_lose_nobody) {
  sweep({}, [](FakeHost& host, FiberId) {
    host.kernel.configure(ConfigKey::kMaxTasks, 1);
    host.kernel.configure(ConfigKey::kMaxCalls, 1);
    host.kernel.configure(ConfigKey::kFairness, 1);
  });
}

TEST_P(Sweep, a_cancel_before_each_command_leaves_nothing) {
  for (u64 n = 1; n < 1000; ++n) {
    FakeHost host(config());
    play_world(host);
    FiberId id = 0;
    host.on_run = [&](const Command&) {
      if (host.runs_count + 1 == n) host.kernel.cancel(id, 1);
    };
    id = host.submit(GetParam().body, {}, does_everything);
    host.pass(1000 * kMillisecond);
    expect_clean(host);
    EXPECT_TRUE(host.became_zombie.empty());
    ASSERT_FALSE(HasFailure()) << "cancelled before command " << n;
    if (host.outcome(id) == Outcome::kCompleted) break;
  }
}

TEST_P(Sweep, a_timeout_at_each_moment_leaves_nothing) {
  for (const bool is_deadline : {false, true}) {
    for (Time limit = kMillisecond / 4; limit < 500 * kMillisecond; limit += kMillisecond / 4) {
      FakeHost host(config());
      play_world(host);
      SubmitRequest request;
      (is_deadline ? request.deadline : request.timeout) = limit;
      const FiberId id = host.submit(GetParam().body, request, does_everything);
      host.pass(1000 * kMillisecond);
      expect_clean(host);
      EXPECT_TRUE(host.became_zombie.empty());
      ASSERT_FALSE(HasFailure()) << "limit " << limit;
      if (host.outcome(id) == Outcome::kCompleted) break;
      EXPECT_EQ(host.outcome(id), Outcome::kTimedOut);
      EXPECT_EQ(host.cause(id), is_deadline ? Cause::kDeadline : Cause::kTimeout);
    }
  }
}

}  // namespace
}  // namespace heddle::testing
