// The heap: allocation, and a precise collector with bounded pauses.
//
// Mark and sweep, incremental, non-moving: an address stays, so C++ may hold raw values between two instructions of a
// fiber. Marking keeps the snapshot of its beginning (deletion barrier; Yuasa, "Real-time garbage collection on
// general-purpose machines", 1990): what was reachable then survives, and what is allocated meanwhile does. Stacks need
// no barrier: one is looked at as a whole before its fiber runs again, and what lies above its top is cleared then.
//
// Small objects lie in cells of equal size in blocks (heap.cpp); large ones have memory of their own. The collector is
// collector.cpp; which words of an object are Values is in layout.h; symbols are in symbols.h.
//
// Invariant: allocate() never collects. Collecting is done in collect_some(), which the machine calls between two
// instructions; so a builtin, the expander and the compiler hold values as they like, for the length of one
// instruction.
// Invariant: what is counted (bytes, units of work) depends on the objects alone, never on the size of a pointer, on
// addresses or on time: a program meets its heap limit at the same step natively and in WebAssembly.
#pragma once

#include <bit>
#include <cstring>
#include <string_view>
#include <vector>

#include "heddle/types.h"
#include "lisp/heap/gray_stack.h"
#include "lisp/heap/object.h"
#include "lisp/heap/poison.h"
#include "lisp/heap/size_classes.h"
#include "lisp/heap/symbols.h"

namespace heddle::lisp {

class Heap;

// Whoever holds values outside the heap, for longer than one instruction.
class RootSet {
 public:
  virtual ~RootSet() = default;
  // Calls heap.mark() for each value that it holds, and heap.look_at_stack() for the chunk that runs. Called at the
  // beginning of a collection: what it drops later is kept until the next one, what it takes later comes from the heap
  // or is new. All of it is one pause: who has very many values keeps them in a Vector of the heap and marks that.
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
  // An object may not be larger, whatever the limit.
  static constexpr u64 kLargestObject = u64{1} << 31;

  // --- Allocation. Never fails and never collects: whoever is about to allocate what a program's number says asks
  // has_room() first, and raises HeapLimit. The machine looks at is_over_limit() between instructions.

  // An object of `bytes` bytes, its header set, its other fields 0 (the fixnum).
  Object* allocate(Type type, u64 bytes, u32 length = 0, u16 aux = 0);
  // The same but for its fields, which hold anything: the caller sets every one that the collector reads before it
  // allocates again. Inline, for the machine's own paths.
  [[gnu::always_inline]] Object* allocate_unset(Type type, u64 bytes, u32 length = 0, u16 aux = 0) {
    if (bytes <= kMaxSmall) [[likely]] {
      u32 size = size_class(bytes);
      if (Cell* cell = free_[size]; cell != nullptr) [[likely]] {
        unpoison(cell, bytes < sizeof(Cell) ? sizeof(Cell) : bytes);
        free_[size] = cell->next;
        allocated_ += kSizeClassTable.bytes[size];
        return with_header(cell, type, length, aux);
      }
    }
    return allocate_slowly(type, bytes, length, aux);
  }
  // For that many bytes, in one object or in several, if they are more than a few hundred thousand in one go.
  bool has_room(u64 bytes) const;

  Value cons(Value car, Value cdr);
  Value flonum(double number);
  // The same, inline.
  Value fast_cons(Value car, Value cdr) {
    auto* pair = static_cast<Pair*>(allocate_unset(Type::kPair, sizeof(Pair)));
    pair->car = car;
    pair->cdr = cdr;
    return Value::pair(pair);
  }
  Value fast_flonum(double number) {
    auto* flonum = static_cast<Flonum*>(allocate_unset(Type::kFlonum, sizeof(Flonum)));
    flonum->number = number;
    return Value::object(flonum);
  }
  template <typename T>
  T* make(Type type, u64 bytes = sizeof(T), u32 length = 0, u16 aux = 0) {
    return static_cast<T*>(allocate(type, bytes, length, aux));
  }
  // Filled with `fill`; the caller asked has_room().
  Value vector(u32 length, Value fill);
  Value bytes(u32 length, u8 fill = 0);
  Value box(Value value);
  // From UTF-8; what is not valid becomes U+FFFD.
  Value string(std::string_view utf8, bool immutable = false);
  // The interned symbol of that name. Symbols that nothing refers to any more are forgotten.
  Value symbol(std::string_view utf8);
  Value symbol(Value string);
  // A symbol like no other.
  Value uninterned(Value string);
  // A string that never changes: itself, or a copy.
  Value name_of(Value string);

  // --- Stores

  // Stores into a field of an object that may have been allocated before this instruction.
  void write(Value& field, Value value) {
    if (is_marking_) mark(field);
    field = value;
  }

  // --- Collection

