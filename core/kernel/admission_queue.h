// Who waits for a slot, and who gets the next one: one class for pending tasks and for LLM calls alike.
//
// - fifo: the one that came first.
// - priority: the highest priority, equal ones in order of arrival. With aging, a waiting entry gains one level every
//   `aging`; as all gain at the same rate, the order of two entries never changes while they wait, and priority * aging
//   - arrival is a key that needs no updates.
// - round-robin: one entry of each group (fairness key) in turn, first come first served within a group.
//
// An entry that comes back (a call after its backoff) goes before those of its equals that are new, and behind those
// that came back before it.
//
// An entry stands in one list: of all (fifo), of its group, or of its level of priority. A heap knows which level is
// next, and a second heap holds, each alone, the entries that are out of their level's order: those whose priority
// changed while they waited, and those that came back. So an entry touches no memory but its neighbours' (at 10^5
// entries, cache misses are most of the cost). push, pop, remove and set_priority are O(1), for priority O(log of the
// levels in use).
//
// Groups are numbers up to about 2 * kMaxKey; they need not be dense, but close ones share memory.
#pragma once

#include <memory>
#include <vector>

#include "heddle/config.h"
#include "heddle/types.h"
#include "kernel/heap.h"
#include "kernel/slab.h"

namespace heddle {

class AdmissionQueue {
 public:
  AdmissionQueue() : levels_(PlaceLevel{this}), loners_(PlaceLoner{&nodes_}) {}
  AdmissionQueue(const AdmissionQueue&) = delete;
  AdmissionQueue& operator=(const AdmissionQueue&) = delete;

  u32 size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Arrival of the entry that waits longest (O(n), for people). The queue must not be empty.
  Time oldest() const;

  // How many entries come before this one as things stand (O(n), for people).
  u32 ahead(u32 node) const;

  // Changes the discipline; entries that wait are put in their new order.
  void configure(FairnessMode mode, Time aging);

  // Adds an entry and gives its node, the handle for remove() and set_priority(). `again`: it was here before.
  u32 push(u32 owner, i32 priority, u32 group, Time now, bool again = false);
  // The next entry's owner. The queue must not be empty.
  u32 front() const { return nodes_[first()].owner; }
  // Takes the next entry out and gives its owner. The queue must not be empty.
  u32 pop();
  // Takes an entry out, wherever it stands, and clears the caller's note of it.
  void remove(u32& node);
  void set_priority(u32 node, i32 priority);
  i32 priority(u32 node) const { return nodes_[node].priority; }
  bool holds(u32 node, u32 owner) const { return nodes_.contains(node) && nodes_[node].owner == owner; }

 private:
  // Small ones: there may be tens of thousands of queues, a gate's each, of which most are short.
  static constexpr u32 kChunkBits = 6;

  struct Node {
    u32 owner = 0;
    i32 priority = 0;
    u32 group = 0;
    u32 previous = 0;  // in its list
    u32 next = 0;
    u32 position = 0;  // among the loners
    i64 order = 0;     // negative: it came back
    Time arrived = 0;
    bool is_alone = false;
    bool came_back() const { return order < 0; }
  };
  struct List {
    u32 first = 0;
    u32 last = 0;
    u32 last_back = 0;  // the last one that came back
    u32 previous = 0;   // a group's neighbours in the ring of those that have entries
    u32 next = 0;
    u32 position = 0;  // a level's place in the heap
  };
  struct Entry {
    i64 key;
    i64 order;
    u32 id;  // level or node
  };
  struct Before {
    bool operator()(const Entry& a, const Entry& b) const { return a.key != b.key ? a.key > b.key : a.order < b.order; }
  };
  struct PlaceLevel {
    AdmissionQueue* queue;
    void operator()(const Entry& entry, u32 position) const { queue->list(entry.id).position = position; }
  };
  struct PlaceLoner {
    Slab<Node, kChunkBits>* nodes;
    void operator()(const Entry& entry, u32 position) const { (*nodes)[entry.id].position = position; }
  };

  List& list(u32 id) { return lists_[id >> kChunkBits][id & ((1U << kChunkBits) - 1)]; }
  const List& list(u32 id) const { return lists_[id >> kChunkBits][id & ((1U << kChunkBits) - 1)]; }
  u32 list_of(const Node& node) const;
  // As it compares with others; `as` is the level or the node that it stands for.
  Entry entry_of(u32 id, u32 as) const { return {key_of(nodes_[id]), nodes_[id].order, as}; }
  i64 key_of(const Node& node) const;
  template <typename Visit>
  void for_each(Visit&& visit) const;
  u32 rounds_ahead(u32 node) const;
  u32 first() const;

  void enter(u32 id);
  void leave(u32 id);
  void join_ring(u32 id);
  void leave_ring(u32 id);

  Slab<Node, kChunkBits> nodes_;
  std::vector<std::unique_ptr<List[]>> lists_;
  Heap<Entry, Before, PlaceLevel> levels_;
  Heap<Entry, Before, PlaceLoner> loners_;
  u32 turn_ = 0;  // group whose turn it is, 0 when none has entries
  u32 size_ = 0;
  i64 arrivals_ = 0;
  i64 returns_ = INT64_MIN;
  FairnessMode mode_ = FairnessMode::kFifo;
  Time aging_ = 0;
};

}  // namespace heddle
