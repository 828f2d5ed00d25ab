// Setting the machine up, its roots, and the turns of its fibers.
#include "lisp/machine.h"

#include <algorithm>
#include <cstring>

#include "lisp/builtins/builtins.h"
#include "lisp/expander/environment.h"
#include "lisp/preludes.h"
#include "lisp/text/reader.h"

namespace heddle::lisp {

namespace {

// Fiber::aux.
constexpr u16 kListed = 1;   // in the machine's list
constexpr u16 kRaising = 2;  // its next turn begins with raising Fiber::result
constexpr u16 kStarted = 4;
// HeapLimit was raised in it, and there is not much room yet.
constexpr u16 kOver = Machine::kFiberIsOver;

// After HeapLimit a handler gets so much more, as a part of the limit, until the heap is below it again.
constexpr u64 kHeadroom = 16;
// What a step of the collector is worth.
constexpr u64 kUnitsPerStep = 4;

// More than any form of a prelude takes.
constexpr u64 kPreludeSteps = 1'000'000;

struct Inlined {
  const char* name;
  Op op;
};
// Instructions and the builtins that know the rest.
constexpr Inlined kInlined[] = {
    {"+", Op::kAdd},
    {"-", Op::kSubtract},
    {"*", Op::kMultiply},
    {"quotient", Op::kQuotient},
    {"remainder", Op::kRemainder},
    {"modulo", Op::kModulo},
    {"<", Op::kLess},
    {"<=", Op::kLessEqual},
    {">", Op::kGreater},
    {">=", Op::kGreaterEqual},
    {"=", Op::kEqual},
    {"cons", Op::kCons},
    {"eq?", Op::kEq},
    {"eqv?", Op::kEqv},
    {"vector-ref", Op::kVectorRef},
    {"string-ref", Op::kStringRef},
    {"not", Op::kNot},
    {"null?", Op::kIsNull},
    {"pair?", Op::kIsPair},
    {"car", Op::kCar},
    {"cdr", Op::kCdr},
    {"cadr", Op::kCadr},
    {"cddr", Op::kCddr},
    {"set-car!", Op::kSetCar},
    {"set-cdr!", Op::kSetCdr},
    {"vector-set!", Op::kVectorSet},
};

// Others that have the same long way.
struct Relative {
  Op op;
  Op of;
};
constexpr Relative kRelatives[] = {
    {Op::kAddSmall, Op::kAdd},
    {Op::kSubtractSmall, Op::kSubtract},
    {Op::kUnlessEqv, Op::kEqv},
    {Op::kIfEqv, Op::kEqv},
    {Op::kUnlessLess, Op::kLess},
    {Op::kIfLess, Op::kLess},
    {Op::kUnlessLessEqual, Op::kLessEqual},
    {Op::kIfLessEqual, Op::kLessEqual},
    {Op::kUnlessGreater, Op::kGreater},
    {Op::kIfGreater, Op::kGreater},
    {Op::kUnlessGreaterEqual, Op::kGreaterEqual},
    {Op::kIfGreaterEqual, Op::kGreaterEqual},
    {Op::kUnlessEqual, Op::kEqual},
    {Op::kIfEqual, Op::kEqual},
    {Op::kUnlessLessSmall, Op::kLess},
    {Op::kIfLessSmall, Op::kLess},
    {Op::kUnlessLessEqualSmall, Op::kLessEqual},
    {Op::kIfLessEqualSmall, Op::kLessEqual},
    {Op::kUnlessGreaterSmall, Op::kGreater},
    {Op::kIfGreaterSmall, Op::kGreater},
    {Op::kUnlessGreaterEqualSmall, Op::kGreaterEqual},
    {Op::kIfGreaterEqualSmall, Op::kGreaterEqual},
    {Op::kUnlessEqualSmall, Op::kEqual},
    {Op::kIfEqualSmall, Op::kEqual},
};

}  // namespace

Machine::Machine(u64 heap_limit) : heap_(heap_limit) {
  heap_.add_roots(this);
  core_ = make_core_environment(heap_);
  constexpr u32 kArguments = 4;
  auto* code = heap_.make<Code>(Type::kCode, Code::size(kArguments), kArguments);
  code->name = code->constants = code->positions = kFalse;
  code->frame_size = kArguments + 2;
  for (u32 i = 0; i < kArguments; ++i) {
    code->instructions[i] = {static_cast<u16>(Op::kTailCall), static_cast<u16>(i), 0, 0};
  }
  auto* closure = heap_.make<Closure>(Type::kClosure, Closure::size(0));
  closure->code = Value::object(code);
  trampoline_ = Value::closure(closure);
  define_builtins(*this);
}

Machine::~Machine() = default;

void Machine::define(const BuiltinDefinition& definition) {
  BuiltinEntry entry{definition.function, definition.least, definition.most, kNoOp};
  for (const Inlined& inlined : kInlined) {
    if (std::strcmp(inlined.name, definition.name) != 0) continue;
    entry.op = static_cast<u16>(inlined.op);
    slow_[entry.op] = definition.function;
    for (const Relative& relative : kRelatives) {
      if (relative.of == inlined.op) slow_[static_cast<u32>(relative.op)] = definition.function;
    }
  }
  auto* builtin = heap_.make<Builtin>(Type::kBuiltin);
  builtin->index = builtins_.size();
  builtin->name = heap_.symbol(definition.name);
  builtins_.push_back(entry);
  const Value cell = core_cell(heap_, core_, definition.name);
  heap_.write(as<Cell>(cell)->value, Value::object(builtin));
  cell.to_object()->aux |= kCellIsConstant;
}

void Machine::mark_roots(Heap& heap) {
  heap.mark(core_);
  heap.mark(trampoline_);
  heap.mark(raised_);
  heap.mark(callee_);
  heap.mark(kept_);
  for (const Value hook : hooks_) heap.mark(hook);
  for (const Value argument : arguments_) heap.mark(argument);
  spare_ = nullptr;
  if (last_ != nullptr) heap.mark(Value::object(last_));
  if (fibers_ != nullptr) heap.mark(Value::object(fibers_));
  if (current_ != nullptr) {
    heap.mark(Value::object(current_));
    if (base_ != nullptr) {
      save();
      heap.look_at_stack(chunk_);
    }
  }
}

void Machine::forget_dead(Heap&) {}

// --- Fibers

Fiber* Machine::make_fiber(Value thunk, const Fiber* parent) {
  auto* fiber = heap_.make<Fiber>(Type::kFiber, sizeof(Fiber), 0, kListed);
  fiber->chunk = thunk;
  fiber->handlers = kNil;
  fiber->parameters = parent == nullptr ? kNil : parent->parameters;
  fiber->winders = kNil;
  fiber->result = kUndefined;
  fiber->environment = parent == nullptr ? kFalse : parent->environment;
  fiber->name = kFalse;
  fiber->previous = kFalse;
  fiber->next = kFalse;
  if (fibers_ != nullptr) {
    fiber->next = Value::object(fibers_);
    heap_.write(fibers_->previous, Value::object(fiber));
  }
  fibers_ = fiber;
  return fiber;
}

void Machine::abandon(Fiber& fiber) {
  if ((fiber.aux & kListed) == 0) return;
  fiber.aux &= static_cast<u16>(~kListed);
  if (fiber.previous.is_object()) {
    heap_.write(as<Fiber>(fiber.previous)->next, fiber.next);
  } else {
    fibers_ = fiber.next.is_object() ? as<Fiber>(fiber.next) : nullptr;
  }
  if (fiber.next.is_object()) heap_.write(as<Fiber>(fiber.next)->previous, fiber.previous);
  heap_.write(fiber.next, kFalse);
  heap_.write(fiber.previous, kFalse);
  // The stack of a fiber that is over keeps nothing alive.
  heap_.write(fiber.chunk, kFalse);
  heap_.write(fiber.handlers, kNil);
  heap_.write(fiber.parameters, kNil);
  heap_.write(fiber.winders, kNil);
}

Turn Machine::run(Fiber& fiber, u64 fuel) {
  current_ = &fiber;
  if ((fiber.aux & kStarted) == 0) {
    fiber.aux |= kStarted;
    start(fiber);
  } else {
    use_chunk(as<Chunk>(fiber.chunk));
    heap_.look_at_stack(chunk_);
    base_ = chunk_->slots + fiber.base;
    pc_ = reinterpret_cast<const Instruction*>(static_cast<std::uintptr_t>(fiber.pc));
  }
  if ((fiber.aux & kRaising) != 0) {
    fiber.aux &= static_cast<u16>(~kRaising);
    raised_ = fiber.result;
    heap_.write(fiber.result, kUndefined);
    // One that was made while nobody ran comes from the operation that waited.
    if (is_a(raised_, Type::kCondition) && as<Condition>(raised_)->position == kFalse) {
      const Value places = trace();
      if (places.is_pair() && car(places).to_fixnum() >= 0) {
        heap_.write(as<Condition>(raised_)->position, car(places));
        heap_.write(as<Condition>(raised_)->backtrace, cdr(places));
      }
    }
    if (raise_now() == Next::kStop) pc_ = nullptr;
  }
  Turn turn = Turn::kFailed;
  last_steps_ = 0;
  if (pc_ != nullptr) turn = execute(fuel);
  if (turn == Turn::kDone || turn == Turn::kFailed) {
    abandon(fiber);
    if (turn == Turn::kFailed) heap_.write(fiber.winders, failed_at_);
    failed_at_ = kNil;
  } else {
    save();
  }
  // Nothing of the program outlives it here.
  raised_ = kFalse;
  callee_ = kFalse;
  base_ = nullptr;
  pc_ = nullptr;
  current_ = nullptr;
  // What a fiber has filled the heap with must not hinder the next one from beginning.
  if (limit_was_met_ && (turn == Turn::kDone || turn == Turn::kFailed)) {
    limit_was_met_ = false;
    last_ = &fiber;
    last_steps_ += collect_at_limit();
    live_ = heap_.used();
    last_ = nullptr;
  }
  return turn;
}

// Whether a builtin that found no room shall look again, now that garbage is gone: once.
bool Machine::makes_room() {
  const u64 bytes = room_wanted_;
  room_wanted_ = 0;
  if (bytes == 0 || current_ == nullptr || retried_ == pc_) return false;
  retried_ = pc_;
  charge(collect_at_limit());
  live_ = heap_.used();
  return heap_.has_room(bytes);
}

void Machine::resume_with(Fiber& fiber, Value value) {
  auto* chunk = as<Chunk>(fiber.chunk);
  heap_.look_at_stack(chunk);
  const auto* pc = reinterpret_cast<const Instruction*>(static_cast<std::uintptr_t>(fiber.pc));
  chunk->slots[fiber.base + pc[-1].a] = value;
}

void Machine::resume_raising(Fiber& fiber, Value condition) {
  heap_.write(fiber.result, condition);
  fiber.aux |= kRaising;
}

bool Machine::load_preludes() {
  for (const Prelude* prelude = kPreludes; prelude->name != nullptr; ++prelude) {
    // Without a number: errors stand where the program called, not here.
    Reader reader(*this, prelude->text, 0);
    for (;;) {
      const Value form = reader.read();
      if (form == kEof) break;
      const Value thunk = form == kRaised ? kRaised : compile(form, core_);
      if (thunk == kRaised) return false;
      Fiber* fiber = make_fiber(thunk, nullptr);
      if (run(*fiber, kPreludeSteps) != Turn::kDone) {
        raised_ = fiber->result;
        return false;
      }
    }
  }
  return true;
}

// A whole collection because the limit asked for it. Gives what it is worth in steps: this work depends on when the
// heap was collected before.
u64 Machine::collect_at_limit() {
  ++collections_at_limit_;
  return heap_.collect_all() / kUnitsPerStep;
}

// Between two instructions: collects what is due, and raises HeapLimit where that does not help.
Machine::Next Machine::safe_point() {
  const u64 limit = heap_.limit();
  const u64 margin = limit / kHeadroom;
  retried_ = nullptr;
  // Above the limit the heap asks at every allocation: a handler would crawl.
  if ((current_->aux & kOver) != 0 && heap_.is_over_limit() && heap_.used() >= live_ &&
      heap_.used() <= std::min(limit, live_) + margin) {
    return Next::kGo;
  }
  heap_.collect_some();
  if (!heap_.is_over_limit()) {
    if ((current_->aux & kOver) != 0 && heap_.has_room(margin)) current_->aux &= static_cast<u16>(~kOver);
    return Next::kGo;
  }
  // A full collection again only if a good part of the limit was allocated since the last one.
  if (heap_.used() > live_ + margin || live_ > heap_.used()) {
    charge(collect_at_limit());
    live_ = heap_.used();
    if (live_ + margin <= limit) {
      current_->aux &= static_cast<u16>(~kOver);
      return Next::kGo;
    }
  }
  // A handler of HeapLimit may go beyond it, a bit. What needs more than that ends its fiber, whatever handlers and
  // winders are left: each of them would need more.
  const bool is_over = (current_->aux & kOver) != 0;
  if (is_over && heap_.used() <= limit + margin) return Next::kGo;
  heap_error("", 0);
  if (!is_over) return Next::kRaise;
  fail(raised_);
  return Next::kStop;
}

void Machine::make_room(Value kept) {
  kept_ = kept;
  live_ = 0;
  heap_.collect_all();
  kept_ = kFalse;
}

Value Machine::parameter_value(Value parameter) {
  u64 looked_at = 0;
  for (Value at = current_->parameters; at.is_pair(); at = cdr(at), ++looked_at) {
    if (car(car(at)) != parameter) continue;
    charge(looked_at / 8);
    return cdr(car(at));
  }
  charge(looked_at / 8);
  return as<Parameter>(parameter)->value;
}

}  // namespace heddle::lisp
