// A model of the objects at which fibers wait for each other, as plain as can be: operations that wait stand in one
// list in the order in which they came, an object has no queue, and who is next is found by looking through the list.
// It says what each event must lead to; where the kernel may choose (among cases that can be done at once, and where
// several things that one operation waits for come free together) it is told the choice and says whether it was one.
// Long because it has each kind, each way to end and each way to be interrupted once more, in one place.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "heddle/kernel.h"

namespace heddle::testing {

class SyncModel {
 public:
  struct Object {
    u32 number = 0;  // never used again, as its id is
    SyncKind kind = SyncKind::kMutex;
    u32 limit = 0;
    SyncOverflow overflow = SyncOverflow::kWait;
    FiberId holder = 0;
    u32 free = 0;
    bool is_closed = false;  // or full
    u32 token = 0;
    std::deque<u32> buffer;
  };
  struct Waiting {
    OpId op = 0;
    FiberId fiber = 0;
    std::vector<SyncCase> cases;
    ShieldId shield = 0;
    Time due = kNever;
  };
  // How an operation ended; its fiber has not heard of it yet.
  struct Result {
    FiberId fiber = 0;
    OpCode code = OpCode::kOk;
    u32 index = 0;
    u32 value = 0;
    SyncCase done;
    u32 object = 0;  // its number
    u64 moment = 0;
  };
  struct Section {
    Time due = 0;
    bool is_over = false;
  };
  struct Fiber {
    u32 seq = 0;
    FiberId parent = 0;
    bool is_outside = false;
    bool is_started = false;
    bool is_cancelled = false;
    bool is_over = false;  // its body
    Time deadline = kNever;
    std::map<ShieldId, Section> sections;
  };

  // Asked when the kernel has a choice: what it gave each operation that it woke, by id.
  std::function<const std::map<OpId, u32>&()> choices;

  std::map<SyncId, Object> objects;
  std::map<FiberId, Fiber> fibers;
  std::vector<Waiting> waiting;
  std::map<OpId, Result> results;
  // What the event that is under way must tell the host, in any order.
  std::vector<u32> dropped;
  std::vector<std::pair<SyncId, u32>> not_released;
  std::string problem;

  // --- Objects

  void make(SyncId id, SyncKind kind, u32 limit, SyncOverflow overflow) {
    ++moment_;
    if (id == 0 || objects.count(id) != 0) return fail("an object's number");
    Object object;
    object.number = ++numbers_;
    object.kind = kind;
    object.limit = limit;
    object.overflow = overflow;
    object.free = kind == SyncKind::kSemaphore ? limit : 0;
    objects[id] = object;
  }

  void release(SyncId id) {
    ++moment_;
    const Object object = objects.at(id);
    for (std::size_t i = 0; i < waiting.size();) {
      const std::size_t at = case_at(waiting[i], id);
      if (at == kNone) {
        ++i;
      } else {
        finish(i, OpCode::kClosed, static_cast<u32>(at), 0);
      }
    }
    for (const u32 token : object.buffer) dropped.push_back(token);
    if (object.kind == SyncKind::kIvar && object.is_closed) dropped.push_back(object.token);
    objects.erase(id);
    hand_out();
  }

  u32 count(SyncId id) const {
    const Object& object = objects.at(id);
    switch (object.kind) {
      case SyncKind::kMutex: return object.holder != 0 ? 1 : 0;
      case SyncKind::kSemaphore: return object.free;
      case SyncKind::kIvar: return object.is_closed ? 1 : 0;
      case SyncKind::kChannel:
      case SyncKind::kMailbox: return static_cast<u32>(object.buffer.size());
      default: return parties(id);
    }
  }

  // --- Operations

