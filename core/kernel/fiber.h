// The fiber: the one kind of thing that is scheduled. A task, a scope's body and an outside caller are all fibers.
//
// States, and what moves a fiber from one to the next (only lifecycle.cpp and cancellation.cpp write `state`):
//
//   state      | start        | park on fibers | wake           | body over          | cancel, timeout
//   -----------+--------------+----------------+----------------+--------------------+----------------------------
//   pending    | -> running   | -              | -              | -                  | -> cancelled/error, ended
//   running    | -            | -> suspended   | (holds a slot) | -> completed/error | -> cancelled/error, unwinds
//   suspended  | -            | -              | -> running     | -                  | -> cancelled/error, unwinds
//   settled    | -            | -              | -              | unwound: ended     | nothing (the first one won)
//
// Settled and ended are two things: a cancelled fiber settles at once, and ends when its body has unwound and its
// children have ended. A body that returned while children live makes its fiber suspended until they ended; only then
// does it settle. A fiber whose body does not unwind within its grace becomes a zombie: counted, without a slot, no
// longer waited for.
//
// A running fiber holds one of the slots that maxConcurrentTasks counts, a suspended one none. One that opens a scope
// hands its slot over and is suspended until it is woken. A cancelled fiber keeps the slot that it has, and one without
// unwinds without, so that clean-up never waits for somebody else's work. A light fiber never needs one.
#pragma once

#include "heddle/types.h"

namespace heddle {

struct Fiber {
  u32 seq = 0;  // number of the fiber since the runtime began; never reused
  FiberState state = FiberState::kFree;
  FiberKind kind = FiberKind::kTask;
  BodyKind body = BodyKind::kHost;
  Outcome verdict = Outcome::kNone;  // what the body's end says, until the fiber settles

  bool started : 1 = false;
  bool body_ended : 1 = false;
  bool settled : 1 = false;
  bool cancelled : 1 = false;  // its operations raise
  bool holds_slot : 1 = false;
  bool needs_no_slot : 1 = false;  // outside callers and their scopes, light fibers
  bool waits_for_slot : 1 = false;
  bool is_ready : 1 = false;    // stands in the ready queue
  bool is_touched : 1 = false;  // stands in the list of those to look at when the host's turn is over
  bool in_host : 1 = false;     // was given control, and has neither called an operation nor ended since
  bool is_zombie : 1 = false;
  bool yielded : 1 = false;          // a native body gave up its turn
  bool decided : 1 = false;          // a scope's joiner has its result
  bool is_ended : 1 = false;         // body and children are over
  bool end_told : 1 = false;         // the host knows that it ended
  bool is_kept : 1 = false;          // the record stays until release()
  bool yields_shielded : 1 = false;  // the yield was in a shielded section
  bool was_told : 1 = false;         // had its turn since it was cancelled
  bool leaves_children : 1 = false;  // they are its parent's when its body completes
  bool is_left : 1 = false;          // its parent is not who submitted it: no joiner counts it
  Cause cause = Cause::kNone;

  i32 priority = 0;
  i32 effective = 0;  // with what waiting fibers lend it
  u32 group = 0;      // fairness key
  u32 parent = 0;
  u32 first_child = 0;
  u32 next_sibling = 0;
  u32 previous_sibling = 0;
  u32 live_children = 0;

  u32 first_op = 0;    // outstanding operations
  u32 first_done = 0;  // operations that ended and were not delivered yet, in order
  u32 last_done = 0;
  u32 self_waits = 0;    // outstanding operations that need no other fiber
  u32 peer_waits = 0;    // outstanding operations that wait for fibers
  u32 first_waiter = 0;  // ties of waits for its settling
  u32 first_ender = 0;   // ties of waits for its end
  u32 first_call = 0;    // host calls that it made and that have not ended
  u32 queue_node = 0;
  u32 retry_budget = 0;  // the nearest one, its own or from above
  u32 limits = 0;        // FiberLimits, where it has any
  u32 cause_seq = 0;     // whose timeout, deadline or cancellation it was
  ShieldId shield = 0;   // of its parent; protects it too

  Time created = 0;
  Time since = 0;  // when it entered its state
};
// A million parked fibers have to fit.
static_assert(sizeof(Fiber) <= 112);

// What only some fibers have.
struct FiberLimits {
  Time timeout = kNever;
  Time deadline = kNever;  // as a point in time, its own or inherited
  Time grace = -1;         // -1: the configuration's
  u32 deadline_seq = 0;    // whose deadline it is
  TimerId timeout_timer = 0;
  TimerId queue_timer = 0;
  TimerId deadline_timer = 0;
  TimerId grace_timer = 0;
  // Scopes.
  Joiner joiner = Joiner::kNone;
  u32 quorum = 0;
  u32 submitted = 0;
  u32 completed = 0;
  u32 failed = 0;
  u32 winner_seq = 0;
  bool winner_failed = false;
  // Shields that protect the fiber's clean-up; time under one does not count as grace.
  ShieldId first_shield = 0;
  u32 active_shields = 0;
  Time grace_left = -1;  // -1: nothing to unwind
  u64 unwinding_steps = 0;
};

// Repetitions that a fiber and what is below it may spend. A record of its own, as a zombie outlives its ancestors.
struct RetryBudget {
  u32 left = 0;
  u32 above = 0;  // the next one, which counts as well
  u32 uses = 0;   // fibers whose nearest one it is, and budgets right below it
};

}  // namespace heddle
