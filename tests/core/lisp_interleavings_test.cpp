// SICP 3.4 as a property: what parallel-execute can give, over many interleavings of the same two processes, is exactly
// what the textbook lists.
#include <set>

#include "support/lisp_host.h"

namespace heddle::testing {
namespace {

// x = 10; one process sets x to x * x, the other to x + 1. Each begins after some steps of its own. Every access is a
// call: between calls there is one instruction that both reads and computes.
std::string program(bool is_serialized, u32 first, u32 second) {
  return R"((define x 10)
            (define (the-x) x)
            (define (set-x! value) (set! x value))
            (define (wait n) (if (positive? n) (wait (- n 1))))
            (define s )" +
         std::string(is_serialized ? "(make-serializer)" : "(lambda (p) p)") + R"()
            (define one (s (lambda () (set-x! (* (the-x) (the-x))))))
            (define other (s (lambda () (set-x! (+ (the-x) 1)))))
            (define (parallel-execute . processes) (with-scope (for-each fiber/spawn processes)))
            (parallel-execute (lambda () (wait )" +
         std::to_string(first) + ") (one)) (lambda () (wait " + std::to_string(second) + ") (other)))\n x";
}

std::set<std::string> outcomes(bool is_serialized) {
  std::set<std::string> found;
  const auto run = [&](DispatchPolicy policy, u32 quantum, u64 seed, u32 first, u32 second) {
    KernelConfig config = LispHost::virtual_time();
    config.dispatch = policy;
    config.quantum = quantum;
    config.seed = seed;
    LispHost host(config);
    found.insert(host.run(program(is_serialized, first, second)));
  };
  for (u32 quantum = 1; quantum <= 60; ++quantum) {
    run(DispatchPolicy::kFairRoundRobin, quantum, 1, 0, 0);
    run(DispatchPolicy::kFairRoundRobin, quantum, 1, 1, 0);
  }
  for (u32 late = 0; late < 5; ++late) {
    for (u32 quantum = 1; quantum <= 4; ++quantum) {
      run(DispatchPolicy::kFairRoundRobin, quantum, 1, 0, late);
      run(DispatchPolicy::kFairRoundRobin, quantum, 1, late, 0);
    }
  }
  for (u64 seed = 1; seed <= 20; ++seed) run(DispatchPolicy::kRandom, 1000, seed, 0, 0);
  return found;
}

TEST(LispInterleavings, an_unprotected_parallel_execute_gives_the_five_results_of_the_textbook) {
  EXPECT_EQ(outcomes(false), (std::set<std::string>{"101", "121", "110", "11", "100"}));
}

TEST(LispInterleavings, with_one_serializer_there_are_two) {
  EXPECT_EQ(outcomes(true), (std::set<std::string>{"101", "121"}));
}

}  // namespace
}  // namespace heddle::testing
