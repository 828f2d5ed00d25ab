// The kernel's door: bad ids, bad numbers, counts, events as records.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/programs.h"

namespace heddle::testing {
namespace {

TEST(BadIds, every_operation_refuses_them_and_changes_nothing) {
  FakeHost host;
  Kernel& kernel = host.kernel;
  const FiberId pending = kernel.submit({});
  const u64 events = kernel.stats().events;
  for (const u32 id : {0U, pending, 99U, UINT32_MAX}) {
    EXPECT_EQ(kernel.yield(id), kRefused);
    EXPECT_EQ(kernel.delay(id, 1), kRefused);
    EXPECT_EQ(kernel.wait(id, WaitMode::kAll, nullptr, 0), kRefused);
    EXPECT_EQ(kernel.call(id, CallClass::kLlm, false), kRefused);
    EXPECT_EQ(kernel.read(id, 1), kRefused);
    EXPECT_EQ(kernel.tick(id, 1), kRefused);
    EXPECT_EQ(kernel.shield(id, 1), 0u);
    EXPECT_FALSE(kernel.abort_op(id));
    EXPECT_EQ(kernel.call_of(id), 0u);
    EXPECT_FALSE(kernel.is_stream(id));
    kernel.give_turn(id);
    kernel.ended(id, true);
    kernel.unshield(id);
    kernel.call_done(id, true);
    kernel.call_opened(id);
    kernel.call_closed(id);
    kernel.call_takes(id, 1, true, false, false, -1);
    kernel.read_done(id, true);
    kernel.read_takes(id, 1, true);
    if (id == pending) continue;
    EXPECT_FALSE(kernel.cancel(id));
    EXPECT_EQ(kernel.seq(id), 0u);
    EXPECT_EQ(kernel.state(id), FiberState::kFree);
    EXPECT_FALSE(kernel.is_cancelled(id));
    EXPECT_TRUE(kernel.explain(id).empty());
    kernel.outside_done(id);
    kernel.release(id);
    SubmitRequest request;
    request.parent = id;
    if (id != 0) {
      EXPECT_EQ(kernel.submit(request), 0u);
    }
    request.parent = pending;
    request.shield = id;
    if (id != 0) {
      EXPECT_EQ(kernel.submit(request), 0u);
    }
  }
  EXPECT_EQ(kernel.stats().events, events);
  EXPECT_EQ(kernel.broken_invariant(), "");
}

TEST(BadIds, an_outside_fiber_cannot_be_submitted_nor_ended) {
  FakeHost host;
  SubmitRequest request;
  request.kind = FiberKind::kOutside;
  EXPECT_EQ(host.kernel.submit(request), 0u);
  request.kind = static_cast<FiberKind>(9);
  EXPECT_EQ(host.kernel.submit(request), 0u);
  const FiberId outside = host.kernel.outside();
  host.kernel.ended(outside, true);
  EXPECT_NE(host.kernel.state(outside), FiberState::kFree);
  host.kernel.outside_done(outside);
  host.kernel.outside_done(outside);
  expect_clean(host);
}

TEST(BadIds, outside_done_ends_no_task) {
  FakeHost host;
  const FiberId id = host.kernel.submit({});
  host.kernel.outside_done(id);
  EXPECT_EQ(host.kernel.state(id), FiberState::kPending);
}

TEST(BadIds, a_host_cannot_end_a_native_body) {
  FakeHost host;
  const FiberId id = host.submit(BodyKind::kNative, {}, works);
  host.run();
  host.kernel.ended(id, true);
  EXPECT_EQ(host.kernel.state(id), FiberState::kRunning);
  host.pass(10 * kMillisecond);
  expect_clean(host);
}

TEST(BadNumbers, durations_and_priorities_of_any_size_are_taken_as_the_nearest) {
  FakeHost host;
  SubmitRequest request;
  request.has_priority = true;
  request.priority = INT32_MIN;
  request.key = UINT32_MAX;
  request.timeout = INT64_MAX;
  request.queue_timeout = INT64_MAX;
  request.deadline = INT64_MAX;
  request.grace = INT64_MAX;
  host.kernel.configure(ConfigKey::kFairness, 2);
  host.kernel.configure(ConfigKey::kAging, 1e300);
  const FiberId id = host.submit(request, [](Self self) -> Job {
    auto section = self.shield(INT64_MAX);
    co_await self.delay(INT64_MIN);
    co_await self.call(CallClass::kLlm, INT64_MAX);
    co_return true;
  });
  host.kernel.configure(ConfigKey::kFairness, 1);
  host.run();
  EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
  host.kernel.set_time(INT64_MAX);
  host.run();
  EXPECT_LE(host.kernel.now(), kLastTime);
  expect_clean(host);
}

TEST(BadNumbers, records_may_hold_any_double) {
  constexpr double kOdd[] = {-1,
                             0.1,
                             1e300,
                             -1e300,
                             std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()};
  Kernel kernel({});
  for (const double x : kOdd) {
    for (u32 option = 0; option < 10; ++option) kernel.apply({EventType::kOption, option, 0, 0, x, x});
    EXPECT_NE(kernel.apply({EventType::kSubmit, 0, 0, 0, x, x}), 0);
    for (u32 key = 0; key < 14; ++key) kernel.apply({EventType::kConfigure, key, 0, 0, x, x});
    kernel.apply({EventType::kTime, 0, 0, 0, x, x});
    kernel.apply({EventType::kAdvance, 0, 0, 0, x, x});
    kernel.apply({EventType::kStep, 10, 0, 0, x, x});
    for (u32 type = 0; type < 40; ++type) kernel.apply({static_cast<EventType>(type), 1, 1, 1, x, x});
    EXPECT_EQ(kernel.broken_invariant(), "");
  }
}

TEST(BadIds, who_is_interrupted_is_answered_for_any_id) {
  FakeHost host;
  const FiberId id = host.kernel.submit({});
  host.run();
  const ShieldId shield = host.kernel.shield(id, kMillisecond);
  EXPECT_FALSE(host.kernel.is_interrupted(id, 0));
  host.kernel.cancel(id);
  EXPECT_TRUE(host.kernel.is_interrupted(id, 0));
  EXPECT_FALSE(host.kernel.is_interrupted(id, shield));
  EXPECT_TRUE(host.kernel.is_interrupted(id, 4711));
  EXPECT_FALSE(host.kernel.is_interrupted(4711, shield));
  host.kernel.ended(id, false);
  host.run();
  expect_clean(host);
}

// --- Counts ---

TEST(StatsTest, states_add_up_at_every_step) {
  KernelConfig config = with_tasks(3);
  FakeHost host(config);
  play_world(host);
  host.step_limit = 1;
  u64 submitted = 0;
  for (int i = 0; i < 12; ++i) {
    host.submit(i % 3 == 0 ? fails : i % 3 == 1 ? asks : works);
    ++submitted;
  }
  host.kernel.cancel(5);
  for (int i = 0; i < 1000; ++i) {
    const bool more = host.turn();
    const Stats stats = host.kernel.stats();
    ASSERT_EQ(stats.pending + stats.running + stats.suspended + stats.completed + stats.cancelled + stats.errored,
              submitted);
    ASSERT_LE(stats.running, 3u);
    if (!more && !host.wait_for_next()) break;
  }
  EXPECT_EQ(host.kernel.stats().cancelled, 1u);
  EXPECT_EQ(host.kernel.stats().errored, 4u);
  EXPECT_EQ(host.kernel.stats().completed, 7u);
  expect_clean(host);
}

TEST(StatsTest, ages_are_those_of_what_waits_longest) {
  KernelConfig config = with_tasks(1);
  FakeHost host(config);
  EXPECT_EQ(host.kernel.stats().oldest_pending, 0);
  host.submit(works);
  host.submit(works);
  host.run();
  host.kernel.set_time(2 * kMillisecond);
  host.submit(works);
  EXPECT_EQ(host.kernel.stats().oldest_pending, 2 * kMillisecond);
  host.pass(100 * kMillisecond);
  EXPECT_EQ(host.kernel.stats().oldest_pending, 0);
}

TEST(StatsTest, an_event_counts_once_recorded_or_not) {
  for (const bool records : {false, true}) {
    std::vector<Event> record;
    Kernel kernel({});
    if (records) kernel.record_to(&record);
    SubmitRequest request;
    request.timeout = 5;
    request.grace = 7;
    kernel.submit(request);
    const FiberId outside = kernel.outside();
    const FiberId target = 1;
    kernel.wait(outside, WaitMode::kAll, &target, 1);
    EXPECT_EQ(kernel.stats().events, 3u);
    EXPECT_EQ(record.size(), records ? 6u : 0u);
  }
}

TEST(Clock, it_never_goes_back) {
  Kernel kernel({});
  kernel.set_time(10);
  kernel.set_time(5);
  EXPECT_EQ(kernel.now(), 10);
}

TEST(Clock, the_alarm_is_the_next_timer_and_is_told_once) {
  FakeHost host;
  std::vector<double> alarms;
  Kernel& kernel = host.kernel;
  const FiberId outside = kernel.outside();
  const auto step = [&] {
    kernel.step(10);
    while (!kernel.effects().empty()) {
      const Command command = kernel.effects().pop();
      if (command.type == CommandType::kAlarm) alarms.push_back(command.x());
    }
    while (!kernel.runs().empty()) kernel.runs().pop();
  };
  kernel.delay(outside, 50 * kMillisecond);
  step();
  kernel.delay(outside, 20 * kMillisecond);
  kernel.delay(outside, 30 * kMillisecond);
  step();
  step();
  kernel.set_time(25 * kMillisecond);
  step();
  kernel.set_time(60 * kMillisecond);
  step();
  EXPECT_EQ(alarms, (std::vector<double>{50, 20, 30, -1}));
}

TEST(RandomOfTheUser, a_seed_gives_one_sequence_and_draws_disturb_nothing) {
  Kernel a({}), b({});
  for (int i = 0; i < 100; ++i) {
    const double x = a.random();
    EXPECT_EQ(x, b.random());
    EXPECT_GE(x, 0.0);
    EXPECT_LT(x, 1.0);
  }
}

// --- Events as records ---

TEST(Events, times_survive_the_way_through_milliseconds) {
  // Microseconds become a double of milliseconds and microseconds again.
  std::vector<Event> record;
  Kernel kernel({});
  kernel.record_to(&record);
  std::vector<Time> times;
  for (Time time = 1; time < kMaxSpan; time = time * 3 + 1) times.push_back(time);
  times.push_back(kMaxSpan - 1);
  times.push_back(kMaxSpan);
  for (const Time time : times) kernel.set_time(time);
  Kernel again({});
  for (std::size_t i = 0; i < times.size(); ++i) {
    again.apply(record[i]);
    ASSERT_EQ(again.now(), times[i]);
  }
}

TEST(Events, steps_are_recorded_with_what_the_host_had_read) {
  std::vector<Event> record;
  Kernel kernel({});
  kernel.record_to(&record);
  kernel.submit({});
  kernel.step(1);
  kernel.step(1);
  while (!kernel.runs().empty()) kernel.runs().pop();
  kernel.step(1);
  ASSERT_EQ(record.size(), 4u);
  EXPECT_EQ(record[1].b, 0u);
  EXPECT_EQ(record[2].b, 1u);
  EXPECT_EQ(record[3].b, 0u);
}

TEST(Events, a_program_that_uses_everything_can_be_replayed) {
  for (u32 policy = 0; policy < 4; ++policy) {
    KernelConfig config;
    config.dispatch = static_cast<DispatchPolicy>(policy);
    config.max_tasks = 2;
    FakeHost host(config);
    play_world(host);
    std::vector<Event> record;
    host.kernel.record_to(&record);
    host.submit(does_everything);
    const FiberId second = host.submit(does_everything);
    host.pass(12 * kMillisecond);
    host.kernel.cancel(second, 1);
    host.pass(1000 * kMillisecond);
    Kernel again(config);
    for (const Event& event : record) again.apply(event);
    EXPECT_EQ(again.stats().command_hash, host.kernel.stats().command_hash);
    EXPECT_EQ(again.stats().steps, host.kernel.stats().steps);
    EXPECT_EQ(again.stats().events, host.kernel.stats().events);
  }
}

}  // namespace
}  // namespace heddle::testing
