// What the collector has marked but not looked into: a stack in segments, so that growing it copies nothing.
#pragma once

#include <memory>
#include <vector>

#include "lisp/heap/object.h"

namespace heddle::lisp {

struct GrayEntry {
  Object* object;
  u32 from;  // the first of its values that was not looked at
};

class GrayStack {
 public:
  bool is_empty() const { return count_ == 0 && below_.empty(); }

  void push(GrayEntry entry) {
    if (count_ == kSegment) [[unlikely]]
      add_segment();
    if (!current_) [[unlikely]]
      current_ = std::make_unique_for_overwrite<GrayEntry[]>(kSegment);
    current_[count_++] = entry;
  }

  GrayEntry pop() {
    if (count_ == 0) [[unlikely]] {
      spare_ = std::move(current_);
      current_ = std::move(below_.back());
      below_.pop_back();
      count_ = kSegment;
    }
    return current_[--count_];
  }

  // Gives the memory back, between two collections.
  void release() {
    current_.reset();
    spare_.reset();
  }

 private:
  static constexpr u32 kSegment = 4096;
  using Segment = std::unique_ptr<GrayEntry[]>;

  void add_segment() {
    below_.push_back(std::move(current_));
    current_ = std::move(spare_);
    count_ = 0;
  }

  Segment current_;
  Segment spare_;  // one emptied segment, so that a stack which moves around a border allocates nothing
  std::vector<Segment> below_;
  u32 count_ = 0;
};

}  // namespace heddle::lisp
