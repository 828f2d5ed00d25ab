// Operations of programs on the objects at which fibers wait for each other. The kernel moves tokens; the values stand
// in tokens_ meanwhile. Partners: builtins/synchronization.cpp checks arguments, sync/sync_table.h has the objects.
//
// What stands in a parked fiber's `result` meanwhile: the object; of a try-lock a pair of it and #t; of a select a
// vector of the objects of its cases.
#include "lisp/builtins/arguments.h"
#include "lisp/fibers.h"

namespace heddle::lisp {

namespace {

SyncId id_of(Value object) { return as<SyncReference>(object)->id; }
SyncKind kind_of(Value object) { return static_cast<SyncKind>(object.to_object()->aux); }

}  // namespace

Value Programs::make_object(SyncKind kind, u32 limit, Value name, SyncOverflow overflow) {
  if (is_interrupted()) return interrupted();
  const SyncId id = kernel_.make_object(kind, limit, overflow);
  if (id == 0) return machine_.error("RangeError", "there are as many objects as there can be");
  auto* reference = machine_.heap().make<SyncReference>(Type::kSync, sizeof(SyncReference), 0, static_cast<u16>(kind));
  reference->name = name;
  reference->id = id;
  reference->seq = kernel_.object_seq(id);
  if (objects_.size() <= id) objects_.resize(static_cast<std::size_t>(id) * 2 + 16);
  objects_[id] = reference;
  return Value::object(reference);
}

// Why an operation did not begin.
Value Programs::refused(i32 answer, Value object) {
  const auto error = [&](const char* code, const char* text) {
    return machine_.error(code, shown(object) + text, {object});
  };
  if (is_a(object, Type::kSync) && kind_of(object) == SyncKind::kMailbox) {
    if (answer == kIsFull) return error("MailboxFull", " is full");
    if (answer == kIsClosed) return error("ActorStopped", ": its actor takes no more messages");
  }
  switch (answer) {
    case kInterrupted: return interrupted();
    case kReentry: return error("MutexReentry", " is held by the fiber that locks it, and is not re-entrant");
    case kNotHeld: return error("MutexNotHeld", " is not held by the fiber that unlocks it");
    case kIsFull: return error("IVarFull", " has its value already");
    case kIsClosed: return error("ChannelClosed", " is closed");
    case kTooLarge: return error("RangeError", " has not that many permits");
    default: return is_interrupted() ? interrupted() : error("HostError", " cannot be used here");
  }
}

// What a case gave; `token` is 0 where it gives nothing, and permits are none.
Value Programs::received(Value object, u32 token, bool is_closed) {
  if (is_closed) return kEof;
  if (token == 0 || kind_of(object) == SyncKind::kSemaphore) return kUnspecified;
  return kind_of(object) == SyncKind::kIvar ? tokens_.at(token) : tokens_.take(token);
}

Value Programs::sync(Value object, SyncAct act, u32 value) {
  const i32 answer = kernel_.sync(current_id(), {act, id_of(object), value});
  if (answer > 0) return park(answer, Resume::kAwait, object);
  if (answer != kDone) return refused(answer, object);
  const SyncResult& result = kernel_.sync_result();
  return received(object, result.value, result.is_closed);
}

// Keeps a value on its way: kUndefined, or kRaised where there is no room for it.
Value Programs::keep(Value value, u32& token) {
  constexpr u64 kBytes = 32;  // of a token here and in the kernel
  if (!machine_.heap().has_room(tokens_.live() * kBytes)) {
    return machine_.error("HeapLimit", "there is no room for another value on its way");
  }
  token = tokens_.keep(value);
  return kUndefined;
}

Value Programs::lock(Value mutex) { return sync(mutex, SyncAct::kLock); }
Value Programs::acquire(Value semaphore, u32 permits) { return sync(semaphore, SyncAct::kAcquire, permits); }
Value Programs::take(Value ivar) { return sync(ivar, SyncAct::kTake); }
Value Programs::receive(Value channel) { return sync(channel, SyncAct::kReceive); }
Value Programs::pass(Value barrier) { return sync(barrier, SyncAct::kPass); }

Value Programs::try_lock(Value mutex, Time timeout) {
  const i32 answer = kernel_.sync(current_id(), {SyncAct::kLock, id_of(mutex), 0}, timeout > 0, timeout);
  if (answer > 0) return park(answer, Resume::kAwait, machine_.heap().cons(mutex, kTrue));
  if (answer == kDone || answer == kWouldWait) return Value::boolean(answer == kDone);
  return refused(answer, mutex);
}

Value Programs::send(Value channel, Value value) {
  u32 token = 0;
  if (keep(value, token) == kRaised) return kRaised;
  const i32 answer = kernel_.sync(current_id(), {SyncAct::kSend, id_of(channel), token});
  if (answer > 0) return park(answer, Resume::kAwait, channel);
  if (answer == kDone) return kUnspecified;
  tokens_.take(token);
  return refused(answer, channel);
}

Value Programs::do_now(SyncDo what, Value object, u32 value) {
  const i32 answer = kernel_.sync_now(current_id(), what, id_of(object), value);
  return answer == kDone ? kUnspecified : refused(answer, object);
}

Value Programs::put(Value ivar, Value value) {
  u32 token = 0;
  if (keep(value, token) == kRaised) return kRaised;
  const Value done = do_now(SyncDo::kPut, ivar, token);
  if (done == kRaised) tokens_.take(token);
  return done;
}

Value Programs::select(Value list, Time timeout, bool has_default) {
  if (is_interrupted()) return interrupted();
  Heap& heap = machine_.heap();
  std::vector<SyncCase> cases;
  std::vector<Value> objects;
  const auto drop = [&](u32 except) {
    for (u32 i = 0; i < cases.size(); ++i) {
      if (cases[i].act == SyncAct::kSend && i != except) tokens_.take(cases[i].value);
    }
  };
  for (Value at = list; at.is_pair(); at = cdr(at)) {
    const Value* parts = as<Vector>(car(at))->items;
    const std::string act = text_of(parts[0]);
    const auto add = [&](SyncAct does, SyncKind kind, u32 value) {
      if (!is_a(parts[1], Type::kSync) || kind_of(parts[1]) != kind) return false;
      cases.push_back({does, id_of(parts[1]), value});
      objects.push_back(parts[1]);
      return true;
    };
    bool is_good = false;
    if (act == "recv") is_good = add(SyncAct::kReceive, SyncKind::kChannel, 0);
    if (act == "take") is_good = add(SyncAct::kTake, SyncKind::kIvar, 0);
    if (act == "lock") is_good = add(SyncAct::kLock, SyncKind::kMutex, 0);
    if (act == "acquire") is_good = add(SyncAct::kAcquire, SyncKind::kSemaphore, 1);
    if (act == "send") {
      u32 token = 0;
      if (keep(parts[2], token) == kRaised) {
        drop(UINT32_MAX);
        return kRaised;
      }
      is_good = add(SyncAct::kSend, SyncKind::kChannel, token);
      if (!is_good) tokens_.take(token);
    }
    if (!is_good) {
      drop(UINT32_MAX);
      return machine_.error("TypeError", "chan/select: cannot " + act + " " + shown(parts[1]), {parts[1]});
    }
  }
  const u32 count = static_cast<u32>(cases.size());
  machine_.charge(count * 4);
  const bool may_wait = !has_default && timeout != 0;
  if (count == 0 && !has_default) {
    if (timeout < 0) return machine_.error("RangeError", "chan/select: there is nothing to wait for");
    // Only time is waited for.
    if (timeout > 0) return park(kernel_.delay(current_id(), timeout), Resume::kAwait, heap.vector(0, kFalse));
  }
  const i32 answer = kernel_.select(current_id(), cases.data(), count, may_wait, timeout > 0 ? timeout : 0);
  if (answer > 0) {
    const Value all = heap.vector(count, kFalse);
    for (u32 i = 0; i < count; ++i) heap.write(as<Vector>(all)->items[i], objects[i]);
    return park(answer, Resume::kAwait, all);
  }
  const SyncResult result = kernel_.sync_result();
  drop(answer == kDone ? result.index : UINT32_MAX);
  if (answer == kDone) {
    const Value value = received(objects[result.index], result.value, result.is_closed);
    return heap.cons(Value::fixnum(result.index), value);
  }
  if (answer == kWouldWait) return heap.cons(heap.symbol(has_default ? "default" : "timeout"), kUnspecified);
  return refused(answer, count > 0 ? objects[result.index] : kFalse);
}

void Programs::resume_sync(Fiber& fiber, Value waited, OpCode code, u32 index) {
  Heap& heap = machine_.heap();
  const bool is_closed = code == OpCode::kClosed;
  if (is_a(waited, Type::kVector)) {
    // Only time was waited for, or longer than allowed.
    const bool is_late = code == OpCode::kTimeout || as<Vector>(waited)->length == 0;
    const Value which = is_late ? heap.symbol("timeout") : Value::fixnum(index);
    const Value value =
        is_late ? kUnspecified : received(as<Vector>(waited)->items[index], kernel_.delivered(), is_closed);
    give(fiber, heap.cons(which, value));
  } else if (waited.is_pair() && is_closed) {
    refused(kIsClosed, car(waited));
    machine_.resume_raising(fiber, machine_.raised());
  } else if (waited.is_pair()) {
    give(fiber, Value::boolean(code == OpCode::kOk));
  } else {
    give(fiber, received(waited, kernel_.delivered(), is_closed));
  }
}

// What whoever would wait for ever gets raised: who waits for what, and where.
Value Programs::deadlock(const Fiber& fiber, u32 number) {
  static constexpr const char* kWhat[] = {"",
                                          "to lock mutex ",
                                          "for permits of semaphore ",
                                          "for the value of ivar ",
                                          "to send to channel ",
                                          "to receive from channel ",
                                          "at barrier "};
  std::string text = "a deadlock";
  const Deadlock* found = kernel_.deadlock(number);
  const char* before = ": ";
  for (const DeadlockLink& link : found != nullptr ? found->links : std::vector<DeadlockLink>{}) {
    text += before;
    before = "; ";
    const auto name_of = [this](FiberId id, u32 seq) {
      std::string name = "fiber " + std::to_string(seq);
      const Fiber* known = id < entries_.size() ? entries_[id].fiber : nullptr;
      if (known == nullptr) return name;
      if (is_string(known->name)) name += " " + shown(known->name);
      const Value places = machine_.trace_of(*known);
      if (places.is_pair()) name += " at " + machine_.places_of(places).front();
      return name;
    };
    text += name_of(link.fiber, link.seq) + " waits ";
    if (link.object != 0) {
      const SyncReference* object = link.object < objects_.size() ? objects_[link.object] : nullptr;
      text += kWhat[static_cast<u32>(link.act)] + std::to_string(link.object_seq);
      if (object != nullptr && is_string(object->name)) text += " " + shown(object->name);
      text +=
          link.holder != 0 ? ", held by fiber " + std::to_string(link.holder_seq) : ", and nobody could let it go on";
    } else {
      text += "for fiber " + std::to_string(link.holder_seq);
    }
  }
  const Value condition = machine_.make_condition("Deadlock", text);
  const Value places = machine_.trace_of(fiber);
  if (places.is_pair() && car(places).to_fixnum() >= 0) {
    machine_.heap().write(as<Condition>(condition)->position, car(places));
    machine_.heap().write(as<Condition>(condition)->backtrace, cdr(places));
  }
  return condition;
}

}  // namespace heddle::lisp
