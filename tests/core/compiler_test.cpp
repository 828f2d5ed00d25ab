// The compiler: loops as jumps, captured variables, what is inlined and what may not be, and forms of any size.
#include "lisp/compiler/compiler.h"

#include "support/lisp.h"

namespace heddle::lisp {
namespace {

using CompilerTest = Lisp;

std::string repeated(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

TEST_F(CompilerTest, a_named_let_is_a_loop_and_no_call) {
  eval("(let loop ((i 0) (sum 0)) (if (< i 1000) (loop (+ i 1) (+ sum i)) sum))");
  EXPECT_LT(steps_, 4100u);
}

TEST_F(CompilerTest, arguments_of_a_loop_are_assigned_at_once) {
  EXPECT_EQ(eval("(let loop ((a 1) (b 2) (n 5)) (if (= n 0) (list a b) (loop b a (- n 1))))"), "(2 1)");
  EXPECT_EQ(eval("(let loop ((a 1) (b 2) (c 3) (n 4)) (if (= n 0) (list a b c) (loop b c a (- n 1))))"), "(2 3 1)");
  EXPECT_EQ(eval("(let loop ((a 1) (b 1) (n 9)) (if (= n 0) a (loop b (+ a b) (- n 1))))"), "55");
  EXPECT_EQ(eval("(let loop ((i 0) (l '())) (if (= i 3) l (loop (+ (let ((x i)) x) 1) (cons i l))))"), "(2 1 0)");
  EXPECT_EQ(eval("(let loop ((i 0)) (if (= i 3) i (loop (if (= i 0) (begin (list 1) (+ i 1)) (+ i 1)))))"), "3");
}

TEST_F(CompilerTest, loops_nest_and_leave_each_other) {
  EXPECT_EQ(eval("(let outer ((i 0) (l '())) (if (= i 3) (reverse l) (let inner ((j 0) (l l))"
                 "  (if (= j 2) (outer (+ i 1) l) (inner (+ j 1) (cons (list i j) l))))))"),
            "((0 0) (0 1) (1 0) (1 1) (2 0) (2 1))");
  EXPECT_EQ(eval("(+ 1 (let loop ((i 0)) (if (< i 10) (loop (+ i 1)) (* i 2))))"), "21");
  EXPECT_EQ(eval("(let ((done (lambda (x) (list 'done x)))) (let loop ((i 0)) (if (= i 5) (done i) (loop (+ i 1)))))"),
            "(done 5)");
}

TEST_F(CompilerTest, procedures_that_call_each_other_in_tail_position_are_jumps) {
  EXPECT_EQ(eval("(letrec ((even (lambda (n) (if (= n 0) #t (odd (- n 1))))) (odd (lambda (n) (if (= n 0) #f"
                 " (even (- n 1)))))) (even 1001))"),
            "#f");
  EXPECT_EQ(eval("(letrec ((even (lambda (n) (if (= n 0) #t (odd (- n 1))))) (odd (lambda (n) (if (= n 0) #f"
                 " (even (- n 1)))))) (list (even 10) (map odd '(1 2))))"),
            "(#t (#t #f))");
}

TEST_F(CompilerTest, what_is_no_loop_is_a_procedure) {
  EXPECT_EQ(eval("(let loop ((i 3)) (if (= i 0) '() (cons i (loop (- i 1)))))"), "(3 2 1)");
  EXPECT_EQ(eval("(let loop ((i 0)) (if (< i 3) (loop (+ i 1)) loop))").substr(0, 11), "#<procedure");
  EXPECT_EQ(eval("(let loop ((i 0)) (if (< i 3) (loop) i))"), "ArityError: loop takes 1 argument, got 0");
  EXPECT_EQ(eval("(let loop ((i 0)) (if (= i 2) i ((lambda () (loop (+ i 1))))))"), "2");
}

TEST_F(CompilerTest, each_turn_has_its_own_variables) {
  EXPECT_EQ(eval("(define l '()) (do ((i 0 (+ i 1))) ((= i 3)) (set! l (cons (lambda () i) l)))"
                 "(map (lambda (p) (p)) l)"),
            "(2 1 0)");
  EXPECT_EQ(eval("(define l '()) (do ((i 0 (+ i 1))) ((= i 2)) (set! l (cons (lambda () (set! i (+ i 10)) i) l)))"
                 "(map (lambda (p) (p) (p)) l)"),
            "(21 20)");
}

TEST_F(CompilerTest, closures_capture_through_levels) {
  EXPECT_EQ(eval("(define (f a) (lambda (b) (lambda (c) (set! a (+ a 1)) (list a b c)))) (define g ((f 1) 2))"
                 "(g 3) (g 4)"),
            "(3 2 4)");
  EXPECT_EQ(eval("(define (f n) (define (g x) (if (= x 0) (list (lambda () (g 0)) n) (g (- x 1)))) (g 2)) (cdr (f 7))"),
            "(7)");
  EXPECT_EQ(eval("(define (f) (define a 1) (define (g) (+ a (h))) (define (h) (* 10 b)) (define b 2) (g)) (f)"), "21");
  EXPECT_EQ(eval("(define (f) (define a (g)) (define (g) b) (define b 2) a) (f)"),
            "UnboundVariable: a variable is used before its definition");
}

TEST_F(CompilerTest, tests_are_jumps_with_the_meaning_of_their_parts) {
  EXPECT_EQ(eval("(define (f a b) (list (if (and a b) 1 2) (if (or a b) 1 2) (if (not (and a (not b))) 1 2)"
                 " (if (if a b (not b)) 1 2) (and a b) (or a b) (if (or (and a b) (and (not a) (not b))) 1 2)))"
                 "(list (f #t #t) (f #t #f) (f #f #t) (f #f #f))"),
            "((1 1 1 1 #t #t 1) (2 1 2 2 #f #t 2) (2 1 1 2 #f #t 2) (2 2 1 1 #f #f 1))");
  EXPECT_EQ(eval("(list (if (< 1 2) 'y 'n) (if (not (< 1.5 2)) 'y 'n) (if (>= 2 2.0) 'y 'n) (if (= 1 1.0) 'y 'n)"
                 " (if (eqv? 1.5 1.5) 'y 'n) (if (eq? 'a 'a) 'y 'n) (if (null? '()) 'y 'n) (if (pair? '()) 'y 'n))"),
            "(y n y y y y y n)");
  EXPECT_EQ(eval("(if (< 'a 1) 1 2)"), "TypeError: <: argument 1 must be a number, got a");
}

TEST_F(CompilerTest, arithmetic_overflows_into_larger_numbers) {
  EXPECT_EQ(eval("(list (+ 4611686018427387903 1) (- -4611686018427387904 1) (* 3037000500 3037000500)"
                 " (+ 1 2 3 4) (- 10 1 2) (* 2 0.5) (quotient -7 2) (remainder -7 2) (modulo -7 2)"
                 " (quotient -4611686018427387904 -1))"),
            "(4611686018427387904 -4611686018427387905 9223372037000250000 10 7 1.0 -3 -1 1 4611686018427387904)");
}

TEST_F(CompilerTest, a_redefined_procedure_is_what_is_called) {
  EXPECT_EQ(eval("(define (car x) 'mine) (car '(1))"), "mine");
  EXPECT_EQ(eval("(cdr '(1 2))"), "(2)");
  fresh();
  EXPECT_EQ(eval("(car '(1))"), "1");
  EXPECT_EQ(eval("(define (f x) (+ x 1)) (define old (f 1)) (set! + -) (list old (f 1))"), "(2 0)");
  EXPECT_EQ(eval("(let ((cons list)) (cons 1 2))"), "(1 2)");
}

TEST_F(CompilerTest, forms_of_any_size) {
  EXPECT_EQ(eval("(length (list " + repeated("1 ", 20000) + "))"), "20000");
  EXPECT_EQ(eval("(+ " + repeated("1 ", 5000) + ")"), "5000");
  EXPECT_EQ(eval("(or " + repeated("#f ", 5000) + "7)"), "7");
  EXPECT_EQ(eval("(and " + repeated("1 ", 5000) + "7)"), "7");
  EXPECT_EQ(eval("(if (or " + repeated("(null? 1) ", 3000) + "(pair? '(1))) 1 2)"), "1");
  EXPECT_EQ(eval(repeated("(+ 1 ", 400) + "0" + repeated(")", 400)), "400");
  EXPECT_EQ(eval(repeated("(list ", 400) + "0" + repeated(")", 400)).size(), 801u);
  std::string bindings;
  std::string sum;
  for (int i = 0; i < 3000; ++i) {
    bindings += "(v" + std::to_string(i) + " " + std::to_string(i) + ")";
    sum += " v" + std::to_string(i);
  }
  EXPECT_EQ(eval("(let (" + bindings + ") (apply + (list" + sum + ")))"), "4498500");
  EXPECT_EQ(eval("((let (" + bindings + ") (lambda () (apply + (list" + sum + ")))))"), "4498500");
  // Jumps over more than 32,767 words.
  EXPECT_EQ(
      eval("(define (f x) (if (< x 1) (begin " + repeated("(vector x x x) ", 12000) + "1) 2)) (list (f 0) (f 1))"),
      "(1 2)");
}

}  // namespace
}  // namespace heddle::lisp
