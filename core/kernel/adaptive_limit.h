// A limit on concurrency that finds itself: additive increase, multiplicative decrease, with slow start, as TCP's
// congestion window does (V. Jacobson, "Congestion Avoidance and Control", SIGCOMM 1988; RFC 5681). A success adds one
// place until the first overload, later one place for each round of successes; an overload halves it. Overloads of
// requests that were sent no later than the last decrease say nothing new and do not count. The limit grows only while
// it is used: idle successes prove nothing.
#pragma once

#include <algorithm>

#include "heddle/types.h"

namespace heddle {

class AdaptiveLimit {
 public:
  bool is_on() const { return max_ != 0; }
  u32 limit() const { return is_on() ? static_cast<u32>(limit_) : UINT32_MAX; }

  // `max` 0 switches it off. Bounds may change while it runs; the limit moves into them.
  void set_initial(u32 initial) {
    limit_ = initial;
    clamp();
  }
  void set_min(u32 min) {
    min_ = std::max(1U, min);
    clamp();
  }
  void set_max(u32 max) {
    max_ = max;
    clamp();
  }

  // A request ended well, while `in_use` places were taken, its own included.
  void succeeded(u32 in_use) {
    if (!is_on() || in_use < limit()) return;
    limit_ += limit_ < threshold_ ? 1.0 : 1.0 / limit_;
    clamp();
  }

  // A request that was sent at `sent` was refused for overload.
  void overloaded(Time sent, Time now) {
    if (!is_on() || sent <= decreased_) return;
    limit_ = static_cast<double>(limit()) / 2;
    clamp();
    threshold_ = limit_;
    decreased_ = now;
  }

 private:
  void clamp() {
    if (is_on()) limit_ = std::clamp(limit_, static_cast<double>(min_), static_cast<double>(std::max(min_, max_)));
  }

  double limit_ = 1;
  double threshold_ = 4294967295.0;
  u32 min_ = 1;
  u32 max_ = 0;
  Time decreased_ = -1;
};

}  // namespace heddle
