#include "lisp/identity_map.h"

#include <gtest/gtest.h>

#include <map>

namespace heddle::lisp {
namespace {

TEST(IdentityMapTest, finds_what_it_was_given_and_what_was_not_erased) {
  IdentityMap map;
  std::map<i64, u64> expected;
  u64 random = 1;
  for (u64 turn = 1; turn <= 20'000; ++turn) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const i64 key = static_cast<i64>(random >> 55);
    if ((random >> 40) % 2 == 0) {
      map[Value::fixnum(key)] = turn;
      expected[key] = turn;
    } else {
      map.erase(Value::fixnum(key));
      expected.erase(key);
    }
    ASSERT_EQ(map.size(), expected.size());
  }
  for (i64 key = 0; key < 512; ++key) {
    const u64* word = map.find(Value::fixnum(key));
    ASSERT_EQ(word != nullptr, expected.contains(key)) << key;
    if (word != nullptr) {
      EXPECT_EQ(*word, expected[key]);
    }
  }
}

TEST(IdentityMapTest, nothing_is_erased_from_an_empty_one) {
  IdentityMap map;
  map.erase(kNil);
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.find(kNil), nullptr);
}

}  // namespace
}  // namespace heddle::lisp
