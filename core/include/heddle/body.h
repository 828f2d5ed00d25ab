// The bodies of native fibers: C++ code that the kernel runs in turns.
#pragma once

#include "heddle/types.h"

namespace heddle {

class Kernel;

class Body {
 public:
  virtual ~Body() = default;
  // Runs until an operation parks the fiber, the fiber yields, or the body ends.
  // `code` and `aux` are what the operation that it waited for gave; at the start kOk and 0.
  // Returns true while the body goes on; when it gives false, `completed` says whether it succeeded.
  virtual bool run(OpCode code, u32 aux, bool& completed) = 0;

  // Memory that run() reads first beyond the object's own, if any: the scheduler may fetch it ahead.
  const void* resumes_at = nullptr;
};

// How a turn, or a slice of one, of a shared body ended.
enum class TurnEnd : u8 {
  kWaits,      // an operation parked the fiber, or it yielded
  kSteps,      // its steps are used up, and it could go on
  kCompleted,  // the body is over
  kFailed,
};

// The one body of many fibers: what an interpreter is to its programs. Such a fiber costs the kernel nothing beyond its
// record. Its computation counts steps, and runs in slices, so that step() returns soon whatever a program does; under
// fair round-robin it is preempted at the end of its quantum.
//
// It never becomes a zombie: one that has not unwound within its grace, or within kUnwindingSteps of computation, is
// over, wherever it was.
class SharedBody {
 public:
  virtual ~SharedBody() = default;
  // Runs a fiber for about `steps` steps; sets `steps` to those that it took. `code` and `aux` are what the operation
  // that it waited for gave; after a yield or a slice kOk, or kCancelled when the fiber is cancelled meanwhile.
  virtual TurnEnd run(FiberId fiber, OpCode code, u32 aux, u32& steps) = 0;
  // The body is over, if it did not say so itself: it will not be run again. Must not call the kernel.
  virtual void body_over(FiberId fiber) = 0;
  // Body and children are over; the id will be reused. `outcome` is how the fiber settled. Must not call the kernel.
  virtual void ended(FiberId fiber, Outcome outcome) = 0;
  // A value that it keeps under this token will be received by nobody. Must not call the kernel.
  virtual void dropped(u32 token) = 0;
  // Memory that run() reads first, or nullptr: the scheduler may fetch it ahead.
  virtual const void* resumes_at(FiberId fiber) const = 0;
};

// Steps of a slice: some tenths of a millisecond.
constexpr u32 kSliceSteps = 65'536;
// Steps that a cancelled fiber of a shared body has for its clean-up.
constexpr u64 kUnwindingSteps = 20'000'000;

}  // namespace heddle
