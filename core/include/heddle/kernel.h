// The kernel: a pure, deterministic state machine. Events in, commands out.
//
// Every operation below is an event: it applies at once, never blocks, never throws, and tells what it wants from the
// host through commands. What can only go on later (a start, a resume) is decided by step(). Given the same
// configuration and the same sequence of calls, a kernel emits the same commands, on every platform.
//
// Invalid ids are refused (0, false or kRefused) and change nothing. All ids are owned by the kernel.
//
// Typical host: apply what happened, call step() until it gives false, carry out both rings, wait, say what time it is.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "heddle/body.h"
#include "heddle/command.h"
#include "heddle/config.h"
#include "heddle/event.h"
#include "heddle/ring.h"
#include "heddle/stats.h"
#include "heddle/sync.h"
#include "heddle/types.h"

namespace heddle {

class Scheduler;
class SyncTable;

// What to submit. A value left at its default is inherited from the parent, or from the configuration.
struct SubmitRequest {
  FiberId parent = 0;
  FiberKind kind = FiberKind::kTask;
  BodyKind body = BodyKind::kHost;
  bool detached = false;  // a root although it is submitted by `parent`
  bool kept = false;      // the id stays valid after the end, until release()
  ShieldId shield = 0;    // of the parent, when the parent submits in a shielded section
  bool has_priority = false;
  i32 priority = 0;
  u32 key = 0;              // fairness key, 0: the root task
  Time timeout = -1;        // run time, from the start; 0: none
  Time queue_timeout = -1;  // from the submit; 0: none
  Time deadline = -1;       // point in time; 0: none of its own
  Time grace = -1;
  Joiner joiner = Joiner::kNone;
  u32 quorum = 0;
  i64 retry_budget = -1;  // repetitions that it and what it submits may spend; -1: no limit of its own
  // What it has not waited for when its body completes goes on: its children are its parent's then, or roots.
  bool leaves_children = false;
};

// Where a call may go: one entry of its plan. Its gates in the order in which it passes them (a tenant's, a model's, an
// endpoint's); 0 is none.
struct RouteRequest {
  GateId gates[3] = {};
  i64 tokens = 0;  // that it is taken to use
};
constexpr u32 kModelStage = 1;  // the gate that a plan goes around while it cools

// A call to ask the host for.
struct CallRequest {
  CallClass type = CallClass::kLlm;
  bool stream =
      false;          // the operation ends when the host says call_opened(), and the call lives on until call_closed()
  bool once = false;  // its request cannot be sent again
  Time timeout = 0;   // of the operation; 0: none
  Time first_token = 0;                  // of each attempt, until its first word; 0: none
  Time hedge = 0;                        // after it without a word a second attempt joins the first; 0: none
  const RouteRequest* routes = nullptr;  // its plan; none: one entry without gates
  u32 route_count = 0;
};

// What an operation says at once. Positive numbers are ids: the answer comes later, by kResume.
enum Answer : i32 {
  kRefused = 0,       // an id was invalid
  kDone = -1,         // nothing to wait for
  kInterrupted = -2,  // the fiber is cancelled: the operation raised, and did nothing
  // Of operations on objects:
  kWouldWait = -3,  // it would have to wait, and may not
  kReentry = -4,    // the fiber holds that mutex
  kNotHeld = -5,    // the fiber does not hold that mutex
  kIsFull = -6,     // the ivar has its value, or the mailbox all that it takes
  kIsClosed = -7,   // the channel is closed
  kTooLarge = -8    // more permits than there are, or than were taken; or none
};

class Kernel {
 public:
  explicit Kernel(const KernelConfig& config);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // --- The host's clock and loop ---

  // Says what time it is, in microseconds since the runtime began. Earlier than before: ignored. With virtual time the
  // kernel keeps its own clock and ignores it.
  void set_time(Time now);
  Time now() const;