  // `answer` is the kernel's; a wait that it installs ends at `due`.
  void act(FiberId fiber, const std::vector<SyncCase>& cases, bool may_wait, ShieldId shield, Time due, i32 answer,
           const SyncResult& got) {
    ++moment_;
    if (is_interrupted(fibers.at(fiber), shield)) return expect(answer == kInterrupted, "not interrupted");
    for (u32 i = 0; i < cases.size(); ++i) {
      const i32 refusal = refusal_of(fiber, cases[i]);
      if (refusal != kDone) return expect(answer == refusal && got.index == i, "not refused as it should be");
    }
    std::vector<u32> ready;
    for (u32 i = 0; i < cases.size(); ++i) {
      if (is_ready(cases[i])) ready.push_back(i);
    }
    if (!ready.empty()) {
      if (answer != kDone || std::count(ready.begin(), ready.end(), got.index) != 1) return fail("was to be done");
      if (ready.size() > 1) chosen.resize(std::max<std::size_t>(chosen.size(), got.index + 1), 0), ++chosen[got.index];
      perform(fiber, cases[got.index], got);
      return hand_out();
    }
    if (!may_wait || cases.empty()) return expect(answer == kWouldWait, "was not to wait");
    if (answer <= 0) return fail("was to wait");
    waiting.push_back({static_cast<OpId>(answer), fiber, cases, shield, due});
  }

  void do_now(FiberId fiber, SyncDo what, SyncId id, u32 value, i32 answer) {
    ++moment_;
    static constexpr SyncKind kKinds[] = {SyncKind::kFree, SyncKind::kMutex, SyncKind::kSemaphore, SyncKind::kIvar,
                                          SyncKind::kChannel};
    if (objects.count(id) == 0 || as_channel(objects.at(id).kind) != kKinds[static_cast<u32>(what)]) {
      return expect(answer == kRefused, "not refused");
    }
    Object& object = objects.at(id);
    switch (what) {
      case SyncDo::kUnlock:
        if (object.holder != fiber) return expect(answer == kNotHeld, "unlocked what it does not hold");
        object.holder = 0;
        break;
      case SyncDo::kGive:
        if (value == 0 || value > object.limit - object.free) return expect(answer == kTooLarge, "minted permits");
        object.free += value;
        break;
      case SyncDo::kPut:
        if (object.is_closed) return expect(answer == kIsFull, "filled what is full");
        object.is_closed = true;
        object.token = value;
        finish_all(id, SyncAct::kTake, OpCode::kOk, value);
        break;
      case SyncDo::kClose:
        object.is_closed = true;
        finish_all(id, SyncAct::kReceive, OpCode::kClosed, 0);
        break;
    }
    expect(answer == kDone, "was to be done now");
    hand_out();
  }

  void abort_op(OpId op, bool answer) {
    ++moment_;
    const std::size_t at = place_of(op);
    expect(answer == (at != kNone), "an abort of what is over, or not");
    if (at == kNone) return;
    finish(at, OpCode::kAborted, 0, 0);
    hand_out();
  }

  // A fiber that waits for what its own wait holds up: its operations ended. It must be so: nothing else could.
  void deadlock(FiberId victim, u32 number) {
    ++moment_;
    std::set<FiberId> stuck;
    for (const Waiting& one : waiting) stuck.insert(one.fiber);
    for (const auto& [op, result] : results) stuck.erase(result.fiber);
    for (bool changes = true; changes;) {
      changes = false;
      for (const Waiting& one : waiting) {
        bool has_hope = one.due != kNever || fibers.at(one.fiber).is_outside;
        for (const SyncCase& each : one.cases) {
          has_hope = has_hope || each.act != SyncAct::kLock || stuck.count(objects.at(each.object).holder) == 0;
        }
        if (has_hope && stuck.erase(one.fiber) != 0) changes = true;
      }
    }
    expect(stuck.count(victim) != 0, "a deadlock that is none");
    for (std::size_t at = 0; at < waiting.size();) {
      if (waiting[at].fiber == victim) {
        finish(at, OpCode::kDeadlock, 0, number);
        at = 0;
      } else {
        ++at;
      }
    }
    hand_out();
  }

