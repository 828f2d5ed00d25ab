// Sorts where it happens rarely: std::sort is some 3 KB of WebAssembly for each type and order, this is 0.4 KB.
//
// Time is linear where the items are in order already, as they mostly are, else n log n. Not stable: let no two items
// be equal, or the order of equal ones must not matter.
#pragma once

#include <algorithm>
#include <vector>

namespace heddle {

template <class Item, class Before>
void compact_sort(std::vector<Item>& items, Before before) {
  if (std::is_sorted(items.begin(), items.end(), before)) return;
  std::make_heap(items.begin(), items.end(), before);
  std::sort_heap(items.begin(), items.end(), before);
}

}  // namespace heddle