  // Fires what is due, admits, and lets ready fibers run, at most `limit` turns. Gives true if more could run now.
  // If the host has read what earlier steps wanted (that it has is part of the event), its own turn is taken to be
  // over: ids that commands named may be reused, a host body that has called no operation since it got control is taken
  // to wait for something foreign, and one that only waits for fibers gives its slot back. So drain the rings in any
  // case.
  bool step(u32 limit);
  // Whether the host should call step() once more when its turn is over, although it has nothing to say: a body that it
  // was told to resume may by then wait for fibers only, and others wait for its slot.
  bool awaits_host() const;

  Ring<Command>& runs();
  Ring<Command>& effects();

  // --- Fibers ---

  // Makes a fiber. It starts when the admission policy gives it a slot; a scope starts at once on its parent's slot.
  // Gives its id, or 0 if the parent is cancelled (and not shielded) or no live fiber.
  FiberId submit(const SubmitRequest& request);
  // The same for a native body, which the kernel then owns.
  FiberId submit(const SubmitRequest& request, std::unique_ptr<Body> body);
  // A host body is over. Ends its operations, cancels its children if it failed, waits for them, settles.
  void ended(FiberId fiber, bool completed);
  // The body of fibers that are submitted with BodyKind::kShared. Not owned; set before the first of them.
  void set_shared_body(SharedBody* body);

  // Gives back the id of an ended fiber that was submitted with `kept`.
  void release(FiberId fiber);

  // A caller that is no task. It needs no slot; end it with outside_done().
  FiberId outside();
  void outside_done(FiberId fiber);

  u32 seq(FiberId fiber) const;
  // The fiber itself if it is a task, else the nearest one above it, or 0.
  FiberId task_of(FiberId fiber) const;
  Cause cause(FiberId fiber) const;
  // The number of the fiber whose cancellation, timeout or deadline it was.
  u32 cause_seq(FiberId fiber) const;
  FiberId parent(FiberId fiber) const;
  // Whether an operation waits for how it settles.
  bool is_awaited(FiberId fiber) const;
  i32 priority(FiberId fiber) const;
  FiberState state(FiberId fiber) const;
  bool is_cancelled(FiberId fiber) const;
  // Whether an operation of the fiber would raise, under that shield or under none.
  bool is_interrupted(FiberId fiber, ShieldId shield) const;

  // --- Operations of a fiber: an id, kDone, kInterrupted or kRefused ---

  // Gives up the turn.
  i32 yield(FiberId fiber, ShieldId shield = 0);
  // Waits `duration` of logical time.
  i32 delay(FiberId fiber, Time duration, ShieldId shield = 0);
  // Waits for other fibers, as `mode` says; `timeout` 0 means none. The result's aux is the index, in `targets`, of the
  // fiber that decided. Targets that have settled must be left out by the caller (it knows their results); waiting for
  // oneself or for an outside caller is refused.
  i32 wait(FiberId fiber, WaitMode mode, const FiberId* targets, u32 count, bool cancel_losers = false,
           Time timeout = 0, ShieldId shield = 0);
  // Asks the host for a call. Gives the operation's id; the call's own comes with kStartCall. `stream`: the operation
  // ends when the host says call_opened(), and the call lives on until call_closed().
  i32 call(FiberId fiber, CallClass type, bool stream, Time timeout = 0, ShieldId shield = 0);
  i32 call(FiberId fiber, const CallRequest& request, ShieldId shield = 0);
  // The stream of an open call broke, its connection is gone, and all of it is wanted again: a failed attempt, with
  // flags of FailureFlag.
  i32 reopen(FiberId fiber, CallId call, Time retry_after = -1, Time timeout = 0, ShieldId shield = 0,
             u32 flags = kFault);
  // Asks the host for the next chunk of an open stream.
  i32 read(FiberId fiber, CallId call, Time timeout = 0, ShieldId shield = 0);
  // Ends an operation early, on behalf of its own signal. False if it was over.
  bool abort_op(OpId op);

  // Protects operations that name it from the fiber's cancellation, for `timeout` at most.
  ShieldId shield(FiberId fiber, Time timeout);
  void unshield(ShieldId shield);

  // --- The host's answers ---

