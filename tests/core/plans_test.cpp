// Plans of several models: when a call goes on with the next entry, and what circuits have to do with it.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/attempts.h"

namespace heddle::testing {
namespace {

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

}  // namespace
}  // namespace heddle::testing
