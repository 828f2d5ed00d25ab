// The elementary functions of doubles, from IEEE + - * / and square root alone: the same bits natively and in
// WebAssembly, where C libraries differ from each other.
//
// Computed to about 2^-95 in pairs of doubles (T. Dekker, "A floating-point technique for extending the available
// precision", 1971) and rounded once: the nearest double but for about one argument in 2^40, and where the result is
// subnormal. Special values are those of C99's annex F: a NaN where the result is not real.
#pragma once

#include "heddle/types.h"

namespace heddle::lisp::elementary {

double exp(double x);
double log(double x);
// log(x * 2^exponent), for what is too large or too small for a double.
double log(double x, i64 exponent);
// log(x * 2^x_exponent) / log(base * 2^base_exponent), rounded once: (log 8 2) is 3.
double log(double x, i64 x_exponent, double base, i64 base_exponent);
double sin(double x);
double cos(double x);
double tan(double x);
double asin(double x);
double acos(double x);
double atan(double x);
// The angle of the point (x, y).
double atan(double y, double x);
double pow(double base, double exponent);

}  // namespace heddle::lisp::elementary
