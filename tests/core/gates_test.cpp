// Gates through the kernel: who passes, who waits, what can never pass, and what is given back.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/call_host.h"

namespace heddle::testing {
namespace {

constexpr Time kMinute = 60'000 * kMillisecond;
constexpr Time kFull = kMinute + kMillisecond;  // until a request has left the window

// --- Admission ---

TEST(Gates, requests_tokens_and_places_are_taken_together_or_not_at_all) {
  CallHost host;
  host.on_call = [](const Attempt&) { return Reply::fine(10 * kMillisecond); };
  const GateId gate = host.gate({{GateKey::kMaxInside, 2}, {GateKey::kRequests, 3}, {GateKey::kTokens, 100}});
  host.ask({{gate}, 60});
  host.ask({{gate}, 60});
  host.ask({{gate}, 10});
  host.run();
  const GateStats stats = host.gate_stats(gate);
  EXPECT_EQ(stats.inside, 1u);
  EXPECT_EQ(stats.requests, 1u);
  EXPECT_EQ(stats.tokens, 60);
  EXPECT_EQ(stats.waiting, 2u);
  EXPECT_EQ(stats.requests_limit, 3u);
  EXPECT_EQ(stats.tokens_limit, 100);
  host.pass(kFull);
  EXPECT_EQ(host.over(), 1u);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(host.over(), 3u);
  host.finish();
}

TEST(Gates, a_place_is_free_when_a_call_is_over_and_a_request_when_its_window_is) {
  CallHost host;
  host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
  const GateId places = host.gate({{GateKey::kMaxInside, 2}});
  const GateId rate = host.gate({{GateKey::kRequests, 2}});
  for (u32 i = 0; i < 6; ++i) host.ask({{places}});
  host.pass(kMillisecond);
  EXPECT_EQ(host.over(), 2u);
  host.pass(2 * kMillisecond);
  EXPECT_EQ(host.over(), 6u);
  EXPECT_EQ(host.most_open, 2u);
  for (u32 i = 0; i < 6; ++i) host.ask({{rate}});
  host.pass(kMinute);
  EXPECT_EQ(host.over(), 8u);
  host.pass(2 * kMillisecond);
  EXPECT_EQ(host.over(), 10u);
  host.pass(kFull);
  EXPECT_EQ(host.over(), 12u);
  host.finish();
}

TEST(Gates, one_is_idle_when_nobody_is_inside_waits_or_may_come_and_its_window_is_empty) {
  CallHost host;
  host.on_call = [](const Attempt& attempt) {
    Reply reply = attempt.number == 1 ? Reply::failed_as(kRetryable) : Reply::fine(kMillisecond);
    reply.retry_after = 2 * kMinute;
    return reply;
  };
  host.kernel.configure(ConfigKey::kMaxRetryAfter, 600'000);
  const GateId gate = host.gate({{GateKey::kRequests, 5}});
  EXPECT_TRUE(host.kernel.is_idle(gate));
  EXPECT_FALSE(host.kernel.is_idle(0));
  EXPECT_FALSE(host.kernel.is_idle(gate + 1));
  host.ask({{gate}});
  host.run();
  // Between two attempts, and the window of the first one is over.
  host.pass(kFull);
  EXPECT_EQ(host.gate_stats(gate).requests, 0u);
  EXPECT_FALSE(host.kernel.is_idle(gate));
  host.pass(kMinute);
  EXPECT_EQ(host.over(), 1u);
  EXPECT_FALSE(host.kernel.is_idle(gate));
  host.pass(kFull);
  EXPECT_TRUE(host.kernel.is_idle(gate));
  host.finish();
}

TEST(Gates, who_waits_passes_in_the_configured_order) {
  for (const FairnessMode mode : {FairnessMode::kFifo, FairnessMode::kPriority, FairnessMode::kRoundRobin}) {
    KernelConfig config = roomy();
    config.fairness = mode;
    CallHost host(config);
    std::vector<u32> begun;
    host.on_call = [&](const Attempt& attempt) {
      for (u32 call = 0; call < host.answers.size(); ++call) {
        if (!host.is_over(call) && host.op(call) == attempt.op) begun.push_back(call);
      }
      return Reply::fine(kMillisecond);
    };
    const GateId gate = host.gate({{GateKey::kMaxInside, 1}});
    // Call i: priority i / 2, group A for 0..2, B for 3..5.
    for (u32 i = 0; i < 6; ++i) {
      SubmitRequest request;
      request.has_priority = true;
      request.priority = static_cast<i32>(i / 2);
      request.key = i < 3 ? 1 : 2;
      host.ask(host.body(request), {{gate}});
    }
    host.pass(10 * kMillisecond);
    const std::vector<u32> fifo = {0, 1, 2, 3, 4, 5};
    const std::vector<u32> priority = {0, 4, 5, 2, 3, 1};
    const std::vector<u32> round_robin = {0, 1, 3, 2, 4, 5};
    EXPECT_EQ(begun, mode == FairnessMode::kFifo ? fifo : mode == FairnessMode::kPriority ? priority : round_robin);
    host.finish();
  }
}

TEST(Gates, small_requests_do_not_starve_a_large_one) {
  for (const FairnessMode mode : {FairnessMode::kFifo, FairnessMode::kPriority, FairnessMode::kRoundRobin}) {
    KernelConfig config = roomy();
    config.fairness = mode;
    CallHost host(config);
    host.on_call = [](const Attempt&) { return Reply::fine(); };
    const GateId gate = host.gate({{GateKey::kTokens, 100}});
    for (u32 i = 0; i < 5; ++i) host.ask({{gate}, 10});
    host.run();
    SubmitRequest other;
    other.key = 7;
    const u32 large = host.ask(host.body(other), {{gate}, 100});
    u32 smalls = 0;
    while (!host.is_over(large) && host.now() < 3 * kMinute) {
      host.ask({{gate}, 10});
      ++smalls;
      host.pass(1000 * kMillisecond);
    }
    // The small ones that were there leave the window, and none that came later has passed it.
    EXPECT_LE(host.answers[large].at, kFull);
    EXPECT_TRUE(host.is_over(large));
    EXPECT_GT(smalls, 50u);
    EXPECT_EQ(host.over(), 6u);
    host.pass(10 * kMinute);
    host.finish();
  }
}

TEST(Gates, calls_of_other_models_pass_one_that_waits) {
  CallHost host;
  host.on_call = [](const Attempt&) { return Reply::fine(); };
  const GateId tenant = host.gate({{GateKey::kRequests, 1000}});
  const GateId slow = host.gate({{GateKey::kRequests, 1}});
  const GateId quick = host.gate({{GateKey::kRequests, 100}});
  for (u32 i = 0; i < 10; ++i) host.ask({{tenant, slow}});
  for (u32 i = 0; i < 10; ++i) host.ask({{tenant, quick}});
  host.run();
  EXPECT_EQ(host.gate_stats(slow).waiting, 9u);
  EXPECT_EQ(host.over(), 11u);
  for (u32 i = 10; i < 20; ++i) EXPECT_TRUE(host.is_over(i));
  host.pass(9 * kFull);
  EXPECT_EQ(host.over(), 20u);
  host.finish();
}

TEST(Gates, a_call_holds_what_it_passed_while_it_waits_further_on) {
  KernelConfig config = roomy();
  config.max_calls = 1;
  CallHost host(config);
  host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
  const GateId tenant = host.gate({{GateKey::kMaxInside, 4}, {GateKey::kTokens, 100}});
  const GateId model = host.gate({{GateKey::kMaxInside, 3}});
  const GateId endpoint = host.gate({{GateKey::kMaxInside, 2}});
  for (u32 i = 0; i < 5; ++i) host.ask({{tenant, model, endpoint}, 10});
  host.run();
  EXPECT_EQ(host.gate_stats(tenant).waiting, 1u);
  EXPECT_EQ(host.gate_stats(tenant).inside, 4u);
  EXPECT_EQ(host.gate_stats(tenant).tokens, 40);
  EXPECT_EQ(host.gate_stats(model).waiting, 1u);
  EXPECT_EQ(host.gate_stats(model).inside, 3u);
  EXPECT_EQ(host.gate_stats(endpoint).waiting, 1u);
  EXPECT_EQ(host.gate_stats(endpoint).inside, 2u);
  const Stats stats = host.kernel.stats();
  EXPECT_EQ(stats.calls_waiting, 4u);
  EXPECT_EQ(stats.calls_in_flight, 1u);
  EXPECT_EQ(stats.reservations, 4u);
  EXPECT_EQ(stats.reservations_settled, 0u);
  host.pass(5 * kMillisecond);
  EXPECT_EQ(host.order, (std::vector<u32>{0, 1, 2, 3, 4}));
  EXPECT_EQ(host.most_open, 1u);
  host.finish();
}

TEST(Gates, a_gate_named_twice_is_passed_once_and_an_unknown_one_is_none) {
  CallHost host;
  host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
  const GateId gate = host.gate({{GateKey::kMaxInside, 1}, {GateKey::kRequests, 5}});
  host.ask({{gate, gate, gate}});
  host.ask({{99, gate, 77}});
  host.run();
  EXPECT_EQ(host.gate_stats(gate).inside, 1u);
  EXPECT_EQ(host.gate_stats(gate).requests, 1u);
  host.pass(5 * kMillisecond);
  EXPECT_EQ(host.over(), 2u);
  EXPECT_FALSE(host.kernel.set_gate(0, GateKey::kRequests, 1));
  EXPECT_FALSE(host.kernel.set_gate(3, GateKey::kRequests, 1));
  host.finish();
}

TEST(Gates, other_calls_pass_gates_without_a_place_in_flight) {
  KernelConfig config = roomy();
  config.max_calls = 0;
  CallHost host(config);
  host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
  const GateId gate = host.gate({{GateKey::kMaxInside, 1}});
  CallRequest other;
  other.type = CallClass::kOther;
  host.ask(other, {{{gate}}});
  host.ask(other, {{{gate}}});
  host.pass(kMillisecond);
  EXPECT_EQ(host.over(), 1u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.over(), 2u);
  host.finish();
}

TEST(Gates, a_window_that_fills_while_somebody_waits_lets_him_through_when_it_changes) {
  // The one inside waits for a place when the other begins to wait: only its sending gives the window a time.
  KernelConfig config = roomy();
  config.max_calls = 1;
  CallHost host(config);
  const GateId gate = host.gate({{GateKey::kRequests, 1}});
  host.on_call = [&host](const Attempt& attempt) {
    return attempt.op == host.op(0) ? Reply::fine(1000 * kMillisecond) : Reply::fine(10 * kMinute);
  };
  host.ask(host.body(), CallRequest{});
  host.ask({{gate}});
  const u32 waits = host.ask({{gate}});
  host.pass(1000 * kMillisecond);
  EXPECT_EQ(host.attempts, 2u);
  host.kernel.configure(ConfigKey::kMaxCalls, 5);
  host.pass(kMinute);
  EXPECT_EQ(host.attempts, 2u);
  EXPECT_NE(host.kernel.stats().timers, 0u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.attempts, 3u);
  EXPECT_FALSE(host.is_over(waits));
  host.pass(20 * kMinute);
  host.finish();
}

// --- Requests that can never pass ---

TEST(TooLarge, a_request_that_no_window_holds_is_refused_at_once) {
  CallHost host;
  const GateId tenant = host.gate({{GateKey::kMaxInside, 1}, {GateKey::kRequests, 10}});
  const GateId model = host.gate({{GateKey::kTokens, 100}});
  host.on_call = [](const Attempt&) { return Reply::silent(); };
  host.ask({{tenant, model}, 100});
  const u32 call = host.ask({{tenant, model}, 101});
  EXPECT_EQ(host.kernel.stats().calls_waiting, 0u);
  host.run();
  EXPECT_EQ(host.code(call), OpCode::kRequestTooLarge);
  EXPECT_EQ(host.answers[call].attempts, 0u);
  EXPECT_EQ(host.gate_stats(tenant).requests, 1u);
  host.kernel.abort_op(host.op(0));
  host.finish();
}

TEST(TooLarge, and_so_is_one_that_waits_when_the_limit_is_lowered) {
  for (const bool is_first : {true, false}) {
    CallHost host;
    const GateId gate = host.gate({{GateKey::kTokens, 100}});
    host.on_call = [](const Attempt&) { return Reply::fine(); };
    host.ask({{gate}, 60});
    if (!is_first) host.ask({{gate}, 45});
    const u32 large = host.ask({{gate}, 90});
    const u32 small = host.ask({{gate}, 40});
    host.run();
    EXPECT_FALSE(host.is_over(large));
    host.kernel.set_gate(gate, GateKey::kTokens, 50);
    host.run();
    if (is_first) {
      EXPECT_EQ(host.code(large), OpCode::kRequestTooLarge);
    }
    EXPECT_FALSE(host.is_over(small));
    host.pass(2 * kFull);
    EXPECT_EQ(host.code(large), OpCode::kRequestTooLarge);
    EXPECT_EQ(host.code(small), OpCode::kOk);
    host.finish();
  }
}

TEST(TooLarge, wherever_it_waits) {
  // At an earlier gate, at a later one, and for a place when it has passed them all.
  for (u32 where = 0; where < 3; ++where) {
    KernelConfig config = roomy();
    config.max_calls = where == 2 ? 1 : 100;
    CallHost host(config);
    const GateId before = host.gate({{GateKey::kMaxInside, where == 0 ? 1.0 : 0.0}});
    const GateId gate = host.gate({{GateKey::kTokens, 1000}});
    const GateId behind = host.gate({{GateKey::kMaxInside, where == 1 ? 1.0 : 0.0}});
    host.on_call = [](const Attempt&) { return Reply::fine(kMillisecond); };
    host.ask({{before, gate, behind}, 10});
    const u32 large = host.ask({{before, gate, behind}, 600});
    host.run();
    host.kernel.set_gate(gate, GateKey::kTokens, 500);
    host.pass(kMillisecond);
    EXPECT_EQ(host.code(large), OpCode::kRequestTooLarge) << where;
    EXPECT_EQ(host.attempts, 1u);
    EXPECT_EQ(host.gate_stats(gate).tokens, 10);
    host.finish();
  }
}

TEST(TooLarge, it_takes_the_next_entry_of_its_plan) {
  CallHost host;
  const GateId small = host.gate({{GateKey::kTokens, 100}});
  const GateId large = host.gate({{GateKey::kTokens, 1000}});
  std::vector<u32> entries;
  host.on_call = [&](const Attempt& attempt) {
    entries.push_back(attempt.entry);
    return Reply::fine();
  };
  const u32 call = host.ask(CallRequest{}, {{{0, small}, 500}, {{0, small}, 101}, {{0, large}, 500}});
  host.run();
  EXPECT_EQ(host.code(call), OpCode::kOk);
  EXPECT_EQ(entries, std::vector<u32>{2});
  EXPECT_EQ(host.kernel.stats().fallbacks, 2u);
  EXPECT_EQ(host.gate_stats(small).cooling_until, 0);
  host.finish();
}

TEST(TooLarge, a_plan_may_be_long) {
  CallHost host;
  const GateId small = host.gate({{GateKey::kTokens, 100}});
  const u32 call = host.ask(CallRequest{}, std::vector<Through>(100'000, {{0, small}, 500}));
  host.run();
  EXPECT_EQ(host.code(call), OpCode::kRequestTooLarge);
  EXPECT_EQ(host.kernel.stats().fallbacks, 99'999u);
  host.finish();
}

// --- What is given back ---

class Refunds : public ::testing::Test {
 protected:
  // What a call of 100 tokens leaves in the window, and how many requests.
  std::pair<i64, u32> left_by(const Reply& reply) {
    CallHost host;
    const GateId gate = host.gate({{GateKey::kRequests, 10}, {GateKey::kTokens, 1000}});
    host.on_call = [&](const Attempt&) { return reply; };
    host.ask({{gate}, 100});
    host.run();
    const GateStats stats = host.gate_stats(gate);
    host.finish();
    return {stats.tokens, stats.requests};
  }
};

TEST_F(Refunds, the_reported_usage_replaces_the_estimate) {
  EXPECT_EQ(left_by({.used = 30}), (std::pair<i64, u32>{30, 1}));
  EXPECT_EQ(left_by({.used = 0}), (std::pair<i64, u32>{0, 1}));
  EXPECT_EQ(left_by({.used = 170}), (std::pair<i64, u32>{170, 1}));
  EXPECT_EQ(left_by({.used = -1}), (std::pair<i64, u32>{100, 1}));
  EXPECT_EQ(left_by({.ok = false, .used = 0}), (std::pair<i64, u32>{0, 1}));
  EXPECT_EQ(left_by({.ok = false}), (std::pair<i64, u32>{100, 1}));
}

TEST_F(Refunds, usage_counts_for_its_own_attempt) {
  KernelConfig config = roomy();
  config.retry.base_delay = 0;
  CallHost host(config);
  const GateId gate = host.gate({{GateKey::kTokens, 1000}});
  host.on_call = [](const Attempt& attempt) {
    return attempt.number == 1 ? Reply{.ok = false, .retryable = true, .used = 5} : Reply::fine(kMillisecond);
  };
  host.ask({{gate}, 100});
  host.pass(kMillisecond);
  EXPECT_EQ(host.gate_stats(gate).tokens, 105);
  EXPECT_EQ(host.kernel.stats().reservations, 2u);
  host.finish();
}

TEST_F(Refunds, usage_that_no_attempt_can_have_is_nothing) {
  KernelConfig config = roomy();
  config.max_calls = 0;
  CallHost host(config);
  const GateId gate = host.gate({{GateKey::kTokens, 1000}});
  host.ask({{gate}, 100});
  host.run();
  host.kernel.call_used(host.call_of(0), 5);
  host.kernel.configure(ConfigKey::kMaxCalls, 1);
  host.run();
  EXPECT_EQ(host.gate_stats(gate).tokens, 100);
  host.finish();
}

TEST_F(Refunds, a_call_that_is_cancelled_while_it_waits_gives_everything_back) {
  // In the queue of each stage, and in the queue for a place.
  for (u32 stage = 0; stage < 4; ++stage) {
    KernelConfig config = roomy();
    config.max_calls = stage == 3 ? 0 : 100;
    CallHost host(config);
    GateId gates[3];
    for (u32 i = 0; i < 3; ++i) {
      gates[i] = host.gate({{GateKey::kRequests, 10}, {GateKey::kTokens, 1000}});
      if (i == stage) host.kernel.set_gate(gates[i], GateKey::kMaxInside, 1);
    }
    host.on_call = [](const Attempt&) { return Reply::silent(); };
    const bool blocks = stage < 3;
    if (blocks) {
      Through through;
      through.gates[stage] = gates[stage];
      host.ask(through);
    }
    const u32 call = host.ask({{gates[0], gates[1], gates[2]}, 100});
    host.run();
    EXPECT_EQ(host.kernel.stats().calls_waiting, 1u);
    for (u32 i = 0; i < 3; ++i) EXPECT_EQ(host.gate_stats(gates[i]).tokens, i < stage ? 100 : 0);
    EXPECT_TRUE(host.kernel.abort_op(host.op(call)));
    host.run();
    EXPECT_EQ(host.code(call), OpCode::kAborted);
    for (u32 i = 0; i < 3; ++i) {
      EXPECT_EQ(host.gate_stats(gates[i]).tokens, 0);
      EXPECT_EQ(host.gate_stats(gates[i]).requests, blocks && i == stage ? 1u : 0u);
      EXPECT_EQ(host.gate_stats(gates[i]).inside, blocks && i == stage ? 1u : 0u);
    }
    if (blocks) host.kernel.abort_op(host.op(0));
    host.finish();
  }
}

TEST_F(Refunds, a_call_that_is_cancelled_in_flight_counts_until_the_host_says_otherwise) {
  CallHost host;
  host.closes = false;
  const GateId gate = host.gate({{GateKey::kMaxInside, 1}, {GateKey::kTokens, 1000}});
  host.on_call = [](const Attempt&) { return Reply::silent(); };
  for (const i64 used : {i64{-1}, i64{0}, i64{40}}) {
    const u32 call = host.ask({{gate}, 100});
    host.run();
    const CallId id = host.call_of(call);
    const i64 before = host.gate_stats(gate).tokens - 100;
    host.kernel.abort_op(host.op(call));
    host.run();
    EXPECT_EQ(host.gate_stats(gate).inside, 1u);
    EXPECT_EQ(host.gate_stats(gate).tokens, before + 100);
    if (used >= 0) host.kernel.call_used(id, used);
    host.lose(id);
    host.kernel.call_closed(id);
    host.run();
    EXPECT_EQ(host.gate_stats(gate).inside, 0u);
    EXPECT_EQ(host.gate_stats(gate).tokens, before + (used < 0 ? 100 : used));
  }
  host.finish();
}

TEST_F(Refunds, a_simulated_call_that_is_cancelled_used_no_tokens) {
  CallHost host;
  const GateId gate = host.gate({{GateKey::kTokens, 1000}});
  host.on_call = [](const Attempt&) { return Reply{.simulated = true, .latency = kMinute}; };
  const u32 call = host.ask({{gate}, 100});
  host.run();
  EXPECT_EQ(host.gate_stats(gate).tokens, 100);
  host.kernel.abort_op(host.op(call));
  EXPECT_EQ(host.gate_stats(gate).tokens, 0);
  host.finish();
}

TEST_F(Refunds, what_comes_back_lets_others_through_at_once) {
  CallHost host;
  host.on_call = [](const Attempt&) { return Reply{.latency = kMillisecond, .used = 0}; };
  const GateId gate = host.gate({{GateKey::kTokens, 100}});
  for (u32 i = 0; i < 5; ++i) host.ask({{gate}, 100});
  host.pass(5 * kMillisecond);
  EXPECT_EQ(host.over(), 5u);
  host.finish();
}

}  // namespace
}  // namespace heddle::testing
