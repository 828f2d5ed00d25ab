// Channels: values in order, from senders to receivers, through a buffer of `limit` values; without one they meet.
// A closed channel takes nothing more; what is in the buffer and what blocked senders hold is still received.
// A mailbox is one that says what happens when it is full.
#include "heddle/kernel.h"
#include "kernel/scheduler.h"
#include "sync/sync_table.h"

namespace heddle {

bool SyncTable::has_buffer(const SyncObject& object) {
  return (object.kind == SyncKind::kChannel && object.limit > 0) || object.kind == SyncKind::kMailbox;
}

bool SyncTable::is_full(const SyncObject& mailbox) const { return buffers_[mailbox.value].size() >= mailbox.limit; }

bool SyncTable::can_send(const SyncObject& channel) const {
  if (channel.waiters != 0 || channel.overflow != SyncOverflow::kWait) return true;
  return channel.limit > 0 && buffers_[channel.value].size() < channel.limit;
}

bool SyncTable::can_receive(const SyncObject& channel) const {
  return channel.senders != 0 || channel.is_closed || (channel.limit > 0 && !buffers_[channel.value].empty());
}

void SyncTable::send(const SyncObject& channel, u32 token) {
  if (channel.waiters != 0) {
    return wake(channel.waiters, token);
  }
  Deque<u32>& buffer = buffers_[channel.value];
  if (channel.overflow == SyncOverflow::kDropNewest && is_full(channel)) return scheduler_.dropped(token);
  if (channel.overflow == SyncOverflow::kDropOldest && is_full(channel)) scheduler_.dropped(buffer.pop());
  buffer.push(token);
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
  if (!contains(id) || (objects_[id].kind != SyncKind::kChannel && objects_[id].kind != SyncKind::kMailbox))
    return kRefused;
  SyncObject& channel = objects_[id];
  channel.is_closed = true;
  while (channel.waiters != 0) wake_closed(channel.waiters);
  return kDone;
}

}  // namespace heddle
