#include "kernel/admission_queue.h"

namespace heddle {

Time AdmissionQueue::oldest() const {
  // Returned entries stand in front, whatever their age; behind them, the first is the oldest.
  Time oldest = nodes_[first_].arrived;
  for (u32 id = first_; id != 0; id = nodes_[id].next) {
    if (nodes_[id].arrived < oldest) oldest = nodes_[id].arrived;
    if (nodes_[id].order >= 0) break;
  }
  return oldest;
}

u32 AdmissionQueue::ahead(u32 node) const {
  const Node& self = nodes_[node];
  u32 count = 0;
  switch (mode_) {
    case FairnessMode::kFifo:
      for (u32 id = self.previous; id != 0; id = nodes_[id].previous) ++count;
      break;
    case FairnessMode::kPriority:
      for (u32 id = first_; id != 0; id = nodes_[id].next) {
        if (id != node && Before{}({key_of(nodes_[id]), nodes_[id].order, id}, {key_of(self), self.order, node})) ++count;
      }
      break;
    case FairnessMode::kRoundRobin: {
      // Rounds before its own, and in each round every group that still has an entry.
      u32 rounds = 0;
      for (u32 id = self.previous_in_group; id != 0; id = nodes_[id].previous_in_group) ++rounds;
      bool before_own = true;
      for (u32 group = turn_, first = 1; group != turn_ || first != 0; group = groups_[group].next, first = 0) {
        if (group == self.group) before_own = false;
        u32 entries = 0;
        for (u32 id = groups_[group].first; id != 0 && entries <= rounds; id = nodes_[id].next_in_group) ++entries;
        count += group == self.group ? rounds : entries < rounds + (before_own ? 1 : 0) ? entries : rounds + (before_own ? 1 : 0);
      }
      break;
    }
  }
  return count;
}

void AdmissionQueue::configure(FairnessMode mode, Time aging) {
  if (mode == mode_ && aging == aging_) return;
  if (mode_ == FairnessMode::kRoundRobin) {
    for (u32 id = first_; id != 0; id = nodes_[id].next) leave_group(id);
  }
  heap_.clear();
  mode_ = mode;
  aging_ = aging;
  for (u32 id = first_; id != 0; id = nodes_[id].next) {
    if (mode_ == FairnessMode::kPriority) heap_.push({key_of(nodes_[id]), nodes_[id].order, id});
    if (mode_ == FairnessMode::kRoundRobin) join_group(id, false);
  }
}

u32 AdmissionQueue::push(u32 owner, i32 priority, u32 group, Time now) {
  const u32 id = nodes_.take();
  Node& node = nodes_[id];
  node.owner = owner;
  node.priority = priority;
  node.group = group;
  node.arrived = now;
  node.order = arrivals_++;
  insert(id, false);
  return id;
}

u32 AdmissionQueue::push_front(u32 owner, i32 priority, u32 group, Time now) {
  const u32 id = nodes_.take();
  Node& node = nodes_[id];
  node.owner = owner;
  node.priority = priority;
  node.group = group;
  node.arrived = now;
  node.order = returns_--;
  insert(id, true);
  return id;
}

u32 AdmissionQueue::pop() {
  u32 id = first_;
  if (mode_ == FairnessMode::kPriority) id = heap_.top().node;
  if (mode_ == FairnessMode::kRoundRobin) {
    id = groups_[turn_].first;
    turn_ = groups_[turn_].next;
  }
  const u32 owner = nodes_[id].owner;
  erase(id);
  return owner;
}

void AdmissionQueue::remove(u32& node) {
  if (node == 0) return;
  erase(node);
  node = 0;
}

void AdmissionQueue::set_priority(u32 node, i32 priority) {
  nodes_[node].priority = priority;
  if (mode_ != FairnessMode::kPriority) return;
  heap_.replace(nodes_[node].position, {key_of(nodes_[node]), nodes_[node].order, node});
}

i64 AdmissionQueue::key_of(const Node& node) const {
  // At most 10^6 levels of at most a day each: below 2^57 us.
  if (aging_ > 0) return static_cast<i64>(node.priority) * aging_ - node.arrived;
  return node.priority;
}

void AdmissionQueue::insert(u32 id, bool front) {
  Node& node = nodes_[id];
  if (front) {
    node.next = first_;
    (first_ != 0 ? nodes_[first_].previous : last_) = id;
    first_ = id;
  } else {
    node.previous = last_;
    (last_ != 0 ? nodes_[last_].next : first_) = id;
    last_ = id;
  }
  ++size_;
  if (mode_ == FairnessMode::kPriority) heap_.push({key_of(node), node.order, id});
  if (mode_ == FairnessMode::kRoundRobin) join_group(id, front);
}

void AdmissionQueue::erase(u32 id) {
  Node& node = nodes_[id];
  (node.previous != 0 ? nodes_[node.previous].next : first_) = node.next;
  (node.next != 0 ? nodes_[node.next].previous : last_) = node.previous;
  --size_;
  if (mode_ == FairnessMode::kPriority) heap_.remove(node.position);
  if (mode_ == FairnessMode::kRoundRobin) leave_group(id);
  nodes_.give(id);
}

void AdmissionQueue::join_group(u32 id, bool front) {
  Node& node = nodes_[id];
  if (node.group >= groups_.size()) groups_.resize(static_cast<std::size_t>(node.group) * 2 + 16);
  Group& group = groups_[node.group];
  if (group.first == 0) {
    // A group that gets its first entry goes behind all others: before the one whose turn it is, in the ring.
    if (turn_ == 0) {
      turn_ = group.previous = group.next = node.group;
    } else {
      Group& turn = groups_[turn_];
      group.next = turn_;
      group.previous = turn.previous;
      groups_[turn.previous].next = node.group;
      turn.previous = node.group;
    }
  }
  if (front) {
    node.next_in_group = group.first;
    (group.first != 0 ? nodes_[group.first].previous_in_group : group.last) = id;
    group.first = id;
  } else {
    node.previous_in_group = group.last;
    (group.last != 0 ? nodes_[group.last].next_in_group : group.first) = id;
    group.last = id;
  }
}

void AdmissionQueue::leave_group(u32 id) {
  Node& node = nodes_[id];
  Group& group = groups_[node.group];
  (node.previous_in_group != 0 ? nodes_[node.previous_in_group].next_in_group : group.first) = node.next_in_group;
  (node.next_in_group != 0 ? nodes_[node.next_in_group].previous_in_group : group.last) = node.previous_in_group;
  node.previous_in_group = node.next_in_group = 0;
  if (group.first != 0) return;
  if (group.next == node.group) {
    turn_ = 0;
  } else {
    groups_[group.previous].next = group.next;
    groups_[group.next].previous = group.previous;
    if (turn_ == node.group) turn_ = group.next;
  }
}

}  // namespace heddle
