// Programs to try the machine with: a grammar of forms that mostly mean something, and changes of a program's text that
// keep its parentheses in order. All choices come from a random number, so that one seed gives one sequence of
// programs.
//
// What it makes is text, like every other input: a finding is a program that can be read, cut down and kept as a test.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "heddle/types.h"

namespace heddle::fuzz {

// Xorshift (Marsaglia, 2003).
class Random {
 public:
  explicit Random(u32 seed) : state_(seed * 2654435761U + 88172645463325252ULL) {}
  u32 below(u32 bound) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<u32>((state_ >> 16) % bound);
  }

 private:
  u64 state_;
};

// A whole program: definitions that the forms behind them use, then some forms.
std::string make_program(Random& random);

// One change of a program: a datum is replaced, wrapped, moved, copied or taken away.
std::string change_program(std::string_view text, Random& random);

// A program with a part of another one.
std::string cross_programs(std::string_view text, std::string_view other, Random& random);

}  // namespace heddle::fuzz
