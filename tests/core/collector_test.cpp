// The collector against a model: a random program on a graph of vectors, stacks and symbols, with pieces of collection
// in between. What the model reaches is there and unchanged; what it does not reach is free after a whole collection.
// Under AddressSanitizer free cells are poisoned, so that here every use of one is found.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "kernel/random.h"
#include "lisp/heap/heap.h"
#include "lisp/heap/stack.h"

namespace heddle::lisp {
namespace {

u64 cell_bytes(u64 bytes) {
  return bytes <= kMaxSmall ? kSizeClassTable.bytes[size_class(bytes)] : (bytes + 15) & ~u64{15};
}

class Program : RootSet {
 public:
  explicit Program(u64 seed) : random_(seed, 1) {
    heap.add_roots(this);
    nodes_.push_back({kNil, std::vector<u32>(20)});
    Value vector = heap.vector(21, kNil);
    as<Vector>(vector)->items[0] = Value::fixnum(0);
    nodes_[0].value = vector;
    for (Stack& stack : stacks_) {
      stack.chunk = static_cast<Chunk*>(heap.allocate(Type::kChunk, Chunk::size(kSlots), kSlots));
    }
  }

  void step() {
    switch (random_.below(8)) {
      case 0:
      case 1:
      case 2: add(); break;
      case 3: link(); break;
      case 4: unlink(); break;
      case 5: push(); break;
      case 6: pop(); break;
      case 7: change_stack(); break;
    }
  }

  void check() {
    for (u32 id : reachable()) {
      const Node& node = nodes_[id];
      ASSERT_TRUE(is_a(node.value, Type::kVector));
      auto* vector = as<Vector>(node.value);
      ASSERT_EQ(vector->items[0], Value::fixnum(id));
      ASSERT_EQ(vector->length, node.edges.size() + 1);
      for (u32 i = 0; i < node.edges.size(); ++i) ASSERT_EQ(vector->items[i + 1], value_of(node.edges[i]));
    }
  }

  // Without dead slots, a whole collection leaves exactly what the model reaches.
  void check_memory() {
    for (Stack& stack : stacks_) {
      // Slots that a frame has not written yet.
      for (u32 i = 0; i < stack.chunk->top; ++i) stack.chunk->slots[i] = value_of(stack.model[i]);
    }
    heap.collect_all();
    u64 expected = 0;
    for (const Stack& stack : stacks_) expected += cell_bytes(Chunk::size(stack.chunk->length));
    for (u32 id : reachable()) expected += cell_bytes(Vector::size(nodes_[id].edges.size() + 1));
    EXPECT_EQ(heap.used(), expected);
    check();
  }

  Heap heap;

 private:
  static constexpr u32 kSlots = 64;
  struct Node {
    Value value;
    std::vector<u32> edges;  // 0: none
  };
  struct Stack {
    Chunk* chunk = nullptr;
    std::vector<u32> model;
  };

  void mark_roots(Heap& h) override {
    h.mark(nodes_[0].value);
    h.look_at_stack(stacks_[running_].chunk);
    for (Stack& stack : stacks_) h.mark(Value::object(stack.chunk));
  }
  void forget_dead(Heap&) override {}

  Value value_of(u32 id) const { return id == 0 ? kNil : nodes_[id].value; }

  std::unordered_set<u32> reachable() const {
    std::unordered_set<u32> found = {0};
    std::vector<u32> open = {0};
    for (const Stack& stack : stacks_) open.insert(open.end(), stack.model.begin(), stack.model.end());
    while (!open.empty()) {
      u32 id = open.back();
      open.pop_back();
      found.insert(id);
      for (u32 edge : nodes_[id].edges) {
        if (found.insert(edge).second) open.push_back(edge);
      }
    }
    return found;
  }

  // Some node that a program could have in its hands: a walk from a root.
  u32 some() {
    const std::vector<u32>& model = stacks_[running_].model;
    u32 id = model.empty() || random_.below(2) == 0 ? 0 : model[random_.below(static_cast<u32>(model.size()))];
    for (u32 steps = random_.below(8); steps > 0; --steps) {
      u32 next = nodes_[id].edges[random_.below(static_cast<u32>(nodes_[id].edges.size()))];
      if (next == 0) break;
      id = next;
    }
    return id;
  }

