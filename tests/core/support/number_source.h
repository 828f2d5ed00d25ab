// Numbers that look random and are the same everywhere: splitmix64 (G. Steele, D. Lea, C. Flood, 2014).
#pragma once

#include <bit>

#include "heddle/types.h"

namespace heddle {

class NumberSource {
 public:
  explicit NumberSource(u64 seed) : state_(seed) {}

  u64 next() {
    u64 word = state_ += 0x9e3779b97f4a7c15;
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return word ^ word >> 31;
  }
  // From 0 to below 1, of 53 bits.
  double fraction() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double between(double low, double high) { return low + fraction() * (high - low); }
  // Any finite double, small and large ones alike.
  double any_double() {
    for (;;) {
      const double number = std::bit_cast<double>(next());
      if (number - number == 0) return number;
    }
  }

 private:
  u64 state_;
};

}  // namespace heddle
