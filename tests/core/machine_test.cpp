// The machine, seen from programs: calls, loops, variables, continuations, conditions.
#include "lisp/machine.h"

#include "support/lisp.h"

namespace heddle::lisp {
namespace {

using MachineTest = Lisp;

TEST_F(MachineTest, constants_and_calls) {
  EXPECT_EQ(eval("42"), "42");
  EXPECT_EQ(eval("'(a \"b\" #\\c)"), "(a \"b\" #\\c)");
  EXPECT_EQ(eval("(cons 1 2)"), "(1 . 2)");
  EXPECT_EQ(eval("((lambda (a . rest) (vector a rest)) 1 2 3)"), "#(1 (2 3))");
  EXPECT_EQ(eval("(define (f x) (cons x x)) (f 3)"), "(3 . 3)");
  EXPECT_EQ(eval("(let loop ((i 0) (list '())) (if (eq? i 3) list (loop 3 (cons i list))))"), "(0)");
}

}  // namespace
}  // namespace heddle::lisp
