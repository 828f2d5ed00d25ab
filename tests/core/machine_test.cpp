// The machine, seen from programs: calls, variables, continuations, conditions, limits. What the instructions and the
// compiler do is in compiler_test.cpp.
#include "lisp/machine.h"

#include "support/lisp.h"

namespace heddle::lisp {
namespace {

using MachineTest = Lisp;

class SmallHeapTest : public Lisp {
 protected:
  SmallHeapTest() : Lisp(u64{8} << 20) {}
};

// --- Calls

TEST_F(MachineTest, calls_pass_arguments_and_collect_the_rest) {
  EXPECT_EQ(eval("((lambda (a . rest) (vector a rest)) 1 2 3)"), "#(1 (2 3))");
  EXPECT_EQ(eval("((lambda all all))"), "()");
  EXPECT_EQ(eval("(apply (lambda (a b . c) (list a b c)) 1 (list 1 2))"), "(1 1 (2))");
  EXPECT_EQ(eval("(apply + 1 2 '(3 4))"), "10");
}

TEST_F(MachineTest, case_lambda_takes_the_first_clause_that_fits) {
  eval("(define f (case-lambda ((a) 'one) ((a b) 'two) ((a . r) (list 'more r))))");
  EXPECT_EQ(eval("(list (f 1) (f 1 2) (f 1 2 3))"), "(one two (more (2 3)))");
  EXPECT_EQ(eval("((case-lambda ((a) 1) ((a b) 2)))"), "ArityError: a procedure: no clause takes 0 arguments");
}

TEST_F(MachineTest, errors_of_calls_name_what_was_called) {
  EXPECT_EQ(eval("(define (f x) x) (f)"), "ArityError: f takes 1 argument, got 0");
  EXPECT_EQ(eval("(define (g x . y) x) (g)"), "ArityError: g takes at least 1 argument, got 0");
  EXPECT_EQ(eval("(cons 1)"), "ArityError: cons takes 2 arguments, got 1");
  EXPECT_EQ(eval("(5 5)"), "TypeError: call: 5 is not a procedure");
  EXPECT_EQ(eval("(nothing 5)"), "UnboundVariable: unbound variable: nothing");
  EXPECT_EQ(eval("(define (h) (set! nobody 1)) (h)"), "UnboundVariable: unbound variable: nobody");
}

TEST_F(MachineTest, errors_stand_at_the_innermost_form_of_the_program) {
  EXPECT_EQ(eval("(define (f x)\n  (car x))\n(define (g x)\n  (+ 1 (f x)))\n(+ 2 (g 5))"),
            "TypeError: car: argument 1 must be a pair, got 5");
  EXPECT_EQ(position(), "test:2:3");
  EXPECT_EQ(backtrace(), (std::vector<std::string>{"test:4:8", "test:5:6"}));
}

TEST_F(MachineTest, a_backtrace_is_limited) {
  eval("(define (f n) (if (= n 0) (car n) (+ 1 (f (- n 1))))) (f 100000)");
  EXPECT_EQ(backtrace().size(), 32u);
  EXPECT_EQ(backtrace().back(), "... 1000 or more");
}

TEST_F(MachineTest, tail_calls_need_no_stack) {
  eval("(define (count f n) (if (= n 0) 'done (f f (- n 1))))");
  EXPECT_EQ(eval("(count count 300000)"), "done");
  EXPECT_EQ(eval("(define (a n) (if (= n 0) 'done (cond ((- n 1) => b))))"
                 "(define (b n) (apply (lambda (n) (and #t (or #f (when #t (c n))))) (list n)))"
                 "(define (c n) (call/cc (lambda (k) (case n ((-1) 1) (else => (lambda (n) (a n)))))))"
                 "(a 100000)"),
            "done");
  EXPECT_LT(machine_.heap().used(), u64{8} << 20);
}

TEST_F(MachineTest, deep_recursion_is_bounded_by_the_heap_only) {
  eval("(define (deep n) (if (= n 0) 0 (+ 1 (deep (- n 1)))))");
  EXPECT_EQ(eval("(deep 1000000)"), "1000000");
  EXPECT_EQ(eval("(define (build n) (if (= n 0) '() (cons n (build (- n 1))))) (length (build 300000))"), "300000");
  EXPECT_EQ(eval("(apply + (vector->list (make-vector 200000 2)))"), "400000");
}

// --- Continuations

TEST_F(MachineTest, a_continuation_is_entered_again) {
  EXPECT_EQ(eval("(define k #f) (define n 0) (+ 1 (call/cc (lambda (c) (set! k c) 1))) (set! n (+ n 1))"
                 "(if (< n 3) (k n)) n"),
            "3");
}

TEST_F(MachineTest, assignments_survive_entering_a_continuation_again) {
  EXPECT_EQ(eval("(let ((count 0) (k #f)) (call/cc (lambda (c) (set! k c))) (set! count (+ count 1))"
                 "  (if (< count 3) (k #f)) count)"),
            "3");
}

TEST_F(MachineTest, a_continuation_of_a_turn_of_a_loop_sees_that_turn) {
  EXPECT_EQ(eval("(define k #f) (define seen '()) (define again 2)"
                 "(let loop ((i 0)) (if (< i 3) (begin"
                 "  (call/cc (lambda (c) (if (= i 1) (set! k c)))) (set! seen (cons i seen)) (loop (+ i 1)))))"
                 "(if (> again 0) (begin (set! again (- again 1)) (k #f)))"
                 "(reverse seen)"),
            "(0 1 2 1 2 1 2)");
}

TEST_F(MachineTest, generators_by_entering_again) {
  EXPECT_EQ(eval("(define (make-generator list) (define return #f)"
                 "  (define (next) (for-each (lambda (x) (call/cc (lambda (k) (set! next (lambda () (k #f)))"
                 "                            (return x)))) list) (return 'done))"
                 "  (lambda () (call/cc (lambda (r) (set! return r) (next)))))"
                 "(define g (make-generator '(1 2 3)))"
                 "(let* ((a (g)) (b (g)) (c (g)) (d (g))) (list a b c d))"),
            "(1 2 3 done)");
}

TEST_F(MachineTest, frames_below_a_continuation_are_not_written_to) {
  // The same deep stack is returned through twice.
  EXPECT_EQ(eval("(define k #f)"
                 "(define (sum n) (if (= n 0) (call/cc (lambda (c) (set! k c) 0)) (+ n (sum (- n 1)))))"
                 "(define results '())"
                 "(set! results (cons (sum 5000) results))"
                 "(if (< (length results) 3) (k (length results)))"
                 "results"),
            "(12502502 12502501 12502500)");
}

TEST_F(MachineTest, escapes_in_a_loop_do_not_grow_the_heap) {
  EXPECT_EQ(eval("(do ((i 0 (+ i 1)) (sum 0 (+ sum (call/cc (lambda (k) (+ 1 (k 1))))))) ((= i 100000) sum))"),
            "100000");
  machine_.heap().collect_all();
  EXPECT_LT(machine_.heap().used(), u64{4} << 20);
}

TEST_F(MachineTest, dynamic_wind_runs_before_and_after) {
  EXPECT_EQ(eval("(let ((path '()) (c #f)) (let ((add (lambda (s) (set! path (cons s path)))))"
                 "  (dynamic-wind (lambda () (add 'connect))"
                 "    (lambda () (add (call/cc (lambda (c0) (set! c c0) 'talk1)))) (lambda () (add 'disconnect)))"
                 "  (if (< (length path) 4) (c 'talk2) (reverse path))))"),
            "(connect talk1 disconnect connect talk2 disconnect)");
}

TEST_F(MachineTest, what_fails_runs_the_after_thunks_once) {
  EXPECT_EQ(eval("(define r '()) (dynamic-wind (lambda () #f) (lambda () (car 1)) (lambda () (set! r (cons 1 r))))"),
            "TypeError: car: argument 1 must be a pair, got 1");
  EXPECT_EQ(eval("r"), "(1)");
  EXPECT_EQ(eval("(dynamic-wind (lambda () #f) (lambda () (raise 'x)) (lambda () (car 'after)))"),
            "TypeError: car: argument 1 must be a pair, got after");
}

TEST_F(MachineTest, a_continuation_of_another_fiber_is_refused) {
  eval("(define k #f) (call/cc (lambda (c) (set! k c)))");
  EXPECT_EQ(eval("(k 1)"), "WrongFiber: a continuation can be entered by the fiber only that captured it");
}

// --- Conditions

TEST_F(MachineTest, guard_takes_the_clause_that_fits_or_raises_again) {
  EXPECT_EQ(eval("(guard (e ((symbol? e) (list 'caught e))) (raise 'boom))"), "(caught boom)");
  EXPECT_EQ(eval("(guard (e ((string? e) 'no)) (raise 'boom))"), "raised: boom");
  EXPECT_EQ(eval("(guard (e ((assq 'a e) => cdr) ((assq 'b e))) (raise (list (cons 'a 42))))"), "42");
  EXPECT_EQ(eval("(guard (e (#t (condition-code e))) (vector-ref (vector 1) 1))"), "RangeError");
  EXPECT_EQ(eval("(with-exception-handler (lambda (e) 42) (lambda ()"
                 " (+ 1 (guard (e ((string? e) 'no)) (raise-continuable 'c)))))"),
            "43");
}

TEST_F(MachineTest, handlers_run_outside_of_themselves) {
  EXPECT_EQ(eval("(with-exception-handler (lambda (e) 10) (lambda () (+ 1 (raise-continuable 'c))))"), "11");
  EXPECT_EQ(eval("(with-exception-handler (lambda (e) (raise (list e))) (lambda () (raise 'x)))"), "raised: (x)");
  EXPECT_EQ(eval("(with-exception-handler (lambda (e) 10) (lambda () (+ 1 (raise 'c))))"),
            "UserError: a handler returned to a raise that cannot go on");
}

TEST_F(MachineTest, error_makes_conditions_with_irritants) {
  EXPECT_EQ(eval("(guard (e ((error-object? e) (list (error-object-message e) (error-object-irritants e))))"
                 "  (error \"bad:\" 1 'two))"),
            "(\"bad:\" (1 two))");
  eval("(error \"bad\" 1 \"two\")");
  EXPECT_EQ(machine_.report(raised_), "test:1:1: bad: 1 \"two\"");
}

TEST_F(MachineTest, parameters_are_converted_and_restored) {
  EXPECT_EQ(eval("(define p (make-parameter 10 (lambda (x) (* x 2))))"
                 "(list (p) (parameterize ((p 3)) (p)) (p))"),
            "(20 6 20)");
  EXPECT_EQ(eval("(define q (make-parameter 1)) (define k #f)"
                 "(define a (parameterize ((q 2)) (call/cc (lambda (c) (set! k c))) (q)))"
                 "(define b (q)) (if k (let ((c k)) (set! k #f) (c #f))) (list a b)"),
            "(2 1)");
}

// --- Limits

TEST_F(SmallHeapTest, what_fills_the_heap_gets_a_condition_that_can_be_caught) {
  const char* const programs[] = {
      "(define (inf n) (+ 1 (inf n))) (inf 1)",
      "(let loop ((l '())) (loop (cons 1 l)))",
      "(let loop ((l '())) (loop (list 1 l)))",
      "(let loop ((l '())) (loop (lambda () l)))",
      "(let loop ((l '())) (loop (vector l l l)))",
      "(let loop ((l '())) (loop (make-vector 1000 l)))",
      "(let loop ((s \"x\")) (loop (string-append s s)))",
      "(let loop ((x 1.5) (l '())) (loop (+ x 1.5) (cons x l)))",
      "(let loop ((n 12345678901234567890) (l '())) (loop (+ n 1) (cons n l)))",
      "(let loop ((l '())) (let ((x l)) (set! x (cons x x)) (loop (lambda () x))))",
      "(let loop ((l '())) (loop (call/cc (lambda (k) (cons k l)))))",
      "(let loop ((l '())) (call-with-values (lambda () (values l l)) (lambda (a b) (loop (cons a b)))))",
      "(define (w) (dynamic-wind (lambda () #f) w (lambda () #f))) (w)",
      "(define (w) (parameterize () (cons 1 (w)))) (w)",
  };
  for (const char* program : programs) {
    EXPECT_EQ(eval(program).substr(0, 9), "HeapLimit") << program;
    // Caught, and everything goes on as if nothing had been.
    EXPECT_EQ(eval("(guard (e (#t (condition-code e))) (let () " + std::string(program) + "))"), "HeapLimit")
        << program;
    EXPECT_EQ(eval("(length (vector->list (make-vector 50000 1)))"), "50000") << program;
  }
}

TEST_F(SmallHeapTest, handlers_that_need_more_than_there_is_end_with_the_fiber) {
  EXPECT_EQ(eval("(define (w) (with-exception-handler (lambda (e) e) w)) (w)").substr(0, 9), "HeapLimit");
  EXPECT_EQ(eval("(define (w) (guard (e (#f 1)) (cons 1 (w)))) (guard (e (#t 'caught)) (w))").substr(0, 9),
            "HeapLimit");
  EXPECT_EQ(eval("(define l '()) (define (more) (set! l (cons 1 l)) (more))"
                 "(with-exception-handler (lambda (e) (more)) more)")
                .substr(0, 9),
            "HeapLimit");
  fresh();
  EXPECT_EQ(eval("(vector-length (make-vector 50000 1))"), "50000");
}

TEST_F(SmallHeapTest, garbage_is_no_reason_to_refuse) {
  EXPECT_EQ(eval("(do ((i 0 (+ i 1))) ((= i 100) 'done) (make-vector 500000 i))"), "done");
}

TEST_F(MachineTest, a_fiber_stops_and_goes_on_at_any_call) {
  const char* const program =
      "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))"
      "(list (fib 12) (map (lambda (x) (* x x)) '(1 2 3)) (let loop ((i 0)) (if (< i 100) (loop (+ i 1)) i))"
      "  (guard (e (#t e)) (dynamic-wind (lambda () #f) (lambda () (raise 'x)) (lambda () #f))))";
  const std::string expected = eval(program);
  EXPECT_EQ(expected, "(144 (1 4 9) 100 x)");
  const u64 steps = steps_;
  for (const u64 slice : {1, 2, 3, 7, 100}) {
    slice_ = slice;
    fresh();
    EXPECT_EQ(eval(program), expected);
    EXPECT_EQ(steps_, steps) << "the number of steps does not depend on where the fiber is stopped";
  }
}

TEST_F(MachineTest, endless_programs_can_be_stopped) {
  fuel_ = 100'000;
  slice_ = 1000;
  EXPECT_EQ(eval("(define (loop) (loop)) (loop)"), "steps");
  EXPECT_EQ(eval("(do () (#f))"), "steps");
  EXPECT_EQ(eval("(let loop ((n 12345678901234567890)) (loop (- n 0)))"), "steps");
  EXPECT_EQ(eval("(define (a) (apply a '())) (a)"), "steps");
  EXPECT_EQ(eval("(let ((k #f)) (call/cc (lambda (c) (set! k c))) (k #f))"), "steps");
  EXPECT_EQ(eval("(let again () (guard (e (#t (again))) (raise 'x)))"), "steps");
}

}  // namespace
}  // namespace heddle::lisp
