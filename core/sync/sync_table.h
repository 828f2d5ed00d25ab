// The objects at which fibers wait for each other: mutex, semaphore, ivar, channel, barrier, mailbox. One wait list,
// one definition of first come, first served, of hand-off and of cancellation, for all of them.
//
// Every operation that may wait is a select over cases (mostly one). Either a case can be done at once, and nobody
// waits; where several can, the seed chooses. Or the operation stands in the queue of each case's object, until
// somebody does one of them for it and takes it out of all. So who is woken has what it waited for, and nothing can
// come between. There is no barging: an object that others wait for is not free.
//
// Invariants: a token is received once or told as dropped; permits that are free and those that are taken add up to the
// semaphore's limit; a mutex with waiters has a holder; a channel with room has no blocked sender, one with values no
// blocked receiver. A mailbox is a channel here, but for what it does when it is full, and for its receiver, who is
// idle where others are stuck.
//
// Every queue operation is O(1). Files: sync_table.cpp has objects, queues and cases, one file a kind what it does.
// Partner: kernel/scheduler.h, which has the operations themselves.
#pragma once

#include <string>
#include <vector>

#include "heddle/sync.h"
#include "heddle/types.h"
#include "kernel/deque.h"
#include "kernel/linked_list.h"
#include "kernel/peers.h"
#include "kernel/random.h"
#include "kernel/slab.h"

namespace heddle {

class Scheduler;

struct SyncObject {
  SyncKind kind = SyncKind::kFree;
  bool is_closed = false;  // a channel; an ivar that has its value
  SyncOverflow overflow = SyncOverflow::kWait;
  u32 seq = 0;           // number of the object since the runtime began
  u32 limit = 0;         // permits of a semaphore, capacity of a channel, parties of a barrier
  u32 count = 0;         // permits that are free, parties that wait
  u32 value = 0;         // the token in an ivar; the buffer of a channel with a capacity
  FiberId owner = 0;     // of a mutex
  SyncId next_held = 0;  // of the same owner
  SyncId previous_held = 0;
  // First links of the queues; the head knows the tail as its `previous`.
  u32 waiters = 0;  // of a channel: receivers
  u32 senders = 0;
};

class SyncTable final : public Peers {
 public:
  SyncTable(Scheduler& scheduler, u64 seed) : scheduler_(scheduler), choice_(seed, 4) {}

  bool contains(SyncId id) const { return objects_.contains(id) && objects_[id].kind != SyncKind::kFree; }
  const SyncObject& object(SyncId id) const { return objects_[id]; }
  u32 count(SyncKind kind) const { return counts_[static_cast<u32>(kind)]; }
  u32 links() const { return links_.live(); }
  u32 buffered(SyncId channel) const;

  // 0 where the limit or the overflow is none of that kind's.
  SyncId make(SyncKind kind, u32 limit, SyncOverflow overflow);
  // Nobody can name it any more. Whoever waits there gets kClosed; values that it keeps are told as dropped.
  void release(SyncId id);

  // Does a case that can be done now, or installs them all. Gives an operation's id, kDone (result() says what),
  // kWouldWait, or why a case is refused (result().index says which).
  i32 act(FiberId fiber, const SyncCase* cases, u32 count, bool may_wait, Time timeout, ShieldId shield);
  // kDone, or why not.
  i32 do_now(FiberId fiber, SyncDo what, SyncId id, u32 value);
  const SyncResult& result() const { return result_; }

  void leave(OpId op) override;
  void undelivered(OpId op) override;
  void hold() override { ++holds_; }
  void go_on() override;
  void fiber_over(FiberId fiber) override;
  void explain(OpId op, WaitFact& fact) const override;

  // deadlock.cpp
  void parked(FiberId fiber) override;
  u32 waits() const override { return waits_; }
  u32 break_deadlock();
  const Deadlock* deadlock(u32 number) const;

  // For tests: how often a loop over links went round; and what is wrong, or nothing.
  u64 work() const { return work_; }
  std::string broken_invariant() const;

