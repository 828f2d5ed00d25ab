#include "lisp/heap/heap.h"

#include <cstdlib>

namespace heddle::lisp {

// A block: this head, then cells of one size up to its end. The head has a fixed room of its own, so that a block has
// as many cells in WebAssembly as natively.
struct Heap::Block {
  Block* next = nullptr;  // in Shelf::available
  Cell* free = nullptr;   // while available
  u64 born = 0;           // the collection during whose sweeping it was made; else 0
  u32 cells = 0;
  u32 bytes = 0;  // of a cell

  static constexpr u32 kBytes = 32768;
  static constexpr u32 kHead = 64;

  Cell* cell(u32 index) {
    return reinterpret_cast<Cell*>(reinterpret_cast<u8*>(this) + kHead + static_cast<u64>(index) * bytes);
  }
};

namespace {

// What must_have() falls back on: enough for one instruction, whose own demands has_room() refused.
constexpr u64 kReserve = u64{512} << 10;
// A heap that never grew beyond this needs none.
constexpr u64 kReserveFrom = u64{4} << 20;
constexpr u32 kSpareBlocks = 16;
// A request this large is tried out before it is granted.
constexpr u64 kTrial = u64{256} << 10;

}  // namespace

Heap::Heap(u64 limit) : limit_(limit) { end(); }

Heap::~Heap() {
  for (Shelf& shelf : shelves_) {
    for (Block* block : shelf.blocks) {
      unpoison(block, Block::kBytes);
      std::free(block);
    }
  }
  for (Block* block : spare_blocks_) {
    unpoison(block, Block::kBytes);
    std::free(block);
  }
  for (const LargeObject& large : large_) std::free(large.object);
  std::free(reserve_);
}

Object* Heap::allocate(Type type, u64 bytes, u32 length, u16 aux) {
  Object* object = allocate_unset(type, bytes, length, aux);
  std::memset(static_cast<void*>(object + 1), 0, bytes - sizeof(Object));
  return object;
}

Value Heap::cons(Value car, Value cdr) { return fast_cons(car, cdr); }
Value Heap::flonum(double number) { return fast_flonum(number); }

Value Heap::box(Value value) {
  auto* box = static_cast<Box*>(allocate_unset(Type::kBox, sizeof(Box)));
  box->value = value;
  return Value::object(box);
}

Value Heap::vector(u32 length, Value fill) {
  auto* vector = static_cast<Vector*>(allocate_unset(Type::kVector, Vector::size(length), length));
  for (u32 i = 0; i < length; ++i) vector->items[i] = fill;
  return Value::object(vector);
}

Value Heap::bytes(u32 length, u8 fill) {
  auto* bytes = static_cast<Bytes*>(allocate_unset(Type::kBytes, Bytes::size(length), length));
  std::memset(bytes->data, fill, length);
  return Value::object(bytes);
}

bool Heap::has_room(u64 bytes) const {
  if (bytes > kLargestObject || used() + bytes > limit_ || is_out_of_memory_) return false;
  if (bytes < kTrial) return true;
  void* trial = std::malloc(static_cast<std::size_t>(bytes));
  std::free(trial);
  return trial != nullptr;
}

Object* Heap::allocate_slowly(Type type, u64 bytes, u32 length, u16 aux) {
  if (bytes > kMaxSmall) return allocate_large(type, bytes, length, aux);
  refill(size_class(bytes));
  return allocate_unset(type, bytes, length, aux);
}

Object* Heap::allocate_large(Type type, u64 bytes, u32 length, u16 aux) {
  u64 rounded = (bytes + 15) & ~u64{15};
  void* memory = must_have(rounded);
  large_.push_back({static_cast<Object*>(memory), rounded});
  allocated_ += rounded;
  return with_header(memory, type, length, aux);
}

// Gives free_[size] something.
void Heap::refill(u32 size) {
  Shelf& shelf = shelves_[size];
  // A few blocks only: a heap that is all alive must not be swept in one go. What lies behind them is found later.
  for (u32 attempts = 0; attempts < 4 && shelf.available == nullptr && phase_ == Phase::kSweep; ++attempts) {
    if (!sweep_block(size)) break;
  }
  Block* block = shelf.available;
  if (block == nullptr) {
    block = add_block(size);
  } else {
    shelf.available = block->next;
  }
  free_[size] = block->free;
  block->free = nullptr;
}

Heap::Block* Heap::add_block(u32 size) {
  void* memory = nullptr;
  if (spare_blocks_.empty()) {
    memory = must_have(Block::kBytes);
    if (reserve_ == nullptr && allocated_ > kReserveFrom) restore_reserve();
  } else {
    memory = spare_blocks_.back();
    spare_blocks_.pop_back();
    unpoison(memory, Block::kBytes);
  }
  auto* block = new (memory) Block;
  block->bytes = kSizeClassTable.bytes[size];
  block->cells = (Block::kBytes - Block::kHead) / block->bytes;
  block->born = phase_ == Phase::kSweep ? collections_ + 1 : 0;
  for (u32 i = block->cells; i-- > 0;) {
    Cell* cell = new (block->cell(i)) Cell;
    cell->next = block->free;
    block->free = cell;
    poison(cell, block->bytes);
  }
  shelves_[size].blocks.push_back(block);
  return block;
}

bool Heap::sweep_block(u32 size) {
  Shelf& shelf = shelves_[size];
  if (shelf.swept == shelf.blocks.size()) return false;
  Block* block = shelf.blocks[shelf.swept];
  if (block->born == collections_ + 1) {
    ++shelf.swept;
    return true;
  }
  Cell* free = nullptr;
  u32 free_cells = 0;
  u32 died = 0;
  // Backwards, so that allocation goes forwards.
  for (u32 i = block->cells; i-- > 0;) {
    Cell* cell = block->cell(i);
    unpoison(cell, sizeof(Object));
    if (cell->type != Type::kFree) {
      if (is_alive(cell)) continue;
      ++died;
    }
    unpoison(cell, sizeof(Cell));
    cell->type = Type::kFree;
    cell->next = free;
    free = cell;
    ++free_cells;
    poison(cell, block->bytes);
  }
  freed_ += static_cast<u64>(died) * block->bytes;
  work_ += block->cells;
  if (free_cells == block->cells) {
    shelf.blocks[shelf.swept] = shelf.blocks.back();
    shelf.blocks.pop_back();
    if (spare_blocks_.size() < kSpareBlocks) {
      spare_blocks_.push_back(block);
    } else {
      unpoison(block, Block::kBytes);
      std::free(block);
    }
    return true;
  }
  ++shelf.swept;
  if (free != nullptr) {
    block->free = free;
    block->next = shelf.available;
    shelf.available = block;
  }
  return true;
}

void Heap::sweep_large() {
  LargeObject& large = large_[sweeping_large_];
  work_ += 16;
  if (is_alive(large.object)) {
    ++sweeping_large_;
    return;
  }
  freed_ += large.bytes;
  std::free(large.object);
  large = large_.back();
  large_.pop_back();
}

void* Heap::must_have(u64 bytes) {
  void* memory = std::malloc(static_cast<std::size_t>(bytes));
  if (memory != nullptr) return memory;
  is_out_of_memory_ = true;
  pace_ = 0;
  std::free(reserve_);
  reserve_ = nullptr;
  memory = std::malloc(static_cast<std::size_t>(bytes));
  if (memory == nullptr) std::abort();
  return memory;
}

void Heap::restore_reserve() {
  if (reserve_ == nullptr) reserve_ = std::malloc(kReserve);
  is_out_of_memory_ = reserve_ == nullptr;
}

}  // namespace heddle::lisp
