// Fibers of programs: their operations, and their turns. Partner: programs.cpp, the host's side.
#include "lisp/fibers.h"

#include <algorithm>

#include "lisp/builtins/arguments.h"
#include "lisp/hash_table.h"
#include "lisp/text/strings.h"

namespace heddle::lisp {

namespace {

constexpr u16 kSettledFlags = kFiberCompleted | kFiberFailed | kFiberCancelled | kFiberTimedOut;

bool is_timeout(Cause cause) {
  return cause == Cause::kTimeout || cause == Cause::kQueueTimeout || cause == Cause::kDeadline;
}

// As programs see it.
Value name_of(Heap& heap, Standing standing) {
  static constexpr const char* kNames[] = {"live", "completed", "failed", "cancelled", "timeout"};
  return heap.symbol(kNames[static_cast<u32>(standing)]);
}

}  // namespace

// --- Operations

bool Programs::is_interrupted() const {
  auto& machine = const_cast<Machine&>(machine_);
  return machine.is_running() && kernel_.is_cancelled(machine.current().id);
}

Value Programs::interruption(FiberId id) {
  if (is_timeout(kernel_.cause(id))) return machine_.make_condition("Timeout", "the time is over");
  return cancellation(kernel_.cause_seq(id));
}

// `seq`: of the fiber whose cancellation it was.
Value Programs::cancellation(u32 seq) {
  const auto found = reasons_.find(seq);
  if (found == reasons_.end()) return machine_.make_condition("Cancelled", "cancelled");
  return machine_.make_condition("Cancelled", "cancelled: " + found->second.text);
}

bool Programs::cancel(const Fiber& fiber, Value reason) {
  if (reason == kUndefined) return kernel_.cancel(fiber.id);
  const auto seq = static_cast<u32>(fiber.seq);
  std::string text = is_string(reason) ? utf8_of(as<String>(reason)) : shown(reason);
  machine_.charge(text.size() / 16);
  // Some may end before the kernel returns. The first cancellation counts.
  const bool is_first = reasons_.try_emplace(seq, Reason{std::move(text)}).second;
  if (kernel_.cancel(fiber.id, heddle::Lisp::kReasonOfProgram)) return true;
  if (is_first) reasons_.erase(seq);
  return false;
}

Value Programs::interrupted() {
  machine_.current().aux |= kFiberKnows;
  return machine_.raise(interruption(current_id()));
}

Value Programs::park(i32 answer, Resume resume, Value waits_for) {
  Fiber& fiber = machine_.current();
  if (answer > 0) {
    fiber.aux = static_cast<u16>((fiber.aux & ~kResumeMask) | static_cast<u32>(resume) << kResumeShift);
    if (waits_for != kUndefined) machine_.heap().write(fiber.result, waits_for);
    return kParked;
  }
  if (answer == kInterrupted || is_interrupted()) return interrupted();
  if (answer == kDone) return kUnspecified;
  return machine_.error("Deadlock", "a fiber cannot wait for itself");
}

Value Programs::spawn(SubmitRequest request, Value thunk, Value name) {
  if (is_interrupted()) return interrupted();
  Fiber& parent = machine_.current();
  request.body = BodyKind::kShared;
  request.parent = parent.id;
  const FiberId id = kernel_.submit(request);
  if (id == 0) return interrupted();
  Fiber* fiber = machine_.make_fiber(thunk, &parent);
  fiber->name = name;
  if (request.kind == FiberKind::kTask) fiber->aux |= kFiberIsTask;
  if (request.kind == FiberKind::kScope) fiber->aux |= kFiberIsScope;
  bind(id, fiber, entries_[parent.id].program);
  return Value::object(fiber);
}

Standing Programs::standing(const Fiber& fiber) const {
  if ((fiber.aux & kFiberCompleted) != 0) return Standing::kCompleted;
  if ((fiber.aux & kFiberFailed) != 0) return Standing::kFailed;
  if ((fiber.aux & kFiberCancelled) != 0) return Standing::kCancelled;
  if ((fiber.aux & kFiberTimedOut) != 0) return Standing::kTimedOut;
  // Settled, and not over yet: only a cancelled one is for long.
  switch (kernel_.state(fiber.id)) {
    case FiberState::kCancelled: return Standing::kCancelled;
    case FiberState::kError: return is_timeout(kernel_.cause(fiber.id)) ? Standing::kTimedOut : Standing::kFailed;
    case FiberState::kCompleted: return Standing::kCompleted;
    default: return Standing::kLive;
  }
}

Value Programs::reason_of(const Fiber& fiber) {
  const bool has_own = fiber.result != kUndefined && (fiber.aux & kResumeMask) == 0;
  switch (standing(fiber)) {
    case Standing::kCancelled:
      if (has_own && is_a(fiber.result, Type::kCondition)) return fiber.result;
      if (const u32 seq = kernel_.cause_seq(fiber.id); reasons_.contains(seq)) return cancellation(seq);
      return machine_.make_condition("Cancelled", "the fiber that it waits for was cancelled");
    case Standing::kTimedOut:
      return machine_.make_condition("Timeout", "the time of the fiber that it waits for was over");
    default: break;
  }
  if (has_own) return fiber.result;
  return machine_.make_condition("Cancelled", "the fiber that it waits for has no result");
}

// A failure that a program asks for is its own business.
void Programs::note_awaited(const Fiber& fiber) {
  if ((fiber.aux & kFiberIsTask) != 0) kernel_.awaited(static_cast<u32>(fiber.seq));
}

Value Programs::await(Value target) {
  if (is_interrupted()) return interrupted();
  const auto& fiber = *as<Fiber>(target);
  note_awaited(fiber);
  switch (standing(fiber)) {
    case Standing::kCompleted: return fiber.result;
    case Standing::kLive: break;
    default: return machine_.raise(reason_of(fiber));
  }
  const FiberId id = fiber.id;
  return park(kernel_.wait(current_id(), WaitMode::kAll, &id, 1), Resume::kAwait, target);
}

Value Programs::settled(Value target) {
  if (is_interrupted()) return interrupted();
  const auto& fiber = *as<Fiber>(target);
  note_awaited(fiber);
  const Standing now = standing(fiber);
  if (now != Standing::kLive) return name_of(machine_.heap(), now);
  const FiberId id = fiber.id;
  return park(kernel_.wait(current_id(), WaitMode::kAllSettled, &id, 1), Resume::kSettled, target);
}

Value Programs::over(Value target) {
  if (is_interrupted()) return interrupted();
  const auto& fiber = *as<Fiber>(target);
  note_awaited(fiber);
  const FiberId id = fiber.id;
  if (id == 0) return name_of(machine_.heap(), standing(fiber));
  return park(kernel_.wait(current_id(), WaitMode::kEnded, &id, 1), Resume::kSettled, target);
}

Value Programs::results_of(Value list) {
  ListBuilder results(machine_.heap());
  for (Value at = list; at.is_pair(); at = cdr(at)) results.add(as<Fiber>(car(at))->result);
  return results.list();
}

Value Programs::all_failed(Value list) {
  ListBuilder causes(machine_.heap());
  for (Value at = list; at.is_pair(); at = cdr(at)) causes.add(reason_of(*as<Fiber>(car(at))));
  const Value all = causes.list();
  const Value condition = machine_.make_condition("AggregateError", "every one of the fibers failed", all);
  machine_.heap().write(as<Condition>(condition)->payload, all);
  return condition;
}

Value Programs::await_all(Value list) {
  if (is_interrupted()) return interrupted();
  Heap& heap = machine_.heap();
  ListBuilder live(heap);
  targets_.clear();
  for (Value at = list; at.is_pair(); at = cdr(at)) {
    const auto& fiber = *as<Fiber>(car(at));
    note_awaited(fiber);
    const Standing now = standing(fiber);
    if (now == Standing::kLive) {
      targets_.push_back(fiber.id);
      live.add(car(at));
    } else if (now != Standing::kCompleted) {
      return machine_.raise(reason_of(fiber));
    }
  }
  if (targets_.empty()) return results_of(list);
  machine_.charge(targets_.size() * 4);
  const i32 answer = kernel_.wait(current_id(), WaitMode::kAll, targets_.data(), static_cast<u32>(targets_.size()));
  return park(answer, Resume::kAll, heap.cons(list, live.list()));
}

Value Programs::await_any(Value list, bool cancel_losers) {
  if (is_interrupted()) return interrupted();
  Heap& heap = machine_.heap();
  ListBuilder live(heap);
  targets_.clear();
  const Fiber* winner = nullptr;
  for (Value at = list; at.is_pair(); at = cdr(at)) {
    const auto& fiber = *as<Fiber>(car(at));
    note_awaited(fiber);
    const Standing now = standing(fiber);
    if (now == Standing::kLive) {
      targets_.push_back(fiber.id);
      live.add(car(at));
    } else if (now == Standing::kCompleted && winner == nullptr) {
      winner = &fiber;
    }
  }
  machine_.charge(targets_.size() * 4);
  if (winner != nullptr) {
    for (const FiberId loser : targets_) {
      if (cancel_losers) kernel_.cancel(loser);
    }
    return winner->result;
  }
  if (targets_.empty()) return machine_.raise(all_failed(list));
  const i32 answer =
      kernel_.wait(current_id(), WaitMode::kAny, targets_.data(), static_cast<u32>(targets_.size()), cancel_losers);
  return park(answer, Resume::kAny, heap.cons(list, live.list()));
}

Value Programs::scope(Value thunk) {
  SubmitRequest request;
  request.kind = FiberKind::kScope;
  const Value scope = spawn(request, thunk, kFalse);
  if (scope == kRaised) return kRaised;
  const FiberId id = as<Fiber>(scope)->id;
  return park(kernel_.wait(current_id(), WaitMode::kEnded, &id, 1), Resume::kScope, scope);
}

Value Programs::delay(Time duration) { return park(kernel_.delay(current_id(), duration), Resume::kPlain); }

// The most frequent one: its own code, whatever calls it.
[[gnu::noinline]] Value Programs::yield() {
  const i32 answer = kernel_.yield(current_id());
  if (answer <= 0) [[unlikely]]
    return park(answer, Resume::kPlain);
  Fiber& fiber = machine_.current();
  fiber.aux = static_cast<u16>((fiber.aux & ~kResumeMask) | static_cast<u32>(Resume::kPlain) << kResumeShift);
  return kParked;
}

Value Programs::host(u32 procedure, Value arguments) {
  if (is_interrupted()) return interrupted();
  // Keywords become one table, the last of the arguments.
  Heap& heap = machine_.heap();
  ListBuilder positional(heap);
  Value options = kUndefined;
  for (Value at = arguments; at.is_pair(); at = cdr(at)) {
    const Value argument = car(at);
    const std::string key = is_symbol(argument) ? text_of(argument) : std::string();
    if (options == kUndefined && (key.size() < 2 || key[0] != ':')) {
      positional.add(argument);
      continue;
    }
    if (key.size() < 2 || key[0] != ':')
      return machine_.error("TypeError", "a keyword was expected, got " + shown(argument), {argument});
    at = cdr(at);
    if (!at.is_pair()) return machine_.error("ArityError", "the keyword " + key + " has no value", {argument});
    if (options == kUndefined) options = make_hash_table(heap);
    hash_table_put(heap, options, heap.string(std::string_view(key).substr(1)), car(at));
  }
  if (options != kUndefined) positional.add(options);
  HostCall call;
  call.procedure = procedure;
  WireWriter writer(machine_);
  if (!writer.value(call.arguments, positional.list(), "arguments")) {
    return machine_.error("ConversionError", writer.path() + ": " + writer.problem(), {heap.string(writer.path())});
  }
  machine_.charge(call.arguments.size() / 16);
  const FiberId id = current_id();
  const i32 answer = kernel_.host_op(id, procedure);
  if (answer > 0) {
    call.op = static_cast<OpId>(answer);
    host_calls_[id] = std::move(call);
  }
  return park(answer, Resume::kHost);
}

// --- Turns

void Programs::give_result_of(Fiber& fiber, const Fiber& target) {
  if (standing(target) == Standing::kCompleted) {
    give(fiber, target.result);
  } else {
    machine_.resume_raising(fiber, reason_of(target));
  }
}

// The operation that the fiber waited for is over.
void Programs::resume(Fiber& fiber, Resume kind, OpCode code, u32 aux) {
  Heap& heap = machine_.heap();
  const Value waited = fiber.result;
  const FiberId id = fiber.id;
  fiber.aux = static_cast<u16>(fiber.aux & ~kResumeMask);
  if (kind != Resume::kNone) heap.write(fiber.result, kUndefined);
  if (kind == Resume::kHost) host_calls_.erase(id);
  const bool is_flight = kind == Resume::kAwait && is_a(waited, Type::kRecord);
  if (is_flight) leave_flight(waited);
  if (code == OpCode::kCancelled) {
    // Without an operation it computes, or is about to begin: it is told once.
    if (kind == Resume::kNone && (fiber.aux & kFiberKnows) != 0) return;
    fiber.aux |= kFiberKnows;
    machine_.resume_raising(fiber, interruption(id));
    return;
  }
  if (code == OpCode::kDeadlock) {
    machine_.resume_raising(fiber, deadlock(fiber, kernel_.delivered()));
    return;
  }
  switch (kind) {
    case Resume::kNone: break;
    case Resume::kPlain: give(fiber, kUnspecified); break;
    case Resume::kAwait:
      if (is_a(waited, Type::kFiber)) {
        give_result_of(fiber, *as<Fiber>(waited));
      } else if (is_flight) {
        give_result_of(fiber, fiber_of_flight(waited));
      } else {
        resume_sync(fiber, waited, code, aux);
      }
      break;
    case Resume::kHost:
      if (code == OpCode::kOk) {
        give(fiber, waited);
      } else {
        machine_.resume_raising(fiber, waited);
      }
      break;
    case Resume::kSettled: give(fiber, name_of(heap, standing(*as<Fiber>(waited)))); break;
    case Resume::kAll:
    case Resume::kAny: {
      Value decided = cdr(waited);
      for (u32 i = 0; i < aux && cdr(decided).is_pair(); ++i) decided = cdr(decided);
      machine_.charge(aux / 4);
      if (kind == Resume::kAny && code != OpCode::kOk) {
        machine_.resume_raising(fiber, all_failed(car(waited)));
      } else if (kind == Resume::kAny || code != OpCode::kOk) {
        give_result_of(fiber, *as<Fiber>(car(decided)));
      } else {
        give(fiber, results_of(car(waited)));
      }
      break;
    }
    case Resume::kScope: {
      const auto& scope = *as<Fiber>(waited);
      if (standing(scope) == Standing::kCompleted) {
        give(fiber, scope.result);
      } else if (kernel_.is_cancelled(id)) {
        fiber.aux |= kFiberKnows;
        machine_.resume_raising(fiber, interruption(id));
      } else if (is_a(scope.name, Type::kFiber)) {
        machine_.resume_raising(fiber, reason_of(*as<Fiber>(scope.name)));
      } else {
        machine_.resume_raising(fiber, reason_of(scope));
      }
      break;
    }
  }
}

TurnEnd Programs::run(FiberId id, OpCode code, u32 aux, u32& steps) {
  Fiber& fiber = *entries_[id].fiber;
  const u32 index = entries_[id].program;
  Program& program = *programs_[index];
  const auto kind = static_cast<Resume>((fiber.aux & kResumeMask) >> kResumeShift);
  if (kind == Resume::kPlain && code == OpCode::kOk) [[likely]] {
    fiber.aux = static_cast<u16>(fiber.aux & ~kResumeMask);
    give(fiber, kUnspecified);
  } else {
    resume(fiber, kind, code, aux);
  }
  u64 fuel = steps;
  if (program.is_bounded) {
    if (program.steps_left == 0) {
      const bool is_told = (fiber.aux & kFiberIsBroke) != 0;
      if (!is_told || program.grace == 0) {
        fiber.aux |= kFiberIsBroke;
        const Value condition = machine_.make_condition("BudgetExceeded", "the program has used up its steps");
        machine_.resume_raising(fiber, condition);
        if (program.grace == 0) {
          machine_.abandon(fiber);
          steps = 0;
          return TurnEnd::kFailed;
        }
      }
      fuel = std::min(fuel, program.grace);
    } else {
      fuel = std::min(fuel, program.steps_left);
    }
  }
  const Turn turn = machine_.run(fiber, fuel);
  const u64 used = machine_.last_steps();
  steps = static_cast<u32>(std::min<u64>(used, UINT32_MAX));
  if (program.is_bounded) {
    u64& left = program.steps_left != 0 ? program.steps_left : program.grace;
    left -= std::min(left, used);
  }
  if (program.printed != 0) {
    kernel_.printed(program.number, program.printed);
    program.printed = 0;
  }
  switch (turn) {
    case Turn::kDone: return TurnEnd::kCompleted;
    case Turn::kFailed: return TurnEnd::kFailed;
    case Turn::kParked: return TurnEnd::kWaits;
    case Turn::kPreempted: return TurnEnd::kSteps;
  }
  return TurnEnd::kFailed;
}

void Programs::body_over(FiberId id) {
  Fiber& fiber = *entries_[id].fiber;
  // What it waited for is no result.
  if ((fiber.aux & kResumeMask) != 0) {
    const auto kind = static_cast<Resume>((fiber.aux & kResumeMask) >> kResumeShift);
    if (kind == Resume::kAwait && is_a(fiber.result, Type::kRecord)) leave_flight(fiber.result);
    machine_.heap().write(fiber.result, kUndefined);
    fiber.aux = static_cast<u16>(fiber.aux & ~kResumeMask);
  }
  machine_.abandon(fiber);
  if (!host_calls_.empty()) host_calls_.erase(id);
  // The machine does not hold it any more, and its children may go on for long; mostly it ends at once.
  if (last_over_ != 0) over_[last_over_] = entries_[last_over_].fiber;
  last_over_ = id;
}

// Whoever waits for it later still gets the reason; the host asks for that of a task once.
void Programs::end_reason(Fiber& fiber) {
  const auto seq = static_cast<u32>(fiber.seq);
  const auto found = reasons_.find(seq);
  if (found == reasons_.end()) return;
  if (fiber.result == kUndefined) machine_.heap().write(fiber.result, cancellation(seq));
  if (found->second.is_asked || (fiber.aux & kFiberIsTask) == 0) {
    reasons_.erase(found);
  } else {
    found->second.is_over = true;
  }
}

void Programs::ended(FiberId id, Outcome outcome) {
  const Entry entry = entries_[id];
  Fiber& fiber = *entry.fiber;
  entries_[id].fiber = nullptr;
  if (last_over_ == id) {
    last_over_ = 0;
  } else {
    over_.erase(id);
  }
  const u16 flag = outcome == Outcome::kCompleted   ? kFiberCompleted
                   : outcome == Outcome::kCancelled ? kFiberCancelled
                   : outcome == Outcome::kTimedOut  ? kFiberTimedOut
                                                    : kFiberFailed;
  fiber.aux = static_cast<u16>((fiber.aux & ~kSettledFlags) | flag);
  fiber.id = 0;
  if (outcome == Outcome::kCancelled) end_reason(fiber);
  if (fiber.result == kUndefined && outcome == Outcome::kCompleted) fiber.result = kUnspecified;
  if ((fiber.aux & kFiberIsTask) != 0) results_[id] = &fiber;
  // The first child of a scope that fails is why the scope does. (A scope within reports to the body that opened it.)
  const bool fails = outcome == Outcome::kFailed || outcome == Outcome::kTimedOut;
  if (fails && (fiber.aux & kFiberIsScope) == 0) {
    const FiberId parent = kernel_.parent(id);
    if (parent != 0 && parent < entries_.size() && entries_[parent].fiber != nullptr) {
      Fiber& above = *entries_[parent].fiber;
      if ((above.aux & kFiberIsScope) != 0) {
        // Whoever opened the scope hears of it.
        note_awaited(fiber);
        if (above.name == kFalse) machine_.heap().write(above.name, Value::object(&fiber));
      }
    }
  }
  leave_program(entry.program);
}

}  // namespace heddle::lisp
