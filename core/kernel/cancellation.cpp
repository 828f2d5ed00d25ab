// Cancellation: a tree, level-triggered, the first cause wins.
//
// A cancelled task settles at once; its body finds out at its next operation, and at every one after that, so that no
// `finally` can hang. Shielded operations go on until their shield's time is over. A body that has not unwound within its
// grace becomes a zombie: nobody waits for it any more, and it holds no slot.
#include <algorithm>

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
  const std::size_t base = losers_.size();
  for (FiberId id = 1; id < fibers_.limit(); ++id) {
    const Fiber& fiber = fibers_[id];
    if (fiber.state == FiberState::kFree || fiber.parent != 0 || fiber.cancelled || fiber.is_ended) continue;
    if (fiber.kind == FiberKind::kOutside && cause != Cause::kClosed) {
      // An outside caller is no task, but what it opened is.
      if (fiber.live_children > 0) losers_.push_back(id);
      continue;
    }
    losers_.push_back(id);
  }
  std::sort(losers_.begin() + static_cast<std::ptrdiff_t>(base), losers_.end(), [this](FiberId a, FiberId b) {
    return fibers_[a].seq != fibers_[b].seq ? fibers_[a].seq < fibers_[b].seq : a < b;
  });
  const std::size_t end = losers_.size();
  for (std::size_t i = base; i < end; ++i) {
    const Fiber& fiber = fibers_[losers_[i]];
    const bool with_root = fiber.kind != FiberKind::kOutside || cause == Cause::kClosed;
    cancel_tree(losers_[i], with_root, cause, fiber.seq, reason);
  }
  losers_.resize(base);
}

// Depth first, parents before children, elder children first. Settling one may start another cancel_tree (a scope that
// fails); it works on the list above this one's part.
void Scheduler::cancel_tree(FiberId root, bool with_root, Cause cause, u32 seq, u32 reason) {
  const std::size_t base = tree_.size();
  tree_.push_back(root);
  while (tree_.size() > base) {
    const FiberId id = tree_.back();
    tree_.pop_back();
    // The list of children begins with the youngest, and the work list is a stack: the eldest comes out first.
    for (FiberId child = fibers_[id].first_child; child != 0; child = fibers_[child].next_sibling) {
      tree_.push_back(child);
    }
    if (id == root && !with_root) continue;
    Cause own = cause;
    if (id != root && (cause == Cause::kRequested || cause == Cause::kTimeout || cause == Cause::kQueueTimeout)) {
      own = Cause::kParentCancelled;
    }
    cancel_one(id, own, seq, reason);
  }
}

void Scheduler::cancel_one(FiberId id, Cause cause, u32 seq, u32 reason) {
  Fiber& fiber = fibers_[id];
  if (fiber.cancelled || fiber.is_ended || fiber.state == FiberState::kFree) return;
  if (fiber.settled && fiber.kind == FiberKind::kTask) return;
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
    fiber.body_ended = true;
    if (id < bodies_.size()) bodies_[id].reset();
    settle(id, outcome, reason, fiber.live_children == 0);
    if (fiber.live_children == 0) finish(id);
    return;
  }
  if (fiber.kind != FiberKind::kOutside && !fiber.body_ended) arm_grace(id);
  if (fiber.kind == FiberKind::kTask) settle(id, outcome, reason, false);
  interrupt(id);
}

// Ends the fiber's operations with kCancelled, but for those that a shield protects and the wait of a scope's end.
void Scheduler::interrupt(FiberId id) {
  Fiber& fiber = fibers_[id];
  for (OpId op = fiber.first_op; op != 0;) {
    const OpId next = ops_[op].next;
    const bool stays = (ops_[op].kind == OpKind::kWait && ops_[op].mode == WaitMode::kEnded) ||
                       !is_interrupted(fiber, ops_[op].shield);
    if (!stays) {
      abandon(op);
      complete(op, OpCode::kCancelled, 0);
    }
    op = next;
  }
  drop_calls(id, false);
}

// --- Grace and zombies ---

void Scheduler::arm_grace(FiberId id) {
  FiberLimits& limits = limits_of(fibers_[id]);
  if (limits.grace_timer != 0) return;
  const Time grace = limits.grace >= 0 ? limits.grace : config_.grace;
  const Time from = limits.shielded_until > now_ ? limits.shielded_until : now_;
  limits.grace_timer = timers_.set(from + grace, TimerKind::kGrace, id);
}

void Scheduler::grace_over(FiberId id) {
  Fiber& fiber = fibers_[id];
  const FiberLimits& limits = limits_[fiber.limits];
  if (limits.shielded_until > now_) {
    arm_grace(id);
    return;
  }
  fiber.is_zombie = true;
  ++zombies_;
  if (fiber.settled && fiber.kind == FiberKind::kTask) --unwinding_;
  fiber.waits_for_slot = false;
  release_slot(fiber);
  effect(CommandType::kZombie, id, 1);
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
  shield.timer = timers_.set(now_ + timeout, TimerKind::kShield, shield_id);
  shield.next = limits.first_shield;
  limits.first_shield = shield_id;
  if (now_ + timeout > limits.shielded_until) limits.shielded_until = now_ + timeout;
  return shield_id;
}

void Scheduler::unshield(ShieldId id) {
  Shield& shield = shields_[id];
  const FiberId fiber_id = shield.fiber;
  const Fiber& fiber = fibers_[fiber_id];
  shield_over(id);
  // What it protected and is still outstanding has no protection any more; its number may be given out again.
  for (OpId op = fiber.first_op; op != 0; op = ops_[op].next) {
    if (ops_[op].shield == id) ops_[op].shield = 0;
  }
  for (CallId call = fiber.first_call; call != 0; call = calls_[call].next) {
    if (calls_[call].shield == id) calls_[call].shield = 0;
  }
  ShieldId* link = &limits_[fiber.limits].first_shield;
  while (*link != id) link = &shields_[*link].next;
  *link = shield.next;
  timers_.clear(shield.timer);
  shield.fiber = 0;
  shields_.give(id);
}

void Scheduler::shield_over(ShieldId id) {
  shields_[id].expired = true;
  const FiberId fiber = shields_[id].fiber;
  if (fibers_[fiber].cancelled) interrupt(fiber);
}

void Scheduler::drop_shields(FiberId id) {
  if (fibers_[id].limits == 0) return;
  while (const ShieldId shield = limits_[fibers_[id].limits].first_shield) unshield(shield);
}

// --- Limits that begin with the start ---

void Scheduler::arm_start_limits(FiberId id) {
  FiberLimits& limits = limits_[fibers_[id].limits];
  if (limits.timeout != kNever) limits.timeout_timer = timers_.set(now_ + limits.timeout, TimerKind::kTaskTimeout, id);
}

}  // namespace heddle
