// A growable first-in first-out queue of small values. It keeps its memory, so that a warm queue allocates nothing.
#pragma once

#include <vector>

#include "heddle/types.h"

namespace heddle {

template <typename Value>
class Deque {
 public:
  bool empty() const { return head_ == tail_; }
  u32 size() const { return tail_ - head_; }

  void push(Value value) {
    if (size() == values_.size()) grow();
    values_[tail_++ & mask()] = value;
  }

  Value pop() { return values_[head_++ & mask()]; }

  // The i-th value from the front.
  Value at(u32 i) const { return values_[(head_ + i) & mask()]; }
  // The same, to be changed in place.
  Value& edit(u32 i) { return values_[(head_ + i) & mask()]; }

 private:
  u32 mask() const { return static_cast<u32>(values_.size()) - 1; }

  void grow() {
    std::vector<Value> bigger(values_.empty() ? 64 : values_.size() * 2);
    const u32 count = size();
    for (u32 i = 0; i < count; ++i) bigger[i] = at(i);
    values_.swap(bigger);
    head_ = 0;
    tail_ = count;
  }

  std::vector<Value> values_;
  u32 head_ = 0;
  u32 tail_ = 0;
};

}  // namespace heddle
