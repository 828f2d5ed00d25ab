// A 4-ary heap whose entries know where they stand, so that any of them can be removed or moved in O(log n).
// Four children a node: half the levels of a binary heap, and the children of a node share a cache line.
//
// Before(a, b): whether a comes out before b; must be a strict total order, so that the order is deterministic.
// Place(entry, position): called whenever an entry's position changes.
#pragma once

#include <vector>

#include "heddle/types.h"

namespace heddle {

template <typename Entry, typename Before, typename Place>
class Heap {
 public:
  explicit Heap(Place place) : place_(place) {}

  bool empty() const { return entries_.empty(); }
  u32 size() const { return static_cast<u32>(entries_.size()); }
  const Entry& top() const { return entries_[0]; }
  const Entry& at(u32 position) const { return entries_[position]; }

  void push(const Entry& entry) {
    entries_.push_back(entry);
    rise(size() - 1, entry);
  }

  // Puts another entry in the place of one, and restores the order.
  void replace(u32 position, const Entry& entry) {
    if (Before{}(entry, entries_[position])) {
      rise(position, entry);
    } else {
      sink(position, entry);
    }
  }

  void remove(u32 position) {
    const Entry last = entries_.back();
    entries_.pop_back();
    if (position < size()) replace(position, last);
  }

  void clear() { entries_.clear(); }

 private:
  void rise(u32 position, const Entry& entry) {
    while (position > 0) {
      const u32 parent = (position - 1) / 4;
      if (!Before{}(entry, entries_[parent])) break;
      put(position, entries_[parent]);
      position = parent;
    }
    put(position, entry);
  }

  void sink(u32 position, const Entry& entry) {
    for (;;) {
      const u32 first = position * 4 + 1;
      if (first >= size()) break;
      u32 best = first;
      const u32 end = first + 4 < size() ? first + 4 : size();
      for (u32 child = first + 1; child < end; ++child) {
        if (Before{}(entries_[child], entries_[best])) best = child;
      }
      if (!Before{}(entries_[best], entry)) break;
      put(position, entries_[best]);
      position = best;
    }
    put(position, entry);
  }

  void put(u32 position, const Entry& entry) {
    entries_[position] = entry;
    place_(entry, position);
  }

  std::vector<Entry> entries_;
  Place place_;
};

}  // namespace heddle
