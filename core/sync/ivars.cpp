// Ivars: a value that is written once and read by any number, now or later.
#include "heddle/kernel.h"
#include "sync/sync_table.h"

namespace heddle {

i32 SyncTable::put(SyncId id, u32 token) {
  if (!contains(id) || objects_[id].kind != SyncKind::kIvar) return kRefused;
  SyncObject& ivar = objects_[id];
  if (ivar.is_closed) return kIsFull;
  ivar.is_closed = true;
  ivar.value = token;
  while (const u32 front = ivar.waiters) wake(front, token);
  return kDone;
}

}  // namespace heddle
