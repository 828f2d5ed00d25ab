// Records addressed by small numbers. Memory comes in chunks that never move, so a reference stays valid while other
// records come and go, and growing copies nothing. Number 0 is never given out.
#pragma once

#include <memory>
#include <vector>

#include "heddle/types.h"
#include "kernel/free_ids.h"

namespace heddle {

template <typename Record, u32 kChunkBits = 10>
class Slab {
 public:
  // Gives a fresh, value-initialised record: the free one with the smallest number, else a new one.
  u32 take() {
    u32 id;
    if (!free_.empty()) {
      id = free_.take();
    } else {
      id = next_++;
      if ((id >> kChunkBits) >= chunks_.size()) chunks_.push_back(std::make_unique<Record[]>(kChunkSize));
    }
    (*this)[id] = Record{};
    return id;
  }

  void give(u32 id) { free_.insert(id); }

  Record& operator[](u32 id) { return chunks_[id >> kChunkBits][id & (kChunkSize - 1)]; }
  const Record& operator[](u32 id) const { return chunks_[id >> kChunkBits][id & (kChunkSize - 1)]; }

  // Whether the number was ever given out; the record may be free by now.
  bool contains(u32 id) const { return id != 0 && id < next_; }
  u32 limit() const { return next_; }
  u32 live() const { return next_ - 1 - free_.size(); }

 private:
  static constexpr u32 kChunkSize = 1U << kChunkBits;
  std::vector<std::unique_ptr<Record[]>> chunks_;
  FreeIds free_;
  u32 next_ = 1;
};

}  // namespace heddle
