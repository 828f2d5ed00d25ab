// What must hold of the objects at every return to the door, checked from the records alone. For tests.
#include <map>
#include <set>

#include "kernel/scheduler.h"
#include "sync/sync_table.h"

namespace heddle {

std::string SyncTable::broken_invariant() const {
  const auto broken = [](const char* what, u32 id) { return std::string(what) + " (" + std::to_string(id) + ")"; };
  if (!touched_.empty() || holds_ != 0) return "a semaphore was not looked at";
  std::map<FiberId, std::set<SyncId>> holds;
  u32 counts[kSyncKinds] = {};
  u32 links = 0;
  std::set<OpId> waits;
  std::set<OpId> idle;
  for (SyncId id = 1; id < objects_.limit(); ++id) {
    const SyncObject& object = objects_[id];
    if (object.kind == SyncKind::kFree) continue;
    ++counts[static_cast<u32>(object.kind)];
    u32 waiting = 0;
    for (const u32 first : {object.waiters, object.senders}) {
      u32 previous = 0;
      for (u32 link_id = first; link_id != 0; link_id = links_[link_id].next) {
        const Link& link = links_[link_id];
        ++links;
        (is_idle(link.act, id) ? idle : waits).insert(link.op);
        waiting += first == object.waiters ? 1 : 0;
        if (link.object != id) return broken("a link stands in another object's queue", link_id);
        if ((first == object.senders) != (link.act == SyncAct::kSend)) return broken("in the wrong queue", link_id);
        if (previous != 0 && link.previous != previous) return broken("links are mislinked", link_id);
        previous = link_id;
        if (!scheduler_.has_op(link.op)) return broken("a link of no operation", link_id);
        const Operation& op = scheduler_.op(link.op);
        if (op.kind != OpKind::kSync || op.state != OpState::kParked) return broken("waits, but is over", link.op);
        bool is_found = false;
        for (u32 own = op.link; own != 0; own = links_[own].next_of_op) is_found = is_found || own == link_id;
        if (!is_found) return broken("an operation does not know its link", link_id);
      }
      if (first != 0 && links_[first].previous != previous) return broken("the last link is lost", id);
    }
    if (object.owner != 0) {
      if (!scheduler_.has_fiber(object.owner)) return broken("held by no fiber", id);
      holds[object.owner].insert(id);
    }
    switch (object.kind) {
      case SyncKind::kMutex:
        if (object.waiters != 0 && object.owner == 0) return broken("a free mutex is waited for", id);
        break;
      case SyncKind::kSemaphore:
        if (object.count > object.limit) return broken("permits were minted", id);
        if (object.waiters != 0 && links_[object.waiters].value <= object.count) {
          return broken("permits that fit are not given", id);
        }
        break;
      case SyncKind::kIvar:
        if (object.is_closed && object.waiters != 0) return broken("a full ivar is waited for", id);
        break;
      case SyncKind::kMailbox:
        if (object.senders != 0 && object.overflow != SyncOverflow::kWait) return broken("a sender waits there", id);
        [[fallthrough]];
      case SyncKind::kChannel: {
        const u32 size = buffered(id);
        if (size > object.limit) return broken("more values than room", id);
        if (object.senders != 0 && size < object.limit) return broken("a sender waits before free room", id);
        if (object.waiters != 0 && (size > 0 || object.is_closed)) return broken("a receiver waits for nothing", id);
        break;
      }
      case SyncKind::kBarrier:
        if (object.count != waiting) return broken("parties are miscounted", id);
        if (object.count >= object.limit) return broken("a full barrier is waited at", id);
        break;
      case SyncKind::kFree: break;
    }
  }
  for (u32 kind = 1; kind < kSyncKinds; ++kind) {
    if (counts[kind] != counts_[kind]) return broken("objects are miscounted", kind);
  }
  if (links != links_.live()) return broken("links are lost", links_.live());
  for (const OpId op : idle) waits.erase(op);
  if (waits.size() != waits_) return broken("waits are miscounted", waits_);
  for (FiberId fiber = 1; fiber < held_.size(); ++fiber) {
    std::set<SyncId> listed;
    for (SyncId id = held_[fiber]; id != 0; id = objects_[id].next_held) listed.insert(id);
    const auto held = holds.find(fiber);
    if (listed != (held == holds.end() ? std::set<SyncId>{} : held->second))
      return broken("holds something else", fiber);
  }
  return {};
}

}  // namespace heddle
