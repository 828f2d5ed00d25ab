// When two values are the same: eqv? and equal? of R7RS 6.1 (eq? is ==), and the hashes that go with them.
#pragma once

#include "lisp/heap/object.h"

namespace heddle::lisp {

// Numbers by exactness and value (a NaN is the same as a NaN, -0.0 is not 0.0), everything else by identity.
bool is_eqv(Value left, Value right);

// Pairs, vectors, strings and bytevectors by content, everything else as is_eqv(). Circular data terminates: two values
// are equal if no path leads to a difference. No recursion, and time in proportion to the size of the data, however
// often its parts are shared. `work` is increased by about one for every node or 16 bytes of text looked at.
bool is_equal(Value left, Value right, u64* work = nullptr);

// The same for values that are is_eqv(); by address for what is compared by identity: for tables that live as long as
// the addresses do, and never for a program's eyes.
u64 hash_eqv(Value value);
// The same for values that are is_equal(). Looks at the first kHashedNodes nodes, and at all of a text.
u64 hash_equal(Value value, u64* work = nullptr);
// The same, but the same in every run: what is compared by identity counts by its type only.
u64 hash_portable(Value value, u64* work = nullptr);

constexpr u32 kHashedNodes = 256;

// Mixes all bits into all bits (the finalizer of David Stafford's variant 13 of MurmurHash3).
constexpr u64 mix(u64 x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

}  // namespace heddle::lisp
