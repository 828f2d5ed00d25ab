// Waiting for other fibers: join, await-all, await-any, race; and what a waiter does for those it waits for: with
// priorities, it lends them its own (priority inheritance; Sha, Rajkumar, Lehoczky 1990), along the whole chain.
#include "kernel/scheduler.h"

namespace heddle {

i32 Scheduler::wait(FiberId id, WaitMode mode, const FiberId* targets, u32 count, bool cancel_losers, Time timeout,
                    ShieldId shield) {
  for (u32 i = 0; i < count; ++i) {
    if (targets[i] == id || !has_fiber(targets[i])) return kRefused;
  }
  if (mode != WaitMode::kEnded && is_interrupted(fibers_[id], shield)) return kInterrupted;
  if (count == 0) return mode == WaitMode::kAll || mode == WaitMode::kAllSettled ? kDone : kRefused;

  const OpId op_id = begin(id, OpKind::kWait, shield, timeout);
  Operation& op = ops_[op_id];
  op.mode = mode;
  op.cancel_losers = cancel_losers;
  op.remaining = count;
  for (u32 i = count; i > 0; --i) {
    const FiberId target = targets[i - 1];
    if (is_over(fibers_[target], mode)) continue;
    const u32 link_id = links_.take();
    WaitLink& link = links_[link_id];
    link.op = op_id;
    link.target = target;
    link.index = i - 1;
    link.next_of_op = op.link;
    op.link = link_id;
    append_waiter(fibers_[target], link_id);
    lend(target, fibers_[id].effective);
  }
  for (u32 i = 0; i < count && op.state == OpState::kParked; ++i) {
    const Fiber& target = fibers_[targets[i]];
    if (is_over(target, mode)) target_over(op_id, i, target.verdict == Outcome::kCompleted);
  }
  return static_cast<i32>(op_id);
}

bool Scheduler::is_over(const Fiber& target, WaitMode mode) const {
  return mode == WaitMode::kEnded ? target.is_ended : target.settled;
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
    case WaitMode::kRace:
      win(id, completed ? OpCode::kOk : OpCode::kFailed, index);
      break;
  }
}

// The wait has its winner. The losers are cancelled once the operation is complete, so that their end finds no link to it.
void Scheduler::win(OpId id, OpCode code, u32 index) {
  const Operation& op = ops_[id];
  const std::size_t base = losers_.size();
  if (op.cancel_losers) {
    for (u32 link = op.link; link != 0; link = links_[link].next_of_op) {
      if (links_[link].index != index && links_[link].target != 0) losers_.push_back(links_[link].target);
    }
  }
  const u32 seq = fibers_[op.fiber].seq;
  complete(id, code, index);
  while (losers_.size() > base) {
    const FiberId loser = losers_.back();
    losers_.pop_back();
    if (!fibers_[loser].settled) cancel_tree(loser, true, Cause::kAwaitDecided, seq, 0);
  }
}

// Tells the fiber's waiters that it settled, or that it ended; first come, first told. Telling one may unlink others, so
// each look begins anew; those that wait for the other thing are few (scopes) and stay in front.
void Scheduler::notify_waiters(FiberId id, bool ended) {
  Fiber& fiber = fibers_[id];
  const bool completed = fiber.verdict == Outcome::kCompleted;
  for (;;) {
    u32 link = fiber.first_waiter;
    while (link != 0 && (ops_[links_[link].op].mode == WaitMode::kEnded) != ended) link = links_[link].next;
    if (link == 0) return;
    const OpId op = links_[link].op;
    const u32 index = links_[link].index;
    remove_waiter(link);
    target_over(op, index, completed);
  }
}

// A fiber's waiters stand in a list whose head knows the tail as its `previous`.
void Scheduler::append_waiter(Fiber& target, u32 id) {
  WaitLink& link = links_[id];
  if (target.first_waiter == 0) {
    target.first_waiter = link.previous = id;
  } else {
    WaitLink& head = links_[target.first_waiter];
    link.previous = head.previous;
    links_[head.previous].next = id;
    head.previous = id;
  }
}

// Takes a link out of its target's list. The record stays with its operation until that is complete.
void Scheduler::remove_waiter(u32 id) {
  WaitLink& link = links_[id];
  const FiberId target_id = link.target;
  Fiber& target = fibers_[target_id];
  if (target.first_waiter == id) {
    target.first_waiter = link.next;
    if (link.next != 0) links_[link.next].previous = link.previous;
  } else {
    links_[link.previous].next = link.next;
    links_[link.next != 0 ? link.next : target.first_waiter].previous = link.previous;
  }
  link.target = 0;
  take_back(target_id);
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
    if (priority > fibers_[next].effective) set_effective(next, priority);
  }
}

// A waiter left: what it lent goes back, and so on along the chain.
void Scheduler::take_back(FiberId id) {
  if (fibers_[id].effective == fibers_[id].priority) return;
  lending_.push_back(id);
  while (!lending_.empty()) {
    const FiberId next = lending_.back();
    lending_.pop_back();
    const Fiber& fiber = fibers_[next];
    if (fiber.effective == fiber.priority || fiber.settled) continue;
    i32 priority = fiber.priority;
    if (fiber.parent != 0 && fibers_[fiber.parent].body_ended) {
      priority = fibers_[fiber.parent].effective > priority ? fibers_[fiber.parent].effective : priority;
    }
    for (u32 link = fiber.first_waiter; link != 0; link = links_[link].next) {
      const i32 lent = fibers_[ops_[links_[link].op].fiber].effective;
      if (lent > priority) priority = lent;
    }
    if (priority != fiber.effective) set_effective(next, priority);
  }
}

// Sets it, wherever the fiber stands, and puts those that it waits for on the work list.
void Scheduler::set_effective(FiberId id, i32 priority) {
  Fiber& fiber = fibers_[id];
  fiber.effective = priority;
  if (fiber.queue_node != 0) pending_.set_priority(fiber.queue_node, priority);
  for (CallId call = fiber.first_call; call != 0; call = calls_[call].next) {
    if (calls_[call].queue_node != 0) call_queue_.set_priority(calls_[call].queue_node, priority);
  }
  for (OpId op = fiber.first_op; op != 0; op = ops_[op].next) {
    if (ops_[op].kind != OpKind::kWait) continue;
    for (u32 link = ops_[op].link; link != 0; link = links_[link].next_of_op) {
      if (links_[link].target != 0) lending_.push_back(links_[link].target);
    }
  }
  if (!fiber.body_ended) return;
  for (FiberId child = fiber.first_child; child != 0; child = fibers_[child].next_sibling) lending_.push_back(child);
}

}  // namespace heddle
