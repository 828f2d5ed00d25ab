// Mutexes, semaphores, ivars, channels and barriers, as the language has them: arguments are checked here,
// lisp/synchronization.cpp does the rest. Partners: prelude/synchronization.scm, prelude/singleflight.scm.
#include <algorithm>
#include <string>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/builtins/fiber_arguments.h"

namespace heddle::lisp {

namespace {

constexpr const char* kKinds[] = {"", "a mutex", "a semaphore", "an ivar", "a channel", "a barrier", "a mailbox"};

bool object_argument(Machine& machine, std::string_view name, const Value* arguments, SyncKind kind) {
  const Value value = arguments[0];
  if (is_a(value, Type::kSync) && value.to_object()->aux == static_cast<u16>(kind)) return true;
  machine.type_error(name, 1, kKinds[static_cast<u32>(kind)], value);
  return false;
}

// Who schedules the fiber that runs, and an object of that kind; nullptr: an error was raised.
Programs* programs_with(Machine& machine, std::string_view name, const Value* arguments, SyncKind kind) {
  Programs* programs = programs_of(machine);
  return programs != nullptr && object_argument(machine, name, arguments, kind) ? programs : nullptr;
}

// Makes an object; `limit_name` says what the first argument is, or nullptr. Then comes :name.
Value make(Machine& machine, std::string_view name, SyncKind kind, const Value* arguments, u32 count,
           const char* limit_name, u32 least) {
  Programs* programs = programs_of(machine);
  if (programs == nullptr) return kRaised;
  u32 at = 0;
  u64 limit = 0;
  if (limit_name != nullptr && (least > 0 || (count > 0 && arguments[0].is_fixnum()))) {
    if (!integer_argument(machine, name, arguments, 0, limit_name, kMaxPermits, limit)) return kRaised;
    if (limit < least) return machine.range_error(name, 1, limit_name, arguments[0]);
    at = 1;
  }
  Value named = kFalse;
  if (at < count) {
    if (!is_symbol(arguments[at]) || text_of(arguments[at]) != ":name") {
      return machine.type_error(name, at + 1, ":name and a string", arguments[at]);
    }
    if (at + 2 != count) return machine.error("ArityError", std::string(name) + ": :name takes one value");
    named = arguments[at + 1];
    if (is_symbol(named)) named = machine.heap().string(text_of(named));
    if (!is_string(named)) return machine.type_error(name, at + 2, "a string", named);
  }
  machine.charge(4);
  return programs->make_object(kind, static_cast<u32>(limit), named);
}

Value mutex_new(Machine& machine, const Value* arguments, u32 count) {
  return make(machine, "mutex/new", SyncKind::kMutex, arguments, count, nullptr, 0);
}
Value semaphore_new(Machine& machine, const Value* arguments, u32 count) {
  return make(machine, "semaphore/new", SyncKind::kSemaphore, arguments, count, "a number of permits", 1);
}
Value ivar_new(Machine& machine, const Value* arguments, u32 count) {
  return make(machine, "ivar/new", SyncKind::kIvar, arguments, count, nullptr, 0);
}
Value chan_new(Machine& machine, const Value* arguments, u32 count) {
  if (count > 0 && !arguments[0].is_fixnum() && !is_symbol(arguments[0])) {
    return machine.type_error("chan/new", 1, "a capacity", arguments[0]);
  }
  return make(machine, "chan/new", SyncKind::kChannel, arguments, count, "a capacity", 0);
}
Value barrier_new(Machine& machine, const Value* arguments, u32 count) {
  return make(machine, "barrier/new", SyncKind::kBarrier, arguments, count, "a number of parties", 1);
}

Value mutex_lock(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_with(machine, "mutex/lock", arguments, SyncKind::kMutex);
  return programs == nullptr ? kRaised : programs->lock(arguments[0]);
}
Value mutex_unlock(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_with(machine, "mutex/unlock", arguments, SyncKind::kMutex);
  return programs == nullptr ? kRaised : programs->do_now(SyncDo::kUnlock, arguments[0]);
}
Value mutex_try_lock(Machine& machine, const Value* arguments, u32 count) {
  Programs* programs = programs_with(machine, "mutex/try-lock", arguments, SyncKind::kMutex);
  Time timeout = 0;
  if (programs == nullptr) return kRaised;
  if (count > 1 && !duration_argument(machine, "mutex/try-lock", arguments, 1, timeout)) return kRaised;
  return programs->try_lock(arguments[0], timeout);
}
Value mutex_locked(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_with(machine, "mutex/locked?", arguments, SyncKind::kMutex);
  if (programs == nullptr) return kRaised;
  return Value::boolean(programs->kernel().holder(as<SyncReference>(arguments[0])->id) != 0);
}

// How many permits an optional argument says.
bool permits_argument(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32& permits) {
  u64 number = 1;
  if (count > 1 && !integer_argument(machine, name, arguments, 1, "a number of permits", kMaxPermits, number)) {
    return false;
  }
  if (number == 0) {
    machine.range_error(name, 2, "a number of permits", arguments[1]);
    return false;
  }
  permits = static_cast<u32>(number);
  return true;
}
Value semaphore_acquire(Machine& machine, const Value* arguments, u32 count) {
  Programs* programs = programs_with(machine, "semaphore/acquire", arguments, SyncKind::kSemaphore);
  u32 permits = 0;
  if (programs == nullptr || !permits_argument(machine, "semaphore/acquire", arguments, count, permits)) return kRaised;
  return programs->acquire(arguments[0], permits);
}
Value semaphore_release(Machine& machine, const Value* arguments, u32 count) {
  Programs* programs = programs_with(machine, "semaphore/release", arguments, SyncKind::kSemaphore);
  u32 permits = 0;
  if (programs == nullptr || !permits_argument(machine, "semaphore/release", arguments, count, permits)) return kRaised;
  return programs->do_now(SyncDo::kGive, arguments[0], permits);
}
Value semaphore_available(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_with(machine, "semaphore/available", arguments, SyncKind::kSemaphore);
  if (programs == nullptr) return kRaised;
  return Value::fixnum(programs->kernel().object_count(as<SyncReference>(arguments[0])->id));
}

Value ivar_put(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_with(machine, "ivar/put!", arguments, SyncKind::kIvar);
  return programs == nullptr ? kRaised : programs->put(arguments[0], arguments[1]);
}
Value ivar_take(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_with(machine, "ivar/take", arguments, SyncKind::kIvar);
  return programs == nullptr ? kRaised : programs->take(arguments[0]);
}
Value ivar_full(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_with(machine, "ivar/full?", arguments, SyncKind::kIvar);
  if (programs == nullptr) return kRaised;
  return Value::boolean(programs->kernel().object_count(as<SyncReference>(arguments[0])->id) != 0);
}

Value chan_send(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_with(machine, "chan/send", arguments, SyncKind::kChannel);
  return programs == nullptr ? kRaised : programs->send(arguments[0], arguments[1]);
}
Value chan_recv(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_with(machine, "chan/recv", arguments, SyncKind::kChannel);
  return programs == nullptr ? kRaised : programs->receive(arguments[0]);
}
Value chan_close(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_with(machine, "chan/close", arguments, SyncKind::kChannel);
  return programs == nullptr ? kRaised : programs->do_now(SyncDo::kClose, arguments[0]);
}

Value barrier_wait(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_with(machine, "barrier/wait", arguments, SyncKind::kBarrier);
  return programs == nullptr ? kRaised : programs->pass(arguments[0]);
}

// (%select cases milliseconds-or-#f has-default)
Value select(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  Time timeout = -1;
  if (programs == nullptr) return kRaised;
  if (arguments[1] != kFalse && !duration_argument(machine, "chan/select", arguments, 1, timeout)) return kRaised;
  return programs->select(arguments[0], timeout, arguments[2] != kFalse);
}

// (%fly flights key thunk)
Value fly(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  return programs == nullptr ? kRaised : programs->fly(arguments[0], arguments[1], arguments[2]);
}
// (%land flights value)
Value land(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  return programs == nullptr ? kRaised : programs->land(arguments[0], arguments[1]);
}
// (%microseconds name milliseconds)
Value microseconds(Machine& machine, const Value* arguments, u32) {
  Time time = 0;
  if (!duration_argument(machine, text_of(arguments[0]), arguments + 1, 0, time)) return kRaised;
  return Value::fixnum(time);
}

// (%mailbox-new limit overflow name-or-#f ask-type)
Value mailbox_new(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  u64 limit = 0;
  if (programs == nullptr) return kRaised;
  if (!integer_argument(machine, "actor/spawn :mailbox", arguments, 0, "a number of messages", kMaxPermits, limit)) {
    return kRaised;
  }
  Value name = arguments[2];
  if (is_symbol(name)) name = machine.heap().string(text_of(name));
  if (name != kFalse && !is_string(name)) return machine.type_error("actor/spawn :name", 1, "a string", name);
  const auto overflow = static_cast<SyncOverflow>(arguments[1].to_fixnum());
  return programs->make_mailbox(static_cast<u32>(limit), overflow, name, arguments[3]);
}
// (%mailbox-send mailbox value milliseconds-or-#f fiber)
Value mailbox_send(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  Time timeout = 0;
  if (programs == nullptr) return kRaised;
  if (arguments[2] != kFalse) {
    if (!duration_argument(machine, "actor/ask", arguments, 2, timeout)) return kRaised;
    timeout = std::max(timeout, Time{1});
  }
  return programs->mailbox_send(arguments[0], arguments[1], timeout, arguments[3]);
}
Value mailbox_receive(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_with(machine, "actor", arguments, SyncKind::kMailbox);
  return programs == nullptr ? kRaised : programs->receive(arguments[0]);
}
Value mailbox_close(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  return programs == nullptr ? kRaised : programs->mailbox_close(arguments[0]);
}
Value mailbox_release(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  return programs == nullptr ? kRaised : programs->mailbox_release(arguments[0]);
}
// (%condition code message)
Value condition(Machine& machine, const Value* arguments, u32) {
  return machine.make_condition(text_of(arguments[0]), text_of(arguments[1]));
}
// (%spawn-watcher thunk): a fiber below nobody.
Value spawn_watcher(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  if (programs == nullptr) return kRaised;
  SubmitRequest request;
  request.kind = FiberKind::kFiber;
  request.detached = true;
  return programs->spawn(request, arguments[0], kFalse);
}

template <SyncKind kKind>
Value is_of_kind(Machine&, const Value* arguments, u32) {
  return Value::boolean(is_a(arguments[0], Type::kSync) && arguments[0].to_object()->aux == static_cast<u16>(kKind));
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"%condition", condition, 2, 2},
    {"%fly", fly, 3, 3},
    {"%land", land, 2, 2},
    {"%mailbox-close", mailbox_close, 1, 1},
    {"%mailbox-new", mailbox_new, 4, 4},
    {"%mailbox-receive", mailbox_receive, 1, 1},
    {"%mailbox-release", mailbox_release, 1, 1},
    {"%mailbox-send", mailbox_send, 4, 4},
    {"%microseconds", microseconds, 2, 2},
    {"%select", select, 3, 3},
    {"%spawn-watcher", spawn_watcher, 1, 1},
    {"barrier/new", barrier_new, 1, 3},
    {"barrier/wait", barrier_wait, 1, 1},
    {"barrier?", is_of_kind<SyncKind::kBarrier>, 1, 1},
    {"chan/close", chan_close, 1, 1},
    {"chan/new", chan_new, 0, 3},
    {"chan/recv", chan_recv, 1, 1},
    {"chan/send", chan_send, 2, 2},
    {"chan?", is_of_kind<SyncKind::kChannel>, 1, 1},
    {"ivar/full?", ivar_full, 1, 1},
    {"ivar/new", ivar_new, 0, 2},
    {"ivar/put!", ivar_put, 2, 2},
    {"ivar/take", ivar_take, 1, 1},
    {"ivar?", is_of_kind<SyncKind::kIvar>, 1, 1},
    {"make-mutex", mutex_new, 0, 2},
    {"mutex/lock", mutex_lock, 1, 1},
    {"mutex/locked?", mutex_locked, 1, 1},
    {"mutex/new", mutex_new, 0, 2},
    {"mutex/try-lock", mutex_try_lock, 1, 2},
    {"mutex/unlock", mutex_unlock, 1, 1},
    {"mutex?", is_of_kind<SyncKind::kMutex>, 1, 1},
    {"semaphore/acquire", semaphore_acquire, 1, 2},
    {"semaphore/available", semaphore_available, 1, 1},
    {"semaphore/new", semaphore_new, 1, 3},
    {"semaphore/release", semaphore_release, 1, 2},
    {"semaphore?", is_of_kind<SyncKind::kSemaphore>, 1, 1},
};

}  // namespace

void define_synchronization(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
