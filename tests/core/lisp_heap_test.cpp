#include "lisp/heap/heap.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "kernel/random.h"
#include "lisp/heap/stack.h"

namespace heddle::lisp {
namespace {

struct Roots : RootSet {
  std::vector<Value> values;
  std::vector<Object*> stacks;
  std::function<void(Heap&)> when_forgetting;

  void mark_roots(Heap& heap) override {
    for (Value value : values) heap.mark(value);
    for (Object* stack : stacks) heap.look_at_stack(stack);
  }
  void forget_dead(Heap& heap) override {
    if (when_forgetting) when_forgetting(heap);
  }
};

struct LispHeap : testing::Test {
  LispHeap() { heap.add_roots(&roots); }

  Heap heap;
  Roots roots;
};

TEST_F(LispHeap, counts_the_cells_that_objects_lie_in) {
  EXPECT_EQ(heap.used(), 0u);
  heap.cons(kNil, kNil);
  EXPECT_EQ(heap.used(), 24u);
  heap.flonum(1.5);
  EXPECT_EQ(heap.used(), 40u);
  heap.vector(20, kNil);  // 168 bytes
  EXPECT_EQ(heap.used(), 40u + 192u);
  heap.collect_all();
  EXPECT_EQ(heap.used(), 0u);
  heap.vector(1000, kNil);
  EXPECT_EQ(heap.used(), 8016u);
  heap.collect_all();
  EXPECT_EQ(heap.used(), 0u);
}

TEST_F(LispHeap, gives_objects_whose_fields_are_zero_also_in_used_memory) {
  for (int round = 0; round < 3; ++round) {
    for (u32 words = 1; words < 400; ++words) {
      auto* vector = heap.make<Vector>(Type::kVector, Vector::size(words), words);
      for (u32 i = 0; i < words; ++i) {
        ASSERT_EQ(vector->items[i], Value::fixnum(0));
        vector->items[i] = kTrue;
      }
    }
    heap.collect_all();
  }
}

TEST_F(LispHeap, keeps_what_roots_refer_to_and_frees_the_rest) {
  roots.values = {kNil};
  for (int i = 0; i < 100000; ++i) roots.values[0] = heap.cons(Value::fixnum(i), roots.values[0]);
  u64 used = heap.used();
  for (int i = 0; i < 100000; ++i) heap.cons(kNil, roots.values[0]);
  heap.collect_all();
  EXPECT_EQ(heap.used(), used);
  int expected = 99999;
  for (Value list = roots.values[0]; list.is_pair(); list = cdr(list)) ASSERT_EQ(car(list), Value::fixnum(expected--));
  EXPECT_EQ(expected, -1);
  roots.values.clear();
  heap.collect_all();
  EXPECT_EQ(heap.used(), 0u);
}

TEST_F(LispHeap, makes_strings_of_utf8_as_narrow_as_they_can_be) {
  auto* ascii = as<String>(heap.string("abc"));
  EXPECT_EQ(ascii->length, 3u);
  EXPECT_FALSE(ascii->is_wide());
  auto* latin = as<String>(heap.string("\xc3\xa4h"));
  EXPECT_EQ(latin->length, 2u);
  EXPECT_FALSE(latin->is_wide());
  EXPECT_EQ(as<Bytes>(latin->bytes)->data[0], 0xe4);
  auto* wide = as<String>(heap.string("a\xf0\x9f\x98\x80"));
  EXPECT_EQ(wide->length, 2u);
  EXPECT_TRUE(wide->is_wide());
  auto* invalid = as<String>(heap.string("a\xff"));
  EXPECT_EQ(invalid->length, 2u);
  EXPECT_TRUE(invalid->is_wide());
  EXPECT_EQ(heap.string("").to_object()->length, 0u);
}

TEST_F(LispHeap, interns_symbols_by_their_characters) {
  Value symbol = heap.symbol("hello");
  EXPECT_EQ(heap.symbol("hello"), symbol);
  EXPECT_EQ(heap.symbol(heap.string("hello")), symbol);
  EXPECT_NE(heap.symbol("hello2"), symbol);
  Value other = heap.symbol("\xce\xbb");
  EXPECT_EQ(heap.symbol(heap.string("\xce\xbb")), other);
  EXPECT_NE(heap.uninterned(heap.string("hello")), symbol);
}

TEST_F(LispHeap, forgets_symbols_that_nothing_refers_to) {
  Value kept = heap.symbol("kept");
  roots.values.push_back(kept);
  for (int i = 0; i < 5000; ++i) heap.symbol("s" + std::to_string(i));
  EXPECT_EQ(heap.symbols(), 5001u);
  heap.collect_all();
  EXPECT_EQ(heap.symbols(), 1u);
  EXPECT_EQ(heap.symbol("kept"), kept);
}

}  // namespace
}  // namespace heddle::lisp
