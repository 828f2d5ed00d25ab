// The scheduler: the state behind the kernel's door, and everything that moves it. Partner: kernel.cpp, which checks
// ids and records events, so that here every id is valid.
//
// One class, because one invariant spans it: at every return to the door, each live fiber either stands in exactly one
// queue (pending, ready, slot waiters), or has control, or has an outstanding operation that something will end. Its
// methods are spread over files by concern:
//   scheduler.cpp     the loop: time, admission, dispatch
//   lifecycle.cpp     submit, start, end, settle, slots
//   operations.cpp    begin, complete and deliver operations; yield, delay, read
//   waits.cpp         waiting for fibers, priority lending
//   scopes.cpp        joiners
//   cancellation.cpp  the tree, shields, grace, zombies, limits of time
//   calls.cpp         host calls: from their beginning to their end
//   attempts.cpp      their attempts: retry, plans, hedging, budgets
//   gates.cpp         the limits that they pass: rates, concurrency, circuits
//   explain.cpp       stats and explain
//   invariants.cpp    what must hold at every return to the door
//
// Nothing here recurses deeper for more fibers: the stack of a WebAssembly instance is small. Trees are walked with
// work lists, ends go up in a loop, and a wait that is decided while losers are being cancelled adds its own to that
// list.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "heddle/body.h"
#include "heddle/command.h"
#include "heddle/config.h"
#include "heddle/kernel.h"
#include "heddle/ring.h"
#include "heddle/stats.h"
#include "heddle/types.h"
#include "kernel/admission_queue.h"
#include "kernel/call.h"
#include "kernel/deque.h"
#include "kernel/fiber.h"
#include "kernel/gate.h"
#include "kernel/linked_list.h"
#include "kernel/operation.h"
#include "kernel/peers.h"
#include "kernel/random.h"
#include "kernel/ready_queue.h"
#include "kernel/slab.h"
#include "kernel/timers.h"

namespace heddle {

class Scheduler {
 public:
  explicit Scheduler(const KernelConfig& config);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // scheduler.cpp
  void set_time(Time now);
  bool step(u32 limit, bool host_had_its_turn);
  void advance(Time duration);
  void configure(ConfigKey key, double value);
  void set_shared_body(SharedBody* body) { shared_ = body; }
  void drop_bodies();
  void set_peers(Peers* peers) { peers_ = peers; }
  bool has_shared_body() const { return shared_ != nullptr; }
  // Whether a shared body has control: what it does is no event, doing it again does it again.
  bool in_shared_turn() const { return turn_ != 0; }
  // Whether it is the one: then it has begun and is not over.
  bool has_turn(FiberId id) const { return id == turn_ && id != 0; }
  void awaited(u32 seq) { effect(CommandType::kAwaited, seq); }
  void printed(u32 program, u32 bytes) { effect(CommandType::kOutput, program, bytes); }

  // lifecycle.cpp
  FiberId submit(const SubmitRequest& request, std::unique_ptr<Body> body);
  void body_over(FiberId id, bool completed);
  FiberId outside();
  void outside_done(FiberId id);
  void release(FiberId id);

  // operations.cpp
  i32 yield(FiberId id, ShieldId shield);
  void give_turn(FiberId id);
  i32 tick(FiberId id, u32 steps, ShieldId shield);
  i32 delay(FiberId id, Time duration, ShieldId shield);
  i32 read(FiberId id, CallId call, Time timeout, ShieldId shield);
  void read_done(OpId id, bool ok);
  void read_progress(OpId id, Time timeout);
  void read_takes(OpId id, Time latency, bool ok);
  bool abort_op(OpId id);
  i32 host_op(FiberId id, u32 procedure, ShieldId shield);
  void host_done(OpId id, bool ok);

  bool is_interrupted(const Fiber& fiber, ShieldId shield) const;

  // operations.cpp, for the objects at which fibers wait for each other
  OpId begin_sync(FiberId id, ShieldId shield, Time timeout);
  void complete_sync(OpId id, OpCode code, u32 index, SyncAct act, u32 value, SyncId object);
  // Nothing runs, nothing is in flight, no time is waited for, and fibers wait at objects.
  bool is_quiet() const { return peers_->waits() > 0 && is_still(); }
  // The same, and nobody waits there, or only for whoever may want something of them one day.
  bool is_at_rest() const { return peers_->waits() == 0 && is_still(); }
  bool is_still() const;
  void fail_sync(OpId id, u32 deadlock);
  const WaitLink& wait_link(u32 id) const { return links_[id]; }
  bool has_timeout(FiberId id) const {
    return fibers_[id].limits != 0 && limits_[fibers_[id].limits].timeout_timer != 0;
  }
  FiberId fiber_limit() const { return fibers_.limit(); }
  void set_link(OpId id, u32 link) { ops_[id].link = link; }
  void dropped(u32 token);
  void not_released(SyncId mutex, FiberId id) { effect(CommandType::kNotReleased, mutex, fibers_[id].seq); }
  // What the operation got that the body was last resumed with.
  u32 delivered() const { return delivered_; }

