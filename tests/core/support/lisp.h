// A machine to test the language with.
//
//   TEST_F(Lisp, ...) { EXPECT_EQ(eval("(+ 1 2)"), "3"); EXPECT_EQ(eval("(car 5)"), "TypeError: car: ..."); }
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "lisp/expander/environment.h"
#include "lisp/machine.h"
#include "lisp/program.h"
#include "lisp/text/printer.h"

namespace heddle::lisp {

class Lisp : public testing::Test {
 protected:
  explicit Lisp(u64 heap_limit = Heap::kDefaultLimit) : machine_(heap_limit) {
    if (!machine_.load_preludes()) ADD_FAILURE() << "prelude: " << machine_.report(machine_.raised());
    machine_.heap().add_roots(&roots_);
    fresh();
  }

  // From here on in a new top level.
  void fresh() {
    roots_.fiber = kFalse;
    roots_.environment = make_program_environment(machine_.heap(), machine_.core());
  }

  // The written value of the last form of a text named "test"; "Code: message" if one raised a condition, "raised:
  // object" for anything else that was raised, "steps" if it took more than fuel.
  std::string eval(std::string_view text) {
    raised_ = kFalse;
    steps_ = 0;
    const Value program =
        make_program(machine_, text, machine_.sources().add("test"), roots_.environment, ProgramKind::kPiece);
    Fiber* fiber = machine_.make_fiber(program, nullptr);
    fiber->environment = roots_.environment;
    roots_.fiber = Value::object(fiber);
    for (;;) {
      const Turn turn = machine_.run(*fiber, slice_);
      steps_ += machine_.last_steps();
      if (turn == Turn::kDone) return written(fiber->result);
      if (turn == Turn::kFailed) return failure(fiber->result);
      if (turn == Turn::kParked) return "parked";
      if (steps_ > fuel_) {
        machine_.abandon(*fiber);
        return "steps";
      }
    }
  }

  std::string failure(Value raised) {
    raised_ = raised;
    if (!is_a(raised, Type::kCondition)) return "raised: " + written(raised);
    return displayed(as<Condition>(raised)->code) + ": " + displayed(as<Condition>(raised)->message);
  }

  // What the last eval() raised.
  std::string position() const { return machine_.position_of(raised_); }
  std::vector<std::string> backtrace() const { return machine_.backtrace_of(raised_); }

  Machine machine_;
  Value raised_ = kFalse;
  u64 steps_ = 0;
  u64 slice_ = 1'000'000;
  u64 fuel_ = 1'000'000'000;

 private:
  class Roots : public RootSet {
   public:
    void mark_roots(Heap& heap) override {
      heap.mark(environment);
      heap.mark(fiber);
    }
    void forget_dead(Heap&) override {}

    Value environment = kFalse;
    Value fiber = kFalse;
  };
  Roots roots_;
};

}  // namespace heddle::lisp
