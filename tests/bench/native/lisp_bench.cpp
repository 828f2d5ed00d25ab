// What the Lisp's machine costs without kernel and host: prints one JSON object a line, milliseconds of the best of
// some runs and steps. With arguments: only the cases that are named.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

#include "lisp/expander/environment.h"
#include "lisp/machine.h"
#include "lisp/program.h"
#include "lisp/text/printer.h"

namespace {

using namespace heddle::lisp;
using heddle::u64;

struct Case {
  const char* name;
  const char* setup;
  const char* text;
};

constexpr Case kCases[] = {
    {"fib 30", "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))", "(fib 30)"},
    {"tak 18 12 6",
     "(define (tak x y z) (if (not (< y x)) z (tak (tak (- x 1) y z) (tak (- y 1) z x) (tak (- z 1) x y))))",
     "(tak 18 12 6)"},
    {"1000 x ack 2 9",
     "(define (ack m n) (cond ((= m 0) (+ n 1)) ((= n 0) (ack (- m 1) 1)) (else (ack (- m 1) (ack m (- n 1))))))",
     "(do ((i 0 (+ i 1)) (r 0 (ack 2 9))) ((= i 1000) r))"},
    {"loop 10^7", "", "(do ((i 0 (+ i 1)) (sum 0 (+ sum i))) ((= i 10000000) sum))"},
    {"10^5 string appends", "",
     "(let loop ((i 0) (s \"\")) (if (= i 100000) (string-length s)"
     " (loop (+ i 1) (if (> (string-length s) 1000) \"\" (string-append s \"x\")))))"},
    {"sort 10^5",
     "(define (merge a b)"
     "  (cond ((null? a) b) ((null? b) a)"
     "        ((< (car a) (car b)) (cons (car a) (merge (cdr a) b)))"
     "        (else (cons (car b) (merge a (cdr b))))))"
     "(define (take l n) (if (= n 0) '() (cons (car l) (take (cdr l) (- n 1)))))"
     "(define (drop l n) (if (= n 0) l (drop (cdr l) (- n 1))))"
     "(define (sort l n) (if (< n 2) l"
     "  (let ((h (quotient n 2))) (merge (sort (take l h) h) (sort (drop l h) (- n h))))))"
     "(define (numbers n seed) (let loop ((i 0) (x seed) (l '()))"
     "  (if (= i n) l (loop (+ i 1) (modulo (+ (* x 1103515245) 12345) 2147483648) (cons x l)))))"
     "(define data (numbers 100000 42))",
     "(car (sort data 100000))"},
    {"nqueens 8",
     "(define (queens board-size)"
     "  (define (attacks? row dist placed)"
     "    (and (pair? placed) (or (= (car placed) (+ row dist)) (= (car placed) (- row dist)) (= (car placed) row)"
     "      (attacks? row (+ dist 1) (cdr placed)))))"
     "  (define (place k placed)"
     "    (if (= k 0) 1 (let loop ((row 1) (sum 0)) (if (> row board-size) sum"
     "      (loop (+ row 1) (if (attacks? row 1 placed) sum (+ sum (place (- k 1) (cons row placed)))))))))"
     "  (place board-size '()))",
     "(queens 8)"},
    {"10^5 call/cc", "", "(do ((i 0 (+ i 1)) (sum 0 (+ sum (call/cc (lambda (k) (k 1)))))) ((= i 100000) sum))"},
    {"10^5 guard", "", "(do ((i 0 (+ i 1)) (sum 0 (+ sum (guard (e (#t 1)) (raise 'x))))) ((= i 100000) sum))"},
    {"10^5 guard, nothing raised", "", "(do ((i 0 (+ i 1)) (sum 0 (+ sum (guard (e (#t 1)) 2)))) ((= i 100000) sum))"},
    {"deep 10^6", "(define (deep n) (if (= n 0) 0 (+ 1 (deep (- n 1)))))", "(deep 1000000)"},
    {"closures 10^6", "(define (adder n) (lambda (x) (+ x n)))",
     "(do ((i 0 (+ i 1)) (sum 0 ((adder i) sum))) ((= i 1000000) sum))"},
    {"set! 10^6", "", "(let ((x 0)) (do ((i 0 (+ i 1))) ((= i 1000000) x) (set! x (+ x i))))"},
    {"flonums 10^6", "", "(do ((i 0 (+ i 1)) (x 0.5 (+ (* x 0.999) 0.25))) ((= i 1000000) x))"},
};

double now() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

// Kept by this alone while it runs, so the machine's list of fibers is its root.
Value run(Machine& machine, const char* text, Value environment, u64& steps) {
  const Value program = make_program(machine, text, machine.sources().add("bench"), environment, ProgramKind::kPiece);
  Fiber* fiber = machine.make_fiber(program, nullptr);
  fiber->environment = environment;
  steps = 0;
  for (;;) {
    const Turn turn = machine.run(*fiber, 200'000);
    steps += machine.last_steps();
    if (turn == Turn::kPreempted) continue;
    if (turn != Turn::kDone) std::printf("failed: %s\n", machine.report(fiber->result).c_str());
    return fiber->result;
  }
}

}  // namespace

int main(int count, char** names) {
  double start = now();
  Machine machine;
  const double made = now() - start;
  start = now();
  if (!machine.load_preludes()) {
    std::printf("prelude: %s\n", machine.report(machine.raised()).c_str());
    return 1;
  }
  std::printf("{\"case\":\"load\",\"machine\":%.2f,\"preludes\":%.2f}\n", made, now() - start);
  for (const Case& each : kCases) {
    bool is_wanted = count < 2;
    for (int i = 1; i < count; ++i) is_wanted |= std::strstr(each.name, names[i]) != nullptr;
    if (!is_wanted) continue;
    Fiber* keeper = machine.make_fiber(kFalse, nullptr);  // a root for the environment
    keeper->environment = make_program_environment(machine.heap(), machine.core());
    u64 steps = 0;
    run(machine, each.setup, keeper->environment, steps);
    double best = 1e9;
    std::string result;
    for (int i = 0; i < 7; ++i) {
      start = now();
      result = written(run(machine, each.text, keeper->environment, steps));
      if (now() - start < best) best = now() - start;
    }
    machine.abandon(*keeper);
    std::printf("{\"case\":\"%s\",\"ms\":%.3f,\"steps\":%llu,\"result\":\"%s\"}\n", each.name, best,
                static_cast<unsigned long long>(steps), result.c_str());
    std::fflush(stdout);
  }
}