  // waits.cpp
  i32 wait(FiberId id, WaitMode mode, const FiberId* targets, u32 count, bool cancel_losers, Time timeout,
           ShieldId shield);

  // cancellation.cpp
  bool cancel(FiberId id, Cause cause, u32 reason);
  void cancel_all(Cause cause, u32 reason);
  ShieldId shield(FiberId id, Time timeout);
  void unshield(ShieldId id);

  // calls.cpp
  i32 call(FiberId id, const CallRequest& request, ShieldId shield);
  void call_used(CallId id, i64 tokens);
  void call_done(CallId id, bool ok, u32 flags, Time retry_after);
  void call_progress(CallId id, Time limit);
  void call_opened(CallId id);
  void call_closed(CallId id, u32 flags);
  void call_takes(CallId id, Time latency, bool ok, bool opens, u32 flags, Time retry_after);

  // attempts.cpp
  i32 reopen(FiberId id, CallId call_id, Time retry_after, Time timeout, ShieldId shield, u32 flags);

  // gates.cpp
  void set_gate(GateId id, GateKey key, double value);
  void report_rate(GateId id, bool tokens, double remaining, Time reset);

  // explain.cpp
  Stats stats() const;
  std::vector<GateStats> gate_stats() const;
  std::vector<WaitFact> explain(FiberId id) const;

  // invariants.cpp
  std::string broken_invariant() const;

  bool has_fiber(FiberId id) const { return fibers_.contains(id) && fibers_[id].state != FiberState::kFree; }
  bool has_op(OpId id) const { return ops_.contains(id) && ops_[id].kind != OpKind::kFree; }
  bool has_call(CallId id) const { return calls_.contains(id) && calls_[id].state != CallState::kFree; }
  // Whether it is a shield, of that fiber if it is not 0.
  bool has_shield(ShieldId id, FiberId fiber) const {
    return shields_.contains(id) && shields_[id].fiber != 0 && (fiber == 0 || shields_[id].fiber == fiber);
  }
  const Fiber& fiber(FiberId id) const { return fibers_[id]; }
  const Operation& op(OpId id) const { return ops_[id]; }
  const Call& call_record(CallId id) const { return calls_[id]; }
  GateId gate_limit() const { return static_cast<GateId>(gates_.size()); }
  const Gate& gate(GateId id) const { return *gates_[id]; }
  Time now() const { return now_; }
  double random() { return user_random_.unit(); }
  Ring<Command>& runs() { return runs_; }
  Ring<Command>& effects() { return effects_; }
  // A body that got control may turn out to wait for fibers only, and others wait for its slot. Or nobody will ever let
  // those who wait go on.
  bool awaits_host() const {
    return (!touched_.empty() && !(pending_.empty() && slot_waiters_.empty())) || (!quiet_told_ && is_quiet());
  }
  u32 foreign() const { return foreign_; }
  u32 live_calls() const { return live_calls_; }
  u64 work() const { return work_; }
  u64 machine_steps() const { return machine_steps_; }

 private:
  // scheduler.cpp
  void recycle();
  void look_at_touched();
  void fire_due();
  void fire(const Timer& timer);
  bool jump();
  void admit();
  void fetch_ahead() const;
  void dispatch(FiberId id);
  void dispatch_host(FiberId id);
  void dispatch_native(FiberId id);
  void dispatch_shared(FiberId id);
  void run_shared(FiberId id, OpCode code, u32 aux);
  void set_alarm();
  void emit(Ring<Command>& ring, const Command& command) { emit(ring, command, command); }
  void emit(Ring<Command>& ring, const Command& command, const Command& hashed);
  void run(CommandType type, u32 a, u32 b = 0, u32 c = 0, u32 detail = 0);
  // The time that is `duration` from now.
  Time after(Time duration) const { return now_ < kLastTime - duration ? now_ + duration : kLastTime; }
  void effect(CommandType type, u32 a, u32 b = 0, u32 c = 0);

