// The numerical procedures as programs call them: R7RS 6.2's examples, each one, and what they do at the edges.
#include <gtest/gtest.h>

#include <string>

#include "support/lisp.h"

namespace heddle::lisp {
namespace {

struct Row {
  const char* program;
  const char* expected;
};

class NumberProcedures : public Lisp {
 protected:
  template <std::size_t N>
  void expect(const Row (&rows)[N]) {
    for (const Row& row : rows) EXPECT_EQ(eval(row.program), row.expected) << row.program;
  }
};

TEST_F(NumberProcedures, examples_of_r7rs_predicates) {
  expect({
      {"(complex? 3)", "#t"},
      {"(real? 3)", "#t"},
      {"(real? 1e10)", "#t"},
      {"(real? +inf.0)", "#t"},
      {"(real? +nan.0)", "#t"},
      {"(rational? -inf.0)", "#f"},
      {"(rational? 3.5)", "#t"},
      {"(rational? 6/10)", "#t"},
      {"(rational? 6/3)", "#t"},
      {"(integer? 3.0)", "#t"},
      {"(integer? 8/4)", "#t"},
      {"(integer? 3.5)", "#f"},
      {"(integer? +inf.0)", "#f"},
      {"(number? 'a)", "#f"},
      {"(exact? 3.0)", "#f"},
      {"(exact? #e3.0)", "#t"},
      {"(inexact? 3.)", "#t"},
      {"(exact-integer? 32)", "#t"},
      {"(exact-integer? 32.0)", "#f"},
      {"(exact-integer? 32/5)", "#f"},
      {"(finite? 3)", "#t"},
      {"(finite? +inf.0)", "#f"},
      {"(finite? +nan.0)", "#f"},
      {"(infinite? 3)", "#f"},
      {"(infinite? +inf.0)", "#t"},
      {"(infinite? -inf.0)", "#t"},
      {"(infinite? +nan.0)", "#f"},
      {"(nan? +nan.0)", "#t"},
      {"(nan? 32)", "#f"},
      {"(nan? 1/2)", "#f"},
      {"(zero? 0)", "#t"},
      {"(zero? -0.0)", "#t"},
      {"(zero? 1/2)", "#f"},
      {"(positive? +inf.0)", "#t"},
      {"(positive? +nan.0)", "#f"},
      {"(negative? -1/2)", "#t"},
      {"(negative? -0.0)", "#f"},
      {"(odd? -3)", "#t"},
      {"(even? 0)", "#t"},
      {"(odd? 3.0)", "#t"},
      {"(even? 100000000000000000000)", "#t"},
  });
}

TEST_F(NumberProcedures, examples_of_r7rs_arithmetic) {
  expect({
      {"(max 3 4)", "4"},
      {"(max 3.9 4)", "4.0"},
      {"(min 1 2.5 3)", "1.0"},
      {"(max 1/3 0.25)", "0.3333333333333333"},
      {"(max 1 +nan.0 2)", "+nan.0"},
      {"(min 5)", "5"},
      {"(+ 3 4)", "7"},
      {"(+ 3)", "3"},
      {"(+)", "0"},
      {"(* 4)", "4"},
      {"(*)", "1"},
      {"(- 3 4)", "-1"},
      {"(- 3 4 5)", "-6"},
      {"(- 3)", "-3"},
      {"(- 0.0)", "-0.0"},
      {"(/ 3 4 5)", "3/20"},
      {"(/ 3)", "1/3"},
      {"(/ 0.0)", "+inf.0"},
      {"(abs -7)", "7"},
      {"(abs -7/2)", "7/2"},
      {"(abs -0.0)", "0.0"},
      {"(+ 1/2 1/3)", "5/6"},
      {"(+ 1/2 0.5)", "1.0"},
      {"(* 1/2 4)", "2"},
      {"(* 0 1.5)", "0.0"},
      {"(= 1 1.0 2/2)", "#t"},
      {"(< 1 2 3)", "#t"},
      {"(< 1 3 2)", "#f"},
      {"(<= 1 1 2)", "#t"},
      {"(> 3 2 1)", "#t"},
      {"(>= 3 3 +nan.0)", "#f"},
      {"(= +nan.0 +nan.0)", "#f"},
  });
}

TEST_F(NumberProcedures, examples_of_r7rs_division) {
  expect({
      {"(call-with-values (lambda () (floor/ 5 2)) list)", "(2 1)"},
      {"(call-with-values (lambda () (floor/ -5 2)) list)", "(-3 1)"},
      {"(call-with-values (lambda () (floor/ 5 -2)) list)", "(-3 -1)"},
      {"(call-with-values (lambda () (floor/ -5 -2)) list)", "(2 -1)"},
      {"(call-with-values (lambda () (truncate/ 5 2)) list)", "(2 1)"},
      {"(call-with-values (lambda () (truncate/ -5 2)) list)", "(-2 -1)"},
      {"(call-with-values (lambda () (truncate/ 5 -2)) list)", "(-2 1)"},
      {"(call-with-values (lambda () (truncate/ -5 -2)) list)", "(2 -1)"},
      {"(call-with-values (lambda () (truncate/ -5.0 -2)) list)", "(2.0 -1.0)"},
      {"(floor-quotient -7 2)", "-4"},
      {"(floor-remainder -7 2)", "1"},
      {"(truncate-quotient -7 2)", "-3"},
      {"(truncate-remainder -7 2)", "-1"},
      {"(modulo 13 4)", "1"},
      {"(remainder 13 4)", "1"},
      {"(modulo -13 4)", "3"},
      {"(remainder -13 4)", "-1"},
      {"(modulo 13 -4)", "-3"},
      {"(remainder 13 -4)", "1"},
      {"(modulo -13 -4)", "-1"},
      {"(remainder -13 -4)", "-1"},
      {"(remainder -13 -4.0)", "-1.0"},
      {"(quotient 1e300 7)", "1.4285714285714286e299"},
      {"(modulo -1 100000000000000000000)", "99999999999999999999"},
      {"(gcd 32 -36)", "4"},
      {"(gcd)", "0"},
      {"(lcm 32 -36)", "288"},
      {"(lcm 32.0 -36)", "288.0"},
      {"(lcm)", "1"},
      {"(lcm 0 5)", "0"},
      {"(numerator (/ 6 4))", "3"},
      {"(denominator (/ 6 4))", "2"},
      {"(denominator (inexact (/ 6 4)))", "2.0"},
      {"(numerator 0.75)", "3.0"},
      {"(denominator 0)", "1"},
  });
}

TEST_F(NumberProcedures, examples_of_r7rs_rounding) {
  expect({
      {"(floor -4.3)", "-5.0"},
      {"(ceiling -4.3)", "-4.0"},
      {"(truncate -4.3)", "-4.0"},
      {"(round -4.3)", "-4.0"},
      {"(floor 3.5)", "3.0"},
      {"(ceiling 3.5)", "4.0"},
      {"(truncate 3.5)", "3.0"},
      {"(round 3.5)", "4.0"},
      {"(round 7/2)", "4"},
      {"(round 5/2)", "2"},
      {"(round -7/2)", "-4"},
      {"(round -5/2)", "-2"},
      {"(round 8/3)", "3"},
      {"(floor -7/2)", "-4"},
      {"(ceiling -7/2)", "-3"},
      {"(truncate -7/2)", "-3"},
      {"(truncate 7/2)", "3"},
      {"(round 7)", "7"},
      {"(round -0.4)", "-0.0"},
      {"(floor +inf.0)", "+inf.0"},
      {"(rationalize (exact .3) 1/10)", "1/3"},
      {"(rationalize .3 1/10)", "0.3333333333333333"},
      {"(rationalize 3/10 1/10)", "1/3"},
      {"(rationalize -3/10 1/10)", "-1/3"},
      {"(rationalize 5 1)", "4"},
      {"(rationalize 1/10 1)", "0"},
      {"(rationalize 1/2 0)", "1/2"},
      {"(rationalize +inf.0 1)", "+inf.0"},
      {"(rationalize 1 +inf.0)", "0.0"},
      {"(rationalize (exact 3.141592653589793) 1/100)", "22/7"},
  });
}

TEST_F(NumberProcedures, examples_of_r7rs_functions) {
  expect({
      {"(exp 0)", "1"},
      {"(exp 1)", "2.718281828459045"},
      {"(log 1)", "0"},
      {"(log 8 2)", "3.0"},
      {"(log 100 10)", "2.0"},
      {"(log (expt 10 1000) 10)", "1000.0"},
      {"(log (/ 1 (expt 2 2000)) 2)", "-2000.0"},
      {"(sin 0)", "0"},
      {"(cos 0)", "1"},
      {"(atan 1 1)", "0.7853981633974483"},
      {"(atan -1 0)", "-1.5707963267948966"},
      {"(atan 0 -1)", "3.141592653589793"},
      {"(atan 0 1)", "0"},
      {"(atan -0.0 -1)", "-3.141592653589793"},
      {"(atan +inf.0)", "1.5707963267948966"},
      {"(acos 1)", "0"},
      {"(square 42)", "1764"},
      {"(square 2.0)", "4.0"},
      {"(square 2/3)", "4/9"},
      {"(sqrt 9)", "3"},
      {"(sqrt 16/9)", "4/3"},
      {"(sqrt 2)", "1.4142135623730951"},
      {"(sqrt 1/2)", "0.7071067811865476"},
      {"(sqrt 0)", "0"},
      {"(sqrt 16.0)", "4.0"},
      {"(sqrt -0.0)", "-0.0"},
      {"(sqrt -1.0)", "+nan.0"},
      {"(call-with-values (lambda () (exact-integer-sqrt 4)) list)", "(2 0)"},
      {"(call-with-values (lambda () (exact-integer-sqrt 5)) list)", "(2 1)"},
      {"(call-with-values (lambda () (exact-integer-sqrt 0)) list)", "(0 0)"},
      {"(expt 0 0)", "1"},
      {"(expt 0 3)", "0"},
      {"(expt 0.0 0)", "1.0"},
      {"(expt 0 0.0)", "1.0"},
      {"(expt 0 1.5)", "0.0"},
      {"(expt 2 10)", "1024"},
      {"(expt 2 -2)", "1/4"},
      {"(expt -2 -3)", "-1/8"},
      {"(expt 2/3 3)", "8/27"},
      {"(expt -2/3 -3)", "-27/8"},
      {"(expt 4 1/2)", "2"},
      {"(expt 4 -3/2)", "1/8"},
      {"(expt 2 0.5)", "1.4142135623730951"},
      {"(expt 2.0 3)", "8.0"},
      {"(expt -1.0 10000000000000000001)", "-1.0"},
      {"(expt -1 10000000000000000001)", "-1"},
      {"(expt 1 (expt 10 100))", "1"},
      {"(expt 1.5 (expt 10 100))", "+inf.0"},
      {"(expt 0.5 (expt 10 100))", "0.0"},
      {"(expt 10 21)", "1000000000000000000000"},
      {"(expt -10 3)", "-1000"},
      {"(exact 2.5)", "5/2"},
      {"(exact 1e18)", "1000000000000000000"},
      {"(inexact 1/3)", "0.3333333333333333"},
      {"(exact->inexact 3)", "3.0"},
      {"(inexact->exact 3.0)", "3"},
  });
}

TEST_F(NumberProcedures, numbers_and_text) {
  expect({
      {"(number->string 255 16)", "\"ff\""},
      {"(number->string -5 2)", "\"-101\""},
      {"(number->string 1/3 8)", "\"1/3\""},
      {"(number->string 0.1)", "\"0.1\""},
      {"(number->string 10.5 2)", "\"1010.1\""},
      {"(string->number \"100\")", "100"},
      {"(string->number \"100\" 16)", "256"},
      {"(string->number \"1e2\")", "100.0"},
      {"(string->number \"abc\")", "#f"},
      {"(string->number \"\")", "#f"},
      {"(string->number \"1+2i\")", "#f"},
      {"(string->number \"#xff\")", "255"},
      {"(string->number \"\\x3bb;\")", "#f"},
      {"(number->string 1 3)", "RangeError: number->string: argument 2 must be 2, 8, 10 or 16, got 3"},
      {"(string->number 5)", "TypeError: string->number: argument 1 must be a string, got 5"},
  });
}

TEST_F(NumberProcedures, bits) {
  expect({
      {"(bitwise-and 12 10)", "8"},
      {"(bitwise-or 12 10)", "14"},
      {"(bitwise-xor 12 10)", "6"},
      {"(bitwise-not 12)", "-13"},
      {"(bitwise-and -1 -1)", "-1"},
      {"(bitwise-and)", "-1"},
      {"(bitwise-and (expt 2 100) -1)", "1267650600228229401496703205376"},
      {"(bitwise-and (- (expt 2 100)) (- (expt 2 99)))", "-1267650600228229401496703205376"},
      {"(bitwise-or (- (expt 2 64)) 1)", "-18446744073709551615"},
      {"(bitwise-xor (- (expt 2 64)) (expt 2 64))", "-36893488147419103232"},
      {"(bitwise-not (expt 2 64))", "-18446744073709551617"},
      {"(arithmetic-shift 1 100)", "1267650600228229401496703205376"},
      {"(arithmetic-shift (expt 2 100) -98)", "4"},
      {"(arithmetic-shift -5 -1)", "-3"},
      {"(arithmetic-shift -4 -1)", "-2"},
      {"(arithmetic-shift -1 -1000)", "-1"},
      {"(arithmetic-shift 5 (- (expt 10 30)))", "0"},
      {"(bit-count 255)", "8"},
      {"(bit-count -256)", "8"},
      {"(bit-count (- (expt 2 100) 1))", "100"},
  });
}

TEST_F(NumberProcedures, wrong_arguments_name_the_procedure_and_the_argument) {
  expect({
      {"(apply + '(1 a))", "TypeError: +: argument 2 must be a number, got a"},
      {"(- \"x\")", "TypeError: -: argument 1 must be a number, got \"x\""},
      {"(apply * '(1 2 3 #t))", "TypeError: *: argument 4 must be a number, got #t"},
      {"(/ 5 0)", "DivideByZero: /: division by zero"},
      {"(/ 5.0 0)", "DivideByZero: /: division by zero"},
      {"(/ 0)", "DivideByZero: /: division by zero"},
      {"(< 1 2 'x)", "TypeError: <: argument 3 must be a number, got x"},
      {"(< 2 1 'x)", "TypeError: <: argument 3 must be a number, got x"},
      {"(quotient 1 0)", "DivideByZero: quotient: division by zero"},
      {"(modulo 1.0 0.0)", "DivideByZero: modulo: division by zero"},
      {"(floor/ 1.5 2)", "TypeError: floor/: argument 1 must be an integer, got 1.5"},
      {"(gcd 4 1/2)", "TypeError: gcd: argument 2 must be an integer, got 1/2"},
      {"(even? 1.5)", "TypeError: even?: argument 1 must be an integer, got 1.5"},
      {"(exact +nan.0)", "RangeError: exact: argument 1 must be finite, got +nan.0"},
      {"(numerator +inf.0)", "TypeError: numerator: argument 1 must be a rational number, got +inf.0"},
      {"(sqrt -4)", "RangeError: sqrt: argument 1 must be at least 0 (there are no complex numbers), got -4"},
      {"(sqrt 'x)", "TypeError: sqrt: argument 1 must be a number, got x"},
      {"(exact-integer-sqrt -1)", "RangeError: exact-integer-sqrt: argument 1 must be at least 0, got -1"},
      {"(exact-integer-sqrt 4.0)", "TypeError: exact-integer-sqrt: argument 1 must be an exact integer, got 4.0"},
      {"(log 0)", "RangeError: log: argument 1 must be other than 0, got 0"},
      {"(expt 0 -1)", "DivideByZero: expt: division by zero"},
      {"(expt 'a 1)", "TypeError: expt: argument 1 must be a number, got a"},
      {"(bitwise-and 1 2.0)", "TypeError: bitwise-and: argument 2 must be an exact integer, got 2.0"},
      {"(max 'a)", "TypeError: max: argument 1 must be a real number, got a"},
      {"(sin \"1\")", "TypeError: sin: argument 1 must be a number, got \"1\""},
      {"(exact? 'a)", "TypeError: exact?: argument 1 must be a number, got a"},
  });
}

TEST_F(NumberProcedures, results_that_nobody_can_hold_are_refused_at_once) {
  for (const char* program : {
           "(expt 2 (expt 10 9))",
           "(expt 2 (expt 10 100))",
           "(expt 2/3 (expt 10 9))",
           "(expt 2 (- (expt 10 9)))",
           "(expt (expt 2 100000) 100000)",
           "(arithmetic-shift 1 (expt 10 9))",
           "(arithmetic-shift 1 (expt 10 100))",
           "(string->number (make-string 1000000 #\\9))",
           "(let loop ((x 3)) (loop (* x x)))",
           "(let loop ((x 1/3)) (loop (+ x (/ 1 (+ 7 (numerator x) (denominator x))))))",
           "(gcd (- (expt 2 262143) 1) (- (expt 3 165000) 1))",
           "(rationalize (/ (expt 3 20000) (expt 2 31000)) (expt 5 -9000))",
           "(lcm (expt 3 100000) (expt 5 100000))",
       }) {
    EXPECT_EQ(eval(program).substr(0, 12), "RangeError: ") << program;
  }
  EXPECT_EQ(eval("(expt 2 (expt 10 9))"),
            "RangeError: expt: the result is too large: an integer has at most 262144 bits, a ratio's parts 131072");
  EXPECT_EQ(eval("(inexact (/ (expt 3 80000) (expt 2 126000)))"), "8.335351360050766e239");
}

TEST_F(NumberProcedures, large_integers) {
  EXPECT_EQ(eval("(sqrt (expt 10 400))"), "1" + std::string(200, '0'));
  EXPECT_EQ(eval("(define (fact n) (if (= n 0) 1 (* n (fact (- n 1))))) (fact 30)"),
            "265252859812191058636308480000000");
  EXPECT_EQ(eval("(define (fact n) (if (= n 0) 1 (* n (fact (- n 1))))) (string-length (number->string (fact 3000)))"),
            "9131");
  EXPECT_EQ(eval("(exact (floor 1e20))"), "100000000000000000000");
  EXPECT_EQ(eval("(- (expt 2 62))"), "-4611686018427387904");
  EXPECT_EQ(eval("(eqv? (expt 2 100) (expt 2 100))"), "#t");
}

TEST_F(NumberProcedures, work_is_counted_in_steps) {
  const auto steps = [&](const std::string& program) {
    eval(program);
    return steps_;
  };
  // 2^16 bits by 2^16 bits, once.
  eval("(define big (expt 3 40000)) (define small 3)");
  EXPECT_GT(steps("(* big big)"), 100 * steps("(* small small)"));
  EXPECT_GT(steps("(quotient (* big big) big)"), 100 * steps("(quotient small small)"));
  EXPECT_GT(steps("(number->string big)"), 100 * steps("(number->string small)"));
  EXPECT_GT(steps("(gcd big (+ 1 big))"), 1000 * steps("(gcd small (+ 1 small))"));
}

}  // namespace
}  // namespace heddle::lisp
