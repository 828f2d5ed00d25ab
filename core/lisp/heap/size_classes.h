// Which cell a small object gets. Cells grow by 8 bytes up to 128, from there by a quarter of a power of two, so that
// at most a fifth of a cell is lost; what is larger than kMaxSmall has memory of its own.
#pragma once

#include "heddle/types.h"

namespace heddle::lisp {

constexpr u32 kMaxSmall = 2048;
constexpr u32 kSizeClasses = 31;

struct SizeClasses {
  u16 bytes[kSizeClasses] = {};
  u8 of[kMaxSmall / 8 + 1] = {};  // by an object's size in words

  constexpr SizeClasses() {
    u32 count = 0;
    for (u32 size = 16; size <= 128; size += 8) bytes[count++] = static_cast<u16>(size);
    for (u32 power = 128; power < kMaxSmall; power *= 2) {
      for (u32 quarter = 5; quarter <= 8; ++quarter) bytes[count++] = static_cast<u16>(power / 4 * quarter);
    }
    u8 current = 0;
    for (u32 words = 0; words <= kMaxSmall / 8; ++words) {
      if (words * 8 > bytes[current]) ++current;
      of[words] = current;
    }
  }
};
constexpr SizeClasses kSizeClassTable;
static_assert(kSizeClassTable.bytes[kSizeClasses - 1] == kMaxSmall);
static_assert(kSizeClassTable.of[kMaxSmall / 8] == kSizeClasses - 1);

constexpr u32 size_class(u64 bytes) { return kSizeClassTable.of[(bytes + 7) / 8]; }

}  // namespace heddle::lisp
