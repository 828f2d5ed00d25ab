#include "kernel/slab.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

TEST(SlabTest, never_gives_out_zero_and_reuses_the_smallest_number) {
  Slab<int> slab;
  EXPECT_EQ(slab.take(), 1u);
  EXPECT_EQ(slab.take(), 2u);
  EXPECT_EQ(slab.take(), 3u);
  slab.give(3);
  slab.give(1);
  EXPECT_EQ(slab.live(), 1u);
  EXPECT_EQ(slab.take(), 1u);
  EXPECT_EQ(slab.take(), 3u);
  EXPECT_EQ(slab.take(), 4u);
  EXPECT_FALSE(slab.contains(0));
  EXPECT_TRUE(slab.contains(4));
  EXPECT_FALSE(slab.contains(5));
}

TEST(SlabTest, a_taken_record_is_fresh_and_stays_where_it_is) {
  Slab<int, 2> slab;
  const u32 first = slab.take();
  int* where = &slab[first];
  *where = 7;
  for (int i = 0; i < 1000; ++i) slab.take();
  EXPECT_EQ(&slab[first], where);
  EXPECT_EQ(*where, 7);
  slab.give(first);
  EXPECT_EQ(slab.take(), first);
  EXPECT_EQ(slab[first], 0);
}

}  // namespace
}  // namespace heddle
