// Host calls: who is in flight, who waits, and who tries again. State table: call.h.
//
// Retry, after a retryable failure of attempt n: what the server asked for, if it did; else a wait that is uniform in
// [0, min(max_delay, base_delay * 2^(n-1))] ("full jitter"; M. Brooker, "Exponential Backoff and Jitter", AWS 2015).
#include "kernel/scheduler.h"

namespace heddle {

i32 Scheduler::call(FiberId id, CallClass type, bool stream, Time timeout, ShieldId shield) {
  Fiber& fiber = fibers_[id];
  if (is_interrupted(fiber, shield)) return kInterrupted;
  const OpId op = begin(id, OpKind::kCall, shield, timeout);
  const CallId call_id = calls_.take();
  Call& call = calls_[call_id];
  ops_[op].link = call_id;
  call.op = op;
  call.fiber = id;
  call.type = type;
  call.stream = stream;
  call.shield = shield;
  use_shield(shield);
  call.next = fiber.first_call;
  if (fiber.first_call != 0) calls_[fiber.first_call].previous = call_id;
  fiber.first_call = call_id;
  enqueue_call(call_id, false);
  return static_cast<i32>(op);
}

void Scheduler::enqueue_call(CallId id, bool again) {
  Call& call = calls_[id];
  call.state = CallState::kQueued;
  call.since = now_;
  if (call.type != CallClass::kLlm) {
    start_call(id);
    return;
  }
  const Fiber& fiber = fibers_[call.fiber];
  call.queue_node = call_queue_.push(id, fiber.effective, fiber.group, now_, again);
}

void Scheduler::admit_calls() {
  while (in_flight_ < config_.max_calls && !call_queue_.empty()) start_call(call_queue_.pop());
}

void Scheduler::start_call(CallId id) {
  Call& call = calls_[id];
  call.queue_node = 0;
  call.state = CallState::kInFlight;
  call.since = now_;
  call.is_simulated = false;
  ++call.attempt;
  if (call.type == CallClass::kLlm) {
    ++in_flight_;
    ++calls_started_;
  }
  ++live_calls_;
  run(CommandType::kStartCall, id, call.op, call.attempt);
}

void Scheduler::leave_flight(Call& call) {
  if (call.type == CallClass::kLlm) --in_flight_;
  if (!call.is_simulated) --live_calls_;
}

void Scheduler::call_done(CallId id, bool ok, bool retryable, Time retry_after) {
  Call& call = calls_[id];
  if (call.state == CallState::kClosing) {
    call_closed(id);
    return;
  }
  if (call.state != CallState::kInFlight || call.timer != 0) return;
  if (!ok) {
    attempt_failed(id, retryable, retry_after);
    return;
  }
  leave_flight(call);
  const OpId op = call.op;
  const u32 attempts = call.attempt;
  free_call(id);
  ops_[op].link = 0;
  complete(op, OpCode::kOk, attempts);
}

void Scheduler::call_opened(CallId id) {
  Call& call = calls_[id];
  if (call.state != CallState::kInFlight || !call.stream || call.timer != 0) return;
  call.state = CallState::kOpen;
  call.since = now_;
  const OpId op = call.op;
  call.op = 0;
  complete(op, OpCode::kOk, call.attempt);
}

void Scheduler::call_closed(CallId id) {
  Call& call = calls_[id];
  if (call.state != CallState::kOpen && call.state != CallState::kClosing) return;
  timers_.clear(call.timer);
  if (!call.abandoned) leave_flight(call);
  free_call(id);
}

void Scheduler::call_takes(CallId id, Time latency, bool ok, bool opens, bool retryable, Time retry_after) {
  Call& call = calls_[id];
  if (call.state == CallState::kClosing) {
    call_closed(id);
    return;
  }
  if (call.state != CallState::kInFlight || call.timer != 0) return;
  call.is_simulated = true;
  --live_calls_;
  call.answer_ok = ok;
  // What is no stream cannot open; it is done.
  call.answer_opens = opens && call.stream;
  call.answer_retryable = retryable;
  call.answer_retry_after = retry_after;
  call.timer = timers_.set(after(latency), TimerKind::kCallAnswer, id);
}

void Scheduler::answer_call(CallId id) {
  const Call& call = calls_[id];
  if (call.answer_opens) {
    call_opened(id);
  } else {
    call_done(id, call.answer_ok, call.answer_retryable, call.answer_retry_after);
  }
}

void Scheduler::attempt_failed(CallId id, bool retryable, Time retry_after) {
  Call& call = calls_[id];
  leave_flight(call);
  const RetryPolicy& retry = config_.retry;
  const bool again =
      call.type == CallClass::kLlm && retryable && call.attempt < retry.max_attempts && retries_spent_ < retry.budget;
  if (again && retry_after <= retry.max_retry_after) {
    Time wait = retry_after;
    if (wait < 0) {
      Time ceiling = retry.base_delay;
      for (u32 n = 1; n < call.attempt && ceiling < retry.max_delay; ++n) ceiling *= 2;
      if (ceiling > retry.max_delay) ceiling = retry.max_delay;
      wait = static_cast<Time>(jitter_.unit() * static_cast<double>(ceiling));
    }
    ++retries_spent_;
    ++backoffs_;
    call.state = CallState::kBackoff;
    call.since = now_;
    call.timer = timers_.set(after(wait), TimerKind::kBackoff, id);
    return;
  }
  const OpId op = call.op;
  const u32 attempts = call.attempt;
  free_call(id);
  ops_[op].link = 0;
  complete(op, again ? OpCode::kRetryAfterTooLong : OpCode::kFailed, attempts);
}

void Scheduler::backoff_over(CallId id) {
  --backoffs_;
  enqueue_call(id, true);
}

// Nobody waits for the call any more. What is not on the wire goes at once; what is holds its place until it is closed.
void Scheduler::drop_call(CallId id) {
  Call& call = calls_[id];
  switch (call.state) {
    case CallState::kQueued:
      call_queue_.remove(call.queue_node);
      free_call(id);
      break;
    case CallState::kBackoff:
      --backoffs_;
      timers_.clear(call.timer);
      free_call(id);
      break;
    case CallState::kInFlight:
    case CallState::kOpen:
      if (call.is_simulated) {
        timers_.clear(call.timer);
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
  call.state = CallState::kFree;
  retired_calls_.push_back(id);
  if (fiber.is_ended) try_retire(fiber_id);
}

}  // namespace heddle
