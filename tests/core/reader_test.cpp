#include "lisp/text/reader.h"

#include <gtest/gtest.h>

#include <string>

#include "lisp/text/sources.h"
#include "support/data.h"

namespace heddle::lisp {
namespace {

class ReaderTest : public testing::Test {
 protected:
  std::string read(std::string_view text) { return read_all(machine_, text); }
  std::string read_port(std::string_view text) {
    Reader reader(machine_, Text::of(as<String>(machine_.heap().string(text))));
    const Value datum = reader.read();
    return datum == kRaised ? raised_text(machine_) : written(datum);
  }

  Machine machine_;
};

TEST_F(ReaderTest, reads_data_of_every_kind) {
  EXPECT_EQ(read("(a (b . c) d)"), "(a (b . c) d)");
  EXPECT_EQ(read("(a . (b . (c . ())))"), "(a b c)");
  EXPECT_EQ(read("()"), "()");
  EXPECT_EQ(read("#(1 #() \"x\")"), "#(1 #() \"x\")");
  EXPECT_EQ(read("#u8(0 10 255) #u8()"), "#u8(0 10 255) #u8()");
  EXPECT_EQ(read("#t #f #true #false #T #FALSE"), "#t #f #t #f #t #f");
  EXPECT_EQ(read("'a `(b ,c ,@d)"), "(quote a) (quasiquote (b (unquote c) (unquote-splicing d)))");
  EXPECT_EQ(read("'() '#(a) ''a"), "(quote ()) (quote #(a)) (quote (quote a))");
  EXPECT_EQ(read(""), "");
  EXPECT_EQ(read("  \n\t\r\n "), "");
}

TEST_F(ReaderTest, numbers_are_those_of_parse_number) {
  EXPECT_EQ(read("1 -2 +3 007 #xff #b-101 #d10 #e1.5 1/2 1.5 -0.5 1e3 .5"),
            "1 -2 3 7 255 -5 10 3/2 1/2 1.5 -0.5 1000.0 0.5");
  EXPECT_EQ(read("123456789012345678901234567890"), "123456789012345678901234567890");
  EXPECT_EQ(read("+inf.0 -inf.0 +nan.0"), "+inf.0 -inf.0 +nan.0");
}

TEST_F(ReaderTest, symbols) {
  EXPECT_EQ(read("a + - ... ->x <=? !$%&*/:<=>?^_~ a.b +a -. 1+ -1+ :key Ab"),
            "a + - ... ->x <=? !$%&*/:<=>?^_~ a.b +a |-.| 1+ -1+ :key Ab");
  EXPECT_EQ(read("|a b| || |a\\|b| |\\x41;\\n| |1| |a|b"), "|a b| || |a\\|b| |A\\n| |1| a b");
  EXPECT_EQ(read("\xce\xbb \xe4\xb8\xad"), "\xce\xbb \xe4\xb8\xad");
}

TEST_F(ReaderTest, case_matters_unless_a_directive_says_otherwise) {
  EXPECT_EQ(read("Abc #!fold-case Abc #\\NEWLINE \"ABC\" #!no-fold-case Abc"), "Abc abc #\\newline \"ABC\" Abc");
  EXPECT_EQ(read("#!fold-case STRA\xc3\x9f"
                 "E"),
            "strasse");
}

TEST_F(ReaderTest, characters) {
  EXPECT_EQ(read("#\\a #\\A #\\( #\\) #\\; #\\\" #\\# #\\x #\\x41 #\\x3bb #\\\xce\xbb"),
            "#\\a #\\A #\\( #\\) #\\; #\\\" #\\# #\\x #\\A #\\\xce\xbb #\\\xce\xbb");
  EXPECT_EQ(read("#\\space #\\newline #\\tab #\\nul #\\null #\\return #\\alarm #\\backspace #\\delete #\\escape #\\ "),
            "#\\space #\\newline #\\tab #\\null #\\null #\\return #\\alarm #\\backspace #\\delete #\\escape #\\space");
  EXPECT_EQ(read("(#\\a)"), "(#\\a)");
  EXPECT_EQ(read("(#\\))"), "(#\\))");
}

TEST_F(ReaderTest, strings) {
  EXPECT_EQ(read(R"("a\a\b\t\n\r\"\\\|\x41;\X3bb;")"), "\"a\\a\\b\\t\\n\\r\\\"\\\\|A\xce\xbb\"");
  EXPECT_EQ(read("\"a\\\n   b\" \"a \\  \r\n\t b\" \"a\\\rb\""), "\"ab\" \"a b\" \"ab\"");
  // Every end of a line in a string is a newline.
  EXPECT_EQ(read("\"a\r\nb\rc\nd\""), "\"a\\nb\\nc\\nd\"");
  EXPECT_EQ(read("\"\""), "\"\"");
}

TEST_F(ReaderTest, comments) {
  EXPECT_EQ(read("a ; b\nc"), "a c");
  EXPECT_EQ(read("a ; b\rc ; d"), "a c");
  EXPECT_EQ(read("a #| b #| c |# d |# e"), "a e");
  EXPECT_EQ(read("a #;(b c) d #;e"), "a d");
  EXPECT_EQ(read("(a #;b . #;c d #;e)"), "(a . d)");
  EXPECT_EQ(read("#;#;a b c"), "c");
  EXPECT_EQ(read("#;'a b '#;c d"), "b (quote d)");
  EXPECT_EQ(read("#||##|a|#b #|||#"), "b");
  EXPECT_EQ(read("#!/usr/bin/env heddle\na"), "a");
  EXPECT_EQ(read("\xef\xbb\xbf#! /bin/x\na"), "a");
}

TEST_F(ReaderTest, white_space_of_all_unicode_separates) {
  EXPECT_EQ(read("a\xc2\xa0"
                 "b\xe3\x80\x80"
                 "c\x0c"
                 "d"),
            "a b c d");
}

TEST_F(ReaderTest, datum_labels) {
  EXPECT_EQ(read("(#0=(a) #0# #1=\"x\" #1#)"), "((a) (a) \"x\" \"x\")");
  EXPECT_EQ(read("#0=(a . #0#)"), "#0=(a . #0#)");
  EXPECT_EQ(read("#0=(#0# . #0#)"), "#0=(#0# . #0#)");
  EXPECT_EQ(read("#7=#(a #7# #8=(#7# #8#))"), "#0=#(a #0# #1=(#0# #1#))");
  EXPECT_EQ(read("#0='#0#"), "#0=(quote #0#)");
  EXPECT_EQ(read("#0=(#1=#0# #1#)"), "#0=(#0# #0#)");
  // A label is known in its own datum only.
  EXPECT_EQ(read("#0=a #0=b"), "a b");
  const Value shared = datum(machine_, "(#0=(a) #0#)");
  EXPECT_EQ(car(shared), car(cdr(shared)));
}

struct Malformed {
  const char* text;
  const char* error;  // the last place is where it was noticed
};

TEST_F(ReaderTest, malformed_texts_say_what_is_wrong_and_where) {
  const Malformed cases[] = {
      {"(a", "unclosed list, opened at t:1:1 [1:3]"},
      {"x\n  (a (b)\n (", "unclosed list, opened at t:3:2 [3:3]"},
      {"#(a", "unclosed vector, opened at t:1:1 [1:4]"},
      {"#u8(1", "unclosed bytevector, opened at t:1:1 [1:6]"},
      {"(a . ", "unclosed list, opened at t:1:1 [1:6]"},
      {"(a . b", "unclosed list, opened at t:1:1 [1:7]"},
      {"(\"abc", "unclosed string, opened at t:1:2 [1:6]"},
      {"\"abc\\", "unclosed string, opened at t:1:1 [1:6]"},
      {"\"abc\\x4", "unclosed string, opened at t:1:1 [1:8]"},
      {"\"abc\\   ", "unclosed string, opened at t:1:1 [1:9]"},
      {"|abc", "unclosed symbol |, opened at t:1:1 [1:5]"},
      {"a #| b #| |#", "unclosed comment #|, opened at t:1:3 [1:13]"},
      {"'", "nothing behind ', opened at t:1:1 [1:2]"},
      {"(,@ ; x", "nothing behind ,@, opened at t:1:2 [1:8]"},
      {"#;", "nothing behind #;, opened at t:1:1 [1:3]"},
      {"#0=", "nothing behind #0=, opened at t:1:1 [1:4]"},
      {"#\\", "unfinished character #\\, opened at t:1:1 [1:3]"},
      {"#", "unfinished #, opened at t:1:1 [1:2]"},
      {"#12", "unfinished datum label, opened at t:1:1 [1:4]"},
      {")", "unexpected ) [1:1]"},
      {"(a))", "unexpected ) [1:4]"},
      {"(a ')", "nothing behind ' [1:5]"},
      {"(#;)", "nothing behind #; [1:4]"},
      {"(#0=)", "nothing behind #0= [1:5]"},
      {"(a . )", "nothing behind the dot [1:6]"},
      {"( . a)", "nothing before the dot [1:3]"},
      {"(a . b c)", "more than one datum behind the dot [1:8]"},
      {"(a . b . c)", "unexpected dot [1:8]"},
      {".", "unexpected dot [1:1]"},
      {"#(a . b)", "unexpected dot [1:5]"},
      {"'. a", "unexpected dot [1:2]"},
      {"[a]", "unexpected [: lists are written with ( and ) [1:1]"},
      {"(a}", "unexpected } in a} [1:2]"},
      {"(a }", "unexpected }: lists are written with ( and ) [1:4]"},
      {"a'b", "unexpected ' in a'b [1:1]"},
      {"a\\b", "unexpected \\ in a\\b [1:1]"},
      {"a\x7f", "unexpected control character in a\x7f [1:1]"},
      {"\x01", "unexpected character [1:1]"},
      {"12abc", "malformed number 12abc [1:1]"},
      {"-1x", "malformed number -1x [1:1]"},
      {".5.5", "malformed number .5.5 [1:1]"},
      {"1/0", "malformed number 1/0 [1:1]"},
      {"#xfg", "malformed number #xfg [1:1]"},
      {"#b", "malformed number #b [1:1]"},
      {"#u8(256)", "an element of a bytevector must be an integer from 0 to 255 [1:5]"},
      {"#u8(-1)", "an element of a bytevector must be an integer from 0 to 255 [1:5]"},
      {"#u8(a)", "an element of a bytevector must be an integer from 0 to 255 [1:5]"},
      {"#0=#u8(#0#)", "an element of a bytevector must be an integer from 0 to 255 [1:8]"},
      {"#u8", "unknown syntax #u8 [1:1]"},
      {"#truth", "unknown syntax #truth [1:1]"},
      {"#@", "unknown syntax #@ [1:1]"},
      {"#)", "unknown syntax # [1:1]"},
      {"#!wat", "unknown directive #!wat [1:1]"},
      {"#0#", "the datum label #0# is not defined [1:1]"},
      {"(#0=a #0=b)", "the datum label #0= is there twice [1:7]"},
      {"#0=#0#", "a datum label that stands for itself [1:4]"},
      {"#0=#1=#0#", "a datum label that stands for itself [1:7]"},
      {"#99999999999999999999=a", "the number of a datum label is too large [1:1]"},
      {"#1a", "unknown syntax #1 [1:1]"},
      {"#\\newlin", "unknown character name #\\newlin [1:1]"},
      {"#\\xd800", "#\\xd800 is no Unicode character [1:1]"},
      {"#\\x110000", "#\\x110000 is no Unicode character [1:1]"},
      {"#\\x123456789abcdef0", "#\\x123456789abcdef0 is no Unicode character [1:1]"},
      {"\"ab\\q\"", "unknown escape \\q [1:4]"},
      {"\"\\x41\"", "malformed escape: \\x needs hexadecimal digits and a semicolon [1:2]"},
      {"\"\\x;\"", "malformed escape: \\x needs hexadecimal digits and a semicolon [1:2]"},
      {"\"\\xzz;\"", "malformed escape: \\x needs hexadecimal digits and a semicolon [1:2]"},
      {"\"\\xdfff;\"", "\\xdfff; is no Unicode character [1:2]"},
      {"\"a\\ b\"", "a backslash before blanks must end its line [1:3]"},
      {"a \xff", "the text is not valid UTF-8 [1:3]"},
      {"\"\n\xc3\"", "the text is not valid UTF-8 [2:1]"},
      {"a\xed\xa0\x80", "the text is not valid UTF-8 [1:2]"},
      {";\xff\na", "the text is not valid UTF-8 [1:2]"},
      {"#|\xc0\x80|#", "the text is not valid UTF-8 [1:3]"},
  };
  for (const Malformed& malformed : cases) {
    std::string result = read(malformed.text);
    const std::size_t at = result.find("SyntaxError: ");
    ASSERT_NE(at, std::string::npos) << malformed.text << " gave " << result;
    EXPECT_EQ(result.substr(at + 13), malformed.error) << malformed.text;
  }
}

TEST_F(ReaderTest, every_beginning_of_a_right_text_is_right_or_incomplete) {
  const std::string text =
      "(define (f x) '(1 . #;z 2) `(,a ,@b) \"s\\x41;\\\n  t\" |q\\|r| #(1 2) #u8(1 2)) #| c #| |# |# #\\a #0=(a . "
      "#0#) ; e\n";
  EXPECT_EQ(completeness(machine_, text), Completeness::kComplete);
  for (std::size_t size = 0; size < text.size(); ++size) {
    const std::string_view beginning = std::string_view(text).substr(0, size);
    // "#u8" and "#!" alone are unknown syntax until their next character is there.
    if (beginning.ends_with("#u") || beginning.ends_with("#u8")) continue;
    EXPECT_NE(completeness(machine_, beginning), Completeness::kWrong) << beginning;
  }
}

TEST_F(ReaderTest, completeness_tells_open_from_wrong) {
  EXPECT_EQ(completeness(machine_, ""), Completeness::kComplete);
  EXPECT_EQ(completeness(machine_, "a (b) ; c"), Completeness::kComplete);
  EXPECT_EQ(completeness(machine_, "(a"), Completeness::kIncomplete);
  EXPECT_EQ(completeness(machine_, "(a \"b"), Completeness::kIncomplete);
  EXPECT_EQ(completeness(machine_, "a '"), Completeness::kIncomplete);
  EXPECT_EQ(completeness(machine_, "(a))"), Completeness::kWrong);
  EXPECT_EQ(completeness(machine_, "(a ]"), Completeness::kWrong);
  EXPECT_EQ(completeness(machine_, "(a . b c"), Completeness::kWrong);
}

TEST_F(ReaderTest, pairs_say_where_their_form_begins) {
  const u16 source = machine_.sources().add("file.scm");
  Reader reader(machine_, "\n (a\n   (b) 'c)", source);
  const Value form = reader.read();
  const auto place = [&](Value value) {
    return machine_.sources().place(value.to_pair()->aux, value.to_pair()->length);
  };
  EXPECT_EQ(place(form), "file.scm:2:2");
  EXPECT_EQ(place(car(cdr(form))), "file.scm:3:4");
  EXPECT_EQ(place(car(cdr(cdr(form)))), "file.scm:3:8");
  EXPECT_EQ(cdr(form).to_pair()->length, 0u);
}

TEST_F(ReaderTest, an_error_of_a_program_has_its_place_as_position) {
  read("\n (a");
  EXPECT_EQ(machine_.position_of(machine_.raised()), "t:2:4");
}

TEST_F(ReaderTest, columns_count_characters_and_saturate) {
  EXPECT_EQ(read("\xce\xbb\xce\xbb )"), "\xce\xbb\xce\xbb SyntaxError: unexpected ) [1:4]");
  const std::string text = std::string(10'000, ' ') + "(a)";
  const Value form = Reader(machine_, text, 1).read();
  EXPECT_EQ(form.to_pair()->length, packed_place(1, kMaxColumn));
}

TEST_F(ReaderTest, literals_of_a_program_are_immutable_what_read_makes_is_not) {
  EXPECT_TRUE(as<String>(datum(machine_, "\"a\""))->is_immutable());
  EXPECT_EQ(as<Vector>(datum(machine_, "#(a)"))->aux, 1);
  Reader reader(machine_, Text::of(as<String>(machine_.heap().string("\"a\" #(a)"))));
  EXPECT_FALSE(as<String>(reader.read())->is_immutable());
  EXPECT_EQ(as<Vector>(reader.read())->aux, 0);
}

TEST_F(ReaderTest, reads_from_the_middle_of_a_ports_text) {
  const Value text = machine_.heap().string("(a)\n b \xce\xbb )");
  u64 at = 0;
  std::string all;
  for (;;) {
    Reader reader(machine_, Text::of(as<String>(text), static_cast<u32>(at)));
    const Value datum = reader.read();
    at = reader.at();
    if (datum == kRaised) break;
    all += written(datum) + " ";
  }
  EXPECT_EQ(all, "(a) b \xce\xbb ");
  EXPECT_EQ(raised_text(machine_), "ReadError: read: unexpected ), at input:2:6");
  EXPECT_EQ(read_port("(a"), "ReadError: read: unclosed list, opened at input:1:1, at input:1:3");
}

// --- Hostile texts

TEST_F(ReaderTest, a_million_parentheses_are_a_datum_or_an_error) {
  const std::string open(1'000'000, '(');
  Reader unclosed(machine_, open, 1);
  EXPECT_EQ(unclosed.read(), kRaised);
  EXPECT_TRUE(unclosed.failure().is_incomplete);
  const std::string both = open + std::string(1'000'000, ')');
  Reader closed(machine_, both, 1);
  Value at = closed.read();
  u32 depth = 0;
  for (; at.is_pair(); at = car(at)) ++depth;
  EXPECT_EQ(depth, 999'999u);
  EXPECT_EQ(closed.read(), kEof);
}

TEST_F(ReaderTest, other_deep_texts) {
  const u32 depth = 300'000;
  const auto repeated = [&](std::string_view piece) {
    std::string text;
    for (u32 i = 0; i < depth; ++i) text += piece;
    return text;
  };
  const auto is_incomplete = [&](const std::string& text) {
    return completeness(machine_, text) == Completeness::kIncomplete;
  };
  EXPECT_TRUE(is_incomplete(repeated("'")));
  EXPECT_TRUE(is_incomplete(repeated("#(")));
  EXPECT_TRUE(is_incomplete(repeated("(a . ")));
  EXPECT_TRUE(is_incomplete(repeated("#;")));
  EXPECT_TRUE(is_incomplete(repeated("#|")));
  EXPECT_TRUE(is_incomplete(repeated("#;(")));
  std::string labels;
  for (u32 i = depth; i > 0; --i) labels += "#" + std::to_string(i) + "=(";
  EXPECT_TRUE(is_incomplete(labels));
}

TEST_F(ReaderTest, a_text_that_needs_more_than_the_heap_has_is_a_heap_limit) {
  Machine small(u64{1} << 20);
  const std::string open(1'000'000, '(');
  Reader reader(small, open, 1);
  EXPECT_EQ(reader.read(), kRaised);
  EXPECT_EQ(raised_text(small).substr(0, 9), "HeapLimit");
}

TEST_F(ReaderTest, random_bytes_are_data_or_errors) {
  constexpr std::string_view kPieces[] = {"(",           ")",        "#(",   "#u8(", "'",   ",@",  "`",  ".", " ",
                                          "\n",          "\"",       "|",    "\\",   "#;",  "#|",  "|#", ";", "#\\",
                                          "x",           "41",       "a",    "#0=",  "#0#", "#1#", "-",  "1", "#x",
                                          "#!fold-case", "\xce\xbb", "\xff", "[",    "#t",  "\t",  "\r"};
  u64 state = 1;
  for (u32 round = 0; round < 3000; ++round) {
    std::string text;
    for (u32 i = 0; i < 1 + round % 40; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      text += kPieces[(state >> 33) % std::size(kPieces)];
    }
    Reader reader(machine_, text, 1);
    u64 last = 0;
    for (;;) {
      const Value datum = reader.read();
      if (datum == kEof || datum == kRaised) break;
      EXPECT_GT(reader.at(), last) << text;
      last = reader.at();
      written(datum);
    }
  }
}

// --- Sources

TEST(Sources, a_name_has_one_number_and_the_latest_text) {
  Sources sources;
  const u16 a = sources.add("a", "first\nsecond");
  const u16 b = sources.add("b");
  EXPECT_NE(a, b);
  EXPECT_EQ(sources.add("a", "x\r\ny\rz"), a);
  EXPECT_EQ(sources.place(a, packed_place(3, 5)), "a:3:5");
  EXPECT_EQ(sources.place(0, packed_place(1, 2)), "input:1:2");
  EXPECT_EQ(sources.line(a, packed_place(2, 1)), "y");
  EXPECT_EQ(sources.line(a, packed_place(3, 1)), "z");
  EXPECT_EQ(sources.line(a, packed_place(4, 1)), "");
  EXPECT_EQ(sources.line(b, packed_place(1, 1)), "");
}

TEST(Sources, names_and_texts_are_bounded) {
  Sources sources;
  for (u32 i = 0; i < 70'000; ++i) sources.add(std::to_string(i), "text");
  EXPECT_EQ(sources.add("new"), Sources::kShared);
  EXPECT_EQ(sources.name(Sources::kShared), "(program)");
  EXPECT_EQ(sources.name(sources.add("17")), "17");
  Sources large;
  for (u32 i = 0; i < 8; ++i) large.add(std::to_string(i), std::string(1'000'000, 'x'));
  EXPECT_EQ(large.line(1, packed_place(1, 1)), "");
  EXPECT_EQ(large.line(8, packed_place(1, 1)).size(), 200u);
}

}  // namespace
}  // namespace heddle::lisp
