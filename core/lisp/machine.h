// The machine: a CEKS machine whose registers are the code and its place in it (C), a window of a stack (E), the rest
// of that stack (K) and one heap for all fibers (S). It runs one fiber at a time, for a number of steps; a fiber that
// waits is data.
//
// Procedures written in C++ (builtins) get their arguments where they lie on the stack and give a value or a Signal.
// They run within one instruction: nothing is collected meanwhile, and the fiber cannot be interrupted. One whose work
// grows with its arguments says so by charge(), so that steps measure time; one that calls procedures back is written
// in Lisp (prelude/), or ends with tail_call().
//
// Partners: interpreter.cpp (the loop), calls.cpp (frames, and what is called that is no simple closure),
// continuations.cpp, conditions.cpp (errors), compiler/compiler.h, builtins/control.cpp with prelude/control.scm.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "lisp/compiler/instructions.h"
#include "lisp/compiler/ir.h"
#include "lisp/heap/heap.h"
#include "lisp/heap/stack.h"
#include "lisp/text/sources.h"

namespace heddle::lisp {

class Machine;

using BuiltinFunction = Value (*)(Machine& machine, const Value* arguments, u32 count);

constexpr u8 kAnyCount = 255;

struct BuiltinDefinition {
  const char* name;
  BuiltinFunction function;
  u8 least;  // arguments
  u8 most;   // kAnyCount: as many as there are
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
// How a turn of a fiber ended.
enum class Turn : u8 {
  kDone,       // Fiber::result is its value
  kFailed,     // Fiber::result is what was raised and not handled
  kParked,     // a builtin said kParked: resume_with() or resume_raising() before the next turn
  kPreempted,  // the steps are used up
};
#pragma GCC diagnostic pop

class Machine : private RootSet {
 public:
  explicit Machine(u64 heap_limit = Heap::kDefaultLimit);
  ~Machine() override;

  Heap& heap() { return heap_; }
  Sources& sources() { return sources_; }
  // The environment that has every builtin and what the preludes define.
  Value core() const { return core_; }

  // --- For builtins

  // What raises is cold: it never becomes part of its callers, of which there are hundreds.

  // Raises a condition with that stable code: a builtin returns what this gives. The position and the backtrace are
  // those of the instruction that runs. `message` says what was wrong and with which operation.
  [[gnu::cold, gnu::noinline]] Value error(std::string_view code, std::string_view message,
                                           std::initializer_list<Value> irritants = {});
  // The same for what stands at a place of a text (the expander's errors).
  [[gnu::cold, gnu::noinline]] Value error_at(Position position, std::string_view code, std::string_view message,
                                              std::initializer_list<Value> irritants = {});
  // The argument has the wrong type: "car: argument 1 must be a pair, got 5".
  [[gnu::cold, gnu::noinline]] Value type_error(std::string_view procedure, u32 argument, std::string_view expected,
                                                Value got);
  // The argument is out of range: "vector-ref: argument 2 must be an index below 3, got 7".
  [[gnu::cold, gnu::noinline]] Value range_error(std::string_view procedure, u32 argument, std::string_view expected,
                                                 Value got);
  // A number of bytes that a program asked for does not fit: raises HeapLimit.
  [[gnu::cold, gnu::noinline]] Value heap_error(std::string_view procedure, u64 bytes);
  // Raises any object, as (raise obj) does.
  Value raise(Value object);
  // The machine calls a procedure in the builtin's place.
  Value tail_call(Value procedure, const Value* arguments, u32 count);
  // The same with arguments that the builtin has collected.
  Value tail_call(Value procedure, std::vector<Value>&& arguments);
  // Collects all garbage, while no fiber runs: for whoever finds that heap().has_room() says no. Keeps a value.
  void make_room(Value kept);
  // Counts work beyond the one step of the instruction.
  void charge(u64 steps) { charged_ += steps; }

