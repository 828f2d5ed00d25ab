// Programs and their fibers, as the kernel's fibers: which fiber of the machine belongs to which one of the kernel,
// what a parked one gets when its operation is over, what a program may use up and what it prints.
//
// A fiber waits for one operation at a time. What it gets then is decided when its next turn begins (resume()), from
// the kind that stands in Fiber::aux and from what stands in Fiber::result meanwhile.
//
// Partners: heddle/lisp.h, the host's side of it; builtins/concurrency.cpp and prelude/concurrency.scm, the programs'.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "heddle/lisp.h"
#include "lisp/machine.h"
#include "lisp/tokens.h"
#include "lisp/wire.h"

namespace heddle::lisp {

// Fiber::aux, beside the machine's own bits (the lowest four).
constexpr u16 kResumeMask = 0x70;
constexpr u32 kResumeShift = 4;
constexpr u16 kFiberIsScope = 0x80;
// kFiberIsTask: 0x100, see wire.h
constexpr u16 kFiberCompleted = 0x200;
constexpr u16 kFiberFailed = 0x400;
constexpr u16 kFiberCancelled = 0x800;
constexpr u16 kFiberTimedOut = 0x1000;
constexpr u16 kFiberKnows = 0x2000;      // that it is cancelled: computation is interrupted once, each operation again
constexpr u16 kFiberIsBroke = 0x4000;    // that its program's steps are used up
constexpr u16 kFiberIsWritten = 0x8000;  // its result is wanted as text

// How a fiber stands to those who wait for it.
enum class Standing : u8 { kLive, kCompleted, kFailed, kCancelled, kTimedOut };

// What a parked fiber waits for, and what stands in its `result` meanwhile.
enum class Resume : u8 {
  kNone,     // nothing
  kPlain,    // a delay, a yield
  kAwait,    // a Fiber, or a %flight with one; gives its result. Or what synchronization.cpp says, of an object
  kAll,      // pair of the list of fibers and the list of those that were live
  kAny,      // the same
  kHost,     // the answer
  kScope,    // a Fiber that is a scope
  kSettled,  // a Fiber; gives how it settled
};

class Programs final : public SharedBody, private RootSet {
 public:
  explicit Programs(Kernel& kernel);
  ~Programs() override;
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  static Programs& of(Machine& machine) { return *static_cast<Programs*>(machine.embedder); }

  Kernel& kernel() { return kernel_; }
  Machine& machine() { return machine_; }

  // --- What the host does; see heddle/lisp.h

  FiberId submit(u32 parent, u32 bits, u32 shield, std::string_view program);
  LispResult result(FiberId task);
  bool spawned(FiberId task);
  u32 define(std::string_view name);
  u32 arguments(OpId op);
  bool reply(OpId op, bool ok, std::string_view value);
  void output(u32 program);
  bool reason(u32 seq);
  heddle::Completeness complete(std::string_view text);
  std::string_view out() const { return out_; }

  // --- Operations of the fiber that runs: a value, kRaised or kParked

  // Raises what it has to know, if its operations raise.
  bool is_interrupted() const;
  Value interrupted();
  // A child; gives the Fiber.
  Value spawn(SubmitRequest request, Value thunk, Value name);
  Value await(Value fiber);
  Value await_all(Value list);
  Value await_any(Value list, bool cancel_losers);
  // Waits for it and gives its standing, as a symbol.
  Value settled(Value fiber);
  // The same when its clean-up and its children are over too: one that is cancelled settles before that.
  Value over(Value fiber);
  // Whether it was live. `reason`: kUndefined, or what its error says.
  bool cancel(const Fiber& fiber, Value reason);
  // Runs a thunk and waits for it and all that it spawned; the first that fails cancels the rest.
  Value scope(Value thunk);
  Value delay(Time duration);
  Value yield();
  // `arguments`: a list.
  Value host(u32 procedure, Value arguments);

  // Of objects; see synchronization.cpp
  Value make_object(SyncKind kind, u32 limit, Value name, SyncOverflow overflow = SyncOverflow::kWait);
  Value lock(Value mutex);
  // #f where it would have to wait, for longer than `timeout` if that is not 0.
  Value try_lock(Value mutex, Time timeout);
  Value acquire(Value semaphore, u32 permits);
  Value take(Value ivar);
  Value send(Value channel, Value value);
  Value receive(Value channel);
  Value pass(Value barrier);
  Value do_now(SyncDo what, Value object, u32 value = 0);
  Value put(Value ivar, Value value);
  // `cases`: a list of vectors #(act object value ...), act being lock, acquire, take, send or recv. Gives a pair of
  // the index of the case and what it gave; the index is `timeout` or `default` where none could be done. `timeout`
  // below 0: none.
  Value select(Value cases, Time timeout, bool has_default);

