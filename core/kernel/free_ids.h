// A set of numbers that gives its smallest first: the free ids of a slab. With ids that come back in any order, handing
// out the last one freed would scatter neighbours in time over all of memory (measured: a task twice as dear after one
// round in priority order); the smallest keeps them together.
//
// A tree of bits, 64 to a word: a bit of one level says that a word of the level below is not zero. insert and take
// touch five words at most.
#pragma once

#include <array>
#include <bit>
#include <vector>

#include "heddle/types.h"

namespace heddle {

class FreeIds {
 public:
  u32 size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The number must be below 2^30, and not in the set.
  void insert(u32 id) {
    ++size_;
    for (std::vector<u64>& words : levels_) {
      const u32 at = id >> 6;
      if (words.size() <= at) words.resize(at + 1);
      const bool is_known = words[at] != 0;
      words[at] |= u64{1} << (id & 63);
      if (is_known) return;
      id = at;
    }
  }

  // Takes the smallest out. The set must not be empty.
  u32 take() {
    --size_;
    u32 id = 0;
    for (u32 level = kLevels; level > 0; --level) {
      id = id << 6 | static_cast<u32>(std::countr_zero(levels_[level - 1][id]));
    }
    u32 at = id;
    for (std::vector<u64>& words : levels_) {
      at >>= 6;
      words[at] &= words[at] - 1;
      if (words[at] != 0) break;
    }
    return id;
  }

 private:
  static constexpr u32 kLevels = 5;
  std::array<std::vector<u64>, kLevels> levels_;
  u32 size_ = 0;
};

}  // namespace heddle
