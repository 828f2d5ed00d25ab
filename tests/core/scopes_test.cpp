// Structured scopes and their joiners: kernel/scopes.cpp has the table that these tests follow.
#include <gtest/gtest.h>

#include "support/both_bodies.h"

namespace heddle::testing {
namespace {

JobFunction after(Time duration, bool ok) {
  return [duration, ok](Self self) -> Job {
    if (co_await self.delay(duration) != OpCode::kOk) co_return false;
    co_return ok;
  };
}
JobFunction works(int ms) { return after(ms * kMillisecond, true); }
JobFunction fails(int ms) { return after(ms * kMillisecond, false); }

class Scopes : public BothBodies {
 protected:
  // Runs a scope with these children in a task of its own.
  void run(Joiner joiner, std::vector<JobFunction> children, u32 quorum = 0, JobFunction body = works(0)) {
    task_ = submit(host_, [=, this](Self self) -> Job {
      state_ = co_await self.scope(
          joiner,
          [=, this](Self scope) -> Job {
            scope_ = scope.id();
            for (const JobFunction& child : children) children_.push_back(scope.submit(child).id());
            Child last = scope.submit(body);
            body_child_ = last.id();
            co_return true;
          },
          quorum);
      ended_at_ = self.now();
      co_return true;
    });
  }
  // The same, where the body is the function itself.
  void run_body(Joiner joiner, JobFunction body, u32 quorum = 0) {
    task_ = submit(host_, [=, this](Self self) -> Job {
      state_ = co_await self.scope(joiner, body, quorum);
      ended_at_ = self.now();
      co_return true;
    });
  }
  // Only these children; the body ends at once.
  void run_children(Joiner joiner, std::vector<JobFunction> children, u32 quorum = 0) {
    run_body(
        joiner,
        [=, this](Self scope) -> Job {
          scope_ = scope.id();
          for (const JobFunction& child : children) children_.push_back(scope.submit(child).id());
          co_return true;
        },
        quorum);
  }
  void finish(Time duration = 1000 * kMillisecond) {
    host_.pass(duration);
    EXPECT_EQ(host_.outcome(task_), Outcome::kCompleted);
    expect_clean(host_);
  }