  // Work that is due: call collect_some() when this is true, between two instructions. True also while over the limit.
  bool wants_collection() const { return allocated_ > pace_; }
  // Does a bounded piece of work: about kSliceUnits words looked at.
  void collect_some();
  // Does all of it, from a new beginning: what is unreachable now is free afterwards. Gives the units of work.
  u64 collect_all();
  // Over the limit: collects everything. False: too full still (above 15/16), so that the program gets HeapLimit
  // instead of a collection every few instructions. `units`: the work, to be charged as steps.
  bool relieve(u64* units);

  static constexpr u32 kSliceUnits = 16384;

  void add_roots(RootSet* roots) { roots_.push_back(roots); }
  void remove_roots(RootSet* roots) { std::erase(roots_, roots); }
  // While marking: makes sure that a value, and what it refers to, survives. Also for whoever takes a value out of
  // something weak.
  void mark(Value value) {
    if (value.is_heap() && value.to_object()->mark != mark_) mark_object(value.to_object());
  }
  bool is_marking() const { return is_marking_; }
  // While marking: looks at a stack before its fiber changes it: its values up to `top`, which the machine has stored
  // there, survive, what is above is cleared. Once in a collection; later calls are cheap. See stack.h.
  void look_at_stack(Object* chunk);
  // In forget_dead(), and until the next collection begins.
  bool is_alive(const Object* object) const { return (object->mark & kColor) == mark_; }

  // Dead, and weak references to it are being dropped.
  bool is_forgotten(const Object* object) const { return phase_ == Phase::kForget && !is_alive(object); }

  // --- Accounting, in bytes; the same numbers natively and in WebAssembly

  u64 used() const { return allocated_ - freed_; }
  // Ever allocated; only grows.
  u64 allocated() const { return allocated_; }
  u64 limit() const { return limit_; }
  void set_limit(u64 limit);
  bool is_over_limit() const { return used() > limit_ || is_out_of_memory_; }
  u64 collections() const { return collections_; }
  // Units of work that the collector has done, ever.
  u64 work() const { return work_; }
  u32 symbols() const { return symbols_.size(); }

 private:
  struct Cell : Object {
    Cell* next;
  };
  struct Block;
  struct LargeObject {
    Object* object;
    u64 bytes;
  };
  // The blocks of one size of cell.
  struct Shelf {
    std::vector<Block*> blocks;
    u32 swept = 0;               // blocks before this one were swept in this collection
    Block* available = nullptr;  // swept, with free cells, not in use: a chain
  };
  enum class Phase : u8 { kIdle, kMark, kForget, kSweep };

  // Of Object::mark: the color of what is alive alternates between two from one collection to the next, so nothing is
  // ever cleared. The high bit: a chunk that was looked at.
  static constexpr u8 kColor = 0x7f;
  static constexpr u8 kSeen = 0x80;

  Object* with_header(void* memory, Type type, u32 length, u16 aux) {
    u64 header = static_cast<u64>(type) | static_cast<u64>(mark_) << 8 | static_cast<u64>(aux) << 16 |
                 static_cast<u64>(length) << 32;
    std::memcpy(memory, &header, sizeof header);
    return static_cast<Object*>(memory);
  }
  [[gnu::noinline]] Object* allocate_slowly(Type type, u64 bytes, u32 length, u16 aux);
  [[gnu::noinline]] Object* allocate_large(Type type, u64 bytes, u32 length, u16 aux);
  [[gnu::noinline]] void refill(u32 size);
  Block* add_block(u32 size);
  // Sweeps the next block of a shelf; false if all are swept.
  bool sweep_block(u32 size);
  void sweep_large();
  // Memory that must be had: from the reserve if the system has none.
  void* must_have(u64 bytes);
  void restore_reserve();

  [[gnu::noinline]] void mark_object(Object* object);
  void scan(GrayEntry entry);
  void scan_chunk(Object* object);
  void begin();
  void mark_until(u64 units);
  void forget(u64 units);
  void sweep_until(u64 units);
  void end();
  void advance(u64 units);
  void set_pace(u64 bytes);

  // What allocation touches comes first.
  u64 allocated_ = 0;
  u64 pace_ = 0;
  Cell* free_[kSizeClasses] = {};
  u8 mark_ = 1;
  bool is_marking_ = false;
  bool is_out_of_memory_ = false;
  Phase phase_ = Phase::kIdle;
  u64 freed_ = 0;
  u64 limit_;
  u64 collections_ = 0;
  u64 work_ = 0;
  u64 work_at_end_ = 0;         // of the last collection
  u64 allocated_at_begin_ = 0;  // of the last collection
  u32 sweeping_size_ = 0;
  u32 sweeping_large_ = 0;
  Shelf shelves_[kSizeClasses];
  std::vector<LargeObject> large_;
  std::vector<Block*> spare_blocks_;
  void* reserve_ = nullptr;
  GrayStack gray_;
  SymbolTable symbols_;
  std::vector<RootSet*> roots_;
};

}  // namespace heddle::lisp
