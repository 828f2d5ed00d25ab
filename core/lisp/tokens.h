// Values on their way from one fiber to another, through the kernel's objects: the kernel moves a number, the value
// stands here meanwhile.
#pragma once

#include <vector>

#include "heddle/sync.h"
#include "lisp/heap/heap.h"

namespace heddle::lisp {

class Tokens {
 public:
  u32 keep(Value value) {
    if (free_.empty()) {
      values_.push_back(value);
      return kTokenOfBody | (static_cast<u32>(values_.size()) - 1);
    }
    const u32 index = free_.back();
    free_.pop_back();
    values_[index] = value;
    return kTokenOfBody | index;
  }

  Value at(u32 token) const { return values_[token & ~kTokenOfBody]; }

  // The value, which is kept no longer.
  Value take(u32 token) {
    const u32 index = token & ~kTokenOfBody;
    const Value value = values_[index];
    values_[index] = kFalse;
    free_.push_back(index);
    return value;
  }

  // On their way now.
  u64 live() const { return values_.size() - free_.size(); }

  bool contains(u32 token) const { return (token & kTokenOfBody) != 0 && (token & ~kTokenOfBody) < values_.size(); }

  void mark(Heap& heap) {
    for (const Value value : values_) heap.mark(value);
  }

 private:
  std::vector<Value> values_;
  std::vector<u32> free_;
};

}  // namespace heddle::lisp
