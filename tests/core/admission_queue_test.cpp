// The queue against the simplest thing that could be right: a list that is searched from end to end.
#include "kernel/admission_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>

#include "kernel/random.h"

namespace heddle {
namespace {

class Reference {
 public:
  struct Entry {
    u32 owner, group, node;
    i32 priority;
    i64 order;
    Time arrived;
  };

  void configure(FairnessMode mode, Time aging) {
    if (mode == mode_ && aging == aging_) return;
    mode_ = mode;
    aging_ = aging;
    ring_.clear();
    entries_.sort([](const Entry& a, const Entry& b) { return a.order < b.order; });
    for (const Entry& entry : entries_) join(entry.group);
  }
  void push(u32 owner, i32 priority, u32 group, Time now, bool again, u32 node) {
    entries_.push_back({owner, group, node, priority, again ? back_++ : new_++, now});
    join(group);
  }
  u32 pop() {
    auto next = best();
    if (mode_ == FairnessMode::kRoundRobin) {
      ring_.splice(ring_.end(), ring_, ring_.begin());
    }
    const u32 owner = next->owner;
    erase(next);
    return owner;
  }
  void remove(u32 node) { erase(find(node)); }
  void set_priority(u32 node, i32 priority) { find(node)->priority = priority; }
  u32 ahead(u32 node) const {
    Reference copy = *this;
    for (u32 count = 0;; ++count) {
      if (copy.best()->node == node) return count;
      copy.pop();
    }
  }
  Time oldest() const {
    Time oldest = kNever;
    for (const Entry& entry : entries_) oldest = std::min(oldest, entry.arrived);
    return oldest;
  }
  const std::list<Entry>& entries() const { return entries_; }

 private:
  std::list<Entry>::iterator find(u32 node) {
    return std::find_if(entries_.begin(), entries_.end(), [node](const Entry& entry) { return entry.node == node; });
  }
  std::list<Entry>::iterator best() {
    auto best = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (mode_ == FairnessMode::kRoundRobin && it->group != ring_.front()) continue;
      if (best == entries_.end() || before(*it, *best)) best = it;
    }
    return best;
  }
  bool before(const Entry& a, const Entry& b) const {
    if (mode_ == FairnessMode::kPriority) {
      const i64 key_a = aging_ > 0 ? a.priority * aging_ - a.arrived : a.priority;
      const i64 key_b = aging_ > 0 ? b.priority * aging_ - b.arrived : b.priority;
      if (key_a != key_b) return key_a > key_b;
    }
    return a.order < b.order;
  }
  void join(u32 group) {
    if (std::find(ring_.begin(), ring_.end(), group) == ring_.end()) ring_.push_back(group);
  }
  void erase(std::list<Entry>::iterator it) {
    const u32 group = it->group;
    entries_.erase(it);
    const bool left =
        std::any_of(entries_.begin(), entries_.end(), [group](const Entry& entry) { return entry.group == group; });
    if (!left) ring_.remove(group);
  }