  // Tokens that the attempt used, before the word that ends it. Unsaid, what was reserved counts.
  void call_used(CallId call, i64 tokens);
  // An attempt ended: well, or not. What follows a failed one is the retry policy's and the plan's; `flags` are
  // FailureFlags, `retry_after` is what the server asked for, -1 if nothing. The connection is gone.
  void call_done(CallId call, bool ok, u32 flags = 0, Time retry_after = -1);
  // An attempt has said something that is no text yet: its first word has `limit` from now on; 0: all the time it
  // needs.
  void call_progress(CallId call, Time limit);
  // The same while a chunk is read: the read's timeout begins anew.
  void read_progress(OpId op, Time timeout);
  // A stream is open and its first chunk is here.
  void call_opened(CallId call);
  // A connection that was open, or that kAbortCall ended, is gone. `flags`: what went wrong, where something did.
  void call_closed(CallId call, u32 flags = 0);
  // The attempt is simulated: it will end like call_done() (or, with `opens`, like call_opened()) after `latency`.
  void call_takes(CallId call, Time latency, bool ok, bool opens, u32 flags, Time retry_after);
  void read_done(OpId op, bool ok);
  void read_takes(OpId op, Time latency, bool ok);

  // --- Cancellation ---

  // Cancels a fiber and everything below it. False if it had settled. `reason` is the host's handle for its text.
  bool cancel(FiberId fiber, u32 reason = 0);
  void cancel_all(u32 reason = 0, Cause cause = Cause::kRequested);

  // --- The rest ---

  void configure(ConfigKey key, double value);
  // Sets up a gate that calls may be sent through, or changes it live. Gates are numbered from 1; the next number makes
  // a new one, a larger one is refused. They stay as long as the kernel.
  bool set_gate(GateId gate, GateKey key, double value);
  // Whether nothing of a gate is left: no call inside, waiting or on its way by a plan, and an empty window. The host
  // may then give its number another meaning.
  bool is_idle(GateId gate) const;
  // What a server says about its own count of a gate's requests or tokens: what remains, and how long until all of it
  // is there again (-1: a window). Only ever makes a gate more careful.
  void report_rate(GateId gate, bool tokens, double remaining, Time reset);
  // A number in [0, 1) from the user's own stream.
  double random();
  // Lets virtual time pass by `duration`, also while calls are in flight.
  void advance(Time duration);

  // --- Operations that the host carries out, of fibers with a shared body

  // Waits until the host has carried out one of its procedures (kHostOp, host_done()). Meanwhile the host may begin
  // operations on the fiber itself; their results go to the host.
  i32 host_op(FiberId fiber, u32 procedure, ShieldId shield = 0);
  void host_done(OpId op, bool ok);
  // Whether an operation is one of those, and waits.
  bool is_host_op(OpId op) const;
  // Whose operation it is.
  FiberId fiber_of(OpId op) const;
  // Says that a program asks for how a task settles.
  void awaited(u32 seq);
  // Says that a program has printed something.
  void printed(u32 program, u32 bytes);
  // Writes down what the next event carries beyond its record: a program, a value.
  void note_payload(std::string_view bytes);

  // --- Objects at which fibers wait for each other

