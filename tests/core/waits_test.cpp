// Waiting for fibers in each mode, and the priority that waiters lend.
#include <gtest/gtest.h>

#include "support/both_bodies.h"

namespace heddle::testing {
namespace {

class Waits : public BothBodies {
 protected:
  // A task that ends after so long, well or not.
  FiberId task(FakeHost& host, Time duration, bool ok = true) {
    SubmitRequest request;
    request.kept = true;
    return submit(host, request, [duration, ok](Self self) -> Job {
      if (duration > 0) co_await self.delay(duration);
      co_return ok;
    });
  }
  // A task that waits for others, and what it got.
  struct Result {
    bool is_over = false;
    Waited waited{};
    Time at = 0;
  };
  void wait(FakeHost& host, Result& result, WaitMode mode, std::vector<FiberId> targets, bool cancel_losers = false,
            Time timeout = 0) {
    submit(host, [&result, mode, targets, cancel_losers, timeout](Self self) -> Job {
      result.waited = co_await self.wait_for(mode, targets, cancel_losers, timeout);
      result.is_over = true;
      result.at = self.now();
      co_return true;
    });
  }
};
INSTANTIATE_TEST_SUITE_P(Bodies, Waits, kBothBodies, body_name);

void expect_result(const Waited& waited, OpCode code, u32 index) {
  EXPECT_EQ(waited.code, code);
  EXPECT_EQ(waited.index, index);
}

TEST_P(Waits, all_ends_with_the_last) {
  FakeHost host;
  Result result;
  wait(host, result, WaitMode::kAll, {task(host, 2 * kMillisecond), task(host, 5 * kMillisecond), task(host, 0)});
  host.pass(10 * kMillisecond);
  expect_result(result.waited, OpCode::kOk, 1);
  EXPECT_EQ(result.at, 5 * kMillisecond);
}

TEST_P(Waits, all_ends_with_the_first_failure_and_leaves_the_others) {
  FakeHost host;
  Result result;
  const FiberId slow = task(host, 5 * kMillisecond);
  wait(host, result, WaitMode::kAll, {slow, task(host, 2 * kMillisecond, false)}, true);
  host.pass(3 * kMillisecond);
  expect_result(result.waited, OpCode::kFailed, 1);
  EXPECT_FALSE(host.is_settled(slow));
  host.pass(5 * kMillisecond);
  EXPECT_EQ(host.outcome(slow), Outcome::kCompleted);
}

TEST_P(Waits, all_settled_never_fails) {
  FakeHost host;
  Result result;
  const FiberId cancelled = task(host, 100 * kMillisecond);
  wait(host, result, WaitMode::kAllSettled, {task(host, kMillisecond, false), cancelled, task(host, 0)});
  host.pass(2 * kMillisecond);
  EXPECT_FALSE(result.is_over);
  host.kernel.cancel(cancelled);
  host.run();
  expect_result(result.waited, OpCode::kOk, 1);
}

TEST_P(Waits, any_is_the_first_that_completes) {
  FakeHost host;
  Result result;
  const FiberId slow = task(host, 9 * kMillisecond);
  wait(host, result, WaitMode::kAny, {task(host, kMillisecond, false), slow, task(host, 3 * kMillisecond)});
  host.pass(5 * kMillisecond);
  expect_result(result.waited, OpCode::kOk, 2);
  EXPECT_FALSE(host.is_settled(slow));
}

TEST_P(Waits, any_fails_when_all_have_failed) {
  FakeHost host;
  Result result;
  wait(host, result, WaitMode::kAny, {task(host, 3 * kMillisecond, false), task(host, kMillisecond, false)});
  host.pass(2 * kMillisecond);
  EXPECT_FALSE(result.is_over);
  host.pass(kMillisecond);
  expect_result(result.waited, OpCode::kFailed, 0);
}

TEST_P(Waits, race_is_the_first_that_settles) {
  FakeHost host;
  Result result;
  wait(host, result, WaitMode::kRace, {task(host, 3 * kMillisecond), task(host, kMillisecond, false)});
  host.pass(5 * kMillisecond);
  expect_result(result.waited, OpCode::kFailed, 1);
}

TEST_P(Waits, losers_are_cancelled_where_wanted) {
  for (const auto mode : {WaitMode::kAny, WaitMode::kRace}) {
    FakeHost host;
    Result result;
    const FiberId first = task(host, 8 * kMillisecond), second = task(host, 9 * kMillisecond);
    const FiberId winner = task(host, kMillisecond);
    wait(host, result, mode, {first, winner, second}, true);
    host.pass(kMillisecond);
    expect_result(result.waited, OpCode::kOk, 1);
    EXPECT_EQ(host.cause(first), Cause::kAwaitDecided);
    EXPECT_EQ(host.cause(second), Cause::kAwaitDecided);
    ASSERT_GE(host.settled.size(), 3u);
    EXPECT_EQ(host.settled[1].fiber, first);
    EXPECT_EQ(host.settled[2].fiber, second);
  }
}

TEST_P(Waits, targets_that_have_settled_count_at_once) {
  FakeHost host;
  const FiberId ok = task(host, 0), failed = task(host, 0, false), slow = task(host, 5 * kMillisecond);
  host.run();
  Result all, all_failed, settled, any, race, mixed;
  wait(host, all, WaitMode::kAll, {ok, ok});
  wait(host, all_failed, WaitMode::kAll, {ok, failed, slow});
  wait(host, settled, WaitMode::kAllSettled, {failed, ok});
  wait(host, any, WaitMode::kAny, {slow, failed, ok});
  wait(host, race, WaitMode::kRace, {slow, failed, ok});
  wait(host, mixed, WaitMode::kAll, {ok, slow});
  host.run();
  expect_result(all.waited, OpCode::kOk, 1);
  expect_result(all_failed.waited, OpCode::kFailed, 1);
  expect_result(settled.waited, OpCode::kOk, 1);
  expect_result(any.waited, OpCode::kOk, 2);
  expect_result(race.waited, OpCode::kFailed, 1);
  EXPECT_FALSE(mixed.is_over);
  host.pass(5 * kMillisecond);
  expect_result(mixed.waited, OpCode::kOk, 1);
}

TEST_P(Waits, a_winner_that_has_settled_cancels_its_losers) {
  FakeHost host;
  const FiberId slow = task(host, 5 * kMillisecond), ok = task(host, 0);
  host.run();
  Result result;
  wait(host, result, WaitMode::kAny, {slow, ok, slow}, true);
  host.run();
  expect_result(result.waited, OpCode::kOk, 1);
  EXPECT_EQ(host.cause(slow), Cause::kAwaitDecided);
}

TEST_P(Waits, one_target_may_be_named_twice) {
  for (const auto mode : {WaitMode::kAll, WaitMode::kAllSettled, WaitMode::kAny, WaitMode::kRace, WaitMode::kEnded}) {
    FakeHost host;
    Result result;
    const FiberId id = task(host, kMillisecond);
    wait(host, result, mode, {id, id, id}, true);
    host.pass(kMillisecond);
    EXPECT_TRUE(result.is_over);
    EXPECT_EQ(host.outcome(id), Outcome::kCompleted);
    host.kernel.release(id);
    expect_clean(host);
  }
}

TEST_P(Waits, an_empty_list_is_done_or_refused) {
  FakeHost host;
  const FiberId outside = host.kernel.outside();
  EXPECT_EQ(host.kernel.wait(outside, WaitMode::kAll, nullptr, 0), kDone);
  EXPECT_EQ(host.kernel.wait(outside, WaitMode::kAllSettled, nullptr, 0), kDone);
  EXPECT_EQ(host.kernel.wait(outside, WaitMode::kAny, nullptr, 0), kRefused);
  EXPECT_EQ(host.kernel.wait(outside, WaitMode::kRace, nullptr, 0), kRefused);
  EXPECT_EQ(host.kernel.wait(outside, WaitMode::kEnded, nullptr, 0), kRefused);
  EXPECT_EQ(host.kernel.wait(outside, static_cast<WaitMode>(17), nullptr, 0), kRefused);
  host.kernel.outside_done(outside);
}

TEST_P(Waits, ended_waits_for_body_and_children_and_outlasts_a_cancel) {
  FakeHost host;
  Result result;
  const FiberId target = submit(host, [](Self self) -> Job {
    co_await self.delay(1000 * kMillisecond);
    auto section = self.shield(100 * kMillisecond);
    co_await self.delay(10 * kMillisecond);
    co_return false;
  });
  Result settled;
  wait(host, settled, WaitMode::kAllSettled, {target});
  FiberId waiter = submit(host, [&](Self self) -> Job {
    result.waited = co_await self.wait(WaitMode::kEnded, target);
    result.is_over = true;
    co_return true;
  });
  host.run();
  host.kernel.cancel(target);
  host.kernel.cancel(waiter);
  host.run();
  EXPECT_TRUE(settled.is_over);
  EXPECT_FALSE(result.is_over);
  host.pass(10 * kMillisecond);
  EXPECT_TRUE(result.is_over);
  expect_result(result.waited, OpCode::kOk, 0);
  expect_clean(host);
}

TEST_P(Waits, nobody_can_wait_for_himself) {
  FakeHost host;
  OpCode code = OpCode::kOk;
  submit(host, [&](Self self) -> Job {
    code = (co_await self.wait(WaitMode::kAll, self.id())).code;
    co_return true;
  });
  host.run();
  EXPECT_EQ(code, OpCode::kFailed);
  expect_clean(host);
}

TEST_P(Waits, a_timeout_leaves_the_targets_alone) {
  FakeHost host;
  Result result;
  const FiberId slow = task(host, 9 * kMillisecond);
  wait(host, result, WaitMode::kRace, {slow}, true, 5 * kMillisecond);
  host.pass(5 * kMillisecond);
  expect_result(result.waited, OpCode::kTimeout, 0);
  host.pass(5 * kMillisecond);
  EXPECT_EQ(host.outcome(slow), Outcome::kCompleted);
}

// --- Priority lending ---

class Lending : public ::testing::Test {
 protected:
  Lending() : host_(config()) {}
  static KernelConfig config() {
    KernelConfig config;
    config.max_tasks = 1;
    config.fairness = FairnessMode::kPriority;
    return config;
  }
  static SubmitRequest at(i32 priority) {
    SubmitRequest request;
    request.has_priority = true;
    request.priority = priority;
    request.kept = true;
    return request;
  }
  // A task that notes its name when it starts.
  FiberId named(char name, i32 priority) {
    return host_.submit(at(priority), [this, name](Self) -> Job {
      order_ += name;
      co_return true;
    });
  }
  // One that starts now and waits for another.
  FiberId waits_for(FiberId target, i32 priority) {
    const FiberId id = host_.submit(at(priority), [target](Self self) -> Job {
      co_return (co_await self.wait(WaitMode::kAll, target)).code == OpCode::kOk;
    });
    return id;
  }

