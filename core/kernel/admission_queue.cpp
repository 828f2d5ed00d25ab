#include "kernel/admission_queue.h"

#include <algorithm>

#include "kernel/compact_sort.h"

namespace heddle {

namespace {
constexpr u32 kFifoList = 0;
}  // namespace

u32 AdmissionQueue::list_of(const Node& node) const {
  switch (mode_) {
    // 0, -1, 1, -2, 2 ...: the usual levels share memory, whatever their sign.
    case FairnessMode::kPriority:
      return static_cast<u32>(node.priority < 0 ? -2 * node.priority - 1 : 2 * node.priority);
    case FairnessMode::kRoundRobin: return node.group;
    case FairnessMode::kFifo: break;
  }
  return kFifoList;
}

i64 AdmissionQueue::key_of(const Node& node) const {
  // At most 10^6 levels of at most a day each: below 2^57 us; an arrival is at most kLastTime.
  if (aging_ > 0) return static_cast<i64>(node.priority) * aging_ - node.arrived;
  return node.priority;
}

// --- In and out ---

u32 AdmissionQueue::push(u32 owner, i32 priority, u32 group, Time now, bool again) {
  const u32 id = nodes_.take();
  Node& node = nodes_[id];
  node.owner = owner;
  node.priority = priority;
  node.group = group;
  node.arrived = now;
  node.order = again ? returns_++ : arrivals_++;
  ++size_;
  enter(id);
  return id;
}

u32 AdmissionQueue::first() const {
  switch (mode_) {
    case FairnessMode::kPriority: {
      const bool loner = !loners_.empty() && (levels_.empty() || Before{}(loners_.top(), levels_.top()));
      return loner ? loners_.top().id : list(levels_.top().id).first;
    }
    case FairnessMode::kRoundRobin: return list(turn_).first;
    case FairnessMode::kFifo: break;
  }
  return list(kFifoList).first;
}

u32 AdmissionQueue::pop() {
  u32 id = first();
  if (mode_ == FairnessMode::kRoundRobin) turn_ = list(turn_).next;
  const u32 owner = nodes_[id].owner;
  remove(id);
  return owner;
}

void AdmissionQueue::remove(u32& node) {
  if (node == 0) return;
  leave(node);
  --size_;
  nodes_.give(node);
  node = 0;
}

void AdmissionQueue::set_priority(u32 node, i32 priority) {
  if (mode_ != FairnessMode::kPriority) {
    nodes_[node].priority = priority;
    return;
  }
  leave(node);
  nodes_[node].priority = priority;
  nodes_[node].is_alone = true;
  loners_.push(entry_of(node, node));
}

void AdmissionQueue::configure(FairnessMode mode, Time aging) {
  if (mode == mode_ && aging == aging_) return;
  std::vector<u32> all;
  all.reserve(size_);
  for_each([&all](u32 id) { all.push_back(id); });
  for (const u32 id : all) leave(id);
  mode_ = mode;
  aging_ = aging;
  compact_sort(all, [this](u32 a, u32 b) { return nodes_[a].order < nodes_[b].order; });
  for (const u32 id : all) enter(id);
}

// --- Where an entry stands ---

void AdmissionQueue::enter(u32 id) {
  Node& node = nodes_[id];
  if (mode_ == FairnessMode::kPriority && node.came_back()) {
    node.is_alone = true;
    loners_.push(entry_of(id, id));
    return;
  }
  const u32 own = list_of(node);
  const u32 chunk = own >> kChunkBits;
  if (lists_.size() <= chunk) lists_.resize(static_cast<std::size_t>(chunk) + 1);
  if (lists_[chunk] == nullptr) lists_[chunk] = std::make_unique<List[]>(std::size_t{1} << kChunkBits);
  List& to = list(own);
  const bool was_empty = to.first == 0;
  const bool back = node.came_back();
  node.previous = back ? to.last_back : to.last;
  node.next = !back ? 0 : to.last_back != 0 ? nodes_[to.last_back].next : to.first;
  (node.previous != 0 ? nodes_[node.previous].next : to.first) = id;
  (node.next != 0 ? nodes_[node.next].previous : to.last) = id;
  if (back) to.last_back = id;
  if (!was_empty) return;
  if (mode_ == FairnessMode::kPriority) levels_.push(entry_of(id, own));
  if (mode_ == FairnessMode::kRoundRobin) join_ring(own);
}

void AdmissionQueue::leave(u32 id) {
  Node& node = nodes_[id];
  if (node.is_alone) {
    node.is_alone = false;
    loners_.remove(node.position);
    return;
  }
  const u32 own = list_of(node);
  List& from = list(own);
  const bool was_first = from.first == id;
  if (id == from.last_back) from.last_back = node.previous;
  (node.previous != 0 ? nodes_[node.previous].next : from.first) = node.next;
  (node.next != 0 ? nodes_[node.next].previous : from.last) = node.previous;
  node.previous = node.next = 0;
  if (mode_ == FairnessMode::kPriority) {
    if (from.first == 0) {
      levels_.remove(from.position);
    } else if (was_first) {
      levels_.replace(from.position, entry_of(from.first, own));
    }
  }
  if (mode_ == FairnessMode::kRoundRobin && from.first == 0) leave_ring(own);
}

// A group that gets its first entry goes behind all others: before the one whose turn it is.
void AdmissionQueue::join_ring(u32 id) {
  List& group = list(id);
  if (turn_ == 0) {
    turn_ = group.previous = group.next = id;
    return;
  }
  List& turn = list(turn_);
  group.next = turn_;
  group.previous = turn.previous;
  list(turn.previous).next = id;
  turn.previous = id;
}

void AdmissionQueue::leave_ring(u32 id) {
  List& group = list(id);
  if (group.next == id) {
    turn_ = 0;
  } else {
    list(group.previous).next = group.next;
    list(group.next).previous = group.previous;
    if (turn_ == id) turn_ = group.next;
  }
}

// --- Questions ---

template <typename Visit>
void AdmissionQueue::for_each(Visit&& visit) const {
  const auto walk = [this, &visit](u32 from) {
    for (u32 id = list(from).first; id != 0; id = nodes_[id].next) visit(id);
  };
  if (size_ == 0) return;
  switch (mode_) {
    case FairnessMode::kFifo: walk(kFifoList); break;
    case FairnessMode::kPriority:
      for (u32 i = 0; i < levels_.size(); ++i) walk(levels_.at(i).id);
      for (u32 i = 0; i < loners_.size(); ++i) visit(loners_.at(i).id);
      break;
    case FairnessMode::kRoundRobin: {
      u32 group = turn_;
      do {
        walk(group);
        group = list(group).next;
      } while (group != turn_);
      break;
    }
  }
}

Time AdmissionQueue::oldest() const {
  Time oldest = kNever;
  for_each([this, &oldest](u32 id) { oldest = std::min(oldest, nodes_[id].arrived); });
  return oldest;
}

u32 AdmissionQueue::ahead(u32 node) const {
  if (mode_ == FairnessMode::kRoundRobin) return rounds_ahead(node);
  u32 count = 0;
  if (mode_ == FairnessMode::kFifo) {
    for (u32 id = nodes_[node].previous; id != 0; id = nodes_[id].previous) ++count;
  } else {
    for_each([this, &count, node](u32 id) {
      if (id != node && Before{}(entry_of(id, 0), entry_of(node, 0))) ++count;
    });
  }
  return count;
}

// Rounds before its own, and in its own those groups whose turn comes earlier.
u32 AdmissionQueue::rounds_ahead(u32 node) const {
  const Node& self = nodes_[node];
  u32 rounds = 0;
  for (u32 id = self.previous; id != 0; id = nodes_[id].previous) ++rounds;
  u32 count = 0;
  u32 group = turn_;
  bool before_own = true;
  do {
    if (group == self.group) before_own = false;
    const u32 most = rounds + (before_own ? 1 : 0);
    u32 id = list(group).first;
    for (u32 taken = 0; id != 0 && taken < most; ++taken, id = nodes_[id].next) ++count;
    group = list(group).next;
  } while (group != turn_);
  return count;
}

}  // namespace heddle
