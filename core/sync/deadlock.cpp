// Deadlocks, at run time: a cycle as soon as it closes, and what is left when nothing else can happen.
//
// A fiber is stuck if nothing but other stuck fibers could let it go on. Whether it is, is decided from the wait-for
// graph as far as it is certain: at a mutex one waits for its holder, in a join for its target; whoever could still put
// into an ivar or send to a channel nobody knows while others run. So a wait that has another way out (a timeout, one
// more case, a host's computation) is never part of a cycle; and ivars, channels, semaphores and barriers count when
// all is quiet.
//
// In a cycle the operation ends, with kDeadlock, that is the first seen to close it: its fiber gives back what it holds
// and the others go on, as in a database (the victim of a deadlock). When all is quiet, those end who wait for what
// nobody could do; who only waits for one of these hears of it from that one.
#include <algorithm>

#include "heddle/kernel.h"
#include "kernel/scheduler.h"
#include "sync/sync_table.h"

namespace heddle {

namespace {

// A longer chain is left to the end of everything: looking along it at each of its waits would be quadratic.
constexpr std::size_t kMaxReached = 256;

}  // namespace

// Whether another fiber, on the way to one that is stuck, is as well; it is put on the list first, and taken for stuck
// until something speaks against it.
bool SyncTable::depends_on(FiberId fiber) {
  if (standings_[fiber] != Standing::kUnknown) return standings_[fiber] == Standing::kStuck;
  // One more than may be: the search is given up.
  if (reached_.size() > kMaxReached) return false;
  standings_[fiber] = Standing::kStuck;
  reached_.push_back(fiber);
  return true;
}

bool SyncTable::is_op_stuck(OpId id, bool looks_deeper) {
  const Operation& op = scheduler_.op(id);
  if (op.timeout != 0) return false;
  const auto is_blocked = [&](FiberId other) {
    return looks_deeper ? depends_on(other) : standings_[other] == Standing::kStuck;
  };
  if (op.kind == OpKind::kSync) {
    for (u32 link = op.link; link != 0; link = links_[link].next_of_op) {
      const SyncObject& object = objects_[links_[link].object];
      if (object.kind != SyncKind::kMutex || !is_blocked(object.owner)) return false;
    }
    return true;
  }
  if (op.kind != OpKind::kWait) return false;
  // For those that need all of their targets one that is stuck is enough; a failure of another would end kAll.
  const bool needs_each = op.mode == WaitMode::kAllSettled || op.mode == WaitMode::kEnded;
  bool all = true;
  bool any = false;
  for (u32 link = op.link; link != 0; link = scheduler_.wait_link(link).next_of_op) {
    const FiberId target = scheduler_.wait_link(link).target;
    if (target == 0) continue;
    const bool is = is_blocked(target);
    all = all && is;
    any = any || is;
  }
  return needs_each ? any : all;
}

// Whether it waits at a mailbox, for one thing among others: nothing need ever come.
bool SyncTable::is_idle(OpId id) const {
  const Operation& op = scheduler_.op(id);
  if (op.kind != OpKind::kSync) return false;
  for (u32 link = op.link; link != 0; link = links_[link].next_of_op) {
    if (is_idle(links_[link].act, links_[link].object)) return true;
  }
  return false;
}

// Whether a fiber can do something by itself, or may.
bool SyncTable::goes_on(FiberId id) const {
  const Fiber& fiber = scheduler_.fiber(id);
  return fiber.kind == FiberKind::kOutside || fiber.is_ready || fiber.waits_for_slot || fiber.first_done != 0 ||
         fiber.settled || fiber.in_host || fiber.self_waits > 0 || fiber.queue_node != 0 || scheduler_.has_turn(id) ||
         (fiber.peer_waits == 0 && !fiber.body_ended);
}

bool SyncTable::is_stuck(FiberId id, bool looks_deeper) {
  if (goes_on(id)) return false;
  const Fiber& fiber = scheduler_.fiber(id);
  // What with-timeout runs has another way out. The timeout of a task is no plan for its locks.
  if (fiber.kind == FiberKind::kFiber && scheduler_.has_timeout(id)) return false;
  if (fiber.body_ended) {
    for (FiberId child = fiber.first_child; child != 0; child = scheduler_.fiber(child).next_sibling) {
      if (looks_deeper ? depends_on(child) : standings_[child] == Standing::kStuck) return true;
    }
    return false;
  }
  for (OpId op = fiber.first_op; op != 0; op = scheduler_.op(op).next) {
    if (!is_op_stuck(op, looks_deeper)) return false;
  }
  return true;
}

void SyncTable::begin_search() {
  for (const FiberId id : reached_) standings_[id] = Standing::kUnknown;
  reached_.clear();
  standings_.resize(std::max<std::size_t>(standings_.size(), scheduler_.fiber_limit()));
}

// Whether a fiber is stuck: takes all that it depends on for stuck, and frees those that are not, until nothing
// changes.
bool SyncTable::find_stuck(FiberId from) {
  begin_search();
  depends_on(from);
  for (std::size_t i = 0; i < reached_.size(); ++i) {
    if (!is_stuck(reached_[i], true)) standings_[reached_[i]] = Standing::kFree;
    if (reached_.size() > kMaxReached || standings_[from] == Standing::kFree) return false;
  }
  for (bool changes = true; changes && standings_[from] == Standing::kStuck;) {
    changes = false;
    // The end of a chain first: what it frees is seen in the same pass.
    for (std::size_t i = reached_.size(); i-- > 0;) {
      if (standings_[reached_[i]] == Standing::kFree || is_stuck(reached_[i], false)) continue;
      standings_[reached_[i]] = Standing::kFree;
      changes = true;
    }
  }
  return standings_[from] == Standing::kStuck;
}

DeadlockLink SyncTable::link_of(FiberId id) const {
  const Fiber& fiber = scheduler_.fiber(id);
  DeadlockLink link;
  link.fiber = id;
  link.seq = fiber.seq;
  const auto is_wanted = [this](FiberId other) { return standings_[other] == Standing::kStuck; };
  for (OpId op = fiber.first_op; op != 0 && link.op == 0; op = scheduler_.op(op).next) {
    if (is_idle(op)) continue;
    if (scheduler_.op(op).kind == OpKind::kSync) {
      const Link& first = links_[scheduler_.op(op).link];
      const SyncObject& object = objects_[first.object];
      link.object = first.object;
      link.kind = object.kind;
      link.act = first.act;
      link.object_seq = object.seq;
      link.holder = object.owner;
      link.op = op;
    } else if (scheduler_.op(op).kind == OpKind::kWait) {
      link.op = op;
      for (u32 tie = scheduler_.op(op).link; tie != 0; tie = scheduler_.wait_link(tie).next_of_op) {
        const FiberId target = scheduler_.wait_link(tie).target;
        if (target != 0 && (link.holder == 0 || is_wanted(target))) link.holder = target;
      }
    }
  }
  for (FiberId child = fiber.first_child; link.op == 0 && child != 0; child = scheduler_.fiber(child).next_sibling) {
    if (link.holder == 0 || is_wanted(child)) link.holder = child;
  }
  if (link.holder != 0) link.holder_seq = scheduler_.fiber(link.holder).seq;
  return link;
}

// Writes down who waits for whom, from a fiber on: along a cycle until it comes round.
u32 SyncTable::report(FiberId from, bool is_cycle) {
  Deadlock deadlock;
  deadlock.number = ++last_deadlock_;
  deadlock.is_cycle = is_cycle;
  std::vector<FiberId> seen;
  for (FiberId id = from; id != 0 && deadlock.links.size() < kMaxNamed;) {
    if (std::find(seen.begin(), seen.end(), id) != seen.end()) break;
    seen.push_back(id);
    deadlock.links.push_back(link_of(id));
    id = deadlock.links.back().holder;
  }
  if (deadlocks_.size() < Kernel::kDeadlocks) deadlocks_.resize(Kernel::kDeadlocks);
  const u32 number = deadlock.number;
  deadlocks_[number % Kernel::kDeadlocks] = std::move(deadlock);
  return number;
}

const Deadlock* SyncTable::deadlock(u32 number) const {
  if (deadlocks_.empty() || number == 0) return nullptr;
  const Deadlock& found = deadlocks_[number % Kernel::kDeadlocks];
  return found.number == number ? &found : nullptr;
}

void SyncTable::fail(FiberId id, u32 number) {
  hold();
  for (OpId op = scheduler_.fiber(id).first_op; op != 0;) {
    const OpId next = scheduler_.op(op).next;
    const OpKind kind = scheduler_.op(op).kind;
    if ((kind == OpKind::kSync || kind == OpKind::kWait) && !is_idle(op)) scheduler_.fail_sync(op, number);
    op = next;
  }
  go_on();
}

// Mostly one look says that there is no cycle.
void SyncTable::parked(FiberId id) {
  const Operation& op = scheduler_.op(scheduler_.fiber(id).first_op);
  if (op.timeout != 0) return;
  if (op.kind == OpKind::kSync) {
    const SyncObject& object = objects_[links_[op.link].object];
    if (object.kind != SyncKind::kMutex || goes_on(object.owner)) return;
  } else if (op.kind == OpKind::kWait && op.mode == WaitMode::kAll) {
    const FiberId target = scheduler_.wait_link(op.link).target;
    if (target != 0 && goes_on(target)) return;
  }
  if (find_stuck(id)) fail(id, report(id, true));
}

u32 SyncTable::break_deadlock() {
  if (!scheduler_.is_quiet()) return 0;
  begin_search();
  // Those who wait for what no fiber in particular could do.
  std::vector<FiberId> roots;
  std::vector<FiberId> holders;
  for (FiberId id = 1; id < scheduler_.fiber_limit(); ++id) {
    if (!scheduler_.has_fiber(id)) continue;
    for (OpId op = scheduler_.fiber(id).first_op; op != 0; op = scheduler_.op(op).next) {
      if (scheduler_.op(op).kind != OpKind::kSync || is_idle(op)) continue;
      bool is_root = false;
      for (u32 link = scheduler_.op(op).link; link != 0; link = links_[link].next_of_op) {
        const SyncObject& object = objects_[links_[link].object];
        is_root = is_root || object.owner == 0 || scheduler_.fiber(object.owner).kind == FiberKind::kOutside;
      }
      (is_root ? roots : holders).push_back(id);
      break;
    }
  }
  // Without one, something is left that was no cycle when it closed: the youngest ends.
  if (roots.empty() && !holders.empty()) roots.push_back(holders.back());
  std::vector<u32> numbers;
  numbers.reserve(roots.size());
  for (const FiberId id : roots) numbers.push_back(report(id, false));
  for (std::size_t i = 0; i < roots.size(); ++i) fail(roots[i], numbers[i]);
  return static_cast<u32>(roots.size());
}

}  // namespace heddle