  std::list<Entry> entries_;
  std::list<u32> ring_;  // groups, the one whose turn it is first
  FairnessMode mode_ = FairnessMode::kFifo;
  Time aging_ = 0;
  i64 new_ = 0;
  i64 back_ = INT64_MIN;
};

TEST(AdmissionQueueTest, behaves_like_a_list_that_is_searched) {
  for (u64 seed = 1; seed <= 30; ++seed) {
    Random random(seed, 9);
    AdmissionQueue queue;
    Reference reference;
    Time now = 0;
    u32 owner = 0;
    for (int i = 0; i < 1500; ++i) {
      now += random.below(3);
      const u32 what = random.below(100);
      const std::size_t size = reference.entries().size();
      ASSERT_EQ(queue.size(), size) << "seed " << seed;
      if (what < 45) {
        const i32 priority = static_cast<i32>(random.below(7)) - 3;
        const u32 group = 1 + random.below(4) * 1500;
        const bool again = random.below(4) == 0;
        const u32 node = queue.push(++owner, priority, group, now, again);
        reference.push(owner, priority, group, now, again, node);
      } else if (what < 47) {
        const auto mode = static_cast<FairnessMode>(random.below(3));
        const Time aging = random.below(2) * 3;
        queue.configure(mode, aging);
        reference.configure(mode, aging);
      } else if (size > 0) {
        auto it = reference.entries().begin();
        std::advance(it, random.below(static_cast<u32>(size)));
        u32 node = it->node;
        if (what < 75) {
          ASSERT_EQ(queue.pop(), reference.pop()) << "seed " << seed;
        } else if (what < 85) {
          reference.remove(node);
          queue.remove(node);
          EXPECT_EQ(node, 0u);
        } else if (what < 92) {
          const i32 priority = static_cast<i32>(random.below(9)) - 4;
          reference.set_priority(node, priority);
          queue.set_priority(node, priority);
        } else {
          ASSERT_EQ(queue.ahead(node), reference.ahead(node)) << "seed " << seed;
          ASSERT_EQ(queue.oldest(), reference.oldest()) << "seed " << seed;
        }
      }
    }
    while (!queue.empty()) ASSERT_EQ(queue.pop(), reference.pop()) << "seed " << seed;
  }
}

TEST(AdmissionQueueTest, equal_priorities_come_out_in_order_of_arrival) {
  AdmissionQueue queue;
  queue.configure(FairnessMode::kPriority, 0);
  queue.push(1, 0, 1, 0);
  queue.push(2, 5, 1, 1);
  queue.push(3, 5, 1, 2);
  queue.push(4, 0, 1, 3);
  for (const u32 owner : {2U, 3U, 1U, 4U}) EXPECT_EQ(queue.pop(), owner);
}

TEST(AdmissionQueueTest, what_waited_one_level_longer_is_one_level_higher) {
  AdmissionQueue queue;
  queue.configure(FairnessMode::kPriority, 10);
  queue.push(1, 0, 1, 0);
  queue.push(2, 1, 1, 9);   // nine tenths of a level later, one level higher
  queue.push(3, 1, 1, 11);  // eleven tenths
  for (const u32 owner : {2U, 1U, 3U}) EXPECT_EQ(queue.pop(), owner);
}

TEST(AdmissionQueueTest, groups_take_turns) {
  AdmissionQueue queue;
  queue.configure(FairnessMode::kRoundRobin, 0);
  for (u32 i = 0; i < 3; ++i) queue.push(10 + i, 0, 7, 0);
  queue.push(20, 0, 9, 0);
  queue.push(30, 0, 8, 0);
  for (const u32 owner : {10U, 20U, 30U, 11U, 12U}) EXPECT_EQ(queue.pop(), owner);
}

TEST(AdmissionQueueTest, what_came_back_goes_first_and_in_order) {
  for (const auto mode : {FairnessMode::kFifo, FairnessMode::kPriority, FairnessMode::kRoundRobin}) {
    AdmissionQueue queue;
    queue.configure(mode, 0);
    queue.push(1, 0, 1, 0);
    queue.push(2, 0, 1, 0, true);
    queue.push(3, 0, 1, 0, true);
    for (const u32 owner : {2U, 3U, 1U}) EXPECT_EQ(queue.pop(), owner);
  }
}

TEST(AdmissionQueueTest, largest_priorities_and_keys_fit) {
  AdmissionQueue queue;
  queue.configure(FairnessMode::kPriority, kMaxAging);
  queue.push(1, -kMaxPriority, 2 * kMaxKey + 1, kLastTime);
  queue.push(2, kMaxPriority, 2 * kMaxKey + 1, kLastTime);
  queue.configure(FairnessMode::kRoundRobin, 0);
  queue.configure(FairnessMode::kPriority, kMaxAging);
  EXPECT_EQ(queue.pop(), 2u);
  EXPECT_EQ(queue.pop(), 1u);
}

}  // namespace
}  // namespace heddle
