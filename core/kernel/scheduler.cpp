#include "kernel/scheduler.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace heddle {

namespace {

// Two lines of the cache, as many as a record, a body or a small coroutine's frame spans.
void fetch(const void* memory) {
#ifdef __wasm__
  // No such instruction there; a load whose value nobody waits for does the same.
  static_cast<void>(*static_cast<const volatile char*>(memory));
  static_cast<void>(static_cast<const volatile char*>(memory)[64]);
#else
  __builtin_prefetch(memory);
  __builtin_prefetch(static_cast<const char*>(memory) + 64);
#endif
}

}  // namespace

Time to_time(double ms) {
  const double us = ms * 1000.0;
  if (!(us > 0)) return 0;
  if (us >= static_cast<double>(kMaxSpan)) return kMaxSpan;
  return static_cast<Time>(std::llround(us));
}

i64 to_tokens(double tokens) {
  if (!(tokens > 0)) return 0;
  constexpr double kMost = 1099511627776.0;  // 2^40: millions of them still add up in 64 bits
  return static_cast<i64>(tokens < kMost ? tokens + 0.5 : kMost);
}

Scheduler::Scheduler(const KernelConfig& config)
    : config_(config), ready_(config.dispatch, config.seed), jitter_(config.seed, 2), user_random_(config.seed, 3) {
  pending_.configure(config_.fairness, config_.aging);
  call_queue_.configure(config_.fairness, config_.aging);
  gates_.emplace_back();  // none has number 0
}

Scheduler::~Scheduler() = default;

// A body's own objects may call the kernel when they are destroyed.
void Scheduler::drop_bodies() {
  for (std::unique_ptr<Body>& body : bodies_) body.reset();
}

void Scheduler::set_time(Time now) {
  if (!config_.virtual_time && now > now_) now_ = now < kLastTime ? now : kLastTime;
}

void Scheduler::advance(Time duration) {
  if (config_.virtual_time && after(duration) > advance_until_) advance_until_ = after(duration);
}

bool Scheduler::step(u32 limit, bool host_had_its_turn) {
  // Until then it may still be told of a record, and bodies that it was told to resume have not run.
  if (host_had_its_turn) {
    recycle();
    look_at_touched();
    commands_answered_ = commands_told_;
  }
  fire_due();
  const u64 steps_before = steps_ + machine_steps_;
  slice_left_ = kSliceSteps;
  bool more = false;
  for (u32 turns = 0;; ++turns) {
    admit();
    admit_calls();
    if (turns == limit || slice_left_ == 0) {
      more = paused_ != 0 || !ready_.empty();
      break;
    }
    if (paused_ != 0) {
      const FiberId id = std::exchange(paused_, 0);
      fibers_[id].was_told = fibers_[id].cancelled;
      run_shared(id, fibers_[id].cancelled ? OpCode::kCancelled : OpCode::kOk, 0);
    } else if (!ready_.empty()) {
      fetch_ahead();
      dispatch(ready_.pop());
    } else if (!jump()) {
      break;
    }
  }
  if (steps_ + machine_steps_ != steps_before) quiet_told_ = false;
  if (!more && !quiet_told_ && commands_ == commands_answered_ && touched_.empty() && is_quiet()) {
    quiet_told_ = true;
    effect(CommandType::kQuiet, peers_->waits());
  }
  // A host that is called again at once does not need to be told when.
  if (!more || !config_.virtual_time) set_alarm();
  commands_told_ = commands_;
  has_idled_ = host_had_its_turn && steps_ + machine_steps_ == steps_before;
  return more;
}

void Scheduler::recycle() {
  for (const FiberId id : retired_fibers_) fibers_.give(id);
  for (const OpId id : retired_ops_) ops_.give(id);
  for (const CallId id : retired_calls_) calls_.give(id);
  for (const ShieldId id : retired_shields_) shields_.give(id);
  retired_fibers_.clear();
  retired_ops_.clear();
  retired_calls_.clear();
  retired_shields_.clear();
}

// The host's turn is over: what its bodies have not done by now they will not do by themselves.
void Scheduler::look_at_touched() {
  foreign_ = in_host_;
  touched_.swap(touched_before_);
  for (const FiberId id : touched_before_) {
    Fiber& fiber = fibers_[id];
    if (!fiber.is_touched) continue;
    fiber.is_touched = false;
    suspend_if_waiting(id);
  }
  touched_before_.clear();
}

