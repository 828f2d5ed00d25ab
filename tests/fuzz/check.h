// What a fuzz target says of an input that breaks a rule: libFuzzer keeps the input and shows the stack.
#pragma once

#include <cstdio>

namespace heddle::fuzz {

inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  __builtin_trap();
}

}  // namespace heddle::fuzz
