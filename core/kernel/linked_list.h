// Lists of a slab's records, linked by their own `next` and `previous`. A list is the number of its first record, 0 if
// it is empty; the head knows the tail as its `previous`, so that both ends are O(1) and a list costs one number.
#pragma once

#include "heddle/types.h"
#include "kernel/slab.h"

namespace heddle {

template <typename Record, u32 kChunkBits>
void append_to_list(Slab<Record, kChunkBits>& records, u32& first, u32 id) {
  if (first == 0) {
    first = records[id].previous = id;
    return;
  }
  Record& head = records[first];
  records[id].previous = head.previous;
  records[head.previous].next = id;
  head.previous = id;
}

// The record's own links are left as they were.
template <typename Record, u32 kChunkBits>
void remove_from_list(Slab<Record, kChunkBits>& records, u32& first, u32 id) {
  const Record& record = records[id];
  if (first == id) {
    first = record.next;
    if (record.next != 0) records[record.next].previous = record.previous;
  } else {
    records[record.previous].next = record.next;
    records[record.next != 0 ? record.next : first].previous = record.previous;
  }
}

}  // namespace heddle