  // The fiber hears of one of its operations.
  void deliver(OpId op, OpCode code, u32 index, u32 value) {
    const auto found = results.find(op);
    if (found == results.end()) return fail("a result of operation " + std::to_string(op) + " that is not over");
    const Result result = found->second;
    const bool is_same_case = index == result.index || (code == OpCode::kClosed && may_name(result, index));
    if (code != result.code || !is_same_case || value != result.value) {
      return fail("operation " + std::to_string(op) + " got " + std::to_string(static_cast<u32>(code)) + ", " +
                  std::to_string(index) + ", " + std::to_string(value) + ", not " +
                  std::to_string(static_cast<u32>(result.code)) + ", " + std::to_string(result.index) + ", " +
                  std::to_string(result.value));
    }
    for (const auto& [other, earlier] : results) {
      if (earlier.fiber == result.fiber && earlier.moment < result.moment) return fail("results out of order");
    }
    results.erase(found);
  }

  // --- Fibers

  void add_fiber(FiberId id, u32 seq, FiberId parent, bool is_outside, Time deadline) {
    ++moment_;
    Fiber fiber;
    fiber.seq = seq;
    fiber.parent = parent;
    fiber.is_outside = fiber.is_started = is_outside;
    fiber.deadline = deadline;
    fibers[id] = fiber;
  }

  void cancel(FiberId id) {
    ++moment_;
    cancel_tree(id);
    forget_ended();
  }

  void ended(FiberId id, bool completed) {
    ++moment_;
    Fiber& fiber = fibers.at(id);
    const bool was_cancelled = fiber.is_cancelled;
    fiber.is_over = true;
    fiber.sections.clear();
    // What is under way ends first, so that nothing of what it leaves comes back to it.
    for (std::size_t i = 0; i < waiting.size();) {
      if (waiting[i].fiber != id) {
        ++i;
        continue;
      }
      for (const SyncCase& one : waiting[i].cases) drop_sent(one);
      waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(i));
    }
    std::vector<SyncId> unheard;
    for (auto i = results.begin(); i != results.end();) {
      if (i->second.fiber != id) {
        ++i;
        continue;
      }
      take_back(i->second, unheard);
      i = results.erase(i);
    }
    for (auto& [object_id, object] : objects) {
      if (object.holder != id) continue;
      object.holder = 0;
      if (std::count(unheard.begin(), unheard.end(), object_id) == 0) not_released.emplace_back(object_id, fiber.seq);
    }
    hand_out();
    if (!completed && !was_cancelled && !fiber.is_outside) cancel_children(id);
    forget_ended();
  }

  // It became a zombie: its parent waits for it no longer. What it holds or waits for stays.
  void leave_parent(FiberId id) {
    fibers.at(id).parent = 0;
    forget_ended();
  }

  void shield(FiberId fiber, ShieldId id, Time due) { fibers.at(fiber).sections[id] = {due, false}; }

  void unshield(FiberId id, ShieldId shield) {
    ++moment_;
    Fiber& fiber = fibers.at(id);
    Section& section = fiber.sections.at(shield);
    if (!section.is_over) section_over(id, section);
    fiber.sections.erase(shield);
    for (Waiting& one : waiting) {
      if (one.fiber == id && one.shield == shield) one.shield = 0;
    }
  }

