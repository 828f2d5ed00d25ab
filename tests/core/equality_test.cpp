#include "lisp/equality.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lisp/heap/heap.h"

namespace heddle::lisp {
namespace {

struct Equality : testing::Test {
  Value list(std::initializer_list<Value> items) {
    Value result = kNil;
    for (auto item = items.end(); item != items.begin();) result = heap.cons(*--item, result);
    return result;
  }
  Value number(i64 n) { return Value::fixnum(n); }
  // A circular list of so many ones.
  Value circle(u32 length) {
    Value last = heap.cons(number(1), kNil);
    Value list = last;
    for (u32 i = 1; i < length; ++i) list = heap.cons(number(1), list);
    last.to_pair()->cdr = list;
    return list;
  }
  // Shares its halves: 2^depth leaves.
  Value bush(u32 depth, Value leaf) {
    for (u32 i = 0; i < depth; ++i) leaf = heap.cons(leaf, leaf);
    return leaf;
  }

  Heap heap;
};

TEST_F(Equality, eqv_compares_numbers_by_value_and_all_else_by_identity) {
  EXPECT_TRUE(is_eqv(heap.flonum(1.5), heap.flonum(1.5)));
  EXPECT_FALSE(is_eqv(heap.flonum(1), number(1)));
  EXPECT_FALSE(is_eqv(heap.flonum(0.0), heap.flonum(-0.0)));
  EXPECT_TRUE(is_eqv(heap.flonum(std::nan("")), heap.flonum(std::nan(""))));
  EXPECT_FALSE(is_eqv(heap.string("a"), heap.string("a")));
  EXPECT_FALSE(is_eqv(heap.cons(kNil, kNil), heap.cons(kNil, kNil)));
  EXPECT_TRUE(is_eqv(heap.symbol("a"), heap.symbol("a")));
  EXPECT_FALSE(is_eqv(kFalse, kNil));
}

TEST_F(Equality, equal_compares_pairs_vectors_and_texts_by_content) {
  Value vector = heap.vector(2, heap.string("x"));
  Value same = heap.vector(2, heap.string("x"));
  EXPECT_TRUE(is_equal(list({number(1), vector, heap.string("t")}), list({number(1), same, heap.string("t")})));
  EXPECT_FALSE(is_equal(vector, heap.vector(3, heap.string("x"))));
  EXPECT_FALSE(is_equal(list({number(1), number(2)}), list({number(1)})));
  EXPECT_FALSE(is_equal(list({number(1)}), list({number(1), number(2)})));
  EXPECT_TRUE(is_equal(heap.bytes(3, 7), heap.bytes(3, 7)));
  EXPECT_FALSE(is_equal(heap.bytes(3, 7), heap.bytes(3, 8)));
  EXPECT_FALSE(is_equal(vector, list({heap.string("x"), heap.string("x")})));
  EXPECT_TRUE(is_equal(heap.cons(number(1), vector), heap.cons(number(1), same)));
  EXPECT_FALSE(is_equal(heap.cons(vector, number(1)), heap.cons(same, number(2))));
  EXPECT_FALSE(is_equal(heap.cons(vector, vector), heap.cons(same, number(2))));
  EXPECT_FALSE(is_equal(list({vector, vector}), heap.cons(same, same)));
  EXPECT_FALSE(is_equal(heap.box(kNil), heap.box(kNil)));
}

TEST_F(Equality, equal_terminates_on_circles) {
  EXPECT_TRUE(is_equal(circle(1), circle(1)));
  EXPECT_TRUE(is_equal(circle(2), circle(3)));
  EXPECT_TRUE(is_equal(circle(997), circle(1009)));
  Value other = circle(1000);
  Value at = other;
  for (int i = 0; i < 500; ++i) at = cdr(at);
  at.to_pair()->car = number(2);
  EXPECT_FALSE(is_equal(circle(1000), other));
  Value left = heap.vector(2, number(1));
  as<Vector>(left)->items[1] = left;
  Value right = heap.vector(2, number(1));
  as<Vector>(right)->items[1] = right;
  EXPECT_TRUE(is_equal(left, right));
  Value deep = heap.cons(kNil, kNil);
  deep.to_pair()->car = deep;
  Value deeper = heap.cons(heap.cons(kNil, kNil), kNil);
  car(deeper).to_pair()->car = deeper;
  EXPECT_TRUE(is_equal(deep, deeper));
}

TEST_F(Equality, equal_takes_time_in_proportion_to_what_there_is_in_memory) {
  u64 work = 0;
  EXPECT_TRUE(is_equal(bush(200, number(1)), bush(200, number(1)), &work));
  EXPECT_LT(work, 20000u);
  work = 0;
  EXPECT_FALSE(is_equal(bush(200, heap.flonum(1)), bush(200, heap.flonum(2)), &work));
  EXPECT_LT(work, 20000u);
  // Nodes that lie along the cdr are noted down only now and then.
  Value left = number(1);
  Value right = number(1);
  for (int i = 0; i < 2000; ++i) {
    left = heap.cons(heap.cons(left, number(i)), left);
    right = heap.cons(heap.cons(right, number(i)), right);
  }
  work = 0;
  EXPECT_TRUE(is_equal(left, right, &work));
  EXPECT_LT(work, 2000000u);
}

TEST_F(Equality, equal_uses_no_stack_for_depth) {
  Value left = kNil;
  Value right = kNil;
  for (int i = 0; i < 1000000; ++i) {
    left = heap.cons(left, kNil);
    right = heap.cons(right, kNil);
  }
  EXPECT_TRUE(is_equal(left, right));
  EXPECT_FALSE(is_equal(left, cdr(heap.cons(kNil, car(right)))));
}

TEST_F(Equality, equal_values_have_equal_hashes) {
  Value vector = heap.vector(2, heap.flonum(2.5));
  Value same = heap.vector(2, heap.flonum(2.5));
  EXPECT_EQ(hash_equal(list({vector, heap.string("a")})), hash_equal(list({same, heap.string("a")})));
  EXPECT_NE(hash_equal(list({number(1), number(2)})), hash_equal(list({number(2), number(1)})));
  EXPECT_EQ(hash_eqv(heap.flonum(1.5)), hash_eqv(heap.flonum(1.5)));
  u64 work = 0;
  hash_equal(circle(3), &work);
  EXPECT_LE(work, 2 * kHashedNodes);
}

TEST_F(Equality, portable_hashes_know_no_addresses) {
  EXPECT_EQ(hash_portable(heap.box(kNil)), hash_portable(heap.box(kTrue)));
  EXPECT_EQ(hash_equal(list({heap.box(kNil)})), hash_equal(list({heap.box(kTrue)})));
  EXPECT_NE(hash_equal(heap.box(kNil)), hash_equal(heap.box(kNil)));
}

}  // namespace
}  // namespace heddle::lisp
