// A ring of fixed records in linear memory, shared with the host, which reads (or writes) it in place.
//
// Invariant: head and tail only ever grow (modulo 2^32); tail - head records are present, at positions taken modulo the
// capacity. One side writes tail, the other writes head, and neither ever resets a counter, so nothing that arrives
// between a wake-up and a read is lost. The layout of the four words is part of the host's protocol
// (js/src/protocol.ts).
#pragma once

#include <cstring>

#include "heddle/types.h"

namespace heddle {

template <typename Record>
class Ring {
 public:
  explicit Ring(u32 capacity_log2) : mask_((1U << capacity_log2) - 1), data_(new Record[mask_ + 1U]) {}
  ~Ring() { delete[] data_; }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  bool empty() const { return head_ == tail_; }
  u32 size() const { return tail_ - head_; }
  // How many records were ever written, modulo 2^32.
  u32 written() const { return tail_; }
  // Whether all of the first `count` of them were read.
  bool has_read(u32 count) const { return static_cast<i32>(head_ - count) >= 0; }

  // Appends a record; a full ring doubles, so it never refuses.
  void push(const Record& record) {
    if (size() > mask_) grow();
    data_[tail_++ & mask_] = record;
  }

  // Takes the oldest record. The ring must not be empty.
  Record pop() { return data_[head_++ & mask_]; }

 private:
  void grow() {
    const u32 capacity = mask_ + 1;
    auto* bigger = new Record[capacity * 2U];
    for (u32 i = 0; i < capacity; ++i) {
      const u32 at = head_ + i;
      bigger[at & (capacity * 2U - 1)] = data_[at & mask_];
    }
    delete[] data_;
    data_ = bigger;
    mask_ = capacity * 2U - 1;
  }

  u32 head_ = 0;
  u32 tail_ = 0;
  u32 mask_;
  Record* data_;
};

}  // namespace heddle
