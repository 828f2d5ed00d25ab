// Programs, from the host's side: what heddle/lisp.h offers, behind its facade at the end. Partner: fibers.cpp.
#include <algorithm>

#include "lisp/expander/environment.h"
#include "lisp/fibers.h"
#include "lisp/hash_table.h"
#include "lisp/program.h"
#include "lisp/text/printer.h"
#include "lisp/text/reader.h"
#include "lisp/text/strings.h"

namespace heddle::lisp {

namespace {

// Steps that a program has, all in all, after its budget is used up.
constexpr u64 kBudgetGrace = 50'000;
// What a program comes as: source, file, arguments, globals, options.
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
  heap.mark(ask_type_);
  for (const auto& [id, fiber] : results_) heap.mark(Value::object(fiber));
  for (const auto& [id, fiber] : over_) heap.mark(Value::object(fiber));
  if (last_over_ != 0) heap.mark(Value::object(entries_[last_over_].fiber));
  for (const Value procedure : host_procedures_) heap.mark(procedure);
  tokens_.mark(heap);
}

// What no program can reach any more nobody waits at: who waits is reached, and reaches it.
void Programs::forget_dead(Heap& heap) {
  for (SyncReference*& object : objects_) {
    if (object == nullptr || heap.is_alive(object)) continue;
    kernel_.forget_object(object->id);
    object = nullptr;
  }
}

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

// Garbage must not be why a value does not fit.
void Programs::make_room_for(std::string_view bytes) {
  if (!machine_.heap().has_room(bytes.size() * 4)) machine_.make_room(kFalse);
}

FiberId Programs::submit(u32 parent, u32 bits, u32 shield, std::string_view bytes) {
  Heap& heap = machine_.heap();
  make_room_for(bytes);
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
  const bool is_written = option(options, heap, "written") == kTrue;
  const Value given_name = option(options, heap, "name");
  const std::string name = is_string(given_name) ? utf8_of(as<String>(given_name)) : std::string();
  // May collect: of what was read only the environment, and what it refers to, is there afterwards.
  const Value thunk = make_program(machine_, source, machine_.sources().add(file), environment,
                                   is_shared ? ProgramKind::kPiece : ProgramKind::kWhole);
  Fiber* fiber = machine_.make_fiber(thunk, nullptr);
  fiber->environment = environment;
  fiber->aux |= kFiberIsTask;
  if (is_written) fiber->aux |= kFiberIsWritten;
  if (!name.empty()) fiber->name = heap.string(name);

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
    writer.error(out_, fiber.result, fiber.winders);
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

bool Programs::reason(u32 seq) {
  out_.clear();
  const auto found = reasons_.find(seq);
  if (found == reasons_.end()) return false;
  out_ = found->second.text;
  found->second.is_asked = true;
  if (found->second.is_over) reasons_.erase(found);
  return true;
}

heddle::Completeness Programs::complete(std::string_view bytes) {
  WireReader wire(machine_, bytes);
  std::string_view text;
  if (!wire.text(text)) return heddle::Completeness::kWrong;
  switch (completeness(machine_, text)) {
    case Completeness::kComplete: return heddle::Completeness::kComplete;
    case Completeness::kIncomplete: return heddle::Completeness::kIncomplete;
    case Completeness::kWrong: break;
  }
  return heddle::Completeness::kWrong;
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
  make_room_for(bytes);
  WireReader reader(machine_, bytes, find_task, this);
  Value value = reader.value();
  if (value == kRaised || !reader.at_end()) return false;
  if (!ok && !is_a(value, Type::kCondition)) value = machine_.make_condition("HostError", shown(value));
  machine_.heap().write(entries_[id].fiber->result, value);
  kernel_.note_payload(bytes);
  kernel_.host_done(op, ok);
  return true;
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
bool Lisp::reason(u32 seq) { return programs_->reason(seq); }
Completeness Lisp::complete(std::string_view text) { return programs_->complete(text); }
std::string_view Lisp::out() const { return programs_->out(); }

}  // namespace heddle