  // lifecycle.cpp
  void set_state(Fiber& fiber, FiberState state);
  void wake(FiberId id);
  void make_ready(FiberId id);
  void touch(FiberId id);
  void suspend_if_waiting(FiberId id);
  void take_slot(Fiber& fiber);
  void release_slot(Fiber& fiber);
  void start(FiberId id);
  void tell(CommandType type, FiberId id, Outcome outcome, u32 named, u32 reason, bool ends);
  void settle(FiberId id, Outcome outcome, u32 reason, bool ends);
  // Whether the host never hears of it.
  static bool is_silent(const Fiber& fiber) {
    return fiber.kind == FiberKind::kFiber || (fiber.kind == FiberKind::kScope && fiber.body == BodyKind::kShared);
  }
  void finish(FiberId id);
  void leave_parent(FiberId id);
  void join_parent(FiberId id, FiberId parent, ShieldId shield);
  void leave_children(FiberId id);
  void try_retire(FiberId id);
  FiberLimits& limits_of(Fiber& fiber);
  void drop_limits(Fiber& fiber);

  // operations.cpp
  OpId begin(FiberId id, OpKind kind, ShieldId shield, Time timeout);
  void complete(OpId id, OpCode code, u32 aux);
  void resume(OpId id);
  void abandon(OpId id);
  void detach(OpId id);
  void drop_operations(FiberId id);
  OpId take_done(Fiber& fiber);
  bool is_awaited_by_host(const Fiber& fiber) const;
  void enter_host(Fiber& fiber);
  void leave_host(Fiber& fiber);

  // waits.cpp
  bool is_over(const Fiber& target, WaitMode mode) const;
  void target_over(OpId id, u32 index, bool completed);
  void notify_waiters(FiberId id, bool ended);
  void win(OpId id, OpCode code, u32 index);
  void cancel_losers();
  u32& list_of(const WaitLink& link);
  void append_waiter(u32 id);
  void remove_waiter(u32 id);
  void unlink_all(OpId id);
  bool lends_priority() const;
  void lend(FiberId id, i32 priority);
  void lend_to_children(const Fiber& parent);
  void take_back(FiberId id, i32 lent);
  i32 lent_priority(FiberId id) const;
  void lend_all();
  void set_effective(FiberId id, i32 priority);

  // scopes.cpp
  void scope_child_settled(FiberId id, FiberId child);
  void scope_body_over(FiberId id);
  Outcome scope_verdict(const Fiber& scope, const FiberLimits& limits) const;
  bool quorum_is_lost(const FiberLimits& limits) const;

  // cancellation.cpp
  void cancel_tree(FiberId root, bool with_root, Cause cause, u32 seq, u32 reason);
  void cancel_one(FiberId id, Cause cause, u32 seq, u32 reason);
  bool is_shielded(const Fiber& fiber) const;
  void interrupt(FiberId id);
  void arm_grace(FiberId id, Time grace);
  void begin_grace(FiberId id);
  void end_grace(const Fiber& fiber);
  bool waits_for_unwinding(const Fiber& fiber) const;
  void grace_over(FiberId id);
  void shield_over(ShieldId id);
  void use_shield(ShieldId id);
  void leave_shield(ShieldId& id);
  void drop_shields(FiberId id);
  void arm_start_limits(FiberId id);

  // calls.cpp
  CallId new_call(FiberId fiber, ShieldId shield);
  void set_plan(Call& call, const RouteRequest* routes, u32 count);
  bool is_cooling(const Route& route) const;
  bool has_cool_route(const Call& call) const;
  void take_next_route(Call& call);
  void use_route(const Route& route);
  void leave_route(const Route& route);
  void enqueue_call(CallId id, bool again);
  void admit_calls();
  void answer_call(CallId id);
  void leave_flight(Call& call);
  void drop_twin(Call& call);
  void drop_call_of(OpId op);
  void drop_call(CallId id);
  void drop_calls(FiberId id, bool shielded_too);
  void call_grace_over(CallId id);
  void free_call(CallId id);

  // attempts.cpp
  void start_call(CallId id);
  void arm_word(CallId id);
  void first_token_late(CallId id);
  void hedge_due(CallId id);
  void attempt_failed(CallId id, u32 flags, Time retry_after);
  void leave_to_twin(CallId id);
  void refuse_call(CallId id, OpCode code);
  void go_elsewhere(CallId id);
  void cool(const Route& route);
  void fail_call(CallId id, OpCode code);
  void backoff_over(CallId id);
  bool may_retry(FiberId id) const;
  void spend_retry(FiberId id);
  void add_retry_budget(Fiber& fiber, u32 retries);
  void leave_retry_budget(Fiber& fiber);

