#include "sync/sync_table.h"

#include "heddle/kernel.h"
#include "kernel/scheduler.h"

namespace heddle {

namespace {

bool has_act(SyncKind kind, SyncAct act) {
  switch (act) {
    case SyncAct::kLock: return kind == SyncKind::kMutex;
    case SyncAct::kAcquire: return kind == SyncKind::kSemaphore;
    case SyncAct::kTake: return kind == SyncKind::kIvar;
    case SyncAct::kSend:
    case SyncAct::kReceive: return kind == SyncKind::kChannel || kind == SyncKind::kMailbox;
    case SyncAct::kPass: return kind == SyncKind::kBarrier;
  }
  return false;
}

}  // namespace

SyncId SyncTable::make(SyncKind kind, u32 limit, SyncOverflow overflow) {
  if (kind == SyncKind::kFree || kind > SyncKind::kMailbox || limit > kMaxPermits) return 0;
  if ((kind >= SyncKind::kBarrier || kind == SyncKind::kSemaphore) && limit == 0) return 0;
  if (overflow > SyncOverflow::kFail || (overflow != SyncOverflow::kWait && kind != SyncKind::kMailbox)) return 0;
  if (objects_.live() >= kMaxSyncId) return 0;
  const SyncId id = objects_.take();
  SyncObject& object = objects_[id];
  object.kind = kind;
  object.seq = next_seq_++;
  object.limit = limit;
  object.overflow = overflow;
  if (kind == SyncKind::kSemaphore) object.count = limit;
  if (has_buffer(object)) {
    if (free_buffers_.empty()) {
      if (buffers_.empty()) buffers_.emplace_back();
      buffers_.emplace_back();
      free_buffers_.push_back(static_cast<u32>(buffers_.size()) - 1);
    }
    object.value = free_buffers_.back();
    free_buffers_.pop_back();
  }
  ++counts_[static_cast<u32>(kind)];
  return id;
}

void SyncTable::release(SyncId id) {
  SyncObject& object = objects_[id];
  if (object.owner != 0) disown(id);
  while (object.waiters != 0) wake_closed(object.waiters);
  while (object.senders != 0) wake_closed(object.senders);
  if (has_buffer(object)) {
    Deque<u32>& buffer = buffers_[object.value];
    while (!buffer.empty()) scheduler_.dropped(buffer.pop());
    free_buffers_.push_back(object.value);
  }
  if (object.kind == SyncKind::kIvar && object.is_closed) scheduler_.dropped(object.value);
  --counts_[static_cast<u32>(object.kind)];
  object.kind = SyncKind::kFree;
  objects_.give(id);
  settle();
}

u32 SyncTable::buffered(SyncId channel) const {
  const SyncObject& object = objects_[channel];
  return has_buffer(object) ? buffers_[object.value].size() : 0;
}

i32 SyncTable::act(FiberId fiber, const SyncCase* cases, u32 count, bool may_wait, Time timeout, ShieldId shield) {
  if (scheduler_.is_interrupted(scheduler_.fiber(fiber), shield)) return kInterrupted;
  result_ = {};
  work_ += count;
  // Nearly always it is one, and nothing has to be chosen.
  if (count == 1) [[likely]] {
    const i32 refusal = refusal_of(fiber, *cases);
    if (refusal != kDone) return refusal;
    if (is_ready(*cases)) {
      perform(fiber, *cases);
      settle();
      return kDone;
    }
    return may_wait ? wait(fiber, cases, 1, timeout, shield) : kWouldWait;
  }
  for (u32 i = 0; i < count; ++i) {
    const i32 refusal = refusal_of(fiber, cases[i]);
    if (refusal != kDone) {
      result_.index = i;
      return refusal;
    }
  }
  ready_.clear();
  for (u32 i = 0; i < count; ++i) {
    if (is_ready(cases[i])) ready_.push_back(i);
  }
  if (!ready_.empty()) {
    const u32 chosen = ready_[ready_.size() == 1 ? 0 : choice_.below(static_cast<u32>(ready_.size()))];
    perform(fiber, cases[chosen]);
    settle();
    result_.index = chosen;
    return kDone;
  }
  return may_wait && count > 0 ? wait(fiber, cases, count, timeout, shield) : kWouldWait;
}

i32 SyncTable::wait(FiberId fiber, const SyncCase* cases, u32 count, Time timeout, ShieldId shield) {
  const OpId op = scheduler_.begin_sync(fiber, shield, timeout);
  install(op, cases, count);
  return static_cast<i32>(op);
}

void SyncTable::install(OpId op, const SyncCase* cases, u32 count) {
  bool idle = false;
  u32 last = 0;
  for (u32 i = 0; i < count; ++i) {
    idle = idle || is_idle(cases[i].act, cases[i].object);
    // At a barrier it is one party, however often it names it.
    if (cases[i].act == SyncAct::kPass && is_last(op, objects_[cases[i].object].waiters)) continue;
    const u32 id = links_.take();
    Link& link = links_[id];
    link.op = op;
    link.object = cases[i].object;
    link.act = cases[i].act;
    link.index = i;
    link.value = cases[i].value;
    if (last != 0) {
      links_[last].next_of_op = id;
    } else {
      scheduler_.set_link(op, id);
    }
    last = id;
    append_to_list(links_, queue_of(link), id);
    if (link.act == SyncAct::kPass) ++objects_[link.object].count;
  }
  if (!idle) ++waits_;
}

i32 SyncTable::do_now(FiberId fiber, SyncDo what, SyncId id, u32 value) {
  i32 answer = kRefused;
  switch (what) {
    case SyncDo::kUnlock: answer = unlock(fiber, id); break;
    case SyncDo::kGive: answer = give(id, value); break;
    case SyncDo::kPut: answer = put(id, value); break;
    case SyncDo::kClose: answer = close(id); break;
  }
  settle();
  return answer;
}

i32 SyncTable::refusal_of(FiberId fiber, const SyncCase& one) const {
  if (!contains(one.object) || !has_act(objects_[one.object].kind, one.act)) return kRefused;
  const SyncObject& object = objects_[one.object];
  switch (one.act) {
    case SyncAct::kLock: return object.owner == fiber ? kReentry : kDone;
    case SyncAct::kAcquire: return one.value == 0 || one.value > object.limit ? kTooLarge : kDone;
    case SyncAct::kSend:
      if (object.is_closed) return kIsClosed;
      return object.overflow == SyncOverflow::kFail && is_full(object) ? kIsFull : kDone;
    default: return kDone;
  }
}

bool SyncTable::is_ready(const SyncCase& one) const {
  const SyncObject& object = objects_[one.object];
  switch (one.act) {
    case SyncAct::kLock: return object.owner == 0;
    case SyncAct::kAcquire: return object.waiters == 0 && one.value <= object.count;
    case SyncAct::kTake: return object.is_closed;
    case SyncAct::kSend: return can_send(object);
    case SyncAct::kReceive: return can_receive(object);
    case SyncAct::kPass: return object.count + 1 >= object.limit;
  }
  return false;
}

void SyncTable::perform(FiberId fiber, const SyncCase& one) {
  SyncObject& object = objects_[one.object];
  switch (one.act) {
    case SyncAct::kLock: own(one.object, fiber); break;
    case SyncAct::kAcquire: object.count -= one.value; break;
    case SyncAct::kTake: result_.value = object.value; break;
    case SyncAct::kSend: send(object, one.value); break;
    case SyncAct::kReceive: receive(object); break;
    case SyncAct::kPass: pass(object); break;
  }
}

// --- Queues

u32& SyncTable::queue_of(const Link& link) {
  SyncObject& object = objects_[link.object];
  return link.act == SyncAct::kSend ? object.senders : object.waiters;
}

bool SyncTable::is_last(OpId op, u32 first) const { return first != 0 && links_[links_[first].previous].op == op; }

void SyncTable::remove(u32 id) {
  const Link& link = links_[id];
  u32& first = queue_of(link);
  // A smaller request may stand behind one that is gone.
  if (link.act == SyncAct::kAcquire && first == id && link.next != 0) touched_.push_back(link.object);
  remove_from_list(links_, first, id);
  if (link.act == SyncAct::kPass) --objects_[link.object].count;
}

void SyncTable::unlink_all(OpId op, u32 done) {
  bool idle = false;
  for (u32 id = scheduler_.op(op).link; id != 0;) {
    ++work_;
    const Link& link = links_[id];
    const u32 next = link.next_of_op;
    idle = idle || is_idle(link.act, link.object);
    if (link.act == SyncAct::kSend && id != done) scheduler_.dropped(link.value);
    remove(id);
    links_.give(id);
    id = next;
  }
  if (!idle) --waits_;
  scheduler_.set_link(op, 0);
}

void SyncTable::wake(u32 id, u32 value) {
  const Link link = links_[id];
  unlink_all(link.op, id);
  scheduler_.complete_sync(link.op, OpCode::kOk, link.index, link.act,
                           link.act == SyncAct::kAcquire ? link.value : value, link.object);
  scheduler_.set_link(link.op, objects_[link.object].seq);
}

void SyncTable::wake_closed(u32 id) {
  const Link link = links_[id];
  unlink_all(link.op, 0);
  scheduler_.complete_sync(link.op, OpCode::kClosed, link.index, link.act, 0, link.object);
}

void SyncTable::leave(OpId op) {
  unlink_all(op, 0);
  settle();
}

void SyncTable::undelivered(OpId id) {
  const Operation& op = scheduler_.op(id);
  if (op.code != OpCode::kOk) return;
  if (op.act == SyncAct::kReceive) scheduler_.dropped(op.remaining);
  if (!contains(op.object) || objects_[op.object].seq != op.link) return;
  if (op.act == SyncAct::kAcquire) give(op.object, op.remaining);
  if (op.act == SyncAct::kLock && objects_[op.object].owner == op.fiber) hand_over(op.object);
  settle();
}

void SyncTable::go_on() {
  --holds_;
  settle();
}

void SyncTable::look_at_touched() {
  if (holds_ > 0) return;
  ++holds_;
  while (!touched_.empty()) {
    ++work_;
    const SyncId id = touched_.back();
    touched_.pop_back();
    SyncObject& semaphore = objects_[id];
    if (semaphore.kind != SyncKind::kSemaphore) continue;
    while (const u32 front = semaphore.waiters) {
      const u32 permits = links_[front].value;
      if (permits > semaphore.count) break;
      semaphore.count -= permits;
      wake(front);
    }
  }
  --holds_;
}

void SyncTable::explain(OpId op, WaitFact& fact) const {
  for (u32 id = scheduler_.op(op).link; id != 0; id = links_[id].next_of_op) {
    const Link& link = links_[id];
    const SyncObject& object = objects_[link.object];
    fact.objects.push_back({link.object, link.act});
    if (object.owner != 0) fact.fibers.push_back(object.owner);
    if (fact.objects.size() > 1) continue;
    for (u32 ahead = link.act == SyncAct::kSend ? object.senders : object.waiters; ahead != id;
         ahead = links_[ahead].next) {
      ++fact.ahead;
    }
    fact.limit = object.limit;
  }
}

}  // namespace heddle
