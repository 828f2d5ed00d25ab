// Greatest common divisors: Lehmer's algorithm, which does many steps of Euclid's at once on the leading bits.
#include <algorithm>
#include <utility>

#include "lisp/numbers/natural.h"

namespace heddle::lisp {

namespace {

u64 gcd_of_words(u64 left, u64 right) {
  while (right != 0) left = std::exchange(right, left % right);
  return left;
}

// What one turn of Lehmer's algorithm has found: a step of Euclid's, or many of them at once.
struct Cofactors {
  i64 p = 1;
  i64 q = 0;
  i64 r = 0;
  i64 s = 1;
};

// Replaces a and b by p a + q b and r a + s b, which are not negative; a is at least b, the factors are below 2^31 and
// those of a sum have opposite signs.
void combine(Natural& a, Natural& b, const Cofactors& factors) {
  const u32 count = a.size();
  Natural padded = Natural::zeros(count);
  std::copy(b.data(), b.data() + b.size(), padded.data());
  u32* const first = a.data();
  u32* const second = padded.data();
  i64 carry = 0;
  i64 other_carry = 0;
  for (u32 i = 0; i < count; i++) {
    const i64 x = first[i];
    const i64 y = second[i];
    carry += x * factors.p + y * factors.q;
    other_carry += x * factors.r + y * factors.s;
    first[i] = static_cast<u32>(carry);
    second[i] = static_cast<u32>(other_carry);
    carry >>= 32;
    other_carry >>= 32;
  }
  a.trim();
  padded.trim();
  b = std::move(padded);
}

// As many steps of Euclid's algorithm as the leading 62 bits of both tell (Knuth's conditions), a at least b.
Cofactors leading_steps(NaturalView a, NaturalView b) {
  const u64 from = bit_length(a) - 62;
  i64 x = static_cast<i64>(bits_from(a, from));
  i64 y = static_cast<i64>(bits_from(b, from));
  Cofactors f;
  while (y + f.r != 0 && y + f.s != 0) {
    const i64 factor = (x + f.p) / (y + f.r);
    if (factor != (x + f.q) / (y + f.s) || factor > INT32_MAX) break;
    const i64 r = f.p - factor * f.r;
    const i64 s = f.q - factor * f.s;
    if (r > INT32_MAX || r < -INT32_MAX || s > INT32_MAX || s < -INT32_MAX) break;
    f = {f.r, f.s, r, s};
    x = std::exchange(y, x - factor * y);
  }
  return f;
}

}  // namespace

Natural greatest_common_divisor(NaturalView left, NaturalView right) {
  Natural a(left);
  Natural b(right);
  if (compare(a, b) < 0) std::swap(a, b);
  while (b.size() > 2) {
    const Cofactors factors = leading_steps(a, b);
    if (factors.q == 0) {
      Natural rest = remainder(a, b);
      a = std::exchange(b, std::move(rest));
    } else {
      combine(a, b, factors);
      if (compare(a, b) < 0) std::swap(a, b);
    }
  }
  if (b.is_zero()) return a;
  const Natural rest = remainder(a, b);
  return Natural(gcd_of_words(to_u64(b), to_u64(rest)));
}

}  // namespace heddle::lisp
