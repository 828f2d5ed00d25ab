#include "heddle/ring.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

TEST(RingTest, keeps_order_while_it_grows_and_wraps) {
  Ring<u32> ring(1);
  u32 in = 0, out = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < round % 17; ++i) ring.push(in++);
    for (int i = 0; i < round % 13 && !ring.empty(); ++i) ASSERT_EQ(ring.pop(), out++);
  }
  while (!ring.empty()) ASSERT_EQ(ring.pop(), out++);
  EXPECT_EQ(in, out);
}

TEST(RingTest, knows_what_has_been_read) {
  Ring<u32> ring(1);
  EXPECT_TRUE(ring.has_read(ring.written()));
  ring.push(1);
  const u32 told = ring.written();
  ring.push(2);
  EXPECT_FALSE(ring.has_read(told));
  ring.pop();
  EXPECT_TRUE(ring.has_read(told));
  EXPECT_FALSE(ring.has_read(ring.written()));
}

}  // namespace
}  // namespace heddle
