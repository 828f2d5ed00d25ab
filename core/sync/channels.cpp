// Channels: values in order, from senders to receivers, through a buffer of `limit` values; without one they meet.
// A closed channel takes nothing more; what is in the buffer and what blocked senders hold is still received.
#include "heddle/kernel.h"
#include "sync/sync_table.h"

namespace heddle {

bool SyncTable::can_send(const SyncObject& channel) const {
  return channel.waiters != 0 || (channel.limit > 0 && buffers_[channel.value].size() < channel.limit);
}

bool SyncTable::can_receive(const SyncObject& channel) const {
  return channel.senders != 0 || channel.is_closed || (channel.limit > 0 && !buffers_[channel.value].empty());
}

void SyncTable::send(const SyncObject& channel, u32 token) {
  if (channel.waiters != 0) {
    wake(channel.waiters, token);
  } else {
    buffers_[channel.value].push(token);
  }
}

void SyncTable::receive(const SyncObject& channel) {
  const u32 sender = channel.senders;
  const u32 sent = sender != 0 ? links_[sender].value : 0;
  if (channel.limit > 0 && !buffers_[channel.value].empty()) {
    Deque<u32>& buffer = buffers_[channel.value];
    result_.value = buffer.pop();
    // The room that there is now belongs to who waited for some.
    if (sender != 0) buffer.push(sent);
  } else if (sender != 0) {
    result_.value = sent;
  } else {
    result_.is_closed = true;
  }
  if (sender != 0) wake(sender);
}

i32 SyncTable::close(SyncId id) {
  if (!contains(id) || objects_[id].kind != SyncKind::kChannel) return kRefused;
  SyncObject& channel = objects_[id];
  channel.is_closed = true;
  while (channel.waiters != 0) wake_closed(channel.waiters);
  return kDone;
}

}  // namespace heddle