  // gates.cpp
  void touch_gate(GateId id);
  AdmissionQueue& queue_of(const Call& call);
  const AdmissionQueue& queue_of(const Call& call) const;
  void proceed(CallId id, bool again);
  OpCode refusal_of(const Call& call) const;
  bool may_be_sent(const Call& call);
  void enter_gate(Gate& gate, Call& call);
  void look_at_gates();
  void send_through_gates(Call& call);
  void judge(Call& call, bool ok, u32 flags);
  void break_circuit(GateId id);
  void leave_gates(Call& call);
  void leave_queue(Call& call);

  // explain.cpp
  template <typename MakeFact>
  void explain_call(const Call& call, MakeFact&& fact) const;

  KernelConfig config_;
  Time now_ = 0;
  Time advance_until_ = 0;
  Time alarm_ = kNever;

  Slab<Fiber> fibers_;
  Slab<FiberLimits, 8> limits_;
  Slab<RetryBudget, 6> retry_budgets_;
  Slab<Operation> ops_;
  Slab<WaitLink> links_;
  Slab<Shield, 6> shields_;
  Slab<Call, 8> calls_;
  Slab<Route, 6> routes_;                      // of plans, but for the entry that a call follows
  std::vector<std::unique_ptr<Gate>> gates_;   // by id; 0 is none
  std::vector<GateId> touched_gates_;          // where something changed
  std::vector<std::unique_ptr<Body>> bodies_;  // by fiber
  Timers timers_;

  AdmissionQueue pending_;
  AdmissionQueue call_queue_;
  ReadyQueue ready_;
  Deque<FiberId> slot_waiters_;
  std::vector<FiberId> touched_;
  std::vector<FiberId> touched_before_;
  // Work lists, kept so that they allocate nothing once warm.
  struct Loser {
    FiberId fiber;
    u32 seq;  // of the fiber whose wait was decided
  };
  std::vector<FiberId> tree_;  // cancel_tree
  std::vector<Loser> losers_;  // cancel_losers
  bool cancels_losers_ = false;
  std::vector<FiberId> lending_;  // lend, take_back
  // Ids whose last command the host may not have read yet; reusable from the next step on.
  std::vector<FiberId> retired_fibers_;
  std::vector<OpId> retired_ops_;
  std::vector<CallId> retired_calls_;
  std::vector<ShieldId> retired_shields_;

  Random jitter_;
  Random user_random_;
  Ring<Command> runs_{10};
  Ring<Command> effects_{10};
  u64 command_hash_ = 0;
  u64 commands_ = 0;           // so far
  u64 commands_told_ = 0;      // at the end of the last step
  u64 commands_answered_ = 0;  // that the host has read for certain
  u32 turn_steps_ = 0;         // of the native body that runs
  SharedBody* shared_ = nullptr;
  Peers* peers_ = nullptr;
  u32 delivered_ = 0;
  bool quiet_told_ = false;
  FiberId turn_ = 0;       // whose shared body has control
  FiberId paused_ = 0;     // whose turn goes on with the next step
  u32 slice_left_ = 0;     // steps
  u64 machine_steps_ = 0;  // of shared bodies, so far
  u32 light_fibers_ = 0;

  u32 next_seq_ = 1;
  u32 slots_ = 0;
  u32 in_flight_ = 0;   // LLM calls
  u32 live_calls_ = 0;  // calls of any class that take real time
  u32 in_host_ = 0;     // fibers with Fiber::in_host
  u32 foreign_ = 0;
  bool has_idled_ = false;  // the last step found nothing to run
  u32 unwinding_ = 0;
  u32 backoffs_ = 0;
  u32 retries_spent_ = 0;
  u64 calls_made_ = 0;
  u64 hedges_ = 0;
  u64 fallbacks_ = 0;
  u64 reservations_ = 0;  // calls let through a gate that counts a rate
  u64 reservations_settled_ = 0;
  u32 state_counts_[7] = {};
  u64 completed_ = 0;
  u64 cancelled_ = 0;
  u64 errored_ = 0;
  u32 zombies_ = 0;
  u64 calls_started_ = 0;
  u64 steps_ = 0;
  mutable u64 work_ = 0;  // rounds of loops over records
};

// Milliseconds, as the host counts, in the kernel's unit; refuses no number.
Time to_time(double ms);
// A number of tokens; refuses no number.
i64 to_tokens(double tokens);

}  // namespace heddle