  void set(u32 from, u32 edge, u32 to) {
    nodes_[from].edges[edge] = to;
    heap.write(as<Vector>(nodes_[from].value)->items[edge + 1], value_of(to));
  }
  u32 some_edge(u32 id) { return random_.below(static_cast<u32>(nodes_[id].edges.size())); }

  void add() {
    u32 size = random_.below(100) == 0 ? 300 + random_.below(2000) : 1 + random_.below(12);
    u32 id = static_cast<u32>(nodes_.size());
    Value value = heap.vector(size + 1, kNil);
    as<Vector>(value)->items[0] = Value::fixnum(id);
    nodes_.push_back({value, std::vector<u32>(size)});
    u32 from = some();
    set(from, some_edge(from), id);
  }
  void link() {
    u32 from = some();
    set(from, some_edge(from), some());
  }
  void unlink() {
    u32 from = some();
    set(from, some_edge(from), 0);
  }

  // A frame: its slots are not cleared, and only some are written.
  void push() {
    Stack& stack = stacks_[running_];
    u32 size = 1 + random_.below(6);
    if (stack.chunk->top + size > kSlots) return;
    for (u32 i = 0; i < size; ++i) {
      u32 id = random_.below(3) == 0 ? 0 : some();
      if (id != 0) stack.chunk->slots[stack.chunk->top + i] = value_of(id);
      added_.push_back(id);
    }
    stack.chunk->top += size;
    stack.model.insert(stack.model.end(), added_.begin(), added_.end());
    added_.clear();
  }
  void pop() {
    Stack& stack = stacks_[running_];
    u32 size = std::min(stack.chunk->top, random_.below(10));
    stack.chunk->top -= size;
    stack.model.resize(stack.chunk->top);
  }
  void change_stack() {
    running_ = random_.below(2);
    heap.look_at_stack(stacks_[running_].chunk);
  }

  Random random_;
  std::vector<Node> nodes_;
  Stack stacks_[2];
  std::vector<u32> added_;
  u32 running_ = 0;
};

TEST(Collector, keeps_what_a_random_program_reaches_and_frees_the_rest) {
  for (u64 seed = 1; seed <= 20; ++seed) {
    Program program(seed);
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 300; ++i) {
        program.step();
        if (i % 7 == 0) program.heap.collect_some();
      }
      program.check();
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(program.heap.collections(), 10u);
    program.check_memory();
    program.check_memory();
  }
}

TEST(Collector, survives_a_piece_of_collection_after_every_step) {
  Program program(77);
  for (int i = 0; i < 10000; ++i) {
    program.step();
    program.heap.collect_some();
  }
  program.check_memory();
}

struct Roots : RootSet {
  std::vector<Value> values;
  void mark_roots(Heap& heap) override {
    for (Value value : values) heap.mark(value);
  }
  void forget_dead(Heap&) override {}
};

struct CollectorPieces : testing::Test {
  CollectorPieces() { heap.add_roots(&roots); }
  // Whatever a piece meets: the largest object that is looked at in one go comes on top.
  static constexpr u64 kMostUnits = Heap::kSliceUnits + 4096;

  void expect_small_pieces() {
    u64 collections = heap.collections();
    while (heap.collections() == collections) {
      u64 before = heap.work();
      heap.collect_some();
      ASSERT_LE(heap.work() - before, kMostUnits);
    }
  }

