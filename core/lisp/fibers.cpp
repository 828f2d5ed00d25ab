#include "lisp/fibers.h"

#include <algorithm>
#include <cmath>

#include "lisp/builtins/arguments.h"
#include "lisp/environment.h"
#include "lisp/hash_table.h"
#include "lisp/printer.h"
#include "lisp/program.h"
#include "lisp/reader.h"
#include "lisp/strings.h"

namespace heddle::lisp {

namespace {

constexpr u16 kSettledFlags = kFiberCompleted | kFiberFailed | kFiberCancelled | kFiberTimedOut;
// Steps that a program has, all in all, after its budget is used up.
constexpr u64 kBudgetGrace = 50'000;
// The deepest list of a program's arguments and so on is the wire's business; here is what a submit's head has.
constexpr u32 kProgramFields = 5;

Value option(Value options, Heap& heap, std::string_view name) {
  return hash_table_get(options, heap.string(name), kUndefined);
}

// A count that a host's option says: not negative, as a double has it.
bool count_of(Value value, u64& out) {
  if (value.is_fixnum() && value.to_fixnum() >= 0) {
    out = static_cast<u64>(value.to_fixnum());
    return true;
  }
  return false;
}

bool is_timeout(Cause cause) {
  return cause == Cause::kTimeout || cause == Cause::kQueueTimeout || cause == Cause::kDeadline;
}

}  // namespace

Programs::Programs(Kernel& kernel) : kernel_(kernel) {
  machine_.embedder = this;
  machine_.output = print;
  machine_.heap().add_roots(this);
  machine_.set_host_caller([](Machine& machine, const Value* arguments, u32 count) {
    Value list = kNil;
    for (u32 i = count; i > 1; --i) list = machine.heap().cons(arguments[i - 1], list);
    return of(machine).host(static_cast<u32>(as<HostProcedure>(arguments[0])->id), list);
  });
  machine_.load_preludes();
  shared_ = make_program_environment(machine_.heap(), machine_.core());
  kernel.set_shared_body(this);
}

Programs::~Programs() { kernel_.set_shared_body(nullptr); }

void Programs::mark_roots(Heap& heap) {
  heap.mark(shared_);
  for (const auto& [id, fiber] : results_) heap.mark(Value::object(fiber));
  for (const auto& [id, fiber] : over_) heap.mark(Value::object(fiber));
  if (last_over_ != 0) heap.mark(Value::object(entries_[last_over_].fiber));
  for (const Value procedure : host_procedures_) heap.mark(procedure);
}

void Programs::forget_dead(Heap& /*heap*/) {}

// --- Programs

u32 Programs::new_program() {
  if (!free_programs_.empty()) {
    const u32 index = free_programs_.back();
    free_programs_.pop_back();
    *programs_[index] = Program{};
    return index;
  }
  programs_.push_back(std::make_unique<Program>());
  return static_cast<u32>(programs_.size() - 1);
}

void Programs::leave_program(u32 index) {
  Program& program = *programs_[index];
  if (--program.fibers != 0) return;
  if (program.heap_limit != Heap::kDefaultLimit) {
    program.heap_limit = Heap::kDefaultLimit;
    set_heap_limit();
  }
  // What it printed last may not have been read.
  if (program.output.empty()) free_programs_.push_back(index);
}

// The heap is one: the least of what the programs that run may have.
void Programs::set_heap_limit() {
  u64 limit = Heap::kDefaultLimit;
  for (const auto& program : programs_) limit = std::min(limit, program->heap_limit);
  machine_.heap().set_limit(limit);
}

void Programs::bind(FiberId id, Fiber* fiber, u32 program) {
  if (entries_.size() <= id) entries_.resize(std::max<std::size_t>(id + 1, entries_.size() * 2));
  entries_[id] = {fiber, program};
  results_.erase(id);
  fiber->id = id;
  fiber->seq = kernel_.seq(id);
  ++programs_[program]->fibers;
}

FiberId Programs::submit(u32 parent, u32 bits, u32 shield, std::string_view bytes) {
  Heap& heap = machine_.heap();
  WireReader reader(machine_, bytes, find_task, this);
  u32 count = 0;
  std::string_view source;
  std::string_view file;
  if (!reader.list(count) || count != kProgramFields || !reader.text(source) || !reader.text(file)) return 0;
  const Value arguments = reader.value();
  const Value globals = reader.value();
  const Value options = reader.value();
  if (arguments == kRaised || !is_a(globals, Type::kHashTable) || !is_a(options, Type::kHashTable)) return 0;
  if (!reader.at_end()) return 0;

  const Value kind = option(options, heap, "environment");
  const bool is_shared = is_string(kind) && utf8_of(as<String>(kind)) == "shared";
  const Value environment = is_shared ? shared_ : make_program_environment(heap, machine_.core());
  const auto define_global = [&](Value symbol, Value value) {
    const Value cell = cell_to_define(heap, environment, symbol);
    if (cell != kUndefined) heap.write(as<Cell>(cell)->value, value);
  };
  if (!is_shared) {
    for (const Value procedure : host_procedures_) define_global(as<HostProcedure>(procedure)->name, procedure);
    define_global(heap.symbol("args"), arguments);
  }
  u32 at = 0;
  Value key;
  Value value;
  while (hash_table_next(globals, at, key, value)) define_global(heap.symbol(key), value);

  const u32 index = new_program();
  Program& program = *programs_[index];
  u64 number = 0;
  if (count_of(option(options, heap, "heapLimit"), number)) {
    program.heap_limit = std::min(number, Heap::kDefaultLimit);
    set_heap_limit();
  }
  if (count_of(option(options, heap, "steps"), number)) {
    program.is_bounded = true;
    program.steps_left = number;
    program.grace = kBudgetGrace;
  }
  const Value thunk = make_program(machine_, source, machine_.sources().add(file), environment,
                                   is_shared ? ProgramKind::kPiece : ProgramKind::kWhole);
  Fiber* fiber = machine_.make_fiber(thunk == kRaised ? kFalse : thunk, nullptr);
  if (thunk == kRaised) machine_.resume_raising(*fiber, machine_.raised());
  fiber->environment = environment;
  fiber->aux |= kFiberIsTask;
  if (option(options, heap, "written") == kTrue) fiber->aux |= kFiberIsWritten;
  const Value name = option(options, heap, "name");
  if (is_string(name)) fiber->name = name;

  kernel_.note_payload(bytes);
  Event event;
  event.type = EventType::kSubmit;
  event.a = parent;
  event.b = (bits & (kDetached | kKept)) | kLeavesChildren | static_cast<u32>(BodyKind::kShared) << 8;
  event.c = shield;
  const auto id = static_cast<FiberId>(kernel_.apply(event));
  ++program.fibers;
  if (id == 0) {
    machine_.abandon(*fiber);
  } else {
    bind(id, fiber, index);
    program.number = static_cast<u32>(fiber->seq);
  }
  leave_program(index);
  return id;
}

LispResult Programs::result(FiberId task) {
  out_.clear();
  const auto found = results_.find(task);
  if (found == results_.end()) return LispResult::kNone;
  Fiber& fiber = *found->second;
  results_.erase(found);
  if ((fiber.aux & (kFiberCancelled | kFiberTimedOut)) != 0) return LispResult::kNone;
  WireWriter writer(machine_);
  if ((fiber.aux & kFiberFailed) != 0) {
    writer.error(out_, fiber.result);
    return LispResult::kError;
  }
  Value value = fiber.result;
  if ((fiber.aux & kFiberIsWritten) != 0 && value != kUnspecified) {
    append_text(out_, written(value));
    return LispResult::kValue;
  }
  if (writer.value(out_, value, "result")) return LispResult::kValue;
  writer.error(out_, "ConversionError", writer.path() + ": " + writer.problem(), writer.path());
  return LispResult::kError;
}

bool Programs::spawned(FiberId task) {
  out_.clear();
  const Fiber* fiber = task < entries_.size() ? entries_[task].fiber : nullptr;
  // It may be over before the host hears that it began.
  const auto found = results_.find(task);
  if (fiber == nullptr && found != results_.end()) fiber = found->second;
  if (fiber == nullptr) return false;
  const Value name = fiber->name;
  append_list(out_, 2);
  WireWriter writer(machine_);
  writer.value(out_, is_string(name) ? name : machine_.heap().symbol("null"), "name");
  writer.value(out_, Value::fixnum(kernel_.priority(task)), "priority");
  return true;
}

void Programs::print(void* embedder, Value /*environment*/, std::string_view utf8, bool /*is_error*/) {
  auto& self = *static_cast<Programs*>(embedder);
  if (!self.machine_.is_running()) return;
  const FiberId id = self.current_id();
  if (id == 0) return;
  Program& program = *self.programs_[self.entries_[id].program];
  program.output += utf8;
  program.printed += static_cast<u32>(utf8.size());
}

void Programs::output(u32 number) {
  out_.clear();
  for (u32 index = 0; index < programs_.size(); ++index) {
    Program& program = *programs_[index];
    if (program.number != number || program.output.empty()) continue;
    out_.swap(program.output);
    std::string().swap(program.output);
    if (program.fibers == 0) free_programs_.push_back(index);
    return;
  }
}

heddle::Completeness Programs::complete(std::string_view bytes) {
  WireReader wire(machine_, bytes);
  std::string_view text;
  if (!wire.text(text)) return heddle::Completeness::kWrong;
  Reader reader(machine_, text, 0);
  for (;;) {
    const Value form = reader.try_read();
    if (form == kEof) return heddle::Completeness::kComplete;
    if (form == kRaised) {
      return reader.failure().is_incomplete ? heddle::Completeness::kIncomplete : heddle::Completeness::kWrong;
    }
  }
}

Value Programs::find_task(void* context, u32 id, u32 seq) {
  auto& self = *static_cast<Programs*>(context);
  if (id < self.entries_.size()) {
    Fiber* fiber = self.entries_[id].fiber;
    if (fiber != nullptr && fiber->seq == seq && (fiber->aux & kFiberIsTask) != 0) return Value::object(fiber);
  }
  // Over, and the Lisp has forgotten it.
  Fiber* fiber = self.machine_.make_fiber(kFalse, nullptr);
  self.machine_.abandon(*fiber);
  fiber->seq = seq;
  fiber->aux |= kFiberIsTask | kFiberFailed;
  fiber->result = self.machine_.make_condition("HostError", "the task is over, and its result was forgotten");
  return Value::object(fiber);
}

// --- Operations of the host

u32 Programs::define(std::string_view name) {
  Heap& heap = machine_.heap();
  WireReader reader(machine_, name);
  std::string_view text;
  if (!reader.text(text) || text.empty() || text.size() > 1000) return 0;
  const Value symbol = heap.symbol(text);
  // Syntax has no value that could be replaced.
  const Value binding = find_binding(shared_, symbol);
  if (text[0] == '%' || is_a(binding, Type::kSpecial) || is_a(binding, Type::kMacro)) return 0;
  u32 index = 0;
  while (index < host_procedures_.size() && as<HostProcedure>(host_procedures_[index])->name != symbol) ++index;
  if (index == host_procedures_.size()) {
    auto* procedure = heap.make<HostProcedure>(Type::kHostProcedure);
    procedure->id = Lisp::kFirstDefined + index;
    procedure->name = symbol;
    host_procedures_.push_back(Value::object(procedure));
  }
  note_change(heap, shared_, symbol);
  const Value cell = cell_to_define(heap, shared_, symbol);
  if (cell == kUndefined) return 0;
  heap.write(as<Cell>(cell)->value, host_procedures_[index]);
  kernel_.note_payload(name);
  return Lisp::kFirstDefined + index;
}

u32 Programs::arguments(OpId op) {
  out_.clear();
  if (!kernel_.is_host_op(op)) return 0;
  const auto found = host_calls_.find(kernel_.fiber_of(op));
  if (found == host_calls_.end() || found->second.op != op) return 0;
  out_.swap(found->second.arguments);
  return found->second.procedure;
}

bool Programs::reply(OpId op, bool ok, std::string_view bytes) {
  if (!kernel_.is_host_op(op)) return false;
  const FiberId id = kernel_.fiber_of(op);
  if (id >= entries_.size() || entries_[id].fiber == nullptr) return false;
  WireReader reader(machine_, bytes, find_task, this);
  Value value = reader.value();
  if (value == kRaised || !reader.at_end()) return false;
  if (!ok && !is_a(value, Type::kCondition)) value = machine_.make_condition("HostError", shown(value));
  machine_.heap().write(entries_[id].fiber->result, value);
  kernel_.note_payload(bytes);
  kernel_.host_done(op, ok);
  return true;
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

// --- Operations

bool Programs::is_interrupted() const {
  auto& machine = const_cast<Machine&>(machine_);
  return machine.is_running() && kernel_.is_cancelled(machine.current().id);
}

Value Programs::interruption(FiberId id) {
  const Cause cause = kernel_.cause(id);
  if (is_timeout(cause)) return machine_.make_condition("Timeout", "the time is over");
  return machine_.make_condition("Cancelled", "cancelled");
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
  static constexpr const char* kNames[] = {"live", "completed", "failed", "cancelled", "timeout"};
  const Standing now = standing(fiber);
  if (now != Standing::kLive) return machine_.heap().symbol(kNames[static_cast<u32>(now)]);
  const FiberId id = fiber.id;
  return park(kernel_.wait(current_id(), WaitMode::kAllSettled, &id, 1), Resume::kSettled, target);
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
Value Programs::yield() { return park(kernel_.yield(current_id()), Resume::kPlain); }

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
  heap.write(fiber.result, kUndefined);
  if (kind == Resume::kHost) host_calls_.erase(id);
  if (code == OpCode::kCancelled) {
    // Without an operation it computes, or is about to begin: it is told once.
    if (kind == Resume::kNone && (fiber.aux & kFiberKnows) != 0) return;
    fiber.aux |= kFiberKnows;
    machine_.resume_raising(fiber, interruption(id));
    return;
  }
  switch (kind) {
    case Resume::kNone: break;
    case Resume::kPlain: give(fiber, kUnspecified); break;
    case Resume::kAwait: give_result_of(fiber, *as<Fiber>(waited)); break;
    case Resume::kHost:
      if (code == OpCode::kOk) {
        give(fiber, waited);
      } else {
        machine_.resume_raising(fiber, waited);
      }
      break;
    case Resume::kSettled: {
      static constexpr const char* kNames[] = {"live", "completed", "failed", "cancelled", "timeout"};
      give(fiber, heap.symbol(kNames[static_cast<u32>(standing(*as<Fiber>(waited)))]));
      break;
    }
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
  resume(fiber, kind, code, aux);
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
    machine_.heap().write(fiber.result, kUndefined);
    fiber.aux = static_cast<u16>(fiber.aux & ~kResumeMask);
  }
  machine_.abandon(fiber);
  if (!host_calls_.empty()) host_calls_.erase(id);
  // The machine does not hold it any more, and its children may go on for long; mostly it ends at once.
  if (last_over_ != 0) over_[last_over_] = entries_[last_over_].fiber;
  last_over_ = id;
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
  if (fiber.result == kUndefined && outcome == Outcome::kCompleted) fiber.result = kUnspecified;
  if ((fiber.aux & kFiberIsTask) != 0) results_[id] = &fiber;
  // The first child of a scope that fails is why the scope does. (A scope within reports to the body that opened it.)
  const bool fails = outcome == Outcome::kFailed || outcome == Outcome::kTimedOut;
  if (fails && (fiber.aux & kFiberIsScope) == 0) {
    const FiberId parent = kernel_.parent(id);
    if (parent != 0 && parent < entries_.size() && entries_[parent].fiber != nullptr) {
      Fiber& above = *entries_[parent].fiber;
      if ((above.aux & kFiberIsScope) != 0 && above.name == kFalse) {
        machine_.heap().write(above.name, Value::object(&fiber));
      }
    }
  }
  leave_program(entry.program);
}

}  // namespace heddle::lisp

namespace heddle {

Lisp::Lisp(Kernel& kernel) : programs_(std::make_unique<lisp::Programs>(kernel)) {}
Lisp::~Lisp() = default;

FiberId Lisp::submit(u32 parent, u32 bits, u32 shield, std::string_view program) {
  return programs_->submit(parent, bits, shield, program);
}
LispResult Lisp::result(FiberId task) { return programs_->result(task); }
bool Lisp::spawned(FiberId task) { return programs_->spawned(task); }
u32 Lisp::define(std::string_view name) { return programs_->define(name); }
u32 Lisp::arguments(OpId op) { return programs_->arguments(op); }
bool Lisp::reply(OpId op, bool ok, std::string_view value) { return programs_->reply(op, ok, value); }
void Lisp::output(u32 program) { programs_->output(program); }
Completeness Lisp::complete(std::string_view text) { return programs_->complete(text); }
std::string_view Lisp::out() const { return programs_->out(); }

}  // namespace heddle
