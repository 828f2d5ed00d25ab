#include "lisp/hash_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kernel/random.h"

namespace heddle::lisp {
namespace {

struct Roots : RootSet {
  std::vector<Value> values;
  void mark_roots(Heap& heap) override {
    for (Value value : values) heap.mark(value);
  }
  void forget_dead(Heap&) override {}
};

// A table and what it should hold, in order.
struct HashTables : testing::TestWithParam<TableKind> {
  HashTables() { heap.add_roots(&roots); }

  // A key that is equal to no other number's in this kind of table.
  Value key(u32 number) {
    switch (GetParam()) {
      case TableKind::kEq: return Value::fixnum(number);
      case TableKind::kEqv: return number % 2 == 0 ? Value::fixnum(number) : heap.flonum(number);
      case TableKind::kEqual: return heap.cons(heap.string("key"), Value::fixnum(number));
      case TableKind::kString: return heap.string(std::to_string(number));
    }
    return kFalse;
  }

  void expect_same(Value table, const std::vector<std::pair<u32, i64>>& model) {
    ASSERT_EQ(hash_table_size(table), model.size());
    u32 at = 0;
    Value found;
    Value value;
    for (auto [number, expected] : model) {
      ASSERT_TRUE(hash_table_next(table, at, found, value));
      ASSERT_EQ(value, Value::fixnum(expected));
      ASSERT_EQ(hash_table_get(table, key(number), kFalse), Value::fixnum(expected));
    }
    ASSERT_FALSE(hash_table_next(table, at, found, value));
  }

  Heap heap;
  Roots roots;
};

TEST_P(HashTables, do_what_a_list_in_order_of_insertion_does) {
  Random random(5, static_cast<u64>(GetParam()));
  Value table = make_hash_table(heap, GetParam());
  roots.values = {table};
  std::vector<std::pair<u32, i64>> model;
  for (int round = 0; round < 12; ++round) {
    u32 keys = round % 3 == 0 ? 8 : 300;
    for (int i = 0; i < 500; ++i) {
      u32 number = random.below(keys);
      auto entry = std::find_if(model.begin(), model.end(), [&](auto& e) { return e.first == number; });
      if (random.below(3) != 0) {
        ASSERT_TRUE(hash_table_put(heap, table, key(number), Value::fixnum(i)));
        if (entry == model.end()) {
          model.push_back({number, i});
        } else {
          entry->second = i;
        }
      } else {
        ASSERT_EQ(hash_table_remove(heap, table, key(number)), entry != model.end());
        if (entry != model.end()) model.erase(entry);
      }
      if (i % 5 == 0) heap.collect_some();
    }
    expect_same(table, model);
    if (HasFatalFailure()) return;
  }
  expect_same(hash_table_copy(heap, table), model);
  hash_table_clear(heap, table);
  expect_same(table, {});
}

TEST_P(HashTables, do_not_grow_by_removing_and_putting) {
  Value table = make_hash_table(heap, GetParam());
  roots.values = {table};
  for (u32 i = 0; i < 100; ++i) hash_table_put(heap, table, key(i), kTrue);
  heap.collect_all();
  u64 used = heap.used();
  for (u32 i = 0; i < 10000; ++i) {
    hash_table_remove(heap, table, key(i));
    hash_table_put(heap, table, key(i + 100), kTrue);
  }
  heap.collect_all();
  EXPECT_LE(heap.used(), 2 * used);
  EXPECT_EQ(hash_table_size(table), 100u);
}

TEST_P(HashTables, cost_work_in_proportion_to_their_entries) {
  Value table = make_hash_table(heap, GetParam());
  u64 work = 0;
  for (u32 i = 0; i < 20000; ++i) ASSERT_TRUE(hash_table_put(heap, table, key(i), kTrue, &work));
  for (u32 i = 0; i < 20000; ++i) ASSERT_EQ(hash_table_get(table, key(i), kFalse, &work), kTrue);
  EXPECT_LT(work, 20000u * 30);
}

TEST_P(HashTables, say_when_there_is_no_room) {
  Value table = make_hash_table(heap, GetParam());
  heap.set_limit(heap.used() + 10000);
  u32 count = 0;
  while (count < 1000 && hash_table_put(heap, table, Value::fixnum(count), kTrue)) ++count;
  EXPECT_LT(count, 1000u);
  EXPECT_EQ(hash_table_size(table), count);
  EXPECT_FALSE(hash_table_put(heap, table, Value::fixnum(count), kTrue));
  EXPECT_TRUE(hash_table_put(heap, table, Value::fixnum(0), kFalse));
}

INSTANTIATE_TEST_SUITE_P(Kinds, HashTables,
                         testing::Values(TableKind::kEq, TableKind::kEqv, TableKind::kEqual, TableKind::kString));

TEST(HashTable, takes_circular_keys) {
  Heap heap;
  Value table = make_hash_table(heap);
  Value first = heap.cons(Value::fixnum(1), kNil);
  first.to_pair()->cdr = first;
  Value second = heap.cons(Value::fixnum(1), heap.cons(Value::fixnum(1), kNil));
  cdr(second).to_pair()->cdr = second;
  for (int i = 0; i < 20; ++i) hash_table_put(heap, table, Value::fixnum(i), kFalse);
  hash_table_put(heap, table, first, kTrue);
  EXPECT_EQ(hash_table_get(table, second, kFalse), kTrue);
}

TEST(HashTable, keys_of_numbers_are_told_apart_by_exactness) {
  Heap heap;
  Value table = make_hash_table(heap, TableKind::kEqual);
  hash_table_put(heap, table, Value::fixnum(1), kTrue);
  EXPECT_EQ(hash_table_get(table, heap.flonum(1), kFalse), kFalse);
}

TEST(HashTable, may_be_emptied_while_it_is_gone_through) {
  Heap heap;
  Value table = make_hash_table(heap);
  for (int i = 0; i < 100; ++i) hash_table_put(heap, table, Value::fixnum(i), kTrue);
  u32 at = 0;
  u32 seen = 0;
  Value key;
  Value value;
  while (hash_table_next(table, at, key, value)) {
    ++seen;
    hash_table_remove(heap, table, key);
    if (seen == 50) hash_table_clear(heap, table);
  }
  EXPECT_EQ(seen, 50u);
}

}  // namespace
}  // namespace heddle::lisp
