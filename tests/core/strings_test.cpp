#include "lisp/text/strings.h"

#include <string>

#include "lisp/text/unicode.h"
#include "support/lisp.h"

namespace heddle::lisp {
namespace {

class StringsTest : public Lisp {
 protected:
  struct Example {
    const char* form;
    const char* value;
  };
  template <std::size_t N>
  void expect(const Example (&examples)[N]) {
    for (const Example& example : examples) EXPECT_EQ(eval(example.form), example.value) << example.form;
  }
};

// --- In memory

TEST(Strings, appending_shares_bytes_and_changing_takes_them_apart) {
  Heap heap;
  const auto text = [](Value value) { return utf8_of(as<String>(value)); };
  const Value a = heap.string(std::string(100, 'a'));
  const Value x = heap.string("x");
  const Value first[] = {a, x};
  const Value b = concatenate(heap, first, 2);
  const Value second[] = {b, x};
  const Value c = concatenate(heap, second, 2);
  EXPECT_EQ(as<String>(b)->bytes, as<String>(c)->bytes);
  // Appending to b once more: its place is taken.
  const Value third[] = {b, heap.string("y")};
  const Value d = concatenate(heap, third, 2);
  EXPECT_EQ(text(c), std::string(100, 'a') + "xx");
  EXPECT_EQ(text(d), std::string(100, 'a') + "xy");
  own_bytes(heap, as<String>(b), false);
  set_char(as<String>(b), 0, 'B');
  EXPECT_EQ(text(b), "B" + std::string(99, 'a') + "x");
  EXPECT_EQ(text(c), std::string(100, 'a') + "xx");
  own_bytes(heap, as<String>(c), true);
  set_char(as<String>(c), 0, 0x3bb);
  EXPECT_EQ(text(c), "\xce\xbb" + std::string(99, 'a') + "xx");
  EXPECT_EQ(text(a), std::string(100, 'a'));
}

TEST(Strings, a_string_that_grows_is_not_copied_each_time) {
  Heap heap;
  Value text = heap.string("");
  const Value piece = heap.string("0123456789");
  const u64 before = heap.used();
  for (u32 i = 0; i < 100'000; ++i) {
    const Value parts[] = {text, piece};
    text = concatenate(heap, parts, 2);
  }
  EXPECT_EQ(as<String>(text)->length, 1'000'000u);
  // A header for each, and a few copies.
  EXPECT_LT(heap.used() - before, 10'000'000u);
  EXPECT_EQ(char_at(as<String>(text), 999'999), u32{'9'});
}

TEST(Strings, a_wide_character_widens_what_grows) {
  Heap heap;
  String* text = new_string(heap, 0, false);
  for (u32 i = 0; i < 1000; ++i) append_char(heap, text, i == 500 ? 0x1f600 : 'a' + i % 26);
  const Value copy = snapshot(heap, text);
  append_char(heap, text, 'z');
  EXPECT_EQ(as<String>(copy)->length, 1000u);
  EXPECT_EQ(char_at(text, 500), 0x1f600u);
  EXPECT_EQ(char_at(text, 999), u32{'a' + 999 % 26});
  EXPECT_TRUE(equal(as<String>(copy), as<String>(substring(heap, text, 0, 1000))));
  EXPECT_FALSE(as<String>(substring(heap, text, 0, 500))->is_wide());
}

TEST(Strings, order_is_that_of_code_points_whatever_the_width) {
  Heap heap;
  const auto order = [&](const char* left, const char* right) {
    return compare(as<String>(heap.string(left)), as<String>(heap.string(right)));
  };
  EXPECT_LT(order("a", "b"), 0);
  EXPECT_LT(order("a", "aa"), 0);
  EXPECT_LT(order("\xc3\xbf", "\xce\xbb"), 0);
  EXPECT_GT(order("\xf0\x9f\x98\x80", "\xef\xbf\xbd"), 0);
  EXPECT_EQ(order("", ""), 0);
}

// --- Characters (R7RS 6.6)

TEST_F(StringsTest, examples_of_characters) {
  expect({{"(list (char-upcase #\\i) (char-downcase #\\I) (char-foldcase #\\I))", "(#\\I #\\i #\\i)"},
          {"(list (char-upcase #\\x3b1) (char-upcase #\\xdf) (char-downcase #\\x3a3))",
           "(#\\\xce\x91 #\\\xc3\x9f #\\\xcf\x83)"},
          {"(char-foldcase #\\x3c2)", "#\\\xcf\x83"},
          {"(map char-alphabetic? (list #\\a #\\1 #\\x3bb #\\x4e2d #\\_))", "(#t #f #t #t #f)"},
          {"(map char-numeric? (list #\\1 #\\x664 #\\a #\\xbd))", "(#t #t #f #f)"},
          {"(map char-whitespace? (list #\\space #\\newline #\\xa0 #\\a))", "(#t #t #t #f)"},
          {"(map char-upper-case? (list #\\A #\\a #\\x3a3 #\\x1c5))", "(#t #f #t #f)"},
          {"(map char-lower-case? (list #\\A #\\a #\\xaa #\\x1c5))", "(#f #t #t #f)"},
          {"(map digit-value (list #\\3 #\\x664 #\\xae6 #\\xea6))", "(3 4 0 #f)"},
          {"(list (char->integer #\\A) (integer->char 955))", "(65 #\\\xce\xbb)"},
          {"(list (char<? #\\a #\\b #\\c) (char<? #\\a #\\c #\\b) (char=? #\\a #\\a #\\a) (char>=? #\\b #\\b #\\a))",
           "(#t #f #t #t)"},
          {"(list (char-ci=? #\\a #\\A) (char-ci<? #\\a #\\B) (char-ci>? #\\a #\\B))", "(#t #t #f)"}});
  EXPECT_EQ(eval("(integer->char #xd800)").substr(0, 10), "RangeError");
  EXPECT_EQ(eval("(integer->char #x110000)").substr(0, 10), "RangeError");
  EXPECT_EQ(eval("(integer->char -1)").substr(0, 10), "RangeError");
  EXPECT_EQ(eval("(char<? #\\b #\\a 5)").substr(0, 9), "TypeError");
  EXPECT_EQ(eval("(char-upcase \"a\")").substr(0, 9), "TypeError");
}

// --- Strings (R7RS 6.7)

TEST_F(StringsTest, examples_of_strings) {
  expect({{"(list (make-string 3 #\\a) (string-length (make-string 2)) (string) (string #\\a #\\x3bb))",
           "(\"aaa\" 2 \"\" \"a\xce\xbb\")"},
          {"(string-ref \"a\xce\xbb"
           "c\" 1)",
           "#\\\xce\xbb"},
          {"(let ((s (make-string 3 #\\*))) (string-set! s 0 #\\?) (string-set! s 2 #\\x3bb) s)", "\"?*\xce\xbb\""},
          {"(list (string<? \"a\" \"b\" \"c\") (string<? \"a\" \"a\") (string=? \"a\" \"a\" \"a\") (string>=? \"b\" "
           "\"a\" \"a\"))",
           "(#t #f #t #t)"},
          {"(list (string-ci=? \"Stra\xc3\x9f"
           "e\" \"STRASSE\") (string-ci<? \"a\" \"B\"))",
           "(#t #t)"},
          {"(list (string-upcase \"Stra\xc3\x9f"
           "e\") (string-downcase \"\xce\xa7\xce\x91\xce\x9f\xce\xa3\") (string-foldcase \"\xce\xa3\"))",
           "(\"STRASSE\" \"\xcf\x87\xce\xb1\xce\xbf\xcf\x82\" \"\xcf\x83\")"},
          {"(list (substring \"abcdef\" 1 3) (substring \"abc\" 1) (string-append) (string-append \"a\" \"\" \"bc\"))",
           "(\"bc\" \"bc\" \"\" \"abc\")"},
          {"(list (string->list \"apple\" 2) (string->list \"abc\" 1 2) (list->string '(#\\a #\\b)))",
           "((#\\p #\\l #\\e) (#\\b) \"ab\")"},
          {"(list (string-copy \"hello\") (string-copy \"hello\" 2) (string-copy \"hello\" 2 4))",
           "(\"hello\" \"llo\" \"ll\")"},
          {"(let ((a (string-copy \"12345\")) (b \"abcde\")) (string-copy! a 1 b 0 2) a)", "\"1ab45\""},
          {"(let ((a (string-copy \"12345\"))) (string-copy! a 1 a 0 4) a)", "\"11234\""},
          {"(let ((a (string-copy \"12345\"))) (string-copy! a 0 a 1) a)", "\"23455\""},
          {"(let ((s (string-copy \"abcd\"))) (string-fill! s #\\x 1 3) s)", "\"axxd\""},
          {"(let ((s (string-copy \"abcd\"))) (string-fill! s #\\x3bb 3) s)", "\"abc\xce\xbb\""},
          {"(string-map char-upcase \"abc\")", "\"ABC\""},
          {"(string-map (lambda (c k) ((if (eqv? k #\\u) char-upcase char-downcase) c)) \"studlycaps xxx\" "
           "\"ululululul\")",
           "\"StUdLyCaPs\""},
          {"(let ((v '())) (string-for-each (lambda (a b) (set! v (cons (list a b) v))) \"abc\" \"12\") v)",
           "((#\\b #\\2) (#\\a #\\1))"},
          {"(list (string->symbol \"mISS\") (symbol->string 'a) (eq? 'a (string->symbol (string #\\a))))",
           "(mISS \"a\" #t)"}});
}

TEST_F(StringsTest, searching_cutting_joining) {
  expect({{"(list (string-contains \"abcabd\" \"abd\") (string-contains \"abc\" \"x\") (string-contains \"abc\" \"\") "
           "(string-contains \"aab\" \"ab\"))",
           "(3 #f 0 1)"},
          {"(list (string-search-forward \"b\" \"abcb\" 2) (string-search-backward \"b\" \"abcb\" 3) "
           "(string-search-all \"aa\" \"aaaa\"))",
           "(3 2 (0 1 2))"},
          {"(list (string-search-backward \"aa\" \"aaaa\") (string-search-backward \"x\" \"abc\") "
           "(string-search-backward \"\" \"abc\"))",
           "(4 #f 3)"},
          {"(list (string-index \"a b c\" #\\space) (string-index \"a b c\" char-whitespace? 2) (string-rindex \"a b "
           "c\" #\\space) (string-index \"abc\" #\\x))",
           "(1 3 3 #f)"},
          {"(list (string-prefix? \"ab\" \"abc\") (string-suffix? \"bc\" \"abc\") (string-prefix? \"abc\" \"ab\") "
           "(string-suffix? \"\" \"\"))",
           "(#t #t #f #t)"},
          {"(list (string-split \"a,b,,c\" #\\,) (string-split \"a--b\" \"--\") (string-split \"\" \",\") "
           "(string-split \" a  b \"))",
           "((\"a\" \"b\" \"\" \"c\") (\"a\" \"b\") () (\"a\" \"b\"))"},
          {"(list (string-join '(\"a\" \"b\") \", \") (string-join '(\"a\" \"b\")) (string-join '()) (string-join "
           "'(\"a\" \"b\") \";\" 'suffix))",
           "(\"a, b\" \"a b\" \"\" \"a;b;\")"},
          {"(list (string-trim \"  a b \") (string-trim-left \"  a \") (string-trim-right \" a  \") (string-trim "
           "\"xxaxx\" #\\x) (string-trim \"   \"))",
           "(\"a b\" \"a \" \" a\" \"a\" \"\")"},
          {"(list (string-pad-left \"7\" 3 #\\0) (string-pad-left \"12345\" 3) (string-pad-right \"7\" 3) "
           "(string-pad-right \"12345\" 3))",
           "(\"007\" \"345\" \"7  \" \"123\")"},
          {"(list (string-reverse \"abc\") (string-null? \"\") (string-null? \"a\") (string-concatenate '(\"a\" "
           "\"b\")) (string-count \"banana\" #\\a))",
           "(\"cba\" #t #f \"ab\" 3)"}});
}

TEST_F(StringsTest, literals_and_names_of_symbols_do_not_change) {
  EXPECT_EQ(eval("(string-set! \"abc\" 0 #\\x)"),
            "TypeError: string-set!: argument 1 must be a string that is no literal, got \"abc\"");
  EXPECT_EQ(eval("(string-fill! (symbol->string 'a) #\\x)").substr(0, 9), "TypeError");
  EXPECT_EQ(eval("(string-copy! \"abc\" 0 \"x\")").substr(0, 9), "TypeError");
}

TEST_F(StringsTest, wrong_arguments_are_typed_errors) {
  const Example errors[] = {
      {"(string-ref \"abc\" 3)", "RangeError"},
      {"(string-ref \"abc\" -1)", "RangeError"},
      {"(string-ref \"abc\" 1.0)", "TypeError"},
      {"(string-ref 'abc 1)", "TypeError"},
      {"(substring \"abc\" 2 1)", "RangeError"},
      {"(substring \"abc\" 0 4)", "RangeError"},
      {"(make-string -1)", "RangeError"},
      {"(make-string 1000000000000 #\\a)", "RangeError"},
      {"(string-append \"a\" 5)", "TypeError"},
      {"(list->string '(1))", "TypeError"},
      {"(list->string '(#\\a . #\\b))", "TypeError"},
      {"(string-copy! (make-string 2) 1 \"ab\")", "RangeError"},
      {"(string-split \"a\" \"\")", "RangeError"},
      {"(string-join '(a) \"\")", "TypeError"},
      {"(string-join '(\"a\") \",\" 'other)", "TypeError"},
      {"(string<? \"b\" \"a\" 5)", "TypeError"},
      {"(string-map char-upcase 5)", "TypeError"},
      {"(string-pad-left \"a\" -1)", "RangeError"},
      {"(string #\\a \"b\")", "TypeError"},
  };
  for (const Example& example : errors) {
    const std::string result = eval(example.form);
    EXPECT_EQ(result.substr(0, result.find(':')), example.value) << example.form << " gave " << result;
  }
}

TEST_F(StringsTest, a_giant_string_is_a_heap_limit) {
  machine_.heap().set_limit(machine_.heap().used() + (u64{16} << 20));
  EXPECT_EQ(eval("(let loop ((s \"0123456789\")) (loop (string-append s s)))").substr(0, 9), "HeapLimit");
  EXPECT_EQ(eval("(string-length \"still here\")"), "10");
}

TEST_F(StringsTest, searching_is_linear) {
  // 2 * 10^5 characters each; steps would be 10^10 otherwise.
  EXPECT_EQ(eval("(let ((text (make-string 200000 #\\a)) (pattern (string-append (make-string 100000 #\\a) \"b\")))"
                 "  (list (string-contains text pattern) (string-search-backward pattern text)))"),
            "(#f #f)");
}

TEST_F(StringsTest, a_string_built_by_appending_changes_alone) {
  EXPECT_EQ(eval("(define a (make-string 100 #\\a))"
                 "(define b (string-append a \"b\"))"
                 "(define c (string-append b \"c\"))"
                 "(define d (string-append b \"d\"))"
                 "(string-set! b 100 #\\B)"
                 "(string-set! c 0 #\\x3bb)"
                 "(list (string-ref a 0) (string-ref b 100) (string-ref c 100) (string-ref c 101) (string-ref d 0)"
                 "      (string-ref d 101) (string-length b))"),
            "(#\\a #\\B #\\b #\\c #\\a #\\d 101)");
}

// --- Unicode

TEST(Unicode, mappings_agree_with_each_other) {
  u32 letters = 0;
  for (u32 c = 0; c <= 0x10ffff; ++c) {
    letters += is_alphabetic(c);
    ASSERT_FALSE(is_upper_case(c) && is_lower_case(c)) << c;
    ASSERT_EQ(foldcase(foldcase(c)), foldcase(c)) << c;
    ASSERT_EQ(upcase(upcase(c)), upcase(c)) << c;
    ASSERT_TRUE(!is_upper_case(c) || downcase(c) == c || is_lower_case(downcase(c))) << c;
    ASSERT_TRUE(full_upcase(c).count > 1 || full_upcase(c).chars[0] == upcase(c)) << c;
  }
  EXPECT_EQ(letters, 133'396u);  // of Unicode 14
}

}  // namespace
}  // namespace heddle::lisp
