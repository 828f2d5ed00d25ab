// Mutexes: one fiber at a time, handed over in order. Not re-entrant. A fiber holds any number of them; they stand in a
// list of its own, so that its end can hand them over.
#include "heddle/kernel.h"
#include "kernel/scheduler.h"
#include "sync/sync_table.h"

namespace heddle {

void SyncTable::own(SyncId id, FiberId fiber) {
  SyncObject& mutex = objects_[id];
  mutex.owner = fiber;
  if (held_.size() <= fiber) held_.resize(static_cast<std::size_t>(fiber) * 2 + 16);
  mutex.previous_held = 0;
  mutex.next_held = held_[fiber];
  if (mutex.next_held != 0) objects_[mutex.next_held].previous_held = id;
  held_[fiber] = id;
}

void SyncTable::disown(SyncId id) {
  SyncObject& mutex = objects_[id];
  (mutex.previous_held != 0 ? objects_[mutex.previous_held].next_held : held_[mutex.owner]) = mutex.next_held;
  if (mutex.next_held != 0) objects_[mutex.next_held].previous_held = mutex.previous_held;
  mutex.owner = mutex.next_held = mutex.previous_held = 0;
}

// Directly to whoever waits longest: it holds the mutex before it runs.
void SyncTable::hand_over(SyncId id) {
  disown(id);
  const u32 front = objects_[id].waiters;
  if (front == 0) return;
  own(id, scheduler_.op(links_[front].op).fiber);
  wake(front);
}

i32 SyncTable::unlock(FiberId fiber, SyncId id) {
  if (!contains(id) || objects_[id].kind != SyncKind::kMutex) return kRefused;
  if (objects_[id].owner != fiber || fiber == 0) return kNotHeld;
  hand_over(id);
  return kDone;
}

void SyncTable::fiber_over(FiberId fiber) {
  if (fiber >= held_.size()) return;
  while (const SyncId id = held_[fiber]) {
    scheduler_.not_released(id, fiber);
    hand_over(id);
  }
  settle();
}

}  // namespace heddle
