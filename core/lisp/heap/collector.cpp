// The collector: what is alive is found by mark_until(), weak references to the rest are dropped by forget(), and the
// rest becomes free memory by sweep_until() (or earlier, by an allocation that needs some). Each goes on where it
// stopped; collect_some() gives one of them a number of units.
//
//   phase     objects not of the current color      new objects
//   kIdle     none                                  current color
//   kMark     not reached yet                       current color: alive, never looked into
//   kForget   dead, their memory untouched          current color
//   kSweep    dead                                  current color
//
// Pace: a slice looks at about 100 KB of the heap and the next one comes after 32 KB of allocation, so that a
// collection ends before the heap has grown by half of what it was; sooner where the limit is near. It begins when the
// heap has grown by three quarters of what survived the last one, 4 MB at least.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "lisp/heap/heap.h"
#include "lisp/heap/layout.h"
#include "lisp/heap/stack.h"

namespace heddle::lisp {

namespace {

constexpr auto kLayouts = [] {
  std::array<Layout, kTypes> layouts;
  for (u32 i = 0; i < kTypes; ++i) layouts[i] = layout_of(static_cast<Type>(i));
  return layouts;
}();

constexpr u64 kLeastGrowth = u64{4} << 20;
constexpr u64 kPaceBytes = u64{32} << 10;
// Bytes of the heap that a unit of work deals with, from marking to sweeping: at least.
constexpr u64 kBytesPerUnit = 4;
// A large object is looked at in pieces of so many words.
constexpr u32 kPiece = 512;
// Marking touches memory that is in no cache; looking at the words of an object that is, costs less.
constexpr u32 kMarkUnits = 2;

}  // namespace

void Heap::mark_object(Object* object) {
  if ((object->mark & kColor) == mark_ || !is_marking_) return;
  object->mark = mark_;
  work_ += kMarkUnits;
  if (kLayouts[static_cast<u32>(object->type)].has_values()) gray_.push({object, 0});
}

void Heap::scan(GrayEntry entry) {
  Object* object = entry.object;
  if (object->type == Type::kPair) [[likely]] {
    auto* pair = static_cast<Pair*>(object);
    work_ += 2;
    mark(pair->car);
    mark(pair->cdr);
    return;
  }
  if (object->type == Type::kChunk) {
    scan_chunk(object);
    return;
  }
  Layout layout = kLayouts[static_cast<u32>(object->type)];
  if (!layout.is_known) std::abort();  // layout.h has no row for this type
  u32 count = layout.fixed + (layout.has_length ? object->length : 0);
  u32 to = count;
  if (count - entry.from > kPiece) {
    to = entry.from + kPiece;
    gray_.push({object, to});
  }
  const Value* values = reinterpret_cast<const Value*>(object) + layout.first;
  work_ += to - entry.from;
  for (u32 i = entry.from; i < to; ++i) mark(values[i]);
}

void Heap::look_at_stack(Object* chunk) {
  if (!is_marking_ || chunk->mark == (mark_ | kSeen)) return;
  chunk->mark = mark_;
  scan_chunk(chunk);
}

void Heap::scan_chunk(Object* object) {
  if ((object->mark & kSeen) != 0) return;
  object->mark |= kSeen;
  auto* chunk = static_cast<Chunk*>(object);
  for (u32 i = 0; i < chunk->top; ++i) mark(chunk->slots[i]);
  // What lies there belongs to frames that are gone. A frame to come may cover it before it is written to, and would
  // keep what it names, which by then may be free memory.
  u64 above = chunk->length - chunk->top;
  std::memset(static_cast<void*>(chunk->slots + chunk->top), 0, sizeof(Value) * above);
  work_ += kMarkUnits + chunk->top + above / 8;
}

void Heap::begin() {
  phase_ = Phase::kMark;
  mark_ ^= 3;
  allocated_at_begin_ = allocated_;
  is_marking_ = true;
  for (RootSet* roots : roots_) roots->mark_roots(*this);
}

void Heap::mark_until(u64 units) {
  while (!gray_.is_empty()) {
    if (work_ >= units) return;
    scan(gray_.pop());
  }
  is_marking_ = false;
  phase_ = Phase::kForget;
  for (RootSet* roots : roots_) roots->forget_dead(*this);
}

void Heap::forget(u64 units) {
  while (work_ < units) {
    if (!symbols_.forget_some(*this, &work_)) continue;
    // The free lists that are in use end here: their cells are found again.
    for (Cell*& free : free_) free = nullptr;
    for (Shelf& shelf : shelves_) {
      shelf.swept = 0;
      shelf.available = nullptr;
    }
    sweeping_size_ = 0;
    sweeping_large_ = 0;
    phase_ = Phase::kSweep;
    return;
  }
}

void Heap::sweep_until(u64 units) {
  while (work_ < units) {
    if (sweeping_large_ < large_.size()) {
      sweep_large();
    } else if (sweeping_size_ == kSizeClasses) {
      end();
      return;
    } else if (!sweep_block(sweeping_size_)) {
      ++sweeping_size_;
    }
  }
}

void Heap::end() {
  if (phase_ == Phase::kSweep) ++collections_;
  phase_ = Phase::kIdle;
  gray_.release();
  if (is_out_of_memory_) restore_reserve();
  work_at_end_ = work_;
  // Of what came during the collection nobody knows how much is alive; if it counted, garbage would delay the next one.
  u64 live = used() - std::min(used(), allocated_ - allocated_at_begin_);
  u64 from = live + std::max(live / 4 * 3, kLeastGrowth);
  u64 growth = std::max(from > used() ? from - used() : 0, used() / 4);
  u64 room = limit_ > used() ? limit_ - used() : 0;
  set_pace(std::min(growth, room / 2));
}

// Goes on with the collection, or begins one, until so many units are done or it has ended.
void Heap::advance(u64 units) {
  u64 until = units > UINT64_MAX - work_ ? UINT64_MAX : work_ + units;
  if (phase_ == Phase::kIdle) begin();
  if (phase_ == Phase::kMark) mark_until(until);
  if (phase_ == Phase::kForget) forget(until);
  if (phase_ == Phase::kSweep) sweep_until(until);
}

void Heap::set_pace(u64 bytes) { pace_ = is_out_of_memory_ ? 0 : std::min(allocated_ + bytes, freed_ + limit_); }

void Heap::collect_some() {
  advance(kSliceUnits);
  if (phase_ == Phase::kIdle) return;
  u64 expected = used() / kBytesPerUnit;
  u64 done = work_ - work_at_end_;
  u64 slices = 1 + (expected > done ? expected - done : 0) / kSliceUnits;
  u64 room = limit_ > used() ? limit_ - used() : 0;
  set_pace(std::clamp(room / 2 / slices, u64{512}, kPaceBytes));
}

u64 Heap::collect_all() {
  u64 before = work_;
  if (phase_ != Phase::kIdle) advance(UINT64_MAX);
  advance(UINT64_MAX);
  return work_ - before;
}

bool Heap::relieve(u64* units) {
  *units = collect_all();
  return !is_out_of_memory_ && used() <= limit_ - limit_ / 16;
}

void Heap::set_limit(u64 limit) {
  limit_ = limit;
  if (phase_ == Phase::kIdle) {
    end();
  } else {
    set_pace(kPaceBytes);
  }
}

}  // namespace heddle::lisp
