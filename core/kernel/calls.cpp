// Host calls: how one begins, opens, is dropped and ends. Its attempts: attempts.cpp; its gates: gates.cpp. State
// table: call.h.
#include "kernel/scheduler.h"

namespace heddle {

i32 Scheduler::call(FiberId id, const CallRequest& request, ShieldId shield) {
  Fiber& fiber = fibers_[id];
  if (is_interrupted(fiber, shield)) return kInterrupted;
  const OpId op = begin(id, OpKind::kCall, shield, request.timeout);
  const CallId call_id = new_call(id, shield);
  Call& call = calls_[call_id];
  ops_[op].link = call_id;
  call.op = op;
  call.type = request.type;
  call.stream = request.stream;
  call.once = request.once;
  call.first_token = request.first_token;
  call.hedge = request.hedge;
  if (request.route_count > 0) set_plan(call, request.routes, request.route_count);
  ++calls_made_;
  enqueue_call(call_id, false);
  return static_cast<i32>(op);
}

CallId Scheduler::new_call(FiberId fiber_id, ShieldId shield) {
  Fiber& fiber = fibers_[fiber_id];
  const CallId id = calls_.take();
  Call& call = calls_[id];
  call.fiber = fiber_id;
  call.shield = shield;
  use_shield(shield);
  call.next = fiber.first_call;
  if (fiber.first_call != 0) calls_[fiber.first_call].previous = id;
  fiber.first_call = id;
  return id;
}

void Scheduler::set_plan(Call& call, const RouteRequest* routes, u32 count) {
  u32 next = 0;
  for (u32 i = count; i-- > 0;) {
    Route route;
    for (u32 stage = 0; stage < Route::kStages; ++stage) {
      // A gate that is named twice would be held twice, and waited for by those inside.
      bool is_new = routes[i].gates[stage] < gates_.size();
      for (u32 before = 0; before < stage; ++before) is_new = is_new && route.gates[before] != routes[i].gates[stage];
      route.gates[stage] = is_new ? routes[i].gates[stage] : 0;
    }
    use_route(route);
    route.tokens = to_tokens(static_cast<double>(routes[i].tokens));
    route.next = next;
    if (i == 0) {
      call.route = route;
      break;
    }
    next = routes_.take();
    routes_[next] = route;
  }
  while (is_cooling(call.route) && has_cool_route(call)) take_next_route(call);
}

bool Scheduler::is_cooling(const Route& route) const {
  for (const GateId id : route.gates) {
    if (id != 0 && (gates_[id]->cooling_until > now_ || !gates_[id]->breaker.admits(now_))) return true;
  }
  return false;
}

// Whether a later entry of its plan is not cooling.
bool Scheduler::has_cool_route(const Call& call) const {
  for (u32 next = call.route.next; next != 0; next = routes_[next].next) {
    if (!is_cooling(routes_[next])) return true;
  }
  return false;
}

void Scheduler::take_next_route(Call& call) {
  const u32 next = call.route.next;
  leave_route(call.route);
  call.route = routes_[next];
  routes_.give(next);
  ++call.route_index;
  call.route_attempt = 0;
}

void Scheduler::use_route(const Route& route) {
  for (const GateId id : route.gates) {
    if (id != 0) ++gates_[id]->users;
  }
}

void Scheduler::leave_route(const Route& route) {
  for (const GateId id : route.gates) {
    if (id != 0) --gates_[id]->users;
  }
}

void Scheduler::enqueue_call(CallId id, bool again) {
  Call& call = calls_[id];
  call.state = CallState::kQueued;
  call.since = now_;
  proceed(id, again);
}

void Scheduler::admit_calls() {
  do {
    if (!touched_gates_.empty()) look_at_gates();
    while (in_flight_ < config_.max_calls && !call_queue_.empty()) {
      const CallId id = call_queue_.pop();
      calls_[id].queue_node = 0;
      start_call(id);
    }
  } while (!touched_gates_.empty());
}

void Scheduler::leave_flight(Call& call) {
  timers_.clear(call.word_timer);
  timers_.clear(call.hedge_timer);
  if (call.type == CallClass::kLlm) --in_flight_;
  if (!call.is_simulated) --live_calls_;
  leave_gates(call);
}

void Scheduler::call_used(CallId id, i64 tokens) {
  // Only an attempt has used something.
  if (calls_[id].is_sent) calls_[id].used = tokens < 0 ? -1 : to_tokens(static_cast<double>(tokens));
}

void Scheduler::call_done(CallId id, bool ok, u32 flags, Time retry_after) {
  Call& call = calls_[id];
  if (call.state == CallState::kClosing) {
    call_closed(id, flags);
    return;
  }
  if (call.state != CallState::kInFlight || call.timer != 0) return;
  judge(call, ok, flags);
  if (!ok) {
    attempt_failed(id, flags, retry_after);
    return;
  }
  leave_flight(call);
  const OpId op = call.op;
  const u32 attempts = call.attempt;
  drop_twin(call);
  free_call(id);
  ops_[op].link = 0;
  complete(op, OpCode::kOk, attempts);
}

void Scheduler::call_progress(CallId id, Time limit) {
  if (calls_[id].state != CallState::kInFlight || calls_[id].is_simulated) return;
  calls_[id].word_limit = limit;
  arm_word(id);
}

void Scheduler::call_opened(CallId id) {
  Call& call = calls_[id];
  if (call.state != CallState::kInFlight || !call.stream || call.timer != 0) return;
  judge(call, true, 0);
  timers_.clear(call.word_timer);
  timers_.clear(call.hedge_timer);
  call.state = CallState::kOpen;
  call.since = now_;
  const OpId op = call.op;
  ops_[op].link = id;
  call.op = 0;
  drop_twin(call);
  complete(op, OpCode::kOk, call.attempt);
}

void Scheduler::call_closed(CallId id, u32 flags) {
  Call& call = calls_[id];
  if (call.state != CallState::kOpen && call.state != CallState::kClosing) return;
  if ((flags & (kOverload | kFault)) != 0) {
    call.is_judged = false;
    judge(call, false, flags);
  }
  timers_.clear(call.timer);
  if (!call.abandoned) leave_flight(call);
  free_call(id);
}

void Scheduler::call_takes(CallId id, Time latency, bool ok, bool opens, u32 flags, Time retry_after) {
  Call& call = calls_[id];
  if (call.state == CallState::kClosing) {
    call_closed(id, 0);
    return;
  }
  if (call.state != CallState::kInFlight || call.timer != 0) return;
  call.is_simulated = true;
  --live_calls_;
  timers_.clear(call.word_timer);
  for (u32 stage = 0; stage < Route::kStages; ++stage) {
    if ((call.counted >> stage & 1) == 0) continue;
    gates_[call.route.gates[stage]]->rate.arrived_at_once(call.entries[stage], call.sent);
    touch_gate(call.route.gates[stage]);
  }
  call.answer_ok = ok;
  // What is no stream cannot open; it is done.
  call.answer_opens = opens && call.stream;
  call.answer_flags = flags;
  call.answer_retry_after = retry_after;
  call.timer = timers_.set(after(latency), TimerKind::kCallAnswer, id);
}

void Scheduler::answer_call(CallId id) {
  const Call& call = calls_[id];
  if (call.answer_opens) {
    call_opened(id);
  } else {
    call_done(id, call.answer_ok, call.answer_flags, call.answer_retry_after);
  }
}

// The other one of two attempts is not wanted any more.
void Scheduler::drop_twin(Call& call) {
  const CallId twin = call.twin;
  if (twin == 0) return;
  call.twin = 0;
  calls_[twin].twin = 0;
  calls_[twin].op = 0;
  drop_call(twin);
}

// Nobody waits for the operation any more.
void Scheduler::drop_call_of(OpId op) {
  Call& call = calls_[ops_[op].link];
  call.op = 0;
  drop_twin(call);
  drop_call(ops_[op].link);
}

// Nobody waits for the call any more. What is not on the wire goes at once; what is holds its place until it is closed.
void Scheduler::drop_call(CallId id) {
  Call& call = calls_[id];
  switch (call.state) {
    case CallState::kQueued:
      leave_queue(call);
      leave_gates(call);
      free_call(id);
      break;
    case CallState::kBackoff:
      --backoffs_;
      timers_.clear(call.timer);
      free_call(id);
      break;
    case CallState::kInFlight:
    case CallState::kOpen:
      timers_.clear(call.word_timer);
      timers_.clear(call.hedge_timer);
      if (call.is_simulated) {
        timers_.clear(call.timer);
        // Nothing was sent anywhere.
        call.used = 0;
        leave_flight(call);
        effect(CommandType::kAbortCall, id, 1);
        free_call(id);
        break;
      }
      if (call.type == CallClass::kLlm) {
        call.timer = timers_.set(after(config_.grace), TimerKind::kCallGrace, id);
      } else {
        // It holds no place, and its function may never end: nothing waits for that, virtual time least of all.
        leave_flight(call);
        call.abandoned = true;
      }
      call.state = CallState::kClosing;
      call.since = now_;
      effect(CommandType::kAbortCall, id);
      break;
    case CallState::kFree:
    case CallState::kClosing: break;
  }
}

// The fiber's open streams; those of its operations are dropped with them.
void Scheduler::drop_calls(FiberId id, bool shielded_too) {
  const Fiber& fiber = fibers_[id];
  for (CallId call = fiber.first_call; call != 0;) {
    ++work_;
    const CallId next = calls_[call].next;
    if (calls_[call].op == 0 && (shielded_too || is_interrupted(fiber, calls_[call].shield))) drop_call(call);
    call = next;
  }
}

// The host does not close it: stop counting it. The record waits for the host's word.
void Scheduler::call_grace_over(CallId id) {
  leave_flight(calls_[id]);
  calls_[id].abandoned = true;
}

void Scheduler::free_call(CallId id) {
  Call& call = calls_[id];
  const FiberId fiber_id = call.fiber;
  Fiber& fiber = fibers_[fiber_id];
  (call.previous != 0 ? calls_[call.previous].next : fiber.first_call) = call.next;
  if (call.next != 0) calls_[call.next].previous = call.previous;
  leave_shield(call.shield);
  while (call.route.next != 0) take_next_route(call);
  leave_route(call.route);
  call.state = CallState::kFree;
  retired_calls_.push_back(id);
  if (fiber.is_ended) try_retire(fiber_id);
}

}  // namespace heddle
