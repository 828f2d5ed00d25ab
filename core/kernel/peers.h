// What the scheduler has to know of the objects at which fibers wait for each other (sync/ has them): which operations
// are theirs, and what the end of a fiber means to them.
#pragma once

#include "heddle/stats.h"
#include "heddle/types.h"

namespace heddle {

class Peers {
 public:
  virtual ~Peers() = default;
  // Nobody waits for this outstanding operation any more.
  virtual void leave(OpId op) = 0;
  // This one had ended, and its fiber will not hear of it.
  virtual void undelivered(OpId op) = 0;
  // Several operations of one fiber end together: what they free is given on once all of them are over, for else it
  // could go to one that is about to end.
  virtual void hold() = 0;
  virtual void go_on() = 0;
  // The fiber's body is over.
  virtual void fiber_over(FiberId fiber) = 0;
  // The fiber has begun to wait for others, and only for them.
  virtual void parked(FiberId fiber) = 0;
  // How many operations wait at objects.
  virtual u32 waits() const = 0;
  virtual void explain(OpId op, WaitFact& fact) const = 0;
};

}  // namespace heddle
