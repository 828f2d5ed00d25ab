#include "lisp/expander/libraries.h"

#include <algorithm>

#include "lisp/program.h"
#include "support/lisp.h"

namespace heddle::lisp {
namespace {

class LibrariesTest : public Lisp {
 protected:
  // What a whole program gives, each with its own top level.
  std::string run(std::string_view text, ProgramKind kind = ProgramKind::kWhole) {
    if (kind == ProgramKind::kWhole) environment_ = make_program_environment(machine_.heap(), machine_.core());
    const Value thunk = make_program(machine_, text, machine_.sources().add("test"), environment_, kind);
    Fiber* fiber = machine_.make_fiber(thunk, nullptr);
    fiber->environment = environment_;  // which keeps it alive: nothing is collected between two runs
    for (u64 steps = 0; steps < 10'000'000; steps += machine_.last_steps()) {
      const Turn turn = machine_.run(*fiber, 100'000);
      if (turn == Turn::kDone) return written(fiber->result);
      if (turn == Turn::kFailed) return failure(fiber->result);
    }
    return "steps";
  }

  Value environment_ = make_program_environment(machine_.heap(), machine_.core());
};

TEST_F(LibrariesTest, every_name_of_every_library_is_bound) {
  for (std::size_t index = 0; index < kLanguageLibraryCount; ++index) {
    const LanguageLibrary& library = kLanguageLibraries[index];
    for_each_word(library.names, [&](std::string_view name) {
      const Value binding = find_own(machine_.core(), machine_.heap().symbol(name));
      EXPECT_NE(binding, kUndefined) << library.name << " " << name;
      if (is_a(binding, Type::kCell)) {
        EXPECT_NE(as<Cell>(binding)->value, kUndefined) << library.name << " " << name;
      }
    });
  }
}

TEST_F(LibrariesTest, names_of_a_library_are_there_once) {
  for (std::size_t index = 0; index < kLanguageLibraryCount; ++index) {
    std::vector<std::string> names;
    for_each_word(kLanguageLibraries[index].names, [&](std::string_view name) { names.emplace_back(name); });
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end()) << kLanguageLibraries[index].name;
  }
}

TEST_F(LibrariesTest, a_program_without_imports_sees_the_whole_language) {
  EXPECT_EQ(run("(let-values (((a b) (values 1 2))) (cadr (list a b)))"), "2");
  EXPECT_EQ(run("(define car cdr) (car '(1 2))"), "(2)");
  EXPECT_EQ(run("(%records 1)").substr(0, 15), "UnboundVariable");
}

TEST_F(LibrariesTest, a_program_that_begins_with_an_import_sees_only_that) {
  EXPECT_EQ(run("(import (scheme base)) (if (pair? '()) 1 2)"), "2");
  EXPECT_EQ(run("(import (only (scheme base) car quote)) (car '(1))"), "1");
  EXPECT_EQ(run("(import (only (scheme base) car quote)) (cdr '(1))").substr(0, 15), "UnboundVariable");
  EXPECT_EQ(run("(import (only (scheme base) car)) (if 1 2 3)").substr(0, 15), "UnboundVariable");
  EXPECT_EQ(run("(import (except (scheme base) car)) (cdr '(1))"), "()");
  EXPECT_EQ(run("(import (except (scheme base) car)) (car '(1))").substr(0, 15), "UnboundVariable");
  EXPECT_EQ(run("(import (prefix (only (scheme base) car quote) s:)) (s:car (s:quote (1)))"), "1");
  EXPECT_EQ(run("(import (rename (scheme base) (car kar) (cdr car))) (kar (car '(1 2)))"), "2");
  EXPECT_EQ(run("(import (heddle)) (car '(1))"), "1");
  EXPECT_EQ(run("(import (prefix (rename (only (scheme base) car quote) (car kar)) x-)) (x-kar (x-quote (1)))"), "1");
}

TEST_F(LibrariesTest, an_import_that_is_not_there_is_an_error) {
  EXPECT_EQ(run("(import (no such library))"), "SyntaxError: import: there is no library (no such library)");
  EXPECT_EQ(run("(import (only (scheme base) kar))"), "SyntaxError: import: kar is not among what is imported");
  EXPECT_EQ(run("(import (scheme complex))"), "SyntaxError: import: (scheme complex): there are no complex numbers");
  for (const char* name : {"file", "load", "process-context"}) {
    EXPECT_EQ(run("(import (scheme " + std::string(name) + "))").substr(0, 19), "CapabilityViolation") << name;
  }
}

constexpr std::string_view kStack =
    "(define-library (my stack)"
    "  (export make push (rename top-of top) count-made twice)"
    "  (import (scheme base))"
    "  (begin"
    "    (define made 0)"
    "    (define (make) (set! made (+ made 1)) '())"
    "    (define (count-made) made)"
    "    (define (push item stack) (cons item stack))"
    "    (define (top-of stack) (car stack))"
    "    (define (private x) (list x x))"
    "    (define-syntax twice (syntax-rules () ((_ x) (private x))))))";

TEST_F(LibrariesTest, a_library_has_its_own_names) {
  EXPECT_EQ(run(std::string(kStack) + "(import (scheme base) (my stack)) (top (push 1 (make)))"), "1");
  EXPECT_EQ(run(std::string(kStack) + "(import (scheme base) (my stack)) (define (car x) 'mine) (top (push 1 (make)))"),
            "1");
  EXPECT_EQ(run(std::string(kStack) + "(import (scheme base) (my stack)) (private 1)").substr(0, 15),
            "UnboundVariable");
  EXPECT_EQ(run(std::string(kStack) + "(import (scheme base) (my stack)) (define (private x) 0) (twice 5)"), "(5 5)");
  EXPECT_EQ(run(std::string(kStack) + "(import (prefix (my stack) s:)) (s:make) (s:make) (s:count-made)"), "2");
}

TEST_F(LibrariesTest, a_library_runs_once_and_only_if_it_is_imported) {
  EXPECT_EQ(run("(define-library (a) (export x) (import (scheme base)) (begin (define x (vector-ref (vector) 0)))) 1"),
            "1");
  EXPECT_EQ(run("(define-library (a) (export x bump) (import (scheme base))"
                "  (begin (define x (list 0)) (define (bump) (set-car! x (+ 1 (car x))))))"
                "(define-library (b) (export y) (import (a) (scheme base)) (begin (bump) (define y x)))"
                "(import (a) (b) (scheme base)) (bump) (eq? x y)"),
            "#t");
}

TEST_F(LibrariesTest, what_a_library_imports_cannot_be_changed_in_it) {
  EXPECT_EQ(run("(define-library (a) (export) (import (scheme base)) (begin (define (car x) x)))"),
            "SyntaxError: define: car is imported and cannot be defined in this library");
  EXPECT_EQ(run("(define-library (a) (export) (import (scheme base)) (begin (set! car 1)))"),
            "SyntaxError: set!: car is imported from a library and cannot be assigned");
  EXPECT_EQ(run("(define-library (a) (export x) (import (scheme base)) (begin (define x 1))) (import (a) (scheme "
                "base)) (set! x 2)"),
            "SyntaxError: set!: x is imported from a library and cannot be assigned");
}

TEST_F(LibrariesTest, a_library_exports_what_it_defines) {
  EXPECT_EQ(run("(define-library (a) (export x) (import (scheme base)))"),
            "SyntaxError: define-library: exports x, which it does not define");
  EXPECT_EQ(run("(define-library (a) (export car quote) (import (scheme base))) (import (a)) (car '(1))"), "1");
  EXPECT_EQ(run("(define-library (scheme base) (export))"),
            "SyntaxError: define-library: (scheme base) is a library of the language");
  EXPECT_EQ(run("(define-library (a) (frobnicate))"), "SyntaxError: frobnicate: no declaration of a library");
}

TEST_F(LibrariesTest, libraries_of_one_program_are_unknown_to_another) {
  EXPECT_EQ(run("(define-library (a) (export)) 1"), "1");
  EXPECT_EQ(run("(import (a))"), "SyntaxError: import: there is no library (a)");
}

TEST_F(LibrariesTest, a_session_keeps_what_it_has_when_it_imports) {
  EXPECT_EQ(run("(define (car x) 'mine)", ProgramKind::kPiece), run("(if #f #f)", ProgramKind::kPiece));
  EXPECT_EQ(run("(car '(1))", ProgramKind::kPiece), "mine");
  EXPECT_EQ(run("(import (scheme base))", ProgramKind::kPiece), run("(if #f #f)", ProgramKind::kPiece));
  EXPECT_EQ(run("(car (list 1))", ProgramKind::kPiece), "1");
  EXPECT_EQ(run("(let-values (((a) (values 1))) a)", ProgramKind::kPiece), "1");
}

TEST_F(LibrariesTest, a_definition_further_down_is_seen_by_what_is_above) {
  EXPECT_EQ(run("(define (f) (car '(1 2))) (define before (f)) (define (car x) 'mine) (list before (f))"), "(1 mine)");
  EXPECT_EQ(run("(define (f) (car '(1 2))) (let () (set! car cdr)) (f)"), "(2)");
}

TEST_F(LibrariesTest, eval_sees_the_environment_that_it_is_given) {
  EXPECT_EQ(run("(define x 1) (eval '(list x) (interaction-environment))"), "(1)");
  EXPECT_EQ(run("(eval '(define y 2)) y"), "2");
  EXPECT_EQ(run("(define x 1) (eval 'x (environment '(scheme base)))").substr(0, 15), "UnboundVariable");
  EXPECT_EQ(
      run("(eval '(s:car (list 1)) (environment '(prefix (only (scheme base) car) s:) '(only (scheme base) list)))"),
      "1");
  EXPECT_EQ(run(std::string(kStack) + "(eval '(top (push 1 (make))) (environment '(my stack)))"), "1");
  EXPECT_EQ(run("(eval '(let ((x 1)) x) (null-environment 5))"), "1");
  EXPECT_EQ(run("(eval '(car 1) (null-environment 5))").substr(0, 15), "UnboundVariable");
  EXPECT_EQ(run("(eval '(car '(1)) (scheme-report-environment 5))"), "1");
  EXPECT_EQ(run("(eval 1 2)").substr(0, 9), "TypeError");
  EXPECT_EQ(run("(eval '(if))").substr(0, 11), "SyntaxError");
}

TEST_F(LibrariesTest, a_program_that_cannot_be_read_does_nothing) {
  EXPECT_EQ(run("(define x 1)", ProgramKind::kPiece), run("(if #f #f)", ProgramKind::kPiece));
  EXPECT_EQ(run("(set! x 2) (", ProgramKind::kPiece).substr(0, 11), "SyntaxError");
  EXPECT_EQ(run("x", ProgramKind::kPiece), "1");
  // A form that cannot be expanded fails when its turn comes.
  EXPECT_EQ(run("(set! x 3) (if)", ProgramKind::kPiece).substr(0, 11), "SyntaxError");
  EXPECT_EQ(run("x", ProgramKind::kPiece), "3");
}

}  // namespace
}  // namespace heddle::lisp
