// Gates while things change: limits, time, priorities, and limits that find themselves; and what is said about a wait.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/call_host.h"

namespace heddle::testing {
namespace {

constexpr Time kMinute = 60'000 * kMillisecond;
constexpr Time kFull = kMinute + kMillisecond;  // until a request has left the window

// --- Changes while calls wait ---

TEST(Reconfiguration, more_room_admits_at_once) {
  struct Case {
    std::vector<std::pair<GateKey, double>> before;
    GateKey key;
    double value;
  };
  const std::vector<Case> cases = {
      {{{GateKey::kMaxInside, 1}}, GateKey::kMaxInside, 2},
      {{{GateKey::kMaxInside, 1}}, GateKey::kMaxInside, 0},
      {{{GateKey::kRequests, 1}}, GateKey::kRequests, 2},
      {{{GateKey::kRequests, 1}}, GateKey::kRequests, 0},
      {{{GateKey::kTokens, 10}}, GateKey::kTokens, 20},
      {{{GateKey::kTokens, 10}}, GateKey::kTokens, 0},
      {{{GateKey::kAdaptiveInitial, 1}, {GateKey::kAdaptiveMax, 1}}, GateKey::kAdaptiveMax, 0},
      {{{GateKey::kAdaptiveInitial, 1}, {GateKey::kAdaptiveMax, 9}}, GateKey::kAdaptiveMin, 2},
  };
  for (const Case& change : cases) {
    CallHost host;
    host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
    const GateId gate = host.gate(change.before);
    host.ask({{gate}, 10});
    host.ask({{gate}, 10});
    host.run();
    EXPECT_EQ(host.attempts, 1u);
    host.kernel.set_gate(gate, change.key, change.value);
    host.run();
    EXPECT_EQ(host.attempts, 2u) << static_cast<u32>(change.key) << " to " << change.value;
    host.pass(kMillisecond);
    host.finish();
  }
}

TEST(Reconfiguration, a_shorter_window_admits_when_it_is_over) {
  CallHost host;
  host.on_call = [](const Attempt&) { return Reply::fine(); };
  const GateId gate = host.gate({{GateKey::kRequests, 1}});
  host.ask({{gate}});
  host.ask({{gate}});
  host.pass(500 * kMillisecond);
  host.kernel.set_gate(gate, GateKey::kWindow, 1000);
  host.pass(500 * kMillisecond);
  EXPECT_EQ(host.over(), 1u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.over(), 2u);
  host.finish();
}

TEST(Reconfiguration, less_room_lets_what_runs_end) {
  CallHost host;
  host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
  const GateId gate = host.gate({{GateKey::kMaxInside, 3}});
  for (u32 i = 0; i < 6; ++i) host.ask({{gate}});
  host.run();
  host.kernel.set_gate(gate, GateKey::kMaxInside, 1);
  host.run();
  EXPECT_EQ(host.open_calls(), 3u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.open_calls(), 1u);
  host.pass(3 * kMillisecond);
  EXPECT_EQ(host.over(), 6u);
  host.finish();
}

TEST(Reconfiguration, a_lower_rate_holds_for_those_that_had_passed_it_and_wait_for_a_place) {
  KernelConfig config = roomy();
  config.max_calls = 1;
  CallHost host(config);
  host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
  const GateId gate = host.gate({{GateKey::kRequests, 10}});
  std::vector<u32> calls;
  for (u32 i = 0; i < 6; ++i) calls.push_back(host.ask({{gate}}));
  host.run();
  EXPECT_EQ(host.gate_stats(gate).inside, 6u);
  host.kernel.set_gate(gate, GateKey::kRequests, 2);
  host.pass(100 * kMillisecond);
  EXPECT_EQ(host.over(), 2u);
  EXPECT_EQ(host.gate_stats(gate).requests, 2u);
  EXPECT_EQ(host.gate_stats(gate).waiting, 4u);
  // In the order in which they came.
  host.pass(kFull);
  EXPECT_TRUE(host.is_over(calls[2]) && host.is_over(calls[3]));
  EXPECT_FALSE(host.is_over(calls[4]) || host.is_over(calls[5]));
  host.pass(kFull);
  host.finish();
}

TEST(Reconfiguration, a_new_rate_counts_what_is_sent_from_then_on) {
  // Calls that had passed the gate when it got its rate, and waited for a place.
  KernelConfig config = roomy();
  config.max_calls = 0;
  CallHost host(config);
  host.on_call = [](const Attempt&) { return Reply::fine(); };
  const GateId gate = host.gate({{GateKey::kMaxInside, 100}});
  for (u32 i = 0; i < 3; ++i) host.ask({{gate}, 10});
  host.run();
  host.kernel.set_gate(gate, GateKey::kRequests, 4);
  host.kernel.set_gate(gate, GateKey::kTokens, 100);
  host.kernel.configure(ConfigKey::kMaxCalls, 10);
  host.run();
  EXPECT_EQ(host.gate_stats(gate).requests, 3u);
  EXPECT_EQ(host.gate_stats(gate).tokens, 30);
  for (u32 i = 0; i < 3; ++i) host.ask({{gate}, 10});
  host.run();
  EXPECT_EQ(host.over(), 4u);
  host.pass(kFull);
  EXPECT_EQ(host.over(), 6u);
  host.finish();
}

TEST(Reconfiguration, another_order_looks_at_who_stands_first_now) {
  CallHost host;
  host.on_call = [](const Attempt&) { return Reply::fine(); };
  const GateId gate = host.gate({{GateKey::kTokens, 100}});
  SubmitRequest high;
  high.has_priority = true;
  high.priority = 9;
  host.ask({{gate}, 50});
  host.ask({{gate}, 90});
  const u32 small = host.ask(host.body(high), {{gate}, 10});
  host.run();
  EXPECT_EQ(host.over(), 1u);
  host.kernel.configure(ConfigKey::kFairness, static_cast<double>(FairnessMode::kPriority));
  host.run();
  EXPECT_TRUE(host.is_over(small));
  host.pass(kFull);
  host.finish();
}

TEST(Reconfiguration, what_a_server_says_holds_calls_back_until_its_reset) {
  CallHost host;
  host.on_call = [](const Attempt&) { return Reply::fine(); };
  const GateId gate = host.gate({{GateKey::kRequests, 10}});
  host.ask({{gate}});
  host.run();
  host.kernel.report_rate(gate, false, 0, 5000 * kMillisecond);
  host.ask({{gate}});
  host.pass(4999 * kMillisecond);
  EXPECT_EQ(host.over(), 1u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.over(), 2u);
  host.kernel.report_rate(gate, true, 0, -1);  // it has no limit of tokens
  host.kernel.report_rate(0, false, 0, -1);
  host.kernel.report_rate(9, false, 0, -1);
  host.ask({{gate}, 10});
  host.run();
  EXPECT_EQ(host.over(), 3u);
  host.finish();
}

// --- Time ---

TEST(GateTimers, stand_only_where_somebody_waits_for_a_window) {
  CallHost host;
  host.on_call = [](const Attempt&) { return Reply::fine(); };
  const GateId rate = host.gate({{GateKey::kRequests, 1}});
  const GateId full = host.gate({{GateKey::kRequests, 9}, {GateKey::kMaxInside, 1}});
  host.ask({{rate}});
  host.run();
  EXPECT_EQ(host.kernel.stats().timers, 0u);
  const u32 waits = host.ask({{rate}});
  host.run();
  EXPECT_EQ(host.kernel.stats().timers, 1u);
  host.kernel.abort_op(host.op(waits));
  host.run();
  EXPECT_EQ(host.kernel.stats().timers, 0u);
  // Who waits for a place is told when one is free.
  host.on_call = [](const Attempt&) { return Reply::silent(); };
  host.ask({{full}});
  host.ask({{full}});
  host.run();
  EXPECT_EQ(host.kernel.stats().timers, 0u);
  host.kernel.abort_op(host.op(3));
  host.kernel.abort_op(host.op(2));
  host.finish();
}

TEST(GateTimers, virtual_time_passes_for_those_who_wait_and_for_nobody_else) {
  KernelConfig config = roomy();
  config.virtual_time = true;
  CallHost host(config);
  host.on_call = [](const Attempt&) { return Reply{.simulated = true, .latency = kMillisecond}; };
  const GateId gate = host.gate({{GateKey::kRequests, 2}});
  std::vector<FiberId> bodies;
  for (u32 i = 0; i < 4; ++i) bodies.push_back(host.body());
  for (const FiberId body : bodies) host.ask(body, {{gate}});
  host.run();
  EXPECT_EQ(host.over(), 4u);
  EXPECT_EQ(host.now(), kFull + kMillisecond);
  host.run();
  EXPECT_EQ(host.now(), kFull + kMillisecond);
  host.finish();
}

TEST(GateTimers, a_request_that_did_not_travel_makes_others_wait_no_longer) {
  KernelConfig config = roomy();
  config.virtual_time = true;
  CallHost host(config);
  const GateId gate = host.gate({{GateKey::kRequests, 1}, {GateKey::kTransit, 5000}});
  const FiberId first = host.body();
  const FiberId second = host.body();
  host.ask(first, {{gate}});
  host.ask(second, {{gate}});
  std::vector<Time> begun;
  host.on_call = [&](const Attempt&) {
    begun.push_back(host.now());
    return Reply{.simulated = true, .latency = 3 * kMinute};
  };
  host.run();
  EXPECT_EQ(begun, (std::vector<Time>{0, kFull}));
  host.finish();
}

// --- Why a call waits ---

TEST(GateFacts, a_call_that_waits_for_a_rate_knows_until_when) {
  CallHost host;
  host.on_call = [](const Attempt&) { return Reply::fine(); };
  const GateId gate = host.gate({{GateKey::kTokens, 100}});
  host.ask({{gate}, 60});
  host.pass(1000 * kMillisecond);
  const FiberId fiber = host.fiber_of(host.ask({{gate}, 50}));
  const FiberId behind = host.fiber_of(host.ask({{gate}, 10}));
  host.run();
  const auto facts = host.kernel.explain(fiber);
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].reason, WaitReason::kRate);
  EXPECT_EQ(facts[0].gate, gate);
  EXPECT_EQ(facts[0].until, kFull);
  EXPECT_EQ(facts[0].since, 1000 * kMillisecond);
  EXPECT_EQ(facts[0].ahead, 0u);
  EXPECT_EQ(host.kernel.explain(behind)[0].ahead, 1u);
  host.pass(kFull);
  host.finish();
}

