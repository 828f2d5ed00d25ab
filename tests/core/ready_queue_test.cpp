#include "kernel/ready_queue.h"

#include <gtest/gtest.h>

#include <set>

namespace heddle {
namespace {

std::vector<FiberId> all_of(ReadyQueue& queue) {
  std::vector<FiberId> order;
  while (!queue.empty()) order.push_back(queue.pop());
  return order;
}

TEST(ReadyQueueTest, round_robin_is_first_come_first_served) {
  for (const auto policy : {DispatchPolicy::kRoundRobin, DispatchPolicy::kFairRoundRobin}) {
    ReadyQueue queue(policy, 1);
    for (const FiberId id : {3U, 1U, 2U}) queue.push(id, static_cast<i32>(id));
    EXPECT_EQ(queue.soon(1), 1u);
    EXPECT_EQ(queue.soon(3), 0u);
    EXPECT_EQ(all_of(queue), (std::vector<FiberId>{3, 1, 2}));
  }
}

TEST(ReadyQueueTest, priority_is_stable_and_can_change_while_waiting) {
  ReadyQueue queue(DispatchPolicy::kPriority, 1);
  queue.push(1, 0);
  queue.push(2, 5);
  queue.push(3, 0);
  queue.push(4, 5);
  queue.set_priority(3, 9);
  EXPECT_EQ(all_of(queue), (std::vector<FiberId>{3, 2, 4, 1}));
}

TEST(ReadyQueueTest, random_gives_each_once_by_its_seed) {
  std::set<std::vector<FiberId>> orders;
  for (u64 seed = 0; seed < 20; ++seed) {
    ReadyQueue queue(DispatchPolicy::kRandom, seed), again(DispatchPolicy::kRandom, seed);
    for (FiberId id = 1; id <= 6; ++id) queue.push(id, 0), again.push(id, 0);
    const std::vector<FiberId> order = all_of(queue);
    EXPECT_EQ(order, all_of(again));
    EXPECT_EQ(std::set<FiberId>(order.begin(), order.end()).size(), 6u);
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 10u);
}

}  // namespace
}  // namespace heddle