void Scheduler::fire_due() {
  while (timers_.next() <= now_) fire(timers_.pop());
}

void Scheduler::fire(const Timer& timer) {
  const u32 id = timer.owner;
  switch (timer.kind) {
    case TimerKind::kOpDone:
      ops_[id].timer = 0;
      complete(id, ops_[id].code, 0);
      break;
    case TimerKind::kOpTimeout:
      ops_[id].timeout = 0;
      abandon(id);
      complete(id, OpCode::kTimeout, 0);
      break;
    case TimerKind::kTaskTimeout:
      limits_[fibers_[id].limits].timeout_timer = 0;
      cancel(id, Cause::kTimeout, 0);
      break;
    case TimerKind::kQueueTimeout:
      limits_[fibers_[id].limits].queue_timer = 0;
      cancel(id, Cause::kQueueTimeout, 0);
      break;
    case TimerKind::kDeadline:
      limits_[fibers_[id].limits].deadline_timer = 0;
      cancel(id, Cause::kDeadline, 0);
      break;
    case TimerKind::kGrace:
      limits_[fibers_[id].limits].grace_timer = 0;
      grace_over(id);
      break;
    case TimerKind::kShield:
      shields_[id].timer = 0;
      shield_over(id);
      break;
    case TimerKind::kCallAnswer:
      calls_[id].timer = 0;
      answer_call(id);
      break;
    case TimerKind::kBackoff:
      calls_[id].timer = 0;
      backoff_over(id);
      break;
    case TimerKind::kCallGrace:
      calls_[id].timer = 0;
      call_grace_over(id);
      break;
    case TimerKind::kFirstToken:
      calls_[id].word_timer = 0;
      first_token_late(id);
      break;
    case TimerKind::kHedge:
      calls_[id].hedge_timer = 0;
      hedge_due(id);
      break;
    case TimerKind::kGate:
      gates_[id]->timer = 0;
      touch_gate(id);
      break;
  }
}

// Virtual time: when nothing can run and the host has nothing left to do, now becomes the time of the next timer.
// It stands still while a call takes real time, unless the user lets it pass.
bool Scheduler::jump() {
  if (!config_.virtual_time || commands_ > commands_answered_) return false;
  const Time next = timers_.next();
  if (now_ < advance_until_) {
    now_ = next < advance_until_ ? next : advance_until_;
    fire_due();
    return true;
  }
  if (next == kNever || live_calls_ > 0) return false;
  // Bodies that await something foreign get a turn of their own first: the host is told that time could pass, and comes
  // back.
  if (foreign_ > 0 && !has_idled_) return false;
  has_idled_ = false;
  now_ = next;
  fire_due();
  return true;
}

void Scheduler::admit() {
  while (slots_ < config_.max_tasks) {
    if (!slot_waiters_.empty()) {
      const FiberId id = slot_waiters_.pop();
      Fiber& fiber = fibers_[id];
      if (!fiber.waits_for_slot) continue;
      fiber.waits_for_slot = false;
      take_slot(fiber);
      make_ready(id);
    } else if (!pending_.empty() && zombies_ < config_.max_zombies) {
      start(pending_.pop());
    } else {
      break;
    }
  }
}

// Asks for the memory of fibers that run soon: among many fibers, a switch waits for little else.
void Scheduler::fetch_ahead() const {
  constexpr u32 kFar = 8;  // turns from now: the fiber and its body
  const FiberId far = ready_.soon(kFar);
  if (far == 0) return;
  fetch(&fibers_[far]);
  if (shared_ != nullptr && fibers_[far].body == BodyKind::kShared) fetch(shared_->resumes_at(far));
#ifndef __wasm__
  // Bodies of C++ run natively only; in WebAssembly asking for them would cost a tenth of a switch.
  constexpr u32 kNear = 4;  // what the body, there by now, points to
  if (far < bodies_.size()) fetch(bodies_[far].get());
  const FiberId near = ready_.soon(kNear);
  if (near < bodies_.size() && bodies_[near] != nullptr) fetch(bodies_[near]->resumes_at);
#endif
}

void Scheduler::dispatch(FiberId id) {
  Fiber& fiber = fibers_[id];
  fiber.is_ready = false;
  fiber.was_told = fiber.cancelled;
  ++steps_;
  if (fiber.body_ended) {
    while (take_done(fiber) != 0) {
    }
    try_retire(id);
  } else if (fiber.body == BodyKind::kNative) {
    dispatch_native(id);
  } else if (fiber.body == BodyKind::kShared) {
    dispatch_shared(id);
  } else {
    dispatch_host(id);
  }
}