  FakeHost host_;
  std::string order_;
};

TEST_F(Lending, a_waiter_lends_its_priority) {
  const FiberId low = named('l', 0);
  named('m', 5);
  waits_for(low, 10);
  host_.run();
  EXPECT_EQ(order_, "lm");
}

TEST_F(Lending, it_goes_along_a_chain) {
  const FiberId last = named('l', 0);
  named('m', 5);
  // Both start before the tasks they wait for: they are the most important ones, one after the other.
  const FiberId middle = waits_for(last, 6);
  waits_for(middle, 10);
  host_.run();
  EXPECT_EQ(order_, "lm");
}

TEST_F(Lending, an_outside_caller_lends_nothing) {
  const FiberId low = named('l', -5);
  named('m', -1);
  const FiberId outside = host_.kernel.outside();
  ASSERT_GT(host_.kernel.wait(outside, WaitMode::kAll, &low, 1), 0);
  host_.run();
  EXPECT_EQ(order_, "ml");
}

TEST_F(Lending, a_waiter_that_gives_up_takes_it_back) {
  // The slot is taken while the order of the queue changes.
  const FiberId holder =
      host_.submit(at(1000), [](Self self) -> Job { co_return co_await self.delay(10 * kMillisecond) == OpCode::kOk; });
  host_.run();
  const FiberId low = named('l', 0);
  named('m', 5);
  host_.kernel.configure(ConfigKey::kMaxTasks, 2);
  FiberId waiter = waits_for(low, 50);
  host_.step_limit = 1;
  host_.turn();  // the waiter starts and waits
  host_.kernel.configure(ConfigKey::kMaxTasks, 1);
  host_.turn();
  host_.kernel.cancel(waiter);
  host_.step_limit = UINT32_MAX;
  host_.run();
  host_.pass(10 * kMillisecond);
  EXPECT_EQ(host_.outcome(holder), Outcome::kCompleted);
  EXPECT_EQ(order_, "ml");
}

TEST_F(Lending, a_parent_that_only_waits_for_its_children_lends_to_them) {
  host_.submit(at(10), [this](Self self) -> Job {
    SubmitRequest request = at(0);
    Child child = self.submit(
        [this](Self) -> Job {
          order_ += 'c';
          co_return true;
        },
        request);
    co_return true;
  });
  named('m', 5);
  host_.run();
  EXPECT_EQ(order_, "cm");
}

TEST_F(Lending, a_lent_priority_moves_a_call_that_waits_for_its_place) {
  host_.kernel.configure(ConfigKey::kMaxTasks, 10);
  host_.kernel.configure(ConfigKey::kMaxCalls, 1);
  host_.on_call = [](const Attempt&) { return Reply::fine(10 * kMillisecond); };
  const auto calls = [this](char name) {
    return [this, name](Self self) -> Job {
      co_await self.call();
      order_ += name;
      co_return true;
    };
  };
  host_.submit(at(5), calls('a'));
  host_.run();
  const FiberId low = host_.submit(at(0), calls('l'));
  host_.submit(at(5), calls('m'));
  host_.run();
  waits_for(low, 10);
  host_.pass(100 * kMillisecond);
  EXPECT_EQ(order_, "alm");
}

TEST_F(Lending, it_begins_when_priorities_begin_to_count) {
  FakeHost host(with_tasks(2));
  std::string order;
  const auto named_in = [&order](char name) {
    return [&order, name](Self) -> Job {
      order += name;
      co_return true;
    };
  };
  host.submit(at(0), [](Self self) -> Job { co_return co_await self.delay(5 * kMillisecond) == OpCode::kOk; });
  host.submit(at(0), [](Self self) -> Job { co_return co_await self.delay(50 * kMillisecond) == OpCode::kOk; });
  host.run();
  host.kernel.configure(ConfigKey::kMaxTasks, 3);
  FiberId low = 0;
  // Under fifo the waiter starts first, and its target is stuck behind the limit.
  host.submit(at(9),
              [&](Self self) -> Job { co_return (co_await self.wait(WaitMode::kAll, low)).code == OpCode::kOk; });
  low = host.kernel.submit(at(0));
  host.step_limit = 1;
  host.turn();
  host.kernel.configure(ConfigKey::kMaxTasks, 1);
  host.submit(at(5), named_in('m'));
  host.kernel.configure(ConfigKey::kFairness, static_cast<double>(FairnessMode::kPriority));
  const auto facts = host.kernel.explain(low);
  ASSERT_FALSE(facts.empty());
  EXPECT_EQ(facts[0].ahead, 0u);
}

}  // namespace
}  // namespace heddle::testing
