// What follows a failed attempt: another one, the next entry of the plan, the end; and what begins beside a silent one.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "kernel/call.h"
#include "support/call_host.h"

namespace heddle::testing {
namespace {

constexpr Time kSecond = 1000 * kMillisecond;

KernelConfig at_once() {
  KernelConfig config = roomy();
  config.retry.base_delay = 0;
  return config;
}

// Notes what is sent: for each attempt the call, its number and the entry of the plan.
class Attempts : public ::testing::Test {
 protected:
  explicit Attempts(const KernelConfig& config = at_once()) : host(config) {
    host.on_call = [this](const Attempt& attempt) {
      sent.push_back(attempt);
      sent_at.push_back(host.now());
      return reply ? reply(attempt) : Reply::silent();
    };
  }
  std::vector<u32> entries() const {
    std::vector<u32> all;
    for (const Attempt& attempt : sent) all.push_back(attempt.entry);
    return all;
  }
  std::vector<u32> numbers() const {
    std::vector<u32> all;
    for (const Attempt& attempt : sent) all.push_back(attempt.number);
    return all;
  }
  static std::vector<Through> plan(std::initializer_list<GateId> models) {
    std::vector<Through> plan;
    for (const GateId model : models) plan.push_back({{0, model}});
    return plan;
  }
  using Numbers = std::vector<u32>;

