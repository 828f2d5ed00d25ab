// Fibers, tasks, time and models, as the language has them: arguments are checked here, fibers.cpp does the rest.
// Partner: prelude/concurrency.scm.
#include <cmath>
#include <string>

#include "lisp/builtins/arguments.h"
#include "lisp/builtins/builtins.h"
#include "lisp/builtins/fiber_arguments.h"
#include "lisp/fibers.h"
#include "lisp/numbers/numbers.h"

namespace heddle::lisp {

Programs* programs_of(Machine& machine) {
  if (machine.embedder != nullptr && machine.is_running() && machine.current().id != 0) return &Programs::of(machine);
  machine.error("HostError", "there is no scheduler here: operations work in the fibers of a program");
  return nullptr;
}

bool duration_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index, Time& out) {
  const Value value = arguments[index];
  if (!is_number(value)) {
    machine.type_error(name, index + 1, "a number of milliseconds", value);
    return false;
  }
  const double us = to_double(value) * 1000.0;
  if (!(us >= 0)) {
    machine.range_error(name, index + 1, "a number of milliseconds that is not negative", value);
    return false;
  }
  out = us >= static_cast<double>(kMaxSpan) ? kMaxSpan : static_cast<Time>(std::llround(us));
  return true;
}

namespace {

// Procedures that every host has (js/src/lisp/procedures.ts).
constexpr u32 kHostInfer = 1;
constexpr u32 kHostStreamOpen = 2;
constexpr u32 kHostStreamRead = 3;
constexpr u32 kHostStreamClose = 4;

bool is_procedure(Value value) {
  return value.is_closure() || is_a(value, Type::kBuiltin) || is_a(value, Type::kHostProcedure) ||
         is_a(value, Type::kContinuation) || is_a(value, Type::kParameter);
}

bool procedure_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index) {
  if (is_procedure(arguments[index])) return true;
  machine.type_error(name, index + 1, "a procedure", arguments[index]);
  return false;
}

bool fiber_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index) {
  return type_argument(machine, name, arguments, index, Type::kFiber, "a task or a fiber");
}

bool fibers_argument(Machine& machine, std::string_view name, const Value* arguments, u32 index) {
  u64 length = 0;
  if (!list_argument(machine, name, arguments, index, length)) return false;
  for (Value at = arguments[index]; at.is_pair(); at = cdr(at)) {
    if (is_a(car(at), Type::kFiber)) continue;
    machine.type_error(name, index + 1, "a list of tasks or fibers", car(at));
    return false;
  }
  machine.charge(length / 2);
  return true;
}

// What keywords say about a fiber, from argument `from` on.
bool options_of(Machine& machine, std::string_view name, const Value* arguments, u32 count, u32 from,
                SubmitRequest& request, Value& fiber_name) {
  for (u32 i = from; i < count; i += 2) {
    const std::string key = is_symbol(arguments[i]) ? text_of(arguments[i]) : std::string();
    const bool is_task = request.kind == FiberKind::kTask;
    if (key != ":name" && !(is_task && (key == ":priority" || key == ":timeout"))) {
      machine.type_error(name, i + 1, is_task ? ":name, :priority or :timeout" : ":name", arguments[i]);
      return false;
    }
    if (i + 1 == count) {
      machine.error("ArityError", std::string(name) + ": the keyword " + key + " has no value", {arguments[i]});
      return false;
    }
    const Value value = arguments[i + 1];
    if (key == ":name") {
      if (!is_string(value) && !is_symbol(value)) {
        machine.type_error(name, i + 2, "a string", value);
        return false;
      }
      fiber_name = is_string(value) ? value : machine.heap().string(text_of(value));
    } else if (key == ":priority") {
      if (!value.is_fixnum() || value.to_fixnum() > kMaxPriority || value.to_fixnum() < -kMaxPriority) {
        machine.range_error(name, i + 2, "an integer from -1000000 to 1000000", value);
        return false;
      }
      request.has_priority = true;
      request.priority = static_cast<i32>(value.to_fixnum());
    } else if (value == kFalse) {
      request.timeout = 0;
    } else {
      Time time = 0;
      if (!duration_argument(machine, name, arguments, i + 1, time)) return false;
      request.timeout = time > 0 ? time : 1;
    }
  }
  return true;
}

Value spawn_as(Machine& machine, FiberKind kind, std::string_view name, const Value* arguments, u32 count) {
  Programs* programs = programs_of(machine);
  if (programs == nullptr || !procedure_argument(machine, name, arguments, 0)) return kRaised;
  SubmitRequest request;
  request.kind = kind;
  request.leaves_children = true;
  Value fiber_name = kFalse;
  if (!options_of(machine, name, arguments, count, 1, request, fiber_name)) return kRaised;
  machine.charge(4);
  return programs->spawn(request, arguments[0], fiber_name);
}