  // Of mailboxes; see mailboxes.cpp. `ask_type`: the record type of messages that want an answer.
  Value make_mailbox(u32 limit, SyncOverflow overflow, Value name, Value ask_type);
  // #f where it would have to wait for longer than `timeout`, if that is not 0. `receiver`: whose mailbox it is.
  Value mailbox_send(Value mailbox, Value value, Time timeout, Value receiver);
  Value mailbox_close(Value mailbox);
  Value mailbox_release(Value mailbox);

  // Of flights; see flights.cpp. `flights`: a %flights record.
  // The value for a key: one that is kept, or what the flight that is under way gives, or a new one.
  Value fly(Value flights, Value key, Value thunk);
  // Keeps the value of the flight that runs; gives it.
  Value land(Value flights, Value value);

  Standing standing(const Fiber& fiber) const;
  // What whoever waits for a fiber that did not complete gets raised.
  Value reason_of(const Fiber& fiber);

  // --- SharedBody

  TurnEnd run(FiberId id, OpCode code, u32 aux, u32& steps) override;
  void body_over(FiberId id) override;
  void ended(FiberId id, Outcome outcome) override;
  void dropped(u32 token) override {
    const Value value = tokens_.take(token);
    if (is_collecting_) dropped_.push_back(value);
  }
  const void* resumes_at(FiberId id) const override { return id < entries_.size() ? entries_[id].fiber : nullptr; }

 private:
  struct Entry {
    Fiber* fiber = nullptr;
    u32 program = 0;
  };
  struct Program {
    u32 number = 0;  // seq of its main fiber
    u32 fibers = 0;  // that have not ended
    bool is_bounded = false;
    u64 steps_left = 0;
    u64 grace = 0;  // steps after the last one
    u64 heap_limit = Heap::kDefaultLimit;
    std::string output;
    u32 printed = 0;  // bytes in this slice
  };
  // Why a program cancelled a fiber.
  struct Reason {
    std::string text;
    bool is_asked = false;  // by the host
    bool is_over = false;
  };
  struct HostCall {
    OpId op = 0;
    u32 procedure = 0;
    std::string arguments;
  };

  void mark_roots(Heap& heap) override;
  void forget_dead(Heap& heap) override;

  FiberId current_id() { return machine_.current().id; }
  void bind(FiberId id, Fiber* fiber, u32 program);
  u32 new_program();
  void leave_program(u32 program);
  void note_awaited(const Fiber& fiber);
  void set_heap_limit();
  void make_room_for(std::string_view bytes);
  Value park(i32 answer, Resume resume, Value waits_for = kUndefined);
  void resume(Fiber& fiber, Resume kind, OpCode code, u32 aux);
  void give(Fiber& fiber, Value value) { machine_.resume_with(fiber, value); }
  Value sync(Value object, SyncAct act, u32 value = 0);
  Value keep(Value value, u32& token);
  Value received(Value object, u32 token, bool is_closed);
  Value refused(i32 answer, Value object);
  void answer_dropped(const char* code, Value mailbox, const char* text);
  void forget_flight(Value flight);
  bool is_under_way(Value flight) const;
  void leave_flight(Value flight);
  static const Fiber& fiber_of_flight(Value flight);
  void resume_sync(Fiber& fiber, Value waited, OpCode code, u32 index);
  void give_result_of(Fiber& fiber, const Fiber& target);
  Value interruption(FiberId id);
  Value cancellation(u32 seq);
  Value deadlock(const Fiber& fiber, u32 number);
  void end_reason(Fiber& fiber);
  Value all_failed(Value list);
  Value results_of(Value list);
  static void print(void* embedder, Value environment, std::string_view utf8, bool is_error);
  static Value find_task(void* context, u32 fiber, u32 seq);

  Kernel& kernel_;
  Machine machine_;
  Value shared_ = kFalse;       // the environment of those who share one
  std::vector<Entry> entries_;  // by the kernel's ids
  std::vector<std::unique_ptr<Program>> programs_;
  std::vector<u32> free_programs_;
  std::map<FiberId, Fiber*> results_;  // tasks that are over, until the host has asked
  std::map<FiberId, Fiber*> over_;     // whose bodies are over and whose children are not, and
  FiberId last_over_ = 0;              // the one whose body was over last
  std::map<FiberId, HostCall> host_calls_;
  std::map<u32, Reason> reasons_;       // by the fiber's number
  std::vector<Value> host_procedures_;  // from kFirstDefined
  Tokens tokens_;
  Value ask_type_ = kFalse;
  bool is_collecting_ = false;           // what is dropped, into
  std::vector<Value> dropped_;           // messages, within one operation on a mailbox
  std::vector<SyncReference*> objects_;  // by the kernel's ids
  std::vector<FiberId> targets_;         // of a wait
  std::string out_;
};

}  // namespace heddle::lisp
