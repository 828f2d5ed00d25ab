#include "lisp/numbers/elementary.h"

#include <bit>
#include <cmath>
#include <limits>

#include "lisp/numbers/natural.h"

namespace heddle::lisp::elementary {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Below this, x is the nearest double to sin(x), tan(x), asin(x) and atan(x).
constexpr double kTiny = 0x1p-27;

// The number high + low, where low is at most half a unit in the last place of high.
struct Pair {
  double high = 0;
  double low = 0;

  double rounded() const { return high + low; }
};

// Exact where |a| >= |b| or a is 0.
constexpr Pair ordered_sum(double a, double b) {
  const double sum = a + b;
  return {sum, b - (sum - a)};
}
constexpr Pair exact_sum(double a, double b) {
  const double sum = a + b;
  const double part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}
constexpr Pair halves(double a) {
  const double scaled = 134217729.0 * a;  // 2^27 + 1
  const double high = scaled - (scaled - a);
  return {high, a - high};
}
constexpr Pair exact_product(double a, double b) {
  const double product = a * b;
  const Pair x = halves(a);
  const Pair y = halves(b);
  return {product, ((x.high * y.high - product) + x.high * y.low + x.low * y.high) + x.low * y.low};
}
constexpr Pair operator+(Pair a, Pair b) {
  Pair sum = exact_sum(a.high, b.high);
  const Pair rest = exact_sum(a.low, b.low);
  sum = ordered_sum(sum.high, sum.low + rest.high);
  return ordered_sum(sum.high, sum.low + rest.low);
}
constexpr Pair operator-(Pair a) { return {-a.high, -a.low}; }
constexpr Pair operator-(Pair a, Pair b) { return a + -b; }
constexpr Pair operator*(Pair a, Pair b) {
  const Pair product = exact_product(a.high, b.high);
  return ordered_sum(product.high, product.low + (a.high * b.low + a.low * b.high));
}
constexpr Pair operator/(Pair a, Pair b) {
  const double first = a.high / b.high;
  Pair rest = a - Pair{first} * b;
  const double second = rest.high / b.high;
  rest = rest - Pair{second} * b;
  return ordered_sum(first, second) + Pair{rest.high / b.high};
}
// By a power of two.
constexpr Pair scaled(Pair a, double factor) { return {a.high * factor, a.low * factor}; }

Pair square_root(Pair a) {
  const double root = std::sqrt(a.high);
  const Pair rest = a - exact_product(root, root);
  return ordered_sum(root, rest.high / (2 * root));
}

constexpr Pair kLn2{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
constexpr Pair kPi{0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53};
constexpr Pair kHalfPi{0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};

template <int N>
struct Table {
  Pair at[N];
};
// 1 / n!
constexpr Table<28> kInverseFactorial = [] {
  Table<28> table;
  table.at[0] = {1};
  for (int n = 1; n < 28; n++) table.at[n] = table.at[n - 1] / Pair{static_cast<double>(n)};
  return table;
}();
// 1 / (2n + 1)
constexpr Table<22> kInverseOdd = [] {
  Table<22> table;
  for (int n = 0; n < 22; n++) table.at[n] = Pair{1} / Pair{2.0 * n + 1};
  return table;
}();
// atan(n / 16)
constexpr Pair kAtan[17] = {
    {0x0.0p+0, 0x0.0p+0},
    {0x1.ff55bb72cfdeap-5, -0x1.c934d86d23f1dp-60},
    {0x1.fd5ba9aac2f6ep-4, -0x1.cd37686760c17p-59},
    {0x1.7b97b4bce5b02p-3, 0x1.347b0b4f881cap-58},
    {0x1.f5b75f92c80ddp-3, 0x1.8ab6e3cf7afbdp-57},
    {0x1.362773707ebccp-2, -0x1.963a544b672d8p-57},
    {0x1.6f61941e4def1p-2, -0x1.c63aae6f6e918p-56},
    {0x1.a64eec3cc23fdp-2, -0x1.24dec1b50b7ffp-56},
    {0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56},
    {0x1.0657e94db30d0p-1, -0x1.d5b495f6349e6p-56},
    {0x1.1e00babdefeb4p-1, -0x1.928df287a668fp-58},
    {0x1.345f01cce37bbp-1, 0x1.1021137c71102p-55},
    {0x1.4978fa3269ee1p-1, 0x1.2419a87f2a458p-56},
    {0x1.5d58987169b18p-1, 0x1.0028e4bc5e7cap-57},
    {0x1.700a7c5784634p-1, -0x1.8c34d25aadef6p-56},
    {0x1.819d0b7158a4dp-1, -0x1.bf76229d3b917p-56},
    {0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55},
};
// 2 / pi: the bits behind the point, the most significant word first.
constexpr u32 kTwoOverPi[] = {
    0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
    0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484,
    0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f,
    0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b,
    0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab, 0xf0cfbc20, 0x9af4361d,
};

// The sum of coefficient[first + stride * n] * x^n: those from `middle` on, which hardly count, in plain doubles.
template <int N>
Pair series(const Table<N>& coefficients, int first, int stride, int middle, int last, Pair x) {
  double tail = 0;
  for (int n = last; n >= middle; n--) tail = tail * x.high + coefficients.at[first + stride * n].high;
  Pair sum = Pair{tail} * x;
  for (int n = middle - 1; n > 0; n--) sum = (sum + coefficients.at[first + stride * n]) * x;
  return sum + coefficients.at[first];
}

bool is_finite(double x) { return x - x == 0; }
bool is_odd(double x) { return std::fabs(x) < 0x1p53 && std::fmod(x, 2) != 0; }

// x = result * 2^exponent, the result's magnitude in [1, 2); x is finite and not 0.
double mantissa_of(double x, int& exponent) {
  u64 bits = std::bit_cast<u64>(x);
  int shift = 0;
  if ((bits >> 52 & 0x7ff) == 0) {
    bits = std::bit_cast<u64>(x * 0x1p64);
    shift = -64;
  }
  exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023 + shift;
  return std::bit_cast<double>((bits & ~(u64{0x7ff} << 52)) | u64{1023} << 52);
}

double power_of_two(int exponent) { return std::bit_cast<double>(static_cast<u64>(exponent + 1023) << 52); }

// x * 2^exponent, rounded once; |x| is between 2^-64 and 2^64.
double shifted(double x, i64 exponent) {
  if (exponent > 1200) return x * kInfinity;
  if (exponent < -1200) return x * 0.0;
  // A step that cannot leave the normal numbers, and one that may.
  const int step = static_cast<int>(exponent) / 2;
  return x * power_of_two(step) * power_of_two(static_cast<int>(exponent) - step);
}

// exp(x) = result * 2^exponent; |x| is at most 800.
Pair exp_of(Pair x, int& exponent) {
  const double turns = std::nearbyint(x.high / kLn2.high);
  exponent = static_cast<int>(turns);
  // exp(r) - 1 of r / 64, which is at most 0.0055, and then squared six times.
  Pair rest = scaled((x - exact_product(turns, kLn2.high)) - exact_product(turns, kLn2.low), 0x1p-6);
  Pair result = series(kInverseFactorial, 1, 1, 6, 11, rest) * rest;
  for (int i = 0; i < 6; i++) result = scaled(result, 2) + result * result;
  return result + Pair{1};
}

// log(x * 2^exponent); x is finite and above 0.
Pair log_of(double x, i64 exponent) {
  int own = 0;
  double mantissa = mantissa_of(x, own);
  exponent += own;
  if (mantissa > 1.4142135623730951) {
    mantissa /= 2;
    exponent++;
  }
  // 2 atanh((m - 1) / (m + 1)), of at most 0.1716.
  const Pair ratio = Pair{mantissa - 1} / exact_sum(mantissa, 1);
  const Pair result = scaled(series(kInverseOdd, 0, 1, 9, 20, ratio * ratio) * ratio, 2);
  const double turns = static_cast<double>(exponent);
  return exact_product(turns, kLn2.high) + exact_product(turns, kLn2.low) + result;
}

// x minus the nearest multiple of pi / 2, whose number modulo 4 is `quadrant`; x is finite. Exact but for the last
// rounding: x * 2 / pi with as many bits as it takes (M. Payne and R. Hanek, "Radian reduction for trigonometric
// functions", 1983).
Pair reduced(double x, u32& quadrant) {
  quadrant = 0;
  if (std::fabs(x) <= 0.7853981633974483) return {x};
  int exponent = 0;
  const double mantissa = std::fabs(mantissa_of(x, exponent)) * 0x1p52;
  exponent -= 52;
  // Words in front of these are multiples of 4 quadrants; those behind are 2^-107 of the smallest result.
  constexpr u32 kWords = 9;
  const u32 first = exponent > 2 ? static_cast<u32>(exponent - 2) / 32 : 0;
  Natural window = Natural::zeros(kWords);
  for (u32 i = 0; i < kWords; i++) window.data()[kWords - 1 - i] = kTwoOverPi[first + i];
  window.trim();
  Natural product = multiply(window, Natural(static_cast<u64>(mantissa)));
  const u64 point = static_cast<u64>(static_cast<int>(32 * (first + kWords)) - exponent);
  const Natural whole = shift_right(product, point);
  quadrant = static_cast<u32>(to_u64(whole)) & 3;
  Natural fraction = subtract(product, shift_left(whole, point));
  const bool is_above = bit(fraction, point - 1);
  if (is_above) {
    quadrant++;
    fraction = subtract(shift_left(Natural(1), point), fraction);
  }
  const u64 below = bit_length(fraction) - 53;
  const Natural top = shift_right(fraction, below);
  const i64 scale = -static_cast<i64>(point);
  const Pair part{nearest_double(top, scale + static_cast<i64>(below)),
                  nearest_double(subtract(fraction, shift_left(top, below)), scale)};
  Pair rest = ordered_sum(part.high, part.low) * kHalfPi;
  if (is_above != (x < 0)) rest = -rest;
  if (x < 0) quadrant = 0 - quadrant;
  quadrant &= 3;
  return rest;
}

// |x| is at most pi / 4.
Pair sin_of(Pair x) { return series(kInverseFactorial, 1, 2, 8, 13, -(x * x)) * x; }
Pair cos_of(Pair x) { return series(kInverseFactorial, 0, 2, 8, 13, -(x * x)); }

// x is not negative.
Pair atan_of(Pair x) {
  if (x.high > 1) return kHalfPi - atan_of(Pair{1} / x);
  const double near = std::nearbyint(x.high * 16);
  const Pair base{near / 16};
  // At most 1/32.
  const Pair rest = (x - base) / (Pair{1} + x * base);
  const Pair square = rest * rest;
  return kAtan[static_cast<int>(near)] + series(kInverseOdd, 0, 1, 5, 11, -square) * rest;
}

}  // namespace

double exp(double x) {
  if (x != x) return x;
  if (x > 710) return kInfinity;
  if (x < -746) return 0;
  int exponent = 0;
  const Pair result = exp_of({x}, exponent);
  return shifted(result.rounded(), exponent);
}

double log(double x) { return log(x, 0); }

double log(double x, i64 exponent) {
  if (x == 0) return -kInfinity;
  if (!(x > 0)) return kNan;
  if (x == kInfinity) return x;
  return log_of(x, exponent).rounded();
}

double log(double x, i64 x_exponent, double base, i64 base_exponent) {
  const double numerator = log(x, x_exponent);
  const double denominator = log(base, base_exponent);
  if (!is_finite(numerator) || !is_finite(denominator) || denominator == 0) return numerator / denominator;
  return (log_of(x, x_exponent) / log_of(base, base_exponent)).rounded();
}

double sin(double x) {
  if (!is_finite(x)) return kNan;
  if (std::fabs(x) < kTiny) return x;
  u32 quadrant = 0;
  const Pair rest = reduced(x, quadrant);
  const double result = (quadrant % 2 == 0 ? sin_of(rest) : cos_of(rest)).rounded();
  return quadrant >= 2 ? -result : result;
}

double cos(double x) {
  if (!is_finite(x)) return kNan;
  u32 quadrant = 0;
  const Pair rest = reduced(x, quadrant);
  const double result = (quadrant % 2 == 0 ? cos_of(rest) : sin_of(rest)).rounded();
  return quadrant == 1 || quadrant == 2 ? -result : result;
}

double tan(double x) {
  if (!is_finite(x)) return kNan;
  if (std::fabs(x) < kTiny) return x;
  u32 quadrant = 0;
  const Pair rest = reduced(x, quadrant);
  const Pair sine = sin_of(rest);
  const Pair cosine = cos_of(rest);
  return quadrant % 2 == 0 ? (sine / cosine).rounded() : -(cosine / sine).rounded();
}

double asin(double x) {
  const double size = std::fabs(x);
  if (!(size <= 1)) return kNan;
  if (size < kTiny) return x;
  Pair angle = kHalfPi;
  if (size < 1) angle = atan_of(Pair{size} / square_root(exact_sum(1, -size) * exact_sum(1, size)));
  return std::copysign(angle.rounded(), x);
}

double acos(double x) {
  if (!(std::fabs(x) <= 1)) return kNan;
  if (x == 1) return 0;
  if (x == -1) return kPi.rounded();
  return scaled(atan_of(square_root(exact_sum(1, -x) / exact_sum(1, x))), 2).rounded();
}

double atan(double x) {
  if (x != x || std::fabs(x) < kTiny) return x;
  if (std::fabs(x) > 0x1p64) return std::copysign(kHalfPi.rounded(), x);
  return std::copysign(atan_of({std::fabs(x)}).rounded(), x);
}

double atan(double y, double x) {
  if (x != x || y != y) return kNan;
  const bool is_left = std::signbit(x);
  if (y == 0) return std::copysign(is_left ? kPi.rounded() : 0.0, y);
  if (x == 0) return std::copysign(kHalfPi.rounded(), y);
  if (std::fabs(x) == kInfinity || std::fabs(y) == kInfinity) {
    if (std::fabs(y) != kInfinity) return std::copysign(is_left ? kPi.rounded() : 0.0, y);
    if (std::fabs(x) != kInfinity) return std::copysign(kHalfPi.rounded(), y);
    const Pair quarter = scaled(kHalfPi, 0.5);
    return std::copysign((is_left ? kPi - quarter : quarter).rounded(), y);
  }
  int x_exponent = 0;
  int y_exponent = 0;
  const double x_mantissa = std::fabs(mantissa_of(x, x_exponent));
  const double y_mantissa = std::fabs(mantissa_of(y, y_exponent));
  const int distance = y_exponent - x_exponent;
  if (distance > 120) return std::copysign(kHalfPi.rounded(), y);
  if (distance < -60 && !is_left) return y / x < 0 ? y / x : std::copysign(std::fabs(y / x), y);
  if (distance < -120) return std::copysign(kPi.rounded(), y);
  const Pair angle = atan_of(scaled(Pair{y_mantissa} / Pair{x_mantissa}, power_of_two(distance)));
  return std::copysign((is_left ? kPi - angle : angle).rounded(), y);
}

double pow(double base, double exponent) {
  if (exponent == 0 || base == 1) return 1;
  if (base != base || exponent != exponent) return kNan;
  const double size = std::fabs(base);
  const bool is_integer = std::nearbyint(exponent) == exponent;
  const bool is_negative = std::signbit(base) && is_integer && is_odd(exponent);
  if (std::fabs(exponent) == kInfinity) {
    if (size == 1) return 1;
    return (size > 1) == (exponent > 0) ? kInfinity : 0;
  }
  if (size == 0 || size == kInfinity) {
    const double result = (size == 0) == (exponent > 0) ? 0 : kInfinity;
    return is_negative ? -result : result;
  }
  if (base < 0 && !is_integer) return kNan;
  double result = 0;
  if (is_integer && std::fabs(exponent) <= 64) {
    // By multiplication, so that (expt x 2) is (* x x) rounded once.
    int scale = 0;
    const Pair mantissa{mantissa_of(size, scale)};
    const int count = static_cast<int>(std::fabs(exponent));
    Pair product = mantissa;
    for (int i = 30 - std::countl_zero(static_cast<u32>(count)); i >= 0; i--) {
      product = product * product;
      if ((count >> i & 1) != 0) product = product * mantissa;
    }
    if (exponent < 0) product = Pair{1} / product;
    result = shifted(product.rounded(), static_cast<i64>(scale) * static_cast<i64>(exponent));
  } else {
    const Pair logarithm = log_of(size, 0);
    const double estimate = exponent * logarithm.high;
    if (estimate > 750 || estimate < -750) {
      result = estimate > 0 ? kInfinity : 0;
    } else if (std::fabs(estimate) < 0x1p-60) {
      result = 1;
    } else {
      int scale = 0;
      const Pair power = exp_of(logarithm * Pair{exponent}, scale);
      result = shifted(power.rounded(), scale);
    }
  }
  return is_negative ? -result : result;
}

}  // namespace heddle::lisp::elementary