TEST(GateFacts, a_call_that_waits_for_a_place_knows_who_holds_it) {
  KernelConfig config = roomy();
  config.max_calls = 1;
  CallHost host(config);
  host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
  const GateId gate = host.gate({{GateKey::kMaxInside, 2}});
  const GateId other = host.gate({{GateKey::kMaxInside, 9}});
  host.ask({{gate}});            // in flight
  host.ask({{other, 0, gate}});  // inside, and waits for a place in flight
  host.ask({{other}});           // not inside
  const u32 waits = host.ask({{gate}});
  host.run();
  const auto facts = host.kernel.explain(host.fiber_of(waits));
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].reason, WaitReason::kGatePlace);
  EXPECT_EQ(facts[0].gate, gate);
  EXPECT_EQ(facts[0].limit, 2u);
  EXPECT_EQ(facts[0].fibers, (std::vector<FiberId>{host.fiber_of(0), host.fiber_of(1)}));
  EXPECT_EQ(host.kernel.explain(host.fiber_of(1))[0].reason, WaitReason::kCallPlace);
  EXPECT_EQ(host.kernel.explain(host.fiber_of(1))[0].fibers, std::vector<FiberId>{host.fiber_of(0)});
  host.pass(10 * kMillisecond);
  host.finish();
}

