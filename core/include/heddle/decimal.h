// Decimals to doubles, by the core's own arithmetic: the same in every build, whatever the platform's strtod does.
#pragma once

#include <string>

#include "heddle/types.h"

namespace heddle {

// The double nearest to digits * 10^exponent, ties to even; infinite where that is too large. `digits` has only the
// digits 0 to 9, any number of them.
double nearest_double_of_decimal(std::string digits, i64 exponent);

}  // namespace heddle
