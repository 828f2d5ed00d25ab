// Gates: how calls pass them, hold them and leave them. What a gate is: gate.h.
#include "kernel/scheduler.h"

namespace heddle {

void Scheduler::set_gate(GateId id, GateKey key, double value) {
  if (id == gates_.size()) {
    gates_.push_back(std::make_unique<Gate>());
    gates_.back()->queue.configure(config_.fairness, config_.aging);
  }
  Gate& gate = *gates_[id];
  const u32 count = value >= 4294967295.0 ? UINT32_MAX : value > 0 ? static_cast<u32>(value) : 0;
  switch (key) {
    case GateKey::kMaxInside: gate.max_inside = count == 0 ? UINT32_MAX : count; break;
    case GateKey::kRequests: gate.rate.set_requests(count == UINT32_MAX ? 0 : count); break;
    case GateKey::kTokens: gate.rate.set_tokens(to_tokens(value)); break;
    case GateKey::kWindow: gate.rate.set_window(to_time(value)); break;
    case GateKey::kTransit: gate.rate.set_transit(to_time(value)); break;
    case GateKey::kAdaptiveInitial: gate.adaptive.set_initial(count); break;
    case GateKey::kAdaptiveMin: gate.adaptive.set_min(count); break;
    case GateKey::kAdaptiveMax: gate.adaptive.set_max(count); break;
    case GateKey::kBreakerFailures: gate.breaker.set_failures(count); break;
    case GateKey::kBreakerPause: gate.breaker.set_pause(to_time(value)); break;
    case GateKey::kBreakerProbes: gate.breaker.set_probes(count); break;
  }
  touch_gate(id);
}

void Scheduler::report_rate(GateId id, bool tokens, double remaining, Time reset) {
  RateWindow& rate = gates_[id]->rate;
  const i64 left = to_tokens(remaining);
  if (tokens)
    rate.report_tokens(now_, left, reset);
  else
    rate.report_requests(now_, left, reset);
  touch_gate(id);
}

void Scheduler::touch_gate(GateId id) {
  Gate& gate = *gates_[id];
  if (gate.is_touched) return;
  gate.is_touched = true;
  touched_gates_.push_back(id);
}

AdmissionQueue& Scheduler::queue_of(const Call& call) {
  return call.stage < Route::kStages ? gates_[call.route.gates[call.stage]]->queue : call_queue_;
}
const AdmissionQueue& Scheduler::queue_of(const Call& call) const {
  return call.stage < Route::kStages ? gates_[call.route.gates[call.stage]]->queue : call_queue_;
}

// From where it stands through its gates, as far as they let it through; then into the queue for a place. A call that
// cannot pass at all fails, or takes the next entry of its plan.
void Scheduler::proceed(CallId id, bool again) {
  Call& call = calls_[id];
  const Fiber& fiber = fibers_[call.fiber];
  if (const OpCode refusal = refusal_of(call); refusal != OpCode::kOk) {
    refuse_call(id, refusal);
    return;
  }
  for (; call.stage < Route::kStages; ++call.stage) {
    const GateId gate_id = call.route.gates[call.stage];
    if (gate_id == 0) continue;
    Gate& gate = *gates_[gate_id];
    if (!gate.queue.empty() || !gate.lets_through(now_, call.route.tokens)) {
      call.queue_node = gate.queue.push(id, fiber.effective, fiber.group, now_, again);
      touch_gate(gate_id);
      return;
    }
    enter_gate(gate, call);
  }
  if (call.type == CallClass::kLlm)
    call.queue_node = call_queue_.push(id, fiber.effective, fiber.group, now_, again);
  else
    start_call(id);
}

// Whether one of its gates will not let it through whatever happens inside, and why; kOk: none.
OpCode Scheduler::refusal_of(const Call& call) const {
  for (const GateId id : call.route.gates) {
    if (id == 0) continue;
    if (!gates_[id]->rate.fits_ever(call.route.tokens)) return OpCode::kRequestTooLarge;
    if (!gates_[id]->breaker.admits(now_)) return OpCode::kCircuitOpen;
  }
  return OpCode::kOk;
}

// What it passed when it began to wait for its place may be closed by now: a limit was lowered, a server spoke.
bool Scheduler::may_be_sent(const Call& call) {
  for (const GateId id : call.route.gates) {
    if (id != 0 && !gates_[id]->rate.may_send(now_, call.route.tokens)) return false;
  }
  return true;
}

// A rate that is limited from now on knows nothing of those that are inside already.
void Scheduler::enter_gate(Gate& gate, Call& call) {
  ++gate.inside;
  if (!gate.rate.is_limited()) return;
  gate.rate.hold(call.route.tokens);
  call.counted |= 1U << call.stage;
  ++reservations_;
}

// Lets through those at the front of each gate where something changed. What is let through may change other gates.
void Scheduler::look_at_gates() {
  while (!touched_gates_.empty()) {
    const GateId id = touched_gates_.back();
    touched_gates_.pop_back();
    Gate& gate = *gates_[id];
    gate.is_touched = false;
    while (!gate.queue.empty()) {
      ++work_;
      Call& call = calls_[gate.queue.front()];
      const OpCode refusal = refusal_of(call);
      if (refusal == OpCode::kOk && !gate.lets_through(now_, call.route.tokens)) break;
      const CallId call_id = gate.queue.pop();
      call.queue_node = 0;
      if (refusal != OpCode::kOk) {
        refuse_call(call_id, refusal);
        continue;
      }
      enter_gate(gate, call);
      ++call.stage;
      proceed(call_id, call.attempt > 0);
    }
    // Only time can help those who wait for the window; the rest is told.
    const Time next = gate.queue.empty() || gate.inside >= gate.limit() ? kNever : gate.rate.next_change(now_);
    if (gate.timer != 0 && timers_.at(gate.timer) == next) continue;
    timers_.clear(gate.timer);
    if (next != kNever) gate.timer = timers_.set(next, TimerKind::kGate, id);
  }
}

// Its attempt is sent: what it holds of the windows goes into their logs.
void Scheduler::send_through_gates(Call& call) {
  call.is_sent = true;
  call.sent = now_;
  for (u32 stage = 0; stage < Route::kStages; ++stage) {
    if (call.route.gates[stage] == 0) continue;
    Gate& gate = *gates_[call.route.gates[stage]];
    call.eras[stage] = gate.breaker.send();
    if ((call.counted >> stage & 1) == 0) {
      if (!gate.rate.is_limited()) continue;
      // The limit is younger than its passing.
      gate.rate.hold(call.route.tokens);
      call.counted |= 1U << stage;
      ++reservations_;
    }
    call.entries[stage] = gate.rate.send(now_, call.route.tokens);
    // Those who wait for the window can be told now when it changes.
    if (!gate.queue.empty()) touch_gate(call.route.gates[stage]);
  }
}

// How the attempt went, for adaptive limits and breakers; once an attempt.
void Scheduler::judge(Call& call, bool ok, u32 flags) {
  if (call.is_judged || !call.is_sent) return;
  call.is_judged = true;
  for (u32 stage = 0; stage < Route::kStages; ++stage) {
    const GateId id = call.route.gates[stage];
    if (id == 0) continue;
    Gate& gate = *gates_[id];
    if (ok)
      gate.adaptive.succeeded(gate.inside);
    else if ((flags & kOverload) != 0)
      gate.adaptive.overloaded(call.sent, now_);
    if (ok || (flags & (kFault | kRetryable)) == 0)
      gate.breaker.succeeded(call.eras[stage]);
    else if ((flags & kFault) == 0)
      gate.breaker.given_up(call.eras[stage]);
    else if (gate.breaker.failed(call.eras[stage], now_))
      break_circuit(id);
    touch_gate(id);
  }
}

// Those who wait anywhere for a gate whose circuit has opened need not wait.
void Scheduler::break_circuit(GateId id) {
  for (CallId call = 1; call < calls_.limit(); ++call) {
    if (calls_[call].state != CallState::kQueued) continue;
    bool passes = false;
    for (const GateId gate : calls_[call].route.gates) passes = passes || gate == id;
    if (!passes) continue;
    leave_queue(calls_[call]);
    refuse_call(call, OpCode::kCircuitOpen);
  }
}

// Gives back what the call holds of its gates: its attempt is over, or it will not be made.
void Scheduler::leave_gates(Call& call) {
  const u32 passed = call.stage;
  for (u32 stage = 0; stage < passed && stage < Route::kStages; ++stage) {
    const GateId id = call.route.gates[stage];
    if (id == 0) continue;
    Gate& gate = *gates_[id];
    --gate.inside;
    if (call.is_sent && !call.is_judged) gate.breaker.given_up(call.eras[stage]);
    if ((call.counted >> stage & 1) != 0) {
      ++reservations_settled_;
      if (!call.is_sent)
        gate.rate.release(call.route.tokens);
      else if (call.used >= 0)
        gate.rate.settle(now_, call.entries[stage], call.route.tokens, call.used);
    }
    touch_gate(id);
  }
  call.stage = call.counted = 0;
  call.is_sent = call.is_judged = false;
  call.used = -1;
}

void Scheduler::leave_queue(Call& call) {
  if (call.queue_node == 0) return;
  if (call.stage < Route::kStages) touch_gate(call.route.gates[call.stage]);
  queue_of(call).remove(call.queue_node);
}

}  // namespace heddle