Value async(Machine& machine, const Value* arguments, u32 count) {
  return spawn_as(machine, FiberKind::kTask, "async", arguments, count);
}
Value fiber_spawn(Machine& machine, const Value* arguments, u32 count) {
  return spawn_as(machine, FiberKind::kFiber, "fiber/spawn", arguments, count);
}

// (%spawn-timed thunk milliseconds)
Value spawn_timed(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  Time time = 0;
  if (programs == nullptr || !duration_argument(machine, "with-timeout", arguments, 1, time)) return kRaised;
  SubmitRequest request;
  request.kind = FiberKind::kFiber;
  request.leaves_children = true;
  request.timeout = time > 0 ? time : 1;
  return programs->spawn(request, arguments[0], kFalse);
}

Value await(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  if (programs == nullptr || !fiber_argument(machine, "await", arguments, 0)) return kRaised;
  return programs->await(arguments[0]);
}

Value settled(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  return programs == nullptr ? kRaised : programs->settled(arguments[0]);
}

// (%over fiber)
Value over(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  return programs == nullptr ? kRaised : programs->over(arguments[0]);
}

// (%take fiber): its result, or what it failed with; where that was an attempt to enter a continuation of the fiber
// that asks, enters it.
Value take(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  if (programs == nullptr) return kRaised;
  const auto& fiber = *as<Fiber>(arguments[0]);
  if (programs->standing(fiber) == Standing::kFailed && is_a(fiber.result, Type::kCondition)) {
    const Value payload = as<Condition>(fiber.result)->payload;
    if (payload.is_pair() && is_a(car(payload), Type::kContinuation) &&
        as<Continuation>(car(payload))->fiber == Value::object(&machine.current())) {
      return machine.enter(car(payload), cdr(payload));
    }
  }
  return programs->await(arguments[0]);
}

Value await_all(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  if (programs == nullptr || !fibers_argument(machine, "await-all", arguments, 0)) return kRaised;
  return programs->await_all(arguments[0]);
}

Value await_any_of(Machine& machine, std::string_view name, const Value* arguments, bool cancel_losers) {
  Programs* programs = programs_of(machine);
  if (programs == nullptr || !fibers_argument(machine, name, arguments, 0)) return kRaised;
  if (arguments[0].is_nil()) return machine.range_error(name, 1, "a list that is not empty", arguments[0]);
  return programs->await_any(arguments[0], cancel_losers);
}
Value await_any(Machine& machine, const Value* arguments, u32) {
  return await_any_of(machine, "await-any", arguments, false);
}
Value fiber_select(Machine& machine, const Value* arguments, u32) {
  return await_any_of(machine, "fiber.select", arguments, true);
}

Value cancel(Machine& machine, const Value* arguments, u32 count) {
  Programs* programs = programs_of(machine);
  if (programs == nullptr || !fiber_argument(machine, "cancel", arguments, 0)) return kRaised;
  const auto& fiber = *as<Fiber>(arguments[0]);
  if (programs->standing(fiber) != Standing::kLive) return kFalse;
  return Value::boolean(programs->cancel(fiber, count > 1 ? arguments[1] : kUndefined));
}

Value check_cancellation(Machine& machine, const Value*, u32) {
  if (machine.embedder == nullptr || !Programs::of(machine).is_interrupted()) return kUnspecified;
  return Programs::of(machine).interrupted();
}

Value delay_ms(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  Time time = 0;
  if (programs == nullptr || !duration_argument(machine, "delay-ms", arguments, 0, time)) return kRaised;
  return programs->delay(time);
}

Value yield(Machine& machine, const Value*, u32) {
  Programs* programs = programs_of(machine);
  return programs == nullptr ? kRaised : programs->yield();
}

Value scope(Machine& machine, const Value* arguments, u32) {
  Programs* programs = programs_of(machine);
  return programs == nullptr ? kRaised : programs->scope(arguments[0]);
}

Value fiber_self(Machine& machine, const Value*, u32) { return Value::object(&machine.current()); }

Value fiber_id(Machine& machine, const Value* arguments, u32 count) {
  if (count == 0) return Value::fixnum(static_cast<i64>(machine.current().seq));
  if (!fiber_argument(machine, "fiber/id", arguments, 0)) return kRaised;
  return Value::fixnum(static_cast<i64>(as<Fiber>(arguments[0])->seq));
}

Value is_fiber(Machine&, const Value* arguments, u32) { return Value::boolean(is_a(arguments[0], Type::kFiber)); }
Value is_task(Machine&, const Value* arguments, u32) {
  return Value::boolean(is_a(arguments[0], Type::kFiber) && (arguments[0].to_object()->aux & kFiberIsTask) != 0);
}