// --- Priorities ---

TEST(GatePriority, one_that_waits_for_a_task_lends_its_priority_to_the_tasks_calls) {
  KernelConfig config = roomy();
  config.fairness = FairnessMode::kPriority;
  CallHost host(config);
  host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
  const GateId gate = host.gate({{GateKey::kMaxInside, 1}});
  SubmitRequest high;
  high.has_priority = true;
  high.priority = 9;
  SubmitRequest middle = high;
  middle.priority = 5;
  host.ask({{gate}});
  const u32 middling = host.ask(host.body(middle), {{gate}});
  const u32 low = host.ask({{gate}});
  host.run();
  const FiberId fiber = host.fiber_of(low);
  ASSERT_GT(host.kernel.wait(host.body(high), WaitMode::kAll, &fiber, 1), 0);
  host.pass(2 * kMillisecond);
  EXPECT_TRUE(host.is_over(low));
  EXPECT_FALSE(host.is_over(middling));
  host.pass(kMillisecond);
  host.finish();
}

TEST(GatePriority, and_one_that_fits_and_is_first_by_it_passes_at_once) {
  KernelConfig config = roomy();
  config.fairness = FairnessMode::kPriority;
  CallHost host(config);
  host.on_call = [](const Attempt&) { return Reply::fine(); };
  const GateId gate = host.gate({{GateKey::kTokens, 100}});
  SubmitRequest high;
  high.has_priority = true;
  high.priority = 9;
  host.ask({{gate}, 50});
  host.ask({{gate}, 90});
  const u32 small = host.ask({{gate}, 10});
  host.run();
  EXPECT_FALSE(host.is_over(small));
  const FiberId fiber = host.fiber_of(small);
  ASSERT_GT(host.kernel.wait(host.body(high), WaitMode::kAll, &fiber, 1), 0);
  host.run();
  EXPECT_TRUE(host.is_over(small));
  host.pass(kFull);
  host.finish();
}

// --- Concurrency that finds itself ---

TEST(AdaptiveGate, grows_with_successes_and_halves_when_the_server_is_overloaded) {
  CallHost host;
  const GateId gate = host.gate({{GateKey::kAdaptiveInitial, 4}, {GateKey::kAdaptiveMax, 100}});
  host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
  for (u32 i = 0; i < 12; ++i) host.ask({{gate}});
  host.run();
  EXPECT_EQ(host.open_calls(), 4u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.gate_stats(gate).limit, 8u);
  EXPECT_EQ(host.open_calls(), 8u);
  host.pass(kMillisecond);
  host.on_call = [](const Attempt&) { return Reply::failed_as(kOverload, kMillisecond); };
  for (u32 i = 0; i < 8; ++i) host.ask({{gate}});
  const u32 before = host.gate_stats(gate).limit;
  host.pass(kMillisecond);
  EXPECT_EQ(host.gate_stats(gate).limit, before / 2);
  // Failures of other kinds say nothing about the load.
  host.on_call = [](const Attempt&) { return Reply::failed_as(kFault, kMillisecond); };
  for (u32 i = 0; i < 8; ++i) host.ask({{gate}});
  host.pass(8 * kMillisecond);
  EXPECT_EQ(host.gate_stats(gate).limit, before / 2);
  host.finish();
}

}  // namespace
}  // namespace heddle::testing
