// Which ready fiber runs next: the dispatch policy. A fiber stands here at most once.
//
// - round-robin, fair round-robin: in order of becoming ready. (They differ in what a body that does not yield costs:
//   fair round-robin preempts it after its quantum of steps; that is the dispatcher's part, not the queue's.)
// - random: uniform among the ready ones, by the seed.
// - priority: the highest effective priority, equal ones in order of becoming ready.
#pragma once

#include <vector>

#include "heddle/types.h"
#include "kernel/deque.h"
#include "kernel/fiber.h"
#include "kernel/heap.h"
#include "kernel/random.h"
#include "kernel/slab.h"

namespace heddle {

class ReadyQueue {
 public:
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;
  ReadyQueue(DispatchPolicy policy, u64 seed) : policy_(policy), random_(seed, 1), heap_(Place{&positions_}) {}

  bool empty() const { return size() == 0; }
  u32 size() const {
    if (policy_ == DispatchPolicy::kRandom) return static_cast<u32>(bag_.size());
    if (policy_ == DispatchPolicy::kPriority) return heap_.size();
    return queue_.size();
  }

  void push(FiberId id, i32 priority) {
    switch (policy_) {
      case DispatchPolicy::kRandom: bag_.push_back(id); break;
      case DispatchPolicy::kPriority:
        if (positions_.size() <= id) positions_.resize(static_cast<std::size_t>(id) * 2 + 16);
        heap_.push({priority, order_++, id});
        break;
      default: queue_.push(id);
    }
  }

  // A fiber that stands here has another priority now.
  void set_priority(FiberId id, i32 priority) {
    if (policy_ != DispatchPolicy::kPriority) return;
    const u32 position = positions_[id];
    heap_.replace(position, {priority, heap_.at(position).order, id});
  }

  // The fiber that comes out `n` after the next one, where that is known already, else 0.
  FiberId soon(u32 n) const { return n < queue_.size() ? queue_.at(n) : 0; }

  // Takes the next fiber. The queue must not be empty.
  FiberId pop() {
    switch (policy_) {
      case DispatchPolicy::kRandom: {
        const u32 at = random_.below(static_cast<u32>(bag_.size()));
        const FiberId id = bag_[at];
        bag_[at] = bag_.back();
        bag_.pop_back();
        return id;
      }
      case DispatchPolicy::kPriority: {
        const FiberId id = heap_.top().id;
        heap_.remove(0);
        return id;
      }
      default: return queue_.pop();
    }
  }

 private:
  struct Entry {
    i32 priority;
    u32 order;
    FiberId id;
  };
  struct Before {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.priority != b.priority ? a.priority > b.priority : static_cast<i32>(a.order - b.order) < 0;
    }
  };
  struct Place {
    std::vector<u32>* positions;
    void operator()(const Entry& entry, u32 position) const { (*positions)[entry.id] = position; }
  };

  DispatchPolicy policy_;
  Deque<FiberId> queue_;
  std::vector<FiberId> bag_;
  Random random_;
  std::vector<u32> positions_;  // in the heap, by fiber
  Heap<Entry, Before, Place> heap_;
  u32 order_ = 0;
};

}  // namespace heddle
