// Semaphores: permits, taken some at a time and given back by anybody, never more than there were. First come, first
// served: a request that does not fit yet keeps smaller ones behind it waiting, so that it is not starved.
#include "heddle/kernel.h"
#include "sync/sync_table.h"

namespace heddle {

i32 SyncTable::give(SyncId id, u32 permits) {
  if (!contains(id) || objects_[id].kind != SyncKind::kSemaphore) return kRefused;
  SyncObject& semaphore = objects_[id];
  if (permits == 0 || permits > semaphore.limit - semaphore.count) return kTooLarge;
  semaphore.count += permits;
  touched_.push_back(id);
  return kDone;
}

}  // namespace heddle
