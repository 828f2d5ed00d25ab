#include "lisp/expander/expander.h"

#include "support/expansion.h"

namespace heddle::lisp {
namespace {

using ExpanderTest = ExpansionFixture;

TEST_F(ExpanderTest, constants_evaluate_to_themselves) {
  EXPECT_EQ(expand("42"), "42");
  EXPECT_EQ(expand("\"text\""), "\"text\"");
  EXPECT_EQ(expand("#(a b)"), "#(a b)");
  EXPECT_EQ(expand("'(a . b)"), "'(a . b)");
  EXPECT_EQ(expand(":name"), "':name");
  EXPECT_EQ(expand("()"), "SyntaxError: () is not an expression; the empty list is '()");
}

TEST_F(ExpanderTest, a_keyword_that_is_bound_is_a_variable) {
  EXPECT_EQ(expand("(let ((:x 1)) :x)"), "(let ((:x.1 1)) :x.1)");
  EXPECT_EQ(expand("(define :y 1) :y"), ":y");
}

TEST_F(ExpanderTest, lambda_binds_and_shadows) {
  EXPECT_EQ(expand("(lambda (x . y) (lambda (x) (f x y)))"), "(lambda (x.1 . y.2) (lambda (x.3) (f x.3 y.2)))");
  EXPECT_EQ(expand("(lambda (if) (if 1 2 3))"), "(lambda (if.1) (if.1 1 2 3))");
  EXPECT_EQ(expand("(lambda (x x) x)"), "SyntaxError: lambda: x is bound twice");
  EXPECT_EQ(expand("(lambda (1) x)"), "SyntaxError: lambda: expected a name to bind, got 1");
  EXPECT_EQ(expand("(lambda (x))"), "SyntaxError: lambda: expected (lambda (argument ...) body ...)");
}

TEST_F(ExpanderTest, a_call_of_a_lambda_is_a_let) {
  EXPECT_EQ(expand("((lambda (x y) (f x y)) 1 2)"), "(let ((x.1 1) (y.2 2)) (f x.1 y.2))");
  EXPECT_EQ(expand("((lambda (x) x) 1 2)"), "((lambda (x.1) x.1) 1 2)");
}

TEST_F(ExpanderTest, let_and_its_kin) {
  EXPECT_EQ(expand("(let ((x 1) (y x)) y)"), "(let ((x.1 1) (y.2 x)) y.2)");
  EXPECT_EQ(expand("(let* ((x 1) (x x)) x)"), "(let ((x.1 1)) (let ((x.2 x.1)) x.2))");
  EXPECT_EQ(expand("(let () 1)"), "1");
  EXPECT_EQ(expand("(let loop ((i 0)) (loop i))"), "(letrec ((loop.1 (lambda (i.2) (loop.1 i.2)))) (loop.1 0))");
  EXPECT_EQ(expand("(do ((i 0 (f i)) (j 1)) ((g i) j) (h i))"),
            "(letrec ((t.1 (lambda (i.2 j.3) (if (g i.2) j.3 (begin (h i.2) (t.1 (f i.2) j.3)))))) (t.1 0 1))");
  EXPECT_EQ(expand("(let ((x 1) (x 2)) x)"), "SyntaxError: let: x is bound twice");
  EXPECT_EQ(expand("(let ((x)) x)"), "SyntaxError: let: expected bindings ((name value) ...)");
}

TEST_F(ExpanderTest, let_values_calls_with_values) {
  EXPECT_EQ(expand("(let-values (((a b) (f)) (c (a))) (g a b c))"),
            "(call-with-values (lambda () (f)) (lambda (a.1 b.2) "
            "(call-with-values (lambda () (a)) (lambda (. c.3) (g a.1 b.2 c.3)))))");
  EXPECT_EQ(expand("(let*-values (((a) 1) ((b) a)) b)"),
            "(call-with-values (lambda () 1) (lambda (a.1) (call-with-values (lambda () a.1) (lambda (b.2) b.2))))");
}

TEST_F(ExpanderTest, conditionals) {
  EXPECT_EQ(expand("(if a b)"), "(if a b unspecified)");
  EXPECT_EQ(expand("(and)"), "#t");
  EXPECT_EQ(expand("(and a b c)"), "(if a (if b c #f) #f)");
  EXPECT_EQ(expand("(or a b)"), "(let ((t.1 a)) (if t.1 t.1 b))");
  EXPECT_EQ(expand("(when a b c)"), "(if a (begin b c) unspecified)");
  EXPECT_EQ(expand("(unless a b)"), "(if a unspecified b)");
  EXPECT_EQ(expand("(cond (a b) (c) (d => e) (else f g))"),
            "(if a b (let ((t.1 c)) (if t.1 t.1 (let ((t.2 d)) (if t.2 (e t.2) (begin f g))))))");
  EXPECT_EQ(expand("(cond (else 1) (a 2))"), "SyntaxError: cond: else is for the last clause and has expressions");
  EXPECT_EQ(expand("(case x ((1 a) b) ((\"s\") c) (else => d))"),
            "(let ((t.1 x)) (if (if (eq? t.1 1) #t (eq? t.1 'a)) b (if (eqv? t.1 \"s\") c (d t.1))))");
  EXPECT_EQ(expand("(case x ((1 2 3 4 5) b))"), "(let ((t.1 x)) (if (memv t.1 '(1 2 3 4 5)) b unspecified))");
}

TEST_F(ExpanderTest, words_of_forms_can_be_rebound) {
  EXPECT_EQ(expand("(let ((else #f)) (cond (else 1)))"), "(let ((else.1 #f)) (if else.1 1 unspecified))");
  EXPECT_EQ(expand("(let ((=> #f)) (cond (a => b)))"), "(let ((=>.1 #f)) (if a (begin =>.1 b) unspecified))");
  EXPECT_EQ(expand("(define (list . x) x) (let ((quote -)) '1)"), "(let ((quote.1 -)) (quote.1 1))");
}

TEST_F(ExpanderTest, definitions_inside_a_body_see_each_other) {
  EXPECT_EQ(expand("(lambda () (define (f) (g)) (define (g) (f)) (f))"),
            "(lambda () (letrec ((f.1 (lambda () (g.2))) (g.2 (lambda () (f.1)))) (f.1)))");
  EXPECT_EQ(expand("(lambda (x) (define x 1) x)"), "(lambda (x.1) (letrec ((x.2 1)) x.2))");
  EXPECT_EQ(expand("(let () (begin (define a 1) (begin)) (define b a) (f a b))"),
            "(letrec ((a.1 1) (b.2 a.1)) (f a.1 b.2))");
  EXPECT_EQ(expand("(let () (define a 1) (define a 2) a)"), "SyntaxError: define: a is bound twice");
  EXPECT_EQ(expand("(let () (define a 1))"), "SyntaxError: let: a body ends with an expression");
}

TEST_F(ExpanderTest, expressions_may_stand_between_definitions) {
  EXPECT_EQ(expand("(let () (f) (define a 1) (g) (define b 2) (h a b))"),
            "(letrec ((t.1 (f)) (a.2 1) (t.3 (g)) (b.4 2)) (h a.2 b.4))");
}

TEST_F(ExpanderTest, variables_that_may_be_seen_too_early_are_marked) {
  EXPECT_EQ(expand("(letrec ((a b) (b 1)) a)"), "(letrec ((a.1 b.2!) (b.2! 1)) a.1)");
  EXPECT_EQ(expand("(letrec ((a (lambda () b)) (b 1)) (a))"), "(letrec ((b.1 1) (a.2 (lambda () b.1))) (a.2))");
  // x calls f, which needs y: y is checked when f uses it.
  EXPECT_EQ(expand("(letrec* ((f (lambda () y)) (x (f)) (y 1)) x)"),
            "(letrec ((f.1 (lambda () y.2!)) (x.3 (f.1)) (y.2! 1)) x.3)");
  // x calls f, which calls g: both are made before x.
  EXPECT_EQ(expand("(letrec* ((f (lambda () (g))) (x (f)) (g (lambda () 1))) x)"),
            "(letrec ((f.1 (lambda () (g.2))) (g.2 (lambda () 1)) (x.3 (f.1))) x.3)");
  EXPECT_EQ(expand("(letrec ((x (delay x))) x)"),
            "(letrec ((x.1! (%make-lazy (lambda () (%make-promise x.1!))))) x.1!)");
}

TEST_F(ExpanderTest, definitions_at_the_top_level) {
  EXPECT_EQ(expand("(define x 1)"), "(define x 1)");
  EXPECT_EQ(expand("(define (f a . b) a)"), "(define f (lambda (a.1 . b.2) a.1))");
  EXPECT_EQ(expand("(begin (define a 1) (begin (define b 2)) (f))"), "(begin (define a 1) (define b 2) (f))");
  EXPECT_EQ(expand("(begin)"), "unspecified");
  EXPECT_EQ(expand("(define-values (a . b) (f))"),
            "(begin (define a unspecified) (define b unspecified) (call-with-values (lambda () (f)) "
            "(lambda (value.1 . value.2) (begin (set! a value.1) (set! b value.2)))))");
}

TEST_F(ExpanderTest, a_definition_is_no_expression) {
  EXPECT_EQ(expand("(if 1 (define x 1))"), "SyntaxError: define: a definition where an expression is expected");
  EXPECT_EQ(expand("(f (begin (define x 1) x))"), "SyntaxError: define: a definition where an expression is expected");
  EXPECT_EQ(expand("(+ 1 else)"), "SyntaxError: else is syntax, not a variable");
  EXPECT_EQ(expand("(=> 1)"), "SyntaxError: =>: has no meaning outside of the form that it belongs to");
  EXPECT_EQ(expand("(set! if 1)"), "SyntaxError: set!: if is syntax, not a variable");
}

TEST_F(ExpanderTest, quasiquote_in_full) {
  EXPECT_EQ(expand("`(a b)"), "'(a b)");
  EXPECT_EQ(expand("`(a ,b c)"), "(cons* 'a b '(c))");
  EXPECT_EQ(expand("`(a ,@b c)"), "(cons 'a (append b '(c)))");
  EXPECT_EQ(expand("`(,@b)"), "b");
  EXPECT_EQ(expand("`(a . ,b)"), "(cons 'a b)");
  EXPECT_EQ(expand("`#(a ,b)"), "(list->vector (list 'a b))");
  EXPECT_EQ(expand("`(1 `(2 ,(3 ,x)))"),
            "(list 1 (cons 'quasiquote (list (list 2 (cons 'unquote (list (list 3 x)))))))");
  EXPECT_EQ(expand("`(1 `,,@x)"), "(list 1 (cons 'quasiquote (list (cons 'unquote x))))");
  EXPECT_EQ(expand("`,@x"), "SyntaxError: unquote-splicing: splices into no list");
}

TEST_F(ExpanderTest, a_quasiquoted_constant_is_the_datum_itself) {
  EXPECT_EQ(expand("`(1 (2 `(3 ,4)))"), "'(1 (2 (quasiquote (3 (unquote 4)))))");
}

TEST_F(ExpanderTest, records_become_procedures) {
  EXPECT_EQ(expand("(define-record-type point (make-point y) point? (x point-x) (y point-y set-point-y!))"),
            "(begin (define point (%make-record-type 'point #(x y))) (define point point)"
            " (define make-point (lambda (y.1) (%record point #f y.1)))"
            " (define point? (lambda (record.2) (%record? record.2 point)))"
            " (define point-x (lambda (record.3) (%record-ref record.3 point 0 'point-x)))"
            " (define point-y (lambda (record.4) (%record-ref record.4 point 1 'point-y)))"
            " (define set-point-y! (lambda (record.5 value.6)"
            " (%record-set! record.5 point 1 value.6 'set-point-y!))))");
  EXPECT_EQ(expand("(define-record-type point (make-point z) point? (x point-x))"),
            "SyntaxError: define-record-type: the constructor's z is not a field");
}

TEST_F(ExpanderTest, dynamic_forms_call_the_prelude) {
  EXPECT_EQ(expand("(parameterize ((p 1)) (f))"), "(%with-parameters (list (cons p 1)) (lambda () (f)))");
  EXPECT_EQ(expand("(guard (e (a b) (c => d)) (f))"),
            "(%guard (lambda () (f)) (lambda (e.1 t.2) (if a b (let ((t.3 c)) (if t.3 (d t.3) (t.2))))))");
  EXPECT_EQ(expand("(guard (e (else 1)) (f))"), "(%guard-all (lambda () (f)) (lambda (e.1) 1))");
  EXPECT_EQ(expand("(case-lambda ((x) x) ((x . y) y))"), "(case-lambda (lambda (x.1) x.1) (lambda (x.2 . y.3) y.3))");
}

TEST_F(ExpanderTest, cond_expand_chooses) {
  EXPECT_EQ(expand("(cond-expand ((and r7rs (not (library (no such)))) 1) (else 2))"), "1");
  EXPECT_EQ(expand("(cond-expand ((or full-nonsense (library (scheme base))) (define x 1)) (else 2))"), "(define x 1)");
  EXPECT_EQ(expand("(cond-expand (no-such-feature 1))"), "unspecified");
}

TEST_F(ExpanderTest, files_are_refused) {
  EXPECT_EQ(expand("(include \"x.scm\")"),
            "CapabilityViolation: include: reading a file needs a capability that this program does not have");
}

TEST_F(ExpanderTest, an_error_says_where_it_is) {
  EXPECT_EQ(expand("(define (f)\n  (g)\n  (if))").substr(0, 16), "SyntaxError: if:");
  EXPECT_EQ(machine.position_of(machine.raised()), "test.scm:3:3");
}

TEST_F(ExpanderTest, malformed_forms_are_errors) {
  for (const char* text : {"(quote)",
                           "(quote 1 2)",
                           "(if)",
                           "(if 1 2 3 4)",
                           "(set! x)",
                           "(set! 1 2)",
                           "(let)",
                           "(let ((x 1)))",
                           "(let x)",
                           "(let ((1 2)) 3)",
                           "(let* x 1)",
                           "(letrec ((x)) 1)",
                           "(cond)",
                           "(cond 1)",
                           "(cond ())",
                           "(case)",
                           "(case 1 2)",
                           "(case 1 (2 3))",
                           "(do)",
                           "(do ((x)) (1))",
                           "(do () ())",
                           "(define)",
                           "(define x)",
                           "(define x 1 2)",
                           "(define 1 2)",
                           "(define ((f) x) 1)",
                           "(define \"x\" 1)",
                           "(lambda)",
                           "(lambda x)",
                           "(case-lambda (x))",
                           "(delay)",
                           "(delay 1 2)",
                           "(parameterize)",
                           "(parameterize ((x)) 1)",
                           "(guard)",
                           "(guard () 1)",
                           "(guard (1) 1)",
                           "(define-record-type)",
                           "(define-record-type p)",
                           "(define-record-type p (p) 1)",
                           "(define-syntax)",
                           "(define-syntax x)",
                           "(define-syntax x 1)",
                           "(let-syntax ((x 1)) 1)",
                           "(define-values)",
                           "(define-values (x 1) 2)",
                           "(let-values ((1 2)) 3)",
                           "(when 1)",
                           "(if . 1)",
                           "(f . x)",
                           "(quasiquote)",
                           "(assert)",
                           "(syntax-error)",
                           "(import 1)",
                           "(import (only (scheme base) no-such-name))",
                           "(define-library 1)",
                           "(cond-expand 1)",
                           "(cond-expand ((what 1) 2))",
                           "(begin . 1)",
                           "(let-values (((a a) 1)) 1)"}) {
    EXPECT_EQ(expand(text).substr(0, 13), "SyntaxError: ") << text;
  }
}

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST_F(ExpanderTest, nesting_has_a_limit) {
  const auto nested = [](int depth) { return repeated("(f ", depth) + "1" + repeated(")", depth); };
  EXPECT_EQ(expand(nested(900)).substr(0, 3), "(f ");
  EXPECT_EQ(expand(nested(100'000)), "SyntaxError: nested too deeply");
  EXPECT_EQ(expand(repeated("(lambda () ", 100'000) + "1" + repeated(")", 100'000)),
            "SyntaxError: lambda: nested too deeply");
  EXPECT_EQ(expand(repeated("`(", 100'000) + "1" + repeated(")", 100'000)).substr(0, 13), "SyntaxError: ");
  EXPECT_EQ(expand(repeated("(let* ((x 1)) ", 100'000) + "1" + repeated(")", 100'000)),
            "SyntaxError: let*: nested too deeply");
  EXPECT_EQ(expand("(let* (" + repeated("(x 1)", 100'000) + ") x)"), "SyntaxError: nested too deeply");
  EXPECT_EQ(expand(repeated("(cond-expand (else ", 100'000) + "1" + repeated("))", 100'000)), "1");
  EXPECT_EQ(expand("(cond-expand (" + repeated("(not ", 100'000) + "r7rs" + repeated(")", 100'000) + " 1))"),
            "SyntaxError: cond-expand: nested too deeply");
  EXPECT_EQ(expand(repeated("(begin ", 100'000) + "1" + repeated(")", 100'000)), "1");
}

TEST_F(ExpanderTest, long_forms_do_not_nest) {
  const auto is_good = [&](const std::string& text) {
    const std::string result = expand(text);
    return result.substr(0, 11) != "SyntaxError";
  };
  EXPECT_TRUE(is_good("(list" + repeated(" 1", 100'000) + ")"));
  EXPECT_TRUE(is_good("(begin" + repeated(" (f 1)", 100'000) + ")"));
  EXPECT_TRUE(is_good("(lambda ()" + repeated(" (f 1)", 100'000) + ")"));
  EXPECT_TRUE(is_good("'(" + repeated(" 1", 100'000) + ")"));
  EXPECT_TRUE(is_good("`(" + repeated(" 1", 100'000) + ")"));
}

TEST_F(ExpanderTest, a_circular_literal_is_a_constant_and_circular_code_an_error) {
  EXPECT_EQ(expand("'#0=(a . #0#)"), "'#0=(a . #0#)");
  EXPECT_EQ(expand("#0=(f . #0#)"), "SyntaxError: f: a call is a proper list");
  EXPECT_EQ(expand("#0=(begin . #0#)"), "SyntaxError: begin: not a proper list");
  EXPECT_EQ(expand("#0=(f #0#)"), "SyntaxError: nested too deeply");
  EXPECT_EQ(expand("(lambda #0=(x . #0#) 1)"), "SyntaxError: lambda: x is bound twice");
  EXPECT_EQ(expand("(let () . #0=(1 . #0#))").substr(0, 13), "SyntaxError: ");
  EXPECT_EQ(expand("`#0=(1 . #0#)"), "SyntaxError: quasiquote: a circular list");
  EXPECT_EQ(expand("(let #0=((x 1) . #0#) x)").substr(0, 13), "SyntaxError: ");
  EXPECT_EQ(expand("(define-values #0=(x . #0#) 1)"), "SyntaxError: define-values: expected a list of names");
}

}  // namespace
}  // namespace heddle::lisp