  CallHost host;
  std::vector<Attempt> sent;
  std::vector<Time> sent_at;
  std::function<Reply(const Attempt&)> reply;
};

// --- Plans ---

class Plans : public Attempts {
 protected:
  Plans() : first(host.gate({{GateKey::kMaxInside, 9}})), second(host.gate({{GateKey::kMaxInside, 9}})) {}
  GateId first, second;
};

TEST_F(Plans, each_entry_has_attempts_of_its_own) {
  reply = [](const Attempt&) { return Reply::failed_as(kRetryable | kFallback); };
  const u32 call = host.ask({}, plan({first, second}));
  host.pass(kMillisecond);
  EXPECT_EQ(entries(), (Numbers{0, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(numbers(), (Numbers{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(host.code(call), OpCode::kFailed);
  EXPECT_EQ(host.answers[call].attempts, 8u);
  EXPECT_EQ(host.kernel.stats().fallbacks, 1u);
  EXPECT_EQ(host.kernel.stats().retries, 6u);
  host.finish();
}

TEST_F(Plans, only_a_failure_that_another_model_may_do_better_with_goes_on) {
  reply = [](const Attempt&) { return Reply::failed_as(kRetryable | kFault | kOverload); };
  host.ask({}, plan({first, second}));
  host.pass(kMillisecond);
  EXPECT_EQ(entries(), (Numbers{0, 0, 0, 0}));
  EXPECT_EQ(host.code(0), OpCode::kFailed);
  EXPECT_EQ(host.gate_stats(first).cooling_until, 0);
  host.finish();
}

TEST_F(Plans, a_failure_that_no_repetition_helps_goes_on_at_once_and_cools_nothing) {
  reply = [](const Attempt& attempt) { return attempt.entry == 0 ? Reply::failed_as(kFallback) : Reply::fine(); };
  const u32 call = host.ask({}, plan({first, second}));
  host.run();
  EXPECT_EQ(host.code(call), OpCode::kOk);
  EXPECT_EQ(entries(), (Numbers{0, 1}));
  EXPECT_EQ(host.gate_stats(first).cooling_until, 0);
  host.finish();
}

TEST_F(Plans, a_model_that_is_not_to_be_had_cools_although_no_repetition_helps) {
  reply = [](const Attempt& attempt) {
    return attempt.entry == 0 ? Reply::failed_as(kFallback | kUnavailable) : Reply::fine();
  };
  host.ask({}, plan({first, second}));
  host.run();
  host.ask({}, plan({first, second}));
  host.run();
  EXPECT_EQ(entries(), (Numbers{0, 1, 1}));
  EXPECT_GT(host.gate_stats(first).cooling_until, 0);
  host.finish();
}

TEST_F(Plans, a_wait_that_is_too_long_goes_on_and_without_another_entry_fails) {
  host.kernel.configure(ConfigKey::kMaxRetryAfter, 10);
  reply = [](const Attempt& attempt) {
    Reply busy = Reply::failed_as(kRetryable | kFallback);
    busy.retry_after = attempt.entry == 0 ? 11 * kMillisecond : 10 * kMillisecond;
    return attempt.number == 3 ? Reply::fine() : busy;
  };
  const u32 call = host.ask({}, plan({first, second}));
  host.run();
  EXPECT_EQ(entries(), (Numbers{0, 1}));
  host.pass(10 * kMillisecond);
  EXPECT_EQ(host.code(call), OpCode::kOk);
  const u32 alone = host.ask({}, plan({first}));
  host.run();
  EXPECT_EQ(host.code(alone), OpCode::kRetryAfterTooLong);
  host.finish();
}

TEST_F(Plans, later_plans_go_around_a_model_that_failed_until_it_has_cooled) {
  host.kernel.configure(ConfigKey::kCooldown, 1000);
  host.kernel.configure(ConfigKey::kMaxAttempts, 1);
  reply = [](const Attempt& attempt) {
    return attempt.entry == 0 ? Reply::failed_as(kRetryable | kFallback) : Reply::fine();
  };
  host.ask({}, plan({first, second}));
  host.run();
  EXPECT_EQ(host.gate_stats(first).cooling_until, kSecond);
  host.ask({}, plan({first, second}));
  host.pass(kSecond - 1);
  host.ask({}, plan({first, second}));
  host.ask({}, plan({first}));  // has no other
  host.pass(1);
  host.ask({}, plan({first, second}));
  host.run();
  EXPECT_EQ(entries(), (Numbers{0, 1, 1, 1, 0, 0, 1}));
  EXPECT_EQ(host.kernel.stats().fallbacks, 2u);
  host.finish();
}

TEST_F(Plans, where_all_cool_the_first_is_used) {
  host.kernel.configure(ConfigKey::kMaxAttempts, 1);
  const GateId third = host.gate({{GateKey::kMaxInside, 9}});
  reply = [](const Attempt& attempt) {
    return attempt.entry < 2 ? Reply::failed_as(kRetryable | kFallback) : Reply::fine();
  };
  host.ask({}, plan({first, second, third}));
  host.ask({}, plan({first, second}));
  host.run();
  EXPECT_EQ(entries(), (Numbers{0, 1, 2, 0, 1}));
  host.finish();
}

TEST_F(Plans, a_request_that_cannot_be_sent_again_is_not) {
  reply = [](const Attempt&) { return Reply::failed_as(kRetryable | kFallback); };
  CallRequest request;
  request.once = true;
  request.hedge = kMillisecond;
  const u32 call = host.ask(request, plan({first, second}));
  host.run();
  EXPECT_EQ(host.code(call), OpCode::kFailed);
  reply = nullptr;
  const u32 silent = host.ask(request, plan({second}));
  host.pass(kSecond);
  EXPECT_EQ(host.attempts, 2u);
  host.kernel.abort_op(host.op(silent));
  host.finish();
}

TEST_F(Plans, other_calls_go_on_too_but_repeat_nothing) {
  reply = [](const Attempt&) { return Reply::failed_as(kRetryable | kFallback); };
  CallRequest request;
  request.type = CallClass::kOther;
  host.ask(request, plan({first, second}));
  host.run();
  EXPECT_EQ(entries(), (Numbers{0, 1}));
  host.finish();
}

// --- Circuits ---

class Circuits : public Attempts {
 protected:
  Circuits()
      : gate(host.gate({{GateKey::kBreakerFailures, 2}, {GateKey::kBreakerPause, 1000}, {GateKey::kBreakerProbes, 2}})),
        well(host.gate({{GateKey::kMaxInside, 9}})) {}
  void open() {
    reply = [](const Attempt&) { return Reply::failed_as(kFault); };
    for (u32 i = 0; i < 2; ++i) host.ask({{gate}});
    host.run();
    EXPECT_EQ(host.gate_stats(gate).circuit, 1u);
    sent.clear();
    reply = nullptr;
  }
  GateId gate, well;
};

TEST_F(Circuits, an_open_one_refuses_at_once) {
  open();
  const u32 call = host.ask({{0, well, gate}});
  host.run();
  EXPECT_EQ(host.code(call), OpCode::kCircuitOpen);
  EXPECT_EQ(host.gate_stats(gate).circuit_until, kSecond);
  EXPECT_TRUE(sent.empty());
  host.finish();
}

TEST_F(Circuits, a_plan_goes_around_an_open_one) {
  open();
  reply = [](const Attempt&) { return Reply::fine(); };
  const u32 call = host.ask({}, {{{0, 0, gate}}, {{0, well}}});
  host.run();
  EXPECT_EQ(host.code(call), OpCode::kOk);
  EXPECT_EQ(entries(), Numbers{1});
  host.finish();
}

TEST_F(Circuits, those_that_wait_when_it_opens_fail_or_go_elsewhere_at_once) {
  // At a gate before it, at its own queue, for a place, and between attempts.
  KernelConfig config = at_once();
  config.max_calls = 2;
  CallHost other(config);
  const GateId narrow = other.gate({{GateKey::kMaxInside, 1}});
  const GateId breaks = other.gate({{GateKey::kBreakerFailures, 1}, {GateKey::kMaxInside, 4}});
  const GateId good = other.gate({{GateKey::kMaxInside, 9}});
  other.on_call = [](const Attempt& attempt) {
    if (attempt.entry == 1) return Reply::fine();
    Reply fails = Reply::failed_as(kFault, kSecond);
    if (attempt.call == 2) fails.latency = kMillisecond;
    return fails;
  };
  const u32 early = other.ask({{0, breaks}});
  const u32 fails = other.ask({{0, breaks}});
  other.ask({{narrow, breaks}});  // inside both, waits for a place
  other.ask({{narrow, breaks}});  // waits at the first
  other.ask({{0, breaks}});       // inside
  other.ask({{0, breaks}});       // waits at its own
  const u32 goes = other.ask({}, {{{0, breaks}}, {{0, good}}});
  other.run();
  EXPECT_EQ(other.kernel.stats().calls_waiting, 5u);
  other.pass(kMillisecond);
  EXPECT_EQ(other.code(fails), OpCode::kFailed);
  for (u32 call = 2; call < 6; ++call) EXPECT_EQ(other.code(call), OpCode::kCircuitOpen) << call;
  EXPECT_EQ(other.code(goes), OpCode::kOk);
  EXPECT_TRUE(other.is_over(goes));
  EXPECT_FALSE(other.is_over(early));
  EXPECT_EQ(other.attempts, 3u);
  other.pass(kSecond);
  other.finish();
}

TEST_F(Circuits, exactly_k_probes_go_even_if_many_have_waited) {
  open();
  host.kernel.configure(ConfigKey::kMaxCalls, 0);
  host.pass(kSecond);
  for (u32 i = 0; i < 20; ++i) host.ask({{gate}});
  host.run();
  EXPECT_EQ(host.kernel.stats().calls_waiting, 20u);  // nobody knows yet
  host.kernel.configure(ConfigKey::kMaxCalls, 100);
  reply = [](const Attempt&) { return Reply::fine(kMillisecond); };
  host.run();
  EXPECT_EQ(sent.size(), 2u);
  EXPECT_EQ(host.gate_stats(gate).circuit, 2u);
  for (u32 call = 4; call < 22; ++call) EXPECT_EQ(host.code(call), OpCode::kCircuitOpen);
  host.pass(kMillisecond);
  EXPECT_EQ(host.gate_stats(gate).circuit, 0u);
  for (u32 i = 0; i < 5; ++i) host.ask({{gate}});
  host.run();
  EXPECT_EQ(sent.size(), 7u);
  host.pass(kMillisecond);
  host.finish();
}

TEST_F(Circuits, a_probe_that_fails_opens_it_again_and_one_that_is_dropped_lets_another_try) {
  open();
  host.pass(kSecond);
  const u32 dropped = host.ask({{gate}});
  host.ask({{gate}});
  host.run();
  EXPECT_EQ(sent.size(), 2u);
  host.kernel.abort_op(host.op(dropped));
  host.run();
  reply = [](const Attempt&) { return Reply::failed_as(kFault); };
  host.ask({{gate}});
  host.run();
  EXPECT_EQ(sent.size(), 3u);
  EXPECT_EQ(host.gate_stats(gate).circuit, 1u);
  EXPECT_EQ(host.gate_stats(gate).circuit_until, 2 * kSecond);
  host.kernel.abort_op(host.op(3));
  host.finish();
}

TEST_F(Circuits, overload_and_wrong_requests_are_no_faults) {
  reply = [](const Attempt& attempt) {
    return Reply::failed_as(attempt.call % 2 == 0 ? u32{kOverload} : u32{kRefusedByServer});
  };
  for (u32 i = 0; i < 10; ++i) host.ask({{gate}});
  host.run();
  EXPECT_EQ(host.gate_stats(gate).circuit, 0u);
  host.finish();
}

// --- Budgets ---

class Budgets : public Attempts {
 protected:
  Budgets() {
    host.kernel.configure(ConfigKey::kMaxAttempts, 100);
    reply = [](const Attempt&) { return Reply::busy(); };
  }
  static SubmitRequest below(FiberId parent, i64 budget) {
    SubmitRequest request;
    request.parent = parent;
    request.retry_budget = budget;
    return request;
  }
  u32 attempts_of(FiberId fiber) {
    const u32 call = host.ask(fiber, Through{});
    host.pass(kMillisecond);
    EXPECT_EQ(host.code(call), OpCode::kFailed);
    return host.answers[call].attempts;
  }
};

TEST_F(Budgets, a_tasks_budget_is_for_all_that_is_below_it) {
  const FiberId root = host.body(below(0, 5));
  const FiberId child = host.body(below(root, -1));
  const FiberId grandchild = host.body(below(child, -1));
  EXPECT_EQ(attempts_of(grandchild), 6u);
  EXPECT_EQ(attempts_of(root), 1u);
  EXPECT_EQ(attempts_of(host.body()), 100u);
  host.finish();
}

TEST_F(Budgets, the_strictest_one_above_rules_and_all_are_charged) {
  const FiberId root = host.body(below(0, 5));
  const FiberId rich = host.body(below(root, 50));
  const FiberId poor = host.body(below(rich, 2));
  EXPECT_EQ(attempts_of(poor), 3u);
  EXPECT_EQ(attempts_of(rich), 4u);
  EXPECT_EQ(attempts_of(rich), 1u);
  EXPECT_EQ(attempts_of(host.body(below(0, 0))), 1u);
  host.finish();
}

TEST_F(Budgets, a_detached_task_does_not_inherit) {
  const FiberId root = host.body(below(0, 0));
  SubmitRequest detached = below(root, -1);
  detached.detached = true;
  EXPECT_EQ(attempts_of(host.body(detached)), 100u);
  detached.retry_budget = 1;
  EXPECT_EQ(attempts_of(host.body(detached)), 2u);
  host.finish();
}

TEST_F(Budgets, the_runtimes_is_for_all) {
  host.kernel.configure(ConfigKey::kRetryBudget, 3);
  EXPECT_EQ(attempts_of(host.body(below(0, 100))), 4u);
  EXPECT_EQ(attempts_of(host.body()), 1u);
  host.finish();
}

TEST_F(Budgets, a_plan_goes_on_although_nothing_is_left) {
  const GateId model = host.gate({});
  const GateId other = model;
  reply = [](const Attempt&) { return Reply::failed_as(kRetryable | kFallback); };
  host.ask(host.body(below(0, 0)), {}, plan({model, other}));
  host.run();
  EXPECT_EQ(entries(), (Numbers{0, 1}));
  host.finish();
}

TEST_F(Budgets, a_zombie_draws_on_the_budget_of_ancestors_that_have_ended) {
  host.kernel.configure(ConfigKey::kGrace, 1);
  const FiberId root = host.body(below(0, 3));
  const FiberId zombie = host.body(below(root, -1));
  host.kernel.cancel(root);
  host.pass(5 * kMillisecond);
  EXPECT_EQ(host.kernel.stats().zombies, 2u);
  host.kernel.ended(root, true);
  host.run();
  host.kernel.step(1);
  // The records of the root are taken by others, below the zombie itself.
  const ShieldId shield = host.kernel.shield(zombie, 1000 * kSecond);
  SubmitRequest request = below(zombie, 7);
  request.shield = shield;
  const FiberId child = host.body(request);
  EXPECT_EQ(child, root);
  const i32 op = host.kernel.call(zombie, CallRequest{}, shield);
  ASSERT_GT(op, 0);
  host.pass(kMillisecond);
  EXPECT_EQ(host.attempts, 4u);
  EXPECT_EQ(attempts_of(child), 1u);
  host.finish();
}

// --- Hedges ---

class Hedges : public Attempts {
 protected:
  // A request that is joined by a second attempt after 10 ms.
  static CallRequest hedged() {
    CallRequest request;
    request.hedge = 10 * kMillisecond;
    return request;
  }
  Stats stats() const { return host.kernel.stats(); }
};

TEST_F(Hedges, a_second_attempt_joins_a_silent_first_and_the_first_to_end_well_wins) {
  reply = [](const Attempt& attempt) { return attempt.number == 1 ? Reply::silent() : Reply::fine(kMillisecond); };
  const u32 call = host.ask(host.body(), hedged());
  host.pass(10 * kMillisecond - 1);
  EXPECT_EQ(sent.size(), 1u);
  host.pass(1);
  EXPECT_EQ(numbers(), (Numbers{1, 2}));
  EXPECT_EQ(sent[0].op, sent[1].op);
  EXPECT_NE(sent[0].call, sent[1].call);
  EXPECT_EQ(stats().hedges, 1u);
  EXPECT_EQ(stats().retries, 0u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.code(call), OpCode::kOk);
  EXPECT_EQ(host.answers[call].attempts, 2u);
  EXPECT_EQ(host.aborts, 1u);
  host.finish();
}

TEST_F(Hedges, an_answer_in_time_needs_none) {
  reply = [](const Attempt&) { return Reply::fine(10 * kMillisecond - 1); };
  host.ask(host.body(), hedged());
  host.pass(kSecond);
  EXPECT_EQ(sent.size(), 1u);
  EXPECT_EQ(stats().hedges, 0u);
  host.finish();
}

TEST_F(Hedges, the_loser_holds_its_place_until_it_is_closed) {
  const GateId gate = host.gate({{GateKey::kMaxInside, 2}, {GateKey::kRequests, 10}});
  host.close_latency = 5 * kMillisecond;
  reply = [](const Attempt& attempt) { return attempt.number == 2 ? Reply::silent() : Reply::fine(12 * kMillisecond); };
  host.ask(hedged(), {{{gate}}});
  host.pass(12 * kMillisecond);
  EXPECT_EQ(host.over(), 1u);
  EXPECT_EQ(host.gate_stats(gate).inside, 1u);
  EXPECT_EQ(stats().calls_in_flight, 1u);
  EXPECT_EQ(host.gate_stats(gate).requests, 2u);
  host.pass(5 * kMillisecond);
  EXPECT_EQ(host.gate_stats(gate).inside, 0u);
  host.finish();
}

TEST_F(Hedges, the_failure_of_one_leaves_it_to_the_other) {
  for (const u32 fails : {1U, 2U}) {
    sent.clear();
    reply = [fails](const Attempt& attempt) {
      if (attempt.number > 2) return Reply::fine();
      return attempt.number == fails
                 ? Reply{.ok = false, .retryable = true, .latency = (14 - 4 * (fails - 1)) * kMillisecond}
                 : Reply::fine(30 * kMillisecond);
    };
    const u32 call = host.ask(host.body(), hedged());
    host.pass(25 * kMillisecond);
    EXPECT_EQ(stats().connections, 1u);
    EXPECT_EQ(stats().calls_in_backoff, 0u);
    host.pass(15 * kMillisecond);
    EXPECT_EQ(host.code(call), OpCode::kOk);
    EXPECT_EQ(host.answers[call].attempts, 2u);
    EXPECT_EQ(host.aborts, 0u);
  }
  host.finish();
}

TEST_F(Hedges, when_both_fail_repetitions_go_on_with_numbers_of_their_own_up_to_the_most) {
  for (const u32 first : {1U, 2U}) {
    sent.clear();
    reply = [first](const Attempt& attempt) {
      return Reply{.ok = false, .retryable = true, .latency = (attempt.number == first ? 20 : 15) * kMillisecond};
    };
    const u32 call = host.ask(host.body(), hedged());
    host.pass(kSecond);
    EXPECT_EQ(host.code(call), OpCode::kFailed);
    EXPECT_EQ(numbers(), (Numbers{1, 2, 3, 4}));
    EXPECT_EQ(host.answers[call].attempts, 4u);
  }
  host.finish();
}

TEST_F(Hedges, the_plan_goes_on_whichever_is_left) {
  const GateId first = host.gate({{GateKey::kMaxInside, 9}});
  const GateId second = host.gate({{GateKey::kMaxInside, 9}});
  host.kernel.configure(ConfigKey::kMaxAttempts, 2);
  for (const u32 late : {1U, 2U}) {
    sent.clear();
    host.pass(60 * kSecond);
    reply = [late](const Attempt& attempt) {
      if (attempt.entry == 1) return Reply::fine();
      return Reply::failed_as(kRetryable | kFallback, (attempt.number == late ? 30 : 15) * kMillisecond);
    };
    const u32 call = host.ask(hedged(), plan({first, second}));
    host.pass(kSecond);
    EXPECT_EQ(host.code(call), OpCode::kOk);
    EXPECT_EQ(entries(), (Numbers{0, 0, 1}));
  }
  host.finish();
}

TEST_F(Hedges, one_that_is_still_queued_when_the_first_fails_does_not_go_around_the_wait) {
  const GateId gate = host.gate({{GateKey::kMaxInside, 1}});
  reply = [](const Attempt& attempt) {
    return attempt.number == 1
               ? Reply{.ok = false, .retryable = true, .retry_after = 50 * kMillisecond, .latency = 20 * kMillisecond}
               : Reply::fine();
  };
  const u32 call = host.ask(hedged(), {{{gate}}});
  host.pass(15 * kMillisecond);
  EXPECT_EQ(host.gate_stats(gate).waiting, 1u);
  host.pass(54 * kMillisecond);
  EXPECT_EQ(sent.size(), 1u);
  EXPECT_EQ(stats().calls_in_backoff, 1u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.code(call), OpCode::kOk);
  EXPECT_EQ(numbers(), (Numbers{1, 2}));
  host.finish();
}

TEST_F(Hedges, one_that_is_still_queued_when_the_first_ends_is_not_sent) {
  const GateId gate = host.gate({{GateKey::kMaxInside, 1}, {GateKey::kTokens, 1000}});
  reply = [](const Attempt&) { return Reply::fine(20 * kMillisecond); };
  host.ask(hedged(), {{{gate}, 10}});
  host.pass(kSecond);
  EXPECT_EQ(sent.size(), 1u);
  EXPECT_EQ(host.over(), 1u);
  EXPECT_EQ(host.gate_stats(gate).tokens, 10);
  host.finish();
}

TEST_F(Hedges, no_more_join_than_the_share_and_the_burst_allow) {
  host.kernel.configure(ConfigKey::kHedgeShare, 0.25);
  host.kernel.configure(ConfigKey::kHedgeBurst, 3);
  std::vector<FiberId> bodies;
  for (u32 i = 0; i < 40; ++i) bodies.push_back(host.body());
  for (const FiberId body : bodies) host.ask(body, hedged());
  host.pass(kSecond);
  EXPECT_EQ(stats().hedges, 13u);
  EXPECT_EQ(sent.size(), 53u);
  for (const FiberId body : bodies) host.kernel.cancel(body);
  host.finish();
}

TEST_F(Hedges, a_stream_that_opens_drops_the_other_and_is_the_one_that_lives_on) {
  for (const u32 opens : {1U, 2U}) {
    sent.clear();
    reply = [opens](const Attempt& attempt) {
      return attempt.number == opens ? Reply::opened((30 - 10 * opens) * kMillisecond) : Reply::silent();
    };
    CallRequest request = hedged();
    request.stream = true;
    const FiberId body = host.body();
    const u32 call = host.ask(body, request);
    host.pass(kSecond);
    EXPECT_EQ(host.code(call), OpCode::kOk);
    EXPECT_EQ(stats().connections, 1u);
    EXPECT_GT(host.kernel.read(body, sent[opens - 1].call), 0);
    EXPECT_EQ(host.kernel.read(body, sent[2 - opens].call), kRefused);
    host.run();
    host.lose(sent[opens - 1].call);
    host.kernel.call_closed(sent[opens - 1].call);
  }
  host.finish();
}

TEST_F(Hedges, cancelling_the_operation_drops_both) {
  for (const bool is_queued : {false, true}) {
    const GateId gate = host.gate({{GateKey::kMaxInside, is_queued ? 1.0 : 2.0}});
    const u32 aborts = host.aborts;
    const u32 call = host.ask(hedged(), {{{gate}}});
    host.pass(20 * kMillisecond);
    EXPECT_EQ(stats().connections, 2u);
    host.kernel.abort_op(host.op(call));
    host.run();
    EXPECT_EQ(host.code(call), OpCode::kAborted);
    EXPECT_EQ(host.aborts, aborts + (is_queued ? 1 : 2));
    EXPECT_EQ(stats().connections, 0u);
  }
  host.finish();
}

TEST_F(Hedges, one_that_its_gate_refuses_leaves_the_first_alone) {
  const GateId gate = host.gate({{GateKey::kBreakerFailures, 1}, {GateKey::kBreakerPause, 1e6}});
  reply = [](const Attempt& attempt) {
    return attempt.call == 1 ? Reply::fine(30 * kMillisecond) : Reply::failed_as(kFault);
  };
  const u32 call = host.ask(hedged(), {{{gate}}});
  host.run();
  host.ask({{gate}});
  host.pass(20 * kMillisecond);
  EXPECT_EQ(host.gate_stats(gate).circuit, 1u);
  EXPECT_EQ(sent.size(), 2u);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(host.code(call), OpCode::kOk);
  EXPECT_EQ(host.answers[call].attempts, 1u);
  host.finish();
}

TEST_F(Hedges, a_queued_one_whose_circuit_opens_leaves_the_first_alone) {
  const GateId gate = host.gate({{GateKey::kBreakerFailures, 1}, {GateKey::kMaxInside, 2}});
  reply = [](const Attempt& attempt) {
    return attempt.call == 1 ? Reply::fine(30 * kMillisecond) : Reply::failed_as(kFault, 15 * kMillisecond);
  };
  const u32 call = host.ask(hedged(), {{{gate}}});
  host.run();
  host.ask({{gate}});
  host.pass(12 * kMillisecond);
  EXPECT_EQ(host.gate_stats(gate).waiting, 1u);
  host.pass(18 * kMillisecond);
  EXPECT_EQ(host.code(call), OpCode::kOk);
  host.finish();
}

// --- The first word ---

class FirstWord : public Attempts {
 protected:
  static CallRequest patient(bool stream = false) {
    CallRequest request;
    request.first_token = 10 * kMillisecond;
    request.stream = stream;
    return request;
  }
};

TEST_F(FirstWord, a_silent_attempt_is_to_be_failed_and_repeated) {
  reply = [](const Attempt& attempt) { return attempt.number < 3 ? Reply::silent() : Reply::fine(); };
  const u32 call = host.ask(host.body(), patient());
  host.pass(10 * kMillisecond - 1);
  EXPECT_EQ(host.late_words, 0u);
  host.pass(1);
  EXPECT_EQ(host.late_words, 1u);
  EXPECT_EQ(sent.size(), 2u);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(host.code(call), OpCode::kOk);
  EXPECT_EQ(host.answers[call].attempts, 3u);
  EXPECT_EQ(host.aborts, 0u);
  host.finish();
}

TEST_F(FirstWord, the_host_is_told_again_until_it_has_answered) {
  host.closes = false;
  const u32 call = host.ask(host.body(), patient());
  host.pass(50 * kMillisecond);
  EXPECT_EQ(host.late_words, 5u);
  const CallId id = host.call_of(call);
  host.lose(id);
  host.kernel.call_done(id, false);
  host.pass(50 * kMillisecond);
  EXPECT_EQ(host.late_words, 5u);
  host.finish();
}

TEST_F(FirstWord, a_word_or_an_answer_clears_it) {
  const FiberId body = host.body();
  reply = [](const Attempt&) { return Reply::opened(9 * kMillisecond); };
  host.ask(body, patient(true));
  host.pass(9 * kMillisecond);
  const CallId stream = sent[0].call;
  reply = [](const Attempt&) { return Reply::fine(9 * kMillisecond); };
  host.ask(body, patient());
  host.pass(9 * kMillisecond);
  reply = [](const Attempt&) { return Reply{.simulated = true, .latency = 30 * kMillisecond}; };
  host.ask(body, patient());
  host.pass(30 * kMillisecond);
  EXPECT_EQ(host.over(), 3u);
  EXPECT_EQ(host.late_words, 0u);
  EXPECT_EQ(host.kernel.stats().timers, 0u);
  host.lose(stream);
  host.kernel.call_closed(stream);
  host.finish();
}

TEST_F(FirstWord, a_call_that_nobody_wants_any_more_has_no_first_word) {
  host.closes = false;
  const u32 call = host.ask(host.body(), patient());
  host.run();
  const CallId id = host.call_of(call);
  host.kernel.abort_op(host.op(call));
  host.pass(50 * kMillisecond);
  EXPECT_EQ(host.late_words, 0u);
  host.lose(id);
  host.kernel.call_closed(id);
  host.finish();
}

// --- Streams that begin again ---

class Reopened : public Attempts {
 protected:
  Reopened() {
    reply = [](const Attempt& attempt) { return attempt.stream ? Reply::opened() : Reply::fine(); };
    request.stream = true;
  }
  // Opens a stream, and breaks it.
  CallId broken(FiberId body, const std::vector<Through>& plan = {{}}) {
    const u32 call = host.ask(body, request, plan);
    host.run();
    EXPECT_EQ(host.code(call), OpCode::kOk);
    const CallId id = sent.back().call;
    host.lose(id);
    return id;
  }
  void close(CallId id) {
    host.lose(id);
    host.kernel.call_closed(id);
  }
  CallRequest request;
};

TEST_F(Reopened, a_broken_stream_is_a_failed_attempt_and_opens_again) {
  const FiberId body = host.body();
  const CallId id = broken(body);
  const u32 again = host.reopen(body, id);
  host.pass(kMillisecond);
  EXPECT_EQ(host.code(again), OpCode::kOk);
  EXPECT_EQ(host.answers[again].attempts, 2u);
  EXPECT_EQ(numbers(), (Numbers{1, 2}));
  EXPECT_EQ(sent[1].call, id);
  EXPECT_EQ(host.kernel.stats().retries, 1u);
  close(id);
  host.finish();
}

TEST_F(Reopened, it_waits_as_a_failed_attempt_does_and_gives_its_place_back_meanwhile) {
  const GateId gate = host.gate({{GateKey::kMaxInside, 1}});
  const FiberId body = host.body();
  const CallId id = broken(body, {{{gate}}});
  const u32 again = host.reopen(body, id, 50 * kMillisecond);
  host.run();
  EXPECT_EQ(host.gate_stats(gate).inside, 0u);
  EXPECT_EQ(host.kernel.stats().calls_in_flight, 0u);
  EXPECT_EQ(host.kernel.explain(body)[0].reason, WaitReason::kBackoff);
  host.pass(50 * kMillisecond - 1);
  EXPECT_FALSE(host.is_over(again));
  host.pass(1);
  EXPECT_TRUE(host.is_over(again));
  close(id);
  host.finish();
}

TEST_F(Reopened, attempts_budgets_and_the_plan_count_it) {
  const GateId first = host.gate({{GateKey::kBreakerFailures, 4}});
  const GateId second = host.gate({{GateKey::kMaxInside, 9}});
  host.kernel.configure(ConfigKey::kMaxAttempts, 2);
  const FiberId body = host.body();
  const CallId id = broken(body, plan({first, second}));
  for (u32 i = 0; i < 3; ++i) {
    const u32 again = host.reopen(body, id);
    host.run();
    EXPECT_EQ(host.code(again), OpCode::kOk);
    host.lose(id);
  }
  EXPECT_EQ(entries(), (Numbers{0, 0, 1, 1}));
  EXPECT_GT(host.gate_stats(first).cooling_until, host.now());
  const u32 last = host.reopen(body, id);
  host.run();
  EXPECT_EQ(host.code(last), OpCode::kFailed);
  EXPECT_EQ(host.answers[last].attempts, 4u);
  SubmitRequest poor;
  poor.retry_budget = 0;
  const FiberId other = host.body(poor);
  const u32 none = host.reopen(other, broken(other));
  host.run();
  EXPECT_EQ(host.code(none), OpCode::kFailed);
  host.finish();
}

TEST_F(Reopened, streams_that_break_open_the_circuit) {
  const GateId gate = host.gate({{GateKey::kBreakerFailures, 1}});
  const FiberId body = host.body();
  const u32 again = host.reopen(body, broken(body, {{{0, 0, gate}}}));
  EXPECT_EQ(host.gate_stats(gate).circuit, 1u);
  host.pass(kMillisecond);
  EXPECT_EQ(host.code(again), OpCode::kCircuitOpen);
  host.finish();
}

TEST_F(Reopened, it_can_be_cancelled_wherever_it_stands) {
  const GateId gate = host.gate({{GateKey::kMaxInside, 1}});
  const GateId other = host.gate({{GateKey::kMaxInside, 9}});
  for (const CallState where : {CallState::kBackoff, CallState::kQueued, CallState::kInFlight}) {
    const FiberId body = host.body();
    const CallId id = broken(body, {{{0, where == CallState::kQueued ? gate : other}}});
    if (where == CallState::kInFlight) reply = [](const Attempt&) { return Reply::silent(); };
    const u32 again = host.reopen(body, id, where == CallState::kBackoff ? kSecond : 0);
    u32 blocker = 0;
    if (where == CallState::kQueued) {
      reply = [](const Attempt&) { return Reply::silent(); };
      blocker = host.ask({{0, gate}});
    }
    host.pass(kMillisecond);
    EXPECT_FALSE(host.is_over(again));
    host.kernel.cancel(body);
    host.run();
    EXPECT_EQ(host.code(again), OpCode::kCancelled);
    if (where == CallState::kQueued) {
      host.kernel.abort_op(host.op(blocker));
      reply = [](const Attempt&) { return Reply::opened(); };
    }
    host.run();
    EXPECT_EQ(host.kernel.stats().connections, 0u) << static_cast<u32>(where);
  }
  host.finish();
}

TEST_F(Reopened, its_own_timeout_ends_it) {
  const FiberId body = host.body();
  const CallId id = broken(body);
  reply = [](const Attempt&) { return Reply::silent(); };
  const u32 again = host.reopen(body, id, 0, 10 * kMillisecond);
  host.pass(10 * kMillisecond);
  EXPECT_EQ(host.code(again), OpCode::kTimeout);
  host.finish();
}

TEST_F(Reopened, nothing_but_ones_own_open_stream_can_be) {
  const FiberId body = host.body();
  const FiberId stranger = host.body();
  reply = [](const Attempt& attempt) { return attempt.stream ? Reply::opened() : Reply::silent(); };
  const u32 call = host.ask(body, Through{});
  host.run();
  EXPECT_EQ(host.kernel.reopen(body, host.call_of(call)), kRefused);
  EXPECT_EQ(host.kernel.reopen(body, 0), kRefused);
  EXPECT_EQ(host.kernel.reopen(body, 999), kRefused);
  const CallId id = broken(body);
  EXPECT_EQ(host.kernel.reopen(stranger, id), kRefused);
  EXPECT_EQ(host.kernel.reopen(999, id), kRefused);
  const u32 again = host.reopen(body, id, kSecond);
  EXPECT_EQ(host.kernel.reopen(body, id), kRefused);  // not open any more
  host.kernel.abort_op(host.op(again));
  host.kernel.abort_op(host.op(call));
  const CallId other = broken(body);
  host.kernel.cancel(body);
  EXPECT_EQ(host.kernel.reopen(body, other), kRefused);  // the cancel dropped it
  host.kernel.call_closed(other);
  host.finish();
}

}  // namespace
}  // namespace heddle::testing
