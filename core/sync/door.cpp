// The kernel's door to the objects: checks ids, writes events down where wanted, and passes them on.
#include <algorithm>

#include "heddle/kernel.h"
#include "kernel/scheduler.h"
#include "sync/sync_table.h"

namespace heddle {

SyncId Kernel::make_object(SyncKind kind, u32 limit, SyncOverflow overflow) {
  note(EventType::kSyncMake, static_cast<u32>(kind), limit, static_cast<u32>(overflow));
  return sync_->make(kind, limit, overflow);
}

void Kernel::release_object(SyncId id) {
  if (!sync_->contains(id)) return;
  note(EventType::kSyncRelease, id);
  sync_->release(id);
}

void Kernel::forget_object(SyncId id) {
  if (sync_->contains(id)) sync_->release(id);
}

u32 Kernel::object_seq(SyncId id) const { return sync_->contains(id) ? sync_->object(id).seq : 0; }

bool Kernel::has_object(SyncId id) const { return sync_->contains(id); }

u32 Kernel::object_count(SyncId id) const {
  if (!sync_->contains(id)) return 0;
  const SyncObject& object = sync_->object(id);
  switch (object.kind) {
    case SyncKind::kMutex: return object.owner != 0 ? 1 : 0;
    case SyncKind::kIvar: return object.is_closed ? 1 : 0;
    case SyncKind::kChannel:
    case SyncKind::kMailbox: return sync_->buffered(id);
    default: return object.count;
  }
}

FiberId Kernel::holder(SyncId mutex) const { return sync_->contains(mutex) ? sync_->object(mutex).owner : 0; }

i32 Kernel::sync(FiberId fiber, const SyncCase& one, bool may_wait, Time timeout, ShieldId shield) {
  // What a shared body does in its turn is no event.
  if (shield == 0 && timeout == 0 && scheduler_->has_turn(fiber)) return sync_->act(fiber, &one, 1, may_wait, 0, 0);
  // What does not fit into the record of the event is no object and no act.
  if (!may_act(fiber, shield) || one.object > kMaxSyncId || one.act > SyncAct::kPass) return kRefused;
  timeout = std::clamp(timeout, Time{0}, kMaxSpan);
  note(EventType::kSyncOne, fiber, shield,
       (one.object & kMaxSyncId) | static_cast<u32>(one.act) << kSyncIdBits | (may_wait ? 1U << 31 : 0),
       static_cast<double>(timeout) / 1000.0, one.value);
  return sync_->act(fiber, &one, 1, may_wait, timeout, shield);
}

i32 Kernel::select(FiberId fiber, const SyncCase* cases, u32 count, bool may_wait, Time timeout, ShieldId shield) {
  if (!may_act(fiber, shield)) return kRefused;
  timeout = std::clamp(timeout, Time{0}, kMaxSpan);
  for (u32 i = 0; record_ != nullptr && i < count; ++i) {
    note(EventType::kSyncCase, static_cast<u32>(cases[i].act), cases[i].object, cases[i].value);
  }
  note(EventType::kSyncSelect, fiber, shield, may_wait ? 1 : 0, static_cast<double>(timeout) / 1000.0);
  return sync_->act(fiber, cases, count, may_wait, timeout, shield);
}

i32 Kernel::sync_now(FiberId fiber, SyncDo what, SyncId id, u32 value) {
  if (scheduler_->has_turn(fiber)) return sync_->do_now(fiber, what, id, value);
  if (what == SyncDo::kUnlock && !may_act(fiber, 0)) return kRefused;
  if (!sync_->contains(id)) return kRefused;
  note(EventType::kSyncDo, fiber, static_cast<u32>(what), id, value);
  return sync_->do_now(fiber, what, id, value);
}

u32 Kernel::break_deadlock() {
  note(EventType::kBreakDeadlock);
  return sync_->break_deadlock();
}

bool Kernel::is_at_rest() const { return scheduler_->is_at_rest(); }

const Deadlock* Kernel::deadlock(u32 number) const { return sync_->deadlock(number); }

const SyncResult& Kernel::sync_result() const { return sync_->result(); }

u32 Kernel::delivered() const { return scheduler_->delivered(); }

}  // namespace heddle
