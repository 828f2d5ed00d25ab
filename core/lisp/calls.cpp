// Frames: how they are made where the loop's short way does not fit, where they return to, and calls of whatever is no
// closure of fixed arity. stack.h has the layout.
#include <algorithm>

#include "lisp/machine.h"

namespace heddle::lisp {

namespace {

// The first chunk of a fiber: a record, a return address, a closure, and a few registers.
constexpr u32 kFirstSlots = 16;
// A chunk grows by moving up to this size; from there chunks are linked.
constexpr u32 kChunkSlots = 1024;
// A record and what stands below register 0.
constexpr u32 kRecordSlots = 5;

Value word_of(const Instruction* pc) { return Value(static_cast<u64>(reinterpret_cast<std::uintptr_t>(pc))); }
const Instruction* pc_of(Value word) {
  return reinterpret_cast<const Instruction*>(static_cast<std::uintptr_t>(word.bits()));
}

// A return address tells by the word before it where the window of the call is.
constexpr Instruction kStub[] = {{}, {static_cast<u16>(Op::kUnderflow), 0, 0, 0}};
constexpr const Instruction* kStubAddress = kStub + 1;
// Where a fiber goes on whose builtin was parked in a tail call: the value comes into register 0.
constexpr Instruction kReturnCode[] = {{}, {static_cast<u16>(Op::kReturn), 0, 0, 0}};

}  // namespace

// --- Chunks

Chunk* Machine::make_chunk(u32 slots) {
  if (spare_ != nullptr && spare_->length >= slots) {
    Chunk* chunk = spare_;
    spare_ = nullptr;
    return chunk;
  }
  return heap_.make<Chunk>(Type::kChunk, Chunk::size(slots), slots);
}

void Machine::use_chunk(Chunk* chunk) {
  chunk_ = chunk;
  end_ = chunk->slots + chunk->length;
}

Machine::Place Machine::place_in_record(const Value* base) const {
  if (!is_a(base[-5], Type::kChunk)) return {nullptr, 0, nullptr};
  return {as<Chunk>(base[-5]), static_cast<u32>(base[-4].to_fixnum()), pc_of(base[-3])};
}

Machine::Place Machine::caller_of(const Chunk* chunk, u32 base) const {
  const Value* slots = chunk->slots + base;
  const Instruction* pc = pc_of(slots[-2]);
  if (pc == kStubAddress) return place_in_record(slots);
  return {const_cast<Chunk*>(chunk), base - 2 - pc[-1].a, pc};
}

void Machine::set_record(Value* base, Place place) {
  base[-5] = place.chunk == nullptr ? kFalse : Value::object(place.chunk);
  base[-4] = Value::fixnum(place.base);
  base[-3] = word_of(place.pc);
  base[-2] = word_of(kStubAddress);
}

// Makes a frame of that many registers (arguments included) and moves base_ to it; what lies in the window stays where
// it is. Where the chunk is too small, it grows or another one is linked to it.
void Machine::make_room(u32 window, bool is_tail, u32 slots, const Instruction* after) {
  Value* base = is_tail ? base_ : base_ + window + 2;
  if (base + slots > end_ && chunk_->frozen == 0 && chunk_->length < kChunkSlots) {
    const u32 needed = offset(base) + slots;
    u32 length = chunk_->length * 2;
    while (length < needed && length < kChunkSlots) length *= 2;
    if (length >= needed) {
      auto* chunk = heap_.make<Chunk>(Type::kChunk, Chunk::size(length), length);
      const u32 at = offset(base_);
      const u32 used = std::min(chunk_->length, at + code_of(base_)->frame_size);
      std::copy_n(chunk_->slots, used, chunk->slots);
      // Still reached by the record of a frame that was pushed over another one.
      chunk_->top = used;
      use_chunk(chunk);
      base_ = chunk->slots + at;
      base = is_tail ? base_ : base_ + window + 2;
    }
  }
  if (base + slots <= end_) {
    if (!is_tail) base[-2] = word_of(after);
    base_ = base;
    return;
  }
  Place place;
  if (is_tail) {
    place = caller_of(chunk_, offset(base_));
    chunk_->top = offset(base_) - 2;
  } else {
    place = {chunk_, offset(base_), after};
    chunk_->top = offset(base_) + window + 1;
  }
  Chunk* chunk = make_chunk(std::max(kChunkSlots, kRecordSlots + slots));
  use_chunk(chunk);
  base_ = chunk->slots + kRecordSlots;
  set_record(base_, place);
}

// Calls a procedure of any kind so that it returns to a place; its frame lies at an offset of the chunk or above.
void Machine::push_over(Place place, u32 at, Value procedure, std::initializer_list<Value> arguments) {
  const u32 slots = static_cast<u32>(arguments.size()) + 2;
  if (at + kRecordSlots + slots > chunk_->length) {
    chunk_->top = std::min(at, chunk_->length);
    use_chunk(make_chunk(std::max(chunk_->length >= kChunkSlots ? kChunkSlots : 64, kRecordSlots + slots)));
    at = 0;
  }
  base_ = chunk_->slots + at + kRecordSlots;
  set_record(base_, place);
  base_[-1] = trampoline_;
  base_[1] = procedure;
  std::copy(arguments.begin(), arguments.end(), base_ + 2);
  pc_ = as<Code>(trampoline_.to_closure()->code)->instructions + arguments.size();
}

// --- Returning

// Goes on at a place, whose instruction gets the value.
Machine::Next Machine::return_to(Place place, Value value) {
  if (place.chunk == nullptr) {
    heap_.write(current_->result, value);
    turn_ = Turn::kDone;
    return Next::kStop;
  }
  const u32 window = place.pc[-1].a;
  if (place.chunk != chunk_) heap_.look_at_stack(place.chunk);
  if (place.base >= place.chunk->frozen + 2) {
    if (place.chunk != chunk_) {
      if (chunk_->frozen == 0 && chunk_->length == kChunkSlots) {
        chunk_->top = 0;
        spare_ = chunk_;
      } else {
        chunk_->top = chunk_->frozen;
      }
      use_chunk(place.chunk);
    }
    base_ = chunk_->slots + place.base;
  } else {
    // A copy of the frozen frame, above whatever is frozen here; what was above that is gone, there and here.
    if (place.chunk != chunk_) place.chunk->top = std::min(place.chunk->top, place.chunk->frozen);
    const Value* frame = place.chunk->slots + place.base;
    const Place caller = caller_of(place.chunk, place.base);
    const u32 slots = code_of(frame)->frame_size;
    u32 at = chunk_->frozen;
    if (at + kRecordSlots + slots > chunk_->length) {
      chunk_->top = at;
      use_chunk(make_chunk(std::max(at >= kChunkSlots / 2 ? kChunkSlots : 64, kRecordSlots + slots)));
      at = 0;
    }
    base_ = chunk_->slots + at + kRecordSlots;
    set_record(base_, caller);
    std::copy_n(frame - 1, window + 1, base_ - 1);
  }
  // Frames that a handler of HeapLimit has left must not keep what filled the heap: the frames that come cover them.
  if ((current_->aux & kFiberIsOver) != 0) std::fill(base_ + window, chunk_->slots + chunk_->length, Value());
  base_[window] = value;
  pc_ = place.pc;
  return Next::kGo;
}

// The stub runs: base_ is the slot of the return address, which holds the value now.
Machine::Next Machine::underflow() { return return_to(place_in_record(base_ + 2), base_[0]); }

// A value comes back from what was called with that window, or in the frame's place.
Machine::Next Machine::deliver(Value value, u32 window, bool is_tail, const Instruction* after) {
  if (is_tail) {
    pc_ = pc_of(base_[-2]);
    base_[-2] = value;
    base_ -= pc_[-1].a + 2;
  } else {
    base_[window] = value;
    pc_ = after;
  }
  return Next::kGo;
}

// --- Calling

Machine::Next Machine::call_closure(Closure* closure, const Value* arguments, u32 count, u32 window, bool is_tail,
                                    const Instruction* after) {
  const Code* code = as<Code>(closure->code);
  Value rest = kNil;
  if (code->has_rest != 0) {
    for (u32 i = count; i-- > code->required;) rest = heap_.cons(arguments[i], rest);
    charged_ += (count - code->required) / 4;
  }
  make_room(window, is_tail, code->frame_size, after);
  base_[-1] = Value::closure(closure);
  if (arguments != base_) std::copy_n(arguments, code->required, base_);
  if (code->has_rest != 0) base_[code->required] = rest;
  pc_ = code->instructions;
  return Next::kGo;
}

// Calls anything, with arguments wherever they are. `after`: where the window's owner goes on.
Machine::Next Machine::call(Value procedure, const Value* arguments, u32 count, u32 window, bool is_tail,
                            const Instruction* after) {
  if (procedure.is_closure()) {
    Closure* closure = procedure.to_closure();
    const Code* code = as<Code>(closure->code);
    if (code->is_choice != 0) {
      for (u32 i = 0; i < closure->length; ++i) {
        Closure* clause = closure->free[i].to_closure();
        const Code* candidate = as<Code>(clause->code);
        if (count == candidate->required || (count > candidate->required && candidate->has_rest != 0)) {
          return call_closure(clause, arguments, count, window, is_tail, after);
        }
      }
      arity_error(code, procedure, count);
      return Next::kRaise;
    }
    if (count != code->required && (count < code->required || code->has_rest == 0)) {
      arity_error(code, procedure, count);
      return Next::kRaise;
    }
    return call_closure(closure, arguments, count, window, is_tail, after);
  }
  if (procedure.is_object()) {
    switch (procedure.to_object()->type) {
      case Type::kBuiltin: {
        const BuiltinEntry& entry = builtins_[as<Builtin>(procedure)->index];
        if (count < entry.least || (count > entry.most && entry.most != kAnyCount)) {
          arity_error(nullptr, procedure, count);
          return Next::kRaise;
        }
        const Value value = entry.function(*this, arguments, count);
        if (value.is_signal()) return builtin_gave(value, window, is_tail, after);
        return deliver(value, window, is_tail, after);
      }
      case Type::kContinuation: {
        Value value = count == 1 ? arguments[0] : kUnspecified;
        if (count != 1) {
          auto* values = heap_.make<Values>(Type::kValues, Values::size(count), count);
          std::copy_n(arguments, count, values->items);
          value = Value::object(values);
        }
        return builtin_gave(enter(procedure, value), window, is_tail, after);
      }
      case Type::kParameter:
        if (count != 0) {
          arity_error(nullptr, procedure, count);
          return Next::kRaise;
        }
        return deliver(parameter_value(procedure), window, is_tail, after);
      case Type::kHostProcedure: {
        if (host_caller_ == nullptr) break;
        std::vector<Value> all{procedure};
        all.insert(all.end(), arguments, arguments + count);
        const Value value = host_caller_(*this, all.data(), count + 1);
        if (value.is_signal()) return builtin_gave(value, window, is_tail, after);
        return deliver(value, window, is_tail, after);
      }
      default: break;
    }
  }
  not_a_procedure(procedure);
  return Next::kRaise;
}

// What a builtin says instead of giving a value.
Machine::Next Machine::builtin_gave(Value value, u32 window, bool is_tail, const Instruction* after) {
  switch (value.to_signal()) {
    case Signal::kRaised: return Next::kRaise;
    case Signal::kTailCall: return call_asked_for(window, is_tail, after);
    case Signal::kParked:
      pc_ = is_tail ? kReturnCode + 1 : after;
      turn_ = Turn::kParked;
      return Next::kStop;
    case Signal::kSwitched: return pc_ == nullptr ? Next::kStop : Next::kGo;
  }
  return Next::kRaise;
}

// One level at a time: a builtin that calls a builtin that calls ... is a loop in its caller, not recursion here.
Machine::Next Machine::call_asked_for(u32 window, bool is_tail, const Instruction* after) {
  Value procedure = callee_;
  std::vector<Value> arguments = std::move(arguments_);
  arguments_.clear();
  while (is_a(procedure, Type::kBuiltin)) {
    const BuiltinEntry& entry = builtins_[as<Builtin>(procedure)->index];
    const u32 count = static_cast<u32>(arguments.size());
    if (count < entry.least || (count > entry.most && entry.most != kAnyCount)) {
      arity_error(nullptr, procedure, count);
      return Next::kRaise;
    }
    const Value next = entry.function(*this, arguments.data(), count);
    if (next != kTailCall) {
      if (next.is_signal()) return builtin_gave(next, window, is_tail, after);
      return deliver(next, window, is_tail, after);
    }
    charge(1);
    procedure = callee_;
    arguments = std::move(arguments_);
    arguments_.clear();
  }
  return call(procedure, arguments.data(), static_cast<u32>(arguments.size()), window, is_tail, after);
}

// What was raised is handed to the program's handlers, by a call in the place of the instruction that runs.
Machine::Next Machine::raise_now() {
  if (room_wanted_ != 0 && makes_room()) {
    --pc_;
    return Next::kGo;
  }
  const Value raised = raised_;
  const Value hook = hooks_[static_cast<u32>(Hook::kRaise)];
  if (hook == kFalse || (current_->handlers.is_nil() && current_->winders.is_nil())) {
    fail(raised);
    return Next::kStop;
  }
  const u32 at = offset(base_) + code_of(base_)->frame_size;
  push_over({chunk_, offset(base_), pc_}, at, hook, {raised});
  return Next::kGo;
}

Value Machine::fail(Value raised) {
  heap_.write(current_->result, raised);
  // A condition knows its own place.
  failed_at_ = is_a(raised, Type::kCondition) ? kNil : trace();
  turn_ = Turn::kFailed;
  pc_ = nullptr;
  return kSwitched;
}

// --- Calls in a builtin's place

Value Machine::tail_call(Value procedure, const Value* arguments, u32 count) {
  callee_ = procedure;
  arguments_.assign(arguments, arguments + count);
  return kTailCall;
}

Value Machine::tail_call(Value procedure, std::vector<Value>&& arguments) {
  callee_ = procedure;
  arguments_ = std::move(arguments);
  return kTailCall;
}

// --- Fibers

void Machine::start(Fiber& fiber) {
  auto* chunk = heap_.make<Chunk>(Type::kChunk, Chunk::size(kFirstSlots), kFirstSlots);
  const Value thunk = fiber.chunk;
  use_chunk(chunk);
  push_over({nullptr, 0, nullptr}, 0, thunk, {});
  heap_.write(fiber.chunk, Value::object(chunk));
}

}  // namespace heddle::lisp
