// Under AddressSanitizer, cells of the heap that hold no object are poisoned: whoever still uses an object that was
// collected is found. Elsewhere this is nothing.
#pragma once

#include "heddle/types.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEDDLE_POISON 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HEDDLE_POISON 1
#endif

#ifdef HEDDLE_POISON
#include <sanitizer/asan_interface.h>
#endif

namespace heddle::lisp {

inline void poison([[maybe_unused]] const void* address, [[maybe_unused]] u64 bytes) {
#ifdef HEDDLE_POISON
  ASAN_POISON_MEMORY_REGION(address, bytes);
#endif
}
inline void unpoison([[maybe_unused]] const void* address, [[maybe_unused]] u64 bytes) {
#ifdef HEDDLE_POISON
  ASAN_UNPOISON_MEMORY_REGION(address, bytes);
#endif
}

}  // namespace heddle::lisp
