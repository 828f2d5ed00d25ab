// All timers of a runtime: what is due next, in order of time and, at one time, of creation. O(log n) to set, clear
// and fire. A delay of any length is one entry: the host's limits on timers are the host's business.
#pragma once

#include "heddle/types.h"
#include "kernel/heap.h"
#include "kernel/slab.h"

namespace heddle {

enum class TimerKind : u8 {
  kOpDone,        // owner: op; its delay or simulated answer is over
  kOpTimeout,     // owner: op
  kTaskTimeout,   // owner: fiber
  kQueueTimeout,  // owner: fiber
  kDeadline,      // owner: fiber
  kGrace,         // owner: fiber
  kShield,        // owner: shield
  kCallAnswer,    // owner: call; its simulated answer is here
  kBackoff,       // owner: call
  kCallGrace,     // owner: call
  kFirstToken,    // owner: call; its attempt is silent
  kHedge,         // owner: call
  kGate,          // owner: gate; its window changes
};

struct Timer {
  TimerKind kind = TimerKind::kOpDone;
  u32 owner = 0;
  u32 position = 0;
};

class Timers {
 public:
  Timers() : heap_(Place{&timers_}) {}

  bool empty() const { return heap_.empty(); }
  u32 size() const { return heap_.size(); }
  // Time of the next one, or kNever.
  Time next() const { return heap_.empty() ? kNever : heap_.top().at; }
  Time at(TimerId id) const { return heap_.at(timers_[id].position).at; }
  const Timer& operator[](TimerId id) const { return timers_[id]; }

  TimerId set(Time at, TimerKind kind, u32 owner) {
    const TimerId id = timers_.take();
    timers_[id].kind = kind;
    timers_[id].owner = owner;
    heap_.push({at, order_++, id});
    return id;
  }

  // Clears a timer and the caller's note of it; does nothing if there is none.
  void clear(TimerId& id) {
    if (id == 0) return;
    heap_.remove(timers_[id].position);
    timers_.give(id);
    id = 0;
  }

  // Takes the next one off. There must be one.
  Timer pop() {
    const TimerId id = heap_.top().id;
    const Timer timer = timers_[id];
    heap_.remove(0);
    timers_.give(id);
    return timer;
  }

 private:
  struct Entry {
    Time at;
    u32 order;
    TimerId id;
  };
  struct Before {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.at != b.at ? a.at < b.at : static_cast<i32>(a.order - b.order) < 0;
    }
  };
  struct Place {
    Slab<Timer>* timers;
    void operator()(const Entry& entry, u32 position) const { (*timers)[entry.id].position = position; }
  };

  Slab<Timer> timers_;
  Heap<Entry, Before, Place> heap_;
  u32 order_ = 0;
};

}  // namespace heddle