  // What is due until `now` happens, in order; no two things are due at one time.
  void time_is(Time now) {
    for (;;) {
      Time first = kNever;
      std::function<void()> what;
      const auto offer = [&](Time due, const std::function<void()>& thing) {
        if (due > now || due >= first) return;
        first = due;
        what = thing;
      };
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        offer(waiting[i].due, [this, i] {
          finish(i, OpCode::kTimeout, 0, 0);
          hand_out();
        });
      }
      for (auto& [id, fiber] : fibers) {
        const FiberId fiber_id = id;
        if (!fiber.is_cancelled) offer(fiber.deadline, [this, fiber_id] { cancel(fiber_id); });
        for (auto& [shield, section] : fiber.sections) {
          Section* over = &section;
          if (!section.is_over) offer(section.due, [this, fiber_id, over] { section_over(fiber_id, *over); });
        }
      }
      if (first == kNever) return;
      ++moment_;
      what();
    }
  }

  bool is_interrupted(const Fiber& fiber, ShieldId shield) const {
    return fiber.is_cancelled && (shield == 0 || fiber.sections.at(shield).is_over);
  }

  // Ties of waiting operations to objects. At a barrier an operation is one party, however often it names it.
  u32 ties() const {
    u32 sum = 0;
    for (const Waiting& one : waiting) {
      for (std::size_t i = 0; i < one.cases.size(); ++i) {
        sum += one.cases[i].act != SyncAct::kPass || case_at(one, one.cases[i].object) == i ? 1 : 0;
      }
    }
    return sum;
  }

  void fail(const std::string& what) {
    if (problem.empty()) problem = what;
  }

  std::vector<u32> chosen;  // how often each index was, where several were ready

 private:
  static constexpr std::size_t kNone = SIZE_MAX;

  void expect(bool is_right, const char* what) {
    if (!is_right) fail(what);
  }

  // --- Looking

  // The first of its cases that names the object, and does that there.
  static std::size_t case_at(const Waiting& one, SyncId id) {
    for (std::size_t i = 0; i < one.cases.size(); ++i) {
      if (one.cases[i].object == id) return i;
    }
    return kNone;
  }
  static std::size_t case_at(const Waiting& one, SyncId id, SyncAct act) {
    for (std::size_t i = 0; i < one.cases.size(); ++i) {
      if (one.cases[i].object == id && one.cases[i].act == act) return i;
    }
    return kNone;
  }
  std::size_t first_at(SyncId id, SyncAct act) const {
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (case_at(waiting[i], id, act) != kNone) return i;
    }
    return kNone;
  }
  std::size_t place_of(OpId op) const {
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].op == op) return i;
    }
    return kNone;
  }
  u32 parties(SyncId id) const {
    u32 sum = 0;
    for (const Waiting& one : waiting) sum += case_at(one, id) != kNone ? 1 : 0;
    return sum;
  }
  // A channel that is gone ends senders and receivers: an operation that was both may name either case.
  static bool may_name(const Result& result, u32 index) {
    return index < result.done.value && (result.done.object >> index & 1) != 0;
  }

  i32 refusal_of(FiberId fiber, const SyncCase& one) const {
    static constexpr SyncKind kKinds[] = {SyncKind::kFree,    SyncKind::kMutex,   SyncKind::kSemaphore, SyncKind::kIvar,
                                          SyncKind::kChannel, SyncKind::kChannel, SyncKind::kBarrier};
    const auto found = objects.find(one.object);
    if (found == objects.end() || as_channel(found->second.kind) != kKinds[static_cast<u32>(one.act)]) return kRefused;
    const Object& object = found->second;
    if (one.act == SyncAct::kLock && object.holder == fiber) return kReentry;
    if (one.act == SyncAct::kAcquire && (one.value == 0 || one.value > object.limit)) return kTooLarge;
    if (one.act == SyncAct::kSend && object.is_closed) return kIsClosed;
    if (one.act == SyncAct::kSend && object.overflow == SyncOverflow::kFail && is_full(object)) return kIsFull;
    return kDone;
  }

  static bool is_full(const Object& object) { return object.buffer.size() >= object.limit; }
  // Both do the same.
  static SyncKind as_channel(SyncKind kind) { return kind == SyncKind::kMailbox ? SyncKind::kChannel : kind; }

  bool is_ready(const SyncCase& one) const {
    const Object& object = objects.at(one.object);
    switch (one.act) {
      case SyncAct::kLock: return object.holder == 0;
      case SyncAct::kAcquire: return first_at(one.object, SyncAct::kAcquire) == kNone && one.value <= object.free;
      case SyncAct::kTake: return object.is_closed;
      case SyncAct::kSend:
        return first_at(one.object, SyncAct::kReceive) != kNone || !is_full(object) ||
               object.overflow != SyncOverflow::kWait;
      case SyncAct::kReceive:
        return first_at(one.object, SyncAct::kSend) != kNone || !object.buffer.empty() || object.is_closed;
      case SyncAct::kPass: return parties(one.object) + 1 == object.limit;
    }
    return false;
  }

  // --- Doing

  void perform(FiberId fiber, const SyncCase& one, const SyncResult& got) {
    Object& object = objects.at(one.object);
    u32 value = 0;
    bool is_closed = false;
    switch (one.act) {
      case SyncAct::kLock: object.holder = fiber; break;
      case SyncAct::kAcquire: object.free -= one.value; break;
      case SyncAct::kTake: value = object.token; break;
      case SyncAct::kSend: {
        const std::size_t receiver = first_at(one.object, SyncAct::kReceive);
        if (receiver == kNone) {
          object.buffer.push_back(one.value);
          if (object.buffer.size() > object.limit) {
            const bool is_oldest = object.overflow == SyncOverflow::kDropOldest;
            const auto out = is_oldest ? object.buffer.begin() : std::prev(object.buffer.end());
            dropped.push_back(*out);
            object.buffer.erase(out);
          }
        } else {
          finish_act(receiver, one.object, SyncAct::kReceive, OpCode::kOk, one.value);
        }
        break;
      }
      case SyncAct::kReceive: {
        const std::size_t sender = first_at(one.object, SyncAct::kSend);
        if (sender != kNone) {
          const Waiting& from = waiting[sender];
          object.buffer.push_back(from.cases[case_at(from, one.object, SyncAct::kSend)].value);
        }
        is_closed = object.buffer.empty();
        if (!is_closed) {
          value = object.buffer.front();
          object.buffer.pop_front();
        }
        if (sender != kNone) finish_act(sender, one.object, SyncAct::kSend, OpCode::kOk, 0);
        break;
      }
      case SyncAct::kPass: finish_all(one.object, SyncAct::kPass, OpCode::kOk, 0); break;
    }
    expect(got.value == value && got.is_closed == is_closed, "got something else");
  }

  void drop_sent(const SyncCase& one) {
    if (one.act == SyncAct::kSend) dropped.push_back(one.value);
  }

  void finish_act(std::size_t at, SyncId id, SyncAct act, OpCode code, u32 value) {
    finish(at, code, static_cast<u32>(case_at(waiting[at], id, act)), value);
  }
  void finish_all(SyncId id, SyncAct act, OpCode code, u32 value) {
    for (std::size_t at = first_at(id, act); at != kNone; at = first_at(id, act)) finish_act(at, id, act, code, value);
  }

  // Takes a waiting operation out; what it would have sent and has not is dropped.
  void finish(std::size_t at, OpCode code, u32 index, u32 value) {
    const Waiting one = waiting[at];
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(at));
    for (u32 i = 0; i < one.cases.size(); ++i) {
      if (code != OpCode::kOk || i != index) drop_sent(one.cases[i]);
    }
    Result result;
    result.fiber = one.fiber;
    result.code = code;
    result.index = index;
    result.moment = moment_;
    if (code == OpCode::kOk) {
      result.done = one.cases[index];
      result.object = objects.at(result.done.object).number;
      const bool gets = result.done.act == SyncAct::kReceive || result.done.act == SyncAct::kTake;
      result.value = gets ? value : result.done.act == SyncAct::kAcquire ? result.done.value : 0;
    } else if (code == OpCode::kDeadlock) {
      result.value = value;
    } else if (code == OpCode::kClosed) {
      // Which cases named the object: as bits, of so many.
      result.done.value = static_cast<u32>(one.cases.size());
      for (u32 i = 0; i < one.cases.size(); ++i) {
        if (one.cases[i].object == one.cases[index].object) result.done.object |= 1U << i;
      }
    }
    results[one.op] = result;
  }

  // Mutexes without a holder and permits that are free go to who waits longest.
  void hand_out() {
    struct Offer {
      SyncId object;
      std::size_t at;
      u32 index;
    };
    for (;;) {
      std::vector<Offer> offers;
      bool has_choice = false;
      for (const auto& [id, object] : objects) {
        const bool is_mutex = object.kind == SyncKind::kMutex;
        if (is_mutex ? object.holder != 0 : object.kind != SyncKind::kSemaphore || object.free == 0) continue;
        const SyncAct act = is_mutex ? SyncAct::kLock : SyncAct::kAcquire;
        const std::size_t at = first_at(id, act);
        if (at == kNone) continue;
        const u32 index = static_cast<u32>(case_at(waiting[at], id, act));
        if (!is_mutex && waiting[at].cases[index].value > object.free) continue;
        offers.push_back({id, at, index});
      }
      if (offers.empty()) return;
      if (offers.size() > 1) {
        for (const Waiting& one : waiting) has_choice = has_choice || one.cases.size() > 1;
      }
      const Offer* taken = offers.data();
      if (has_choice) {
        const std::map<OpId, u32>& told = choices();
        taken = nullptr;
        for (const Offer& offer : offers) {
          const auto found = told.find(waiting[offer.at].op);
          if (found != told.end() && found->second == offer.index) taken = &offer;
        }
        if (taken == nullptr) return fail("what is free is not given");
      }
      Object& object = objects.at(taken->object);
      const Waiting& to = waiting[taken->at];
      if (object.kind == SyncKind::kMutex) {
        object.holder = to.fiber;
      } else {
        object.free -= to.cases[taken->index].value;
      }
      finish(taken->at, OpCode::kOk, taken->index, 0);
    }
  }

  // What an operation had got whose fiber ended before it heard of it.
  void take_back(const Result& result, std::vector<SyncId>& unheard) {
    if (result.code != OpCode::kOk) return;
    if (result.done.act == SyncAct::kReceive) dropped.push_back(result.value);
    const auto found = objects.find(result.done.object);
    if (found == objects.end() || found->second.number != result.object) return;
    if (result.done.act == SyncAct::kAcquire) found->second.free += result.done.value;
    if (result.done.act == SyncAct::kLock && found->second.holder == result.fiber) unheard.push_back(found->first);
  }

  // --- Fibers

  // Ends what the fiber's cancellation reaches.
  void interrupt(FiberId id) {
    const Fiber& fiber = fibers.at(id);
    for (std::size_t i = 0; i < waiting.size();) {
      if (waiting[i].fiber == id && is_interrupted(fiber, waiting[i].shield)) {
        finish(i, OpCode::kCancelled, 0, 0);
      } else {
        ++i;
      }
    }
    hand_out();
  }

  void section_over(FiberId id, Section& section) {
    section.is_over = true;
    if (fibers.at(id).is_cancelled) interrupt(id);
  }

  void cancel_tree(FiberId id) {
    Fiber& fiber = fibers.at(id);
    if (fiber.is_cancelled) return;
    fiber.is_cancelled = true;
    if (!fiber.is_started) fiber.is_over = true;
    interrupt(id);
    cancel_children(id);
  }

  void cancel_children(FiberId id) {
    for (const FiberId child : children_of(id)) cancel_tree(child);
  }

  std::vector<FiberId> children_of(FiberId id) const {
    std::vector<FiberId> children;
    for (const auto& [child, fiber] : fibers) {
      if (fiber.parent == id) children.push_back(child);
    }
    std::sort(children.begin(), children.end(),
              [this](FiberId a, FiberId b) { return fibers.at(a).seq < fibers.at(b).seq; });
    return children;
  }

  // A fiber is over when its body and its children are. What an outside caller opened goes on alone.
  void forget_ended() {
    for (bool found = true; found;) {
      found = false;
      for (auto i = fibers.begin(); i != fibers.end(); ++i) {
        if (!i->second.is_over) continue;
        const std::vector<FiberId> children = children_of(i->first);
        if (i->second.is_outside) {
          for (const FiberId child : children) fibers.at(child).parent = 0;
        } else if (!children.empty()) {
          continue;
        }
        fibers.erase(i);
        found = true;
        break;
      }
    }
  }

  u32 numbers_ = 0;
  u64 moment_ = 0;
};

}  // namespace heddle::testing
