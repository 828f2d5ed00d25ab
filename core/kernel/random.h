// Seeded pseudo-random numbers: xoshiro256** by Blackman and Vigna (2018), its state filled by splitmix64.
// Each user of randomness has a stream of its own, so that one more draw in one place shifts nothing elsewhere.
#pragma once

#include "heddle/types.h"

namespace heddle {

class Random {
 public:
  Random(u64 seed, u64 stream) {
    u64 x = seed ^ (stream * 0x9E3779B97F4A7C15ULL);
    for (u64& word : state_) {
      x += 0x9E3779B97F4A7C15ULL;
      u64 z = x;
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
      word = z ^ (z >> 31);
    }
  }

  u64 next() {
    const u64 result = rotate(state_[1] * 5, 7) * 9;
    const u64 t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // Uniform in [0, 1), all 53 bits of a double.
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  // Uniform in 0 .. n-1, for n >= 1; the bias is below n / 2^32.
  u32 below(u32 n) { return static_cast<u32>(((next() >> 32) * n) >> 32); }

 private:
  static u64 rotate(u64 x, int k) { return (x << k) | (x >> (64 - k)); }
  u64 state_[4];
};

}  // namespace heddle
