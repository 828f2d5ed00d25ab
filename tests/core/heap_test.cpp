#include "kernel/heap.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernel/random.h"

namespace heddle {
namespace {

struct Item {
  int key;
  u32 id;
};
u64 g_comparisons = 0;
struct Smaller {
  bool operator()(const Item& a, const Item& b) const {
    ++g_comparisons;
    return a.key != b.key ? a.key < b.key : a.id < b.id;
  }
};
struct Place {
  std::vector<u32>* positions;
  void operator()(const Item& item, u32 position) const { (*positions)[item.id] = position; }
};

TEST(HeapTest, any_entry_can_leave_or_move) {
  constexpr u32 kItems = 300;
  std::vector<u32> positions(kItems);
  Heap<Item, Smaller, Place> heap{Place{&positions}};
  std::vector<int> keys(kItems, -1);
  Random random(5, 5);
  for (int i = 0; i < 20'000; ++i) {
    const u32 id = random.below(kItems);
    const int key = static_cast<int>(random.below(100));
    if (keys[id] < 0) {
      heap.push({key, id});
      keys[id] = key;
    } else if (random.below(2) == 0) {
      ASSERT_EQ(heap.at(positions[id]).id, id);
      heap.remove(positions[id]);
      keys[id] = -1;
    } else {
      heap.replace(positions[id], {key, id});
      keys[id] = key;
    }
    Item best{1000, 0};
    for (u32 other = 0; other < kItems; ++other) {
      if (keys[other] >= 0 && keys[other] < best.key) best = {keys[other], other};
    }
    if (heap.empty()) continue;
    ASSERT_EQ(heap.top().key, best.key);
    ASSERT_EQ(heap.top().id, best.id);
  }
}

TEST(HeapTest, sorting_costs_n_log_n) {
  constexpr u32 kItems = 1 << 16;
  std::vector<u32> positions(kItems);
  Heap<Item, Smaller, Place> heap{Place{&positions}};
  Random random(5, 5);
  g_comparisons = 0;
  for (u32 id = 0; id < kItems; ++id) heap.push({static_cast<int>(random.below(1'000'000)), id});
  int last = -1;
  while (!heap.empty()) {
    ASSERT_GE(heap.top().key, last);
    last = heap.top().key;
    heap.remove(0);
  }
  // Eight levels of four children.
  EXPECT_LT(g_comparisons, u64{kItems} * 8 * 6);
}

}  // namespace
}  // namespace heddle
