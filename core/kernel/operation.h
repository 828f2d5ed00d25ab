// One operation of a fiber that did not end at once. A native body has one at a time; a host body may have several
// (`Promise.all([ctx.llm(a), ctx.llm(b)])`), which is why the wait belongs to the operation and not to the fiber.
#pragma once

#include "heddle/sync.h"
#include "heddle/types.h"

namespace heddle {

enum class OpKind : u8 { kFree = 0, kYield = 1, kDelay = 2, kWait = 3, kCall = 4, kRead = 5, kHost = 6, kSync = 7 };
enum class OpState : u8 { kParked = 0, kDone = 1 };

struct Operation {
  u32 fiber = 0;
  OpKind kind = OpKind::kFree;
  OpState state = OpState::kParked;
  OpCode code = OpCode::kOk;
  WaitMode mode = WaitMode::kAll;
  bool cancel_losers = false;
  bool of_host = false;          // of a shared body's fiber, but begun by the host
  SyncAct act = SyncAct::kLock;  // kSync: what was done in the end, to `object`
  u32 next = 0;
  u32 previous = 0;
  u32 aux = 0;  // the result's number (see CommandType::kResume)
  u32 shield = 0;
  TimerId timer = 0;    // a delay, a simulated chunk
  TimerId timeout = 0;  // the operation's own timeout
  // kWait, kSync: first of its links; kCall, kRead: the call; kHost: the procedure; a kSync that ended: number of the
  // object, whose id may have got another meaning since.
  u32 link = 0;
  u32 remaining = 0;  // kWait: targets that have not settled; kSync: the token or permits that it got
  SyncId object = 0;  // of a kSync that ended: where; also once it was delivered
  Time since = 0;
};
static_assert(sizeof(Operation) <= 64);

// A wait's tie to one of its targets.
struct WaitLink {
  OpId op = 0;
  FiberId target = 0;
  u32 index = 0;  // place in the caller's list
  u32 next_of_op = 0;
  u32 next = 0;  // in the target's list of waiters
  u32 previous = 0;
};

// A section that its fiber's cancellation does not reach until its time is over; nor does it reach the fibers that were
// submitted in it.
struct Shield {
  FiberId fiber = 0;
  TimerId timer = 0;
  ShieldId next = 0;  // in its fiber's list
  ShieldId previous = 0;
  u32 uses = 0;  // operations, calls and fibers that name it
  bool expired = false;
};

}  // namespace heddle
