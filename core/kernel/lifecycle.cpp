// A fiber's life: submit, start, the end of its body, settling, ending; and the slot that it holds meanwhile.
#include <algorithm>

#include "kernel/scheduler.h"

namespace heddle {

FiberId Scheduler::submit(const SubmitRequest& request, std::unique_ptr<Body> body) {
  if (request.parent != 0 && is_interrupted(fibers_[request.parent], request.shield)) return 0;
  if (request.parent != 0 && fibers_[request.parent].body_ended) return 0;
  const FiberId id = fibers_.take();
  Fiber& fiber = fibers_[id];
  fiber.seq = next_seq_++;
  fiber.kind = request.kind;
  fiber.body = request.body;
  fiber.is_kept = request.kept;
  fiber.leaves_children = request.leaves_children;
  fiber.created = now_;
  fiber.group = request.key != 0 ? (request.key < kMaxKey ? request.key : kMaxKey) * 2 + 1 : id * 2;
  fiber.priority = request.has_priority ? std::clamp(request.priority, -kMaxPriority, kMaxPriority) : 0;

  Time deadline = kNever;
  u32 deadline_seq = 0;
  Time grace = request.grace;
  if (request.parent != 0) {
    Fiber& from = fibers_[request.parent];
    if (!request.has_priority) fiber.priority = from.priority;
    if (request.key == 0 && !request.detached && from.kind != FiberKind::kOutside) fiber.group = from.group;
    if (from.limits != 0) {
      const FiberLimits& limits = limits_[from.limits];
      if (grace < 0) grace = limits.grace;
      if (!request.detached && limits.deadline != kNever) {
        deadline = limits.deadline;
        deadline_seq = limits.deadline_seq;
      }
    }
    if (!request.detached) {
      fiber.retry_budget = from.retry_budget;
      if (fiber.retry_budget != 0) ++retry_budgets_[fiber.retry_budget].uses;
      join_parent(id, request.parent, request.shield);
      if (from.kind == FiberKind::kScope && (fiber.kind == FiberKind::kTask || fiber.kind == FiberKind::kFiber)) {
        ++limits_of(from).submitted;
      }
    }
  }
  fiber.effective = fiber.priority;

  const Time timeout = request.timeout >= 0               ? request.timeout
                       : request.kind == FiberKind::kTask ? config_.task_timeout
                                                          : 0;
  const bool own_deadline = request.deadline > 0 && request.deadline < deadline;
  if (request.retry_budget >= 0) add_retry_budget(fiber, static_cast<u32>(request.retry_budget));
  if (timeout > 0 || request.queue_timeout > 0 || own_deadline || deadline != kNever || grace >= 0 ||
      request.kind == FiberKind::kScope) {
    FiberLimits& limits = limits_of(fiber);
    limits.timeout = timeout > 0 ? timeout : kNever;
    limits.grace = grace;
    limits.joiner = request.joiner;
    limits.quorum = request.quorum;
    limits.deadline = own_deadline ? request.deadline : deadline;
    limits.deadline_seq = own_deadline ? fiber.seq : deadline_seq;
    if (own_deadline) limits.deadline_timer = timers_.set(request.deadline, TimerKind::kDeadline, id);
    if (request.queue_timeout > 0 && fiber.kind == FiberKind::kTask) {
      limits.queue_timer = timers_.set(after(request.queue_timeout), TimerKind::kQueueTimeout, id);
    }
  }
  if (body != nullptr) {
    if (bodies_.size() <= id) bodies_.resize(static_cast<std::size_t>(id) * 2 + 16);
    bodies_[id] = std::move(body);
  }

  if (fiber.kind == FiberKind::kScope) {
    // Its parent's code goes on in it, so it goes on with its parent's slot; where that unwinds without one, so does
    // this.
    set_state(fiber, FiberState::kRunning);
    if (fiber.parent == 0) {
      fiber.needs_no_slot = true;
    } else {
      Fiber& from = fibers_[fiber.parent];
      fiber.holds_slot = from.holds_slot;
      fiber.needs_no_slot = from.needs_no_slot || (from.cancelled && !from.holds_slot);
      // A task that runs holds a slot, so this one does not run any more; it takes another when it is woken.
      if (from.holds_slot && from.state == FiberState::kRunning) set_state(from, FiberState::kSuspended);
      from.holds_slot = false;
    }
    arm_start_limits(id);
    wake(id);
  } else if (fiber.kind == FiberKind::kFiber) {
    ++light_fibers_;
    fiber.needs_no_slot = true;
    set_state(fiber, FiberState::kRunning);
    if (fiber.limits != 0) arm_start_limits(id);
    make_ready(id);
  } else {
    set_state(fiber, FiberState::kPending);
    fiber.queue_node = pending_.push(id, fiber.effective, fiber.group, now_);
    if (turn_ != 0) effect(CommandType::kSpawned, id, fiber.parent, fiber.seq);
  }
  return id;
}

FiberId Scheduler::outside() {
  const FiberId id = fibers_.take();
  Fiber& fiber = fibers_[id];
  fiber.kind = FiberKind::kOutside;
  fiber.state = FiberState::kRunning;
  fiber.needs_no_slot = true;
  fiber.started = true;
  fiber.group = id * 2;
  fiber.created = fiber.since = now_;
  return id;
}

void Scheduler::outside_done(FiberId id) {
  Fiber& fiber = fibers_[id];
  if (fiber.kind != FiberKind::kOutside || fiber.body_ended) return;
  fiber.body_ended = true;
  drop_operations(id);
  peers_->fiber_over(id);
  drop_calls(id, true);
  drop_shields(id);
  drop_limits(fiber);
  fiber.settled = true;
  fiber.is_ended = true;
  // What it opened goes on, as roots.
  while (fiber.first_child != 0) leave_parent(fiber.first_child);
  try_retire(id);
}

void Scheduler::set_state(Fiber& fiber, FiberState state) {
  if (fiber.kind == FiberKind::kTask) {
    --state_counts_[static_cast<u32>(fiber.state)];
    ++state_counts_[static_cast<u32>(state)];
  }
  fiber.state = state;
  fiber.since = now_;
}

void Scheduler::start(FiberId id) {
  Fiber& fiber = fibers_[id];
  fiber.queue_node = 0;
  take_slot(fiber);
  set_state(fiber, FiberState::kRunning);
  if (fiber.limits != 0) {
    timers_.clear(limits_[fiber.limits].queue_timer);
    arm_start_limits(id);
  }
  make_ready(id);
}

// --- Slots ---

void Scheduler::take_slot(Fiber& fiber) {
  fiber.holds_slot = true;
  ++slots_;
}

void Scheduler::release_slot(Fiber& fiber) {
  if (!fiber.holds_slot) return;
  fiber.holds_slot = false;
  --slots_;
}

// Something happened to the fiber: it may go on, at once if it has a slot or needs none.
void Scheduler::wake(FiberId id) {
  Fiber& fiber = fibers_[id];
  if (fiber.is_ready || fiber.waits_for_slot) {
    if (!fiber.waits_for_slot || !fiber.cancelled) return;
    fiber.waits_for_slot = false;
  }
  if (fiber.holds_slot || fiber.needs_no_slot || fiber.cancelled || fiber.body_ended) {
    make_ready(id);
  } else {
    fiber.waits_for_slot = true;
    slot_waiters_.push(id);
  }
}

void Scheduler::make_ready(FiberId id) {
  Fiber& fiber = fibers_[id];
  if (fiber.is_ready) return;
  if (fiber.state == FiberState::kSuspended) set_state(fiber, FiberState::kRunning);
  fiber.is_ready = true;
  ready_.push(id, fiber.effective);
}

void Scheduler::touch(FiberId id) {
  Fiber& fiber = fibers_[id];
  if (fiber.is_touched) return;
  fiber.is_touched = true;
  touched_.push_back(id);
}

// A fiber that only waits for other fibers gives its slot back.
void Scheduler::suspend_if_waiting(FiberId id) {
  Fiber& fiber = fibers_[id];
  if (fiber.body_ended || fiber.is_ready || id == paused_ || fiber.peer_waits == 0 || fiber.self_waits > 0 ||
      fiber.first_done != 0)
    return;
  release_slot(fiber);
  if (fiber.state == FiberState::kRunning) set_state(fiber, FiberState::kSuspended);
  peers_->parked(id);
}

// --- The end ---

void Scheduler::body_over(FiberId id, bool completed) {
  Fiber& fiber = fibers_[id];
  if (fiber.body_ended) return;
  // Destroyed first, while the fiber is still whole: its objects may call the kernel.
  if (id < bodies_.size()) bodies_[id].reset();
  if (fiber.body == BodyKind::kShared) shared_->body_over(id);
  if (paused_ == id) paused_ = 0;
  fiber.body_ended = true;
  fiber.verdict = fiber.settled ? fiber.verdict : completed ? Outcome::kCompleted : Outcome::kFailed;
  leave_host(fiber);
  fiber.waits_for_slot = false;
  fiber.yielded = false;
  drop_operations(id);
  peers_->fiber_over(id);
  drop_calls(id, true);
  drop_shields(id);
  end_grace(fiber);
  if (fiber.is_zombie) {
    fiber.is_zombie = false;
    --zombies_;
    if (fiber.settled && fiber.kind == FiberKind::kTask) ++unwinding_;
    if (!is_silent(fiber)) effect(CommandType::kZombie, id, 0);
  }
  if (fiber.cancelled) {
    // What it submitted in shielded sections has nobody left to wait for it.
    cancel_tree(id, false, Cause::kParentCancelled, fiber.cause_seq, 0);
  } else if (!completed) {
    cancel_tree(id, false, Cause::kParentFailed, fiber.seq, 0);
  } else if (fiber.leaves_children) {
    leave_children(id);
  }
  // Cancelling its children may have ended it already.
  if (fiber.kind == FiberKind::kScope && !fiber.is_ended) scope_body_over(id);
  if (fiber.is_ended) return;
  if (fiber.live_children == 0) {
    finish(id);
    return;
  }
  release_slot(fiber);
  if (fiber.state == FiberState::kRunning) set_state(fiber, FiberState::kSuspended);
  lend_to_children(fiber);
}

void Scheduler::tell(CommandType type, FiberId id, Outcome outcome, u32 named, u32 reason, bool ends) {
  Command command;
  command.type = type;
  command.detail[0] = static_cast<u8>(outcome);
  command.detail[1] = static_cast<u8>(fibers_[id].cause);
  command.detail[2] = ends ? 1 : 0;
  command.a = id;
  command.b = named;
  command.c = reason;
  emit(effects_, command);
}

// Decides the fiber's result, once. `ends`: finish() is about to end it, so the host needs one command, not two.
void Scheduler::settle(FiberId id, Outcome outcome, u32 reason, bool ends) {
  Fiber& fiber = fibers_[id];
  fiber.settled = true;
  fiber.verdict = outcome;
  u32 named = fiber.cause_seq;
  if (fiber.kind == FiberKind::kScope) named = limits_[fiber.limits].winner_seq;
  switch (outcome) {
    case Outcome::kCompleted:
      set_state(fiber, FiberState::kCompleted);
      if (fiber.kind == FiberKind::kTask) ++completed_;
      break;
    case Outcome::kCancelled:
      set_state(fiber, FiberState::kCancelled);
      if (fiber.kind == FiberKind::kTask) ++cancelled_;
      break;
    default:
      set_state(fiber, FiberState::kError);
      if (fiber.kind == FiberKind::kTask) ++errored_;
  }
  if (fiber.limits != 0) {
    FiberLimits& limits = limits_[fiber.limits];
    timers_.clear(limits.timeout_timer);
    timers_.clear(limits.queue_timer);
    timers_.clear(limits.deadline_timer);
  }
  if (!is_silent(fiber)) tell(CommandType::kSettle, id, outcome, named, reason, ends);
  if (ends) {
    fiber.end_told = true;
  } else if (fiber.kind == FiberKind::kTask) {
    ++unwinding_;
  }
  notify_waiters(id, false);
  if (fiber.parent != 0 && fibers_[fiber.parent].kind == FiberKind::kScope &&
      (fiber.kind == FiberKind::kTask || fiber.kind == FiberKind::kFiber) && !fiber.is_left) {
    scope_child_settled(fiber.parent, id);
  }
}

// Body and children are over. Ends the fiber, and then the ancestors that only waited for it.
void Scheduler::finish(FiberId id) {
  while (id != 0) {
    Fiber& fiber = fibers_[id];
    release_slot(fiber);
    if (!fiber.settled) {
      Outcome outcome = fiber.verdict;
      if (fiber.kind == FiberKind::kScope) outcome = scope_verdict(fiber, limits_[fiber.limits]);
      settle(id, outcome, 0, true);
    } else if (!fiber.end_told) {
      fiber.end_told = true;
      if (fiber.kind == FiberKind::kTask) --unwinding_;
      if (!is_silent(fiber)) effect(CommandType::kEnded, id);
    }
    fiber.is_ended = true;
    if (fiber.kind == FiberKind::kFiber) --light_fibers_;
    if (fiber.body == BodyKind::kShared) shared_->ended(id, fiber.verdict);
    drop_limits(fiber);
    leave_retry_budget(fiber);
    notify_waiters(id, true);
    const FiberId parent = fiber.parent;
    leave_parent(id);
    try_retire(id);
    if (parent == 0) return;
    const Fiber& up = fibers_[parent];
    id = up.body_ended && up.live_children == 0 && !up.is_ended && up.kind != FiberKind::kOutside ? parent : 0;
  }
}

void Scheduler::join_parent(FiberId id, FiberId parent, ShieldId shield) {
  Fiber& fiber = fibers_[id];
  Fiber& from = fibers_[parent];
  fiber.parent = parent;
  fiber.next_sibling = from.first_child;
  if (from.first_child != 0) fibers_[from.first_child].previous_sibling = id;
  from.first_child = id;
  ++from.live_children;
  fiber.shield = shield;
  use_shield(shield);
}

// What it left is its parent's from now on, the eldest first; without one they are roots.
void Scheduler::leave_children(FiberId id) {
  const Fiber& fiber = fibers_[id];
  const FiberId parent = fiber.parent;
  FiberId child = fiber.first_child;
  while (child != 0 && fibers_[child].next_sibling != 0) {
    ++work_;
    child = fibers_[child].next_sibling;
  }
  while (child != 0) {
    const FiberId next = fibers_[child].previous_sibling;
    leave_parent(child);
    fibers_[child].is_left = true;
    if (parent != 0) {
      join_parent(child, parent, fiber.shield);
      if (fibers_[parent].body_ended) lend(child, fibers_[parent].effective);
    }
    // A large family takes its time.
    slice_left_ -= std::min(slice_left_, 4U);
    child = next;
  }
}

void Scheduler::leave_parent(FiberId id) {
  Fiber& fiber = fibers_[id];
  if (fiber.parent == 0) return;
  Fiber& parent = fibers_[fiber.parent];
  (fiber.previous_sibling != 0 ? fibers_[fiber.previous_sibling].next_sibling : parent.first_child) =
      fiber.next_sibling;
  if (fiber.next_sibling != 0) fibers_[fiber.next_sibling].previous_sibling = fiber.previous_sibling;
  --parent.live_children;
  fiber.parent = fiber.next_sibling = fiber.previous_sibling = 0;
  leave_shield(fiber.shield);
  if (parent.body_ended) take_back(id, parent.effective);
}

// The record goes once nothing refers to it: it is over, stands in no queue, and nobody asked to keep it.
void Scheduler::try_retire(FiberId id) {
  Fiber& fiber = fibers_[id];
  if (fiber.state == FiberState::kFree) return;
  if (!fiber.is_ended || fiber.is_ready || fiber.is_kept || fiber.first_call != 0) return;
  fiber.is_touched = false;
  fiber.state = FiberState::kFree;
  retired_fibers_.push_back(id);
}

void Scheduler::release(FiberId id) {
  fibers_[id].is_kept = false;
  if (fibers_[id].is_ended) try_retire(id);
}

FiberLimits& Scheduler::limits_of(Fiber& fiber) {
  if (fiber.limits == 0) fiber.limits = limits_.take();
  return limits_[fiber.limits];
}

void Scheduler::drop_limits(Fiber& fiber) {
  if (fiber.limits == 0) return;
  timers_.clear(limits_[fiber.limits].grace_timer);
  limits_.give(fiber.limits);
  fiber.limits = 0;
}

}  // namespace heddle
