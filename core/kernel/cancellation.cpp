// Cancellation: a tree, level-triggered, the first cause wins.
//
// A cancelled task settles at once; its body finds out at its next operation, and at every one after that, so that no
// `finally` can hang. Shielded operations go on until their shield's time is over. A body that has not unwound within
// its grace becomes a zombie: nobody waits for it any more, and it holds no slot.
#include <algorithm>

#include "kernel/compact_sort.h"
#include "kernel/scheduler.h"

namespace heddle {

bool Scheduler::cancel(FiberId id, Cause cause, u32 reason) {
  const Fiber& fiber = fibers_[id];
  if (fiber.settled || fiber.cancelled) return false;
  cancel_tree(id, true, cause, fiber.seq, reason);
  return true;
}

void Scheduler::cancel_all(Cause cause, u32 reason) {
  // Roots only: the tree does the rest. In order of age, which is not the order of ids.
  std::vector<FiberId> roots;
  for (FiberId id = 1; id < fibers_.limit(); ++id) {
    ++work_;
    const Fiber& fiber = fibers_[id];
    if (fiber.state == FiberState::kFree || fiber.parent != 0 || fiber.cancelled || fiber.is_ended) continue;
    roots.push_back(id);
  }
  compact_sort(roots, [this](FiberId a, FiberId b) {
    return fibers_[a].seq != fibers_[b].seq ? fibers_[a].seq < fibers_[b].seq : a < b;
  });
  for (const FiberId id : roots) {
    // An outside caller is no task, but what it opened is.
    const bool with_root = fibers_[id].kind != FiberKind::kOutside || cause == Cause::kClosed;
    cancel_tree(id, with_root, cause, fibers_[id].seq, reason);
  }
}

// Depth first, parents before children, elder children first. Settling one may start another cancel_tree (a scope that
// fails); it works on the list above this one's part. What was cancelled before is left alone with its clean-up, and so
// is what a shield protects.
void Scheduler::cancel_tree(FiberId root, bool with_root, Cause cause, u32 seq, u32 reason) {
  const std::size_t base = tree_.size();
  tree_.push_back(root);
  while (tree_.size() > base) {
    const FiberId id = tree_.back();
    tree_.pop_back();
    ++work_;
    if (id != root && fibers_[id].cancelled) continue;
    // The list of children begins with the youngest, and the work list is a stack: the eldest comes out first.
    for (FiberId child = fibers_[id].first_child; child != 0; child = fibers_[child].next_sibling) {
      ++work_;
      if (!is_shielded(fibers_[child])) tree_.push_back(child);
    }
    if (id == root && !with_root) continue;
    Cause own = cause;
    if (id != root && (cause == Cause::kRequested || cause == Cause::kTimeout || cause == Cause::kQueueTimeout ||
                       cause == Cause::kAwaitDecided)) {
      own = Cause::kParentCancelled;
    }
    cancel_one(id, own, seq, reason);
  }
}

bool Scheduler::is_shielded(const Fiber& fiber) const { return fiber.shield != 0 && !shields_[fiber.shield].expired; }

void Scheduler::cancel_one(FiberId id, Cause cause, u32 seq, u32 reason) {
  Fiber& fiber = fibers_[id];
  if (fiber.cancelled || fiber.settled || fiber.state == FiberState::kFree) return;
  fiber.cancelled = true;
  fiber.cause = cause;
  fiber.cause_seq = seq;
  if (cause == Cause::kDeadline && fiber.limits != 0 && limits_[fiber.limits].deadline_seq != 0) {
    fiber.cause_seq = limits_[fiber.limits].deadline_seq;
  }
  const bool timed_out = cause == Cause::kTimeout || cause == Cause::kQueueTimeout || cause == Cause::kDeadline;
  const Outcome outcome = timed_out ? Outcome::kTimedOut : Outcome::kCancelled;

  if (fiber.state == FiberState::kPending) {
    pending_.remove(fiber.queue_node);
    if (id < bodies_.size()) bodies_[id].reset();
    if (fiber.body == BodyKind::kShared) shared_->body_over(id);
    fiber.body_ended = true;
    settle(id, outcome, reason, fiber.live_children == 0);
    // Settling it may have ended its last children, and they have ended it.
    if (!fiber.is_ended && fiber.live_children == 0) finish(id);
    if (!fiber.is_ended) lend_to_children(fiber);
    return;
  }
  if (fiber.kind != FiberKind::kOutside && !fiber.body_ended) begin_grace(id);
  if (fiber.kind == FiberKind::kTask || fiber.kind == FiberKind::kFiber) settle(id, outcome, reason, false);
  if (fiber.kind == FiberKind::kScope && !is_silent(fiber))
    tell(CommandType::kInterrupt, id, outcome, fiber.cause_seq, reason, false);
  interrupt(id);
  // It unwinds without a slot.
  if (fiber.waits_for_slot) wake(id);
}

// Ends the fiber's operations with kCancelled, but for those that a shield protects and the wait of a scope's end.
void Scheduler::interrupt(FiberId id) {
  Fiber& fiber = fibers_[id];
  peers_->hold();
  for (OpId op = fiber.first_op; op != 0;) {
    ++work_;
    const OpId next = ops_[op].next;
    const bool stays = (ops_[op].kind == OpKind::kWait && ops_[op].mode == WaitMode::kEnded) ||
                       !is_interrupted(fiber, ops_[op].shield);
    if (!stays) {
      abandon(op);
      complete(op, OpCode::kCancelled, 0);
    }
    op = next;
  }
  peers_->go_on();
  drop_calls(id, false);
}

// --- Grace and zombies ---

void Scheduler::begin_grace(FiberId id) {
  FiberLimits& limits = limits_of(fibers_[id]);
  const Time grace = limits.grace >= 0 ? limits.grace : config_.grace;
  limits.grace_left = grace;
  if (limits.active_shields == 0) arm_grace(id, grace);
}

void Scheduler::arm_grace(FiberId id, Time grace) {
  limits_[fibers_[id].limits].grace_timer = timers_.set(after(grace), TimerKind::kGrace, id);
}

void Scheduler::end_grace(const Fiber& fiber) {
  if (fiber.limits == 0) return;
  FiberLimits& limits = limits_[fiber.limits];
  timers_.clear(limits.grace_timer);
  limits.grace_left = -1;
}

// Whether it waits for the end of something that was cancelled and has a grace of its own.
bool Scheduler::waits_for_unwinding(const Fiber& fiber) const {
  for (OpId op = fiber.first_op; op != 0; op = ops_[op].next) {
    if (ops_[op].kind != OpKind::kWait || ops_[op].mode != WaitMode::kEnded) continue;
    for (u32 link = ops_[op].link; link != 0; link = links_[link].next_of_op) {
      if (links_[link].target != 0 && fibers_[links_[link].target].cancelled) return true;
    }
  }
  return false;
}

void Scheduler::grace_over(FiberId id) {
  Fiber& fiber = fibers_[id];
  FiberLimits& limits = limits_[fiber.limits];
  // Only who could have gone on is to blame.
  if (((fiber.is_ready || id == paused_) && !fiber.was_told) || waits_for_unwinding(fiber)) {
    const Time grace = limits.grace >= 0 ? limits.grace : config_.grace;
    arm_grace(id, std::max(grace, Time{1}));
    return;
  }
  limits.grace_left = -1;
  if (fiber.body == BodyKind::kShared) {
    body_over(id, false);
    return;
  }
  fiber.is_zombie = true;
  ++zombies_;
  if (fiber.settled && fiber.kind == FiberKind::kTask) --unwinding_;
  fiber.waits_for_slot = false;
  release_slot(fiber);
  if (!is_silent(fiber)) effect(CommandType::kZombie, id, 1);
  const FiberId parent = fiber.parent;
  leave_parent(id);
  notify_waiters(id, true);
  if (parent == 0) return;
  const Fiber& up = fibers_[parent];
  if (up.body_ended && up.live_children == 0 && !up.is_ended && up.kind != FiberKind::kOutside) finish(parent);
}

// --- Shields ---

ShieldId Scheduler::shield(FiberId id, Time timeout) {
  const ShieldId shield_id = shields_.take();
  FiberLimits& limits = limits_of(fibers_[id]);
  Shield& shield = shields_[shield_id];
  shield.fiber = id;
  shield.timer = timers_.set(after(timeout), TimerKind::kShield, shield_id);
  shield.next = limits.first_shield;
  if (shield.next != 0) shields_[shield.next].previous = shield_id;
  limits.first_shield = shield_id;
  if (limits.active_shields++ == 0 && limits.grace_timer != 0) {
    // It may be due already, and not have fired.
    limits.grace_left = std::max(timers_.at(limits.grace_timer) - now_, Time{0});
    timers_.clear(limits.grace_timer);
  }
  return shield_id;
}

void Scheduler::unshield(ShieldId id) {
  Shield& shield = shields_[id];
  const Fiber& fiber = fibers_[shield.fiber];
  shield_over(id);
  // What it protected and still goes on has no protection any more; its number may be given out again.
  if (shield.uses > 0) {
    for (OpId op = fiber.first_op; op != 0; op = ops_[op].next) {
      ++work_;
      if (ops_[op].shield == id) ops_[op].shield = 0;
    }
    for (CallId call = fiber.first_call; call != 0; call = calls_[call].next) {
      ++work_;
      if (calls_[call].shield == id) calls_[call].shield = 0;
    }
    for (FiberId child = fiber.first_child; child != 0; child = fibers_[child].next_sibling) {
      ++work_;
      if (fibers_[child].shield == id) fibers_[child].shield = 0;
    }
  }
  (shield.previous != 0 ? shields_[shield.previous].next : limits_[fiber.limits].first_shield) = shield.next;
  if (shield.next != 0) shields_[shield.next].previous = shield.previous;
  timers_.clear(shield.timer);
  shield.fiber = 0;
  retired_shields_.push_back(id);
}

// Its time is over, or its section: its fiber's cancellation reaches what it protected.
void Scheduler::shield_over(ShieldId id) {
  if (shields_[id].expired) return;
  shields_[id].expired = true;
  const FiberId fiber_id = shields_[id].fiber;
  const Fiber& fiber = fibers_[fiber_id];
  FiberLimits& limits = limits_[fiber.limits];
  if (--limits.active_shields == 0 && limits.grace_left >= 0 && limits.grace_timer == 0) {
    arm_grace(fiber_id, limits.grace_left);
  }
  if (!fiber.cancelled || shields_[id].uses == 0) return;
  interrupt(fiber_id);
  std::vector<FiberId> children;
  for (FiberId child = fiber.first_child; child != 0; child = fibers_[child].next_sibling) {
    ++work_;
    if (fibers_[child].shield == id) children.push_back(child);
  }
  for (std::size_t i = children.size(); i > 0; --i) {
    cancel_tree(children[i - 1], true, Cause::kParentCancelled, fiber.cause_seq, 0);
  }
}

void Scheduler::drop_shields(FiberId id) {
  if (fibers_[id].limits == 0) return;
  while (const ShieldId shield = limits_[fibers_[id].limits].first_shield) unshield(shield);
}

void Scheduler::use_shield(ShieldId id) {
  if (id != 0) ++shields_[id].uses;
}

void Scheduler::leave_shield(ShieldId& id) {
  if (id == 0) return;
  --shields_[id].uses;
  id = 0;
}

// --- Limits that begin with the start ---

void Scheduler::arm_start_limits(FiberId id) {
  FiberLimits& limits = limits_[fibers_[id].limits];
  if (limits.timeout != kNever) limits.timeout_timer = timers_.set(after(limits.timeout), TimerKind::kTaskTimeout, id);
}

}  // namespace heddle
