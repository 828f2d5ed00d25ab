// Waiting for other fibers: join, await-all, await-any, race; and what a waiter does for those it waits for: with
// priorities, it lends them its own (priority inheritance; Sha, Rajkumar, Lehoczky 1990), along the whole chain.
#include <algorithm>

#include "kernel/scheduler.h"

namespace heddle {

i32 Scheduler::wait(FiberId id, WaitMode mode, const FiberId* targets, u32 count, bool cancel_losers, Time timeout,
                    ShieldId shield) {
  for (u32 i = 0; i < count; ++i) {
    if (targets[i] == id || !has_fiber(targets[i])) return kRefused;
    // An outside caller does not settle.
    if (fibers_[targets[i]].kind == FiberKind::kOutside) return kRefused;
  }
  if (mode != WaitMode::kEnded && is_interrupted(fibers_[id], shield)) return kInterrupted;
  if (count == 0) return mode == WaitMode::kAll || mode == WaitMode::kAllSettled ? kDone : kRefused;

  const OpId op_id = begin(id, OpKind::kWait, shield, timeout);
  Operation& op = ops_[op_id];
  op.mode = mode;
  op.cancel_losers = cancel_losers;
  op.remaining = count;
  u32 last = 0;
  for (u32 i = 0; i < count; ++i) {
    const FiberId target = targets[i];
    if (is_over(fibers_[target], mode)) continue;
    const u32 link_id = links_.take();
    WaitLink& link = links_[link_id];
    link.op = op_id;
    link.target = target;
    link.index = i;
    (last != 0 ? links_[last].next_of_op : op.link) = link_id;
    last = link_id;
    append_waiter(link_id);
    if (fibers_[id].kind != FiberKind::kOutside) lend(target, fibers_[id].effective);
  }
  for (u32 i = 0; i < count && op.state == OpState::kParked; ++i) {
    const Fiber& target = fibers_[targets[i]];
    if (is_over(target, mode)) target_over(op_id, i, target.verdict == Outcome::kCompleted);
  }
  return static_cast<i32>(op_id);
}

bool Scheduler::is_over(const Fiber& target, WaitMode mode) const {
  return mode == WaitMode::kEnded ? target.is_ended || target.is_zombie : target.settled;
}

void Scheduler::target_over(OpId id, u32 index, bool completed) {
  Operation& op = ops_[id];
  const bool last = --op.remaining == 0;
  switch (op.mode) {
    case WaitMode::kAll:
      if (!completed) {
        complete(id, OpCode::kFailed, index);
      } else if (last) {
        complete(id, OpCode::kOk, index);
      }
      break;
    case WaitMode::kAllSettled:
    case WaitMode::kEnded:
      if (last) complete(id, OpCode::kOk, index);
      break;
    case WaitMode::kAny:
      if (completed) {
        win(id, OpCode::kOk, index);
      } else if (last) {
        complete(id, OpCode::kFailed, index);
      }
      break;
    case WaitMode::kRace: win(id, completed ? OpCode::kOk : OpCode::kFailed, index); break;
  }
}

// The wait has its winner. The losers are cancelled once the operation is complete, so that their end finds no link to
// it.
void Scheduler::win(OpId id, OpCode code, u32 index) {
  const Operation& op = ops_[id];
  if (op.cancel_losers) {
    const u32 seq = fibers_[op.fiber].seq;
    for (u32 link = op.link; link != 0; link = links_[link].next_of_op) {
      if (links_[link].index != index && links_[link].target != 0) losers_.push_back({links_[link].target, seq});
    }
  }
  complete(id, code, index);
  cancel_losers();
}

// A loser's end may decide other waits, and so on: their losers go to the end of the same list.
void Scheduler::cancel_losers() {
  if (cancels_losers_) return;
  cancels_losers_ = true;
  for (std::size_t i = 0; i < losers_.size(); ++i) {
    const Loser loser = losers_[i];
    if (!fibers_[loser.fiber].settled) cancel_tree(loser.fiber, true, Cause::kAwaitDecided, loser.seq, 0);
  }
  losers_.clear();
  cancels_losers_ = false;
}

// Tells the fiber's waiters that it settled, or that it ended; first come, first told. Telling one may unlink others,
// so each look begins anew.
void Scheduler::notify_waiters(FiberId id, bool ended) {
  Fiber& fiber = fibers_[id];
  const bool completed = fiber.verdict == Outcome::kCompleted;
  while (const u32 link = ended ? fiber.first_ender : fiber.first_waiter) {
    ++work_;
    const OpId op = links_[link].op;
    const u32 index = links_[link].index;
    remove_waiter(link);
    target_over(op, index, completed);
  }
}

u32& Scheduler::list_of(const WaitLink& link) {
  Fiber& target = fibers_[link.target];
  return ops_[link.op].mode == WaitMode::kEnded ? target.first_ender : target.first_waiter;
}

void Scheduler::append_waiter(u32 id) { append_to_list(links_, list_of(links_[id]), id); }

// Takes a link out of its target's list. The record stays with its operation until that is complete.
void Scheduler::remove_waiter(u32 id) {
  WaitLink& link = links_[id];
  ++work_;
  const FiberId target = link.target;
  remove_from_list(links_, list_of(link), id);
  link.target = link.next = link.previous = 0;
  take_back(target, fibers_[ops_[link.op].fiber].effective);
}

void Scheduler::unlink_all(OpId id) {
  while (const u32 link = ops_[id].link) {
    ops_[id].link = links_[link].next_of_op;
    if (links_[link].target != 0) remove_waiter(link);
    links_.give(link);
  }
}

// --- Priority lending ---

bool Scheduler::lends_priority() const {
  return config_.fairness == FairnessMode::kPriority || config_.dispatch == DispatchPolicy::kPriority;
}

void Scheduler::lend(FiberId id, i32 priority) {
  if (!lends_priority() || priority <= fibers_[id].effective) return;
  lending_.push_back(id);
  while (!lending_.empty()) {
    const FiberId next = lending_.back();
    lending_.pop_back();
    ++work_;
    if (priority > fibers_[next].effective) set_effective(next, priority);
  }
}

// A body that is over only waits for its children.
void Scheduler::lend_to_children(const Fiber& parent) {
  for (FiberId child = parent.first_child; child != 0; child = fibers_[child].next_sibling) {
    ++work_;
    lend(child, parent.effective);
  }
}

// One that lent `lent` left: it goes back, and so on along the chain. Who lent less than the fiber has changes nothing,
// so each look costs one pass over the waiters at most, and mostly ends at the first that lends as much.
void Scheduler::take_back(FiberId id, i32 lent) {
  if (lent < fibers_[id].effective) return;
  lending_.push_back(id);
  while (!lending_.empty()) {
    const FiberId next = lending_.back();
    lending_.pop_back();
    ++work_;
    const Fiber& fiber = fibers_[next];
    if (fiber.effective == fiber.priority || fiber.settled) continue;
    const i32 priority = lent_priority(next);
    if (priority != fiber.effective) set_effective(next, priority);
  }
}

// The highest of its own priority and what is lent to it, as far as that does not exceed what it has.
i32 Scheduler::lent_priority(FiberId id) const {
  const Fiber& fiber = fibers_[id];
  i32 priority = fiber.priority;
  if (fiber.parent != 0 && fibers_[fiber.parent].body_ended) {
    priority = std::max(priority, fibers_[fiber.parent].effective);
  }
  for (const u32 first : {fiber.first_waiter, fiber.first_ender}) {
    for (u32 link = first; link != 0 && priority < fiber.effective; link = links_[link].next) {
      ++work_;
      const Fiber& waiter = fibers_[ops_[links_[link].op].fiber];
      if (waiter.kind != FiberKind::kOutside) priority = std::max(priority, waiter.effective);
    }
  }
  return std::min(priority, fiber.effective);
}

// Priorities begin to count: those that wait already lend, too.
void Scheduler::lend_all() {
  for (OpId id = 1; id < ops_.limit(); ++id) {
    const Operation& op = ops_[id];
    if (op.kind != OpKind::kWait || op.state != OpState::kParked || fibers_[op.fiber].kind == FiberKind::kOutside)
      continue;
    for (u32 link = op.link; link != 0; link = links_[link].next_of_op) {
      if (links_[link].target != 0) lend(links_[link].target, fibers_[op.fiber].effective);
    }
  }
  for (FiberId id = 1; id < fibers_.limit(); ++id) {
    const Fiber& fiber = fibers_[id];
    if (fiber.state == FiberState::kFree || fiber.parent == 0) continue;
    if (fibers_[fiber.parent].body_ended) lend(id, fibers_[fiber.parent].effective);
  }
}

// Sets it, wherever the fiber stands, and puts those that it waits for on the work list.
void Scheduler::set_effective(FiberId id, i32 priority) {
  Fiber& fiber = fibers_[id];
  fiber.effective = priority;
  if (fiber.queue_node != 0) pending_.set_priority(fiber.queue_node, priority);
  if (fiber.is_ready) ready_.set_priority(id, priority);
  for (CallId call = fiber.first_call; call != 0; call = calls_[call].next) {
    if (calls_[call].queue_node == 0) continue;
    queue_of(calls_[call]).set_priority(calls_[call].queue_node, priority);
    // Another may stand at the front, and fit.
    if (calls_[call].stage < Route::kStages) touch_gate(calls_[call].route.gates[calls_[call].stage]);
  }
  for (OpId op = fiber.first_op; op != 0; op = ops_[op].next) {
    ++work_;
    if (ops_[op].kind != OpKind::kWait) continue;
    for (u32 link = ops_[op].link; link != 0; link = links_[link].next_of_op) {
      if (links_[link].target != 0) lending_.push_back(links_[link].target);
    }
  }
  if (!fiber.body_ended) return;
  for (FiberId child = fiber.first_child; child != 0; child = fibers_[child].next_sibling) lending_.push_back(child);
}

}  // namespace heddle