void Scheduler::dispatch_host(FiberId id) {
  Fiber& fiber = fibers_[id];
  if (!fiber.started) {
    fiber.started = true;
    if (fiber.cancelled) {
      body_over(id, false);
      return;
    }
    run(CommandType::kStart, id);
  }
  while (const OpId op = take_done(fiber)) resume(op);
  // A body with another operation outstanding may just go on waiting for that one.
  if (fiber.kind != FiberKind::kOutside && fiber.first_op == 0) enter_host(fiber);
  if (fiber.peer_waits > 0) touch(id);
}

// What the host waits for on the fiber's behalf goes to the host, what the body waits for to the body.
void Scheduler::dispatch_shared(FiberId id) {
  Fiber& fiber = fibers_[id];
  bool runs = fiber.yielded;
  if (!fiber.started) {
    fiber.started = runs = true;
    if (fiber.cancelled) {
      body_over(id, false);
      return;
    }
    if (fiber.kind == FiberKind::kTask) effect(CommandType::kStarted, id);
  }
  OpCode code = fiber.yielded && fiber.cancelled && !fiber.yields_shielded ? OpCode::kCancelled : OpCode::kOk;
  u32 aux = 0;
  while (fiber.first_done != 0) {
    const OpId op = take_done(fiber);
    if (ops_[op].of_host) {
      resume(op);
      continue;
    }
    runs = true;
    code = ops_[op].code;
    aux = ops_[op].aux;
    delivered_ = ops_[op].remaining;
  }
  if (is_awaited_by_host(fiber)) enter_host(fiber);
  if (!runs) {
    if (fiber.peer_waits > 0) touch(id);
    return;
  }
  fiber.yielded = false;
  turn_steps_ = 0;
  run_shared(id, code, aux);
}

// One slice of a turn.
void Scheduler::run_shared(FiberId id, OpCode code, u32 aux) {
  // A turn costs something even where nothing is computed in it: step() ends.
  constexpr u32 kLeast = 16;
  Fiber& fiber = fibers_[id];
  const bool is_fair = config_.dispatch == DispatchPolicy::kFairRoundRobin;
  u32 steps = slice_left_;
  if (is_fair) steps = std::min(steps, turn_steps_ < config_.quantum ? config_.quantum - turn_steps_ : 1);
  turn_ = id;
  const TurnEnd end = shared_->run(id, code, aux, steps);
  turn_ = 0;
  machine_steps_ += steps;
  turn_steps_ = turn_steps_ < UINT32_MAX - steps ? turn_steps_ + steps : UINT32_MAX;
  slice_left_ -= std::min(slice_left_, std::max(steps, kLeast));
  if (end == TurnEnd::kCompleted || end == TurnEnd::kFailed) {
    body_over(id, end == TurnEnd::kCompleted);
    return;
  }
  if (fiber.cancelled && fiber.limits != 0) {
    u64& used = limits_[fiber.limits].unwinding_steps;
    used += steps;
    if (used >= kUnwindingSteps) {
      body_over(id, false);
      return;
    }
  }
  if (end == TurnEnd::kSteps) {
    if (is_fair && turn_steps_ >= config_.quantum) {
      fiber.yielded = true;
      fiber.yields_shielded = false;
      make_ready(id);
    } else {
      paused_ = id;
    }
  } else if (fiber.yielded || fiber.first_done != 0 || fiber.first_op == 0) {
    if (fiber.first_done == 0) fiber.yielded = true;
    make_ready(id);
  } else {
    suspend_if_waiting(id);
  }
}

void Scheduler::dispatch_native(FiberId id) {
  Fiber& fiber = fibers_[id];
  if (!fiber.started) {
    fiber.started = true;
    if (fiber.cancelled) {
      body_over(id, false);
      return;
    }
  }
  OpCode code = fiber.yielded && fiber.cancelled && !fiber.yields_shielded ? OpCode::kCancelled : OpCode::kOk;
  u32 aux = 0;
  fiber.yielded = false;
  if (fiber.first_done != 0) {
    const OpId op = take_done(fiber);
    code = ops_[op].code;
    aux = ops_[op].aux;
    delivered_ = ops_[op].remaining;
  }
  turn_steps_ = 0;
  bool completed = true;
  if (!bodies_[id]->run(code, aux, completed)) {
    body_over(id, completed);
  } else if (fiber.yielded || fiber.first_done != 0 || fiber.first_op == 0) {
    // A body that returned without waiting for anything has yielded, whatever it meant.
    make_ready(id);
  } else {
    suspend_if_waiting(id);
  }
}

