// The five comparisons that characters and strings have, each for any number of arguments.
#pragma once

#include "lisp/machine.h"

namespace heddle::lisp {

enum class Comparison : u8 { kEqual, kLess, kGreater, kLessOrEqual, kGreaterOrEqual };

// Whether an order (below 0, 0, above 0) of two neighbours is what was asked for.
constexpr bool holds(Comparison comparison, i32 order) {
  switch (comparison) {
    case Comparison::kEqual: return order == 0;
    case Comparison::kLess: return order < 0;
    case Comparison::kGreater: return order > 0;
    case Comparison::kLessOrEqual: return order <= 0;
    case Comparison::kGreaterOrEqual: return order >= 0;
  }
  return false;
}

}  // namespace heddle::lisp