  // A Condition, with the position and the backtrace of the instruction that runs. `irritants` is a list.
  [[gnu::cold, gnu::noinline]] Value make_condition(std::string_view code, std::string_view message,
                                                    Value irritants = kNil);
  // Where a condition was made, as "file:line:column", or "" if nobody knows.
  std::string position_of(Value condition) const;
  // The same for the callers, innermost first; what is left out is said by a last line.
  std::vector<std::string> backtrace_of(Value condition) const;
  // The places of a fiber that does not run, as a list of fixnums.
  Value trace_of(const Fiber& fiber);
  // What trace() gave, as text.
  std::vector<std::string> places_of(Value places) const;
  // What it says, with its irritants where they are a program's (the machine's messages name them).
  std::string message_of(Value condition) const;
  // For people: "file:line:column: message: irritants", then the offending line of text if it is known.
  std::string report(Value raised) const;

  // --- Fibers

  // A fiber that will call a procedure of no arguments, with the parameters and the environment of its parent, if any.
  Fiber* make_fiber(Value thunk, const Fiber* parent);
  // Lets it run for about `fuel` steps: it stops at the first call or turn of a loop after them.
  Turn run(Fiber& fiber, u64 fuel);
  // What that took.
  u64 last_steps() const { return last_steps_; }
  // Whole collections that the heap's limit asked for.
  u64 collections_at_limit() const { return collections_at_limit_; }
  // What the parked builtin gives, or raises.
  void resume_with(Fiber& fiber, Value value);
  void resume_raising(Fiber& fiber, Value condition);
  // The fiber will never run again: it is no root any more.
  void abandon(Fiber& fiber);
  // The one that runs.
  Fiber& current() { return *current_; }
  bool is_running() const { return current_ != nullptr; }

  // --- Compiling

  // One form of a top level: a procedure of no arguments, or kRaised.
  Value compile(Value form, Value environment);

  // --- Setting up

  void define(const BuiltinDefinition& definition);
  void define(const BuiltinDefinition* definitions, std::size_t count);
  template <std::size_t N>
  void define(const BuiltinDefinition (&definitions)[N]) {
    define(definitions, N);
  }
  // What calls a HostProcedure: gets it as the first of the arguments.
  void set_host_caller(BuiltinFunction caller) { host_caller_ = caller; }
  // Reads and runs the preludes; false if that failed, raised() says why.
  bool load_preludes();

  // For whoever runs the fibers.
  void* embedder = nullptr;
  // Gets what programs print. `environment`: of the fiber that did, or #f outside of fibers; `utf8` is only lent.
  using OutputSink = void (*)(void* embedder, Value environment, std::string_view utf8, bool is_error);
  OutputSink output = nullptr;

  // What the last error() or raise() raised, for tests of builtins without a fiber.
  Value raised() const { return raised_; }

  // --- For control.cpp

  // (%call/cc procedure): calls it with the continuation of the instruction that runs.
  Value call_with_continuation(Value procedure);
  // Goes on where the continuation says, with that value; restores its handlers, parameters and winders.
  Value enter(Value continuation, Value value);
  // Ends the fiber: nobody handles what was raised.
  Value fail(Value raised);
  // The value that a parameter has here.
  Value parameter_value(Value parameter);
  // Procedures of prelude/control.scm that the machine calls.
  enum class Hook : u8 { kRaise, kRewind };
  void set_hook(Hook hook, Value procedure) { hooks_[static_cast<u32>(hook)] = procedure; }

  // --- For the compiler

  struct BuiltinEntry {
    BuiltinFunction function;
    u8 least;
    u8 most;
    u16 op;  // the instruction that does the same for two arguments or fewer, or kNoOp
  };
  static constexpr u16 kNoOp = 0xffff;
  static constexpr u16 kFiberIsOver = 8;  // of Fiber::aux; the others are in machine.cpp
  const BuiltinEntry& builtin(u64 index) const { return builtins_[index]; }

 private:
  // Where the loop goes on after something slow.
  enum class Next : u8 { kGo, kRaise, kStop };
  // A place to return to: nullptr: the fiber ends.
  struct Place {
    Chunk* chunk;
    u32 base;
    const Instruction* pc;
  };