// (%next! pair): its number, which is one more afterwards; nobody comes in between.
Value next(Machine& machine, const Value* arguments, u32) {
  const Value number = car(arguments[0]);
  machine.heap().write(arguments[0].to_pair()->car, Value::fixnum(number.to_fixnum() + 1));
  return number;
}

// (%raise-error code message irritant)
Value raise_error(Machine& machine, const Value* arguments, u32) {
  return machine.error(text_of(arguments[0]), text_of(arguments[1]) + ", got " + shown(arguments[2]), {arguments[2]});
}

Value host(Machine& machine, u32 procedure, const Value* arguments, u32 count) {
  Programs* programs = programs_of(machine);
  if (programs == nullptr) return kRaised;
  Value list = kNil;
  for (u32 i = count; i > 0; --i) list = machine.heap().cons(arguments[i - 1], list);
  return programs->host(procedure, list);
}
Value infer(Machine& machine, const Value* arguments, u32 count) { return host(machine, kHostInfer, arguments, count); }
// A stream is a number of the host's, for the task that opened it.
Value stream_open(Machine& machine, const Value* arguments, u32 count) {
  return host(machine, kHostStreamOpen, arguments, count);
}
Value stream_read(Machine& machine, const Value* arguments, u32 count) {
  return host(machine, kHostStreamRead, arguments, count);
}
Value stream_close(Machine& machine, const Value* arguments, u32 count) {
  return host(machine, kHostStreamClose, arguments, count);
}

// --- Time and chance, as the runtime has them

Time now(Machine& machine) { return machine.embedder == nullptr ? 0 : Programs::of(machine).kernel().now(); }
Value current_jiffy(Machine& machine, const Value*, u32) { return Value::fixnum(now(machine)); }
Value jiffies_per_second(Machine&, const Value*, u32) { return Value::fixnum(1000 * kMillisecond); }
Value current_second(Machine& machine, const Value*, u32) {
  return machine.heap().flonum(static_cast<double>(now(machine)) / 1e6);
}

// (random): a flonum from 0 to below 1; (random n): an integer from 0 to below n; (random x): a flonum below x.
Value random(Machine& machine, const Value* arguments, u32 count) {
  Programs* programs = programs_of(machine);
  if (programs == nullptr) return kRaised;
  constexpr i64 kMost = i64{1} << 53;
  if (count == 0) return machine.heap().flonum(programs->kernel().random());
  const Value limit = arguments[0];
  if (limit.is_fixnum() && limit.to_fixnum() > 0 && limit.to_fixnum() <= kMost) {
    return Value::fixnum(
        static_cast<i64>(std::floor(programs->kernel().random() * static_cast<double>(limit.to_fixnum()))));
  }
  if (is_flonum(limit) && to_flonum(limit) > 0 && std::isfinite(to_flonum(limit))) {
    return machine.heap().flonum(programs->kernel().random() * to_flonum(limit));
  }
  if (!is_number(limit)) return machine.type_error("random", 1, "a number", limit);
  return machine.range_error("random", 1, "an integer from 1 to 2^53, or a flonum above 0", limit);
}

constexpr BuiltinDefinition kBuiltins[] = {
    {"%next!", next, 1, 1},
    {"%over", over, 1, 1},
    {"%raise-error", raise_error, 3, 3},
    {"%scope", scope, 1, 1},
    {"%settled", settled, 1, 1},
    {"%spawn-timed", spawn_timed, 2, 2},
    {"%stream-close", stream_close, 1, 1},
    {"%stream-open", stream_open, 1, kAnyCount},
    {"%stream-read", stream_read, 1, 1},
    {"%take", take, 1, 1},
    {"async", async, 1, kAnyCount},
    {"await", await, 1, 1},
    {"await-all", await_all, 1, 1},
    {"await-any", await_any, 1, 1},
    {"cancel", cancel, 1, 2},
    {"check-cancellation", check_cancellation, 0, 0},
    {"current-jiffy", current_jiffy, 0, 0},
    {"current-second", current_second, 0, 0},
    {"delay-ms", delay_ms, 1, 1},
    {"fiber.select", fiber_select, 1, 1},
    {"fiber/id", fiber_id, 0, 1},
    {"fiber/join", await, 1, 1},
    {"fiber/self", fiber_self, 0, 0},
    {"fiber/spawn", fiber_spawn, 1, kAnyCount},
    {"fiber/yield", yield, 0, 0},
    {"fiber?", is_fiber, 1, 1},
    {"jiffies-per-second", jiffies_per_second, 0, 0},
    {"llm.infer", infer, 1, kAnyCount},
    {"random", random, 0, 1},
    {"task?", is_task, 1, 1},
    {"yield", yield, 0, 0},
};

}  // namespace

void define_concurrency(Machine& machine) { machine.define(kBuiltins); }

}  // namespace heddle::lisp