  // Makes one; 0 where the limit or the overflow is none of that kind's. It lives until it is released.
  SyncId make_object(SyncKind kind, u32 limit, SyncOverflow overflow = SyncOverflow::kWait);
  // Nobody can name it any more: who waits there gets kClosed, values that it keeps are told as dropped.
  void release_object(SyncId id);
  // The same as part of what another event does: of a shared body's own accord, and not written down.
  void forget_object(SyncId id);
  bool has_object(SyncId id) const;
  // Its number since the runtime began.
  u32 object_seq(SyncId id) const;
  // What an object has now: free permits, values in a buffer, parties that wait, 1 for a held mutex or a full ivar.
  u32 object_count(SyncId id) const;
  // Whose a mutex is, or 0.
  FiberId holder(SyncId mutex) const;
  // Does something to an object, or waits until it can be done: first come, first served, and who is woken has it.
  // Gives an id, or an Answer; what was got is in sync_result() or comes with kResume. `timeout` 0 means none.
  i32 sync(FiberId fiber, const SyncCase& one, bool may_wait = true, Time timeout = 0, ShieldId shield = 0);
  // The same for whichever of several can be done first; of those that can at once the seed chooses.
  i32 select(FiberId fiber, const SyncCase* cases, u32 count, bool may_wait = true, Time timeout = 0,
             ShieldId shield = 0);
  // What never waits: kDone or why not. A fiber that is cancelled may do it.
  i32 sync_now(FiberId fiber, SyncDo what, SyncId id, u32 value = 0);
  // Of the last operation that was kDone at once; of one that was refused, which case it was.
  const SyncResult& sync_result() const;
  // Ends the operations of those who wait for ever with kDeadlock, where nothing else can happen any more (kQuiet).
  // Gives how many. A cycle needs no such word: the operation that closes it ends at once.
  u32 break_deadlock();
  // Whether nothing is left that could happen by itself: who waits, waits for messages, or for one who does.
  bool is_at_rest() const;
  // What is known of a deadlock that was ended, by its number; of the last kDeadlocks of them.
  const Deadlock* deadlock(u32 number) const;
  static constexpr u32 kDeadlocks = 64;
  // The token that the operation got that a native or shared body was last resumed with; its aux is the case's index.
  u32 delivered() const;

  // --- What only native bodies need (heddle/job.h spells it as coroutines) ---

  // Counts steps of a computation. Gives kDone to go on; kInterrupted if the fiber is cancelled; an id (of nothing) if
  // the turn is used up: under fair round-robin, after `quantum` steps. The body then returns from run(), as after
  // yield().
  i32 tick(FiberId fiber, u32 steps, ShieldId shield = 0);
  // Like yield(), but also for a cancelled fiber: one that ignores its cancel must not keep others from running.
  void give_turn(FiberId fiber);
  // The call of an operation that waits for one.
  CallId call_of(OpId op) const;
  // Whether a call is expected to open.
  bool is_stream(CallId call) const;

  Stats stats() const;
  // Of shared bodies, so far.
  u64 machine_steps() const;
  // One entry for each gate, from number 1.
  std::vector<GateStats> gate_stats() const;
  // Why a fiber does not run now: one fact for each thing that it waits for.
  std::vector<WaitFact> explain(FiberId fiber) const;
  // For tests: what is wrong with the kernel's own state, or nothing. Looks at everything.
  std::string broken_invariant() const;
  // For tests: how often a loop over records went round. What is linear stays so.
  u64 work() const;
  // Host bodies that await something that the kernel does not see, as of the last step().
  u32 foreign() const;
  // Calls in flight that take real time.
  u32 live_calls() const;

  // --- Events as records ---

  // Applies one recorded event; gives what the operation gave.
  i32 apply(const Event& event);
  // While set, every event is appended here. Not owned.
  void record_to(std::vector<Event>* events);

 private:
  bool step_as(u32 limit, bool host_had_its_turn);
  bool may_act(FiberId fiber, ShieldId shield) const;
  void apply_option(const Event& event);
  void apply_call_option(const Event& event);
  void note(EventType type, u32 a = 0, u32 b = 0, u32 c = 0, double x = 0, double y = 0);

  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<SyncTable> sync_;
  std::vector<Event>* record_ = nullptr;
  bool is_stepping_ = false;
  // How much of each ring earlier steps have written.
  u32 runs_told_ = 0;
  u32 effects_told_ = 0;
  u64 events_ = 0;
  u32 payloads_ = 0;
  SubmitRequest pending_submit_;              // gathered from kOption records
  std::vector<FiberId> pending_wait_;         // gathered from kTarget records
  CallRequest pending_call_;                  // gathered from kCallOption records
  std::vector<RouteRequest> pending_routes_;  // gathered from kRoute records
  std::vector<SyncCase> pending_cases_;       // gathered from kSyncCase records
};

}  // namespace heddle
