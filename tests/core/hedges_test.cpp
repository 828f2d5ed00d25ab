// Hedges: a second attempt beside a silent first one, whatever becomes of the two.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/attempts.h"

namespace heddle::testing {
namespace {

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

}  // namespace
}  // namespace heddle::testing
