// Barriers: the last of `limit` parties lets all of them pass, and the next round begins.
#include "sync/sync_table.h"

namespace heddle {

void SyncTable::pass(const SyncObject& barrier) {
  while (const u32 front = barrier.waiters) wake(front);
}

}  // namespace heddle
