#include "json_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace heddle::wasm {
namespace {

class Seen final : public JsonMembers {
 public:
  void number(std::string_view name, double value) override { numbers.emplace_back(name, value); }
  void other(std::string_view name) override { others.emplace_back(name); }

  std::vector<std::pair<std::string, double>> numbers;
  std::vector<std::string> others;
};

bool is_read(std::string_view text) {
  Seen seen;
  return JsonReader(text).read(seen);
}

TEST(JsonReaderTest, gives_the_members_of_the_object_in_their_order) {
  Seen seen;
  ASSERT_TRUE(
      JsonReader(" {\"a\" : 1 ,\n\"b\":true,\"c\":[1,{\"a\":2}],\"d\":-0.5e1, \"e\":{}, \"a\":\"x\"}\t").read(seen));
  EXPECT_EQ(seen.numbers, (std::vector<std::pair<std::string, double>>{{"a", 1}, {"d", -5}}));
  EXPECT_EQ(seen.others, (std::vector<std::string>{"b", "c", "e", "a"}));
}

TEST(JsonReaderTest, numbers_are_the_nearest_doubles) {
  Seen seen;
  ASSERT_TRUE(JsonReader("{\"a\":0.1,\"b\":12345678901234567890,\"c\":5e-324,\"d\":1.7976931348623157e308,\"e\":1e-400,"
                         "\"f\":9007199254740993,\"g\":0e99999999999999999999}")
                  .read(seen));
  const std::vector<std::pair<std::string, double>> expected = {
      {"a", 0.1}, {"b", 12345678901234567890.0}, {"c", 5e-324}, {"d", 1.7976931348623157e308},
      {"e", 0},   {"f", 9007199254740992},       {"g", 0}};
  EXPECT_EQ(seen.numbers, expected);
}

TEST(JsonReaderTest, names_may_be_written_with_escapes) {
  Seen seen;
  ASSERT_TRUE(JsonReader(R"({"\u0073e\u0065d":1,"a\n\"\\\/":2,"\u00e9":3})").read(seen));
  ASSERT_EQ(seen.numbers.size(), 3u);
  EXPECT_EQ(seen.numbers[0].first, "seed");
  EXPECT_EQ(seen.numbers[1].first, "a\n\"\\/");
  EXPECT_EQ(seen.numbers[2].first, "\xff");
}

TEST(JsonReaderTest, what_is_no_json_object_is_refused) {
  for (const char* text : {"",
                           " ",
                           "1",
                           "[]",
                           "null",
                           "{",
                           "}",
                           "{}}",
                           "{} x",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{,}",
                           "{\"a\" 1}",
                           "{a:1}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\":[}",
                           "{\"a\":[1,]}",
                           "{\"a\":[,1]}",
                           "{\"a\":[1}",
                           "{\"a\":{]}",
                           "{\"a\":tru}",
                           "{\"a\":truex}",
                           "{\"a\":01}",
                           "{\"a\":+1}",
                           "{\"a\":.5}",
                           "{\"a\":1.}",
                           "{\"a\":1e}",
                           "{\"a\":-}",
                           "{\"a\":1e+}",
                           "{\"a\":NaN}",
                           "{\"a\":1e999}",
                           "{\"a\":\"",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12g4\"}",
                           "{\"a\":\"\\",
                           "{\"a\":\"\n\"}",
                           "{\"a"}) {
    EXPECT_FALSE(is_read(text)) << text;
  }
}

TEST(JsonReaderTest, nesting_does_not_recurse) {
  const std::string deep(1'000'000, '[');
  EXPECT_FALSE(is_read("{\"a\":" + deep));
  EXPECT_TRUE(is_read("{\"a\":" + deep + std::string(deep.size(), ']') + "}"));
}

}  // namespace
}  // namespace heddle::wasm
