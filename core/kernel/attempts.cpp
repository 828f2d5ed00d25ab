// The attempts of a call: when one starts, and what follows its failure: another one, the next entry of the plan, or
// the end.
//
// Retry, after a retryable failure of attempt n: what the server asked for, if it did; else a wait that is uniform in
// [0, min(max_delay, base_delay * 2^(n-1))] ("full jitter"; M. Brooker, "Exponential Backoff and Jitter", AWS 2015).
// Each entry of a plan has attempts of its own; the budgets are common.
//
// Hedge, after the call's delay without a word from the first attempt: a second one joins it (J. Dean, L. A. Barroso,
// "The Tail at Scale", CACM 2013), if the budget for such has room.
#include "kernel/scheduler.h"

namespace heddle {

void Scheduler::start_call(CallId id) {
  Call& call = calls_[id];
  // It may have waited long since it passed its gates.
  if (const OpCode refusal = refusal_of(call); refusal != OpCode::kOk) {
    refuse_call(id, refusal);
    return;
  }
  if (!may_be_sent(call)) {
    leave_gates(call);
    enqueue_call(id, true);
    return;
  }
  call.state = CallState::kInFlight;
  call.since = now_;
  call.is_simulated = false;
  ++call.attempt;
  ++call.route_attempt;
  if (call.twin != 0) {
    calls_[call.twin].attempt = call.attempt;
    calls_[call.twin].route_attempt = call.route_attempt;
  }
  if (call.type == CallClass::kLlm) {
    ++in_flight_;
    ++calls_started_;
  }
  ++live_calls_;
  send_through_gates(call);
  call.word_limit = call.first_token;
  arm_word(id);
  if (call.hedge > 0 && call.twin == 0 && !call.once && call.route_attempt < config_.retry.max_attempts) {
    call.hedge_timer = timers_.set(after(call.hedge), TimerKind::kHedge, id);
  }
  run(CommandType::kStartCall, id, call.op, call.attempt, call.route_index);
}

void Scheduler::arm_word(CallId id) {
  Call& call = calls_[id];
  timers_.clear(call.word_timer);
  if (call.word_limit > 0) call.word_timer = timers_.set(after(call.word_limit), TimerKind::kFirstToken, id);
}

// The attempt has said nothing for too long. The host ends it and says how it ended; where it has not begun it yet, it
// is told again.
void Scheduler::first_token_late(CallId id) {
  arm_word(id);
  effect(CommandType::kAbortCall, id, 2);
}

void Scheduler::hedge_due(CallId id) {
  const Call& first = calls_[id];
  const double allowed = config_.hedge.burst + config_.hedge.share * static_cast<double>(calls_made_);
  if (static_cast<double>(hedges_) >= allowed) return;
  ++hedges_;
  const CallId twin_id = new_call(first.fiber, first.shield);
  Call& twin = calls_[twin_id];
  twin.op = first.op;
  twin.type = first.type;
  twin.stream = first.stream;
  twin.first_token = first.first_token;
  twin.route = first.route;
  use_route(twin.route);
  twin.route.next = 0;
  twin.route_index = first.route_index;
  twin.attempt = first.attempt;
  twin.route_attempt = first.route_attempt;
  twin.is_hedge = true;
  twin.twin = id;
  calls_[id].twin = twin_id;
  enqueue_call(twin_id, false);
}

void Scheduler::attempt_failed(CallId id, u32 flags, Time retry_after) {
  Call& call = calls_[id];
  leave_flight(call);
  if (call.twin != 0) {
    if (calls_[call.twin].state != CallState::kQueued) {
      leave_to_twin(id);
      return;
    }
    // One that has not begun must not go around the wait that is due now.
    drop_twin(call);
  }
  const RetryPolicy& retry = config_.retry;
  const bool again = call.type == CallClass::kLlm && (flags & kRetryable) != 0 && !call.once &&
                     call.route_attempt < retry.max_attempts && may_retry(call.fiber);
  if (again && retry_after <= retry.max_retry_after) {
    Time wait = retry_after;
    if (wait < 0) {
      Time ceiling = retry.base_delay;
      for (u32 n = 1; n < call.route_attempt && ceiling > 0 && ceiling < retry.max_delay; ++n) ceiling *= 2;
      if (ceiling > retry.max_delay) ceiling = retry.max_delay;
      wait = static_cast<Time>(jitter_.unit() * static_cast<double>(ceiling));
    }
    spend_retry(call.fiber);
    ++backoffs_;
    call.state = CallState::kBackoff;
    call.since = now_;
    call.timer = timers_.set(after(wait), TimerKind::kBackoff, id);
    return;
  }
  if (call.route.next != 0 && !call.once && (flags & kFallback) != 0) {
    if ((flags & (kRetryable | kFault | kOverload | kUnavailable)) != 0) cool(call.route);
    go_elsewhere(id);
    return;
  }
  fail_call(id, again ? OpCode::kRetryAfterTooLong : OpCode::kFailed);
}

// The other attempt goes on alone.
void Scheduler::leave_to_twin(CallId id) {
  Call& call = calls_[id];
  Call& twin = calls_[call.twin];
  const OpId op = call.op;
  ops_[op].link = call.twin;
  twin.twin = 0;
  twin.attempt = call.attempt;
  // The first one's plan goes on, too.
  if (twin.is_hedge) {
    twin.route.next = call.route.next;
    call.route.next = 0;
  }
  call.twin = 0;
  call.op = 0;
  free_call(id);
}

// Its gates will not let it through.
void Scheduler::refuse_call(CallId id, OpCode code) {
  Call& call = calls_[id];
  leave_gates(call);
  if (call.twin != 0) {
    leave_to_twin(id);
    return;
  }
  if (call.route.next != 0) {
    go_elsewhere(id);
    return;
  }
  fail_call(id, code);
}

void Scheduler::go_elsewhere(CallId id) {
  Call& call = calls_[id];
  // Past those that would refuse it: a plan of any length takes no stack.
  do {
    take_next_route(call);
    while (is_cooling(call.route) && has_cool_route(call)) take_next_route(call);
    ++fallbacks_;
  } while (call.route.next != 0 && refusal_of(call) != OpCode::kOk);
  enqueue_call(id, false);
}

// The model's own gate: the others are shared with models that may be well.
void Scheduler::cool(const Route& route) {
  if (route.gates[kModelStage] != 0) gates_[route.gates[kModelStage]]->cooling_until = after(config_.cooldown);
}

void Scheduler::fail_call(CallId id, OpCode code) {
  const OpId op = calls_[id].op;
  const u32 attempts = calls_[id].attempt;
  free_call(id);
  ops_[op].link = 0;
  complete(op, code, attempts);
}

void Scheduler::backoff_over(CallId id) {
  --backoffs_;
  enqueue_call(id, true);
}

// An open stream broke, and its reader wants all of it again.
i32 Scheduler::reopen(FiberId id, CallId call_id, Time retry_after, Time timeout, ShieldId shield, u32 flags) {
  Call& call = calls_[call_id];
  if (call.state != CallState::kOpen || call.fiber != id) return kRefused;
  if (is_interrupted(fibers_[id], shield)) return kInterrupted;
  const OpId op = begin(id, OpKind::kCall, shield, timeout);
  ops_[op].link = call_id;
  call.op = op;
  call.is_judged = false;
  judge(call, false, kRetryable | flags);
  attempt_failed(call_id, kRetryable | kFallback | flags, retry_after);
  return static_cast<i32>(op);
}

// --- Budgets of retries: the runtime's, and those of the fibers above ---

bool Scheduler::may_retry(FiberId id) const {
  if (retries_spent_ >= config_.retry.budget) return false;
  for (u32 at = fibers_[id].retry_budget; at != 0; at = retry_budgets_[at].above) {
    if (retry_budgets_[at].left == 0) return false;
  }
  return true;
}

void Scheduler::spend_retry(FiberId id) {
  ++retries_spent_;
  for (u32 at = fibers_[id].retry_budget; at != 0; at = retry_budgets_[at].above) --retry_budgets_[at].left;
}

void Scheduler::add_retry_budget(Fiber& fiber, u32 retries) {
  const u32 id = retry_budgets_.take();
  retry_budgets_[id] = {retries, fiber.retry_budget, 1};
  fiber.retry_budget = id;
}

void Scheduler::leave_retry_budget(Fiber& fiber) {
  u32 id = fiber.retry_budget;
  fiber.retry_budget = 0;
  while (id != 0 && --retry_budgets_[id].uses == 0) {
    const u32 above = retry_budgets_[id].above;
    retry_budgets_.give(id);
    id = above;
  }
}

}  // namespace heddle