  FakeHost host_;
  FiberId task_ = 0, scope_ = 0, body_child_ = 0;
  std::vector<FiberId> children_;
  FiberState state_ = FiberState::kFree;
  Time ended_at_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Bodies, Scopes, kBothBodies, body_name);

TEST_P(Scopes, it_ends_when_body_and_children_have_ended) {
  for (const auto joiner : {Joiner::kNone, Joiner::kAll, Joiner::kAllSettled}) {
    children_.clear();
    const Time before = host_.now();
    run_children(joiner, {works(3), works(7)});
    finish();
    EXPECT_EQ(state_, FiberState::kCompleted);
    EXPECT_EQ(ended_at_ - before, 7 * kMillisecond);
  }
}

TEST_P(Scopes, the_first_failure_cancels_the_siblings) {
  for (const auto joiner : {Joiner::kNone, Joiner::kAll}) {
    children_.clear();
    const Time before = host_.now();
    run_children(joiner, {works(50), fails(3), works(60)});
    finish();
    EXPECT_EQ(state_, FiberState::kError);
    EXPECT_EQ(ended_at_ - before, 3 * kMillisecond);
    EXPECT_EQ(host_.cause(children_[0]), Cause::kScopeFailed);
    EXPECT_EQ(host_.outcome(children_[1]), Outcome::kFailed);
    EXPECT_EQ(host_.cause(children_[2]), Cause::kScopeFailed);
    EXPECT_EQ(host_.cause(scope_), Cause::kScopeFailed);
  }
}

TEST_P(Scopes, a_failure_interrupts_the_body_too) {
  OpCode seen = OpCode::kOk;
  run_body(Joiner::kAll, [&](Self scope) -> Job {
    Child child = scope.submit(fails(2));
    seen = co_await scope.delay(1000 * kMillisecond);
    co_return true;
  });
  finish();
  EXPECT_EQ(seen, OpCode::kCancelled);
  EXPECT_EQ(state_, FiberState::kError);
}

TEST_P(Scopes, a_cancelled_child_fails_all_but_not_none) {
  for (const auto joiner : {Joiner::kNone, Joiner::kAll}) {
    children_.clear();
    run_children(joiner, {works(5), works(6)});
    host_.run();
    host_.kernel.cancel(children_[0]);
    finish();
    EXPECT_EQ(state_, joiner == Joiner::kNone ? FiberState::kCompleted : FiberState::kError);
  }
}

TEST_P(Scopes, all_settled_fails_only_with_its_body) {
  run_children(Joiner::kAllSettled, {fails(2), works(4)});
  finish();
  EXPECT_EQ(state_, FiberState::kCompleted);
  EXPECT_EQ(ended_at_, 4 * kMillisecond);
}

TEST_P(Scopes, a_body_that_throws_fails_every_joiner_and_cancels_the_children) {
  for (const auto joiner :
       {Joiner::kNone, Joiner::kAll, Joiner::kAllSettled, Joiner::kAny, Joiner::kRace, Joiner::kQuorum}) {
    FiberId child = 0;
    run_body(
        joiner,
        [&](Self scope) -> Job {
          scope_ = scope.id();
          child = scope.submit(works(50)).id();
          co_await scope.delay(kMillisecond);
          co_return false;
        },
        1);
    finish();
    EXPECT_EQ(state_, FiberState::kError);
    EXPECT_EQ(host_.cause(child), Cause::kParentFailed);
    EXPECT_EQ(host_.cause(scope_), Cause::kNone);
    EXPECT_EQ(host_.settlement(scope_).named, 0u);
  }
}

TEST_P(Scopes, any_is_decided_by_the_first_that_completes) {
  run_children(Joiner::kAny, {fails(1), works(50), works(5)});
  host_.run();
  const u32 winner = host_.kernel.seq(children_[2]);
  finish();
  EXPECT_EQ(state_, FiberState::kCompleted);
  EXPECT_EQ(ended_at_, 5 * kMillisecond);
  EXPECT_EQ(host_.cause(children_[1]), Cause::kScopeDecided);
  EXPECT_EQ(host_.settlement(scope_).named, winner);
}

TEST_P(Scopes, any_fails_when_none_completes_or_none_was_there) {
  run_children(Joiner::kAny, {fails(1), fails(5)});
  finish();
  EXPECT_EQ(state_, FiberState::kError);
  EXPECT_EQ(host_.settlement(scope_).named, 0u);
  run_children(Joiner::kAny, {});
  finish();
  EXPECT_EQ(state_, FiberState::kError);
}

TEST_P(Scopes, race_is_decided_by_the_first_that_settles_and_is_what_that_was) {
  for (const bool ok : {true, false}) {
    children_.clear();
    run_children(Joiner::kRace, {works(50), ok ? works(2) : fails(2)});
    host_.run();
    const u32 winner = host_.kernel.seq(children_[1]);
    finish();
    EXPECT_EQ(state_, ok ? FiberState::kCompleted : FiberState::kError);
    EXPECT_EQ(host_.cause(children_[0]), Cause::kScopeDecided);
    EXPECT_EQ(host_.settlement(scope_).named, winner);
  }
}

TEST_P(Scopes, race_of_nobody_fails) {
  run_children(Joiner::kRace, {});
  finish();
  EXPECT_EQ(state_, FiberState::kError);
}

TEST_P(Scopes, quorum_is_decided_by_the_nth_that_completes) {
  run_children(Joiner::kQuorum, {works(1), fails(2), works(5), works(50)}, 2);
  finish();
  EXPECT_EQ(state_, FiberState::kCompleted);
  EXPECT_EQ(ended_at_, 5 * kMillisecond);
  EXPECT_EQ(host_.cause(children_[3]), Cause::kScopeDecided);
}

TEST_P(Scopes, quorum_fails_as_soon_as_it_cannot_be_reached) {
  run_children(Joiner::kQuorum, {works(50), fails(2), fails(3)}, 2);
  finish();
  EXPECT_EQ(state_, FiberState::kError);
  EXPECT_EQ(ended_at_, 3 * kMillisecond);
  EXPECT_EQ(host_.cause(children_[0]), Cause::kScopeFailed);
}

TEST_P(Scopes, quorum_waits_for_its_body_before_it_gives_up) {
  run_body(
      Joiner::kQuorum,
      [&](Self scope) -> Job {
        Child failing = scope.submit(fails(1));
        co_await scope.delay(5 * kMillisecond);
        for (int i = 0; i < 2; ++i) {
          Child child = scope.submit(works(5));
        }
        co_return true;
      },
      2);
  finish();
  EXPECT_EQ(state_, FiberState::kCompleted);
}

TEST_P(Scopes, quorum_of_too_few_fails_when_its_body_ends) {
  run_children(Joiner::kQuorum, {works(50)}, 2);
  finish();
  EXPECT_EQ(state_, FiberState::kError);
  EXPECT_EQ(ended_at_, 0);
}

TEST_P(Scopes, a_decided_scope_ends_after_its_losers_have_unwound) {
  run_children(Joiner::kRace, {works(1), [](Self self) -> Job {
                                 co_await self.delay(1000 * kMillisecond);
                                 auto section = self.shield(100 * kMillisecond);
                                 co_await self.delay(10 * kMillisecond);
                                 co_return false;
                               }});
  finish();
  EXPECT_EQ(state_, FiberState::kCompleted);
  EXPECT_EQ(ended_at_, 11 * kMillisecond);
}

TEST_P(Scopes, one_cancelled_from_outside_is_cancelled_with_all_below) {
  for (const auto joiner :
       {Joiner::kNone, Joiner::kAll, Joiner::kAllSettled, Joiner::kAny, Joiner::kRace, Joiner::kQuorum}) {
    children_.clear();
    run_children(joiner, {works(50), works(60)}, 1);
    host_.run();
    host_.kernel.cancel(scope_, 3);
    finish();
    EXPECT_EQ(state_, FiberState::kCancelled);
    EXPECT_EQ(host_.cause(children_[0]), Cause::kParentCancelled);
  }
}

TEST_P(Scopes, the_cancelled_parent_is_told_when_the_scope_has_ended) {
  run_children(Joiner::kAll, {[](Self self) -> Job {
                 co_await self.delay(1000 * kMillisecond);
                 auto section = self.shield(100 * kMillisecond);
                 co_await self.delay(10 * kMillisecond);
                 co_return false;
               }});
  host_.run();
  host_.kernel.cancel(task_);
  host_.pass(9 * kMillisecond);
  EXPECT_EQ(state_, FiberState::kFree);
  host_.pass(kMillisecond);
  EXPECT_EQ(state_, FiberState::kCancelled);
  expect_clean(host_);
}

TEST_P(Scopes, nothing_can_be_submitted_to_one_that_has_decided) {
  FiberId late = 99;
  run_body(Joiner::kRace, [&](Self scope) -> Job {
    Child child = scope.submit(works(1));
    co_await scope.delay(1000 * kMillisecond);
    late = scope.submit(works(1)).id();
    co_return true;
  });
  finish();
  EXPECT_EQ(late, 0u);
  EXPECT_EQ(state_, FiberState::kCompleted);
}

TEST_P(Scopes, a_scope_in_a_scope_reports_to_its_body_only) {
  FiberState inner = FiberState::kFree;
  run_body(Joiner::kAll, [&](Self scope) -> Job {
    inner = co_await scope.scope(Joiner::kAll, [](Self nested) -> Job {
      Child child = nested.submit(fails(1));
      co_return true;
    });
    co_return true;
  });
  finish();
  EXPECT_EQ(inner, FiberState::kError);
  EXPECT_EQ(state_, FiberState::kCompleted);
}

TEST_P(Scopes, a_hundred_children_that_never_started_end_with_it) {
  host_.kernel.configure(ConfigKey::kMaxTasks, 1);
  run_body(Joiner::kAll, [](Self scope) -> Job {
    for (int i = 0; i < 100; ++i) {
      Child child = scope.submit(i == 0 ? fails(1) : works(1));
    }
    co_return true;
  });
  finish();
  EXPECT_EQ(state_, FiberState::kError);
}

}  // namespace
}  // namespace heddle::testing
