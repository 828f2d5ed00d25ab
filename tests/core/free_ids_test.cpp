#include "kernel/free_ids.h"

#include <gtest/gtest.h>

#include <set>

#include "kernel/random.h"

namespace heddle {
namespace {

TEST(FreeIdsTest, gives_the_smallest_like_a_sorted_set) {
  Random random(3, 3);
  FreeIds ids;
  std::set<u32> reference;
  for (int i = 0; i < 20'000; ++i) {
    if (random.below(100) < 55) {
      const u32 id = random.below(2) == 0 ? random.below(300) : random.below(2'000'000);
      if (reference.insert(id).second) ids.insert(id);
    } else if (!reference.empty()) {
      ASSERT_EQ(ids.take(), *reference.begin());
      reference.erase(reference.begin());
    }
    ASSERT_EQ(ids.size(), reference.size());
  }
}

}  // namespace
}  // namespace heddle