 private:
  enum class Standing : u8 { kUnknown, kStuck, kFree };
  struct Link {
    OpId op = 0;
    SyncId object = 0;
    u32 value = 0;
    SyncAct act = SyncAct::kLock;
    u32 index = 0;  // of the case
    u32 next_of_op = 0;
    u32 next = 0;
    u32 previous = 0;
  };

  i32 refusal_of(FiberId fiber, const SyncCase& one) const;
  bool is_ready(const SyncCase& one) const;
  void perform(FiberId fiber, const SyncCase& one);
  i32 wait(FiberId fiber, const SyncCase* cases, u32 count, Time timeout, ShieldId shield);
  void install(OpId op, const SyncCase* cases, u32 count);
  u32& queue_of(const Link& link);
  // Whether the last one in the queue that begins there is of that operation.
  bool is_last(OpId op, u32 first) const;
  void remove(u32 link);
  // Takes an operation out of all queues; the tokens that it would have sent, but for that of `done`, are dropped.
  void unlink_all(OpId op, u32 done);
  // Gives an operation what it waits for at this link.
  void wake(u32 link, u32 value = 0);
  void wake_closed(u32 link);
  // Semaphores in whose queues something changed: who stands in front goes as long as it fits.
  void settle() {
    if (!touched_.empty()) look_at_touched();
  }
  void look_at_touched();

  // mutexes.cpp
  void own(SyncId id, FiberId fiber);
  void disown(SyncId id);
  void hand_over(SyncId id);
  i32 unlock(FiberId fiber, SyncId id);
  // semaphores.cpp
  i32 give(SyncId id, u32 permits);
  // ivars.cpp
  i32 put(SyncId id, u32 token);
  // channels.cpp
  static bool has_buffer(const SyncObject& object);
  bool is_full(const SyncObject& mailbox) const;
  bool can_send(const SyncObject& channel) const;
  bool can_receive(const SyncObject& channel) const;
  void send(const SyncObject& channel, u32 token);
  void receive(const SyncObject& channel);
  i32 close(SyncId id);
  // barriers.cpp
  void pass(const SyncObject& barrier);

  // Whether it is a case of an operation that waits for whatever may come, and need not come.
  bool is_idle(SyncAct act, SyncId object) const {
    return act == SyncAct::kReceive && objects_[object].kind == SyncKind::kMailbox;
  }

  // deadlock.cpp
  bool is_idle(OpId op) const;
  bool goes_on(FiberId fiber) const;
  bool is_stuck(FiberId fiber, bool looks_deeper);
  bool is_op_stuck(OpId op, bool looks_deeper);
  bool depends_on(FiberId fiber);
  void begin_search();
  bool find_stuck(FiberId from);
  DeadlockLink link_of(FiberId fiber) const;
  u32 report(FiberId from, bool is_cycle);
  void fail(FiberId fiber, u32 number);

  Scheduler& scheduler_;
  Slab<SyncObject, 6> objects_;
  Slab<Link, 8> links_;
  std::vector<Deque<u32>> buffers_;  // 0 is none
  std::vector<u32> free_buffers_;
  std::vector<SyncId> held_;     // by fiber: the first mutex that it holds
  std::vector<SyncId> touched_;  // semaphores whose front may fit now
  std::vector<u32> ready_;       // cases, while one is chosen
  u32 holds_ = 0;                // while above 0, those wait
  SyncResult result_;
  u64 work_ = 0;
  Random choice_;
  u32 next_seq_ = 1;
  u32 waits_ = 0;                    // operations in queues, but for those of idle receivers
  std::vector<FiberId> reached_;     // from a fiber, while a deadlock is looked for
  std::vector<Standing> standings_;  // of those, by fiber
  std::vector<Deadlock> deadlocks_;  // the last ones, by number
  u32 last_deadlock_ = 0;
  u32 counts_[kSyncKinds] = {};
};

}  // namespace heddle
