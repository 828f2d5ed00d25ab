// A gate: a limit that calls pass on their way to a place in flight. The host makes them: one for each model of a key,
// for a tenant, for an endpoint. A call passes up to kStages of them, one after another, then takes its place; what it
// passed it holds until its attempt is over. So each limit is taken in one step with its queue, the order of the stages
// is the same for all calls, and no two calls can wait for each other.
//
// Those who wait stand in a queue of the configured fairness, and nobody passes the one at its front: a large request
// is not starved by small ones.
#pragma once

#include <algorithm>

#include "heddle/types.h"
#include "kernel/adaptive_limit.h"
#include "kernel/admission_queue.h"
#include "kernel/circuit_breaker.h"
#include "kernel/rate_window.h"

namespace heddle {

struct Gate {
  AdmissionQueue queue;
  RateWindow rate;
  AdaptiveLimit adaptive;
  CircuitBreaker breaker;
  u32 max_inside = UINT32_MAX;
  u32 inside = 0;          // calls that passed it and have not left
  u32 users = 0;           // entries of plans that name it
  Time cooling_until = 0;  // plans go around it until then
  TimerId timer = 0;       // when its window changes next
  bool is_touched = false;

  u32 limit() const { return std::min(max_inside, adaptive.limit()); }
  // Nobody is inside, waits or will come by a plan that is under way, and its window is empty.
  bool is_idle(Time now) const {
    return users == 0 && inside == 0 && rate.requests_at(now) == 0 && rate.tokens_at(now) == 0;
  }
  bool lets_through(Time now, i64 tokens) { return inside < limit() && rate.fits(now, tokens); }
};

// Where a call may go: one entry of its plan.
struct Route {
  static constexpr u32 kStages = 3;
  GateId gates[kStages] = {};  // 0: none
  i64 tokens = 0;              // what it is taken to use
  u32 next = 0;                // the plan's next entry
};

}  // namespace heddle
