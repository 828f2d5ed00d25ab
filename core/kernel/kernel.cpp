// The kernel's door: checks ids, writes events down where wanted, and passes them on. Partner: scheduler.h.
#include "heddle/kernel.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "kernel/scheduler.h"
#include "sync/sync_table.h"

namespace heddle {

namespace {

double to_ms(Time time) { return static_cast<double>(time) / 1000.0; }
double optional_ms(Time time) { return time < 0 ? -1.0 : to_ms(time); }

// Whatever the caller says, inside a duration is one that can be added.
Time span(Time time) { return std::clamp(time, Time{0}, kMaxSpan); }
Time optional_span(Time time) { return time < 0 ? -1 : span(time); }

}  // namespace

Kernel::Kernel(const KernelConfig& config)
    : scheduler_(std::make_unique<Scheduler>(config)), sync_(std::make_unique<SyncTable>(*scheduler_, config.seed)) {
  scheduler_->set_peers(sync_.get());
}

// Bodies may call it while they are destroyed.
Kernel::~Kernel() { scheduler_->drop_bodies(); }

void Kernel::note(EventType type, u32 a, u32 b, u32 c, double x, double y) {
  if (scheduler_->in_shared_turn()) return;
  // What belongs to the next submit, wait or call counts with that.
  const bool is_part = type == EventType::kOption || type == EventType::kTarget || type == EventType::kCallOption ||
                       type == EventType::kRoute || type == EventType::kPayload || type == EventType::kSyncCase;
  if (!is_part) ++events_;
  if (record_ != nullptr) record_->push_back({type, a, b, c, x, y});
}

void Kernel::record_to(std::vector<Event>* events) { record_ = events; }

void Kernel::set_time(Time now) {
  now = span(now);
  note(EventType::kTime, 0, 0, 0, to_ms(now));
  scheduler_->set_time(now);
}

Time Kernel::now() const { return scheduler_->now(); }

bool Kernel::step(u32 limit) {
  return step_as(limit, runs().has_read(runs_told_) && effects().has_read(effects_told_));
}

bool Kernel::awaits_host() const { return scheduler_->awaits_host(); }

bool Kernel::step_as(u32 limit, bool host_had_its_turn) {
  // A native body that calls it would run inside itself.
  if (is_stepping_) return false;
  note(EventType::kStep, limit, host_had_its_turn ? 0 : 1);
  is_stepping_ = true;
  const bool more = scheduler_->step(limit, host_had_its_turn);
  is_stepping_ = false;
  runs_told_ = runs().written();
  effects_told_ = effects().written();
  return more;
}

Ring<Command>& Kernel::runs() { return scheduler_->runs(); }
Ring<Command>& Kernel::effects() { return scheduler_->effects(); }

FiberId Kernel::submit(const SubmitRequest& request) { return submit(request, nullptr); }

FiberId Kernel::submit(const SubmitRequest& wanted, std::unique_ptr<Body> body) {
  if (wanted.kind == FiberKind::kOutside || wanted.kind > FiberKind::kFiber) return 0;
  if (wanted.parent != 0 && !scheduler_->has_fiber(wanted.parent)) return 0;
  if (wanted.shield != 0 && !scheduler_->has_shield(wanted.shield, wanted.parent)) return 0;
  SubmitRequest request = wanted;
  const bool shared = wanted.body == BodyKind::kShared && scheduler_->has_shared_body();
  request.body = body != nullptr ? BodyKind::kNative : shared ? BodyKind::kShared : BodyKind::kHost;
  if (request.kind == FiberKind::kFiber && request.body == BodyKind::kHost) return 0;
  if (request.has_priority) request.priority = std::clamp(request.priority, -kMaxPriority, kMaxPriority);
  request.timeout = optional_span(request.timeout);
  request.queue_timeout = optional_span(request.queue_timeout);
  request.deadline = optional_span(request.deadline);
  request.grace = optional_span(request.grace);
  request.retry_budget = std::clamp(request.retry_budget, i64{-1}, i64{UINT32_MAX});
  if (record_ != nullptr) {
    const auto option = [this](SubmitOption which, double value) {
      note(EventType::kOption, static_cast<u32>(which), 0, 0, value);
    };
    if (request.has_priority) option(SubmitOption::kPriority, request.priority);
    if (request.key != 0) option(SubmitOption::kKey, request.key);
    if (request.timeout >= 0) option(SubmitOption::kTimeout, to_ms(request.timeout));
    if (request.queue_timeout >= 0) option(SubmitOption::kQueueTimeout, to_ms(request.queue_timeout));
    if (request.deadline >= 0) option(SubmitOption::kDeadline, to_ms(request.deadline));
    if (request.grace >= 0) option(SubmitOption::kGrace, to_ms(request.grace));
    if (request.joiner != Joiner::kNone) option(SubmitOption::kJoiner, static_cast<u32>(request.joiner));
    if (request.quorum != 0) option(SubmitOption::kQuorum, request.quorum);
    if (request.retry_budget >= 0) option(SubmitOption::kRetryBudget, static_cast<double>(request.retry_budget));
  }
  note(EventType::kSubmit, request.parent,
       static_cast<u32>(request.kind) | static_cast<u32>(request.body) << 8 | (request.detached ? u32{kDetached} : 0) |
           (request.kept ? u32{kKept} : 0) | (request.leaves_children ? u32{kLeavesChildren} : 0),
       request.shield);
  return scheduler_->submit(request, std::move(body));
}

void Kernel::ended(FiberId fiber, bool completed) {
  if (!scheduler_->has_fiber(fiber)) return;
  const Fiber& record = scheduler_->fiber(fiber);
  if (record.kind == FiberKind::kOutside || record.body != BodyKind::kHost || !record.started) return;
  note(EventType::kEnded, fiber, completed ? 1 : 0);
  scheduler_->body_over(fiber, completed);
}

void Kernel::release(FiberId fiber) {
  if (!scheduler_->has_fiber(fiber)) return;
  note(EventType::kRelease, fiber);
  scheduler_->release(fiber);
}

FiberId Kernel::outside() {
  note(EventType::kOutside);
  return scheduler_->outside();
}

void Kernel::outside_done(FiberId fiber) {
  if (!scheduler_->has_fiber(fiber)) return;
  note(EventType::kOutsideDone, fiber);
  scheduler_->outside_done(fiber);
}

u32 Kernel::seq(FiberId fiber) const { return scheduler_->has_fiber(fiber) ? scheduler_->fiber(fiber).seq : 0; }

FiberId Kernel::task_of(FiberId fiber) const {
  if (!scheduler_->has_fiber(fiber)) return 0;
  while (fiber != 0 && scheduler_->fiber(fiber).kind != FiberKind::kTask) fiber = scheduler_->fiber(fiber).parent;
  return fiber;
}

Cause Kernel::cause(FiberId fiber) const {
  return scheduler_->has_fiber(fiber) ? scheduler_->fiber(fiber).cause : Cause::kNone;
}

u32 Kernel::cause_seq(FiberId fiber) const {
  return scheduler_->has_fiber(fiber) ? scheduler_->fiber(fiber).cause_seq : 0;
}

FiberId Kernel::parent(FiberId fiber) const {
  return scheduler_->has_fiber(fiber) ? scheduler_->fiber(fiber).parent : 0;
}
bool Kernel::is_awaited(FiberId fiber) const {
  return scheduler_->has_fiber(fiber) && scheduler_->fiber(fiber).first_waiter != 0;
}

i32 Kernel::priority(FiberId fiber) const {
  return scheduler_->has_fiber(fiber) ? scheduler_->fiber(fiber).priority : 0;
}

FiberState Kernel::state(FiberId fiber) const {
  return scheduler_->has_fiber(fiber) ? scheduler_->fiber(fiber).state : FiberState::kFree;
}

bool Kernel::is_cancelled(FiberId fiber) const {
  return scheduler_->has_fiber(fiber) && scheduler_->fiber(fiber).cancelled;
}

bool Kernel::is_interrupted(FiberId fiber, ShieldId shield) const {
  if (!scheduler_->has_fiber(fiber) || (shield != 0 && !scheduler_->has_shield(shield, fiber)))
    return is_cancelled(fiber);
  return scheduler_->is_interrupted(scheduler_->fiber(fiber), shield);
}

// --- Operations ---

// Whether the fiber may call an operation, under that shield: its body has begun and is not over.
bool Kernel::may_act(FiberId fiber, ShieldId shield) const {
  if (!scheduler_->has_fiber(fiber)) return false;
  if (!scheduler_->fiber(fiber).started || scheduler_->fiber(fiber).body_ended) return false;
  return shield == 0 || scheduler_->has_shield(shield, fiber);
}

i32 Kernel::yield(FiberId fiber, ShieldId shield) {
  if (shield == 0 && scheduler_->has_turn(fiber)) return scheduler_->yield(fiber, shield);
  if (!may_act(fiber, shield)) return kRefused;
  note(EventType::kYield, fiber, shield);
  return scheduler_->yield(fiber, shield);
}

i32 Kernel::delay(FiberId fiber, Time duration, ShieldId shield) {
  if (!may_act(fiber, shield)) return kRefused;
  duration = span(duration);
  note(EventType::kDelay, fiber, shield, 0, to_ms(duration));
  return scheduler_->delay(fiber, duration, shield);
}

i32 Kernel::wait(FiberId fiber, WaitMode mode, const FiberId* targets, u32 count, bool cancel_losers, Time timeout,
                 ShieldId shield) {
  if (!may_act(fiber, shield) || mode > WaitMode::kEnded) return kRefused;
  timeout = span(timeout);
  if (record_ != nullptr) {
    for (u32 i = 0; i < count; ++i) note(EventType::kTarget, targets[i]);
  }
  note(EventType::kWait, fiber, shield, static_cast<u32>(mode) | (cancel_losers ? 1U << 8 : 0), to_ms(timeout));
  return scheduler_->wait(fiber, mode, targets, count, cancel_losers, timeout, shield);
}

i32 Kernel::call(FiberId fiber, CallClass type, bool stream, Time timeout, ShieldId shield) {
  CallRequest request;
  request.type = type;
  request.stream = stream;
  request.timeout = timeout;
  return call(fiber, request, shield);
}

i32 Kernel::call(FiberId fiber, const CallRequest& given, ShieldId shield) {
  if (!may_act(fiber, shield) || given.type > CallClass::kOther) return kRefused;
  CallRequest request = given;
  request.timeout = span(request.timeout);
  request.first_token = span(request.first_token);
  request.hedge = span(request.hedge);
  if (record_ != nullptr) {
    const auto option = [this](CallOption which, double value) {
      if (value > 0) note(EventType::kCallOption, static_cast<u32>(which), 0, 0, value);
    };
    option(CallOption::kFirstToken, to_ms(request.first_token));
    option(CallOption::kHedge, to_ms(request.hedge));
    option(CallOption::kOnce, request.once ? 1 : 0);
    for (u32 i = 0; i < request.route_count; ++i) {
      const RouteRequest& route = request.routes[i];
      note(EventType::kRoute, route.gates[0], route.gates[1], route.gates[2], static_cast<double>(route.tokens));
    }
  }
  note(EventType::kCall, fiber, shield, static_cast<u32>(request.type) | (request.stream ? 1U << 8 : 0),
       to_ms(request.timeout));
  return scheduler_->call(fiber, request, shield);
}

i32 Kernel::reopen(FiberId fiber, CallId call, Time retry_after, Time timeout, ShieldId shield, u32 flags) {
  if (!may_act(fiber, shield) || call >> kReopenCallBits != 0 || !scheduler_->has_call(call)) return kRefused;
  flags &= 0xffu;
  retry_after = optional_span(retry_after);
  timeout = span(timeout);
  note(EventType::kReopen, fiber, shield, call | flags << kReopenCallBits, optional_ms(retry_after), to_ms(timeout));
  return scheduler_->reopen(fiber, call, retry_after, timeout, shield, flags);
}

i32 Kernel::read(FiberId fiber, CallId call, Time timeout, ShieldId shield) {
  if (!may_act(fiber, shield) || !scheduler_->has_call(call)) return kRefused;
  timeout = span(timeout);
  note(EventType::kRead, fiber, shield, call, to_ms(timeout));
  return scheduler_->read(fiber, call, timeout, shield);
}

void Kernel::set_shared_body(SharedBody* body) { scheduler_->set_shared_body(body); }

i32 Kernel::host_op(FiberId fiber, u32 procedure, ShieldId shield) {
  if (!may_act(fiber, shield) || scheduler_->fiber(fiber).body != BodyKind::kShared) return kRefused;
  if (!scheduler_->in_shared_turn()) return kRefused;
  return scheduler_->host_op(fiber, procedure, shield);
}

bool Kernel::is_host_op(OpId op) const {
  return scheduler_->has_op(op) && scheduler_->op(op).kind == OpKind::kHost &&
         scheduler_->op(op).state == OpState::kParked;
}

FiberId Kernel::fiber_of(OpId op) const { return scheduler_->has_op(op) ? scheduler_->op(op).fiber : 0; }

void Kernel::host_done(OpId op, bool ok) {
  if (!is_host_op(op)) return;
  note(EventType::kHostDone, op, ok ? 1 : 0);
  scheduler_->host_done(op, ok);
}

void Kernel::awaited(u32 seq) { scheduler_->awaited(seq); }
void Kernel::printed(u32 program, u32 bytes) { scheduler_->printed(program, bytes); }

void Kernel::note_payload(std::string_view bytes) {
  u64 hash = 0xCBF29CE484222325ULL;
  for (const char byte : bytes) hash = (hash ^ static_cast<u8>(byte)) * 0x100000001B3ULL;
  note(EventType::kPayload, static_cast<u32>(bytes.size()), ++payloads_, 0, std::bit_cast<double>(hash));
}

bool Kernel::abort_op(OpId op) {
  if (!scheduler_->has_op(op)) return false;
  note(EventType::kAbortOp, op);
  return scheduler_->abort_op(op);
}

ShieldId Kernel::shield(FiberId fiber, Time timeout) {
  if (!may_act(fiber, 0)) return 0;
  timeout = span(timeout);
  note(EventType::kShield, fiber, 0, 0, to_ms(timeout));
  return scheduler_->shield(fiber, timeout);
}

void Kernel::unshield(ShieldId shield) {
  if (!scheduler_->has_shield(shield, 0)) return;
  note(EventType::kUnshield, shield);
  scheduler_->unshield(shield);
}

// --- The host's answers ---

void Kernel::call_used(CallId call, i64 tokens) {
  if (!scheduler_->has_call(call)) return;
  note(EventType::kCallUsed, call, 0, 0, static_cast<double>(tokens));
  scheduler_->call_used(call, tokens);
}

void Kernel::call_done(CallId call, bool ok, u32 flags, Time retry_after) {
  if (!scheduler_->has_call(call)) return;
  retry_after = optional_span(retry_after);
  note(EventType::kCallDone, call, ok ? 1 : 0, flags, optional_ms(retry_after));
  scheduler_->call_done(call, ok, flags, retry_after);
}

void Kernel::call_progress(CallId call, Time limit) {
  if (!scheduler_->has_call(call)) return;
  limit = span(limit);
  note(EventType::kProgress, call, 0, 0, to_ms(limit));
  scheduler_->call_progress(call, limit);
}

void Kernel::read_progress(OpId op, Time timeout) {
  if (!scheduler_->has_op(op)) return;
  timeout = span(timeout);
  note(EventType::kReadProgress, op, 0, 0, to_ms(timeout));
  scheduler_->read_progress(op, timeout);
}

void Kernel::call_opened(CallId call) {
  if (!scheduler_->has_call(call)) return;
  note(EventType::kCallOpened, call);
  scheduler_->call_opened(call);
}

void Kernel::call_closed(CallId call, u32 flags) {
  if (!scheduler_->has_call(call)) return;
  note(EventType::kCallClosed, call, 0, flags);
  scheduler_->call_closed(call, flags);
}

void Kernel::call_takes(CallId call, Time latency, bool ok, bool opens, u32 flags, Time retry_after) {
  if (!scheduler_->has_call(call)) return;
  latency = span(latency);
  retry_after = optional_span(retry_after);
  note(EventType::kCallTakes, call, (ok ? 1U : 0) | (opens ? 1U << 8 : 0), flags, optional_ms(retry_after),
       to_ms(latency));
  scheduler_->call_takes(call, latency, ok, opens, flags, retry_after);
}

void Kernel::read_done(OpId op, bool ok) {
  if (!scheduler_->has_op(op)) return;
  note(EventType::kReadDone, op, ok ? 1 : 0);
  scheduler_->read_done(op, ok);
}

void Kernel::read_takes(OpId op, Time latency, bool ok) {
  if (!scheduler_->has_op(op)) return;
  latency = span(latency);
  note(EventType::kReadTakes, op, ok ? 1 : 0, 0, 0, to_ms(latency));
  scheduler_->read_takes(op, latency, ok);
}

// --- Cancellation and the rest ---

bool Kernel::cancel(FiberId fiber, u32 reason) {
  if (!scheduler_->has_fiber(fiber)) return false;
  note(EventType::kCancel, fiber, reason);
  return scheduler_->cancel(fiber, Cause::kRequested, reason);
}

void Kernel::cancel_all(u32 reason, Cause cause) {
  if (cause != Cause::kClosed) cause = Cause::kRequested;
  note(EventType::kCancelAll, 0, reason, static_cast<u32>(cause));
  scheduler_->cancel_all(cause, reason);
}

void Kernel::configure(ConfigKey key, double value) {
  note(EventType::kConfigure, static_cast<u32>(key), 0, 0, value);
  scheduler_->configure(key, value);
}

bool Kernel::set_gate(GateId gate, GateKey key, double value) {
  if (gate == 0 || gate > scheduler_->gate_limit()) return false;
  note(EventType::kGate, gate, static_cast<u32>(key), 0, value);
  scheduler_->set_gate(gate, key, value);
  return true;
}

bool Kernel::is_idle(GateId gate) const {
  return gate != 0 && gate < scheduler_->gate_limit() && scheduler_->gate(gate).is_idle(now());
}

void Kernel::report_rate(GateId gate, bool tokens, double remaining, Time reset) {
  if (gate == 0 || gate >= scheduler_->gate_limit()) return;
  reset = optional_span(reset);
  note(EventType::kServerRate, gate, tokens ? 1 : 0, 0, remaining, optional_ms(reset));
  scheduler_->report_rate(gate, tokens, remaining, reset);
}

double Kernel::random() {
  note(EventType::kRandom);
  return scheduler_->random();
}

void Kernel::advance(Time duration) {
  duration = span(duration);
  note(EventType::kAdvance, 0, 0, 0, to_ms(duration));
  scheduler_->advance(duration);
}

Stats Kernel::stats() const {
  Stats stats = scheduler_->stats();
  stats.events = events_;
  stats.sync_links = sync_->links();
  for (u32 kind = 1; kind < kSyncKinds; ++kind) stats.objects[kind] = sync_->count(static_cast<SyncKind>(kind));
  return stats;
}

u64 Kernel::machine_steps() const { return scheduler_->machine_steps(); }

std::vector<GateStats> Kernel::gate_stats() const { return scheduler_->gate_stats(); }

std::vector<WaitFact> Kernel::explain(FiberId fiber) const {
  return scheduler_->has_fiber(fiber) ? scheduler_->explain(fiber) : std::vector<WaitFact>{};
}

i32 Kernel::tick(FiberId fiber, u32 steps, ShieldId shield) {
  if (!may_act(fiber, shield) || scheduler_->fiber(fiber).body != BodyKind::kNative) return kRefused;
  return scheduler_->tick(fiber, steps, shield);
}

void Kernel::give_turn(FiberId fiber) {
  if (may_act(fiber, 0) && scheduler_->fiber(fiber).body == BodyKind::kNative) scheduler_->give_turn(fiber);
}

CallId Kernel::call_of(OpId op) const {
  if (!scheduler_->has_op(op) || scheduler_->op(op).kind != OpKind::kCall) return 0;
  return scheduler_->op(op).link;
}

bool Kernel::is_stream(CallId call) const { return scheduler_->has_call(call) && scheduler_->call_record(call).stream; }

u64 Kernel::work() const { return scheduler_->work() + sync_->work(); }

std::string Kernel::broken_invariant() const {
  std::string broken = scheduler_->broken_invariant();
  return broken.empty() ? sync_->broken_invariant() : broken;
}

u32 Kernel::foreign() const { return scheduler_->foreign(); }
u32 Kernel::live_calls() const { return scheduler_->live_calls(); }

}  // namespace heddle
