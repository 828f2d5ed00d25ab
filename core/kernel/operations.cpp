// Operations: how one begins, ends and reaches its body. Taking and installing are one step: an operation is either
// complete (its result stands in its fiber's list of done ones) or still installed, whatever is cancelled in between.
#include "kernel/scheduler.h"

#include <utility>

namespace heddle {

namespace {
bool waits_for_peers(OpKind kind) { return kind == OpKind::kWait || kind == OpKind::kSync; }
// Whether no command speaks of it, but for what tells a host body that it is over.
bool waits_inside(OpKind kind) { return waits_for_peers(kind) || kind == OpKind::kDelay || kind == OpKind::kYield; }
// What the host does for a fiber is a wait of neither kind: the operations that it begins there say which it is.
bool waits_for_itself(OpKind kind) { return !waits_for_peers(kind) && kind != OpKind::kHost; }
}  // namespace

bool Scheduler::is_interrupted(const Fiber& fiber, ShieldId shield) const {
  return fiber.cancelled && (shield == 0 || shields_[shield].expired);
}

OpId Scheduler::begin(FiberId id, OpKind kind, ShieldId shield, Time timeout) {
  Fiber& fiber = fibers_[id];
  const OpId op_id = ops_.take();
  Operation& op = ops_[op_id];
  op.fiber = id;
  op.kind = kind;
  op.shield = shield;
  op.since = now_;
  op.of_host = fiber.body == BodyKind::kShared && turn_ != id;
  use_shield(shield);
  // Oldest first.
  append_to_list(ops_, fiber.first_op, op_id);
  if (timeout > 0) op.timeout = timers_.set(after(timeout), TimerKind::kOpTimeout, op_id);
  if (waits_for_peers(kind)) {
    ++fiber.peer_waits;
    // A native body's turn is over when its run() returns, a host body's when the host's is.
    if (fiber.kind != FiberKind::kOutside && (fiber.body == BodyKind::kHost || op.of_host)) touch(id);
  } else if (waits_for_itself(kind)) {
    ++fiber.self_waits;
  }
  leave_host(fiber);
  quiet_told_ = false;
  return op_id;
}

void Scheduler::enter_host(Fiber& fiber) {
  if (fiber.in_host) return;
  fiber.in_host = true;
  ++in_host_;
}

void Scheduler::leave_host(Fiber& fiber) {
  if (!fiber.in_host) return;
  fiber.in_host = false;
  --in_host_;
}

// Whether the host carries something out for it and waits for nothing of ours.
bool Scheduler::is_awaited_by_host(const Fiber& fiber) const {
  return fiber.first_op != 0 && ops_[fiber.first_op].kind == OpKind::kHost && ops_[fiber.first_op].next == 0;
}

// Takes an operation out of its fiber's outstanding ones and away from whatever would have ended it.
void Scheduler::detach(OpId id) {
  Operation& op = ops_[id];
  Fiber& fiber = fibers_[op.fiber];
  timers_.clear(op.timer);
  timers_.clear(op.timeout);
  if (op.kind == OpKind::kWait) unlink_all(id);
  if (op.kind == OpKind::kSync && op.link != 0) peers_->leave(id);
  remove_from_list(ops_, fiber.first_op, id);
  op.next = op.previous = 0;
  leave_shield(op.shield);
  if (waits_for_peers(op.kind)) --fiber.peer_waits;
  if (waits_for_itself(op.kind)) --fiber.self_waits;
  if (op.kind == OpKind::kHost) leave_host(fiber);
}

void Scheduler::complete(OpId id, OpCode code, u32 aux) {
  Operation& op = ops_[id];
  detach(id);
  op.state = OpState::kDone;
  op.code = code;
  op.aux = aux;
  Fiber& fiber = fibers_[op.fiber];
  (fiber.last_done != 0 ? ops_[fiber.last_done].next : fiber.first_done) = id;
  fiber.last_done = id;
  wake(op.fiber);
}

// What the operation asked for is not wanted any more: tells those who work on it. The caller completes it.
void Scheduler::abandon(OpId id) {
  const Operation& op = ops_[id];
  if (op.kind == OpKind::kCall) drop_call_of(id);
  if (op.kind == OpKind::kHost) effect(CommandType::kHostOver, id);
}

// The body is over: nobody will read these results, but for what the host waits for.
void Scheduler::drop_operations(FiberId id) {
  Fiber& fiber = fibers_[id];
  if (fiber.first_done == 0 && fiber.first_op == 0) return;
  peers_->hold();
  while (const OpId done = take_done(fiber)) {
    if (ops_[done].of_host) {
      resume(done);
    } else if (ops_[done].object != 0) {
      peers_->undelivered(done);
    }
  }
  while (const OpId op = fiber.first_op) {
    abandon(op);
    detach(op);
    if (ops_[op].of_host) run(CommandType::kResume, op, static_cast<u32>(OpCode::kCancelled));
    ops_[op].kind = OpKind::kFree;
    retired_ops_.push_back(op);
  }
  peers_->go_on();
}

OpId Scheduler::begin_sync(FiberId id, ShieldId shield, Time timeout) {
  return begin(id, OpKind::kSync, shield, timeout);
}

void Scheduler::complete_sync(OpId id, OpCode code, u32 index, SyncAct act, u32 value, SyncId object) {
  Operation& op = ops_[id];
  op.act = act;
  op.object = object;
  op.remaining = value;
  complete(id, code, index);
}

void Scheduler::fail_sync(OpId id, u32 deadlock) {
  Operation& op = ops_[id];
  op.remaining = deadlock;
  complete(id, OpCode::kDeadlock, 0);
}

// Bodies that the host was told to resume are not looked at: those it has to say are over.
bool Scheduler::is_still() const {
  return ready_.empty() && paused_ == 0 && timers_.empty() && calls_.live() == retired_calls_.size() && in_host_ == 0 &&
         slot_waiters_.empty();
}

void Scheduler::dropped(u32 token) {
  if ((token & kTokenOfBody) == 0) {
    // When an object goes, its host has decided: that is no part of the run, and wants no answer.
    Command command;
    command.type = CommandType::kDropped;
    command.a = token;
    effects_.push(command);
  } else if (shared_ != nullptr) {
    shared_->dropped(token);
  }
}

// Tells the host how an operation ended.
void Scheduler::resume(OpId id) {
  const Operation& op = ops_[id];
  const u32 code = static_cast<u32>(op.code);
  if (op.object != 0 || op.code == OpCode::kDeadlock) {
    Command command;
    command.type = CommandType::kResume;
    command.a = id;
    command.b = code | op.aux << 8;
    Command hashed = command;
    command.c = op.remaining;
    if (op.act != SyncAct::kTake && op.act != SyncAct::kReceive) hashed.c = op.remaining;
    emit(runs_, command, hashed);
  } else {
    run(CommandType::kResume, id, code, op.aux);
  }
}

// The oldest result that the body has not got yet, or 0. Its record stays readable until the next step or, where no
// command has ever named it, until an operation begins.
OpId Scheduler::take_done(Fiber& fiber) {
  const OpId id = fiber.first_done;
  if (id == 0) return 0;
  fiber.first_done = ops_[id].next;
  if (fiber.first_done == 0) fiber.last_done = 0;
  const OpKind kind = std::exchange(ops_[id].kind, OpKind::kFree);
  const bool is_named = fiber.body == BodyKind::kHost || ops_[id].of_host || !waits_inside(kind);
  if (is_named) {
    retired_ops_.push_back(id);
  } else {
    ops_.give(id);
  }
  return id;
}

bool Scheduler::abort_op(OpId id) {
  if (ops_[id].state != OpState::kParked) return false;
  abandon(id);
  complete(id, OpCode::kAborted, 0);
  return true;
}

i32 Scheduler::yield(FiberId id, ShieldId shield) {
  Fiber& fiber = fibers_[id];
  if (is_interrupted(fiber, shield)) return kInterrupted;
  if (fiber.body == BodyKind::kNative || turn_ == id) {
    fiber.yielded = true;
    fiber.yields_shielded = shield != 0;
    return 1;
  }
  const OpId op = begin(id, OpKind::kYield, shield, 0);
  complete(op, OpCode::kOk, 0);
  return static_cast<i32>(op);
}

void Scheduler::give_turn(FiberId id) {
  fibers_[id].yielded = true;
  fibers_[id].yields_shielded = false;
}

i32 Scheduler::tick(FiberId id, u32 steps, ShieldId shield) {
  turn_steps_ = turn_steps_ < UINT32_MAX - steps ? turn_steps_ + steps : UINT32_MAX;
  if (config_.dispatch == DispatchPolicy::kFairRoundRobin && turn_steps_ >= config_.quantum) {
    fibers_[id].yielded = true;
    fibers_[id].yields_shielded = shield != 0 && !shields_[shield].expired;
    return 1;
  }
  return is_interrupted(fibers_[id], shield) ? kInterrupted : kDone;
}

i32 Scheduler::delay(FiberId id, Time duration, ShieldId shield) {
  if (is_interrupted(fibers_[id], shield)) return kInterrupted;
  const OpId op = begin(id, OpKind::kDelay, shield, 0);
  if (duration <= 0) {
    complete(op, OpCode::kOk, 0);
  } else {
    ops_[op].timer = timers_.set(after(duration), TimerKind::kOpDone, op);
  }
  return static_cast<i32>(op);
}

i32 Scheduler::host_op(FiberId id, u32 procedure, ShieldId shield) {
  if (is_interrupted(fibers_[id], shield)) return kInterrupted;
  const OpId op = begin(id, OpKind::kHost, shield, 0);
  ops_[op].link = procedure;
  run(CommandType::kHostOp, op, id, procedure);
  enter_host(fibers_[id]);
  return static_cast<i32>(op);
}

void Scheduler::host_done(OpId id, bool ok) { complete(id, ok ? OpCode::kOk : OpCode::kFailed, 0); }

i32 Scheduler::read(FiberId id, CallId call, Time timeout, ShieldId shield) {
  if (is_interrupted(fibers_[id], shield)) return kInterrupted;
  if (calls_[call].state != CallState::kOpen) return kRefused;
  const OpId op = begin(id, OpKind::kRead, shield, timeout);
  ops_[op].link = call;
  run(CommandType::kRead, op, call);
  return static_cast<i32>(op);
}

void Scheduler::read_done(OpId id, bool ok) {
  Operation& op = ops_[id];
  if (op.state == OpState::kParked && op.kind == OpKind::kRead) complete(id, ok ? OpCode::kOk : OpCode::kFailed, 0);
}

void Scheduler::read_progress(OpId id, Time timeout) {
  Operation& op = ops_[id];
  if (op.kind != OpKind::kRead || op.state != OpState::kParked || op.timeout == 0) return;
  timers_.clear(op.timeout);
  op.timeout = timers_.set(after(timeout), TimerKind::kOpTimeout, id);
}

void Scheduler::read_takes(OpId id, Time latency, bool ok) {
  Operation& op = ops_[id];
  if (op.state != OpState::kParked || op.kind != OpKind::kRead || op.timer != 0) return;
  op.code = ok ? OpCode::kOk : OpCode::kFailed;
  op.timer = timers_.set(after(latency), TimerKind::kOpDone, id);
}

}  // namespace heddle
