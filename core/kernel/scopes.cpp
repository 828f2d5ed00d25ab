// Structured scopes: a scope's fiber ends only when its body and all its children ended, and its joiner decides early
// whether the rest is still wanted. Only tasks and light fibers count; a scope inside a scope reports to the body that
// opened it.
//
//   joiner     | decided, the rest cancelled       | fails, the rest cancelled      | fails at the end
//   -----------+-----------------------------------+--------------------------------+---------------------
//   none       | -                                 | first failure                  | the body threw
//   all        | -                                 | first that did not complete    | the body threw
//   allSettled | -                                 | -                              | the body threw
//   any        | first that completed              | -                              | none completed
//   race       | first that settled                | -                              | that one failed; none was there
//   quorum(n)  | the n-th that completed           | n cannot be reached any more   | fewer than n completed
#include "kernel/scheduler.h"

namespace heddle {

void Scheduler::scope_child_settled(FiberId id, FiberId child) {
  Fiber& scope = fibers_[id];
  FiberLimits& limits = limits_[scope.limits];
  const Outcome outcome = fibers_[child].verdict;
  const bool completed = outcome == Outcome::kCompleted;
  ++(completed ? limits.completed : limits.failed);
  if (scope.decided || scope.cancelled) return;
  // A body that threw has decided: the children only follow it.
  if (scope.body_ended && scope.verdict == Outcome::kFailed) return;
  bool decides = false;
  bool fails = false;
  switch (limits.joiner) {
    case Joiner::kNone: fails = !completed && outcome != Outcome::kCancelled; break;
    case Joiner::kAll: fails = !completed; break;
    case Joiner::kAllSettled: break;
    case Joiner::kAny: decides = completed; break;
    case Joiner::kRace: decides = true; break;
    case Joiner::kQuorum:
      decides = limits.completed == limits.quorum;
      fails = !decides && scope.body_ended && quorum_is_lost(limits);
      break;
  }
  if (decides) {
    scope.decided = true;
    limits.winner_seq = fibers_[child].seq;
    limits.winner_failed = !completed;
    cancel_tree(id, true, Cause::kScopeDecided, scope.seq, 0);
  } else if (fails) {
    cancel_tree(id, true, Cause::kScopeFailed, scope.seq, 0);
  }
}

void Scheduler::scope_body_over(FiberId id) {
  const Fiber& scope = fibers_[id];
  if (scope.decided || scope.cancelled || scope.verdict == Outcome::kFailed) return;
  const FiberLimits& limits = limits_[scope.limits];
  if (limits.joiner == Joiner::kQuorum && quorum_is_lost(limits)) {
    cancel_tree(id, false, Cause::kScopeFailed, scope.seq, 0);
  }
}

bool Scheduler::quorum_is_lost(const FiberLimits& limits) const {
  return limits.submitted - limits.failed < limits.quorum;
}

Outcome Scheduler::scope_verdict(const Fiber& scope, const FiberLimits& limits) const {
  if (scope.decided) return limits.winner_failed ? Outcome::kFailed : Outcome::kCompleted;
  if (scope.cancelled && scope.cause != Cause::kScopeFailed) {
    const bool timed_out = scope.cause == Cause::kTimeout || scope.cause == Cause::kDeadline;
    return timed_out ? Outcome::kTimedOut : Outcome::kCancelled;
  }
  if (scope.verdict == Outcome::kFailed || scope.cause == Cause::kScopeFailed) return Outcome::kFailed;
  const bool wants_more = (limits.joiner == Joiner::kAny || limits.joiner == Joiner::kRace) ||
                          (limits.joiner == Joiner::kQuorum && limits.completed < limits.quorum);
  return wants_more ? Outcome::kFailed : Outcome::kCompleted;
}

}  // namespace heddle
