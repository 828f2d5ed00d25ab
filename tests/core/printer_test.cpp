#include "lisp/text/printer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lisp/text/utf8.h"
#include "support/data.h"

namespace heddle::lisp {
namespace {

class PrinterTest : public testing::Test {
 protected:
  std::string text(Value value, Style style) {
    std::string out;
    EXPECT_TRUE(print(out, value, style));
    return out;
  }
  // A text as the data in it are printed again.
  std::string write(std::string_view source, Style style = Style::kWrite) {
    return text(datum(machine_, source), style);
  }

  Machine machine_;
  Heap& heap_ = machine_.heap();
};

TEST_F(PrinterTest, write_and_display) {
  const char* source = "(1 \"a\\n\\\"b\\\\\" #\\a #\\space sym |a b| #t () . tail)";
  EXPECT_EQ(write(source), "(1 \"a\\n\\\"b\\\\\" #\\a #\\space sym |a b| #t () . tail)");
  EXPECT_EQ(write(source, Style::kDisplay), "(1 a\n\"b\\ a   sym a b #t () . tail)");
  EXPECT_EQ(displayed(heap_.string("\xce\xbb")), "\xce\xbb");
  EXPECT_EQ(written(heap_.string("\x01\x7f\xc2\x85")), "\"\\x1;\\x7f;\xc2\x85\"");
}

TEST_F(PrinterTest, characters_that_do_not_show_are_numbers_or_names) {
  EXPECT_EQ(written(Value::character(0)), "#\\null");
  EXPECT_EQ(written(Value::character(1)), "#\\x1");
  EXPECT_EQ(written(Value::character(0xa0)), "#\\xa0");
  EXPECT_EQ(written(Value::character(0x2028)), "#\\x2028");
  EXPECT_EQ(written(Value::character(0x1f600)), "#\\\xf0\x9f\x98\x80");
}

TEST_F(PrinterTest, symbols_have_bars_where_the_reader_would_see_something_else) {
  for (const char* name : {"",
                           "\xef\xbb\xbf"
                           "a",
                           ".",
                           "1",
                           "+1",
                           "-.5",
                           "1a",
                           "a b",
                           "a(b",
                           "#a",
                           "a'b",
                           "a|b",
                           "a\\b",
                           "a;b",
                           "+inf.0",
                           "-NaN.0",
                           "a\nb",
                           "\xc2\xa0",
                           "[",
                           "{}",
                           "`",
                           ","}) {
    const std::string result = written(heap_.symbol(name));
    EXPECT_EQ(result.front(), '|') << name;
    EXPECT_EQ(datum(machine_, result), heap_.symbol(name)) << result;
  }
  for (const char* name :
       {"a", "+", "-", "...", "->", "1+", "-1+", "+a", "a.b", "a#", "+inf", "inf.0", ":key", "\xce\xbb"}) {
    EXPECT_EQ(written(heap_.symbol(name)), name);
    EXPECT_EQ(datum(machine_, name), heap_.symbol(name));
  }
}

TEST_F(PrinterTest, write_labels_cycles_only) {
  EXPECT_EQ(write("(#0=(a) #0#)"), "((a) (a))");
  EXPECT_EQ(write("#0=(a b . #0#)"), "#0=(a b . #0#)");
  EXPECT_EQ(write("(x #0=(a #0#) #1=#(#1#) #0#)"), "(x #0=(a #0#) #1=#(#1#) #0#)");
  EXPECT_EQ(write("#0=(a b . #0#)", Style::kDisplay), "#0=(a b . #0#)");
  EXPECT_EQ(write("(a . #0=(b . #0#))"), "(a . #0=(b . #0#))");
}

TEST_F(PrinterTest, write_shared_labels_everything_that_is_met_twice) {
  EXPECT_EQ(write("(#0=(a) #0#)", Style::kWriteShared), "(#0=(a) #0#)");
  EXPECT_EQ(write("(#1=#(a) #0=(b . #1#) #0# . #1#)", Style::kWriteShared), "(#0=#(a) #1=(b . #0#) #1# . #0#)");
  EXPECT_EQ(write("(a a \"x\")", Style::kWriteShared), "(a a \"x\")");
}

TEST_F(PrinterTest, write_simple_has_no_labels_and_a_limit) {
  EXPECT_EQ(write("(#0=(a) #0#)", Style::kWriteSimple), "((a) (a))");
  std::string out;
  EXPECT_FALSE(print(out, datum(machine_, "#0=(a . #0#)"), Style::kWriteSimple, 1000));
  EXPECT_LT(out.size(), 1100u);
}

TEST_F(PrinterTest, what_has_no_text_of_its_own_has_a_stable_one) {
  EXPECT_EQ(written(kEof), "#<eof>");
  EXPECT_EQ(written(kUnspecified), "#<unspecified>");
  machine_.error("RangeError", "no good");
  EXPECT_EQ(written(machine_.raised()), "#<condition RangeError: no good>");

  auto* type = heap_.make<RecordType>(Type::kRecordType);
  type->name = heap_.symbol("point");
  type->fields = datum(machine_, "#(x y)");
  auto* record = heap_.make<Record>(Type::kRecord, Record::size(2), 2);
  record->type = Value::object(type);
  record->fields[0] = Value::fixnum(1);
  record->fields[1] = Value::object(record);
  EXPECT_EQ(written(Value::object(record)), "#0=#<point x=1 y=#0#>");
  EXPECT_EQ(written(Value::object(type)), "#<record-type point>");
}

TEST_F(PrinterTest, the_shape_of_shared_data_costs_at_most_the_limit) {
  // 2^60 leaves.
  Value tree = kNil;
  for (u32 i = 0; i < 60; ++i) tree = heap_.cons(tree, tree);
  std::string out;
  EXPECT_FALSE(print(out, tree, Style::kWrite, 100'000));
  EXPECT_LT(out.size(), 101'000u);
  out.clear();
  EXPECT_TRUE(print(out, tree, Style::kWriteShared, 100'000));
  EXPECT_EQ(shown(tree).substr(0, 4), "((((");
}

TEST_F(PrinterTest, deep_and_long_data_need_no_stack) {
  Value deep = kNil;
  Value spine = kNil;
  for (u32 i = 0; i < 300'000; ++i) {
    deep = heap_.cons(deep, kNil);
    spine = heap_.cons(Value::fixnum(1), spine);
  }
  EXPECT_EQ(text(deep, Style::kWrite).size(), 600'002u);
  EXPECT_EQ(text(spine, Style::kWrite).size(), 600'001u);
}

TEST_F(PrinterTest, shown_is_cut_at_characters) {
  EXPECT_EQ(shown(Value::fixnum(5)), "5");
  EXPECT_EQ(shown(heap_.string(std::string(200, 'x'))), "\"" + std::string(79, 'x') + "...");
  std::string lambdas;
  for (u32 i = 0; i < 100; ++i) lambdas += "\xce\xbb";
  EXPECT_EQ(shown(heap_.symbol(lambdas)), lambdas.substr(0, 160) + "...");
  EXPECT_EQ(shown(datum(machine_, "#0=(a . #0#)")).size(), 83u);
}

// --- read(write(x)) is x

// Data of a seed: of every kind that has a text, with parts that are shared, and cycles.
class Growth {
 public:
  Growth(Heap& heap, u64 seed) : heap_(heap), state_(seed) {}

  Value grow(u32 depth) {
    if (!made_.empty() && below(8) == 0) return made_[below(static_cast<u32>(made_.size()))];
    switch (below(depth == 0 ? 8 : 14)) {
      case 0: return Value::fixnum(static_cast<i64>(below(2000)) - 1000);
      case 1: return Value::boolean(below(2) == 0);
      case 2: return Value::character(character());
      case 3: return heap_.string(name());
      case 4: return heap_.symbol(name());
      case 5: return kNil;
      case 6: {
        const Value bytes = heap_.bytes(below(4));
        for (u32 i = 0; i < bytes.to_object()->length; ++i) as<Bytes>(bytes)->data[i] = static_cast<u8>(below(256));
        return bytes;
      }
      case 7: return heap_.symbol("quote");
      case 8:
      case 9: {
        const Value vector = heap_.vector(below(4), kNil);
        made_.push_back(vector);
        for (u32 i = 0; i < vector.to_object()->length; ++i) as<Vector>(vector)->items[i] = grow(depth - 1);
        return vector;
      }
      default: {
        const Value pair = heap_.cons(kNil, kNil);
        made_.push_back(pair);
        pair.to_pair()->car = grow(depth - 1);
        pair.to_pair()->cdr = grow(depth - 1);
        return pair;
      }
    }
  }

 private:
  u32 below(u32 bound) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<u32>((state_ >> 33) % bound);
  }
  u32 character() {
    constexpr u32 kChars[] = {'a',    'Z',     '0',  '9', '+',  '-',  '.',  '#',  '|',  '\\',  '"',
                              ' ',    '\n',    '\t', 0,   7,    0x1b, 0x7f, 0xa0, 0xe9, 0x3bb, 0x2028,
                              0xfeff, 0x1f600, '(',  ')', '\'', ';',  ',',  '[',  'x',  '1'};
    return kChars[below(std::size(kChars))];
  }
  std::string name() {
    std::string text;
    for (u32 i = below(6); i > 0; --i) append_utf8(text, character());
    return text;
  }

  Heap& heap_;
  u64 state_;
  std::vector<Value> made_;
};

// Whether two data have the same shape, shared parts and cycles included: walks both at once, each pair of objects
// once. `exact`: what is one object here is one there.
bool is_same(Value left, Value right, bool exact) {
  std::vector<std::pair<Value, Value>> open{{left, right}};
  std::vector<std::pair<Value, Value>> seen;
  while (!open.empty()) {
    const auto [a, b] = open.back();
    open.pop_back();
    if (is_string(a)) {
      if (!is_string(b) || !equal(as<String>(a), as<String>(b))) return false;
    } else if (is_a(a, Type::kBytes)) {
      if (!is_a(b, Type::kBytes) || written(a) != written(b)) return false;
    } else if (a.is_pair() || (is_a(a, Type::kVector) && a.to_object()->length != 0)) {
      if (a.is_pair() != b.is_pair() || (!b.is_pair() && !is_a(b, Type::kVector))) return false;
      bool is_known = false;
      for (const auto& [x, y] : seen) {
        if (exact && (x == a) != (y == b)) return false;
        is_known |= x == a && y == b;
      }
      if (is_known) continue;
      seen.push_back({a, b});
      if (a.is_pair()) {
        open.push_back({car(a), car(b)});
        open.push_back({cdr(a), cdr(b)});
        continue;
      }
      if (a.to_object()->length != b.to_object()->length) return false;
      for (u32 i = 0; i < a.to_object()->length; ++i)
        open.push_back({as<Vector>(a)->items[i], as<Vector>(b)->items[i]});
    } else if (is_a(a, Type::kVector)) {
      if (!is_a(b, Type::kVector) || b.to_object()->length != 0) return false;
    } else if (a != b) {
      return false;
    }
  }
  return true;
}

TEST_F(PrinterTest, what_is_written_reads_back_as_the_same) {
  for (u64 seed = 0; seed < 600; ++seed) {
    const Value value = Growth(heap_, seed).grow(5);
    for (const Style style : {Style::kWrite, Style::kWriteShared}) {
      std::string out;
      // Shared parts that a plain `write` repeats may make it long.
      if (!print(out, value, style, 100'000)) continue;
      const Value again = datum(machine_, out);
      ASSERT_NE(again, kRaised) << out << "\n" << raised_text(machine_);
      ASSERT_TRUE(is_same(value, again, style == Style::kWriteShared)) << out << "\n" << text(again, style);
      ASSERT_EQ(text(again, style), out);
    }
  }
}

}  // namespace
}  // namespace heddle::lisp
