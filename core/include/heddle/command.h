// A command: everything that the kernel wants from its host, as one fixed record in one of two rings.
//
// Effects change what the world can see and run no user code: the host carries them out whenever it gets control, also
// in the middle of a task's turn (so that cancel() rejects the promise before it returns). Runs start or resume user
// code: the host carries them out only while the pump sleeps at its await point, effects first. Within a ring the order
// is the kernel's. Records that a command names stay valid until the host
// has read all that a step wanted and step() is called again.
//
// As effects go first, they may speak of what the host has not begun: a kSettle comes before the kStart of a body that
// was cancelled meanwhile (answer it with ended()), a kAbortCall before its kStartCall (answer that with
// call_closed()).
#pragma once

#include <bit>

#include "heddle/types.h"

namespace heddle {

enum class CommandType : u8 {
  // Runs.
  kStart = 1,  // a: fiber whose host body begins
  // a: op, b: OpCode, c: index of the fiber that decided a wait, or attempts of a call. Of an operation on objects
  // b: OpCode | index of the case << 8, c: the token that it got.
  kResume = 2,
  kStartCall = 3,  // a: call, b: its op, c: attempt number, detail: entry of its plan, little-endian
  kRead = 4,       // a: op, b: call; get the stream's next chunk
  kHostOp = 5,     // a: op, b: fiber, c: number of the procedure that the host carries out for it; answer: host_done()
  // Effects.
  kSettle = 16,  // a: fiber, b: seq of the fiber that the cause names, c: reason; detail: Outcome, Cause, ended
  kEnded = 17,   // a: fiber; body and children are over, the id will be reused
  // a: call, b: 0 close its connection and answer with kCallClosed; 1 it was simulated, forget it; 2 its first word
  // took
  // too long: let the attempt fail.
  kAbortCall = 18,
  kAlarm = 19,   // x: when to send the next kTime, in ms; negative: not needed
  kZombie = 20,  // a: fiber, b: 1 it became one, 0 it ended after all
  // A scope was cancelled, and settles when its body and children ended. Fields as kSettle's.
  kInterrupt = 21,
  kSpawned = 22,      // a: fiber, b: its parent or 0, c: its seq; a native body made a task, the first word about it
  kOutput = 23,       // a: number of a program that printed something, b: bytes that wait for the host
  kHostOver = 24,     // a: op of a kHostOp; it ended without an answer, the id will be reused
  kStarted = 25,      // a: fiber; a task whose body is shared has its slot, and runs
  kAwaited = 26,      // a: seq of a task that a program asks for; how it settles is not lost
  kDropped = 27,      // a: token of a value that nobody will get
  kNotReleased = 28,  // a: mutex, b: seq of the fiber that ended with it
  // Fibers wait, and nothing that the kernel knows of will ever let them go on. Where nobody outside will either,
  // answer with break_deadlock().
  kQuiet = 29,
};

struct Command {
  CommandType type = CommandType::kStart;
  u8 detail[3] = {0, 0, 0};
  u32 a = 0;
  u32 b = 0;
  u32 c = 0;

  // A double in the place of b and c.
  double x() const { return std::bit_cast<double>(static_cast<u64>(c) << 32 | b); }
  void set_x(double value) {
    const u64 bits = std::bit_cast<u64>(value);
    b = static_cast<u32>(bits);
    c = static_cast<u32>(bits >> 32);
  }
};
static_assert(sizeof(Command) == 16);

}  // namespace heddle
