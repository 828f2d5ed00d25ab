// The heap: allocation, and a precise collector with bounded pauses.
//
// Mark and sweep, incremental, non-moving: an address stays, so C++ may hold raw values between two instructions of a
// fiber. Marking keeps the snapshot of its beginning (deletion barrier; Yuasa, "Real-time garbage collection on
// general-purpose machines", 1990): what was reachable then survives, and what is allocated meanwhile does. Stacks need
// no barrier: one is looked at as a whole before its fiber runs again, and what lies above its top is cleared then.
//
// Invariant: allocate() never collects. Collecting is done in collect_some(), which the machine calls between two
// instructions; so a builtin, the expander and the compiler hold values as they like, for the length of one
// instruction.
#pragma once

#include <string_view>
#include <vector>

#include "heddle/types.h"
#include "lisp/object.h"

namespace heddle::lisp {

class Heap;

// Whoever holds values outside the heap, for longer than one instruction.
class RootSet {
 public:
  virtual ~RootSet() = default;
  // Calls heap.mark() for each value that it holds. Called at the beginning of a collection: what it drops later is
  // kept until the next one, what it takes later comes from the heap or is new.
  virtual void mark_roots(Heap& heap) = 0;
  // The collection has found what is alive; what refers weakly to something that heap.is_alive() denies forgets it.
  virtual void forget_dead(Heap& heap) = 0;
};

class Heap {
 public:
  explicit Heap(u64 limit = kDefaultLimit);
  ~Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  static constexpr u64 kDefaultLimit = u64{1} << 30;

  // --- Allocation. Never fails and never collects: whoever is about to allocate what a program's number says asks
  // has_room() first, and raises HeapLimit. The machine looks at is_over_limit() between instructions.

  // An object of `bytes` bytes, its header set, its other fields 0 (the fixnum).
  Object* allocate(Type type, u32 bytes, u32 length = 0, u16 aux = 0);
  bool has_room(u64 bytes) const { return used_ + bytes <= limit_; }

  Value cons(Value car, Value cdr) {
    auto* pair = static_cast<Pair*>(allocate(Type::kPair, sizeof(Pair)));
    pair->car = car;
    pair->cdr = cdr;
    return Value::pair(pair);
  }
  template <typename T>
  T* make(Type type, u32 bytes = sizeof(T), u32 length = 0, u16 aux = 0) {
    return static_cast<T*>(allocate(type, bytes, length, aux));
  }
  Value flonum(double number) {
    auto* flonum = make<Flonum>(Type::kFlonum);
    flonum->number = number;
    return Value::object(flonum);
  }
  // Filled with `fill`; the caller asked has_room().
  Value vector(u32 length, Value fill);
  Value bytes(u32 length, u8 fill = 0);
  Value box(Value value) {
    auto* box = make<Box>(Type::kBox);
    box->value = value;
    return Value::object(box);
  }
  // From UTF-8; what is not valid becomes U+FFFD.
  Value string(std::string_view utf8, bool immutable = false);
  // The interned symbol of that name. Symbols that nothing refers to any more are forgotten.
  Value symbol(std::string_view utf8);
  Value symbol(Value string);
  // A symbol like no other.
  Value uninterned(Value string);

  // --- Stores

  // Stores into a field of an object that may have been allocated before this instruction.
  void write(Value& field, Value value) {
    if (is_marking_) remember(field);
    field = value;
  }

  // --- Collection

  // Work that is due: call collect_some() when this is true, between two instructions.
  bool wants_collection() const { return debt_ > 0; }
  // Does a bounded piece of work (some ten thousand words).
  void collect_some();
  // Does all of it, from a new beginning: what is unreachable now is free afterwards.
  void collect_all();

  void add_roots(RootSet* roots) { roots_.push_back(roots); }
  // While marking: makes sure that a value, and what it refers to, survives.
  void mark(Value value);
  bool is_marking() const { return is_marking_; }
  // While marking: looks at a stack before its fiber changes it (once in a collection). See stack.h.
  void look_at_stack(Object* chunk);
  // In forget_dead().
  bool is_alive(const Object* object) const;

  // --- Accounting, in bytes; the same numbers natively and in WebAssembly

  u64 used() const { return used_; }
  u64 limit() const { return limit_; }
  void set_limit(u64 limit) { limit_ = limit; }
  bool is_over_limit() const { return used_ > limit_; }
  u64 collections() const { return collections_; }

 private:
  void remember(Value old);

  u64 used_ = 0;
  u64 limit_;
  i64 debt_ = 0;
  bool is_marking_ = false;
  u64 collections_ = 0;
  std::vector<RootSet*> roots_;
};

}  // namespace heddle::lisp
