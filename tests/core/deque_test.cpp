#include "kernel/deque.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

TEST(DequeTest, keeps_order_while_it_grows_and_wraps) {
  Deque<u32> deque;
  u32 in = 0, out = 0;
  for (int round = 0; round < 500; ++round) {
    for (int i = 0; i < round % 31; ++i) deque.push(in++);
    for (int i = 0; i < round % 29 && !deque.empty(); ++i) {
      ASSERT_EQ(deque.at(0), out);
      ASSERT_EQ(deque.pop(), out++);
    }
    ASSERT_EQ(deque.size(), in - out);
  }
}

}  // namespace
}  // namespace heddle
