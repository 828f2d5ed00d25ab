// Stops asking an endpoint that fails: after `failures` in a row the circuit opens, and nothing is sent for `pause`;
// then exactly `probes` requests may try, and if all of them end without a fault it closes, at the first fault it opens
// again. (M. Nygard, "Release It!", 2007.)
//
//   state     | a request       | a fault                 | no fault
//   ----------+-----------------+-------------------------+------------------------------
//   closed    | goes            | the n-th in a row: open | the row begins anew
//   open      | is refused      | -                       | -
//   half-open | k go, as probes | of a probe: open        | of all k probes: closed
//
// A probe that is given up without an answer lets another one try. Results of requests that were sent before the state
// changed do not count.
#pragma once

#include "heddle/types.h"

namespace heddle {

class CircuitBreaker {
 public:
  enum class State : u8 { kClosed = 0, kOpen = 1, kHalfOpen = 2 };

  // 0 switches it off and forgets what it knew.
  void set_failures(u32 failures) {
    failures_ = failures;
    if (failures_ == 0) enter(State::kClosed);
  }
  void set_pause(Time pause) { pause_ = pause; }
  void set_probes(u32 probes) {
    probes_ = probes == 0 ? 1 : probes;
    if (state_ == State::kHalfOpen && passed_ >= probes_) enter(State::kClosed);
  }

  bool is_on() const { return failures_ != 0; }
  State state(Time now) const { return state_ == State::kOpen && now >= until_ ? State::kHalfOpen : state_; }
  // When an open circuit lets probes through.
  Time until() const { return until_; }

  bool admits(Time now) const {
    if (!is_on()) return true;
    switch (state(now)) {
      case State::kClosed: return true;
      case State::kOpen: return false;
      case State::kHalfOpen: return state_ == State::kOpen || probing_ + passed_ < probes_;
    }
    return true;
  }

  // A request is sent; it must have been admitted. Gives the era that its result belongs to.
  u32 send() {
    if (!is_on()) return 0;
    if (state_ == State::kOpen) enter(State::kHalfOpen);
    if (state_ == State::kHalfOpen) ++probing_;
    return era_;
  }

  // Gives true if the circuit opened.
  bool failed(u32 era, Time now) {
    if (!is_on() || era != era_ || state_ == State::kOpen) return false;
    if (state_ == State::kClosed && ++in_a_row_ < failures_) return false;
    enter(State::kOpen);
    until_ = now + pause_;
    return true;
  }

  void succeeded(u32 era) {
    if (!is_on() || era != era_) return;
    in_a_row_ = 0;
    if (state_ != State::kHalfOpen) return;
    --probing_;
    if (++passed_ >= probes_) enter(State::kClosed);
  }

  // Ended without saying anything about the endpoint.
  void given_up(u32 era) {
    if (is_on() && era == era_ && state_ == State::kHalfOpen) --probing_;
  }

 private:
  void enter(State state) {
    state_ = state;
    ++era_;
    in_a_row_ = probing_ = passed_ = 0;
  }

  State state_ = State::kClosed;
  u32 failures_ = 0;  // 0: off
  Time pause_ = 30'000 * kMillisecond;
  u32 probes_ = 1;
  Time until_ = 0;
  u32 era_ = 1;
  u32 in_a_row_ = 0;
  u32 probing_ = 0;
  u32 passed_ = 0;
};

}  // namespace heddle
