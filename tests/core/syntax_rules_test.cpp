#include "lisp/expander/syntax_rules.h"

#include "support/expansion.h"

namespace heddle::lisp {
namespace {

using SyntaxRulesTest = ExpansionFixture;

// --- Hygiene

TEST_F(SyntaxRulesTest, a_binding_of_the_template_does_not_capture) {
  expand(
      "(define-syntax my-or (syntax-rules () ((_) #f) ((_ e) e) ((_ e r ...) (let ((t e)) (if t t (my-or r ...))))))");
  EXPECT_EQ(expand("(lambda (t) (my-or #f t))"), "(lambda (t.1) (let ((t.2 #f)) (if t.2 t.2 t.1)))");
  EXPECT_EQ(expand("(let ((if list)) (my-or 1 2))"), "(let ((if.1 list)) (let ((t.2 1)) (if t.2 t.2 2)))");
}

TEST_F(SyntaxRulesTest, a_template_means_what_it_meant_where_the_macro_is) {
  EXPECT_EQ(expand("(let ((x 'outer)) (let-syntax ((m (syntax-rules () ((m) x)))) (let ((x 'inner)) (m))))"),
            "(let ((x.1 'outer)) (let ((x.2 'inner)) x.1))");
  EXPECT_EQ(expand("(let ((=> #f)) (cond (#t => 'ok)))"), "(let ((=>.1 #f)) (if #t (begin =>.1 'ok) unspecified))");
}

TEST_F(SyntaxRulesTest, be_like_begin) {
  EXPECT_EQ(expand("(define-syntax be-like-begin (syntax-rules () ((_ name) (define-syntax name (syntax-rules () "
                   "((_ expr (... ...)) (begin expr (... ...)))))))) "
                   "(be-like-begin sequence) (sequence 1 2 3 4)"),
            "(begin 1 2 3 4)");
}

TEST_F(SyntaxRulesTest, a_loop_with_a_name_for_breaking_out_given_by_the_user) {
  EXPECT_EQ(expand("(define-syntax loop-until (syntax-rules () ((_ break body ...) (call/cc (lambda (break) "
                   "(let again () body ... (again)))))))"
                   "(loop-until stop (if (f) (stop 1)) (again))"),
            "(call/cc (lambda (stop.1) (letrec ((again.2 (lambda () (begin (if (f) (stop.1 1) unspecified) (again) "
            "(again.2))))) (again.2))))");
}

// Petrofsky, comp.lang.scheme: a macro's local macros whose names meet.
TEST_F(SyntaxRulesTest, a_literal_that_is_bound_around_the_use_does_not_match) {
  EXPECT_EQ(
      expand("(let-syntax ((m (syntax-rules (x) ((m x) 'literal) ((m y) 'other)))) (list (m x) (let ((x 1)) (m x))))"),
      "(list 'literal (let ((x.1 1)) 'other))");
  EXPECT_EQ(expand("(let ((x 1)) (let-syntax ((foo (syntax-rules () ((_ y) (let-syntax ((bar (syntax-rules () ((_) "
                   "(let ((x 2)) y))))) (bar)))))) (foo x)))"),
            "(let ((x.1 1)) (let ((x.2 2)) x.1))");
  EXPECT_EQ(expand("(let ((a 1)) (letrec-syntax ((foo (syntax-rules () ((_ b) (bar a b)))) (bar (syntax-rules () "
                   "((_ c d) (cons c (let ((c 3)) (list d c 'c))))))) (let ((a 2)) (foo a))))"),
            "(let ((a.1 1)) (let ((a.2 2)) (cons a.1 (let ((a.3 3)) (list a.2 a.3 'a)))))");
}

TEST_F(SyntaxRulesTest, two_temporaries_of_one_name_are_two) {
  EXPECT_EQ(
      expand("(define-syntax swap! (syntax-rules () ((_ a b) (let ((tmp a)) (set! a b) (set! b tmp)))))"
             "(let ((tmp 1) (other 2)) (swap! tmp other))"),
      "(let ((tmp.1! 1) (other.2! 2)) (let ((tmp.3 tmp.1!)) (begin (set! tmp.1! other.2!) (set! other.2! tmp.3))))");
  // Temporaries made by recursion.
  EXPECT_EQ(
      expand("(define-syntax my-letrec (syntax-rules () ((_ \"t\" () (t ...) ((v i) ...) . b) (let ((v #f) ...) "
             "(let ((t i) ...) (set! v t) ... . b))) ((_ \"t\" (x y ...) (t ...) bs . b) (my-letrec \"t\" (y ...) "
             "(new t ...) bs . b)) ((_ ((v i) ...) . b) (my-letrec \"t\" (v ...) () ((v i) ...) . b))))"
             "(my-letrec ((a 1) (b 2)) a)"),
      "(let ((a.1! #f) (b.2! #f)) (let ((new.3 1) (new.4 2)) (begin (set! a.1! new.3) (set! b.2! new.4) a.1!)))");
}

TEST_F(SyntaxRulesTest, quoted_names_are_symbols_again) {
  EXPECT_EQ(expand("(define-syntax q (syntax-rules () ((_ x) '(x y #(x y) . z)))) (q a)"), "'(a y #(a y) . z)");
}

TEST_F(SyntaxRulesTest, what_a_template_defines_at_the_top_level_has_its_own_name) {
  EXPECT_EQ(
      expand("(define-syntax def (syntax-rules () ((_ v) (begin (define (get) hidden) (define hidden v))))) (def 1)"),
      "(begin (define get (lambda () hidden)) (define hidden 1))");
}

TEST_F(SyntaxRulesTest, what_a_template_defines_in_a_body_is_its_own) {
  EXPECT_EQ(expand("(define-syntax def (syntax-rules () ((_ x) (begin (define t 1) (define x t))))) "
                   "(let ((t 0)) (def y) (list t y))"),
            "(let ((t.1 0)) (letrec ((t.2 1) (y.3 t.2)) (list t.1 y.3)))");
}

TEST_F(SyntaxRulesTest, a_macro_inside_a_body_may_be_used_by_what_follows) {
  EXPECT_EQ(expand("(let () (define-syntax two (syntax-rules () ((_) 2))) (define x (two)) (f x (two)))"),
            "(letrec ((x.1 2)) (f x.1 2))");
  EXPECT_EQ(expand("(let ((x 1)) (let-syntax () (define x 2) x) x)"),
            "(let ((x.1 1)) (begin (letrec ((x.2 2)) x.2) x.1))");
}

// --- Patterns and templates

TEST_F(SyntaxRulesTest, nested_ellipses) {
  expand("(define-syntax my-let (syntax-rules () ((_ ((n v) ...) b ...) ((lambda (n ...) b ...) v ...))))");
  EXPECT_EQ(expand("(my-let ((a 1) (b 2)) (f a b))"), "(let ((a.1 1) (b.2 2)) (f a.1 b.2))");
  EXPECT_EQ(
      expand("(define-syntax rows (syntax-rules () ((_ (k v ...) ...) '((v ... k) ...)))) (rows (a 1 2) (b) (c 3))"),
      "'((1 2 a) (b) (3 c))");
  EXPECT_EQ(expand("(define-syntax flat (syntax-rules () ((_ ((x ...) ...) ...) '(x ... ... ...)))) "
                   "(flat ((1 2) (3)) () ((4)))"),
            "'(1 2 3 4)");
  // A variable of less depth goes with the innermost ellipses.
  EXPECT_EQ(expand("(define-syntax all (syntax-rules () ((_ (a ...) (b ...)) '((a b ...) ...)))) (all (1 2) (x y))"),
            "'((1 x y) (2 x y))");
}

TEST_F(SyntaxRulesTest, patterns_behind_an_ellipsis) {
  expand("(define-syntax last (syntax-rules () ((_ a ... z) '(z a ...))))");
  EXPECT_EQ(expand("(last 1)"), "'(1)");
  EXPECT_EQ(expand("(last 1 2 3)"), "'(3 1 2)");
  EXPECT_EQ(expand("(define-syntax m (syntax-rules () ((_ a ... y z . r) '((a ...) y z r)))) (m 1 2 3 4 . 5)"),
            "'((1 2) 3 4 5)");
  EXPECT_EQ(expand("(m 1)"), "SyntaxError: m: no rule of this macro fits");
}

TEST_F(SyntaxRulesTest, vectors_and_dotted_patterns) {
  EXPECT_EQ(expand("(define-syntax v (syntax-rules () ((_ #(a b ...) . c) '#(c b ... a)))) (v #(1 2 3) 4)"),
            "#((4) 2 3 1)");
  EXPECT_EQ(expand("(v (1 2 3) 4)"), "SyntaxError: v: no rule of this macro fits");
}

TEST_F(SyntaxRulesTest, literals_underscores_and_constants) {
  expand("(define-syntax m (syntax-rules (=>) ((_ _ => x) 'arrow) ((_ 1 \"s\" #\\c) 'constants) ((_ _ _ _) 'any)))");
  EXPECT_EQ(expand("(m 1 => 2)"), "'arrow");
  EXPECT_EQ(expand("(m 1 \"s\" #\\c)"), "'constants");
  EXPECT_EQ(expand("(m 1.0 \"s\" #\\c)"), "'any");
}

TEST_F(SyntaxRulesTest, the_ellipsis_can_be_another_word_or_a_literal) {
  EXPECT_EQ(expand("(define-syntax m (syntax-rules ::: () ((_ a :::) '(a ::: ...)))) (m 1 2)"), "'(1 2 ...)");
  EXPECT_EQ(expand("(define-syntax n (syntax-rules (...) ((_ ...) 'dots) ((_ x) 'other))) (list (n ...) (n 1))"),
            "(list 'dots 'other)");
  EXPECT_EQ(expand("(define-syntax e (syntax-rules () ((_ a) '(a (... ...) (... (a ...)))))) (e 1)"),
            "'(1 ... (1 ...))");
}

TEST_F(SyntaxRulesTest, errors_in_rules_are_found_at_the_definition) {
  for (const char* rule :
       {"((_ a a) 1)", "((_ a ... b ...) 1)", "((_ a ...) a)", "((_ a) (a ...))", "((_ ... a) 1)", "((_ a) (b ...))",
        "((_ a) (... a b))", "(1 2)", "((_ a))", "((_ a) 1 2)", "1", "((_ (a ...) ...) (a ...))"}) {
    EXPECT_EQ(expand("(define-syntax m (syntax-rules () " + std::string(rule) + "))").substr(0, 13), "SyntaxError: ")
        << rule;
  }
  EXPECT_EQ(expand("(define-syntax m (syntax-rules (1) ((_) 1)))"), "SyntaxError: syntax-rules: a literal is a name");
}

TEST_F(SyntaxRulesTest, lists_of_different_lengths_under_one_ellipsis_are_an_error) {
  EXPECT_EQ(expand("(define-syntax zip (syntax-rules () ((_ (a ...) (b ...)) '((a b) ...)))) (zip (1 2) (3))"),
            "SyntaxError: zip: variables under one ellipsis matched different numbers of forms");
}

TEST_F(SyntaxRulesTest, syntax_error_says_what_the_macro_wants) {
  EXPECT_EQ(expand("(define-syntax m (syntax-rules () ((_ x) (syntax-error \"not like this:\" x)))) (m (1 2))"),
            "SyntaxError: not like this: (1 2)");
}

TEST_F(SyntaxRulesTest, a_keyword_can_get_another_name) {
  EXPECT_EQ(expand("(define-syntax wenn if) (wenn 1 2 3)"), "(if 1 2 3)");
  EXPECT_EQ(expand("(let-syntax ((wenn when)) (wenn 1 2))"), "(if 1 2 unspecified)");
}

// --- Limits

TEST_F(SyntaxRulesTest, macros_that_never_end_are_errors) {
  EXPECT_EQ(expand("(define-syntax m (syntax-rules () ((_) (m)))) (m)"), "SyntaxError: m: macros expand without end");
  EXPECT_EQ(expand("(define-syntax n (syntax-rules () ((_ . x) (n 1 . x)))) (n)").substr(0, 13), "SyntaxError: ");
  EXPECT_EQ(expand("(define-syntax d (syntax-rules () ((_ . x) (d x . x)))) (d)").substr(0, 13), "SyntaxError: ");
  EXPECT_EQ(expand("(define-syntax b (syntax-rules () ((_) (begin (b) (b))))) (b)"),
            "SyntaxError: b: macros expand without end");
  EXPECT_EQ(expand("(define-syntax e (syntax-rules () ((_) (f (e))))) (e)"), "SyntaxError: nested too deeply");
}

TEST_F(SyntaxRulesTest, a_product_of_ellipses_is_limited_by_the_heap) {
  machine.heap().set_limit(machine.heap().used() + (u64{16} << 20));
  std::string many;
  for (int i = 0; i < 3000; ++i) many += " 1";
  const std::string text =
      "(define-syntax p (syntax-rules () ((_ (a ...) (b ...)) '((a b ...) ...)))) (p (" + many + ") (" + many + "))";
  EXPECT_EQ(expand(text).substr(0, 10), "HeapLimit:");
}

TEST_F(SyntaxRulesTest, a_circular_form_does_not_match_for_ever) {
  expand("(define-syntax m (syntax-rules () ((_ a ...) 1)))");
  EXPECT_EQ(expand("(m . #0=(1 . #0#))").substr(0, 13), "SyntaxError: ");
  EXPECT_EQ(expand("(m #0=(1 . #0#))"), "1");
}

}  // namespace
}  // namespace heddle::lisp
