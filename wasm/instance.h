// What the two halves of the module share: the kernel of this instance (there is one Runtime in an instance) and the
// words that the host reads beside the rings. Partners: pump.cpp, sync.cpp and lisp.cpp (data plane), bindings.cpp
// (control plane).
#pragma once

#include <memory>
#include <vector>

#include "heddle/kernel.h"
#include "heddle/lisp.h"

namespace heddle::wasm {

// Read by the host in place; the order is part of its protocol (js/src/protocol.ts).
struct Status {
  u32 more = 0;     // step() could go on at once
  u32 foreign = 0;  // host bodies that await something foreign
  u32 stopped = 0;  // the pump has returned
  // What the last operation on objects got, where it was done at once (SyncResult).
  u32 index = 0;
  u32 value = 0;
  u32 closed = 0;
};

struct Instance {
  std::unique_ptr<Kernel> kernel;
  std::unique_ptr<Lisp> lisp;  // made at its first use; goes before the kernel
  Ring<Event> events{10};
  Status status;
  double slice_ms = 8;
  bool closing = false;
  std::vector<FiberId> targets;  // of the next wait
  std::vector<SyncCase> cases;   // of the next select
  std::vector<Event> record;
};

Instance& instance();
// The kernel, after the events that wait in the ring.
Kernel& drained();
// Milliseconds of the host's in the kernel's unit; refuses no number.
Time from_ms(double ms);

}  // namespace heddle::wasm