  Heap heap;
  Roots roots;
};

TEST_F(CollectorPieces, are_bounded_for_one_huge_vector_and_its_items) {
  Value vector = heap.vector(1000000, kNil);
  roots.values = {vector};
  for (u32 i = 0; i < 1000000; i += 2) as<Vector>(vector)->items[i] = heap.flonum(i);
  expect_small_pieces();
  for (u32 i = 0; i < 1000000; i += 2) ASSERT_EQ(as<Flonum>(as<Vector>(vector)->items[i])->number, i);
  as<Vector>(vector)->length = 1000000;
  roots.values.clear();
  expect_small_pieces();
  EXPECT_EQ(heap.used(), 0u);
}

TEST_F(CollectorPieces, are_bounded_for_many_symbols_and_many_large_objects) {
  for (u32 i = 0; i < 100000; ++i) heap.symbol("symbol-" + std::to_string(i));
  for (u32 i = 0; i < 5000; ++i) heap.bytes(3000);
  expect_small_pieces();
  EXPECT_EQ(heap.used(), 0u);
  EXPECT_EQ(heap.symbols(), 0u);
}

TEST_F(CollectorPieces, are_bounded_for_a_deep_tree) {
  Value tree = kNil;
  for (int i = 0; i < 200000; ++i) tree = heap.cons(heap.cons(tree, kNil), heap.cons(kNil, kNil));
  roots.values = {tree};
  u64 used = heap.used();
  expect_small_pieces();
  EXPECT_EQ(heap.used(), used);
}

// What the machine does between instructions.
u64 most_used(Heap& heap, u64 bytes, u64* pieces) {
  u64 most = 0;
  u64 until = heap.allocated() + bytes;
  while (heap.allocated() < until) {
    heap.cons(kNil, kNil);
    if (heap.wants_collection()) {
      heap.collect_some();
      ++*pieces;
    }
    most = std::max(most, heap.used());
  }
  return most;
}

TEST_F(CollectorPieces, never_come_in_a_small_program) {
  u64 pieces = 0;
  most_used(heap, 3 << 20, &pieces);
  EXPECT_EQ(pieces, 0u);
}

TEST_F(CollectorPieces, come_often_enough_that_garbage_does_not_pile_up) {
  roots.values = {kNil};
  for (int i = 0; i < 1000000; ++i) roots.values[0] = heap.cons(kNil, roots.values[0]);
  heap.collect_all();
  u64 live = heap.used();
  u64 pieces = 0;
  u64 most = most_used(heap, 20 * live, &pieces);
  EXPECT_LT(most, live * 5 / 2);
  // And not so often that they cost more than the program: a heap is looked through about once for each time that
  // three quarters of it are allocated.
  EXPECT_LE(heap.collections(), 25u);
}

TEST_F(CollectorPieces, come_faster_where_the_limit_is_near) {
  roots.values = {kNil};
  for (int i = 0; i < 1000000; ++i) roots.values[0] = heap.cons(kNil, roots.values[0]);
  heap.collect_all();
  heap.set_limit(heap.used() + heap.used() / 5);
  u64 pieces = 0;
  u64 most = most_used(heap, 5 * heap.used(), &pieces);
  EXPECT_LE(most, heap.limit());
  EXPECT_FALSE(heap.is_over_limit());
}

TEST_F(CollectorPieces, beyond_the_limit_only_garbage_is_relief) {
  heap.set_limit(1 << 20);
  for (int i = 0; i < 50000; ++i) heap.cons(kNil, kNil);
  EXPECT_TRUE(heap.is_over_limit());
  EXPECT_TRUE(heap.wants_collection());
  EXPECT_FALSE(heap.has_room(1));
  u64 units = 0;
  EXPECT_TRUE(heap.relieve(&units));
  EXPECT_GT(units, 50000u);
  EXPECT_FALSE(heap.is_over_limit());
  EXPECT_TRUE(heap.has_room(1 << 20));
  EXPECT_FALSE(heap.has_room((1 << 20) + 1));
  roots.values = {kNil};
  for (int i = 0; i < 50000; ++i) roots.values[0] = heap.cons(kNil, roots.values[0]);
  EXPECT_FALSE(heap.relieve(&units));
}

TEST_F(CollectorPieces, keep_symbols_that_are_looked_up_while_they_run) {
  for (int i = 0; i < 30000; ++i) heap.symbol("other-" + std::to_string(i));
  for (int round = 0; round < 200; ++round) {
    Value symbol = heap.symbol("name-" + std::to_string(round % 5));
    roots.values = {symbol};
    heap.collect_some();
    ASSERT_EQ(heap.symbol("name-" + std::to_string(round % 5)), symbol);
    ASSERT_EQ(symbol.to_object()->type, Type::kSymbol);
  }
  EXPECT_GT(heap.collections(), 3u);
  heap.collect_all();
  EXPECT_EQ(heap.symbols(), 1u);
}

}  // namespace
}  // namespace heddle::lisp
