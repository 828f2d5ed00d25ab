// Which words of an object are Values: all that the collector knows about a type. A new type gets its row here, or the
// build fails; a row that says unknown() stops the program at the first collection that meets such an object.
#pragma once

#include "lisp/heap/object.h"

namespace heddle::lisp {

// Values lie side by side: `fixed` of them, then Object::length more if `has_length`.
struct Layout {
  u8 first = 1;  // the word where they begin; the header is word 0
  u8 fixed = 0;
  bool has_length = false;
  bool is_known = true;

  constexpr bool has_values() const { return fixed != 0 || has_length; }
};

constexpr Layout no_values() { return {}; }
constexpr Layout fixed_values(u8 count, u8 first = 1) { return {first, count, false, true}; }
// `count` of them, then as many as the object's length says.
constexpr Layout values_by_length(u8 count, u8 first = 1) { return {first, count, true, true}; }
constexpr Layout unknown() { return {1, 1, false, false}; }

constexpr Layout layout_of(Type type) {
  switch (type) {
    case Type::kFree: return unknown();
    case Type::kPair: return fixed_values(2);
    case Type::kClosure: return values_by_length(1);
    case Type::kBox: return fixed_values(1);
    case Type::kCell: return fixed_values(2);
    case Type::kSymbol: return fixed_values(1);
    case Type::kString: return fixed_values(1);
    case Type::kBytes: return no_values();
    case Type::kVector: return values_by_length(0);
    case Type::kFlonum: return no_values();
    case Type::kBignum: return no_values();
    case Type::kRatnum: return fixed_values(2);
    case Type::kValues: return values_by_length(0);
    case Type::kBuiltin: return fixed_values(1, 2);
    case Type::kHostProcedure: return fixed_values(1, 2);
    case Type::kCode: return fixed_values(3);
    case Type::kChunk: return fixed_values(1, 2);  // the slots below `top`: Heap::scan_chunk
    case Type::kContinuation: return fixed_values(5);
    case Type::kFiber: return fixed_values(9);
    case Type::kParameter: return fixed_values(2);
    case Type::kPromise: return fixed_values(2);
    case Type::kRecordType: return fixed_values(2);
    case Type::kRecord: return values_by_length(1);
    case Type::kCondition: return fixed_values(6);
    case Type::kHashTable: return fixed_values(2);
    case Type::kPort: return fixed_values(1);
    case Type::kSync: return fixed_values(1);
    case Type::kEnvironment: return fixed_values(5);
    case Type::kLibrary: return fixed_values(4);
    case Type::kMacro: return fixed_values(3);
    case Type::kSpecial: return fixed_values(2);
    case Type::kAlias: return fixed_values(2);
  }
  return unknown();
}

}  // namespace heddle::lisp
