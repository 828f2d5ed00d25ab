// What follows a failed attempt: another one within budgets, a limit of the first word, a stream that begins again.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/attempts.h"

namespace heddle::testing {
namespace {

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
