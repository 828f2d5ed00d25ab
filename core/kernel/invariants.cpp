// What must hold whenever no kernel function is on the stack, checked from the records alone: each counter is counted
// again, each list walked from both ends, each reference followed. For tests; nothing else calls it, so a linker drops
// it.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "kernel/scheduler.h"

namespace heddle {

namespace {

class Findings {
 public:
  // Says what is wrong, unless something was before.
  void check(bool holds, const char* what, u32 id = 0) {
    if (holds || !first_.empty()) return;
    first_ = what;
    if (id != 0) first_ += " (" + std::to_string(id) + ")";
  }
  void equal(u64 counted, u64 noted, const char* what) {
    if (counted == noted || !first_.empty()) return;
    first_ = std::string(what) + ": counted " + std::to_string(counted) + ", noted " + std::to_string(noted);
  }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

}  // namespace

std::string Scheduler::broken_invariant() const {
  Findings find;
  std::map<TimerId, std::pair<TimerKind, u32>> timers;
  const auto timer = [&](TimerId id, TimerKind kind, u32 owner) {
    if (id == 0) return;
    find.check(timers.emplace(id, std::make_pair(kind, owner)).second, "two owners have one timer", id);
    find.check(timers_[id].kind == kind && timers_[id].owner == owner, "a timer is not its owner's", id);
  };

  u32 fibers = 0, light = 0, limits = 0, slots = 0, in_host = 0, zombies = 0, unwinding = 0, ready = 0, pending = 0;
  u32 ops = 0, links = 0, calls = 0, shields = 0;
  u32 states[7] = {};
  std::map<ShieldId, u32> uses;
  std::map<u32, u32> budget_uses;
  for (FiberId id = 1; id < fibers_.limit(); ++id) {
    const Fiber& fiber = fibers_[id];
    if (fiber.state == FiberState::kFree) continue;
    ++fibers;
    if (fiber.retry_budget != 0) ++budget_uses[fiber.retry_budget];
    const bool is_task = fiber.kind == FiberKind::kTask;
    if (is_task) ++states[static_cast<u32>(fiber.state)];
    slots += fiber.holds_slot ? 1 : 0;
    in_host += fiber.in_host ? 1 : 0;
    zombies += fiber.is_zombie ? 1 : 0;
    ready += fiber.is_ready ? 1 : 0;
    pending += fiber.queue_node != 0 ? 1 : 0;
    unwinding += is_task && fiber.settled && !fiber.end_told && !fiber.is_zombie ? 1 : 0;
    const bool has_settled_state = fiber.state >= FiberState::kCompleted;
    if (fiber.kind != FiberKind::kOutside) {
      find.check(fiber.settled == has_settled_state, "settled, but its state is not (or the other way)", id);
    }
    find.check(!is_task || !fiber.cancelled || fiber.settled, "a cancelled task has not settled", id);
    find.check(!fiber.is_ended || (fiber.settled && fiber.body_ended), "ended, but not settled or its body goes on",
               id);
    find.check(!fiber.is_ended || fiber.live_children == 0 || fiber.kind == FiberKind::kOutside, "ended over children",
               id);
    find.check((fiber.queue_node != 0) == (fiber.state == FiberState::kPending), "pending and queued differ", id);
    find.check(!(fiber.is_ready && fiber.waits_for_slot), "ready, and waits for a slot", id);
    find.check(!(fiber.holds_slot && fiber.waits_for_slot), "holds a slot, and waits for one", id);
    find.check(!fiber.is_zombie || (!fiber.holds_slot && fiber.cancelled && !fiber.body_ended), "not a zombie", id);
    find.check(!fiber.waits_for_slot || !fiber.cancelled, "a cancelled fiber waits for a slot", id);
    find.check(!fiber.holds_slot || !fiber.is_ended, "an ended fiber holds a slot", id);
    find.check(!fiber.in_host || fiber.first_op == 0 || is_awaited_by_host(fiber), "has control, and waits", id);
    light += fiber.kind == FiberKind::kFiber && !fiber.is_ended ? 1 : 0;
    if (fiber.first_done != 0) {
      find.check(fiber.is_ready || fiber.waits_for_slot, "a result was forgotten", id);
    }
    // Something must happen to it one day.
    if (!fiber.is_ended && fiber.kind != FiberKind::kOutside) {
      const bool waits = fiber.first_op != 0 || fiber.in_host || (fiber.body_ended && fiber.live_children > 0);
      find.check(fiber.queue_node != 0 || fiber.is_ready || fiber.waits_for_slot || waits || id == paused_,
                 "stands nowhere", id);
    }
    find.check(!is_task || fiber.state != FiberState::kRunning || fiber.holds_slot, "runs without a slot", id);

    u32 count = 0;
    FiberId before = 0;
    for (FiberId child = fiber.first_child; child != 0; child = fibers_[child].next_sibling) {
      find.check(fibers_[child].parent == id && fibers_[child].previous_sibling == before, "children are mislinked",
                 id);
      before = child;
      ++count;
    }
    find.equal(count, fiber.live_children, "children");
    if (fiber.shield != 0) {
      find.check(has_shield(fiber.shield, fiber.parent), "protected by a shield that its parent has not", id);
      ++uses[fiber.shield];
    }

    u32 self_waits = 0, peer_waits = 0;
    OpId previous = 0;
    for (OpId op_id = fiber.first_op; op_id != 0; op_id = ops_[op_id].next) {
      const Operation& op = ops_[op_id];
      find.check(op.fiber == id && op.kind != OpKind::kFree && op.state == OpState::kParked, "not an outstanding op",
                 op_id);
      find.check(previous == 0 || op.previous == previous, "operations are mislinked", id);
      previous = op_id;
      const bool is_peer_wait = op.kind == OpKind::kWait || op.kind == OpKind::kSync;
      peer_waits += is_peer_wait ? 1 : 0;
      self_waits += !is_peer_wait && op.kind != OpKind::kHost ? 1 : 0;
      find.check(op.kind != OpKind::kSync || op.link != 0, "waits at no object", op_id);
      ++ops;
      timer(op.timer, TimerKind::kOpDone, op_id);
      timer(op.timeout, TimerKind::kOpTimeout, op_id);
      find.check(op.kind != OpKind::kDelay || op.timer != 0, "a delay without end", op_id);
      find.check(!is_interrupted(fiber, op.shield) || (op.kind == OpKind::kWait && op.mode == WaitMode::kEnded),
                 "an operation survived its fiber's cancellation", op_id);
      if (op.shield != 0) {
        find.check(has_shield(op.shield, id), "an operation under a shield that is not its fiber's", op_id);
        ++uses[op.shield];
      }
      if (op.kind == OpKind::kCall) {
        find.check(has_call(op.link) && calls_[op.link].op == op_id, "an operation without its call", op_id);
      }
      if (op.kind == OpKind::kWait) {
        u32 open = 0;
        for (u32 link = op.link; link != 0; link = links_[link].next_of_op) {
          find.check(links_[link].op == op_id, "a wait with another's link", op_id);
          open += links_[link].target != 0 ? 1 : 0;
          ++links;
        }
        find.equal(open, op.remaining, "targets of a wait");
        find.check(open > 0, "a wait for nothing", op_id);
      }
    }
    if (fiber.first_op != 0) find.check(ops_[fiber.first_op].previous == previous, "the last operation is lost", id);
    find.equal(self_waits, fiber.self_waits, "operations that need no fiber");
    find.equal(peer_waits, fiber.peer_waits, "operations that wait for fibers");
    OpId last_done = 0;
    for (OpId op_id = fiber.first_done; op_id != 0; op_id = ops_[op_id].next) {
      find.check(ops_[op_id].fiber == id && ops_[op_id].state == OpState::kDone, "not a result", op_id);
      last_done = op_id;
      ++ops;
    }
    find.check(last_done == fiber.last_done, "the last result is lost", id);
    find.check(!fiber.body_ended || (fiber.first_op == 0 && fiber.first_done == 0), "an operation outlived its body",
               id);

    for (const u32 first : {fiber.first_waiter, fiber.first_ender}) {
      u32 last = 0;
      for (u32 link = first; link != 0; link = links_[link].next) {
        find.check(links_[link].target == id, "waiters are mislinked", id);
        const Operation& op = ops_[links_[link].op];
        find.check(op.kind == OpKind::kWait && op.state == OpState::kParked, "waited for by no wait", id);
        find.check((op.mode == WaitMode::kEnded) == (first == fiber.first_ender), "waits in the wrong list", id);
        last = link;
      }
      if (first != 0) find.check(links_[first].previous == last, "the last waiter is lost", id);
    }
    find.check(!fiber.settled || fiber.kind == FiberKind::kOutside || fiber.first_waiter == 0,
               "settled, and its waiters do not know", id);
    find.check(!fiber.is_ended || fiber.first_ender == 0, "ended, and its waiters do not know", id);

    CallId before_call = 0;
    for (CallId call = fiber.first_call; call != 0; call = calls_[call].next) {
      find.check(calls_[call].fiber == id && calls_[call].previous == before_call, "calls are mislinked", id);
      before_call = call;
      ++calls;
    }

    if (fiber.limits != 0) {
      ++limits;
      const FiberLimits& own = limits_[fiber.limits];
      timer(own.timeout_timer, TimerKind::kTaskTimeout, id);
      timer(own.queue_timer, TimerKind::kQueueTimeout, id);
      timer(own.deadline_timer, TimerKind::kDeadline, id);
      timer(own.grace_timer, TimerKind::kGrace, id);
      find.check(own.queue_timer == 0 || fiber.state == FiberState::kPending, "a queue timeout after the start", id);
      find.check(own.grace_timer == 0 || (fiber.cancelled && !fiber.body_ended), "a grace for nothing", id);
      u32 active = 0;
      ShieldId before_shield = 0;
      for (ShieldId shield = own.first_shield; shield != 0; shield = shields_[shield].next) {
        find.check(shields_[shield].fiber == id && shields_[shield].previous == before_shield, "shields are mislinked",
                   id);
        find.check((shields_[shield].timer == 0) == shields_[shield].expired, "a shield without end", shield);
        timer(shields_[shield].timer, TimerKind::kShield, shield);
        active += shields_[shield].expired ? 0 : 1;
        before_shield = shield;
        ++shields;
      }
      find.equal(active, own.active_shields, "active shields");
    }
    const bool should_unwind =
        fiber.cancelled && !fiber.body_ended && !fiber.is_zombie && fiber.kind != FiberKind::kOutside;
    if (should_unwind) {
      const bool watched =
          fiber.limits != 0 && (limits_[fiber.limits].grace_timer != 0 || limits_[fiber.limits].active_shields > 0);
      find.check(watched, "unwinds without an end to its grace", id);
    }

    find.check(fiber.effective >= fiber.priority, "has less than its priority", id);
    if (lends_priority() && !fiber.settled) {
      i32 lent = fiber.priority;
      if (fiber.parent != 0 && fibers_[fiber.parent].body_ended && fibers_[fiber.parent].effective > lent) {
        lent = fibers_[fiber.parent].effective;
      }
      for (const u32 first : {fiber.first_waiter, fiber.first_ender}) {
        for (u32 link = first; link != 0; link = links_[link].next) {
          const Fiber& waiter = fibers_[ops_[links_[link].op].fiber];
          if (waiter.kind != FiberKind::kOutside && waiter.effective > lent) lent = waiter.effective;
        }
      }
      find.check(fiber.effective >= lent, "was lent less than its waiters have", id);
    }
    if (fiber.queue_node != 0)
      find.check(pending_.priority(fiber.queue_node) == fiber.effective, "queued by another priority", id);
  }

  u32 in_flight = 0, live_calls = 0, backoffs = 0, queued = 0;
  u32 all_calls = 0;
  u32 routes = 0;
  u64 reserved = 0;
  std::map<GateId, u32> inside, users;
  std::map<GateId, std::pair<u32, i64>> held;  // of its window: let through and not sent
  for (CallId id = 1; id < calls_.limit(); ++id) {
    const Call& call = calls_[id];
    if (call.state == CallState::kFree) continue;
    ++all_calls;
    const bool flies = call.state == CallState::kInFlight || call.state == CallState::kOpen ||
                       (call.state == CallState::kClosing && !call.abandoned);
    in_flight += flies && call.type == CallClass::kLlm ? 1 : 0;
    live_calls += flies && !call.is_simulated ? 1 : 0;
    backoffs += call.state == CallState::kBackoff ? 1 : 0;
    queued += call.queue_node != 0 ? 1 : 0;
    for (u32 stage = 0; stage < Route::kStages && stage < call.stage; ++stage) ++inside[call.route.gates[stage]];
    for (u32 stage = 0; stage < Route::kStages; ++stage) {
      if ((call.counted >> stage & 1) == 0) continue;
      ++reserved;
      find.check(stage < call.stage, "counted by a gate that it has not passed", id);
      if (call.is_sent) continue;
      ++held[call.route.gates[stage]].first;
      held[call.route.gates[stage]].second += call.route.tokens;
    }
    find.check(call.is_sent == (flies && call.stage == Route::kStages), "sent, and on no wire (or the other way)", id);
    if (call.queue_node != 0) {
      find.check(queue_of(call).holds(call.queue_node, id), "stands in another queue than it thinks", id);
    }
    for (const GateId gate : call.route.gates) ++users[gate];
    for (u32 next = call.route.next; next != 0; next = routes_[next].next) {
      ++routes;
      for (const GateId gate : routes_[next].gates) ++users[gate];
    }
    find.check(call.twin == 0 || (calls_[call.twin].twin == id && calls_[call.twin].op == call.op && call.op != 0),
               "twins do not know each other", id);
    timer(call.word_timer, TimerKind::kFirstToken, id);
    timer(call.hedge_timer, TimerKind::kHedge, id);
    find.check((call.queue_node != 0) == (call.state == CallState::kQueued), "queued and waiting differ for a call",
               id);
    const bool is_wanted =
        call.state == CallState::kQueued || call.state == CallState::kInFlight || call.state == CallState::kBackoff;
    find.check(is_wanted == (call.op != 0), "a call's operation is not as its state says", id);
    if (call.shield != 0) {
      find.check(has_shield(call.shield, call.fiber), "a call under a shield that is not its fiber's", id);
      ++uses[call.shield];
    }
    timer(call.timer,
          call.state == CallState::kBackoff   ? TimerKind::kBackoff
          : call.state == CallState::kClosing ? TimerKind::kCallGrace
                                              : TimerKind::kCallAnswer,
          id);
    find.check(call.state != CallState::kOpen || !fibers_[call.fiber].body_ended, "a stream outlived its body", id);
  }
  find.equal(all_calls, calls, "calls");
  find.equal(all_calls, calls_.live() - retired_calls_.size(), "live calls");
  find.equal(in_flight, in_flight_, "calls in flight");
  find.equal(live_calls, live_calls_, "calls that take real time");
  find.equal(backoffs, backoffs_, "calls in backoff");
  u32 waiting = call_queue_.size();
  for (GateId id = 1; id < gates_.size(); ++id) {
    const Gate& gate = *gates_[id];
    waiting += gate.queue.size();
    find.equal(inside[id], gate.inside, "calls inside a gate");
    find.equal(users[id], gate.users, "plans that name a gate");
    if (gate.timer != 0) timer(gate.timer, TimerKind::kGate, id);
    find.equal(held[id].first, gate.rate.held_requests(), "requests held");
    find.equal(static_cast<u64>(held[id].second), static_cast<u64>(gate.rate.held_tokens()), "tokens held");
    const bool is_listed = std::find(touched_gates_.begin(), touched_gates_.end(), id) != touched_gates_.end();
    find.check(gate.is_touched == is_listed, "a gate is not on the list of those to look at (or the other way)", id);
    if (gate.is_touched) continue;
    // Nobody has a reason to look at it: then nobody could pass, and a timer tells when that may change.
    if (gate.queue.empty()) {
      find.check(gate.timer == 0, "a timer for nobody", id);
      continue;
    }
    if (gate.inside >= gate.limit()) continue;
    const Time next = gate.rate.next_change(now_);
    find.check(next == kNever || (gate.timer != 0 && timers_.at(gate.timer) <= next), "waits for a window in vain", id);
    const bool is_due = gate.timer != 0 && timers_.at(gate.timer) <= now_;
    const Call& front = calls_[gate.queue.front()];
    find.check(is_due || next != kNever || gate.rate.fits_at(now_, front.route.tokens) == kNever,
               "could pass and does not", id);
  }
  find.equal(queued, waiting, "queued calls");
  find.equal(routes, routes_.live(), "entries of plans");
  find.equal(reserved, reservations_ - reservations_settled_, "open reservations");

  u32 all_shields = 0;
  for (ShieldId id = 1; id < shields_.limit(); ++id) {
    if (shields_[id].fiber == 0) continue;
    ++all_shields;
    find.equal(uses.count(id) != 0 ? uses[id] : 0, shields_[id].uses, "uses of a shield");
  }
  find.equal(all_shields, shields, "shields");
  find.equal(all_shields, shields_.live() - retired_shields_.size(), "live shields");

  find.equal(fibers, fibers_.live() - retired_fibers_.size(), "live fibers");
  find.equal(std::set<FiberId>(retired_fibers_.begin(), retired_fibers_.end()).size(), retired_fibers_.size(),
             "fibers that retire once");
  find.equal(ops, ops_.live() - retired_ops_.size(), "live operations");
  find.equal(links, links_.live(), "live links");
  for (u32 id = 1; id < retry_budgets_.limit(); ++id) {
    if (retry_budgets_[id].uses != 0) ++budget_uses[retry_budgets_[id].above];
  }
  u32 budgets = 0;
  for (u32 id = 1; id < retry_budgets_.limit(); ++id) {
    find.equal(budget_uses[id], retry_budgets_[id].uses, "uses of a budget of retries");
    budgets += retry_budgets_[id].uses != 0 ? 1 : 0;
  }
  find.equal(budgets, retry_budgets_.live(), "budgets of retries");
  find.equal(limits, limits_.live(), "live limits");
  find.equal(timers.size(), timers_.size(), "timers");
  find.equal(slots, slots_, "slots");
  find.equal(in_host, in_host_, "bodies with control");
  find.equal(light, light_fibers_, "light fibers");
  find.check(turn_ == 0, "a body has control");
  find.check(paused_ == 0 || (has_fiber(paused_) && !fibers_[paused_].body_ended), "nobody's turn goes on");
  find.equal(zombies, zombies_, "zombies");
  find.equal(unwinding, unwinding_, "unwinding tasks");
  find.equal(ready, ready_.size(), "ready fibers");
  find.equal(pending, pending_.size(), "pending fibers");
  for (const FiberState state : {FiberState::kPending, FiberState::kRunning, FiberState::kSuspended}) {
    find.equal(states[static_cast<u32>(state)], state_counts_[static_cast<u32>(state)], "tasks by state");
  }
  find.check(tree_.empty() && losers_.empty() && lending_.empty() && !cancels_losers_, "work is left on a list");
  return find.first();
}

}  // namespace heddle
