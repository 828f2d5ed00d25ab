// Continuations: captured in constant time by freezing what is below, entered by running on a copy of the topmost
// frozen frame. stack.h has the rules.
#include "lisp/machine.h"

namespace heddle::lisp {

// Freezes a chunk's slots below `top`, and the chunks below it as they were left.
void Machine::freeze(Chunk* chunk, u32 top) {
  for (;;) {
    if (chunk->frozen < top) chunk->frozen = top;
    const Place place = place_in_record(chunk->slots + 5);
    if (place.chunk == nullptr || place.base < place.chunk->frozen) return;
    chunk = place.chunk;
    top = chunk->top;
  }
}

Value Machine::call_with_continuation(Value procedure) {
  const Instruction* instruction = pc_ - 1;
  const auto op = static_cast<Op>(instruction->op);
  Place place;
  if (op == Op::kTailCall || op == Op::kTailCallGlobal) {
    place = caller_of(chunk_, offset(base_));
    if (place.chunk == chunk_) {
      freeze(chunk_, offset(base_) - 2);
    } else if (place.chunk != nullptr && place.base >= place.chunk->frozen) {
      freeze(place.chunk, place.chunk->top);
    }
  } else {
    place = {chunk_, offset(base_), instruction + (op == Op::kCall || op == Op::kCallSelf ? 1 : 2)};
    freeze(chunk_, offset(base_) + instruction->a);
  }
  auto* continuation = heap_.make<Continuation>(Type::kContinuation);
  continuation->chunk = place.chunk == nullptr ? kFalse : Value::object(place.chunk);
  continuation->fiber = Value::object(current_);
  continuation->handlers = current_->handlers;
  continuation->parameters = current_->parameters;
  continuation->winders = current_->winders;
  continuation->base = place.base;
  continuation->pc = static_cast<u64>(reinterpret_cast<std::uintptr_t>(place.pc));
  push_over(place, chunk_->frozen, procedure, {Value::object(continuation)});
  return kSwitched;
}

Value Machine::enter(Value value, Value result) {
  auto* continuation = as<Continuation>(value);
  if (continuation->fiber.to_object() != current_) {
    error("WrongFiber", "a continuation can be entered by the fiber only that captured it");
    // with-timeout lets its own fiber leave that way.
    heap_.write(as<Condition>(raised_)->payload, heap_.cons(value, result));
    return kRaised;
  }
  if (continuation->winders != current_->winders) {
    const Value arguments[2] = {value, result};
    return tail_call(hooks_[static_cast<u32>(Hook::kRewind)], arguments, 2);
  }
  heap_.write(current_->handlers, continuation->handlers);
  heap_.write(current_->parameters, continuation->parameters);
  const Place place{continuation->chunk.is_object() ? as<Chunk>(continuation->chunk) : nullptr, continuation->base,
                    reinterpret_cast<const Instruction*>(static_cast<std::uintptr_t>(continuation->pc))};
  if (return_to(place, result) == Next::kStop) pc_ = nullptr;
  return kSwitched;
}

}  // namespace heddle::lisp
