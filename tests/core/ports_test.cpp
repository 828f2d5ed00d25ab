#include "lisp/text/ports.h"

#include <string>

#include "support/lisp.h"

namespace heddle::lisp {
namespace {

class PortsTest : public Lisp {
 protected:
  PortsTest() {
    machine_.embedder = this;
    machine_.output = [](void* self, Value, std::string_view utf8, bool is_error) {
      auto* test = static_cast<PortsTest*>(self);
      (is_error ? test->errors_ : test->printed_) += utf8;
    };
  }
  // What a program prints.
  std::string prints(std::string_view text) {
    printed_.clear();
    const std::string value = eval(text);
    return value == "#<unspecified>" ? printed_ : value;
  }
  std::string printed_;
  std::string errors_;
};

TEST_F(PortsTest, the_console_gets_what_is_printed) {
  EXPECT_EQ(prints("(write \"a\\n\") (display \"a\\n\") (write-char #\\b) (write-string \"xyz\" (current-output-port) "
                   "1 2) (newline)"),
            "\"a\\n\"a\nby\n");
  EXPECT_EQ(prints("(writeln '(a \"b\"))"), "(a \"b\")\n");
  EXPECT_EQ(prints("(display \"oops\" (current-error-port))"), "");
  EXPECT_EQ(errors_, "oops");
  EXPECT_EQ(prints("(display '(\"a\" #\\b |c d|))"), "(a b c d)");
  EXPECT_EQ(prints("(flush-output-port)"), "");
}

TEST_F(PortsTest, the_console_belongs_to_all_and_cannot_be_closed) {
  EXPECT_EQ(prints("(close-port (current-output-port)) (display 1)"), "1");
  EXPECT_EQ(eval("(close-port (current-input-port)) (read-char)"), "#<eof>");
  EXPECT_EQ(eval("(list (read) (read-line) (peek-char) (read-string 5) (char-ready?))"),
            "(#<eof> #<eof> #<eof> #<eof> #t)");
}

TEST_F(PortsTest, output_goes_where_parameterize_says) {
  EXPECT_EQ(eval("(define p (open-output-string))"
                 "(parameterize ((current-output-port p)) (display \"in\") (newline))"
                 "(get-output-string p)"),
            "\"in\\n\"");
  EXPECT_EQ(eval("(with-output-to-string (lambda () (write 'a) (write \"b\")))"), "\"a\\\"b\\\"\"");
  EXPECT_EQ(eval("(parameterize ((current-output-port 5)) (display 1))"),
            "TypeError: display: argument 2 must be an open textual output port, got 5");
}

TEST_F(PortsTest, string_ports) {
  EXPECT_EQ(eval("(let ((p (open-output-string))) (write 'a p) (write-char #\\x3bb p) (display \"b c\" p) (newline p) "
                 "(get-output-string p))"),
            "\"a\xce\xbb"
            "b c\\n\"");
  EXPECT_EQ(eval("(let* ((p (open-output-string)) (a (begin (write 'a p) (get-output-string p)))) (write 'b p) "
                 "(string-set! a 0 #\\x)"
                 " (list a (get-output-string p)))"),
            "(\"x\" \"ab\")");
  EXPECT_EQ(eval("(let ((p (open-input-string \"ab\\ncd\\r\\ne\"))) (list (peek-char p) (read-char p) (read-line p) "
                 "(read-string 1 p) (read-line p) (read-line p) (read-line p)))"),
            "(#\\a #\\a \"b\" \"c\" \"d\" \"e\" #<eof>)");
  EXPECT_EQ(eval("(let ((p (open-input-string \"\"))) (list (read-string 0 p) (read-string 1 p) (read-char p)))"),
            "(\"\" #<eof> #<eof>)");
  // What happens to the string later does not show.
  EXPECT_EQ(eval("(let* ((s (string-copy \"abc\")) (p (open-input-string s))) (string-set! s 0 #\\x) (read-char p))"),
            "#\\a");
  EXPECT_EQ(eval("(call-with-output-string (lambda (p) (write '(1 \"2\") p)))"), "\"(1 \\\"2\\\")\"");
}

TEST_F(PortsTest, read_takes_data_one_by_one) {
  EXPECT_EQ(eval("(let ((p (open-input-string \"(a . b) #!fold-case C \\\"s\\\" #;d\"))) (list (read p) (read p) (read "
                 "p) (read p)))"),
            "((a . b) c \"s\" #<eof>)");
  EXPECT_EQ(eval("(read (open-input-string \"(a\\n b\"))"),
            "ReadError: read: unclosed list, opened at input:1:1, at input:2:3");
  EXPECT_EQ(eval("(define p (open-input-string \") a\"))"
                 "(list (guard (e ((read-error? e) 'bad)) (read p)) (read p))"),
            "(bad a)");
  EXPECT_EQ(eval("(read (open-input-string (make-string 300000 #\\()))").substr(0, 9), "ReadError");
  EXPECT_EQ(eval("(let ((x (read (open-input-string \"#0=(a . #0#)\")))) (eq? x (cdr x)))"), "#t");
}

TEST_F(PortsTest, bytevector_ports) {
  EXPECT_EQ(eval("(let ((p (open-input-bytevector #u8(1 2 3 4 5)))) (list (peek-u8 p) (read-u8 p) (u8-ready? p) "
                 "(read-bytevector 2 p) (read-bytevector 9 p) (read-u8 p) (read-bytevector 1 p)))"),
            "(1 1 #t #u8(2 3) #u8(4 5) #<eof> #<eof>)");
  EXPECT_EQ(eval("(let ((p (open-input-bytevector #u8(1 2 3))) (b (make-bytevector 5 0))) (list (read-bytevector! b p "
                 "1 3) b (read-bytevector! b p) b (read-bytevector! b p)))"),
            "(2 #u8(3 1 2 0 0) 1 #u8(3 1 2 0 0) #<eof>)");
  EXPECT_EQ(eval("(let ((p (open-output-bytevector))) (write-u8 1 p) (write-bytevector #u8(2 3 4) p 1) "
                 "(get-output-bytevector p))"),
            "#u8(1 3 4)");
  EXPECT_EQ(eval("(let ((p (open-output-bytevector))) (let loop ((i 0)) (if (< i 1000) (begin (write-u8 (modulo i 256) "
                 "p) (loop (+ i 1))))) (bytevector-u8-ref (get-output-bytevector p) 999))"),
            "231");
}

TEST_F(PortsTest, what_a_port_is) {
  EXPECT_EQ(eval("(let ((i (open-input-string \"\")) (o (open-output-bytevector)))"
                 "  (list (port? i) (port? 5) (input-port? i) (output-port? i) (textual-port? i) (binary-port? i)"
                 "        (output-port? o) (binary-port? o) (textual-port? o)))"),
            "(#t #f #t #f #t #f #t #t #f)");
  EXPECT_EQ(eval("(let ((i (open-input-string \"\"))) (let ((a (input-port-open? i))) (close-input-port i) (list a "
                 "(input-port-open? i))))"),
            "(#t #f)");
  EXPECT_EQ(eval("(list (eof-object) (eof-object? (eof-object)) (eof-object? 5))"), "(#<eof> #t #f)");
  EXPECT_EQ(eval("(let ((p (open-input-string \"a\"))) (call-with-values (lambda () (call-with-port p (lambda (p) "
                 "(values (read-char p) 2)))) (lambda (a b) (list a b (input-port-open? p)))))"),
            "(#\\a 2 #f)");
}

TEST_F(PortsTest, wrong_ports_are_type_errors) {
  const char* forms[] = {
      "(read-char (open-output-string))",
      "(read-char (open-input-bytevector #u8()))",
      "(read-u8 (open-input-string \"\"))",
      "(read-u8)",
      "(write 1 (open-input-string \"\"))",
      "(write-u8 1)",
      "(write-char \"a\")",
      "(write-string 'a)",
      "(display 1 2)",
      "(let ((p (open-input-string \"\"))) (close-port p) (read-char p))",
      "(let ((p (open-output-string))) (close-port p) (write 1 p))",
      "(input-port-open? (open-output-string))",
      "(close-input-port (open-output-string))",
      "(get-output-string (current-output-port))",
      "(get-output-string (open-output-bytevector))",
      "(open-input-string #\\a)",
      "(close-port 5)",
  };
  for (const char* form : forms) EXPECT_EQ(eval(form).substr(0, 10), "TypeError:") << form;
  EXPECT_EQ(eval("(write-u8 256 (open-output-bytevector))").substr(0, 10), "RangeError");
  EXPECT_EQ(eval("(write-string \"abc\" (open-output-string) 2 1)").substr(0, 10), "RangeError");
}

TEST_F(PortsTest, what_shares_too_much_to_be_written_is_a_heap_limit) {
  machine_.heap().set_limit(machine_.heap().used() + (u64{8} << 20));
  EXPECT_EQ(eval("(define t (let loop ((t '()) (n 60)) (if (= n 0) t (loop (cons t t) (- n 1)))))"
                 "(write t (open-output-string))")
                .substr(0, 9),
            "HeapLimit");
  EXPECT_EQ(eval("(define c (list 1)) (set-cdr! c c) (write-simple c (open-output-string))").substr(0, 9), "HeapLimit");
  EXPECT_EQ(eval("(let ((p (open-output-string))) (write c p) (get-output-string p))"), "\"#0=(1 . #0#)\"");
}

}  // namespace
}  // namespace heddle::lisp