  void mark_roots(Heap& heap) override;
  void forget_dead(Heap& heap) override;

  // interpreter.cpp
  Turn execute(u64 fuel);

  // calls.cpp
  Next call(Value procedure, const Value* arguments, u32 count, u32 window, bool is_tail, const Instruction* after);
  Next call_closure(Closure* closure, const Value* arguments, u32 count, u32 window, bool is_tail,
                    const Instruction* after);
  Next deliver(Value value, u32 window, bool is_tail, const Instruction* after);
  Next builtin_gave(Value value, u32 window, bool is_tail, const Instruction* after);
  Next call_asked_for(u32 window, bool is_tail, const Instruction* after);
  [[gnu::cold, gnu::noinline]] Value not_a_procedure(Value got);
  [[gnu::cold, gnu::noinline]] Value arity_error(const Code* code, Value procedure, u32 count);
  void make_room(u32 window, bool is_tail, u32 slots, const Instruction* after);
  void use_chunk(Chunk* chunk);
  Chunk* make_chunk(u32 slots);
  void push_over(Place place, u32 offset, Value procedure, std::initializer_list<Value> arguments);
  Next underflow();
  Next return_to(Place place, Value value);
  Next raise_now();
  Next safe_point();
  u64 collect_at_limit();
  bool makes_room();
  Place caller_of(const Chunk* chunk, u32 base) const;
  Place place_in_record(const Value* base) const;
  void set_record(Value* base, Place place);
  u32 offset(const Value* slot) const { return static_cast<u32>(slot - chunk_->slots); }
  static const Code* code_of(const Value* base) { return as<Code>(base[-1].to_closure()->code); }
  void start(Fiber& fiber);
  void save() {
    chunk_->top = std::min(chunk_->length, offset(base_) + code_of(base_)->frame_size);
    heap_.write(current_->chunk, Value::object(chunk_));
    current_->base = offset(base_);
    current_->pc = reinterpret_cast<std::uintptr_t>(pc_);
  }

  // continuations.cpp
  void freeze(Chunk* chunk, u32 top);

  // conditions.cpp
  [[gnu::cold, gnu::noinline]] Value trace();
  Value trace_from(Place place);

  Heap heap_;
  Sources sources_;
  Value core_ = kFalse;
  std::vector<BuiltinEntry> builtins_;
  std::array<BuiltinFunction, kOps> slow_{};  // what an instruction does where its short way does not fit
  BuiltinFunction host_caller_ = nullptr;
  std::array<Value, 2> hooks_{kFalse, kFalse};

  // The registers, while a fiber runs. The loop has copies of the first three.
  const Instruction* pc_ = nullptr;  // behind the first word of the instruction that runs
  Value* base_ = nullptr;
  Value* end_ = nullptr;  // of the chunk
  Chunk* chunk_ = nullptr;
  Fiber* current_ = nullptr;
  Chunk* spare_ = nullptr;   // an empty one
  Fiber* fibers_ = nullptr;  // those that have not ended
  Turn turn_ = Turn::kDone;  // how it ended, where Next is kStop
  u64 charged_ = 0;
  u64 last_steps_ = 0;
  u64 collections_at_limit_ = 0;
  u64 live_ = 0;                          // bytes after the last full collection that the limit asked for
  u64 room_wanted_ = 0;                   // of heap_error(), for the instruction that runs
  const Instruction* retried_ = nullptr;  // ran again for that, since the last collection
  Fiber* last_ = nullptr;                 // kept for its result while the heap is cleared behind it
  bool limit_was_met_ = false;

  Value raised_ = kFalse;
  Value failed_at_ = kNil;  // of what ended the turn's fiber, if that is no condition: trace(); no longer than the turn
  Value kept_ = kFalse;
  Value callee_ = kFalse;  // of tail_call()
  std::vector<Value> arguments_;
  Value trampoline_ = kFalse;
};

// A readable form of a value for messages: as `write` does, cut after some length.
std::string shown(Value value);

}  // namespace heddle::lisp
