#include "kernel/admission_queue.h"

#include <algorithm>

namespace heddle {

Time AdmissionQueue::oldest() const {
  // Each of the two parts, those that came back and the new ones, stands in order of arrival.
  const u32 first_new = last_back_ != 0 ? nodes_[last_back_].next : 0;
  const Time oldest = nodes_[first_].arrived;
  return first_new != 0 ? std::min(oldest, nodes_[first_new].arrived) : oldest;
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
        if (id != node && Before{}(entry_of(id), entry_of(node))) ++count;
      }
      break;
    case FairnessMode::kRoundRobin: {
      // Rounds before its own, and in its own those groups whose turn comes earlier.
      u32 rounds = 0;
      for (u32 id = self.previous_in_group; id != 0; id = nodes_[id].previous_in_group) ++rounds;
      u32 group = turn_;
      bool before_own = true;
      do {
        if (group == self.group) before_own = false;
        const u32 most = rounds + (before_own ? 1 : 0);
        u32 id = group_at(group).first;
        for (u32 taken = 0; id != 0 && taken < most; ++taken, id = nodes_[id].next_in_group) ++count;
        group = group_at(group).next;
      } while (group != turn_);
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
    if (mode_ == FairnessMode::kPriority) heap_.push(entry_of(id));
    if (mode_ == FairnessMode::kRoundRobin) join_group(id);
  }
}

u32 AdmissionQueue::push(u32 owner, i32 priority, u32 group, Time now, bool again) {
  const u32 id = nodes_.take();
  Node& node = nodes_[id];
  node.owner = owner;
  node.priority = priority;
  node.group = group;
  node.arrived = now;
  node.order = again ? returns_++ : arrivals_++;
  node.previous = again ? last_back_ : last_;
  node.next = !again ? 0 : last_back_ != 0 ? nodes_[last_back_].next : first_;
  (node.previous != 0 ? nodes_[node.previous].next : first_) = id;
  (node.next != 0 ? nodes_[node.next].previous : last_) = id;
  if (again) last_back_ = id;
  ++size_;
  if (mode_ == FairnessMode::kPriority) heap_.push(entry_of(id));
  if (mode_ == FairnessMode::kRoundRobin) join_group(id);
  return id;
}

u32 AdmissionQueue::pop() {
  u32 id = first_;
  if (mode_ == FairnessMode::kPriority) id = heap_.top().node;
  if (mode_ == FairnessMode::kRoundRobin) {
    const Group& group = group_at(turn_);
    id = group.first;
    turn_ = group.next;
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
  if (mode_ == FairnessMode::kPriority) heap_.replace(nodes_[node].position, entry_of(node));
}

i64 AdmissionQueue::key_of(const Node& node) const {
  // At most 10^6 levels of at most a day each: below 2^57 us; an arrival is at most kLastTime.
  if (aging_ > 0) return static_cast<i64>(node.priority) * aging_ - node.arrived;
  return node.priority;
}

void AdmissionQueue::erase(u32 id) {
  const Node& node = nodes_[id];
  if (id == last_back_) last_back_ = node.previous;
  (node.previous != 0 ? nodes_[node.previous].next : first_) = node.next;
  (node.next != 0 ? nodes_[node.next].previous : last_) = node.previous;
  --size_;
  if (mode_ == FairnessMode::kPriority) heap_.remove(node.position);
  if (mode_ == FairnessMode::kRoundRobin) leave_group(id);
  nodes_.give(id);
}

void AdmissionQueue::join_group(u32 id) {
  Node& node = nodes_[id];
  const u32 chunk = node.group >> kGroupBits;
  if (groups_.size() <= chunk) groups_.resize(static_cast<std::size_t>(chunk) + 1);
  if (groups_[chunk] == nullptr) groups_[chunk] = std::make_unique<Group[]>(std::size_t{1} << kGroupBits);
  Group& group = group_at(node.group);
  if (group.first == 0) {
    // A group that gets its first entry goes behind all others: before the one whose turn it is, in the ring.
    if (turn_ == 0) {
      turn_ = group.previous = group.next = node.group;
    } else {
      Group& turn = group_at(turn_);
      group.next = turn_;
      group.previous = turn.previous;
      group_at(turn.previous).next = node.group;
      turn.previous = node.group;
    }
  }
  const bool back = node.came_back();
  node.previous_in_group = back ? group.last_back : group.last;
  node.next_in_group = !back ? 0 : group.last_back != 0 ? nodes_[group.last_back].next_in_group : group.first;
  (node.previous_in_group != 0 ? nodes_[node.previous_in_group].next_in_group : group.first) = id;
  (node.next_in_group != 0 ? nodes_[node.next_in_group].previous_in_group : group.last) = id;
  if (back) group.last_back = id;
}

void AdmissionQueue::leave_group(u32 id) {
  Node& node = nodes_[id];
  Group& group = group_at(node.group);
  if (id == group.last_back) group.last_back = node.previous_in_group;
  (node.previous_in_group != 0 ? nodes_[node.previous_in_group].next_in_group : group.first) = node.next_in_group;
  (node.next_in_group != 0 ? nodes_[node.next_in_group].previous_in_group : group.last) = node.previous_in_group;
  node.previous_in_group = node.next_in_group = 0;
  if (group.first != 0) return;
  if (group.next == node.group) {
    turn_ = 0;
  } else {
    group_at(group.previous).next = group.next;
    group_at(group.next).previous = group.previous;
    if (turn_ == node.group) turn_ = group.next;
  }
  group = Group{};
}

}  // namespace heddle