void Scheduler::set_alarm() {
  Time next = timers_.next();
  if (config_.virtual_time) {
    // "Call step() again when you have nothing left to do": said as long as time could pass then.
    const bool could_pass = now_ < advance_until_ || (next != kNever && live_calls_ == 0);
    if (!could_pass && alarm_ == kNever) return;
    alarm_ = could_pass ? 0 : kNever;
  } else {
    if (next == alarm_) return;
    alarm_ = next;
  }
  Command command;
  command.type = CommandType::kAlarm;
  command.set_x(alarm_ == kNever ? -1.0 : static_cast<double>(alarm_) / 1000.0);
  emit(effects_, command);
}

void Scheduler::run(CommandType type, u32 a, u32 b, u32 c, u32 detail) {
  Command command;
  command.type = type;
  for (u32 i = 0; i < 3; ++i) command.detail[i] = static_cast<u8>(detail >> (8 * i));
  command.a = a;
  command.b = b;
  command.c = c;
  emit(runs_, command);
}

void Scheduler::effect(CommandType type, u32 a, u32 b, u32 c) {
  Command command;
  command.type = type;
  command.a = a;
  command.b = b;
  command.c = c;
  emit(effects_, command);
}

// `hashed`: what of it must be the same in every run. A host's tokens need not be: when one is free again depends on
// when it finds that an object is not reachable any more.
void Scheduler::emit(Ring<Command>& ring, const Command& command, const Command& hashed) {
  u64 words[2];
  std::memcpy(words, &hashed, sizeof words);
  for (const u64 word : words) {
    command_hash_ = (command_hash_ ^ word) * 0x9E3779B97F4A7C15ULL;
    command_hash_ ^= command_hash_ >> 32;
  }
  ring.push(command);
  ++commands_;
}

void Scheduler::configure(ConfigKey key, double value) {
  const u32 count = value >= 4294967295.0 ? UINT32_MAX : value > 0 ? static_cast<u32>(value) : 0;
  switch (key) {
    case ConfigKey::kMaxTasks: config_.max_tasks = count; break;
    case ConfigKey::kMaxCalls: config_.max_calls = count; break;
    case ConfigKey::kTaskTimeout: config_.task_timeout = to_time(value); break;
    case ConfigKey::kFairness: config_.fairness = static_cast<FairnessMode>(count > 2 ? 0 : count); break;
    case ConfigKey::kAging: config_.aging = to_time(value) < kMaxAging ? to_time(value) : kMaxAging; break;
    case ConfigKey::kGrace: config_.grace = to_time(value); break;
    case ConfigKey::kMaxZombies: config_.max_zombies = count; break;
    case ConfigKey::kMaxAttempts: config_.retry.max_attempts = count; break;
    case ConfigKey::kBaseDelay: config_.retry.base_delay = to_time(value); break;
    case ConfigKey::kMaxDelay: config_.retry.max_delay = to_time(value); break;
    case ConfigKey::kMaxRetryAfter: config_.retry.max_retry_after = to_time(value); break;
    case ConfigKey::kRetryBudget: config_.retry.budget = count; break;
    case ConfigKey::kCooldown: config_.cooldown = to_time(value); break;
    case ConfigKey::kHedgeShare: config_.hedge.share = value > 0 ? value : 0; break;
    case ConfigKey::kHedgeBurst: config_.hedge.burst = count; break;
  }
  pending_.configure(config_.fairness, config_.aging);
  call_queue_.configure(config_.fairness, config_.aging);
  if (key == ConfigKey::kFairness || key == ConfigKey::kAging) {
    for (GateId id = 1; id < gates_.size(); ++id) {
      gates_[id]->queue.configure(config_.fairness, config_.aging);
      // Another may stand at the front, and fit.
      if (!gates_[id]->queue.empty()) touch_gate(id);
    }
  }
  if (key == ConfigKey::kFairness && lends_priority()) lend_all();
}

}  // namespace heddle
